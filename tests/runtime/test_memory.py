"""A compiler that lives for long: nothing of a run stays behind once its result is let go of."""

from __future__ import annotations

import asyncio
import gc
import tracemalloc
import weakref
from typing import Any

import pytest

from llmcompiler import Answer, JoinContext, LLMCompiler, Plan, Ref, Task, TransientError, tool
from tests.support.strict_loop import OpenExecutor


@tool
async def quick(x: int) -> int:
    return x + 1


@tool
def threaded(x: int) -> int:
    return x + 1


@tool(effect="read")
async def flaky(x: int) -> int:
    error = TransientError("busy")
    error.retry_after = 0.0  # type: ignore[attr-defined]
    raise error


@tool(timeout=0.001)
async def late(x: int) -> None:
    await asyncio.Event().wait()


PLAN = Plan(
    tuple(
        Task(i, ("quick", "threaded", "flaky", "late", "missing")[i % 5], {"x": Ref(i - 5) if i > 5 else i})
        for i in range(1, 21)
        if i % 5 != 4
    )
)


class Always:
    async def join(self, context: JoinContext) -> Any:
        return Answer("done")


def grown(runs: int, once: Any) -> int:
    """Bytes that so many runs leave behind, after some that warm up caches."""
    for _ in range(10):
        once()
    gc.collect()
    tracemalloc.start()
    try:
        once()
        gc.collect()
        before = tracemalloc.get_traced_memory()[0]
        for _ in range(runs):
            once()
        gc.collect()
        return tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("kind", ["sync", "one loop"])
def test_runs_leave_no_memory_behind(kind: str) -> None:
    compiler = LLMCompiler([quick, threaded, flaky, late], joiner=Always())

    async def many(count: int) -> None:
        for _ in range(count):
            await compiler.execute(PLAN)

    runner = asyncio.Runner()
    with runner:
        once = (lambda: compiler.execute_sync(PLAN)) if kind == "sync" else (lambda: runner.run(many(1)))
        assert grown(200, once) < 50_000, "250 bytes a run; asyncio.run keeps some itself"


def test_event_loops_and_their_caps_are_let_go_of() -> None:
    executor = OpenExecutor()
    compiler = LLMCompiler([quick], executor=executor)
    loops: list[weakref.ref[Any]] = []

    async def main() -> None:
        loops.append(weakref.ref(asyncio.get_running_loop()))
        await compiler.execute(Plan((Task(1, "quick", {"x": 1}),)))

    for _ in range(5):
        asyncio.run(main())
    gc.collect()
    assert [ref() for ref in loops] == [None] * 5
    executor.assert_nothing_is_left()


def test_a_loop_that_was_dropped_in_the_middle_of_a_run_is_let_go_of_with_the_next_run() -> None:
    loop = asyncio.new_event_loop()

    @tool
    async def hang() -> None:
        loop.stop()
        await asyncio.Event().wait()

    executor = OpenExecutor()
    compiler = LLMCompiler([hang], executor=executor)
    loop.set_exception_handler(lambda _, context: None)  # asyncio tells of the tasks that are dropped here
    run = loop.create_task(compiler.execute(Plan((Task(1, "hang"),))))
    loop.run_forever()
    loop.close()
    assert list(executor._loops) == [loop]
    del run
    gc.collect()
    assert compiler.execute_sync(Plan(())).output == {}
    assert not executor._loops


def test_values_go_with_the_result() -> None:
    class Large:
        pass

    kept: list[weakref.ref[Large]] = []

    @tool
    async def make() -> Any:
        large = Large()
        kept.append(weakref.ref(large))
        return large

    @tool(retries=1)
    async def use(x: Any) -> int:
        return 1

    async def main() -> None:
        plan = Plan((Task(1, "make"), Task(2, "use", {"x": Ref(1)})))
        result = await LLMCompiler([make, use]).execute(plan)
        assert kept[0]() is not None, "the result holds the values of its tasks"
        del result
        gc.collect()
        assert kept[0]() is None

    asyncio.run(main())
