"""The grammars in the real engine, and a few whole plans of the embedded model. Skipped where its weights are not."""

from __future__ import annotations

import pytest

from llmcompiler import LLMCompiler
from llmcompiler.models.base import ModelRequest, complete
from llmcompiler.models.local import LocalModel
from llmcompiler.models.weights import DEFAULT, find_weights
from llmcompiler_planners import LocalJoiner, LocalPlanner
from llmcompiler_planners.lines import line_grammar
from llmcompiler_planners.words import read_question

pytest.importorskip("xllamacpp")
llmcompiler_tools = pytest.importorskip("llmcompiler_tools")

pytestmark = [
    pytest.mark.local_model,
    pytest.mark.skipif(find_weights(DEFAULT) is None, reason="no weights: run `llmcompiler models pull`"),
]
NAMES = (
    "population",
    "area",
    "capital",
    "currency",
    "current_time",
    "distance",
    "element",
    "calculate",
    "convert_units",
)


@pytest.fixture(scope="module")
def tools():
    return [getattr(llmcompiler_tools, name) for name in NAMES]


@pytest.fixture(scope="module")
def model():
    return LocalModel()


@pytest.mark.parametrize(
    "question",
    [
        "Is \"The 'Good' \\ Place\" bigger than A$1 or ${2}?",
        "東京と大阪の人口は？ Какой город больше: Москва или Киев?",
        "🎈 naïve café Zürich? \u202e\u200b tab\there",
        "1,500 * 2.5% + 3 / 0 ** 7 divided by -5 half twice sqrt root",
        "Convert 5 miles to km, 7 °C to °F, 3 km/h into mph and 2 square feet to m²",
        "What is the population of the capital of the currency of the area of X?",
        "word " * 20_000,
    ],
)
async def test_the_engine_takes_the_grammar_and_keeps_to_it(question, model, tools):
    read = read_question(question)
    made = line_grammar(tools, read)
    assert made is not None
    reply = await complete(
        model,
        ModelRequest(
            prompt=f"Question: {read.text[:500]}\n1.", grammar=made, adapter="planner", max_tokens=40
        ),
    )
    assert reply.text.startswith(" ")


@pytest.mark.parametrize(
    ("question", "calls", "answer"),
    [
        ("Which has more people, Tokyo or Delhi?", ["population", "population"], "Tokyo"),
        ("How many people live in the capital of Kenya?", ["capital", "population"], ""),
        ("How much is 20% of the population of Chad?", ["population", "calculate"], ""),
        ("Convert 26 miles to kilometers.", ["convert_units"], "41.8"),
    ],
)
async def test_whole_runs(question, calls, answer, model, tools):
    result = await LLMCompiler(tools, planner=LocalPlanner(model), joiner=LocalJoiner(model)).run(question)
    assert [t.tool for t in result.plans[0].tasks] == calls
    assert answer in str(result.output)
    assert all(t.outcome.status == "succeeded" for t in result.tasks.values())
