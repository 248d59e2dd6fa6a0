"""Results as facts that code can compare: whose they are, what was measured, the number, and how people read it.

Everything comes from the typed values and the calls that made them; no text is guessed at. Sentences are made in
`comparisons`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from llmcompiler._jsonable import to_jsonable, to_text
from llmcompiler.outcomes import Succeeded
from llmcompiler.plan import Task
from llmcompiler.protocols import Observation
from llmcompiler.values import Ref, Template

from .excerpts import one_line, printable
from .phrases import is_formula, is_unit, measured_by, spoken
from .words import Question

_TEXT_LIMIT = 400
_FIELDS = 8
_ENDS = (("origin", "destination"), ("from", "to"), ("start", "end"), ("source", "target"))


@dataclass(frozen=True, slots=True)
class Fact:
    """One result, or one field of it."""

    label: str
    """Whose it is: the texts the call was made with, those that were references resolved."""
    measure: str
    """What it is: the tool's name or the field's, as words."""
    value: Any
    number: float | None
    """The value where it is a finite number."""
    unit: str = ""

    @property
    def shown(self) -> str:
        """The value for people: thousands marked, six digits of a fraction."""
        return show(self.value) + (f" {self.unit}" if self.unit else "")


def show(value: Any) -> str:
    """A value as people read it, on one line; long texts are cut, with a note."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}" if value.bit_length() < 1000 else f"a number of {value.bit_length():,} bits"
    if isinstance(value, float):
        if value.is_integer() and abs(value) < 1e15:
            return f"{int(value):,}"
        return f"{value:,.2f}" if 1000 <= abs(value) < 1e15 else f"{value:.6g}"
    if isinstance(value, (list, tuple)) and all(isinstance(v, (str, int, float)) for v in value):
        return cut(", ".join(show(v) for v in value[:50]) + (", ..." if len(value) > 50 else ""))
    return cut(one_line(printable(to_text(value))))


def cut(text: str) -> str:
    """`text`, cut when long, with a note of how much is left out."""
    left_out = len(text) - _TEXT_LIMIT
    return text if left_out <= 0 else f"{text[:_TEXT_LIMIT]}... [cut: {left_out:,} characters left out]"


def words_of(name: str) -> str:
    """An identifier as words: `atomic_mass` as `atomic mass`."""
    return " ".join(name.replace("_", " ").replace("-", " ").replace(".", " ").split())


def number_of(value: Any) -> float | None:
    """`value` as a finite number; None where it is none."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None


def facts_of(observation: Observation, values: Mapping[int, Any], question: Question) -> list[Fact]:
    """The facts in a result: the value itself, or those fields of a record that the question asks for.

    Where the question asks for no field of a record: its `value` with its `unit`, its only number, or its fields.

    Args:
        observation: One that succeeded.
        values: The values of all tasks that succeeded, by id.
        question: Chooses the fields.
    """
    assert isinstance(observation.outcome, Succeeded)
    task, value = observation.task, observation.outcome.value
    label, tool = label_of(task, values), words_of(task.tool)
    record = value if isinstance(value, (bool, int, float, str, list, tuple)) else to_jsonable(value)
    if not isinstance(record, Mapping):
        return [Fact(label, tool, record, number_of(record))]
    if "value" in record and isinstance(record.get("unit"), str):
        return [Fact(label, tool, record["value"], number_of(record["value"]), record["unit"])]
    known = {str(k): v for k, v in record.items() if not isinstance(v, Mapping) and v is not None and v != ""}
    chosen = [k for k in known if asked_for(question, k)] or _units(known) or _telling(known)
    return [_field(label, tool, k, known[k]) for k in chosen[:_FIELDS]]


def _field(label: str, tool: str, key: str, value: Any) -> Fact:
    if is_unit(key):
        return Fact(label, tool, value, number_of(value), words_of(key))
    return Fact(label, words_of(key), value, number_of(value))


def _units(record: Mapping[str, Any]) -> list[str]:
    units = [k for k, v in record.items() if is_unit(k) and number_of(v) is not None]
    return units[:1]


def _telling(record: Mapping[str, Any]) -> list[str]:
    numbers = [k for k, v in record.items() if number_of(v) is not None]
    return numbers if len(numbers) == 1 else list(record)


def asked_for(question: Question, name: str) -> bool:
    """Whether the question asks for a field or tool of this name: by its words, or by what they measure."""
    return measured_by((w.lower for w in question.words), name)


def label_of(task: Task, values: Mapping[int, Any]) -> str:
    """Whose result it is: the texts of the call, references by what they stood for; `from A to B` for two ends."""
    given = {k: argument_text(v, values) for k, v in task.args.items()}
    for first, second in _ENDS:
        keys = [k for k in given if spoken(k) & {first}] + [k for k in given if spoken(k) & {second}]
        if len(given) == 2 and len(keys) == 2:
            return f"from {given[keys[0]]} to {given[keys[1]]}"
    if len(given) == 3 and sum("unit" in spoken(k) for k in given) == 2:
        return " ".join(list(given.values())[:2])
    return ", ".join(given.values())


def argument_text(value: Any, values: Mapping[int, Any]) -> str:
    """An argument as people read it, references replaced by what they stood for."""
    if isinstance(value, Ref):
        return show(_followed(value, values))
    if isinstance(value, Template):
        return "".join(p if isinstance(p, str) else argument_text(p, values) for p in value.parts)
    if isinstance(value, (list, tuple)):
        return ", ".join(argument_text(v, values) for v in value)
    return value if isinstance(value, str) else show(value)


def _followed(ref: Ref, values: Mapping[int, Any]) -> Any:
    value = values.get(ref.task)
    for step in ref.path:
        plain: Any = value if isinstance(value, (list, tuple, Mapping)) else to_jsonable(value)
        try:
            value = plain[step]
        except (KeyError, IndexError, TypeError):
            return str(ref)
    return value if value is not None else str(ref)


def is_formula_call(task: Task) -> bool:
    """Whether the call computes a formula that it was given as its only argument."""
    return len(task.args) == 1 and all(map(is_formula, task.args))


def in_order_of_question(labels: Sequence[str], question: Question) -> list[int]:
    """The positions of `labels` in the order in which the question names them; those it does not name come last."""
    text = question.text.casefold()
    places = [text.find(label.casefold()) for label in labels]
    return sorted(range(len(labels)), key=lambda i: (places[i] < 0, places[i], i))
