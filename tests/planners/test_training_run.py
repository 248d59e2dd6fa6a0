"""Training runs from the command line to the adapter's file, on a network of two small blocks.

The generator, the network and the files are the real ones; only texts become tokens by a rule of the test's own, so
that no engine is needed. Numbers of the network itself are in `test_training_network`.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import signal
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from llmcompiler.models._gguf import read_metadata

torch = pytest.importorskip("torch", reason="training needs torch: install llmcompiler-runtime[train]")
gguf = pytest.importorskip("gguf", reason="training needs gguf: install llmcompiler-runtime[train]")
np = pytest.importorskip("numpy", reason="training needs numpy: install llmcompiler-runtime[train]")

from training import adapter, train  # noqa: E402 (it needs what was just looked for)

WORDS = 97
"""Tokens of the small network."""
SIZES = {
    "attn_q": (16, 16),
    "attn_k": (8, 16),
    "attn_v": (8, 16),
    "attn_output": (16, 16),
    "ffn_gate": (24, 16),
    "ffn_up": (24, 16),
    "ffn_down": (16, 24),
    "attn_norm": (16,),
    "ffn_norm": (16,),
}


def network(path: Path, *, inner: int = 24, seed: int = 0) -> Path:
    """A network of two blocks, four heads and two of keys and values, with random weights."""
    noise = np.random.default_rng(seed)
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_name("Small")
    writer.add_block_count(2)
    writer.add_context_length(4096)
    writer.add_embedding_length(16)
    writer.add_feed_forward_length(inner)
    writer.add_head_count(4)
    writer.add_head_count_kv(2)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_vocab_size(WORDS)
    tensors: dict[str, tuple[int, ...]] = {"token_embd.weight": (WORDS, 16), "output_norm.weight": (16,)}
    for block in range(2):
        for name, size in SIZES.items():
            tensors[f"blk.{block}.{name}.weight"] = tuple(inner if n == 24 else n for n in size)
    for name, shape in tensors.items():
        writer.add_tensor(name, noise.normal(size=shape).astype(np.float32) * 0.5)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


class Words:
    """Texts to tokens: a word, or any other character, is one. `interrupt` is the text at which a signal comes."""

    interrupt = 0
    by = signal.SIGTERM

    def __init__(self, path: Path) -> None:
        self.texts = 0

    def encode(self, text: str) -> tuple[int, ...]:
        self.texts += 1
        if self.texts == type(self).interrupt:
            os.kill(os.getpid(), self.by)
        return tuple(zlib.crc32(word.encode()) % WORDS for word in re.findall(r"\w+|\W", text))

    def __enter__(self) -> Words:
        return self

    def __exit__(self, *what: object) -> None:
        return None


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return network(tmp_path_factory.mktemp("weights") / "small.gguf")


@pytest.fixture(autouse=True)
def engine(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No engine, and signals as they were before."""
    monkeypatch.setattr(train, "Tokenizer", Words)
    monkeypatch.setattr(Words, "interrupt", 0)
    monkeypatch.setattr(Words, "by", signal.SIGTERM)
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    threads = torch.get_num_threads()
    yield
    torch.set_num_threads(threads)
    for number, handler in handlers.items():
        signal.signal(number, handler)


def run(out: Path, weights: Path, *more: object) -> int:
    """A run of a few steps, which saves and scores after each of them. Later options win over these."""
    return train.main(
        [
            *("--out", str(out), "--weights", str(weights), "--device", "cpu", "--threads", "1"),
            *("--examples", "24", "--tokens", "400", "--held", "6", "--rank", "2", "--alpha", "4"),
            *("--rate", "0.02", "--warm-up", "2", "--save-every", "0", "--held-every", "0"),
            *map(str, more),
        ]
    )


