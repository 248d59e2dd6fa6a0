"""Tool selection: which of many tools a planner is shown for a question.

A selector only says what is shown. The registry stays the truth: any tool of it may be called, shown or not.
"""

from __future__ import annotations

import functools
import importlib
import logging
import operator
import re
import threading
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from llmcompiler.errors import ConfigurationError, UsageError

from .tool_texts import MAX_QUESTION, tool_text, tool_words, words_of

if TYPE_CHECKING:
    from llmcompiler.protocols import ToolSelector
    from llmcompiler.tools import Tool, ToolRegistry

logger = logging.getLogger("llmcompiler")

Embed = Callable[[list[str]], Any]
"""Texts to vectors: a list of lists of numbers, or an array with a row for each text."""

_KEPT = 4
"""Indexes a selector keeps: one for each list of tools it was last used with."""
_RANK_OFFSET = 60
"""Reciprocal rank fusion, Cormack, Clarke and Büttcher 2009: a rank counts 1 / (60 + rank)."""

_PARTS = re.compile(
    # Begun only at the beginning of a run, and never given back: a question may be 200,000 blanks.
    r"(?<![.?!;。？！；])[.?!;。？！；]++(?=\s|$)|\n(?=\s|$)|(?:,|(?<!\s))\s++(?:and|then|also|plus)\s++",
    re.IGNORECASE,
)
_MOST_PARTS = 12
_SHORTEST_PART = 3
"""Words of a part of a question that is looked at by itself."""
_PART_WEIGHT = 0.5
_ROUND_NAMES = ".,;:!?()`\"'"

I = TypeVar("I")  # noqa: E741


class BM25Selector:
    """Chooses tools by the words they share with the question, weighed by BM25.

    Searched are names (which fall into their words), descriptions, names and descriptions of parameters, enum values,
    and fields of results. Always `min(k, number of tools)` tools are chosen, and those of `always` beside them. Of
    equal scores the tool that comes first in the registry comes first. Where no tool shares a word with the question
    (it may be in another language than the tools), these are the first ones, and that is logged.

    The index is made when tools are first chosen from, and kept for these very tools. It is safe to use one selector
    from several threads and for several compilers. Nothing is chosen by itself: without `selector=` every tool is
    shown, so that the same tools give the same prompt, which servers keep in their prefix caches.

    Args:
        k: Tools chosen for a question.
        always: Tools that are shown for every question, by name; they come on top of `k`.

    Raises:
        UsageError: `k` is not a whole number of 1 or more, or `always` is no list of names.

    ```python
    from llmcompiler import ToolRegistry
    from llmcompiler_planners import BM25Selector


    def weather_forecast(city: str) -> str:
        "How the weather will be."


    def send_mail(to: str, body: str) -> None:
        "Send a mail."


    def book_flight(origin: str, destination: str) -> str:
        "Book a seat on a plane."


    tools = ToolRegistry([weather_forecast, send_mail, book_flight])
    assert BM25Selector(k=1).select("Will it rain? I want a forecast for Oslo.", tools) == ["weather_forecast"]
    ```
    """

    def __init__(self, k: int = 20, *, always: Iterable[str | Tool] = ()) -> None:
        self.k = _checked_k("BM25Selector", k)
        self.always = _checked_always("BM25Selector", always)
        self._indexes = _Indexes(_WordIndex)

    def prepare(self, tools: ToolRegistry) -> None:
        """Make the index now rather than at the first question: about 0.2 s for 1,000 tools.

        Raises:
            ConfigurationError: `bm25s` is not installed.
            UsageError: `always` names a tool that is not there.
        """
        _check_there(self.always, tools)
        if tools:
            self._indexes.of(tools)

    def select(self, question: str, tools: ToolRegistry) -> list[str]:
        """Names of the tools to show, best first.

        Raises:
            ConfigurationError: `bm25s` is not installed.
            UsageError: `always` names a tool that is not there.
        """
        _check_there(self.always, tools)
        if not tools:
            return []
        order, best = self._indexes.of(tools).ranked(question, self.k + len(self.always))
        if best <= 0 and len(tools) > self.k:
            logger.info(
                "no tool shares a word with the question; the first %d of %d are shown", self.k, len(tools)
            )
        return _chosen(self.always, order, self.k, tools)


