"""Tokens that a question costs in each planner's form, with what is written held equal.

This measures protocols, not models: an oracle writes the accepted plan of each question (`embedded/questions.json`) in
the form its planner asks for, and the same answer, so that only the form, the prompts and the number of calls differ.
The tools really run. A real model adds mistakes and repairs, and words of its own.

Tokens are those of the embedded model where it is installed, else runs of four characters. For ReAct, the oracle
writes the thought that the loop asks for at each step as one short sentence, or none. "Seen before" is the share of
the prompt that begins like an earlier request of the same measurement: what a server's prefix cache need not read
again. Functions given natively count with their JSON, in front of the messages.
`python -m benchmarks.economy` prints the tables.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import sys
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import llmcompiler_planners
import llmcompiler_tools
from llmcompiler import LLMCompiler, Plan, ToolRegistry
from llmcompiler._jsonable import to_jsonable
from llmcompiler.errors import ConfigurationError, LLMCompilerError
from llmcompiler.language import print_value
from llmcompiler.models.base import ModelChunk, ModelRequest, ToolCallDelta, Usage
from llmcompiler.models.weights import find_weights
from llmcompiler.plan import Join, Task
from llmcompiler.values import Ref

from .__main__ import table
from .embedded.exact import same_plan
from .embedded.score import SMALL

QUESTIONS = Path(__file__).parent / "embedded" / "questions.json"
PLANNERS = {
    "TextPlanner": "text",
    "JSONPlanner": "json",
    "PythonPlanner": "python",
    "ToolCallPlanner": "tools",
    "ReActPlanner": "react",
    "ReActPlanner, no thoughts": "react without thoughts",
}
"""The rows: what is measured, and the form in which the oracle writes."""
_LAST_THOUGHT = "The results say what was asked for."
Encode = Callable[[str], Sequence[Any]]
"""Text to tokens."""


# -- tokens ---------------------------------------------------------------------------------------


def fours(text: str) -> list[str]:
    """Runs of four characters: about a token each, in English."""
    return [text[i : i + 4] for i in range(0, len(text), 4)]


@contextlib.contextmanager
def tokenizer() -> Iterator[tuple[str, Encode]]:
    """Whose tokens are counted, and how: the embedded model's where it is installed."""
    try:
        from training.tokens import Tokenizer

        path = find_weights()
        made = Tokenizer(path) if path is not None else None
    except (ImportError, ConfigurationError):
        made = None
    if made is None or path is None:
        yield "characters / 4", fours
        return
    with made:
        yield f"tokens of {path.stem}", made.encode


# -- the oracle -----------------------------------------------------------------------------------


@dataclass
class Question:
    """A question with what the oracle writes for it."""

    text: str
    plan: Plan
    """As it is written in text: arguments by position where the accepted plan has them so."""
    bound: Plan
    """With arguments by name."""
    answer: str


@dataclass
class Spent:
    """What the questions so far have cost."""

    calls: int = 0
    prompt: int = 0
    seen: int = 0
    completion: int = 0


