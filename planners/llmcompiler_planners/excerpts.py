"""Any Python value as one bounded line of JSON. Works on the value itself and never writes more than it may show.

No value makes this raise, loop or take time in proportion to its size: cyclic and deep values, broken `repr`s, huge
numbers and lone surrogates included. Nothing here knows of tasks or models.
"""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from enum import Enum
from itertools import islice
from typing import Any

from llmcompiler._jsonable import to_jsonable

_DEPTH = 16
_LEAST = 24
_NODES = 20_000
_SURROGATE = re.compile("[\ud800-\udfff]")
_BREAKS = {ord(c): f"\\u{ord(c):04x}" for c in "\x7f\x85\u2028\u2029"}


def byte_length(text: str) -> int:
    """Bytes of `text` in UTF-8."""
    return len(text) if text.isascii() else len(text.encode(errors="replace"))


def printable(text: str) -> str:
    """`text` with lone surrogates replaced: they can not be sent."""
    return text if text.isascii() else _SURROGATE.sub("\ufffd", text)


def neutral(text: str) -> str:
    r"""`text` in which no closing tag can be read: `</` becomes `<\/`, which JSON reads as the same."""
    return printable(text).replace("</", "<\\/")


def one_line(text: str) -> str:
    """`text` with every run of white space made one blank."""
    return " ".join(text.split())


def quoted(text: str) -> str:
    """`text` as a JSON string on one line."""
    return neutral(json.dumps(printable(text), ensure_ascii=False)).translate(_BREAKS)


