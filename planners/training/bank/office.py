"""Tools of the office and the house: messages, calendars, files, devices, code."""

# ruff: noqa: E501  (one line is one wording, or one list)

from __future__ import annotations

from .making import choice, domain, flag, number, several, spec, text

SPECS = domain(
    "office",
    "train",
    spec(
        "send_message message sms text_message sendMessage",
        (text("recipient", "person", "to contact name"), text("message", "phrase", "body text content"), flag("urgent", "as urgent|and mark it urgent", "high_priority")),
        """sends a short message to a person
        texts somebody""",
        """Tell {recipient} that {message}.
        Send {recipient} a message that says {message}.
        text {recipient} {message}
        Message {recipient} saying {message}.
        let {recipient} know {message}""",
        clauses="""tell {recipient} that {message}
        let {recipient} know that {message}
        send {recipient} the message {message}""",
        effect="write",
    ),
    spec(
        "send_email email mail.send compose_email",
        (text("to", "email", "recipient address"), text("subject", "topic", "title about"), text("cc", "email", "copy_to", optional=True)),
        """sends an e-mail to an address
        writes a mail about a subject""",
        """Send an email to {to} about {subject}.
        Write to {to} with the subject {subject}.
        mail {to} about {subject}
        Email {to} on the subject of {subject}.""",
        clauses="""send an email to {to} about {subject}
        write to {to} about {subject}
        mail {to} on {subject}""",
        extras={"cc": "with a copy to {cc}|and cc {cc}"},
        effect="write",
    ),
    spec(
        "create_event add_event calendar.create schedule_meeting",
        (text("title", "event", "name summary"), text("date", "date", "day on"), text("time", "time", "start at", optional=True), number("duration", 15, 120, "minutes length", optional=True)),
        """creates an event in the user's calendar
        puts an appointment on a day""",
        """Put {title} in my calendar for {date}.
        Schedule {title} on {date}.
        {title} {date}
        Create an event called {title} for {date}.
        I have {title} on {date}, add it to my calendar.""",
        returns="{id, link}",
        clauses="""put {title} in my calendar for {date}
        schedule {title} for {date}
        create an event {title} on {date}""",
        extras={"time": "at {time}|starting at {time}", "duration": "for {duration} minutes|lasting {duration} minutes"},
        effect="write",
    ),
    spec(
        "list_events agenda calendar.list get_events",
        (text("date", "date", "day on"), choice("calendar", "which", optional=True, work="in my work calendar", private="in my private calendar", family="in the family calendar")),
        """events in the user's calendar on a day
        agenda of a day""",
        """What is on my calendar {date}?
        What do I have to do {date}?
        agenda {date}
        Which appointments do I have {date}?
        am I busy {date}""",
        returns="[{title, time, place}]",
        clauses="""what is on my calendar {date}
        which appointments I have {date}
        whether I am busy {date}""",
        compares="""On which day am I busier, {list}?
        What do I have to do {list}?
        Compare my agenda for {list}.""",
    ),
    spec(
        "find_free_slot free_time availability when_free",
        (several("people", "first_name", "attendees participants"), number("minutes", 15, 120, "duration length"), text("date", "date", "day", optional=True)),
        """time at which several people are free
        common free slot in calendars""",
        """When are {people} free for {minutes} minutes?
        Find {minutes} minutes when {people} can meet.
        {minutes} minutes with {people}
        I need {minutes} minutes with {people}. When do they have time?""",
        returns="text",
        clauses="""when {people} are free for {minutes} minutes
        when {people} have {minutes} minutes
        a slot of {minutes} minutes for {people}""",
        extras={"date": "on {date}|for {date}"},
        result="time",
    ),
    spec(
        "set_reminder remind reminders.add create_reminder",
        (text("task", "task", "text what"), text("time", "time", "at when"), text("date", "date", "day on", optional=True)),
        """reminds the user of something at a time
        adds a reminder""",
        """Remind me to {task} at {time}.
        Set a reminder to {task} at {time}.
        reminder {task} {time}
        Don't let me forget to {task} at {time}.
        at {time} tell me to {task}""",
        clauses="""remind me to {task} at {time}
        set a reminder to {task} at {time}
        make sure that I {task} at {time}""",
        extras={"date": "on {date}|this is for {date}"},
        effect="write",
    ),
    spec(
        "add_task create_task todo.add add_todo",
        (text("task", "task", "title text"), choice("priority", "importance", optional=True, high="with high priority|it is important", low="with low priority|it can wait", medium="with medium priority"), text("due", "date", "deadline due_date", optional=True)),
        """adds a task to the to-do list
        notes something to be done""",
        """Add {task} to my to-do list.
        Note that I have to {task}.
        todo {task}
        Put {task} on my list.
        I must {task}, write it down.""",
        clauses="""add {task} to my list
        note that I have to {task}
        put {task} on the to-do list""",
        extras={"due": "by {due}|due {due}"},
        effect="write",
    ),
    spec(
        "contact_email find_email email_of lookup_contact",
        text("person", "person", "name contact"),
        """e-mail address of a person in the address book
        contact data of somebody""",
        """What is the email address of {person}?
        Find {person}'s email.
        email of {person}
        How can I reach {person} by mail?
        which address does {person} have""",
        returns="text",
        clauses="""what {person}'s email address is
        how to reach {person} by mail
        which address {person} has""",
        nouns="""the email address of {person}
        the mail address of {person}
        {person}'s email address""",
        result="email",
    ),
    spec(
        "manager_of boss_of reports_to get_manager",
        text("employee", "person", "name person"),
        """name of the manager of an employee
        who somebody reports to""",
        """Who is the manager of {employee}?
        Who does {employee} report to?
        boss of {employee}
        What is the name of {employee}'s manager?
        who leads {employee}""",
        returns="text",
        clauses="""who the manager of {employee} is
        who {employee} reports to
        who leads {employee}""",
        nouns="""the manager of {employee}
        the boss of {employee}
        {employee}'s manager""",
        compares="""Do {list} have the same manager?
        Who do {list} report to?
        Name the managers of {list}.""",
        result="person",
    ),
    spec(
        "read_file file.read open_file cat_file",
        text("path", "file", "file filename"),
        """text of a file
        reads a file from disk""",
        """What is in {path}?
        Read {path}.
        show {path}
        Open the file {path}.
        What does {path} say?""",
        returns="text",
        clauses="""what is in {path}
        what {path} says
        the text of {path}""",
        nouns="""the text of {path}
        the contents of {path}""",
        compares="""What is in {list}?
        How do the files {list} differ?
        Do {list} say the same?""",
    ),
    spec(
        "file_size size_of_file disk_usage",
        text("path", "file", "file filename"),
        """size of a file in bytes
        how large a file is on disk""",
        """How large is {path}?
        What is the size of {path}?
        size {path}
        How many bytes does {path} have?
        is {path} a big file""",
        returns="number",
        clauses="""how large {path} is
        what the size of {path} is
        how many bytes {path} has""",
        nouns="""the size of {path}
        the size of the file {path}""",
        compares="""Which file is larger, {list}?
        Compare the sizes of {list}.
        Which takes more space, {list}?""",
        result="number",
    ),
    spec(
        "convert_file export_file change_format",
        (text("path", "file", "file source"), choice("format", "to target", pdf="a PDF|PDF", csv="CSV", html="HTML|a web page", json="JSON")),
        """converts a file to another format
        exports a document""",
        """Convert {path} to {format}.
        Turn {path} into {format}.
        {path} as {format}
        I need {path} as {format}.
        Export {path} as {format}, please.""",
        returns="text",
        clauses="""convert {path} to {format}
        turn {path} into {format}
        export {path} as {format}""",
        result="file",
        effect="write",
    ),
) + domain(
    "home",
    "train",
    spec(
        "turn_on switch_on device.on power_on",
        (text("device", "device", "name appliance"), text("room", "room", "where place", optional=True)),
        """switches a device on
        turns on an appliance in the house""",
        """Turn on the {device}.
        Switch the {device} on.
        {device} on
        Can you turn the {device} on?
        please start the {device}""",
        clauses="""turn on the {device}
        switch the {device} on
        start the {device}""",
        extras={"room": "in the {room}|the one in the {room}"},
        effect="write",
    ),
    spec(
        "turn_off switch_off device.off power_off",
        (text("device", "device", "name appliance"), number("after", 2, 60, "delay minutes", optional=True)),
        """switches a device off
        turns off an appliance in the house""",
        """Turn off the {device}.
        Switch the {device} off.
        {device} off
        Can you turn the {device} off?
        please stop the {device}""",
        clauses="""turn off the {device}
        switch the {device} off
        stop the {device}""",
        extras={"after": "in {after} minutes|after {after} minutes"},
        effect="write",
    ),
    spec(
        "set_temperature heating.set thermostat set_heating",
        (text("room", "room", "where zone"), number("degrees", 15, 26, "temperature target celsius"), choice("mode", optional=True, heat="by heating", cool="with the air conditioning|by cooling", eco="in eco mode|saving energy")),
        """sets the temperature of a room
        heats or cools a room to a temperature""",
        """Set the {room} to {degrees} degrees.
        Make it {degrees} degrees in the {room}.
        {room} {degrees} degrees
        I want {degrees} degrees in the {room}.
        Heat the {room} to {degrees} degrees""",
        clauses="""set the {room} to {degrees} degrees
        make it {degrees} degrees in the {room}
        bring the {room} to {degrees} degrees""",
        effect="write",
    ),
    spec(
        "dim_lights set_brightness lights.dim light_level",
        (text("room", "room", "where"), number("percent", 5, 95, "level brightness"), choice("color", "colour", optional=True, warm="in warm light|in a warm tone", cold="in cold light", red="in red")),
        """dims the lights of a room to a percentage
        brightness of lamps""",
        """Dim the lights in the {room} to {percent}%.
        Set the brightness in the {room} to {percent} percent.
        {room} lights {percent}%
        I'd like the lights in the {room} at {percent} percent.""",
        clauses="""dim the lights in the {room} to {percent}%
        set the lights in the {room} to {percent} percent
        bring the {room} lights to {percent}%""",
        effect="write",
    ),
    spec(
        "room_temperature indoor_temperature sensor_reading",
        text("room", "room", "where sensor"),
        """temperature in a room of the house
        reading of an indoor sensor""",
        """How warm is it in the {room}?
        What is the temperature in the {room}?
        temperature {room}
        Is it cold in the {room}?
        how many degrees does the {room} have""",
        returns="number",
        clauses="""how warm it is in the {room}
        what the temperature in the {room} is
        whether it is cold in the {room}""",
        nouns="""the temperature in the {room}
        the temperature of the {room}""",
        compares="""Which room is warmer, {list}?
        Compare the temperatures of {list}.
        Where is it colder, {list}?""",
        result="number",
    ),
    spec(
        "device_status is_on status_of_device",
        text("device", "device", "name appliance"),
        """whether a device is on
        state of an appliance""",
        """Is the {device} on?
        Did I leave the {device} on?
        {device} status
        Is the {device} running?
        check whether the {device} is on""",
        returns="bool",
        clauses="""whether the {device} is on
        if the {device} is running
        whether I left the {device} on""",
        compares="""Are {list} on?
        Which of {list} is still running?
        Did I leave {list} on?""",
    ),
) + domain(
    "health",
    "train",
    spec(
        "symptoms symptoms_of disease_info get_symptoms",
        text("disease", "disease", "condition illness"),
        """symptoms of a disease
        signs by which an illness is known""",
        """What are the symptoms of {disease}?
        How do I know that I have {disease}?
        symptoms {disease}
        What are the signs of {disease}?
        how does {disease} show""",
        returns="[text]",
        clauses="""what the symptoms of {disease} are
        how {disease} shows
        which signs {disease} has""",
        nouns="""the symptoms of {disease}
        the signs of {disease}""",
        compares="""Do {list} have the same symptoms?
        How do {list} differ?
        Which is more dangerous, {list}?""",
    ),
    spec(
        "drug_interaction interactions check_interaction",
        (text("drug", "drug", "first drug_a medicine"), text("other", "drug", "second drug_b with_drug")),
        """whether two medicines may be taken together
        interaction of drugs""",
        """Can I take {drug} with {other}?
        Do {drug} and {other} interact?
        {drug} and {other} together
        Is it safe to combine {drug} and {other}?
        I take {drug}, may I have {other} too?""",
        returns="{safe:bool, severity, note}",
        clauses="""whether {drug} goes with {other}
        if {drug} and {other} interact
        whether one can take {drug} with {other}""",
    ),
    spec(
        "dosage dose_of recommended_dose",
        (text("drug", "drug", "medicine name"), number("weight", 5, 110, "kg body_weight"), flag("child", "for a child|the patient is a child", "pediatric")),
        """dose of a medicine by body weight in milligrams
        how much of a drug to take""",
        """How much {drug} for someone of {weight} kg?
        What is the dose of {drug} at {weight} kg?
        {drug} {weight} kg
        I weigh {weight} kg, how much {drug} may I take?""",
        returns="number",
        clauses="""how much {drug} one takes at {weight} kg
        what the dose of {drug} is for {weight} kg
        how much {drug} someone of {weight} kg may have""",
        nouns="""the dose of {drug} at {weight} kg
        the dose of {drug} for {weight} kg""",
        result="number",
    ),
    spec(
        "bmi body_mass_index compute_bmi",
        (number("weight_kg", 40, 130, "weight mass"), number("height_cm", 140, 205, "height size")),
        """body mass index from weight and height
        BMI of a person""",
        """What is the BMI of someone who weighs {weight_kg} kg and is {height_cm} cm tall?
        I am {height_cm} cm tall and weigh {weight_kg} kg. What is my BMI?
        bmi {weight_kg} kg {height_cm} cm
        Body mass index for {weight_kg} kg at {height_cm} cm?""",
        returns="number",
        clauses="""what the BMI at {weight_kg} kg and {height_cm} cm is
        the body mass index for {weight_kg} kg and {height_cm} cm
        how high the BMI is at {weight_kg} kg and {height_cm} cm""",
        nouns="""the BMI at {weight_kg} kg and {height_cm} cm
        the body mass index for {weight_kg} kg and {height_cm} cm""",
        result="number",
    ),
    spec(
        "book_appointment doctor.book make_appointment",
        (choice("specialist", "doctor kind", dentist="the dentist|a dentist", eye="the eye doctor|an eye doctor", skin="the dermatologist|a dermatologist", gp="the doctor|my doctor"), text("date", "date", "day on"), text("time", "time", "at", optional=True)),
        """books an appointment with a doctor on a day
        makes a date at a practice""",
        """Book me an appointment with {specialist} for {date}.
        I need to see {specialist} {date}.
        {specialist} {date}
        Make an appointment with {specialist} for {date}.""",
        returns="{confirmed:bool, time}",
        clauses="""book {specialist} for {date}
        make an appointment with {specialist} for {date}
        get me a date with {specialist} {date}""",
        extras={"time": "at {time}|around {time}"},
        effect="write",
    ),
) + domain(
    "language",
    "train",
    spec(
        "translate translate_text translation translator",
        (text("text", "phrase", "phrase sentence words"), text("language", "language", "target to target_language")),
        """translates a text into a language
        how something is said in another language""",
        """Translate {text} into {language}.
        How do you say {text} in {language}?
        {text} in {language}
        What is {text} in {language}?
        I need {text} in {language}.""",
        returns="text",
        clauses="""how to say {text} in {language}
        what {text} is in {language}
        how {text} is translated into {language}""",
        nouns="""the translation of {text} into {language}
        the {language} for {text}""",
        result="phrase",
    ),
    spec(
        "define definition dictionary meaning_of",
        text("word", "word", "term lemma"),
        """meaning of a word
        dictionary entry of a term""",
        """What does {word} mean?
        Define {word}.
        meaning of {word}
        What is the definition of {word}?
        explain the word {word}""",
        returns="text",
        clauses="""what {word} means
        what the definition of {word} is
        what the word {word} stands for""",
        nouns="""the definition of {word}
        the meaning of {word}""",
        compares="""Do {list} mean the same?
        What do {list} mean?
        What is the difference between {list}?""",
    ),
    spec(
        "synonyms similar_words thesaurus get_synonyms",
        (text("word", "word", "term"), number("count", 2, 12, "limit n", optional=True)),
        """words that mean the same as a word
        thesaurus entry""",
        """What are synonyms of {word}?
        Find other words for {word}.
        synonyms {word}
        Which words mean the same as {word}?
        what can I say instead of {word}""",
        returns="[text]",
        clauses="""what synonyms {word} has
        which words mean the same as {word}
        what to say instead of {word}""",
        nouns="""the synonyms of {word}
        the synonyms for {word}""",
        extras={"count": "give me {count} of them|{count} words will do"},
    ),
    spec(
        "official_language languages_of language_spoken",
        text("country", "country", "nation place"),
        """official language of a country
        what people speak in a country""",
        """What language is spoken in {country}?
        What is the official language of {country}?
        language of {country}
        Which language do they speak in {country}?
        what do people speak in {country}""",
        returns="text",
        clauses="""what language is spoken in {country}
        which language they speak in {country}
        what {country}'s official language is""",
        nouns="""the official language of {country}
        the language of {country}""",
        compares="""Do they speak the same language in {list}?
        Which languages are spoken in {list}?
        Is the official language the same in {list}?""",
        result="language",
    ),
    spec(
        "speakers speakers_of number_of_speakers",
        text("language", "language", "name tongue"),
        """number of people who speak a language, in millions
        how widely a language is spoken""",
        """How many people speak {language}?
        How many speakers does {language} have?
        speakers of {language}
        How widely is {language} spoken?
        do many people speak {language}""",
        returns="number",
        clauses="""how many people speak {language}
        how many speakers {language} has
        how widely {language} is spoken""",
        nouns="""the number of speakers of {language}
        the number of people who speak {language}""",
        compares="""Which language has more speakers, {list}?
        Compare the number of speakers of {list}.
        Rank {list} by speakers.""",
        result="number",
    ),
) + domain(
    "code",
    "train",
    spec(
        "repo_info get_repo repository repo.stats",
        text("repo", "repo", "repository name"),
        """stars, forks and language of a code repository
        data on an open source project""",
        """Tell me about the repository {repo}.
        How popular is {repo}?
        repo {repo}
        What do you know about {repo}?
        show the data of {repo}""",
        returns="{owner, stars:int, forks:int, open_issues:int, language, license}",
        clauses="""how popular {repo} is
        some facts about the repository {repo}
        how {repo} is doing""",
        compares="""Which has more stars, {list}?
        Are {list} under the same licence?
        Compare the repositories {list}.""",
        gives={
            "stars": "number: the number of stars of {repo}|the stars of {repo}",
            "forks": "number: the number of forks of {repo}",
            "open_issues": "number: the number of open issues in {repo}",
            "license": ": the licence of {repo}",
        },
    ),
    spec(
        "package_version latest_version pkg_version get_version",
        (text("package", "package", "name library"), choice("registry", "source", optional=True, pypi="on PyPI", npm="on npm", crates="on crates.io")),
        """latest version of a software package
        newest release of a library""",
        """What is the latest version of {package}?
        Which version of {package} is current?
        version {package}
        Is there a new release of {package}?
        how new is {package}""",
        returns="text",
        clauses="""what the latest version of {package} is
        which version of {package} is current
        whether there is a new release of {package}""",
        nouns="""the latest version of {package}
        the current version of {package}""",
        compares="""Which was released last, {list}?
        What are the versions of {list}?
        Compare the versions of {list}.""",
    ),
    spec(
        "downloads download_count package_downloads",
        text("package", "package", "name library"),
        """monthly downloads of a software package
        how often a library is fetched""",
        """How often is {package} downloaded?
        How many downloads does {package} have?
        downloads {package}
        Is {package} used a lot?
        number of downloads of {package}?""",
        returns="number",
        clauses="""how often {package} is downloaded
        how many downloads {package} has
        how much {package} is used""",
        nouns="""the number of downloads of {package}
        the downloads of {package}""",
        compares="""Which is downloaded more, {list}?
        Compare the downloads of {list}.
        Which library is more popular, {list}?""",
        result="number",
    ),
    spec(
        "create_issue open_issue issues.create file_bug",
        (text("repo", "repo", "repository project"), text("title", "topic", "subject summary"), choice("label", "kind", optional=True, bug="as a bug|labelled as a bug", feature="as a feature request", docs="as a docs issue")),
        """opens an issue in a repository
        files a bug""",
        """Open an issue in {repo} about {title}.
        File an issue on {title} in {repo}.
        issue {repo} {title}
        Create an issue in {repo} titled {title}.""",
        returns="{number:int, url}",
        clauses="""open an issue in {repo} about {title}
        file an issue about {title} in {repo}
        create an issue on {title} in {repo}""",
        effect="write",
    ),
    spec(
        "website_status is_up ping uptime_check",
        text("url", "url", "site address host"),
        """whether a website answers, and how fast
        uptime of a site""",
        """Is {url} up?
        Does {url} answer?
        ping {url}
        Is the site {url} down?
        check {url} for me""",
        returns="{up:bool, status:int, milliseconds:number}",
        clauses="""whether {url} is up
        if {url} answers
        how fast {url} responds""",
        compares="""Which site is faster, {list}?
        Are {list} up?
        Compare the response times of {list}.""",
        gives={"milliseconds": "number: the response time of {url}"},
    ),
) + domain(
    "education",
    "train",
    spec(
        "university_info get_school school_profile",
        text("school", "school", "university name"),
        """facts about a university: city, students, fees, founding year
        profile of a school""",
        """Tell me about {school}.
        What kind of school is {school}?
        profile {school}
        What should I know about {school}?
        facts on {school} please""",
        returns="{name, city, students:int, founded:int, fee:number, ranking:int}",
        clauses="""some facts about {school}
        what kind of school {school} is
        what one should know about {school}""",
        compares="""Which university is older, {list}?
        Which has more students, {list}?
        Compare {list} as universities.
        Are {list} in the same city?""",
        gives={
            "city": "city: the city of {school}|the city where {school} is",
            "students": "number: the number of students at {school}|the number of students of {school}",
            "fee": "number: the tuition fee of {school}|the fee at {school}",
            "ranking": "number: the ranking of {school}",
        },
    ),
    spec(
        "average_salary salary_of pay wage_for",
        (text("job", "occupation", "occupation profession role"), text("country", "country", "place location", optional=True)),
        """average yearly salary of a profession
        what people in a job earn""",
        """How much does a {job} earn?
        What is the average salary of a {job}?
        salary {job}
        What does a {job} make in a year?
        is a {job} paid well""",
        returns="number",
        clauses="""how much a {job} earns
        what the salary of a {job} is
        what a {job} makes in a year""",
        nouns="""the salary of a {job}
        the average salary of a {job}""",
        compares="""Who earns more, {list}?
        Compare the salaries of {list}.
        Which job pays better, {list}?""",
        extras={"country": "in {country}|working in {country}"},
        result="number",
    ),
    spec(
        "job_search find_jobs vacancies jobs.search",
        (text("job", "occupation", "title role query"), text("city", "city", "location place"), flag("remote", "that can be done from home|remote ones only", "remote_only"), number("min_salary", 20000, 90000, "salary pay_from", optional=True)),
        """open positions for a profession in a city
        vacancies""",
        """Are there any jobs as a {job} in {city}?
        Find vacancies for a {job} in {city}.
        {job} jobs {city}
        Who is hiring a {job} in {city}?
        I want to work as a {job} in {city}""",
        returns="[{company, salary:number, title}]",
        clauses="""which jobs there are for a {job} in {city}
        who is hiring a {job} in {city}
        whether {city} needs a {job}""",
        extras={"min_salary": "paying at least {min_salary}|for {min_salary} or more a year"},
    ),
    spec(
        "courses find_courses course_search",
        (text("subject", "topic", "topic about"), choice("level", "difficulty", optional=True, beginner="for beginners", intermediate="at intermediate level", advanced="for advanced learners"), flag("free", "that cost nothing|free of charge", "only_free")),
        """courses on a subject
        where to learn something""",
        """Which courses are there on {subject}?
        Where can I learn about {subject}?
        courses {subject}
        Find me a course about {subject}.
        I want to study {subject}""",
        returns="[{title, provider, weeks:int}]",
        clauses="""which courses there are on {subject}
        where to learn about {subject}
        a course about {subject}""",
        nouns="""the courses on {subject}""",
        compares="""Which takes longer to learn, {list}?
        Find courses on {list}.
        Compare the courses on {list}.""",
    ),
)  # fmt: skip
