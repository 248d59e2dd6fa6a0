"""Scores of an adapter on held examples: whole plans, free of any grammar or as the planner writes them.

`python -m training.scoring --help`. A plan is right if it makes the same calls with the same arguments and references,
and ends in the same join; the order of calls that do not depend on each other does not matter. A join that names the
only call no other one uses is the same as one that names none: both answer from that call. A value is right if it is
the same text.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import json
import math
import statistics
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from llmcompiler.errors import ConfigurationError, LLMCompilerError
from llmcompiler.language import parse_plan
from llmcompiler.models import LocalModel, ModelRequest
from llmcompiler.plan import Join, Plan, Task
from llmcompiler.tools import Tool
from llmcompiler.values import Ref

from .specs import Example

MAX_TOKENS = 320
MAX_LINES = 14
"""Lines after which a plan is given up: none of the targets is that long."""
VALUES = "values"
"""The family whose target is a value and no plan."""


@dataclass(frozen=True, slots=True)
class Scored:
    """One example, what was written for it, and whether that is right."""

    example: Example
    written: str
    right: bool
    seconds: float


def same_plan(written: str, target: str, tools: Iterable[Any] = (), earlier: str = "") -> bool:
    """Whether both texts are the same plan, whatever the order and the numbers of its calls.

    Args:
        written: What the model wrote.
        target: What it should have.
        tools: With tools, an argument given by name and one given by position are the same.
        earlier: Lines of the plan that come before both.
    """
    known = {tool.name: tool for tool in tools}
    wanted = _normal(earlier + target, known)
    return wanted is not None and _normal(earlier + written, known) == wanted


def interval(right: int, of: int, z: float = 1.96) -> tuple[float, float]:
    """The 95 % interval of a share, by Wilson (1927), from 0 to 1."""
    if not of:
        return 0.0, 1.0
    share, spread = right / of, z * z / of
    middle = (share + spread / 2) / (1 + spread)
    half = z * math.sqrt(share * (1 - share) / of + spread / of / 4) / (1 + spread)
    return max(0.0, middle - half), min(1.0, middle + half)


def table(scored: Sequence[Scored], by: Callable[[Scored], str] = lambda s: s.example.family) -> str:
    """A Markdown table: right, of how many, share, interval and median seconds, by family."""
    rows: dict[str, list[Scored]] = defaultdict(list)
    for one in scored:
        rows[by(one)].append(one)
    lines = ["| | right | of | share | 95 % | median s |", "| --- | ---: | ---: | ---: | ---: | ---: |"]
    for name, found in [*sorted(rows.items()), ("**all**", list(scored))]:
        right = sum(one.right for one in found)
        low, high = interval(right, len(found))
        seconds = statistics.median(one.seconds for one in found) if found else 0.0
        share = right / max(1, len(found))
        lines.append(
            f"| {name} | {right} | {len(found)} | {share:.0%} | {low:.0%}-{high:.0%} | {seconds:.2f} |"
        )
    return "\n".join(lines)


async def score_free(
    model: LocalModel, examples: Iterable[Example], show: Callable[[Scored], None]
) -> list[Scored]:
    """Score what the model writes after each prompt by itself, most likely token by token, with no grammar."""
    found = []
    adapter = "planner" if "planner" in model.adapters else None
    for example in examples:
        plan = example.family != VALUES
        began = time.monotonic()
        written = await _write(model, example, adapter, plan)
        right = (
            same_plan(written, example.target, example.tools, _lines(example))
            if plan
            else written.strip() == example.target.strip()
        )
        found.append(Scored(example, written, right, time.monotonic() - began))
        show(found[-1])
    return found


async def score_planner(
    planner: Any, examples: Iterable[Example], show: Callable[[Scored], None]
) -> list[Scored]:
    """Score the plans of first rounds that a planner makes of the tools and the question."""
    from llmcompiler.protocols import PlanContext
    from llmcompiler.tools import ToolRegistry

    found = []
    for example in examples:
        if not example.tools or not example.question or _lines(example):
            continue
        began = time.monotonic()
        try:
            context = PlanContext(example.question, ToolRegistry(example.tools))
            async with aclosing(planner.plan(context)) as stream:
                items = [item async for item in stream if isinstance(item, (Task, Join))]
            tasks = tuple(item for item in items if isinstance(item, Task))
            join = next((item for item in items if isinstance(item, Join)), None)
            written = str(Plan(tasks, join))
        except LLMCompilerError as error:
            written = f"failed: {error}"
        right = same_plan(written, example.target, example.tools)
        found.append(Scored(example, written, right, time.monotonic() - began))
        show(found[-1])
    return found


async def _write(model: LocalModel, example: Example, adapter: str | None, plan: bool) -> str:
    """What comes after the prompt, up to the line end after the join, or after the value."""
    text = ""
    # Without a grammar nothing ends a plan but its join: what comes after that line is not asked for.
    request = ModelRequest(
        prompt=example.shared + example.prompt,
        adapter=adapter,
        temperature=0.0,
        max_tokens=MAX_TOKENS if plan else 48,
        stop=() if plan else ("\n",),
    )
    async with aclosing(model.stream(request)) as stream:
        async for chunk in stream:
            text += chunk.text
            if plan and "\n" in text and (end := _end(text)):
                return text[:end]
    return text


def _end(text: str) -> int:
    """Where the line of the join ends; 0 if it is not complete, or not there."""
    at = 0
    for count, line in enumerate(text.splitlines(keepends=True), 1):
        at += len(line)
        if count > MAX_LINES:
            return at
        if line.endswith("\n") and line.split(". ")[-1].lstrip().startswith("join("):
            return at
        if line.endswith("\n") and not line[:1].isdigit():
            return at  # no plan any more
    return 0


def _lines(example: Example) -> str:
    """The lines of a plan that the prompt of a next round holds, without its results."""
    after = example.prompt.partition("Question: ")[2].partition("\n")[2] if example.family != VALUES else ""
    return "".join(line + "\n" for line in after.partition("Results:")[0].splitlines() if line[:1].isdigit())


def _normal(text: str, tools: Mapping[str, Tool]) -> Any:
    """A form that equal plans share: each call spelled out with the calls it needs. None if the text is no plan."""
    plan, problems = parse_plan(text)
    if plan.join is None or any(problem.severity == "error" for problem in problems):
        return None
    spelled: dict[int, str] = {}

    def value(found: Any) -> Any:
        if isinstance(found, Ref):
            return {"of": spelled.get(found.task, "?"), "path": str(found).partition(str(found.task))[2]}
        if isinstance(found, Mapping):
            return {str(key): value(item) for key, item in found.items()}
        if isinstance(found, (list, tuple)):
            return [value(item) for item in found]
        if isinstance(found, (str, int, float, bool)) or found is None:
            return found
        return _by_reference(str(found), spelled)

    for task in plan.tasks:
        params = tuple(tools[task.tool].params) if task.tool in tools else ()
        args = {}
        for key, found in task.args.items():
            at = int(key) if key.isdigit() else -1
            args[params[at] if 0 <= at < len(params) else key] = value(found)
        call: dict[str, Any] = {"tool": task.tool, "args": args}
        if task.when is not None:
            call["when"] = _by_reference(str(task.when), spelled)
        if task.each is not None:
            call |= {"each": [task.each.name, value(task.each.source)]}
        # A digest: spelled out, a chain of calls would double in length with each of them.
        text = json.dumps(call, sort_keys=True, ensure_ascii=False, default=str)
        spelled[task.id] = hashlib.sha256(text.encode()).hexdigest()
    used = {needed for task in plan.tasks for needed in task.depends_on}
    last = [task for task in plan.tasks if task.id not in used]
    if len(last) == 1 and (plan.join.ref is None or _whole(plan.join.ref, last[0], tools)):
        return sorted(spelled.values()), "the last call"
    return sorted(spelled.values()), None if plan.join.ref is None else json.dumps(value(plan.join.ref))


def _whole(ref: Ref, task: Task, tools: Mapping[str, Tool]) -> bool:
    """Whether the reference takes all that the call gives; an object of one field is no more than that field."""
    if ref.task != task.id:
        return False
    returns = tools[task.tool].returns if task.tool in tools else None
    fields = list(returns.get("properties", ())) if isinstance(returns, Mapping) else []
    return not ref.path or (len(fields) == 1 and list(ref.path) == fields)


def _by_reference(text: str, spelled: Mapping[int, str]) -> str:
    """A text with references in it, each put as the call that it names."""
    import re

    return re.sub(r"\$\{?(\d+)", lambda m: f"<{spelled.get(int(m[1]), '?')}>", text)


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="python -m training.scoring", description="Score an adapter on held examples."
    )
    parser.add_argument("--adapter", required=True, help="GGUF file, or `none` for the untrained model")
    parser.add_argument("--weights", type=Path, help="GGUF file; the pulled default weights")
    parser.add_argument("--examples", type=int, default=400)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--split", choices=("held", "train"), default="held")
    parser.add_argument("--runtime", action="store_true", help="score LocalPlanner's plans, with its grammar")
    parser.add_argument("--show", type=int, default=0, help="print that many of the wrong ones")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--out", type=Path, help="JSON lines of everything that was scored")
    options = parser.parse_args(arguments)
    try:
        scored = asyncio.run(_score(options))
    except ConfigurationError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    print(table(scored))
    print()
    print(table(scored, lambda one: one.example.skill or "-"))
    for one in [one for one in scored if not one.right][: options.show]:
        print(f"\n--- {one.example.family}\n{one.example.shared}{one.example.prompt}")
        print(f"wanted:\n{one.example.target}\nwritten:\n{one.written}")
    if options.out:
        lines = [
            {
                "family": one.example.family,
                "skill": one.example.skill,
                "prompt": one.example.shared + one.example.prompt,
                "target": one.example.target,
                "written": one.written,
                "right": one.right,
                "seconds": round(one.seconds, 3),
            }
            for one in scored
        ]
        options.out.write_text(
            "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines), "utf-8"
        )
    return 0


async def _score(options: argparse.Namespace) -> list[Scored]:
    from .generate import groups

    adapters = {} if options.adapter == "none" else {"planner": options.adapter}
    model = LocalModel(
        options.weights, adapters=adapters, slots=1, threads=options.threads, batch_threads=options.threads
    )
    examples = [
        example for group in groups(options.seed, options.examples, options.split) for example in group
    ]
    done = [0, 0]

    def show(one: Scored) -> None:
        done[0] += 1
        done[1] += one.right
        if done[0] % 25 == 0:
            print(f"{done[1]} of {done[0]} right", file=sys.stderr, flush=True)

    if options.runtime:
        from llmcompiler_planners.local import LocalPlanner

        return await score_planner(LocalPlanner(model), examples, show)
    return await score_free(model, examples, show)


if __name__ == "__main__":
    sys.exit(main())
