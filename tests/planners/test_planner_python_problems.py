"""What is wrong with Python code: one diagnostic each, with its place and a way out; and texts made to break things."""

from __future__ import annotations

import time

import pytest
from planner_kit import TOOLS, search

from llmcompiler.diagnostics import CODES, Diagnostic
from llmcompiler.plan import Plan
from llmcompiler.tools import ToolRegistry
from llmcompiler_planners.pycode import read_python_plan
from tests.support.stopwatch import processor_seconds


def problems_of(code: str, tools: ToolRegistry | None = TOOLS) -> list[Diagnostic]:
    return read_python_plan(code, tools)[1]


# -- texts of diagnostics -------------------------------------------------------------------------

GOLDEN = {
    'a = search("x")\nwhile a.ok:\n    a = search("y")': """\
2:1: error [unsupported] `while` repeats for a time nobody knows
  while a.ok:
  ^
  hint: write a `for` over a list, or plan one step after another""",
    'a = search("x")\nb = search(a, (lambda: 1))': """\
2:16: error [unsupported] `lambda` makes a function, and only tools can be called
  b = search(a, (lambda: 1))
                 ^
  hint: call a tool for each item in a `for`""",
    'a = search("x")\nsend("é", a.__class__.__mro__)': """\
2:11: error [bad-reference] `__class__` is no data of a result: names that begin with `_` can not be reached
  send("é", a.__class__.__mro__)
            ^
  hint: take a field that the result type shows""",
    'first = search("x")\nsend(frist.name, "y")': """\
2:6: error [unknown-reference] there is no variable `frist`
  send(frist.name, "y")
       ^
  hint: did you mean `first`?""",
    'r = search("l")\nfor c in r.cities:\n    w = search(c)\n    send(c, w.name)': """\
4:5: error [unsupported] this call needs `c` and `w`, item by item, and a call in a loop can go through one list only
      send(c, w.name)
      ^
  hint: pass on one value for each item, or let one tool do both steps""",
    'x = search("K2"\ny = search("E")': """\
1:16: warning [unclosed] `)` is missing at the end; put there
  x = search("K2"
                 ^
  hint: close every bracket""",
    'r = search("l")\nn = len(r.items) * 2': """\
2:5: error [unsupported] the length of a result is known only when the plan runs
  n = len(r.items) * 2
      ^
  hint: let a tool count, or ask `if len(x) > 0`""",
}


@pytest.mark.parametrize("code", GOLDEN)
def test_a_problem_has_its_place_and_a_way_out(code: str) -> None:
    assert [d.render() for d in problems_of(code)] == [GOLDEN[code]]


def test_a_computation_without_a_tool_names_what_is_missing() -> None:
    (found,) = problems_of('a = search("x")\nb = a.height / 2', ToolRegistry([search]))
    assert (
        found.render()
        == """\
2:5: error [unsupported] `a.height / 2` has to be computed from results, and no tool takes a formula
  b = a.height / 2
      ^
  hint: return the values without computing, or use a tool that gives what is needed; the missing one would be like \
`calculate(expression: str)`"""
    )


