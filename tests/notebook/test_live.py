"""The live view: one display a run, changed in place, in order, seldom enough, the last one final."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest

from llmcompiler import ConfigurationError, LLMCompiler, Reporter, ToolContext, ToolError, tool
from llmcompiler.events import Event
from llmcompiler.notebook import NotebookReporter
from llmcompiler.notebook.cells import MOST, Cell, reporter_for
from llmcompiler.testing import ScriptedModel
from tests.notebook.reading import ATTACKS, CONTROL, read


@tool
async def double(x: int) -> int:
    """Twice the number."""
    return 2 * x


class Screen:
    """Where bundles are shown: a list of them by display, and a check that a display is there before it changes."""

    def __init__(self) -> None:
        self.shown: dict[str, list[Mapping[str, Any]]] = {}
        self.changed = asyncio.Event()

    def __call__(self, data: Mapping[str, Any], display_id: str, /, *, update: bool) -> None:
        assert update == (display_id in self.shown)
        self.shown.setdefault(display_id, []).append(data)
        self.changed.set()

    @property
    def only(self) -> list[Mapping[str, Any]]:
        (frames,) = self.shown.values()
        return frames

    def last(self) -> str:
        return read(self.only[-1]["text/html"]).text


class Clock:
    """Seconds that pass when told to."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def compiler(screen: Screen, *tools: Any, clock: Any = None, **options: Any) -> LLMCompiler:
    reporter = NotebookReporter(screen) if clock is None else NotebookReporter(screen, clock=clock)
    return LLMCompiler(tools=tools or [double], reporters=[reporter], **options)


async def test_the_last_display_is_final_and_says_the_answer() -> None:
    screen = Screen()
    await compiler(screen).execute("1. double(4)\n2. double($1)\njoin($2)")
    assert "✓ answered" in screen.last()
    assert "Answer: 16" in screen.last()
    assert "2 calls done" in screen.last()
    assert "Answer: 16" in screen.only[-1]["text/plain"]


async def test_a_run_in_steps_is_shown_in_order() -> None:
    screen, clock = Screen(), Clock()
    steps = [asyncio.Event() for _ in range(3)]
    begun = [asyncio.Event() for _ in range(3)]

    @tool
    async def step(k: int, after: int = 0) -> int:
        """Wait for it."""
        clock.now += 1
        begun[k].set()
        await steps[k].wait()
        clock.now += 1
        return k + 1

    work = asyncio.ensure_future(
        compiler(screen, step, clock=clock).execute("1. step(0)\n2. step(1, $1)\n3. step(2, $2)\njoin($3)")
    )
    for k in range(3):
        await begun[k].wait()
        steps[k].set()
    await work
    texts = [read(f["text/html"]).text for f in screen.only]
    done = [t.count("✓ done") for t in texts]
    assert done == sorted(done)
    assert {0, 1, 2, 3} <= set(done)
    assert "▶ running" in texts[0]
    assert all("▶ running" in t for t in texts[:-1])
    assert "▶ running" not in texts[-1]


async def test_events_in_a_burst_are_one_picture() -> None:
    screen, clock = Screen(), Clock()
    lines = "\n".join(f"{i}. double({i})" for i in range(1, 101))
    await compiler(screen, clock=clock).execute(lines + "\njoin()")
    assert len(screen.only) == 2  # the first, and the last: no time went by in between


async def test_a_quiet_run_is_drawn_once_more_for_what_came_last() -> None:
    """Events within a period are not lost: the display catches up by itself."""
    screen = Screen()
    never, begun = asyncio.Event(), asyncio.Event()

    @tool
    async def wait() -> int:
        """Wait."""
        begun.set()
        await never.wait()
        return 1

    work = asyncio.ensure_future(compiler(screen, wait).execute("1. wait()\njoin($1)"))
    await begun.wait()
    async with asyncio.timeout(20):
        while not any("1 running" in f["text/plain"] for f in screen.only):
            screen.changed.clear()
            await screen.changed.wait()
    never.set()
    await work
    assert "✓ answered" in screen.last()


async def test_slow_pictures_are_made_seldom() -> None:
    clock = Clock()
    screen = Screen()

    def slow(data: Mapping[str, Any], display_id: str, /, *, update: bool) -> None:
        clock.now += 0.5
        screen(data, display_id, update=update)

    @tool
    async def tick(x: int) -> int:
        """A tenth of a second goes by."""
        clock.now += 0.1
        return x

    lines = "\n".join(f"{i}. tick({'$' + str(i - 1) if i > 1 else 1})" for i in range(1, 101))
    await LLMCompiler(tools=[tick], reporters=[NotebookReporter(slow, clock=clock)]).execute(
        lines + "\njoin($100)"
    )
    assert 2 <= len(screen.only) <= 5  # 10 s of work: a picture of half a second every five


