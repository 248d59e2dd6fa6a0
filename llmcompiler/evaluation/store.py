"""The results file: a line of JSON that says what was evaluated, then one for each answer, on disk at once.

What a crash leaves is mended; what belongs to another configuration or data set is never mixed in.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO

import filelock

from .._jsonable import dumps, to_jsonable
from ..errors import LLMCompilerError, UsageError
from .record import Record

FORMAT = 1
_KIND = "llmcompiler evaluation"
_START = f'{{"kind": "{_KIND}"'.encode()
_SHOWN = 3


class ResultsError(UsageError):
    """A results file can not be used; the text says which, why, and the way out."""


@dataclass(frozen=True, slots=True)
class Header:
    """What was evaluated: answers of two evaluations go together only where all of this is the same."""

    dataset: str
    """The data set's name."""
    digest: str
    """Fingerprint of its questions and answers."""
    scorer: str
    configuration: Mapping[str, Any]
    """Model, planner, tools and settings."""
    questions: int = 0
    made: str = ""
    """When it was begun, as ISO 8601."""

    @property
    def settings(self) -> dict[str, Any]:
        """The configuration as JSON has it."""
        return {str(k): to_jsonable(v) for k, v in self.configuration.items()}

    def to_dict(self) -> dict[str, Any]:
        """JSON form."""
        return {
            "kind": _KIND,
            "format": FORMAT,
            "dataset": self.dataset,
            "digest": self.digest,
            "questions": self.questions,
            "scorer": self.scorer,
            "configuration": self.settings,
            "made": self.made,
        }

    def differences(self, other: Header) -> list[str]:
        """What is not the same in `other`, in words."""
        found = []
        if self.digest != other.digest:
            found.append("the data set has changed")
        if self.scorer != other.scorer:
            found.append(f"scorer: {self.scorer} → {other.scorer}")
        old, new = self.settings, other.settings
        changed = [k for k in sorted(old.keys() | new.keys()) if old.get(k) != new.get(k)]
        return [*found, *(f"{k}: {_short(old.get(k))} → {_short(new.get(k))}" for k in changed)]


def _short(value: Any) -> str:
    text = value if isinstance(value, str) else dumps(value)
    return text if len(text) <= 60 else text[:57] + "..."


def read_results(path: str | Path) -> tuple[Header, list[Record]]:
    """Header and records of a results file. Of a question that was answered anew, the later answer counts.

    A last line that was not written to its end is passed over.

    Raises:
        ResultsError: There is no such file, or it is none.
    """
    data = _bytes(Path(path))
    header, records, _ = _parsed(data, str(path))
    if header is None:
        raise ResultsError(f"{path}: holds no results")
    return header, records


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise ResultsError(f"{path}: there is no such file") from None
    except (OSError, ValueError) as e:
        raise ResultsError(f"{path}: can not be read ({getattr(e, 'strerror', None) or e})") from None


def _parsed(data: bytes, name: str) -> tuple[Header | None, list[Record], int]:
    """Header, records, and how many bytes are whole lines."""
    lines = data.split(b"\n")
    torn = lines.pop()
    whole = len(data) - len(torn)
    if not lines:
        # A crash while the first line was written leaves a beginning of it. Anything else is somebody's file.
        if torn and not (_START.startswith(torn) or torn.startswith(_START)):
            raise ResultsError(f"{name}: is not a results file; give another name")
        return None, [], 0
    header = _header(lines[0], name)
    records: dict[tuple[str, int], Record] = {}
    for number, line in enumerate(lines[1:], 2):
        if not line.strip():
            continue
        record = _record(line, name, number)
        records[record.key] = record
    return header, list(records.values()), whole


