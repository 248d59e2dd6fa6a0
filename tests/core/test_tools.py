"""`@tool`, `Tool.from_schema` and the registry: what is described, what is refused."""

from __future__ import annotations

import datetime as dt
import functools
import json
from collections.abc import Callable
from typing import Annotated, Any, Literal, ParamSpec, TypeVar

import pytest
from pydantic import AfterValidator, BaseModel, Field

from llmcompiler import (
    LLMCompiler,
    Plan,
    Ref,
    Task,
    Tool,
    ToolContext,
    ToolDefinitionError,
    ToolRegistry,
    tool,
)
from llmcompiler.parameters import MISSING


class City(BaseModel):
    name: str
    population: int


@tool
async def find(
    name: str, limit: int = 5, kind: Literal["city", "town"] = "city", ctx: ToolContext | None = None
) -> list[City]:
    """Find cities.

    Only large ones.

    Args:
        name: What it is called,
            in any language.
        limit: At most so many.
        kind: How large.
        ctx: Filled in.
    """
    return []


def test_schema_texts_and_signature_come_from_the_function() -> None:
    assert find.name == "find"
    assert find.description.startswith("Find cities.")
    assert find.parameters["properties"]["name"] == {
        "type": "string",
        "description": "What it is called, in any language.",
    }
    assert find.parameters["properties"]["limit"]["default"] == 5
    assert find.parameters["required"] == ["name"]
    assert "ctx" not in find.parameters["properties"]
    assert find.signature == (
        'find(name: str, limit: int = 5, kind: "city" | "town" = "city") -> list[{name: str, population: int}]'
    )
    assert find.is_async
    assert find.effect is None
    assert not find.idempotent


@pytest.mark.parametrize(
    "doc",
    [
        "Double.\n\nArgs:\n    x: The number.",
        "Double.\n\n:param x: The number.",
        "Double.\n\nParameters\n----------\nx : int\n    The number.",
    ],
)
def test_docstring_styles(doc: str) -> None:
    def double(x: int) -> int:
        return 2 * x

    double.__doc__ = doc
    made = tool(double)
    assert made.description == "Double."
    assert made.parameter_text("x") == "The number."


def test_annotated_constraints_and_descriptions() -> None:
    @tool
    def f(n: Annotated[int, Field(ge=1, le=9, description="one digit")], day: dt.date) -> str:
        return ""

    assert f.parameters["properties"]["n"] == {
        "type": "integer",
        "minimum": 1,
        "maximum": 9,
        "description": "one digit",
    }
    assert f.params["day"].validate("2024-02-29") == dt.date(2024, 2, 29)
    with pytest.raises(ValueError, match="less than or equal to 9"):
        f.params["n"].validate(10)


def test_numbers_for_text_become_text_and_text_for_numbers_numbers() -> None:
    @tool
    def f(code: str, n: int, either: int | str = 0) -> str:
        return code

    assert f.params["code"].validate(94110) == "94110"
    assert f.params["n"].validate("7") == 7
    assert f.params["either"].validate("94110") == "94110"
    assert not f.params["n"].takes_text
    assert f.params["code"].takes_text


def test_still_a_function() -> None:
    @tool(effect="pure", name="times-two")
    def double(x: int) -> int:
        return 2 * x

    assert double(4) == 8
    assert double.name == "times-two"
    assert double.effect == "pure"
    assert double.idempotent


def test_methods_partials_and_callables() -> None:
    class Base:
        factor = 3

        def times(self, x: int) -> int:
            return x * self.factor

        async def __call__(self, x: int) -> int:
            return x

    assert list(tool(Base().times).params) == ["x"]
    made = tool(name="object")(Base())
    assert made.is_async
    assert list(made.params) == ["x"]
    assert list(tool(name="part")(functools.partial(two, 1)).params) == ["y"]


def two(x: int, y: int) -> int:
    return x + y


