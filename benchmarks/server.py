"""The HTTP service under load: streamed runs of eight tasks, many at once, against a bare endpoint of the same bytes.

Client and service are processes of their own on one machine. Every stream is checked: each event once, in order, the
last one `RunFinished` with the right answer. `overhead_ms` is the median time of a run, less that of the bare endpoint.
"""

from __future__ import annotations

import asyncio
import json
import re
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.server_app import ANSWER

_BODY = json.dumps({"input": "Two sums?", "stream": True}).encode()
_REQUEST = (
    b"POST /v1/runs HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: application/json\r\n"
    b"Content-Length: %d\r\n\r\n%s" % (len(_BODY), _BODY)
)
_IDS = re.compile(rb"^id: (\d+)$", re.MULTILINE)


@dataclass
class Load:
    """What came of many requests."""

    seconds: list[float] = field(default_factory=list)
    """Of each."""
    events: int = 0
    errors: int = 0
    wrong: int = 0
    """Streams with an event lost, repeated or out of order, or without the right end."""
    total: float = 0.0
    """Seconds of all together."""
    memory: list[float] = field(default_factory=list)
    """MB that the service holds, now and then."""


@contextmanager
def serving(name: str, given: bytes | None = None) -> Iterator[tuple[int, int]]:
    """A service in a process of its own: its port and process id."""
    process = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.server_app", name],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=Path(__file__).parents[1],
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        if given is not None:
            process.stdin.write(given)
        process.stdin.close()
        yield int(process.stdout.readline()), process.pid
    finally:
        process.terminate()
        process.wait(60)
        process.stdout.close()


async def ask(port: int) -> bytes:
    """The body of one answer."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(_REQUEST)
        head = await reader.readuntil(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 200"):
            raise OSError(head.decode(errors="replace"))
        body = []
        while size := int(await reader.readline(), 16):
            body.append(await reader.readexactly(size))
            await reader.readexactly(2)
        return b"".join(body)
    finally:
        writer.close()


def is_right(body: bytes, *, ended: bool = True) -> tuple[int, bool]:
    """How many events there are, and whether they are what they should be."""
    ids = [int(i) for i in _IDS.findall(body)]
    right = ids == list(range(len(ids))) and bool(ids)
    last = body.rstrip().rpartition(b"data: ")[2]
    if right and ended:
        said = json.loads(last)
        right = said["type"] == "RunFinished" and said["output"] == ANSWER
    return len(ids), right


async def load(port: int, pid: int, at_once: int, count: int) -> Load:
    """`count` requests, so many at once."""
    made = Load()
    left = iter(range(count))

    async def worker() -> None:
        for number in left:
            begun = time.perf_counter()
            try:
                body = await ask(port)
            except (OSError, asyncio.IncompleteReadError, ValueError):
                made.errors += 1
                continue
            made.seconds.append(time.perf_counter() - begun)
            events, right = is_right(body)
            made.events += events
            made.wrong += not right
            if number % max(1, count // 20) == 0:
                made.memory.append(memory(pid))

    begun = time.perf_counter()
    await asyncio.gather(*[worker() for _ in range(at_once)])
    made.total = time.perf_counter() - begun
    made.memory.append(memory(pid))
    return made


def memory(pid: int) -> float:
    """MB of memory that a process holds; 0 where the system does not say."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0.0
    return int(status.partition("VmRSS:")[2].split()[0]) / 1024


def measure(
    at_once: tuple[int, ...] = (1, 50, 500), count: int = 2_000, flat: int = 20_000
) -> list[dict[str, Any]]:
    """One row a number of runs at once, and one for memory over many runs.

    Args:
        at_once: Streams at once.
        count: Runs for each of those.
        flat: Runs over which memory is watched; 0 for none.
    """
    rows = []
    with serving("ours") as (port, pid):
        asyncio.run(load(port, pid, 10, 50))  # warm
        example = asyncio.run(ask(port))
        frames = [f + b"\n\n" for f in example.split(b"\n\n") if f]
        with serving("bare", b"\0".join(frames)) as (floor_port, floor_pid):
            asyncio.run(load(floor_port, floor_pid, 10, 50))
            for many in at_once:
                done = max(many * 2, count)
                floor = asyncio.run(load(floor_port, floor_pid, many, done))
                rows.append(row("streams", many, asyncio.run(load(port, pid, many, done)), floor))
        if flat:
            rows.append(row("memory", 50, asyncio.run(load(port, pid, 50, flat)), None))
    return rows


def row(what: str, many: int, ours: Load, floor: Load | None) -> dict[str, Any]:
    """What is shown of a load."""
    mid = statistics.median(ours.seconds) * 1e3
    base = statistics.median(floor.seconds) * 1e3 if floor is not None else float("nan")
    tail = len(ours.memory) // 4
    return {
        "what": what,
        "at_once": many,
        "runs": len(ours.seconds),
        "errors": ours.errors + (floor.errors if floor is not None else 0),
        "wrong": ours.wrong,
        "p50_ms": mid,
        "p99_ms": statistics.quantiles(ours.seconds, n=100)[98] * 1e3,
        "bare_p50_ms": base,
        "overhead_ms": mid - base,
        "events_s": ours.events / ours.total,
        "bare_events_s": floor.events / floor.total if floor is not None else float("nan"),
        "mb_quarter": ours.memory[tail],
        "mb_end": ours.memory[-1],
    }


if __name__ == "__main__":
    from benchmarks.__main__ import table

    numbers = [int(n) for n in sys.argv[1:]] or [500, 2_000, 20_000]
    print(table(measure((1, numbers[0]), numbers[1], numbers[2])))
