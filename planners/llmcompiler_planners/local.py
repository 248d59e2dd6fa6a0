"""The planner for the embedded model: it writes a plan line by line, each bound by a grammar made for that line.

What a line may be is in `grammar`; how sure the model was is in `confidence`. This file asks, streams and decides when
a task may go.
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
from llmcompiler.values import Ref

from ._streams import closable
from .confidence import MIN_CONFIDENCE, LineScore, left_out, not_called
from .grammar import line_grammar
from .offer import choose_tools, plan_prompt, without_rivals
from .shapes import NUMERIC, TEXT, kinds_of
from .words import Question, read_question

if TYPE_CHECKING:
    from llmcompiler.protocols import PlanContext, PlanItem
    from llmcompiler.tools import Tool

ADAPTER = "planner"
"""Name of the adapter that the embedded model is asked to switch on."""
MAX_LINES = 12
MAX_TOOLS = 20
_LINE_TOKENS = 160


class LocalPlanner:
    """Plans with a small model under a grammar: tool names, arity, types, references and copied words are always right.

    What may still be wrong is which calls are made. A line goes out as soon as it is complete while the model is
    sure of it. From the first line it is not sure of, and for tools with `effect="write"`, the plan is held back
    until it is whole; then a `weak-plan` warning shows it, and only after that the held tasks go out.

    A model this small can not mend or rethink a plan. A repair yields nothing, a broken stream is taken up at the next
    line, and a second round yields a `weak-plan` warning and a bare join, so that the results so far are the answer.

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
        if context.purpose == "replan":
            yield _weak(
                "the embedded model can not plan a second round; the answer is made of the results so far"
            )
            yield Join()
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
    lines: list[str] = field(default_factory=list)
    tasks: list[Task] = field(default_factory=list)
    held: list[Task] = field(default_factory=list)
    doubts: list[str] = field(default_factory=list)

    async def items(self) -> AsyncGenerator[PlanItem, None]:
        before = [*(o.task for o in self.context.observations), *self.context.running]
        self.tasks = sorted(before, key=lambda t: t.id)
        self.lines = [f"{t}\n" for t in self.tasks]
        first = self.context.next_id
        most = min(self.planner.max_lines, len(self.question.words) + 2)
        for number in range(first, first + max(0, most - len(before))):
            line, score = await self._line(number)
            if line is None:
                break
            task = None
            for item in self._parsed(line):
                if isinstance(item, Task):
                    task = item
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
        yield self._join()

    async def _line(self, number: int) -> tuple[str | None, float]:
        """The text of the next line, None for the join or where there is none; and how sure the model was."""
        earlier = [(t, self.context.tools.get(t.tool)) for t in self.tasks]
        grammar = None
        for strict in (True, False):
            grammar = grammar or line_grammar(
                without_rivals(self.tools, self.question),
                self.question,
                earlier,
                may_join=bool(self.tasks),
                strict=strict,
            )
        if grammar is None:
            return None, 1.0
        lead = f"{number}."
        request = ModelRequest(
            prompt=plan_prompt(self.tools, self.question) + "".join(self.lines) + lead,
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
        return (None if text.startswith("join(") else f"{lead} {text}\n"), score.value

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
            self.doubts.append("it has no call")
        if missed := left_out(self.question, self.tasks):
            self.doubts.append("no call uses " + ", ".join(f"{m!r}" for m in missed[:6]))
        if any(_twice_the_same(t) for t in self.tasks):
            self.doubts.append("a call has the same text twice")
        if unused := not_called(self.question, self.tools, self.tasks):
            self.doubts.append("the question speaks of " + ", ".join(f"`{u}`" for u in unused[:6]))
        if not self.doubts:
            return None
        plan = "".join(f"\n    {t}" for t in self.tasks)
        return _weak(
            "the embedded model was unsure of this plan: " + "; ".join(dict.fromkeys(self.doubts)), plan
        )

    def _join(self) -> Join:
        """`join($n)` where task n makes one plain value of other results; else the joiner reads all of them."""
        used = {d for t in self.tasks for d in t.depends_on}
        sinks = [t for t in self.tasks if t.id not in used]
        if len(sinks) != 1 or not sinks[0].depends_on:
            return Join()
        tool = self.context.tools.get(sinks[0].tool)
        if tool is None or tool.returns is None:
            return Join()
        kinds = kinds_of(tool.returns, tool.returns.get("$defs", {}))
        return Join(Ref(sinks[0].id)) if kinds and kinds <= NUMERIC | TEXT else Join()


def _twice_the_same(task: Task) -> bool:
    texts = [v for v in task.args.values() if isinstance(v, str)]
    return len(set(texts)) < len(texts)


def _same(one: Task, other: Task) -> bool:
    return one.tool == other.tool and dict(one.args) == dict(other.args)


def _cut(context: PlanContext, question: Question, tools: Sequence[Tool]) -> list[Diagnostic]:
    warnings = []
    if question.cut:
        warnings.append(_weak(f"only the first {len(question.words)} words of the question were read"))
    if len(tools) < len(context.tools):
        names = ", ".join(t.name for t in tools)
        warnings.append(
            _weak(
                f"only {len(tools)} of {len(context.tools)} tools were offered to the embedded model: {names}",
                hint="give it fewer tools, or use a larger model",
            )
        )
    return warnings


def _weak(message: str, plan: str = "", hint: str = "") -> Diagnostic:
    shown = f"{message}{plan}"
    hint = hint or "a larger model plans better: name one with LLMCOMPILER_MODEL, `--model` or `model=`"
    return Diagnostic("weak-plan", shown, 0, 0, hint, severity="warning")


__all__ = ["LocalPlanner"]
