"""Recursive descent over the tokens of an `if` clause. The grammar stands in the docstrings."""

from __future__ import annotations

from typing import cast

from ..guards import BoolOp, Compare, CompareOp, Guard, Not, Truth
from ..values import Value
from .grammar import Values
from .report import Bad
from .tokens import MAX_DEPTH

_WORDS = frozenset({"and", "or", "not", "in", "is"})
_HINT = 'write a condition as $1.height > 5, $1 == "yes" or $2 in ["a", "b"], joined by and, or, not'


class Conditions:
    """Reads a guard from the tokens of `values`."""

    def __init__(self, values: Values) -> None:
        self._values = values
        self._tokens = values.tokens
        self._kinds = values.tokens.kinds

    def guard(self) -> Guard:
        """The guard that all tokens make.

        Raises:
            Bad: They make none.
        """
        guard, i = self._or(0)
        if self._kinds[i] != "end":
            raise self._bad(i)
        return guard

    def _bad(self, i: int) -> Bad:
        at = self._tokens.starts[i]
        if self._kinds[i] == "end":
            return Bad("syntax", "the condition is not complete", at, _HINT)
        if self._kinds[i] == "=":
            return Bad("syntax", "`=` in a condition", at, "compare with `==`")
        return Bad("syntax", f"unexpected `{self._tokens.word(i)[:40]}` in a condition", at, _HINT)

    def _is(self, i: int, word: str) -> bool:
        return self._kinds[i] == "name" and self._tokens.word(i) == word

    def _or(self, i: int) -> tuple[Guard, int]:
        """Or: `or = and ( "or" and )*`."""
        operands, i = self._chain(i, "or")
        return (operands[0] if len(operands) == 1 else BoolOp("or", tuple(operands))), i

    def _chain(self, i: int, word: str) -> tuple[list[Guard], int]:
        operands = []
        while True:
            if word == "and":
                guard, i = self._not(i)
            else:
                parts, i = self._chain(i, "and")
                guard = parts[0] if len(parts) == 1 else BoolOp("and", tuple(parts))
            operands.append(guard)
            if not self._is(i, word):
                return operands, i
            i += 1

    def _not(self, i: int) -> tuple[Guard, int]:
        """Not: `not = "not"* comparison`."""
        start = i
        while self._is(i, "not"):
            i += 1
        if i - start > MAX_DEPTH:
            raise Bad("too-deep", "too many `not`s", self._tokens.starts[start], _HINT)
        guard, after = self._comparison(i)
        for _ in range(i - start):
            guard = Not(guard)
        return guard, after

    def _comparison(self, i: int) -> tuple[Guard, int]:
        """Comparison: `comparison = operand ( operator operand )*`; `a < b < c` is `a < b and b < c`."""
        left, i = self._operand(i)
        compared: list[Guard] = []
        while (found := self._operator(i)) is not None:
            op, after = found
            if not isinstance(left, Truth):
                raise Bad("syntax", "a comparison of a comparison", self._tokens.starts[i], _HINT)
            right, after = self._operand(after)
            if not isinstance(right, Truth):
                raise Bad("syntax", "a comparison with a comparison", self._tokens.starts[i], _HINT)
            compared.append(Compare(op, left.value, right.value))
            left, i = right, after
        if not compared:
            return left, i
        return (compared[0] if len(compared) == 1 else BoolOp("and", tuple(compared))), i

    def _operator(self, i: int) -> tuple[CompareOp, int] | None:
        """Operator: `"==" | "!=" | "<" | "<=" | ">" | ">=" | "in" | "not" "in" | "is" | "is" "not"`."""
        if self._kinds[i] == "op":
            return cast("CompareOp", self._tokens.word(i)), i + 1
        if self._is(i, "in"):
            return "in", i + 1
        if self._is(i, "not") and self._is(i + 1, "in"):
            return "not in", i + 2
        if self._is(i, "is"):
            self._values.report.warn(
                "syntax", "`is` taken as `==`", self._tokens.starts[i], "compare with `==`"
            )
            return ("!=", i + 2) if self._is(i + 1, "not") else ("==", i + 1)
        return None

    def _operand(self, i: int) -> tuple[Guard, int]:
        """Operand: `operand = "(" or ")" | "(" value ( "," value )* ")" | value`."""
        kinds = self._kinds
        if kinds[i] == "name" and self._tokens.word(i) in _WORDS:
            raise self._bad(i)
        if kinds[i] != "(":
            value, i = self._values.value(i)
            return Truth(value), i
        if kinds[i + 1] == ")":
            return Truth([]), i + 2
        guard, i = self._or(i + 1)
        if kinds[i] == ")":
            return guard, i + 1
        items: list[Value] = []
        while isinstance(guard, Truth):
            items.append(guard.value)
            if kinds[i] == "," and kinds[i + 1] != ")":
                guard, i = self._or(i + 1)
                continue
            i += kinds[i] == ","
            if kinds[i] == ")":
                return Truth(items), i + 1
            break
        raise self._bad(i)
