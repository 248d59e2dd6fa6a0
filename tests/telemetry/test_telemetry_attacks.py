"""What hostile runs, tools, planners and processors do to spans: none is lost, none is left open, nothing leaks."""

from __future__ import annotations

import asyncio
import gc
import logging
from typing import Any

import pytest
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor
from opentelemetry.trace import NoOpTracerProvider, StatusCode, get_current_span

from llmcompiler import Answer, Join, LLMCompiler, Task, ToolContext, tool
from llmcompiler.models.asking import asked
from llmcompiler.models.base import Message, ModelChunk, ModelRequest, Usage
from llmcompiler.models.openai import OpenAIModel
from llmcompiler.telemetry import LoggingReporter, OpenTelemetryReporter, RunContextFilter
from llmcompiler.telemetry.conventions import request_attributes
from llmcompiler.testing import ScriptedModel, ScriptedPlanner
from llmcompiler_planners import TextPlanner, ValuesJoiner
from tests.telemetry.telemetry_kit import Kept, about, events

SECRET = "sk-verysecret"
REQUEST = ModelRequest((Message("user", "hi"),))


@tool(effect="read")
async def search(query: str) -> str:
    """Search."""
    return query.upper()


@tool(effect="read")
async def names() -> list[str]:
    """Names."""
    return ["a", "b", "c"]


@tool(effect="read")
async def nothing() -> list[str]:
    """Nothing."""
    return []


class Planner:
    """Asks models as it likes, and plans one call."""

    async def plan(self, context: Any) -> Any:
        await self.ask()
        yield Task(1, "names")
        yield Join()

    async def ask(self) -> None:
        raise NotImplementedError


class Abandoning(Planner):
    """Leaves a reply half read."""

    async def ask(self) -> None:
        self.stream = asked(ScriptedModel(["one two"]), REQUEST)
        await self.stream.__anext__()


class Interleaving(Planner):
    """Closes its replies in the order in which it opened them."""

    async def ask(self) -> None:
        streams = [asked(ScriptedModel(["one two"]), REQUEST) for _ in range(3)]
        for stream in streams:
            await stream.__anext__()
        for stream in streams:
            await stream.aclose()


@pytest.mark.parametrize("planner", [Abandoning(), Interleaving()], ids=lambda p: type(p).__name__)
async def test_the_callers_span_is_current_again_whatever_a_planner_leaves_open(planner: Any) -> None:
    kept = Kept()
    compiler = LLMCompiler([names], planner=planner, joiner=ValuesJoiner(), reporters=[kept.reporter])
    with kept.tracers.get_tracer("mine").start_as_current_span("user") as user:
        await compiler.run("why?")
        assert get_current_span() is user
    chats = kept.named("chat scripted")
    assert {kept.above(s) for s in chats} == {"plan llmcompiler"}
    ((_, count, _),) = kept.points("gen_ai.client.operation.duration")
    assert count == len(chats)


async def test_who_reads_a_stream_of_events_keeps_its_span() -> None:
    kept = Kept()
    model = ScriptedModel(["1. names()\njoin()"])
    compiler = LLMCompiler(
        [names], planner=TextPlanner(model), joiner=ValuesJoiner(), reporters=[kept.reporter]
    )
    with kept.tracers.get_tracer("mine").start_as_current_span("user") as user:
        seen = {get_current_span() async for _ in compiler.stream("why?")}
    assert seen == {user}
    assert kept.above(kept.one("invoke_agent llmcompiler")) == "user"


async def test_a_plan_that_broke_off_and_one_that_ended_the_run_are_errors() -> None:
    class Bad:
        def __init__(self, *tasks: Task) -> None:
            self.tasks = tasks

        async def plan(self, context: Any) -> Any:
            for task in self.tasks:
                yield task
            raise RuntimeError(SECRET)

    async def run(planner: Any) -> Kept:
        kept = Kept()
        compiler = LLMCompiler([names], planner=planner, joiner=ValuesJoiner(), reporters=[kept.reporter])
        await asyncio.gather(compiler.run("why?"), return_exceptions=True)
        return kept

    kept = await run(Bad())
    plans = kept.named("plan llmcompiler")
    assert {s.status.status_code for s in plans} == {StatusCode.ERROR}
    assert [about(s)["error.type"] for s in plans] == ["_OTHER"] * (len(plans) - 1) + ["RuntimeError"]
    assert SECRET not in kept.everything()
    kept = await run(Bad(Task(1, "names")))
    first, *_, last = kept.named("plan llmcompiler")
    assert (first.status.status_code, about(first)["error.type"]) == (StatusCode.ERROR, "_OTHER")
    assert about(last)["llmcompiler.tasks"] == 1


