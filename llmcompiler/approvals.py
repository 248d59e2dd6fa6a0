"""Calls that need approval: each waits here, bound to its exact arguments, until somebody decides or its time is up.

Two may decide: the `approver` of the compiler, and whoever holds the run (`Run.approve`, `Run.reject`); the first word
counts. Nothing here makes a call or knows a cap.
"""

from __future__ import annotations

import asyncio
import copy
import inspect
from collections.abc import Callable, Coroutine, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from ._jsonable import describe_error
from .errors import ApprovalDenied, ApprovalExpired, ConfigurationError, ToolError, UsageError
from .fingerprint import digest
from .protocols import ApprovalRequest, Approver

if TYPE_CHECKING:
    from .execution import Call

_Name = tuple[int, int | None]
"""Task id, and position of the item where the task is a `for`."""


class _Pending:
    """A request that nobody has decided yet."""

    def __init__(self, request: ApprovalRequest) -> None:
        self.request = request
        self.decision: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def settle(self, error: ToolError | None = None) -> None:
        """Approved, or not and why. The first word counts."""
        if self.decision.done():
            return
        if error is None:
            self.decision.set_result(None)
        else:
            self.decision.set_exception(error)
            self.decision.exception()  # looked at: a call that is cancelled meanwhile never asks


class Approvals:
    """The calls of one run that wait for approval.

    Args:
        run_id: The run.
        approver: Is asked about each; None to be decided from outside, or not at all.
        timeout: Seconds after which an undecided request lapses; None to wait as long as the run does.
        outside: Whether somebody holds the run and may decide.
    """

    def __init__(
        self,
        run_id: str,
        approver: Approver | None = None,
        *,
        timeout: float | None = None,
        outside: bool = False,
    ) -> None:
        self.run_id = run_id
        self.approver = approver
        self.timeout = timeout
        self.outside = outside
        self._pending: dict[_Name, _Pending] = {}
        self._decided: set[_Name] = set()

    # -- who makes the calls -----------------------------------------------------------

    async def decide(
        self,
        call: Call,
        spawn: Callable[[Coroutine[Any, Any, None]], asyncio.Task[None]],
        stray: Callable[[asyncio.Task[None]], None],
    ) -> None:
        """Wait until the call may be made. Its arguments are then exactly those that were approved.

        Args:
            call: With its arguments; they are replaced by a copy that only this call holds.
            spawn: Makes an asyncio task in the context of the run.
            stray: Is given such a task when it is cancelled and has not ended.

        Raises:
            ApprovalDenied: It may not: rejected, lapsed, nobody to ask, a failed approver, arguments that changed.
        """
        driver, name = call.driver, call.task.tool
        fingerprint = digest(name, call.arguments)
        arguments = call.arguments = _own_copy(name, call.arguments, fingerprint)
        now, expires = driver.now(), None
        if self.timeout is not None:
            expires = now + self.timeout
            if driver.deadline is not None and driver.deadline <= expires:
                expires = None  # the run ends first, and every call with it
        shown = _copied(arguments)
        request = ApprovalRequest(
            self.run_id, call.task.id, name, shown, fingerprint, expires or driver.deadline, call.item
        )
        if self.approver is None and not self.outside:
            driver.watch.approval(call, fingerprint, request.expires)
            raise ApprovalDenied(f"`{name}` needs approval; pass approver= to LLMCompiler to be asked")
        key = (call.task.id, call.item)
        pending = self._pending[key] = _Pending(request)
        driver.watch.approval(call, fingerprint, request.expires)
        timer = asking = None
        if expires is not None:
            lapsed = ApprovalExpired(f"nobody approved `{name}` within {self.timeout:g} s")
            timer = asyncio.get_running_loop().call_later(expires - now, pending.settle, lapsed)
        if self.approver is not None:
            asking = spawn(_ask(self.approver, pending))
        try:
            await pending.decision
        finally:
            del self._pending[key]
            self._decided.add(key)
            if timer is not None:
                timer.cancel()
            if asking is not None and not asking.done():
                stray(asking)
                asking.cancel()
        if call.arguments is not arguments or digest(name, arguments) != fingerprint:
            raise ApprovalDenied(
                f"the arguments of `{name}` changed after approval was asked for; the call was not made"
            )

    # -- who decides -------------------------------------------------------------------

    @property
    def pending(self) -> list[ApprovalRequest]:
        """What waits for a decision, in the order of asking."""
        return [p.request for p in self._pending.values() if not p.decision.done()]

    def approve(self, task_id: int, *, item: int | None = None, digest: str | None = None) -> None:
        """Let a call be made.

        Raises:
            UsageError: It does not wait for approval, or `digest` is not that of its arguments.
        """
        pending = self._find(task_id, item)
        if digest is not None and digest != pending.request.digest:
            raise UsageError(
                f"task {_shown((task_id, item))} waits for approval of other arguments than those: its digest is "
                f"{pending.request.digest}; look at `pending_approvals` again"
            )
        pending.settle()

    def reject(self, task_id: int, reason: str = "", *, item: int | None = None) -> None:
        """Do not let a call be made: it fails with `ApprovalDenied`.

        Raises:
            UsageError: It does not wait for approval.
        """
        pending = self._find(task_id, item)
        text = f"`{pending.request.tool}` was rejected"
        pending.settle(ApprovalDenied(f"{text}: {reason}" if reason else text))

    def _find(self, task_id: int, item: int | None) -> _Pending:
        key = (task_id, item)
        pending = self._pending.get(key)
        if pending is not None and not pending.decision.done():
            return pending
        waiting = [k for k, p in self._pending.items() if not p.decision.done()]
        known = key in self._decided or pending is not None
        what = f"task {_shown(key)} " + ("is decided already" if known else "does not wait for approval")
        if item is None and any(k[0] == task_id for k in waiting):
            what = f"task {task_id} asks for each item by itself: give item="
        names = ", ".join(map(_shown, waiting)) or "none"
        raise UsageError(f"{what}; waiting are: {names}")


