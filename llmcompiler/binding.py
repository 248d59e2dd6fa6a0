"""From results to what a task makes of them: the arguments of its call, the items of its `for`, the truth of its `if`.

Results are data: nothing in them is ever read as a reference. Nothing here knows tasks but the one at hand.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence, Set, ValuesView
from itertools import islice
from typing import Any

from pydantic import BaseModel, RootModel

from ._jsonable import describe_error, to_text
from .errors import ArgumentError, ReferenceFailed, ToolError
from .guards import Guard, decide
from .parameters import MISSING
from .plan import Each, Task
from .tools import Tool
from .values import Ref, Template, Value, Var


def look_up(ref: Ref, results: Mapping[int, Any]) -> Any:
    """The value `ref` names.

    Only data is reached: keys, items and declared fields; no attributes, methods or names that begin with `_`.

    Raises:
        ReferenceFailed: The result does not have it.
    """
    try:
        value = results[ref.task]
    except KeyError:
        raise ReferenceFailed(str(ref), f"task {ref.task} has no result") from None
    return _follow(value, ref)


def _follow(value: Any, name: Ref | Var) -> Any:
    """The part of `value` that the path of `name` leads to."""
    for done, step in enumerate(name.path):
        try:
            value = _step(value, step)
        except (KeyError, IndexError, TypeError, AttributeError):
            at = dataclasses.replace(name, path=name.path[:done])
            raise ReferenceFailed(str(name), f"`{at}` is {_what(value)} and has no {step!r}") from None
        except Exception as e:  # a computed field, or a mapping of the user's own
            raise ReferenceFailed(str(name), f"reading {step!r} raised {describe_error(e)}") from e
    return value


def _step(value: Any, step: str | int) -> Any:
    if isinstance(value, RootModel):
        value = value.root
    if isinstance(value, Mapping):
        # Looked for first: a defaultdict would make up what is not there.
        for key in (step, str(step)):
            if key in value:
                return value[key]
        raise KeyError(step)
    if isinstance(step, int):
        if isinstance(value, Sequence) and not isinstance(value, (str, bytes, bytearray)):
            return value[step]
        raise TypeError(step)
    if step.startswith("_"):
        raise KeyError(step)
    if isinstance(value, BaseModel):
        return _field(value, step)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        if any(f.name == step for f in dataclasses.fields(value)):
            return getattr(value, step)
        raise KeyError(step)
    if isinstance(value, tuple) and step in getattr(value, "_fields", ()):
        return getattr(value, step)
    raise TypeError(step)


def _field(value: BaseModel, step: str) -> Any:
    kind = type(value)
    if step in kind.model_fields or step in kind.model_computed_fields:
        return getattr(value, step)
    extra = value.model_extra or {}
    if step in extra:
        return extra[step]  # not getattr: an extra field may bear the name of a method
    for name, info in kind.model_fields.items():
        if step in (info.alias, info.serialization_alias):
            return getattr(value, name)
    for name, computed in kind.model_computed_fields.items():
        if step == computed.alias:
            return getattr(value, name)
    raise KeyError(step)


def _what(value: Any) -> str:
    if isinstance(value, Mapping):
        keys = [str(k) for k in list(value)[:8]]
        return f"a record with {', '.join(keys)}" if keys else "an empty record"
    if isinstance(value, BaseModel):
        return f"a {type(value).__name__} with {', '.join(type(value).model_fields)}"
    if isinstance(value, (list, tuple)) and not hasattr(value, "_fields"):
        return f"a list of {len(value)}"
    return f"a value of type {type(value).__name__}"


_SCALARS = frozenset({str, int, float, bool, type(None)})


def resolve(value: Value, results: Mapping[int, Any], item: Any = MISSING) -> Any:
    """`value` with references replaced by results, loop variables by `item` and templates by text.

    Raises:
        ReferenceFailed: A result or the item does not have what is referred to, or there is no item.
    """
    kind = type(value)
    if kind is Ref:
        if not value.path and value.task in results:
            return results[value.task]
        return look_up(value, results)
    if kind in _SCALARS:
        return value
    if kind is Var:
        if item is MISSING:
            raise ReferenceFailed(str(value), "it names no task, and only a `for` task has a loop variable")
        return _follow(item, value) if value.path else item
    if kind is list:
        return [v if type(v) in _SCALARS else resolve(v, results, item) for v in value]
    if kind is Template:
        return "".join(p if isinstance(p, str) else to_text(resolve(p, results, item)) for p in value.parts)
    if isinstance(value, tuple):
        return [resolve(v, results, item) for v in value]
    if isinstance(value, Mapping):
        return {k: resolve(v, results, item) for k, v in value.items()}
    return value


def bind(task: Task, tool: Tool, results: Mapping[int, Any], item: Any = MISSING) -> dict[str, Any]:
    """The arguments of the call, resolved, validated and coerced; of a `for` task, those of the call for `item`.

    Raises:
        ReferenceFailed: A result or the item does not have what is referred to.
        ArgumentError: The values do not fit the tool's schema.
    """
    out: dict[str, Any] = {}
    problems: list[str] | None = None
    validators = tool.validators
    for name, value in task.args.items():
        resolved = value if type(value) in _SCALARS else resolve(value, results, item)
        validate = validators.get(name)
        if validate is None:
            out[name] = resolved
            continue
        try:
            out[name] = validate(resolved)
        except ValueError as e:
            problems = problems or []
            source = f" (from {value})" if isinstance(value, (Ref, Var)) else ""
            problems.append(f"`{name}`{source}: " + str(e).replace("\n", "; "))
    if problems:
        raise ArgumentError(tool.name, problems)
    return out


def holds(guard: Guard, results: Mapping[int, Any], item: Any = MISSING) -> bool:
    """Whether the condition of an `if` task is true; of a `for` task, whether it is for `item`. See `guards.decide`.

    Raises:
        GuardFailed: It compares things that can not be compared.
        ReferenceFailed: A result or the item does not have what is referred to.
    """
    return decide(guard, lambda value: resolve(value, results, item))


# -- items -------------------------------------------------------------------

MOST_ITEMS = 1_000_000
"""Items that are read of a range or a list of the user's own making, at most. What a `for` may expand to is limited
far below that, and elsewhere; this is here so that looking at `range(10**12)` does not fill the memory."""


def items(each: Each, results: Mapping[int, Any]) -> list[Any]:
    """The items a `for` task goes through, in order, in a list of their own.

    Lists, tuples, ranges and other sequences, views of a dict, records that wrap one of these (`RootModel`), and sets.
    A set is sorted, or ordered by what its items look like, so that the order is the same each time.

    Raises:
        ToolError: There is something else, or the list's own code raised.
        ReferenceFailed: A result does not have what is referred to.
    """
    value = resolve(each.source, results)
    if type(value) is list:
        return value.copy()
    while isinstance(value, RootModel):
        value = value.root
    if _is_record(value):
        raise _no_list(each, value)
    if isinstance(value, (set, frozenset)):
        return _in_order(value)
    if isinstance(value, (str, bytes, bytearray, memoryview)):
        raise _no_list(each, value)
    if not isinstance(value, (Sequence, Set, ValuesView)):
        raise _no_list(each, value)
    try:
        found = list(islice(value, MOST_ITEMS + 1))
    except Exception as e:  # a sequence of the user's own
        raise ToolError(f"`{_loop(each)}`: reading the items raised {describe_error(e)}") from e
    if len(found) > MOST_ITEMS:
        raise ToolError(f"`{_loop(each)}` has more than {MOST_ITEMS:,} items: let the tool give fewer")
    return found


def _is_record(value: Any) -> bool:
    return (
        isinstance(value, (Mapping, BaseModel))
        or (dataclasses.is_dataclass(value) and not isinstance(value, type))
        or (isinstance(value, tuple) and hasattr(value, "_fields"))
    )


def _in_order(value: set[Any] | frozenset[Any]) -> list[Any]:
    try:
        # Sets are ordered by inclusion, and numbers that are none not at all: sorting would leave them as they come.
        if all(v == v and not isinstance(v, frozenset) for v in value):
            return sorted(value)
    except Exception:  # noqa: S110 - of several types, or of one without an order
        pass
    return sorted(value, key=_looks)


def _looks(value: Any) -> tuple[str, str]:
    if isinstance(value, frozenset):
        return "frozenset", str(sorted(map(_looks, value)))
    return type(value).__name__, to_text(value)


def _no_list(each: Each, value: Any) -> ToolError:
    source = each.source
    what, way_out = _what(value), "let the tool return a list"
    if isinstance(value, str):
        what, way_out = "a text", "let a tool split it into a list"
    elif value is None:
        what, way_out = "nothing", "let the tool return an empty list where there is nothing"
    elif isinstance(value, Iterator):
        way_out = "what it gives can be read only once: let the tool return a list"
    elif _is_record(value):
        way_out = "go through a field of it that is a list, or let a tool make one of it"
        if isinstance(source, Ref):
            lists = [str(Ref(source.task, (*source.path, name))) for name in _lists_of(value)]
            if lists:
                way_out = f"did you mean `{'` or `'.join(lists[:8])}`?"
    where = f"`{source}` is " if isinstance(source, (Ref, Var)) else ""
    return ToolError(f"`{_loop(each)}`: {where}{what}, not a list; {way_out}")


def _lists_of(record: Any) -> list[str | int]:
    """The fields of a record that hold lists."""
    if isinstance(record, Mapping):
        fields = {k: record[k] for k in record if isinstance(k, (str, int))}
    elif isinstance(record, BaseModel):
        fields = {k: getattr(record, k, None) for k in type(record).model_fields}
    elif isinstance(record, tuple):
        fields = {k: getattr(record, k, None) for k in getattr(record, "_fields", ())}
    else:
        fields = {f.name: getattr(record, f.name, None) for f in dataclasses.fields(record)}
    return [
        k for k, v in fields.items() if isinstance(v, (list, tuple, set, frozenset)) and not _is_record(v)
    ]


def _loop(each: Each) -> str:
    from .language import print_value

    try:
        source = print_value(each.source)
    except (TypeError, ValueError):  # made by hand, of what the language can not spell
        source = "..."
    return f"for {each.name} in {source if len(source) <= 60 else source[:57] + '...'}"
