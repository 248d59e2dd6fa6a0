"""The grammar (GBNF, as llama.cpp takes it) of the next line of a plan: what can be right, not what is likely.

Tool names, arity, types, references and copied words are right by construction; which call is made is the model's
business. Its size is linear in the words of the question, the results so far and the tools' schemas. No model here.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, MutableMapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from llmcompiler.parameters import Parameter
from llmcompiler.signatures import resolve
from llmcompiler.tools import Tool

from .gbnf import choice, inside, plan_literal, terminal
from .measures import is_unit
from .phrases import is_formula, parts
from .shapes import NUMERIC, TEXT, Earlier, Shape, kinds_of, result_shapes, unit_parameters
from .words import NUMBER, NUMBER_WORDS, Question

_MAX_DEPTH = 3
_MAX_ITEMS = 10
_MAX_REFS = 24
_MAX_LISTS = 6
_MAX_CHOICES = 64
_TERMS = 7
"""Operands that a formula, or a bracket in it, may have beside the first."""
_FUNCTIONS = ("sqrt", "abs", "round", "log", "sin", "cos")
_CONSTANTS = ("1", "2", "100")
PLAIN = NUMERIC | TEXT | {"boolean"}
EACH = "x"
"""What the item of a `for` line is called."""


def line_grammar(
    tools: Sequence[Tool], question: Question, earlier: Earlier = (), *, may_join: bool = True
) -> str | None:
    """The grammar of a plan line after its number and full stop (`1.`); None where no line can be written.

    Same input, same text.

    Args:
        tools: What may be called.
        question: What runs of words and numbers are taken from.
        earlier: The calls so far; only these may be referred to.
        may_join: Whether the line may be the join.
    """
    return _Line(question, earlier).text(tools, may_join)


def _amounts(question: Question) -> frozenset[int]:
    """Where no name begins in a question with a number and its unit of measure: at these, other units, small words."""
    words = question.words
    numbers = {
        i for i, (w, after) in enumerate(pairwise(words)) if NUMBER.fullmatch(w.text) and is_unit(after.base)
    }
    if not numbers:
        return frozenset()
    return frozenset(numbers | {i for i, w in enumerate(words) if is_unit(w.base) or not w.begins})


_EACH = re.compile(r"\b(?:for (?:all|each|every)|each of|all of the)\b", re.IGNORECASE)
_INFIX = re.compile(r"\b(?:divided by|minus|over)\b|\bratio of\b.*\bto\b|[÷−]", re.IGNORECASE)
_TWO = re.compile(r'"(\$(?:\d+|\{(\d+)[^}"]*\})) ([-/]) (\$(?:\d+|\{(\d+)[^}"]*\}))"')


def in_order(line: str, question: Question) -> str:
    """The line, with the two results of a quotient or a difference in the order in which the question names them.

    Only where the question says which comes first, as "A divided by B" does, and where nothing else is in the formula.
    Results have numbers in the order of asking; a small model at times puts the later one first.
    """
    found = _TWO.search(line)
    if found is None or len(_INFIX.findall(question.text)) != 1:
        return line
    one, other = (int(re.sub(r"\D.*", "", text.lstrip("${"))) for text in found.group(1, 4))
    if one < other:
        return line
    return f'{line[: found.start()]}"{found[4]} {found[3]} {found[1]}"{line[found.end() :]}'


@dataclass(frozen=True, slots=True)
class _List:
    """A list among the results: its reference, and what its items may be referred to as."""

    text: str
    items: tuple[Shape, ...]


@dataclass(slots=True)
class _Line:
    question: Question
    earlier: Earlier
    rules: dict[str, str] = field(default_factory=dict)
    shapes: list[Shape] = field(default_factory=list)
    lists: list[_List] = field(default_factory=list)
    amount: frozenset[int] = frozenset()
    """Where the words of amounts stand that a tool on offer converts: they are no names for other tools."""

    def __post_init__(self) -> None:
        self.shapes = [s for task, tool in self.earlier for s in result_shapes(task, tool)]
        self.lists = [
            found for task, tool in self.earlier if task.each is None for found in _lists(task.id, tool)
        ][-_MAX_LISTS:]

    def text(self, tools: Sequence[Tool], may_join: bool) -> str | None:
        if any(unit_parameters(tool) is not None for tool in tools):
            self.amount = _amounts(self.question)
        calls = [call for i, tool in enumerate(tools) if (call := self._call(f"c{i}", tool, ())) is not None]
        loops: list[str] = []
        for n, listed in enumerate(self.lists):
            each = [
                call
                for i, tool in enumerate(tools)
                if (call := self._call(f"e{n}c{i}", tool, listed.items)) is not None
            ]
            if each:
                loops.append(f"{terminal(f'for {EACH} in ${listed.text}: ')} ({' | '.join(each)})")
        if loops and self._asks_for_each():
            calls = loops
        else:
            calls += loops
            if may_join:
                calls.append(self._join())
        if not calls:
            return None
        root = f'root ::= " " ({" | ".join(calls)}) "\\n"'
        return "\n".join([root, *(f"{k} ::= {v}" for k, v in self.rules.items())]) + "\n"

    def _asks_for_each(self) -> bool:
        """Whether a loop comes next: the question says so, a list is there, and nothing has gone over any yet."""
        begun = any(task.each is not None for task, _ in self.earlier)
        return not begun and _EACH.search(self.question.text) is not None

    def _join(self) -> str:
        plain = [s for s in self.shapes if not s.field or not s.kinds or s.kinds & PLAIN]
        refs = ["", *(f"${s.text}" for s in plain[-_MAX_REFS:])]
        return choice([f"join({ref})" for ref in refs])

    def _rule(self, name: str, body: str) -> str:
        self.rules.setdefault(name, body)
        return name

    # -- calls -------------------------------------------------------------------

    def _call(self, name: str, tool: Tool, items: tuple[Shape, ...]) -> str | None:
        """A call of `tool`; with `items`, one that uses an item of a list."""
        params = list(tool.params.values())
        needed = [(i, p) for i, p in enumerate(params) if p.required]
        values = {i: self._value(f"{name}p{i}", p, tool) for i, p in enumerate(params)}
        if items:
            using = [(i, self._items(p, tool, items)) for i, p in needed]
            heads = [
                given
                for i, used in using
                if used is not None and (given := self._given(needed, {**values, i: used})) is not None
            ]
            if not heads:
                return None
            head: str | None = f"({' | '.join(heads)})"
        else:
            head = self._converted(tool, needed, values) or self._given(needed, values)
        if head is None:
            return None
        options = [
            (p.name, body)
            for i, p in enumerate(params)
            if not p.required and (body := self._option(p, tool, values[i])) is not None
        ]
        if not params and any(task.tool == tool.name for task, _ in self.earlier):
            return None
        body = f"{head} {_after(options)}" if needed else _alone(options)
        return self._rule(name, f'{terminal(f"{tool.name}(")} {body} ")"')

    @staticmethod
    def _given(needed: Sequence[tuple[int, Parameter]], values: Mapping[int, str | None]) -> str | None:
        bodies = [values[i] for i, _ in needed]
        if not all(bodies):
            return None
        return f" {terminal(', ')} ".join(f"({b})" for b in bodies)

    def _converted(
        self, tool: Tool, needed: Sequence[tuple[int, Parameter]], values: Mapping[int, str | None]
    ) -> str | None:
        """Arguments of a conversion that may go on with the result of another one, in the unit that one gave."""
        at = unit_parameters(tool)
        if at is None or [i for i, _ in needed][: at + 3] != list(range(at + 3)):
            return None
        kinds = kinds_of(needed[at][1].schema, tool.defs)
        given, bound = {**values}, []
        for task, earlier in self.earlier:
            unit = task.args.get(needed[at + 2][1].name, task.args.get(str(at + 2)))
            if task.tool != tool.name or task.each is not None or not isinstance(unit, str):
                continue
            refs = [f"${s.text}" for s in result_shapes(task, earlier) if s.fits(kinds)]
            if refs:
                same = {at: choice(refs), at + 1: terminal(plan_literal(unit))}
                bound.append(self._given(needed, {**values, **same}))
        if not bound:
            return None
        made = {task.id for task, _ in self.earlier if task.tool == tool.name}
        others = [f"${s.text}" for s in self.shapes if s.fits(kinds) and s.task not in made]
        number = self._number("integer" in kinds and "number" not in kinds)
        free = [f for f in (choice(others) if others else None, number) if f is not None]
        given[at] = " | ".join(free) if free else None
        some = [head for head in (self._given(needed, given), *bound) if head is not None]
        return f"({' | '.join(some)})" if some else None

    def _items(self, p: Parameter, tool: Tool, items: Sequence[Shape]) -> str | None:
        wanted = kinds_of(p.schema, tool.defs)
        if is_formula(p.name) or "enum" in resolve(p.schema, tool.defs):
            return None
        fitting = [s.text for s in items if s.fits(wanted)]
        return choice(fitting) if fitting else None

    def _option(self, p: Parameter, tool: Tool, body: str | None) -> str | None:
        """What an argument that may be left out may be: of named choices, one that the question names."""
        choices = resolve(p.schema, tool.defs).get("enum") if isinstance(p.schema, Mapping) else None
        if body is None or not isinstance(choices, list) or not all(isinstance(c, str) for c in choices):
            return body
        named = [c for c in choices[:_MAX_CHOICES] if self._named(c)]
        return choice([plan_literal(c) for c in named]) if named else None

    def _named(self, choice: str) -> bool:
        """Whether the question has a word of `choice`, in some form: `sunny` for `sun`."""
        said = self.question.vocabulary
        return any(
            word in said or any(len(w) > 3 and len(word) > 3 and w[:4] == word[:4] for w in said)
            for word in parts(choice)
        )

    # -- values ------------------------------------------------------------------

    def _value(self, name: str, p: Parameter, tool: Tool) -> str | None:
        return self._schema(name, p.schema, tool.defs, p.name, 0)

    def _schema(self, name: str, schema: Any, defs: Mapping[str, Any], label: str, depth: int) -> str | None:
        schema = resolve(schema, defs) if isinstance(schema, Mapping) else {}
        if "const" in schema:
            return terminal(plan_literal(schema["const"]))
        if isinstance(schema.get("enum"), list):
            values = [plan_literal(v) for v in schema["enum"][:_MAX_CHOICES]]
            return choice(values) if values else None
        for key in ("anyOf", "oneOf", "allOf"):
            options = schema.get(key)
            if isinstance(options, list) and options and depth <= _MAX_DEPTH:
                # None is what leaving an argument out means already.
                real = [s for s in options[:6] if kinds_of(s, defs) != {"null"}]
                bodies = [self._schema(f"{name}u{i}", s, defs, label, depth + 1) for i, s in enumerate(real)]
                some = list(dict.fromkeys(b for b in bodies if b is not None))
                return f"({' | '.join(some)})" if some else None
        wanted = kinds_of(schema, defs)
        found: list[str | None] = []
        if (not wanted or "string" in wanted) and is_formula(label):
            found.append(self._formula())
        else:
            found.append(self._references(wanted))
            if not wanted or "string" in wanted:
                found.append(self._run() if "unit" in parts(label) else self._name())
        if not wanted or wanted & NUMERIC:
            found.append(self._number("integer" in wanted and "number" not in wanted))
        if "boolean" in wanted:
            found.append('"true" | "false"')
        if "array" in wanted:
            found.append(self._list(name, schema, defs, label, depth))
        if "object" in wanted:
            found.append(self._object(name, schema, defs, depth))
        some = [f for f in found if f is not None]
        return self._rule(name, " | ".join(some)) if some else None

    def _references(self, wanted: frozenset[str]) -> str | None:
        fitting = [s for s in self.shapes if s.fits(wanted)]
        if not wanted:
            fitting = [s for s in fitting if not s.field]
        if not fitting:
            return None
        name = "r" + "".join(sorted(w[0] for w in wanted))
        return self._rule(name, " | ".join(terminal(f"${s.text}") for s in fitting[-_MAX_REFS:]))

    def _number(self, whole: bool) -> str | None:
        numbers = [n for n in self.question.numbers if not (whole and "." in n)]
        return choice(numbers) if numbers else None

    def _run(self) -> str | None:
        """A run of words of the question in quotes: from any word to any other one before a stop."""
        if "run" not in self.rules:
            words = self.question.words
            heads: list[str] = []
            for i in reversed(range(len(words))):
                w = words[i]
                if not any(c.isalnum() for c in w.text):
                    if w.join is not None and i + 1 < len(words) and f"w{i + 1}" in self.rules:
                        # `Rock & Roll`: it may stand inside a run, never at its ends.
                        self.rules[f"w{i}"] = f"{terminal(inside(w.text) + w.join)} w{i + 1}"
                    continue
                ends = [inside(w.base)]
                if w.text != w.base and w.join is None:
                    ends.append(inside(w.text))
                options = [terminal(e) for e in ends]
                if w.join is not None and f"w{i + 1}" in self.rules:
                    options.append(f"{terminal(inside(w.text) + w.join)} w{i + 1}")
                self.rules[f"w{i}"] = " | ".join(options)
                heads.append(f"w{i}")
            quoted = [terminal(inside(q)) for q in self.question.quoted]
            if not heads and not quoted:
                return None
            self.rules["run"] = " | ".join([*reversed(heads), *quoted])
        return '"\\"" run "\\""'

    def _name(self) -> str | None:
        """A run of words that does not begin within an amount."""
        run = self._run()
        if run is None or not self.amount:
            return run
        heads = [h for h in self.rules["run"].split(" | ") if h not in {f"w{i}" for i in self.amount}]
        if not heads:
            return None
        self.rules["name"] = " | ".join(heads)
        return '"\\"" name "\\""'

    def _formula(self) -> str | None:
        return free_formula(self.question, self.shapes, self.rules)

    def _list(
        self, name: str, schema: Mapping[str, Any], defs: Mapping[str, Any], label: str, depth: int
    ) -> str | None:
        if depth >= _MAX_DEPTH:
            return terminal("[]")
        item = self._schema(f"{name}i", schema.get("items", {}), defs, label, depth + 1)
        return None if item is None else f'"[" ({item}) (", " ({item})){{0,{_MAX_ITEMS - 1}}} "]"'

    def _object(
        self, name: str, schema: Mapping[str, Any], defs: Mapping[str, Any], depth: int
    ) -> str | None:
        properties = schema.get("properties")
        needed = set(schema.get("required", ()))
        if not isinstance(properties, Mapping) or depth >= _MAX_DEPTH:
            return None if needed else terminal("{}")
        fields: list[str] = []
        for i, key in enumerate([k for k in properties if k in needed][:24]):
            body = self._schema(f"{name}o{i}", properties[key], defs, key, depth + 1)
            if body is None:
                return None
            lead = (", " if fields else "") + json.dumps(key, ensure_ascii=False) + ": "
            fields.append(f"{terminal(lead)} ({body})")
        return " ".join(['"{"', *fields, '"}"'])


def free_formula(question: Question, shapes: Sequence[Shape], rules: MutableMapping[str, str]) -> str:
    """Arithmetic over results, the numbers of the question and a few constants, with one level of brackets.

    Writes the rules into `rules`; gives what stands for a formula in quotes.
    """
    if "formula" not in rules:
        # A text may be a number in words of its own: whether it is, the tool will say.
        numeric = [s for s in shapes if not s.kinds or s.fits(NUMERIC) or (s.kinds == TEXT and not s.field)]
        refs = [f"${{{s.text}}}" if s.field else f"${s.text}" for s in numeric[-_MAX_REFS:]]
        numbers = [n for n in question.numbers if n not in _CONSTANTS]
        said = [NUMBER_WORDS[w.lower] for w in question.words if w.lower in NUMBER_WORDS]
        counts = [str(n) for n in range(3, min(len(numeric), _MAX_ITEMS) + 1)]  # of an average
        atoms = list(dict.fromkeys([*refs, *numbers, *said, *_CONSTANTS, *counts]))
        rules["atom"] = " | ".join(map(terminal, atoms))
        rules["op"] = choice([" + ", " - ", " * ", " / ", " ** "])
        rules["sum"] = f"atom (op atom){{1,{_TERMS}}}"
        calls = choice([f"{f}(" for f in _FUNCTIONS])
        rules["called"] = f'{calls} (sum | atom) ")"'
        rules["term"] = 'atom | "(" sum ")" | called'
        rules["formula"] = f"called (op term){{0,{_TERMS}}} | term (op term){{1,{_TERMS}}}"
    return '"\\"" formula "\\""'


def _after(options: Sequence[tuple[str, str]]) -> str:
    """Optional arguments after required ones."""
    return " ".join(f"({terminal(f', {n}=')} ({body}))?" for n, body in options)


def _alone(options: Sequence[tuple[str, str]]) -> str:
    """Optional arguments with none before them: the first of those that are given has no comma."""
    heads = [
        f"{terminal(f'{n}=')} ({body}) {_after(options[i + 1 :])}" for i, (n, body) in enumerate(options)
    ]
    return f"({' | '.join(heads)})?" if heads else ""


def _lists(task: int, tool: Tool | None) -> list[_List]:
    """The declared lists of a result, each with what its items may be referred to as."""
    if tool is None or tool.returns is None:
        return []
    defs = tool.returns.get("$defs", {})
    schema = resolve(tool.returns, defs)
    found = [(f"{task}", schema)] if kinds_of(schema, defs) == {"array"} else []
    properties = schema.get("properties")
    if isinstance(properties, Mapping):
        found += [
            (f"{task}.{k}", resolve(s, defs))
            for k, s in list(properties.items())[:40]
            if re.fullmatch(r"[A-Za-z_]\w*", k) and kinds_of(s, defs) == {"array"}
        ]
    out = []
    for text, listed in found:
        item = resolve(listed.get("items", {}), defs) if isinstance(listed.get("items"), Mapping) else {}
        kinds = kinds_of(item, defs)
        fields = item.get("properties")
        items = [] if kinds == {"object"} else [Shape(EACH, kinds)]
        if isinstance(fields, Mapping):
            names = [k for k in fields if re.fullmatch(r"[A-Za-z_]\w*", k)][:12]
            items += [Shape(f"{EACH}.{k}", kinds_of(fields[k], defs)) for k in names]
        if items:
            out.append(_List(text, tuple(items)))
    return out


__all__ = ["line_grammar"]
