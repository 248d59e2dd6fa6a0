"""Joiners without a model, and the package's own names."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest
from planner_kit import Peak, join_context, seen
from pydantic import BaseModel

import llmcompiler_planners
from llmcompiler.errors import ModelReplyInvalid
from llmcompiler.outcomes import Cancelled, Skipped
from llmcompiler.protocols import Answer, Joiner, Planner
from llmcompiler.testing import ScriptedModel
from llmcompiler.values import Ref
from llmcompiler_planners import TableJoiner, ValuesJoiner, default_joiner, default_planner, observation_table


class Out(BaseModel):
    name: str
    height: int


async def _join(joiner: Joiner, *observations: Any, **changes: Any) -> Any:
    context, _, _ = join_context(observations=observations, **changes)
    decision = await joiner.join(context)
    assert isinstance(decision, Answer)
    return decision.output


async def test_values_are_those_that_nothing_depends_on() -> None:
    chain = [seen(1, 5), seen(2, 6), seen(3, 30, name="calculate", expression=[Ref(1), Ref(2)]), seen(4, "x")]
    assert await _join(ValuesJoiner(), *chain) == {3: 30, 4: "x"}


async def test_failed_tasks_have_no_value() -> None:
    assert await _join(ValuesJoiner(), seen(1, ValueError("x")), seen(2, 7), seen(3, Skipped(1))) == {2: 7}
    assert await _join(ValuesJoiner()) == {}


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        (int, 7, 7),
        (float, "7.5", 7.5),
        (Out, Peak("K2", 8611), Out(name="K2", height=8611)),
        (dict[int, int], 7, {1: 7}),
    ],
)
async def test_a_single_value_is_made_into_the_output_type(kind: Any, value: Any, expected: Any) -> None:
    assert await _join(ValuesJoiner(), seen(1, value), output_type=kind) == expected


async def test_values_that_do_not_fit_are_a_clear_error() -> None:
    with pytest.raises(ModelReplyInvalid, match=r"tasks 1, 2 do not fit .* join\(\$n\)"):
        await _join(ValuesJoiner(), seen(1, 1), seen(2, 2), output_type=int)


async def test_the_table_shows_everything_for_people() -> None:
    observations = [
        seen(1, "8,611 m\nhigh", query="K2"),
        seen(2, Peak("K2", 8611)),
        seen(3, ValueError("no such peak")),
        seen(4, Skipped(3)),
        seen(5, Cancelled("out of time")),
    ]
    text = await _join(TableJoiner(), *observations)
    assert text.splitlines() == [
        'search(query="K2"): 8,611 m high',
        'search(): {"name":"K2","height":8611}',
        'search(): failed: "no such peak"',
        "search(): skipped, because task 3 gave nothing",
        "search(): cancelled: out of time",
    ]
    assert await _join(TableJoiner(), seen(1, 7), output_type=int) == 7
    assert observation_table([]) == "No calls were made."


async def test_the_table_goes_out_as_the_answers_text() -> None:
    context, _, deltas = join_context()
    decision = await TableJoiner().join(context)
    assert decision == Answer("".join(deltas))


def test_every_public_name_is_there() -> None:
    for name in llmcompiler_planners.__all__:
        assert getattr(llmcompiler_planners, name).__name__ == name
    assert set(dir(llmcompiler_planners)) == set(llmcompiler_planners.__all__)
    with pytest.raises(AttributeError, match="NoSuchPlanner"):
        _ = llmcompiler_planners.NoSuchPlanner


def test_the_defaults_for_a_model_that_writes_text() -> None:
    model = ScriptedModel()
    planner, joiner = default_planner(model), default_joiner(model)
    assert type(planner).__name__ == "TextPlanner"
    assert type(joiner).__name__ == "ModelJoiner"
    assert isinstance(planner, Planner)
    assert isinstance(joiner, Joiner)


def test_importing_the_package_loads_nothing_else() -> None:
    names = "[m for m in sys.modules if m.startswith(('llmcompiler.', 'pydantic'))]"
    code = f"import sys, llmcompiler_planners; print({names})"
    path = {"PYTHONPATH": ":".join(p for p in sys.path if p)}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=path, timeout=60, check=True
    )
    assert done.stdout.strip() == "[]"
