"""Text to tokens exactly as llama.cpp makes them: asked of llama.cpp itself, over its own server on this machine."""

from __future__ import annotations

import http.client
import importlib
import json
import os
import secrets
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.parse import urlsplit

from llmcompiler.errors import ConfigurationError


class Tokenizer:
    """Encodes text with the vocabulary of a GGUF file. Use it as a context manager.

    Repeated texts are answered from memory.

    Raises:
        ConfigurationError: The engine is not installed, or can not load the file.
    """

    def __init__(self, path: Path) -> None:
        os.environ.setdefault("OMP_WAIT_POLICY", "passive")
        try:
            xllamacpp: Any = importlib.import_module("xllamacpp")  # by name: it has no types
        except ImportError:
            raise ConfigurationError(
                'run `pip install "llmcompiler-runtime[train]"`: xllamacpp is missing'
            ) from None
        p = xllamacpp.CommonParams()
        p.model.path = str(path)
        self._key = secrets.token_urlsafe(32)
        p.hostnames = ["127.0.0.1"]
        p.api_keys = [self._key]
        p.n_threads_http = 1
        p.ui = False
        p.n_parallel = 1
        p.n_ctx = 64
        p.warmup = False
        p.verbosity = 0
        try:
            self._server: Any = xllamacpp.Server(p)
        except RuntimeError as error:
            raise ConfigurationError(f"llama.cpp can not load {str(path)!r}: {error}") from None
        self._server.handle_completions({"prompt": "", "max_tokens": 1})
        address = urlsplit(self._server.listening_address)
        self._connection = http.client.HTTPConnection(str(address.hostname), address.port, timeout=60)
        self._known: dict[str, tuple[int, ...]] = {}

    def encode(self, text: str) -> tuple[int, ...]:
        """The tokens of a text, none added at its ends; markup such as `<|im_end|>` is one token, as in prompts."""
        found = self._known.get(text)
        if found is None:
            body = json.dumps({"content": text, "add_special": False, "parse_special": True})
            headers = {"Content-Type": "application/json", "Authorization": f"Bearer {self._key}"}
            try:
                self._connection.request("POST", "/tokenize", body, headers)
                answer = self._connection.getresponse()
            except (ConnectionError, http.client.HTTPException):
                self._connection.close()  # kept open and not used for seconds: the server has closed it
                self._connection.request("POST", "/tokenize", body, headers)
                answer = self._connection.getresponse()
            data = json.loads(answer.read())
            if answer.status != 200:
                raise ConfigurationError(f"llama.cpp refused to encode a text: {data}")
            found = tuple(int(token) for token in data["tokens"])
            if len(self._known) > 20_000:
                self._known.clear()
            self._known[text] = found
        return found

    def close(self) -> None:
        """Free the engine."""
        self._connection.close()
        self._server = None

    def __enter__(self) -> Tokenizer:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
