"""Adapter files: written, read back, and refused where they are none."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from llmcompiler.errors import ConfigurationError
from llmcompiler.models._gguf import read_metadata

gguf = pytest.importorskip("gguf")
np = pytest.importorskip("numpy")

from training import adapter  # noqa: E402 (it needs what was just looked for)


@pytest.fixture
def base(tmp_path: Path) -> Path:
    return write(
        tmp_path / "base.gguf", {"general.type": "model", "general.name": "Small"}, {"w": np.ones((4, 4))}
    )


def write(path: Path, texts: dict[str, str], tensors: dict[str, Any], alpha: float | None = None) -> Path:
    writer = gguf.GGUFWriter(path, "llama")
    for key, text in texts.items():
        writer.add_string(key, text)
    if alpha is not None:
        writer.add_float32("adapter.lora.alpha", alpha)
    for name, values in tensors.items():
        writer.add_tensor(name, values.astype(np.float16))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def test_what_is_written_is_read_back(tmp_path: Path, base: Path) -> None:
    random = np.random.default_rng(0)
    pairs = {
        f"blk.{i}.attn_q.weight": (random.normal(size=(2, 8)), random.normal(size=(6, 2))) for i in range(3)
    }
    out = tmp_path / "new" / "planner.gguf"
    adapter.export(out, pairs, alpha=32.0, base=base, report={"examples": 7, "loss": 0.5, "torch": "2"})
    found, alpha = adapter.load(out)
    assert alpha == 32.0
    assert set(found) == set(pairs)
    for name, (a, b) in pairs.items():
        assert np.allclose(found[name][0], a, atol=2e-3)
        assert np.allclose(found[name][1], b, atol=2e-3)
    said = read_metadata(out)
    assert said["general.type"] == "adapter"
    assert said["adapter.type"] == "lora"
    assert said["general.architecture"] == "llama"
    assert said["general.license"] == "apache-2.0"
    assert said["general.base_model.0.name"] == "Small"
    assert len(said["training.base_sha256"]) == 64
    assert said["training.examples"] == 7
    assert said["training.loss"] == 0.5
    assert [file.name for file in out.parent.iterdir()] == ["planner.gguf"]


LORA = {"general.type": "adapter", "adapter.type": "lora"}
A, B = np.zeros((2, 8)), np.zeros((6, 2))


@pytest.mark.parametrize(
    ("texts", "tensors", "alpha", "says"),
    [
        ({"general.type": "model"}, {"w": A}, None, "no LoRA adapter"),
        (LORA, {"w.lora_a": A}, 1.0, "other half of: w"),
        (LORA, {"w.lora_a": A, "w.lora_b": B, "strange": A}, 1.0, "`strange`"),
        (LORA, {"w.lora_a": A, "w.lora_b": B}, None, "alpha"),
        (LORA, {"w.lora_a": A, "w.lora_b": B}, 0.0, "alpha"),
    ],
)
def test_what_is_no_adapter_is_refused(
    tmp_path: Path, texts: dict[str, str], tensors: dict[str, Any], alpha: float | None, says: str
) -> None:
    with pytest.raises(ConfigurationError, match=says):
        adapter.load(write(tmp_path / "x.gguf", texts, tensors, alpha))


@pytest.mark.parametrize("content", [None, b"", b"GGUF", b"no model at all" * 20])
def test_damaged_files_are_named(tmp_path: Path, content: bytes | None) -> None:
    file = tmp_path / "x.gguf"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(ConfigurationError, match=r"x\.gguf"):
        adapter.load(file)
