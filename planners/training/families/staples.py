"""Tools that most sets hold: arithmetic, units, search. Both splits have some, so that neither lacks a kind."""

from __future__ import annotations

from ..bank.making import domain, formula, number, spec, text
from ..specs import Slot

_CALCULATE = "What is {expression}?"
_CONVERT = """Convert {value} {from_unit} to {to_unit}.
How much is {value} {from_unit} in {to_unit}?
What is {value} {from_unit} in {to_unit}?
How many {to_unit} are {value} {from_unit}?
How many {to_unit} are there in {value} {from_unit}?
Turn {value} {from_unit} into {to_unit}.
Please convert {value} {from_unit} into {to_unit}.
Express {value} {from_unit} in {to_unit}.
{value} {from_unit} in {to_unit}?
I have {value} {from_unit}. How many {to_unit} is that?
What does {value} {from_unit} come to in {to_unit}?
Change {value} {from_unit} to {to_unit}.
Give me {value} {from_unit} as {to_unit}.
{value} {from_unit} equals how many {to_unit}?
I need {value} {from_unit} expressed in {to_unit}."""
_SEARCH = """What is {query}?
Search for {query}.
Tell me about {query}.
Look up {query}.
What do you know about {query}?
Find something on {query}.
I want to read about {query}.
Give me some background on {query}.
Explain {query} to me.
Could you look up {query}?"""
_ABOUT = """about {query}
what is known about {query}
what {query} is"""


def _units(also_from: str, also_to: str) -> tuple[Slot, ...]:
    return (
        number("value", 2, 900, "amount quantity", whole=False),
        text("from_unit", "unit", also_from),
        text("to_unit", "unit", also_to),
    )


_HELD_CONVERT = """What would {value} {from_unit} be in {to_unit}?
Work out {value} {from_unit} in {to_unit}.
Could you convert {value} {from_unit} to {to_unit} for me?
Tell me how many {to_unit} {value} {from_unit} is.
Put {value} {from_unit} into {to_unit}.
If something is {value} {from_unit}, what is it in {to_unit}?
{value} {from_unit} makes how many {to_unit}?"""
_HELD_SEARCH = """Look for {subject}.
Please find an article about {subject}.
I'd like some facts about {subject}.
What can you tell me about {subject}?
Bring up the article on {subject}.
Who or what was {subject}?"""
_HELD_ABOUT = """what there is to know about {subject}
a few facts about {subject}"""
_FROM, _TO = "from source unit", "to target into"
_TRAIN = (
    *domain(
        "math", "train",
        spec("calculate calculator calc compute math.evaluate", formula(also="formula expr equation"),
             """evaluate an arithmetic expression
             compute the value of a formula
             does arithmetic with + - * / and brackets
             calculator for numbers and results of other calls""", _CALCULATE, returns="number",
             result="number"),
        spec("math solve_math arithmetic do_math", formula("formula", "expression equation"),
             """works out arithmetic
             adds, subtracts, multiplies and divides""", _CALCULATE, returns="number", result="number"),
    ),
    *domain(
        "units", "train",
        spec("convert convert_units unit_converter unit.convert", _units(_FROM, _TO),
             """convert a quantity from one unit to another
             converts between units of length, weight, volume and temperature
             unit conversion""", _CONVERT, returns="{value: number, unit}"),
        spec("convert_measure change_units to_unit", _units("unit source_unit", "target target_unit"),
             """expresses a measurement in another unit
             number in the unit wanted""", _CONVERT, returns="number", result="number"),
    ),
    *domain(
        "search", "train",
        spec("search wikipedia lookup search_web encyclopedia", text("query", "topic", "q topic title text"),
             """look up one thing in an encyclopedia
             search for a page about one thing
             finds an article and gives its first lines
             general search, for people, places, works and things""", _SEARCH, returns="text", clauses=_ABOUT),
    ),
)  # fmt: skip
_HELD = (
    *domain(
        "math", "held",
        spec("evaluate eval_expression compute_value", formula("equation", "expression formula"),
             """result of an arithmetic expression
             computes numbers""", _CALCULATE, returns="number", result="number"),
    ),
    *domain(
        "units", "held",
        spec("unit_conversion transform_units uconv", _units("original_unit unit_from", "wanted_unit unit_to"),
             """turns an amount of one unit into another unit
             changes miles to kilometres and the like""", _HELD_CONVERT, returns="{value: number, unit}"),
    ),
    *domain(
        "search", "held",
        spec("find_article wiki_search knowledge_base", text("subject", "topic", "term phrase"),
             """article about a subject
             short text on anything known""", _HELD_SEARCH, returns="text", clauses=_HELD_ABOUT),
    ),
)  # fmt: skip
SPECS = (*_TRAIN, *_HELD)
