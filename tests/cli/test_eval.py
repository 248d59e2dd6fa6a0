"""`llmcompiler eval`: what it reads, prints, keeps and exits with."""

from __future__ import annotations

import io
import json
import os
import re
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest
from command_line import COMMAND, HERE, Invoke, environment

from llmcompiler.cli._eval_show import draw
from llmcompiler.evaluation import Comparison, Report
from llmcompiler.evaluation.tables import report_tables

TOOLS = ("--tools", "sample_tools")
MODEL = ("--model", "python:eval_models:asked")
LINES = [
    {"id": "one", "question": "Kilimanjaro?", "answer": 5895, "family": "found"},
    {"id": "two", "question": "Mount Everest?", "answer": 8849, "family": "found"},
    {"id": "three", "question": "Atlantis?", "answer": 1, "family": "lost"},
]


@pytest.fixture
def questions(tmp_path: Path) -> str:
    path = tmp_path / "set.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in LINES), encoding="utf-8")
    return str(path)


@pytest.fixture
def run(invoke: Invoke, tmp_path: Path, questions: str) -> Any:
    """Evaluate the questions, with results in the test's folder."""

    def evaluate(*arguments: str) -> Any:
        return invoke("eval", questions, *TOOLS, *MODEL, "--out", str(tmp_path / "r.jsonl"), *arguments)

    return evaluate


def test_eval_prints_a_table_and_tells_the_rest_on_stderr(run: Any, tmp_path: Path) -> None:
    done = run()
    assert done.code == 0
    rows = {line.split()[0]: line.split() for line in done.out.splitlines()[2:5]}
    assert rows["found"][1:4] == ["2", "100.0", "%"]
    assert rows["all"][1:4] == ["3", "66.7", "%"]
    assert "3 of 3: 66.7 % right" in done.err
    assert f"results: {tmp_path / 'r.jsonl'}" in done.err
    assert len((tmp_path / "r.jsonl").read_text().splitlines()) == 4


def test_eval_goes_on_where_it_was(run: Any) -> None:
    assert run("--limit", "1").code == 0
    done = run()
    assert "1 of 3 are answered already" in done.err
    assert "2 of 3:" in done.err
    assert run("--quiet").err == ""


def test_eval_json_is_one_document(run: Any) -> None:
    document = json.loads(run("--json").out)
    assert document["overall"]["accuracy"]["value"] == pytest.approx(2 / 3)
    assert (document["families"]["lost"]["right"], document["families"]["lost"]["failed"]) == (0, 0)
    assert document["configuration"]["planner"] == "TextPlanner"


def test_eval_markdown_page_and_chart(run: Any, tmp_path: Path) -> None:
    page, chart = tmp_path / "page.html", tmp_path / "chart.svg"
    done = run("--markdown", "--html", str(page), "--svg", str(chart))
    assert "| **all** | 3 | 66.7 % |" in done.out
    assert page.read_text(encoding="utf-8").startswith("<!doctype html>")
    assert chart.read_text(encoding="utf-8").startswith("<svg ")


def test_eval_against_another_setting(run: Any, tmp_path: Path) -> None:
    run()
    done = run("--against", "max-replans=0, model=python:eval_models:confused")
    assert done.code == 0
    assert "3 of 6 are answered already" in done.err
    assert "Newcombe" in done.out
    assert "difference" in done.out
    other = tmp_path / "r.max-replans-0-model-python-eval_models-confused.jsonl"
    assert other.exists()
    compared = run_compare(run, tmp_path / "r.jsonl", other)
    assert compared["overall"]["accuracy"]["value"] == pytest.approx(-2 / 3)


def run_compare(run: Any, a: Path, b: Path) -> Any:
    return Comparison.load(a, b).to_dict()


def test_eval_compare_and_report_ask_nothing(run: Any, invoke: Invoke, tmp_path: Path) -> None:
    run()
    path = str(tmp_path / "r.jsonl")
    done = invoke("eval", "compare", path, path, "--json")
    assert json.loads(done.out)["overall"]["accuracy"]["value"] == 0
    done = invoke("eval", "report", path)
    assert (done.code, done.err) == (0, "")
    assert "66.7 %" in done.out
    assert invoke("eval", "report", path, "--min-accuracy", "0.9").code == 1


