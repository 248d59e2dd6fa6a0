"""Command lines in processes of their own, many a second: a process that has imported everything forks for each.

    with CommandLines() as lines:
        done = lines.run("exec", "-", stdin="join()", cwd=folder, env=environment())

What runs is `llmcompiler.cli.main`, with file numbers, environment, exit and interpreter of its own; only the imports
are shared. POSIX only.
"""

from __future__ import annotations

import importlib
import json
import os
import select
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

IMPORTED = (
    "llmcompiler.cli._work",
    "llmcompiler.compiler",
    "llmcompiler.backend.executor",
    "llmcompiler.language",
    "llmcompiler.models.openai",
    "llmcompiler_planners.joiner",
    "llmcompiler_planners.text",
    "jsonschema",
    "tenacity",
)


@dataclass(frozen=True)
class Done:
    """How a command line ended. A negative code is the signal that ended it."""

    code: int
    out: bytes
    err: bytes


class CommandLines:
    """Runs command lines one after another; use it as a context manager."""

    def __init__(self, env: Mapping[str, str]) -> None:
        self._env = dict(env)
        self._lock = threading.Lock()

    def __enter__(self) -> CommandLines:
        self._process: subprocess.Popen[bytes] = subprocess.Popen(
            [sys.executable, __file__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=self._env,
            start_new_session=True,
        )
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.stdout.close()
        self._process.wait(10)

    def run(
        self, *arguments: str, stdin: bytes, cwd: Path, env: Mapping[str, str], within: float = 25.0
    ) -> Done:
        """Run one command line.

        Raises:
            TimeoutError: It was still running after `within` seconds, and was killed.
        """
        with self._lock, tempfile.TemporaryDirectory() as folder:
            paths = [os.path.join(folder, name) for name in ("in", "out", "err")]
            Path(paths[0]).write_bytes(stdin)
            job = {"arguments": arguments, "cwd": str(cwd), "env": dict(env), "paths": paths}
            to, back = self._process.stdin, self._process.stdout
            assert to is not None
            assert back is not None
            to.write(json.dumps(job).encode() + b"\n")
            to.flush()
            ready, _, _ = select.select([back], [], [], within)
            if not ready:
                os.killpg(self._process.pid, 9)
                self.__exit__()
                self.__enter__()
                shown = Path(paths[2]).read_text("utf-8", "replace")[-2_000:]
                raise TimeoutError(f"{arguments} still ran after {within:g} s: {shown}")
            code = int(back.readline())
            return Done(code, Path(paths[1]).read_bytes(), Path(paths[2]).read_bytes())


def _serve(jobs: int, answers: int) -> None:
    held = b""
    while piece := os.read(jobs, 2**20):
        held += piece
        if not held.endswith(b"\n"):
            continue
        child = os.fork()
        if child == 0:
            os.close(jobs)
            os.close(answers)
            _become(json.loads(held))
        held = b""
        _, status = os.waitpid(child, 0)
        os.write(answers, b"%d\n" % os.waitstatus_to_exitcode(status))


def _become(job: dict[str, Any]) -> NoReturn:
    os.chdir(job["cwd"])
    os.environ.clear()
    os.environ.update(job["env"])
    for number, path in enumerate(job["paths"]):
        opened = os.open(path, os.O_WRONLY | os.O_CREAT if number else os.O_RDONLY)
        os.dup2(opened, number)
        os.close(opened)
    from llmcompiler.cli import main

    sys.argv = ["llmcompiler", *job["arguments"]]
    main()
    raise AssertionError("main() returned")


if __name__ == "__main__":
    for name in IMPORTED:
        importlib.import_module(name)
    # 0, 1 and 2 belong to the children.
    _serve(os.dup(0), os.dup(1))
