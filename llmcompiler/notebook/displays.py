"""Mime bundles: how plans, results and outcomes show themselves in notebooks.

Each holds `text/html` and `text/plain`, and stays as it is when the notebook is kept: nothing is loaded, no script
runs. A value that can not be shown never ends in an error: the text form stands in.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection
from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any

from ..outcomes import Cancelled, Failed, Outcome, Skipped, Succeeded
from ..terminal._text import call_text, harmless, one_line, plural, seconds
from .markup import badge, block, code, details, line, muted, page, picture, table, text, word
from .tables import (
    counts,
    facts,
    facts_html,
    facts_text,
    task_table,
    text_rows,
    value_html,
    value_text,
)

if TYPE_CHECKING:
    from ..plan import Plan
    from ..result import RunResult, TaskResult
    from ..run import Run
    from ..traces import Trace

logger = logging.getLogger("llmcompiler")

Bundle = dict[str, Any]
_PLAN_LINES = 200
_PLAN_LINE = 1_000
_MOST = 20
"""Diagnostics, notes and plans that are listed."""


def bundle(
    thing: Any, include: Collection[str] | None = None, exclude: Collection[str] | None = None
) -> Bundle:
    """The mime bundle of a plan, a result, an outcome or a report, as `_repr_mimebundle_` gives it."""
    made: Bundle = {}
    for kinds, make in _makers():
        if isinstance(thing, kinds):
            try:
                made = make(thing)
            except Exception:  # a picture that can not be made must not hide what it is of
                logger.exception("%s can not be shown", type(thing).__name__)
                made = {"text/plain": harmless(object.__repr__(thing))}
            break
    return {
        mime: data
        for mime, data in made.items()
        if (not include or mime in include) and (not exclude or mime not in exclude)
    }


def _makers() -> list[tuple[type | tuple[type, ...], Callable[[Any], Bundle]]]:
    from ..explaining.report import Report
    from ..plan import Plan
    from ..result import RunResult, TaskResult
    from ..run import Run

    return [
        (Plan, _plan),
        (RunResult, _result),
        (Run, _run),
        (TaskResult, _task),
        ((Succeeded, Failed, Skipped, Cancelled), _outcome),
        (Report, _report),
    ]


# -- plans ---------------------------------------------------------------------------


def _plan(plan: Plan) -> Bundle:
    written = _cut_lines(str(plan))
    svg = graph(plan)
    calls = "no calls" if not plan.tasks else plural(len(plan.tasks), "call")
    html = page(
        f"<div><b>Plan</b> {muted(calls)}</div>",
        picture(svg, f"Graph of the plan: {calls}") if svg else "",
        details("Plan text", block(written), opened=not svg),
    )
    made: Bundle = {"text/html": html, "text/plain": harmless(written)}
    if svg:
        made["image/svg+xml"] = svg
    return made


def graph(plan: Plan, trace: Trace | None = None) -> str:
    """The plan's graph as SVG, coloured by the run where there is one; nothing where there is nothing to draw."""
    from ..pictures.svg import graph_svg

    return graph_svg(plan, trace=trace) if plan.tasks else ""


def _cut_lines(written: str) -> str:
    lines = written.split("\n", _PLAN_LINES)
    left = lines.pop().count("\n") + 1 if len(lines) > _PLAN_LINES else 0
    shown = [s if len(s) <= _PLAN_LINE else f"{s[:_PLAN_LINE]}..." for s in lines]
    return "\n".join([*shown, *([f"... {plural(left, 'line')} more"] if left else [])])


# -- results ---------------------------------------------------------------------------


def _result(result: RunResult) -> Bundle:
    from ..traces import timeline_svg

    trace = result.trace()
    found = facts(result.timing, result.usage)
    parts = [_head(trace.status, result.question)]
    if result.error is not None:
        parts.append(block(error_text(result.error)))
    if trace.status == "cancelled":
        parts.append("<div>The run was cancelled.</div>")
    elif result.error is None or result.output is not None:
        parts.append(f'<div style="margin:6px 0">{value_html(result.output)}</div>')
    parts.append(facts_html(found))
    if spent := _spent(trace):
        parts.append(facts_html([("where the time went:", ""), *spent]))
    if trace.tasks:
        plain = replace(trace, question=one_line(trace.question, 300))
        parts += [
            picture(timeline_svg(plain), f"Timeline of the run: {counts(trace)}"),
            details(f"Tasks ({line(counts(trace))})", task_table(trace, {})),
        ]
    for number, plan in enumerate(result.plans[:_MOST], 1):
        if plan.tasks:
            of = f" of round {number}" if len(result.plans) > 1 else ""
            parts.append(details(f"Graph{of}", picture(graph(plan, trace), f"Graph{of}")))
    parts.append(_remarks(result))
    return {"text/html": page(*parts), "text/plain": _result_text(result, trace, found)}


