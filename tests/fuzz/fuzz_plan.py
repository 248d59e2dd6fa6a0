"""A fuzz target for the plan language, for atheris. Tests replay its finds from `corpus/`; nothing else imports it.

    pip install atheris
    mkdir -p /tmp/finds
    python tests/fuzz/fuzz_plan.py /tmp/finds tests/fuzz/corpus -max_len=400 -max_total_time=180

New inputs go to the first folder. A crash is written to `crash-...` in the current folder: give it a telling name,
put it into `corpus/`, and mend what it found.
"""

from __future__ import annotations

import sys
from pathlib import Path

import atheris

sys.path.insert(0, str(Path(__file__).parents[2]))
with atheris.instrument_imports(include=["llmcompiler.language", "llmcompiler.values", "llmcompiler.plan"]):
    from tests.language.test_properties import check_json, check_text, chunked, items_of


def test_one_input(data: bytes) -> None:
    """Text and JSON, whole and in chunks; the first byte says how long the chunks are."""
    text = data.decode("utf-8", "surrogateescape")
    check_text(text)
    step = data[0] % 7 + 1 if data else 1
    assert items_of(chunked(text, list(range(step, len(text), step)))) == items_of([text])
    check_json(None, data)


if __name__ == "__main__":
    atheris.Setup(sys.argv, test_one_input)
    atheris.Fuzz()
