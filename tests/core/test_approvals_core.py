"""The fingerprint of a call: what changes it, what does not, and that it is never refused."""

from __future__ import annotations

import array
import collections
import copy
import dataclasses
import datetime
import decimal
import enum
import hashlib
import json
import pathlib
import re
import threading
import uuid
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from llmcompiler.approvals import digest

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text().filter(lambda k: k != "$type"), inner),
    max_leaves=20,
)


def of(value: Any) -> str:
    return digest("t", {"v": value})


@given(st.text(), st.dictionaries(st.text().filter(lambda k: k != "$type"), JSON))
def test_of_json_it_is_the_hash_of_the_canonical_text(name: str, arguments: dict[str, Any]) -> None:
    text = json.dumps({"tool": name, "arguments": arguments}, sort_keys=True, separators=(",", ":"))
    assert digest(name, arguments) == hashlib.sha256(text.encode()).hexdigest()


@given(JSON, JSON)
def test_equal_values_and_only_they_share_one(a: Any, b: Any) -> None:
    same = json.dumps(a, sort_keys=True) == json.dumps(b, sort_keys=True)
    assert (of(a) == of(b)) == same


def test_the_tool_and_the_names_count_and_their_order_does_not() -> None:
    assert digest("a", {"x": 1}) != digest("b", {"x": 1})
    assert digest("a", {"x": 1}) != digest("a", {"y": 1})
    assert digest("a", {"x": 1, "y": 2}) == digest("a", {"y": 2, "x": 1})
    assert of({1: "a", "b": {2, 3, "c"}}) == of({"b": {"c", 3, 2}, 1: "a"})


class Model(BaseModel):
    x: int
    inner: list[int]


@dataclasses.dataclass
class Data:
    a: Any


class Plain:
    def __init__(self, a: Any) -> None:
        self.a = a


class Secretive(Plain):
    def __repr__(self) -> str:
        return "<secretive>"


class Slotted:
    __slots__ = ("a",)

    def __init__(self, a: Any) -> None:
        self.a = a


class Color(enum.Enum):
    RED = 1
    BLUE = 2


class Words(str):
    __slots__ = ()


class Rude:
    def __repr__(self) -> str:
        raise RuntimeError("no")

    def __reduce_ex__(self, protocol: Any) -> Any:
        raise RuntimeError("no")


def around(a: Any) -> list[Any]:
    """A value that contains itself."""
    out = [a]
    out.append(out)
    return out


PAIRS: list[tuple[Any, Any]] = [
    (1, True),
    (1, 1.0),
    (0.0, -0.0),
    (1, "1"),
    (None, "null"),
    ([1], (1,)),
    ({1}, frozenset({1})),
    ({"a": 1}, [["a", 1]]),
    ({1: 2}, {"1": 2}),
    ({"$type": "dict", "value": [1, 2]}, {1: 2}),
    ({"$type": "tuple", "value": [1]}, (1,)),
    (b"a", "a"),
    (b"a", bytearray(b"a")),
    (float("nan"), "nan"),
    (float("inf"), float("-inf")),
    (10**9000, 10**9000 + 1),
    ("\ud800", "\ud801"),
    (Model(x=1, inner=[2]), Model(x=1, inner=[3])),
    (Data([1]), Data([2])),
    (Plain([1]), Plain([2])),
    (Secretive([1]), Secretive([2])),
    (Slotted([1]), Slotted([2])),
    (Color.RED, Color.BLUE),
    (Words("a"), "a"),
    (Words("a"), Words("b")),
    (datetime.date(2026, 1, 1), datetime.date(2026, 1, 2)),
    (decimal.Decimal("1.0"), decimal.Decimal("1.00")),
    (uuid.UUID(int=1), uuid.UUID(int=2)),
    (pathlib.PurePosixPath("a"), pathlib.PurePosixPath("b")),
    (re.compile("a" * 500), re.compile("a" * 499 + "b")),
    (collections.deque([1, 2]), collections.deque([2, 1])),
    (collections.OrderedDict(a=1, b=2), collections.OrderedDict(b=2, a=1)),
    (array.array("d", [0.0] * 9_999 + [1.0]), array.array("d", [0.0] * 10_000)),
    (range(3), range(4)),
    (int, float),
    (len, max),
    (threading.Lock(), threading.Lock()),
    (Rude(), Rude()),
    (around(1), around(2)),
]


@pytest.mark.parametrize(("a", "b"), PAIRS, ids=lambda v: type(v).__name__)
def test_any_change_shows(a: Any, b: Any) -> None:
    assert of(a) != of(b)
    assert of(a) == of(a)
    assert of([a]) == of([a]) != of([b])


COPIED = [pair[0] for pair in PAIRS if not isinstance(pair[0], (Rude, type(threading.Lock())))]


@pytest.mark.parametrize("value", COPIED, ids=lambda v: type(v).__name__)
def test_a_copy_has_the_same_one_where_there_can_be_a_copy(value: Any) -> None:
    assert of(copy.deepcopy(value)) == of(value)


def test_values_of_any_depth_have_one() -> None:
    deep: Any = 1
    for _ in range(100_000):
        deep = [deep]
    other: Any = 2
    for _ in range(100_000):
        other = [other]
    assert of(deep) != of(other)
    while isinstance(deep, list):  # or Python recurses as it lets go of them
        deep, other = deep.pop(), other.pop()


def test_the_same_list_twice_is_two_equal_lists() -> None:
    shared = [1]
    assert of([shared, shared]) == of([[1], [1]])
