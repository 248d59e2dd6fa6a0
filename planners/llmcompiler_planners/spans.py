"""One value copied out of a text by a small model: the part of the text that is shown, the grammar, the request.

The model only points at words of the text; it can not write others. What values mean is in `measures`, what follows
from them in `verdicts`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from contextlib import aclosing
from dataclasses import dataclass, field

from llmcompiler.models.asking import asked
from llmcompiler.models.base import Model, ModelRequest, Usage
from llmcompiler.plan import Task

from .briefing import MAX_TEXT, NOTHING, value_prompt
from .confidence import LineScore
from .excerpts import one_line, printable
from .gbnf import terminal
from .words import FUNCTION_WORDS, variants

MAX_RUN = 9
"""Words of a value."""
MAX_WORD = 60
"""Characters of one word; a longer one is data, and no value holds it."""
_MAX_READ = 60_000
_MAX_TOKENS = 64
_OPEN = "([{<\"'`“”‘’„«‹¿¡"
_CLOSE = ")]}>\"'`“”‘’»›.,;:!?…。，、！？"
_POSSESSIVE = re.compile(r"(?<=\w)(?:['’][sS]|(?<=[sS])['’])\Z")
_SENTENCE = re.compile(r"(?<=[.!?。！？])\s+(?=[\W\d]*[A-ZÀ-Þ\u3040-\u9fff])")
_MARK = "..."


@dataclass(frozen=True, slots=True)
class Span:
    """What the model copied."""

    text: str
    """A run of words of the text; empty where the model found none."""
    confidence: float = 1.0
    """Mean probability of its tokens before the grammar, from 0 to 1; 1 where the model does not tell."""
    usage: Usage = field(default_factory=Usage)


async def copy_value(
    model: Model, call: Task | str, text: str, question: str, adapter: str, name: str = ""
) -> Span:
    """The value that `question` asks for, copied out of `text` by `model`: one request.

    Args:
        model: Needs the features `completion` and `grammar`.
        call: What gave the text, as the prompt says it.
        text: Any length; what is shown of it is `passage`.
        question: The user's words.
        adapter: Name of the adapter to switch on.
        name: What the text is about; its own name is no value.

    Raises:
        ModelError: The model gave no usable reply.
    """
    shown = passage(text, question)
    grammar = span_grammar(shown, name)
    if grammar is None:
        return Span("")
    request = ModelRequest(
        prompt=value_prompt(call, shown, question),
        purpose="join",
        stop=("\n",),
        max_tokens=_MAX_TOKENS,
        grammar=grammar,
        adapter=adapter,
    )
    parts: list[str] = []
    score, usage, cut = LineScore(), Usage(), False
    async with aclosing(asked(model, request)) as stream:
        async for chunk in stream:
            parts.append(chunk.text)
            score.note(chunk.logprob)
            usage = chunk.usage or usage
            cut = cut or chunk.finish_reason == "length"
    value = "".join(parts).partition("\n")[0].strip()
    # Cut off in the middle of a word, it would be no word of the text.
    found = "" if value == NOTHING or cut or value not in shown else value
    return Span(found, score.value, Usage(1, usage.prompt_tokens, usage.completion_tokens, usage.cost))


def passage(text: str, question: str, limit: int = MAX_TEXT) -> str:
    """What of `text` is shown, on one line of at most `limit` characters.

    A longer text is shown by its beginning and, in their order, those later sentences that share most words with the
    question.
    """
    clean = one_line(printable(text[:_MAX_READ]))
    if len(clean) <= limit and len(text) <= _MAX_READ:
        return clean
    sentences = _SENTENCE.split(clean)
    asked = _content(question)
    scores = [len(asked & _content(s)) for s in sentences]
    chosen: set[int] = set()
    room = limit - len(_MARK)
    for i, sentence in enumerate(sentences):  # the beginning: what an article is about
        if room - len(sentence) < limit // 2:
            break
        chosen.add(i)
        room -= len(sentence) + 1
    if not chosen:
        return _cut(clean, limit)
    for i in sorted(range(len(sentences)), key=lambda i: (-scores[i], i)):
        if i not in chosen and len(sentences[i]) < room:
            chosen.add(i)
            room -= len(sentences[i]) + 1
    return " ".join(sentences[i] for i in sorted(chosen))


def span_grammar(text: str, name: str = "") -> str | None:
    """The grammar of a value: a blank, then a run of 1 to `MAX_RUN` words of `text` or `none`; None for no words.

    A run begins and ends without the punctuation round it, and possessive endings may be left off. None is made of
    words like `of the` alone, nor of words of `name` alone. The size is bounded by `MAX_TEXT`: what the text holds
    beyond it can not be copied.
    """
    words = text[:MAX_TEXT].split()
    if len(text) > MAX_TEXT and words:
        words.pop()  # perhaps half a word
    tree = _Node()
    # `fern` may be what a great fern is; `Fern` in its name is not.
    empty = frozenset(_bare(w) for w in name.split() if not w.islower())
    for i in range(len(words)):
        _add(tree, words[i : i + MAX_RUN], empty)
    heads = _written(tree)
    if not heads:
        return None
    return f'root ::= " " (run | {terminal(NOTHING)}) "\\n"\nrun ::= {heads}\n'


@dataclass(slots=True)
class _Node:
    """Runs that begin alike: by the next word, what may follow it."""

    next: dict[str, _Node] = field(default_factory=dict)
    ends: dict[str, None] = field(default_factory=dict)
    """The forms in which the word that leads here may be the last one."""


def _add(tree: _Node, words: list[str], empty: frozenset[str]) -> None:
    node, told = tree, False
    for i, raw in enumerate(words):
        word = raw.lstrip(_OPEN) if i == 0 else raw
        forms = _last_forms(word)
        if len(word) > MAX_WORD or (i == 0 and not forms):
            return
        told = told or not (_bare(word) in empty or _bare(word) in FUNCTION_WORDS)
        node = node.next.setdefault(word, _Node())
        if told:
            node.ends.update(dict.fromkeys(forms))


def _bare(word: str) -> str:
    return _POSSESSIVE.sub("", word.strip(_OPEN + _CLOSE))


def _last_forms(word: str) -> list[str]:
    core = word.rstrip(_CLOSE)
    if not any(c.isalnum() for c in core):
        return []
    forms = [_POSSESSIVE.sub("", core), core]
    if word[len(core) : len(core) + 1] == "." and ("." in core or core[0].isupper()):
        forms.append(core + ".")  # `U.S.`, `Inc.`
    opened = core.count("(") - core.count(")")
    if opened > 0 and word[len(core) : len(core) + 1] == ")":
        forms.append(core + ")")
    return list(dict.fromkeys(forms))


def _written(node: _Node) -> str:
    """The runs from a node on, as the right side of a rule; empty where there is none."""
    options: list[str] = []
    for word, after in node.next.items():
        more = _written(after)
        if more and word in after.ends:
            options.append(f'{terminal(word)} (" " ({more}))?')
        elif more:
            options.append(f"{terminal(word + ' ')} ({more})")
        options += [terminal(form) for form in after.ends if form != word or not more]
    return " | ".join(dict.fromkeys(options))


def _content(text: str) -> frozenset[str]:
    found = (w for w in re.findall(r"\w+", text.casefold()) if w not in FUNCTION_WORDS)
    return _forms(found)


def _forms(words: Iterable[str]) -> frozenset[str]:
    return frozenset(v for w in words for v in variants(w))


def _cut(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[: limit - len(_MARK)].rstrip() + _MARK


__all__ = ["MAX_RUN", "Span", "copy_value", "passage", "span_grammar"]
