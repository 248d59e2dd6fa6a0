"""The llama.cpp engine in this process: loaded once per set of files and settings, driven from plain threads.

No asyncio here, and no requests of ours: `run` takes what llama.cpp's server takes. It is the only file that
imports `xllamacpp`.
"""

from __future__ import annotations

import atexit
import importlib
import importlib.util
import os
import secrets
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..errors import ConfigurationError
from ._gguf import read_metadata

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_BATCH = 128
"""Tokens of a prompt that are worked on at a time: between two batches a request can be stopped, and others
get their turn. More gains under a tenth in speed."""

_PROMPT_CACHE_MIB = 256

_lock = threading.Lock()
_engines: dict[tuple[EngineSettings, int], Engine] = {}


@dataclass(frozen=True, slots=True)
class EngineSettings:
    """What makes two engines the same one."""

    path: Path
    adapters: tuple[tuple[str, Path], ...]
    context: int
    slots: int
    threads: int
    batch_threads: int
    stamp: tuple[tuple[int, int], ...]
    """Size and time of each file: one that was replaced is loaded anew."""


def engine_installed() -> bool:
    """Whether the engine can be imported, without importing it."""
    return importlib.util.find_spec("xllamacpp") is not None


def get_engine(settings: EngineSettings) -> Engine:
    """The engine for these settings, loaded if need be (0.6 s for the default weights). Call it in a thread.

    Raises:
        ConfigurationError: The engine is not installed, or can not load these files.
    """
    # A forked child has a copy of the object but none of its threads: it needs an engine of its own.
    key = (settings, os.getpid())
    with _lock:
        engine = _engines.get(key)
        if engine is None:
            engine = _engines[key] = Engine(settings)
        return engine


def unload_engines() -> None:
    """Free the memory of every engine that this process has loaded. The next request loads again."""
    with _lock:
        _engines.clear()


# Left to the interpreter's own end, the engine's threads could outlive what they use.
atexit.register(unload_engines)


class Engine:
    """A loaded model. `run` may be called from several threads at once; requests beyond the slots wait."""

    def __init__(self, settings: EngineSettings) -> None:
        self.adapters = tuple(name for name, _ in settings.adapters)
        xllamacpp = _import()
        try:
            self._server = _load(xllamacpp, settings, settings.adapters)
        except RuntimeError:
            raise ConfigurationError(_blame(xllamacpp, settings)) from None

    def run(self, chat: bool, body: dict[str, Any], on_chunk: Callable[[dict[str, Any]], bool]) -> None:
        """Stream a reply: `on_chunk` gets every piece, and stops the generation by returning True."""
        handle = self._server.handle_chat_completions if chat else self._server.handle_completions
        handle(body, on_chunk)


def _import() -> Any:
    # Waiting threads that spin make generation ten times slower as soon as anything else wants the cores.
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    try:
        return importlib.import_module("xllamacpp")  # by name: it has no types, and may not be there
    except ImportError as error:
        raise ConfigurationError(
            f'the embedded model needs its engine ({error}): run `pip install "llmcompiler-runtime[local]"`'
        ) from None


def _load(xllamacpp: Any, settings: EngineSettings, adapters: tuple[tuple[str, Path], ...]) -> Any:
    server = xllamacpp.Server(_parameters(xllamacpp, settings, adapters))
    # A server that is freed before its own thread has begun to wait for work is waited for without end, and the
    # interpreter with it. An empty request takes half a millisecond, and is answered by that thread.
    server.handle_completions({"prompt": "", "max_tokens": 1})
    return server


def _parameters(xllamacpp: Any, settings: EngineSettings, adapters: tuple[tuple[str, Path], ...]) -> Any:
    p = xllamacpp.CommonParams()
    p.model.path = str(settings.path)
    p.lora_adapters = [xllamacpp.CommonAdapterLoraInfo(str(path), 1.0) for _, path in adapters]
    # It always listens: only on this machine, on a free port, and with a key that nobody has.
    p.hostnames = ["127.0.0.1"]
    p.api_keys = [secrets.token_urlsafe(32)]
    p.n_threads_http = 1
    p.ui = False
    p.n_parallel = settings.slots
    p.n_ctx = settings.context * settings.slots
    p.n_batch = p.n_ubatch = min(_BATCH, settings.context)
    p.cpuparams.n_threads = settings.threads
    p.cpuparams_batch.n_threads = settings.batch_threads
    p.cache_ram_mib = _PROMPT_CACHE_MIB
    p.warmup = False
    p.verbosity = 0
    return p


def _blame(xllamacpp: Any, settings: EngineSettings) -> str:
    """Why loading failed: the engine only says that it did."""
    name = settings.path.name
    kind = read_metadata(settings.path).get("general.type", "model")
    if kind != "model":
        return f"{name} is no model but of type {kind!r}: pass it in `adapters`, beside the model it was made for"
    if settings.adapters:
        try:
            _load(xllamacpp, settings, ())
        except RuntimeError:
            pass
        else:
            shown = ", ".join(f"`{key}` ({path})" for key, path in settings.adapters)
            return f"an adapter does not fit the model {name}, or is damaged: {shown}"
    return (
        f"llama.cpp can not load {settings.path}: the file is damaged or of a kind that it does not know; weights "
        "that were pulled are fetched again with `llmcompiler models pull --force`"
    )
