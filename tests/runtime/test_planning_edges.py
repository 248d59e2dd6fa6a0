"""Planners that write what they should not: repeats, other orders, taken ids, no end of broken tasks. And limits."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from llmcompiler import (
    Answer,
    Diagnostic,
    Join,
    JoinContext,
    LimitExceeded,
    Limits,
    LLMCompiler,
    ModelStreamBroken,
    PlanContext,
    PlanError,
    PlanningFailed,
    Ref,
    Replan,
    RunResult,
    Skipped,
    Succeeded,
    Task,
    Template,
    Thought,
    Usage,
    tool,
)
from llmcompiler.testing import RecordingReporter, ScriptedPlanner, run_virtual
from tests.support.scripted_run import Run, ScriptedJoiner, call, nap

GONE = ModelStreamBroken("gone")


def values(run: Run) -> dict[int, Any]:
    return {i: t.outcome.value for i, t in run.result.tasks.items() if isinstance(t.outcome, Succeeded)}


# -- a planner that starts over ------------------------------------------------------


def test_a_resume_that_gives_a_taken_number_to_another_call_means_that_call_by_it() -> None:
    """Or `$1` would silently be the result of a call that the new text does not know."""
    run = Run(
        [
            [call(1, 1, "old"), GONE],
            [call(1, 1, "new"), call(2, 1, Ref(1)), call(3, 1, [Template(("<", Ref(1), ">"))]), Join(Ref(2))],
        ]
    )
    assert run.result.output == "new"
    assert values(run) == {1: "old", 2: "new", 3: "new", 4: ["<new>"]}
    assert "duplicate-id" in run.codes()
    assert len(run.started()) == 4


def test_a_resume_in_another_order_runs_nothing_twice() -> None:
    run = Run(
        [
            [call(1, 1, "a"), call(2, 1, "b"), call(3, 1, Ref(1)), GONE],
            [call(1, 1, "b"), call(2, 1, "a"), call(3, 1, Ref(2)), call(4, 1, Ref(3)), Join(Ref(4))],
        ]
    )
    assert run.result.output == "a"
    made = [str(t.task.args["value"]) for t in run.result.tasks.values() if t.started is not None]
    assert sorted(made) == ["$1", "$6", "a", "b"], (
        "the third is the same call, though on $5, which is $1 again"
    )
    assert {i: t.reused for i, t in run.result.tasks.items() if t.reused} == {4: 2, 5: 1, 6: 3}


def test_a_replan_that_counts_from_one_again() -> None:
    run = Run(
        [
            [call(1, 1, "a"), call(2, 1, "b"), Join()],
            [call(1, 1, "c"), call(2, 1, [Ref(1)]), Join(Ref(2))],
        ],
        Replan("more"),
    )
    assert run.result.output == ["c"]
    assert values(run) == {1: "a", 2: "b", 3: "c", 4: ["c"]}


def test_a_task_under_a_taken_number_may_itself_refer_to_the_earlier_one() -> None:
    run = Run(
        [[call(1, 1, "a"), Join()], [call(1, 1, [Ref(1)]), call(2, 1, [Ref(1)]), Join(Ref(2))]],
        Replan("more"),
    )
    assert run.result.output == [["a"]]


def test_a_broken_task_under_a_taken_number_is_mended_under_its_new_one() -> None:
    run = Run(
        [
            [call(1, 1, "a"), Join()],
            [Task(1, "nup"), call(2, 1, Ref(1)), Join()],
            [call(2, 1, "mended")],
        ],
        Replan("more"),
        Answer("done"),
    )
    assert tuple(run.planner.contexts[2].broken) == (2,)
    assert values(run) == {1: "a", 2: "mended", 3: "mended"}


def test_what_is_said_again_word_for_word_is_no_new_task() -> None:
    again = [call(1, 1, "a"), call(2, 1, Ref(1))]
    run = Run([[*again, GONE], [*again, *again, Thought("hm"), call(3, 1, Ref(2)), *again, Join()]])
    assert sorted(run.result.tasks) == [1, 2, 3]
    assert run.codes() == []


def test_a_call_that_failed_after_another_task_waited_for_its_result_may_be_made_again() -> None:
    """While it ran, the resumed plan's task took its result for its own; a later round must not take its failure."""
    run = Run(
        [
            [Task(1, "crash", {"seconds": 5}), GONE],
            [Task(2, "crash", {"seconds": 5}), Join()],
            [Task(3, "crash", {"seconds": 5}), call(4, 1, "b"), Join()],
        ],
        Replan("again"),
        Answer("done"),
    )
    assert {i: t.outcome.status for i, t in run.result.tasks.items()} == {
        1: "failed",
        2: "failed",
        3: "failed",
        4: "succeeded",
    }
    assert sorted(run.started()) == [1, 3, 4]


