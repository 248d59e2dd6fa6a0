"""The live view, the log and the final graph, drawn from made-up events."""

from __future__ import annotations

import asyncio
import io
import re
from time import perf_counter
from typing import Any

import pytest
from rich.console import Console
from scripted_events import Script, searches

from llmcompiler import (
    Cancelled,
    Diagnostic,
    Failed,
    ItemFinished,
    LLMCompiler,
    Ref,
    Skipped,
    Succeeded,
    Task,
    Template,
    tool,
)
from llmcompiler import events as ev
from llmcompiler.terminal import LiveReporter, LogReporter
from llmcompiler.terminal._draw import ASCII, UNICODE, Painter, clock
from llmcompiler.terminal._text import call_text, harmless, preview, seconds
from llmcompiler.terminal._view import Row, View
from llmcompiler.testing import RecordingReporter, run_virtual


def fold(script: Script) -> View:
    view = View()
    for event in script.events:
        view.feed(event)
    return view


def live(script: Script, width: int = 80, height: int = 22, glyphs: Any = UNICODE) -> list[str]:
    lines = Painter(fold(script), width, glyphs).live(height, script.now, 0)
    return [line.plain for line in lines]


def final(script: Script, width: int = 100, glyphs: Any = UNICODE) -> list[str]:
    return [line.plain for line in Painter(fold(script), width, glyphs).final()]


# -- what is shown -------------------------------------------------------------------


def test_tasks_show_where_they_stand() -> None:
    rank = Task(3, "rank", {"a": Ref(1), "b": Ref(2)})
    script = Script().plan(*searches(2), rank).start(1, 2)
    script.add(ev.TaskProgress, task_id=2, message="page 2", fraction=0.5).finish(
        1, Succeeded(8849), after=0.25
    )
    one, two, three, status = live(script)
    assert re.match(r'✓ 1 search\("thing 1"\) .*0\.25s  8849', one)
    assert re.match(r'⠋ 2 search\("thing 2"\) .*0\.25s  50% page 2', two)
    assert re.match(r"· 3 rank\(a=\$1, b=\$2\) .*waits for 2", three)
    assert "planning · 1/3 done · 1 running" in status


def test_a_failure_says_why_and_its_dependents_are_skipped() -> None:
    script = Script().plan(*searches(1), Task(2, "rank", {"a": Ref(1)})).start(1)
    script.finish(1, Failed(ValueError("no such\nmountain"))).finish(2, Skipped(1), started=None).end()
    text = "\n".join(final(script))
    assert "no such" in text
    assert "skipped: task 1 gave no value" in text
    assert Painter(fold(script), 80, UNICODE).counts() == "2 calls: 1 failed, 1 skipped"


def test_rounds_are_told_apart_and_feedback_is_shown() -> None:
    script = Script().plan(*searches(1)).start(1).finish(1)
    script.add(ev.Replanned, round=1, feedback="look further")
    script.add(ev.PlanStarted, round=2, purpose="replan").plan(Task(2, "search", {"query": "x"}), round=2)
    lines = live(script)
    assert lines[1] == "another round: look further"
    assert lines[2] == "── round 2 ──"
    assert "planning again" in lines[-1]


def test_a_weak_plan_is_prominent_and_stays_on_screen() -> None:
    weak = Diagnostic("weak-plan", "unsure of task 2", 0, 0, "check it", "warning")
    script = Script().plan(*searches(300)).add(ev.DiagnosticEmitted, round=1, diagnostic=weak)
    assert any("weak plan: unsure of task 2 (check it)" in line for line in live(script))
    log = io.StringIO()
    reporter = LogReporter(log)
    for event in [*Script().plan(*searches(2)).events, script.events[-1]]:
        reporter.report(event)
    assert "WARNING: weak plan: unsure of task 2" in log.getvalue()
    assert "the plan so far:\n" in log.getvalue()
    assert log.getvalue().count('search("thing 2")') == 2


