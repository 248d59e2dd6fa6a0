"""The agent inside a FastAPI app: asked over a real socket, watched, approved, left alone."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest_asyncio
from httpx_sse import aconnect_sse

from examples import fastapi_agent
from llmcompiler import LLMCompiler
from llmcompiler.testing import ScriptedModel, ScriptedPlanner
from tests.support.serving import Running, serving

REFUND = '1. order_status("A-17")\n2. refund("A-17", $1.euros)\njoin($2)'


@pytest_asyncio.fixture
async def shop(monkeypatch: Any) -> AsyncIterator[Running]:
    orders = {"A-17": {"item": "kettle", "euros": 39.0, "status": "shipped"}}
    monkeypatch.setattr(fastapi_agent, "ORDERS", orders)
    planner = ScriptedPlanner([REFUND, REFUND])
    tools = [fastapi_agent.order_status, fastapi_agent.refund]
    async with serving(fastapi_agent.create_app(LLMCompiler(tools, planner=planner))) as running:
        running.app.orders = orders
        yield running


async def test_an_answer_with_what_was_called_for_it() -> None:
    model = ScriptedModel(['1. order_status("A-17")\njoin($1)'])
    tools = [fastapi_agent.order_status, fastapi_agent.refund]
    async with serving(fastapi_agent.create_app(LLMCompiler(tools, model=model))) as running:
        reply = await running.http.post("/ask", json={"text": "Where is my order A-17?"})
        assert reply.json()["answer"]["status"] == "shipped"
        assert reply.json()["calls"] == [{"call": "order_status", "outcome": "succeeded"}]
        assert (await running.http.post("/ask", json={"text": ""})).status_code == 422


async def follow(running: Running, approve: bool) -> dict[str, Any]:
    """The last event of a run whose call of `refund` is decided so."""
    data: dict[str, Any] = {}
    async with aconnect_sse(running.http, "POST", "/ask/stream", json={"text": "Refund A-17"}) as source:
        async for event in source.aiter_sse():
            data = json.loads(event.data)
            if event.event == "ApprovalRequested":
                where = f"/runs/{data['run_id']}/approvals/{data['task_id']}"
                wrong = await running.http.post(where, json={"approve": True, "digest": "of something else"})
                assert wrong.status_code == 409
                decision = {"approve": approve, "digest": data["digest"]}
                assert (await running.http.post(where, json=decision)).json() == {"approved": approve}
                assert (await running.http.post(where, json=decision)).status_code == 404
    return data


async def test_money_goes_back_only_with_approval(shop: Running) -> None:
    refused = await follow(shop, approve=False)
    assert shop.app.orders["A-17"]["status"] == "shipped"
    assert refused["type"] == "RunFinished"
    done = await follow(shop, approve=True)
    assert done["output"] == "39.00 euros paid back for A-17"
    assert shop.app.orders["A-17"]["status"] == "refunded"


async def test_a_client_that_leaves_ends_its_run(shop: Running) -> None:
    agent = shop.app.state.agent
    async with aconnect_sse(shop.http, "POST", "/ask/stream", json={"text": "Refund A-17"}) as source:
        async for event in source.aiter_sse():
            if event.event == "ApprovalRequested":
                break
        (run,) = agent.runs.values()
    async with asyncio.timeout(20):
        await asyncio.wait({run._task})
    assert not agent.runs
    assert shop.app.orders["A-17"]["status"] == "shipped"
