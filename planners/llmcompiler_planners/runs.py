"""The grammar rules for runs of words copied from a question. What an argument may not hold is said by a `Want`."""

from __future__ import annotations

from collections.abc import MutableMapping
from dataclasses import dataclass, field
from itertools import pairwise

from .arithmetic import quantities
from .gbnf import inside, terminal
from .words import Question

MAX_RUN = 9
"""Words in one copied run."""


@dataclass(frozen=True, slots=True)
class Want:
    """What one argument is called, and what it may not be."""

    label: str
    """The parameter's name."""
    taken: frozenset[str] = frozenset()
    """Arguments, in small letters, that this would only repeat."""
    barred: frozenset[int] = frozenset()
    """Positions of words that no run may hold."""
    about: frozenset[str] = frozenset()
    """Words of which alone, in small letters, no run is made."""
    refer: frozenset[int] = frozenset()
    """Tasks of which one has to be referred to, instead of a run."""


@dataclass(slots=True)
class RunRules:
    """Writes rules for runs into `rules`, each once."""

    question: Question
    rules: MutableMapping[str, str]
    _inner_ends: frozenset[int] = frozenset()
    """Words inside a name, after which no run ends: the first one of `Rio Grande`."""
    _made: dict[tuple[object, ...], str | None] = field(default_factory=dict)

    def __post_init__(self) -> None:
        words = self.question.words
        named = sum(w.text[0].isupper() for w in words)
        # Where most words have capitals, these do not tell what belongs together.
        if named * 4 <= len(words) * 3:
            self._inner_ends = frozenset(
                i
                for i, (w, after) in enumerate(pairwise(words))
                if w.named and after.named and w.join is not None and w.text == w.base and not w.first
            )

    def text(self, want: Want, longest: int = MAX_RUN) -> str | None:
        """A run in quotes; None where there is none."""
        rule = self.rule(want, longest)
        return None if rule is None else f'"\\"" {rule} "\\""'

    def rule(self, want: Want, longest: int = MAX_RUN) -> str | None:
        """The name of the rule for the runs of at most `longest` words that `want` allows; None where there is none."""
        key = (longest, want.barred, want.about & self.question.vocabulary, want.taken)
        if key not in self._made:
            heads = [
                body
                for i, w in enumerate(self.question.words)
                if w.begins and i not in want.barred and i - 1 not in self._inner_ends
                if not self._measures(i) and not self._tells(i, want)
                if (body := self._from(i, longest, want, content=False))
            ]
            heads += [terminal(inside(q)) for q in self.question.quoted if q.casefold() not in want.taken]
            name = f"run{len(self._made)}"
            if heads:
                self.rules[name] = " | ".join(dict.fromkeys(heads))
            self._made[key] = name if heads else None
        return self._made[key]

    def standing(self, texts: frozenset[str]) -> frozenset[int]:
        """Where in the question these texts stand, given in small letters."""
        out: set[int] = set()
        for i in range(len(self.question.words)) if texts else ():
            for count in range(1, MAX_RUN + 1):
                run = self.question.run(i, count)
                if run is None:
                    break
                if run.casefold() in texts:
                    out.update(range(i, i + count))
        return frozenset(out)

    def _measures(self, i: int) -> bool:
        """Whether a quantity begins here (`10 miles`), which names nothing."""
        return any(start == i + 1 for _, (start, _count) in quantities(self.question))

    def _tells(self, i: int, want: Want) -> bool:
        """Whether a word about the tool begins here: `the distance between Oslo ...` names no place."""
        words = self.question.words
        k = i + 1 if words[i].functional and i + 1 < len(words) else i
        return words[k].text.islower() and words[k].lower in want.about

    def _from(self, i: int, left: int, want: Want, *, content: bool) -> str | None:
        """Runs from word `i` on; `content` says whether the words before name a thing already."""
        words = self.question.words
        w = words[i]
        content = content or not (w.functional or (w.text.islower() and w.lower in want.about))
        may_end = w.ends and content and i not in self._inner_ends
        ends = [terminal(inside(w.base))] if may_end else []
        if may_end and w.text != w.base and w.join is None:
            ends.append(terminal(inside(w.text)))  # `Wendy's` may be the whole name
        more = None
        going_on = w.join is not None and left > 1 and i + 1 < len(words) and i + 1 not in want.barred
        if going_on and not words[i + 1].breaks:
            more = self._from(i + 1, left - 1, want, content=content)
        if more is None:
            return f"({' | '.join(ends)})" if ends else None
        if ends and w.text == w.base:
            gap = terminal(w.join) + " " if w.join else ""
            return f"{ends[0]} ({gap}{more})?"
        return "(" + " | ".join([*ends, f"{terminal(inside(w.text) + (w.join or ''))} {more}"]) + ")"
