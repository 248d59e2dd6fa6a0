"""The endpoints that speak OpenAI's language: chat completions and models. Each completion is a run."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import aclosing
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.responses import StreamingResponse

from llmcompiler._jsonable import dumps

from ..conversation import question_of
from ..openai_shapes import (
    MODEL,
    ChatRequest,
    Completion,
    ErrorDocument,
    ModelDocument,
    ModelList,
    error_body,
    error_response,
    usage_of,
)
from ..parts import Parts, shared_parts
from ..problems import Problem
from ..records import Principal, RunRecord, RunRequest
from ..security import require
from ..sse import HEADERS, unless_gone

_GONE = 499


class _OpenAIRoute(APIRoute):
    """Tells what is wrong as OpenAI does, whoever found it."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handler = super().get_route_handler()

        async def answer(request: Request) -> Response:
            try:
                return await handler(request)
            except Problem as problem:
                return error_response(problem)
            except RequestValidationError as error:
                first = error.errors()[0]
                place = ".".join(map(str, first["loc"][1:])) or "body"
                told = Problem(400, "invalid-request", f"`{place[:200]}`: {str(first['msg'])[:300]}")
                return error_response(told, place[:200])

        return answer


router = APIRouter(
    prefix="/v1",
    tags=["openai"],
    route_class=_OpenAIRoute,
    generate_unique_id_function=lambda route: route.name,
)

_Parts = Annotated[Parts, Depends(shared_parts)]


def _errors(*statuses: int) -> dict[int | str, dict[str, Any]]:
    return {s: {"model": ErrorDocument, "description": "An error in OpenAI's shape."} for s in statuses}


@router.post(
    "/chat/completions",
    summary="Answer a conversation (OpenAI)",
    response_model=Completion,
    responses={
        200: {
            "description": "The completion; or, with `stream`, its chunks.",
            "content": {
                "text/event-stream": {
                    "schema": {
                        "type": "string",
                        "description": "`data:` lines of chunks, then `data: [DONE]`.",
                    },
                    "example": 'data: {"id": "run_4f2c81d07b", "object": "chat.completion.chunk", '
                    '"choices": [{"index": 0, "delta": {"content": "Mount Everest"}}]}\n\ndata: [DONE]\n\n',
                }
            },
        },
        **_errors(400, 401, 403, 404, 413, 422, 429, 431, 500, 503),
    },
)
async def create_completion(
    body: ChatRequest, request: Request, shared: _Parts, who: Annotated[Principal, Depends(require("run"))]
) -> Response:
    """For OpenAI clients. The last user message is the question, what comes before it is context.

    The service's own tools are called; a request that brings `tools` of its own is refused. Calls that need approval
    wait for `POST /v1/runs/{id}/approvals/{task}`; the id of a completion is the id of its run. A connection that
    closes cancels the run.
    """
    wanted = _run_request(body)
    record, _ = await shared.manager.start(who, wanted, source="chat")
    if body.stream:
        usage = body.stream_options is not None and body.stream_options.include_usage
        chunks = _chunks(shared, who, record, body.model, usage)
        return StreamingResponse(chunks, headers={**HEADERS, "X-Run-Id": record.id})
    ended = await unless_gone(request, shared.manager.wait(who, record.id))
    if ended is None:
        await shared.manager.cancel(who, record.id)
        return Response(status_code=_GONE)
    if (problem := _failure(ended)) is not None:
        return error_response(problem)
    message = {"role": "assistant", "content": _text(ended.output), "refusal": None}
    completion = {
        "id": record.id,
        "object": "chat.completion",
        "created": int(record.created_at),
        "model": body.model,
        "choices": [{"index": 0, "message": message, "finish_reason": "stop", "logprobs": None}],
        "usage": usage_of(ended.usage),
    }
    return Response(dumps(completion), media_type="application/json", headers={"X-Run-Id": record.id})


