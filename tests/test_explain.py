"""Plans and runs explained: what the texts must say, not how they are laid out."""

from __future__ import annotations

import asyncio
import re
from typing import Any

import pytest

from llmcompiler import (
    AsyncExecutor,
    Failed,
    Join,
    LLMCompiler,
    Passes,
    Plan,
    Ref,
    RunResult,
    Skipped,
    Succeeded,
    Task,
    TaskResult,
    ToolRegistry,
    tool,
)
from llmcompiler.explaining.plans import explain
from llmcompiler.guards import Truth
from llmcompiler.latencies import Latencies
from llmcompiler.plan import Each
from llmcompiler.result import ItemResult, Note, Spans
from llmcompiler.testing import ScriptedPlanner, run_virtual
from llmcompiler.values import Var

DIAMOND = Plan.parse(
    """
    1. search("Mount Everest")
    2. search("Kilimanjaro")
    3. divide($1.height, $2.height)
    4. unrelated()
    5. report("ratio ${3}", $1)
    join($5)
    """
)


def rows(text: str) -> dict[str, str]:
    """The lines of the table by task id."""
    return {line.split()[0]: line for line in text.splitlines()[1:] if re.match(r" *\d+  ", line)}


def checked(plan: Plan) -> Plan:
    """The plan as if it were checked against `TOOLS`: for tasks that the checker knows nothing of."""
    plan.__dict__["_checked"] = TOOLS
    return plan


# -- a plan without tools ----------------------------------------------------------------


def test_explain_says_what_waits_for_what() -> None:
    text = DIAMOND.explain()
    rows = {line.split()[0]: line for line in text.splitlines()[1:6]}
    assert re.search(r'search\("Mount Everest"\)\s+-\s+step 1 \*$', rows["1"])
    assert re.search(r"divide\(.*\)\s+1, 2\s+step 2 \*$", rows["3"])
    assert rows["4"].endswith("step 1")
    assert "5 calls in 3 steps, at most 3 at once." in text
    assert "1 -> 3 -> 5" in text
    assert "1.7 times faster" in text
    assert "The answer is $5; no joiner is asked." in text
    assert text.isascii()


def test_explain_of_one_call_says_no_more_than_there_is() -> None:
    text = Plan.parse("1. a()\njoin()").explain()
    assert "1 call in 1 step, at most 1 at once." in text
    assert "Critical" not in text
    assert "faster" not in text


def test_explain_of_no_call() -> None:
    assert "No calls" in Plan((), Join()).explain()


def test_explain_cuts_long_calls_and_keeps_one_line_each() -> None:
    plan = Plan.parse(f'1. a("{"x" * 5000}\\n\\n")\n2. b($1)')
    lines = plan.explain().splitlines()
    assert max(map(len, lines)) < 120
    assert lines[1].split()[0] == "1"
    assert lines[2].split()[0] == "2"


def test_latencies_need_no_tools() -> None:
    latencies = Latencies()
    latencies.observe("search", 2.0)
    latencies.observe("divide", 0.5)
    text = DIAMOND.explain(latencies=latencies)
    assert re.search(r"0\.00-2\.00 +0\.00 +\*$", rows(text)["1"])
    assert "resources" not in text


# -- a plan with tools ---------------------------------------------------------------------


@tool(effect="read", resource=lambda city: f"weather:{city}")
async def weather(city: str) -> float:
    """Degrees."""
    return 1.0


@tool(effect="pure")
def add(a: float, b: float) -> float:
    """A sum."""
    return a + b


@tool(
    effect="write", resource=lambda to, **_: f"mailbox:{to}", requires_approval=lambda to, **_: to == "boss"
)
async def mail(to: str, body: str) -> str:
    """Send."""
    return to


@tool(effect="read", resource="mailbox:ann")
async def inbox() -> list[str]:
    """Letters."""
    return []


@tool(effect="write", requires_approval=True)
async def deploy(tag: str = "") -> str:
    """Deploy."""
    return tag


@tool
async def search(query: str) -> Any:
    """Search."""


@tool(effect="write", resource=lambda path: {"read": ["disk"], "write": [f"file:{path}"]})
async def save(path: str) -> str:
    """Save."""
    return path


@tool(effect=lambda query: "write" if query.startswith("insert") else "read", resource="table")
async def sql(query: str) -> str:
    """Query."""
    return query


@tool(effect="write", resource=lambda key: [][1])
async def broken(key: str) -> str:
    """Its resource function raises."""
    return key


TOOLS = ToolRegistry([weather, add, mail, inbox, deploy, search, save, sql, broken])


