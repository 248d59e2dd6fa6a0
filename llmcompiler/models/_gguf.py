"""The beginning of a GGUF file: enough to say what it is before the engine gets it. Tensors are not read here."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any

from ..errors import ConfigurationError

if TYPE_CHECKING:
    from pathlib import Path

_HEAD = 64 * 1024
"""Bytes read. What describes a model comes first; the vocabulary that follows is not wanted."""

_NUMBERS = {
    0: "<B",
    1: "<b",
    2: "<H",
    3: "<h",
    4: "<I",
    5: "<i",
    6: "<f",
    7: "<?",
    10: "<Q",
    11: "<q",
    12: "<d",
}
_STRING, _LIST = 8, 9


def read_metadata(path: Path) -> dict[str, Any]:
    """The numbers and texts at the beginning of the file's metadata, as far as it was read.

    Raises:
        ConfigurationError: There is no such file, it can not be read, or it is not a GGUF file.
    """
    try:
        with path.open("rb") as stream:
            head = stream.read(_HEAD)
    except OSError as error:
        raise ConfigurationError(
            f"the file {str(path)!r} can not be read: {error.strerror or error}"
        ) from None
    if head[:4] != b"GGUF":
        raise ConfigurationError(f"{str(path)!r} is not a GGUF file: llama.cpp needs a model in that format")
    found: dict[str, Any] = {}
    try:
        (count,) = struct.unpack_from("<Q", head, 16)
        at = 24
        for _ in range(min(count, 1000)):
            key, at = _string(head, at)
            (kind,) = struct.unpack_from("<I", head, at)
            at += 4
            if kind == _STRING:
                found[key], at = _string(head, at)
            elif kind in _NUMBERS:
                (found[key],) = struct.unpack_from(_NUMBERS[kind], head, at)
                at += struct.calcsize(_NUMBERS[kind])
            elif kind == _LIST:
                at = _after_list(head, at)
            else:
                break
    except (struct.error, IndexError):
        pass  # cut off: what was found stands, and the engine judges the rest
    return found


def _string(head: bytes, at: int) -> tuple[str, int]:
    (length,) = struct.unpack_from("<Q", head, at)
    end = at + 8 + length
    if end > len(head):
        raise IndexError(end)
    return head[at + 8 : end].decode("utf-8", "replace"), end


def _after_list(head: bytes, at: int) -> int:
    kind, count = struct.unpack_from("<IQ", head, at)
    at += 12
    if kind in _NUMBERS:
        at += struct.calcsize(_NUMBERS[kind]) * count
    elif kind == _STRING:
        for _ in range(count):
            _, at = _string(head, at)
    else:
        raise IndexError(at)
    return at
