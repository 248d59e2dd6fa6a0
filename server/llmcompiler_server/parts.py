"""What the routes of one app share. It holds the parts together; none of them is made here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from fastapi import Request

from llmcompiler import LLMCompiler

if TYPE_CHECKING:
    from .keys import KeyRing
    from .metrics import Metrics
    from .runs import RunManager
    from .settings import ServerSettings
    from .store import RunStore


@dataclass(frozen=True, slots=True)
class Parts:
    """The parts of one app: `app.state.parts`."""

    compiler: LLMCompiler
    settings: ServerSettings
    manager: RunManager
    store: RunStore
    keyring: KeyRing
    metrics: Metrics


def parts(request: Request) -> Parts:
    """The parts of the app that got this request."""
    made: Parts = request.app.state.parts
    return made


async def shared_parts(request: Request) -> Parts:
    """The same as a dependency: `Depends(shared_parts)`. FastAPI would run one that is not async in a thread."""
    return parts(request)


__all__ = ["Parts", "parts", "shared_parts"]
