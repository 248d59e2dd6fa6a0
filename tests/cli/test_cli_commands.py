"""What each command reads, prints and exits with."""

from __future__ import annotations

import json
import re
from itertools import pairwise
from pathlib import Path

import pytest
from command_line import Invoke

TOOLS = ("--tools", "sample_tools")
MODEL = ("--model", "python:sample_tools:model")
PLANNER = ("--planner", "python:sample_tools:planner")
RATIO = 8849 / 5895


# -- run -----------------------------------------------------------------------------


def test_run_answers_on_stdout_and_tells_the_rest_on_stderr(invoke: Invoke) -> None:
    done = invoke("run", "How much taller?", *TOOLS, *MODEL)
    assert (done.code, done.out) == (0, "Everest is 1.5 times as tall.\n")
    for words in (
        "planned 3 divide(a=$1.height, b=$2.height) waits for 1, 2",
        "started 1 search",
        "done 3 divide",
    ):
        assert words in done.err
    for words in (
        "3 calls: 3 done",
        "makespan",
        "critical path",
        "time if sequential",
        "speed-up",
        "model calls 2",
    ):
        assert words in done.err
    assert re.search(r"tokens [\d,]+ \([\d,]+ in, [\d,]+ out\)", done.err)
    assert "\x1b" not in done.err


def test_run_with_a_planner_of_ones_own_needs_no_model(invoke: Invoke) -> None:
    done = invoke("run", "How much taller?", *TOOLS, *PLANNER)
    assert done.code == 0
    assert float(done.out) == pytest.approx(RATIO)


def test_run_json_is_one_document(invoke: Invoke) -> None:
    done = invoke("run", "How much taller?", *TOOLS, *MODEL, "--json")
    document = json.loads(done.out)
    assert document["output"] == "Everest is 1.5 times as tall."
    assert document["error"] is None
    assert document["tasks"]["3"]["outcome"]["value"] == pytest.approx(RATIO)
    assert document["usage"]["model_calls"] == 2


def test_run_quiet_says_nothing_but_the_answer(invoke: Invoke) -> None:
    done = invoke("run", "How much taller?", *TOOLS, *MODEL, "--quiet")
    assert (done.out, done.err) == ("Everest is 1.5 times as tall.\n", "")


def test_run_events_are_json_lines(invoke: Invoke) -> None:
    done = invoke("run", "How much taller?", *TOOLS, *MODEL, "--events")
    events = [json.loads(line) for line in done.err.splitlines()]
    assert [e["seq"] for e in events] == list(range(len(events)))
    assert (events[0]["type"], events[-1]["type"]) == ("RunStarted", "RunFinished")


@pytest.mark.parametrize("arguments", [(), ("-",)])
def test_question_from_standard_input(invoke: Invoke, arguments: tuple[str, ...]) -> None:
    done = invoke("run", *arguments, *TOOLS, *PLANNER, "--json", stdin="\ufeffHow much taller?\n")
    assert json.loads(done.out)["question"] == "How much taller?"


def test_a_question_of_100_kb(invoke: Invoke) -> None:
    done = invoke("run", "-", *TOOLS, *PLANNER, stdin="why? " * 20_000)
    assert done.code == 0
    assert len(done.err) < 5_000


@pytest.mark.parametrize("question", ["", "  \n\t "])
def test_an_empty_question_is_bad_usage(invoke: Invoke, question: str) -> None:
    done = invoke("run", question, *TOOLS, *MODEL)
    assert (done.code, done.out) == (2, "")
    assert "question is empty" in done.err
    assert 'llmcompiler run "..."' in done.err


def test_whatever_tools_print_stays_off_stdout(invoke: Invoke) -> None:
    done = invoke("run", "?", *TOOLS, "--planner", "python:sample_tools:odd_planner")
    assert "chatty says" in done.err
    assert "chatty says" not in done.out


def test_control_characters_in_answers_are_harmless_and_exact_in_json(invoke: Invoke) -> None:
    arguments = ("run", "?", *TOOLS, "--planner", "python:sample_tools:odd_planner")
    assert invoke(*arguments).out == "höhe 山 \\x1b[31mred\\x07\n"
    assert json.loads(invoke(*arguments, "--json").out)["output"] == "höhe 山 \x1b[31mred\x07"


def test_a_failed_call_is_told_and_markup_in_it_is_not_read(invoke: Invoke) -> None:
    done = invoke("run", "?", *TOOLS, "--planner", "python:sample_tools:failing_planner")
    assert "no mountain [bold]Atlantis[/bold] \\x1b[31mhere" in done.err
    assert "1 failed" in done.err
    assert "Traceback" not in done.err
    assert (done.code, done.out) == (1, "")
    assert "error: no answer" in done.err


