"""Tools about houses, flats and rents."""

from __future__ import annotations

from .making import domain, flag, number, several, spec, text

SPECS = domain(
    "housing",
    "train",
    spec(
        "average_rent rent rent_in get_rent",
        (text("city", "city", "place town"), number("rooms", 1, 6, "bedrooms", optional=True)),
        """average monthly rent of a flat in a city, in euros
        what flats cost to rent""",
        """How high is the rent in {city}?
        What is the average rent in {city}?
        how much do people pay for a flat in {city}
        Tell me what renting in {city} costs.
        rent in {city}""",
        returns="number",
        clauses="""how high rents in {city} are
        what the average rent in {city} is""",
        nouns="""the average rent in {city}
        the rent in {city}""",
        compares="""Where is renting cheaper, {list}?
        Compare the rents in {list}.
        Which has the highest rent: {list}?""",
        extras={"rooms": "for {rooms} rooms|with {rooms} bedrooms"},
        result="number",
    ),
    spec(
        "house_price home_prices price_per_sqm purchase_price",
        text("city", "city", "place town"),
        """price of a square metre of housing in a city
        what it costs to buy a home""",
        """What does a square metre cost in {city}?
        How expensive is buying a home in {city}?
        house prices in {city}
        What are the property prices in {city}?""",
        returns="number",
        clauses="""what a square metre costs in {city}
        how expensive buying a home in {city} is""",
        nouns="""the price of a square metre in {city}
        the property price in {city}""",
        compares="""Where is buying a home cheaper, {list}?
        Compare the house prices of {list}.
        Rank {list} by house price.""",
        result="number",
    ),
    spec(
        "search_flats find_flats listings flat.search searchListings",
        (
            text("city", "city", "town location"),
            number("max_rent", 400, 3000, "budget"),
            number("rooms", 1, 6, "min_rooms", optional=True),
            flag("balcony", "with a balcony|it needs a balcony"),
            flag("pets", "where pets are allowed|I have a dog"),
        ),
        """flats for rent in a city up to a monthly rent
        finds homes that are offered for rent""",
        """Find a flat in {city} for up to {max_rent} a month.
        Which flats in {city} cost less than {max_rent}?
        I am looking for an apartment in {city}, {max_rent} at most.
        flats in {city} under {max_rent}""",
        returns="{flats: [{street, rent: number, rooms: int}], total: int}",
        clauses="""find a flat in {city} for up to {max_rent}
        which flats in {city} cost less than {max_rent}""",
        extras={"rooms": "with at least {rooms} rooms|with {rooms} rooms"},
    ),
    spec(
        "mortgage monthly_payment mortgage_rate loan_payment",
        (
            number("amount", 50000, 900000, "loan sum"),
            number("years", 5, 35, "term"),
            number("interest", 1, 7, "rate", whole=False, optional=True),
        ),
        """monthly payment of a mortgage over some years
        what a home loan costs a month""",
        """What is the monthly payment for a mortgage of {amount} over {years} years?
        How much a month for a home loan of {amount} for {years} years?
        mortgage payment: {amount}, {years} years
        If I borrow {amount} for {years} years, what do I pay a month?""",
        returns="number",
        clauses="""what a mortgage of {amount} over {years} years costs a month""",
        nouns="""the monthly payment for {amount} over {years} years""",
        extras={"interest": "at {interest} percent interest|at a rate of {interest}"},
        result="number",
    ),
    spec(
        "landlord owner_of_house house_owner building_owner",
        text("address", "address", "street"),
        """person who owns the house at an address
        owner as the land register has it""",
        """Who owns the house at {address}?
        Who is the landlord of {address}?
        owner of {address}
        Whose house is {address}?""",
        returns="{owner, since: int, flats: int}",
        clauses="""who owns {address}
        who the landlord of {address} is""",
        gives={
            "owner": "person: the owner of {address}|the landlord of {address}",
            "flats": "number: the number of flats at {address}",
        },
    ),
    spec(
        "neighbourhoods districts quarters_of list_districts",
        text("city", "city", "town"),
        """neighbourhoods of a city
        names of the quarters of a town""",
        """Which neighbourhoods does {city} have?
        List the districts of {city}.
        what quarters are there in {city}""",
        returns="{districts: [text]}",
        clauses="""which neighbourhoods {city} has
        list the districts of {city}""",
        nouns="""the neighbourhoods of {city}
        the districts of {city}""",
    ),
    spec(
        "noise_level noise street_noise quietness",
        text("district", "region", "area neighbourhood"),
        """noise level of a neighbourhood in decibels
        how loud an area is""",
        """How noisy is {district}?
        How loud is it in {district}?
        noise level in {district}
        Is {district} a quiet area?""",
        returns="number",
        clauses="""how noisy {district} is
        how loud it is in {district}""",
        nouns="""the noise level of {district}""",
        compares="""Which is quieter, {list}?
        Compare the noise in {list}.""",
        result="number",
    ),
    spec(
        "compare_listings rate_listings listing_table",
        several("codes", "code", "ids listings"),
        """table that compares listings by their codes""",
        """Put listings {codes} into a table.
        compare the listings {codes}
        Show me listings {codes} side by side.""",
        clauses="""put listings {codes} side by side""",
    ),
)
