"""Ways to run the command line: in this process, in one of its own, on a made-up terminal."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

HERE = Path(__file__).parent
ROOT = HERE.parents[1]


@dataclass
class Outcome:
    """What a command line gave."""

    code: int
    out: str
    err: str


Invoke = Callable[..., Outcome]


@pytest.fixture
def invoke(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Invoke:
    """Run the command line in this process, from the folder of these tests."""
    from llmcompiler.cli import main

    monkeypatch.chdir(HERE)
    monkeypatch.delenv("LLMCOMPILER_MODEL", raising=False)

    def run(*arguments: str, stdin: str | bytes = "") -> Outcome:
        data = stdin if isinstance(stdin, bytes) else stdin.encode()
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data), encoding="utf-8"))
        capsys.readouterr()
        with pytest.raises(SystemExit) as exit_:
            main(arguments)
        out, err = capsys.readouterr()
        code = exit_.value.code
        assert isinstance(code, int)
        return Outcome(code, out, err)

    return run


def environment(**changes: str) -> dict[str, str]:
    """The environment of a command line in a process of its own."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("LLMCOMPILER", "OPENAI", "PYTEST"))}
    path = os.pathsep.join(str(ROOT / p) for p in (".", "tools", "planners", "server"))
    return {**kept, "PYTHONPATH": path, "PYTHONWARNINGS": "error", **changes}


COMMAND = [sys.executable, "-m", "llmcompiler.cli"]


def spawn(*arguments: str, stdin: str = "", **changes: str) -> Outcome:
    """Run the command line in a process of its own, with pipes."""
    done = subprocess.run(
        [*COMMAND, *arguments],
        input=stdin.encode(),
        capture_output=True,
        cwd=HERE,
        env=environment(**changes),
        timeout=60,
        check=False,
    )
    return Outcome(done.returncode, done.stdout.decode(), done.stderr.decode())
