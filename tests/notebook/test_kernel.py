"""In a real kernel: live updates in order on one display, the end of runs, magics, `run_sync` in the running loop."""

from __future__ import annotations

import pytest

from tests.notebook.kernels import Cell, Kernel
from tests.notebook.reading import read

CHAIN = "1. double(4)\\n2. double($1)\\n3. double($2)\\njoin($3)"


def text(data: dict[str, str]) -> str:
    return read(data["text/html"]).text


def test_a_run_is_shown_live_in_one_display(kernel: Kernel) -> None:
    cell = kernel.run(f'result = await compiler.execute("{CHAIN}"); result.output')
    assert cell.error == ""
    assert cell.value is not None
    assert cell.value["text/plain"] == "32"
    assert len(cell.ids) == 1
    kinds = [kind for kind, _, _ in cell.displays]
    assert kinds[0] == "display_data"
    assert len(kinds) > 1
    assert set(kinds[1:]) == {"update_display_data"}
    frames = [text(f) for f in cell.frames(cell.ids[0])]
    done = [f.count("✓ done") for f in frames]
    assert done == sorted(done)
    assert done[-1] == 3
    assert "✓ answered" in frames[-1]
    assert "Answer: 32" in frames[-1]
    assert all("answered" not in f for f in frames[:-1])


def test_results_plans_and_outcomes_display_themselves(kernel: Kernel) -> None:
    cell = kernel.run("result")
    assert cell.value is not None
    assert {"text/html", "text/plain"} <= set(cell.value)
    assert "32" in text(cell.value)
    cell = kernel.run("result.plans[0]")
    assert cell.value is not None
    assert "image/svg+xml" in cell.value
    assert cell.value["text/plain"].startswith("1. double(x=4)")
    cell = kernel.run("result.tasks[1]")
    assert cell.value is not None
    assert "1. double(4)" in text(cell.value)
    cell = kernel.run("result.tasks[1].outcome")
    assert cell.value is not None
    assert cell.value["text/plain"] == "Succeeded: 8"
    cell = kernel.run("result.explain()")
    assert cell.value is not None
    assert "Critical path" in cell.value["text/plain"] or "double" in cell.value["text/plain"]
    assert not cell.value["text/plain"].startswith("'")


def test_run_sync_works_in_the_running_loop_and_shows_itself(kernel: Kernel) -> None:
    cell = kernel.run(f'import asyncio; asyncio.get_running_loop(); compiler.execute_sync("{CHAIN}").output')
    assert cell.error == ""
    assert cell.value is not None
    assert cell.value["text/plain"] == "32"
    assert len(cell.ids) == 1
    assert "Answer: 32" in text(cell.displays[-1][2])
    cell = kernel.run(
        'LLMCompiler(tools=[double], model=ScriptedModel(["1. double(2)\\njoin()", "It is 4."]), planner="text")'
        '.run_sync("Twice 2?").output'
    )
    assert cell.error == ""
    assert cell.value is not None
    assert "It is 4." in cell.value["text/plain"]


def test_runs_at_once_have_a_display_each(kernel: Kernel) -> None:
    cell = kernel.run(
        'await asyncio.gather(*(compiler.execute(f"1. double({k})\\njoin($1)") for k in range(3))); None'
    )
    assert cell.error == ""
    assert len(cell.ids) == 3
    ends = sorted(text(cell.frames(i)[-1]).rsplit("Answer: ", 1)[1].split()[0] for i in cell.ids)
    assert ends == ["0", "2", "4"]


def test_many_runs_in_a_cell_end_in_one_line(kernel: Kernel) -> None:
    cell = kernel.run('for k in range(12): await compiler.execute("1. double(1)\\njoin($1)")')
    assert cell.error == ""
    assert len(cell.ids) == 9
    assert cell.displays[-1][2]["text/plain"] == "... and 4 more runs: 4 answered"
    assert len(kernel.run('await compiler.execute("1. double(1)\\njoin($1)")').ids) == 1


@pytest.mark.parametrize("how", ["await compiler.execute({!r})", "compiler.execute_sync({!r})"])
def test_interrupting_the_kernel_ends_the_display_as_cancelled(kernel: Kernel, how: str) -> None:
    asked = False

    def interrupt(cell: Cell) -> None:
        nonlocal asked
        if not asked and "1 running" in cell.displays[-1][2]["text/plain"]:
            asked = True
            kernel.manager.interrupt_kernel()

    cell = kernel.run(how.format("1. wait()\njoin($1)"), on_display=interrupt)
    assert asked
    assert cell.error.startswith(("KeyboardInterrupt", "CancelledError"))
    assert len(cell.ids) == 1
    last = text(cell.displays[-1][2])
    assert "⊘ cancelled" in last
    assert "▶ running" not in last
    assert kernel.run("1 + 1").value == {"text/plain": "2"}


def test_a_failed_run_and_one_without_tasks(kernel: Kernel) -> None:
    cell = kernel.run('(await compiler.execute("1. fail(1)\\njoin($1)")).ok')
    assert "✗ failed" in text(cell.displays[-1][2])
    assert "no luck" in text(cell.displays[-1][2])
    cell = kernel.run('(await compiler.execute("join()")).ok')
    assert "no calls" in text(cell.displays[-1][2])


