"""Histograms of tokens and durations: what is counted, and that attributes have few values."""

from __future__ import annotations

from llmcompiler import LLMCompiler, tool
from llmcompiler.models import OpenAIModel
from llmcompiler.testing import ScriptedModel
from llmcompiler_planners import ModelJoiner, TextPlanner
from tests.telemetry.telemetry_kit import Kept


@tool(effect="read")
async def search(query: str) -> str:
    """Search."""
    return query.upper()


@tool
async def broken(text: str) -> str:
    """Fails."""
    raise ValueError(text)


async def test_tokens_calls_and_runs_are_measured() -> None:
    kept = Kept(agent="helper")
    model = ScriptedModel(
        [
            '1. for w in ["a", "b"]: search(w)\n2. broken("x")\n3. search("c")\n4. search("c")\njoin()',
            "Action: Finish(1)",
        ]
    )
    compiler = LLMCompiler(
        [search, broken], planner=TextPlanner(model), joiner=ModelJoiner(model), reporters=[kept.reporter]
    )
    result = await compiler.run("why?")
    tokens = {p[0]["gen_ai.token.type"]: p for p in kept.points("gen_ai.client.token.usage")}
    assert tokens["input"][1:] == (2, result.usage.prompt_tokens)
    assert tokens["output"][1:] == (2, result.usage.completion_tokens)
    assert tokens["input"][0]["gen_ai.request.model"] == "scripted"
    ((_, asked, _),) = kept.points("gen_ai.client.operation.duration")
    assert asked == 2
    calls = {
        (p[0]["gen_ai.tool.name"], p[0]["llmcompiler.status"]): p[1]
        for p in kept.points("gen_ai.execute_tool.duration")
    }
    # Items of a loop count, the loop itself and the merged call do not.
    assert calls == {("search", "succeeded"): 3, ("broken", "failed"): 1}
    ((attributes, runs, seconds),) = kept.points("gen_ai.invoke_agent.duration")
    assert attributes == {"gen_ai.agent.name": "helper", "llmcompiler.status": "answered"}
    assert runs == 1
    assert seconds > 0
    every = [
        p[0]
        for name in ("gen_ai.client.token.usage", "gen_ai.execute_tool.duration")
        for p in kept.points(name)
    ]
    assert not any(result.run_id in str(a) for a in every)


def test_where_a_model_is_served_is_told_without_its_keys() -> None:
    from llmcompiler.models.base import Message, ModelRequest
    from llmcompiler.telemetry.conventions import request_attributes

    model = OpenAIModel("qwen", base_url="http://ann:pw@127.0.0.1:8080/v1?k=1", api_key="sk-secret")
    request = ModelRequest((Message("user", "hi"),), purpose="plan", stop=("END",), max_tokens=7)
    told = request_attributes(model, request)
    assert told == {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": "qwen",
        "server.address": "127.0.0.1",
        "server.port": 8080,
        "gen_ai.request.stream": True,
        "llmcompiler.purpose": "plan",
        "gen_ai.request.max_tokens": 7,
        "gen_ai.request.temperature": 0.0,
        "gen_ai.request.stop_sequences": ["END"],
    }
    assert request_attributes(model, ModelRequest(prompt="1."))["gen_ai.operation.name"] == "text_completion"
