"""What OpenAI clients send and get: requests, completions, chunks, models, errors. Plain data; nothing runs here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from llmcompiler._jsonable import dumps

from .conversation import Turn, as_input
from .problems import Problem
from .records import RunLimits, RunRecord, RunRequest

MODEL = "llmcompiler"
"""The one model there is: the compiler with its planner, its tools and its joiner."""

Role = Literal["system", "developer", "user", "assistant", "tool", "function"]


# -- requests ------------------------------------------------------------------------------------


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
        min_length=1, description="The last one must be the user's: it is the question; the others are context."
    )
    stream: bool | None = Field(default=False, description="Answer with chunks as server-sent events.")
    stream_options: StreamOptions | None = None
    response_format: ResponseFormat | None = None
    metadata: dict[str, str] | None = Field(
        default=None, max_length=16, description="Texts of your own, kept with the run."
    )
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


def model_not_found(name: str) -> Problem:
    """The error for any other model."""
    return Problem(
        404,
        "model-not-found",
        f"there is no model {name[:100]!r} here; use {MODEL!r}. Which language model the service itself uses is said "
        "where it is started",
        param="model",
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
    if message.role in ("system", "developer"):
        return Turn("system", text)
    return Turn("user" if message.role == "user" else "assistant", text)


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


# -- answers -------------------------------------------------------------------------------------


class AnswerMessage(BaseModel):
    """The answer."""

    role: Literal["assistant"] = "assistant"
    content: str
    refusal: str | None = None


class Choice(BaseModel):
    """The only choice."""

    index: Literal[0] = 0
    message: AnswerMessage
    logprobs: None = None
    finish_reason: Literal["stop"] = "stop"


class TokenUsage(BaseModel):
    """Tokens that the service's models used for the answer, planning included."""

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int


class ChatCompletion(BaseModel):
    """An answer."""

    id: str = Field(examples=["chatcmpl-4f2c81d07b"], description="`chatcmpl-` and the run's id without `run_`.")
    object: Literal["chat.completion"] = "chat.completion"
    created: int = Field(description="Seconds since 1970, UTC.")
    model: str = Field(examples=[MODEL])
    choices: list[Choice]
    usage: TokenUsage


class ModelCard(BaseModel):
    """A model."""

    id: str = Field(examples=[MODEL])
    object: Literal["model"] = "model"
    created: int = Field(description="Seconds since 1970, UTC: when the service began.")
    owned_by: str = Field(description="The language model behind it, where its name is known.")


class ModelList(BaseModel):
    """The models there are."""

    object: Literal["list"] = "list"
    data: list[ModelCard]


def completion(record: RunRecord) -> dict[str, Any]:
    """A run that succeeded as a completion."""
    message = {"role": "assistant", "content": answer_text(record.output), "refusal": None}
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": "stop"}
    return {**_head(record, "chat.completion"), "choices": [choice], "usage": token_usage(record)}


def chunk(record: RunRecord, delta: Mapping[str, Any], *, usage: bool, finish: str | None = None) -> str:
    """One chunk as a server-sent event.

    Args:
        record: The run.
        delta: What is new of the message.
        usage: Whether the client asked for usage: then every chunk has the member.
        finish: Why it ends, in the last one.
    """
    choice = {"index": 0, "delta": dict(delta), "logprobs": None, "finish_reason": finish}
    body = {**_head(record, "chat.completion.chunk"), "choices": [choice]}
    return event({**body, "usage": None} if usage else body)


def usage_chunk(record: RunRecord) -> str:
    """The chunk after the last one, for who asked for usage."""
    return event({**_head(record, "chat.completion.chunk"), "choices": [], "usage": token_usage(record)})


def event(data: Any) -> str:
    """JSON as a server-sent event without a name."""
    return f"data: {dumps(data)}\n\n"


def answer_text(output: Any) -> str:
    """An answer as text: texts as they are, anything else as JSON."""
    return output if isinstance(output, str) else dumps(output)


def token_usage(record: RunRecord) -> dict[str, int]:
    """Tokens of a run."""
    used = record.usage or {}
    into, out = int(used.get("prompt_tokens") or 0), int(used.get("completion_tokens") or 0)
    return {"prompt_tokens": into, "completion_tokens": out, "total_tokens": into + out}


def _head(record: RunRecord, kind: str) -> dict[str, Any]:
    number = record.id.removeprefix("run_")
    return {"id": f"chatcmpl-{number}", "object": kind, "created": int(record.created_at), "model": MODEL}


# -- errors --------------------------------------------------------------------------------------


class OpenAIError(BaseModel):
    """What is wrong."""

    message: str = Field(description="What is wrong, for people, and the way out.")
    type: str = Field(examples=["invalid_request_error"])
    param: str | None = Field(default=None, description="The member that is wrong, where it is one.")
    code: str | None = Field(
        default=None, examples=["model_not_found"], description="What is wrong, for programs."
    )


class OpenAIErrorDocument(BaseModel):
    """The body of every error of the OpenAI-compatible endpoints."""

    error: OpenAIError


_CODES = {
    "key-missing": "invalid_api_key",
    "key-wrong": "invalid_api_key",
    "input-too-long": "context_length_exceeded",
    "rate-limited": "rate_limit_exceeded",
}
"""Where OpenAI has a word for it; other codes are those of the service, with underscores."""
_TYPES = {401: "authentication_error", 403: "permission_error", 429: "rate_limit_error"}
NEVER_AGAIN = {"x-should-retry": "false"}
"""Tells OpenAI's clients not to send the request again by themselves: that would be another run."""


def error_document(problem: Problem) -> dict[str, Any]:
    """A problem in OpenAI's shape."""
    return {
        "error": {
            "message": problem.detail,
            "type": _TYPES.get(
                problem.status, "server_error" if problem.status >= 500 else "invalid_request_error"
            ),
            "param": problem.extra.get("param"),
            "code": _CODES.get(problem.code, problem.code.replace("-", "_")),
        }
    }


def error_response(problem: Problem) -> JSONResponse:
    """The answer. What is wrong with a request is 400 in this shape, as OpenAI's clients expect it."""
    ran = "run_id" in problem.extra
    status = 400 if problem.status in (413, 422) and not ran else problem.status
    return JSONResponse(error_document(problem), status, problem.headers)


def run_failed(record: RunRecord) -> Problem:
    """Why a run that is over has no answer.

    502 where the language model behind the service failed, 503 where the service ended before the run did, 500 where it
    is the service's own fault; 422 where the question can not be answered, or somebody cancelled the run.
    """
    error = record.error or {}
    code = str(error.get("code") or record.status)
    message = str(error.get("message") or f"the run was {record.status}")
    status = 422
    if record.status == "interrupted":
        status = 503
    elif code == "internal-error":
        status = 500
    elif code.startswith("model-") and code != "model-reply-invalid":
        status = 502
    return Problem(
        status,
        code,
        f"{message} (run {record.id})",
        headers={**NEVER_AGAIN, "Location": f"/v1/runs/{record.id}"},
        run_id=record.id,
    )


__all__ = [
    "MODEL",
    "NEVER_AGAIN",
    "ChatCompletion",
    "ChatMessage",
    "ChatRequest",
    "ModelCard",
    "ModelList",
    "OpenAIError",
    "OpenAIErrorDocument",
    "answer_text",
    "chunk",
    "completion",
    "error_document",
    "error_response",
    "event",
    "model_not_found",
    "run_failed",
    "run_request",
    "token_usage",
    "usage_chunk",
]