def test_a_data_set_may_have_the_name_of_a_command(invoke: Invoke) -> None:
    assert "compare: its kind is told by the end" in invoke("eval", "./compare").err
    assert "Missing argument" in invoke("eval", "compare").err


def test_eval_min_accuracy_is_a_gate(run: Any) -> None:
    assert run("--min-accuracy", "0.6").code == 0
    done = run("--min-accuracy", "0.7")
    assert done.code == 1
    assert "accuracy 0.667 is below --min-accuracy 0.7" in done.err
    assert "66.7 %" in done.out  # the report is there all the same


def test_eval_with_a_scorer_of_ones_own(run: Any) -> None:
    document = json.loads(run("--scorer", "eval_models:generous", "--json").out)
    assert document["overall"]["right"] == 3 - document["overall"]["failed"]
    assert document["scorer"] == "eval_models:generous"


def test_eval_with_a_scorer_that_fails_keeps_answers(run: Any, tmp_path: Path) -> None:
    done = run("--scorer", "eval_models:broken", "--limit", "2")
    assert done.code == 1
    assert "2 answers have no score (ZeroDivisionError: division by zero)" in done.err
    assert len((tmp_path / "r.jsonl").read_text().splitlines()) == 3


def test_eval_with_a_judge(run: Any) -> None:
    done = run("--judge", "python:eval_models:judge")
    assert done.code == 0
    assert re.search(r"judge: \d calls, [\d,]+ tokens", done.out)


def test_eval_of_fields_with_other_names(invoke: Invoke, tmp_path: Path) -> None:
    path = tmp_path / "set.csv"
    path.write_text("prompt;target\nKilimanjaro?;5895\n")
    names = ("--field", "question=prompt", "--field", "answer=target")
    done = invoke("eval", str(path), *TOOLS, *MODEL, *names, "--out", str(tmp_path / "r"), "--quiet")
    assert (done.code, done.err) == (0, "")
    assert "100.0 %" in done.out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--scorer", "exakt"), "--scorer exakt: give one of auto, exact, numeric, contains, or your own"),
        (("--scorer", "eval_models:nothing"), "has no `nothing`"),
        (("--scorer", "eval_models:number"), "a `int` can not be called"),
        (
            ("--scorer", "eval_models:generous", "--rel", "0.1"),
            "--rel and --abs are for the ready-made scorers",
        ),
        (("--rel", "-1"), "a tolerance is a number"),
        (("--judge", "nobody:x"), "--judge: nobody:x: no provider of models"),
        (
            ("--judge", "python:eval_models:judge", "--scorer", "exact"),
            "--judge says which answers are right",
        ),
        (("--field", "question"), "--field question: give NAME=COLUMN"),
        (("--field", "questoin=x"), "there is no field 'questoin'"),
        (("--against", "colour=red"), "--against 'colour=red': give KEY=VALUE, with one of model"),
        (("--against", "max-replans=-1"), "give a whole number, 0 or more"),
        (("--against", "max-concurrency=0"), "give a whole number, 1 or more"),
        (("--against", "timeout=soon"), "give seconds above 0"),
        (("--against", "max-replans=2"), "that changes nothing"),
        (("--against", "model=a,model=b"), "model stands there twice"),
        (("--min-accuracy", "80"), "for 80 % give 0.8"),
        (("--json", "--markdown"), "give one of them"),
        (("--html", "/nowhere/at/all.html"), "there is no folder /nowhere/at"),
        (("--planner", "nope"), "--planner nope"),
        (("--timeout", "-1"), "seconds above 0"),
    ],
)
def test_wrong_options_of_eval(run: Any, tmp_path: Path, arguments: tuple[str, ...], words: str) -> None:
    done = run(*arguments)
    assert done.code == 2
    assert words in done.err
    assert not (tmp_path / "r.jsonl").exists()


