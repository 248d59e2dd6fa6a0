"""The planner for the embedded model: it writes a plan line by line, each bound by a grammar made for that line.

What the model reads is in `briefing`, what a line may be in `lines`, how sure the model was in `confidence`. This file
asks, streams and decides when a task may go.
"""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from itertools import count
from typing import TYPE_CHECKING

from llmcompiler.diagnostics import Diagnostic
from llmcompiler.errors import UsageError
from llmcompiler.language import PlanParser
from llmcompiler.models.asking import asked
from llmcompiler.models.base import Model, ModelRequest, Usage
from llmcompiler.plan import Join, Task
from llmcompiler.values import Value

from .briefing import plan_prompt, results_block
from .confidence import MIN_CONFIDENCE, LineScore, left_out
from .lines import in_order, line_grammar
from .offer import choose_tools
from .words import Question, Word, read_question

if TYPE_CHECKING:
    from llmcompiler.protocols import PlanContext, PlanItem
    from llmcompiler.tools import Tool

ADAPTER = "planner"
"""Name of the adapter that the embedded model is asked to switch on."""
MAX_LINES = 16
MAX_TOOLS = 16
MIN_REFUSAL = 0.5
"""Confidence in a first line `join()` below which the model is asked once more, for a call this time.

It is higher than `MIN_CONFIDENCE`: a weak call is made and shown all the same, and a refusal gives the question up.
"""
_LINE_TOKENS = 160
_CHOICE = frozenset({"or", "vs", "versus"})
"""Words after which a question names the other thing it asks about: what comes before is named as well."""


class LocalPlanner:
    """Plans with a small model under a grammar: tool names, arity, types, references and copied words are always right.

    What may still be wrong is which calls are made. A line goes out as soon as it is complete while the model is
    sure of it. From the first line it is not sure of, and for tools with `effect="write"`, the plan is held back
    until it is whole; then a `weak-plan` warning shows it, and only after that the held tasks go out.

    Where no tool fits the question the plan is a bare join, with a `no-tool` warning; a model that gives up without
    being sure of it is asked once more for a call. A second round is planned with the results so far in view; what is
    to be mended is left alone, and a broken stream is taken up at the next line, with the same text as before.

    One plan counts as one model call: its lines continue one text, of which the model keeps what it has read. Where
    the tools and the words of the question make no call at all, no model is called.

    Args:
        model: Needs the features `completion` and `grammar`; `logprobs` make it notice weak plans, and `adapter`
            switches on the adapter that was trained for this.
        max_lines: Most calls in the plan of one round.
        min_confidence: Mean token probability of a line, from 0 to 1, below which it is held back.
        max_tools: Most tools offered at once. Of more, those that share most words with the question are taken, and a
            warning says so.
        min_refusal: Mean token probability of a first line that says no tool fits, from 0 to 1, below which the model
            is asked again. 0 takes every refusal as it is.

    Raises:
        UsageError: The model lacks a feature, or a setting is out of range.
    """

    def __init__(
        self,
        model: Model,
        *,
        max_lines: int = MAX_LINES,
        min_confidence: float = MIN_CONFIDENCE,
        max_tools: int = MAX_TOOLS,
        min_refusal: float = MIN_REFUSAL,
    ) -> None:
        if missing := sorted({"completion", "grammar"} - set(model.features)):
            raise UsageError(
                f"LocalPlanner needs a model with {' and '.join(missing)}, and `{model.name}` has "
                f"{', '.join(sorted(model.features)) or 'no features'}; use TextPlanner for it"
            )
        if max_lines < 1 or max_tools < 1 or not (0 <= min_confidence <= 1 and 0 <= min_refusal <= 1):
            raise UsageError(
                "max_lines and max_tools must be 1 or more, min_confidence and min_refusal from 0 to 1"
            )
        self.model = model
        self.max_lines = max_lines
        self.min_confidence = min_confidence
        self.max_tools = max_tools
        self.min_refusal = min_refusal

    async def plan(self, context: PlanContext) -> AsyncGenerator[PlanItem, None]:
        """The items of the plan, a task as soon as its line is complete and sure.

        Raises:
            ModelError: The model gave no usable reply; what was yielded until then stands.
            LimitExceeded: No more model calls are allowed.
        """
        if context.purpose == "repair":
            return
        question = read_question(context.question)
        tools = choose_tools(context.shown.values(), question, self.max_tools)
        for warning in _cut(context, question, tools):
            yield warning
        draft = _Draft(self, context, question, tools)
        try:
            async with aclosing(draft.items()) as items:
                async for item in items:
                    yield item
        finally:
            if draft.usage.model_calls:
                context.usage(draft.usage)


