"""English words that say what an atom of a question can be. In a language not known here, less is a hole."""

from __future__ import annotations

_CURRENCIES = """
    USD EUR GBP JPY CNY INR NOK SEK DKK ISK CHF CAD AUD NZD BRL MXN ZAR PLN CZK HUF TRY KRW SGD HKD THB IDR
    MYR PHP ILS AED SAR EGP UAH RUB RON BGN CLP COP ARS PEN VND PKR BDT NGN KES"""
_MONTHS = "January February March April May June July August September October November December"
_WEEKDAYS = "Monday Tuesday Wednesday Thursday Friday Saturday Sunday"
_PLACES = "US USA UK UAE EU NYC LA DC"
_CONNECTORS = "of de da dos das di du del della la le les los las van von der bin ibn upon al el"
_STOP = """
    and or nor not no never neither either but except without unless than versus vs if then else is are was were be
    been do does did done has have had having can could cannot will would shall should may might must what which who
    whom whose when where why how i me my mine we us our you your he him his she her it its they them their this that
    these those there here all any both each every some none nothing only also too very more most less least fewer the a
    an of in on at to from by for with as into over under between before after since until till per plus minus times
    same different other another please yes first second third last next previous dont don't isn't aren't wasn't
    doesn't didn't can't won't about against among around because during through toward towards via while whether so
    such much many few several again ever yet still just even instead rather like unlike besides beyond maybe perhaps
    compare find tell give show list calculate compute convert translate search get let suppose assuming excluding
    including half double twice today tomorrow yesterday tonight now"""
_TIMES = """
    today tomorrow yesterday tonight now currently current recent recently latest last next this ago week weekend
    month year morning evening hour hours day days weeks months years since soon upcoming past nowadays newest"""
_VERBS = """
    get set create make delete remove update change edit list find search look lookup fetch read write send add put
    post calculate compute convert count check is has query show open close start stop run call by of for the in and"""
_RANGES = "from between to through until till - – since"
_STEPS = "each every yearly annually monthly weekly daily hourly step steps interval intervals consecutive"

CURRENCIES = frozenset(_CURRENCIES.split())
MONTHS = frozenset(_MONTHS.split())
WEEKDAYS = frozenset(_WEEKDAYS.split())
PLACES = frozenset(_PLACES.split())
"""Abbreviations that are names."""
CONNECTORS = frozenset(_CONNECTORS.split())
"""Words in small letters inside names."""
STOP = frozenset(_STOP.split())
"""Words that are never a value, nor part of one, however they are written."""
TIMES = frozenset(_TIMES.split())
"""Words that speak of a time that goes on."""
VERBS = frozenset(_VERBS.split())
"""Words in names of tools that say what they do, not with what."""
RANGES = frozenset(_RANGES.split())
"""Words between the ends of a range."""
STEPS = frozenset(_STEPS.split())
"""Words that speak of all that lies in a range."""
