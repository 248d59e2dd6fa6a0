"""Sharing, driven by hand: drivers without an event loop, and an executor that keeps calls until told how they end."""

from __future__ import annotations

import contextvars
import gc
import io
import logging
import weakref
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from llmcompiler import (
    Cancelled,
    ConfigurationError,
    Failed,
    LimitExceeded,
    Plan,
    Succeeded,
    Tool,
    ToolError,
    ToolRegistry,
    tool,
)
from llmcompiler.driver import Call, Driver, Executor
from llmcompiler.sharing.cache import Codec, Entry, MemoryCache
from llmcompiler.sharing.table import Sharing, SharingStats


class ByHand(Executor):
    """Keeps calls; the test says how they end."""

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.cancelled: list[Call] = []
        self.now = 0.0
        self.refuses: Exception | None = None

    def start(self, call: Call) -> None:
        if self.refuses is not None:
            raise self.refuses
        call.started = self.now
        self.calls.append(call)

    def cancel(self, calls: Sequence[Call]) -> None:
        self.cancelled.extend(calls)

    def clock(self) -> Callable[[], float]:
        return lambda: self.now

    @property
    def names(self) -> list[str]:
        return [f"{c.driver.run_id}:{c.task.id}" for c in self.calls]


@tool(effect="pure")
def double(x: Any) -> Any:
    return x


@tool(effect="read", resource=lambda key, **_: key)
def look(key: str, deep: bool = False) -> Any:
    return key


@tool(effect="read")
def look_around() -> Any:
    return None


@tool(effect="write", resource=lambda key, **_: key)
def change(key: str) -> None: ...


@tool(effect="write")
def change_all() -> None: ...


@tool
def undeclared(x: Any) -> Any:
    return x


TOOLS: list[Tool] = [double, look, look_around, change, change_all, undeclared]


class House:
    """One compiler's sharing, and its runs."""

    def __init__(self, sharing: Sharing, tools: Sequence[Any] = TOOLS) -> None:
        self.sharing = sharing
        self.tools = ToolRegistry(tools)
        self.hands = ByHand()

    def run(self, name: str, text: str, home: str = "loop") -> Driver:
        driver = Driver(self.hands, self.tools, name, sharing=self.sharing)
        driver.home = home
        driver.open_round()
        for task in Plan.parse(text, self.tools).tasks:
            driver.add(task)
        return driver

    def end(self, which: str, value: Any = None) -> None:
        """End the call `run:task` that is under way."""
        call = next(c for c in self.hands.calls if f"{c.driver.run_id}:{c.task.id}" == which)
        self.hands.calls.remove(call)
        call.finish(Failed(value) if isinstance(value, Exception) else Succeeded(value))


@pytest.fixture
def house() -> House:
    return House(Sharing())


def via(driver: Driver) -> list[str | None]:
    return [None if c.outcome is None else c.via for c in driver.calls.values()]


def values(driver: Driver) -> list[Any]:
    return [driver.values.get(i) for i in driver.calls]


# -- merged while under way -----------------------------------------------------------------


@pytest.mark.parametrize("name", ["double", "look"])
def test_an_identical_call_under_way_is_followed(house: House, name: str) -> None:
    a = house.run("a", f'1. {name}("k")\n2. {name}("k")\n3. {name}("other")')
    b = house.run("b", f'1. {name}("k")')
    assert house.hands.names == ["a:1", "a:3"]
    house.end("a:1", ["v"])
    assert values(a) == [["v"], ["v"], None]
    assert values(b) == [["v"]]
    assert via(a) == ["call", "merged", None]
    assert via(b) == ["merged"]
    assert b.calls[1].started is None
    assert house.sharing.stats == SharingStats(merged=2)


def test_followers_get_values_of_their_own(house: House) -> None:
    a = house.run("a", '1. look("k")\n2. look("k")')
    b = house.run("b", '1. look("k")')
    house.end("a:1", ["v"])
    a.values[1].append("changed")
    a.values[2].append("too")
    assert b.values[1] == ["v"]


