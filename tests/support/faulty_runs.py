"""Calls that fail, hang, are deaf or refused as a script says, and what has to become of a run of them in any case."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import networkx as nx
from hypothesis import strategies as st

from llmcompiler import (
    ApprovalRequest,
    Cancelled,
    Failed,
    ItemFinished,
    Outcome,
    Skipped,
    Succeeded,
    TaskFinished,
    TaskPlanned,
    TaskStarted,
    TransientError,
)
from llmcompiler.options import ItemPolicy
from llmcompiler.testing import RecordingReporter
from tests.support.effect_plans import Key, Part, Script, scripts
from tests.support.strict_loop import assert_events_are_whole

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
"""Calls that end in any way."""
IN_TIME = scripts(finish=_ends_in_time)
"""Calls that end by themselves, and soon."""


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
    given_up: frozenset[Key] | None = None
    """Calls not tried again, because the time of the run would be up; None for a run whose time is not limited."""

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
            return (2, True) if again and key not in (self.given_up or ()) else (1, False)
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


# -- what is seen ------------------------------------------------------------------------------


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
                    assert tries[key] == told[key]
                    assert tries[key] == most or self.expected.given_up is not None
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
