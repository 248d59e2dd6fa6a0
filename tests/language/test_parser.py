"""The parser, feature by feature: values, ids, spans and carets. Texts with what comes out are in `cases/`."""

import pytest

from llmcompiler.diagnostics import Diagnostic
from llmcompiler.errors import PlanError
from llmcompiler.guards import BoolOp, Compare, Not, Truth
from llmcompiler.language import (
    PlanParser,
    parse_guard,
    parse_plan,
    parse_reference,
    parse_template,
    parse_variable,
)
from llmcompiler.plan import Each, Join, Plan, Task, Thought
from llmcompiler.values import Ref, Template, Value, Var


def one(text: str, **kwargs: set[int]) -> Task:
    """The only task of a text without problems."""
    plan, diagnostics = parse_plan(text, **kwargs)
    assert diagnostics == []
    [task] = plan.tasks
    return task


def value(text: str, *, earlier: frozenset[int] = frozenset({1})) -> Value:
    """The value that `text` spells as an argument."""
    plan, diagnostics = parse_plan(f"2. f({text})", earlier=earlier)
    assert diagnostics == []
    return plan[2].args["0"]


def problems(text: str, **kwargs: set[int]) -> list[tuple[str, str]]:
    return [(d.severity, d.code) for d in parse_plan(text, **kwargs)[1]]


# -- values ----------------------------------------------------------------------------------------


def test_the_plan_of_the_design() -> None:
    text = """Thought: optional, kept with the next task
1. search("Mount Everest")
2. search(query="Kilimanjaro")
3. calculate("${1.height} / ${2.height}")
4. report(ratio=$3, sources=[$1.url, $2["url"]], note="costs $$5")
5. for city in $4.cities: weather(city)
6. if $3 > 1.4: notify("taller by far")
7. join()
"""
    plan, diagnostics = parse_plan(text)
    assert diagnostics == []
    assert plan == Plan(
        (
            Task(1, "search", {"0": "Mount Everest"}, thought="optional, kept with the next task"),
            Task(2, "search", {"query": "Kilimanjaro"}),
            Task(3, "calculate", {"0": Template((Ref(1, ("height",)), " / ", Ref(2, ("height",))))}),
            Task(
                4,
                "report",
                {"ratio": Ref(3), "sources": [Ref(1, ("url",)), Ref(2, ("url",))], "note": "costs $5"},
            ),
            Task(5, "weather", {"0": Var("city")}, each=Each("city", Ref(4, ("cities",)))),
            Task(6, "notify", {"0": "taller by far"}, when=Compare(">", Ref(3), 1.4)),
        ),
        Join(),
    )
    assert [task.depends_on for task in plan.tasks] == [(), (), (1, 2), (3, 1, 2), (4,), (3,)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("True", True),
        ("null", None),
        ("-1_000", -1000),
        ("2.50", 2.5),
        ("1E2", 100.0),
        ("'a\\tb'", "a\tb"),
        (r'"\u00e9\x41\U0001F600\ud83d\ude00"', "éA😀😀"),
        (r'"\q"', "\\q"),
        (r'"\ud83d"', "\ud83d"),
        ('"""a\n"b" """', 'a\n"b" '),
        ("'a\r\nb'", "a\nb"),
        ('"a\x00b"', "a\x00b"),
        ("[1, 'a', {'k': [None]}]", [1, "a", {"k": [None]}]),
        ("(1, 2)", [1, 2]),
        ("$1", Ref(1)),
        ("$1.a[0]['b c'][-1]", Ref(1, ("a", 0, "b c", -1))),
        ("[$1, {'a': $1.b}]", [Ref(1), {"a": Ref(1, ("b",))}]),
        ("'${1}'", Template((Ref(1),))),
        ("'a ${1.b} c $1'", Template(("a ", Ref(1, ("b",)), " c ", Ref(1)))),
        ("'a' '$$' ' ${1} b' 'c'", Template(("a$ ", Ref(1), " bc"))),
        ("'$' '1'", "$1"),
        ("{'$1': 1}", {"$1": 1}),
    ],
)
def test_values(text: str, expected: Value) -> None:
    got = value(text)
    assert got == expected
    assert type(got) is type(expected)


def test_numbers_keep_their_types() -> None:
    args = one("1. f(1, 1.0, '1', true)").args
    assert [type(v) for v in args.values()] == [int, float, str, bool]


@pytest.mark.parametrize("text", ["9" * 5000, "1e999", "-Infinity", "NaN", "1" * 5000 + ".5"])
def test_numbers_that_no_plan_can_hold(text: str) -> None:
    assert problems(f"1. f({text})") == [("error", "bad-literal")]


