"""The cache of plan templates: what is learned, what is recalled, and that nothing is ever recalled wrongly."""

from __future__ import annotations

import asyncio
import json
import logging
import sqlite3
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any, Literal

import pytest

from llmcompiler import LLMCompiler, Plan, RunResult, tool
from llmcompiler.errors import ConfigurationError, ModelReplyInvalid, TransientError
from llmcompiler.limits import Limits
from llmcompiler.outcomes import Succeeded
from llmcompiler.plan import Join, Task
from llmcompiler.protocols import Answer, Decision, JoinContext, PlanContext, PlanItem, Replan
from llmcompiler.testing import RecordingReporter, ScriptedModel, ScriptedPlanner
from llmcompiler.tools import ToolRegistry
from llmcompiler_planners import CachedPlanner, PlanCache
from llmcompiler_planners.plan_store import Stored


@tool(effect="read")
async def population(city: str) -> int:
    """People who live in a city."""
    if city == "Atlantis":
        raise LookupError("no such city")
    return 100 * len(city)


@tool(effect="read")
async def founded(city: str) -> int:
    return 1000


@tool
async def paint(thing: str, colour: Literal["red", "blue"] = "red") -> str:
    return colour


TOOLS = ToolRegistry([population, founded, paint])
COMPARE = '1. population("Oslo")\n2. population("Bergen")\njoin($1)'
BIGGER = "Is Oslo bigger than Bergen?"


@pytest.fixture(params=["memory", "sqlite"])
def make(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[..., PlanCache]]:
    made: list[PlanCache] = []

    def cache(**options: Any) -> PlanCache:
        path = tmp_path / "plans.db" if request.param == "sqlite" else None
        made.append(PlanCache(path=path, **options))
        return made[-1]

    yield cache
    for one in made:
        one.close()


class Knowing:
    """Writes plans from a dict of texts, and counts how often it was asked."""

    def __init__(self, plans: dict[str, str]) -> None:
        self.plans = plans
        self.asked: list[str] = []
        self.model = ScriptedModel([])

    async def plan(self, context: PlanContext) -> AsyncIterator[PlanItem]:
        self.asked.append(context.question)
        plan = Plan.parse(self.plans[context.question])
        for task in plan.tasks:
            yield task
        if plan.join is not None:
            yield plan.join


def learned(
    cache: PlanCache, question: str = BIGGER, plan: str = COMPARE, tools: ToolRegistry = TOOLS
) -> bool:
    return cache.learn(question, Plan.parse(plan, tools), tools)


def recalled(cache: PlanCache, question: str, tools: ToolRegistry = TOOLS) -> Plan | None:
    found = cache.recall(question, tools)
    return None if found is None else found.plan


# -- a compiler with a cache ------------------------------------------------------------------


async def test_a_second_question_of_the_form_asks_no_model_for_its_plan(
    make: Callable[..., PlanCache],
) -> None:
    model = ScriptedModel([COMPARE])
    seen = RecordingReporter()
    cache = make()
    compiler = LLMCompiler(TOOLS, model=model, plan_cache=cache, reporters=[seen])
    first = await compiler.run(BIGGER)
    assert (first.output, first.usage.model_calls, first.notes) == (400, 1, [])
    again = await compiler.run("Is Quito bigger than Lima?")
    assert (again.output, again.usage.model_calls) == (500, 0)
    assert [t.task.args for t in again.tasks.values()] == [{"city": "Quito"}, {"city": "Lima"}]
    (note,) = again.notes
    assert note.name == "recalled"
    assert "Is {city} bigger than {city_2}?" in note.text
    assert any("Recalled" in e.text for e in seen.events if e.type == "ThoughtEmitted")
    assert len(model.requests) == 1
    assert (cache.stats.hits, cache.stats.misses, cache.stats.stored, len(cache)) == (1, 1, 1, 1)


async def test_another_verb_is_planned_anew(make: Callable[..., PlanCache]) -> None:
    older = "Is Oslo older than Bergen?"
    planner = Knowing({BIGGER: COMPARE, older: COMPARE.replace("population", "founded")})
    compiler = LLMCompiler(TOOLS, planner=planner, plan_cache=make())
    for question, name in (
        (BIGGER, "population"),
        (older, "founded"),
        (BIGGER, "population"),
        (older, "founded"),
    ):
        assert {t.tool for t in (await compiler.run(question)).plans[0].tasks} == {name}
    assert planner.asked == [BIGGER, older]


