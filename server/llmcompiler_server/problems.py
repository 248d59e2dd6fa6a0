"""Errors as RFC 9457 problem documents. What a problem says is made for the client: nothing internal is ever in it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from llmcompiler._jsonable import dumps

MEDIA_TYPE = "application/problem+json"


class ProblemDocument(BaseModel):
    """The body of every error (RFC 9457), but for those of the OpenAI-compatible endpoints."""

    model_config = ConfigDict(extra="allow")

    type: str = Field(default="about:blank", description="Always `about:blank`; `code` tells problems apart.")
    title: str = Field(description="The status in words.", examples=["Not Found"])
    status: int = Field(description="The HTTP status.", examples=[404])
    code: str = Field(
        description="What is wrong, for programs: lower case with hyphens.", examples=["run-not-found"]
    )
    detail: str = Field(description="What is wrong, for people, and the way out.")


class Problem(Exception):
    """A request that is answered with an error. Raise it anywhere below a route.

    Args:
        status: HTTP status, 400 to 599.
        code: What is wrong, for programs: lower case with hyphens, stable.
        detail: What is wrong, for people, and the way out. Clients read it: nothing internal, no keys.
        headers: Headers of the answer, such as `Retry-After`.
        extra: Further members of the document, JSON values.
    """

    def __init__(
        self,
        status: int,
        code: str,
        detail: str,
        *,
        headers: Mapping[str, str] | None = None,
        **extra: Any,
    ) -> None:
        super().__init__(detail)
        self.status, self.code, self.detail = status, code, detail
        self.headers, self.extra = dict(headers or {}), extra

    def document(self) -> dict[str, Any]:
        """The problem document."""
        from http import HTTPStatus

        return {
            "type": "about:blank",
            "title": HTTPStatus(self.status).phrase,
            "status": self.status,
            "code": self.code,
            "detail": self.detail,
            **self.extra,
        }

    def response(self) -> JSONResponse:
        """The answer."""
        return SafeJSONResponse(self.document(), self.status, self.headers, media_type=MEDIA_TYPE)


def not_json(error: RequestValidationError) -> Problem | None:
    """What is wrong with a body that does not say that it is JSON; None where that is not the matter.

    Nothing is read as JSON that browsers send to anybody without asking first.
    """
    if not isinstance(error.body, bytes):
        return None
    return Problem(
        415, "not-json", "the body must be JSON and say so: send the header `Content-Type: application/json`"
    )


def errors_of(error: RequestValidationError) -> list[Any]:
    """What is wrong with a request, as pydantic tells it; of a body that is no JSON, in words and where."""
    return [
        e
        if e["type"] != "json_invalid"
        else {
            **e,
            "loc": ("body",),
            "msg": f"this is no JSON: {e['ctx']['error']} (character {e['loc'][-1]}, from 0)",
        }
        for e in error.errors()
    ]


class SafeJSONResponse(JSONResponse):
    """JSON that can always be written: what is quoted in it may hold half a character."""

    def render(self, content: Any) -> bytes:
        """The body."""
        return dumps(content).encode()


__all__ = ["MEDIA_TYPE", "Problem", "ProblemDocument", "SafeJSONResponse", "errors_of", "not_json"]
