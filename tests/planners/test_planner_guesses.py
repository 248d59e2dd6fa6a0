"""Arguments that a model made up instead of referring to a result."""

from __future__ import annotations

from typing import Any

import pytest
from planner_kit import TOOLS

from llmcompiler.diagnostics import CODES
from llmcompiler.plan import Place, Task, TaskSpan
from llmcompiler.values import Ref, Template
from llmcompiler_planners.guesses import GuessCheck

PROMPT = "tools ... Is 8,849 m more than 26.2188 miles? The file is called result of task 1."


def look(*tasks: Task, numbers: bool = True, earlier: frozenset[int] = frozenset()) -> list[str]:
    check = GuessCheck(lambda: PROMPT, earlier, numbers=numbers)
    found = [check.look(t, TOOLS.get(t.tool)) for t in tasks]
    assert all(d is None or (d.code in CODES and d.severity == "error" and d.task_id) for d in found)
    return ["" if d is None else d.message for d in found]


def search(task_id: int, query: Any = "K2") -> Task:
    return Task(task_id, "search", {"0": query})


def calculate(task_id: int, expression: Any) -> Task:
    return Task(task_id, "calculate", {"0": expression})


@pytest.mark.parametrize(
    "text",
    [
        "result of 1",
        "the result of step 1",
        "Output from task 1",
        "the value of the previous step",
        "step 1 output",
        "Task 1's result",
        "the previous result",
        "#E1",
        "<1>",
        "{{1.height}}",
        "{1[0].name}",
        "{{ $1.height }}",
        "{{1.height}} / 2",
        "Dear [name from step 1], all is well",
        "<height found in task 1> * 3",
    ],
)
def test_must_beat_21_a_placeholder_in_words_is_refused(text: str) -> None:
    assert "stands for the result of another call" in look(search(1), search(2, text))[1]
    assert look(search(1), Task(2, "send", {"to": ["x", {"deep": text}]}))[1]


@pytest.mark.parametrize(
    "text",
    [
        "results of the 2024 election",
        "what is the result of 1 + 1",
        "value",
        "answer",
        "#1",
        "[1]",
        "<b>",
        "{9.x}",
        "call 911",
        "see <step 9> and [call 7]",
        "{{9.x}} / 2",
        "[call 1" + "x" * 200 + "]",
        "population of Paris",
        "the result of task 1 was good news",
        "",
        "x" * 10_000,
    ],
)
def test_honest_text_passes(text: str) -> None:
    assert look(search(1), search(2, text)) == ["", ""]


def test_text_of_the_question_passes() -> None:
    assert look(search(1), search(2, "result of task 1")) == ["", ""]


def test_the_first_task_can_not_stand_for_another() -> None:
    assert look(search(1, "the previous result")) == [""]
    assert look(search(4, "the previous result"), earlier=frozenset({3})) != [""]


@pytest.mark.parametrize(
    "expression", ["8611 / 8850", "round(4807.81 * 2)", 4807.81, ["x", "4807.81"], "8611"]
)
def test_must_beat_21_a_number_from_memory_is_refused_where_results_go_unused(expression: Any) -> None:
    message = look(search(1), search(2, "Everest"), calculate(3, expression))[2]
    assert "is not in the question" in message


@pytest.mark.parametrize(
    "expression",
    [
        "8849 / 26.2188",
        "8849.0",
        "1000 * 60",
        "2 ** 10 / 12",
        "2024 - 1987",
        "about 8611 m",
        "100",
        True,
        10**80,
    ],
)
def test_numbers_of_the_question_short_ones_and_years_pass(expression: Any) -> None:
    assert look(search(1), calculate(2, expression)) == ["", ""]


def test_a_number_passes_where_every_result_is_used_or_there_is_none() -> None:
    assert look(calculate(1, "8611 * 3")) == [""]
    assert look(search(1), calculate(2, Template(("8611 / ", Ref(1, ("height",)))))) == ["", ""]
    assert look(search(1), calculate(2, Ref(1)), Task(3, "search", {"0": Ref(2)})) == ["", "", ""]
    # Results of earlier rounds are for the joiner too.
    assert look(calculate(4, "8611 * 3"), earlier=frozenset({1, 2, 3})) == [""]


def test_only_computations_are_looked_at() -> None:
    assert look(search(1), search(2, "8611"), Task(3, "send", {"to": "8611", "body": "4807.81"})) == [
        "",
        "",
        "",
    ]
    assert look(search(1), Task(2, "unknown", {"x": "8611"})) == ["", ""]


def test_a_number_written_again_is_believed() -> None:
    assert look(search(1), calculate(2, "8611 * 3"), numbers=False) == ["", ""]


def test_the_caret_is_under_the_argument() -> None:
    source = '2. calculate("8611 * 3")'
    place = Place(2, 14, source)
    task = Task(
        2,
        "calculate",
        {"0": "8611 * 3"},
        span=TaskSpan(Place(2, 1, source), Place(2, 4, source), {"0": place}),
    )
    check = GuessCheck(lambda: PROMPT, frozenset())
    check.look(search(1), TOOLS["search"])
    found = check.look(task, TOOLS["calculate"])
    assert found is not None
    assert (found.line, found.column, found.source, found.task_id) == (2, 14, source, 2)
    assert "write the line again" in found.render() or "write the same line again" in found.render()
