"""Tools about energy, astronomy and libraries; held out, they are only ever scored with."""

# ruff: noqa: E501  (one line is one wording, or one list)

from __future__ import annotations

from .making import choice, domain, number, spec, text

SPECS = domain(
    "energy",
    "held",
    spec(
        "electricity_price power_price kwh_price",
        (text("country", "country", "place market"), choice("hour", "period", optional=True, day="during the day|in the daytime", night="at night|during the night")),
        """price of a kilowatt hour of electricity in a country
        what power costs""",
        """What does electricity cost in {country}?
        How much is a kilowatt hour in {country}?
        power price {country}
        Is electricity expensive in {country}?
        what do people pay for power in {country}""",
        returns="number",
        clauses="""what electricity costs in {country}
        how much a kilowatt hour is in {country}
        what power costs in {country}""",
        nouns="""the price of electricity in {country}
        the electricity price in {country}""",
        compares="""Where is electricity cheaper, {list}?
        Compare the power prices of {list}.
        Which pays more for electricity, {list}?""",
        result="number",
    ),
    spec(
        "renewable_share green_power share_of_renewables",
        text("country", "country", "nation"),
        """share of renewable sources in a country's power, in percent
        how green a country's electricity is""",
        """How much of the power in {country} is renewable?
        What is the share of renewables in {country}?
        renewables {country}
        How green is the electricity of {country}?
        does {country} run on clean power""",
        returns="number",
        clauses="""how much of {country}'s power is renewable
        how green the power in {country} is
        what share renewables have in {country}""",
        nouns="""the share of renewables in {country}
        the renewable share of {country}""",
        compares="""Which has greener power, {list}?
        Compare the share of renewables in {list}.
        Who uses more clean energy, {list}?""",
        result="number",
    ),
    spec(
        "co2_emissions carbon_footprint emissions_of",
        text("country", "country", "nation"),
        """yearly carbon dioxide emissions of a country in million tonnes
        how much CO2 a nation gives off""",
        """How much CO2 does {country} emit?
        What are the emissions of {country}?
        co2 {country}
        How big is the carbon footprint of {country}?
        what does {country} blow into the air each year""",
        returns="number",
        clauses="""how much CO2 {country} emits
        what the emissions of {country} are
        how big {country}'s carbon footprint is""",
        nouns="""the emissions of {country}
        the carbon footprint of {country}""",
        compares="""Which emits more, {list}?
        Compare the CO2 emissions of {list}.
        Who has the smaller carbon footprint, {list}?""",
        result="number",
    ),
    spec(
        "appliance_consumption power_use consumption_of",
        (text("appliance", "device", "device machine"), number("hours", 2, 24, "duration", optional=True)),
        """electricity that an appliance uses in kilowatt hours
        power consumption of a household device""",
        """How much power does the {appliance} use?
        What does the {appliance} consume?
        consumption {appliance}
        Is the {appliance} a power hog?
        how many kilowatt hours go into the {appliance}""",
        returns="number",
        clauses="""how much power the {appliance} uses
        what the {appliance} consumes
        how many kilowatt hours the {appliance} needs""",
        nouns="""the consumption of the {appliance}
        the power use of the {appliance}""",
        compares="""Which uses more power, {list}?
        Compare the consumption of {list}.
        Which is more frugal, {list}?""",
        extras={"hours": "in {hours} hours|over {hours} hours|when it runs {hours} hours"},
        result="number",
    ),
    spec(
        "solar_yield solar_output pv_estimate",
        (text("city", "city", "place location"), number("panels", 2, 60, "count modules"), choice("direction", "facing", optional=True, south="facing south", east="facing east", west="facing west")),
        """yearly yield of solar panels at a place in kilowatt hours
        estimates what a solar roof gives""",
        """How much power do {panels} solar panels give in {city}?
        What would {panels} panels yield in {city}?
        solar yield {city} {panels} panels
        I want {panels} panels on my roof in {city}. What do they give?
        estimate the output of {panels} panels in {city}""",
        returns="number",
        clauses="""how much {panels} solar panels give in {city}
        what {panels} panels yield in {city}
        what the output of {panels} panels in {city} is""",
        nouns="""the yield of {panels} panels in {city}
        the output of {panels} solar panels in {city}""",
        result="number",
    ),
    spec(
        "power_plants plants_in_country list_plants",
        (text("country", "country", "nation"), choice("source", "fuel kind", optional=True, coal="that burn coal", nuclear="that are nuclear", hydro="that run on water", wind="that use wind")),
        """power plants of a country with their output
        list of stations that make electricity""",
        """Which power plants are there in {country}?
        List the power plants in {country}.
        power plants {country}
        Where does {country} make its electricity?
        name the plants of {country}""",
        returns="[{name, megawatts:number, city}]",
        clauses="""which power plants {country} has
        where {country} makes its power
        what plants there are in {country}""",
        nouns="""the power plants in {country}
        the power plants of {country}""",
        compares="""Which has more power plants, {list}?
        Compare the power plants of {list}.
        Do {list} have nuclear plants?""",
    ),
) + domain(
    "astronomy",
    "held",
    spec(
        "planet_info body_facts get_planet celestial_body",
        text("body", "planet", "planet name object"),
        """facts about a planet, moon or star: mass, radius, day length, moons
        data on a body of the sky""",
        """Tell me about the planet {body}.
        What is known about {body} in the sky?
        facts {body}
        What sort of world is {body}?
        describe the celestial body {body}""",
        returns="{mass_kg:number, radius_km:number, day_hours:number, moons:int, kind}",
        clauses="""what sort of world {body} is
        some facts about {body}
        what astronomers know about {body}""",
        compares="""Which has more moons, {list}?
        Which is larger, {list}?
        On which is a day longer, {list}?
        Are {list} the same kind of body?""",
        gives={
            "radius_km": "number: the radius of {body}|{body}'s radius",
            "moons": "number: the number of moons of {body}",
            "day_hours": "number: the length of a day on {body}",
            "mass_kg": "number: the mass of {body}",
        },
    ),
    spec(
        "surface_gravity gravity_on g_force",
        text("body", "planet", "planet"),
        """gravity at the surface of a planet in m/s2
        how heavy things are on another world""",
        """How strong is gravity on {body}?
        What is the surface gravity of {body}?
        gravity {body}
        Would I weigh less on {body}?
        how hard does {body} pull""",
        returns="number",
        clauses="""how strong gravity is on {body}
        what the surface gravity of {body} is
        how hard {body} pulls""",
        nouns="""the surface gravity of {body}
        the gravity on {body}""",
        compares="""Where is gravity stronger, {list}?
        Compare the gravity on {list}.
        Where would I weigh more, {list}?""",
        result="number",
    ),
    spec(
        "next_eclipse eclipse_date eclipse.next",
        (text("place", "city", "city location"), choice("kind", "type", solar="eclipse of the sun|solar eclipse", lunar="eclipse of the moon|lunar eclipse")),
        """date of the next solar or lunar eclipse at a place
        when an eclipse can be seen""",
        """When is the next {kind} in {place}?
        On what date can I see a {kind} in {place}?
        next {kind} {place}
        How long until a {kind} over {place}?
        tell me the day of the next {kind} in {place}""",
        returns="text",
        clauses="""when the next {kind} in {place} is
        on what date there is a {kind} in {place}
        when to expect a {kind} in {place}""",
        nouns="""the date of the next {kind} in {place}
        the next {kind} in {place}""",
        result="full_date",
    ),
) + domain(
    "library",
    "held",
    spec(
        "find_book catalogue search_catalogue library.find",
        text("title", "book", "book name"),
        """entry of a book in the library's catalogue
        author, shelf and pages of a book""",
        """Do you have the book {title}?
        Where do I find {title} in the library?
        catalogue {title}
        What does the catalogue say about {title}?
        who wrote {title} and where is it shelved""",
        returns="{author, shelf, pages:int, year:int, available:bool}",
        clauses="""where {title} is shelved
        whether the library has {title}
        what the catalogue says about {title}""",
        compares="""Which book is longer, {list}?
        Were {list} written by the same author?
        Which was published first, {list}?""",
        gives={
            "author": "person: the author of {title}|the writer of {title}",
            "pages": "number: the number of pages of {title}|the length of {title}",
            "year": "number: the publication year of {title}",
            "shelf": ": the shelf of {title}",
        },
    ),
    spec(
        "renew_loan extend_loan loans.renew",
        (text("title", "book", "book"), number("weeks", 2, 8, "duration")),
        """renews the loan of a book by some weeks
        gives more time for a borrowed book""",
        """Renew {title} for {weeks} weeks.
        Can I keep {title} {weeks} weeks longer?
        extend {title} by {weeks} weeks
        I need {weeks} more weeks for {title}.""",
        returns="text",
        clauses="""renew {title} for {weeks} weeks
        extend the loan of {title} by {weeks} weeks
        let me keep {title} for {weeks} more weeks""",
        effect="write",
    ),
    spec(
        "opening_hours library_hours hours_of",
        (choice("branch", "location", central="the central library|the main branch", north="the northern branch", campus="the campus library"), text("day", "weekday", "weekday on")),
        """opening hours of a branch of the library on a day
        when the library is open""",
        """When is {branch} open on {day}?
        What are the hours of {branch} on {day}?
        hours {branch} {day}
        Until when is {branch} open on {day}?""",
        returns="{opens, closes}",
        clauses="""when {branch} is open on {day}
        until when {branch} is open on {day}
        what the hours of {branch} on {day} are""",
        gives={"opens": ": the opening time of {branch} on {day}", "closes": ": the closing time of {branch} on {day}"},
    ),
)  # fmt: skip
