"""Values and events as JSON: whatever a tool returns or raises, nothing here raises."""

from __future__ import annotations

import itertools
import json
from typing import Any

import pytest

from llmcompiler import Failed, RunResult, Succeeded, TaskFinished
from llmcompiler._jsonable import dumps, to_jsonable, to_text


class Rude:
    def __repr__(self) -> str:
        raise RuntimeError("no")


class RudeError(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no")


def cyclic() -> list[Any]:
    out: list[Any] = []
    out.append(out)
    return out


def deep() -> list[Any]:
    out: list[Any] = []
    for _ in range(100_000):
        out = [out]
    return out


ODD = [
    Rude(),
    cyclic(),
    10**5000,
    {"n": 10**5000},
    float("nan"),
    {1: 2, None: 3, (1, 2): 4},
    b"\xff\xfe",
    "\ud800 alone",
    {1, 2},
    object(),
    lambda: 1,
    Exception("x"),
    {"a": [Rude(), {"b": cyclic()}]},
]


@pytest.mark.parametrize("value", ODD, ids=range(len(ODD)))
def test_any_value_becomes_json_and_text(value: Any) -> None:
    text = dumps(to_jsonable(value))
    text.encode()
    assert isinstance(to_text(value), str)
    event = TaskFinished(
        seq=0, run_id="r", at=0.0, task_id=1, tool="t", outcome=Succeeded(value), started=0.0
    )
    assert '"type"' in event.to_json()
    result = RunResult("r", "q", output=value)
    assert result.to_json()
    assert len(repr(result)) < 100


def test_very_deep_values_do_not_exhaust_the_stack() -> None:
    value = deep()
    assert dumps(to_jsonable(value))
    assert isinstance(to_text(value), str)
    while value:  # or its destruction would recurse
        value = value.pop()


def test_errors_that_can_not_be_printed_are_told_by_type() -> None:
    assert Failed(RudeError()).to_dict() == {
        "status": "failed",
        "error": {"type": "RudeError", "message": ""},
    }


def test_iterators_are_not_read() -> None:
    numbers = iter([1, 2])
    for value in (
        numbers,
        {"ids": numbers},
        [1, (numbers, "x")],
        itertools.count(),
        {"ids": itertools.count()},
    ):
        assert "<" in dumps(to_jsonable(value))
        assert "<" in to_text(value)
    assert list(numbers) == [1, 2]
    assert to_text(map(str, [1])) == "<map>"


def test_json_is_what_every_parser_reads() -> None:
    value = {"a": [float("nan"), float("-inf"), 10**5000, 1.5], "b": 10**2000, "c": "\ud800"}
    for ascii_only in (True, False):
        text = dumps(to_jsonable(value), ascii_only=ascii_only)
        read = json.loads(text, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))
        assert read["a"] == ["nan", "-inf", "<a number of about 5,001 digits>", 1.5]
        assert (read["b"], read["c"]) == (10**2000, "\ud800")
    assert dumps({"é": 1}, ascii_only=True).isascii()
    assert to_text(10**5000) == "<a number of about 5,001 digits>"


def test_plain_values_stay_as_they_are() -> None:
    value = {"a": [1, 2.5, None, True, "é"]}
    assert json.loads(dumps(to_jsonable(value))) == value
    assert to_text(value) == '{"a":[1,2.5,null,true,"é"]}'
    assert to_text(8849) == "8849"
    assert to_text(True) == "true"