@dataclass
class Oracle:
    """A model that knows the plan and the answer, and writes them in one form."""

    form: str
    encode: Encode
    tools: ToolRegistry
    name: str = "oracle"
    question: Question | None = None
    spent: Spent = field(default_factory=Spent)
    _earlier: list[list[Any]] = field(default_factory=list)

    @property
    def features(self) -> frozenset[str]:
        """Everything that a hosted model can do."""
        return frozenset({"chat", "json_schema", "tools"})

    async def stream(self, request: ModelRequest) -> AsyncIterator[ModelChunk]:
        """The right reply to `request`."""
        assert self.question is not None
        text, calls = self._reply(request, self.question)
        prompt = self._prompt(request)
        written = [*self.encode(text)]
        for call in calls:
            written += [
                *self.encode(json.dumps({"name": call.name, "arguments": json.loads(call.arguments)}))
            ]
        self.spent.calls += 1
        self.spent.prompt += len(prompt)
        self.spent.seen += max((_common(prompt, e) for e in self._earlier), default=0)
        self.spent.completion += len(written)
        # What was written is in the cache, too, and is where the next step of a loop goes on.
        self._earlier = [[*prompt, "assistant", *self.encode(text)], *self._earlier[:11]]
        yield ModelChunk(text, None, None, None, tuple(calls))
        yield ModelChunk("", Usage(0, len(prompt), len(written)), "stop")

    def _prompt(self, request: ModelRequest) -> list[Any]:
        tokens: list[Any] = []
        for function in request.tools:
            tokens += self.encode(json.dumps(function))
        for message in request.messages:
            tokens += [message.role, *self.encode(message.content)]
        return tokens

    def _reply(self, request: ModelRequest, question: Question) -> tuple[str, list[ToolCallDelta]]:
        if request.purpose == "join":
            decision = {
                "thought": _LAST_THOUGHT,
                "action": "answer",
                "answer": question.answer,
                "feedback": None,
            }
            return json.dumps(decision, ensure_ascii=False), []
        if self.form.startswith("react"):
            return self._step(request, question), []
        if self.form == "tools":
            return "", [_native(i, task) for i, task in enumerate(question.bound.tasks)]
        if self.form == "json":
            from llmcompiler_planners.json_tasks import json_plan_text

            return json_plan_text(question.bound), []
        if self.form == "python":
            from llmcompiler_planners.pycode import plan_to_python

            return plan_to_python(question.plan, self.tools), []
        return str(question.plan), []

    def _step(self, request: ModelRequest, question: Question) -> str:
        done = sum(m.role == "assistant" for m in request.messages)
        tasks = question.plan.tasks
        thinking = self.form == "react"
        if done < len(tasks):
            _, _, call = str(tasks[done]).partition(". ")
            about = next(iter(question.bound.tasks[done].args.values()), "it")
            thought = f"Thought: I need the {tasks[done].tool} of {print_value(about)} next.\n"
            return (thought if thinking else "") + f"Action: {call}"
        join = question.plan.join
        answer = question.answer if join is None or join.ref is None else str(join.ref)
        return (f"Thought: {_LAST_THOUGHT}\n" if thinking else "") + f"Final Answer: {answer}"


def _common(one: Sequence[Any], other: Sequence[Any]) -> int:
    n = min(len(one), len(other))
    return next((i for i in range(n) if one[i] != other[i]), n)


def _native(index: int, task: Task) -> ToolCallDelta:
    from llmcompiler_planners.json_tasks import value_text

    arguments = {key: value_text(value) for key, value in task.args.items()}
    return ToolCallDelta(index, f"call_{index}", task.tool, json.dumps(arguments, ensure_ascii=False))


# -- the questions --------------------------------------------------------------------------------


async def questions(tools: ToolRegistry, limit: int | None = None) -> list[Question]:
    """The questions, each with its accepted plan, and the values of that plan as its answer."""
    out = []
    for item in json.loads(QUESTIONS.read_text(encoding="utf-8"))[:limit]:
        lines = "".join(f"{i}. {call}\n" for i, call in enumerate(item["plans"][0], 1))
        bound = Plan.parse(lines + "join()", tools=tools)
        values = (await LLMCompiler(tools).execute(bound)).output
        sinks = [t for t in bound.tasks if t.id in values]
        said = [f"{next(iter(t.args.values()), t.tool)}: {_shown(values[t.id])}" for t in sinks]
        join = Join()
        if item["answer"]["kind"] == "value" and len(sinks) == 1:
            name = item["answer"].get("field")
            join = Join(Ref(sinks[0].id, (name,) if isinstance(name, str) else ()))
        plan = Plan.parse(lines)
        out.append(
            Question(item["question"], Plan(plan.tasks, join), Plan(bound.tasks, join), "; ".join(said))
        )
    return out


