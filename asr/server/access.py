"""Who may use the server: keys, and the pages whose scripts may.

A browser sends whatever any page asks it to send, so an address that only this machine reaches is
reached by every page that the machine's user visits. Two headers tell: `Origin` names the page that
asks, and `Host` the name by which the server was found, which a page may point to this machine.
"""

import hmac
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.types import Scope

from asr.server.errors import RefusedError
from asr.server.options import ServerOptions

#: What anybody may read: the page, its files, and what tells that the server works.
OPEN = ("/", "/health", "/openapi.json")
OPEN_FOLDER = "/page/"
#: A browser's script can send a key with a WebSocket only as a subprotocol; the name is OpenAI's.
KEY_SUBPROTOCOL = "openai-insecure-api-key."
_LOOPBACK = ("localhost", "127.0.0.1", "::1")


class Access:
    """The rules of one server.

    Args:
        options: its address, key and origins.
    """

    def __init__(self, options: ServerOptions) -> None:
        self._key = None if options.api_key is None else options.api_key.encode()
        self._origins = set(options.origins)
        self._is_local = options.host in _LOOPBACK
        self._hosts = {*_LOOPBACK, *(urlsplit(origin).hostname for origin in self._origins)}

    def check(self, scope: Scope) -> None:
        """Look at the head of a request.

        Raises:
            RefusedError: a foreign page asks, or the key is missing or wrong.
        """
        headers = Headers(scope=scope)
        self._check_page(headers)
        if self._key is not None and not self._is_open(scope):
            self._check_key(headers, scope)

    def _is_open(self, scope: Scope) -> bool:
        path = scope["path"]
        reads = scope["type"] == "http" and scope["method"] in ("GET", "HEAD")
        return reads and (path in OPEN or path.startswith(OPEN_FOLDER))

    def _check_page(self, headers: Headers) -> None:
        host, origin = headers.get("host", ""), headers.get("origin", "").lower()
        if "*" in self._origins or origin in self._origins:
            return
        if origin and _netloc(origin) != host.lower():
            message = f"this page may not use the server, which does not allow {_safe(origin)}"
            raise RefusedError(403, message, code="origin_not_allowed")
        if self._is_local and host and _name(host) not in self._hosts:
            message = "the server is for this machine alone, unless it is told to allow this name"
            raise RefusedError(403, message, code="host_not_allowed")

    def _check_key(self, headers: Headers, scope: Scope) -> None:
        assert self._key is not None
        scheme, _, given = headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            given = ""
        for offered in scope.get("subprotocols", ()):
            if offered.startswith(KEY_SUBPROTOCOL):
                given = offered.removeprefix(KEY_SUBPROTOCOL)
        if not hmac.compare_digest(given.strip().encode(errors="replace"), self._key):
            wanted = "send the server's key as `Authorization: Bearer KEY`"
            found = "the key is wrong" if given else "a key is missing"
            challenge = {"www-authenticate": "Bearer"}
            raise RefusedError(401, f"{found}; {wanted}", code="invalid_api_key", headers=challenge)


def _netloc(origin: str) -> str:
    try:
        return urlsplit(origin).netloc
    except ValueError:
        return ""


def _name(host: str) -> str | None:
    """Give the name in a `Host` header, without its port."""
    try:
        return urlsplit(f"//{host}").hostname
    except ValueError:
        return None


def _safe(origin: str) -> str:
    return "".join(letter for letter in origin[:100] if letter.isascii() and letter.isprintable())