@router.get(
    "/models",
    summary="List models (OpenAI)",
    response_model=ModelList,
    responses=_errors(401, 403, 429, 431, 500),
)
async def list_models(shared: _Parts, who: Annotated[Principal, Depends(require("read"))]) -> ModelList:
    """One model: the compiler with its tools."""
    return ModelList(data=[_model(shared)])


@router.get(
    "/models/{model}",
    summary="Look at a model (OpenAI)",
    response_model=ModelDocument,
    responses=_errors(401, 403, 404, 429, 431, 500),
)
async def get_model(
    model: str, shared: _Parts, who: Annotated[Principal, Depends(require("read"))]
) -> ModelDocument:
    """The model of this id."""
    _check_model(model)
    return _model(shared)


_BEGAN = int(time.time())


def _model(shared: Parts) -> ModelDocument:
    return ModelDocument(id=MODEL, created=_BEGAN, owned_by="llmcompiler")


def _check_model(name: str) -> None:
    if name != MODEL:
        raise Problem(
            404, "model_not_found", f"there is no model {name[:80]!r} here; the only one is {MODEL!r}"
        )


def _run_request(body: ChatRequest) -> RunRequest:
    """The run that is asked for.

    Raises:
        Problem: It asks for something that this service does not do.
    """
    _check_model(body.model)
    if body.tools or body.functions:
        raise Problem(
            400,
            "tools-not-supported",
            "this service calls its own tools (GET /v1/tools) and takes none from clients: leave `tools` out, or add "
            "them to the service with `llmcompiler serve --tools`",
        )
    if body.n not in (None, 1):
        raise Problem(400, "n-not-supported", "`n` must be 1: a run has one answer")
    schema: dict[str, Any] | None = None
    if body.response_format is not None and body.response_format.type == "json_schema":
        given = body.response_format.json_schema
        if given is None or given.form is None:
            raise Problem(400, "bad-schema", "`response_format.json_schema.schema` is missing")
        schema = given.form
    elif body.response_format is not None and body.response_format.type == "json_object":
        schema = {"type": "object"}
    return RunRequest(input=question_of(body.messages), output_schema=schema)


def _failure(record: RunRecord) -> Problem | None:
    """Why there is no answer; None if there is one."""
    if record.status == "succeeded":
        return None
    error = record.error or {"code": record.status, "message": f"the run was {record.status}"}
    status = 503 if record.status == "interrupted" else 500
    return Problem(status, str(error["code"]), str(error["message"]))


def _text(output: Any) -> str:
    return output if isinstance(output, str) else dumps(output)


async def _chunks(
    shared: Parts, who: Principal, record: RunRecord, model: str, with_usage: bool
) -> AsyncIterator[str]:
    """The answer piece by piece. Whoever stops reading cancels the run."""
    import json

    def chunk(delta: dict[str, Any] | None, finish: str | None = None, **more: Any) -> str:
        choices = [] if delta is None else [{"index": 0, "delta": delta, "finish_reason": finish}]
        body = {
            "id": record.id,
            "object": "chat.completion.chunk",
            "created": int(record.created_at),
            "model": model,
            "choices": choices,
            **more,
        }
        return f"data: {dumps(body)}\n\n"

    written = ""
    ended = False
    shared.metrics.reader_opened()
    try:
        yield chunk({"role": "assistant", "content": ""})
        async with aclosing(shared.manager.events(who, record.id)) as events:
            async for event in events:
                if event.type == "OutputDelta":
                    piece = str(json.loads(event.data).get("text", ""))
                    written += piece
                    yield chunk({"content": piece})
        ended = True
        done = await shared.manager.wait(who, record.id)
        if (problem := _failure(done)) is not None:
            yield f"data: {dumps(error_body(problem))}\n\n"
            return
        text = _text(done.output)
        if not written:
            yield chunk({"content": text})
        elif text.startswith(written) and text != written:
            yield chunk({"content": text[len(written) :]})
        yield chunk({}, "stop")
        if with_usage:
            yield chunk(None, usage=usage_of(done.usage))
        yield "data: [DONE]\n\n"
    finally:
        shared.metrics.reader_closed()
        if not ended:
            await shared.manager.cancel(who, record.id)
