"""One step of a ReAct model as read: spellings of a call, ends, what can not be read, and no text that is slow."""

from __future__ import annotations

import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from planner_kit import TOOLS

from llmcompiler.plan import Join
from llmcompiler.values import Ref, Template
from llmcompiler_planners.steps import read_step


def call(text: str, **options: Any) -> tuple[str, dict[str, Any]]:
    step = read_step(text, 4, {1, 2, 3}, TOOLS.keys(), **options)
    assert step.task is not None, step.problem
    assert step.task.id == 4
    return step.task.tool, dict(step.task.args)


@pytest.mark.parametrize(
    "text",
    [
        'Action: search("K2")',
        "Action: search('K2')",
        'Thought: I need it\nAction: search("K2")\nObservation: made up\nFinal Answer: wrong',
        '**Thought:** so\n**Action:** search("K2")',
        'Thought 2: so\nAction 2: search("K2")',
        'Action: 7. search("K2")',
        "Action: search(K2)",
        'Action: search("K2"',
        'Action: `search("K2")`',
        'Action:\n```python\nsearch("K2")\n```',
        "Action: search[K2]",
        "Action: search\nAction Input: K2",
        'Action: search\nAction Input: "K2"',
        "Action: **search**\nAction Input: 'K2'\n",
        'Thought: hm\nsearch("K2")',
        'search("K2")',
    ],
)
def test_spellings_of_one_text(text: str) -> None:
    assert call(text) == ("search", {"0": "K2"})


@pytest.mark.parametrize(
    "text",
    [
        'Action: search(query="K2", limit=3)',
        'Action: search\nAction Input: {"query": "K2", "limit": 3}',
        'Action: search\nAction Input:\n```json\n{"query": "K2", "limit": 3}\n```',
        'Action: search\nAction Input: query="K2", limit=3',
        'Action: search\nAction Input: (query="K2", limit=3)',
        'Action: {"name": "search", "arguments": {"query": "K2", "limit": 3}}',
        'Action:\n```json\n{"action": "search", "action_input": {"query": "K2", "limit": 3}}\n```',
        'Action: {"function": {"name": "search", "arguments": "{\\"query\\": \\"K2\\", \\"limit\\": 3}"}}',
    ],
)
def test_spellings_of_arguments_by_name(text: str) -> None:
    assert call(text) == ("search", {"query": "K2", "limit": 3})


def test_references_in_actions() -> None:
    assert call("Action: search($2)") == ("search", {"0": Ref(2)})
    assert call('Action: search\nAction Input: {"query": "$2.name"}') == (
        "search",
        {"query": Ref(2, ("name",))},
    )
    assert call('Action: search\nAction Input: {"query": "more than ${2.name}, $9"}') == (
        "search",
        {"query": Template(("more than ", Ref(2, ("name",)), ", $9"))},
    )


def test_other_ends() -> None:
    def ends(text: str) -> Any:
        step = read_step(text, 4, {1, 2, 3}, TOOLS.keys())
        return step.answer if step.join is None else step.join

    assert ends("Thought: so\nFinal Answer: 42") == "42"
    assert ends("Answer: 42") == "42"
    assert ends("Action: Finish[42 (about)]") == "42 (about)"
    assert ends('Action: finish("42 (about)")') == "42 (about)"
    assert ends("Action: Final Answer\nAction Input: 42") == "42"
    assert ends('Action: {"action": "Final Answer", "action_input": "42"}') == "42"
    assert ends("Final Answer: $3") == Join(Ref(3))
    assert ends("Final Answer: ${3.name}.") == Join(Ref(3, ("name",)))
    assert ends("Action: join($3)") == Join(Ref(3))
    assert ends("Final Answer: $4") == "$4"
    assert ends("Final Answer: $3 a piece") == "$3 a piece"


def test_a_text_with_lines_that_look_like_labels_is_one_argument() -> None:
    assert call('Action: send("me", "Hi,\nAnswer: 5\nAction: none")') == (
        "send",
        {"0": "me", "1": "Hi,\nAnswer: 5\nAction: none"},
    )


@pytest.mark.parametrize(
    "text",
    [
        "Action: look it up on the web",
        "Action:",
        "Action: {broken",
        'Action: {"x": 1}',
        "Action: [1, 2]",
        "Action: search($7",
    ],
)
def test_actions_that_can_not_be_read(text: str) -> None:
    step = read_step(text, 4, {1, 2, 3}, TOOLS.keys())
    assert (step.task, step.answer, step.join) == (None, None, None)
    assert step.problem


def test_a_call_that_was_cut_is_none() -> None:
    assert read_step('Action: search("Mount Ev', 4, (), TOOLS.keys(), whole=False).task is None
    assert read_step("Action: search\nAction Input: Mount Ev", 4, (), TOOLS.keys(), whole=False).task is None
    assert read_step('Action: search("Mount Everest"', 4, (), TOOLS.keys(), whole=False).task is None
    assert read_step("Action: search[see [1]", 4, (), TOOLS.keys(), whole=False).task is None
    assert call('Action: search("K2")', whole=False) == ("search", {"0": "K2"})


def test_a_call_for_each_item_and_one_with_a_condition() -> None:
    step = read_step("Action: for x in $2.names: search(x)", 4, {1, 2, 3}, TOOLS.keys())
    assert step.task is not None
    assert (step.task.tool, str(step.task.each and step.task.each.source)) == ("search", "$2.names")
    step = read_step('Action: if $2 > 3: search("K2")', 4, {1, 2, 3}, TOOLS.keys())
    assert step.task is not None
    assert step.task.when is not None


@given(
    st.text(st.sampled_from("ActionThoughtFinal swer:Observation: Input[](){}\"'$1.,\n`*x="), max_size=120)
)
def test_any_text_is_read(text: str) -> None:
    step = read_step(text, 4, {1, 2, 3}, TOOLS.keys())
    assert sum(x is not None for x in (step.task, step.answer, step.join)) <= 1
    assert (
        step.task
        or step.answer is not None
        or step.join
        or step.problem
        or not text.strip()
        or step.plain == ""
    )


@pytest.mark.parametrize(
    "piece",
    [
        "[",
        "]",
        "(",
        "{",
        '"',
        "`",
        "\n",
        "Action:",
        "\nAction: x",
        "\nObservation",
        "\nThought:",
        "$1",
        "a=",
        " ",
    ],
)
def test_long_replies_take_time_in_proportion(piece: str) -> None:
    for head in ("", "Action: search", "Action: search\nAction Input: ", "Action: ", "Final Answer: "):
        begun = time.process_time()
        read_step(head + piece * (100_000 // len(piece)) + "x", 4, {1}, TOOLS.keys())
        assert time.process_time() - begun < 5, "0.1 s is usual; what grows with the square takes minutes"