async def test_price_and_joiner_are_those_of_the_planner_behind_it() -> None:
    model = ScriptedModel([COMPARE])
    model.prices = (1.0, 1.0)  # type: ignore[attr-defined]
    compiler = LLMCompiler(TOOLS, model=model, plan_cache=PlanCache())
    assert isinstance(compiler.planner, CachedPlanner)
    assert compiler.planner is compiler.planner
    assert compiler.planner.model is model
    assert (await compiler.run(BIGGER, limits=Limits(cost=1.0))).usage.cost is not None


async def test_a_plan_is_recalled_where_only_a_plan_is_made() -> None:
    cache = PlanCache()
    learned(cache)
    compiler = LLMCompiler(TOOLS, planner=Knowing({}), plan_cache=cache)
    plan = await compiler.plan("Is Rome bigger than Paris?")
    assert str(plan) == '1. population(city="Rome")\n2. population(city="Paris")\n3. join($1)'


def test_what_is_no_plan_cache_is_refused() -> None:
    for wrong in (PlanCache, object(), "plans.db"):
        with pytest.raises(ConfigurationError, match="plan_cache="):
            LLMCompiler(TOOLS, plan_cache=wrong)  # type: ignore[arg-type]
    for options in ({"max_templates": 0}, {"confirm": 0}, {"confirm": True}, {"audit": 2}, {"propose": 1}):
        with pytest.raises(ConfigurationError, match="PlanCache"):
            PlanCache(**options)  # type: ignore[arg-type]
    for path in (":memory:", "", "."):
        with pytest.raises(ConfigurationError, match="PlanCache"):
            PlanCache(path=path)


def test_without_its_library_the_cache_in_a_file_says_what_to_install() -> None:
    code = (
        "import sys; sys.modules['sqlalchemy'] = None\n"
        "from llmcompiler_planners import PlanCache\nPlanCache()\nPlanCache(path='plans.db')"
    )
    env = {"PYTHONPATH": ":".join(p for p in sys.path if p), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=60, env=env
    )
    assert "pip install 'llmcompiler-runtime[sqlite]'" in done.stderr


# -- what is learned ---------------------------------------------------------------------------


class Scripted:
    def __init__(self, *decisions: Decision) -> None:
        self.decisions = list(decisions)

    async def join(self, context: JoinContext) -> Decision:
        return self.decisions.pop(0)


async def run_once(question: str, plans: list[Any], **options: Any) -> tuple[PlanCache, RunResult | None]:
    cache = PlanCache()
    compiler = LLMCompiler(TOOLS, planner=ScriptedPlanner(plans), plan_cache=cache, **options)
    try:
        return cache, await compiler.run(question)
    except Exception:  # of a run without an answer
        return cache, None


async def test_only_a_run_in_which_nothing_went_wrong_is_learned_from() -> None:
    bare = '1. population("Oslo")\njoin()'
    cases: dict[str, tuple[list[Any], dict[str, Any]]] = {
        "a failed task": ([bare.replace("Oslo", "Atlantis")], {"joiner": Scripted(Answer("?"))}),
        "a replan": ([bare, '2. founded("Oslo")\njoin()'], {"joiner": Scripted(Replan("more"), Answer("?"))}),
        "no answer": ([bare], {"joiner": Scripted(Replan("more")), "max_replans": 0}),
        "a repair": (
            ['1. populaton("Oslo")\njoin()', '1. population("Oslo")'],
            {"joiner": Scripted(Answer("?"))},
        ),
        "a warning": (['1. population("Oslo"\njoin()'], {"joiner": Scripted(Answer("?"))}),
        "a broken stream": (
            [[*Plan.parse(bare).tasks, ModelReplyInvalid("broke")], [Join()]],
            {"joiner": Scripted(Answer("?"))},
        ),
        "a limit": (
            ['1. population("Oslo")\n2. founded("Oslo")\njoin()'],
            {"joiner": Scripted(Answer("?")), "limits": Limits(tasks=1)},
        ),
        "no task": (["join()"], {"joiner": Scripted(Answer("?"))}),
    }
    for name, (plans, options) in cases.items():
        question = "How big is Atlantis?" if name == "a failed task" else "How big is Oslo?"
        cache, _ = await run_once(question, plans, **options)
        assert len(cache) == 0, name
    cache, result = await run_once("How big is Oslo?", [bare], joiner=Scripted(Answer("?")))
    assert result is not None
    assert result.output == "?"
    assert len(cache) == 1