@pytest.mark.parametrize("second", [True, 1.0])
def test_one_and_true_are_not_the_same_call(second: Any) -> None:
    run = Run([[call(1, 1, 1), GONE], [call(1, 1, second), Join()]])
    assert [repr(v) for v in values(run).values()] == ["1", repr(second)]


def test_two_tasks_of_one_number_in_one_text() -> None:
    """The first runs; the second has to be written again under a number of its own."""
    run = Run([[call(1, 1, "a"), call(1, 1, "b"), Join()], [call(2, 1, "b")]])
    assert values(run) == {1: "a", 2: "b"}
    assert run.planner.contexts[1].broken == ()
    assert run.planner.contexts[1].next_id == 2


def test_ids_may_have_gaps_and_go_backwards() -> None:
    run = Run(
        [[call(7, 1, "a"), call(3, 1, "b"), call(5, 1, Ref(7)), call(900, 1, [Ref(3), Ref(5)]), Join()]]
    )
    assert values(run) == {7: "a", 3: "b", 5: "a", 900: ["b", "a"]}


def test_what_comes_after_the_join_is_not_run() -> None:
    run = Run([[call(1, 1, "a"), Join(), call(2, 1, "b"), Join(Ref(2))]])
    assert sorted(run.result.tasks) == [1]


# -- repair --------------------------------------------------------------------------


def test_a_repair_that_only_breaks_more_ends() -> None:
    """Two tries, however many more broken tasks they bring."""
    broken = [[Task(i, "nup"), Task(i + 100, "nup")] for i in (1, 2, 3, 4)]
    run = Run([[call(9, 1, "good"), *broken[0], Join()], *broken[1:]])
    assert run.purposes() == ["plan", "repair", "repair"]
    assert values(run) == {9: "good"}
    assert run.joiner.contexts[0].reason.startswith("task ")


def test_a_repair_may_say_again_what_runs_but_not_change_it() -> None:
    run = Run(
        [[call(1, 1, "a"), Task(2, "nup"), Join()], [call(1, 1, "a"), call(1, 1, "z"), call(2, 1, "b")], []]
    )
    assert values(run) == {1: "a", 2: "b"}


def test_a_repair_in_a_circle_skips_the_circle() -> None:
    run = Run(
        [[Task(1, "nup"), call(2, 1, Ref(1)), call(3, 1, "good"), Join()], [call(1, 1, Ref(2))]],
    )
    assert values(run) == {3: "good"}
    skipped = [t.outcome for t in run.result.tasks.values() if isinstance(t.outcome, Skipped)]
    assert ["circle" in s.reason for s in skipped] == [True, True]


def test_a_repair_that_only_thinks_or_joins_mends_nothing() -> None:
    run = Run([[call(1, 1, "a"), Task(2, "nup"), Join(Ref(1))], [Thought("hm"), Join(Ref(9))], [Join()]])
    assert run.result.output == "a"
    assert run.result.thoughts == ["hm"]


def _put_twice(first: list[Any], *more: list[Any]) -> tuple[list[str], RunResult]:
    """What is written by a run of two rounds, and its result."""
    made: list[str] = []

    @tool(effect="write", resource="box")
    async def put(text: str) -> str:
        await asyncio.sleep(1)
        made.append(text)
        return text

    @tool(effect="read", resource="box")
    async def look() -> list[str]:
        return [*made]

    planner = ScriptedPlanner([first, *more])
    joiner = ScriptedJoiner(Replan("more"), Answer("done"))
    compiler = LLMCompiler([put, look, nap], planner=planner, joiner=joiner)
    return made, run_virtual(compiler.run("why?"))


def _put(i: int, text: str, name: str = "put") -> Task:
    return Task(i, name, {"text": text})


def test_a_write_that_succeeded_is_not_made_again_when_a_repair_asks_for_it() -> None:
    second = [_put(3, "a", "putt"), _put(4, "b"), Task(5, "look"), Join()]
    made, result = _put_twice([_put(1, "a"), Join()], second, [_put(3, "a")])
    assert made == ["a", "b"]
    assert (result.tasks[3].via, result.tasks[3].reused, result.tasks[3].outcome) == (
        "reused",
        1,
        Succeeded("a"),
    )
    assert result.tasks[5].outcome == Succeeded(["a", "b"])
    assert "repeated" in [d.code for d in result.diagnostics]


def test_a_repair_makes_a_write_again_where_another_one_stands_between() -> None:
    """As a plan without a fault does: the box holds something else by then."""
    first = [_put(1, "a"), _put(2, "b"), Join()]
    mended, result = _put_twice(first, [_put(3, "a", "putt"), Join()], [_put(3, "a")])
    plain, _ = _put_twice(first, [_put(3, "a"), Join()])
    assert mended == plain == ["a", "b", "a"]
    assert result.tasks[3].via == "call"


