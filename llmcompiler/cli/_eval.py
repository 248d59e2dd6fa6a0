"""What `eval` does, once its options are read: build compilers, ask, show progress, print reports."""

from __future__ import annotations

import asyncio
import math
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

import typer

from ..errors import ConfigurationError, LLMCompilerError
from ..evaluation import Comparison, Dataset, Judge, Matching, Report, evaluate, evaluate_both
from ..evaluation.scorers import SCORERS, Scorer
from ..evaluation.tables import comparison_tables, report_tables
from ._display import Display
from ._eval_show import Meter, draw
from ._load import PYTHON, load
from ._streams import FAILED, tell, write_json, write_text
from ._work import Options, build, chosen_model, is_embedded, run_async

if TYPE_CHECKING:
    from ..compiler import LLMCompiler
    from ..protocols import ApprovalRequest


@dataclass(frozen=True)
class Asked:
    """What is evaluated, and how."""

    dataset: str
    scorer: str = "auto"
    rel: float | None = None
    abs: float | None = None
    judge: str | None = None
    fields: Sequence[str] = ()
    repeat: int = 1
    limit: int | None = None
    seed: int | None = None
    concurrency: int | None = None
    against: str | None = None
    out: Path | None = None
    anew: bool = False


@dataclass(frozen=True)
class Shown:
    """In what form the report is given, and what it has to say for an exit status of 0."""

    json: bool = False
    markdown: bool = False
    html: Path | None = None
    svg: Path | None = None
    min_accuracy: float | None = None

    def check(self) -> None:
        """Make sure that it can be given, before anything is asked.

        Raises:
            ConfigurationError: It can not.
        """
        if self.json and self.markdown:
            raise ConfigurationError("--json and --markdown: give one of them")
        low = self.min_accuracy
        if low is not None and not 0 <= low <= 1:
            hint = f"; for {low:g} % give {low / 100:g}" if 1 < low <= 100 else ""
            raise ConfigurationError(f"--min-accuracy {low:g}: give a number from 0 to 1{hint}")
        for path in (self.html, self.svg):
            if path is not None and not path.absolute().parent.is_dir():
                raise ConfigurationError(f"{path}: there is no folder {path.absolute().parent}")


# -- commands --------------------------------------------------------------------------


def evaluate_file(asked: Asked, options: Options, shown: Shown, out: TextIO) -> None:
    """`eval DATASET`: ask the questions, and give the report."""
    shown.check()
    dataset = Dataset.read(asked.dataset, fields=_fields(asked.fields))
    scorer = _scorer(asked)
    first = asked.out or Path(f"{Path(asked.dataset).stem}.results.jsonl")
    meter = Meter(options.quiet)
    a = _compiler(options)
    notes = {"approvals": "given" if options.yes else "denied"}
    common: dict[str, Any] = {
        "repeat": asked.repeat,
        "concurrency": asked.concurrency or (1 if is_embedded(a._model) else 4),
        "limit": asked.limit,
        "seed": asked.seed,
        "anew": asked.anew,
        "on_progress": meter,
    }
    found: Report | Comparison
    if asked.against is None:
        files = [first]
        work: Any = evaluate(a, dataset, scorer, results=first, configuration=notes, **common)
    else:
        changed = _changed(options, asked.against)
        b = _compiler(changed, like=(options, a))
        files = [first, _second(first, asked.against)]
        work = _both(a, b, dataset, scorer, (files[0], files[1]), notes, common)
    try:
        with meter:
            found = run_async(a, work)
    except (KeyboardInterrupt, asyncio.CancelledError):
        tell(f"stopped{meter.progress()}; the same command goes on from there ({_names(files)})")
        raise
    except LLMCompilerError:
        if meter.done:
            tell(f"{meter.done} answers are kept in {_names(files)}; the same command goes on from there")
        raise
    if not options.quiet:
        tell(f"results: {_names(files)}")
        if asked.against is not None:
            tell(f"B is A with {asked.against}")
    _give(found, shown, out)


async def _both(
    a: LLMCompiler,
    b: LLMCompiler,
    dataset: Dataset,
    scorer: Scorer,
    files: tuple[Path, Path],
    notes: dict[str, Any],
    common: dict[str, Any],
) -> Comparison:
    try:
        return await evaluate_both(
            a, b, dataset, scorer, results=files, configurations=(notes, notes), **common
        )
    finally:
        if b._model is not a._model:
            await b.aclose()


def report_file(path: Path, shown: Shown, out: TextIO) -> None:
    """`eval report`: the report of a results file."""
    shown.check()
    _give(Report.load(path), shown, out)


def compare_files(a: Path, b: Path, shown: Shown, out: TextIO) -> None:
    """`eval compare`: two results files side by side."""
    shown.check()
    _give(Comparison.load(a, b), shown, out)


# -- settings --------------------------------------------------------------------------


def _fields(given: Sequence[str]) -> dict[str, str]:
    fields = {}
    for text in given:
        name, equals, column = text.partition("=")
        if not (name.strip() and equals and column.strip()):
            raise ConfigurationError(f"--field {text}: give NAME=COLUMN, as in question=prompt")
        fields[name.strip()] = column.strip()
    return fields


