"""Data sets: what a record means, in every format, and what is said about wrong ones."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmcompiler.evaluation import Dataset, DatasetError, Example, ExpectedCall


def write(folder: Path, name: str, text: str | bytes) -> Path:
    path = folder / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


RECORD = {
    "id": "m1",
    "question": "Wie hoch ist das 山?",
    "answers": ["8849", "8,849 m"],
    "family": "heights",
    "calls": ["height", {"tool": "height", "args": {"of": "Everest"}}],
    "plan": '1. height("Everest")\njoin($1)',
}
READ = Example(
    "m1",
    "Wie hoch ist das 山?",
    ("8849", "8,849 m"),
    None,
    "heights",
    ('1. height("Everest")\njoin($1)',),
    (ExpectedCall("height", {}), ExpectedCall("height", {"of": "Everest"})),
    1,
)


def test_jsonl(tmp_path: Path) -> None:
    text = "\ufeff" + json.dumps(RECORD, ensure_ascii=False) + '\r\n\n{"question": "b?", "range": [1, 2.5]}'
    first, second = Dataset.read(write(tmp_path, "q.jsonl", text))
    assert first == READ
    assert (second.id, second.range, second.line) == ("2", (1.0, 2.5), 3)
    assert second.reference == "a number from 1 to 2.5"


@pytest.mark.parametrize(
    "wrap", [lambda r: r, lambda r: {"questions": r, "version": 1}, lambda r: {"data": r}]
)
def test_json(tmp_path: Path, wrap: Any) -> None:
    dataset = Dataset.read(write(tmp_path, "q.json", json.dumps(wrap([RECORD]))))
    assert dataset.examples == (Example(**{f: getattr(READ, f) for f in READ.__slots__ if f != "line"}),)
    assert dataset.name == "q"


@pytest.mark.parametrize(("name", "separator"), [("q.csv", ","), ("q.csv", ";"), ("q.tsv", "\t")])
def test_csv(tmp_path: Path, name: str, separator: str) -> None:
    rows = [
        ["id", "question", "answers", "range", "calls", "family"],
        ["1", '"two\nlines, and a comma; here"', "Oslo|Christiania", "", "a|b", "x"],
        ["2", "b?", "", "10..12", '"[""a""]"', ""],
    ]
    text = "\n".join(separator.join(r) for r in rows) + "\n"
    first, second = Dataset.read(write(tmp_path, name, text))
    assert first.question == "two\nlines, and a comma; here"
    assert first.answers == ("Oslo", "Christiania")
    assert [c.tool for c in first.calls] == ["a", "b"]
    assert (second.range, second.line, second.family) == ((10.0, 12.0), 4, "")
    assert [c.tool for c in second.calls] == ["a"]


def test_fields_of_other_names(tmp_path: Path) -> None:
    path = write(tmp_path, "q.jsonl", '{"prompt": "a?", "target": 3, "topic": "sums"}')
    (example,) = Dataset.read(path, fields={"question": "prompt", "answer": "target", "family": "topic"})
    assert (example.question, example.answers, example.family) == ("a?", (3,), "sums")


def test_the_forms_of_published_sets() -> None:
    dataset = Dataset.of(
        [
            {"id": "1", "question": "a?", "answer": "Mariana Trench", "branch": 2},
            {"id": "2", "question": "b?", "answer": "yes", "level": "hard"},
        ]
    )
    assert [e.family for e in dataset] == ["branch 2", "hard"]


@pytest.mark.parametrize(
    ("text", "line", "field", "words"),
    [
        ('{"question": "x", "answer": ', 1, None, r"q.jsonl:1:\d+: not JSON"),
        ('{"question": "ok", "answer": 1}\n[1]', 2, None, "q.jsonl:2: an object is expected, not a list"),
        ('{"question": "x", "answer": NaN}', 1, None, "NaN is no JSON number"),
        ('{"question": "x", "answer": 1, "answer": 2}', 1, None, "'answer' stands twice"),
        ('{"question": 5, "answer": 1}', 1, "question", "a text is expected, not a number"),
        ('{"question": "  ", "answer": 1}', 1, "question", "is empty"),
        ('{"prompt": "x", "answer": 1}', 1, None, "no `question`; it has prompt, answer"),
        ('{"question": "x", "answer": null}', 1, "answer", "not nothing"),
        ('{"question": "x", "answer": ""}', 1, "answer", "is empty"),
        ('{"question": "x", "answers": []}', 1, "answers", "a list of right answers"),
        ('{"question": "x", "answers": [1, null]}', 1, "answers", "not nothing"),
        ('{"question": "x", "answer": 1, "range": [1, 2]}', 1, None, "both `answer` and `range`"),
        ('{"question": "x", "range": [2, 1]}', 1, "range", "2 is above 1"),
        ('{"question": "x", "range": [1]}', 1, "range", "two numbers"),
        ('{"question": "x", "range": "one to two"}', 1, "range", "two numbers"),
        ('{"question": "x", "answer": 1, "id": true}', 1, "id", "not true or false"),
        ('{"question": "x", "answer": 1, "family": ["a"]}', 1, "family", "not a list"),
        ('{"question": "x", "answer": 1, "calls": [{"name": "f"}]}', 1, "calls", "neither a tool's name"),
        ('{"question": "x", "answer": 1, "plan": [""]}', 1, "plan", "plan text is expected"),
        (
            '{"question": "x", "answer": 1}\n\n{"question": "y", "answer": 1, "id": 1}',
            3,
            "id",
            "id of line 1",
        ),
        ("", None, None, "there is no question in it"),
        (b'{"question": "x",\n "answer": "\xff"}', 2, None, r"q.jsonl:2:13: not UTF-8"),
        ("[" * 200_000, 1, None, "not JSON"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(
    tmp_path: Path, text: str | bytes, line: int | None, field: str | None, words: str
) -> None:
    with pytest.raises(DatasetError, match=words) as caught:
        Dataset.read(write(tmp_path, "q.jsonl", text))
    assert (caught.value.line, caught.value.field) == (line, field)
    assert str(tmp_path / "q.jsonl") in str(caught.value)


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("q.csv", "question,answer\na,1,2\n", "q.csv:2: 3 columns, and the header has 2"),
        ("q.csv", 'question,answer\n"a,1\n', "q.csv:2: not CSV"),
        ("q.csv", "question,question\na,1\n", "q.csv:1: field `question`: this column stands twice"),
        ("q.json", '{"a": 1}', "give a list of questions"),
        ("q.json", '[{"question": "x", "answer": 1}, 3]', "record 2: an object is expected"),
        ("q.json", '{"a": 1}\n{"b": 2}', r"q.json:2:1: not JSON: Extra data; .*\.jsonl"),
        ("q.txt", "x", "its kind is told by the end of its name"),
    ],
)
def test_wrong_files_of_other_formats(tmp_path: Path, name: str, text: str, words: str) -> None:
    with pytest.raises(DatasetError, match=words):
        Dataset.read(write(tmp_path, name, text))


def test_no_file_and_a_folder(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="there is no such file"):
        Dataset.read(tmp_path / "none.jsonl")
    (tmp_path / "folder.jsonl").mkdir()
    with pytest.raises(DatasetError, match="can not be read"):
        Dataset.read(tmp_path / "folder.jsonl")


def test_a_field_that_can_not_be_renamed() -> None:
    with pytest.raises(DatasetError, match="no field 'answr' to rename"):
        Dataset.of([{"question": "x", "answer": 1}], fields={"answr": "x"})


def test_an_answer_of_a_megabyte(tmp_path: Path) -> None:
    path = write(tmp_path, "q.csv", f'question,answer\nx,"{"long " * 200_000}"\n')
    (example,) = Dataset.read(path)
    assert len(example.answers[0]) == 1_000_000


@given(st.integers(1, 30), st.integers(0, 5), st.data())
def test_samples_grow_with_their_limit(size: int, seed: int, data: st.DataObject) -> None:
    dataset = Dataset.of([{"question": f"{n}?", "answer": n} for n in range(size)])
    small = data.draw(st.integers(1, size))
    large = data.draw(st.integers(small, size))
    few, many = ([e.id for e in dataset.sample(n, seed)] for n in (small, large))
    assert len(few) == small
    assert set(few) <= set(many)
    assert few == sorted(few, key=int)
    assert [e.id for e in dataset.sample(small)] == [str(n) for n in range(1, small + 1)]


def test_the_fingerprint_is_that_of_questions_and_answers() -> None:
    record = {"question": "a?", "answer": 1}
    same = Dataset.of([record]).digest
    assert Dataset.of([{**record, "family": "x"}], name="other").digest == same
    assert Dataset.of([{**record, "answer": 2}]).digest != same
    assert Dataset.of([{**record, "question": "b?"}]).digest != same
    assert Dataset.of([record, {"question": "b?", "answer": 2}]).digest != same
