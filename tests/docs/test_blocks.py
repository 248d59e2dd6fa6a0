"""Every code block of the README, the documentation and the docstrings runs, or says why it does not."""

from __future__ import annotations

import asyncio
import functools
import importlib
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from llmcompiler import LLMCompiler
from tests.docs.blocks import (
    Block,
    check_syntax,
    commands,
    docstring_blocks,
    find_blocks,
    run_console,
    run_javascript,
    run_python,
)
from tests.support.openai_server import OpenAIServer, Received, Status

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = sorted(
    ["README.md", "CONTRIBUTING.md", *(p.relative_to(ROOT).as_posix() for p in ROOT.glob("docs/**/*.md"))]
)
SOURCES = sorted(
    p.relative_to(ROOT).as_posix()
    for folder in ("llmcompiler", "planners", "tools", "server")
    for p in (ROOT / folder).rglob("*.py")
    if "```python" in p.read_text(encoding="utf-8")
)
KNOWN = {
    "python",
    "console",
    "bash",
    "text",
    "json",
    "toml",
    "yaml",
    "makefile",
    "http",
    "gbnf",
    "javascript",
    "nginx",
    "ini",
    "dockerfile",
}
NEEDS = ("local-model", "model-server", "service")
NOT_RUN = {"llmcompiler/models/local.py": "needs the embedded model and a file of the reader's own"}
BIN = Path(sys.executable).parent


def module_name(path: str) -> str:
    """The name of the module in a source file: the folders planners, tools and server are not packages."""
    parts = Path(path).with_suffix("").parts
    parts = parts[1:] if parts[0] != "llmcompiler" else parts
    return ".".join(parts).removesuffix(".__init__")


def reply(request: Received) -> str | Status:
    """What the model behind `needs: model-server` says: a plan for each question that the documents ask."""
    for words, plan in {
        # A conversation holds its earlier questions, so what is asked last stands first.
        "warmer is Cairo than Oslo": '1. temperature("Cairo")\n2. temperature("Oslo")\n3. difference($1, $2)\n'
        "join($3)\n",
        "Tell Ann how much warmer": '1. temperature("Lima")\n2. temperature("Oslo")\n3. difference($1, $2)\n'
        '4. send_mail("Ann", "Lima is $3 degrees warmer")\njoin($4)\n',
        "warmer is Lima than Oslo": '1. temperature("Lima")\n2. temperature("Oslo")\n3. difference($1, $2)\njoin($3)\n',
    }.items():
        if words in request.prompt:
            return plan
    return Status(501, {"error": {"message": f"no scripted plan for: {request.prompt[-300:]}"}})


def has_local_model() -> bool:
    """Whether the embedded model's engine and weights are on this machine."""
    if importlib.util.find_spec("xllamacpp") is None:
        return False
    from llmcompiler.models import weights

    return weights.find_weights(weights.DEFAULT) is not None


