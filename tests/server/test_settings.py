"""Settings: where they come from, which one counts, and what is said of wrong ones."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from llmcompiler import ConfigurationError
from llmcompiler_server.keys import new_key
from llmcompiler_server.settings import PREFIX, ServerSettings


@pytest.fixture(autouse=True)
def clean(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.upper().startswith(PREFIX):
            monkeypatch.delenv(name)


def toml(folder: Path, text: str) -> Path:
    file = folder / "service.toml"
    file.write_text(text, encoding="utf-8")
    return file


def test_argument_before_environment_before_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = toml(tmp_path, "port = 1\nmax_runs = 2\nmax_input = 3\n")
    monkeypatch.setenv(f"{PREFIX}PORT", "11")
    monkeypatch.setenv(f"{PREFIX}MAX_RUNS", "12")
    found = ServerSettings.load(file, port=21, host=None)
    assert (found.port, found.max_runs, found.max_input) == (21, 12, 3)
    assert found.host == "127.0.0.1"  # None is not given
    assert type(found) is ServerSettings


def test_without_anything_they_are_the_defaults() -> None:
    assert ServerSettings.load() == ServerSettings()


def test_keys_from_a_file_and_from_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    key, kept = new_key("web", ["run"], rate=5.0, max_runs=2)
    text = f'[[keys]]\nname = "web"\nhash = "{kept.hash}"\nscopes = ["run"]\nrate = 5.0\nmax_runs = 2\n'
    assert ServerSettings.load(toml(tmp_path, text)).keys == [kept]
    monkeypatch.setenv(f"{PREFIX}KEYS", f"[{kept.model_dump_json()}]")
    found = ServerSettings.load()
    assert found.keys == [kept]
    assert found.keys[0].matches(key)
    assert kept.hash not in repr(found)
    assert kept.hash not in str(found)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("port = 70000", ["port", "65535", "service.toml"]),
        ('log_level = "loud"', ["log_level", "service.toml"]),
        ("prot = 1", ["prot", "service.toml"]),
        ('[[keys]]\nname = "a b"\nhash = "x"', ["keys.0.name", "keys.0.hash", "llmcompiler keys new"]),
        ("port = 1\nrate = 0", ["rate", "greater than 0"]),
        ("grace = inf", ["grace", "finite"]),
        ("rate = nan", ["rate"]),
        ("port = ", ["service.toml", "no TOML"]),
        ('cors_origins = ["example.org"]', ["cors_origins", "https://example.org"]),
        ('cors_origins = ["https://example.org/app"]', ["cors_origins", "without a path"]),
    ],
)
def test_what_is_wrong_in_a_file(tmp_path: Path, text: str, words: list[str]) -> None:
    with pytest.raises(ConfigurationError) as error:
        ServerSettings.load(toml(tmp_path, text))
    for word in words:
        assert word in str(error.value)


def test_files_that_can_not_be_read(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="there is no settings file .*nothing.toml"):
        ServerSettings.load(tmp_path / "nothing.toml")
    (tmp_path / "binary.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigurationError, match=r"binary.toml.*can not be read"):
        ServerSettings.load(tmp_path / "binary.toml")


def test_each_wrong_setting_is_told_with_its_source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(f"{PREFIX}MAX_RUNS", "many")
    with pytest.raises(ConfigurationError) as error:
        ServerSettings.load(toml(tmp_path, "heartbeat = -1"), port=-5)
    text = str(error.value)
    assert "port: Input should be greater than or equal to 0 (from the arguments)" in text
    assert f"(from the environment, {PREFIX}MAX_RUNS)" in text
    assert "heartbeat: Input should be greater than 0" in text
    assert "service.toml" in text


def test_variables_that_are_no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(f"{PREFIX}KEY", "llmc_secret")
    with pytest.raises(
        ConfigurationError, match=f"`{PREFIX}KEY`, which is no setting; is `{PREFIX}KEYS`"
    ) as error:
        ServerSettings.load()
    assert "llmc_secret" not in str(error.value)


def test_variables_that_kubernetes_makes_are_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SERVICE_HOST", "SERVICE_PORT", "PORT_8000_TCP", "PORT_8000_TCP_ADDR", "SERVICE_PORT_HTTP"):
        monkeypatch.setenv(PREFIX + name, "10.0.0.1")
    assert ServerSettings.load().port == 8000


def test_a_variable_that_is_no_json_is_named_and_not_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(f"{PREFIX}KEYS", "llmc_secret")
    with pytest.raises(ConfigurationError, match=f"{PREFIX}KEYS has to be JSON") as error:
        ServerSettings.load()
    assert "llmc_secret" not in str(error.value)


@pytest.mark.parametrize("place", ["argument", "environment", "file"])
def test_a_key_where_its_hash_belongs_is_not_repeated(
    place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key, _ = new_key("web")
    file: Path | None = None
    given: dict[str, Any] = {}
    if place == "file":
        file = toml(tmp_path, f'[[keys]]\nname = "web"\nhash = "{key}"\n')
    elif place == "environment":
        monkeypatch.setenv(f"{PREFIX}KEYS", f'[{{"name": "web", "hash": "{key}"}}]')
    else:
        given = {"keys": [{"name": "web", "hash": key}]}
    with pytest.raises(ConfigurationError, match="keys.0.hash") as error:
        ServerSettings.load(file, **given)
    assert key not in str(error.value)
    assert error.value.__cause__ is None
    if place != "file":
        # Nor where the class is called without `load`, as an app of one's own does it.
        with pytest.raises(ValidationError) as plain:
            ServerSettings(**given)
        assert key not in str(plain.value)
