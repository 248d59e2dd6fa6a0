"""`llmcompiler serve` and `llmcompiler keys`: the HTTP service (`llmcompiler_server`) and the keys to it."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..errors import ConfigurationError
from ._streams import failures, tell, write_text

if TYPE_CHECKING:
    from fastapi import FastAPI

    from ..compiler import LLMCompiler

OPTIONS = "LLMCOMPILER_SERVE_OPTIONS"
"""The environment variable that hands the options to a process that `--reload` starts."""

keys = typer.Typer(name="keys", help="Keys of the HTTP service.", no_args_is_help=True, add_completion=False)


def serve(
    tools: Annotated[
        list[str] | None,
        typer.Option(
            "--tools",
            "-t",
            metavar="REF",
            help="Tools: module:attr, module, or path/to/file.py:attr; may be repeated.",
        ),
    ] = None,
    model: Annotated[
        str | None,
        typer.Option("--model", "-m", metavar="MODEL", help="provider:name, or python:module:attr."),
    ] = None,
    planner: Annotated[str | None, typer.Option("--planner", metavar="P", help="As for `run`.")] = None,
    host: Annotated[str | None, typer.Option("--host", metavar="HOST", help="Default: 127.0.0.1.")] = None,
    port: Annotated[
        int | None, typer.Option("--port", metavar="PORT", help="Default: 8000; 0 for any.")
    ] = None,
    config: Annotated[
        Path | None, typer.Option("--config", metavar="FILE", help="Settings as TOML, with the keys.")
    ] = None,
    store: Annotated[
        str | None,
        typer.Option("--store", metavar="FILE", help="SQLite file that keeps runs; default: memory."),
    ] = None,
    workers: Annotated[int | None, typer.Option("--workers", metavar="N", help="Only 1 works yet.")] = None,
    log_format: Annotated[
        str | None, typer.Option("--log-format", metavar="FORM", help="json (the default) or text.")
    ] = None,
    reload: Annotated[
        bool, typer.Option("--reload", help="Start again when a file changes; for development.")
    ] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show tracebacks of errors.")] = False,
) -> None:
    """Serve runs over HTTP, with a page to watch them, until Ctrl-C or SIGTERM."""
    with failures(debug=debug):
        given: dict[str, Any] = {
            "host": host,
            "port": port,
            "store": store,
            "workers": workers,
            "log_format": log_format,
        }
        options: dict[str, Any] = {
            "tools": list(tools or ()),
            "model": model,
            "planner": planner,
            "config": None if config is None else str(config),
            "settings": {name: value for name, value in given.items() if value is not None},
        }
        _serve_again(options) if reload else _serve(options)


@keys.command("new")
def new(
    name: Annotated[str, typer.Argument(help="The key's name; it stands in logs and with runs.")],
    scope: Annotated[
        list[str] | None,
        typer.Option(
            "--scope",
            metavar="SCOPE",
            help="run, read, approve or admin; may be repeated. Default: run and read.",
        ),
    ] = None,
    rate: Annotated[float | None, typer.Option("--rate", metavar="N", help="Requests a minute.")] = None,
    max_runs: Annotated[int | None, typer.Option("--max-runs", metavar="N", help="Runs at once.")] = None,
    debug: Annotated[bool, typer.Option("--debug", help="Show tracebacks of errors.")] = False,
) -> None:
    """Make a key: it is printed once, on standard output; what to put into the settings comes on standard error."""
    with failures(debug=debug) as out:
        _needs_server()
        from llmcompiler_server.keys import new_key

        options = {k: v for k, v in (("rate", rate), ("max_runs", max_runs)) if v is not None}
        key, kept = new_key(name, scope or ["run", "read"], **options)  # type: ignore[arg-type]  # checked there
        tell(
            "Keep the key that is printed now: it can not be shown again. Put this into the settings file:\n"
        )
        lines = [
            "[[keys]]",
            *(f"{k} = {json.dumps(v)}" for k, v in kept.model_dump(exclude_none=True).items()),
        ]
        tell("\n".join(lines) + "\n")
        write_text(key + "\n", out)


def make_app() -> FastAPI:
    """The app of a process that `--reload` started: its options are in the environment."""
    from llmcompiler_server import create_app
    from llmcompiler_server.logs import set_up_logs

    options = json.loads(os.environ[OPTIONS])
    settings = _settings(options)
    # The new code should be there soon; what is under way is lost with the old one anyhow.
    settings = settings.model_copy(update={"grace": min(settings.grace, 0.5)})
    set_up_logs(settings.log_level, settings.log_format)
    return create_app(_compiler(options), settings)


def _serve(options: dict[str, Any]) -> None:
    settings = _settings(options)
    from llmcompiler_server.serving import check, serve

    check(settings)
    compiler = _compiler(options)
    serve(compiler, settings, started=lambda address: tell(_greeting(address, compiler, settings)))


def _serve_again(options: dict[str, Any]) -> None:
    settings = _settings(options)
    from llmcompiler_server.serving import check, serve_again

    check(settings)
    compiler = _compiler(options)  # mistakes are told here, and not by a process that starts again and again
    os.environ[OPTIONS] = json.dumps(options)
    serve_again(
        "llmcompiler.cli.serve:make_app",
        settings,
        _folders(options["tools"]),
        started=lambda address: tell(_greeting(address, compiler, settings)),
    )


def _greeting(address: str, compiler: LLMCompiler, settings: Any) -> str:
    count = f"{len(compiler.tools)} tool{'s' if len(compiler.tools) != 1 else ''}"
    return f"{address} serves {count}" + ("" if settings.keys else "; no keys: whoever reaches it may use it")


def _folders(tools: Sequence[str]) -> list[str]:
    """What is watched: the folder one is in, and those of tools given as files."""
    files = [Path(reference.rpartition(":")[0] or reference) for reference in tools]
    return list(dict.fromkeys([os.getcwd(), *(str(f.resolve().parent) for f in files if f.suffix == ".py")]))


def _settings(options: dict[str, Any]) -> Any:
    _needs_server()
    from llmcompiler_server import ServerSettings

    file = options["config"]
    return ServerSettings.load(None if file is None else Path(file), **options["settings"])


def _compiler(options: dict[str, Any]) -> LLMCompiler:
    from ..compiler import LLMCompiler
    from ._work import Options, chosen_model, chosen_planner, chosen_tools

    chosen = Options(options["tools"], options["model"], options["planner"])
    model = chosen_model(chosen)
    return LLMCompiler(chosen_tools(chosen, model=model), model=model, planner=chosen_planner(chosen))


def _needs_server() -> None:
    try:
        import fastapi  # noqa: F401
        import prometheus_client  # noqa: F401
        import pydantic_settings  # noqa: F401
        import uvicorn  # noqa: F401
    except ImportError as e:
        raise ConfigurationError(
            f"the HTTP service needs the module `{e.name}`: install llmcompiler-runtime[server]"
        ) from None
