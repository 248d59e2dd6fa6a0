"""What other runtimes get wrong when calls run: loops, limits, rates, effects, approvals; as `test_must_beat`.

The numbers are those of the list that the scenarios came from. Everything runs through the public library, in virtual
time unless threads are needed.
"""

from __future__ import annotations

import asyncio
import json
import random
import threading
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from llmcompiler import (
    ApprovalDenied,
    ApprovalRequested,
    AsyncExecutor,
    Cancelled,
    Failed,
    ItemFinished,
    ItemsFailed,
    LimitExceeded,
    Limits,
    LLMCompiler,
    Plan,
    RateLimit,
    Replan,
    RunFinished,
    RunResult,
    Skipped,
    Succeeded,
    TaskFinished,
    TaskRetried,
    TaskStarted,
    ToolTimeout,
    UsageError,
    tool,
)
from llmcompiler.testing import RecordingReporter, ScriptedModel, ScriptedPlanner, run_virtual
from tests.support.strict_loop import run_strictly


@tool
async def echo(text: Any) -> Any:
    """Give it back."""
    return text


@tool
async def hang() -> None:
    """Never end."""
    await asyncio.Event().wait()


def answer(text: str = "done") -> str:
    return json.dumps({"thought": "", "action": "answer", "answer": text, "feedback": ""})


def execute(text: str, *tools: Any, limits: Limits | None = None, **options: Any) -> RunResult:
    async def main() -> RunResult:
        return await LLMCompiler(tools, **options).execute(text, limits=limits)

    return run_strictly(main)


class Counter:
    """A tool that takes a second, and how many of its calls ran at once."""

    def __init__(self) -> None:
        self.made = self.running = self.most = 0

        @tool
        async def visit(item: Any) -> Any:
            self.made += 1
            self.running += 1
            self.most = max(self.most, self.running)
            await asyncio.sleep(1)
            self.running -= 1
            return item

        self.tool = visit


# -- 14, 16, 17: loops ------------------------------------------------------------------------


def test_14_a_loop_fans_out_within_the_caps() -> None:
    counter = Counter()
    result = execute(
        "1. echo(" + json.dumps(list(range(792))) + ")\n2. for i in $1: visit(i)\njoin($2)",
        counter.tool,
        echo,
    )
    assert result.output == list(range(792))
    assert counter.most == 16


def test_14_a_loop_over_too_many_items_makes_not_one_call() -> None:
    counter = Counter()
    plan = "1. echo(" + json.dumps([0] * 1_001) + ")\n2. for i in $1: visit(i)\njoin($2)"
    result = execute(plan, counter.tool, echo)
    assert isinstance(result.error, LimitExceeded)
    assert "`for` over 1,001 items" in str(result.error)
    assert counter.made == 0


@tool
async def odd_one(name: str) -> str:
    """Works for most names."""
    if name == "hangs":
        await asyncio.Event().wait()
    if name == "fails":
        raise ValueError("no such name")
    return name.upper()


LOOP = '1. for n in ["a", "fails", "hangs", "b"]: odd_one(n)\n2. echo("beside")\n3. echo($1)\njoin()'


def test_16_an_item_that_fails_or_hangs_loses_neither_its_siblings_nor_the_answer() -> None:
    result = execute(LOOP, odd_one, echo)
    error = result.tasks[1].outcome.error  # type: ignore[union-attr]
    assert isinstance(error, ItemsFailed)
    assert error.values == {0: "A", 3: "B"}
    assert isinstance(error.items[2].error, ToolTimeout)  # type: ignore[union-attr]
    assert result.output == {2: "beside"}
    assert isinstance(result.tasks[3].outcome, Skipped)
    out_of_time = execute(LOOP, odd_one, echo, limits=Limits(seconds=5))
    kept = [i.outcome for i in out_of_time.tasks[1].items]
    assert (kept[0], kept[3]) == (Succeeded("A"), Succeeded("B"))
    assert isinstance(kept[2], Cancelled)
    skip = execute(LOOP, odd_one, echo, on_item_error="skip")
    assert skip.output == {2: "beside", 3: ["A", "B"]}


