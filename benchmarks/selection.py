"""Recall of tool selection: of over a thousand tools, are those that a question needs among the k that are shown?

Tools, questions and which tools they need are the Berkeley function-calling data of the package `bfcl-eval`. Every
function stands once, under its name; a question that needs several counts only where all of them are among the k.
`python -m benchmarks.selection` prints the tables.
"""

from __future__ import annotations

import argparse
import functools
import importlib.util
import json
import platform
import re
import statistics
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from llmcompiler import ToolRegistry
from llmcompiler.errors import ToolDefinitionError
from llmcompiler.tools import Tool
from llmcompiler_planners.observations import estimate_tokens
from llmcompiler_planners.phrases import parts, spoken
from llmcompiler_planners.prompt import tools_text
from llmcompiler_planners.selection import BM25Selector
from llmcompiler_planners.words import read_question, variants

from .__main__ import table

KS = (1, 3, 5, 10, 20)
FAMILIES = {
    "simple": ("simple_python", "simple_java", "simple_javascript", "live_simple"),
    "multiple": ("multiple", "live_multiple"),
    "parallel": ("parallel", "live_parallel"),
    "parallel, several tools": ("parallel_multiple", "live_parallel_multiple"),
}
"""Questions by what they need: one tool, one of several like it, one tool many times, several tools."""
FURTHER = ("irrelevance", "live_irrelevance", "live_relevance")
"""Sets of which only the functions are taken: their questions need none, or nobody says which."""
_TYPES = {
    "dict": "object",
    "hashmap": "object",
    "float": "number",
    "double": "number",
    "long": "integer",
    "short": "integer",
    "byte": "integer",
    "bigint": "integer",
    "char": "string",
    "tuple": "array",
    "arraylist": "array",
    "list": "array",
    "bool": "boolean",
}
_KNOWN = {"object", "number", "integer", "string", "array", "boolean", "null"}


@dataclass(frozen=True)
class Asked:
    """A question and the names of the tools it needs."""

    family: str
    question: str
    needed: frozenset[str]


def installed() -> bool:
    """Whether the data is there."""
    return importlib.util.find_spec("bfcl_eval") is not None


def _data() -> Path:
    spec = importlib.util.find_spec("bfcl_eval")
    if spec is None or spec.origin is None:
        sys.exit("bfcl-eval is not installed; `make test` installs it")
    return Path(spec.origin).parent / "data"


def _lines(path: Path) -> Iterator[Any]:
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            yield json.loads(line)


@functools.cache
def load() -> tuple[ToolRegistry, list[Asked]]:
    """The tools, each name once, and the questions that need some of them."""
    data = _data()
    tools: dict[str, Tool] = {}
    asked: list[Asked] = []
    for family, sets in FAMILIES.items():
        for name in sets:
            file = f"BFCL_v4_{name}.json"
            right = {e["id"]: e["ground_truth"] for e in _lines(data / "possible_answer" / file)}
            for entry in _lines(data / file):
                _take(entry["function"], tools)
                needed = frozenset(n for call in right.get(entry["id"], ()) for n in call)
                said = [m["content"] for turn in entry["question"] for m in turn if m["role"] == "user"]
                if needed and said:
                    asked.append(Asked(family, "\n".join(said), needed))
    for name in FURTHER:
        for entry in _lines(data / f"BFCL_v4_{name}.json"):
            _take(entry["function"], tools)
    for path in sorted((data / "multi_turn_func_doc").glob("*.json")):
        _take(_lines(path), tools)
    return ToolRegistry(tools), [a for a in asked if a.needed <= tools.keys()]


def _take(functions: Any, tools: dict[str, Tool]) -> None:
    for f in functions:
        if f["name"] in tools:
            continue
        try:
            tools[f["name"]] = Tool.from_schema(
                f["name"], _schema(f.get("parameters", {})), _nothing, description=f.get("description", "")
            )
        except ToolDefinitionError:
            continue  # a name or a schema that no planner could be shown


def _nothing(**_: Any) -> None:
    return None


def _schema(part: Any, depth: int = 0) -> dict[str, Any]:
    """A schema as JSON schema: types of other languages by their names here, what is not known left open."""
    if not isinstance(part, Mapping):
        return {}
    made: dict[str, Any] = {}
    kind = str(part.get("type", "")).lower()
    kind = _TYPES.get(kind, kind)
    if kind in _KNOWN or depth == 0:
        made["type"] = "object" if depth == 0 else kind
    if isinstance(part.get("description"), str):
        made["description"] = part["description"]
    if isinstance(part.get("enum"), list):
        made["enum"] = part["enum"]
        made.pop("type", None) if depth else None
    if isinstance(part.get("properties"), Mapping):
        made["properties"] = {k: _schema(v, depth + 1) for k, v in part["properties"].items()}
        names = part.get("required")
        made["required"] = [n for n in names if n in made["properties"]] if isinstance(names, list) else []
    if isinstance(part.get("items"), Mapping):
        made["items"] = _schema(part["items"], depth + 1)
    return made


