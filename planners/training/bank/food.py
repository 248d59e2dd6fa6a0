"""Tools about food and cooking; held out, they are only ever scored with."""

# ruff: noqa: E501  (one line is one wording, or one list)

from __future__ import annotations

from .making import choice, domain, flag, number, several, spec, text

SPECS = domain(
    "food",
    "held",
    spec(
        "calories get_calories calorie_count kcal",
        text("dish", "dish", "food meal"),
        """calories of a portion of a dish
        energy in a meal in kilocalories""",
        """How many calories does {dish} have?
        What are the calories of {dish}?
        calories {dish}
        How fattening is {dish}?
        is there much energy in {dish}""",
        returns="number",
        clauses="""how many calories {dish} has
        how fattening {dish} is
        how much energy is in {dish}""",
        nouns="""the calories of {dish}
        the number of calories in {dish}""",
        compares="""Which has fewer calories, {list}?
        Compare the calories of {list}.
        What is lighter to eat, {list}?""",
        result="number",
    ),
    spec(
        "nutrition nutrition_facts nutrients",
        (text("food", "ingredient", "ingredient item"), number("grams", 20, 500, "amount weight", optional=True)),
        """nutrients of a food: protein, fat, sugar, fibre
        nutrition label of an ingredient""",
        """What nutrients are in {food}?
        Give me the nutrition facts of {food}.
        nutrition {food}
        How healthy is {food}?
        What is in {food}?""",
        returns="{protein:number, fat:number, sugar:number, fibre:number}",
        clauses="""what nutrients are in {food}
        how healthy {food} is
        the nutrition facts of {food}""",
        compares="""Which has more protein, {list}?
        Which is healthier, {list}?
        Compare the fat in {list}.""",
        extras={"grams": "per {grams} grams|for {grams} g|in a portion of {grams} grams"},
        gives={
            "protein": "number: the protein in {food}|the amount of protein in {food}",
            "fat": "number: the fat in {food}",
            "sugar": "number: the sugar in {food}|the sugar content of {food}",
        },
    ),
    spec(
        "find_recipe recipe search_recipes recipe.find",
        (text("dish", "dish", "name meal"), number("servings", 2, 12, "people portions", optional=True), flag("vegetarian", "without meat|that is vegetarian", "veggie meatless")),
        """recipe of a dish with its ingredients and steps
        how to cook something""",
        """How do I make {dish}?
        Find a recipe for {dish}.
        recipe {dish}
        Show me how to cook {dish}.
        I feel like {dish}, how is it made?""",
        returns="{title, minutes:int, ingredients:[text], steps:[text]}",
        clauses="""how to make {dish}
        a recipe for {dish}
        how {dish} is cooked""",
        compares="""Which takes longer to cook, {list}?
        Which is easier to make, {list}?
        Compare the recipes of {list}.""",
        extras={"servings": "for {servings} people|to serve {servings}"},
        gives={
            "minutes": "number: the cooking time of {dish}|the number of minutes for {dish}",
            "ingredients": ": the ingredients of {dish}|the ingredients in {dish}",
        },
    ),
    spec(
        "substitute replacement_for swap_ingredient",
        text("ingredient", "ingredient", "item food"),
        """what can be used in place of an ingredient
        replacement for a food in a recipe""",
        """What can I use instead of {ingredient}?
        What is a good substitute for {ingredient}?
        replace {ingredient}
        I have no {ingredient}, what now?
        name something in place of {ingredient}""",
        returns="text",
        clauses="""what I can use instead of {ingredient}
        what replaces {ingredient}
        what a good substitute for {ingredient} is""",
        nouns="""the substitute for {ingredient}
        the replacement for {ingredient}""",
        result="ingredient",
    ),
    spec(
        "grocery_price food_price price_per_kilo",
        text("ingredient", "ingredient", "item food"),
        """price of a kilo of a food in the shops
        what groceries cost""",
        """How much does a kilo of {ingredient} cost?
        What is the price of {ingredient}?
        {ingredient} price
        Is {ingredient} expensive?
        what do I pay for {ingredient}""",
        returns="number",
        clauses="""how much a kilo of {ingredient} costs
        what {ingredient} costs
        whether {ingredient} is expensive""",
        nouns="""the price of {ingredient}
        the price of a kilo of {ingredient}""",
        compares="""Which is cheaper, {list}?
        Compare the prices of {list}.
        What costs more per kilo, {list}?""",
        result="number",
    ),
    spec(
        "contains_allergen allergen_check is_safe_to_eat",
        (text("dish", "dish", "food meal"), choice("allergen", "substance", nuts="nuts", gluten="gluten|wheat", milk="milk|dairy", egg="egg|eggs", fish="fish")),
        """whether a dish contains an allergen
        allergy check for a meal""",
        """Does {dish} contain {allergen}?
        Is there {allergen} in {dish}?
        {allergen} in {dish}
        I can't have {allergen}. Is {dish} fine for me?
        is {dish} free of {allergen}""",
        returns="bool",
        clauses="""whether {dish} contains {allergen}
        if there is {allergen} in {dish}
        whether {dish} is free of {allergen}""",
    ),
    spec(
        "cook_with recipes_from_ingredients use_up",
        several("ingredients", "ingredient", "items foods"),
        """dishes that can be cooked from some ingredients
        what to make of what is in the fridge""",
        """What can I cook with {ingredients}?
        I have {ingredients}. What can I make?
        dishes with {ingredients}
        Use up {ingredients} for me.
        suggest a meal from {ingredients}""",
        returns="[text]",
        clauses="""what to cook with {ingredients}
        which dishes use {ingredients}
        what can be made of {ingredients}""",
    ),
    spec(
        "book_table reserve_table restaurant.reserve",
        (text("restaurant", "restaurant", "name place"), number("guests", 2, 12, "people party_size"), text("time", "time", "at when"), text("date", "date", "day on", optional=True)),
        """reserves a table in a restaurant
        books a table for some guests""",
        """Book a table for {guests} at {restaurant} at {time}.
        Reserve {guests} places in {restaurant} for {time}.
        table for {guests} {restaurant} {time}
        We are {guests} and want to eat at {restaurant} at {time}.""",
        returns="{confirmation, status}",
        clauses="""book a table for {guests} at {restaurant} at {time}
        reserve a table at {restaurant} for {guests} at {time}
        get us {guests} seats in {restaurant} at {time}""",
        extras={"date": "on {date}|for {date}"},
        effect="write",
    ),
)  # fmt: skip
