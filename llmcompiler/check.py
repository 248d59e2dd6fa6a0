"""What a plan means against a set of tools: names bound, arguments validated, references checked by declared types.

Pure: no call is made, no result is read. One `PlanChecker` serves one run, task by task as they stream in.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from .clauses import ClauseChecker
from .declared import DeclaredTypes, Loop
from .diagnostics import Diagnostic
from .errors import PlanError
from .findings import Findings, short
from .options import ItemPolicy
from .plan import Plan, Task
from .schemas import incompatible, kinds_text
from .signatures import type_text
from .values import Ref, Template, Value, Var, is_literal, references

if TYPE_CHECKING:
    from .parameters import Parameter
    from .tools import Tool, ToolRegistry

_SCALARS = (str, int, float, bool)
_PLACEHOLDER = re.compile(
    r"""\s*(?: <[^<>]*\b(?:result|results|output|value|answer|task|step|previous|above)\b[^<>]*>
          | \{\{?[^{}:]*\b(?:result|results|output|value|answer|task|step|previous|above)\b[^{}:]*\}\}?
          | \[[^\[\]]*\b(?:result|results|output|value|answer)\s+(?:of|from)\b[^\[\]]*\] )\s*\Z""",
    re.VERBOSE | re.IGNORECASE,
)
_LONGEST_PLACEHOLDER = 200
"""Characters. A longer text is no placeholder, and matching would take time that grows with its square."""
_MOST_ITEMS = 3
"""Items of a list in the plan that are told of, where several do not fit."""


class PlanChecker:
    """Checks tasks one by one, in the order they come.

    Args:
        tools: The registry the plan is written for; None checks references only.
        earlier: Tasks of earlier rounds, by id.
        on_item_error: What a failed item does to its `for` task, where its tool does not say.
    """

    def __init__(
        self,
        tools: ToolRegistry | None,
        earlier: Mapping[int, Task] | None = None,
        *,
        on_item_error: ItemPolicy = "fail",
    ) -> None:
        self.tools = tools
        self.known: dict[int, Task] = dict(earlier or {})
        self._clauses = ClauseChecker(DeclaredTypes(tools, self.known, on_item_error))
        self.broken: set[int] = set()
        """Ids declared by tasks that did not pass: what refers to them waits for the repair."""

    def check(self, task: Task, *, again: bool = False) -> tuple[Task | None, list[Diagnostic]]:
        """The task with its arguments bound, or None if it can not run, and what is wrong with it.

        With `again`, references may name any known task: a mended task comes after those that follow it.
        """
        found = Findings(task)
        if not isinstance(task.id, int) or isinstance(task.id, bool) or task.id < 1:
            found.error("bad-id", f"the task id is {task.id!r}, not a positive whole number")
            return None, found.items
        if task.id in self.known:
            found.error("duplicate-id", f"task {task.id} is there already", "give it the next free number")
            return None, found.items
        bound = self._examine(task, found, again)
        if bound is None:
            self.broken.add(task.id)
            return None, found.items
        self.broken.discard(task.id)
        self.known[task.id] = bound
        return bound, found.items

    def bind(self, task: Task) -> Task | None:
        """The task with its arguments bound, or None if it can not run; no note is taken of it."""
        return self._examine(task, Findings(task), again=True)

    def _examine(self, task: Task, found: Findings, again: bool) -> Task | None:
        self._references(task, found, again)
        loop = self._clauses.check(task, found)
        bound: Task | None = task
        if self.tools is not None:
            tool = self.tools.get(task.tool)
            if tool is None:
                self._unknown_tool(task, found)
            else:
                bound = self._bind(task, tool, loop, found)
        return None if found.failed else bound

    # -- references ------------------------------------------------------------

    def _references(self, task: Task, found: Findings, again: bool) -> None:
        for dep in task.depends_on:
            if dep in self.known or (dep in self.broken and dep != task.id):
                if dep == task.id or (dep > task.id and not again and dep not in self.known):
                    found.error("forward-reference", f"`${dep}` comes after task {task.id}", _EARLIER)
                continue
            if dep == task.id:
                found.error("self-reference", f"task {dep} refers to itself", _EARLIER, _key_of(task, dep))
            elif dep > task.id:
                found.error(
                    "forward-reference", f"`${dep}` is not an earlier task", _EARLIER, _key_of(task, dep)
                )
            else:
                found.error("unknown-reference", f"there is no task {dep}", _EARLIER, _key_of(task, dep))

    def _unknown_tool(self, task: Task, found: Findings) -> None:
        assert self.tools is not None
        near = difflib.get_close_matches(task.tool, list(self.tools), 3)
        names = list(self.tools)
        shown = ", ".join(names[:12]) + (f", … ({len(names)} in all)" if len(names) > 12 else "")
        hint = f"did you mean `{'`, `'.join(near)}`?" if near else f"there are: {shown or 'no tools'}"
        found.error("unknown-tool", f"there is no tool `{task.tool}`", hint, place="tool")

    # -- arguments ---------------------------------------------------------------

    def _bind(self, task: Task, tool: Tool, loop: Loop | None, found: Findings) -> Task | None:
        params = tool.params
        args = task.args
        bound: dict[str, Value] = {}
        names: list[str] | None = None
        changed = False
        for key, value in args.items():
            name = key
            position = None if key in params else _position(key)
            if position is not None:
                names = names or list(params)
                if position >= len(names):
                    found.error(
                        "extra-argument",
                        f"`{tool.name}` takes {len(names)} argument{'s' * (len(names) != 1)}, not {_positional(args)}",
                        f"call it as {tool.signature}",
                        key,
                    )
                    continue
                name = names[position]
                changed = True
            if name in bound:
                found.error("duplicate-argument", f"`{name}` is given twice", "", key)
                continue
            param = params.get(name)
            if param is None:
                if tool.extra_arguments:
                    bound[name] = value
                else:
                    self._extra(tool, name, key, found)
                continue
            fitted = self._fit(tool, param, value, key, loop, found)
            changed = changed or fitted is not value
            bound[name] = fitted
        for param in params.values():
            if param.required and param.name not in bound:
                found.error(
                    "missing-argument",
                    f"`{tool.name}` needs `{param.name}`",
                    f"call it as {tool.signature}",
                    place="tool",
                )
        if found.failed:
            return None
        return replace(task, args=bound) if changed else task

    def _extra(self, tool: Tool, name: str, key: str, found: Findings) -> None:
        near = difflib.get_close_matches(name, list(tool.params), 1)
        hint = f"did you mean `{near[0]}`? " if near else ""
        found.error(
            "extra-argument",
            f"`{tool.name}` has no argument `{name}`",
            f"{hint}call it as {tool.signature}",
            key,
        )

    def _fit(
        self, tool: Tool, param: Parameter, value: Value, key: str, loop: Loop | None, found: Findings
    ) -> Value:
        kind = type(value)
        if kind is Ref or kind is Var:
            self._check_name(tool, param, value, key, loop, found)
            return value
        if kind is Template:
            if len(value.parts) == 1 and not param.takes_text and not isinstance(value.parts[0], str):
                # "$1" in quotes where text can not be meant: the value itself is.
                return self._fit(tool, param, value.parts[0], key, loop, found)
            self._clauses.parts(value, loop, found, key)
            return value
        if kind is not str and kind is not int and not is_literal(value):
            self._clauses.parts(value, loop, found, key)
            return value
        if kind is str and len(value) <= _LONGEST_PLACEHOLDER and _PLACEHOLDER.match(value):
            found.error(
                "wrong-type",
                f"`{param.name}` is a placeholder, not a value: {short(value)}",
                "refer to the task that finds it, as $1 or $1.field",
                key,
            )
            return value
        try:
            fitted = param.validate(value)
        except ValueError as e:
            reason = str(e).replace("\n", "; ")
            found.error(
                "wrong-type",
                f"`{param.name}` of `{tool.name}`: {reason}",
                f"it takes {type_text(param.schema, tool.defs)}",
                key,
            )
            return value
        # Scalars are kept as coerced; anything richer (dates, records) is made anew from the literal at the call.
        return (
            fitted
            if type(fitted) is not kind and isinstance(fitted, _SCALARS) and kind in _SCALARS
            else value
        )

    def _check_name(
        self, tool: Tool, param: Parameter, name: Ref | Var, key: str, loop: Loop | None, found: Findings
    ) -> None:
        """Whether what a reference or a loop variable stands for can fit a parameter."""
        schema, defs, problem, _ = self._clauses.part(name, loop, found, key)
        if problem is None and loop is not None and isinstance(name, Var):
            self._check_items(tool, param, loop.written(name.path), key, found)
        if schema is None or param.takes_more:
            return
        if incompatible(schema, defs, param.schema, tool.defs):
            fields = schema.get("properties")
            given = kinds_text(schema, defs)
            hint = f"its fields are {', '.join(fields)}" if fields else f"it is {given}"
            takes = type_text(param.schema, tool.defs)
            found.error("wrong-type", f"`{name}` is {given}, but `{param.name}` takes {takes}", hint, key)

    def _check_items(
        self, tool: Tool, param: Parameter, items: list[Value], key: str, found: Findings
    ) -> None:
        told = 0
        for position, value in enumerate(items):
            inner = Findings(found.task)
            self._fit(tool, param, value, key, None, inner)
            for problem in inner.items:
                found.error(
                    problem.code, f"item {position} of the list: {problem.message}", problem.hint, key
                )
            told += inner.failed
            if told == _MOST_ITEMS:
                break


_EARLIER = "a task may refer to tasks written before it"


def _position(key: str) -> int | None:
    """The position that stands for a name as long as an argument is not bound; None for a name."""
    return int(key) if key.isascii() and key.isdigit() and len(key) < 9 else None


def _positional(args: Mapping[str, Value]) -> int:
    return sum(_position(k) is not None for k in args)


def _key_of(task: Task, dep: int) -> str | None:
    for key, value in task.args.items():
        if any(r.task == dep for r in references(value)):
            return key
    return None


def check_plan(
    plan: Plan,
    tools: Iterable[Any] | ToolRegistry | None,
    *,
    earlier: Iterable[int] | Mapping[int, Task] = (),
    diagnostics: Iterable[Diagnostic] = (),
    on_item_error: ItemPolicy = "fail",
) -> Plan:
    """The plan with every task bound to `tools`.

    Args:
        plan: The plan.
        tools: The tools, or None to check references only.
        earlier: Finished tasks of earlier rounds, by id (or only their ids).
        diagnostics: What the parser found already.
        on_item_error: What a failed item does to its `for` task, where its tool does not say.

    Raises:
        PlanError: Something is wrong; `.diagnostics` lists everything, in the order of the text.
    """
    from .tools import ToolRegistry

    registry = tools if tools is None or isinstance(tools, ToolRegistry) else ToolRegistry(tools)
    if registry is not None and plan.__dict__.get("_checked") is registry:
        return plan
    before = earlier if isinstance(earlier, Mapping) else {i: Task(i, "") for i in earlier}
    found = list(diagnostics)
    checker = PlanChecker(registry, before, on_item_error=on_item_error)
    # Tasks the parser refused are reported already; what refers to them needs no second complaint.
    checker.broken.update(d.task_id for d in found if d.task_id is not None and d.severity == "error")
    checker.broken.difference_update(t.id for t in plan.tasks)
    tasks = []
    for task in plan.tasks:
        bound, problems = checker.check(task)
        found.extend(problems)
        if bound is not None:
            tasks.append(bound)
    if plan.join is not None and plan.join.ref is not None and plan.join.ref.task not in checker.known:
        target = plan.join.ref.task
        if target not in checker.broken:
            found.append(
                Diagnostic("unknown-reference", f"join(${target}): there is no task {target}", 0, 0, _EARLIER)
            )
    if any(d.severity == "error" for d in found):
        raise PlanError(sorted(found, key=lambda d: (d.line, d.column)))
    checked = Plan(tuple(tasks), plan.join)
    if registry is not None:
        # Remembered so that executing a checked plan with the same tools does not check it again.
        checked.__dict__["_checked"] = registry
    return checked


__all__ = ["PlanChecker", "check_plan"]
