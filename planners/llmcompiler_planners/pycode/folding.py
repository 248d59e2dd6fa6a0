"""Operations on constants, computed while a plan is read; bounded in size and time. Nothing here knows results."""

from __future__ import annotations

import ast
import math
import operator
import re
from collections.abc import Callable
from typing import Any

from llmcompiler._jsonable import to_text

from .symbols import MAX_SIZE

MAX_BITS = 14_000
"""Bits of a whole number that is computed; about as many digits as Python reads."""
MAX_TEXT = 200_000
"""Characters of a text that is put together."""
_SPEC = re.compile(r"(?P<comma>,)?(?:\.(?P<digits>[0-9]{1,2}))?(?P<kind>[fdge%]?)\Z")

_BINARY: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
}
_COMPARE: dict[type[ast.cmpop], Callable[[Any, Any], Any]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.In: lambda a, b: a in b,
    ast.NotIn: lambda a, b: a not in b,
    ast.Is: operator.eq,
    ast.IsNot: operator.ne,
}
NUMBERS: dict[str, Callable[..., Any]] = {
    "abs": abs,
    "int": int,
    "float": float,
    "max": max,
    "min": min,
    "sum": sum,
}
"""Functions of numbers that are computed where every argument is written in the plan."""
MATH = frozenset(
    [
        "sqrt",
        "floor",
        "ceil",
        "log",
        "log2",
        "log10",
        "exp",
        "sin",
        "cos",
        "tan",
        "pow",
        "fabs",
        "trunc",
        "hypot",
    ]
)
"""Functions of `math` that a calculator is trusted to know."""


class NotFoldable(ValueError):
    """It has no value, or none that a plan can hold; says why."""


def is_number(value: Any) -> bool:
    """Whether it is a number, and not true or false."""
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def binary(op: ast.operator, left: Any, right: Any) -> Any:
    """An operator between two constants.

    Raises:
        NotFoldable: There is no such value.
    """
    if isinstance(op, ast.Add):
        texts = isinstance(left, str) and isinstance(right, str)
        if texts or (isinstance(left, list) and isinstance(right, list)):
            if len(left) + len(right) > (MAX_TEXT if texts else MAX_SIZE):
                raise NotFoldable("the value gets too long")
            return operator.add(left, right)
    if not isinstance(left, (int, float)) or not isinstance(right, (int, float)):
        raise NotFoldable(f"there is no value of {_kind(left)} and {_kind(right)}")
    if isinstance(op, ast.Pow):
        return _power(left, right)
    compute = _BINARY.get(type(op))
    if compute is None:
        raise NotFoldable("an operator on bits or matrices has no place in a plan")
    return _bounded(lambda: compute(left, right))


def _power(left: float, right: float) -> Any:
    if isinstance(left, int) and isinstance(right, int) and left.bit_length() * abs(right) > MAX_BITS:
        raise NotFoldable("the number gets too large")
    return _bounded(lambda: left**right)


def compare(op: ast.cmpop, left: Any, right: Any) -> bool:
    """A comparison of two constants.

    Raises:
        NotFoldable: They can not be compared.
    """
    try:
        return bool(_COMPARE[type(op)](left, right))
    except TypeError as e:
        raise NotFoldable(str(e)) from None


def function(name: str, args: list[Any]) -> Any:
    """A function of constants.

    Raises:
        NotFoldable: There is no such value.
    """
    flat = args[0] if name in ("max", "min", "sum") and len(args) == 1 and isinstance(args[0], list) else args
    texts = name in ("max", "min") and all(isinstance(v, str) for v in flat)
    if not texts and not all(isinstance(v, (int, float)) for v in flat):
        raise NotFoldable(f"`{name}` takes numbers here")
    if name == "round":
        if len(args) not in (1, 2) or (
            len(args) == 2 and not (isinstance(args[1], int) and abs(args[1]) < 400)
        ):
            raise NotFoldable("`round` takes a number and how many digits to keep")
        return _bounded(lambda: round(*args))
    if name in NUMBERS:
        many = name in ("max", "min", "sum")
        return _bounded(lambda: NUMBERS[name](flat) if many else NUMBERS[name](*args))
    found = getattr(math, name) if name in MATH else None
    if found is None:
        raise NotFoldable(f"`{name}` is not known")
    return _bounded(lambda: found(*args))


def _bounded(compute: Callable[[], Any]) -> Any:
    try:
        value = compute()
    except (ArithmeticError, ValueError, TypeError) as e:
        raise NotFoldable(str(e)) from None
    if isinstance(value, complex) or (isinstance(value, float) and not math.isfinite(value)):
        raise NotFoldable("the value is not a finite number")
    if isinstance(value, int) and value.bit_length() > MAX_BITS:
        raise NotFoldable("the number gets too large")
    return value


def formatted(value: Any, spec: str) -> str:
    """A constant as an f-string writes it.

    Raises:
        NotFoldable: The format is not one of `,`, `.2f`, `%` and their like.
    """
    if not spec:
        return text_of(value)
    found = _SPEC.match(spec)
    if (
        found is None
        or not isinstance(value, (int, float))
        or (isinstance(value, float) and found["kind"] == "d")
    ):
        raise NotFoldable(f"the format `{spec[:20]}`")
    try:
        return format(value, spec)
    except (ValueError, OverflowError):
        raise NotFoldable(f"the format `{spec[:20]}`") from None


def rounding(spec: str) -> int | None:
    """How many digits `.2f` and its like keep; None for another format."""
    found = _SPEC.match(spec)
    if found is None or found["kind"] not in ("f", "") or (found["digits"] and not found["kind"]):
        return None
    return int(found["digits"] or 6)


def text_of(value: Any) -> str:
    """A constant as text: as `str` gives it, with lists and records as JSON."""
    return str(value) if not isinstance(value, (list, dict)) else to_text(value)


def _kind(value: Any) -> str:
    names: dict[type, str] = {str: "a text", list: "a list", dict: "a record", bool: "true or false"}
    return "nothing" if value is None else names.get(type(value), "a number")


__all__ = [
    "MATH",
    "NUMBERS",
    "NotFoldable",
    "binary",
    "compare",
    "formatted",
    "function",
    "is_number",
    "rounding",
    "text_of",
]
