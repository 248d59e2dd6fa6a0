"""Python plans: whatever is printed reads back as the same plan, and no text and no chunking breaks the reader."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st
from planner_kit import TOOLS

from llmcompiler.diagnostics import CODES, Diagnostic
from llmcompiler.guards import Compare, Guard, Truth, guard_leaves
from llmcompiler.plan import Join, Plan, Task
from llmcompiler.renaming import rename_join, rename_task
from llmcompiler.values import is_literal
from llmcompiler_planners.pycode import PythonPlanReader, plan_to_python, read_python_plan
from tests.language import strategies as s

quick = settings(
    max_examples=60,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


def numbered(plan: Plan) -> Plan:
    """The plan with ids from 1 on and a join, as reading gives it."""
    ids = {task.id: number for number, task in enumerate(plan.tasks, 1)}
    tasks = tuple(replace(rename_task(task, ids), id=ids[task.id]) for task in plan.tasks)
    return Plan(tasks, rename_join(plan.join or Join(), ids))


def is_decided(guard: Guard) -> bool:
    """Whether a part of the condition is decided by the plan alone, which reading does."""
    for leaf in guard_leaves(guard):
        values = [leaf.value] if isinstance(leaf, Truth) else [leaf.left, leaf.right]
        if all(map(is_literal, values)):
            return True
    return False


def items_of(pieces: list[str], **options: Any) -> list[Any]:
    reader = PythonPlanReader(**options)
    items: list[Any] = []
    for piece in pieces:
        items.extend(reader.feed(piece))
    items.extend(reader.close())
    return items


def chunked(text: str, cuts: list[int]) -> list[str]:
    places = sorted({min(cut, len(text)) for cut in cuts})
    return [text[a:b] for a, b in zip([0, *places], [*places, len(text)], strict=True)]


@quick
@given(s.plans())
def test_a_printed_plan_reads_back_as_the_same_plan(plan: Plan) -> None:
    assume(not any(t.when is not None and is_decided(t.when) for t in plan.tasks))
    text = plan_to_python(plan)
    read, diagnostics = read_python_plan(text)
    assert diagnostics == []
    assert read == numbered(plan) if plan.tasks or plan.join else read == Plan()


# -- any text -------------------------------------------------------------------------------------

STATEMENTS = [
    'a = search("K2")',
    'b = search("Everest", limit=3)',
    "ratio = a.height / b.height",
    "a, b = search('x'), search('y')",
    'found = [search(m) for m in ["a", "b"]]',
    "found = [search(c.name) for c in a.name if c.x > 3]",
    "out = []",
    "for c in a.name:\n    d = search(c)\n    out.append(d)",
    'for m in ["a", "b"]:\n    send("me", m)',
    "total = 0",
    "for i in range(3):\n    total += search(str(i)).height",
    'if a.height > 3:\n    b = search("c")\nelse:\n    b = a',
    "if a:\n    return a\nelif b:\n    pass",
    'send("me", f"{a.name} is {a.height:.2f} m")',
    "return a",
    "return",
    "print(a)",
    'x = search("p") if a.height > 3 else a',
    "x = max(a.height, b.height)",
    "x = round(a.height / 7, 2)",
    "# a remark",
    "import os",
    "while True:\n    pass",
    "x = lambda: 1",
    "def f():\n    return 1",
    "y = a.__class__",
    "a = [a, a]",
    '"""A docstring."""',
    "await asyncio.gather(search('a'), search('b'))",
    'd = {"k": a}',
    "d['z'] = search('q')",
    "send(to='x', body=d['z'])",
    "x = a[0]['k'][-1].z",
    "s = 'a' + str(a) + 'b'",
    "s = s + s",
    "del a",
    "x = y = a",
    "x: int = search('t')",
    "try:\n    a()\nexcept E:\n    pass",
    "```python",
    "```",
    "Here is the plan:",
    "answer = a",
    "if not (a and b) or a.height in [1, 2]:\n    send('x', 'y')",
    "join(a)",
    "geo.look_up('x')",
    "for x in a: search(x)",
]
PIECES = [
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    '"',
    "'",
    '"""',
    "'''",
    "\\",
    "\n",
    "\r\n",
    "\r",
    "    ",
    "\t",
    "#",
    ":",
    "=",
    ",",
    ";",
    ".",
    " if ",
    " else ",
    " for x in a",
    "lambda",
    "*",
    "**",
    "-",
    "not ",
    "\x00",
    "\u202e",
    "\ufeff",
    "\x0c",
    "é",
    "f'{",
    "}'",
    "1e999",
    "9" * 40,
    "0x",
    "@",
    "!",
    "$1",
    "<END_OF_PLAN>",
    "```\n",
    "return ",
    "async ",
    "await ",
    "if 1:",
    "\\\n",
]


