"""Examples as tokens in one row: what a group shares comes once, and each example continues from it by itself.

A group is a tree of two levels. Its rows of tokens lie one after the other without padding; `Segment` says what each
may look back to. No network here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from .specs import Example

Encode = Callable[[str], Sequence[int]]
"""Text to the tokens that llama.cpp makes of it."""


@dataclass(frozen=True, slots=True)
class Branch:
    """One example after what it shares."""

    tokens: tuple[int, ...]
    """The rest of the prompt, then the target."""
    target: int
    """How many of them, from the end, are to be learnt."""
    family: str = ""


@dataclass(frozen=True, slots=True)
class Group:
    """Examples with a common beginning, which may be empty."""

    prefix: tuple[int, ...]
    branches: tuple[Branch, ...]

    def __len__(self) -> int:
        """Tokens that it takes when packed."""
        return len(self.prefix) + sum(len(branch.tokens) for branch in self.branches)


@dataclass(frozen=True, slots=True)
class Segment:
    """Tokens `start` to `end` see themselves, up to each one's own place, and all of `prefix_start` to `prefix_end`."""

    start: int
    end: int
    prefix_start: int
    prefix_end: int


@dataclass(frozen=True, slots=True)
class Batch:
    """Tokens of one step, packed."""

    tokens: tuple[int, ...]
    positions: tuple[int, ...]
    """Each token's place in its own text: a branch goes on where its prefix ended."""
    segments: tuple[Segment, ...]
    at: tuple[int, ...]
    """Indexes into `tokens` after which a target token comes, in the order of the branches."""
    targets: tuple[int, ...]
    """The token that comes there."""
    families: tuple[str, ...]
    """The family of each target token's example."""
    examples: int


def encode_group(examples: Sequence[Example], encode: Encode) -> list[Group]:
    """The examples of a group as tokens: one group, and one more for each whose tokens do not begin with the others'.

    Prompt and target are encoded apart, as they are in use: the model goes on after the prompt's tokens.

    Raises:
        ValueError: The examples do not share one beginning, or have an empty prompt or target.
    """
    shared = examples[0].shared
    prefix = tuple(encode(shared)) if shared else ()
    together: list[Branch] = []
    alone: list[Group] = []
    for example in examples:
        if example.shared != shared:
            raise ValueError(f"an example of {example.family!r} does not share its group's beginning")
        prompt = tuple(encode(example.shared + example.prompt))
        target = tuple(encode(example.target))
        if not prompt or not target:
            raise ValueError(f"an example of {example.family!r} has an empty prompt or target")
        if prompt[: len(prefix)] == prefix and len(prompt) > len(prefix):
            together.append(Branch(prompt[len(prefix) :] + target, len(target), example.family))
        else:
            alone.append(Group((), (Branch(prompt + target, len(target), example.family),)))
    return [*([Group(prefix, tuple(together))] if together else []), *alone]


def pack(groups: Sequence[Group]) -> Batch:
    """The groups in one row."""
    tokens: list[int] = []
    positions: list[int] = []
    segments: list[Segment] = []
    at: list[int] = []
    targets: list[int] = []
    families: list[str] = []
    for group in groups:
        first = len(tokens)
        tokens += group.prefix
        positions += range(len(group.prefix))
        begin = len(tokens)
        if group.prefix:
            segments.append(Segment(first, begin, first, first))
        for branch in group.branches:
            start = len(tokens)
            tokens += branch.tokens
            positions += range(len(group.prefix), len(group.prefix) + len(branch.tokens))
            segments.append(Segment(start, len(tokens), first, begin))
            at += range(len(tokens) - branch.target - 1, len(tokens) - 1)
            targets += branch.tokens[-branch.target :]
            families += [branch.family] * branch.target
    return Batch(
        tuple(tokens),
        tuple(positions),
        tuple(segments),
        tuple(at),
        tuple(targets),
        tuple(families),
        sum(len(group.branches) for group in groups),
    )


def steps(groups: Iterable[Group], tokens: int) -> Iterator[list[Group]]:
    """Groups gathered in their order until a step has about `tokens`; a larger group is cut between examples."""
    waiting: list[Group] = []
    size = 0
    for group in groups:
        for part in _cut(group, tokens):
            # Nearest to the size asked for: go over it only if that is closer than staying under.
            if waiting and size + len(part) / 2 > tokens:
                yield waiting
                waiting, size = [], 0
            waiting.append(part)
            size += len(part)
    if waiting:
        yield waiting


def _cut(group: Group, tokens: int) -> Iterator[Group]:
    branches: list[Branch] = []
    size = len(group.prefix)
    for branch in group.branches:
        if branches and size + len(branch.tokens) > tokens:
            yield Group(group.prefix, tuple(branches))
            branches, size = [], len(group.prefix)
        branches.append(branch)
        size += len(branch.tokens)
    if branches:
        yield Group(group.prefix, tuple(branches))
