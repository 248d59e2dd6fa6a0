"""What model calls cost, in US dollars. The prices are those of the package `genai-prices`, as it was installed.

Nothing here asks a server: the package is only used for the data it comes with.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from .errors import ConfigurationError
from .models.base import Usage

if TYPE_CHECKING:
    from .budget import Pricing

Prices = tuple[float, float]
"""US dollars for a million tokens in, and for a million tokens out."""


def checked_prices(prices: Any) -> Prices | None:
    """Prices that were given by hand.

    Raises:
        ConfigurationError: They are not two numbers, 0 or more.
    """
    if prices is None:
        return None
    if isinstance(prices, (tuple, list)) and len(prices) == 2 and all(map(_is_price, prices)):
        return float(prices[0]), float(prices[1])
    raise ConfigurationError(
        f"prices={prices!r}: give (dollars for a million tokens in, dollars for a million tokens out)"
    )


def _is_price(value: Any) -> bool:
    return (
        isinstance(value, (int, float))
        and not isinstance(value, bool)
        and value >= 0
        and math.isfinite(value)
    )


def pricing(model: Any) -> Pricing | None:
    """How to price the requests to a model: by its own `prices`, else by its name. None where that is not known.

    Raises:
        ConfigurationError: Its `prices` are no prices.
    """
    own = checked_prices(getattr(model, "prices", None))
    if own is not None:
        into, out = own
        return lambda usage: (usage.prompt_tokens * into + usage.completion_tokens * out) / 1e6
    name = getattr(model, "name", None)
    if not isinstance(name, str) or not _has_package():
        return None
    return _by_name(name)


def check_known(models: Iterable[Any]) -> None:
    """Make sure that a limit on cost can be kept.

    Raises:
        ConfigurationError: The price of a model is not known; the text says the ways out.
    """
    for model in models:
        if pricing(model) is not None:
            continue
        name = getattr(model, "name", None) or type(model).__name__
        out = "give `OpenAIModel(..., prices=(input, output))`, in dollars for a million tokens, or leave out cost="
        if not _has_package():
            raise ConfigurationError(
                f"Limits(cost=...) needs the price of the model `{name}`: "
                f'`pip install "llmcompiler-runtime[prices]"`, or {out}'
            )
        raise ConfigurationError(f"Limits(cost=...): the price of the model `{name}` is not known; {out}")


@lru_cache(maxsize=1)
def _has_package() -> bool:
    from importlib.util import find_spec

    return find_spec("genai_prices") is not None


@lru_cache(maxsize=256)
def _by_name(name: str) -> Pricing | None:
    provider, slash, rest = name.partition("/")
    for model, of in ((name, None), *([(rest, provider)] if slash and rest else [])):
        if _dollars(model, of, Usage(prompt_tokens=1, completion_tokens=1)) is not None:
            return lambda usage, model=model, of=of: _dollars(model, of, usage)  # type: ignore[misc]
    return None


def _dollars(model: str, provider: str | None, usage: Usage) -> float | None:
    import genai_prices

    tokens = genai_prices.Usage(input_tokens=usage.prompt_tokens, output_tokens=usage.completion_tokens)
    try:
        found = genai_prices.calc_price(tokens, model, provider_id=provider)
    except (LookupError, ValueError):  # not known, or not priced by tokens alone
        return None
    return float(found.total_price)