async def test_a_planner_that_looks_or_answers_by_itself_teaches_nothing() -> None:
    class Looking:
        async def plan(self, context: PlanContext) -> AsyncIterator[PlanItem]:
            yield Task(1, "population", {"city": "Oslo"})
            outcome = await context.outcome(1)
            assert isinstance(outcome, Succeeded)
            yield Join(None)

    class Answering:
        async def plan(self, context: PlanContext) -> AsyncIterator[PlanItem]:
            yield Task(1, "population", {"city": "Oslo"})
            yield Answer("many")

    for planner in (Looking(), Answering()):
        cache = PlanCache()
        await LLMCompiler(TOOLS, planner=planner, plan_cache=cache).run("How big is Oslo?")
        assert len(cache) == 0


async def test_a_cancelled_run_teaches_nothing() -> None:
    started = asyncio.Event()

    @tool
    async def hang(city: str) -> str:
        started.set()
        await asyncio.Event().wait()
        return city

    cache = PlanCache()
    compiler = LLMCompiler(
        [hang], planner=Knowing({"How is Oslo?": '1. hang("Oslo")\njoin($1)'}), plan_cache=cache
    )
    run = asyncio.ensure_future(compiler.run("How is Oslo?"))
    await started.wait()
    run.cancel()
    with pytest.raises(asyncio.CancelledError):
        await run
    assert len(cache) == 0


def test_plans_that_can_be_no_templates_are_not_kept(make: Callable[..., PlanCache]) -> None:
    cache = make()
    assert not cache.learn("Is Oslo big?", Plan(), TOOLS)
    assert not cache.learn("Oslo " * 50_000, Plan.parse('1. population("Oslo")'), TOOLS)
    assert not cache.learn("Weather now?", Plan.parse('1. paint("2026-03-04")'), TOOLS)
    assert not cache.learn("Paint it", Plan((Task(1, "paint", {"thing": object()}),)), TOOLS)
    assert not cache.learn("Paint it", Plan((Task(1, "paint", {"thing": float("nan")}),)), TOOLS)
    assert len(cache) == 0
    assert sum(cache.stats.not_stored.values()) == 5


async def test_a_planner_that_can_not_learn_is_no_danger() -> None:
    class Broken(Knowing):
        def learn(self, question: str, result: RunResult) -> None:
            raise RuntimeError("no")

    planner = Broken({BIGGER: COMPARE})
    assert (await LLMCompiler(TOOLS, planner=planner).run(BIGGER)).output == 400


async def test_every_planner_may_learn_of_every_run_but_a_cancelled_one() -> None:
    told: list[tuple[str, bool]] = []

    class Learning(Knowing):
        def learn(self, question: str, result: RunResult) -> None:
            told.append((question, result.error is None))

    compiler = LLMCompiler(TOOLS, planner=Learning({BIGGER: COMPARE}))
    await compiler.run(BIGGER)
    with pytest.raises(KeyError):
        await compiler.run("Who?")
    assert told == [(BIGGER, True), ("Who?", False)]


# -- what is recalled ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("question", "hit"),
    [
        ("Is Rome bigger than Paris?", True),
        (" is Rome  bigger than Paris ", True),
        ("Is Rome older than Paris?", False),
        ("Is Rome not bigger than Paris?", False),
        ("Is Rome bigger than Paris and Lyon?", False),
        ("Is Rome bigger than 7?", False),
        ("Is $1 bigger than ${1}?", False),
        ("Is Rome bigger than Paris?; Is Rome bigger than Paris?", False),
        ("", False),
        ("Is Rome bigger than " + "x" * 200_000, False),
    ],
)
def test_questions_that_are_of_the_form_and_those_that_are_not(
    make: Callable[..., PlanCache], question: str, hit: bool
) -> None:
    cache = make()
    assert learned(cache)
    assert (recalled(cache, question) is not None) is hit
    assert (cache.stats.hits, cache.stats.misses) == (int(hit), int(not hit))


