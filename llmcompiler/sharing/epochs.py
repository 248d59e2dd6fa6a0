"""How often what a call looks at was changed: a number for each resource key. Pure.

Not safe for several threads by itself: its owner has a lock.
"""

from __future__ import annotations

from collections.abc import Hashable

from ..effects import Keys


class Epochs:
    """Counts changes of resource keys.

    Two results of one call can stand for each other only where `of` gave the same before both. A change may be counted
    more often than it happened, which costs a call; never less often, which would give a stale result.

    Args:
        most: Keys that are counted one by one. Beyond that all of them count as changed, and counting begins anew.

    ```python
    from llmcompiler.sharing.epochs import Epochs

    epochs = Epochs()
    before = epochs.of(frozenset({"a"}))
    epochs.bump(frozenset({"b"}))
    assert epochs.of(frozenset({"a"})) == before
    epochs.bump(None)  # everything
    assert epochs.of(frozenset({"a"})) != before
    ```
    """

    def __init__(self, most: int = 10_000) -> None:
        self.most = most
        self._last = 0
        self._floor = 0
        self._keys: dict[Hashable, int] = {}

    def __len__(self) -> int:
        return len(self._keys)

    def of(self, reads: Keys) -> int:
        """A number that grows with every change of one of these keys; of anything at all for None."""
        if reads is None:
            return self._last
        # The largest says it all: numbers are given out once, so a change of any key gives a larger one.
        return max((self._keys.get(key, self._floor) for key in reads), default=0)

    def bump(self, writes: Keys) -> None:
        """These keys change, or changed just now; everything, for None."""
        if writes is not None and not writes:
            return
        self._last += 1
        if writes is not None:
            self._keys.update(dict.fromkeys(writes, self._last))
        if writes is None or len(self._keys) > self.most:
            self._keys.clear()
            self._floor = self._last
