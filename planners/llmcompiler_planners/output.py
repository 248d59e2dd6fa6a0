"""The type an answer must have: its schema for the model, and the model's text made into a value of it."""

from __future__ import annotations

import json
from functools import cached_property
from typing import TYPE_CHECKING, Any

from pydantic import TypeAdapter, ValidationError

from llmcompiler.errors import ConfigurationError

if TYPE_CHECKING:
    from .replies import Reply

_NOT_STRICT = ("default", "title", "discriminator")


class OutputType:
    """`output_type` of a run.

    Args:
        kind: `str`, or any type pydantic can validate: a model, a dataclass, `list[int]`, `Literal[...]`.

    Raises:
        ConfigurationError: pydantic can not validate it.
    """

    def __init__(self, kind: Any) -> None:
        self.kind = str if kind is None else kind
        self.is_text = self.kind is str

    @cached_property
    def adapter(self) -> TypeAdapter[Any]:
        """Validates."""
        try:
            return TypeAdapter(self.kind)
        except Exception as e:
            first = (str(e).splitlines() or [""])[0]
            raise ConfigurationError(
                f"output_type={self.kind!r} can not be validated: {first}; "
                "use a pydantic model, a dataclass, or types such as list[int] or Literal['a', 'b']"
            ) from None

    @cached_property
    def schema(self) -> dict[str, Any]:
        """Its JSON schema.

        Raises:
            ConfigurationError: It has none.
        """
        try:
            return self.adapter.json_schema()
        except ConfigurationError:
            raise
        except Exception as e:
            first = (str(e).splitlines() or [""])[0]
            raise ConfigurationError(f"output_type={self.kind!r} has no JSON schema: {first}") from None

    def strict_schema(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """Its schema in the subset that servers bind replies to, and its `$defs`: all keys required, no others."""
        if self.is_text:
            return {"type": "string"}, {}
        made = _strict(self.schema)
        defs = made.pop("$defs", {})
        return made, defs

    def validated(self, reply: Reply) -> Any:
        """The answer in `reply`.

        Raises:
            ValueError: It is not of this type; the text says why, for the model.
        """
        if reply.action is None:
            return self._from_text(reply)
        if reply.action == "replan" or (reply.answer is None and (self.is_text or not self._takes(None))):
            raise ValueError('"answer" is missing')
        return self._from_value(reply.answer, exact=reply.exact)

    def _from_text(self, reply: Reply) -> Any:
        text = reply.text.strip()
        if not text:
            raise ValueError("it is empty")
        if reply.broken:
            raise ValueError(reply.broken)
        if self.is_text:
            return text
        text = reply.inner or text
        try:
            return self.adapter.validate_json(text)
        except ValidationError as e:
            if not text.startswith(("{", "[")):
                try:
                    return self.adapter.validate_python(text)
                except ValidationError:
                    pass
            raise ValueError(
                f"it is not the JSON object asked for, and read as the answer: {_reasons(e)}"
            ) from None

    def _from_value(self, value: Any, *, exact: bool) -> Any:
        if self.is_text:
            text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
            text = _unquoted(text.strip()) if not exact else text
            if not text.strip():
                raise ValueError('"answer" is empty')
            return text
        try:
            # As JSON, so that dates, tuples and the like are read the way their schema says.
            return self.adapter.validate_json(json.dumps(value))
        except ValidationError as e:
            first = e
        if isinstance(value, str):
            for attempt in (self.adapter.validate_json, self.adapter.validate_python):
                try:
                    return attempt(value)
                except ValidationError:
                    continue
        raise ValueError(f'"answer" does not fit its schema: {_reasons(first)}') from None

    def _takes(self, value: Any) -> bool:
        try:
            self.adapter.validate_python(value)
        except ValidationError:
            return False
        return True


def _unquoted(text: str) -> str:
    if len(text) < 2 or text[0] != text[-1] or text[0] not in "\"'":
        return text
    if text[0] == '"':
        try:
            made = json.loads(text, strict=False)
        except ValueError:
            return text
        return made if isinstance(made, str) else text
    return text if "'" in text[1:-1] else text[1:-1]


def _strict(schema: Any) -> Any:
    if isinstance(schema, list):
        return [_strict(s) for s in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        return {"$ref": schema["$ref"]}
    made: dict[str, Any] = {}
    for key, sub in schema.items():
        if key in ("properties", "$defs"):
            made[key] = {name: _strict(s) for name, s in sub.items()}
        elif key == "oneOf":
            made["anyOf"] = _strict(sub)
        elif key not in _NOT_STRICT:
            made[key] = _strict(sub) if key in ("anyOf", "allOf", "items", "prefixItems") else sub
    if "properties" in made:
        made["required"] = list(made["properties"])
        made["additionalProperties"] = False
    return made


def _reasons(error: ValidationError) -> str:
    lines = []
    for e in error.errors(include_url=False, include_context=False)[:6]:
        where = ".".join(str(p) for p in e["loc"])
        lines.append(f"{where}: {e['msg']}" if where else e["msg"])
    return "; ".join(lines)


__all__ = ["OutputType"]
