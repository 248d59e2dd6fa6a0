"""The result cache in a SQLite file, which several processes may share.

Values are JSON text; what JSON can not give back as it was is not kept. Keys are digests: neither arguments nor names
of resources are in the file. A database that is locked, broken or of somebody else is a cache miss and a warning, never
an error of a run, and is never deleted.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Collection
from typing import Any

from .cache import Codec, Entry, check_bounds
from .sqlite_file import PATIENCE, REST, SQLiteFile

try:
    import sqlalchemy as sa
except ImportError as e:  # pragma: no cover - what is imported above says it first
    raise ImportError(
        "SQLiteCache needs SQLAlchemy: pip install 'llmcompiler-runtime[sqlite]'; MemoryCache does without"
    ) from e

_APPLICATION = 0x4C4C4D43
_SCHEMA = 1
_LARGEST = 4 * 1024 * 1024
"""Characters of the longest result that is kept."""
_KEYS = 10_000
"""Resource keys counted one by one."""
_FLOOR, _LAST = "*floor", "*last"

_metadata = sa.MetaData()
_results = sa.Table(
    "results",
    _metadata,
    sa.Column("key", sa.Text, primary_key=True),
    sa.Column("value", sa.Text, nullable=False),
    sa.Column("size", sa.Integer, nullable=False),
    sa.Column("expires", sa.Float),
    sa.Column("used", sa.Float, nullable=False),
    sa.Index("results_by_use", "used", "size"),
)
_epochs = sa.Table(
    "epochs",
    _metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("number", sa.Integer, nullable=False),
)


# Made once: putting a statement together takes longer than running it.
_FIND = sa.select(_results.c.value, _results.c.expires).where(_results.c.key == sa.bindparam("k"))
_KEEP = sa.insert(_results).prefix_with("OR REPLACE")
_EPOCH = sa.select(sa.func.max(_epochs.c.number)).where(
    _epochs.c.name.in_(sa.bindparam("names", expanding=True))
)


class SQLiteCache(SQLiteFile):
    """Keeps results in a file, across processes and restarts; those used longest ago go first.

    A write in one process makes what it changes stale in all of them. Only its user may read the file (mode 0600).

    Args:
        path: The file; made when first needed, as are its folders.
        max_entries: Results it holds at most; it may be a hundredth more for a while.
        max_bytes: Characters they may have in sum; the same holds.
        ttl: Seconds a result is good for where its tool says nothing (`@tool(cache=60)`); None for no end.
        clock: Gives the time of day, in seconds.

    Raises:
        ConfigurationError: A number that is not above 0, or a path that is no file's.
    """

    metadata = _metadata
    application = _APPLICATION
    schema = _SCHEMA
    called = "the result cache"

    def __init__(
        self,
        path: str | os.PathLike[str],
        max_entries: int = 100_000,
        max_bytes: int = 256 * 1024 * 1024,
        ttl: float | None = None,
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        check_bounds(max_entries, max_bytes, ttl)
        super().__init__(path, clock)
        self.max_entries = max_entries
        self.max_bytes = max_bytes
        self.ttl = ttl
        self._used: dict[str, float] = {}  # written with the next result: a hit should not wait for a lock
        self._owed: set[str] | None = set()  # changes that could not be noted yet; None: of everything
        self._since_check = (0, 0)

    # -- results -----------------------------------------------------------------------

    def get(self, key: str, codec: Codec) -> Entry | None:
        """What is kept under a key and has not expired."""
        row: Any = None
        with self._try("read"), self._connected() as db:
            row = db.execute(_FIND, {"k": key}).first()
        if row is None:
            return None
        now = self._clock()
        if row.expires is not None and row.expires <= now:
            return None
        try:
            entry = Entry(codec.load(row.value))
        except Exception:  # a broken row, or a validator of the user's own: as if it were not there
            with self._try("clean up"), self._writing() as db:
                db.execute(sa.delete(_results).where(_results.c.key == key))
            return None
        with self._lock:
            if len(self._used) < self.max_entries:
                self._used[key] = now
        return entry

    def put(self, key: str, value: Any, codec: Codec, ttl: float | None = None) -> None:
        """Keep a value, if JSON gives it back as it was."""
        text = codec.dump(value)
        if text is None or len(text) > min(_LARGEST, self.max_bytes):
            return
        now = self._clock()
        ttl = self.ttl if ttl is None else ttl
        row = {
            "key": key,
            "value": text,
            "size": len(text),
            "expires": None if ttl is None else now + ttl,
            "used": now,
        }
        with self._try("write"), self._writing() as db:
            db.execute(_KEEP, row)
            self._note_use(db)
            self._evict(db, len(text), now)

    def _note_use(self, db: sa.Connection) -> None:
        with self._lock:
            used, self._used = self._used, {}
        if used:
            db.execute(
                sa.update(_results)
                .where(_results.c.key == sa.bindparam("k"))
                .values(used=sa.bindparam("at")),
                [{"k": key, "at": at} for key, at in used.items()],
            )

    def _evict(self, db: sa.Connection, size: int, now: float) -> None:
        """Keep the bounds. Counting takes as long as there are results, so it is done now and then only."""
        puts, bytes_ = self._since_check[0] + 1, self._since_check[1] + size
        self._since_check = puts, bytes_
        if puts < max(1, min(256, self.max_entries // 100)) and bytes_ < self.max_bytes // 100:
            return
        self._since_check = 0, 0
        total = sa.select(sa.func.count(), sa.func.coalesce(sa.func.sum(_results.c.size), 0)).select_from(
            _results
        )
        count, held = db.execute(total).one()
        if count <= self.max_entries and held <= self.max_bytes:
            return
        db.execute(sa.delete(_results).where(_results.c.expires <= now))
        count, held = db.execute(total).one()
        gone = []
        if count > self.max_entries or held > self.max_bytes:
            for key, length in db.execute(
                sa.select(_results.c.key, _results.c.size).order_by(_results.c.used)
            ):
                if count <= self.max_entries and held <= self.max_bytes:
                    break
                gone.append({"k": key})
                count, held = count - 1, held - length
        if gone:
            db.execute(sa.delete(_results).where(_results.c.key == sa.bindparam("k")), gone)

    # -- changes -----------------------------------------------------------------------

    def epoch(self, reads: Collection[str] | None) -> int | None:
        """A number that grows with every change, by any process, of one of these resources; None if not known."""
        with self._try("read"):
            self._pay()
            names = [_LAST] if reads is None else [*reads, _FLOOR]
            with self._connected() as db:
                return int(db.execute(_EPOCH, {"names": names}).scalar() or 0)
        return None

    def bump(self, writes: Collection[str] | None) -> None:
        """These resources change; everything, for None.

        What can not be noted now is noted before anything is read again; other processes do not know until then.
        """
        with self._lock:
            if writes is None or self._owed is None:
                self._owed = None
            else:
                self._owed.update(writes)
        with self._try("note a change"):
            self._pay()

    def _pay(self) -> None:
        """Note the changes that are not noted yet."""
        with self._lock:
            owed = self._owed
            if owed is not None and not owed:
                return
            with self._writing() as db:
                number = int(db.execute(sa.select(sa.func.max(_epochs.c.number))).scalar() or 0) + 1
                names = [_LAST, _FLOOR] if owed is None else [_LAST, *owed]
                if len(names) > _KEYS or self._is_full(db):
                    names = [_LAST, _FLOOR]
                if _FLOOR in names:
                    db.execute(sa.delete(_epochs))
                db.execute(
                    sa.insert(_epochs).prefix_with("OR REPLACE"),
                    [{"name": n, "number": number} for n in names],
                )
            self._owed = set()

    def _is_full(self, db: sa.Connection) -> bool:
        return int(db.execute(sa.select(sa.func.count()).select_from(_epochs)).scalar() or 0) > _KEYS

    # -- the file ----------------------------------------------------------------------

    def begin(self, db: sa.Connection) -> None:
        """Begin later than any number that was given out before, should this have been another file until now."""
        now = time.time_ns() // 1000
        db.execute(sa.insert(_epochs), [{"name": n, "number": now} for n in (_LAST, _FLOOR)])

    def end(self, db: sa.Connection) -> None:
        """Write down what was used since the last result."""
        self._note_use(db)

    def __len__(self) -> int:
        with self._try("read"), self._connected() as db:
            return int(db.execute(sa.select(sa.func.count()).select_from(_results)).scalar() or 0)
        return 0


__all__ = ["PATIENCE", "REST", "SQLiteCache"]
