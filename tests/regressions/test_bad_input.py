"""Bad input of every kind, through the real command line: an answer or one clear error, and an end in good time.

What the library does with the same is in `in_a_loop.py`, which is run here under Python's strictest settings. Tools and
compilers that are declared wrongly are in `test_bad_declarations`.
"""

from __future__ import annotations

import json
import re
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.cli.command_line import Outcome, environment
from tests.support.forked import CommandLines
from tests.support.openai_server import (
    Broken,
    Json,
    OpenAIServer,
    Received,
    Reply,
    Silent,
    Status,
    Text,
    error_event,
    garbage,
    huge_line,
    web_page,
)

HERE = Path(__file__).parent
TOOLS = ("--tools", "bad_tools.py")
KEY = "sk-test-4f1e9c0d7b2a8e6f3c5d"
"""Must never be seen."""
QUESTION = "What is it?"
ANSWER = '{"thought": "", "action": "answer", "answer": "done."}'
NOISE = re.compile(r"Traceback|Exception ignored|never awaited|never retrieved|Warning:|unexpected \w+Error")


@dataclass
class Ended(Outcome):
    """What a command line gave, how long it took and what the model's server was asked."""

    seconds: float
    requests: list[Received]

    @property
    def error(self) -> str:
        """The one error, with the lines that belong to it; empty where there is none."""
        at = re.search(r"^error: ", self.err, re.MULTILINE)
        return self.err[at.start() :] if at else ""

    @property
    def events(self) -> list[dict[str, Any]]:
        """What `--events` wrote."""
        return [json.loads(line) for line in self.err.splitlines() if line.startswith('{"type"')]


@pytest.fixture(scope="module", autouse=True)
def _processes() -> Iterator[None]:
    global lines
    with CommandLines(environment()) as lines:
        yield


lines: CommandLines


def cli(*arguments: str, stdin: str = "", **changes: str) -> Ended:
    """Run the command line and check what holds whatever it is given."""
    env = environment(**{"OPENAI_API_KEY": KEY, "OPENAI_BASE_URL": "http://127.0.0.1:1/v1", **changes})
    begun = time.monotonic()
    done = lines.run(*arguments, stdin=stdin.encode(), cwd=HERE, env=env)
    seconds = time.monotonic() - begun
    ended = Ended(done.code, done.out.decode(), done.err.decode(), seconds, [])
    both = ended.out + ended.err
    assert KEY not in both
    assert not NOISE.search(both), both
    assert "noise" not in ended.out
    errors = re.findall(r"^error: ", ended.err, re.MULTILINE)
    if ended.code == 0:
        assert errors == [], ended.err
        assert ended.out
    else:
        assert ended.code in (1, 2)
        assert len(errors) == 1, ended.err
    if "--json" in arguments:
        document = json.loads(ended.out)
        if ended.code:
            assert document["error"]["message"]
    elif ended.code:
        assert ended.out == ""
    check_events(ended.events)
    return ended


def check_events(events: list[dict[str, Any]]) -> None:
    """One outcome per task and one end per run."""
    kinds = [e["type"] for e in events]
    assert kinds.count("RunFinished") == bool(events)
    planned = [e["task"]["id"] for e in events if e["type"] == "TaskPlanned"]
    assert sorted(e["task_id"] for e in events if e["type"] == "TaskFinished") == sorted(planned)


def ask(
    *replies: Reply | Callable[[Received], Any],
    arguments: Sequence[str] = ("--events",),
    default: Reply | None = None,
    question: str | None = None,
) -> Ended:
    """`llmcompiler run` against a server that gives these replies."""
    with OpenAIServer(replies, default=default) as server:
        done = cli(
            *("run", "-" if question else QUESTION, *TOOLS, "--model", "openai:m", *arguments),
            stdin=question or "",
            OPENAI_BASE_URL=server.base_url,
        )
        done.requests = server.requests
        return done


def execute(plan: str, *arguments: str, **changes: str) -> Ended:
    """`llmcompiler exec` of a plan."""
    return cli("exec", "-", *TOOLS, *arguments, stdin=plan, **changes)


# -- questions, tools and models that are not there --------------------------------------


