"""The option that asks for every run there is, instead of a few runs of every scenario."""

from __future__ import annotations

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
