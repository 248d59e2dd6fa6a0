"""One step of a ReAct model as read: a thought with a call to make, or the answer.

Reading never raises and calls nothing. Calls are read in the plan language; the other spellings that models use are
taken too: `Action: tool` with `Action Input:`, JSON objects, `tool[text]`, `Finish[answer]`, a call without a label.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from llmcompiler.diagnostics import Diagnostic
from llmcompiler.language import PlanParser, parse_reference
from llmcompiler.plan import Join, Task

from .excerpts import one_line

_LABEL = re.compile(
    r"^[ \t>#*_-]{0,8}(?P<label>thoughts?|action[ \t]{0,4}input|action|observation|final[ \t]{1,4}answer|answer)"
    r"(?:[ \t]{0,4}\d{1,6})?[*_]{0,3}[ \t]{0,4}[:：][*_]{0,3}",
    re.IGNORECASE | re.MULTILINE,
)
_NAME = r"[^\W\d][\w.\-]{0,200}"
_NUMBER = r"(?:\d{1,6}[.):][ \t]*)?"
_CALL = re.compile(rf"{_NUMBER}(?P<name>{_NAME})[ \t]*\(")
_CLAUSE = re.compile(rf"{_NUMBER}(?:for|if)[\s(]")
_BRACKETS = re.compile(rf"{_NUMBER}(?P<name>{_NAME})[ \t]*\[")
_WHOLE_NAME = re.compile(_NAME)
_KEY = re.compile(r"[^\W\d]\w*")
_BARE = re.compile(rf"{_NUMBER}(?P<name>{_NAME})[.;,]?\s*\Z")
_LINE_CALL = re.compile(rf"^[ \t>*`-]*(?:{_NUMBER})(?P<name>{_NAME})[ \t]*[(\[]", re.MULTILINE)
_KEYWORD = re.compile(r"[^\W\d]\w*[ \t]*=(?!=)")
_FENCE = re.compile(r"\s*(?:```[\w-]*[ \t]*\n|~~~[\w-]*[ \t]*\n|`{1,3})?[*\s]*")
_FINISH = frozenset({"finish", "final_answer", "answer", "final answer"})
_NAMES = ("name", "tool", "action", "function", "tool_name")
_INPUTS = ("arguments", "args", "action_input", "parameters", "input", "tool_input")


class _Twice(ValueError):
    """A key stands twice in one object: which value is meant nobody knows."""


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) < len(pairs):
        raise _Twice
    return made


_DECODER = json.JSONDecoder(strict=False, object_pairs_hook=_once)
_THOUGHT = 2_000
"""Characters of a thought that are kept."""
_FORM = "write one call as `Action: tool(arguments)`, with texts in double quotes, or the answer as `Final Answer: ...`"


@dataclass(frozen=True, slots=True)
class Step:
    """What one reply says. At most one of `task`, `answer` and `join` is there; none where nothing could be read."""

    thought: str = ""
    task: Task | None = None
    answer: str | None = None
    join: Join | None = None
    """Where the answer is the value of one call."""
    problem: str = ""
    """Why there is no call, for the model."""
    diagnostics: tuple[Diagnostic, ...] = ()
    """What is wrong with the call."""
    plain: str = ""
    """The text of a reply that holds neither an action nor an answer."""


def cut_at_observation(text: str) -> str:
    """`text` up to where the model goes on to make up what a call gives."""
    for match in _LABEL.finditer(text):
        if match["label"][:1] in "oO":
            return text[: match.start()]
    return text


def starts_observation(text: str) -> bool:
    """Whether `text` holds the label of an observation."""
    return "bservation" in text and cut_at_observation(text) != text


def read_step(
    text: str, number: int, known: Collection[int], tools: Collection[str], *, whole: bool = True
) -> Step:
    """The step that `text` takes.

    Args:
        text: The reply.
        number: The id its call gets.
        known: Ids that references may name.
        tools: Names of tools: a call of one of them counts without a label.
        whole: Whether the reply is complete; otherwise a call that is not closed is none.
    """
    kept = cut_at_observation(text)
    reader = _Reader(number, frozenset(known), whole, broken=len(kept) < len(text))
    text = kept.strip()
    labels = [(m["label"].lower(), m.start(), m.end()) for m in _LABEL.finditer(text)]
    for i, (label, start, end) in enumerate(labels):
        if label in ("thought", "thoughts") or label.endswith("input"):
            continue
        thought = _thought(text[:start])
        if label != "action":
            return reader.answer(thought, text[end:])
        stop = labels[i + 1][1] if i + 1 < len(labels) else len(text)
        given = None
        if i + 1 < len(labels) and labels[i + 1][0].endswith("input"):
            given = text[labels[i + 1][2] : labels[i + 2][1] if i + 2 < len(labels) else len(text)]
        return reader.action(thought, text[end:], text[end:stop], given)
    for match in _LINE_CALL.finditer(text):
        name = match["name"]
        if name in tools or name.lower() in _FINISH or name == "join":
            return reader.action(_thought(text[: match.start()]), text[match.start("name") :], None, None)
    if labels:
        return Step(
            _thought(text), problem=f"there is no action in your reply; {_FORM}", plain=_thought(text)
        )
    return Step(plain=text, problem=f"your reply is not in the form asked for; {_FORM}" if text else "")


def _thought(text: str) -> str:
    said = one_line(_LABEL.sub(" ", text))
    return said if len(said) <= _THOUGHT else said[: _THOUGHT - 4] + " ..."


@dataclass(frozen=True, slots=True)
class _Reader:
    number: int
    known: frozenset[int]
    whole: bool
    broken: bool = False
    """Whether the text was cut at an observation: a call that is not closed may be one with such a text in it."""

    def answer(self, thought: str, text: str) -> Step:
        text = text.strip()
        join = self._join(text)
        if join is not None:
            return Step(thought, join=join)
        if not text:
            return Step(thought, problem="the final answer is empty; write it behind `Final Answer:`")
        return Step(thought, answer=text)

    def _join(self, text: str) -> Join | None:
        """The join where the answer is nothing but a reference."""
        ref = self._reference(text.rstrip(" .`").lstrip("` "))
        return None if ref is None else Join(parse_reference(ref))

    def _reference(self, text: str) -> str | None:
        """What `text` refers to, where it is nothing but a reference to a call that was made."""
        if not text.startswith("$"):
            return None
        inner = text[2:-1] if text.startswith("${") and text.endswith("}") else text[1:]
        try:
            return inner if parse_reference(inner).task in self.known else None
        except ValueError:
            return None

    def action(self, thought: str, rest: str, head: str | None, given: str | None) -> Step:
        """The call that starts `rest`.

        Args:
            thought: What was said before it.
            rest: All text from the call on: a text in it may look like a label.
            head: The text up to the next label; None where there is no label before the call either.
            given: What stands behind `Action Input:`.
        """
        rest = _unfenced(rest)
        head = rest if head is None else _unfenced(head)
        if head.startswith("{"):
            return self._json(thought, rest)
        call = _CALL.match(rest)
        if call is not None and call["name"].lower() in _FINISH:
            inside, bracket, _ = rest[call.end() :].rpartition(")")
            return self.answer(thought, _unquoted(inside if bracket else rest[call.end() :]))
        if call is not None or _CLAUSE.match(rest):
            return self._call(thought, re.sub(rf"\A{_NUMBER}", "", rest))
        brackets = _BRACKETS.match(head)
        inside = head.rstrip(" \t\n.;*`")
        if brackets is not None and inside.endswith("]") and self.whole:
            text = inside[brackets.end() : -1]
            if brackets["name"].lower() in _FINISH:
                return self.answer(thought, _unquoted(text))
            return self._named(thought, brackets["name"], text)
        if inside.lower() in _FINISH and self.whole:
            return self.answer(thought, given or "")
        bare = _BARE.match(inside)
        if bare is not None and self.whole:
            return self._named(thought, bare["name"], given)
        return Step(thought, problem=f"the action can not be read; {_FORM}")

    def _named(self, thought: str, name: str, given: str | None) -> Step:
        """A tool, and what it is given apart from it: JSON, keyword arguments, or one text."""
        text = _unfenced(given or "").strip()
        if not text or text.lower() in ("none", "null", "{}", "()", "no input", "n/a"):
            return self._call(thought, f"{name}()")
        if text.startswith("(") and text.endswith(")"):
            return self._call(thought, name + text)
        try:
            value: Any = json.loads(text, strict=False, object_pairs_hook=_once)
        except _Twice:
            return Step(thought, problem=f"a key stands twice in one object of the action's input; {_FORM}")
        except (ValueError, RecursionError):
            if _KEYWORD.match(text):
                return self._call(thought, f"{name}({text})")
            value = _unquoted(text)
        arguments = value if isinstance(value, Mapping) else {"": value}
        return self._call(thought, self._spelled(name, arguments))

    def _spelled(self, name: str, arguments: Mapping[str, Any]) -> str:
        """The call in the plan language, empty where its names are none; a text that is only a reference is one."""
        parts = []
        if not _WHOLE_NAME.fullmatch(name) or not all(_KEY.fullmatch(k) for k in arguments if k):
            return ""
        for key, value in arguments.items():
            ref = self._reference(value.strip()) if isinstance(value, str) else None
            text = json.dumps(value, ensure_ascii=False) if ref is None else f"${{{ref}}}"
            parts.append(f"{key}={text}" if key else text)
        return f"{name}({', '.join(parts)})"

    def _json(self, thought: str, text: str) -> Step:
        try:
            made, _ = _DECODER.raw_decode(text)
        except (ValueError, RecursionError):
            return Step(thought, problem=f"the action is not valid JSON; {_FORM}")
        name = _first(made, _NAMES)
        if isinstance(name, Mapping):  # {"function": {"name": ..., "arguments": ...}}
            made, name = name, _first(name, _NAMES)
        given = _first(made, _INPUTS)
        if not isinstance(name, str) or not name.strip():
            return Step(thought, problem=f"the action names no tool; {_FORM}")
        if name.strip().lower() in _FINISH:
            return self.answer(
                thought, given if isinstance(given, str) else json.dumps(given, ensure_ascii=False)
            )
        if isinstance(given, Mapping):
            return self._call(thought, self._spelled(name.strip(), given))
        return self._named(thought, name.strip(), given if isinstance(given, str) else json.dumps(given))

    def _call(self, thought: str, text: str) -> Step:
        if not text:
            return Step(thought, problem=f"the names of the tool and its arguments can not be read; {_FORM}")
        parser = PlanParser(earlier=self.known)
        items = parser.feed(f"{self.number}. {text}")
        if self.whole:
            items += parser.close()
        problems: list[Diagnostic] = []
        for item in items:
            if (
                isinstance(item, Diagnostic)
                and item.code == "unclosed"
                and (self.broken or '"' in item.message)
            ):
                # Closed where it breaks off, it would run with other arguments than were meant.
                return Step(
                    thought, problem=f"{item.message}: no call was made; {_FORM}", diagnostics=(item,)
                )
            if isinstance(item, Task):
                return Step(
                    thought, Task(item.id, item.tool, item.args, item.each, item.when, thought or None)
                )
            if isinstance(item, Join):
                return Step(thought, join=item)
            if isinstance(item, Diagnostic) and item.severity == "error":
                problems.append(item)
        if problems:
            return Step(
                thought, problem="\n".join(d.render() for d in problems[:3]), diagnostics=tuple(problems)
            )
        return Step(thought, problem=f"the action can not be read; {_FORM}")


def _first(made: Any, keys: Sequence[str]) -> Any:
    return next((made[k] for k in keys if k in made), None) if isinstance(made, Mapping) else None


def _unfenced(text: str) -> str:
    """`text` without the code fence or the marks round it."""
    fence = _FENCE.match(text)
    assert fence is not None
    text, opened = text[fence.end() :], fence[0].strip(" *\n")
    return text.rstrip().removesuffix(opened[:3]) if opened else text


def _unquoted(text: str) -> str:
    text = text.strip()
    if len(text) > 1 and text[0] == text[-1] and text[0] in "\"'":
        try:
            made = json.loads(text, strict=False) if text[0] == '"' else text[1:-1]
        except ValueError:
            made = text[1:-1]
        return made if isinstance(made, str) else text
    return text


__all__ = ["Step", "cut_at_observation", "read_step", "starts_observation"]