def test_the_answer_is_shown_as_it_is_written() -> None:
    script = Script().add(ev.JoinStarted, round=1, final=False)
    for piece in ("The ans", "wer is ", "\x1b[2J42."):
        script.add(ev.OutputDelta, text=piece)
    *_, answer, status = live(script)
    assert answer == "│ The answer is \\x1b[2J42."
    assert "writing the answer" in status


def test_final_graph_draws_when_each_call_ran() -> None:
    script = (
        Script().plan(*searches(2)).start(1, 2).finish(1, after=1.0).finish(2, started=1.0, after=1.0).end()
    )
    one, two = final(script)
    assert one.index("━") < two.index("━")
    assert one.count("━") == two.count("━") > 3


def test_reused_and_retried_calls_say_so() -> None:
    script = Script().plan(*searches(2)).start(1)
    script.add(ev.TaskRetried, task_id=1, attempt=1, error=OSError("reset"), delay=0.5)
    assert "try 1 failed: reset" in live(script)[0]
    script.add(ev.TaskFinished, task_id=2, tool="search", outcome=Succeeded("v"), started=None, reused=1)
    assert "as in task 1: v" in live(script)[1]


def test_an_empty_run_draws() -> None:
    assert len(live(Script())) == 1
    assert final(Script()) == []
    assert Painter(fold(Script()), 80, UNICODE).counts() == "no calls"


# -- it stays sane -------------------------------------------------------------------


