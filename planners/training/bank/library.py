"""Tools of a public library. Held out: nothing here is trained on."""

from __future__ import annotations

from .making import choice, domain, number, spec, text

SPECS = domain(
    "library",
    "held",
    spec(
        "author_of book_author written_by find_author",
        text("book", "book", "title"),
        """author of a book
        who wrote a title""",
        """Who wrote {book}?
        Who is the author of {book}?
        author of {book}
        By whom is the book {book}?""",
        returns="text",
        clauses="""who wrote {book}
        who the author of {book} is""",
        nouns="""the author of {book}
        the writer of {book}
        whoever wrote {book}""",
        compares="""Are {list} by the same author?
        Did the same person write {list}?""",
        result="person",
    ),
    spec(
        "page_count pages number_of_pages book.pages",
        text("book", "book", "title"),
        """number of pages of a book""",
        """How many pages does {book} have?
        How long is the book {book}?
        pages in {book}
        How thick is {book}?""",
        returns="int",
        clauses="""how many pages {book} has
        how long the book {book} is""",
        nouns="""the number of pages of {book}
        the page count of {book}""",
        compares="""Which book is longer, {list}?
        Which has the most pages: {list}?""",
        result="number",
    ),
    spec(
        "books_by works_of author_books list_books",
        (
            text("author", "person", "writer name"),
            number("limit", 2, 15, "count", optional=True),
            choice(
                "kind",
                "genre",
                optional=True,
                novel="only novels|just the novels",
                poetry="only poetry|just the poems",
                essay="only essays",
            ),
        ),
        """titles of the books that an author wrote""",
        """Which books did {author} write?
        List the works of {author}.
        books by {author}
        What has {author} written?""",
        returns="{titles: [text]}",
        clauses="""which books {author} wrote
        what {author} has written""",
        nouns="""the books by {author}
        the works of {author}""",
        extras={"limit": "at most {limit}|the first {limit}"},
    ),
    spec(
        "birth_year born_in_year year_of_birth get_birth_year",
        text("person", "person", "name"),
        """year in which a person was born""",
        """When was {person} born?
        In which year was {person} born?
        birth year of {person}
        How old is {person}?""",
        returns="int",
        clauses="""when {person} was born
        in which year {person} was born""",
        nouns="""the birth year of {person}
        the year of birth of {person}""",
        compares="""Who was born first, {list}?
        Who is older, {list}?
        Were {list} born in the same year?""",
        result="number",
    ),
    spec(
        "on_shelf is_available availability copies_left",
        (
            text("book", "book", "title"),
            choice(
                "branch",
                optional=True,
                central="at the central library|in the central branch",
                harbour="at the harbour branch",
                north="in the north branch",
            ),
        ),
        """number of copies of a book that can be borrowed now
        whether a title is on the shelf""",
        """Is {book} on the shelf?
        Can I borrow {book}?
        how many copies of {book} are in
        Is the book {book} available?""",
        returns="int",
        clauses="""whether {book} can be borrowed
        how many copies of {book} are left""",
        nouns="""the number of free copies of {book}""",
        compares="""Which of {list} can be borrowed?
        Are {list} all on the shelf?""",
        result="number",
    ),
    spec(
        "reserve_book hold_book place_hold book.reserve",
        (text("book", "book", "title"), text("card", "code", "card_number member")),
        """reserves a book for a member's card""",
        """Reserve {book} for card {card}.
        Put {book} on hold, my card is {card}.
        hold {book} for member {card}""",
        clauses="""reserve {book} for card {card}
        put {book} on hold for {card}""",
        effect="write",
    ),
    spec(
        "due_date return_by loan_end when_due",
        (text("book", "book", "title"), text("card", "code", "card_number")),
        """date by which a borrowed book has to be returned""",
        """When do I have to return {book}, card {card}?
        When is {book} due on card {card}?
        due date of {book} for card {card}""",
        returns="text",
        clauses="""when {book} is due on card {card}""",
        nouns="""the due date of {book} on card {card}""",
    ),
)
