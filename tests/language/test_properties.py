"""Properties of the plan language: text, JSON and streams agree, and no input of any kind breaks them.

Lone surrogates are left out of the strings of plans (see `strategies`), not out of the texts that are parsed.
"""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import Any

import jsonschema
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from llmcompiler.diagnostics import CODES, Diagnostic
from llmcompiler.errors import PlanError
from llmcompiler.language import (
    PLAN_JSON_SCHEMA,
    PlanParser,
    parse_guard,
    parse_plan,
    parse_reference,
    parse_template,
    plan_from_json,
    plan_from_json_text,
    plan_to_json,
    print_guard,
    print_plan,
)
from llmcompiler.plan import Join, Plan, Task, Thought
from llmcompiler.values import Ref, Template
from tests.language import strategies as s

quick = settings(
    max_examples=60,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
validator = jsonschema.Draft202012Validator(PLAN_JSON_SCHEMA)


def items_of(chunks: list[str], **options: Any) -> list[Any]:
    """The items that a feedable parser gives for `chunks`."""
    parser = PlanParser(**options)
    items: list[Any] = []
    for chunk in chunks:
        items.extend(parser.feed(chunk))
    items.extend(parser.close())
    return items


def chunked(text: str, cuts: list[int]) -> list[str]:
    places = sorted({min(cut, len(text)) for cut in cuts})
    return [text[a:b] for a, b in zip([0, *places], [*places, len(text)], strict=True)]


def check_diagnostic(found: Diagnostic, text: str) -> None:
    """A diagnostic is one of the catalogue, and its place lies in `text`."""
    assert found.code in CODES
    assert found.message
    lines = re.split(r"\r\n|\r|\n", text.removeprefix("\ufeff"))
    assert 0 <= found.line <= len(lines)
    if found.line:
        assert 1 <= found.column <= len(lines[found.line - 1]) + 2
        assert found.source in lines[found.line - 1] or not found.source
    rendered = found.render()
    assert found.code in rendered
    json.dumps(found.to_dict())


def check_text(text: str) -> None:
    """What holds for any text at all."""
    plan, diagnostics = parse_plan(text)
    for found in diagnostics:
        check_diagnostic(found, text)
    ids = [task.id for task in plan.tasks]
    assert len(set(ids)) == len(ids)
    # What was understood is a whole plan: tasks left out take those that need them with them.
    whole = closed(plan)
    assert parse_plan(print_plan(whole)) == (whole, [])
    assert plan_from_json(plan_to_json(whole)) == whole


def closed(plan: Plan) -> Plan:
    """`plan` without tasks that need ones that had errors: text may hold those, with diagnostics; a plan may not."""
    tasks: list[Task] = []
    ids: set[int] = set()
    for task in plan.tasks:
        if ids.issuperset(task.depends_on):
            tasks.append(task)
            ids.add(task.id)
    join = plan.join
    if join is not None and join.ref is not None and join.ref.task not in ids:
        join = None
    return Plan(tuple(tasks), join)


# -- round trips ---------------------------------------------------------------


@settings(quick, max_examples=200)
@given(s.plans())
def test_every_plan_goes_through_text_and_json(plan: Plan) -> None:
    text = print_plan(plan)
    parsed, diagnostics = parse_plan(text)
    assert diagnostics == []
    assert same(parsed, plan)
    assert print_plan(parsed) == text

    form = plan_to_json(plan)
    validator.validate(form)
    read = plan_from_json(form)
    assert same(read, plan)
    assert plan_to_json(read) == form
    encoded = json.dumps(form, ensure_ascii=False)
    assert plan_from_json_text(encoded) == plan
    assert plan_from_json_text(encoded.encode()) == plan

    assert print_plan(plan_from_json_text(json.dumps(form))) == text
    assert plan_to_json(parsed) == form


def same(one: Plan, other: Plan) -> bool:
    """Whether two plans are equal, types of numbers included: `1`, `1.0` and `True` are equal in Python."""
    return one == other and repr(one) == repr(other)


@quick
@given(s.guards([1, 23], "x"))
def test_guard_round_trip(guard: Any) -> None:
    assert parse_guard(print_guard(guard), variables=["x"]) == guard


@quick
@given(st.builds(Ref, st.integers(1, 10**6), s.paths))
def test_reference_round_trip(ref: Ref) -> None:
    assert parse_reference(str(ref)[1:]) == ref
    assert parse_template(ref.braced) == Template((ref,))


@quick
@given(s.texts)
def test_text_is_never_a_template_once_escaped(text: str) -> None:
    assert parse_template(text.replace("$", "$$")) == text


@quick
@given(s.plans(2), st.lists(st.integers(1, 9), max_size=3, unique=True))
def test_later_rounds(plan: Plan, earlier: list[int]) -> None:
    """References to earlier rounds go through text and JSON."""
    shifted = tuple(
        replace(t, id=t.id + 1000, each=None, when=None, args={"0": [Ref(n) for n in earlier]})
        for t in plan.tasks
    )
    plan = Plan(shifted, Join(Ref(earlier[0])) if earlier else None)
    parsed, diagnostics = parse_plan(print_plan(plan), earlier=earlier)
    assert (parsed, diagnostics) == (plan, [])
    assert plan_from_json(plan_to_json(plan), earlier=earlier) == plan


# -- streams -------------------------------------------------------------------


@quick
@given(s.any_text, st.lists(st.integers(0, 200), max_size=8))
@example("1. f(\r\n)\r\nprose\r\n2. g($9)", [6, 9, 16])
def test_any_chunking_gives_the_same_items(text: str, cuts: list[int]) -> None:
    whole = items_of([text])
    assert items_of(chunked(text, cuts)) == whole
    assert items_of(list(text)) == whole
    assert items_of(list(text), earlier=[9]) == items_of([text], earlier=[9])


@quick
@given(s.any_text)
def test_the_stream_gives_what_the_whole_parse_gives(text: str) -> None:
    items = items_of([text])
    plan, diagnostics = parse_plan(text)
    assert [i for i in items if isinstance(i, Task)] == list(plan.tasks)
    assert [i for i in items if isinstance(i, Join)] == ([] if plan.join is None else [plan.join])
    assert sorted(map(repr, (i for i in items if isinstance(i, Diagnostic)))) == sorted(
        map(repr, diagnostics)
    )
    assert all(isinstance(i, (Task, Join, Diagnostic, Thought)) for i in items)


@quick
@given(s.plans())
def test_a_task_comes_as_soon_as_its_line_is_over(plan: Plan) -> None:
    parser = PlanParser()
    for task in plan.tasks:
        alone = print_plan(Plan((task,)))
        assert [i for i in parser.feed(alone + "\n") if isinstance(i, Task)] == [task]


# -- any input -----------------------------------------------------------------


@settings(quick, max_examples=120)
@example("1. f()\n2. for x in $1: g(x, $9)")
@given(s.any_text)
def test_any_text(text: str) -> None:
    check_text(text)


@quick
@given(s.soup)
def test_any_fragment(text: str) -> None:
    for parse in (parse_guard, parse_reference, parse_template):
        try:
            parse(text)
        except ValueError as exc:
            assert parse is not parse_guard
            assert str(exc)
        except PlanError as exc:
            assert parse is parse_guard
            for found in exc.diagnostics:
                assert found.line == 1
                assert 1 <= found.column <= len(text) + 1
                assert found.source in re.sub(r"[\r\n]", " ", text)
                assert found.render()


json_like = s.named(
    st.recursive(
        st.one_of(
            s.scalars, st.sampled_from(["$1", "1.a", "x", "f"]), st.integers(-2, 4), st.just(float("nan"))
        ),
        lambda inner: st.one_of(
            st.lists(inner, max_size=4),
            st.dictionaries(
                st.sampled_from(
                    ["id", "tool", "args", "tasks", "join", "for", "if", "in", "name", "thought", "a", "0"]
                )
                | st.sampled_from(["$ref", "$var", "$template", "$dict", "$x"]),
                inner,
                max_size=5,
            ),
        ),
        max_leaves=25,
    )
)
task_like = s.named(
    st.fixed_dictionaries(
        {},
        optional={
            "id": st.one_of(st.integers(0, 3), json_like),
            "tool": st.one_of(st.just("f"), json_like),
            "args": json_like,
            "for": st.one_of(st.fixed_dictionaries({"name": st.just("x"), "in": json_like}), json_like),
            "if": st.one_of(s.any_text, st.just("$1 > 2"), json_like),
            "thought": st.one_of(s.texts, json_like),
        },
    )
)
plan_like = st.fixed_dictionaries({"tasks": st.lists(task_like, max_size=3)}, optional={"join": json_like})


def check_json(data: Any, text: str | bytes) -> None:
    """What holds for any JSON, and for anything that is not."""
    try:
        plan = plan_from_json_text(text) if data is None else plan_from_json(data)
    except PlanError as exc:
        assert exc.diagnostics
        for found in exc.diagnostics:
            assert found.code in CODES
            assert found.render()
            json.dumps(found.to_dict())
        return
    assert plan_from_json(plan_to_json(plan)) == plan
    assert parse_plan(print_plan(plan)) == (plan, [])


@settings(quick, max_examples=120)
@given(st.one_of(plan_like, json_like))
def test_any_json_values(data: Any) -> None:
    check_json(data, "")
    check_json(None, json.dumps(data))


@quick
@given(st.one_of(s.any_text, st.binary(max_size=40)))
def test_any_json_text(text: str | bytes) -> None:
    check_json(None, text)


@quick
@given(s.plans(2), st.data())
def test_damaged_json_text(plan: Plan, data: st.DataObject) -> None:
    text = json.dumps(plan_to_json(plan))
    at = data.draw(st.integers(0, len(text)))
    pieces = st.sampled_from(
        ["", "{", "}", "[", '"', ",", "null", "1e999", "NaN", "$", "\\ud800", '{"$ref": "1"}']
    )
    check_json(None, text[:at] + data.draw(pieces) + text[at + data.draw(st.integers(0, 3)) :])
