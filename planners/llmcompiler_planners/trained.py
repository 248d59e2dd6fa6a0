"""The planner for the embedded model: it writes a plan line by line, each bound by a grammar made for that line.

What the model reads is in `briefing`, what a line may be in `lines`, how sure the model was in `confidence`. This file
asks, streams and decides when a task may go.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from llmcompiler.diagnostics import Diagnostic
from llmcompiler.errors import UsageError
from llmcompiler.language import PlanParser
from llmcompiler.models.base import Model, ModelRequest, Usage
from llmcompiler.plan import Join, Task

from ._streams import closable
from .briefing import plan_prompt, results_block
from .confidence import MIN_CONFIDENCE, LineScore, left_out
from .lines import line_grammar
from .offer import choose_tools
from .words import Question, read_question

if TYPE_CHECKING:
    from llmcompiler.protocols import PlanContext, PlanItem
    from llmcompiler.tools import Tool

ADAPTER = "planner"
"""Name of the adapter that the embedded model is asked to switch on."""
MAX_LINES = 16
MAX_TOOLS = 16
_LINE_TOKENS = 160


class LocalPlanner:
    """Plans with a small model under a grammar: tool names, arity, types, references and copied words are always right.

    What may still be wrong is which calls are made. A line goes out as soon as it is complete while the model is
    sure of it. From the first line it is not sure of, and for tools with `effect="write"`, the plan is held back
    until it is whole; then a `weak-plan` warning shows it, and only after that the held tasks go out.

    Where no tool fits the question the plan is a bare join, with a `no-tool` warning. A second round is planned with
    the results so far in view; what is to be mended is left alone, and a broken stream is taken up at the next line.

    One plan counts as one model call: its lines continue one text, of which the model keeps what it has read.

    Args:
        model: Needs the features `completion` and `grammar`; `logprobs` make it notice weak plans, and `adapter`
            switches on the adapter that was trained for this.
        max_lines: Most calls in a plan.
        min_confidence: Mean token probability of a line, from 0 to 1, below which it is held back.
        max_tools: Most tools offered at once. Of more, those that share most words with the question are taken, and a
            warning says so.

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
    ) -> None:
        if missing := sorted({"completion", "grammar"} - set(model.features)):
            raise UsageError(
                f"LocalPlanner needs a model with {' and '.join(missing)}, and `{model.name}` has "
                f"{', '.join(sorted(model.features)) or 'no features'}; use TextPlanner for it"
            )
        if max_lines < 1 or max_tools < 1 or not 0 <= min_confidence <= 1:
            raise UsageError("max_lines and max_tools must be 1 or more, min_confidence from 0 to 1")
        self.model = model
        self.max_lines = max_lines
        self.min_confidence = min_confidence
        self.max_tools = max_tools

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
        context.allow_call()
        try:
            async with aclosing(draft.items()) as items:
                async for item in items:
                    yield item
        finally:
            context.usage(draft.usage)


@dataclass(slots=True)
class _Draft:
    """One plan in the making."""

    planner: LocalPlanner
    context: PlanContext
    question: Question
    tools: Sequence[Tool]
    """What the prompt shows. It stays the same from question to question, so that the model need not read it again."""
    usage: Usage = field(default_factory=lambda: Usage(model_calls=1))
    before: str = ""
    """Calls of earlier rounds with their results, as the prompt has them."""
    lines: list[str] = field(default_factory=list)
    tasks: list[Task] = field(default_factory=list)
    held: list[Task] = field(default_factory=list)
    doubts: list[str] = field(default_factory=list)
    join: Join | None = None

    async def items(self) -> AsyncGenerator[PlanItem, None]:
        self._look_back()
        first = self.context.next_id
        most = min(self.planner.max_lines, len(self.question.words) + 2)
        known = len(self.tasks)
        for number in range(first, first + max(0, most - known)):
            line, score = await self._line(number, may_join=True)
            if line is not None and not self.tasks and self._is_join(line) and score < 0.5:
                # It would give up, and is not sure of that either.
                line, score = await self._line(number, may_join=False)
                self.doubts.append("it was not sure that any tool fits")
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
                break
            if any(_same(task, t) for t in self.tasks):
                self.doubts.append(f"it began to repeat itself at `{task.tool}`")
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
        else:
            self.doubts.append(f"it has reached the limit of {most} lines")
        if (warning := self._judged()) is not None:
            yield warning
        for task in self.held:
            yield task
        yield self._fitting_join()

    def _look_back(self) -> None:
        """Take up the calls that were planned already, and the results of those that ended."""
        ended = sorted(self.context.observations, key=lambda o: o.task.id)
        self.tasks = sorted([*(o.task for o in ended), *self.context.running], key=lambda t: t.id)
        lines = [f"{written(t, self.context.tools.get(t.tool))}\n" for t in self.tasks]
        results = results_block((o.task.id, o.outcome) for o in ended) if ended else ""
        self.before = "".join(lines) + results

    async def _line(self, number: int, *, may_join: bool) -> tuple[str | None, float]:
        """The text of the next line, None where there is none; and how sure the model was."""
        earlier = [(t, self.context.tools.get(t.tool)) for t in self.tasks]
        grammar = line_grammar(self.tools, self.question, earlier, may_join=may_join)
        if grammar is None:
            return None, 1.0
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
        async with aclosing(closable(self.planner.model.stream(request))) as stream:
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
        return (f"{lead} {text}\n" if text else None), score.value

    def _is_join(self, line: str) -> bool:
        return line.partition(". ")[2].startswith("join(")

    def _count(self, usage: Usage) -> None:
        # Each line's prompt holds the first one's; only the first is read in full.
        prompt = self.usage.prompt_tokens or usage.prompt_tokens
        self.usage = Usage(1, prompt, self.usage.completion_tokens + usage.completion_tokens)

    def _parsed(self, line: str) -> list[PlanItem]:
        parser = PlanParser(earlier=[t.id for t in self.tasks])
        return [*parser.feed(line), *parser.close()]

    def _judged(self) -> Diagnostic | None:
        """What is weak about the whole plan, with the plan itself; None where nothing is."""
        if not self.tasks:
            names = ", ".join(t.name for t in self.tools) or "none"
            text = f"the embedded model found no tool that fits this question (there are: {names})"
            return Diagnostic("no-tool", text, 0, 0, _HINT, severity="warning")
        if missed := left_out(self.question, self.tasks):
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
        used = {d for t in self.tasks for d in t.depends_on}
        loose = [t.id for t in self.tasks if t.id not in used and t.id != self.join.ref.task]
        # A call that changes something has no part in the answer; any other result that is left alone has.
        read = [i for i in loose if not self._changes(i)]
        return Join() if read else self.join

    def _changes(self, task_id: int) -> bool:
        tool = next((self.context.tools.get(t.tool) for t in self.tasks if t.id == task_id), None)
        return tool is not None and tool.effect == "write"


def written(task: Task, tool: Tool | None) -> str:
    """A task as the model writes it: required arguments by position, the others by name."""
    if tool is None:
        return str(task)
    positional = [n for n, p in tool.params.items() if p.required]
    args = {str(i): task.args[n] for i, n in enumerate(positional) if n in task.args}
    args |= {n: v for n, v in task.args.items() if n not in positional}
    return str(Task(task.id, task.tool, args, task.each, task.when))


def _twice_the_same(task: Task) -> bool:
    texts = [v for v in task.args.values() if isinstance(v, str)]
    return len(set(texts)) < len(texts)


def _same(one: Task, other: Task) -> bool:
    return (one.tool, dict(one.args), one.each) == (other.tool, dict(other.args), other.each)


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
