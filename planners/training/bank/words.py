"""Word lists that names are made of. Data only: how words are put together is in `names.py`."""

# ruff: noqa: E501  (one line is one wording, or one list)

from __future__ import annotations


def word_list(text: str) -> tuple[str, ...]:
    """Words between spaces."""
    return tuple(text.split())


def phrase_list(text: str) -> tuple[str, ...]:
    """What stands between commas."""
    return tuple(part.strip() for part in text.replace("\n", " ").split(",") if part.strip())


SOUNDS: tuple[tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]], ...] = (
    (word_list("bar bel brin cal cor dal dun el fen gar hal har kel lan lor mar mel nor pel ros sel tal tor val wen win"), word_list("a an er i in o ar el"), word_list("don ton mere wick ley ford dale moor stead well burn gate by brook worth shaw holt combe")),
    (word_list("al be ca cor de es fa gra ju la lu ma mi mon na or pa qui ra ro sa se ta tor va ve vi"), word_list("ma ra lo si be ri ta vi no ne"), word_list("rillo dona vento zano leda nova mira rena gosa telli ñeda cante ruda vera lino zaro")),
    (word_list("bla bo bra che do dra go gra kra ku lyu ma mi no ob pet po ra ro slav sta su vla vo ya zde ze"), word_list("bo vi ro ni sla li mi ko"), word_list("grad slavl vo sk nik mir vets chov nitsa lin burg domir lava dovo pol řov")),
    (word_list("a chi e fu ha hi i ka ki ko ma mi mo na ni o ri sa shi su ta to u ya yo"), word_list("ka ma na ri shi to ra ku mo"), word_list("yama kawa hara saki shima moto mura zawa tani no ta da naga")),
    (word_list("a ba bo da du ga i ja ka ki ku la ma mba mwa na nde nya o sa ta u wa ya zi"), word_list("ba ka la ma ndi ngo ra shi wa"), word_list("mbe la ndu ro za nga si ko le bo ri tu lele vari")),
    (word_list("ab al am az ba bir dar fa ha is jal ka kha ma nas qa ra sha ta yaz za"), word_list("a ba da i li ma ra"), word_list("bad din har med nour ram shah tan yan zad mand far")),
    (word_list("å bjør dra ei far fjell fri gud hel hå ise kle lau lin nor ro sand ska sol stav stor sve trom ve ør"), word_list("a e en i a"), word_list("vik dal havn sund stad borg lund nes berg heim øy ås foss land")),
    (word_list("bao chen da fei guang han hong jia jin kun lan li long mei ning qing shan tai wei xi yan yong zheng"), word_list("an u i"), word_list("cheng jiang yang zhou shan hai ping dong ling nan xin bei")),
)  # fmt: skip
FIRST = word_list(
    "Anna Boris Clara David Elena Felix Greta Hugo Irene Jonas Karin Leo Maria Nils Olga Peter Quentin Rosa Stefan Tara "
    "Ulrich Vera Walter Xenia Yusuf Zoe Amir Bella Carlos Dina Emil Farah Ivan Julia Kenji Lars Mei Noor Omar Priya "
    "Sam Mike Alice Bob Jane Tom Emma Oliver Sophie Jack Grace Henry Lucy Ahmed Fatima Wei Hiroshi Yuki Ana Pablo "
    "José Zoë André Søren Björn Siobhán Niamh Kwame Ama Chidi Ngozi Tendai Arjun Lakshmi Ravi Deepa Mateo Lucía Dmitri "
    "Natasha Kofi Aisha Hassan Leila Cyrus Dara Minh Linh Somchai Putu Dewi Mark Ruth Paul Esther George Virginia Will "
    "Grant Hope Dean Pat Art Rich Summer April May June Dawn Rose Ray Gene Lance Miles Chase Jean François Günther Zbigniew"
)
LAST = word_list(
    "Arden Bukowski Castellan Dragomir Eklund Ferrante Gorman Halloran Iverson Jankovic Keller Lindqvist Moreau Novak "
    "Okafor Petrov Quist Ramires Sorensen Tanaka Ueda Vasquez Whitlock Xu Yamada Zeller Abbott Barlow Crane Dunmore "
    "Ellison Smith Jones Garcia Müller Nguyen Kim Lee Chen Wang Patel Singh Khan Ali Cohen Rossi Silva Santos Kowalski "
    "Nielsen Hansen Virtanen Papadopoulos Ivanova O'Brien O'Connor D'Angelo N'Dour Adeyemi Mensah Mbeki Haddad Rahman "
    "Yilmaz Demir Popescu Horvath Dvořák Björnsson Larsen Dubois Lefèvre Schmidt Weber Wood King Bishop Page Stone Young "
    "Long Short Brown White Green Black Love Price Rivers Lake Field Church Hill Banks Day Knight Baker Cook Walker Hunt "
    "Fox Wolfe Swan Lord Power Best Strange Fields Woods Winter Frost Snow English French Holland London York Paris"
)
LAST_STARTS = word_list("Mc Mac Fitz O' De")
LAST_PARTS = (word_list("Ash Black Green Whit Lock Stan Thorn Wald Stein Berg Rosen Gold Silver Hart Wester Lind"), word_list("ford more hope field man berg bach ham well worth stone wick ley croft burn gren qvist"))  # fmt: skip
PEOPLE = phrase_list(
    "Marie Curie, Albert Einstein, Nelson Mandela, Frida Kahlo, Ed Wood, Scott Derrickson, Serena Williams, Pelé, Ada "
    "Lovelace, Isaac Newton, Tim Cook, Elon Musk, Angela Merkel, Barack Obama, Taylor Swift, Beyoncé, Usain Bolt, Jane "
    "Austen, Leo Tolstoy, Toni Morrison, Akira Kurosawa, Steven Spielberg, Wolfgang Amadeus Mozart, Charles Darwin, Rosa "
    "Parks, Leonardo da Vinci, Vincent van Gogh, Mahatma Gandhi, J.K. Rowling, J.R.R. Tolkien, Stephen King, Meryl Streep"
)
CITIES = phrase_list(
    "Oslo, Bergen, Stockholm, Copenhagen, Helsinki, Reykjavik, London, Manchester, Edinburgh, Dublin, Cork, Paris, Lyon, "
    "Marseille, Nice, Berlin, Munich, Hamburg, Cologne, Vienna, Graz, Zurich, Geneva, Basel, Rome, Milan, Naples, Turin, "
    "Venice, Madrid, Barcelona, Seville, Valencia, Lisbon, Porto, Athens, Thessaloniki, Istanbul, Ankara, Izmir, Warsaw, "
    "Kraków, Prague, Brno, Budapest, Bucharest, Sofia, Belgrade, Zagreb, Ljubljana, Kyiv, Lviv, Odesa, Moscow, Kazan, "
    "Tallinn, Riga, Vilnius, Minsk, Tbilisi, Yerevan, Baku, Cairo, Alexandria, Tunis, Algiers, Casablanca, Marrakesh, "
    "Fez, Lagos, Abuja, Accra, Dakar, Nairobi, Mombasa, Kampala, Kigali, Addis Ababa, Dar es Salaam, Lusaka, Harare, "
    "Cape Town, Durban, Johannesburg, Windhoek, Antananarivo, Dubai, Abu Dhabi, Doha, Riyadh, Muscat, Tehran, Baghdad, "
    "Beirut, Amman, Jerusalem, Tel Aviv, Karachi, Lahore, Islamabad, Delhi, New Delhi, Mumbai, Bangalore, Chennai, "
    "Kolkata, Pune, Jaipur, Dhaka, Kathmandu, Colombo, Yangon, Bangkok, Chiang Mai, Hanoi, Ho Chi Minh City, Phnom Penh, "
    "Vientiane, Kuala Lumpur, Singapore, Jakarta, Surabaya, Manila, Cebu, Taipei, Hong Kong, Shanghai, Beijing, Shenzhen, "
    "Chengdu, Xi'an, Seoul, Busan, Tokyo, Osaka, Kyoto, Sapporo, Nagoya, Ulaanbaatar, Almaty, Tashkent, Samarkand, Sydney, "
    "Melbourne, Brisbane, Perth, Adelaide, Hobart, Auckland, Wellington, Suva, Honolulu, New York, New York City, Boston, "
    "Philadelphia, Washington, Chicago, Detroit, Dallas, Houston, Austin, San Antonio, Denver, Phoenix, Las Vegas, Los "
    "Angeles, San Francisco, San Diego, Seattle, Portland, Miami, Orlando, Atlanta, New Orleans, Nashville, Minneapolis, "
    "Toronto, Montréal, Ottawa, Vancouver, Calgary, Halifax, Québec City, Mexico City, Guadalajara, Monterrey, Havana, "
    "Kingston, San Juan, Panama City, San José, Bogotá, Medellín, Cali, Quito, Lima, Cusco, La Paz, Santa Cruz, Santiago, "
    "Valparaíso, Buenos Aires, Córdoba, Rosario, Montevideo, Asunción, São Paulo, Rio de Janeiro, Brasília, Salvador, "
    "Recife, Manaus, Bath, Reading, Nice, Split, Mobile, Orange, Bar, Ghent, Bruges, Antwerp, Brussels, Rotterdam, "
    "Utrecht, The Hague, Amsterdam, Luxembourg, Malmö, Gothenburg, Tromsø, Aarhus, Turku, Bonn, Leipzig, Dresden"
)
CITY_STARTS = word_list("San Port New Saint El Fort Cape Santa North East Old Los Bad Great Lower West")
TOWN_PARTS = (word_list("Spring Green River Clear Oak Maple Stone Bridge Ash West North South King Queen Brook Fair Mill Red High Cold Long Wood Sand Cross"), word_list("field ville port ton town wood haven burg mont dale ford view side gate water bury ridge"))  # fmt: skip
COUNTRIES = phrase_list(
    "Norway, Sweden, Denmark, Finland, Iceland, Ireland, France, Germany, Austria, Switzerland, Italy, Spain, Portugal, "
    "Greece, Turkey, Poland, Czechia, Slovakia, Hungary, Romania, Bulgaria, Serbia, Croatia, Slovenia, Ukraine, Russia, "
    "Estonia, Latvia, Lithuania, Belarus, Georgia, Armenia, Azerbaijan, Egypt, Tunisia, Algeria, Morocco, Libya, Nigeria, "
    "Ghana, Senegal, Mali, Niger, Chad, Kenya, Uganda, Rwanda, Ethiopia, Tanzania, Zambia, Zimbabwe, Botswana, Namibia, "
    "South Africa, Madagascar, Mauritius, Angola, Mozambique, Cameroon, Gabon, Qatar, Saudi Arabia, Oman, Yemen, Iran, "
    "Iraq, Lebanon, Jordan, Israel, Pakistan, India, Bangladesh, Nepal, Bhutan, Sri Lanka, Myanmar, Thailand, Vietnam, "
    "Cambodia, Laos, Malaysia, Singapore, Indonesia, Philippines, Taiwan, China, South Korea, North Korea, Japan, "
    "Mongolia, Kazakhstan, Uzbekistan, Australia, New Zealand, Fiji, Samoa, Tonga, United States, Canada, Mexico, "
    "Cuba, Jamaica, Haiti, Dominican Republic, Guatemala, Honduras, Nicaragua, Costa Rica, Panama, Colombia, Ecuador, "
    "Peru, Bolivia, Chile, Argentina, Uruguay, Paraguay, Brazil, Venezuela, Guyana, Suriname, Belgium, Netherlands, "
    "Luxembourg, Malta, Cyprus, Albania, Moldova, Ivory Coast, Sierra Leone, Papua New Guinea, Trinidad and Tobago, "
    "Bosnia and Herzegovina, San Marino, Andorra, Monaco, Liechtenstein, USA, UK, United Kingdom, Burkina Faso"
)
REGIONS = phrase_list(
    "Bavaria, Tuscany, Catalonia, Andalusia, Provence, Normandy, Scotland, Wales, Texas, California, Ohio, Alberta, "
    "Ontario, Queensland, Tasmania, Punjab, Kerala, Sichuan, Hokkaido, Lombardy, Silesia, Transylvania, Patagonia, Bahia, "
    "Flanders, Lapland, Saxony, Galicia, Sicily, Crete, Oaxaca, Jalisco, New South Wales, British Columbia, West Virginia"
)
RIVERS = phrase_list("Nile, Amazon, Danube, Rhine, Thames, Volga, Mekong, Ganges, Mississippi, Congo, Niger, Yangtze, Po, Seine, Loire, Elbe, Tagus, Colorado River, Yukon, Indus")  # fmt: skip
MOUNTAINS = phrase_list("Mount Everest, K2, Mont Blanc, Kilimanjaro, Denali, Matterhorn, Mount Fuji, Aconcagua, Ben Nevis, Elbrus, Eiger, Galdhøpiggen, Table Mountain, Annapurna, Pikes Peak, Mount Rainier")  # fmt: skip
LAKES = phrase_list("Lake Victoria, Lake Baikal, Loch Ness, Lake Superior, Lake Geneva, Lake Como, Crater Lake, Titicaca, Lake Tahoe, Great Salt Lake, Mjøsa, Balaton, Caspian Sea")  # fmt: skip
ISLANDS = phrase_list("Madagascar, Greenland, Crete, Corsica, Bali, Java, Sicily, Malta, Zanzibar, Tasmania, Borneo, Isle of Man, Easter Island, Sardinia, Long Island, Hokkaido")  # fmt: skip
MUSEUMS = phrase_list("Louvre, Prado, British Museum, Rijksmuseum, Uffizi Gallery, Hermitage, Tate Modern, Museum of Modern Art, Vasa Museum, Getty Center, Smithsonian, Pergamon Museum")  # fmt: skip
STATIONS = phrase_list("Grand Central, King's Cross, Gare du Nord, Shinjuku, Victoria Station, Union Station, Termini, Paddington, Shibuya, Oslo S, Waterloo, Hauptbahnhof")  # fmt: skip
HOTELS = phrase_list("The Ritz, Hotel Adlon, Grand Budapest Hotel, Waldorf Astoria, Savoy, Raffles, Chateau Marmont, Park Inn, Sunset Lodge")  # fmt: skip
RESTAURANTS = phrase_list("Noma, Blue Door, La Piazza, Golden Dragon, Mama Rosa, The Fat Duck, Sushi Zen, Taco Loco, The Green Olive, Café Central")  # fmt: skip
WINES = phrase_list("Château Margaux, Barolo, Rioja Reserva, Dom Pérignon, Opus One, Chianti Classico, Penfolds Grange, Sancerre, Malbec, Pinot Noir, Riesling Spätlese, Amarone")  # fmt: skip
AIRLINES = phrase_list("Lufthansa, Air France, Emirates, Delta, Ryanair, Qantas, KLM, Iberia, Japan Airlines, Turkish Airlines, easyJet, Singapore Airlines")  # fmt: skip
ADJECTIVES = word_list(
    "silver golden red black white northern southern great little old new royal blue green iron crystal hidden broken "
    "silent lucky wild frozen burning lost secret last first dark bright hollow stone crimson velvet electric paper "
    "quiet endless gentle crooked distant sleeping narrow ancient perfect invisible amber scarlet copper hungry lonely "
    "brave pale deep sacred bitter sweet heavy rapid sunny happy strange modern foreign forgotten final second third"
)
NOUNS = word_list(
    "night dream house road heart storm winter summer story war day song fire rain moon star king queen ghost shadow "
    "circus letter mirror machine ship train wolf bird bear dance game dog child thief doctor soldier stranger wedding "
    "party empire river mountain garden tower bridge window door island forest desert ocean harbor signal engine ladder "
    "orchard feather lantern compass anchor falcon sparrow tiger horse fox rabbit crow kite meadow canyon valley valve "
    "budget invoice draft notes sample index photo motherland kingdom planet comet thunder echo whisper clock key coin "
    "bottle pearl button needle thread basket violin drum trumpet piano canvas palace temple market square lighthouse"
)
VERBS_ING = word_list(
    "Breaking Waiting Finding Losing Running Dancing Chasing Saving Leaving Building Remembering Crossing"
)
VERBS_ED = word_list("Sang Fell Ran Waited Laughed Vanished Returned Dreamed Stayed Knew")
VERBS_IMP = word_list("Take Bring Show Call Give Tell Leave Find Follow Catch")
TITLES = phrase_list(
    "The Motherland Calls, Inception, Titanic, Parasite, Casablanca, Pulp Fiction, Spirited Away, War and Peace, Moby "
    "Dick, Emma, Dune, It, Jaws, Up, Amélie, Gone with the Wind, The Lord of the Rings, Pride and Prejudice, Crime and "
    "Punishment, One Hundred Years of Solitude, Bohemian Rhapsody, Yesterday, Imagine, Hey Jude, Waterloo, Toy Story 3, "
    "2001 A Space Odyssey, Blade Runner 2049, Nineteen Eighty-Four, What Is to Be Done, Where the Wild Things Are, Who "
    "Framed Roger Rabbit, How to Train Your Dragon, Catch-22, Se7en, WALL-E, The Price of Salt, The Population Bomb"
)
BUILDINGS = word_list("Tower Palace Castle Cathedral Bridge Stadium Opera Museum Theater Library Temple Hall Arena Lighthouse Mosque Basilica Station Villa Dam Church Hotel Monument Statue Gate")  # fmt: skip
LANDMARKS = phrase_list(
    "Eiffel Tower, Burj Khalifa, Empire State Building, Big Ben, Colosseum, Taj Mahal, Statue of Liberty, Sagrada Família, "
    "Sydney Opera House, Golden Gate Bridge, Willis Tower, The Shard, One World Trade Center, Petronas Towers, Hagia "
    "Sophia, The Motherland Calls, Brandenburg Gate, Leaning Tower of Pisa, CN Tower, Space Needle, Christ the Redeemer"
)
COMPANIES = phrase_list("Apple, Microsoft, Google, Amazon, Toyota, Siemens, Nestlé, Samsung, Sony, IKEA, Volvo, Shell, Nokia, Airbus, Boeing, Tesla, Intel, Nvidia, Adidas, Unilever, Maersk, Tata Motors, Novo Nordisk, Equinor, Pfizer, Netflix, Spotify, HSBC, L'Oréal, Procter & Gamble, Johnson & Johnson, General Electric, Coca-Cola, McDonald's, 3M, BP, SAP, Visa, Target, Gap")  # fmt: skip
COMPANY_ENDS = word_list("Inc Ltd Group Industries Systems Motors Energy Foods Bank Logistics Airlines Pharma Labs Robotics Holdings Media Partners AG GmbH Corporation Software Shipping Mining Textiles")  # fmt: skip
TECH = (word_list("Data Cloud Net Bit Pixel Nano Hyper Blue Open Smart Solar Bio Quantum Fin Deep Air Green Cyber"), word_list("forge wave works ly hub stack mind grid loop base cast path scale point flow lift spark"))  # fmt: skip
BANDS = phrase_list("The Beatles, ABBA, Queen, U2, Radiohead, Coldplay, Metallica, Daft Punk, Sigur Rós, Led Zeppelin, The Rolling Stones, Blur, Yes, Kiss, Boston, Chicago, Europe, Toto, Arctic Monkeys, Guns N' Roses, Earth Wind & Fire, The Who, AC/DC, a-ha")  # fmt: skip
TEAM_ENDS = word_list("United City Rovers Wanderers Lakers Tigers Hawks Bears Sharks Wolves Eagles Giants Rangers Athletic Town Knights Falcons Bulls Dragons")  # fmt: skip
TEAMS = phrase_list("Real Madrid, FC Barcelona, Liverpool, Arsenal, Bayern Munich, Juventus, Boston Celtics, Chicago Bulls, New York Yankees, Ajax, Boca Juniors, Rosenborg, Toronto Raptors, Golden State Warriors, Miami Heat, Utah Jazz")  # fmt: skip
ITEMS = phrase_list(
    "apples, green tea, coffee beans, electric bikes, sweaters, running shoes, ceramic mugs, oat milk, standing desks, "
    "maple syrup, garden tools, headphones, keyboards, desk lamps, backpacks, notebooks, umbrellas, tents, sleeping bags, "
    "yoga mats, bicycles, scooters, rice cookers, toasters, kettles, blenders, pillows, blankets, curtains, paint brushes, "
    "hammers, screwdrivers, light bulbs, batteries, phone cases, chargers, laptops, tablets, monitors, printers, ink "
    "cartridges, staplers, envelopes, pencils, markers, candles, vases, picture frames, mirrors, rugs, sofas, armchairs, "
    "bookshelves, wardrobes, shampoo, toothpaste, soap, sunscreen, jackets, raincoats, socks, gloves, scarves, hats, "
    "jeans, boots, sandals, sunglasses, watches, rings, necklaces, guitars, violins, drum kits, dog food, cat litter, "
    "fish tanks, bird seed, plant pots, fertilizer, garden hoses, lawn mowers, snow shovels, suitcases, travel mugs"
)
ITEM_ADJECTIVES = word_list("red blue wireless wooden cheap vintage cotton wool leather organic foldable waterproof large small portable second-hand steel bamboo rechargeable noise-cancelling")  # fmt: skip
ANIMALS = phrase_list(
    "cheetah, snow leopard, blue whale, wolf, deer, falcon, hedgehog, penguin, otter, elephant, giraffe, octopus, salmon, "
    "tortoise, crocodile, gecko, python, kangaroo, koala, wombat, panda, bear, fox, rabbit, squirrel, bat, owl, eagle, "
    "heron, pelican, swan, crane, parrot, hummingbird, woodpecker, shark, dolphin, seal, walrus, jellyfish, starfish, "
    "lobster, crab, beetle, butterfly, dragonfly, honey bee, ant, spider, scorpion, frog, newt, horse, donkey, camel, "
    "llama, goat, sheep, yak, bison, moose, reindeer, badger, mole, mouse, hamster, ferret, lynx, jaguar, lion, tiger, hyena"
)
ANIMAL_ADJECTIVES = word_list("red grey spotted giant dwarf common African Arctic golden mountain striped great white-tailed European long-eared desert royal Siberian")  # fmt: skip
DISHES = phrase_list("paella, ramen, lasagne, pad thai, goulash, tacos, pizza margherita, moussaka, bibimbap, fish and chips, pierogi, falafel, borscht, ceviche, chicken tikka masala, beef bourguignon, pho, jollof rice, ratatouille, feijoada, crème brûlée, mac and cheese, tiramisu, apple pie, caesar salad, sushi, gumbo, poutine")  # fmt: skip
INGREDIENTS = phrase_list("chicken, tofu, rice, lentil, tomato, spinach, mushroom, salmon, beef, lamb, potato, carrot, pumpkin, avocado, mango, lemon, garlic, coconut, chickpea, aubergine, oat, almond, banana, apple, cheddar, halloumi, olive, pepper, walnut, shrimp, egg, kale, leek, beetroot, black bean")  # fmt: skip
DISH_ENDS = word_list("soup curry stew salad pie risotto tart burger wrap casserole pancakes noodles sandwich bowl cake bread stir-fry omelette")  # fmt: skip
DISH_ADJECTIVES = word_list(
    "spicy creamy baked roasted cold smoky vegan grilled crispy slow-cooked Thai Moroccan Greek"
)
PLANTS = phrase_list("oak, birch, maple, pine, tulip, rose, orchid, lavender, basil, mint, fern, cactus, bamboo, sunflower, daisy, lily, ivy, fig tree, olive tree, tomato plant, monstera, aloe vera, peace lily, rubber plant, magnolia, cherry tree, willow, heather, thistle, poppy")  # fmt: skip
ELEMENTS = phrase_list("hydrogen, helium, lithium, carbon, nitrogen, oxygen, neon, sodium, magnesium, aluminium, silicon, sulfur, chlorine, potassium, calcium, titanium, chromium, iron, nickel, copper, zinc, gallium, silver, tin, iodine, xenon, platinum, gold, mercury, lead, uranium, tungsten, cobalt, argon, krypton, bromine, boron, phosphorus, osmium, iridium, radium, Fe, Au, Ag, Pb")  # fmt: skip
SALTS = (word_list("sodium potassium calcium copper iron zinc lithium ammonium silver lead magnesium"), word_list("chloride sulfate nitrate oxide carbonate phosphate bromide iodide hydroxide acetate"))  # fmt: skip
TICKERS = word_list(
    "AAPL MSFT GOOG AMZN TSLA NVDA META IBM INTC NFLX SAP VOW BMW SHEL BP TSM ORCL T F GE KO PEP DIS V"
)
MONTHS = word_list("January February March April May June July August September October November December")
WEEKDAYS = word_list("Monday Tuesday Wednesday Thursday Friday Saturday Sunday")
LANGUAGES = phrase_list("English, Spanish, French, German, Italian, Portuguese, Dutch, Swedish, Norwegian, Danish, Finnish, Icelandic, Polish, Czech, Russian, Ukrainian, Greek, Turkish, Arabic, Hebrew, Persian, Hindi, Urdu, Bengali, Tamil, Thai, Vietnamese, Mandarin, Cantonese, Japanese, Korean, Swahili, Zulu, Amharic, Welsh, Irish, Basque, Catalan, Latin, Esperanto, Brazilian Portuguese, Mandarin Chinese")  # fmt: skip
CURRENCIES = phrase_list("USD, EUR, GBP, NOK, SEK, DKK, JPY, CHF, CAD, AUD, INR, CNY, BRL, MXN, PLN, TRY, ZAR, KRW, euros, dollars, US dollars, pounds, yen, rupees, Swiss francs, Norwegian kroner, pesos, zloty, bitcoin, Canadian dollars, Danish kroner, yuan, won, rand")  # fmt: skip
SPORTS = phrase_list("football, basketball, tennis, cricket, rugby, ice hockey, baseball, volleyball, handball, golf, badminton, table tennis, swimming, rowing, curling, judo, fencing, cross-country skiing, biathlon, surfing, climbing, cycling, sumo")  # fmt: skip
OCCUPATIONS = phrase_list("nurse, plumber, electrician, software engineer, teacher, pilot, carpenter, lawyer, baker, dentist, architect, journalist, data scientist, bus driver, chef, welder, librarian, pharmacist, graphic designer, accountant, farmer, translator, civil engineer, firefighter, police officer, barista, truck driver, surgeon, actor")  # fmt: skip
NATIONALITIES = phrase_list("American, British, French, German, Italian, Spanish, Norwegian, Swedish, Danish, Finnish, Dutch, Belgian, Polish, Czech, Hungarian, Greek, Turkish, Russian, Ukrainian, Egyptian, Nigerian, Kenyan, South African, Indian, Pakistani, Chinese, Japanese, Korean, Vietnamese, Thai, Australian, New Zealand, Canadian, Mexican, Brazilian, Argentine, Chilean, Colombian, Peruvian, Irish, Icelandic")  # fmt: skip
TOPICS = phrase_list(
    "photosynthesis, black holes, the French Revolution, quantum computing, volcanoes, honey bees, jazz, plate tectonics, "
    "inflation, vaccines, coral reefs, glaciers, the Silk Road, machine learning, origami, nuclear fusion, tides, gravity, "
    "the Roman Empire, chess openings, renewable energy, string theory, cubism, the Cold War, DNA, antibiotics, sourdough, "
    "blockchain, migration of birds, deep sea vents, Viking ships, samba, the water cycle, electric cars, rainforests, "
    "game theory, opera, typography, beekeeping, haiku, sign language, earthquakes, comets, mangroves, sumo wrestling"
)
TOPICS = tuple(t.removeprefix("the ") for t in TOPICS)
TOPIC_ADJECTIVES = word_list(
    "medieval modern Japanese ancient digital marine urban classical industrial Nordic organic solar public wireless"
)
TOPIC_NOUNS = phrase_list("architecture, farming, transport, music, trade, shipbuilding, cooking, astronomy, education, medicine, poetry, fishing, housing, cinema, politics, tourism, weaving, law, sculpture, theatre, mapmaking, banking, football, clothing")  # fmt: skip
PHRASES = phrase_list(
    "good morning, see you tomorrow, where is the train station, thank you very much, I am running late, happy birthday, "
    "how much does this cost, the meeting is cancelled, can you call me back, I love you, dinner is ready, please send the "
    "report, the door is open, two coffees please, I missed the bus, good luck, we are on our way, have a safe trip"
)
PHRASE_PARTS = (
    phrase_list(
        "I will, we can, she wants to, they should, please, my brother will, the team must, he did not, you can, nobody will"
    ),
    word_list("bring open send find finish clean buy check move forget sell paint book repair"),
    phrase_list(
        "the keys, the report, some bread, the tickets, a taxi, the window, the blue car, my bag, the contract, two chairs, the cake, the parcel"
    ),
    phrase_list(
        "tonight, before lunch, on Monday, tomorrow morning, after work, right now, at the station, for the party"
    ),
)
ROOMS = phrase_list("kitchen, living room, bedroom, bathroom, garage, hallway, office, guest room, basement, attic, nursery, porch, dining room, garden, boardroom, conference room B, lobby, lab 3, auditorium, studio")  # fmt: skip
PLANETS = phrase_list("Mercury, Venus, Mars, Jupiter, Saturn, Uranus, Neptune, Pluto, Earth, Titan, Europa, Ganymede, Io, Ceres, Triton, Sirius, Betelgeuse, Vega, Proxima Centauri, Polaris, Moon, Callisto, Enceladus, Rigel")  # fmt: skip
EVENTS = word_list(
    "Marathon Festival Conference Fair Summit Derby Carnival Expo Biennale Regatta Parade Congress Open Gala"
)
MEETINGS = phrase_list("standup, team lunch, dentist appointment, budget review, yoga class, project kick-off, parents evening, board meeting, coffee, job interview, piano lesson, book club, sprint planning, haircut, design review, video call")  # fmt: skip
DISEASES = phrase_list("influenza, malaria, measles, asthma, type 2 diabetes, migraine, pneumonia, tuberculosis, anemia, arthritis, Lyme disease, dengue fever, chickenpox, bronchitis, eczema, gout, psoriasis, celiac disease, whooping cough, hypertension")  # fmt: skip
DRUGS = phrase_list("ibuprofen, paracetamol, aspirin, amoxicillin, metformin, insulin, warfarin, codeine, morphine, atorvastatin, penicillin, loratadine, omeprazole, prednisone, sertraline, lisinopril, diazepam")  # fmt: skip
GENRES = phrase_list("jazz, rock, hip hop, classical, folk, techno, country, reggae, blues, metal, horror, comedy, science fiction, thriller, romance, fantasy, western, drama, crime, indie pop, bossa nova, animation")  # fmt: skip
CUISINES = phrase_list("Italian, Thai, Mexican, Indian, Japanese, vegan, Greek, Ethiopian, French, Korean, Lebanese, Peruvian, Vietnamese, seafood, Turkish, Georgian, sushi, ramen, pizza, barbecue")  # fmt: skip
DEVICES = phrase_list("lamp, heater, fan, thermostat, speaker, TV, coffee machine, dishwasher, washing machine, air conditioner, vacuum cleaner, doorbell, camera, garage door, blinds, oven, humidifier, router, printer, sprinkler")  # fmt: skip
TASKS = (
    word_list("buy call clean water pay fix send book pick paint wash return renew"),
    phrase_list(
        "milk, the plumber, the car, the plants, the rent, the bike, the invoice, a dentist, the kids, the fence, the dishes, library books, the passport, grandma, flowers, the insurance, the gutters, the landlord"
    ),
)
VEHICLES = phrase_list(
    "Coupe, GT, 500, X5, Roadster, Hybrid, Wagon, EV, Pickup, Sedan, 911, Turbo, Van, Cruiser, Model S"
)
PACKAGES = phrase_list("numpy, pandas, requests, react, django, flask, pytest, express, lodash, serde, tokio, rails, httpx, pydantic, left-pad, webpack, fastapi, sqlalchemy")  # fmt: skip
RARE_WORDS = word_list("serendipity ephemeral petrichor ubiquitous quixotic halcyon laconic mellifluous obfuscate zephyr gossamer labyrinth juxtapose quandary ineffable sonder nadir zenith apricity")  # fmt: skip
UNITS: tuple[tuple[tuple[str, ...], ...], ...] = (
    (("miles", "mile", "mi"), ("kilometres", "kilometers", "km"), ("metres", "meters", "m"), ("feet", "foot", "ft"), ("inches", "inch", "in"), ("centimetres", "centimeters", "cm"), ("yards", "yd"), ("nautical miles", "nmi"), ("millimetres", "mm"), ("light years", "ly")),
    (("kilograms", "kilos", "kg"), ("pounds", "lbs", "lb"), ("grams", "grammes", "g"), ("ounces", "oz"), ("tonnes", "metric tons", "t"), ("stone", "st"), ("milligrams", "mg")),
    (("Celsius", "degrees Celsius", "celsius", "°C"), ("Fahrenheit", "degrees Fahrenheit", "fahrenheit", "°F"), ("kelvin", "Kelvin", "K")),
    (("litres", "liters", "L"), ("gallons", "US gallons", "gal"), ("millilitres", "milliliters", "ml"), ("cups", "cup"), ("pints", "pt"), ("fluid ounces", "fl oz"), ("tablespoons", "tbsp"), ("teaspoons", "tsp")),
    (("square kilometres", "square kilometers", "km2"), ("square miles", "sq mi"), ("acres", "acre"), ("hectares", "ha"), ("square feet", "sq ft"), ("square metres", "square meters", "m2")),
    (("hours", "hrs", "h"), ("minutes", "min"), ("seconds", "s"), ("days", "d"), ("weeks", "week"), ("years", "yr")),
    (("kilometres per hour", "km/h", "kmh"), ("miles per hour", "mph"), ("metres per second", "m/s"), ("knots", "kn")),
    (("joules", "J"), ("calories", "cal"), ("kilowatt hours", "kWh"), ("kilocalories", "kcal"), ("kilojoules", "kJ")),
    (("megabytes", "MB"), ("gigabytes", "GB"), ("kilobytes", "kB"), ("terabytes", "TB"), ("bytes", "B")),
    (("bar", "bars"), ("pascals", "Pa"), ("psi",), ("atmospheres", "atm"), ("millibars", "mbar")),
    (("watts", "W"), ("horsepower", "hp"), ("kilowatts", "kW")),
    (("degrees", "deg"), ("radians", "rad")),
)  # fmt: skip
