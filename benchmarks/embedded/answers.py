"""What a right answer says, computed from the values of the accepted plan, so that it follows the tools' data."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

from llmcompiler._jsonable import to_jsonable

_CLOCK = re.compile(r"(\d\d):(\d\d)")
_NUMBER = re.compile(r"-?\d[\d,]*(?:\.\d+)?(?:e[+-]?\d+)?", re.IGNORECASE)


def right_answer(
    text: str, spec: Mapping[str, Any], labels: Sequence[str], values: Sequence[Any], question: str
) -> bool:
    """Whether `text` says what the values of the accepted plan say.

    Args:
        text: The answer.
        spec: How the values make the answer: `kind`, and `field` for records.
        labels: Whose the values are, e.g. the cities.
        values: Values of the accepted plan's tasks that nothing depends on, in order.
        question: What was asked.
    """
    kind = spec["kind"]
    fields = spec.get("field")
    names = spec.get("names", labels)
    shown = [_field(v, fields, i) for i, v in enumerate(values)]
    numbers = [v for v in shown if isinstance(v, (int, float)) and not isinstance(v, bool)]
    if kind == "max":
        return _starts(text, names[numbers.index(max(numbers))])
    if kind == "min":
        return _starts(text, names[numbers.index(min(numbers))])
    if kind == "yes":
        return _starts(text, "yes" if numbers[0] > numbers[1] else "no")
    if kind == "same":
        return _starts(text, "yes" if len({str(v) for v in shown}) == 1 else "no")
    if kind == "order":
        ranked = [names[i] for i in sorted(range(len(numbers)), key=lambda i: -numbers[i])]
        places = [text.casefold().find(n.casefold()) for n in ranked]
        return all(p >= 0 for p in places) and places == sorted(places)
    if kind == "each":
        return all(_holds(text, v) for v in shown)
    expected = {
        "value": lambda: shown[-1],
        "total": lambda: numbers[-1] if len(numbers) == 1 else sum(numbers),
        "average": lambda: numbers[-1] if len(numbers) == 1 else sum(numbers) / len(numbers),
        "difference": lambda: abs(numbers[0] - numbers[1]),
        "ratio": lambda: numbers[-1] if len(numbers) == 1 else numbers[0] / numbers[1],
    }[kind]()
    return _holds(text, expected)


def _field(value: Any, fields: Any, position: int) -> Any:
    record = to_jsonable(value)
    if not isinstance(record, Mapping):
        return record
    names = [fields] if isinstance(fields, str) else list(fields or ())
    found = [record[n] for n in names if n in record]
    return found[0] if found else record


def _starts(text: str, name: str) -> bool:
    return re.match(rf"\W*(?:the\s+)?{re.escape(name.casefold())}\b", text.casefold()) is not None


def _holds(text: str, value: Any) -> bool:
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        found = [float(m.replace(",", "")) for m in _NUMBER.findall(text)]
        return any(math.isclose(f, value, rel_tol=0.002, abs_tol=1e-9) for f in found)
    if isinstance(value, str) and (clock := _CLOCK.fullmatch(value)):
        wanted = int(clock[1]) * 60 + int(clock[2])
        # The answer was made some moments before what it is held against.
        return any((wanted - int(m[1]) * 60 - int(m[2])) % 1440 <= 2 for m in _CLOCK.finditer(text))
    return str(value).casefold() in text.casefold()
