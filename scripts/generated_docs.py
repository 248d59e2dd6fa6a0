"""Writes the generated parts of the documentation: `--help` texts in docs/cli.md, diagnostic codes in docs/errors.md.

Run as `python scripts/generated_docs.py`; the tests compare what the files hold with what this would write.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
COMMANDS = (
    "",
    "run",
    "plan",
    "exec",
    "tools",
    "eval",
    "eval dataset",
    "eval report",
    "eval compare",
    "models",
    "models pull",
    "models list",
    "models path",
    "models remove",
    "serve",
    "keys",
    "keys new",
)


def help_text(command: str) -> str:
    """What `llmcompiler COMMAND --help` prints, 88 columns wide and without colours."""
    plain = {"COLUMNS": "88", "TERM": "dumb", "NO_COLOR": "1", "PYTHONIOENCODING": "utf-8"}
    clean = {k: v for k, v in os.environ.items() if k not in ("FORCE_COLOR", "CI", "GITHUB_ACTIONS")}
    done = subprocess.run(
        [sys.executable, "-m", "llmcompiler.cli", *command.split(), "--help"],
        env=clean | plain,
        cwd=ROOT,
        capture_output=True,
        encoding="utf-8",
        timeout=60,
        check=True,
    )
    return "\n".join(line.rstrip() for line in done.stdout.strip("\n").splitlines())


def commands() -> str:
    """A section for each command."""
    parts = []
    for command in COMMANDS:
        name = f"llmcompiler {command}".strip()
        parts.append(f"### {name}\n\n```text\n{help_text(command)}\n```\n")
    return "\n".join(parts)


def codes() -> str:
    """A table of the codes of diagnostics."""
    from llmcompiler.diagnostics import CODES

    return (
        "\n".join(
            ["| code | means |", "| --- | --- |", *(f"| `{c}` | {text} |" for c, text in CODES.items())]
        )
        + "\n"
    )


PARTS: dict[str, tuple[str, Callable[[], str]]] = {
    "help": ("docs/cli.md", commands),
    "codes": ("docs/errors.md", codes),
}
"""For each part, the file it stands in and what makes it. It stands between `<!-- name -->` and `<!-- /name -->`."""


def current(name: str) -> str:
    """The part as it stands in its file.

    Raises:
        ValueError: The file has no such part.
    """
    path = PARTS[name][0]
    found = re.search(
        rf"<!-- {name} -->\n(.*)<!-- /{name} -->", (ROOT / path).read_text(encoding="utf-8"), re.DOTALL
    )
    if found is None:
        raise ValueError(f"{path} has no part `{name}`")
    return found[1]


def main() -> None:
    """Write every part anew."""
    for name, (path, make) in PARTS.items():
        old = current(name)
        text = (ROOT / path).read_text(encoding="utf-8")
        new = f"\n{make()}\n"
        before, after = f"<!-- {name} -->\n{old}<!-- /{name} -->", f"<!-- {name} -->\n{new}<!-- /{name} -->"
        (ROOT / path).write_text(text.replace(before, after), encoding="utf-8")
        print(f"{path}: {'unchanged' if old == new else 'written'}")


if __name__ == "__main__":
    main()