REFUSED = {
    # statement: part of the message
    "import os": "`import`",
    "from os import path": "`import`",
    "while True:\n    pass": "`while`",
    "def f(x):\n    return x": "`def`",
    "async def f(x):\n    return x": "`def`",
    "class A:\n    pass": "`class`",
    "@decorated\ndef f():\n    pass": "`def`",
    "try:\n    search('a')\nexcept Exception:\n    pass": "`try`",
    "with search('a') as b:\n    pass": "`with`",
    "async with search('a'):\n    pass": "`with`",
    "async for x in a:\n    pass": "`async for`",
    "global a": "`global`",
    "nonlocal a": "`nonlocal`",
    "del a": "`del`",
    "raise a": "`raise`",
    "assert a": "`assert`",
    "break": "`break`",
    "for x in a.items:\n    continue": "`continue`",
    "match a:\n    case 1:\n        pass": "`match`",
    "for x in a.items:\n    pass\nelse:\n    pass": "`else`",
    "x = lambda y: y": "`lambda`",
    "send('x', (y := a))": "`:=`",
    "x, *y = a": "`*`",
    "send(*a)": "`*`",
    "search(**a)": "`**`",
    "x = [*a]": "`*`",
    "x = {1, 2}": "a set",
    "x = {search(y) for y in a.items}": "a set",
    "x = a[1:2]": "a slice",
    "x = a[b := 1]": "`:=`",
    "x = yield a": "`yield`",
    "x = a.upper()": "method",
    "x = a.get('k')": "method",
    "a.append(1)": ".append(...)",
    "a.name = 3": "can not be changed",
    "a['name'] = 3": "can not be changed",
    "x = a()": "only tools can be called",
    "x = (search)('y')()": "only tools can be called",
    "x = search": "has to be called",
    "x = search.__globals__": "has to be called",
    "x = eval('1')": "`eval`",
    "exec('1')": "`exec`",
    "x = open('f').read()": "`open`",
    "x = __import__('os')": "`__import__`",
    "x = getattr(a, 'b')": "`getattr`",
    "x = ().__class__.__bases__": "no data",
    "x = sorted(a.items)": "only when the plan runs",
    "x = map(search, a.items)": "`map`",
    "x = print(a)": "no value",
    "x = range(a.height)": "only when the plan runs",
    "x = [y.height for y in a.items]": "each item of a list",
    "x = {y: search(y) for y in a.items}": "only when the plan runs",
    "x = [search(y, z) for y in a.items for z in a.others]": "only when the plan runs",
    "for x in a.items:\n    for y in x.parts:\n        search(y)": "a loop in a loop",
    "for x in a.items:\n    for y in a.parts:\n        search(y)": "a loop over a result inside",
    "for x in a.items:\n    return x": "inside a loop",
    "total = 0\nfor x in a.items:\n    total += search(x).height": "from one turn of the loop to the next",
    "for x in a.items:\n    y = search(x)\n    d[x] = y": "no value here",
    "d = {}\nfor x in a.items:\n    d[x] = search(x)": "each item of a list",
    "out = []\nfor x in a.items:\n    out.append(x.name)": "only whole results can be collected",
    "out = []\nfor x in a.items:\n    y = search(x)\n    if y.ok:\n        out.append(y)": "chosen after their calls",
    "out = [1]\nfor x in a.items:\n    out.append(search(x))": "more than one place",
    "for x in a.items:\n    if x.a:\n        y = 1\n    else:\n        y = 2\nsend('x', y)": "each item of a list",
    "if a.ok and search('y').ok:\n    search('z')": "a call after `and` or `or`",
    "if a.ok:\n    pass\nelif search('y').ok:\n    pass": "a call in an `elif`",
    "x = 1 if search('y').ok else 2": "a call inside the condition",
    "x = [1 if y.ok else 2 for y in a.items]": "a choice for each item",
    "x = [search(y) for y in a.items if search(y).ok]": "a call in the condition",
    "send('x', a.height > 3)": "a comparison of results has no value",
    "x = (a.height > 3) + 1": "with a comparison",
    "x = a.height + 'm' * 3": "no value",
    "x = a.height - 'm'": "no arithmetic with text",
    "x = a - 1": "no arithmetic with a record",
    "x = [1] - a.height": "no arithmetic with lists",
    "x = 'a' + 1": "between text and something that is none",
    "x = 'a %s' % a.name": "`%`",
    "x = a.height & 1": "bits",
    "x = ~a.height": "bits",
    "x = 1 / 0": "division by zero",
    "x = 9 ** 9 ** 9": "too large",
    "x = 'a' * 10 ** 9": "no value",
    "x = math.nothing(1)": "no tool",
    "x = math.nothing": "no value",
    "x = 'a'.encode()": "`encode`",
    "x = '{0.name}'.format(a)": "`.format`",
    "x = f'{1:>{a.height}}'": "made of results",
    "x = f'{1:1000000000}'": "the format",
    "x = b'bytes'": "bytes",
    "x = 1j": "complex",
    "x = ...": "`...`",
    "x = 1e999": "too large",
    "x = {1: 2}": "texts",
    "x = {'a': 1}['b']": "not there",
    "x = [1, 2][5]": "not there",
    "x = a[a.name]": "written in the plan",
    "x, y = [1, 2, 3]": "2 names for 3",
    "x = [1, 2].name": "of results only",
    "    x = 1\n  y = 2\n z = 3": "belongs to no",
    "x = 3\n    y = 4": "belongs to no",
    "search(query='a', query='b')": "given twice",
    "search('a', **{'0': 'b'})": "given twice",
    "if a.ok\n    search('y')": "expected ':'",
    'x = search("K2)': "unterminated",
    "x = 'a\0b'": "null bytes",
}


