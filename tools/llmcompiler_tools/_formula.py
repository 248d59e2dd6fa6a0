"""Formulas as people and models write them, turned into a plain expression for the evaluator. Nothing is computed here.

Numbers, operators, brackets and known names are the whole language: no quotes, attributes, assignments or statements
can get past this file.
"""

from __future__ import annotations

import re
from collections.abc import Collection

from llmcompiler.errors import ToolError

MAX_LENGTH = 4000
MAX_BRACKETS = 50

_SYMBOLS = str.maketrans(
    {
        "×": "*", "·": "*", "⋅": "*", "∙": "*", "∗": "*", "÷": "/", "∕": "/", "⁄": "/",
        "−": "-", "–": "-", "—": "-", "≤": "<=", "≥": ">=", "≠": "!=", "π": "pi", "τ": "tau", "％": "%",
    }
)  # fmt: skip
_RAISED = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻", "0123456789-")
_RAISED_RUN = re.compile("[⁰¹²³⁴⁵⁶⁷⁸⁹⁻]+")
_ROOT = re.compile(r"√\s*([0-9]+(?:\.[0-9]+)?)")

_TOKEN = re.compile(
    r"""\s*(?:
    (?P<grouped>[0-9]{1,3}(?:,[0-9]{3})+(?![0-9,])(?:\.[0-9]+)?)
  | (?P<number>(?:[0-9]{1,3}(?:[\u00a0\u202f\u2009][0-9]{3})+(?![0-9])|[0-9][0-9_]*)(?:\.[0-9]*)?(?:[eE][+-]?[0-9]+)?
             |\.[0-9]+(?:[eE][+-]?[0-9]+)?)
  | (?:(?:math|np|numpy)\.)?(?P<name>[A-Za-z_][A-Za-z_0-9]*)
  | (?P<op>\*\*|//|<=|>=|==|!=|<>|[-+*/%^<>()\[\],])
    )""",
    re.VERBOSE,
)
_OPERATORS = {"^": "**", "<>": "!="}
_WORDS = {"times": "*", "x": "*", "plus": "+", "minus": "-", "mod": "%"}
_KEYWORDS = {
    "and": "and",
    "or": "or",
    "not": "not",
    "if": "if",
    "else": "else",
    "true": "True",
    "false": "False",
}
_SCALES = {"hundred": 10**2, "thousand": 10**3, "million": 10**6, "billion": 10**9, "trillion": 10**12}
_MODULO_FOLLOWS = re.compile(
    r"\s*(?:[0-9.(]|(?!(?:of|and|or|if|else|x|times|plus|minus|mod)\b)[A-Za-z_])", re.IGNORECASE
)


