"""A call of which a part may be missing is an error with a place and a way out, and is never made."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llmcompiler import LLMCompiler, PlanError, tool
from llmcompiler.diagnostics import Diagnostic
from llmcompiler.language import PlanParser, parse_plan
from llmcompiler.plan import Task
from llmcompiler.testing import ScriptedModel

NEXT = [
    "",
    "\n",
    "\n2. g(1)\n",
    "\n\n2. g(1)",
    "\nThought: on\n2. g(1)",
    "\njoin()",
    "\n```\n",
    "\n<END_OF_PLAN>",
]
OPENINGS = [
    'write("',
    "write('",
    'write(path="a", text="',
    'write(["a", "',
    'write({"k": "',
    'write("""',
    "write(“",
]


def tasks(text: str, step: int = 0) -> list[Task]:
    parser = PlanParser()
    chunks = [text[i : i + step] for i in range(0, len(text), step)] if step else [text]
    items = [item for chunk in chunks for item in parser.feed(chunk)] + parser.close()
    return [item for item in items if isinstance(item, Task)]


@settings(max_examples=150, deadline=None, derandomize=True)
@given(
    opening=st.sampled_from(OPENINGS),
    said=st.text(st.characters(exclude_characters="\"'“”„‟\\\n\r", codec="utf-8"), max_size=20),
    closing=st.sampled_from(["", ")", "])", "})"]),
    follows=st.sampled_from(NEXT),
    step=st.integers(0, 7),
)
def test_a_call_that_ends_in_a_string_is_not_made(
    opening: str, said: str, closing: str, follows: str, step: int
) -> None:
    made = tasks(f"1. {opening}{said}{closing}{follows}", step)
    assert [t for t in made if t.tool == "write"] == []
    assert [t.tool for t in made] == (["g"] if "g(1)" in follows else [])


@pytest.mark.parametrize("inside", ['["a"', '{"k": 1', '["a", {"k": (1', '"a",', "x=", "", '["a", "b'])
@pytest.mark.parametrize("follows", ["", *NEXT[2:]])
def test_a_call_that_ends_among_its_arguments_is_not_made(inside: str, follows: str) -> None:
    assert [t.tool for t in tasks(f"1. write({inside}{follows}")] == (["g"] if "g(1)" in follows else [])


@pytest.mark.parametrize("inside", ['"a"', '"a", ["b"]', "x=1", "$9.a", "'it''s'"])
@pytest.mark.parametrize("follows", NEXT)
def test_only_the_last_bracket_is_put_there(inside: str, follows: str) -> None:
    parser = PlanParser(earlier=[9])
    items = parser.feed(f"1. f({inside}{follows}") + parser.close()
    [warning, task] = items[:2]
    assert isinstance(warning, Diagnostic)
    assert (warning.code, warning.severity) == ("unclosed", "warning")
    assert isinstance(task, Task)
    whole = PlanParser(earlier=[9]).feed(f"1. f({inside})")
    assert whole == [task]


def test_the_error_shows_the_place_and_the_way_out() -> None:
    _, [first, second] = parse_plan('1. write("a\n2. g(["x", 1\n3. h()')
    assert first.severity == second.severity == "error"
    assert first.render().splitlines()[1:3] == ['  1. write("a', "           ^"]
    assert "triple quotes" in first.hint
    assert second.render().splitlines()[1:3] == ['  2. g(["x", 1', "              ^"]
    assert "`[`" in second.message


async def test_nothing_of_such_a_plan_runs_and_a_planner_writes_only_that_line_again() -> None:
    written: list[str] = []

    @tool(effect="write")
    def write(text: str) -> str:
        """Write it."""
        written.append(text)
        return text

    with pytest.raises(PlanError, match="unclosed"):
        await LLMCompiler([write]).execute('1. write("delete a\n2. write("b")\njoin()')
    assert written == []
    model = ScriptedModel(['1. write("delete a\n2. write("b")\njoin($2)', '1. write("delete a.txt")'])
    result = await LLMCompiler([write], model=model, planner="text").run("Tidy up.")
    assert sorted(written) == ["b", "delete a.txt"]
    assert result.output == "b"
    assert [r.purpose for r in model.requests] == ["plan", "repair"]
