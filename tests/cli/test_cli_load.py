"""Names of tools on the command line, right and wrong."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from command_line import Invoke

from llmcompiler import ConfigurationError
from llmcompiler.cli._load import load, load_tools


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [str(Path(__file__).parent), *sys.path])
    before = dict(sys.modules)
    yield tmp_path  # type: ignore[misc]
    for name in set(sys.modules) - set(before):
        del sys.modules[name]


def names(*references: str) -> list[str]:
    return [t.name for t in load_tools(references)]


def write(name: str, text: str) -> Path:
    path = Path(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


GOOD = "from llmcompiler import tool\nimport helper\n@tool\ndef double(x: int) -> int:\n    return 2 * x\n"


@pytest.mark.parametrize(
    ("reference", "expected"),
    [
        ("sample_tools", ["search", "divide", "send_mail", "wait", "hang", "chatty"]),
        ("sample_tools:tools", ["search", "divide", "send_mail", "wait", "hang", "chatty"]),
        ("sample_tools:search", ["search"]),
        ("sample_tools:by_name", ["search", "divide"]),
        ("sample_tools:plain", ["plain"]),
    ],
)
def test_what_a_name_may_be(reference: str, expected: list[str]) -> None:
    assert names(reference) == expected


def test_a_package_that_loads_its_tools_when_asked() -> None:
    assert {"calculate", "population", "wikipedia"} <= set(names("llmcompiler_tools"))
    assert "wikipedia" not in names("llmcompiler_tools:offline_tools")


def test_several_names_and_one_tool_twice() -> None:
    assert names("sample_tools:divide", "sample_tools:by_name", "sample_tools:plain") == [
        "divide",
        "search",
        "plain",
    ]


def test_files_modules_and_packages_of_the_current_folder() -> None:
    write("helper.py", "")
    write("mine.py", GOOD)
    write("deep/inner.py", GOOD.replace("import helper\n", ""))
    write("package/__init__.py", "")
    write("package/part.py", GOOD.replace("import helper\n", ""))
    for reference in (
        "mine",
        "mine:double",
        "./mine.py",
        "mine.py:double",
        "deep/inner.py:double",
        "package.part",
    ):
        assert names(reference) == ["double"]
    assert load(str(Path("mine.py").resolve())) is load("mine.py"), "one file is run once"


def test_a_file_named_like_a_module_of_python_does_not_replace_it() -> None:
    import json

    write("json.py", GOOD.replace("import helper\n", ""))
    assert names("json.py") == ["double"]
    assert sys.modules["json"] is json


@pytest.mark.parametrize(
    ("reference", "words"),
    [
        ("sample_tolls:x", ["no module named `sample_tolls`", "current folder", "path/to/file.py:attr"]),
        ("mien:double", ["did you mean `mine`"]),
        ("mien.py:double", ["no such file", "did you mean `mine.py`"]),
        ("package.prat", ["no module named `package.prat`", "did you mean `part`"]),
        ("sample_tools:serach", ["`sample_tools` has no `serach`", "did you mean `search`"]),
        ("sample_tools:xyzzy", ["has no `xyzzy`", "its tools: search, divide"]),
        ("sample_tools:number", ["a `int` is not a tool"]),
        ("sample_tools:PLAN", ["a `str` is not a tool"]),
        ("sample_tools:Mountain", ["is not a tool"]),
        ("sample_tools:empty", ["holds no tools"]),
        ("bare", ["no tools in it", "bare:helper_function", "@tool"]),
        ("mixed:tools", ["3 is neither a tool nor a function"]),
        ("untyped:tools", ["tool `f`", "`x` has no type hint"]),
        ("needs_it", ["needs the module `not_installed_anywhere`", "needs_it.py:1"]),
        ("needs_it.py", ["needs the module `not_installed_anywhere`", "needs_it.py:1"]),
        ("broken", ["broken.py:2: SyntaxError", "def f(:"]),
        ("raises", ["raises.py:2: ZeroDivisionError: division by zero", "1 / 0"]),
        ("exits", ["exits while being imported", "__main__"]),
        ("untypeable", ["untypeable.py:", "tool `f`", "no type hint"]),
        ("", ["names nothing"]),
        (":x", ["not the name of a module"]),
        ("a b", ["not the name of a module"]),
    ],
)
def test_what_is_wrong_is_said_in_the_users_words(reference: str, words: list[str]) -> None:
    write("mine.py", "double = 1\n")
    write("package/__init__.py", "")
    write("package/part.py", "")
    write("bare.py", "def helper_function(x: int) -> int:\n    return x\n")
    write("mixed.py", "tools = [3]\n")
    write("untyped.py", "def f(x): ...\ntools = [f]\n")
    write("needs_it.py", "import not_installed_anywhere\n")
    write("broken.py", "x = 1\ndef f(:\n")
    write("raises.py", "x = 1\ny = 1 / 0\n")
    write("exits.py", "import sys\nsys.exit(3)\n")
    write("untypeable.py", "from llmcompiler import tool\n@tool\ndef f(x): ...\n")
    with pytest.raises(ConfigurationError) as caught:
        load_tools([reference])
    text = str(caught.value)
    for part in words:
        assert part in text
    assert "Traceback" not in text
    assert "_load.py" not in text


def test_a_current_folder_that_is_gone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    assert names("sample_tools:divide") == ["divide"]
    with pytest.raises(ConfigurationError, match="no module named `nowhere`"):
        load_tools(["nowhere"])
    monkeypatch.chdir(tmp_path)


def test_two_tools_of_one_name_are_refused() -> None:
    write("mine.py", "def divide(a: int) -> int:\n    return a\n")
    with pytest.raises(ConfigurationError, match="two tools are named `divide`"):
        load_tools(["sample_tools:divide", "mine:divide"])


def test_a_wrong_name_is_bad_usage(invoke: Invoke) -> None:
    done = invoke("tools", "--tools", "sample_tools:serach")
    assert (done.code, done.out) == (2, "")
    assert done.err == "error: `sample_tools` has no `serach` (did you mean `search`?)\n"
