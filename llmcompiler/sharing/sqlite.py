"""The result cache in a SQLite file, which several processes may share.

Values are JSON text; what JSON can not give back as it was is not kept. Keys are digests: neither arguments nor names
of resources are in the file. A database that is locked, broken or of somebody else is a cache miss and a warning, never
an error of a run, and is never deleted.
"""

from __future__ import annotations

import contextlib
import logging
import math
import os
import threading
import time
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import Any

from ..errors import ConfigurationError
from .cache import Codec, Entry, check_bounds

try:
    import sqlalchemy as sa
except ImportError as e:
    raise ImportError(
        "SQLiteCache needs SQLAlchemy: pip install 'llmcompiler-runtime[sqlite]'; MemoryCache does without"
    ) from e

logger = logging.getLogger("llmcompiler")

PATIENCE = 0.1
"""Seconds to wait for a lock that another process holds; the event loop waits as well."""
REST = 1.0
"""Seconds without a try after one that failed: a locked file must not hold up every call."""
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


class _Unusable(Exception):
    """The file is not a cache that this version may use."""


class _Resting(Exception):
    """It failed just now."""


class SQLiteCache:
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
        text = os.fspath(path)
        if not text or text == ":memory:" or Path(text).is_dir():
            raise ConfigurationError(f"SQLiteCache({text!r}): give the path of a file, or use MemoryCache()")
        self.path = Path(text).expanduser().absolute()
        self.max_entries = max_entries
        self.max_bytes = max_bytes
        self.ttl = ttl
        self._clock = clock
        self._lock = threading.RLock()
        self._engine: sa.Engine | None = None
        self._process = 0
        self._used: dict[str, float] = {}  # written with the next result: a hit should not wait for a lock
        self._owed: set[str] | None = set()  # changes that could not be noted yet; None: of everything
        self._since_check = (0, 0)
        self._told = False
        self._rest_until = -math.inf

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

    def close(self) -> None:
        """Let go of the file. The cache may be used again afterwards."""
        with self._lock:
            if self._engine is None:
                return
            with self._try("write"), self._writing() as db:
                self._note_use(db)
            if self._engine is not None:
                self._engine.dispose(close=self._process == os.getpid())
                self._engine = None

    @contextlib.contextmanager
    def _try(self, what: str) -> Iterator[None]:
        """What goes wrong with the database is told once, until it works again."""
        try:
            yield
            self._told = False
        except _Resting:
            pass
        except (sa.exc.SQLAlchemyError, OSError, ValueError, _Unusable) as e:
            self._rest_until = self._clock() + REST
            text = str(getattr(e, "orig", None) or e)
            level = logging.DEBUG if self._told else logging.WARNING
            self._told = True
            logger.log(level, "the result cache %s can not %s: %s", self.path, what, text)

    @contextlib.contextmanager
    def _connected(self) -> Iterator[sa.Connection]:
        with self._open().connect() as db:
            yield db

    @contextlib.contextmanager
    def _writing(self) -> Iterator[sa.Connection]:
        """One transaction, which holds the lock from its beginning: two of them can not stand in each other's way."""
        with self._lock, self._open().connect() as db:
            db.exec_driver_sql("BEGIN IMMEDIATE")
            try:
                yield db
                db.exec_driver_sql("COMMIT")
            except BaseException:
                with contextlib.suppress(sa.exc.SQLAlchemyError):
                    db.exec_driver_sql("ROLLBACK")
                raise

    def _open(self) -> sa.Engine:
        if self._clock() < self._rest_until:
            raise _Resting
        with self._lock:
            if self._engine is not None and self._process == os.getpid():
                return self._engine
            if self._engine is not None:  # forked: the connections are the parent's
                self._engine.dispose(close=False)
                self._engine = None
            self._make_file()
            engine = sa.create_engine(
                sa.URL.create("sqlite", database=str(self.path)),
                isolation_level="AUTOCOMMIT",
                connect_args={"timeout": PATIENCE, "check_same_thread": False},
                pool_reset_on_return=None,  # every transaction is ended by hand
                hide_parameters=True,  # they may hold secrets, and errors are logged
            )
            sa.event.listen(engine, "connect", _set_up)
            try:
                with engine.connect() as db:
                    self._check_schema(db)
            except BaseException:
                engine.dispose()
                raise
            self._engine, self._process = engine, os.getpid()
            return engine

    def _make_file(self) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        os.close(os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600))
        if self.path.stat().st_mode & 0o077:
            self.path.chmod(0o600)

    def _check_schema(self, db: sa.Connection) -> None:
        application = db.exec_driver_sql("PRAGMA application_id").scalar()
        tables = db.exec_driver_sql("SELECT count(*) FROM sqlite_master").scalar()
        if application != _APPLICATION and tables:
            raise _Unusable("it is a database of another program; give the path of a new file")
        version = db.exec_driver_sql("PRAGMA user_version").scalar()
        if application == _APPLICATION and version == _SCHEMA:
            return
        db.exec_driver_sql("BEGIN IMMEDIATE")
        try:
            # Another process may have been first: everything is asked again, and made where it is not there.
            if db.exec_driver_sql("PRAGMA user_version").scalar() != _SCHEMA:
                _metadata.drop_all(db)
                _metadata.create_all(db)
                # Later than any number that was given out before, should this have been another file until now.
                now = time.time_ns() // 1000
                db.execute(sa.insert(_epochs), [{"name": n, "number": now} for n in (_LAST, _FLOOR)])
                db.exec_driver_sql(f"PRAGMA application_id = {_APPLICATION}")
                db.exec_driver_sql(f"PRAGMA user_version = {_SCHEMA}")
            db.exec_driver_sql("COMMIT")
        except BaseException:
            with contextlib.suppress(sa.exc.SQLAlchemyError):
                db.exec_driver_sql("ROLLBACK")
            raise

    def __len__(self) -> int:
        with self._try("read"), self._connected() as db:
            return int(db.execute(sa.select(sa.func.count()).select_from(_results)).scalar() or 0)
        return 0

    def __repr__(self) -> str:
        return f"<SQLiteCache {str(self.path)!r}>"


def _set_up(connection: Any, _: Any) -> None:
    connection.text_factory = lambda data: data.decode(errors="replace")  # a broken row is not a broken file
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode = WAL")
    cursor.execute("PRAGMA synchronous = NORMAL")
    cursor.close()
