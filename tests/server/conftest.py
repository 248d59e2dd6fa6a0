"""Fixtures of the service's tests; what they are made of is in `tests/support/serving.py`."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager
from typing import Any

import pytest

from tests.support.serving import Gates, Running, make_compiler, make_settings, serving


@pytest.fixture
def gates() -> Iterator[Gates]:
    """Where the calls of a test wait."""
    made = Gates()
    yield made
    made.stuck.set()


Start = Callable[..., AbstractAsyncContextManager[Running]]


@pytest.fixture
def start(gates: Gates) -> Start:
    """A service of the test's own, begun with `async with`.

    Takes settings, and `compiler=`, `options=` of the compiler, `store_object=`.
    """

    def begin(**given: Any) -> AbstractAsyncContextManager[Running]:
        from llmcompiler_server import create_app

        compiler = given.pop("compiler", None) or make_compiler(gates, **given.pop("options", {}))
        store = given.pop("store_object", None)
        return serving(create_app(compiler, make_settings(**given), store=store), gates)

    return begin


@pytest.fixture
async def server(start: Start) -> AsyncIterator[Running]:
    """A service with the settings as they come, but for the limit of requests."""
    async with start() as running:
        yield running