@dataclass(slots=True)
class _Draft:
    """One plan in the making."""

    planner: LocalPlanner
    context: PlanContext
    question: Question
    tools: Sequence[Tool]
    """What the prompt shows. It stays the same from question to question, so that the model need not read it again."""
    usage: Usage = field(default_factory=Usage)
    before: str = ""
    """Calls of earlier rounds with their results, as the prompt has them."""
    lines: list[str] = field(default_factory=list)
    """Lines of this round."""
    tasks: list[Task] = field(default_factory=list)
    """Calls of every round."""
    held: list[Task] = field(default_factory=list)
    doubts: list[str] = field(default_factory=list)
    join: Join | None = None

    async def items(self) -> AsyncGenerator[PlanItem, None]:
        self._look_back()
        most = min(self.planner.max_lines, len(self.question.words) + 2)
        for number in count(self.context.next_id):
            line, score = await self._line(number, may_join=True)
            if line is not None and not self.tasks and _is_join(line) and score < self.planner.min_refusal:
                # It would give up, and is not sure of that either.
                self.doubts.append("it was not sure that any tool fits")
                line, score = await self._line(number, may_join=False)
            if line is None:
                break
            task = None
            for item in self._parsed(line):
                if isinstance(item, Task):
                    task = item
                elif isinstance(item, Join):
                    self.join = item
                elif isinstance(item, Diagnostic):
                    yield item
            if task is None:
                if self.join is None:
                    self.doubts.append(f"line {number} can not be read")
                break
            if any(self._same(task, t) for t in self.tasks):
                self.doubts.append(f"it began to repeat itself at `{task.tool}`")
                break
            if len(self.lines) >= most:
                self.doubts.append(f"it has reached the limit of {most} lines")
                break
            self.lines.append(line)
            self.tasks.append(task)
            if score < self.planner.min_confidence:
                self.doubts.append(f"line {number} is a guess (confidence {score:.2f})")
            tool = self.context.tools.get(task.tool)
            if self.doubts or self.held or (tool is not None and tool.effect == "write"):
                self.held.append(task)
            else:
                yield task
        if (warning := self._judged()) is not None:
            yield warning
        for task in self.held:
            yield task
        yield self._fitting_join()

    def _look_back(self) -> None:
        """Take up the calls that were planned already, and the results of earlier rounds.

        Results of the round that is under way stay out: its plan goes on as the text it was when the stream broke.
        """
        going_on = self.context.purpose == "resume"
        ended = sorted(self.context.observations, key=lambda o: o.task.id)
        past = [o for o in ended if not going_on or o.round < self.context.round]
        self.tasks = sorted([*(o.task for o in ended), *self.context.running], key=lambda t: t.id)
        old = {o.task.id for o in past} if going_on else {t.id for t in self.tasks}
        lines = {t.id: f"{written(t, self.context.tools.get(t.tool))}\n" for t in self.tasks}
        results = results_block((o.task.id, o.outcome) for o in past) if past else ""
        self.before = "".join(line for i, line in lines.items() if i in old) + results
        self.lines = [line for i, line in lines.items() if i not in old]

    async def _line(self, number: int, *, may_join: bool) -> tuple[str | None, float]:
        """The text of the next line, None where there is none; and how sure the model was."""
        grammar = self._grammar(may_join)
        if grammar is None:
            return None, 1.0
        if not self.usage.model_calls:
            self.context.allow_call()
            self.usage = Usage(model_calls=1)
        lead = f"{number}."
        request = ModelRequest(
            prompt=plan_prompt(self.tools, self.question.text, [self.before, *self.lines, lead]),
            purpose=self.context.purpose,
            stop=("\n",),
            max_tokens=_LINE_TOKENS,
            grammar=grammar,
            adapter=ADAPTER,
        )
        parts: list[str] = []
        score, finish = LineScore(), None
        async with aclosing(asked(self.planner.model, request)) as stream:
            async for chunk in stream:
                parts.append(chunk.text)
                score.note(chunk.logprob)
                finish = chunk.finish_reason or finish
                if chunk.usage is not None:
                    self._count(chunk.usage)
        text = "".join(parts).strip()
        if finish == "length":
            self.doubts.append(f"line {number} was cut off")
            return None, 0.0
        if not text:
            self.doubts.append(f"line {number} is empty")
            return None, 0.0
        return f"{lead} {in_order(text, self.question)}\n", score.value

    def _grammar(self, may_join: bool) -> str | None:
        """What the next line may be; None where there is nothing to choose."""
        earlier = [(t, self.context.tools.get(t.tool)) for t in self.tasks]
        if not earlier and line_grammar(self.tools, self.question, may_join=False) is None:
            return None
        return line_grammar(self.tools, self.question, earlier, may_join=may_join)

    def _count(self, usage: Usage) -> None:
        # Each line's prompt holds the first one's; only the first is read in full.
        prompt = self.usage.prompt_tokens or usage.prompt_tokens
        self.usage = Usage(1, prompt, self.usage.completion_tokens + usage.completion_tokens)

    def _parsed(self, line: str) -> list[PlanItem]:
        parser = PlanParser(earlier=[t.id for t in self.tasks])
        return [*parser.feed(line), *parser.close()]

    def _judged(self) -> Diagnostic | None:
        """What is weak about the whole plan, with the plan itself; None where nothing is."""
        if not self.tasks and self.doubts:
            return _weak("the embedded model wrote no call: " + "; ".join(self.doubts))
        if not self.tasks:
            names = ", ".join(t.name for t in self.tools) or "none"
            text = f"the embedded model found no tool that fits this question (there are: {names})"
            return Diagnostic("no-tool", text, 0, 0, _HINT, severity="warning")
        if missed := left_out(_without_openings(self.question), self.tasks):
            self.doubts.append("no call uses " + ", ".join(f"{m!r}" for m in missed[:6]))
        if any(_twice_the_same(t) for t in self.tasks):
            self.doubts.append("a call has the same text twice")
        if not self.doubts:
            return None
        plan = "".join(f"\n    {t}" for t in self.tasks)
        return _weak(
            "the embedded model was unsure of this plan: " + "; ".join(dict.fromkeys(self.doubts)), plan
        )

    def _fitting_join(self) -> Join:
        """The join as written, where there is nothing beside it to be read."""
        if self.join is None or self.join.ref is None:
            return Join()
        by_id = {t.id: t for t in self.tasks}
        answer = by_id.get(self.join.ref.task)
        if answer is None:
            return Join()
        used = {d for t in self.tasks for d in t.depends_on}
        # A call that changes something has no part in the answer; any other result that is left alone has.
        loose = [t for t in self.tasks if t.id not in used and t is not answer and not self._changes(t.id)]
        if len(answer.depends_on) > 1:
            # What was worked out of several results may leave some of their kind aside, as the question asked.
            within = {by_id[i].tool for i in _behind(answer, by_id)}
            loose = [t for t in loose if t.tool not in within]
        return Join() if loose else self.join

    def _changes(self, task_id: int) -> bool:
        tool = next((self.context.tools.get(t.tool) for t in self.tasks if t.id == task_id), None)
        return tool is not None and tool.effect == "write"

    def _same(self, one: Task, other: Task) -> bool:
        tool = self.context.tools.get(one.tool)
        return _call(one, tool) == _call(other, tool)


