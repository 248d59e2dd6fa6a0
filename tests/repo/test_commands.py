"""The commands that people type: make's targets, what they say when Python is too old, and what CI calls."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
MAKE = shutil.which("make")

pytestmark = pytest.mark.skipif(MAKE is None, reason="make is not on this machine")


def make(*arguments: str, folder: Path = ROOT) -> subprocess.CompletedProcess[str]:
    """Run make with a plain environment: one make must not inherit the options of the one that runs the tests."""
    env = {k: v for k, v in os.environ.items() if not k.startswith(("MAKE", "MFLAGS"))} | {"LC_ALL": "C"}
    return subprocess.run(
        ["make", *arguments], cwd=folder, env=env, capture_output=True, text=True, timeout=60, check=False
    )


def targets() -> set[str]:
    return set(re.findall(r"^([a-z-]+):.*## ", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))


def test_help_lists_every_target() -> None:
    done = make("help")
    assert done.returncode == 0
    assert {"demo", "test", "lint", "types", "bench", "docs"} <= targets()
    assert set(re.findall(r"^  make ([a-z-]+) ", done.stdout, re.MULTILINE)) == targets()


def test_ci_calls_targets_that_exist_and_the_tests_last() -> None:
    steps = re.findall(r"^step \d+ ([a-z-]+)", (ROOT / ".ci/run").read_text(encoding="utf-8"), re.MULTILINE)
    assert set(steps) == {"lint", "types", "docs", "wheel-test", "test"}
    assert set(steps) <= targets()
    assert steps[-1] == "test", "pytest's closing line must stand near the end of the output"


@pytest.mark.parametrize("python", ["old-python", "no-such-python"])
def test_a_python_that_is_too_old_or_missing_is_said_so(tmp_path: Path, python: str) -> None:
    shutil.copy(ROOT / "Makefile", tmp_path)
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    (old := tmp_path / "old-python").write_text("#!/bin/sh\nexit 1\n", encoding="utf-8")
    old.chmod(0o755)
    done = make("demo", f"PYTHON={tmp_path / python}", folder=tmp_path)
    assert done.returncode == 2
    assert "is not Python 3.11 or newer. Name one that is: make PYTHON=" in done.stdout
    assert not (tmp_path / ".venv").exists()


def test_no_python_at_all_is_said_so(tmp_path: Path) -> None:
    shutil.copy(ROOT / "Makefile", tmp_path)
    done = make("demo", "PYTHON=", folder=tmp_path)
    assert done.returncode == 2
    assert "No Python 3.11 or newer found." in done.stdout
