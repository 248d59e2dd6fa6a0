"""When two plans are the same for the scores of an adapter."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from llmcompiler.tools import Tool

ROOT = Path(__file__).resolve().parents[2] / "planners"
if str(ROOT) not in sys.path:
    sys.path.append(str(ROOT))

from training.scoring import interval, same_plan  # noqa: E402


def _tool(name: str, params: dict[str, bool], returns: dict[str, object] | None = None) -> Tool:
    schema = {
        "type": "object",
        "properties": {key: {"type": "string"} for key in params},
        "required": [key for key, needed in params.items() if needed],
    }
    return Tool.from_schema(name, schema, lambda **_: "", description=name, returns=returns)


TOOLS = [
    _tool("find", {"thing": True, "year": False}),
    _tool("calc", {"formula": True}, {"type": "object", "properties": {"answer": {"type": "number"}}}),
    _tool("facts", {"thing": True}, {"type": "object", "properties": {"mass": {}, "radius": {}}}),
]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ('1. find("A")\n2. find("B")\n3. join()\n', '1. find("B")\n2. find("A")\n3. join()\n'),
        ('1. find("A")\n2. join()\n', '1. find("A")\n2. join($1)\n'),
        ('1. find("A", "1999")\n2. join()\n', '1. find("A", year="1999")\n2. join()\n'),
        (
            '1. find("A")\n2. calc("$1 + 1")\n3. join($2)\n',
            '1. find("A")\n2. calc("${1} + 1")\n3. join($2.answer)\n',
        ),
        (
            '1. find("A")\n2. find("B")\n3. calc("$1 - $2")\n4. join($3)\n',
            '1. find("B")\n2. find("A")\n3. calc("$2 - $1")\n4. join()\n',
        ),
    ],
)
def test_the_same(one: str, other: str) -> None:
    assert same_plan(one, other, TOOLS)
    assert same_plan(other, one, TOOLS)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ('1. find("A")\n2. join()\n', '1. find("B")\n2. join()\n'),
        ('1. find("A")\n2. find("B")\n3. join()\n', '1. find("A")\n2. find("B")\n3. join($2)\n'),
        ('1. find("A")\n2. calc("$1 + 1")\n3. join($2)\n', '1. find("A")\n2. calc("$1 + 1")\n3. join($1)\n'),
        ('1. facts("A")\n2. join($1.mass)\n', '1. facts("A")\n2. join($1.radius)\n'),
        ('1. facts("A")\n2. join($1.mass)\n', '1. facts("A")\n2. join()\n'),
        (
            '1. find("A")\n2. find("B")\n3. calc("$1 - $2")\n4. join($3)\n',
            '1. find("B")\n2. find("A")\n3. calc("$1 - $2")\n4. join($3)\n',
        ),
        (
            '1. find("A")\n2. if $1 > 3: find("B")\n3. join()\n',
            '1. find("A")\n2. if $1 > 4: find("B")\n3. join()\n',
        ),
        ('1. find("A")\n2. for x in $1: find(x)\n3. join()\n', '1. find("A")\n2. find($1)\n3. join()\n'),
        ("1. join()\n", '1. find("A")\n2. join()\n'),
        ("nonsense", '1. find("A")\n2. join()\n'),
        ('1. find("A")\n', '1. find("A")\n2. join()\n'),
    ],
)
def test_not_the_same(one: str, other: str) -> None:
    assert not same_plan(one, other, TOOLS)
    assert not same_plan(other, one, TOOLS)


def test_lines_that_come_before_both() -> None:
    assert same_plan("2. join($1)\n", "2. join()\n", TOOLS, earlier='1. find("A")\n')
    assert not same_plan("2. find($1)\n3. join()\n", "2. join()\n", TOOLS, earlier='1. find("A")\n')


def test_the_interval_of_a_share() -> None:
    low, high = interval(8, 10)
    assert (round(low, 3), round(high, 3)) == (0.490, 0.943)  # Wilson, by hand
    assert interval(0, 0) == (0.0, 1.0)
    assert interval(0, 5)[0] == 0.0
    assert interval(5, 5)[1] == pytest.approx(1.0)


def test_a_long_chain_of_calls_is_compared_in_bounded_space() -> None:
    lines = ['1. find("A")'] + [f'{i}. calc("${i - 1} + ${i - 1} * ${i - 1}")' for i in range(2, 60)]
    plan = "\n".join(lines) + "\n60. join($59)\n"
    assert same_plan(plan, plan, TOOLS)
    assert not same_plan(plan, plan.replace('find("A")', 'find("B")'), TOOLS)
