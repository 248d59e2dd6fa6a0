"""Evaluation: questions with known answers, asked, scored, measured, and compared.

    from llmcompiler.evaluation import Dataset, evaluate

    report = await evaluate(compiler, Dataset.read("questions.jsonl"), results="results.jsonl")
    print(report)

Nothing else of the library imports this package; it is loaded only where something is evaluated.
"""

from __future__ import annotations

from .compare import Comparison, Paired
from .dataset import Dataset, Example, ExpectedCall
from .formats import DatasetError
from .judge import Judge
from .record import Record
from .report import Metrics, Report
from .runner import Progress, evaluate, evaluate_both
from .scorers import Matching, Score, Scorer, ScorerFailed
from .statistics import Difference, Interval
from .store import Header, ResultsError

__all__ = [
    "Comparison",
    "Dataset",
    "DatasetError",
    "Difference",
    "Example",
    "ExpectedCall",
    "Header",
    "Interval",
    "Judge",
    "Matching",
    "Metrics",
    "Paired",
    "Progress",
    "Record",
    "Report",
    "ResultsError",
    "Score",
    "Scorer",
    "ScorerFailed",
    "evaluate",
    "evaluate_both",
]
