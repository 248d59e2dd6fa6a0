"""Arguments of a call from the results it refers to. Results are data: nothing in them is ever read as a reference."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel, RootModel

from ._jsonable import describe_error, to_text
from .errors import ArgumentError, ReferenceFailed
from .plan import Task
from .tools import Tool
from .values import Ref, Template, Value


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
    for done, step in enumerate(ref.path):
        try:
            value = _step(value, step)
        except (KeyError, IndexError, TypeError, AttributeError):
            at = Ref(ref.task, ref.path[:done])
            raise ReferenceFailed(str(ref), f"`{at}` is {_what(value)} and has no {step!r}") from None
        except Exception as e:  # a computed field, or a mapping of the user's own
            raise ReferenceFailed(str(ref), f"reading {step!r} raised {describe_error(e)}") from e
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


def resolve(value: Value, results: Mapping[int, Any]) -> Any:
    """`value` with references replaced by results and templates by text.

    Raises:
        ReferenceFailed: A result does not have what is referred to.
    """
    kind = type(value)
    if kind is str or kind is int or kind is float or kind is bool or value is None:
        return value
    if kind is Ref:
        if not value.path and value.task in results:
            return results[value.task]
        return look_up(value, results)
    if kind is list:
        return [resolve(v, results) for v in value]
    if kind is Template:
        return "".join(p if isinstance(p, str) else to_text(resolve(p, results)) for p in value.parts)
    if isinstance(value, tuple):
        return [resolve(v, results) for v in value]
    if isinstance(value, Mapping):
        return {k: resolve(v, results) for k, v in value.items()}
    return value


def bind(task: Task, tool: Tool, results: Mapping[int, Any]) -> dict[str, Any]:
    """The arguments of the call, resolved, validated and coerced.

    Raises:
        ReferenceFailed: A result does not have what is referred to.
        ArgumentError: The values do not fit the tool's schema.
    """
    out: dict[str, Any] = {}
    problems: list[str] | None = None
    validators = tool.validators
    for name, value in task.args.items():
        resolved = resolve(value, results)
        validate = validators.get(name)
        if validate is None:
            out[name] = resolved
            continue
        try:
            out[name] = validate(resolved)
        except ValueError as e:
            problems = problems or []
            source = f" (from {value})" if isinstance(value, Ref) else ""
            problems.append(f"`{name}`{source}: " + str(e).replace("\n", "; "))
    if problems:
        raise ArgumentError(tool.name, problems)
    return out