def fair_shares(sizes: Sequence[int], budget: int) -> list[int]:
    """`budget` dealt out so that small sizes are met and large ones share the rest evenly."""
    shares = [0] * len(sizes)
    for done, i in enumerate(sorted(range(len(sizes)), key=sizes.__getitem__)):
        shares[i] = min(sizes[i], budget // (len(sizes) - done))
        budget -= shares[i]
    return shares


@dataclass(frozen=True, slots=True)
class Excerpt:
    """What is shown of a value."""

    text: str
    cut: bool
    """Whether anything is left out."""
    size: int = 0
    """Bytes of the whole value, where something is left out."""
    exact: bool = True
    """Whether `size` is the whole size; otherwise it is at least that."""
    tail: str = ""
    """The end of a long text, to be shown after the note."""

    def joined(self, note: str) -> str:
        """The text with `note` where the cut is."""
        return f"{self.text} {note} {self.tail}" if self.tail else f"{self.text} {note}"


def excerpt(value: object, budget: int) -> Excerpt:
    """As much of `value` as `budget` bytes hold (a few more for the marks inside)."""
    writer = _Writer()
    whole = writer.whole(value, budget)
    if whole is not None:
        return Excerpt(whole, cut=False)
    size, exact = writer.measure(value, _NODES + budget)
    shape = writer.shape(value)
    if isinstance(shape, str) and budget >= 8:
        # The end of a text often matters (a log, an error): a quarter of the room is for it.
        head, tail = quoted(_prefix(shape, budget * 3 // 4 - 2)), quoted(_suffix(shape, budget // 4 - 2))
        return Excerpt(head, True, size, exact, tail)
    return Excerpt(writer.part(value, budget), True, size, exact)


def _prefix(text: str, budget: int) -> str:
    piece = text[: max(0, budget)]
    return piece.encode(errors="replace")[: max(0, budget)].decode(errors="ignore")


def _suffix(text: str, budget: int) -> str:
    if budget <= 0:
        return ""
    return text[-budget:].encode(errors="replace")[-budget:].decode(errors="ignore")


class _Writer:
    """Writes one value; what had to be converted is kept, so that it is converted once."""

    def __init__(self) -> None:
        self._converted: dict[int, tuple[object, Any]] = {}

    def shape(self, value: object) -> Any:
        """`value` as a str, number, bool, None, or something with items."""
        kind = type(value)
        if value is None or kind in (str, int, float, bool, list, dict, tuple):
            return value
        if id(value) in self._converted:
            return self._converted[id(value)][1]
        try:
            made = self._convert(value)
        except Exception:
            made = f"<{kind.__name__}>"
        # The value is kept with its conversion: a freed one would give its id to another.
        self._converted[id(value)] = (value, made)
        return made

    def _convert(self, value: object) -> Any:
        if isinstance(value, Enum):
            return self.shape(value.value)
        for base in (bool, int, float, str):
            if isinstance(value, base):
                return base(value)
        if isinstance(value, (bytes, bytearray, memoryview)):
            return f"<{len(value):,} bytes starting {bytes(value[:24])!r}>"
        if isinstance(value, Iterator):
            return f"<{type(value).__name__}>"  # reading it would use it up
        if isinstance(value, Mapping):
            return dict(value)
        if isinstance(value, (list, tuple, Set)):
            return list(value)
        if dataclasses.is_dataclass(value) and not hasattr(value, "__pydantic_serializer__"):
            # Field by field, so that a large one is not converted as a whole.
            return {f.name: getattr(value, f.name) for f in dataclasses.fields(value)}
        made = to_jsonable(value)
        return made if isinstance(made, (str, int, float, bool, list, dict)) or made is None else str(made)

    # -- all of it -----------------------------------------------------------

    def whole(self, value: object, budget: int, depth: int = 0) -> str | None:
        """`value` written in full, or None when it needs more than `budget` bytes."""
        parts: list[str] = []
        return "".join(parts) if self._add(value, budget, parts, depth) >= 0 else None

    def _add(self, value: object, left: int, parts: list[str], depth: int) -> int:
        shape = self.shape(value)
        if isinstance(shape, str) and len(shape) > left:
            return -1
        if not isinstance(shape, (dict, list, tuple)):
            text = _scalar(shape)
            parts.append(text)
            return left - byte_length(text)
        if depth >= _DEPTH:
            return -1
        opening, closing = ("{", "}") if isinstance(shape, dict) else ("[", "]")
        parts.append(opening)
        left -= 2
        for i, (key, item) in enumerate(_items(shape)):
            if left < 0:
                return left
            lead = ("," if i else "") + key
            parts.append(lead)
            left = self._add(item, left - byte_length(lead), parts, depth + 1)
        parts.append(closing)
        return left

    # -- a part of it --------------------------------------------------------

    def part(self, value: object, budget: int, depth: int = 0) -> str:
        """`value` in about `budget` bytes."""
        whole = self.whole(value, budget, depth)
        if whole is not None:
            return whole
        shape = self.shape(value)
        if isinstance(shape, str):
            return quoted(_prefix(shape, budget - 5)) + "..." if budget > 8 else "..."
        if not isinstance(shape, (dict, list, tuple)):
            return _scalar(shape)
        opening, closing = ("{", "}") if isinstance(shape, dict) else ("[", "]")
        if depth >= _DEPTH or budget < _LEAST:
            return f"{opening}... {len(shape):,} {'items' if len(shape) != 1 else 'item'}{closing}"
        items, sizes = self._first(shape, budget - 18, depth)
        room = budget - 18 - sum(byte_length(key) + 1 for key, _ in items)
        written = []
        for (key, item), size, share in zip(items, sizes, fair_shares(sizes, max(0, room)), strict=True):
            if share < min(size, 8):
                continue
            written.append(key + self.part(item, share, depth + 1))
        if left_out := len(shape) - len(written):
            written.append(f"... {left_out:,} more")
        return opening + ",".join(written) + closing

    def _first(self, shape: Any, budget: int, depth: int) -> tuple[list[tuple[str, Any]], list[int]]:
        """The items to show and their sizes: every field of a record, of a list as many as fit.

        A few items in full say more than many with nothing in them, so an item counts up to a third of the budget.
        """
        record = isinstance(shape, dict) and len(shape) * _LEAST <= budget
        cap = max(_LEAST, budget if record and len(shape) <= 16 else budget // 3)
        items: list[tuple[str, Any]] = []
        sizes: list[int] = []
        used = 0
        for key, item in islice(_items(shape), budget // 2 + 1):
            whole = self.whole(item, cap, depth + 1)
            size = cap if whole is None else byte_length(whole)
            used += size + byte_length(key) + 1
            if used > budget and items and not record:
                break
            items.append((key, item))
            sizes.append(size)
        return items, sizes

    # -- how large it is -----------------------------------------------------

    def measure(self, value: object, most: int) -> tuple[int, bool]:
        """Bytes of `value` in full, and whether that is exact: no more than `most` parts of it are looked at."""
        total, nodes = 0, 0
        stack: list[Iterator[object]] = [iter((value,))]
        while stack:
            for item in stack[-1]:
                nodes += 1
                if nodes > most:
                    return total, False
                shape = self.shape(item)
                if isinstance(shape, str):
                    total += byte_length(shape) + 3
                elif isinstance(shape, dict):
                    nodes += len(shape)
                    keys = islice(shape, most)
                    total += 3 + sum(len(key) + 3 if isinstance(key, str) else 8 for key in keys)
                    stack.append(iter(shape.values()))
                    break
                elif isinstance(shape, (list, tuple)):
                    total += 3
                    stack.append(iter(shape))
                    break
                else:
                    total += len(_scalar(shape)) + 1
            else:
                stack.pop()
            if len(stack) > 1_000:
                return total, False
        return total, True


def _items(shape: Mapping[Any, Any] | Sequence[Any]) -> Iterable[tuple[str, Any]]:
    if isinstance(shape, Mapping):
        return (
            (f"{quoted(key if isinstance(key, str) else _key(key))}:", item) for key, item in shape.items()
        )
    return (("", item) for item in shape)


def _key(key: object) -> str:
    made = to_jsonable(key)
    return made if isinstance(made, str) else _scalar(made) if _is_scalar(made) else type(key).__name__


def _is_scalar(value: object) -> bool:
    return value is None or isinstance(value, (bool, int, float))


def _scalar(value: Any) -> str:
    if isinstance(value, str):
        return quoted(value)
    if isinstance(value, int) and not isinstance(value, bool) and value.bit_length() > 1_000:
        # Python refuses to write very long numbers, and no reader wants them.
        return f'"<a number of about {int(value.bit_length() * 0.30103) + 1:,} digits>"'
    return json.dumps(value)


__all__ = ["Excerpt", "byte_length", "excerpt", "fair_shares", "neutral", "one_line", "printable", "quoted"]
