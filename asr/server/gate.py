"""The door through which every HTTP request and WebSocket comes."""

from collections.abc import Callable

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from asr.server.access import Access
from asr.server.errors import RefusedError
from asr.server.metrics import Metrics
from asr.server.options import ServerOptions
from asr.server.places import Places
from asr.server.slow_clients import BoundedBody

#: The name of a protocol in metrics: of what is served at a path, else of HTTP.
_PROTOCOLS = {"/v1/audio/transcriptions": "openai", "/": "page"}


class Gate:
    """Middleware that refuses before anything of a request's body is read.

    Args:
        app: serves those who may pass.
        options: limits.
        places: of requests under way.
        metrics: of the server.
    """

    def __init__(
        self, app: ASGIApp, options: ServerOptions, places: Places, metrics: Metrics
    ) -> None:
        self._app, self._options, self._places, self._metrics = app, options, places, metrics
        self._access = Access(options)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request, or refuse it."""
        if scope["type"] == "http":
            protocol = _PROTOCOLS.get(scope["path"], "http")
            with self._metrics.request(protocol) as keep:
                await self._http(scope, receive, _watched(send, keep))
        elif scope["type"] == "websocket":
            await self._websocket(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        options = self._options
        body = BoundedBody(scope, receive, send, options.max_upload, options.patience)
        try:
            self._access.check(scope)
            body.check_length()
            if scope["method"] == "POST":
                with self._places.take():
                    await self._app(scope, body.receive, body.send)
            else:
                await self._app(scope, body.receive, body.send)
        except RefusedError as error:
            await error(scope, body.receive, body.send)

    async def _websocket(self, scope: Scope, receive: Receive, send: Send) -> None:
        with self._metrics.request("vosk") as keep:
            try:
                self._access.check(scope)
                with self._places.take():
                    keep("ended")
                    await self._app(scope, receive, send)
            except RefusedError as error:
                keep(error.status)
                await _deny(error, send)


def _watched(send: Send, keep: Callable[[int], None]) -> Send:
    async def watched(message: Message) -> None:
        if message["type"] == "http.response.start":
            keep(message["status"])
        await send(message)

    return watched


async def _deny(error: RefusedError, send: Send) -> None:
    """Refuse a WebSocket by an answer of HTTP, before it is accepted."""
    response = error.response()
    start = {
        "type": "websocket.http.response.start",
        "status": response.status_code,
        "headers": response.raw_headers,
    }
    await send(start)
    await send({"type": "websocket.http.response.body", "body": bytes(response.body)})