def no_hint(x): ...  # type: ignore[no-untyped-def]
def bad_default(x: int = "a"): ...  # type: ignore[assignment,no-untyped-def]
def none_default(x: int = None): ...  # type: ignore[assignment,no-untyped-def] # noqa: RUF013
def star(*x: int): ...  # type: ignore[no-untyped-def]
def double_star(**x: int): ...  # type: ignore[no-untyped-def]
def unknown_hint(x: Nowhere): ...  # type: ignore[name-defined,no-untyped-def] # noqa: F821
def join(x: int): ...  # type: ignore[no-untyped-def]
def generator(x: int):  # type: ignore[no-untyped-def]
    yield x


class Opaque:
    pass


def no_schema(x: Opaque): ...  # type: ignore[no-untyped-def]


@pytest.mark.parametrize(
    ("func", "text"),
    [
        (no_hint, "`no_hint`: parameter `x` has no type hint"),
        (bad_default, "default of `x` does not fit"),
        (none_default, r"write `\| None` after its type"),
        (star, r"takes \*x; name every parameter"),
        (double_star, r"takes \*\*x"),
        (unknown_hint, "can not be resolved"),
        (join, "word of the plan language"),
        (generator, "is a generator"),
        (no_schema, "`x` has a type without a schema"),
        (3, "is not a function"),
        (City, "is not a function"),
    ],
)
def test_what_can_not_be_described_is_refused_at_definition(func: Any, text: str) -> None:
    with pytest.raises(ToolDefinitionError, match=text):
        tool(func)


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"effect": "destroy"}, "effect='destroy'"),
        ({"timeout": 0}, "timeout=0"),
        ({"timeout": "5"}, "timeout='5'"),
        ({"retries": -1}, "retries=-1"),
        ({"max_concurrency": 0}, "max_concurrency=0"),
        ({"retry_on": [3]}, "retry_on"),
        ({"requires_approval": find.func}, "async function in requires_approval"),
        ({"name": "a b"}, "not a usable name"),
        ({"name": ""}, "not a usable name"),
        ({"colour": 1}, "unknown options"),
        ({"effect": "pure", "idempotent": False}, "pure and not idempotent"),
    ],
)
def test_options_out_of_range_are_refused(options: dict[str, Any], text: str) -> None:
    def f(x: int) -> int:
        return x

    with pytest.raises(ToolDefinitionError, match=text):
        tool(**options)(f)


def test_two_tools_of_one_name_are_refused() -> None:
    def f(x: int) -> int:
        return x

    with pytest.raises(ToolDefinitionError, match="`f`: is the name of two tools"):
        LLMCompiler([f, tool(f)])


SCHEMA = {
    "type": "object",
    "properties": {
        "limit": {"type": "integer", "minimum": 1},
        "q": {"type": "string", "description": "the words"},
        "where": {"$ref": "#/$defs/place"},
    },
    "required": ["q"],
    "$defs": {"place": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}},
}


def test_from_schema_describes_validates_and_coerces() -> None:
    made = Tool.from_schema("web.look-up", SCHEMA, lambda **a: a, description="Look it up.", effect="read")
    assert made.signature == "web.look-up(q: str, limit: int = ..., where: {city: str} = ...)"
    assert made.parameter_text("q") == "the words"
    assert made.params["limit"].validate("5") == 5
    assert made.params["where"].validate({"city": "Oslo"}) == {"city": "Oslo"}
    for name, value in (("limit", 0), ("limit", "x"), ("where", {}), ("q", [1])):
        with pytest.raises(ValueError, match="."):
            made.params[name].validate(value)
    assert made.parameters["properties"]["limit"] == {"type": "integer", "minimum": 1}
    assert made.params["limit"].default is MISSING
    assert not made.params["limit"].required


@pytest.mark.parametrize(
    ("schema", "text"),
    [
        ({"type": "array"}, "not of an object"),
        ({"type": "object", "properties": {"a": {"type": "nonsense"}}}, "not a valid JSON schema"),
        ({"type": "object", "properties": {}, "required": ["a"]}, r"requires \['a'\]"),
    ],
)
def test_a_bad_schema_is_refused(schema: dict[str, Any], text: str) -> None:
    with pytest.raises(ToolDefinitionError, match=text):
        Tool.from_schema("t", schema, lambda: None)


def test_the_registry_takes_functions_tools_and_mappings() -> None:
    def f(x: int) -> int:
        return x

    assert list(ToolRegistry([f])) == ["f"]
    assert list(ToolRegistry({"any": f})) == ["f"]
    with pytest.raises(ToolDefinitionError, match="not a list of tools"):
        ToolRegistry("find")