def test_effects_and_resources_stand_beside_each_call() -> None:
    table = rows(
        Plan.parse(
            """
            1. weather("Oslo")
            2. add(1, 2)
            3. mail("ann", "x")
            4. deploy()
            5. search("x")
            6. save("a.txt")
            7. sql("insert x")
            8. mail($5, "x")
            """,
            tools=TOOLS,
        ).explain()
    )
    assert re.search(r" read +weather:Oslo ", table["1"])
    assert re.search(r" pure +- ", table["2"])
    assert re.search(r" write +mailbox:ann ", table["3"])
    assert re.search(r" write +everything ", table["4"])
    assert re.search(r" undeclared +- ", table["5"])
    assert re.search(r" write +file:a\.txt; reads disk ", table["6"])
    assert re.search(r" write +table ", table["7"])
    assert re.search(r" write +by its arguments ", table["8"])


def test_order_by_effects_is_a_column_of_its_own() -> None:
    text = Plan.parse(
        '1. mail("ann", "x")\n2. inbox()\n3. search("${2}")\n4. mail("ann", "y")', tools=TOOLS
    ).explain()
    table = rows(text)
    assert re.search(r"mailbox:ann +- +- +0-1 +0  \*", table["1"])
    assert re.search(r"mailbox:ann +- +1 +1-2 +0  \*", table["2"])
    assert re.search(r"- +2 +- +2-3 ", table["3"])
    assert re.search(r"mailbox:ann +- +2 +2-3 ", table["4"])
    assert "`after` is order" in text
    assert "4 calls in 3 steps" in text
    assert "Critical path (*): 1 -> 2 -> 3" in text


def test_no_column_for_order_where_there_is_none() -> None:
    text = Plan.parse('1. weather("Oslo")\n2. search("x")', tools=TOOLS).explain()
    assert "after" not in text


def test_approvals_are_told_as_far_as_they_are_known() -> None:
    text = Plan.parse(
        '1. mail("ann", "x")\n2. mail("boss", "x")\n3. mail($1, "x")\n4. deploy()', tools=TOOLS
    ).explain()
    table = rows(text)
    assert "approval" not in table["1"]
    assert table["2"].endswith("approval")
    assert table["3"].endswith("approval?")
    assert table["4"].endswith("approval")
    assert "Needs approval: 2, 4." in text
    assert "May need approval, by its arguments: 3." in text


def test_constants_are_pure_calls_with_known_inputs() -> None:
    table = rows(
        Plan.parse('1. add(1, 2)\n2. add($1, 3)\n3. weather("Oslo")\n4. add($3, 1)', tools=TOOLS).explain()
    )
    assert [i for i, line in table.items() if line.endswith("constant")] == ["1", "2"]


def test_what_will_fail_is_said() -> None:
    text = Plan.parse('1. broken("x")', tools=TOOLS).explain()
    assert "Task 1 will fail: the resource function of `broken` raised IndexError" in text


def test_predictions_in_seconds_under_the_cap() -> None:
    latencies = Latencies()
    latencies.observe("weather", 2.0)
    plan = Plan.parse("\n".join(f'{i}. weather("{i}")' for i in range(1, 5)), tools=TOOLS)
    text = plan.explain(latencies=latencies, concurrency=2)
    assert re.search(r"0\.00-2\.00 +0\.00", rows(text)["1"])
    assert re.search(r"2\.00-4\.00 +0\.00", rows(text)["4"])
    assert "Predicted: 2.00 s without caps, 4.00 s with 2 at once, 8.00 s one by one." in text
    assert "2.0 times faster" in text


def test_slack_is_shown() -> None:
    latencies = Latencies()
    latencies.observe("weather", 0.2)
    latencies.observe("search", 0.5)
    text = Plan.parse('1. weather("Oslo")\n2. search("x")', tools=TOOLS).explain(latencies=latencies)
    assert re.search(r"0\.0-200\.0 +300\.0$", rows(text)["1"])
    assert re.search(r"0\.0-500\.0 +0\.0  \*$", rows(text)["2"])
    assert "(ms)" in text


def test_loops_and_conditions_are_marked_and_what_is_assumed_is_said() -> None:
    plan = checked(
        Plan(
            (
                Task(1, "search", {"query": "cities"}),
                Task(2, "weather", {"city": Var("c")}, each=Each("c", Ref(1))),
                Task(3, "search", {"query": "x"}, when=Truth(Ref(2))),
                Task(4, "weather", {"city": Var("c")}, each=Each("c", ["a", "b", "c"])),
            )
        )
    )
    text = plan.explain()
    table = rows(text)
    assert table["2"].endswith("* for")
    assert table["3"].endswith("* if")
    assert re.search(r" read +by its arguments ", table["2"])
    assert "6 calls in 3 steps" in text, "the literal list has three items"
    assert "Predicted with one item, for the list is known only later: 2." in text
    assert "Predicted as if the condition were true: 3." in text