_WHOLE = re.compile(r"(?<!\$)\$\{(\d+)\}(?![\w.\[])")
"""A result as a whole inside a text, which the model writes without braces."""


def written(task: Task, tool: Tool | None) -> str:
    """A task as the model writes it: required arguments by position, the others by name."""
    return _WHOLE.sub(r"$\1", str(replace(task, args=_arguments(task, tool), thought=None)))


def _arguments(task: Task, tool: Tool | None) -> dict[str, Value]:
    if tool is None:
        return dict(task.args)
    positional = [n for n, p in tool.params.items() if p.required]
    args = {str(i): task.args[n] for i, n in enumerate(positional) if n in task.args}
    return args | {n: v for n, v in task.args.items() if n not in positional}


def _call(task: Task, tool: Tool | None) -> tuple[object, ...]:
    return task.tool, _arguments(task, tool), task.each, task.when


def _is_join(line: str) -> bool:
    return line.partition(". ")[2].startswith("join(")


def _behind(task: Task, by_id: Mapping[int, Task]) -> set[int]:
    """The task, and all that it is made of."""
    found: set[int] = set()
    waiting = [task.id]
    while waiting:
        number = waiting.pop()
        if number in by_id and number not in found:
            found.add(number)
            waiting += by_id[number].depends_on
    return found


def _without_openings(question: Question) -> Question:
    """The question as one in which no capital letter is taken for a name that a sentence or `I` has by itself."""

    def plain(word: Word, after: str) -> bool:
        opening = word.first and after not in _CHOICE
        return opening or len(word.base) == 1 or re.match(r"I['’]", word.base) is not None

    nexts = [*(w.lower for w in question.words[1:]), ""]
    words = zip(question.words, nexts, strict=True) if question.words else ()
    return replace(question, words=tuple(replace(w, order=True) if plain(w, n) else w for w, n in words))


def _twice_the_same(task: Task) -> bool:
    texts = [v for v in task.args.values() if isinstance(v, str)]
    return len(set(texts)) < len(texts)


def _cut(context: PlanContext, question: Question, tools: Sequence[Tool]) -> list[Diagnostic]:
    warnings = []
    if question.cut:
        warnings.append(_weak(f"only the first {len(question.words)} words of the question were read"))
    if len(tools) < len(context.shown):
        names = ", ".join(t.name for t in tools)
        warnings.append(
            _weak(
                f"only {len(tools)} of {len(context.shown)} tools were offered to the embedded model: {names}",
                hint="give it fewer tools, or use a larger model",
            )
        )
    return warnings


_HINT = "a larger model plans better: name one with LLMCOMPILER_MODEL, `--model` or `model=`"


def _weak(message: str, plan: str = "", hint: str = "") -> Diagnostic:
    return Diagnostic("weak-plan", f"{message}{plan}", 0, 0, hint or _HINT, severity="warning")


__all__ = ["LocalPlanner"]
