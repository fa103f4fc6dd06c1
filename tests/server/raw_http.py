"""HTTP by hand: requests that no library would send."""

import json
import socket
from dataclasses import dataclass
from typing import Any

BOUNDARY = "boundary"
FORM = f"multipart/form-data; boundary={BOUNDARY}"


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def error(self) -> dict[str, Any]:
        return json.loads(self.body)["error"]


def form(audio: bytes, **fields: str) -> bytes:
    """A form with a file."""
    parts = [f'name="{name}"\r\n\r\n{value}'.encode() for name, value in fields.items()]
    parts.append(b'name="file"; filename="a.wav"\r\n\r\n' + audio)
    head = f"--{BOUNDARY}\r\nContent-Disposition: form-data; ".encode()
    return b"".join(head + part + b"\r\n" for part in parts) + f"--{BOUNDARY}--\r\n".encode()


def head(path: str = "/v1/audio/transcriptions", method: str = "POST", **headers: object) -> bytes:
    """The head of a request; an underscore in a header's name is a hyphen."""
    given = {"Host": "localhost", **headers}
    lines = [f"{name.replace('_', '-')}: {value}" for name, value in given.items()]
    return "\r\n".join([f"{method} {path} HTTP/1.1", *lines, "", ""]).encode()


def post(port: int, body: bytes, **headers: object) -> Answer:
    """Send a form to the transcriptions."""
    length = {"Content_Length": len(body), "Content_Type": FORM}
    return exchange(port, head(**(length | headers)) + body)


def exchange(port: int, sent: bytes) -> Answer:
    """Send bytes, and read an answer until the connection or its body ends."""
    with socket.create_connection(("127.0.0.1", port), timeout=20) as client:
        client.sendall(sent)
        return read_answer(client)


def read_answer(client: socket.socket) -> Answer:
    found = b""
    while b"\r\n\r\n" not in found:
        part = client.recv(1 << 16)
        assert part, f"no answer: {found!r}"
        found += part
    top, _, body = found.partition(b"\r\n\r\n")
    first, *lines = top.decode().split("\r\n")
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
    while len(body) < int(headers.get("content-length", 1 << 40)):
        part = client.recv(1 << 16)
        if not part:
            break
        body += part
    return Answer(int(first.split()[1]), headers, body)
