"""Tools about planets, stars and telescopes. Held out: nothing here is trained on."""

from __future__ import annotations

from .making import choice, domain, number, spec, text

SPECS = domain(
    "astronomy",
    "held",
    spec(
        "planet_mass mass_of get_mass body.mass",
        text("body", "planet", "planet object"),
        """mass of a celestial body in earth masses
        how heavy a planet or moon is""",
        """What is the mass of {body}?
        How heavy is {body}?
        mass of {body} in earth masses
        Tell me how massive {body} is.""",
        returns="number",
        clauses="""how heavy {body} is
        what the mass of {body} is""",
        nouns="""the mass of {body}
        {body}'s mass""",
        compares="""Which is heavier, {list}?
        Compare the masses of {list}.
        Order {list} by mass.""",
        result="number",
    ),
    spec(
        "orbital_period year_length orbit_days get_orbital_period",
        text("body", "planet", "planet object"),
        """days a body needs for one orbit
        length of a planet's year""",
        """How long does {body} take to orbit once?
        How long is a year on {body}?
        orbital period of {body}
        What is the orbital period of {body}?""",
        returns="number",
        clauses="""how long a year on {body} is
        how long {body} takes for an orbit""",
        nouns="""the orbital period of {body}
        the length of a year on {body}""",
        compares="""Which has the longer year, {list}?
        Compare the orbital periods of {list}.""",
        result="number",
    ),
    spec(
        "discoverer discovered_by who_discovered",
        text("body", "planet", "object"),
        """person who discovered a celestial body""",
        """Who discovered {body}?
        By whom was {body} found?
        discoverer of {body}
        Who was the first to see {body}?""",
        returns="text",
        clauses="""who discovered {body}
        by whom {body} was found""",
        nouns="""the discoverer of {body}
        the person who found {body}""",
        compares="""Were {list} discovered by the same person?""",
        result="person",
    ),
    spec(
        "visible_tonight sky_tonight can_see is_visible",
        (text("body", "planet", "object"), text("city", "city", "place from_city")),
        """whether a planet can be seen from a city tonight
        when and where to look for it in the sky""",
        """Can I see {body} from {city} tonight?
        Is {body} visible in {city}?
        will {body} be up over {city}
        Is there a chance to see {body} from {city}?""",
        returns="{visible: bool, rises, direction}",
        clauses="""whether {body} can be seen from {city}""",
    ),
    spec(
        "moons_of list_moons satellites get_moons",
        text("planet", "planet", "body"),
        """names of the moons of a planet""",
        """Which moons does {planet} have?
        List the moons of {planet}.
        what are the satellites of {planet}""",
        returns="{moons: [text], count: int}",
        clauses="""which moons {planet} has
        list the moons of {planet}""",
        nouns="""the moons of {planet}
        the satellites of {planet}""",
    ),
    spec(
        "telescope_time reserve_telescope observe schedule_observation",
        (
            text("body", "planet", "target"),
            text("date", "date", "night"),
            number("minutes", 10, 120, "duration"),
            choice(
                "camera",
                "filter",
                optional=True,
                infrared="in infrared|with the infrared camera",
                visible="in visible light",
                radio="at radio wavelengths",
            ),
        ),
        """reserves telescope time to observe a target""",
        """Reserve {minutes} minutes of telescope time for {body} on {date}.
        I want to observe {body} on {date} for {minutes} minutes.
        telescope: {body}, {date}, {minutes} minutes""",
        clauses="""reserve {minutes} minutes for {body} on {date}""",
        effect="write",
    ),
    spec(
        "light_years star_distance distance_to_star how_far_star",
        text("star", "planet", "name object"),
        """distance of a star in light years""",
        """How far away is the star {star}?
        How many light years is it to {star}?
        distance of the star {star}""",
        returns="number",
        clauses="""how far away the star {star} is""",
        nouns="""the distance of the star {star}""",
        compares="""Which star is nearer, {list}?
        Which of the stars {list} is farthest away?""",
        result="number",
    ),
)