@pytest.mark.parametrize("width", [20, 40, 80, 200])
@pytest.mark.parametrize("height", [3, 8, 22])
@pytest.mark.parametrize("n", [1, 8, 300])
def test_never_wider_or_taller_than_the_screen(width: int, height: int, n: int) -> None:
    script = Script().plan(
        *searches(n), Task(n + 1, "long", {"x": "珠穆朗玛峰" * 40, "y": Template((Ref(1),))})
    )
    script.add(ev.ThoughtEmitted, round=1, text="hm " * 100).start(*range(1, n // 2 + 1))
    script.finish(1, Succeeded({"name": "x" * 1000, "list": list(range(1000))}))
    script.add(ev.OutputDelta, text="lorem ipsum " * 300)
    for glyphs in (UNICODE, ASCII):
        lines = Painter(fold(script), width, glyphs).live(height, 12.0, 3)
        assert len(lines) <= height
        assert max(line.cell_len for line in lines) <= width


def test_many_tasks_collapse_to_what_matters() -> None:
    script = Script().plan(*searches(500)).start(*range(1, 41))
    script.finish(3, Failed(ValueError("boom")))
    for i in range(4, 30):
        script.finish(i)
    lines = live(script, height=20)
    text = "\n".join(lines)
    assert "boom" in text
    for i in (1, 2, 30):
        assert f'search("thing {i}")' in text, "running tasks come first"
    assert 'search("thing 41")' in text, "so do the next ones"
    assert re.search(r"\d+ tasks not shown", text)
    assert "27/500 done" in lines[-1]


def test_an_event_costs_the_same_however_many_tasks_there_are() -> None:
    def cost(n: int) -> float:
        script = Script().plan(*searches(n)).start(*range(1, n + 1))
        for i in range(1, n + 1):
            script.finish(i)
        view = View()
        best = float("inf")
        for _ in range(3):
            view = View()
            begun = perf_counter()
            for event in script.events:
                view.feed(event)
            best = min(best, perf_counter() - begun)
        begun = perf_counter()
        Painter(view, 80, UNICODE).live(22, 1.0, 0)
        assert perf_counter() - begun < 2
        return best / n

    assert cost(20_000) < 6 * cost(500)


def test_a_huge_result_costs_as_much_as_a_small_one() -> None:
    huge = [{"page": "x" * 50_000_000}, *range(1_000_000)]
    begun = perf_counter()
    assert len(preview(huge, 160)) < 200
    assert len(preview({"blob": bytes(10_000_000)}, 160)) < 200
    assert len(preview(10**100_000, 160)) < 200
    assert perf_counter() - begun < 2


def test_columns_do_not_jump_as_rows_come_and_go() -> None:
    view = fold(Script().plan(Task(1, "search", {"query": "a long argument here"})))
    first = Painter(view, 80, UNICODE).table([view.rows[1]], 0.0, 0)[0].plain
    short = Row(Task(2, "a"), 1, 0.0)
    view.rows[2] = short
    second = Painter(view, 80, UNICODE).table([short], 0.0, 0)[0].plain
    assert first.index("ready") == second.index("ready")


def test_odd_events_do_not_break_the_view() -> None:
    script = (
        Script().start(99).finish(99, Cancelled()).add(ev.TaskProgress, task_id=5, message="x", fraction=7.0)
    )
    script.plan(*searches(1)).finish(1, Cancelled("time is up"), started=None).end("failed")
    assert "cancelled: time is up" in "\n".join(final(script))


# -- text is safe --------------------------------------------------------------------

NASTY = "a\x1b[31mred\x1b]0;title\x07\rb\x9b2Jc\u202ed\ud800e"


def test_control_characters_are_made_visible() -> None:
    for shown in (
        harmless(NASTY),
        preview(NASTY),
        preview({"k" + NASTY: NASTY}),
        call_text(Task(1, "t", {"x": NASTY})),
    ):
        assert "\\x1b[31mred" in shown
        assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e\ud800-\udfff]", shown)
    assert harmless("keeps\nlines\tand tabs\r\n") == "keeps\nlines\tand tabs\n"
    assert "\n" not in preview("two\nlines")


def test_markup_is_not_interpreted() -> None:
    script = Script().plan(Task(1, "search", {"query": "[bold red]x[/bold red] [/]"})).start(1)
    script.finish(1, Succeeded("[link=http://x]y[/link]")).end()
    out = io.StringIO()
    console = Console(file=out, width=120, force_terminal=False)
    for line in Painter(fold(script), 120, UNICODE).final():
        console.print(line)
    assert 'search("[bold red]x[/bold red] [/]")' in out.getvalue()
    assert "[link=http://x]y[/link]" in out.getvalue()


def test_broken_reprs_and_errors_do_not_break_the_view() -> None:
    class Broken(Exception):
        def __repr__(self) -> str:
            raise RuntimeError("no")

        __str__ = __repr__

    script = Script().plan(*searches(2)).finish(1, Failed(Broken())).finish(2, Succeeded(Broken())).end()
    text = "\n".join(final(script))
    assert text.count("Broken") == 2
    cycle: list[Any] = []
    cycle.append(cycle)
    assert preview(cycle)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "null"),
        (True, "true"),
        (8849.0, "8849.0"),
        (1.5011026293469043, "1.5011"),
        ("Paris", "Paris"),
        ({"a": "x", "b": [1, 2]}, '{a: "x", b: [1, 2]}'),
        (Succeeded(3), "{value: 3}"),
        (b"abc", "<3 bytes>"),
    ],
)
def test_values_at_a_glance(value: Any, text: str) -> None:
    assert preview(value) == text


def test_long_lists_say_how_much_is_left_out() -> None:
    assert re.fullmatch(r"\[0, 1, .*, \+\d+\]", preview(list(range(100)), 60))


@pytest.mark.parametrize(
    ("value", "long", "short"),
    [
        (0.0004, "0.4 ms", "0ms"),
        (0.25, "0.25 s", "0.25s"),
        (9.999, "10.0 s", "10.0s"),
        (125, "2 min 05 s", "2m05s"),
    ],
)
def test_durations_have_units(value: float, long: str, short: str) -> None:
    assert (seconds(value), clock(value)) == (long, short)
    assert len(clock(value)) <= 6


# -- outputs -------------------------------------------------------------------------


def test_ascii_output_holds_no_other_sign() -> None:
    script = Script().plan(*searches(3)).start(1, 2).finish(1).finish(2, Failed(ValueError("x"))).end()
    assert "".join(live(script, glyphs=ASCII) + final(script, glyphs=ASCII)).isascii()