@pytest.fixture
def clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Mapping[str, str]]:
    """An empty working folder, and no setting of the person who runs the tests."""
    for name in list(os.environ):
        if name.startswith(("OPENAI_", "LLMCOMPILER_")) or name in ("FORCE_COLOR", "COLUMNS"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("PATH", f"{BIN}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    yield os.environ
    # Another document may have a file of the same name.
    for name, module in list(sys.modules.items()):
        if str(getattr(module, "__file__", None) or "").startswith(f"{tmp_path}{os.sep}"):
            del sys.modules[name]


def missing_programs(block: Block) -> str:
    """Programs that a block needs beside Python and bash, and that are not there."""
    if block.lang == "javascript":
        return "" if has_event_source() else "node with EventSource (20.18 or later)"
    needed = ("curl", "jq") if "run" in block.directives else ()
    return ", ".join(p for p in needed if re.search(rf"\b{p} ", block.text) and shutil.which(p) is None)


@functools.cache
def has_event_source() -> bool:
    """Whether there is a node that has, or can be given, `EventSource`."""
    if shutil.which("node") is None:
        return False
    asked = ["node", "--experimental-eventsource", "-e", "EventSource"]
    return subprocess.run(asked, capture_output=True, timeout=60, check=False).returncode == 0


class Service:
    """`llmcompiler serve` in a process of its own, started when a block first needs it.

    Args:
        folder: Where the documents' tools are.
    """

    ADDRESS = "http://127.0.0.1:8000"
    """What it is called in documents."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._process: subprocess.Popen[str] | None = None
        self._address = ""

    def named_in(self, block: Block) -> Block:
        """The block with the real address."""
        if self._process is None:
            options = ["serve", "--tools", "my_tools", "--port", "0", "--log-format", "text"]
            self._process = subprocess.Popen(
                [sys.executable, "-m", "llmcompiler.cli", *options],
                cwd=self.folder,
                stderr=subprocess.PIPE,
                text=True,
            )
            assert self._process.stderr is not None
            told = ""
            while not (found := re.search(r"(http://127\.0\.0\.1:\d+) serves", told)):
                line = self._process.stderr.readline()
                assert line, f"the service did not start: {told}"
                told += line
            self._address = found[1]
            # Its log has to be read, or it would stop when the pipe is full.
            threading.Thread(target=self._process.stderr.read, daemon=True).start()
        return replace(block, text=block.text.replace(self.ADDRESS, self._address))

    def close(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(30)
            assert self._process.stderr is not None
            self._process.stderr.close()


@pytest.fixture
def model_server() -> Iterator[OpenAIServer]:
    with OpenAIServer(default=reply) as server:
        yield server


def run_blocks(
    blocks: list[Block], folder: Path, server: OpenAIServer, monkeypatch: pytest.MonkeyPatch
) -> list[str]:
    """Run the blocks of one document in order; what had to be skipped."""
    skipped = []
    namespace: dict[str, Any] = {"__name__": "__main__"}
    service = Service(folder)
    with closing(service), asyncio.Runner() as runner:
        for block in blocks:
            needs = block.directives.get("needs")
            if needs == "local-model" and not has_local_model():
                skipped.append(
                    f"{block.place}: the embedded model is not installed (llmcompiler models pull)"
                )
                continue
            if needs in ("model-server", "service"):
                monkeypatch.setenv("OPENAI_BASE_URL", server.base_url)
                monkeypatch.setenv("OPENAI_API_KEY", "key-of-the-docs-test")
                monkeypatch.setenv("LLMCOMPILER_MODEL", "openai:scripted")
            if needs == "service":
                block = service.named_in(block)
            if name := block.directives.get("file"):
                (folder / name).write_text(block.text, encoding="utf-8")
            if "not run" in block.directives:
                continue
            if block.lang == "python":
                run_python(block, namespace, runner)
            elif missing := missing_programs(block):
                skipped.append(f"{block.place}: {missing} is not installed")
            elif block.lang == "javascript":
                run_javascript(block, folder, os.environ)
            elif block.lang in ("console", "bash"):
                check_syntax(block)
                if "run" in block.directives:
                    run_console(block, folder, os.environ)
        for value in namespace.values():
            if isinstance(value, LLMCompiler):  # a connection left to the collector warns in another test
                runner.run(value.aclose())
    return skipped


@pytest.mark.parametrize("path", DOCUMENTS)
def test_blocks_of_a_document_run(
    path: str,
    clean_environment: Mapping[str, str],
    tmp_path: Path,
    model_server: OpenAIServer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    blocks = list(find_blocks((ROOT / path).read_text(encoding="utf-8"), path))
    if skipped := run_blocks(blocks, tmp_path, model_server, monkeypatch):
        pytest.skip("\n".join(skipped))


@pytest.mark.parametrize("path", SOURCES)
def test_examples_in_docstrings_run(path: str, clean_environment: Mapping[str, str], tmp_path: Path) -> None:
    if path in NOT_RUN:
        pytest.skip(NOT_RUN[path])
    module = importlib.import_module(module_name(path))
    for block in docstring_blocks(ROOT / path, path):
        with asyncio.Runner() as runner:
            # An example may use the names of its own module without importing them.
            run_python(block, {**vars(module), "__name__": "__main__"}, runner)


@pytest.mark.parametrize("path", DOCUMENTS)
def test_blocks_are_well_formed(path: str) -> None:
    for block in find_blocks((ROOT / path).read_text(encoding="utf-8"), path):
        assert block.lang in KNOWN, f"{block.place}: language {block.lang!r}; one of {sorted(KNOWN)}"
        assert block.directives.get("needs", "local-model") in NEEDS, block.place
        assert block.directives.get("not run", "said") != "", f"{block.place}: say why it is not run"
        if block.lang == "console":
            assert list(commands(block)), f"{block.place}: no command; each begins with `$ `"


def test_the_runner_itself_can_fail(tmp_path: Path) -> None:
    text = (
        "<!-- file: x.txt -->\n```python\nassert await nothing() == 1\n```\n\n"
        "<!-- run -->\n```console\n$ echo a\nb\n```\n"
    )
    python, console = find_blocks(text, "made-up.md")
    assert (python.line, python.directives) == (3, {"file": "x.txt"})
    assert (console.line, console.directives) == (8, {"run": ""})

    async def nothing() -> int:
        return 0

    with asyncio.Runner() as runner, pytest.raises(AssertionError) as caught:
        run_python(python, {"nothing": nothing}, runner)
    assert caught.traceback[-1].lineno + 1 == 3
    with pytest.raises(AssertionError, match=r"made-up\.md:8: \$ echo a"):
        run_console(console, tmp_path, os.environ)
    with pytest.raises(ValueError, match="never closed"):
        list(find_blocks("```python\n1\n", "made-up.md"))
