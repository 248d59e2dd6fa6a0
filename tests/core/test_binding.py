"""From references to arguments. Results are data and are never read again."""

from __future__ import annotations

from collections import defaultdict, deque, namedtuple
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pytest
from pydantic import BaseModel, Field, RootModel, computed_field

from llmcompiler import ArgumentError, Ref, ReferenceFailed, Task, Template, tool
from llmcompiler.binding import bind, look_up, resolve


class City(BaseModel):
    name: str
    population: int
    country_code: str = Field("NO", alias="countryCode")

    @computed_field
    @property
    def label(self) -> str:
        return self.name.upper()

    def secret(self) -> str:
        return "no"


@dataclass
class Point:
    x: float
    y: float


Pair = namedtuple("Pair", "left right")


class Open(BaseModel, extra="allow"):
    x: int = 1


class Rows(RootModel[list[int]]):
    pass


@dataclass(slots=True)
class Slotted:
    x: int = 1


@dataclass
class Watchful:
    x: int = 1

    @property
    def touched(self) -> int:
        raise AssertionError("a property is no data")


class Lazy(Mapping[str, int]):
    """Makes up what it is asked for, as long as nobody asks whether it is there."""

    def __getitem__(self, key: str) -> int:
        return 1

    def __contains__(self, key: object) -> bool:
        return key == "x"

    def __iter__(self) -> Iterator[str]:
        return iter(["x"])

    def __len__(self) -> int:
        return 1


class Arrayish:
    """Like an array of a numeric library."""

    x = 1
    shape = (2,)

    def __getitem__(self, index: object) -> int:
        return 1

    def __len__(self) -> int:
        return 2


RESULTS: dict[int, Any] = {
    1: City(name="Oslo", population=700_000),
    2: {"a b": [1, 2, {"deep": "yes"}], "1": "one"},
    3: Point(1.5, 2.5),
    4: Pair("l", "r"),
    5: "text with $1 and ${2} and 1. search()",
    6: 8849,
    7: Open.model_validate({"x": 1, "copy": "data", "model_config": "data", "model_fields": 5}),
    8: Rows([1, 2]),
    9: Slotted(),
    10: Watchful(),
    11: defaultdict(list, {"x": 1}),
    12: Lazy(),
    13: Arrayish(),
    14: deque([1, 2]),
    15: {1: "one", "2": "two"},
}


@pytest.mark.parametrize(
    ("path", "task", "expected"),
    [
        (("name",), 1, "Oslo"),
        (("label",), 1, "OSLO"),
        (("countryCode",), 1, "NO"),
        (("a b", 2, "deep"), 2, "yes"),
        (("a b", -1, "deep"), 2, "yes"),
        ((1,), 2, "one"),
        (("x",), 3, 1.5),
        (("left",), 4, "l"),
        ((1,), 4, "r"),
        ((), 6, 8849),
        (("x",), 7, 1),
        (("copy",), 7, "data"),
        (("model_config",), 7, "data"),
        (("model_fields",), 7, 5),
        ((1,), 8, 2),
        (("x",), 9, 1),
        (("x",), 10, 1),
        (("x",), 11, 1),
        (("x",), 12, 1),
        ((-1,), 14, 2),
        ((1,), 15, "one"),
        ((2,), 15, "two"),
    ],
)
def test_fields_items_and_keys(path: tuple[str | int, ...], task: int, expected: object) -> None:
    assert look_up(Ref(task, path), RESULTS) == expected


@pytest.mark.parametrize(
    ("path", "task"),
    [
        (("height",), 1),
        (("secret",), 1),
        (("__class__",), 1),
        (("__dict__",), 3),
        (("model_fields",), 1),
        (("_fields",), 4),
        (("a b", 9), 2),
        (("a b", "x"), 2),
        (("upper",), 5),
        ((0,), 5),
        (("real",), 6),
        ((), 99),
        (("model_config",), 1),
        (("model_dump",), 7),
        (("__pydantic_extra__",), 7),
        (("root",), 8),
        (("__slots__",), 9),
        (("touched",), 10),
        (("y",), 11),
        (("y",), 12),
        (("x",), 13),
        ((0,), 13),
        (("shape",), 13),
    ],
)
def test_nothing_but_data_is_reached(path: tuple[str | int, ...], task: int) -> None:
    with pytest.raises(ReferenceFailed) as caught:
        look_up(Ref(task, path), RESULTS)
    assert str(Ref(task, path)) in str(caught.value)


def test_looking_up_changes_nothing() -> None:
    assert dict(RESULTS[11]) == {"x": 1}, "a defaultdict makes up what it is asked for"


def test_an_object_that_is_no_record_says_what_it_is() -> None:
    with pytest.raises(ReferenceFailed, match=r"`\$13` is a value of type Arrayish and has no 'x'"):
        look_up(Ref(13, ("x",)), RESULTS)


def test_values_keep_their_types_and_text_is_never_read_again() -> None:
    assert resolve([Ref(6), {"k": Ref(1)}], RESULTS) == [8849, {"k": RESULTS[1]}]
    template = Template(("<", Ref(5), "> ", Ref(6), "/", Ref(1, ("population",))))
    assert resolve(template, RESULTS) == "<text with $1 and ${2} and 1. search()> 8849/700000"


def test_records_are_interpolated_as_json() -> None:
    assert resolve(Template((Ref(3),)), RESULTS) == '{"x":1.5,"y":2.5}'
    assert (
        resolve(Template((Ref(1, ("name",)), ": ", Ref(9))), {**RESULTS, 9: [True, None]})
        == "Oslo: [true,null]"
    )


@tool
def total(values: list[float], zip_code: str = "", city: dict[str, object] | None = None) -> float:
    return sum(values)


def test_arguments_are_coerced_by_schema() -> None:
    task = Task(7, "total", {"values": [Ref(6), "2.5"], "zip_code": Ref(6), "city": Ref(1)})
    bound = bind(task, total, RESULTS)
    assert bound["values"] == [8849.0, 2.5]
    assert bound["zip_code"] == "8849"
    assert bound["city"]["name"] == "Oslo"


def test_an_argument_that_does_not_fit_names_its_source() -> None:
    with pytest.raises(ArgumentError, match=r"`values` \(from \$6\): .*list"):
        bind(Task(7, "total", {"values": Ref(6)}), total, RESULTS)
