"""Reading the JSON form of a plan: its tasks, its join, and whether their references hold together.

Problems are collected, each with its place; nothing here raises for bad input.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Iterable, Iterator, Mapping
from itertools import islice
from typing import Any

from ..errors import PlanError
from ..guards import BoolOp, Compare, Guard, Not, Truth
from ..plan import Each, Join, Plan, Task
from ..values import Ref, Template, Value, Var
from .json_values import (
    ValueReader,
    at,
    is_argument_name,
    is_int,
    is_tool_name,
    is_variable_name,
    joined,
    short,
)
from .parser import parse_guard
from .printer import thought_lines
from .references import MAX_ID

_TASK_KEYS = ("id", "tool", "args", "thought", "for", "if")
_PLAN_KEYS = ("tasks", "join")


def _variables(*things: Any) -> Iterator[str]:
    """Names of the loop variables in values and guards."""
    stack: list[Any] = list(things)
    while stack:
        item = stack.pop()
        if isinstance(item, Var):
            yield item.name
        elif isinstance(item, Template):
            stack.extend(item.parts)
        elif isinstance(item, (list, tuple)):
            stack.extend(item)
        elif isinstance(item, Mapping):
            stack.extend(item.values())
        elif isinstance(item, Truth):
            stack.append(item.value)
        elif isinstance(item, Compare):
            stack += [item.left, item.right]
        elif isinstance(item, Not):
            stack.append(item.operand)
        elif isinstance(item, BoolOp):
            stack.extend(item.operands)


class PlanReader(ValueReader):
    """Reads one plan; collects every problem, and goes on with what is left.

    Args:
        earlier: Ids of tasks that exist already; references may name them.
        redeclare: Those of them that may be written again, as in a repair.
    """

    def __init__(self, earlier: Iterable[int], redeclare: Iterable[int] = ()) -> None:
        super().__init__()
        self._earlier = frozenset(earlier)
        self._taken = self._earlier.difference(redeclare)
        self._named: Container[int] | None = None
        """Ids that `$7` in the strings of a condition may name; None for any."""

    # -- plan and tasks ------------------------------------------------------

    def plan(self, data: Any) -> Plan:
        """The plan that `data` stands for; of worth only where `problems` stays empty."""
        if not isinstance(data, Mapping):
            self.report(
                "syntax", "the plan", f"an object is needed, not {short(data)}", 'give {"tasks": [...]}'
            )
            return Plan()
        self._known_keys(data, "the plan", _PLAN_KEYS)
        items = data.get("tasks")
        if not isinstance(items, (list, tuple)):
            problem = f"a list is needed, not {short(items)}" if "tasks" in data else "missing"
            self.report("syntax", "tasks", problem, 'give "tasks": [...], which may be empty')
            items = []
        ids = [item.get("id") if isinstance(item, Mapping) else None for item in items]
        later = Counter(value for value in ids if is_int(value))
        seen: set[int] = set()
        tasks = []
        for i, item in enumerate(items):
            place = f"tasks[{i}]"
            self.task_id = ids[i] if is_int(ids[i]) else None
            task = self.task(item, place, seen)
            if self.task_id is not None:
                later[self.task_id] -= 1
                seen.add(self.task_id)
            if task is not None:
                self.check_references(task, place, seen, later)
                tasks.append(task)
        self.task_id = None
        return Plan(tuple(tasks), self._join(data.get("join"), seen))

    def _known_keys(self, data: Mapping[Any, Any], place: str, known: tuple[str, ...]) -> None:
        for key in data:
            if key not in known:
                self.report("syntax", place, f"unknown key {short(key)}", f"the keys are {', '.join(known)}")

    def task(self, item: Any, place: str, seen: set[int]) -> Task | None:
        """The task that `item` stands for; of worth only where nothing more was reported.

        `seen` has the ids of the tasks before it.
        """
        if not isinstance(item, Mapping):
            hint = 'a task is {"id": 1, "tool": "name", "args": {}}'
            self.report("syntax", place, f"an object is needed, not {short(item)}", hint)
            return None
        self._known_keys(item, place, _TASK_KEYS)
        task_id = self._id(item, place, seen)
        tool = self._tool(item, place)
        args = self._args(item.get("args"), f"{place}.args")
        each = self._each(item["for"], f"{place}.for") if item.get("for") is not None else None
        when = self._when(item["if"], f"{place}.if", each) if item.get("if") is not None else None
        thought = item.get("thought")
        if thought is not None and not isinstance(thought, str):
            self.report("syntax", f"{place}.thought", f"text is needed, not {short(thought)}")
            thought = None
        # Made in any case, with what could be read: its references are checked too.
        return Task(
            id=task_id,
            tool=tool,
            args=args,
            each=each,
            when=when,
            thought="\n".join(thought_lines(thought)) or None,
        )

    def _id(self, item: Mapping[str, Any], place: str, seen: set[int]) -> int:
        value = item.get("id")
        hint = "number the tasks 1, 2, 3, ..."
        if not is_int(value) or not 1 <= value <= MAX_ID:
            problem = f"{short(value)} is not a small positive number" if "id" in item else "missing"
            self.report("bad-id", f"{place}.id", problem, hint)
            return 0
        if value in seen or value in self._taken:
            where = "this plan" if value in seen else "an earlier round"
            self.report("duplicate-id", f"{place}.id", f"{where} has a task {value} already", hint)
        return int(value)

    def _tool(self, item: Mapping[str, Any], place: str) -> str:
        value = item.get("tool")
        if not isinstance(value, str) or not is_tool_name(value):
            problem = f"{short(value)} is not the name of a tool" if "tool" in item else "missing"
            self.report("syntax", f"{place}.tool", problem, "a name has letters, digits, `_`, `-` and `.`")
            return ""
        return value

    def _args(self, data: Any, place: str) -> dict[str, Value]:
        if data is None:
            return {}
        if isinstance(data, (list, tuple)):
            return {str(i): self.value(item, f"{place}[{i}]") for i, item in enumerate(data)}
        if not isinstance(data, Mapping):
            self.report("syntax", place, f"an object or a list is needed, not {short(data)}")
            return {}
        args = {}
        for key, item in data.items():
            if not isinstance(key, str) or not is_argument_name(key):
                self.report(
                    "syntax", place, f"{short(key)} is not the name of an argument", "use the tool's names"
                )
                continue
            args[key] = self.value(item, at(place, key))
        positions = sum(key.isdigit() for key in args)
        for i in range(positions):
            if str(i) not in args:
                self.report(
                    "missing-argument", place, f"positional argument {i} is not there", "count from 0"
                )
                break
        return args

    def _each(self, data: Any, place: str) -> Each | None:
        if not isinstance(data, Mapping):
            hint = 'give {"name": "city", "in": {"$ref": "1.cities"}}'
            self.report("syntax", place, f"an object is needed, not {short(data)}", hint)
            return None
        self._known_keys(data, place, ("name", "in"))
        name = data.get("name")
        if not isinstance(name, str) or not is_variable_name(name):
            self.report(
                "syntax", f"{place}.name", f"{short(name)} is not a name", "use letters, digits and `_`"
            )
            return None
        source = self.value(data.get("in"), f"{place}.in")
        if not isinstance(source, (Ref, list)):
            self.report(
                "syntax", f"{place}.in", "a list or a reference is needed", 'for example {"$ref": "1.cities"}'
            )
            return None
        if isinstance(source, list) and any(_variables(source)):
            self.report("bad-reference", f"{place}.in", "a loop variable has no value here", "refer to tasks")
        return Each(name, source)

    def _when(self, data: Any, place: str, each: Each | None) -> Guard | None:
        if not isinstance(data, str):
            self.report("syntax", place, f"text is needed, not {short(data)}", 'for example "$3 > 1.4"')
            return None
        try:
            variables = () if each is None else (each.name,)
            return parse_guard(joined(data), variables=variables, known=self._named)
        except PlanError as exc:
            for found in exc.diagnostics:
                self.report(found.code, place, found.message, found.hint)
            return None

    def _join(self, data: Any, seen: set[int]) -> Join | None:
        hint = '{} asks the joiner; {"$ref": "3"} makes the value of task 3 the answer'
        if data is None:
            return None
        if not isinstance(data, Mapping):
            self.report("join-arguments", "join", f"an object is needed, not {short(data)}", hint)
            return None
        if not data:
            return Join()
        if list(data) != ["$ref"]:
            self.report("join-arguments", "join", "it takes nothing or one reference", hint)
            return None
        ref = self.ref(data["$ref"], "join")
        if ref is None:
            return None
        if ref.task not in seen and ref.task not in self._earlier:
            self.report("unknown-reference", "join", f"no task {ref.task} in the plan", self._known(seen))
        return Join(ref)

    # -- references ----------------------------------------------------------

    def check_references(self, task: Task, place: str, seen: set[int], later: Mapping[int, int]) -> None:
        """Report references to tasks that are not there; `later` has how many with an id are still to come."""
        for n in task.depends_on:
            if n == task.id:
                self.report("self-reference", place, f"task {n} refers to itself", self._known(seen, but=n))
            elif n in seen or n in self._earlier:
                continue
            elif later.get(n):
                self.report(
                    "forward-reference",
                    place,
                    f"task {n} comes later",
                    f"move task {n} before task {task.id}",
                )
            else:
                self.report(
                    "unknown-reference", place, f"no task {n} in the plan", self._known(seen, but=task.id)
                )

        for name in _variables(*task.args.values(), task.when):
            if task.each is None or name != task.each.name:
                hint = (
                    "refer to tasks by number"
                    if task.each is None
                    else f"the variable here is {task.each.name}"
                )
                self.report(
                    "bad-reference", place, f"{short(name)} is not a loop variable of this task", hint
                )

    def _known(self, seen: set[int], but: int | None = None) -> str:
        ids = sorted(n for n in {*islice(seen, 20), *islice(self._earlier, 20)} if n != but)[:10]
        return f"earlier tasks: {', '.join(f'${n}' for n in ids)}" if ids else "there is no earlier task"
