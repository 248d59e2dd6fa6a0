"""`LocalModel` with the real engine and the default weights (`llmcompiler models pull` fetches them)."""

from __future__ import annotations

import asyncio
import json
import shutil
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import httpx
import pytest

from llmcompiler.errors import (
    ConfigurationError,
    ModelReplyInvalid,
    ModelRequestRejected,
    ModelTimeout,
)
from llmcompiler.models import LocalModel, Message, Model, ModelRequest, complete, resolve_model
from llmcompiler.models import _engine as engines
from llmcompiler.models._gguf import read_metadata
from llmcompiler.models.weights import find_weights

PLAN = (
    "Tools:\nweather(city): current weather of one city\ntime(city): local time in one city\n"
    "Question: What time is it in Oslo and what is the weather in Rome?\n"
)
EXPECTED = '1. time("Oslo")\n2. weather("Rome")\n3. join()'
AFTER_JOIN = ("\n4.",)
"""Without a grammar nothing ends a plan but what would come after its join."""

pytestmark = [
    pytest.mark.local_model,
    pytest.mark.skipif(
        not engines.engine_installed(), reason='needs `pip install "llmcompiler-runtime[local]"`'
    ),
    pytest.mark.skipif(find_weights() is None, reason="needs `llmcompiler models pull`"),
]


@pytest.fixture(scope="module")
def model() -> LocalModel:
    return LocalModel()


def threads() -> list[str]:
    return [t.name for t in threading.enumerate() if t.name.startswith("llmcompiler-local")]


class TestReplies:
    async def test_a_plan_with_the_adapter(self, model: LocalModel) -> None:
        request = ModelRequest(prompt=PLAN, adapter="planner", max_tokens=60, stop=AFTER_JOIN)
        chunks = [c async for c in model.stream(request)]
        assert "".join(c.text for c in chunks) == EXPECTED
        assert len([c for c in chunks if c.text]) > 15  # token by token, not in one piece
        assert chunks[-1].finish_reason == "stop"
        usage = chunks[-1].usage
        assert usage is not None
        assert (usage.prompt_tokens, usage.completion_tokens) == (40, 22)
        logprobs = [c.logprob for c in chunks if c.logprob is not None]
        assert len(logprobs) == 22
        assert all(value <= 0 for value in logprobs)
        assert threads() == []

    async def test_must_beat_28_an_answer_without_a_key(self, monkeypatch: pytest.MonkeyPatch) -> None:
        for name in ("LLMCOMPILER_MODEL", "OPENAI_API_KEY", "OPENAI_BASE_URL"):
            monkeypatch.delenv(name, raising=False)
        model = resolve_model(None)
        assert model.name == "local:smollm2-135m-instruct"
        reply = await complete(
            model, ModelRequest(prompt=PLAN, adapter="planner", max_tokens=60, stop=AFTER_JOIN)
        )
        assert reply.text == EXPECTED

    async def test_without_the_adapter_it_is_another_model(self, model: LocalModel) -> None:
        reply = await complete(model, ModelRequest(prompt=PLAN, max_tokens=20))
        assert reply.text != EXPECTED[: len(reply.text)]
        assert reply.finish_reason == "length"

    async def test_many_at_once_do_not_mix(self, model: LocalModel) -> None:
        requests = [
            ModelRequest(prompt=PLAN, adapter=a, max_tokens=40, stop=AFTER_JOIN)
            for a in ("planner", None) * 3
        ]
        replies = await asyncio.gather(*(complete(model, r) for r in requests))
        assert [r.text == EXPECTED for r in replies] == [True, False] * 3

    async def test_grammar(self, model: LocalModel) -> None:
        grammar = 'root ::= "héllo 😀 " ("yes" | "no")'
        for request in (
            ModelRequest(prompt="Is it?\n", grammar=grammar),
            ModelRequest(messages=(Message("user", "Is it?"),), grammar=grammar),
        ):
            assert (await complete(model, request)).text in ("héllo 😀 yes", "héllo 😀 no")

    async def test_json_schema(self, model: LocalModel) -> None:
        schema = {
            "type": "object",
            "properties": {"n": {"type": "integer", "minimum": 0, "maximum": 9}},
            "required": ["n"],
        }
        for request in (
            ModelRequest(prompt="A digit: ", json_schema=schema),
            ModelRequest(messages=(Message("user", "A digit"),), json_schema=schema),
        ):
            assert 0 <= json.loads((await complete(model, request)).text)["n"] <= 9

    async def test_stop(self, model: LocalModel) -> None:
        reply = await complete(model, ModelRequest(prompt=PLAN, adapter="planner", stop=("\n2.",)))
        assert reply.text == '1. time("Oslo")'

    async def test_a_message_can_not_end_itself(self, model: LocalModel) -> None:
        plain = await complete(model, ModelRequest(messages=(Message("user", "a"),), max_tokens=1))
        marked = await complete(model, ModelRequest(messages=(Message("user", "a<|im_end|>"),), max_tokens=1))
        assert marked.usage.prompt_tokens > plain.usage.prompt_tokens + 1  # text, not one token of markup

    async def test_odd_text(self, model: LocalModel) -> None:
        for text in ("", "\ud800", "\0", "é" * 50):
            await complete(model, ModelRequest(prompt=text, max_tokens=1))

    def test_features(self, model: LocalModel) -> None:
        assert isinstance(model, Model)
        assert model.features == {"chat", "completion", "json_schema", "grammar", "logprobs", "adapter"}
        assert "adapter" not in LocalModel(adapters={}).features


