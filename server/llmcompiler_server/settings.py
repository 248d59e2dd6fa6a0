"""Settings of the service: from arguments, the environment and a TOML file, in that order."""

from __future__ import annotations

import difflib
import os
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, ValidationError, field_validator
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
    TomlConfigSettingsSource,
)

from llmcompiler.errors import ConfigurationError

from .keys import ApiKey

PREFIX = "LLMCOMPILER_SERVER_"
"""What the names of environment variables begin with."""
_ORIGIN = re.compile(r"https?://[^/?#@\s]+\Z")
_OF_KUBERNETES = re.compile(r"(SERVICE_(HOST|PORT)(_\w+)?|PORT_\d+_\w+)\Z")
"""What Kubernetes adds to the environment where a service there has the same name: no settings of ours."""


class ServerSettings(BaseSettings):
    """Settings of the service.

    Each can be given as an argument, as `LLMCOMPILER_SERVER_<NAME>` in the environment, or in a TOML file.
    """

    # A key in the wrong place must not come back in an error: inputs are hidden.
    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_nested_delimiter="__",
        extra="forbid",
        hide_input_in_errors=True,
        allow_inf_nan=False,
    )

    host: str = "127.0.0.1"
    port: int = Field(default=8000, ge=0, le=65535)
    workers: int = Field(default=1, ge=1)
    keys: list[ApiKey] = Field(default_factory=list)
    """Who may ask. Without any, everybody who reaches the port may do everything."""
    hosts: list[str] = Field(default_factory=list)
    """Without keys: names of this service that browsers may use, besides addresses and names without a dot."""
    store: str = "memory"
    """`memory`, or the path of a SQLite file: runs are then there after a restart."""
    max_kept_runs: int = Field(default=1_000, ge=1)
    """Runs that are over and kept; the oldest go first."""
    max_kept_events: int = Field(default=200_000, ge=1_000)
    """Events of runs that are over and kept in memory; the oldest runs go first."""
    buffer: int = Field(default=256, ge=1)
    """Events of a run that are held ready for its readers; one that is slower reads from the store."""
    max_body: int = Field(default=1_000_000, ge=1_000)
    """Bytes of a request's body."""
    max_headers: int = Field(default=32_000, ge=1_000)
    """Bytes of a request's headers."""
    max_input: int = Field(default=20_000, ge=1)
    """Characters of a question."""
    max_runs: int = Field(default=500, ge=1)
    """Runs at once, of all keys together."""
    max_runs_per_key: int = Field(default=50, ge=1)
    max_readers_per_key: int = Field(default=200, ge=1)
    """Streams of events of runs, with one key, at once."""
    rate: float = Field(default=120.0, gt=0)
    """Requests a minute and key; a key may have its own."""
    max_output: int = Field(default=1_000_000, ge=1_000)
    """Bytes of an event's data that are kept and sent; a larger value in it is cut, and says so."""
    heartbeat: float = Field(default=15.0, gt=0)
    """Seconds after which a silent stream sends a comment."""
    idempotency_seconds: float = Field(default=86_400.0, gt=0)
    """How long an `Idempotency-Key` is remembered."""
    grace: float = Field(default=10.0, ge=0)
    """Seconds that runs have to end by themselves at shutdown; then they are interrupted."""
    cors_origins: list[str] = Field(default_factory=list)
    """Origins that browsers may call from; none by default."""
    metrics_public: bool = False
    """Whether `/metrics` needs no key."""
    page: bool = True
    """Whether `/` serves the page."""
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    log_format: Literal["json", "text"] = "json"

    @field_validator("cors_origins")
    @classmethod
    def _check_origins(cls, value: list[str]) -> list[str]:
        for origin in value:
            if origin != "*" and not _ORIGIN.match(origin):
                raise ValueError(
                    f"{origin!r} is no origin: write `https://example.org`, without a path, or `*`"
                )
        return value

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Arguments first, then the environment, then the file."""
        return (init_settings, env_settings, TomlConfigSettingsSource(settings_cls))

    @classmethod
    def load(cls, file: Path | None = None, **given: Any) -> ServerSettings:
        """Settings with a TOML file behind arguments and environment.

        Raises:
            ConfigurationError: The file is not there or no TOML, or a setting is wrong; the text names it.
        """
        _refuse_unknown_variables(cls)
        where: dict[str, Path] = {}
        if file is not None:
            path = file.expanduser()
            if not path.is_file():
                raise ConfigurationError(f"there is no settings file {str(file)!r}")
            where["file"] = path

        class WithFile(cls):  # type: ignore[misc, valid-type]
            model_config = SettingsConfigDict(toml_file=where.get("file"))

        try:
            made: ServerSettings = WithFile(
                **{name: value for name, value in given.items() if value is not None}
            )
        except tomllib.TOMLDecodeError as error:
            raise ConfigurationError(f"the settings file {str(file)!r} is no TOML: {error}") from None
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigurationError(f"the settings file {str(file)!r} can not be read: {error}") from None
        except SettingsError as error:
            raise ConfigurationError(_unreadable(cls, error)) from None
        except ValidationError as error:
            raise ConfigurationError(_told(error, given, where.get("file"))) from None
        # The plain class, so that settings from a file and without one are of the same type.
        return ServerSettings.model_construct(
            made.model_fields_set, **{n: getattr(made, n) for n in cls.model_fields}
        )


def _refuse_unknown_variables(settings: type[BaseSettings]) -> None:
    """A misspelled variable would be overlooked otherwise, and a service be open that was to have keys."""
    for variable in sorted(os.environ):
        name = variable.upper().removeprefix(PREFIX).partition("__")[0].lower()
        if not variable.upper().startswith(PREFIX) or name in settings.model_fields:
            continue
        if not _OF_KUBERNETES.match(name.upper()):
            close = difflib.get_close_matches(name, settings.model_fields, 1)
            hint = f"; is `{PREFIX}{close[0].upper()}` meant?" if close else ""
            raise ConfigurationError(
                f"settings of the service: the environment has `{variable}`, which is no setting{hint}"
            )


def _unreadable(settings: type[BaseSettings], error: SettingsError) -> str:
    """Which variable is no JSON. Its text is not repeated."""
    named = re.search(r'"(\w+)"', str(error))
    variable = (
        f"{PREFIX}{named[1].upper()}" if named and named[1] in settings.model_fields else f"{PREFIX}..."
    )
    return f"settings of the service: the environment variable {variable} has to be JSON, such as [] or [{{...}}]"


def _told(error: ValidationError, given: Mapping[str, Any], file: Path | None) -> str:
    """What is wrong, and where it came from. Values are not repeated: one may be a key in the wrong place."""
    lines = []
    for problem in error.errors(include_input=False, include_context=False, include_url=False):
        name = str(problem["loc"][0]) if problem["loc"] else ""
        variable = f"{PREFIX}{name.upper()}"
        if given.get(name) is not None:
            source = "the arguments"
        elif any(key.upper() == variable or key.upper().startswith(f"{variable}__") for key in os.environ):
            source = f"the environment, {variable}"
        else:
            source = str(file) if file is not None else "the environment"
        place = ".".join(map(str, problem["loc"])) or "settings"
        lines.append(f"{place}: {problem['msg']} (from {source})")
    return "settings of the service: " + "; ".join(lines)


__all__ = ["PREFIX", "ServerSettings"]
