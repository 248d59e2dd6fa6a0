"""What OpenAI clients ask for, and the run that it makes. How answers and errors look is in `openai_shapes`."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from .conversation import Turn, as_input
from .openai_shapes import MODEL, model_not_found
from .problems import Problem
from .records import METADATA, Metadata, RunLimits, RunRequest

Role = Literal["system", "developer", "user", "assistant", "tool", "function"]


class ContentPart(BaseModel):
    """A part of a message. Only text can be read here."""

    model_config = ConfigDict(extra="ignore")

    type: str = Field(examples=["text"], description="`text`; others are refused.")
    text: str | None = None
    refusal: str | None = None


class ChatMessage(BaseModel):
    """One message of the conversation."""

    model_config = ConfigDict(extra="ignore")

    role: Role
    content: str | list[ContentPart] | None = None
    tool_calls: list[dict[str, Any]] | None = Field(default=None, description="Refused where there are any.")


class StreamOptions(BaseModel):
    """How to stream."""

    model_config = ConfigDict(extra="ignore")

    include_usage: bool = Field(default=False, description="Whether a last chunk tells the tokens used.")


class JsonSchemaFormat(BaseModel):
    """The schema of a `json_schema` format."""

    model_config = ConfigDict(extra="ignore", populate_by_name=True)

    name: str | None = None
    schema_: dict[str, Any] = Field(alias="schema", description="JSON schema that the answer must fit.")


class ResponseFormat(BaseModel):
    """What the answer must look like."""

    model_config = ConfigDict(extra="ignore")

    type: Literal["text", "json_object", "json_schema"]
    json_schema: JsonSchemaFormat | None = None


class ChatRequest(BaseModel):
    """A conversation to go on with. Members that are not listed are ignored, as are those about sampling."""

    model_config = ConfigDict(
        extra="ignore",
        json_schema_extra={
            "examples": [
                {
                    "model": MODEL,
                    "messages": [{"role": "user", "content": "Which is higher, Mount Everest or K2?"}],
                },
                {
                    "model": MODEL,
                    "stream": True,
                    "messages": [
                        {"role": "system", "content": "Answer in one sentence."},
                        {"role": "user", "content": "How high is K2?"},
                        {"role": "assistant", "content": "8,611 m."},
                        {"role": "user", "content": "And Mount Everest?"},
                    ],
                },
            ]
        },
    )

    model: str = Field(examples=[MODEL], description=f"`{MODEL}`: the only one there is.")
    messages: list[ChatMessage] = Field(
        min_length=1,
        description="The last one must be the user's: it is the question; the others are context.",
    )
    stream: bool | None = Field(default=False, description="Answer with chunks as server-sent events.")
    stream_options: StreamOptions | None = None
    response_format: ResponseFormat | None = None
    metadata: Metadata | None = Field(default=None, max_length=16, description=METADATA)
    limits: RunLimits | None = Field(
        default=None, description="Not of OpenAI's: bounds of this run, as in `POST /v1/runs`."
    )
    n: int | None = Field(default=None, description="1: more than one answer is refused.")
    tools: list[Any] | None = Field(default=None, description="Refused: the service has its own.")
    functions: list[Any] | None = Field(default=None, description="Refused, as `tools` are.")
    tool_choice: Any = Field(default=None, description="`none` or `auto`; others are refused.")
    function_call: Any = Field(default=None, description="`none` or `auto`; others are refused.")
    logprobs: bool | None = Field(default=None, description="Refused where true.")
    top_logprobs: int | None = Field(default=None, description="Refused where above 0.")
    stop: str | list[str] | None = Field(default=None, description="Refused where there are any.")
    modalities: list[str] | None = Field(default=None, description="`text`; others are refused.")
    audio: Any = Field(default=None, description="Refused.")
    web_search_options: Any = Field(default=None, description="Refused.")


_TOOLS_REFUSED = (
    "`{}` is not supported: the calls are planned and made by this service, with its own tools (GET /v1/tools lists "
    "them). Leave `{}` out; to have a tool used, give it to the service (`llmcompiler serve --tools`)"
)


def run_request(body: ChatRequest, most: int) -> RunRequest:
    """The run that a request asks for.

    Args:
        body: The request.
        most: Characters of an input; older messages are left out beyond.

    Raises:
        Problem: 404 `model-not-found`; 400 `unsupported-parameter`, `invalid-request`, `input-too-long`. Its `param`
            names the member.
    """
    if body.model != MODEL:
        raise model_not_found(body.model)
    _refuse(body)
    turns = [turn for i, m in enumerate(body.messages) if (turn := _turn(m, i)) is not None]
    try:
        text = as_input(turns, most)
    except ValueError as e:
        raise Problem(400, "invalid-request", str(e), param="messages") from None
    if len(text) > most:
        raise Problem(
            400,
            "input-too-long",
            f"instructions and question have {len(text):,} characters together; {most:,} are allowed",
            param="messages",
        )
    return RunRequest(
        input=text,
        output_schema=_schema(body.response_format),
        limits=body.limits,
        metadata=body.metadata or {},
    )


def _refuse(body: ChatRequest) -> None:
    for name in ("tools", "functions"):
        if getattr(body, name):
            raise _unsupported(name, _TOOLS_REFUSED.format(name, name))
    for name in ("tool_choice", "function_call"):
        if getattr(body, name) not in (None, "none", "auto"):
            raise _unsupported(name, _TOOLS_REFUSED.format(name, name))
    if body.n not in (None, 1):
        raise _unsupported("n", "`n` must be 1: a question is answered once; ask again for another answer")
    if body.logprobs or body.top_logprobs:
        name = "logprobs" if body.logprobs else "top_logprobs"
        raise _unsupported(name, f"`{name}` is not supported: an answer has no token probabilities here")
    if body.stop:
        raise _unsupported("stop", "`stop` is not supported: answers are never cut; leave it out")
    if body.audio is not None or any(m != "text" for m in body.modalities or ()):
        name = "audio" if body.audio is not None else "modalities"
        raise _unsupported(name, f"`{name}`: answers are text; leave it out")
    if body.web_search_options is not None:
        raise _unsupported(
            "web_search_options",
            "`web_search_options` is not supported: give the service a tool that searches, and leave it out",
        )


def _unsupported(param: str, text: str) -> Problem:
    return Problem(400, "unsupported-parameter", text, param=param)


def _turn(message: ChatMessage, index: int) -> Turn | None:
    where = f"messages.{index}"
    if message.role in ("tool", "function") or message.tool_calls:
        raise _unsupported(
            where,
            f"`{where}`: tool calls and their results can not be part of the conversation, for the calls are made by "
            "this service; leave such messages out, or say what matters of them in a user message",
        )
    text = _text(message.content, where)
    if not _is_whole(text):
        raise Problem(
            400,
            "invalid-request",
            f"`{where}.content` holds half of a character (a lone surrogate such as `\\ud800`); send both halves, "
            "or leave it out",
            param=f"{where}.content",
        )
    if message.role in ("system", "developer"):
        return Turn("system", text)
    return Turn("user" if message.role == "user" else "assistant", text)


def _is_whole(text: str) -> bool:
    """Whether a text can be sent and stored: JSON can spell halves of characters, and no encoding has them."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _text(content: str | list[ContentPart] | None, where: str) -> str:
    if content is None or isinstance(content, str):
        return content or ""
    texts = []
    for i, part in enumerate(content):
        if part.type == "refusal":
            texts.append(part.refusal or "")
        elif part.type in ("text", "input_text", "output_text"):
            texts.append(part.text or "")
        else:
            place = f"{where}.content.{i}"
            raise _unsupported(
                place, f"`{place}`: parts of the type {part.type[:50]!r} can not be read; only text can"
            )
    return "\n".join(texts)


def _schema(wanted: ResponseFormat | None) -> dict[str, Any] | None:
    if wanted is None or wanted.type == "text":
        return None
    if wanted.type == "json_object":
        return {"type": "object"}
    if wanted.json_schema is None:
        raise Problem(
            400, "invalid-request", "`response_format.json_schema` is missing", param="response_format"
        )
    return wanted.json_schema.schema_


__all__ = ["ChatMessage", "ChatRequest", "run_request"]
