"""What a language model is to this library: one method that streams text. No provider is named here."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, runtime_checkable

Role = Literal["system", "user", "assistant", "tool"]

Feature = Literal["chat", "completion", "json_schema", "grammar", "logprobs", "adapter", "tools"]


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A call that a model asked for in its provider's own form."""

    id: str
    name: str
    arguments: str
    """JSON text, as the model wrote it."""


@dataclass(frozen=True, slots=True)
class ToolCallDelta:
    """A piece of a tool call while it is being written; pieces of one call have the same `index`."""

    index: int
    id: str | None = None
    name: str | None = None
    arguments: str = ""
    """The next characters of the JSON text of its arguments."""


@dataclass(frozen=True, slots=True)
class Message:
    """One message of a chat."""

    role: Role
    content: str
    tool_calls: tuple[ToolCall, ...] = ()
    """What the assistant called, where it did."""
    tool_call_id: str | None = None
    """For the role `tool`: which call this is the result of."""


@dataclass(frozen=True, slots=True)
class ModelRequest:
    """What a model is asked. Give `messages`, or `prompt` for a model with the `completion` feature."""

    messages: tuple[Message, ...] = ()
    prompt: str | None = None
    """Raw text to go on from, with no chat template."""
    purpose: str = ""
    """What the reply is for (`"plan"`, `"repair"`, `"join"`): for logs, traces and test doubles."""
    stop: tuple[str, ...] = ()
    """Texts at which the reply ends; they are not part of it."""
    max_tokens: int | None = None
    temperature: float | None = 0.0
    json_schema: Mapping[str, Any] | None = None
    """JSON schema of the reply; only sent to a model with the `json_schema` feature."""
    grammar: str | None = None
    """GBNF grammar of the reply; only sent to a model with the `grammar` feature."""
    tools: tuple[Mapping[str, Any], ...] = ()
    """Functions that the model may call natively, each `{"name", "description", "parameters"}` with a JSON schema; only
    sent to a model with the `tools` feature."""
    tool_choice: Literal["auto", "required", "none"] | None = None
    """Whether it has to call one of `tools`; None for the provider's default."""
    adapter: str | None = None
    """Name of an adapter to switch on for this request; models without the `adapter` feature ignore it."""
    timeout: float | None = None
    """Seconds the whole reply may take; None for the model's own setting."""

    @property
    def text(self) -> str:
        """The whole prompt as text, for looking at."""
        return self.prompt if self.prompt is not None else "\n\n".join(m.content for m in self.messages)


@dataclass(frozen=True, slots=True)
class Usage:
    """What models were used: calls, tokens in and out, and money. Usages add up with `+`."""

    model_calls: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cost: float | None = None
    """US dollars; None where a price is not known. No tokens cost nothing."""

    def __post_init__(self) -> None:
        if self.cost is None and not self.tokens:
            object.__setattr__(self, "cost", 0.0)

    @property
    def tokens(self) -> int:
        """Tokens in and out."""
        return self.prompt_tokens + self.completion_tokens

    def __add__(self, other: Usage) -> Usage:
        return Usage(
            self.model_calls + other.model_calls,
            self.prompt_tokens + other.prompt_tokens,
            self.completion_tokens + other.completion_tokens,
            None if self.cost is None or other.cost is None else self.cost + other.cost,
        )

    def to_dict(self) -> dict[str, Any]:
        """JSON form."""
        return {
            "model_calls": self.model_calls,
            "prompt_tokens": self.prompt_tokens,
            "completion_tokens": self.completion_tokens,
            "cost": self.cost,
        }


@dataclass(frozen=True, slots=True)
class ModelChunk:
    """A piece of a reply."""

    text: str = ""
    usage: Usage | None = None
    """On the last chunk, where the server tells: tokens of this request (`model_calls` stays 0 here)."""
    finish_reason: str | None = None
    """On the last chunk: `"stop"`, `"length"`, or what the server says."""
    logprob: float | None = None
    """Mean natural-log probability of the tokens of this chunk, where the model tells."""
    tool_calls: tuple[ToolCallDelta, ...] = ()
    """Pieces of native tool calls, where the request had `tools`."""


@runtime_checkable
class Model(Protocol):
    """A language model.

    `stream` yields the reply as it is made and returns when it is complete. Errors are `ModelError`s. Closing
    the iterator, or cancelling the task that reads it, stops the generation.
    """

    name: str

    @property
    def features(self) -> frozenset[str]:
        """What the model can do beyond text: see `Feature`."""
        ...

    def stream(self, request: ModelRequest) -> AsyncIterator[ModelChunk]:
        """The reply to `request`, piece by piece.

        Raises:
            ModelError: No usable reply.
        """
        ...


@dataclass(frozen=True, slots=True)
class ModelReply:
    """A whole reply."""

    text: str
    usage: Usage = field(default_factory=Usage)
    finish_reason: str | None = None


async def complete(model: Model, request: ModelRequest) -> ModelReply:
    """The whole reply to `request`.

    Raises:
        ModelError: No usable reply.
    """
    from .asking import asked

    parts: list[str] = []
    usage, reason = Usage(), None
    async for chunk in asked(model, request):
        parts.append(chunk.text)
        usage = chunk.usage or usage
        reason = chunk.finish_reason or reason
    return ModelReply("".join(parts), usage, reason)
