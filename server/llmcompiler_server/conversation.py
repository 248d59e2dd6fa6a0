"""A conversation as one input for the compiler: instructions, what was said before, the question. Pure text.

How messages come in and which are refused is in `openai_requests`; nothing here knows HTTP or runs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Speaker = Literal["system", "user", "assistant"]

_NAMES: dict[Speaker, str] = {"system": "System", "user": "User", "assistant": "Assistant"}
LEFT_OUT = "(earlier messages are left out)"
"""Stands for what is too long to be kept."""


@dataclass(frozen=True, slots=True)
class Turn:
    """What somebody said. `system` turns are instructions, wherever they stand."""

    speaker: Speaker
    text: str


def as_input(turns: Sequence[Turn], most: int) -> str:
    """One input that holds a conversation; its last turn that is no instruction is the question.

    A question by itself is the input, as it is. Otherwise the question stands last, after `Question:`. Where the whole
    is longer than `most` characters, the oldest turns are left out, and the text says so; instructions and question
    never are, so that the text may still be too long.

    Raises:
        ValueError: That last turn is not the user's, or blank.
    """
    said = [t for t in turns if t.speaker != "system"]
    if not said or said[-1].speaker != "user":
        raise ValueError("the last message must be the user's: it is the question")
    question = said.pop().text
    if not question.strip():
        raise ValueError("the last message of the user is blank; ask something")
    instructions = "\n\n".join(t.text.strip() for t in turns if t.speaker == "system" and t.text.strip())
    history = [_line(t) for t in said if t.text.strip()]
    if not instructions and not history:
        return question
    head = f"Instructions:\n{instructions}\n\n" if instructions else ""
    tail = f"Question: {question}"
    if not history:
        return head + tail
    title = "Conversation so far:\n"
    room = most - len(head) - len(title) - len("\n\n") - len(tail)
    kept = _newest(history, room)
    return f"{head}{title}{kept}\n\n{tail}" if kept else head + tail


def _newest(lines: list[str], room: int) -> str:
    """The newest of the turns, as many as there is room for."""
    if sum(len(line) + 1 for line in lines) - 1 <= room:
        return "\n".join(lines)
    room -= len(LEFT_OUT)
    kept: list[str] = []
    for line in reversed(lines):
        room -= len(line) + 1
        if room < 0:
            break
        kept.append(line)
    return "\n".join([LEFT_OUT, *reversed(kept)]) if kept else ""


def _line(turn: Turn) -> str:
    # Indented, so that nothing in a text can pass for another turn.
    return f"{_NAMES[turn.speaker]}: " + "\n  ".join(turn.text.strip().splitlines())


__all__ = ["LEFT_OUT", "Speaker", "Turn", "as_input"]
