"""What is checked before a run never refuses what would run: every type's value passed to every other type."""

from __future__ import annotations

import collections
import dataclasses
import datetime as dt
import decimal
import enum
import pathlib
import re
import uuid
from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Any, Generic, Literal, NamedTuple, TypeVar

import pytest
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ByteSize,
    ConfigDict,
    Field,
    Json,
    JsonValue,
    PlainSerializer,
    PlainValidator,
    RootModel,
    SecretStr,
    WrapValidator,
    field_serializer,
    model_serializer,
    model_validator,
)
from typing_extensions import TypedDict

from llmcompiler import (
    Each,
    GuardFailed,
    Plan,
    PlanError,
    Ref,
    ReferenceFailed,
    Task,
    Tool,
    ToolError,
    Var,
    tool,
)
from llmcompiler.binding import bind, holds, items, look_up, resolve
from llmcompiler.check import check_plan
from llmcompiler.guards import Compare

T = TypeVar("T")


class Record(BaseModel):
    name: str = "n"
    n: int = 1


class Aliased(BaseModel):
    model_config = ConfigDict(populate_by_name=True)
    country_code: str = Field("NO", alias="countryCode")


class ListRoot(RootModel[list[int]]):
    pass


class TextRoot(RootModel[str]):
    pass


class WrittenAsText(BaseModel):
    name: str = "n"

    @model_serializer
    def write(self) -> str:
        return self.name


class FieldWrittenAsText(BaseModel):
    items: list[int] = [1]

    @field_serializer("items")
    def write(self, value: list[int]) -> str:
        return "x"


class ReadFromText(BaseModel):
    name: str

    @model_validator(mode="before")
    @classmethod
    def read(cls, value: Any) -> Any:
        return {"name": value} if isinstance(value, str) else value


class Box(BaseModel, Generic[T]):
    item: T


@dataclasses.dataclass(slots=True)
class Point:
    name: str = "n"
    n: int = 1


class Pair(NamedTuple):
    name: str
    n: int


class Typed(TypedDict):
    name: str
    n: int


class Color(enum.Enum):
    RED = "red"


class Mixed(enum.Enum):
    ONE = 1
    X = "x"


class Tuples(enum.Enum):
    FIRST = (1, 2)


def _label(kind: Any) -> str:
    """The same in every process: tests run in several."""
    return re.sub(r" at 0x\w+", "", str(kind))


VALUES: dict[Any, Any] = {
    int: 1,
    float: 1.5,
    str: "abc",
    bool: True,
    bytes: b"abc",
    dt.date: dt.date(2024, 1, 1),
    dt.timedelta: dt.timedelta(1),
    decimal.Decimal: decimal.Decimal("1.5"),
    uuid.UUID: uuid.UUID(int=1),
    pathlib.Path: pathlib.Path("a"),
    list: [1],
    list[int]: [1, 2],
    list[str]: ["a"],
    list[Record]: [Record()],
    tuple[int, str]: (1, "a"),
    set[int]: {1},
    collections.deque[int]: collections.deque([1]),
    dict: {"name": "x"},
    dict[str, int]: {"a": 1},
    dict[int, str]: {1: "a"},
    collections.Counter[str]: collections.Counter("a"),
    collections.defaultdict[str, list[int]]: collections.defaultdict(list, {"a": [1]}),
    Mapping[str, int]: {"a": 1},
    Iterable[int]: [1],
    Sequence[str]: ["a"],
    Any: {"name": "z", "n": 1},
    Record: Record(),
    Aliased: Aliased(),
    ListRoot: ListRoot([1]),
    TextRoot: TextRoot("a"),
    WrittenAsText: WrittenAsText(),
    FieldWrittenAsText: FieldWrittenAsText(),
    ReadFromText: ReadFromText(name="x"),
    Box[int]: Box(item=1),
    Point: Point(),
    Pair: Pair("a", 1),
    Typed: {"name": "a", "n": 1},
    Color: Color.RED,
    Mixed: Mixed.ONE,
    Tuples: Tuples.FIRST,
    Literal["red", "blue"]: "red",
    Literal[1, "x"]: 1,
    int | None: 1,
    int | list[int]: [1],
    Record | None: Record(),
    Annotated[int, Field(ge=0)]: 3,
    Annotated[list[str], BeforeValidator(lambda v: v.split(",") if isinstance(v, str) else v)]: ["a"],
    Annotated[int, WrapValidator(lambda v, rest: rest(v["a"] if isinstance(v, dict) else v))]: 1,
    Annotated[dict[str, int], PlainValidator(lambda v: v)]: {"a": 1},
    Annotated[list[int], AfterValidator(lambda v: v)]: [1],
    Annotated[list[int], PlainSerializer(lambda v: "x", return_type=str)]: [1],
    Annotated[int, PlainSerializer(lambda v: {"a": v}, return_type=dict)]: 1,
    Json[list[int]]: [1],
    JsonValue: [1],
    complex: 1 + 2j,
    SecretStr: SecretStr("x"),
    ByteSize: ByteSize(5),
}
STEPS = ("name", "n", "country_code", "countryCode", "items", "item", "a", "root", 0, -1, 1, "1", "x")


def source(kind: Any) -> Tool:
    def source() -> Any:
        raise NotImplementedError

    source.__annotations__ = {"return": kind}
    return tool(source)


