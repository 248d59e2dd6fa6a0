"""Plans as JSON: text in any chunks to plan items, and a plan to the JSON a model is to write.

The form is that of `Plan.model_dump_json()`, with references as plain strings: `placeholders` says how strings are
read. No model and no prompt here.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from llmcompiler.diagnostics import Diagnostic
from llmcompiler.language import print_guard, task_to_json
from llmcompiler.plan import Join, Plan, Task, Thought
from llmcompiler.values import Ref, Template, Value, Var

from .json_stream import JSONSplitter, Piece
from .json_text import key_offsets
from .placeholders import CallReader

if TYPE_CHECKING:
    from llmcompiler.language import Item
    from llmcompiler.models.base import ModelChunk
    from llmcompiler.tools import Tool

_WITH_NAME = frozenset({"args", "arguments", "parameters"})
_LIST_HINT = 'write {"tasks": [{"id": 1, "tool": "name", "args": {}}], "join": ""}'


class JSONPlanReader:
    """Reads a plan in JSON that arrives in chunks of any size; every task comes out when its object is complete.

    Nothing is raised for any text, what comes out depends on the text alone, and the time taken is linear in it.

    Args:
        earlier: Ids of tasks that exist already; references may name them.
        redeclare: Those of them that may be written again, as in a repair.
        tools: Where given, a `null` for an optional argument that takes none means that it is left out.
    """

    def __init__(
        self,
        *,
        earlier: Iterable[int] = (),
        redeclare: Iterable[int] = (),
        tools: Mapping[str, Tool] | None = None,
    ) -> None:
        self.cut = ""
        """What the text ends in the middle of, once it is closed; empty where the plan is whole."""
        self._calls = CallReader(earlier, redeclare, tools)
        self._splitter = JSONSplitter()
        self._joined = False

    @property
    def ended(self) -> bool:
        """Whether the plan is complete; what follows is not read."""
        return self._joined or self._splitter.ended

    def feed(self, chunk: ModelChunk) -> Iterator[Item]:
        """What is complete with the next chunk."""
        return self.take(chunk.text)

    def take(self, text: str) -> Iterator[Item]:
        """What is complete with the next piece of text."""
        for piece in self._splitter.feed(text):
            yield from self._items(piece)

    def close(self) -> Iterator[Item]:
        """What is left at the end of the text."""
        for piece in self._splitter.close():
            yield from self._items(piece)

    def _items(self, piece: Piece) -> Iterator[Item]:
        source = piece.source
        place = source.place(0)
        if self._joined or piece.kind == "end":
            return
        if piece.kind in ("task", "single"):
            if piece.kind == "single" and not _may_be_task(source.text):
                return
            yield from self._made(*self._calls.read(source))
        elif piece.kind == "join":
            yield from self._made(*self._calls.read_join(source))
        elif piece.kind == "cut":
            self.cut = "a task" if source.text else "the plan"
            message = f"the text ends in the middle of {self.cut}" + (
                "; it is left out" if source.text else ""
            )
            yield Diagnostic("cut-off", message, place.line, place.column, "", "warning", None, place.source)
        elif piece.kind == "unclosed":
            message = "the plan is not closed; closed at the end of the text"
            hint = "close every bracket"
            yield Diagnostic("unclosed", message, place.line, place.column, hint, "warning")
        else:
            message = "`tasks` is not a list"
            yield Diagnostic(
                "syntax", message, place.line, place.column, _LIST_HINT, "error", None, place.source
            )

    def _made(self, made: Task | Join | None, told: list[Diagnostic]) -> Iterator[Item]:
        yield from told
        if isinstance(made, Task) and made.thought:
            yield Thought(made.thought)
        if made is not None:
            self._joined = isinstance(made, Join)
            yield made


def _may_be_task(text: str) -> bool:
    keys = key_offsets(text, 1)
    return "tool" in keys or ("name" in keys and not _WITH_NAME.isdisjoint(keys))


def read_json_plan(
    text: str, *, earlier: Iterable[int] = (), tools: Mapping[str, Tool] | None = None
) -> tuple[Plan, list[Diagnostic]]:
    """The plan that JSON text spells, as far as it can be read, and everything wrong with it. Never raises.

    A task that the text ends in the middle of is left out, with a `cut-off` warning.

    Args:
        text: The plan in JSON, with whatever a model writes round it.
        earlier: Ids of finished tasks of earlier rounds that references may name.
        tools: Where given, a `null` for an optional argument that takes none means that it is left out.
    """
    reader = JSONPlanReader(earlier=earlier, tools=tools)
    return collected([*reader.take(text), *reader.close()])


def collected(items: Iterable[Item]) -> tuple[Plan, list[Diagnostic]]:
    """The plan that items make, and the diagnostics among them."""
    made = list(items)
    join = next((i for i in made if isinstance(i, Join)), None)
    plan = Plan(tuple(i for i in made if isinstance(i, Task)), join)
    return plan, [i for i in made if isinstance(i, Diagnostic)]


# -- plan → JSON -----------------------------------------------------------------------------------


def json_plan_text(plan: Plan) -> str:
    """The plan as a model is to write it: `read_json_plan` of it gives the same plan."""
    tasks = ",\n".join(json.dumps(_task(task), ensure_ascii=False) for task in plan.tasks)
    join = "null" if plan.join is None else json.dumps("" if plan.join.ref is None else str(plan.join.ref))
    return f'{{"tasks": [\n{tasks}\n], "join": {join}}}' if tasks else f'{{"tasks": [], "join": {join}}}'


def _task(task: Task) -> dict[str, Any]:
    made: dict[str, Any] = {}
    thought = task_to_json(replace(task, args={})).get("thought")
    if thought or task.each is not None or task.when is not None:
        each = task.each
        made["thought"] = thought
        made["for"] = None if each is None else {"name": each.name, "in": value_text(each.source)}
        made["if"] = None if task.when is None else print_guard(task.when)
    args: Any = {key: value_text(value) for key, value in task.args.items()}
    if args and all(key.isdigit() for key in args):
        args = list(args.values())
    return made | {"id": task.id, "tool": task.tool, "args": args}


def with_names(plan: Plan, tools: Mapping[str, Tool]) -> Plan:
    """The plan with the names of parameters in the place of positions, as far as they are known."""
    tasks = []
    for task in plan.tasks:
        names = list(tools[task.tool].params) if task.tool in tools else []
        args = {
            names[int(key)] if key.isdigit() and int(key) < len(names) else key: value
            for key, value in task.args.items()
        }
        tasks.append(replace(task, args=args))
    return Plan(tuple(tasks), plan.join)


def value_text(value: Value) -> Any:
    """A value as a model is to write it in JSON: references are strings."""
    if isinstance(value, Ref):
        return str(value)
    if isinstance(value, Var):
        return value.braced
    if isinstance(value, Template):
        return {"$template": str(value)} if len(value.parts) == 1 else str(value)
    if isinstance(value, str):
        return value.replace("$", "$$")
    if isinstance(value, (list, tuple)):
        return [value_text(item) for item in value]
    if isinstance(value, Mapping):
        if any(key.startswith("$") for key in value):
            return {"$dict": [[key, value_text(item)] for key, item in value.items()]}
        return {key: value_text(item) for key, item in value.items()}
    return value


__all__ = ["JSONPlanReader", "collected", "json_plan_text", "read_json_plan", "value_text", "with_names"]
