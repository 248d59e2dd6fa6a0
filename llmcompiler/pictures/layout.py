"""Where boxes and arrows of a layered drawing go. Nothing here knows plans, texts or SVG.

After Sugiyama, Tagawa and Toda (1981): longest-path layers, sweeps by the mean place of neighbours against crossings,
then places within a layer by least squares under the order found (pool adjacent violators). An arrow over several
layers bends round the boxes between: it has a place of its own in each. The same input gives the same drawing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

Point = tuple[float, float]

_BENDS = 20_000
"""Places for arrows on their way; where there would be more, long arrows go straight."""
_BUSY = 4_000
"""Arrow pieces from which fewer sweeps are made."""


@dataclass(frozen=True, slots=True)
class Placed:
    """A drawing, from (0, 0) to (`width`, `height`)."""

    boxes: Mapping[str, tuple[float, float, float, float]]
    """Left, top, width and height of each box."""
    paths: Mapping[tuple[str, str], tuple[Point, ...]]
    """Points of each arrow from source to target; between points 0 and 1, 2 and 3, ... it is free of boxes."""
    width: float
    height: float
    sideways: bool
    """Layers are columns."""


def layered(
    sizes: Mapping[str, tuple[float, float]],
    edges: Sequence[tuple[str, str]],
    *,
    across: float = 24,
    along: float = 56,
    sideways: bool = False,
) -> Placed:
    """Place boxes of these sizes in layers, sources first; boxes of a layer are `across` apart, layers `along`.

    Arrows against the layers (of a cycle) run back. An arrow from a box to itself has no path.

    Args:
        sizes: Width and height of each box.
        edges: Source and target of each arrow; both are in `sizes`.
        across: Space between boxes of a layer.
        along: Space between layers.
        sideways: Layers are columns from left to right, not rows from top to bottom.
    """
    keys = list(sizes)
    index = {k: i for i, k in enumerate(keys)}
    pairs = list(dict.fromkeys((index[a], index[b]) for a, b in edges if a != b))
    back = _against(len(keys), pairs)
    forward = [(b, a) if (a, b) in back else (a, b) for a, b in pairs]
    rank = _ranks(len(keys), forward)
    size = [(h, w) if sideways else (w, h) for w, h in sizes.values()]
    wide = [s[0] for s in size]

    chains: list[list[int]] = []
    pieces: dict[tuple[int, int], None] = {}
    bends = sum(max(0, rank[b] - rank[a] - 1) for a, b in forward) <= _BENDS
    for a, b in forward:
        chain = [a]
        if bends:
            for level in range(rank[a] + 1, rank[b]):
                chain.append(len(rank))
                rank.append(level)
                wide.append(0.0)
        chain.append(b)
        chains.append(chain)
        if bends or rank[b] == rank[a] + 1:
            pieces |= dict.fromkeys(pairwise(chain))
    layers: list[list[int]] = [[] for _ in range(max(rank, default=-1) + 1)]
    for i, level in enumerate(rank):
        layers[level].append(i)
    up: list[list[int]] = [[] for _ in rank]
    down: list[list[int]] = [[] for _ in rank]
    for a, b in pieces:
        down[a].append(b)
        up[b].append(a)
    busy = len(pieces) > _BUSY
    layers = _untangled(layers, up, down, sweeps=4 if busy else 12)
    real = len(keys)
    middle = _spread(layers, up, down, wide, across, real, rounds=3 if busy else 8)

    bands = [max((size[i][1] for i in layer if i < real), default=0.0) for layer in layers]
    tops = [0.0]
    for band in bands:
        tops.append(tops[-1] + band + along)
    boxes, ends = {}, []
    for i, key in enumerate(keys):
        w, h = size[i]
        left, top = middle[i] - w / 2, tops[rank[i]] + (bands[rank[i]] - h) / 2
        ends.append((top, top + h))
        boxes[key] = (top, left, h, w) if sideways else (left, top, w, h)
    ports = _ports(chains, middle, wide, real)
    paths = {}
    for (a, b), chain in zip(pairs, chains, strict=True):
        s, t = chain[0], chain[-1]
        leave, enter = ports[s, chain[1], 1], ports[t, chain[-2], 0]
        points = [(leave, ends[s][1]), (leave, tops[rank[s]] + bands[rank[s]])]
        for k in chain[1:-1]:
            points += [(middle[k], tops[rank[k]]), (middle[k], tops[rank[k]] + bands[rank[k]])]
        points += [(enter, tops[rank[t]]), (enter, ends[t][0])]
        if (a, b) in back:
            points.reverse()
        paths[keys[a], keys[b]] = tuple((y, x) if sideways else (x, y) for x, y in points)
    right = max((middle[i] + wide[i] / 2 for i in range(len(rank))), default=0.0)
    bottom = tops[-1] - along if layers else 0.0
    return Placed(boxes, paths, bottom if sideways else right, right if sideways else bottom, sideways)


def _against(n: int, pairs: Sequence[tuple[int, int]]) -> set[tuple[int, int]]:
    """Arrows to turn round so that none goes in a circle: those to a box on the way there, in depth-first order."""
    out: list[list[int]] = [[] for _ in range(n)]
    entered = [0] * n
    for a, b in pairs:
        out[a].append(b)
        entered[b] += 1
    state = [0] * n
    found = set()
    for start in sorted(range(n), key=lambda i: (entered[i] > 0, i)):
        if state[start]:
            continue
        state[start] = 1
        stack = [(start, iter(out[start]))]
        while stack:
            i, rest = stack[-1]
            for j in rest:
                if state[j] == 1:
                    found.add((i, j))
                elif state[j] == 0:
                    state[j] = 1
                    stack.append((j, iter(out[j])))
                    break
            else:
                state[i] = 2
                stack.pop()
    return found


def _ranks(n: int, edges: Sequence[tuple[int, int]]) -> list[int]:
    """Longest path from a source, of a graph without circles."""
    out: list[list[int]] = [[] for _ in range(n)]
    left = [0] * n
    for a, b in edges:
        out[a].append(b)
        left[b] += 1
    rank = [0] * n
    ready = [i for i in range(n) if not left[i]]
    for i in ready:
        for j in out[i]:
            rank[j] = max(rank[j], rank[i] + 1)
            left[j] -= 1
            if not left[j]:
                ready.append(j)
    return rank


def _untangled(
    layers: list[list[int]], up: list[list[int]], down: list[list[int]], *, sweeps: int
) -> list[list[int]]:
    place = {i: p for layer in layers for p, i in enumerate(layer)}
    best, fewest = [list(layer) for layer in layers], _crossings(layers, down, place)
    for sweep in range(sweeps):
        if not fewest:
            break
        near = down if sweep % 2 else up
        for layer in reversed(layers) if sweep % 2 else layers:
            want = {
                i: sum(place[j] for j in near[i]) / len(near[i]) if near[i] else float(place[i])
                for i in layer
            }
            layer.sort(key=lambda i: (want[i], place[i]))
            place.update((i, p) for p, i in enumerate(layer))
        now = _crossings(layers, down, place)
        if now < fewest:
            best, fewest = [list(layer) for layer in layers], now
    return best


def _crossings(layers: list[list[int]], down: list[list[int]], place: Mapping[int, int]) -> int:
    """How often arrows cross, counted with a binary indexed tree (Barth, Mutzel and Juenger, 2002)."""
    total = 0
    for layer, following in pairwise(layers):
        tree = [0] * (len(following) + 1)
        seen = 0
        for i in layer:
            ends = [place[j] for j in down[i]]
            for p in ends:
                k, before = p + 1, 0
                while k:
                    before += tree[k]
                    k &= k - 1
                total += seen - before
            for p in ends:
                k = p + 1
                while k < len(tree):
                    tree[k] += 1
                    k += k & -k
            seen += len(ends)
    return total


def _spread(
    layers: list[list[int]],
    up: list[list[int]],
    down: list[list[int]],
    wide: Sequence[float],
    gap: float,
    real: int,
    *,
    rounds: int,
) -> list[float]:
    """The middle of each box across its layer: as near to the middle of its neighbours as the others let it."""
    middle = [0.0] * len(wide)
    offsets = []
    for layer in layers:
        offset, at = [], 0.0
        for k, i in enumerate(layer):
            if k:
                at += (wide[layer[k - 1]] + wide[i]) / 2 + gap
            offset.append(at)
            middle[i] = at
        offsets.append(offset)
        for i in layer:
            middle[i] -= at / 2
    for r in range(rounds):
        last = r >= rounds - 2
        order = range(len(layers)) if r % 2 == 0 else range(len(layers) - 1, -1, -1)
        for number in order:
            layer, offset = layers[number], offsets[number]
            want, weight = [], []
            for i in layer:
                near = [*up[i], *down[i]] if last else (up[i] if r % 2 == 0 else down[i])
                # An arrow that only passes by is to be straight; a box can stand beside its neighbours' middle.
                heavy = [8.0 if i >= real and j >= real else 1.0 for j in near]
                total = sum(heavy)
                mean = (
                    sum(middle[j] * h for j, h in zip(near, heavy, strict=True)) / total
                    if near
                    else middle[i]
                )
                want.append(mean)
                weight.append(4.0 if i >= real else 1.0 if near else 0.1)
            for i, x in zip(layer, _apart(want, weight, offset), strict=True):
                middle[i] = x
    least = min((middle[i] - wide[i] / 2 for i in range(len(wide))), default=0.0)
    return [x - least for x in middle]


def _apart(want: list[float], weight: list[float], offset: list[float]) -> list[float]:
    """Places nearest to `want` (weighted squares) that are at least as far apart as in `offset`."""
    blocks: list[list[float]] = []  # mean, weight, how many
    for w, m, o in zip(want, weight, offset, strict=True):
        blocks.append([w - o, m, 1])
        while len(blocks) > 1 and blocks[-2][0] >= blocks[-1][0]:
            b = blocks.pop()
            a = blocks[-1]
            a[0] = (a[0] * a[1] + b[0] * b[1]) / (a[1] + b[1])
            a[1] += b[1]
            a[2] += b[2]
    means = [mean for mean, _, n in blocks for _ in range(int(n))]
    return [mean + o for mean, o in zip(means, offset, strict=True)]


def _ports(
    chains: Sequence[Sequence[int]], middle: Sequence[float], wide: Sequence[float], real: int
) -> dict[tuple[int, int, int], float]:
    """Where arrows leave (1) and enter (0) a box: side by side, in the order of where they go."""
    sides: dict[tuple[int, int], dict[int, None]] = {}
    for chain in chains:
        sides.setdefault((chain[0], 1), {})[chain[1]] = None
        sides.setdefault((chain[-1], 0), {})[chain[-2]] = None
    found = {}
    for (i, side), others in sides.items():
        ordered = sorted(others, key=lambda j: (middle[j], j))
        step = min(14.0, wide[i] * 0.6 / max(1, len(ordered)))
        for k, j in enumerate(ordered):
            found[i, j, side] = middle[i] + (k - (len(ordered) - 1) / 2) * step
    return found
