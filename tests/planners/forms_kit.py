"""The corpus of plans in four forms: its files, and how each form is read. No test is here."""

from __future__ import annotations

import json
import re
from bisect import bisect_left, bisect_right
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from itertools import accumulate
from pathlib import Path
from typing import Any, Literal

import pytest
from forms_tools import TOOLS

from llmcompiler.diagnostics import Diagnostic
from llmcompiler.language import parse_plan
from llmcompiler.models.base import ModelChunk, ModelRequest, ToolCall, ToolCallDelta
from llmcompiler.plan import Join, Plan, Task
from llmcompiler.protocols import PlanContext, PlanItem
from llmcompiler.tools import ToolRegistry
from llmcompiler_planners import JSONPlanner, PythonPlanner, TextPlanner, ToolCallPlanner
from llmcompiler_planners.json_tasks import read_json_plan
from llmcompiler_planners.pycode import read_python_plan
from llmcompiler_planners.toolcalls import read_tool_calls

FormName = Literal["text", "json", "calls", "python"]
FORMS: tuple[FormName, ...] = ("text", "json", "calls", "python")
PLANNERS: dict[FormName, str] = {"text": "text", "json": "json", "calls": "tools", "python": "python"}
"""The name of the planner that takes each form."""
FOLDER = Path(__file__).parent / "forms"

# -- cases ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Native:
    """A reply of native tool calls: what the model says before them, and each call's name and arguments."""

    said: str
    calls: tuple[tuple[str, str], ...]


Reply = str | Native
Codes = tuple[tuple[str, int | None], ...]


@dataclass(frozen=True)
class Case:
    """One plan in all forms that can say it."""

    name: str
    replies: dict[FormName, Reply]
    unsayable: dict[FormName, Reply]
    """The nearest that could be tried in the forms that can not say it."""
    codes: dict[FormName, Codes] = field(default_factory=dict)
    """What is wrong with it, form by form, where something is."""
    file: str = ""

    def __str__(self) -> str:
        return f"{self.file}: {self.name}"


def load(file: str) -> list[Case]:
    """The cases of a file: `== name`, then the forms, each under `-- form`.

    `-- form: reason` marks a form that can not say the plan. Behind `=>` stand the codes of what is wrong: for all
    forms in the line with the name, for one in the line with the form.
    """
    _, *parts = re.split(r"^== ", (FOLDER / file).read_text(encoding="utf-8"), flags=re.MULTILINE)
    return [_case(part, file.removesuffix(".txt")) for part in parts]


def _case(text: str, file: str) -> Case:
    head, *sections = re.split(r"^-- ", text, flags=re.MULTILINE)
    name, _, codes = head.strip().partition(" => ")
    case = Case(name, {}, {}, {}, file)
    for section in sections:
        line, _, body = section.partition("\n")
        match = re.fullmatch(r"(text|json|calls|python)(?:: (.+?))?(?: => (.+))?", line)
        assert match is not None, f"{case}: {line!r}"
        form: FormName = match[1]  # type: ignore[assignment]
        replies = case.replies if match[2] is None else case.unsayable
        body = body.rstrip("\n")
        replies[form] = _native(body) if form == "calls" else body
        told = match[3] or codes
        case.codes[form] = tuple(_code(c) for c in told.split(", ") if c and c != "nothing")
    assert {*case.replies, *case.unsayable} == set(FORMS), f"{case}: a form is missing"
    return case


def _code(text: str) -> tuple[str, int | None]:
    code, _, number = text.partition(" ")
    return code, int(number) if number else None


def _native(body: str) -> Native:
    """Calls, each `name {...}` from the margin on; lines before the first one are what the model says."""
    starts = list(re.finditer(r"^(\S+) (?=[{\[])", body, re.MULTILINE))
    if not starts:
        return Native(body, ())
    ends = [*(m.start() for m in starts[1:]), len(body)]
    calls = tuple((m[1], body[m.end() : end].removesuffix("\n")) for m, end in zip(starts, ends, strict=True))
    return Native(body[: starts[0].start()], calls)


def blank_ends() -> Case:
    """Text whose lines end in blanks: not in a file, where editors take those away."""
    words, spelled = "one  \n\ttwo\t\n  \nthree ", "one  \\n\\ttwo\\t\\n  \\nthree "
    replies: dict[FormName, Reply] = {
        "text": f'1. show("""{words}""")  \n2. now()\t\njoin() ',
        "json": f'{{"tasks": [  \n{{"id": 1, "tool": "show", "args": {{"value": "{spelled}"}}}} ,\t\n'
        '{"id": 2, "tool": "now", "args": {}} ] , \n"join": "" } ',
        "calls": Native("", (("show", f'{{ "value": "{spelled}" }} \n'), ("now", " {\t} "))),
        "python": f'show("""{words}""")  \nnow()\t\nreturn ',
    }
    return Case("blanks at the ends of lines", replies, {}, {}, "made")


