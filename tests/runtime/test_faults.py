"""Plans with effects of which calls fail, hang, are deaf or refused, in runs that are cut short or not.

Whatever happens: one outcome for each task and item, only what lacks a value is skipped, nothing is left behind, no
write is made twice, and calls that conflict are made one after another, in the order of the plan.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from llmcompiler import (
    Answer,
    AsyncExecutor,
    Join,
    JoinStarted,
    Limits,
    LLMCompiler,
    LLMCompilerError,
    Passes,
)
from llmcompiler.options import ItemPolicy
from llmcompiler.testing import RecordingReporter, ScriptedPlanner
from tests.support.effect_plans import (
    Bench,
    Key,
    Part,
    Script,
    act_in_thread,
    act_together,
    plan_of,
    task_of,
    tools,
)
from tests.support.faulty_runs import (
    FAULTY,
    IN_TIME,
    PATIENCE,
    TIMEOUT,
    Expected,
    Ran,
    Watcher,
    fail,
    is_asked,
)
from tests.support.scripted_run import ScriptedJoiner
from tests.support.strict_loop import OpenExecutor, run_strictly

CUTS = st.tuples(st.sampled_from(["time", "limit", "steps"]), st.integers(0, 120))
"""How a run is cut short, and when: eighths of a second, or steps of the event loop."""


def assert_the_loop_is_bare() -> None:
    """No asyncio task but this one, and no timer that would still ring."""
    loop: Any = asyncio.get_running_loop()
    assert asyncio.all_tasks() == {asyncio.current_task()}
    assert [t for t in loop._scheduled if not t.cancelled()] == []


async def steps(count: int, run: asyncio.Future[Any]) -> None:
    """Let the loop take so many steps; time passes when nothing else is to be done."""
    loop: Any = asyncio.get_running_loop()
    for _ in range(count):
        if run.done():
            return
        await asyncio.sleep(0)
        if not loop._ready:
            await asyncio.sleep(0.13)


def run(
    script: Script,
    *,
    workers: int | None = None,
    policy: ItemPolicy = "fail",
    idempotent: bool = False,
    passes: Passes | None = None,
    cut: tuple[str, int] | None = None,
    pauses: list[int] | None = None,
    **options: Any,
) -> Ran:
    """Run it; with `pauses`, while a planner writes it."""
    if idempotent:
        options["idempotent"] = True
    watcher, reporter = Watcher(script), RecordingReporter()
    executor, threads = OpenExecutor(max_concurrency=workers), threading.active_count()
    how, when = cut or ("", 0)
    limits = Limits(seconds=when / 8 + 1 / 16) if how == "limit" else None

    async def main() -> None:
        Bench(script, watcher.work).enter()
        compiler = LLMCompiler(
            tools(timeout=TIMEOUT, requires_approval=is_asked, **options),
            planner=_planner(script, pauses),
            joiner=ScriptedJoiner(Answer("done")),
            executor=executor,
            approver=watcher.approver,
            approval_timeout=PATIENCE,
            reporters=[reporter],
            on_item_error=policy,
            passes=passes,
        )
        work = compiler.execute(plan_of(script), limits=limits) if pauses is None else None
        task = asyncio.ensure_future(work or compiler.run("?", limits=limits))
        if how == "time":
            await asyncio.wait({task}, timeout=when / 8)
        elif how == "steps":
            await steps(when, task)
        if how in ("time", "steps") and not reporter.of(JoinStarted):  # then calls are over, or left to end
            task.cancel()
        with contextlib.suppress(asyncio.CancelledError, LLMCompilerError):
            await task
        assert_the_loop_is_bare()

    run_strictly(main, collect=False)
    executor.assert_nothing_is_left()
    assert threading.active_count() <= threads
    expected = Expected(script, policy, idempotent=idempotent)
    if how == "limit":
        at_first = [key for key in watcher.tries if expected.part(key).how == "busy at first"]
        expected.given_up = frozenset(key for key in at_first if watcher.tries[key] == 1)
    return Ran(expected, watcher, reporter)


def _planner(script: Script, pauses: list[int] | None) -> ScriptedPlanner:
    if pauses is None:
        return ScriptedPlanner([])
    items = [(pause / 8, task_of(script, i)) for i, pause in zip(script, pauses, strict=False)]
    return ScriptedPlanner([[*items, Join()]])


WORKERS = st.sampled_from([None, None, 1, 2, 5])
POLICY: st.SearchStrategy[ItemPolicy] = st.sampled_from(["fail", "skip", "collect"])
PASSES = st.sampled_from([Passes(), Passes.none()])
PAUSES = st.none() | st.lists(st.integers(0, 16), min_size=10, max_size=10)


@settings(max_examples=150, deadline=None)
@given(FAULTY, WORKERS, POLICY, st.booleans(), PASSES, PAUSES)
def test_what_fails_takes_with_it_what_needs_it_and_nothing_else(
    script: Script,
    workers: int | None,
    policy: ItemPolicy,
    idempotent: bool,
    passes: Passes,
    pauses: list[int] | None,
) -> None:
    ran = run(script, workers=workers, policy=policy, idempotent=idempotent, passes=passes, pauses=pauses)
    assert ran.whole
    ran.check()


@settings(max_examples=200, deadline=None)
@given(FAULTY, WORKERS, POLICY, st.booleans(), CUTS, PAUSES)
def test_a_run_that_is_cut_short_leaves_nothing_behind(
    script: Script,
    workers: int | None,
    policy: ItemPolicy,
    idempotent: bool,
    cut: tuple[str, int],
    pauses: list[int] | None,
) -> None:
    run(script, workers=workers, policy=policy, idempotent=idempotent, cut=cut, pauses=pauses).check()


@settings(max_examples=100, deadline=None)
@given(IN_TIME, WORKERS, st.none() | CUTS)
def test_calls_that_are_made_together_are_no_different(
    script: Script, workers: int | None, cut: tuple[str, int] | None
) -> None:
    run(script, workers=workers, cut=cut, batch=act_together).check()


@settings(max_examples=25, deadline=None)
@given(IN_TIME, st.sampled_from([None, 2]), st.none() | st.integers(0, 40))
def test_in_threads_too(script: Script, workers: int | None, cut: int | None) -> None:
    """In real time: an eighth of a second is taken as a quarter of a millisecond, and a thread can not be cancelled."""
    watcher, reporter, lock = Watcher(script), RecordingReporter(), threading.Lock()

    def toil(key: Key, part: Part) -> None:
        with lock:
            tried = watcher.begins(key)
        try:
            threading.Event().wait(part.seconds / 500)
            fail(part, tried)
        finally:
            with lock:
                watcher.ends(key)

    async def main() -> None:
        Bench(script, toil=toil).enter()
        compiler = LLMCompiler(
            tools(act_in_thread, requires_approval=is_asked),
            executor=AsyncExecutor(max_concurrency=workers, retries=0),
            approver=watcher.approver,
            reporters=[reporter],
        )
        task = asyncio.ensure_future(compiler.execute(plan_of(script)))
        if cut is not None:
            await asyncio.wait({task}, timeout=cut / 1000)
            task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        assert_the_loop_is_bare()

    asyncio.run(main())
    for thread in threading.enumerate():
        if thread.name == "llmcompiler-tool":
            thread.join(10)
            assert not thread.is_alive()
    Ran(Expected(script, tries=1), watcher, reporter).check()