def test_a_weak_plan_is_shown_before_the_answer(invoke: Invoke) -> None:
    done = invoke("run", "?", *TOOLS, "--planner", "python:sample_tools:weak_planner")
    assert done.code == 0
    assert "WARNING: weak plan: the planner was unsure of task 1" in done.err


def test_a_model_error_fails_with_one_line(invoke: Invoke) -> None:
    done = invoke("run", "?", *TOOLS, "--model", "python:sample_tools:refused_model")
    assert (done.code, done.out) == (1, "")
    errors = [line for line in done.err.splitlines() if line.startswith("error:")]
    assert errors == ["error: the server refused the key (401); set OPENAI_API_KEY"]
    assert "Traceback" not in done.err


def test_json_of_a_failure_is_one_document_too(invoke: Invoke) -> None:
    done = invoke("run", "?", *TOOLS, "--model", "python:sample_tools:refused_model", "--json")
    document = json.loads(done.out)
    assert done.code == 1
    assert document["error"]["type"] == "ModelAuthenticationError"
    assert document["output"] is None
    assert document["question"] == "?"
    bad = invoke("run", "?", "--tools", "no_such_module", "--json")
    assert bad.code == 2
    assert json.loads(bad.out)["error"]["type"] == "ConfigurationError"


def test_something_unexpected_is_a_line_and_with_debug_a_traceback(invoke: Invoke) -> None:
    arguments = ("run", "?", *TOOLS, "--planner", "python:sample_tools:broken_planner")
    done = invoke(*arguments)
    assert done.code == 1
    assert "error: unexpected RuntimeError: the planner is broken" in done.err
    assert "--debug" in done.err
    assert "Traceback" not in done.err
    assert "Traceback" in invoke(*arguments, "--debug").err


def test_time_limit_answers_with_what_there_is_or_fails(invoke: Invoke) -> None:
    done = invoke("run", "?", *TOOLS, "--planner", "python:sample_tools:slow_planner", "--timeout", "0.3")
    assert "1 done" in done.err
    assert "Kilimanjaro" in done.out
    assert invoke("run", "?", *TOOLS, *PLANNER, "--timeout", "-1").code == 2


def test_options_reach_the_compiler(invoke: Invoke) -> None:
    done = invoke(
        "run",
        "?",
        *TOOLS,
        "--planner",
        "python:sample_tools:eight_planner",
        "--max-concurrency",
        "1",
        "--json",
    )
    tasks = json.loads(done.out)["tasks"].values()
    spans = sorted((t["started"], t["finished"]) for t in tasks)
    assert all(end <= begin + 1e-6 for (_, end), (begin, _) in pairwise(spans))
    assert invoke("run", "?", *TOOLS, *PLANNER, "--max-concurrency", "0").code == 2
    assert invoke("run", "?", *TOOLS, *PLANNER, "--max-replans", "-1").code == 2


# -- approval ------------------------------------------------------------------------


def test_without_a_terminal_nothing_is_approved(invoke: Invoke) -> None:
    done = invoke("run", "?", *TOOLS, "--planner", "python:sample_tools:mail_planner")
    assert "task 1 `send_mail` needs approval" in done.err
    assert "--yes" in done.err
    assert "sent to" not in done.out


def test_yes_approves(invoke: Invoke) -> None:
    done = invoke("run", "?", *TOOLS, "--planner", "python:sample_tools:mail_planner", "--yes")
    assert (done.code, done.out) == (0, "sent to ann@example.org\n")


# -- plan ----------------------------------------------------------------------------


def test_plan_prints_text_that_exec_takes(invoke: Invoke, tmp_path: Path) -> None:
    done = invoke("plan", "How much taller?", *TOOLS, *PLANNER)
    assert done.code == 0
    assert "3. divide(a=$1.height, b=$2.height)" in done.out
    assert "Critical path (*): 1 -> 3" in done.err
    assert "3 calls in 2 steps, at most 2 at once." in done.err
    file = tmp_path / "plan.txt"
    file.write_text(done.out, encoding="utf-8")
    again = invoke("exec", str(file), *TOOLS)
    assert again.code == 0
    assert float(again.out) == pytest.approx(RATIO)


def test_plan_json_says_what_is_predicted_and_exec_takes_it(invoke: Invoke) -> None:
    done = invoke("plan", "How much taller?", *TOOLS, *PLANNER, "--json")
    document = json.loads(done.out)
    assert (document["steps"], document["width"], document["critical_path"]) == (2, 2, [1, 3])
    assert float(invoke("exec", "-", *TOOLS, stdin=done.out).out) == pytest.approx(RATIO)
    assert float(invoke("exec", "-", *TOOLS, stdin=json.dumps(document["plan"])).out) == pytest.approx(RATIO)


