"""Evaluations: what is asked, what is counted, what stops one and how it goes on."""

from __future__ import annotations

import asyncio
import errno
import io
import json
from pathlib import Path
from typing import Any

import pytest
from asking import DATASET, EVEREST, PLANS, RATIO, RuleModel, compiler, height

from llmcompiler import (
    ConfigurationError,
    LLMCompiler,
    LLMCompilerError,
    MemoryCache,
    ModelAuthenticationError,
    ModelConnectionError,
    UsageError,
)
from llmcompiler.evaluation import (
    Comparison,
    Dataset,
    DatasetError,
    Example,
    Header,
    Judge,
    Matching,
    Progress,
    Record,
    Report,
    ResultsError,
    evaluate,
    evaluate_both,
)
from llmcompiler.evaluation.store import Results
from llmcompiler.testing import ScriptedModel, ScriptedPlanner

SMALL = Dataset.of([{"question": "How high is Everest?", "answer": 8849}])


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


# -- what is counted -----------------------------------------------------------------


async def test_a_report_counts_everything() -> None:
    report = await evaluate(compiler(), DATASET)
    m = report.overall
    assert [r.id for r in report.records] == ["everest", "kilimanjaro", "ratio", "atlantis"]
    assert [r.right for r in report.records] == [True, True, True, False]
    assert (m.questions, m.answers, m.right, m.failed, m.unscored) == (4, 4, 3, 1, 0)
    assert m.accuracy.value == 0.75
    assert (m.accuracy.low, m.accuracy.high) == pytest.approx((0.3006, 0.9544), abs=1e-4)
    assert m.failures == {"ValueError": 1}
    assert (m.prompt_tokens, m.completion_tokens) == (300, 60)
    assert m.cost == pytest.approx((300 + 60 * 10) / 1e6)
    assert m.calls == pytest.approx((1 + 1 + 3) / 4)
    assert m.p50 is not None
    assert m.p95 is not None
    assert 0 < m.p50 <= m.p95
    assert list(report.families) == ["heights", "ratios"]
    assert report.families["heights"].accuracy.value == pytest.approx(2 / 3)
    assert report.records[2].output == pytest.approx(8849 / 5895)
    assert report.records[3].error == {"type": "ValueError", "message": "no plan"}
    assert [r.valid for r in report.records] == [True, True, True, None]


async def test_plans_that_had_to_be_mended_are_not_valid() -> None:
    plans = {"How high is Everest?": {"plan": EVEREST.replace("height", "hight"), "repair": EVEREST}}
    report = await evaluate(compiler(RuleModel(plans)), SMALL)
    (record,) = report.records
    assert record.right
    assert (record.valid, record.repairs, record.diagnostics) == (False, 1, {"unknown-tool": 1})
    assert report.overall.valid is not None
    assert report.overall.valid.value == 0


async def test_a_plan_that_is_beyond_repair_is_counted_by_its_error() -> None:
    plans = {"How high is Everest?": "1. hight(1)\njoin()"}
    report = await evaluate(compiler(RuleModel(plans), repairs=1), SMALL)
    assert report.overall.failures == {"PlanningFailed": 1}
    assert report.overall.valid is not None
    assert report.overall.valid.value == 0
    assert report.overall.prompt_tokens > 0  # what it took is counted although it failed


async def test_replans_and_failed_tasks_are_counted() -> None:
    replies = [
        '1. height("Atlantis")\njoin()',
        '{"thought": "", "action": "replan", "feedback": "try Everest"}',
        '2. height("Everest")\njoin($2)',
    ]
    report = await evaluate(compiler(ScriptedModel(replies)), SMALL)
    (record,) = report.records
    assert (record.replans, record.failed_tasks, record.right) == (1, {"KeyError": 1}, True)
    assert report.overall.failed_tasks == {"KeyError": 1}
    assert record.valid


