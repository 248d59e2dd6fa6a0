"""The counting of model calls, tokens, money and tool calls, without a run."""

from __future__ import annotations

from typing import Any

import pytest

from llmcompiler import LimitExceeded, Limits, Usage
from llmcompiler.budget import Budget, Calls


def refused(what: Any, limit: str) -> LimitExceeded:
    with pytest.raises(LimitExceeded) as caught:
        what()
    assert caught.value.limit == limit
    assert f"Limits({limit}=...)" in str(caught.value)
    return caught.value


def test_model_calls_are_counted_and_some_are_kept() -> None:
    budget = Budget(Limits(model_calls=3))
    budget.allow(reserve=1)
    budget.allow(reserve=1)
    refused(lambda: budget.allow(reserve=1), "model_calls")
    assert budget.last_answer
    budget.allow_answer()
    refused(budget.allow_answer, "model_calls")
    assert budget.usage.model_calls == 3


@pytest.mark.parametrize(("limits", "limit"), [(Limits(tokens=10), "tokens"), (Limits(cost=0.5), "cost")])
def test_what_is_used_up_stops_planners_and_not_the_answer(limits: Limits, limit: str) -> None:
    budget = Budget(limits)
    budget.allow()
    budget.use(Usage(1, 4, 5, 0.499))
    budget.allow()
    budget.use(Usage(1, 1, 0, 0.001))
    refused(budget.allow, limit)
    budget.allow_answer()
    assert budget.usage == Usage(3, 5, 5, 0.5)


def test_money_by_the_models_price_where_the_usage_does_not_tell() -> None:
    budget = Budget(Limits(cost=1))
    budget.use(Usage(1, 10, 10), lambda usage: usage.tokens / 40)
    assert budget.usage.cost == 0.5
    budget.use(Usage(1, 10, 10, 0.25), lambda usage: 100.0)
    assert budget.usage.cost == 0.75
    budget.allow()


def test_a_limit_on_money_that_can_not_be_kept_is_not_passed_over() -> None:
    budget = Budget(Limits(cost=100))
    budget.allow()
    budget.use(Usage(1, 10, 10))
    assert budget.usage.cost is None
    assert "unknown cost" in str(refused(budget.allow, "cost"))
    budget.allow_answer()


def test_runs_inside_calls_count_but_not_their_model_calls() -> None:
    budget = Budget(Limits(model_calls=2, tokens=100, cost=1))
    budget.allow()
    budget.use_inside(Usage(30, 20, 20, 0.5))
    budget.allow()
    assert budget.usage == Usage(32, 20, 20, 0.5)
    budget = Budget(Limits(tokens=100))
    budget.use_inside(Usage(1, 60, 40, 0.0))
    refused(budget.allow, "tokens")
    budget = Budget(Limits(cost=0.5))
    budget.use_inside(Usage(1, 60, 40, 0.5))
    refused(budget.allow, "cost")


def test_usages_add_up() -> None:
    assert Usage().cost == 0
    assert Usage(model_calls=2).cost == 0
    assert Usage(1, 1, 1).cost is None
    assert Usage(1, 2, 3, 0.5) + Usage(1, 2, 3, 0.25) == Usage(2, 4, 6, 0.75)
    assert (Usage(1, 2, 3, 0.5) + Usage(1, 2, 3)).cost is None
    assert (Usage() + Usage(1, 2, 3, 0.5)).cost == 0.5
    assert Usage(1, 2, 3, 0.5).to_dict() == {
        "model_calls": 1,
        "prompt_tokens": 2,
        "completion_tokens": 3,
        "cost": 0.5,
    }


def test_calls_of_one_tool() -> None:
    calls = Calls(Limits(tasks_per_tool={"a": 2}))
    calls.allow("a")
    for _ in range(100):
        calls.allow("b")
    calls.allow("a")
    assert "2 calls of `a`" in str(refused(lambda: calls.allow("a"), "tasks_per_tool"))


def test_several_calls_are_allowed_all_or_none() -> None:
    calls = Calls(Limits(tasks_per_tool=5))
    calls.allow("a", 2)
    error = refused(lambda: calls.allow("a", 4), "tasks_per_tool")
    assert "3 of them are left, 4 were wanted" in str(error)
    calls.allow("a", 3)
    calls.allow("a", 0)
    refused(lambda: calls.allow("a", 1), "tasks_per_tool")


def test_items_of_a_for() -> None:
    calls = Calls(Limits())
    calls.expand("a", 1_000)
    error = refused(lambda: calls.expand("a", 1_001), "expansion")
    assert error.allowed == 1_000
    assert "1,001 items of `a`" in str(error)
    Calls(Limits(expansion=None)).expand("a", 10**9)
