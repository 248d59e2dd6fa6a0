"""Every code block of the README, the documentation and the docstrings runs, or says why it does not."""

from __future__ import annotations

import asyncio
import importlib
import importlib.util
import os
import sys
from collections.abc import Iterator, Mapping
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
KNOWN = {"python", "console", "bash", "text", "json", "toml", "yaml", "makefile", "http", "gbnf"}
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
def clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Mapping[str, str]:
    """An empty working folder, and no setting of the person who runs the tests."""
    for name in list(os.environ):
        if name.startswith(("OPENAI_", "LLMCOMPILER_")) or name in ("FORCE_COLOR", "COLUMNS"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("PATH", f"{BIN}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    return os.environ


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
    with asyncio.Runner() as runner:
        for block in blocks:
            needs = block.directives.get("needs")
            if needs == "local-model" and not has_local_model():
                skipped.append(
                    f"{block.place}: the embedded model is not installed (llmcompiler models pull)"
                )
                continue
            if needs == "model-server":
                monkeypatch.setenv("OPENAI_BASE_URL", server.base_url)
                monkeypatch.setenv("OPENAI_API_KEY", "key-of-the-docs-test")
                monkeypatch.setenv("LLMCOMPILER_MODEL", "openai:scripted")
            if name := block.directives.get("file"):
                (folder / name).write_text(block.text, encoding="utf-8")
            if "not run" in block.directives:
                continue
            if block.lang == "python":
                run_python(block, namespace, runner)
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
        assert block.directives.get("needs", "local-model") in ("local-model", "model-server"), block.place
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