async def test_expected_plans_and_calls() -> None:
    dataset = Dataset.of(
        [
            {
                "id": "same",
                "question": "Everest by Kilimanjaro?",
                "answer": 1.501,
                "plan": '1. height("the Kilimanjaro")\n2. height(of="everest")\n3. ratio(a=$2, b=$1)\njoin($3)',
                "calls": ["ratio", {"tool": "height", "args": {"of": "Everest"}}],
            },
            {
                "id": "other",
                "question": "How high is Everest?",
                "plan": '1. height("Kilimanjaro")\njoin($1)',
                "calls": [{"tool": "height", "args": {"of": "Kilimanjaro"}}, "height"],
            },
        ]
    )
    report = await evaluate(compiler(), dataset)
    same, other = report.records
    assert (same.plan_right, same.calls_right) == (True, 1.0)
    assert (other.plan_right, other.calls_right) == (False, 0.5)
    # Without an answer to compare with, it is the plan that is scored.
    assert (other.score, other.note) == (
        0.0,
        "the plan is not an expected one; an expected call was not made",
    )
    assert report.overall.calls_right == 0.75


@pytest.mark.parametrize(
    ("record", "words"),
    [
        ({"plan": "1. hight(1)"}, "no tool `hight`"),
        ({"calls": ["hight"]}, "call of 'hight'"),
        ({}, "question '1' has no `answer`"),
    ],
)
async def test_expectations_that_do_not_fit_the_tools(record: dict[str, Any], words: str) -> None:
    model = RuleModel()
    with pytest.raises(DatasetError, match=words):
        await evaluate(compiler(model), Dataset.of([{"question": "a?", **record}]))
    assert not model.asked


async def test_questions_share_no_calls_but_those_of_a_cache_given() -> None:
    twice = [
        {"question": "How high is Everest?", "answer": 8849},
        {"question": "Again: How high is Everest?", "answer": 1},
    ]
    report = await evaluate(compiler(), Dataset.of(twice), repeat=2)
    assert [r.calls for r in report.records] == [1, 1, 1, 1]
    cached = LLMCompiler([height], model=RuleModel(), cache=MemoryCache())
    report = await evaluate(cached, SMALL, repeat=3, concurrency=1)
    assert sorted(r.calls for r in report.records) in ([0, 0, 1], [1, 1, 1])


async def test_no_more_questions_at_once_than_told() -> None:
    model = RuleModel()
    await evaluate(compiler(model), DATASET, concurrency=2, repeat=3)
    assert model.most_at_once == 2
    assert len(model.asked) == 9  # and one that has no plan


async def test_limit_and_seed() -> None:
    model = RuleModel()
    report = await evaluate(compiler(model), DATASET, limit=2)
    assert [r.id for r in report.records] == ["everest", "kilimanjaro"]
    drawn = await evaluate(compiler(), DATASET, limit=2, seed=5)
    again = await evaluate(compiler(), DATASET, limit=2, seed=5)
    assert [r.id for r in drawn.records] == [r.id for r in again.records]


async def test_progress_is_told() -> None:
    seen: list[Progress] = []
    await evaluate(compiler(), DATASET, on_progress=seen.append)
    assert [(p.done, p.total) for p in seen] == [(n, 4) for n in range(5)]
    assert seen[0].record is None


@pytest.mark.parametrize(
    "options", [{"repeat": 0}, {"concurrency": 0}, {"limit": -1}, {"repeat": True}, {"scorer": 3}]
)
async def test_wrong_options(options: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError):
        await evaluate(compiler(), SMALL, **options)


async def test_no_questions() -> None:
    with pytest.raises(ConfigurationError, match="no questions"):
        await evaluate(compiler(), Dataset(()))


