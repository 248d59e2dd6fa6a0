"""Rich displays as mime bundles: whole HTML that says the same without CSS, harmless whatever is in it."""

from __future__ import annotations

import asyncio
import gc
from dataclasses import dataclass
from typing import Any

import pytest

from llmcompiler import (
    Cancelled,
    Failed,
    LLMCompiler,
    Plan,
    RunResult,
    Skipped,
    Succeeded,
    TaskResult,
    Tool,
    ToolError,
    tool,
)
from llmcompiler.diagnostics import Diagnostic
from llmcompiler.result import Note
from tests.notebook.reading import ATTACKS, CONTROL, check_svg, read


@tool
async def double(x: int) -> int:
    """Twice the number."""
    return 2 * x


@tool
async def fail(x: int) -> int:
    """Never works."""
    raise ToolError(f"no {x} today")


@tool
async def echo(text: str) -> str:
    """The text."""
    return text


PLAN = "1. double(4)\n2. double($1)\n3. for n in [1, 2, 3]: double(n)\n4. fail(7)\n5. double($4)\njoin($2)"


def show(thing: Any) -> tuple[Any, str]:
    made = thing._repr_mimebundle_()
    assert not CONTROL.search(made["text/plain"])
    return read(made["text/html"]), made["text/plain"]


def finished() -> RunResult:
    return LLMCompiler(tools=[double, fail, echo]).execute_sync(PLAN, question="")


def test_a_plan_shows_its_graph_and_its_text() -> None:
    made = Plan.parse(PLAN)._repr_mimebundle_()
    seen = read(made["text/html"])
    assert "5 calls" in seen.text
    assert "2. double($1)" in seen.text
    assert made["text/plain"] == str(Plan.parse(PLAN))
    drawn = check_svg(made["image/svg+xml"])
    assert "double" in drawn
    assert len(seen.pictures) == 1
    assert "5 calls" in seen.alts[0]


def test_a_plan_without_tasks_has_no_picture() -> None:
    made = Plan.parse("join()")._repr_mimebundle_()
    seen = read(made["text/html"])
    assert not seen.pictures
    assert "no calls" in seen.text
    assert "image/svg+xml" not in made


def test_a_result_shows_answer_times_timeline_tasks_and_graph() -> None:
    seen, plain = show(LLMCompiler(tools=[double, fail]).execute_sync(PLAN))
    for said in ("answered", "16", "total", "one by one", "no 7 today", "Graph", "Tasks"):
        assert said in seen.text, said
    assert len(seen.pictures) == 2
    assert "3 of 5 calls done, 1 failed, 1 skipped" in seen.text
    assert "16" in plain
    assert "fail(7)" in plain
    assert "no 7 today" in plain


def test_the_static_form_reads_without_any_css() -> None:
    """States are words, numbers stand in tables: nothing is told by a class or a colour alone."""
    seen, _ = show(LLMCompiler(tools=[double, fail]).execute_sync(PLAN))
    assert "✗ failed" in seen.text
    assert "↷ skipped" in seen.text
    assert "✓ done" in seen.text
    assert "table" in seen.tags
    html = LLMCompiler(tools=[double]).execute_sync("1. double(1)\njoin($1)")._repr_mimebundle_()["text/html"]
    assert "<script" not in html
    assert (
        "<svg" not in html
    )  # a notebook that is not trusted loses inline SVG, and keeps its labels as loose words


def test_a_failed_run_shows_why_and_what_was_done() -> None:
    result = LLMCompiler(tools=[double, fail]).execute_sync("1. double(2)\n2. fail(1)\njoin($2)")
    assert result.error is not None
    seen, plain = show(result)
    assert "✗ failed" in seen.text
    assert type(result.error).__name__ in seen.text
    assert type(result.error).__name__ in plain
    assert "double(2)" in seen.text


async def test_a_run_that_goes_on_and_one_that_was_cancelled() -> None:
    begun, never = asyncio.Event(), asyncio.Event()

    @tool
    async def wait() -> str:
        """Wait."""
        begun.set()
        await never.wait()
        return "never"

    run = LLMCompiler(tools=[wait]).start(plan="1. wait()\njoin($1)")
    await begun.wait()
    seen, plain = show(run)
    assert "▶ running" in seen.text
    assert "wait()" in seen.text
    assert "running" in plain
    show(run.result)
    await run.aclose()
    for ended in (run, run.result, run.result.tasks[1]):
        seen, plain = show(ended)
        assert "cancelled" in seen.text
        assert "cancelled" in plain
        assert "▶ running" not in seen.text


def test_a_result_with_nothing_in_it() -> None:
    seen, _ = show(RunResult("r", ""))
    assert not seen.pictures
    seen, _ = show(LLMCompiler(tools=[double]).execute_sync("join()"))
    assert "no calls" in seen.text or "answered" in seen.text


@pytest.mark.parametrize(
    ("outcome", "said"),
    [
        (Succeeded(3), "3"),
        (Succeeded("two\nlines"), "two lines"),
        (Succeeded([{"city": "Oslo", "people": 7}, {"city": "Rome"}]), "city people Oslo 7 Rome"),
        (Succeeded(None), "null"),
        (Succeeded(b"12"), "<2 bytes>"),
        (Failed(ToolError("no luck")), "ToolError: no luck"),
        (Skipped(4), "because of task 4"),
        (Skipped(4, "its condition is false"), "its condition is false"),
        (Cancelled("the run ended"), "the run ended"),
        (Cancelled(), "cancelled"),
    ],
)
def test_outcomes(outcome: Any, said: str) -> None:
    seen, plain = show(outcome)
    assert said in seen.text
    assert type(outcome).__name__ in plain


