"""The bank that training examples are made of: wordings fit their slots, facts stand in their texts."""

from __future__ import annotations

import random
import re

import pytest

from llmcompiler.tools import Tool
from llmcompiler_planners.phrases import is_formula
from training.bank import SPECS, names, texts
from training.bank.making import schema
from training.specs import Slot, Spec

_SLOT = re.compile(r"\{(\w+)\}")


def _required(spec: Spec) -> set[str]:
    return {s.name for s in spec.slots if not s.optional}


def test_there_are_enough_tools_of_both_splits() -> None:
    held = [s for s in SPECS if s.split == "held"]
    domains = {(s.domain, s.split) for s in SPECS}
    assert len(SPECS) >= 150
    assert len(held) >= 30
    assert len({d for d, _ in domains}) == len(domains), "a domain is trained on or held out as a whole"
    assert sum(len(s.slots) > 1 for s in SPECS) >= 40
    assert sum(s.returns is not None for s in SPECS) / len(SPECS) >= 0.7


@pytest.mark.parametrize("spec", SPECS, ids=lambda s: s.names[0])
def test_wordings_say_what_the_call_needs(spec: Spec) -> None:
    need, optional = _required(spec), {s.name for s in spec.slots if s.optional}
    assert 3 <= len(spec.asks) <= 9
    assert len(spec.names) >= 2
    assert spec.clauses
    assert spec.domain
    for wording in (
        *spec.asks,
        *spec.clauses,
        *spec.nouns,
        *(n for v in spec.field_nouns.values() for n in v),
    ):
        assert set(_SLOT.findall(wording)) == need, wording
    for wording in spec.compares:
        assert set(_SLOT.findall(wording)) == {"list"}, wording
    assert set(spec.extras) <= optional
    for name, wordings in spec.extras.items():
        assert all(_SLOT.findall(w) == [name] for w in wordings)
    wordings = [*spec.asks, *spec.clauses, *spec.nouns, *spec.compares]
    assert not any('"' in w for w in wordings)


@pytest.mark.parametrize("spec", SPECS, ids=lambda s: s.names[0])
def test_slots_can_be_filled_and_make_a_tool(spec: Spec) -> None:
    for slot in spec.slots:
        _check_slot(slot, spec)
    schema_of = {
        "type": "object",
        "properties": {s.name: {"type": "string"} for s in spec.slots},
        "required": sorted(_required(spec)),
    }
    for name in spec.names:
        tool = Tool.from_schema(
            name, schema_of, lambda **_: None, description=spec.abouts[0], returns=spec.returns
        )
        assert list(tool.params) == [s.name for s in spec.slots]
    properties = (spec.returns or {}).get("properties", {})
    assert set(spec.field_nouns) <= set(properties)
    for kind in (spec.result, *spec.fields.values()):
        assert kind in ("", "number", *names.KINDS)


def _check_slot(slot: Slot, spec: Spec) -> None:
    assert slot.name not in slot.aliases
    match slot.kind:
        case "choice":
            assert set(slot.said) == set(slot.choices)
            assert all(slot.said.values())
        case "flag":
            assert slot.optional
            assert slot.said["true"]
        case "number":
            assert slot.low < slot.high
        case "formula":
            assert is_formula(slot.name)
        case "list":
            assert slot.items in names.KINDS
        case kind:
            assert kind in names.KINDS
    if slot.optional and slot.kind not in ("choice", "flag"):
        assert spec.extras[slot.name]


@pytest.mark.parametrize("kind", names.KINDS)
def test_names_are_runs_of_words(kind: str) -> None:
    rng = random.Random(5)
    for _ in range(400):
        name = names.make(kind, rng)
        assert name == " ".join(name.split())
        assert 1 <= len(name.split()) <= 7
        assert not set('"“”,;!?()[]{}') & set(name), name
        assert name[-1] not in ".'-:", name


@pytest.mark.parametrize(
    "kind", ["person", "title", "company", "building", "band", "email", "flight", "address"]
)
def test_few_names_come_twice(kind: str) -> None:
    rng = random.Random(6)
    assert len({names.make(kind, rng) for _ in range(2000)}) > 1300


def test_units_are_two_of_one_quantity() -> None:
    rng = random.Random(7)
    pairs = {names.make_units(rng) for _ in range(2000)}
    assert len(pairs) > 300
    assert all(a != b for a, b in pairs)


def test_what_a_tool_gives_fits_general_slots() -> None:
    assert names.fits("city", "city")
    assert names.fits("city", "place")
    assert not names.fits("person", "city")
    assert not names.fits("", "city")


@pytest.mark.parametrize("kind", texts.KINDS)
def test_facts_stand_in_their_article(kind: str) -> None:
    rng = random.Random(8)
    for _ in range(60):
        name, of, text, facts = texts.article(rng, kind)
        assert of == kind
        assert 200 <= len(text) <= 900
        assert name.lower() in text.lower()
        assert "{" not in text
        assert facts
        for fact, value in facts.items():
            assert re.search(rf"(?<!\w){re.escape(value)}(?!\w)", text), (fact, value, text)
            assert kind in texts.FACT_QUESTIONS[fact]


def test_questions_about_facts_name_their_things() -> None:
    for fact, by_kind in texts.FACT_QUESTIONS.items():
        for kind, questions in by_kind.items():
            assert kind in texts.KINDS
            assert len(questions) >= 6, fact
            assert all(set(_SLOT.findall(q)) in ({"a"}, {"a", "b"}) for q in questions), fact
            assert set(_SLOT.findall(questions[-1])) == {"a", "b"}


def test_the_same_seed_makes_the_same_names() -> None:
    one, other = random.Random(3), random.Random(3)
    for kind in names.KINDS:
        assert names.make(kind, one) == names.make(kind, other)


@pytest.mark.parametrize("bad", ["", "texts", "[number", "{a:number", "number number"])
def test_a_result_that_is_no_type_is_refused(bad: str) -> None:
    with pytest.raises(ValueError):
        schema(bad)
