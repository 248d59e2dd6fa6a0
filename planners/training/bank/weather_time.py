"""Tools about the weather, the sun, clocks and calendars."""

# ruff: noqa: E501  (one line is one wording, or one list)

from __future__ import annotations

from .making import choice, domain, flag, number, spec, text

_UNITS = choice("units", "unit scale", optional=True, celsius="in Celsius|in degrees Celsius", fahrenheit="in Fahrenheit|in degrees Fahrenheit", kelvin="in kelvin")  # fmt: skip

SPECS = domain(
    "weather",
    "train",
    spec(
        "weather get_weather current_weather weather.now weatherNow",
        (text("city", "city", "location place town"), _UNITS),
        """current weather in one city
        what the weather is like right now
        present conditions: temperature, wind and sky""",
        """What's the weather like in {city}?
        How is the weather in {city}?
        weather {city}
        Is it raining in {city}?
        do i need an umbrella in {city}
        What is it like outside in {city} right now?
        Could you check the weather in {city}?""",
        returns="{temperature:number, conditions, humidity:number, wind_kmh:number}",
        clauses="""what the weather is in {city}
        whether it is raining in {city}
        how the weather is in {city}
        if I need a coat in {city}""",
        compares="""Where is it warmer, {list}?
        Compare the weather in {list}.
        Is the weather better in {list}?
        Which is colder right now: {list}?
        Where is it raining, {list}?""",
        gives={
            "temperature": "number: the temperature in {city}|how warm it is in {city}",
            "humidity": "number: the humidity in {city}",
            "wind_kmh": "number: the wind speed in {city}",
        },
    ),
    spec(
        "forecast weather_forecast get_forecast weather.forecast",
        (text("city", "city", "place location"), number("days", 2, 12, "num_days horizon", optional=True), _UNITS),
        """weather forecast for the coming days
        what the weather will be in a city over the next days
        daily outlook for one place""",
        """What will the weather be in {city}?
        Give me the forecast for {city}.
        forecast {city}
        Will it snow in {city}?
        What does the outlook for {city} say?
        how will the weather turn out in {city}""",
        returns="{summary, high:number, low:number, rain_chance:number}",
        clauses="""what the forecast for {city} is
        whether it will rain in {city}
        how the weather will be in {city}""",
        compares="""Which will be warmer, {list}?
        Compare the forecasts for {list}.
        Where will it rain less, {list}?""",
        extras={"days": "for the next {days} days|over {days} days|{days} days ahead"},
        gives={
            "high": "number: the expected high in {city}|the highest temperature expected in {city}",
            "low": "number: the expected low in {city}",
            "rain_chance": "number: the chance of rain in {city}",
        },
    ),
    spec(
        "temperature get_temperature temp_at current_temp",
        text("city", "city", "place location"),
        """air temperature in a city in degrees Celsius
        how warm or cold it is somewhere
        thermometer reading of the nearest station""",
        """How warm is it in {city}?
        What's the temperature in {city}?
        how cold is it in {city} now
        temperature in {city}
        Tell me how many degrees it is in {city}.""",
        returns="number",
        clauses="""how warm it is in {city}
        what the temperature in {city} is
        how cold it is in {city}""",
        nouns="""the temperature in {city}
        the air temperature in {city}
        {city}'s temperature""",
        compares="""Which is hotter, {list}?
        Compare the temperatures in {list}.
        Where is it coldest: {list}?
        Is it warmer in {list}?""",
        result="number",
    ),
    spec(
        "wind_speed get_wind wind wind.speed",
        text("place", "city", "city location"),
        """wind speed at a place in km/h
        how strongly the wind blows""",
        """How windy is it in {place}?
        What is the wind speed in {place}?
        how strong is the wind in {place}
        Is it windy in {place}?
        wind in {place} now""",
        returns="number",
        clauses="""how windy it is in {place}
        how strong the wind in {place} is
        what the wind speed in {place} is""",
        nouns="""the wind speed in {place}
        the strength of the wind in {place}""",
        compares="""Where is it windier, {list}?
        Which has stronger wind: {list}?
        Compare the wind in {list}.""",
        result="number",
    ),
    spec(
        "air_quality aqi get_air_quality pollution_index",
        text("city", "city", "place location"),
        """air quality index of a city, lower is cleaner
        how polluted the air is
        AQI reading for a place""",
        """How is the air quality in {city}?
        How clean is the air in {city}?
        AQI for {city}
        is the air bad in {city} today
        How polluted is {city}?""",
        returns="{index:int, level, main_pollutant}",
        clauses="""how clean the air in {city} is
        how polluted {city} is
        what the air quality in {city} is""",
        compares="""Which has cleaner air, {list}?
        Compare the air quality of {list}.
        Where is pollution worse, {list}?""",
        gives={"index": "number: the air quality index of {city}|{city}'s AQI"},
    ),
    spec(
        "rainfall annual_rainfall precipitation",
        (text("place", "place", "location city"), text("month", "month", optional=True)),
        """average rainfall of a place in millimetres a year
        how much rain falls somewhere""",
        """How much rain falls in {place}?
        What is the average rainfall in {place}?
        how wet is {place}
        rainfall of {place}
        How many millimetres of rain does {place} get?""",
        returns="number",
        clauses="""how much rain falls in {place}
        how wet {place} is
        what the rainfall in {place} is""",
        nouns="""the rainfall in {place}
        the average rainfall of {place}""",
        compares="""Which is wetter, {list}?
        Compare the rainfall of {list}.
        Which gets more rain: {list}?""",
        extras={"month": "in {month}|for {month}|during {month}"},
        result="number",
    ),
    spec(
        "sunrise get_sunrise sunrise_time sun.rise",
        (text("city", "city", "place location"), text("date", "date", "day on", optional=True)),
        """time of sunrise in one city
        when the sun comes up
        local time at which the sun rises""",
        """When does the sun rise in {city}?
        What time is sunrise in {city}?
        sunrise {city}
        When does it get light in {city}?
        at what time does the sun come up in {city}""",
        returns="text",
        clauses="""when the sun rises in {city}
        at what time sunrise is in {city}
        when it gets light in {city}""",
        nouns="""the time of sunrise in {city}
        sunrise in {city}""",
        compares="""Where does the sun rise earlier, {list}?
        Compare the sunrise times of {list}.
        In which does it get light first, {list}?""",
        extras={"date": "on {date}|for {date}"},
    ),
    spec(
        "sunset get_sunset sunset_time sun.set",
        (text("city", "city", "place location"), text("date", "date", "day on", optional=True)),
        """time of sunset in one city
        when the sun goes down
        local time at which the sun sets""",
        """When does the sun set in {city}?
        What time is sunset in {city}?
        sunset {city}
        When does it get dark in {city}?
        at what time does the sun go down in {city}""",
        returns="text",
        clauses="""when the sun sets in {city}
        at what time sunset is in {city}
        when it gets dark in {city}""",
        nouns="""the time of sunset in {city}
        sunset in {city}""",
        compares="""Where does the sun set later, {list}?
        Compare the sunset times of {list}.
        In which does it get dark first, {list}?""",
        extras={"date": "on {date}|for {date}"},
    ),
    spec(
        "moon_phase get_moon_phase lunar_phase",
        text("date", "date", "day on"),
        """phase of the moon on a day
        which phase the moon is in""",
        """What is the moon phase on {date}?
        Which phase is the moon in on {date}?
        moon phase {date}
        Tell me the phase of the moon for {date}.
        will the moon be full on {date}""",
        returns="text",
        clauses="""what the moon phase is on {date}
        whether the moon is full on {date}
        which phase the moon is in on {date}""",
        nouns="""the moon phase on {date}
        the phase of the moon on {date}""",
    ),
    spec(
        "weather_alerts get_alerts storm_warnings",
        (text("region", "region", "state area"), choice("severity", "level", optional=True, minor="minor ones only", severe="severe ones only|only severe warnings", extreme="extreme ones only|only extreme alerts")),
        """active weather warnings for a region
        storm and flood alerts of a state or region""",
        """Are there any weather alerts for {region}?
        What warnings are in force in {region}?
        weather warnings {region}
        Is there a storm warning in {region}?
        List the active alerts for {region}""",
        returns="[{title, severity, until}]",
        clauses="""whether there are weather alerts for {region}
        which warnings are in force in {region}
        if a storm is coming to {region}""",
        compares="""Which has more weather alerts, {list}?
        Are there warnings in {list}?
        Compare the storm warnings for {list}.""",
    ),
) + domain(
    "time",
    "train",
    spec(
        "current_time get_time time_in clock local_time",
        text("place", "city", "city location timezone"),
        """current local time and date in one city or country
        what time it is somewhere
        clock time at a place""",
        """What time is it in {place}?
        What's the local time in {place}?
        time in {place} now
        Do you know the time in {place}?
        can you tell me what time they have in {place}
        What is the current time in {place}?""",
        returns="{place, timezone, date, time, weekday, utc_offset}",
        clauses="""what time it is in {place}
        what the local time in {place} is
        how late it is in {place}""",
        compares="""In which is it later, {list}?
        What time is it in {list}?
        What is the time difference between {list}?
        Is it the same time in {list}?""",
        gives={"timezone": ": the time zone of {place}", "time": ": the local time in {place}|the time in {place}"},
    ),
    spec(
        "convert_time time_convert shift_time",
        (text("time", "time", "at"), text("from_place", "city", "source from_city"), text("to_place", "city", "target to_city")),
        """local time in one place when it is a given time in another place
        converts a time between two places""",
        """What time is it in {to_place} when it is {time} in {from_place}?
        Convert {time} in {from_place} to {to_place} time.
        {time} in {from_place} is what time in {to_place}
        If it is {time} in {from_place}, what time do they have in {to_place}?
        When my clock in {from_place} shows {time}, what does it show in {to_place}?""",
        returns="{place, time, date}",
        clauses="""what time it is in {to_place} when it is {time} in {from_place}
        what {time} in {from_place} is in {to_place}
        how late it is in {to_place} at {time} {from_place} time""",
    ),
    spec(
        "weekday day_of_week get_weekday which_day",
        text("date", "full_date", "day on"),
        """day of the week of one date
        which weekday a date falls on""",
        """What day of the week is {date}?
        Which weekday was {date}?
        what day does {date} fall on
        On which day of the week does {date} fall?
        weekday of {date}""",
        returns="text",
        clauses="""what day of the week {date} is
        which weekday {date} falls on
        on what day {date} falls""",
        nouns="""the weekday of {date}
        the day of the week of {date}""",
        compares="""Do {list} fall on the same weekday?
        Which weekdays are {list}?""",
    ),
    spec(
        "date_difference days_between date_diff span",
        (text("start", "full_date", "from_date first"), text("end", "full_date", "to_date second")),
        """number of days, weeks and years between two dates
        how much time lies between two days""",
        """How many days are there between {start} and {end}?
        How long is it from {start} to {end}?
        days from {start} to {end}
        Count the days between {start} and {end}.
        how much time passed between {start} and {end}""",
        returns="{days:int, weeks:number, years:int, months:int}",
        clauses="""how many days lie between {start} and {end}
        how long it is from {start} to {end}
        how much time there is between {start} and {end}""",
        gives={
            "days": "number: the number of days between {start} and {end}|the number of days from {start} to {end}",
            "weeks": "number: the number of weeks between {start} and {end}",
        },
    ),
    spec(
        "add_days date_add shift_date days_after",
        (text("date", "full_date", "start"), number("days", 2, 400, "count offset n")),
        """date a number of days after another date
        adds days to a date""",
        """What date is {days} days after {date}?
        Which day is it {days} days from {date}?
        add {days} days to {date}
        Count {days} days on from {date}.
        If I start on {date}, what date is it {days} days later?""",
        returns="text",
        clauses="""what date is {days} days after {date}
        which day comes {days} days after {date}
        what day it is {days} days from {date}""",
        nouns="""the date {days} days after {date}
        the day {days} days from {date}""",
        result="full_date",
    ),
    spec(
        "public_holidays get_holidays holidays list_holidays",
        (text("country", "country", "nation"), number("year", 2015, 2032)),
        """public holidays of a country in a year
        bank holidays in a nation""",
        """What are the public holidays in {country} in {year}?
        List the holidays of {country} for {year}.
        when are the bank holidays in {country} in {year}
        Which days are off in {country} in {year}?
        public holidays {country} {year}""",
        returns="[{name, date}]",
        clauses="""which public holidays {country} has in {year}
        when the holidays in {country} are in {year}
        the bank holidays of {country} in {year}""",
        nouns="""the public holidays of {country} in {year}
        the holidays in {country} in {year}""",
    ),
    spec(
        "set_alarm alarm.create create_alarm wake_me",
        (text("time", "time", "at"), text("weekday", "weekday", "day", optional=True), flag("repeat", "every week|and repeat it|as a repeating alarm", "recurring")),
        """sets an alarm for a time
        wakes the user at a time""",
        """Set an alarm for {time}.
        Wake me up at {time}.
        alarm at {time} please
        I need to get up at {time}, set an alarm.
        Can you wake me at {time}?""",
        clauses="""set an alarm for {time}
        wake me at {time}
        make the alarm ring at {time}""",
        extras={"weekday": "on {weekday}|this is for {weekday}"},
        effect="write",
    ),
    spec(
        "start_timer set_timer timer countdown",
        (number("minutes", 1, 90, "duration mins"), text("label", "dish", "name", optional=True)),
        """starts a timer that rings after some minutes
        countdown in minutes""",
        """Set a timer for {minutes} minutes.
        Start a {minutes} minute timer.
        timer {minutes} minutes
        Tell me when {minutes} minutes are over.
        Count down {minutes} minutes for me""",
        clauses="""set a timer for {minutes} minutes
        start a countdown of {minutes} minutes
        start a {minutes} minute timer""",
        extras={"label": "for the {label}|and call it {label}"},
        effect="write",
    ),
)  # fmt: skip
