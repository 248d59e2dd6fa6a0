"""Calls that a model writes as JSON, read into tasks: what strings such as `"$1.height"` stand for in them.

Strings are read like strings of the plan language: `$1.height` is a reference where 1 is an earlier task, `${1.height}`
always is, `$$` is a dollar sign. A string that is nothing but a reference stands for the value itself, with its type;
`{"$template": "${1}"}` makes it text. The forms of `Plan.model_dump_json()` (`{"$ref": "1.height"}` and so on) are
read too. Nothing here reads streams, and of tools only which arguments may be left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from llmcompiler.diagnostics import Diagnostic
from llmcompiler.language.heads import JOINS
from llmcompiler.language.json_plans import PlanReader
from llmcompiler.language.json_values import is_int, is_variable_name, joined, short
from llmcompiler.language.references import MAX_ID, read_bare, scan
from llmcompiler.language.source import Source
from llmcompiler.plan import Join, Place, Task, TaskSpan
from llmcompiler.values import Ref, Template, Value

from .json_text import BadJSON, key_offsets, load

if TYPE_CHECKING:
    from llmcompiler.tools import Tool

_MOST = 20
"""Problems of one call that are told of; a call full of them says nothing more."""
_FORMS = frozenset({"$ref", "$var", "$template", "$dict"})
_KEYS = ("id", "tool", "args", "for", "if", "thought")
_ALIASES = {
    "name": "tool",
    "function": "tool",
    "arguments": "args",
    "parameters": "args",
    "each": "for",
    "when": "if",
}
_LOOP = re.compile(r"\s*(?:for\s+)?([A-Za-z_]\w*+)\s+in\s+(.+)", re.DOTALL)
_PLACE = re.compile(r"call(?:\.([\w\-]+)(?:\.([\w\-]+))?)?")
_JOIN_TEXT = re.compile(r"\s*(?:(?:join|Join|finish)\s*\(\s*(.*?)\s*\)?\s*)?\Z", re.DOTALL)
_DIGITS = re.compile(r"[0-9]{1,10}(?![0-9.])")
_JOIN_HINT = 'write "" to have the results read, or "$3" to make the value of task 3 the answer'


class _Ids:
    """The ids that references in strings may name."""

    def __init__(self, earlier: frozenset[int]) -> None:
        self.earlier = earlier
        self.seen: set[int] = set()
        self.own: int | None = None

    def __contains__(self, number: object) -> bool:
        return (number in self.seen or number in self.earlier) and number != self.own


class _Later(Mapping[int, int]):
    """Every task that may still come: which ones do is not known while the plan is being written."""

    def __init__(self, own: int) -> None:
        self._own = own

    def __getitem__(self, number: int) -> int:
        if number <= self._own:
            raise KeyError(number)
        return 1

    def __iter__(self) -> Iterator[int]:
        return iter(())

    def __len__(self) -> int:
        return 0


class _Places(Mapping[str, Place]):
    """Where the arguments of a call stand; worked out when asked for, as few are."""

    __slots__ = ("_keys", "_prefix", "_source")

    def __init__(self, source: Source, keys: Iterable[str], prefix: str) -> None:
        self._source = source
        self._keys = tuple(keys)
        self._prefix = prefix

    def __getitem__(self, key: str) -> Place:
        if key not in self._keys:
            raise KeyError(key)
        return self._source.place(_offset(self._source.text, self._prefix, "args", key))

    def __iter__(self) -> Iterator[str]:
        return iter(self._keys)

    def __len__(self) -> int:
        return len(self._keys)


class CallReader(PlanReader):
    """Reads the calls of one plan, one after another. Never raises for what a model writes.

    Args:
        earlier: Ids of tasks that exist already; references may name them.
        redeclare: Those of them that may be written again, as in a repair.
        tools: Where given, a `null` for an optional argument that takes none means that it is left out.
        wrapped: Whether arguments stand under `args` in the text of a call; otherwise they are all of it.
    """

    def __init__(
        self,
        earlier: Iterable[int] = (),
        redeclare: Iterable[int] = (),
        tools: Mapping[str, Tool] | None = None,
        *,
        wrapped: bool = True,
    ) -> None:
        super().__init__(earlier, redeclare)
        self._tools = tools or {}
        self._ids = self._named = _Ids(self._earlier)
        self._variable: str | None = None
        self._bad_at = 0
        self._money: dict[int, int | None] = {}
        """Numbers of texts such as `$7` that name no task so far, each with the task that has it."""
        self._last = max(self._earlier, default=0)
        self._prefix = "args." if wrapped else ""

    # -- calls -----------------------------------------------------------------

    def read(self, source: Source) -> tuple[Task | Join | None, list[Diagnostic]]:
        """The task or join that JSON text stands for, None where it can not run, and what is wrong with it."""
        self._start()
        data = self._load(source.text)
        if self._failed:
            number = _number_in(source.text)
            if number is not None:
                self.task_id = number
                self.declare(number)
            return self._told(None, source)
        return self._call(data, source)

    def call(self, item: Mapping[str, Any], source: Source) -> tuple[Task | Join | None, list[Diagnostic]]:
        """The same for data; a text under `args` is JSON. `source` is where lines and columns come from."""
        self._start()
        return self._call(item, source)

    def declare(self, number: int) -> None:
        """Take note of a call that can not be read: it has this number."""
        self._ids.seen.add(number)
        self._last = number

    def _recall(self, number: int) -> None:
        """Tell of a text that was taken for a sum of money, and may have meant the call that comes now."""
        user = self._money.pop(number, number)
        if user not in (number, None):
            message = f'task {user} has the text "${number}" as it stands: task {number} came only later'
            self._warn("forward-reference", message, f"move task {number} before task {user}")

    @property
    def next_id(self) -> int:
        """The number of a call that has none."""
        number = self._last + 1
        taken = number in self._ids.seen or number in self._earlier
        return max(*self._ids.seen, *self._earlier, 0) + 1 if taken else number

    def _start(self) -> None:
        self.problems, self.task_id, self._variable, self._bad_at = [], None, None, 0

    def _load(self, text: str) -> Any:
        try:
            data, odd = load(text)
        except BadJSON as e:
            self._bad_at = e.at
            self.report(e.code, "call", str(e), e.hint)
            return None
        for what in odd:
            self._warn("syntax", what)
        return data

    def _call(self, item: Any, source: Source) -> tuple[Task | Join | None, list[Diagnostic]]:
        if isinstance(item, Mapping):
            item = self._normal(item)
            if isinstance(tool := item.get("tool"), str) and tool in JOINS:
                args = item.get("args")
                values = list(args.values()) if isinstance(args, Mapping) else args
                return self.join(values[0] if values and isinstance(values, list) else "", source)
        task = self.task(item, "call", self._ids.seen)
        if task is not None and not self._failed:
            self.check_references(task, "call", self._ids.seen, _Later(task.id))
        if self.task_id is not None:
            self._recall(self.task_id)
            self.declare(self.task_id)
        if task is None or self._failed:
            return self._told(None, source)
        start = source.place(0)
        named = self._prefix and '"tool"' in source.text
        place = source.place(_offset(source.text, "", "tool")) if named else start
        span = TaskSpan(start, place, _Places(source, task.args, self._prefix))
        return self._told(replace(self._without_nulls(task), span=span), source)

    def _normal(self, item: Mapping[str, Any]) -> dict[str, Any]:
        """The call with the keys of the JSON form of plans, and a number."""
        made: dict[str, Any] = {}
        # A key of the form itself counts before one of another spelling, wherever it stands.
        for key, value in sorted(item.items(), key=lambda pair: pair[0] not in _KEYS):
            known = key if key in _KEYS else _ALIASES.get(key, "")
            if known and known not in made:
                made[known] = value
            elif value not in (None, "", [], {}):
                self._warn("syntax", f"unknown key {short(key)}; ignored", f"the keys are {', '.join(_KEYS)}")
        if isinstance(args := made.get("args"), str):
            made["args"] = self._load(args if args.strip() else "{}")
        number = made.get("id")
        if isinstance(number, str) and number.lstrip("$").isdecimal() and len(number) < 12:
            number = int(number.lstrip("$"))
        elif isinstance(number, float) and number.is_integer():
            number = int(number)
        elif number is None:
            number = self.next_id
            self._warn(
                "missing-id", f"a call without a number; taken as {number}", "number the calls: 1, 2, 3"
            )
        made["id"] = number
        self.task_id = self._ids.own = number if is_int(number) and 1 <= number <= MAX_ID else None
        self._loop(made)
        return made

    def _loop(self, made: dict[str, Any]) -> None:
        each = made.get("for")
        if isinstance(each, str) and (match := _LOOP.match(each)):
            each = made["for"] = {"name": match[1], "in": match[2].strip()}
        if isinstance(each, Mapping) and isinstance(items := each.get("in"), str):
            # No sum of money stands here: `$7` is a reference, whether there is a task 7 or not.
            ref = _reference(items.strip())
            made["for"] = each if ref is None else {**each, "in": {"$ref": str(ref)}}
        name = each.get("name") if isinstance(each, Mapping) else None
        self._variable = name if isinstance(name, str) and is_variable_name(name) else None

    def _without_nulls(self, task: Task) -> Task:
        tool = self._tools.get(task.tool)
        if tool is None or None not in task.args.values():
            return task
        kept = {}
        for key, value in task.args.items():
            param = tool.params.get(key)
            if value is None and param is not None and not param.required:
                try:
                    param.validate(None)
                except ValueError:
                    continue
            kept[key] = value
        return replace(task, args=kept)

    # -- values ----------------------------------------------------------------

    def value(self, data: Any, place: str, depth: int = 0) -> Value:
        """The value that `data` stands for; None where it is reported as a problem."""
        if type(data) is str:
            return self._text(joined(data), place)
        if (
            isinstance(data, Mapping)
            and not _FORMS.intersection(data)
            and any(k.startswith("$") for k in data)
        ):
            # Keys with a dollar sign of another language, such as {"$gt": 5}, are keys.
            data = {"$dict": [[key, value] for key, value in data.items()]}
        return super().value(data, place, depth)

    def _text(self, text: str, place: str) -> Value:
        if "$" not in text:
            return text
        value, problems, _ = scan(
            text, self._ids, lambda name: name == self._variable, bare=self._variable is not None
        )
        for problem in problems:
            if problem.warning:
                self._warn(problem.code, f"{place}: {problem.message}", problem.hint)
            else:
                self.report(problem.code, place, problem.message, problem.hint)
        if isinstance(value, Template):
            first = value.parts[0]
            return first if len(value.parts) == 1 and not isinstance(first, str) else value
        if text.startswith("$") and "$" not in text[1:]:
            # `$7.height` and nothing else is no sum of money: that there is no task 7 is to be told.
            found = read_bare(text, 0)
            if found is not None and found[1] == len(text):
                if found[0].path:
                    return found[0]
                self._money.setdefault(found[0].task, self.task_id)
        return value

    # -- the join --------------------------------------------------------------

    def read_join(self, source: Source) -> tuple[Join | None, list[Diagnostic]]:
        """The join that JSON text stands for, and what is wrong with it."""
        self._start()
        try:
            data, _ = load(source.text)
        except BadJSON:
            data = object()
        join, told = self.join(data, source)
        assert not isinstance(join, Task)
        return join, told

    def join(self, data: Any, source: Source) -> tuple[Task | Join | None, list[Diagnostic]]:
        """The join with what a model writes for it: nothing, `"$3"`, `3` or `{"$ref": "3"}`."""
        if data is None:
            return self._told(None, source)
        ref: Ref | None = None
        if isinstance(data, Mapping) and list(data) == ["$ref"]:
            ref = self.ref(data["$ref"], "join")
        elif is_int(data):
            ref = self.ref(data, "join")
        elif isinstance(data, str) and (match := _JOIN_TEXT.match(data)) and not match[1]:
            pass
        elif isinstance(data, str):
            ref = _reference(match[1] if match else data.strip())
            if ref is None:
                self._warn("join-arguments", f"{short(data)} is no reference; taken as `join()`", _JOIN_HINT)
        elif data not in ({}, [], True):
            self._warn("join-arguments", "join takes nothing or one reference; taken as `join()`", _JOIN_HINT)
        if ref is not None and ref.task not in self._ids.seen and ref.task not in self._earlier:
            self.report("unknown-reference", "join", f"no task {ref.task} in the plan", _JOIN_HINT)
            ref = None
        return self._told(Join(ref), source)

    # -- what is wrong ---------------------------------------------------------

    @property
    def _failed(self) -> bool:
        return any(d.severity == "error" for d in self.problems)

    def _warn(self, code: str, message: str, hint: str = "") -> None:
        self.problems.append(Diagnostic(code, message, 0, 0, hint, "warning", self.task_id))

    def _told(self, made: Task | Join | None, source: Source) -> tuple[Task | Join | None, list[Diagnostic]]:
        found = []
        for problem in self.problems[:_MOST]:
            match = _PLACE.match(problem.message)
            keys = [key for key in match.groups() if key] if match else []
            start = _offset(source.text, self._prefix, *keys)
            if not start and self._bad_at:
                # The text of the arguments may be a part of that of the call.
                start = self._bad_at + (0 if self._prefix else source.text.find("(") + 1)
            place = source.place(min(start, len(source.text)))
            message = problem.message.removeprefix("call.").removeprefix("call: ")
            found.append(
                replace(
                    problem,
                    message=message,
                    line=place.line,
                    column=place.column,
                    source=place.source,
                    task_id=self.task_id if problem.task_id is None else problem.task_id,
                )
            )
        return made, found


def _offset(text: str, prefix: str, *keys: str) -> int:
    """Where the value under `keys` of a call starts in its text, as near as it can be told."""
    if not keys:
        return 0
    offsets = key_offsets(text)
    names = [".".join(keys), *(f"{alias}.{keys[-1]}" for alias in _ALIASES), keys[0], *_ALIASES]
    if not prefix:
        names = [keys[-1]]
    return next((offsets[name] for name in names if name in offsets), 0)


def _number_in(text: str) -> int | None:
    """The id of a task whose text is no JSON, if that can be told."""
    at = key_offsets(text, 1).get("id")
    match = None if at is None else _DIGITS.match(text, at)
    number = int(match[0]) if match else 0
    return number if 1 <= number <= MAX_ID else None


def _reference(text: str) -> Ref | None:
    """The reference that is all of `text`; a plain number is one, too."""
    found = read_bare(text if text.startswith("$") else f"${text}", 0)
    if found is not None and found[1] == len(text) + (not text.startswith("$")):
        return found[0]
    return None


__all__ = ["CallReader"]
