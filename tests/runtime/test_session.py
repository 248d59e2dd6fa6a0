"""Rounds: streaming, repair, resume, replanning, limits. Planner and joiner are scripted, time is virtual."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from llmcompiler import (
    Answer,
    ConfigurationError,
    Diagnostic,
    Join,
    JoinContext,
    JoinStarted,
    LimitExceeded,
    Limits,
    LLMCompiler,
    ModelAuthenticationError,
    ModelConnectionError,
    ModelRateLimited,
    ModelReplyInvalid,
    ModelServerError,
    ModelStreamBroken,
    OutputDelta,
    PlanContext,
    PlanningFailed,
    Ref,
    Replan,
    Replanned,
    RunFinished,
    Succeeded,
    Task,
    TaskStarted,
    Thought,
    ThoughtEmitted,
    Usage,
    UsageError,
)
from llmcompiler.testing import ScriptedPlanner, run_virtual
from tests.support.scripted_run import Run, ScriptedJoiner, boom, call, nap


def test_a_task_starts_while_the_planner_is_still_writing() -> None:
    run = Run([[call(1, 1, "a"), (10.0, call(2, 1, Ref(1))), (10.0, Join())]])
    assert run.started() == {1: pytest.approx(0), 2: pytest.approx(10)}
    assert run.result.output == "done"
    assert run.result.timing.planning == pytest.approx(20)


def test_a_dependent_starts_while_the_planner_is_silent() -> None:
    run = Run([[call(1, 1, "a"), call(2, 1, Ref(1)), (30.0, Join())]])
    assert run.started() == {1: pytest.approx(0), 2: pytest.approx(1)}


def test_join_on_a_task_answers_without_the_joiner() -> None:
    run = Run([[call(1, 1, {"n": 4}), Join(Ref(1, ("n",)))]])
    assert run.result.output == 4
    assert run.joiner.contexts == []


def test_join_on_a_failed_task_goes_to_the_joiner() -> None:
    run = Run([[Task(1, "boom"), Join(Ref(1))]], Answer("it failed"))
    assert run.result.output == "it failed"
    assert run.joiner.contexts[0].observations[0].outcome.status == "failed"


def test_the_joiner_sees_every_outcome() -> None:
    run = Run([[Task(1, "boom"), call(2, 1, Ref(1)), call(3, 1, "x"), Join()]])
    seen = {o.task.id: o.outcome.status for o in run.joiner.contexts[0].observations}
    assert seen == {1: "failed", 2: "skipped", 3: "succeeded"}


def test_a_plan_without_join_and_one_with_only_a_join() -> None:
    assert Run([[call(1, 1)]]).result.output == "done"
    assert Run([[Join()]]).result.output == "done"


def test_thoughts_and_deltas_are_events() -> None:
    run = Run([[Thought("hm"), call(1, 1), Join()]])
    assert [e.text for e in run.reporter.of(ThoughtEmitted)] == ["hm"] == run.result.thoughts
    assert [e.text for e in run.reporter.of(OutputDelta)] == ["..."]


def test_replanning_uses_results_by_reference_and_is_bounded() -> None:
    run = Run(
        [[call(1, 1, "a"), Join()], [call(2, 1, Ref(1)), Join()], [call(3, 1, Ref(2)), Join()]],
        Replan("need b"),
        Replan("need c"),
        Answer("all"),
    )
    assert run.result.output == "all"
    assert [c.final for c in run.joiner.contexts] == [False, False, True]
    assert [c.feedback for c in run.planner.contexts] == ["", "need b", "need c"]
    assert [c.next_id for c in run.planner.contexts] == [1, 2, 3]
    assert run.purposes() == ["plan", "replan", "replan"]
    assert [len(c.observations) for c in run.planner.contexts] == [0, 1, 2]
    assert [e.feedback for e in run.reporter.of(Replanned)] == ["need b", "need c"] == run.result.feedback
    assert run.result.tasks[3].outcome == Succeeded("a")
    assert [len(p) for p in run.result.plans] == [1, 1, 1]


def test_a_call_that_succeeded_is_never_made_again() -> None:
    run = Run(
        [[call(1, 1, "a"), Join()], [call(2, 1, "a"), call(3, 1, Ref(2)), Join()]],
        Replan("again"),
        Answer("ok"),
    )
    assert sorted(run.started()) == [1, 3]
    assert run.result.tasks[2].reused == 1
    assert run.result.tasks[2].outcome == Succeeded("a")
    assert run.codes() == ["repeated"]


def test_a_plan_that_repeats_an_earlier_round_ends_the_loop() -> None:
    again = [call(1, 1, "a"), call(2, 1, Ref(1)), Join()]
    run = Run([again, [call(3, 1, "a"), call(4, 1, Ref(3)), Join()]], Replan("more"), Answer("enough"))
    assert sorted(run.started()) == [1, 2]
    assert run.joiner.contexts[1].final
    assert "repeats" in run.joiner.contexts[1].reason


def test_a_failed_call_may_be_tried_again_in_a_later_round() -> None:
    run = Run(
        [[Task(1, "boom"), Join()], [Task(2, "boom"), call(3, 1), Join()]], Replan("retry"), Answer("ok")
    )
    assert run.result.tasks[2].outcome.status == "failed"
    assert 2 in run.started()
    assert not run.joiner.contexts[1].final


def test_broken_tasks_are_repaired_while_good_ones_run() -> None:
    run = Run(
        [
            [Task(1, "nup", {"seconds": 1}), call(2, 5, "good"), call(3, 1, Ref(1)), Join()],
            [(2.0, call(1, 1, "mended"))],
        ]
    )
    assert run.started() == {2: pytest.approx(0), 1: pytest.approx(2), 3: pytest.approx(3)}
    context = run.planner.contexts[1]
    assert context.purpose == "repair"
    assert tuple(context.broken) == (1,)
    assert "did you mean `nap`" in context.diagnostics[0].hint
    assert run.result.tasks[3].outcome == Succeeded("mended")


def test_repair_gives_up_after_two_tries_and_the_joiner_sees_why() -> None:
    bad = [Task(1, "nup")]
    run = Run([[Task(1, "nup"), call(2, 1, "x"), call(3, 1, Ref(1)), Join()], bad, bad])
    assert run.purposes() == ["plan", "repair", "repair"]
    assert "task 1 could not be planned" in run.joiner.contexts[0].reason
    assert run.result.tasks[3].outcome.status == "skipped"
    assert any(d.code == "unknown-tool" for d in run.joiner.contexts[0].diagnostics)


def test_text_that_gave_no_task_is_repaired_too() -> None:
    diagnostic = Diagnostic("syntax", "what is this", 1, 1, task_id=1)
    run = Run([[diagnostic, call(2, 1, Ref(1)), Join()], [call(1, 1, "now")]])
    assert run.result.tasks[2].outcome == Succeeded("now")


def test_nothing_that_can_run_is_planning_failed() -> None:
    run = Run([[Task(1, "nup"), Join()], [], []])
    assert isinstance(run.error, PlanningFailed)
    assert "no tool `nup`" in str(run.error)
    assert run.error.result is not None


def test_a_planner_that_writes_nothing_is_asked_again_and_then_given_up() -> None:
    run = Run([[], [], []])
    assert isinstance(run.error, PlanningFailed)
    assert "no task and no join" in str(run.error)
    assert Run([[], [call(1, 1), Join()]]).result.output == "done"


def test_a_stream_that_breaks_is_taken_up_again_and_nothing_runs_twice() -> None:
    run = Run(
        [
            [call(1, 1, "a"), call(2, 9, "b"), (2.0, ModelStreamBroken("gone"))],
            [call(1, 1, "a"), call(2, 9, "b"), call(3, 9, "b"), call(4, 1, Ref(3)), Join()],
        ]
    )
    assert run.purposes() == ["plan", "resume"]
    assert run.started() == {1: pytest.approx(0), 2: pytest.approx(0), 4: pytest.approx(9)}
    resumed = run.planner.contexts[1]
    assert [o.task.id for o in resumed.observations] == [1]
    assert [t.id for t in resumed.running] == [2]
    assert resumed.next_id == 3
    assert run.result.tasks[3].reused == 2
    assert run.result.tasks[4].outcome == Succeeded("b")


def test_a_stream_that_keeps_breaking_leaves_the_joiner_with_what_there_is() -> None:
    broken = ModelStreamBroken("gone")
    run = Run([[call(1, 1, "a"), broken], [broken], [broken]], Answer("partly"))
    assert run.result.output == "partly"
    assert "planning broke off: ModelStreamBroken: gone" in run.joiner.contexts[0].reason
    assert run.joiner.contexts[0].final is False


def test_a_model_that_never_answers_is_its_own_error() -> None:
    run = Run([ModelStreamBroken("a"), ModelStreamBroken("b"), ModelStreamBroken("c")])
    assert isinstance(run.error, ModelStreamBroken)
    assert str(run.error) == "c"
    run = Run([ModelAuthenticationError("wrong key", 401)])
    assert isinstance(run.error, ModelAuthenticationError)
    assert len(run.planner.contexts) == 1


@pytest.mark.parametrize(
    "error",
    [ModelRateLimited("busy", 429, 60), ModelServerError("down", 503), ModelConnectionError("refused")],
)
def test_a_model_whose_client_gave_up_is_not_asked_again_before_there_is_a_task(error: Exception) -> None:
    run = Run([error, error, error])
    assert run.error is error
    assert len(run.planner.contexts) == 1
    later = Run([[call(1, 1, "a"), error], [call(2, 1), Join()]])
    assert later.purposes() == ["plan", "resume"]


def test_the_joiners_error_keeps_the_results() -> None:
    run = Run([[call(1, 1, "a"), Join()]], ModelReplyInvalid("nonsense"))
    assert isinstance(run.error, ModelReplyInvalid)
    assert run.result.tasks[1].outcome == Succeeded("a")
    assert [e.status for e in run.reporter.of(RunFinished)] == ["failed"]


def test_a_joiner_that_replans_when_it_must_answer_is_an_error() -> None:
    run = Run([[call(1, 1), Join()]], Replan("more"), max_replans=0)
    assert isinstance(run.error, ModelReplyInvalid)
    assert "max_replans" in str(run.error)


def test_the_task_limit_ends_planning_and_the_joiner_answers() -> None:
    run = Run([[*[call(i, 1) for i in range(1, 9)], Join()]], Answer("some"), limits=Limits(tasks=3))
    assert sorted(run.started()) == [1, 2, 3]
    assert run.result.output == "some"
    assert "3 tasks" in run.joiner.contexts[0].reason
    assert run.joiner.contexts[0].final


def test_at_the_runs_time_the_joiner_answers_with_what_exists() -> None:
    run = Run([[call(1, 1, "a"), call(2, 1000), Join()]], Answer("partly"), limits=Limits(seconds=10))
    assert run.result.output == "partly"
    assert run.result.tasks[2].outcome.status == "cancelled"
    assert run.result.timing.total == pytest.approx(10)


def test_time_is_up_in_the_middle_of_planning() -> None:
    run = Run([[call(1, 1, "a"), (1000.0, Join())]], Answer("partly"), limits=Limits(seconds=10))
    assert run.result.output == "partly"
    assert run.result.timing.total == pytest.approx(10)


def test_a_joiner_that_hangs_past_the_time_is_a_limit() -> None:
    class Hanging:
        async def join(self, context: JoinContext) -> Any:
            await asyncio.Event().wait()

    compiler = LLMCompiler([nap], planner=ScriptedPlanner([[call(1, 1, "a"), Join()]]), joiner=Hanging())
    with pytest.raises(LimitExceeded, match="5 seconds") as caught:
        run_virtual(compiler.run("why?", limits=Limits(seconds=5)))
    assert caught.value.result is not None
    assert caught.value.result.tasks[1].outcome == Succeeded("a")


class Counting:
    """A planner that calls a model three times a round, and a joiner that always wants more."""

    calls = 0

    async def plan(self, context: PlanContext) -> AsyncIterator[Any]:
        for _ in range(3):
            context.allow_call()
            self.calls += 1
            context.usage(Usage(prompt_tokens=10, completion_tokens=1))
            yield call(self.calls, 1, self.calls)
        yield Join()

    async def join(self, context: JoinContext) -> Any:
        context.allow_call()
        self.calls += 1
        return Answer("end") if context.final else Replan("more")


@pytest.mark.parametrize(
    ("limits", "calls"), [(Limits(model_calls=3), 3), (Limits(tokens=15), 3), (Limits(), 12)]
)
def test_model_calls_and_tokens_are_bounded_and_one_call_is_kept_for_the_answer(
    limits: Limits, calls: int
) -> None:
    counting = Counting()
    compiler = LLMCompiler([nap], planner=counting, joiner=counting)
    result = run_virtual(compiler.run("why?", limits=limits))
    assert result.output == "end"
    assert counting.calls == calls == result.usage.model_calls


def test_output_type_validates_what_join_returns() -> None:
    run = Run([[call(1, 1, "42"), Join(Ref(1))]], output_type=int)
    assert run.result.output == 42
    run = Run([[call(1, 1, "many"), Join(Ref(1))]], Answer(7), output_type=int)
    assert run.result.output == 7
    assert run.joiner.contexts[0].output_type is int


@pytest.mark.parametrize("question", ["", "  \n", "x" * 300_000, None])
def test_questions_that_are_none(question: Any) -> None:
    compiler = LLMCompiler([nap], planner=ScriptedPlanner([]))
    with pytest.raises(UsageError, match="question"):
        run_virtual(compiler.run(question))


def test_a_planner_of_the_wrong_shape_is_named() -> None:
    class NotAsync:
        def plan(self, context: PlanContext) -> list[Task]:
            return []

    class Strange:
        async def plan(self, context: PlanContext) -> AsyncIterator[Any]:
            yield "1. nap(1)"

    for planner in (NotAsync(), Strange()):
        with pytest.raises(UsageError, match=type(planner).__name__):
            run_virtual(LLMCompiler([nap], planner=planner, joiner=ScriptedJoiner()).run("why?"))
    with pytest.raises(ConfigurationError, match="no method `plan`"):
        LLMCompiler([nap], planner=object())  # type: ignore[arg-type]


def test_cancelling_in_the_middle_of_planning_closes_the_planner() -> None:
    closed = []

    class Slow:
        async def plan(self, context: PlanContext) -> AsyncIterator[Any]:
            try:
                yield call(1, 100)
                await asyncio.sleep(1000)
            finally:
                closed.append(True)

    async def main() -> None:
        run = asyncio.ensure_future(LLMCompiler([nap], planner=Slow(), joiner=ScriptedJoiner()).run("why?"))
        await asyncio.sleep(5)
        run.cancel()
        with pytest.raises(asyncio.CancelledError):
            await run
        assert closed == [True]
        assert asyncio.all_tasks() == {asyncio.current_task()}

    run_virtual(main())


def test_stream_gives_the_events_and_leaving_it_cancels_the_run() -> None:
    async def main() -> None:
        def compiler() -> LLMCompiler:
            return LLMCompiler(
                [nap], planner=ScriptedPlanner([[call(1, 100), Join()]]), joiner=ScriptedJoiner(Answer(1))
            )

        kinds = [e.type async for e in compiler().stream("why?")]
        assert kinds[0] == "RunStarted"
        assert kinds[-1] == "RunFinished"

        stream = compiler().stream("why?")
        async for event in stream:
            if isinstance(event, TaskStarted):
                break
        await stream.aclose()  # type: ignore[attr-defined]
        assert asyncio.all_tasks() == {asyncio.current_task()}

        failing = LLMCompiler(
            [nap],
            planner=ScriptedPlanner([ValueError("a"), ValueError("b"), ValueError("c")]),
            joiner=ScriptedJoiner(),
        )
        events = [e async for e in failing.stream("why?")]
        assert isinstance(events[-1], RunFinished)
        assert isinstance(events[-1].error, ValueError)
        assert events[-1].status == "failed"

    run_virtual(main())


def test_run_sync_works_inside_a_running_loop() -> None:
    async def main() -> Any:
        compiler = LLMCompiler([nap], planner=ScriptedPlanner([[call(1, 0, "x"), Join(Ref(1))]]))
        return compiler.run_sync("why?").output

    assert asyncio.run(main()) == "x"


def test_plan_only_runs_nothing_and_checks_everything() -> None:
    compiler = LLMCompiler(
        [nap, boom], planner=ScriptedPlanner([[Task(1, "boom"), Task(2, "nap", {"0": 1}), Join()]])
    )
    made = run_virtual(compiler.plan("why?"))
    assert [t.args for t in made.tasks] == [{}, {"seconds": 1}]
    bad = LLMCompiler([nap], planner=ScriptedPlanner([[call(1, 1), Task(2, "nup"), Join()], [], []]))
    with pytest.raises(Exception, match="no tool `nup`"):
        run_virtual(bad.plan("why?"))


def test_join_started_says_whether_it_is_final() -> None:
    run = Run([[call(1, 1), Join()]], max_replans=0)
    assert [e.final for e in run.reporter.of(JoinStarted)] == [True]
