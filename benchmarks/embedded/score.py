"""Scores the embedded planner and joiner on the questions beside this file; prints a Markdown table, writes JSON.

    python -m benchmarks.embedded.score                     # the published table
    python -m benchmarks.embedded.score --set fresh         # questions that no rule was made for
    python -m benchmarks.embedded.score --set probe         # tools that neither adapter nor rules have seen
    python -m benchmarks.embedded.score --tools offline     # all offline tools offered at once
    python -m benchmarks.embedded.score --show              # every plan that is not right

Needs the extras `tools` and `local`, and the weights (`llmcompiler models pull`).
"""

from __future__ import annotations

import argparse
import asyncio
import json
import math
import platform
import re
import statistics
import sys
import time
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import llmcompiler_tools
from llmcompiler import LLMCompiler, Plan
from llmcompiler.errors import LLMCompilerError
from llmcompiler.events import DiagnosticEmitted, PlanFinished, TaskPlanned
from llmcompiler.models.local import LocalModel
from llmcompiler.outcomes import Succeeded
from llmcompiler.result import RunResult
from llmcompiler.testing import RecordingReporter
from llmcompiler.tools import Tool, ToolRegistry
from llmcompiler_planners import LocalJoiner, LocalPlanner

from .answers import right_answer
from .exact import same_plan

HERE = Path(__file__).parent
SETS = {"questions": HERE / "questions.json", "fresh": HERE / "fresh.json", "probe": HERE / "probe.json"}
COLLECTIONS = {"demo": "demo_tools", "offline": "offline_tools"}
SMALL = (
    "population", "area", "capital", "currency", "current_time", "distance", "element", "calculate", "convert_units",
)  # fmt: skip
"""What the command line offers the embedded model by itself."""
_BEGIN, _END = "<!-- scores: {} -->", "<!-- end of scores -->"


@dataclass(slots=True)
class Row:
    """One question, scored. Times are seconds since the run began."""

    id: int
    family: str
    question: str
    exact: bool
    answered: bool
    warned: bool
    first_line: float
    plan: float
    text: str
    answer: str
    confidence: float = 1.0


def wilson(hits: int, total: int, z: float = 1.96) -> tuple[float, float]:
    """The Wilson score interval of a share: 95 % for the default `z`."""
    if total == 0:
        return 0.0, 1.0
    p, n = hits / total, float(total)
    middle = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n)) / (1 + z * z / n)
    return max(0.0, middle - half), min(1.0, middle + half)


def offered(name: str, plans: Iterable[str]) -> list[Any]:
    """The tools of a collection; for `needed` those that the plans call."""
    if name == "small":
        return [getattr(llmcompiler_tools, tool) for tool in SMALL]
    if name in COLLECTIONS:
        return list(getattr(llmcompiler_tools, COLLECTIONS[name]))
    called = set(re.findall(r"^\s*\d+\.\s*(\w+)\(", "\n".join(plans), re.MULTILINE))
    return [t for t in llmcompiler_tools.offline_tools if t.name in called]


def stub(line: str) -> Tool:
    """A tool that does nothing, from `name(a: string, ...) -> number: what it does`."""
    m = re.fullmatch(r"(\w+)\((.*?)\) -> (\w+): (.*)", line)
    assert m is not None, line
    properties = {n: {"type": kind} for n, kind in re.findall(r"(\w+): (\w+)", m[2])}
    schema = {"type": "object", "properties": properties, "required": list(properties)}
    return Tool.from_schema(
        m[1], schema, lambda **_: None, description=m[4], returns={"type": m[3]}, effect="pure"
    )


async def score_plan(item: dict[str, Any], model: LocalModel) -> Row:
    """Plan one question over tools that do nothing, and judge the plan."""
    tools = ToolRegistry([stub(line) for line in item["tools"]])
    recorder = RecordingReporter()
    compiler = LLMCompiler(tools=tools.values(), planner=LocalPlanner(model), reporters=[recorder])
    begin = time.perf_counter()
    plan = await compiler.plan(item["question"])
    seconds = time.perf_counter() - begin
    accepted = [Plan.parse(_numbered(p), tools=tools) for p in item["plans"]]
    return Row(
        id=item["id"],
        family=item["family"],
        question=item["question"],
        exact=same_plan(plan, accepted),
        answered=False,
        warned=any(
            isinstance(e, DiagnosticEmitted) and e.diagnostic.code == "weak-plan" for e in recorder.events
        ),
        first_line=next((e.at for e in recorder.events if isinstance(e, TaskPlanned)), seconds),
        plan=seconds,
        text=str(plan),
        answer="",
    )


async def score_one(item: dict[str, Any], model: LocalModel, tools: Sequence[Any]) -> Row:
    """Ask one question and judge plan and answer."""
    every = ToolRegistry(llmcompiler_tools.offline_tools)
    accepted = [Plan.parse(_numbered(p), tools=every) for p in item["plans"]]
    recorder = RecordingReporter()
    compiler = LLMCompiler(
        tools=tools, planner=LocalPlanner(model), joiner=LocalJoiner(model), reporters=[recorder]
    )
    try:
        result = await compiler.run(item["question"])
    except LLMCompilerError as error:
        result = error.result or RunResult("", item["question"], error=error)
    first = next((e.at for e in recorder.events if isinstance(e, TaskPlanned)), 0.0)
    planned = next((e.at for e in recorder.events if isinstance(e, PlanFinished)), 0.0)
    warned = any(d.code == "weak-plan" for d in result.diagnostics)
    plan = result.plans[0] if result.plans else Plan()
    answer = str(result.output) if result.error is None else f"(no answer: {result.error})"
    expected = await LLMCompiler(tools=every.values()).execute(accepted[0])
    sinks = [t for t in accepted[0].tasks if t.id in accepted[0].sinks]
    values = [o.value for t in sinks if isinstance(o := expected.tasks[t.id].outcome, Succeeded)]
    labels = [str(next(iter(t.args.values()), "")) for t in sinks]
    return Row(
        id=item["id"],
        family=item["family"],
        question=item["question"],
        exact=same_plan(plan, accepted),
        answered=right_answer(answer, item["answer"], labels, values, item["question"]),
        warned=warned,
        first_line=first,
        plan=planned,
        text=str(plan),
        answer=answer,
    )