class _Reader:
    def __init__(self, text: str, functions: Collection[str], constants: Collection[str]) -> None:
        self.text = text
        self.functions = functions
        self.constants = constants
        self.out: list[str] = []
        self.open: list[tuple[str, int]] = []  # what each bracket belongs to, and where in `out` that begins
        self.operand: int | None = None  # where in `out` the operand just read begins
        self.number = False  # that operand is a single number

    def read(self) -> str:
        pos = 0
        while pos < len(self.text):
            m = _TOKEN.match(self.text, pos)
            if m is None:
                if self.text[pos:].isspace():
                    break
                raise ToolError(self._unreadable(pos))
            pos = m.end()
            if m["grouped"] is not None:
                self._grouped(m["grouped"])
            elif m["number"] is not None:
                self._literal(re.sub("[_\u00a0\u202f\u2009]", "", m["number"]))
            elif m["name"] is not None:
                self._name(m["name"], pos)
            else:
                self._operator(m["op"], pos)
        if self.open:
            raise ToolError("a bracket is not closed")
        return " ".join(self.out)

    def _unreadable(self, pos: int) -> str:
        rest = self.text[pos:].lstrip()
        if rest[0] in "{\"'":
            return (
                f"{rest[:20]!r} is not a number: a formula holds numbers; to use a field of a result, "
                "refer to it, as in ${1.value}"
            )
        if rest[0] == "=":
            return "a formula has no `=`; write `==` to compare"
        return (
            f"{rest[0]!r} can not be used in a formula: give numbers, operators + - * / // % ^ and functions"
        )

    def _put(self, text: str, *, number: bool = False) -> None:
        if self.operand is not None:
            raise ToolError(f"an operator is missing before `{text}`")
        self.operand = len(self.out)
        self.number = number
        self.out.append(text)

    def _literal(self, digits: str) -> None:
        # Rewritten, because Python refuses leading zeros.
        self._put(str(int(digits)) if digits.isdigit() else digits, number=True)

    def _grouped(self, text: str) -> None:
        kind = self.open[-1][0] if self.open else "("
        if kind == "(" or (kind in self.functions and kind in _SINGLE):
            self._literal(text.replace(",", ""))
            return
        if re.search(r",\s", self.text):
            raise ToolError(
                f"it is not clear whether `{text}` is one number: inside a function or list commas separate values; "
                f"write {text.replace(',', '')} without a comma"
            )
        first, *others = text.split(",")
        self._literal(first)
        for other in others:
            self._operator(",", len(self.text))
            self._literal(other)

    def _name(self, name: str, pos: int) -> None:
        low = name.lower()
        if self.operand is not None:
            if self.number and low in _SCALES:
                self.out[-1] = f"({self.out[-1]} * {_SCALES[low]})"
                self.number = False
                return None
            if low == "percent":
                return self._percent()
            if low == "of" and self.out[self.operand] == "percent":
                return self._operator("*", pos)
            if low in _WORDS:
                return self._operator(_WORDS[low], pos, word=True)
        if low in _KEYWORDS:
            word = _KEYWORDS[low]
            if word in ("True", "False"):
                return self._put(word)
            self.operand = None
            self.out.append(word)
        elif (low in self.functions and re.match(r"\s*\(", self.text[pos:])) or low in self.constants:
            self._put(low)
        elif low in self.functions:
            raise ToolError(f"`{low}` is a function: write {low}(...)")
        else:
            raise ToolError(
                f"unknown name `{name[:40]}`: a formula holds numbers without units, the constants "
                f"{', '.join(sorted(self.constants))} and the functions {', '.join(sorted(self.functions))}"
            )
        return None

    def _operator(self, op: str, pos: int, *, word: bool = False) -> None:
        if op == "%" and not word and not _MODULO_FOLLOWS.match(self.text, pos):
            return self._percent()
        if op in "([":
            return self._opened(op)
        if op in ")]":
            return self._closed(op)
        if op == "," and not self.open:
            raise ToolError(
                "a comma outside a function; write thousands as 8849 or 8,849 and decimals with a point"
            )
        self.operand = None
        self.out.append(_OPERATORS.get(op, op))
        return None

    def _opened(self, op: str) -> None:
        kind, start = op, len(self.out)
        if self.operand is not None:
            name = self.out[self.operand]
            if op == "[" or name not in self.functions or self.operand != len(self.out) - 1:
                raise ToolError(f"an operator is missing before `{op}`")
            kind, start = name, self.operand
        if len(self.open) >= MAX_BRACKETS:
            raise ToolError(f"brackets are nested deeper than {MAX_BRACKETS}")
        self.open.append((kind, start))
        self.operand = None
        self.out.append(op)

    def _closed(self, op: str) -> None:
        if not self.open or (op == "]") != (self.open[-1][0] == "["):
            raise ToolError(f"`{op}` closes no bracket")
        self.operand = self.open.pop()[1]
        self.number = False
        self.out.append(op)

    def _percent(self) -> None:
        if self.operand is None:
            raise ToolError("`%` needs a number before it")
        at = self.operand
        self.out[at:] = ["percent", "(", *self.out[at:], ")"]
        self.number = False


_SINGLE = frozenset(
    {"sqrt", "cbrt", "exp", "log2", "log10", "ln", "abs", "floor", "ceil", "trunc", "int", "float", "sin", "cos", "tan",
     "asin", "acos", "atan", "degrees", "radians", "factorial"}
)  # fmt: skip
"""Functions of one value: a comma in their brackets can only be a thousands separator."""


def normalise(text: str, functions: Collection[str], constants: Collection[str]) -> str:
    """`text` as a Python expression of numbers, operators, brackets, commas, `constants` and calls of `functions`.

    `15%` becomes `percent ( 15 )`, a `%` between two values stays modulo.

    Raises:
        ToolError: Too long, nested too deep, or anything else in it.
    """
    if len(text) > MAX_LENGTH:
        raise ToolError(f"the formula has {len(text)} characters; {MAX_LENGTH} are allowed")
    text = _RAISED_RUN.sub(lambda m: f"**({m[0].translate(_RAISED)})", text)
    text = _ROOT.sub(r"sqrt(\1)", text).replace("√", "sqrt").translate(_SYMBOLS)
    text = text.strip().rstrip("?= \t\r\n").removeprefix("=")
    if not text:
        raise ToolError("the formula is empty")
    return _Reader(text, functions, constants).read()
