"""However a run is ended, and whenever: every task has one outcome, nothing runs on, no place stays taken."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from typing import Any

import pytest

from llmcompiler import (
    Answer,
    ApprovalRequest,
    Event,
    Join,
    JoinContext,
    LLMCompiler,
    ModelStreamBroken,
    Plan,
    PlanContext,
    Ref,
    Replan,
    Reporter,
    RunFinished,
    Task,
    TaskFinished,
    tool,
)
from llmcompiler.testing import RecordingReporter, ScriptedPlanner, VirtualTimeLoop
from tests.support.strict_loop import OpenExecutor, assert_events_are_whole, run_strictly


@tool
async def nap(seconds: float, value: Any = None) -> Any:
    try:
        await asyncio.sleep(seconds)
    finally:
        await asyncio.sleep(0.5)
    return value


@tool
async def boom() -> int:
    raise ValueError("no")


@tool(timeout=2)
async def slow() -> None:
    await asyncio.sleep(1000)


@tool(requires_approval=True, max_concurrency=1)
async def pay(after: Any = None) -> int:
    await asyncio.sleep(1)
    return 1


def make_flaky() -> Any:
    calls = 0

    @tool(retries=3, effect="read", timeout=5)
    async def flaky(after: Any = None) -> int:
        nonlocal calls
        try:
            await asyncio.sleep(1)
        finally:
            await asyncio.sleep(1)
        calls += 1
        if calls % 3:
            raise ConnectionError("gone")
        return calls

    return flaky


async def approver(request: ApprovalRequest) -> bool:
    await asyncio.sleep(2)
    return True


class Joiner:
    rounds = 0

    async def join(self, context: JoinContext) -> Any:
        self.rounds += 1
        await asyncio.sleep(1)
        context.delta("so")
        return Replan("more") if self.rounds == 1 else Answer("done")


def call(i: int, seconds: float, value: Any = None) -> Task:
    return Task(i, "nap", {"seconds": seconds, "value": value})


def everything(reporter: RecordingReporter, executor: OpenExecutor) -> LLMCompiler:
    """A run with all there is: retries, approvals, timeouts, a broken stream, a repair, a second round."""
    plans = [
        [
            call(1, 1, "a"),
            (1.0, Task(2, "flaky")),
            Task(3, "pay"),
            Task(4, "pay", {"after": Ref(1)}),
            Task(5, "nup"),
            Task(6, "slow"),
            Task(7, "flaky", {"after": Ref(5)}),
            (1.0, ModelStreamBroken("gone")),
        ],
        [call(8, 3), Task(9, "boom"), Join()],
        [(1.0, call(5, 1))],
        [(1.0, call(10, 1, "z")), Task(11, "flaky", {"after": "2"}), Join()],
    ]
    return LLMCompiler(
        [nap, boom, slow, pay, make_flaky()],
        planner=ScriptedPlanner(plans),
        joiner=Joiner(),
        approver=approver,
        reporters=[reporter],
        executor=executor,
    )


async def steps(count: int, run: asyncio.Future[Any]) -> None:
    """Let the loop take so many steps; time passes when nothing else is to be done."""
    loop: Any = asyncio.get_running_loop()
    for _ in range(count):
        if run.done():
            return
        await asyncio.sleep(0)
        if not loop._ready:
            await asyncio.sleep(0.13)


def test_a_run_cancelled_at_any_step_leaves_nothing_behind() -> None:
    """The whole of a rich run, cancelled after 0, 1, 2, ... steps of the loop, until it ends by itself."""

    def cancelled_after(count: int) -> bool:
        reporter, executor = RecordingReporter(), OpenExecutor(max_concurrency=2)

        async def main() -> bool:
            run = asyncio.ensure_future(everything(reporter, executor).run("why?"))
            await steps(count, run)
            whole = run.done()
            run.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await run
            return whole

        whole = run_strictly(main)
        executor.assert_nothing_is_left()
        if reporter.events:  # cancelled before its first step, a run does not begin
            assert_events_are_whole(reporter)
            assert reporter.of(RunFinished)[0].status == ("answered" if whole else "cancelled")
        return whole

    count = 0
    while not cancelled_after(count):
        count += 1
    assert count > 100, "the run was not the rich one it should be"


@pytest.mark.parametrize("count", range(0, 60, 3))
def test_one_of_two_runs_cancelled_frees_its_places_for_the_other(count: int) -> None:
    executor = OpenExecutor(max_concurrency=1)
    reporter = RecordingReporter()

    @tool(max_concurrency=1)
    async def narrow(i: int) -> int:
        await asyncio.sleep(1)
        return i

    async def main() -> Any:
        plan = Plan(tuple(Task(i, "narrow", {"i": i}) for i in range(1, 5)))
        both = LLMCompiler([narrow], executor=executor, reporters=[reporter])
        first = asyncio.ensure_future(both.execute(plan))
        second = asyncio.ensure_future(both.execute(plan))
        await steps(count, first)
        first.cancel()
        result = await second
        with contextlib.suppress(asyncio.CancelledError):
            await first
        return result

    assert run_strictly(main).output == {i: i for i in range(1, 5)}
    executor.assert_nothing_is_left()


def test_a_call_cancelled_before_its_first_step_gives_up_its_place() -> None:
    """Its body, which would give the place up, is never run by asyncio."""
    executor = OpenExecutor(max_concurrency=1)
    runs: dict[str, asyncio.Future[Any]] = {}

    class CancelsTheNext(Reporter):
        def report(self, event: Event) -> None:
            if isinstance(event, TaskFinished) and event.run_id == "first":
                runs["second"].cancel()  # whose call takes the place in this very step

    async def main() -> None:
        compiler = LLMCompiler([nap], executor=executor, reporters=[CancelsTheNext()])
        for name in ("first", "second"):
            runs[name] = asyncio.ensure_future(compiler.execute(Plan((call(1, 1),)), run_id=name))
            await asyncio.sleep(0.1)
        await runs["first"]
        with pytest.raises(asyncio.CancelledError):
            await runs["second"]
        assert (await compiler.execute(Plan((call(1, 1, "there"),)))).output == {1: "there"}

    run_strictly(main)
    executor.assert_nothing_is_left()


def test_the_tries_of_a_cancelled_call_end_before_the_run_does() -> None:
    ended: list[str] = []

    @tool(retries=1)
    async def careful() -> None:
        try:
            await asyncio.sleep(100)
        finally:
            await asyncio.sleep(1)
            ended.append("cleaned up")

    async def main() -> None:
        run = asyncio.ensure_future(LLMCompiler([careful]).execute(Plan((Task(1, "careful"),))))
        await asyncio.sleep(3)
        run.cancel()
        with pytest.raises(asyncio.CancelledError):
            await run
        assert ended == ["cleaned up"]

    run_strictly(main)


def test_cancelled_again_while_calls_are_ending_it_still_tells_the_end_once() -> None:
    reporter, executor = RecordingReporter(), OpenExecutor()

    async def main() -> None:
        compiler = LLMCompiler([nap], reporters=[reporter], executor=executor)
        run = asyncio.ensure_future(compiler.execute(Plan((call(1, 100),))))
        await asyncio.sleep(1)
        run.cancel()
        await asyncio.sleep(0.1)
        run.cancel()
        with pytest.raises(asyncio.CancelledError):
            await run
        await asyncio.sleep(1)  # the call cleans up behind the back of a run that was not let wait for it

    run_strictly(main)
    assert_events_are_whole(reporter)
    executor.assert_nothing_is_left()


def test_a_call_deaf_to_the_end_of_its_run_does_not_keep_its_place(caplog: pytest.LogCaptureFixture) -> None:
    deaf_for = 50

    @tool
    async def deaf() -> None:
        until = asyncio.get_running_loop().time() + deaf_for
        while asyncio.get_running_loop().time() < until:
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.sleep(1)

    executor = OpenExecutor(max_concurrency=1)

    async def main() -> float:
        loop = asyncio.get_running_loop()
        compiler = LLMCompiler([deaf, nap], executor=executor)
        first = asyncio.ensure_future(compiler.execute(Plan((Task(1, "deaf"),))))
        second = asyncio.ensure_future(compiler.execute(Plan((call(1, 1, "there"),))))
        await asyncio.sleep(1)
        first.cancel()
        with pytest.raises(asyncio.CancelledError):
            await first
        assert (await second).output == {1: "there"}
        at = loop.time()
        await asyncio.sleep(100)
        return at

    assert run_strictly(main) == pytest.approx(1 + 2 + 1.5, abs=0.1)
    assert "`deaf` is still running" in caplog.text
    executor.assert_nothing_is_left()


def test_leaving_a_stream_at_any_event_cancels_the_run() -> None:
    def left_after(count: int) -> bool:
        reporter, executor = RecordingReporter(), OpenExecutor(max_concurrency=2)

        async def main() -> bool:
            stream = everything(reporter, executor).stream("why?")
            event: Event | None = None
            for _ in range(count + 1):
                event = await anext(stream)
            await stream.aclose()  # type: ignore[attr-defined]
            return isinstance(event, RunFinished)

        whole = run_strictly(main)
        executor.assert_nothing_is_left()
        assert_events_are_whole(reporter)
        return whole

    count = 0
    while not left_after(count):
        count += 1
    assert count > 20


def test_a_stream_that_is_only_dropped_is_ended_with_the_loop() -> None:
    reporter, executor = RecordingReporter(), OpenExecutor()

    async def main() -> None:
        stream = everything(reporter, executor).stream("why?")
        async for _ in stream:
            break

    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        runner.run(main())
    assert_events_are_whole(reporter)
    executor.assert_nothing_is_left()


def test_the_end_of_the_loop_ends_runs_that_nobody_awaits() -> None:
    reporter, executor = RecordingReporter(), OpenExecutor(max_concurrency=2)
    kept: list[Any] = []

    async def main() -> None:
        kept.append(asyncio.ensure_future(everything(reporter, executor).run("why?")))
        await asyncio.sleep(2.5)

    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        runner.run(main())
    assert_events_are_whole(reporter)
    executor.assert_nothing_is_left()
    assert kept[0].cancelled()


def test_a_run_whose_coroutine_is_closed_says_so_and_waits_for_nothing() -> None:
    reporter = RecordingReporter()

    async def main() -> None:
        compiler = LLMCompiler([nap], reporters=[reporter])
        run = compiler.execute(Plan((call(1, 1),)))
        run.send(None)
        run.close()
        await asyncio.sleep(2)

    run_strictly(main)
    assert_events_are_whole(reporter)
    assert [e.outcome.status for e in reporter.of(TaskFinished)] == ["cancelled"]


def test_a_stream_with_a_wrong_option_begins_nothing() -> None:
    executor = OpenExecutor()

    async def main() -> None:
        compiler = LLMCompiler([nap], planner=ScriptedPlanner([]), joiner=Joiner(), executor=executor)
        with pytest.raises(Exception, match="no option 'colour'"):
            await anext(compiler.stream("why?", colour=1))
        assert not executor.admissions

    run_strictly(main)


def test_a_planner_deaf_to_its_end_only_delays_it(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)

    class Stubborn:
        async def plan(self, context: PlanContext) -> AsyncIterator[Any]:
            try:
                yield call(1, 1)
                yield Join(Ref(1))
            finally:
                await asyncio.sleep(5)

    async def main() -> Any:
        return await LLMCompiler([nap], planner=Stubborn(), joiner=Joiner()).run("why?")

    assert run_strictly(main).timing.total == pytest.approx(5)
