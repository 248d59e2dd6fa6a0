"""How a statement starts: the prefixes models put before a call, thoughts, fences and the end of the plan.

Two questions about the start of a line: does a statement start here, and could one still start here. A head that
starts a statement does so at a fixed character, whatever follows it; every quantifier is possessive, so no line
makes the patterns backtrack.
"""

from __future__ import annotations

import re
from typing import Literal, NamedTuple

LIMIT = 240
"""Characters of a line that are looked at; a statement that starts no sooner is none."""

JOINS = frozenset({"join", "Join", "JOIN", "finish", "Finish"})
"""Spellings of the join."""

LineKind = Literal["thought", "other", "broken", "cut", "join", "ignored"]


class Head(NamedTuple):
    """The start of a statement."""

    kind: Literal["call", "for", "if", "thought", "fence", "end"]
    end: int
    """Where what follows starts."""
    number: str | None = None
    name: str = ""
    at: int = 0
    """Where the name, or the word `for` or `if`, stands."""
    mark: str = ""
    """What follows the number: `.`, `)` or `:`."""


_B = r"[^\S\n]*+"
_NAME = r"[^\W\d][\w.\-]*+"
_BOLD = r"(?:\*{1,2}+|`(?!`))?+"
_PREFIX = re.compile(
    rf"(?:[-*+•>][^\S\n]++)?+{_BOLD}"
    rf"(?P<label>(?i:action|step|task|call)(?:{_B}(?P<counted>[0-9]++))?+{_B}:\**+{_B})?+"
    rf"(?:(?P<number>[0-9]++)(?P<mark>[.):])(?!\d)\**+{_B})?+"
    rf"(?:\$(?P<variable>[0-9]++){_B}=(?!=){_B})?+"
)
_CALL = re.compile(rf"{_BOLD}(?P<name>{_NAME}){_BOLD}{_B}\(")
_CLAUSE = re.compile(r"(?P<clause>for|if)(?=[^\w.\-])")
# Without a number, prose such as `if (unlikely) it rains` must not be taken for a call or a clause.
_FREE_CALL = re.compile(rf"(?P<name>{_NAME})\(")
_FREE_CLAUSE = re.compile(
    r"(?P<clause>for(?=[^\S\n]++[^\W\d]\w*+[^\S\n]++in[^\S\n]*+[\[$])|if(?=[^\S\n]*+\(?+[^\S\n]*+(?:not[^\S\n]++)?+\$))"
)
_FREE_JOIN = re.compile(r"(?P<name>join|Join|JOIN|finish|Finish)\(")
_THOUGHT = re.compile(rf"(?:[-*+•>][^\S\n]++)?+\**+(?i:thoughts?+)(?:{_B}[0-9]++)?+\**+{_B}:")
_FENCE = re.compile(r"```|~~~")
_END = "<END_OF_PLAN>"

_AFTER_CLAUSE = re.compile(
    rf"{_B}(?:\n{_B})?+(?:(?P<clause>for|if)(?=[^\w.\-])|{_BOLD}(?P<name>{_NAME}){_BOLD}{_B}\()"
)
_AFTER_CLAUSE_VIABLE = re.compile(rf"{_B}(?:\n{_B})?+{_BOLD}(?:{_NAME})?+{_BOLD}{_B}")


def line_head(text: str) -> Head | None:
    """The statement that starts at the start of `text`, outside calls."""
    first = text[0]
    if first in "`~" and _FENCE.match(text):
        return Head("fence", 3)
    if first == "<":
        return Head("end", len(_END)) if text.startswith(_END) else None
    return _numbered(text, free=True) or _thought(text)


def head_inside(text: str, *, in_string: bool, paren: bool) -> Head | None:
    """The statement that starts at the start of `text`, a line inside a call that may not have been closed.

    Args:
        text: The line, without leading blanks.
        in_string: Whether it stands in a string, where a code fence is content.
        paren: Whether numbers may be written `2)`, as the call's own was.
    """
    first = text[0]
    if first in "`~":
        return Head("fence", 3) if not in_string and _FENCE.match(text) else _numbered(text, free=False)
    if first == "<":
        return Head("end", len(_END)) if text.startswith(_END) else None
    head = _numbered(text, free=False)
    if head is not None and head.mark == ")" and not paren:
        return None
    return head or _thought(text)


def head_after_call(text: str) -> Head | None:
    """The statement that starts at the start of `text`, behind a call on the same line."""
    first = text[0]
    if first == "`":
        return Head("fence", 3) if _FENCE.match(text) else None
    if first == "<":
        return Head("end", len(_END)) if text.startswith(_END) else None
    return None if first in "-*+•>" else _numbered(text, free=False)