def checked_timeout(seconds: Any) -> float | None:
    """The setting `approval_timeout=`.

    Raises:
        ConfigurationError: No number above 0.
    """
    if seconds is None:
        return None
    if isinstance(seconds, bool) or not isinstance(seconds, (int, float)) or not seconds > 0:
        raise ConfigurationError(
            f"approval_timeout={seconds!r}: give seconds above 0, or None to wait as long as the run does"
        )
    return float(seconds)


async def _ask(approver: Approver, pending: _Pending) -> None:
    name = pending.request.tool
    try:
        answer: Any = approver(pending.request)
        if not inspect.isawaitable(answer):
            raise ApprovalDenied(
                f"the approver gave {_short(answer)} about `{name}` where it has to be awaited; write it `async def`"
            )
        answer = await answer
        if not isinstance(answer, bool):
            raise ApprovalDenied(f"the approver gave {_short(answer)} about `{name}`, not True or False")
        pending.settle(None if answer else ApprovalDenied(f"`{name}` was not approved"))
    except ApprovalDenied as e:
        pending.settle(e)
    except KeyboardInterrupt:
        raise
    except BaseException as e:  # of the user's approver
        denied = ApprovalDenied(f"the approver failed on `{name}`: {describe_error(e)}")
        denied.__cause__ = e
        pending.settle(denied)


def _own_copy(tool: str, arguments: Mapping[str, Any], fingerprint: str) -> Mapping[str, Any]:
    """Arguments that nobody else can change, where they can be copied at all without becoming others."""
    copied = _copied(arguments)
    return copied if digest(tool, copied) == fingerprint else dict(arguments)


def _copied(arguments: Mapping[str, Any]) -> dict[str, Any]:
    try:
        return copy.deepcopy(dict(arguments))
    except Exception:  # a lock, a connection, a generator somewhere in it: then one by one
        out = dict(arguments)
        for name, value in arguments.items():
            with suppress(Exception):
                out[name] = copy.deepcopy(value)
        return out


def _short(value: Any) -> str:
    try:
        text = repr(value)
    except Exception:  # a broken __repr__
        text = type(value).__name__
    return text if len(text) <= 60 else text[:57] + "..."


def _shown(key: _Name) -> str:
    return str(key[0]) if key[1] is None else f"{key[0]} (item {key[1]})"


__all__ = ["Approvals", "checked_timeout", "digest"]
