"""Draws the pictures of the documentation that the code itself makes: `python scripts/pictures.py`.

Their runs are made up, event by event, so that the same code draws the same picture.
"""

from __future__ import annotations

from pathlib import Path

from llmcompiler import Plan
from llmcompiler import events as ev
from llmcompiler.errors import TransientError
from llmcompiler.outcomes import Succeeded
from llmcompiler.traces import TraceBuilder, timeline_svg

ASSETS = Path(__file__).resolve().parent.parent / "docs" / "assets"
_PLAN = """
1. search("Mount Everest")
2. search("K2")
3. search("Kilimanjaro")
4. search("K2")
5. calculate("$1.height / $3.height")
6. note("ratio $5")
join()
"""


def timeline() -> str:
    """The picture of docs/traces.md."""
    seq = iter(range(10_000))
    builder = TraceBuilder()

    def add(kind: type[ev.Event], at: float, **data: object) -> None:
        builder.add(kind(seq=next(seq), run_id="r", at=at, **data))  # type: ignore[arg-type]

    tasks = {t.id: t for t in Plan.parse(_PLAN).tasks}
    add(ev.RunStarted, 0.0, question="How many times as high as Kilimanjaro is Mount Everest?")
    add(ev.PlanStarted, 0.02, round=1, purpose="plan")
    for i, at in {1: 0.4, 2: 0.6, 3: 0.8, 4: 0.95, 5: 1.1, 6: 1.25}.items():
        add(ev.TaskPlanned, at, round=1, task=tasks[i], after=(5,) if i == 6 else ())
    calls = {1: (0.41, 1.2), 2: (0.61, 1.0), 3: (0.81, 1.75), 5: (1.76, 1.82), 6: (2.1, 2.4)}
    add(ev.PlanFinished, 1.3, round=1, tasks=6)
    for i, (start, end) in calls.items():
        tool = tasks[i].tool
        add(ev.TaskStarted, start, task_id=i, tool=tool, args={})
        if i == 3:
            add(ev.TaskRetried, 1.15, task_id=i, attempt=1, error=TransientError("busy"), delay=0.2)
            add(ev.TaskStarted, 1.35, task_id=i, tool=tool, args={}, attempt=2)
        add(ev.TaskFinished, end, task_id=i, tool=tool, outcome=Succeeded("..."), started=start)
        if i == 2:
            same = {"reused": 2, "via": "merged", "started": None}
            add(ev.TaskFinished, 1.0, task_id=4, tool="search", outcome=Succeeded("..."), **same)
    add(ev.JoinStarted, 2.41, round=1, final=False)
    add(ev.RunFinished, 2.95, status="answered", output="1.5 times as high")
    return timeline_svg(builder.trace()) + "\n"


PICTURES = {"timeline.svg": timeline}


def main() -> None:
    """Write them."""
    ASSETS.mkdir(exist_ok=True)
    for name, draw in PICTURES.items():
        (ASSETS / name).write_text(draw(), encoding="utf-8")


if __name__ == "__main__":
    main()
