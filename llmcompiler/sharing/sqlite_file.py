"""A SQLite file that several processes may share: opened when needed, never an error of a run, never deleted.

What is in it is the business of those who inherit.
"""

from __future__ import annotations

import contextlib
import logging
import math
import os
import random
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from ..errors import ConfigurationError

try:
    import sqlalchemy as sa
except ImportError as e:
    raise ImportError(
        "caches in a file need SQLAlchemy: pip install 'llmcompiler-runtime[sqlite]'; those in memory do without"
    ) from e

logger = logging.getLogger("llmcompiler")

PATIENCE = 0.1
"""Seconds to wait for a lock that another process holds; the event loop waits as well."""
TOGETHER = 1.0
"""Seconds more for the first opening: processes that start at once make the file together, and are in each other's way
where SQLite does not wait, as for the change to a write-ahead log."""
REST = 1.0
"""Seconds without a try after one that failed: a locked file must not hold up every call."""


class Unusable(Exception):
    """The file is not one that this version may use."""


class Resting(Exception):
    """It failed just now."""


class SQLiteFile:
    """A file with the tables of `metadata`, known by a number of its program and of its schema.

    A file that is locked, broken or of somebody else is a warning, once until it works again, and gives nothing. Only
    its user may read it (mode 0600).

    Args:
        path: The file; made when first needed, as are its folders.
        clock: Gives the time of day, in seconds.

    Raises:
        ConfigurationError: The path is no file's.
    """

    metadata: sa.MetaData
    application: int
    schema: int
    called: str = "the cache"
    instead: str = "MemoryCache()"

    def __init__(self, path: str | os.PathLike[str], clock: Callable[[], float] = time.time) -> None:
        text = os.fspath(path)
        if not text or text == ":memory:" or Path(text).is_dir():
            name = type(self).__name__
            raise ConfigurationError(f"{name}({text!r}): give the path of a file, or use {self.instead}")
        self.path = Path(text).expanduser().absolute()
        self._clock = clock
        self._lock = threading.RLock()
        self._engine: sa.Engine | None = None
        self._process = 0
        self._told = False
        self._was_tried = False
        self._rest_until = -math.inf

    def begin(self, db: sa.Connection) -> None:
        """What new tables begin with."""

    def end(self, db: sa.Connection) -> None:
        """What is written before the file is closed."""

    def close(self) -> None:
        """Let go of the file. It may be used again afterwards."""
        with self._lock:
            if self._engine is None:
                return
            with self._try("write"), self._writing() as db:
                self.end(db)
            if self._engine is not None:
                self._engine.dispose(close=self._process == os.getpid())
                self._engine = None

    @contextlib.contextmanager
    def _try(self, what: str) -> Iterator[None]:
        """What goes wrong with the database is told once, until it works again."""
        try:
            yield
            self._told = False
        except Resting:
            pass
        except (sa.exc.SQLAlchemyError, OSError, ValueError, Unusable) as e:
            self._rest_until = self._clock() + REST
            text = str(getattr(e, "orig", None) or e)
            level = logging.DEBUG if self._told else logging.WARNING
            self._told = True
            logger.log(level, "%s %s can not %s: %s", self.called, self.path, what, text)

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
            raise Resting
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
                self._begin_use(engine)
            except BaseException:
                engine.dispose()
                raise
            self._engine, self._process = engine, os.getpid()
            return engine

    def _begin_use(self, engine: sa.Engine) -> None:
        until = time.monotonic() + (0.0 if self._was_tried else TOGETHER)
        self._was_tried = True
        while True:
            try:
                with engine.connect() as db:
                    self._check_schema(db)
                return
            except sa.exc.OperationalError as e:
                if not _is_locked(e) or time.monotonic() >= until:
                    raise
            time.sleep(random.uniform(0.002, 0.02))  # noqa: S311 - so that they do not all come back at once

    def _make_file(self) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        os.close(os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600))
        if self.path.stat().st_mode & 0o077:
            self.path.chmod(0o600)

    def _check_schema(self, db: sa.Connection) -> None:
        # In this order: tables that another process makes between the two come together with their number.
        tables = db.exec_driver_sql("SELECT count(*) FROM sqlite_master").scalar()
        application = db.exec_driver_sql("PRAGMA application_id").scalar()
        if application != self.application and tables:
            raise Unusable("it is a database of another program; give the path of a new file")
        version = db.exec_driver_sql("PRAGMA user_version").scalar()
        if application == self.application and version == self.schema:
            return
        db.exec_driver_sql("BEGIN IMMEDIATE")
        try:
            # Another process may have been first: everything is asked again, and made where it is not there.
            if db.exec_driver_sql("PRAGMA user_version").scalar() != self.schema:
                self.metadata.drop_all(db)
                self.metadata.create_all(db)
                self.begin(db)
                db.exec_driver_sql(f"PRAGMA application_id = {self.application}")
                db.exec_driver_sql(f"PRAGMA user_version = {self.schema}")
            db.exec_driver_sql("COMMIT")
        except BaseException:
            with contextlib.suppress(sa.exc.SQLAlchemyError):
                db.exec_driver_sql("ROLLBACK")
            raise

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {str(self.path)!r}>"


def _is_locked(error: sa.exc.OperationalError) -> bool:
    code = getattr(error.orig, "sqlite_errorcode", 0) & 0xFF  # the rest tells which lock it was
    return code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)


def _set_up(connection: Any, _: Any) -> None:
    connection.text_factory = lambda data: data.decode(errors="replace")  # a broken row is not a broken file
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode = WAL")
    cursor.execute("PRAGMA synchronous = NORMAL")
    cursor.close()
