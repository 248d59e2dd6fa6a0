"""The spans of runs: which there are, where they hang, what they say, and what they keep to themselves."""

from __future__ import annotations

import asyncio
import gc
import threading
import time
from typing import Any

import pytest
from opentelemetry.trace import StatusCode

from llmcompiler import AsyncExecutor, Hedging, Join, LLMCompiler, Task, TransientError, tool
from llmcompiler.testing import ScriptedModel, ScriptedPlanner
from llmcompiler_planners import ModelJoiner, TextPlanner, ValuesJoiner
from tests.telemetry.telemetry_kit import Kept, about, events

SECRET = "sk-verysecret"


@tool(effect="read")
async def search(query: str) -> str:
    """Search."""
    return query.upper()


@tool(effect="read")
async def names() -> list[str]:
    """Names."""
    return ["a", "b", "c"]


@tool
def broken(text: str) -> str:
    """Fails."""
    raise ValueError(f"no {text}")


def compiled(kept: Kept, plan: str, *tools: Any, **options: Any) -> LLMCompiler:
    options.setdefault("joiner", ValuesJoiner())
    return LLMCompiler(
        [search, names, broken, *tools],
        planner=ScriptedPlanner([plan]),
        reporters=[kept.reporter],
        **options,
    )


async def test_a_run_is_a_tree_of_agent_plan_chat_tools_and_join() -> None:
    kept = Kept()
    model = ScriptedModel(['1. search("x")\n2. search($1)\njoin()', "Thought: so\nAction: Finish(done)"])
    compiler = LLMCompiler(
        [search], planner=TextPlanner(model), joiner=ModelJoiner(model), reporters=[kept.reporter]
    )
    result = await compiler.run("why?")
    assert sorted(kept.tree()) == sorted(
        [
            "invoke_agent llmcompiler",
            "  plan llmcompiler",
            "    chat scripted",
            "  execute_tool search",
            "  execute_tool search",
            "  join llmcompiler",
            "    chat scripted",
        ]
    )
    root = about(kept.one("invoke_agent llmcompiler"))
    assert root["gen_ai.operation.name"] == "invoke_agent"
    assert root["llmcompiler.run.id"] == result.run_id
    assert (root["llmcompiler.status"], root["llmcompiler.rounds"], root["llmcompiler.tasks"]) == (
        "answered",
        1,
        2,
    )
    assert root["gen_ai.usage.input_tokens"] == result.usage.prompt_tokens > 0
    plan, join = kept.named("chat scripted")
    assert (about(plan)["llmcompiler.purpose"], about(join)["llmcompiler.purpose"]) == ("plan", "join")
    assert about(plan)["gen_ai.usage.output_tokens"] + about(join)["gen_ai.usage.output_tokens"] == (
        result.usage.completion_tokens
    )
    assert about(plan)["gen_ai.response.finish_reasons"] == ("stop",)
    first, second = kept.named("execute_tool search")
    assert about(first)["gen_ai.tool.call.id"] == f"{result.run_id}:1"
    assert kept.links(first) == []
    assert kept.links(second) == [("data", "1")]
    assert {s.status.status_code for s in kept.spans} == {StatusCode.UNSET}
    assert all(s.start_time <= s.end_time for s in kept.spans if s.start_time and s.end_time)


async def test_times_are_those_of_the_run() -> None:
    kept = Kept()

    @tool
    async def slow() -> int:
        """Slow."""
        await asyncio.sleep(0.05)
        return 1

    before = time.time_ns()
    result = await compiled(kept, "1. slow()\njoin($1)", slow).run("?")
    after = time.time_ns()
    root, call = kept.one("invoke_agent llmcompiler"), kept.one("execute_tool slow")
    assert root.start_time
    assert root.end_time
    assert call.start_time
    assert call.end_time
    assert before <= root.start_time <= call.start_time < call.end_time <= root.end_time <= after + 1_000_000
    task = result.tasks[1]
    assert task.started is not None
    assert task.finished is not None
    assert (call.end_time - call.start_time) / 1e9 == pytest.approx(task.finished - task.started, abs=0.02)


