"""`element`: facts about chemical elements, from periodictable's tables. Isotopes and compounds are not here."""

from __future__ import annotations

from pydantic import Field

from llmcompiler.errors import ToolError
from llmcompiler.tools import tool

from ._lazy import once, require
from ._record import Record
from ._text import checked, did_you_mean, fold, near_misses


class Element(Record):
    """A chemical element."""

    name: str = Field(description="name in English, lower case")
    symbol: str = Field(description="chemical symbol, such as Fe")
    atomic_number: int = Field(description="number of protons")
    atomic_mass: float = Field(description="standard atomic mass in unified atomic mass units (u)")
    density: float | None = Field(
        description="density in g/cm3 near room temperature; of gases, of the liquid"
    )
    covalent_radius: float | None = Field(description="covalent radius in angstrom")
    period: int = Field(description="row of the periodic table, 1 to 7")
    group: int | None = Field(
        description="column of the periodic table, 1 to 18; none for lanthanides and actinides"
    )


_SPELLINGS = {"aluminium": "aluminum", "sulphur": "sulfur", "caesium": "cesium"}
_NOBLE = (0, 2, 10, 18, 36, 54, 86, 118)
_LAST = 118


def _position(number: int) -> tuple[int, int | None]:
    """Period and group, from the lengths of the rows."""
    period = next(i for i, end in enumerate(_NOBLE) if number <= end)
    start, end = _NOBLE[period - 1], _NOBLE[period]
    column, left = number - start, end - number
    if number in (1, 2):
        return 1, 1 if number == 1 else 18
    if column <= 2:
        return period, column
    if (
        end - start == 32
    ):  # the f-block stands between groups 2 and 3 (lutetium and lawrencium are in group 3)
        return period, 18 - left if left <= 15 else None
    return period, 18 - left


@once
def _elements() -> dict[str, Element]:
    # All of them at once: periodictable fills its tables at first access, which is not safe from several threads.
    table = require("periodictable").elements
    found: dict[str, Element] = {}
    for e in table:
        if not 1 <= e.number <= _LAST:
            continue  # the neutron
        period, group = _position(e.number)
        made = Element(
            name=e.name,
            symbol=e.symbol,
            atomic_number=e.number,
            atomic_mass=float(e.mass),
            density=None if e.density is None else float(e.density),
            covalent_radius=None if e.covalent_radius is None else float(e.covalent_radius),
            period=period,
            group=group,
        )
        for key in (e.name, e.symbol.lower(), str(e.number)):
            found[key] = made
    found |= {other: found[name] for other, name in _SPELLINGS.items()}
    return found


@tool(effect="pure", timeout=10)
def element(name: str) -> Element:
    """Facts about one chemical element: symbol, atomic number, mass, density.

    Args:
        name: Name, symbol or atomic number, such as "iron", "Fe" or "26".

    Raises:
        ToolError: No such element.
    """
    key = fold(checked(name, "the name of the element")).removesuffix(" element").removeprefix("element ")
    found = _elements().get(key)
    if found is None:
        names = [n for n in _elements() if len(n) > 3]
        raise ToolError(
            f"no chemical element called {name.strip()!r}; give a name, a symbol or a number from 1 to {_LAST}"
            f"{did_you_mean(near_misses(key, names))}"
        )
    return found
