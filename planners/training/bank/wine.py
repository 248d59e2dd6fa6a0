"""Tools about wine and vineyards. Held out: nothing here is trained on."""

from __future__ import annotations

from .making import choice, domain, number, spec, text

SPECS = domain(
    "wine",
    "held",
    spec(
        "bottle_price wine_price price_of_bottle cellar.price",
        (text("wine", "wine", "name label"), number("vintage", 1960, 2024, "year", optional=True)),
        """price of one bottle of a wine in euros""",
        """What does a bottle of {wine} cost?
        How expensive is a bottle of {wine}?
        bottle price of {wine}
        How much do I pay for one {wine}?""",
        returns="number",
        clauses="""what a bottle of {wine} costs
        how expensive {wine} is""",
        nouns="""the price of a bottle of {wine}
        the bottle price of {wine}""",
        compares="""Which bottle is cheaper, {list}?
        Compare the prices of {list}.
        Which of {list} is the most expensive?""",
        extras={"vintage": "from {vintage}|of the year {vintage}"},
        result="number",
    ),
    spec(
        "alcohol abv alcohol_content how_strong",
        text("wine", "wine", "name label"),
        """alcohol content of a wine in percent""",
        """How strong is {wine}?
        How much alcohol does {wine} have?
        alcohol content of {wine}
        What percentage of alcohol is in {wine}?""",
        returns="number",
        clauses="""how strong {wine} is
        how much alcohol {wine} has""",
        nouns="""the alcohol content of {wine}
        the strength of {wine}""",
        compares="""Which is stronger, {list}?
        Which has less alcohol: {list}?""",
        result="number",
    ),
    spec(
        "winery vineyard_of producer who_bottles",
        text("wine", "wine", "name label"),
        """winery that makes a wine, with its region and owner""",
        """Which winery makes {wine}?
        Who produces {wine}?
        where does {wine} come from
        Tell me about the producer of {wine}.""",
        returns="{winery, region, owner, hectares: number}",
        clauses="""which winery makes {wine}
        who produces {wine}""",
        gives={
            "owner": "person: the owner of the winery that makes {wine}",
            "region": "region: the region {wine} comes from",
            "hectares": "number: the hectares of the winery of {wine}",
        },
        compares="""Do {list} come from the same winery?""",
    ),
    spec(
        "sunshine_hours sun_hours hours_of_sun",
        text("region", "region", "area place"),
        """hours of sunshine a year in a wine region""",
        """How many hours of sun does {region} get?
        How sunny is {region}?
        sunshine hours of {region}""",
        returns="number",
        clauses="""how sunny {region} is
        how many hours of sun {region} gets""",
        nouns="""the hours of sunshine in {region}""",
        compares="""Which region is sunnier, {list}?
        Compare the sunshine of {list}.""",
        result="number",
    ),
    spec(
        "pairing wine_pairing goes_with recommend_wine",
        (
            text("dish", "dish", "food meal"),
            choice(
                "colour",
                "color",
                optional=True,
                red="a red one|red please",
                white="a white one|white please",
                sparkling="something sparkling",
            ),
            number("budget", 8, 60, "max_price", optional=True),
        ),
        """wines that go well with a dish""",
        """Which wine goes with {dish}?
        Recommend a wine for {dish}.
        what should we drink with {dish}
        I am cooking {dish}, which wine fits?""",
        returns="[text]",
        clauses="""which wine goes with {dish}
        recommend a wine for {dish}""",
        nouns="""the wines that go with {dish}""",
        extras={"budget": "for at most {budget} euros|under {budget} euros"},
    ),
    spec(
        "order_wine order_bottles buy_wine shop.order",
        (
            text("wine", "wine", "name"),
            number("bottles", 2, 24, "count quantity"),
            text("address", "address", "to"),
        ),
        """orders bottles of a wine to an address""",
        """Order {bottles} bottles of {wine} to {address}.
        Send {bottles} bottles of {wine} to {address}.
        {bottles} x {wine} to {address} please""",
        clauses="""order {bottles} bottles of {wine} to {address}""",
        effect="write",
    ),
)
