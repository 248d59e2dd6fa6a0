"""Calls that need approval: who decides, what waits, what is never made, and handles of runs."""

from __future__ import annotations

import asyncio
import re
import threading
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llmcompiler import (
    Answer,
    ApprovalDenied,
    ApprovalRequest,
    ApprovalRequested,
    AsyncExecutor,
    Cancelled,
    ConfigurationError,
    Failed,
    LimitExceeded,
    Limits,
    LLMCompiler,
    Plan,
    PlanError,
    Ref,
    RunResult,
    Skipped,
    Succeeded,
    Task,
    TaskFinished,
    UsageError,
    tool,
)
from llmcompiler.approvals import digest
from llmcompiler.errors import ApprovalExpired
from llmcompiler.run import Run
from llmcompiler.testing import RecordingReporter, ScriptedPlanner, run_virtual
from tests.support.scripted_run import ScriptedJoiner

MADE: list[Any] = []


@pytest.fixture(autouse=True)
def _nothing_made() -> None:
    MADE.clear()


@tool
async def nap(seconds: float, value: Any = None) -> Any:
    await asyncio.sleep(seconds)
    return value


@tool(effect="write", resource="account", requires_approval=True)
async def pay(euros: Any, to: str = "ann") -> str:
    MADE.append(euros)
    return f"paid {euros}"


@tool(effect="read", resource="account")
async def balance() -> int:
    return len(MADE)


@tool(requires_approval=lambda euros: euros > 10)
async def tip(euros: int) -> int:
    MADE.append(euros)
    return euros


def compiler(**options: Any) -> LLMCompiler:
    return LLMCompiler([nap, pay, balance, tip], **options)


def go(plan: str, **options: Any) -> RunResult:
    limits = options.pop("limits", None)
    return run_virtual(compiler(**options).execute(plan, limits=limits))


def error_of(result: RunResult, task: int = 1) -> Exception:
    outcome = result.tasks[task].outcome
    assert isinstance(outcome, Failed)
    return outcome.error


async def requests(run: Run, count: int = 1) -> list[ApprovalRequest]:
    """What the run asks for, once so much is asked."""
    seen = 0
    async for event in run.events():
        seen += isinstance(event, ApprovalRequested)
        if seen == count:
            break
    return run.pending_approvals


def held(
    work: Callable[..., Coroutine[Any, Any, Any]], plan: str = "1. pay(20)", **options: Any
) -> RunResult:
    """A run that is held by `work(run)`; its result."""
    limits = options.pop("limits", None)

    async def main() -> RunResult:
        run = compiler(**options).start(plan=plan, limits=limits)
        await work(run)
        return await run

    return run_virtual(main())


# -- the approver --------------------------------------------------------------------


def test_the_approver_sees_exactly_the_call_and_decides() -> None:
    asked: list[ApprovalRequest] = []

    async def approver(request: ApprovalRequest) -> bool:
        asked.append(request)
        return request.arguments["euros"] < 100

    reporter = RecordingReporter()
    result = go("1. pay(20)\n2. pay(200)\n3. nap(1, $2)", approver=approver, reporters=[reporter])
    assert result.tasks[1].outcome == Succeeded("paid 20")
    assert str(error_of(result, 2)) == "`pay` was not approved"
    assert isinstance(result.tasks[3].outcome, Skipped)
    assert MADE == [20]
    (first, second) = asked
    assert (first.run_id, first.task_id, first.tool, first.item) == (result.run_id, 1, "pay", None)
    assert dict(first.arguments) == {"euros": 20}
    assert first.digest == digest("pay", {"euros": 20}) != second.digest
    assert [(e.task_id, e.digest, e.expires) for e in reporter.of(ApprovalRequested)] == [
        (1, first.digest, None),
        (2, second.digest, None),
    ]


def test_a_predicate_decides_which_calls_need_it() -> None:
    result = go("1. tip(10)\n2. tip(11)")
    assert result.values == {1: 10}
    assert "pass approver= to LLMCompiler" in str(error_of(result, 2))


