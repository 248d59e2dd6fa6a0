"""The notebooks of `examples/` run from a fresh kernel, and what is kept of their output can be shown to anybody."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

nbformat = pytest.importorskip("nbformat", reason="nbformat is not installed: it is in the group `test`")
nbclient = pytest.importorskip("nbclient", reason="nbclient is not installed: it is in the group `test`")

FOLDER = Path(__file__).parents[2] / "examples"
NOTEBOOKS = sorted(p.name for p in FOLDER.glob("*.ipynb"))
HOME = re.compile(r"/home/\w+|/root/|/Users/\w+|[A-Z]:\\\\Users")


def test_there_are_five() -> None:
    assert len(NOTEBOOKS) == 5


@pytest.mark.timeout(180)
@pytest.mark.filterwarnings("ignore")  # of the kernel's own parts; the notebook runs in another process
@pytest.mark.parametrize("name", NOTEBOOKS)
def test_a_notebook_runs(name: str, tmp_path: Path) -> None:
    notebook = nbformat.read(FOLDER / name, as_version=4)
    resources = {"metadata": {"path": str(tmp_path)}}
    nbclient.NotebookClient(notebook, timeout=120, kernel_name="python3", resources=resources).execute()
    errors = [o for c in notebook.cells for o in c.get("outputs", []) if o["output_type"] == "error"]
    assert not errors
    complaints = [
        o["text"]
        for c in notebook.cells
        for o in c.get("outputs", [])
        if o["output_type"] == "stream" and o["name"] == "stderr"
        if "held up the event loop" not in o["text"]  # a machine with much else to do
    ]
    assert not complaints


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_what_is_kept_of_its_output_shows_pictures_and_no_paths(name: str) -> None:
    notebook = nbformat.read(FOLDER / name, as_version=4)
    nbformat.validate(notebook)
    outputs = [o for c in notebook.cells for o in c.get("outputs", [])]
    assert outputs, "no output is kept: run it and save it"
    assert not HOME.search((FOLDER / name).read_text(encoding="utf-8"))
    kinds = {kind for o in outputs for kind in o.get("data", {})}
    assert kinds & {"text/html", "image/svg+xml"} or name.startswith("05"), kinds
    assert (FOLDER / name).stat().st_size < 1_000_000