def _numbered(calls: Sequence[str]) -> str:
    return "".join(f"{i}. {c}\n" for i, c in enumerate(calls, 1)) + "join()"


async def noise(model: LocalModel, tools: Sequence[Any]) -> dict[str, float]:
    """The same plan eight times over: what the machine itself adds to the times."""
    times = []
    for _ in range(8):
        start = time.perf_counter()
        await LLMCompiler(tools=tools, planner=LocalPlanner(model)).plan("Which is bigger, Tokyo or Delhi?")
        times.append(time.perf_counter() - start)
    return {"least": min(times[1:]), "median": statistics.median(times[1:]), "most": max(times[1:])}


def table(rows: Sequence[Row], answers: bool) -> str:
    """The scores by family, in Markdown."""
    head = [
        "family",
        "n",
        "exact plans",
        "95 %",
        "answers right",
        "warned: right, wrong plans",
        "plan",
        "first call",
    ]
    body = []
    families = list(dict.fromkeys(r.family for r in rows))
    for family in [*families, *(["**all**"] if len(families) > 1 else [])]:
        part = [r for r in rows if r.family == family or family == "**all**"]
        right, wrong = [r for r in part if r.exact], [r for r in part if not r.exact]
        low, high = wilson(len(right), len(part))
        body.append(
            [
                family,
                str(len(part)),
                str(len(right)),
                f"{low * 100:.0f}–{high * 100:.0f} %",
                str(sum(r.answered for r in part)),
                f"{sum(r.warned for r in right)} of {len(right)}, {sum(r.warned for r in wrong)} of {len(wrong)}",
                f"{statistics.median(r.plan for r in part):.2f} s",
                f"{statistics.median(r.first_line for r in part):.2f} s",
            ]
        )
    # Stubs give no answers, and their runs are planned only.
    keep = [i for i in range(len(head)) if answers or head[i] not in ("answers right", "first call")]
    lines = [[row[i] for i in keep] for row in (head, ["---"] + ["---:"] * 7, *body)]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in lines)


async def score(arguments: argparse.Namespace) -> dict[str, Any]:
    """Score every question; the report as JSON types."""
    items = json.loads(SETS[arguments.set].read_text(encoding="utf-8"))[: arguments.limit]
    model = LocalModel(arguments.model) if arguments.model else LocalModel()
    rows: list[Row] = []
    small = offered("small", ())
    await LLMCompiler(tools=small, planner=LocalPlanner(model)).plan(
        "How many people live in Oslo?"
    )  # loads the engine
    for item in items:
        tools = offered(arguments.tools, [_numbered(p) for p in item["plans"]])
        row = await (score_plan(item, model) if "tools" in item else score_one(item, model, tools))
        rows.append(row)
        if arguments.show and not (row.exact and (row.answered or "tools" in item)):
            marks = (
                f"{'exact' if row.exact else 'NOT EXACT'}, {'answered' if row.answered else 'NOT ANSWERED'}"
            )
            print(f"#{row.id} {row.question} [{marks}, {'warned' if row.warned else 'silent'}]")
            print(
                "    "
                + row.text.replace("\n", "\n    ")
                + "\n    => "
                + row.answer.replace("\n", "\n       ")
            )
    return {
        "set": arguments.set,
        "tools": arguments.tools,
        "model": model.name,
        "machine": f"{platform.machine()}, {platform.python_version()}",
        "noise": await noise(model, small),
        "rows": [asdict(r) for r in rows],
        "table": table(rows, answers=not all("tools" in item for item in items)),
    }


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.embedded.score", description=__doc__)
    parser.add_argument("--set", choices=SETS, default="questions", help="which questions")
    parser.add_argument(
        "--tools", choices=["needed", "small", *COLLECTIONS], default="small", help="which tools are offered"
    )
    parser.add_argument("--model", help="a GGUF file; the default weights otherwise")
    parser.add_argument("--limit", type=int, help="only the first so many questions")
    parser.add_argument("--show", action="store_true", help="print what is not right")
    parser.add_argument("--out", type=Path, help="where the JSON goes; results-SET.json beside this file")
    parser.add_argument("--docs", type=Path, help="a Markdown file whose table is replaced")
    arguments = parser.parse_args()
    report = asyncio.run(score(arguments))
    out = arguments.out or HERE / f"results-{arguments.set}.json"
    out.write_text(json.dumps(report, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    print(report["table"])
    spread = report["noise"]
    line = f"One plan, seven times: {spread['least']:.2f} to {spread['most']:.2f} s, median {spread['median']:.2f} s."
    print("\n" + line)
    if arguments.docs:
        begin = _BEGIN.format(arguments.set)
        text = arguments.docs.read_text(encoding="utf-8")
        if begin not in text:
            sys.exit(f"{arguments.docs} has no line `{begin}`")
        head, _, rest = text.partition(begin)
        tail = rest.partition(_END)[2]
        arguments.docs.write_text(
            f"{head}{begin}\n{report['table']}\n\n{line}\n{_END}{tail}", encoding="utf-8"
        )


if __name__ == "__main__":
    main()