def test_a_repair_does_not_take_over_from_its_own_round() -> None:
    made, _ = _put_twice([_put(1, "x"), Join()], [_put(3, "a", "putt"), _put(4, "a"), Join()], [_put(3, "a")])
    assert made == ["x", "a", "a"]


def test_text_without_a_number_that_is_not_mended_is_told_to_the_joiner() -> None:
    nameless = Diagnostic("syntax", "what is this", 1, 1)
    run = Run([[call(1, 1, "a"), nameless, Join()], []])
    assert run.purposes() == ["plan", "repair"]
    assert run.joiner.contexts[0].reason == "what is this"


def test_nothing_that_can_run_in_a_later_round_leaves_the_joiner_with_the_first() -> None:
    bad = [Task(2, "nup")]
    run = Run([[call(1, 1, "a"), Join()], bad, bad, bad], Replan("more"), Answer("from the first"))
    assert run.result.output == "from the first"
    assert run.joiner.contexts[1].final
    assert "task 2 could not be planned" in run.joiner.contexts[1].reason


def test_a_planner_that_dies_in_a_later_round_leaves_the_joiner_with_the_first() -> None:
    run = Run([[call(1, 1, "a"), Join()], [GONE], [GONE], [GONE]], Replan("more"), Answer("from the first"))
    assert run.result.output == "from the first"
    assert "planning broke off" in run.joiner.contexts[1].reason


def test_a_planner_that_dies_after_its_join_has_planned() -> None:
    class Sore:
        async def plan(self, context: PlanContext) -> AsyncIterator[Any]:
            try:
                yield Join()
            finally:
                raise OSError("while closing")

    compiler = LLMCompiler([nap], planner=Sore(), joiner=ScriptedJoiner(Answer("done")))
    assert run_virtual(compiler.run("why?")).output == "done"


def test_planning_failed_of_the_planners_own_is_passed_on() -> None:
    run = Run([PlanningFailed((), "I can not")] * 3)
    assert isinstance(run.error, PlanningFailed)
    assert "I can not" in str(run.error)


# -- anything at all -----------------------------------------------------------------

ids = st.integers(1, 6)
refs = st.integers(1, 6).map(Ref)
tasks = st.builds(
    lambda i, tool, value: Task(i, tool, {"seconds": 1, "value": value} if tool == "nap" else {}),
    ids,
    st.sampled_from(["nap", "nap", "nap", "nup", "boom"]),
    st.sampled_from(["a", "b"]) | refs | st.lists(refs, max_size=2),
)
items = st.one_of(
    tasks,
    tasks,
    tasks,
    st.just(Thought("hm")),
    st.builds(lambda i: Diagnostic("syntax", "what", 1, 1, task_id=i), st.none() | ids),
    st.just(GONE),
    st.builds(Join, st.none() | refs),
    tasks.map(lambda t: (1.0, t)),
)


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.lists(items, max_size=7), max_size=8),
    st.lists(st.sampled_from([Replan("more"), Answer("done")]), max_size=3),
    st.sampled_from([Limits(), Limits(tasks=3), Limits(seconds=2.5)]),
)
@example([[call(2, 1, "a")], [call(1, 1, Ref(1))], [call(1, 1, "a")] * 2], [Replan("more")], Limits())
def test_whatever_a_planner_writes_the_run_ends_and_makes_no_call_twice(
    plans: list[Any], decisions: list[Any], limits: Limits
) -> None:
    """`Run` checks the events: one outcome for each task, one end."""
    run = Run(plans, *decisions, *[Answer("done")] * 4, limits=limits)
    assert run.result is not None
    rounds: dict[str, set[int]] = {}
    for t in run.result.tasks.values():
        if t.started is not None and isinstance(t.outcome, Succeeded):
            rounds.setdefault(repr(t.task.args), set()).add(t.round)
    assert all(len(r) == 1 for r in rounds.values()), (
        "a call that succeeded is not made again in a later round"
    )
    for t in run.result.tasks.values():
        if isinstance(t.outcome, Succeeded) and t.reused is None:
            value = t.task.args["value"]
            results = values(run)
            expected = [results[r.task] for r in value] if isinstance(value, list) else value
            expected = results[value.task] if isinstance(value, Ref) else expected
            assert t.outcome.value == expected


# -- limits --------------------------------------------------------------------------


