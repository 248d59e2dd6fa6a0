"""Hypothesis strategies for plans: every valid plan, and texts that look like plans.

Lone surrogates are left out of strings: they have no encoding, and two of them that make a pair come back as the
one character they encode.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st

from llmcompiler.guards import BoolOp, Compare, Guard, Not, Truth
from llmcompiler.language import print_plan
from llmcompiler.language.printer import thought_lines
from llmcompiler.plan import Each, Join, Plan, Task
from llmcompiler.values import Ref, Template, Var

NASTY = [
    "", " ", "$", "$$", "$1", "${1}", "$${1}", "${1", "$1.height", '${1["k"]}', "${x}", "$x", "$$$1", "costs $5",
    "1. f()", "join()", "\n1. f()\njoin()\n", "Thought: no", "Observation: 3", "<END_OF_PLAN>",
    "```", "# no", "```python\n",
    '"', "'", '"""', "\\", "\\n", "\\\"", "\\u0041", "\\$1", "a\nb", "a\r\nb", "\r", "\t", "\0",
    "\x1b[31m", "\x85",
    "\u2028", "\u2029", "\u200b", "\u202e", "\ufeff", "e\u0301", "😀", "日本", "\U0010ffff", "\xa0",
    "()", ")", "(", "[1, 2]",
    "{", "}", "}{", "]", ",", "=", "a=1", ":", "if x:", "for x in y:", "None", "null", "true",
    "1e999", "nan", "0x1f",
    "Mount Everest", "O'Brien", "100%", "a" * 300,
]  # fmt: skip


def transform(value: Any, leaf: Callable[[Any], Any]) -> Any:
    """`value` with every leaf (anything but a list or dict) replaced."""
    if isinstance(value, (list, tuple)):
        return [transform(v, leaf) for v in value]
    if isinstance(value, dict):
        return {k: transform(v, leaf) for k, v in value.items()}
    return leaf(value)


_alphabet = st.characters(exclude_categories=["Cs"])


