"""Plan texts as models write them, with what the parser makes of each: `cases/*.txt`, and one test over them all.

A case is `=== title`, the text, `---`, and what comes out in order: tasks in canonical text, thoughts, the join, and
diagnostics as `line:column severity code task=id`.
"""

from pathlib import Path

import pytest

from llmcompiler.diagnostics import CODES
from llmcompiler.language import Item, PlanParser, parse_plan, print_task
from llmcompiler.plan import Join, Task, Thought


def _cases() -> list[tuple[str, str, str]]:
    found = []
    for file in sorted(Path(__file__).with_name("cases").glob("*.txt")):
        for case in ("\n" + file.read_text(encoding="utf-8")).split("\n=== ")[1:]:
            title, _, rest = case.partition("\n")
            text, _, expected = rest.partition("\n---\n")
            found.append((f"{file.stem}: {title}", text, expected.strip("\n")))
    return found


CASES = _cases()


def shown(item: Item) -> str:
    if isinstance(item, Task):
        return print_task(item)
    if isinstance(item, Join):
        return f"join({item.ref or ''})"
    if isinstance(item, Thought):
        return f"thought {item.text}"
    return f"{item.line}:{item.column} {item.severity} {item.code} task={item.task_id}"


@pytest.mark.parametrize(("text", "expected"), [c[1:] for c in CASES], ids=[c[0] for c in CASES])
def test_case(text: str, expected: str) -> None:
    parser = PlanParser()
    items = parser.feed(text) + parser.close()
    assert "\n".join(map(shown, items)) == expected


@pytest.mark.parametrize("text", [c[1] for c in CASES], ids=[c[0] for c in CASES])
def test_diagnostics_are_complete(text: str) -> None:
    lines = text.split("\n")
    for diagnostic in parse_plan(text)[1]:
        assert diagnostic.code in CODES
        assert diagnostic.message
        assert diagnostic.hint
        assert lines[diagnostic.line - 1].startswith(diagnostic.source)
        assert diagnostic.column <= len(lines[diagnostic.line - 1]) + 1
        assert "^" in diagnostic.render()


def test_there_are_cases() -> None:
    assert len(CASES) > 60