def _spent(trace: Trace) -> list[tuple[str, str]]:
    """The parts of the time that are worth a word."""
    if trace.breakdown is None or not trace.tasks:
        return []
    parts = [(f.name, float(getattr(trace.breakdown, f.name))) for f in fields(trace.breakdown)]
    return [(name.replace("_", " "), seconds(spent)) for name, spent in parts if spent >= trace.total / 200]


def _run(run: Run) -> Bundle:
    from .live_view import LiveView

    view = LiveView(run.run_id)
    for event in run._log.kept:
        view.add(event)
    return view.bundle(0.0)


def _head(status: str, question: str, more: str = "") -> str:
    asked = f" <b>{line(question, 300)}</b>" if question else ""
    return f"<div>{badge(status)}{asked} {muted(more) if more else ''}</div>"


def error_text(error: BaseException) -> str:
    """An error as its type and what it says; a broken `__str__` says nothing."""
    try:
        said = str(error)
    except Exception:  # a tool's own exception class may be broken
        said = ""
    name = type(error).__name__
    return f"{name}: {said}" if said else name


def _remarks(result: RunResult) -> str:
    said = [
        f"{badge('failed') if d.severity == 'error' else '<b>!</b>'} {line(d.message.split(chr(10), 1)[0])}"
        + (muted(f" {line(d.hint)}") if d.hint else "")
        for d in result.diagnostics[:_MOST]
    ]
    said += [f"another round: {line(f)}" for f in result.feedback[:_MOST]]
    said += [
        f"{line(n.name)}{'' if n.task_id is None else f' {n.task_id}'}: {line(n.text)}"
        for n in result.notes[:_MOST]
    ]
    if not said:
        return ""
    total = len(result.diagnostics) + len(result.feedback) + len(result.notes)
    rest = muted(f"<div>... and {total - len(said)} more</div>") if total > len(said) else ""
    return details(f"Remarks ({total})", "".join(f"<div>{s}</div>" for s in said) + rest)


def _result_text(result: RunResult, trace: Trace, found: list[tuple[str, str]]) -> str:
    head = word(trace.status) + (f": {one_line(result.question, 200)}" if result.question else "")
    answer = (
        value_text(result.output)
        if trace.status == "answered"
        else "The run was cancelled."
        if result.error is None
        else harmless(error_text(result.error)[:2_000])  # the way out of an error may be in a later line
    )
    return "\n".join([head, answer, "", *text_rows(trace), counts(trace), facts_text(found)])


# -- tasks and outcomes --------------------------------------------------------------------


def _task(result: TaskResult) -> Bundle:
    shown = call_text(result.task, 400)
    found = [("took", seconds(result.seconds))] if result.started is not None else []
    if result.started is not None:
        found.append(("started", seconds(result.started)))
    if result.attempts > 1:
        found.append(("tries", str(result.attempts)))
    if result.via != "call":
        found.append(("via", result.via))
    outcome = result.outcome
    parts = [
        f"<div>{badge(outcome.status)} {result.task.id}. {code(line(shown, 400))}</div>",
        facts_html(found) if found else "",
        _came(outcome),
        _items(result),
    ]
    tail = [facts_text(found)] if found else []
    plain = [f"{word(outcome.status)} {result.task.id}. {one_line(shown, 400)}", _came_text(outcome), *tail]
    return {"text/html": page(*parts), "text/plain": "\n".join(p for p in plain if p)}


def _items(result: TaskResult) -> str:
    if not result.items:
        return ""
    rows = [
        [str(k), badge(i.outcome.status), seconds(i.seconds), _came_line(i.outcome)]
        for k, i in enumerate(result.items[:_MOST])
    ]
    left = len(result.items) - len(rows)
    more = muted(f"... and {plural(left, 'item')} more") if left else ""
    return table(["item", "state", "took", "result"], rows, right=(0, 2)) + more


def _outcome(outcome: Outcome) -> Bundle:
    said = _came_text(outcome)
    return {
        "text/html": page(f"<div>{badge(outcome.status)}</div>", _came(outcome)),
        "text/plain": f"{type(outcome).__name__}: {said}" if said else type(outcome).__name__,
    }


def _came(outcome: Outcome) -> str:
    if isinstance(outcome, Succeeded):
        return value_html(outcome.value)
    said = _came_text(outcome)
    return block(said) if said else ""


def _came_line(outcome: Outcome) -> str:
    if isinstance(outcome, Succeeded):
        return text(outcome.value, 160)
    return line(_came_text(outcome), 160)


def _came_text(outcome: Outcome) -> str:
    if isinstance(outcome, Succeeded):
        return value_text(outcome.value)
    if isinstance(outcome, Failed):
        return harmless(error_text(outcome.error)[:4_000])
    if isinstance(outcome, Skipped):
        return harmless((outcome.reason or f"because of task {outcome.cause}")[:4_000])
    return harmless(outcome.reason[:4_000])


# -- reports -------------------------------------------------------------------------------


def _report(report: str) -> Bundle:
    shown = harmless(report)
    return {"text/html": page(block(report, 200_000, wrap=False)), "text/plain": shown}


__all__ = ["Bundle", "bundle", "error_text", "graph"]