async def test_odd_answers_are_kept_and_read_again(tmp_path: Path) -> None:
    values = {
        "a": "x" * 1_000_000,
        "b": float("nan"),
        "c": 10**5_000,
        "d": "\ud800 \x1b[31m 山",
        "e": {1: [None]},
    }
    plans = {f"{k}?": f'1. odd("{k}")\njoin($1)' for k in values}

    def odd(key: str) -> Any:
        """An odd value."""
        return values[key]

    path = tmp_path / "r.jsonl"
    c = LLMCompiler([odd], model=RuleModel(plans))
    report = await evaluate(c, Dataset.of([{"question": q, "answer": "x"} for q in plans]), results=path)
    assert report.overall.failed == 0
    assert [r.cut for r in report.records] == [True, False, False, False, False]
    assert len(report.records[0].output) == 100_000
    again = Report.load(path)
    assert {r.id for r in again.records} == {"1", "2", "3", "4", "5"}
    for made in (again.to_json(records=True), again.to_markdown(), str(again), again.to_html()):
        assert made.encode("utf-8", "replace")


# -- what stops it -------------------------------------------------------------------


async def test_a_wrong_key_stops_it_at_once() -> None:
    model = RuleModel({"How": ModelAuthenticationError("the server refused the key (401)", 401)})
    with pytest.raises(ModelAuthenticationError, match="refused the key"):
        await evaluate(compiler(model), DATASET, concurrency=1)
    assert len(model.asked) == 1


async def test_a_server_that_is_not_there_stops_it_after_some_questions(tmp_path: Path) -> None:
    model = RuleModel({"?": ModelConnectionError("nobody listens")})
    many = Dataset.of([{"question": f"{n}?", "answer": n} for n in range(50)])
    path = tmp_path / "r.jsonl"
    with pytest.raises(
        LLMCompilerError, match="5 questions in a row failed, the last one with ModelConnectionError"
    ):
        await evaluate(compiler(model), many, concurrency=1, results=path)
    assert len(set(model.asked)) <= 5
    healthy = RuleModel({f"{n}?": EVEREST for n in range(50)})
    report = await evaluate(compiler(healthy), many, results=path)
    assert report.overall.failed == 0  # what failed for the server was asked again


async def test_failures_of_single_questions_do_not_stop_it() -> None:
    plans: dict[str, Any] = {f"q{n}?": ValueError("no") if n % 2 else EVEREST for n in range(20)}
    dataset = Dataset.of([{"question": q, "answer": 8849} for q in plans])
    report = await evaluate(compiler(RuleModel(plans)), dataset)
    assert (report.overall.right, report.overall.failures) == (10, {"ValueError": 10})


async def test_a_scorer_that_always_raises_stops_it_and_no_answer_is_lost(tmp_path: Path) -> None:
    def broken(answer: Any, example: Example) -> bool:
        raise KeyError("typo")

    broken.description = "mine"  # type: ignore[attr-defined]
    model, path = RuleModel(), tmp_path / "r.jsonl"
    three = DATASET.sample(3)
    with pytest.raises(LLMCompilerError, match="the scorer failed on 3 answers in a row.*KeyError: 'typo'"):
        await evaluate(compiler(model), three, broken, results=path)
    assert len(model.asked) == 3

    def mended(answer: Any, example: Example) -> bool:
        return True

    mended.description = "mine"  # type: ignore[attr-defined]
    report = await evaluate(compiler(model), three, mended, results=path)
    assert len(model.asked) == 3  # only scored, not asked again
    assert report.overall.accuracy.value == 1


async def test_a_scorer_that_raises_now_and_then_leaves_answers_out() -> None:
    def picky(answer: Any, example: Example) -> bool:
        if example.id == "ratio":
            raise ValueError("not this one")
        return True

    report = await evaluate(compiler(), DATASET, picky)
    assert (report.overall.unscored, report.overall.answers) == (1, 4)
    assert report.overall.accuracy.value == pytest.approx(2 / 3)  # two right, one failed run
    assert "1 of 4 answers have no score" in str(report)


