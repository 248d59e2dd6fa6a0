"""A brief about one question out of many sources: web pages and files, read side by side, quoted with their places.

    python examples/research_brief.py "How do heat pumps cope with frost?" notes/ https://example.org/a --out brief.md

Sources are read at most eight at once, each with a timeout and another try; one that can not be read is named in the
brief instead of ending it. With `--model openai:...` (or `local:`) a model writes a summary on top, of nothing but the
passages that were found; without one the brief is the passages. With `--cache FILE` pages are fetched once an hour.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import re
import sys
from collections.abc import Sequence
from pathlib import Path

import bm25s

from llmcompiler import LLMCompiler, RunResult, SQLiteCache, Succeeded, ToolError, tool
from llmcompiler.terminal import LogReporter
from llmcompiler_tools import fetch_url

TEXTS = {".txt", ".md", ".rst", ".html", ".htm", ".csv", ".json"}
MAX_FILE = 2_000_000
PASSAGES = 3
"""Passages quoted of one source."""


@tool(effect="read", timeout=30)
def read_file(path: str) -> dict[str, str]:
    """Text of one file.

    Raises:
        ToolError: It is too large, or no text.
    """
    file = Path(path)
    if file.stat().st_size > MAX_FILE:
        raise ToolError(f"{path} is larger than {MAX_FILE:,} bytes")
    try:
        text = file.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise ToolError(f"{path} is no UTF-8 text") from None
    if file.suffix in (".html", ".htm"):
        text = re.sub(r"<[^>]*>", " ", re.sub(r"(?is)<(script|style)\b.*?</\1\s*>", " ", text))
    return {"url": str(file), "title": file.stem.replace("_", " "), "text": text}


@tool(effect="pure")
def passages(page: dict[str, str], question: str) -> dict[str, object]:
    """The paragraphs of a page that say most about a question."""
    every = [" ".join(p.split()) for p in re.split(r"\n\s*\n|(?<=[.!?])\s{2,}", page["text"])]
    paragraphs = [p for p in every if len(p) > 40]
    if not paragraphs:
        return {"source": page["url"], "title": page["title"], "quotes": []}
    index = bm25s.BM25()
    index.index(bm25s.tokenize(paragraphs, stopwords="en", show_progress=False), show_progress=False)
    asked = bm25s.tokenize([question], stopwords="en", show_progress=False)
    found, scores = index.retrieve(asked, k=min(PASSAGES, len(paragraphs)), show_progress=False)
    quotes = [paragraphs[i] for i, score in zip(found[0], scores[0], strict=True) if score > 0]
    return {"source": page["url"], "title": page["title"], "quotes": quotes}


def sources(given: Sequence[str]) -> tuple[list[str], list[str]]:
    """Addresses, and files; folders stand for the text files in them.

    Raises:
        SystemExit: A path is not there.
    """
    urls = [s for s in given if s.startswith(("http://", "https://"))]
    files = []
    for name in given:
        path = Path(name)
        if name in urls:
            continue
        if path.is_dir():
            files += sorted(str(p) for p in path.rglob("*") if p.suffix in TEXTS and p.is_file())
        elif path.is_file():
            files.append(name)
        else:
            raise SystemExit(f"{name} is neither a file, a folder nor a web address")
    return list(dict.fromkeys(urls)), list(dict.fromkeys(files))


def plan_of(question: str, urls: list[str], files: list[str]) -> str:
    """The plan: every source is read, and searched as soon as it is there. No model is needed to write it."""
    lines, n = [], 0
    for reader, places in (("fetch_url", urls), ("read_file", files)):
        for place in places:
            lines.append(f"{n + 1}. {reader}({json.dumps(place, ensure_ascii=False).replace('$', '$$')})")
            asked = json.dumps(question, ensure_ascii=False).replace("$", "$$")
            lines.append(f"{n + 2}. passages(${n + 1}, {asked})")
            n += 2
    return "\n".join([*lines, "join()"])


def brief(question: str, result: RunResult, summary: str = "") -> str:
    """The brief as Markdown: the summary, what was found with its source, and what could not be read."""
    found, failed = [], []
    for n, task in result.tasks.items():
        if task.task.tool == "passages" and isinstance(task.outcome, Succeeded):
            found.append(task.outcome.value)
        elif task.task.tool != "passages" and task.outcome.status != "succeeded":
            place = next(iter(result.plans[0][n].args.values()))
            failed.append(f"- {place}: {getattr(task.outcome, 'error', task.outcome.status)}")
    out = [f"# {question}", ""]
    if summary:
        out += [summary, ""]
    for one in found:
        if one["quotes"]:
            out += [f"## {one['title'] or one['source']}", ""]
            out += [f"> {quote}\n" for quote in one["quotes"]] + [f"Source: {one['source']}", ""]
    silent = [f"- {one['source']}" for one in found if not one["quotes"]]
    if silent:
        out += ["## Nothing about it in", "", *silent, ""]
    if failed:
        out += ["## Could not be read", "", *failed, ""]
    return "\n".join(out)


async def summarise(question: str, result: RunResult, model: str) -> str:
    """A summary by a model, of the passages alone; it is given no other tool."""
    quotes = [
        f"[{n}] {quote}"
        for n, task in enumerate(result.tasks.values(), 1)
        if task.task.tool == "passages" and isinstance(task.outcome, Succeeded)
        for quote in task.outcome.value["quotes"]
    ]

    @tool(effect="pure")
    def notes() -> list[str]:
        """The passages, with the numbers of their sources."""
        return quotes

    async with LLMCompiler([notes], model=model) as writer:
        written = await writer.execute("1. notes()\njoin()", question=f"{question} Cite notes as [n].")
    return str(written.output)


async def work(args: argparse.Namespace) -> int:
    """Read, search, write; 0 where at least one source was read."""
    urls, files = sources(args.sources)
    if not urls and not files:
        raise SystemExit("there is no source: name files, folders or web addresses")
    cache = SQLiteCache(args.cache, ttl=3600) if args.cache else None
    try:
        reporters = [] if args.quiet else [LogReporter()]
        compiler = LLMCompiler([fetch_url, read_file, passages], cache=cache, reporters=reporters)
        result = await compiler.execute(plan_of(args.question, urls, files))
    finally:
        if cache is not None:
            cache.close()
    summary = await summarise(args.question, result, args.model) if args.model else ""
    text = brief(args.question, result, summary)
    if args.out:
        args.out.write_text(text, encoding="utf-8")
    else:
        sys.stdout.write(text)
    read = sum(t.task.tool == "passages" and t.outcome.status == "succeeded" for t in result.tasks.values())
    timing = result.timing
    sys.stderr.write(
        f"{read} of {len(urls) + len(files)} sources read in {timing.total:.1f} s"
        f" (one after another {timing.sequential:.1f} s)\n"
    )
    return 0 if read else 1


def main(arguments: Sequence[str] | None = None) -> int:
    """Command line; returns the exit status."""
    parser = argparse.ArgumentParser(description="A brief about one question out of many sources.")
    parser.add_argument("question")
    parser.add_argument("sources", nargs="*", metavar="SOURCE", help="web address, file or folder")
    parser.add_argument(
        "--out", type=Path, help="where to write the brief (Markdown); standard output by default"
    )
    parser.add_argument("--model", help="writes a summary, such as openai:gpt-5-mini or local:")
    parser.add_argument("--cache", type=Path, help="keeps pages for an hour")
    parser.add_argument("--quiet", action="store_true")
    return asyncio.run(work(parser.parse_args(arguments)))


if __name__ == "__main__":
    sys.exit(main())
