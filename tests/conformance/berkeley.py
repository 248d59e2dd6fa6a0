"""The Berkeley multi-turn data: scenarios, gold calls, the eight classes they call, and pictures of their state.

Nothing here knows effects or runs a plan. Gold calls are read with `ast`, never evaluated.
"""

from __future__ import annotations

import ast
import functools
import importlib
import importlib.util
import inspect
import json
import pickle
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

T = TypeVar("T")

MISSING = "bfcl-eval and mpmath are not installed; `make test` installs them"
SETS = ("base", "miss_func", "miss_param", "long_context")
CLASSES = {
    "GorillaFileSystem": "gorilla_file_system",
    "MathAPI": "math_api",
    "MessageAPI": "message_api",
    "TicketAPI": "ticket_api",
    "TradingBot": "trading_bot",
    "TravelAPI": "travel_booking",
    "TwitterAPI": "posting_api",
    "VehicleControlAPI": "vehicle_control",
}
"""Each class, and the module it is in."""

_SOURCES = "bfcl_eval.eval_checker.multi_turn_eval.func_source_code"
IGNORED = {"_last_modified"}
"""Fields that hold the time of day."""


def installed() -> bool:
    """Whether the data and what its classes import are there."""
    return all(importlib.util.find_spec(name) for name in ("bfcl_eval", "mpmath"))


# -- calls ------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class GoldCall:
    """One call: its tool and arguments, those by position under "0", "1", ..."""

    tool: str
    args: Mapping[str, Any]
    text: str


def read_call(text: str) -> GoldCall:
    """A call of literals, as Python writes it.

    Raises:
        ValueError: Anything else.
    """
    tree = ast.parse(text, mode="eval").body
    if not isinstance(tree, ast.Call) or not isinstance(tree.func, ast.Name):
        raise ValueError(f"not a call by name: {text}")
    args = {str(i): ast.literal_eval(value) for i, value in enumerate(tree.args)}
    for keyword in tree.keywords:
        if keyword.arg is None:
            raise ValueError(f"arguments by `**`: {text}")
        args[keyword.arg] = ast.literal_eval(keyword.value)
    return GoldCall(tree.func.id, args, text)


# -- scenarios --------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Scenario:
    """Where the classes start, and the gold calls of every turn."""

    id: str
    classes: tuple[str, ...]
    config: Mapping[str, Any]
    turns: tuple[tuple[GoldCall, ...], ...]
    long_context: bool

    @property
    def same(self) -> str:
        """Equal for scenarios that start alike and make the same calls: turns without calls change nothing."""
        calls = [[c.text for c in turn] for turn in self.turns if turn]
        return json.dumps([self.long_context, self.classes, self.config, calls], sort_keys=True)


def _lines(path: Path) -> Iterator[Any]:
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            yield json.loads(line)


@functools.cache
def scenarios() -> tuple[Scenario, ...]:
    """All scenarios of the four sets, in their order."""
    spec = importlib.util.find_spec("bfcl_eval")
    assert spec is not None, MISSING
    assert spec.origin is not None
    data = Path(spec.origin).parent / "data"
    out = []
    for name in SETS:
        file = f"BFCL_v4_multi_turn_{name}.json"
        gold = {entry["id"]: entry["ground_truth"] for entry in _lines(data / "possible_answer" / file)}
        for entry in _lines(data / file):
            turns = tuple(tuple(map(read_call, turn)) for turn in gold[entry["id"]])
            out.append(
                Scenario(
                    entry["id"],
                    tuple(entry["involved_classes"]),
                    entry["initial_config"],
                    turns,
                    name == "long_context",
                )
            )
    return tuple(out)


@functools.cache
def different() -> tuple[Scenario, ...]:
    """The first of each kind of scenario that start alike and make the same calls."""
    first: dict[str, Scenario] = {}
    for scenario in scenarios():
        first.setdefault(scenario.same, scenario)
    return tuple(first.values())


# -- the classes ------------------------------------------------------------------------------------


def class_of(name: str) -> type[Any]:
    """One of the eight classes."""
    found: type[Any] = getattr(importlib.import_module(f"{_SOURCES}.{CLASSES[name]}"), name)
    return found