def test_live_view_leaves_only_what_it_prints_at_the_end() -> None:
    out = io.StringIO()
    console = Console(file=out, width=80, height=24, force_terminal=True, color_system=None)
    with LiveReporter(console) as reporter:
        for event in Script().plan(*searches(3)).start(1, 2, 3).finish(1).finish(2).finish(3).end().events:
            reporter.report(event)
    assert out.getvalue().endswith("\x1b[2K") or "\x1b[?25h" in out.getvalue()
    before = len(out.getvalue())
    reporter.print_graph()
    reporter.print_footer()
    after = out.getvalue()[before:]
    assert after.count("✓") == 3
    for words in ("3 calls: 3 done", "makespan 1.00 s", "critical path 0.75 s", "time if sequential 4.00 s"):
        assert words in after
    for words in ("speed-up 0.8x", "model calls 3", "tokens 896 (800 in, 96 out)", "total 5.00 s"):
        assert words in after


def test_pausing_gives_the_terminal_back_and_takes_it_again() -> None:
    out = io.StringIO()
    console = Console(file=out, width=80, height=24, force_terminal=True, color_system=None)
    with LiveReporter(console) as reporter:
        with reporter.paused():
            assert out.getvalue().endswith("\x1b[?25h") or "\x1b[?25h" in out.getvalue()
            mark = len(out.getvalue())
        assert "\x1b[?25l" in out.getvalue()[mark:], "the view is back"
    assert out.getvalue().count("\x1b[?25l") == out.getvalue().count("\x1b[?25h") == 2


def test_log_has_a_line_for_each_thing_that_happens() -> None:
    out = io.StringIO()
    reporter = LogReporter(out)
    script = Script().plan(*searches(2), Task(3, "rank", {"a": Ref(1)})).start(1, 2)
    script.finish(1, Succeeded({"h": 1}), after=0.5).finish(
        2, Failed(ValueError("boom \x1b[31m")), after=0.25
    )
    script.finish(3, Cancelled("out of time"), started=None)
    script.add(ev.JoinStarted, round=1, final=True).end("failed")
    for event in script.events:
        reporter.report(event)
    reporter.print_footer()
    text = out.getvalue()
    for line in (
        'planned 1 search("thing 1")',
        "planned 3 rank($1) waits for 1",
        'started 2 search("thing 2")',
        'done 1 search("thing 1") in 0.50s: {h: 1}',
        'failed 2 search("thing 2") in 0.75s: boom \\x1b[31m',
        "cancelled 3 rank($1): out of time",
        "joining (last round)",
        "3 calls: 1 done, 1 failed, 1 cancelled",
        "critical path 0.75 s",
    ):
        assert line in text
    assert "\x1b" not in text


def test_log_goes_silent_when_nobody_reads_it() -> None:
    class Closed(io.StringIO):
        writes = 0

        def write(self, text: str) -> int:
            self.writes += 1
            raise BrokenPipeError

    out = Closed()
    reporter = LogReporter(out)
    for event in Script().plan(*searches(3)).events:
        reporter.report(event)
    assert out.writes == 1


def test_items_of_a_for_are_counted_and_only_the_first_and_the_failed_have_lines() -> None:
    @tool(effect="read")
    async def half(n: int) -> float:
        await asyncio.sleep(n)
        if n == 2:
            raise ValueError("no half")
        return n / 2

    recorder, stream = RecordingReporter(), io.StringIO()

    async def main() -> None:
        compiler = LLMCompiler([half], reporters=[recorder, LogReporter(stream)])
        await compiler.execute("1. for n in [1, 2, 3]: half(n)\n2. half(8)\n3. half($2)\n4. half(4)\njoin()")

    run_virtual(main())
    lines = [line[11:] for line in stream.getvalue().splitlines()]
    assert [line for line in lines if line.startswith("started 1")] == [
        "started 1 for n in [1, 2, 3]: half(n)"
    ]
    assert [line for line in lines if "item" in line][:1] == ["failed 1 half, item 1: no half"]
    assert any(line.endswith("as the same call: 2.0") for line in lines)
    view, seen = View(), []
    for event in recorder.events:
        view.feed(event)
        if isinstance(event, ItemFinished):
            seen.append(view.rows[1].detail)
    assert seen == ["1 done", "1 done, 1 failed", "2 done, 1 failed"]
