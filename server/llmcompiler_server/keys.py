"""API keys: made once, kept only as hashes, told apart in constant time. What a key may do is decided in `security`."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections.abc import Iterable, Sequence
from typing import Annotated, Any, get_args

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, field_validator

from llmcompiler.errors import ConfigurationError

from .records import Principal, Scope

PREFIX = "llmc_"
"""What every key begins with, so that secret scanners know one."""
SCOPES: tuple[Scope, ...] = get_args(Scope)
MAX_KEY = 256
"""Characters of a key that is looked at; longer ones are wrong."""
_HASH = re.compile(r"sha256:([0-9a-f]{32}):([0-9a-f]{64})\Z")

KeyName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]
"""1 to 64 letters, digits, dots, hyphens and underscores; it stands in logs and with runs."""


class ApiKey(BaseModel):
    """A key as settings hold it: everything but the key itself.

    The hash is a salted SHA-256. A key is 256 random bits, which nobody guesses however fast the hash is; slow hashes
    are for passwords.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True, allow_inf_nan=False)

    name: KeyName
    hash: str = Field(repr=False)
    """`sha256:<salt, 32 hex digits>:<digest, 64 hex digits>`."""
    scopes: tuple[Scope, ...] = ("run", "read")
    rate: float | None = Field(default=None, gt=0)
    """Requests a minute; None for the settings' `rate`."""
    max_runs: int | None = Field(default=None, ge=1)
    """Runs at once; None for the settings' `max_runs_per_key`."""

    @field_validator("hash")
    @classmethod
    def _check_hash(cls, value: str) -> str:
        if not _HASH.match(value):
            # The value may be a key that somebody put here by mistake: it is not repeated.
            raise ValueError("not a hash: make a key and its hash with `llmcompiler keys new NAME`")
        return value

    @field_validator("scopes")
    @classmethod
    def _check_scopes(cls, value: tuple[Scope, ...]) -> tuple[Scope, ...]:
        if not value:
            raise ValueError(f"a key needs a scope: {', '.join(SCOPES)}")
        return tuple(dict.fromkeys(value))

    def matches(self, key: str) -> bool:
        """Whether this is the key, in time that does not depend on where they differ."""
        found = _HASH.match(self.hash)
        assert found is not None
        return hmac.compare_digest(_digest(key, bytes.fromhex(found[1])), found[2])


def new_key(name: str, scopes: Iterable[Scope] = ("run", "read"), **options: Any) -> tuple[str, ApiKey]:
    """A new key, to be shown once, and what to keep of it.

    Args:
        name: Its name.
        scopes: What it may do.
        **options: `rate=` and `max_runs=`, as in `ApiKey`.

    Raises:
        ConfigurationError: The name or a scope is wrong.
    """
    key = PREFIX + secrets.token_urlsafe(32)
    salt = secrets.token_bytes(16)
    try:
        kept = ApiKey(
            name=name, hash=f"sha256:{salt.hex()}:{_digest(key, salt)}", scopes=tuple(scopes), **options
        )
    except ValueError as error:
        first = error.errors()[0] if hasattr(error, "errors") else {"loc": ("key",), "msg": str(error)}
        raise ConfigurationError(f"{'.'.join(map(str, first['loc']))}: {first['msg']}") from None
    return key, kept


class KeyRing:
    """All keys of a service.

    Raises:
        ConfigurationError: Two keys have one name.
    """

    def __init__(self, keys: Sequence[ApiKey] = ()) -> None:
        names = [key.name for key in keys]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ConfigurationError(
                f"two keys are called {', '.join(map(repr, twice))}: names tell keys apart"
            )
        self._keys = tuple(keys)

    @property
    def open(self) -> bool:
        """Whether there are no keys at all: then everybody may do everything."""
        return not self._keys

    def authenticate(self, key: str) -> Principal | None:
        """Whose key it is; None where it is nobody's. Every key is tried, so that time tells nothing."""
        found: ApiKey | None = None
        tried = key if len(key) <= MAX_KEY else ""
        for known in self._keys:
            if known.matches(tried):
                found = known
        return None if found is None else Principal(found.name, frozenset(found.scopes))

    def key(self, name: str) -> ApiKey | None:
        """The key of this name."""
        return next((key for key in self._keys if key.name == name), None)

    def __repr__(self) -> str:
        return f"<KeyRing with {len(self._keys)} keys>"


def _digest(key: str, salt: bytes) -> str:
    return hashlib.sha256(salt + key.encode("utf-8", "surrogatepass")).hexdigest()


__all__ = ["MAX_KEY", "PREFIX", "SCOPES", "ApiKey", "KeyRing", "new_key"]