def test_live_views_can_be_turned_off(kernel: Kernel) -> None:
    quiet = 'await LLMCompiler(tools=[double], live=False).execute("1. double(1)\\njoin($1)")'
    cell = kernel.run(quiet)
    assert cell.displays == []
    assert cell.value is not None
    assert "text/html" in cell.value
    kernel.run("from llmcompiler import notebook; notebook.live(False)")
    assert kernel.run('(await compiler.execute("1. double(1)\\njoin($1)")).output').displays == []
    kernel.run("notebook.live(True)")
    assert kernel.run('(await compiler.execute("1. double(1)\\njoin($1)")).output').displays
    shown = kernel.run(
        "from llmcompiler.terminal import LogReporter\n"
        '(await LLMCompiler(tools=[double], reporters=[LogReporter()]).execute("1. double(1)\\njoin($1)")).output'
    )
    assert shown.displays == []
    assert "double" in shown.stderr


def test_streams_and_runs_inside_runs_show_nothing_of_their_own(kernel: Kernel) -> None:
    cell = kernel.run(
        "inner = LLMCompiler(tools=[double])\n"
        "@tool\n"
        "async def nested(x: int) -> int:\n"
        "    'Runs a plan.'\n"
        '    return (await inner.execute(f"1. double({x})\\njoin($1)")).output\n'
        '(await LLMCompiler(tools=[nested]).execute("1. nested(3)\\njoin($1)")).output'
    )
    assert cell.error == ""
    assert len(cell.ids) == 1
    assert cell.value == {"text/plain": "6"}


MODEL = 'model = ScriptedModel(["1. double(21)\\njoin()", "It is 42."] * 3)'


def test_the_cell_magic_answers_with_the_tools_of_the_notebook(kernel: Kernel) -> None:
    assert kernel.run("%load_ext llmcompiler").error == ""
    kernel.run(MODEL)
    cell = kernel.run("%%llmcompile --model model --planner text --tools double --name answer\nTwice 21?")
    assert cell.error == ""
    assert cell.value is not None
    assert "It is 42." in text(cell.value)
    assert len(cell.ids) == 1
    assert kernel.run("answer.output").value == {"text/plain": "'It is 42.'"}
    cell = kernel.run("%%llmcompile --model model --planner text --plan --name p --quiet\nTwice 21?")
    assert cell.error == ""
    assert "1. double(x=21)" in str(kernel.run("p").value)


def test_the_cell_magic_says_what_is_wrong(kernel: Kernel) -> None:
    kernel.run("%reload_ext llmcompiler")
    for line, said in {
        "--tools nothing": "there is no variable 'nothing'",
        "--tools doubel": "did you mean 'double'?",
        "--tools START_": "no variable",
        "--name 1x": "no name of a variable",
        "--what": "unrecognized arguments: --what",
        "--planner tree --tools double --model model": "there is no planner 'tree'",
        "--tools 'double": "No closing quotation",
    }.items():
        cell = kernel.run(f"%%llmcompile {line}\nTwice 21?")
        assert said in cell.error, (line, cell.error)
        assert "Traceback" not in cell.traceback
    assert "there is no question" in kernel.run("%%llmcompile\n  \n").error
    kernel.run("number = 3")
    assert "'number' is int" in kernel.run("%%llmcompile --tools number\nTwice?").error
    kernel.run("from llmcompiler import ModelError")
    kernel.run('bad = ScriptedModel([ModelError("no <b>model</b> \\x1b[31m")] * 9)')
    cell = kernel.run("%%llmcompile --tools double --model bad --planner text --name broken\nTwice?")
    assert "no <b>model</b>" in cell.error
    assert "\x1b" not in cell.traceback
    assert "broken" in str(kernel.run("broken.question, 'broken'").value)


def test_help_and_settings(kernel: Kernel) -> None:
    kernel.run("%reload_ext llmcompiler")
    assert "--tools NAME" in kernel.run("%%llmcompile --help\nx").stdout
    assert "live on|off" in kernel.run("%llmcompiler help").stdout
    assert "live     on" in kernel.run("%llmcompiler").stdout
    assert "live     off" in kernel.run("%llmcompiler live off").stdout
    assert "live     on" in kernel.run("%llmcompiler live on").stdout
    assert "say on or off" in kernel.run("%llmcompiler live perhaps").error
    assert "no setting 'colour'" in kernel.run("%llmcompiler colour red").error
    assert "there is no planner" in kernel.run("%llmcompiler planner tree").error
    kernel.run(MODEL)
    kernel.run("%llmcompiler model model")
    kernel.run("%llmcompiler planner text")
    assert "tools    double" in kernel.run("%llmcompiler tools double").stdout
    cell = kernel.run("%%llmcompile\nTwice 21?")
    assert cell.error == ""
    assert cell.value is not None
    assert "It is 42." in text(cell.value)
    assert kernel.run("%unload_ext llmcompiler").error == ""
    assert "not found" in kernel.run("%llmcompiler").stderr
