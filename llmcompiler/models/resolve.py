"""From a name such as `openai:gpt-5-mini` to a model. Providers are loaded when they are first named."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from ..errors import ConfigurationError
from ._engine import engine_installed
from .base import Model
from .weights import PULL_COMMAND, find_weights

if TYPE_CHECKING:
    from collections.abc import Callable

MODEL_VARIABLE = "LLMCOMPILER_MODEL"

_WAYS_OUT = (
    "either set LLMCOMPILER_MODEL=openai:NAME, with OPENAI_API_KEY for the official API or OPENAI_BASE_URL for "
    'any OpenAI-compatible server; or use the embedded model, which needs no key: `pip install "llmcompiler-'
    f'runtime[local]"`, then `{PULL_COMMAND}`'
)

_providers: dict[str, Callable[[str], Model]] = {}


def register_provider(name: str, factory: Callable[[str], Model]) -> None:
    """Make `name:rest` a model, built by `factory(rest)`. A provider of the same name is replaced.

    Raises:
        ConfigurationError: The name is empty or has a colon.
    """
    if not name or ":" in name or name != name.strip():
        raise ConfigurationError(f"{name!r} can not be a provider's name: give one word without a colon")
    _providers[name] = factory


def resolve_model(spec: Model | str | None = None) -> Model:
    """The model that `spec` means.

    A model is itself. A text is `provider:name`: `openai:` (any OpenAI-compatible server), `local:` (the embedded
    model; with a path or the name of pulled weights behind it), or one from `register_provider`. None is
    LLMCOMPILER_MODEL, else the embedded model where it is installed.

    Raises:
        ConfigurationError: It means none; the text says what to do.
    """
    if spec is None:
        spec = os.environ.get(MODEL_VARIABLE, "").strip()
        if not spec:
            return default_local_model()
        try:
            return resolve_model(spec)
        except ConfigurationError as e:
            raise ConfigurationError(f"{MODEL_VARIABLE}={spec}: {e}") from None
    if not isinstance(spec, str):
        if isinstance(spec, Model):
            return spec
        raise ConfigurationError(
            f"a model is a text like `openai:gpt-5-mini`, or has `name`, `features` and `stream`; not {spec!r}"
        )
    provider, colon, rest = spec.strip().partition(":")
    factory = _providers.get(provider)
    if factory is None:
        known = ", ".join(f"`{name}:`" for name in sorted(_providers))
        meant = f"; did you mean `openai:{spec}`?" if not colon and spec.strip() else ""
        raise ConfigurationError(f"no provider of models in {spec!r}: it begins with one of {known}{meant}")
    return factory(rest.strip())


def default_local_model() -> Model:
    """The embedded model with its default weights, and the adapters that come with this library.

    Raises:
        ConfigurationError: The engine or the weights are missing; the text says both ways out.
    """
    missing = []
    if not engine_installed():
        missing.append("its engine is not installed")
    if find_weights() is None:
        missing.append("its weights are not there")
    if missing:
        raise ConfigurationError(
            f"no model is set, and the embedded one can not run ({' and '.join(missing)}): {_WAYS_OUT}"
        )
    return _local("")


def _local(rest: str) -> Model:
    from .local import LocalModel

    return LocalModel(rest or None)


def _openai(rest: str) -> Model:
    if not rest:
        raise ConfigurationError("`openai:` needs the model's name behind it, as in `openai:gpt-5-mini`")
    from .openai import OpenAIModel

    return OpenAIModel(rest)


register_provider("local", _local)
register_provider("openai", _openai)