def report(out: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(out.with_suffix(".json").read_text("utf-8"))
    return found


def state(out: Path) -> dict[str, Any]:
    found: dict[str, Any] = torch.load(out.with_suffix(".pt"), weights_only=True)
    return found


def same(one: Path, other: Path) -> bool:
    """Whether two adapters have the same numbers."""
    (mine, alpha), (yours, beta) = adapter.load(one), adapter.load(other)
    return (
        alpha == beta
        and set(mine) == set(yours)
        and all(np.array_equal(a, b) for name in mine for a, b in zip(mine[name], yours[name], strict=True))
    )


@pytest.fixture(scope="module")
def whole(weights: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The adapter of an unbroken run; its report and checkpoint lie beside it."""
    out = tmp_path_factory.mktemp("whole") / "planner.gguf"
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(train, "Tokenizer", Words)
        assert run(out, weights) == 0
    return out


# -- what a run leaves ----------------------------------------------------------------


def test_a_run_writes_adapter_report_and_checkpoint(whole: Path, weights: Path) -> None:
    pairs, alpha = adapter.load(whole)
    assert alpha == 4
    assert len(pairs) == 14
    assert all(a.shape[0] == 2 and b.shape[1] == 2 and np.any(b) for a, b in pairs.values())
    said = read_metadata(whole)
    assert said["training.base_sha256"] == hashlib.sha256(weights.read_bytes()).hexdigest()
    found = report(whole)
    assert found["examples"] == 24
    assert found["steps"] > 3
    assert found["settings"]["rank"] == 2
    assert found["settings"]["start"] == ""
    assert [loss["step"] for loss in found["losses"]] == [*range(found["steps"] + 1), found["steps"]]
    assert found["held_loss"] == found["losses"][-1]["held"] < found["losses"][0]["held"]
    assert said["training.steps"] == found["steps"]
    assert state(whole)["counts"][:3] == [found["steps"], found["groups"], 24]
    assert {file.name for file in whole.parent.iterdir()} == {
        "planner.gguf",
        "planner.json",
        "planner.part.gguf",
        "planner.pt",
    }


def test_the_same_seed_gives_the_same_numbers(whole: Path, weights: Path, tmp_path: Path) -> None:
    assert run(tmp_path / "again.gguf", weights) == 0
    assert same(whole, tmp_path / "again.gguf")
    assert report(tmp_path / "again.gguf")["losses"] == report(whole)["losses"]
    assert run(tmp_path / "other.gguf", weights, "--seed", 2) == 0
    assert not same(whole, tmp_path / "other.gguf")


def test_a_run_ends_when_its_time_is_up(weights: Path, tmp_path: Path) -> None:
    assert run(tmp_path / "a.gguf", weights, "--seconds", 1e-6) == 0
    assert report(tmp_path / "a.gguf")["steps"] == 1
    assert adapter.load(tmp_path / "a.gguf")


def test_plans_alone_can_be_learnt(weights: Path, tmp_path: Path) -> None:
    assert run(tmp_path / "a.gguf", weights, "--values", 0, "--examples", 6) == 0
    assert all("values" not in loss["families"] for loss in report(tmp_path / "a.gguf")["losses"])


def test_what_is_given_on_the_command_line_is_in_the_report(whole: Path) -> None:
    settings = report(whole)["settings"]
    assert settings.pop("values") == train.VALUES
    assert settings == {
        "examples": 24,
        "seconds": None,
        "seed": 1,
        "rank": 2,
        "alpha": 4.0,
        "rate": 0.02,
        "warm_up": 2,
        "tokens": 400,
        "held": 6,
        "save_every": 0.0,
        "held_every": 0.0,
        "threads": 1,
        "device": "cpu",
        "start": "",
    }


# -- stopping and going on --------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "by"),
    [
        pytest.param(1, signal.SIGTERM, id="before the first step"),
        pytest.param(40, signal.SIGTERM, id="on the way"),
        pytest.param(44, signal.SIGINT, id="on the way, from the keyboard"),
    ],
)
def test_a_run_that_was_stopped_goes_on_to_the_same_end(
    text: int,
    by: signal.Signals,
    whole: Path,
    weights: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    out = tmp_path / "planner.gguf"
    monkeypatch.setattr(Words, "interrupt", text)
    monkeypatch.setattr(Words, "by", by)
    assert run(out, weights) == 0
    steps = report(out)["steps"]
    assert (steps == 0) == (text == 1)
    assert steps < report(whole)["steps"]
    assert f"stopped; go on with --resume {out.with_suffix('.pt')}" in capsys.readouterr().out
    assert adapter.load(out.with_suffix(".part.gguf"))
    assert not out.exists()
    monkeypatch.setattr(Words, "interrupt", 0)
    assert run(out, weights, "--resume", out.with_suffix(".pt")) == 0
    assert f"going on after step {steps}" in capsys.readouterr().out
    assert same(whole, out)
    found, wanted = report(out), report(whole)
    for key in ("losses", "steps", "groups", "examples", "tokens", "target_tokens"):
        assert found[key] == wanted[key], key


def test_a_run_can_be_stopped_more_than_once(
    whole: Path, weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out, checkpoint = tmp_path / "planner.gguf", tmp_path / "planner.pt"
    monkeypatch.setattr(Words, "interrupt", 38)
    assert run(out, weights) == 0
    first = report(out)["steps"]
    monkeypatch.setattr(Words, "interrupt", 60)
    assert run(out, weights, "--resume", checkpoint) == 0
    assert first < report(out)["steps"] < report(whole)["steps"]
    monkeypatch.setattr(Words, "interrupt", 0)
    assert run(out, weights, "--resume", checkpoint) == 0
    assert same(whole, out)


def test_a_run_that_is_over_has_nothing_more_to_do(whole: Path, weights: Path, tmp_path: Path) -> None:
    assert run(tmp_path / "a.gguf", weights, "--resume", whole.with_suffix(".pt")) == 0
    assert same(whole, tmp_path / "a.gguf")
    assert report(tmp_path / "a.gguf")["steps"] == report(whole)["steps"]


def test_more_examples_can_be_asked_for(whole: Path, weights: Path, tmp_path: Path) -> None:
    out = tmp_path / "a.gguf"
    assert run(out, weights, "--resume", whole.with_suffix(".pt"), "--examples", 40) == 0
    assert report(out)["steps"] > report(whole)["steps"]
    assert not same(whole, out)


# -- checkpoints that do not fit ----------------------------------------------------------


def refused(capsys: pytest.CaptureFixture[str], status: int, out: Path) -> str:
    """What was said about a run that did not begin."""
    said = capsys.readouterr()
    assert status == 2
    assert said.err.startswith("error: ")
    assert said.err.count("\n") <= 2
    assert "step 1 " not in said.out
    assert not out.exists()
    return said.err


@pytest.mark.parametrize(
    ("option", "value", "named"),
    [
        ("--seed", 2, "seed"),
        ("--rank", 3, "rank"),
        ("--alpha", 8, "alpha"),
        ("--tokens", 300, "tokens"),
        ("--values", 0.5, "values"),
    ],
)
def test_a_checkpoint_of_other_settings(
    option: str, value: float, named: str, whole: Path, weights: Path, tmp_path: Path, capsys: Any
) -> None:
    out = tmp_path / "a.gguf"
    status = run(out, weights, "--resume", whole.with_suffix(".pt"), option, value)
    assert named in refused(capsys, status, out)


def test_a_checkpoint_of_other_weights(whole: Path, tmp_path: Path, capsys: Any) -> None:
    out, other = tmp_path / "a.gguf", network(tmp_path / "wide.gguf", inner=32)
    said = refused(capsys, run(out, other, "--resume", whole.with_suffix(".pt")), out)
    assert "planner.pt" in said


def test_files_that_are_no_checkpoints(whole: Path, weights: Path, tmp_path: Path, capsys: Any) -> None:
    good = whole.with_suffix(".pt").read_bytes()
    out, file = tmp_path / "a.gguf", tmp_path / "bad.pt"
    assert "bad.pt" in refused(capsys, run(out, weights, "--resume", file), out)
    for content in (b"", b"nothing", good[: len(good) // 2], good[:-20], whole.read_bytes()):
        file.write_bytes(content)
        assert "bad.pt" in refused(capsys, run(out, weights, "--resume", file), out)


@pytest.mark.parametrize("lacks", ["settings", "pairs", "optimizer", "counts", "losses", "everything"])
def test_checkpoints_that_lack_something(
    lacks: str, whole: Path, weights: Path, tmp_path: Path, capsys: Any
) -> None:
    out, file = tmp_path / "a.gguf", tmp_path / "bad.pt"
    found: Any = state(whole)
    found.pop(lacks, None)
    torch.save([1, 2] if lacks == "everything" else found, file)
    assert "bad.pt" in refused(capsys, run(out, weights, "--resume", file), out)


# -- adapters to begin with ---------------------------------------------------------------


def test_a_run_begins_with_the_adapter_it_is_given(
    whole: Path, weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "a.gguf"
    monkeypatch.setattr(Words, "interrupt", 1)
    assert run(out, weights, "--start", whole) == 0
    assert report(out)["steps"] == 0
    assert same(whole, out.with_suffix(".part.gguf"))
    assert report(out)["losses"][0]["held"] == pytest.approx(report(whole)["held_loss"], rel=2e-3)
    mark = hashlib.sha256(whole.read_bytes()).hexdigest()
    assert report(out)["settings"]["start"] == mark
    # What it began with is known after a break too, whether or not the file is named again.
    monkeypatch.setattr(Words, "interrupt", 0)
    assert run(out, weights, "--resume", out.with_suffix(".pt")) == 0
    assert report(out)["settings"]["start"] == mark
    straight = tmp_path / "straight.gguf"
    assert run(straight, weights, "--start", whole) == 0
    assert same(out, straight)
    assert not same(out, whole)


def test_adapters_that_do_not_fit(whole: Path, weights: Path, tmp_path: Path, capsys: Any) -> None:
    out = tmp_path / "a.gguf"
    said = refused(capsys, run(out, weights, "--start", whole, "--rank", 4), out)
    assert "shape (2, 16), not (4, 16)" in said
    said = refused(capsys, run(out, weights, "--start", whole, "--alpha", 8), out)
    assert "planner.gguf has the alpha 4, and this run 8" in said
    wide = network(tmp_path / "wide.gguf", inner=32)
    assert "shape" in refused(capsys, run(out, wide, "--start", whole), out)
    pairs, _ = adapter.load(whole)
    pairs.pop(next(iter(pairs)))
    adapter.export(tmp_path / "less.gguf", pairs, alpha=4.0, base=weights)
    assert "other maps" in refused(capsys, run(out, weights, "--start", tmp_path / "less.gguf"), out)


def test_files_that_are_no_adapters(whole: Path, weights: Path, tmp_path: Path, capsys: Any) -> None:
    out, file = tmp_path / "a.gguf", tmp_path / "bad.gguf"
    assert "bad.gguf" in refused(capsys, run(out, weights, "--start", file), out)
    good = whole.read_bytes()
    for content in (b"", b"nothing", good[:20], good[:200], good[:-200]):
        file.write_bytes(content)
        assert "bad.gguf" in refused(capsys, run(out, weights, "--start", file), out)
    assert "no LoRA adapter" in refused(capsys, run(out, weights, "--start", weights), out)
    assert refused(capsys, run(out, weights, "--start", tmp_path), out)


# -- weights and settings -------------------------------------------------------------------


def test_weights_that_are_not_there(
    weights: Path, tmp_path: Path, capsys: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "a.gguf"
    assert "none.gguf" in refused(capsys, run(out, tmp_path / "none.gguf"), out)
    monkeypatch.setattr(train, "find_weights", lambda: None)
    assert train.PULL_COMMAND in refused(capsys, train.main(["--out", str(out)]), out)
    (tmp_path / "half.gguf").write_bytes(weights.read_bytes()[:2_000])
    assert "half.gguf" in refused(capsys, run(out, tmp_path / "half.gguf"), out)


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("--examples", 0),
        ("--seconds", 0),
        ("--rank", 0),
        ("--alpha", 0),
        ("--rate", -1),
        ("--warm-up", 0),
        ("--tokens", 0),
        ("--held", 0),
        ("--threads", 0),
        ("--save-every", -1),
        ("--held-every", "nan"),
        ("--values", 1.5),
        ("--values", "nan"),
        ("--device", "nowhere"),
    ],
)
def test_settings_out_of_range(
    option: str, value: object, weights: Path, tmp_path: Path, capsys: Any
) -> None:
    out = tmp_path / "a.gguf"
    said = refused(capsys, run(out, weights, option, value), out)
    assert option.removeprefix("--").replace("-", "_") in said


def test_a_place_that_can_not_be_written_to_is_said_before_anything_is_learnt(
    weights: Path, tmp_path: Path, capsys: Any
) -> None:
    (tmp_path / "file").write_text("")
    out = tmp_path / "file" / "a.gguf"
    assert str(out.parent) in refused(capsys, run(out, weights), out)
    assert not [*tmp_path.glob("*.part")]
    assert train.main(["--out", str(tmp_path), "--weights", str(weights)]) == 2
    assert str(tmp_path) in capsys.readouterr().err
    assert "a.pt" in refused(capsys, run(tmp_path / "a.pt", weights), out)


def test_a_loss_that_is_no_number_ends_the_run(weights: Path, tmp_path: Path, capsys: Any) -> None:
    assert run(tmp_path / "a.gguf", weights, "--rate", 1e38) == 2
    assert "lower rate" in capsys.readouterr().err
    assert not (tmp_path / "a.gguf").exists()
