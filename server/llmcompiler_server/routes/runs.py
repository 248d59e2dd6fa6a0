"""The endpoints of runs: start, look, follow, cancel, decide."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Header, Path, Query, Request, Response
from pydantic import BaseModel

from llmcompiler._jsonable import dumps

from ..parts import Parts, shared_parts
from ..problems import Problem
from ..records import (
    ENDED,
    ApprovalDecision,
    ApprovalDocument,
    Principal,
    RunDocument,
    RunPage,
    RunRecord,
    RunRequest,
    RunStatus,
)
from ..security import require
from ..sse import event_stream, unless_gone
from . import problem_responses

router = APIRouter(prefix="/v1/runs", tags=["runs"], generate_unique_id_function=lambda route: route.name)

_Parts = Annotated[Parts, Depends(shared_parts)]
_Runner = Annotated[Principal, Depends(require("run"))]
_Reader = Annotated[Principal, Depends(require("read"))]
_Approver = Annotated[Principal, Depends(require("approve"))]
_RunId = Annotated[str, Path(description="The run.", max_length=100, examples=["run_4f2c81d07b"])]

_STREAM = {
    "text/event-stream": {
        "schema": {
            "type": "object",
            "description": "One server-sent event of the stream. `id` is the event's `seq`, `event` its type, and "
            "`data` the event itself in JSON.",
            "properties": {name: {"type": "string"} for name in ("id", "event", "data")},
        },
        "example": {
            "id": "0",
            "event": "RunStarted",
            "data": '{"type": "RunStarted", "seq": 0, "run_id": "run_4f2c81d07b", "at": 0.0, "question": "..."}',
        },
    }
}
_LINKS = {
    name: {"operationId": name, "parameters": {"run_id": "$response.body#/id"}}
    for name in ("get_run", "follow_run", "cancel_run", "list_approvals")
}
_GONE = 499
"""What nobody reads any more is given this status, for the log's sake."""
_LONGEST_ID = 18
_NUMBER: dict[str, Any] = {"pattern": "^[0-9]{0,18}$"}
"""Told, and not checked by FastAPI: what is wrong with an id is a 400, as proxies and browsers expect it."""


class ApprovalList(BaseModel):
    """The calls of a run that wait for a decision, in the order of asking."""

    object: Literal["list"] = "list"
    data: list[ApprovalDocument]


def _page(found: list[RunRecord], following: str | None) -> bytes:
    """A page of runs as JSON. Answers may be large: in a thread, and one at a time, they hold nobody else up."""
    runs = b", ".join(dumps(document(r, tasks=False)).encode() for r in found)
    return b'{"object": "list", "data": [' + runs + b'], "next": ' + dumps(following).encode() + b"}"


class _Json(Response):
    """JSON that can always be written: tools may have given anything."""

    media_type = "application/json"

    def render(self, content: Any) -> bytes:
        return dumps(content).encode()


def document(record: RunRecord, *, tasks: bool = True) -> dict[str, Any]:
    """A run as clients see it: the members of `RunDocument`."""
    result = record.result or {}
    of_tasks = result.get("tasks")
    return {
        "id": record.id,
        "object": "run",
        "status": record.status,
        "input": record.input,
        "output": record.output,
        "error": record.error,
        "created_at": record.created_at,
        "finished_at": record.finished_at,
        "events": record.events,
        "usage": record.usage,
        "timing": result.get("timing") if isinstance(result.get("timing"), dict) else None,
        "tasks": [t for t in of_tasks.values() if isinstance(t, dict)]
        if tasks and isinstance(of_tasks, dict)
        else None,
        "metadata": record.metadata,
    }


