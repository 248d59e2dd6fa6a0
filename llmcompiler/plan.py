"""The plan: tasks in order and a join. This is the compiler's intermediate representation.

Plans are immutable. Text and JSON forms live in `llmcompiler.language`; what a plan means against a set of
tools is checked in `llmcompiler.check`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from types import EllipsisType
from typing import TYPE_CHECKING, Any

from ._displayed import Displayed
from ._fact import fact
from .guards import Guard, guard_references
from .values import Ref, Value, references

if TYPE_CHECKING:
    import networkx as nx
    from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
    from pydantic_core import CoreSchema

    from .latencies import Latencies
    from .result import Note
    from .templates import PlanTemplate
    from .tools import Tool, ToolRegistry


@fact
class Place:
    """A place in the plan text, for carets. Lines and columns count from 1."""

    line: int
    column: int
    source: str


@fact
class TaskSpan:
    """Where a task and its parts stand in the text it was parsed from."""

    start: Place
    """The first character of the statement."""
    tool: Place
    """The tool's name."""
    args: Mapping[str, Place]
    """Each argument's value, by the key it has in `Task.args`."""


@dataclass(frozen=True, slots=True)
class Each:
    """`for name in source:`: the call is made once for every item of `source`."""

    name: str
    source: Value
    """A `Ref`, or a literal list."""


@dataclass(frozen=True, slots=True)
class Thought:
    """What the planner said about the next task."""

    text: str


@dataclass(frozen=True, slots=True)
class Join:
    """The end of a plan: `join()` asks the joiner, `join($3)` makes the value of task 3 the answer."""

    ref: Ref | None = None


@dataclass(frozen=True, slots=True)
class Task:
    """One call in a plan.

    `args` is by parameter name once the plan has been checked against tools; before that, a positional argument
    stands under its position (`"0"`, `"1"`, ...).
    """

    id: int
    tool: str
    args: Mapping[str, Value] = field(default_factory=dict)
    each: Each | None = None
    """Set for a `for` task."""
    when: Guard | None = None
    """Set for an `if` task."""
    thought: str | None = None
    """The planner's thought just before the task."""
    span: TaskSpan | None = field(default=None, compare=False, repr=False)
    """Where it stands in the text, where there was one."""
    depends_on: tuple[int, ...] = field(init=False, compare=False)
    """Ids of the tasks whose values it needs, each once, in order of first use."""

    def __post_init__(self) -> None:
        seen: dict[int, None] = {}
        for value in self.args.values():
            if type(value) is str or type(value) is int:
                continue
            for ref in references(value):
                seen[ref.task] = None
        if self.each is not None:
            for ref in references(self.each.source):
                seen[ref.task] = None
        if self.when is not None:
            for ref in guard_references(self.when):
                seen[ref.task] = None
        object.__setattr__(self, "depends_on", tuple(seen))

    def __str__(self) -> str:
        from .language import print_task

        return print_task(self)


