"""How a joiner's reply is read: JSON, action lines, plain text, and streamed answers."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmcompiler_planners.replies import AnswerStream, read_reply

DECISION = {"thought": "both are known", "action": "answer", "answer": "K2 (8,611 m)", "feedback": None}


@pytest.mark.parametrize(
    "text",
    [
        json.dumps(DECISION),
        json.dumps(DECISION, indent=2) + "\n\n",
        f"```json\n{json.dumps(DECISION)}\n```",
        f"```\n{json.dumps(DECISION)}\n```\n",
        f"Here is my decision:\n{json.dumps(DECISION)}\nThat is all.",
        f'I looked at {{the results}} and {{"a": 1}}.\n```json\n{json.dumps(DECISION)}\n```',
    ],
    ids=["bare", "indented", "fence", "plain fence", "in prose", "after other braces"],
)
def test_json_is_found_wherever_it_stands(text: str) -> None:
    reply = read_reply(text)
    assert (reply.action, reply.answer, reply.thought) == ("answer", "K2 (8,611 m)", "both are known")


def test_json_that_asks_for_another_round() -> None:
    reply = read_reply(
        '{"thought": "t", "action": "replan", "answer": null, "feedback": "find the height of K2"}'
    )
    assert (reply.action, reply.feedback) == ("replan", "find the height of K2")


def test_json_with_only_an_answer_is_one() -> None:
    assert read_reply('{"answer": 42}').answer == 42
    # Inside other text it may as well be a quotation.
    assert read_reply('The tool said {"answer": 42}.').action is None


def test_json_that_is_the_answer_itself_is_left_to_the_output_type() -> None:
    reply = read_reply('```json\n{"name": "K2", "height": 8611}\n```')
    assert reply.action is None
    assert not reply.broken


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("Action: Finish(K2 is higher)", "K2 is higher"),
        ("Finish(K2 is higher)", "K2 is higher"),
        ("Thought: I have both.\nThey are enough.\nAction: Finish(K2 is higher)\n", "K2 is higher"),
        ("thought: ok\naction: finish(K2 is higher)  \n\n", "K2 is higher"),
        ("Answer: K2 is higher", "K2 is higher"),
        ("Thought: ok\nFinal Answer: K2 is higher", "K2 is higher"),
        ("Finish(K2 is higher", "K2 is higher"),
        ("Finish(K2 (8,611 m) is higher (by far))", "K2 (8,611 m) is higher (by far)"),
        ("Finish(1) K2 2) Everest)", "1) K2 2) Everest"),
        ("Action: Finish(Replan(x) is not what I mean)", "Replan(x) is not what I mean"),
        ("Finish(first line\nAction: Replan(no)\nlast line)", "first line\nAction: Replan(no)\nlast line"),
    ],
)
def test_must_beat_10_an_answer_is_taken_to_the_last_bracket(text: str, answer: str) -> None:
    reply = read_reply(text)
    assert (reply.action, reply.answer) == ("answer", answer)


@pytest.mark.parametrize(
    ("text", "feedback"),
    [
        ("Action: Replan(the height of K2 is missing)", "the height of K2 is missing"),
        ("Replan: the height (of K2) is missing", "the height (of K2) is missing"),
        ("Thought: no height.\nAction: Replan(find it (again))", "find it (again)"),
        ("Thought: no height.\nReplan", "no height."),
    ],
)
def test_a_replan_line_is_read(text: str, feedback: str) -> None:
    reply = read_reply(text)
    assert (reply.action, reply.feedback) == ("replan", feedback)


@pytest.mark.parametrize(
    "text",
    [
        "Replan your trip: go in May.",
        "You should replan.",
        "The steps are:\nReplan: move the date.\nThen book.",
        "Your options:\n- Replan(x)\n- stay",
        "He said: Action: Replan(everything)",
        "The log says\nAction: Replan(everything)\nwhich is wrong.",
        "To finish(the job), replan.",
        "No answer: nothing was found.\n",
        "   K2 is higher.   \n\n",
    ],
)
def test_must_beat_10_words_inside_an_answer_decide_nothing(text: str) -> None:
    reply = read_reply(text)
    assert reply.action is None
    assert reply.text == text.strip()
    assert not reply.broken


def test_a_thought_alone_is_its_text() -> None:
    assert read_reply("Thought: K2 is higher.").text == "K2 is higher."


@pytest.mark.parametrize(
    "text",
    [
        '{"thought": "x", "action": "answer", "answer": "K2',
        '{"thought": "x", "action": "dance", "answer": "K2"}',
        '{"thought": "x", "action": "answer"}',
        '{"action": "answer", "answer": "K2",,}',
        '{"action": ["answer"], "answer": 1} and more',
    ],
)
def test_broken_json_is_no_answer_in_plain_text(text: str) -> None:
    reply = read_reply(text)
    assert reply.action is None
    assert reply.broken


@pytest.mark.parametrize(
    "text", ["", "{" * 200_000, "[" * 200_000, '{"a":' * 50_000, "```json\n```", "\x00", "{}" * 99_999]
)
def test_nonsense_is_read_without_raising(text: str) -> None:
    assert read_reply(text).action is None


@given(st.text())
def test_any_text_is_read(text: str) -> None:
    read_reply(text)


@given(st.text(), st.text(), st.sampled_from([None, 2]))
def test_every_answer_survives_the_way_through_json(thought: str, answer: str, indent: int | None) -> None:
    text = json.dumps(
        {"thought": thought, "action": "answer", "answer": answer, "feedback": None}, indent=indent
    )
    reply = read_reply(text)
    assert (reply.action, reply.thought, reply.answer) == ("answer", thought, answer)


# -- streaming ------------------------------------------------------------------------------------


def _stream(text: str, size: int = 1, final: object = None) -> list[str]:
    out: list[str] = []
    stream = AnswerStream(out.append)
    for i in range(0, len(text), size):
        stream.feed(text[i : i + size])
    stream.finish(final)
    return out


def test_an_answer_comes_out_while_it_is_written() -> None:
    out = _stream(json.dumps(DECISION))
    assert "".join(out) == DECISION["answer"]
    assert len(out) > 5


def test_it_comes_out_of_a_code_fence_too() -> None:
    assert "".join(_stream(f"```json\n{json.dumps(DECISION)}\n```")) == DECISION["answer"]


@pytest.mark.parametrize(
    "text",
    [
        json.dumps({"thought": "t", "action": "replan", "answer": "K2", "feedback": "more"}),
        json.dumps({"thought": '{"action": "answer", "answer": "no"}', "action": "replan", "answer": None}),
        '{"answer": "K2", "action": "replan"}',
        'Thought: {"action": "answer", "answer": "K2"}',
        "K2 is higher.",
        '{"thought": "x", "action": "answer", "answer": {"answer": "K2"}}',
    ],
)
def test_nothing_comes_out_that_may_not_be_the_answer(text: str) -> None:
    assert _stream(text) == []


@given(st.text(max_size=300).filter(str.strip), st.integers(1, 9))
def test_what_comes_out_is_the_answer_however_the_reply_is_cut(answer: str, size: int) -> None:
    text = json.dumps({"thought": "t", "action": "answer", "answer": answer, "feedback": None})
    assert "".join(_stream(text, size, answer)) == answer


def test_what_is_not_streamed_comes_at_the_end() -> None:
    assert _stream("K2 is higher.", 1, "K2 is higher.") == ["K2 is higher."]


def test_asked_again_nothing_comes_out_twice() -> None:
    out: list[str] = []
    stream = AnswerStream(out.append)
    stream.feed('{"action": "answer", "answer": "K2 is')
    stream.restart()
    for piece in ('{"action": "answer", "answer": "K2', " is higher", '"}'):
        stream.feed(piece)
    stream.finish("K2 is higher")
    assert "".join(out) == "K2 is higher"
    stream.restart()
    stream.feed('{"action": "answer", "answer": "Everest is the highest of all"}')
    assert "".join(out) == "K2 is higher"
