"""`llmcompiler eval`: its options. What it does is in `_eval`, imported when a command runs: help stays quick."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
import typer.core

from ._streams import failures

_DEFAULT = "dataset"
"""The command that is meant where none is named."""


class _Commands(typer.core.TyperGroup):
    """`eval FILE` is `eval dataset FILE`: asking the questions of a file is what the command is for."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Put in the command that is meant."""
        if not args or args[0] not in (*self.commands, "--help", "-h"):
            args = [_DEFAULT, *args]
        return super().parse_args(ctx, args)


app = typer.Typer(
    name="eval",
    cls=_Commands,
    epilog="`llmcompiler eval FILE` is short for `llmcompiler eval dataset FILE`, with the same options.",
    add_completion=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)

Json = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]
Markdown = Annotated[bool, typer.Option("--markdown", help="Print tables in Markdown.")]
Html = Annotated[
    Path | None, typer.Option("--html", metavar="FILE", help="Write a page with tables, charts and answers.")
]
Svg = Annotated[
    Path | None, typer.Option("--svg", metavar="FILE", help="Write accuracy by family as a chart.")
]
MinAccuracy = Annotated[
    float | None,
    typer.Option("--min-accuracy", metavar="P", help="Exit with 1 if accuracy is below: 0.8 for 80 %."),
]
Debug = Annotated[bool, typer.Option("--debug", help="Show tracebacks of errors.")]


@app.command(_DEFAULT)
def dataset(
    file: Annotated[
        str,
        typer.Argument(metavar="DATASET", help="Questions with answers: a .jsonl, .json, .csv or .tsv file."),
    ],
    tools: Annotated[
        list[str] | None,
        typer.Option("--tools", "-t", metavar="REF", help="Tools to use, as for run; may be repeated."),
    ] = None,
    model: Annotated[str | None, typer.Option("--model", "-m", metavar="MODEL", help="As for run.")] = None,
    planner: Annotated[str | None, typer.Option("--planner", metavar="P", help="As for run.")] = None,
    scorer: Annotated[
        str,
        typer.Option(
            "--scorer",
            metavar="S",
            help="auto, exact, numeric or contains; or your own: module:attr or path/to/file.py:attr.",
        ),
    ] = "auto",
    rel: Annotated[
        float | None,
        typer.Option(
            "--rel", metavar="X", help="Tolerance of numbers, as a part of the right one (0.01 unless told)."
        ),
    ] = None,
    absolute: Annotated[
        float | None,
        typer.Option("--abs", metavar="X", help="Tolerance of numbers; the larger of the two counts."),
    ] = None,
    judge: Annotated[
        str | None,
        typer.Option("--judge", metavar="MODEL", help="Have this model say which answers are right."),
    ] = None,
    field: Annotated[
        list[str] | None,
        typer.Option(
            "--field",
            metavar="NAME=COLUMN",
            help="Where a field has another name in the file, as in question=prompt; may be repeated.",
        ),
    ] = None,
    repeat: Annotated[
        int, typer.Option("--repeat", metavar="N", min=1, help="Ask each question so often.")
    ] = 1,
    limit: Annotated[
        int | None, typer.Option("--limit", metavar="N", min=1, help="Ask only so many questions.")
    ] = None,
    seed: Annotated[
        int | None,
        typer.Option("--seed", metavar="N", help="With --limit: draw them at random, from this seed."),
    ] = None,
    concurrency: Annotated[
        int | None,
        typer.Option(
            "--concurrency",
            metavar="N",
            min=1,
            help="Questions at once (4 unless told, 1 with the embedded model); times are those under this load.",
        ),
    ] = None,
    against: Annotated[
        str | None,
        typer.Option(
            "--against",
            metavar="KEY=VALUE,...",
            help="Compare with the same settings but for these: model, planner, tools, max-replans, timeout, "
            "max-concurrency.",
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            "-o",
            metavar="FILE",
            help="Results, a line each; a rerun goes on from there. Default: NAME.results.jsonl, here.",
        ),
    ] = None,
    anew: Annotated[
        bool,
        typer.Option("--anew", help="Begin again; the results that are there get .old behind their name."),
    ] = False,
    json: Json = False,
    markdown: Markdown = False,
    html: Html = None,
    svg: Svg = None,
    min_accuracy: MinAccuracy = None,
    max_replans: Annotated[int, typer.Option("--max-replans", metavar="N", min=0, help="As for run.")] = 2,
    timeout: Annotated[
        float | None, typer.Option("--timeout", metavar="S", help="Seconds for each question.")
    ] = None,
    max_concurrency: Annotated[
        int | None,
        typer.Option("--max-concurrency", metavar="N", min=1, help="Calls at once (16 unless told)."),
    ] = None,
    yes: Annotated[
        bool,
        typer.Option("--yes", "-y", help="Approve every call that needs approval; else they are denied."),
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Show no progress.")] = False,
    debug: Debug = False,
) -> None:
    """Ask the questions of a file and score the answers."""
    with failures(as_json=json, debug=debug) as to:
        from ._eval import Asked, Shown, evaluate_file
        from ._work import Options

        options = Options(
            tools or (),
            model,
            planner,
            quiet=quiet,
            yes=yes,
            max_replans=max_replans,
            timeout=timeout,
            max_concurrency=max_concurrency,
        )
        asked = Asked(
            file,
            scorer,
            rel,
            absolute,
            judge,
            field or (),
            repeat,
            limit,
            seed,
            concurrency,
            against,
            out,
            anew,
        )
        evaluate_file(asked, options, Shown(json, markdown, html, svg, min_accuracy), to)


@app.command()
def report(
    results: Annotated[Path, typer.Argument(metavar="RESULTS", help="A results file.")],
    json: Json = False,
    markdown: Markdown = False,
    html: Html = None,
    svg: Svg = None,
    min_accuracy: MinAccuracy = None,
    debug: Debug = False,
) -> None:
    """Print the report of a results file; nothing is asked."""
    with failures(as_json=json, debug=debug) as to:
        from ._eval import Shown, report_file

        report_file(results, Shown(json, markdown, html, svg, min_accuracy), to)


@app.command()
def compare(
    a: Annotated[Path, typer.Argument(metavar="A", help="A results file.")],
    b: Annotated[Path, typer.Argument(metavar="B", help="Another one, of the same questions.")],
    json: Json = False,
    markdown: Markdown = False,
    html: Html = None,
    svg: Svg = None,
    debug: Debug = False,
) -> None:
    """Hold two results files against each other; nothing is asked."""
    with failures(as_json=json, debug=debug) as to:
        from ._eval import Shown, compare_files

        compare_files(a, b, Shown(json, markdown, html, svg), to)
