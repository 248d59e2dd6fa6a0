"""Sharing in whole runs: harmless by property; single-flight across runs, threads, cancellations, context variables."""

from __future__ import annotations

import asyncio
import contextvars
import gc
import random
import threading
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_sequential import World, plans, told, tools_of

from llmcompiler import (
    AsyncExecutor,
    Cancelled,
    Limits,
    LLMCompiler,
    Passes,
    Plan,
    Succeeded,
    TaskFinished,
    tool,
)
from llmcompiler.sharing.cache import Cache, MemoryCache
from llmcompiler.sharing.sqlite import SQLiteCache
from llmcompiler.testing import RecordingReporter, run_virtual

OFF = Passes(fold=False, merge=False, drop=False)


async def _one_after_another(
    texts: list[str], world: World, passes: Passes, cache: Cache | None, workers: int | None
) -> list[dict[int, Any]]:
    compiler = LLMCompiler(
        tools_of(world), executor=AsyncExecutor(max_concurrency=workers), passes=passes, cache=cache
    )
    return [told(await compiler.execute(Plan.parse(text, compiler.tools))) for text in texts]


def _check(texts: list[str], seed: int, workers: int | None, passes: Passes, cache: Cache | None) -> None:
    plain, shared = World(rng=random.Random(seed)), World(rng=random.Random(seed + 1))
    expected = run_virtual(_one_after_another(texts, plain, Passes.none(), None, workers))
    found = run_virtual(_one_after_another(texts, shared, passes, cache, workers))
    assert found == expected
    assert shared.registers == plain.registers


SWITCHES = st.builds(Passes, fold=st.booleans(), merge=st.booleans(), drop=st.booleans())


@settings(max_examples=200, deadline=None)
@given(
    st.lists(plans(), min_size=1, max_size=3),
    st.integers(0, 10**6),
    st.sampled_from([None, 1, 2]),
    SWITCHES,
    st.booleans(),
)
def test_sharing_changes_no_result_and_no_final_state(
    texts: list[str], seed: int, workers: int | None, passes: Passes, cached: bool
) -> None:
    _check(texts, seed, workers, passes, MemoryCache() if cached else None)


@settings(max_examples=25, deadline=None)
@given(st.lists(plans(), min_size=2, max_size=3), st.integers(0, 10**6))
def test_nor_does_a_cache_in_a_file(
    tmp_path_factory: pytest.TempPathFactory, texts: list[str], seed: int
) -> None:
    cache = SQLiteCache(tmp_path_factory.mktemp("cache") / "results.db")
    _check(texts, seed, None, OFF, cache)
    cache.close()


class Counting:
    """A slow read, and how often it was really made."""

    def __init__(self, seconds: float = 5) -> None:
        self.made = 0
        self.seconds = seconds

    async def slow(self, key: str) -> list[str]:
        self.made += 1
        await asyncio.sleep(self.seconds)
        return [key]


def slow_compiler(counting: Counting, **options: Any) -> LLMCompiler:
    return LLMCompiler([tool(effect="read")(counting.slow)], **options)


def test_concurrent_runs_make_an_identical_call_once() -> None:
    counting, reporter = Counting(), RecordingReporter()
    compiler = slow_compiler(counting, reporters=[reporter])

    async def both() -> None:
        first = asyncio.ensure_future(compiler.execute('1. slow("a")\njoin($1)'))
        await asyncio.sleep(2)
        second = await compiler.execute('1. slow("a")\njoin($1)')
        assert asyncio.get_running_loop().time() == pytest.approx(5)
        assert (await first).output == second.output == ["a"]
        assert (await first).output is not second.output

    run_virtual(both())
    assert counting.made == 1
    assert sorted(e.via for e in reporter.of(TaskFinished)) == ["call", "merged"]
    assert compiler.sharing.stats.merged == 1


@pytest.mark.parametrize("passes", [Passes(merge=False), Passes.none()])
def test_with_the_pass_off_both_are_made(passes: Passes) -> None:
    counting = Counting()
    compiler = slow_compiler(counting, passes=passes)

    async def both() -> None:
        await asyncio.gather(*(compiler.execute('1. slow("a")\njoin($1)') for _ in range(2)))

    run_virtual(both())
    assert counting.made == 2