async def test_failed_cancelled_and_empty_runs_end_their_display() -> None:
    @tool
    async def fail() -> int:
        """Never works."""
        raise ToolError("no luck")

    screen = Screen()
    result = await compiler(screen, fail).execute("1. fail()\njoin($1)")
    assert result.error is not None
    assert "✗ failed" in screen.last()
    assert "no luck" in screen.last()

    screen = Screen()
    await compiler(screen).execute("join()")
    assert "answered" in screen.last()
    assert "no calls" in screen.last()

    screen = Screen()
    begun = asyncio.Event()

    @tool
    async def wait() -> int:
        """Wait."""
        begun.set()
        await asyncio.Event().wait()
        return 1

    work = asyncio.ensure_future(compiler(screen, wait).execute("1. wait()\njoin($1)"))
    await begun.wait()
    work.cancel()
    with pytest.raises(asyncio.CancelledError):
        await work
    assert "⊘ cancelled" in screen.last()
    assert "The run was cancelled." in screen.last()
    assert "running" not in screen.last()


async def test_several_runs_have_a_display_each() -> None:
    screen = Screen()
    one = compiler(screen)
    await asyncio.gather(*(one.execute(f"1. double({k})\njoin($1)") for k in range(4)))
    assert len(screen.shown) == 4
    ends = sorted(
        read(f[-1]["text/html"]).text.rsplit("Answer: ", 1)[1].split()[0] for f in screen.shown.values()
    )
    assert ends == ["0", "2", "4", "6"]


async def test_a_loop_shows_how_many_items_are_done() -> None:
    screen, clock = Screen(), Clock()
    gates = [asyncio.Event() for _ in range(5)]

    @tool
    async def item(k: int) -> int:
        """Wait for it."""
        clock.now += 1
        await gates[k].wait()
        clock.now += 1
        return k

    @tool
    async def items() -> list[int]:
        """Which there are."""
        return list(range(5))

    work = asyncio.ensure_future(
        compiler(screen, item, items, clock=clock).execute("1. items()\n2. for k in $1: item(k)\njoin($2)")
    )
    for gate in gates:
        gate.set()
        for _ in range(10):
            await asyncio.sleep(0)
    await work
    texts = [read(f["text/html"]).text for f in screen.only]
    assert any("of 5 items" in t for t in texts[:-1]), texts
    assert "5 of 5 items" in texts[-1]
    assert any('<progress value="3" max="5"' in f["text/html"] for f in screen.only)


async def test_a_tool_says_how_far_it_is() -> None:
    screen, clock = Screen(), Clock()

    @tool
    async def work(ctx: ToolContext) -> int:
        """Do it."""
        for fraction in (0.25, 0.5, float("nan"), -3.0, 7.0):
            clock.now += 1
            await ctx.progress(f"at {fraction} <b>", fraction)
        clock.now += 1
        return 1

    await compiler(screen, work, clock=clock).execute("1. work()\njoin($1)")
    texts = [read(f["text/html"]).text for f in screen.only]
    assert any("25%" in t and "at 0.25 <b>" in t for t in texts)
    assert any("50%" in t for t in texts)
    assert any("100%" in t and "at 7.0" in t for t in texts)


async def test_a_display_that_breaks_ends_without_the_run(caplog: pytest.LogCaptureFixture) -> None:
    calls = 0

    def broken(data: Mapping[str, Any], display_id: str, /, *, update: bool) -> None:
        nonlocal calls
        calls += 1
        raise OSError("the front end is gone")

    result = await LLMCompiler(tools=[double], reporters=[NotebookReporter(broken)]).execute(
        "1. double(1)\njoin($1)"
    )
    assert result.output == 2
    assert calls == 1
    assert caplog.text.count("the live view of run") == 1


async def test_planning_is_shown_and_remarks_are_bounded() -> None:
    screen = Screen()
    model = ScriptedModel(
        [
            "Thought: first the double\n1. double(21)\n2. nothing(1)\njoin()",
            "2. double(1)\njoin()",
            "It is 42.",
        ]
    )
    result = await compiler(screen, model=model, planner="text").run("Twice 21?")
    assert result.tasks[1].outcome.status == "succeeded"
    assert "Twice 21?" in screen.last()
    assert "nothing" in screen.last()  # the diagnostic
    assert "✓ answered" in screen.last()


