"""The commands and their options. What they do is in `_work`, imported when a command runs: help stays quick."""

from __future__ import annotations

import importlib.util
from typing import Annotated, Literal

import typer

from .._version import __version__
from ._streams import failures
from .eval import app as _eval
from .serve import keys as _keys
from .serve import serve as _serve

app = typer.Typer(
    name="llmcompiler",
    help="Compile a question into a graph of function calls and run it in parallel while it is still being planned.",
    epilog="Answers go to standard output, everything else to standard error. "
    "Exit status: 0 answered, 1 failed, 2 bad usage, 130 stopped with Ctrl-C.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)

Question = Annotated[
    str | None,
    typer.Argument(metavar="QUESTION", help="What to answer; - or nothing reads it from standard input."),
]
Tools = Annotated[
    list[str] | None,
    typer.Option(
        "--tools",
        "-t",
        metavar="REF",
        help="Tools to use: module:attr, module, or path/to/file.py:attr; may be repeated. "
        "Default: the ready-made ones.",
    ),
]
Model = Annotated[
    str | None,
    typer.Option(
        "--model",
        "-m",
        metavar="MODEL",
        help="provider:name (openai:..., local:...), or python:module:attr. Default: $LLMCOMPILER_MODEL, else local.",
    ),
]
Planner = Annotated[
    str | None,
    typer.Option(
        "--planner",
        metavar="P",
        help="auto, text, json, tools, python, react or local; or your own: python:module:attr.",
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]
Events = Annotated[
    bool, typer.Option("--events", help="Log every event as a line of JSON, on standard error.")
]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print the answer and errors only.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Approve every call that needs approval.")]
Debug = Annotated[bool, typer.Option("--debug", help="Show tracebacks of errors.")]
MaxReplans = Annotated[
    int,
    typer.Option("--max-replans", metavar="N", min=0, help="How often the joiner may ask for another round."),
]
Timeout = Annotated[
    float | None,
    typer.Option("--timeout", metavar="S", help="Seconds for the run; then it answers with what it has."),
]
MaxConcurrency = Annotated[
    int | None, typer.Option("--max-concurrency", metavar="N", min=1, help="Calls at once (16 unless told).")
]

Trace = Annotated[
    str | None,
    typer.Option(
        "--trace",
        metavar="PATH",
        help="Write what ran when: .html is a page, .json opens in Perfetto, .svg is a picture, - is text.",
    ),
]


def _version(value: bool) -> None:
    if value:
        typer.echo(f"llmcompiler {__version__}")
        raise typer.Exit


@app.callback()
def _main(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    pass


@app.command()
def run(
    question: Question = None,
    tools: Tools = None,
    model: Model = None,
    planner: Planner = None,
    json: Json = False,
    max_replans: MaxReplans = 2,
    timeout: Timeout = None,
    max_concurrency: MaxConcurrency = None,
    trace: Trace = None,
    yes: Yes = False,
    events: Events = False,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Answer a question."""
    with failures(as_json=json, debug=debug) as out:
        from ._work import Options, run_question

        options = Options(
            tools or (),
            model,
            planner,
            json,
            events,
            quiet,
            yes,
            max_replans,
            timeout,
            max_concurrency,
            trace,
        )
        run_question(question, options, out)


@app.command()
def plan(
    question: Question = None,
    tools: Tools = None,
    model: Model = None,
    planner: Planner = None,
    json: Json = False,
    mermaid: Annotated[
        bool, typer.Option("--mermaid", help="Print the graph as a Mermaid flowchart.")
    ] = False,
    graph: Annotated[
        Literal["mermaid", "dot", "svg"] | None,
        typer.Option("--graph", help="Print the graph as Mermaid, Graphviz DOT or an SVG picture."),
    ] = None,
    timeout: Timeout = None,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Compile a question and show its plan; no tool is called."""
    with failures(as_json=json, debug=debug) as out:
        from ._work import Options, show_plan

        options = Options(tools or (), model, planner, json, quiet=quiet, timeout=timeout)
        show_plan(question, options, out, graph=graph or ("mermaid" if mermaid else None))


@app.command("exec")
def execute(
    plan_file: Annotated[
        str, typer.Argument(metavar="PLAN_FILE", help="A plan as text or JSON; - reads standard input.")
    ],
    question: Annotated[
        str | None,
        typer.Option("--question", metavar="TEXT", help="Have the joiner answer this from the results."),
    ] = None,
    tools: Tools = None,
    model: Model = None,
    json: Json = False,
    timeout: Timeout = None,
    max_concurrency: MaxConcurrency = None,
    trace: Trace = None,
    yes: Yes = False,
    events: Events = False,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Run a plan; needs no model unless --question is given."""
    with failures(as_json=json, debug=debug) as out:
        from ._work import Options, run_plan

        options = Options(
            tools or (),
            model,
            json=json,
            events=events,
            quiet=quiet,
            yes=yes,
            timeout=timeout,
            max_concurrency=max_concurrency,
            trace=trace,
        )
        run_plan(plan_file, question, options, out)


@app.command()
def tools(tools: Tools = None, json: Json = False, debug: Debug = False) -> None:
    """List what can be called."""
    with failures(as_json=json, debug=debug) as out:
        from ._work import Options, show_tools

        show_tools(Options(tools or (), json=json), out)


if importlib.util.find_spec("llmcompiler.cli.models") is not None:
    from .models import app as _models

    app.add_typer(_models, name="models", help="The embedded model's weights.")

app.command("serve")(_serve)
app.add_typer(_eval, name="eval", help="Ask the questions of a file and score the answers.")
app.add_typer(_keys, name="keys", help="Keys of the HTTP service.")
