"""What goes in and out: questions and plans read, answers and JSON written, errors told, exit codes chosen.

Answers go to standard output and nothing else does: whatever tools write while a run is on goes to standard error.
"""

from __future__ import annotations

import asyncio
import io
import logging
import os
import sys
import traceback
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from typing import Any, BinaryIO, TextIO

import typer

from .._jsonable import dumps, error_to_dict, to_jsonable
from ..errors import ConfigurationError, LLMCompilerError, UsageError
from ..terminal._text import harmless

FAILED, BAD_USAGE = 1, 2
_MOST = 20_000
"""Characters of an error that are shown."""
_LARGEST = 64 * 2**20
"""Bytes that are read of a plan or a question: what has no end is refused instead of filling the memory."""


class Interrupted:
    """Exit codes of a run ended from outside: 128 plus the signal's number, as shells have it.

    A script can so tell "somebody stopped it" from "it failed".
    """

    code = 130
    terminated = 143


def prepare() -> None:
    """Make both outputs take any character: what their encoding lacks is written as an escape.

    Where the caller closed standard error, what would go there is dropped.
    """
    for number in (0, 1, 2):
        try:
            os.fstat(number)
        except OSError:
            # Or the next socket would get the number of an output, and be written to.
            with suppress(OSError):
                os.open(os.devnull, os.O_RDWR)
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115 - until the process ends
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
            return _bounded(file, path).decode("utf-8-sig")
    except UnicodeDecodeError as e:
        raise ConfigurationError(f"{path}: not UTF-8 text (byte {e.start})") from None
    except (OSError, ValueError) as e:
        raise ConfigurationError(f"{path or repr(path)}: {getattr(e, 'strerror', None) or e}") from None


def _read_stdin(errors: str) -> str:
    if sys.stdin is None:
        return ""
    raw = getattr(sys.stdin, "buffer", None)
    if raw is None:
        return sys.stdin.read()
    return _bounded(raw, "standard input").decode("utf-8-sig", errors)


def _bounded(file: BinaryIO, name: str) -> bytes:
    data = file.read(_LARGEST + 1)
    if len(data) > _LARGEST:
        raise ConfigurationError(f"{name}: more than {_LARGEST // 2**20} MiB; is it the right file?")
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
    """The real standard output, while everything printed in between goes to standard error.

    That holds for what other programs and libraries in other languages write, too.
    """
    real = sys.stdout
    with ExitStack() as stack:
        out = _own_output(real, stack)
        sys.stdout = sys.stderr
        try:
            yield out
        finally:
            sys.stdout = real


def _own_output(real: TextIO | None, stack: ExitStack) -> TextIO:
    """`real` under a file number that nobody else knows, while its own leads to standard error."""
    if real is None:
        # Closed by whoever started this process: an error where something is written, and only there.
        return stack.enter_context(open(os.devnull, encoding="utf-8"))
    try:
        if real is not sys.__stdout__ or not isinstance(real, io.TextIOWrapper) or real.fileno() != 1:
            return real  # a notebook's, a test's
        real.flush()
        kept = os.dup(1)
    except (OSError, ValueError):
        return real
    out = open(kept, "w", encoding=real.encoding, errors=real.errors)  # noqa: SIM115 - closed by `_let_go`
    stack.callback(_let_go, real, out)
    os.dup2(2, 1)
    return out


def _let_go(real: TextIO, out: TextIO) -> None:
    with suppress(OSError, ValueError):  # closed by a tool
        real.flush()  # what went past `sys.stdout` belongs to standard error
    with suppress(OSError):
        os.dup2(out.fileno(), 1)
    with suppress(OSError):
        out.close()


def _put(text: str, out: TextIO) -> None:
    try:
        out.write(text)
        out.flush()
    except (BrokenPipeError, KeyboardInterrupt):
        _forget(out)
        raise
    except (OSError, ValueError) as e:
        why = getattr(e, "strerror", None) or ("closed" if not out.writable() else e)
        _forget(out)
        raise LLMCompilerError(f"standard output can not be written to ({why}): the answer is lost") from None


def write_text(text: str, out: TextIO) -> None:
    """Write lines of text; control characters other than tabs and line ends become escapes.

    Raises:
        LLMCompilerError: Standard output takes nothing.
    """
    _put(harmless(text).rstrip("\n") + "\n", out)


