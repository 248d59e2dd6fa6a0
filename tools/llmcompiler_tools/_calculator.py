"""`calculate`: arithmetic on text without `eval`, bounded in size, power, depth and time. `_formula` reads the text."""

from __future__ import annotations

import ast
import math
import statistics
from collections.abc import Callable
from typing import Any

from llmcompiler.errors import ToolError
from llmcompiler.tools import tool

from ._formula import normalise
from ._lazy import once, require
from ._record import tidy

MAX_DIGITS = 1000
_MAX_BITS = int(MAX_DIGITS * math.log2(10))
_MAX_DEPTH = 120
_TOO_LARGE = f"the result is too large (over {MAX_DIGITS} digits, or beyond 1e308 with fractions)"


def _bounded(value: Any) -> Any:
    if isinstance(value, int):
        if value.bit_length() > _MAX_BITS:
            raise ToolError(_TOO_LARGE)
    elif isinstance(value, float):
        if not math.isfinite(value):
            raise ToolError(_TOO_LARGE)
    elif isinstance(value, complex):
        raise ToolError("the result is not a real number")
    return value


def _number(value: Any) -> Any:
    if not isinstance(value, (int, float)):
        raise ToolError("a list can only stand inside a function such as sum or max")
    return value


def _operator(compute: Callable[..., Any]) -> Callable[..., Any]:
    def apply(*values: Any) -> Any:
        return _bounded(compute(*map(_number, values)))

    return apply


def _power(base: Any, exponent: Any) -> Any:
    if isinstance(base, int) and isinstance(exponent, int):
        # Refused before it is computed: 9**9**9 would take the machine's memory.
        if exponent >= 0:
            if abs(base) > 1 and base.bit_length() * exponent > _MAX_BITS + 64:
                raise ToolError(_TOO_LARGE)
            return base**exponent
        base = float(base)
    return float(base) ** exponent


def _round(value: Any, digits: Any = 0) -> Any:
    if digits != int(digits):
        raise ToolError("the second value of round is a whole number of digits")
    # Rounding a whole number to -n digits computes 10**n.
    places = max(-400, min(400, int(digits)))
    return round(value, places) if places else round(value)


def _whole(value: Any, name: str, limit: int) -> int:
    if value != int(value) or not 0 <= value <= limit:
        raise ToolError(f"`{name}` takes whole numbers from 0 to {limit}")
    return int(value)


def _many(compute: Callable[[list[Any]], Any]) -> Callable[..., Any]:
    # max(1, 2) and max([1, 2]) alike
    def apply(*values: Any) -> Any:
        flat: list[Any] = []
        for v in values:
            flat.extend(v) if isinstance(v, list) else flat.append(v)
        if not flat:
            raise ToolError("a function such as sum or max needs at least one value")
        return compute([_number(v) for v in flat])

    return apply