async def test_a_run_cancelled_while_it_is_planned_says_so() -> None:
    kept = Kept()
    begun = asyncio.Event()

    class Stuck:
        async def plan(self, context: Any) -> Any:
            begun.set()
            await asyncio.Event().wait()
            yield Join()

    compiler = LLMCompiler([names], planner=Stuck(), joiner=ValuesJoiner(), reporters=[kept.reporter])
    run = asyncio.ensure_future(compiler.run("why?"))
    await begun.wait()
    run.cancel()
    with pytest.raises(asyncio.CancelledError):
        await run
    for name in ("invoke_agent llmcompiler", "plan llmcompiler"):
        assert about(kept.one(name))["llmcompiler.status"] == "cancelled"
        assert kept.one(name).status.status_code is StatusCode.UNSET


async def test_a_planner_that_answers_itself_has_no_error() -> None:
    class Knowing:
        async def plan(self, context: Any) -> Any:
            yield Answer("so")

    kept = Kept()
    await LLMCompiler([names], planner=Knowing(), joiner=ValuesJoiner(), reporters=[kept.reporter]).run("?")
    assert sorted(kept.tree()) == ["  join llmcompiler", "  plan llmcompiler", "invoke_agent llmcompiler"]
    assert {s.status.status_code for s in kept.spans} == {StatusCode.UNSET}


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_run_whose_event_loop_is_closed_ends_its_spans(caplog: pytest.LogCaptureFixture) -> None:
    kept = Kept()

    @tool
    async def forever() -> int:
        """Never ends."""
        begun.set()
        await asyncio.Event().wait()
        return 1

    async def main() -> None:
        run = asyncio.ensure_future(
            LLMCompiler([forever], reporters=[kept.reporter]).execute("1. forever()\njoin($1)")
        )
        await begun.wait()
        left.append(run)

    begun, left = asyncio.Event(), list[Any]()
    loop = asyncio.new_event_loop()
    loop.run_until_complete(main())
    loop.close()
    left.clear()
    gc.collect()  # asyncio complains of the tasks, which is what is tested
    assert sorted(kept.tree()) == [
        "  execute_tool forever",
        "  plan llmcompiler",
        "invoke_agent llmcompiler",
    ]
    assert kept.reporter._runs == {}
    caplog.clear()


async def test_compilers_inside_others_hang_below_the_call_or_item_that_runs_them() -> None:
    kept = Kept()
    planner = ScriptedPlanner(['1. search("deep")\njoin($1)'] * 3)
    inner = LLMCompiler([search], planner=planner, joiner=ValuesJoiner(), reporters=[kept.reporter])
    outer = LLMCompiler([names, inner.as_tool("ask", "Ask.")], reporters=[kept.reporter])
    await outer.execute("1. names()\n2. for n in $1: ask(n)\njoin($2)")
    roots = [s for s in kept.named("invoke_agent llmcompiler") if s.parent is not None]
    assert [kept.above(s) for s in roots] == ["execute_tool ask"] * 3
    assert len({s.parent.span_id for s in roots if s.parent}) == 3
    assert {kept.above(s) for s in kept.named("execute_tool search")} == {"invoke_agent llmcompiler"}


async def test_loops_are_loops_also_when_they_make_no_call() -> None:
    kept = Kept()

    @tool
    async def broken() -> list[str]:
        """Fails."""
        raise ValueError("no")

    plan = "1. nothing()\n2. for n in $1: search(n)\n3. broken()\n4. for n in $3: search(n)\njoin()"
    await LLMCompiler([nothing, search, broken], reporters=[kept.reporter]).execute(plan)
    assert kept.named("execute_tool search") == []
    empty, skipped = kept.named("for search")
    assert (about(empty)["llmcompiler.status"], about(empty)["llmcompiler.task.items"]) == ("succeeded", 0)
    assert (about(skipped)["llmcompiler.status"], about(skipped)["llmcompiler.task.cause"]) == ("skipped", 3)
    assert kept.links(empty) == [("data", "1")]
    assert not any("gen_ai.operation.name" in about(s) for s in (empty, skipped))


