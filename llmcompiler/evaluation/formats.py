"""Files of records: JSONL, JSON and CSV read into plain objects, each with its place. What a field means is elsewhere.

Every record knows where it stands, so that what is wrong with it can be told by file, line and field.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from ..errors import UsageError

LARGEST = 512 * 2**20
"""Bytes of a file that are read; what has no end is refused instead of filling the memory."""
_LISTS = ("questions", "examples", "data", "items", "rows")
"""Where a JSON document keeps its list, if it is an object."""


class DatasetError(UsageError):
    """A data set can not be used.

    The text names file, line and field, and `.line` (from 1; None for the whole file) and `.field` hold them.
    """

    def __init__(
        self, path: str, problem: str, *, line: int | None = None, field: str | None = None, column: int = 0
    ) -> None:
        self.path = path
        self.line = line
        self.field = field
        self.problem = problem
        place = path if line is None else f"{path}:{line}:{column}" if column else f"{path}:{line}"
        super().__init__(f"{place}: {f'field `{field}`: ' if field else ''}{problem}")


@dataclass(frozen=True, slots=True)
class Raw:
    """One record as it stands in a file."""

    fields: Mapping[str, Any]
    line: int | None
    """Its first line, from 1; None where only its position is known."""
    number: int
    """Its position, from 1."""
    text_only: bool = False
    """Whether every value is a text because the format knows nothing else."""


def read_records(path: Path) -> Iterator[Raw]:
    """The records of a file, by the end of its name: `.jsonl` (or `.ndjson`), `.json`, `.csv`, `.tsv`.

    Raises:
        DatasetError: There is no such file, it is none of these, or a record is broken.
    """
    name = str(path)
    kind = path.suffix.lower()
    readers = {
        ".jsonl": _jsonl,
        ".ndjson": _jsonl,
        ".json": _json,
        ".csv": _csv,
        ".tsv": _csv,
    }
    if kind not in readers:
        raise DatasetError(name, "its kind is told by the end of its name: .jsonl, .json, .csv or .tsv")
    yield from readers[kind](_text(path), name)


def _text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            data = file.read(LARGEST + 1)
    except FileNotFoundError:
        raise DatasetError(str(path), "there is no such file") from None
    except (OSError, ValueError) as e:
        raise DatasetError(str(path), f"can not be read ({getattr(e, 'strerror', None) or e})") from None
    if len(data) > LARGEST:
        raise DatasetError(str(path), f"more than {LARGEST // 2**20} MiB; is it the right file?")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as e:
        line = data.count(b"\n", 0, e.start) + 1
        column = e.start - data.rfind(b"\n", 0, e.start)
        raise DatasetError(str(path), "not UTF-8 text; save it as UTF-8", line=line, column=column) from None


def _jsonl(text: str, name: str) -> Iterator[Raw]:
    number = 0
    # Not splitlines(): a JSON text may hold line separators of other kinds.
    for line, row in enumerate(text.split("\n"), 1):
        if not row.strip():
            continue
        number += 1
        try:
            found = parse_json(row)
        except json.JSONDecodeError as e:
            raise DatasetError(name, f"not JSON: {e.msg}", line=line, column=e.colno) from None
        except (ValueError, RecursionError) as e:
            raise DatasetError(name, f"not JSON: {_why(e)}", line=line) from None
        yield Raw(_object(found, name, line, number), line, number)


def _json(text: str, name: str) -> Iterator[Raw]:
    try:
        document = parse_json(text)
    except json.JSONDecodeError as e:
        hint = "; for one object a line, name the file .jsonl" if e.msg == "Extra data" else ""
        raise DatasetError(name, f"not JSON: {e.msg}{hint}", line=e.lineno, column=e.colno) from None
    except (ValueError, RecursionError) as e:
        raise DatasetError(name, f"not JSON: {_why(e)}") from None
    if isinstance(document, dict):
        lists = [document[k] for k in _LISTS if isinstance(document.get(k), list)]
        if len(lists) != 1:
            raise DatasetError(name, f"give a list of questions, or an object with one under {_LISTS[0]!r}")
        document = lists[0]
    if not isinstance(document, list):
        raise DatasetError(name, f"a list of questions is expected, not {kind_of(document)}")
    for number, found in enumerate(document, 1):
        yield Raw(_object(found, name, None, number), None, number)


def parse_json(text: str) -> Any:
    """A JSON text as standards have it: no `NaN`, and no key twice in one object.

    Raises:
        ValueError: It is none.
    """

    def refuse(word: str) -> NoReturn:
        raise ValueError(f"{word} is no JSON number")

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        made = dict(pairs)
        if len(made) < len(pairs):
            seen: set[str] = set()
            twice = next(k for k, _ in pairs if k in seen or seen.add(k))  # type: ignore[func-returns-value]
            raise ValueError(f"{twice!r} stands twice in one object")
        return made

    return json.loads(text, parse_constant=refuse, object_pairs_hook=once)


def _why(error: BaseException) -> str:
    return "nested too deeply" if isinstance(error, RecursionError) else str(error)


def _object(found: Any, name: str, line: int | None, number: int) -> Mapping[str, Any]:
    if isinstance(found, dict):
        return found
    where = "" if line is not None else f"record {number}: "
    raise DatasetError(name, f"{where}an object is expected, not {kind_of(found)}", line=line)


def _csv(text: str, name: str) -> Iterator[Raw]:
    csv.field_size_limit(LARGEST)
    head = text.split("\n", 1)[0]
    separator = "\t" if name.lower().endswith(".tsv") else max(",;\t", key=head.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    try:
        names = [n.strip() for n in next(reader, [])]
        if len(set(names)) < len(names):
            twice = next(n for n in names if names.count(n) > 1)
            raise DatasetError(name, "this column stands twice in the header", line=1, field=twice)
        number, line = 0, reader.line_num + 1
        for row in reader:
            if any(cell.strip() for cell in row):
                number += 1
                if len(row) != len(names):
                    raise DatasetError(
                        name,
                        f"{len(row)} columns, and the header has {len(names)}; quote what holds {separator!r}",
                        line=line,
                    )
                # An empty cell is no value: CSV has no other way to say so.
                cells = {k: v for k, v in zip(names, row, strict=True) if k and v.strip()}
                yield Raw(cells, line, number, text_only=True)
            line = reader.line_num + 1
    except csv.Error as e:
        raise DatasetError(name, f"not CSV: {e}", line=reader.line_num or 1) from None


def kind_of(value: Any) -> str:
    """What a value is, in words."""
    if value is None:
        return "nothing (null)"
    names = {bool: "true or false", int: "a number", float: "a number", str: "a text", list: "a list"}
    return names.get(type(value), "an object" if isinstance(value, dict) else f"a {type(value).__name__}")
