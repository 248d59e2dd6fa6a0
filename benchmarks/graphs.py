"""Shapes of task graphs: for each task, the indices of those it depends on. Seeded, so that runs can be compared."""

from __future__ import annotations

import random

Graph = list[tuple[int, ...]]


def independent(n: int) -> Graph:
    """`n` tasks that need nothing."""
    return [()] * n


def chain(n: int) -> Graph:
    """`n` tasks, each needing the one before."""
    return [(i - 1,) if i else () for i in range(n)]


def layered(n: int, fan_in: int = 3, seed: int = 0) -> Graph:
    """`n` tasks in about sqrt(n) layers, each needing `fan_in` random ones of the layer before."""
    rnd = random.Random(seed)
    width = max(1, round(n**0.5))
    out: Graph = []
    for i in range(n):
        first = (i // width - 1) * width
        out.append(() if i < width else tuple(sorted({first + rnd.randrange(width) for _ in range(fan_in)})))
    return out


SHAPES = {"independent": independent, "chain": chain, "layered": layered}
