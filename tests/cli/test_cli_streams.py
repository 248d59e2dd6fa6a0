"""Standard input, output and error in odd states, and Ctrl-C where something does not listen: real processes."""

from __future__ import annotations

import json
import signal
import subprocess
from pathlib import Path

import pytest
from command_line import COMMAND, Outcome, environment

HERE = Path(__file__).parent
TOOLS = ("--tools", "../regressions/bad_tools.py")
HI = '1. echo("hi")\njoin($1)'
NOISES = ["imported", "print", "the stream itself", "its number", "another program"]
PATIENCE = 30.0


def sh(redirect: str, *arguments: str, stdin: str = "") -> Outcome:
    """Run the command line as a shell does, with redirections."""
    done = subprocess.run(
        ["sh", "-c", f'exec "$@" {redirect}', "sh", *COMMAND, *arguments],
        input=stdin.encode(),
        capture_output=True,
        cwd=HERE,
        env=environment(),
        timeout=PATIENCE,
        check=False,
    )
    assert b"Traceback" not in done.stderr
    assert b"Exception ignored" not in done.stderr
    return Outcome(done.returncode, done.stdout.decode(), done.stderr.decode())


def test_nothing_but_the_answer_reaches_standard_output() -> None:
    done = sh("", "exec", "-", *TOOLS, stdin="1. noisy()\njoin($1)")
    assert (done.code, done.out) == (0, "quiet\n")
    assert all(f"noise: {noise}\n" in done.err for noise in NOISES)
    listed = sh("", "tools", *TOOLS, "--json")
    assert json.loads(listed.out)[0]["name"] == "echo"
    assert listed.err == "noise: imported\n"


@pytest.mark.parametrize("more", [(), ("--json",)])
@pytest.mark.parametrize(("redirect", "why"), [(">&-", "closed"), (">/dev/full", "No space left on device")])
def test_an_answer_that_can_not_be_written_is_an_error(
    redirect: str, why: str, more: tuple[str, ...]
) -> None:
    done = sh(redirect, "exec", "-", *TOOLS, *more, "--quiet", stdin=HI)
    assert (done.code, done.out) == (1, "")
    error = f"error: standard output can not be written to ({why}): the answer is lost\n"
    assert done.err == "noise: imported\n" + error


def test_without_standard_error_or_input() -> None:
    assert sh("2>&-", "exec", "-", *TOOLS, stdin=HI) == Outcome(0, "hi\n", "")
    plan = "1. divide(6, 2)\njoin($1)"
    assert sh("2>/dev/full", "exec", "-", "--tools", "sample_tools", stdin=plan) == Outcome(0, "3.0\n", "")
    assert sh("2>&-", "run", "", *TOOLS).code == 2
    done = sh("<&-", "run", *TOOLS)
    assert done.code == 2
    assert "the question is empty" in done.err


def test_help_that_can_not_be_written() -> None:
    done = sh(">/dev/full", "--help")
    assert (done.code, done.err) == (1, "error: No space left on device\n")


def test_what_the_library_warns_of_is_told(tmp_path: Path) -> None:
    (tmp_path / "noisy.py").write_text(
        "import logging\nfrom llmcompiler import tool\n\n\n@tool\ndef look() -> int:\n"
        '    """Look."""\n    logging.getLogger("llmcompiler").warning("the cache is \\x1b[31mlocked")\n    return 1\n'
    )
    done = sh("", "exec", "-", "--tools", str(tmp_path / "noisy.py"), "--quiet", stdin="1. look()\njoin($1)")
    assert (done.code, done.out) == (0, "1\n")
    assert done.err.startswith("warning: the cache is ")
    assert "\x1b" not in done.err


# -- Ctrl-C --------------------------------------------------------------------------------


class Started:
    """`exec` of a plan under way, up to the moment that standard error says something."""

    def __init__(self, folder: Path, plan: str, moment: str) -> None:
        (folder / "plan.txt").write_text(plan)
        self.process = subprocess.Popen(
            [*COMMAND, "exec", str(folder / "plan.txt"), *TOOLS],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=HERE,
            env=environment(),
        )
        assert self.process.stderr is not None
        self.seen = ""
        while moment not in self.seen:
            line = self.process.stderr.readline()
            assert line, self.seen
            self.seen += line.decode()

    def stop(self, number: int = signal.SIGINT, presses: int = 1) -> int:
        """The exit code after that many signals, each a second after the last; standard output is not read."""
        for left in range(presses, 0, -1):
            self.process.send_signal(number)
            try:
                code = self.process.wait(1.0 if left > 1 else PATIENCE)
                break
            except subprocess.TimeoutExpired:
                if left == 1:
                    self.process.kill()
                    raise
        assert self.process.stderr is not None
        assert self.process.stdout is not None
        with self.process.stderr, self.process.stdout:
            self.seen += self.process.stderr.read().decode()
        assert "Traceback" not in self.seen, self.seen
        assert "was destroyed" not in self.seen, self.seen
        return code


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_tool_deaf_to_its_cancellation_keeps_nobody_waiting(tmp_path: Path, number: int, code: int) -> None:
    run = Started(tmp_path, "1. deaf_for_long()\njoin($1)", "listening to nobody")
    assert run.stop(number) == code
    assert "stopped after" in run.seen


def test_a_tool_that_holds_up_the_event_loop_ends_at_the_second_ctrl_c(tmp_path: Path) -> None:
    run = Started(tmp_path, "1. holds_up()\njoin($1)", "holding up")
    assert run.stop(presses=2) == 130
    assert "1 cancelled" in run.seen


def test_an_answer_that_nobody_takes_can_be_stopped(tmp_path: Path) -> None:
    run = Started(tmp_path, "1. big()\njoin($1)", "answered")
    assert run.stop() == 130, run.seen
