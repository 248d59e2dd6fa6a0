"""The compiler's passes over a plan: `PASSES` lists them in order, `Passes` switches them. Pure.

A pass decides from plan and tools alone and changes no task: what it found is obeyed where calls are made, and can be
told before. `foresee` makes all of them over a whole plan; the same steps work task by task while a plan streams in.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Literal, get_args

from .calls import call_key
from .errors import ConfigurationError
from .latencies import Latencies
from .ordering import Ordering, foreseen_access
from .plan import Join, Plan, Task
from .result import Note

if TYPE_CHECKING:
    from .tools import Tool, ToolRegistry

Priority = Literal["critical-path", "fifo", "lifo", "shortest", "longest"]
"""Which waiting call goes first when caps bind: the one with the longest chain of calls behind it (itself included, by
learned latencies), the one that was ready first or last, the one expected to be quickest or slowest."""


@dataclass(frozen=True, slots=True)
class Passes:
    """Switches of the compiler's passes. Each is harmless: results and final state are the same without it.

    Raises:
        ConfigurationError: A switch that is not True or False, or an unknown priority.
    """

    fold: bool = True
    """A pure call with arguments that were seen before is not made again, in any run of the compiler."""
    merge: bool = True
    """Identical pure and read calls are made once, also while under way and across concurrent runs."""
    drop: bool = True
    """Pure calls whose value nothing uses are not made."""
    batch: bool = True
    """Calls of a tool that declares `batch=` are made together where they are ready together."""
    priority: Priority = "critical-path"
    """Which waiting call goes first when caps bind."""

    def __post_init__(self) -> None:
        for f in fields(self):
            value = getattr(self, f.name)
            if f.name == "priority":
                if value not in get_args(Priority):
                    raise ConfigurationError(
                        f"Passes(priority={value!r}): use one of {', '.join(map(repr, get_args(Priority)))}"
                    )
            elif not isinstance(value, bool):
                raise ConfigurationError(f"Passes({f.name}={value!r}): give True or False")

    @classmethod
    def none(cls) -> Passes:
        """Every pass off, calls first come first served: the plan runs as it was written."""
        return cls(fold=False, merge=False, drop=False, batch=False, priority="fifo")


@dataclass(frozen=True, slots=True)
class Outlook:
    """What the compiler that made a plan knows of how it will run it."""

    latencies: Latencies | None = None
    concurrency: int | None = 16
    passes: Passes | None = None


@dataclass(slots=True)
class Foreseen:
    """What the passes found in a plan."""

    constants: set[int] = field(default_factory=set)
    """Calls whose value is the same in every run."""
    merged: dict[int, int] = field(default_factory=dict)
    """Calls that are not made, because an earlier one is the same; the id of that one."""
    dropped: list[int] = field(default_factory=list)
    """Calls that are not made, because nothing uses their value."""
    batches: list[list[int]] = field(default_factory=list)
    """Calls that may be made together."""
    notes: list[Note] = field(default_factory=list)

    def note(self, name: str, task_id: int | None, text: str) -> None:
        """Say what a pass did."""
        self.notes.append(Note(name, task_id, text))


def foresee(plan: Plan, tools: ToolRegistry, passes: Passes | None = None) -> Foreseen:
    """Every pass that is on, over a whole plan that was checked against `tools`, in order."""
    passes = passes or Passes()
    found = Foreseen()
    for name, step in PASSES:
        if getattr(passes, name):
            step(plan, tools, found)
    return found


def _fold(plan: Plan, tools: ToolRegistry, found: Foreseen) -> None:
    for task in plan.tasks:
        tool = tools.get(task.tool)
        if (
            tool is not None
            and tool.effect == "pure"
            and not tool.requires_approval
            and found.constants.issuperset(task.depends_on)
        ):
            found.constants.add(task.id)
            found.note("fold", task.id, "a constant: made once for all runs of the compiler")


def _merge(plan: Plan, tools: ToolRegistry, found: Foreseen) -> None:
    ordering: Ordering[int] = Ordering()

    def changed_since(earlier: int, task: Task) -> bool:
        access, _ = foreseen_access(task, tools[task.tool])
        return not access.nothing and ordering.changed_since(earlier, access)

    merging = Merging(tools, changed_since)
    for task in plan.tasks:
        if task.tool not in tools:
            continue
        same = merging.find(task)
        if same is None:
            access, known = foreseen_access(task, tools[task.tool])
            ordering.add(task.id, access, is_open=not known)
        else:
            found.merged[task.id] = same
            found.note("merge", task.id, f"the same call as task {same}: made once")


def _drop(plan: Plan, tools: ToolRegistry, found: Foreseen) -> None:
    found.dropped = unused(plan.tasks, plan.join, tools, found.merged)
    for i in found.dropped:
        found.note("drop", i, "not made: nothing uses its value")


def _batch(plan: Plan, tools: ToolRegistry, found: Foreseen) -> None:
    level: dict[int, int] = {}
    groups: dict[tuple[int, str], list[int]] = {}
    gone = {*found.merged, *found.dropped}
    for task in plan.tasks:
        level[task.id] = 1 + max((level.get(d, 0) for d in task.depends_on), default=0)
        tool = tools.get(task.tool)
        if tool is None or tool.options.batch is None or task.id in gone:
            continue
        groups.setdefault((level[task.id], task.tool), []).append(task.id)
        if task.each is not None:
            found.note(
                "batch", task.id, f"its items are made together, up to {tool.options.max_batch} at once"
            )
    for (_, name), ids in groups.items():
        if len(ids) > 1:
            found.batches.append(ids)
            shown = ", ".join(map(str, ids[:8])) + (", ..." if len(ids) > 8 else "")
            found.note("batch", None, f"{len(ids)} calls of `{name}` may be made as one: {shown}")


PASSES: tuple[tuple[str, Callable[[Plan, ToolRegistry, Foreseen], None]], ...] = (
    ("fold", _fold),
    ("merge", _merge),
    ("drop", _drop),
    ("batch", _batch),
)
"""Every pass that looks at plans, in order. `priority` is the last: it ranks what waits for a place under the caps."""


def mergeable(tool: Tool | None) -> bool:
    """Whether identical calls of a tool may be made once, whenever they are made in a run."""
    if tool is None or tool.requires_approval:
        return False
    # A read that says how long its results are good for is merged where that can be told: when it is made.
    cache = tool.options.cache
    return tool.effect == "pure" or (tool.effect == "read" and (cache is None or cache is True))


class Merging:
    """The merge pass, task by task: finds the earlier call that a task is the same as.

    Args:
        tools: The registry.
        changed_since: Whether a write placed after an earlier task touches what a task looks at.
        on: Whether calls of one round are merged; those of earlier rounds always are.
    """

    def __init__(
        self, tools: ToolRegistry, changed_since: Callable[[int, Task], bool], *, on: bool = True
    ) -> None:
        self.tools = tools
        self.on = on and any(map(mergeable, tools.values()))
        self._changed_since = changed_since
        self._keys: dict[int, Hashable] = {}
        self._same: dict[int, int] = {}
        self._made: dict[Hashable, int] = {}
        self._reusable: dict[Hashable, int] = {}
        self.stale: set[int] = set()
        """Tasks that are the same as an earlier one, but for a write that stands between."""

    def key(self, task: Task) -> Hashable:
        """A key that equal calls share."""
        key = self._keys.get(task.id)
        if key is None:
            key = self._keys[task.id] = call_key(task, self._same)
        return key

    @property
    def keys(self) -> Iterable[Hashable]:
        """The keys of every task seen so far."""
        return self._keys.values()

    def find(self, task: Task) -> int | None:
        """The task whose outcome this one may take over, or None; to be asked once for each task, in order."""
        merge = self.on and mergeable(self.tools.get(task.tool))
        if not merge and not self._reusable:
            return None
        key = self.key(task)
        earlier = self._reusable.get(key)
        if earlier is None and merge:
            earlier = self._made.get(key)
        if earlier is not None:
            if not self._changed_since(earlier, task):
                self._same[task.id] = earlier
                return earlier
            self.stale.add(task.id)
        if merge:
            self._made[key] = task.id
        return None

    @property
    def merged(self) -> Mapping[int, int]:
        """For each task that takes over the outcome of an earlier one, the id of that."""
        return self._same

    def see(self, task: Task) -> None:
        """A task that is not to be merged: it came late, and stands before some that were seen already."""
        self.key(task)

    def recall(self, task: Task) -> int | None:
        """As `find` for a task that came late: only what was made in an earlier round is taken over."""
        earlier = self._reusable.get(self.key(task))
        if earlier is None:
            return None
        if self._changed_since(earlier, task):
            self.stale.add(task.id)
            return None
        self._same[task.id] = earlier
        return earlier

    def forget(self, task: Task) -> None:
        """The task is not merged after all."""
        self._same.pop(task.id, None)

    def allow(self, task: Task) -> None:
        """From now on, tasks of any tool may take over the outcome of this one."""
        self._reusable[self.key(task)] = self._same.get(task.id, task.id)

    def refuse(self, task: Task) -> None:
        """The outcome of this task is not worth taking over."""
        key = self.key(task)
        if self._reusable.get(key) == task.id:
            del self._reusable[key]
        if self._made.get(key) == task.id:
            del self._made[key]


def unused(
    tasks: Iterable[Task], join: Join | None, tools: ToolRegistry, merged: Mapping[int, int] | None = None
) -> list[int]:
    """Pure calls whose value neither the answer nor any call that matters uses.

    With a bare `join()`, or none, every value is part of the answer.

    Args:
        tasks: The tasks of the plan.
        join: Its join.
        tools: The registry.
        merged: For tasks that take over the outcome of an earlier one, the id of that.
    """
    merged = merged or {}
    if join is None or join.ref is None:
        return []
    by_id = {t.id: t for t in tasks}
    stack = [join.ref.task]
    for task in by_id.values():
        tool = tools.get(task.tool)
        if tool is None or tool.effect != "pure" or tool.requires_approval:
            stack.append(task.id)
    needed: set[int] = set()
    while stack:
        i = stack.pop()
        if i not in needed and i in by_id:
            needed.add(i)
            stack.extend((merged[i],) if i in merged else by_id[i].depends_on)
    return [i for i in by_id if i not in needed]