def test_plan_warns_of_a_weak_plan(invoke: Invoke) -> None:
    done = invoke("plan", "?", *TOOLS, "--planner", "python:sample_tools:weak_planner")
    assert done.out.startswith("1. search")
    assert "WARNING: weak plan: the planner was unsure of task 1" in done.err


def test_plan_mermaid(invoke: Invoke) -> None:
    done = invoke("plan", "How much taller?", *TOOLS, *PLANNER, "--mermaid", "--quiet")
    assert done.out.startswith("flowchart")
    assert "t1 --> t3" in done.out
    assert done.err == ""


def test_plan_calls_nothing(invoke: Invoke) -> None:
    done = invoke("plan", "?", *TOOLS, "--planner", "python:sample_tools:odd_planner")
    assert done.code == 0
    assert "chatty says" not in done.err + done.out


# -- exec ----------------------------------------------------------------------------


def test_exec_of_a_bare_join_gives_the_ends(invoke: Invoke) -> None:
    done = invoke("exec", "-", *TOOLS, stdin='1. search("Kilimanjaro")\n2. divide(1, 2)\njoin()')
    assert json.loads(done.out) == {"1": {"name": "Kilimanjaro", "height": 5895.0}, "2": 0.5}


def test_exec_with_a_question_asks_the_joiner(invoke: Invoke) -> None:
    model = ("--model", "python:sample_tools:join_model")
    done = invoke(
        "exec", "-", *TOOLS, *model, "--question", "How tall?", stdin='1. search("Kilimanjaro")\njoin()'
    )
    assert (done.code, done.out) == (0, "5895 m.\n")


def test_exec_of_a_wrong_plan_lists_everything_wrong(invoke: Invoke, tmp_path: Path) -> None:
    file = tmp_path / "plan.txt"
    file.write_text('1. serach("x")\n2. divide(1, $3)\njoin($2)\n')
    done = invoke("exec", str(file), *TOOLS)
    assert (done.code, done.out) == (1, "")
    assert f"error: {file}: the plan has" in done.err
    assert "1:4: error [unknown-tool]" in done.err
    assert "`search`" in done.err
    assert "-reference]" in done.err
    assert "^" in done.err


@pytest.mark.parametrize("text", ["{", '{"tasks": 3}', "[]", '{"plan": {"tasks": [{}]}}', "\x00\x01", ""])
def test_exec_of_garbage_is_one_clear_error(invoke: Invoke, text: str) -> None:
    done = invoke("exec", "-", *TOOLS, stdin=text)
    assert done.code in (0, 1)
    assert "Traceback" not in done.err
    assert "unexpected" not in done.err


def test_exec_of_a_file_that_is_not_there_or_not_text(invoke: Invoke, tmp_path: Path) -> None:
    missing = invoke("exec", str(tmp_path / "none.txt"), *TOOLS)
    assert missing.code == 2
    assert "none.txt: No such file" in missing.err
    assert invoke("exec", str(tmp_path), *TOOLS).code == 2
    binary = tmp_path / "plan.bin"
    binary.write_bytes(b"1. a(\xff\xfe)")
    done = invoke("exec", str(binary), *TOOLS)
    assert done.code == 2
    assert "not UTF-8 text (byte 5)" in done.err


def test_exec_shows_what_is_odd_about_the_text(invoke: Invoke) -> None:
    plan = 'hello\n1. search("Kilimanjaro")\njoin("$1")'
    done = invoke("exec", "-", *TOOLS, stdin=plan)
    assert done.code == 0
    assert "standard input:1:1: warning [unrecognised]" in done.err
    assert "standard input:3:6: warning [join-arguments]" in done.err
    assert invoke("exec", "-", *TOOLS, "--quiet", stdin=plan).err == ""


