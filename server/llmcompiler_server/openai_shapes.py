"""What OpenAI clients get: completions, chunks, models, errors. Plain data; `openai_requests` has what they ask."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field

from llmcompiler._jsonable import dumps

from .problems import Problem, SafeJSONResponse
from .records import RunRecord

MODEL = "llmcompiler"
"""The one model there is: the compiler with its planner, its tools and its joiner."""


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

    id: str = Field(
        examples=["chatcmpl-4f2c81d07b"], description="`chatcmpl-` and the run's id without `run_`."
    )
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


def model_not_found(name: str) -> Problem:
    """The error for any other model."""
    return Problem(
        404,
        "model-not-found",
        f"there is no model {name[:100]!r} here; use {MODEL!r}. Which language model the service itself uses is said "
        "where it is started",
        param="model",
    )


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
    return SafeJSONResponse(error_document(problem), status, problem.headers)


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
    "token_usage",
    "usage_chunk",
]
