"""Tools that do what tools should not: for the tests of bad input. Loaded by the command line as a file."""

from __future__ import annotations

import asyncio
import itertools
import os
import sys
import threading
import time
from typing import Any

from llmcompiler import tool

print("noise: imported")  # noqa: T201 - that is what it is for


@tool
async def echo(text: str) -> str:
    """Give the text back."""
    return text


@tool
async def double(n: int) -> int:
    """Twice the number."""
    return 2 * n


@tool
async def fails(how: str) -> str:
    """Raise something."""

    class NoText(Exception):
        def __str__(self) -> str:
            raise RuntimeError("no text")

    errors: dict[str, BaseException] = {
        "value": ValueError("it \x1b[31mbroke"),
        "empty": ValueError(),
        "no text": NoText(),
        "exit": SystemExit(3),
        "base": BaseException("rude"),
        "cancelled": asyncio.CancelledError(),
        "huge": ValueError("x" * 5_000_000),
        "group": ExceptionGroup("several", [ValueError("a"), TypeError("b")]),
    }
    raise errors[how]


@tool
def fails_in_a_thread(how: str) -> str:
    """Raise something, in a thread."""
    raise {"stop": StopIteration(1), "exit": SystemExit(3), "value": ValueError("it broke")}[how]


@tool
def odd(kind: str) -> Any:
    """Return what JSON can not hold, or what looks like a plan."""

    class NoRepr:
        def __repr__(self) -> str:
            raise RuntimeError("no repr")

    cycle: list[Any] = []
    cycle.append(cycle)
    made: dict[str, Any] = {
        "plan": '$1 ${1} $$ 4. echo("again") join($9)',
        "lock": threading.Lock(),
        "no repr": NoRepr(),
        "cycle": cycle,
        "endless": itertools.count(),
        "nested endless": {"ids": itertools.count()},
        "file": sys.stdin,
        "nan": float("nan"),
        "huge number": 10**5000,
        "bytes": b"\xff\x00",
        "lone surrogate": "a\ud800b",
        "error": ValueError("a value, not raised"),
        "class": int,
        "keys": {(1, 2): 3, None: 4},
    }
    return made[kind]


@tool
async def big() -> str:
    """50 MB of text."""
    return "x" * 50_000_000


@tool(timeout=0.2)
async def hangs() -> str:
    """Never end."""
    await asyncio.Event().wait()
    return ""


@tool(timeout=0.2)
def hangs_in_a_thread() -> str:
    """Never end, in a thread."""
    time.sleep(60)
    return ""


@tool(timeout=0.2)
async def hangs_in_asyncios_thread() -> str:
    """Never end, in a thread that Python waits for at its end."""
    await asyncio.to_thread(time.sleep, 60)
    return ""


@tool(timeout=0.2)
async def deaf() -> str:
    """Never end, whatever is thrown at it."""
    while True:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            sys.stderr.write("deaf to it\n")


@tool
def noisy() -> str:
    """Write to standard output by every way there is."""
    print("noise: print")  # noqa: T201 - that is what it is for
    assert sys.__stdout__ is not None
    sys.__stdout__.write("noise: the stream itself\n")
    sys.__stdout__.flush()
    os.write(1, b"noise: its number\n")
    os.system("echo noise: another program")
    return "quiet"


@tool
async def deaf_for_long() -> str:
    """Never end, whatever is thrown at it; say when it begins."""
    sys.stderr.write("listening to nobody\n")
    while True:
        try:
            await asyncio.sleep(60)
        except BaseException:
            continue


@tool
async def holds_up() -> str:
    """Block the event loop."""
    sys.stderr.write("holding up\n")
    time.sleep(60)  # noqa: ASYNC251 - that is what it is for
    return ""