def windows() -> Case:
    """Windows line ends between the calls and inside of text."""
    replies: dict[FormName, Reply] = {
        "text": 'Thought: two\r\n1. search("K2")\r\n2. if $1.height > 3:\r\n    show("""a\r\nb""")\r\njoin()\r\n',
        "json": '{"tasks": [\r\n{"id": 1, "tool": "search", "args": {"query": "K2"}},\r\n'
        '{"if": "$1.height > 3", "id": 2, "tool": "show", "args": {"value": "a\\nb"}}\r\n],\r\n"join": ""}',
        "python": '# two\r\nk2 = search("K2")\r\nif k2.height > 3:\r\n    show("""a\r\nb""")\r\nreturn\r\n',
    }
    tried = Native("", (("search", '{"query": "K2"}'), ("show", '{"value": "a",\r\n"if": "$1.height > 3"}')))
    return Case("windows", replies, {"calls": tried}, {}, "made")


def long_chain(count: int = 200) -> Case:
    """Many tasks, each of which takes the result of the one before, every fifth those of two."""
    text, data, calls, code = [], [], [], []
    for i in range(1, count + 1):
        name, args = "search", f"query=${i - 1}.name"
        given: dict[str, Any] = {"query": f"${i - 1}.name"}
        written = f"query=v{i - 1}.name"
        if i == 1:
            args = written = '"start", 3'
            given = {"query": "start", "limit": 3}
        elif i % 5 == 0:
            name, args = "show", f'[${i - 2}.height, ${i - 1}.name], "$$ {i}"'
            given = {"value": [f"${i - 2}.height", f"${i - 1}.name"], "note": f"$$ {i}"}
            written = f'[v{i - 2}.height, v{i - 1}.name], "$ {i}"'
        elif i % 5 == 1:
            args = f'"after ${{{i - 1}[1]}}"'
            given = {"query": f"after ${{{i - 1}[1]}}"}
            written = f'f"after {{v{i - 1}[1]}}"'
        text.append(f"{i}. {name}({args})")
        data.append({"id": i, "tool": name, "args": given})
        calls.append((name, given))
        code.append(f"v{i} = {name}({written})")
    return _made("a long chain", count, text, data, calls, code)


def wide(count: int = 200) -> Case:
    """Many independent tasks and one that takes them all, with a long text."""
    words = "x" * 1_000
    text = [f'{i}. search("city {i}")' for i in range(1, count)]
    data: list[dict[str, Any]] = [
        {"id": i, "tool": "search", "args": {"query": f"city {i}"}} for i in range(1, count)
    ]
    calls: list[tuple[str, dict[str, Any]]] = [("search", {"query": f"city {i}"}) for i in range(1, count)]
    code = [f'v{i} = search("city {i}")' for i in range(1, count)]
    refs = [f"${i}.height" for i in range(1, count)]
    text.append(f'{count}. show([{", ".join(refs)}], note="{words}")')
    data.append({"id": count, "tool": "show", "args": {"value": refs, "note": words}})
    calls.append(("show", {"value": refs, "note": words}))
    heights = ", ".join(f"v{i}.height" for i in range(1, count))
    code.append(f'v{count} = show([{heights}], note="{words}")')
    return _made("many at once", count, text, data, calls, code)


def _made(
    name: str,
    last: int,
    text: list[str],
    data: list[dict[str, Any]],
    calls: list[tuple[str, Any]],
    code: list[str],
) -> Case:
    replies: dict[FormName, Reply] = {
        "text": "\n".join([*text, f"join(${last})"]),
        "json": json.dumps({"tasks": data, "join": f"${last}"}),
        "calls": Native(
            "", tuple((tool_name, json.dumps(a)) for tool_name, a in [*calls, ("join", {"of": f"${last}"})])
        ),
        "python": "\n".join([*code, f"return v{last}"]),
    }
    return Case(name, replies, {}, {}, "long")


ODD = [*load("as_written.txt"), blank_ends(), windows()]
PLAIN = [
    case
    for file in ("literals", "strings", "references", "formulas", "names", "control")
    for case in load(f"{file}.txt")
]
LONG = [long_chain(), wide()]
WRONG = load("errors.txt")
GOOD = [*PLAIN, *ODD, *LONG]
SHORT = [*PLAIN, *ODD, *WRONG]


def named(cases: Iterable[Case]) -> list[Any]:
    """Cases as parameters of a test."""
    return [pytest.param(case, id=str(case).replace(" ", "-")) for case in cases]


def both(cases: Iterable[Case]) -> list[Any]:
    """Each case in each form that can say it, as parameters of a test."""
    return [
        pytest.param(case, form, id=f"{case}-{form}".replace(" ", "-"))
        for case in cases
        for form in FORMS
        if form in case.replies
    ]


# -- reading --------------------------------------------------------------------------------------