async def test_order_by_effects_and_the_items_of_a_loop() -> None:
    kept = Kept()

    @tool(effect="write", resource="box")
    async def put(text: str) -> str:
        """Put."""
        return text

    plan = '1. put("a")\n2. names()\n3. for n in $2: search(n)\n4. put("b")\njoin()'
    await compiled(kept, plan, put).run("?")
    loop = kept.one("for search")
    assert kept.links(loop) == [("data", "2"), ("order", "1")]
    items = [s for s in kept.named("execute_tool search") if kept.above(s) == "for search"]
    assert sorted(about(s)["llmcompiler.task.item"] for s in items) == [0, 1, 2]
    assert "gen_ai.operation.name" not in about(loop)
    later = next(s for s in kept.named("execute_tool put") if about(s)["llmcompiler.task.id"] == 4)
    assert ("order", "1") in kept.links(later)


async def test_failures_skips_and_calls_that_were_not_needed() -> None:
    kept = Kept()
    plan = '1. broken("x")\n2. search($1)\n3. search("y")\n4. search("y")\njoin()'
    await compiled(kept, plan).run("?")
    failed = kept.one("execute_tool broken")
    assert failed.status.status_code is StatusCode.ERROR
    assert failed.status.description is None
    assert about(failed)["error.type"] == "ValueError"
    skipped, merged = (
        next(s for s in kept.named("execute_tool search") if about(s)["llmcompiler.task.id"] == i)
        for i in (2, 4)
    )
    assert (about(skipped)["llmcompiler.status"], about(skipped)["llmcompiler.task.cause"]) == ("skipped", 1)
    assert skipped.status.status_code is StatusCode.UNSET
    assert about(merged)["llmcompiler.task.via"] == "merged"
    assert kept.links(merged) == [("same", "3")]
    assert merged.start_time == merged.end_time


async def test_retries_and_hedges_are_events() -> None:
    kept = Kept()
    tries: list[int] = []

    @tool(effect="read", retries=1)
    async def flaky() -> int:
        """Fails once."""
        tries.append(1)
        if len(tries) == 1:
            raise TransientError(SECRET)
        return 1

    slow = False

    @tool(effect="read")
    async def uneven(i: int) -> int:
        """Slow once, later."""
        nonlocal slow
        if slow:
            slow = False
            await asyncio.sleep(30)
        return i

    executor = AsyncExecutor(hedge=Hedging(min_samples=3, budget=1.0))
    compiler = LLMCompiler([flaky, uneven], executor=executor)
    await compiler.execute("1. for i in [1, 2, 3, 4]: uneven(i)\njoin()")
    slow, compiler.reporters = True, (kept.reporter,)
    await compiler.execute("1. flaky()\n2. uneven(9)\njoin()")
    ((name, told),) = events(kept.one("execute_tool flaky"))
    assert (name, told["error.type"], told["llmcompiler.task.attempts"]) == ("retry", "TransientError", 1)
    assert about(kept.one("execute_tool flaky"))["llmcompiler.task.attempts"] == 2
    ((name, told),) = events(kept.one("execute_tool uneven"))
    assert name == "hedge"
    assert told["llmcompiler.hedge.after"] > 0
    assert SECRET not in kept.everything()


async def test_what_a_tool_does_is_below_its_span_in_every_try_and_thread() -> None:
    kept = Kept()
    tracer = kept.tracers.get_tracer("mine")
    tries: list[int] = []

    @tool(effect="read", retries=1)
    async def twice() -> int:
        """Fails once."""
        with tracer.start_as_current_span("in twice"):
            tries.append(1)
        if len(tries) == 1:
            raise TransientError("again")
        return 1

    @tool
    def threaded() -> int:
        """In a thread."""
        with tracer.start_as_current_span("in threaded"):
            return 1

    @tool
    async def agent() -> Any:
        """A run of its own."""
        inner = LLMCompiler([search], reporters=[kept.reporter])
        return (await inner.execute('1. search("deep")\njoin($1)')).output

    with tracer.start_as_current_span("user"):
        await compiled(
            kept, "1. twice()\n2. threaded()\n3. agent()\n4. names()\njoin()", twice, threaded, agent
        ).run("?")
    assert [kept.above(s) for s in kept.named("in twice")] == ["execute_tool twice"] * 2
    assert kept.above(kept.one("in threaded")) == "execute_tool threaded"
    assert sorted(str(kept.above(s)) for s in kept.named("invoke_agent llmcompiler")) == [
        "execute_tool agent",
        "user",
    ]
    assert len({s.context.trace_id for s in kept.spans}) == 1


