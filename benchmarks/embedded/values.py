"""Scores what the embedded joiner takes out of texts and answers with it, on the made-up articles of `joins.json`.

    python -m benchmarks.embedded.values                    # with the adapter that comes with the library
    python -m benchmarks.embedded.values --adapter none     # the untrained model
    python -m benchmarks.embedded.values --adapter FILE     # another adapter
    python -m benchmarks.embedded.values --oracle           # the right values given: what the code alone decides
    python -m benchmarks.embedded.values --show             # everything that is not right

Needs the extra `local` and the weights, except with `--oracle`. No tool is called: the texts are the results.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import re
import statistics
import time
from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from llmcompiler import Task
from llmcompiler.models.base import Feature, Model, ModelChunk, ModelRequest
from llmcompiler.models.local import LocalModel
from llmcompiler.outcomes import Succeeded
from llmcompiler.protocols import Answer, JoinContext, Observation
from llmcompiler_planners import LocalJoiner
from llmcompiler_planners.briefing import NOTHING
from llmcompiler_planners.local_joiner import ADAPTER
from llmcompiler_planners.spans import copy_value

from .score import wilson

CASES = Path(__file__).parent / "joins.json"


@dataclass(slots=True)
class Row:
    """One question, scored."""

    id: int
    family: str
    question: str
    values: dict[str, str]
    """What was copied for each name; empty for `none`."""
    confidences: list[float]
    exact: list[bool]
    """For each name, whether the value is an accepted one."""
    answer: str
    right: bool
    wrong: bool
    """Whether the answer says something untrue; one that only shows the texts is neither right nor wrong."""
    seconds: float


class Oracle:
    """A model that copies the accepted value of the text that its prompt holds."""

    name = "oracle"
    features: frozenset[Feature] = frozenset({"completion", "grammar"})

    def __init__(self, cases: Sequence[Mapping[str, Any]]) -> None:
        self._values = {f'search("{n}")': v[0] for c in cases for n, v in c["values"].items()}

    async def stream(self, request: ModelRequest) -> AsyncGenerator[ModelChunk, None]:
        """The value."""
        called = re.match(r"Result of (.*?): ", request.prompt or "")
        assert called is not None
        yield ModelChunk(f" {self._values[called[1]]}\n", finish_reason="stop")


def observed(case: Mapping[str, Any]) -> list[Observation]:
    """The texts of a case as results of `search`."""
    return [
        Observation(Task(i, "search", {"query": name}), Succeeded(text))
        for i, (name, text) in enumerate(case["texts"].items(), 1)
    ]


def right(answer: str, case: Mapping[str, Any]) -> bool:
    """Whether the answer says what the case expects: begins with yes or no, the name, or the value."""
    spec = case["answer"]
    if spec["kind"] in ("yes", "no"):
        return re.match(rf"{spec['kind']}\b", answer, re.IGNORECASE) is not None
    if spec["kind"] == "name":
        return _begins(answer, spec["name"])
    if spec["kind"] == "value":
        return "\n" not in answer and _plain(spec["value"]) in _plain(answer)
    if spec["kind"] == "each":
        lines = answer.splitlines()
        accepted = case["values"].items()
        return len(lines) == len(case["values"]) and all(
            any(_begins(line, name) and any(_plain(v) in _plain(line) for v in values) for line in lines)
            for name, values in accepted
        )
    return "could not take" in answer


def untrue(answer: str, case: Mapping[str, Any]) -> bool:
    """Whether the answer decides, and decides wrongly; values that are only told, and texts, decide nothing."""
    kind = case["answer"]["kind"]
    if right(answer, case) or "could not take" in answer:
        return False
    if kind in ("yes", "no"):
        return re.match(r"(?:yes|no):", answer, re.IGNORECASE) is not None
    if kind == "name":
        return any(_begins(answer, n) and ": " not in answer[: len(n) + 6] for n in case["texts"])
    return True


def _begins(text: str, name: str) -> bool:
    return re.match(rf"\W*(?:the\s+)?{re.escape(name.casefold())}(?!\w)", text.casefold()) is not None


def _plain(text: str) -> str:
    return " ".join(re.sub(r"\A(?:the|a|an|about)\s+", "", text.casefold()).split())


def accepted(value: str, values: Sequence[str]) -> bool:
    """Whether a copied value is one of the accepted ones; case and articles do not count."""
    return _plain(value or NOTHING) in map(_plain, values)


async def score_case(case: Mapping[str, Any], model: Model, *, floor: float | None = None) -> Row:
    """Copy the values, join, and judge both."""
    joiner = LocalJoiner(model) if floor is None else LocalJoiner(model, min_confidence=floor)
    begin = time.perf_counter()
    decision = await joiner.join(JoinContext(case["question"], observed(case)))
    seconds = time.perf_counter() - begin
    spans = [
        await copy_value(model, f'search("{name}")', text, case["question"], ADAPTER, name)
        for name, text in case["texts"].items()
    ]
    assert isinstance(decision, Answer)
    answer = str(decision.output)
    names = list(case["texts"])
    return Row(
        id=case["id"],
        family=case["family"],
        question=case["question"],
        values={n: s.text for n, s in zip(names, spans, strict=True)},
        confidences=[s.confidence for s in spans],
        exact=[accepted(s.text, case["values"][n]) for n, s in zip(names, spans, strict=True)],
        answer=answer,
        right=right(answer, case),
        wrong=untrue(answer, case),
        seconds=seconds,
    )


def table(rows: Sequence[Row]) -> str:
    """The scores by family, in Markdown."""
    head = ["family", "n", "values exact", "95 %", "answers right", "95 %", "untrue", "median"]
    lines = [head, ["---"] + ["---:"] * 7]
    families = list(dict.fromkeys(r.family for r in rows))
    for family in [*families, "**all**"]:
        part = [r for r in rows if r.family == family or family == "**all**"]
        exact = [e for r in part for e in r.exact]
        hits = sum(r.right for r in part)
        lines.append(
            [
                family,
                str(len(part)),
                f"{sum(exact)} of {len(exact)}",
                _interval(sum(exact), len(exact)),
                str(hits),
                _interval(hits, len(part)),
                str(sum(r.wrong for r in part)),
                f"{statistics.median(r.seconds for r in part):.2f} s",
            ]
        )
    return "\n".join("| " + " | ".join(cells) + " |" for cells in lines)


def _interval(hits: int, total: int) -> str:
    low, high = wilson(hits, total)
    return f"{low * 100:.0f}–{high * 100:.0f} %"


def chosen_model(arguments: argparse.Namespace, cases: Sequence[Mapping[str, Any]]) -> Model:
    """The model that the options name."""
    if arguments.oracle:
        return Oracle(cases)
    if arguments.adapter is None:
        return LocalModel(arguments.model)
    adapters = {} if arguments.adapter == "none" else {ADAPTER: arguments.adapter}
    return LocalModel(arguments.model, adapters=adapters)


async def score(arguments: argparse.Namespace) -> dict[str, Any]:
    """Score every case; the report as JSON types."""
    cases = json.loads(CASES.read_text(encoding="utf-8"))[: arguments.limit]
    model = chosen_model(arguments, cases)
    rows = []
    for case in cases:
        row = await score_case(case, model, floor=arguments.floor)
        rows.append(row)
        if arguments.show and not (row.right and all(row.exact)):
            sure = ", ".join(f"{c:.2f}" for c in row.confidences)
            marks = "right" if row.right else "UNTRUE" if row.wrong else "not answered"
            print(f"#{row.id} {row.question} [{marks}] {row.values} ({sure})\n    => {row.answer!r}")
    return {
        "model": model.name,
        "adapter": arguments.adapter or "own",
        "rows": [asdict(r) for r in rows],
        "table": table(rows),
    }


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.embedded.values", description=__doc__)
    parser.add_argument("--model", help="a GGUF file; the default weights otherwise")
    parser.add_argument("--adapter", help="`none`, or an adapter's GGUF file; the library's own otherwise")
    parser.add_argument("--oracle", action="store_true", help="take the right values instead of a model's")
    parser.add_argument("--floor", type=float, help="least confidence of a value; the joiner's own otherwise")
    parser.add_argument("--limit", type=int, help="only the first so many cases")
    parser.add_argument("--show", action="store_true", help="print what is not right")
    parser.add_argument("--out", type=Path, help="a file for the JSON report")
    arguments = parser.parse_args()
    report = asyncio.run(score(arguments))
    if arguments.out:
        arguments.out.write_text(json.dumps(report, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    print(report["table"])


if __name__ == "__main__":
    main()