def _shown(value: Any) -> str:
    made = to_jsonable(value)
    if isinstance(made, dict):
        return ", ".join(f"{k} {v}" for k, v in list(made.items())[:3])
    return f"{made:,}" if isinstance(made, (int, float)) else str(made)


def available() -> list[str]:
    """The rows whose planners are there."""
    names = set(llmcompiler_planners.__all__)
    return [row for row in PLANNERS if row.partition(",")[0] in names]


async def ask(row: str, asked: Sequence[Question], tools: ToolRegistry, encode: Encode) -> list[Spent]:
    """What each question costs, one after another, with what servers keep from the ones before."""
    oracle = Oracle(PLANNERS[row], encode, tools)
    kind: Any = getattr(llmcompiler_planners, row.partition(",")[0])
    compiler = LLMCompiler(tools, model=oracle, planner=kind(oracle))
    out = []
    for question in asked:
        oracle.question, oracle.spent = question, Spent()
        try:
            result = await compiler.run(question.text)
        except LLMCompilerError as e:
            raise AssertionError(f"{row}: {question.text!r} was not answered: {e}") from e
        made = Plan(tuple(t for plan in result.plans for t in plan.tasks))
        if not same_plan(made, [question.bound]):
            raise AssertionError(f"{row}: {question.text!r} ran another plan:\n{made}")
        usage = result.usage
        assert (usage.model_calls, usage.tokens) == (
            oracle.spent.calls,
            oracle.spent.prompt + oracle.spent.completion,
        )
        out.append(oracle.spent)
    return out


def _row(name: str, spent: Sequence[Spent]) -> dict[str, Any]:
    n = len(spent)
    prompt, seen = sum(s.prompt for s in spent), sum(s.seen for s in spent)
    completion = sum(s.completion for s in spent)
    return {
        "planner": name,
        "model calls": sum(s.calls for s in spent) / n,
        "prompt tokens": round(prompt / n),
        "seen before, %": 100 * seen / prompt,
        "prompt tokens not seen before": round((prompt - seen) / n),
        "tokens written": round(completion / n),
        "all tokens": round((prompt + completion) / n),
    }


def compare(encode: Encode, limit: int | None = None) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Means a question for each planner, and all tokens a question by calls in the plan."""
    tools = ToolRegistry([getattr(llmcompiler_tools, name) for name in SMALL])
    asked = asyncio.run(questions(tools, limit))
    rows: list[dict[str, Any]] = []
    by_calls: list[dict[str, Any]] = []
    for name in available():
        spent = asyncio.run(ask(name, asked, tools, encode))
        # The first question finds nothing in the cache; it is not what a service sees.
        rows.append(_row(name, spent[1:] or spent))
        sizes: dict[str, Any] = {"planner": name}
        for calls in sorted({len(q.plan.tasks) for q in asked}):
            of_size = [s for s, q in zip(spent, asked, strict=True) if len(q.plan.tasks) == calls]
            many = f"{calls} call" + "s" * (calls > 1) + f" ({len(of_size)})"
            sizes[many] = round(sum(s.prompt + s.completion for s in of_size) / len(of_size))
        by_calls.append(sizes)
    return rows, by_calls


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.economy", description=__doc__)
    parser.add_argument("--limit", type=int, help="only the first so many questions")
    options = parser.parse_args()
    with tokenizer() as (name, encode):
        rows, by_calls = compare(encode, options.limit)
    print(f"Counted: {name}. Means a question; the oracle makes no mistakes.\n")
    print(table(rows), end="\n\n")
    print(f"All tokens a question, by calls in its plan:\n\n{table(by_calls)}")
    if missing := [n for n in PLANNERS if n not in available()]:
        print(f"\nNot there: {', '.join(missing)}.", file=sys.stderr)


if __name__ == "__main__":
    main()