def _header(line: bytes, name: str) -> Header:
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict) or found.get("kind") != _KIND:
        raise ResultsError(f"{name}: is not a results file; give another name")
    if found.get("format") != FORMAT:
        raise ResultsError(f"{name}: was written by another version of this library; begin a new file")
    texts = [found.get(k) for k in ("dataset", "digest", "scorer")]
    configuration = found.get("configuration")
    if not all(isinstance(t, str) for t in texts) or not isinstance(configuration, dict):
        raise ResultsError(f"{name}:1: the first line is damaged; begin a new file")
    questions = found.get("questions")
    return Header(
        found["dataset"],
        found["digest"],
        found["scorer"],
        configuration,
        questions if isinstance(questions, int) else 0,
        str(found.get("made", "")),
    )


def _record(line: bytes, name: str, number: int) -> Record:
    try:
        found = json.loads(line)
        if not isinstance(found, dict):
            raise ValueError("not an object")
        return Record.from_dict(found)
    except (ValueError, TypeError, RecursionError) as e:
        raise ResultsError(
            f"{name}:{number}: damaged ({e}); take the line out, and its question is asked again"
        ) from None


class Results:
    """A results file that is written to: a context manager. No two processes write to one.

    Args:
        path: The file; None keeps records in memory only.
        header: What is evaluated now.
        anew: Put aside what is there and begin again; the old file stays, with `.old` behind its name.

    Raises:
        ResultsError: On entering: the file belongs to something else, or is being written to.
    """

    def __init__(self, path: str | Path | None, header: Header, *, anew: bool = False) -> None:
        self.path = None if path is None else Path(path)
        self.header = header
        self.records: dict[tuple[str, int], Record] = {}
        self._anew = anew
        self._file: BinaryIO | None = None
        self._lock: filelock.FileLock | None = None

    def __enter__(self) -> Results:
        if self.path is None:
            return self
        try:
            self._acquire(self.path)
            try:
                self._open(self.path)
            except BaseException:
                self._close()
                raise
        except OSError as e:
            raise ResultsError(f"{self.path}: can not be written to ({e.strerror or e})") from None
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close()

    def add(self, record: Record) -> None:
        """Keep a record: when this returns, it is on disk.

        Raises:
            LLMCompilerError: It can not be written.
        """
        self.records[record.key] = record
        if self._file is not None:
            self._write([record.to_dict()])

    def _write(self, rows: Iterable[Mapping[str, Any]]) -> None:
        assert self._file is not None
        try:
            self._file.write(b"".join(dumps(row).encode() + b"\n" for row in rows))
            self._file.flush()
            os.fsync(self._file.fileno())
        except OSError as e:
            raise LLMCompilerError(
                f"{self.path}: can not be written to ({e.strerror or e}); what is in it is kept"
            ) from None

    def _acquire(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._lock = filelock.FileLock(path.with_name(path.name + ".lock"), timeout=0)
        try:
            self._lock.acquire()
        except filelock.Timeout:
            self._lock = None
            raise ResultsError(
                f"{path}: another evaluation is writing to it; wait, or give another file"
            ) from None

    def _open(self, path: Path) -> None:
        if path.exists() and not path.is_file():
            raise ResultsError(f"{path}: is not a file")
        data = path.read_bytes() if path.exists() else b""
        if data and self._anew:
            if not (
                data.startswith(_START) or _START.startswith(data)
            ):  # nobody's file but ours is put aside
                raise ResultsError(f"{path}: is not a results file; give another name")
            path.replace(path.with_name(path.name + ".old"))
            data = b""
        header, records, whole = _parsed(data, str(path))
        if header is not None and (found := header.differences(self.header)):
            more = f", and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
            raise ResultsError(
                f"{path}: holds answers of another evaluation ({'; '.join(found[:_SHOWN])}{more}); "
                "give another file (--out), or begin anew (--anew)"
            )
        self.records = {r.key: r for r in records}
        self._file = path.open("ab")
        if whole < len(data):
            self._file.truncate(whole)
        if header is None:
            self._write([self.header.to_dict()])

    def _close(self) -> None:
        if self._file is not None:
            with contextlib.suppress(OSError):  # said when it was written
                self._file.close()
            self._file = None
        if self._lock is not None:
            with contextlib.suppress(OSError):
                Path(self._lock.lock_file).unlink(missing_ok=True)
            self._lock.release()
            self._lock = None
