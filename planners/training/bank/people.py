"""Tools about people and companies."""

# ruff: noqa: E501  (one line is one wording, or one list)

from __future__ import annotations

from .making import choice, domain, spec, text

SPECS = domain(
    "people",
    "train",
    spec(
        "person_info biography get_person lookup_person",
        text("person", "person", "name full_name who"),
        """short biography of a person
        facts about a known person: birth, death, nationality, work""",
        """Who is {person}?
        Who was {person}?
        Tell me about the life of {person}.
        biography of {person}
        What is {person} known for?""",
        returns="{name, born:int, died:int, nationality, occupation, birthplace}",
        clauses="""who {person} is
        what {person} is known for
        who {person} was""",
        compares="""Were {list} of the same nationality?
        Do {list} have the same occupation?
        Who was born first, {list}?
        Are {list} both writers?
        Which of {list} lived longer?
        Compare the lives of {list}.""",
        gives={
            "born": "number: the birth year of {person}|the year in which {person} was born",
            "birthplace": "city: the birthplace of {person}|the city where {person} was born",
            "nationality": ": the nationality of {person}",
            "occupation": ": the occupation of {person}|the profession of {person}",
        },
    ),
    spec(
        "birthplace place_of_birth born_in get_birthplace",
        text("person", "person", "name who"),
        """city where a person was born
        birthplace of somebody""",
        """Where was {person} born?
        What is the birthplace of {person}?
        birthplace {person}
        In which city was {person} born?
        which town does {person} come from""",
        returns="text",
        clauses="""where {person} was born
        in which city {person} was born
        what {person}'s birthplace is""",
        nouns="""the birthplace of {person}
        the city where {person} was born
        {person}'s birthplace""",
        compares="""Were {list} born in the same city?
        Where were {list} born?
        Do {list} come from the same place?""",
        result="city",
    ),
    spec(
        "birth_date date_of_birth birthday get_birthday",
        text("person", "person", "name who"),
        """date on which a person was born
        birthday of somebody famous""",
        """When was {person} born?
        What is {person}'s date of birth?
        birthday of {person}
        When is {person}'s birthday?
        on which day was {person} born""",
        returns="text",
        clauses="""when {person} was born
        on which day {person} was born
        what {person}'s date of birth is""",
        nouns="""the birthday of {person}
        the date of birth of {person}""",
        compares="""Who was born earlier, {list}?
        Who has the earlier birthday, {list}?
        Were {list} born in the same year?""",
        result="full_date",
    ),
    spec(
        "age get_age age_of how_old",
        text("person", "person", "name"),
        """age of a person in years
        how old somebody is""",
        """How old is {person}?
        What is the age of {person}?
        age of {person}
        how many years old is {person}
        Tell me {person}'s age.""",
        returns="number",
        clauses="""how old {person} is
        what age {person} is
        what {person}'s age is""",
        nouns="""the age of {person}
        {person}'s age""",
        compares="""Who is older, {list}?
        Who is the youngest of {list}?
        Compare the ages of {list}.
        Are {list} the same age?""",
        result="number",
    ),
    spec(
        "net_worth wealth_of get_net_worth",
        text("person", "person", "name"),
        """net worth of a person in millions of dollars
        how rich somebody is""",
        """How rich is {person}?
        What is {person}'s net worth?
        net worth {person}
        how much money does {person} have
        What is {person} worth?""",
        returns="number",
        clauses="""how rich {person} is
        what {person}'s net worth is
        how much {person} is worth""",
        nouns="""the net worth of {person}
        the wealth of {person}""",
        compares="""Who is richer, {list}?
        Compare the net worth of {list}.
        Who has more money: {list}?""",
        result="number",
    ),
    spec(
        "spouse spouse_of married_to get_partner",
        text("person", "person", "name"),
        """name of the husband or wife of a person
        whom somebody is married to""",
        """Who is {person} married to?
        Who is the spouse of {person}?
        wife or husband of {person}
        Is {person} married, and to whom?
        what's the name of {person}'s partner""",
        returns="text",
        clauses="""who {person} is married to
        who the spouse of {person} is
        whom {person} married""",
        nouns="""the spouse of {person}
        the partner of {person}
        {person}'s spouse""",
        result="person",
    ),
    spec(
        "body_height person_height how_tall height_of_person",
        text("person", "person", "name"),
        """body height of a person in centimetres
        how tall somebody is""",
        """How tall is {person}?
        What is {person}'s height?
        height of {person}
        how many centimetres tall is {person}
        Tell me how tall {person} is.""",
        returns="number",
        clauses="""how tall {person} is
        what {person}'s height is
        how many centimetres {person} measures""",
        nouns="""the height of {person}
        {person}'s height""",
        compares="""Who is taller, {list}?
        Compare the heights of {list}.
        Who is the shortest, {list}?""",
        result="number",
    ),
    spec(
        "awards awards_won get_awards prizes",
        (text("person", "person", "name artist"), choice("kind", "category", optional=True, film="film prizes only|for films", music="music prizes only|for music", science="science prizes only|for science")),
        """prizes that a person has won
        list of somebody's awards""",
        """Which awards has {person} won?
        What prizes did {person} get?
        awards of {person}
        Has {person} won any prizes?
        List the awards of {person}.""",
        returns="[{award, year:int}]",
        clauses="""which awards {person} has won
        what prizes {person} got
        whether {person} won any awards""",
        compares="""Who has won more awards, {list}?
        Compare the prizes of {list}.
        Have {list} won the same award?""",
    ),
) + domain(
    "companies",
    "train",
    spec(
        "company_info get_company lookup_company companyProfile",
        text("company", "company", "name firm business"),
        """profile of a company: head, seat, size, founding year
        facts about one firm""",
        """Tell me about the company {company}.
        What does {company} do?
        company profile {company}
        Give me some facts about {company}.
        I want to know more about the firm {company}""",
        returns="{name, ceo, headquarters, employees:int, founded:int, revenue:number, industry}",
        clauses="""what {company} does
        some facts about the company {company}
        what sort of firm {company} is""",
        compares="""Which company is older, {list}?
        Which has more staff, {list}?
        Are {list} in the same industry?
        Compare the companies {list}.
        Are {list} based in the same country?""",
        gives={
            "ceo": "person: the CEO of {company}|the head of {company}",
            "headquarters": "city: the headquarters of {company}|the city where {company} has its seat",
            "employees": "number: the number of employees of {company}|the staff of {company}",
            "founded": "number: the founding year of {company}",
            "revenue": "number: the revenue of {company}|the sales of {company}",
            "industry": ": the industry of {company}",
        },
    ),
    spec(
        "ceo ceo_of get_ceo company_head",
        text("company", "company", "name firm"),
        """name of the chief executive of a company
        who runs a company""",
        """Who is the CEO of {company}?
        Who runs {company}?
        ceo of {company}
        What is the name of the head of {company}?
        who is in charge at {company}""",
        returns="text",
        clauses="""who the CEO of {company} is
        who runs {company}
        who is in charge at {company}""",
        nouns="""the CEO of {company}
        the head of {company}
        {company}'s CEO""",
        compares="""Who are the CEOs of {list}?
        Do {list} have the same boss?
        Name the heads of {list}.""",
        result="person",
    ),
    spec(
        "headquarters company_seat hq_city get_headquarters",
        text("company", "company", "name firm"),
        """city where a company has its headquarters
        seat of a company""",
        """Where is {company} based?
        Where are the headquarters of {company}?
        hq of {company}
        In which city is {company} headquartered?
        where does {company} have its seat""",
        returns="text",
        clauses="""where {company} is based
        in which city {company} has its headquarters
        where the seat of {company} is""",
        nouns="""the headquarters of {company}
        the city where {company} is based
        the seat of {company}""",
        compares="""Are {list} based in the same city?
        Where are {list} headquartered?
        Do {list} have their seats in the same country?""",
        result="city",
    ),
    spec(
        "founder founder_of who_founded get_founder",
        text("company", "company", "name firm"),
        """name of the person who founded a company
        founder of a firm""",
        """Who founded {company}?
        Who is the founder of {company}?
        founder of {company}
        Who started {company}?
        by whom was {company} set up""",
        returns="text",
        clauses="""who founded {company}
        who started {company}
        who the founder of {company} is""",
        nouns="""the founder of {company}
        the person who founded {company}
        {company}'s founder""",
        compares="""Who founded {list}?
        Were {list} founded by the same person?
        Name the founders of {list}.""",
        result="person",
    ),
    spec(
        "employees employee_count headcount staff_size",
        text("company", "company", "name firm"),
        """number of people who work at a company
        size of a firm's staff""",
        """How many people work at {company}?
        How many employees does {company} have?
        headcount {company}
        How large is the staff of {company}?
        number of workers at {company}?""",
        returns="number",
        clauses="""how many people work at {company}
        how many employees {company} has
        how large {company}'s staff is""",
        nouns="""the number of employees of {company}
        the headcount of {company}
        the staff size of {company}""",
        compares="""Which employs more people, {list}?
        Compare the staff of {list}.
        Who has the larger workforce: {list}?""",
        result="number",
    ),
    spec(
        "revenue annual_revenue get_revenue sales_of",
        text("company", "company", "name firm"),
        """yearly revenue of a company in millions
        turnover of a firm""",
        """What is the revenue of {company}?
        How much does {company} sell a year?
        revenue {company}
        What was {company}'s turnover last year?
        how much money does {company} take in""",
        returns="number",
        clauses="""what the revenue of {company} is
        how much {company} sells a year
        what {company}'s turnover was""",
        nouns="""the revenue of {company}
        the turnover of {company}
        {company}'s revenue""",
        compares="""Which has the higher revenue, {list}?
        Compare the turnover of {list}.
        Rank {list} by revenue.""",
        result="number",
    ),
    spec(
        "founding_year founded year_founded established",
        text("company", "company", "name organisation"),
        """year in which a company was founded
        when a firm was set up""",
        """When was {company} founded?
        In what year was {company} established?
        founding year of {company}
        Since when has {company} existed?
        how long has {company} been around""",
        returns="number",
        clauses="""when {company} was founded
        in what year {company} was set up
        since when {company} has existed""",
        nouns="""the founding year of {company}
        the year of foundation of {company}""",
        compares="""Which is older, {list}?
        Which was founded first, {list}?
        Were {list} founded in the same decade?""",
        result="number",
    ),
    spec(
        "subsidiaries owned_brands brands_of",
        text("company", "company", "owner parent"),
        """brands and firms that a company owns
        subsidiaries of a group""",
        """Which brands does {company} own?
        What are the subsidiaries of {company}?
        brands of {company}
        List the firms that belong to {company}.
        who belongs to {company}""",
        returns="[text]",
        clauses="""which brands {company} owns
        what {company}'s subsidiaries are
        which firms belong to {company}""",
        nouns="""the brands of {company}
        the subsidiaries of {company}""",
        compares="""Which owns more brands, {list}?
        Compare the subsidiaries of {list}.
        Do {list} own the same brands?""",
        result="",
    ),
)  # fmt: skip