def read(form: FormName, reply: Reply, tools: ToolRegistry | None = TOOLS) -> tuple[Plan, list[Diagnostic]]:
    """The plan that a reply spells, and what is wrong with it, by the form's pure function."""
    if isinstance(reply, Native):
        calls = [ToolCall(f"c{i}", name, arguments) for i, (name, arguments) in enumerate(reply.calls)]
        return read_tool_calls(calls, tools=tools)
    if form == "json":
        return read_json_plan(reply, tools=tools)
    return read_python_plan(reply, tools) if form == "python" else parse_plan(reply)


def collected(items: Iterable[PlanItem]) -> tuple[Plan, list[Diagnostic]]:
    """The plan that a planner's items make, and the diagnostics among them."""
    made = list(items)
    joins = [i for i in made if isinstance(i, Join)]
    assert len(joins) <= 1
    plan = Plan(tuple(i for i in made if isinstance(i, Task)), joins[0] if joins else None)
    return plan, [i for i in made if isinstance(i, Diagnostic)]


def normal(plan: Plan) -> list[str]:
    """A checked plan as lines that tell types and order apart (1, 1.0 and true), without thoughts and places."""
    lines = []
    for task in plan.tasks:
        args = ", ".join(f"{name}={value!r}" for name, value in sorted(task.args.items()))
        lines.append(f"{task.id} {task.tool}({args}) each={task.each!r} when={task.when!r}")
    return [*lines, repr(plan.join or Join())]


# -- streaming ------------------------------------------------------------------------------------


class Fed:
    """A model that writes prepared chunks, and knows how many were taken."""

    name = "fed"
    features = frozenset({"chat", "tools"})

    def __init__(self) -> None:
        self.chunks: Sequence[ModelChunk] = ()
        self.taken = 0

    async def stream(self, request: ModelRequest) -> AsyncIterator[ModelChunk]:
        """The chunks, and the end."""
        self.taken = 0
        for chunk in self.chunks:
            self.taken += 1
            yield chunk


class Stream:
    """A planner over a model whose reply is given anew each time; the prompt, always the same, is made once."""

    def __init__(self, form: FormName, question: str) -> None:
        self.model = Fed()
        self.context = PlanContext(question=question, tools=TOOLS)
        kinds: dict[FormName, Callable[[Any], Any]] = {
            "text": TextPlanner, "json": JSONPlanner, "calls": ToolCallPlanner, "python": PythonPlanner,
        }  # fmt: skip
        kind: Any = kinds[form]
        prompt = kind(self.model).request(self.context)
        self.planner = type("Prepared", (kind,), {"request": lambda self, context: prompt})(self.model)

    async def items(self, chunks: Sequence[ModelChunk]) -> list[PlanItem]:
        """What comes of a reply in these chunks."""
        self.model.chunks = chunks
        return [item async for item in self.planner.plan(self.context)]


def pieces(reply: Reply, cuts: Iterable[int]) -> list[ModelChunk]:
    """The reply cut at these characters."""
    size = length(reply)
    places = sorted({cut for cut in cuts if 0 < cut < size})
    bounds = list(zip([0, *places], [*places, size], strict=True))
    if isinstance(reply, str):
        return [ModelChunk(reply[a:b]) for a, b in bounds]
    starts = [*accumulate((1 + len(arguments) for _, arguments in reply.calls), initial=len(reply.said))]
    chunks = []
    for a, b in bounds:
        deltas = []
        for index in range(max(bisect_right(starts, a) - 1, 0), bisect_left(starts, b, hi=len(starts) - 1)):
            name, arguments = reply.calls[index]
            begin = starts[index]  # of the call, with its name, which is one character; its arguments follow
            if a <= begin < b:
                deltas.append(ToolCallDelta(index, f"c{index}", name))
            if text := arguments[max(a - begin - 1, 0) : max(b - begin - 1, 0)]:
                deltas.append(ToolCallDelta(index, None, None, text))
        chunks.append(ModelChunk(reply.said[a:b], tool_calls=tuple(deltas)))
    return chunks


def length(reply: Reply) -> int:
    """Characters of a reply; the beginning of a native call counts as one."""
    if isinstance(reply, str):
        return len(reply)
    return len(reply.said + "".join(f" {arguments}" for _, arguments in reply.calls))


def placed(items: Iterable[PlanItem]) -> list[Any]:
    """Items with the places they stand at, which comparing tasks leaves out."""
    out: list[Any] = []
    for item in items:
        span = item.span if isinstance(item, Task) else None
        out.append((replace(item), None if span is None else (span.start, span.tool, dict(span.args))))
    return out


def question(case: Case) -> str:
    """A question that holds all numbers and words of the plan, so that none of them looks made up."""
    return str(case.replies["text"])


def stream(case: Case, form: FormName) -> Stream:
    """The planner of a form, asked the question of a case."""
    return Stream(form, question(case))