class TestEnds:
    async def test_closing_stops_it(self, model: LocalModel) -> None:
        chunks = model.stream(ModelRequest(prompt="Tell a story.\n", max_tokens=1000))
        await anext(chunks)
        assert threads()
        await chunks.aclose()
        assert threads() == []

    async def test_cancelling_stops_it(self, model: LocalModel) -> None:
        begun = asyncio.Event()

        async def read() -> None:
            async for _ in model.stream(ModelRequest(prompt="Tell a story.\n", max_tokens=1000)):
                begun.set()

        task = asyncio.create_task(read())
        await begun.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert threads() == []

    async def test_while_a_long_prompt_is_read(self, model: LocalModel) -> None:
        request = ModelRequest(prompt="one and two and " * 900, timeout=0.2)  # some ten seconds of reading
        loop = asyncio.get_running_loop()
        began = loop.time()
        with pytest.raises(ModelTimeout, match=r"0\.2 s"):
            await complete(model, request)
        assert loop.time() - began < 9
        assert threads() == []

    async def test_the_loop_goes_on_meanwhile(self, model: LocalModel) -> None:
        ticks = 0

        async def tick() -> None:
            nonlocal ticks
            while True:
                await asyncio.sleep(0)
                ticks += 1

        ticking = asyncio.create_task(tick())
        await complete(model, ModelRequest(prompt=PLAN, adapter="planner", max_tokens=60, stop=AFTER_JOIN))
        ticking.cancel()
        assert ticks > 100

    def test_a_fresh_loop_for_every_call(self, model: LocalModel) -> None:
        for _ in range(3):
            reply = asyncio.run(
                complete(model, ModelRequest(prompt=PLAN, adapter="planner", max_tokens=60, stop=AFTER_JOIN))
            )
            assert reply.text == EXPECTED
        assert threads() == []


class TestRefusals:
    @pytest.mark.parametrize("grammar", ['root ::= "a', "nonsense", "root ::= other", ""])
    async def test_grammar(self, model: LocalModel, grammar: str, capfd: pytest.CaptureFixture[str]) -> None:
        request = ModelRequest(prompt="x", grammar=grammar, max_tokens=2)
        if grammar:
            with pytest.raises(ModelReplyInvalid, match="grammar"):
                await complete(model, request)
        else:
            await complete(model, request)

    async def test_schema(self, model: LocalModel) -> None:
        request = ModelRequest(messages=(Message("user", "x"),), json_schema={"$ref": "#/nowhere"})
        with pytest.raises(ModelReplyInvalid, match="grammar"):
            await complete(model, request)

    async def test_too_long(self, model: LocalModel) -> None:
        for where in ({"prompt": "word " * 9000}, {"messages": (Message("user", "word " * 9000),)}):
            with pytest.raises(ModelRequestRejected, match=r"prompt has 90\d\d tokens.*takes 4096"):
                await complete(model, ModelRequest(**where))  # type: ignore[arg-type]

    async def test_nothing_asked(self, model: LocalModel) -> None:
        with pytest.raises(ModelRequestRejected, match="neither"):
            await complete(model, ModelRequest())

    async def test_unknown_adapter(self, model: LocalModel) -> None:
        with pytest.raises(ConfigurationError, match="only: planner"):
            await complete(model, ModelRequest(prompt="x", adapter="joiner"))
        without = LocalModel(adapters={})
        with pytest.raises(
            ModelRequestRejected
        ):  # ignored, as the protocol says; the empty request is refused
            await complete(without, ModelRequest(adapter="joiner"))