def test_a_run_is_answered_though_the_one_that_made_its_call_is_cancelled() -> None:
    counting = Counting()
    compiler = slow_compiler(counting)

    async def both() -> None:
        first = asyncio.ensure_future(compiler.execute('1. slow("a")\njoin($1)'))
        await asyncio.sleep(2)
        second, third = (asyncio.ensure_future(compiler.execute('1. slow("a")\njoin($1)')) for _ in range(2))
        await asyncio.sleep(1)
        first.cancel()
        with pytest.raises(asyncio.CancelledError):
            await first
        assert (await second).output == (await third).output == ["a"]
        assert asyncio.get_running_loop().time() == pytest.approx(8)

    run_virtual(both())
    assert counting.made == 2
    assert not compiler.sharing._flights


def test_a_run_that_only_waits_can_be_cancelled() -> None:
    counting = Counting()
    compiler = slow_compiler(counting)

    async def both() -> None:
        first = asyncio.ensure_future(compiler.execute('1. slow("a")\njoin($1)'))
        await asyncio.sleep(1)
        second = asyncio.ensure_future(compiler.execute('1. slow("a")\njoin($1)'))
        await asyncio.sleep(1)
        second.cancel()
        with pytest.raises(asyncio.CancelledError):
            await second
        assert asyncio.get_running_loop().time() == pytest.approx(2)
        assert (await first).output == ["a"]

    run_virtual(both())
    assert counting.made == 1


def test_a_call_that_follows_takes_no_place_under_the_caps() -> None:
    counting = Counting()
    compiler = slow_compiler(counting, executor=AsyncExecutor(max_concurrency=2))

    async def both() -> None:
        plan = '1. slow("a")\n2. slow("b")\njoin()'
        await asyncio.gather(*(compiler.execute(plan) for _ in range(5)))
        assert asyncio.get_running_loop().time() == pytest.approx(5)

    run_virtual(both())
    assert counting.made == 2


def test_runs_in_several_threads_share_results_and_never_each_others_loops() -> None:
    counting = Counting(0.01)
    compiler = slow_compiler(counting, cache=MemoryCache())
    outputs: list[Any] = []
    barrier = threading.Barrier(4)

    def work() -> None:
        barrier.wait()
        outputs.extend(compiler.execute_sync('1. slow("a")\njoin($1)').output for _ in range(20))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert outputs == [["a"]] * 80
    assert 1 <= counting.made <= 4
    assert not compiler.sharing._flights


user: contextvars.ContextVar[str] = contextvars.ContextVar("user")


@pytest.mark.parametrize("cache", [None, MemoryCache()], ids=["no cache", "cache"])
def test_what_depends_on_a_context_variable_is_told_apart_by_vary(cache: Cache | None) -> None:
    made = []

    @tool(effect="read", vary=user.get)
    async def mine() -> str:
        made.append(user.get())
        await asyncio.sleep(1)
        return f"mail of {user.get()}"

    @tool
    async def meddle() -> int:
        user.set("mallory")  # in its own call only
        return 1

    compiler = LLMCompiler([mine, meddle], cache=cache)

    async def run_for(name: str) -> Any:
        user.set(name)
        return (await compiler.execute("1. mine()\n2. meddle()\n3. if $2 == 1: mine()\njoin()")).values

    async def all_of_them() -> list[Any]:
        return await asyncio.gather(*(asyncio.ensure_future(run_for(name)) for name in ["ann", "bob", "ann"]))

    found = run_virtual(all_of_them())
    assert [f[1] for f in found] == [f[3] for f in found] == ["mail of ann", "mail of bob", "mail of ann"]
    assert sorted(made) == ["ann", "bob"]


def test_the_cache_serves_run_after_run_until_a_write() -> None:
    reads = []
    world = {"a": 1}

    @tool(effect="read", resource=lambda key: key)
    def get(key: str) -> int:
        reads.append(key)
        return world[key]

    @tool(effect="write", resource=lambda key, value: key)
    def put(key: str, value: int) -> None:
        world[key] = value

    reporter = RecordingReporter()
    compiler = LLMCompiler([get, put], cache=MemoryCache(), reporters=[reporter])
    read = '1. get("a")\njoin($1)'
    assert [compiler.execute_sync(read).output for _ in range(3)] == [1, 1, 1]
    assert reads == ["a"]
    assert [e.cache for e in reporter.of(TaskFinished)] == ["miss", "hit", "hit"]
    compiler.execute_sync('1. put("b", 5)')
    assert compiler.execute_sync(read).tasks[1].via == "cache"
    compiler.execute_sync('1. put("a", 2)')
    assert compiler.execute_sync(read).output == 2
    assert compiler.execute_sync('1. get("a")\n2. put("a", $1)\n3. get("a")\njoin()').output == {
        2: None,
        3: 2,
    }
    assert reads == ["a", "a", "a"]


