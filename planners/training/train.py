"""Training of the embedded planner's adapter, from the generator to the GGUF file: `python -m training --help`.

A run is given by its seed, its settings and how long it lasts. What it learns from is in `generate`, what learns in
`network`; scores of whole plans are in `scoring`.
"""

from __future__ import annotations

import argparse
import ctypes
import hashlib
import json
import math
import os
import platform
import signal
import sys
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import torch

from llmcompiler.errors import ConfigurationError
from llmcompiler.models.weights import PULL_COMMAND, find_weights

from . import adapter
from .generate import VALUES, groups
from .network import Network
from .packing import Group, encode_group, pack, steps
from .specs import Example, Split
from .tokens import Tokenizer

OUT = Path(__file__).parents[1] / "llmcompiler_planners" / "data" / "planner-lora.gguf"


@dataclass(frozen=True, slots=True)
class Settings:
    """What a run is made of; it stands in the report."""

    examples: int = 14_000
    seconds: float | None = None
    """Where given, the rate falls with time, and the run ends then even if examples are left."""
    seed: int = 1
    rank: int = 16
    alpha: float = 32.0
    rate: float = 1e-3
    """AdamW's highest learning rate, after `warm_up` steps; it falls to a twentieth along a cosine."""
    warm_up: int = 40
    tokens: int = 1_000
    """Tokens of a step, about."""
    held: int = 120
    """Held examples whose loss is logged."""
    save_every: float = 300.0
    """Seconds between checkpoints."""
    held_every: float = 900.0
    """Seconds between losses on the held examples."""
    threads: int = 1
    device: str = "cpu"
    values: float = VALUES
    """The part of the examples that takes a value out of a text; the others are plans."""
    start: str = ""
    """SHA-256 of the adapter that the run began with, where it did not begin with nothing."""

    def __post_init__(self) -> None:
        """Raises `ConfigurationError`, naming every setting that no run can be made with."""
        counts = ("examples", "rank", "warm_up", "tokens", "held", "threads")
        said = [f"`{name}` has to be 1 or more" for name in counts if getattr(self, name) < 1]
        for name in ("seconds", "alpha", "rate"):
            value = getattr(self, name)
            if value is not None and not 0 < value < math.inf:
                said.append(f"`{name}` has to be above 0")
        if not (self.save_every >= 0 and self.held_every >= 0):
            said.append("`save_every` and `held_every` have to be 0 or more")
        if not 0 <= self.values <= 1:
            said.append("`values` has to be from 0 to 1")
        if said:
            raise ConfigurationError("; ".join(said))


