"""Tools about cars, their parts and their upkeep."""

from __future__ import annotations

from .making import choice, domain, flag, number, spec, text

SPECS = domain(
    "vehicles",
    "train",
    spec(
        "horsepower engine_power get_horsepower car.power",
        text("model", "vehicle", "car vehicle name"),
        """horsepower of one car model
        how strong a car's engine is
        engine output in hp""",
        """How many horsepower does the {model} have?
        What is the horsepower of the {model}?
        how strong is the engine of the {model}
        Tell me the power of the {model}'s engine.
        horsepower {model}""",
        returns="int",
        clauses="""how many horsepower the {model} has
        how strong the engine of the {model} is""",
        nouns="""the horsepower of the {model}
        the engine power of the {model}
        the {model}'s horsepower""",
        compares="""Which has more horsepower, {list}?
        Which has the stronger engine: {list}?
        Rank {list} by engine power.
        Compare the horsepower of {list}.""",
        result="number",
    ),
    spec(
        "top_speed max_speed get_top_speed fetchTopSpeed",
        text("model", "vehicle", "car vehicle name"),
        """top speed of a car in km/h
        how fast a car can go
        maximum speed of one model""",
        """How fast can the {model} go?
        What is the top speed of the {model}?
        top speed {model}?
        I want to know the maximum speed of the {model}.
        how quick is the {model} flat out""",
        returns="number",
        clauses="""how fast the {model} can go
        what the {model}'s top speed is""",
        nouns="""the top speed of the {model}
        the maximum speed of the {model}""",
        compares="""Which is faster, {list}?
        Which of {list} has the highest top speed?
        Compare how fast {list} can go.""",
        result="number",
    ),
    spec(
        "fuel_use mpg consumption fuel_economy get_fuel_use",
        (
            text("model", "vehicle", "car vehicle"),
            choice(
                "cycle",
                optional=True,
                city="in the city|in city traffic",
                highway="on the highway|on the motorway",
            ),
        ),
        """litres of fuel a car needs for 100 km
        fuel consumption of a model
        how much petrol a car burns""",
        """How much fuel does the {model} use?
        What is the fuel consumption of the {model}?
        how thirsty is the {model}
        Tell me how much petrol the {model} needs.""",
        returns="number",
        clauses="""how much fuel the {model} uses
        how much petrol the {model} needs""",
        nouns="""the fuel consumption of the {model}
        the fuel use of the {model}""",
        compares="""Which uses less fuel, {list}?
        Compare the fuel consumption of {list}.
        Which is the most economical: {list}?""",
        result="number",
    ),
    spec(
        "car_maker manufacturer made_by who_makes",
        text("model", "vehicle", "car vehicle"),
        """company that builds a car model
        maker of a vehicle
        which manufacturer a model comes from""",
        """Who makes the {model}?
        Which company builds the {model}?
        what brand is the {model} from
        Who is the manufacturer of the {model}?""",
        returns="text",
        clauses="""who makes the {model}
        which company builds the {model}""",
        nouns="""the maker of the {model}
        the manufacturer of the {model}
        the company that builds the {model}""",
        compares="""Are {list} built by the same company?
        Do {list} come from the same manufacturer?""",
        result="company",
    ),
    spec(
        "garages_near find_garage repair_shops garage.search",
        (
            text("city", "city", "place location"),
            number("limit", 2, 12, "count max_results", optional=True),
            flag("open_now", "that are open now|open right now"),
        ),
        """repair shops for cars in a city
        garages that mend cars""",
        """Find a garage in {city}.
        Where can I have my car repaired in {city}?
        list repair shops in {city}
        Which garages are there in {city}?""",
        returns="[{name, street, rating: number}]",
        clauses="""find a garage in {city}
        list the repair shops in {city}""",
        extras={"limit": "at most {limit} of them|no more than {limit}"},
    ),
    spec(
        "tire_pressure tyre_pressure recommended_pressure",
        (
            text("model", "vehicle", "car"),
            choice(
                "axle",
                "wheels",
                front="for the front wheels|at the front",
                rear="for the rear wheels|at the back",
            ),
        ),
        """recommended tyre pressure for one axle of a car
        how many bar belong into the tyres""",
        """What tyre pressure does the {model} need {axle}?
        How many bar for the {model} {axle}?
        tyre pressure of the {model} {axle} please
        Tell me the recommended pressure for the {model} {axle}.""",
        returns="number",
        clauses="""what tyre pressure the {model} needs {axle}""",
        result="number",
    ),
    spec(
        "book_service schedule_service service.book",
        (text("plate", "code", "number licence_plate"), text("date", "date", "day")),
        """books a service appointment for a car
        makes an appointment at the workshop""",
        """Book a service for car {plate} on {date}.
        My car {plate} needs a service, book it for {date}.
        service appointment for {plate} on {date} please""",
        returns="{booking_id, time}",
        clauses="""book a service for {plate} on {date}
        make a workshop appointment for {plate} on {date}""",
        effect="write",
    ),
)
