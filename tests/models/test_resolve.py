"""From a name to a model, and the ways out where there is none."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from llmcompiler.errors import ConfigurationError
from llmcompiler.models import ModelRequest, OpenAIModel, register_provider, resolve, resolve_model


class Mine:
    name = "mine"
    features: frozenset[str] = frozenset()

    def stream(self, request: ModelRequest) -> Any:
        raise NotImplementedError


@pytest.fixture(autouse=True)
def _empty(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("LLMCOMPILER_MODEL", "OPENAI_API_KEY", "OPENAI_BASE_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("LLMCOMPILER_CACHE", str(tmp_path))
    monkeypatch.setattr(resolve, "_providers", dict(resolve._providers))


def test_a_model_is_itself() -> None:
    mine = Mine()
    assert resolve_model(mine) is mine


@pytest.mark.parametrize("spec", [5, object(), Mine.stream])
def test_something_else(spec: Any) -> None:
    with pytest.raises(ConfigurationError, match="openai:gpt-5-mini"):
        resolve_model(spec)


def test_openai(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigurationError, match="OPENAI_API_KEY"):
        resolve_model("openai:gpt-5-mini")
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:8080/v1")
    model = resolve_model("openai: org/some:model ")
    assert isinstance(model, OpenAIModel)
    assert model.name == "org/some:model"
    with pytest.raises(ConfigurationError, match="name behind it"):
        resolve_model("openai:")


def test_the_environment_decides(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:8080/v1")
    monkeypatch.setenv("LLMCOMPILER_MODEL", "openai:m")
    assert resolve_model(None).name == "m"
    monkeypatch.setenv("LLMCOMPILER_MODEL", "nonsense")
    with pytest.raises(ConfigurationError, match=r"^LLMCOMPILER_MODEL=nonsense: "):
        resolve_model(None)


@pytest.mark.parametrize("spec", ["gpt-5-mini", "", "azure:x", ":", "http://x"])
def test_unknown_providers(spec: str) -> None:
    with pytest.raises(ConfigurationError, match=r"`local:`, `openai:`"):
        resolve_model(spec)


def test_own_providers() -> None:
    register_provider("mine", lambda rest: Mine() if rest == "x" else pytest.fail(rest))
    assert resolve_model("mine:x").name == "mine"
    with pytest.raises(ConfigurationError, match="`mine:`"):
        resolve_model("nope:x")
    for bad in ("", "a:b", " a"):
        with pytest.raises(ConfigurationError):
            register_provider(bad, lambda rest: Mine())


@pytest.mark.parametrize("installed", [True, False])
def test_must_beat_28_a_new_user_without_a_key_is_told_both_ways_out(
    installed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resolve, "engine_installed", lambda: installed)
    with pytest.raises(ConfigurationError) as caught:
        resolve_model(None)
    text = str(caught.value)
    assert "LLMCOMPILER_MODEL=openai:NAME" in text
    assert "OPENAI_API_KEY" in text
    assert "OPENAI_BASE_URL" in text
    assert 'pip install "llmcompiler-runtime[local]"' in text
    assert "llmcompiler models pull" in text
    assert ("engine is not installed" in text) is not installed
    assert "weights are not there" in text


def test_importing_models_is_light() -> None:
    code = (
        "import sys, llmcompiler.models as m; m.ModelRequest; "
        "heavy = {'httpx', 'xllamacpp', 'rich', 'tenacity', 'filelock'} & set(sys.modules); "
        "sys.exit(f'loaded: {heavy}' if heavy else 0)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr


def test_every_public_name_is_there() -> None:
    import llmcompiler.models as models

    assert all(getattr(models, name) is not None for name in models.__all__)
    with pytest.raises(AttributeError):
        models.Nonsense  # noqa: B018
