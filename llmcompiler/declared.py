"""What is known of values before they are there: types of results and loop variables, as tools declare them. Pure.

Every answer is cautious: where nothing is declared, or what is declared need not hold, nothing is known.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from .options import ItemPolicy
from .plan import Each, Task
from .schemas import field_schema, incompatible, list_fields
from .values import PathStep, Ref, Value

if TYPE_CHECKING:
    from .tools import Tool, ToolRegistry

Schema = Mapping[str, Any]
_LIST: Schema = {"type": "array"}
_COLLECTED: Schema = {"type": "object", "properties": {"error": {"type": "string"}}}


class Declared(NamedTuple):
    """What is declared of one value."""

    schema: Schema | None
    """Its JSON schema; None where nothing is known."""
    defs: Schema
    """What `$ref`s in it point to."""
    problem: tuple[str, str] | None = None
    """What it lacks, and a hint, where the declared type can not have the part that is named."""
    owner: str = ""
    """What lacks it."""

    @property
    def is_no_list(self) -> bool:
        """Whether it can never be gone through."""
        return self.schema is not None and incompatible(self.schema, self.defs, _LIST, {})

    @property
    def lists(self) -> list[str]:
        """Its fields that are lists."""
        return [] if self.schema is None else list_fields(self.schema, self.defs)


UNKNOWN = Declared(None, {})


class DeclaredTypes:
    """The types of results in a plan.

    Args:
        tools: The registry; None where tools are not known.
        known: The tasks, by id; may grow.
        on_item_error: What a failed item does to its `for` task, where its tool does not say.
    """

    def __init__(
        self, tools: ToolRegistry | None, known: Mapping[int, Task], on_item_error: ItemPolicy = "fail"
    ) -> None:
        self._tools = tools
        self._known = known
        self._on_item_error = on_item_error

    def of(self, ref: Ref) -> Declared:
        """The type of what `ref` names."""
        source = self._known.get(ref.task)
        if source is None:
            return UNKNOWN
        tool = self._tools.get(source.tool) if self._tools is not None else None
        returns = _returns(tool)
        if source.each is not None:
            return self._of_list(ref, source, tool, returns)
        if returns is None:
            return UNKNOWN
        defs = returns.get("$defs", {})
        schema, problem = field_schema(returns, defs, ref.path)
        return Declared(schema, defs, problem, f"the result of `{source.tool}`")

    def _of_list(self, ref: Ref, source: Task, tool: Tool | None, returns: Schema | None) -> Declared:
        declared = tool.options.on_item_error if tool is not None else None
        policy = declared or self._on_item_error
        items = {} if returns is None or policy == "collect" else returns
        defs = items.get("$defs", {})
        schema, problem = field_schema({"type": "array", "items": items}, defs, ref.path)
        if problem is None:
            return Declared(schema, defs)
        if isinstance(ref.path[0], str):
            part = Ref(ref.task, (0, *ref.path))
            hint = f"take it of one item, as in `{part}`, or go through the items with a `for`"
            return Declared(
                None, defs, (f"no `{ref.path[0]}`: it is a list", hint), f"the result of the `for` {ref.task}"
            )
        if declared is None and field_schema(_COLLECTED, {}, ref.path[1:])[1] is None:
            return UNKNOWN  # the run may collect errors, even where this check was not told
        return Declared(None, defs, problem, f"an item of the results of `{source.tool}`")


class Loop:
    """The loop variable of one task: what is known of the items it stands for.

    Args:
        each: The `for`.
        types: The types of results.
        broken: Whether the list itself is wrong, so that nothing can be said of its items.
        picked: Whether a condition picks items, so that what is wrong with one of them may never come up.
    """

    def __init__(
        self, each: Each, types: DeclaredTypes, *, broken: bool = False, picked: bool = False
    ) -> None:
        self.name = each.name
        self._source = each.source
        self._types = types
        self._broken = broken
        self._picked = picked

    def of(self, path: tuple[PathStep, ...]) -> Declared:
        """The type of the loop variable, or a part of it; of a list in the plan only whether each item has the part."""
        source = self._source
        if self._broken:
            return UNKNOWN
        if not isinstance(source, Ref):
            return next(self._lacking(path), UNKNOWN)
        found = self._types.of(Ref(source.task, (*source.path, 0, *path)))
        return found._replace(owner=f"an item of `{source}`")

    def written(self, path: tuple[PathStep, ...]) -> list[Value]:
        """The loop variable, or a part of it, for each item of a list that is written in the plan and all used."""
        return [part for part, _ in self._parts(path)]

    def _parts(self, path: tuple[PathStep, ...]) -> Iterator[tuple[Value, tuple[PathStep, ...]]]:
        """The part of every written item, and what of the path leads nowhere."""
        if not self._broken and not self._picked and isinstance(self._source, (list, tuple)):
            for item in self._source:
                yield _follow(item, path)

    def _lacking(self, path: tuple[PathStep, ...]) -> Iterator[Declared]:
        for position, (part, rest) in enumerate(self._parts(path)):
            owner = f"item {position} of the list"
            if rest:
                hint = f"its fields are {', '.join(part)}" if isinstance(part, Mapping) and part else ""
                yield Declared(None, {}, (f"no `{rest[0]}`", hint), owner)
            elif isinstance(part, Ref) and path:
                declared = self._types.of(part)
                if declared.problem is not None:
                    yield declared._replace(owner=f"{owner}, {declared.owner},")


def _follow(value: Value, path: tuple[PathStep, ...]) -> tuple[Value, tuple[PathStep, ...]]:
    """The part of a written value that `path` leads to, and what of the path leads nowhere."""
    for done, step in enumerate(path):
        if isinstance(value, Ref):
            return Ref(value.task, value.path + path[done:]), ()
        if isinstance(value, Mapping):
            key = next((k for k in (step, str(step)) if k in value), None)
            if key is None:
                return value, path[done:]
            value = value[key]
        elif isinstance(value, (list, tuple)) and isinstance(step, int) and -len(value) <= step < len(value):
            value = value[step]
        else:
            return value, path[done:]
    return value, ()


def _returns(tool: Tool | None) -> Schema | None:
    """The schema that every result of a tool fits; None where none does for certain."""
    if tool is None or tool.gives_other:
        return None
    if tool.fallback is not None and _returns(tool.fallback) != tool.returns:
        return None
    return tool.returns
