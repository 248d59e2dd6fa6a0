"""`Run`: the handle of a run that goes on by itself. Watches, decides and cancels; it plans and calls nothing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine, Generator, Sequence
from typing import TYPE_CHECKING, Any

from ._displayed import Displayed
from .events import Event
from .protocols import ApprovalRequest, Reporter
from .result import RunResult

if TYPE_CHECKING:
    from .session import Session


class Run(Displayed):
    r"""A run that was started with `LLMCompiler.start` and goes on in the running event loop.

    Await it for its `RunResult`, or for what `run` would raise. Whoever waits may be cancelled without harm to the run;
    `cancel` ends it, as does leaving `async with`. Use it in the event loop it was started in.

    ```python
    import asyncio

    from llmcompiler import LLMCompiler, tool


    @tool(effect="write", requires_approval=True)
    async def pay(euros: int) -> str:
        "Pay so much."
        return f"paid {euros}"


    async def main() -> None:
        async with LLMCompiler(tools=[pay]).start(plan="1. pay(20)\njoin($1)") as run:
            async for event in run.events():
                if event.type == "ApprovalRequested":
                    (request,) = run.pending_approvals
                    run.approve(request.task_id, digest=request.digest)
            assert (await run).output == "paid 20"


    asyncio.run(main())
    ```
    """

    def __init__(self, session: Session, work: Coroutine[Any, Any, RunResult], log: EventLog) -> None:
        self._session = session
        self._log = log
        self._begun = False
        self._task = asyncio.get_running_loop().create_task(self._work(work))
        # asyncio itself holds on to no task: without this, one whose handle is dropped may vanish half-way.
        _RUNNING.add(self)
        self._task.add_done_callback(self._ended)

    async def _work(self, work: Coroutine[Any, Any, RunResult]) -> RunResult:
        self._begun = True
        return await work

    def _ended(self, task: asyncio.Task[RunResult]) -> None:
        _RUNNING.discard(self)
        self._log.close()
        if not task.cancelled():
            task.exception()  # looked at: nobody has to wait for a run

    # -- how it stands -----------------------------------------------------------------

    @property
    def run_id(self) -> str:
        """The run's id."""
        return self._session.run_id

    @property
    def done(self) -> bool:
        """Whether the run is over."""
        return self._task.done()

    @property
    def result(self) -> RunResult:
        """What the run has done so far; of a run that is over, its result. It does not change later."""
        return self._session.snapshot()

    def events(self) -> AsyncIterator[Event]:
        """Every event of the run, from the first to `RunFinished`; each reader sees all of them."""
        return self._log.read()

    def __await__(self) -> Generator[Any, None, RunResult]:
        return asyncio.shield(self._task).__await__()

    # -- approvals ---------------------------------------------------------------------

    @property
    def pending_approvals(self) -> list[ApprovalRequest]:
        """The calls that wait for approval, in the order of asking."""
        return self._session.approvals.pending

    def approve(self, task_id: int, *, item: int | None = None, digest: str | None = None) -> None:
        """Let a call be made, with the arguments that its request shows.

        Args:
            task_id: The task.
            item: Position of the item, where the task is a `for`: each asks by itself.
            digest: Fingerprint of the arguments that you mean, to be sure that they are those.

        Raises:
            UsageError: It does not wait for approval, or the digest is another.
        """
        self._session.approvals.approve(task_id, item=item, digest=digest)

    def reject(self, task_id: int, reason: str = "", *, item: int | None = None) -> None:
        """Do not let a call be made: it fails with `ApprovalDenied`, and what depends on it is skipped.

        Raises:
            UsageError: It does not wait for approval.
        """
        self._session.approvals.reject(task_id, reason, item=item)

    # -- the end -----------------------------------------------------------------------

    def cancel(self) -> None:
        """End the run: its calls are cancelled, and whoever awaits it gets `asyncio.CancelledError`."""
        if self._begun:
            self._task.cancel()
        elif not self.done:
            # Cancelled before its first step it would leave no trace: no event, no end.
            self._task.get_loop().call_soon(self._task.cancel)

    async def aclose(self) -> None:
        """Cancel the run, if it is not over, and wait until its calls have ended."""
        if not self.done:
            self.cancel()
        await asyncio.wait({self._task})

    async def __aenter__(self) -> Run:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    def __repr__(self) -> str:
        state = "done" if self.done else f"{len(self.pending_approvals)} approvals pending"
        return f"<Run {self.run_id} {state}>"


class EventLog(Reporter):
    """Keeps the events of a run for any number of readers."""

    def __init__(self) -> None:
        self.kept: list[Event] = []
        self._closed = False
        self._news = asyncio.Event()

    def report(self, event: Event) -> None:
        """Keep an event and wake the readers."""
        self.kept.append(event)
        self._wake()

    def close(self) -> None:
        """Nothing more comes."""
        self._closed = True
        self._wake()

    def _wake(self) -> None:
        # One event object a piece of news: a reader that is not there yet misses nothing, since it reads `kept`.
        self._news.set()
        self._news = asyncio.Event()

    async def read(self) -> AsyncIterator[Event]:
        """Every event, from the first."""
        position = 0
        while True:
            news, events = self._news, _from(self.kept, position)
            for event in events:
                yield event
            position += len(events)
            if not events:
                if self._closed:
                    return
                await news.wait()


def _from(events: Sequence[Event], position: int) -> Sequence[Event]:
    return events[position:]


_RUNNING: set[Run] = set()


__all__ = ["EventLog", "Run"]
