"""Tools about pets, breeds and their keepers."""

from __future__ import annotations

from .making import choice, domain, flag, number, spec, text

SPECS = domain(
    "pets",
    "train",
    spec(
        "life_expectancy lifespan how_long_lives get_lifespan",
        text("breed", "animal", "species animal"),
        """years that a breed or species lives on average
        average lifespan of an animal""",
        """How long does a {breed} live?
        What is the life expectancy of a {breed}?
        how old can a {breed} get
        Tell me the average lifespan of a {breed}.
        lifespan of {breed}""",
        returns="number",
        clauses="""how long a {breed} lives
        how old a {breed} gets""",
        nouns="""the lifespan of a {breed}
        the life expectancy of a {breed}""",
        compares="""Which lives longer, {list}?
        Compare the lifespans of {list}.
        Who lives longest: {list}?""",
        result="number",
    ),
    spec(
        "adult_weight breed_weight weight_of get_weight",
        text("breed", "animal", "species animal"),
        """weight of a grown animal in kilograms
        how heavy a breed becomes""",
        """How heavy does a {breed} get?
        What does a {breed} weigh?
        weight of a grown {breed}
        I wonder how much a {breed} weighs.""",
        returns="number",
        clauses="""how heavy a {breed} gets
        what a {breed} weighs""",
        nouns="""the weight of a {breed}
        a {breed}'s weight""",
        compares="""Which is heavier, {list}?
        Which weighs the most: {list}?
        Put {list} in order of weight.""",
        result="number",
    ),
    spec(
        "pet_owner owner_of keeper chip_lookup",
        text("chip", "code", "tag number"),
        """name of the person who owns a chipped animal
        looks up who a pet belongs to""",
        """Who owns the pet with chip {chip}?
        Whose animal is {chip}?
        find the owner of {chip}
        Who is registered as keeper of {chip}?""",
        returns="text",
        clauses="""who owns {chip}
        who the keeper of {chip} is""",
        nouns="""the owner of {chip}
        the keeper of pet {chip}
        the person registered for {chip}""",
        result="person",
    ),
    spec(
        "vet_hours vets find_vet vet.search",
        (
            text("city", "city", "place location"),
            flag("emergency", "for an emergency|as it is an emergency|with emergency service"),
            choice(
                "animal",
                optional=True,
                dog="for my dog|for a dog",
                cat="for my cat|for a cat",
                bird="for my bird|for a bird",
            ),
        ),
        """vets in a city with their opening hours
        animal doctors in a town""",
        """Is there a vet in {city}?
        Find a vet in {city}.
        which vets are there in {city}
        I need an animal doctor in {city}.""",
        returns="[{name, phone, opens}]",
        clauses="""find a vet in {city}
        which vets there are in {city}""",
        nouns="""the vets in {city}
        the animal doctors in {city}""",
    ),
    spec(
        "food_amount feeding_guide daily_food portion",
        (
            text("breed", "animal", "animal species"),
            number("age", 1, 18, "years"),
            choice("food", optional=True, dry="of dry food|of kibble", wet="of wet food|of canned food"),
        ),
        """grams of food a day for an animal of some age
        how much to feed a pet""",
        """How much should a {age} year old {breed} eat?
        What is the daily ration for a {breed} aged {age}?
        how many grams does my {breed} need, it is {age}
        Feeding guide for a {breed} of {age} years""",
        returns="number",
        clauses="""how much a {age} year old {breed} should eat
        what a {breed} of {age} years needs a day""",
        result="number",
    ),
    spec(
        "book_grooming groom_appointment grooming.book",
        (
            text("pet", "first_name", "name"),
            text("date", "date", "day"),
            flag("nails", "and clip the nails|with nail clipping"),
        ),
        """books a grooming appointment for a pet""",
        """Book grooming for {pet} on {date}.
        {pet} needs a haircut on {date}, book it.
        make a grooming appointment for {pet} on {date}""",
        clauses="""book grooming for {pet} on {date}
        get {pet} groomed on {date}""",
        effect="write",
    ),
)