@st.composite
def programs(draw: st.DrawFn) -> str:
    """Programs, some of them damaged."""
    text = "\n".join(draw(st.lists(st.sampled_from(STATEMENTS), max_size=8)))
    for _ in range(draw(st.integers(0, 4))):
        at = draw(st.integers(0, len(text)))
        match draw(st.integers(0, 3)):
            case 0:
                text = text[:at]
            case 1:
                text = text[:at] + text[at + draw(st.integers(1, 6)) :]
            case 2:
                text = text[:at] + draw(st.sampled_from(PIECES)) + text[at:]
            case _:
                text += "\n" + text[at : at + 60]
    return text


any_text = (
    programs()
    | s.named(st.lists(st.sampled_from(PIECES + STATEMENTS), max_size=20).map("".join))
    | s.any_text
)


def check(items: list[Any], text: str) -> None:
    ids = [item.id for item in items if isinstance(item, Task)]
    assert ids == sorted(set(ids))
    lines = re.split(r"\r\n|\r|\n", text)
    for item in items:
        if isinstance(item, Diagnostic):
            assert item.code in CODES
            assert item.message
            assert 1 <= item.line <= len(lines)
            assert 1 <= item.column <= len(lines[item.line - 1]) + 2
            assert item.render()
        elif isinstance(item, Task):
            assert all(d < item.id for d in item.depends_on)
            assert str(item)
    joins = [i for i, item in enumerate(items) if isinstance(item, Join)]
    assert joins in ([], [len(items) - 1])


@quick
@given(any_text, st.lists(st.integers(0, 200), max_size=6), st.booleans())
@example("x = search('a'\r\ny = 1\r", [14, 15], True)
@example("if a:\n    b()\nelse", [13, 14, 15, 16, 17], False)
@example("return\n# a remark\nreturn", [8], True)
@example('@a = search("K2")\na = search("K2")\na = 1', [19], True)
@example('x = """\nsearch("a")\n', [3], True)
def test_any_chunking_of_any_text_gives_the_same_items(text: str, cuts: list[int], known: bool) -> None:
    options: dict[str, Any] = {"tools": TOOLS} if known else {}
    whole = items_of([text], **options)
    check(whole, text)
    assert items_of(chunked(text, cuts), **options) == whole
    assert items_of(list(text), **options) == whole


@quick
@given(programs())
def test_a_plan_that_was_read_prints_and_reads_as_the_same_plan(text: str) -> None:
    plan, found = read_python_plan(text, TOOLS)
    assume(not any(d.severity == "error" for d in found))
    again, diagnostics = read_python_plan(plan_to_python(plan, TOOLS), TOOLS)
    assert again == numbered(plan) or not plan.tasks
    assert [d for d in diagnostics if d.severity == "error"] == []


def test_a_condition_with_a_written_part_is_decided_while_reading() -> None:
    plan, _ = read_python_plan(
        'a = search("x")\nif 1 > 2 or a.ok:\n    search("y")\nif 1 > 2:\n    search("z")'
    )
    assert [t.when for t in plan.tasks] == [None, Truth(plan.tasks[1].when.value)]  # type: ignore[union-attr]
    assert not any(isinstance(t.when, Compare) for t in plan.tasks)
