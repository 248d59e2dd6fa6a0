"""API keys: hashed, compared in constant time, never shown."""

from __future__ import annotations

import hmac
import pickle
import re

import pytest
from pydantic import ValidationError

from llmcompiler import ConfigurationError
from llmcompiler_server import keys as module
from llmcompiler_server.keys import MAX_KEY, ApiKey, KeyRing, new_key


def test_a_new_key_is_long_random_and_kept_as_a_salted_hash() -> None:
    made = [new_key("web") for _ in range(50)]
    assert len({key for key, _ in made}) == 50
    assert len({kept.hash.split(":")[1] for _, kept in made}) == 50
    for key, kept in made:
        assert re.fullmatch(r"llmc_[A-Za-z0-9_-]{43}", key)  # 32 bytes of chance
        assert kept.matches(key)
        assert key not in kept.model_dump_json()
        assert key.removeprefix("llmc_") not in kept.model_dump_json()
    assert not made[0][1].matches(made[1][0])


def test_nothing_shows_a_key_or_its_hash() -> None:
    key, kept = new_key("web")
    ring = KeyRing([kept])
    for text in (repr(kept), str(kept), repr(ring), str(ring), repr([kept]), repr(ring.authenticate(key))):
        assert key not in text
        assert kept.hash not in text
        assert kept.hash.split(":")[2] not in text
    assert pickle.loads(pickle.dumps(kept)) == kept


def test_whose_a_key_is() -> None:
    web, kept_web = new_key("web", ["run"])
    boss, kept_boss = new_key("boss", ["admin"])
    ring = KeyRing([kept_web, kept_boss])
    assert not ring.open
    found = ring.authenticate(web)
    assert found is not None
    assert (found.name, found.scopes, found.is_admin) == ("web", frozenset(["run"]), False)
    found = ring.authenticate(boss)
    assert found is not None
    assert found.is_admin
    assert ring.key("web") is kept_web
    assert ring.key("nobody") is None


@pytest.mark.parametrize(
    "change",
    [
        lambda key: "",
        lambda key: key[:-1],
        lambda key: key + "x",
        lambda key: key.upper(),
        lambda key: " " + key,
        lambda key: key.removeprefix("llmc_"),
        lambda key: key + "\0",
        lambda key: "\udcff" + key,
        lambda key: "é" * 43,
        lambda key: key + "a" * 10_000_000,
    ],
)
def test_wrong_keys(change: object) -> None:
    key, kept = new_key("web")
    assert KeyRing([kept]).authenticate(change(key)) is None  # type: ignore[operator]


def test_the_hash_is_no_key() -> None:
    _, kept = new_key("web")
    ring = KeyRing([kept])
    assert ring.authenticate(kept.hash) is None
    assert ring.authenticate(kept.hash.split(":")[2]) is None


def test_every_key_is_compared_in_constant_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first, the last and no key cost the same: as many constant-time comparisons as there are keys."""
    made = [new_key(f"k{i}") for i in range(5)]
    ring = KeyRing([kept for _, kept in made])
    compared = []

    class Counting:
        @staticmethod
        def compare_digest(a: str, b: str) -> bool:
            compared.append((len(a), len(b)))
            return hmac.compare_digest(a, b)

    monkeypatch.setattr(module, "hmac", Counting)
    for key in (made[0][0], made[4][0], "llmc_wrong", "", "x" * (MAX_KEY + 1)):
        compared.clear()
        ring.authenticate(key)
        assert compared == [(64, 64)] * 5


@pytest.mark.parametrize("name", ["", " ", "a b", "-a", "a" * 65, "a\n", "é", "a/b", "a\x1b[31m"])
def test_names_that_could_not_stand_in_a_log(name: str) -> None:
    with pytest.raises(ConfigurationError, match="name"):
        new_key(name)


def test_wrong_scopes_rates_and_quotas() -> None:
    with pytest.raises(ConfigurationError, match="scopes"):
        new_key("web", ["fly"])  # type: ignore[list-item]
    with pytest.raises(ConfigurationError, match="a key needs a scope: run, read, approve, admin"):
        new_key("web", [])
    for options in ({"rate": 0}, {"rate": float("inf")}, {"max_runs": 0}):
        with pytest.raises(ConfigurationError, match=next(iter(options))):
            new_key("web", **options)


@pytest.mark.parametrize("text", ["", "sha256:1:2", "md5:" + "a" * 97, "sha256:" + "A" * 32 + ":" + "a" * 64])
def test_what_is_no_hash_is_refused_and_not_repeated(text: str) -> None:
    with pytest.raises(ValidationError, match="make a key and its hash with") as error:
        ApiKey(name="web", hash=text or "llmc_secret")
    assert "llmc_secret" not in str(error.value)


def test_names_tell_keys_apart() -> None:
    _, kept = new_key("web")
    with pytest.raises(ConfigurationError, match="two keys are called 'web'"):
        KeyRing([kept, new_key("web")[1]])


def test_no_keys_at_all() -> None:
    assert KeyRing().open
    assert KeyRing().authenticate("anything") is None
