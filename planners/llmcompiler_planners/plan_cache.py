"""Plans compiled once and run many times: a cache of plan templates.

A hit needs no model. It is only one where every word of the question is accounted for: what is a hole and what fits
it is the business of `llmcompiler.templates`. A plan is learned from a run in which nothing went wrong, and forgotten
after one in which something did.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any

from llmcompiler.errors import ConfigurationError, LLMCompilerError
from llmcompiler.plan import Plan
from llmcompiler.templates import PlanTemplate
from llmcompiler.templates.atoms import atoms, form
from llmcompiler.templates.places import replaced
from llmcompiler.templates.timely import is_timely
from llmcompiler.tools import Tool, ToolRegistry

from .plan_store import MemoryTemplates, Stored, TemplateStore

logger = logging.getLogger("llmcompiler")

RECALLED = "recalled"
"""Name of the note of a run whose plan came from the cache."""
_ASKED = 1_000
"""Questions under way that are kept in mind."""
_ANY = "*"

Proposer = Callable[[str], Iterable[PlanTemplate]]
"""Gives templates that may fit a question."""


@dataclass(slots=True)
class PlanCacheStats:
    """What became of the questions a cache was asked, and of the plans it was shown, since it was made."""

    hits: int = 0
    misses: int = 0
    """Every question that was not a hit, refused ones included."""
    refused: Counter[str] = field(default_factory=Counter)
    """Questions for which there was a template that was not used, by reason."""
    stored: int = 0
    """Plans that were kept: as new templates, or as further examples of one."""
    not_stored: Counter[str] = field(default_factory=Counter)
    """Plans that no template was made of, by reason."""
    audited: int = 0
    """Questions for which there was a plan, and the planner was asked all the same; neither hits nor misses."""
    wrong: int = 0
    """Audited questions for which the planner wrote another plan: `wrong / audited` is about the rate of wrong hits."""
    distrusted: int = 0
    """Templates that have to be confirmed again, after a run that did not go well."""
    evicted: int = 0
    """Templates that had to go to make room."""

    @property
    def hit_rate(self) -> float:
        """Hits of all questions that were not audited; 0 where none was asked."""
        asked = self.hits + self.misses
        return self.hits / asked if asked else 0.0

    def to_dict(self) -> dict[str, Any]:
        """JSON form."""
        return {
            "hits": self.hits,
            "misses": self.misses,
            "refused": dict(self.refused),
            "stored": self.stored,
            "not_stored": dict(self.not_stored),
            "audited": self.audited,
            "wrong": self.wrong,
            "distrusted": self.distrusted,
            "evicted": self.evicted,
        }


@dataclass(frozen=True, slots=True)
class Recalled:
    """A plan from the cache."""

    plan: Plan
    template: PlanTemplate
    ids: tuple[str, ...] = ()
    """What it is kept under."""
    audit: bool = False
    """Whether the planner is to be asked all the same."""


class PlanCache:
    r"""Keeps plans as templates, and fills one for a question of the same form. Safe to use from several threads.

    What it can not see is that a name is of another sort than those before, where neither the words of the question nor
    the names of the tools tell: a run that fails, `confirm=` and `audit=` find such templates.

    A template is used only where all of this holds: its tools are unchanged, as are all others that the planner could
    choose; every word of the question outside holes is the same; what fills a hole is of its kind; there is one way to
    read the question; the filled plan passes every check; and no other template gives another plan.

    Args:
        max_templates: Templates it holds at most; those used longest ago go first.
        path: A SQLite file that several processes may share (the extra `sqlite`); None to keep them in memory. It holds
            the questions that templates were made of; only its user may read it.
        confirm: Different questions for which the planner has to write the same plan, but for the holes, before its
            template is used. 1 trusts the first.
        propose: Gives further templates that may fit a question; they have to pass the same checks.
        audit: Share of questions, from 0 to 1, for which the planner is asked although there is a plan: where it writes
            another one, the template is not used again. That measures how often a hit is wrong: `stats.wrong`.

    Raises:
        ConfigurationError: An argument is wrong.
        ImportError: `path` is given and the extra is not installed.

    ```python
    from llmcompiler import LLMCompiler
    from llmcompiler.testing import ScriptedModel
    from llmcompiler_planners import PlanCache


    def population(city: str) -> int:
        return len(city)


    model = ScriptedModel(['1. population("Oslo")\njoin($1)'])
    cache = PlanCache()
    compiler = LLMCompiler([population], model=model, plan_cache=cache)
    assert compiler.run_sync("How many people live in Oslo?").output == 4
    assert compiler.run_sync("How many people live in Bergen?").output == 6
    assert len(model.requests) == 1
    assert cache.stats.hits == 1
    ```
    """

    def __init__(
        self,
        max_templates: int = 1_000,
        path: str | os.PathLike[str] | None = None,
        *,
        confirm: int = 1,
        propose: Proposer | None = None,
        audit: float = 0.0,
    ) -> None:
        for option, number in (("max_templates", max_templates), ("confirm", confirm)):
            if isinstance(number, bool) or not isinstance(number, int) or number < 1:
                raise ConfigurationError(f"PlanCache({option}={number!r}): give a whole number, 1 or more")
        if propose is not None and not callable(propose):
            raise ConfigurationError(f"PlanCache(propose={propose!r}): give a function of the question")
        if isinstance(audit, bool) or not isinstance(audit, (int, float)) or not 0 <= audit <= 1:
            raise ConfigurationError(f"PlanCache(audit={audit!r}): give a number from 0 to 1")
        self.max_templates = max_templates
        self.audit = audit
        self._due = 0.0
        self.confirm = confirm
        self.propose = propose
        self.stats = PlanCacheStats()
        self._lock = threading.RLock()
        self._store: TemplateStore
        if path is None:
            self._store = MemoryTemplates()
        else:
            from .plan_sqlite import SQLiteTemplates

            self._store = SQLiteTemplates(path)

    # -- asking ---------------------------------------------------------------------------

    def recall(self, question: str, tools: ToolRegistry) -> Recalled | None:
        """A checked plan for the question, if there is one that is surely right; nothing is ever raised."""
        try:
            found, reasons = self._look(question.strip(), tools)
        except Exception as e:  # what a proposer of somebody else's raises, say: a cache must not end a run
            logger.warning("the plan cache can not be asked: %s: %s", type(e).__name__, e)
            found, reasons = None, [type(e).__name__]
        with self._lock:
            if found is not None:
                self._due += self.audit
                if self._due >= 1 - 1e-9:
                    self._due -= 1
                    self.stats.audited += 1
                    return replace(found, audit=True)
                self.stats.hits += 1
            else:
                self.stats.misses += 1
                self.stats.refused.update(reasons[:1])
        return found

    def _look(self, question: str, tools: ToolRegistry) -> tuple[Recalled | None, list[str]]:
        read = atoms(question)
        if read is None:
            return None, []
        scope = tools_digest(tools)
        plans: dict[str, Recalled] = {}
        reasons: list[str] = []
        for entry in self._store.find([_digest(form(read)), _ANY]):
            template = _parsed(entry.body)
            if template is None:  # broken, or of a later version: left alone until it is written anew
                continue
            values = template.read(read)
            if isinstance(values, str):
                if values != "other words":
                    reasons.append(values)
            elif entry.scope != scope:
                reasons.append("other tools")
            elif entry.contested:
                return None, ["several plans"]
            elif entry.seen < self.confirm:
                reasons.append("not confirmed")
            else:
                self._try(template, values, tools, (entry.id,), plans, reasons)
        for template in self.propose(question) if self.propose is not None else ():
            values = template.read(read)
            if isinstance(values, dict):
                self._try(template, values, tools, (), plans, reasons)
        if len(plans) > 1:
            return None, ["several plans"]
        if not plans:
            return None, reasons
        (found,) = plans.values()
        for id_ in found.ids:
            self._store.touch(id_)
        return found, []

    def _try(
        self,
        template: PlanTemplate,
        values: Mapping[str, Any],
        tools: ToolRegistry,
        ids: tuple[str, ...],
        plans: dict[str, Recalled],
        reasons: list[str],
    ) -> None:
        if template.changed(tools):
            reasons.append("other tools")
            return
        try:
            plan = template.fill(values, tools)
        except LLMCompilerError:
            reasons.append("a value does not fit")
            return
        same = plans.setdefault(str(plan), Recalled(plan, template))
        plans[str(plan)] = replace(same, ids=same.ids + ids)

    # -- learning ---------------------------------------------------------------------------

    def learn(self, question: str, plan: Plan, tools: ToolRegistry) -> bool:
        """Keep a plan as a template; whether it was kept. Nothing is ever raised.

        A plan for a question of a form that there is a template of confirms that, or contests it: where two plans
        differ in more than the holes, neither is used.
        """
        try:
            reason = self._learn(question.strip(), plan, tools)
        except LLMCompilerError as e:
            reason = str(e).splitlines()[0]
        except Exception as e:  # values that no JSON holds, or whatever hides in a plan made by hand
            logger.debug("no template was made: %s", e)
            reason = type(e).__name__
        with self._lock:
            if reason:
                self.stats.not_stored[reason] += 1
            else:
                self.stats.stored += 1
        return not reason

    def _learn(self, question: str, plan: Plan, tools: ToolRegistry) -> str:
        read = atoms(question)
        if read is None:
            return "the question is too long"
        if not plan.tasks:
            return "a plan without tasks"
        if is_timely(question, plan):
            return "the plan depends on the day"
        template = plan.generalize(question, tools=tools)
        if template.match(question) is None:
            return "the question can be read in several ways"
        body = template.model_dump_json()
        if _parsed(body) != template:
            return "the plan has no exact JSON form"
        scope = tools_digest(tools)
        key = _digest(template.form) if template.form else _ANY
        new = Stored(_digest(f"{scope}\0{template.identity[0]}"), key, scope, body, _digest(question))
        evicted = self._store.put(new, _merged, self.max_templates)
        with self._lock:
            self.stats.evicted += evicted
        return ""

    def distrust(self, recalled: Recalled) -> None:
        """A run of a recalled plan did not go well: the planner has to write it twice more before it is used again."""
        for id_ in recalled.ids:
            self._store.change(id_, lambda entry: replace(entry, seen=min(entry.seen, self.confirm) - 2))
        with self._lock:
            self.stats.distrusted += len(recalled.ids)

    def audited(self, recalled: Recalled, plan: Plan) -> None:
        """The planner was asked although there was a plan, and wrote this one."""
        if str(replaced(plan, ())) == str(recalled.plan):
            return
        for id_ in recalled.ids:
            self._store.change(id_, lambda entry: replace(entry, contested=True))
        with self._lock:
            self.stats.wrong += 1

    def forget(self, question: str, tools: ToolRegistry) -> int:
        """Drop the templates that match a question; how many there were."""
        read = atoms(question.strip())
        if read is None:
            return 0
        scope = tools_digest(tools)
        gone = 0
        for entry in self._store.find([_digest(form(read)), _ANY]):
            template = _parsed(entry.body)
            if template is not None and entry.scope == scope and template.match(question) is not None:
                self._store.drop(entry.id)
                gone += 1
        return gone

    def clear(self) -> None:
        """Drop all templates."""
        self._store.clear()

    def templates(self) -> list[PlanTemplate]:
        """All templates, the one used last at the end."""
        return [t for entry in self._store.all() if (t := _parsed(entry.body)) is not None]

    def close(self) -> None:
        """Let go of the file. The cache may be used again afterwards."""
        self._store.close()

    def __len__(self) -> int:
        return len(self._store)

    def __repr__(self) -> str:
        return f"<PlanCache {self.stats.hits} hits, {self.stats.misses} misses>"


def _merged(old: Stored, new: Stored) -> Stored:
    """What is kept where there is a template of the same form already."""
    before, after = _parsed(old.body), _parsed(new.body)
    if before is None or after is None or (old.key, old.scope) != (new.key, new.scope):
        return new
    if before.identity != after.identity:
        return replace(old, contested=True)
    if new.question == old.question:
        return old
    return replace(old, seen=old.seen + 1, question=new.question)


@lru_cache(maxsize=4_096)
def _parsed(body: str) -> PlanTemplate | None:
    """The template in a text; None where there is none, as in a file that was tampered with."""
    try:
        return PlanTemplate.model_validate_json(body)
    except LLMCompilerError:
        return None


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def tools_digest(tools: Mapping[str, Tool]) -> str:
    """A text that changes with everything a planner is told of the tools: with others it might plan otherwise."""
    known = vars(tools).get("_plan_cache_digest") if isinstance(tools, ToolRegistry) else None
    if known is None:
        shown = sorted((t.to_dict() for t in tools.values()), key=lambda shown: str(shown["name"]))
        known = _digest(json.dumps(shown, sort_keys=True, default=repr))
        if isinstance(tools, ToolRegistry):  # which never changes
            vars(tools)["_plan_cache_digest"] = known
    return str(known)


__all__ = ["PlanCache", "PlanCacheStats", "Recalled", "tools_digest"]
