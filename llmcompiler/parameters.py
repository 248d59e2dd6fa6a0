"""The parameters of a tool: from Python hints or from a JSON schema, each able to validate one value.

Nothing here calls the tool or knows of plans.
"""

from __future__ import annotations

import contextlib
import functools
import inspect
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import ConfigDict, PydanticUserError, TypeAdapter, ValidationError
from pydantic.errors import PydanticSchemaGenerationError

from ._jsonable import describe_error, to_jsonable
from .context import ToolContext
from .errors import ToolDefinitionError
from .openness import ResultSchema, gives_other, takes_more

MISSING: Any = inspect.Parameter.empty
"""The default of a parameter that must be given."""

_PLAIN = (str, int, float, bool, type(None), list, dict)


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter of a tool."""

    name: str
    schema: Mapping[str, Any]
    """Its JSON schema; `$ref`s point into the tool's `$defs`."""
    required: bool = True
    """Whether a call must give it."""
    default: Any = MISSING
    """What the function takes when it is not given; `MISSING` where nothing is passed on."""
    description: str = ""
    validate: Callable[[Any], Any] = field(default=lambda v: v, repr=False, compare=False)
    """The value, coerced. Raises ValueError with the reasons, one a line."""
    takes_text: bool = True
    """Whether a string can be a value of it."""
    takes_more: bool = False
    """Whether it may take values that its schema does not show."""


@dataclass(frozen=True, slots=True)
class Description:
    """What the hints of a function say."""

    parameters: tuple[Parameter, ...]
    defs: Mapping[str, Any]
    returns: Mapping[str, Any] | None
    """JSON schema of the result, where there is one."""
    gives_other: bool = False
    """Whether results may differ from what `returns` shows."""
    context: str | None = None
    """The name of the parameter for the `ToolContext`."""


def _reasons(error: ValidationError) -> str:
    lines = []
    for e in error.errors(include_url=False, include_context=False)[:5]:
        where = ".".join(str(p) for p in e["loc"])
        given = repr(e["input"])
        given = given if len(given) <= 60 else given[:57] + "..."
        lines.append(f"{where + ': ' if where else ''}{e['msg']}, not {given}")
    return "\n".join(lines)


def _adapter(hint: Any) -> TypeAdapter[Any]:
    # A model that writes zip=94110 for a string means "94110". Types with a config of their own refuse another one.
    try:
        return TypeAdapter(hint, config=ConfigDict(coerce_numbers_to_str=True))
    except PydanticUserError:
        return TypeAdapter(hint)


def _hint_validator(adapter: TypeAdapter[Any]) -> Callable[[Any], Any]:
    check = adapter.validator.validate_python

    def validate(value: Any) -> Any:
        try:
            return check(value)
        except ValidationError as first:
            # A record where a dict (or another record of the same shape) is wanted: its JSON form may fit.
            if not isinstance(value, _PLAIN):
                with contextlib.suppress(Exception):
                    return check(to_jsonable(value))
            raise ValueError(_reasons(first)) from None
        except Exception as e:  # a validator of the user's own
            raise ValueError(describe_error(e)) from e

    return validate