@pytest.mark.parametrize("name", ["/dev/zero", "-"])
def test_exec_of_what_has_no_end_is_refused(
    invoke: Invoke, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from llmcompiler.cli import _streams

    monkeypatch.setattr(_streams, "_LARGEST", 2**20)
    done = invoke("exec", name, *TOOLS, stdin="x" * (2**20 + 1))
    assert done.code == 2
    assert "more than 1 MiB" in done.err


def test_no_value_at_any_end_of_the_plan_is_no_answer(invoke: Invoke) -> None:
    done = invoke(
        "exec", "-", *TOOLS, stdin='1. search("K2")\n2. divide($1.height, 2)\n3. divide(1, 0)\njoin()'
    )
    assert (done.code, done.out) == (1, "")
    assert "no call at an end of the plan has a value; task 1 `search` failed: LookupError" in done.err
    late = invoke("run", "?", *TOOLS, "--planner", "python:sample_tools:silent_planner", "--timeout", "0.2")
    assert (late.code, late.out) == (1, "")
    assert "error: no answer within 0.2 s; --timeout gives it longer" in late.err


def test_a_time_limit_is_told_by_its_option(invoke: Invoke) -> None:
    model = ("--model", "python:sample_tools:slow_join_model")
    slow = ("plan", "?", *TOOLS, "--planner", "python:sample_tools:silent_planner")
    done = invoke(*slow, "--timeout", "0.2")
    assert done.code == 1
    assert "error: no answer within 0.2 s; --timeout gives it longer" in done.err
    for bad in ("0", "-1", "nan"):
        refused = invoke("run", "?", *TOOLS, *model, "--timeout", bad)
        assert refused.code == 2
        assert f"--timeout {bad}: give seconds above 0" in refused.err


def test_exec_of_a_failing_call_says_which_error(invoke: Invoke) -> None:
    done = invoke("exec", "-", *TOOLS, stdin='1. search("Atlantis")\njoin($1)')
    assert (done.code, done.out) == (1, "")
    assert "LookupError: no mountain [bold]Atlantis[/bold] \\x1b[31mhere" in done.err
    document = json.loads(invoke("exec", "-", *TOOLS, "--json", stdin='1. search("Atlantis")\njoin($1)').out)
    assert document["error"]["type"] == "LookupError"
    assert document["tasks"]["1"]["outcome"]["status"] == "failed"


# -- tools ---------------------------------------------------------------------------


def test_tools_says_what_can_be_called(invoke: Invoke) -> None:
    done = invoke("tools", *TOOLS)
    assert done.code == 0
    assert "divide(a: float, b: float) -> float\n    One number divided by another.\n    [pure]\n" in done.out
    assert "[write, needs approval]" in done.out
    assert "[effect not declared]" in done.out
    assert done.err == ""


def test_tools_json(invoke: Invoke) -> None:
    tools = json.loads(invoke("tools", *TOOLS, "--json").out)
    assert [t["name"] for t in tools][:2] == ["search", "divide"]
    assert tools[0]["effect"] == "read"


def test_tools_by_default_are_the_ready_made_ones(invoke: Invoke) -> None:
    done = invoke("tools")
    assert done.code == 0
    assert "calculate(" in done.out
    assert "wikipedia" not in done.out, "the default needs no network"


# -- usage ---------------------------------------------------------------------------


def test_version_and_help(invoke: Invoke) -> None:
    from llmcompiler import __version__

    assert invoke("--version").out == f"llmcompiler {__version__}\n"
    overview = invoke("--help").out
    for command in ("run", "plan", "exec", "tools", "models", "serve", "keys"):
        assert re.search(rf"^  {command}\b", overview, re.MULTILINE)
    for later in ("runs",):
        assert not re.search(rf"^  {later}\b", overview, re.MULTILINE)
    run = invoke("run", "-h").out
    for option in (
        "--tools",
        "--model",
        "--planner",
        "--json",
        "--max-replans",
        "--timeout",
        "--max-concurrency",
        "--yes",
    ):
        assert option in run


@pytest.mark.parametrize("arguments", [("ruN",), ("run", "--no-such"), ("exec",), ("plan", "a", "b"), ()])
def test_bad_usage_is_2_and_stays_off_stdout(invoke: Invoke, arguments: tuple[str, ...]) -> None:
    done = invoke(*arguments)
    assert (done.code, done.out) == (2, "")
    assert "Usage:" in done.err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--model", "nonsense"), "nonsense"),
        (("--model", "python:sample_tools:modle"), "did you mean `model`"),
        (("--model", "python:sample_tools:number"), "a `int` has no method `stream`"),
        (("--model", "python:sample_tools:Unready"), "RuntimeError: no licence"),
        (("--planner", "nonsense"), "python:module:attr"),
        (("--planner", "python:sample_tools:model"), "has no method `plan`"),
    ],
)
def test_unknown_models_and_planners_are_bad_usage(
    invoke: Invoke, arguments: tuple[str, ...], words: str
) -> None:
    done = invoke("run", "?", *TOOLS, *arguments)
    assert (done.code, done.out) == (2, "")
    assert words in done.err
    assert "Traceback" not in done.err


def test_works_inside_a_running_event_loop(invoke: Invoke) -> None:
    import asyncio

    async def inside() -> str:
        return invoke("run", "How much taller?", *TOOLS, *MODEL).out

    assert asyncio.run(inside()) == "Everest is 1.5 times as tall.\n"
