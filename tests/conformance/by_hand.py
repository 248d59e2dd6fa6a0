"""Calls that the gold data has none of, or none that fail: so that every declaration is tried, and errors are, too."""

from __future__ import annotations

from collections.abc import Mapping

from berkeley import GoldCall, read_call

_CALLS = {
    "GorillaFileSystem": """
        pwd() | ls() | ls(a=True) | cd("..") | cd("a") | cd("a/b") | cd("/") | mkdir("a") | mkdir("b") | touch("c")
        touch("d") | touch("c/d") | echo("one") | echo("two", "c") | echo("three\\nfour", "d") | cat("c") | cat("a")
        find() | find("a") | find("/") | find(".", "c") | wc("c", "w") | wc("d", mode="x") | sort("d") | grep("c", "t")
        du() | du(True) | tail("d", 1) | diff("c", "d") | mv("c", "a") | mv("d", "e") | mv("a", "b") | mv("x", "y")
        rm("c") | rm("a") | rm("d") | rmdir("a") | rmdir("b") | rmdir("c") | cp("c", "a") | cp("c", "e") | cp("a", "f")
        cp("d", "b") | cat("e")
    """,
    "MathAPI": """
        logarithm(8.0, 2.0, 5) | logarithm(8.0, 2.0, 30) | logarithm(-1.0, 0.0, 10) | square_root(2.0, 5)
        square_root(2.0, 30) | square_root(-2.0, 3) | mean([]) | mean([1.0, 2.5]) | standard_deviation([1.0, 2.0, 4.0])
        add(1.5, 2.0) | divide(1.0, 0.0) | power(2.0, 0.5) | power(0.0, -1.0) | round_number(2.567, 1)
        percentage(1.0, 3.0) | si_unit_conversion(3.0, "km", "m") | imperial_si_conversion(3.0, "km", "miles")
        min_value([2.0, 1.0]) | max_value([2.0, 1.0]) | sum_values([2.0, 1.0]) | absolute_value(-2.0)
        subtract(1.0, 2.0) | multiply(2.0, 3.5)
    """,
    "MessageAPI": """
        list_users() | get_user_id("Bob") | get_user_id("Zed") | message_login("USR002") | message_login("USR003")
        message_login("nobody") | message_login("USR005") | message_get_login_status() | send_message("USR005", "hi")
        send_message("USR002", "it costs $1") | view_messages_sent()
        send_message("USR003", "${1} and $$2") | send_message("nobody", "x") | delete_message("USR002")
        add_contact("Zed") | add_contact("Zoe") | search_messages("costs") | get_message_stats()
    """,
    "TicketAPI": """
        create_ticket("first") | create_ticket("second", "of $5", 2) | create_ticket("third", priority=9)
        get_ticket(1) | get_ticket(2) | get_ticket(999) | close_ticket(1) | close_ticket(2) | resolve_ticket(1, "done")
        resolve_ticket(2, "done, too") | edit_ticket(1, {"priority": 3}) | edit_ticket(2, {"nothing": 1})
        ticket_login("ann", "secret") | ticket_login("ben", "secret") | ticket_login("", "") | logout()
        ticket_get_login_status() | get_user_tickets() | get_user_tickets("Open") | get_user_tickets(status="closed")
    """,
    "TradingBot": """
        get_current_time() | get_symbol_by_name("Tesla") | get_stock_info("TSLA") | get_stock_info("none")
        get_order_details(12345) | get_order_details(12446) | get_order_details(1) | cancel_order(12446)
        cancel_order(1) | cancel_order(12345) | place_order("Buy", "AAPL", 5.0, 3) | place_order("Sell", "TSLA", 5.5, 2)
        place_order("Buy", "AAPL", 5000000.0, 3) | withdraw_funds(10.0) | fund_account(25.5) | fund_account(-1.0)
        get_account_info() | trading_login("ann", "secret") | trading_logout() | trading_get_login_status()
        remove_stock_from_watchlist("NVDA") | get_watchlist() | add_to_watchlist("TSLA") | add_to_watchlist("none")
        get_order_history() | get_transaction_history() | get_transaction_history("2024-01-01", "2024-12-31")
        get_transaction_history("soon") | get_available_stocks("Technology")
        filter_stocks_by_price(["AAPL", "TSLA"], 1.0, 500.0) | notify_price_change(["AAPL", "TSLA"], 0.15)
    """,
    "TravelAPI": """
        authenticate_travel("id", "secret", "again", "read_write", "Ann", "Lee") | travel_get_login_status()
        get_budget_fiscal_year() | register_credit_card("251675", "4222", "12/31", "Ann Lee", 124)
        get_flight_cost("SFO", "LAX", "2024-11-15", "first") | get_flight_cost("SFO", "JFK", "2024-11-16", "economy")
        get_flight_cost("SFO", "XXX", "2024-11-15", "first") | get_credit_card_balance("251675", "391310425148")
        list_all_airports() | book_flight("251675", "391310425148", "2024-11-15", "SFO", "LAX", "first")
        book_flight("none", "1", "2024-11-15", "SFO", "LAX", "first") | retrieve_invoice("251675", "4191922")
        get_booking_history("251675") | cancel_booking("251675", "4191922") | compute_exchange_rate("USD", "EUR", 10.0)
        compute_exchange_rate("USD", "USD", 10.0) | verify_traveler_information("Ann", "Lee", "1980-01-01", "US1")
        set_budget_limit("251675", 100000.0) | set_budget_limit("251675", 5.0) | get_nearest_airport_by_city("Rome")
        purchase_insurance("251675", "full", "4191922", 10.0, "391310425148") | get_all_credit_cards()
        contact_customer_support("4191922", "help")
    """,
    "TwitterAPI": """
        authenticate_twitter("john", "john123") | authenticate_twitter("john", "wrong") | posting_get_login_status()
        post_tweet("one") | post_tweet("two", ["#b"], ["@c"]) | post_tweet("three: $3") | retweet(0) | retweet(1)
        retweet(99) | comment(0, "fine") | comment(1, "also fine") | comment(99, "lost") | mention(0, ["@d"])
        mention(1, ["@e", "@f"]) | follow_user("zoe") | follow_user("yan") | unfollow_user("zoe")
        unfollow_user("alice") | list_all_following() | get_tweet(0) | get_tweet(1) | get_user_tweets("john")
        search_tweets("one") | get_tweet_comments(0) | get_tweet_comments(1) | get_user_stats("john")
    """,
    "VehicleControlAPI": """
        startEngine("START") | startEngine("STOP") | startEngine("x") | fillFuelTank(5.0) | fillFuelTank(500.0)
        lockDoors(False, ["driver", "passenger", "rear_left", "rear_right"]) | lockDoors(True, ["driver"])
        lockDoors(False, ["driver"]) | lockDoors(False, ["roof"]) | adjustClimateControl(20.0)
        adjustClimateControl(70.0, "fahrenheit", 80, "cool") | get_outside_temperature_from_google()
        get_outside_temperature_from_weather_com() | setHeadlights("on") | setHeadlights("off") | setHeadlights("x")
        displayCarStatus("fuel") | displayCarStatus("battery") | displayCarStatus("doors") | displayCarStatus("climate")
        displayCarStatus("headlights") | displayCarStatus("parkingBrake") | displayCarStatus("brakePedal")
        displayCarStatus("engine") | displayCarStatus("x") | activateParkingBrake("engage")
        activateParkingBrake("release") | pressBrakePedal(1.0) | pressBrakePedal(0.5) | releaseBrakePedal()
        setCruiseControl(55.0, True, 100.0) | setCruiseControl(50.0, False, 90.0) | get_current_speed()
        display_log(["a", "b"]) | estimate_drive_feasibility_by_mileage(90.0) | liter_to_gallon(10.0)
        gallon_to_liter(10.0) | estimate_distance("83214", "74532") | get_zipcode_based_on_city("Rivermist")
        set_navigation("home") | set_navigation("away") | check_tire_pressure() | find_nearest_tire_shop()
    """,
}

