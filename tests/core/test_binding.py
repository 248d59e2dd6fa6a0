"""From references to arguments. Results are data and are never read again."""

from __future__ import annotations

import subprocess
import sys
from collections import UserList, defaultdict, deque, namedtuple
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, Field, RootModel, computed_field

from llmcompiler import ArgumentError, Each, Ref, ReferenceFailed, Task, Template, ToolError, Var, tool
from llmcompiler.binding import bind, items, look_up, resolve


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


# -- loop variables ------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "item", "expected"),
    [
        (Var("x"), 5, 5),
        (Var("x"), None, None),
        (Var("x", ("name",)), RESULTS[1], "Oslo"),
        (Var("x", ("a b", 2, "deep")), RESULTS[2], "yes"),
        (Template(("<", Var("x", ("left",)), "|", Ref(6), ">")), RESULTS[4], "<l|8849>"),
        ([Var("x"), {"k": Var("x", (0,))}, (Var("x", (-1,)),)], [1, 2], [[1, 2], {"k": 1}, [2]]),
        (Var("x"), Ref(6), Ref(6)),
        (Template((Var("x"),)), "${1} $1", "${1} $1"),
    ],
)
def test_the_loop_variable_is_the_item(value: Any, item: Any, expected: Any) -> None:
    assert resolve(value, RESULTS, item) == expected


@pytest.mark.parametrize(
    ("var", "item", "says"),
    [
        (Var("city", ("name",)), 5, "`city.name`: `city` is a value of type int and has no 'name'"),
        (Var("city", ("a", "b")), {"a": [1]}, "`city.a.b`: `city.a` is a list of 1 and has no 'b'"),
        (Var("city", ("secret",)), RESULTS[1], "`city` is a City with name, population, country_code"),
        (Var("city", ("__class__",)), 5, "has no '__class__'"),
        (Var("city", (3,)), [1], "`city[3]`: `city` is a list of 1 and has no 3"),
    ],
)
def test_a_part_the_item_does_not_have_is_named(var: Var, item: Any, says: str) -> None:
    with pytest.raises(ReferenceFailed) as caught:
        resolve(var, {}, item)
    assert says in str(caught.value)


def test_a_loop_variable_without_a_loop() -> None:
    with pytest.raises(ReferenceFailed, match="reference `city.name`: .* only a `for` task"):
        resolve([Template((Var("city", ("name",)),))], RESULTS)


def test_an_item_that_does_not_fit_names_the_variable() -> None:
    with pytest.raises(ArgumentError, match=r"`values` \(from x.n\): .*list"):
        bind(Task(7, "total", {"values": Var("x", ("n",))}), total, {}, {"n": 5})


_literals = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=2), inner, max_size=2),
    max_leaves=4,
)


@tool
def anything(a: Any = None, b: Any = None, c: Any = None) -> None:
    raise NotImplementedError


@given(
    st.dictionaries(st.sampled_from("abc"), st.lists(_literals | st.just(Var("x")), max_size=3)), _literals
)
def test_binding_an_item_is_binding_the_task_with_the_item_in_it(args: dict[str, Any], item: Any) -> None:
    written = {k: [item if isinstance(v, Var) else v for v in values] for k, values in args.items()}
    each = Each("x", Ref(1))
    in_the_loop = bind(Task(2, "anything", args, each), anything, {1: [item]}, item)
    assert in_the_loop == bind(Task(2, "anything", written), anything, {})


# -- items -----------------------------------------------------------------------


class Bag(RootModel[set[str]]):
    pass


class Nested(RootModel[Rows]):
    pass


class Country(BaseModel):
    name: str = "Norway"
    cities: list[str] = ["Oslo"]


@dataclass
class Trip:
    stops: list[str] = field(default_factory=list)
    legs: tuple[int, ...] = ()


class Broken(list[int]):
    def __iter__(self) -> Iterator[int]:
        raise RuntimeError("no items today")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ([], []),
        ([1, "a", None], [1, "a", None]),
        ((1, 2), [1, 2]),
        ({3, 1, 2}, [1, 2, 3]),
        (frozenset("cab"), ["a", "b", "c"]),
        ({1, "a", None}, [None, 1, "a"]),
        (range(3), [0, 1, 2]),
        (deque([1, 2]), [1, 2]),
        (UserList([1]), [1]),
        ({"b": 1, "a": 2}.keys(), ["b", "a"]),
        ({"b": 1, "a": 2}.values(), [1, 2]),
        ({"b": 1}.items(), [("b", 1)]),
        (Rows([2, 1]), [2, 1]),
        (Nested(Rows([2])), [2]),
        (Bag({"b", "a"}), ["a", "b"]),
        ([Pair(1, 2)], [Pair(1, 2)]),
    ],
)
def test_items(value: Any, expected: list[Any]) -> None:
    found = items(Each("x", Ref(1)), {1: value})
    assert found == expected
    assert type(found) is list
    assert items(Each("x", Ref(1, ("k",))), {1: {"k": value}}) == expected


