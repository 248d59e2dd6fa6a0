"""Packing of examples for training: what each token sees, and what is learnt."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.packing import Branch, Group, encode_group, pack, steps
from training.specs import Example


def encode(text: str) -> list[int]:
    """A token a character, but `::` is one: so a boundary may fall inside a token."""
    return [ord(c) for c in text.replace("::", "\0")]


def example(shared: str, prompt: str, target: str, family: str = "one") -> Example:
    return Example(shared, prompt, target, family)


branches = st.builds(
    lambda tokens, target: Branch(tuple(tokens), min(target, len(tokens) - 1), "f"),
    st.lists(st.integers(0, 999), min_size=2, max_size=9),
    st.integers(1, 8),
)
groups = st.builds(
    lambda prefix, found: Group(tuple(prefix), tuple(found)),
    st.lists(st.integers(0, 999), max_size=9),
    st.lists(branches, min_size=1, max_size=5),
)


@given(st.lists(groups, min_size=1, max_size=4))
def test_each_example_sees_its_own_text_and_no_other(made: list[Group]) -> None:
    batch = pack(made)
    texts = [group.prefix + branch.tokens for group in made for branch in group.branches]
    ends = [s for s in batch.segments if any(s.start <= at < s.end for at in batch.at)]
    assert len(ends) == len(texts) == batch.examples
    for segment, text in zip(ends, texts, strict=True):
        seen = [*range(segment.prefix_start, segment.prefix_end), *range(segment.start, segment.end)]
        assert tuple(batch.tokens[i] for i in seen) == text
        assert [batch.positions[i] for i in seen] == list(range(len(text)))
    wanted = [t for group in made for branch in group.branches for t in branch.tokens[-branch.target :]]
    assert list(batch.targets) == wanted
    assert [batch.tokens[at + 1] for at in batch.at] == wanted
    assert len(batch.tokens) == sum(len(group) for group in made)


@given(st.lists(groups, max_size=12), st.integers(5, 60))
def test_steps_lose_nothing_and_stay_near_the_size(made: list[Group], tokens: int) -> None:
    found = list(steps(made, tokens))
    assert [b for step in found for group in step for b in group.branches] == [
        b for group in made for b in group.branches
    ]
    for step in found:
        assert len(step) == 1 or sum(map(len, step)) - len(step[-1]) / 2 <= tokens


def test_a_group_shares_its_beginning_once() -> None:
    made = encode_group([example("Tools\n", "Q a\n", "1. x"), example("Tools\n", "Q b\n", "1. yy")], encode)
    assert made == [
        Group(
            tuple(encode("Tools\n")),
            (Branch(tuple(encode("Q a\n1. x")), 4, "one"), Branch(tuple(encode("Q b\n1. yy")), 5, "one")),
        )
    ]


def test_an_example_whose_tokens_run_over_the_boundary_stands_alone() -> None:
    crossing, plain = example("T:", ":Q\n", "1", "crossing"), example("T:", "Q\n", "1", "plain")
    shared, alone = encode_group([crossing, plain], encode)
    assert [b.family for b in shared.branches] == ["plain"]
    assert alone.prefix == ()
    assert alone.branches[0].tokens == tuple(encode("T::Q\n1"))


@pytest.mark.parametrize(
    "bad",
    [
        [example("a", "b", "c"), example("other", "b", "c")],
        [example("a", "b", "")],
        [example("", "", "c")],
    ],
)
def test_bad_groups_are_refused(bad: list[Example]) -> None:
    with pytest.raises(ValueError, match=r"'one'"):
        encode_group(bad, encode)
