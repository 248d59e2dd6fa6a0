"""Tools about flights, trains, hotels and parcels."""

# ruff: noqa: E501  (one line is one wording, or one list)

from __future__ import annotations

from .making import choice, domain, flag, number, spec, text

SPECS = domain(
    "travel",
    "train",
    spec(
        "flight_status get_flight_status flight.status track_flight",
        (text("flight", "flight", "flight_number number code"), text("date", "date", "day on", optional=True)),
        """status of a flight: on time, delayed or cancelled
        departure and arrival of a flight number""",
        """What is the status of flight {flight}?
        Is flight {flight} on time?
        {flight} status
        Has {flight} landed yet?
        When does {flight} arrive?
        is {flight} delayed""",
        returns="{status, departure, arrival, delay_minutes:int, gate}",
        clauses="""whether flight {flight} is on time
        what the status of {flight} is
        when {flight} lands""",
        compares="""Which lands first, {list}?
        Are {list} delayed?
        Which flight is later, {list}?
        Check {list} for delays.""",
        extras={"date": "on {date}|for {date}"},
        gives={
            "delay_minutes": "number: the delay of flight {flight}|the delay of {flight}",
            "gate": ": the gate of {flight}|the gate of flight {flight}",
        },
    ),
    spec(
        "flight_price cheapest_flight airfare get_fare",
        (text("origin", "city", "from_city departure"), text("destination", "city", "to_city arrival"), text("date", "date", "day on", optional=True), choice("cabin", "travel_class", optional=True, economy="in economy", business="in business class|flying business", first="in first class")),
        """price of the cheapest flight between two cities
        air fare from one city to another""",
        """How much is a flight from {origin} to {destination}?
        What does it cost to fly from {origin} to {destination}?
        fare {origin} {destination}
        Find the cheapest flight from {origin} to {destination}.
        i want to fly from {origin} to {destination}, how much""",
        returns="number",
        clauses="""how much a flight from {origin} to {destination} is
        what it costs to fly from {origin} to {destination}
        what the fare from {origin} to {destination} is""",
        nouns="""the price of a flight from {origin} to {destination}
        the air fare from {origin} to {destination}""",
        extras={"date": "on {date}|leaving on {date}"},
        result="number",
    ),
    spec(
        "search_flights find_flights flights.search",
        (text("origin", "city", "from_city from_airport"), text("destination", "city", "to_city to_airport"), text("date", "date", "day departure_date"), number("passengers", 2, 8, "people adults", optional=True), flag("direct", "without a stop|direct flights only|nonstop", "nonstop_only")),
        """flights between two cities on a day
        searches for air connections""",
        """Which flights are there from {origin} to {destination} on {date}?
        Find flights from {origin} to {destination} on {date}.
        flights {origin} {destination} {date}
        I need to fly from {origin} to {destination} on {date}.
        Search for flights to {destination} from {origin} on {date}""",
        returns="[{flight, departs, price:number}]",
        clauses="""which flights go from {origin} to {destination} on {date}
        what flights there are to {destination} from {origin} on {date}
        the flights from {origin} to {destination} on {date}""",
        extras={"passengers": "for {passengers} people|for {passengers} passengers|we are {passengers}"},
    ),
    spec(
        "train_times next_train trains timetable",
        (text("start", "station", "from_station origin"), text("end", "station", "to_station destination"), text("time", "time", "after departure", optional=True)),
        """next trains between two stations
        railway timetable""",
        """When is the next train from {start} to {end}?
        Which trains go from {start} to {end}?
        trains {start} {end}
        How do I get from {start} to {end} by rail?
        next train to {end} from {start} please""",
        returns="{departs, arrives, platform, changes:int}",
        clauses="""when the next train from {start} to {end} leaves
        which train goes from {start} to {end}
        the train times from {start} to {end}""",
        extras={"time": "after {time}|leaving after {time}|not before {time}"},
        gives={"changes": "number: the number of changes from {start} to {end}", "platform": ": the platform of the train from {start} to {end}"},
    ),
    spec(
        "hotel_price room_rate hotel_rate",
        (text("hotel", "hotel", "name"), number("nights", 2, 14, "duration", optional=True)),
        """price of a night in a hotel
        what a room costs""",
        """How much is a night at {hotel}?
        What does a room at {hotel} cost?
        rate {hotel}
        Is {hotel} expensive?
        what do they charge at {hotel}""",
        returns="number",
        clauses="""how much a night at {hotel} is
        what a room at {hotel} costs
        what {hotel} charges""",
        nouns="""the price of a night at {hotel}
        the room rate of {hotel}""",
        compares="""Which hotel is cheaper, {list}?
        Compare the room rates of {list}.
        Which costs more a night, {list}?""",
        extras={"nights": "for {nights} nights|over {nights} nights"},
        result="number",
    ),
    spec(
        "search_hotels find_hotels hotels.in lookup_hotels",
        (text("city", "city", "place location"), number("max_price", 40, 400, "budget price_limit", optional=True), number("stars", 2, 5, "min_stars rating", optional=True), flag("breakfast", "with breakfast|breakfast included", "with_breakfast")),
        """hotels in a city
        finds places to stay""",
        """Which hotels are there in {city}?
        Find a hotel in {city}.
        hotels {city}
        Where can I stay in {city}?
        I need a room in {city}""",
        returns="[{name, price:number, stars:int}]",
        clauses="""which hotels there are in {city}
        where to stay in {city}
        a hotel in {city}""",
        nouns="""the hotels in {city}""",
        extras={"max_price": "under {max_price} dollars a night|for less than {max_price}|at most {max_price} a night", "stars": "with {stars} stars or more|with at least {stars} stars"},
    ),
    spec(
        "book_hotel reserve_room hotel.book",
        (text("hotel", "hotel", "name"), number("nights", 2, 14, "duration"), number("guests", 2, 6, "people", optional=True)),
        """books a room in a hotel
        reserves a stay""",
        """Book {nights} nights at {hotel}.
        Reserve a room at {hotel} for {nights} nights.
        {hotel} {nights} nights please
        I'd like to stay {nights} nights at {hotel}.""",
        returns="{booking, total:number}",
        clauses="""book {nights} nights at {hotel}
        reserve {nights} nights at {hotel}
        get a room at {hotel} for {nights} nights""",
        extras={"guests": "for {guests} guests|for {guests} people"},
        effect="write",
    ),
    spec(
        "visa_required visa_check need_visa",
        (text("nationality", "nationality", "passport citizenship"), text("country", "country", "destination")),
        """whether a traveller of a nationality needs a visa for a country
        entry rules by passport""",
        """Do {nationality} citizens need a visa for {country}?
        Is a visa required for {country} with a {nationality} passport?
        visa {country} {nationality}
        I have a {nationality} passport. Do I need a visa for {country}?
        can {nationality} travellers enter {country} without a visa""",
        returns="bool",
        clauses="""whether {nationality} citizens need a visa for {country}
        if a {nationality} passport needs a visa for {country}
        whether {country} asks {nationality} travellers for a visa""",
    ),
    spec(
        "attractions sights things_to_do top_sights",
        text("city", "city", "place location"),
        """sights of a city that visitors like
        what to see and do in a place""",
        """What is there to see in {city}?
        Which sights are there in {city}?
        things to do in {city}
        What should I visit in {city}?
        recommend something to see in {city}""",
        returns="[{name, kind, price:number}]",
        clauses="""what there is to see in {city}
        which sights {city} has
        what to do in {city}""",
        nouns="""the sights of {city}
        the attractions in {city}""",
        compares="""Where is there more to see, {list}?
        What should I visit in {list}?
        Compare the sights of {list}.""",
    ),
    spec(
        "airport_code iata iata_code nearest_airport",
        text("city", "city", "place"),
        """code of the airport of a city
        nearest airport by its IATA code""",
        """What is the airport code of {city}?
        Which airport serves {city}?
        iata {city}
        What code does the airport of {city} have?
        tell me the airport for {city}""",
        returns="text",
        clauses="""what the airport code of {city} is
        which airport serves {city}
        which code {city}'s airport has""",
        nouns="""the airport code of {city}
        the airport of {city}
        {city}'s airport code""",
        result="airport",
    ),
    spec(
        "airport_delays airport_status delay_at",
        text("airport", "airport", "code name"),
        """average delay at an airport in minutes
        how late flights at an airport are""",
        """Are there delays at {airport}?
        How long are the delays at {airport}?
        delays {airport}
        What is the average delay at {airport}?
        how late is everything at {airport}""",
        returns="number",
        clauses="""how long the delays at {airport} are
        whether there are delays at {airport}
        what the delay at {airport} is""",
        nouns="""the average delay at {airport}
        the delay at {airport}""",
        compares="""Where are delays longer, {list}?
        Compare the delays at {list}.
        Is it worse at {list}?""",
        result="number",
    ),
) + domain(
    "logistics",
    "train",
    spec(
        "track_parcel track_package where_is_parcel shipment.track",
        text("number", "code", "tracking_number tracking_id parcel"),
        """where a parcel is and when it arrives
        tracking of a shipment by its number""",
        """Where is my parcel {number}?
        Track {number}.
        status of shipment {number}
        When will parcel {number} arrive?
        has {number} been delivered""",
        returns="{status, city, expected}",
        clauses="""where parcel {number} is
        when {number} arrives
        what the status of shipment {number} is""",
        compares="""Which parcel arrives first, {list}?
        Where are {list}?
        Have {list} been delivered?""",
        gives={"city": "city: the current location of parcel {number}|the city where parcel {number} is", "expected": ": the arrival date of parcel {number}"},
    ),
    spec(
        "shipping_cost postage quote_shipping",
        (number("weight", 1, 30, "kg weight_kg", whole=False), text("destination", "country", "to_country country"), choice("speed", "service", optional=True, express="by express|as an express parcel", standard="by standard post", economy="as cheaply as possible")),
        """cost of sending a parcel to a country
        postage by weight""",
        """How much does it cost to send {weight} kg to {destination}?
        What is the postage for {weight} kg to {destination}?
        ship {weight} kg to {destination}
        What would a parcel of {weight} kg to {destination} cost?""",
        returns="number",
        clauses="""what it costs to send {weight} kg to {destination}
        how much postage {weight} kg to {destination} needs
        what the postage for {weight} kg to {destination} is""",
        nouns="""the postage for {weight} kg to {destination}
        the cost of sending {weight} kg to {destination}""",
        result="number",
    ),
    spec(
        "order_status get_order check_order orders.get",
        text("order", "code", "order_id id number"),
        """state of an order: items, total and delivery
        looks an order up by its number""",
        """What is the status of order {order}?
        Has order {order} shipped?
        order {order}
        What did I buy with order {order}?
        how is {order} coming along""",
        returns="{status, total:number, items:[text], tracking}",
        clauses="""what the status of order {order} is
        whether order {order} has shipped
        how order {order} is coming along""",
        compares="""Which order was larger, {list}?
        Have {list} shipped?
        Compare the orders {list}.""",
        gives={
            "total": "number: the total of order {order}|the amount of order {order}",
            "tracking": "code: the tracking number of order {order}",
            "items": ": the items of order {order}|the things in order {order}",
        },
    ),
    spec(
        "warehouse_stock stock_level inventory units_in_stock",
        (text("item", "product", "product article sku"), text("site", "city", "warehouse location", optional=True)),
        """how many units of an item are in the warehouse
        stock level of a product""",
        """How many {item} are in stock?
        What is the stock level of {item}?
        stock {item}
        Do we have any {item} left?
        count the {item} in the warehouse""",
        returns="number",
        clauses="""how many {item} are in stock
        whether there are any {item} left
        what the stock level of {item} is""",
        nouns="""the stock level of {item}
        the number of {item} in the warehouse""",
        compares="""Of which do we have more, {list}?
        Compare the stock of {list}.
        Do we still have {list}?""",
        extras={"site": "in {site}|at the {site} site"},
        result="number",
    ),
)  # fmt: skip
