"""The grammar (GBNF, as llama.cpp takes it) of the next line of a plan, given tools, question and the lines before.

One line at a time, because with the earlier lines known references can be typed exactly and a call that was made
already can be left out. Nothing here talks to a model; what wording rules out is in `phrases`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from llmcompiler.parameters import Parameter
from llmcompiler.signatures import resolve
from llmcompiler.tools import Tool

from .arithmetic import OPERATION_WORDS, Atom, is_unit, number_atoms, quantities, targets, wants_operation
from .duties import Duties, conversions, duties, open_targets, texts_of
from .formulas import formula_rule, unused
from .gbnf import choice, inside, plan_literal, terminal
from .offer import shown_parameters
from .phrases import Governed, about_tool, governed, is_formula, parts, points_back, speaks_of
from .runs import RunRules, Want
from .shapes import NUMERIC, TEXT, Earlier, Shape, kinds_of, result_shapes, unit_parameters
from .words import NUMBER, Question

_MAX_DEPTH = 3
_MAX_ITEMS = 8
_MAX_REFS = 12
_UNIT_WORDS = 3


def line_grammar(
    tools: Sequence[Tool],
    question: Question,
    earlier: Earlier = (),
    *,
    may_join: bool = True,
    strict: bool = True,
) -> str | None:
    """The grammar of a plan line after its number and full stop (`1.`); None where no line can be written.

    Same input, same text; its size is bounded by the words that are read (`words.MAX_WORDS`), not by the tools'
    schemas.

    Args:
        tools: What may be called.
        question: What runs of words and numbers are taken from.
        earlier: The calls so far; only these may be referred to.
        may_join: Whether the line may be `join()`.
        strict: Whether the rules of `phrases` hold, which can rule out every call of a tool.
    """
    return _Line(question, tools, earlier, strict).text(may_join)


# -- one line ----------------------------------------------------------------


@dataclass(slots=True)
class _Line:
    question: Question
    tools: Sequence[Tool]
    earlier: Earlier
    strict: bool
    rules: dict[str, str] = field(default_factory=dict)
    shapes: list[Shape] = field(default_factory=list)
    governed: list[Governed] = field(default_factory=list)
    owed: Duties = field(default_factory=Duties)
    runs: RunRules = field(init=False)

    def __post_init__(self) -> None:
        self.runs = RunRules(self.question, self.rules)
        self.shapes = [s for task, tool in self.earlier for s in result_shapes(task, tool)]
        if self.strict:
            # A pronoun makes what is said of one tool hold for others: `the capital of Peru and its currency`.
            self.governed = [] if points_back(self.question) else governed(self.question, self.tools)
            self.owed = duties(self.question, self.tools, self.earlier)

    def text(self, may_join: bool) -> str | None:
        only = self.owed.tools
        calls = [
            call
            for i, tool in enumerate(self.tools)
            if (not only or tool.name in only) and (call := self._call(i, tool)) is not None
        ]
        if may_join and not (calls and self.owed.open):
            calls.append(terminal("join()"))
        if not calls:
            return None
        root = f'root ::= " " ({" | ".join(calls)}) "\\n"'
        return "\n".join([root, *(f"{k} ::= {v}" for k, v in self.rules.items())]) + "\n"

    @property
    def _counting(self) -> frozenset[str]:
        """The words of the operation that the question wants, where there is a tool for it: for no other tool."""
        formulas = self.strict and any(is_formula(p) for t in self.tools for p in t.params)
        return OPERATION_WORDS if formulas and wants_operation(self.question) else frozenset()

    def _rule(self, name: str, body: str) -> str:
        self.rules.setdefault(name, body)
        return name

    def _call(self, index: int, tool: Tool) -> str | None:
        shown = shown_parameters(tool, self.question)
        if not shown:
            made = any(task.tool == tool.name for task, _ in self.earlier)
            return None if made else terminal(f"{tool.name}()")
        about = about_tool(tool, self.tools) | self._counting if self.strict else frozenset[str]()
        parts_: list[str] = []
        optional: list[str] = []
        # A call of one argument is the same call when that argument is: its run is left out.
        taken = self._taken(tool, shown[0].name) if len(shown) == 1 else frozenset[str]()
        barred = self._foreign(tool) | self.runs.standing(taken)
        wants = [Want(p.name, taken, barred, about, self.owed.refer) for p in shown]
        if _takes_two_texts(tool, shown):
            two = self._two_texts(index, wants)
            return two and self._rule(f"call{index}", f'{terminal(f"{tool.name}(")} {two} ")"')
        pair = self._measured(index, tool, shown, about)
        if pair is None and self.strict and unit_parameters(tool) is not None:
            return None
        for k, (p, want) in enumerate(zip(shown, wants, strict=True)):
            if pair and k in pair:
                body: str | None = pair[k]
            else:
                body = self._value(f"t{index}p{k}", p.schema, tool.defs, want, 0)
            if p.required and body is None:
                return None
            if p.required and body:
                parts_.append((terminal(", ") + " " if parts_ else "") + body)
            elif body:
                optional.append(f"{terminal((', ' if parts_ else '') + p.name + '=')} {body}")
        if optional:
            # With nothing before them, only one can be given: a comma would need to know of the others.
            parts_ += [f"({o})?" for o in optional] if parts_ else [f"({' | '.join(optional)})?"]
        return self._rule(f"call{index}", " ".join([terminal(f"{tool.name}("), *parts_, terminal(")")]))

    def _taken(self, tool: Tool, name: str) -> frozenset[str]:
        given = [t.args.get(name, t.args.get("0")) for t, _ in self.earlier if t.tool == tool.name]
        return frozenset(str(v).casefold() for v in given)

    def _foreign(self, tool: Tool) -> frozenset[int]:
        """The words that are for other tools; where a call is owed, all but those it is owed for."""
        if self.owed.words:
            return frozenset(range(len(self.question.words))) - self.owed.words
        others = [g for g in self.governed if tool.name not in g.owners and g.words]
        barred = {i for g in others for i in range(g.noun, g.words[-1] + 1)}
        if self.strict and unit_parameters(tool) is None and (measured := quantities(self.question)):
            # `5 miles to feet` names nothing that could be looked up.
            barred.update(start for _, (start, _count) in measured)
            barred.update(targets(self.question))
        if self._counting or quantities(self.question):
            barred.update(i for i, w in enumerate(self.question.words) if NUMBER.fullmatch(w.text))
        return frozenset(barred)

    # -- values --------------------------------------------------------------

    def _value(self, name: str, schema: Any, defs: Mapping[str, Any], want: Want, depth: int) -> str | None:
        schema = resolve(schema, defs) if isinstance(schema, Mapping) else {}
        if "const" in schema:
            return terminal(plan_literal(schema["const"]))
        if isinstance(schema.get("enum"), list):
            values = [plan_literal(v) for v in schema["enum"][:64] if str(v).casefold() not in want.taken]
            return choice(values) if values else None
        for key in ("anyOf", "oneOf", "allOf"):
            options = schema.get(key)
            if (
                isinstance(options, list)
                and options
                and (key != "allOf" or len(options) == 1)
                and depth <= _MAX_DEPTH
            ):
                # None is what leaving an argument out means already.
                real = [s for s in options[:6] if kinds_of(s, defs) != {"null"}]
                bodies = [self._value(f"{name}u{i}", s, defs, want, depth + 1) for i, s in enumerate(real)]
                some = list(dict.fromkeys(b for b in bodies if b is not None))
                return f"({' | '.join(some)})" if some else None
        wanted = kinds_of(schema, defs)
        found: list[str | None] = []
        if (not wanted or "string" in wanted) and is_formula(want.label):
            found.append(self._formula())
        else:
            found.append(self._references(name, wanted, want))
            if (not wanted or "string" in wanted) and not (want.refer and found[-1]):
                found.append(self.runs.text(want))
        if not wanted or wanted & NUMERIC:
            found.append(self._number(schema, wanted, want))
        if "boolean" in wanted:
            found.append('("true" | "false")')
        if "array" in wanted:
            found.append(self._list(name, schema, defs, want, depth))
        if "object" in wanted:
            found.append(self._object(name, schema, defs, want, depth))
        some = [f for f in found if f is not None]
        return self._rule(name, " | ".join(some)) if some else None

    def _references(self, name: str, wanted: frozenset[str], want: Want) -> str | None:
        fitting = [s for s in self.shapes if s.fits(wanted) and f"${s.text}" not in want.taken]
        if not wanted:
            fitting = [s for s in fitting if not s.field]
        chosen = (
            self._text_references(want) if wanted == TEXT else self._named(fitting, want.label)[:_MAX_REFS]
        )
        return self._rule(f"{name}r", " | ".join(terminal(f"${s.text}") for s in chosen)) if chosen else None

    def _text_references(self, want: Want) -> list[Shape]:
        # A result whose type is not known is hardly the name of a thing, nor is a field nobody speaks of.
        texts = [s for s in self.shapes if s.kinds and s.fits(TEXT) and f"${s.text}" not in want.taken]
        if want.refer:
            return [s for s in texts if s.task in want.refer and not s.field][:_MAX_REFS]
        if self.strict and not points_back(self.question):
            return []
        return [
            s for s in texts if not s.field or s.field == want.label or speaks_of(self.question, s.field)
        ][:_MAX_REFS]

    def _named(self, shapes: list[Shape], label: str) -> list[Shape]:
        """Of records, the fields that the question names or that are called like the parameter; else all."""
        named = [s for s in shapes if not s.field or s.field == label or speaks_of(self.question, s.field)]
        return named or shapes

    def _number(self, schema: Mapping[str, Any], wanted: frozenset[str], want: Want) -> str | None:
        whole = "integer" in wanted and "number" not in wanted
        low, high = (
            _bound(schema, "minimum", "exclusiveMinimum"),
            _bound(schema, "maximum", "exclusiveMaximum"),
        )
        numbers = [
            n
            for n in self.question.numbers
            if not (whole and "." in n) and n not in want.taken
            if (low is None or float(n) >= low) and (high is None or float(n) <= high)
        ]
        if numbers:
            return choice(numbers)
        if not wanted or self.strict or any(s.kinds and s.fits(wanted) for s in self.shapes):
            return None  # a number from nowhere is worse than another tool
        return '("-"? [0-9]{1,9})' if whole else '("-"? [0-9]{1,9} ("." [0-9]{1,6})?)'

    def _measured(
        self, index: int, tool: Tool, shown: Sequence[Parameter], about: frozenset[str]
    ) -> dict[int, str] | None:
        """A number, its unit and the unit wanted as one choice: `5, "miles", "km"`. By position of the parameters."""
        k = unit_parameters(tool)
        if k is None or [p.name for p in shown] != list(tool.params)[: len(shown)] or len(shown) < k + 3:
            return None
        converted = {text for task in conversions(self.earlier) for text in texts_of(task)}
        pairs: list[tuple[str, frozenset[int]]] = []
        for n, (start, count) in quantities(self.question):
            run = self.question.run(start, count) or ""
            if run.casefold() not in converted:
                pairs.append((f'{n}, "{inside(run)}"', frozenset(range(start, start + count))))
        for s in self.shapes:
            base = s.text.partition(".")[0]
            units = [u for u in self.shapes if u.text.startswith(base + ".") and "unit" in parts(u.field)]
            if s.field and s.kinds & NUMERIC and units:
                pairs.append((f"${s.text}, ${units[0].text}", frozenset()))
            elif s.field and s.kinds & NUMERIC and is_unit(s.field):
                pairs.append((f'${s.text}, "{s.field}"', frozenset()))
        choices = []
        # Units are wanted in the order in which they are said.
        next_unit = open_targets(self.question, self.earlier)[:1]
        wanted = [f'"{inside(self.question.words[i].text)}"' for i in next_unit]
        # Neither a number nor a name is a unit, unless it is one (Celsius).
        other = frozenset(
            i
            for i, w in enumerate(self.question.words)
            if NUMBER.match(w.text) or (w.named and not is_unit(w.lower) and self.strict)
        )
        for text, barred in pairs:
            want = Want(shown[k + 2].name, barred=barred | other, about=about)
            to = choice(wanted) if wanted else self.runs.text(want, _UNIT_WORDS)
            if to is not None:
                choices.append(f"{terminal(text + ', ')} {to}")
        return {k: self._rule(f"t{index}m", " | ".join(choices)), k + 1: "", k + 2: ""} if choices else None

    def _two_texts(self, index: int, wants: Sequence[Want]) -> str | None:
        """Two texts that are not both the same reference: a place is no distance away from itself."""
        refs = [f"${s.text}" for s in self._text_references(wants[0])]
        first, second = (self.runs.text(w) for w in wants)
        given = choice(refs) if refs else None
        options = [terminal(f"{a}, {b}") for a in refs for b in refs if a != b]
        pairs = [(first, given), (given, second)] + ([] if wants[0].refer and refs else [(first, second)])
        options += [f'{a} ", " {b}' for a, b in pairs if a and b]
        return self._rule(f"t{index}two", " | ".join(options)) if options else None

    def _formula(self) -> str | None:
        """A formula over what no formula has used yet, so that a plan can not calculate on and on."""
        if self.strict and not wants_operation(self.question):
            return None
        names = {t.name for t in self.tools if any(map(is_formula, t.params))}
        done = [t for t, _ in self.earlier if t.tool in names]
        used = {d for t in done for d in t.depends_on}
        numeric = self._named([s for s in self.shapes if s.kinds and s.fits(NUMERIC)], "")
        refs = [Atom(f"${{{s.text}}}" if s.field else f"${s.text}") for s in numeric if s.task not in used]
        numbers = unused(number_atoms(self.question), done)
        return formula_rule(self.question, [*numbers, *refs[:_MAX_REFS]], self.rules)

    def _list(
        self, name: str, schema: Mapping[str, Any], defs: Mapping[str, Any], want: Want, depth: int
    ) -> str | None:
        if depth >= _MAX_DEPTH:
            return terminal("[]")
        item = self._value(f"{name}i", schema.get("items", {}), defs, want, depth + 1)
        return None if item is None else f'"[" {item} (", " {item}){{0,{_MAX_ITEMS - 1}}} "]"'

    def _object(
        self, name: str, schema: Mapping[str, Any], defs: Mapping[str, Any], want: Want, depth: int
    ) -> str | None:
        properties = schema.get("properties")
        needed = set(schema.get("required", ()))
        if not isinstance(properties, Mapping) or depth >= _MAX_DEPTH:
            return None if needed else terminal("{}")
        keys = [k for k in properties if k in needed]
        keys += [k for k in properties if k not in needed and speaks_of(self.question, k)]
        fields: list[str] = []
        for i, key in enumerate(keys[:24]):
            inner = Want(key, about=want.about)
            body = self._value(f"{name}o{i}", properties[key], defs, inner, depth + 1)
            if body is None and key in needed:
                return None
            if body is not None:
                fields.append(
                    f"{terminal((', ' if fields else '') + json.dumps(key, ensure_ascii=False) + ': ')} {body}"
                )
        return " ".join(['"{"', *fields, '"}"'])


def _takes_two_texts(tool: Tool, shown: Sequence[Parameter]) -> bool:
    return len(shown) == 2 and all(
        p.required
        and kinds_of(p.schema, tool.defs) == TEXT
        and not is_formula(p.name)
        and not {"enum", "const"} & resolve(p.schema, tool.defs).keys()
        for p in shown
    )


def _bound(schema: Mapping[str, Any], *keys: str) -> float | None:
    for key in keys:
        value = schema.get(key)
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            return float(value)
    return None
