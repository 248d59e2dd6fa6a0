"""What a model's reply to the joiner says: JSON where there is some, action lines of older prompts, else plain text.

Reading never raises. The answer's text is taken whole: no bracket, quote or word in it ends it or changes the action.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Literal

from pydantic_core import from_json

from .excerpts import one_line

_ATTEMPTS = 24
_DECODER = json.JSONDecoder(strict=False)
_FENCE = re.compile(r"\A```[\w-]*[ \t]*\n(.*?)\n?```\s*\Z", re.DOTALL)
_ACTION = re.compile(
    r"""^[ \t]* (?P<prefix> Action[ \t]* (?:\d+[ \t]*)? :[ \t]* )?
    (?: (?P<call> Finish | Replan) [ \t]*\(
      | (?P<word> Replan) [ \t]* (?: : | $)
      | (?P<final> (?:Final[ \t]+)? Answer) [ \t]*: )""",
    re.IGNORECASE | re.MULTILINE | re.VERBOSE,
)
_THOUGHT = re.compile(r"[ \t]*Thought[ \t]*:", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Reply:
    """A reply as read."""

    text: str
    """The reply as text, without white space round it."""
    action: Literal["answer", "replan"] | None = None
    """None for plain text."""
    thought: str = ""
    answer: Any = None
    feedback: str = ""
    exact: bool = True
    """Whether `answer` came as a JSON value; otherwise quotes round it are part of the notation."""
    broken: str = ""
    """For plain text: why it can not be an answer, if it looks like the JSON object gone wrong."""
    inner: str = ""
    """For plain text: what is inside the code fence that is all of it."""

    def as_answer(self) -> Reply:
        """The best answer in a reply that asks for another round when there is none."""
        said = self.answer if self.answer not in (None, "") else self.thought or self.feedback
        return replace(self, action="answer", answer=said)


def read_reply(text: str) -> Reply:
    """What `text` decides."""
    stripped = text.strip()
    fenced = _FENCE.match(stripped)
    body = fenced[1].strip() if fenced else stripped
    found = _json_decision(body)
    if found is not None:
        return found
    acted = _action_line(body)
    if acted is not None:
        return acted
    broken = ""
    if body.startswith("{") and '"action"' in body[:2_000]:
        broken = "it is not valid JSON: " + _json_error(body)
    thought = _THOUGHT.match(stripped)
    text = stripped[thought.end() :].strip() if thought else stripped
    return Reply(text, broken=broken, inner=body if fenced else "")


# -- JSON -----------------------------------------------------------------------------------------


def _json_decision(body: str) -> Reply | None:
    position = body.find("{")
    for _ in range(_ATTEMPTS):
        if position < 0:
            return None
        try:
            made, end = _DECODER.raw_decode(body, position)
        except (ValueError, RecursionError):
            position = body.find("{", position + 1)
            continue
        alone = position == 0 and not body[end:].strip()
        if isinstance(made, dict) and (reply := _decision(body, made, alone)) is not None:
            return reply
        position = body.find("{", end)
    return None


def _decision(body: str, made: dict[str, Any], alone: bool) -> Reply | None:
    action = made.get("action")
    action = action.strip().lower() if isinstance(action, str) else None
    if action in ("finish", "final", "final_answer"):
        action = "answer"
    if action is None and alone and set(made) <= {"thought", "answer", "feedback"} and "answer" in made:
        action = "answer"
    if action == "answer" and "answer" in made:
        return Reply(body, "answer", _text(made.get("thought")), made["answer"])
    if action == "replan" and ("feedback" in made or "answer" in made or alone):
        return Reply(
            body, "replan", _text(made.get("thought")), made.get("answer"), _text(made.get("feedback"))
        )
    return None


def _text(value: Any) -> str:
    return value if isinstance(value, str) else "" if value is None else json.dumps(value, ensure_ascii=False)


def _json_error(body: str) -> str:
    try:
        made, end = _DECODER.raw_decode(body)
    except RecursionError:
        return "it is nested too deeply"
    except ValueError as e:
        return str(e)
    if not isinstance(made, dict):  # pragma: no cover - the text starts with a brace
        return "it is not an object"
    if body[end:].strip() and made.get("action") not in ("answer", "replan"):
        return "it has no usable action"
    return '"action" must be "answer" or "replan", with "answer" or "feedback" beside it'


# -- action lines ---------------------------------------------------------------------------------


def _action_line(body: str) -> Reply | None:
    """An action on the first line, or on the first line after a thought; nowhere else, since an answer may hold one."""
    found = None
    if _THOUGHT.match(body):
        matches = list(_ACTION.finditer(body))
        found = next((m for m in matches if m["prefix"]), matches[0] if matches else None)
    else:
        found = _ACTION.match(body)
    if found is None:
        return None
    thought = _THOUGHT.sub("", body[: found.start()], count=1).strip()
    rest = body[found.end() :]
    if found["call"]:
        # To the last bracket: the answer may hold brackets of its own.
        inside, bracket, _ = rest.rpartition(")")
        rest = inside if bracket else rest
    rest = rest.strip()
    if (found["call"] or found["word"] or "").lower() == "replan":
        return Reply(body, "replan", thought, feedback=rest or thought)
    if not rest:
        return None
    return Reply(body, "answer", thought, rest, exact=False)


# -- streaming ------------------------------------------------------------------------------------


class AnswerStream:
    """Gives out the text of `"answer"` while the JSON object is still being written.

    What was given out is never taken back. When the model is asked again, nothing goes out until the new answer has
    reached what was given out already, and only if it goes on from there.

    Args:
        delta: Takes the pieces; None to give out nothing.
    """

    def __init__(self, delta: Callable[[str], None] | None) -> None:
        self._delta = delta
        self._sent = ""
        self.restart()

    def restart(self) -> None:
        """Another reply begins."""
        self._parts: list[str] = []
        self._length = 0
        self._next = 1
        self._plain = False

    def feed(self, text: str) -> None:
        """A piece of the reply."""
        if self._delta is None or self._plain:
            return
        self._parts.append(text)
        self._length += len(text)
        # Each look reads everything so far; waiting for a sixty-fourth more each time keeps long answers linear.
        if self._length < self._next:
            return
        self._next = self._length + max(1, self._length // 64)
        body = "".join(self._parts)
        self._parts = [body]
        start = body.find("{")
        if start < 0 or not _is_lead(body[:start]):
            self._plain = not _is_lead(body[:start] if start >= 0 else body)
            return
        answer = _partial_answer(body[start:])
        if answer is not None:
            self._send(answer)

    def finish(self, answer: Any) -> None:
        """The answer is known: give out what has not gone out yet."""
        if isinstance(answer, str):
            self._send(answer)

    def _send(self, answer: str) -> None:
        piece = answer[len(self._sent) :]
        if self._delta is not None and piece and answer.strip() and answer.startswith(self._sent):
            self._sent = answer
            self._delta(piece)


def _is_lead(text: str) -> bool:
    """Whether `text` may stand before the JSON object: nothing, or the start of a code fence."""
    text = one_line(text)
    return text in ("", "`", "``") or (text.startswith("```") and text[3:].isalpha()) or text == "```"


def _partial_answer(body: str) -> str | None:
    try:
        made = from_json(body, allow_partial="trailing-strings")
    except ValueError:
        return None
    if isinstance(made, dict) and made.get("action") == "answer" and isinstance(made.get("answer"), str):
        return str(made["answer"])
    return None


__all__ = ["AnswerStream", "Reply", "read_reply"]