@pytest.mark.parametrize("seconds", [None, 0.5, 90])
def test_17_one_outcome_per_item_and_per_task_and_one_end_per_run_on_every_path(
    seconds: float | None,
) -> None:
    reporter = RecordingReporter()
    execute(LOOP, odd_one, echo, reporters=[reporter], limits=Limits(seconds=seconds))
    assert sorted(e.item for e in reporter.of(ItemFinished)) == [0, 1, 2, 3]
    assert sorted(e.task_id for e in reporter.of(TaskFinished)) == [1, 2, 3]
    assert reporter.types.count("RunFinished") == 1
    assert isinstance(reporter.events[-1], RunFinished)


# -- 18: limits -------------------------------------------------------------------------------


class Priced(ScriptedModel):
    """A scripted model that costs a dollar a token."""

    prices = (1_000_000, 1_000_000)


VISITS = "".join(f"{i}. visit({i})\n" for i in range(1, 6)) + "join()\n"


@pytest.mark.parametrize(
    ("limits", "made", "requests"),
    [
        (Limits(tasks=2), 2, 2),
        (Limits(tasks_per_tool=3), 3, 2),
        (Limits(tasks_per_tool={"visit": 1}), 1, 2),
        (Limits(rounds=1), 5, 2),
        (Limits(model_calls=2), 5, 2),
        (Limits(tokens=1), 5, 2),
        (Limits(cost=0.5), 5, 2),
        (Limits(seconds=2.5), 5, 2),
    ],
)
def test_18_every_limit_is_checked_before_launch_and_ends_with_the_best_answer(
    limits: Limits, made: int, requests: int
) -> None:
    counter = Counter()
    model = Priced([VISITS, answer("the best there is"), answer("never asked for")])
    compiler = LLMCompiler([counter.tool], model=model)
    result = run_virtual(compiler.run("Which?", limits=limits))
    assert result.output == "the best there is"
    assert (counter.made, len(model.requests)) == (made, requests)
    assert result.usage.tokens > 0
    assert result.usage.cost == result.usage.tokens * 1.0


class Tireless:
    """A joiner that always wants another round."""

    async def join(self, context: Any) -> Replan:
        return Replan("more")


@pytest.mark.parametrize(
    ("limits", "name", "made"),
    [
        (Limits(rounds=2), "rounds", 2),
        (Limits(tasks=3), "tasks", 3),
        (Limits(tasks_per_tool=2), "tasks_per_tool", 2),
    ],
)
def test_18_without_an_answer_the_error_holds_everything(limits: Limits, name: str, made: int) -> None:
    counter = Counter()
    planner = ScriptedPlanner([f"{i}. visit({i})\njoin()" for i in range(1, 9)])
    compiler = LLMCompiler([counter.tool], planner=planner, joiner=Tireless(), max_replans=7)
    with pytest.raises(LimitExceeded) as caught:
        run_virtual(compiler.run("Which?", limits=limits))
    assert caught.value.limit == name
    assert f"Limits({name}=" in str(caught.value)
    assert caught.value.result is not None
    assert list(caught.value.result.values) == list(range(1, made + 1))
    assert counter.made == made


def test_18_a_deadline_wraps_up_with_what_is_done() -> None:
    model = ScriptedModel(['1. echo("K2")\n2. hang()\n3. echo($2)\njoin()\n', answer("K2, as far as I know")])
    result = run_virtual(LLMCompiler([echo, hang], model=model).run("?", limits=Limits(seconds=20)))
    assert result.output == "K2, as far as I know"
    assert result.timing.total == pytest.approx(20)
    assert "time" in model.requests[1].text


def test_18_a_limit_on_money_needs_prices() -> None:
    compiler = LLMCompiler([echo], model=ScriptedModel(["join()"], name="nobody-knows-this-model"))
    with pytest.raises(UsageError, match="price of the model `nobody-knows-this-model` is not known"):
        run_virtual(compiler.run("?", limits=Limits(cost=1)))


# -- 19: rates, patience, threads ---------------------------------------------------------------


