"""Language models: the protocol, the clients, and how a name becomes one of them.

What needs an HTTP client or the embedded engine is loaded when it is first asked for, not by importing this.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from .base import (
    Feature,
    Message,
    Model,
    ModelChunk,
    ModelReply,
    ModelRequest,
    Role,
    ToolCall,
    ToolCallDelta,
    Usage,
    complete,
)

if TYPE_CHECKING:
    from .asking import ModelCall, asked
    from .local import LocalModel
    from .openai import OpenAIModel
    from .resolve import default_local_model, register_provider, resolve_model

__all__ = [
    "Feature",
    "LocalModel",
    "Message",
    "Model",
    "ModelCall",
    "ModelChunk",
    "ModelReply",
    "ModelRequest",
    "OpenAIModel",
    "Role",
    "ToolCall",
    "ToolCallDelta",
    "Usage",
    "asked",
    "complete",
    "default_local_model",
    "register_provider",
    "resolve_model",
]

_LAZY = {
    "LocalModel": ".local",
    "ModelCall": ".asking",
    "asked": ".asking",
    "OpenAIModel": ".openai",
    "default_local_model": ".resolve",
    "register_provider": ".resolve",
    "resolve_model": ".resolve",
}


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_LAZY[name], __name__), name)


def __dir__() -> list[str]:
    return __all__