def named(strategy: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """`strategy` with a short repr: hypothesis warns of those that spell out thousands of characters."""

    @st.composite
    def _drawn(draw: st.DrawFn) -> Any:
        return draw(strategy)

    return _drawn()


nasty = named(st.sampled_from(NASTY))
texts = named(
    nasty
    | st.lists(nasty, min_size=2, max_size=3).map("".join)
    | st.text(_alphabet, max_size=12)
    | st.text(st.sampled_from("$\\\"'{}[].:1a \n"), max_size=10)
)
names = named(
    st.sampled_from(
        [
            "query",
            "a",
            "b",
            "x1",
            "a-b",
            "x.y",
            "é",
            "_p",
            "class_",
            "If",
            "note",
            "from",
            "to",
            "tasks",
            "join",
            "Thought",
        ]
    )
    | st.from_regex(r"[a-z_][a-z0-9_]{0,5}", fullmatch=True)
)
variables = st.sampled_from(["city", "x", "item", "_", "row2", "City", "thought", "join"])
tools = named(
    st.sampled_from(
        ["search", "f", "get-weather", "wiki.search", "a.b-c.d_e", "mcp__x__y", "_p", "t2", "é", "a-"]
    )
    | st.sampled_from(
        ["joiner", "forecast", "iffy", "Thoughts", "Thought", "Action", "task", "f.join", "True", "in"]
    )
)
scalars = named(
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(min_value=-(10**40), max_value=10**40)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.sampled_from([0, -1, -0.0, 1e22, 1e-9, 5e-324, 1.7976931348623157e308, 0.1])
    | texts
)
paths = named(
    st.lists(
        st.sampled_from(["height", "a", "x1", "_", "in", "if", "k k", "2", "0", ""])
        | texts
        | st.integers(-9, 99),
        max_size=3,
    ).map(tuple)
)

# References are drawn with any number and variables with any name; `_Scope` gives them those that a task can use.
_references = named(st.builds(Ref, st.integers(0, 9), paths) | st.builds(Var, st.just("?"), paths))
_templates = st.lists(texts | _references, min_size=1, max_size=4).map(lambda parts: Template(tuple(parts)))
_values = named(
    st.recursive(
        scalars | _references | _templates,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
        max_leaves=5,
    )
)
_guards = named(
    st.recursive(
        st.builds(Truth, _values)
        | st.builds(
            Compare, st.sampled_from(["==", "!=", "<", "<=", ">", ">=", "in", "not in"]), _values, _values
        ),
        lambda inner: (
            st.builds(Not, inner)
            | st.builds(
                BoolOp, st.sampled_from(["and", "or"]), st.lists(inner, min_size=2, max_size=3).map(tuple)
            )
        ),
        max_leaves=4,
    )
)
thoughts = named(
    st.none()
    | st.lists(texts, min_size=1, max_size=3).map(
        lambda lines: "\n".join(thought_lines("\n".join(lines))) or None
    )
)


class _Scope:
    """The tasks and the variable that a value can refer to."""

    def __init__(self, ids: list[int], variable: str | None) -> None:
        self.ids = ids
        self.variable = variable

    def value(self, value: Any) -> Any:
        return transform(value, self._leaf)

    def _leaf(self, value: Any) -> Any:
        if isinstance(value, Ref):
            return Ref(self.ids[value.task % len(self.ids)], value.path) if self.ids else None
        if isinstance(value, Var):
            return Var(self.variable, value.path) if self.variable is not None else None
        if isinstance(value, Template):
            return normal_template([self._leaf(part) for part in value.parts])
        return value

    def guard(self, guard: Guard) -> Guard:
        if isinstance(guard, Truth):
            return Truth(self.value(guard.value))
        if isinstance(guard, Compare):
            return Compare(guard.op, self.value(guard.left), self.value(guard.right))
        if isinstance(guard, Not):
            return Not(self.guard(guard.operand))
        return BoolOp(guard.op, tuple(map(self.guard, guard.operands)))


def normal_template(parts: list[Any]) -> Any:
    """`parts` in normal form: no empty text, no two texts side by side, and a text where there is no reference."""
    out: list[Any] = []
    for part in parts:
        if isinstance(part, str) and out and isinstance(out[-1], str):
            out[-1] += part
        elif part not in ("", None):
            out.append(part)
    if any(not isinstance(part, str) for part in out):
        return Template(tuple(out))
    return "".join(out)


def guards(ids: list[int], variable: str | None = None) -> st.SearchStrategy[Guard]:
    """Every kind of condition that a task can have after the tasks `ids`, in a loop over `variable`."""
    return _guards.map(_Scope(ids, variable).guard)


_tasks = st.tuples(
    st.sampled_from([1, 1, 1, 2, 17]),
    tools,
    st.lists(_values, max_size=2),
    st.dictionaries(names, _values, max_size=2),
    st.none()
    | st.none()
    | st.tuples(variables, st.lists(_values, max_size=3) | st.builds(Ref, st.integers(0, 9), paths)),
    st.none() | st.none() | _guards,
    thoughts,
)


def _assemble(drawn: tuple[list[Any], Any]) -> Plan:
    tasks: list[Task] = []
    ids: list[int] = []
    for step, tool, positional, keywords, loop, when, thought in drawn[0]:
        each = None if loop is None else Each(loop[0], _Scope(ids, None).value(loop[1]) or [])
        scope = _Scope(ids, None if each is None else each.name)
        args = {str(i): scope.value(value) for i, value in enumerate(positional)}
        args |= {name: scope.value(value) for name, value in keywords.items()}
        number = (ids[-1] if ids else 0) + step
        tasks.append(Task(number, tool, args, each, None if when is None else scope.guard(when), thought))
        ids = [*ids, number]
    join = drawn[1]
    if join is not None and join.ref is not None:
        join = Join(_Scope(ids, None).value(join.ref))
    return Plan(tuple(tasks), join)


def plans(max_tasks: int = 4) -> st.SearchStrategy[Plan]:
    """Every kind of plan, in the normal form that parsing gives."""
    joins = st.none() | st.just(Join()) | st.builds(Join, st.builds(Ref, st.integers(0, 9), paths))
    return named(st.tuples(st.lists(_tasks, max_size=max_tasks), joins).map(_assemble))


@st.composite
def plan_texts(draw: st.DrawFn) -> str:
    """Plan texts, some damaged: cut, with pieces taken out, doubled or put in."""
    text = print_plan(draw(plans(3)))
    if draw(st.booleans()):
        text += draw(st.sampled_from(["\n", "\n<END_OF_PLAN>", "\n```", " trailing", "\n\nObservation: x"]))
    for _ in range(draw(st.integers(0, 3))):
        at = draw(st.integers(0, len(text)))
        match draw(st.integers(0, 3)):
            case 0:
                text = text[:at]
            case 1:
                text = text[:at] + text[at + draw(st.integers(1, 5)) :]
            case 2:
                text = text[:at] + draw(st.sampled_from(PIECES)) + text[at:]
            case _:
                text = text + "\n" + text[at : at + 40]
    return text


PIECES = [
    "(", ")", "[", "]", "{", "}", '"', "'", "\\", "$", "${", "$9", "$$", ",", ":", "=", "\n", "\r",
    "\r\n", ";", "#", ".",
    "1. ", "\n2. f(", "join(", "\njoin()", "Thought: ", "\nThought: x\n", "Action: ", "```",
    "```\n", "\n```python\n", "\ufeff",
    "<END_OF_PLAN>", "<END", "for x in ", "if ", "not ", " and ", "-", "1e", "0x", "\0", "\u2028",
    "é", "'''", '"""', "<|im_end|>",
]  # fmt: skip
soup = named(st.lists(st.sampled_from(PIECES) | nasty | st.text(max_size=3), max_size=25).map("".join))
any_text = named(plan_texts() | soup | st.text(max_size=60))