def from_function(name: str, func: Callable[..., Any], scope: Mapping[str, Any] | None = None) -> Description:
    """What the hints and defaults of a typed function say.

    Args:
        name: The tool's name.
        func: The function.
        scope: Names beside those of its module that its hints may use.

    Raises:
        ToolDefinitionError: A hint is missing or has no schema, a default does not fit, the signature can not be
            called by name.
    """
    try:
        signature = inspect.signature(func)
    except (TypeError, ValueError) as e:
        raise ToolDefinitionError(name, f"has no readable signature ({e})", "use Tool.from_schema") from None
    while isinstance(func, functools.partial):
        func = func.func
    target = inspect.unwrap(func)
    if not inspect.isroutine(target):
        # A callable object: its own annotations are those of its class's attributes.
        target = inspect.unwrap(type(target).__call__)
    try:
        try:
            hints = typing.get_type_hints(target, include_extras=True)
        except NameError:
            hints = typing.get_type_hints(target, localns=dict(scope or {}), include_extras=True)
    except Exception as e:  # whatever evaluating an annotation raises
        hint_text = (
            "its types are looked up in its module and where tool() is called: define or import them there"
        )
        raise ToolDefinitionError(name, f"has a type hint that can not be resolved: {e}", hint_text) from None

    adapters: dict[str, TypeAdapter[Any]] = {}
    defaults: dict[str, Any] = {}
    context: str | None = None
    for p in signature.parameters.values():
        if p.kind in (p.VAR_POSITIONAL, p.VAR_KEYWORD):
            star = "*" if p.kind is p.VAR_POSITIONAL else "**"
            raise ToolDefinitionError(
                name, f"takes {star}{p.name}", "name every parameter, or use Tool.from_schema"
            )
        if p.name not in hints:
            extra = (
                "; for a method, decorate the bound one: tool(obj.method)"
                if p.name in ("self", "cls")
                else ""
            )
            raise ToolDefinitionError(
                name, f"parameter `{p.name}` has no type hint", f"write `{p.name}: str`, say{extra}"
            )
        hint = hints[p.name]
        if _is_context(hint):
            context = p.name
            continue
        try:
            adapters[p.name] = _adapter(hint)
        except (PydanticSchemaGenerationError, PydanticUserError) as e:
            first = str(e).splitlines()[0]
            raise ToolDefinitionError(
                name, f"parameter `{p.name}` has a type without a schema: {first}"
            ) from None
        defaults[p.name] = p.default
        if p.default is not MISSING:
            try:
                adapters[p.name].validate_python(p.default)
            except Exception as e:  # a validator of the user's own may raise anything
                reasons = _reasons(e) if isinstance(e, ValidationError) else describe_error(e)
                hint_text = (
                    "write `| None` after its type" if p.default is None else "change the default or the hint"
                )
                raise ToolDefinitionError(
                    name, f"the default of `{p.name}` does not fit its type: {reasons}", hint_text
                ) from None

    try:
        by_key, definitions = TypeAdapter.json_schemas(
            [(k, "validation", a) for k, a in adapters.items()], ref_template="#/$defs/{model}"
        )
    except Exception as e:  # pydantic raises several kinds here
        first = str(e).splitlines()[0]
        raise ToolDefinitionError(name, f"has a parameter without a JSON schema: {first}") from None
    defs = dict(definitions.get("$defs", {}))
    texts = {k: str(by_key[k, "validation"].get("description", "")) for k in adapters}
    params = tuple(
        Parameter(
            k,
            dict(by_key[k, "validation"]),
            defaults[k] is MISSING,
            defaults[k],
            texts[k],
            _hint_validator(a),
            _takes_text(a),
            takes_more(a),
        )
        for k, a in adapters.items()
    )
    returns, other = _return_schema(hints)
    return Description(params, defs, returns, other, context)


def _is_context(hint: Any) -> bool:
    return hint is ToolContext or ToolContext in typing.get_args(hint)


def _takes_text(adapter: TypeAdapter[Any]) -> bool:
    try:
        return isinstance(adapter.validate_python("\x00 no number", strict=False), str)
    except ValidationError as e:
        # A constrained string (pattern, enum, length) still takes text; a number or list does not.
        return any(
            x["type"].startswith(("string_", "literal", "enum")) for x in e.errors(include_url=False)
        ) and all(x["type"] != "string_type" for x in e.errors(include_url=False))
    except Exception:  # a user's validator may raise anything
        return True


def _return_schema(hints: Mapping[str, Any]) -> tuple[dict[str, Any] | None, bool]:
    if "return" not in hints or hints["return"] is Any:
        return None, False
    try:
        adapter = TypeAdapter(hints["return"])
        schema = adapter.json_schema(mode="serialization", schema_generator=ResultSchema)
        return schema, gives_other(adapter)
    except Exception:  # a result needs no schema: it is only shown to the planner
        return None, False


