"""Processes that begin to use one plan cache at the same moment: all of them get it, and none complains."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from llmcompiler.sharing import sqlite_file
from llmcompiler_planners.plan_sqlite import SQLiteTemplates

OPENS = """
import sys
from llmcompiler_planners.plan_sqlite import SQLiteTemplates

print("ready", flush=True)
for line in sys.stdin:
    templates = SQLiteTemplates(line.strip())
    print(len(templates), flush=True)
"""


def test_four_processes_make_a_file_together(tmp_path: Path) -> None:
    env = {"PYTHONPATH": ":".join(p for p in sys.path if p), "PYTHONDONTWRITEBYTECODE": "1"}
    running = [
        subprocess.Popen(
            [sys.executable, "-c", OPENS],
            env=env,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            bufsize=1,
        )
        for _ in range(4)
    ]
    try:
        said = [_line(process) for process in running]
        assert said == ["ready"] * 4
        for n in range(60):  # how they meet is chance
            for process in running:
                assert process.stdin is not None
                process.stdin.write(f"{tmp_path / f'plans{n}.db'}\n")
            assert [_line(process) for process in running] == ["0"] * 4
        told = [process.communicate(timeout=30)[1] for process in running]
    finally:
        for process in running:
            process.kill()
            process.communicate()
    assert told == [""] * 4, "a warning"
    db = sqlite3.connect(tmp_path / "plans0.db")
    assert db.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    db.close()


def _line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def test_the_first_opening_waits_for_who_makes_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(sqlite_file, "TOGETHER", 60.0)
    db = sqlite3.connect(tmp_path / "plans.db", isolation_level=None, check_same_thread=False)
    db.execute("BEGIN EXCLUSIVE")
    release = threading.Timer(2 * sqlite_file.PATIENCE, lambda: db.execute("ROLLBACK"))
    release.start()
    templates = SQLiteTemplates(tmp_path / "plans.db")
    assert len(templates) == 0
    release.join()
    db.close()
    templates.close()
    assert caplog.records == []


def test_a_file_that_stays_locked_is_a_warning_and_holds_up_nobody_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(sqlite_file, "REST", 0.0)
    monkeypatch.setattr(sqlite_file, "TOGETHER", 0.2)
    slept: list[float] = []

    def again(least: float, most: float) -> float:
        slept.append(most)
        return 0.0

    monkeypatch.setattr("random.uniform", again)
    db = sqlite3.connect(tmp_path / "plans.db", isolation_level=None)
    db.execute("BEGIN EXCLUSIVE")
    templates = SQLiteTemplates(tmp_path / "plans.db")
    assert len(templates) == 0
    assert [r.getMessage().rpartition(": ")[2] for r in caplog.records] == ["database is locked"]
    first = len(slept)
    assert first > 0
    assert len(templates) == 0
    assert len(slept) == first, "only the first opening is tried again"
    db.close()
    assert len(templates) == 0
    templates.close()
