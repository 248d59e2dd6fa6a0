"""The bank: tools of many domains with the ways in which people ask for them, and makers of names to ask about."""

from __future__ import annotations

from ..specs import Spec
from . import (
    energy_space,
    food,
    held_basics,
    office,
    people,
    places,
    science,
    search,
    shop,
    sports,
    travel,
    weather_time,
)
from .more import MORE

_DOMAINS = (
    places,
    weather_time,
    search,
    people,
    science,
    travel,
    shop,
    office,
    held_basics,
    sports,
    food,
    energy_space,
)

SPECS: tuple[Spec, ...] = (*(s for module in _DOMAINS for s in module.SPECS), *MORE)
"""Every tool of the bank, in an order that never changes of itself."""

__all__ = ["SPECS"]
