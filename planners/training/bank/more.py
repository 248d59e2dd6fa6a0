"""Further domains, in a fixed order."""

from __future__ import annotations

from ..specs import Spec
from . import astronomy, aviation, games, housing, library, museums, pets, utilities, vehicles, wine

MORE: tuple[Spec, ...] = (
    *vehicles.SPECS,
    *pets.SPECS,
    *museums.SPECS,
    *housing.SPECS,
    *games.SPECS,
    *astronomy.SPECS,
    *library.SPECS,
    *wine.SPECS,
    *aviation.SPECS,
    *utilities.SPECS,
)
