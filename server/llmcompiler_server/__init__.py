"""The HTTP service of llmcompiler: questions in, answers and their events out, for any HTTP client.

`llmcompiler serve` starts it; `create_app` makes it an ASGI app of your own.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .app import create_app
    from .serving import serve
    from .settings import ServerSettings
    from .store import MemoryRunStore, RunStore
    from .store_sqlite import SQLiteRunStore

__all__ = ["MemoryRunStore", "RunStore", "SQLiteRunStore", "ServerSettings", "create_app", "serve"]

# Each is imported when it is first asked for: a key can be made, say, without the whole service.
_HOMES = {
    "MemoryRunStore": "store",
    "RunStore": "store",
    "SQLiteRunStore": "store_sqlite",
    "ServerSettings": "settings",
    "create_app": "app",
    "serve": "serving",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        home = import_module(f".{_HOMES[name]}", __name__)
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("llmcompiler"):
            raise
        raise ImportError(
            f"the HTTP service needs the module `{error.name}`: install llmcompiler-runtime[server]",
            name=error.name,
        ) from None
    return getattr(home, name)


def __dir__() -> list[str]:
    return __all__
