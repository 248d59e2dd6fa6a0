"""`RunManager`: starts runs, follows them into the store, lets clients watch, decide and cancel. Knows no HTTP.

A run belongs to the key that started it; to everybody else but admins it is not there.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import logging
import secrets
import time
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from typing import Any, Literal, Protocol
from weakref import WeakValueDictionary

from llmcompiler import LLMCompiler
from llmcompiler._jsonable import to_jsonable
from llmcompiler.errors import ConfigurationError, UsageError
from llmcompiler.events import ApprovalRequested, Event, RunFinished
from llmcompiler.protocols import ApprovalRequest

from .asked import check_input, digest_of, limits_of
from .live import LiveRun, event_data, lost_end, output_of, public_error, result_dict
from .output_schema import output_type
from .problems import Problem
from .records import (
    ENDED,
    ApprovalDecision,
    ApprovalDocument,
    Principal,
    RunRecord,
    RunRequest,
    RunStatus,
    StoredEvent,
)
from .settings import ServerSettings
from .store import INTERRUPTED, Events, IdempotencyKey, Page, RunStore

logger = logging.getLogger("llmcompiler.server")

PAGE = 200
"""Events read from the store at once."""
_PAGE_SIZE = 2_000_000
"""Characters of them, about."""
PATIENCE = 10.0
"""Seconds that a cancelled run has until it is given up: the executor itself gives its calls fewer."""
_BREATH = 100
"""Events after which the one who follows a run lets others go on."""

Approvals = list[ApprovalDocument]


class RunObserver(Protocol):
    """Sees every run of the service. It is called in the event loop and must not block; what it raises is logged."""

    def run_started(self, record: RunRecord) -> None:
        """A run began."""

    def event(self, record: RunRecord, event: Event) -> None:
        """Something happened in it."""

    def run_finished(self, record: RunRecord) -> None:
        """It is over, and the record says how."""


class RunManager:
    """All runs of this process. One for an app; used from one event loop.

    Args:
        compiler: Makes the runs.
        settings: Quotas, sizes, patience.
        store: Keeps them.
        observers: See everything, for metrics and logs.
        reading: Told when somebody begins to follow events (True) and when they stop (False).
    """

    def __init__(
        self,
        compiler: LLMCompiler,
        settings: ServerSettings,
        store: RunStore,
        observers: Sequence[RunObserver] = (),
        reading: Callable[[bool], None] = lambda begins: None,
    ) -> None:
        self.compiler, self.settings, self.store = compiler, settings, store
        self.observers = list(observers)
        self.readers = 0
        """Those who follow events now."""
        self._reading = reading
        self._live: dict[str, LiveRun] = {}
        self._of_key: Counter[str] = Counter()
        self._readers_of: Counter[str] = Counter()
        self._quotas = {k.name: k.max_runs for k in settings.keys if k.max_runs is not None}
        self._starting: WeakValueDictionary[tuple[str, str], asyncio.Lock] = WeakValueDictionary()
        self._draining: asyncio.Task[None] | None = None
        self._complained: set[int] = set()

    # -- how it stands -----------------------------------------------------------------

    @property
    def active(self) -> int:
        """Runs that are not over."""
        return len(self._live)

    @property
    def waiting(self) -> int:
        """Calls that wait for approval, of all runs."""
        return sum(len(live.run.pending_approvals) for live in self._live.values())

    @property
    def closing(self) -> bool:
        """Whether it takes no new runs any more."""
        return self._draining is not None

    # -- starting ----------------------------------------------------------------------

    async def start(
        self,
        who: Principal,
        request: RunRequest,
        *,
        idempotency_key: str | None = None,
        source: Literal["runs", "chat"] = "runs",
    ) -> tuple[RunRecord, bool]:
        """Start a run that goes on by itself.

        Args:
            who: Whose run it is.
            request: What is asked. Whether to wait or to stream is not the manager's business.
            idempotency_key: The client's name for this request: repeated, it gives the run that it started first.
            source: By which door it came.

        Returns:
            The run, and whether it is a new one.

        Raises:
            Problem: 413 `input-too-long`; 422 `invalid-request`, `bad-schema`, `limit-too-high`,
                `idempotency-mismatch`; 429 `too-many-runs`; 503 `busy`, `shutting-down`, `not-configured`.
        """
        if idempotency_key is None:
            return await self._begin(who, request, source, None), True
        if not 1 <= len(idempotency_key) <= 255:
            raise Problem(422, "invalid-request", "`Idempotency-Key` has 1 to 255 characters")
        digest = digest_of(source, request)
        named = (who.name, idempotency_key)
        lock = self._starting.setdefault(named, asyncio.Lock())
        async with lock:
            known = await self.store.known(*named)
            if known is not None and known.digest != digest:
                raise Problem(
                    422,
                    "idempotency-mismatch",
                    "this `Idempotency-Key` was used for another request; use a new one for each request of your own",
                )
            if known is not None and (record := await self._find(known.run_id)) is not None:
                return record, False
            return await self._begin(who, request, source, IdempotencyKey(*named, digest)), True

    async def _begin(
        self, who: Principal, request: RunRequest, source: Literal["runs", "chat"], key: IdempotencyKey | None
    ) -> RunRecord:
        wanted = None
        if request.output_schema is not None:
            self._admit(who, request)
            wanted = await asyncio.to_thread(output_type, request.output_schema)  # a large one takes its time
        self._admit(who, request)
        run_id = f"run_{secrets.token_hex(10)}"
        limits = limits_of(request.limits, self.compiler.limits)
        try:
            run = self.compiler.start(request.input, output_type=wanted, limits=limits, run_id=run_id)
        except ConfigurationError as e:
            logger.error("no run can be started: %s", e)
            raise Problem(
                503,
                "not-configured",
                "this service has no usable model or planner; its log says what is missing",
            ) from None
        record = RunRecord(
            run_id,
            who.name,
            request.input,
            "running",
            time.time(),
            source=source,
            metadata=dict(request.metadata),
        )
        live = self._live[run_id] = LiveRun(record, run, self.settings.buffer)
        self._of_key[who.name] += 1
        self.store.save(record, key)
        self._tell(lambda o: o.run_started(record))
        live.follower = asyncio.get_running_loop().create_task(self._follow(live), name=f"follow {run_id}")
        return dataclasses.replace(record)

    def _admit(self, who: Principal, request: RunRequest) -> None:
        s = self.settings
        if self.closing:
            raise Problem(
                503,
                "shutting-down",
                "the service is shutting down and takes no new runs; ask again in a while",
                headers={"Retry-After": "5"},
            )
        check_input(request.input, s.max_input)
        most = self._quotas.get(who.name, s.max_runs_per_key)
        if self._of_key[who.name] >= most:
            raise Problem(
                429,
                "too-many-runs",
                f"{most} runs of this key are under way, which is as many as may be; wait for one or cancel it",
                headers={"Retry-After": "1"},
            )
        if len(self._live) >= s.max_runs:
            raise Problem(
                503,
                "busy",
                "the service has as many runs under way as it can take; ask again in a while",
                headers={"Retry-After": "1"},
            )

    # -- following ---------------------------------------------------------------------

    async def _follow(self, live: LiveRun) -> None:
        """Take the events of a run as they come, until it is over, and see to it that it is."""
        try:
            seen = 0
            async for event in live.run.events():
                self._take(live, event)
                seen += 1
                if seen % _BREATH == 0:
                    await asyncio.sleep(0)
        except Exception:  # a run must end for its readers, whatever happened here
            logger.exception("run %s can not be followed", live.record.id)
        finally:
            if not live.over.is_set():
                live.run.cancel()
                self._end_without_word(live)

    def _take(self, live: LiveRun, event: Event) -> None:
        if live.over.is_set():  # given up before it was really over
            return
        record = live.record
        ending = isinstance(event, RunFinished)
        if ending and live.interrupting and event.status == "cancelled":  # type: ignore[attr-defined]
            stored = self._last_word(live, INTERRUPTED)
        else:
            stored = StoredEvent(event.seq, event.type, event_data(event, self.settings.max_output))
        record.events = stored.seq + 1
        self.store.append(record.id, stored)
        if ending:
            # The record first: who sees the last event and asks for the run finds it over.
            self._close_record(live, event)
        elif record.status == "waiting" or isinstance(event, ApprovalRequested):
            self._refresh(live)
        live.add(stored)
        self._tell(lambda o: o.event(record, event))
        if ending:
            self._end(live)

    def _close_record(self, live: LiveRun, event: Any) -> None:
        record, result = live.record, live.run.result
        if event.status == "cancelled":
            record.status = "interrupted" if live.interrupting else "cancelled"
            record.error = dict(INTERRUPTED) if live.interrupting else None
        elif result.error is not None:
            record.status = "failed"
            record.error = dict(public_error(result.error))
            logger.info("run %s failed", record.id, exc_info=result.error)
        else:
            record.status = "succeeded"
            record.output = output_of(result)
        record.finished_at = record.created_at + self._elapsed(live)
        record.usage = result.usage.to_dict()
        record.result = result_dict(result, self.settings.max_output)

    def _end_without_word(self, live: LiveRun) -> None:
        """A run that did not say that it is over, or that nobody waits for any longer: its end is made up."""
        record = live.record
        error = INTERRUPTED
        if not live.interrupting:
            error = {
                "code": "internal-error",
                "message": "something inside the service went wrong; its log says more",
            }
        stored = self._last_word(live, error)
        record.events = stored.seq + 1
        record.status = "interrupted" if live.interrupting else "failed"
        record.error = dict(error)
        record.finished_at = record.created_at + self._elapsed(live)
        try:
            result = live.run.result
            record.usage = result.usage.to_dict()
            record.result = result_dict(result, self.settings.max_output)
        except Exception:  # it is broken already
            logger.exception("the result of run %s can not be kept", record.id)
        self.store.append(record.id, stored)
        live.add(stored)
        self._end(live)

    def _last_word(self, live: LiveRun, error: dict[str, str]) -> StoredEvent:
        usage = live.run.result.usage.to_dict()
        return lost_end(live.record.id, live.record.events, self._elapsed(live), error, usage)

    @staticmethod
    def _elapsed(live: LiveRun) -> float:
        """Seconds by a clock that nobody sets: the one on the wall may have jumped since."""
        return asyncio.get_running_loop().time() - live.begun

    def _end(self, live: LiveRun) -> None:
        record = live.record
        self.store.save(record)
        if self._live.pop(record.id, None) is not None:
            self._of_key[record.owner] -= 1
            if not self._of_key[record.owner]:
                del self._of_key[record.owner]
        self._tell(lambda o: o.run_finished(record))
        live.end()

    def _refresh(self, live: LiveRun) -> None:
        """Whether a run waits for a decision may change without an event: a request lapses, an approver decides."""
        record = live.record
        if record.status in ENDED:
            return
        status: RunStatus = "waiting" if live.run.pending_approvals else "running"
        if status != record.status:
            record.status = status
            self.store.save(record)

    def _tell(self, what: Callable[[RunObserver], None]) -> None:
        for observer in self.observers:
            try:
                what(observer)
            except Exception:  # who watches must not harm what it sees
                if id(observer) not in self._complained:
                    self._complained.add(id(observer))
                    logger.exception("observer %s failed", type(observer).__name__)

    # -- looking -----------------------------------------------------------------------

    async def get(self, who: Principal, run_id: str) -> RunRecord:
        """A run as it is now.

        Raises:
            Problem: 404 `run-not-found`, also for a run of another key.
        """
        record = await self._find(run_id)
        if record is None or not (who.is_admin or record.owner == who.name):
            raise Problem(
                404, "run-not-found", "there is no such run, or none any more that this key may see"
            )
        return record

    async def _find(self, run_id: str) -> RunRecord | None:
        live = self._live.get(run_id)
        if live is None:
            return await self.store.get(run_id)
        self._refresh(live)
        return dataclasses.replace(live.record)

    async def list(
        self, who: Principal, *, status: RunStatus | None = None, limit: int = 20, after: str | None = None
    ) -> Page:
        """Runs that `who` may see, the newest first, and where the next page begins.

        Raises:
            Problem: 422 `bad-cursor`.
        """
        for live in self._live.values():
            if live.record.status == "waiting":
                self._refresh(live)
        owner = None if who.is_admin else who.name
        found, following = await self.store.list(owner, status, limit, after)
        now = [self._live[r.id].record if r.id in self._live else r for r in found]
        return [dataclasses.replace(r) for r in now], following

    async def wait(self, who: Principal, run_id: str) -> RunRecord:
        """A run once it is over.

        Raises:
            Problem: 404 `run-not-found`.
        """
        live = self._live.get(run_id)
        record = await self.get(who, run_id)
        if live is None:
            return record
        await live.over.wait()
        return dataclasses.replace(live.record)

    @contextlib.contextmanager
    def admitted(self, who: Principal) -> Iterator[None]:
        """Count one who follows events among those of its key, for as long as it does.

        Raises:
            Problem: 429 `too-many-readers`.
        """
        most = self.settings.max_readers_per_key
        if self._readers_of[who.name] >= most:
            raise Problem(
                429,
                "too-many-readers",
                f"{most} streams of events are open with this key, which is as many as may be; close one",
                headers={"Retry-After": "1"},
            )
        self._readers_of[who.name] += 1
        try:
            yield
        finally:
            self._readers_of[who.name] -= 1

    async def events(
        self, who: Principal, run_id: str, *, after: int = -1
    ) -> AsyncGenerator[StoredEvent, None]:
        """Every event of a run with a `seq` above `after`, in order and once, then those that come, until it is over.

        However slow its reader is, the run is not held up: what is not held in memory any more comes from the store.

        Raises:
            Problem: 404 `run-not-found`.
        """
        async with contextlib.aclosing(self.batches(who, run_id, after=after)) as batches:
            async for batch in batches:
                for event in batch:
                    yield event

    async def batches(self, who: Principal, run_id: str, *, after: int = -1) -> AsyncGenerator[Events, None]:
        """The same as `events`, in lists of those that are there already.

        Raises:
            Problem: 404 `run-not-found`.
        """
        live = self._live.get(run_id)
        await self.get(who, run_id)
        self.readers += 1
        self._reading(True)
        try:
            position, page = after, PAGE
            while True:
                news = None if live is None else live.news
                batch = None if live is None else live.since(position)
                if batch is None:
                    batch = await self.store.events(run_id, position, page)
                    if not batch:
                        if live is None or await self._find(run_id) is None:
                            return
                        # The store lost them (its disk is full, say): on with what there is, rather than never.
                        logger.warning("events of run %s after %d are lost", run_id, position)
                        position = live.last[0].seq - 1
                        continue
                    # A reader that takes its time must not hold many large ones.
                    page = max(1, min(PAGE, _PAGE_SIZE * len(batch) // (1 + sum(len(e.data) for e in batch))))
                if batch:
                    position = batch[-1].seq
                    yield batch
                elif live is None or news is None or live.over.is_set():
                    return
                else:
                    await news.wait()
        finally:
            self.readers -= 1
            self._reading(False)

    # -- deciding ----------------------------------------------------------------------

    async def cancel(self, who: Principal, run_id: str) -> RunRecord:
        """End a run and wait until its calls have ended; a run that is over stays as it is.

        Raises:
            Problem: 404 `run-not-found`.
        """
        live = self._live.get(run_id)
        record = await self.get(who, run_id)
        if live is None or live.over.is_set():
            return record
        live.run.cancel()
        try:
            async with asyncio.timeout(PATIENCE):
                await live.over.wait()
        except TimeoutError:
            logger.warning("run %s was cancelled and has not ended yet", run_id)
        return dataclasses.replace(live.record)

    async def approvals(self, who: Principal, run_id: str) -> Approvals:
        """The calls that wait for a decision, in the order of asking, with exactly the arguments they would have.

        Raises:
            Problem: 404 `run-not-found`.
        """
        live = self._live.get(run_id)
        await self.get(who, run_id)
        return [] if live is None else [self._asked(live, r) for r in live.run.pending_approvals]

    async def decide(
        self, who: Principal, run_id: str, task_id: int, decision: ApprovalDecision
    ) -> Approvals:
        """Let a call be made, or not. Gives those that wait still.

        Raises:
            Problem: 404 `run-not-found`, `approval-not-found` (also: decided already, lapsed, the run is over);
                409 `digest-mismatch`.
        """
        live = self._live.get(run_id)
        await self.get(who, run_id)
        if live is None or live.over.is_set():
            raise Problem(404, "approval-not-found", "the run is over: nothing in it waits for approval")
        pending = live.run.pending_approvals
        request = next((r for r in pending if (r.task_id, r.item) == (task_id, decision.item)), None)
        if request is not None and decision.digest not in (None, request.digest):
            raise Problem(
                409,
                "digest-mismatch",
                "the call waits for approval of other arguments than those; look at the approvals again",
                digest=request.digest,
            )
        try:
            if decision.decision == "approve":
                live.run.approve(task_id, item=decision.item)
            else:
                live.run.reject(task_id, decision.reason, item=decision.item)
        except UsageError as e:
            raise Problem(404, "approval-not-found", str(e)) from None
        self._refresh(live)
        return [self._asked(live, r) for r in live.run.pending_approvals]

    def _asked(self, live: LiveRun, request: ApprovalRequest) -> ApprovalDocument:
        expires = None
        if request.expires is not None:
            # From now on, not from the beginning: the clock on the wall may have been set since.
            expires = time.time() + live.begun + request.expires - asyncio.get_running_loop().time()
        return ApprovalDocument(
            task_id=request.task_id,
            item=request.item,
            tool=request.tool,
            arguments=to_jsonable(dict(request.arguments)),
            digest=request.digest,
            expires_at=expires,
        )

    # -- the end -----------------------------------------------------------------------

    async def aclose(self) -> None:
        """Take no new runs, let those under way end for `settings.grace` seconds, then interrupt them.

        Every run is over and in the store afterwards, whatever its calls do. It may be called again, also meanwhile:
        who shuts a server down calls it before connections are waited for, since open streams end with their runs.
        """
        if self._draining is None:
            self._draining = asyncio.get_running_loop().create_task(self._drain(), name="drain")
        await asyncio.wait({self._draining})
        if not self._draining.cancelled():
            self._draining.result()

    def give_up(self) -> None:
        """End the waiting of `aclose`: runs under way are interrupted now, whatever their calls do."""
        if self._draining is not None:
            self._draining.cancel()
        for live in list(self._live.values()):
            live.interrupting = True
            live.run.cancel()
            self._leave(live)

    async def _drain(self) -> None:
        await self._wait_for_followers(self.settings.grace)
        for live in list(self._live.values()):
            live.interrupting = True
            live.run.cancel()
        await self._wait_for_followers(PATIENCE)
        for live in list(self._live.values()):
            logger.warning("run %s does not end; it is left behind", live.record.id)
            self._leave(live)

    def _leave(self, live: LiveRun) -> None:
        self._end_without_word(live)
        if live.follower is not None:
            live.follower.cancel()

    async def _wait_for_followers(self, seconds: float) -> None:
        tasks = {live.follower for live in self._live.values() if live.follower is not None}
        if tasks:
            await asyncio.wait(tasks, timeout=seconds)

    def __repr__(self) -> str:
        return f"<RunManager with {self.active} runs under way>"


__all__ = ["RunManager", "RunObserver"]
