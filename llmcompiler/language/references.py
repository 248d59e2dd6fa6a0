"""References and templates as text: `1.height["k"][0]`, and strings with `$1`, `${1.a}` and `$$` in them.

Works on text that is already decoded; knows nothing of statements, positions or escapes.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Container
from typing import NamedTuple

from ..values import PathStep, Ref, Template, Var
from .literals import decode

MAX_ID = 10**9
"""The largest task id."""

# Every quantifier is possessive or ends at a character that can not be inside: no text makes these backtrack.
_STEP = re.compile(
    r"""\.(?P<name>[A-Za-z_][A-Za-z0-9_]*+)
      | \[[^\S\n]*+(?:(?P<index>[+-]?[0-9]++)
                     | "(?P<double>(?:[^"\\\n]|\\[^\n])*+)"
                     | '(?P<single>(?:[^'\\\n]|\\[^\n])*+)'
                   )[^\S\n]*+\]""",
    re.VERBOSE,
)
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*+")
_OPEN = re.compile(r"\$\{[^\S\n]*+(?:(?P<id>[0-9]++)|(?P<name>[A-Za-z_][A-Za-z0-9_]*+))")
_CLOSE = re.compile(r"[^\S\n]*+\}")
_NUMBER = re.compile(r"[0-9]++")
# `$1.50`, `$1,000`, `$5M`, `$5k`, `$5bn`: sums of money, whatever tasks there are.
_MONEY = re.compile(r"(?:[.,][0-9]|(?:bn|[kKMBm])(?![A-Za-z]))")


class Problem(NamedTuple):
    """Something wrong in a string, at an offset of the decoded text."""

    at: int
    code: str
    message: str
    hint: str
    warning: bool = False


def read_path(text: str, pos: int) -> tuple[tuple[PathStep, ...], int]:
    """The path that starts at `pos` (maybe none) and where it ends.

    path = ( "." identifier | "[" integer "]" | "[" string "]" )*
    """
    steps: list[PathStep] = []
    while match := _STEP.match(text, pos):
        if match["name"] is not None:
            steps.append(match["name"])
        elif match["index"] is not None:
            if len(match["index"]) > 10:
                break
            steps.append(int(match["index"]))
        elif match["double"] is not None:
            steps.append(decode(match["double"]))
        else:
            steps.append(decode(match["single"]))
        pos = match.end()
    return tuple(steps), pos


def read_braced(text: str, pos: int) -> tuple[Ref | Var, int] | None:
    """The reference `${...}` at `pos` and where it ends; None if there is none that can be read.

    braced = "${" ( id | identifier ) path "}"
    """
    match = _OPEN.match(text, pos)
    if match is None:
        return None
    path, end = read_path(text, match.end())
    close = _CLOSE.match(text, end)
    if close is None:
        return None
    if match["name"] is not None:
        return Var(match["name"], path), close.end()
    number = task_id(match["id"])
    return None if number is None else (Ref(number, path), close.end())


def read_bare(text: str, pos: int) -> tuple[Ref, int] | None:
    """The reference `$1.a[0]` or `${1}` outside strings at `pos` and where it ends; None if it can not be read.

    bare = "$" id path | "${" id path "}" path
    """
    match = _NUMBER.match(text, pos + 1)
    if match is not None:
        number = task_id(match[0])
        if number is None:
            return None
        path, end = read_path(text, match.end())
        return Ref(number, path), end
    found = read_braced(text, pos)
    if found is None or isinstance(found[0], Var):
        return None
    path, end = read_path(text, found[1])
    return Ref(found[0].task, found[0].path + path), end


def task_id(digits: str) -> int | None:
    """The task id that `digits` spell; None if it is 0 or too large."""
    if len(digits) > 10:
        return None
    number = int(digits)
    return number if 0 < number <= MAX_ID else None


def scan(
    text: str, known: Container[int], is_variable: Callable[[str], bool], *, bare: bool = False
) -> tuple[str | Template, list[Problem], list[tuple[int, Ref]]]:
    """`text` with its references found: a `Template` if it has any, else the text with `$$` made `$`.

    Args:
        text: The decoded string.
        known: Ids for which a plain `$7` is a reference.
        is_variable: Whether `${name}` is a variable.
        bare: Whether `$name` is one, too.

    Returns:
        The value, what is wrong, and each reference with its offset.
    """
    at = text.find("$")
    if at < 0:
        return text, [], []
    parts: list[str | Ref | Var] = []
    words: list[str] = []
    problems: list[Problem] = []
    found: list[tuple[int, Ref]] = []
    done = 0
    while at >= 0:
        item: Ref | Var | None = None
        follow = text[at + 1 : at + 2]
        end = at + 1
        if follow == "$":
            words.append(text[done : at + 1])
            done = end = at + 2
        elif follow == "{":
            braced = read_braced(text, at)
            if braced is not None and (isinstance(braced[0], Ref) or is_variable(braced[0].name)):
                item, end = braced
            elif (problem := _malformed(text, at)) is not None:
                problems.append(problem)
        elif follow and follow in "0123456789":
            match = _NUMBER.match(text, end)
            assert match is not None
            end = match.end()
            number = task_id(match[0])
            if number is not None and number in known and _MONEY.match(text, end) is None:
                path, end = read_path(text, end)
                item = Ref(number, path)
        elif bare and (match := _NAME.match(text, end)) is not None:
            end = match.end()
            if is_variable(match[0]):
                path, end = read_path(text, end)
                item = Var(match[0], path)
        if item is not None:
            words.append(text[done:at])
            if plain := "".join(words):
                parts.append(plain)
            words.clear()
            parts.append(item)
            if isinstance(item, Ref):
                found.append((at, item))
            done = end
        at = text.find("$", end)
    words.append(text[done:])
    rest = "".join(words)
    if not parts:
        return rest, problems, found
    if rest:
        parts.append(rest)
    return Template(tuple(parts)), problems, found


def _malformed(text: str, at: int) -> Problem | None:
    """What is wrong with the `${` at `at`; None where it is plainly other text, such as `${}`."""
    match = _OPEN.match(text, at)
    if match is None:
        return None
    if match["name"] is not None:
        return Problem(
            at,
            "bad-reference",
            f"`${{{match['name'][:40]}` names no loop variable; taken as plain text",
            "refer to tasks by number, as in `${1}`, or write `$$` for a dollar sign",
            warning=True,
        )
    return Problem(
        at,
        "bad-reference",
        "a reference that can not be read",
        'write it as `${1}`, `${1.field}`, `${1["key"]}` or `${1[0]}`, or `$$` for a dollar sign',
    )


def parse_reference(text: str) -> Ref:
    """The reference `text` spells, without its dollar sign: `1.height["k"][0]`.

    Raises:
        ValueError: It is not a reference.
    """
    found = read_bare("$" + text, 0)
    if found is None or found[1] != len(text) + 1 or text.startswith("{"):
        raise ValueError(
            f"{text[:80]!r} is not a reference; write it as '1', '1.field', '1[\"key\"]' or '1[0]'"
        )
    return found[0]


def parse_variable(text: str) -> Var:
    """The loop variable, or part of it, that `text` spells: `city.name`.

    Raises:
        ValueError: It is not a variable.
    """
    match = _NAME.match(text)
    if match is not None:
        path, end = read_path(text, match.end())
        if end == len(text):
            return Var(match[0], path)
    raise ValueError(f"{text[:80]!r} is not a loop variable; write it as 'city' or 'city.name'")


def parse_template(text: str) -> str | Template:
    """The value of canonical template text: `${1.a}` and `${city}` are references, `$$` is a dollar sign.

    Any other `$` stands for itself; `$1` without braces is plain text here.

    Raises:
        ValueError: A `${1...` that can not be read.
    """
    value, problems, _ = scan(text, (), lambda name: True)
    for problem in problems:
        if not problem.warning:
            raise ValueError(f"{problem.message} in {text[problem.at : problem.at + 40]!r}; {problem.hint}")
    return value