def test_depth() -> None:
    assert one("1. f(" + "[" * 64 + "]" * 64 + ")").tool == "f"
    assert problems("1. f(" + "[" * 65 + "]" * 65 + ")") == [("error", "too-deep")]
    assert problems("1. if " + "(" * 65 + "1" + ")" * 65 + ": f()") == [("error", "too-deep")]
    assert problems("1. if " + "not " * 65 + "1: f()") == [("error", "too-deep")]
    assert one("1. if " + "(" * 64 + "1" + ")" * 64 + ": f()").when == Truth(1)


# -- must-beat -------------------------------------------------------------------------------------


def test_a_missing_bracket_loses_no_task() -> None:
    """must-beat 5: recovered, with a diagnostic."""
    plan, diagnostics = parse_plan('1. search("a"\n2. search("b")\n3. join(')
    assert [t.args for t in plan.tasks] == [{"0": "a"}, {"0": "b"}]
    assert plan.join == Join()
    assert [(d.code, d.line, d.task_id) for d in diagnostics] == [("unclosed", 1, 1), ("unclosed", 3, None)]


def test_every_kind_of_argument_and_name() -> None:
    """must-beat 6: keyword, multi-line, dict, nested and bare-reference arguments; names with `-` and `.`."""
    task = one(
        '2. mcp.server-x.get(\n  {"a": [1,\n {"b": $1}]},\n  deep=[[$1.x]],\n  ref=$1,\n)', earlier={1}
    )
    assert task.tool == "mcp.server-x.get"
    assert task.args == {"0": {"a": [1, {"b": Ref(1)}]}, "deep": [[Ref(1, ("x",))]], "ref": Ref(1)}


def test_dollars() -> None:
    """must-beat 7: `$15` is not eaten by `$1`, and money is no reference."""
    text = "$15 $1 $1.50 $1,000 $5M $5k $5bn $1km $$1 ${1}5 $1."
    template = value(f'"{text}"', earlier=frozenset({1, 5}))
    assert template == Template(
        ("$15 ", Ref(1), " $1.50 $1,000 $5M $5k $5bn ", Ref(1), "km $1 ", Ref(1), "5 ", Ref(1), ".")
    )
    assert value('"$15 $5"', earlier=frozenset({15})) == Template((Ref(15), " $5"))


# -- ids -------------------------------------------------------------------------------------------


def test_earlier_rounds() -> None:
    plan, diagnostics = parse_plan("4. f($2, '$3')\ng()", earlier=[1, 2, 3])
    assert plan.tasks[0].args == {"0": Ref(2), "1": Template((Ref(3),))}
    assert plan.tasks[1].id == 5
    assert [d.code for d in diagnostics] == ["missing-id"]
    assert problems("2. f()", earlier={1, 2}) == [("error", "duplicate-id")]


def test_written_again() -> None:
    parser = PlanParser(earlier=[1, 2, 3], redeclare=[2])
    items = parser.feed("2. f($1, $3)\n2. g()\n1. h()\n") + parser.close()
    assert items[0] == Task(2, "f", {"0": Ref(1), "1": Ref(3)})
    assert [d.code for d in items[1:] if isinstance(d, Diagnostic)] == ["duplicate-id", "duplicate-id"]
    again = PlanParser(earlier=[2], redeclare=[2])
    [problem] = again.feed("2. f($2)")
    assert isinstance(problem, Diagnostic)
    assert problem.code == "self-reference"


def test_a_broken_task_breaks_no_others() -> None:
    plan, diagnostics = parse_plan('1. f(g(1))\n2. h($1, "$1")\njoin($1)')
    assert [(d.code, d.task_id) for d in diagnostics] == [("syntax", 1)]
    assert plan.tasks == (Task(2, "h", {"0": Ref(1), "1": Template((Ref(1),))}),)
    assert plan.join == Join(Ref(1))


def test_thoughts_stay_with_their_task() -> None:
    parser = PlanParser()
    items = parser.feed("Thought: a\nThought: b\n1. f(g(1))\nThought: c\n2. h()\n3. i()\n")
    assert [i for i in items if isinstance(i, Thought)] == [Thought("a"), Thought("b"), Thought("c")]
    assert [(i.id, i.thought) for i in items if isinstance(i, Task)] == [(2, "c"), (3, None)]


# -- places ----------------------------------------------------------------------------------------


def test_span() -> None:
    task = one('Thought: x\n  1. search(\n  "a", key = [1])')
    assert task.span is not None
    assert (task.span.start.line, task.span.start.column) == (2, 3)
    assert (task.span.tool.line, task.span.tool.column, task.span.tool.source) == (2, 6, "  1. search(")
    assert {k: (p.line, p.column) for k, p in task.span.args.items()} == {"0": (3, 3), "key": (3, 14)}
    assert task.span.args["key"].source == '  "a", key = [1])'