def target(kind: Any) -> Tool:
    def target(x: Any) -> None:
        raise NotImplementedError

    target.__annotations__ = {"x": kind}
    return tool(target)


SOURCES = {kind: source(kind) for kind in VALUES}
TARGETS = {kind: target(kind) for kind in VALUES}


def refused(made: Tool, taken: Tool, ref: Ref) -> bool:
    try:
        check_plan(Plan((Task(1, "source"), Task(2, "target", {"x": ref}))), [made, taken])
    except PlanError:
        return True
    return False


@pytest.mark.parametrize("kind", VALUES, ids=_label)
def test_no_reference_is_refused_that_would_bind(kind: Any) -> None:
    for wanted, taken in TARGETS.items():
        try:
            bind(Task(2, "target", {"x": Ref(1)}), taken, {1: VALUES[kind]})
        except ToolError:
            continue
        assert not refused(SOURCES[kind], taken, Ref(1)), wanted


@pytest.mark.parametrize("kind", VALUES, ids=_label)
def test_no_field_is_refused_that_is_there(kind: Any) -> None:
    for step in STEPS:
        try:
            look_up(Ref(1, (step,)), {1: VALUES[kind]})
        except ReferenceFailed:
            continue
        assert not refused(SOURCES[kind], TARGETS[Any], Ref(1, (step,))), step


def loop_refused(made: Tool, taken: Tool, value: Any, source: Any = Ref(1)) -> bool:  # noqa: B008 - immutable
    loop = Task(2, "target", {"x": value}, Each("item", source))
    try:
        check_plan(Plan((Task(1, "source"), loop)), [made, taken])
    except PlanError:
        return True
    return False


@pytest.mark.parametrize("kind", VALUES, ids=_label)
def test_no_loop_is_refused_that_has_items(kind: Any) -> None:
    """Over the value itself, and over each value of the table as the item of a list in the plan."""
    whole = Task(2, "target", {"x": Var("item")}, Each("item", Ref(1)))
    try:
        found = items(Each("item", Ref(1)), {1: VALUES[kind]})
    except ToolError:
        found = None
    if found is not None:
        assert not loop_refused(SOURCES[kind], TARGETS[Any], Var("item"))
    for wanted, taken in TARGETS.items():
        try:
            bind(whole, taken, {}, VALUES[kind])
        except ToolError:
            pass
        else:
            assert not loop_refused(SOURCES[kind], taken, Var("item"), [Ref(1)]), wanted
        if found is None:
            continue
        try:
            for item in found:
                bind(whole, taken, {}, item)
        except ToolError:
            continue
        assert not loop_refused(SOURCES[kind], taken, Var("item")), wanted


@pytest.mark.parametrize("kind", VALUES, ids=_label)
def test_no_part_of_an_item_is_refused_that_is_there(kind: Any) -> None:
    for step in STEPS:
        var = Var("item", (step,))
        try:
            resolve(var, {}, VALUES[kind])
        except ReferenceFailed:
            pass
        else:
            assert not loop_refused(SOURCES[kind], TARGETS[Any], var, [Ref(1)]), step
        try:
            for item in items(Each("item", Ref(1)), {1: VALUES[kind]}):
                resolve(var, {}, item)
        except ToolError:
            continue
        assert not loop_refused(SOURCES[kind], TARGETS[Any], var), step


LITERALS = ([1, 2], "abc", 1.5, True, None, {"a": 1})


@pytest.mark.parametrize("kind", VALUES, ids=_label)
def test_no_condition_is_refused_that_can_be_decided(kind: Any) -> None:
    for op in ("<", ">=", "in", "not in"):
        for other, value in [*VALUES.items(), *((None, literal) for literal in LITERALS)]:
            for flipped in (False, True):
                operand = value if other is None else Ref(2)
                left, right = (operand, Ref(1)) if flipped else (Ref(1), operand)
                guard = Compare(op, left, right)  # type: ignore[arg-type]
                try:
                    holds(guard, {1: VALUES[kind], 2: value})
                except GuardFailed:
                    continue
                second = renamed(SOURCES[other]) if other is not None else TARGETS[Any]
                first = Task(1, "source"), Task(2, second.name, {"x": 1} if other is None else {})
                last = Task(3, "last", when=guard)
                check_plan(Plan((*first, last)), [SOURCES[kind], second, LAST])


@tool
def last() -> None:
    raise NotImplementedError


LAST = last


def renamed(made: Tool) -> Tool:
    return tool(name="second")(made.func)


def test_what_can_not_be_is_still_refused() -> None:
    """Being cautious must not make the check worthless."""
    wrong = [(Record, int), (list[int], str), (str, list[int]), (dict[str, int], float), (Record, list[str])]
    wrong += [(Point, int), (list[int], Record), (int, Typed), (Literal["red", "blue"], Record)]
    for kind, wanted in wrong:
        assert refused(SOURCES[kind], TARGETS.get(wanted) or target(wanted), Ref(1)), (kind, wanted)
    for kind, step in ((Record, "nam"), (Point, "m"), (Typed, "nn"), (str, "upper"), (list[int], "first")):
        assert refused(SOURCES[kind], TARGETS[Any], Ref(1, (step,))), (kind, step)
