"""What a call reads and changes: effect and resource keys as sets that can be compared. Pure."""

from __future__ import annotations

from collections.abc import Awaitable, Coroutine, Hashable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Literal

from ._fact import fact
from ._jsonable import describe_error
from .errors import ToolError

if TYPE_CHECKING:
    from .options import Effect
    from .tools import Tool

Keys = frozenset[Hashable] | None
"""Resource keys; None is everything there is."""

_NONE: frozenset[Hashable] = frozenset()


class _Undeclared:
    """Stands for whatever a call touches that declares nothing: only a write of everything overlaps it."""

    def __repr__(self) -> str:
        return "<undeclared>"


class _Some:
    def __repr__(self) -> str:
        return "<some key>"


_UNDECLARED = _Undeclared()
_IGNORED: frozenset[Hashable] = frozenset({_UNDECLARED})
SOME: frozenset[Hashable] = frozenset({_Some()})
"""Keys that are not known yet: any keys may be among them, but they are not everything."""


class BadResource(ValueError):
    """Something that is not a resource key, or keys."""


@fact
class Access:
    """The resource keys a call reads and those it writes."""

    reads: Keys = _NONE
    writes: Keys = _NONE

    @property
    def nothing(self) -> bool:
        """Whether the call can stand in nobody's way."""
        return self.reads is not None and not self.reads and self.writes is not None and not self.writes

    def conflicts(self, other: Access) -> bool:
        """Whether the order of the two calls matters: one writes what the other reads or writes."""
        return (
            _overlap(self.writes, other.writes)
            or _overlap(self.writes, other.reads)
            or _overlap(self.reads, other.writes)
        )

    def __or__(self, other: Access) -> Access:
        return Access(_union(self.reads, other.reads), _union(self.writes, other.writes))


def _overlap(a: Keys, b: Keys) -> bool:
    if a is None:
        return b is None or bool(b)
    if b is None:
        return bool(a)
    if a is SOME:
        return bool(b - _IGNORED)
    if b is SOME:
        return bool(a - _IGNORED)
    return not a.isdisjoint(b)


def _union(a: Keys, b: Keys) -> Keys:
    if a is None or b is None:
        return None
    return SOME if a is SOME or b is SOME else a | b


def union(accesses: Iterable[Access]) -> Access:
    """All that any of these touches."""
    every = list(accesses)
    return Access(_all_of([a.reads for a in every]), _all_of([a.writes for a in every]))


def _all_of(keys: list[Keys]) -> Keys:
    known = [k for k in keys if k is not None]
    if len(known) < len(keys):
        return None
    return SOME if any(k is SOME for k in known) else frozenset().union(*known)


def within(access: Access, most: Access) -> bool:
    """Whether `access` touches nothing that `most` does not."""
    return _within(access.reads, most.reads) and _within(access.writes, most.writes)


def _within(keys: Keys, of: Keys) -> bool:
    if of is None:
        return True
    return keys is not None and (of is SOME or keys <= of)


NOTHING = Access()
UNDECLARED = Access(reads=frozenset({_UNDECLARED}))
READS_ALL = Access(reads=None)
WRITES_ALL = Access(reads=None, writes=None)


def keys_of(resource: Any) -> frozenset[Hashable] | dict[str, frozenset[Hashable]]:
    """Resource keys from what a tool declares: a key, several, or `{"read": keys, "write": keys}`.

    A text is one key, as is any hashable thing that is not a list, set or tuple of keys; None is no key.

    Raises:
        BadResource: A key is not hashable, or the mapping has other entries.
    """
    if isinstance(resource, Mapping):
        if unknown := sorted(map(repr, set(resource) - {"read", "write"})):
            raise BadResource(f'a mapping may have "read" and "write", not {", ".join(unknown)}')
        return {kind: _flat(keys) for kind, keys in resource.items()}
    return _flat(resource)


