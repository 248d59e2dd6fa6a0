"""Python plans mean what Python means: the calls of a plan are those that CPython makes of the same code."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass
from random import Random
from typing import Any

import pytest

from llmcompiler import LLMCompiler, Plan, tool
from llmcompiler.errors import PlanError
from llmcompiler_planners.pycode import read_python_plan

Calls = Counter[str]


@dataclass
class Place:
    name: str
    size: int
    parts: list[str]


def made(calls: Calls) -> dict[str, Any]:
    """Tools that note their calls: `look` gives a record, `measure` a number, `put` nothing."""

    def note(name: str, *args: Any) -> int:
        text = f"{name}{args!r}"
        calls[text] += 1
        return sum(map(ord, text))

    def look(name: str) -> Place:
        """Look a place up."""
        found = note("look", str(name))
        return Place(f"{name}{found % 3}", found % 7, [f"{name}p{i}" for i in range(found % 4)])

    def measure(name: str) -> int:
        """Measure a place."""
        return note("measure", str(name)) % 5

    def put(text: str, number: int = 0) -> str:
        """Put something down."""
        return f"{note('put', str(text), int(number)) % 3}"

    return {"look": look, "measure": measure, "put": put}


NAMES = [
    "a",
    "b",
    "c",
]
TEXTS = [
    "'x'",
    "'y'",
    "a.name",
    "b.name",
    "f'{a.name}-{b.size}'",
    "a.name + 'z'",
    "str(n)",
    "t",
    "c.name",
]
NUMBERS = [
    "1",
    "n",
    "m",
    "a.size",
    "b.size + 1",
    "n * 2 - m",
    "max(a.size, n)",
    "-b.size",
    "(n - 1) * m",
    "-n ** 2",
]
LISTS = [
    "a.parts",
    "b.parts",
    "['p', 'q']",
    "[t, 'r']",
    "[a.name, b.name]",
    "c.parts",
]
CONDITIONS = [
    "a.size > 2",
    "b.size == n",
    "not a.parts",
    "n < m or a.size >= 3",
    "n and m",
    "a.name in ['x0', 'y1']",
    "n > 1",
    "len(b.parts) > 0",
    "big",
    "not big",
    "1 < a.size <= 4",
    "n is not None",
    "t == 'x'",
    "not (big and n)",
    "c.parts",
]
SIMPLE = [
    "{name} = look({text})",
    "{name} = look({text})",
    "n = measure({text})",
    "m = {number}",
    "t = {text}",
    "{name} = {name}",
    "put({text}, {number})",
    "put({text}, {number})",
    "put(look({text}).name, number=measure({text}))",
    "big = {condition}",
    "t = {text} if {condition} else {text}",
    "out = [look(x) for x in {list}]",
    "out = [put(x) for x in {list} if x != 'q']",
    "[put(look(x).name, {number}) for x in {list}]",
    "n += {number}",
    "out = []",
    "a, b = b, a",
    "a, t = look('x'), 'x'",
    "put(f'{{a.name}} {{n}}', m)",
    "x = measure('w')",
    "out = [t]\nout.append({text})\nout = out + ['k']\nfor x in out:\n    put(x)",
    "m = len([1, t])",
]
IN_LOOP = [
    "y = look(x)",
    "y = look(x)",
    "put(y.name, y.size)",
    "put(x)",
    "put(x, n)",
    "if y.size > 2:\n    put(y.name)",
    "out.append(y)",
    "out.append(put(x))",
    "if x != 'p':\n    put(x)\nelse:\n    put('was p')",
    "z = y.name\nput(z)",
    "t = x",
    "m = m + 1",
    "for w in ['1', '2']:\n    put(x + w)",
    "n = measure(x)",
    "if n > 1:\n    out.append(look(x))",
    "put(y.name, n)",
    "put(x, measure('same'))",
    "if y.parts and n:\n    n = measure(y.name)\n    put('t', n)",
]


class Programs:
    """Programs of the subset, and some beyond it."""

    def __init__(self, seed: int) -> None:
        self._random = Random(seed)

    def program(self) -> str:
        start = [
            "a = look('x')",
            "b = look('y')",
            "c = look('z')",
            "n = measure('k')",
            "m = 2",
            "t = 'x'",
            "out = []",
        ]
        body = self._block(self._random.randint(2, 8), 0)
        if self._random.random() < 0.3:
            end = f"if {self._random.choice(CONDITIONS)}:\n    return a"
            body.insert(self._random.randint(0, len(body)), end)
        return "\n".join([*start, "big = n > 2", *body])

    def _block(self, length: int, depth: int) -> list[str]:
        return [self._statement(depth) for _ in range(length)]

    def _statement(self, depth: int) -> str:
        kind = self._random.random()
        if depth < 3 and kind < 0.3:
            return self._if(depth)
        if depth < 2 and kind < 0.45:
            steps = self._random.choices(IN_LOOP, k=self._random.randint(1, 3))
            body = "\n".join(
                ["y = look(x)", *steps] if any("y." in s or "(y)" in s for s in steps) else steps
            )
            return f"for x in {self._random.choice(LISTS)}:\n{indented(body)}"
        text = self._random.choice(SIMPLE)
        parts = {"name": NAMES, "text": TEXTS, "number": NUMBERS, "list": LISTS, "condition": CONDITIONS}
        while "{" in text.replace("{{", ""):
            part = min((p for p in parts if f"{{{p}}}" in text), key=lambda p: text.index(f"{{{p}}}"))
            chosen = self._random.choice(parts[part]).replace("{", "{{").replace("}", "}}")
            text = text.replace(f"{{{part}}}", chosen, 1)
        return text.replace("{{", "{").replace("}}", "}")

    def _if(self, depth: int) -> str:
        tests = ["if", *["elif"] * self._random.choice([0, 0, 1, 2])]
        lines = []
        for word in tests:
            lines.append(f"{word} {self._random.choice(CONDITIONS)}:")
            lines.append(indented("\n".join(self._block(self._random.randint(1, 3), depth + 1))))
        if self._random.random() < 0.6:
            lines += ["else:", indented("\n".join(self._block(self._random.randint(1, 2), depth + 1)))]
        return "\n".join(lines)


def indented(text: str) -> str:
    return "\n".join("    " + line for line in text.split("\n"))


def by_python(code: str) -> Calls | None:
    """The calls that CPython makes; None where the code is wrong."""
    calls: Calls = Counter()
    scope: dict[str, Any] = made(calls)
    exec("def plan():\n" + indented(code), scope)
    try:
        scope["plan"]()
    except (NameError, TypeError, AttributeError, IndexError):
        return None
    return calls


def by_plan(plan: Plan) -> Calls | None:
    """The calls that the plan makes; None where one of them fails."""
    calls: Calls = Counter()

    @tool(effect="pure")
    def calculate(expression: str) -> int:
        return int(eval(expression, {"max": max}))

    tools = [tool(f) for f in made(calls).values()]

    async def run() -> Any:
        async with LLMCompiler([*tools, calculate]) as compiler:
            return await compiler.execute(plan)

    result = asyncio.run(run())
    if any(t.outcome.status == "failed" for t in result.tasks.values()):
        return None
    return calls


def registry() -> list[Any]:
    @tool(effect="pure")
    def calculate(expression: str) -> int:
        return 0

    return [*map(tool, made(Counter()).values()), calculate]


TOOLS = registry()


def outcome(seed: int) -> str:
    """What became of one program: `same`, or why it was not compared."""
    code = Programs(seed).program()
    plan, found = read_python_plan(code, TOOLS)
    if any(d.severity == "error" for d in found):
        return "refused"
    expected = by_python(code)
    if expected is None:
        return "wrong"
    try:
        calls = by_plan(plan)
    except PlanError:
        return "refused"
    assert calls is None or calls == expected, f"seed {seed}:\n{code}\n\n{plan}"
    return "failed" if calls is None else "same"


@pytest.mark.parametrize("start", range(0, 200, 50))
def test_a_plan_makes_the_calls_that_python_makes(start: int) -> None:
    seen = Counter(outcome(seed) for seed in range(start, start + 50))
    assert seen["same"] >= 15, seen
    assert seen["failed"] <= 3, seen
