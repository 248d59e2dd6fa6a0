"""Questions with their reference answers: what a record of a data set means, and which of them are asked.

A record has `question`, and `answer`, `answers` or `range`; it may have `id`, `family`, `plan` and `calls`.
"""

from __future__ import annotations

import hashlib
import json
import math
import random
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .formats import DatasetError, Raw, kind_of, parse_json, read_records

FIELDS = ("question", "answer", "answers", "range", "id", "family", "plan", "calls")
_ALIASES = {"family": ("branch", "level")}
"""Names that published sets use, taken where the usual name is not there."""


@dataclass(frozen=True, slots=True)
class ExpectedCall:
    """A call that an answer should have needed. Only arguments named here are compared."""

    tool: str
    args: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Example:
    """One question and what a right answer to it is."""

    id: str
    question: str
    answers: tuple[Any, ...] = ()
    """Right answers, any of which will do: texts, numbers, lists, objects. Empty where there is a `range`."""
    range: tuple[float, float] | None = None
    """A right answer is a number from the first to the second."""
    family: str = ""
    """Questions of a family are reported together."""
    plans: tuple[str, ...] = ()
    """Right plans, any of which will do, as plan text."""
    calls: tuple[ExpectedCall, ...] = ()
    """Calls that have to be made."""
    line: int | None = None
    """Where it stands in its file, from 1."""

    @property
    def has_answer(self) -> bool:
        """Whether it says what a right answer is."""
        return bool(self.answers) or self.range is not None

    @property
    def reference(self) -> str:
        """The right answer in words, for people and for judges."""
        if self.range is not None:
            return f"a number from {self.range[0]:g} to {self.range[1]:g}"
        return " or ".join(
            a if isinstance(a, str) else json.dumps(a, ensure_ascii=False) for a in self.answers
        )


@dataclass(frozen=True, slots=True)
class Dataset:
    """Questions, in order.

    ```python
    from llmcompiler.evaluation import Dataset

    dataset = Dataset.of([{"question": "2 + 2?", "answer": 4}, {"question": "Capital of Peru?", "answer": "Lima"}])
    assert [e.id for e in dataset] == ["1", "2"]
    ```
    """

    examples: tuple[Example, ...]
    name: str = "questions"
    source: str = ""
    """Where it was read, for what is said about it."""

    def __len__(self) -> int:
        return len(self.examples)

    def __iter__(self) -> Iterator[Example]:
        return iter(self.examples)

    @classmethod
    def read(cls, path: str | Path, *, fields: Mapping[str, str] | None = None) -> Dataset:
        """Read a JSONL, JSON, CSV or TSV file.

        Args:
            path: The file; the end of its name tells its kind.
            fields: For fields named otherwise, the name in the file: `{"question": "prompt", "answer": "target"}`.

        Raises:
            DatasetError: The file is not there, or something in it is wrong; the text says where.
        """
        path = Path(path).expanduser()
        return cls(tuple(_examples(read_records(path), str(path), fields or {})), path.stem, str(path))

    @classmethod
    def of(
        cls,
        records: Iterable[Mapping[str, Any]],
        *,
        name: str = "questions",
        fields: Mapping[str, str] | None = None,
    ) -> Dataset:
        """A data set from records in memory, of the same form as in a file.

        Raises:
            DatasetError: A record is wrong.
        """
        raw = (Raw(r, None, n) for n, r in enumerate(records, 1))
        return cls(tuple(_examples(raw, name, fields or {})), name, name)

    @property
    def digest(self) -> str:
        """SHA-256 of everything that makes an answer right; families and places in the file do not count."""
        made = hashlib.sha256()
        for e in self.examples:
            calls = [[c.tool, dict(c.args)] for c in e.calls]
            made.update(
                json.dumps([e.id, e.question, e.answers, e.range, e.plans, calls], default=repr).encode()
                + b"\n"
            )
        return made.hexdigest()

    def sample(self, limit: int | None = None, seed: int | None = None) -> Dataset:
        """The first `limit` questions; with a seed, `limit` of them drawn at random, in the order of the set.

        A larger limit with the same seed gives the same questions and more.
        """
        chosen = list(range(len(self.examples)))
        if seed is not None:
            random.Random(seed).shuffle(chosen)  # noqa: S311 - a sample, not a secret
        kept = sorted(chosen[:limit])
        return Dataset(tuple(self.examples[i] for i in kept), self.name, self.source)


