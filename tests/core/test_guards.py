"""The condition of an `if`: decided as Python would, or refused. Nothing is run to find out."""

from __future__ import annotations

import datetime as dt
import decimal
import enum
import fractions
from collections import deque
from typing import Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, RootModel

from llmcompiler import GuardFailed, Ref, ReferenceFailed, Template, Var
from llmcompiler.binding import holds
from llmcompiler.guards import BoolOp, Compare, Guard, Not, Truth, guard_references, guard_values
from llmcompiler.language import parse_guard, print_guard


class City(BaseModel):
    name: str = "Oslo"
    people: int = 700_000


class Rows(RootModel[list[int]]):
    pass


class Pair(NamedTuple):
    a: int
    b: int


class Color(enum.Enum):
    RED = "red"


class Size(enum.IntEnum):
    SMALL = 1


class Array:
    """Like an array of a numeric library: compared item by item, and neither true nor false."""

    shape = (2,)
    __hash__ = None  # type: ignore[assignment]

    def __eq__(self, other: object) -> Any:
        return [True, False]

    def __bool__(self) -> bool:
        raise ValueError("the truth of an array is ambiguous")


class Scalar:
    """Like a number of a numeric library: its comparisons do not give a bool."""

    shape = ()
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, value: float) -> None:
        self.value = value

    def item(self) -> float:
        return self.value

    def __eq__(self, other: object) -> Any:
        return "yes"

    __lt__ = __gt__ = __eq__


class Rude:
    """Raises whatever one asks of it."""

    __hash__ = None  # type: ignore[assignment]

    def __eq__(self, other: object) -> bool:
        raise RuntimeError("do not compare me")

    def __bool__(self) -> bool:
        raise RuntimeError("do not ask me")

    def __repr__(self) -> str:
        raise RuntimeError("do not print me")


class RudeList(list[int]):
    def __contains__(self, item: object) -> bool:
        raise RuntimeError("do not look into me")


DAY = dt.date(2024, 5, 17)
NOON = dt.datetime(2024, 5, 17, 12)
RESULTS: dict[int, Any] = {
    1: City(),
    2: {"n": 3, "name": "x", "none": None, "yes": True, "items": [1, 2, 3], "day": DAY},
    3: Rows([1, 2]),
    4: [],
    5: Array(),
    6: Rude(),
    7: {"now": NOON, "aware": NOON.replace(tzinfo=dt.UTC), "hour": dt.time(12), "long": dt.timedelta(1)},
    8: {"tuple": (1, 2), "set": {1, 2}, "deque": deque([1]), "pair": Pair(1, 2), "range": range(3)},
    9: {"decimal": decimal.Decimal("1.5"), "half": fractions.Fraction(1, 2), "nan": float("nan")},
    10: {"color": Color.RED, "size": Size.SMALL, "array": Scalar(2.5), "bytes": b"abc", "complex": 1j},
    11: Rows([]),
    12: RudeList(),
    13: "Oslo",
    14: {"rude": [Rude()]},
}


def decided(text: str, item: Any = ...) -> bool:
    guard = parse_guard(text, variables=["x"])
    return holds(guard, RESULTS) if item is ... else holds(guard, RESULTS, item)


