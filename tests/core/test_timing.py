"""Where the time of a run went: paths over both kinds of edges, work item by item."""

from __future__ import annotations

import pytest

from llmcompiler import Failed, Ref, Succeeded, Task, TaskResult
from llmcompiler.plan import Each
from llmcompiler.result import ItemResult, Spans
from llmcompiler.timing import critical_path, timing


def ran(i: int, start: float | None, finish: float, *needs: int, **more: object) -> TaskResult:
    task = Task(i, "a", {str(k): Ref(d) for k, d in enumerate(needs)}, each=more.pop("each", None))  # type: ignore[arg-type]
    return TaskResult(task, Succeeded(i), 1, 0.0, start, finish, 1, **more)  # type: ignore[arg-type]


def test_order_by_effects_is_on_the_path() -> None:
    tasks = {1: ran(1, 0.0, 1.0), 2: ran(2, 1.0, 3.0, after=(1,)), 3: ran(3, 0.0, 2.5)}
    assert critical_path(tasks) == (3.0, [1, 2])
    assert critical_path({**tasks, 2: ran(2, 1.0, 3.0)}) == (2.5, [3])


def test_a_loop_counts_as_its_slowest_item_and_works_as_all_of_them() -> None:
    items = (
        ItemResult(Succeeded(1), 1.0, 3.0),
        ItemResult(Failed(ValueError()), 3.0, 6.0),
        ItemResult(Succeeded(1), None, 1.0, via="cache"),
    )
    tasks = {1: ran(1, 0.0, 1.0), 2: ran(2, 1.0, 6.0, 1, items=items, each=Each("x", Ref(1)))}
    assert critical_path(tasks) == (4.0, [1, 2]), "with room, its items run side by side"
    found = timing(tasks, Spans(total=7.0))
    assert (found.makespan, found.sequential) == (6.0, pytest.approx(6.0))


def test_no_path_is_longer_than_the_run() -> None:
    """The slow item waited for nothing, but its `for` is ordered after task 1 for the sake of another one."""
    items = (ItemResult(Succeeded(1), 3.0, 4.0), ItemResult(Succeeded(2), 0.0, 3.0))
    tasks = {1: ran(1, 0.0, 3.0), 2: ran(2, 0.0, 4.0, after=(1,), items=items, each=Each("x", [1, 2]))}
    assert critical_path(tasks)[0] == 6
    assert timing(tasks, Spans()).critical_path == timing(tasks, Spans()).makespan == 4