async def test_a_judge_scores_and_is_paid_apart() -> None:
    judge = ScriptedModel(['{"verdict": "correct"}', '{"verdict": "incorrect", "reason": "too high"}'])
    report = await evaluate(compiler(), DATASET.sample(2), Judge(judge), concurrency=1)
    assert [r.right for r in report.records] == [True, False]
    m = report.overall
    assert (m.judge_calls, m.judge_cost) == (2, None)  # nobody knows what it costs
    assert m.judge_tokens > 0
    assert (m.prompt_tokens, m.completion_tokens) == (200, 40)
    assert report.records[1].note == "too high"


# -- going on ------------------------------------------------------------------------


async def test_a_rerun_asks_only_what_is_not_there(tmp_path: Path) -> None:
    path, model = tmp_path / "deep" / "r.jsonl", RuleModel()
    await evaluate(compiler(model), DATASET, limit=2, results=path)
    report = await evaluate(compiler(model), DATASET, results=path, repeat=2)
    assert sorted(model.asked) == sorted([*PLANS] * 2)
    assert report.overall.answers == 8
    assert len(lines(path)) == 9
    assert not list(path.parent.glob("*.lock"))


async def test_every_answer_is_on_disk_before_the_next_question(tmp_path: Path) -> None:
    path = tmp_path / "r.jsonl"
    there: list[int] = []

    async def look(question: str) -> None:
        there.append(len(lines(path)) - 1)

    await evaluate(compiler(RuleModel(before=look)), DATASET.sample(3), concurrency=1, results=path)
    assert there == [0, 1, 2]


async def test_cancelling_keeps_what_is_done(tmp_path: Path) -> None:
    path, stuck = tmp_path / "r.jsonl", asyncio.Event()

    async def hang(question: str) -> None:
        if "by" in question:
            stuck.set()
            await asyncio.Event().wait()

    model = RuleModel(before=hang)
    work = asyncio.ensure_future(evaluate(compiler(model), DATASET, concurrency=1, results=path))
    await stuck.wait()
    work.cancel()
    with pytest.raises(asyncio.CancelledError):
        await work
    assert [r["id"] for r in lines(path)[1:]] == ["everest", "kilimanjaro"]
    model.before = None
    report = await evaluate(compiler(model), DATASET, results=path)
    assert report.overall.right == 3
    assert model.asked.count("How high is Everest?") == 1


async def test_an_answer_that_waits_for_its_judge_is_not_lost(tmp_path: Path) -> None:
    path, judging = tmp_path / "r.jsonl", asyncio.Event()

    class Slow:
        description = "slow"
        patient = True

        async def __call__(self, answer: Any, example: Example) -> bool:
            if self.patient:
                judging.set()
                await asyncio.Event().wait()
            return True

    scorer, model = Slow(), RuleModel()
    work = asyncio.ensure_future(evaluate(compiler(model), SMALL, scorer, results=path))
    await judging.wait()
    work.cancel()
    with pytest.raises(asyncio.CancelledError):
        await work
    assert lines(path)[1]["score_error"] == "stopped before it was scored"
    scorer.patient = False
    assert (await evaluate(compiler(model), SMALL, scorer, results=path)).overall.right == 1
    assert len(model.asked) == 1


@pytest.mark.parametrize("keep", [1, 20, 200, -1])
async def test_a_torn_last_line_is_mended(tmp_path: Path, keep: int) -> None:
    path = tmp_path / "r.jsonl"
    await evaluate(compiler(), DATASET.sample(2), concurrency=1, results=path)
    whole = path.read_bytes()
    last = whole.rstrip(b"\n").rindex(b"\n") + 1
    path.write_bytes(whole[: last + keep] if keep > 0 else whole[:keep])
    model = RuleModel()
    report = await evaluate(compiler(model), DATASET.sample(2), limit=2, results=path)
    assert model.asked == ["How high is Kilimanjaro?"]
    assert report.overall.right == 2
    assert [r["id"] for r in lines(path)[1:]] == ["everest", "kilimanjaro"]


