"""Tools that look anything up, and tools that reckon and convert."""

# ruff: noqa: E501  (one line is one wording, or one list)

from __future__ import annotations

from .making import choice, domain, formula, number, spec, text

_ASKS = """Search for {0}.
Tell me about {0}.
What is known about {0}?
look up {0}
Find something on {0}.
Who or what is {0}?
Can you find out about {0}?"""
_CLAUSES = """what is known about {0}
some information on {0}
something about {0}
what you can find on {0}"""
_COMPARES = """What do {list} have in common?
Compare {list}.
How do {list} differ?
Are {list} from the same country?
Which came first, {list}?"""


def _named(text: str, name: str) -> str:
    return text.replace("{0}", f"{{{name}}}")


SPECS = domain(
    "search",
    "train",
    spec(
        "search search_web web_search google",
        text("query", "topic", "q text question keywords"),
        """search the web for one thing
        looks up one thing in an encyclopedia
        short text about a person, place or thing
        general search engine""",
        _named(_ASKS, "query"),
        returns="text",
        clauses=_named(_CLAUSES, "query"),
        compares=_COMPARES,
    ),
    spec(
        "wikipedia wiki wiki_summary get_article",
        text("title", "topic", "page article name"),
        """summary of the Wikipedia article about one thing
        first paragraph of an encyclopedia article
        article text by its title""",
        _named(_ASKS, "title"),
        returns="{title, description, summary, url}",
        clauses=_named(_CLAUSES, "title"),
        compares=_COMPARES,
    ),
    spec(
        "lookup encyclopedia find_entity knowledge",
        text("entity", "topic", "name subject thing"),
        """looks up one person, place, work or thing
        find an entity in an encyclopedia and describe it
        what is known about one thing""",
        _named(_ASKS, "entity"),
        clauses=_named(_CLAUSES, "entity"),
        compares=_COMPARES,
    ),
    spec(
        "wikipedia_search search_titles find_pages",
        (text("query", "topic", "q text"), number("limit", 2, 12, "max_results n top_k", optional=True)),
        """titles of articles that match some words
        pages that are about a topic, best first""",
        """Which pages are there about {query}?
        Find articles about {query}.
        list pages on {query}
        Search the titles for {query}.
        Are there any articles on {query}?""",
        returns="[{title, description}]",
        clauses="""which articles there are about {query}
        what pages deal with {query}
        a list of articles on {query}""",
        extras={"limit": "at most {limit} results|just {limit} results|the top {limit}"},
    ),
    spec(
        "news latest_news get_news headlines",
        (text("topic", "topic", "query about"), choice("period", "when since", optional=True, day="from today|of the last day", week="of this week|from the past week", month="of this month|from the last month")),
        """latest news about a topic
        headlines of newspapers on something""",
        """What's the latest news on {topic}?
        Any news about {topic}?
        news {topic}
        Show me the headlines about {topic}.
        What do the papers write about {topic}?""",
        returns="[{headline, source, date}]",
        clauses="""what the latest news on {topic} is
        what is new about {topic}
        the headlines about {topic}""",
        compares="""Which is more in the news, {list}?
        What is the news on {list}?
        Compare the headlines about {list}.""",
    ),
) + domain(
    "math",
    "train",
    spec(
        "calculate calculator calc",
        formula("expression", "formula calculation expr"),
        """result of an arithmetic formula with numbers
        evaluate an arithmetic expression
        reckons with numbers""",
        """What is {expression}?
        Calculate {expression}.
        how much is {expression}
        Work out {expression} for me.""",
        returns="number",
        clauses="""what {expression} is
        how much {expression} makes
        the result of {expression}""",
        nouns="""the result of {expression}
        the value of {expression}""",
        result="number",
    ),
    spec(
        "evaluate eval_expression solve_arithmetic",
        formula("expr", "expression formula math_expression"),
        """evaluates a mathematical expression
        value of a formula such as (2 + 3) * 4""",
        """What is {expr}?
        Evaluate {expr}.
        what does {expr} come to
        Give me the value of {expr}.""",
        returns="number",
        clauses="""what {expr} is
        what {expr} comes to
        the value of {expr}""",
        nouns="""the value of {expr}
        the result of {expr}""",
        result="number",
    ),
    spec(
        "math arithmetic do_math",
        formula("formula", "expression equation"),
        """does arithmetic: + - * / and powers
        basic maths on numbers""",
        """What is {formula}?
        Compute {formula}.
        how much does {formula} make
        I need the result of {formula}""",
        returns="number",
        clauses="""what {formula} is
        how much {formula} is
        the result of {formula}""",
        nouns="""the result of {formula}
        the value of {formula}""",
        result="number",
    ),
    spec(
        "compute compute_formula number_cruncher",
        formula("calculation", "formula expression"),
        """computes a calculation and gives a number
        exact arithmetic on figures and results of other tools""",
        """What is {calculation}?
        Compute {calculation}.
        {calculation} makes what
        Please reckon {calculation}.""",
        clauses="""what {calculation} is
        what {calculation} makes
        the outcome of {calculation}""",
        nouns="""the outcome of {calculation}
        the result of {calculation}""",
        result="number",
    ),
    spec(
        "convert_units unit_converter units convert_unit",
        (number("value", 1, 900, "amount quantity number", whole=False), text("from_unit", "unit", "source from unit_from"), text("to_unit", "unit", "target to unit_to")),
        """convert a value from one unit of measure to another
        unit conversion for length, mass, temperature and more""",
        """Convert {value} {from_unit} to {to_unit}.
        How much is {value} {from_unit} in {to_unit}?
        what is {value} {from_unit} in {to_unit}
        How many {to_unit} are {value} {from_unit}?
        {value} {from_unit} in {to_unit}
        Express {value} {from_unit} in {to_unit}.""",
        returns="{value:number, unit}",
        clauses="""how much {value} {from_unit} is in {to_unit}
        how many {to_unit} {value} {from_unit} are
        what {value} {from_unit} makes in {to_unit}""",
        gives={"value": "number: {value} {from_unit} in {to_unit}"},
    ),
    spec(
        "convert conversion measure.convert",
        (number("amount", 1, 900, "value x", whole=False), text("source", "unit", "from_unit unit_in"), text("target", "unit", "to_unit unit_out")),
        """converts an amount between units
        how much a quantity is in another unit""",
        """Convert {amount} {source} into {target}.
        How many {target} is {amount} {source}?
        {amount} {source} to {target}
        What are {amount} {source} in {target}?
        Change {amount} {source} into {target}, please.""",
        returns="number",
        clauses="""what {amount} {source} is in {target}
        how many {target} {amount} {source} make
        how much {amount} {source} is in {target}""",
        nouns="""{amount} {source} in {target}
        the number of {target} in {amount} {source}""",
        result="number",
    ),
) + domain(
    "money",
    "train",
    spec(
        "convert_currency currency_converter exchange fx_convert",
        (number("amount", 5, 5000, "value sum"), text("from_currency", "currency", "source base from"), text("to_currency", "currency", "target quote to")),
        """converts an amount of money into another currency
        what a sum is worth in foreign money at today's rate""",
        """Convert {amount} {from_currency} to {to_currency}.
        How much is {amount} {from_currency} in {to_currency}?
        {amount} {from_currency} in {to_currency}
        What do I get for {amount} {from_currency} in {to_currency}?
        what are {amount} {from_currency} worth in {to_currency}""",
        returns="number",
        clauses="""how much {amount} {from_currency} is in {to_currency}
        what {amount} {from_currency} is worth in {to_currency}
        how many {to_currency} I get for {amount} {from_currency}""",
        nouns="""{amount} {from_currency} in {to_currency}
        the value of {amount} {from_currency} in {to_currency}""",
        result="number",
    ),
    spec(
        "exchange_rate get_rate fx_rate currency.rate",
        (text("base", "currency", "from_currency source"), text("quote", "currency", "to_currency target")),
        """exchange rate between two currencies
        how many units of one currency one unit of the other buys""",
        """What is the exchange rate from {base} to {quote}?
        How many {quote} do I get for one {base}?
        {base} {quote} rate
        Give me the rate of {base} against {quote}.
        how does {base} stand against {quote}""",
        returns="number",
        clauses="""what the exchange rate from {base} to {quote} is
        how {base} stands against {quote}
        how many {quote} one {base} buys""",
        nouns="""the exchange rate from {base} to {quote}
        the rate of {base} against {quote}""",
        result="number",
    ),
    spec(
        "stock_price get_quote stock_quote quote",
        text("symbol", "ticker", "ticker code stock"),
        """latest price of a share by its symbol
        stock quote for a ticker
        what a share trades at""",
        """What is the stock price of {symbol}?
        How much is a share of {symbol}?
        {symbol} quote
        What is {symbol} trading at?
        Get me the latest price of {symbol} shares.""",
        returns="number",
        clauses="""what {symbol} is trading at
        how much a share of {symbol} costs
        what the stock price of {symbol} is""",
        nouns="""the stock price of {symbol}
        the share price of {symbol}
        {symbol}'s share price""",
        compares="""Which share is more expensive, {list}?
        Compare the stock prices of {list}.
        Which is trading higher: {list}?""",
        result="number",
    ),
    spec(
        "market_cap get_market_cap company_value",
        text("company", "company", "name firm"),
        """market value of a company in billions of dollars
        market capitalisation of a listed firm""",
        """What is the market cap of {company}?
        How much is {company} worth on the stock market?
        market value of {company}
        What is {company} worth?
        how big is {company} by market cap""",
        returns="number",
        clauses="""what {company} is worth
        what the market cap of {company} is
        how much {company} is valued at""",
        nouns="""the market cap of {company}
        the market value of {company}""",
        compares="""Which is worth more, {list}?
        Compare the market caps of {list}.
        Which company is more valuable: {list}?""",
        result="number",
    ),
    spec(
        "ticker_of find_symbol company_ticker",
        text("company", "company", "name firm"),
        """ticker symbol of a company
        stock symbol by company name""",
        """What is the ticker of {company}?
        Under which symbol is {company} listed?
        symbol for {company}
        Find the stock symbol of {company}.
        what ticker does {company} trade under""",
        returns="text",
        clauses="""what the ticker of {company} is
        under which symbol {company} trades
        which stock symbol {company} has""",
        nouns="""the ticker of {company}
        the stock symbol of {company}""",
        result="ticker",
    ),
    spec(
        "inflation inflation_rate get_inflation",
        (text("country", "country", "nation place"), number("year", 1970, 2025, optional=True)),
        """yearly inflation rate of a country in percent
        how fast prices rise in a country""",
        """What is the inflation rate in {country}?
        How high is inflation in {country}?
        inflation {country}
        How fast are prices rising in {country}?
        tell me {country}'s inflation""",
        returns="number",
        clauses="""how high inflation in {country} is
        what the inflation rate of {country} is
        how fast prices rise in {country}""",
        nouns="""the inflation rate in {country}
        the inflation rate of {country}""",
        compares="""Where is inflation higher, {list}?
        Compare the inflation in {list}.
        Which has the lowest inflation: {list}?""",
        extras={"year": "in {year}|for {year}|for the year {year}"},
        result="number",
    ),
    spec(
        "gdp get_gdp gross_domestic_product economy_size",
        text("country", "country", "nation"),
        """gross domestic product of a country in billions of dollars
        size of a nation's economy""",
        """What is the GDP of {country}?
        How big is the economy of {country}?
        gdp {country}
        How large is {country}'s economy?
        Give me the GDP for {country}""",
        returns="number",
        clauses="""what the GDP of {country} is
        how big the economy of {country} is
        how large {country}'s economy is""",
        nouns="""the GDP of {country}
        the economic output of {country}
        {country}'s GDP""",
        compares="""Which has the bigger economy, {list}?
        Compare the GDP of {list}.
        Rank {list} by GDP.""",
        result="number",
    ),
    spec(
        "transfer_money send_money wire_money bank.transfer",
        (number("amount", 5, 900, "sum value"), text("recipient", "person", "to payee name"), text("note", "event", "message memo reference", optional=True)),
        """sends money to a person
        pays an amount from the user's account""",
        """Send {amount} dollars to {recipient}.
        Transfer {amount} to {recipient}.
        pay {recipient} {amount} euros
        I owe {recipient} {amount}, please pay.
        Could you wire {amount} to {recipient}?""",
        returns="{id, status}",
        clauses="""send {amount} to {recipient}
        pay {recipient} {amount}
        transfer {amount} dollars to {recipient}""",
        extras={"note": "for the {note}|with the note {note}"},
        effect="write",
    ),
    spec(
        "account_balance get_balance balance",
        choice("account", "account_type which", checking="checking account|current account", savings="savings account|savings", credit="credit card"),
        """balance of one of the user's accounts
        how much money is in an account""",
        """How much money is in my {account}?
        What is the balance of my {account}?
        balance {account}
        Check my {account}, please.
        how much do I have in my {account}""",
        returns="number",
        clauses="""how much is in my {account}
        what the balance of my {account} is
        how much money my {account} has""",
        nouns="""the balance of my {account}
        the money in my {account}""",
        result="number",
    ),
    spec(
        "tax_rate vat_rate sales_tax get_vat",
        text("country", "country", "place"),
        """value added tax of a country in percent
        standard sales tax rate""",
        """What is the VAT rate in {country}?
        How high is sales tax in {country}?
        vat {country}
        What tax do shops add in {country}?
        how much VAT do they charge in {country}""",
        returns="number",
        clauses="""what the VAT rate in {country} is
        how high sales tax is in {country}
        how much VAT {country} charges""",
        nouns="""the VAT rate in {country}
        the sales tax in {country}""",
        compares="""Where is VAT higher, {list}?
        Compare the VAT rates of {list}.
        Is sales tax the same in {list}?""",
        result="number",
    ),
)  # fmt: skip