def test_wrong_files_of_eval(invoke: Invoke, run: Any, tmp_path: Path) -> None:
    for name, text, words in (
        ("none.jsonl", None, "there is no such file"),
        ("empty.jsonl", "", "there is no question in it"),
        ("bad.jsonl", '{"question": "x"\n', "bad.jsonl:1:"),
    ):
        if text is not None:
            (tmp_path / name).write_text(text)
        done = invoke("eval", str(tmp_path / name), *TOOLS, *MODEL)
        assert done.code == 2
        assert words in done.err
    assert invoke("eval", "compare", str(tmp_path / "a"), str(tmp_path / "b")).code == 2
    assert "is not a results file" in invoke("eval", "report", str(tmp_path / "bad.jsonl")).err


def test_another_configuration_says_the_ways_out(run: Any) -> None:
    run("--limit", "1")
    done = run("--max-replans", "0")
    assert done.code == 2
    assert "max_replans: 2 → 0" in done.err
    assert "--out" in done.err
    assert "--anew" in done.err
    assert run("--max-replans", "0", "--anew", "--limit", "1").code == 0


def test_eval_where_nothing_is_answered_fails(invoke: Invoke, tmp_path: Path, questions: str) -> None:
    done = invoke(
        "eval", questions, *TOOLS, "--model", "python:eval_models:useless", "--out", str(tmp_path / "r.jsonl")
    )
    assert done.code == 1
    assert "no question was answered; the first failed with" in done.err


def test_calls_that_need_approval_are_denied_unless_told(invoke: Invoke, tmp_path: Path) -> None:
    path = tmp_path / "set.jsonl"
    path.write_text('{"question": "mail?", "answer": "sent to ann"}\n')
    base = ("eval", str(path), *TOOLS, *MODEL, "--json")
    denied = json.loads(invoke(*base, "--out", str(tmp_path / "a")).out)
    assert denied["overall"]["failed_tasks"] == {"ApprovalDenied": 1}
    assert json.loads(invoke(*base, "--out", str(tmp_path / "b"), "--yes").out)["overall"]["right"] == 1


@pytest.mark.skipif(os.name == "nt", reason="signals")
def test_ctrl_c_keeps_what_is_done_and_says_how_to_go_on(tmp_path: Path, questions: str) -> None:
    out = tmp_path / "r.jsonl"
    marker = tmp_path / "marker"
    arguments = ("eval", questions, *TOOLS, "--model", "python:eval_models:hanging", "--concurrency", "1")
    process = subprocess.Popen(
        [*COMMAND, *arguments, "--out", str(out)],
        cwd=HERE,
        env=environment(MARKER=str(marker)),
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    try:
        assert process.stderr is not None
        told = process.stderr.readline()  # the first answer; the second question hangs
        assert b"1 of 3" in told
        process.send_signal(signal.SIGINT)
        stdout, stderr = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == 130
    assert stdout == b""
    assert b"stopped after 1 of 3 answers; the same command goes on from there" in stderr
    assert len(out.read_text().splitlines()) == 2


@pytest.mark.parametrize("width", [80, 200])
def test_numbers_stay_on_one_line_of_a_terminal(run: Any, tmp_path: Path, width: int) -> None:
    run()
    out = io.StringIO()
    draw(report_tables(Report.load(tmp_path / "r.jsonl")), out, width)
    lines = out.getvalue().splitlines()
    assert max(map(len, lines)) <= width
    (row,) = [line for line in lines if line.startswith("all") and "66.7 %" in line]
    assert "21–94 %" in row
    assert any("Not right" in line for line in lines)


def test_a_narrow_terminal_shows_everything_all_the_same(run: Any, tmp_path: Path) -> None:
    run()
    out = io.StringIO()
    draw(report_tables(Report.load(tmp_path / "r.jsonl")), out, 40)
    assert "…" not in out.getvalue()


def test_help_of_eval(invoke: Invoke) -> None:
    for flag in ("--help", "-h"):
        done = invoke("eval", flag)
        assert done.code == 0
        assert "`llmcompiler eval FILE` is short for" in " ".join(done.out.split())
        assert all(word in done.out for word in ("dataset", "report", "compare"))
    assert "--min-accuracy" in invoke("eval", "dataset", "--help").out
    assert "Usage: llmcompiler eval compare" in invoke("eval", "compare", "--help").out
    assert invoke("eval").code == 2
