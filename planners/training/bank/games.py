"""Tools about video games and board games."""

from __future__ import annotations

from .making import choice, domain, flag, number, spec, text

SPECS = domain(
    "games",
    "train",
    spec(
        "game_rating game_score review_score get_game_rating",
        text("game", "game", "title name"),
        """score that critics gave a game, from 0 to 100
        review score of a video game""",
        """How good is the game {game}?
        What score did {game} get from critics?
        rating of the game {game}
        Is {game} worth playing?
        Tell me the review score of {game}.""",
        returns="int",
        clauses="""how good the game {game} is
        what score {game} got""",
        nouns="""the score of the game {game}
        the review score of {game}""",
        compares="""Which game is rated higher, {list}?
        Compare the scores of the games {list}.
        Which of the games {list} is best?""",
        result="number",
    ),
    spec(
        "play_time hours_to_finish game_length how_long_to_beat",
        (
            text("game", "game", "title name"),
            flag("complete", "with everything collected|for a full completion|to do everything"),
        ),
        """hours it takes to finish a game
        how long a game is""",
        """How long does it take to finish {game}?
        How many hours is {game}?
        play time of {game}
        How long do I need for {game}?""",
        returns="number",
        clauses="""how long {game} takes to finish
        how many hours {game} is""",
        nouns="""the play time of {game}
        the length of the game {game}""",
        compares="""Which game takes longer, {list}?
        Which is the shortest game: {list}?""",
        result="number",
    ),
    spec(
        "game_studio developer studio_of who_developed",
        text("game", "game", "title"),
        """studio that developed a game
        developer of a video game""",
        """Who developed {game}?
        Which studio made the game {game}?
        developer of {game}
        What company is behind the game {game}?""",
        returns="text",
        clauses="""who developed {game}
        which studio made {game}""",
        nouns="""the studio that made {game}
        the developer of {game}""",
        compares="""Are the games {list} by the same studio?
        Did one studio develop {list}?""",
        result="company",
    ),
    spec(
        "players_online online_now player_count live_players",
        (
            text("game", "game", "title"),
            choice(
                "platform",
                optional=True,
                pc="on PC",
                playstation="on PlayStation",
                xbox="on Xbox",
                switch="on the Switch",
            ),
        ),
        """number of people who play a game right now
        how busy the servers of a game are""",
        """How many people are playing {game} right now?
        How many players does {game} have online?
        players in {game} now
        How busy are the servers of {game}?""",
        returns="int",
        clauses="""how many people are playing {game}
        how many players {game} has online""",
        nouns="""the number of people playing {game}
        the player count of {game}""",
        compares="""Which has more players right now, {list}?
        Compare the player counts of {list}.""",
        result="number",
    ),
    spec(
        "leaderboard top_players high_scores ranking",
        (text("game", "game", "title"), number("limit", 3, 20, "top count", optional=True)),
        """best players of a game
        names at the top of the leaderboard""",
        """Who are the best players of {game}?
        Show the leaderboard of {game}.
        Who leads the ranking in {game}?
        high scores of {game}""",
        returns="{players: [text], updated}",
        clauses="""who the best players of {game} are
        show the leaderboard of {game}""",
        nouns="""the best players of {game}
        the players at the top of {game}""",
        extras={"limit": "the top {limit}|just {limit} names"},
    ),
    spec(
        "player_country country_of_player player.country",
        text("player", "username", "user name"),
        """country that a player comes from""",
        """Which country is the player {player} from?
        Where does {player} play from?
        country of player {player}""",
        returns="text",
        clauses="""which country the player {player} is from""",
        nouns="""the country of the player {player}
        the country {player} plays for""",
        compares="""Are the players {list} from the same country?""",
        result="country",
    ),
    spec(
        "invite_player send_invite game.invite",
        (text("player", "username", "user"), text("game", "game", "title")),
        """sends a player an invitation to a game""",
        """Invite {player} to a round of {game}.
        Ask {player} to join me in {game}.
        send {player} an invite for {game}""",
        clauses="""invite {player} to {game}
        ask {player} to join {game}""",
        effect="write",
    ),
)
