"""The page of a trace: one HTML file that holds its data, style and script, and loads nothing.

What happens in it is in `assets/page.js`. Every text goes in escaped, or as JSON that no markup can end.
"""

from __future__ import annotations

from importlib.resources import files

from .._jsonable import dumps
from .._version import __version__
from .marking import safe, shares, summary, took, waits
from .trace import OVER, Trace

_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline';"
    " base-uri 'none'; form-action 'none'"
)


def trace_page(trace: Trace) -> str:
    """The run as a page to look through: where the time went, a searchable timeline, details of each task.

    It opens from a file, without a network, in any browser of today; rows out of sight are not drawn, so that 10,000
    tasks are no more work than 100.
    """
    assets = files("llmcompiler.traces") / "assets"
    style = (assets / "page.css").read_text(encoding="utf-8")
    script = (assets / "page.js").read_text(encoding="utf-8")
    title = trace.question or f"Run {trace.run_id}"
    facts = "".join(
        f"<div><dt>{safe(name)}</dt><dd>{safe(value)}</dd></div>" for name, value in summary(trace)
    )
    statuses = sorted({t.status for t in trace.tasks} | (OVER & {"failed", "succeeded"}))
    options = "".join(f'<option value="{s}">{s}</option>' for s in statuses)
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="{_POLICY}">
<meta name="generator" content="llmcompiler {safe(__version__)}">
<title>{safe(title, 120)}</title>
<style>
{style}</style>
</head>
<body>
<header>
<h1>{safe(title, 2_000)}</h1>
<dl class="facts">{facts}</dl>
{_split(trace)}{_outcome(trace)}</header>
<nav aria-label="Tasks shown">
<input type="search" id="search" placeholder="Search calls, values, errors ( / )" aria-label="Search">
<label>show <select id="only"><option value="all">all</option>
<option value="critical">critical path</option>{options}</select></label>
<output id="count"></output>
</nav>
<main>
<div class="chart">
<div class="axis" id="axis" aria-hidden="true"></div>
<div class="rows" id="rows" role="listbox" tabindex="0" aria-label="Timeline">
<div class="space" id="space" role="presentation"></div></div>
</div>
<aside id="details" aria-live="polite" aria-label="Details" hidden></aside>
</main>
<footer><span>* critical path</span><span>dotted: waiting for other calls</span>
<span>hollow: waiting for room or a person</span>
<span>red, striped: failed try</span><span>line: predicted end</span><span>diamond: no call needed</span></footer>
<noscript><p>The timeline needs JavaScript; llmcompiler can also draw it as SVG.</p></noscript>
<script type="application/json" id="data">{_data(trace)}</script>
<script>
{script}</script>
</body>
</html>
"""


def _data(trace: Trace) -> str:
    """The trace as JSON that ends no element and starts no comment, whatever is in it."""
    text = dumps(trace.to_dict())
    for ch in "<>&\u2028\u2029":
        text = text.replace(ch, f"\\u{ord(ch):04x}")
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def _split(trace: Trace) -> str:
    parts = shares(trace)
    total = sum(seconds for _, seconds in parts)
    if not total:
        return ""
    bars = "".join(
        f'<span data-part="{name}" style="flex:{seconds / total:.5f}"></span>' for name, seconds in parts
    )
    words = "".join(
        f'<span><i data-part="{name}"></i>{name} {took(seconds)} ({seconds / total:.0%})</span>'
        for name, seconds in parts
    )
    words += f"<span>{waits(trace)}</span>"
    return f'<div class="split" aria-hidden="true">{bars}</div>\n<div class="shares">{words}</div>\n'


def _outcome(trace: Trace) -> str:
    if trace.error is not None:
        return f'<div class="out"><b>Error</b>{safe(trace.error)}</div>\n'
    if trace.output is not None:
        return f'<div class="out"><b>Answer</b>{safe(trace.output)}</div>\n'
    return ""


__all__ = ["trace_page"]