async def test_what_a_models_client_does_is_below_the_chat_and_the_caller_keeps_its_span() -> None:
    from opentelemetry import trace

    kept = Kept()
    tracer = kept.tracers.get_tracer("http")

    class Model(ScriptedModel):
        async def stream(self, request: Any) -> Any:
            with tracer.start_as_current_span("POST"):
                async for chunk in super().stream(request):
                    yield chunk

    model = Model(['1. search("x")\njoin()', "Thought: so\nAction: Finish(done)"])
    compiler = LLMCompiler(
        [search], planner=TextPlanner(model), joiner=ModelJoiner(model), reporters=[kept.reporter]
    )
    with tracer.start_as_current_span("user") as user:
        await compiler.run("why?")
        assert trace.get_current_span() is user
    assert [kept.above(s) for s in kept.named("POST")] == ["chat scripted"] * 2
    assert kept.above(kept.one("execute_tool search")) == "invoke_agent llmcompiler"


async def test_several_rounds_and_a_planner_that_fails() -> None:
    kept = Kept()
    model = ScriptedModel(
        [
            '1. search("x")\njoin()',
            "Thought: no\nAction: Replan(look again)",
            '2. search("y")\njoin()',
            "Action: Finish(ok)",
        ]
    )
    compiler = LLMCompiler(
        [search], planner=TextPlanner(model), joiner=ModelJoiner(model), reporters=[kept.reporter]
    )
    await compiler.run("why?")
    plans = kept.named("plan llmcompiler")
    assert [(about(p)["llmcompiler.round"], about(p)["llmcompiler.purpose"]) for p in plans] == [
        (1, "plan"),
        (2, "replan"),
    ]
    assert about(kept.one("invoke_agent llmcompiler"))["llmcompiler.rounds"] == 2
    assert [e[0] for e in events(kept.named("join llmcompiler")[0])] == ["replan"]

    class Bad:
        async def plan(self, context: Any) -> Any:
            raise RuntimeError(SECRET)
            yield

    kept = Kept()
    with pytest.raises(RuntimeError):
        await LLMCompiler([search], planner=Bad(), joiner=ValuesJoiner(), reporters=[kept.reporter]).run(
            SECRET
        )
    root = kept.one("invoke_agent llmcompiler")
    assert root.status.status_code is StatusCode.ERROR
    assert about(root)["llmcompiler.status"] == "failed"
    assert SECRET not in kept.everything()


async def test_a_cancelled_run_ends_every_span() -> None:
    kept = Kept()
    begun = asyncio.Event()

    @tool
    async def forever() -> int:
        """Never ends."""
        begun.set()
        await asyncio.Event().wait()
        return 1

    class Slow:
        async def plan(self, context: Any) -> Any:
            yield Task(1, "forever")
            yield Task(2, "names")
            await asyncio.Event().wait()
            yield Join()

    compiler = LLMCompiler([forever, names], planner=Slow(), joiner=ValuesJoiner(), reporters=[kept.reporter])
    run = asyncio.ensure_future(compiler.run("?"))
    await begun.wait()
    run.cancel()
    with pytest.raises(asyncio.CancelledError):
        await run
    assert {s.name for s in kept.spans} >= {
        "invoke_agent llmcompiler",
        "plan llmcompiler",
        "execute_tool forever",
    }
    assert about(kept.one("execute_tool forever"))["llmcompiler.status"] == "cancelled"
    assert about(kept.one("invoke_agent llmcompiler"))["llmcompiler.status"] == "cancelled"
    assert all(s.end_time for s in kept.spans)


async def test_a_model_stream_that_is_cancelled_says_so() -> None:
    kept = Kept()
    begun = asyncio.Event()

    class Stuck(ScriptedModel):
        async def stream(self, request: Any) -> Any:
            begun.set()
            await asyncio.Event().wait()
            yield None

    compiler = LLMCompiler(
        [search], planner=TextPlanner(Stuck([])), joiner=ValuesJoiner(), reporters=[kept.reporter]
    )
    run = asyncio.ensure_future(compiler.run("?"))
    await begun.wait()
    run.cancel()
    with pytest.raises(asyncio.CancelledError):
        await run
    assert about(kept.one("chat scripted"))["error.type"] == "CancelledError"