def test_a_failure_is_shared_as_an_error_of_its_own(house: House) -> None:
    a = house.run("a", '1. look("k")')
    b = house.run("b", '1. look("k")')
    house.end("a:1", ToolError("no such key"))
    first, second = a.calls[1].outcome, b.calls[1].outcome
    assert isinstance(first, Failed)
    assert isinstance(second, Failed)
    assert type(second.error) is ToolError
    assert str(second.error) == "no such key"
    assert second.error is not first.error
    house.run("c", '1. look("k")')
    assert house.hands.names == ["c:1"], "a failure is not remembered"


def test_an_error_that_can_not_be_made_again_is_handed_on(house: House) -> None:
    class Strict(Exception):
        def __new__(cls, a: int, b: int) -> Strict:
            return super().__new__(cls, a)

        def __init__(self, a: int, b: int) -> None:
            super().__init__(a)

    b_error = Strict(1, 2)
    house.run("a", '1. look("k")')
    b = house.run("b", '1. look("k")')
    house.end("a:1", b_error)
    assert b.calls[1].outcome == Failed(b_error)


@pytest.mark.parametrize("text", ["undeclared(1)", 'change("k")', "change_all()"])
def test_other_calls_are_never_shared(house: House, text: str) -> None:
    a = house.run("a", f"1. {text}")
    house.run("b", f"1. {text}")
    assert house.hands.names == ["a:1", "b:1"]
    house.end("a:1", 1)
    house.end("b:1", 1)
    house.run("c", f"1. {text}")
    assert house.hands.names == ["c:1"]
    assert via(a) == ["call"]


@pytest.mark.parametrize(
    ("a", "b"),
    [("1", "1.0"), ("1", "True"), ("[1]", "[1.0]"), ('"1"', "1"), ('{"a": 1, "b": 2}', '{"b": 2, "a": 1}')],
)
def test_arguments_that_a_tool_can_tell_apart_are_not_the_same(house: House, a: str, b: str) -> None:
    house.run("a", f"1. double({a})\n2. double({b})")
    assert len(house.hands.calls) == 2


def test_defaults_and_the_order_of_arguments_make_no_difference(house: House) -> None:
    house.run("a", '1. look("k")\n2. look(deep=False, key="k")\n3. look(deep=True, key="k")')
    assert house.hands.names == ["a:1", "a:3"]


def test_tools_of_one_name_in_two_compilers_are_two() -> None:
    @tool(effect="pure", name="double")
    def namesake(x: Any) -> Any: ...

    sharing = Sharing()
    first, second = House(sharing), House(sharing, [namesake])
    first.run("a", "1. double(1)")
    second.run("b", "1. double(1)")
    assert first.hands.names == ["a:1"]
    assert second.hands.names == ["b:1"]


def test_runs_in_two_event_loops_do_not_follow_each_other(house: House) -> None:
    house.run("a", '1. look("k")', home="one")
    house.run("b", '1. look("k")', home="two")
    assert house.hands.names == ["a:1", "b:1"]


def test_arguments_without_a_canonical_form_are_not_shared(house: House) -> None:
    a = house.run("a", "1. undeclared(1)\n2. undeclared(1)\n3. double($1)\n4. double($2)")
    thing = object()
    house.end("a:1", thing)
    house.end("a:2", thing)
    assert house.hands.names == ["a:3", "a:4"]
    house.end("a:3", 1)
    house.end("a:4", 2)
    assert values(a)[2:] == [1, 2]


@pytest.mark.parametrize("value", [io.StringIO("a"), {"lock": contextvars.copy_context()}])
def test_what_can_not_be_copied_is_made_by_everybody(house: House, value: Any) -> None:
    a = house.run("a", '1. look("k")\n2. look("k")')
    b = house.run("b", '1. look("k")')
    house.end("a:1", value)
    assert house.hands.names == ["a:2", "b:1"]
    house.end("a:2", 2)
    house.end("b:1", 3)
    assert a.values[1] is value
    assert (a.values[2], b.values[1]) == (2, 3)
    assert via(a) == ["call", "call"]


# -- a leader that does not end ----------------------------------------------------------------


def test_the_next_one_takes_over_where_the_leaders_run_is_stopped(house: House) -> None:
    a = house.run("a", '1. look("k")\n2. look("k")')
    b = house.run("b", '1. look("k")')
    c = house.run("c", '1. look("k")')
    house.hands.calls.clear()
    a.stop("enough")
    assert house.hands.names == ["b:1"], "not the other call of the run that stops"
    house.end("b:1", "v")
    assert [type(call.outcome) for call in a.calls.values()] == [Cancelled, Cancelled]
    assert (b.values[1], c.values[1]) == ("v", "v")
    assert (via(b), via(c)) == (["call"], ["merged"])