@pytest.mark.parametrize(
    "command", [("run", ""), ("plan", " \n"), ("run", "-"), ("exec", "-", "--question", "")]
)
def test_an_empty_question(command: tuple[str, ...]) -> None:
    done = cli(*command, *TOOLS, "--model", "openai:m", stdin="" if command[0] != "exec" else "join()")
    assert done.code == 2
    assert "the question is empty" in done.error
    assert 'llmcompiler run "..."' in done.error


def test_a_question_of_100_kb_is_answered_and_a_larger_one_refused() -> None:
    question = ("Why is it? " * 10_000).strip()
    done = ask('1. echo("hi")\njoin()\n', ANSWER, question=question, arguments=())
    assert (done.code, done.out) == (0, "done.\n")
    assert question in done.requests[0].prompt
    assert len(done.err) < 5_000
    larger = ask(question=question * 3, arguments=("--json",))
    assert larger.code == 2
    assert "characters; at most" in larger.error
    assert larger.requests == []


@pytest.mark.parametrize(
    ("tools", "words"),
    [
        ("../cli/sample_tools.py:empty", "holds no tools"),
        ("../cli/command_line.py", "no tools in it"),
        ("no_such_file.py", "no such file"),
        ("../cli/sample_tools.py:toolz", "did you mean `tool` or `tools`"),
    ],
)
def test_no_tools(tools: str, words: str) -> None:
    done = cli("run", QUESTION, "--tools", tools, "--model", "openai:m")
    assert done.code == 2
    assert words in done.error


def test_tools_that_are_declared_wrongly(tmp_path: Path) -> None:
    file = tmp_path / "wrong.py"
    file.write_text(
        "from llmcompiler import tool\n\n\n"
        "@tool(effect='write', cache=True)\ndef pay(euros: int) -> int:\n    return euros\n"
    )
    done = cli("exec", "-", "--tools", str(file), stdin="1. pay(5)")
    assert done.code == 2
    assert "wrong.py:4: tool `pay`: is cached and not declared pure or read; declare its effect" in done.error


@pytest.mark.parametrize(
    ("model", "words"),
    [
        ("nonsense", ("--model nonsense", "`local:`, `openai:`", "did you mean `openai:nonsense`")),
        ("openai:", ("--model openai:", "as in `openai:gpt-5-mini`")),
        ("local:nonsense", ("--model local:nonsense", "one of: smollm2-135m-instruct")),
    ],
)
def test_an_unknown_model(model: str, words: tuple[str, ...]) -> None:
    if model.startswith("local"):
        pytest.importorskip("xllamacpp")
    done = cli("run", QUESTION, *TOOLS, "--model", model, "--json")
    assert done.code == 2
    assert all(w in done.error for w in words)


def test_an_unknown_model_in_the_environment_and_one_that_the_server_does_not_know() -> None:
    done = cli("plan", QUESTION, *TOOLS, LLMCOMPILER_MODEL="nonsense")
    assert done.code == 2
    assert "LLMCOMPILER_MODEL=nonsense" in done.error
    done = ask(default=Status(404, {"error": {"message": f"no m for {KEY}"}}))
    assert done.code == 1
    assert "no model `m` at http://127.0.0.1" in done.error
    assert "check its name" in done.error


def test_no_model_is_installed(tmp_path: Path) -> None:
    done = cli("run", QUESTION, *TOOLS, "--json", LLMCOMPILER_CACHE=str(tmp_path))
    assert done.code == 2
    assert "llmcompiler models pull" in done.error
    assert "LLMCOMPILER_MODEL=openai:NAME" in done.error
    assert json.loads(done.out)["error"]["type"] == "ConfigurationError"


# -- servers -------------------------------------------------------------------------------


def test_a_wrong_key() -> None:
    refused = Status(401, {"error": {"message": f"Incorrect API key provided: {KEY}. Bearer {KEY}"}})
    for arguments in (("--events",), ("--json",)):
        done = ask(default=refused, arguments=arguments)
        assert done.code == 1
        assert "(401)" in done.error
        assert "check the key in OPENAI_API_KEY" in done.error
        assert len(done.requests) == 1
        assert done.requests[0].headers["authorization"] == f"Bearer {KEY}"
    broken = cli("run", QUESTION, *TOOLS, "--model", "openai:m", OPENAI_API_KEY=f"{KEY}\nx")
    assert broken.code == 2
    assert "OPENAI_API_KEY has a line break" in broken.error


