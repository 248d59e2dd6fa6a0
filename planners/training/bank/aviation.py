"""Tools about aircraft, airlines and airports. Held out: nothing here is trained on."""

from __future__ import annotations

from .making import choice, domain, flag, spec, text

SPECS = domain(
    "aviation",
    "held",
    spec(
        "flight_origin departs_from origin_of flight.origin",
        text("flight", "flight", "number code"),
        """city that a flight departs from""",
        """Where does flight {flight} depart from?
        From which city does {flight} leave?
        origin of flight {flight}""",
        returns="text",
        clauses="""where flight {flight} departs from
        from which city {flight} leaves""",
        nouns="""the city that flight {flight} departs from
        the origin of flight {flight}""",
        compares="""Do flights {list} leave from the same city?""",
        result="city",
    ),
    spec(
        "flight_delay delay_of minutes_late get_delay",
        text("flight", "flight", "number code"),
        """delay of a flight in minutes""",
        """How late is flight {flight}?
        What is the delay of {flight}?
        is {flight} delayed
        By how many minutes is flight {flight} late?""",
        returns="int",
        clauses="""how late flight {flight} is
        whether {flight} is delayed""",
        nouns="""the delay of flight {flight}
        the delay of {flight} in minutes""",
        compares="""Which flight is later, {list}?
        Compare the delays of {list}.
        Which of the flights {list} has the smallest delay?""",
        result="number",
    ),
    spec(
        "airport_info airport about_airport",
        text("airport", "airport", "name"),
        """facts about an airport: city, code, runways, passengers""",
        """Tell me about {airport}.
        What are the facts about {airport}?
        airport facts {airport}""",
        returns="{city, iata, runways: int, passengers: int}",
        clauses="""give me the facts about {airport}""",
        gives={
            "city": "city: the city that {airport} serves",
            "runways": "number: the number of runways of {airport}",
            "passengers": "number: the passengers of {airport}|the yearly passengers of {airport}",
        },
        compares="""Which is busier, {list}?
        Compare the airports {list}.""",
    ),
    spec(
        "seat_pitch legroom seat_space",
        (
            text("airline", "airline", "carrier"),
            choice(
                "cabin",
                "class_",
                optional=True,
                economy="in economy",
                business="in business class",
                first="in first class",
            ),
        ),
        """legroom that an airline gives, in centimetres""",
        """How much legroom does {airline} give?
        What is the legroom on {airline}?
        legroom {airline}
        Is there space for my legs on {airline}?""",
        returns="number",
        clauses="""how much legroom {airline} gives""",
        nouns="""the legroom on {airline}""",
        compares="""Which airline has more legroom, {list}?
        Compare the legroom of {list}.""",
        result="number",
    ),
    spec(
        "gate which_gate gate_of boarding_gate",
        text("flight", "flight", "number"),
        """gate at which a flight boards""",
        """Which gate does {flight} leave from?
        At what gate does flight {flight} board?
        gate for {flight}""",
        returns="text",
        clauses="""at which gate {flight} boards
        what the gate of flight {flight} is""",
        nouns="""the gate of flight {flight}""",
        compares="""Do {list} board at the same gate?""",
    ),
    spec(
        "book_seat reserve_seat seat.book",
        (
            text("flight", "flight", "number"),
            choice(
                "position",
                "place",
                window="a window seat|by the window",
                aisle="an aisle seat|on the aisle",
                middle="a middle seat",
            ),
            flag("extra_legroom", "with extra legroom|and extra legroom"),
        ),
        """reserves a seat on a flight""",
        """Reserve {position} on flight {flight}.
        I would like {position} on {flight}.
        book {position} for {flight}""",
        clauses="""reserve {position} on {flight}""",
        effect="write",
    ),
    spec(
        "flights_between find_flights routes connections",
        (
            text("origin", "city", "from_city start"),
            text("destination", "city", "to_city target"),
            text("date", "date", "day", optional=True),
            flag("direct", "direct flights only|without a stop"),
        ),
        """flights from one city to another""",
        """Which flights go from {origin} to {destination}?
        Find flights from {origin} to {destination}.
        How can I fly from {origin} to {destination}?
        flights {origin} to {destination}""",
        returns="{flights: [{number, price: number, departs}]}",
        clauses="""which flights go from {origin} to {destination}
        find flights from {origin} to {destination}""",
        extras={"date": "on {date}|leaving on {date}"},
    ),
)
