"""Results as a model reads them: one line each, typed, and cut to a limit in tokens.

Every value is written as JSON on one line, so that no text a tool returned can pass for another line, for a plan or
for the end of the list. Nothing here calls a model or knows what the lines are for.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from llmcompiler.errors import ItemsFailed
from llmcompiler.outcomes import Cancelled, Failed, Skipped, Succeeded
from llmcompiler.signatures import type_text

from .excerpts import Excerpt, byte_length, excerpt, fair_shares, neutral, one_line, quoted

if TYPE_CHECKING:
    from llmcompiler.plan import Task
    from llmcompiler.protocols import Observation
    from llmcompiler.tools import ToolRegistry

_CALL_BYTES = 240
_LINE_TOKENS = 24
_TYPE_CHARACTERS = 200


def estimate_tokens(text: str) -> int:
    """Tokens in `text`, taken as one for every 4 bytes of UTF-8: near the truth for English and for JSON."""
    return -(-byte_length(text) // 4)


@dataclass(frozen=True, slots=True)
class ObservationFormat:
    """How results are shown to a model, and how much of them.

    A result is cut from the inside: long lists lose items at their end, long texts lose their middle, and what is
    small stays whole. A note says how much is left out. The cost of showing a result depends on the limit, not on the
    size of the result.

    ```python
    from llmcompiler_planners import ObservationFormat

    text = ObservationFormat(max_tokens=100).value("word " * 10_000)
    assert "[cut: 12,4" in text and len(text) < 500
    ```
    """

    max_tokens: int = 400
    """Tokens of one result; the note of what is left out is not counted."""
    max_total_tokens: int = 4_000
    """Tokens of all results together."""
    count_tokens: Callable[[str], int] | None = None
    """A tokenizer's count, where one is at hand; None for `estimate_tokens`."""

    def __post_init__(self) -> None:
        for name in ("max_tokens", "max_total_tokens"):
            given = getattr(self, name)
            if isinstance(given, bool) or not isinstance(given, int) or given < 1:
                raise ValueError(
                    f"ObservationFormat({name}={given!r}): give a whole number of tokens, 1 or more"
                )

    def count(self, text: str) -> int:
        """Tokens in `text`."""
        return estimate_tokens(text) if self.count_tokens is None else self.count_tokens(text)

    def value(self, value: object, max_tokens: int | None = None) -> str:
        """`value` as one line of JSON, cut to `max_tokens`. Never raises, whatever `value` is."""
        limit = max(1, self.max_tokens if max_tokens is None else max_tokens)
        budget = limit * 4
        shown = excerpt(value, budget)
        for _ in range(6):
            tokens = self.count(shown.text + shown.tail)
            if tokens <= limit:
                break
            budget = max(1, int(budget * min(0.9, limit / tokens)))
            shown = excerpt(value, budget)
        return shown.text if not shown.cut else self._with_note(shown)

    def _with_note(self, shown: Excerpt) -> str:
        length = max(1, byte_length(shown.text + shown.tail))
        kept = self.count(shown.text + shown.tail)
        scale = kept / length if self.count_tokens is not None else 0.25
        total = max(kept + 1, round(shown.size * scale))
        if not shown.exact:
            return shown.joined(f"[cut: more than {total - kept:,} tokens left out]")
        note = f"[cut: {total - kept:,} of {total:,} tokens left out]"
        return shown.joined(note)

    def table(
        self,
        observations: Sequence[Observation],
        tools: ToolRegistry | None = None,
        *,
        head: Callable[[Observation, str], str] | None = None,
    ) -> str:
        """One line for each observation, in the order given: `$1 = search("K2") -> {height: int}: {"height":8611}`.

        Args:
            observations: Tasks with their outcomes; failed, skipped and cancelled ones are shown as such.
            tools: Where given, each value has its type, as the tool declares it.
            head: What stands before the outcome in a line, from the observation and its type (empty where not known).
        """
        most = max(2, self.max_total_tokens // _LINE_TOKENS)
        if len(observations) <= most:
            return "\n".join(self._lines(observations, tools, head))
        front, tail = observations[: most - most // 2], observations[-(most // 2) :]
        lines = self._lines([*front, *tail], tools, head)
        first, last = observations[len(front)].task.id, observations[-len(tail) - 1].task.id
        left_out, total = len(observations) - most, len(observations)
        lines.insert(len(front), f"[cut: {left_out:,} of {total:,} results left out, ${first} to ${last}]")
        return "\n".join(lines)

    def outcome(self, observation: Observation) -> str:
        """The outcome of one task, as on its line of the table: its value, or why there is none."""
        return self._outcome(observation, self.max_tokens)

    def _lines(
        self,
        observations: Sequence[Observation],
        tools: ToolRegistry | None,
        head: Callable[[Observation, str], str] | None,
    ) -> list[str]:
        heads = [(head or _head)(o, _kind(o, tools)) for o in observations]
        texts = [self._outcome(o, self.max_tokens) for o in observations]
        room = self.max_total_tokens - sum(self.count(h) for h in heads)
        sizes = [self.count(t) for t in texts]
        if sum(sizes) > room:
            shares = fair_shares(sizes, max(0, room))
            for i, (size, share) in enumerate(zip(sizes, shares, strict=True)):
                if size > share:
                    # The note needs room of its own, or many notes would break the limit.
                    texts[i] = self._outcome(observations[i], max(4, share - 12))
        return [h + t for h, t in zip(heads, texts, strict=True)]

    def _outcome(self, observation: Observation, limit: int) -> str:
        outcome = observation.outcome
        if isinstance(outcome, Succeeded):
            return self.value(outcome.value, limit)
        if isinstance(outcome, Failed) and isinstance(outcome.error, ItemsFailed):
            # What its other items gave is not lost.
            told = outcome.error
            why = self.value(_error_text(told), max(1, limit // 2) if told.values else limit)
            rest = max(1, limit - self.count(why))
            values = f"; results by position: {self.value(told.values, rest)}" if told.values else ""
            return f"FAILED: {why}{values}"
        if isinstance(outcome, Failed):
            return f"FAILED {type(outcome.error).__name__}: {self.value(_error_text(outcome.error), limit)}"
        if isinstance(outcome, Skipped):
            why = f": {self.value(outcome.reason, limit)}" if outcome.reason else ""
            own = outcome.cause == observation.task.id  # its condition was false, or nothing uses its value
            return f"SKIPPED{why}" if own else f"SKIPPED because of task {outcome.cause}{why}"
        assert isinstance(outcome, Cancelled)
        return "CANCELLED" + (f": {self.value(outcome.reason, limit)}" if outcome.reason else "")


def call_text(task: Task, max_bytes: int | None = _CALL_BYTES) -> str:
    """The call of `task` on one line, without its id and thought, cut when long."""
    text = one_line(str(dataclasses.replace(task, thought=None)))
    _, dot, rest = text.partition(". ")
    text = neutral(rest if dot else text)
    if max_bytes is not None and byte_length(text) > max_bytes:
        kept = text.encode(errors="replace")[: max_bytes - 4].decode(errors="ignore")
        text = f"{kept} ..."
    return text


def _head(observation: Observation, kind: str) -> str:
    return f"${observation.task.id} = {call_text(observation.task)}{f' -> {kind}' if kind else ''}: "


def _kind(observation: Observation, tools: ToolRegistry | None) -> str:
    if tools is None or not isinstance(observation.outcome, Succeeded):
        return ""
    return _type_of(observation.task, observation.outcome.value, tools)


def _type_of(task: Task, value: object, tools: ToolRegistry) -> str:
    tool = tools.get(task.tool)
    if tool is not None and tool.returns is not None:
        declared = type_text(tool.returns, tool.returns.get("$defs", {}))
        if task.each is not None:
            declared = f"list[{declared}]"
        if declared not in ("any", "dict", "list"):
            return neutral(one_line(declared))[:_TYPE_CHARACTERS]
    return "None" if value is None else type(value).__name__


def _error_text(error: BaseException) -> str:
    try:
        return str(error)
    except Exception:
        return "its text can not be shown"


__all__ = ["ObservationFormat", "call_text", "estimate_tokens", "quoted"]
