"""The endpoints that run nothing: a plan explained before it is run, and what can be called."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Annotated, Any
from weakref import WeakKeyDictionary

from fastapi import APIRouter, Depends, Request, Response

from llmcompiler import Plan, Usage
from llmcompiler._jsonable import dumps
from llmcompiler.check import check_plan
from llmcompiler.diagnostics import Diagnostic
from llmcompiler.errors import ConfigurationError, LimitExceeded, LLMCompilerError, PlanError
from llmcompiler.events import DiagnosticEmitted, Event
from llmcompiler.explaining.data import explain_data
from llmcompiler.language import parse_plan
from llmcompiler.protocols import Reporter
from llmcompiler.tools import Tool

from ..asked import check_input
from ..live import public_error
from ..parts import Parts, shared_parts
from ..plan_shapes import PlanDocument, PlanRequest, ToolList, plan_problem
from ..problems import Problem
from ..records import Principal
from ..runs import RunManager
from ..security import require
from ..sse import unless_gone
from . import problem_responses

router = APIRouter(prefix="/v1", tags=["plans"], generate_unique_id_function=lambda route: route.name)

_Parts = Annotated[Parts, Depends(shared_parts)]
_GONE = 499
MOST = 100_000
"""Characters of a plan that is given, in its text or in its JSON."""
MOST_TASKS = 500
"""Tasks of a plan that is given."""
_TOLD = 100
"""Diagnostics that are told."""


# -- plans ---------------------------------------------------------------------------------------


@router.post(
    "/plans",
    summary="Explain a plan without running it",
    response_model=PlanDocument,
    responses={
        **problem_responses(400, 401, 403, 413, 415, 429, 502, 503),
        422: plan_problem(),
    },
)
async def explain_plan(
    body: PlanRequest,
    request: Request,
    shared: _Parts,
    who: Annotated[Principal, Depends(require("run"))],
) -> Response:
    """Plan a question, or check a plan of your own: calls, order, effects, predicted times, critical path, cost.

    No tool is called. A question is planned by the model, which costs what planning costs. Times are predicted from
    what the service has learned of its tools so far.
    """
    if (body.input is None) == (body.plan is None):
        raise Problem(422, "invalid-request", "give `input` to plan a question, or `plan` to check a plan")
    if body.plan is not None:
        length = len(body.plan if isinstance(body.plan, str) else dumps(body.plan))
        if length > MOST:
            raise Problem(413, "input-too-long", f"`plan` has {length:,} characters; {MOST:,} are allowed")
    with _one_more(shared, who):
        try:
            found = await unless_gone(request, _explained(shared, body))
        except PlanError as error:
            told = [_diagnostic(d) for d in error.diagnostics[:_TOLD]]
            raise Problem(422, "plan-invalid", str(error)[:4_000], diagnostics=told) from None
        except LimitExceeded as error:
            raise Problem(422, "limit-exceeded", str(error)) from None
        except ConfigurationError:
            raise Problem(
                503,
                "not-configured",
                "this service has no usable model or planner; its log says what is missing",
            ) from None
        except LLMCompilerError as error:
            said = public_error(error)
            raise Problem(502, said["code"], said["message"]) from None
    if found is None:
        return Response(status_code=_GONE)
    return Response(found, media_type="application/json")


class _Plannings:
    """Plans of one service that are being made."""

    def __init__(self) -> None:
        self.of_key: Counter[str] = Counter()
        self.alone = asyncio.Lock()
        """Held while one is explained: plans of many tasks take seconds, and never more than one core."""


_UNDER_WAY: WeakKeyDictionary[RunManager, _Plannings] = WeakKeyDictionary()


def _under_way(shared: Parts) -> _Plannings:
    return _UNDER_WAY.setdefault(shared.manager, _Plannings())


@contextmanager
def _one_more(shared: Parts, who: Principal) -> Iterator[None]:
    """Planning takes a model as runs do, and as many of a key may be under way."""
    if shared.manager.closing:
        raise Problem(
            503,
            "shutting-down",
            "the service is shutting down and takes nothing new; ask again in a while",
            headers={"Retry-After": "5"},
        )
    busy = _under_way(shared).of_key
    most = shared.settings.max_runs_per_key
    if busy[who.name] >= most:
        raise Problem(
            429,
            "too-many-plans",
            f"{most} plans of this key are being made, which is as many as may be; wait for one",
            headers={"Retry-After": "1"},
        )
    busy[who.name] += 1
    try:
        yield
    finally:
        busy[who.name] -= 1
        if not busy[who.name]:
            del busy[who.name]


class _Odd(Reporter):
    """Keeps what is odd about a plan while it is written."""

    def __init__(self) -> None:
        self.found: dict[Diagnostic, None] = {}

    def report(self, event: Event) -> None:
        if isinstance(event, DiagnosticEmitted):
            self.found[event.diagnostic] = None


async def _explained(shared: Parts, body: PlanRequest) -> bytes:
    alone = _under_way(shared).alone
    if body.plan is not None:
        return await _in_thread(alone, partial(_explain_given, shared, body.plan))
    assert body.input is not None
    check_input(body.input, shared.settings.max_input)
    odd = _Odd()
    plan = await shared.compiler.plan(body.input, reporters=[odd])
    return await _in_thread(alone, partial(_document, plan, list(odd.found)))


async def _in_thread(alone: asyncio.Lock, work: Callable[[], bytes]) -> bytes:
    """Work in a thread. A thread can not be cancelled: who leaves leaves the lock to it until it is done."""
    await alone.acquire()
    working = asyncio.get_running_loop().run_in_executor(None, work)

    def done(future: asyncio.Future[bytes]) -> None:
        alone.release()
        if not future.cancelled():
            future.exception()  # looked at, also where nobody waits for it any more

    working.add_done_callback(done)
    return await asyncio.shield(working)


def _explain_given(shared: Parts, given: str | dict[str, Any]) -> bytes:
    found: list[Diagnostic] = []
    if isinstance(given, dict):
        plan = Plan.model_validate(given)
    elif given.lstrip().startswith("{"):
        plan = Plan.model_validate_json(given)
    else:
        plan, found = parse_plan(given)
    if len(plan.tasks) > MOST_TASKS:
        raise Problem(
            413, "input-too-long", f"the plan has {len(plan.tasks):,} tasks; {MOST_TASKS:,} are allowed"
        )
    compiler = shared.compiler
    checked = check_plan(plan, compiler.tools, diagnostics=found, on_item_error=compiler.on_item_error)
    if not checked.tasks and checked.join is None:
        raise PlanError(tuple(found), "there is no plan in the text: not one task and no join")
    checked.__dict__["_outlook"] = compiler.outlook
    return _document(checked, found)


def _document(plan: Plan, found: list[Diagnostic]) -> bytes:
    usage: Usage = plan.__dict__.get("_usage") or Usage()
    return dumps(
        {
            "object": "plan",
            "text": str(plan),
            "plan": plan.model_dump(),
            "mermaid": plan.to_mermaid(),
            "explanation": plan.explain(),
            "explain": explain_data(plan),
            "diagnostics": [_diagnostic(d) for d in found[:_TOLD]],
            "usage": usage.to_dict(),
        }
    ).encode()


def _diagnostic(diagnostic: Diagnostic) -> dict[str, Any]:
    return {**diagnostic.to_dict(), "text": diagnostic.render()}


# -- tools -----------------------------------------------------------------------------------------


@router.get(
    "/tools",
    summary="List what can be called",
    response_model=ToolList,
    responses=problem_responses(401, 403, 429),
)
async def list_tools(shared: _Parts, who: Annotated[Principal, Depends(require("read"))]) -> Response:
    """Every tool of the service: its schemas, its effect, what it touches, its caps, whether calls are approved."""
    content = {"object": "list", "data": [_tool(tool) for tool in shared.compiler.tools.values()]}
    return Response(dumps(content), media_type="application/json")


def _tool(tool: Tool) -> dict[str, Any]:
    o = tool.options
    approval = (
        "by its arguments" if callable(o.requires_approval) else "always" if o.requires_approval else None
    )
    rate = o.rate_limit
    return {
        "name": tool.name,
        "description": tool.description,
        "signature": tool.signature,
        "parameters": tool.parameters,
        "returns": tool.returns,
        "effect": "by its arguments" if callable(o.effect) else o.effect,
        "resource": _resource(o.resource),
        "idempotent": tool.idempotent,
        "requires_approval": approval is not None,
        "approval": approval,
        "timeout": o.timeout,
        "max_concurrency": o.max_concurrency,
        "rate_limit": None if rate is None or isinstance(rate, str) else f"{rate.calls:g}/{rate.seconds:g}s",
    }


def _resource(resource: Any) -> str | None:
    if resource is None:
        return None
    if callable(resource):
        return "by its arguments"
    return resource if isinstance(resource, str) else dumps(resource)[:200]


__all__ = ["router"]