@pytest.mark.parametrize(
    "text",
    [
        "$1.people > 1000",
        "$1.people >= 700000 and $1.people <= 7e5",
        "1 < $2.n < 4",
        "$1.name == 'Oslo'",
        "$1.name != 'Bergen'",
        "$1.name < 'P'",
        '"${1.name}, ${2.n}" == "Oslo, 3"',
        "$2.yes",
        "$2.yes == true",
        "not $2.none",
        "$2.none == None",
        "$2.items",
        "$2.items == [1, 2, $2.n]",
        "[1, 2] < $2.items",
        "$2.items < [1, 3]",
        "$2.items < [1, 2.5]",
        "$2.items > [1, 2]",
        "[1, [2, 'b']] > [1, [2, 'a', 0]]",
        "$8.tuple < [1, 3]",
        "$8.pair >= [1, 2]",
        "2 in $2.items",
        "9 not in $2.items",
        "'n' in $2",
        "3 not in $2",
        "'sl' in $1.name",
        "1 in $8.tuple and 1 in $8.set and 1 in $8.deque and 2 in $8.range",
        "1 in $3",
        "$3 == [1, 2]",
        "$3 < [1, 3]",
        "not $11",
        "not $4",
        "$2.day == $2.day",
        "$2.day <= $2.day",
        "$7.hour >= $7.hour",
        "$7.long >= $7.long",
        "$7.now <= $7.now",
        "$9.decimal > 1",
        "$9.decimal < 1.75",
        "$9.half < 1",
        "not $9.nan < 1 and not $9.nan >= 1",
        "$9.nan != $9.nan",
        "$10.size >= 1",
        "$10.size == 1",
        "$10.color == $10.color",
        "$10.color != 'red'",
        "$10.array > 2",
        "$10.array == 2.5",
        "$10.array",
        "$10.complex == $10.complex",
        "$1 == $1",
        "0 == false",
        "'1' != 1",
        "$13 in ['Oslo', 'Bergen']",
        "not not $2.n",
        "$4 or $2.n",
        "not ($4 and $2.n)",
        "[] == $4 and {} != $4",
        "{'a': $2.n} == {'a': 3}",
    ],
)
def test_true(text: str) -> None:
    assert decided(text) is True
    assert decided(f"not ({text})") is False


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (
            "$1.name > 3",
            "`>` between 'Oslo' (str, from `$1.name`) and 3 (int) has no meaning: order two numbers",
        ),
        ("$2.none > 3", "None (NoneType, from `$2.none`) and 3 (int) has no meaning, as there is no value"),
        ("$2.none > 3", "ask first: `$2.none != None and ...`"),
        ("$2.yes > 0", "true and false have no order"),
        ("0 < false", "true and false have no order"),
        ("$2 > 3", "a record has no order; name a field, as in `$2.name`"),
        ("$1 > 3", "a record has no order"),
        ("$2.items > 3", "order two numbers"),
        ("$2.items > [1, 'a']", "order two numbers"),
        ("$2.items < [1, null]", "order two numbers"),
        ("$2.day > '2024-01-01'", "(date, from `$2.day`) and '2024-01-01' (str)"),
        ("$7.now > $2.day", "raised TypeError: "),
        ("$7.now > $7.aware", "raised TypeError: "),
        ("$7.hour > $7.long", "order two numbers"),
        ("$10.bytes > 'a'", "order two numbers"),
        ("$10.color > 'a'", "order two numbers"),
        ("$10.complex > 1", "order two numbers"),
        ("$8.set > [1]", "order two numbers"),
        ("3 in 5", "look into a list"),
        ("3 in $1", "look into a list"),
        ("3 in null", "look into a list"),
        ("3 in $10.bytes", "look into a list"),
        ("3 in '123'", "only a text can be in a text"),
        ("[1] in $8.set", "raised TypeError: unhashable type"),
        ("$5", "whether <"),
        ("$5", "ValueError: the truth of an array is ambiguous"),
        ("not $5", "compare it with something"),
        ("$5 == 1", "gives a list, not true or false"),
        ("$6", "RuntimeError: do not ask me"),
        ("$6 == 1", "RuntimeError: do not compare me"),
        ("1 == $6", "RuntimeError: do not compare me"),
        ("$14.rude == [1]", "RuntimeError: do not compare me"),
        ("1 in $14.rude", "RuntimeError: do not compare me"),
        ("1 in $12", "RuntimeError: do not look into me"),
    ],
)
def test_what_can_not_be_decided_says_why(text: str, says: str) -> None:
    with pytest.raises(GuardFailed) as caught:
        decided(text)
    assert caught.value.guard == print_guard(parse_guard(text))
    assert says in caught.value.problem
    assert f"the condition `{caught.value.guard}` can not be decided: " in str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        "$4 and $6",
        "$2.yes or $6",
        "not $4 or $6",
        "$4 and ($6 or $6) or $2.n > 1",
        "$4 and $99",
        "$4 and $2.nope",
    ],
)
def test_what_does_not_matter_is_not_looked_at(text: str) -> None:
    assert isinstance(decided(text), bool)