async def test_a_thousand_items_are_a_thousand_spans_and_nothing_of_them_is_held() -> None:
    kept = Kept()
    held: list[int] = []

    @tool(effect="pure")
    async def many() -> list[int]:
        """Many."""
        return list(range(1_000))

    @tool(effect="read")
    async def one(i: int) -> int:
        """One."""
        return i

    @tool
    async def look(items: list[int]) -> int:
        """See what is held of the run so far."""
        (run,) = kept.reporter._runs.values()
        held.extend(len(t.items) + (t.span is not None) for t in run._tasks.values())
        return len(items)

    plan = "1. many()\n2. for i in $1: one(i)\n3. look($2)\njoin($3)"
    result = await LLMCompiler([many, one, look], reporters=[kept.reporter]).execute(plan)
    assert result.output == 1_000
    assert sorted(about(s)["llmcompiler.task.item"] for s in kept.named("execute_tool one")) == [
        *range(1_000)
    ]
    assert about(kept.one("for one"))["llmcompiler.task.items"] == 1_000
    assert held == [0, 0, 1]  # only the call that looks has a span


async def test_items_fall_back_one_by_one() -> None:
    kept = Kept()
    together = asyncio.Barrier(3)

    @tool(effect="read")
    async def other(n: str) -> str:
        """Stands in."""
        return n

    @tool(effect="read", fallback=other)
    async def picky(n: str) -> str:
        """Takes only b."""
        await together.wait()
        if n != "b":
            raise ValueError("no")
        return n

    await LLMCompiler([names, picky, other], reporters=[kept.reporter]).execute(
        "1. names()\n2. for n in $1: picky(n)\njoin($2)"
    )
    told = {
        about(s)["llmcompiler.task.item"]: events(s) for s in kept.spans if s.name == "execute_tool picky"
    }
    assert told == {
        0: [("fallback", {"gen_ai.tool.name": "other"})],
        1: [],
        2: [("fallback", {"gen_ai.tool.name": "other"})],
    }


async def test_a_reporter_that_is_listed_twice_tells_everything_once() -> None:
    kept = Kept()
    model = ScriptedModel(['1. search("x")\njoin($1)'])
    compiler = LLMCompiler(
        [search],
        planner=TextPlanner(model),
        joiner=ValuesJoiner(),
        reporters=[kept.reporter, kept.reporter],
    )
    await compiler.run("why?")
    assert sorted(kept.tree()) == [
        "    chat scripted",
        "  execute_tool search",
        "  join llmcompiler",
        "  plan llmcompiler",
        "invoke_agent llmcompiler",
    ]
    assert [p[1] for p in kept.points("gen_ai.client.operation.duration")] == [1]


async def test_runs_with_the_same_id_leave_no_span_open(caplog: pytest.LogCaptureFixture) -> None:
    kept = Kept()
    begun: list[ReadableSpan] = []

    class Seeing(SpanProcessor):
        def on_start(self, span: Any, parent_context: Any = None) -> None:
            begun.append(span)

    kept.tracers.add_span_processor(Seeing())
    compiler = LLMCompiler([search], reporters=[kept.reporter])
    await asyncio.gather(*(compiler.execute('1. search("x")\njoin($1)', run_id="same") for _ in range(2)))
    assert "two runs at once have the id 'same'" in caplog.text
    assert [s.name for s in begun if not s.end_time] == []
    assert len(kept.named("invoke_agent llmcompiler")) == 2
    assert kept.reporter._runs == {}


async def test_what_can_not_be_encoded_is_sent_all_the_same() -> None:
    kept = Kept(capture_content=True)

    class Odd(ScriptedModel):
        async def stream(self, request: Any) -> Any:
            yield ModelChunk("", Usage(0, 2**80, -5), "st\ud800op")
            async for chunk in super().stream(request):
                yield ModelChunk(chunk.text)

    @tool
    async def bad(ctx: ToolContext) -> str:
        """Fails."""
        await ctx.progress("on \ud800", 0.5)
        raise ValueError("off \ud800")

    model = Odd(["1. bad()\njoin($1)"])
    compiler = LLMCompiler(
        [bad], planner=TextPlanner(model), joiner=ValuesJoiner(), reporters=[kept.reporter]
    )
    await asyncio.gather(compiler.run("what of \ud800?"), return_exceptions=True)
    sent = str(encode_spans(kept.spans))
    assert "off \\\\ud800" in sent
    assert "on \\\\ud800" in sent
    assert "st\\\\ud800op" in sent
    chat = about(kept.one("chat scripted"))
    assert (chat["gen_ai.usage.input_tokens"], chat["gen_ai.usage.output_tokens"]) == (2**63 - 1, 0)


