"""The option that asks for every run there is, not a few of every scenario; and what the classes leave behind."""

from __future__ import annotations

import decimal
from collections.abc import Iterator

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--conformance",
        choices=("quick", "full"),
        default="quick",
        help="quick: every scenario, with each number of workers once; full: with every seed, too",
    )


@pytest.fixture(scope="session")
def full(request: pytest.FixtureRequest) -> bool:
    """Whether every run is asked for; where the option was read too late to be known, it is not."""
    return bool(request.config.getoption("--conformance", default="quick") == "full")


@pytest.fixture(autouse=True)
def own_precision() -> Iterator[None]:
    """Square roots are taken with a precision that is set for good, and would be that of every later test."""
    with decimal.localcontext():
        yield