@pytest.mark.parametrize("text", ["$2.n and $6", "$4 or $6", "not $4 and $6"])
def test_what_matters_is_looked_at(text: str) -> None:
    with pytest.raises(GuardFailed):
        decided(text)


def test_a_field_that_is_not_there_is_named() -> None:
    with pytest.raises(ReferenceFailed, match=r"`\$2` is a record with n, .* and has no 'nope'"):
        decided("$2.nope > 3")


def test_the_loop_variable_is_the_item() -> None:
    assert decided("x.n > $2.n and '${x.name}!' == 'a!'", {"n": 4, "name": "a"})
    assert not decided("x.n > $2.n", {"n": 3})
    assert decided("x == None", None), "an item may be nothing"
    with pytest.raises(GuardFailed, match=r"None \(NoneType, from `x`\) .* ask first: `x != None and ...`"):
        decided("x > 1", None)
    with pytest.raises(ReferenceFailed, match="`x` is a value of type int and has no 'n'"):
        decided("x.n > 1", 5)
    with pytest.raises(ReferenceFailed, match="only a `for` task has a loop variable"):
        decided("x.n > 1")


def test_depth_is_no_danger() -> None:
    deep: Guard = Truth(True)
    for _ in range(50_000):
        deep = Not(BoolOp("and", (Truth(1), deep)))
    assert holds(deep, {}) is True
    assert list(guard_values(deep))[-1] is True


def test_a_long_condition_is_cut_in_the_error() -> None:
    guard = BoolOp("or", (*(Truth(0) for _ in range(1_000)), Compare("<", "a" * 1_000, 3)))
    with pytest.raises(GuardFailed) as caught:
        holds(guard, {})
    assert len(str(caught.value)) < 600


def test_a_condition_the_language_can_not_spell_is_still_told() -> None:
    with pytest.raises(GuardFailed, match="inf"):
        holds(Compare("<", float("inf"), "a"), {})


@pytest.mark.parametrize(
    "huge",
    [10**6_000, "a" * 10**6, list(range(10**6)), {"a": "b" * 10**6}],
    ids=["int", "str", "list", "dict"],
)
def test_values_are_short_in_errors(huge: object) -> None:
    with pytest.raises(GuardFailed) as caught:
        holds(Compare("<", Ref(1), True), {1: huge})
    assert len(str(caught.value)) < 600


def test_a_list_that_holds_itself_ends_in_an_error() -> None:
    left: list[Any] = [1]
    left.append(left)
    right: list[Any] = [1]
    right.append(right)
    with pytest.raises(GuardFailed, match="RecursionError"):
        holds(Compare("<", Ref(1), Ref(2)), {1: left, 2: right})


def test_references_are_listed_from_left_to_right() -> None:
    guard = parse_guard("$3 > $1 and not ($2 in [$5, '${4}'] or $6)")
    assert [r.task for r in guard_references(guard)] == [3, 1, 2, 5, 4, 6]


# -- as Python decides ---------------------------------------------------------

_ints = st.integers(-3, 3)
_texts = st.text("ab", max_size=2)
_lists = st.lists(_ints, max_size=3)
_ordered = _ints, st.floats(-3, 3), _texts, _lists


def _pairs(*kinds: st.SearchStrategy[Any]) -> st.SearchStrategy[tuple[Any, Any]]:
    return st.one_of([st.tuples(kind, kind) for kind in kinds])


