"""The loggers of the service as they were before: setting them up is for a whole process, and tests share one."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator

NAMES = ("llmcompiler", "uvicorn", "uvicorn.error", "uvicorn.access")


@contextlib.contextmanager
def loggers_restored() -> Iterator[None]:
    """Put back handlers, levels and propagation at the end."""
    before = [(x := logging.getLogger(name), x.handlers, x.propagate, x.level) for name in NAMES]
    try:
        yield
    finally:
        for logger, handlers, propagate, level in before:
            logger.handlers, logger.propagate = handlers, propagate
            logger.setLevel(level)
