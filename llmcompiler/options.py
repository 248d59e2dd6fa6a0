"""What a tool declares about its calls beside its schema: effect, resources, caps, patience. Obeyed elsewhere.

Nothing here calls a tool or knows a schema.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from .errors import ConfigurationError, ToolDefinitionError

Effect = Literal["pure", "read", "write"]
"""`pure`: a function of its arguments. `read`: looks at the world. `write`: changes it."""

ItemPolicy = Literal["fail", "skip", "collect"]
"""What a failed item does to its `for` task. `fail`: the task fails, with every item's outcome kept. `skip`: the item
is left out of the list. `collect`: the item's place in the list holds `{"error": text}`."""


@dataclass(frozen=True, slots=True)
class RateLimit:
    """`calls` calls at once after a pause, and `calls` in each `seconds` over time, as from a leaky bucket.

    Waited for before a call takes a place under the caps. Where a server counts strictly, space calls evenly: one in
    a tenth of a second (`"1/0.1s"`) instead of ten in a second. Tools whose limits have one `name` share it. Written
    short: `"10/s"`, `"100/min"`, `"5000/h"`, `"3/2s"`.

    Raises:
        ConfigurationError: A number that is not above 0.
    """

    calls: float
    seconds: float = 1.0
    name: str | None = None

    def __post_init__(self) -> None:
        for what, number in (("calls", self.calls), ("seconds", self.seconds)):
            if isinstance(number, bool) or not isinstance(number, (int, float)) or not 0 < number < 1e12:
                raise ConfigurationError(f"RateLimit({what}={number!r}): give a number above 0")

    @classmethod
    def parse(cls, text: str) -> RateLimit:
        """`"10/s"` and the like.

        Raises:
            ConfigurationError: The text is not a rate.
        """
        units = {"s": 1.0, "sec": 1.0, "second": 1.0, "m": 60.0, "min": 60.0, "minute": 60.0}
        units |= {"h": 3600.0, "hour": 3600.0, "d": 86400.0, "day": 86400.0}
        calls, slash, per = text.partition("/")
        per = per.strip()
        number = per.rstrip("abcdefghijklmnopqrstuvwxyz")
        unit = per[len(number) :]
        try:
            if not slash or unit not in units:
                raise ValueError
            return cls(float(calls), float(number or 1) * units[unit])
        except ValueError:
            raise ConfigurationError(
                f'rate_limit={text!r}: write it as "10/s", "100/min" or "3/2s"'
            ) from None


@dataclass(frozen=True, slots=True)
class CircuitBreaker:
    """After `failures` failed calls in a row, calls fail at once for `seconds`; then one is let through to try.

    Raises:
        ConfigurationError: A number that is not above 0.
    """

    failures: int = 5
    seconds: float = 30.0

    def __post_init__(self) -> None:
        if isinstance(self.failures, bool) or not isinstance(self.failures, int) or self.failures < 1:
            raise ConfigurationError(
                f"CircuitBreaker(failures={self.failures!r}): give a whole number, 1 or more"
            )
        if (
            isinstance(self.seconds, bool)
            or not isinstance(self.seconds, (int, float))
            or not self.seconds > 0
        ):
            raise ConfigurationError(f"CircuitBreaker(seconds={self.seconds!r}): give seconds above 0")


@dataclass(frozen=True)
class ToolOptions:
    """Every option of `@tool` but its name and description; see `tool`."""

    effect: Effect | Callable[..., Effect | None] | None = None
    idempotent: bool | None = None
    resource: Hashable | Iterable[Hashable] | Mapping[str, Any] | Callable[..., Any] | None = None
    requires_approval: bool | Callable[..., bool] = False
    timeout: float | None = None
    retries: int | None = None
    retry_on: Sequence[type[BaseException]] = ()
    max_concurrency: int | None = None
    version: str = "1"
    cache: bool | float | None = None
    vary: Callable[[], Hashable] | None = None
    batch: Callable[[list[dict[str, Any]]], Any] | None = None
    max_batch: int = 100
    hedge: bool | None = None
    rate_limit: RateLimit | str | None = None
    breaker: CircuitBreaker | None = None
    fallback: Any = None
    on_item_error: ItemPolicy | None = None
    counted: bool = field(default=True)
    """Whether its calls take a place under the overall cap; not where they make calls of their own and would wait for
    themselves."""

    def checked(self, name: str) -> ToolOptions:
        """These options, with short forms spelled out.

        Raises:
            ToolDefinitionError: An option is wrong, or two do not go together.
        """
        _Check(name, self).all()
        changed: dict[str, Any] = {"retry_on": tuple(self.retry_on)}
        if isinstance(self.rate_limit, str):
            changed["rate_limit"] = RateLimit.parse(self.rate_limit)
        return ToolOptions(**{**self.__dict__, **changed})

    @property
    def repeatable(self) -> bool:
        """Whether a call may be made twice: declared, or because the tool is pure or read."""
        return bool(self.idempotent) or self.effect in ("pure", "read")


