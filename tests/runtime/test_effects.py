"""Side effects in order: what waits for what, what does not, and what a plan that is mended while it runs may do."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest

from llmcompiler import (
    Answer,
    AsyncExecutor,
    LLMCompiler,
    Passes,
    Plan,
    Ref,
    Replan,
    RunResult,
    Task,
    ToolError,
    tool,
)
from llmcompiler.testing import ScriptedPlanner, run_virtual
from tests.support.scripted_run import ScriptedJoiner


class Log:
    """Tools over one log of when calls began and ended."""

    def __init__(self) -> None:
        self.events: list[str] = []

        async def work(name: str, seconds: float = 1) -> None:
            self.events.append(f"+{name}")
            await asyncio.sleep(seconds)
            self.events.append(f"-{name}")

        @tool(effect="write", resource=lambda key, name: key)
        async def write(key: str, name: str) -> str:
            await work(name)
            return name

        @tool(effect="write")
        async def wipe(name: str) -> str:
            await work(name)
            return name

        @tool(effect="read", resource=lambda key, name: key)
        async def read(key: str, name: str) -> str:
            await work(name)
            return name

        @tool
        async def ask(name: str) -> str:
            await work(name)
            return name

        @tool(effect="pure")
        async def think(name: str) -> str:
            await work(name)
            return name

        @tool(effect="write", resource=lambda key, name: key)
        async def fail(key: str, name: str) -> str:
            await work(name)
            raise ToolError("no")

        self.tools = [write, wipe, read, ask, think, fail]

    def run(self, text: str, **options: Any) -> RunResult:
        async def main() -> RunResult:
            return await LLMCompiler(self.tools, **options).execute(text)

        return run_virtual(main())

    def before(self, first: str, second: str) -> bool:
        return self.events.index(f"-{first}") < self.events.index(f"+{second}")


def test_writes_of_one_resource_go_one_after_another_and_others_at_the_same_time() -> None:
    log = Log()
    result = log.run(
        '1. write("a", "w1")\n2. write("a", "w2")\n3. write("b", "w3")\n4. read("a", "r")\njoin()'
    )
    assert log.before("w1", "w2")
    assert log.before("w2", "r")
    assert result.timing.makespan == 3
    assert result.timing.critical_path == 3
    assert [result.tasks[i].after for i in (1, 2, 3, 4)] == [(), (1,), (), (2,)]


def test_reads_overlap_and_a_write_waits_for_all_of_them() -> None:
    log = Log()
    result = log.run('1. read("a", "r1")\n2. read("a", "r2")\n3. write("a", "w")\n4. read("a", "r3")\njoin()')
    assert result.timing.makespan == 3
    assert log.before("r1", "w")
    assert log.before("r2", "w")
    assert log.before("w", "r3")


def test_a_write_without_resource_stands_between_everything_but_pure_calls() -> None:
    log = Log()
    plan = '1. ask("a1")\n2. wipe("w")\n3. ask("a2")\n4. think("t")\n5. read("a", "r")\njoin()'
    result = log.run(plan)
    assert log.before("a1", "w")
    assert log.before("w", "a2")
    assert log.before("w", "r")
    assert result.timing.makespan == 3
    assert result.tasks[4].started == 0


def test_undeclared_calls_run_beside_writes_of_named_resources() -> None:
    result = Log().run('1. ask("a1")\n2. write("a", "w")\n3. ask("a2")\njoin()')
    assert result.timing.makespan == 1


def test_a_key_that_depends_on_a_result_holds_up_others_until_it_is_known() -> None:
    log = Log()
    result = log.run('1. ask("b")\n2. write($1, "w")\n3. read("a", "r1")\n4. read("b", "r2")\njoin()')
    assert result.tasks[3].started == 1  # when the key is known, not when the write has ended
    assert log.before("w", "r2")
    assert result.timing.makespan == 3
    assert result.tasks[2].after == ()


def test_a_key_that_proves_harmless_lets_items_go_too() -> None:
    result = Log().run('1. ask("b")\n2. write($1, "w")\n3. for k in ["a", "c"]: read(k, "r${k}")\njoin()')
    assert [i.started for i in result.tasks[3].items] == [1, 1]
    assert result.timing.makespan == 2


def test_order_that_proved_needless_is_not_told() -> None:
    result = Log().run('1. ask("b")\n2. write($1, "w")\n3. read("a", "r")\njoin()')
    assert result.tasks[3].after == ()
    assert result.timing.critical_path == result.timing.makespan == 2


def test_undeclared_calls_behind_for_and_if_are_ordered_as_others_are() -> None:
    log = Log()
    plan = (
        '1. wipe("w1")\n2. if 1 == 1: ask("i")\n3. for k in ["f"]: ask(k)\n4. ask("p")\n5. wipe("w2")\njoin()'
    )
    result = log.run(plan)
    assert [result.tasks[i].started for i in (1, 2, 3, 4, 5)] == [0, 1, 1, 1, 2]


@pytest.mark.parametrize("retries", [0, 1])
def test_what_comes_after_a_write_does_not_run_beside_its_end(retries: int) -> None:
    """The write runs out of time and needs two seconds to let go: the next call waits, but no longer than the grace."""
    log: list[str] = []

    @tool(effect="write", resource="a", timeout=5, idempotent=True, retries=retries)
    async def slow(clean: float) -> None:
        log.append("+slow")
        try:
            await asyncio.sleep(100)
        finally:
            await asyncio.sleep(clean)
            log.append("-slow")

    @tool(effect="read", resource="a")
    async def look() -> None:
        log.append("look")

    def run(clean: float) -> RunResult:
        async def main() -> RunResult:
            executor = AsyncExecutor(grace=3)
            return await LLMCompiler([slow, look], executor=executor).execute(
                f"1. slow({clean})\n2. look()\njoin()"
            )

        log.clear()
        return run_virtual(main())

    result = run(2)
    assert log == ["+slow", "-slow"] * (1 + retries) + ["look"]
    assert result.tasks[1].outcome.status == "failed"
    result = run(4)
    assert log.index("look") < len(log) - 1
    assert result.tasks[2].outcome.status == "succeeded"


def test_a_sync_write_whose_time_is_up_is_waited_for_too() -> None:
    log: list[str] = []
    ended = threading.Event()

    @tool(effect="write", resource="a", timeout=0.05)
    def slow() -> None:
        ended.wait(0.3)
        log.append("-slow")

    @tool(effect="read", resource="a")
    async def look() -> None:
        log.append("look")

    result = LLMCompiler([slow, look]).execute_sync("1. slow()\n2. look()\njoin()")
    assert log == ["-slow", "look"]
    assert result.tasks[1].outcome.status == "failed"


def test_nothing_is_tried_again_when_the_run_is_over() -> None:
    calls = []

    @tool(effect="read", timeout=10)
    async def deaf() -> None:
        calls.append(1)
        try:
            await asyncio.sleep(100)
        except asyncio.CancelledError:
            await asyncio.sleep(1.5)
            raise ConnectionError("late") from None

    async def main() -> set[Any]:
        run = asyncio.ensure_future(LLMCompiler([deaf]).execute("1. deaf()\njoin()"))
        await asyncio.sleep(8.5)
        run.cancel()
        await asyncio.wait({run})
        return asyncio.all_tasks() - {asyncio.current_task()}

    assert run_virtual(main()) == set()
    assert calls == [1]


def test_what_comes_after_a_failed_write_still_runs() -> None:
    log = Log()
    result = log.run('1. fail("a", "f")\n2. write("a", "w")\n3. ask($1)\njoin()')
    assert log.before("f", "w")
    assert [result.tasks[i].outcome.status for i in (1, 2, 3)] == ["failed", "succeeded", "skipped"]


def test_one_worker_takes_calls_that_wait_for_order_last() -> None:
    result = Log().run(
        '1. write("a", "w1")\n2. write("a", "w2")\n3. ask("a1")\njoin()',
        executor=AsyncExecutor(max_concurrency=1),
        passes=Passes.none(),
    )
    assert result.timing.makespan == 3


def test_a_resource_function_that_raises_fails_its_call_alone_and_is_never_called() -> None:
    called = []

    def key(name: str) -> str:
        raise KeyError(name)

    @tool(effect="write", resource=key)
    async def odd(name: str) -> None:
        called.append(name)

    @tool(effect="write", resource=lambda name: [{}])
    async def unhashable(name: str) -> None:
        called.append(name)

    @tool(effect=lambda name: "destroy", resource="x")
    async def unknown(name: str) -> None:
        called.append(name)

    @tool(effect="read")
    async def look() -> int:
        return 1

    async def main() -> RunResult:
        compiler = LLMCompiler([odd, unhashable, unknown, look])
        return await compiler.execute(
            '1. odd("a")\n2. look()\n3. unhashable("b")\n4. unknown("c")\n5. look()\njoin()'
        )

    result = run_virtual(main())
    assert called == []
    assert result.values == {2: 1, 5: 1}
    assert "the resource function of `odd` raised KeyError: 'a'" in str(result.tasks[1].outcome)
    assert "the key {} is not hashable" in str(result.tasks[3].outcome)
    assert "the effect function of `unknown` gave 'destroy'" in str(result.tasks[4].outcome)


def scripted(log: Log, plans: list[Any], *decisions: Any, **options: Any) -> RunResult:
    async def main() -> RunResult:
        joiner = ScriptedJoiner(*(decisions or (Answer("done"),)))
        return await LLMCompiler(log.tools, planner=ScriptedPlanner(plans), joiner=joiner, **options).run("q")

    return run_virtual(main())


def test_a_write_waits_for_the_mending_of_a_statement_before_it() -> None:
    log = Log()
    result = scripted(
        log,
        [
            [
                Task(1, "write", {"key": "a", "nam": "w1"}),
                Task(2, "write", {"key": "a", "name": "w2"}),
                Task(3, "write", {"key": "b", "name": "w3"}),
                Task(4, "ask", {"name": "a4"}),
                (5, Plan.parse("join()").join),
            ],
            [(5, Task(1, "write", {"key": "a", "name": "w1"}))],
        ],
    )
    assert [t.outcome.status for t in result.tasks.values()] == ["succeeded"] * 4
    assert log.before("w1", "w2")
    assert result.tasks[4].started == 0
    assert result.tasks[3].started == 10  # only then is known that the first one writes something else


def test_a_write_goes_on_when_the_statement_before_it_is_given_up() -> None:
    log = Log()
    result = scripted(
        log,
        [[Task(1, "write", {"key": "a"}), Task(2, "write", {"key": "a", "name": "w2"})], []],
        repairs=1,
    )
    assert log.events == ["+w2", "-w2"]
    assert result.tasks[2].outcome.status == "succeeded"


def test_a_statement_with_an_unknown_tool_may_turn_out_to_be_anything() -> None:
    log = Log()
    result = scripted(
        log,
        [
            [
                Task(1, "nonsense", {}),
                Task(2, "read", {"key": "a", "name": "r2"}),
                Task(3, "think", {"name": "t"}),
                (3, Plan.parse("join()").join),
            ],
            [Task(1, "write", {"key": "a", "name": "w1"})],
        ],
    )
    assert log.before("w1", "r2")
    assert result.tasks[3].started == 0
    assert result.tasks[1].outcome.status == "succeeded"


def test_a_mended_statement_that_writes_unexpectedly_goes_to_the_end() -> None:
    log = Log()
    result = scripted(
        log,
        [
            [
                Task(1, "read", {"key": "a"}),
                Task(2, "read", {"key": "a", "name": "r2"}),
                (3, Plan.parse("join()").join),
            ],
            [Task(1, "write", {"key": "a", "name": "w1"})],
        ],
    )
    assert log.before("r2", "w1")
    assert result.tasks[1].outcome.status == "succeeded"


def test_a_mended_statement_does_not_take_over_the_result_of_a_later_one() -> None:
    """The later one waits for a write that waits for the mended one."""
    log = Log()
    read = {"key": "a", "name": "r"}
    result = scripted(
        log,
        [
            [
                Task(1, "read", {**read, "z": 2}),
                Task(2, "write", {"key": "a", "name": "w"}),
                Task(3, "read", read),
                (1, Plan.parse("join()").join),
            ],
            [Task(1, "read", read)],
        ],
    )
    assert [result.tasks[i].outcome.status for i in (1, 2, 3)] == ["succeeded"] * 3
    assert log.events == ["+r", "-r", "+w", "-w", "+r", "-r"]


@pytest.mark.parametrize("streamed", [True, False])
def test_what_a_needed_call_is_merged_with_is_needed_too(streamed: bool) -> None:
    log = Log()
    plan = '1. ask("x")\n2. think($1)\n3. think($1)\njoin($3)'
    result = scripted(log, [plan]) if streamed else log.run(plan)
    assert result.output == "x"
    text = Plan.parse(plan, log.tools).explain()
    assert "drop" not in text


def test_a_later_round_reads_again_what_was_written_since() -> None:
    log = Log()
    plan = '1. read("a", "r")\n2. read("b", "q")\n3. write("a", "w")\njoin()'
    again = '4. read("a", "r")\n5. read("b", "q")\njoin()'
    result = scripted(log, [plan, again], Replan("look again"), Answer("done"))
    assert log.events.count("+r") == 2
    assert log.events.count("+q") == 1
    assert result.tasks[5].reused == 2
    assert result.tasks[5].via == "reused"


def test_a_round_that_only_reads_again_what_was_written_since_is_no_repeated_plan() -> None:
    log = Log()
    plans = [
        '1. read("a", "r")\n2. write("a", "w")\njoin()',
        '3. read("a", "r")\njoin()',
        '4. ask("x")\njoin()',
    ]
    result = scripted(log, plans, Replan("look again"), Replan("and ask"), Answer("done"))
    assert result.output == "done"
    assert log.events.count("+r") == 2
    assert result.values[4] == "x"


@pytest.mark.parametrize("on", [True, False])
def test_identical_reads_are_made_once_unless_a_write_stands_between(on: bool) -> None:
    log = Log()
    plan = '1. read("a", "r")\n2. read("a", "r")\n3. write("a", "w")\n4. read("a", "r")\n'
    plan += '5. ask("x")\n6. ask("x")\njoin()'
    result = log.run(plan, passes=Passes(merge=on))
    assert log.events.count("+r") == (2 if on else 3)
    assert log.events.count("+x") == 2
    assert result.values == {1: "r", 2: "r", 3: "w", 4: "r", 5: "x", 6: "x"}
    assert [n.name for n in result.notes] == (["merge"] if on else [])


def test_a_merged_call_fails_as_the_first_one_does() -> None:
    @tool(effect="read")
    async def broken() -> int:
        raise ValueError("no")

    async def main() -> RunResult:
        return await LLMCompiler([broken]).execute("1. broken()\n2. broken()\njoin()")

    result = run_virtual(main())
    assert [t.outcome.status for t in result.tasks.values()] == ["failed", "failed"]


@pytest.mark.parametrize("on", [True, False])
def test_pure_calls_that_nothing_uses_are_dropped(on: bool) -> None:
    log = Log()
    plan = '1. think("t1")\n2. think("t2")\n3. ask("a3")\n4. think($3)\n5. write("a", $4)\n6. think($2)\njoin($1)'
    result = log.run(plan, passes=Passes(drop=on))
    assert result.output == "t1"
    assert ("+t2" in log.events) is not on
    assert log.events.count("+a3") == 3 if not on else log.events.count("+a3") >= 2
    assert sorted(n.task_id or 0 for n in result.notes if n.name == "drop") == ([2, 6] if on else [])
    if on:
        assert result.tasks[2].outcome.status == "skipped"
        assert "nothing uses its value" in str(result.tasks[6].outcome)


def test_while_a_plan_streams_in_a_pure_call_under_way_is_ended_when_nothing_uses_it() -> None:
    log = Log()
    slow = tool(effect="pure", name="slow")(_slow)
    log.tools.append(slow)
    result = scripted(
        log,
        [
            [
                Task(1, "slow", {}),
                Task(2, "ask", {"name": "a"}),
                (0.5, Plan.parse("1. a()\njoin($2)", earlier=[2]).join),
            ]
        ],
    )
    assert result.output == "a"
    assert result.timing.total == 1
    assert result.tasks[1].outcome.status == "skipped"


async def _slow() -> str:
    await asyncio.sleep(100)
    return "slow"


def test_the_call_with_the_longest_chain_behind_it_goes_first_when_caps_bind() -> None:
    plan = '1. ask("x1")\n2. ask("x2")\n3. ask("c1")\n4. ask("${3}2")\n5. ask("${4}3")\njoin()'
    one = AsyncExecutor(max_concurrency=2)
    assert Log().run(plan, executor=one).timing.makespan == 3
    assert (
        Log()
        .run(plan, executor=AsyncExecutor(max_concurrency=2), passes=Passes(priority="fifo"))
        .timing.makespan
        == 4
    )


def test_a_dropped_chain_ends_quietly_in_whatever_order_its_calls_are_dropped() -> None:
    result = Log().run('1. ask("u")\n2. think($1)\n3. think($2)\n4. ask("v")\njoin($4)')
    assert result.output == "v"
    assert [result.tasks[i].outcome.status for i in (2, 3)] == ["skipped", "skipped"]
    assert sorted(n.task_id or 0 for n in result.notes) == [2, 3]


def test_a_merged_call_of_a_stream_gets_the_value_as_it_was() -> None:
    """A call in between changes the list it was given; the same read, planned later, is not shown that."""

    @tool(effect="read")
    async def numbers() -> Any:
        return [1, 2, 3]

    @tool
    async def pop(values: Any) -> int:
        return int(values.pop())

    log = Log()
    log.tools += [numbers, pop]
    tasks = [Task(1, "numbers"), Task(2, "pop", {"values": Ref(1)}), (3, Task(3, "numbers"))]
    result = scripted(log, [[*tasks, Plan.parse("join()").join]])
    assert result.values[3] == [1, 2, 3]
    assert result.tasks[3].via == "merged"
