"""Code blocks of Markdown files and docstrings, found and run. Which ones are run is decided in the tests.

A directive in an HTML comment just above a block says what is special about it:

    <!-- file: my_tools.py -->      the block is written to this file, in the folder where the others run
    <!-- run -->                    a `console` block is run: `$` lines are commands, the rest is their exact output
    <!-- needs: local-model -->     skipped where the embedded model is not there
    <!-- needs: model-server -->    an OpenAI-compatible server is started and named in the environment
    <!-- needs: service -->         `llmcompiler serve --tools my_tools` runs; its address stands for http://127.0.0.1:8000
    <!-- not run: reason -->        never run; the reason says why
"""

from __future__ import annotations

import ast
import asyncio
import inspect
import re
import subprocess
import types
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

FENCE = re.compile(r"^(?P<indent>[ \t]*)(?P<ticks>`{3,})(?P<lang>[\w+-]*)(?P<rest>.*)$")
DIRECTIVE = re.compile(r"<!--\s*(?P<key>file|run|needs|not run)(?::\s*(?P<value>.*?))?\s*-->\s*$")


@dataclass(frozen=True)
class Block:
    """One fenced block: its language, its text, the line of its first line of text, and its directives."""

    path: str
    line: int
    lang: str
    text: str
    directives: Mapping[str, str] = field(default_factory=dict)

    @property
    def place(self) -> str:
        return f"{self.path}:{self.line}"


def find_blocks(text: str, path: str, first_line: int = 1) -> Iterator[Block]:
    """The fenced blocks of a Markdown text, in order.

    Raises:
        ValueError: A block is never closed.
    """
    directives: dict[str, str] = {}
    lines = iter(enumerate(text.splitlines(), first_line))
    for number, line in lines:
        if found := DIRECTIVE.match(line.strip()):
            directives[found["key"]] = found["value"] or ""
        elif opened := FENCE.match(line):
            body = []
            for _, inner in lines:
                if inner.strip() == opened["ticks"]:
                    break
                body.append(inner)
            else:
                raise ValueError(f"{path}:{number}: a block that is never closed")
            indent = len(opened["indent"])
            yield Block(
                path, number + 1, opened["lang"], "\n".join(b[indent:] for b in body) + "\n", directives
            )
            directives = {}
        elif line.strip():
            directives = {}


def docstring_blocks(path: Path, shown: str) -> Iterator[Block]:
    """The `python` blocks in the docstrings of one source file."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            text = ast.get_docstring(node)
            if text and "```" in text:
                start = node.body[0].lineno
                yield from (b for b in find_blocks(text, shown, start) if b.lang == "python")


def run_python(block: Block, namespace: dict[str, Any], runner: asyncio.Runner) -> None:
    """Run a block in `namespace`; `await` is allowed at its top level. Tracebacks name the line of the document."""
    padded = "\n" * (block.line - 1) + block.text
    code = compile(padded, block.path, "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, dont_inherit=True)
    outcome = types.FunctionType(code, namespace)()
    if inspect.iscoroutine(outcome):
        runner.run(outcome)


def commands(block: Block) -> Iterator[tuple[str, str]]:
    """The commands of a `console` block with the output that stands below each."""
    command, output = "", ""
    for line in block.text.splitlines():
        if command.endswith("\\"):
            command = command[:-1] + line.removeprefix("> ")
        elif line.startswith("$ "):
            if command:
                yield command, output
            command, output = line[2:], ""
        else:
            output += line + "\n"
    if command:
        yield command, output


def run_console(block: Block, folder: Path, env: Mapping[str, str]) -> None:
    """Run the commands of a block and compare what they print; one with no output below it only has to succeed."""
    for command, expected in commands(block):
        done = subprocess.run(
            ["bash", "-c", command],
            cwd=folder,
            env=env,
            capture_output=True,
            text=True,
            timeout=100,
            check=False,
        )
        told = f"{block.place}: $ {command}\nstatus {done.returncode}\n{done.stdout}\n{done.stderr}"
        assert done.returncode == 0, told
        assert "Traceback" not in done.stderr, told
        if expected.strip():
            assert done.stdout.strip() == expected.strip(), told


def run_javascript(block: Block, folder: Path, env: Mapping[str, str]) -> None:
    """Run a block with node; what it prints stands in comments behind `console.log(...);`."""
    script = folder / "block.mjs"
    script.write_text(block.text, encoding="utf-8")
    done = subprocess.run(
        ["node", "--experimental-eventsource", "--no-warnings", script.name],
        cwd=folder,
        env=env,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    told = f"{block.place}\nstatus {done.returncode}\n{done.stdout}\n{done.stderr}"
    assert done.returncode == 0, told
    expected = [
        line for found in re.findall(r"console\.log\(.*\); // (.*)", block.text) for line in found.split(", ")
    ]
    assert done.stdout.splitlines() == expected, told


def check_syntax(block: Block) -> None:
    """Ask bash whether it can read the commands of a block."""
    text = "\n".join(c for c, _ in commands(block)) if block.lang == "console" else block.text
    done = subprocess.run(["bash", "-n"], input=text, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 0, f"{block.place}: {done.stderr}"
