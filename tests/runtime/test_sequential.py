"""A parallel run of any plan gives what a careful sequential one gives: the same outcome of every call, the same world.

Plans are random, over tools that read and write the registers of a small world, some by keys that depend on results;
latencies are random, and so is the number of workers. Each tool does its work at a random moment of its time.
"""

from __future__ import annotations

import asyncio
import random
from dataclasses import dataclass, field
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from llmcompiler import AsyncExecutor, LLMCompiler, Passes, Plan, RunResult, Tool, tool
from llmcompiler.testing import run_virtual

KEYS = ["a", "b", "c"]


@dataclass
class World:
    """Registers, and a log of everything written to them."""

    registers: dict[str, int] = field(default_factory=lambda: {"a": 0, "b": 1, "c": 2})
    log: list[tuple[str, int]] = field(default_factory=list)
    rng: random.Random = field(default_factory=lambda: random.Random(0))
    sequential: bool = False

    async def pause(self) -> None:
        if not self.sequential:
            await asyncio.sleep(self.rng.choice([0, 0, 1, 2, 5, 9]))


def tools_of(world: World) -> list[Tool]:
    """Tools over one world. A key that is no register fails: the call, and nothing else."""

    @tool(effect="read", resource=lambda key: str(key))
    async def get(key: str) -> int:
        await world.pause()
        value = world.registers[key]
        await world.pause()
        return value

    @tool(effect="write", resource=lambda key, value: str(key))
    async def put(key: str, value: int) -> str:
        await world.pause()
        if value % 7 == 6:
            raise ValueError("unlucky")
        world.registers[key] = value
        world.log.append((key, value))
        await world.pause()
        return key

    @tool(effect="write", resource=lambda source, target: {"read": str(source), "write": str(target)})
    async def copy(source: str, target: str) -> str:
        await world.pause()
        value = world.registers[source] * 3 + 1
        await world.pause()
        world.registers[target] = value
        world.log.append((target, value))
        return source

    @tool(effect="write")
    async def shift(by: int) -> int:
        await world.pause()
        for key in KEYS:
            world.registers[key] = (world.registers[key] * 2 + by) % 1000
        world.log.append(("*", by))
        await world.pause()
        return by % 3

    @tool(effect="read")
    async def total() -> int:
        await world.pause()
        value = sum(world.registers.values())
        await world.pause()
        return value

    @tool(effect="pure")
    async def name(number: int) -> str:
        await world.pause()
        return KEYS[number % 3]

    @tool(effect=lambda key, value: "read" if value < 0 else "write", resource=lambda key, value: str(key))
    async def swap(key: str, value: int) -> int:
        await world.pause()
        old = world.registers[key]
        await world.pause()
        if value >= 0:
            world.registers[key] = value
            world.log.append((key, value))
        return old

    @tool(effect="read", resource=[])
    async def keys() -> list[str]:
        await world.pause()
        return list(KEYS)

    return [get, put, copy, shift, total, name, swap, keys]


KEY = st.sampled_from([*KEYS, *KEYS, *KEYS, "nothing"])
NUMBER = st.integers(-2, 9)


