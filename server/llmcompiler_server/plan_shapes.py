"""What is asked and told of plans and tools: plain data for `routes.plans`, and nothing that looks at a plan."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from .problems import MEDIA_TYPE, ProblemDocument


class PlanRequest(BaseModel):
    """A question to plan, or a plan to look at: exactly one of the two."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {"plan": '1. search("Mount Everest")\n2. search("K2")\njoin()'},
                {"input": "Which is higher, Mount Everest or K2?"},
            ]
        },
    )

    input: str | None = Field(
        default=None, min_length=1, description="A question, in plain words: the planner's model is asked."
    )
    plan: str | dict[str, Any] | None = Field(
        default=None,
        description="A plan in the plan language, or in its JSON form (also as text): no model is asked.",
    )


class DiagnosticDocument(BaseModel):
    """Something wrong, or odd, in a plan."""

    code: str = Field(examples=["unknown-tool"])
    message: str
    line: int = Field(description="In the plan text, from 1; 0 where there is no text.")
    column: int = Field(description="In that line, from 1; 0 where there is no text.")
    hint: str = Field(description="What to do about it.")
    severity: Literal["error", "warning"]
    task_id: int | None = None
    source: str = Field(description="The line of the plan text.")
    text: str = Field(description="All of it for people, with a caret under the place.")


class CallForecast(BaseModel):
    """What will become of one task."""

    id: int
    tool: str
    call: str = Field(examples=['search(query="K2")'])
    effect: str | None = Field(description="`pure`, `read`, `write`, `undeclared`, or `by its arguments`.")
    resources: str | None = Field(description="What it touches; null for nothing.")
    waits_for: list[int] = Field(description="Tasks whose values it needs.")
    after: list[int] = Field(description="Tasks that have to end first because of what both touch.")
    start: float | None = Field(description="When it will start, in `unit`; null where it never does.")
    finish: float | None
    slack: float | None = Field(description="How much later it could start, were there no caps.")
    critical: bool = Field(description="Whether it is on the critical path.")
    approval: Literal["needed", "by its arguments"] | None = Field(
        description="Whether it will have to wait."
    )
    constant: bool = Field(description="Whether its value is the same in every run.")
    saved: Literal["merged", "dropped"] | None = Field(description="Why the call is not made, if so.")
    problem: str | None = Field(description="Why it will fail, where that is known already.")


class PassNote(BaseModel):
    """What a pass of the compiler will do."""

    model_config = ConfigDict(populate_by_name=True)

    pass_: str = Field(alias="pass", examples=["merge"])
    task_id: int | None
    text: str


class PlanForecast(BaseModel):
    """What a run of the plan will take, of a simulated run in which every call succeeds."""

    unit: Literal["seconds", "steps"] = Field(
        description="Steps where nothing is known of any of its tools: then every call counts one."
    )
    calls: int = Field(description="Calls that will be made, as far as that is known.")
    makespan: float | None = Field(description="From the first call to the end of the last, under the caps.")
    makespan_without_caps: float | None
    sequential: float | None = Field(description="All calls one after another: the work.")
    speedup: float | None = Field(description="`sequential` divided by `makespan`.")
    critical_path: list[int] = Field(description="Ids of one longest chain of tasks, first to last.")
    critical_path_length: float | None = Field(description="No schedule is shorter.")
    at_once: int = Field(description="The most calls at once, were there no caps.")
    concurrency: int | None = Field(description="Calls at once that are allowed; null for no cap.")
    tasks: list[CallForecast]
    notes: list[PassNote]
    assumptions: list[str]


class PlanCost(BaseModel):
    """What writing the plan took; nothing where the plan was given."""

    model_calls: int
    prompt_tokens: int
    completion_tokens: int
    cost: float | None = Field(description="US dollars; null where the model's price is not known.")


class PlanDocument(BaseModel):
    """A plan that can run here, and what is known of its run."""

    object: Literal["plan"] = "plan"
    text: str = Field(description="The plan in the plan language.")
    plan: dict[str, Any] = Field(description="Its JSON form, as `plan` of a request takes it.")
    mermaid: str = Field(description="Its graph as a Mermaid flowchart.")
    explanation: str = Field(description="A table for people: calls, order, times, critical path.")
    explain: PlanForecast
    diagnostics: list[DiagnosticDocument] = Field(description="What is odd; a plan with errors is refused.")
    usage: PlanCost = Field(description="What planning cost.")


class ToolDocument(BaseModel):
    """A tool that plans can call."""

    name: str = Field(examples=["search"])
    description: str
    signature: str = Field(examples=["search(query: str) -> list[str]"], description="As planners see it.")
    parameters: dict[str, Any] = Field(description="JSON schema of the arguments.")
    returns: dict[str, Any] | None = Field(description="JSON schema of the result; null where not declared.")
    effect: Literal["pure", "read", "write", "by its arguments"] | None = Field(
        description="What a call does to the world; null where not declared."
    )
    resource: str | None = Field(
        description="What calls touch, where that is declared; `by its arguments` where each call says so."
    )
    idempotent: bool = Field(description="Whether calling it twice is as good as once.")
    requires_approval: bool = Field(description="Whether calls may have to be approved.")
    approval: Literal["always", "by its arguments"] | None
    timeout: float | None = Field(
        description="Seconds that a call may take; null for the service's own bound."
    )
    max_concurrency: int | None = Field(description="Calls at once; null for the service's own bound.")
    rate_limit: str | None = Field(examples=["10/1s"], description="Calls in so many seconds.")


class ToolList(BaseModel):
    """What can be called."""

    object: Literal["list"] = "list"
    data: list[ToolDocument]


def plan_problem() -> dict[str, Any]:
    """For `responses=`: a problem that may hold diagnostics."""
    schema = ProblemDocument.model_json_schema()
    schema["properties"]["diagnostics"] = {
        "type": "array",
        "description": "With `plan-invalid`: everything that is wrong with the plan.",
        "items": DiagnosticDocument.model_json_schema(),
    }
    return {
        "description": "The request is wrong; or the plan is (`plan-invalid`), whose `diagnostics` say where.",
        "content": {MEDIA_TYPE: {"schema": schema}},
    }


__all__ = [
    "CallForecast",
    "DiagnosticDocument",
    "PassNote",
    "PlanCost",
    "PlanDocument",
    "PlanForecast",
    "PlanRequest",
    "ToolDocument",
    "ToolList",
    "plan_problem",
]
