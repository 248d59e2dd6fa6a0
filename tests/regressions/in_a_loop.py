"""Bad input for the library, inside one running event loop: run by `test_bad_input.py` in a process of its own.

Every check is here; it ends with `all is well`, or with the error of the first check that fails.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import io
import json
import os
import time
from collections.abc import AsyncIterator
from typing import Any

with contextlib.redirect_stdout(io.StringIO()):
    import bad_tools as bad
from pydantic import BaseModel

from llmcompiler import (
    ConfigurationError,
    Event,
    Limits,
    LLMCompiler,
    LLMCompilerError,
    ModelAuthenticationError,
    ModelConnectionError,
    ModelReplyInvalid,
    PlanError,
    PlanningFailed,
    ToolDefinitionError,
    UsageError,
)
from llmcompiler.models import OpenAIModel
from tests.support.openai_server import Broken, OpenAIServer, Status, Text

KEY = os.environ["OPENAI_API_KEY"]
HI = '1. echo("hi")\njoin($1)\n'


class Record(BaseModel):
    n: int


def answer(value: Any) -> str:
    return json.dumps({"thought": "", "action": "answer", "answer": value})


@contextlib.asynccontextmanager
async def against(
    *replies: Any, tools: Any = None, default: Any = None, **options: Any
) -> AsyncIterator[LLMCompiler]:
    """A compiler whose model is a server with these replies."""
    given = [bad.echo, bad.double, bad.fails, bad.odd, bad.hangs] if tools is None else tools
    with OpenAIServer(replies, default=default) as server:
        model = OpenAIModel("m", base_url=server.base_url, max_retries=0)
        async with LLMCompiler(given, model=model, **options) as compiler:
            yield compiler


async def refused(kind: type[Exception], work: Any, *words: str) -> None:
    """`work` raises `kind`, and its text has `words`."""
    begun = time.monotonic()
    try:
        await work
    except kind as e:
        text = str(e)
        assert KEY not in text
        assert all(w in text for w in words), text
    else:
        raise AssertionError(f"nothing was raised where {kind.__name__} was due: {words}")
    assert time.monotonic() - begun < 15


async def arguments_that_are_wrong() -> None:
    async with against() as compiler:
        for question in (None, 5, b"why?", ["why?"]):
            await refused(UsageError, compiler.run(question), "not text")  # type: ignore[arg-type]
        await refused(UsageError, compiler.run(" \n"), "the question is empty")
        await refused(UsageError, compiler.plan("x" * 300_000), "300,000 characters")
        for plan in (None, 5, b"join()", {"tasks": []}):
            await refused(UsageError, compiler.execute(plan), "a Plan or plan text")  # type: ignore[arg-type]
        for call in (
            compiler.run("q", limits=5),
            compiler.plan("q", limits=5),
            compiler.execute(HI, limits=5),
        ):  # type: ignore[arg-type]
            await refused(ConfigurationError, call, "write Limits(tasks=50)")
        await refused(ConfigurationError, compiler.run("q", output_type=object()), "can be validated")
        await refused(PlanError, compiler.execute('1. nope("x")\n2. echo($2)'), "2 errors", "self-reference")
    for tools in ("echo", 5, None, [5], [print], [lambda x: x], [Record], [bad.echo, bad.echo]):
        try:
            LLMCompiler(tools)  # type: ignore[arg-type]
        except ToolDefinitionError:
            continue
        raise AssertionError(f"these are no tools: {tools!r}")
    for model in ("nonsense", "", "openai:"):
        await refused(ConfigurationError, LLMCompiler([bad.echo], model=model).run("q"), "openai:")


async def tools_that_are_not_there() -> None:
    async with against("join()\n", answer("nothing to ask"), tools=[]) as compiler:
        assert (await compiler.run("q")).output == "nothing to ask"
    async with against(default=Text(HI), tools=[]) as compiler:
        await refused(PlanningFailed, compiler.run("q"), "there is no tool `echo`", "there are: no tools")


async def servers_that_fail() -> None:
    refusal = Status(401, {"error": {"message": f"no: {KEY}"}})
    events: list[Event] = []
    async with against(default=refusal) as compiler:
        await refused(ModelAuthenticationError, compiler.run("q"), "OPENAI_API_KEY")
        await refused(ModelAuthenticationError, compiler.plan("q"), "OPENAI_API_KEY")
        events += [e async for e in compiler.stream("q")]
        assert KEY not in repr(compiler) + repr(compiler.model) + repr(vars(compiler.model))
    assert [e.type for e in events].count("RunFinished") == 1
    assert KEY not in "".join(e.to_json() for e in events)
    async with against(default=Broken("1. ec")) as compiler:
        await refused(ModelConnectionError, compiler.run("q"), "`m` at http://127.0.0.1")


async def answers_of_the_wrong_type() -> None:
    plan = '1. echo("hi")\njoin()\n'
    async with against(plan, answer("five"), answer("six"), answer(7)) as compiler:
        assert (await compiler.run("q", output_type=int)).output == 7
    async with against(plan, default=Text(answer({"n": "many"}))) as compiler:
        await refused(ModelReplyInvalid, compiler.run("q", output_type=Record), "asked 3 times", "n: Input")
        result = await compiler.execute(HI, output_type=Record)
        assert result.output is None
        assert "output type" in str(result.error)


async def tools_that_are_bad() -> None:
    plan = '1. fails("cancelled")\n2. hangs()\n3. odd("endless")\n4. echo($1)\n5. echo("fine")\njoin()\n'
    async with against(plan, answer("as far as it goes")) as compiler:
        result = await compiler.run("q")
        states = [t.outcome.status for t in result.tasks.values()]
        assert result.output == "as far as it goes"
        assert states[:2] == ["failed", "failed"]
        assert states[3:] == ["skipped", "succeeded"]
        json.loads(result.to_json())
        never = compiler.execute("1. hangs()\njoin($1)", limits=Limits(seconds=0.05))
        assert (await never).error is not None


async def sync_calls_inside_the_loop() -> None:
    async with against(HI, HI) as compiler:
        assert compiler.run_sync("q").output == "hi"
        assert compiler.execute_sync('1. fails("value")\njoin($1)').error is not None
        try:
            compiler.run_sync("")
        except LLMCompilerError:
            assert (await compiler.run("q")).output == "hi"
        else:
            raise AssertionError("an empty question was taken")


def sync_calls_of_tools_that_never_end() -> None:
    """Neither these calls nor the end of this process waits for them."""
    compiler = LLMCompiler([bad.deaf, bad.deaf_for_long, bad.hangs_in_a_thread, bad.echo])
    plan = '1. deaf()\n2. deaf_for_long()\n3. hangs_in_a_thread()\n4. echo("fine")\njoin($4)'
    begun = time.monotonic()
    assert compiler.execute_sync(plan, limits=Limits(seconds=0.5)).output == "fine"
    assert time.monotonic() - begun < 10


async def main() -> None:
    await arguments_that_are_wrong()
    await tools_that_are_not_there()
    await servers_that_fail()
    await answers_of_the_wrong_type()
    await tools_that_are_bad()
    await sync_calls_inside_the_loop()


if __name__ == "__main__":
    asyncio.run(main())
    sync_calls_of_tools_that_never_end()
    gc.collect()
    print("all is well")  # noqa: T201 - its parent reads it
