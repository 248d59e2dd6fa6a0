"""The generated parts of the documentation are what the code says today."""

from __future__ import annotations

import re
from typing import Any

import pytest
import typer.main

import llmcompiler.errors
from llmcompiler.cli._app import app
from scripts import generated_docs


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