def test_a_write_that_waits_for_approval_makes_the_cache_stale_too() -> None:
    world = [1]

    @tool(effect="read", resource="w")
    def get() -> int:
        return world[0]

    @tool(effect="write", resource="w", requires_approval=True)
    def put(value: int) -> None:
        world[0] = value

    async def yes(_: Any) -> bool:
        return True

    compiler = LLMCompiler([get, put], cache=MemoryCache(), approver=yes)
    assert compiler.execute_sync("1. get()\njoin($1)").output == 1
    compiler.execute_sync("1. put(2)")
    assert compiler.execute_sync("1. get()\njoin($1)").output == 2


def test_two_compilers_share_a_file_as_two_processes_would(tmp_path: Path) -> None:
    made = []

    @tool(effect="read", resource="w")
    def get(key: str) -> dict[str, int]:
        made.append(key)
        return {key: len(made)}

    @tool(effect="write", resource="w")
    def put() -> None: ...

    first, second = (LLMCompiler([get, put], cache=SQLiteCache(tmp_path / "a.db")) for _ in range(2))
    read = '1. get("a")\njoin($1)'
    assert first.execute_sync(read).output == second.execute_sync(read).output == {"a": 1}
    second.execute_sync("1. put()")
    assert first.execute_sync(read).output == {"a": 2}
    assert b"get" not in (tmp_path / "a.db").read_bytes()
    for compiler in (first, second):
        assert isinstance(compiler.sharing.cache, SQLiteCache)
        compiler.sharing.cache.close()


def test_items_of_a_for_are_shared_like_other_calls() -> None:
    counting = Counting()
    compiler = slow_compiler(counting)
    result = run_virtual(compiler.execute('1. for k in ["a", "b", "a"]: slow(k)\n2. slow("b")\njoin()'))
    assert result.output == {1: [["a"], ["b"], ["a"]], 2: ["b"]}
    assert counting.made == 2
    ways = [*(item.via for item in result.tasks[1].items), result.tasks[2].via]
    assert sorted(ways) == ["call", "call", "merged", "merged"]


def test_merged_tasks_have_values_of_their_own() -> None:
    @tool(effect="read")
    def row(key: str) -> list[str]:
        return [key]

    @tool
    def spoil(x: Any) -> int:
        x.append("spoilt")
        return 1

    @tool
    def see(x: Any, after: int) -> Any:
        return list(x)

    compiler = LLMCompiler([row, spoil, see])
    for _ in range(2):
        result = compiler.execute_sync('1. row("a")\n2. row("a")\n3. spoil($1)\n4. see($2, $3)\njoin($4)')
        assert result.tasks[2].via == "merged"
        assert result.output == ["a"]


def test_a_failure_of_vary_is_an_outcome_like_any_other() -> None:
    @tool(effect="read", vary=lambda: 1 // 0)
    def broken() -> int:
        return 1

    @tool(effect="read")
    def fine() -> int:
        return 2

    result = LLMCompiler([broken, fine]).execute_sync("1. broken()\n2. fine()\njoin()")
    assert result.tasks[2].outcome == Succeeded(2)
    assert "the vary function of `broken` raised ZeroDivisionError" in str(result.tasks[1].outcome)


def test_a_run_out_of_time_leaves_nothing_behind() -> None:
    counting = Counting(100)
    compiler = slow_compiler(counting, cache=MemoryCache())

    async def both() -> None:
        plan = '1. slow("a")\n2. slow("b")\njoin()'
        runs = [compiler.execute(plan, limits=Limits(seconds=s)) for s in (3, 5, 7)]
        for result in await asyncio.gather(*runs, return_exceptions=True):
            if not isinstance(result, BaseException):
                assert all(isinstance(t.outcome, Cancelled) for t in result.tasks.values())

    run_virtual(both())
    gc.collect()
    assert counting.made == 6
    assert not compiler.sharing._flights
