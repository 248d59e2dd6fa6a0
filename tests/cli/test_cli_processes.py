"""The command line in processes of its own: pipes, encodings, signals, and terminals."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from command_line import COMMAND, HERE, environment, spawn

TOOLS = ("--tools", "sample_tools")
ANSWER = "Everest is 1.5 times as tall.\n"
PATIENCE = 30.0
"""Seconds until something that never comes fails a test."""


def ask(planner: str) -> tuple[str, ...]:
    return ("run", "How much taller?", *TOOLS, "--planner", f"python:sample_tools:{planner}")


# -- pipes ---------------------------------------------------------------------------


def test_pipes() -> None:
    done = spawn("run", *TOOLS, "--model", "python:sample_tools:model", stdin="How much taller?")
    assert (done.code, done.out) == (0, ANSWER)
    assert "\x1b" not in done.err


def test_help_is_quick() -> None:
    begun = time.perf_counter()
    assert spawn("--help").code == 0
    assert time.perf_counter() - begun < 5  # a second on a quiet machine; more than that is not start-up


@pytest.mark.parametrize(
    "locale",
    [
        {"LC_ALL": "C", "PYTHONIOENCODING": "ascii"},
        {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
    ],
)
def test_locale_without_unicode(locale: dict[str, str]) -> None:
    done = spawn(*ask("odd_planner"), **locale)
    assert (done.code, done.out) == (0, "h\\xf6he \\u5c71 \\x1b[31mred\\x07\n")
    assert done.err.isascii()
    document = json.loads(spawn(*ask("odd_planner"), "--json", **locale).out)
    assert document["output"] == "höhe 山 \x1b[31mred\x07"


def test_argument_that_is_no_text() -> None:
    done = subprocess.run(
        [*COMMAND, "run", b"why \xff\xfe?", *TOOLS, "--planner", "python:sample_tools:planner", "--json"],
        capture_output=True,
        cwd=HERE,
        env=environment(),
        timeout=60,
        check=False,
    )
    assert done.returncode == 0
    assert json.loads(done.stdout)["question"] == "why \ufffd\ufffd?"


@pytest.mark.parametrize("stream", ["stdout", "stderr"])
def test_nobody_reads(stream: str) -> None:
    read, write = os.pipe()
    os.close(read)
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, stream: write}
    done = subprocess.run(
        [*COMMAND, *ask("planner")],
        stdin=subprocess.DEVNULL,
        cwd=HERE,
        env=environment(),
        timeout=60,
        check=False,
        **pipes,
    )
    os.close(write)
    if stream == "stdout":
        assert done.returncode == 1
        assert b"Traceback" not in done.stderr
        assert b"Exception ignored" not in done.stderr
    else:
        assert done.returncode == 0
        assert float(done.stdout) == pytest.approx(8849 / 5895)


# -- Ctrl-C --------------------------------------------------------------------------


def stopped(
    arguments: tuple[str, ...], moment: str, number: int = signal.SIGINT, **changes: str
) -> tuple[int, str, str]:
    """Run until standard error says `moment`, then send the signal; exit code, output, errors."""
    with subprocess.Popen(
        [*COMMAND, *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=HERE,
        env=environment(**changes),
    ) as process:
        assert process.stderr is not None
        seen = ""
        for raw in process.stderr:
            seen += raw.decode()
            if moment in seen:
                break
        process.send_signal(number)
        out, err = process.communicate(timeout=PATIENCE)
        return process.returncode, out.decode(), seen + err.decode()


def test_ctrl_c_while_planning() -> None:
    code, out, err = stopped(ask("silent_planner"), "planning")
    assert (code, out) == (130, "")
    assert "stopped before any call was made" in err
    assert "Traceback" not in err


def test_ctrl_c_while_planning_and_running() -> None:
    code, out, err = stopped(ask("slow_planner"), "done 1 search")
    assert (code, out) == (130, "")
    assert re.search(r"stopped after [\d.]+ s: 1 of 1 calls done", err)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_cancels_the_calls(tmp_path: Path, number: int, code: int) -> None:
    marker = tmp_path / "marker"
    got, out, err = stopped(ask("hang_planner"), "hanging", number, MARKER=str(marker))
    assert (got, out) == (code, ""), err
    assert marker.read_text() == "cancelled"
    assert re.search(r"stopped after [\d.]+ s: 1 of 2 calls done, 1 cancelled", err)
    assert "Traceback" not in err


def test_ctrl_c_while_joining() -> None:
    arguments = ("run", "How tall?", *TOOLS, "--model", "python:sample_tools:slow_join_model")
    code, out, err = stopped(arguments, "joining")
    assert (code, out) == (130, "")
    assert "1 of 1 calls done" in err


def test_ctrl_c_with_json_is_one_document() -> None:
    code, out, _ = stopped((*ask("slow_planner"), "--json"), "done 1 search")
    assert code == 130
    assert json.loads(out)["error"]["type"] == "Interrupted"


# -- terminals -----------------------------------------------------------------------


class Terminal:
    """A process whose standard error and input are a terminal of a given size, and whose output is a pipe."""

    def __init__(self, process: subprocess.Popen[bytes], master: int) -> None:
        self.process = process
        self.master = master
        self.seen = ""

    def read(self, until: str | None = None) -> str:
        """What the terminal shows, up to `until` or the end."""
        end = time.monotonic() + PATIENCE
        while until is None or until not in self.seen:
            ready, _, _ = select.select([self.master], [], [], max(0.0, end - time.monotonic()))
            assert ready, f"nothing more came; so far: {self.seen!r}"
            try:
                piece = os.read(self.master, 65536)
            except OSError:  # Linux: the other side is closed
                piece = b""
            if not piece:
                assert until is None, f"{until!r} never came; so far: {self.seen!r}"
                break
            self.seen += piece.decode("utf-8", "replace")
        return self.seen

    def write(self, text: str) -> None:
        os.write(self.master, text.encode())

    def end(self) -> tuple[int, str, str]:
        """Exit code, standard output, and everything the terminal showed."""
        shown = self.read()
        assert self.process.stdout is not None
        out = self.process.stdout.read().decode()
        return self.process.wait(PATIENCE), out, shown


@contextmanager
def on_terminal(*arguments: str, columns: int = 80, lines: int = 24, **changes: str) -> Iterator[Terminal]:
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
    changes = {"TERM": "xterm-256color", **changes}
    env = environment(**changes)
    for name in ("COLUMNS", "LINES", "NO_COLOR", "FORCE_COLOR"):
        if name not in changes:
            env.pop(name, None)
    process = subprocess.Popen(
        [*COMMAND, *arguments],
        stdin=slave,
        stdout=subprocess.PIPE,
        stderr=slave,
        cwd=HERE,
        env=env,
        start_new_session=True,
        preexec_fn=lambda: fcntl.ioctl(
            0, termios.TIOCSCTTY, 0
        ),  # so that Ctrl-C typed there arrives as a signal
    )
    os.close(slave)
    try:
        yield Terminal(process, master)
    finally:
        process.kill()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()
        os.close(master)


def plain(shown: str) -> str:
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", shown).replace("\r", "")


HIDE, SHOW = "\x1b[?25l", "\x1b[?25h"


@pytest.mark.parametrize("columns", [40, 80, 140])
def test_live_view_on_a_terminal(columns: int) -> None:
    with on_terminal(*ask("eight_planner"), columns=columns) as terminal:
        code, out, shown = terminal.end()
    assert (code, out) == (0, "value 7\n")
    assert shown.count(HIDE) == shown.count(SHOW) >= 1
    live, _, after = shown.rpartition(SHOW)
    assert "planning" in live
    assert re.search(r"[⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏]", live)
    assert "running" in plain(live)
    after = plain(after)
    assert all(f"✓ {i} wait(" in after for i in range(1, 9))
    for words in (
        "8 calls: 8 done",
        "makespan",
        "critical path",
        "time if sequential",
        "model calls",
        "tokens",
    ):
        assert words in after
    assert max(len(line) for line in after.splitlines()) <= columns


def test_no_color_and_dumb_terminals() -> None:
    with on_terminal(*ask("planner"), NO_COLOR="1") as terminal:
        _, _, shown = terminal.end()
    assert not re.search(r"\x1b\[[0-9;]*3[0-9]m", shown)
    with on_terminal(*ask("planner"), TERM="dumb") as terminal:
        code, _, shown = terminal.end()
    assert code == 0
    assert "\x1b" not in shown
    assert "done 3 divide" in shown


def test_terminal_without_unicode() -> None:
    with on_terminal(*ask("eight_planner"), PYTHONIOENCODING="ascii") as terminal:
        code, out, shown = terminal.end()
    assert (code, out) == (0, "value 7\n")
    assert shown.isascii()
    assert "+ 8 wait(" in plain(shown)


def test_ctrl_c_typed_on_the_terminal_leaves_it_as_it_was() -> None:
    with on_terminal(*ask("slow_planner")) as terminal:
        terminal.read(until="1/1 done")
        terminal.write("\x03")
        code, out, shown = terminal.end()
    assert (code, out) == (130, "")
    assert shown.count(HIDE) == shown.count(SHOW)
    assert "stopped after" in plain(shown)
    assert "Traceback" not in shown


@pytest.mark.parametrize(("answer", "out"), [("y\n", "sent to ann@example.org\n"), ("\n", ""), ("no\n", "")])
def test_approval_is_asked_for_with_the_exact_arguments(answer: str, out: str) -> None:
    with on_terminal(*ask("mail_planner"), "--max-replans", "0") as terminal:
        question = plain(terminal.read(until="[y/N] "))
        terminal.write(answer)
        _, got, shown = terminal.end()
    assert "task 1 `send_mail` needs approval" in question
    assert 'to = "ann@example.org"' in question
    assert 'body = "line one\\nline \\u001b[31mtwo"' in question
    if out:
        assert got == out
    else:
        assert "sent to" not in got
        assert "not approved" in shown
    assert shown.count(HIDE) == shown.count(SHOW) >= 2


def test_ctrl_c_at_the_approval_question() -> None:
    with on_terminal(*ask("mail_planner")) as terminal:
        terminal.read(until="[y/N] ")
        terminal.write("\x03")
        code, out, shown = terminal.end()
    assert (code, out) == (130, "")
    assert shown.count(HIDE) == shown.count(SHOW)


def test_no_question_on_a_terminal_is_bad_usage_not_a_wait() -> None:
    with on_terminal("run", *TOOLS) as terminal:
        code, out, shown = terminal.end()
    assert (code, out) == (2, "")
    assert "no question" in shown