def test_19_tools_share_a_rate_limit_also_across_runs() -> None:
    at: list[float] = []
    limit = RateLimit(2, seconds=1, name="service")

    @tool(rate_limit=limit)
    async def one(i: int) -> int:
        at.append(asyncio.get_running_loop().time())
        return i

    @tool(rate_limit=limit)
    async def other(i: int) -> int:
        at.append(asyncio.get_running_loop().time())
        return i

    async def main() -> None:
        compiler = LLMCompiler([one, other])
        plan = "1. for i in [1, 2, 3]: one(i)\n2. for i in [1, 2, 3]: other(i)\njoin()"
        await asyncio.gather(compiler.execute(plan), compiler.execute(plan))

    run_strictly(main)
    assert len(at) == 12
    assert all(later - earlier > 0.99 for earlier, later in zip(at, at[3:], strict=False))


def test_19_retry_after_is_waited_for_and_every_tool_has_a_timeout() -> None:
    class Busy(Exception):
        status_code = 429
        retry_after = 7.0

    tries: list[float] = []

    @tool(effect="read")
    async def busy() -> str:
        tries.append(asyncio.get_running_loop().time())
        if len(tries) == 1:
            raise Busy
        return "there"

    reporter = RecordingReporter()
    result = execute("1. busy()\n2. hang()\njoin()", busy, hang, reporters=[reporter])
    assert result.output == {1: "there"}
    assert tries[1] - tries[0] == pytest.approx(7)
    assert [e.delay for e in reporter.of(TaskRetried)] == [7.0]
    assert isinstance(result.tasks[2].outcome, Failed)
    assert isinstance(result.tasks[2].outcome.error, ToolTimeout)
    assert result.tasks[2].seconds == pytest.approx(60)


def test_19_sync_tools_hold_up_neither_the_event_loop_nor_each_other() -> None:
    meet = threading.Barrier(3, timeout=10)

    @tool(rate_limit="100/s", effect="read")
    def wait(i: int) -> int:
        meet.wait()
        return i

    result = LLMCompiler([wait]).execute_sync("1. for i in [1, 2, 3]: wait(i)\njoin($1)")
    assert result.output == [1, 2, 3]


# -- 20: side effects ----------------------------------------------------------------------------


class Bank:
    """Accounts, and tools that take a random time to change them."""

    def __init__(self, seed: int) -> None:
        self.accounts = {"ann": 100, "bob": 100, "cid": 100}
        self.log: list[str] = []
        rng = random.Random(seed)

        @tool(effect="write", resource=lambda source, target, **_: [source, target])
        async def move(source: str, target: str, euros: int) -> int:
            held = self.accounts[source], self.accounts[target]
            await asyncio.sleep(rng.random())
            self.accounts[source], self.accounts[target] = held[0] - euros, held[1] + euros
            return self.accounts[source]

        @tool(effect="read", resource=lambda name: name)
        async def balance(name: str) -> int:
            await asyncio.sleep(rng.random())
            return self.accounts[name]

        @tool(effect="read", resource=["ann", "bob", "cid"])
        async def richest() -> str:
            await asyncio.sleep(rng.random())
            return max(self.accounts, key=lambda n: self.accounts[n])

        @tool(effect="write")
        async def fee(euros: int) -> str:
            await asyncio.sleep(rng.random())
            for name in self.accounts:
                self.accounts[name] -= euros
            return "taken"

        @tool
        async def think(about: Any = None) -> Any:
            await asyncio.sleep(rng.random())
            return about

        self.tools = [move, balance, richest, fee, think]


STATEMENTS = """
1. move("ann", "bob", 10)
2. balance("cid")
3. balance("bob")
4. richest()
5. move($4, "cid", 50)
6. for n in ["ann", "bob", "cid"]: balance(n)
7. fee(1)
8. for n in ["ann", "bob"]: move(n, "cid", 5)
9. if $3 > 100: move("cid", "ann", 7)
10. think($6)
11. richest()
join()
"""


@pytest.mark.parametrize("workers", [None, 1, 2, 4])
@pytest.mark.parametrize("seed", range(5))
def test_20_side_effects_happen_as_if_the_plan_ran_line_by_line(seed: int, workers: int | None) -> None:
    bank = Bank(seed)
    result = execute(STATEMENTS, *bank.tools, executor=AsyncExecutor(max_concurrency=workers))
    assert bank.accounts == {"ann": 91, "bob": 54, "cid": 152}
    assert result.values == {
        1: 90,
        2: 100,
        3: 110,
        4: "bob",
        5: 60,
        6: [90, 60, 150],
        7: "taken",
        8: [84, 54],
        9: 152,
        10: [90, 60, 150],
        11: "cid",
    }