async def test_a_torn_first_line_is_mended(tmp_path: Path) -> None:
    path = tmp_path / "r.jsonl"
    await evaluate(compiler(), SMALL, results=path)
    for size in (1, 10, 60):
        path.write_bytes(path.read_bytes()[:size])
        assert (await evaluate(compiler(), SMALL, results=path)).overall.right == 1
        assert len(lines(path)) == 2


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"dataset": DATASET}, "the data set has changed"),
        ({"scorer": Matching("exact")}, "scorer: auto.* → exact"),
        ({"max_replans": 0}, "max_replans: 2 → 0"),
        ({"configuration": {"label": "b"}}, "label: a → b"),
        ({"tools": [height]}, "tools: 2 tools.* → 1 tools"),
        ({"planner": ScriptedPlanner([])}, "planner: TextPlanner → ScriptedPlanner"),
    ],
)
async def test_another_evaluation_is_never_mixed_in(
    tmp_path: Path, change: dict[str, Any], words: str
) -> None:
    path = tmp_path / "r.jsonl"
    await evaluate(compiler(), SMALL, configuration={"label": "a"}, results=path)
    before = path.read_bytes()
    dataset, scorer = change.pop("dataset", SMALL), change.pop("scorer", "auto")
    notes = change.pop("configuration", {"label": "a"})
    other = LLMCompiler(**{"tools": compiler().tools, "model": RuleModel(), **change})
    with pytest.raises(ResultsError, match=words):
        await evaluate(other, dataset, scorer, configuration=notes, results=path)
    assert path.read_bytes() == before


async def test_beginning_anew_puts_the_old_file_aside(tmp_path: Path) -> None:
    path, model = tmp_path / "r.jsonl", RuleModel()
    await evaluate(compiler(), SMALL, results=path)
    before = path.read_bytes()
    await evaluate(compiler(model), SMALL, results=path, anew=True)
    assert len(model.asked) == 1
    assert (tmp_path / "r.jsonl.old").read_bytes() == before


@pytest.mark.parametrize("anew", [False, True])
@pytest.mark.parametrize("text", ["my notes", "my notes\n", '{"question": "x"}\n', "{}\n", "\n"])
async def test_somebodys_file_is_left_alone(tmp_path: Path, text: str, anew: bool) -> None:
    path = tmp_path / "r.jsonl"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ResultsError, match="is not a results file"):
        await evaluate(compiler(), SMALL, results=path, anew=anew)
    assert path.read_text(encoding="utf-8") == text


@pytest.mark.parametrize(
    "damage", ["{", "[]", '{"id": "x", "score": "high"}', '{"id": 5}', "{}", '{"id": "x", "error": []}']
)
async def test_a_damaged_line_is_told_with_its_number(tmp_path: Path, damage: str) -> None:
    path = tmp_path / "r.jsonl"
    await evaluate(compiler(), SMALL, results=path)
    with path.open("a", encoding="utf-8") as file:
        file.write(damage + "\n")
    with pytest.raises(ResultsError, match=r"r\.jsonl:3: damaged"):
        await evaluate(compiler(), SMALL, results=path)


async def test_two_evaluations_do_not_write_to_one_file(tmp_path: Path) -> None:
    path, begun, go = tmp_path / "r.jsonl", asyncio.Event(), asyncio.Event()

    async def wait(question: str) -> None:
        begun.set()
        await go.wait()

    first = asyncio.ensure_future(evaluate(compiler(RuleModel(before=wait)), SMALL, results=path))
    await begun.wait()
    with pytest.raises(ResultsError, match="another evaluation is writing to it"):
        await evaluate(compiler(), SMALL, results=path)
    go.set()
    assert (await first).overall.right == 1


async def test_a_disk_that_is_full_is_told_and_what_is_there_is_kept(tmp_path: Path) -> None:
    class Full(io.BytesIO):
        def write(self, data: Any) -> int:
            raise OSError(errno.ENOSPC, "No space left on device")

    path = tmp_path / "r.jsonl"
    header = Header("set", "0", "auto", {})
    with Results(path, header) as results:
        results.add(Record("1"))
        assert results._file is not None
        results._file.close()
        results._file = Full()
        with pytest.raises(LLMCompilerError, match="No space left on device.*what is in it is kept"):
            results.add(Record("2"))
    assert [r["id"] for r in lines(path)[1:]] == ["1"]


