"""Where a plan cache keeps its templates: what a store must do, and one in memory. No template is read here."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Stored:
    """A template as it is kept."""

    id: str
    """Of the tools and the form of the question, holes included: there is one template for each."""
    key: str
    """What all questions that it can match have in common."""
    scope: str
    """The tools it was made for."""
    body: str
    """The template, as JSON."""
    question: str
    """Digest of the last question that it was learned from."""
    seen: int = 1
    """Different questions, one after another, for which the planner wrote this plan; below 0 after one went wrong."""
    contested: bool = False
    """Whether it wrote another one for a question of the same form."""


Merge = Callable[[Stored, Stored], Stored]
"""What is kept of an old template and a new one of the same id."""


class TemplateStore(Protocol):
    """Keeps templates. Its methods raise nothing: what can not be read is not there."""

    def find(self, keys: Sequence[str]) -> list[Stored]:
        """Those with one of these keys."""
        ...

    def put(self, new: Stored, merge: Merge, most: int) -> int:
        """Keep a template, merged with the one of its id; how many others had to go."""
        ...

    def touch(self, id_: str) -> None:
        """Note that it was used."""
        ...

    def change(self, id_: str, edit: Callable[[Stored], Stored]) -> None:
        """Change what is kept of it, but for its id and key."""
        ...

    def drop(self, id_: str) -> None:
        """Let go of it."""
        ...

    def all(self) -> list[Stored]:
        """All of them, the one used last at the end."""
        ...

    def clear(self) -> None:
        """Let go of all."""
        ...

    def close(self) -> None:
        """Let go of files."""
        ...

    def __len__(self) -> int: ...


class MemoryTemplates:
    """Keeps templates in memory, those used last at the end. Safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._by_id: OrderedDict[str, Stored] = OrderedDict()
        self._by_key: dict[str, dict[str, None]] = {}

    def find(self, keys: Sequence[str]) -> list[Stored]:
        """Those with one of these keys."""
        with self._lock:
            return [self._by_id[i] for key in keys for i in self._by_key.get(key, ())]

    def put(self, new: Stored, merge: Merge, most: int) -> int:
        """Keep a template, merged with the one of its id; how many others had to go."""
        with self._lock:
            old = self._by_id.get(new.id)
            kept = new if old is None else merge(old, new)
            self.drop(new.id)
            self._by_id[new.id] = kept
            self._by_key.setdefault(kept.key, {})[new.id] = None
            gone = max(0, len(self._by_id) - most)
            for id_ in list(self._by_id)[:gone]:
                self.drop(id_)
            return gone

    def touch(self, id_: str) -> None:
        """Note that it was used."""
        with self._lock:
            if id_ in self._by_id:
                self._by_id.move_to_end(id_)

    def change(self, id_: str, edit: Callable[[Stored], Stored]) -> None:
        """Change what is kept of it, but for its id and key."""
        with self._lock:
            if id_ in self._by_id:
                self._by_id[id_] = edit(self._by_id[id_])

    def drop(self, id_: str) -> None:
        """Let go of it."""
        with self._lock:
            entry = self._by_id.pop(id_, None)
            if entry is None:
                return
            ids = self._by_key[entry.key]
            del ids[id_]
            if not ids:
                del self._by_key[entry.key]

    def all(self) -> list[Stored]:
        """All of them, the one used last at the end."""
        with self._lock:
            return list(self._by_id.values())

    def clear(self) -> None:
        """Let go of all."""
        with self._lock:
            self._by_id.clear()
            self._by_key.clear()

    def close(self) -> None:
        """Nothing to let go of."""

    def __len__(self) -> int:
        return len(self._by_id)


__all__ = ["MemoryTemplates", "Merge", "Stored", "TemplateStore"]