@router.post(
    "",
    summary="Start a run",
    response_model=RunDocument,
    responses={
        200: {
            "description": "The run is over, however it ended; or, with `stream`, its events.",
            "content": _STREAM,
        },
        202: {
            "model": RunDocument,
            "description": "With `background`: the run goes on by itself.",
            "links": _LINKS,
            "headers": {"Location": {"description": "Where the run is.", "schema": {"type": "string"}}},
        },
        **problem_responses(400, 401, 403, 413, 415, 422, 429, 503),
    },
)
async def start_run(
    body: RunRequest,
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
    """Ask a question. The answer comes when the run is over; with `stream` as events; with `background` at once.

    A connection that closes before that cancels the run, unless `cancel_on_disconnect` says otherwise, or there is an
    `Idempotency-Key` (you may come back) or `background`.
    """
    if body.stream and body.background:
        raise Problem(
            422,
            "invalid-request",
            "`stream` and `background` exclude each other; start it with `background` and follow its events",
        )
    if body.background and body.cancel_on_disconnect:
        raise Problem(
            422,
            "invalid-request",
            "`background` is answered before the run ends, and no connection is left to close; leave out "
            "`cancel_on_disconnect`, and use POST /v1/runs/{run_id}/cancel to cancel",
        )
    manager = shared.manager
    record, new = await manager.start(who, body, idempotency_key=key)
    headers = {"Location": f"/v1/runs/{record.id}"} | ({} if new else {"Idempotent-Replayed": "true"})
    if body.background:
        return _Json(document(record), 202, headers)
    cancels = key is None if body.cancel_on_disconnect is None else body.cancel_on_disconnect

    async def on_gone() -> None:
        if cancels:
            await manager.cancel(who, record.id)

    if body.stream:
        beat = shared.settings.heartbeat
        return event_stream(manager, who, record.id, -1, beat, on_gone=on_gone, headers=headers)
    ended = await unless_gone(request, manager.wait(who, record.id))
    if ended is None:
        await on_gone()
        return Response(status_code=_GONE)
    return _Json(document(ended), 200, headers)


@router.get(
    "", summary="List runs", response_model=RunPage, responses=problem_responses(401, 403, 422, 429, 503)
)
async def list_runs(
    shared: _Parts,
    who: _Reader,
    status: Annotated[RunStatus | None, Query(description="Only those.")] = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
    after: Annotated[
        str | None, Query(description="`next` of an earlier page.", pattern=r"^[0-9]{1,18}$")
    ] = None,
) -> Response:
    """Runs of this key, or of all keys for an admin, the newest first, without their tasks.

    Pages hold still: runs that start meanwhile are on none of the pages that follow.
    """
    found, following = await shared.manager.list(who, status=status, limit=limit, after=after)
    return Response(await asyncio.to_thread(_page, found, following), media_type="application/json")


@router.get(
    "/{run_id}",
    summary="Look at a run",
    response_model=RunDocument,
    responses=problem_responses(401, 403, 404, 422, 429, 503),
)
async def get_run(run_id: _RunId, shared: _Parts, who: _Reader) -> Response:
    """A run as it is now, with its tasks once it is over."""
    return _Json(document(await shared.manager.get(who, run_id)))


@router.get(
    "/{run_id}/events",
    summary="Follow a run",
    response_class=Response,
    responses={
        200: {"description": "Its events.", "content": _STREAM},
        204: {
            "description": "The run is over and you have all of its events; there is nothing to come back for."
        },
        **problem_responses(400, 401, 403, 404, 422, 429, 503),
    },
)
async def follow_run(
    run_id: _RunId,
    shared: _Parts,
    who: _Reader,
    last_event_id: Annotated[
        str,
        Header(
            alias="Last-Event-ID", description="The last event you have: a number.", json_schema_extra=_NUMBER
        ),
    ] = "",
    after: Annotated[
        str,
        Query(
            description="The same, for clients that can not send headers; the header counts first.",
            json_schema_extra=_NUMBER,
        ),
    ] = "",
) -> Response:
    """Every event of the run after the given one, in order and exactly once, then those that come, until it is over.

    Any number may follow a run, each at its own pace, and come back after a broken connection.
    """
    from_header = _event_id(last_event_id, "the header `Last-Event-ID`")
    from_query = _event_id(after, "`after`")
    position = from_query if from_header is None else from_header
    record = await shared.manager.get(who, run_id)
    position = -1 if position is None else position
    if record.status in ENDED and position >= record.events - 1:
        return Response(status_code=204, headers={"Cache-Control": "no-store"})
    manager = shared.manager
    return event_stream(
        manager, who, run_id, position, shared.settings.heartbeat, admit=manager.admitted(who)
    )


def _event_id(text: str, where: str) -> int | None:
    text = text.strip()
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= _LONGEST_ID):
        raise Problem(400, "bad-event-id", f"{where} is no event's id; ids are whole numbers from 0")
    return int(text)


@router.post(
    "/{run_id}/cancel",
    summary="Cancel a run",
    response_model=RunDocument,
    responses=problem_responses(401, 403, 404, 413, 422, 429, 503),
)
async def cancel_run(run_id: _RunId, shared: _Parts, who: _Runner) -> Response:
    """End a run; its calls are cancelled before the answer comes. One that is over stays as it is."""
    return _Json(document(await shared.manager.cancel(who, run_id)))


@router.get(
    "/{run_id}/approvals",
    summary="List calls that wait for approval",
    response_model=ApprovalList,
    responses=problem_responses(401, 403, 404, 422, 429, 503),
)
async def list_approvals(run_id: _RunId, shared: _Parts, who: _Reader) -> Response:
    """The calls that wait, with exactly the arguments they would be made with."""
    return _approvals(await shared.manager.approvals(who, run_id))


@router.post(
    "/{run_id}/approvals/{task_id}",
    summary="Approve or reject a call",
    response_model=ApprovalList,
    responses=problem_responses(400, 401, 403, 404, 409, 413, 415, 422, 429, 503),
)
async def decide(
    run_id: _RunId,
    task_id: Annotated[int, Path(description="The task.", ge=0, le=2**53)],
    body: ApprovalDecision,
    shared: _Parts,
    who: _Approver,
) -> Response:
    """Let a call be made, or not. Give the `digest` you saw, to be sure that it is those arguments that you decide on.

    The answer lists what waits still.
    """
    return _approvals(await shared.manager.decide(who, run_id, task_id, body))


def _approvals(waiting: list[ApprovalDocument]) -> Response:
    return _Json({"object": "list", "data": [a.model_dump() for a in waiting]})


__all__ = ["ApprovalList", "document", "router"]
