"""`for` and `if` as they run: expansion, outcomes item by item, policies, conditions, and what hangs on them."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from llmcompiler import (
    AsyncExecutor,
    Failed,
    GuardFailed,
    ItemFinished,
    ItemsFailed,
    LimitExceeded,
    Limits,
    LLMCompiler,
    Passes,
    RunResult,
    Skipped,
    Succeeded,
    TaskFinished,
    TaskStarted,
    ToolContext,
    tool,
)
from llmcompiler.testing import RecordingReporter, run_virtual


@tool
async def cities() -> Any:
    return {"names": ["Paris", "Rome", "Oslo"], "best": {"name": "Rome"}, "count": 3}


@tool
async def weather(city: str) -> str:
    await asyncio.sleep(1)
    if city == "Rome":
        raise ValueError("no weather in Rome")
    return f"sun in {city}"


@tool
async def length(text: str) -> int:
    await asyncio.sleep(1)
    return len(text)


@tool
async def show(thing: Any) -> Any:
    return thing


@tool
async def people() -> list[dict[str, Any]]:
    return [{"name": "Ann", "age": 40}, {"name": "Bob", "age": 7}]


TOOLS = [cities, weather, length, show, people]


def execute(text: str, tools: Any = TOOLS, **options: Any) -> RunResult:
    limits = options.pop("limits", None)
    executor = options.pop("executor", None) or AsyncExecutor()

    async def main() -> RunResult:
        return await LLMCompiler(tools, executor=executor, **options).execute(text, limits=limits)

    return run_virtual(main())


# -- for ------------------------------------------------------------------------------------


def test_a_for_calls_once_an_item_at_the_same_time_and_keeps_the_order() -> None:
    result = execute("1. cities()\n2. for c in $1.names: length(c)\n3. show($2)\njoin($3)")
    assert result.output == [5, 4, 4]
    assert result.timing.makespan == 1
    assert [i.outcome for i in result.tasks[2].items] == [Succeeded(5), Succeeded(4), Succeeded(4)]


def test_the_item_and_its_fields_reach_templates_lists_and_records() -> None:
    result = execute(
        '1. people()\n2. for p in $1: show({"who": p.name, "all": [p], "text": "${p.name} is ${p.age}"})\njoin($2)'
    )
    assert result.output == [
        {"who": "Ann", "all": [{"name": "Ann", "age": 40}], "text": "Ann is 40"},
        {"who": "Bob", "all": [{"name": "Bob", "age": 7}], "text": "Bob is 7"},
    ]


def test_an_empty_list_gives_an_empty_list_and_calls_nothing() -> None:
    result = execute("1. for x in []: show(x)\n2. show($1)\njoin($2)")
    assert result.output == []
    assert result.tasks[1].items == ()


def test_a_failed_item_does_not_lose_the_others() -> None:
    result = execute("1. cities()\n2. for c in $1.names: weather(c)\n3. show($2)\n4. show($1.count)\njoin()")
    outcome = result.tasks[2].outcome
    assert isinstance(outcome, Failed)
    assert isinstance(outcome.error, ItemsFailed)
    assert outcome.error.values == {0: "sun in Paris", 2: "sun in Oslo"}
    assert "1 of 3 calls of `weather` failed: item 1: ValueError: no weather in Rome" in str(outcome.error)
    assert result.tasks[3].outcome.status == "skipped"
    assert result.values[4] == 3


@pytest.mark.parametrize(
    ("policy", "value"),
    [
        ("skip", ["sun in Paris", "sun in Oslo"]),
        ("collect", ["sun in Paris", {"error": "ValueError: no weather in Rome"}, "sun in Oslo"]),
    ],
)
def test_policies_of_failed_items(policy: Any, value: list[Any]) -> None:
    plan = "1. cities()\n2. for c in $1.names: weather(c)\njoin($2)"
    assert execute(plan, on_item_error=policy).output == value
    own = tool(on_item_error=policy, name="weather")(weather.func)
    assert execute(plan, [cities, own]).output == value


def test_a_list_whose_items_do_not_fit_fails_item_by_item() -> None:
    result = execute(
        '1. show(["a", {"no": 1}, "ccc"])\n2. for x in $1: length(x)\njoin()', on_item_error="skip"
    )
    assert result.values[2] == [1, 3]
    assert "bad arguments for `length`" in str(result.tasks[2].items[1].outcome)


@pytest.mark.parametrize("source", ["$1", "$1.count", "$1.best"])
def test_a_for_over_something_else_says_what_it_is(source: str) -> None:
    result = execute(f"1. cities()\n2. for c in {source}: length(c)\n3. show($2)\njoin()")
    assert result.tasks[2].outcome.status == "failed"
    assert "list" in str(result.tasks[2].outcome.error)  # type: ignore[union-attr]
    assert result.tasks[3].outcome.status == "skipped"


def test_too_many_items_fail_before_the_first_call() -> None:
    calls = []

    @tool
    async def note(x: int) -> None:
        calls.append(x)

    @tool
    async def many(n: int) -> list[int]:
        return list(range(n))

    plan = "1. many(1001)\n2. for x in $1: note(x)\n3. many(3)\n4. for x in $3: note(x)\njoin()"
    result = execute(plan, [note, many])
    outcome = result.tasks[2].outcome
    assert isinstance(outcome, Failed)
    assert isinstance(outcome.error, LimitExceeded)
    assert outcome.error.limit == "expansion"
    assert sorted(calls) == [0, 1, 2]
    calls.clear()
    result = execute(plan.replace("1001", "5"), [note, many], limits=Limits(expansion=4))
    assert result.tasks[2].outcome.status == "failed"
    assert sorted(calls) == [0, 1, 2]


def test_caps_hold_for_items() -> None:
    result = execute(
        "1. for x in [1, 2, 3, 4]: length('x')\njoin($1)".replace("'", '"'),
        executor=AsyncExecutor(max_concurrency=2),
        passes=Passes.none(),
    )
    assert result.timing.makespan == 2


def test_events_tell_of_each_item_and_once_of_the_task() -> None:
    recorder = RecordingReporter()
    execute("1. cities()\n2. for c in $1.names: weather(c)\njoin()", reporters=[recorder])
    assert [e.item for e in recorder.of(TaskStarted) if e.task_id == 2] == [0, 1, 2]
    assert sorted((e.item, e.outcome.status) for e in recorder.of(ItemFinished)) == [
        (0, "succeeded"),
        (1, "failed"),
        (2, "succeeded"),
    ]
    assert [e.task_id for e in recorder.of(TaskFinished)] == [1, 2]
    assert all(e.to_json() for e in recorder.events)


def test_each_item_has_its_own_idempotency_key() -> None:
    @tool
    async def key(x: int, ctx: ToolContext) -> str:
        return ctx.idempotency_key.split(":", 1)[1]

    assert execute("1. for x in [7, 7]: key(x)\njoin($1)", [key]).output == ["1:0", "1:1"]


def test_a_cancelled_run_keeps_the_items_that_were_done() -> None:
    @tool
    async def nap(seconds: float) -> float:
        await asyncio.sleep(seconds)
        return seconds

    recorder = RecordingReporter()
    plan = "1. for x in [1, 2, 50]: nap(x)\njoin()"
    result = execute(plan, [nap], limits=Limits(seconds=5), reporters=[recorder])
    assert [e.type for e in recorder.events if e.type in ("ItemFinished", "TaskFinished")][
        -1
    ] == "TaskFinished"
    assert result.tasks[1].outcome.status == "cancelled"
    assert [i.outcome.status for i in result.tasks[1].items] == ["succeeded", "succeeded", "cancelled"]


def test_a_for_of_ten_thousand_items_and_a_chain_of_fors() -> None:
    @tool
    async def numbers(n: int) -> list[int]:
        return list(range(n))

    plan = "1. numbers(10000)\n2. for x in $1: show(x)\n" + "".join(
        f"{i}. for x in $1: show(x)\n" if i < 4 else f"{i}. for x in [1]: show($" + f"{i - 1})\n"
        for i in range(3, 60)
    )
    result = execute(plan + "join()", [numbers, show], limits=Limits(expansion=10_000))
    assert result.values[2] == list(range(10_000))
    assert all(t.outcome.status == "succeeded" for t in result.tasks.values())


# -- if -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("condition", "runs"),
    [
        ("$1.count > 2", True),
        ("$1.count > 3", False),
        ("not $1.count > 3 and 'Rome' in $1.names", True),
        ("$1.count == 3 or $1.nothing == 1", True),
        ("$1.names", True),
        ('$1.best.name != "Rome"', False),
    ],
)
def test_a_condition_decides_on_typed_values(condition: str, runs: bool) -> None:
    result = execute(f"1. cities()\n2. if {condition}: show(1)\n3. show($2)\njoin()".replace("'", '"'))
    statuses = [result.tasks[i].outcome.status for i in (2, 3)]
    assert statuses == (["succeeded"] * 2 if runs else ["skipped"] * 2)
    if not runs:
        assert result.tasks[2].outcome == Skipped(2, "its condition is false")
        assert result.tasks[3].outcome == Skipped(2, "task 2 did not run: its condition is false")


def test_a_condition_that_can_not_be_decided_fails_its_task_alone() -> None:
    result = execute("1. cities()\n2. if $1.best > 3: show(1)\n3. show($2)\n4. show(4)\njoin()")
    outcome = result.tasks[2].outcome
    assert isinstance(outcome, Failed)
    assert isinstance(outcome.error, GuardFailed)
    assert result.tasks[3].outcome.status == "skipped"
    assert result.values[4] == 4


def test_a_condition_on_a_failed_task_skips() -> None:
    result = execute('1. weather("Rome")\n2. if $1 == "sun": show(1)\njoin()')
    assert result.tasks[2].outcome.status == "skipped"
    assert "no weather in Rome" in str(result.tasks[2].outcome)


def test_a_condition_on_the_item_filters_the_list() -> None:
    result = execute("1. people()\n2. for p in $1: if p.age > 18: show(p.name)\njoin($2)")
    assert result.output == ["Ann"]
    assert result.tasks[2].items[1].outcome == Skipped(2, "its condition is false")


def test_a_condition_that_fails_for_one_item_fails_that_item() -> None:
    plan = '1. show([1, "x", 3])\n2. for p in $1: if p > 2: show(p)\njoin($2)'
    assert execute(plan, on_item_error="skip").output == [3]


# -- effects --------------------------------------------------------------------------------


def test_writes_of_items_go_in_order_where_they_touch_the_same() -> None:
    log: list[str] = []

    @tool(effect="write", resource=lambda to, text: f"mail:{to}")
    async def send(to: str, text: str) -> None:
        await asyncio.sleep(3 if text == "slow" else 1)
        log.append(f"{to}:{text}")

    result = execute(
        '1. show([{"to": "a", "t": "slow"}, {"to": "a", "t": "x"}, {"to": "b", "t": "x"}])\n'
        "2. for m in $1: send(m.to, m.t)\n"
        '3. send("b", "last")\n'
        "join()",
        [show, send],
    )
    assert log.index("a:slow") < log.index("a:x")
    assert log[-1] == "b:last"
    assert result.timing.makespan == 5
    assert result.tasks[3].after == (2,)


def test_a_guarded_off_write_is_in_nobodys_way() -> None:
    @tool(effect="write")
    async def wipe() -> None:
        await asyncio.sleep(10)

    @tool(effect="read")
    async def look() -> int:
        await asyncio.sleep(1)
        return 1

    result = execute("1. show(1)\n2. if $1 > 1: wipe()\n3. look()\njoin()", [show, wipe, look])
    assert result.timing.makespan == 1
    assert result.values[3] == 1


# -- what can be passed on -------------------------------------------------------------------


@pytest.mark.parametrize(
    "lazy", [lambda: (x for x in "ab"), lambda: map(str, [1]), lambda: zip("a", "b", strict=True)]
)
def test_a_result_that_can_be_read_only_once_is_refused(lazy: Any) -> None:
    """Two tasks that refer to it would share one iterator, and the second would find it empty."""

    @tool
    async def once() -> Any:
        return lazy()

    result = execute("1. once()\n2. show($1)\n3. show($1)\njoin()", [once, show])
    assert "return a list" in str(result.tasks[1].outcome)
    assert [result.tasks[i].outcome.status for i in (2, 3)] == ["skipped", "skipped"]