def test_what_is_recalled_is_a_literal(make: Callable[..., PlanCache]) -> None:
    cache = make()
    assert learned(cache, 'Paint "house" and "$2"', '1. paint("house")\n2. paint("$$2")\njoin($1)')
    plan = recalled(cache, 'Paint "$1 ${1}" and "join($9)"')
    assert plan is not None
    assert [t.args["thing"] for t in plan.tasks] == ["$1 ${1}", "join($9)"]
    assert all(t.depends_on == () for t in plan.tasks)


def test_a_value_that_the_tool_does_not_take_is_refused(make: Callable[..., PlanCache]) -> None:
    cache = make()

    @tool
    def pick(colour: Literal["Red", "Blue"]) -> str:
        return colour

    tools = ToolRegistry([pick])
    assert learned(cache, "Pick Red", '1. pick("Red")', tools)
    assert recalled(cache, "Pick Blue", tools) is not None
    assert recalled(cache, "Pick Green", tools) is None
    assert cache.stats.refused == {"a value does not fit": 1}


def test_tools_that_changed_are_other_tools(make: Callable[..., PlanCache]) -> None:
    cache = make()
    assert learned(cache)

    @tool(name="population")
    def renamed(town: str) -> int:
        return 1

    @tool
    def newer(city: str) -> int:
        return 1

    for tools in ([renamed, founded, paint], [founded], [population, founded, paint, newer]):
        assert recalled(cache, BIGGER, ToolRegistry(tools)) is None
    assert cache.stats.refused == {"other tools": 3}
    assert recalled(cache, BIGGER, ToolRegistry([paint, founded, population])) is not None


def test_two_plans_for_one_form_make_neither_used(make: Callable[..., PlanCache]) -> None:
    cache = make()
    assert learned(cache)
    assert learned(cache, "Is Rome bigger than Paris", '1. founded("Rome")\n2. founded("Paris")\njoin($1)')
    for question in (BIGGER, "Is Rome bigger than Paris?"):
        assert recalled(cache, question) is None
    assert cache.stats.refused == {"several plans": 2}
    assert cache.forget(BIGGER, TOOLS) == 1
    assert learned(cache)
    assert recalled(cache, BIGGER) is not None


def test_a_template_may_have_to_be_confirmed_by_other_questions(make: Callable[..., PlanCache]) -> None:
    cache = make(confirm=2)
    assert learned(cache)
    assert learned(cache)
    assert recalled(cache, "Is Lima bigger than Quito?") is None
    assert cache.stats.refused == {"not confirmed": 1}
    assert learned(
        cache, "Is Rome bigger than Paris?", COMPARE.replace("Oslo", "Rome").replace("Bergen", "Paris")
    )
    assert recalled(cache, "Is Lima bigger than Quito?") is not None


async def test_after_a_run_that_went_wrong_it_has_to_be_confirmed_again(
    make: Callable[..., PlanCache],
) -> None:
    names = ["Oslo", "Rome", "Lima", "Paris"]
    planner = Knowing({f"How big is {n}?": f'1. population("{n}")\njoin($1)' for n in names})
    cache = make()
    compiler = LLMCompiler(TOOLS, planner=planner, plan_cache=cache)
    await compiler.run("How big is Oslo?")
    assert (await compiler.run("How big is Atlantis?")).tasks[1].outcome.status == "failed"
    assert cache.stats.distrusted == 1
    for name in ("Rome", "Lima"):
        await compiler.run(f"How big is {name}?")
    assert planner.asked == ["How big is Oslo?", "How big is Rome?", "How big is Lima?"]
    await compiler.run("How big is Paris?")
    assert len(planner.asked) == 3


