"""Plans in JSON as text: what they mean, what is wrong with them, every chunking and every end."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from planner_kit import TOOLS

from llmcompiler import tool
from llmcompiler.diagnostics import Diagnostic
from llmcompiler.plan import Join, Plan, Task, Thought
from llmcompiler.tools import ToolRegistry
from llmcompiler.values import Ref, Template, Var
from llmcompiler_planners.json_tasks import JSONPlanReader, json_plan_text, read_json_plan

PLAN = """{"tasks": [
  {"thought": "two heights", "for": null, "if": null, "id": 1, "tool": "search", "args": {"query": "K2 \\u00e9\\ud83d\\ude00 {\\"[", "limit": null}},
  {"id": 2, "tool": "search", "args": {"query": "costs $$5 or $7", "limit": 3}},
  {"id": 3, "tool": "calculate", "args": {"expression": "${1.height} / $2.height"}},
  {"id": 4, "tool": "send", "args": {"to": "$1.name", "body": "${3}"}}
], "join": "$3"}
"""  # noqa: E501
READ = [
    Task(1, "search", {"query": 'K2 é😀 {"['}, thought="two heights"),
    Task(2, "search", {"query": "costs $5 or $7", "limit": 3}),
    Task(3, "calculate", {"expression": Template((Ref(1, ("height",)), " / ", Ref(2, ("height",))))}),
    Task(4, "send", {"to": Ref(1, ("name",)), "body": Ref(3)}),
]


def tasks(items: list[Any]) -> list[Task]:
    return [i for i in items if isinstance(i, Task)]


def errors(items: list[Any]) -> list[Diagnostic]:
    return [i for i in items if isinstance(i, Diagnostic) and i.severity == "error"]


def read(text: str, size: int | None = None, **options: Any) -> list[Any]:
    reader = JSONPlanReader(**{"tools": TOOLS} | options)
    size = size or len(text) or 1
    items: list[Any] = []
    for at in range(0, len(text), size):
        items += reader.take(text[at : at + size])
    return [*items, *reader.close()]


# -- what the JSON means --------------------------------------------------------------------------


def test_a_plan_becomes_tasks_and_a_join() -> None:
    items = read(PLAN)
    assert tasks(items) == READ
    assert not errors(items)
    assert items[-1] == Join(Ref(3))
    assert items[0] == Thought("two heights")


def test_the_pure_reader_gives_plan_and_diagnostics() -> None:
    plan, diagnostics = read_json_plan(PLAN, tools=TOOLS)
    assert plan == Plan(tuple(READ), Join(Ref(3)))
    assert diagnostics == []
    kept, _ = read_json_plan(PLAN)
    assert kept.tasks[0].args["limit"] is None  # without tools, nobody knows that it may be left out


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("$1", Ref(1)),
        ("${1}", Ref(1)),
        ("$1.a[0]['k']", Ref(1, ("a", 0, "k"))),
        ("$1 or ${1.a}", Template((Ref(1), " or ", Ref(1, ("a",))))),
        ("$$1", "$1"),
        ("$7", "$7"),
        ("$1,000", "$1,000"),
        ("$1.50", "$1.50"),
        ("about $1.", Template(("about ", Ref(1), "."))),
        ({"$ref": "1.a"}, Ref(1, ("a",))),
        ({"$ref": "$1.a"}, Ref(1, ("a",))),
        ({"$template": "${1}"}, Template((Ref(1),))),
        ({"$dict": [["$ref", 1]]}, {"$ref": 1}),
        ({"a": ["$1", {"b": "$1.c"}], "$gt": 5}, {"a": [Ref(1), {"b": Ref(1, ("c",))}], "$gt": 5}),
        (None, None),
        (1.5, 1.5),
        ([True, []], [True, []]),
    ],
)
def test_strings_are_those_of_the_plan_language_and_a_whole_one_is_the_value(
    written: Any, value: Any
) -> None:
    text = json.dumps(
        {
            "tasks": [
                {"id": 1, "tool": "f", "args": {}},
                {"id": 2, "tool": "f", "args": {"x": written}},
            ]
        }
    )
    items = read(text)
    assert not errors(items)
    assert tasks(items)[1].args == {"x": value}


@pytest.mark.parametrize("written", ["$7.height", "${7}", "${7.a} x", {"$ref": "7"}])
def test_a_reference_to_no_task_is_told(written: Any) -> None:
    text = json.dumps({"tasks": [{"id": 1, "tool": "f", "args": {"x": written}}]})
    (wrong,) = errors(read(text))
    assert (wrong.code, wrong.task_id) == ("forward-reference", 1)


@pytest.mark.parametrize(
    "loop",
    [{"name": "c", "in": "$1.cities"}, {"name": "c", "in": {"$ref": "1.cities"}}, "c in $1.cities"],
)
@pytest.mark.parametrize("item", ["${c.name}", "$c.name", {"$var": "c.name"}])
def test_a_loop_and_a_condition(loop: Any, item: Any) -> None:
    second = {
        "id": 2, "for": loop, "if": "$1.n > 3 and c != 'x'", "tool": "g",
        "args": {"x": item, "t": "in ${c} for $5"},
    }  # fmt: skip
    items = read(json.dumps({"tasks": [{"id": 1, "tool": "f"}, second], "join": ""}))
    assert not errors(items)
    expected = Plan.parse(
        '1. f()\n2. for c in $1.cities: if $1.n > 3 and c != "x": g(x=c.name, t="in ${c} for $$5")\njoin()'
    )
    assert Plan(tuple(tasks(items)), items[-1]) == expected
    assert tasks(items)[1].args["x"] == Var("c", ("name",))


def test_the_variable_of_one_loop_is_text_in_the_next_task() -> None:
    loop = {"id": 1, "for": {"name": "c", "in": ["a"]}, "tool": "f", "args": {"x": "$c"}}
    items = read(json.dumps({"tasks": [loop, {"id": 2, "tool": "f", "args": {"x": "$c"}}]}))
    assert [t.args["x"] for t in tasks(items)] == [Var("c"), "$c"]


@pytest.mark.parametrize(
    ("written", "join"),
    [
        ('""', Join()),
        ("{}", Join()),
        ("true", Join()),
        ('"join()"', Join()),
        ("null", None),
        ('"$1"', Join(Ref(1))),
        ('"$1.a"', Join(Ref(1, ("a",)))),
        ('"${1}"', Join(Ref(1))),
        ('"1"', Join(Ref(1))),
        ("1", Join(Ref(1))),
        ('{"$ref": "1"}', Join(Ref(1))),
        ('"join($1)"', Join(Ref(1))),
        ('"the answer"', Join()),
        ("[3]", Join()),
    ],
)
@pytest.mark.parametrize("first", [False, True])
def test_the_join_is_read_whatever_it_is_written_as(written: str, join: Join | None, first: bool) -> None:
    parts = ['"tasks": [{"id": 1, "tool": "f", "args": {}}]', f'"join": {written}']
    items = read("{" + ", ".join(reversed(parts) if first else parts) + "}")
    if first and join is not None and join.ref is not None:
        join = Join(join.ref)
    assert [i for i in items if isinstance(i, Join)] == ([] if join is None else [join])
    assert len(tasks(items)) == 1
    assert not errors(items)


@pytest.mark.parametrize("args", ["{}", "[]", "5", "null", '""', '["$1"]', '{"ref": "$1"}'])
def test_a_task_called_join_is_the_join(args: str) -> None:
    items = read(f'{{"tasks": [{{"id": 1, "tool": "f"}}, {{"id": 2, "tool": "join", "args": {args}}}]}}')
    assert [t.id for t in tasks(items)] == [1]
    assert items[-1] == (Join(Ref(1)) if "$1" in args else Join())


def test_a_join_of_no_task_asks_the_joiner_and_is_told() -> None:
    items = read('{"tasks": [], "join": "$4"}')
    assert [e.code for e in errors(items)] == ["unknown-reference"]
    assert items[-1] == Join()


@pytest.mark.parametrize(
    "text",
    [
        'Sure, {"here"} it is [1]:\n```json\nPLAN\n```\nThat is all, {"tasks": [{"id": 9, "tool": "z"}]}.',
        '<think>{"tasks": [{"id": 1, "tool": "draft", "args": {}}]} no</think>PLAN',
        "\ufeff\r\n\r\nPLAN",
        '{"plan": PLAN}',
        '{"thought": "so", "tasks": LIST, "join": ""}',
        "LIST",
    ],
)
def test_prose_fences_thoughts_and_wrappers_round_the_plan_do_not_count(text: str) -> None:
    listed = '[{"id": 1, "tool": "f", "args": {"x": "a"}}, {"id": 2, "tool": "f", "args": {"x": "$1"}}]'
    whole = f'{{"tasks": {listed}, "join": ""}}'
    items = read(text.replace("PLAN", whole).replace("LIST", listed))
    assert [(t.id, t.tool, t.args) for t in tasks(items)] == [(1, "f", {"x": "a"}), (2, "f", {"x": Ref(1)})]
    assert not errors(items)


def test_one_object_a_line_is_a_plan_too() -> None:
    items = read('{"name": "f", "arguments": "{\\"x\\": 1}"}\n{"tool": "g", "args": ["$1"]}\n')
    assert [(t.id, t.tool, t.args) for t in tasks(items)] == [(1, "f", {"x": 1}), (2, "g", {"0": Ref(1)})]
    assert {i.code for i in items if isinstance(i, Diagnostic)} == {"missing-id"}


def test_small_slips_of_json_are_read_with_a_warning() -> None:
    items = read("""{"tasks": [{"id": "1", "tool": "f", "args": {"x": [True, None,], "y": "a\\$b 'c'
d",},},], "join": "",}""")
    assert [t.args for t in tasks(items)] == [{"x": [True, None], "y": "a$b 'c'\nd"}]
    assert not errors(items)


@pytest.mark.parametrize(
    "text",
    [
        '1. search("Mount Everest")\n2. for c in $1.a: f(c, x={\'k\': [$1, "a${c.b}"]})\njoin($2)',
        'Thought: why\n1. f("$$5")\n2. if $1: f()\njoin()',
        '1. f({"$ref": "a", "b": {"$x": 1}}, k="$$1")\n2. f("${1}", 1.5, None)',
    ],
)
def test_a_plan_written_as_json_reads_as_the_same_plan(text: str) -> None:
    original = Plan.parse(text)
    for written in (json_plan_text(original), original.model_dump_json()):
        plan, diagnostics = read_json_plan(written)
        assert not [d for d in diagnostics if d.severity == "error"]
        if written == json_plan_text(original) or "$$" not in text:
            assert plan == original


# -- what is wrong with it ------------------------------------------------------------------------


def test_bad_tasks_are_told_where_they_are_wrong_and_the_others_run() -> None:
    text = """{"tasks": [
  {"id": 1, "tool": "f", "args": {"x": "fine"}},
  {"id": 2, "tool": "f", "args": {"x": 1e999}},
  {"id": 3, "tool": "f" "args": {}},
  {"id": 1, "tool": "f", "args": {}},
  {"id": 4, "tool": 7, "args": {}},
  {"id": 5, "tool": "f", "args": "nope"},
  "what",
  {"id": 6, "tool": "f", "args": {"x": {"$ref": "a b"}}},
  {"id": 7, "tool": "f", "if": "no way >", "args": {}},
  {"id": 8, "tool": "f", "for": {"name": "c", "in": 5}, "args": {}},
  {"id": 9, "tool": "f", "args": {"x": 1, "x": 2}},
  {"id": 10, "tool": "f", "args": {"x": [1, {"y": "${10.a}"}]}},
  {"id": -3, "tool": "f", "args": {}},
  {"id": 11, "tool": "f", "args": {"x": "$1"}}
], "join": ""}"""
    items = read(text)
    assert [t.id for t in tasks(items)] == [1, 11]
    found = {(e.line, e.code, e.task_id) for e in errors(items)}
    assert found == {
        (3, "bad-literal", 2),
        (4, "syntax", 3),
        (5, "duplicate-id", 1),
        (6, "syntax", 4),
        (7, "syntax", 5),
        (8, "syntax", None),
        (9, "bad-reference", 6),
        (10, "syntax", 7),
        (11, "syntax", 8),
        (12, "duplicate-argument", 9),
        (13, "self-reference", 10),
        (14, "bad-id", None),
    }
    shown = next(e for e in errors(items) if e.task_id == 2).render()
    line, source, caret, *_ = shown.splitlines()
    assert line.startswith("3:40: error [bad-literal] args.x: ")
    assert source[caret.index("^") :].startswith("1e999")
    assert items[-1] == Join()


def test_a_bracket_too_few_costs_one_task() -> None:
    items = read(
        '{"tasks": [{"id": 1, "tool": "f", "args": {"x": [1, 2}}, {"id": 2, "tool": "f", "args": {}}], "join": ""}'
    )
    assert [t.id for t in tasks(items)] == [2]
    assert [e.task_id for e in errors(items)] == [1]
    assert items[-1] == Join()


@pytest.mark.parametrize("opening", ["[", '{"a":', "[{"])
def test_deep_nesting_is_refused_in_little_time(opening: str) -> None:
    deep = opening * 50_000
    items = read('{"tasks": [{"id": 1, "tool": "f", "args": {"x": ' + deep + "1}}], " * 3)
    assert not tasks(items)
    items = read('{"tasks": [{"id": 1, "tool": "f", "args": {"x": ' + "[" * 3_000 + "]" * 3_000 + "}}]}")
    assert [e.code for e in errors(items)] == ["too-deep"]
    items = read('{"tasks": [' + "[" * 100_000 + "}" * 100_000)
    assert not tasks(items)


def test_a_list_closed_by_the_wrong_bracket_is_closed() -> None:
    reader = JSONPlanReader()
    items = [*reader.take('{"tasks": [{"id": 1, "tool": "f"}}')]
    assert [t.id for t in tasks(items)] == [1]
    assert reader.ended
    assert list(reader.close()) == []


def test_a_null_for_the_join_is_no_join_and_the_plan_ends_all_the_same() -> None:
    reader = JSONPlanReader()
    assert [*reader.take('{"tasks": [], "join": null')] == []
    assert not reader.ended
    assert [*reader.take("}")] == []
    assert reader.ended


def test_money_of_the_same_number_as_a_task_that_is_written_again_is_money() -> None:
    (task,) = tasks(
        read(
            '{"tasks": [{"id": 2, "tool": "f", "args": {"x": "$2", "y": "$1"}}]}',
            earlier=[1, 2],
            redeclare=[2],
        )
    )
    assert task.args == {"x": "$2", "y": Ref(1)}


def test_tasks_tell_the_checker_where_their_arguments_stand() -> None:
    text = '{"tasks": [\n\n\n {"id": 1, "tool": "search", "args": {"query": "K2", "limit": "many"}}\n]}'
    (task,) = tasks(read(text))
    assert task.span is not None
    place = task.span.args["limit"]
    assert (place.line, place.source[place.column - 1 :][:6]) == (4, '"many"')
    assert task.span.tool.source[task.span.tool.column - 1 :].startswith('"search"')
    with pytest.raises(KeyError):
        task.span.args["other"]


# -- every chunking, every end ---------------------------------------------------------------------

SHORT = """Here {"x"}: ```json
{"tasks": [{"id": 1, "tool": "f", "args": {"x": "\\ud83d\\ude00 \\\\ \\" }] é😀"}}, 5, {"id": 2, "tool": "g",
 "args": {"y": ["$1", {"z": "${1.a}"}]}},], "join": {"$ref": "2"}}```
"""


def test_every_chunking_gives_the_same_items() -> None:
    whole = read(SHORT)
    assert [t.id for t in tasks(whole)] == [1, 2]
    assert isinstance(whole[-1], Join)
    for size in range(1, 12):
        assert read(SHORT, size) == whole
    for at in range(len(SHORT)):
        reader = JSONPlanReader(tools=TOOLS)
        items = [*reader.take(SHORT[:at]), *reader.take(SHORT[at:]), *reader.close()]
        assert items == whole
        spans = [(t.span.start, t.span.tool) for t in tasks(items) if t.span]
        assert spans == [(t.span.start, t.span.tool) for t in tasks(whole) if t.span]


@given(st.data())
@settings(deadline=None, max_examples=60)
def test_any_chunking_of_any_plan_gives_the_same_items(data: st.DataObject) -> None:
    text = data.draw(
        st.sampled_from([PLAN, SHORT, SHORT.replace("`", ""), PLAN + PLAN, "<think>{</think>" + PLAN])
    )
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=30)))
    reader = JSONPlanReader(tools=TOOLS)
    items: list[Any] = []
    for start, end in zip([0, *cuts], [*cuts, len(text)], strict=True):
        items += reader.take(text[start:end])
    assert [*items, *reader.close()] == read(text)


def test_an_end_of_text_in_a_task_is_a_diagnostic_of_the_pure_reader() -> None:
    plan, (cut,) = read_json_plan('{"tasks": [{"id": 1, "tool": "f", "args": {}}, {"id": 2, "tool": "se')
    assert [t.id for t in plan.tasks] == [1]
    assert (cut.code, cut.line, cut.column, cut.severity) == ("cut-off", 1, 48, "warning")
    for text, code in (
        ('{"tasks": [{"id": 1, "tool": "f", "args": {}}', "cut-off"),
        ('{"tasks": [{"id": 1, "tool": "f", "args": {}}]', "unclosed"),
        ('{"tasks": [{"id": 1, "tool": "f", "args": {}}], "join": "$', "unclosed"),
    ):
        plan, (told,) = read_json_plan(text)
        assert [t.id for t in plan.tasks] == [1]
        assert (told.code, told.severity) == (code, "warning")


def _steps(count: int, size: int) -> int:
    """Characters that are looked at to read a plan of `count` tasks, counted where the work is done."""
    listed = ",\n".join(
        json.dumps({"id": i, "tool": "f", "args": {"x": f"${i - 1}" if i > 1 else "a", "y": [i, "b"]}})
        for i in range(1, count + 1)
    )
    text = f'{{"tasks": [{listed}], "join": ""}}'
    reader = JSONPlanReader()
    work = 0
    splitter = reader._splitter
    advance = splitter._advance

    def counted(piece: str, *, keep: bool) -> None:
        nonlocal work
        work += len(piece) + len(splitter._lead)
        advance(piece, keep=keep)

    splitter._advance = counted  # type: ignore[method-assign]
    made = [i for at in range(0, len(text), size) for i in reader.take(text[at : at + size])]
    assert len(tasks(made)) == count
    assert made[-1] == Join()
    assert tasks(made)[-1].depends_on == (count - 1,)
    return work


@pytest.mark.parametrize("size", [3, 100_000_000])
def test_ten_thousand_tasks_take_five_times_the_work_of_two_thousand(size: int) -> None:
    assert _steps(10_000, size) < 6 * _steps(2_000, size)


def test_null_is_a_value_where_the_argument_takes_it_and_left_out_where_it_can_be() -> None:
    @tool
    def take(a: int, b: int | None = 5, c: int = 6) -> None:
        """Take."""

    text = '{"tasks": [{"id": 1, "tool": "take", "args": {"a": null, "b": null, "c": null, "d": null}}]}'
    (task,) = tasks(read(text, tools=ToolRegistry([take])))
    assert task.args == {"a": None, "b": None, "d": None}


def test_a_task_that_is_no_json_has_its_number_all_the_same() -> None:
    items = read('{"tasks": [{"id": 1 "tool": "f"}, {"id": 2, "tool": "f", "args": {"x": "$1", "y": "$3"}}]}')
    assert [e.task_id for e in errors(items)] == [1]
    assert tasks(items)[0].args == {"x": Ref(1), "y": "$3"}


def test_the_variable_of_no_loop_is_text_with_a_warning() -> None:
    items = read('{"tasks": [{"id": 1, "tool": "f", "args": {"x": "in ${city}"}}]}')
    assert tasks(items)[0].args == {"x": "in ${city}"}
    assert [(i.code, i.severity) for i in items if isinstance(i, Diagnostic)] == [
        ("bad-reference", "warning")
    ]


def test_what_follows_the_join_is_not_read() -> None:
    items = read('{"tasks": [{"id": 1, "tool": "join"}, {"id": 2, "tool": "f"}, 7], "join": "$2"}')
    assert items == [Join()]