@pytest.mark.parametrize("allowed", [1, 2, 3, 4, 5])
def test_the_limit_of_tasks_counts_the_mended_and_stops_in_the_middle_of_a_repair(allowed: int) -> None:
    run = Run(
        [
            [call(1, 1, "a"), Task(2, "nup"), Task(3, "nup"), call(4, 1, "d"), Join()],
            [call(2, 1, "b"), call(3, 1, "c")],
        ],
        limits=Limits(tasks=allowed),
    )
    assert len(run.result.tasks) == min(allowed, 4)
    limited = f"limit of {allowed} tasks" in run.joiner.contexts[0].reason
    assert limited == (allowed < 4)
    assert run.joiner.contexts[0].final == limited


class Talkative:
    """A planner and joiner that call a model once each time, and want more rounds than they get."""

    def __init__(self) -> None:
        self.planned = 0
        self.joined = 0
        self.finals: list[bool] = []

    async def plan(self, context: PlanContext) -> AsyncIterator[Any]:
        context.allow_call()
        self.planned += 1
        context.usage(Usage(prompt_tokens=10, completion_tokens=0))
        yield call(context.next_id, 1, self.planned)
        yield Join()

    async def join(self, context: JoinContext) -> Any:
        context.allow_call()
        self.joined += 1
        context.usage(Usage(prompt_tokens=10, completion_tokens=0))
        self.finals.append(context.final)
        return Answer("done") if context.final else Replan("more")


@pytest.mark.parametrize("allowed", [2, 3, 4, 5, 6, 7])
def test_one_model_call_is_always_kept_for_the_answer(allowed: int) -> None:
    talk = Talkative()
    compiler = LLMCompiler([nap], planner=talk, joiner=talk, max_replans=9)
    result = run_virtual(compiler.run("why?", limits=Limits(model_calls=allowed)))
    assert result.output == "done"
    assert result.usage.model_calls == talk.planned + talk.joined <= allowed
    assert talk.finals == [False] * (talk.joined - 1) + [True]


@pytest.mark.parametrize("allowed", [1, 5, 10, 11, 25, 39, 40])
def test_at_the_limit_of_tokens_no_more_plans_are_asked_for(allowed: int) -> None:
    talk = Talkative()
    compiler = LLMCompiler([nap], planner=talk, joiner=talk, max_replans=9)
    result = run_virtual(compiler.run("why?", limits=Limits(tokens=allowed)))
    assert result.output == "done"
    assert talk.planned == (allowed - 1) // 20 + 1


@pytest.mark.parametrize("seconds", [0.5, 2.0, 2.5, 3.5, 4.5, 5.5])
def test_the_time_may_be_up_at_any_point_even_in_a_repair(seconds: float) -> None:
    run = Run(
        [
            [call(1, 1, "a"), (2.0, Task(2, "nup")), call(3, 1, Ref(2)), Join()],
            [(1.0, call(4, 9, "d")), (1.0, call(2, 1, "b"))],
        ],
        limits=Limits(seconds=seconds),
    )
    assert run.result.output == "done"
    assert run.result.timing.total == pytest.approx(seconds)
    assert run.joiner.contexts[0].final
    expected = {1: "a"} if seconds > 1 else {}
    expected |= {2: "b"} if seconds > 5 else {}
    assert values(run) == expected


def test_plan_only_keeps_to_the_limits_too() -> None:
    talk = Talkative()
    compiler = LLMCompiler([nap], planner=ScriptedPlanner([[call(1, 1), (9.0, Join())]]), joiner=talk)
    with pytest.raises(LimitExceeded, match="5 seconds"):
        run_virtual(compiler.plan("why?", limits=Limits(seconds=5)))

    class Chatty:
        async def plan(self, context: PlanContext) -> AsyncIterator[Any]:
            for i in range(9):
                context.allow_call()
                yield call(i + 1, 1)

    with pytest.raises(LimitExceeded, match="3 model_calls"):
        run_virtual(LLMCompiler([nap], planner=Chatty(), joiner=talk).plan("?", limits=Limits(model_calls=3)))


def test_plan_only_tells_no_reporter_of_tasks_that_will_never_end() -> None:
    reporter = RecordingReporter()
    bad = [call(1, 1), Task(2, "nup"), Join()]
    compiler = LLMCompiler([nap], planner=ScriptedPlanner([bad, [], []]), reporters=[reporter])
    with pytest.raises(PlanError, match="no tool `nup`"):
        run_virtual(compiler.plan("why?"))
    assert reporter.events == []


def test_the_plan_of_a_round_that_broke_off_is_in_the_result() -> None:
    run = Run([[call(1, 1, "a"), GONE], [GONE], [GONE]])
    assert [len(p) for p in run.result.plans] == [1]
    run = Run([[call(1, 100, "a"), (9.0, Join())]], limits=Limits(seconds=5))
    assert [len(p) for p in run.result.plans] == [1]
