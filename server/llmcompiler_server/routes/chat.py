"""The OpenAI-compatible endpoints: a chat completion is a run. How it looks: `openai_requests`, `openai_shapes`."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import aclosing
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Path, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException

from llmcompiler._jsonable import dumps
from llmcompiler.errors import LLMCompilerError

from ..openai_requests import ChatRequest, run_request
from ..openai_shapes import (
    MODEL,
    ChatCompletion,
    ModelCard,
    ModelList,
    OpenAIErrorDocument,
    answer_text,
    chunk,
    completion,
    error_document,
    error_response,
    event,
    model_not_found,
    run_failed,
    usage_chunk,
)
from ..parts import Parts, shared_parts
from ..problems import MEDIA_TYPE, Problem, ProblemDocument, errors_of, not_json
from ..records import Principal, RunRecord, StoredEvent
from ..security import require
from ..sse import EventStream, unless_gone

logger = logging.getLogger("llmcompiler.server")


class OpenAIRoute(APIRoute):
    """Answers every error in OpenAI's shape, those of its dependencies too."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The handler."""
        handle = super().get_route_handler()

        async def handle_errors(request: Request) -> Response:
            try:
                return await handle(request)
            except Problem as problem:
                return error_response(problem)
            except RequestValidationError as error:
                return error_response(_invalid(error))
            except HTTPException as error:  # the body is no text, say
                return error_response(Problem(error.status_code, "invalid-request", str(error.detail)))

        return handle_errors


_EITHER = frozenset(["content", "stop"])
"""Members that may be a text or a list."""
_FORMS = frozenset(["str", "list[ContentPart]", "list[str]"])
"""What pydantic calls those."""


def _invalid(error: RequestValidationError) -> Problem:
    """What is wrong with a body: the first thing, as OpenAI does. Nothing of what was sent is in it."""
    if problem := not_json(error):
        return problem
    errors = errors_of(error)
    loc = [*errors[0]["loc"]]
    message = errors[0]["msg"]
    if at := next((i for i, part in enumerate(loc) if part in _FORMS and loc[i - 1] in _EITHER), 0):
        # There is an error for each of the forms: the deeper one is about the form that was meant.
        deepest = max((e for e in errors if [*e["loc"][:at]] == loc[:at]), key=lambda e: len(e["loc"]))
        loc, message = [*deepest["loc"]], deepest["msg"]
        del loc[at]
    place = ".".join(str(part) for part in loc if part != "body")[:200]
    text = f"`{place}`: {message}" if place else str(message)
    return Problem(400, "invalid-request", text[:500], param=place or None)


router = APIRouter(
    prefix="/v1",
    tags=["openai"],
    route_class=OpenAIRoute,
    generate_unique_id_function=lambda route: route.name,
)

_Parts = Annotated[Parts, Depends(shared_parts)]
_Runner = Annotated[Principal, Depends(require("run"))]
_Reader = Annotated[Principal, Depends(require("read"))]

_GONE = 499
_STARTED = int(time.time())


def _errors(*statuses: int, elsewhere: tuple[int, ...] = ()) -> dict[int | str, dict[str, Any]]:
    """For `responses=`: errors in OpenAI's shape, and problems that are found before a request gets here."""
    documented: dict[int | str, dict[str, Any]] = {
        s: {"model": OpenAIErrorDocument, "description": HTTPStatus(s).phrase} for s in statuses
    }
    problem = ProblemDocument.model_json_schema()
    for status in (403, 431, 500, *elsewhere):
        kept = documented.setdefault(status, {"description": HTTPStatus(status).phrase})
        kept.setdefault("content", {})[MEDIA_TYPE] = {"schema": problem}
    return documented


_CHUNKS = {
    "text/event-stream": {
        "schema": {
            "type": "object",
            "description": "Chunks as server-sent events without names, then `data: [DONE]`.",
            "properties": {"data": {"type": "string", "description": "JSON: a chunk, or an error."}},
            "required": ["data"],
        },
        "example": 'data: {"id": "chatcmpl-4f2c81d07b", "object": "chat.completion.chunk", "created": 1760000000, '
        '"model": "llmcompiler", "choices": [{"index": 0, "delta": {"content": "Mount Everest"}, "logprobs": null, '
        '"finish_reason": null}]}\n\ndata: [DONE]\n\n',
    }
}
_LOCATION = {
    "headers": {"Location": {"description": "The run, for GET.", "schema": {"type": "string"}}},
}


