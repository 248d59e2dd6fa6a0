"""The embedded model: llama.cpp in this process, off the event loop. How it is loaded is in `_engine.py`."""

from __future__ import annotations

import asyncio
import importlib.util
import os
import re
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import (
    ConfigurationError,
    ModelError,
    ModelReplyInvalid,
    ModelRequestRejected,
    ModelServerError,
    ModelTimeout,
)
from ._engine import EngineSettings, engine_installed, get_engine
from ._gguf import read_metadata
from .base import Feature, ModelChunk, ModelRequest, Usage
from .weights import DEFAULT, PULL_COMMAND, catalogue, find_weights, known_names

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

BUNDLED = ("planner", "values")
"""Names of the adapters that come with this library: one writes plans, one takes values out of texts."""
_STOP_WITHIN = 10.0
"""Seconds to wait for a generation to end once it was told to: more than a batch of any prompt takes."""

_Item = dict[str, Any] | Exception | None


class LocalModel:
    """A model from a GGUF file, run by llama.cpp inside this process.

    The engine is loaded by the first request, in a thread (0.6 s for the default weights, 0.3 GB), and shared by
    all models of the same file and settings. Closing the iterator, or cancelling its reader, stops the
    generation: at once between two tokens, within a second while a long prompt is read.

    Example:
        ```python
        model = LocalModel()                     # what `llmcompiler models pull` fetched
        model = LocalModel("qwen3-4b-q4.gguf")
        ```

    Args:
        path: The GGUF file, or the name of pulled weights; the default weights.
        adapters: LoRA files by name. A request switches one on with `adapter`; without it all are off. None for
            those that come with this library, where they fit the model.
        context: Tokens that a prompt and its reply may have together.
        slots: Requests worked on at the same time; further ones wait.
        threads: Threads that generate. One is best on shared machines: more wait for each other.
        batch_threads: Threads that read prompts; the number of cores.
        max_tokens: Length of a reply where the request does not say.
        timeout: Seconds a reply may take where the request does not say.

    Raises:
        ConfigurationError: The engine is not installed, the weights are not there, or a file is no GGUF file.
    """

    provider = "llama_cpp"
    """What runs it, for telemetry."""
    prices = (0.0, 0.0)
    """It runs on this machine."""

    def __init__(
        self,
        path: str | os.PathLike[str] | None = None,
        *,
        adapters: Mapping[str, str | os.PathLike[str]] | None = None,
        context: int = 4096,
        slots: int = 2,
        threads: int = 1,
        batch_threads: int | None = None,
        max_tokens: int = 1024,
        timeout: float | None = None,
    ) -> None:
        if not engine_installed():
            raise ConfigurationError(
                'the embedded model needs its engine: run `pip install "llmcompiler-runtime[local]"`'
            )
        if context < 16 or slots < 1 or threads < 1 or max_tokens < 1:
            raise ConfigurationError(
                "`context` must be 16 or more; `slots`, `threads`, `max_tokens` 1 or more"
            )
        self._path = _weights(path)
        pulled = next((w.name for w in catalogue() if find_weights(w.name) == self._path), None)
        self.name = f"local:{pulled or self._path.stem}"
        described = read_metadata(self._path)
        if adapters is None:
            chosen = bundled_adapters(described)
        else:
            chosen = {name: Path(file).expanduser().absolute() for name, file in adapters.items()}
        for name, file in chosen.items():
            if read_metadata(file).get("general.type") != "adapter":
                raise ConfigurationError(f"adapter `{name}`: {file} is a GGUF file but no adapter")
        files = [self._path, *chosen.values()]
        self._settings = EngineSettings(
            path=self._path,
            adapters=tuple(chosen.items()),
            context=context,
            slots=slots,
            threads=threads,
            batch_threads=batch_threads or os.cpu_count() or 1,
            stamp=tuple((s.st_size, s.st_mtime_ns) for s in (file.stat() for file in files)),
        )
        self.max_tokens = max_tokens
        self._timeout = timeout

    @property
    def features(self) -> frozenset[Feature]:
        """Everything; `adapter` only where there is one."""
        features: set[Feature] = {"chat", "completion", "json_schema", "grammar", "logprobs"}
        return frozenset(features | {"adapter"} if self._settings.adapters else features)

    @property
    def adapters(self) -> tuple[str, ...]:
        """Names that a request's `adapter` may have."""
        return tuple(name for name, _ in self._settings.adapters)

    async def stream(self, request: ModelRequest) -> AsyncGenerator[ModelChunk, None]:
        """The reply, a token at a time, each with its log probability before any grammar.

        Raises:
            ConfigurationError: The engine can not load the files, or has no adapter of that name.
            ModelRequestRejected: The prompt is longer than the context.
            ModelReplyInvalid: The grammar or the schema is no valid one.
            ModelTimeout: It took longer than it may.
        """
        chat, body = self._body(request)
        loop = asyncio.get_running_loop()
        seconds = request.timeout if request.timeout is not None else self._timeout
        deadline = None if seconds is None else loop.time() + seconds
        generation = _Generation(self._settings, chat, body, loop)
        try:
            while True:
                try:
                    async with asyncio.timeout_at(deadline):
                        item = await generation.items.get()
                except TimeoutError:
                    raise ModelTimeout(f"`{self.name}` did not complete its reply in {seconds:g} s") from None
                if item is None:
                    return
                if isinstance(item, Exception):
                    raise item
                chunk = self._chunk(item)
                if chunk is not None:
                    yield chunk
        finally:
            await generation.stop()

    async def aclose(self) -> None:
        """Nothing to close: the engine is shared, and freed by the end of the process."""

    def __repr__(self) -> str:
        return f"LocalModel({str(self._path)!r}, adapters={list(self.adapters)})"

    def _body(self, request: ModelRequest) -> tuple[bool, dict[str, Any]]:
        """Whether it is a chat, and the request as llama.cpp's server takes it."""
        body: dict[str, Any] = {
            "stream": True,
            "stream_options": {"include_usage": True},
            "return_progress": True,  # a piece per batch of the prompt, where the request can be stopped
            "cache_prompt": True,
            "max_tokens": request.max_tokens if request.max_tokens is not None else self.max_tokens,
            "temperature": request.temperature or 0.0,
            "stop": list(request.stop),
        }
        if request.adapter is not None and self.adapters and request.adapter not in self.adapters:
            raise ConfigurationError(
                f"`{self.name}` has no adapter {request.adapter!r}, only: {', '.join(self.adapters)}"
            )
        body["lora"] = [
            {"id": i, "scale": 1.0 if name == request.adapter else 0.0}
            for i, name in enumerate(self.adapters)
        ]
        if request.grammar is not None:
            body["grammar"] = request.grammar
        chat = request.prompt is None
        if chat:
            if not request.messages:
                raise ModelRequestRejected("the request has neither messages nor a prompt")
            body["messages"] = [{"role": m.role, "content": _plain(m.content)} for m in request.messages]
            body |= {"logprobs": True, "top_logprobs": 1}
            if request.json_schema is not None and request.grammar is None:
                described = {"name": "reply", "schema": _closed(request.json_schema), "strict": True}
                body["response_format"] = {"type": "json_schema", "json_schema": described}
        else:
            body["prompt"] = _encodable(request.prompt or "")
            body["n_probs"] = 1
            if request.json_schema is not None and request.grammar is None:
                body["json_schema"] = _closed(request.json_schema)
        return chat, body

    def _chunk(self, item: dict[str, Any]) -> ModelChunk | None:
        """A piece from the engine as a chunk; None for one that only tells of progress."""
        if "error" in item:
            raise self._error(item["error"])
        usage = _usage(item)
        if not item.get("choices"):
            return ModelChunk(usage=usage) if usage else None
        choice = item["choices"][0]
        text = choice.get("text")
        if text is None:
            text = (choice.get("delta") or {}).get("content") or ""
        tokens = (choice.get("logprobs") or {}).get("content") or []
        logprobs = [t["logprob"] for t in tokens if t.get("logprob") is not None]
        reason = choice.get("finish_reason")
        if not text and not logprobs and reason is None and usage is None:
            return None
        logprob = sum(logprobs) / len(logprobs) if logprobs else None
        return ModelChunk(text, usage=usage, finish_reason=reason, logprob=logprob)

    def _error(self, error: dict[str, Any]) -> ModelError:
        message, status = str(error.get("message", error)), int(error.get("code", 500))
        if error.get("type") == "exceed_context_size_error":
            return ModelRequestRejected(
                f"the prompt has {error.get('n_prompt_tokens')} tokens, and `{self.name}` takes "
                f"{error.get('n_ctx')} with its reply: shorten it, or build the model with a larger `context`",
                status,
            )
        if "grammar" in message or "schema" in message:
            return ModelReplyInvalid(f"`{self.name}` refused the grammar: {message}")
        if status >= 500:
            return ModelServerError(f"`{self.name}` failed: {message}", status)
        return ModelRequestRejected(f"`{self.name}` refused the request: {message}", status)


