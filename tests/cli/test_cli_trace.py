"""`--trace PATH` of `run` and `exec`: a file in the form its ending says, or a clear error before anything runs."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from command_line import Invoke

TOOLS = ("--tools", "sample_tools")
MODEL = ("--model", "python:sample_tools:model")


def data_of(page: Path) -> dict[str, object]:
    found = re.search(r'id="data">(.*?)</script>', page.read_text(), re.DOTALL)
    assert found is not None
    loaded = json.loads(found[1])
    assert isinstance(loaded, dict)
    return loaded


def test_run_writes_a_page_and_says_where(invoke: Invoke, tmp_path: Path) -> None:
    path = tmp_path / "out.html"
    done = invoke("run", "How much taller?", *TOOLS, *MODEL, "--trace", str(path))
    assert (done.code, done.out) == (0, "Everest is 1.5 times as tall.\n")
    assert f"trace: {path}" in done.err.replace("\n", "")
    data = data_of(path)
    assert (data["status"], data["question"]) == ("answered", "How much taller?")
    assert [t["tool"] for t in data["tasks"]] == ["search", "search", "divide"]  # type: ignore[attr-defined]
    assert {p["kind"] for p in data["phases"]} == {"planning", "joining"}  # type: ignore[attr-defined]
    assert os.listdir(tmp_path) == ["out.html"]


def test_exec_writes_for_perfetto_and_pictures(invoke: Invoke, tmp_path: Path) -> None:
    plan = '1. wait(0, "a")\n2. wait(0, "$1")\njoin($2)'
    assert invoke("exec", "-", *TOOLS, "--trace", str(tmp_path / "t.json"), stdin=plan).out == "a\n"
    events = json.loads((tmp_path / "t.json").read_text())["traceEvents"]
    assert [e["id"] for e in events if e["ph"] == "s"] == ["1>2"]
    assert invoke("exec", "-", *TOOLS, "--trace", str(tmp_path / "T.SVG"), stdin=plan).code == 0
    assert len(list(ET.parse(tmp_path / "T.SVG").iter("{http://www.w3.org/2000/svg}g"))) > 1


def test_a_dash_is_a_timeline_on_standard_error(invoke: Invoke) -> None:
    done = invoke("exec", "-", *TOOLS, "--quiet", "--trace", "-", stdin='1. wait(0, "a")\njoin($1)')
    assert (done.code, done.out) == (0, "a\n")
    assert re.search(r"^✓ \*1\. wait\(.*\|.*#.*\|", done.err, re.MULTILINE)


def test_also_of_a_run_that_fails(invoke: Invoke, tmp_path: Path) -> None:
    path = tmp_path / "out.html"
    done = invoke("exec", "-", *TOOLS, "--trace", str(path), stdin='1. search("Zugspitze")\njoin($1)')
    assert done.code == 1
    data = data_of(path)
    assert data["status"] == "failed"
    assert "no mountain" in str(data["error"])
    assert "\x1b" not in str(data)


def test_quiet_says_nothing_of_it(invoke: Invoke, tmp_path: Path) -> None:
    done = invoke(
        "exec", "-", *TOOLS, "--quiet", "--trace", str(tmp_path / "a.html"), stdin='1. wait(0, "a")\njoin($1)'
    )
    assert done.err == ""
    assert (tmp_path / "a.html").exists()


@pytest.mark.parametrize("command", ["run", "exec"])
@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("out.txt", "name the trace .html"),
        ("out", "name the trace .html"),
        ("nowhere/out.html", "there is no folder"),
        ("folder.html", "can not be written"),
        pytest.param(
            "/proc/out.html",
            "can not be written",
            marks=pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="no /proc here"),
        ),
    ],
)
def test_a_path_that_can_not_be_written_is_told_before_anything_runs(
    invoke: Invoke, tmp_path: Path, command: str, name: str, why: str
) -> None:
    (tmp_path / "folder.html").mkdir()
    mark = tmp_path / "ran"
    arguments = ("run", "Why?", *MODEL) if command == "run" else ("exec", "-")
    plan = f'1. touch("{mark}")\njoin()'
    tools = tmp_path / "marking_tools.py"
    tools.write_text(
        "import pathlib\nfrom llmcompiler import tool\n\n\n@tool\ndef touch(path: str) -> None:\n"
        '    """Leave a mark."""\n    pathlib.Path(path).touch()\n'
    )
    done = invoke(*arguments, "--tools", str(tools), *TOOLS, "--trace", str(tmp_path / name), stdin=plan)
    assert done.code == 2
    assert "--trace" in done.err
    assert why in done.err
    assert not mark.exists()
    assert "started" not in done.err
