"""The OpenAI wire format as data: request bodies out, pieces of replies in. No I/O happens here."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ..errors import ModelReplyInvalid
from ._calls import CallPieces
from .base import Message, ModelRequest, ToolCallDelta, Usage

if TYPE_CHECKING:
    from collections.abc import Mapping

ADAPTABLE = (
    "max_completion_tokens",
    "max_tokens",
    "temperature",
    "stop",
    "stream_options",
    "response_format",
    "grammar",
    "parallel_tool_calls",
    "tool_choice",
    "tools",
)
"""Parameters that a request can do without, or say in another way, where a server refuses them."""

_REFUSES = re.compile(
    r"(?i)unsupported|not supported|n't support|not support|unknown|unrecogni[sz]ed|unexpected|"
    r"not permitted|not allowed|extra_forbidden|extra fields|extra inputs|not implemented"
)


def build_body(
    name: str,
    request: ModelRequest,
    *,
    chat: bool,
    unsupported: frozenset[str] | set[str] = frozenset(),
    json_schema: bool = True,
    grammar: bool = False,
    max_tokens: int | None = None,
    temperature: float | None = None,
    official: bool = False,
    extra: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """The JSON body of a request, without the parameters that the server is known to refuse."""
    body: dict[str, Any] = {"model": name, "stream": True, "stream_options": {"include_usage": True}}
    if chat:
        body["messages"] = [_message(m) for m in request.messages]
    else:
        body["prompt"] = request.prompt
    temperature = temperature if temperature is not None else request.temperature
    if temperature is not None:
        body["temperature"] = temperature
    if request.stop:
        body["stop"] = list(request.stop)
    limit = request.max_tokens if request.max_tokens is not None else max_tokens
    if limit is not None:
        renamed = chat and (official or "max_tokens" in unsupported)
        body["max_completion_tokens" if renamed else "max_tokens"] = limit
    if request.json_schema is not None and json_schema:
        schema = dict(request.json_schema)
        title = re.sub(r"[^A-Za-z0-9_-]+", "_", str(schema.get("title") or "reply"))[:64]
        described = {"name": title, "schema": schema, "strict": is_strict(schema)}
        body["response_format"] = {"type": "json_schema", "json_schema": described}
    if request.grammar is not None and grammar:
        body["grammar"] = request.grammar
    if request.tools and chat:
        body["tools"] = [{"type": "function", "function": dict(tool)} for tool in request.tools]
        body["parallel_tool_calls"] = True
        if request.tool_choice is not None:
            body["tool_choice"] = request.tool_choice
    for name_ in unsupported:
        body.pop(name_, None)
    body.update(extra or {})
    return body


def _message(message: Message) -> dict[str, Any]:
    made: dict[str, Any] = {"role": message.role, "content": message.content}
    if message.tool_calls:
        made["content"] = message.content or None
        made["tool_calls"] = [
            {"id": c.id, "type": "function", "function": {"name": c.name, "arguments": c.arguments}}
            for c in message.tool_calls
        ]
    if message.tool_call_id is not None:
        made["tool_call_id"] = message.tool_call_id
    return made


def is_strict(schema: Any) -> bool:
    """Whether a schema keeps the rules of strict mode: objects are closed, properties required."""
    if isinstance(schema, list):
        return all(is_strict(item) for item in schema)
    if not isinstance(schema, dict):
        return True
    if schema.get("type") == "object" or "properties" in schema:
        properties = schema.get("properties", {})
        if schema.get("additionalProperties") is not False or "default" in schema:
            return False
        if set(schema.get("required", ())) != set(properties):
            return False
    return all(is_strict(value) for value in schema.values())


def refused_parameter(text: str, body: Mapping[str, Any]) -> str | None:
    """Which parameter of `body` a 400 complains about as such (not about its value), or None."""
    if not _REFUSES.search(text):
        return None
    parameter = error_field(text, "param")
    if (
        isinstance(parameter, str)
        and parameter.split(".")[0] in ADAPTABLE
        and parameter.split(".")[0] in body
    ):
        return parameter.split(".")[0]
    found = [
        (m.start(), name) for name in ADAPTABLE if name in body and (m := re.search(rf"\b{name}\b", text))
    ]
    return min(found)[1] if found else None


def error_field(text: str, key: str) -> Any:
    """A field of the error object in the body of a refusal, or None."""
    try:
        error = json.loads(text).get("error")
    except (ValueError, AttributeError, RecursionError):
        return None
    return error.get(key) if isinstance(error, dict) else None


def error_text(payload: Any, fallback: str = "") -> str:
    """What an error body says, whatever its shape."""
    if isinstance(payload, dict):
        for key in ("error", "message", "detail"):
            value = payload.get(key)
            if isinstance(value, dict):
                return error_text(value, json.dumps(value))
            if isinstance(value, str) and value:
                return value
            if value:
                return json.dumps(value)
    return fallback


@dataclass
class ReplyState:
    """A reply while it arrives. `feed` takes one payload and gives the text in it."""

    finish_reason: str | None = None
    usage: Usage | None = None
    refusal: list[str] = field(default_factory=list)
    takes_calls: bool = False
    """Whether the request had tools: a tool call is a reply then."""
    tool_called: bool = False
    calls: CallPieces = field(default_factory=CallPieces)
    reasoned: bool = False
    got_text: bool = False
    fed: int = 0

    def feed(self, payload: Any) -> str:
        """The text of one payload: a chunk of a stream, or a whole reply.

        Raises:
            ModelReplyInvalid: Its shape is not that of a reply.
        """
        self.fed += 1
        if not isinstance(payload, dict):
            raise ModelReplyInvalid(f"the reply is a JSON {_json_type(payload)} where an object was due")
        self._take_usage(payload.get("usage"))
        choices = payload.get("choices")
        if choices is None and payload.get("usage") is None:
            raise ModelReplyInvalid("the reply has no `choices`: is this an OpenAI-compatible server?")
        if not isinstance(choices or [], list):
            raise ModelReplyInvalid(f"`choices` of the reply is a JSON {_json_type(choices)}, not an array")
        parts: list[str] = []
        for choice in choices or []:
            if not isinstance(choice, dict):
                raise ModelReplyInvalid(
                    f"a choice of the reply is a JSON {_json_type(choice)}, not an object"
                )
            if choice.get("index", 0) in (0, None):
                parts.append(self._choice(choice))
        text = "".join(parts)
        self.got_text = self.got_text or bool(text)
        return text

    def take_calls(self) -> tuple[ToolCallDelta, ...]:
        """The pieces of tool calls that came since the last time; none where the request had no tools."""
        return self.calls.take()

    def check_complete(self, redact: Any = str) -> None:
        """Refuse a reply that ended without text for a reason that another caller must know.

        Raises:
            ModelReplyInvalid: A refusal, a tool call, a filter, or a limit used up before any text.
        """
        if self.refusal:
            raise ModelReplyInvalid(f"the model refused: {redact(''.join(self.refusal))}")
        if self.got_text:
            return
        if self.calls.begun:
            return
        if self.tool_called:
            raise ModelReplyInvalid("the model answered with a tool call where text was asked for")
        if self.finish_reason == "content_filter":
            raise ModelReplyInvalid("the server's content filter held the whole reply back")
        if self.finish_reason == "length" and self.reasoned:
            raise ModelReplyInvalid(
                "the model spent all its tokens on reasoning and gave no text: raise `max_tokens`"
            )

    def _choice(self, choice: dict[str, Any]) -> str:
        reason = choice.get("finish_reason")
        if isinstance(reason, str) and reason:
            self.finish_reason = reason
        if isinstance(choice.get("text"), str):
            return str(choice["text"])
        delta = choice.get("delta", choice.get("message"))
        if delta is None:
            return ""
        if not isinstance(delta, dict):
            raise ModelReplyInvalid(f"the text of the reply is in a JSON {_json_type(delta)}, not an object")
        if isinstance(delta.get("refusal"), str):
            self.refusal.append(delta["refusal"])
        old = delta.get("function_call")
        self.tool_called = self.tool_called or bool(old or delta.get("tool_calls"))
        if self.takes_calls:
            self.calls.feed(delta.get("tool_calls") or (old and [{"index": 0, "function": old}]))
        if delta.get("reasoning_content") or delta.get("reasoning"):
            self.reasoned = True
        content = delta.get("content")
        if isinstance(content, list):
            content = "".join(p.get("text") or "" for p in content if isinstance(p, dict))
        if content is not None and not isinstance(content, str):
            raise ModelReplyInvalid(f"the content of the reply is a JSON {_json_type(content)}, not text")
        return content or ""

    def _take_usage(self, usage: Any) -> None:
        if isinstance(usage, dict):
            self.usage = Usage(
                prompt_tokens=_count(usage.get("prompt_tokens")),
                completion_tokens=_count(usage.get("completion_tokens")),
            )


class StopFilter:
    """Ends a text at the first stop text, for servers that refuse the `stop` parameter.

    Holds back what may be the beginning of a stop text, so that none of it gets out.
    """

    def __init__(self, stops: tuple[str, ...]) -> None:
        self._stops = tuple(s for s in stops if s)
        self._held = ""
        self.stopped = False

    def feed(self, text: str) -> str:
        """The part of `text` (and of what was held back) that is surely before any stop text."""
        self._held += text
        at = min((i for s in self._stops if (i := self._held.find(s)) >= 0), default=-1)
        if at >= 0:
            self.stopped = True
            out, self._held = self._held[:at], ""
            return out
        keep = max((_overlap(self._held, s) for s in self._stops), default=0)
        split = len(self._held) - keep
        out, self._held = self._held[:split], self._held[split:]
        return out

    def close(self) -> str:
        """What was held back and turned out to be ordinary text."""
        out, self._held = self._held, ""
        return out


def _overlap(text: str, stop: str) -> int:
    """How many last characters of `text` are the first ones of `stop`."""
    return next((n for n in range(min(len(stop) - 1, len(text)), 0, -1) if text.endswith(stop[:n])), 0)


def _count(value: Any) -> int:
    return value if isinstance(value, int) and value >= 0 else 0


def _json_type(value: Any) -> str:
    if value is None:
        return "null"
    names = {bool: "boolean", str: "string", list: "array", dict: "object"}
    return names.get(type(value), "number")
