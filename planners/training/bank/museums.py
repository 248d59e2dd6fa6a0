"""Tools about museums, works of art and exhibitions."""

from __future__ import annotations

from .making import choice, domain, number, spec, text

SPECS = domain(
    "museums",
    "train",
    spec(
        "museum_city where_is_museum museum_location museum.city",
        text("museum", "museum", "name"),
        """city in which a museum stands
        where a museum is""",
        """Where is the {museum}?
        In which city is the {museum}?
        what city do I have to go to for the {museum}
        Tell me where to find the {museum}.""",
        returns="text",
        clauses="""where the {museum} is
        in which city the {museum} stands""",
        nouns="""the city of the {museum}
        the city where the {museum} stands
        the {museum}'s home city""",
        compares="""Are {list} in the same city?
        Do {list} stand in one city?""",
        result="city",
    ),
    spec(
        "museum_info museum about_museum get_museum",
        text("museum", "museum", "name"),
        """facts about a museum: city, director, visitors, year of opening
        looks up one museum""",
        """Tell me about the {museum}.
        What do we know about the {museum}?
        facts about the {museum}
        Give me an overview of the {museum}.""",
        returns="{city, director, visitors: int, opened: int, free: bool}",
        clauses="""what you know about the {museum}
        give me facts about the {museum}""",
        gives={
            "city": "city: the city of the {museum}",
            "director": "person: the director of the {museum}|the person who runs the {museum}",
            "visitors": "number: the number of visitors of the {museum}|the yearly visitors of the {museum}",
            "opened": "number: the year in which the {museum} opened",
        },
    ),
    spec(
        "painter artist_of who_painted get_artist",
        text("title", "title", "work painting"),
        """artist who made a painting
        creator of a work of art""",
        """Who painted {title}?
        Which artist made {title}?
        who is the painter of {title}
        By whom is the painting {title}?""",
        returns="text",
        clauses="""who painted {title}
        which artist made {title}""",
        nouns="""the painter of {title}
        the artist who made {title}""",
        compares="""Are {list} by the same painter?
        Did one artist paint both {list}?""",
        result="person",
    ),
    spec(
        "ticket_price entry_fee admission museum_ticket",
        (
            text("museum", "museum", "name"),
            choice(
                "visitor",
                "group",
                optional=True,
                child="for a child|for kids",
                student="for a student|for students",
                senior="for a pensioner|for seniors",
            ),
        ),
        """price of a ticket for a museum in euros
        what admission costs""",
        """How much is a ticket for the {museum}?
        What does entry to the {museum} cost?
        admission price of the {museum}
        What do I pay to get into the {museum}?""",
        returns="number",
        clauses="""how much a ticket for the {museum} is
        what entry to the {museum} costs""",
        nouns="""the ticket price of the {museum}
        the entry fee of the {museum}""",
        compares="""Which is cheaper to visit, {list}?
        Compare the ticket prices of {list}.
        Which of {list} has the lowest entry fee?""",
        result="number",
    ),
    spec(
        "exhibitions current_shows list_exhibitions whats_on",
        (text("museum", "museum", "venue"), text("month", "month", "in_month", optional=True)),
        """exhibitions that a museum shows
        titles of the current shows""",
        """What is on at the {museum}?
        Which exhibitions does the {museum} show?
        list the shows at the {museum}
        Any exhibition at the {museum}?""",
        returns="[text]",
        clauses="""what is on at the {museum}
        which exhibitions the {museum} shows""",
        nouns="""the exhibitions at the {museum}
        the shows of the {museum}""",
        extras={"month": "in {month}|during {month}"},
    ),
    spec(
        "exhibition_review review_of show_review",
        text("exhibition", "title", "show title"),
        """review of an exhibition by critics
        what critics say of a show""",
        """What do critics say about the exhibition {exhibition}?
        Read me the review of the show {exhibition}.
        how was the exhibition {exhibition} received""",
        returns="text",
        clauses="""what critics say about the exhibition {exhibition}""",
        nouns="""the review of the show {exhibition}
        the critics' opinion of the exhibition {exhibition}""",
        compares="""Which exhibition got better reviews, {list}?""",
    ),
    spec(
        "guided_tour book_tour reserve_tour tour.book",
        (
            text("museum", "museum", "place"),
            text("date", "date", "day"),
            number("people", 2, 25, "visitors group_size"),
            choice(
                "language", optional=True, en="in English", de="in German", fr="in French", es="in Spanish"
            ),
        ),
        """reserves a guided tour for a group
        books a guide in a museum""",
        """Book a guided tour of the {museum} for {people} people on {date}.
        We are {people}, reserve a tour of the {museum} on {date}.
        guided tour at the {museum}, {date}, {people} visitors""",
        clauses="""book a tour of the {museum} for {people} people on {date}
        reserve a guide at the {museum} on {date} for {people} visitors""",
        effect="write",
    ),
)
