"""Plans, and only plans, the questions of the paper's data sets, and scores the plans by rules.

    python -m benchmarks.datasets --data FOLDER --set parallelqa
    python -m benchmarks.datasets --data FOLDER --set hotpotqa --limit 100    # at even distances over the set
    python -m benchmarks.datasets --data FOLDER --set movie --adapter none    # the untrained model
    python -m benchmarks.datasets --data FOLDER --set parallelqa --model NAME # any model, by its planner

FOLDER holds the data sets' JSON files, which do not belong to this repository.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from pathlib import Path

from llmcompiler.models.base import Model
from llmcompiler.models.local import LocalModel
from llmcompiler.models.resolve import resolve_model
from llmcompiler_planners import LocalPlanner, TextPlanner

from .score import SETS, read, report, score_set, spread, table


async def score(arguments: argparse.Namespace) -> None:
    """Score and print."""
    items, unread = read(arguments.set, arguments.data)
    chosen = spread(items, arguments.limit)
    model = _model(arguments)
    planner = LocalPlanner(model) if isinstance(model, LocalModel) else TextPlanner(model)
    rows = await score_set(arguments.set, chosen, planner)
    if arguments.show:
        for row in rows:
            if not row.score.exact:
                marks = [n for n in ("calls", "entities", "dependencies") if not getattr(row.score, n)]
                print(f"#{row.id} {row.question.strip()} [not right: {', '.join(marks)}]")
                print("    " + row.plan.replace("\n", "\n    "))
    if arguments.out:
        made = report(arguments.set, model.name, rows, unread)
        arguments.out.write_text(json.dumps(made, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    print(table(rows))
    print(
        f"\n{len(rows)} of {len(items)} questions that the rules read; {unread} they do not read are left out."
    )


def _model(arguments: argparse.Namespace) -> Model:
    if arguments.model != "local:":
        return resolve_model(arguments.model)
    if arguments.adapter is None:
        return LocalModel(arguments.weights)
    adapters = {} if arguments.adapter == "none" else {"planner": arguments.adapter}
    return LocalModel(arguments.weights, adapters=adapters)


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.datasets",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--data", type=Path, required=True, help="the folder of the data sets")
    parser.add_argument("--set", choices=SETS, required=True, help="which set")
    parser.add_argument("--model", default="local:", help="a model's name; the embedded one otherwise")
    parser.add_argument(
        "--weights", help="for the embedded model: a GGUF file; the default weights otherwise"
    )
    parser.add_argument("--adapter", help="for the embedded model: `none`, or an adapter's GGUF file")
    parser.add_argument("--limit", type=int, help="only so many questions, at even distances")
    parser.add_argument("--show", action="store_true", help="print what is not right")
    parser.add_argument("--out", type=Path, help="a file for the JSON report")
    arguments = parser.parse_args()
    if not (arguments.data / SETS[arguments.set].FILE).is_file():
        sys.exit(
            f"{arguments.data} has no {SETS[arguments.set].FILE}: give the folder of the data sets with --data"
        )
    asyncio.run(score(arguments))


if __name__ == "__main__":
    main()
