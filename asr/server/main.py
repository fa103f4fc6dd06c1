"""The server as a process: from options to the last answer."""

from dataclasses import dataclass

import uvicorn

from asr.server.app import make_app
from asr.server.service import Service


@dataclass(frozen=True)
class ServerOptions:
    """Where the server listens.

    Attributes:
        host: the address.
        port: 0 for any that is free.
    """

    host: str = "127.0.0.1"
    port: int = 8000


class Server(uvicorn.Server):
    """A server that tells where it listens.

    Args:
        service: the model.
        options: where it listens, and for whom.
    """

    def __init__(self, service: Service, options: ServerOptions) -> None:
        app = make_app(service)
        super().__init__(
            uvicorn.Config(app, host=options.host, port=options.port, log_level="warning")
        )

    @property
    def port(self) -> int:
        """The port, once the server has started."""
        port: int = self.servers[0].sockets[0].getsockname()[1]
        return port


def serve(service: Service, options: ServerOptions) -> None:
    """Serve until a signal ends it."""
    with service.recognizer.engine.one_thread_a_call():
        Server(service, options).run()
