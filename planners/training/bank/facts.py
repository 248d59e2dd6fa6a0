"""Sentences of made-up articles, and the questions that their facts decide. Data only, `texts.py` puts them together."""

# ruff: noqa: E501  (one line is one wording, or one list)

from __future__ import annotations

import random
from collections.abc import Callable

NUMBERED: dict[str, Callable[[random.Random], str]] = {
    "y": lambda r: str(r.randint(1901, 2023)),
    "n": lambda r: str(r.randint(3, 90)),
    "prize": lambda r: r.choice(
        (
            "Silver Lion",
            "Golden Bear",
            "Booker Prize",
            "Order of Merit",
            "Critics Choice Award",
            "State Prize",
            "Palme Prize",
        )
    ),
    "season": lambda r: r.choice(("spring", "summer", "autumn", "winter")),
}
"""What fills a place that is no fact: other years and numbers, so that a year alone is not the answer."""

# For each kind: openings, and groups of sentences of which an article has one each at most.
KIND_SENTENCES: dict[str, tuple[tuple[str, ...], tuple[tuple[str, ...], ...]]] = {
    "person": (
        (
            "{name} ({born} – {died}) was a {nationality} {occupation}.",
            "{name} (born {born}) is a {nationality} {occupation}.",
            "{name} was a {nationality} {occupation}, best known for {title}.",
            "{name} is a {occupation} from {country}.",
            "Born in {birthplace}, {name} was a {nationality} {occupation}.",
        ),
        (
            ("{it} was born on {born}.", "Born {born}, {it} grew up in modest circumstances."),
            (
                "{it} was born in {birthplace} to a family of merchants.",
                "A native of {birthplace}, {it} went to school there.",
            ),
            ("{it} died on {died} after a short illness.", "{it} died in {died}."),
        ),
    ),
    "film": (
        (
            "{name} is a {released} {nationality} {genre} film directed by {director}.",
            "{name} is a {genre} film from {country}, released in {released}.",
            "{name} is a {released} {genre} film that was shot in {season}.",
            "Directed by {director}, {name} is a {genre} film of {released}.",
        ),
        (
            ("It was directed by {director}.", "The director was {director}, who also wrote the script."),
            ("It runs for {runtime}.", "The running time is {runtime}."),
            ("The film was produced in {country}.", "Production took place in {country}."),
        ),
    ),
    "book": (
        (
            "{name} is a novel by {author}, published in {published}.",
            "{name} is a {genre} novel by the {nationality} writer {author}.",
            "First published in {published}, {name} is a book by {author}.",
        ),
        (
            ("It was first published in {published}.", "The book came out in {published}."),
            ("The first edition had {pages} pages.", "It is {pages} pages long."),
            ("It was written in {language}.", "The original language is {language}."),
        ),
    ),
    "band": (
        (
            "{name} is a {nationality} {genre} band formed in {origin} in {formed}.",
            "{name} are a {genre} group from {origin}.",
            "{name} is a {genre} band from {country} that was formed in {formed}.",
            "Formed in {formed}, {name} is a {nationality} {genre} band.",
        ),
        (
            ("The band has {members} members.", "It consists of {members} musicians."),
            ("They have released {albums} studio albums.", "So far {albums} albums have appeared."),
            ("The group was formed in {formed}.", "They have played together since {formed}."),
        ),
    ),
    "building": (
        (
            "{name} is a {height} tall building in {city}, {country}.",
            "{name} is a landmark in {city}.",
            "{name} is a building in {city} that was completed in {completed}.",
            "Completed in {completed}, {name} stands in the centre of {city}.",
        ),
        (
            ("It rises to a height of {height}.", "The structure is {height} high."),
            ("It has {floors} floors.", "Inside there are {floors} floors and a car park."),
            ("It was designed by {architect}.", "The architect was {architect}."),
            ("Construction was completed in {completed}.", "It opened in {completed}."),
        ),
    ),
    "river": (
        (
            "The {name} is a river in {country}.",
            "The {name} is a {length} long river in {country}.",
            "The {name} rises on {source} and flows into the {mouth}.",
        ),
        (
            ("It is {length} long.", "With a length of {length}, it is well known to canoeists."),
            ("It empties into the {mouth}.", "The river reaches the {mouth} after many bends."),
            ("Its source lies on the slopes of {source}.", "It begins at {source}."),
        ),
    ),
    "mountain": (
        (
            "{name} is a mountain in {country} with an elevation of {elevation}.",
            "{name} is a peak in {country}.",
            "At {elevation}, {name} is one of the best known peaks of {country}.",
        ),
        (
            ("Its summit lies {elevation} above sea level.", "It is {elevation} high."),
            ("It was first climbed in {ascent}.", "The first ascent was made in {ascent}."),
        ),
    ),
    "company": (
        (
            "{name} is a {nationality} {industry} company based in {headquarters}.",
            "{name} is a {industry} company that was founded in {founded} by {founder}.",
            "Founded in {founded}, {name} is a {industry} company with headquarters in {headquarters}.",
        ),
        (
            ("It was founded in {founded}.", "The firm was established in {founded}."),
            ("Its founder was {founder}.", "The company was set up by {founder}."),
            ("It employs {employees} people.", "The company has {employees} employees."),
            ("Its head office is in {headquarters}.", "The headquarters are located in {headquarters}."),
        ),
    ),
    "magazine": (
        (
            "{name} is a {frequency} {language} magazine about {topic}.",
            "{name} is a magazine published by {publisher}.",
            "Founded in {founded}, {name} is a magazine for lovers of {topic}.",
        ),
        (
            ("It appears {frequency}.", "Issues come out {frequency}."),
            ("It is published by {publisher}.", "The publisher is {publisher}."),
            ("The first issue came out in {founded}.", "The magazine was founded in {founded}."),
            ("Its offices are in {city}.", "The editors work in {city}."),
        ),
    ),
    "animal": (
        (
            "The {name} is a species of the family {family}.",
            "The {name} is an animal of {habitat}, found in {country}.",
            "The {name}, a member of the family {family}, lives in {habitat}.",
        ),
        (
            ("Adults weigh up to {weight}.", "A grown animal reaches a weight of {weight}."),
            ("It feeds on {diet}.", "Its diet consists of {diet}."),
            ("It lives for up to {lifespan}.", "In the wild it can reach an age of {lifespan}."),
            ("It inhabits {habitat}.", "The animal is at home in {habitat}."),
        ),
    ),
    "plant": (
        (
            "{name} is a genus of plants in the family {family}.",
            "{name} is a plant that is native to {country}.",
            "{name} is a genus of the family {family} that grows in {habitat}.",
        ),
        (
            ("It is native to {country}.", "The plant comes from {country}."),
            ("It grows in {habitat}.", "One finds it in {habitat}."),
            ("It reaches a height of {height}.", "Old plants are {height} tall."),
        ),
    ),
    "school": (
        (
            "{name} is a university in {country} that was founded in {founded}.",
            "{name} is a public university with {students} students.",
            "Founded in {founded}, {name} is one of the oldest schools of {country}.",
        ),
        (
            ("It was founded in {founded}.", "The school opened its doors in {founded}."),
            ("About {students} students are enrolled.", "It has {students} students."),
            ("Its motto is {motto}.", "The motto above the gate reads {motto}."),
        ),
    ),
    "city": (
        (
            "{name} is a city in {country}.",
            "{name} is a city in {country} with a population of {population}.",
            "{name} is a town of {population} people in {country}.",
        ),
        (
            ("It has a population of {population}.", "At the last census {population} people lived there."),
            ("It covers an area of {area}.", "The town covers {area}."),
            ("The mayor is {mayor}.", "Since the last election {mayor} has been mayor."),
            ("It was founded in {founded}.", "The town was founded in {founded} by monks."),
        ),
    ),
}
FILLERS: dict[str, tuple[str, ...]] = {
    "person": ("A street in the old town bears the name today.", "In {y} came the {prize}.", "Critics were divided about the late works.", "An exhibition in {y} brought new attention.", "There were {n} grandchildren.", "Many letters are kept in a private archive."),
    "film": ("Reviews were mixed.", "It won the {prize} at a festival.", "The score was recorded in {n} days.", "A restored print was shown in {y}.", "Several scenes were cut before the premiere.", "The poster is sought after by collectors."),
    "book": ("Reviewers praised the dialogue.", "It was adapted for the stage in {y}.", "The cover shows a lighthouse.", "It has been translated many times.", "The plot covers {n} days of one {season}."),
    "band": ("Their first tour took them through {n} clubs.", "A live recording appeared in {y}.", "The name goes back to a joke at school.", "They won the {prize}.", "Fans travel far to hear them in {season}."),
    "building": ("It was renovated in {y}.", "Visitors can take {n} lifts to the roof.", "The lobby is decorated with marble.", "It is lit up at night.", "A fire in {y} damaged the roof."),
    "river": ("In {season} it often floods.", "{n} bridges cross it.", "Fishing is popular along its banks.", "A dam was built in {y}.", "Barges carry grain and timber."),
    "mountain": ("In clear weather it is seen from afar.", "A hut at its foot has {n} beds.", "A rescue in {y} made headlines.", "Glaciers cover its northern side.", "Most climbers come in {season}."),
    "company": ("A strike in {y} lasted {n} days.", "Its logo shows a bird.", "It has won prizes for its packaging.", "In {y} it opened a second plant.", "Shares are traded since {y}."),
    "magazine": ("It is known for its covers.", "A website was added in {y}.", "Each issue has about {n} articles.", "Letters from readers fill the last page.", "It won the {prize} for its photographs."),
    "animal": ("It was first described in {y}.", "Young are born in {season}.", "It is active at night.", "Its call can be heard from afar.", "Populations have been stable since {y}."),
    "plant": ("It flowers in {season}.", "It was first described in {y}.", "Gardeners value its scent.", "There are about {n} species.", "It tolerates frost."),
    "school": ("Its library was rebuilt in {y}.", "The campus has {n} halls.", "Its rowing club is well known.", "Lectures begin in {season}.", "A new laboratory opened in {y}."),
    "city": ("A market is held {n} times a year.", "The station was built in {y}.", "It is known for its {season} fair.", "The old walls still stand.", "A flood in {y} destroyed the harbour."),
}  # fmt: skip


