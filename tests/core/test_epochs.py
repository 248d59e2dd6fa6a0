"""Epochs: a change of what was read always shows."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from llmcompiler.sharing.epochs import Epochs

KEYS = st.none() | st.frozensets(st.sampled_from("abcde"), max_size=3)


def overlap(a: frozenset[str] | None, b: frozenset[str] | None) -> bool:
    if a is None or b is None:
        return bool(a is None and b is None) or bool(a or b)
    return bool(a & b)


@given(st.lists(KEYS, max_size=20), KEYS, st.lists(KEYS, max_size=20), st.sampled_from([1, 3, 100]))
def test_a_change_shows_in_what_it_touches(
    before: list[frozenset[str] | None],
    reads: frozenset[str] | None,
    after: list[frozenset[str] | None],
    most: int,
) -> None:
    epochs = Epochs(most)
    for writes in before:
        epochs.bump(writes)
    seen = epochs.of(reads)
    assert epochs.of(reads) == seen, "asking changes nothing"
    touched = False
    for writes in after:
        epochs.bump(writes)
        touched = touched or overlap(writes, reads)
        if touched:
            assert epochs.of(reads) > seen
        elif most == 100:
            assert epochs.of(reads) == seen, "what is not touched stays good"
    assert len(epochs) <= most


def test_reads_of_nothing_never_change() -> None:
    epochs = Epochs()
    before = epochs.of(frozenset())
    epochs.bump(None)
    epochs.bump(frozenset({"a"}))
    assert epochs.of(frozenset()) == before


def test_memory_is_bounded_and_nothing_is_taken_back() -> None:
    epochs = Epochs(most=10)
    seen = epochs.of(frozenset({"key"}))
    epochs.bump(frozenset({"key"}))
    changed = epochs.of(frozenset({"key"}))
    for n in range(1_000):
        epochs.bump(frozenset({n}))
        assert len(epochs) <= 10
        assert epochs.of(frozenset({"key"})) >= changed > seen
