"""The text of one statement as a syntax tree, within limits. Nothing is executed, ever; nothing is lowered here."""

from __future__ import annotations

import ast
import re
import warnings

from llmcompiler.language.tokens import MAX_DEPTH

from .source import Problem, Statement

MAX_LENGTH = 100_000
"""Characters of one statement."""
MAX_NESTING = MAX_DEPTH + 4
"""Levels of the tree of one statement; a value nested `MAX_DEPTH` deep fits."""

_NOISY = re.compile(r"\\|[0-9][._]?[^\W\d_]")
_SIMPLER = "write it as several statements, one call each"
_PROSE = re.compile(r"[\W\d_]*[^\W\d_][^=]*\Z")


class Prose(Exception):
    """Text that is no code and was not meant to be."""


def parse_statement(statement: Statement) -> tuple[list[ast.stmt], Problem | None]:
    """The statements in the text (several where `;` parts them), and what had to be mended.

    Raises:
        Problem: It can not be read.
        Prose: It is a sentence.
    """
    text = statement.text
    if len(text) > MAX_LENGTH:
        raise Problem(
            "too-deep",
            f"a statement of {len(text):,} characters; at most {MAX_LENGTH:,} are read",
            0,
            _SIMPLER,
        )
    if statement.stray:
        raise Problem(
            "syntax",
            "an indented line that belongs to no `if` or `for`",
            _indent(text),
            "begin it at the margin",
        )
    mended = None
    try:
        try:
            body = _parse(text, statement.indented)
        except SyntaxError:
            if not statement.closers:
                raise
            body = _parse(text + statement.closers, statement.indented)
            mended = Problem(
                "unclosed",
                f"`{statement.closers}` is missing at the end; put there",
                len(text),
                "close every bracket",
            )
    except SyntaxError as e:
        if _is_prose(text):
            raise Prose from None
        raise _problem(e, statement) from None
    except (RecursionError, MemoryError):
        raise Problem("too-deep", "a statement nested too deeply to be read", 0, _SIMPLER) from None
    except ValueError as e:  # other versions of Python refuse null bytes and long numbers so
        raise Problem("syntax", f"the statement can not be read: {e}", 0, _SIMPLER) from None
    _check_depth(body)
    return body, mended


def _parse(text: str, indented: bool) -> list[ast.stmt]:
    source = "if 1:\n" + text if indented else text
    if not _NOISY.search(source):
        tree = ast.parse(source)
    else:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # an escape such as "\d" is what the text means
            tree = ast.parse(source)
    if not indented:
        return tree.body
    head = tree.body[0]
    assert isinstance(head, ast.If)
    return head.body


def _problem(error: SyntaxError, statement: Statement) -> Problem:
    if isinstance(error, IndentationError):
        hint = "indent the lines below an `if` or `for` by four spaces, and nothing else"
    elif statement.closers:
        hint = "close every bracket and quote"
    else:
        hint = "write plain statements such as `name = tool(argument)`, one a line"
    at = statement.offset(error.lineno or 1, (error.offset or 1) - 1, characters=True)
    message = str(error.msg or "invalid syntax")
    return Problem("syntax", message[:1].lower() + message[1:200], at, hint)


def _is_prose(text: str) -> bool:
    if "\n" in text or "=" in text or re.search(r"\w[(\[]", text):
        return False
    words = text.split()
    return (
        len(words) > 1
        and _PROSE.match(text) is not None
        and not re.match(
            r"\s*(?:if|for|while|import|from|def|class|return|del|with|try|raise|global|async|await|lambda)\b",
            text,
        )
    )


def _indent(text: str) -> int:
    return len(text) - len(text.lstrip(" \t\f"))


def _check_depth(body: list[ast.stmt]) -> None:
    """Refuse a tree that recursion can not go through; a chain of `elif` counts once.

    Raises:
        Problem: It is nested too deeply.
    """
    level: list[ast.AST] = list(body)
    for _ in range(MAX_NESTING):
        below: list[ast.AST] = []
        while level:
            node = level.pop()
            if isinstance(node, ast.If) and len(node.orelse) == 1 and isinstance(node.orelse[0], ast.If):
                level.append(node.orelse[0])
                below += [node.test, *node.body]
            else:
                below += ast.iter_child_nodes(node)
        if not below:
            return
        level = below
    deep = next((n for n in level if hasattr(n, "lineno")), None)
    raise Problem("too-deep", f"nested more than {MAX_NESTING} levels deep", deep, _SIMPLER)


__all__ = ["MAX_LENGTH", "MAX_NESTING", "Prose", "parse_statement"]