@pytest.mark.parametrize("attack", ATTACKS[:-2], ids=range(len(ATTACKS) - 2))
async def test_nothing_from_outside_is_ever_markup(attack: str) -> None:
    screen, clock = Screen(), Clock()

    @tool
    async def echo(text: str, ctx: ToolContext) -> str:
        """The text."""
        clock.now += 1
        await ctx.progress(attack, 0.5)
        clock.now += 1
        return attack

    @tool(retries=1)
    async def fail(text: str) -> str:
        """Raise it."""
        clock.now += 1
        raise ToolError(attack)

    await compiler(screen, echo, fail, clock=clock).execute(
        '1. echo("a")\n2. fail("b")\n3. for t in ["a"]: echo(t)\njoin($1)'
    )
    for frame in screen.only:
        read(frame["text/html"])
        assert not CONTROL.search(frame["text/plain"])


async def test_texts_of_a_megabyte_do_not_get_into_the_display() -> None:
    screen = Screen()

    @tool
    async def big() -> str:
        """A long text."""
        return "<" * 1_000_000

    await compiler(screen, big).execute("1. big()\njoin($1)")
    assert all(len(f["text/html"]) < 60_000 for f in screen.only)
    assert all(len(f["text/plain"]) < 10_000 for f in screen.only)


async def test_runs_beyond_a_few_in_a_cell_share_a_line() -> None:
    screen = Screen()
    cell = Cell(1, screen)
    for k in range(MOST + 5):
        await LLMCompiler(tools=[double], reporters=[cell.reporter()]).execute(f"1. double({k})\njoin($1)")
    assert len(screen.shown) == MOST + 1
    *_, rest = screen.shown.values()
    assert rest[-1]["text/plain"] == "... and 5 more runs: 5 answered"


def test_there_is_no_view_outside_notebooks() -> None:
    assert reporter_for(None, ()) is None
    assert LLMCompiler(tools=[double])._views() == []
    assert LLMCompiler(tools=[double], live=True)._views() == []
    with pytest.raises(ConfigurationError, match="live='yes'"):
        LLMCompiler(tools=[double], live="yes")  # type: ignore[arg-type]


class _Kernel:
    def __init__(self, kernel: object = None) -> None:
        self.execution_count = 1
        if kernel is not None:
            self.kernel = kernel


@pytest.fixture
def in_shell(monkeypatch: pytest.MonkeyPatch) -> Any:
    from llmcompiler.notebook import frontend

    def put(shell: object) -> None:
        monkeypatch.setattr(frontend, "shell", lambda: shell)

    return put


def test_who_gets_a_view(in_shell: Any) -> None:
    from llmcompiler import notebook
    from llmcompiler.terminal import LogReporter

    in_shell(_Kernel(kernel=object()))
    assert isinstance(reporter_for(None, ()), NotebookReporter)
    assert isinstance(reporter_for(True, (Reporter(),)), NotebookReporter)
    assert reporter_for(False, ()) is None
    assert reporter_for(None, (LogReporter(),)) is None  # the user has chosen another one
    assert reporter_for(None, (NotebookReporter(Screen()),)) is None
    notebook.live(False)
    try:
        assert reporter_for(None, ()) is None
        assert isinstance(reporter_for(True, ()), NotebookReporter)
    finally:
        notebook.live(True)
    in_shell(_Kernel())
    assert reporter_for(None, ()) is None
    assert isinstance(reporter_for(True, ()), LogReporter)
    in_shell(None)
    assert reporter_for(True, ()) is None


async def test_runs_inside_runs_have_no_view(in_shell: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    in_shell(_Kernel(kernel=object()))
    monkeypatch.setitem(__import__("sys").modules, "IPython", object())
    inner, found = LLMCompiler(tools=[double]), []

    @tool
    async def research(x: int) -> int:
        """Runs a plan of its own."""
        found.append(inner._views())
        return x

    outer = LLMCompiler(tools=[research], live=False)
    await outer.execute("1. research(1)\njoin($1)")
    assert found == [[]]
    assert len(inner._views()) == 1


def test_events_are_looked_at_only() -> None:
    assert isinstance(NotebookReporter(Screen()), Reporter)
    assert NotebookReporter.report.__annotations__["event"] in (Event, "Event")