class TestFiles:
    def test_not_there(self, tmp_path: Path) -> None:
        with pytest.raises(ConfigurationError, match="no file"):
            LocalModel(tmp_path / "nope.gguf")
        with pytest.raises(ConfigurationError, match=r"no weights 'qwen'.*smollm2"):
            LocalModel("qwen")
        with pytest.raises(ConfigurationError, match="no weights 'qwen'"):
            resolve_model("local:qwen")

    def test_no_weights(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("LLMCOMPILER_CACHE", str(tmp_path))
        with pytest.raises(ConfigurationError, match="llmcompiler models pull"):
            LocalModel()

    @pytest.mark.parametrize("content", [b"", b"GGU", b"<html>", b"PK\x03\x04" * 100])
    def test_no_gguf(self, tmp_path: Path, content: bytes) -> None:
        (tmp_path / "x.gguf").write_bytes(content)
        with pytest.raises(ConfigurationError, match="not a GGUF file"):
            LocalModel(tmp_path / "x.gguf")
        with pytest.raises(ConfigurationError, match="not a GGUF file"):
            LocalModel(adapters={"planner": tmp_path / "x.gguf"})

    @pytest.mark.parametrize("size", [5, 24, 2000, 2**20])
    async def test_cut_off(self, tmp_path: Path, size: int) -> None:
        whole = find_weights()
        assert whole is not None
        with whole.open("rb") as stream:
            (tmp_path / "x.gguf").write_bytes(stream.read(size))
        with pytest.raises(ConfigurationError, match="can not load"):
            await complete(LocalModel(tmp_path / "x.gguf"), ModelRequest(prompt="x"))

    def test_a_head_full_of_lies(self, tmp_path: Path) -> None:
        path = tmp_path / "x.gguf"
        for tail in (b"\xff" * 400, b"\x00" * 400, bytes(range(256)) * 4):
            path.write_bytes(b"GGUF" + tail)
            assert isinstance(read_metadata(path), dict)

    async def test_an_adapter_that_does_not_fit(self, tmp_path: Path, model: LocalModel) -> None:
        real = model._settings.adapters[0][1]
        content = bytearray(real.read_bytes())
        at = content.index(b"blk.0.attn_k.weight.lora_a") + len(b"blk.0.attn_k.weight.lora_a") + 4
        content[at : at + 8] = (640).to_bytes(8, "little")
        (tmp_path / "bad.gguf").write_bytes(content)
        with pytest.raises(ConfigurationError, match=r"an adapter does not fit.*`mine`"):
            await complete(LocalModel(adapters={"mine": tmp_path / "bad.gguf"}), ModelRequest(prompt="x"))
        base = find_weights()
        assert base is not None
        with pytest.raises(ConfigurationError, match="no adapter"):
            LocalModel(adapters={"mine": base})
        with pytest.raises(ConfigurationError, match="of type 'adapter'"):
            await complete(LocalModel(real), ModelRequest(prompt="x"))

    async def test_a_copy_by_path_has_the_adapter_too(self, tmp_path: Path) -> None:
        base = find_weights()
        assert base is not None
        copy = tmp_path / "copy.gguf"
        try:
            copy.hardlink_to(base)
        except OSError:
            shutil.copy(base, copy)
        model = resolve_model(f"local:{copy}")
        assert isinstance(model, LocalModel)
        assert model.adapters == ("planner", "values")
        assert model.name == "local:copy"


class TestEngine:
    async def test_it_is_shared(self, model: LocalModel) -> None:
        one = await asyncio.to_thread(engines.get_engine, model._settings)
        two = await asyncio.to_thread(engines.get_engine, LocalModel()._settings)
        assert one is two

    async def test_its_listener_is_closed_to_others(self, model: LocalModel) -> None:
        engine = await asyncio.to_thread(engines.get_engine, model._settings)
        address: Any = engine._server.listening_address
        assert address.startswith("http://127.0.0.1:")
        async with httpx.AsyncClient(trust_env=False) as client:
            for path in ("/v1/models", "/props", "/slots", "/lora-adapters"):
                assert (await client.get(address + path)).status_code == 401
            answer = await client.post(address + "/v1/completions", json={"prompt": "x"})
            assert answer.status_code == 401

    def test_it_is_silent_and_ends_with_the_process(self) -> None:
        code = (
            "import asyncio\n"
            "from llmcompiler.models import LocalModel, ModelRequest, complete\n"
            "asyncio.run(complete(LocalModel(), ModelRequest(prompt='a', max_tokens=3)))\n"
        )
        done = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, timeout=100, check=False
        )
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")

    def test_it_can_be_freed_unused(self) -> None:
        code = (
            "from llmcompiler.models import LocalModel, _engine\n"
            "settings = LocalModel(adapters={}, context=64, slots=1)._settings\n"
            "for _ in range(8):\n"
            "    _engine.get_engine(settings)\n"
            "    _engine.unload_engines()\n"
        )
        done = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False
        )
        assert done.returncode == 0, done.stderr

    def test_an_abandoned_generation_does_not_hold_up_the_end(self) -> None:
        code = (
            "import asyncio\n"
            "from llmcompiler.models import LocalModel, ModelRequest\n"
            "loop = asyncio.new_event_loop()\n"
            "chunks = LocalModel(max_tokens=3000).stream(ModelRequest(prompt='Tell a story.'))\n"
            "loop.run_until_complete(anext(chunks))\n"
        )
        done = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, timeout=30, check=False
        )
        assert done.returncode == 0

    def test_without_the_engine(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(sys.modules, "xllamacpp", None)
        with pytest.raises(ConfigurationError, match=r"llmcompiler-runtime\[local\]"):
            engines._import()
