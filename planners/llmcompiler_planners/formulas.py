"""The grammar rules for arithmetic: each number of the question and each result is used at most once in a plan."""

from __future__ import annotations

import re
from collections.abc import Iterable, MutableMapping, Sequence

from llmcompiler.plan import Task
from llmcompiler.values import Template

from .arithmetic import FUNCTIONS, Atom, operators, written_formula
from .gbnf import choice, terminal
from .words import Question

BASIC = (" + ", " - ", " * ", " / ")
"""The operators that every formula may have where the question speaks of none."""
_MOST = 6
"""Numbers and results that a formula chooses among; of more, it may use some twice."""
_LONGEST = 5


def formula_rule(question: Question, atoms: Sequence[Atom], rules: MutableMapping[str, str]) -> str | None:
    """Writes the rules for a formula into `rules`; gives what stands for one, in quotes, or None where there is none.

    A number alone makes no formula. Where the question speaks of a function only (`the square root of 2`), the
    function is the whole formula.

    Args:
        question: The operations it speaks of.
        atoms: The numbers and results that may be used, each as often as it may.
        rules: Where the rules go.
    """
    functions = [f for f, words in FUNCTIONS.items() if question.vocabulary & set(words)]
    used = operators(question)
    written = written_formula(question)
    if written is not None and len(atoms) > 1 and all(a.text in written for a in atoms):
        # Arithmetic that is written out is copied, with its brackets.
        rules["formula"] = terminal(written)
        return '"\\"" formula "\\""'
    free = [a for a in atoms if a.lead is None]
    if not free or (len(atoms) < 2 and not functions):
        return None
    texts = list(dict.fromkeys(a.text for a in free))
    calls = [f'"{f}(" {choice(texts)} ")"' for f in functions]
    sums: list[str] = []
    if len(atoms) > 1 and (used or not calls):
        operator = choice(list(used or BASIC))
        if len(atoms) <= _MOST:
            depth = min(len(atoms), _LONGEST if len(atoms) < _MOST else _LONGEST - 1)
            sums = [_Sequences(atoms, used or BASIC).text(tuple(range(len(atoms))), depth)]
        else:
            rules["number"] = " | ".join(map(terminal, texts))
            sums = [f"number ({operator} number){{1,{_LONGEST * 3}}}"]
        sums += [f"{c} {operator} {choice(texts)}" for c in calls]
    rules["formula"] = " | ".join(sums + calls)
    return '"\\"" formula "\\""'


class _Sequences:
    """`a op b op c` and `(a op b) op c` over some atoms, each used once."""

    def __init__(self, atoms: Sequence[Atom], operators: Sequence[str]) -> None:
        self._atoms = atoms
        self._operators = operators

    def text(self, left: tuple[int, ...], depth: int) -> str:
        """A formula of at least two of the atoms in `left`, of at most `depth`."""
        options = []
        for i in self._distinct(left):
            if self._atoms[i].lead is None:
                rest = tuple(k for k in left if k != i)
                options.append(f"{terminal(self._atoms[i].text)} {self._more(i, rest, depth - 1)}")
                options += self._pairs(i, rest, depth)
        return f"({' | '.join(options)})"

    def _pairs(self, i: int, rest: tuple[int, ...], depth: int) -> list[str]:
        if depth < 3 or len(rest) < 2:
            return []
        out = []
        for k in self._distinct(rest):
            last = tuple(n for n in rest if n != k)
            pair = f"{terminal('(' + self._atoms[i].text)} {self._joined(i, k, ')')}"
            out.append(f"{pair} {self._more(k, last, depth - 2)}")
        return out

    def _more(self, before: int, left: tuple[int, ...], depth: int) -> str:
        """One operator and atom after atom `before`, and perhaps more."""
        options = []
        for k in self._distinct(left):
            rest = tuple(n for n in left if n != k)
            more = f" ({self._more(k, rest, depth - 1)})?" if rest and depth > 1 else ""
            options.append(self._joined(before, k) + more)
        return f"({' | '.join(options)})"

    def _joined(self, before: int, after: int, end: str = "") -> str:
        atom = self._atoms[after]
        # A power is raised in the order in which it is said.
        usable = [op for op in self._operators if op != " ** " or before < after]
        return choice([op + atom.text + end for op in ([atom.lead] if atom.lead else usable or BASIC)])

    def _distinct(self, positions: tuple[int, ...]) -> list[int]:
        return list({self._atoms[i]: i for i in reversed(positions)}.values())[::-1]


def unused(atoms: Iterable[Atom], formulas: Iterable[Task]) -> list[Atom]:
    """`atoms` without those that formulas written already have used."""
    text = " ".join(t for task in formulas for t in _texts(task))
    left = []
    for atom in sorted(atoms, key=lambda a: -len(a.text)):
        pattern = rf"(?<![\w.$]){re.escape(atom.text)}(?![\w.])"
        if re.search(pattern, text):
            text = re.sub(pattern, " ", text, count=1)
        else:
            left.append(atom)
    order = list(atoms)
    return sorted(left, key=order.index)


def _texts(task: Task) -> list[str]:
    out: list[str] = []
    for value in task.args.values():
        out += [value] if isinstance(value, str) else []
        out += [p for p in value.parts if isinstance(p, str)] if isinstance(value, Template) else []
    return out
