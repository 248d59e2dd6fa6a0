"""The generated parts of the documentation are what the code says today."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import typer.main

import llmcompiler.errors
from llmcompiler.cli._app import app
from scripts import generated_docs

ROOT = Path(__file__).resolve().parents[2]


def flat(text: str) -> str:
    """A text without its line ends and boxes: how a version of the help printer draws and wraps does not matter."""
    return " ".join(re.sub(r"[─-╿]", " ", text).split())


def command_tree(command: Any, name: str = "llmcompiler") -> dict[str, Any]:
    """Every command by its whole name."""
    found = {name: command}
    for inner, sub in getattr(command, "commands", {}).items():
        found |= command_tree(sub, f"{name} {inner}")
    return found


def sections() -> dict[str, str]:
    """What docs/cli.md has for each command."""
    parts = re.split(r"^### (.*)$", generated_docs.current("help"), flags=re.MULTILINE)
    return {name: flat(text) for name, text in zip(parts[1::2], parts[2::2], strict=True)}


COMMANDS = command_tree(typer.main.get_command(app))


def test_every_command_has_its_section() -> None:
    assert set(sections()) == set(COMMANDS), "run `make generated-docs`"


@pytest.mark.parametrize("name", COMMANDS)
def test_help_in_the_documentation_is_current(name: str) -> None:
    section, command = sections()[name], COMMANDS[name]
    old = f"docs/cli.md is old for `{name}`: run `make generated-docs`"
    assert flat(command.help or "") in section, old
    flags = {"--help", "-h"}
    for parameter in command.params:
        assert flat(parameter.help or "") in section, f"{old} ({parameter.name})"
        flags.update(o for o in parameter.opts if o.startswith("-"))
    written = set(re.findall(r"(?<![\w-])--?[a-z][a-z-]*", section.partition("Options")[2]))
    assert {f for f in flags if f.startswith("--")} <= written, old
    texts = " ".join([command.help or "", command.epilog or "", *(p.help or "" for p in command.params)])
    stale = {w for w in written - flags if w not in texts and w not in section.partition("Commands")[2]}
    assert not stale, f"{old} ({stale})"


def test_codes_of_diagnostics_are_current() -> None:
    assert generated_docs.current("codes").strip() == generated_docs.codes().strip(), (
        "run `make generated-docs`"
    )


def test_every_error_is_documented() -> None:
    text = (generated_docs.ROOT / "docs/errors.md").read_text(encoding="utf-8")
    for name, value in vars(llmcompiler.errors).items():
        if (
            isinstance(value, type)
            and issubclass(value, Exception)
            and value.__module__ == "llmcompiler.errors"
        ):
            assert f"`{name}`" in text, f"docs/errors.md does not know {name}"


def test_pages_for_programs_list_every_page_of_the_navigation(tmp_path: Path) -> None:
    yaml = pytest.importorskip("yaml", reason="PyYAML comes with mkdocs, in the group `docs`")
    import scripts.llms_txt as hook

    text = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    config = yaml.load(text, Loader=yaml.SafeLoader) | {"docs_dir": ROOT / "docs", "site_dir": tmp_path}
    hook.on_post_build(config)
    listed = (tmp_path / "llms.txt").read_text(encoding="utf-8")
    pages = sorted(p.name for p in (ROOT / "docs").glob("*.md"))
    for page in pages:
        assert f"]({page})" in listed, page
        assert (tmp_path / page).is_file()
    assert listed.startswith("# llmcompiler\n\n> ")
    assert "(quickstart.md): " in listed
    full = (tmp_path / "llms-full.txt").read_text(encoding="utf-8")
    assert all((ROOT / "docs" / p).read_text(encoding="utf-8") in full for p in pages)


@pytest.mark.parametrize(
    ("page", "said"),
    [
        ("# A\n\nOne *thing*. Another.\n", "One *thing*."),
        ("# A\n\n<!-- x. -->\n| a |\n\n[Text](b.md) here: more", "Text here"),
        ("# A\n", ""),
        ("# A\n\n```python\nx = 1.\n```\n\nAfter it", "After it"),
    ],
)
def test_first_sentences(page: str, said: str) -> None:
    from scripts.llms_txt import first_sentence

    assert first_sentence(page) == said


def test_pictures_are_what_the_code_draws() -> None:
    from scripts import pictures

    for name, draw in pictures.PICTURES.items():
        kept = (pictures.ASSETS / name).read_text(encoding="utf-8")
        assert kept == draw(), f"run `python scripts/pictures.py`: docs/assets/{name} is not current"
