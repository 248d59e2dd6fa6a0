"""Plans with effects of which calls fail, hang, are deaf or refused, in runs that are cut short or not.

Whatever happens: one outcome for each task and item, only what lacks a value is skipped, nothing is left behind, no
write is made twice, and calls that conflict are made one after another, in the order of the plan.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import networkx as nx
from hypothesis import given, settings
from hypothesis import strategies as st

from llmcompiler import (
    Answer,
    ApprovalRequest,
    AsyncExecutor,
    Cancelled,
    Failed,
    ItemFinished,
    Join,
    JoinStarted,
    Limits,
    LLMCompiler,
    LLMCompilerError,
    Outcome,
    Passes,
    Skipped,
    Succeeded,
    TaskFinished,
    TaskPlanned,
    TaskStarted,
    TransientError,
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
    scripts,
    task_of,
    tools,
)
from tests.support.scripted_run import ScriptedJoiner
from tests.support.strict_loop import OpenExecutor, assert_events_are_whole, run_strictly

TIMEOUT = 10.0
PATIENCE = 4.0
"""Seconds until a request for approval lapses."""
LATE = 1.5
"""Seconds that some calls go on after they were cancelled; less than the executor waits for them."""

ENDS = (*["well"] * 6, "raises", "busy", "busy at first", "hangs", "cleans up", "deaf", "deaf, then busy")
HANGING = ENDS[-4:]
VERDICTS = ("", "", "", "", "", "", "yes", "no", "never", "raises")
_END, _VERDICT = st.sampled_from(ENDS), st.sampled_from(VERDICTS)
_IN_TIME = st.sampled_from([end for end in ENDS if end not in HANGING])


def _ends(draw: st.DrawFn, tool: str, part: Part) -> Part:
    return replace(part, how=draw(_END), verdict=draw(_VERDICT))


def _ends_in_time(draw: st.DrawFn, tool: str, part: Part) -> Part:
    return replace(part, how=draw(_IN_TIME))


FAULTY = scripts(finish=_ends)
CUTS = st.tuples(st.sampled_from(["time", "limit", "steps"]), st.integers(0, 120))
"""How a run is cut short, and when: eighths of a second, or steps of the event loop."""


def is_asked(order: dict[str, Any], **_: Any) -> bool:
    return bool(order["asked"])


@dataclass
class Watcher:
    """Does the work of the tools as the script says, and writes down when it begins and ends."""

    script: Script
    tries: Counter[Key] = field(default_factory=Counter)
    first: dict[Key, int] = field(default_factory=dict)
    """When the first try of a call began; moments are counted, not timed."""
    last: dict[Key, int] = field(default_factory=dict)
    """When the last try ended, or was told to."""
    moments: int = 0

    def begins(self, key: Key) -> int:
        self.moments += 1
        self.first.setdefault(key, self.moments)
        self.tries[key] += 1
        self.last.pop(key, None)
        return self.tries[key]

    def ends(self, key: Key) -> None:
        self.moments += 1
        self.last[key] = self.moments

    async def work(self, key: Key, part: Part) -> None:
        tried, told = self.begins(key), False
        try:
            await asyncio.sleep(part.seconds)
            if part.how in HANGING:
                await asyncio.sleep(1000)
            fail(part, tried)
        except asyncio.CancelledError:
            told = not part.touch.writes  # nobody has to wait for a read that nobody wants any more
            if told:
                self.ends(key)
            if await self.is_late(part):
                return
            raise
        finally:
            if not told:
                self.ends(key)

    async def is_late(self, part: Part) -> bool:
        """A call was told to end; whether it comes to its end as if it had not heard."""
        if part.how != "hangs":
            await asyncio.sleep(LATE)
        if part.how == "deaf, then busy":
            raise TransientError("busy") from None
        return part.how == "deaf"

    async def approver(self, request: ApprovalRequest) -> bool:
        part = self.script[request.task_id].parts[request.item or 0]
        await asyncio.sleep(1)
        if part.verdict == "raises":
            raise RuntimeError("no idea")
        if part.verdict == "never":
            await asyncio.sleep(1000)
        return part.verdict == "yes"


def fail(part: Part, tried: int) -> None:
    """Raise what a call of this kind raises at its n-th try, if it does."""
    if part.how == "raises":
        raise ValueError("no")
    if part.how == "busy" or (part.how == "busy at first" and tried == 1):
        raise TransientError("busy")


# -- what is expected ------------------------------------------------------------------------


@dataclass
class Expected:
    """What becomes of each call and task when nothing cuts the run short."""

    script: Script
    policy: ItemPolicy = "fail"
    tries: int = 3
    """Of a call that may be repeated, at most."""
    idempotent: bool = False
    """Whether that is every call."""

    def keys(self, i: int) -> list[Key]:
        step = self.script[i]
        return [(i, at) for at in range(len(step.parts))] if step.loop else [(i, None)]

    def part(self, key: Key) -> Part:
        return self.script[key[0]].parts[key[1] or 0]

    def may_be_repeated(self, key: Key) -> bool:
        name = self.script[key[0]].tool
        if name == "swap":
            return self.idempotent or not self.part(key).touch.writes
        return self.idempotent or name in ("look_a", "look_b", "survey", "think", "peek")

    def call(self, key: Key) -> tuple[int, bool]:
        """How often a call is made, and whether it succeeds."""
        part = self.part(key)
        again = self.tries > 1 and self.may_be_repeated(key)
        if not part.on or part.verdict not in ("", "yes"):
            return 0, False
        if part.how in ("well", "raises"):
            return 1, part.how == "well"
        if part.how == "busy at first":
            return (2, True) if again else (1, False)
        return (self.tries if again else 1), False

    def tasks(self) -> tuple[dict[int, str], dict[int, set[int]]]:
        """The status of each task, and what may be named as the reason of one that is skipped."""
        status: dict[int, str] = {}
        causes: dict[int, set[int]] = {}
        graph: nx.DiGraph[Any] = nx.DiGraph()
        for i, step in self.script.items():
            graph.add_node(i)
            graph.add_edges_from((n, i) for n in step.waits_for)
            above = set(causes) & nx.ancestors(graph, i)
            roots = {n for n in above if causes[n] == {n}}
            well = all(self.call(key)[1] for key in self.keys(i) if self.part(key).on)
            if roots:
                status[i], causes[i] = "skipped", roots
            elif step.guard is False:
                status[i], causes[i] = "skipped", {i}
            elif well or (step.loop and self.policy != "fail"):
                status[i] = "succeeded"
            else:
                status[i], causes[i] = "failed", {i}
        return status, causes


# -- a run --------------------------------------------------------------------------------------


@dataclass
class Ran:
    """What was seen of a run."""

    expected: Expected
    watcher: Watcher
    reporter: RecordingReporter

    @property
    def script(self) -> Script:
        return self.expected.script

    @property
    def whole(self) -> bool:
        """Whether nothing cut it short."""
        planned = {e.task.id for e in self.reporter.of(TaskPlanned)}
        return planned == set(self.script) and not any(
            isinstance(o, Cancelled) for o in self.outcomes.values()
        )

    @property
    def outcomes(self) -> Mapping[int, Outcome]:
        return {e.task_id: e.outcome for e in self.reporter.of(TaskFinished)}

    def check(self) -> None:
        if self.reporter.events:
            assert_events_are_whole(self.reporter)
        self.check_outcomes()
        self.check_items()
        self.check_tries()
        self.check_order()

    def check_outcomes(self) -> None:
        status, causes = self.expected.tasks()
        outcomes = self.outcomes
        if self.whole:
            assert {i: o.status for i, o in outcomes.items()} == status
        for i, outcome in outcomes.items():
            assert isinstance(outcome, Cancelled) or outcome.status == status[i]
            if isinstance(outcome, Skipped):
                assert outcome.cause in causes[i]
            if isinstance(outcome, Succeeded) and not self.script[i].loop:
                assert outcome.value["me"] == i

    def check_items(self) -> None:
        ended: dict[int, list[ItemFinished]] = {}
        for event in self.reporter.events:
            if isinstance(event, ItemFinished):
                ended.setdefault(event.task_id, []).append(event)
            elif isinstance(event, TaskFinished) and self.script[event.task_id].loop:
                items = ended.pop(event.task_id, [])
                if items or isinstance(event.outcome, (Succeeded, Failed)):
                    assert sorted((event.task_id, e.item) for e in items) == self.expected.keys(event.task_id)
                for e in items:
                    self.check_item(e, event.outcome)
        assert not ended, "an item ended after its task, or without it"

    def check_item(self, event: ItemFinished, whole: Outcome) -> None:
        key = (event.task_id, event.item)
        if isinstance(event.outcome, Cancelled):
            assert isinstance(whole, Cancelled)
        elif self.expected.part(key).on:
            assert isinstance(event.outcome, Succeeded if self.expected.call(key)[1] else Failed)
        else:
            assert isinstance(event.outcome, Skipped)

    def check_tries(self) -> None:
        tries, told = self.watcher.tries, Counter[Key]()
        for e in self.reporter.of(TaskStarted):
            told[e.task_id, e.item] += 1
        for i in self.script:
            for key in self.expected.keys(i):
                most, _ = self.expected.call(key)
                assert tries[key] <= told[key] <= most
                assert tries[key] <= 1 or self.expected.may_be_repeated(key), "a write is made once"
                if self.whole and not isinstance(self.outcomes[i], Skipped):
                    assert tries[key] == told[key] == most
                if isinstance(self.outcomes.get(i), Skipped):
                    assert not tries[key]

    def check_order(self) -> None:
        first, last = self.watcher.first, self.watcher.last
        assert set(first) == set(last), "every call that began has ended"
        made = sorted(first, key=lambda key: (key[0], key[1] or 0))
        for n, earlier in enumerate(made):
            touch = self.expected.part(earlier).touch
            for later in made[n + 1 :]:
                if touch.conflicts(self.expected.part(later).touch):
                    assert last[earlier] < first[later]


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
    return Ran(Expected(script, policy, idempotent=idempotent), watcher, reporter)


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
@given(scripts(finish=_ends_in_time), WORKERS, st.none() | CUTS)
def test_calls_that_are_made_together_are_no_different(
    script: Script, workers: int | None, cut: tuple[str, int] | None
) -> None:
    run(script, workers=workers, cut=cut, batch=act_together).check()


@settings(max_examples=25, deadline=None)
@given(scripts(finish=_ends_in_time), st.sampled_from([None, 2]), st.none() | st.integers(0, 40))
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