class _Generation:
    """One request in a thread of its own. Its pieces arrive in `items`; None is the end."""

    def __init__(
        self, settings: EngineSettings, chat: bool, body: dict[str, Any], loop: asyncio.AbstractEventLoop
    ) -> None:
        self.items: asyncio.Queue[_Item] = asyncio.Queue()
        self._settings, self._chat, self._body, self._loop = settings, chat, body, loop
        self._stopped = False
        self._ended = asyncio.Event()
        # No daemon: the interpreter must not go while the engine calls back into it. It ends soon after its
        # reader went away, because a piece that can not be delivered stops it too.
        self._thread = threading.Thread(target=self._run, name="llmcompiler-local-model")
        self._thread.start()

    async def stop(self) -> None:
        """End the generation, and wait until it has ended."""
        self._stopped = True
        try:
            async with asyncio.timeout(_STOP_WITHIN):
                await self._ended.wait()
        except TimeoutError:
            return  # it is told, and ends at its next token; the run has waited long enough
        self._thread.join()

    def _run(self) -> None:
        try:
            engine = get_engine(self._settings)
            if not self._stopped:
                engine.run(self._chat, self._body, self._on_chunk)
            self._post(None)
        except (ConfigurationError, ModelError) as error:
            self._post(error)
        except Exception as error:
            self._post(_refused(str(error)))
        finally:
            self._call(self._ended.set)

    def _on_chunk(self, item: dict[str, Any]) -> bool:
        # At the interpreter's end the main thread counts as gone, and waits for this one.
        return self._stopped or not threading.main_thread().is_alive() or not self._post(item)

    def _post(self, item: _Item) -> bool:
        return self._call(self.items.put_nowait, item)

    def _call(self, function: Any, *args: Any) -> bool:
        try:
            self._loop.call_soon_threadsafe(function, *args)
        except RuntimeError:  # the loop is closed, and with it whoever was reading
            self._stopped = True
            return False
        return True


