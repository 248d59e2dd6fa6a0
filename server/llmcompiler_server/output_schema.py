"""A JSON schema that a client gave, as the type that the answer must have.

The schema comes from outside, and so may the text that it is held against: nothing in it may reach out, grow without
bound or take more than linear time.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Iterator, Mapping
from typing import Annotated, Any

from jsonschema import Draft202012Validator, SchemaError
from jsonschema.exceptions import ValidationError
from jsonschema.validators import extend
from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, PydanticCustomError, SchemaValidator, core_schema
from pydantic_core import SchemaError as CoreSchemaError
from pydantic_core import ValidationError as CoreValidationError

from llmcompiler._jsonable import dumps, to_jsonable

from .problems import Problem

MOST = 20_000
"""Characters of a schema, once its references are filled in."""
DEEPEST = 40
PATTERNS = 50
WORK = 300_000
"""Values in an answer times parts of its schema, at most: checking takes seconds at worst, while everybody waits."""
_NOT_HERE = ("$dynamicRef", "$recursiveRef", "unevaluatedProperties", "unevaluatedItems")
_NAMES = frozenset(
    {"$id", "$anchor", "$dynamicAnchor", "$recursiveAnchor", "$schema", "$comment", "$vocabulary"}
)
"""Keywords that only matter to whoever refers to them from elsewhere."""
_PLAIN = frozenset({"const", "enum", "default", "examples"})
"""Keywords whose values are data and no schemas."""
_NAMED = frozenset({"properties", "patternProperties", "$defs", "definitions", "dependentSchemas"})
"""Keywords whose values hold a schema for each name."""


def output_type(schema: Mapping[str, Any]) -> Any:
    """The type to give to `LLMCompiler.start(output_type=...)`.

    Raises:
        Problem: 422 `bad-schema`: it is no JSON schema, refers elsewhere or to itself, or is too large.
    """
    try:
        whole = _Filling(schema).fill(schema, (), 0)
        whole.pop("$defs", None)
        whole.pop("definitions", None)
        Draft202012Validator.check_schema(whole)
        patterns = set(_patterns(whole))
        if len(patterns) > PATTERNS:
            raise _bad(f"it has {len(patterns)} patterns; {PATTERNS} are allowed")
        for pattern in patterns:
            _compiled(pattern)
    except SchemaError as e:
        raise _bad(f"at {_place(e.path)}: {e.message[:300]}") from None
    except RecursionError:
        raise _bad(f"it is nested more than {DEEPEST} deep") from None
    return Annotated[Any, _Schema(whole)]


class _Filling:
    """Puts what `$ref` names in its place: no validator or model ever has to look anything up."""

    def __init__(self, root: Mapping[str, Any]) -> None:
        self.root = root
        self.left = MOST

    def fill(self, schema: Any, inside: tuple[str, ...], depth: int) -> Any:
        if depth > DEEPEST:
            raise _bad(f"it is nested more than {DEEPEST} deep")
        self._spend(8)
        if not isinstance(schema, dict):
            return schema
        made: dict[str, Any] = {}
        for key, value in schema.items():
            self._spend(len(key) + 4)
            if key in _NOT_HERE:
                raise _bad(f"`{key}` is not supported")
            if key in _NAMES:
                continue
            if key == "$ref":
                made.update(self._named(value, inside, depth))
            elif key in ("$defs", "definitions") and not inside and depth == 0:
                continue
            elif key in _PLAIN or not isinstance(value, (dict, list)):
                self._spend(len(dumps(value)))
                made[key] = value
            elif key in _NAMED and isinstance(value, dict):
                self._spend(sum(map(len, value)))
                made[key] = {name: self.fill(sub, inside, depth + 1) for name, sub in value.items()}
            elif isinstance(value, list):
                made[key] = [self.fill(sub, inside, depth + 1) for sub in value]
            else:
                made[key] = self.fill(value, inside, depth + 1)
        return made

    def _named(self, name: Any, inside: tuple[str, ...], depth: int) -> dict[str, Any]:
        if not isinstance(name, str) or not name.startswith("#/"):
            raise _bad(
                f"`$ref` to {str(name)[:100]!r}: only parts of the schema itself, such as `#/$defs/Name`"
            )
        if name in inside:
            raise _bad(
                f"`$ref` to {name[:100]!r} leads back to itself; say how deep it goes by writing it out"
            )
        found: Any = self.root
        for step in name[2:].split("/"):
            step = step.replace("~1", "/").replace("~0", "~")
            if not isinstance(found, dict) or step not in found:
                raise _bad(f"`$ref` to {name[:100]!r}: there is no such part")
            found = found[step]
        filled = self.fill(found, (*inside, name), depth + 1)
        return filled if isinstance(filled, dict) else ({} if filled is True else {"not": {}})

    def _spend(self, characters: int) -> None:
        self.left -= characters
        if self.left < 0:
            raise _bad(f"it is longer than {MOST:,} characters once its references are filled in")


def _patterns(schema: Any) -> Iterator[str]:
    if isinstance(schema, list):
        for sub in schema:
            yield from _patterns(sub)
    elif isinstance(schema, dict):
        for key, value in schema.items():
            if key == "pattern" and isinstance(value, str):
                yield value
            elif key == "patternProperties" and isinstance(value, dict):
                yield from value
            if key in _NAMED and isinstance(value, dict):
                yield from (p for sub in value.values() for p in _patterns(sub))
            elif key not in _PLAIN:
                yield from _patterns(value)


@functools.lru_cache(256)
def _compiled(pattern: str) -> SchemaValidator:
    # pydantic's expressions take linear time; Python's would let a client stop the whole service with one.
    try:
        return SchemaValidator(core_schema.str_schema(pattern=pattern, regex_engine="rust-regex"))
    except CoreSchemaError:
        raise _bad(
            f"the pattern {pattern[:100]!r} is none, or looks ahead or back, which is not supported"
        ) from None


def _matches(pattern: str, text: str) -> bool:
    try:
        _compiled(pattern).validate_python(text)
    except CoreValidationError:
        return False
    return True


def _check_pattern(_: Any, pattern: Any, instance: Any, __: Any) -> Iterator[ValidationError]:
    if isinstance(instance, str) and not _matches(pattern, instance):
        yield ValidationError(f"it does not match {pattern!r}")


def _check_pattern_properties(validator: Any, named: Any, instance: Any, _: Any) -> Iterator[ValidationError]:
    if isinstance(instance, dict):
        for pattern, sub in named.items():
            for key, value in instance.items():
                if _matches(pattern, key):
                    yield from validator.descend(value, sub, path=key, schema_path=pattern)


def _check_unique(_: Any, wanted: Any, instance: Any, __: Any) -> Iterator[ValidationError]:
    # The library compares every two of them.
    if wanted is not True or not isinstance(instance, list):
        return
    if len({json.dumps(item, sort_keys=True) for item in instance}) < len(instance):
        yield ValidationError("its items are not unlike each other")


def _count(value: Any) -> int:
    count, left = 0, [value]
    while left:
        v = left.pop()
        count += 1
        if isinstance(v, dict):
            left.extend(v.values())
        elif isinstance(v, list):
            left.extend(v)
    return count


def _check_additional(validator: Any, extra: Any, instance: Any, schema: Any) -> Iterator[ValidationError]:
    if not isinstance(instance, dict):
        return
    known, patterns = schema.get("properties", {}), schema.get("patternProperties", {})
    for key, value in instance.items():
        if key in known or any(_matches(p, key) for p in patterns):
            continue
        if extra is False:
            yield ValidationError(f"`{key[:100]}` is not one of its members")
        else:
            yield from validator.descend(value, extra, path=key)


_Validator = extend(  # type: ignore[no-untyped-call]
    Draft202012Validator,
    {
        "pattern": _check_pattern,
        "patternProperties": _check_pattern_properties,
        "additionalProperties": _check_additional,
        "uniqueItems": _check_unique,
    },
)


class _Schema:
    """The schema as pydantic asks for it: what it validates, and what it tells the model."""

    def __init__(self, schema: dict[str, Any]) -> None:
        self.schema = schema
        self._parts = _count(schema)
        self._validator = _Validator(schema)

    def check(self, value: Any) -> Any:
        value = to_jsonable(value)
        if _count(value) * self._parts > WORK:
            raise PydanticCustomError("json_schema", "it is too large to be held against this schema")
        for error in self._validator.iter_errors(value):
            raise PydanticCustomError(
                "json_schema",
                "at {place}: {problem}",
                {"place": _place(error.path), "problem": error.message[:300]},
            )
        return value

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(self.check)

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        return dict(self.schema)

    def __repr__(self) -> str:
        return "<JSON schema>"


def _place(path: Any) -> str:
    return "/".join(map(str, path)) or "the top"


def _bad(problem: str) -> Problem:
    return Problem(422, "bad-schema", f"`output_schema` can not be used: {problem}")


__all__ = ["output_type"]
