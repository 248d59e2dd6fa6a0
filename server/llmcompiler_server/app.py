"""`create_app`: puts the service together. Nothing else is done here."""

from __future__ import annotations

import logging
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.routing import BaseRoute, Match, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from llmcompiler import LLMCompiler, __version__

from .keys import KeyRing
from .logs import AccessLog, RunLog, name_of
from .metrics import Metrics
from .openapi import install_openapi
from .parts import Parts
from .problems import Problem, errors_of, not_json
from .routes import chat, operation, page, plans, runs
from .runs import RunManager
from .security import install_security
from .settings import ServerSettings
from .store import MemoryRunStore, RunStore

logger = logging.getLogger("llmcompiler.server")

_MOST_PLACES = 20
_CODES = {404: "not-found", 405: "method-not-allowed"}


def create_app(
    compiler: LLMCompiler, settings: ServerSettings | None = None, *, store: RunStore | None = None
) -> FastAPI:
    """The service as an ASGI app, to be run in one process by any server that knows lifespans.

    At shutdown it waits for runs, then interrupts them, and closes the store and the compiler.

    Args:
        compiler: Makes the runs; its tools are what clients can use.
        settings: By default those of the environment.
        store: Keeps the runs, instead of the one that `settings.store` names.

    Raises:
        ConfigurationError: The store's path is no file's.
    """
    settings = settings or ServerSettings()
    store = store or make_store(settings)
    metrics = Metrics(compiler.tools, getattr(compiler.executor, "max_concurrency", None))
    manager = RunManager(
        compiler,
        settings,
        store,
        [metrics, RunLog()],
        reading=lambda begins: metrics.reader_opened() if begins else metrics.reader_closed(),
    )
    shared = Parts(compiler, settings, manager, store, KeyRing(settings.keys), metrics)
    app = FastAPI(
        title="llmcompiler",
        version=__version__,
        description="Answers questions by compiling them into graphs of tool calls that run in parallel.",
        lifespan=_lifespan,
        docs_url=None,  # their pages load scripts from elsewhere
        redoc_url=None,
        redirect_slashes=False,  # to an address made of the header `Host`, and to http behind a proxy with TLS
    )
    app.state.parts = shared
    routers = [module.router for module in (runs, chat, plans, operation)]
    if settings.page:
        routers.append(page.router)
    for router in routers:
        app.include_router(router)
    install_openapi(app)
    _answer_errors(app, [route for router in routers for route in router.routes])
    app.add_middleware(_Head)
    app.add_middleware(_LastResort)  # inside of all others: what they add to answers is added to its own, too
    install_security(app, settings)
    app.add_middleware(AccessLog, metrics=metrics)
    return app


def make_store(settings: ServerSettings) -> RunStore:
    """The store that the settings name.

    Raises:
        ConfigurationError: The path is no file's.
    """
    if settings.store == "memory":
        return MemoryRunStore(settings.max_kept_runs, settings.max_kept_events, settings.idempotency_seconds)
    from .store_sqlite import SQLiteRunStore

    return SQLiteRunStore(
        settings.store, settings.max_kept_runs, settings.max_kept_events, settings.idempotency_seconds
    )


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    shared: Parts = app.state.parts
    left = await shared.store.open()
    if left:
        logger.warning("%d runs were under way when the service ended; they are now interrupted", len(left))
    try:
        yield
    finally:
        try:
            await shared.manager.aclose()
        finally:
            try:
                await shared.store.close()
            finally:
                await shared.compiler.aclose()


def _answer_errors(app: FastAPI, routes: list[BaseRoute]) -> None:
    @app.exception_handler(Problem)
    async def problem(request: Request, error: Problem) -> Response:
        return error.response()

    @app.exception_handler(RequestValidationError)
    async def invalid(request: Request, error: RequestValidationError) -> Response:
        return invalid_request(error).response()

    @app.exception_handler(HTTPException)
    async def http(request: Request, error: HTTPException) -> Response:
        code = _CODES.get(error.status_code, "bad-request" if error.status_code < 500 else "internal-error")
        detail = error.detail if error.status_code < 500 else "something inside the service went wrong"
        if error.status_code == 404:
            detail = "there is nothing at this address; /openapi.json lists what there is"
        headers = dict(error.headers or {})
        if error.status_code == 405 and (methods := _methods_at(request, routes)):
            # Each route knows its own method alone, and the first one answers.
            headers["Allow"] = ", ".join(methods)
            detail = f"{request.method} is not for this address; it takes {headers['Allow']}"
        return Problem(error.status_code, code, str(detail), headers=headers).response()


def _methods_at(request: Request, routes: list[BaseRoute]) -> list[str]:
    found = {
        method
        for route in routes
        if isinstance(route, Route) and route.matches(request.scope)[0] is not Match.NONE
        for method in route.methods or ()
    }
    return sorted(found | ({"HEAD"} if "GET" in found else set()))


def invalid_request(error: RequestValidationError) -> Problem:
    """What is wrong with a request, place by place, and nothing of what was sent."""
    if problem := not_json(error):
        return problem
    errors = errors_of(error)
    places = [
        {"place": ".".join(map(str, e["loc"]))[:200], "problem": str(e["msg"])[:300]}
        for e in errors[:_MOST_PLACES]
    ]
    shown = "; ".join(f"`{p['place']}`: {p['problem']}" for p in places[:5])
    more = f"; and {len(errors) - 5} more" if len(errors) > 5 else ""
    return Problem(422, "invalid-request", f"{shown}{more}", errors=places)


class _Head:
    """Answers HEAD as GET, without the body: monitors and proxies ask like that."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "HEAD":
            await self.app(scope, receive, send)
            return

        async def without_body(message: Message) -> None:
            if message["type"] == "http.response.start":
                await send(message)
                await send({"type": "http.response.body", "body": b""})
                raise _Answered  # a stream of events would go on

        scope["method"] = "GET"
        try:
            await self.app(scope, receive, without_body)
        except _Answered:
            pass
        finally:
            scope["method"] = "HEAD"  # for the log


class _Answered(Exception):
    """All that was asked for has been sent."""


class _LastResort:
    """What nobody caught is a 500 with a request id; what happened is in the log under that id."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started = False

        async def noting(message: Message) -> None:
            nonlocal started
            started = started or message["type"] == "http.response.start"
            await send(message)

        try:
            await self.app(scope, receive, noting)
        except Exception:  # of a bug, here or in a tool's description: never told to clients
            request_id = secrets.token_hex(8)
            logger.exception("request %s failed: %s", request_id, name_of(scope))
            if started:
                raise
            problem = Problem(
                500,
                "internal-error",
                "something inside the service went wrong; its log says more under this request id",
                request_id=request_id,
            )
            await problem.response()(scope, receive, send)


__all__ = ["create_app", "invalid_request", "make_store"]
