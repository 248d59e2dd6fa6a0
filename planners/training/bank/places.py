"""Tools about places: countries, cities, distances, maps."""

# ruff: noqa: E501  (one line is one wording, or one list)

from __future__ import annotations

from .making import choice, domain, flag, number, spec, text

SPECS = domain(
    "places",
    "train",
    spec(
        "population get_population population_of inhabitants",
        text("place", "place", "city country location name"),
        """number of people who live in one city or country
        how many people live in a place
        population of a town, city or country, latest estimate""",
        """How many people live in {place}?
        What is the population of {place}?
        what's {place}'s population
        I'd like to know how many inhabitants {place} has.
        population of {place} please
        How populous is {place}?
        Give me the number of residents of {place}""",
        returns="number",
        clauses="""how many people live in {place}
        what the population of {place} is
        how many inhabitants {place} has
        how populous {place} is""",
        nouns="""the population of {place}
        the number of people in {place}
        {place}'s population
        the number of inhabitants of {place}""",
        compares="""Which has more people, {list}?
        Which is more populous: {list}?
        Compare the populations of {list}.
        Rank {list} by population.
        Where do fewer people live, {list}?
        Do {list} have about the same number of inhabitants?""",
        result="number",
    ),
    spec(
        "area land_area get_area country_area",
        text("country", "country", "name nation"),
        """area of one country in square kilometres
        size of a country's land in km2
        how much land a country covers""",
        """How big is {country}?
        What is the area of {country}?
        how many square kilometres does {country} cover
        Tell me the size of {country}.
        How large is {country} in square kilometres?
        area {country}?""",
        returns="number",
        clauses="""how big {country} is
        what area {country} covers
        how large {country} is""",
        nouns="""the area of {country}
        the size of {country}
        {country}'s area""",
        compares="""Which is larger, {list}?
        Which country covers more land: {list}?
        Compare the areas of {list}.
        Is there a big difference in size between {list}?
        Put {list} in order of size.""",
        result="number",
    ),
    spec(
        "capital capital_of get_capital capital_city",
        text("country", "country", "name nation state"),
        """name of the capital city of one country
        capital of a country
        finds out which city is the capital""",
        """What is the capital of {country}?
        Which city is the capital of {country}?
        capital of {country}
        what's {country}'s capital city
        Name the capital of {country}.
        I forgot the capital of {country}, what is it?""",
        returns="text",
        clauses="""what the capital of {country} is
        which city is the capital of {country}
        what {country}'s capital is called""",
        nouns="""the capital of {country}
        {country}'s capital
        the capital city of {country}""",
        compares="""What are the capitals of {list}?
        Name the capital cities of {list}.
        Which of the capitals of {list} comes first in the alphabet?""",
        result="city",
    ),
    spec(
        "currency country_currency get_currency money_of",
        text("country", "country", "name"),
        """currency of one country, name and code
        what money is used in a country
        official currency of a nation""",
        """What currency is used in {country}?
        What money do they use in {country}?
        Which currency does {country} have?
        what do people pay with in {country}
        currency of {country}?
        I am off to {country}. What money do I need?""",
        returns="text",
        clauses="""what currency is used in {country}
        what money they use in {country}
        which currency {country} has""",
        nouns="""the currency of {country}
        {country}'s currency""",
        compares="""Do {list} use the same currency?
        Which currencies do {list} use?
        Is the money the same in {list}?""",
        result="currency",
    ),
    spec(
        "country country_info country_facts lookup_country",
        text("name", "country", "country nation"),
        """facts about one country: capital, population, area, currency, languages, neighbours
        profile of a country
        basic data on one country""",
        """Tell me about {name}.
        What should I know about {name}?
        give me the facts about {name}
        Show me a profile of {name}.
        I need some data on {name}""",
        returns="{name, capital, continent, population:int, area_km2:number, currency, languages:[text], neighbours:[text], phone_code}",
        clauses="""some facts about {name}
        what is known about {name}
        a short profile of {name}""",
        compares="""Compare {list} as countries.
        How do {list} differ?
        Are {list} on the same continent?
        What do {list} have in common?""",
        gives={
            "capital": "city: the capital of {name}|{name}'s capital",
            "population": "number: the population of {name}|the number of people in {name}",
            "area_km2": "number: the area of {name}|the size of {name}",
            "continent": ": the continent of {name}",
            "phone_code": ": the phone code of {name}|the dialling code for {name}",
            "neighbours": ": the neighbours of {name}|the countries that border {name}",
            "languages": ": the languages of {name}",
        },
    ),
    spec(
        "city city_info get_city city_profile",
        (text("name", "city", "city town"), text("country", "country", "nation", optional=True)),
        """facts about one city: population, country, coordinates, time zone
        data on a city
        looks a city up in the gazetteer""",
        """Tell me about the city of {name}.
        What do you know about {name}?
        give me facts on {name}
        Show the data you have for the city {name}
        I want to learn about {name}.""",
        returns="{name, country, state, population:int, latitude:number, longitude:number, timezone}",
        clauses="""some facts about {name}
        what is known about the city of {name}
        something about {name}""",
        compares="""Are {list} in the same country?
        Which of {list} lies further north?
        Compare {list} as cities.
        Are {list} in the same time zone?""",
        extras={"country": "in {country}|the one in {country}|I mean the one in {country}"},
        gives={
            "country": "country: the country of {name}|the country where {name} is",
            "population": "number: the population of {name}",
            "latitude": "number: the latitude of {name}",
            "timezone": ": the time zone of {name}",
        },
    ),
    spec(
        "distance get_distance distance_between how_far",
        (text("origin", "city", "from_city start source"), text("destination", "city", "to_city end target")),
        """distance between two cities in a straight line over the Earth
        how far one place is from another
        air distance of two places in kilometres and miles""",
        """How far is it from {origin} to {destination}?
        What is the distance between {origin} and {destination}?
        distance {origin} to {destination}
        How many kilometres are there between {origin} and {destination}?
        how far is {origin} from {destination}
        I wonder how far apart {origin} and {destination} are.""",
        returns="{origin, destination, kilometres:number, miles:number, nautical_miles:number}",
        clauses="""how far it is from {origin} to {destination}
        what the distance from {origin} to {destination} is
        how far apart {origin} and {destination} are""",
        nouns="""the distance from {origin} to {destination}
        the distance between {origin} and {destination}""",
        gives={
            "kilometres": "number: the distance from {origin} to {destination} in kilometres|the number of kilometres between {origin} and {destination}",
            "miles": "number: the distance between {origin} and {destination} in miles|the number of miles from {origin} to {destination}",
        },
    ),
    spec(
        "coordinates geocode get_coordinates lat_lon",
        text("place", "place", "location address name"),
        """latitude and longitude of one place
        where on the globe a place is
        turns a place name into coordinates""",
        """What are the coordinates of {place}?
        Where on the map is {place}?
        latitude and longitude of {place}
        Geocode {place}.
        I need the coordinates for {place}""",
        returns="{latitude:number, longitude:number}",
        clauses="""what the coordinates of {place} are
        where exactly {place} lies
        at which latitude {place} is""",
        compares="""Which lies further north, {list}?
        Are {list} at the same latitude?
        Which is further east: {list}?""",
        gives={
            "latitude": "number: the latitude of {place}|{place}'s latitude",
            "longitude": "number: the longitude of {place}|{place}'s longitude",
        },
    ),
    spec(
        "timezone get_timezone time_zone zone_of",
        text("place", "place", "city location"),
        """IANA time zone of one city or country
        which time zone a place is in
        time zone name for a location""",
        """Which time zone is {place} in?
        What is the time zone of {place}?
        timezone for {place}
        What timezone does {place} use?
        tell me {place}'s time zone""",
        returns="text",
        clauses="""which time zone {place} is in
        what time zone {place} uses
        what the time zone of {place} is""",
        nouns="""the time zone of {place}
        {place}'s time zone""",
        compares="""Are {list} in the same time zone?
        Do {list} share a time zone?
        Which time zones are {list} in?""",
    ),
    spec(
        "largest_cities cities_in list_cities major_cities",
        (text("country", "country", "nation"), number("limit", 2, 12, "count n max_results", optional=True)),
        """largest cities of a country, biggest first
        the main cities of one country
        lists the cities in a country by size""",
        """What are the largest cities in {country}?
        List the main cities of {country}.
        which big cities are there in {country}
        Show me the biggest cities of {country}
        Name the major towns of {country}.""",
        returns="[{name, population:int}]",
        clauses="""which the largest cities in {country} are
        what cities there are in {country}
        the big cities of {country}""",
        nouns="""the largest cities in {country}
        the main cities of {country}
        the biggest cities of {country}""",
        extras={"limit": "top {limit} only|just {limit} of them|{limit} will do"},
    ),
    spec(
        "neighbours bordering_countries get_borders",
        text("country", "country", "name"),
        """countries that share a border with one country
        land neighbours of a country""",
        """Which countries border {country}?
        What are the neighbours of {country}?
        who are {country}'s neighbours
        List the countries next to {country}.
        With which countries does {country} share a border?""",
        returns="[text]",
        clauses="""which countries border {country}
        what {country}'s neighbours are
        who shares a border with {country}""",
        nouns="""the neighbours of {country}
        the countries that border {country}""",
        compares="""Do {list} border each other?
        Which has more neighbours, {list}?
        Compare the borders of {list}.""",
        result="",
    ),
    spec(
        "driving_route directions get_route route_planner",
        (
            text("start", "city", "origin from_place source"),
            text("end", "city", "destination to_place target"),
            choice("mode", "by transport", optional=True, car="by car|driving", bike="by bike|cycling", foot="on foot|walking", transit="by public transport|by bus and train"),
            flag("avoid_tolls", "without toll roads|avoiding tolls|no toll roads please", "no_tolls"),
        ),
        """route between two places with its length and duration
        how to get from one place to another
        directions from a start to an end""",
        """How do I get from {start} to {end}?
        Give me directions from {start} to {end}.
        route {start} to {end}
        What is the best way from {start} to {end}?
        how long does the trip from {start} to {end} take""",
        returns="{distance_km:number, duration_minutes:int, steps:[text]}",
        clauses="""how to get from {start} to {end}
        what the way from {start} to {end} is
        how long the trip from {start} to {end} takes""",
        gives={
            "distance_km": "number: the length of the route from {start} to {end}|the road distance from {start} to {end}",
            "duration_minutes": "number: the travel time from {start} to {end}|the time it takes to get from {start} to {end}",
        },
    ),
    spec(
        "elevation altitude get_elevation height_above_sea",
        text("place", "place", "location city"),
        """height of a place above sea level in metres
        elevation of a location""",
        """How high above sea level is {place}?
        What is the elevation of {place}?
        altitude of {place}
        at what height does {place} lie
        Give me the elevation of {place} in metres.""",
        returns="number",
        clauses="""how high {place} lies
        what the elevation of {place} is
        how far above sea level {place} is""",
        nouns="""the elevation of {place}
        the altitude of {place}
        {place}'s height above sea level""",
        compares="""Which lies higher, {list}?
        Compare the altitudes of {list}.
        Which has the lowest elevation: {list}?""",
        result="number",
    ),
    spec(
        "nearby_places find_nearby places_near poi_search",
        (
            text("place", "place", "near location"),
            choice("category", "kind type", restaurant="restaurants|places to eat", pharmacy="pharmacies|a pharmacy", hotel="hotels|a hotel", park="parks|a park", atm="cash machines|an ATM", museum="museums"),
            number("radius", 100, 5000, "radius_m within", optional=True),
        ),
        """points of interest of a category near a place
        finds places such as hotels or pharmacies around a location""",
        """Are there {category} near {place}?
        Find {category} in {place}.
        where can I find {category} around {place}
        Show me {category} close to {place}
        I am looking for {category} in {place}.""",
        returns="[{name, address, rating:number}]",
        clauses="""where to find {category} near {place}
        which {category} there are in {place}
        {category} close to {place}""",
        extras={"radius": "within {radius} metres|no more than {radius} metres away"},
    ),
)  # fmt: skip