class _Check:
    def __init__(self, name: str, options: ToolOptions) -> None:
        self.name = name
        self.o = options

    def bad(self, problem: str, hint: str = "") -> ToolDefinitionError:
        return ToolDefinitionError(self.name, problem, hint)

    def all(self) -> None:
        self.switches()
        self.effects()
        self.patience()
        self.sharing()

    def switches(self) -> None:
        o = self.o
        # `idempotent="no"` would be taken for yes, and a write repeated.
        for option, given in (("idempotent", o.idempotent), ("hedge", o.hedge)):
            if given is not None and not isinstance(given, bool):
                raise self.bad(f"has {option}={given!r}", "give True or False, or leave it out")
        if not callable(o.requires_approval) and not isinstance(o.requires_approval, bool):
            raise self.bad(
                f"has requires_approval={o.requires_approval!r}", "give True, or a function of the arguments"
            )

    def effects(self) -> None:
        o = self.o
        if callable(o.effect):
            if inspect.iscoroutinefunction(o.effect):
                raise self.bad("has an async function in effect", "write a plain `def`")
        elif o.effect is not None and o.effect not in get_args(Effect):
            raise self.bad(f"has effect={o.effect!r}", "use 'pure', 'read', 'write' or leave it out")
        if o.effect in ("pure", "read") and o.idempotent is False:
            raise self.bad(f"is {o.effect} and not idempotent", "leave idempotent out")
        if o.effect == "pure" and o.resource is not None:
            raise self.bad("is pure and has a resource", "a tool that looks at one is effect='read'")
        if inspect.iscoroutinefunction(o.resource):
            raise self.bad("has an async function in resource", "write a plain `def`")
        if o.resource is not None and not callable(o.resource):
            from .effects import BadResource, keys_of

            try:
                keys = keys_of(o.resource)
            except BadResource as e:
                raise self.bad(f"has resource={o.resource!r}: {e}") from None
            if (
                isinstance(keys, dict)
                and keys.get("write")
                and not callable(o.effect)
                and o.effect != "write"
            ):
                raise self.bad("declares what it writes and not that it does", "add effect='write'")
        if inspect.iscoroutinefunction(o.requires_approval):
            raise self.bad("has an async function in requires_approval", "write a plain `def`")

    def patience(self) -> None:
        o = self.o
        if o.timeout is not None and not _seconds(o.timeout):
            raise self.bad(f"has timeout={o.timeout!r}", "give seconds above 0, or leave it out")
        if o.retries is not None and not _whole(o.retries, 0):
            raise self.bad(f"has retries={o.retries!r}", "give a whole number, 0 or more")
        if o.max_concurrency is not None and not _whole(o.max_concurrency, 1):
            raise self.bad(f"has max_concurrency={o.max_concurrency!r}", "give a whole number, 1 or more")
        if not isinstance(o.retry_on, Iterable):
            raise self.bad(f"has retry_on={o.retry_on!r}", "give a list of exception classes")
        for kind in o.retry_on:
            if not (isinstance(kind, type) and issubclass(kind, Exception)):
                raise self.bad(f"has {kind!r} in retry_on", "give exception classes")
        if o.hedge and not o.repeatable:
            raise self.bad(
                "is hedged and may not be repeated", "declare effect='pure' or 'read', or idempotent=True"
            )
        if isinstance(o.rate_limit, str):
            try:
                RateLimit.parse(o.rate_limit)
            except ConfigurationError as e:
                raise self.bad(f"has {e}") from None
        elif o.rate_limit is not None and not isinstance(o.rate_limit, RateLimit):
            raise self.bad(f"has rate_limit={o.rate_limit!r}", 'give a RateLimit, or "10/s"')
        if o.breaker is not None and not isinstance(o.breaker, CircuitBreaker):
            raise self.bad(f"has breaker={o.breaker!r}", "give a CircuitBreaker(failures=5, seconds=30)")
        if o.on_item_error is not None and o.on_item_error not in get_args(ItemPolicy):
            raise self.bad(f"has on_item_error={o.on_item_error!r}", "use 'fail', 'skip' or 'collect'")

    def sharing(self) -> None:
        o = self.o
        cached = o.cache is not None and o.cache is not False
        if o.cache is not None and not isinstance(o.cache, bool) and not _seconds(o.cache):
            raise self.bad(f"has cache={o.cache!r}", "give True, False, or seconds above 0")
        if cached and o.effect not in ("pure", "read"):
            raise self.bad(
                "is cached and not declared pure or read", "declare its effect, or leave cache out"
            )
        if o.vary is not None and (not callable(o.vary) or inspect.iscoroutinefunction(o.vary)):
            raise self.bad(f"has vary={o.vary!r}", "give a plain function without arguments")
        if not isinstance(o.version, str):
            raise self.bad(f"has version={o.version!r}", "give a text")
        if o.batch is not None and not callable(o.batch):
            raise self.bad(
                f"has batch={o.batch!r}",
                "give a function that takes a list of argument dicts and gives a list",
            )
        if not _whole(o.max_batch, 1):
            raise self.bad(f"has max_batch={o.max_batch!r}", "give a whole number, 1 or more")
        if o.batch is not None and o.hedge:
            raise self.bad("has batch and hedge", "batched calls are not hedged; leave one of them out")


def _whole(value: Any, least: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= least


def _seconds(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and 0 < value < math.inf
