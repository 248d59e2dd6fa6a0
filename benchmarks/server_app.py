"""The services that `benchmarks.server` measures, each in a process of its own: `python -m benchmarks.server_app NAME`.

`ours` answers every question with the same plan of eight tasks; `bare` is a FastAPI endpoint that sends given bytes.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from typing import Any

import uvicorn
from fastapi import FastAPI
from fastapi.responses import StreamingResponse

from llmcompiler import LLMCompiler, tool
from llmcompiler.models.base import ModelChunk, ModelRequest, Usage

PLAN = """\
1. step(1)
2. step(2)
3. step($1)
4. step($2)
5. both($3, $4)
6. step($5)
7. step($5)
8. both($6, $7)
join($8)
"""
ANSWER = 6


@tool
async def step(x: int) -> int:
    """Gives it back."""
    return x


@tool
async def both(a: int, b: int) -> int:
    """The sum."""
    return a + b


class SameModel:
    """A model that always writes the same plan, and keeps nothing."""

    name = "same"
    features = frozenset({"chat"})

    async def stream(self, request: ModelRequest) -> AsyncIterator[ModelChunk]:
        """The plan, line by line."""
        for line in PLAN.splitlines(keepends=True):
            yield ModelChunk(line)
        yield ModelChunk("", Usage(prompt_tokens=100, completion_tokens=60), "stop")


def ours() -> FastAPI:
    """The service, with room for every run."""
    from llmcompiler_server import ServerSettings, create_app

    settings = ServerSettings(max_runs=100_000, max_runs_per_key=100_000, rate=1e9, max_kept_runs=1_000)
    return create_app(LLMCompiler([step, both], model=SameModel(), planner="text"), settings)


def bare(frames: list[bytes]) -> FastAPI:
    """The floor: the same bytes in the same pieces, from an endpoint that does nothing else."""
    app = FastAPI()

    @app.post("/v1/runs")
    async def send(body: dict[str, Any]) -> StreamingResponse:
        async def pieces() -> AsyncIterator[bytes]:
            for frame in frames:
                yield frame
                await asyncio.sleep(0)

        return StreamingResponse(pieces(), media_type="text/event-stream")

    return app


class _Told(uvicorn.Server):
    async def startup(self, sockets: Any = None) -> None:
        await super().startup(sockets)
        print(self.servers[0].sockets[0].getsockname()[1], flush=True)


def main() -> None:
    """Serve on a free port, which is printed, until standard input ends or a signal comes."""
    name = sys.argv[1]
    app = ours() if name == "ours" else bare(sys.stdin.buffer.read().split(b"\0"))
    _Told(uvicorn.Config(app, port=0, log_level="warning", access_log=False, ws="none", backlog=4096)).run()


if __name__ == "__main__":
    main()
