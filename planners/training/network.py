"""The weights' own network with a LoRA adapter, as PyTorch runs it in training.

Plain Llama: its sizes come from the GGUF file, its weights are dequantised and frozen. The pieces are written with
their derivatives by hand, because on one CPU core the passes over memory between the matrix products are what can be
saved. No data, no schedule and no file format of adapters here.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gguf
import numpy as np
import torch
from torch.nn import functional

from llmcompiler.errors import ConfigurationError

from .packing import Batch, Segment

MAPS = ("attn_q", "attn_k", "attn_v", "attn_output", "ffn_gate", "ffn_up", "ffn_down")
"""The linear maps of a block; each gets a pair of LoRA matrices."""
_ENDS = 128
"""Tokens whose logits are worked out at a time."""
_QKV, _OUT, _GATE_UP, _DOWN = MAPS[:3], MAPS[3:4], MAPS[4:6], MAPS[6:]


@dataclass(frozen=True, slots=True)
class Shape:
    """Sizes of the network, as the metadata of its file says."""

    blocks: int
    width: int
    heads: int
    kv_heads: int
    head: int
    """Numbers a head; all of them are turned by their position."""
    inner: int
    vocabulary: int
    context: int
    epsilon: float
    rope_base: float


class Network:
    """The frozen weights, and the LoRA pairs that are trained.

    Args:
        path: GGUF file of architecture `llama`.
        rank: Of each LoRA pair.
        alpha: The pairs' product is scaled by `alpha / rank`.
        seed: For the pairs' first halves; the second halves begin at zero, so the untrained adapter changes nothing.
        device: Where torch computes.

    Raises:
        ConfigurationError: The file is no GGUF file, or of a network that is not built here.
    """

    def __init__(
        self, path: Path, *, rank: int = 16, alpha: float = 32.0, seed: int = 0, device: str = "cpu"
    ) -> None:
        self.rank, self.alpha, self.device = rank, alpha, torch.device(device)
        try:
            reader = gguf.GGUFReader(path)
        except (OSError, ValueError, IndexError, KeyError) as error:
            raise ConfigurationError(f"{str(path)!r} can not be read as a GGUF file: {error}") from None
        self.shape = _shape(reader, path)
        tensors = {tensor.name: tensor for tensor in reader.tensors}

        def weight(name: str) -> torch.Tensor:
            if name not in tensors:
                raise ConfigurationError(f"{path.name} has no tensor `{name}`")
            plain = gguf.quants.dequantize(tensors[name].data, tensors[name].tensor_type)
            return torch.from_numpy(np.array(plain, dtype=np.float32)).to(self.device)

        self._embedding = weight("token_embd.weight")
        self._head = weight("output.weight") if "output.weight" in tensors else self._embedding
        self._last_norm = weight("output_norm.weight")
        self._blocks = [_Block(weight, index) for index in range(self.shape.blocks)]
        random = torch.Generator().manual_seed(seed)
        self.lora: dict[str, tuple[torch.Tensor, torch.Tensor]] = {}
        for index, block in enumerate(self._blocks):
            for name in MAPS:
                out, into = block.sizes[name]
                a = torch.randn(rank, into, generator=random) / math.sqrt(into)
                b = torch.zeros(out, rank)
                self.lora[f"blk.{index}.{name}.weight"] = (
                    a.to(self.device).requires_grad_(),
                    b.to(self.device).requires_grad_(),
                )
        half = self.shape.head // 2
        powers = torch.arange(half, dtype=torch.float64) * (-2.0 / self.shape.head)
        angles = torch.arange(self.shape.context).double()[:, None] * self.shape.rope_base**powers
        self._turns = torch.polar(torch.ones_like(angles), angles).to(torch.complex64).to(self.device)

    def parameters(self) -> list[torch.Tensor]:
        """Every tensor that is trained, in a fixed order."""
        return [half for pair in self.lora.values() for half in pair]

    def load(self, pairs: Mapping[str, tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]]) -> None:
        """Take the values of an adapter of the same rank.

        Raises:
            ConfigurationError: It was made for other maps or sizes.
        """
        if set(pairs) != set(self.lora):
            raise ConfigurationError("the adapter is for other maps than this network's")
        for name, halves in pairs.items():
            for mine, given in zip(self.lora[name], halves, strict=True):
                if tuple(mine.shape) != tuple(given.shape):
                    raise ConfigurationError(
                        f"the adapter's `{name}` has the shape {tuple(given.shape)}, not {tuple(mine.shape)}"
                    )
                with torch.no_grad():
                    mine.copy_(torch.from_numpy(np.array(given, dtype=np.float32)))

    def pairs(self) -> dict[str, tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]]:
        """The LoRA pairs by the name of the tensor they add to."""
        return {
            name: (a.detach().cpu().numpy().copy(), b.detach().cpu().numpy().copy())
            for name, (a, b) in self.lora.items()
        }

    def logits(self, batch: Batch) -> torch.Tensor:
        """Logits of the tokens that come after the places `batch.at`: one row each."""
        return self._ends(batch) @ self._head.T

    def losses(self, batch: Batch) -> torch.Tensor:
        """Cross-entropy of each target token, in nats."""
        wanted = torch.as_tensor(batch.targets, device=self.device)
        found: torch.Tensor = _CrossEntropy.apply(self._ends(batch), self._head, wanted)
        return found

    def _ends(self, batch: Batch) -> torch.Tensor:
        longest = int(max(batch.positions))
        if longest >= self.shape.context:
            raise ConfigurationError(
                f"an example has more than {self.shape.context} tokens, the model's context"
            )
        turns = self._turns[torch.as_tensor(batch.positions, device=self.device)]
        x = self._embedding[torch.as_tensor(batch.tokens, device=self.device)]
        at = torch.as_tensor(batch.at, device=self.device)
        for index, block in enumerate(self._blocks):
            last = index == len(self._blocks) - 1
            y = self._linear(_norm(x, self.shape.epsilon), index, _QKV, block.norms[0])
            y = _Attention.apply(y, turns, batch.segments, self.shape)
            if last:  # what follows works on each token for itself, and only these are asked for
                x, y = x[at], y[at]
            x = x + self._linear(y, index, _OUT)
            y = self._linear(_norm(x, self.shape.epsilon), index, _GATE_UP, block.norms[1])
            x = x + self._linear(_Gate.apply(y), index, _DOWN)
        return _norm(x, self.shape.epsilon) * self._last_norm

    def _linear(
        self, x: torch.Tensor, index: int, names: Sequence[str], norm: torch.Tensor | None = None
    ) -> torch.Tensor:
        pairs = [half for name in names for half in self.lora[f"blk.{index}.{name}.weight"]]
        weight = self._blocks[index].weights[names[0]]
        y: torch.Tensor = _Linear.apply(x, weight, norm, self.alpha / self.rank, *pairs)
        return y


class _Block:
    """A block's frozen weights; maps of the same input lie in one matrix, with the norm before them multiplied in."""

    def __init__(self, weight: Any, index: int) -> None:
        self.norms = [weight(f"blk.{index}.{name}_norm.weight") for name in ("attn", "ffn")]
        self.sizes: dict[str, tuple[int, int]] = {}
        self.weights: dict[str, torch.Tensor] = {}
        for names, norm in ((_QKV, 0), (_OUT, None), (_GATE_UP, 1), (_DOWN, None)):
            parts = [weight(f"blk.{index}.{name}.weight") for name in names]
            self.sizes |= {name: tuple(part.shape) for name, part in zip(names, parts, strict=True)}
            joined = torch.cat(parts)
            self.weights[names[0]] = joined if norm is None else joined * self.norms[norm]


