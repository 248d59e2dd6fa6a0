"""The OpenAPI document: what FastAPI makes of the routes, with an example of every answer and of every error.

Examples are data and no prose; a test holds each against its schema.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from .problems import MEDIA_TYPE, ProblemDocument

TAGS = [
    {"name": "runs", "description": "Ask questions, follow runs, decide about calls that need approval."},
    {"name": "openai", "description": "The same for OpenAI's clients, with their errors."},
    {"name": "plans", "description": "What a run would do, and what can be called. Nothing is run."},
    {"name": "operation", "description": "Whether the service is alive, and what it does."},
]
_DESCRIPTION = """\
Answers questions by compiling them into graphs of tool calls that run in parallel.

Errors are problem documents (RFC 9457) with a `code` that is stable; those of the OpenAI-compatible endpoints have \
OpenAI's shape. A key is sent as `Authorization: Bearer KEY` or as `X-API-Key: KEY`; it has scopes (`run`, `read`, \
`approve`, `admin`) and sees its own runs only, but for `admin`. A service without keys asks for none.
"""

_ID = "run_4f2c81d07b"
_CREATED = 1_760_000_000.0
_QUESTION = "Which is higher, Mount Everest or K2?"
_USAGE = {"model_calls": 2, "prompt_tokens": 2100, "completion_tokens": 96, "cost": 0.0011}
_TIMING = {
    "total": 1.9,
    "makespan": 0.6,
    "critical_path": 0.6,
    "sequential": 1.1,
    "planning": 0.9,
    "joining": 0.5,
    "first_call": 0.7,
}
_TASKS: list[dict[str, Any]] = [
    {
        "id": i,
        "tool": "height",
        "args": {"of": name},
        "depends_on": [],
        "outcome": {"status": "succeeded", "value": metres},
        "round": 1,
        "planned": 0.6,
        "started": 0.7,
        "finished": 1.3,
        "attempts": 1,
        "reused": None,
        "via": "call",
        "after": [],
    }
    for i, (name, metres) in enumerate([("Mount Everest", 8849), ("K2", 8611)], 1)
]
_STARTED: dict[str, Any] = {
    "id": _ID,
    "object": "run",
    "status": "running",
    "input": _QUESTION,
    "output": None,
    "error": None,
    "created_at": _CREATED,
    "finished_at": None,
    "events": 1,
    "usage": None,
    "timing": None,
    "tasks": None,
    "metadata": {},
}
_RUN: dict[str, Any] = {
    **_STARTED,
    "status": "succeeded",
    "output": "Mount Everest is higher, by 238 m.",
    "finished_at": _CREATED + 1.9,
    "events": 14,
    "usage": _USAGE,
    "timing": _TIMING,
    "tasks": _TASKS,
}
_APPROVAL: dict[str, Any] = {
    "task_id": 2,
    "item": None,
    "tool": "pay",
    "arguments": {"to": "Ann", "euros": 20},
    "digest": "9f2c…e1",
    "expires_at": None,
}
_MODEL: dict[str, Any] = {
    "id": "llmcompiler",
    "object": "model",
    "created": int(_CREATED),
    "owned_by": "gpt-5-mini",
}
_TEXT = '1. height(of="Mount Everest")\n2. height(of="K2")\n3. join()'
_EXPLAIN: dict[str, Any] = {
    "unit": "steps",
    "calls": 2,
    "makespan": 1.0,
    "makespan_without_caps": 1.0,
    "sequential": 2.0,
    "speedup": 2.0,
    "critical_path": [1],
    "critical_path_length": 1.0,
    "at_once": 2,
    "concurrency": 16,
    "tasks": [
        {
            "id": t["id"],
            "tool": "height",
            "call": f'height(of="{t["args"]["of"]}")',
            "effect": "read",
            "resources": "everything",
            "waits_for": [],
            "after": [],
            "start": 0.0,
            "finish": 1.0,
            "slack": 0.0,
            "critical": t["id"] == 1,
            "approval": None,
            "constant": False,
            "saved": None,
            "problem": None,
        }
        for t in _TASKS
    ],
    "notes": [],
    "assumptions": [],
}
_PLAN: dict[str, Any] = {
    "object": "plan",
    "text": _TEXT,
    "plan": {
        "tasks": [{"id": t["id"], "tool": "height", "args": t["args"]} for t in _TASKS],
        "join": {},
    },
    "mermaid": "flowchart TD\n    t1[\"1. height(of='Mount Everest')\"]\n    t2[\"2. height(of='K2')\"]",
    "explanation": "2 calls in 1 step, at most 2 at once.",
    "explain": _EXPLAIN,
    "diagnostics": [],
    "usage": {"model_calls": 1, "prompt_tokens": 1900, "completion_tokens": 40, "cost": 0.0006},
}
_TOOL: dict[str, Any] = {
    "name": "height",
    "description": "Height of a mountain in metres.",
    "signature": "height(of: str) -> int",
    "parameters": {
        "type": "object",
        "properties": {"of": {"type": "string"}},
        "required": ["of"],
        "additionalProperties": False,
    },
    "returns": {"type": "integer"},
    "effect": "read",
    "resource": None,
    "idempotent": True,
    "requires_approval": False,
    "approval": None,
    "timeout": 10.0,
    "max_concurrency": 4,
    "rate_limit": None,
}
_COMPLETION: dict[str, Any] = {
    "id": "chatcmpl-4f2c81d07b",
    "object": "chat.completion",
    "created": int(_CREATED),
    "model": "llmcompiler",
    "choices": [
        {
            "index": 0,
            "message": {"role": "assistant", "content": _RUN["output"], "refusal": None},
            "logprobs": None,
            "finish_reason": "stop",
        }
    ],
    "usage": {"prompt_tokens": 2100, "completion_tokens": 96, "total_tokens": 2196},
}

ANSWERS: dict[str, tuple[str, Any]] = {
    "start_run": ("The run is over, however it ended; or, with `stream`, its events.", _RUN),
    "list_runs": (
        "Runs, the newest first.",
        {"object": "list", "data": [{**_RUN, "tasks": None}], "next": None},
    ),
    "get_run": ("The run as it is now.", _RUN),
    "cancel_run": ("The run, which is over.", {**_RUN, "status": "cancelled", "output": None}),
    "list_approvals": ("The calls that wait.", {"object": "list", "data": [_APPROVAL]}),
    "decide": ("The calls that wait still.", {"object": "list", "data": []}),
    "create_chat_completion": ("The answer; or, with `stream`, its chunks.", _COMPLETION),
    "list_models": ("The models.", {"object": "list", "data": [_MODEL]}),
    "get_model": ("The model.", _MODEL),
    "explain_plan": ("The plan and its forecast.", _PLAN),
    "list_tools": ("The tools.", {"object": "list", "data": [_TOOL]}),
    "health": ("The process answers.", {"status": "ok"}),
    "readiness": ("Runs are taken.", {"status": "ready", "runs": 3}),
    "metrics": ("Prometheus' text format.", "llmcompiler_runs_active 3.0\n"),
}
"""What is said of each operation's answer, and an example of it."""
REQUESTS: dict[str, Any] = {"decide": {"decision": "approve", "digest": "9f2c…e1"}}
"""Examples of bodies whose schemas have none."""
PROBLEMS: dict[int, tuple[str, str]] = {
    400: ("bad-event-id", "the header `Last-Event-ID` is no event's id; ids are whole numbers from 0"),
    401: ("key-missing", "this service needs a key: `Authorization: Bearer KEY`"),
    403: ("scope-missing", "the key 'reader' lacks the scope `run`"),
    404: ("run-not-found", "there is no such run, or none any more that this key may see"),
    409: ("digest-mismatch", "the call waits for approval of other arguments than those"),
    408: ("request-timeout", "the body was not there after 60 seconds"),
    413: ("body-too-large", "the body has more than 1000000 bytes"),
    415: (
        "not-json",
        "the body must be JSON and say so: send the header `Content-Type: application/json`",
    ),
    422: ("invalid-request", "`body.input`: Field required"),
    429: ("rate-limited", "more than 120 requests a minute; try again in 1 s"),
    431: ("headers-too-large", "the headers and the address have more than 32000 bytes"),
    500: (
        "internal-error",
        "something inside the service went wrong; its log says more under this request id",
    ),
    502: ("model-server-error", "the language model gave no usable reply; its log says more"),
    503: ("shutting-down", "the service is shutting down and takes no new runs; ask again in a while"),
}
"""An example of a problem with each status."""
_OPENAI_ERRORS: dict[int, tuple[str, str, str | None]] = {
    400: ("unsupported_parameter", "invalid_request_error", "tools"),
    401: ("invalid_api_key", "authentication_error", None),
    403: ("scope_missing", "permission_error", None),
    404: ("model_not_found", "invalid_request_error", "model"),
    415: ("not_json", "invalid_request_error", None),
    422: ("limit_exceeded", "invalid_request_error", None),
    429: ("rate_limit_exceeded", "rate_limit_error", None),
    500: ("internal_error", "server_error", None),
    502: ("model_server_error", "server_error", None),
    503: ("shutting_down", "server_error", None),
}
_PROBLEM = {"$ref": "#/components/schemas/ProblemDocument"}


