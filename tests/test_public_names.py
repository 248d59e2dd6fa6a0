"""The public names, pinned: adding one is a decision, and taking one away breaks somebody's program."""

from __future__ import annotations

import importlib
import inspect
from pathlib import Path

import pytest

PINNED = Path(__file__).parent / "public_names.txt"
MODULES = (
    "llmcompiler",
    "llmcompiler.evaluation",
    "llmcompiler.models",
    "llmcompiler.notebook",
    "llmcompiler.pictures",
    "llmcompiler.testing",
    "llmcompiler.telemetry",
    "llmcompiler.traces",
    "llmcompiler_planners",
    "llmcompiler_tools",
    "llmcompiler_server",
)


def pinned() -> dict[str, list[str]]:
    """The names in the checked-in list, by module: one `module.name` a line, the module being one of `MODULES`."""
    names: dict[str, list[str]] = {module: [] for module in MODULES}
    for line in PINNED.read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            module, _, name = line.rpartition(".")
            names[module].append(name)
    return names


@pytest.mark.parametrize("module", MODULES)
def test_public_names_are_the_pinned_ones(module: str) -> None:
    found = list(importlib.import_module(module).__all__)
    assert len(found) == len(set(found)), "a name stands twice in __all__"
    assert sorted(found) == pinned()[module], (
        "public names changed: if that is meant, run `python -m tests.test_public_names` and say so in CHANGELOG.md"
    )


@pytest.mark.parametrize("module", MODULES)
def test_every_public_name_is_there_and_says_what_it_is(module: str) -> None:
    loaded = importlib.import_module(module)
    for name in loaded.__all__:
        value = getattr(loaded, name)
        if inspect.isclass(value) or inspect.isfunction(value):
            assert getattr(value, "__doc__", None), f"{module}.{name} has no docstring"
    assert set(loaded.__all__) <= set(dir(loaded))


def write() -> None:
    """Write the list anew from what the modules say."""
    lines = ["# Public names, one a line. Written by `python -m tests.test_public_names`."]
    for module in MODULES:
        lines += [f"{module}.{name}" for name in sorted(importlib.import_module(module).__all__)]
    PINNED.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    write()
