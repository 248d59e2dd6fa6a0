"""`FrozenPlan`: a plan as a function. Its parameters are the holes of a template; no model is asked to plan.

Filling and checking are the business of `templates`, running that of the compiler.
"""

from __future__ import annotations

import contextlib
import inspect
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from ._jsonable import to_jsonable
from .bridge import run_blocking
from .context import ToolContext
from .errors import PlanError, ToolDefinitionError, ToolError, UsageError
from .findings import short
from .nesting import NOT_HERE, within
from .options import Effect
from .outcomes import Cancelled, Failed
from .parameters import from_json_schema
from .plan import Plan
from .schemas import field_schema
from .signatures import resolve, type_text
from .templates import Hole, PlanTemplate
from .templates.holes import NUMBERS
from .tools import NAME, Tool, known_options
from .values import is_literal

if TYPE_CHECKING:
    from .compiler import LLMCompiler
    from .limits import Limits
    from .result import RunResult

VERSION = 1
_SIMPLE: dict[str, Any] = {
    "string": str,
    "integer": int,
    "number": float,
    "boolean": bool,
    "array": list,
    "object": dict,
    "null": None,
}


class FrozenPlan:
    r"""A plan that is called like a function. Make it with `LLMCompiler.freeze`.

    It gives the value of `join($n)`; of a plan with a bare `join()` it gives `{id: value}` of the tasks that nothing
    depends on, or the joiner's answer where it was frozen with a question. Only then is a model called.

    ```python
    from llmcompiler import LLMCompiler


    def double(x: int) -> int:
        return 2 * x


    compiler = LLMCompiler([double])
    frozen = compiler.freeze("1. double(4)\n2. double($1)\njoin($2)", holes={"x": 4})
    assert frozen.sync(x=5) == 20
    assert str(frozen.signature) == "(x: int)"
    ```
    """

    def __init__(
        self,
        compiler: LLMCompiler,
        template: PlanTemplate,
        *,
        name: str = "frozen",
        description: str = "",
        asks: bool = False,
    ) -> None:
        if not isinstance(name, str) or not NAME.match(name):
            raise UsageError(f"name={name!r}: letters, digits and `_`, with `-` or `.` between")
        template.check(compiler.tools)
        template.fill({h.name: h.example for h in template.holes}, compiler.tools)
        self.compiler = compiler
        self.template = template
        self.name = self.__name__ = name
        self.asks = asks
        """Whether the joiner answers the question, where the plan ends with a bare `join()`."""
        self.description = description or (template.question and f"Answers: {template.form_text}")
        self.__doc__ = self._doc()

    # -- what it takes and gives --------------------------------------------------------------

    @property
    def signature(self) -> inspect.Signature:
        """Its parameters: the holes of the template, each with the type that the tools say."""
        kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
        return inspect.Signature(
            [inspect.Parameter(h.name, kind, annotation=_hint(*self._schema(h))) for h in self.template.holes]
        )

    @property
    def __signature__(self) -> inspect.Signature:
        return self.signature

    @property
    def parameters(self) -> dict[str, Any]:
        """JSON schema of its arguments, an object."""
        properties: dict[str, Any] = {}
        defs: dict[str, Any] = {}
        for hole in self.template.holes:
            schema, own = self._schema(hole)
            clash = any(k in defs and defs[k] != v for k, v in own.items())
            properties[hole.name] = {} if clash else dict(schema)
            defs.update({} if clash else own)
        out = {
            "type": "object",
            "properties": properties,
            "required": list(properties),
            "additionalProperties": False,
        }
        return {**out, "$defs": defs} if defs else out

    def _schema(self, hole: Hole) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
        """The JSON schema of a hole, and what `$ref`s in it point to: that of the parameter whose whole value it is."""
        for use in hole.uses:
            tool = self.compiler.tools[self.template.plan[use.task].tool]
            parameter = None if use.parameter is None else tool.params.get(use.parameter)
            if parameter is not None:
                kept = {k: v for k, v in parameter.schema.items() if k not in ("default", "title")}
                text = tool.parameter_text(parameter.name)
                return ({**kept, "description": text} if text else kept), tool.defs
        if hole.kind in NUMBERS:
            return {"type": "number"}, {}
        return ({} if hole.kind == "any" and not isinstance(hole.example, str) else {"type": "string"}), {}

    def _doc(self) -> str:
        lines = []
        for hole in self.template.holes:
            schema, defs = self._schema(hole)
            text = f": {schema['description']}" if schema.get("description") else ""
            lines.append(f"    {hole.name} ({type_text(schema, defs)}){text}")
        parts = [self.description, "Args:\n" + "\n".join(lines) if lines else "", f"Plan:\n{self.template}"]
        return "\n\n".join(part for part in parts if part)

    def plan(self, /, *args: Any, **kwargs: Any) -> Plan:
        """The plan with these arguments in its holes.

        Raises:
            UsageError: An argument is missing, there is no such argument, or one does not fit; its name is told.
        """
        return self._filled(self._values(args, kwargs))

    def _values(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> dict[str, Any]:
        try:
            bound = self.signature.bind(*args, **kwargs)
        except TypeError as e:
            raise UsageError(f"{self.name}{self.signature}: {e}") from None
        return {h.name: self._checked(h, bound.arguments[h.name]) for h in self.template.holes}

    def _checked(self, hole: Hole, value: Any) -> Any:
        plain = value if type(value) in (str, int, float, bool, type(None)) else to_jsonable(value)
        if not is_literal(value):
            raise UsageError(f"{self.name}: `{hole.name}` is a value, not a reference to one: {short(value)}")
        try:
            plain = hole.checked(plain)
        except UsageError as e:
            raise UsageError(f"{self.name}: {e}") from None
        schema, defs = self._schema(hole)
        for use in hole.uses:
            tool = self.compiler.tools[self.template.plan[use.task].tool]
            parameter = None if use.parameter is None else tool.params.get(use.parameter)
            if parameter is None:
                continue
            try:
                parameter.validate(plain)
            except ValueError as e:
                reason = str(e).replace("\n", "; ")
                raise UsageError(
                    f"{self.name}: `{hole.name}` ({type_text(schema, defs)}), for `{parameter.name}` of `{tool.name}`: "
                    f"{reason}"
                ) from None
        return plain

    def _filled(self, values: Mapping[str, Any]) -> Plan:
        try:
            return self.template.fill(values, self.compiler.tools)
        except PlanError as e:
            first = next(d for d in e.diagnostics if d.severity == "error")
            names = ", ".join(f"`{h.name}`" for h in self.template.holes)
            raise UsageError(f"{self.name}: {first.message} (arguments: {names})") from e

    # -- calling ---------------------------------------------------------------------------------

    async def __call__(self, /, *args: Any, **kwargs: Any) -> Any:
        """Run the plan and give its value.

        Raises:
            UsageError: An argument is missing, unknown or of the wrong type; its name is told.
            ToolError: A task that the value needs failed; `.result` holds what was done.
            LimitExceeded: A limit was reached first.
        """
        return _output(await self.run(*args, **kwargs))

    async def run(self, /, *args: Any, **kwargs: Any) -> RunResult:
        """As calling it, but with everything the run did; what a tool does wrong is an outcome, never an exception."""
        return await self._run(self._values(args, kwargs), None)

    def sync(self, /, *args: Any, **kwargs: Any) -> Any:
        """Call it from code without an event loop."""
        return run_blocking(self(*args, **kwargs))

    async def _run(self, values: Mapping[str, Any], limits: Limits | None) -> RunResult:
        plan = self._filled(values)
        join = plan.join
        asked = self.asks and (join is None or join.ref is None)
        question = self.template.ask(values) if asked else None
        return await self.compiler.execute(plan, question=question or None, limits=limits)

    def as_tool(self, name: str | None = None, description: str | None = None, **options: Any) -> Tool:
        """This plan as a tool, of this compiler's kin or any other: one call instead of several.

        Its effect is the worst of those of its tools, if `effect=` does not say another. A run inside a call has the
        compiler's limits and ends within the time of the call.

        Args:
            name: The name planners use; by default its own.
            description: What it does; by default its own.
            **options: `effect=`, `timeout=`, `requires_approval=` and so on, as in `@tool`.

        Raises:
            ToolDefinitionError: An option is wrong.
        """
        name = self.name if name is None else name
        known_options(name, options)
        if wrong := sorted(options.keys() & NOT_HERE):
            raise ToolDefinitionError(name, f"is a frozen plan and has no option {', '.join(wrong)}")
        own = self.compiler.checked_limits(None)
        context = "_context"
        while any(h.name == context for h in self.template.holes):
            context = f"_{context}"

        async def call(**values: Any) -> Any:
            ctx: ToolContext = values.pop(context)
            given = {h.name: self._checked(h, values[h.name]) for h in self.template.holes}
            try:
                return _output(await self._run(given, within(own, ctx.remaining)))
            except Exception as e:
                if isinstance(e, ToolError):
                    raise
                error = ToolError(f"`{name}` gave no value: {e}")
                error.result = getattr(e, "result", None)
                raise error from e

        parameters, defs, _ = from_json_schema(name, self.parameters)
        options.setdefault("effect", self.effect)
        return Tool(
            call,
            name=name,
            parameters=parameters,
            defs=defs,
            returns=self._returns(),
            description=self.description if description is None else description,
            context=context,
            counted=False,  # it makes calls itself, which take the places
            **options,
        )

    @property
    def effect(self) -> Effect | None:
        """The worst effect of its tools: write, undeclared, read, pure, in this order."""
        effects = {_effect(self.compiler.tools[t.tool]) for t in self.template.plan.tasks}
        order: tuple[Effect | None, ...] = ("write", None, "read")
        return next((e for e in order if e in effects), "pure")

    def _returns(self) -> Mapping[str, Any] | None:
        join = self.template.plan.join
        if join is None or join.ref is None:
            return {"type": "string"} if self.asks else None
        task = self.template.plan[join.ref.task]
        returns = self.compiler.tools[task.tool].returns
        if returns is None or task.each is not None or self.compiler.tools[task.tool].gives_other:
            return None
        defs = returns.get("$defs", {})
        schema, problem = field_schema(returns, defs, join.ref.path)
        if schema is None or problem is not None:
            return None
        return {**schema, "$defs": defs} if defs else dict(schema)

    # -- files -------------------------------------------------------------------------------------

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write it to a file, as JSON; `load` reads it."""
        data = {
            "frozen": VERSION,
            "name": self.name,
            "description": self.description,
            "asks": self.asks,
            **self.template.model_dump(),
        }
        Path(path).write_text(json.dumps(data, indent=1) + "\n", encoding="utf-8")

    @classmethod
    def load(cls, path: str | os.PathLike[str], compiler: LLMCompiler) -> FrozenPlan:
        """Read it from a file that `save` wrote.

        Raises:
            UsageError: There is no such file, it holds no frozen plan, or the compiler's tools are not those it was
                made for.
        """
        try:
            data = json.loads(Path(path).read_text(encoding="utf-8"))
        except OSError as e:
            raise UsageError(f"{os.fspath(path)!r} can not be read: {e.strerror or e}") from None
        except (ValueError, RecursionError) as e:
            raise UsageError(f"{os.fspath(path)!r} holds no frozen plan: {short(str(e))}") from None
        if not isinstance(data, dict) or data.get("frozen") != VERSION:
            raise UsageError(
                f"{os.fspath(path)!r} holds no frozen plan of version {VERSION}; write it with save()"
            )
        try:
            template = PlanTemplate.model_validate(data)
            name, description = data.get("name"), data.get("description")
            if not isinstance(name, str) or not isinstance(description, str):
                raise UsageError("its name and description are texts")
            return cls(compiler, template, name=name, description=description, asks=data.get("asks") is True)
        except (UsageError, PlanError) as e:
            raise UsageError(f"{os.fspath(path)!r}: {e}") from None

    def __repr__(self) -> str:
        return f"<FrozenPlan {self.name}{self.signature}>"


def freeze(
    compiler: LLMCompiler,
    plan: Plan | PlanTemplate | str,
    *,
    question: str | None = None,
    holes: Mapping[str, Any] | None = None,
    name: str | None = None,
    description: str | None = None,
) -> FrozenPlan:
    """See `LLMCompiler.freeze`."""
    if question is not None and (not isinstance(question, str) or not question.strip()):
        raise UsageError(
            f"question={short(question)}: give the question that the plan answers, or leave it out"
        )
    if isinstance(plan, PlanTemplate):
        if holes is not None:
            raise UsageError("holes= goes with a plan; a template has its holes already")
        template = plan
        if question is not None and question.strip() != template.question:
            raise UsageError(
                "the template was made for another question; leave question= out, or give its own"
            )
    else:
        checked, _ = compiler._checked(plan)
        # Without a question nothing is known to vary.
        asked = {} if holes is None and question is None else holes
        template = checked.generalize(question, holes=asked, tools=compiler.tools)
    if not template.plan.tasks:
        raise UsageError("there is no task in the plan to freeze")
    return FrozenPlan(
        compiler, template, name=name or "frozen", description=description or "", asks=question is not None
    )


def _effect(tool: Tool) -> Effect | None:
    """The effect of a tool at its worst: what a function of the arguments may say is not known."""
    every = [tool, *tool.fallbacks]
    if any(callable(t.options.effect) or t.options.effect == "write" for t in every):
        return "write"
    if any(t.options.effect is None for t in every):
        return None
    return "read" if any(t.options.effect == "read" for t in every) else "pure"


def _hint(schema: Mapping[str, Any], defs: Mapping[str, Any]) -> Any:
    """A JSON schema as a type hint: simple types and choices, else `Any`."""
    schema = resolve(schema, defs)
    values = schema.get("enum", [schema["const"]] if "const" in schema else None)
    if isinstance(values, list) and values and all(isinstance(v, (str, int, bool)) for v in values):
        return Literal[tuple(values)]
    options = schema.get("anyOf") or schema.get("oneOf")
    if isinstance(options, list) and options:
        hints = [_hint(o, defs) for o in options if isinstance(o, Mapping)]
        joined = hints[0]
        for hint in hints[1:]:
            joined = joined | hint if joined is not Any and hint is not Any else Any
        return joined
    kind = schema.get("type")
    return _SIMPLE.get(kind, Any) if isinstance(kind, str) else Any


def _output(result: RunResult) -> Any:
    """The value of a run; what it lacks because a call failed is an error here, not left out without a word."""
    error = result.error
    bare = result.plans and (result.plans[0].join is None or result.plans[0].join.ref is None)
    if error is None and bare and not result.question:
        outcomes = [task.outcome for task in result.tasks.values()]
        error = next((o.error for o in outcomes if isinstance(o, Failed)), None)
        if error is None and any(isinstance(o, Cancelled) for o in outcomes):
            error = ToolError("a call was cancelled before it ended")
    if error is None:
        return result.output
    with contextlib.suppress(Exception):  # an exception class of somebody else's may refuse it
        error.result = result  # type: ignore[attr-defined]
    raise error


__all__ = ["FrozenPlan", "freeze"]