def test_the_last_one_stopped_leaves_nothing(house: House) -> None:
    a = house.run("a", '1. look("k")\n2. look("k")\n3. look("k")')
    a.stop("enough")
    assert not house.sharing._flights
    assert all(isinstance(c.outcome, Cancelled) for c in a.calls.values())
    house.hands.calls.clear()
    house.run("b", '1. look("k")')
    assert house.hands.names == ["b:1"]


def test_a_follower_whose_run_is_stopped_is_dropped(house: House) -> None:
    a = house.run("a", '1. look("k")')
    b = house.run("b", '1. look("k")')
    b.stop("enough")
    house.end("a:1", "v")
    assert a.values[1] == "v"
    assert isinstance(b.calls[1].outcome, Cancelled)
    assert house.sharing.stats.merged == 0


def test_the_limit_of_one_run_does_not_hold_for_another(house: House) -> None:
    a = house.run("a", '1. look("k")')
    b = house.run("b", '1. look("k")')
    house.end("a:1", LimitExceeded("seconds", 1))
    assert isinstance(a.calls[1].outcome, Failed)
    assert house.hands.names == ["b:1"]
    house.end("b:1", "v")
    assert b.values[1] == "v"


def test_a_takeover_that_can_not_start_fails_and_takes_its_followers_with_it(house: House) -> None:
    a = house.run("a", '1. look("k")')
    b = house.run("b", '1. look("k")')
    c = house.run("c", '1. look("k")')
    house.hands.refuses = RuntimeError("no room")
    a.stop("enough")
    for driver in (b, c):
        outcome = driver.calls[1].outcome
        assert isinstance(outcome, Failed)
        assert str(outcome.error) == "no room"
    assert not house.sharing._flights


def test_followers_go_on_in_the_context_of_their_own_run(house: House) -> None:
    user: contextvars.ContextVar[str] = contextvars.ContextVar("user")
    seen = []

    @tool(effect="read", vary=lambda: seen.append(user.get()))
    def own() -> int: ...

    house.tools = ToolRegistry([*TOOLS, own])

    def begin(name: str) -> Driver:
        user.set(name)
        return house.run(name, '1. look("k")\n2. if $1 == "v": own()')

    contexts = {name: contextvars.copy_context() for name in "ab"}
    for name, context in contexts.items():
        context.run(begin, name)
    contexts["a"].run(house.end, "a:1", "v")
    assert sorted(seen) == ["a", "b"]


# -- made before in the same run ------------------------------------------------------------


def test_a_call_made_before_in_the_run_is_not_made_again(house: House) -> None:
    a = house.run("a", '1. look("k")\n2. undeclared($1)\n3. if $2 == 1: look("k")')
    house.end("a:1", "v")
    house.end("a:2", 1)
    assert via(a) == ["call", "call", "merged"]
    assert a.values[3] == "v"
    house.run("b", '1. look("k")')
    assert house.hands.names == ["b:1"], "reads of another run are not known to be good"


@pytest.mark.parametrize(
    ("write", "again"),
    [('change("k")', True), ("change_all()", True), ('change("other")', False), ("undeclared(1)", False)],
)
def test_a_write_makes_what_was_read_stale(house: House, write: str, again: bool) -> None:
    a = house.run("a", '1. look("k")\n2. undeclared($1)\n3. if $2 == 1: look("k")')
    house.end("a:1", "v")
    house.run("b", f"1. {write}")
    house.end("a:2", 1)
    assert ("a:3" in house.hands.names) == again
    assert via(a)[2] == (None if again else "merged")


def test_what_is_read_during_a_write_is_stale_after_it(house: House) -> None:
    house.run("w", '1. change("k")')
    a = house.run("a", '1. look("k")\n2. undeclared($1)\n3. if $2 == 1: look("k")')
    house.end("a:1", "half-written")
    house.end("w:1", RuntimeError("failed half-way"))
    house.end("a:2", 1)
    assert house.hands.names == ["a:3"]
    house.end("a:3", "v")
    assert values(a) == ["half-written", 1, "v"]


