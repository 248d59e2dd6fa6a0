"""Draws the pictures of the documentation that the code itself makes: `python scripts/pictures.py`.

Their runs are made up, event by event, or on a clock that jumps, so that the same code draws the same picture.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from llmcompiler import AsyncExecutor, LLMCompiler, Passes, Plan, tool
from llmcompiler import events as ev
from llmcompiler.errors import TransientError
from llmcompiler.outcomes import Succeeded
from llmcompiler.testing import run_virtual
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
        builder.add(kind(seq=next(seq), run_id="r", at=at, **data))

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


@tool(effect="pure")
async def celsius(fahrenheit: float) -> float:
    """Degrees Celsius."""
    await asyncio.sleep(0.3)
    return round((fahrenheit - 32) / 1.8, 1)


@tool(effect="read", resource="census")
async def population(city: str) -> int:
    """People who live in a city."""
    await asyncio.sleep(0.5)
    return {"Oslo": 709_000, "Bergen": 289_000}[city]


async def _translate_all(calls: list[dict[str, Any]]) -> list[str]:
    await asyncio.sleep(0.4)
    return [c["word"].upper() for c in calls]


@tool(effect="read", batch=_translate_all, max_concurrency=1)
async def translate(word: str) -> str:
    """Translate a word."""
    await asyncio.sleep(0.4)
    return word.upper()


@tool
async def step(name: str, after: object = None) -> str:
    """One step."""
    await asyncio.sleep(0.2)
    return name


OFFICE = (celsius, population, translate, step)
PASS_PLANS = {
    "fold": '1. celsius(50)\n2. step("report", $1)\njoin()',
    "merge": '1. population("Oslo")\n2. population("Bergen")\n3. population("Oslo")\n4. step("report", $3)\njoin()',
    "drop": '1. celsius(50)\n2. celsius(68)\n3. celsius(86)\n4. step("report", $3)\njoin($4)',
    "batch": '1. translate("fish")\n2. translate("boat")\n3. translate("sea")\n4. step("report", [$1, $2, $3])\njoin()',
    "priority": '1. step("a")\n2. step("b")\n3. step("first")\n4. step("second", $3)\n5. step("third", $4)\njoin()',
}
"""Plans that one pass alone makes shorter."""
_CAP = 2


def pass_timeline(name: str, *, on: bool) -> str:
    """The pictures of docs/passes.md: a plan run without any pass, and with one."""
    off = {"fold": False, "merge": False, "drop": False, "batch": False, "priority": "fifo"}
    chosen: Any = {name: "critical-path" if name == "priority" else True} if on else {}
    plan = PASS_PLANS[name]

    async def run() -> str:
        executor = AsyncExecutor(max_concurrency=_CAP)
        async with LLMCompiler(OFFICE, executor=executor, passes=Passes(**{**off, **chosen})) as compiler:
            for _ in range(2 if name == "fold" else 1):
                result = await compiler.execute(plan)
        return timeline_svg(result.trace(), width=680)

    return run_virtual(run()) + "\n"


PICTURES: dict[str, Callable[[], str]] = {"timeline.svg": timeline} | {
    f"pass-{name}-{moment}.svg": partial(pass_timeline, name, on=moment == "after")
    for name in PASS_PLANS
    for moment in ("before", "after")
}


def main() -> None:
    """Write them."""
    ASSETS.mkdir(exist_ok=True)
    for name, draw in PICTURES.items():
        (ASSETS / name).write_text(draw(), encoding="utf-8")


if __name__ == "__main__":
    main()
