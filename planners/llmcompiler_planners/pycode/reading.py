"""Python plans from text to items, in pieces or at once. What statements mean is in `lowering`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from llmcompiler.diagnostics import Diagnostic
from llmcompiler.plan import Join, Plan, Task
from llmcompiler.tools import ToolRegistry

from .lowering import Item, Lowering
from .reader import Comment, StatementReader


class PythonPlanReader:
    """Reads a Python plan that arrives in pieces. Any chunking of a text gives the same items.

    Args:
        tools: The registry; None where tools are not known: then any name that is called is one.
        shown: Names of the tools offered, of which the first that takes a formula does arithmetic; None for all.
        next_id: The id of the first task.
        known: Tasks that may be referred to, by id.
        variables: What names stand for at the beginning: values of the plan language.
    """

    def __init__(
        self,
        tools: ToolRegistry | None = None,
        *,
        shown: Iterable[str] | None = None,
        next_id: int = 1,
        known: Mapping[int, Task] | None = None,
        variables: Mapping[str, Any] | None = None,
    ) -> None:
        self._reader = StatementReader()
        self._lowering = Lowering(tools, shown=shown, next_id=next_id, known=known, variables=variables)
        self._useful = False

    @property
    def next_id(self) -> int:
        """The id that the next task will have."""
        return self._lowering.next_id

    def feed(self, text: str) -> Iterator[Item]:
        """Take the next piece; gives the items that are complete now, nothing after a join."""
        return self._items(self._reader.feed(text))

    def close(self) -> Iterator[Item]:
        """The text is over: gives what is left, and a join where there was any code."""
        yield from self._items(self._reader.close())
        if self._useful and (join := self._lowering.close()) is not None:
            yield join

    def _items(self, pieces: Iterator[Any]) -> Iterator[Item]:
        for piece in pieces:
            if isinstance(piece, Comment):
                yield from self._lowering.thought(piece.text)
                continue
            for item in self._lowering.lower(piece):
                self._useful = self._useful or isinstance(item, (Task, Join))
                self._useful = self._useful or (isinstance(item, Diagnostic) and item.severity == "error")
                yield item


def read_python_plan(
    text: str, tools: ToolRegistry | Iterable[Any] | None = None
) -> tuple[Plan, list[Diagnostic]]:
    r"""The plan that Python text stands for, and what is wrong with it.

    Nothing is executed. Tasks are numbered in order from 1; a statement with an error takes a number and gives no
    task. Arguments are not bound or validated: `llmcompiler.check.check_plan` does that.

    Args:
        text: The text, with or without a code fence.
        tools: The tools it calls; None where they are not known: arithmetic on results has no tool then.

    ```python
    from llmcompiler_planners.pycode import read_python_plan

    plan, problems = read_python_plan('a = search("K2")\nb = search("Everest")\nreturn compare(a.height, b.height)')
    assert str(plan.tasks[2]) == "3. compare($1.height, $2.height)" and not problems
    ```
    """
    registry = tools if tools is None or isinstance(tools, ToolRegistry) else ToolRegistry(tools)
    reader = PythonPlanReader(registry)
    tasks: list[Task] = []
    found: list[Diagnostic] = []
    join: Join | None = None
    for items in (reader.feed(text), reader.close()):
        for item in items:
            if isinstance(item, Task):
                tasks.append(item)
            elif isinstance(item, Diagnostic):
                found.append(item)
            elif isinstance(item, Join):
                join = item
    return Plan(tuple(tasks), join), found


__all__ = ["PythonPlanReader", "read_python_plan"]
