"""Errors in the shape of OpenAI's API, which its clients turn into their exceptions."""

from http import HTTPStatus
from typing import Any

from fastapi import Request
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.types import Receive, Scope, Send

from asr.util.errors import UserError

#: The status that nginx logs for a client that left; nobody reads the answer.
CLIENT_GONE = 499
#: OpenAI's name of the kind of an error, by status; a client's mistake where not named.
_KINDS = {401: "authentication_error", 403: "permission_error", 429: "rate_limit_error"}


class RefusedError(Exception):
    """A request that is answered by an error.

    Args:
        status: of HTTP.
        message: one sentence: what is wrong, and what to do.
        param: the field of the form that is wrong.
        code: a short name of the error for programs.
        headers: of the answer.
    """

    def __init__(
        self,
        status: int,
        message: str,
        *,
        param: str | None = None,
        code: str | None = None,
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status, self.message, self.param, self.code = status, message, param, code
        self.headers = headers

    def body(self) -> dict[str, Any]:
        """Give the JSON that tells it."""
        kind = "server_error" if self.status >= 500 else "invalid_request_error"
        error = {"message": self.message, "type": _KINDS.get(self.status, kind)}
        return {"error": error | {"param": self.param, "code": self.code}}

    def response(self) -> JSONResponse:
        """Give the answer that tells it."""
        return JSONResponse(self.body(), self.status, self.headers)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request with it."""
        await self.response()(scope, receive, send)


def as_refusal(error: Exception) -> RefusedError:
    """Word any error for a client; what is our own mistake is not told in detail."""
    if isinstance(error, RefusedError):
        return error
    if isinstance(error, UserError):
        return RefusedError(400, str(error))
    if isinstance(error, HTTPException):
        headers = dict(error.headers) if error.headers else None
        return RefusedError(error.status_code, error.detail, headers=headers)
    if isinstance(error, ClientDisconnect):
        return RefusedError(CLIENT_GONE, "the client left before the answer")
    phrase = HTTPStatus.INTERNAL_SERVER_ERROR.phrase
    return RefusedError(500, f"{phrase}: this is a mistake of the server's; its log tells more")


async def answer(_request: Request, error: Exception) -> JSONResponse:
    """Answer a request by its error."""
    return as_refusal(error).response()