def test_20_a_write_without_resource_is_a_barrier_and_named_ones_run_beside_each_other() -> None:
    spans: dict[str, tuple[float, float]] = {}

    async def take(name: str) -> None:
        loop = asyncio.get_running_loop()
        begun = loop.time()
        await asyncio.sleep(1)
        spans[name] = (begun, loop.time())

    @tool(effect="write", resource=lambda key, **_: key)
    async def write(key: str, name: str) -> None:
        await take(name)

    @tool(effect="write")
    async def barrier(name: str) -> None:
        await take(name)

    plan = """
    1. write("a", "a1")
    2. write("b", "b1")
    3. barrier("all")
    4. write("a", "a2")
    5. write("b", "b2")
    join()
    """
    execute(plan, write, barrier)
    starts = {name: begun for name, (begun, _) in spans.items()}
    assert starts == {"a1": 0, "b1": 0, "all": 1, "a2": 2, "b2": 2}


def test_20_a_line_that_can_not_be_read_keeps_its_place_before_the_writes_after_it() -> None:
    done: list[str] = []

    @tool(effect="write", resource="list")
    async def put(item: str) -> str:
        done.append(item)
        return item

    model = ScriptedModel(['1. put(itm="first")\n2. put("second")\njoin()\n', '1. put("first")\n', answer()])
    result = run_virtual(LLMCompiler([put], model=model).run("Put both."))
    assert result.values == {1: "first", 2: "second"}
    assert done == ["first", "second"]


# -- 22: approvals ------------------------------------------------------------------------------


@tool(effect="write", resource=lambda to, **_: to, requires_approval=lambda euros, **_: euros > 10)
async def pay(to: str, euros: int) -> str:
    """Pay."""
    await asyncio.sleep(1)
    return f"{euros} to {to}"


PAYMENTS = """
1. pay("ann", 50)
2. pay("bob", 5)
3. pay("ann", 5)
4. for name in ["cid", "dan"]: pay(name, 20)
5. echo($1)
6. echo("beside")
join()
"""


def held(
    plan: str, work: Callable[[Any], Coroutine[Any, Any, None]], **options: Any
) -> tuple[RunResult, list[Any]]:
    """A run of `plan` that goes on while `work` decides."""

    async def main() -> tuple[RunResult, list[Any]]:
        async with LLMCompiler([pay, echo], **options).start(plan=plan) as run:
            await work(run)
            result = await run
            return result, [e async for e in run.events()]

    return run_strictly(main)


def test_22_every_pending_approval_is_listed_and_only_what_needs_it_waits() -> None:
    seen: list[tuple[int, int | None, dict[str, Any]]] = []

    async def work(run: Any) -> None:
        await asyncio.sleep(100)  # nobody decides for a long time
        seen.extend((p.task_id, p.item, dict(p.arguments)) for p in run.pending_approvals)
        finished = {i: t.outcome for i, t in run.result.tasks.items()}
        assert finished == {2: Succeeded("5 to bob"), 6: Succeeded("beside")}
        run.approve(1)
        run.approve(4, item=1)
        run.reject(4, "too much", item=0)

    result, events = held(PAYMENTS, work, executor=AsyncExecutor(max_concurrency=1))
    assert seen == [
        (1, None, {"to": "ann", "euros": 50}),
        (4, 0, {"to": "cid", "euros": 20}),
        (4, 1, {"to": "dan", "euros": 20}),
    ]
    assert result.values == {
        1: "50 to ann",
        2: "5 to bob",
        3: "5 to ann",
        5: "50 to ann",
        6: "beside",
    }
    assert "too much" in str(result.tasks[4].items[0].outcome.error)  # type: ignore[union-attr]
    assert result.tasks[4].items[1].outcome == Succeeded("20 to dan")
    asked = [(e.task_id, e.item) for e in events if isinstance(e, ApprovalRequested)]
    assert asked == [(1, None), (4, 0), (4, 1)]