@functools.cache
def methods(class_name: str) -> dict[str, Callable[..., Any]]:
    """The public methods of a class, as functions that take `self`."""
    members = vars(class_of(class_name)).items()
    return {name: m for name, m in members if inspect.isfunction(m) and not name.startswith("_")}


def _exact(value: Any) -> Any:
    """The value with numbers of mpmath as what they hold: copies of those are rounded to the precision set last."""
    if isinstance(value, dict):
        return {k: _exact(v) for k, v in value.items()}
    for held in ("_mpf_", "_mpc_"):
        if hasattr(value, held):
            return repr(getattr(value, held))
    return value


@functools.cache
def _signature(class_name: str, method: str) -> inspect.Signature:
    return inspect.signature(methods(class_name)[method])


def _own(value: T) -> T:
    """A deep copy; by pickle, which takes a fifth of the time that `copy` takes."""
    copied: T = pickle.loads(pickle.dumps(value))
    return copied


def outcome_of(make: Callable[[], Any]) -> tuple[str, Any]:
    """How a call ended: `("value", a copy of it)`, or `("raised", its type and text)`."""
    try:
        # What is returned is often the state itself, and goes on changing.
        return "value", _own(_exact(make()))
    except Exception as e:
        return "raised", f"{type(e).__name__}: {e}"


class World:
    """The instances of one scenario. Worlds share nothing, and a copy is a world of its own."""

    def __init__(self, instances: dict[str, Any]) -> None:
        self.instances = instances
        self._owner = {method: name for name in instances for method in methods(name)}

    @classmethod
    def of(cls, scenario: Scenario) -> World:
        """Where the scenario starts."""
        instances = {}
        for name in scenario.classes:
            instance = class_of(name)()
            if hasattr(instance, "_load_scenario"):
                config = _own(scenario.config.get(name, {}))
                instance._load_scenario(config, long_context=scenario.long_context)
            # For long contexts the classes take in records of their module, which all instances would then change.
            instances[name] = _own(instance)
        return cls(instances)

    def copy(self) -> World:
        """The same state, shared with nothing."""
        return World(_own(self.instances))

    def call(self, method: str, /, *args: Any, **kwargs: Any) -> Any:
        """Call a method of whichever instance has it.

        Defaults are filled in with copies: some are lists that end up in the state, where every instance would change
        the one that belongs to the function.
        """
        name = self._owner[method]
        given = _signature(name, method).bind(self.instances[name], *args, **kwargs)
        given.apply_defaults()
        function = methods(name)[method]
        return function(given.args[0], *_own(given.args[1:]), **_own(given.kwargs))

    def make(self, call: GoldCall) -> tuple[str, Any]:
        """Make a gold call; how it ended."""
        positional = [value for name, value in call.args.items() if name.isdigit()]
        named = {name: value for name, value in call.args.items() if not name.isdigit()}
        return outcome_of(lambda: self.call(call.tool, *positional, **named))

    def picture(self) -> Any:
        """The state as plain values that can be compared: two worlds with equal pictures can not be told apart."""
        return _Picture().of({name: vars(instance) for name, instance in self.instances.items()})


class _Picture:
    """Objects are numbered as they are met, so that what is shared, and what is not, is a part of the picture."""

    def __init__(self) -> None:
        self.seen: dict[int, int] = {}

    def of(self, value: Any) -> Any:
        if value is None or isinstance(value, (str, bool, int, float)):
            return value
        if id(value) in self.seen:
            return "again", self.seen[id(value)]
        self.seen[id(value)] = len(self.seen)
        kind = type(value).__name__
        if isinstance(value, dict):
            # Sorted: no method shows the order of these, but for the contents of a directory (below).
            return kind, [(k, self.of(value[k])) for k in sorted(value, key=repr)]
        if isinstance(value, (list, tuple)):
            return kind, [self.of(v) for v in value]
        if isinstance(value, (set, frozenset)):
            return kind, sorted(map(repr, value))
        if hasattr(value, "getstate"):
            return kind, value.getstate()
        fields = {k: v for k, v in vars(value).items() if k not in IGNORED}
        order = list(fields["contents"]) if "contents" in fields else None
        return kind, order, [(k, self.of(fields[k])) for k in sorted(fields)]
