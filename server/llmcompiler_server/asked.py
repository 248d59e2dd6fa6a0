"""What a request for a run asks for, held against what the service allows. Pure: it starts nothing."""

from __future__ import annotations

import dataclasses
import hashlib

from llmcompiler import Limits
from llmcompiler._jsonable import dumps
from llmcompiler.errors import UsageError

from .problems import Problem
from .records import RunLimits, RunRequest


def check_input(text: str, most: int) -> None:
    """Make sure that there is a question, of `most` characters at most.

    Raises:
        Problem: 413 `input-too-long`, 422 `invalid-request`.
    """
    if len(text) > most:
        raise Problem(413, "input-too-long", f"`input` has {len(text):,} characters; {most:,} are allowed")
    if not text.strip():
        raise Problem(422, "invalid-request", "`input` is blank; ask something")


def digest_of(source: str, request: RunRequest) -> str:
    """A fingerprint of what is asked: two requests have the same one only if they ask the same.

    Raises:
        Problem: 422 `invalid-request`: it is nested too deep to be written.
    """
    asked = {name: getattr(request, name) for name in RunRequest.model_fields}
    asked["limits"] = None if request.limits is None else request.limits.model_dump()
    try:
        # Not pydantic's own text of it: that one can not hold halves of characters, nor what is nested deep.
        text = dumps([source, asked])
    except RecursionError:
        raise Problem(422, "invalid-request", "`output_schema` is nested too deep") from None
    return hashlib.sha256(text.encode()).hexdigest()


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


__all__ = ["check_input", "digest_of", "limits_of"]
