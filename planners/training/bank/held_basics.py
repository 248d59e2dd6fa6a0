"""Calculators, converters and search tools that are only ever scored with."""

# ruff: noqa: E501  (one line is one wording, or one list)

from __future__ import annotations

from .making import choice, domain, formula, number, spec, text

SPECS = domain(
    "reckoning",
    "held",
    spec(
        "solve arithmetic_solver reckon",
        formula("equation", "expression arithmetic"),
        """works out a sum, product or other arithmetic
        numerical answer to an arithmetic problem""",
        """What is {equation}?
        Work out {equation}.
        solve {equation}
        How much would {equation} be?""",
        returns="number",
        clauses="""what {equation} is
        how much {equation} would be
        the answer to {equation}""",
        nouns="""the answer to {equation}
        the result of {equation}""",
        result="number",
    ),
    spec(
        "abacus eval_math run_calculation",
        formula("arithmetic", "formula expr"),
        """numbers in, number out: plus, minus, times, divided by, powers
        pocket calculator""",
        """What is {arithmetic}?
        Calculate {arithmetic}.
        {arithmetic} equals what
        Punch in {arithmetic}.""",
        returns="{answer:number}",
        clauses="""what {arithmetic} is
        what {arithmetic} equals
        the value of {arithmetic}""",
        gives={"answer": "number: the value of {arithmetic}"},
    ),
    spec(
        "measure_convert rescale quantity_in",
        (number("quantity", 1, 800, "value amount", whole=False), text("unit", "unit", "from_unit given_unit"), text("wanted_unit", "unit", "to_unit into")),
        """expresses a quantity in a different unit
        measures in other units""",
        """What is {quantity} {unit} in {wanted_unit}?
        How many {wanted_unit} are there in {quantity} {unit}?
        {quantity} {unit} as {wanted_unit}
        Turn {quantity} {unit} into {wanted_unit}.
        I have {quantity} {unit}, how much is that in {wanted_unit}?""",
        returns="number",
        clauses="""what {quantity} {unit} is in {wanted_unit}
        how many {wanted_unit} {quantity} {unit} are
        {quantity} {unit} expressed in {wanted_unit}""",
        nouns="""{quantity} {unit} in {wanted_unit}
        the number of {wanted_unit} in {quantity} {unit}""",
        result="number",
    ),
) + domain(
    "reference",
    "held",
    spec(
        "almanac consult_almanac reference_lookup",
        text("subject", "topic", "entry keyword about"),
        """entry of a general reference work on one subject
        short article on anything""",
        """What does the almanac say about {subject}?
        Look up {subject}.
        entry on {subject}
        What can you tell me about {subject}?
        Describe {subject} for me.""",
        returns="text",
        clauses="""what the almanac says about {subject}
        what {subject} is
        the entry on {subject}""",
        compares="""What links {list}?
        How does one tell {list} apart?
        Were {list} around at the same time?
        Which of {list} is better known?""",
    ),
    spec(
        "ask_archive archive_search retrieve",
        (text("terms", "topic", "query words"), choice("source", "collection", optional=True, journals="in the journals", letters="among the letters", maps="among the maps")),
        """searches an archive for a person, place or thing
        retrieves text on something from the archive""",
        """What is in the archive about {terms}?
        Search the archive for {terms}.
        archive {terms}
        Retrieve what we have on {terms}.
        Is there any text on {terms}?""",
        clauses="""what the archive holds on {terms}
        what we have on {terms}
        the text about {terms}""",
        compares="""What does the archive say on {list}?
        Do {list} belong together?
        Which of {list} is older?""",
    ),
)  # fmt: skip
