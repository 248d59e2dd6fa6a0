"""Asks the questions of a data set, several at a time, and keeps every answer as soon as it is there."""

from __future__ import annotations

import asyncio
import copy
import dataclasses
import hashlib
import json
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import ConfigurationError, LLMCompilerError, ModelAuthenticationError, ModelNotFound
from ..sharing.table import Sharing
from .compare import Comparison
from .dataset import Dataset, Example
from .plans import check_expected
from .record import ENVIRONMENT, Record, Watch, make_record
from .report import Report
from .scorers import Scorer, ScorerFailed, ScorerName, apply, by_plan, describe, make_scorer
from .store import Header, Results

if TYPE_CHECKING:
    from ..compiler import LLMCompiler
    from ..plan import Plan
    from ..result import RunResult

_IN_A_ROW = 5
"""Questions in a row that may fail with the same error of the model's server or the settings."""
_SCORES_IN_A_ROW = 3
"""Answers in a row on which a scorer may fail."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far an evaluation is, told after each answer."""

    done: int
    """Answers there are, those of earlier runs included."""
    total: int
    record: Record | None = None
    """The answer that has just come; None at the beginning."""
    side: int = 0
    """0, or 1 for the second of two configurations."""


async def evaluate(
    compiler: LLMCompiler,
    dataset: Dataset | str | Path,
    scorer: Scorer | ScorerName = "auto",
    *,
    repeat: int = 1,
    concurrency: int = 4,
    limit: int | None = None,
    seed: int | None = None,
    results: str | Path | None = None,
    anew: bool = False,
    configuration: Mapping[str, Any] | None = None,
    on_progress: Callable[[Progress], None] | None = None,
) -> Report:
    r"""Ask every question of a data set and score the answers.

    A question whose run fails counts as a wrong answer. Cancelling keeps what is done.

    Args:
        compiler: What is evaluated.
        dataset: The questions, or the path of their file.
        scorer: `"auto"`, `"exact"`, `"numeric"`, `"contains"`, a `Matching`, a `Judge`, or a function of your own:
            `(answer, example) -> bool | number from 0 to 1 | Score`, sync or async.
        repeat: How often each question is asked.
        concurrency: Questions at once. Latencies are those under this load; calls are not shared between questions.
        limit: Ask only so many questions.
        seed: With `limit`: draw them at random, the same ones for the same seed.
        results: A file that each answer is appended to at once. What it holds already is not asked again, but what
            failed for the model's server is.
        anew: Put the file aside and begin again.
        configuration: What to write down about the compiler besides what can be seen. No keys: it is printed.
        on_progress: Told at the beginning and after every answer.

    Raises:
        UsageError: An argument, the data set or the results file is wrong.
        LLMCompilerError: Nothing works: the model refuses every request, or the scorer fails on every answer.

    ```python
    from llmcompiler import LLMCompiler
    from llmcompiler.evaluation import Dataset, evaluate
    from llmcompiler.testing import ScriptedPlanner


    def double(x: int) -> int:
        return 2 * x


    compiler = LLMCompiler([double], planner=ScriptedPlanner(["1. double(4)\njoin($1)"]))
    report = await evaluate(compiler, Dataset.of([{"question": "Twice 4?", "answer": 8}]))
    assert report.overall.accuracy.value == 1.0
    ```
    """
    run = _Evaluation(dataset, scorer, repeat, concurrency, limit, seed, on_progress)
    (records,) = await run.run([_Side(compiler, results, configuration or {})], anew=anew)
    return Report(run.header(compiler, configuration or {}), tuple(records))


async def evaluate_both(
    a: LLMCompiler,
    b: LLMCompiler,
    dataset: Dataset | str | Path,
    scorer: Scorer | ScorerName = "auto",
    *,
    results: tuple[str | Path | None, str | Path | None] = (None, None),
    configurations: tuple[Mapping[str, Any], Mapping[str, Any]] = ({}, {}),
    names: tuple[str, str] = ("A", "B"),
    repeat: int = 1,
    concurrency: int = 4,
    limit: int | None = None,
    seed: int | None = None,
    anew: bool = False,
    on_progress: Callable[[Progress], None] | None = None,
) -> Comparison:
    """Evaluate two compilers on the same questions and hold them against each other.

    Each question is asked of both, one after the other and in turn first, so that what changes in the course of time
    (a busy server, a warm cache) favours neither. The arguments are those of `evaluate`.

    Raises:
        UsageError: An argument, the data set or a results file is wrong.
        LLMCompilerError: Nothing works.
    """
    if _same_file(*results):
        raise ConfigurationError("two configurations need two results files")
    run = _Evaluation(dataset, scorer, repeat, concurrency, limit, seed, on_progress)
    sides = [_Side(c, r, f) for c, r, f in zip((a, b), results, configurations, strict=True)]
    found = await run.run(sides, anew=anew)
    reports = [Report(run.header(s.compiler, s.notes), tuple(r)) for s, r in zip(sides, found, strict=True)]
    return Comparison(reports[0], reports[1], names)


