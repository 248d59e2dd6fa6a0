"""More tools that look anything up, reckon and convert: many names and descriptions for the few kinds most sets hold."""

# ruff: noqa: E501  (one line is one wording, or one list)

from __future__ import annotations

from ..specs import Spec
from .making import domain, formula, number, spec, text

_ASKS = """What is {0}?
Search for {0}.
Tell me about {0}.
look up {0}
Read up on {0} for me.
Who or what is {0}?
I would like some background on {0}.
Get me information on {0}.
Give me a short description of {0}."""
_CLAUSES = """what {0} is
what is known about {0}
some background on {0}
what can be found on {0}"""
_COMPARES = """What do {list} have in common?
How do {list} differ?
Which came first, {list}?
Compare {list}.
Which of {list} is more famous?"""
_LOOKS = (
    (
        "ask_internet browse_web internet_search",
        "query",
        "question words prompt",
        "asks the internet about a single subject|general purpose web look-up, also for names|finds web pages on whatever is asked",
        "text",
    ),
    (
        "knowledge_graph kg_lookup entity_facts",
        "entity",
        "node name item",
        "facts on any entity: people, places, works, organisations|what the knowledge graph holds on a thing",
        "{label, description, facts: [text]}",
    ),
    (
        "compendium open_compendium consult_handbook",
        "heading",
        "entry subject item",
        "a page of a compendium of general knowledge|reads the paragraph under a heading, whatever the field",
        "text",
    ),
    (
        "dossier get_dossier profile_of",
        "about",
        "subject name who_or_what",
        "collects what is known on a name of any sort|a short dossier about anyone or anything",
        "",
    ),
    (
        "librarian ask_librarian reference_desk",
        "request",
        "subject theme question",
        "the librarian finds a text about a subject|answers with a passage on any theme",
        "text",
    ),
    (
        "infobox get_infobox fact_sheet",
        "page",
        "title name topic",
        "key facts of one page of an encyclopedia|table of facts about one person, place or thing",
        "{title, facts: [text]}",
    ),
    (
        "research investigate find_information",
        "topic",
        "matter subject q",
        "researches one topic and sums it up|information on a topic of the user's choice",
        "text",
    ),
    (
        "yearbook gazetteer register",
        "entry",
        "name item keyword",
        "the register's paragraph on a person, place or organisation|looks an item up in a work of reference",
        "text",
    ),
    (
        "docs_search corpus_search passages",
        "query",
        "text string phrase",
        "passages of a large corpus that deal with something|full-text search in a collection on everything",
        "{passage, source}",
    ),
    (
        "describe whatis explain_term",
        "thing",
        "term name concept",
        "describes a thing, a person or a place in a few lines|says what something is",
        "text",
    ),
    (
        "bing duckduckgo query_engine",
        "q",
        "query search_term keywords",
        "search engine for any question|first result of a web search",
        "{title, url, snippet}",
    ),
    (
        "oracle ask_expert factbook",
        "matter",
        "question topic about",
        "knows something about everything|facts about whatever it is given",
        "",
    ),
)


def _search(names: str, slot: str, also: str, abouts: str, returns: str) -> Spec:
    def named(asks: str) -> str:
        return asks.replace("{0}", f"{{{slot}}}")

    return spec(
        names,
        text(slot, "topic", also),
        abouts.replace("|", "\n"),
        named(_ASKS),
        returns=returns,
        clauses=named(_CLAUSES),
        compares=_COMPARES,
    )


