"""What stands before a call, checked by declared types: the list of a `for`, its variable, the condition of an `if`.

Pure: nothing is decided or gone through here.
"""

from __future__ import annotations

from collections.abc import Mapping

from .declared import UNKNOWN, Declared, DeclaredTypes, Loop
from .findings import Findings, short
from .guards import Compare, Guard, guard_leaves, guard_text, guard_values
from .plan import Each, Task
from .schemas import Sort, kinds_text, sorts
from .values import Ref, Template, Value, Var, references, variables

_WORDS: dict[Sort, str] = {
    "number": "a number",
    "text": "text",
    "list": "a list",
    "record": "a record",
    "boolean": "true or false",
    "nothing": "nothing",
}
_ORDERED = frozenset({"number", "text", "list"})
_NO_CONTAINER = frozenset({"number", "boolean", "nothing"})


class ClauseChecker:
    """Checks the clauses of tasks.

    Args:
        types: The types of results.
    """

    def __init__(self, types: DeclaredTypes) -> None:
        self._types = types

    def check(self, task: Task, found: Findings) -> Loop | None:
        """Report what is wrong with the clauses and variables of `task`; gives its loop, where it has one."""
        used = self._variables(task, found)
        loop = None
        if task.each is not None:
            picked = task.when is not None and any(
                True for v in guard_values(task.when) for _ in variables(v)
            )
            broken = not self._source(task.each, found)
            loop = Loop(task.each, self._types, broken=broken, picked=picked)
            if not used and not found.failed:
                found.warn(
                    "unused-variable",
                    f"`{task.each.name}` is not used: every call is the same",
                    "name it in the arguments, or make one call without `for`",
                )
        if task.when is not None:
            self._guard(task.when, loop, found)
        return loop

    # -- variables -------------------------------------------------------------

    def _variables(self, task: Task, found: Findings) -> bool:
        """Report variables that are none; whether the one of the loop is used."""
        used = False
        name = None if task.each is None else task.each.name
        for key, value in task.args.items():
            if type(value) is str or type(value) is int or type(value) is Ref:
                continue
            for var in variables(value):
                used = used or var.name == name
                self._known(var, name, found, key)
        if task.when is not None:
            for value in guard_values(task.when):
                for var in variables(value):
                    used = used or var.name == name
                    self._known(var, name, found)
        if task.each is not None:
            for var in variables(task.each.source):
                self._known(var, None, found)
        return used

    def _known(self, var: Var, name: str | None, found: Findings, key: str | None = None) -> None:
        if var.name != name:
            hint = (
                "refer to tasks by number, as in `$1`" if name is None else f"the variable here is `{name}`"
            )
            found.error("bad-reference", f"`{var.name}` is not a loop variable of this task", hint, key)

    # -- for -------------------------------------------------------------------

    def _source(self, each: Each, found: Findings) -> bool:
        """Whether there may be items to go through."""
        source = each.source
        if isinstance(source, Ref):
            declared = self.part(source, None, found)
            if declared.problem is not None:
                return False
            if declared.is_no_list:
                assert declared.schema is not None
                found.error(
                    "wrong-type",
                    f"`{source}` is {kinds_text(declared.schema, declared.defs)}, not a list to go through",
                    _lists_hint(source, declared),
                )
                return False
            return True
        if isinstance(source, (str, int, float, Mapping, Template, Var)) or source is None:
            hint = 'write `for city in $1.cities: ...`, or a list as in `for city in ["Oslo", $1.name]: ...`'
            found.error(
                "wrong-type", f"a `for` goes over the result of a task or a list, not {short(source)}", hint
            )
            return False
        problems = [self.part(ref, None, found).problem for ref in references(source)]
        return not any(problems)

    # -- if --------------------------------------------------------------------

    def _guard(self, guard: Guard, loop: Loop | None, found: Findings) -> None:
        for leaf in guard_leaves(guard):
            if not isinstance(leaf, Compare):
                if isinstance(leaf.value, str):  # `if approved: ...` would always make the call
                    found.error(
                        "wrong-type",
                        f"the condition {short(leaf.value)} is a text of the plan, and always "
                        f"{'true' if leaf.value else 'false'}",
                        'name a result, as in `if $1: ...`, or compare one, as in `if $1 == "yes": ...`',
                    )
                self._operand(leaf.value, loop, found)
                continue
            left, right = self._operand(leaf.left, loop, found), self._operand(leaf.right, loop, found)
            if left is not None and right is not None:
                _compare(leaf, left, right, found)

    def _operand(self, value: Value, loop: Loop | None, found: Findings) -> set[Sort] | None:
        """What the operand of a guard can be; None where that is not known."""
        if isinstance(value, (Ref, Var)):
            declared = self.part(value, loop, found)
            return None if declared.schema is None else sorts(declared.schema, declared.defs)
        self.parts(value, loop, found)
        return {_sort(value)}

    # -- parts -----------------------------------------------------------------

    def part(self, name: Ref | Var, loop: Loop | None, found: Findings, key: str | None = None) -> Declared:
        """The type of what `name` names; reports a field that is not there."""
        declared = self._types.of(name) if isinstance(name, Ref) else _of_variable(name, loop)
        if declared.problem is not None:
            missing, hint = declared.problem
            found.error("unknown-field", f"`{name}`: {declared.owner} has {missing}", hint, key)
        return declared

    def parts(self, value: Value, loop: Loop | None, found: Findings, key: str | None = None) -> None:
        """Report the fields that are not there of all that `value` names, at any depth."""
        for ref in references(value):
            self.part(ref, loop, found, key)
        if loop is not None:
            for var in variables(value):
                self.part(var, loop, found, key)


def _of_variable(var: Var, loop: Loop | None) -> Declared:
    return UNKNOWN if loop is None or var.name != loop.name else loop.of(var.path)


def _lists_hint(source: Ref, declared: Declared) -> str:
    lists = [f"`{Ref(source.task, (*source.path, name))}`" for name in declared.lists]
    return f"did you mean {' or '.join(lists[:8])}?" if lists else "let a tool make a list of it"


# -- comparisons ---------------------------------------------------------------


def _sort(value: Value) -> Sort:
    """The sort of an operand that is written in the plan."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, (int, float)):
        return "number"
    if isinstance(value, (list, tuple)):
        return "list"
    return "record" if isinstance(value, Mapping) else "text"


def _compare(compare: Compare, left: set[Sort], right: set[Sort], found: Findings) -> None:
    """Report a comparison that can never be decided."""
    if compare.op in ("==", "!="):
        return
    if compare.op in ("in", "not in"):
        if right <= _NO_CONTAINER:
            problem = f"`{compare.op}` looks into lists, records and texts, not into {_words(right)}"
        elif right == {"text"} and "text" not in left:
            problem = f"`{compare.op}` finds only text in text, not {_words(left)}"
        else:
            return
    elif left & right & _ORDERED:
        return
    else:
        problem = f"{_words(left)} and {_words(right)} have no order"
    hint = "compare values of one kind; `==` and `!=` take any"
    for operand, other in ((compare.left, right), (compare.right, left)):
        if isinstance(operand, Template) and len(operand.parts) == 1 and "text" not in other:
            hint = f"a reference in quotes is text: write `{operand.parts[0]}` without quotes"
    found.error("wrong-type", f"`{guard_text(compare)}`: {problem}", hint)


def _words(kinds: set[Sort]) -> str:
    return " or ".join(_WORDS[k] for k in sorted(kinds))