_comparisons = st.one_of(
    st.builds(lambda op, p: (op, *p), st.sampled_from(["<", "<=", ">", ">="]), _pairs(*_ordered)),
    st.tuples(st.sampled_from(["==", "!="]), st.one_of(_ordered), st.one_of(_ordered)),
    st.builds(
        lambda op, p: (op, *p),
        st.sampled_from(["in", "not in"]),
        st.tuples(_ints, _lists)
        | st.tuples(_texts, _texts)
        | st.tuples(_texts, st.dictionaries(_texts, _ints)),
    ),
)


@st.composite
def guards(draw: st.DrawFn, depth: int = 3) -> tuple[Guard, str, dict[int, Any]]:
    """A condition, the same in Python, and the results it refers to."""
    results: dict[int, Any] = {}

    def operand(value: Any) -> tuple[Any, str]:
        if draw(st.booleans()):
            return value, repr(value)
        results[len(results) + 1] = value
        return Ref(len(results)), f"results[{len(results)}]"

    def made(depth: int) -> tuple[Guard, str]:
        shape = draw(
            st.sampled_from(["truth", "compare", "compare", "not", "and", "or"][: 3 if depth == 0 else 6])
        )
        if shape == "truth":
            value, text = operand(draw(st.one_of(_ordered)))
            return Truth(value), f"bool({text})"
        if shape == "compare":
            op, left, right = draw(_comparisons)
            (a, at), (b, bt) = operand(left), operand(right)
            return Compare(op, a, b), f"({at} {op} {bt})"
        if shape == "not":
            inner, text = made(depth - 1)
            return Not(inner), f"(not {text})"
        parts = [made(depth - 1) for _ in range(draw(st.integers(2, 3)))]
        op = "and" if shape == "and" else "or"
        return BoolOp(op, tuple(g for g, _ in parts)), "(" + f" {op} ".join(t for _, t in parts) + ")"

    guard, text = made(depth)
    return guard, text, results


@given(guards())
def test_decided_as_python_does(drawn: tuple[Guard, str, dict[int, Any]]) -> None:
    guard, text, results = drawn
    assert holds(guard, results) is eval(text, {"results": results})
    assert holds(parse_guard(print_guard(guard)), results) is holds(guard, results)


_anything = st.one_of(
    _ints, st.floats(), st.booleans(), st.none(), _texts, _lists, st.dates(), st.datetimes(), st.binary(max_size=2),
    st.sampled_from(list(RESULTS.values())), st.lists(_texts | _ints | st.none(), max_size=2),
    st.sets(_ints, max_size=2), st.complex_numbers(), st.decimals(), st.fractions(),
)  # fmt: skip


@given(st.sampled_from(["==", "!=", "<", "<=", ">", ">=", "in", "not in"]), _anything, _anything)
def test_anything_is_decided_or_refused(op: Any, left: Any, right: Any) -> None:
    guard = Compare(op, Ref(1), Var("x"))
    try:
        answer = holds(guard, {1: left}, right)
    except GuardFailed as refused:
        assert f"`$1 {op} x`" in str(refused)
        return
    assert isinstance(answer, bool)
    opposite: dict[str, Any] = {"==": "!=", "in": "not in"}
    if op in opposite:
        assert holds(Compare(opposite[op], Ref(1), Var("x")), {1: left}, right) is not answer


@given(_anything)
def test_truth_is_decided_or_refused(value: Any) -> None:
    try:
        answer = holds(Truth(Ref(1)), {1: value})
    except GuardFailed:
        return
    assert holds(Not(Truth(Ref(1))), {1: value}) is not answer


def test_a_text_with_references_is_text() -> None:
    assert holds(Compare("==", Template((Ref(1),)), "3"), {1: 3})
    with pytest.raises(GuardFailed):
        holds(Compare(">", Template((Ref(1),)), 2), {1: 3})