def bundled_adapters(described: Mapping[str, Any]) -> dict[str, Path]:
    """The adapters that come with this library and fit a model with this metadata, by name."""
    fits = (
        described.get("general.architecture") == "llama"
        and "smollm2" in str(described.get("general.basename", described.get("general.name", ""))).lower()
        and described.get("llama.embedding_length") == 576
        and described.get("llama.block_count") == 30
    )
    # Found without importing the package: that would import the front ends, and these import models.
    spec = importlib.util.find_spec("llmcompiler_planners")
    if not fits or spec is None or not spec.submodule_search_locations:
        return {}
    found: dict[str, Path] = {}
    for name in BUNDLED:
        files = (Path(folder) / "data" / f"{name}-lora.gguf" for folder in spec.submodule_search_locations)
        if file := next((file for file in files if file.is_file()), None):
            found[name] = file
    return found


def _weights(path: str | os.PathLike[str] | None) -> Path:
    if path is None:
        found = find_weights(DEFAULT)
        if found is None:
            raise ConfigurationError(f"the embedded model's weights are not there: run `{PULL_COMMAND}`")
        return found
    file = Path(path).expanduser()
    if file.is_file():
        return file.absolute()
    name = os.fspath(path)
    if os.sep in name or (os.altsep and os.altsep in name) or file.exists():
        raise ConfigurationError(f"there is no file {str(file)!r}")
    found = find_weights(name)
    if found is None:
        known = known_names()
        way = (
            f"run `{PULL_COMMAND} {name}`" if name in known else f"give a path, or one of: {', '.join(known)}"
        )
        raise ConfigurationError(f"there are no weights {name!r}: {way}")
    return found


def _refused(message: str) -> ModelError:
    if "schema" in message.lower() or "grammar" in message.lower():
        return ModelReplyInvalid(f"the engine refused the grammar: {message}")
    return ModelRequestRejected(f"the engine refused the request: {message}")


def _encodable(text: str) -> str:
    return text.encode("utf-8", "replace").decode("utf-8")


def _plain(text: str) -> str:
    """Message text that can not pass for markup: `<|im_end|>` in a tool's result must not end the message."""
    return re.sub(r"<\|(?=\w+\|>)", "< |", _encodable(text))


def _closed(schema: Any) -> Any:
    """The schema with every object closed that does not say: a small model left to add properties never stops."""
    if isinstance(schema, list):
        return [_closed(item) for item in schema]
    if not isinstance(schema, Mapping):
        return schema
    closed = {key: _closed(value) for key, value in schema.items()}
    if isinstance(schema.get("properties"), Mapping) and schema.get("type", "object") == "object":
        closed.setdefault("additionalProperties", False)
    return closed


def _usage(item: dict[str, Any]) -> Usage | None:
    usage = item.get("usage")
    if isinstance(usage, dict):
        return Usage(0, int(usage.get("prompt_tokens", 0)), int(usage.get("completion_tokens", 0)))
    return None
