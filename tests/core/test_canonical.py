"""The canonical form: equal for what no function could tell apart, different or refused for everything else."""

from __future__ import annotations

import dataclasses
import enum
import math
import subprocess
import sys
import threading
from collections import namedtuple
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from fractions import Fraction
from pathlib import Path, PurePosixPath
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import AnyUrl, BaseModel, Field

from llmcompiler.sharing.canonical import NotCanonical, canonical, key_name


class Colour(enum.Enum):
    RED = "red"


class Shade(enum.Enum):
    RED = "red"


class Code(str, enum.Enum):  # noqa: UP042 - the mixture is what is tested
    A = "a"


@dataclasses.dataclass
class Point:
    x: int
    y: float = 0.0


@dataclasses.dataclass
class Spot:
    x: int
    y: float = 0.0


class Person(BaseModel):
    name: str
    age: int = Field(default=1)


Pair = namedtuple("Pair", "a b")

PLAIN = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(min_value=-(2**70), max_value=2**70)
    | st.floats()
    | st.text(st.characters(), max_size=5)
    | st.binary(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.tuples(inner, inner)
        | st.dictionaries(st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=8,
)


def as_seen(value: object) -> str:
    """What a function could see of a plain value."""
    return repr(value)


@given(PLAIN, PLAIN)
def test_forms_are_equal_exactly_where_values_look_the_same(a: object, b: object) -> None:
    assert (canonical(a) == canonical(b)) == (as_seen(a) == as_seen(b))


DIFFERENT = [
    None, 0, 1, -1, 1.0, True, False, 0.0, -0.0, math.inf, math.nan, "1", "", b"1", bytearray(b"1"), "None", 1j,
    [], (), {}, set(), frozenset(), [1], (1,), {1}, frozenset({1}), {"a": 1}, {"a": [1]}, [["a"], 1], [["a", 1]],
    {"a": 1, "b": 2}, {"b": 2, "a": 1}, [[], []], [[[]]], ["ab", "c"], ["a", "bc"], {1: "a"}, {"1": "a"},
    Colour.RED, Shade.RED, Code.A, "a", Point(1), Spot(1), Point(1, 1), {"x": 1, "y": 0.0}, Pair(1, 2), (1, 2),
    Person(name="a"), Person(name="a", age=1), Person(name="b"), {"name": "a", "age": 1},
    date(2024, 1, 1), datetime(2024, 1, 1), datetime(2024, 1, 1, tzinfo=UTC), datetime(2024, 1, 1, fold=1),
    datetime(2024, 1, 1, tzinfo=ZoneInfo("Europe/Oslo")), datetime(2024, 1, 1, tzinfo=timezone(timedelta(hours=1))),
    timedelta(1), timedelta(0, 1), Decimal("1.0"), Decimal("1.00"), Fraction(1, 2), UUID(int=1),
    Path("a"), PurePosixPath("a"),
    range(3), range(0, 3, 2), AnyUrl("http://a.example/"), 10**5000, 10**5000 + 1, "\ud800",
]  # fmt: skip


def test_what_a_function_can_tell_apart_has_different_forms() -> None:
    forms = [canonical(v) for v in DIFFERENT]
    assert len(set(forms)) == len(DIFFERENT)


@pytest.mark.parametrize("value", DIFFERENT, ids=lambda v: type(v).__name__)
def test_a_form_does_not_depend_on_the_object(value: object) -> None:
    import copy

    assert canonical(value) == canonical(copy.deepcopy(value))


def test_the_order_of_a_set_does_not_count() -> None:
    names = [f"name {n}" for n in range(50)]
    backwards = [f"name {n}" for n in range(49, -1, -1)]
    assert canonical(set(names)) == canonical(set(backwards))


class Own:
    pass


class OwnText(str):
    __slots__ = ()


def _deep() -> list[object]:
    deep: list[object] = []
    for _ in range(10_000):
        deep = [deep]
    return deep


def _circle() -> list[object]:
    circle: list[object] = []
    circle.append(circle)
    return circle


def _doubling() -> list[object]:
    value: list[object] = ["x"]
    for _ in range(60):
        value = [value, value]
    return value


def _secretive() -> Point:
    point = Point(1)
    point.__dict__["secret"] = 2
    return point


@pytest.mark.parametrize(
    "value",
    [
        Own(),
        OwnText("a"),
        threading.Lock(),
        (n for n in "ab"),
        [Own()],
        Person,
        len,
        _deep(),
        _circle(),
        _doubling(),
        _secretive(),
        [0] * 1_000_000,
        Point(Own()),  # type: ignore[arg-type]
    ],
    ids=lambda v: type(v).__name__,
)
def test_what_has_no_form_is_refused(value: object) -> None:
    with pytest.raises(NotCanonical):
        canonical(value)


def test_a_deleted_field_is_refused() -> None:
    point = Point(1)
    del point.x
    with pytest.raises(NotCanonical):
        canonical(point)


def _local() -> tuple[object, object]:
    class Thing(enum.Enum):
        A = 1

    return Thing.A, Thing


def test_two_classes_of_one_name_are_two() -> None:
    a, _ = _local()
    b, _ = _local()
    assert canonical(a) != canonical(b)
    assert canonical(a) == canonical(a)
    assert not canonical(a).lasting
    assert canonical(Colour.RED).lasting


def test_a_secret_is_not_in_the_form() -> None:
    assert b"hunter2" not in repr(canonical({"password": "hunter2"})).encode()


def test_forms_are_the_same_in_another_process() -> None:
    code = "from llmcompiler.sharing.canonical import canonical; print(canonical({'a': [1, {'b', 'c'}]}).digest.hex())"
    seen = {
        subprocess.run(
            [sys.executable, "-c", code],
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
            env={"PYTHONHASHSEED": seed},
        ).stdout.strip()
        for seed in ("1", "2")
    }
    assert seen == {canonical({"a": [1, {"b", "c"}]}).digest.hex()}


@pytest.mark.parametrize(
    ("a", "b"),
    [
        (1, 1.0),
        (1, True),
        ("a", Code.A),
        ((1, "a"), (True, Code.A)),
        (0, -0.0),
        (frozenset({1}), frozenset({1.0})),
    ],
)
def test_equal_resource_keys_have_one_name(a: object, b: object) -> None:
    assert a == b
    assert key_name(a) == key_name(b)


def test_different_resource_keys_have_different_names() -> None:
    keys = [
        "a",
        "b",
        1,
        1.5,
        None,
        ("a",),
        ("a", 1),
        Colour.RED,
        Shade.RED,
        b"a",
        math.inf,
        math.nan,
        frozenset({1}),
    ]
    assert len({key_name(k) for k in keys}) == len(keys)


@pytest.mark.parametrize("key", [Own(), ("a", Own()), Decimal(1)])
def test_a_key_that_could_equal_one_of_another_type_has_no_name(key: object) -> None:
    with pytest.raises(NotCanonical):
        key_name(key)