def _shape(reader: gguf.GGUFReader, path: Path) -> Shape:
    def value(key: str, default: Any = None) -> Any:
        field = reader.get_field(key)
        if field is None and default is None:
            raise ConfigurationError(f"{path.name} does not say `{key}`")
        return default if field is None else field.contents()

    kind = value("general.architecture", "none")
    if kind != "llama" or value("general.type", "model") != "model":
        raise ConfigurationError(
            f"{path.name} is of the architecture {kind!r}; only a `llama` model can be trained"
        )
    if reader.get_field("llama.rope.scaling.type") or reader.get_field("llama.expert_count"):
        raise ConfigurationError(f"{path.name} has scaled positions or experts, which are not built here")
    width, heads = int(value("llama.embedding_length")), int(value("llama.attention.head_count"))
    head = int(value("llama.attention.key_length", width // heads))
    if int(value("llama.rope.dimension_count", head)) != head:
        raise ConfigurationError(f"{path.name} turns only a part of each head, which is not built here")
    tokens = reader.get_field("tokenizer.ggml.tokens")
    return Shape(
        blocks=int(value("llama.block_count")),
        width=width,
        heads=heads,
        kv_heads=int(value("llama.attention.head_count_kv", heads)),
        head=head,
        inner=int(value("llama.feed_forward_length")),
        vocabulary=len(tokens.data) if tokens else int(value("llama.vocab_size")),
        context=int(value("llama.context_length")),
        epsilon=float(value("llama.attention.layer_norm_rms_epsilon")),
        rope_base=float(value("llama.rope.freq_base", 10000.0)),
    )


def _norm(x: torch.Tensor, epsilon: float) -> torch.Tensor:
    y: torch.Tensor = _Norm.apply(x, epsilon)
    return y


class _CrossEntropy(torch.autograd.Function):
    """Cross-entropy of a few ends at a time: all their logits, and the derivatives, would be the largest of all."""

    @staticmethod
    def forward(ctx: Any, ends: torch.Tensor, head: torch.Tensor, wanted: torch.Tensor) -> torch.Tensor:
        losses, grads = [], []
        parts = zip(torch.split(ends, _ENDS), torch.split(wanted, _ENDS), strict=True)
        for some, tokens in parts:
            logits = some @ head.T
            logits = logits.sub_(logits.amax(1, keepdim=True))
            at_right = logits.gather(1, tokens[:, None])
            total = logits.exp_().sum(1, keepdim=True)
            losses.append((total.log() - at_right)[:, 0])
            if ctx.needs_input_grad[0]:
                logits.div_(total).scatter_add_(1, tokens[:, None], -torch.ones_like(total))
                grads.append(logits @ head)
        if grads:
            ctx.save_for_backward(torch.cat(grads))
        return torch.cat(losses)

    @staticmethod
    def backward(ctx: Any, dlosses: torch.Tensor) -> tuple[torch.Tensor, None, None]:
        (grads,) = ctx.saved_tensors
        return grads * dlosses[:, None], None, None


class _Norm(torch.autograd.Function):
    """Root-mean-square norm without its weight, which the next map's matrix holds."""

    @staticmethod
    def forward(ctx: Any, x: torch.Tensor, epsilon: float) -> torch.Tensor:
        length = torch.linalg.vector_norm(x, dim=-1, keepdim=True)
        scale = (length.square_().div_(x.shape[-1])).add_(epsilon).rsqrt_()
        y: torch.Tensor = x * scale
        ctx.save_for_backward(y, scale)
        return y

    @staticmethod
    def backward(ctx: Any, dy: torch.Tensor) -> tuple[torch.Tensor, None]:
        y, scale = ctx.saved_tensors
        along = torch.linalg.vecdot(dy, y).div_(-y.shape[-1])[:, None]
        return torch.addcmul(dy, y, along).mul_(scale), None


class _Linear(torch.autograd.Function):
    """`x W' + scale (x A') B'` for maps that share their input; W is frozen, and has the norm's weight in it."""

    @staticmethod
    def forward(
        ctx: Any,
        x: torch.Tensor,
        weight: torch.Tensor,
        norm: torch.Tensor | None,
        scale: float,
        *pairs: torch.Tensor,
    ) -> torch.Tensor:
        a = pairs[0] if len(pairs) == 2 else torch.cat(pairs[::2])
        if norm is not None:
            a = a * norm
        u = x @ a.T
        y = x @ weight.T
        for rows, columns, b in _slices(pairs):
            y[:, columns].addmm_(u[:, rows], b.T, alpha=scale)
        ctx.save_for_backward(x, u, a, weight, norm, *pairs)
        ctx.scale = scale
        return y

    @staticmethod
    def backward(ctx: Any, dy: torch.Tensor) -> tuple[Any, ...]:
        x, u, a, weight, norm, *pairs = ctx.saved_tensors
        du = torch.empty_like(u)
        grads: list[torch.Tensor] = []
        for rows, columns, b in _slices(pairs):
            part = dy[:, columns]
            torch.mm(part, b, out=du[:, rows])
            grads += [a, (part.T @ u[:, rows]).mul_(ctx.scale)]
        du.mul_(ctx.scale)
        da = du.T @ x
        if norm is not None:
            da *= norm
        for index, (rows, _, _) in enumerate(_slices(pairs)):
            grads[2 * index] = da[rows]
        dx = (dy @ weight).addmm_(du, a) if ctx.needs_input_grad[0] else None
        return dx, None, None, None, *grads


def _slices(pairs: Sequence[torch.Tensor]) -> list[tuple[slice, slice, torch.Tensor]]:
    """For each pair: its columns among all `x A'`, its columns of the output, and its B."""
    found, row, column = [], 0, 0
    for a, b in zip(pairs[::2], pairs[1::2], strict=True):
        found.append((slice(row, row + len(a)), slice(column, column + len(b)), b))
        row, column = row + len(a), column + len(b)
    return found


class _Gate(torch.autograd.Function):
    """`silu(gate) * up`, of both in one matrix."""

    @staticmethod
    def forward(ctx: Any, both: torch.Tensor) -> torch.Tensor:
        ctx.save_for_backward(both)
        gate, up = both.chunk(2, dim=1)
        return functional.silu(gate).mul_(up)

    @staticmethod
    def backward(ctx: Any, dy: torch.Tensor) -> torch.Tensor:
        (both,) = ctx.saved_tensors
        gate, up = both.chunk(2, dim=1)
        grads = torch.empty_like(both)
        dgate, dup = grads.chunk(2, dim=1)
        torch.mul(functional.silu(gate), dy, out=dup)
        torch.ops.aten.silu_backward.grad_input(dy * up, gate, grad_input=dgate)
        return grads


class _Attention(torch.autograd.Function):
    """Turned, grouped attention inside each segment and back to its prefix. Input: q, k, v side by side."""

    @staticmethod
    def forward(
        ctx: Any, qkv: torch.Tensor, turns: torch.Tensor, segments: Sequence[Segment], shape: Shape
    ) -> torch.Tensor:
        q, k, v = _heads(qkv, turns, shape)
        out = torch.empty_like(q)
        kept = []
        for s in segments:
            keys, values = _seen(k, s), _seen(v, s)
            rows = _rows(s, shape)
            scores = torch.baddbmm(
                _hidden(s, shape, qkv.device),
                q[:, rows],
                keys.transpose(1, 2),
                alpha=1 / math.sqrt(shape.head),
            )
            weights = torch.softmax(scores, -1)
            kept.append(weights)
            out[:, rows] = torch.bmm(weights, values)
        ctx.save_for_backward(q, k, v, turns, *kept)
        ctx.segments, ctx.shape = segments, shape
        return _flat(out, shape, len(qkv))

    @staticmethod
    def backward(ctx: Any, dout: torch.Tensor) -> tuple[torch.Tensor, None, None, None]:
        q, k, v, turns, *kept = ctx.saved_tensors
        shape: Shape = ctx.shape
        n = dout.shape[0]
        do = dout.view(n, shape.kv_heads, -1, shape.head).transpose(0, 1).reshape(q.shape)
        dq, dk, dv = torch.empty_like(q), torch.zeros_like(k), torch.zeros_like(v)
        scale = 1 / math.sqrt(shape.head)
        for s, weights in zip(ctx.segments, kept, strict=True):
            keys, values = _seen(k, s), _seen(v, s)
            rows = _rows(s, shape)
            some = do[:, rows]
            _add(dv, s, torch.bmm(weights.transpose(1, 2), some))
            dweights = torch.bmm(some, values.transpose(1, 2))
            dscores = torch._softmax_backward_data(dweights, weights, -1, weights.dtype)
            dq[:, rows] = torch.bmm(dscores, keys)
            _add(dk, s, torch.bmm(dscores.transpose(1, 2), q[:, rows]))
        dq *= scale
        dk *= scale
        grads = torch.empty(n, (shape.heads + 2 * shape.kv_heads) * shape.head, device=dout.device)
        cut = shape.heads * shape.head
        mid = cut + shape.kv_heads * shape.head
        back = turns.conj()
        _turn(_flat(dq, shape, n), back, grads[:, :cut], shape)
        _turn(_flat(dk, shape, n), back, grads[:, cut:mid], shape)
        grads[:, mid:] = _flat(dv, shape, n)
        return grads, None, None, None


def _heads(
    qkv: torch.Tensor, turns: torch.Tensor, shape: Shape
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Q as [kv head, token and its query heads, head], k and v as [kv head, token, head]; q and k turned."""
    n = len(qkv)
    both = (shape.heads + shape.kv_heads) * shape.head
    turned = torch.empty(n, both, device=qkv.device)
    _turn(qkv[:, :both], turns, turned, shape)
    cut = shape.heads * shape.head
    q = turned[:, :cut].view(n, shape.kv_heads, -1, shape.head).transpose(0, 1)
    k = turned[:, cut:].view(n, shape.kv_heads, shape.head).transpose(0, 1)
    v = qkv[:, both:].view(n, shape.kv_heads, shape.head).transpose(0, 1)
    return q.reshape(shape.kv_heads, -1, shape.head), k.contiguous(), v.contiguous()


def _turn(x: torch.Tensor, turns: torch.Tensor, out: torch.Tensor, shape: Shape) -> None:
    """Rotary positions in the layout of GGUF files: neighbouring numbers are a pair."""
    n = len(x)
    pairs = torch.view_as_complex(x.reshape(n, -1, shape.head // 2, 2))
    into = torch.view_as_complex(out.view(n, -1, shape.head // 2, 2))
    torch.mul(pairs, turns[:, None, :], out=into)


def _flat(x: torch.Tensor, shape: Shape, tokens: int) -> torch.Tensor:
    """Back from [kv head, token (and its query heads), head] to a row a token."""
    return x.view(shape.kv_heads, tokens, -1, shape.head).transpose(0, 1).reshape(tokens, -1)


def _rows(s: Segment, shape: Shape) -> slice:
    group = shape.heads // shape.kv_heads
    return slice(s.start * group, s.end * group)


def _seen(x: torch.Tensor, s: Segment) -> torch.Tensor:
    own = x[:, s.start : s.end]
    return own if s.prefix_end == s.prefix_start else torch.cat([x[:, s.prefix_start : s.prefix_end], own], 1)


def _add(total: torch.Tensor, s: Segment, grads: torch.Tensor) -> None:
    before = s.prefix_end - s.prefix_start
    if before:
        total[:, s.prefix_start : s.prefix_end] += grads[:, :before]
    total[:, s.start : s.end] += grads[:, before:]


def _hidden(s: Segment, shape: Shape, device: torch.device) -> torch.Tensor:
    """What is added to scores: minus infinity for tokens to come."""
    length, before = s.end - s.start, s.prefix_end - s.prefix_start
    group = shape.heads // shape.kv_heads
    later = torch.full((length, length), -math.inf, device=device).triu_(1)
    mask = torch.zeros(length, group, before + length, device=device)
    mask[:, :, before:] = later[:, None]
    return mask.view(length * group, -1)
