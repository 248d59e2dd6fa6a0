"""Plans in four forms while they are being written: cut anywhere, they are the same, and no task is kept waiting."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterable
from itertools import accumulate
from typing import Any

import pytest
from forms_kit import (
    FORMS,
    LONG,
    PLAIN,
    PLANNERS,
    SHORT,
    Case,
    FormName,
    Native,
    Reply,
    Stream,
    both,
    length,
    named,
    pieces,
    placed,
    question,
    stream,
)
from forms_tools import TOOLS
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from llmcompiler import LLMCompiler
from llmcompiler.errors import ModelStreamBroken
from llmcompiler.events import TaskStarted
from llmcompiler.models.base import ModelChunk
from llmcompiler.plan import Task
from llmcompiler.protocols import PlanItem
from llmcompiler.testing import RecordingReporter, ScriptedModel, run_virtual

# -- every chunking -------------------------------------------------------------------------------


async def same(feed: Stream, reply: Reply, cuts: Iterable[int], whole: list[PlanItem] | str) -> None:
    cuts = list(cuts)
    assert await outcome(feed, pieces(reply, cuts)) == whole, (type(feed.planner).__mro__[1], cuts)


async def outcome(feed: Stream, chunks: list[ModelChunk]) -> list[PlanItem] | str:
    """The items, or the text of the error that the reply ends in."""
    try:
        return await feed.items(chunks)
    except ModelStreamBroken as e:
        return str(e)


TWO = 80
"""Replies of up to so many characters are cut in two at each one."""
COMB = 12


@pytest.mark.parametrize("case", named(SHORT))
async def test_every_cut_gives_the_same_items(case: Case) -> None:
    for form, reply in case.replies.items():
        feed, size = stream(case, form), length(reply)
        whole = await outcome(feed, pieces(reply, []))
        if size <= TWO:
            for at in range(1, size):
                await same(feed, reply, [at], whole)
        else:
            for offset in range(COMB):  # each character is the end of a chunk in one of them
                await same(feed, reply, range(offset, size, COMB), whole)


@pytest.mark.parametrize("case", named([*SHORT, *LONG]))
async def test_single_characters_give_the_same_items_at_the_same_places(case: Case) -> None:
    for form, reply in case.replies.items():
        feed = stream(case, form)
        ends = []
        for cuts in ([], range(1, length(reply))):
            result = await outcome(feed, pieces(reply, cuts))
            ends.append(result if isinstance(result, str) else placed(result))
        assert ends[0] == ends[1], form


@pytest.mark.parametrize("case", named(LONG))
async def test_long_replies_in_pieces_of_all_sizes(case: Case) -> None:
    for form, reply in case.replies.items():
        feed = stream(case, form)
        whole = await outcome(feed, pieces(reply, []))
        for step in (7, 64, 1_000):
            await same(feed, reply, range(0, length(reply), step), whole)


@given(st.sampled_from(both([*SHORT])), st.lists(st.integers(0, 700), min_size=1, max_size=12), st.booleans())
@settings(deadline=None, max_examples=150, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
async def test_any_chunking_gives_the_same_items(picked: Any, cuts: list[int], empty: bool) -> None:
    case, form = picked.values
    reply, feed = case.replies[form], stream(case, form)
    whole = await outcome(feed, pieces(reply, []))
    places = [cut % max(length(reply), 1) for cut in cuts]
    chunks = pieces(reply, places)
    if empty:
        chunks = [chunk for made in chunks for chunk in (made, ModelChunk())]
    assert await outcome(feed, chunks) == whole


# -- every task as soon as it is there ------------------------------------------------------------


async def taken(case: Case, form: FormName) -> list[tuple[Task, int]]:
    """Each task with how many characters of the reply the planner had read when it came."""
    feed, reply = stream(case, form), case.replies[form]
    feed.model.chunks = pieces(reply, range(1, length(reply)))
    return [
        (item, feed.model.taken) async for item in feed.planner.plan(feed.context) if isinstance(item, Task)
    ]


def ends(reply: Reply, form: FormName, tasks: list[Task]) -> list[int]:
    """How much of the reply may be read, at most, when each of the tasks comes."""
    if isinstance(reply, Native):
        closed = [*accumulate((1 + len(arguments) for _, arguments in reply.calls), initial=len(reply.said))]
        return [closed[task.span.start.line] for task in tasks if task.span is not None]
    lines = [0, *accumulate(len(line) for line in reply.splitlines(keepends=True))]
    starts = [lines[t.span.start.line - 1] + t.span.start.column - 1 for t in tasks if t.span is not None]
    if form == "json":
        decoder = json.JSONDecoder()
        return [decoder.raw_decode(reply, start)[1] for start in starts]
    if form == "text":
        begins = [m.start() for m in re.finditer(r"^(?:[0-9]+\. |join\()", reply, re.MULTILINE)]
    else:
        begins = [lines[s.lineno - 1] for s in ast.parse(reply).body]
    begins.append(len(reply))
    found = [next(begin for begin in begins if begin > start) for start in starts]
    return [end + (len("else") if form == "python" else 0) for end in found]


@pytest.mark.parametrize("case", named([*(c for c in PLAIN if "over several lines" not in c.name), LONG[0]]))
async def test_a_task_comes_before_more_is_read(case: Case) -> None:
    for form in case.replies:
        tasks = await taken(case, form)
        latest = ends(case.replies[form], form, [task for task, _ in tasks])
        seen = list(zip([at for _, at in tasks], latest, strict=True))
        if form in ("json", "calls"):
            assert [at for at, _ in seen] == [end for _, end in seen], form
        else:
            assert all(at <= end for at, end in seen), form
        assert len(seen) < 2 or form == "python" or seen[0][0] < seen[-1][0]


@pytest.mark.parametrize("form", FORMS)
def test_must_beat_24_the_first_call_starts_while_the_rest_is_being_written(form: FormName) -> None:
    reply = LONG[0].replies[form]
    first, *rest = pieces(reply, [120, *range(500, length(reply), 500)])
    started = RecordingReporter()

    async def run() -> None:
        model = ScriptedModel(
            [[(0.0, first), *((60.0, chunk) for chunk in rest)]], features=["chat", "tools"]
        )
        async with LLMCompiler(TOOLS, model=model, planner=PLANNERS[form], reporters=[started]) as compiler:
            await compiler.run(question(LONG[0]), output_type=Any)

    run_virtual(run())
    times = {event.task_id: event.at for event in started.of(TaskStarted)}
    assert times[1] < 1.0
    assert times[200] > 60.0 * (len(rest) - 1)
    assert len(set(times.values())) > 5