def install_openapi(app: FastAPI) -> None:
    """Make this document the app's."""
    app.openapi = lambda: document(app)  # type: ignore[method-assign]


def document(app: FastAPI) -> dict[str, Any]:
    """The document; made once."""
    if app.openapi_schema is None:
        made = get_openapi(
            title=app.title, version=app.version, description=_DESCRIPTION, routes=app.routes, tags=TAGS
        )
        schemas = made.setdefault("components", {}).setdefault("schemas", {})
        schemas["ProblemDocument"] = ProblemDocument.model_json_schema()
        for path in made["paths"].values():
            for operation in path.values():
                _complete(operation)
        app.openapi_schema = made
    return app.openapi_schema


def _complete(operation: dict[str, Any]) -> None:
    responses = operation["responses"]
    for status in (403, 431, 500):
        responses.setdefault(str(status), {"description": HTTPStatus(status).phrase})
    if "requestBody" in operation:
        for status in (408, 413):
            responses.setdefault(str(status), {"description": HTTPStatus(status).phrase})
    said, example = ANSWERS.get(operation["operationId"], (None, None))
    for status, response in responses.items():
        if int(status) >= 400:
            _complete_error(int(status), response, openai="openai" in operation["tags"])
            continue
        if status == "200" and said is not None:
            response["description"] = said
        for kind, content in response.get("content", {}).items():
            if kind != "text/event-stream" and example is not None:
                content["example"] = _STARTED if status == "202" else example
    if operation["operationId"] in REQUESTS:
        operation["requestBody"]["content"]["application/json"]["example"] = REQUESTS[
            operation["operationId"]
        ]
    operation["responses"] = dict(sorted(responses.items()))


def _complete_error(status: int, response: dict[str, Any], *, openai: bool) -> None:
    code, detail = PROBLEMS.get(status, ("bad-request", HTTPStatus(status).phrase))
    content = response.setdefault("content", {})
    if openai and "application/json" in content:
        name, kind, param = _OPENAI_ERRORS[status]
        error = {"message": detail, "type": kind, "param": param, "code": name}
        content["application/json"]["example"] = {"error": error}
        if MEDIA_TYPE not in content:
            return
    elif not openai:
        content.pop("application/json", None)
    kept = content.setdefault(MEDIA_TYPE, {})
    if "diagnostics" not in kept.get("schema", {}).get("properties", {}):
        kept["schema"] = _PROBLEM
    kept["example"] = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "code": code,
        "detail": detail,
    }


__all__ = ["ANSWERS", "PROBLEMS", "REQUESTS", "TAGS", "document", "install_openapi"]