def test_reads_on_both_sides_of_a_write_are_not_merged_while_under_way(house: House) -> None:
    house.run("a", '1. look("k")')
    house.run("w", '1. change("k")')
    house.run("b", '1. look("k")')
    assert house.hands.names == ["a:1", "w:1", "b:1"]


@pytest.mark.parametrize(
    ("cache", "age", "again"), [(False, 0, True), (5, 4, False), (5, 5, True), (True, 1e9, False)]
)
def test_a_tool_says_for_how_long_a_run_may_go_by_what_it_saw(cache: Any, age: float, again: bool) -> None:
    @tool(effect="read", cache=cache)
    def clock() -> int: ...

    house = House(Sharing(), [clock, undeclared])
    a = house.run("a", "1. clock()\n2. undeclared($1)\n3. if $2 == 1: clock()")
    house.end("a:1", "v")
    house.hands.now += age
    house.end("a:2", 1)
    assert via(a)[2] == (None if again else "merged")


def test_what_a_run_remembers_is_bounded(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("llmcompiler.sharing.table.MEMO", 3)
    a = house.run("a", "\n".join(f'{n}. look("k{n}")' for n in range(1, 8)))
    for n in range(1, 8):
        house.end(f"a:{n}", n)
    assert [kept.value for kept in a.memo.values()] == [5, 6, 7]


# -- constants ---------------------------------------------------------------------------------


def test_a_pure_call_is_made_once_for_all_runs(house: House) -> None:
    house.run("a", "1. double(2)")
    house.end("a:1", [4])
    house.run("w", "1. change_all()")
    b = house.run("b", "1. double(2)\n2. double(3)", home="another loop")
    assert (values(b), via(b)) == ([[4], None], ["constant", None])
    b.values[1].append("changed")
    assert house.run("c", "1. double(2)").values[1] == [4]
    assert house.sharing.stats.constants == 2
    assert house.hands.names == ["w:1", "b:2"]


def test_large_constants_and_failures_are_not_kept(house: House) -> None:
    house.run("a", "1. double(1)\n2. double(2)\n3. double(3)")
    house.end("a:1", "x" * 100_000)
    house.end("a:2", list(range(100_000)))
    house.end("a:3", ValueError("no"))
    house.run("b", "1. double(1)\n2. double(2)\n3. double(3)")
    assert house.hands.names == ["b:1", "b:2", "b:3"]


def test_constants_are_bounded(house: House) -> None:
    for n in range(1_100):
        house.run("a", f"1. double({n})")
        house.end("a:1", n)
    house.run("b", "1. double(1)\n2. double(1099)")
    assert house.hands.names == ["b:1"]


def test_the_value_of_a_fallback_is_not_kept(house: House) -> None:
    house.run("a", "1. double(1)")
    b = house.run("b", "1. double(1)")
    house.hands.calls[0].via = "fallback"
    house.end("a:1", "second best")
    assert b.values[1] == "second best"
    house.run("c", "1. double(1)")
    assert house.hands.names == ["c:1"]


# -- switches ----------------------------------------------------------------------------------


def test_without_merge_pure_calls_are_still_constants() -> None:
    house = House(Sharing(merge=False))
    a = house.run("a", '1. double(1)\n2. double(1)\n3. look("k")\n4. look("k")')
    assert len(house.hands.calls) == 4
    for n in (1, 2, 3, 4):
        house.end(f"a:{n}", n)
    assert values(a) == [1, 2, 3, 4]
    assert via(house.run("b", "1. double(1)")) == ["constant"]
    assert a.memo == {}


def test_without_fold_pure_calls_are_merged_in_a_run_only() -> None:
    house = House(Sharing(fold=False))
    a = house.run("a", "1. double(1)\n2. double(1)")
    house.end("a:1", 1)
    assert via(a) == ["call", "merged"]
    house.run("b", "1. double(1)")
    assert house.hands.names == ["b:1"]


def test_with_everything_off_nothing_is_asked() -> None:
    @tool(effect="pure", vary=lambda: 1 / 0)
    def varied() -> int: ...

    house = House(Sharing(fold=False, merge=False), [varied])
    a = house.run("a", "1. varied()")
    assert house.hands.names == ["a:1"]
    assert a.calls[1].share is None


# -- vary -----------------------------------------------------------------------------------------


def varied_by(vary: Callable[[], Any]) -> House:
    @tool(effect="pure", vary=vary)
    def varied() -> int: ...

    return House(Sharing(MemoryCache()), [varied])


def test_calls_are_shared_only_where_vary_gives_the_same() -> None:
    user: Any = None
    house = varied_by(lambda: user)
    made = []
    for user in ["ann", "bob", "ann", 1, True, 1.0, 1, None, object, object]:  # noqa: B007
        house.run("a", "1. varied()")
        made.append(len(house.hands.calls))
        while house.hands.calls:
            house.end("a:1", 1)
    assert made == [1, 1, 0, 1, 1, 1, 0, 1, 1, 0]


def test_vary_that_can_not_be_named_is_told_apart_in_memory() -> None:
    class Account:
        pass

    first, second = Account(), Account()
    current = first
    house = varied_by(lambda: current)
    made = []
    for current in (first, second, first):  # noqa: B007
        house.run("a", "1. varied()")
        made.append(len(house.hands.calls))
        while house.hands.calls:
            house.end("a:1", 1)
    assert made == [1, 1, 0]


async def _later() -> int:
    return 1


def _raise() -> int:
    raise LookupError("no user")


@pytest.mark.parametrize(
    ("vary", "says"),
    [
        (_raise, "the vary function of `varied` raised LookupError: no user"),
        (lambda: ["a"], "gave a value of type list, which is not hashable"),
        (lambda: _later(), "is async; write a plain `def`"),
    ],
)
def test_a_bad_vary_fails_the_call_and_says_so(vary: Callable[[], Any], says: str) -> None:
    house = varied_by(vary)
    a = house.run("a", "1. varied()")
    outcome = a.calls[1].outcome
    assert isinstance(outcome, Failed)
    assert isinstance(outcome.error, ToolError)
    assert says in str(outcome.error)
    assert not house.hands.calls


# -- the result cache -----------------------------------------------------------------------------


def test_what_is_cached_is_found_by_another_compiler() -> None:
    cache = MemoryCache()
    first, second = House(Sharing(cache)), House(Sharing(cache))
    a = first.run("a", '1. look("k")')
    first.end("a:1", ["v"])
    assert a.calls[1].cache == "miss"
    b = second.run("b", '1. look("k")\n2. look("k", deep=True)')
    assert (values(b)[0], via(b)[0], b.calls[1].cache) == (["v"], "cache", "hit")
    assert b.calls[2].cache == "miss"
    assert second.sharing.stats == SharingStats(hits=1, misses=1)
    b.values[1].append("changed")
    assert second.run("c", '1. look("k")').values[1] == ["v"]


@pytest.mark.parametrize(
    ("write", "hit"), [('change("k")', False), ("change_all()", False), ('change("other")', True)]
)
def test_a_write_of_any_compiler_makes_the_cache_stale(write: str, hit: bool) -> None:
    cache = MemoryCache()
    first, second = House(Sharing(cache)), House(Sharing(cache))
    first.run("a", '1. look("k")')
    first.end("a:1", "v")
    second.run("w", f"1. {write}")
    second.end("w:1")
    b = first.run("b", '1. look("k")')
    assert (b.calls[1].cache == "hit") == hit


def test_a_read_of_everything_is_stale_after_any_write() -> None:
    house = House(Sharing(MemoryCache()))
    house.run("a", "1. look_around()")
    house.end("a:1", "v")
    assert via(house.run("b", "1. look_around()")) == ["cache"]
    house.run("w", '1. change("somewhere")')
    house.end("w:1")
    house.run("c", "1. look_around()")
    assert house.hands.names == ["c:1"]


def test_what_was_read_before_a_write_is_not_put_as_if_read_after_it() -> None:
    house = House(Sharing(MemoryCache()))
    house.run("a", '1. look("k")')
    house.run("w", '1. change("k")')
    house.end("w:1")
    house.end("a:1", "old")
    house.run("b", '1. look("k")')
    assert house.hands.names == ["b:1"]


def test_a_key_without_a_name_counts_as_everything() -> None:
    class Table:
        pass

    table = Table()

    @tool(effect="read", resource=table)
    def rows() -> int: ...

    @tool(effect="write", resource=table)
    def fill() -> int: ...

    house = House(Sharing(MemoryCache()), [rows, fill, look])
    a = house.run("a", '1. rows()\n2. look("k")')
    house.end("a:1", 1)
    house.end("a:2", 1)
    assert a.calls[1].cache is None
    house.run("w", "1. fill()")
    house.end("w:1")
    house.run("b", '1. rows()\n2. look("k")')
    assert house.hands.names == ["b:1", "b:2"]


def test_tools_say_whether_and_for_how_long_they_are_cached() -> None:
    now = 0.0

    @tool(effect="read", cache=False)
    def never() -> int: ...

    @tool(effect="read", cache=10)
    def short() -> int: ...

    @tool(effect="read")
    def default() -> int: ...

    house = House(Sharing(MemoryCache(ttl=1_000, clock=lambda: now), ttl=100), [never, short, default])
    text = "1. never()\n2. short()\n3. default()"

    def made() -> list[str]:
        house.run("a", text)
        names = [c.task.tool for c in house.hands.calls]
        for call in list(house.hands.calls):
            house.end(f"a:{call.task.id}", 1)
        return names

    assert made() == ["never", "short", "default"]
    now = 9.0
    assert made() == ["never"]
    now = 10.0
    assert made() == ["never", "short"]
    now = 100.0
    assert made() == ["never", "short", "default"]


def test_failures_are_not_cached() -> None:
    house = House(Sharing(MemoryCache()))
    house.run("a", '1. look("k")')
    house.end("a:1", ToolError("no"))
    house.run("b", '1. look("k")')
    assert house.hands.names == ["b:1"]


class Broken:
    """A cache of the user's own, in which one method fails."""

    def __init__(self, method: str) -> None:
        self.method = method
        self.kept: dict[str, Any] = {}

    def _maybe(self, method: str) -> None:
        if method == self.method:
            raise OSError("disk on fire")

    def get(self, key: str, codec: Codec) -> Entry | None:
        self._maybe("get")
        return Entry(self.kept[key]) if key in self.kept else None

    def put(self, key: str, value: Any, codec: Codec, ttl: float | None = None) -> None:
        self._maybe("put")
        self.kept[key] = value

    def epoch(self, reads: Any) -> int | None:
        self._maybe("epoch")
        return 1

    def bump(self, writes: Any) -> None:
        self._maybe("bump")

    def close(self) -> None: ...


@pytest.mark.parametrize("method", ["get", "put", "epoch", "bump"])
def test_a_cache_that_fails_costs_a_call_and_a_warning(method: str, caplog: pytest.LogCaptureFixture) -> None:
    house = House(Sharing(Broken(method)))
    house.run("a", '1. look("k")')
    house.end("a:1", "old")
    house.run("w", '1. change("k")')
    house.end("w:1")
    b = house.run("b", '1. look("k")')
    assert house.hands.names == ["b:1"]
    house.end("b:1", "new")
    assert b.values[1] == "new"
    assert "disk on fire" in caplog.text
    assert {r.levelno for r in caplog.records} <= {logging.WARNING, logging.ERROR}


@pytest.mark.parametrize("ttl", [0, -1, True, "1"])
def test_a_ttl_is_checked(ttl: Any) -> None:
    with pytest.raises(ConfigurationError, match="ttl"):
        Sharing(ttl=ttl)


# -- nothing is kept --------------------------------------------------------------------------------


def test_nothing_is_kept_of_runs_that_ended(house: House) -> None:
    gone = []
    for n in range(20):
        a = house.run("a", f'1. look("k{n}")\n2. look("k{n}")\n3. change("x")')
        b = house.run("b", f'1. look("k{n}")\n2. double({n})')
        if n % 3 == 0:
            a.stop("enough")
        if n % 3 == 1:
            b.stop("enough")
        for call in list(house.hands.calls):
            call.finish(Succeeded([n]))
        house.hands.calls.clear()
        house.hands.cancelled.clear()
        gone += [weakref.ref(a), weakref.ref(b)]
        del a, b, call
    gc.collect()
    assert [ref() for ref in gone] == [None] * len(gone)
    assert not house.sharing._flights
