"""Questions that none of the tools offered can answer."""

from __future__ import annotations

from collections.abc import Sequence

from ..specs import Spec
from ..toolbox import build_tool
from .plans import Draft, Offered
from .scene import Scene, Unfit
from .wording import upper_first

_TALK = (
    "How are you today?", "Tell me a joke.", "What is your name?", "Good morning!",
    "Thanks, that was helpful.", "Who made you?",
    "Do you like music?", "I am bored.", "What can you do?", "You are great!", "How old are you?",
    "Are you a robot?",
    "What should I wear to a wedding?", "Do you believe in ghosts?", "Write a poem about the sea.",
    "What is the meaning of life?",
    "Can you keep a secret?", "I had a bad day.", "See you later!", "What is your favourite colour?",
    "Sing me a song.",
    "Hello there.", "How do I tell my boss that I quit?", "Do you dream?", "Happy birthday to me!",
    "Tell me a story about a dragon.", "Never mind.", "Okay, thank you.", "I love you.",
    "Should I break up with my partner?", "Make me laugh.", "Are you listening?",
    "What would you do with a million dollars?",
    "Why is my cat so weird?", "Give me some advice about love.", "Guess what I am thinking of.",
    "Let's play a game.", "Bye!",
)  # fmt: skip
_ABOUT = (
    "What do you think of {person}?", "Write a short poem about {city}.", "Do you like {food}?",
    "Why do people love {city} so much?",
    "Is {person} a nice person?", "Tell me a joke about {food}.",
    "Would you rather live in {city} or on the moon?",
    "Make up a story about {person}.", "Give me a slogan for {company}.", "Should I quit my job at {company}?",
    "How do I make friends in {city}?", "What would {person} say about this?", "Draw me a picture of {city}.",
    "Compose a song about {food}.", "How should I greet {person}?", "Which colour suits {company} best?",
    "Do you think {city} is overrated?", "Invent a nickname for {person}.",
    "Write a letter of complaint to {company}.",
    "Who would win a fight, {person} or a bear?",
)  # fmt: skip


def no_tool(scene: Scene, others: Sequence[Spec]) -> Draft:
    """A question for a tool that is not here, small talk, or a wish for an opinion.

    Args:
        scene: The tools offered.
        others: Specs that none of these tools is like.
    """
    rng = scene.rng
    x = rng.random()
    if x < 0.16:
        return Draft(scene.own(_TALK), [], None, "response")
    if x < 0.28:
        text = scene.own(_ABOUT)
        for kind, maker in (("person", "person"), ("city", "city"), ("food", "dish"), ("company", "company")):
            text = text.replace("{" + kind + "}", scene.thing(maker))
        return Draft(text, [], None, "response")
    if scene.searches():
        # A search finds anything that can be looked up, but does nothing in the world.
        others = [s for s in others if s.effect == "write"]
    if not others:
        raise Unfit
    near = [s for s in others if any(o.spec.domain == s.domain for o in scene.offered)]
    spec = rng.choice(near if near and rng.random() < 0.4 else others)
    absent = Offered(spec, build_tool(spec, rng, vary=False)[0], {})
    if rng.random() < 0.25 and spec.compares:
        from .lookups import compare_two

        draft = compare_two(Scene(rng, scene.split, (absent,), scene.barred))
        return Draft(draft.question, [], None, "response")
    return Draft(upper_first(scene.fill(absent, spec.asks).text), [], None, "response")
