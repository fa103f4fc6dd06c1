"""The server as a process: from options to the last answer."""

import socket
import ssl
from collections.abc import Callable
from contextlib import AsyncExitStack
from types import FrameType

import uvicorn

from asr.server import wyoming
from asr.server.app import make_app
from asr.server.notes import collecting
from asr.server.service import Service
from asr.server.slow_clients import make_protocols
from asr.util.errors import UserError

#: Bytes of one message of a WebSocket, and of the head of a request.
MOST_MESSAGE, MOST_HEAD = 1 << 20, 1 << 16
#: Open connections for each request that may be under way: idle ones, pages and their files.
_CONNECTIONS = 8


class Server(uvicorn.Server):
    """A server that finishes what was begun when it is asked to end.

    Args:
        service: the model, and the limits.
        on_start: is called with the server's URL once clients may come.

    Attributes:
        places: of the clients that are served.
        wyoming_port: that of Wyoming's clients, once the server has started.

    Raises:
        UserError: the address cannot be had, or the certificate cannot be used.
    """

    def __init__(self, service: Service, on_start: Callable[[str], object] | None = None) -> None:
        self._service, self._on_start, self.places = service, on_start, service.places
        options = service.options
        http, ws = make_protocols(options.patience)
        config = uvicorn.Config(
            make_app(service),
            http=http,
            ws=ws,
            ws_max_size=MOST_MESSAGE,
            ws_ping_interval=None,  # a pong waits behind the audio that a busy client sent before
            ws_per_message_deflate=False,
            h11_max_incomplete_event_size=MOST_HEAD,
            limit_concurrency=_CONNECTIONS * options.max_requests,
            log_level="warning",
            proxy_headers=False,
            server_header=False,
            ssl_certfile=options.tls_cert,
            ssl_keyfile=options.tls_key,
        )
        try:
            config.load()
        except (OSError, ssl.SSLError) as error:
            raise UserError(
                f"{options.tls_cert}: cannot be used as a certificate ({error}); give one in PEM, "
                "and its key"
            ) from None
        super().__init__(config)
        self._socket = _listen(options.host, options.port)
        self.wyoming_port: int | None = None
        self._stack = AsyncExitStack()

    @property
    def port(self) -> int:
        """The port of HTTP."""
        port: int = self._socket.getsockname()[1]
        return port

    def run(self, sockets: list[socket.socket] | None = None) -> None:
        """Serve until a signal ends it."""
        with self._service.recognizer.engine.one_thread_a_call(), collecting():
            super().run(sockets or [self._socket])

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen on all ports."""
        options = self._service.options
        if options.wyoming_port is not None:
            try:
                server = await wyoming.start(self._service, options.host, options.wyoming_port)
            except OSError as error:
                raise _unavailable(options.host, options.wyoming_port, error) from None
            self.wyoming_port = server.sockets[0].getsockname()[1]
            self._stack.callback(server.close)
        await super().startup(sockets)
        if self._on_start is not None:
            scheme = "https" if self.config.is_ssl else "http"
            host = f"[{options.host}]" if ":" in options.host else options.host
            self._on_start(f"{scheme}://{host}:{self.port}")

    async def on_tick(self, counter: int) -> bool:
        """Tell whether it is time to end: nobody is served any more."""
        if self.should_exit and not self.force_exit:
            self.places.leaving.set()
            await super().on_tick(counter)
            return not self.places.taken
        return await super().on_tick(counter)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Close all ports."""
        await self._stack.aclose()
        await super().shutdown(sockets)
        self._service.close()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:  # noqa: ARG002
        """Begin to end; a second signal ends at once."""
        self.force_exit = self.should_exit
        self.should_exit = True


def _listen(host: str, port: int) -> socket.socket:
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        return socket.create_server((host, port), family=family, backlog=1024)
    except (OSError, UnicodeError) as error:
        raise _unavailable(host, port, error) from None


def _unavailable(host: str, port: int, error: OSError | UnicodeError) -> UserError:
    reason = getattr(error, "strerror", None) or error
    return UserError(f"{host}:{port}: cannot listen there ({reason}); give another host or port")


def serve(service: Service, on_start: Callable[[str], object]) -> None:
    """Serve until a signal ends it; see `Server`."""
    service.warm_up()
    Server(service, on_start).run()
