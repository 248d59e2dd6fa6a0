"""Replies that were written to break the readers of plans: lost, doubled, early and altered calls, and slow reading."""

from __future__ import annotations

import asyncio
from itertools import permutations
from typing import Any

import pytest

from llmcompiler import LLMCompiler, ToolRegistry
from llmcompiler.models import ModelChunk, ToolCall, ToolCallDelta
from llmcompiler.testing import ScriptedModel
from llmcompiler_planners import LocalPlanner, PlanCache, TextPlanner, default_planner
from llmcompiler_planners.cached import CachedPlanner
from llmcompiler_planners.call_deltas import CallAssembler
from llmcompiler_planners.json_plan import read_json_plan
from llmcompiler_planners.pycode import read_python_plan
from llmcompiler_planners.selection import BM25Selector
from llmcompiler_planners.steps import read_step
from llmcompiler_planners.toolcalls import read_tool_calls


def look(place: str = "here") -> str:
    """Look."""
    return f"seen {place}"


def delete(path: str = "/") -> str:
    """Delete."""
    return path


TOOLS = ToolRegistry([look, delete])


def whole(*deltas: ToolCallDelta) -> list[tuple[int, str, str]]:
    assembler = CallAssembler()
    found = [call for delta in deltas for call in assembler.feed([delta])]
    return [(c.position, c.name, c.arguments) for c in [*found, *assembler.close()]]


# -- native calls ----------------------------------------------------------------------------------


@pytest.mark.parametrize("order", sorted(set(permutations([0, 0, 1, 1]))))
def test_pieces_of_calls_that_come_by_turns_belong_to_their_own_call(order: tuple[int, ...]) -> None:
    pieces = {0: ['{"a"', ": 1}"], 1: ['{"b"', ": 2}"]}
    deltas = [ToolCallDelta(0, "x", "f"), ToolCallDelta(1, "y", "g")]
    deltas += [ToolCallDelta(i, arguments=pieces[i].pop(0)) for i in order]
    assert whole(*deltas) == [(0, "f", '{"a": 1}'), (1, "g", '{"b": 2}')]


def test_a_call_does_not_run_without_the_arguments_that_come_after_the_next_one_began() -> None:
    deltas = (
        ToolCallDelta(0, "x", "delete", ""),
        ToolCallDelta(1, "y", "look", ""),
        ToolCallDelta(1, arguments='{"place": "b"}'),
        ToolCallDelta(0, arguments='{"path": "a"}'),
    )
    model = ScriptedModel(
        [[(0.0, ModelChunk(tool_calls=(d,))) for d in deltas], "done"], features=["chat", "tools"]
    )
    result = LLMCompiler(TOOLS, model=model, planner="tools").run_sync("go")
    assert [t.outcome.value for t in result.tasks.values()] == ["a", "seen b"]  # type: ignore[union-attr]


@pytest.mark.parametrize("size", [1, 2, 3, 100])
def test_an_empty_object_before_the_arguments_is_not_taken_for_them(size: int) -> None:
    text = '{}{"path": "a"}'
    deltas = [ToolCallDelta(0, "x", "f")]
    deltas += [ToolCallDelta(0, arguments=text[i : i + size]) for i in range(0, len(text), size)]
    assert whole(*deltas) == [(0, "f", '{"path": "a"}')]


@pytest.mark.parametrize("size", [1, 2, 5, 100])
def test_what_stands_behind_arguments_is_the_same_in_every_chunking_and_is_told(size: int) -> None:
    text = '{"a": 1} {"a": 2}'
    assembler = CallAssembler()
    found = [*assembler.feed([ToolCallDelta(0, "x", "f")])]
    for i in range(0, len(text), size):
        found += assembler.feed([ToolCallDelta(0, arguments=text[i : i + size])])
    found += assembler.close()
    assert [c.arguments for c in found] == ['{"a": 1}']
    assert assembler.trailing == [0]


def test_calls_with_one_index_and_several_ids_are_several() -> None:
    deltas = (ToolCallDelta(0, "x", "f", '{"a": 1}'), ToolCallDelta(0, "y", "g", '{"b": 2}'))
    assert whole(*deltas) == [(0, "f", '{"a": 1}'), (1, "g", '{"b": 2}')]


def test_arguments_that_are_escaped_quotes_without_an_end_are_read_in_linear_time() -> None:
    plan, problems = read_tool_calls([ToolCall("1", "f", '{"a": "' + '\\"' * 200_000)])
    assert not plan.tasks
    assert problems[0].code == "syntax"


# -- JSON ------------------------------------------------------------------------------------------


