"""Result caches: what they keep, for how long, and what they do when their file is broken, locked or shared."""

from __future__ import annotations

import dataclasses
import io
import logging
import math
import os
import sqlite3
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Annotated, Any, TypedDict

import pytest
from pydantic import BaseModel, Field, field_validator

from llmcompiler import ConfigurationError, Tool, tool
from llmcompiler.sharing.cache import Cache, Codec, Entry, MemoryCache
from llmcompiler.sharing.copies import NotCopyable, independent, size_of
from llmcompiler.sharing.identity import identity
from llmcompiler.sharing.sqlite import REST, SQLiteCache


class Clock:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(params=["memory", "sqlite"])
def cache(request: pytest.FixtureRequest, clock: Clock, tmp_path: Path) -> Iterator[Cache]:
    made: Cache = (
        MemoryCache(max_entries=5, clock=clock)
        if request.param == "memory"
        else SQLiteCache(tmp_path / "results.db", max_entries=5, clock=clock)
    )
    yield made
    made.close()


ANY = Codec()


def test_what_was_put_is_got(cache: Cache) -> None:
    assert cache.get("k", ANY) is None
    cache.put("k", {"a": [1, None]}, ANY)
    assert cache.get("k", ANY) == Entry({"a": [1, None]})
    cache.put("k", None, ANY)
    assert cache.get("k", ANY) == Entry(None)


def test_values_are_the_callers_own(cache: Cache) -> None:
    value = {"a": [1]}
    cache.put("k", value, ANY)
    value["a"].append(2)
    got = cache.get("k", ANY)
    assert got == Entry({"a": [1]})
    got.value["a"].append(3)
    assert cache.get("k", ANY) == Entry({"a": [1]})


def test_a_result_expires(cache: Cache, clock: Clock) -> None:
    cache.put("short", 1, ANY, 10)
    cache.put("long", 2, ANY)
    clock.now += 9.9
    assert cache.get("short", ANY) == Entry(1)
    clock.now += 0.1
    assert cache.get("short", ANY) is None
    clock.now += 1e9
    assert cache.get("long", ANY) == Entry(2)


@pytest.mark.parametrize("kind", ["memory", "sqlite"])
def test_the_caches_own_ttl_holds_where_none_is_given(kind: str, clock: Clock, tmp_path: Path) -> None:
    cache: Cache = (
        MemoryCache(ttl=10, clock=clock)
        if kind == "memory"
        else SQLiteCache(tmp_path / "a", ttl=10, clock=clock)
    )
    cache.put("own", 1, ANY)
    cache.put("longer", 1, ANY, 20)
    clock.now += 10
    assert cache.get("own", ANY) is None
    assert cache.get("longer", ANY) == Entry(1)
    cache.close()


def test_what_was_used_longest_ago_goes_first(cache: Cache, clock: Clock) -> None:
    for n in range(5):
        clock.now += 1
        cache.put(f"k{n}", n, ANY)
    clock.now += 1
    assert cache.get("k0", ANY) == Entry(0)
    for n in (5, 6):
        clock.now += 1
        cache.put(f"k{n}", n, ANY)
    assert [n for n in range(7) if cache.get(f"k{n}", ANY) is None] == [1, 2]
    assert len(cache) == 5  # type: ignore[arg-type]


def test_expired_results_go_before_good_ones(cache: Cache, clock: Clock) -> None:
    cache.put("old", 0, ANY)
    for n in range(4):
        clock.now += 1
        cache.put(f"k{n}", n, ANY, 10)
    clock.now += 20
    cache.put("new", 1, ANY)
    cache.put("newer", 1, ANY)
    assert cache.get("old", ANY) == Entry(0)
    assert cache.get("newer", ANY) == Entry(1)


@pytest.mark.parametrize("kind", ["memory", "sqlite"])
def test_bytes_are_bounded(kind: str, tmp_path: Path) -> None:
    cache: Cache = (
        MemoryCache(max_bytes=20_000) if kind == "memory" else SQLiteCache(tmp_path / "a", max_bytes=20_000)
    )
    cache.put("small", 1, ANY)
    cache.put("too large", "x" * 30_000, ANY)
    assert cache.get("too large", ANY) is None
    assert cache.get("small", ANY) == Entry(1), "what does not fit pushes nothing out"
    for n in range(20):
        cache.put(f"k{n}", "x" * 4_000, ANY)
    kept = [n for n in range(20) if cache.get(f"k{n}", ANY) is not None]
    assert kept == list(range(20 - len(kept), 20))
    assert 3 <= len(kept) <= 5
    cache.close()


