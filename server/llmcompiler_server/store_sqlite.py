"""Runs in a SQLite file: there again after a restart. Written by one thread, in batches; the event loop never waits.

What could not be written yet (the disk is full, the file is locked) stays in memory, where readers find it, and is
tried again; runs go on meanwhile.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, fields, replace
from typing import Any, TypeVar

import sqlalchemy as sa
import sqlalchemy.dialects.sqlite
from filelock import FileLock, Timeout

from llmcompiler._jsonable import dumps
from llmcompiler.errors import ConfigurationError
from llmcompiler.sharing.sqlite_file import Resting, SQLiteFile, Unusable

from .live import lost_end
from .problems import Problem
from .records import ENDED, RunRecord, RunStatus, StoredEvent
from .store import INTERRUPTED, Events, IdempotencyKey, KnownKey, Page, Records, page_of, read_cursor

logger = logging.getLogger("llmcompiler.server")
T = TypeVar("T")

AGAIN = 1.0
"""Seconds until a write that failed is tried again."""
_TROUBLE = (sa.exc.SQLAlchemyError, OSError, Unusable, Resting)

_metadata = sa.MetaData()
_runs = sa.Table(
    "runs",
    _metadata,
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("id", sa.Text, nullable=False, unique=True),
    sa.Column("owner", sa.Text, nullable=False),
    sa.Column("status", sa.Text, nullable=False, index=True),
    sa.Column("document", sa.Text, nullable=False),
)
sa.Index("runs_of_owner", _runs.c.owner, _runs.c.number)
_events = sa.Table(
    "events",
    _metadata,
    sa.Column("run", sa.Text, primary_key=True),
    sa.Column("seq", sa.Integer, primary_key=True),
    sa.Column("type", sa.Text, nullable=False),
    sa.Column("data", sa.Text, nullable=False),
    sqlite_with_rowid=False,
)
_keys = sa.Table(
    "keys",
    _metadata,
    sa.Column("owner", sa.Text, primary_key=True),
    sa.Column("key", sa.Text, primary_key=True),
    sa.Column("digest", sa.Text, nullable=False),
    sa.Column("run", sa.Text, nullable=False, index=True),
    sa.Column("expires", sa.Float, nullable=False),
    sqlite_with_rowid=False,
)


@dataclass(slots=True)
class _Batch:
    """What is not written yet."""

    runs: dict[str, tuple[int, RunRecord]] = field(default_factory=dict)
    events: dict[str, list[StoredEvent]] = field(default_factory=dict)
    keys: dict[tuple[str, str], tuple[IdempotencyKey, str, float]] = field(default_factory=dict)
    count: int = 0
    """Of events."""

    def __bool__(self) -> bool:
        return bool(self.runs or self.events or self.keys)

    def under(self, newer: _Batch) -> _Batch:
        """Both, where what is newer counts."""
        events = self.events
        for run_id, more in newer.events.items():
            events.setdefault(run_id, []).extend(more)
        return _Batch(self.runs | newer.runs, events, self.keys | newer.keys, self.count + newer.count)


class _File(SQLiteFile):
    metadata = _metadata
    application = 0x4C4C4352
    schema = 1
    called = "the run store"
    instead = "`memory`"

    def _check_schema(self, db: sa.Connection) -> None:
        version = db.exec_driver_sql("PRAGMA user_version").scalar()
        if (
            db.exec_driver_sql("PRAGMA application_id").scalar() == self.application
            and version != self.schema
        ):
            raise Unusable(f"it was written by another version (schema {version}, here {self.schema})")
        super()._check_schema(db)

    def check(self) -> None:
        with self._writing() as db:
            found = db.exec_driver_sql("PRAGMA quick_check(1)").scalar()
            if found != "ok":
                raise Unusable(f"it is damaged ({found})")

    @contextlib.contextmanager
    def reading(self) -> Iterator[sa.Connection]:
        with self._connected() as db:
            yield db

    @contextlib.contextmanager
    def writing(self) -> Iterator[sa.Connection]:
        with self._writing() as db:
            yield db


class SQLiteRunStore:
    """Runs in a file that one service at a time uses. Only its user may read it (mode 0600).

    Args:
        path: The file; made where it is not there, as are its folders.
        max_runs: Runs that are over and kept, at most; the oldest go first.
        max_unwritten: Events that are held in memory while the file can not be written; those beyond are lost.
        key_seconds: How long an `Idempotency-Key` is remembered, by the clock on the wall.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        max_runs: int = 1_000,
        max_unwritten: int = 200_000,
        key_seconds: float = 86_400.0,
    ) -> None:
        self._file = _File(path)
        self.path = self._file.path
        self.max_runs, self.max_unwritten, self.key_seconds = max_runs, max_unwritten, key_seconds
        self._lock = FileLock(f"{self.path}.lock", timeout=0)
        self._numbers: dict[str, int] = {}
        """Of runs that are not over."""
        self._number = 0
        self._ended = 0
        self._waiting, self._writing = _Batch(), _Batch()
        self._tried = asyncio.Event()
        """Set, and replaced, after each try to write."""
        self._wake = asyncio.Event()
        self._writer: asyncio.Task[None] | None = None
        self._failing = False
        self._lost = 0
        self._damaged: set[str] = set()
        """Runs whose rows can not be read: each is told once."""

    # -- life --------------------------------------------------------------------------

    async def open(self) -> Records:
        """Open the file. Runs that were under way when it was last used are now `interrupted`.

        Raises:
            ConfigurationError: It can not be used.
        """
        # Daemon threads are not to be had here; SQLite's own patience bounds what a thread may wait for.
        self._write_thread = ThreadPoolExecutor(1, "llmcompiler-store")
        self._read_threads = ThreadPoolExecutor(2, "llmcompiler-store-read")
        try:
            left = await self._in(self._write_thread, self._begin)
        except BaseException as e:
            self._write_thread.shutdown()
            self._read_threads.shutdown()
            if isinstance(e, Timeout):
                why = "another service uses it; give each its own file"
            elif isinstance(e, _TROUBLE):
                why = f"{getattr(e, 'orig', None) or e}; mend or move it, or give the path of a new file"
            else:
                raise
            raise ConfigurationError(f"the run store {self.path} can not be used: {why}") from None
        self._writer = asyncio.get_running_loop().create_task(self._write_all(), name="store")
        return left

    async def close(self) -> None:
        """Write what is not written yet, and close the file."""
        if self._writer is None:
            return
        while (self._waiting or self._writing) and not self._failing:
            await self._tried.wait()
        self._writer.cancel()
        await asyncio.wait({self._writer})
        self._writer = None
        if self._waiting:
            logger.error(
                "the run store %s could not be written; %d events are lost", self.path, self._waiting.count
            )
        await self._in(self._write_thread, self._let_go)
        self._write_thread.shutdown()
        self._read_threads.shutdown()

    def _begin(self) -> Records:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._lock.acquire()
        try:
            self._file.check()
            with self._file.writing() as db:
                self._number = db.scalar(sa.select(sa.func.max(_runs.c.number))) or 0
                left = []
                for row in list(db.execute(sa.select(_runs).where(_runs.c.status.not_in(ENDED)))):
                    record = self._record(row.id, row.document)
                    if record is not None:
                        self._interrupt(db, row.number, record)
                        left.append(record)
                # Those that can not be read have ended, too: they are let go like any other.
                db.execute(sa.update(_runs).where(_runs.c.status.not_in(ENDED)).values(status="interrupted"))
                self._ended = db.scalar(sa.select(sa.func.count()).select_from(_runs)) or 0
        except BaseException:
            self._let_go()
            raise
        return left

    def _interrupt(self, db: sa.Connection, number: int, record: RunRecord) -> None:
        last = db.scalar(sa.select(sa.func.max(_events.c.seq)).where(_events.c.run == record.id))
        seq = 0 if last is None else last + 1
        ends = sa.select(_events.c.data).where(_events.c.run == record.id, _events.c.type == "RunFinished")
        if db.scalar(ends) is None:
            event = lost_end(record.id, seq, 0.0, INTERRUPTED, record.usage or {})
            db.execute(sa.insert(_events), [_event_row(record.id, event)])
            seq += 1
        record.status, record.error, record.events = "interrupted", dict(INTERRUPTED), seq
        record.finished_at = max(time.time(), record.created_at)
        db.execute(_upsert_run, [_run_row(number, record)])

    def _let_go(self) -> None:
        self._file.close()
        self._lock.release()

    # -- writing -----------------------------------------------------------------------

    def save(self, record: RunRecord, key: IdempotencyKey | None = None) -> None:
        """Keep a run as it is now."""
        number = self._numbers.get(record.id)
        if number is None:
            self._number += 1
            number = self._numbers[record.id] = self._number
        if record.status in ENDED:
            del self._numbers[record.id]
        self._waiting.runs[record.id] = number, replace(record)
        if key is not None:
            self._waiting.keys[key.owner, key.key] = key, record.id, time.time() + self.key_seconds
        self._wake.set()

    def append(self, run_id: str, event: StoredEvent) -> None:
        """Keep the next event of a run."""
        if self._failing and self._waiting.count + self._writing.count >= self.max_unwritten:
            self._lost += 1
            return
        self._waiting.events.setdefault(run_id, []).append(event)
        self._waiting.count += 1
        self._wake.set()

    async def _write_all(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._waiting:
                self._writing, self._waiting = self._waiting, _Batch()
                try:
                    await self._in(self._write_thread, self._write, self._writing)
                    self._worked()
                except _TROUBLE as e:
                    self._waiting = self._writing.under(self._waiting)
                    self._failed(e)
                except asyncio.CancelledError:
                    raise
                except Exception:  # one that is broken must not hold up all others for ever
                    logger.exception("%d events can not be written and are lost", self._writing.count)
                self._writing = _Batch()
                self._tried.set()
                self._tried = asyncio.Event()
                if self._failing:
                    await asyncio.sleep(AGAIN)

    def _worked(self) -> None:
        if self._failing:
            logger.warning("the run store %s works again; %d events were lost", self.path, self._lost)
        self._failing, self._lost = False, 0

    def _failed(self, error: Exception) -> None:
        if not self._failing:
            logger.error(
                "the run store %s can not be written (%s); runs go on, and it is tried again",
                self.path,
                getattr(error, "orig", None) or error,
            )
        self._failing = True

    def _write(self, batch: _Batch) -> None:
        runs = [_run_row(number, record) for number, record in batch.runs.values()]
        events = [_event_row(run_id, e) for run_id, some in batch.events.items() for e in some]
        keys = [
            {"owner": k.owner, "key": k.key, "digest": k.digest, "run": run_id, "expires": expires}
            for k, run_id, expires in batch.keys.values()
        ]
        ended = self._ended + sum(r["status"] in ENDED for r in runs)
        with self._file.writing() as db:
            if runs:
                db.execute(_upsert_run, runs)
            if events:
                db.execute(sa.insert(_events).prefix_with("OR IGNORE"), events)
            if keys:
                db.execute(sa.delete(_keys).where(_keys.c.expires <= time.time()))
                db.execute(sa.insert(_keys).prefix_with("OR REPLACE"), keys)
            if ended > self.max_runs:
                ended -= self._evict(db, ended - self.max_runs)
        self._ended = ended

    def _evict(self, db: sa.Connection, count: int) -> int:
        oldest = sa.select(_runs.c.id).where(_runs.c.status.in_(ENDED)).order_by(_runs.c.number).limit(count)
        gone = list(db.scalars(oldest))
        for table, column in ((_events, _events.c.run), (_keys, _keys.c.run), (_runs, _runs.c.id)):
            for at in range(0, len(gone), 500):
                db.execute(sa.delete(table).where(column.in_(gone[at : at + 500])))
        return len(gone)

    async def _written(self) -> None:
        """Until everything that was noted so far has been tried; soon, also where writing fails."""
        # What is being written, then what waits now. Under load there is always more: that is not waited for.
        for _ in range(2):
            if self._failing or not (self._waiting or self._writing):
                return
            await self._tried.wait()

    # -- reading -----------------------------------------------------------------------

    async def get(self, run_id: str) -> RunRecord | None:
        """A run."""
        for batch in (self._waiting, self._writing):
            if run_id in batch.runs:
                return replace(batch.runs[run_id][1])

        def read(db: sa.Connection) -> RunRecord | None:
            text = db.scalar(sa.select(_runs.c.document).where(_runs.c.id == run_id))
            return None if text is None else self._record(run_id, text)

        return await self._read(read)

    async def events(self, run_id: str, after: int, limit: int) -> Events:
        """The next events of a run."""
        await self._written()
        unwritten = [
            e
            for batch in (self._writing, self._waiting)
            for e in batch.events.get(run_id, ())
            if e.seq > after
        ]
        query = (
            sa.select(_events.c.seq, _events.c.type, _events.c.data)
            .where(_events.c.run == run_id, _events.c.seq > after)
            .order_by(_events.c.seq)
            .limit(limit)
        )
        found = await self._read(lambda db: [StoredEvent(*row) for row in db.execute(query)])
        if len(found) < limit and unwritten:
            last = found[-1].seq if found else after
            found += [e for e in unwritten if e.seq > last][: limit - len(found)]
        return found

    async def list(self, owner: str | None, status: RunStatus | None, limit: int, after: str | None) -> Page:
        """Runs, the newest first."""
        before = read_cursor(after)
        await self._written()
        newer = self._writing.runs | self._waiting.runs
        query = sa.select(_runs.c.number, _runs.c.id, _runs.c.document)
        if owner is not None:
            query = query.where(_runs.c.owner == owner)
        if status is not None:
            query = query.where(_runs.c.status == status)
        if before is not None:
            query = query.where(_runs.c.number < before)
        # What is not written yet may push out as many as it has.
        query = query.order_by(_runs.c.number.desc()).limit(limit + 1 + len(newer))

        def read(db: sa.Connection) -> list[tuple[int, RunRecord | None]]:
            # Here, in a thread: results may be large, and a page has many.
            rows = ((r.number, r.id, r.document) for r in db.execute(query))
            return [(number, self._record(id_, text)) for number, id_, text in rows if id_ not in newer]

        found = dict(await self._read(read))
        for number, record in newer.values():
            mine = (owner is None or record.owner == owner) and status in (None, record.status)
            if mine and (before is None or number < before):
                found[number] = replace(record)
        page, following = page_of(sorted(found.items(), key=lambda kept: -kept[0])[: limit + 1], limit)
        return [record for record in page if record is not None], following

    async def known(self, owner: str, key: str) -> KnownKey | None:
        """What an `Idempotency-Key` stands for."""
        for batch in (self._waiting, self._writing):
            if (unwritten := batch.keys.get((owner, key))) is not None:
                return KnownKey(unwritten[0].digest, unwritten[1])
        now = time.time()

        def read(db: sa.Connection) -> KnownKey | None:
            query = sa.select(_keys.c.digest, _keys.c.run).where(
                _keys.c.owner == owner, _keys.c.key == key, _keys.c.expires > now
            )
            row = db.execute(query).first()
            return None if row is None else KnownKey(row.digest, row.run)

        return await self._read(read)

    def _record(self, run_id: str, document: str) -> RunRecord | None:
        """A run as it was kept; None of a row that is damaged, which must not keep anybody from the others."""
        try:
            return RunRecord(**json.loads(document))
        except (ValueError, TypeError, RecursionError):
            if run_id not in self._damaged:
                self._damaged.add(run_id)
                logger.error("the run store %s: the row of one run is damaged and left out", self.path)
            return None

    async def _read(self, query: Callable[[sa.Connection], T]) -> T:
        def read() -> T:
            with self._file.reading() as db:
                return query(db)

        try:
            return await self._in(self._read_threads, read)
        except _TROUBLE as e:
            logger.error("the run store %s can not be read: %s", self.path, getattr(e, "orig", None) or e)
            raise Problem(
                503,
                "store-unavailable",
                "what is kept of runs can not be read at the moment; ask again in a while",
                headers={"Retry-After": "1"},
            ) from None

    async def _in(self, threads: ThreadPoolExecutor, work: Callable[..., T], *args: Any) -> T:
        return await asyncio.get_running_loop().run_in_executor(threads, work, *args)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {str(self.path)!r}>"


_inserted = sa.dialects.sqlite.insert(_runs)
_upsert_run = _inserted.on_conflict_do_update(
    index_elements=["number"],
    set_={"status": _inserted.excluded.status, "document": _inserted.excluded.document},
)


def _run_row(number: int, record: RunRecord) -> dict[str, Any]:
    return {
        "number": number,
        "id": record.id,
        "owner": record.owner,
        "status": record.status,
        "document": dumps({f.name: getattr(record, f.name) for f in fields(RunRecord)}),
    }


def _event_row(run_id: str, event: StoredEvent) -> dict[str, Any]:
    return {"run": run_id, "seq": event.seq, "type": event.type, "data": event.data}


__all__ = ["SQLiteRunStore"]