@pytest.mark.parametrize(
    "fraction", [SECRET, float("nan"), 10**400, -1, [0.5]], ids=lambda f: type(f).__name__
)
async def test_progress_is_a_number_or_not_sent(fraction: Any) -> None:
    kept = Kept()

    @tool
    async def working(ctx: ToolContext) -> int:
        """Works."""
        await ctx.progress(SECRET, fraction)
        return 1

    await LLMCompiler([working], reporters=[kept.reporter]).execute("1. working()\njoin($1)")
    assert events(kept.one("execute_tool working")) == [("progress", {})]
    assert SECRET not in kept.everything()


async def test_a_processor_that_fails_costs_no_other_span(caplog: pytest.LogCaptureFixture) -> None:
    kept = Kept()

    class Failing(SpanProcessor):
        def on_end(self, span: ReadableSpan) -> None:
            if span.name != "invoke_agent llmcompiler":
                raise OSError("no space left")

    kept.tracers.add_span_processor(Failing())
    compiler = LLMCompiler(
        [search],
        planner=TextPlanner(ScriptedModel(['1. search("x")\njoin($1)'])),
        joiner=ValuesJoiner(),
        reporters=[kept.reporter],
    )
    assert (await compiler.run("why?")).output == "X"
    assert "no space left" in caplog.text
    assert sorted(s.name for s in kept.spans) == [
        "chat scripted",
        "execute_tool search",
        "invoke_agent llmcompiler",
        "join llmcompiler",
        "plan llmcompiler",
    ]


async def test_spans_that_are_switched_off_leave_the_callers_trace_alone() -> None:
    kept = Kept()

    @tool
    async def traced() -> int:
        """Makes a span of its own."""
        with kept.tracers.get_tracer("mine").start_as_current_span("in traced"):
            return 1

    compiler = LLMCompiler([traced], reporters=[OpenTelemetryReporter(NoOpTracerProvider(), kept.meters)])
    with kept.tracers.get_tracer("mine").start_as_current_span("user"):
        await compiler.execute("1. traced()\njoin($1)")
    assert kept.above(kept.one("in traced")) == "user"


def test_settings_of_a_model_are_told_as_they_are_sent() -> None:
    model = OpenAIModel("qwen", base_url="http://127.0.0.1:1/v1", temperature=0.7, max_tokens=9)
    told = request_attributes(model, ModelRequest((Message("user", "hi"),), temperature=0.0))
    assert (told["gen_ai.request.temperature"], told["gen_ai.request.max_tokens"]) == (0.7, 9)
    told = request_attributes(model, ModelRequest((Message("user", "hi"),), max_tokens=5))
    assert told["gen_ai.request.max_tokens"] == 5


async def test_names_are_those_of_the_conventions() -> None:
    """Attributes that begin with `gen_ai.` are in the registry, but for `plan`, which is newer than the package."""
    from opentelemetry.semconv._incubating.attributes import gen_ai_attributes

    known = {v for k, v in vars(gen_ai_attributes).items() if k.startswith("GEN_AI_")}
    kept = Kept(capture_content=True)
    model = ScriptedModel(['1. search("x")\n2. nosuch()\njoin($1)', "1. names()\njoin()"])
    compiler = LLMCompiler(
        [search, names], planner=TextPlanner(model), joiner=ValuesJoiner(), reporters=[kept.reporter]
    )
    await compiler.run("why?")
    used = {a for s in kept.spans for a in about(s) if a.startswith("gen_ai.")}
    assert used <= known
    operations = {v.value for v in gen_ai_attributes.GenAiOperationNameValues}
    assert {about(s).get("gen_ai.operation.name", "chat") for s in kept.spans} <= operations | {"plan"}


async def test_logged_content_can_not_steer_a_terminal(caplog: pytest.LogCaptureFixture) -> None:
    compiler = LLMCompiler([search], reporters=[LoggingReporter(capture_content=True)])
    with caplog.at_level(logging.DEBUG, "llmcompiler"):
        await compiler.execute('1. search("x")\njoin($1)', question="a\x1b[2J\nERROR b\u202ec\x9bd")
    message = next(r.getMessage() for r in caplog.records if "run started" in r.getMessage())
    assert message == "run started: a\\x1b[2J ERROR b\\u202ec\\x9bd"


def test_a_record_with_an_id_of_its_own_gets_the_other() -> None:
    record = logging.makeLogRecord({"run_id": "mine"})
    assert RunContextFilter().filter(record)
    assert logging.Formatter("%(run_id)s %(task_id)s").format(record) == "mine None"
