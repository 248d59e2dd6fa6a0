"""One plan, four forms: whatever a model writes, the compiler gets the same plan, however the text is cut.

The corpus lies in `forms/`, its format is told in `forms_kit.load`.
"""

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
    TOOLS,
    Case,
    FormName,
    Native,
    Reply,
    Stream,
    blank_ends,
    collected,
    length,
    load,
    long_chain,
    normal,
    pieces,
    placed,
    read,
    wide,
    windows,
)
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from llmcompiler import LLMCompiler
from llmcompiler.check import check_plan
from llmcompiler.diagnostics import Diagnostic
from llmcompiler.errors import ModelStreamBroken, PlanError
from llmcompiler.events import TaskStarted
from llmcompiler.models.base import ModelChunk
from llmcompiler.plan import Plan, Task
from llmcompiler.protocols import Answer, JoinContext, PlanItem
from llmcompiler.testing import RecordingReporter, ScriptedModel, run_virtual
from llmcompiler_planners.call_schemas import native_names
from llmcompiler_planners.json_tasks import json_plan_text, value_text
from llmcompiler_planners.pycode import plan_to_python

ODD = [*load("as_written.txt"), blank_ends(), windows()]
PLAIN = [
    case
    for file in ("literals", "strings", "references", "formulas", "names", "control")
    for case in load(f"{file}.txt")
]
LONG = [long_chain(), wide()]
WRONG = load("errors.txt")
GOOD = [*PLAIN, *ODD, *LONG]
SHORT = [*PLAIN, *ODD, *WRONG]

PLANNERS: dict[FormName, str] = {"text": "text", "json": "json", "calls": "tools", "python": "python"}


def named(cases: Iterable[Case]) -> list[Any]:
    return [pytest.param(case, id=str(case).replace(" ", "-")) for case in cases]


def both(cases: Iterable[Case]) -> list[Any]:
    """Each case in each form that can say it."""
    return [
        pytest.param(case, form, id=f"{case}-{form}".replace(" ", "-"))
        for case in cases
        for form in FORMS
        if form in case.replies
    ]


def question(case: Case) -> str:
    """A question that holds all numbers and words of the plan, so that none of them looks made up."""
    return str(case.replies["text"])


def stream(case: Case, form: FormName) -> Stream:
    return Stream(form, question(case))


def found(plan: Plan, told: Iterable[Diagnostic]) -> list[tuple[str, int | None]]:
    """The codes of what is wrong with a plan."""
    try:
        check_plan(plan, TOOLS, diagnostics=told)
    except PlanError as e:
        return [(d.code, d.task_id) for d in e.diagnostics if d.severity == "error"]
    return []


# -- the same plan --------------------------------------------------------------------------------


def test_the_corpus_is_not_empty() -> None:
    assert len(GOOD) >= 60
    assert len(WRONG) >= 20
    assert sum(set(case.replies) == set(FORMS) for case in GOOD) >= 45
    assert len({str(case) for case in [*GOOD, *WRONG]}) == len(GOOD) + len(WRONG)
    assert all(len(read("text", case.replies["text"])[0].tasks) == 200 for case in LONG)


@pytest.mark.parametrize("case", named(GOOD))
async def test_every_form_compiles_to_the_same_plan(case: Case) -> None:
    text, _ = read("text", case.replies["text"])
    wanted = normal(check_plan(text, TOOLS))
    for form, reply in case.replies.items():
        plan, told = read(form, reply)
        assert case in ODD or not told, form
        assert not [d for d in told if d.severity == "error"], form
        assert [t.id for t in plan.tasks] == list(range(1, len(plan.tasks) + 1)), form
        assert normal(check_plan(plan, TOOLS, diagnostics=told)) == wanted, form
        planned, planner_told = collected(await stream(case, form).items(pieces(reply, [])))
        assert normal(planned) == normal(plan), form
        assert planner_told == told, form


@pytest.mark.parametrize("case", named(c for c in [*GOOD, *WRONG] if c.unsayable))
async def test_what_a_form_can_not_say_is_refused_or_left_out(case: Case) -> None:
    for form, reply in case.unsayable.items():
        assert form == "calls" or case in WRONG
        if not isinstance(reply, Native):
            continue
        plan, told = read(form, reply)
        assert all(t.each is None and t.when is None for t in plan.tasks)
        if reply.calls:
            assert {code for code, _ in found(plan, told)} == {"extra-argument"}
        elif reply.said:
            assert await stream(case, form).items(pieces(reply, [])) == [Answer(reply.said)]


@pytest.mark.parametrize("case", named(GOOD))
def test_what_is_printed_in_a_form_is_read_as_the_same_plan(case: Case) -> None:
    plan = check_plan(read("text", case.replies["text"])[0], TOOLS)
    names = native_names(TOOLS)
    calls = [(names[t.tool], {k: value_text(v) for k, v in t.args.items()}) for t in plan.tasks]
    if plan.join is not None and plan.join.ref is not None:
        calls.append(("join", {"of": str(plan.join.ref)}))
    printed: dict[FormName, Reply] = {
        "text": str(plan),
        "json": json_plan_text(plan),
        "python": plan_to_python(plan, TOOLS),
    }
    if "calls" in case.replies:
        printed["calls"] = Native("", tuple((name, json.dumps(args)) for name, args in calls))
    for form, reply in printed.items():
        again, told = read(form, reply)
        assert not told, form
        assert normal(check_plan(again, TOOLS)) == normal(plan), form