# -- ways to choose -------------------------------------------------------------------------------

Chooser = Callable[[str, int], Sequence[str]]
"""A question and k to the names of k tools, best first."""


def bm25(tools: ToolRegistry) -> Chooser:
    """`BM25Selector`."""
    selector = BM25Selector(k=max(KS))
    selector.prepare(tools)
    return lambda question, k: selector.select(question, tools)[:k]


def overlap(tools: ToolRegistry) -> Chooser:
    """Plain word overlap, scored as `LocalPlanner` does where it has too many tools, over an index of words."""
    named: dict[str, set[int]] = {}
    told: dict[str, set[int]] = {}
    for i, tool in enumerate(tools.values()):
        for word in spoken(tool.name):
            named.setdefault(word, set()).add(i)
        words = {v for w in re.findall(r"\w{3,}", tool.description[:400].lower()) for v in variants(w)}
        for word in words.union(*(parts(p) for p in tool.params)):
            told.setdefault(word, set()).add(i)
    names = list(tools)

    def choose(question: str, k: int) -> list[str]:
        scores: Counter[int] = Counter()
        for word in {w.lower for w in read_question(question).words if not w.functional}:
            forms = variants(word)
            for index, weight in ((named, 3), (told, 1)):
                for i in set().union(*(index.get(form, set()) for form in forms)):
                    scores[i] += weight
        return [names[i] for i in sorted(range(len(names)), key=lambda i: (-scores[i], i))[:k]]

    return choose


def recall(choose: Chooser, asked: Sequence[Asked]) -> dict[int, dict[str, float]]:
    """For each k and family, the share of questions of which every needed tool is chosen."""
    hits: dict[int, dict[str, list[bool]]] = {k: {} for k in KS}
    for a in asked:
        chosen = list(choose(a.question, max(KS)))
        for k in KS:
            hits[k].setdefault(a.family, []).append(a.needed <= set(chosen[:k]))
    return {k: {family: sum(h) / len(h) for family, h in by.items()} for k, by in hits.items()}


def measure(every: int = 1) -> list[dict[str, Any]]:
    """A row for each way to choose and family of questions: recall at each k, in percent.

    Args:
        every: Take one of so many questions.
    """
    tools, asked = load()
    asked = asked[::every]
    rows: list[dict[str, Any]] = []
    counts = {family: sum(a.family == family for a in asked) for family in FAMILIES}
    for name, choose in (("BM25", bm25(tools)), ("word overlap", overlap(tools))):
        found = recall(choose, asked)
        for family, n in counts.items():
            if n:
                share = {f"at {k}, %": 100 * found[k][family] for k in KS}
                rows.append({"chosen by": name, "questions": family, "n": n, **share})
        total = {
            f"at {k}, %": 100 * sum(found[k][f] * n for f, n in counts.items() if n) / len(asked) for k in KS
        }
        rows.append({"chosen by": name, "questions": "all", "n": len(asked), **total})
    return rows


def times(questions: int = 200) -> list[dict[str, Any]]:
    """How long the index and a question take, and what tools take of a prompt, by number of tools."""
    tools, asked = load()
    rows = []
    BM25Selector().prepare(tools.subset(list(tools)[:2]))  # loads the package
    for n in (100, 500, len(tools)):
        some = tools.subset(list(tools)[:n])
        selector = BM25Selector(k=max(KS))
        begun = time.perf_counter()
        selector.prepare(some)
        built = time.perf_counter() - begun
        each, shown = [], []
        for a in asked[: questions * 7 : 7]:
            begun = time.perf_counter()
            chosen = selector.select(a.question, some)
            each.append(time.perf_counter() - begun)
            shown.append(estimate_tokens(tools_text(some.subset(chosen))))
        rows.append(
            {
                "tools": len(some),
                "index_ms": 1e3 * built,
                "question_ms_median": 1e3 * statistics.median(each),
                "question_ms_most": 1e3 * max(each),
                "prompt_tokens_of_all": estimate_tokens(tools_text(some)),
                f"prompt_tokens_of_{max(KS)}": round(statistics.mean(shown)),
            }
        )
    return rows


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.selection", description=__doc__)
    parser.add_argument("--every", type=int, default=1, metavar="N", help="only one of N questions")
    options = parser.parse_args()
    tools, asked = load()
    several = sum(len(a.needed) > 1 for a in asked)
    print(
        f"Python {platform.python_version()}; {len(tools):,} tools, {len(asked):,} questions, "
        f"{several} of which need several tools\n"
    )
    print(table(times()), end="\n\n")
    print(table(measure(options.every)))


if __name__ == "__main__":
    main()
