"""Tools about the elements, materials, living things and the land."""

# ruff: noqa: E501  (one line is one wording, or one list)

from __future__ import annotations

from .making import choice, domain, number, spec, text

SPECS = domain(
    "science",
    "train",
    spec(
        "element get_element element_info periodic_table",
        text("name", "element", "element symbol"),
        """facts about one chemical element: symbol, atomic number, mass, density
        entry of the periodic table""",
        """Tell me about the element {name}.
        What are the properties of {name}?
        element {name}
        Show me the periodic table entry of {name}.
        What kind of element is {name}?""",
        returns="{name, symbol, atomic_number:int, atomic_mass:number, density:number, period:int, group:int}",
        clauses="""what the properties of {name} are
        some facts about the element {name}
        where {name} stands in the periodic table""",
        compares="""Which is denser, {list}?
        Which is heavier: {list}?
        Are {list} in the same group?
        Compare the elements {list}.
        Which has the higher atomic number, {list}?""",
        gives={
            "symbol": ": the symbol of {name}|the chemical symbol for {name}",
            "atomic_number": "number: the atomic number of {name}|{name}'s atomic number",
            "atomic_mass": "number: the atomic mass of {name}|the atomic weight of {name}",
            "density": "number: the density of {name}|{name}'s density",
        },
    ),
    spec(
        "melting_point melts_at get_melting_point",
        text("substance", "chemical", "material element"),
        """temperature at which a substance melts, in degrees Celsius
        melting point of a material""",
        """At what temperature does {substance} melt?
        What is the melting point of {substance}?
        melting point {substance}
        When does {substance} become liquid?
        how hot must {substance} be to melt""",
        returns="number",
        clauses="""at what temperature {substance} melts
        what the melting point of {substance} is
        how hot {substance} must be to melt""",
        nouns="""the melting point of {substance}
        {substance}'s melting point""",
        compares="""Which melts first, {list}?
        Which has the higher melting point: {list}?
        Compare the melting points of {list}.""",
        result="number",
    ),
    spec(
        "boiling_point boils_at get_boiling_point",
        text("substance", "chemical", "material element"),
        """temperature at which a substance boils, in degrees Celsius
        boiling point of a material""",
        """At what temperature does {substance} boil?
        What is the boiling point of {substance}?
        boiling point {substance}
        how hot must {substance} be to boil
        When does {substance} start to boil?""",
        returns="number",
        clauses="""at what temperature {substance} boils
        what the boiling point of {substance} is
        how hot {substance} must be to boil""",
        nouns="""the boiling point of {substance}
        {substance}'s boiling point""",
        compares="""Which boils first, {list}?
        Which has the lower boiling point: {list}?
        Compare the boiling points of {list}.""",
        result="number",
    ),
    spec(
        "chemical_formula molecular_formula compound_formula",
        text("compound", "chemical", "substance name"),
        """chemical formula of a compound
        which atoms a compound is made of""",
        """What is the chemical formula of {compound}?
        How do you write {compound} as a formula?
        formula of {compound}
        Give me the molecular formula for {compound}.
        which atoms are in {compound}""",
        returns="text",
        clauses="""what the chemical formula of {compound} is
        how {compound} is written as a formula
        which atoms {compound} is made of""",
        nouns="""the chemical formula of {compound}
        the molecular formula of {compound}""",
    ),
    spec(
        "is_toxic toxicity poison_check",
        text("substance", "chemical", "chemical name"),
        """whether a substance is poisonous for people
        toxicity check of a chemical""",
        """Is {substance} poisonous?
        Is {substance} toxic?
        toxicity of {substance}
        can {substance} harm me
        Should I be careful with {substance}?""",
        returns="bool",
        clauses="""whether {substance} is poisonous
        if {substance} is toxic
        whether {substance} can do harm""",
        compares="""Are {list} toxic?
        Which is poisonous, {list}?
        Is any of {list} harmful?""",
    ),
    spec(
        "invention inventor_of who_invented",
        text("thing", "thing", "invention item"),
        """person who invented a thing
        inventor of something""",
        """Who invented {thing}?
        Who is the inventor of {thing}?
        inventor of {thing}
        Who came up with {thing}?
        tell me who first made {thing}""",
        returns="text",
        clauses="""who invented {thing}
        who the inventor of {thing} is
        who first made {thing}""",
        nouns="""the inventor of {thing}
        the person who invented {thing}""",
        compares="""Were {list} invented by the same person?
        Who invented {list}?
        Name the inventors of {list}.""",
        result="person",
    ),
    spec(
        "physics_constant constant get_constant",
        choice("name", "constant which", speed_of_light="the speed of light|light speed", gravity="gravitational acceleration|gravity on Earth", planck="the Planck constant|Planck's constant", avogadro="the Avogadro number|Avogadro's number"),
        """value of a physical constant
        constants of nature in SI units""",
        """What is the value of {name}?
        How big is {name}?
        value of {name}
        Give me {name} in SI units.
        I need {name} for my homework.""",
        returns="{value:number, unit}",
        clauses="""what the value of {name} is
        how big {name} is
        the value of {name}""",
        gives={"value": "number: the value of {name}"},
    ),
) + domain(
    "nature",
    "train",
    spec(
        "animal_info get_animal species_info lookup_species",
        text("animal", "animal", "species name"),
        """facts about an animal: weight, speed, life span, diet
        data on one species""",
        """Tell me about the animal {animal}.
        What does a {animal} eat?
        facts about {animal}
        What kind of animal is the {animal}?
        I want to learn about the {animal}""",
        returns="{name, weight_kg:number, top_speed_kmh:number, lifespan_years:number, diet, habitat}",
        clauses="""what a {animal} eats
        where the {animal} lives
        some facts about the {animal}""",
        compares="""Which lives longer, {list}?
        Which is faster, {list}?
        Compare {list}.
        Do {list} eat the same food?
        Are {list} both mammals?""",
        gives={
            "weight_kg": "number: the weight of the {animal}|the weight of a {animal}",
            "top_speed_kmh": "number: the top speed of the {animal}",
            "lifespan_years": "number: the life span of the {animal}|the life expectancy of a {animal}",
            "habitat": ": the habitat of the {animal}",
        },
    ),
    spec(
        "top_speed animal_speed how_fast",
        text("animal", "animal", "name species"),
        """top speed of an animal in km/h
        how fast an animal can run, swim or fly""",
        """How fast is a {animal}?
        What is the top speed of a {animal}?
        speed of {animal}
        how fast can a {animal} move
        Give me the speed of the {animal}.""",
        returns="number",
        clauses="""how fast a {animal} is
        what the top speed of a {animal} is
        how fast a {animal} can move""",
        nouns="""the top speed of a {animal}
        the speed of the {animal}""",
        compares="""Which is faster, {list}?
        Who would win a race: {list}?
        Compare the speeds of {list}.""",
        result="number",
    ),
    spec(
        "lifespan life_expectancy how_long_lives",
        text("animal", "animal", "species name"),
        """how many years an animal lives
        life span of a species""",
        """How long does a {animal} live?
        What is the life span of a {animal}?
        lifespan {animal}
        how old does a {animal} get
        How many years can a {animal} live?""",
        returns="number",
        clauses="""how long a {animal} lives
        how old a {animal} gets
        what the life span of a {animal} is""",
        nouns="""the life span of a {animal}
        the life expectancy of the {animal}""",
        compares="""Which lives longer, {list}?
        Compare the life spans of {list}.
        Which gets oldest: {list}?""",
        result="number",
    ),
    spec(
        "endangered conservation_status is_endangered red_list",
        text("species", "animal", "animal name"),
        """conservation status of a species
        whether an animal is threatened""",
        """Is the {species} endangered?
        What is the conservation status of the {species}?
        status of {species}
        how threatened is the {species}
        Could the {species} die out?""",
        returns="least_concern|vulnerable|endangered|extinct",
        clauses="""whether the {species} is endangered
        how threatened the {species} is
        what the conservation status of the {species} is""",
        nouns="""the conservation status of the {species}
        the status of the {species}""",
        compares="""Which is more endangered, {list}?
        Are {list} endangered?
        Compare the conservation status of {list}.""",
    ),
    spec(
        "mountain_height mountain_info peak_height",
        text("mountain", "mountain", "name peak"),
        """height of a mountain in metres
        how high a peak is""",
        """How high is {mountain}?
        How tall is {mountain}?
        height of {mountain}
        What is the height of {mountain}?
        how many metres high is {mountain}""",
        returns="number",
        clauses="""how high {mountain} is
        how tall {mountain} is
        what the height of {mountain} is""",
        nouns="""the height of {mountain}
        {mountain}'s height""",
        compares="""Which is higher, {list}?
        Which mountain is taller: {list}?
        Compare the heights of {list}.
        Sort {list} by height.""",
        result="number",
    ),
    spec(
        "river_length length_of_river river_info",
        text("river", "river", "name"),
        """length of a river in kilometres
        how long a river is""",
        """How long is the {river}?
        What is the length of the {river}?
        length of {river}
        how many kilometres long is the {river}
        Tell me how long the {river} is.""",
        returns="number",
        clauses="""how long the {river} is
        what the length of the {river} is
        how many kilometres the {river} flows""",
        nouns="""the length of the {river}
        the length of {river}""",
        compares="""Which river is longer, {list}?
        Which is the longest of {list}?
        Compare the lengths of {list}.""",
        result="number",
    ),
    spec(
        "river_countries countries_on_river flows_through",
        text("river", "river", "name"),
        """countries that a river flows through
        course of a river""",
        """Which countries does the {river} flow through?
        Where does the {river} flow?
        countries along the {river}
        Through which countries does the {river} run?
        list the countries on the {river}""",
        returns="[text]",
        clauses="""which countries the {river} flows through
        where the {river} flows
        what countries lie on the {river}""",
        nouns="""the countries along the {river}
        the countries on the {river}""",
        compares="""Do {list} flow through the same countries?
        Which flows through more countries, {list}?
        Compare the courses of {list}.""",
        result="",
    ),
    spec(
        "lake_depth depth_of_lake how_deep",
        text("lake", "lake", "name"),
        """greatest depth of a lake in metres
        how deep a lake is""",
        """How deep is {lake}?
        What is the depth of {lake}?
        depth of {lake}
        how many metres deep is {lake}
        Give me the greatest depth of {lake}.""",
        returns="number",
        clauses="""how deep {lake} is
        what the depth of {lake} is
        how many metres deep {lake} is""",
        nouns="""the depth of {lake}
        {lake}'s depth""",
        compares="""Which is deeper, {list}?
        Which lake is deepest: {list}?
        Compare the depths of {list}.""",
        result="number",
    ),
    spec(
        "island_area island_size",
        text("island", "island", "name"),
        """area of an island in square kilometres
        how large an island is""",
        """How big is the island {island}?
        What is the area of the island {island}?
        size of {island}
        How large is {island}?
        how many square kilometres has {island}""",
        returns="number",
        clauses="""how big the island {island} is
        how large {island} is
        what the area of the island {island} is""",
        nouns="""the area of the island {island}
        the size of the island {island}""",
        compares="""Which island is larger, {list}?
        Which is the smallest of {list}?
        Compare the sizes of the islands {list}.""",
        result="number",
    ),
    spec(
        "plant_care care_tips watering_guide",
        (text("plant", "plant", "name"), choice("season", optional=True, winter="in winter", summer="in summer|over the summer", spring="in spring", autumn="in autumn|in fall")),
        """how to look after a plant
        water and light that a plant needs""",
        """How do I care for {plant}?
        How often should I water {plant}?
        care tips {plant}
        What does {plant} need?
        my {plant} looks sad, what should I do""",
        returns="{water, light, soil}",
        clauses="""how to care for {plant}
        how often to water {plant}
        what {plant} needs""",
        compares="""Which is easier to keep, {list}?
        Do {list} need the same light?
        Compare the care of {list}.""",
        gives={"light": ": the light that {plant} needs", "water": ": the amount of water for {plant}"},
    ),
    spec(
        "earthquakes recent_quakes quake_list",
        (text("region", "place", "area place"), number("min_magnitude", 2, 8, "magnitude min_mag", optional=True)),
        """recent earthquakes in a region
        quakes near a place with their magnitude""",
        """Were there any earthquakes in {region}?
        List the recent earthquakes in {region}.
        quakes in {region}
        Has the earth shaken in {region} lately?
        Which earthquakes hit {region}?""",
        returns="[{place, magnitude:number, date}]",
        clauses="""whether there were earthquakes in {region}
        which quakes hit {region}
        if the earth shook in {region}""",
        compares="""Which had more earthquakes, {list}?
        Did the earth shake in {list}?
        Compare the earthquakes in {list}.""",
        extras={"min_magnitude": "of magnitude {min_magnitude} or more|stronger than {min_magnitude}"},
    ),
)  # fmt: skip