def test_a_task_shows_its_call_its_times_and_its_items() -> None:
    result = LLMCompiler(tools=[double, fail], on_item_error="skip").execute_sync(
        "1. for n in [1, 2, 3]: double(n)\njoin($1)"
    )
    seen, plain = show(result.tasks[1])
    assert "for n in [1, 2, 3]: double(n)" in seen.text
    assert "item state took result" in seen.text
    assert "for n in [1, 2, 3]: double(n)" in plain


def test_explanations_are_texts_and_show_their_lines() -> None:
    plan = Plan.parse("1. a()\n2. b($1)")
    told = plan.explain()
    assert isinstance(told, str)
    assert "Critical path" in told
    seen, plain = show(told)
    assert plain == told
    assert "pre" in seen.tags
    result = LLMCompiler(tools=[double]).execute_sync("1. double(1)\njoin($1)")
    assert show(result.explain())[1] == result.explain()


@pytest.mark.parametrize("attack", ATTACKS, ids=range(len(ATTACKS)))
def test_nothing_from_outside_is_ever_markup(attack: str) -> None:
    result = hostile(attack)
    made = [result, *result.plans, *result.tasks.values()]
    made += [t.outcome for t in result.tasks.values()]
    made += [Skipped(1, attack), Cancelled(attack), Failed(RuntimeError(attack)), Succeeded({attack: attack})]
    made += [Succeeded([{attack: attack, "k": [attack]}]), Plan.parse("1. a()").explain().__class__(attack)]
    for thing in made:
        bundle = thing._repr_mimebundle_()
        seen = read(bundle["text/html"])
        assert not CONTROL.search(bundle["text/plain"])
        if not isinstance(thing, str):  # an explanation is shown whole
            assert len(bundle["text/plain"]) < 20_000
            assert len(bundle["text/html"]) < 200_000
        assert "script" not in seen.tags
        for name in ("image/svg+xml",):
            if name in bundle:
                check_svg(bundle[name])


def hostile(attack: str) -> RunResult:
    """A run with `attack` in every field that comes from outside."""

    @tool
    async def shout(text: str) -> str:
        """Raise it."""
        raise ToolError(text)

    plan = Plan.parse('1. echo("x")\n2. shout("x")\n3. for v in ["x"]: echo(v)\n4. if $1 == "x": echo($2)')
    tasks = [
        type(t)(
            t.id,
            t.tool,
            {k: attack if v == "x" else v for k, v in t.args.items()},
            None if t.each is None else type(t.each)(t.each.name, [attack]),
            t.when,
            attack,
        )
        for t in plan.tasks
    ]
    result = LLMCompiler(tools=[echo, shout]).execute_sync(Plan(tuple(tasks), plan.join))
    result.question = attack
    result.output = attack
    result.thoughts.append(attack)
    result.feedback.append(attack)
    result.notes.append(Note(attack, 1, attack))
    result.diagnostics.append(Diagnostic(attack, attack, 1, 1, attack, "error", 1))
    result.error = RuntimeError(attack)
    return result


def test_values_are_cut_and_broken_ones_are_shown_somehow() -> None:
    class Broken:
        def __repr__(self) -> str:
            raise RuntimeError("no")

    class BrokenError(Exception):
        def __str__(self) -> str:
            raise RuntimeError("no")

    @dataclass
    class Record:
        name: str

    cycle: list[Any] = []
    cycle.append(cycle)
    for value in (
        Broken(),
        cycle,
        {"k": Broken()},
        Record("x"),
        "y" * 3_000_000,
        list(range(1_000_000)),
        10**9999,
    ):
        made = Succeeded(value)._repr_mimebundle_()
        read(made["text/html"])
        assert len(made["text/html"]) < 50_000
        assert len(made["text/plain"]) < 20_000
    seen, _ = show(Failed(BrokenError()))
    assert "BrokenError" in seen.text


def test_many_tasks_and_long_plans_stay_small() -> None:
    lines = "\n".join(f"{i}. double({i})" for i in range(1, 2_001))
    plan = Plan.parse(lines, tools=[double])
    made = plan._repr_mimebundle_()
    assert len(made["text/html"]) < 400_000
    assert "lines more" in made["text/plain"]
    seen, plain = show(LLMCompiler(tools=[double]).execute_sync(plan))
    assert "tasks more" in seen.text
    assert plain.count("\n") < 60


def test_ipython_gets_the_types_it_asks_for() -> None:
    plan = Plan.parse("1. a()")
    assert set(plan._repr_mimebundle_(include={"text/plain"})) == {"text/plain"}
    assert "text/html" not in plan._repr_mimebundle_(exclude={"text/html"})


def test_a_picture_that_fails_leaves_the_text(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    import llmcompiler.notebook.displays as displays

    def broken(*_: object) -> str:
        raise RuntimeError("no picture")

    monkeypatch.setattr(displays, "graph", broken)
    made = Plan.parse("1. a()")._repr_mimebundle_()
    assert list(made) == ["text/plain"]
    assert "Plan" in made["text/plain"]
    assert "can not be shown" in caplog.text


def test_tools_given_by_schema_may_be_called_anything_their_names_allow() -> None:
    named = Tool.from_schema("look-up.now", {"type": "object", "properties": {}}, lambda: 1, description="d")
    result = LLMCompiler(tools=[named]).execute_sync(Plan.parse("1. look-up.now()\njoin($1)", tools=[named]))
    seen, _ = show(result)
    assert "look-up.now" in seen.text


def test_task_results_are_what_the_result_holds() -> None:
    gc.collect()
    result = LLMCompiler(tools=[double]).execute_sync("1. double(1)\njoin($1)")
    assert isinstance(result.tasks[1], TaskResult)
    seen, _ = show(result.tasks[1])
    assert "1. double(1)" in seen.text
