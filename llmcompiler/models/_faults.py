"""What goes wrong between us and a model's server, told in this library's errors.

Errors are raised free of any cause or context: an `httpx` exception holds its request, and that holds the
key.
"""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import httpx

from ..errors import (
    ConfigurationError,
    ModelAuthenticationError,
    ModelConnectionError,
    ModelError,
    ModelNotFound,
    ModelRateLimited,
    ModelReplyInvalid,
    ModelRequestRejected,
    ModelServerError,
    ModelStreamBroken,
    ModelTimeout,
)
from . import _chat, _http

if TYPE_CHECKING:
    from collections.abc import Awaitable

T = TypeVar("T")

_TRANSIENT = frozenset({408, 409, 429, 500, 502, 503, 504})


class Again(Exception):
    """A failure that another try may mend; `error` is raised where no try is left."""

    def __init__(self, error: ModelError, wait: float | None = None) -> None:
        self.error = error
        self.wait = wait
        super().__init__(str(error))


@dataclass(frozen=True, slots=True)
class Server:
    """A model's server as errors speak of it."""

    model: str
    url: str
    """Base URL, without user, password and query."""
    redact: _http.Redactor
    has_key: bool
    silence: float
    """Seconds it may be silent: for the text of the timeout."""

    def __str__(self) -> str:
        return f"the server of model `{self.model}` at {self.url}"

    async def within(self, step: Awaitable[T], deadline: float | None, partial: list[str] | None = None) -> T:
        """The result of `step`, which must come before `deadline` (time of the loop).

        `partial` is the text that was given out already; where there is none, another try may help.

        Raises:
            ModelError: What went wrong, and no other try can help.
            Again: What went wrong, and another try may help.
        """
        error: Exception
        try:
            async with asyncio.timeout_at(deadline):
                return await step
        except (httpx.ConnectError, httpx.ConnectTimeout) as failure:
            error = Again(self._unreachable(self.redact(str(failure), 120)))
        except httpx.TimeoutException:
            error = ModelTimeout(
                f"{self} was silent for {self.silence:g} s; raise `timeout` if it needs longer"
            )
        except TimeoutError:
            error = ModelTimeout(f"{self} did not complete its reply in the time of the request")
        except httpx.DecodingError:
            error = ModelReplyInvalid(f"{self} sent bytes that can not be decoded")
        except (httpx.UnsupportedProtocol, httpx.InvalidURL) as failure:
            error = ConfigurationError(f"{self} can not be called: {self.redact(str(failure), 120)}")
        except (httpx.TransportError, httpx.StreamError) as failure:
            text = f"the connection to {self} broke: {self.redact(str(failure), 120)}"
            error = (
                ModelStreamBroken(text, "".join(partial)) if partial else Again(ModelConnectionError(text))
            )
        raise error

    def placed(self, error: ModelReplyInvalid) -> ModelReplyInvalid:
        """`error` with the server named in its text."""
        text = str(error)
        return error if str(self) in text else ModelReplyInvalid(f"{self}: {text}")

    def parsed(self, text: str) -> Any:
        """JSON text as data.

        Raises:
            ModelReplyInvalid: It is no JSON.
        """
        try:
            return json.loads(text)
        except (ValueError, RecursionError):
            shown = self.redact(text, 120)
        raise ModelReplyInvalid(f"{self} sent what is no JSON: {shown}")

    def refusal(self, response: httpx.Response, text: str) -> ModelError | Again:
        """The error for a response that is no success, and whether to try again."""
        status = response.status_code
        detail = _said(text)
        if 300 <= status < 400:
            detail = f"to {response.headers.get('location', 'nowhere')}"
        wait = _http.retry_after(response.headers)
        error = self.status_error(status, self.redact(detail), wait)
        out_of_credit = _chat.error_field(text, "code") == "insufficient_quota"
        transient = status in _TRANSIENT or status > 504
        return Again(error, wait) if transient and not out_of_credit else error

    def no_tools(self, text: str = "") -> ModelRequestRejected:
        """The error for tools that the server does not take; `text` is the body of its refusal."""
        said = self.redact(_said(text), 200)
        return ModelRequestRejected(
            f"{self} takes no tools"
            + (f" ({said})" if said else "")
            + "; use a planner that needs none, such as "
            'planner="json" or planner="text"'
        )

    def reported(self, payload: Any, started: bool) -> ModelError | Again:
        """The error that the server reports inside a reply whose status was a success."""
        detail = self.redact(_chat.error_text(payload, json.dumps(payload)))
        inner = payload.get("error") if isinstance(payload, dict) else None
        status = inner.get("code") if isinstance(inner, dict) else None
        if isinstance(status, int) and 400 <= status < 600:
            error = self.status_error(status, detail, None)
            return error if started or status not in _TRANSIENT else Again(error)
        return ModelReplyInvalid(f"{self} reported: {detail}")

    def status_error(self, status: int, detail: str, wait: float | None) -> ModelError:
        """The error for an HTTP status that is no success. `detail` is already fit to show."""
        name, at = self.model, f"at {self.url} ({status})" + (f": {detail}" if detail else "")
        if status in (401, 403):
            way = "check the key in" if self.has_key else "it wants a key: set"
            return ModelAuthenticationError(
                f"the server refused access to model `{name}` {at}; {way} OPENAI_API_KEY or `api_key=`",
                status,
            )
        if status == 404:
            return ModelNotFound(
                f"no model `{name}` {at}; check its name, and the base URL, which most often ends in /v1",
                status,
            )
        if status == 429:
            asks = f"; it asks to wait {wait:g} s" if wait is not None else ""
            return ModelRateLimited(f"too many requests for model `{name}` {at}{asks}", status, wait)
        if status == 408:
            return ModelTimeout(f"the server gave up on the request for model `{name}` {at}")
        if status >= 500:
            return ModelServerError(f"the server of model `{name}` failed {at}", status)
        if 300 <= status < 400:
            return ModelRequestRejected(
                f"the server of model `{name}` redirects {at}; set the base URL to where it redirects to",
                status,
            )
        return ModelRequestRejected(f"the server refused the request for model `{name}` {at}", status)

    def _unreachable(self, why: str) -> ModelConnectionError:
        return ModelConnectionError(
            f"no connection to model `{self.model}`: is the server running at {self.url}?"
            + (f" ({why})" if why else "")
        )


def _said(text: str) -> str:
    """What the body of a refusal says."""
    try:
        return _chat.error_text(json.loads(text), text)
    except (ValueError, RecursionError):
        return text