def _same_file(a: str | Path | None, b: str | Path | None) -> bool:
    return a is not None and b is not None and Path(a).absolute() == Path(b).absolute()


def configuration_of(compiler: LLMCompiler) -> dict[str, Any]:
    """What a compiler is made of, as far as it bears on answers: names and numbers, never a key.

    Raises:
        ConfigurationError: It has no model.
    """
    planner, joiner = compiler.planner, compiler.joiner
    # Behind a plan cache stands the planner that matters.
    inner = compiler._planner or planner
    models = [getattr(getattr(part, "model", None), "name", None) for part in (inner, joiner)]
    tools = json.dumps([t.to_dict() for t in compiler.tools.values()], sort_keys=True, default=repr)
    found: dict[str, Any] = {
        "model": " and ".join(dict.fromkeys(str(m) for m in models if m is not None)) or None,
        "planner": type(inner).__name__,
        "joiner": type(joiner).__name__,
        "tools": f"{len(compiler.tools)} tools, {hashlib.sha256(tools.encode()).hexdigest()[:8]}",
        "max_replans": compiler.max_replans,
        "repairs": compiler.repairs,
        "concurrency": getattr(compiler.executor, "max_concurrency", None),
        "limits": {k: v for k, v in dataclasses.asdict(compiler.limits).items() if v is not None},
        "passes": dataclasses.asdict(compiler.passes),
    }
    for name in ("selector", "plan_cache"):
        part = getattr(compiler, name)
        if part is not None:
            found[name] = type(part).__name__
    return found


def _alone(compiler: LLMCompiler) -> LLMCompiler:
    """The compiler for one question, which is to take what it takes by itself: no call is shared with another run.

    A cache that the user has given is part of what is evaluated, and stays.
    """
    if compiler.sharing.cache is not None:
        return compiler
    alone = copy.copy(compiler)
    alone.sharing = Sharing(None, fold=compiler.passes.fold, merge=compiler.passes.merge)
    return alone


@dataclass(slots=True)
class _Side:
    """One of the configurations that are evaluated."""

    compiler: LLMCompiler
    path: str | Path | None
    notes: Mapping[str, Any]
    results: Results | None = None

    @property
    def store(self) -> Results:
        assert self.results is not None
        return self.results


@dataclass(frozen=True, slots=True)
class _Job:
    side: int
    example: Example
    repeat: int
    kept: Record | None = None
    """An answer that is there and only needs its score."""