class _Reader:
    """Reads the fields of one record."""

    def __init__(self, raw: Raw, name: str, names: Mapping[str, str]) -> None:
        self.raw = raw
        self.name = name
        self.names = names

    def column(self, field: str) -> str:
        """The name of a field in this record."""
        own = self.names.get(field)
        if own is not None:
            return own
        known = (field, *_ALIASES.get(field, ()))
        return next((n for n in known if self.raw.fields.get(n) is not None), field)

    def get(self, field: str) -> Any:
        return self.raw.fields.get(self.column(field))

    def has(self, field: str) -> bool:
        return self.get(field) is not None

    def fail(self, field: str | None, problem: str) -> DatasetError:
        where = "" if self.raw.line is not None else f"record {self.raw.number}: "
        column = None if field is None else self.column(field)
        text = f"{where}{problem}" if column is None else f"{where}field `{column}`: {problem}"
        made = DatasetError(self.name, text, line=self.raw.line)
        made.field = column
        return made

    def text(self, field: str) -> str:
        value = self.get(field)
        if not isinstance(value, str):
            raise self.fail(field, f"a text is expected, not {kind_of(value)}")
        if not value.strip():
            raise self.fail(field, "is empty")
        return value.strip()

    def parsed(self, field: str) -> Any:
        """A list or object; from CSV, where it is written as JSON."""
        value = self.get(field)
        if not (self.raw.text_only and isinstance(value, str)):
            return value
        if value.lstrip()[:1] not in ("[", "{"):
            return value
        try:
            return parse_json(value)
        except (ValueError, RecursionError) as e:
            raise self.fail(field, f"not JSON: {e}") from None


def _examples(records: Iterable[Raw], name: str, names: Mapping[str, str]) -> Iterator[Example]:
    unknown = sorted(set(names) - set(FIELDS))
    if unknown:
        raise DatasetError(
            name, f"there is no field {unknown[0]!r} to rename; it is one of {', '.join(FIELDS)}"
        )
    seen: dict[str, Raw] = {}
    for raw in records:
        example = _example(_Reader(raw, name, names))
        before = seen.setdefault(example.id, raw)
        if before is not raw:
            place = f"line {before.line}" if before.line is not None else f"record {before.number}"
            reader = _Reader(raw, name, names)
            raise reader.fail("id", f"{example.id!r} was the id of {place} already; ids tell questions apart")
        yield example
    if not seen:
        raise DatasetError(name, "there is no question in it")


def _example(r: _Reader) -> Example:
    if not r.has("question"):
        has = ", ".join(str(k)[:40] for k in list(r.raw.fields)[:12]) or "nothing"
        raise r.fail(
            None,
            f"no `{r.column('question')}`; it has {has} (for another name: --field question=NAME, or fields=)",
        )
    question = r.text("question")
    for field in ("answer", "answers"):
        if field in r.raw.fields and r.column(field) == field and not r.has(field):
            raise r.fail(field, "an answer is expected, not nothing (null)")
    given = [f for f in ("answer", "answers", "range") if r.has(f)]
    if len(given) > 1:
        raise r.fail(None, f"both `{r.column(given[0])}` and `{r.column(given[1])}`; give one")
    return Example(
        id=_id(r),
        question=question,
        answers=_answers(r),
        range=_range(r),
        family=_family(r),
        plans=_plans(r),
        calls=_calls(r),
        line=r.raw.line,
    )