def test_22_an_approval_holds_for_exactly_the_arguments_that_were_shown() -> None:
    async def work(run: Any) -> None:
        async for event in run.events():
            if isinstance(event, ApprovalRequested):
                break
        (request,) = run.pending_approvals
        request.arguments["euros"] = 1_000_000  # what is shown is a copy
        for wrong in ("", "0" * 64):
            with pytest.raises(UsageError, match="arguments"):
                run.approve(1, digest=wrong)
        with pytest.raises(UsageError, match="waiting are: 1"):
            run.approve(2)
        run.approve(1, digest=request.digest)
        with pytest.raises(UsageError, match="decided already"):
            run.reject(1)

    result, events = held('1. pay("ann", 50)\njoin($1)', work)
    assert result.output == "50 to ann"
    assert [e.args for e in events if isinstance(e, TaskStarted)] == [{"to": "ann", "euros": 50}]


def test_22_what_nobody_approves_ends_and_loses_nothing() -> None:
    async def nothing(run: Any) -> None:
        pass

    result, _ = held(PAYMENTS, nothing, approval_timeout=30)
    assert {i: t.outcome.status for i, t in result.tasks.items()} == {
        1: "failed",
        2: "succeeded",
        3: "succeeded",
        4: "failed",
        5: "skipped",
        6: "succeeded",
    }
    assert isinstance(result.tasks[1].outcome.error, ApprovalDenied)  # type: ignore[union-attr]


# -- what none of them has -------------------------------------------------------------------------


def test_none_has_a_dry_run_with_predicted_calls_time_and_effects() -> None:
    bank = Bank(0)
    compiler = LLMCompiler(bank.tools)
    plan = Plan.parse(
        '1. move("ann", "bob", 10)\n2. balance("bob")\n3. balance("cid")\n4. move($2, "cid", 1)\njoin()',
        compiler.tools,
    )
    compiler.latencies.observe("move", 2.0)
    compiler.latencies.observe("balance", 0.5)
    text = plan.explain(latencies=compiler.latencies, concurrency=1)
    line = {row.split()[0]: row for row in text.splitlines() if row[:3].strip().isdigit()}
    assert "write" in line["1"]
    assert "ann, bob" in line["1"]
    assert "by its arguments" in line["4"]
    assert "0.00-2.00" in line["1"]
    assert "4.50 s without caps, 5.00 s with 1 at once, 5.00 s one by one" in text
    assert bank.accounts == {"ann": 100, "bob": 100, "cid": 100}, "nothing was called"


def test_none_has_failure_policies_with_typed_outcomes() -> None:
    plan = '1. odd_one("fails")\n2. echo($1)\n3. if $1: echo("no")\n4. for n in ["a", "fails"]: odd_one(n)\njoin()'
    result = execute(plan, odd_one, echo, on_item_error="collect")
    match [t.outcome for t in result.tasks.values()]:
        case [Failed(ValueError()), Skipped(cause=1), Skipped(cause=1), Succeeded(["A", {"error": text}])]:
            assert text == "ValueError: no such name"
        case outcomes:
            raise AssertionError(outcomes)


def test_none_orders_side_effects_by_effect_class() -> None:
    plan = Plan.parse(STATEMENTS, Bank(0).tools)
    order = {(a, b) for a, b, kind in plan.graph().edges(data="kind") if kind == "order"}
    assert {(1, 3), (1, 4), (5, 7), (7, 8)} <= order
    assert not order & {(1, 2), (2, 3), (3, 4)}
    assert not any(10 in edge for edge in order if 7 not in edge), (
        "an undeclared call waits for barriers only"
    )
    assert "t1 -. then .-> t3" in plan.to_mermaid()


def test_none_reports_critical_path_and_speed_up_of_every_run() -> None:
    counter = Counter()
    plan = "1. visit(1)\n2. visit($1)\n3. visit(3)\n4. visit(4)\njoin()"
    result = execute(plan, counter.tool)
    timing = result.timing
    assert (timing.makespan, timing.critical_path, timing.sequential) == (2, 2, 4)
    assert timing.speedup == pytest.approx(2)
    text = result.explain()
    assert "Critical path (*): 1 -> 2, 2.00 s." in text
    assert "One by one: 4.00 s; in parallel 2.0 times faster." in text
