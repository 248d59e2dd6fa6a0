"""Any chunking of a text gives the same items, and a task comes the moment its call is complete."""

import itertools
import random

import pytest
from test_parser_cases import CASES

from llmcompiler.diagnostics import Diagnostic
from llmcompiler.language import Item, PlanParser
from llmcompiler.language.heads import head_after_call, head_inside, viable_inside
from llmcompiler.plan import Join, Task, Thought

TEXTS = [
    *(text for _, text, _ in CASES),
    '1. f("a")\r\n2. g("x\r\ny",\r1)\r\rjoin()\r\n',
    '\ufeff1. f("é – 😀")\n\x002. g($1)\u2028\n3. h(\ud800)\n',
    '1. f("""a""b"c\\"""\n2. g(\\"x\n""")\n',
    '1. f("a"""b""c)\n```\n~~~\n``\n<END_OF_PLA\n<END_OF_PLAN>x',
    "1. f(\n  ThoughtX,\n  Action,\n  <END,\n  2\n\n  Thought: y\n2) g(\n  2)\n",
]


def what(items: list[Item]) -> list[object]:
    """Items with what equality leaves out."""
    return [
        (item, item.span and (item.span.start, item.span.tool, dict(item.span.args)))
        if isinstance(item, Task)
        else item
        for item in items
    ]


def parsed(*chunks: str) -> list[object]:
    parser = PlanParser()
    items = [item for chunk in chunks for item in parser.feed(chunk)]
    return what(items + parser.close())


@pytest.mark.parametrize("text", TEXTS)
def test_every_chunking_gives_the_same(text: str) -> None:
    """must-beat 4: any chunking of the same text gives the same plan."""
    whole = parsed(text)
    assert parsed(*text) == whole
    for i in range(1, len(text)):
        assert parsed(text[:i], text[i:]) == whole, (text[:i], text[i:])


_PIECES = (
    '1. |2. |3) |12: |5. |f(|search(|join(|join()|join($1)|for |for x in |for x in $1: |if $1 > 2: |if |1. f("a")|'
    '(|)|[|]|{|}|,|:|=|==|"|\'|"""|\'\'\'|“|”|‘|’|\\|\\"|#| # c|$1|${1}|$1.a|$1["k"]|${1.a}|${|$$|$|$1.50|$9|'
    'abc|What\'s|New York|True|null|-|+|*|2.5|1e999|NaN|in |not |and |r"|f"|x=|"a"|.field|; |é|١|2. g($1)|'
    "Thought:|Thought: hi\n|Action: |Action 1: |**1.** |- 1. |```|```\n|`|<END_OF_PLAN>|<END|$1 = |\n3. h(|"
    '\n|\n\n|\r|\r\n| |  |\t|\x0c|\u2028|\ufeff|\x00|\ud800|\n2. g("x")\n'
)
PIECES = _PIECES.split("|")


@pytest.mark.parametrize("seed", range(400))
def test_random_texts_in_random_chunks(seed: int) -> None:
    rng = random.Random(seed)
    text = "".join(rng.choice(PIECES) for _ in range(rng.choice((5, 15, 40))))
    whole = parsed(text)
    assert parsed(*text) == whole
    at = sorted(rng.randrange(len(text) + 1) for _ in range(5))
    assert parsed(*(text[i:j] for i, j in itertools.pairwise([0, *at, len(text)]))) == whole


def test_a_task_comes_with_its_closing_bracket() -> None:
    parser = PlanParser()
    assert parser.feed('1. search("Mount (Everest)", [1, {"a": (2)}]') == []
    [task] = parser.feed(")")
    assert isinstance(task, Task)
    assert parser.feed("\n2. f(x)") != []
    assert parser.feed("\n3. join(") == []
    assert parser.feed(")") == [Join()]
    assert parser.joined


@pytest.mark.parametrize(
    "text",
    [
        "1. f()",
        '1. f("a", \'b\', """c""")',
        "1. f(\n  1,\n  2)",
        "1. f(\n1)",
        '1. f("x\n2")',
        "1. for c in $9.a: f(c)",
        "1. if $9 == ')': f((1), [')'])",
        "1. f(New York (city))",
        "1. f(1, # note )\n2)",
        'f("")',
    ],
)
def test_it_comes_no_later_and_no_sooner(text: str) -> None:
    parser = PlanParser(earlier=[9])
    for ch in text[:-1]:
        assert not any(isinstance(item, Task) for item in parser.feed(ch))
    assert [type(item) for item in parser.feed(text[-1])][-1] is Task


def test_thoughts_come_with_their_line() -> None:
    parser = PlanParser()
    assert parser.feed("Thought: I look") == []
    assert parser.feed(" it up\n") == [Thought("I look it up")]
    [task] = parser.feed("1. f()")
    assert isinstance(task, Task)
    assert task.thought == "I look it up"


def test_trailing_text_comes_after_the_task_with_its_line() -> None:
    parser = PlanParser()
    assert [type(i) for i in parser.feed("1. f()")] == [Task]
    assert parser.feed(".name") == []
    [problem] = parser.feed("\n")
    assert isinstance(problem, Diagnostic)
    assert (problem.code, problem.severity, problem.task_id) == ("trailing-text", "error", 1)


def test_nothing_after_close_or_the_end() -> None:
    parser = PlanParser()
    parser.feed("1. f()\n<END_OF_PLAN>")
    assert parser.feed("2. g()\njoin()") == []
    assert parser.close() == []
    assert parser.close() == []
    assert not parser.joined


HEADS = [
    *(
        "- ",
        "* ",
        "*",
        "**",
        "`",
        ">",
        "Action",
        "action",
        " ",
        "\t",
        "1",
        "23",
        "Step",
        ":",
        ".",
        ")",
        "$",
        "=",
        " = ",
    ),
    *(
        "f",
        "g-x.y",
        "join",
        "Join",
        "(",
        "for",
        " x",
        "if",
        "Thought",
        "thoughts",
        "```",
        "~~~",
        "<END_OF_PLAN>",
        "é",
    ),
]


@pytest.mark.parametrize("paren", [False, True])
def test_a_head_is_awaited_until_it_is_known(paren: bool) -> None:
    """What becomes a head was viable all along, and stays the same head whatever follows."""
    rng = random.Random(5)
    known = 0
    for _ in range(15_000):
        text = "".join(rng.choice(HEADS) for _ in range(rng.randint(1, 8))).lstrip()
        if not text:
            continue
        for find in (lambda t: head_inside(t, in_string=False, paren=paren), head_after_call):
            full = find(text)
            first = next((i for i in range(1, len(text) + 1) if find(text[:i]) is not None), None)
            assert (first is None) == (full is None)
            if first is not None:
                known += 1
                assert find(text[:first]) == full
                assert all(
                    viable_inside(text[:i], paren=paren or find is head_after_call) for i in range(1, first)
                )
    assert known > 300