class Run:
    """A training run, and what it has done so far."""

    def __init__(
        self,
        settings: Settings,
        weights: Path,
        out: Path,
        resume: Path | None = None,
        start: Path | None = None,
    ) -> None:
        self.settings, self.weights, self.out = settings, weights, out
        self.network = Network(
            weights, rank=settings.rank, alpha=settings.alpha, seed=settings.seed, device=settings.device
        )
        if start is not None:
            pairs, alpha = adapter.load(start)
            if alpha != settings.alpha:
                raise ConfigurationError(
                    f"{start.name} has the alpha {alpha:g}, and this run {settings.alpha:g}"
                )
            self.network.load(pairs)
        self._optimizer = torch.optim.AdamW(
            self.network.parameters(), lr=settings.rate, betas=(0.9, 0.98), weight_decay=0.0, fused=True
        )
        self.step = self.groups = self.examples = self.tokens = self.targets = 0
        self.seconds = 0.0
        self.losses: list[dict[str, Any]] = []
        self.stopped = False
        if resume is not None:
            self._resume(resume)

    def train(self, tokenizer: Tokenizer) -> None:
        """Learn until the examples or the time are used up, or `stopped` is set."""
        held = self._held(tokenizer)
        if not self.losses:
            self.score(held)
        began = time.monotonic() - self.seconds
        saved = scored = self.seconds
        recent: list[tuple[float, int, float]] = []  # loss, tokens, seconds
        for some in steps(self._stream(tokenizer), self.settings.tokens):
            if self.stopped or self._progress() >= 1:
                break
            before = time.monotonic()
            loss, count = self._learn(some)
            self.seconds = time.monotonic() - began
            recent = [*recent[-19:], (loss, count, time.monotonic() - before)]
            if self.step % 10 == 0 or self.step < 4:
                self._log(recent)
            if self.seconds - scored >= self.settings.held_every:
                self.score(held)
                scored = self.seconds
            if self.seconds - saved >= self.settings.save_every:
                self.save(self.out.with_suffix(".part.gguf"))
                saved = self.seconds
        if self.stopped:
            self.save(self.out.with_suffix(".part.gguf"))
            say("stopped; go on with --resume " + str(self._checkpoint()))
            return
        self.score(held)
        self.save(self.out)

    def score(self, held: Sequence[Group]) -> None:
        """Log the mean loss of a target token of each family of the held examples."""
        sums: dict[str, list[float]] = defaultdict(list)
        with torch.no_grad():
            for groups in steps(held, self.settings.tokens):
                batch = pack(groups)
                for family, loss in zip(batch.families, self.network.losses(batch).tolist(), strict=True):
                    sums[family].append(loss)
        every = [loss for found in sums.values() for loss in found]
        mean = {family: round(sum(found) / len(found), 4) for family, found in sorted(sums.items())}
        total = round(sum(every) / max(1, len(every)), 4)
        self.losses.append({"step": self.step, "examples": self.examples, "held": total, "families": mean})
        say(f"held loss {total:.4f}  " + "  ".join(f"{family} {loss:.3f}" for family, loss in mean.items()))

    def save(self, file: Path) -> None:
        """Write the adapter, the report beside it, and what is needed to go on."""
        report = self.report()
        short = {
            key: report[key]
            for key in ("examples", "tokens", "steps", "seconds", "seed", "held_loss", "torch")
        }
        pairs = self.network.pairs()
        adapter.export(file, pairs, alpha=self.settings.alpha, base=self.weights, report=short)
        self.out.with_suffix(".json").write_text(json.dumps(report, indent=2) + "\n", "utf-8")
        state = {
            "settings": asdict(self.settings),
            "pairs": {name: [half.detach() for half in pair] for name, pair in self.network.lora.items()},
            "optimizer": self._optimizer.state_dict(),
            "counts": [self.step, self.groups, self.examples, self.tokens, self.targets],
            "seconds": self.seconds,
            "losses": self.losses,
        }
        part = self._checkpoint().with_suffix(".pt.part")
        torch.save(state, part)
        os.replace(part, self._checkpoint())
        say(f"saved {file}")

    def report(self) -> dict[str, Any]:
        """What was done, with what, for how long."""
        return {
            "settings": asdict(self.settings),
            "seed": self.settings.seed,
            "weights": self.weights.name,
            "steps": self.step,
            "groups": self.groups,
            "examples": self.examples,
            "tokens": self.tokens,
            "target_tokens": self.targets,
            "seconds": round(self.seconds, 1),
            "tokens_per_second": round(self.tokens / self.seconds, 1) if self.seconds else 0.0,
            "held_loss": self.losses[-1]["held"] if self.losses else 0.0,
            "losses": self.losses,
            "torch": torch.__version__,
            "python": platform.python_version(),
            "machine": _machine(self.settings),
        }

    def _learn(self, groups: Sequence[Group]) -> tuple[float, int]:
        batch = pack(groups)
        for options in self._optimizer.param_groups:
            options["lr"] = self._rate()
        loss = self.network.losses(batch).mean()
        if not math.isfinite(loss.item()):
            raise ConfigurationError(
                f"the loss is {loss.item()} after step {self.step}: go on from an earlier checkpoint, or begin again, "
                "with a lower rate"
            )
        self._optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), 1.0)
        self._optimizer.step()
        self.step += 1
        self.groups += len(groups)
        self.examples += batch.examples
        self.tokens += len(batch.tokens)
        self.targets += len(batch.targets)
        return loss.item(), len(batch.tokens)

    def _progress(self) -> float:
        done = self.examples / self.settings.examples
        return done if self.settings.seconds is None else max(done, self.seconds / self.settings.seconds)

    def _rate(self) -> float:
        fall = 0.05 + 0.95 * (0.5 + 0.5 * math.cos(math.pi * min(1.0, self._progress())))
        return self.settings.rate * min(1.0, (self.step + 1) / self.settings.warm_up) * fall

    def _stream(self, tokenizer: Tokenizer) -> Iterator[Group]:
        """The groups to learn from, after those that an earlier part of this run has had."""
        skip = self.groups
        made = _generate(self.settings.seed, self.settings.examples, "train", self.settings.values)
        for examples in made:
            for group in _cut(encode_group(examples, tokenizer.encode), self.settings.tokens):
                if skip:
                    skip -= 1
                else:
                    yield group

    def _held(self, tokenizer: Tokenizer) -> list[Group]:
        made = _generate(self.settings.seed + 1, self.settings.held, "held", self.settings.values)
        return [group for examples in made for group in encode_group(examples, tokenizer.encode)]

    def _log(self, recent: Sequence[tuple[float, int, float]]) -> None:
        losses, counts, seconds = zip(*recent, strict=True)
        progress = self._progress()
        left = self.seconds / progress * (1 - progress) if progress else 0.0
        say(
            f"step {self.step}  examples {self.examples}  loss {sum(losses) / len(losses):.4f}  "
            f"{sum(counts) / sum(seconds):.0f} tokens/s  rate {self._rate():.1e}  "
            f"{self.seconds:.0f} s, {left:.0f} s left"
        )

    def _checkpoint(self) -> Path:
        return self.out.with_suffix(".pt")

    def _resume(self, file: Path) -> None:
        try:
            state = torch.load(file, weights_only=True, map_location=self.network.device)
            made = state["settings"]
            own = ("seed", "rank", "alpha", "tokens", "values")
            differs = [key for key in own if made.get(key) != getattr(self.settings, key)]
            if not differs:
                self._take(state)
        except ConfigurationError as error:
            raise ConfigurationError(
                f"the checkpoint {file.name} does not fit these weights: {error}"
            ) from None
        except Exception as error:  # torch raises what its unpickler meets
            said = next(iter(str(error).splitlines()), "")
            raise ConfigurationError(
                f"{str(file)!r} is no checkpoint of a training run: {type(error).__name__} {said}"
            ) from None
        if differs:
            raise ConfigurationError(f"the checkpoint {file.name} was made with other {', '.join(differs)}")
        self.settings = replace(self.settings, start=made.get("start", ""))  # what it was, named again or not
        say(f"going on after step {self.step}")

    def _take(self, state: Mapping[str, Any]) -> None:
        self.network.load(
            {name: (a.cpu().numpy(), b.cpu().numpy()) for name, (a, b) in state["pairs"].items()}
        )
        self._optimizer.load_state_dict(state["optimizer"])
        self.step, self.groups, self.examples, self.tokens, self.targets = state["counts"]
        self.seconds, self.losses = state["seconds"], state["losses"]


