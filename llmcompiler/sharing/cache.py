"""Where results are kept from run to run: the protocol, a back end in memory, and results as JSON text.

A back end keeps values under keys and counts changes of resources. What may be kept, and under which key, is decided in
`sharing`; nothing here knows calls.
"""

from __future__ import annotations

import contextlib
import json
import math
import threading
import time
import typing
from collections.abc import Callable, Collection
from functools import cached_property
from typing import Any, NamedTuple, Protocol

from cachetools import TLRUCache
from pydantic import TypeAdapter

from ..errors import ConfigurationError
from .canonical import NotCanonical, canonical
from .copies import NotCopyable, independent, size_of
from .epochs import Epochs

_OVERHEAD = 500
"""Bytes that an entry takes beside its value, about."""


class Entry(NamedTuple):
    """A value that was found; it is the caller's own."""

    value: Any


class Cache(Protocol):
    """Keeps results of pure and read calls. `MemoryCache` and `SQLiteCache` do; so may a class of yours.

    It is called from any thread, and from event loops: be quick, and never wait long. An exception costs a cache miss
    and a warning; one from `bump` switches the cache off, since what it holds may be stale from then on.
    """

    def get(self, key: str, codec: Codec) -> Entry | None:
        """What is kept under a key and has not expired; None where there is nothing."""

    def put(self, key: str, value: Any, codec: Codec, ttl: float | None = None) -> None:
        """Keep a value for `ttl` seconds; for as long as the cache says by itself, where that is None.

        The value must be copied or written down at once: its owner may change it afterwards.
        """

    def epoch(self, reads: Collection[str] | None) -> int | None:
        """A number that is another one after every change of one of these resources (of any, for None).

        None says that it is not known; results are neither looked for nor kept then.
        """

    def bump(self, writes: Collection[str] | None) -> None:
        """These resources change; everything, for None."""

    def close(self) -> None:
        """Let go of files and memory."""


class Codec:
    """Results of one tool as JSON text, and back.

    Args:
        hint: The type of the results, where one is declared.
    """

    def __init__(self, hint: Any = None) -> None:
        self.hint = hint

    @classmethod
    def of(cls, func: Callable[..., Any]) -> Codec:
        """The codec for what a function says it returns."""
        try:
            return cls(typing.get_type_hints(func, include_extras=True).get("return"))
        except Exception:  # not a function, or hints that can not be resolved: plain JSON is left
            return cls()

    @cached_property
    def _adapter(self) -> TypeAdapter[Any] | None:
        try:
            return None if self.hint is None else TypeAdapter(self.hint)
        except Exception:  # pydantic raises several kinds here
            return None

    def dump(self, value: Any) -> str | None:
        """The value as text; None unless `load` makes an equal value of the same type of it."""
        try:
            form = canonical(value)
        except NotCanonical:
            return None
        for write in (self._plain, self._aliased, self._typed):
            with contextlib.suppress(Exception):  # also of a serialiser or validator of the user's own
                text = write(value)
                if text is not None and canonical(self.load(text)) == form:
                    return text
        return None

    def load(self, text: str) -> Any:
        """The value of a text that `dump` wrote.

        Raises:
            ValueError: It is no such text, or does not fit the declared type any more.
        """
        how, body = text[:1], text[1:]
        if how == "j":
            return json.loads(body)
        if how != "t" or self._adapter is None:
            raise ValueError("not a text of this codec")
        return self._adapter.validate_json(body)

    def _plain(self, value: Any) -> str:
        return "j" + json.dumps(value, separators=(",", ":"))

    def _aliased(self, value: Any) -> str | None:
        return self._with_type(value, by_alias=True)

    def _typed(self, value: Any) -> str | None:
        return self._with_type(value, by_alias=False)

    def _with_type(self, value: Any, by_alias: bool) -> str | None:
        if self._adapter is None:
            return None
        # Which fields were set is part of a model, and can be asked for.
        written = self._adapter.dump_json(
            value, by_alias=by_alias, exclude_unset=True, round_trip=True, warnings="error"
        )
        return "t" + written.decode()