def from_json_schema(
    name: str, schema: Mapping[str, Any]
) -> tuple[tuple[Parameter, ...], dict[str, Any], bool]:
    """Parameters, `$defs` and whether unknown arguments are allowed, of a JSON schema of an object.

    Raises:
        ToolDefinitionError: Not a JSON schema, or not of an object.
    """
    try:
        from jsonschema import SchemaError
        from jsonschema.validators import validator_for
    except ImportError as e:  # pragma: no cover - a base dependency
        raise ToolDefinitionError(name, "needs the package jsonschema") from e

    if not isinstance(schema, Mapping) or schema.get("type", "object") != "object":
        raise ToolDefinitionError(
            name, "its schema is not of an object", 'start with {"type": "object", "properties": ...}'
        )
    kind = validator_for(schema)
    try:
        kind.check_schema(dict(schema))
    except SchemaError as e:
        raise ToolDefinitionError(name, f"its schema is not a valid JSON schema: {e.message}") from None
    required = set(schema.get("required", ()))
    properties = schema.get("properties", {})
    if unknown := sorted(required - set(properties)):
        raise ToolDefinitionError(name, f"its schema requires {unknown} but does not describe them")
    shared = {k: schema[k] for k in ("$defs", "definitions", "$schema") if k in schema}
    params = []
    # Required ones first, so that positional arguments mean what a caller expects.
    for key in sorted(properties, key=lambda k: k not in required):
        sub = properties[key] if isinstance(properties[key], Mapping) else {}
        params.append(
            Parameter(
                key,
                dict(sub),
                key in required,
                sub.get("default", MISSING),
                str(sub.get("description", "")),
                _schema_validator(kind({**shared, "allOf": [properties[key]]}), sub),
                _schema_takes_text(sub),
            )
        )
    defs = dict(schema.get("$defs", {})) | dict(schema.get("definitions", {}))
    return tuple(params), defs, bool(schema.get("additionalProperties", False))


def _types(schema: Mapping[str, Any]) -> set[str]:
    kinds = schema.get("type", ())
    return {kinds} if isinstance(kinds, str) else set(kinds)


def _schema_takes_text(schema: Mapping[str, Any]) -> bool:
    kinds = _types(schema)
    return not kinds or "string" in kinds


def _schema_validator(validator: Any, schema: Mapping[str, Any]) -> Callable[[Any], Any]:
    kinds = _types(schema)

    def validate(value: Any) -> Any:
        value = _coerce(to_jsonable(value) if not isinstance(value, _PLAIN) else value, kinds)
        try:
            found = list(validator.iter_errors(to_jsonable(value)))
        except Exception as error:  # a `$ref` that leads nowhere, a pattern that is none
            raise ValueError(f"its schema can not be used: {describe_error(error)}") from error
        errors = sorted(found, key=lambda e: list(map(str, e.absolute_path)))
        if errors:
            lines = []
            for e in errors[:5]:
                where = ".".join(str(p) for p in e.absolute_path)
                lines.append(f"{where + ': ' if where else ''}{e.message[:200]}")
            raise ValueError("\n".join(lines))
        return value

    return validate


def _coerce(value: Any, kinds: set[str]) -> Any:
    """The few conversions that lose nothing: numbers and booleans written as text, and numbers where text is wanted."""
    if isinstance(value, str) and "string" not in kinds:
        text = value.strip()
        for kind, convert in (("integer", int), ("number", float)):
            if kind in kinds:
                try:
                    return convert(text)
                except (ValueError, OverflowError):
                    pass
        if "boolean" in kinds and text.lower() in ("true", "false"):
            return text.lower() == "true"
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        if kinds == {"string"}:
            return str(value)
        if "integer" in kinds and "number" not in kinds and isinstance(value, float) and value.is_integer():
            return int(value)
    return value