def test_notes_of_passes_are_told() -> None:
    notes = [
        Note("merge", 2, "the same call as task 1"),
        Note("batch", None, "3 calls of `weather` made as one"),
    ]
    text = Plan.parse('1. weather("Oslo")\n2. weather("Oslo")', tools=TOOLS).explain(notes=notes)
    assert "merge: task 2: the same call as task 1" in text
    assert "batch: 3 calls of `weather` made as one" in text


def test_a_large_plan_shows_its_ends_and_says_so() -> None:
    plan = Plan.parse("\n".join(f'{i}. weather("{i}")' for i in range(1, 301)), tools=TOOLS)
    lines = plan.explain().splitlines()
    assert set(rows("\n".join(lines))) == {str(i) for i in (*range(1, 101), *range(281, 301))}
    assert any("180 more" in line for line in lines)
    assert len(lines) < 140
    assert "300 calls in 1 step" in "\n".join(lines)


@pytest.mark.parametrize("given", ["\x1b[31m", "line\nline", "\u202eabc"])
def test_nothing_in_a_plan_moves_the_cursor(given: str) -> None:
    @tool(effect="read", resource=lambda x: x)
    async def odd(x: str) -> str:
        """Odd."""
        return x

    text = Plan((Task(1, "odd", {"x": given}),))
    text.__dict__["_checked"] = ToolRegistry([odd])
    explained = explain(text, notes=[Note("fold", 1, given)])
    assert all(line.isprintable() for line in explained.split("\n"))


def test_no_line_is_wider_than_the_page() -> None:
    plan = Plan.parse(
        "\n".join(f'{i}. mail("{"x" * 40}{i}", "{"y" * 100}")' for i in range(1, 40)) + "\n40. deploy()",
        tools=TOOLS,
    )
    assert max(map(len, plan.explain().splitlines())) <= 120


# -- a run -----------------------------------------------------------------------------------


def ran(
    i: int,
    start: float | None,
    finish: float,
    *needs: int,
    outcome: Any = None,
    round_: int = 1,
    planned: float = 0.0,
    estimate: float | None = None,
    **more: Any,
) -> TaskResult:
    task = more.pop("task", None) or Task(
        i, more.pop("tool", "search"), {str(k): Ref(d) for k, d in enumerate(needs)}
    )
    attempts = more.pop("attempts", 0 if start is None else 1)
    outcome = outcome or Succeeded(i)
    return TaskResult(task, outcome, round_, planned, start, finish, attempts, estimate=estimate, **more)


def run_of(*tasks: TaskResult, **more: Any) -> RunResult:
    return RunResult("r", "?", tasks={t.task.id: t for t in tasks}, spans=Spans(total=100.0), **more)


def test_a_run_shows_actual_beside_predicted() -> None:
    text = run_of(
        ran(1, 0.0, 2.0, estimate=1.0),
        ran(2, 2.5, 5.5, 1, estimate=2.0, attempts=2),
        concurrency=4,
    ).explain()
    table = rows(text)
    assert re.search(r"0\.00-1\.00 +0\.00 +0\.00 +2\.00 +1  succeeded  \*$", table["1"])
    assert re.search(r"1\.00-3\.00 +2\.00 +2\.50 +5\.50 +2  succeeded  \*$", table["2"])
    assert "Makespan 5.50 s, predicted 3.00 s (+83%)." in text
    assert "Critical path (*): 1 -> 2, 5.00 s." in text
    assert "2.00 s for other calls; 0.50 s for caps (4 at once)" in text


def test_the_prediction_keeps_to_the_caps_and_the_order_of_the_run() -> None:
    text = run_of(
        ran(1, 0.0, 1.0, estimate=1.0),
        ran(2, 1.0, 2.0, estimate=1.0),
        ran(3, 2.0, 3.0, estimate=None, after=(2,)),
        concurrency=1,
    ).explain()
    assert "predicted 3.00 s (+0%)" in text
    assert "0.00-1.00" in rows(text)["2"], "the one with another behind it goes first"
    assert "1.00-2.00" in rows(text)["1"]
    assert re.search(r"  2 +2\.00-3\.00", rows(text)["3"]), "after 2, and unknown: the mean of the known"