ENDING = [
    code for code in REFUSED if code.startswith(("raise", "assert")) or ("for" in code and "return" in code)
]
"""Those that may end the program: nothing below them runs."""


@pytest.mark.parametrize("code", ENDING)
def test_what_may_end_the_program_is_a_diagnostic_and_stops_what_stands_below(code: str) -> None:
    plan, found = read_python_plan(f'a = search("first")\n{code}\nlast = search("last")\nreturn last', TOOLS)
    first, below = [d for d in found if d.severity == "error"]
    assert REFUSED[code] in first.message
    assert "may end the plan" in below.message
    assert first.hint
    assert [t.args["0"] for t in plan.tasks] == ["first"]


@pytest.mark.parametrize("code", [code for code in REFUSED if code not in ENDING])
def test_what_is_outside_of_the_subset_is_one_diagnostic_and_others_go_on(code: str) -> None:
    plan, found = read_python_plan(f'a = search("first")\n{code}\nlast = search("last")\nreturn last', TOOLS)
    errors = [d for d in found if d.severity == "error"]
    assert len(errors) == 1, [d.render() for d in found]
    assert REFUSED[code] in errors[0].message
    assert errors[0].hint
    assert errors[0].code in CODES
    assert errors[0].source
    assert [t.args["0"] for t in (plan.tasks[0], plan.tasks[-1])] == ["first", "last"]
    assert plan.join is not None
    assert plan.join.ref is not None
    assert plan.join.ref.task == plan.tasks[-1].id


def test_every_problem_of_a_block_is_told() -> None:
    found = problems_of(
        'a = search("x")\nif a.ok:\n    import os\n    del a\n    search("y")\nelse:\n    b = c'
    )
    assert [(d.line, d.task_id) for d in found] == [(3, 2), (4, 2), (7, 2)]


def test_a_block_with_a_problem_gives_no_task() -> None:
    plan, _ = read_python_plan(
        'a = search("x")\nif a.ok:\n    search("y")\n    import os\nsearch("z")', TOOLS
    )
    assert [t.args["0"] for t in plan.tasks] == ["x", "z"]
    assert [t.id for t in plan.tasks] == [1, 3]


def test_what_needs_a_broken_call_waits_for_it() -> None:
    plan, found = read_python_plan("a = search(lambda: 1)\nb = search(a.name)\nreturn b", TOOLS)
    assert [d.task_id for d in found] == [1]
    assert str(plan) == "2. search($1.name)\n3. join($2)"


def test_what_needs_something_of_a_broken_block_is_a_problem_of_its_own() -> None:
    found = problems_of('if x:\n    a = search("y")\nb = search(a.name)')
    assert [(d.code, d.line) for d in found] == [("unknown-reference", 1), ("unknown-reference", 3)]
    assert "comes from line 1, which can not be run" in found[1].message


def test_useless_imports_are_passed_over() -> None:
    plan, found = read_python_plan('import asyncio, json\nfrom typing import Any\na = search("x")', TOOLS)
    assert [d.severity for d in found] == ["warning", "warning"]
    assert [t.id for t in plan.tasks] == [1]


def test_nothing_is_executed(tmp_path: object) -> None:
    code = (
        f'open("{tmp_path}/x", "w")\n__import__("os").mkdir("{tmp_path}/y")\nexec("raise SystemExit")\nexit()'
    )
    assert len(problems_of(code)) == 4


# -- texts that are meant to break things ---------------------------------------------------------