def test_a_second_list_of_tasks_is_not_lost() -> None:
    text = '{"tasks": [{"id": 1, "tool": "f"}], "tasks": [{"id": 2, "tool": "g"}], "join": "$2"}'
    plan, _ = read_json_plan(text)
    assert [(t.id, t.tool) for t in plan.tasks] == [(1, "f"), (2, "g")]


def test_a_key_of_the_form_counts_before_another_spelling() -> None:
    task = '{"id": 1, "name": "a label", "parameters": {}, "tool": "f", "args": {"a": 1}}'
    plan, problems = read_json_plan(f'{{"tasks": [{task}], "join": ""}}')
    assert [(t.tool, t.args) for t in plan.tasks] == [("f", {"a": 1})]
    assert all(p.severity == "warning" for p in problems)


def test_a_text_that_looks_like_a_later_task_is_told_when_that_task_comes() -> None:
    tasks = '{"id": 1, "tool": "f", "args": {"a": "$2"}}, {"id": 2, "tool": "g", "args": {"a": "$5"}}'
    plan, problems = read_json_plan(f'{{"tasks": [{tasks}], "join": ""}}')
    assert plan.tasks[0].args == {"a": "$2"}
    assert [(p.code, p.severity, p.task_id) for p in problems] == [("forward-reference", "warning", 2)]


# -- Python ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "guard",
    [
        "assert a == 'x'",
        "raise ValueError",
        "if a == 'x':\n    raise ValueError(a)",
        "if a == 'x':\n    exit()",
        "import sys\nsys.exit(1)",
        "if a == 'x' >:\n    return a",
        "while a:\n    return a",
    ],
)
def test_no_call_runs_below_a_statement_that_may_end_the_program(guard: str) -> None:
    plan, problems = read_python_plan(f"a = look('x')\n{guard}\nb = delete('y')\ndelete(b)", TOOLS)
    assert [t.tool for t in plan.tasks] == ["look"]
    below = [p for p in problems if "may end the plan" in p.message]
    assert len(below) == 2
    assert all(p.severity == "error" and p.task_id is not None for p in below)


def test_other_statements_go_on_below_one_that_is_refused() -> None:
    plan, _ = read_python_plan("import os\nglobal a\nwhile True:\n    pass\ndelete('y')", TOOLS)
    assert [t.tool for t in plan.tasks] == ["delete"]


# -- ReAct -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        'Action: write("a\nAction: look(1)")',
        'Action: write("a", 12\nObservation: 5)',
        'Action: {"name": "look", "args": {"a=1, b": 2}}',
        'Action: {"name": "look(1)\\n2. delete", "args": {}}',
        'Action: {"name": "look", "args": {"a": 1, "a": 2}}',
        'Action: look\nAction Input: {"a": 1, "a": {"a": 2}}',
    ],
)
def test_a_step_never_calls_with_other_arguments_than_were_written(text: str) -> None:
    step = read_step(text, 1, (), {"look", "write", "delete"})
    assert step.task is None
    assert step.problem


def test_a_whole_call_before_a_made_up_observation_is_made() -> None:
    step = read_step('Action: look("a")\nObservation: seen', 1, (), {"look"})
    assert step.task is not None
    assert step.task.args == {"0": "a"}


# -- the rest --------------------------------------------------------------------------------------


@pytest.mark.parametrize("question", [" " * 200_000, "." * 200_000 + "x", ", " * 100_000, "\n" * 200_000])
def test_tools_are_chosen_in_linear_time(question: str) -> None:
    assert BM25Selector(k=1).select(question + "delete and look", TOOLS)


def test_auto_takes_the_local_planner_only_for_a_model_that_can_do_what_that_needs() -> None:
    assert isinstance(default_planner(ScriptedModel([], features=["chat", "adapter"])), TextPlanner)
    features = ["adapter", "completion", "grammar"]
    assert isinstance(default_planner(ScriptedModel([], features=features)), LocalPlanner)

    class Silent(ScriptedModel):
        features = None  # type: ignore[assignment]

    silent: Any = Silent([])
    assert isinstance(default_planner(silent), TextPlanner)


async def test_a_question_asked_by_several_runs_at_once_is_learned() -> None:
    cache = PlanCache()
    replies = [[(0.0, '1. look("Oslo")\n'), (0.01, "join($1)")]] * 5
    compiler = LLMCompiler([look], model=ScriptedModel(replies), plan_cache=cache)
    await asyncio.gather(*(compiler.run("What is to be seen in Oslo?") for _ in range(5)))
    assert len(cache) == 1
    assert isinstance(compiler.planner, CachedPlanner)
    assert not compiler.planner._asked
    assert (await compiler.run("What is to be seen in Bergen?")).output == "seen Bergen"
