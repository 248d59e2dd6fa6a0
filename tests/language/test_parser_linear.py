"""Parsing takes time linear in the text, whatever its shape, and raises nothing.

Times are of the processor, so that a busy machine fails nothing; the bounds leave room for slow ones.
"""

from collections.abc import Callable

import pytest

from llmcompiler.language import PlanParser, parse_plan
from tests.support.stopwatch import processor_seconds

MB = 1_000_000

REAL: dict[str, Callable[[int], str]] = {
    "one statement a line": lambda n: "".join(
        f'{i}. search("Mount Everest number {i}", k=$1.a)\n' for i in range(1, n // 48)
    ),
    "one giant string": lambda n: f'1. f("{"a" * n}")',
    "an unterminated string over many lines": lambda n: '1. f("' + "abc def\n" * (n // 8),
}

SHAPES: dict[str, Callable[[int], str]] = {
    "brackets": lambda n: "(" * n,
    "brackets in a call": lambda n: "1. f(" + "(" * n,
    "mixed brackets": lambda n: "1. f(" + "[{(" * (n // 3),
    "closing brackets": lambda n: "1. f([" + ")" * n,
    "dollars": lambda n: f'1. f("{"$" * n}")',
    "bare dollars": lambda n: "1. f(" + "$" * n,
    "double quotes": lambda n: "1. f(" + '"' * n,
    "single quotes": lambda n: "1. f(" + "'" * n,
    "backslashes": lambda n: '1. f("' + "\\" * n,
    "half escapes": lambda n: '1. f("' + "\\u12" * (n // 4) + '")',
    "references": lambda n: '1. f()\n2. f("' + "$1 " * (n // 3) + '")',
    "broken references": lambda n: '1. f("' + '${1["' * (n // 5) + '")',
    "half paths": lambda n: "1. f('" + '$1["' * (n // 4) + "')",
    "long paths": lambda n: "1. f()\n2. f($1" + "['a']" * (n // 5) + ")",
    "unterminated strings": lambda n: "".join(f'{i}. f("number {i}\n' for i in range(1, n // 20)),
    "unterminated calls": lambda n: "".join(f"{i}. f({i}\n" for i in range(1, n // 14)),
    "unterminated triple quotes": lambda n: '1. f("""\n' + "2. g(x\n" * (n // 8),
    "smart quotes": lambda n: "1. f(“a\n" * (n // 9),
    "joins": lambda n: "join(\n" * (n // 6),
    "calls without numbers": lambda n: "999. f()\n5. f()\n" + "f()\n" * (n // 4),
    "calls on one line": lambda n: "".join(f"{i}. f() " for i in range(1, n // 11)),
    "prose": lambda n: "a b\n" * (n // 4),
    "one word": lambda n: "a" * n,
    "a long name": lambda n: "1. " + "a." * (n // 2) + "(",
    "digits": lambda n: f"1. f({'9' * n})",
    "digits of an id": lambda n: f"{'9' * n}. f()",
    "blank lines": lambda n: "\n" * n,
    "blanks": lambda n: "1. f(" + " " * n + ")",
    "commas": lambda n: "1. f(" + "," * n + ")",
    "numbers": lambda n: "1. f([" + "1," * (n // 2) + "])",
    "keys": lambda n: "1. f({" + "a:1," * (n // 4) + "})",
    "keywords": lambda n: "1. f(" + "".join(f"a{i}=1," for i in range(n // 9)) + ")",
    "words": lambda n: "1. f(" + "New York " * (n // 9) + ")",
    "comments": lambda n: "1. f(a," + " #\n" * (n // 3),
    "hashes": lambda n: "1. f(" + "a #" * (n // 3),
    "numbered lines in a call": lambda n: "1. f(\n" + "2.\n" * (n // 3),
    "nots": lambda n: "1. if " + "not " * (n // 4) + ": f()",
    "ands": lambda n: "1. if " + "1 and " * (n // 6) + "1: f()",
    "clauses": lambda n: "1. for x in $1: " * (n // 16),
    "thoughts": lambda n: "Thought: x\n" * (n // 11),
    "a long tail": lambda n: "1. f() " + "x" * n,
    "half ends": lambda n: "<END_OF_PLAN" * (n // 12),
    "carriage returns": lambda n: "1. f()\r\n" * (n // 8),
}  # fmt: skip


@pytest.mark.parametrize("shape", REAL.values(), ids=list(REAL))
def test_a_megabyte(shape: Callable[[int], str]) -> None:
    text = shape(MB)
    assert processor_seconds(lambda: parse_plan(text), good=5) < 5


@pytest.mark.parametrize("shape", SHAPES.values(), ids=list(SHAPES))
def test_the_share_of_a_megabyte(shape: Callable[[int], str]) -> None:
    """A twentieth of the text has a twentieth of the five seconds, with room; anything quadratic takes far longer."""
    text = shape(MB // 20)
    assert processor_seconds(lambda: parse_plan(text), good=1.5) < 1.5


@pytest.mark.parametrize("shape", SHAPES.values(), ids=list(SHAPES))
def test_time_grows_with_the_text(shape: Callable[[int], str]) -> None:
    short, long = shape(10_000), shape(80_000)
    most = 30 * max(processor_seconds(lambda: parse_plan(short), tries=2), 0.02)
    assert processor_seconds(lambda: parse_plan(long), good=most) < most


@pytest.mark.parametrize(
    "name", ["one statement a line", "one giant string", "an unterminated string over many lines"]
)
def test_one_character_at_a_time(name: str) -> None:
    text = REAL[name](MB // 4)

    def read() -> None:
        parser = PlanParser()
        for ch in text:
            parser.feed(ch)
        parser.close()

    assert processor_seconds(read, good=3) < 3
