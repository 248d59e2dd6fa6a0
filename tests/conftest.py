"""For every test: the loggers are afterwards as they were before, for some tests and documents set logging up."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest

NAMES = (
    "llmcompiler",
    "llmcompiler.runs",
    "llmcompiler.server",
    "shop",
    "uvicorn",
    "uvicorn.access",
    "uvicorn.error",
)


@pytest.fixture(autouse=True)
def logging_stays_as_it_was() -> Iterator[None]:
    loggers = [logging.getLogger(name) for name in NAMES]
    before = [(logger.level, logger.propagate, [*logger.handlers]) for logger in loggers]
    yield
    for logger, (level, propagate, handlers) in zip(loggers, before, strict=True):
        logger.setLevel(level)
        logger.propagate = propagate
        logger.handlers = handlers
