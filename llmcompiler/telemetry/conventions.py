"""Names of OpenTelemetry's semantic conventions for generative AI, and how our things become their values.

The conventions are in development, and the names are written out here rather than imported from a package whose
modules for them move. What has no name there begins with `llmcompiler.`. No span is made here.

Source: https://github.com/open-telemetry/semantic-conventions-genai as of 2026-11.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from .._jsonable import dumps, to_jsonable
from ..models.base import Message, Model, ModelRequest

OPERATION = "gen_ai.operation.name"
PROVIDER = "gen_ai.provider.name"
AGENT = "gen_ai.agent.name"
MODEL = "gen_ai.request.model"
MAX_TOKENS = "gen_ai.request.max_tokens"
TEMPERATURE = "gen_ai.request.temperature"
STOP = "gen_ai.request.stop_sequences"
STREAM = "gen_ai.request.stream"
OUTPUT_TYPE = "gen_ai.output.type"
FINISH = "gen_ai.response.finish_reasons"
FIRST_CHUNK = "gen_ai.response.time_to_first_chunk"
INPUT_TOKENS = "gen_ai.usage.input_tokens"
OUTPUT_TOKENS = "gen_ai.usage.output_tokens"
TOKEN_TYPE = "gen_ai.token.type"  # noqa: S105 - no secret
TOOL = "gen_ai.tool.name"
TOOL_TYPE = "gen_ai.tool.type"
CALL_ID = "gen_ai.tool.call.id"
CALL_ARGUMENTS = "gen_ai.tool.call.arguments"
CALL_RESULT = "gen_ai.tool.call.result"
INPUT = "gen_ai.input.messages"
OUTPUT = "gen_ai.output.messages"
ERROR = "error.type"
ADDRESS, PORT = "server.address", "server.port"

RUN = "llmcompiler.run.id"
STATUS = "llmcompiler.status"
ROUND = "llmcompiler.round"
ROUNDS = "llmcompiler.rounds"
TASKS = "llmcompiler.tasks"
COST = "llmcompiler.cost"
"""US dollars."""
TASK = "llmcompiler.task.id"
ITEM = "llmcompiler.task.item"
ITEMS = "llmcompiler.task.items"
ATTEMPTS = "llmcompiler.task.attempts"
VIA = "llmcompiler.task.via"
CACHE = "llmcompiler.task.cache"
CAUSE = "llmcompiler.task.cause"
LINK = "llmcompiler.link"
PURPOSE = "llmcompiler.purpose"

MOST_CONTENT = 8_192
"""Characters of one text that are captured, where content is captured at all."""
_LARGEST = 2**63 - 1
"""Of the whole numbers that the protocol has."""


def provider_of(model: Model) -> str:
    """The provider as the conventions name it, to the best of our knowledge: by the API that is spoken."""
    told = getattr(model, "provider", None)
    if isinstance(told, str) and told:
        return told
    return type(model).__name__.removesuffix("Model").lower() or "_OTHER"


def server_of(model: Model) -> dict[str, Any]:
    """Where the model's server is, for a model that has one; never a key, a user name or a path."""
    told = getattr(model, "server", None)
    return {ADDRESS: told[0], PORT: told[1]} if isinstance(told, tuple) else {}


def operation_of(request: ModelRequest) -> str:
    """`chat`, or `text_completion` for raw text to go on from."""
    return "chat" if request.prompt is None else "text_completion"


def request_attributes(model: Model, request: ModelRequest) -> dict[str, Any]:
    """What is known before the request is made."""
    found: dict[str, Any] = {
        OPERATION: operation_of(request),
        PROVIDER: provider_of(model),
        MODEL: model.name,
        STREAM: True,
        **server_of(model),
    }
    if request.purpose:
        found[PURPOSE] = request.purpose
    # A model of ours may have settings of its own: one temperature for all, a length for requests that name none.
    limit = request.max_tokens if request.max_tokens is not None else getattr(model, "max_tokens", None)
    if isinstance(limit, int):
        found[MAX_TOKENS] = whole(limit)
    own = getattr(model, "temperature", None)
    temperature = own if isinstance(own, (int, float)) else request.temperature
    if temperature is not None:
        found[TEMPERATURE] = float(temperature)
    if request.stop:
        found[STOP] = list(request.stop)
    if request.json_schema is not None:
        found[OUTPUT_TYPE] = "json"
    return found


def whole(number: int) -> int:
    """A count that can be sent, whatever a server told."""
    return max(0, min(number, _LARGEST))


def share(fraction: Any) -> float | None:
    """A part of the whole, from 0 to 1; None for anything else that a tool may have given."""
    return float(fraction) if isinstance(fraction, (int, float)) and 0 <= fraction <= 1 else None


def sendable(text: str) -> str:
    """The text with its lone surrogates written out: with one of them, a whole batch of spans could not be sent."""
    return text.encode(errors="backslashreplace").decode()


# -- content, for those who ask for it ---------------------------------------------------------


def cut(text: str) -> str:
    """The text, as much of it as is captured."""
    length = len(text)
    return (
        sendable(text)
        if length <= MOST_CONTENT
        else f"{sendable(text[:MOST_CONTENT])}... ({length:,} characters)"
    )


def said(role: str, text: str, finish: str | None = None) -> dict[str, Any]:
    """One message as the conventions have it."""
    message: dict[str, Any] = {"role": role, "parts": [{"type": "text", "content": cut(text)}]}
    if finish is not None:
        message["finish_reason"] = finish
    return message


def messages(said: Iterable[Mapping[str, Any]]) -> str:
    """Messages as the JSON text that an attribute holds."""
    return dumps(list(said))


def asked(request: ModelRequest) -> str:
    """What a model was asked, as messages."""
    if request.prompt is not None:
        return messages([said("user", request.prompt)])
    return messages(map(_message, request.messages))


def _message(message: Message) -> dict[str, Any]:
    if message.role == "tool":
        part = {"type": "tool_call_response", "id": message.tool_call_id, "result": cut(message.content)}
        return {"role": "tool", "parts": [part]}
    made = said(message.role, message.content)
    made["parts"] += [
        {"type": "tool_call", "id": c.id, "name": c.name, "arguments": cut(c.arguments)}
        for c in message.tool_calls
    ]
    return made


def content(value: Any) -> str:
    """A value as JSON text, cut."""
    return cut(dumps(to_jsonable(value)))
