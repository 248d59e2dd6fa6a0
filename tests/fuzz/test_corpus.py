"""Every input of the corpus, replayed: it must be read, or refused with diagnostics, whichever way it comes.

Add a file to `corpus/` for each input that ever broke something; its name says what it is.
"""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.language.test_properties import check_json, check_text, items_of

CORPUS = sorted((Path(__file__).parent / "corpus").iterdir())
LIMIT = 10.0
"""Seconds that one reading of one small input may take; ordinary ones take milliseconds."""


def test_the_corpus_is_there() -> None:
    assert len(CORPUS) >= 60


@pytest.mark.parametrize("path", CORPUS, ids=lambda path: path.name)
def test_as_plan_text(path: Path) -> None:
    text = path.read_bytes().decode("utf-8", "surrogateescape")
    begin = time.process_time()
    check_text(text)
    whole = items_of([text])
    assert time.process_time() - begin < LIMIT
    assert items_of(list(text)) == whole


@pytest.mark.parametrize("path", CORPUS, ids=lambda path: path.name)
def test_as_json(path: Path) -> None:
    raw = path.read_bytes()
    begin = time.process_time()
    check_json(None, raw)
    check_json(None, raw.decode("utf-8", "surrogateescape"))
    assert time.process_time() - begin < LIMIT