def head_after_clause(text: str) -> Head | None:
    """The call or clause that starts `text`, behind the colon of a clause; maybe on the next line."""
    match = _AFTER_CLAUSE.match(text)
    if match is None:
        return None
    if match["clause"]:
        return Head("for" if match["clause"] == "for" else "if", match.end(), at=match.start("clause"))
    if match["name"] in JOINS and "\n" in match[0]:
        return None
    return Head("call", match.end(), None, match["name"], match.start("name"))


def _thought(text: str) -> Head | None:
    match = _THOUGHT.match(text)
    return None if match is None else Head("thought", match.end())


def _numbered(text: str, *, free: bool) -> Head | None:
    prefix = _PREFIX.match(text)
    assert prefix is not None
    at = prefix.end()
    number, mark = prefix["number"], prefix["mark"] or ""
    if number or prefix["label"] or prefix["variable"]:
        number = number or prefix["variable"] or prefix["counted"]
        clause = _CLAUSE.match(text, at)
        call = None if clause else _CALL.match(text, at)
    else:
        clause = _FREE_CLAUSE.match(text, at) if free else None
        call = None if clause else (_FREE_CALL if free else _FREE_JOIN).match(text, at)
    if clause is not None:
        return Head(
            "for" if clause["clause"] == "for" else "if", clause.end(), number, "", clause.start(), mark
        )
    if call is not None:
        return Head("call", call.end(), number, call["name"], call.start("name"), mark)
    return None


def _cut(word: str) -> str:
    """A pattern for every beginning of `word`."""
    pattern = ""
    for ch in reversed(word):
        pattern = f"(?:{re.escape(ch)}{pattern})?+"
    return pattern


_TAIL = rf"(?:\$[0-9]*+{_B}=?+{_B})?+{_BOLD}(?:{_NAME})?+{_BOLD}{_B}"
_INSIDE, _INSIDE_PAREN = (
    re.compile(
        rf"(?:[-*+•>]{_B})?+[*`~]*+"
        rf"(?:[0-9]++(?:[{marks}]\**+{_B}{_TAIL})?+"
        rf"|\${_TAIL}|\$[0-9]++{_B}=?+{_B}{_TAIL}"
        rf"|(?i:action|step|task|call)(?:{_B}[0-9]++)?+{_B}(?::[\w.\-:)$=*`\s]*+)?+"
        rf"|(?i:thoughts?+)(?:{_B}[0-9]++)?+\**+{_B}"
        rf"|(?i:{'|'.join(map(_cut, ('thoughts', 'action', 'step', 'task', 'call')))})"
        rf"|{_cut('join')}|{_cut('Join')}|{_cut('JOIN')}|{_cut('finish')}|{_cut('Finish')}|{_cut(_END)})"
    )
    for marks in (".:", ".):")
)


def viable_inside(text: str, *, paren: bool) -> bool:
    """Whether more text could still make `text` the start of a statement. True too often does no harm but delay."""
    return (_INSIDE_PAREN if paren else _INSIDE).fullmatch(text) is not None


def viable_after_clause(text: str) -> bool:
    """Whether more text could still make `text` a call behind a clause."""
    return _AFTER_CLAUSE_VIABLE.fullmatch(text) is not None


_NUMBER = rf"(?:[-*+•>][^\S\n]++)?+{_BOLD}(?P<number>[0-9]++)[.):](?!\d)\**+{_B}"
_BARE_JOIN = re.compile(rf"(?:{_NUMBER})?+(?:join|Join|JOIN|finish){_B}\.?+\Z")
_BROKEN = re.compile(rf"{_NUMBER}{_BOLD}{_NAME}{_BOLD}(?:{_B}\Z|{_B}[\"'“\[{{$=])")
_CUT = re.compile(rf"{_NUMBER}(?:\$[0-9]*+{_B}=?+{_B})?+{_BOLD}(?:{_NAME})?+{_BOLD}{_B}\Z")


def kind_of_line(text: str, *, whole: bool, last: bool) -> tuple[LineKind, str | None]:
    """What a line is that starts no statement, and the number it carries where it was meant as a call.

    Args:
        text: The line, or its first `LIMIT` characters.
        whole: Whether `text` is the whole line.
        last: Whether the text ended in this line.
    """
    if text.startswith(("#", "```", "~~~")):
        return "ignored", None
    if whole and (match := _BARE_JOIN.match(text)):
        return "join", match["number"]
    if whole and last and (match := _CUT.match(text)):
        return "cut", match["number"]
    match = _BROKEN.match(text) if whole or len(text) >= LIMIT else None
    if match is not None and (whole or match.end() < len(text)):
        return "broken", match["number"]
    return "other", None
