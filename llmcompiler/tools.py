"""Tools: typed functions a planner may call, and the registry that is the one truth about them.

A tool describes and validates; it never schedules, retries or times out: the executor does, by what is declared here.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Coroutine, Hashable, Iterable, Iterator, Mapping
from dataclasses import fields
from functools import cached_property
from typing import TYPE_CHECKING, Any, overload

from ._jsonable import describe_error
from .docstrings import describe
from .errors import ToolDefinitionError, ToolError
from .options import CircuitBreaker, Effect, ItemPolicy, RateLimit, ToolOptions
from .parameters import MISSING, Parameter, from_function, from_json_schema
from .signatures import signature_text

if TYPE_CHECKING:
    from .effects import Access

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(?:[.-][A-Za-z0-9_]+)*\Z")
RESERVED = frozenset({"join", "finish", "for", "if", "and", "or", "not", "in", "true", "false", "none"})


class Tool:
    """One function a planner may call. Make it with `@tool` or `Tool.from_schema`.

    A tool is still callable like the function it wraps.
    """

    def __init__(
        self,
        func: Callable[..., Any],
        *,
        name: str,
        parameters: tuple[Parameter, ...],
        defs: Mapping[str, Any],
        returns: Mapping[str, Any] | None,
        description: str | None = None,
        gives_other: bool = False,
        context: str | None = None,
        extra_arguments: bool = False,
        **options: Any,
    ) -> None:
        self.func = func
        self.name = name
        self.params = {p.name: p for p in parameters}
        self.defs = dict(defs)
        self.returns = None if returns is None else dict(returns)
        self.gives_other = gives_other
        """Whether results may differ from what `returns` shows."""
        self.context = context
        self.extra_arguments = extra_arguments
        self.options = ToolOptions(**options).checked(name)
        """Everything declared about its calls."""
        declared = self.options
        self.effect: Effect | None = None if callable(declared.effect) else declared.effect
        """None where undeclared, or where each call has its own (`options.effect` is a function)."""
        self.requires_approval = declared.requires_approval
        self.timeout = declared.timeout
        self.retries = declared.retries
        self.retry_on = tuple(declared.retry_on)
        self.max_concurrency = declared.max_concurrency
        self.fallback: Tool | None = self._as_fallback(declared.fallback)
        self._description = description
        self.is_async = callable(func) and (
            inspect.iscoroutinefunction(func) or inspect.iscoroutinefunction(type(func).__call__)
        )
        self._check()
        self.__name__ = name
        self.__doc__ = getattr(func, "__doc__", None)
        self.__wrapped__ = func
        self._posonly = {
            p.name: p.default
            for p in _signature_parameters(func)
            if p.kind is inspect.Parameter.POSITIONAL_ONLY
        }
        self.validators = {p.name: p.validate for p in parameters}

    def _check(self) -> None:
        def bad(problem: str, hint: str = "") -> ToolDefinitionError:
            return ToolDefinitionError(self.name, problem, hint)

        if not isinstance(self.name, str) or not NAME.match(self.name):
            raise bad(
                "is not a usable name", "letters, digits and `_`, with `-` or `.` between; or pass name="
            )
        if self.name.lower() in RESERVED:
            raise bad("is a word of the plan language", "choose another name=")
        if not callable(self.func):
            raise bad("is not callable")
        if inspect.isasyncgenfunction(self.func) or inspect.isgeneratorfunction(self.func):
            raise bad("is a generator", "return a list, and use ctx.progress(...) for news on the way")
        for option in ("effect", "resource", "requires_approval"):
            try:
                inspect.signature(getattr(self.options, option)).bind(**dict.fromkeys(self.params))
            except ValueError:  # a built-in function without a signature
                continue
            except TypeError as e:
                if callable(getattr(self.options, option)):
                    hint = "it gets the arguments by name: name those it uses, and take the rest with `**_`"
                    raise bad(f"has a function in {option} that does not fit: {e}", hint) from None

    def _as_fallback(self, given: Any) -> Tool | None:
        if given is None:
            return None
        if not isinstance(given, Tool) and (not callable(given) or isinstance(given, type)):
            hint = "give a Tool or a function"
            raise ToolDefinitionError(self.name, f"has fallback={given!r}, which can not be called", hint)
        other = given if isinstance(given, Tool) else tool_from_function(given)
        problem = next((f"has no argument `{n}`" for n in self.params if n not in other.params), "")
        if other.extra_arguments:
            problem = ""
        for name, param in other.params.items():
            if param.required and (name not in self.params or not self.params[name].required):
                problem = problem or f"needs `{name}`"
        own = self.options.effect
        if (
            (other.effect == "write" or callable(other.options.effect))
            and own != "write"
            and not callable(own)
        ):
            hint = f"a call that is not ordered as a write must not become one: declare effect='write' on `{self.name}`"
            raise ToolDefinitionError(self.name, f"has the fallback `{other.name}`, which writes", hint)
        if other.requires_approval:
            hint = "a fallback can not ask; require the approval of the tool it stands in for"
            raise ToolDefinitionError(
                self.name, f"has the fallback `{other.name}`, which needs approval", hint
            )
        if problem:
            hint = f"it is called with the same arguments: {self.signature}"
            raise ToolDefinitionError(self.name, f"has the fallback `{other.name}`, which {problem}", hint)
        return other

    @classmethod
    def from_schema(
        cls,
        name: str,
        schema: Mapping[str, Any],
        func: Callable[..., Any],
        *,
        description: str = "",
        returns: Mapping[str, Any] | None = None,
        **options: Any,
    ) -> Tool:
        """A tool whose parameters are given as a JSON schema (MCP, OpenAPI, ...).

        Args:
            name: The name planners use.
            schema: JSON schema of an object; its properties are the parameters.
            func: Called as `func(**arguments)`, sync or async.
            description: What it does, in a line or two.
            returns: JSON schema of the result, where known.
            **options: `effect=`, `timeout=` and so on, as in `@tool`.

        Raises:
            ToolDefinitionError: The schema or an option is wrong.
        """
        params, defs, extra = from_json_schema(name, schema)
        known_options(name, options)
        return cls(
            func,
            name=name,
            parameters=params,
            defs=defs,
            returns=returns,
            description=description,
            extra_arguments=extra,
            **options,
        )

    # -- description ---------------------------------------------------------

    @cached_property
    def _doc(self) -> tuple[str, dict[str, str]]:
        return describe(self.func)

    @property
    def description(self) -> str:
        """What the tool does: given, or the summary of its docstring."""
        return self._description if self._description is not None else self._doc[0]

    def parameter_text(self, name: str) -> str:
        """What one parameter means; empty where nothing is said."""
        return self.params[name].description or self._doc[1].get(name, "")

    @cached_property
    def parameters(self) -> dict[str, Any]:
        """JSON schema of the arguments, an object."""
        properties = {}
        for p in self.params.values():
            schema = dict(p.schema)
            if text := self.parameter_text(p.name):
                schema["description"] = text
            if p.default is not MISSING and "default" not in schema:
                from ._jsonable import to_jsonable

                schema["default"] = to_jsonable(p.default)
            properties[p.name] = schema
        out: dict[str, Any] = {
            "type": "object",
            "properties": properties,
            "required": [p.name for p in self.params.values() if p.required],
            "additionalProperties": self.extra_arguments,
        }
        if self.defs:
            out["$defs"] = self.defs
        return out

    @cached_property
    def signature(self) -> str:
        """The tool as a planner sees it: `population(city: str) -> int`."""
        return signature_text(self.name, self.params.values(), self.defs, self.returns)

    @property
    def idempotent(self) -> bool:
        """Whether calling it twice is as good as once: declared, or because it is pure or read."""
        return self.options.repeatable

    def to_dict(self) -> dict[str, Any]:
        """JSON form: name, description, schemas, effect."""
        return {
            "name": self.name,
            "description": self.description,
            "signature": self.signature,
            "parameters": self.parameters,
            "returns": self.returns,
            "effect": self.effect,
            "idempotent": self.idempotent,
            "requires_approval": bool(self.requires_approval),
        }

    # -- calling -------------------------------------------------------------

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call the function itself, with no validation: for your own code and tests."""
        return self.func(*args, **kwargs)

    def call(self, arguments: Mapping[str, Any]) -> Any:
        """Call the function with arguments by name; a coroutine for an async tool."""
        if self._posonly:
            rest = dict(arguments)
            first = [rest.pop(name, default) for name, default in self._posonly.items()]
            return self.func(*first, **rest)
        return self.func(**arguments)

    @cached_property
    def is_asked(self) -> bool:
        """Whether functions of the arguments say what a call touches, or whether it needs approval."""
        asked = (self.options.effect, self.options.resource, self.options.requires_approval)
        return any(map(callable, asked)) or bool(self.options.requires_approval)

    @cached_property
    def is_plain(self) -> bool:
        """Whether nothing is declared about the effect of its calls."""
        return self.options.effect is None and self.options.resource is None

    @property
    def fallbacks(self) -> tuple[Tool, ...]:
        """The tools that are called instead, one after another, where this one fails for good."""
        found: list[Tool] = []
        other = self.fallback
        while other is not None and other is not self and other not in found:
            found.append(other)
            other = other.fallback
        return tuple(found)

    @cached_property
    def fixed_access(self) -> Access | None:
        """What every call of the tool reads and writes; None where each says so by itself."""
        from .effects import is_static, worst_access

        return worst_access(self) if is_static(self) else None

    @cached_property
    def _defaults(self) -> dict[str, Any]:
        return {p.name: p.default for p in self.params.values() if p.default is not MISSING}

    def with_defaults(self, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
        """The arguments, with defaults for those left out: what functions of the arguments are asked with."""
        return {**self._defaults, **arguments} if self._defaults else arguments

    def needs_approval(self, arguments: Mapping[str, Any]) -> bool:
        """Whether this very call has to be approved.

        Raises:
            ToolError: The approval function raised, or gave neither True nor False.
        """
        if not callable(self.requires_approval):
            return self.requires_approval
        try:
            needed = self.requires_approval(**self.with_defaults(arguments))
        except Exception as e:
            raise ToolError(f"the approval function of `{self.name}` raised {describe_error(e)}") from e
        if not isinstance(needed, bool):  # None is what a forgotten `return` gives, and no leave to go on
            if isinstance(needed, Coroutine):
                needed.close()
            kind = type(needed).__name__
            raise ToolError(
                f"the approval function of `{self.name}` gave a value of type {kind}, not True or False"
            )
        return needed

    def __repr__(self) -> str:
        return f"<Tool {self.signature}>"


def _signature_parameters(func: Callable[..., Any]) -> list[inspect.Parameter]:
    try:
        return list(inspect.signature(func).parameters.values())
    except (TypeError, ValueError):
        return []


_OPTIONS = frozenset(f.name for f in fields(ToolOptions)) - {"counted"}


def known_options(name: str, options: Mapping[str, Any]) -> None:
    """Make sure that only options of `@tool` are given.

    Raises:
        ToolDefinitionError: There are others.
    """
    if unknown := sorted(set(options) - _OPTIONS):
        raise ToolDefinitionError(
            str(name), f"has unknown options {unknown}", f"known are {', '.join(sorted(_OPTIONS))}"
        )


@overload
def tool(func: Callable[..., Any], /) -> Tool: ...
@overload
def tool(
    *,
    name: str | None = None,
    description: str | None = None,
    effect: Effect | Callable[..., Effect | None] | None = None,
    idempotent: bool | None = None,
    resource: Hashable | Iterable[Hashable] | Mapping[str, Any] | Callable[..., Any] | None = None,
    requires_approval: bool | Callable[..., bool] = False,
    timeout: float | None = None,
    retries: int | None = None,
    retry_on: Iterable[type[BaseException]] = (),
    max_concurrency: int | None = None,
    version: str = "1",
    cache: bool | float | None = None,
    vary: Callable[[], Hashable] | None = None,
    batch: Callable[[list[dict[str, Any]]], Any] | None = None,
    max_batch: int = 100,
    hedge: bool | None = None,
    rate_limit: RateLimit | str | None = None,
    breaker: CircuitBreaker | None = None,
    fallback: Any = None,
    on_item_error: ItemPolicy | None = None,
) -> Callable[[Callable[..., Any]], Tool]: ...
def tool(func: Callable[..., Any] | None = None, /, **options: Any) -> Any:
    """Make a tool of a typed function, sync or async.

    The schema comes from the type hints, the texts from the docstring. A parameter annotated `ToolContext` is filled
    in by the runtime and not shown to planners.

    Args:
        func: The function.
        **options: All of them keywords:

            - `name`, `description`: instead of the function's own.
            - `effect`: `"pure"`, `"read"` or `"write"`, or a function of the arguments that says which; undeclared runs
              in parallel and is never repeated by itself.
            - `idempotent`: calling twice is as good as once.
            - `resource`: what a write changes or a read looks at: a key, several, `{"read": keys, "write": keys}`, or a
              function of the arguments that gives one of these. A write without it is ordered against everything.
            - `requires_approval`: True, or a function of the arguments.
            - `timeout`: seconds for one try.
            - `retries`: more tries after the first, for transient errors and those in `retry_on`.
            - `retry_on`: exception classes that are worth another try.
            - `max_concurrency`: calls of this tool at once.
            - `version`: change it when the tool's results change: cached ones of another version are not used.
            - `cache`: False keeps a pure or read tool out of the result cache; a number is its time to live in seconds.
            - `vary`: what beside the arguments a result depends on, such as the current user: a function without
              arguments, called in the context of the run. Calls are merged and cached only where it gives the same.
            - `batch`: a function that makes many calls at once: takes a list of argument dicts, gives the list of their
              results in order, an exception in the place of one that failed. Sync or async; it gets no `ToolContext`.
            - `max_batch`: calls in one batch, at most.
            - `hedge`: make a second call where the first is slower than most; see `AsyncExecutor`.
            - `rate_limit`: `"10/s"`, or a `RateLimit`, which several tools may share by name.
            - `breaker`: a `CircuitBreaker`: fail at once for a while after many failures in a row.
            - `fallback`: a tool (or function) called with the same arguments when this one failed for good.
            - `on_item_error`: what a failed item does to its `for` task: `"fail"`, `"skip"` or `"collect"`.

    Raises:
        ToolDefinitionError: A hint is missing, a default does not fit, an option is wrong.

    ```python
    from llmcompiler import tool


    @tool(effect="pure")
    def double(x: int) -> int:
        "Twice the number."
        return 2 * x


    assert double.signature == "double(x: int) -> int"
    assert double(4) == 8
    ```
    """
    frame = inspect.currentframe()
    # Types that are defined inside a function, where hints are strings, are found only here.
    scope = frame.f_back.f_locals if frame is not None and frame.f_back is not None else {}
    if func is None:
        return lambda f: tool_from_function(f, scope=scope, **options)
    return tool_from_function(func, scope=scope, **options)


def tool_from_function(
    func: Callable[..., Any],
    *,
    name: str | None = None,
    description: str | None = None,
    scope: Mapping[str, Any] | None = None,
    **options: Any,
) -> Tool:
    """`tool(**options)(func)`, as one call; `scope` holds names that hints may use beside those of the module."""
    if isinstance(func, Tool):
        raise ToolDefinitionError(func.name, "is a tool already")
    if not callable(func) or isinstance(func, type):
        raise ToolDefinitionError(
            str(name or func), "is not a function", "decorate a function, or use Tool.from_schema"
        )
    own = name if name is not None else getattr(func, "__name__", None) or type(func).__name__
    known_options(own, options)
    described = from_function(own, func, scope)
    return Tool(
        func,
        name=own,
        parameters=described.parameters,
        defs=described.defs,
        returns=described.returns,
        gives_other=described.gives_other,
        description=description,
        context=described.context,
        **options,
    )


class ToolRegistry(Mapping[str, Tool]):
    """The tools of one compiler, by name. Planner prompt, parser, checker and executor all read this one object.

    Plain functions are made into tools. Two tools of one name are an error.

    Raises:
        ToolDefinitionError: A duplicate name, or something that is not a tool.
    """

    def __init__(self, tools: Iterable[Any] | Mapping[str, Any] = ()) -> None:
        self._tools: dict[str, Tool] = {}
        if isinstance(tools, (str, bytes)) or not isinstance(tools, Iterable):
            raise ToolDefinitionError(repr(tools), "is not a list of tools", "pass tools=[first, second]")
        for item in tools.values() if isinstance(tools, Mapping) else tools:
            self._add(item)

    def _add(self, item: Any) -> None:
        made = item if isinstance(item, Tool) else tool_from_function(item)
        if made.name in self._tools:
            raise ToolDefinitionError(made.name, "is the name of two tools", "give one of them another name=")
        self._tools[made.name] = made

    def subset(self, names: Iterable[str]) -> ToolRegistry:
        """A registry of these tools, in this one's own order; names that are not here are passed over."""
        wanted = set(names)
        return ToolRegistry([t for t in self._tools.values() if t.name in wanted])

    def __getitem__(self, name: str) -> Tool:
        return self._tools[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._tools)

    def __len__(self) -> int:
        return len(self._tools)

    def __repr__(self) -> str:
        return f"<ToolRegistry {', '.join(self._tools) or 'empty'}>"


__all__ = ["MISSING", "Effect", "Parameter", "Tool", "ToolRegistry", "tool"]