def test_the_server_is_down() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://user:{KEY}@127.0.0.1:{free.getsockname()[1]}/v1"
    done = cli("run", QUESTION, *TOOLS, "--model", "openai:m", "--events", OPENAI_BASE_URL=url)
    assert done.code == 1
    assert "is the server running at http://127.0.0.1:" in done.error


GARBAGE: dict[str, Reply] = {
    "bytes that are no text; is it an OpenAI-compatible server?": garbage(),
    "a web page": web_page(),
    "a line of more than 8 MiB": huge_line(),
    "has no `choices`": Json(payload={"foo": 1}),
    "the model crashed on [key]": error_event(f"the model crashed on {KEY}"),
    "incomplete chunked read": Broken("1. ec"),
    "stopped before its end": Broken("1. ec", clean=True),
    "reply to the planner was empty": Text(""),
    "wrote no plan but 'I am sorry": Text("I am sorry, but I can not do that."),
}


@pytest.mark.parametrize("words", GARBAGE)
def test_the_server_streams_garbage_or_stops_before_any_task(words: str) -> None:
    done = ask(default=GARBAGE[words])
    assert done.code == 1
    assert words in done.error
    if not isinstance(GARBAGE[words], Text):
        assert "`m` at http://127.0.0.1:" in done.error


def test_the_server_stops_half_way_through_a_plan() -> None:
    done = ask(Broken('1. echo("one")\n2. ec'), '2. echo("two")\njoin()\n', ANSWER)
    assert (done.code, done.out) == (0, "done.\n")
    assert [e["task_id"] for e in done.events if e["type"] == "TaskStarted"] == [1, 2]
    for_ever = ask(*[Broken('1. echo("one")\n2. ec')] * 3, ANSWER)
    assert (for_ever.code, for_ever.out) == (0, "done.\n")


def test_the_server_falls_silent_or_the_joiner_is_refused() -> None:
    done = ask(Silent('1. echo("one")\n2. ec'), ANSWER, arguments=("--events", "--timeout", "0.5"))
    assert (done.code, done.out) == (0, "done.\n")
    assert "time" in done.requests[-1].prompt
    refused = ask('1. echo("one")\njoin()\n', Status(401, {"error": {"message": KEY}}))
    assert refused.code == 1
    assert "OPENAI_API_KEY" in refused.error


# -- plans of models -------------------------------------------------------------------------


ODD: dict[str, tuple[list[str], str, int]] = {
    "no join": (['1. echo("hi")\n'], "done.\n", 2),
    "two joins": (['1. echo("hi")\njoin($1)\njoin()\n2. echo("more")\n'], "hi\n", 1),
    "only a join": (["join()\n"], "done.\n", 2),
    "unknown tool": (['1. nope("x")\n2. echo("ok")\njoin()\n', '1. echo("mended")\n'], "done.\n", 3),
    "forward and self reference": (
        ["1. echo($2)\n2. echo($2)\njoin()\n", '1. echo("a")\n2. echo($1)\n'],
        "done.\n",
        3,
    ),
    "reference to a failed task": (['1. fails("value")\n2. echo($1)\njoin($2)\n'], "done.\n", 2),
}


@pytest.mark.parametrize("name", ODD)
def test_odd_plans_of_a_model(name: str) -> None:
    replies, out, asked = ODD[name]
    done = ask(*replies, ANSWER)
    assert (done.code, done.out, len(done.requests)) == (0, out, asked)


def test_a_plan_that_never_gets_right() -> None:
    done = ask(default=Text('1. nope("x")\n2. echo($2)\njoin()\n'))
    assert done.code == 1
    assert "[unknown-tool] there is no tool `nope`" in done.error
    assert "[self-reference]" in done.error
    assert "hint: there are: echo, double" in done.error


