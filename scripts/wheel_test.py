"""Builds the wheel and the sdist, installs the wheel in a new environment and uses it from an empty folder.

Run as `python scripts/wheel_test.py`; needs the package `build`. What is installed is what users get: nothing of the
checkout is on the path.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tarfile
import tempfile
import venv
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("llmcompiler", "llmcompiler_planners", "llmcompiler_tools", "llmcompiler_server")
"""In the checkout: at the top, and in `planners/`, `tools/` and `server/`."""

# Runs in the new environment, in an empty folder.
IMPORTS = """
import importlib, importlib.metadata, json, pathlib, sys

root = pathlib.Path(sys.prefix).resolve()
for name in sys.argv[1:]:
    module = importlib.import_module(name)
    where = pathlib.Path(module.__file__).resolve()
    assert root in where.parents, f"{name} comes from {where}, not from the wheel"
    assert (where.parent / "py.typed").is_file(), f"{name} has no py.typed"
    for public in getattr(module, "__all__", ()):
        try:
            getattr(module, public)
        except ImportError as error:
            # Without its extra the service can not be had, and says which one that is.
            assert name == "llmcompiler_server" and "[server]" in str(error), error
for name in ("fastapi", "xllamacpp"):
    assert name not in sys.modules, f"{name} is an extra and was imported"
import llmcompiler
assert llmcompiler.__version__ == importlib.metadata.version("llmcompiler-runtime")
print("imported", *sys.argv[1:])
"""

TOOLS = '''
from llmcompiler import tool


@tool
def double(number: float) -> float:
    """Twice a number."""
    return 2 * number
'''

PLAN = "1. double(10.5)\n2. double($1)\njoin($2)\n"


def run(*command: str | Path, cwd: Path, **env: str) -> str:
    """Run a command; its standard output. A failure shows everything it printed and ends the test."""
    clean = {
        k: v
        for k, v in os.environ.items()
        if not k.startswith(("PYTHON", "LLMCOMPILER", "OPENAI", "VIRTUAL_ENV"))
    }
    done = subprocess.run(
        [str(c) for c in command],
        cwd=cwd,
        env=clean | env,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    if done.returncode:
        sys.exit(
            f"{' '.join(map(str, command))}\nexit status {done.returncode}\n{done.stdout}\n{done.stderr}"
        )
    return done.stdout


def build(folder: Path) -> tuple[Path, Path]:
    """The wheel, built from the sdist, and the sdist."""
    run(sys.executable, "-m", "build", "--outdir", folder, ROOT, cwd=folder)
    (wheel,), (sdist,) = folder.glob("*.whl"), folder.glob("*.tar.gz")
    return wheel, sdist


def check_contents(wheel: Path, sdist: Path) -> None:
    """The wheel holds the four packages, their data and the licence, and nothing else."""
    names = zipfile.ZipFile(wheel).namelist()
    tops = {n.split("/")[0] for n in names}
    info = {t for t in tops if t.endswith(".dist-info")}
    assert tops - info == set(PACKAGES), f"top level of the wheel: {sorted(tops)}"
    assert any(n.endswith(".dist-info/licenses/LICENSE") for n in names), "no LICENSE in the wheel"
    for package in PACKAGES:
        assert f"{package}/py.typed" in names, f"no py.typed of {package} in the wheel"
    for folder, package in zip(("", "planners", "tools", "server"), PACKAGES, strict=True):
        for path in sorted((ROOT / folder / package).rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts and path.suffix not in (".pyc", ".part"):
                wanted = path.relative_to(ROOT / folder).as_posix()
                assert wanted in names, f"{wanted} is not in the wheel"
    with tarfile.open(sdist) as archive:
        packed = {n.split("/", 1)[1] for n in archive.getnames() if "/" in n}
    for wanted in ("README.md", "CHANGELOG.md", "LICENSE", "pyproject.toml", "llmcompiler/__init__.py"):
        assert wanted in packed, f"{wanted} is not in the sdist"
    print(
        f"{wheel.name}: {len(names)} files, {wheel.stat().st_size / 1e6:.1f} MB; {sdist.name}: {len(packed)} files"
    )


def main() -> None:
    """Build, install, use."""
    with tempfile.TemporaryDirectory(prefix="llmcompiler-wheel-") as name:
        temporary = Path(name)
        (dist := temporary / "dist").mkdir()
        wheel, sdist = build(dist)
        check_contents(wheel, sdist)

        (empty := temporary / "empty").mkdir()
        home = temporary / "venv"
        venv.create(home, with_pip=True)
        bin_ = home / ("Scripts" if os.name == "nt" else "bin")
        pip = (
            bin_ / "python",
            "-m",
            "pip",
            "--disable-pip-version-check",
            "install",
            "--quiet",
            "--only-binary",
            ":all:",
        )
        run(*pip, wheel, cwd=empty)
        print(run(bin_ / "python", "-c", IMPORTS, *PACKAGES, cwd=empty).strip(), "(no extras)")
        version = run(bin_ / "llmcompiler", "--version", cwd=empty).split()[-1]
        assert version in wheel.name, f"`llmcompiler --version` says {version}, the wheel is {wheel.name}"

        (empty / "plan.txt").write_text(PLAN, encoding="utf-8")
        (empty / "my_tools.py").write_text(TOOLS, encoding="utf-8")
        command = (bin_ / "llmcompiler", "exec", "plan.txt", "--tools", "my_tools")
        assert run(*command, cwd=empty).strip() == "42.0"
        assert json.loads(run(*command, "--json", cwd=empty))["output"] == 42.0
        print("llmcompiler exec plan.txt: 42.0")

        run(*pip, f"{wheel}[tools]", cwd=empty)
        listed = run(bin_ / "llmcompiler", "tools", cwd=empty)
        assert "calculate" in listed, listed
        (empty / "maths.txt").write_text('1. calculate("6 * 7")\njoin($1)\n', encoding="utf-8")
        assert float(run(bin_ / "llmcompiler", "exec", "maths.txt", cwd=empty)) == 42
        print("with [tools]: ready-made tools listed, calculate works")


if __name__ == "__main__":
    main()