class _Evaluation:
    def __init__(
        self,
        dataset: Dataset | str | Path,
        scorer: Scorer | ScorerName,
        repeat: int,
        concurrency: int,
        limit: int | None,
        seed: int | None,
        on_progress: Callable[[Progress], None] | None,
    ) -> None:
        for name, value in (("repeat", repeat), ("concurrency", concurrency), ("limit", limit)):
            if value is not None and (isinstance(value, bool) or not isinstance(value, int) or value < 1):
                raise ConfigurationError(f"{name}={value!r}: give a whole number, 1 or more")
        if not isinstance(dataset, Dataset):
            dataset = Dataset.read(dataset)
        if not len(dataset):
            raise ConfigurationError("the data set has no questions")
        self.dataset = dataset
        self.chosen = dataset.sample(limit, seed)
        self.scorer = make_scorer(scorer)
        self.repeat = repeat
        self.concurrency = concurrency
        self.tell = on_progress or (lambda progress: None)
        self.sides: list[_Side] = []
        self.plans: list[dict[str, tuple[Plan, ...]]] = []
        self.jobs: deque[_Job] = deque()
        self.done = 0
        self.total = 0
        self._same: tuple[str, int] = ("", 0)
        self._unscored = 0

    def header(self, compiler: LLMCompiler, notes: Mapping[str, Any]) -> Header:
        return Header(
            self.dataset.name,
            self.dataset.digest,
            describe(self.scorer),
            {**configuration_of(compiler), **notes},
            len(self.dataset),
            datetime.now(UTC).isoformat(timespec="seconds"),
        )

    async def run(self, sides: Sequence[_Side], *, anew: bool) -> list[list[Record]]:
        """The records of each side, in the order of the questions."""
        check = getattr(self.scorer, "check", None)
        if check is not None:
            check(self.chosen)
        for side in sides:
            if not hasattr(side.compiler, "_session"):
                raise ConfigurationError(f"an LLMCompiler is evaluated, not {type(side.compiler).__name__}")
        self.sides = list(sides)
        self.plans = [check_expected(self.chosen, s.compiler.tools) for s in sides]
        with ExitStack() as stack:
            for side in sides:
                results = Results(side.path, self.header(side.compiler, side.notes), anew=anew)
                side.results = stack.enter_context(results)
            self._make_jobs()
            self.tell(Progress(self.done, self.total))
            await self._work()
        keys = [(e.id, n) for e in self.chosen for n in range(1, self.repeat + 1)]
        # Families may have been named anew since a question was asked.
        families = {e.id: e.family for e in self.chosen}
        return [[replace(s.store.records[k], family=families[k[0]]) for k in keys] for s in sides]

    def _make_jobs(self) -> None:
        for repeat in range(1, self.repeat + 1):
            for position, example in enumerate(self.chosen):
                order = range(len(self.sides))
                for side in order if position % 2 == 0 else reversed(order):
                    self.total += 1
                    kept = self.sides[side].store.records.get((example.id, repeat))
                    if kept is None or kept.again or (not kept.scored and kept.cut):
                        self.jobs.append(_Job(side, example, repeat))
                    elif not kept.scored:
                        self.jobs.append(_Job(side, example, repeat, kept))
                    else:
                        self.done += 1

    async def _work(self) -> None:
        workers = [
            asyncio.ensure_future(self._worker()) for _ in range(min(self.concurrency, len(self.jobs)))
        ]
        if not workers:
            return
        try:
            await asyncio.wait(workers, return_when=asyncio.FIRST_EXCEPTION)
        finally:
            for worker in workers:
                worker.cancel()
            await asyncio.gather(*workers, return_exceptions=True)
        for worker in workers:
            if not worker.cancelled() and (error := worker.exception()) is not None:
                raise error

    async def _worker(self) -> None:
        while self.jobs:
            await self._do(self.jobs.popleft())

    async def _do(self, job: _Job) -> None:
        store = self.sides[job.side].store
        record = job.kept or await self._ask(job)
        if record.scored:
            store.add(record)
        else:
            try:
                record = await self._scored(record, job.example)
            except asyncio.CancelledError:
                # The answer has cost time and money: only its score is still to be made.
                store.add(replace(record, score_error="stopped before it was scored"))
                raise
            store.add(record)
            self._watch_scorer(record)
        self.done += 1
        self.tell(Progress(self.done, self.total, record, job.side))

    async def _ask(self, job: _Job) -> Record:
        side, watch = self.sides[job.side], Watch()
        begun = time.perf_counter()
        result: RunResult | None
        error: Exception | None
        try:
            session = _alone(side.compiler)._session(job.example.question, None, None, None, [watch])
            result = await session.run()
            error = result.error
        except (ModelAuthenticationError, ModelNotFound):
            raise  # so it would be for every question
        except Exception as e:  # planners, joiners and models of the user's may raise anything: it is counted
            result, error = getattr(e, "result", None), e
        seconds = time.perf_counter() - begun
        expected = self.plans[job.side].get(job.example.id, ())
        record = make_record(job.example, job.repeat, result, error, watch, seconds, expected)
        self._watch_failures(error)
        return record

    async def _scored(self, record: Record, example: Example) -> Record:
        if not example.has_answer and hasattr(self.scorer, "check"):
            score = by_plan(record.plan_right, record.calls_right)
            return replace(record, score=score.value, note=score.note, score_error="")
        try:
            score = await apply(self.scorer, record.output, example)
        except ScorerFailed as e:
            spent, made = e.usage, replace(record, score_error=str(e)[:2_000])
        else:
            spent = score.usage
            made = replace(record, score=score.value, note=score.note[:2_000], score_error="")
        unknown = spent.cost is None or record.judge_cost is None
        return replace(
            made,
            judge_calls=record.judge_calls + spent.model_calls,
            judge_tokens=record.judge_tokens + spent.tokens,
            judge_cost=None if unknown else (record.judge_cost or 0.0) + (spent.cost or 0.0),
        )

    def _watch_failures(self, error: Exception | None) -> None:
        """Stop where the same thing fails again and again that no question is the reason of."""
        if not isinstance(error, ENVIRONMENT):
            self._same = ("", 0)
            return
        kind = type(error).__name__
        self._same = (kind, self._same[1] + 1 if self._same[0] == kind else 1)
        if self._same[1] >= _IN_A_ROW:
            raise LLMCompilerError(
                f"{_IN_A_ROW} questions in a row failed, the last one with {kind}: {error}"
            ) from error

    def _watch_scorer(self, record: Record) -> None:
        self._unscored = 0 if record.scored else self._unscored + 1
        if self._unscored >= _SCORES_IN_A_ROW:
            raise LLMCompilerError(
                f"the scorer failed on {_SCORES_IN_A_ROW} answers in a row, last on question {record.id!r}: "
                f"{record.score_error}"
            )