def _flat(keys: Any) -> frozenset[Hashable]:
    if keys is None:
        return _NONE
    if isinstance(keys, (Iterator, Awaitable)):
        # Hashable, and equal to nothing but itself: taken for a key, it would silently order nothing.
        once = "is async" if isinstance(keys, Awaitable) else "can be read only once"
        if isinstance(keys, Coroutine):
            keys.close()
        raise BadResource(f"a value of type {type(keys).__name__} {once}; give a key, or a list of keys")
    if isinstance(keys, (list, tuple, set, frozenset)) or (
        isinstance(keys, Iterable) and not isinstance(keys, Hashable)
    ):
        several = list(keys)
    else:
        several = [keys]
    for key in several:
        try:
            hash(key)
        except Exception:  # of a `__hash__` of the user's own, too
            raise BadResource(
                f"the key {_shown(key)} is not hashable; use texts, numbers or tuples of them"
            ) from None
        try:
            itself = bool(key == key)  # NaN is not
        except Exception as e:  # of an `__eq__` of the user's own
            raise BadResource(f"the key {_shown(key)} can not be compared: {describe_error(e)}") from None
        if not itself:
            raise BadResource(
                f"the key {_shown(key)} is not equal to itself, so nothing would be ordered by it"
            )
    try:
        return frozenset(several)
    except Exception as e:
        raise BadResource(f"the keys can not be compared: {describe_error(e)}") from None


def _shown(key: Any) -> str:
    try:
        return repr(key)
    except Exception:
        return f"of type {type(key).__name__}"


def effect_of(tool: Tool, arguments: Mapping[str, Any]) -> Effect | None:
    """The effect of one call.

    Raises:
        ToolError: The tool's effect function raised, or gave something that is no effect.
    """
    effect = tool.options.effect
    if not callable(effect):
        return effect
    try:
        found = effect(**tool.with_defaults(arguments))
    except Exception as e:
        raise ToolError(f"the effect function of `{tool.name}` raised {describe_error(e)}") from e
    if found not in ("pure", "read", "write", None):
        raise ToolError(
            f"the effect function of `{tool.name}` gave {found!r}, not 'pure', 'read', 'write' or None"
        )
    return found


def access_of(
    tool: Tool, arguments: Mapping[str, Any], effect: Effect | Literal["unknown"] | None = "unknown"
) -> Access:
    """What the call with these (bound) arguments, and this effect where it is known already, reads and writes.

    A write without resource writes everything, a read without one reads everything, a pure call touches nothing.

    Raises:
        ToolError: The tool's effect or resource function raised, or gave something unusable.
    """
    found = _access(tool, effect_of(tool, arguments) if effect == "unknown" else effect, arguments)
    for other in _instead(tool):
        found |= _access(other, effect_of(other, arguments), arguments)
    return found


def _access(tool: Tool, effect: str | None, arguments: Mapping[str, Any] | None) -> Access:
    resource = tool.options.resource
    if effect == "pure":
        return NOTHING
    if resource is None:
        return WRITES_ALL if effect == "write" else READS_ALL if effect == "read" else UNDECLARED
    if callable(resource):
        if arguments is None:
            return Access(SOME, SOME) if effect == "write" else Access(SOME)
        try:
            resource = resource(**tool.with_defaults(arguments))
        except Exception as e:
            raise ToolError(f"the resource function of `{tool.name}` raised {describe_error(e)}") from e
        if resource is None:
            hint = "return a key, several, or [] for a call that touches nothing"
            raise ToolError(f"the resource function of `{tool.name}` gave None; {hint}")
    try:
        keys = keys_of(resource)
    except BadResource as e:
        raise ToolError(f"the resource of `{tool.name}` can not be used: {e}") from e
    if isinstance(keys, dict):
        if effect != "write" and keys.get("write"):
            raise ToolError(f"`{tool.name}` declares what it writes and is not effect='write'")
        return Access(keys.get("read", _NONE), keys.get("write", _NONE))
    if effect == "write":
        # A write may look at what it changes, too: reads of the same keys are in its way either way.
        return Access(_NONE, keys)
    return Access(keys) if effect == "read" else Access(keys | {_UNDECLARED})


def worst_access(tool: Tool) -> Access:
    """The most that any call of the tool may touch: for one whose arguments are not known yet."""
    found = NOTHING
    for one in (tool, *_instead(tool)):
        effect = one.options.effect
        try:
            found |= _access(one, "write" if callable(effect) else effect, None)
        except ToolError:  # static and unusable: its calls fail, and until then they stand in every way
            return WRITES_ALL
    return found


def is_static(tool: Tool) -> bool:
    """Whether every call of the tool touches the same."""
    return not any(
        callable(t.options.effect) or (t.options.effect != "pure" and callable(t.options.resource))
        for t in (tool, *_instead(tool))
    )


def _instead(tool: Tool) -> list[Tool]:
    """The fallbacks that may be called instead, as far as something is declared about their effect."""
    return [t for t in tool.fallbacks if not t.is_plain]
