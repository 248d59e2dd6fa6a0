"""A virtual-time run that fails on whatever asyncio would only log, and on what a run leaves behind."""

from __future__ import annotations

import asyncio
import gc
import sys
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from llmcompiler import AsyncExecutor, Driver, RunFinished, TaskFinished, TaskPlanned
from llmcompiler.admission import Admission
from llmcompiler.testing import RecordingReporter, VirtualTimeLoop

T = TypeVar("T")


class OpenExecutor(AsyncExecutor):
    """Keeps the caps of every loop it ran in, to look at afterwards."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.admissions: list[Admission[Any]] = []

    def begin(self, driver: Driver) -> None:
        super().begin(driver)
        self.admissions.append(driver.host.shared.admission)

    def assert_nothing_is_left(self) -> None:
        for admission in self.admissions:
            assert admission.running == 0
            assert not admission.waiting
            assert not admission._parked
            assert not admission._of_tool
        assert not self._loops


def run_strictly(main: Callable[[], Coroutine[Any, Any, T]], *, collect: bool = True) -> T:
    """The result of `main()`. No asyncio task may be left, and nothing may go unseen.

    With `collect`, garbage is collected, which makes asyncio report what nobody looked at.
    """
    complaints: list[Any] = []

    async def watched() -> T:
        asyncio.get_running_loop().set_exception_handler(lambda _, context: complaints.append(context))
        result = await main()
        left = asyncio.all_tasks() - {asyncio.current_task()}
        assert not left
        return result

    gc.freeze()  # only what the run makes is looked through
    before, sys.unraisablehook = sys.unraisablehook, lambda args: complaints.append(args.exc_value)
    try:
        with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
            result = runner.run(watched())
            if collect:
                gc.collect()
    finally:
        sys.unraisablehook = before
        gc.unfreeze()
    assert complaints == []
    return result


def assert_events_are_whole(reporter: RecordingReporter) -> None:
    """Numbers without gaps, one `TaskFinished` a task, one `RunFinished`, and it is the last."""
    events = reporter.events
    assert [e.seq for e in events] == list(range(len(events)))
    assert len(reporter.of(RunFinished)) == 1
    assert isinstance(events[-1], RunFinished)
    planned = sorted(e.task.id for e in reporter.of(TaskPlanned))
    assert sorted(e.task_id for e in reporter.of(TaskFinished)) == planned
    assert sorted(set(planned)) == planned
