"""Plans as functions whose holes and texts were chosen to break them."""

from __future__ import annotations

import pytest

from llmcompiler import LLMCompiler
from llmcompiler.errors import UsageError


def double(x: int) -> int:
    return 2 * x


def say(text: str) -> str:
    return text


COMPILER = LLMCompiler([double, say])


@pytest.mark.parametrize("name", ["self", "args", "kwargs", "limits", "_context", "__context"])
async def test_a_hole_may_have_any_name(name: str) -> None:
    frozen = COMPILER.freeze("1. double(4)\njoin($1)", holes={name: 4})
    assert await frozen(**{name: 5}) == 10
    assert (await frozen.run(**{name: 5})).output == 10
    assert frozen.plan(**{name: 5})[1].args == {"x": 5}
    outer = LLMCompiler([frozen.as_tool("twice")])
    assert (await outer.execute(f"1. twice({name}=6)\njoin($1)")).output == 12


def test_sync_takes_a_hole_of_the_name_self() -> None:
    assert COMPILER.freeze("1. double(4)\njoin($1)", holes={"self": 4}).sync(self=5) == 10


@pytest.mark.parametrize("text", ["other \ue0005\ue001", "\ue000" + "9" * 5000 + "\ue001"])
def test_texts_that_look_like_the_marks_of_holes_are_texts(text: str) -> None:
    frozen = COMPILER.freeze(f'1. say("Bob")\n2. say("{text}")\njoin($2)', holes={"n": "Bob"})
    assert "{n}" in str(frozen.template)
    assert frozen.sync(n="Eve") == text


def test_holes_that_are_no_mapping_are_told() -> None:
    with pytest.raises(UsageError, match="names of their holes"):
        COMPILER.freeze('1. say("Bob")\njoin($1)', holes=["Bob"])  # type: ignore[arg-type]
