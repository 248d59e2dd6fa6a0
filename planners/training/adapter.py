"""Adapter files: LoRA pairs as the GGUF file that llama.cpp loads beside the weights, written and read back.

Knows no PyTorch: pairs are numpy arrays by the name of the tensor they add to.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import gguf
import numpy as np

from llmcompiler.errors import ConfigurationError

Pairs = Mapping[str, tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]]
"""For each tensor A [rank, inputs] and B [outputs, rank]; `B A * alpha / rank` is added to it."""


def export(
    path: Path, pairs: Pairs, *, alpha: float, base: Path, report: Mapping[str, Any] | None = None
) -> None:
    """Write an adapter in 16 bits. It is there whole or not at all.

    Args:
        path: Where to; a file that is there is replaced.
        pairs: The LoRA pairs.
        alpha: Their scale, times the rank.
        base: The weights that it was trained for: their name and SHA-256 are put in.
        report: What else is worth knowing about the training: numbers and texts, each under `training.` and its key.
    """
    name = _field(_reader(base), "general.name") or base.stem
    part = path.with_name(path.name + ".part")
    path.parent.mkdir(parents=True, exist_ok=True)
    writer = gguf.GGUFWriter(part, "llama")
    writer.add_string("general.type", "adapter")
    writer.add_string("adapter.type", "lora")
    writer.add_float32("adapter.lora.alpha", alpha)
    writer.add_string("general.name", "planner-lora")
    writer.add_string("general.license", "apache-2.0")
    writer.add_string(
        "general.description",
        "LoRA adapter that makes a 135M model write plans of function calls; trained on made-up examples",
    )
    writer.add_uint32("general.base_model.count", 1)
    writer.add_string("general.base_model.0.name", str(name))
    writer.add_string("training.base_file", base.name)
    writer.add_string("training.base_sha256", _sha256(base))
    for key, value in (report or {}).items():
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            writer.add_string(f"training.{key}", str(value))
        elif isinstance(value, int):
            writer.add_uint64(f"training.{key}", value)
        else:
            writer.add_float32(f"training.{key}", value)
    for tensor, (a, b) in pairs.items():
        writer.add_tensor(f"{tensor}.lora_a", a.astype(np.float16))
        writer.add_tensor(f"{tensor}.lora_b", b.astype(np.float16))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    os.replace(part, path)


def load(path: Path) -> tuple[dict[str, tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]], float]:
    """The pairs of an adapter file, in 32 bits, and its alpha.

    Raises:
        ConfigurationError: It is no GGUF file, no LoRA adapter, or half of a pair is missing.
    """
    reader = _reader(path)
    if _field(reader, "general.type") != "adapter" or _field(reader, "adapter.type") != "lora":
        raise ConfigurationError(f"{str(path)!r} is a GGUF file but no LoRA adapter")
    halves: dict[str, dict[str, np.ndarray[Any, Any]]] = {}
    for tensor in reader.tensors:
        name, _, half = tensor.name.rpartition(".lora_")
        if half not in ("a", "b"):
            raise ConfigurationError(
                f"{path.name} has a tensor `{tensor.name}`, which is no part of a LoRA pair"
            )
        shape = tuple(int(n) for n in reversed(tensor.shape))
        halves.setdefault(name, {})[half] = np.array(tensor.data, dtype=np.float32).reshape(shape)
    broken = sorted(name for name, pair in halves.items() if len(pair) != 2)
    if broken or not halves:
        raise ConfigurationError(
            f"{path.name} lacks the other half of: {', '.join(broken[:3]) or 'everything'}"
        )
    alpha = float(_field(reader, "adapter.lora.alpha") or 0.0)
    if alpha <= 0:
        raise ConfigurationError(f"{path.name} has no `adapter.lora.alpha`, or one that is not above zero")
    return {name: (pair["a"], pair["b"]) for name, pair in halves.items()}, alpha


def _reader(path: Path) -> gguf.GGUFReader:
    try:
        return gguf.GGUFReader(path)
    except (OSError, ValueError, IndexError, KeyError) as error:
        raise ConfigurationError(f"{str(path)!r} can not be read as a GGUF file: {error}") from None


def _field(reader: gguf.GGUFReader, key: str) -> Any:
    field = reader.get_field(key)
    return None if field is None else field.contents()


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
