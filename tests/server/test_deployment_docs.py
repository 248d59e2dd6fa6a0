"""What the deployment page says of settings and metrics is what there is: each of them, and its default."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from llmcompiler_server.metrics import Metrics
from llmcompiler_server.runs import PATIENCE
from llmcompiler_server.serving import _LAST, check
from llmcompiler_server.settings import ServerSettings
from tests.docs.blocks import find_blocks

PAGE = Path(__file__).resolve().parents[2] / "docs" / "deployment.md"
TEXT = PAGE.read_text(encoding="utf-8")


def rows(header: str) -> list[list[str]]:
    """The cells of a table."""
    lines = TEXT[TEXT.index(header) :].splitlines()[2:]
    table = []
    for line in lines:
        if not line.startswith("|"):
            break
        table.append([cell.strip() for cell in line.strip("|").split("|")])
    return table


def shown(value: Any) -> str:
    if value is None or value == []:
        return "none"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    return f"`{value}`" if isinstance(value, str) else f"{value:,g}" if value < 1e5 else f"{value:,.0f}"


def test_every_setting_is_listed_with_its_default() -> None:
    said: dict[str, str] = {}
    for names, defaults, _ in rows("| setting | default | is |"):
        found = re.findall(r"`(\w+)`", names)
        given = defaults.split(", ")
        said |= dict(zip(found, given if len(given) == len(found) else [defaults], strict=True))
    expected = {
        name: shown(field.get_default(call_default_factory=True, validated_data={}))
        for name, field in ServerSettings.model_fields.items()
    }
    expected["port"] = "8000"
    assert said == expected


def test_the_settings_file_of_the_page_can_be_used(tmp_path: Path) -> None:
    (block,) = [b for b in find_blocks(TEXT, "docs/deployment.md") if b.lang == "toml"]
    file = tmp_path / "service.toml"
    file.write_text(block.text, encoding="utf-8")
    settings = ServerSettings.load(file)
    assert settings.keys[0].name == "web"
    check(settings)


def test_every_metric_is_listed_with_its_labels() -> None:
    said = {name for names, *_ in rows("| metric | labels | is |") for name in re.findall(r"`(\w+)`", names)}
    families = re.findall(r"^# TYPE (\w+) (\w+)$", Metrics().render().decode(), re.MULTILINE)
    made = {name for name, kind in families if not name.endswith("_created")}
    assert said == made


@pytest.mark.parametrize("name", ["TimeoutStopSec=55", "--stop-timeout 55"])
def test_time_to_end_is_enough(name: str) -> None:
    """The examples set `grace` to 30, and name what the process takes at most beside it."""
    assert "grace = 30" in TEXT
    assert name in TEXT
    assert 30 + PATIENCE + 2 * _LAST < 55
    assert f"{PATIENCE + 2 * _LAST:g} s beyond `grace`" in TEXT