def test_a_plan_that_can_not_be_repaired_is_told_once() -> None:
    with OpenAIServer(default=Text('1. nope("x")\n2. echo("y")\njoin()\n')) as server:
        done = cli(
            "plan", QUESTION, *TOOLS, "--model", "openai:m", "--quiet", OPENAI_BASE_URL=server.base_url
        )
    assert done.code == 1
    assert "the plan is not whole: task 1 could not be planned" in done.error
    assert done.error.count("[unknown-tool]") == 1


def test_10_000_tasks_of_a_model() -> None:
    plan = "".join(f'{i}. echo("x{i}")\n' for i in range(1, 10_001)) + "join()\n"
    done = ask(Text(plan, pieces=[plan]), ANSWER, arguments=("--quiet",))
    assert (done.code, done.out, done.err) == (0, "done.\n", "noise: imported\n")
    assert len(done.requests[1].body["messages"][-1]["content"]) < 100_000


def test_results_of_50_mb_and_of_plan_text_reach_the_joiner_as_data() -> None:
    plan = '1. big()\n2. odd("plan")\n3. odd("endless")\n4. fails("huge")\n5. odd("huge number")\njoin()\n'
    done = ask(plan, ANSWER)
    assert (done.code, done.out) == (0, "done.\n")
    prompt = done.requests[1].prompt
    assert "cut" in prompt
    assert len(prompt) < 100_000
    assert [e["task_id"] for e in done.events if e["type"] == "TaskStarted"] == [1, 2, 3, 4, 5]


# -- plans that are given ----------------------------------------------------------------------


PLANS: list[tuple[str, int, str]] = [
    ('1. echo("hi")\n2. echo("ho")', 0, '"2": "ho"'),
    ('1. echo("hi")\njoin($1)\njoin()', 1, "3:1: error [duplicate-join]"),
    ("join()", 0, "{}"),
    ("join($1)", 1, "1:6: error [unknown-reference]"),
    ("", 1, "there is no plan in it"),
    ("hello world", 1, "1:1: warning [unrecognised]"),
    ('1. nope("x")', 1, "1:4: error [unknown-tool]"),
    ('1. echo($2)\n2. echo("b")', 1, "1:9: error [forward-reference]"),
    ("1. echo($1)", 1, "1:9: error [self-reference]"),
    ('1. double("many")', 1, "1:11: error [wrong-type]"),
    ('1. fails("value")\n2. echo($1)\njoin($2)', 1, "task 2 was skipped: task 1 failed: ValueError: it"),
    ('1. fails("value")\njoin($1)', 1, "task 1 `fails` failed: ValueError: it \\x1b[31mbroke"),
    ('1. echo("no number")\n2. double($1)', 1, "task 2 `double` failed: bad arguments for `double`: `n` (from $1)"),
    ('1. fails("huge")\njoin($1)', 1, "(5,000,000 characters in all)"),
    ('1. fails("no text")\njoin($1)', 1, "task 1 `fails` failed: NoText"),
    ('1. echo("hi")\n2. for x in $1: echo(x)', 1, "error [wrong-type] `$1` is text, not a list"),
    ('1. odd("plan")\n2. for x in $1: echo(x)\njoin($2)', 1, "task 2 `echo` failed: `for x in $1`: `$1` is a text"),
    ('1. odd("plan")\n2. if $1 > 3: echo("x")\njoin($2)', 1, "the condition `$1 > 3` can not be decided: `>` between"),
    ('1. fails("value")\n2. if not $1: echo("x")\njoin($2)', 1, "task 2 was skipped: task 1 failed: ValueError"),
    ('1. if approved: echo("x")', 1, "error [wrong-type] the condition 'approved' is a text of the plan"),
    ('{"tasks": [{"id": 1, "tool": "nope", "args": {}}]}', 1, "task 1: error [unknown-tool]"),
    ('{"tasks": [', 1, "1:12: error [syntax] not JSON"),
]  # fmt: skip