N = 20_000
GIVEN = "a = search('x')\n"
HOSTILE = {
    "attributes": "a" + ".b" * N,
    "signs": "-" * N + "1",
    "sum": "1" + "+1" * N,
    "calls": "f" + "()" * N,
    "subscripts": "x" + "[0]" * N,
    "lambdas": "lambda:" * N + "1",
    "choices": "a if b else " * (N // 4) + "c",
    "nots": "not " * N + "a",
    "elifs": GIVEN + "if a:\n search('y')\n" + "".join(f"elif a == {i}:\n search('y')\n" for i in range(N // 10)),
    "brackets": "(" * N,
    "pairs of brackets": "(" * N + ")" * N,
    "targets": "x=" * N + "1",
    "comparisons": GIVEN + "if a" + "<a" * (N // 8) + ": search(a)",
    "ands": GIVEN + "if a" + " and a" * (N // 8) + ":search(a)",
    "strings": "x=" + "'a'" * N,
    "digits": "x = " + "9" * N,
    "stars": "*" * N + "a",
    "indentation": "".join(" " * i + "if a:\n" for i in range(300)),
    "null bytes": "a\0b\n" * 300,
    "comprehensions": "[" * 60 + "x" + " for x in y]" * 60,
    "lines": "f(\n" + "1,\n" * N + ")",
    "semicolons": GIVEN + "a;" * (N // 4),
    "quotes": "'" * N,
    "backslashes": "\\\n" * N + "a",
    "open texts": 'x = """\nsearch("a")\n' * 301,
    "open brackets": "x = f(\n" * 1_000,
    "unknown names": "".join(f"search(y{i})\n" for i in range(1_000)),
    "line ends": "\n" * N + "\r" * N,
    "comments": "# x\n" * N,
    "fences": "```\n" * N,
    "doubled lists": "a=[1]\n" + "a=[a,a]\n" * 300,
    "doubled texts": "s='x'\n" + "s=s+s\n" * 300,
    "doubled templates": GIVEN + "s=f'{a}'\n" + "s=f'{s}{s}'\n" * 300,
    "nested lists": "a=[]\n" + "a=[a]\n" * 300,
    "loops in loops": "".join("  " * i + f"for x{i} in [1,2,3]:\n" for i in range(30)) + "  " * 30 + "search(1)",
    "long loops": "for i in range(10**8):\n  search(i)\nfor i in range(200):\n for j in range(200):\n  search(j)",
    "branches of branches": (
        GIVEN
        + "".join(f"if a.x == {i}:\n  y{i} = 1\nelse:\n  y{i} = 2\n" for i in range(60))
        + f"search([{','.join(f'y{i}' for i in range(60))}])"
    ),
    "returns": GIVEN + "".join(f"if a.x == {i}:\n  return a\n" for i in range(60)) + "search(1)\n" * 60,
    "surrogates": "x = '\ud800'\nsearch(x)\n# \udfff\nf\ud800()",
    "bidi": "x\u202e = search('a')\nsearch('\u202e')\nif a\u2066: pass\nx = '''\u2066\n'''",
    "long line": "x = search('" + "a" * 90_000 + "')",
    "too long": "x = search('" + "a" * 200_000 + "')",
    "long name": "a" * 90_000 + " = 1",
    "many keywords": "search(" + ",".join(f"a{i}=1" for i in range(2_000)) + ")",
    "large values": "a=[" + "1," * 9_000 + "]\n" + "search(a)\n" * 300,
    "formats": "x = '{:1000000000}'.format(1)\nx = f'{1:1000000000}'\nx = '%1000000000d' % 1",
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_no_text_breaks_the_reader_or_takes_long(name: str) -> None:
    started = time.perf_counter()
    plan, found = read_python_plan(HOSTILE[name], TOOLS)
    assert time.perf_counter() - started < 10, "a second on a quiet machine"
    assert isinstance(plan, Plan)
    assert len(plan.tasks) < 2_000
    for diagnostic in found:
        assert len(diagnostic.render()) < 2_000


def test_ten_thousand_statements() -> None:
    text = "".join(f"x{i} = search(x{i - 1}.name)\n" if i else "x0 = search('a')\n" for i in range(10_000))
    started = time.perf_counter()
    plan, found = read_python_plan(text, TOOLS)
    assert time.perf_counter() - started < 40, "three seconds on a quiet machine"
    assert (len(plan.tasks), found) == (10_000, [])
    assert plan.tasks[-1].depends_on == (9_999,)


def test_time_grows_with_the_text() -> None:
    def text(count: int) -> str:
        return "".join(f"x = search(f'{{y{i}}}')\nif x.a:\n    send(x, [x.b])\n" for i in range(count))

    short, long = text(200), text(1_600)
    most = 16 * max(0.02, processor_seconds(lambda: read_python_plan(short, TOOLS)))
    assert processor_seconds(lambda: read_python_plan(long, TOOLS), good=most) < most
