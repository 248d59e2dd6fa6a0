"""The templates of a plan cache in a SQLite file, which several processes may share.

A file that is locked, broken or of somebody else holds no templates, with a warning; it is never deleted. It holds the
questions that templates were made of, and only its user may read it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

from llmcompiler.sharing.sqlite_file import SQLiteFile

from .plan_store import Merge, Stored

try:
    import sqlalchemy as sa
except ImportError as e:  # pragma: no cover - the import above says it first
    raise ImportError(
        "PlanCache(path=...) needs SQLAlchemy: pip install 'llmcompiler-runtime[sqlite]'"
    ) from e

_metadata = sa.MetaData()
_templates = sa.Table(
    "templates",
    _metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("key", sa.Text, nullable=False),
    sa.Column("scope", sa.Text, nullable=False),
    sa.Column("body", sa.Text, nullable=False),
    sa.Column("question", sa.Text, nullable=False),
    sa.Column("seen", sa.Integer, nullable=False),
    sa.Column("contested", sa.Boolean, nullable=False),
    sa.Column("used", sa.Float, nullable=False),
    sa.Index("templates_by_key", "key"),
    sa.Index("templates_by_use", "used"),
)
_COLUMNS = [c for c in _templates.c if c.name != "used"]


class SQLiteTemplates(SQLiteFile):
    """Keeps templates in a file, across processes and restarts. No method raises for what is wrong with the file.

    Args:
        path: The file; made when first needed, as are its folders.

    Raises:
        ConfigurationError: The path is no file's.
    """

    metadata = _metadata
    application = 0x4C4C5054
    schema = 1
    called = "the plan cache"
    instead = "PlanCache() without a path"

    def find(self, keys: Sequence[str]) -> list[Stored]:
        """Those with one of these keys."""
        with self._try("read"), self._connected() as db:
            rows = db.execute(
                sa.select(*_COLUMNS).where(_templates.c.key.in_(keys)).order_by(_templates.c.used)
            )
            return [s for row in rows if (s := _stored(row)) is not None]
        return []

    def put(self, new: Stored, merge: Merge, most: int) -> int:
        """Keep a template, merged with the one of its id; how many others had to go."""
        with self._try("write"), self._writing() as db:
            row = db.execute(sa.select(*_COLUMNS).where(_templates.c.id == new.id)).first()
            old = None if row is None else _stored(row)
            kept = new if old is None else merge(old, new)
            values = {c.name: getattr(kept, c.name) for c in _COLUMNS}
            db.execute(sa.insert(_templates).prefix_with("OR REPLACE"), {**values, "used": self._now(db)})
            gone = max(0, self._count(db) - most)
            if gone:
                oldest = sa.select(_templates.c.id).order_by(_templates.c.used).limit(gone)
                db.execute(sa.delete(_templates).where(_templates.c.id.in_(oldest)))
            return gone
        return 0

    def touch(self, id_: str) -> None:
        """Note that it was used."""
        with self._try("write"), self._writing() as db:
            db.execute(sa.update(_templates).where(_templates.c.id == id_).values(used=self._now(db)))

    def change(self, id_: str, edit: Callable[[Stored], Stored]) -> None:
        """Change what is kept of it, but for its id and key."""
        with self._try("write"), self._writing() as db:
            row = db.execute(sa.select(*_COLUMNS).where(_templates.c.id == id_)).first()
            old = None if row is None else _stored(row)
            if old is not None:
                kept = edit(old)
                values = {c.name: getattr(kept, c.name) for c in _COLUMNS}
                db.execute(sa.update(_templates).where(_templates.c.id == id_).values(values))

    def drop(self, id_: str) -> None:
        """Let go of it."""
        with self._try("write"), self._writing() as db:
            db.execute(sa.delete(_templates).where(_templates.c.id == id_))

    def all(self) -> list[Stored]:
        """All of them, the one used last at the end."""
        with self._try("read"), self._connected() as db:
            rows = db.execute(sa.select(*_COLUMNS).order_by(_templates.c.used))
            return [s for row in rows if (s := _stored(row)) is not None]
        return []

    def clear(self) -> None:
        """Let go of all."""
        with self._try("write"), self._writing() as db:
            db.execute(sa.delete(_templates))

    def __len__(self) -> int:
        with self._try("read"), self._connected() as db:
            return self._count(db)
        return 0

    def _count(self, db: sa.Connection) -> int:
        return int(db.execute(sa.select(sa.func.count()).select_from(_templates)).scalar() or 0)

    def _now(self, db: sa.Connection) -> float:
        """Later than any use before, also where the clock was put back or is coarse."""
        last = float(db.execute(sa.select(sa.func.max(_templates.c.used))).scalar() or 0.0)
        return max(time.time(), last + 1e-4)


def _stored(row: Any) -> Stored | None:
    """A row as it was written; None where it was changed into something else."""
    texts = (row.id, row.key, row.scope, row.body, row.question)
    if not all(isinstance(t, str) for t in texts) or not isinstance(row.seen, int):
        return None
    return Stored(*texts, row.seen, bool(row.contested))
