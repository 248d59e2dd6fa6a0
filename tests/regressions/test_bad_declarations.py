"""Bad input for what tools, limits and compilers declare: a clear error, in good time, and nothing else is lost.

Each text that is asserted names the place and the way out. Bad questions, plans and servers are in `test_bad_input`.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from llmcompiler import (
    ApprovalDenied,
    ApprovalExpired,
    AsyncExecutor,
    BatchFailed,
    Cancelled,
    CircuitBreaker,
    ConfigurationError,
    Failed,
    GuardFailed,
    Hedging,
    ItemsFailed,
    LimitExceeded,
    Limits,
    LLMCompiler,
    MemoryCache,
    Passes,
    Plan,
    RateLimit,
    RunFinished,
    RunResult,
    Skipped,
    Succeeded,
    TaskFinished,
    TaskPlanned,
    Tool,
    ToolDefinitionError,
    ToolError,
    UsageError,
    tool,
)
from llmcompiler.testing import RecordingReporter
from tests.support.strict_loop import run_strictly

pytestmark = pytest.mark.timeout(30)


@tool
async def echo(text: Any) -> Any:
    """Give it back."""
    return text


def made(**options: Any) -> Tool:
    """A tool `t(x: int) -> int` with these options."""

    async def t(x: int) -> int:
        """Give it back."""
        return x

    return tool(**options)(t)


def run(text: str, *tools: Any, limits: Limits | None = None, **options: Any) -> RunResult:
    """Execute a plan; asyncio has nothing to complain about, and each task has one outcome."""
    reporter = RecordingReporter()

    async def main() -> RunResult:
        compiler = LLMCompiler([*tools, echo], reporters=[reporter], **options)
        return await compiler.execute(text, limits=limits)

    result = run_strictly(main)
    planned = sorted(e.task.id for e in reporter.of(TaskPlanned))
    assert sorted(e.task_id for e in reporter.of(TaskFinished)) == planned
    assert isinstance(reporter.events[-1], RunFinished)
    assert reporter.types.count("RunFinished") == 1
    assert all(e.to_json() for e in reporter.events)
    assert result.explain()
    return result


def only_failure(result: RunResult, *ids: int) -> Exception:
    """The error of the tasks `ids`, which are the only ones that failed; what needs no value of them succeeded."""
    failed = [i for i, t in result.tasks.items() if isinstance(t.outcome, Failed)]
    assert failed == list(ids)
    for t in result.tasks.values():
        if not isinstance(t.outcome, Failed):
            needs = set(ids) & set(t.task.depends_on)
            assert isinstance(t.outcome, Skipped if needs else Succeeded), t
    outcome = result.tasks[ids[0]].outcome
    assert isinstance(outcome, Failed)
    return outcome.error


# -- effect, resource, vary and approval functions ---------------------------------------------


def raises(**_: Any) -> Any:
    raise KeyError("city")


FUNCTIONS: dict[str, tuple[dict[str, Any], str]] = {
    "effect raises": ({"effect": raises}, "the effect function of `t` raised KeyError: 'city'"),
    "no effect": (
        {"effect": lambda x: "reads"},
        "the effect function of `t` gave 'reads', not 'pure', 'read', 'write' or None",
    ),
    "resource raises": (
        {"effect": "write", "resource": raises},
        "the resource function of `t` raised KeyError: 'city'",
    ),
    "resource forgets to return": (
        {"effect": "write", "resource": lambda x: None},
        r"the resource function of `t` gave None; return a key, several, or \[\]",
    ),
    "key not hashable": (
        {"effect": "write", "resource": lambda x: [["a"]]},
        r"the resource of `t` .*: the key \['a'\] is not hashable; use texts, numbers or tuples of them",
    ),
    "key not hashable, in a mapping": (
        {"effect": "write", "resource": lambda x: {"write": [{}]}},
        "the resource of `t` .*: the key {} is not hashable",
    ),
    "another mapping": (
        {"effect": "write", "resource": lambda x: {"writes": "a"}},
        """the resource of `t` .*: a mapping may have "read" and "write", not 'writes'""",
    ),
    "keys that can be read only once": (
        {"effect": "write", "resource": lambda x: map(str, [x])},
        "the resource of `t` .*: a value of type map can be read only once; give a key, or a list of keys",
    ),
    "keys that have to be awaited": (
        {"effect": "write", "resource": lambda x: asyncio.sleep(0)},
        "the resource of `t` .*: a value of type coroutine is async; give a key",
    ),
    "a read that writes": (
        {"effect": lambda x: "read", "resource": lambda x: {"write": "a"}},
        "`t` declares what it writes and is not effect='write'",
    ),
    "vary raises": (
        {"effect": "read", "vary": lambda: 1 // 0},
        "the vary function of `t` raised ZeroDivisionError",
    ),
    "vary gives a list": (
        {"effect": "read", "vary": list},
        "the vary function of `t` gave a value of type list, which is not hashable; give a text",
    ),
    "approval raises": (
        {"requires_approval": raises},
        "the approval function of `t` raised KeyError: 'city'",
    ),
    "approval forgets to return": (
        {"requires_approval": lambda x: None},
        "the approval function of `t` gave a value of type NoneType, not True or False",
    ),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions_of_the_arguments_that_fail(name: str) -> None:
    options, words = FUNCTIONS[name]
    result = run('1. t(1)\n2. echo("before")\n3. echo($1)\n4. t(4)\n5. echo($2)\njoin()', made(**options))
    error = only_failure(result, 1, 4)
    with pytest.raises(ToolError, match=words):
        raise error


def test_functions_that_fail_for_some_arguments_fail_those_calls_alone() -> None:
    t = made(effect="write", resource=lambda x: {0: "a", 1: ["b", []]}.get(x, "c"))
    result = run("1. t(0)\n2. t(1)\n3. t(2)\n4. for i in [0, 1, 2]: t(i)\n5. echo($3)\njoin()", t)
    only_failure(result, 2, 4)
    error = result.tasks[4].outcome.error  # type: ignore[union-attr]
    assert isinstance(error, ItemsFailed)
    assert error.values == {0: 0, 2: 2}
    assert "the key [] is not hashable" in str(error)


def test_explain_says_beforehand_that_a_call_will_fail() -> None:
    t = made(effect="write", resource=raises, requires_approval=lambda x: None)
    text = Plan.parse("1. t(1)\njoin()", [t]).explain()
    assert "Task 1 will fail: the" in " ".join(text.split())


# -- batches -----------------------------------------------------------------------------------


def batch(calls: list[dict[str, Any]], *, kind: str) -> Any:
    xs = [c["x"] for c in calls]
    given: dict[str, Any] = {
        "too few": xs[1:],
        "too many": [*xs, 0],
        "none": None,
        "a text": "abc",
        "a record": dict.fromkeys(xs),
        "a generator": (x for x in xs),
        "itself": batch,
    }
    if kind == "raises":
        raise RuntimeError("down")
    return given[kind]


BATCHES = {
    "too few": "gave 2 results; expected 3, one for each call",
    "too many": "gave 4 results; expected 3, one for each call",
    "none": "gave a value of type NoneType; expected a list of 3 results",
    "a text": "gave a value of type str; expected a list of 3 results",
    "a record": "gave a value of type dict; expected a list",
    "a generator": "gave a value of type generator; expected a list",
    "itself": "gave a value of type function; expected a list",
    "raises": "RuntimeError: down",
}


@pytest.mark.parametrize("kind", BATCHES)
def test_a_batch_that_does_not_give_one_result_for_each_call(kind: str) -> None:
    async def together(calls: list[dict[str, Any]]) -> Any:
        return batch(calls, kind=kind)

    result = run("1. t(1)\n2. t(2)\n3. t(3)\n4. echo($2)\n5. echo(5)\njoin()", made(batch=together))
    error = only_failure(result, 1, 2, 3)
    assert isinstance(error, RuntimeError if kind == "raises" else BatchFailed)
    assert BATCHES[kind] in f"{type(error).__name__}: {error}"
    if kind != "raises":
        assert "the batch function of `t`" in str(error)


def test_a_batch_that_hangs_or_fails_in_part_leaves_the_others_alone() -> None:
    async def hangs(calls: list[dict[str, Any]]) -> Any:
        await asyncio.Event().wait()

    async def in_part(calls: list[dict[str, Any]]) -> Any:
        return [c["x"] if c["x"] != 2 else ValueError("not two") for c in calls]

    plan = "1. t(1)\n2. t(2)\n3. t(3)\n4. echo(4)\njoin()"
    error = only_failure(run(plan, made(batch=hangs, timeout=5)), 1, 2, 3)
    assert "`t` gave no result within 5 s" in str(error)
    assert str(only_failure(run(plan, made(batch=in_part)), 2)) == "not two"


# -- approvers -----------------------------------------------------------------------------------


async def crashes(request: Any) -> bool:
    raise RuntimeError("the approver is out")


async def leaves(request: Any) -> bool:
    raise SystemExit(3)


async def shrugs(request: Any) -> Any:
    return "yes"


async def never(request: Any) -> bool:
    return bool(await asyncio.Event().wait())


APPROVERS: list[tuple[Any, dict[str, Any], type[Exception], str]] = [
    (crashes, {}, ApprovalDenied, "the approver failed on `t`: RuntimeError: the approver is out"),
    (leaves, {}, ApprovalDenied, "the approver failed on `t`: SystemExit"),
    (shrugs, {}, ApprovalDenied, "the approver gave 'yes' about `t`, not True or False"),
    (lambda request: True, {}, ApprovalDenied, "has to be awaited; write it `async def`"),
    (never, {"approval_timeout": 5}, ApprovalExpired, "nobody approved `t` within 5 s"),
    (None, {}, ApprovalDenied, "`t` needs approval; pass approver= to LLMCompiler"),
]


@pytest.mark.parametrize(("approver", "options", "kind", "words"), APPROVERS)
def test_approvers_that_fail(
    approver: Any, options: dict[str, Any], kind: type[Exception], words: str
) -> None:
    t = made(requires_approval=lambda x: x > 1)
    result = run("1. t(1)\n2. t(2)\n3. echo($2)\n4. echo($1)\njoin()", t, approver=approver, **options)
    error = only_failure(result, 2)
    assert isinstance(error, kind)
    assert words in str(error)


def test_an_approver_that_never_answers_holds_up_no_run_that_has_an_end() -> None:
    t = made(requires_approval=lambda x: x > 1)
    result = run("1. t(1)\n2. t(2)\n3. echo($1)\njoin()", t, approver=never, limits=Limits(seconds=5))
    assert result.output == {3: 1}
    assert isinstance(result.tasks[2].outcome, Cancelled)
    assert "5 s" in result.tasks[2].outcome.reason


# -- loops and conditions ----------------------------------------------------------------------------


class NoList:
    def __iter__(self) -> Iterator[Any]:
        raise RuntimeError("no")


SOURCES: list[tuple[Any, str]] = [
    (5, "`$1` is a value of type int, not a list; let the tool return a list"),
    (True, "`$1` is a value of type bool, not a list"),
    (None, "`$1` is nothing, not a list; let the tool return an empty list where there is nothing"),
    ("a, b", "`$1` is a text, not a list; let a tool split it into a list"),
    (b"ab", "`$1` is a value of type bytes, not a list"),
    ({"hits": [1], "n": 1}, "`$1` is a record with hits, n, not a list; did you mean `$1.hits`?"),
    ({"n": 1}, "`$1` is a record with n, not a list; go through a field of it that is a list"),
    (itertools.count(), "can be read only once: let the tool return a list"),
    (NoList(), "`$1` is a value of type NoList, not a list"),
]


@pytest.mark.parametrize(("value", "words"), SOURCES, ids=lambda v: type(v).__name__)
def test_a_for_over_something_that_is_no_list(value: Any, words: str) -> None:
    @tool
    async def source() -> Any:
        return value

    result = run("1. source()\n2. for i in $1: t(i)\n3. echo($2)\n4. echo(4)\njoin()", source, made())
    error = only_failure(result, 2)
    assert str(error).startswith("`for i in $1`: `$1` is ")
    assert words in str(error)


def test_items_that_do_not_fit_fail_by_themselves() -> None:
    result = run('1. echo([1, "many", 3])\n2. for i in $1: t(i)\n3. echo(3)\njoin()', made())
    error = only_failure(result, 2)
    assert isinstance(error, ItemsFailed)
    assert error.values == {0: 1, 2: 3}
    assert "item 1: ArgumentError: bad arguments for `t`: `x` (from i)" in str(error)


@tool
async def broken() -> Any:
    """Fail."""
    raise ValueError("it broke")


@pytest.mark.parametrize(
    "guard", ["$1 > 3", "not $1", "$1 == None", "true or $1", "$1.x in [1]", "$2 and $1"]
)
@pytest.mark.parametrize("head", ["", "for i in [1, 2]: "])
def test_a_condition_on_a_failed_task_skips_and_is_never_taken_for_false(guard: str, head: str) -> None:
    text = f'1. broken()\n2. echo("a")\n3. if {guard}: {head}t(3)\n4. echo($3)\n5. echo($2)\njoin()'
    result = run(text, broken, made())
    outcome = result.tasks[3].outcome
    assert outcome == Skipped(1, "task 1 failed: ValueError: it broke")
    assert isinstance(result.tasks[4].outcome, Skipped)
    assert result.output == {5: "a"}


@pytest.mark.parametrize(
    ("guard", "words"),
    [
        ("$1 > 3", "`>` between 'text' (str, from `$1`) and 3 (int) has no meaning: order two numbers"),
        ("3 in $2", "`in` between 3 (int) and 5 (int, from `$2`) has no meaning: look into a list"),
        ("$2 < None", "None (NoneType) has no meaning"),
        ("$2 > true", "true and false have no order"),
    ],
)
def test_a_condition_that_can_not_be_decided(guard: str, words: str) -> None:
    result = run(f'1. echo("text")\n2. echo(5)\n3. if {guard}: t(1)\n4. echo($3)\n5. echo(5)\njoin()', made())
    error = only_failure(result, 3)
    assert isinstance(error, GuardFailed)
    assert str(error).startswith(f"the condition `{error.guard}` can not be decided: ")
    assert words in str(error)


# -- limits ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    ["tasks", "model_calls", "tokens", "seconds", "tasks_per_tool", "rounds", "cost", "expansion"],
)
@pytest.mark.parametrize("value", [0, -1, "5", True, float("nan"), float("inf")])
def test_limits_of_zero_and_worse(name: str, value: Any) -> None:
    with pytest.raises(ConfigurationError, match=rf"^Limits\({name}=.*give a number above 0, or None"):
        Limits(**{name: value})


@pytest.mark.parametrize(
    ("limits", "words"),
    [
        ({"tasks": 1.5}, "Limits(tasks=1.5): this is counted; give a whole number above 0"),
        ({"tasks_per_tool": {"t": 0}}, "Limits(tasks_per_tool={'t': 0}): give a number above 0"),
        ({"tasks_per_tool": {5: 1}}, "name a tool, as in {'search': 3}"),
        ({"tasks_per_tool": {"ehco": 1}}, "there is no tool 'ehco'; did you mean 'echo'?"),
    ],
)
def test_limits_that_make_no_sense(limits: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        run("1. echo(1)\njoin()", limits=Limits(**limits))
    assert words in str(caught.value)


def test_what_is_over_a_limit_fails_alone() -> None:
    limits = Limits(tasks_per_tool={"t": 2}, expansion=2)
    result = run(
        "1. t(1)\n2. t(2)\n3. t(3)\n4. for i in [1, 2, 3]: echo(i)\n5. echo($1)\njoin()",
        made(),
        limits=limits,
    )
    error = only_failure(result, 3, 4)
    assert isinstance(error, LimitExceeded)
    assert "limit of 2 calls of `t`; raise `Limits(tasks_per_tool=...)`" in str(error)
    assert "raise `Limits(expansion=...)`" in str(result.tasks[4].outcome.error)  # type: ignore[union-attr]


# -- options that are wrong, or do not go together ---------------------------------------------------


async def async_function(**_: Any) -> Any:
    return None


def other(y: int) -> int:
    """Takes something else."""
    return y


def more(x: int, y: int) -> int:
    """Needs more."""
    return x + y


OPTIONS: list[tuple[dict[str, Any], str]] = [
    ({"effect": "write", "cache": True}, "is cached and not declared pure or read; declare its effect"),
    ({"cache": 60}, "is cached and not declared pure or read"),
    ({"effect": "read", "cache": -1}, "has cache=-1; give True, False, or seconds above 0"),
    ({"effect": "write", "hedge": True}, "is hedged and may not be repeated; declare effect='pure' or"),
    ({"hedge": True}, "or idempotent=True"),
    ({"effect": "pure", "resource": "a"}, "is pure and has a resource; a tool that looks at one is effect="),
    ({"effect": "pure", "idempotent": False}, "is pure and not idempotent; leave idempotent out"),
    ({"effect": "read", "resource": {"write": "a"}}, "declares what it writes and not that it does"),
    ({"batch": async_function, "hedge": True, "effect": "read"}, "has batch and hedge"),
    ({"batch": [1]}, "give a function that takes a list of argument dicts and gives a list"),
    ({"batch": async_function, "max_batch": 0}, "has max_batch=0; give a whole number, 1 or more"),
    ({"effect": "writes"}, "has effect='writes'; use 'pure', 'read', 'write' or leave it out"),
    (
        {"effect": lambda to: "read"},
        "a function in effect that does not fit: missing a required argument: 'to'",
    ),
    (
        {"effect": "write", "resource": lambda: "a"},
        "it gets the arguments by name: name those it uses, and take",
    ),
    (
        {"requires_approval": lambda: True},
        "a function in requires_approval that does not fit: got an unexpected",
    ),
    ({"effect": async_function}, "has an async function in effect; write a plain `def`"),
    ({"effect": "write", "resource": async_function}, "has an async function in resource"),
    ({"requires_approval": async_function}, "has an async function in requires_approval"),
    ({"requires_approval": "no"}, "has requires_approval='no'; give True, or a function"),
    ({"idempotent": "no"}, "has idempotent='no'; give True or False"),
    ({"effect": "read", "hedge": "yes"}, "has hedge='yes'; give True or False"),
    ({"effect": "write", "resource": [["a"]]}, "the key ['a'] is not hashable; use texts, numbers or tuples"),
    ({"effect": "write", "resource": {"reads": "a"}}, """may have "read" and "write", not 'reads'"""),
    ({"effect": "write", "resource": iter(["a"])}, "can be read only once; give a key, or a list of keys"),
    ({"rate_limit": "ten a second"}, 'write it as "10/s", "100/min" or "3/2s"'),
    ({"rate_limit": "0/s"}, "give a number above 0"),
    ({"rate_limit": 10}, 'give a RateLimit, or "10/s"'),
    ({"breaker": 5}, "give a CircuitBreaker(failures=5, seconds=30)"),
    ({"fallback": other}, "has the fallback `other`, which has no argument `x`; it is called with the same"),
    ({"fallback": more}, "has the fallback `more`, which needs `y`; it is called with the same"),
    ({"on_item_error": "ignore"}, "has on_item_error='ignore'; use 'fail', 'skip' or 'collect'"),
    ({"vary": "user"}, "has vary='user'; give a plain function without arguments"),
    ({"version": 2}, "has version=2; give a text"),
    ({"timeout": 0}, "has timeout=0; give seconds above 0"),
    ({"timeout": float("inf")}, "has timeout=inf; give seconds above 0, or leave it out"),
    ({"effect": "read", "cache": float("inf")}, "has cache=inf; give True, False, or seconds above 0"),
    ({"retries": -1}, "has retries=-1; give a whole number, 0 or more"),
    ({"max_concurrency": 0}, "has max_concurrency=0; give a whole number, 1 or more"),
    ({"efect": "read"}, "has unknown options ['efect']; known are batch, breaker, cache, effect"),
]


@pytest.mark.parametrize(
    ("options", "words"), OPTIONS, ids=lambda v: ", ".join(v) if v.__class__ is dict else ""
)
def test_options_of_tools_that_are_wrong(options: dict[str, Any], words: str) -> None:
    with pytest.raises(ToolDefinitionError) as caught:
        made(**options)
    assert str(caught.value).startswith("tool `t`: ")
    assert words in str(caught.value)
    schema = {"type": "object", "properties": {"x": {"type": "integer"}}, "required": ["x"]}
    with pytest.raises(ToolDefinitionError) as again:
        Tool.from_schema("t", schema, async_function, **options)
    assert words in str(again.value)


def test_a_fallback_does_no_more_than_its_tool_says() -> None:
    write, asks = made(effect="write"), made(requires_approval=True)
    with pytest.raises(ToolDefinitionError, match="which writes; .*declare effect='write' on `t`"):
        made(effect="read", fallback=write)
    with pytest.raises(ToolDefinitionError, match="which needs approval; a fallback can not ask"):
        made(fallback=asks)


def test_rate_limits_of_one_name_that_differ() -> None:
    one = made(rate_limit=RateLimit(1, name="s"))

    @tool(rate_limit=RateLimit(2, name="s"))
    async def two(x: int) -> int:
        return x

    with pytest.raises(ConfigurationError, match="the rate limit 's' is one for all its tools: `t` says 1"):
        LLMCompiler([one, two])


class Half:
    """A cache of which half is missing."""

    def get(self, key: str, codec: Any) -> None:
        return None


MAKERS: list[tuple[Callable[[], Any], str]] = [
    (lambda: LLMCompiler([echo], passes=True), "passes=True is not a Passes; write Passes(merge=False)"),  # type: ignore[arg-type]
    (lambda: LLMCompiler([echo], limits={"tasks": 5}), "is not a Limits; write Limits(tasks=50)"),  # type: ignore[arg-type]
    (lambda: LLMCompiler([echo], cache="results.db"), "has no method `get`; give a MemoryCache() or"),  # type: ignore[arg-type]
    (lambda: LLMCompiler([echo], cache={}), "has no method `put`; give a MemoryCache() or SQLiteCache(path)"),  # type: ignore[arg-type]
    (lambda: LLMCompiler([echo], cache=Half()), "has no method `put`"),  # type: ignore[arg-type]
    (lambda: LLMCompiler([echo], cache=MemoryCache), "is a class; give one of it"),  # type: ignore[arg-type]
    (lambda: LLMCompiler([echo], on_item_error="ignore"), "use 'fail', 'skip' or 'collect'"),  # type: ignore[arg-type]
    (lambda: LLMCompiler([echo], approval_timeout=0), "approval_timeout=0: give seconds above 0, or None"),
    (lambda: LLMCompiler([echo], approver=True), "is not a function; write `async (request) -> bool`"),  # type: ignore[arg-type]
    (lambda: Passes(merge=1), "Passes(merge=1): give True or False"),  # type: ignore[arg-type]
    (lambda: Passes(priority="fast"), "use one of 'critical-path', 'fifo'"),  # type: ignore[arg-type]
    (lambda: AsyncExecutor(hedge="yes"), "hedge='yes': give True, False or a Hedging(...)"),  # type: ignore[arg-type]
    (lambda: AsyncExecutor(max_concurrency=0), "max_concurrency=0: give a whole number, 1 or more, or None"),
    (lambda: Hedging(quantile=95), "Hedging(quantile=95): give a share between 0 and 1"),
    (lambda: Hedging(budget=0), "Hedging(budget=0): give a share above 0, at most 1"),
    (lambda: RateLimit(0), "RateLimit(calls=0): give a number above 0"),
    (lambda: RateLimit(5, seconds=-1), "RateLimit(seconds=-1): give a number above 0"),
    (lambda: CircuitBreaker(failures=0), "CircuitBreaker(failures=0): give a whole number, 1 or more"),
    (lambda: CircuitBreaker(seconds=0), "CircuitBreaker(seconds=0): give seconds above 0"),
    (lambda: MemoryCache(max_entries=0), "max_entries=0"),
    (lambda: MemoryCache(ttl=-1), "ttl=-1"),
]


@pytest.mark.parametrize(("maker", "words"), MAKERS, ids=[words[:30] for _, words in MAKERS])
def test_settings_that_are_wrong(maker: Callable[[], Any], words: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        maker()
    assert words in str(caught.value)


def test_a_run_handle_used_wrongly() -> None:
    async def main() -> None:
        compiler = LLMCompiler([echo])
        with pytest.raises(UsageError, match="needs a question, or plan="):
            compiler.start()
        run = compiler.start(plan="1. echo(1)\njoin($1)")
        for decide in (run.approve, run.reject):
            with pytest.raises(UsageError, match="task 1 does not wait for approval; waiting are: none"):
                decide(1)
        assert (await run).output == 1

    run_strictly(main)
    with pytest.raises(UsageError, match="needs a running event loop: call it from `async` code"):
        LLMCompiler([echo]).start(plan="1. echo(1)")