def test_items_are_a_list_of_their_own() -> None:
    value = [1]
    items(Each("x", Ref(1)), {1: value}).append(2)
    assert value == [1]


def test_a_list_in_the_plan_is_resolved() -> None:
    source = ["a", Ref(1, ("name",)), [Ref(6)], Template(("${1} ", Ref(6)))]
    assert items(Each("x", source), RESULTS) == ["a", "Oslo", [8849], "${1} 8849"]


@pytest.mark.parametrize(
    ("value", "says"),
    [
        ("Oslo, Bergen", "`for x in $1`: `$1` is a text, not a list; let a tool split it into a list"),
        (b"ab", "`$1` is a value of type bytes, not a list; let the tool return a list"),
        (5, "`$1` is a value of type int, not a list"),
        (True, "`$1` is a value of type bool, not a list"),
        (None, "`$1` is nothing, not a list; let the tool return an empty list"),
        (iter([1]), "can be read only once: let the tool return a list"),
        ((n for n in [1]), "can be read only once: let the tool return a list"),
        (Country(), "`$1` is a Country with name, cities, not a list; did you mean `$1.cities`?"),
        ({"name": "x", "cities": ["a"]}, "a record with name, cities, not a list; did you mean `$1.cities`?"),
        ({"a b": (1,)}, 'did you mean `$1["a b"]`?'),
        ({}, "`$1` is an empty record, not a list; go through a field of it"),
        ({"a": 1}, "go through a field of it that is a list, or let a tool make one of it"),
        (Trip(), "did you mean `$1.stops` or `$1.legs`?"),
        (Pair([1], 2), "did you mean `$1.left`?"),
        (Arrayish(), "`$1` is a value of type Arrayish, not a list; let the tool return a list"),
        (object, "not a list"),
        (range(10**12), "has more than 1,000,000 items"),
    ],
    ids=lambda v: type(v).__name__ if not isinstance(v, str) else None,
)
def test_what_is_no_list_says_what_it_is_and_the_way_out(value: Any, says: str) -> None:
    with pytest.raises(ToolError) as caught:
        items(Each("x", Ref(1)), {1: value})
    assert says in str(caught.value)


def test_a_list_that_raises() -> None:
    with pytest.raises(
        ToolError, match="`for x in \\$1`: reading the items raised RuntimeError: no items today"
    ):
        items(Each("x", Ref(1)), {1: Broken([1])})


@pytest.mark.parametrize("source", ["abc", {"a": 1}, 5, None, Template(("a", Ref(6)))])
def test_a_loop_made_by_hand_over_no_list(source: Any) -> None:
    with pytest.raises(ToolError, match="not a list"):
        items(Each("x", source), RESULTS)


def test_the_source_of_a_loop_is_looked_up_like_any_reference() -> None:
    with pytest.raises(ReferenceFailed, match="`\\$1` is a City with .* and has no 'cities'"):
        items(Each("x", Ref(1, ("cities",))), RESULTS)


ORDER = """
from llmcompiler import Each, Ref
from llmcompiler.binding import items
words = [str(n) for n in range(40)]
sets = set(words), {*words, 1, None}, {frozenset(words[i : i + 9]) for i in range(9)}
print([[sorted(v) if isinstance(v, frozenset) else v for v in items(Each("x", Ref(1)), {1: s})] for s in sets])
"""


def test_a_set_has_the_same_order_in_every_process() -> None:
    seen = {
        subprocess.run(
            [sys.executable, "-c", ORDER],
            env={"PYTHONHASHSEED": seed},
            capture_output=True,
            check=True,
            text=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(seen) == 1


@given(
    st.sets(st.integers() | st.floats() | st.text(max_size=2) | st.frozensets(st.integers(0, 3)), max_size=6)
)
def test_the_order_of_a_set_does_not_hang_on_how_it_was_made(made: set[Any]) -> None:
    again = {*list(made)[::-1]}
    first, second = (items(Each("x", Ref(1)), {1: s}) for s in (made, again))
    assert list(map(repr, first)) == list(map(repr, second))
    assert len(first) == len(made)