async def test_a_recalled_plan_is_replanned_by_the_planner_behind_it() -> None:
    planner = ScriptedPlanner(['1. population("Oslo")\njoin()', '2. founded("Rome")\njoin()'])
    joiner = Scripted(Answer("first"), Replan("when?"), Answer("second"))
    cache = PlanCache()
    compiler = LLMCompiler(TOOLS, planner=planner, joiner=joiner, plan_cache=cache)
    await compiler.run("How big is Oslo?")
    result = await compiler.run("How big is Rome?")
    assert (result.output, len(result.plans)) == ("second", 2)
    assert [c.purpose for c in planner.contexts] == ["plan", "replan"]
    assert cache.stats.distrusted == 1


async def test_an_audit_asks_the_planner_and_finds_wrong_templates(make: Callable[..., PlanCache]) -> None:
    planner = Knowing(
        {
            "How old is Oslo?": '1. founded("Oslo")\njoin($1)',
            "How old is Rome?": '1. founded("Rome")\njoin($1)',
            "How old is Ada?": '1. paint("Ada")\njoin($1)',
        }
    )
    cache = make(audit=1.0)
    compiler = LLMCompiler(TOOLS, planner=planner, plan_cache=cache)
    for question in planner.plans:
        result = await compiler.run(question)
        assert result.notes == []
    assert planner.asked == list(planner.plans)
    assert (cache.stats.audited, cache.stats.wrong, cache.stats.hits) == (2, 1, 0)
    assert recalled(cache, "How old is Oslo?") is None


def test_proposals_pass_the_same_checks() -> None:
    curated = Plan.parse(COMPARE, TOOLS).generalize(BIGGER)
    cache = PlanCache(propose=lambda question: [curated])
    assert recalled(cache, "Is Rome bigger than Paris?") is not None
    assert recalled(cache, "Is Rome older than Paris?") is None
    assert recalled(cache, "Is Rome bigger than Paris?", ToolRegistry([founded])) is None

    def broken(question: str) -> list[Any]:
        raise TransientError("no")

    assert recalled(PlanCache(propose=broken), "Is Rome bigger than Paris?") is None


def test_those_used_longest_ago_go_first(make: Callable[..., PlanCache]) -> None:
    cache = make(max_templates=2)
    for word in ("big", "old"):
        assert learned(cache, f"How {word} is Oslo?", '1. population("Oslo")')
    assert recalled(cache, "How big is Rome?") is not None
    assert learned(cache, "How far is Oslo?", '1. population("Oslo")')
    assert (len(cache), cache.stats.evicted) == (2, 1)
    assert recalled(cache, "How old is Rome?") is None
    assert recalled(cache, "How big is Rome?") is not None
    assert [t.form_text for t in cache.templates()] == ["How far is {city}?", "How big is {city}?"]
    cache.clear()
    assert len(cache) == 0


def test_its_statistics_are_plain_data() -> None:
    cache = PlanCache()
    assert cache.stats.hit_rate == 0
    learned(cache)
    recalled(cache, BIGGER)
    recalled(cache, "Who?")
    assert cache.stats.hit_rate == 0.5
    assert json.loads(json.dumps(cache.stats.to_dict()))["hits"] == 1


# -- files ------------------------------------------------------------------------------------------


