"""What goes in and out: questions and plans read, answers and JSON written, errors told, exit codes chosen.

Answers go to standard output and nothing else does: whatever tools print while a run is on goes to standard error.
"""

from __future__ import annotations

import asyncio
import io
import json
import os
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, TextIO

import typer

from .._jsonable import to_jsonable
from ..errors import ConfigurationError, LLMCompilerError, UsageError
from ..terminal._text import harmless

FAILED, BAD_USAGE = 1, 2
_MOST = 20_000


class Interrupted:
    """Exit codes of a run ended from outside: 128 plus the signal's number, as shells have it.

    A script can so tell "somebody stopped it" from "it failed".
    """

    code = 130
    terminated = 143


def prepare() -> None:
    """Make both outputs take any character: what their encoding lacks is written as an escape."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def read_question(given: str | None) -> str:
    """The question: as given, or all of standard input for `-` or where input is piped.

    Raises:
        ConfigurationError: There is none.
    """
    if given == "-" or (given is None and not _is_terminal(sys.stdin)):
        text = _read_stdin("replace")
    elif given is None:
        raise ConfigurationError('no question: llmcompiler run "...", or pipe one in')
    else:
        # Bytes that are not text arrive as lone surrogates, which no encoder takes.
        text = given.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    if not text.strip():
        raise ConfigurationError('the question is empty: llmcompiler run "...", or pipe one in')
    return text.strip()


def read_plan(path: str) -> str:
    """The text of a plan file; `-` is standard input.

    Raises:
        ConfigurationError: It can not be read, or is not UTF-8 text.
    """
    try:
        if path == "-":
            return _read_stdin("strict")
        with open(path, "rb") as file:
            return file.read().decode("utf-8-sig")
    except UnicodeDecodeError as e:
        raise ConfigurationError(f"{path}: not UTF-8 text (byte {e.start})") from None
    except OSError as e:
        raise ConfigurationError(f"{path}: {e.strerror or e}") from None


def _read_stdin(errors: str) -> str:
    if sys.stdin is None:
        return ""
    raw = getattr(sys.stdin, "buffer", None)
    data: str = raw.read().decode("utf-8-sig", errors) if raw is not None else sys.stdin.read()
    return data


def _is_terminal(stream: TextIO | None) -> bool:
    try:
        return stream is not None and stream.isatty()
    except ValueError:  # closed
        return False


def _unicode(stream: TextIO) -> bool:
    return (stream.encoding or "").lower().startswith("utf")


@contextmanager
def only_answers() -> Iterator[TextIO]:
    """The real standard output, while everything printed in between goes to standard error."""
    real = sys.stdout
    sys.stdout = sys.stderr
    try:
        yield real
    finally:
        sys.stdout = real


def write_text(text: str, out: TextIO) -> None:
    """Write lines of text; control characters other than tabs and line ends become escapes."""
    out.write(harmless(text).rstrip("\n") + "\n")
    out.flush()


def write_answer(output: Any, out: TextIO) -> None:
    """Write an answer: a text as it is, anything else as JSON."""
    if isinstance(output, str):
        write_text(output, out)
    else:
        text = json.dumps(to_jsonable(output), indent=2, ensure_ascii=not _unicode(out))
        write_text(text, out)


def write_json(document: Any, out: TextIO) -> None:
    """Write one JSON document, nothing escaped that JSON does not escape where the encoding allows it."""
    out.write(json.dumps(document, indent=2, ensure_ascii=not _unicode(out)) + "\n")
    out.flush()


def tell(text: str) -> None:
    """A line for the user, on standard error."""
    with suppress(OSError, ValueError):  # nobody may be there to read it
        sys.stderr.write(harmless(text) + "\n")
        sys.stderr.flush()


@contextmanager
def failures(*, as_json: bool = False, debug: bool = False) -> Iterator[TextIO]:
    """Run a command: yields standard output, and turns what goes wrong into one message and an exit code.

    Raises:
        typer.Exit: With the exit code, if anything went wrong.
    """
    with only_answers() as out:
        try:
            yield out
            return
        except typer.Exit:
            raise
        except BrokenPipeError:
            _forget(out)
            code = FAILED
        except (KeyboardInterrupt, asyncio.CancelledError) as e:
            code = Interrupted.code if isinstance(e, KeyboardInterrupt) else Interrupted.terminated
            if as_json:
                _write_failure(e, "interrupted", out)
        except LLMCompilerError as e:
            code = BAD_USAGE if isinstance(e, UsageError) else FAILED
            if debug:
                traceback.print_exc()
            tell("error: " + str(e)[:_MOST])
            if as_json:
                _write_failure(e, str(e), out)
        except Exception as e:  # the last resort of a command: a message instead of a traceback
            code = FAILED
            text = f"{type(e).__name__}: {e}"[:_MOST]
            if debug:
                traceback.print_exc()
            tell(f"error: unexpected {text}" + ("" if debug else "\nhint: --debug shows where it came from"))
            if as_json:
                _write_failure(e, str(e), out)
    raise typer.Exit(code)


def _write_failure(error: BaseException, message: str, out: TextIO) -> None:
    result = getattr(error, "result", None)
    document = {"output": None} if result is None else result.to_dict()
    kind = "Interrupted" if message == "interrupted" else type(error).__name__
    if document.get("error") is None:
        document["error"] = {"type": kind, "message": message}
    try:
        write_json(document, out)
    except BrokenPipeError:
        _forget(out)


def _forget(out: TextIO) -> None:
    """The reader of standard output is gone: keep the interpreter from failing on it again when it flushes at exit."""
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), out.fileno())
