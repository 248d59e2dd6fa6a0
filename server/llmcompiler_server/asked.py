"""What a request for a run asks for, held against what the service allows. Pure: it starts nothing."""

from __future__ import annotations

import dataclasses

from llmcompiler import Limits
from llmcompiler.errors import UsageError

from .problems import Problem
from .records import RunLimits


def check_input(text: str, most: int) -> None:
    """Make sure that there is a question, of `most` characters at most.

    Raises:
        Problem: 413 `input-too-long`, 422 `invalid-request`.
    """
    if len(text) > most:
        raise Problem(413, "input-too-long", f"`input` has {len(text):,} characters; {most:,} are allowed")
    if not text.strip():
        raise Problem(422, "invalid-request", "`input` is blank; ask something")


def limits_of(wanted: RunLimits | None, allowed: Limits) -> Limits | None:
    """The bounds of a run; None for those of the service.

    Raises:
        Problem: 422 `limit-too-high`, `invalid-request`.
    """
    given = {} if wanted is None else wanted.model_dump(exclude_none=True)
    for name, value in given.items():
        most = getattr(allowed, name)
        if most is not None and value > most:
            raise Problem(
                422,
                "limit-too-high",
                f"`limits.{name}` is {value:g}; this service allows {most:g} at most",
            )
    try:
        return dataclasses.replace(allowed, **given) if given else None
    except UsageError as e:
        raise Problem(422, "invalid-request", f"`limits`: {e}") from None


__all__ = ["check_input", "limits_of"]