def say(text: str) -> None:
    """A line of the log, with the time."""
    print(f"{time.strftime('%H:%M:%S')}  {text}", flush=True)


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line."""
    defaults = Settings()
    parser = argparse.ArgumentParser(
        prog="python -m training", description="Train the embedded planner's adapter."
    )
    parser.add_argument(
        "--out", type=Path, default=OUT, help="the adapter's file; report and checkpoint lie beside it"
    )
    parser.add_argument("--weights", type=Path, help="GGUF file; the pulled default weights")
    parser.add_argument(
        "--resume", type=Path, help="checkpoint (.pt) of a run with the same settings to go on with"
    )
    parser.add_argument("--start", type=Path, help="adapter (.gguf) to begin with")
    parser.add_argument(
        "--values",
        type=float,
        default=defaults.values,
        help="share of values out of texts, 0 to 1; the rest are plans",
    )
    parser.add_argument("--examples", type=int, default=defaults.examples)
    parser.add_argument("--seconds", type=float, help="end after this time even if examples are left")
    parser.add_argument("--seed", type=int, default=defaults.seed)
    parser.add_argument("--rank", type=int, default=defaults.rank)
    parser.add_argument("--alpha", type=float, default=defaults.alpha)
    parser.add_argument("--rate", type=float, default=defaults.rate, help="highest learning rate")
    parser.add_argument("--warm-up", type=int, default=defaults.warm_up, help="steps")
    parser.add_argument("--tokens", type=int, default=defaults.tokens, help="tokens of a step")
    parser.add_argument("--held", type=int, default=defaults.held, help="held examples whose loss is logged")
    parser.add_argument("--held-every", type=float, default=defaults.held_every, help="seconds")
    parser.add_argument("--save-every", type=float, default=defaults.save_every, help="seconds")
    parser.add_argument("--threads", type=int, default=defaults.threads)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    options = vars(parser.parse_args(arguments))
    out, weights, resume = options.pop("out"), options.pop("weights"), options.pop("resume")
    start: Path | None = options.pop("start")
    try:
        weights = weights or find_weights()
        if weights is None:
            raise ConfigurationError(f"the weights are not there: run `{PULL_COMMAND}`")
        settings = Settings(**options, start="" if start is None else _sha256(start))
        _prepare(settings)
        _check(out)
        run = Run(settings, weights, out, resume, start)
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: setattr(run, "stopped", True))
        with Tokenizer(weights) as tokenizer:
            run.train(tokenizer)
    except ConfigurationError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


def _generate(seed: int, count: int, split: Split, values: float) -> Iterator[list[Example]]:
    yield from groups(seed, count, split, values=values)


def _cut(groups: Sequence[Group], tokens: int) -> Iterator[Group]:
    """So that what is counted is what `steps` hands out: groups of at most a step."""
    for group in groups:
        for some in steps([group], tokens):
            yield from some


def _sha256(file: Path) -> str:
    try:
        return hashlib.sha256(file.read_bytes()).hexdigest()
    except OSError as error:
        raise ConfigurationError(f"{str(file)!r} can not be read: {error.strerror}") from None


def _check(out: Path) -> None:
    """That there is a place for what is made, before hours go into it."""
    if out.suffix != ".gguf" or out.is_dir():
        raise ConfigurationError(f"{str(out)!r} is not the name of a .gguf file")
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        trial = out.with_suffix(".pt.part")
        trial.touch()
        trial.unlink()
    except OSError as error:
        raise ConfigurationError(f"{str(out.parent)!r} can not be written to: {error.strerror}") from None


def _prepare(settings: Settings) -> None:
    try:
        torch.empty(1, device=settings.device)
    except (RuntimeError, AssertionError) as error:
        said = next(iter(str(error).splitlines()), "")
        raise ConfigurationError(f"the `device` {settings.device!r} can not be used: {said}") from None
    torch.manual_seed(settings.seed)
    torch.set_num_threads(settings.threads)
    if settings.device.startswith("cuda"):
        torch.set_float32_matmul_precision("high")
    if sys.platform == "linux":
        # A step needs gigabytes: handed back to the system each time, a quarter of the time would go to page faults.
        for option, value in ((-3, 1 << 30), (-1, 0x7FFFFFFF), (-2, 1 << 28)):
            ctypes.CDLL(None).mallopt(option, value)


def _machine(settings: Settings) -> str:
    if settings.device.startswith("cuda"):
        return str(torch.cuda.get_device_name())
    model = platform.processor() or platform.machine()
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
        model = next(line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        pass
    return f"{model}, {settings.threads} thread{'s' if settings.threads > 1 else ''}"