_SUMS = """What is {0}?
Calculate {0}.
how much is {0}
Work out {0}.
Please compute {0}.
{0} makes what"""
_RECKONS = (
    (
        "sum_up number_machine figure_out",
        "formula",
        "expression term",
        "figures out a formula|gives the number that a formula comes to",
        "number",
        "",
    ),
    (
        "maths do_sums quick_math",
        "expr",
        "formula expression calculation",
        "does sums: add, subtract, multiply, divide|quick maths with brackets and powers",
        "number",
        "",
    ),
    (
        "eval_formula formula_value expression_value",
        "expression",
        "formula math_expression",
        "value of an expression in numbers and results|resolves a formula to a number",
        "{value:number}",
        "value",
    ),
    (
        "numeric numeric_eval wolfram",
        "equation",
        "expression formula",
        "numeric evaluation|evaluates what is written as arithmetic, also sqrt and powers",
        "{result:number, text}",
        "result",
    ),
    (
        "python_math run_math exec_formula",
        "formula",
        "calculation expr",
        "runs one line of arithmetic|exact result of an arithmetic line",
        "{output:number}",
        "output",
    ),
    (
        "slide_rule desk_calculator adding_machine",
        "calculation",
        "expression equation",
        "a desk calculator|adds, takes away, multiplies and divides figures",
        "",
        "",
    ),
)


def _reckoner(names: str, slot: str, also: str, abouts: str, returns: str, path: str) -> Spec:
    def named(asks: str) -> str:
        return asks.replace("{0}", f"{{{slot}}}")

    clauses = named("what {0} is\nhow much {0} makes\nthe result of {0}")
    nouns = named("the result of {0}\nthe value of {0}")
    plain = returns == "number"
    return spec(
        names,
        formula(slot, also),
        abouts.replace("|", "\n"),
        named(_SUMS),
        returns=returns,
        clauses=clauses,
        nouns=nouns if plain else "",
        result="number" if plain else "",
        gives={path: f"number: the value of {{{slot}}}"} if path else None,
    )


_TURNS = """Convert {0} {1} to {2}.
How much is {0} {1} in {2}?
{0} {1} in {2}
How many {2} are {0} {1}?
Turn {0} {1} into {2}, please.
I've got {0} {1}. What is that in {2}?
{0} {1} to {2}
give me {0} {1} in {2}"""
_MEASURES = (
    (
        "switch_units units.change other_unit",
        "amount",
        "value size",
        "unit",
        "from_unit in_unit",
        "new_unit",
        "to_unit as_unit",
        "the same amount in another unit|switches a figure between units of measure",
        "number",
        "",
    ),
    (
        "metric_converter to_metric imperial_metric",
        "figure",
        "value number",
        "given",
        "from_unit source",
        "wanted",
        "to_unit target",
        "metric and imperial units into each other|gives a figure in the wanted unit",
        "{figure:number, unit}",
        "figure",
    ),
    (
        "dimension units_of_measure unit_math",
        "x",
        "value quantity",
        "unit_from",
        "from_unit old",
        "unit_to",
        "to_unit new",
        "length, area, mass, speed and heat between units|re-expresses x in a unit",
        "{x:number}",
        "x",
    ),
    (
        "translate_measure exchange_units recast",
        "measure",
        "amount n",
        "before",
        "from_unit original",
        "after",
        "to_unit result_unit",
        "translates a measure into different units|what a measure is when counted in something else",
        "",
        "",
    ),
)


def _converter(
    names: str, value: str, values: str, source: str, sources: str, target: str, targets: str, abouts: str,
    returns: str, path: str,
) -> Spec:  # fmt: skip
    def named(asks: str) -> str:
        for place, slot in enumerate((value, source, target)):
            asks = asks.replace(f"{{{place}}}", f"{{{slot}}}")
        return asks

    plain = returns == "number"
    return spec(
        names,
        (
            number(value, 1, 900, values, whole=False),
            text(source, "unit", sources),
            text(target, "unit", targets),
        ),
        abouts.replace("|", "\n"),
        named(_TURNS),
        returns=returns,
        clauses=named("how much {0} {1} is in {2}\nhow many {2} {0} {1} are\nwhat {0} {1} makes in {2}"),
        nouns=named("{0} {1} in {2}\nthe number of {2} in {0} {1}") if plain else "",
        result="number" if plain else "",
        gives={path: named("number: {0} {1} in {2}")} if path else None,
    )


SPECS: tuple[Spec, ...] = (
    *domain("search", "train", *(_search(*row) for row in _LOOKS)),
    *domain("math", "train", *(_reckoner(*row) for row in _RECKONS)),
    *domain("units", "train", *(_converter(*row) for row in _MEASURES)),
)
