"""What the bank is made of: one spec a tool, with the wordings that ask for it. No wording or name lives here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from llmcompiler.tools import Tool

Split = Literal["train", "held"]
"""Whether a tool or a wording may be trained on, or is only ever scored with."""


@dataclass(frozen=True, slots=True)
class Slot:
    """One parameter of a tool, and where its values come from."""

    name: str
    kind: str
    """A maker of `bank.names` ("person", "city", "title", ...), or "number", "choice", "flag", "formula", "list"."""
    about: str = ""
    """Its description; shown nowhere yet, but part of the schema."""
    choices: tuple[str, ...] = ()
    """For "choice": the enum. `said` holds how people say each."""
    said: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """For "choice" and "flag": the words in a question for each value ("fahrenheit": ("in Fahrenheit",)); for a flag
    the key is "true"."""
    low: float = 1
    high: float = 100
    whole: bool = True
    """For "number": an integer."""
    items: str = ""
    """For "list": the kind of its items."""
    optional: bool = False
    aliases: tuple[str, ...] = ()
    """Other names the parameter may have, so that no name means one thing only."""


@dataclass(frozen=True, slots=True)
class Spec:
    """A tool, and how people ask for a call of it.

    In wordings `{slot}` stands for the value of a required slot, `{0}` for the first slot's. Optional slots are put in
    by `extras`. Every wording of `asks` is a whole question; `clauses` go into the middle of a sentence; `nouns` name
    the result ("the population of {city}"), so that they can stand for a value in a longer question.
    """

    names: tuple[str, ...]
    """The tool's name and other names it may be offered under; the first is the usual one."""
    slots: tuple[Slot, ...]
    abouts: tuple[str, ...]
    """Descriptions to choose among, each a short sentence as people write them in docstrings."""
    asks: tuple[str, ...]
    returns: Mapping[str, Any] | None = None
    """JSON schema of the result; None where the tool does not say."""
    clauses: tuple[str, ...] = ()
    """ "what the weather is in {city}", "when the sun sets in {city}": after "tell me" and "and"."""
    nouns: tuple[str, ...] = ()
    compares: tuple[str, ...] = ()
    """Whole questions over several values of the first slot: `{list}` is "A, B and C", or "A or B"."""
    extras: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """For each optional slot: what is added to a question to set it ("in units of {units}", "with {limit} results").
    For "choice" and "flag" slots the words come from `Slot.said`."""
    result: str = ""
    """What the result names, as a maker's kind ("city" for `capital`), where it can be handed to another tool."""
    fields: Mapping[str, str] = field(default_factory=dict)
    """The same for fields of a record: {"headquarters": "city", "employees": "number"}; "number" for figures."""
    field_nouns: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """How each field is asked for: {"employees": ("the number of employees of {company}",)}."""
    domain: str = ""
    effect: str | None = None
    split: Split = "train"


@dataclass(frozen=True, slots=True)
class Example:
    """What is trained on or scored: a prompt that begins with `shared`, and what the model is to write after it."""

    shared: str
    """The beginning that examples of a group have in common (the tools block); the prompt without it is `prompt`."""
    prompt: str
    target: str
    """Plan lines up to and with the join, each with its line end; for the value prompts a space and the value."""
    family: str
    """The row of the table that scores it: "compare two", "chain", "no tool fits", ..."""
    skill: str = ""
    """One of the seven granular skills: nested, chained, parallel, name, values, next, response."""
    split: Split = "train"
    tools: tuple[Tool, ...] = ()
    """Those offered, so that a plan can be checked and scored; empty for value prompts."""
    question: str = ""