def test_changes_show_in_epochs(cache: Cache) -> None:
    a, b, everything = cache.epoch(["a"]), cache.epoch(["b"]), cache.epoch(None)
    assert cache.epoch(["a"]) == a
    cache.bump(["a", "c"])
    assert cache.epoch(["a"]) != a
    assert cache.epoch(["a", "b"]) != b
    assert cache.epoch(["b"]) == b
    assert cache.epoch(None) != everything
    a = cache.epoch(["a"])
    cache.bump(None)
    assert cache.epoch(["a"]) != a
    assert cache.epoch(["b"]) != b


def test_one_cache_serves_many_threads(cache: Cache) -> None:
    failures: list[BaseException] = []

    def work(me: int) -> None:
        try:
            for n in range(30):
                cache.put(f"{me}-{n % 2}", [me, n], ANY)
                got = cache.get(f"{me}-{n % 2}", ANY)
                assert got is None or got.value[0] == me
                cache.bump([str(me)])
                assert cache.epoch([str(me)]) is not None
        except BaseException as e:
            failures.append(e)

    threads = [threading.Thread(target=work, args=(me,)) for me in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures


@pytest.mark.parametrize(
    "options", [{"max_entries": 0}, {"max_bytes": -1}, {"ttl": 0}, {"ttl": True}, {"max_entries": 1.5}]
)
@pytest.mark.parametrize(
    "make", [MemoryCache, partial(SQLiteCache, "never-made.db")], ids=["memory", "sqlite"]
)
def test_bounds_are_checked(make: Any, options: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError, match=next(iter(options))):
        make(**options)


# -- values as text --------------------------------------------------------------------


@dataclasses.dataclass
class City:
    name: str
    people: int
    founded: datetime | None = None


class Row(TypedDict):
    id: int


class Book(BaseModel):
    title: str = Field(alias="Title")
    pages: int = 0


class Hidden(BaseModel):
    name: str
    secret: str = Field(exclude=True)


class Odd(BaseModel):
    name: str

    @field_validator("name")
    @classmethod
    def longer(cls, value: str) -> str:
        return value + "!"


def gives(kind: Any) -> Codec:
    def func() -> None: ...

    func.__annotations__["return"] = kind
    return Codec.of(func)


KEPT = [
    (None, {"a": [1, 2.5, True, None, "\ud800", 10**30]}),
    (None, math.nan),
    (dict[str, Any], {"a": 1}),
    (dict[int, str], {1: "a"}),
    (City, City("Oslo", 700_000, datetime(2024, 1, 1, tzinfo=UTC))),
    (list[City], [City("Oslo", 1)]),
    (tuple[int, str], (1, "a")),
    (set[str], {"a", "b"}),
    (Decimal, Decimal("1.10")),
    (bytes, b"abc"),
    (Row, {"id": 1}),
    (Book, Book(Title="x")),
    (Book, Book(Title="x", pages=3)),
    (Annotated[list[int], Field(max_length=3)], [1, 2]),
]


@pytest.mark.parametrize(
    ("kind", "value"), KEPT, ids=lambda v: str(sorted(v)) if isinstance(v, set) else str(v)
)
def test_what_json_gives_back_as_it_was_is_kept(kind: Any, value: Any) -> None:
    codec = gives(kind) if kind is not None else ANY
    text = codec.dump(value)
    assert text is not None
    again = codec.load(text)
    assert type(again) is type(value)
    assert again == value or value != value


NOT_KEPT = [
    (None, City("Oslo", 1)),
    (None, (1, 2)),
    (None, {1: "a"}),
    (None, {1, 2}),
    (None, b"a"),
    (dict[str, str], City("Oslo", 1)),
    (City | None, {"name": "Oslo", "people": 1, "founded": datetime(2024, 1, 1, tzinfo=UTC)}),
    (Hidden, Hidden(name="a", secret="b")),
    (Odd, Odd(name="a")),
    (int, True if False else 10**5000),
    (None, io.StringIO("a")),
    (None, (n for n in "a")),
]


@pytest.mark.parametrize(("kind", "value"), NOT_KEPT, ids=lambda v: type(v).__name__)
def test_what_json_would_change_is_not_kept(kind: Any, value: Any) -> None:
    codec = gives(kind) if kind is not None else ANY
    assert codec.dump(value) is None


@pytest.mark.parametrize("text", ["", "x", "j", "j{", "t1", "t{}", "tnull", "p1"])
def test_a_broken_text_is_a_value_error(text: str) -> None:
    with pytest.raises(ValueError):
        gives(City).load(text)


# -- the file ----------------------------------------------------------------------------


def file_of(tmp_path: Path, clock: Clock | None = None, **options: Any) -> SQLiteCache:
    return SQLiteCache(tmp_path / "results.db", clock=clock or Clock(), **options)


def test_results_outlive_the_process(tmp_path: Path) -> None:
    first = file_of(tmp_path)
    first.put("k", City("Oslo", 1), gives(City))
    first.bump(["a"])
    epoch = first.epoch(["a"])
    first.close()
    second = file_of(tmp_path)
    assert second.get("k", gives(City)) == Entry(City("Oslo", 1))
    assert second.epoch(["a"]) == epoch
    second.close()
    second.close()


def test_only_its_user_may_read_the_file(tmp_path: Path) -> None:
    (tmp_path / "results.db").touch(0o644)
    cache = file_of(tmp_path)
    cache.put("k", 1, ANY)
    files = list(tmp_path.iterdir())
    assert len(files) == 3, "the file, its log and its index"
    assert {stat.S_IMODE(f.stat().st_mode) for f in files} == {0o600}
    cache.close()


def test_folders_are_made(tmp_path: Path) -> None:
    cache = SQLiteCache(tmp_path / "a" / "b" / "results.db")
    cache.put("k", 1, ANY)
    assert len(cache) == 1
    assert str(tmp_path) in repr(cache)
    cache.close()


@pytest.mark.parametrize("path", ["", ":memory:", "."])
def test_a_path_that_is_no_file_is_refused(path: str) -> None:
    with pytest.raises(ConfigurationError, match="path of a file"):
        SQLiteCache(path)


def change(tmp_path: Path, sql: str, *values: Any) -> None:
    db = sqlite3.connect(tmp_path / "results.db")
    with db:
        db.execute(sql, values)
    db.close()


@pytest.mark.parametrize("text", ["", "j{", "t{}", "\x00", b"\xff\xfe"])
def test_a_broken_row_is_a_miss_and_goes(tmp_path: Path, text: Any) -> None:
    cache = file_of(tmp_path)
    cache.put("k", 1, ANY)
    change(tmp_path, "UPDATE results SET value = CAST(? AS TEXT)", text)
    assert cache.get("k", ANY) is None
    cache.put("k", 2, ANY)
    assert cache.get("k", ANY) == Entry(2)
    cache.close()


def test_a_broken_file_is_a_miss_and_is_left_alone(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    junk = b"this is no database, and somebody may need it " * 100
    (tmp_path / "results.db").write_bytes(junk)
    cache = file_of(tmp_path)
    for _ in range(3):
        cache.put("k", "a secret", ANY)
        assert cache.get("k", ANY) is None
        cache.bump(["a"])
        assert cache.epoch(["a"]) is None
    assert len(cache) == 0
    cache.close()
    assert (tmp_path / "results.db").read_bytes() == junk
    assert [r.levelno for r in caplog.records] == [logging.WARNING]
    assert "not a database" in caplog.text
    assert "a secret" not in caplog.text


def test_a_database_of_somebody_else_is_left_alone(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    change(tmp_path, "CREATE TABLE results (mine)")
    cache = file_of(tmp_path)
    cache.put("k", 1, ANY)
    assert cache.get("k", ANY) is None
    assert "another program" in caplog.text
    change(tmp_path, "INSERT INTO results VALUES (1)")


def test_results_of_another_schema_are_dropped(tmp_path: Path) -> None:
    cache = file_of(tmp_path)
    cache.put("k", 1, ANY)
    epoch = cache.epoch(["a"])
    cache.close()
    change(tmp_path, "PRAGMA user_version = 99")
    cache = file_of(tmp_path)
    assert cache.get("k", ANY) is None
    assert cache.epoch(["a"]) != epoch, "what was under way elsewhere must not be found later"
    cache.put("k", 2, ANY)
    assert cache.get("k", ANY) == Entry(2)
    cache.close()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_can_not_be_written_to_is_a_miss(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    assert file_of(tmp_path).get("k", ANY) is None


def test_a_path_through_a_file_is_a_miss(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "file").touch()
    cache = SQLiteCache(tmp_path / "file" / "results.db")
    cache.put("k", 1, ANY)
    assert cache.get("k", ANY) is None
    assert "can not" in caplog.text


def test_a_locked_file_is_a_miss_and_no_change_is_lost(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, clock: Clock
) -> None:
    cache, other = file_of(tmp_path, clock), file_of(tmp_path, clock)
    cache.put("k", 1, ANY)
    before = other.epoch(["a"])
    db = sqlite3.connect(tmp_path / "results.db", isolation_level=None)
    db.execute("BEGIN EXCLUSIVE")
    cache.put("new", 1, ANY)
    cache.bump(["a"])
    assert cache.epoch(["a"]) is None, "a change that is not noted yet must not be missed"
    assert [r.levelno for r in caplog.records] == [logging.WARNING]
    db.execute("ROLLBACK")
    db.close()
    assert cache.epoch(["a"]) is None, "it is left alone for a while"
    clock.now += REST
    assert cache.epoch(["a"]) not in (None, before)
    assert other.epoch(["a"]) not in (None, before)
    assert cache.get("new", ANY) is None
    assert cache.get("k", ANY) == Entry(1)
    cache.close()
    other.close()


def test_many_keys_are_folded_into_one_change(tmp_path: Path) -> None:
    cache = file_of(tmp_path)
    seen = cache.epoch(["untouched"])
    cache.bump([f"k{n}" for n in range(9_000)])
    assert cache.epoch(["untouched"]) == seen
    cache.bump([f"m{n}" for n in range(9_000)])
    cache.bump(["one more"])
    db = sqlite3.connect(tmp_path / "results.db")
    assert db.execute("SELECT count(*) FROM epochs").fetchone()[0] < 10_000
    db.close()
    for name in ("untouched", "k1", "m1", "one more"):
        assert cache.epoch([name]) > seen  # type: ignore[operator]
    cache.close()


WORKER = """
import sys, threading
from llmcompiler.sharing.cache import Codec
from llmcompiler.sharing.sqlite import SQLiteCache
cache, me = SQLiteCache(sys.argv[1]), sys.argv[2]
print("ready", flush=True)
sys.stdin.readline()
for n in range(100):
    cache.bump([me])
    cache.put(f"{me}-{n}", [me, n], Codec())
    cache.get(f"other-{n}", Codec())
while cache.epoch([me]) is None:
    threading.Event().wait(0.05)
cache.close()
"""


def test_two_processes_at_once(tmp_path: Path) -> None:
    path = str(tmp_path / "results.db")
    workers = [
        subprocess.Popen(
            [sys.executable, "-c", WORKER, path, me],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for me in ("a", "b")
    ]
    for worker in workers:
        assert worker.stdout is not None
        assert worker.stdout.readline() == "ready\n"
    cache = SQLiteCache(path)
    before = cache.epoch(None)
    assert before is not None
    for worker in workers:
        assert worker.stdin is not None
        worker.stdin.write("\n")
        worker.stdin.flush()
    for worker in workers:
        _, err = worker.communicate(timeout=60)
        assert (worker.returncode, "Traceback" in err) == (0, False), err
    a, b = cache.epoch(["a"]), cache.epoch(["b"])
    assert a is not None
    assert b is not None
    assert a != b
    assert max(a, b) == cache.epoch(None)
    # A change that had to wait for a lock is noted together with the next ones, so there may be fewer than 200.
    assert before < min(a, b)
    kept = [n for me in "ab" for n in range(100) if cache.get(f"{me}-{n}", Codec()) == Entry([me, n])]
    assert len(kept) > 0
    cache.close()


def test_a_child_does_not_use_the_connections_of_its_parent(tmp_path: Path) -> None:
    cache = file_of(tmp_path)
    cache.put("k", 1, ANY)
    engine = cache._open()
    cache._process = -1  # as in a child
    assert cache._open() is not engine
    assert cache.get("k", ANY) == Entry(1)
    cache.close()
    engine.dispose()


def test_without_its_library_the_file_cache_says_what_to_install() -> None:
    code = "import sys; sys.modules['sqlalchemy'] = None\nimport llmcompiler.sharing.sqlite"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=60
    )
    assert "pip install 'llmcompiler-runtime[sqlite]'" in done.stderr


# -- copies --------------------------------------------------------------------------------


class Handle:
    def __enter__(self) -> None: ...
    def __exit__(self, *_: object) -> None: ...


def test_copies_share_nothing_that_can_change() -> None:
    shared = [1]
    value = {"a": shared, "b": shared, "c": (shared, City("Oslo", 1)), "d": {1}}
    made = independent(value)
    assert made == value
    made["a"].append(2)
    made["c"][1].people = 2
    made["d"].add(2)
    assert value == {"a": [1], "b": [1], "c": ([1], City("Oslo", 1)), "d": {1}}
    assert made["b"] == [1, 2], "what was one object is one"


def test_what_can_not_change_is_not_copied() -> None:
    value = ("a", (1, 2.5), None)
    assert independent(value) is value
    text = "x" * 1_000_000
    assert independent([text])[0] is text


def test_a_circle_is_copied() -> None:
    circle: list[Any] = [1]
    circle.append(circle)
    made = independent(circle)
    assert made[1] is made is not circle


def test_deep_values_are_copied_or_refused() -> None:
    deep: list[Any] = []
    for _ in range(100_000):
        deep = [deep]
    with pytest.raises(NotCopyable):
        independent(deep)


@pytest.mark.parametrize(
    "value",
    [
        iter([1]),
        (n for n in "a"),
        io.StringIO("a"),
        threading.Lock(),
        [iter([1])],
        {"a": (n for n in "a")},
        Handle(),
        [Handle()],
    ],
    ids=lambda v: type(v).__name__,
)  # fmt: skip
def test_what_can_be_used_once_only_is_not_copied(value: Any) -> None:
    with pytest.raises(NotCopyable):
        independent(value)


def test_large_values_are_refused_where_parts_are_bounded() -> None:
    assert independent([0] * 99, 100) == [0] * 99
    for value in ([0] * 101, [[0] * 60, [0] * 60], City("a", [0] * 101)):  # type: ignore[arg-type]
        with pytest.raises(NotCopyable):
            independent(value, 100)
    assert size_of("x" * 1_000) is not None
    assert size_of([0] * 1_000, 100) is None
    assert 100_000 < (size_of({"a": City("x" * 100_000, 1)}) or 0) < 110_000


# -- which tools are one ---------------------------------------------------------------------


def plain(x: int) -> int:
    return x


def made(of: Any) -> Tool:
    @tool(effect="read")
    def search(x: int) -> Any:
        return of, x

    return search


class Service:
    def search(self, x: int) -> int:
        return x


def test_a_tool_is_the_same_tool_after_a_restart() -> None:
    assert identity(tool(plain)) == identity(tool(plain))
    assert identity(made("a")) == identity(made("a"))
    code = (
        "import sys; sys.path[:0] = sys.argv[1:]\n"
        "from test_cache import *\n"
        "print(identity(tool(plain)), identity(made('a')))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(Path(__file__).parent)],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert done.stdout.split() == [identity(tool(plain)), identity(made("a"))]


def test_tools_that_differ_are_not_the_same_though_of_one_name() -> None:
    service = Service()
    tools = [
        tool(plain),
        tool(version="2")(plain),
        tool(name="other")(plain),
        made("a"),
        made("b"),
        made(1),
        made(True),
        made(plain),
        made([]),
        made([]),
        tool(service.search),
        tool(service.search),
        Tool.from_schema("search", {"type": "object"}, lambda **_: 1),
        Tool.from_schema("search", {"type": "object"}, lambda **_: 2),
        Tool.from_schema("search", {"type": "object"}, partial(plain, 1)),
        Tool.from_schema("search", {"type": "object"}, partial(plain, 2)),
    ]
    found = [identity(t) for t in tools]
    assert len(set(found)) == len(tools)
    assert found == [identity(t) for t in tools]
