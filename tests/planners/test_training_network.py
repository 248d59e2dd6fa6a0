"""The network of the training against llama.cpp, against itself unpacked, and its derivatives."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest

from llmcompiler.errors import ConfigurationError
from llmcompiler.models.weights import find_weights

torch = pytest.importorskip("torch")
gguf = pytest.importorskip("gguf")
np = pytest.importorskip("numpy")

from training.network import Network  # noqa: E402 (it needs what was just looked for)
from training.packing import Branch, Group, pack  # noqa: E402

SIZES = {
    "blk.{}.attn_q": (16, 16),
    "blk.{}.attn_k": (8, 16),
    "blk.{}.attn_v": (8, 16),
    "blk.{}.attn_output": (16, 16),
}
SIZES |= {"blk.{}.ffn_gate": (24, 16), "blk.{}.ffn_up": (24, 16), "blk.{}.ffn_down": (16, 24)}
SIZES |= {"blk.{}.attn_norm": (16,), "blk.{}.ffn_norm": (16,)}


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """A network of two blocks, four heads and two of keys and values, with random weights."""
    return make(tmp_path / "small.gguf")


def make(path: Path, architecture: str = "llama", blocks: int = 2) -> Path:
    noise = np.random.default_rng(0)
    writer = gguf.GGUFWriter(path, architecture)
    writer.add_block_count(blocks)
    writer.add_context_length(64)
    writer.add_embedding_length(16)
    writer.add_feed_forward_length(24)
    writer.add_head_count(4)
    writer.add_head_count_kv(2)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_vocab_size(50)
    tensors = {"token_embd.weight": (50, 16), "output_norm.weight": (16,)}
    tensors |= {f"{name.format(i)}.weight": size for i in range(2) for name, size in SIZES.items()}
    for name, size in tensors.items():
        writer.add_tensor(name, noise.normal(size=size).astype(np.float32) * 0.5)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def network(path: Path) -> Network:
    """With an adapter that changes something."""
    made = Network(path, rank=2, alpha=4.0, seed=3)
    noise = torch.Generator().manual_seed(5)
    with torch.no_grad():
        for _, b in made.lora.values():
            b.copy_(torch.randn(b.shape, generator=noise) * 0.3)
    return made


def some_groups(seed: int) -> list[Group]:
    pick = random.Random(seed)

    def tokens(low: int, high: int) -> tuple[int, ...]:
        return tuple(pick.randrange(50) for _ in range(pick.randint(low, high)))

    def branches(count: int) -> tuple[Branch, ...]:
        return tuple(Branch(tokens(4, 12), pick.randint(1, 3)) for _ in range(count))

    return [Group(tokens(6, 9), branches(3)), Group((), branches(1)), Group(tokens(1, 3), branches(2))]


def gradients(net: Network, batches: list[list[Group]]) -> tuple[Any, list[Any]]:
    for parameter in net.parameters():
        parameter.grad = None
    losses = torch.cat([net.losses(pack(groups)) for groups in batches])
    losses.sum().backward()
    return losses.detach(), [parameter.grad.clone() for parameter in net.parameters()]


@pytest.mark.parametrize("seed", range(4))
def test_packed_is_the_same_as_one_by_one(small: Path, seed: int) -> None:
    net, groups = network(small), some_groups(seed)
    alone = [[Group((), (Branch(g.prefix + b.tokens, b.target),))] for g in groups for b in g.branches]
    losses, grads = gradients(net, [groups])
    losses_alone, grads_alone = gradients(net, alone)
    assert torch.allclose(losses, losses_alone, atol=1e-4)
    for mine, other in zip(grads, grads_alone, strict=True):
        assert torch.allclose(mine, other, atol=1e-3, rtol=1e-3)


def test_derivatives_are_those_of_the_loss(small: Path) -> None:
    net, groups = network(small), some_groups(9)
    _, grads = gradients(net, [groups])
    noise = torch.Generator().manual_seed(1)
    way = [torch.randn(p.shape, generator=noise) for p in net.parameters()]

    def moved(by: float) -> float:
        with torch.no_grad():
            for p, d in zip(net.parameters(), way, strict=True):
                p.add_(d, alpha=by)
            total = float(net.losses(pack(groups)).double().sum())
            for p, d in zip(net.parameters(), way, strict=True):
                p.add_(d, alpha=-by)
        return total

    measured = (moved(1e-3) - moved(-1e-3)) / 2e-3
    computed = float(sum((g * d).sum() for g, d in zip(grads, way, strict=True)))
    assert measured == pytest.approx(computed, rel=2e-2, abs=0.05)


def test_losses_are_the_cross_entropy_of_the_logits(small: Path) -> None:
    net, batch = network(small), pack(some_groups(2))
    wanted = torch.nn.functional.cross_entropy(
        net.logits(batch), torch.tensor(batch.targets), reduction="none"
    )
    assert torch.allclose(net.losses(batch), wanted, atol=1e-4)


def test_an_untrained_adapter_changes_nothing_and_its_values_can_be_taken_over(small: Path) -> None:
    batch = pack(some_groups(2))
    fresh, other, trained = Network(small, seed=1), Network(small, seed=2), network(small)
    assert torch.equal(fresh.logits(batch), other.logits(batch))
    copy = Network(small, rank=2, alpha=4.0)
    copy.load(trained.pairs())
    assert torch.equal(copy.logits(batch), trained.logits(batch))
    with pytest.raises(ConfigurationError, match="shape"):
        fresh.load(trained.pairs())


def test_networks_of_other_kinds_and_texts_that_are_too_long_are_refused(tmp_path: Path, small: Path) -> None:
    with pytest.raises(ConfigurationError, match="'qwen2'"):
        Network(make(tmp_path / "q.gguf", "qwen2"))
    with pytest.raises(ConfigurationError, match=r"blk\.2"):
        Network(make(tmp_path / "short.gguf", blocks=3))
    (tmp_path / "bad.gguf").write_bytes(b"nothing")
    with pytest.raises(ConfigurationError, match=r"bad\.gguf"):
        Network(tmp_path / "bad.gguf")
    with pytest.raises(ConfigurationError, match="64 tokens"):
        network(small).losses(pack([Group((), (Branch((1,) * 65, 1),))]))


@pytest.mark.local_model
@pytest.mark.skipif(find_weights() is None, reason="the weights are not there")
def test_it_goes_on_as_llama_cpp_does() -> None:
    pytest.importorskip("xllamacpp")
    from training.tokens import Tokenizer

    weights = find_weights()
    assert weights is not None
    torch.set_num_threads(1)
    net = Network(weights)
    with Tokenizer(weights) as tokenizer:
        # llama.cpp rounds activations to 8 bits: only where the next word is clear do both choose the same.
        for prompt in ("def fib(n):\n    if", "The capital of France is", "One, two, three, four,"):
            body = {"prompt": prompt, "max_tokens": 2, "temperature": 0}
            answer = tokenizer._server.handle_completions(body)
            answer = json.loads(answer) if isinstance(answer, (str, bytes)) else answer
            tokens = list(tokenizer.encode(prompt))
            start = len(tokens)
            for _ in range(2):
                with torch.no_grad():
                    tokens.append(int(net.logits(pack([Group((), (Branch((*tokens, 0), 1),))]))[0].argmax()))
            assert tokens[start:] == list(tokenizer.encode(answer["choices"][0]["text"]))
