"""The endpoints, one module for each kind, each with its `router`. They speak HTTP and decide nothing."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from ..problems import MEDIA_TYPE, ProblemDocument


def problem_responses(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """For `responses=` of a route: these errors, and those that any request may get, as problem documents."""
    schema = ProblemDocument.model_json_schema()
    return {
        status: {"description": HTTPStatus(status).phrase, "content": {MEDIA_TYPE: {"schema": schema}}}
        for status in sorted({*statuses, 431, 500})
    }


__all__ = ["problem_responses"]
