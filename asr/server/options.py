"""Where a server listens, for whom, and how much it takes from anybody."""

import math
import re
from dataclasses import dataclass
from pathlib import Path

from asr.util.errors import UserError

MEGABYTE = 1_000_000
#: A key: what both a header of HTTP and the name of a WebSocket's subprotocol may hold.
KEY = re.compile(r"[A-Za-z0-9._~+-]+")


@dataclass(frozen=True)
class Patience:
    """How long a client may be slow. Whoever is slower loses the connection.

    Attributes:
        head_s: until a request's head is complete.
        body_s: until its body is, and a second more for each `body_rate` bytes that came.
        body_rate: bytes a second.
        idle_s: between two messages of a WebSocket or of Wyoming.
        send_s: until an answer, or a message, is taken.
    """

    head_s: float = 30.0
    body_s: float = 30.0
    body_rate: float = 8_000.0
    idle_s: float = 60.0
    send_s: float = 60.0


@dataclass(frozen=True)
class ServerOptions:
    """Where the server listens, and its limits.

    Attributes:
        host: the address.
        port: 0 for any that is free.
        wyoming_port: of Wyoming's clients; None for none.
        api_key: what clients must send; None where they need not.
        origins: pages of other addresses whose scripts may use the server, as
            ``https://example.org``; ``*`` for all.
        max_upload: bytes of a request's body.
        max_audio_s: seconds of a recording.
        max_requests: requests and live sessions that are under way at once; more are refused.
        tls_cert: certificates in PEM; None for plain HTTP.
        tls_key: their key; None where it stands in the same file.
        language: of the model, as clients are told, since the model does not know its name.
        patience: with slow clients.

    Raises:
        UserError: a number out of its range, or a key without a certificate.
    """

    host: str = "127.0.0.1"
    port: int = 8000
    wyoming_port: int | None = None
    api_key: str | None = None
    origins: tuple[str, ...] = ()
    max_upload: float = 500 * MEGABYTE
    max_audio_s: float = 4 * 3600.0
    max_requests: int = 128
    tls_cert: Path | None = None
    tls_key: Path | None = None
    language: str = "en"
    patience: Patience = Patience()

    def __post_init__(self) -> None:
        for name in ("port", "wyoming_port"):
            port = getattr(self, name)
            if port is not None and not 0 <= port < 1 << 16:
                raise UserError(f"{name}: expected 0 to 65535, found {port}")
        for name in ("max_upload", "max_audio_s", "max_requests"):
            if not 0 < (value := getattr(self, name)) < math.inf:
                raise UserError(f"{name}: expected a number above 0, found {value:g}")
        origins = tuple(origin.rstrip("/").lower() for origin in self.origins)  # as browsers send
        object.__setattr__(self, "origins", origins)
        if self.tls_key is not None and self.tls_cert is None:
            raise UserError("tls_key: comes without tls_cert; give the certificate too")
        if self.api_key is not None and not KEY.fullmatch(self.api_key):
            raise UserError(
                "api_key: expected letters, digits and -._~+ only, since a page sends it as a "
                "WebSocket's subprotocol; give another one that cannot be guessed"
            )
