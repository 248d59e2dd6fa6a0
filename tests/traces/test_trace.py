"""Traces say what ran, from events and from results alike; where the time went adds up."""

from __future__ import annotations

import asyncio
import json
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llmcompiler import AsyncExecutor, LLMCompiler, Passes, tool
from llmcompiler.events import Event, ItemFinished
from llmcompiler.testing import ScriptedModel
from llmcompiler.traces import Phase, Trace, TraceBuilder, TraceReporter, TraceTask
from llmcompiler.traces.breakdown import breakdown
from tests.traces.runs_kit import Tries, make_tools, run

PLAN = """
1. look("Everest", 0.05)
2. look("flaky")
3. look("bad")
4. look("$1 and $2")
5. look("after $3")
6. note("$4")
7. note("more")
8. several()
9. for x in $8: look(x)
join()
"""


class _Totals(TraceReporter):
    """Notes how many items each `for` is said to have while its calls end."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: dict[int, set[int | None]] = {}

    def report(self, event: Event) -> None:
        super().report(event)
        if isinstance(event, ItemFinished):
            (found,) = [t.items for t in self.trace().tasks if t.id == event.task_id]
            assert found is not None
            self.seen.setdefault(event.task_id, set()).add(found.total)


async def test_how_many_items_there_are_is_known_while_a_for_runs() -> None:
    plan = """
    1. several()
    2. for x in $1: look(x)
    3. for x in ["a", "b"]: look(x)
    4. for x in $1: if x != "c": look(x)
    5. text()
    6. for x in $5: look(x)
    7. for x in $1: if $5 == "abc": look(x)
    join()
    """

    @tool(effect="pure")
    def text() -> Any:
        """No list."""
        return "abc"

    totals = _Totals()
    await LLMCompiler([*make_tools(), text], reporters=[totals], passes=Passes(merge=False)).execute(plan)
    assert totals.seen == {2: {3}, 3: {2}, 4: {3}, 7: {3}}
    ended = {t.id: t.items.total for t in totals.trace().tasks if t.items is not None}
    assert ended == {2: 3, 3: 2, 4: 3, 6: 0, 7: 3}


async def test_a_trace_says_what_became_of_each_task() -> None:
    _, trace = await run(PLAN)
    by_id = {t.id: t for t in trace.tasks}
    assert [by_id[i].status for i in range(1, 10)] == [
        "succeeded", "succeeded", "failed", "succeeded", "skipped", "succeeded", "succeeded", "succeeded", "succeeded",
    ]  # fmt: skip
    assert [a.error for a in by_id[2].attempts] == ["TransientError: busy", None]
    assert by_id[3].attempts[-1].error == "ValueError: no such thing: bad"
    assert by_id[4].depends_on == (1, 2)
    assert 6 in by_id[7].after
    assert by_id[5].started is None
    assert by_id[5].error
    assert by_id[9].items is not None
    assert (by_id[9].items.started, by_id[9].items.ended, by_id[9].items.failed) == (3, 3, 1)
    assert by_id[1].line == '1. look(what="Everest", seconds=0.05)'
    assert by_id[1].value == "about Everest"
    assert trace.status == "answered"


async def test_times_are_in_order_and_inside_the_run() -> None:
    _, trace = await run(PLAN)
    by_id = {t.id: t for t in trace.tasks}
    for t in trace.tasks:
        assert t.ready is not None
        assert t.finished is not None
        assert 0 <= t.planned <= t.ready <= t.finished <= trace.total
        if t.started is not None:
            assert t.ready <= t.started <= t.finished
            for a, b in pairwise(t.attempts):
                assert a.finished is not None
                assert a.started <= a.finished <= b.started
        for d in (*t.depends_on, *t.after):
            if t.started is not None and by_id[d].finished is not None:
                assert t.started >= by_id[d].finished
    assert len([t.id for t in trace.tasks if t.critical]) > 1


async def test_a_trace_of_the_result_agrees_with_that_of_the_events() -> None:
    result, live = await run(PLAN)
    made = result.trace()
    assert (made.run_id, made.status, made.question) == (live.run_id, live.status, live.question)
    assert made.total == pytest.approx(live.total, abs=0.05)
    for a, b in zip(made.tasks, live.tasks, strict=True):
        same = (
            "id",
            "tool",
            "line",
            "status",
            "depends_on",
            "after",
            "critical",
            "value",
            "error",
            "via",
            "round",
        )
        assert [getattr(a, n) for n in same] == [getattr(b, n) for n in same]
        assert a.finished == pytest.approx(b.finished, abs=0.02)
    assert made.breakdown is not None
    assert made.breakdown.total == pytest.approx(made.total)


async def test_phases_of_planning_and_joining() -> None:
    reporter = TraceReporter()
    model = ScriptedModel(
        [
            '1. look("a")\njoin()',
            "Action: Replan(more)",
            '2. look("b $1")\njoin()',
            "Action: Finish(both)",
        ]
    )
    result = await LLMCompiler(make_tools(), model=model, reporters=[reporter]).run("What?")
    for trace in (result.trace(), reporter.trace()):
        assert [(p.kind, p.round) for p in sorted(trace.phases, key=lambda p: (p.round, p.kind))] == [
            ("joining", 1), ("planning", 1), ("joining", 2), ("planning", 2),
        ]  # fmt: skip
        assert all(p.finished is not None and p.started <= p.finished for p in trace.phases)
        assert trace.output == "both"
        assert [t.round for t in trace.tasks] == [1, 2]
    assert [p.purpose for p in result.phases if p.kind == "planning"] == ["plan", "replan"]
    assert result.timing.planning == pytest.approx(
        sum(p.finished - p.started for p in result.phases if p.kind == "planning")
    )


async def test_a_run_that_goes_on_and_one_that_is_cancelled() -> None:
    reporter = TraceReporter()
    compiler = LLMCompiler(make_tools(), reporters=[reporter])
    run = compiler.start(plan='1. look("a", 3600)\n2. look("$1")\njoin()')
    async for event in run.events():
        if event.type == "TaskStarted":
            break
    trace = reporter.trace()
    assert [t.status for t in trace.tasks] == ["running", "waiting"]
    assert (trace.status, trace.breakdown, trace.tasks[0].finished) == ("running", None, None)
    assert run.result.status == "running"
    assert run.result.trace().status == "running"
    run.cancel()
    with pytest.raises(asyncio.CancelledError):
        await run
    assert [t.status for t in reporter.trace().tasks] == ["cancelled", "cancelled"]
    assert reporter.trace().status == run.result.trace().status == "cancelled"


async def test_a_failed_run() -> None:
    result, trace = await run('1. look("bad")\njoin($1)')
    assert (trace.status, trace.error) == ("failed", "ValueError: no such thing: bad")
    assert result.trace().status == "failed"


async def test_no_tasks() -> None:
    result, trace = await run("join()")
    assert trace.tasks == result.trace().tasks == ()
    assert trace.breakdown is not None
    assert trace.breakdown.total == pytest.approx(trace.total)


async def test_it_is_json() -> None:
    result, trace = await run(PLAN)
    for one in (trace, result.trace()):
        data = json.loads(json.dumps(one.to_dict()))
        assert len(data["tasks"]) == 9
        assert data["breakdown"]["running"] > 0


async def test_results_that_were_there_already_are_marked() -> None:
    result, trace = await run('1. look("a")\n2. look("a")\njoin()')
    assert [t.via for t in trace.tasks] == ["call", "merged"]
    assert trace.tasks[1].attempts == ()
    assert [t.via for t in result.trace().tasks] == ["call", "merged"]


async def test_the_reporter_keeps_the_last_runs() -> None:
    reporter = TraceReporter(most=2)
    compiler = LLMCompiler(make_tools(Tries()), reporters=[reporter])
    ids = [(await compiler.execute('1. look("a")\njoin()')).run_id for _ in range(3)]
    assert list(reporter.builders) == ids[1:]
    assert reporter.trace().run_id == ids[2]
    with pytest.raises(KeyError):
        reporter.trace(ids[0])
    with pytest.raises(KeyError, match="no run"):
        TraceReporter().trace()


def test_a_builder_without_events() -> None:
    assert TraceBuilder().trace() == Trace("", "", "running", 0.0)


# -- where the time went -------------------------------------------------------------------


def line(
    i: int,
    ready: float,
    started: float | None,
    finished: float,
    *,
    needs: tuple[int, ...] = (),
    planned: float = 0.0,
) -> TraceTask:
    status = "succeeded" if started is not None else "skipped"
    return TraceTask(i, "t", f"{i}. t()", 1, planned, ready, started, finished, status, depends_on=needs)  # type: ignore[arg-type]


def test_a_cap_that_holds_calls_up_is_what_is_named() -> None:
    one_at_a_time = [line(i, 0.0, i - 1.0, float(i)) for i in range(1, 11)]
    parts = breakdown(one_at_a_time, [], 10.0)
    assert (parts.running, parts.queued, parts.other) == pytest.approx((1.0, 9.0, 0.0))
    trace = Trace("r", "", "answered", 10.0, tuple(one_at_a_time))
    assert trace.waited_for_room == pytest.approx(45.0)
    assert trace.waited_for_calls == 0.0


def test_calls_that_wait_for_each_other_are_running_time() -> None:
    chain = [line(1, 1.0, 1.0, 3.0, planned=1.0), line(2, 3.0, 3.5, 6.0, needs=(1,), planned=1.5)]
    beside = line(3, 1.0, 1.0, 5.0, planned=1.0)
    phases = [Phase("planning", 1, 0.0, 2.0), Phase("joining", 1, 6.0, 7.0)]
    parts = breakdown([*chain, beside], phases, 7.5)
    assert (parts.running, parts.queued, parts.planning, parts.joining, parts.other) == pytest.approx(
        (4.5, 0.5, 1.0, 1.0, 0.5)
    )
    trace = Trace("r", "", "answered", 7.5, (*chain, beside))
    assert (trace.waited_for_calls, trace.waited_for_room) == pytest.approx((1.5, 0.5))
    assert trace.to_dict()["waited"] == {"calls": 1.5, "room": 0.5}


def test_a_planner_that_names_the_last_call_late_is_what_held_it_up() -> None:
    early, late = line(1, 0.5, 0.5, 3.0, planned=0.5), line(2, 4.0, 4.0, 5.0, planned=4.0)
    parts = breakdown([early, late], [Phase("planning", 1, 0.0, 4.0)], 5.0)
    assert (parts.planning, parts.running) == pytest.approx((4.0, 1.0))


async def test_a_call_behind_a_cap_in_a_real_run() -> None:
    _, trace = await run(
        "\n".join([*(f'{i}. look("{i}", 0.02)' for i in range(1, 7)), "join()"]),
        executor=AsyncExecutor(max_concurrency=1),
    )
    assert trace.breakdown is not None
    assert trace.breakdown.queued > trace.breakdown.running > 0


@st.composite
def schedules(draw: st.DrawFn) -> list[TraceTask]:
    """What some calls with needs did under a cap: each began when it was ready and there was room."""
    cap = draw(st.integers(1, 3))
    room = [0.0] * cap
    out: list[TraceTask] = []
    for i in range(1, draw(st.integers(1, 8)) + 1):
        needs = tuple(sorted(draw(st.sets(st.integers(1, i - 1), max_size=2)))) if i > 1 else ()
        ready = max([0.0, *(out[d - 1].finished or 0.0 for d in needs)])
        slot = room.index(min(room))
        started = max(ready, room[slot])
        room[slot] = started + draw(st.integers(1, 9))
        out.append(line(i, ready, started, room[slot], needs=needs))
    return out


@settings(deadline=None, max_examples=200)
@given(schedules())
def test_all_of_a_schedule_is_running_or_waiting_for_room(some: list[TraceTask]) -> None:
    total = max(t.finished or 0.0 for t in some)
    parts = breakdown(some, [], total)
    # The chain reaches back to the start without a gap.
    assert parts.running + parts.queued == pytest.approx(total)
    assert parts.other == pytest.approx(0.0)
    longest: dict[int, float] = {}
    for t in some:
        longest[t.id] = t.seconds + max([0.0, *(longest[d] for d in t.depends_on)])
    # Where nothing waited for room, the chain is the critical path.
    if all(t.ready == t.started for t in some):
        assert parts.running == pytest.approx(max(longest.values()))


moments = st.floats(0, 10, allow_nan=False).map(lambda x: round(x, 3))


@st.composite
def odd_tasks(draw: st.DrawFn) -> TraceTask:
    planned, ready, started, finished = sorted(draw(st.tuples(moments, moments, moments, moments)))
    i = draw(st.integers(1, 5))
    needs = tuple(draw(st.sets(st.integers(1, 6), max_size=3)))  # also of itself, or of none that there is
    return line(i, ready, started if draw(st.booleans()) else None, finished, needs=needs, planned=planned)


@st.composite
def phases(draw: st.DrawFn) -> Phase:
    start, end = sorted(draw(st.tuples(moments, moments)))
    return Phase(draw(st.sampled_from(["planning", "joining"])), 1, start, draw(st.sampled_from([end, None])))


@settings(deadline=None, max_examples=200)
@given(st.lists(odd_tasks(), max_size=8), st.lists(phases(), max_size=4), moments)
def test_parts_of_the_time_add_up(some: list[TraceTask], others: list[Phase], total: float) -> None:
    parts = breakdown(some, others, total)
    assert parts.total == pytest.approx(total, abs=1e-6)
    assert min(parts.running, parts.queued, parts.joining, parts.planning, parts.other) >= 0


async def test_what_planners_and_joiners_used_is_told() -> None:
    from llmcompiler.traces import timeline_svg, timeline_text
    from llmcompiler_planners import ModelJoiner, TextPlanner

    model = ScriptedModel(['1. look("a")\n2. look("$1")\njoin()', "Thought: so\nAction: Finish(done)"])
    reporter = TraceReporter()
    compiler = LLMCompiler(
        make_tools(Tries()), planner=TextPlanner(model), joiner=ModelJoiner(model), reporters=[reporter]
    )
    result = await compiler.run("why?")
    live = reporter.trace()
    assert [p.tokens for p in live.phases] == [p.tokens for p in result.trace().phases]
    assert sum(p.tokens for p in live.phases) == result.usage.tokens > 0
    for p in live.phases:
        assert p.first is not None
        assert p.finished is not None
        assert p.started <= p.first <= p.finished
    said = f"planner, {live.phases[0].tokens:,} tokens"
    assert said in timeline_text(live)
    drawn = timeline_svg(live)
    assert said in drawn
    assert drawn.count('class="first"') <= 2
    assert drawn.count('class="notch"') >= 1
    assert result.to_dict()["usage"]["prompt_tokens"] > 0