def test_the_line_ends_with_what_was_read() -> None:
    """What comes later on the line can not change what was given out."""
    parser = PlanParser()
    [problem] = parser.feed("1. f($9)")
    assert isinstance(problem, Diagnostic)
    assert problem.source == "1. f($9)"


def test_caret() -> None:
    [problem] = parse_plan('1. f()\n\tThought: x\n2. g("a",\n\t"b ${9.x}")')[1]
    assert problem.render().split("\n")[:3] == [
        "4:5: error [forward-reference] `$9.x` is a later task",
        '  \t"b ${9.x}")',
        "  \t   ^",
    ]


@pytest.mark.parametrize("before", [0, 70, 100, 290, 300, 301, 500, 5000])
def test_caret_on_long_lines(before: int) -> None:
    text = f'1. f("{"a" * before}", $77, "{"b" * 1000}")'
    [problem] = parse_plan(text)[1]
    assert text[problem.column - 1 :].startswith("$77")
    assert len(problem.source) <= 400
    _, line, caret, *_ = problem.render().split("\n")
    assert line[caret.index("^") :].startswith("$77")
    assert len(line) < 120


def test_caret_far_right_on_a_shared_line() -> None:
    text = " ".join(f"{i}. f()" for i in range(1, 100)) + " 100. f($777)"
    [problem] = parse_plan(text)[1]
    assert (problem.line, problem.column) == (1, text.index("$777") + 1)
    _, line, caret, *_ = problem.render().split("\n")
    assert line[caret.index("^") :].startswith("$777")


def test_places_in_strings_with_escapes() -> None:
    text = r'1. f("\n\t\u00e9 ${7} \\ ${8}", r"\n${9}")'
    found = parse_plan(text)[1]
    assert [text[d.column - 1 :][:4] for d in found] == ["${7}", "${8}", "${9}"]


def test_line_ends() -> None:
    found = parse_plan("1. f()\r\n\r\n2. f($9)\r3. f($9)\n\u2028\x0b\x854. f($9)")[1]
    assert [(d.line, d.column) for d in found] == [(3, 6), (4, 6), (5, 9)]


def test_a_byte_order_mark_has_no_width() -> None:
    [problem] = parse_plan("\ufeff1. f($9)")[1]
    assert problem.column == 6


def test_problems_of_one_statement_are_bounded() -> None:
    assert len(parse_plan("1. f(" + "$9, " * 1000 + ")")[1]) == 20


# -- the forms the JSON form uses ------------------------------------------------------------------


def test_parse_reference() -> None:
    assert parse_reference('1.height["k"][0]') == Ref(1, ("height", "k", 0))
    assert parse_reference("12") == Ref(12)
    for bad in ("", "0", "x", "$1", "1.", "1 ", "{1}", "1[", "1.2", "99999999999", "1[99999999999]"):
        with pytest.raises(ValueError, match="not a reference"):
            parse_reference(bad)


def test_parse_variable() -> None:
    assert parse_variable("city.name[0]") == Var("city", ("name", 0))
    for bad in ("", "1", "city.", "a b"):
        with pytest.raises(ValueError, match="not a loop variable"):
            parse_variable(bad)


def test_parse_template() -> None:
    assert parse_template("costs $$5 and $1") == "costs $5 and $1"
    assert parse_template("${1.a} of ${city.name}") == Template(
        (Ref(1, ("a",)), " of ", Var("city", ("name",)))
    )
    with pytest.raises(ValueError, match="can not be read"):
        parse_template("${1.")


def test_parse_guard() -> None:
    assert parse_guard("$1.a > 2 and not city == 'x'", variables=["city"]) == BoolOp(
        "and", (Compare(">", Ref(1, ("a",)), 2), Not(Compare("==", Var("city"), "x")))
    )
    assert parse_guard("($1 or $2) and $3") == BoolOp(
        "and", (BoolOp("or", (Truth(Ref(1)), Truth(Ref(2)))), Truth(Ref(3)))
    )


@pytest.mark.parametrize(
    "text", ["", "$1 >", "$1 = 2", "(", "'a", "$1: f()", "$1 $2", "f(1)", ")", "1: if 2", "\n\n2. f("]
)
def test_parse_guard_tells_what_is_wrong(text: str) -> None:
    with pytest.raises(PlanError) as caught:
        parse_guard(text)
    assert caught.value.diagnostics


# -- nothing raises --------------------------------------------------------------------------------


_ODD = '| |\x00|\ufeff|\ud800|1.|1. f|$|`|<|1. f(, |1. f("\\|1. for|1. for x in|- |\r'
ODD = _ODD.split("|")


@pytest.mark.parametrize("text", ODD)
def test_odd_texts(text: str) -> None:
    plan, diagnostics = parse_plan(text)
    assert plan.tasks == ()
    for problem in diagnostics:
        assert problem.render()