@dataclass(frozen=True)
class Plan(Displayed):
    r"""A task graph: `tasks` in order, and the `join`.

    ```python
    from llmcompiler import Plan

    plan = Plan.parse('1. search("Mount Everest")\n2. search("K2")\njoin()')
    assert [task.id for task in plan.tasks] == [1, 2]
    ```
    """

    tasks: tuple[Task, ...] = ()
    join: Join | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "tasks", tuple(self.tasks))

    def __getstate__(self) -> dict[str, Any]:
        # Without what was worked out of it, such as the tools it was checked against: those may not be picklable.
        return {"tasks": self.tasks, "join": self.join}

    # -- forms ---------------------------------------------------------------

    @classmethod
    def parse(
        cls,
        text: str,
        tools: Iterable[Tool | Any] | ToolRegistry | None = None,
        *,
        earlier: Iterable[int] = (),
    ) -> Plan:
        """Parse canonical plan text.

        Args:
            text: The plan in the plan language.
            tools: With tools, arguments are bound to parameter names, validated and coerced.
            earlier: Ids of finished tasks of earlier rounds that references may name.

        Raises:
            PlanError: The plan has errors; `.diagnostics` lists every one.
        """
        from .check import check_plan
        from .language import parse_plan

        plan, diagnostics = parse_plan(text, earlier=earlier)
        return check_plan(plan, tools, earlier=earlier, diagnostics=diagnostics)

    def __str__(self) -> str:
        from .language import print_plan

        return print_plan(self)

    def model_dump(self) -> dict[str, Any]:
        """The JSON form as Python values; references as `{"$ref": "1.height"}`."""
        from .language import plan_to_json

        return plan_to_json(self)

    def model_dump_json(self, *, indent: int | None = None) -> str:
        """The JSON form as text."""
        import json

        return json.dumps(self.model_dump(), indent=indent, ensure_ascii=False)

    @classmethod
    def model_validate(cls, data: Any) -> Plan:
        """A plan from its JSON form.

        Raises:
            PlanError: `data` is not the JSON form of a plan; `.diagnostics` lists every problem.
        """
        from .language import plan_from_json

        return plan_from_json(data)

    @classmethod
    def model_validate_json(cls, text: str | bytes) -> Plan:
        """A plan from JSON text.

        Raises:
            PlanError: The text is not JSON, or not the JSON form of a plan.
        """
        from .language import plan_from_json_text

        return plan_from_json_text(text)

    # -- templates -------------------------------------------------------------

    def generalize(
        self,
        question: str | None = None,
        *,
        holes: Mapping[str, Any] | None = None,
        tools: Iterable[Tool | Any] | ToolRegistry | None = None,
    ) -> PlanTemplate:
        """A template: the plan with typed holes for what comes from the question.

        A name, number, quoted text, date, address or the like that stands both in the question and in the plan becomes
        a hole, the same one wherever it stands; the rest of both stays. Where another part of the plan could depend on
        it (the capital of a country that the planner knew, the years between two), it stays, too: the template then
        fits fewer questions, and gives no wrong plan.

        Args:
            question: What the plan answers.
            holes: Literals of the plan that are holes, by name, instead of those that are found.
            tools: The tools of the plan; by default those it was checked against.

        Raises:
            UsageError: There is no such literal in the plan, or the question is too long.
        """
        from .templates import generalize

        return generalize(self, question, tools=tools, holes=holes)

    # -- graph ---------------------------------------------------------------

    def __len__(self) -> int:
        return len(self.tasks)

    def __iter__(self) -> Iterator[Task]:
        return iter(self.tasks)

    def __getitem__(self, task_id: int) -> Task:
        """The task with this id.

        Raises:
            KeyError: No such task.
        """
        return self._by_id[task_id]

    @cached_property
    def _by_id(self) -> dict[int, Task]:
        return {t.id: t for t in self.tasks}

    @property
    def sinks(self) -> tuple[int, ...]:
        """Ids of the tasks that no other task depends on, in order."""
        used = {d for t in self.tasks for d in t.depends_on}
        return tuple(t.id for t in self.tasks if t.id not in used)

    def graph(self) -> nx.DiGraph[int]:
        """The tasks as a `networkx.DiGraph`: an edge from each task to those that have to wait for it.

        Nodes carry `task`. Edges carry `kind`: `"data"` where a value is passed on; `"order"` where only what the two
        calls read and write asks for it, in a plan checked against tools. Results of earlier rounds are not nodes.
        """
        import networkx as nx

        from .pictures import order_edges

        g: nx.DiGraph[int] = nx.DiGraph()
        for t in self.tasks:
            g.add_node(t.id, task=t)
        for t in self.tasks:
            for d in t.depends_on:
                if d in self._by_id:
                    g.add_edge(d, t.id, kind="data")
        g.add_edges_from(order_edges(self), kind="order")
        return g

    def to_mermaid(self) -> str:
        """The plan as a Mermaid flowchart; order by effects is dotted and says `then`.

        More than 200 tasks are grouped by tool and step.
        """
        from .pictures import to_mermaid

        return to_mermaid(self)

    def to_dot(self) -> str:
        """The plan in the DOT language of Graphviz; more than 200 tasks are grouped by tool and step."""
        from .pictures import to_dot

        return to_dot(self)

    def to_svg(self, *, dark: bool | None = None) -> str:
        """The plan as an SVG picture that stands alone; more than 200 tasks are grouped by tool and step.

        Args:
            dark: Dark or light; by default what the viewer's system prefers.
        """
        from .pictures import graph_svg

        return graph_svg(self, dark=dark)

    def explain(
        self,
        *,
        latencies: Latencies | None = None,
        concurrency: int | EllipsisType | None = ...,
        notes: Sequence[Note] | None = None,
    ) -> str:
        """The plan as a table of text: each call, what it waits for, when it will run, and the critical path (`*`).

        For a plan checked against tools also effects, resources, order by effects (`after`), what needs approval and
        what is constant. Times are of a simulated run under the caps in which every call succeeds; slack is how much
        later a call could start if nothing but the critical path counted. No line end at the end; long calls are cut.

        Args:
            latencies: What was learned of the tools; by default by the compiler that made the plan. Where nothing was,
                times are steps, and every call takes one.
            concurrency: Calls at once, None for no cap; by default as that compiler allows, else 16.
            notes: What passes will do, to be told below the table; by default what those that are on find in a plan
                that was checked against tools.
        """
        from .explaining.plans import explain
        from .explaining.report import Report
        from .passes import Outlook

        outlook: Outlook = self.__dict__.get("_outlook") or Outlook()
        told = explain(
            self,
            latencies=latencies or outlook.latencies,
            concurrency=outlook.concurrency if concurrency is ... else concurrency,
            passes=outlook.passes,
            notes=notes,
        )
        return Report(told)

    # -- pydantic ------------------------------------------------------------

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        from pydantic_core import core_schema as cs

        return cs.no_info_plain_validator_function(
            lambda v: v if isinstance(v, cls) else cls.model_validate(v),
            serialization=cs.plain_serializer_function_ser_schema(lambda p: p.model_dump()),
        )

    @classmethod
    def __get_pydantic_json_schema__(
        cls, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        from .language import PLAN_JSON_SCHEMA

        return PLAN_JSON_SCHEMA