def test_a_file_is_shared_and_outlives_the_process(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "plans.db"
    first, second = PlanCache(path=path), PlanCache(path=path)
    assert learned(first)
    assert recalled(second, "Is Rome bigger than Paris?") is not None
    assert path.stat().st_mode & 0o077 == 0
    first.close()
    second.close()
    third = PlanCache(path=path)
    assert recalled(third, "Is Rome bigger than Paris?") is not None
    third.close()


@pytest.mark.parametrize("content", [b"not a database, by far" * 100, b"SQLite format 3\0" + b"\xff" * 5_000])
async def test_a_broken_file_is_a_miss_and_is_left_alone(
    tmp_path: Path, content: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "plans.db"
    path.write_bytes(content)
    cache = PlanCache(path=path)
    with caplog.at_level(logging.WARNING, "llmcompiler"):
        result = await LLMCompiler(TOOLS, planner=Knowing({BIGGER: COMPARE}), plan_cache=cache).run(BIGGER)
    assert result.output == 400
    assert path.read_bytes() == content
    assert len([r for r in caplog.records if "plan cache" in r.getMessage()]) == 1
    assert len(cache) == 0
    cache.close()


def test_a_database_of_somebody_else_is_left_alone(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "theirs.db"
    with sqlite3.connect(path) as db:
        db.execute("CREATE TABLE templates (id TEXT)")
    db.close()
    cache = PlanCache(path=path)
    learned(cache)
    assert recalled(cache, BIGGER) is None
    assert "another program" in caplog.text
    cache.close()


@pytest.mark.parametrize(
    "change",
    [
        "body = 'x'",
        "body = replace(body, 'Is Oslo', 'Is Rome')",
        "body = replace(body, '[[1, 2]]', '[[0, 9]]')",
        "body = replace(body, '\"template\": 1', '\"template\": 9')",
        "body = CAST(x'fffe00' AS TEXT)",
        "seen = 'many'",
        "scope = 'other'",
        "body = NULL OR 7",
    ],
)
def test_a_row_that_was_tampered_with_is_a_miss_and_is_written_anew(tmp_path: Path, change: str) -> None:
    path = tmp_path / "plans.db"
    cache = PlanCache(path=path)
    assert learned(cache)
    with sqlite3.connect(path) as db:
        db.execute(f"UPDATE templates SET {change}")
    db.close()
    assert recalled(cache, "Is Lima bigger than Quito?") is None
    assert learned(cache)
    assert recalled(cache, "Is Lima bigger than Quito?") is not None
    cache.close()


def test_many_threads_share_a_cache(make: Callable[..., PlanCache]) -> None:
    caches = [make() for _ in range(3)]
    wrong: list[object] = []
    ready = threading.Barrier(6)

    def work(number: int) -> None:
        cache = caches[number % 3]
        ready.wait(30)
        for i in range(15):
            name = "ABCDEF"[number] + "zz" + "bcdefghijklmnop"[i]
            cache.learn(
                f"How q{i % 5} is {name}?", Plan.parse(f'1. population("{name}")\njoin($1)', TOOLS), TOOLS
            )
            found = cache.recall(f"How q{i % 5} is {name}?", TOOLS)
            if found is not None and found.plan[1].args != {"city": name}:
                wrong.append(found)

    threads = [threading.Thread(target=work, args=(n,)) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not wrong
    assert not any(thread.is_alive() for thread in threads)
    assert all(len(cache) <= 5 for cache in caches)


def test_processes_share_a_file(tmp_path: Path) -> None:
    path = tmp_path / "plans.db"
    code = f"""
import sys
from llmcompiler import Plan
from llmcompiler.tools import ToolRegistry
from llmcompiler_planners import PlanCache

def size(city: str) -> int:
    return 1

tools = ToolRegistry([size])
cache = PlanCache(path={str(path)!r})
for i in range(20):
    cache.learn(f"How q{{i}} is Oslo?", Plan.parse('1. size("Oslo")', tools), tools)
    assert cache.recall(f"How q{{i}} is Rome?", tools) is not None or True
cache.close()
"""
    env = {"PYTHONPATH": ":".join(p for p in sys.path if p), "PYTHONDONTWRITEBYTECODE": "1"}
    running = [
        subprocess.Popen([sys.executable, "-c", code], env=env, stderr=subprocess.PIPE) for _ in range(3)
    ]
    for process in running:
        _, errors = process.communicate(timeout=60)
        assert process.returncode == 0, errors.decode()
    cache = PlanCache(path=path)
    assert 1 <= len(cache) <= 20
    assert all(t.verified() for t in cache.templates())
    cache.close()


async def test_concurrent_runs_of_one_question(make: Callable[..., PlanCache]) -> None:
    cache = make()
    planner = Knowing({BIGGER: COMPARE})
    compiler = LLMCompiler(TOOLS, planner=planner, plan_cache=cache)
    results = await asyncio.gather(*(compiler.run(BIGGER) for _ in range(8)))
    assert {r.output for r in results} == {400}
    assert len(cache) <= 1
    await compiler.run(BIGGER)
    assert (await compiler.run("Is Lima bigger than Quito?")).notes[0].name == "recalled"


def test_a_merge_keeps_what_was_there() -> None:
    cache = PlanCache()
    learned(cache)
    (entry,) = cache._store.all()
    assert isinstance(entry, Stored)
    assert entry.seen == 1
    assert not entry.contested