_VALUES: dict[str, Callable[..., Any]] = {
    "sqrt": math.sqrt, "cbrt": math.cbrt, "exp": math.exp, "log": math.log, "ln": lambda x: math.log(x),
    "log2": math.log2, "log10": math.log10, "pow": _power, "abs": abs, "round": _round, "floor": math.floor,
    "ceil": math.ceil, "trunc": math.trunc, "int": int, "float": float, "mod": lambda a, b: a % b,
    "sin": math.sin, "cos": math.cos, "tan": math.tan, "asin": math.asin, "acos": math.acos, "atan": math.atan,
    "atan2": math.atan2, "degrees": math.degrees, "radians": math.radians, "hypot": math.hypot,
    "gcd": math.gcd, "lcm": math.lcm,
    "factorial": lambda n: math.factorial(_whole(n, "factorial", 400)),
    "comb": lambda n, k: math.comb(_whole(n, "comb", 2000), _whole(k, "comb", 2000)),
    "perm": lambda n, k: math.perm(_whole(n, "perm", 2000), _whole(k, "perm", 2000)),
    "percent": lambda n: n / 100,
}  # fmt: skip
_LISTS: dict[str, Callable[[list[Any]], Any]] = {
    "min": min, "max": max, "sum": sum, "mean": statistics.fmean, "avg": statistics.fmean,
    "average": statistics.fmean, "median": statistics.median,
}  # fmt: skip
_FUNCTIONS = {k: _operator(f) for k, f in _VALUES.items()} | {
    k: (lambda g: lambda *v: _bounded(g(*v)))(_many(f)) for k, f in _LISTS.items()
}
_CONSTANTS = {"pi": math.pi, "e": math.e, "tau": math.tau}
_HIDDEN = {
    # `200 + 15%` is 15 % more, as on a pocket calculator; `15% + 5%` is 20 %.
    "_more": _operator(lambda value, share: value * (1 + share / 100)),
    "_less": _operator(lambda value, share: value * (1 - share / 100)),
}
_OPERATORS: dict[type[ast.AST], Callable[..., Any]] = {
    ast.Add: _operator(lambda a, b: a + b),
    ast.Sub: _operator(lambda a, b: a - b),
    ast.Mult: _operator(lambda a, b: a * b),
    ast.Div: _operator(lambda a, b: a / b),
    ast.FloorDiv: _operator(lambda a, b: a // b),
    ast.Mod: _operator(lambda a, b: a % b),
    ast.Pow: _operator(_power),
    ast.UAdd: _operator(lambda a: +a),
    ast.USub: _operator(lambda a: -a),
    ast.Not: _operator(lambda a: not a),
    ast.Eq: _operator(lambda a, b: a == b),
    ast.NotEq: _operator(lambda a, b: a != b),
    ast.Lt: _operator(lambda a, b: a < b),
    ast.LtE: _operator(lambda a, b: a <= b),
    ast.Gt: _operator(lambda a, b: a > b),
    ast.GtE: _operator(lambda a, b: a >= b),
}
_NODES = (ast.UnaryOp, ast.BinOp, ast.BoolOp, ast.Compare, ast.IfExp, ast.Call, ast.Name, ast.Constant)


@once
def _evaluator() -> Any:
    # One for all threads: all it keeps between evaluations is the text, for messages that are not used here.
    evaluator = require("simpleeval").SimpleEval(
        operators=dict(_OPERATORS),
        functions=_FUNCTIONS | _HIDDEN,
        names=_CONSTANTS | {"True": True, "False": False},
    )
    evaluator.nodes = {kind: evaluator.nodes[kind] for kind in _NODES}
    evaluator.nodes[ast.List] = lambda node: [_number(evaluator._eval(item)) for item in node.elts]
    return evaluator


class _RelativePercent(ast.NodeTransformer):
    def visit_BinOp(self, node: ast.BinOp) -> ast.AST:
        self.generic_visit(node)
        if isinstance(node.op, (ast.Add, ast.Sub)) and not _is_percent(node.left):
            right = node.right
            if isinstance(right, ast.Call) and _is_percent(right):
                hidden = "_more" if isinstance(node.op, ast.Add) else "_less"
                return ast.Call(ast.Name(hidden, ast.Load()), [node.left, *right.args], [])
        return node


def _is_percent(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "percent"


def _parse(source: str) -> ast.expr:
    try:
        tree = ast.parse(source, mode="eval").body
    except (SyntaxError, ValueError) as e:
        raise ToolError(f"the formula can not be read: {getattr(e, 'msg', None) or e}") from None
    level: list[ast.AST] = [tree]
    for _ in range(_MAX_DEPTH):
        level = [child for node in level for child in ast.iter_child_nodes(node)]
        if not level:
            return tree
    raise ToolError(
        "the formula has too many steps in one chain; use sum([...]) or split it into several calculations"
    )


@tool(effect="pure", timeout=10)
def calculate(expression: str) -> float:
    """Result of an arithmetic formula with numbers.

    Args:
        expression: Numbers with + - * / // % ^, brackets, comparisons and functions such as sqrt, round, min, max,
            sum, mean; also "15% of 80".

    Returns:
        A whole number where the result is one, otherwise a float; True or False for a comparison.

    Raises:
        ToolError: It can not be read, has no real result, or is too large to compute.
    """
    source = normalise(expression, _FUNCTIONS, _CONSTANTS)
    evaluator = _evaluator()
    try:
        tree = _RelativePercent().visit(_parse(source))
        value = _bounded(_number(evaluator.eval(source, previously_parsed=tree)))
    except ToolError:
        raise
    except ZeroDivisionError:
        raise ToolError(f"division by zero in {expression.strip()[:200]!r}") from None
    except OverflowError:
        raise ToolError(_TOO_LARGE) from None
    except (RecursionError, MemoryError):
        raise ToolError("the formula is nested too deep; split it into several calculations") from None
    except ValueError as e:
        raise ToolError(f"no real result: {e} in {expression.strip()[:200]!r}") from None
    except (TypeError, LookupError, require("simpleeval").InvalidExpression) as e:
        # Wrong number of values for a function, or a construct the evaluator does not have.
        raise ToolError(f"the formula can not be computed: {e}") from None
    if isinstance(value, int):
        return value
    value = tidy(value)
    return int(value) if value.is_integer() and abs(value) < 1e15 else value