def _scorer(asked: Asked) -> Scorer:
    tolerances = {k: v for k, v in (("rel", asked.rel), ("abs", asked.abs)) if v is not None}
    if asked.judge is not None:
        if asked.scorer != "auto" or tolerances:
            raise ConfigurationError(
                "--judge says which answers are right: leave out --scorer, --rel and --abs"
            )
        try:
            return Judge(chosen_model(Options(model=asked.judge)))
        except ConfigurationError as e:
            raise ConfigurationError(f"--judge: {str(e).removeprefix('--model ')}") from None
    if asked.scorer in SCORERS:
        return Matching(asked.scorer, **tolerances)
    if tolerances:
        raise ConfigurationError("--rel and --abs are for the ready-made scorers")
    if ":" not in asked.scorer:
        raise ConfigurationError(
            f"--scorer {asked.scorer}: give one of {', '.join(SCORERS)}, or your own as module:attr"
        )
    found = load(asked.scorer.removeprefix(PYTHON))
    found = found() if isinstance(found, type) else found
    if not callable(found):
        raise ConfigurationError(f"--scorer {asked.scorer}: a `{type(found).__name__}` can not be called")
    scorer: Scorer = found
    return scorer


_KEYS = ("model", "planner", "tools", "max_replans", "timeout", "max_concurrency")


def _changed(options: Options, against: str) -> Options:
    """The settings with those of `--against` in their place.

    Raises:
        ConfigurationError: One of them is not known, or has no such value.
    """
    changes: dict[str, Any] = {}
    for part in against.split(","):
        key, equals, value = (p.strip() for p in part.partition("="))
        name = key.replace("-", "_")
        if not equals or not value or name not in _KEYS:
            known = ", ".join(k.replace("_", "-") for k in _KEYS)
            raise ConfigurationError(f"--against {part.strip()!r}: give KEY=VALUE, with one of {known}")
        if name == "tools":
            changes.setdefault(name, []).append(value)
        elif name in changes:
            raise ConfigurationError(f"--against: {key} stands there twice")
        elif name in ("max_replans", "max_concurrency"):
            lowest = int(name == "max_concurrency")
            if not value.isascii() or not value.isdigit() or int(value) < lowest:
                raise ConfigurationError(f"--against {part.strip()}: give a whole number, {lowest} or more")
            changes[name] = int(value)
        elif name == "timeout":
            changes[name] = _seconds(part, value)
        else:
            changes[name] = value
    made = replace(options, **changes)
    if made == options:
        raise ConfigurationError(f"--against {against}: that changes nothing")
    return made


def _seconds(part: str, value: str) -> float:
    try:
        seconds = float(value)
    except ValueError:
        seconds = math.nan
    if not 0 < seconds < math.inf:
        raise ConfigurationError(f"--against {part.strip()}: give seconds above 0")
    return seconds


def _compiler(options: Options, like: tuple[Options, LLMCompiler] | None = None) -> LLMCompiler:
    compiler = build(options, Display(quiet=True))
    if like is not None and like[0].model == options.model:
        compiler._model = like[1]._model  # an embedded model need not be in memory twice

    async def approve(request: ApprovalRequest) -> bool:
        return options.yes  # nobody sits there for hundreds of questions

    compiler.approver = approve
    return compiler


def _second(first: Path, against: str) -> Path:
    """Another file for another configuration, so that trying several of them keeps all answers."""
    slug = re.sub(r"[^A-Za-z0-9._]+", "-", against).strip("-.")[:60] or "against"
    return first.with_name(f"{first.name.removesuffix('.jsonl')}.{slug}.jsonl")


def _names(files: Sequence[Path]) -> str:
    return " and ".join(map(str, files))


# -- reports ---------------------------------------------------------------------------


def _give(found: Report | Comparison, shown: Shown, out: TextIO) -> None:
    """Write the report in the forms that are wanted; exit with 1 where it is not good enough."""
    for path, make in ((shown.html, found.to_html), (shown.svg, found.to_svg)):
        if path is not None:
            try:
                path.write_text(make(), encoding="utf-8", errors="replace")
            except OSError as e:
                raise LLMCompilerError(f"{path}: can not be written ({e.strerror or e})") from None
    if shown.json:
        write_json(found.to_dict(), out)
    elif shown.markdown:
        write_text(found.to_markdown(), out)
    elif _is_terminal(out):
        draw(report_tables(found) if isinstance(found, Report) else comparison_tables(found), out)
    else:
        write_text(str(found), out)
    reports = [found] if isinstance(found, Report) else [found.a, found.b]
    problems = [p for r in reports for p in _not_good(r, shown.min_accuracy)]
    for problem in problems:
        tell(f"error: {problem}")
    if problems:
        raise typer.Exit(FAILED)


def _not_good(report: Report, lowest: float | None) -> list[str]:
    m = report.overall
    found = []
    if m.unscored:
        why = next(r.score_error for r in report.records if not r.scored)
        found.append(
            f"{m.unscored} answers have no score ({why}); the same command scores them, and asks nothing anew"
        )
    if m.answers and m.failed == m.answers:
        first = report.records[0].error or {}
        found.append(
            f"no question was answered; the first failed with {first.get('type')}: {first.get('message')}"
        )
    if lowest is not None and m.accuracy.value < lowest:
        found.append(f"accuracy {m.accuracy.value:.3f} is below --min-accuracy {lowest:g}")
    return found


def _is_terminal(out: TextIO) -> bool:
    try:
        return out.isatty() and os.environ.get("TERM", "") not in ("", "dumb", "unknown")
    except ValueError:  # closed
        return False