class EmbeddingSelector:
    """Chooses tools whose text is nearest in meaning to the question, by vectors from a function of yours.

    Nearness is the cosine. Each tool is one text: its name in words, its description, its parameters with their
    descriptions, and the fields of its result. The vectors of tools are made once for these very tools.

    `embed` is called in the thread, and so in the event loop, of the run: it should be quick, as a small model in the
    same process is.

    Args:
        embed: Takes a list of texts, gives a list of vectors of one length (or an array with a row for each text).
        k: Tools chosen for a question.
        always: Tools that are shown for every question, by name; they come on top of `k`.
        batch_size: Texts handed to `embed` at once, at most.

    Raises:
        UsageError: A setting is wrong.
    """

    def __init__(
        self, embed: Embed, k: int = 20, *, always: Iterable[str | Tool] = (), batch_size: int = 256
    ) -> None:
        if not callable(embed):
            raise UsageError(
                f"EmbeddingSelector(embed={embed!r}) can not be called; give a function of texts"
            )
        self.embed = embed
        self.k = _checked_k("EmbeddingSelector", k)
        self.always = _checked_always("EmbeddingSelector", always)
        self.batch_size = _checked_k("EmbeddingSelector", batch_size, "batch_size")
        self._indexes = _Indexes(self._embed_tools)

    def prepare(self, tools: ToolRegistry) -> None:
        """Embed the tools now rather than at the first question.

        Raises:
            ConfigurationError: `numpy` is not installed.
            UsageError: `embed` gave no usable vectors, or `always` names a tool that is not there.
        """
        _check_there(self.always, tools)
        if tools:
            self._indexes.of(tools)

    def select(self, question: str, tools: ToolRegistry) -> list[str]:
        """Names of the tools to show, best first.

        Raises:
            ConfigurationError: `numpy` is not installed.
            UsageError: `embed` gave no usable vectors, or `always` names a tool that is not there.
        """
        _check_there(self.always, tools)
        if not tools:
            return []
        matrix = self._indexes.of(tools)
        asked = self._vectors([question[:MAX_QUESTION]])
        if asked.shape[1] != matrix.shape[1]:
            raise UsageError(
                f"embed gave vectors of length {matrix.shape[1]} for tools and {asked.shape[1]} for the question"
            )
        return _chosen(self.always, _best(matrix @ asked[0], self.k + len(self.always)), self.k, tools)

    def _embed_tools(self, tools: Sequence[Tool]) -> Any:
        return self._vectors([tool_text(tool) for tool in tools])

    def _vectors(self, texts: list[str]) -> Any:
        """Unit vectors of `texts`, a row for each; a vector of zeros stays one."""
        numpy = _load("numpy")
        rows: list[Any] = []
        for start in range(0, len(texts), self.batch_size):
            batch = texts[start : start + self.batch_size]
            given = self.embed(batch)
            try:
                made = numpy.asarray(given, dtype="float64")
            except (TypeError, ValueError):
                raise UsageError(
                    f"embed gave a {type(given).__name__} that is no list of vectors of one length; it takes a list of "
                    "texts, and must not be async"
                ) from None
            if (
                made.ndim != 2
                or len(made) != len(batch)
                or not made.shape[1]
                or not numpy.isfinite(made).all()
            ):
                shape = " x ".join(map(str, made.shape)) or "one number"
                raise UsageError(
                    f"embed gave {shape} for {len(batch)} texts; it must give one vector of finite numbers for each"
                )
            rows.append(made)
        if len({made.shape[1] for made in rows}) > 1:
            raise UsageError("embed gave vectors of different lengths; all must be of one length")
        matrix = numpy.concatenate(rows)
        lengths = numpy.linalg.norm(matrix, axis=1, keepdims=True)
        return matrix / numpy.where(lengths > 0, lengths, 1.0)


class HybridSelector:
    """Puts the choices of several selectors together, by reciprocal rank fusion: what several rank high comes first.

    Give the selectors inside a larger `k` than this one, as in
    `HybridSelector([BM25Selector(k=50), EmbeddingSelector(embed, k=50)], k=10)`.

    Args:
        selectors: Two or more, of any kind.
        k: Tools chosen for a question.
        always: Tools that are shown for every question, by name; they come on top of `k`.

    Raises:
        UsageError: A setting is wrong.
    """

    def __init__(
        self, selectors: Iterable[ToolSelector], k: int = 20, *, always: Iterable[str | Tool] = ()
    ) -> None:
        self.selectors = tuple(selectors)
        if not self.selectors or not all(callable(getattr(s, "select", None)) for s in self.selectors):
            raise UsageError(
                "HybridSelector takes selectors with a method `select`: [BM25Selector(k=50), ...]"
            )
        self.k = _checked_k("HybridSelector", k)
        self.always = _checked_always("HybridSelector", always)

    def select(self, question: str, tools: ToolRegistry) -> list[str]:
        """Names of the tools to show, best first.

        Raises:
            UsageError: `always` names a tool that is not there.
        """
        _check_there(self.always, tools)
        places = {name: place for place, name in enumerate(tools)}
        scores: dict[str, float] = {}
        for selector in self.selectors:
            found = [name for name in dict.fromkeys(selector.select(question, tools)) if name in places]
            for rank, name in enumerate(found, 1):
                scores[name] = scores.get(name, 0.0) + 1 / (_RANK_OFFSET + rank)
        best = sorted(scores, key=lambda name: (-scores[name], places[name]))
        return _chosen(self.always, [places[name] for name in best], self.k, tools)


