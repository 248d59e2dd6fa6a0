"""Every limit of a run: it is kept, what was found is not lost, and without an answer the error holds all of it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from llmcompiler import (
    Answer,
    Cancelled,
    ConfigurationError,
    Failed,
    Join,
    JoinContext,
    LimitExceeded,
    Limits,
    LLMCompiler,
    OpenAIModel,
    PlanContext,
    Replan,
    RunResult,
    Skipped,
    Succeeded,
    Task,
    TaskStarted,
    Usage,
    tool,
)
from llmcompiler.testing import RecordingReporter, ScriptedModel, ScriptedPlanner, run_virtual
from tests.support.scripted_run import Run, ScriptedJoiner, call, nap

ASKED = 10
"""Rounds the planner of these tests would go on for."""


@tool
async def look(x: int) -> int:
    return x


@tool
async def many(n: int) -> list[int]:
    return list(range(n))


class Model:
    """Has a price, as models do: a dollar for a million tokens."""

    name = "made-up"
    prices = (1.0, 1.0)


class Eager:
    """Plans one call after another, each round anew, and wants to go on for ever. Counts what it uses of a model."""

    model = Model()

    def __init__(self, *, stubborn: bool = False) -> None:
        self.rounds = 0
        self.contexts: list[JoinContext] = []
        self.stubborn = stubborn

    async def plan(self, context: PlanContext) -> AsyncIterator[Any]:
        context.allow_call()
        self.rounds += 1
        yield Task(context.next_id, "look", {"x": self.rounds})
        context.usage(Usage(1, 500_000, 0))
        yield call(context.next_id + 1, 1, self.rounds)
        yield Join()

    async def join(self, context: JoinContext) -> Any:
        context.allow_call()
        context.usage(Usage(1, 500_000, 0))
        self.contexts.append(context)
        return Answer("best") if context.final and not self.stubborn else Replan("more")


LIMITS = [
    (Limits(tasks=3), "tasks", 3),
    (Limits(tasks_per_tool=2), "tasks_per_tool", 4),
    (Limits(tasks_per_tool={"nap": 2}), "tasks_per_tool", 5),
    (Limits(rounds=2), "rounds", 4),
    (Limits(model_calls=4), "model_calls", 4),
    (Limits(tokens=1_500_000), "tokens", 4),
    (Limits(cost=1.5), "cost", 4),
    (Limits(seconds=2.5), "seconds", 6),
]


def ask(eager: Eager, limits: Limits, **options: Any) -> RunResult:
    compiler = LLMCompiler([nap, look], planner=eager, joiner=eager, max_replans=ASKED, **options)
    return run_virtual(compiler.run("why?", limits=limits))


@pytest.mark.parametrize(("limits", "name", "tasks"), LIMITS, ids=lambda v: v if isinstance(v, str) else "")
def test_a_run_that_reaches_a_limit_ends_with_the_best_answer(limits: Limits, name: str, tasks: int) -> None:
    eager = Eager()
    result = ask(eager, limits)
    assert (result.output, result.ok, len(result.tasks)) == ("best", True, tasks)
    last = eager.contexts[-1]
    assert last.final
    words = {"seconds": "time (2.5 s) was up", "cost": "$1.5", "model_calls": "one more model call"}
    assert words.get(name, name if name != "tasks_per_tool" else "2 calls of `") in last.reason
    assert [c.final for c in eager.contexts[:-1]] == [False] * (len(eager.contexts) - 1)


@pytest.mark.parametrize(("limits", "name", "tasks"), LIMITS, ids=lambda v: v if isinstance(v, str) else "")
def test_without_an_answer_the_error_says_which_and_holds_the_results(
    limits: Limits, name: str, tasks: int
) -> None:
    with pytest.raises(LimitExceeded) as caught:
        ask(Eager(stubborn=True), limits)
    assert caught.value.limit == name
    assert f"Limits({name}=...)" in str(caught.value)
    result = caught.value.result
    assert result is not None
    assert result.error is caught.value
    assert len(result.tasks) == tasks
    done = [t for t in result.tasks.values() if isinstance(t.outcome, Succeeded)]
    assert len(done) >= tasks - 1
    assert result.usage.model_calls > 0


def test_a_planner_that_gets_no_model_call_at_all_leaves_nothing_to_answer_from() -> None:
    class Greedy(Eager):
        async def plan(self, context: PlanContext) -> AsyncIterator[Any]:
            for _ in range(5):
                context.allow_call()
            yield Join()

    with pytest.raises(LimitExceeded, match="4 model_calls") as caught:
        ask(Greedy(), Limits(model_calls=4))
    assert caught.value.result is not None
    assert caught.value.result.tasks == {}


@pytest.mark.parametrize(("rounds", "replans", "made"), [(1, 5, 1), (3, 5, 3), (5, 1, 2), (2, 1, 2)])
def test_of_rounds_and_replans_the_smaller_counts(rounds: int, replans: int, made: int) -> None:
    eager = Eager()
    compiler = LLMCompiler([nap, look], planner=eager, joiner=eager, max_replans=replans)
    result = run_virtual(compiler.run("why?", limits=Limits(rounds=rounds)))
    assert (result.output, len(result.plans), eager.rounds) == ("best", made, made)
    # What the number of replans ends needs no reason: the joiner knows the round.
    assert ("rounds" in eager.contexts[-1].reason) == (rounds <= replans)


def test_a_call_that_is_not_made_again_counts_for_nothing() -> None:
    run = Run(
        [[call(1, 1, "a"), Join()], [call(2, 1, "a"), call(3, 1, "b"), Join()]],
        Replan("again"),
        Answer("done"),
        limits=Limits(tasks_per_tool={"nap": 2}),
    )
    assert run.result.output == "done"
    assert run.result.values == {1: "a", 2: "a", 3: "b"}
    assert not run.joiner.contexts[-1].reason


def test_the_call_too_many_is_never_made() -> None:
    run = Run([[*[call(i, 1, i) for i in range(1, 9)], Join()]], limits=Limits(tasks_per_tool={"nap": 3}))
    assert sorted(run.started()) == [1, 2, 3]
    assert sorted(run.result.tasks) == [1, 2, 3]
    assert "3 calls of `nap`" in run.joiner.contexts[0].reason


def test_plan_only_stops_at_the_limit_of_a_tool() -> None:
    planner = ScriptedPlanner([[call(1, 1), call(2, 1), Join()]])
    compiler = LLMCompiler([nap], planner=planner, joiner=ScriptedJoiner())
    with pytest.raises(LimitExceeded, match="1 call of `nap`"):
        run_virtual(compiler.plan("why?", limits=Limits(tasks_per_tool=1)))


# -- plans that are given ------------------------------------------------------------


def execute(plan: str, limits: Limits, **options: Any) -> tuple[RunResult, RecordingReporter]:
    reporter = RecordingReporter()
    compiler = LLMCompiler([nap, look, many], reporters=[reporter], joiner=ScriptedJoiner(Answer("best")))
    return run_virtual(compiler.execute(plan, limits=limits, **options)), reporter


def test_of_a_plan_that_is_given_the_calls_too_many_fail_by_themselves() -> None:
    plan = "1. look(1)\n2. look(2)\n3. look(3)\n4. nap(1, $3)\n5. nap(1, $1)\njoin()"
    result, reporter = execute(plan, Limits(tasks_per_tool={"look": 2}))
    assert result.output == {2: 2, 5: 1}
    refused = result.tasks[3].outcome
    assert isinstance(refused, Failed)
    assert isinstance(refused.error, LimitExceeded)
    assert "2 calls of `look`" in str(refused.error)
    assert isinstance(result.tasks[4].outcome, Skipped)
    assert sorted(e.task_id for e in reporter.of(TaskStarted)) == [1, 2, 5]
    result, _ = execute(plan.replace("join()", "join($3)"), Limits(tasks_per_tool={"look": 2}))
    assert isinstance(result.error, LimitExceeded)
    assert result.values == {1: 1, 2: 2, 5: 1}
    result, _ = execute(plan, Limits(tasks_per_tool={"look": 2}), question="why?")
    assert result.output == "best"


@pytest.mark.parametrize(
    ("limits", "name"),
    [
        (Limits(expansion=3), "expansion"),
        (Limits(tasks_per_tool={"look": 3}), "tasks_per_tool"),
        (Limits(tasks_per_tool=3), "tasks_per_tool"),
    ],
)
def test_a_for_over_too_many_items_calls_none_of_them(limits: Limits, name: str) -> None:
    plan = "1. many({n})\n2. for x in $1: look($x)\n3. nap(1, 7)\njoin()"
    result, reporter = execute(plan.replace("{n}", "4").replace("$x", "x"), limits)
    assert result.output == {3: 7}
    refused = result.tasks[2].outcome
    assert isinstance(refused, Failed)
    assert isinstance(refused.error, LimitExceeded)
    assert refused.error.limit == name
    assert sorted(e.task_id for e in reporter.of(TaskStarted)) == [1, 3]
    result, _ = execute(plan.replace("{n}", "3").replace("$x", "x"), limits)
    assert result.output == {2: [0, 1, 2], 3: 7}


def test_items_of_a_for_that_was_planned_count() -> None:
    plan = "1. many(3)\n2. for x in $1: look(x)\njoin()"
    joiner = ScriptedJoiner(Replan("more"), Answer("best"))
    compiler = LLMCompiler(
        [look, many], planner=ScriptedPlanner([plan, "3. look(7)\n4. look(8)\njoin()"]), joiner=joiner
    )
    result = run_virtual(compiler.run("why?", limits=Limits(tasks_per_tool={"look": 4})))
    assert result.output == "best"
    assert result.values == {1: [0, 1, 2], 2: [0, 1, 2], 3: 7}
    assert "4 calls of `look`" in joiner.contexts[-1].reason


def test_the_time_of_a_plan_that_is_given() -> None:
    plan = '1. nap(1, "kept")\n2. nap(99)\n'
    result, _ = execute(plan + "join()", Limits(seconds=5))
    assert result.output == {1: "kept"}
    result, _ = execute(plan + "join($1)", Limits(seconds=5))
    assert result.output == "kept"
    result, _ = execute(plan + "join($2)", Limits(seconds=5))
    assert isinstance(result.error, LimitExceeded)
    assert result.error.limit == "seconds"
    assert result.values == {1: "kept"}
    assert isinstance(result.tasks[2].outcome, Cancelled)
    result, _ = execute(plan + "join()", Limits(seconds=5), question="why?")
    assert result.output == "best"


def test_limits_on_models_leave_the_one_answer_of_a_given_plan_alone() -> None:
    for limits in (
        Limits(model_calls=1),
        Limits(tokens=1),
        Limits(cost=1e-9),
        Limits(rounds=1),
        Limits(tasks=1),
    ):
        eager = Eager()
        compiler = LLMCompiler([look], joiner=eager)
        result = run_virtual(compiler.execute("1. look(1)\n2. look(2)", question="why?", limits=limits))
        assert (result.output, result.values) == ("best", {1: 1, 2: 2})

    class Twice(Eager):
        async def join(self, context: JoinContext) -> Any:
            context.allow_call()
            return await super().join(context)

    compiler = LLMCompiler([look], joiner=Twice())
    with pytest.raises(LimitExceeded, match="1 model_calls") as caught:
        run_virtual(compiler.execute("1. look(1)", question="why?", limits=Limits(model_calls=1)))
    assert caught.value.result is not None
    assert caught.value.result.values == {1: 1}


# -- money ---------------------------------------------------------------------------


def scripted(name: str, **attributes: Any) -> ScriptedModel:
    model = ScriptedModel(["1. look(1)\njoin($1)"], name=name)
    for attribute, value in attributes.items():
        setattr(model, attribute, value)
    return model


def cost(model: Any, limits: Limits | None = None) -> float | None:
    return run_virtual(LLMCompiler([look], model=model).run("why?", limits=limits)).usage.cost


def test_the_price_goes_by_the_name_of_the_model() -> None:
    cheap, dear = cost(scripted("gpt-4o-mini")), cost(scripted("gpt-4o"))
    assert cheap is not None
    assert dear is not None
    assert 0 < cheap < dear < 1
    assert cost(scripted("openai/gpt-4o")) == pytest.approx(dear)


def test_prices_of_ones_own_win() -> None:
    model = scripted("gpt-4o", prices=(1e6, 0.0))
    result = run_virtual(LLMCompiler([look], model=model).run("why?"))
    assert result.usage.cost == result.usage.prompt_tokens
    assert cost(scripted("any", prices=(0, 0))) == 0.0
    with pytest.raises(ConfigurationError, match=r"prices=\(1,\): give"):
        cost(scripted("any", prices=(1,)))


def test_a_price_that_nobody_knows_is_none_and_no_limit_can_be_kept_by_it() -> None:
    model = scripted("nobody-knows-it")
    assert cost(model) is None
    model = scripted("nobody-knows-it")
    with pytest.raises(ConfigurationError, match="price of the model `nobody-knows-it`.*prices="):
        cost(model, Limits(cost=1))
    assert model.requests == []
    compiler = LLMCompiler([look], model=model)
    for work in (compiler.plan, compiler.run):
        with pytest.raises(ConfigurationError, match="not known"):
            run_virtual(work("why?", limits=Limits(cost=1)))
    with pytest.raises(ConfigurationError, match="not known"):
        run_virtual(compiler.execute("1. look(1)", question="why?", limits=Limits(cost=1)))
    assert run_virtual(compiler.execute("1. look(1)\njoin($1)", limits=Limits(cost=1))).output == 1


def test_without_the_package_the_error_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("llmcompiler.prices._has_package", lambda: False)
    assert cost(scripted("gpt-4o")) is None
    with pytest.raises(ConfigurationError, match=r"llmcompiler-runtime\[prices\]"):
        cost(scripted("gpt-4o"), Limits(cost=1))
    assert cost(scripted("gpt-4o", prices=(1, 1)), Limits(cost=1)) is not None


def test_prices_are_looked_up_without_a_server(monkeypatch: pytest.MonkeyPatch) -> None:
    from llmcompiler import prices

    prices._by_name.cache_clear()

    def refuse(*args: Any, **kwargs: Any) -> None:
        raise AssertionError("prices must not be asked for over the network")

    monkeypatch.setattr("socket.socket.connect", refuse)
    monkeypatch.setattr("socket.getaddrinfo", refuse)
    assert prices.pricing(scripted("gpt-4o")) is not None


@pytest.mark.parametrize(
    "prices", [1, "1,2", (1,), (1, 2, 3), (-1, 1), (1, float("nan")), (1, "2"), (True, 1)]
)
def test_prices_that_are_none(prices: Any) -> None:
    with pytest.raises(ConfigurationError, match="dollars for a million tokens in"):
        OpenAIModel("m", base_url="http://127.0.0.1:9/v1", prices=prices)


def test_models_with_prices_tell_them() -> None:
    from llmcompiler.prices import pricing

    own = pricing(OpenAIModel("m", base_url="http://127.0.0.1:9/v1", prices=(2, 8)))
    assert own is not None
    assert own(Usage(1, 1_000_000, 500_000)) == 6.0
    assert pricing(OpenAIModel("m", base_url="http://127.0.0.1:9/v1")) is None
    from llmcompiler.models import LocalModel

    assert LocalModel.prices == (0.0, 0.0)


def test_a_run_with_no_model_costs_nothing() -> None:
    assert LLMCompiler([look]).execute_sync("1. look(1)").usage == Usage(cost=0.0)


def test_the_summary_tells_the_cost() -> None:
    from llmcompiler import Timing
    from llmcompiler.terminal._draw import footer

    def told(cost: float | None) -> str:
        return "".join(footer(Timing(), Usage(1, 10, 10, cost), " ", 500))

    assert "cost $0.0021" in told(0.00213)
    assert "cost $12.35" in told(12.345678)
    assert "cost" not in told(0.0)
    assert "cost" not in told(None)