def write_answer(output: Any, out: TextIO) -> None:
    """Write an answer: a text as it is, anything else as JSON."""
    if isinstance(output, str):
        write_text(output, out)
    else:
        write_text(dumps(to_jsonable(output), 2, ascii_only=not _unicode(out)), out)


def write_json(document: Any, out: TextIO) -> None:
    """Write one JSON document, nothing escaped that JSON does not escape where the encoding allows it."""
    _put(dumps(document, 2, ascii_only=not _unicode(out)) + "\n", out)


def tell(text: str) -> None:
    """A line for the user, on standard error."""
    with suppress(OSError, ValueError):  # nobody may be there to read it
        sys.stderr.write(harmless(text) + "\n")
        sys.stderr.flush()


class _Telling(logging.Handler):
    """What the library warns of, for the user."""

    def emit(self, record: logging.LogRecord) -> None:
        kind = record.exc_info[0] if record.exc_info else None
        tell(f"{record.levelname.lower()}: {record.getMessage()}" + (f" ({kind.__name__})" if kind else ""))


@contextmanager
def _warnings_told() -> Iterator[None]:
    logger = logging.getLogger("llmcompiler")
    if any(not isinstance(h, logging.NullHandler) for h in (*logger.handlers, *logging.getLogger().handlers)):
        yield  # logging is set up: what is done with warnings is decided there
        return
    handler = _Telling(logging.WARNING)
    logger.addHandler(handler)
    try:
        yield
    finally:
        logger.removeHandler(handler)


@contextmanager
def failures(*, as_json: bool = False, debug: bool = False) -> Iterator[TextIO]:
    """Run a command: yields standard output, and turns what goes wrong into one message and an exit code.

    Raises:
        typer.Exit: With the exit code, if anything went wrong.
    """
    with only_answers() as out, _warnings_told():
        try:
            yield out
            return
        except typer.Exit:
            raise
        except BrokenPipeError:
            code = FAILED
        except (KeyboardInterrupt, asyncio.CancelledError) as e:
            code = Interrupted.code if isinstance(e, KeyboardInterrupt) else Interrupted.terminated
            if as_json:
                _write_failure(e, "interrupted", out)
        except LLMCompilerError as e:
            code = BAD_USAGE if isinstance(e, UsageError) else FAILED
            if debug:
                traceback.print_exc()
            text = str(e)
            tell("error: " + text[:_MOST] + (" ..." if len(text) > _MOST else ""))
            if as_json:
                _write_failure(e, text, out)
        except Exception as e:  # the last resort of a command: a message instead of a traceback
            code = FAILED
            message = error_to_dict(e)["message"]
            if debug:
                traceback.print_exc()
            text = f"{type(e).__name__}: {message}".removesuffix(": ")[:_MOST]
            tell(f"error: unexpected {text}" + ("" if debug else "\nhint: --debug shows where it came from"))
            if as_json:
                _write_failure(e, message, out)
    raise typer.Exit(code)


def _write_failure(error: BaseException, message: str, out: TextIO) -> None:
    result = getattr(error, "result", None)
    document = {"output": None} if result is None else result.to_dict()
    kind = "Interrupted" if message == "interrupted" else type(error).__name__
    if document.get("error") is None:
        document["error"] = {"type": kind, "message": message}
    with suppress(LLMCompilerError, BrokenPipeError):  # said already, or nobody is there to be told
        write_json(document, out)


@contextmanager
def leaving(*, for_good: bool) -> Iterator[None]:
    """Round everything: the process ends, if that is what comes next, though a tool's thread hangs."""
    try:
        yield
    except SystemExit as e:
        bridge = sys.modules.get("llmcompiler.bridge")
        if for_good and bridge is not None and bridge.threads_hang():
            for stream in (sys.stdout, sys.stderr):
                with suppress(OSError, ValueError, AttributeError):
                    stream.flush()
            os._exit(e.code if isinstance(e.code, int) else FAILED)
        raise


def _forget(out: TextIO) -> None:
    """Standard output takes no more: keep it from failing, or waiting, again on what it holds when it is closed."""
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), out.fileno())
