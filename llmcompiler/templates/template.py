"""A plan with holes, and the form of the questions it answers: an example, and the places where it may vary.

Making one of a plan is the business of `generalize`. Nothing here asks a model or runs a tool.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from ..errors import PlanError, UsageError
from ..findings import short
from ..plan import Plan
from .atoms import Atom, atoms, form
from .holes import Hole
from .matching import match, pattern
from .places import Use, replaced, value_at

if TYPE_CHECKING:
    from ..tools import Tool, ToolRegistry


@dataclass(frozen=True, slots=True)
class ToolMark:
    """What a template remembers of a tool that its plan calls."""

    signature: str
    digest: str
    """Of the schemas of its arguments and its result, without descriptions."""


def mark(tool: Tool) -> ToolMark:
    """What to remember of a tool: it changes whenever the schema of its arguments or of its result does."""
    shown = {"parameters": tool.parameters, "returns": tool.returns}
    text = json.dumps(_bare(shown), sort_keys=True, default=repr)
    return ToolMark(tool.signature, hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32])


def _bare(schema: Any, *, names: bool = False) -> Any:
    """A schema without its texts. In `names`, the keys are names of fields."""
    if isinstance(schema, Mapping):
        inside = ("properties", "$defs", "definitions")
        return {
            str(k): _bare(v, names=not names and k in inside)
            for k, v in schema.items()
            if names or k not in ("description", "title", "examples")
        }
    return [_bare(v) for v in schema] if isinstance(schema, (list, tuple)) else schema


@dataclass(frozen=True)
class PlanTemplate:
    r"""A plan with holes. Make it with `Plan.generalize`.

    ```python
    from llmcompiler import Plan

    plan = Plan.parse('1. height(of="Everest")\n2. height(of="Denali")\njoin()')
    template = plan.generalize("Is Everest higher than Denali?")
    assert template.match("Is Aconcagua higher than Elbrus?") == {"of": "Aconcagua", "of_2": "Elbrus"}
    assert template.match("Is Aconcagua older than Elbrus?") is None
    assert template.fill({"of": "Aconcagua", "of_2": "Elbrus"})[2].args == {"of": "Elbrus"}
    ```
    """

    question: str
    """The question the plan answers; empty where there was none."""
    plan: Plan
    """The plan for that question, without thoughts."""
    holes: tuple[Hole, ...] = ()
    tools: Mapping[str, ToolMark] = field(default_factory=dict)
    """The tools it calls, by name; empty where they were not known."""

    @cached_property
    def _atoms(self) -> list[Any] | None:
        return atoms(self.question) if self.question else None

    @cached_property
    def _pattern(self) -> list[Any]:
        return pattern(self._atoms or (), self.holes)

    @property
    def can_match(self) -> bool:
        """Whether a question can fill it: every hole stands in its own."""
        return bool(self._atoms) and all(hole.at for hole in self.holes)

    @property
    def form(self) -> str:
        """A text that all questions it can match have in common; empty where there is none."""
        if not self.can_match or any(hole.kind in ("choice", "words") for hole in self.holes):
            return ""
        return form(self._atoms or ())

    @property
    def form_text(self) -> str:
        """The question with the names of its holes in braces."""
        return self.ask({h.name: f"{{{h.name}}}" for h in self.holes})

    # -- filling --------------------------------------------------------------------------

    def match(self, question: str) -> dict[str, Any] | None:
        """What fills the holes, by name, where the question is of the same form; else None.

        Every word outside the holes must be the same (but for the case of the first word of a sentence, white space
        and the stop at the end), and what fills a hole must be of its kind. Where a question could be read in several
        ways, it is not matched.
        """
        found = self.reading(question)
        return None if isinstance(found, str) else found

    def reading(self, question: str) -> dict[str, Any] | str:
        """As `match`; where nothing matches, why."""
        found = atoms(question)
        return "too long" if found is None else self.read(found)

    def read(self, found: Sequence[Atom]) -> dict[str, Any] | str:
        """As `reading`, of a question that is cut into atoms already."""
        return (
            match(self._pattern, found, self.holes) if self.can_match else "a hole that stands in no question"
        )

    def fill(self, values: Mapping[str, Any], tools: Iterable[Any] | ToolRegistry | None = None) -> Plan:
        """The plan with these values in its holes. They are literals: a `$1` in one of them is no reference.

        Args:
            values: By name of the hole.
            tools: With tools, they must be those that the template was made for, and the plan is checked against them.

        Raises:
            UsageError: A hole has no value or one of another kind, there is no such hole, or a tool is not there or
                has changed.
            PlanError: A value does not fit its parameter.
        """
        missing = [h.name for h in self.holes if h.name not in values]
        unknown = sorted(map(str, values.keys() - {h.name for h in self.holes}))
        if missing or unknown:
            has = ", ".join(map(str, self.holes)) or "none"
            what = f"no value for {_names(missing)}" if missing else f"no hole {_names(unknown)}"
            raise UsageError(f"the template: {what}; its holes are: {has}")
        given = {hole.name: hole.checked(values[hole.name]) for hole in self.holes}
        plan = replaced(self.plan, [(u, _as(self, u, given[h.name])) for h in self.holes for u in h.uses])
        if tools is None:
            return plan
        from ..check import check_plan
        from ..tools import ToolRegistry

        registry = tools if isinstance(tools, ToolRegistry) else ToolRegistry(tools)
        self.check(registry)
        return check_plan(plan, registry)

    def ask(self, values: Mapping[str, Any]) -> str:
        """The question with these values in its holes; empty where there is none."""
        out, at = [], 0
        found = self._atoms or []
        places = sorted((first, end, h.name) for h in self.holes for first, end in h.at)
        for first, end, name in places:
            quoted = found[first].kind == "quoted"
            out += [self.question[at : found[first].start + quoted], str(values[name])]
            at = found[end - 1].end - quoted
        return "".join([*out, self.question[at:]])

    def check(self, tools: Mapping[str, Tool]) -> None:
        """Make sure that the tools are those it was made for.

        Raises:
            UsageError: One is not there or has another schema.
        """
        if problem := self.changed(tools):
            raise UsageError(f"the template does not fit the tools: {problem}; make it anew")

    def changed(self, tools: Mapping[str, Tool]) -> str:
        """Which tool is not there or has another schema than when it was made; empty where none."""
        for name, known in self.tools.items():
            if name not in tools:
                return f"there is no tool `{name}`"
            now = mark(tools[name])
            if now.digest != known.digest:
                was = known.signature if known.signature != now.signature else "another schema"
                return f"`{now.signature}` was {was}"
        return ""

    # -- forms ------------------------------------------------------------------------------

    @property
    def identity(self) -> tuple[str, str]:
        """The form of the question, with the kinds of its holes, and the plan without what was in them.

        Templates of equal questions have one form; where their plans differ as well, the planner changed its mind.
        """
        words = []
        for item in self._pattern:
            if isinstance(item, Hole):
                words.append(f"<{item.kind}>")
            else:
                words.append(item.text.casefold() if item.first else item.text)
        return "\x1f".join(words), self._marked

    @property
    def _marked(self) -> str:
        shown = {h.name: f"\ue000{i}\ue001" for i, h in enumerate(self.holes)}
        return str(replaced(self.plan, [(u, shown[h.name]) for h in self.holes for u in h.uses]))

    def __str__(self) -> str:
        """The form of the question and the plan, with holes in braces."""
        plan = self._marked
        if self.holes:
            names = [f"{{{h.name}}}" for h in self.holes]
            mark = r"\\ue000(\d{1,9})\\ue001"  # a text of the plan may hold such a mark of its own
            plan = re.sub(
                f'"{mark}"|{mark}',
                lambda m: names[i] if (i := int(m[1] or m[2])) < len(names) else m[0],
                plan,
            )
        return "\n".join(line for line in (self.form_text, plan) if line)

    def model_dump(self) -> dict[str, Any]:
        """The JSON form as Python values; `model_validate` gives an equal template."""
        from .stored import dump

        return dump(self)

    def model_dump_json(self, *, indent: int | None = None) -> str:
        """The JSON form as text, in ASCII."""
        return json.dumps(self.model_dump(), indent=indent)

    @classmethod
    def model_validate(cls, data: Any) -> PlanTemplate:
        """A template from its JSON form.

        Raises:
            UsageError: `data` is not the JSON form of a template, or of a later version.
        """
        from .stored import load

        return load(data)

    @classmethod
    def model_validate_json(cls, text: str | bytes) -> PlanTemplate:
        """A template from JSON text.

        Raises:
            UsageError: The text is not JSON, or not the JSON form of a template.
        """
        try:
            data = json.loads(text)
        except (ValueError, RecursionError) as e:
            raise UsageError(f"this is no plan template: not JSON ({short(str(e))})") from None
        return cls.model_validate(data)

    def verified(self) -> PlanTemplate:
        """Itself, if it is whole: its own question fills its holes, and filled with its examples it is its own plan.

        Raises:
            UsageError: It is not.
        """
        examples = {h.name: h.example for h in self.holes}
        try:
            for hole in self.holes:
                for use in hole.uses:
                    there = value_at(self.plan, use)
                    if use.start is not None and there != str(hole.example):
                        raise LookupError(f"`{hole.name}` is not at {use.path!r}")
            same = self.fill(examples) == replaced(self.plan, ())
            own = not self.can_match or self.match(self.question) == examples
        except (LookupError, TypeError, ValueError, PlanError) as e:
            raise UsageError(f"this is no plan template: {short(str(e))}") from None
        if not same or not own:
            raise UsageError("this is no plan template: its holes are not where its examples are")
        return self


def _as(template: PlanTemplate, use: Use, value: Any) -> Any:
    """A value as it has to stand at a place: a number where one was, a text where one was."""
    if use.start is not None or not isinstance(value, (int, float)) or isinstance(value, bool):
        return value
    there = value_at(template.plan, use)
    if isinstance(there, str):
        return str(value)
    return float(value) if isinstance(there, float) and abs(value) < 2**53 else value


def _names(names: list[str]) -> str:
    return ", ".join(f"`{n}`" for n in names)


__all__ = ["PlanTemplate", "ToolMark", "mark"]