@st.composite
def plans(draw: st.DrawFn) -> str:
    lines = []
    texts: list[int] = []
    numbers: list[int] = []
    lists: list[int] = []

    def key(loop: bool = False) -> str:
        if loop and draw(st.booleans()):
            return "k"
        if texts and draw(st.integers(0, 2)) == 0:
            return f"${draw(st.sampled_from(texts))}"
        return repr(draw(KEY)).replace("'", '"')

    def number() -> str:
        if numbers and draw(st.booleans()):
            return f"${draw(st.sampled_from(numbers))}"
        return str(draw(NUMBER))

    def source() -> str:
        if lists and draw(st.booleans()):
            return f"${draw(st.sampled_from(lists))}"
        return "[" + ", ".join(key() for _ in range(draw(st.integers(0, 4)))) + "]"

    for i in range(1, draw(st.integers(1, 12)) + 1):
        kind = draw(st.sampled_from(["get", "put", "put", "copy", "shift", "total", "name", "swap", "keys"]))
        loop = kind in ("get", "put", "copy", "swap") and draw(st.integers(0, 4)) == 0
        head = f"for k in {source()}: " if loop else ""
        if numbers and draw(st.integers(0, 4)) == 0:
            op = draw(st.sampled_from(["<", ">=", "==", "!="]))
            head += f"if ${draw(st.sampled_from(numbers))} {op} {draw(NUMBER)}: "
        call = {
            "get": lambda loop=loop: f"get({key(loop)})",
            "put": lambda loop=loop: f"put({key(loop)}, {number()})",
            "copy": lambda loop=loop: f"copy({key(loop)}, {key(loop)})",
            "shift": lambda loop=loop: f"shift({number()})",
            "total": lambda loop=loop: "total()",
            "name": lambda loop=loop: f"name({number()})",
            "swap": lambda loop=loop: f"swap({key(loop)}, {number()})",
            "keys": lambda loop=loop: "keys()",
        }[kind]()
        lines.append(f"{i}. {head}{call}")
        if kind == "keys" or (loop and kind in ("put", "copy")):
            lists.append(i)
        elif not loop:
            (texts if kind in ("put", "copy", "name") else numbers).append(i)
    return "\n".join([*lines, "join()"])


def told(result: RunResult) -> dict[int, Any]:
    """What became of each task, without times, and without which of several causes a skipped task was skipped for."""
    out: dict[int, Any] = {}
    for i, t in result.tasks.items():
        outcome = {k: v for k, v in t.outcome.to_dict().items() if k not in ("cause", "reason")}
        out[i] = (outcome, [item.outcome.to_dict() for item in t.items])
    return out


async def run(text: str, world: World, workers: int | None, passes: Passes) -> RunResult:
    compiler = LLMCompiler(tools_of(world), executor=AsyncExecutor(max_concurrency=workers), passes=passes)
    return await compiler.execute(Plan.parse(text, compiler.tools))


async def one_by_one(text: str, world: World) -> dict[int, Any]:
    """The reference: each task is a plan of its own, and the next begins when it has ended."""
    world.sequential = True
    compiler = LLMCompiler(tools_of(world), executor=AsyncExecutor(max_concurrency=1), passes=Passes.none())
    plan = Plan.parse(text, compiler.tools)
    from llmcompiler.session import Session  # the rounds of one run, made by hand

    session = Session(
        "", tools=compiler.tools, executor=compiler.executor, limits=compiler.limits, passes=Passes.none()
    )
    driver = session.driver
    driver.begin()
    for task in plan.tasks:
        joined = asyncio.get_running_loop().create_future()
        driver.joined = lambda joined=joined: joined.set_result(None)
        driver.open_round()
        driver.add(task)
        driver.close_round()
        await joined
    await compiler.executor.end(driver)
    session.result.tasks = driver.results()
    return told(session.result)


def check(text: str, seed: int, workers: int | None, passes: Passes) -> None:
    reference, world = World(), World(rng=random.Random(seed))
    expected = run_virtual(one_by_one(text, reference))
    result = run_virtual(run(text, world, workers, passes))
    assert told(result) == expected
    assert world.registers == reference.registers
    for key in KEYS:  # writes of one register stand in one order; of different ones, in any
        mine, theirs = ([v for k, v in w.log if k in (key, "*")] for w in (world, reference))
        assert mine == theirs


@settings(max_examples=150, deadline=None)
@given(plans(), st.integers(0, 10**6), st.sampled_from([None, 1, 2, 4]))
def test_a_parallel_run_gives_what_a_sequential_one_gives(text: str, seed: int, workers: int | None) -> None:
    check(text, seed, workers, Passes.none())


@settings(max_examples=150, deadline=None)
@given(plans(), st.integers(0, 10**6), st.sampled_from([None, 1, 3]))
def test_with_every_pass_on_too(text: str, seed: int, workers: int | None) -> None:
    check(text, seed, workers, Passes())
