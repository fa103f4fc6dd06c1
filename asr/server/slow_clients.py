"""Clients that are slow, on purpose or not, and bodies that are too large.

uvicorn waits for ever for the head of a request, for a body, and for a client to take its answer.
"""

import asyncio

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import Message, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from asr.server.errors import RefusedError
from asr.server.options import Patience

#: Seconds after its end until a connection that is still not taken by the client is cut.
LINGER_S = 20.0


class BoundedBody:
    """The body of one request, which is counted and timed while it comes.

    Args:
        scope: of the request.
        receive: gives its messages.
        send: takes those of the answer.
        most: bytes of the body.
        patience: with the client.
    """

    def __init__(
        self, scope: Scope, receive: Receive, send: Send, most: float, patience: Patience
    ) -> None:
        self._receive, self._send, self._most, self._patience = receive, send, most, patience
        headers = Headers(scope=scope)
        length = headers.get("content-length", "")
        self._declared = int(length) if length.isdecimal() else 0
        self._complete = not self._declared and "transfer-encoding" not in headers
        self._bytes = 0
        self._begun_s = asyncio.get_running_loop().time()

    def check_length(self) -> None:
        """Look at the length that the head declares.

        Raises:
            RefusedError: it is too large.
        """
        if self._declared > self._most:
            raise self._too_large()

    async def receive(self) -> Message:
        """Give the next message.

        Raises:
            RefusedError: the body is too large, or comes too slowly.
        """
        if self._complete:  # only the client's leaving can come
            return await self._receive()
        allowed_s = self._patience.body_s + self._bytes / self._patience.body_rate
        passed_s = asyncio.get_running_loop().time() - self._begun_s
        try:
            message = await asyncio.wait_for(self._receive(), max(0.0, allowed_s - passed_s))
        except TimeoutError:
            raise RefusedError(408, "the request came too slowly; send it again") from None
        self._bytes += len(message.get("body", b""))
        if self._bytes > self._most:
            raise self._too_large()
        self._complete = not message.get("more_body", False)
        return message

    async def send(self, message: Message) -> None:
        """Send a part of the answer; after one to half a request, the connection is closed."""
        if message["type"] == "http.response.start" and not self._complete:
            MutableHeaders(scope=message)["connection"] = "close"
        await self._send(message)

    def _too_large(self) -> RefusedError:
        message = f"the request is larger than {self._most / 1e6:g} MB; send a shorter recording"
        return RefusedError(413, message, code="request_too_large")


class _Cut(asyncio.Protocol):
    """Cuts a connection whose client takes nothing of what is sent."""

    patience: Patience
    loop: asyncio.AbstractEventLoop
    transport: asyncio.Transport
    _stuck: asyncio.TimerHandle | None = None

    def pause_writing(self) -> None:
        super().pause_writing()
        self._stuck = self.loop.call_later(self.patience.send_s, self.transport.abort)

    def resume_writing(self) -> None:
        super().resume_writing()
        self._unstick()

    def connection_lost(self, exc: Exception | None) -> None:
        self._unstick()
        super().connection_lost(exc)

    def cut_later(self) -> None:
        """Leave the client a while for what is sent already."""
        self.loop.call_later(LINGER_S, self.transport.abort)

    def _unstick(self) -> None:
        if self._stuck is not None:
            self._stuck.cancel()
            self._stuck = None


class _TimedHTTP(_Cut, H11Protocol):
    """HTTP/1.1 that does not wait for ever for the head of a request."""

    _timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._arm()

    def data_received(self, data: bytes) -> None:
        self._arm()
        super().data_received(data)
        if self._is_answering() or self.transport.get_protocol() is not self:
            self._disarm()

    def connection_lost(self, exc: Exception | None) -> None:
        self._disarm()
        super().connection_lost(exc)

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self.transport.is_closing():
            self.cut_later()

    def timeout_keep_alive_handler(self) -> None:
        super().timeout_keep_alive_handler()
        self.cut_later()

    def _is_answering(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    def _arm(self) -> None:
        if self._timer is None and not self._is_answering():
            self._timer = self.loop.call_later(self.patience.head_s, self.transport.abort)

    def _disarm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


class _TimedWebSocket(_Cut, WebSocketsSansIOProtocol):
    """A WebSocket that is cut soon after its end."""

    def on_task_complete(self, task: "asyncio.Task[None]") -> None:
        super().on_task_complete(task)
        self.cut_later()


def make_protocols(
    patience: Patience,
) -> tuple[type[H11Protocol], type[WebSocketsSansIOProtocol]]:
    """Make uvicorn's protocols of HTTP and WebSockets with time-outs."""
    given = {"patience": patience}
    return (
        type("TimedHTTP", (_TimedHTTP,), given),
        type("TimedWebSocket", (_TimedWebSocket,), given),
    )
