"""What each method of the eight classes reads and changes, found by reading the classes; never by looking at a case.

A key names the fields that a method uses, as finely as arguments can tell: `key(name, argument)` is one entry of a
field. Keys of two classes never meet.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

Resource = Any  # as in `@tool(resource=...)`


class Declared(NamedTuple):
    """Effect and resource of a method, as `@tool` takes them."""

    effect: Any
    resource: Resource = None


PURE = Declared("pure")


def read(*keys: Any) -> Declared:
    """Looks at `keys`; without one, at everything."""
    return Declared("read", list(keys) or None)


def write(*keys: Any, read: tuple[Any, ...] = ()) -> Declared:
    """Changes `keys`, and looks at those in `read`."""
    return Declared("write", {"read": list(read), "write": list(keys)})


def by(effect: Any, keys: Callable[..., Resource]) -> Declared:
    """Keys by the arguments."""
    return Declared(effect, keys)


# -- files: every path is a name in the current directory, so that names are keys as long as nobody calls `cd` ---------


def _file(file_name: str, **_: Any) -> Resource:
    return ["cwd", ("entry", file_name)]


def _files(file_name1: str, file_name2: str) -> Resource:
    return ["cwd", ("entry", file_name1), ("entry", file_name2)]


def _removed(file_name: str | None = None, dir_name: str | None = None) -> Resource:
    return {"read": "cwd", "write": [("entry", file_name if dir_name is None else dir_name)]}


# New names go to the end of the listing, so that it matters which comes first; removing one moves no other.
def _made(file_name: str | None = None, dir_name: str | None = None) -> Resource:
    return {"read": "cwd", "write": ["end", ("entry", file_name if dir_name is None else dir_name)]}


def _moved(source: str, destination: str) -> Resource:
    return {"read": "cwd", "write": ["end", ("entry", source), ("entry", destination)]}


def _copied(source: str, destination: str) -> Resource:
    return {"read": ["cwd", ("entry", source)], "write": ["end", ("entry", destination)]}


def _entered(folder: str) -> Resource:
    return {"read": [("entry", folder.rstrip("/"))], "write": "cwd"}


def _echoed(content: str, file_name: str | None = None) -> Resource:
    return {"read": "cwd", "write": [("entry", file_name)]}


FILES: Mapping[str, Declared] = {
    "pwd": read("cwd"),
    "ls": read(),  # every entry: more than can be named
    "cd": by("write", _entered),
    "mkdir": by("write", _made),
    "touch": by("write", _made),
    "echo": by(lambda content, file_name=None: "write" if file_name else "pure", _echoed),
    "cat": by("read", _file),
    "find": read(),
    "wc": by("read", _file),
    "sort": by("read", _file),
    "grep": by("read", _file),
    "du": read(),
    "tail": by("read", _file),
    "diff": by("read", _files),
    "mv": by("write", _moved),
    "rm": by("write", _removed),
    "rmdir": by("write", _removed),
    "cp": by("write", _copied),
}

# -- numbers: the precision that two methods leave behind in their libraries is set anew before each use ---------------

_NUMBERS = """logarithm mean standard_deviation si_unit_conversion imperial_si_conversion add subtract multiply divide
    power square_root absolute_value round_number percentage min_value max_value sum_values"""

NUMBERS: Mapping[str, Declared] = dict.fromkeys(_NUMBERS.split(), PURE)

# -- messages: "inbox" stands for the ids drawn and the count, too: only sending draws and counts ----------------------

MESSAGES: Mapping[str, Declared] = {
    "list_users": read("users"),
    "get_user_id": read("users"),
    "message_login": write("login", read=("users",)),
    "message_get_login_status": read("login"),
    "send_message": write("inbox", read=("login", "users")),
    "delete_message": write("inbox", read=("login",)),
    "view_messages_sent": read("login", "inbox"),
    "add_contact": write("users"),
    "search_messages": read("login", "inbox"),
    "get_message_stats": read("login", "inbox"),
}

# -- tickets -----------------------------------------------------------------------------------------------------------


def _ticket(ticket_id: int) -> Resource:
    return ["queue", ("ticket", ticket_id)]


def _ticket_changed(ticket_id: int, **_: Any) -> Resource:
    return {"read": "queue", "write": [("ticket", ticket_id)]}


TICKETS: Mapping[str, Declared] = {
    "create_ticket": write("queue", read=("login",)),
    "get_ticket": by("read", _ticket),
    "close_ticket": by("write", _ticket_changed),
    "resolve_ticket": by("write", _ticket_changed),
    "edit_ticket": by("write", _ticket_changed),
    "ticket_login": write("login"),
    "ticket_get_login_status": read("login"),
    "logout": write("login"),
    "get_user_tickets": read(),  # every ticket in the queue: more than can be named
}

# -- trading -----------------------------------------------------------------------------------------------------------


def _order(order_id: int) -> Resource:
    return ["orders", ("order", order_id)]


def _order_cancelled(order_id: int) -> Resource:
    return {"read": "orders", "write": [("order", order_id)]}


TRADING: Mapping[str, Declared] = {
    "get_current_time": PURE,  # a constant
    "get_symbol_by_name": PURE,
    "get_stock_info": read("stocks"),
    "get_order_details": by("read", _order),
    "cancel_order": by("write", _order_cancelled),
    "place_order": write("orders", read=("login", "account")),
    "withdraw_funds": write("account", "transactions", read=("login",)),
    "get_account_info": read("login", "account"),
    "trading_login": write("login"),
    "trading_get_login_status": read("login"),
    "trading_logout": write("login"),
    "fund_account": write("account", "transactions", read=("login",)),
    "remove_stock_from_watchlist": write("watchlist", read=("login",)),
    "get_watchlist": read("login", "watchlist"),
    "get_order_history": read("login", "orders"),
    "get_transaction_history": read("login", "transactions"),
    "get_available_stocks": PURE,
    "filter_stocks_by_price": read("stocks"),
    "add_to_watchlist": write("watchlist", read=("stocks",)),
    "notify_price_change": read("stocks"),
}

# -- travel: ids and balances are drawn from one generator; prices leave a note of the last flight that was looked up --

TRAVEL: Mapping[str, Declared] = {
    "authenticate_travel": write("session", "random"),
    "travel_get_login_status": read("session"),
    "get_budget_fiscal_year": PURE,
    "register_credit_card": write("cards", "random", read=("session",)),
    "get_flight_cost": write("last flight"),
    "get_credit_card_balance": read("session", "cards"),
    "book_flight": write("cards", "bookings", "random", "last flight", read=("session", "budget")),
    "retrieve_invoice": read("session", "bookings"),
    "get_booking_history": read("session", "bookings"),
    "list_all_airports": PURE,
    "cancel_booking": write("cards", "bookings", read=("session",)),
    "compute_exchange_rate": PURE,
    "verify_traveler_information": read("session"),
    "set_budget_limit": write("budget", read=("session",)),
    "get_nearest_airport_by_city": PURE,
    "purchase_insurance": write("cards", "random", read=("session", "budget", "bookings")),
    "contact_customer_support": read("bookings"),
    "get_all_credit_cards": read("cards"),
}

# -- posts: "tweets" is which there are and what they say, "mentions" whom they mention --------------------------------


def _comments(tweet_id: int) -> Resource:
    return ["tweets", ("comments", tweet_id)]


def _commented(tweet_id: int, **_: Any) -> Resource:
    return {"read": ["login", "tweets"], "write": [("comments", tweet_id)]}


POSTS: Mapping[str, Declared] = {
    "authenticate_twitter": write("login"),
    "posting_get_login_status": read("login"),
    "post_tweet": write("tweets", read=("login",)),
    "retweet": write("retweets", read=("login", "tweets")),
    "comment": by("write", _commented),
    "mention": write("mentions", read=("tweets",)),
    "follow_user": write("following", read=("login",)),
    "list_all_following": read("login", "following"),
    "unfollow_user": write("following", read=("login",)),
    "get_tweet": read("tweets", "mentions"),
    "get_user_tweets": read("tweets", "mentions"),
    "search_tweets": read("tweets", "mentions"),
    "get_tweet_comments": by("read", _comments),
    "get_user_stats": read("tweets", "following", "retweets"),
}

# -- a car: two methods make up what they report, with one generator ---------------------------------------------------

_SHOWN = {
    "fuel": "fuel",
    "doors": "doors",
    "climate": "climate",
    "headlights": "headlights",
    "parkingBrake": "parking brake",
    "brakePedal": "brake pedal",
    "engine": "engine",
}


def _shown(option: str) -> Resource:
    return [_SHOWN[option]] if option in _SHOWN else []


CAR: Mapping[str, Declared] = {
    "startEngine": write("engine", read=("doors", "brake pedal", "fuel")),
    "fillFuelTank": write("fuel"),
    "lockDoors": write("doors"),
    "adjustClimateControl": write("climate"),
    "get_outside_temperature_from_google": write("random"),
    "get_outside_temperature_from_weather_com": PURE,
    "setHeadlights": write("headlights"),
    "displayCarStatus": by("read", _shown),
    "activateParkingBrake": write("parking brake"),
    "pressBrakePedal": write("brake pedal"),
    "releaseBrakePedal": write("brake pedal"),
    "setCruiseControl": write("cruise", read=("engine",)),
    "get_current_speed": write("random"),
    "display_log": PURE,
    "estimate_drive_feasibility_by_mileage": read("fuel"),
    "liter_to_gallon": PURE,
    "gallon_to_liter": PURE,
    "estimate_distance": PURE,
    "get_zipcode_based_on_city": PURE,
    "set_navigation": write("navigation"),
    "check_tire_pressure": read("tires"),
    "find_nearest_tire_shop": PURE,
}

EFFECTS: Mapping[str, Mapping[str, Declared]] = {
    "GorillaFileSystem": FILES,
    "MathAPI": NUMBERS,
    "MessageAPI": MESSAGES,
    "TicketAPI": TICKETS,
    "TradingBot": TRADING,
    "TravelAPI": TRAVEL,
    "TwitterAPI": POSTS,
    "VehicleControlAPI": CAR,
}


def options_of(class_name: str, method: str) -> dict[str, Any]:
    """What `@tool` is told of the method, with keys that belong to its class alone."""
    effect, resource = EFFECTS[class_name][method]
    if resource is None:
        return {"effect": effect}
    if callable(resource):
        function = resource
        return {"effect": effect, "resource": lambda **given: _owned(class_name, function(**given))}
    return {"effect": effect, "resource": _owned(class_name, resource)}


def _owned(class_name: str, resource: Resource) -> Resource:
    if isinstance(resource, Mapping):
        return {kind: _owned(class_name, keys) for kind, keys in resource.items()}
    keys = resource if isinstance(resource, list) else [resource]
    return [(class_name, key) for key in keys]
