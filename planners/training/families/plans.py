"""Plans of examples as graphs: calls are put in order, numbered and written down here. No wording lives here."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from llmcompiler.tools import Tool
from llmcompiler.values import quote

from ..specs import Spec


@dataclass(frozen=True, slots=True)
class Offered:
    """A tool as it is offered in a prompt, and the spec that it was made of."""

    spec: Spec
    tool: Tool
    params: dict[str, str]
    """Parameter names by the spec's slot names."""

    def __hash__(self) -> int:
        return hash(self.tool.name)


@dataclass(frozen=True, slots=True)
class Literal:
    """A value written into the plan as it is; texts that are `copied` stand in the question in the same letters."""

    value: str | int | float | bool
    copied: bool = True

    def __str__(self) -> str:
        if isinstance(self.value, str):
            return quote(self.value)
        return str(self.value).lower() if isinstance(self.value, bool) else str(self.value)

    def lower(self) -> Literal:
        """The same in small letters, where it is copied."""
        return Literal(self.value.lower()) if isinstance(self.value, str) and self.copied else self


@dataclass(frozen=True, slots=True)
class Use:
    """The result of another call, or one field of it."""

    call: Call
    path: str = ""


@dataclass(frozen=True, slots=True)
class Many:
    """A list of values."""

    items: tuple[Literal | Use, ...]


@dataclass(frozen=True, slots=True)
class Formula:
    """Arithmetic: text and operands that are results, in turns."""

    parts: tuple[str | Use, ...]


@dataclass(frozen=True, slots=True)
class Raw:
    """Plan text that is taken as it is: the variable of a loop."""

    text: str


Argument = Literal | Use | Many | Formula | Raw


@dataclass(eq=False, slots=True)
class Call:
    """One line of a plan, before it has a number. Two of them are the same call where their texts are."""

    offered: Offered
    args: tuple[Argument, ...]
    options: dict[str, Argument] = field(default_factory=dict)
    over: Use | None = None
    """The list that a `for` line goes through, its variable being `x`."""

    def uses(self) -> Iterator[Use]:
        """The results that it needs."""
        for arg in (*self.args, *self.options.values()):
            yield from _uses(arg)
        if self.over is not None:
            yield self.over


def _uses(arg: Argument) -> Iterator[Use]:
    if isinstance(arg, Use):
        yield arg
    elif isinstance(arg, Many):
        yield from (i for i in arg.items if isinstance(i, Use))
    elif isinstance(arg, Formula):
        yield from (p for p in arg.parts if isinstance(p, Use))


@dataclass(slots=True)
class Draft:
    """A question and the calls that answer it, in the order in which the question names them."""

    question: str
    calls: Sequence[Call]
    answer: Call | None = None
    """The call whose value is the answer; None where the results are to be read."""
    skill: str = ""

    def lines(self) -> list[str]:
        """The plan's lines with their numbers, the join last."""
        numbers = _numbered(self.calls)
        by_number: dict[int, str] = {}
        for call, number in numbers.items():
            by_number.setdefault(number, _line(call, number, numbers))
        lines = [by_number[n] for n in sorted(by_number)]
        joined = "" if self.answer is None else f"${numbers[self.answer]}"
        return [*lines, f"{len(lines) + 1}. join({joined})\n"]

    def numbered(self) -> dict[int, Call]:
        """The calls by their numbers."""
        out: dict[int, Call] = {}
        for call, number in _numbered(self.calls).items():
            out.setdefault(number, call)
        return dict(sorted(out.items()))

    def lowered(self) -> Draft:
        """The same in small letters, copied texts too."""
        made: dict[int, Call] = {}

        def low(arg: Argument) -> Argument:
            if isinstance(arg, Literal):
                return arg.lower()
            if isinstance(arg, Use):
                return Use(call(arg.call), arg.path)
            if isinstance(arg, Many):
                return Many(
                    tuple(
                        i.lower() if isinstance(i, Literal) else Use(call(i.call), i.path) for i in arg.items
                    )
                )
            if isinstance(arg, Formula):
                return Formula(
                    tuple(p if isinstance(p, str) else Use(call(p.call), p.path) for p in arg.parts)
                )
            return arg

        def call(c: Call) -> Call:
            if id(c) not in made:
                over = None if c.over is None else Use(call(c.over.call), c.over.path)
                options = {k: low(v) for k, v in c.options.items()}
                made[id(c)] = Call(c.offered, tuple(map(low, c.args)), options, over)
            return made[id(c)]

        calls = [call(c) for c in self.calls]
        answer = None if self.answer is None else call(self.answer)
        return replace(self, question=self.question.lower(), calls=calls, answer=answer)

    def literals(self) -> Iterator[Literal]:
        """The texts that are copied out of the question."""
        for call in _numbered(self.calls):
            for arg in (*call.args, *call.options.values()):
                for item in arg.items if isinstance(arg, Many) else (arg,):
                    if isinstance(item, Literal) and item.copied and isinstance(item.value, str):
                        yield item


def _numbered(calls: Iterable[Call]) -> dict[Call, int]:
    """A number for each call and each that it needs: those that need nothing first, the same call once."""
    found: dict[Call, int] = {}

    def depth(call: Call) -> int:
        if call not in found:
            found[call] = 1 + max((depth(u.call) for u in call.uses()), default=-1)
        return found[call]

    for call in calls:
        depth(call)
    numbers: dict[Call, int] = {}
    seen: dict[str, int] = {}
    for call in sorted(found, key=found.__getitem__):
        text = _line(call, 0, numbers)
        number = seen.setdefault(text, len(seen) + 1)
        numbers[call] = number
    return numbers


def _line(call: Call, number: int, numbers: dict[Call, int]) -> str:
    args = [_written(a, numbers) for a in call.args]
    args += [f"{name}={_written(a, numbers)}" for name, a in call.options.items()]
    loop = "" if call.over is None else f"for x in {_written(call.over, numbers)}: "
    return f"{number}. {loop}{call.offered.tool.name}({', '.join(args)})\n"


def _written(arg: Argument, numbers: dict[Call, int]) -> str:
    if isinstance(arg, Use):
        return f"${numbers[arg.call]}{arg.path and '.' + arg.path}"
    if isinstance(arg, Many):
        return "[" + ", ".join(_written(i, numbers) for i in arg.items) + "]"
    if isinstance(arg, Formula):
        return '"' + "".join(p if isinstance(p, str) else _operand(p, numbers) for p in arg.parts) + '"'
    return arg.text if isinstance(arg, Raw) else str(arg)


def _operand(use: Use, numbers: dict[Call, int]) -> str:
    number = numbers[use.call]
    return f"${{{number}.{use.path}}}" if use.path else f"${number}"