def test_a_predicate_that_raises_fails_its_task_alone() -> None:
    @tool(requires_approval=lambda x: 1 // x > 0)
    async def odd(x: int) -> int:
        return x

    async def approver(request: ApprovalRequest) -> bool:
        return True

    result = run_virtual(LLMCompiler([odd], approver=approver).execute("1. odd(0)\n2. odd(1)"))
    assert result.values == {2: 1}
    assert "ZeroDivisionError" in repr(error_of(result))


def test_only_the_task_its_dependents_and_what_is_ordered_after_it_wait() -> None:
    async def approver(request: ApprovalRequest) -> bool:
        await asyncio.sleep(100)
        return True

    plan = "1. pay(20)\n2. nap(1)\n3. nap(1, $2)\n4. nap(1, $1)\n5. balance()"
    result = go(plan, approver=approver, executor=AsyncExecutor(max_concurrency=2))
    assert {i: round(t.finished) for i, t in result.tasks.items()} == {1: 100, 2: 1, 3: 2, 4: 101, 5: 100}
    assert result.tasks[5].outcome == Succeeded(1)


def test_each_item_of_a_for_asks_for_itself() -> None:
    asked: list[Any] = []

    async def approver(request: ApprovalRequest) -> bool:
        asked.append((request.task_id, request.item, request.arguments["euros"]))
        return request.item != 1

    @tool(requires_approval=True, on_item_error="collect")
    async def give(euros: int) -> int:
        return euros

    result = run_virtual(
        LLMCompiler([give], approver=approver).execute("1. for x in [5, 6, 7]: give(x)\njoin($1)")
    )
    assert sorted(asked) == [(1, 0, 5), (1, 1, 6), (1, 2, 7)]
    assert result.output == [5, {"error": "ApprovalDenied: `give` was not approved"}, 7]


class Odd(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no text")


async def raises(request: ApprovalRequest) -> bool:
    raise ValueError("no luck")


async def raises_badly(request: ApprovalRequest) -> bool:
    raise Odd


async def stops(request: ApprovalRequest) -> bool:
    raise asyncio.CancelledError


async def exits(request: ApprovalRequest) -> bool:
    raise SystemExit(3)


async def says_yes(request: ApprovalRequest) -> Any:
    return "yes"


async def says_nothing(request: ApprovalRequest) -> Any:
    return None


def forgot_async(request: ApprovalRequest) -> Any:
    return True


async def no_parameter() -> bool:
    return True


@pytest.mark.parametrize(
    ("approver", "words"),
    [
        (raises, "the approver failed on `pay`: ValueError: no luck"),
        (raises_badly, "the approver failed on `pay`: Odd"),
        (stops, "the approver failed on `pay`: CancelledError"),
        (exits, "the approver failed on `pay`: SystemExit: 3"),
        (says_yes, "the approver gave 'yes' about `pay`, not True or False"),
        (says_nothing, "the approver gave None about `pay`"),
        (forgot_async, "the approver gave True about `pay` where it has to be awaited; write it `async def`"),
        (no_parameter, "the approver failed on `pay`: TypeError"),
    ],
)
def test_approvers_that_are_wrong(approver: Any, words: str) -> None:
    result = go("1. pay(20)\n2. nap(1, 7)\n3. nap(1, $1)\njoin($2)", approver=approver)
    assert isinstance(error_of(result), ApprovalDenied)
    assert words in str(error_of(result))
    assert (result.output, MADE) == (7, [])


async def hangs(request: ApprovalRequest) -> bool:
    return bool(await asyncio.Event().wait())


def test_an_approver_that_never_answers_is_bounded_by_the_expiry() -> None:
    result = go("1. pay(20)\n2. nap(1, 7)", approver=hangs, approval_timeout=30)
    assert isinstance(error_of(result), ApprovalExpired)
    assert str(error_of(result)) == "nobody approved `pay` within 30 s"
    assert round(result.tasks[1].finished) == 30
    assert (result.values, MADE) == ({2: 7}, [])


def test_and_by_the_time_of_the_run() -> None:
    reporter = RecordingReporter()
    for timeout in (None, 5.0, 30.0):
        result = go(
            "1. pay(20)\n2. nap(1, 7)",
            approver=hangs,
            approval_timeout=timeout,
            limits=Limits(seconds=5),
            reporters=[reporter],
        )
        assert result.tasks[1].outcome == Cancelled("the run's time (5 s) was up")
        assert result.values == {2: 7}
    assert {e.expires for e in reporter.of(ApprovalRequested)} == {5.0}


def test_an_approver_deaf_to_its_cancellation_does_not_keep_the_run() -> None:
    async def deaf(request: ApprovalRequest) -> bool:
        while True:
            try:
                await asyncio.sleep(1000)
            except asyncio.CancelledError:
                if MADE:
                    raise
                MADE.append("deaf")

    result = go("1. pay(20)", approver=deaf, approval_timeout=3)
    assert isinstance(error_of(result), ApprovalExpired)
    assert result.timing.total < 10
    assert MADE == ["deaf"]


@pytest.mark.parametrize("seconds", [0, -1, True, float("nan"), "5"])
def test_expiry_that_is_none(seconds: Any) -> None:
    with pytest.raises(ConfigurationError, match="approval_timeout="):
        compiler(approval_timeout=seconds)


# -- exactly these arguments ------------------------------------------------------------


def test_what_is_shown_is_a_copy_and_what_is_called_is_what_was_approved() -> None:
    shared = {"sum": [20]}

    @tool
    async def bill() -> dict[str, Any]:
        return shared

    async def approver(request: ApprovalRequest) -> bool:
        request.arguments["euros"]["sum"][0] = 0  # what the approver does to its copy is its own affair
        shared["sum"][0] = 1_000_000  # and so is what becomes of the result the argument was made of
        return True

    result = run_virtual(
        LLMCompiler([bill, pay], approver=approver).execute("1. bill()\n2. pay($1)\njoin($2)")
    )
    assert result.output == "paid {'sum': [20]}"
    assert MADE == [{"sum": [20]}]


class Handle:
    """Can not be copied, and shows what it holds."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.sum = 20

    def __repr__(self) -> str:
        return f"<handle of {self.sum}>"


def test_a_call_whose_arguments_changed_meanwhile_is_not_made() -> None:
    handle = Handle()

    @tool
    async def opened() -> Any:
        return handle

    async def approver(request: ApprovalRequest) -> bool:
        if request.task_id == 3:
            handle.sum = 1_000_000
        return True

    made = LLMCompiler([opened, pay], approver=approver)
    result = run_virtual(made.execute("1. opened()\n2. pay($1)\n3. pay($1)"))
    assert result.tasks[2].outcome == Succeeded("paid <handle of 20>")
    assert "the arguments of `pay` changed after approval was asked for" in str(error_of(result, 3))
    assert len(MADE) == 1


# -- from outside ----------------------------------------------------------------------


def test_whoever_holds_the_run_approves_and_rejects() -> None:
    async def work(run: Run) -> None:
        first, second = await requests(run, 2)
        assert (first.task_id, second.task_id) == (1, 2)
        assert not run.done
        run.approve(1, digest=first.digest)
        run.reject(2, "too much")
        assert run.pending_approvals == []
        await run
        assert run.pending_approvals == []

    result = held(work, "1. tip(20)\n2. tip(200)\n3. nap(1, $2)")
    assert result.values == {1: 20}
    assert str(error_of(result, 2)) == "`tip` was rejected: too much"
    assert MADE == [20]


def test_an_approval_of_other_arguments_is_refused() -> None:
    async def work(run: Run) -> None:
        (request,) = await requests(run)
        with pytest.raises(UsageError, match=f"other arguments.*{request.digest}"):
            run.approve(1, digest=digest("pay", {"euros": 2}))
        assert run.pending_approvals == [request]
        run.approve(1)

    assert held(work).values == {1: "paid 20"}


def test_decisions_about_what_does_not_wait() -> None:
    async def work(run: Run) -> None:
        with pytest.raises(UsageError, match="task 1 does not wait for approval; waiting are: none"):
            run.approve(1)
        await requests(run, 4)
        names = re.escape("waiting are: 1, 2 (item 0), 2 (item 1), 2 (item 2)")
        for decide in (run.approve, run.reject):
            with pytest.raises(UsageError, match=f"task 7 does not wait for approval; {names}"):
                decide(7)
            with pytest.raises(UsageError, match=f"task 2 asks for each item by itself: give item=; {names}"):
                decide(2)
            with pytest.raises(UsageError, match=re.escape("task 2 (item 9) does not wait")):
                decide(2, item=9)
            with pytest.raises(UsageError, match=re.escape("task 1 (item 0) does not wait")):
                decide(1, item=0)
        run.approve(1)
        with pytest.raises(UsageError, match="task 1 is decided already; waiting are: 2"):
            run.reject(1)
        run.approve(2, item=2)
        run.reject(2, item=0)
        run.approve(2, item=1)
        await run
        with pytest.raises(UsageError, match="task 1 is decided already; waiting are: none"):
            run.approve(1)

    result = held(work, "1. tip(20)\n2. for x in [30, 40, 50]: tip(x)\njoin($1)")
    assert result.output == 20
    assert sorted(MADE) == [20, 40, 50]


@pytest.mark.parametrize("outside_first", [True, False])
def test_of_approver_and_holder_the_first_counts(outside_first: bool) -> None:
    ended: list[str] = []

    async def approver(request: ApprovalRequest) -> bool:
        try:
            await asyncio.sleep(10)
        finally:
            ended.append("approver")
        return True

    async def work(run: Run) -> None:
        await requests(run)
        await asyncio.sleep(5 if outside_first else 15)
        if outside_first:
            run.reject(1)
        else:
            with pytest.raises(UsageError, match="decided already"):
                run.reject(1)

    result = held(work, approver=approver)
    assert result.values == ({} if outside_first else {1: "paid 20"})
    assert round(result.tasks[1].finished) == (5 if outside_first else 10)
    assert ended == ["approver"]


def test_undecided_requests_lapse() -> None:
    async def work(run: Run) -> None:
        (request,) = await requests(run)
        assert request.expires == pytest.approx(30)

    result = held(work, approval_timeout=30)
    assert isinstance(error_of(result), ApprovalExpired)
    assert MADE == []


def test_runs_that_nobody_holds_are_denied_at_once() -> None:
    assert "needs approval; pass approver=" in str(error_of(go("1. pay(20)", approval_timeout=30)))

    async def main() -> list[Any]:
        planner = ScriptedPlanner(["1. pay(20)\njoin()"] * 2)
        made = compiler(planner=planner, joiner=ScriptedJoiner(Answer("a"), Answer("b")))
        result = await made.run("why?")
        return [error_of(result), *[e async for e in made.stream("why?")]]

    error, *events = run_virtual(main())
    assert isinstance(error, ApprovalDenied)
    assert events[-1].status == "answered"


# -- handles -----------------------------------------------------------------------------


def test_a_run_begins_at_once_and_can_be_awaited_by_many() -> None:
    async def main() -> None:
        planner = ScriptedPlanner(['1. nap(5, "x")\njoin()'])
        run = compiler(planner=planner, joiner=ScriptedJoiner(Answer("done"))).start("why?", run_id="mine")
        assert (run.run_id, run.done) == ("mine", False)
        await asyncio.sleep(1)
        assert run.result.tasks == {}
        assert len(planner.contexts) == 1
        first, second = await asyncio.gather(run, run)
        assert first is second
        assert (first.output, run.done, run.result.output) == ("done", True, "done")
        assert "done" in repr(run)

    run_virtual(main())


def test_results_so_far() -> None:
    async def main() -> None:
        run = compiler().start(plan='1. nap(1, "early")\n2. nap(9)')
        await asyncio.sleep(2)
        before = run.result
        assert (before.values, before.timing.total) == ({1: "early"}, pytest.approx(2))
        await run
        assert before.values == {1: "early"}
        assert len(run.result.tasks) == 2

    run_virtual(main())


def test_every_reader_sees_every_event() -> None:
    async def main() -> None:
        run = compiler().start(plan="1. nap(1)\n2. nap(2, $1)")

        async def read(wait: float) -> list[int]:
            await asyncio.sleep(wait)
            return [e.seq async for e in run.events()]

        seen = await asyncio.gather(read(0), read(0), read(1.5), read(99))
        assert seen[0] == list(range(len(seen[0])))
        assert all(s == seen[0] for s in seen)
        events = [e.type async for e in run.events()]
        assert (events[0], events[-1]) == ("RunStarted", "RunFinished")

    run_virtual(main())


def test_a_reader_may_leave_and_the_run_goes_on() -> None:
    async def main() -> None:
        run = compiler().start(plan="1. nap(1, 7)\njoin($1)")
        async for _ in run.events():
            break
        assert (await run).output == 7

    run_virtual(main())


@pytest.mark.parametrize("wait", [None, 0, 0.5])
def test_cancelling(wait: float | None) -> None:
    async def main() -> None:
        run = compiler().start(plan='1. nap(0.1, "x")\n2. nap(99)\n3. pay(20)')
        if wait is not None:
            await asyncio.sleep(wait)
        run.cancel()
        with pytest.raises(asyncio.CancelledError):
            await run
        assert run.done
        events = [e async for e in run.events()]
        assert [e.type for e in events].count("RunFinished") == 1
        assert events[-1].status == "cancelled"  # type: ignore[union-attr]
        assert run.pending_approvals == []
        assert run.result.values == ({1: "x"} if wait else {})
        run.cancel()
        await run.aclose()

    run_virtual(main())


def test_leaving_the_block_cancels_and_waits() -> None:
    async def main() -> None:
        ended = []

        @tool
        async def slow() -> None:
            try:
                await asyncio.sleep(99)
            finally:
                ended.append("slow")

        async with LLMCompiler([slow]).start(plan="1. slow()") as run:
            await asyncio.sleep(1)
        assert (run.done, ended) == (True, ["slow"])
        with pytest.raises(asyncio.CancelledError):
            await run

    run_virtual(main())


def test_who_waits_may_be_cancelled_without_harm_to_the_run() -> None:
    async def main() -> None:
        run = compiler().start(plan="1. nap(5, 7)\njoin($1)")
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(1):
                await run
        assert not run.done
        assert (await run).output == 7

    run_virtual(main())


def test_what_a_run_raises_is_raised_to_who_awaits_it_and_only_then() -> None:
    async def main() -> None:
        planner = ScriptedPlanner([ValueError("no plan")] * 3)
        made = compiler(planner=planner, joiner=ScriptedJoiner())
        run = made.start("why?")
        events = [e async for e in run.events()]
        assert events[-1].status == "failed"  # type: ignore[union-attr]
        for _ in range(2):
            with pytest.raises(ValueError, match="no plan"):
                await run
        assert isinstance(run.result.error, ValueError)
        ignored = made.start("why?")
        await asyncio.sleep(5)
        assert ignored.done
        run = compiler().start(plan="1. nap(9)\njoin($1)", limits=Limits(seconds=1))
        assert isinstance((await run).error, LimitExceeded)

    run_virtual(main())


def test_what_can_not_start_is_said_at_once() -> None:
    made = compiler(planner=ScriptedPlanner([]))
    with pytest.raises(UsageError, match="running event loop"):
        made.start("why?")

    async def main() -> None:
        with pytest.raises(UsageError, match="needs a question, or plan="):
            made.start()
        with pytest.raises(UsageError, match="empty"):
            made.start("  ")
        with pytest.raises(UsageError, match="empty"):
            made.start("  ", plan="1. nap(1)")
        with pytest.raises(PlanError):
            made.start(plan="1. nope()")
        with pytest.raises(ConfigurationError, match="is not a Limits"):
            made.start(plan="1. nap(1)", limits=5)  # type: ignore[arg-type]

    run_virtual(main())


def test_a_plan_with_a_question() -> None:
    async def main() -> RunResult:
        made = compiler(planner=ScriptedPlanner([]), joiner=ScriptedJoiner(Answer("seven")))
        return await made.start("which?", plan="1. nap(1, 7)")

    result = run_virtual(main())
    assert (result.question, result.output, result.values) == ("which?", "seven", {1: 7})


# -- any decisions -------------------------------------------------------------------------

DECISIONS = st.sampled_from(["approve", "reject", "lapse"])


@st.composite
def graphs(draw: st.DrawFn) -> list[list[int]]:
    """For each task, the earlier ones it needs."""
    count = draw(st.integers(1, 7))
    return [draw(st.lists(st.integers(1, i), unique=True, max_size=2)) if i else [] for i in range(count)]


@settings(deadline=None, max_examples=60)
@given(
    graphs(),
    st.lists(st.tuples(DECISIONS, st.floats(0, 20)), min_size=7, max_size=7),
    st.sampled_from([None, 1, 2]),
    st.one_of(st.none(), st.floats(0, 60)),
)
def test_whatever_is_decided_every_task_ends_once_and_only_what_was_approved_is_called(
    needs: list[list[int]], decisions: list[tuple[str, float]], cap: int | None, cancelled: float | None
) -> None:
    made: list[int] = []

    @tool(requires_approval=True)
    async def act(task: int, after: list[Any]) -> int:
        made.append(task)
        await asyncio.sleep(1)
        return task

    async def decide(run: Run) -> None:
        async def later(request: ApprovalRequested) -> None:
            kind, seconds = decisions[request.task_id - 1]
            await asyncio.sleep(seconds)
            if not any(r.task_id == request.task_id for r in run.pending_approvals):
                return  # the run is over
            if kind == "approve":
                run.approve(request.task_id, digest=request.digest)
            elif kind == "reject":
                run.reject(request.task_id)

        async with asyncio.TaskGroup() as deciding:
            async for event in run.events():
                if isinstance(event, ApprovalRequested):
                    deciding.create_task(later(event))

    async def main() -> None:
        plan = [Task(i, "act", {"task": i, "after": [Ref(n) for n in n_]}) for i, n_ in enumerate(needs, 1)]
        executor = AsyncExecutor(max_concurrency=cap)
        run = LLMCompiler([act], executor=executor, approval_timeout=30).start(plan=Plan(tuple(plan)))
        deciding = asyncio.create_task(decide(run))
        if cancelled is not None:
            await asyncio.sleep(cancelled)
            run.cancel()
        await asyncio.wait({run._task})
        await deciding
        outcomes = {i: t.outcome for i, t in run.result.tasks.items()}
        assert list(outcomes) == list(range(1, len(plan) + 1))
        finished = [e.task_id async for e in run.events() if isinstance(e, TaskFinished)]
        assert sorted(finished) == list(outcomes)
        assert len(made) == len(set(made))
        assert all(decisions[i - 1][0] == "approve" for i in made)
        if cancelled is None:
            runs = []
            for i, n_ in enumerate(needs, 1):
                if decisions[i - 1][0] == "approve" and all(n in runs for n in n_):
                    runs.append(i)
            assert sorted(made) == runs == sorted(run.result.values)
        assert run.pending_approvals == []
        assert asyncio.all_tasks() == {asyncio.current_task()}

    run_virtual(main())