def _about(kinds: str, pairs: str, single: str) -> dict[str, tuple[str, ...]]:
    return {"kinds": tuple(kinds.split()), "pairs": _lines(pairs), "single": _lines(single)}


def _lines(text: str) -> tuple[str, ...]:
    return tuple(line.strip() for line in text.splitlines() if line.strip())


QUESTIONS: dict[str, dict[str, tuple[str, ...]]] = {
    "nationality": _about("person film band company book", """
        Were {a} and {b} of the same nationality?
        Do {a} and {b} have the same nationality?
        Are {a} and {b} both American?
        Which nationality did {a} and {b} share?
        Did {a} and {b} come from the same nation?""", """
        What nationality was {a}?
        Was {a} American?
        what is the nationality of {a}
        Is {a} French?
        Of which nationality is {a}?"""),
    "occupation": _about("person", """
        Do {a} and {b} have the same occupation?
        What profession did {a} and {b} share?
        Were {a} and {b} both novelists?
        Did {a} and {b} both work as film directors?
        What job did {a} and {b} have in common?""", """
        What did {a} do for a living?
        What was the occupation of {a}?
        what was {a}'s job
        Was {a} a composer?
        Which profession did {a} have?"""),
    "born": _about("person", """
        Who was born first, {a} or {b}?
        Who is older, {a} or {b}?
        Were {a} and {b} born in the same year?
        Which of them was born later, {a} or {b}?
        Who is younger, {a} or {b}?""", """
        When was {a} born?
        In what year was {a} born?
        birth date of {a}
        Was {a} born before 1900?
        What is the date of birth of {a}?"""),
    "died": _about("person", """
        Who died first, {a} or {b}?
        Did {a} die before {b}?
        Who died more recently, {a} or {b}?
        Who lived until a later date, {a} or {b}?""", """
        When did {a} die?
        In what year did {a} die?
        date of death of {a}
        When did the life of {a} end?"""),
    "birthplace": _about("person", """
        Were {a} and {b} born in the same city?
        Do {a} and {b} come from the same town?
        Were {a} and {b} both born in Paris?
        Is the birthplace of {a} also that of {b}?""", """
        Where was {a} born?
        What is the birthplace of {a}?
        in which city was {a} born
        From which town did {a} come?"""),
    "director": _about("film", """
        Were {a} and {b} directed by the same person?
        Do {a} and {b} have the same director?
        Who directed {a} and {b}?
        Are {a} and {b} by one director?""", """
        Who directed {a}?
        Who is the director of {a}?
        director of {a}
        By whom was {a} directed?"""),
    "released": _about("film", """
        Which film came out first, {a} or {b}?
        Which is older, {a} or {b}?
        Were {a} and {b} released in the same year?
        Which was released more recently, {a} or {b}?""", """
        When was {a} released?
        In what year did {a} come out?
        release year of {a}
        Which year is {a} from?"""),
    "country": _about("person film band building river mountain animal plant school city", """
        Are {a} and {b} in the same country?
        Are {a} and {b} from the same country?
        Are both {a} and {b} located in Norway?
        Do {a} and {b} belong to one country?
        In which country are {a} and {b}?""", """
        In which country is {a}?
        Which country is {a} from?
        country of {a}
        Is {a} in Italy?
        What country does {a} belong to?"""),
    "genre": _about("film band book", """
        Are {a} and {b} of the same genre?
        Do {a} and {b} belong to one genre?
        Are {a} and {b} both of the comedy genre?
        What genre do {a} and {b} have in common?""", """
        What genre is {a}?
        Which genre does {a} belong to?
        genre of {a}
        What sort of genre is {a} known for?"""),
    "runtime": _about("film", """
        Which film is longer, {a} or {b}?
        Do {a} and {b} have the same running time?
        Which is the shorter film, {a} or {b}?
        Which takes longer to watch, {a} or {b}?""", """
        How long is the film {a}?
        What is the running time of {a}?
        how many minutes does {a} last
        How long does it take to watch {a}?"""),
    "members": _about("band", """
        Which band has more members, {a} or {b}?
        Do {a} and {b} have the same number of members?
        Which group has fewer musicians, {a} or {b}?
        Which is the bigger band, {a} or {b}?""", """
        How many members does {a} have?
        How many people are in {a}?
        number of members of {a}
        How many musicians play in {a}?"""),
    "formed": _about("band", """
        Which band was formed first, {a} or {b}?
        Were {a} and {b} formed in the same year?
        Which group is older, {a} or {b}?
        Which band has been around longer, {a} or {b}?""", """
        When was {a} formed?
        In what year did {a} get together?
        year {a} was formed
        Since when has {a} existed?"""),
    "origin": _about("band", """
        Are {a} and {b} from the same city?
        Do {a} and {b} come from one town?
        Were {a} and {b} formed in the same place?
        Is the home town of {a} that of {b} too?""", """
        What city is {a} from?
        Where does {a} come from?
        home town of {a}
        In which city was {a} formed?"""),
    "albums": _about("band", """
        Which band has more albums, {a} or {b}?
        Who released more records, {a} or {b}?
        Do {a} and {b} have equally many albums?
        Which of {a} and {b} made fewer albums?""", """
        How many albums has {a} released?
        How many records did {a} make?
        number of albums of {a}
        How many albums are there by {a}?"""),
    "height": _about("building plant", """
        Which is taller, {a} or {b}?
        Which is higher, {a} or {b}?
        Are {a} and {b} equally tall?
        Which one is shorter, {a} or {b}?
        Does {a} rise above {b}?""", """
        How tall is {a}?
        How high is {a}?
        height of {a}
        What is the height of {a}?
        How far up does {a} reach?"""),
    "floors": _about("building", """
        Which has more floors, {a} or {b}?
        Do {a} and {b} have the same number of floors?
        Which has fewer storeys, {a} or {b}?
        In which are there more floors, {a} or {b}?""", """
        How many floors does {a} have?
        How many storeys has {a}?
        number of floors in {a}
        How many floors are there in {a}?"""),
    "completed": _about("building", """
        Which building is older, {a} or {b}?
        Which was completed first, {a} or {b}?
        Were {a} and {b} built in the same year?
        Which is the newer building, {a} or {b}?""", """
        When was {a} built?
        In what year was {a} completed?
        year of completion of {a}
        Since when has {a} stood?"""),
    "architect": _about("building", """
        Were {a} and {b} designed by the same architect?
        Do {a} and {b} have the same architect?
        Who designed {a} and {b}?
        Are {a} and {b} by one architect?""", """
        Who designed {a}?
        Who was the architect of {a}?
        architect of {a}
        By whom was {a} designed?"""),
    "city": _about("building magazine", """
        Are {a} and {b} in the same city?
        Are {a} and {b} located in the same town?
        Are both {a} and {b} in London?
        Is the city of {a} that of {b} too?""", """
        In which city is {a}?
        Where is {a} located?
        what city is {a} in
        Which town is {a} in?"""),
    "length": _about("river", """
        Which river is longer, {a} or {b}?
        Is the {a} longer than the {b}?
        Which is the shorter river, {a} or {b}?
        Compared in length, does {a} or {b} win?""", """
        How long is the {a}?
        What is the length of the {a}?
        length of {a}
        Over what length does the {a} flow?"""),
    "mouth": _about("river", """
        Do {a} and {b} flow into the same sea?
        Do the {a} and the {b} end in the same water?
        Into which sea do {a} and {b} flow?
        Do {a} and {b} share a mouth?""", """
        Where does the {a} end?
        Into which sea does the {a} flow?
        mouth of the {a}
        What does the {a} empty into?"""),
    "elevation": _about("mountain", """
        Which mountain is higher, {a} or {b}?
        Which is taller, {a} or {b}?
        Are {a} and {b} of equal height?
        Which peak is lower, {a} or {b}?""", """
        How high is {a}?
        What is the elevation of {a}?
        height of {a}
        How tall is {a}?
        How far above the sea is the top of {a}?"""),
    "ascent": _about("mountain", """
        Which was climbed first, {a} or {b}?
        Were {a} and {b} first climbed in the same year?
        Which peak was conquered earlier, {a} or {b}?
        On which did climbers stand later, {a} or {b}?""", """
        When was {a} first climbed?
        In what year was the first ascent of {a}?
        first ascent of {a}
        When did someone first stand on {a}?"""),
    "founded": _about("company magazine school city", """
        Which was founded first, {a} or {b}?
        Which is older, {a} or {b}?
        Were {a} and {b} founded in the same year?
        Which one was started earlier, {a} or {b}?
        Which is the younger of the two, {a} or {b}?""", """
        When was {a} founded?
        In what year was {a} established?
        founding year of {a}
        How old is {a}?
        Since when has {a} existed?"""),
    "founder": _about("company", """
        Were {a} and {b} founded by the same person?
        Who founded {a} and {b}?
        Do {a} and {b} have the same founder?
        Did one person set up both {a} and {b}?""", """
        Who founded {a}?
        Who set up {a}?
        founder of {a}
        By whom was {a} founded?"""),
    "headquarters": _about("company", """
        Are {a} and {b} based in the same city?
        Do {a} and {b} have their headquarters in one city?
        Are both {a} and {b} based in Tokyo?
        Do {a} and {b} share a home city?""", """
        Where is {a} based?
        Where are the headquarters of {a}?
        head office of {a}
        In which city does {a} have its seat?"""),
    "employees": _about("company", """
        Which company employs more people, {a} or {b}?
        Which has the larger staff, {a} or {b}?
        Do {a} and {b} have equally many employees?
        At which do fewer people work, {a} or {b}?""", """
        How many people work for {a}?
        How many employees does {a} have?
        staff of {a}
        How large is the workforce of {a}?"""),
    "industry": _about("company", """
        Are {a} and {b} in the same industry?
        Do {a} and {b} work in one industry?
        Are {a} and {b} both software companies?
        In which line of business are {a} and {b}?""", """
        What industry is {a} in?
        What kind of company is {a}?
        industry of {a}
        In which line of business is {a}?"""),
    "publisher": _about("magazine", """
        Do {a} and {b} have the same publisher?
        Are {a} and {b} published by one company?
        Who publishes {a} and {b}?
        Do {a} and {b} come out at the same house?""", """
        Who publishes {a}?
        What is the publisher of {a}?
        publisher of {a}
        At which house does {a} come out?"""),
    "frequency": _about("magazine", """
        Which appears more often, {a} or {b}?
        Do {a} and {b} come out equally often?
        Are {a} and {b} both weekly?
        Which has fewer issues a year, {a} or {b}?""", """
        How often does {a} appear?
        How often is {a} published?
        frequency of {a}
        How many times does {a} come out?"""),
    "language": _about("book magazine", """
        Are {a} and {b} in the same language?
        Were {a} and {b} written in one language?
        Are {a} and {b} both in English?
        Do readers of {a} and {b} need the same language?""", """
        What language is {a} in?
        In which language was {a} written?
        language of {a}
        Which tongue is {a} written in?"""),
    "weight": _about("animal", """
        Which is heavier, the {a} or the {b}?
        Does the {a} weigh more than the {b}?
        Which animal weighs less, {a} or {b}?
        Is the {a} lighter than the {b}?""", """
        How heavy is the {a}?
        What does a {a} weigh?
        weight of the {a}
        How much does the {a} bring to the scales?"""),
    "lifespan": _about("animal", """
        Which lives longer, the {a} or the {b}?
        Do {a} and {b} get equally old?
        Which animal has the longer life, {a} or {b}?
        Which dies younger, {a} or {b}?""", """
        How long does the {a} live?
        How old does a {a} get?
        life span of the {a}
        What age can the {a} reach?"""),
    "diet": _about("animal", """
        Do {a} and {b} eat the same things?
        Do the {a} and the {b} have the same diet?
        What do {a} and {b} feed on?
        Would {a} and {b} compete for food?""", """
        What does the {a} eat?
        What is the diet of the {a}?
        food of the {a}
        What does the {a} live on?"""),
    "habitat": _about("animal plant", """
        Do {a} and {b} live in the same habitat?
        Are {a} and {b} both found in deserts?
        Could {a} and {b} meet in the same habitat?
        Do {a} and {b} share a habitat?""", """
        What is the habitat of {a}?
        In what surroundings is {a} found?
        habitat of {a}
        Where does one come upon {a}?"""),
    "family": _about("animal plant", """
        Do {a} and {b} belong to the same family?
        Are {a} and {b} of one family?
        Are {a} and {b} related by family?
        Is {a} in the family of {b}?""", """
        To which family does {a} belong?
        What family is {a} in?
        family of {a}
        Of which family is {a} a member?"""),
    "students": _about("school", """
        Which has more students, {a} or {b}?
        Is {a} larger than {b} by students?
        Which school is smaller, {a} or {b}?
        At which do more people study, {a} or {b}?""", """
        How many students does {a} have?
        How many people study at {a}?
        number of students at {a}
        How many are enrolled at {a}?"""),
    "motto": _about("school", """
        Do {a} and {b} have the same motto?
        What are the mottos of {a} and {b}?
        Is the motto of {a} that of {b} too?""", """
        What is the motto of {a}?
        Which motto does {a} have?
        motto of {a}
        Under which motto do they teach at {a}?"""),
    "population": _about("city", """
        Which city has more people, {a} or {b}?
        Which is more populous, {a} or {b}?
        Do {a} and {b} have equally many inhabitants?
        In which do fewer people live, {a} or {b}?""", """
        How many people live in {a}?
        What is the population of {a}?
        population of {a}
        How many inhabitants does {a} count?"""),
    "area": _about("city", """
        Which city covers more land, {a} or {b}?
        Which has the larger area, {a} or {b}?
        Is {a} bigger in area than {b}?
        Which spreads over less ground, {a} or {b}?""", """
        What area does {a} cover?
        How large is {a}?
        area of {a}
        Over how much ground does {a} spread?"""),
    "mayor": _about("city", """
        Do {a} and {b} have the same mayor?
        Who are the mayors of {a} and {b}?
        Does one mayor lead {a} and {b}?""", """
        Who is the mayor of {a}?
        Who governs the city of {a}?
        mayor of {a}
        Who leads the town of {a}?"""),
    "author": _about("book", """
        Were {a} and {b} written by the same person?
        Do {a} and {b} have the same author?
        Who wrote {a} and {b}?
        Are {a} and {b} by one writer?""", """
        Who wrote {a}?
        Who is the author of {a}?
        author of {a}
        By whom was {a} written?"""),
    "published": _about("book", """
        Which book was published first, {a} or {b}?
        Which is the older book, {a} or {b}?
        Were {a} and {b} published in the same year?
        Which came out more recently, {a} or {b}?""", """
        When was {a} published?
        In what year did the book {a} come out?
        publication year of {a}
        Which year was {a} first printed?"""),
    "pages": _about("book", """
        Which book is longer, {a} or {b}?
        Which has more pages, {a} or {b}?
        Is {a} shorter than {b}?
        Which is the thinner book, {a} or {b}?""", """
        How many pages does {a} have?
        How long is the book {a}?
        number of pages of {a}
        How thick is {a}?"""),
}  # fmt: skip
"""For each fact: kinds of things that have it, wordings over two things `{a}` and `{b}` that it decides, and over one."""
