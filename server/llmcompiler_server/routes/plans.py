"""The endpoints that run nothing: a plan explained before it is run, and what can be called."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from llmcompiler import Plan
from llmcompiler._jsonable import dumps
from llmcompiler.check import check_plan
from llmcompiler.errors import LimitExceeded, LLMCompilerError, PlanError
from llmcompiler.language import parse_plan
from llmcompiler.pictures import shape
from llmcompiler.simulator import known_order
from llmcompiler.tools import Tool

from ..live import public_error
from ..parts import Parts, shared_parts
from ..problems import Problem
from ..records import Principal
from ..security import require
from ..sse import unless_gone
from . import problem_responses

router = APIRouter(tags=["plans"], generate_unique_id_function=lambda route: route.name)

_Parts = Annotated[Parts, Depends(shared_parts)]
_GONE = 499


class PlanRequest(BaseModel):
    """A question to plan, or a plan to look at: exactly one of the two."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {"input": "Which is higher, Mount Everest or K2?"},
                {"plan": '1. search("Mount Everest")\n2. search("K2")\njoin()'},
            ]
        },
    )

    input: str | None = Field(default=None, min_length=1, description="The question, in plain words.")
    plan: str | dict[str, Any] | None = Field(default=None, description="A plan as text, or its JSON form.")


class DiagnosticDocument(BaseModel):
    """Something wrong, or odd, in a plan."""

    code: str
    message: str
    line: int = Field(description="From 1; 0 where there is no place.")
    column: int
    hint: str
    severity: Literal["error", "warning"]
    task_id: int | None = None
    source: str


class PlanDocument(BaseModel):
    """A plan that can run here, and what is known of it before."""

    object: Literal["plan"] = "plan"
    text: str = Field(description="The plan in the plan language.")
    plan: dict[str, Any] = Field(description="Its JSON form, as `plan` of a request takes it.")
    mermaid: str = Field(description="Its graph as a Mermaid flowchart.")
    explanation: str = Field(description="A table: calls, order, effects, predicted times, critical path.")
    tasks: int
    steps: int = Field(description="Calls on the longest chain.")
    width: int = Field(description="Most calls side by side.")
    critical_path: list[int] = Field(description="Task ids of the longest chain.")
    order: dict[str, list[int]] = Field(description="For a task, those it comes after because of effects.")
    needs_approval: list[int] = Field(description="Tasks whose calls will ask, as far as that is known now.")
    diagnostics: list[DiagnosticDocument] = Field(description="What is odd; a plan with errors is refused.")


class ToolDocument(BaseModel):
    """A tool that plans can call."""

    name: str
    description: str
    signature: str = Field(description="As a planner is shown it.")
    parameters: dict[str, Any] = Field(description="JSON schema of the arguments.")
    returns: dict[str, Any] | None = Field(
        default=None, description="JSON schema of the result, where known."
    )
    effect: str | None = Field(default=None, description="pure, read, write; null where it is not declared.")
    requires_approval: bool = Field(description="Whether a call may have to be approved.")
    timeout: float | None = Field(
        default=None, description="Seconds a call may take, where it has its own bound."
    )
    max_concurrency: int | None = Field(default=None, description="Calls at once, where it has its own cap.")


class ToolList(BaseModel):
    """What can be called."""

    object: Literal["list"] = "list"
    data: list[ToolDocument]


@router.post(
    "/v1/plans",
    summary="Explain a plan without running it",
    response_model=PlanDocument,
    responses=problem_responses(400, 401, 403, 413, 422, 429, 502),
)
async def make_plan(
    body: PlanRequest, request: Request, shared: _Parts, who: Annotated[Principal, Depends(require("run"))]
) -> Response:
    """Plan a question, or check a plan of your own: calls, order, effects, critical path. No tool is called.

    A question is planned by the model, which costs what planning costs.
    """
    if (body.input is None) == (body.plan is None):
        raise Problem(422, "invalid-request", "give `input` to plan a question, or `plan` to check a plan")
    if body.plan is not None:
        return _json(_document(*_checked(body.plan, shared), shared))
    assert body.input is not None
    if len(body.input) > shared.settings.max_input:
        raise Problem(
            413,
            "input-too-long",
            f"`input` has {len(body.input):,} characters; {shared.settings.max_input:,} are allowed",
        )
    if not body.input.strip():
        raise Problem(422, "invalid-request", "`input` is blank; ask something")
    try:
        plan = await unless_gone(request, shared.compiler.plan(body.input))
    except PlanError as error:
        raise _invalid(error) from None
    except LimitExceeded as error:
        raise Problem(422, "limit-exceeded", str(error)) from None
    except LLMCompilerError as error:
        told = public_error(error)
        raise Problem(502, told["code"], told["message"]) from None
    if plan is None:
        return Response(status_code=_GONE)
    return _json(_document(plan, [], shared))


@router.get(
    "/v1/tools",
    summary="List what can be called",
    response_model=ToolList,
    responses=problem_responses(401, 403, 429),
)
async def list_tools(shared: _Parts, who: Annotated[Principal, Depends(require("read"))]) -> Response:
    """Every tool with its schemas, its effect and whether calls have to be approved."""
    return _json({"object": "list", "data": [_tool(tool) for tool in shared.compiler.tools.values()]})


def _checked(given: str | dict[str, Any], shared: Parts) -> tuple[Plan, list[Any]]:
    found: list[Any] = []
    try:
        if isinstance(given, dict):
            plan = Plan.model_validate(given)
        elif given.lstrip().startswith("{"):
            plan = Plan.model_validate_json(given)
        else:
            plan, found = parse_plan(given)
        checked = check_plan(
            plan, shared.compiler.tools, diagnostics=found, on_item_error=shared.compiler.on_item_error
        )
    except PlanError as error:
        raise _invalid(error) from None
    if not checked.tasks and checked.join is None:
        raise Problem(
            422, "plan-invalid", "there is no plan in the text: not one task and no join", diagnostics=[]
        )
    checked.__dict__["_outlook"] = shared.compiler.outlook
    return checked, found


def _invalid(error: PlanError) -> Problem:
    return Problem(
        422,
        "plan-invalid",
        str(error)[:4_000],
        diagnostics=[d.to_dict() for d in error.diagnostics[:100]],
    )


def _document(plan: Plan, found: list[Any], shared: Parts) -> dict[str, Any]:
    form = shape(plan)
    asks = {t.name for t in shared.compiler.tools.values() if t.requires_approval is True}
    return {
        "object": "plan",
        "text": str(plan),
        "plan": plan.model_dump(),
        "mermaid": plan.to_mermaid(),
        "explanation": plan.explain(),
        "tasks": len(plan.tasks),
        "steps": form.depth,
        "width": form.width,
        "critical_path": list(form.critical_path),
        "order": {str(later): list(after) for later, after in known_order(plan).items() if after},
        "needs_approval": [t.id for t in plan.tasks if t.tool in asks],
        "diagnostics": [d.to_dict() for d in found],
    }


def _tool(tool: Tool) -> dict[str, Any]:
    described = tool.to_dict()
    effect = described.get("effect")
    return {
        "name": tool.name,
        "description": tool.description,
        "signature": tool.signature,
        "parameters": described["parameters"],
        "returns": tool.returns,
        "effect": effect if isinstance(effect, str) else None,
        "requires_approval": bool(tool.requires_approval),
        "timeout": tool.timeout,
        "max_concurrency": tool.max_concurrency,
    }


def _json(content: Any) -> Response:
    return Response(dumps(content), media_type="application/json")
