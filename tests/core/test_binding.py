"""From references to arguments. Results are data and are never read again."""

from __future__ import annotations

from collections import namedtuple
from dataclasses import dataclass

import pytest
from pydantic import BaseModel, Field, computed_field

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

RESULTS = {
    1: City(name="Oslo", population=700_000),
    2: {"a b": [1, 2, {"deep": "yes"}], "1": "one"},
    3: Point(1.5, 2.5),
    4: Pair("l", "r"),
    5: "text with $1 and ${2} and 1. search()",
    6: 8849,
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
    ],
)
def test_nothing_but_data_is_reached(path: tuple[str | int, ...], task: int) -> None:
    with pytest.raises(ReferenceFailed) as caught:
        look_up(Ref(task, path), RESULTS)
    assert str(Ref(task, path)) in str(caught.value)


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