# What is drawn at random is the same every time, since every world begins with the same seed.
_OPENINGS = {
    "GorillaFileSystem": """
        mkdir("a") | touch("c") | touch("d") | echo("two\\nlines", "c") | cd("a") | touch("c") | mkdir("b") | cd("..")
    """,
    "MathAPI": "add(1.0, 2.0)",
    "MessageAPI": """message_login("USR002") | send_message("USR003", "it costs $1") | add_contact("Zed")""",
    "TicketAPI": """ticket_login("ann", "secret") | create_ticket("first") | create_ticket("second", "of $5", 2)""",
    "TradingBot": """
        trading_login("ann", "secret") | fund_account(5.0) | place_order("Buy", "AAPL", 5.0, 3)
        add_to_watchlist("TSLA")
    """,
    "TravelAPI": """
        authenticate_travel("id", "secret", "again", "read_write", "Ann", "Lee")
        register_credit_card("251675", "4111", "12/30", "Ann Lee", 123)
        book_flight("251675", "391310425148", "2024-11-15", "SFO", "LAX", "first") | set_budget_limit("251675", 50.0)
    """,
    "TwitterAPI": """
        authenticate_twitter("john", "john123") | post_tweet("one") | post_tweet("two", ["#b"], ["@c"])
        comment(0, "so")
    """,
    "VehicleControlAPI": """
        lockDoors(False, ["driver", "passenger", "rear_left", "rear_right"]) | fillFuelTank(4.0) | pressBrakePedal(1.0)
        startEngine("START")
    """,
}


def _read(texts: Mapping[str, str]) -> dict[str, tuple[GoldCall, ...]]:
    lines = {name: text.strip().splitlines() for name, text in texts.items()}
    return {
        name: tuple(read_call(call.strip()) for line in of_class for call in line.split(" | "))
        for name, of_class in lines.items()
    }


BY_HAND: Mapping[str, tuple[GoldCall, ...]] = _read(_CALLS)
"""For each class, calls of every method that have something to do with each other."""

OPENINGS: Mapping[str, tuple[GoldCall, ...]] = _read(_OPENINGS)
"""For each class, calls that bring it from its defaults to a state in which most calls do something."""
