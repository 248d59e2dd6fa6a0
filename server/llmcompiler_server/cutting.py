"""Large values made small enough to be kept and sent: the largest parts of them are cut, and say so."""

from __future__ import annotations

from typing import Any

from llmcompiler._jsonable import dumps

_DEEPEST = 60
_LEAST = 40
"""Bytes that any value may have: room for the note itself."""


def size(value: Any) -> int:
    """Bytes of a JSON value as text."""
    return len(dumps(value).encode())


def cut(value: Any, most: int) -> Any:
    """A JSON value of about `most` bytes: itself where it fits, else with its largest parts cut and a note in each.

    What is small in it stays whole: the room that is left is shared among the large parts alone.
    """
    return value if size(value) <= most else _cut(value, most, 0)


def _cut(value: Any, most: int, depth: int) -> Any:
    most = max(most, _LEAST)
    if isinstance(value, str):
        return _cut_text(value, most)
    if not value or not isinstance(value, (dict, list)) or depth > _DEEPEST:
        return _note(f"a value of {size(value):,} bytes")
    items = list(value.items()) if isinstance(value, dict) else list(enumerate(value))
    sizes = {k: size(v) + (size(k) if isinstance(k, str) else 0) + 4 for k, v in items}
    whole, room = set(), most
    for at, key in enumerate(sorted(sizes, key=sizes.__getitem__)):
        if sizes[key] > room / (len(items) - at):
            break
        whole.add(key)
        room -= sizes[key]
    large = len(items) - len(whole)
    shown = min(large, max(room // (4 * _LEAST), 1))
    share = room // max(shown, 1)
    made: list[tuple[Any, Any]] = []
    left_out = 0
    for key, v in items:
        if key in whole:
            made.append((key, v))
        elif shown:
            shown -= 1
            name = _cut_text(key, share // 2) if isinstance(key, str) and len(key) > share // 4 else key
            made.append((name, _cut(v, share - (size(name) if isinstance(name, str) else 0), depth + 1)))
        else:
            left_out += 1
    if isinstance(value, dict):
        return dict(made) | ({"…": _note(f"{left_out:,} more members")} if left_out else {})
    return [v for _, v in made] + ([_note(f"{left_out:,} more items")] if left_out else [])


def _cut_text(text: str, most: int) -> str:
    room = most - 2
    if size(text) <= most:
        return text
    kept = text[: max(room - 32, 0)]
    while kept and (taken := size(kept)) > max(room - 32, 0):
        kept = kept[: min(len(kept) - 1, int(len(kept) * (room - 32) / taken))]
    return kept + _note(f"{len(text) - len(kept):,} characters")


def _note(what: str) -> str:
    return f"… [cut: {what}]"


__all__ = ["cut", "size"]