@pytest.mark.parametrize(("plan", "code", "words"), PLANS)
def test_plans_that_are_given(plan: str, code: int, words: str) -> None:
    done = execute(plan)
    assert done.code == code
    assert words in (done.out if code == 0 else done.error)
    if "error [" in done.error or "warning [" in done.error:
        assert done.error.startswith("error: standard input: ")
        assert "hint: " in done.error


def test_10_000_tasks_that_are_given() -> None:
    plan = "1. double(0)\n" + "".join(f"{i}. double(${i - 1})\n" for i in range(2, 10_001)) + "join($10000)"
    done = execute(plan, "--quiet")
    assert (done.code, done.out) == (0, "0\n")


def test_tools_that_raise_and_hang_leave_the_others_alone() -> None:
    bad = ["value", "empty", "no text", "exit", "base", "cancelled", "group"]
    lines = [f'{i}. fails("{how}")' for i, how in enumerate(bad, 1)]
    lines += [f'{i}. fails_in_a_thread("{how}")' for i, how in enumerate(("stop", "exit", "value"), 8)]
    lines += ["11. hangs()", "12. hangs_in_a_thread()", "13. hangs_in_asyncios_thread()", "14. deaf()"]
    lines += ['15. echo("fine")', "16. echo($11)"]
    done = execute("\n".join(lines), "--json", "--events")
    assert (done.code, json.loads(done.out)["output"]) == (0, {"15": "fine"})
    tasks = json.loads(done.out)["tasks"]
    for i in range(1, 15):
        assert tasks[str(i)]["outcome"]["status"] == "failed", i
        assert tasks[str(i)]["outcome"]["error"]["type"]
    for i in range(11, 15):
        assert "no result within 0.2 s" in tasks[str(i)]["outcome"]["error"]["message"]
    assert tasks["16"]["outcome"]["status"] == "skipped"
    assert done.seconds < 15


def test_results_that_json_can_not_hold() -> None:
    kinds = ["plan", "lock", "no repr", "cycle", "endless", "nested endless", "file", "nan", "huge number"]
    kinds += ["bytes", "lone surrogate", "error", "class", "keys"]
    lines = [f'{i}. odd("{kind}")' for i, kind in enumerate(kinds, 1)]
    lines += [f'{100 + i}. echo("it is $${i}: ${i} ${{{i}}}")' for i in range(1, len(kinds) + 1)]
    done = execute("\n".join(lines), "--json", "--events")
    assert done.code == 0
    document = json.loads(done.out, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))
    outcomes = {i: t["outcome"] for i, t in document["tasks"].items()}
    assert {o["status"] for o in outcomes.values()} <= {"succeeded", "failed"}
    assert outcomes["101"]["value"].count('$1 ${1} $$ 4. echo("again") join($9)') == 2
    assert outcomes["101"]["value"].startswith("it is $1: ")
    assert len(outcomes) == 2 * len(kinds)


def test_a_result_of_50_mb_is_written_whole() -> None:
    done = execute("1. big()\njoin($1)")
    assert done.code == 0
    assert len(done.out) == 50_000_001
    assert len(done.err) < 5_000


@pytest.mark.parametrize(
    "text",
    [
        'He said "no"',
        "it's",
        "a\\b\\n",
        "山 höhe 😀 é",
        "{}[]()#//,;:=",
        "$$5 and ${",
        "`x` <b>[red]",
        "join()",
    ],
)
def test_quotes_and_letters_of_every_kind_come_out_as_they_went_in(text: str) -> None:
    quoted = json.dumps(text.replace("$", "$$"), ensure_ascii=False)
    done = ask(f"1. echo({quoted})\njoin($1)\n", arguments=("--json", "--events"), question=text * 3)
    document = json.loads(done.out)
    assert (document["output"], document["question"]) == (text, text * 3)
    assert text * 3 in done.requests[0].prompt


def test_the_library_in_a_running_loop_under_the_strictest_settings() -> None:
    done = subprocess.run(
        [sys.executable, "-X", "dev", "-W", "error", "in_a_loop.py"],
        capture_output=True,
        text=True,
        cwd=HERE,
        env=environment(OPENAI_API_KEY=KEY),
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith("all is well\n")
    assert KEY not in done.stdout + done.stderr
    assert not NOISE.search(done.stderr), done.stderr