async def test_content_is_left_out_unless_asked_for() -> None:
    async def run(**options: Any) -> Kept:
        kept = Kept(**options)
        model = ScriptedModel(
            [f'1. search("{SECRET}")\n2. broken("{SECRET}")\njoin()', f"Action: Finish({SECRET} is it)"]
        )
        compiler = LLMCompiler(
            [search, broken], planner=TextPlanner(model), joiner=ModelJoiner(model), reporters=[kept.reporter]
        )
        await compiler.run(f"what of {SECRET}?")
        return kept

    quiet = (await run()).everything()
    assert SECRET not in quiet
    assert SECRET.upper() not in quiet
    kept = await run(capture_content=True)
    root = about(kept.one("invoke_agent llmcompiler"))
    assert f"what of {SECRET}?" in root["gen_ai.input.messages"]
    assert f"{SECRET} is it" in root["gen_ai.output.messages"]
    call = about(kept.one("execute_tool search"))
    assert call["gen_ai.tool.call.arguments"] == f'{{"query": "{SECRET}"}}'
    assert call["gen_ai.tool.call.result"] == f'"{SECRET.upper()}"'
    assert kept.one("execute_tool broken").status.description == f"ValueError: no {SECRET}"
    chat = about(kept.named("chat scripted")[0])
    assert f"what of {SECRET}?" in chat["gen_ai.input.messages"]
    assert '"finish_reason": "stop"' in chat["gen_ai.output.messages"]


async def test_captured_content_is_cut() -> None:
    kept = Kept(capture_content=True)

    @tool
    async def big() -> str:
        """Much."""
        return "x" * 1_000_000

    await compiled(kept, "1. big()\njoin($1)", big).run("q" * 100_000)
    assert max(len(str(v)) for s in kept.spans for v in about(s).values()) < 10_000


async def test_runs_at_the_same_time_do_not_mix() -> None:
    kept = Kept()
    compiler = LLMCompiler([search, names], reporters=[kept.reporter])
    plan = '1. search("x")\n2. search($1)\njoin($2)'
    results = await asyncio.gather(*(compiler.execute(plan) for _ in range(20)))
    roots = kept.named("invoke_agent llmcompiler")
    assert {about(r)["llmcompiler.run.id"] for r in roots} == {r.run_id for r in results}
    for root in roots:
        below = [s for s in kept.spans if s.parent is not None and s.parent.span_id == root.context.span_id]
        ids = {about(s)["gen_ai.tool.call.id"] for s in below if s.name.startswith("execute")}
        assert ids == {f"{about(root)['llmcompiler.run.id']}:{i}" for i in (1, 2)}


def test_runs_in_many_threads_share_one_reporter() -> None:
    kept = Kept()
    compiler = LLMCompiler([search], reporters=[kept.reporter])
    threads = [
        threading.Thread(target=lambda: compiler.execute_sync('1. search("x")\njoin($1)')) for _ in range(8)
    ]
    for t in threads:
        t.start()
    for t in threads:
        t.join(20)
    assert len(kept.named("invoke_agent llmcompiler")) == len(kept.named("execute_tool search")) == 8


async def test_nothing_is_kept_of_runs_that_are_over() -> None:
    kept = Kept()
    compiler = LLMCompiler([search], reporters=[kept.reporter])
    for _ in range(30):
        await compiler.execute('1. search("x")\njoin($1)')
    assert kept.reporter._runs == {}
    gc.collect()
    from llmcompiler.telemetry.spans import RunSpans

    assert not [o for o in gc.get_objects() if isinstance(o, RunSpans)]


async def test_tracers_that_fail_do_not_harm_the_run(caplog: pytest.LogCaptureFixture) -> None:
    from llmcompiler.telemetry import OpenTelemetryReporter

    class Tracers:
        def get_tracer(self, *args: Any, **options: Any) -> Any:
            return self

        def start_span(self, *args: Any, **options: Any) -> Any:
            raise OSError("no space left")

    reporter = OpenTelemetryReporter(Tracers())  # type: ignore[arg-type]
    compiler = LLMCompiler([search], reporters=[reporter])
    assert (await compiler.execute('1. search("x")\njoin($1)')).output == "X"
    assert "no space left" in caplog.text


async def test_without_an_sdk_nothing_happens_and_nothing_breaks() -> None:
    from llmcompiler.telemetry import OpenTelemetryReporter

    compiler = LLMCompiler([search], reporters=[OpenTelemetryReporter()])
    assert (await compiler.execute('1. search("x")\njoin($1)')).output == "X"
