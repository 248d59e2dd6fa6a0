"""Routes for those who operate the service: is it alive, is it ready, what does it do."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Response
from pydantic import BaseModel

from ..metrics import CONTENT_TYPE
from ..parts import Parts, shared_parts
from ..problems import MEDIA_TYPE, Problem, ProblemDocument
from ..records import Principal
from ..security import require

router = APIRouter(tags=["operation"])

_PROBLEM = {"model": ProblemDocument, "content": {MEDIA_TYPE: {}}}


class Health(BaseModel):
    """The process answers."""

    status: Literal["ok"] = "ok"


class Readiness(BaseModel):
    """Runs are taken."""

    status: Literal["ready"] = "ready"
    runs: int
    """Runs under way."""


@router.get("/healthz", summary="Whether the process is alive", operation_id="health")
async def health() -> Health:
    """Always 200 while the process answers. It needs no key."""
    return Health()


@router.get(
    "/readyz",
    summary="Whether runs are taken",
    operation_id="readiness",
    responses={503: {**_PROBLEM, "description": "The service ends: no new runs are taken."}},
)
async def readiness(shared: Annotated[Parts, Depends(shared_parts)]) -> Readiness:
    """200 while new runs are taken, 503 while the service ends. It needs no key."""
    if shared.manager.closing:
        raise Problem(503, "shutting-down", "the service ends and takes no new runs")
    return Readiness(runs=shared.manager.active)


@router.get(
    "/metrics",
    summary="Prometheus metrics",
    operation_id="metrics",
    response_class=Response,
    responses={
        200: {
            "content": {"text/plain": {"schema": {"type": "string"}}},
            "description": "Prometheus' text format.",
        },
        401: {**_PROBLEM, "description": "No key, or a wrong one."},
        403: {**_PROBLEM, "description": "The key lacks the scope `read`."},
        429: {**_PROBLEM, "description": "Too many requests."},
    },
)
async def metrics(
    shared: Annotated[Parts, Depends(shared_parts)],
    who: Annotated[Principal, Depends(require("read", unless=lambda settings: settings.metrics_public))],
) -> Response:
    """Runs, tasks, latencies, tokens, caps in use; no text of users. It needs the scope `read`, or `metrics_public`."""
    return Response(shared.metrics.render(), media_type=CONTENT_TYPE)
