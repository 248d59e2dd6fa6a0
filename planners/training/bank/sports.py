"""Tools about sports; held out, they are only ever scored with."""

# ruff: noqa: E501  (one line is one wording, or one list)

from __future__ import annotations

from .making import choice, domain, flag, number, spec, text

SPECS = domain(
    "sports",
    "held",
    spec(
        "match_result last_result get_score final_score",
        text("team", "team", "club side"),
        """result of a team's last match
        score of the latest game of a club""",
        """How did {team} do in their last match?
        What was the score of the last {team} game?
        last result {team}
        Did {team} win?
        How did the match of {team} end?""",
        returns="{opponent, score, won:bool}",
        clauses="""how {team} did in their last match
        whether {team} won
        what the score of {team} was""",
        compares="""Which team won, {list}?
        Did {list} win their last matches?
        Compare the last results of {list}.""",
        gives={"opponent": "team: the last opponent of {team}|the opponent of {team}"},
    ),
    spec(
        "league_position standing table_rank get_standing",
        (text("team", "team", "club"), number("season", 1990, 2026, "year", optional=True)),
        """place of a team in its league table
        where a club stands""",
        """Where does {team} stand in the table?
        What is the league position of {team}?
        {team} standing
        Which place is {team} in?
        how high up the table is {team}""",
        returns="number",
        clauses="""where {team} stands in the table
        what place {team} is in
        how high {team} is in the league""",
        nouns="""the league position of {team}
        the place of {team} in the table""",
        compares="""Who is higher in the table, {list}?
        Compare the league positions of {list}.
        Which is doing better in the league: {list}?""",
        extras={"season": "in {season}|in the {season} season"},
        result="number",
    ),
    spec(
        "goals_scored goals_of player_goals",
        (text("player", "person", "name athlete"), number("season", 1990, 2026, "year", optional=True)),
        """number of goals a player has scored
        goal tally of a footballer""",
        """How many goals has {player} scored?
        What is {player}'s goal tally?
        goals {player}
        How often did {player} score?
        count the goals of {player}""",
        returns="number",
        clauses="""how many goals {player} has scored
        how often {player} scored
        what the goal tally of {player} is""",
        nouns="""the number of goals of {player}
        the goal tally of {player}""",
        compares="""Who scored more goals, {list}?
        Compare the goals of {list}.
        Which of {list} is the better scorer?""",
        extras={"season": "in {season}|in the {season} season"},
        result="number",
    ),
    spec(
        "coach coach_of manager_of_team head_coach",
        text("team", "team", "club"),
        """name of the coach of a team
        who trains a club""",
        """Who coaches {team}?
        Who is the coach of {team}?
        coach of {team}
        What's the name of the trainer of {team}?
        who is in charge of {team}""",
        returns="text",
        clauses="""who coaches {team}
        who the coach of {team} is
        who trains {team}""",
        nouns="""the coach of {team}
        the trainer of {team}""",
        compares="""Do {list} have the same coach?
        Who coaches {list}?
        Name the coaches of {list}.""",
        result="person",
    ),
    spec(
        "home_stadium stadium_of venue ground",
        text("team", "team", "club"),
        """stadium where a team plays at home, with its capacity
        home ground of a club""",
        """Where does {team} play at home?
        What is the stadium of {team} called?
        home ground of {team}
        Which stadium belongs to {team}?
        how big is the ground of {team}""",
        returns="{name, city, capacity:int, opened:int}",
        clauses="""where {team} plays at home
        which stadium {team} plays in
        how big the ground of {team} is""",
        compares="""Which has the bigger stadium, {list}?
        Do {list} play in the same city?
        Compare the grounds of {list}.""",
        gives={
            "name": "building: the stadium of {team}|the home ground of {team}",
            "city": "city: the home city of {team}|the city where {team} plays",
            "capacity": "number: the stadium capacity of {team}|the number of seats in the stadium of {team}",
        },
    ),
    spec(
        "squad roster players_of team_members",
        text("team", "team", "club"),
        """players of a team
        squad list of a club""",
        """Who plays for {team}?
        List the players of {team}.
        squad {team}
        Who is in the team of {team}?
        name everyone in {team}""",
        returns="[text]",
        clauses="""who plays for {team}
        which players {team} has
        who is in the squad of {team}""",
        nouns="""the players of {team}
        the squad of {team}""",
        compares="""Which has the larger squad, {list}?
        Do any players belong to {list}?
        Compare the squads of {list}.""",
    ),
    spec(
        "next_fixture next_match fixture_for upcoming_game",
        (text("team", "team", "club"), choice("venue", "where", optional=True, home="at home", away="away|away from home")),
        """next match of a team: opponent, date and place
        upcoming game of a club""",
        """When does {team} play next?
        Who is the next opponent of {team}?
        next game {team}
        What is the next fixture for {team}?
        when is {team} on the field again""",
        returns="{opponent, date, city}",
        clauses="""when {team} plays next
        whom {team} plays next
        what the next fixture of {team} is""",
        compares="""Which plays sooner, {list}?
        Do {list} play on the same day?
        When do {list} play next?""",
        gives={"city": "city: the city of the next match of {team}|the city where {team} plays next", "opponent": "team: the next opponent of {team}"},
    ),
    spec(
        "world_record sport_record best_mark",
        (text("discipline", "sport", "event sport"), choice("sex", "category", women="for women|in the women's event", men="for men|in the men's event")),
        """world record of a discipline for women or men
        best mark ever in a sport""",
        """What is the world record in {discipline} {sex}?
        Who holds the {discipline} record {sex}?
        world record {discipline} {sex}
        Give me the best mark in {discipline} {sex}.""",
        returns="{holder, mark, year:int}",
        clauses="""what the world record in {discipline} is {sex}
        who holds the record in {discipline} {sex}
        how good the best mark in {discipline} {sex} is""",
        gives={"holder": "person: the record holder in {discipline} {sex}"},
    ),
    spec(
        "buy_match_tickets book_seats tickets.buy",
        (text("team", "team", "club home_team"), number("count", 2, 9, "tickets seats"), flag("covered", "under the roof|in the covered stand", "roofed")),
        """buys tickets for the next home match of a team
        reserves seats in a stadium""",
        """Get {count} tickets for the next {team} match.
        Book {count} seats for {team}.
        {count} tickets {team}
        I want {count} tickets to see {team}.
        Could you buy {count} seats for the {team} game?""",
        returns="{order, total:number}",
        clauses="""buy {count} tickets for {team}
        book {count} seats for the {team} match
        get {count} tickets to {team}""",
        effect="write",
    ),
)  # fmt: skip
