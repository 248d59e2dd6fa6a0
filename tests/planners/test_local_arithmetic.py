"""What a question says about numbers."""

from __future__ import annotations

import pytest

from llmcompiler_planners.arithmetic import operators, written_formula
from llmcompiler_planners.words import read_question


@pytest.mark.parametrize(
    ("question", "formula"),
    [
        ("What is 12 * (3 + 4)?", "12 * (3 + 4)"),
        ("What is (2+3)×(10 - 4)÷3?", "(2+3)*(10 - 4)/3"),
        ("What is 12 * 3 + 4?", None),
        ("What is 2 plus (3?", None),
        ("Which is larger, Oslo (Norway) or Rome (Italy)?", None),
        ("How old was he (30) in 1990?", None),
    ],
)
def test_arithmetic_with_brackets_is_taken_as_it_stands(question: str, formula: str | None) -> None:
    assert written_formula(read_question(question)) == formula


def test_how_many_times_is_a_division() -> None:
    assert operators(read_question("How many times larger is Russia than Norway?")) == (" / ",)
    assert operators(read_question("What is 3 times 4?")) == (" * ",)