def _id(r: _Reader) -> str:
    value = r.get("id")
    if value is None:
        return str(r.raw.number)
    if isinstance(value, bool) or not isinstance(value, (str, int)):
        raise r.fail("id", f"a text or a whole number is expected, not {kind_of(value)}")
    if not str(value).strip():
        raise r.fail("id", "is empty")
    return str(value).strip()


def _family(r: _Reader) -> str:
    value = r.get("family")
    if value is None:
        return ""
    if isinstance(value, (bool, float)) or not isinstance(value, (str, int)):
        raise r.fail("family", f"a text is expected, not {kind_of(value)}")
    column = r.column("family")
    return f"{column} {value}" if column != "family" and str(value).isdigit() else str(value).strip()


def _answers(r: _Reader) -> tuple[Any, ...]:
    if r.has("answers"):
        found = r.parsed("answers")
        if r.raw.text_only and isinstance(found, str):
            found = [part.strip() for part in found.split("|")]
        if not isinstance(found, list) or not found:
            raise r.fail(
                "answers", f"a list of right answers is expected, not {kind_of(found) if found else 'none'}"
            )
    elif r.has("answer"):
        found = [r.get("answer")]
    else:
        return ()
    field = "answers" if r.has("answers") else "answer"
    for value in found:
        problem = _unusable(value)
        if problem:
            raise r.fail(field, problem)
    return tuple(found)


def _unusable(value: Any) -> str:
    if value is None:
        return "an answer is expected, not nothing (null)"
    if isinstance(value, str):
        return "" if value.strip() else "is empty"
    if isinstance(value, float) and not math.isfinite(value):
        return f"{value} is not a number that can be compared with"
    if isinstance(value, (bool, int, float)):
        return ""
    if isinstance(value, (list, dict)):
        try:
            json.dumps(value, allow_nan=False)
        except (TypeError, ValueError, RecursionError) as e:
            return f"can not be compared with ({e})"
        return ""
    return f"a text, number, list or object is expected, not {kind_of(value)}"


def _range(r: _Reader) -> tuple[float, float] | None:
    if not r.has("range"):
        return None
    found = r.parsed("range")
    if isinstance(found, str):
        found = [_number(p) for p in found.replace("..", " ").replace(";", " ").split()]
    if (
        not isinstance(found, list)
        or len(found) != 2
        or not all(
            isinstance(n, (int, float)) and not isinstance(n, bool) and math.isfinite(n) for n in found
        )
    ):
        raise r.fail("range", "two numbers are expected, as in [10, 12]")
    low, high = float(found[0]), float(found[1])
    if low > high:
        raise r.fail("range", f"{low:g} is above {high:g}; give the smaller number first")
    return low, high


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _plans(r: _Reader) -> tuple[str, ...]:
    if not r.has("plan"):
        return ()
    found = r.parsed("plan")
    plans = [found] if isinstance(found, str) else found
    if not isinstance(plans, list) or not plans or not all(isinstance(p, str) and p.strip() for p in plans):
        raise r.fail("plan", "plan text is expected, or a list of plan texts")
    return tuple(plans)


def _calls(r: _Reader) -> tuple[ExpectedCall, ...]:
    if not r.has("calls"):
        return ()
    found = r.parsed("calls")
    if r.raw.text_only and isinstance(found, str):
        found = [part.strip() for part in found.split("|")]
    if not isinstance(found, Sequence) or isinstance(found, str) or not found:
        raise r.fail("calls", "a list of tool names, or of objects with `tool` and `args`, is expected")
    made = []
    for call in found:
        if isinstance(call, str) and call.strip():
            made.append(ExpectedCall(call.strip(), {}))
        elif (
            isinstance(call, dict)
            and isinstance(call.get("tool"), str)
            and isinstance(call.get("args", {}), dict)
            and not call.keys() - {"tool", "args"}
        ):
            made.append(ExpectedCall(call["tool"], call.get("args", {})))
        else:
            raise r.fail(
                "calls", f"{json.dumps(call)[:80]} is neither a tool's name nor {{'tool': ..., 'args': ...}}"
            )
    return tuple(made)