async def test_what_is_no_file_is_not_read(tmp_path: Path) -> None:
    with pytest.raises(ResultsError, match="is not a file"):
        await evaluate(compiler(), SMALL, results=tmp_path)


async def test_a_path_will_do_for_a_data_set_and_nothing_else_for_a_compiler(tmp_path: Path) -> None:
    path = tmp_path / "q.jsonl"
    path.write_text('{"question": "How high is Everest?", "answer": 8849}')
    assert (await evaluate(compiler(), path)).overall.right == 1
    with pytest.raises(ConfigurationError, match="not RuleModel"):
        await evaluate(RuleModel(), path)  # type: ignore[arg-type]


async def test_a_place_that_can_not_be_written_to(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(ResultsError, match="can not be written to"):
        await evaluate(compiler(), SMALL, results=tmp_path / "file" / "r.jsonl")


# -- two of them ---------------------------------------------------------------------


async def test_two_configurations_side_by_side(tmp_path: Path) -> None:
    worse = RuleModel({**PLANS, "How high is Kilimanjaro?": EVEREST, "How high is Atlantis?": RATIO})
    files = (tmp_path / "a.jsonl", tmp_path / "b.jsonl")
    found = await evaluate_both(
        compiler(),
        compiler(worse, max_replans=0),
        DATASET,
        results=files,
        names=("good", "worse"),
        concurrency=1,
    )
    assert (found.overall.a.right, found.overall.b.right) == (3, 2)
    assert (found.overall.only_a, found.overall.only_b) == (1, 0)
    assert found.overall.accuracy.value == -0.25
    assert found.overall.accuracy.p == 1.0
    assert [a[0].id for a, _ in found.changed] == ["kilimanjaro"]
    assert found.settings == {"max_replans": (2, 0)}
    assert found.families["ratios"].accuracy.value == 0
    assert found.overall.calls.value == pytest.approx(
        3 / 4
    )  # the ratio's three calls more, for one of four questions
    again = Comparison.load(*files)
    assert again.to_dict()["overall"] == found.to_dict()["overall"]
    assert again.names == ("a", "b")


async def test_each_question_is_asked_of_both_in_turn() -> None:
    order: list[str] = []

    def noting(name: str) -> RuleModel:
        async def note(question: str) -> None:
            order.append(name)

        return RuleModel(before=note)

    await evaluate_both(compiler(noting("A")), compiler(noting("B")), DATASET.sample(3), concurrency=1)
    assert order == ["A", "B", "B", "A", "A", "B"]


async def test_repeats_are_compared_question_by_question() -> None:
    found = await evaluate_both(compiler(), compiler(), DATASET, repeat=3)
    assert found.overall.accuracy.value == 0
    assert "bootstrap" in found.overall.accuracy.method
    assert found.overall.accuracy.p is None
    assert found.overall.a.answers == 12


async def test_what_can_not_be_compared() -> None:
    one = await evaluate(compiler(), DATASET)
    with pytest.raises(UsageError, match="not the same questions"):
        Comparison(one, await evaluate(compiler(), SMALL))
    with pytest.raises(UsageError, match="not the same scorer"):
        Comparison(one, await evaluate(compiler(), DATASET, Matching("auto", 0.5)))
    first = Report(one.header, one.records[:1])
    with pytest.raises(UsageError, match="no question in common"):
        Comparison(first, Report(one.header, one.records[1:]))
    assert Comparison(first, one).left_out == 3


async def test_two_configurations_need_two_files(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="two results files"):
        await evaluate_both(compiler(), compiler(), SMALL, results=(tmp_path / "r", str(tmp_path / "r")))
