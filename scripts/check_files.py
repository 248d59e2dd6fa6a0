"""Checks every Python file of the repository: how long it is, and that it says what lives in it.

Run as `python scripts/check_files.py`; the exit status is 1 where a rule is broken. Style is ruff's business, not
this file's.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FOLDERS = ("llmcompiler", "planners", "tools", "server", "tests", "benchmarks", "examples", "scripts")
LONG = 400
TOO_LONG = 800


def python_files(root: Path = ROOT) -> Iterator[Path]:
    """The repository's Python files, in order; what git ignores is left out."""
    for folder in FOLDERS:
        for path in sorted((root / folder).rglob("*.py")):
            if not {"__pycache__", ".ipynb_checkpoints"} & set(path.parts):
                yield path


def problems(path: Path, shown: str) -> tuple[list[str], list[str]]:
    """The errors and the warnings of one file."""
    text = path.read_text(encoding="utf-8")
    lines = text.count("\n") + (not text.endswith("\n") and bool(text))
    errors, warnings = [], []
    if lines > TOO_LONG:
        errors.append(f"{shown}: {lines} lines, more than {TOO_LONG}; split it by noun")
    elif lines > LONG:
        warnings.append(f"{shown}: {lines} lines, more than {LONG}; is it one noun?")
    if text.strip() and ast.get_docstring(ast.parse(text)) is None:
        errors.append(f"{shown}: no docstring that says what lives here")
    return errors, warnings


def check(root: Path = ROOT) -> tuple[list[str], list[str]]:
    """The errors and the warnings of all files."""
    errors: list[str] = []
    warnings: list[str] = []
    for path in python_files(root):
        more_errors, more_warnings = problems(path, path.relative_to(root).as_posix())
        errors += more_errors
        warnings += more_warnings
    return errors, warnings


def main() -> int:
    """Print what is wrong; 1 if there are errors."""
    errors, warnings = check()
    for line in warnings:
        print(f"warning: {line}")
    for line in errors:
        print(f"error: {line}")
    count = sum(1 for _ in python_files())
    print(f"{count} Python files, {len(errors)} errors, {len(warnings)} warnings")
    return 1 if errors else 0


if __name__ == "__main__":
    sys.exit(main())
