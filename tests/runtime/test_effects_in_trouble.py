"""Side effects when things go wrong: calls that run out of time, are hedged, batched, tried again, or changed."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

from llmcompiler import AsyncExecutor, Hedging, Limits, LLMCompiler, MemoryCache, Passes, RunResult, tool
from llmcompiler.testing import run_virtual


def test_a_tool_that_changes_its_arguments_is_tried_again_with_what_was_approved() -> None:
    got: list[list[str]] = []

    @tool(requires_approval=True, idempotent=True, retries=1)
    async def send(to: list[str]) -> str:
        got.append(list(to))
        to.append("eve")
        if len(got) == 1:
            raise ConnectionError("again")
        return "sent"

    async def yes(request: Any) -> bool:
        return True

    async def main() -> RunResult:
        return await LLMCompiler([send], approver=yes).execute('1. send(["bob"])\njoin()')

    assert run_virtual(main()).ok
    assert got == [["bob"], ["bob"]]


def test_a_call_is_made_with_the_arguments_its_approval_was_asked_about() -> None:
    """Another call changes the shared result while this one waits for its place under the cap."""
    paid: list[int] = []

    @tool
    async def make() -> Any:
        return {"amount": 5}

    @tool
    async def raise_it(order: Any) -> str:
        await asyncio.sleep(1)
        order["amount"] = 1000
        return "done"

    @tool(requires_approval=lambda order: order["amount"] > 100)
    async def pay(order: Any) -> str:
        paid.append(order["amount"])
        return "paid"

    async def main() -> RunResult:
        compiler = LLMCompiler(
            [make, raise_it, pay], executor=AsyncExecutor(max_concurrency=1), passes=Passes(priority="fifo")
        )
        return await compiler.execute("1. make()\n2. raise_it($1)\n3. pay($1)\njoin()")

    run_virtual(main())
    assert paid == [5]


def test_a_batch_of_writes_that_runs_out_of_time_is_waited_for() -> None:
    log: list[str] = []

    async def many(calls: list[dict[str, Any]]) -> list[Any]:
        try:
            await asyncio.sleep(100)
        finally:
            await asyncio.sleep(1)
            log.append("-batch")
        return []

    @tool(effect="write", resource=lambda key: key, batch=many, timeout=2)
    async def put(key: str) -> None: ...

    @tool(effect="read", resource=lambda key: key)
    async def get(key: str) -> None:
        log.append("get")

    async def main() -> RunResult:
        return await LLMCompiler([put, get]).execute('1. put("a")\n2. put("b")\n3. get("a")\njoin()')

    run_virtual(main())
    assert log == ["-batch", "get"]


def test_the_loser_of_a_hedged_write_ends_before_what_comes_after() -> None:
    log: list[str] = []
    slow = iter([0.0] * 20 + [60.0, 1.0])

    @tool(effect="write", resource="a", idempotent=True)
    async def put(value: int) -> None:
        seconds = next(slow)
        try:
            await asyncio.sleep(seconds)
        finally:
            await asyncio.sleep(1 if seconds > 1 else 0)
            log.append(f"put {value}")

    @tool(effect="read", resource="a")
    async def get() -> None:
        log.append("get")

    async def main() -> RunResult:
        compiler = LLMCompiler([put, get], executor=AsyncExecutor(hedge=Hedging(min_samples=5, budget=1.0)))
        for i in range(20):
            await compiler.execute(f"1. put({i})\njoin()")
        log.clear()
        return await compiler.execute("1. put(100)\n2. get()\njoin()")

    result = run_virtual(main())
    assert result.tasks[1].attempts == 2
    assert log == ["put 100", "put 100", "get"]


def test_a_tool_that_runs_the_compiler_again_does_not_wait_for_itself() -> None:
    depth = 0

    @tool(effect="read")
    async def ask(q: str) -> str:
        nonlocal depth
        depth += 1
        if depth == 1:
            return (await compiler.execute('1. ask("x")\njoin($1)')).output
        return "leaf"

    compiler = LLMCompiler([ask], executor=AsyncExecutor(timeout=None))

    async def main() -> RunResult:
        return await compiler.execute('1. ask("x")\njoin($1)')

    assert run_virtual(main()).output == "leaf"


def test_fallbacks_and_the_items_that_are_wanted_count_against_the_limit_of_their_tool() -> None:
    made: list[int] = []

    @tool
    async def use(i: int) -> int:
        made.append(i)
        return i

    @tool(fallback=use)
    async def first(i: int) -> int:
        raise ValueError("no")

    def run(text: str, most: int) -> RunResult:
        async def main() -> RunResult:
            limits = Limits(tasks_per_tool={"use": most})
            return await LLMCompiler([use, first]).execute(text, limits=limits)

        made.clear()
        return run_virtual(main())

    result = run("1. first(1)\n2. first(2)\n3. use(3)\njoin()", 2)
    assert len(made) == 2
    assert sum(t.outcome.status == "failed" for t in result.tasks.values()) == 1
    assert run("1. for i in [0, 1, 2, 3, 4]: if i > 2: use(i)\njoin($1)", 2).output == [3, 4]
    assert run("1. for i in [0, 1, 2, 3, 4]: if i > 1: use(i)\njoin($1)", 2).error is not None
    assert made == []


def test_what_a_write_does_after_its_time_makes_cached_results_stale() -> None:
    """Its thread can not be stopped: what was read between its timeout and its end is read again afterwards."""
    state = {"a": 0}
    go, ended = threading.Event(), threading.Event()

    @tool(effect="write", resource="a", timeout=0.05)
    def put(value: int) -> None:
        go.wait(5)
        state["a"] = value
        ended.set()

    @tool(effect="read", resource="a")
    async def get() -> int:
        return state["a"]

    async def main() -> list[Any]:
        compiler = LLMCompiler([put, get], cache=MemoryCache(), executor=AsyncExecutor(grace=0.05))
        early = await compiler.execute("1. put(5)\n2. get()\njoin($2)")
        go.set()
        await asyncio.to_thread(ended.wait, 5)
        late = early
        for _ in range(100):
            late = await compiler.execute("1. get()\njoin($1)")
            if late.output:
                break
            await asyncio.sleep(0.01)
        return [early.output, late.output]

    assert asyncio.run(main()) == [0, 5]


def test_a_resource_key_that_can_not_be_compared_fails_its_call_alone() -> None:
    class Odd:
        __hash__ = object.__hash__

        def __eq__(self, other: object) -> bool:
            raise RuntimeError("no")

    class Unhashable:
        def __hash__(self) -> int:
            raise ZeroDivisionError

    @tool(
        effect="write", resource=lambda kind: {"odd": Odd(), "hash": Unhashable(), "nan": float("nan")}[kind]
    )
    async def put(kind: str) -> None: ...

    async def main() -> RunResult:
        return await LLMCompiler([put]).execute('1. put("odd")\n2. put("hash")\n3. put("nan")\njoin()')

    result = run_virtual(main())
    assert all(
        "the resource of `put` can not be used: the key" in str(t.outcome) for t in result.tasks.values()
    )
