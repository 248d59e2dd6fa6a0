"""Tools about shopping, films, books and music."""

# ruff: noqa: E501  (one line is one wording, or one list)

from __future__ import annotations

from .making import choice, domain, flag, number, spec, text

SPECS = domain(
    "shop",
    "train",
    spec(
        "get_price price price_of get-price product_price",
        (text("product", "product", "item article name"), flag("with_tax", "including tax|with tax", "include_tax gross")),
        """current price of a product
        what an article costs in the shop""",
        """How much does the {product} cost?
        What is the price of the {product}?
        price of {product}
        How much are {product}?
        what do I pay for {product}""",
        returns="number",
        clauses="""how much {product} costs
        what the price of {product} is
        what I pay for {product}""",
        nouns="""the price of {product}
        the price of the {product}""",
        compares="""Which is cheaper, {list}?
        Compare the prices of {list}.
        Which costs more, {list}?
        Rank {list} by price.""",
        result="number",
    ),
    spec(
        "product_info get_product product_details item.lookup",
        text("product", "product", "item name"),
        """details of a product: price, maker, weight and rating
        data sheet of an article""",
        """Tell me about the product {product}.
        What are the details of {product}?
        specs of {product}
        Show me the data sheet of {product}.
        describe the article {product}""",
        returns="{name, price:number, maker, weight:number, rating:number, in_stock:bool}",
        clauses="""the details of {product}
        what kind of product {product} is
        what the data sheet of {product} says""",
        compares="""Which product is better, {list}?
        Compare {list} for me.
        Which is lighter, {list}?
        Do {list} come from the same maker?""",
        gives={
            "price": "number: the price of {product}",
            "maker": "company: the maker of {product}|the company that makes {product}",
            "weight": "number: the weight of {product}",
            "rating": "number: the rating of {product}",
        },
    ),
    spec(
        "search_products find_products catalog_search products.search",
        (text("query", "thing", "q keywords"), number("max_price", 10, 500, "price_limit budget", optional=True), choice("sort", "order_by", optional=True, price="cheapest first|sorted by price", rating="best rated first|sorted by rating", newest="newest first"), number("limit", 3, 20, "count n", optional=True)),
        """products of the shop that match some words
        searches the catalogue""",
        """Find {query} in the shop.
        Which {query} do you sell?
        {query}
        Show me {query}.
        I am looking for {query}""",
        returns="[{name, price:number, rating:number}]",
        clauses="""which {query} the shop has
        what {query} are on offer
        a list of {query}""",
        extras={"max_price": "under {max_price} dollars|for at most {max_price}|cheaper than {max_price}", "limit": "no more than {limit} of them|just {limit} results"},
    ),
    spec(
        "add_to_cart cart.add put_in_basket addToCart",
        (text("product", "product", "item"), number("quantity", 2, 20, "count amount qty", optional=True)),
        """puts a product into the shopping cart
        adds an article to the basket""",
        """Add {product} to my cart.
        Put {product} in my basket.
        buy {product}
        I'll take {product}.
        Please add the {product} to my shopping cart""",
        returns="{items:int, total:number}",
        clauses="""add {product} to my cart
        put {product} into the basket
        add the {product} to the cart""",
        extras={"quantity": "and make it {quantity} of them|in a quantity of {quantity}|with a quantity of {quantity}"},
        effect="write",
    ),
    spec(
        "discount coupon_value check_coupon",
        text("coupon", "code", "code voucher"),
        """discount that a coupon gives, in percent
        value of a voucher code""",
        """How much is the coupon {coupon} worth?
        What discount does {coupon} give?
        coupon {coupon}
        Is the voucher {coupon} still good?
        what do I save with {coupon}""",
        returns="number",
        clauses="""what discount {coupon} gives
        how much the coupon {coupon} is worth
        what I save with {coupon}""",
        nouns="""the discount of {coupon}
        the value of the coupon {coupon}""",
        compares="""Which coupon saves more, {list}?
        Compare the coupons {list}.
        Are {list} worth the same?""",
        result="number",
    ),
    spec(
        "product_reviews reviews customer_reviews get_reviews",
        (text("product", "product", "item"), number("stars", 2, 5, "rating min_stars", optional=True)),
        """what customers write about a product
        reviews of an article""",
        """What do customers say about {product}?
        Show me the reviews of {product}.
        reviews {product}
        Are people happy with {product}?
        is {product} any good""",
        returns="[{stars:int, text}]",
        clauses="""what customers say about {product}
        how {product} is reviewed
        whether people like {product}""",
        compares="""Which has better reviews, {list}?
        What do buyers think of {list}?
        Compare the reviews of {list}.""",
        extras={"stars": "with {stars} stars|of at least {stars} stars"},
    ),
) + domain(
    "media",
    "train",
    spec(
        "movie_info film_info get_movie lookup_film",
        (text("title", "film", "movie film name"), number("year", 1930, 2025, "release_year", optional=True)),
        """facts about a film: director, year, length, cast
        entry of a film in the database""",
        """Tell me about the film {title}.
        What is the movie {title} about?
        film {title}
        What do you know about the movie {title}?
        give me the details of {title}""",
        returns="{title, director, year:int, runtime:int, genre, country, rating:number}",
        clauses="""what the film {title} is about
        some facts about the movie {title}
        who made the film {title}""",
        compares="""Which film is longer, {list}?
        Were {list} directed by the same person?
        Which came out first, {list}?
        Compare the films {list}.
        Are {list} of the same genre?""",
        extras={"year": "from {year}|the one of {year}"},
        gives={
            "director": "person: the director of {title}",
            "year": "number: the release year of {title}",
            "runtime": "number: the running time of {title}|the length of {title}",
            "rating": "number: the rating of {title}",
            "country": "country: the country of the film {title}",
        },
    ),
    spec(
        "director director_of directed_by get_director",
        text("film", "film", "movie title"),
        """name of the director of a film
        who directed a movie""",
        """Who directed {film}?
        Who is the director of {film}?
        director {film}
        Whose film is {film}?
        by whom was {film} directed""",
        returns="text",
        clauses="""who directed {film}
        who the director of {film} is
        whose film {film} is""",
        nouns="""the director of {film}
        the person who directed {film}""",
        compares="""Were {list} directed by the same person?
        Who directed {list}?
        Do {list} have the same director?""",
        result="person",
    ),
    spec(
        "cast cast_of actors_in get_cast",
        text("film", "film", "movie title"),
        """actors who play in a film
        cast list of a movie""",
        """Who plays in {film}?
        List the cast of {film}.
        actors in {film}
        Which actors are in {film}?
        who stars in {film}""",
        returns="[text]",
        clauses="""who plays in {film}
        which actors are in {film}
        who stars in {film}""",
        nouns="""the cast of {film}
        the actors in {film}""",
        compares="""Do {list} share any actors?
        Who plays in {list}?
        Which has the larger cast, {list}?""",
    ),
    spec(
        "movie_rating film_rating critics_score get_rating",
        text("title", "film", "movie film"),
        """rating of a film from 0 to 10
        how good critics find a movie""",
        """How good is {title}?
        What is the rating of {title}?
        rating {title}
        Is the movie {title} worth watching?
        what score does {title} have""",
        returns="number",
        clauses="""how good {title} is
        what rating {title} has
        whether {title} is worth watching""",
        nouns="""the rating of {title}
        the score of {title}""",
        compares="""Which film is better, {list}?
        Compare the ratings of {list}.
        Which has the higher score, {list}?
        Which of {list} should I watch?""",
        result="number",
    ),
    spec(
        "box_office gross earnings_of_film",
        text("film", "film", "movie title"),
        """money a film made in cinemas, in millions
        box office of a movie""",
        """How much money did {film} make?
        What was the box office of {film}?
        box office {film}
        How well did {film} do in cinemas?
        what did {film} earn""",
        returns="number",
        clauses="""how much {film} made
        what {film} earned in cinemas
        what the box office of {film} was""",
        nouns="""the box office of {film}
        the earnings of {film}""",
        compares="""Which earned more, {list}?
        Compare the box office of {list}.
        Which was the bigger hit, {list}?""",
        result="number",
    ),
    spec(
        "showtimes cinema_times movie_showtimes",
        (text("film", "film", "movie title"), text("city", "city", "place location"), text("date", "date", "day on", optional=True)),
        """when a film is shown in the cinemas of a city
        cinema programme""",
        """When is {film} on in {city}?
        Where can I see {film} in {city}?
        showtimes {film} {city}
        Is {film} showing in {city}?
        I want to see {film} in {city}""",
        returns="[{cinema, time}]",
        clauses="""when {film} is on in {city}
        where {film} is shown in {city}
        whether {film} is showing in {city}""",
        extras={"date": "on {date}|for {date}"},
    ),
    spec(
        "song_info lookup_song track_info",
        text("song", "song", "title track"),
        """singer, year and length of a song
        data on a track""",
        """Who sings {song}?
        Tell me about the song {song}.
        song {song}
        What do you know about the track {song}?
        which artist made {song}""",
        returns="{artist, album, year:int, seconds:int}",
        clauses="""who sings {song}
        some facts about the song {song}
        which artist made {song}""",
        compares="""Which song is longer, {list}?
        Are {list} by the same artist?
        Which is the older song, {list}?""",
        gives={
            "artist": "band: the artist of {song}|the singer of {song}",
            "seconds": "number: the length of the song {song}|the length of {song}",
            "year": "number: the release year of {song}",
        },
    ),
    spec(
        "band_members members_of lineup get_members",
        text("band", "band", "group artist"),
        """members of a band
        who plays in a group""",
        """Who is in {band}?
        List the members of {band}.
        members {band}
        Who plays in the band {band}?
        which musicians belong to {band}""",
        returns="[{name, instrument}]",
        clauses="""who is in {band}
        who plays in {band}
        which musicians belong to {band}""",
        nouns="""the members of {band}
        the musicians of {band}""",
        compares="""Which band has more members, {list}?
        Do {list} share a member?
        Compare the line-ups of {list}.""",
    ),
    spec(
        "albums discography albums_by list_albums",
        (text("artist", "band", "band singer"), choice("kind", "album_type", optional=True, studio="studio albums only", live="live albums only|recorded live")),
        """albums of a band or singer
        discography""",
        """Which albums did {artist} make?
        List the albums of {artist}.
        discography {artist}
        What have {artist} recorded?
        name the records by {artist}""",
        returns="[{title, year:int}]",
        clauses="""which albums {artist} made
        what {artist} recorded
        the records by {artist}""",
        nouns="""the albums of {artist}
        the records of {artist}""",
        compares="""Who made more albums, {list}?
        Compare the albums of {list}.
        Who recorded first, {list}?""",
    ),
    spec(
        "play_music play_song music.play start_playback",
        (text("title", "song", "song track"), text("room", "room", "speaker where", optional=True), number("volume", 5, 90, "loudness level", optional=True), flag("shuffle", "on shuffle|in random order", "random")),
        """plays a song on the speakers
        starts music""",
        """Play {title}.
        Put on {title}.
        play {title} please
        I want to hear {title}.
        Could you start {title}?""",
        clauses="""play {title}
        put on {title}
        start the song {title}""",
        extras={"room": "in the {room}|on the speaker in the {room}", "volume": "at volume {volume}|with the volume at {volume}"},
        effect="write",
    ),
    spec(
        "author author_of who_wrote get_author",
        text("book", "book", "title work"),
        """name of the author of a book
        who wrote a novel""",
        """Who wrote {book}?
        Who is the author of {book}?
        author of {book}
        By whom is the book {book}?
        whose novel is {book}""",
        returns="text",
        clauses="""who wrote {book}
        who the author of {book} is
        whose book {book} is""",
        nouns="""the author of {book}
        the writer of {book}""",
        compares="""Did the same person write {list}?
        Who wrote {list}?
        Are {list} by the same author?""",
        result="person",
    ),
    spec(
        "page_count pages number_of_pages book_length",
        text("book", "book", "title"),
        """number of pages of a book
        how thick a book is""",
        """How many pages does {book} have?
        How long is the book {book}?
        pages of {book}
        What is the page count of {book}?
        is {book} a thick book""",
        returns="number",
        clauses="""how many pages {book} has
        how long the book {book} is
        how thick {book} is""",
        nouns="""the number of pages of {book}
        the page count of {book}""",
        compares="""Which book is longer, {list}?
        Compare the number of pages of {list}.
        Which is the shortest read, {list}?""",
        result="number",
    ),
    spec(
        "building_height height_of tower_height get_height",
        text("building", "building", "name structure tower"),
        """height of a building in metres
        how tall a tower is""",
        """How tall is {building}?
        What is the height of {building}?
        height {building}
        How high is {building}?
        how many metres tall is {building}""",
        returns="number",
        clauses="""how tall {building} is
        what the height of {building} is
        how high {building} rises""",
        nouns="""the height of {building}
        {building}'s height""",
        compares="""Which is taller, {list}?
        Compare the heights of {list}.
        Which building is highest, {list}?
        Rank {list} by height.""",
        result="number",
    ),
    spec(
        "architect architect_of who_designed building_architect",
        text("building", "building", "name structure"),
        """architect of a building
        who designed a tower, bridge or church""",
        """Who designed {building}?
        Who is the architect of {building}?
        architect of {building}
        Whose design is {building}?
        by which architect is {building}""",
        returns="text",
        clauses="""who designed {building}
        who the architect of {building} is
        whose design {building} is""",
        nouns="""the architect of {building}
        the designer of {building}""",
        compares="""Were {list} designed by the same architect?
        Who designed {list}?
        Name the architects of {list}.""",
        result="person",
    ),
)  # fmt: skip
