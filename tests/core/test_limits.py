"""What may be given as limits, and what an error says."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import pytest

from llmcompiler import ConfigurationError, Limits, LLMCompiler, tool

COUNTS = ("tasks", "model_calls", "tokens", "tasks_per_tool", "rounds", "expansion")
AMOUNTS = ("seconds", "cost")


@tool
async def search(query: str) -> str:
    return query


@pytest.mark.parametrize("name", COUNTS + AMOUNTS)
@pytest.mark.parametrize("value", [0, -1, True, False, math.nan, math.inf, -0.0, "5", [5], 1j, object()])
def test_only_numbers_above_zero_are_limits(name: str, value: Any) -> None:
    with pytest.raises(ConfigurationError, match=f"{name}=.*a number above 0, or None for no limit"):
        Limits(**{name: value})


@pytest.mark.parametrize("name", COUNTS)
def test_what_is_counted_is_a_whole_number(name: str) -> None:
    with pytest.raises(ConfigurationError, match=f"{name}=2.5.*whole number"):
        Limits(**{name: 2.5})
    assert getattr(Limits(**{name: 3}), name) == 3


@pytest.mark.parametrize("name", AMOUNTS)
def test_seconds_and_dollars_may_be_fractions(name: str) -> None:
    assert getattr(Limits(**{name: 0.25}), name) == 0.25


@pytest.mark.parametrize("name", [f.name for f in dataclasses.fields(Limits)])
def test_none_is_no_limit(name: str) -> None:
    assert getattr(Limits(**{name: None}), name) is None


def test_limits_of_single_tools() -> None:
    limits = Limits(tasks_per_tool={"search": 2})
    assert (limits.of_tool("search"), limits.of_tool("other")) == (2, None)
    assert Limits(tasks_per_tool=4).of_tool("other") == 4
    assert Limits().of_tool("other") is None


@pytest.mark.parametrize("number", [0, -1, True, 2.5, math.nan, "5", None])
def test_limits_of_single_tools_are_checked_one_by_one(number: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"tasks_per_tool=\{'search': "):
        Limits(tasks_per_tool={"fine": 1, "search": number})


def test_a_limit_of_something_without_a_name() -> None:
    with pytest.raises(ConfigurationError, match="name a tool"):
        Limits(tasks_per_tool={3: 3})  # type: ignore[dict-item]


def test_the_limits_do_not_change_with_the_mapping_they_were_made_of() -> None:
    mine = {"search": 2}
    limits = Limits(tasks_per_tool=mine)
    mine["search"] = 0
    assert limits.of_tool("search") == 2


@pytest.mark.parametrize(
    ("name", "hint"), [("serach", "did you mean 'search'?"), ("mail", "the tools are search")]
)
def test_a_limit_of_a_tool_that_is_not_there(name: str, hint: str) -> None:
    limits = Limits(tasks_per_tool={name: 1})
    with pytest.raises(ConfigurationError, match=f"no tool '{name}'") as caught:
        LLMCompiler([search], limits=limits)
    assert hint in str(caught.value)
    compiler = LLMCompiler([search])
    with pytest.raises(ConfigurationError, match=f"no tool '{name}'"):
        compiler.execute_sync('1. search("x")', limits=limits)
    with pytest.raises(ConfigurationError, match=f"no tool '{name}'"):
        compiler.as_tool(limits=limits)
    with pytest.raises(ConfigurationError, match="the compiler has no tools"):
        LLMCompiler([], limits=limits)


def test_limits_that_seem_to_differ_and_do_not_contradict_are_taken() -> None:
    Limits(tasks=5, tasks_per_tool=10, expansion=20, rounds=9)