# -- the same run ---------------------------------------------------------------------------------


class Observed:
    """A joiner that answers with what it sees."""

    async def join(self, context: JoinContext) -> Answer:
        return Answer({o.task.id: o.outcome.to_dict() for o in context.observations})


@pytest.mark.parametrize("case", named([*PLAIN, *ODD]))
async def test_every_form_runs_to_the_same_outcomes(case: Case) -> None:
    results = {}
    for form, reply in case.replies.items():
        chunks = [(0.0, chunk) for chunk in pieces(reply, range(0, 10_000, 50))]
        model = ScriptedModel([chunks], features=["chat", "tools"])
        async with LLMCompiler(TOOLS, model=model, planner=PLANNERS[form], joiner=Observed()) as compiler:
            result = await compiler.run(question(case), output_type=Any)
        results[form] = repr(result.output), {i: t.outcome.to_dict() for i, t in result.tasks.items()}
        assert len(model.requests) == 1, form
    assert len(results) >= 2
    assert all(result == results["text"] for result in results.values())


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    ("name", "output"),
    [
        ("a diamond", [[8012, 8022], "a!"]),
        ("two dollar signs are one", {"show": [["costs $5, $$ and $1 and ${1}", ""], ["$1", ""]]}),
        (
            "keys, items and blanks inside of text",
            {"show": [["first: K2 5, K2, #5.", ""], ["also K2 5", ""]]},
        ),
        ("a sum of five", float(sum(map(ord, "8011 + 8021 + 8031 + 8041 + 8051")))),
    ],
)
async def test_a_plan_gives_these_values_in_every_form(form: FormName, name: str, output: Any) -> None:
    case = next(c for c in PLAIN if c.name == name)
    plan, _ = read(form, case.replies[form])
    async with LLMCompiler(TOOLS) as compiler:
        result = await compiler.execute(plan)
    if isinstance(output, dict):
        ((tool_name, values),) = output.items()
        assert [t.outcome.value for t in result.tasks.values() if t.task.tool == tool_name] == values
    else:
        assert result.output == output


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


TWO = 120
"""Replies of up to so many characters are cut in two at each one."""
COMB = 16


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


# -- what is wrong --------------------------------------------------------------------------------


@pytest.mark.parametrize(("case", "form"), both(WRONG))
async def test_what_is_wrong_has_the_same_codes_in_every_form(case: Case, form: FormName) -> None:
    wanted = sorted(case.codes[form], key=str)
    plan, told = read(form, case.replies[form])
    assert sorted(found(plan, told), key=str) == wanted
    try:
        items = await stream(case, form).items(pieces(case.replies[form], []))
    except ModelStreamBroken:
        assert "bracket" in case.name
    else:
        assert sorted(found(*collected(items)), key=str) == wanted


def test_forms_differ_in_what_is_wrong_only_where_it_is_written_down() -> None:
    differing = {
        case.name: sorted({form for form in case.replies if case.codes[form] != case.codes["text"]})
        for case in WRONG
    }
    assert {name: forms for name, forms in differing.items() if forms} == DIFFERENCES


PYTHON_NAMES = ["python"]  # a name that nothing was assigned to: Python has no later results to refer to
DIFFERENCES = {
    "a later result": PYTHON_NAMES,
    "a later result in text": PYTHON_NAMES,
    "its own result": PYTHON_NAMES,
    "a result that is nowhere": PYTHON_NAMES,
    "a reference that can not be read": PYTHON_NAMES,
    # `"$2"` is money where there is no task 2 yet; plan text has bare references, which are none.
    "a later result whole": ["calls", "json", "python"],
    # A join takes the number of a call.
    "a join of a task that is nowhere": ["calls"],
    # Strict schemas make models write null for what they leave out.
    "nothing for an optional argument": ["calls", "json"],
    # Plan text is mended: its lines begin with numbers.
    "a bracket too few in the middle": ["calls", "json", "python"],
}


@pytest.mark.parametrize("form", FORMS)
async def test_the_same_call_is_mended_in_every_form(form: FormName) -> None:
    """A bad call does not stop the good ones, and is asked for again."""
    case = next(c for c in WRONG if c.name == "no such tool")
    mended: dict[FormName, Reply] = {
        "text": '2. search("Everest")',
        "json": '{"tasks": [{"id": 2, "tool": "search", "args": {"query": "Everest"}}], "join": ""}',
        "calls": Native("", (("search", '{"query": "Everest"}'),)),
        "python": 'r2 = search("Everest")',
    }
    replies = [[(0.0, c) for c in pieces(reply, [])] for reply in (case.replies[form], mended[form])]
    model = ScriptedModel(replies, features=["chat", "tools"])
    async with LLMCompiler(TOOLS, model=model, planner=PLANNERS[form], joiner=Observed()) as compiler:
        result = await compiler.run(question(case), output_type=Any)
    assert [r.purpose for r in model.requests] == ["plan", "repair"]
    assert {i: t.task.tool for i, t in result.tasks.items()} == {1: "search", 2: "search", 3: "show"}
    assert all(t.outcome.status == "succeeded" for t in result.tasks.values())
