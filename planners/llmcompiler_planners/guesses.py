"""Arguments a model made up instead of referring to a result, as far as the planner can tell.

Bracketed placeholders (`"<result of 1>"`) are refused for every planner when a plan is checked. Here are those in
plain words, and numbers for a computation that stand nowhere in the prompt while the results of earlier calls go
unused. Such a number may be a constant the model knows, so it is asked about once and believed the second time.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from llmcompiler.diagnostics import Diagnostic

if TYPE_CHECKING:
    from llmcompiler.plan import Task
    from llmcompiler.tools import Tool
    from llmcompiler.values import Value

_THING = r"(?:result|output|answer|response|return\ value|value|observation)s?"
_STEP = r"(?:step|task|call|tool\ call|action|observation|id|line)"
_IN_WORDS = re.compile(
    rf"""
    (?:the\s+)? {_THING} \s+ (?:of|from|in) \s+ (?:the\s+)?
        (?: (?:{_STEP}\s*)? [#$]?\d+ | (?:previous|above|earlier|last) (?:\s+{_STEP})? )
    | {_STEP} \s* [#$]?\d+ (?:'s)? \s+ {_THING}
    | (?:the\s+)? (?:previous|above|earlier) \s+ {_THING}
    | \#E\d+
    """,
    re.IGNORECASE | re.VERBOSE,
)
_INDEXED = re.compile(r"(?:<|\{\{?)\s*[#$]?(\d{1,6})(?:[.\[][^<>{}]*)?\s*(?:>|\}\}?)")
_EMBEDDED = re.compile(
    r"""\{\{ \s* [#$]? (\d{1,6}) (?:[.\[][^{}]{0,80})? \s* \}\}
      | [<\[{] [^<>\[\]{}]{0,80} \b(?:step|task|call|action|observation) \s* [#$]? (\d{1,6}) \b
        [^<>\[\]{}]{0,80} [>\]}]""",
    re.IGNORECASE | re.VERBOSE,
)
_NUMBER = re.compile(r"\d[\d,_]*(?:\.\d+)?")
_FUNCTIONS = re.compile(r"\b(?:min|max|round|abs|sqrt|log|log10|exp|pow|sum|pi|e)\b")
_EXPRESSION = re.compile(r"[\s\d.,_+\-*/^%()<>=!]+")
_YEAR = re.compile(r"(?:1[89]|20)\d\d")
_LONGEST = 400


class GuessCheck:
    """Looks at the tasks of one plan in order.

    Args:
        prompt: The text the model was given; made when first needed.
        earlier: Ids whose results may be referred to already.
        numbers: Whether made-up numbers are looked for too.
    """

    def __init__(self, prompt: Callable[[], str], earlier: frozenset[int], *, numbers: bool = True) -> None:
        self._prompt = prompt
        self._known: frozenset[str] | None = None
        self._earlier = set(earlier)
        self._unused: set[int] = set()
        self._numbers = numbers

    def look(self, task: Task, tool: Tool | None) -> Diagnostic | None:
        """What is wrong with `task`, if an argument of it is a guess."""
        self._earlier.discard(task.id)
        found = self._find(task, tool) if self._earlier else None
        self._unused.difference_update(task.depends_on)
        self._unused.add(task.id)
        self._earlier.add(task.id)
        return found

    def _find(self, task: Task, tool: Tool | None) -> Diagnostic | None:
        numbers = self._numbers and tool is not None and tool.effect == "pure" and not task.depends_on
        for key, value in task.args.items():
            for leaf in _leaves(value):
                if isinstance(leaf, str) and self._is_placeholder(leaf):
                    return _diagnostic(
                        task,
                        key,
                        f"{_shown(leaf)} stands for the result of another call, and would be passed on as that text",
                        "refer to the result: $1 for all of it, $1.field for a part, ${1.field} inside text",
                    )
                if numbers and self._unused and (number := self._made_up(leaf)):
                    return _diagnostic(
                        task,
                        key,
                        f"the number {number} is not in the question, and no result of the calls above is used",
                        "refer to the result it comes from, as $1.field or ${1.field} inside text; "
                        "if it is a constant that no call returns, write the same line again",
                    )
        return None

    def _is_placeholder(self, text: str) -> bool:
        text = text.strip()
        if not 2 < len(text) <= _LONGEST:
            return False
        found = _INDEXED.fullmatch(text) or _EMBEDDED.search(text)
        names_task = found is not None and int(next(g for g in found.groups() if g)) in self._earlier
        return (names_task or _IN_WORDS.fullmatch(text) is not None) and text not in self._prompt()

    def _made_up(self, leaf: Any) -> str | None:
        if isinstance(leaf, bool) or not isinstance(leaf, (int, float, str)):
            return None
        if isinstance(leaf, int) and leaf.bit_length() > 200:
            return None
        text = leaf if isinstance(leaf, str) else repr(leaf)
        if len(text) > _LONGEST or (
            isinstance(leaf, str) and not _EXPRESSION.fullmatch(_FUNCTIONS.sub(" ", text))
        ):
            return None
        for match in _NUMBER.finditer(text):
            if _telling(match[0]):
                if self._known is None:
                    self._known = frozenset(_plain(m[0]) for m in _NUMBER.finditer(self._prompt()))
                if _plain(match[0]) not in self._known:
                    return match[0]
        return None


def _leaves(value: Value) -> Iterator[Any]:
    stack = [value]
    while stack:
        item = stack.pop()
        if isinstance(item, (list, tuple)):
            stack.extend(reversed(item))
        elif isinstance(item, Mapping):
            stack.extend(item.values())
        else:
            yield item


def _plain(number: str) -> str:
    number = number.replace(",", "").replace("_", "")
    return number.rstrip("0").rstrip(".") if "." in number else number


def _telling(number: str) -> bool:
    """Whether a number has three significant digits and is no year: others turn up by chance."""
    plain = _plain(number)
    return len(plain.replace(".", "").strip("0")) >= 3 and not _YEAR.fullmatch(plain)


def _shown(text: str) -> str:
    text = text.strip()
    return repr(text if len(text) <= 60 else text[:57] + "...")


def _diagnostic(task: Task, key: str, message: str, hint: str) -> Diagnostic:
    place = task.span.args.get(key) if task.span is not None else None
    return Diagnostic(
        "guessed-argument",
        message,
        place.line if place else 0,
        place.column if place else 0,
        hint,
        task_id=task.id,
        source=place.source if place else "",
    )


__all__ = ["GuessCheck"]