@router.post(
    "/chat/completions",
    summary="Answer a conversation",
    response_model=ChatCompletion,
    responses={
        200: {
            "description": "The answer; or, with `stream`, its chunks.",
            "content": _CHUNKS,
            **_LOCATION,
        },
        **_errors(400, 401, 403, 404, 415, 422, 429, 500, 502, 503),
    },
)
async def create_chat_completion(
    body: ChatRequest,
    request: Request,
    shared: _Parts,
    who: _Runner,
    key: Annotated[
        str | None,
        Header(
            alias="Idempotency-Key",
            pattern=r"^[!-~]{1,255}$",
            description="Your name for this request: sent again with it, it starts no second run.",
        ),
    ] = None,
) -> Response:
    """The answer to the last message of the user, with the others as context. Each is a run: `Location` says where.

    Tools are those of the service; `tools` in the request are refused. A connection that closes before the answer is
    complete cancels the run, unless there is an `Idempotency-Key` (you may come back).
    """
    wanted = run_request(body, shared.settings.max_input)
    manager = shared.manager
    try:
        record, new = await manager.start(who, wanted, idempotency_key=key, source="chat")
    except Problem as problem:
        if problem.code != "bad-schema":
            raise
        detail = problem.detail.replace("`output_schema`", "`response_format`")  # as this client calls it
        raise Problem(problem.status, problem.code, detail, param="response_format") from None
    headers = {"Location": f"/v1/runs/{record.id}"} | ({} if new else {"Idempotent-Replayed": "true"})

    async def on_gone() -> None:
        if key is None:
            await manager.cancel(who, record.id)

    if body.stream:
        usage = body.stream_options is not None and body.stream_options.include_usage
        whole = wanted.output_schema is not None
        return ChatStream(shared, who, record, usage, whole, on_gone=on_gone, headers=headers)
    ended = await unless_gone(request, manager.wait(who, record.id))
    if ended is None:
        await on_gone()
        return Response(status_code=_GONE)
    if ended.status != "succeeded":
        raise run_failed(ended)
    return Response(dumps(completion(ended)), 200, headers, media_type="application/json")


class ChatStream(EventStream):
    """A run's answer as chunks while it is written.

    What goes out makes up the answer when it is put together. An answer that has to fit a schema goes out whole: it is
    known to fit only when it is complete.
    """

    def __init__(
        self, shared: Parts, who: Principal, record: RunRecord, usage: bool, whole: bool, **more: Any
    ) -> None:
        super().__init__(shared.manager, who, record.id, -1, shared.settings.heartbeat, **more)
        self._record, self._usage, self._whole = record, usage, whole

    async def pieces(self) -> AsyncGenerator[bytes, None]:
        """First who speaks, then the text, then why it ends; or what went wrong."""
        yield self._chunk({"role": "assistant", "content": "", "refusal": None})
        sent = ""
        try:
            batches = self._manager.batches(self._who, self._run_id)
            async with aclosing(batches):
                async for batch in batches:
                    if text := self._text(batch):
                        sent += text
                        yield self._chunk({"content": text})
            ended = await self._manager.get(self._who, self._run_id)
            if ended.status != "succeeded":
                raise run_failed(ended)
        except Problem as problem:  # the status was sent long ago; OpenAI's clients raise what they find here
            yield event(error_document(problem)).encode()
            return
        if rest := _rest(sent, answer_text(ended.output)):
            yield self._chunk({"content": rest})
        last = self._chunk({}, "stop")
        yield last + (usage_chunk(ended).encode() if self._usage else b"") + b"data: [DONE]\n\n"

    def _text(self, batch: list[StoredEvent]) -> str:
        """What may go out of the text in some events."""
        text = ""
        for stored in batch:
            if stored.type == "OutputDelta" and not self._whole:
                said = json.loads(stored.data)
                if said.get("cut"):  # it was too long to be kept; the whole answer is with the run
                    self._whole = True
                else:
                    text += said["text"]
        return text

    def _chunk(self, delta: dict[str, Any], finish: str | None = None) -> bytes:
        return chunk(self._record, delta, usage=self._usage, finish=finish).encode()


def _rest(sent: str, answer: str) -> str:
    """What of an answer has not gone out yet."""
    if answer.startswith(sent):
        return answer[len(sent) :]
    # A joiner may have begun one answer and given another: what is out is out, and the answer follows it.
    return "" if answer.strip() == sent.strip() else f"\n\n{answer}"


@router.get(
    "/models",
    summary="List models",
    response_model=ModelList,
    responses=_errors(401, 403, 429),
)
async def list_models(shared: _Parts, who: _Reader) -> Response:
    """The one model there is: `llmcompiler`."""
    return JSONResponse(ModelList(data=[_card(shared)]).model_dump())


@router.get(
    "/models/{model:path}",
    summary="Look at a model",
    response_model=ModelCard,
    responses=_errors(401, 403, 404, 422, 429, elsewhere=(404,)),  # no route has line breaks in its path
)
async def get_model(
    model: Annotated[str, Path(description="Its id.", examples=[MODEL])], shared: _Parts, who: _Reader
) -> Response:
    """A model: `llmcompiler`, or there is none."""
    if model != MODEL:
        raise model_not_found(model)
    return JSONResponse(_card(shared).model_dump())


def _card(shared: Parts) -> ModelCard:
    return ModelCard(id=MODEL, created=_STARTED, owned_by=_owner(shared))


def _owner(shared: Parts) -> str:
    """Name of the language model behind the service, where there is one."""
    try:
        users = (shared.compiler.planner, shared.compiler.joiner)
    except LLMCompilerError:  # none is configured; a run says so
        return MODEL
    names = (getattr(getattr(user, "model", None), "name", None) for user in users)
    return next((n for n in names if isinstance(n, str) and n), MODEL)


__all__ = ["ChatStream", "OpenAIRoute", "router"]