def test_tasks_are_predicted_from_when_they_were_planned() -> None:
    text = run_of(
        ran(1, 0.0, 1.0, estimate=1.0),
        ran(2, 10.0, 11.0, 1, planned=10.0, round_=2, estimate=1.0),
    ).explain()
    assert "10.0-11.0" in rows(text)["2"]
    assert "Makespan 2.0 s, predicted 2.0 s (+0%)." in text
    assert "Critical path (*): 1; then 2, 2.0 s." in text


def test_without_estimates_nothing_is_predicted() -> None:
    text = run_of(ran(1, 0.0, 1.0)).explain()
    assert "not predicted" in text
    assert "predicted (" not in text


def test_items_are_summarised() -> None:
    loop = Task(2, "search", {"q": Var("x")}, each=Each("x", Ref(1)))
    items = (
        ItemResult(Succeeded(1), 1.0, 2.0, 1),
        ItemResult(Failed(ValueError("no such town")), 3.0, 6.0, 1),
        ItemResult(Succeeded(1), None, 1.0, via="cache"),
    )
    text = run_of(
        ran(1, 0.0, 1.0, estimate=1.0), ran(2, 1.0, 6.0, task=loop, items=items, estimate=1.0)
    ).explain()
    assert "3 items: 2 succeeded, 1 failed; slowest [1] 3.00 s; 1 cache" in text
    assert "first failure [1] ValueError: no such town" in text
    assert "1.00-2.00" in rows(text)["2"], "three at once"
    assert "1.00 s for other calls; 2.00 s for caps" in text, "the second item waited"
    assert "One by one: 5.00 s" in text
    assert "Calls saved: 1 (1 cache)." in text


def test_what_was_saved_and_what_went_wrong_is_told() -> None:
    text = run_of(
        ran(1, 0.0, 1.0),
        ran(2, None, 1.0, reused=1, via="merged"),
        ran(3, None, 0.0, via="cache"),
        ran(4, 0.0, 1.0, via="batch"),
        ran(5, 0.0, 1.0, outcome=Failed(ValueError("boom"))),
        ran(6, None, 1.0, 5, outcome=Skipped(5, "task 5 failed: ValueError: boom"), estimate=9.0),
        notes=[Note("merge", 2, "the same call as task 1")],
        error=ValueError("nothing to say"),
    ).explain()
    table = rows(text)
    assert table["2"].split()[-1] == "merged"
    assert "6 calls: 4 succeeded, 1 failed, 1 skipped." in text
    assert "Calls saved: 2 (1 merged, 1 cache)." in text
    assert "Made in batches: 1 call." in text
    assert "Task 5 failed: ValueError: boom" in text
    assert "Task 6 skipped: task 5 failed" in text
    assert "merge: task 2: the same call as task 1" in text
    assert "No answer: ValueError: nothing to say" in text
    assert "not predicted" in text, "what is known is only of a task that never ran"


def test_a_run_without_calls() -> None:
    assert run_of().explain() == "No calls were made."


async def test_a_real_run_can_be_explained() -> None:
    from llmcompiler import AsyncExecutor, LLMCompiler

    async with LLMCompiler([weather, add], executor=AsyncExecutor(max_concurrency=2)) as compiler:
        result = await compiler.execute('1. weather("Oslo")\n2. weather("Rome")\n3. add($1, $2)\njoin($3)')
    text = result.explain()
    assert set(rows(text)) == {"1", "2", "3"}
    assert "3 calls: 3 succeeded." in text


def test_a_compiled_plan_is_explained_by_what_its_compiler_knows() -> None:
    """Its passes, its cap, and the latencies it has learned; each can be given instead."""

    @tool(effect="read")
    async def look(at: str) -> str:
        await asyncio.sleep(2)
        return at

    text = '1. look("a")\n2. look("a")\n3. look("b")\njoin()'

    async def main(passes: Passes) -> tuple[str, str]:
        compiler = LLMCompiler(
            [look],
            planner=ScriptedPlanner([text, text]),
            executor=AsyncExecutor(max_concurrency=1),
            passes=passes,
        )
        before = (await compiler.plan("q")).explain()
        await compiler.execute('1. look("x")\njoin()')
        return before, (await compiler.plan("q")).explain()

    before, after = run_virtual(main(Passes()))
    assert "merge: task 2" in before
    assert "2 calls in 1 step" in before
    assert "2 steps with 1 at once" in before
    assert "4.00 s with 1 at once" in after
    before, after = run_virtual(main(Passes.none()))
    assert "merge" not in before
    assert "6.00 s with 1 at once" in after