P = ParamSpec("P")
R = TypeVar("R")


def passing_on(func: Callable[P, R]) -> Callable[P, R]:
    @functools.wraps(func)
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> R:
        return func(*args, **kwargs)

    return wrapper


@passing_on
def mixed(x: int, /, y: int = 2, *, z: int = 3) -> list[int]:
    return [x, y, z]


@functools.lru_cache
def cached(x: int) -> int:
    return x


def positional(a: int, b: int = 2, c: int = 3, /) -> list[int]:
    return [a, b, c]


def named(schema: int, json: int, copy: int, args: int, self: int, model_config: int, arguments: int) -> int:
    return schema + json + copy + args + self + model_config + arguments


def hard_defaults(x: Any = Opaque, y: list[int] = [1], z: frozenset[int] = frozenset({1})) -> list[int]:  # noqa: B006
    return [*y, *z]


def with_context(ctx: ToolContext, a: int, /) -> int:
    return ctx.task_id + a


class Shop:
    opening: int = 9

    def __call__(self, x: int) -> int:
        return x + self.opening

    @classmethod
    def make(cls, x: int) -> int:
        return x

    @staticmethod
    def tell(x: int) -> int:
        return x

    async def serve(self, x: int) -> int:
        return x


async def add(a: int, b: int, c: int = 0) -> int:
    return a + b + c


@pytest.mark.parametrize(
    ("func", "arguments", "value"),
    [
        (mixed, {"x": 1, "z": 9}, [1, 2, 9]),
        (cached, {"x": 1}, 1),
        (positional, {"a": 1, "c": 9}, [1, 2, 9]),
        (
            named,
            dict.fromkeys(("schema", "json", "copy", "args", "self", "model_config", "arguments"), 1),
            7,
        ),
        (hard_defaults, {}, [1, 1]),
        (with_context, {"a": 1}, 2),
        (Shop(), {"x": 1}, 10),
        (Shop.make, {"x": 1}, 1),
        (Shop.tell, {"x": 1}, 1),
        (Shop().serve, {"x": 1}, 1),
        (functools.partial(add, 1), {"b": 2}, 3),
        (functools.partial(add, c=5), {"a": 1, "b": 2}, 8),
    ],
    ids=lambda v: getattr(v, "__name__", None),
)
def test_every_kind_of_callable_runs_as_it_is_described(
    func: Any, arguments: dict[str, Any], value: Any
) -> None:
    made = tool(name="made")(func)
    assert json.dumps(made.to_dict())
    result = LLMCompiler([made]).execute_sync(Plan((Task(1, "made", arguments),)))
    assert result.output == {1: value}, result.tasks


def test_hints_may_name_types_of_the_function_they_are_in() -> None:
    class Local(BaseModel):
        x: int

    @tool
    def first(item: Local) -> list[Local]:
        return [item]

    @tool(name="second")
    def other(item: Local) -> int:
        return item.x

    plan = Plan((Task(1, "first", {"item": {"x": 4}}), Task(2, "second", {"item": Ref(1, (0,))})))
    assert LLMCompiler([first, other]).execute_sync(plan).output == {2: 4}

    def plain(item: Local) -> int:
        return item.x

    with pytest.raises(ToolDefinitionError, match="name 'Local' is not defined; .* where tool.. is called"):
        LLMCompiler([plain])


def test_a_default_that_its_own_validator_can_not_take() -> None:
    def refuse(value: int) -> int:
        raise RuntimeError("odd")

    def f(x: Annotated[int, AfterValidator(refuse)] = 1) -> None: ...

    with pytest.raises(ToolDefinitionError, match="default of `x` does not fit its type: RuntimeError: odd"):
        tool(f)


def test_a_schema_with_a_reference_that_leads_nowhere_refuses_values_and_does_not_break() -> None:
    made = Tool.from_schema(
        "t", {"type": "object", "properties": {"a": {"$ref": "#/$defs/nowhere"}}}, lambda **a: a
    )
    with pytest.raises(ValueError, match="its schema can not be used"):
        made.params["a"].validate(1)
