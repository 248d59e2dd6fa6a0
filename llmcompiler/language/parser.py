"""The feedable parser of the plan language: text in, tasks out, each the moment its call is complete.

It reads statements (cut by `statements`, their insides read by `grammar`) into the plan's terms and keeps the ids.
It knows no tools: positional arguments stand under their position.
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Literal

from ..diagnostics import Diagnostic
from ..errors import PlanError
from ..guards import Guard
from ..plan import Each, Join, Place, Plan, Task, TaskSpan, Thought
from ..values import Ref, Template, Value
from . import heads
from .conditions import Conditions
from .grammar import Values
from .pieces import Clause, Line, Mark, Statement, Tail
from .references import MAX_ID, task_id
from .report import Bad, Report, diagnostic
from .source import Source
from .statements import Splitter
from .tokens import tokenise

Item = Task | Thought | Join | Diagnostic
"""What the parser gives out."""

_FOR = re.compile(r"\s*([A-Za-z_][A-Za-z0-9_]*+)\s+in(?![\w])")
_RESERVED = frozenset({"and", "or", "not", "in", "is", "True", "False", "None", "true", "false", "null"})
_OPERATES = re.compile(
    r"""\.[^\W\d] | \[ | \( | [-+*/%=<>|&^]{1,2}+(?=[^\s*`])
      | [^\S\n]++(?:[-+*/%] | [=!]= | [<>]=?+)[^\S\n]*+[\d$("']""",
    re.VERBOSE,
)
_NOTHING = re.compile(r"[\s;,.*`]*+(?:$|\#|//)")
_ANOTHER = re.compile(r"[\s;,]*+[^\W\d][\w.\-]*+\(")
_ELSE = re.compile(r"(?:[0-9]++[.):])?+[\s;,]*+(?:else\s*+(?::|if\b)|elif\b)")
_ELSE_HINT = "write it as a task of its own, with the opposite condition: `if not ($1 > 3): tool(...)`"
_CALL_HINT = "write a call as `1. tool(arguments)`, one to a line"


class _Known:
    """The ids that a statement's references may name: declared before it, or known from the start."""

    def __init__(self, earlier: Iterable[int]) -> None:
        self.earlier = frozenset(earlier)
        self.declared: set[int] = set()
        self.own: int | None = None

    def __contains__(self, number: object) -> bool:
        return (number in self.declared or number in self.earlier) and number != self.own


class _ArgumentPlaces(Mapping[str, Place]):
    """Where arguments stand; worked out when asked for, as few are."""

    __slots__ = ("_offsets", "_source")

    def __init__(self, source: Source, offsets: dict[str, int]) -> None:
        self._source = source
        self._offsets = offsets

    def __getitem__(self, key: str) -> Place:
        return self._source.place(self._offsets[key])

    def __iter__(self) -> Iterator[str]:
        return iter(self._offsets)

    def __len__(self) -> int:
        return len(self._offsets)


_NO_PLACES: Mapping[str, Place] = MappingProxyType({})


class PlanParser:
    """Reads a plan that arrives in chunks of any size.

    What comes out depends on the text alone, not on the chunks. A task comes out when the closing parenthesis of
    its call arrives. A statement with errors gives its diagnostics and no task; one with warnings gives them first.
    Nothing is raised for any text, and the time taken is linear in it.

    Args:
        earlier: Ids of tasks that exist already; references may name them.
        redeclare: Those of them that may be written again, as in a repair.

    ```python
    from llmcompiler.language import PlanParser

    parser = PlanParser()
    assert parser.feed('1. search("Mount Ev') == []
    [task] = parser.feed('erest")')
    assert task.args == {"0": "Mount Everest"}
    ```
    """

    def __init__(self, *, earlier: Iterable[int] = (), redeclare: Iterable[int] = ()) -> None:
        self.joined = False
        """Whether the join was read."""
        self._splitter = Splitter()
        self._known = _Known(earlier)
        self._redeclare = frozenset(redeclare)
        self._last = self._highest = max(self._known.earlier, default=0)
        self._thoughts: list[str] = []
        self._previous: int | None = None

    def feed(self, text: str) -> list[Item]:
        """Take the next piece of text; returns what is complete now."""
        return [item for event in self._splitter.feed(text) for item in self._event(event)]

    def close(self) -> list[Item]:
        """The text is over; returns what was left. A statement that was cut in the middle is an error."""
        return [item for event in self._splitter.close() for item in self._event(event)]

    def _event(self, event: Statement | Line | Tail) -> list[Item]:
        if isinstance(event, Statement):
            return self._statement(event)
        if self.joined:
            return []
        return self._line(event) if isinstance(event, Line) else self._tail(event)

    # -- lines ---------------------------------------------------------------

    def _line(self, line: Line) -> list[Item]:
        source = line.source
        if line.kind == "thought":
            return self._thought(source.text, line.start)
        if line.kind == "join":
            self.joined = True
            message = "a join without brackets"
            return [
                diagnostic(source, "join-arguments", message, 0, "write it as `join()`", warning=True),
                Join(),
            ]
        if line.kind == "other" and _ELSE.match(source.text):
            return [diagnostic(source, "syntax", "there is no `else`", 0, _ELSE_HINT)]
        if line.kind == "other":
            message = "a line that is neither a call nor a thought"
            hint = f"{_CALL_HINT}; start a thought with `Thought:`"
            return [diagnostic(source, "unrecognised", message, 0, hint, warning=True)]
        number = task_id(line.number) if line.number else self._next_id()
        if number is not None:
            self._declare(number)
        self._thoughts.clear()
        if line.kind == "cut":
            return [_cut_off(source, 0, number, "the call")]
        hint = "close a `for` or `if` with a colon and put a call behind it, and the arguments of a call in brackets"
        return [diagnostic(source, "syntax", "this is not a call", 0, hint, number)]

    def _thought(self, text: str, start: int) -> list[Item]:
        label, said = text[:start], text[start:].strip()
        if label.startswith("**") and not label[:-1].rstrip().endswith("*"):
            said = said.removeprefix("**").strip()
        if not said:
            return []
        self._thoughts.append(said)
        return [Thought(said)]

    def _tail(self, tail: Tail) -> list[Item]:
        source, text = tail.source, tail.source.text
        at = len(text) - len(text.lstrip())
        if _OPERATES.match(text):
            message = "the call goes on after its closing bracket"
            hint = "a line holds one call; use its result in a later one, as in $1.field"
        elif _NOTHING.match(text):
            return []
        elif _ELSE.match(text):
            message, hint = "there is no `else`", _ELSE_HINT
        elif _ANOTHER.match(text):
            message = "a second call on the line"
            hint = "give every call its own line and number"
        else:
            message, hint = (
                "text after the call",
                "a line holds one call; write thoughts on lines of their own",
            )
            return [diagnostic(source, "trailing-text", message, at, hint, self._previous, warning=True)]
        return [diagnostic(source, "trailing-text", message, at, hint, self._previous)]

    # -- calls ---------------------------------------------------------------

    def _next_id(self) -> int:
        number = self._last + 1
        taken = number in self._known.declared or number in self._known.earlier
        return self._highest + 1 if taken else number

    def _declare(self, number: int) -> None:
        self._known.declared.add(number)
        self._last = number
        self._highest = max(self._highest, number)

    def _statement(self, statement: Statement) -> list[Item]:
        source = statement.source
        is_join = statement.name in heads.JOINS
        number = task_id(statement.number) if statement.number else None
        if self.joined:
            if is_join:
                hint = "end a plan with one join"
                return [diagnostic(source, "duplicate-join", "a second join", statement.name_at, hint)]
            hint = "put the join last"
            return [diagnostic(source, "after-join", "a task after the join", 0, hint, number)]
        if is_join and not statement.clauses:
            return self._join(statement)
        report = Report(source)
        if statement.number is None:
            report.task_id = number = self._next_id()
            if number > MAX_ID:
                report.error(
                    "bad-id", "there are no numbers left", 0, f"number the calls from 1, up to {MAX_ID}"
                )
            else:
                message = f"a call without a number; taken as {number}"
                report.warn("missing-id", message, 0, "number the calls: 1. 2. 3.")
        elif number is None:
            digits = statement.number
            report.error(
                "bad-id",
                f"{digits[:20]} is not a task id",
                source.text.find(digits),
                f"number the tasks from 1, up to {MAX_ID}",
            )
        report.task_id = self._previous = number
        task = self._task(statement, report, number)
        self._thoughts = []
        if number is not None:
            self._declare(number)
        items: list[Item] = list(report.diagnostics)
        if report.errors:
            return [item for item in items if isinstance(item, Diagnostic)]
        assert task is not None
        items.append(task)
        return items

    def _task(self, statement: Statement, report: Report, number: int | None) -> Task | None:
        source = statement.source
        if number is not None and self._taken(number):
            hint = "give every task a number of its own"
            report.error("duplicate-id", f"there is a task {number} already", 0, hint)
            return None  # what else is wrong with it shows once it has a number
        if statement.cut:
            report.diagnostics.append(_cut(statement, number))
            report.errors += 1
            return None
        _warn_unclosed(statement, report)
        reader = _Reader(statement, report, self._known, number)
        each, when = reader.clauses()
        args, offsets = reader.arguments()
        if statement.name in heads.JOINS:
            report.error("syntax", "a join with a condition", 0, "write the join on its own: `join()`")
        if report.errors or number is None:
            return None
        return Task(
            number,
            statement.name,
            args,
            each,
            when,
            "\n".join(self._thoughts) or None,
            TaskSpan(
                source.place(0),
                source.place(statement.name_at),
                _ArgumentPlaces(source, offsets) if offsets else _NO_PLACES,
            ),
        )

    def _taken(self, number: int) -> bool:
        known = self._known
        return number in known.declared or (number in known.earlier and number not in self._redeclare)

    def _join(self, statement: Statement) -> list[Item]:
        """Join.

        join = [ id "." ] ( "join" | "Join" | "JOIN" | "finish" ) "(" [ reference ] ")"
        """
        self.joined = True
        report = Report(statement.source)
        if not statement.cut:
            _warn_unclosed(statement, report)
        ref: Ref | None = None
        try:
            tokens = tokenise(
                statement.source.text,
                statement.open_at + 1,
                statement.end or len(statement.source.text),
                statement.marks,
            )
            if tokens.kinds == ["ref", "end"]:
                ref = tokens.values[0]
            plain = ref is not None or tokens.kinds == ["end"]
        except Bad:
            plain = False
        if not plain or statement.cut:
            hint = "write `join()`, or `join($3)` to make the value of task 3 the answer"
            report.warn(
                "join-arguments",
                "join takes nothing or one reference; taken as `join()`",
                statement.open_at + 1,
                hint,
            )
        self._known.own = None
        if ref is not None and ref.task not in self._known:
            message, hint = _unknown(ref, self._known)
            report.error("unknown-reference", message, tokens.starts[0], hint)
            ref = None
        return [*report.diagnostics, Join(ref)]


class _Reader:
    """Reads the clauses and arguments of one statement."""

    def __init__(self, statement: Statement, report: Report, known: _Known, number: int | None) -> None:
        known.own = number
        self._statement = statement
        self._report = report
        self._known = known
        self._variables: set[str] = set()

    def _values(self, start: int, stop: int, marks: list[Mark]) -> Values:
        statement = self._statement
        tokens = tokenise(statement.source.text, start, stop, marks, self._variables)
        return Values(tokens, self._report, self._known, self._refer, self._variables)

    def _refer(self, ref: Ref, at: int) -> None:
        known = self._known
        if ref.task in known:
            return
        own = known.own
        code: Literal["self-reference", "forward-reference", "unknown-reference"]
        if own is not None and ref.task == own:
            code, message = "self-reference", f"task {own} refers to itself"
            hint = "refer to an earlier task"
        elif own is not None and ref.task > own:
            code, message = "forward-reference", f"`{ref}` is a later task"
            hint = "put the task before those that use its result"
        else:
            code = "unknown-reference"
            message, hint = _unknown(ref, known)
        self._report.error(code, message, at, hint)

    def clauses(self) -> tuple[Each | None, Guard | None]:
        """The clauses before the call, in any order.

        clauses = [ "for" identifier "in" ( reference | list ) ":" ] [ "if" guard ":" ]
        """
        each: Each | None = None
        when: Guard | None = None
        clauses = self._statement.clauses
        if not clauses:
            return None, None
        for clause in sorted(clauses, key=lambda c: c.kind):  # the loop variable first: the guard may use it
            try:
                if clause.kind == "for" and each is None:
                    each = self._each(clause)
                elif clause.kind == "if" and when is None:
                    when = Conditions(self._values(clause.start, clause.end, self._marks(clause))).guard()
                else:
                    raise Bad(
                        "syntax", f"a second `{clause.kind}`", clause.at, "one `for` and one `if` a task"
                    )
            except Bad as bad:
                self._report.bad(bad)
        return each, when

    def _marks(self, clause: Clause) -> list[Mark]:
        return [m for m in self._statement.marks if clause.start <= m.start < clause.end]

    def _each(self, clause: Clause) -> Each:
        match = _FOR.match(self._statement.source.text, clause.start, clause.end)
        hint = "write it as `for city in $1.cities: tool(city)`"
        if match is None or match[1] in _RESERVED:
            raise Bad("syntax", "a `for` without variable or `in`", clause.at, hint)
        try:
            source = self._each_source(clause, match.end(), hint)
        finally:  # what is wrong with the list is no reason to take the variable for text
            self._variables.add(match[1])
        return Each(match[1], source)

    def _each_source(self, clause: Clause, start: int, hint: str) -> Value:
        values = self._values(start, clause.end, self._marks(clause))
        source, after = values.item(0)
        if isinstance(source, Template) and len(source.parts) == 1 and isinstance(source.parts[0], Ref):
            source = source.parts[0]
            self._report.warn(
                "syntax", f"a reference in quotes; taken as `{source}`", values.tokens.starts[0], hint
            )
        if values.tokens.kinds[after] != "end" or not isinstance(source, (Ref, list)):
            raise Bad("syntax", "a `for` goes over the result of a task or a list", start, hint)
        return source

    def arguments(self) -> tuple[dict[str, Value], dict[str, int]]:
        """The call's arguments and where they stand."""
        statement = self._statement
        if statement.end == statement.open_at + 1:
            return {}, {}
        marks = statement.marks
        if statement.clauses:
            marks = [m for m in marks if m.start > statement.open_at]
        try:
            return self._values(statement.open_at + 1, statement.end, marks).arguments()
        except Bad as bad:
            self._report.bad(bad)
            return {}, {}


def _unknown(ref: Ref, known: _Known) -> tuple[str, str]:
    first = sorted({*list(known.declared)[:9], *list(known.earlier)[:9]})[:9]
    hint = f"there are tasks {', '.join(map(str, first))}" if first else "there is no task before this one"
    return f"`${ref.task}` is no task of this plan", hint + (
        "; write `$$` for a dollar sign" if first else ""
    )


def _cut_off(source: Source, at: int, number: int | None, what: str) -> Diagnostic:
    message = f"the text ends in the middle of {what}"
    return diagnostic(source, "cut-off", message, at, "write the whole call again", number)


def _cut(statement: Statement, number: int | None) -> Diagnostic:
    """The error for a call of which a part may be missing."""
    source, at = statement.source, statement.cut_at
    if statement.at_end:
        return _cut_off(source, at, number, statement.cut)
    last = statement.unclosed[-1]
    if statement.cut == "a string":
        hint = 'close it on its line; write \\n for a new line inside a string, or use triple quotes, as in """text"""'
    else:
        hint = "write the whole call, with all its arguments and closing brackets"
    message = f"`{last}` is not closed, and what stands after it may be cut; the call is not made"
    return diagnostic(source, "unclosed", message, at, hint, number)


def _warn_unclosed(statement: Statement, report: Report) -> None:
    if statement.unclosed:
        message = f"`{statement.unclosed[-1]}` is not closed; closed at the end of the statement"
        report.warn("unclosed", message, statement.open_at, "close every quote and bracket")


def parse_plan(text: str, *, earlier: Iterable[int] = ()) -> tuple[Plan, list[Diagnostic]]:
    """The plan that `text` spells, as far as it can be read, and everything wrong with it. Never raises.

    Args:
        text: The plan in the plan language.
        earlier: Ids of finished tasks of earlier rounds that references may name.
    """
    parser = PlanParser(earlier=earlier)
    tasks: list[Task] = []
    join: Join | None = None
    diagnostics: list[Diagnostic] = []
    for items in (parser.feed(text), parser.close()):
        for item in items:
            if isinstance(item, Task):
                tasks.append(item)
            elif isinstance(item, Diagnostic):
                diagnostics.append(item)
            elif isinstance(item, Join):
                join = item
    return Plan(tuple(tasks), join), diagnostics


class _AnyId:
    def __contains__(self, number: object) -> bool:
        return True


_GUARD_HEAD = "1. if "
_ONE_LINE = str.maketrans("\r\n", "  ")


def parse_guard(text: str, *, variables: Iterable[str] = (), known: Container[int] | None = None) -> Guard:
    """The guard that `text` spells, as between `if` and `:`. References may name any task.

    Args:
        text: The condition.
        variables: Names that are loop variables.
        known: Ids for which `$7` inside a string is a reference; None for any.

    Raises:
        PlanError: It is not a condition; `.diagnostics` say why.
    """
    text = text.translate(_ONE_LINE)
    splitter = Splitter()
    events = [*splitter.feed(f"{_GUARD_HEAD}{text}: f()"), *splitter.close()]
    first = events[0] if events else None
    report = Report(Source(text, 1, 1, ""))
    whole = (
        isinstance(first, Statement)
        and first.clauses
        and first.clauses[0].end == len(_GUARD_HEAD) + len(text)
    )
    if not isinstance(first, Statement) or not whole or len(first.clauses) > 1 or len(events) > 1:
        report.error("syntax", "this is not a condition", 0, "write it as $1.height > 5")
        raise PlanError(report.diagnostics)
    names = frozenset(variables)
    shift = len(_GUARD_HEAD)
    marks = [
        Mark(m.start - shift, m.body - shift, m.stop - shift, m.end - shift, m.quote, m.prefix)
        for m in first.marks
    ]
    try:
        tokens = tokenise(text, 0, len(text), marks, names)
        ids = _AnyId() if known is None else known
        guard = Conditions(Values(tokens, report, ids, lambda ref, at: None, names)).guard()
    except Bad as bad:
        report.bad(bad)
    if report.errors:
        raise PlanError([d for d in report.diagnostics if d.severity == "error"])
    return guard