# -- indexes --------------------------------------------------------------------------------------


class _Indexes(Generic[I]):
    """One index for each list of tools, made once, whoever asks first and from whatever thread."""

    def __init__(self, build: Callable[[Sequence[Tool]], I]) -> None:
        self._build = build
        self._kept: list[tuple[tuple[Tool, ...], I]] = []
        self._lock = threading.Lock()

    def of(self, tools: ToolRegistry) -> I:
        wanted = tuple(tools.values())
        with self._lock:
            for entry in self._kept:
                # Tools do not change once they are made, so the same objects are the same texts.
                if len(entry[0]) == len(wanted) and all(map(operator.is_, entry[0], wanted)):
                    break
            else:
                entry = (wanted, self._build(wanted))
            self._kept = [entry, *(e for e in self._kept if e is not entry)][:_KEPT]
            return entry[1]


class _WordIndex:
    """BM25 over the words of tools."""

    def __init__(self, tools: Sequence[Tool]) -> None:
        self._count = len(tools)
        self._bm25 = _load("bm25s").BM25()
        self._bm25.index([tool_words(tool) for tool in tools], show_progress=False)

    def ranked(self, question: str, k: int) -> tuple[list[int], float]:
        """Positions of the `k` best tools, best first, and the best score.

        A question that asks for several things is scored as a whole and by its parts, each part for as much as the
        others: a short part would drown in a long one.
        """
        text = question[:MAX_QUESTION]
        whole = self._scores(text)
        best = float(whole.max())
        parts = [p for p in _PARTS.split(text, _MOST_PARTS) if len(p.split()) >= _SHORTEST_PART]
        if best > 0 and len(parts) > 1:
            tops = [scores * (best / top) for p in parts if (top := (scores := self._scores(p)).max()) > 0]
            whole = whole + _PART_WEIGHT * functools.reduce(_load("numpy").maximum, tops)
        return _best(whole, k), best

    def _scores(self, text: str) -> Any:
        asked = {*words_of(text), *(word.strip(_ROUND_NAMES).casefold() for word in text.split())} - {""}
        # Sorted, since sums of fractions depend on their order and a set's order on the process.
        known = sorted(asked & self._bm25.vocab_dict.keys())
        return self._bm25.get_scores(known) if known else _load("numpy").zeros(self._count)


def _best(scores: Any, k: int) -> list[int]:
    order = (-scores).argsort(kind="stable")[:k]
    return [int(i) for i in order]


def _load(module: str) -> Any:
    try:
        return importlib.import_module(module)
    except ImportError as e:
        raise ConfigurationError(
            f"tool selection needs the package `{module}` ({e}); pip install 'llmcompiler-runtime[selection]'"
        ) from None


# -- settings -------------------------------------------------------------------------------------


def _checked_k(owner: str, k: Any, name: str = "k") -> int:
    if isinstance(k, bool) or not isinstance(k, int) or k < 1:
        raise UsageError(f"{owner}({name}={k!r}): give a whole number, 1 or more")
    return k


def _checked_always(owner: str, always: Any) -> tuple[str, ...]:
    given = None if isinstance(always, str) or not isinstance(always, Iterable) else list(always)
    names = [name if isinstance(name, str) else getattr(name, "name", None) for name in given or ()]
    if given is None or not all(isinstance(name, str) for name in names):
        raise UsageError(f"{owner}(always={always!r}): give a list of names of tools")
    return tuple(dict.fromkeys(str(name) for name in names))


def _check_there(always: Sequence[str], tools: ToolRegistry) -> None:
    if missing := [name for name in always if name not in tools]:
        raise UsageError(
            f"a selector shows {', '.join(map(repr, missing))} always, and there is no such tool; correct `always=`"
        )


def _chosen(always: Sequence[str], order: Sequence[int], k: int, tools: ToolRegistry) -> list[str]:
    """The tools that are shown always, and the first `k` others in `order`."""
    names = list(tools)
    others = [names[i] for i in order if names[i] not in always]
    return [*always, *others[:k]]


__all__ = ["BM25Selector", "Embed", "EmbeddingSelector", "HybridSelector"]