class _Kept(NamedTuple):
    value: Any
    expires: float
    size: int


class MemoryCache:
    r"""Keeps results in memory; those used longest ago go first. Any number of compilers and threads may share one.

    Args:
        max_entries: Results it holds at most.
        max_bytes: About how many bytes of memory they may take.
        ttl: Seconds a result is good for where its tool says nothing (`@tool(cache=60)`); None for no end.
        clock: Gives the time, in seconds.

    Raises:
        ConfigurationError: A number that is not above 0.

    ```python
    from llmcompiler import LLMCompiler, MemoryCache, tool

    calls = []


    @tool(effect="read")
    def price(of: str) -> float:
        calls.append(of)
        return 2.5


    compiler = LLMCompiler(tools=[price], cache=MemoryCache(ttl=60))
    for _ in range(2):
        assert compiler.execute_sync('1. price("tea")\njoin($1)').output == 2.5
    assert calls == ["tea"]
    ```
    """

    def __init__(
        self,
        max_entries: int = 10_000,
        max_bytes: int = 64 * 1024 * 1024,
        ttl: float | None = None,
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        check_bounds(max_entries, max_bytes, ttl)
        self.max_entries = max_entries
        self.max_bytes = max_bytes
        self.ttl = ttl
        self._clock = clock
        self._lock = threading.Lock()
        self._epochs = Epochs()
        self._kept: TLRUCache[str, _Kept] = TLRUCache(
            max_bytes, ttu=lambda _, kept, now: kept.expires, timer=clock, getsizeof=lambda kept: kept.size
        )

    def get(self, key: str, codec: Codec) -> Entry | None:
        """What is kept under a key, as a copy."""
        with self._lock:
            kept = self._kept.get(key)
        return None if kept is None else Entry(independent(kept.value))

    def put(self, key: str, value: Any, codec: Codec, ttl: float | None = None) -> None:
        """Keep a copy of the value; one that can not be copied, or is too large, is not kept."""
        ttl = self.ttl if ttl is None else ttl
        size = size_of(value)
        if size is None or size + _OVERHEAD > self.max_bytes:
            return
        try:
            kept = _Kept(
                independent(value), math.inf if ttl is None else self._clock() + ttl, size + _OVERHEAD
            )
        except NotCopyable:
            return
        with self._lock:
            self._kept.pop(key, None)
            self._kept.expire()
            with contextlib.suppress(KeyError):  # the last ones expired just now
                while len(self._kept) >= self.max_entries:
                    self._kept.popitem()
            self._kept[key] = kept

    def epoch(self, reads: Collection[str] | None) -> int | None:
        """A number that grows with every change of one of these resources."""
        with self._lock:
            return self._epochs.of(None if reads is None else frozenset(reads))

    def bump(self, writes: Collection[str] | None) -> None:
        """These resources change; everything, for None."""
        with self._lock:
            self._epochs.bump(None if writes is None else frozenset(writes))

    def close(self) -> None:
        """Forget every result."""
        with self._lock:
            self._kept.clear()

    def __len__(self) -> int:
        with self._lock:
            self._kept.expire()
            return len(self._kept)

    def __repr__(self) -> str:
        return f"<MemoryCache with {len(self)} results>"


def check_bounds(max_entries: int, max_bytes: int, ttl: float | None) -> None:
    """Check the options of a cache.

    Raises:
        ConfigurationError: One is not a number above 0.
    """
    for name, number in (("max_entries", max_entries), ("max_bytes", max_bytes)):
        if isinstance(number, bool) or not isinstance(number, int) or number < 1:
            raise ConfigurationError(f"{name}={number!r}: give a whole number, 1 or more")
    check_ttl(ttl)


def check_ttl(ttl: float | None) -> None:
    """Check a time to live.

    Raises:
        ConfigurationError: It is not a number above 0, nor None.
    """
    if ttl is not None and (isinstance(ttl, bool) or not isinstance(ttl, (int, float)) or not ttl > 0):
        raise ConfigurationError(f"ttl={ttl!r}: give seconds above 0, or None for no end")
