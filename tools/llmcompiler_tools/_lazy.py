"""Loading at first use: what is slow to import or to build is made once, by one thread."""

from __future__ import annotations

import importlib
import threading
from collections.abc import Callable
from typing import Any, TypeVar

from llmcompiler.errors import ConfigurationError

T = TypeVar("T")


def once(make: Callable[[], T]) -> Callable[[], T]:
    """A function that calls `make` the first time and gives the same object ever after.

    Tools run in several threads at a time: the others wait for the first one, so `make` runs once. Where it raises,
    nothing is kept and the next call tries again.
    """
    lock = threading.RLock()
    made: list[T] = []

    def get() -> T:
        if not made:
            with lock:
                if not made:
                    made.append(make())
        return made[0]

    return get


def require(module: str) -> Any:
    """Import a module of the `tools` extra.

    Raises:
        ConfigurationError: It is not installed; the text says how to install it.
    """
    try:
        return importlib.import_module(module)
    except ImportError as e:
        raise ConfigurationError(
            f'this tool needs the package `{module.partition(".")[0]}` ({e}); pip install "llmcompiler-runtime[tools]"'
        ) from e
