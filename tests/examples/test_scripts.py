"""The scripts of `examples/`, run as their readers would: on files of their own, stopped and started again."""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PATIENCE = 90


def script(name: str, *arguments: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [sys.executable, str(ROOT / "examples" / f"{name}.py"), *map(str, arguments)],
        cwd=cwd,
        env={**os.environ, "PYTHONIOENCODING": "utf-8"},
        capture_output=True,
        encoding="utf-8",
        timeout=PATIENCE,
        check=False,
    )
    assert "Traceback" not in done.stderr, done.stderr
    return done


def sheet(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


# -- research brief --------------------------------------------------------------------


@pytest.fixture
def notes(tmp_path: Path) -> Path:
    folder = tmp_path / "notes"
    folder.mkdir()
    (folder / "pumps.md").write_text(
        "A heat pump moves warmth from outside air into a house, also in winter.\n\n"
        "Frost on the outdoor coil costs $40 a season; the pump melts it by running backwards for a while.\n\n"
        "Some paragraphs say nothing about it at all, they are about painting walls.\n"
    )
    (folder / "page.html").write_text(
        "<html><script>var frost = 1</script><p>Defrost cycles of a heat pump take about five minutes, "
        "and frost forms below four degrees.</p></html>"
    )
    (folder / "garden.txt").write_text(
        "Tomatoes need sun, and water in the morning, but not on their leaves.\n"
    )
    (folder / "broken.txt").write_bytes(b"\xff\xfe\x00 no text in this one")
    return folder


def test_a_brief_quotes_what_was_found_and_says_what_was_not(notes: Path, tmp_path: Path) -> None:
    done = script("research_brief", "How do heat pumps cope with frost for $1?", notes, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    text = done.stdout
    assert text.startswith("# How do heat pumps cope with frost for $1?\n")
    assert "> Frost on the outdoor coil costs $40 a season" in text
    assert "Defrost cycles" in text
    assert "var frost" not in text
    assert f"- {notes / 'garden.txt'}" in text.partition("## Nothing about it in")[2]
    assert "broken.txt is no UTF-8 text" in text.partition("## Could not be read")[2]
    assert "3 of 4 sources read" in done.stderr


def test_a_brief_without_a_source(tmp_path: Path) -> None:
    done = script("research_brief", "Why?", "nowhere.txt", cwd=tmp_path)
    assert done.returncode == 1
    assert "nowhere.txt is neither a file, a folder nor a web address" in done.stderr
    assert script("research_brief", "Why?", cwd=tmp_path).returncode == 1


# -- enriching a sheet ------------------------------------------------------------------


def offices(path: Path, countries: Sequence[str]) -> None:
    path.write_text("id,country\n" + "".join(f"{i},{c}\n" for i, c in enumerate(countries)), encoding="utf-8")


def test_a_sheet_gets_its_columns(tmp_path: Path) -> None:
    offices(tmp_path / "in.csv", ["Peru", "Norway", "Atlantis", "Peru"])
    arguments = ("in.csv", "--key", "country", "--add", "capital,currency", "--out", "out.csv")
    done = script("enrich_sheet", *arguments, cwd=tmp_path)
    assert done.returncode == 1, done.stderr  # one row has empty cells
    rows = sheet(tmp_path / "out.csv")
    assert [r["capital"] for r in rows] == ["Lima", "Oslo", "", "Lima"]
    assert rows[0]["currency"]
    assert not rows[2]["currency"]
    assert "Atlantis" in rows[2]["problems"]
    assert not rows[3]["problems"]
    assert list(rows[0]) == ["id", "country", "capital", "currency", "problems"]


SLOW = """
import os, pathlib, time
from llmcompiler import tool

LOG = pathlib.Path("calls.log")

@tool(effect="read")
def size(country: str) -> int:
    "How large it is."
    if country == "Stop" and not pathlib.Path("second").exists():
        pathlib.Path("waiting").touch()
        time.sleep(60)
    with LOG.open("a") as file:
        file.write(country + "\\n")
    return len(country)

tools = [size]
"""


@pytest.mark.skipif(os.name != "posix", reason="a signal to a process of its own")
def test_a_sheet_that_was_stopped_goes_on_where_it_was(tmp_path: Path) -> None:
    (tmp_path / "own_tools.py").write_text(SLOW)
    offices(tmp_path / "in.csv", ["Peru", "Norway", "Chile", "Stop"])
    options = [
        "in.csv",
        "--key",
        "country",
        "--add",
        "size",
        "--out",
        "out.csv",
        "--tools",
        "own_tools:tools",
    ]
    command = [sys.executable, str(ROOT / "examples" / "enrich_sheet.py"), *options]
    first = subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, text=True)
    log = tmp_path / "calls.log"
    for _ in range(PATIENCE * 20):
        if (tmp_path / "waiting").exists() and log.exists() and len(log.read_text().splitlines()) == 3:
            break
        with pytest.raises(subprocess.TimeoutExpired):
            first.wait(0.05)
    first.send_signal(signal.SIGKILL)
    first.communicate(timeout=PATIENCE)
    assert not (tmp_path / "out.csv").exists()

    (tmp_path / "second").touch()
    done = script("enrich_sheet", *options, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert [r["size"] for r in sheet(tmp_path / "out.csv")] == ["4", "6", "5", "4"]
    assert sorted(log.read_text().split()) == ["Chile", "Norway", "Peru", "Stop"]
    assert "4 of 4 rows, 1 calls" in done.stderr


def test_wrong_names_are_told_before_anything_runs(tmp_path: Path) -> None:
    offices(tmp_path / "in.csv", ["Peru"])
    no_tool = script(
        "enrich_sheet", "in.csv", "--key", "country", "--add", "captial", "--out", "o.csv", cwd=tmp_path
    )
    assert "no tool is called 'captial'" in no_tool.stderr
    no_key = script(
        "enrich_sheet", "in.csv", "--key", "land", "--add", "capital", "--out", "o.csv", cwd=tmp_path
    )
    assert "no column 'land'; it has id, country" in no_key.stderr
    assert json.dumps(sorted(p.name for p in tmp_path.iterdir())) == '["in.csv"]'
