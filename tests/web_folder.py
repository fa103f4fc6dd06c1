"""A web server of a folder that gives parts of files, and that can fail."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Lock, Thread

#: What is wrong with the answer to a path and its first byte: nothing, a status, or "stops".
Fault = Callable[[str, int], int | str | None]


class WebFolder:
    """Serves a folder.

    Attributes:
        url: the address of the folder.
        fault: asked before each answer.
        asked: the path and first byte of each request.
    """

    def __init__(self, folder: Path) -> None:
        self.folder, self.url = folder, ""
        self.fault: Fault = lambda _path, _start: None
        self.asked: list[tuple[str, int]] = []
        self.lock = Lock()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"  # whose connections are kept
    disable_nagle_algorithm = True  # which would wait for 40 ms before each body

    def __init__(self, web: WebFolder, *args: object) -> None:
        self.web = web
        super().__init__(*args)  # type: ignore[arg-type]

    def do_GET(self) -> None:
        found = re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers.get("Range", ""))
        assert found, "every request is for a part"
        start, last = map(int, found.groups())
        name = self.path.lstrip("/")
        with self.web.lock:
            self.web.asked.append((name, start))
            fault = self.web.fault(name, start)
        file = self.web.folder / name
        if isinstance(fault, int) or not file.is_file():
            self.answer(fault if isinstance(fault, int) else 404, b"", 0)
            return
        content = file.read_bytes()
        if fault == "whole":
            self.answer(200, content, len(content))
            return
        part = content[start : last + 1]
        sent = part[: len(part) // 2] if fault == "stops" else part
        self.answer(206, sent, len(part), f"bytes {start}-{last}/{len(content)}")

    def answer(self, status: int, body: bytes, length: int, place: str | None = None) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(length))
        if place:
            self.send_header("Content-Range", place)
        self.end_headers()
        self.wfile.write(body)
        self.close_connection = len(body) != length

    def log_message(self, *_: object) -> None:
        """Write nothing."""


@contextmanager
def serve(folder: Path) -> Iterator[WebFolder]:
    """Serve a folder until the end of the block."""
    web = WebFolder(folder)
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Handler, web))
    server.daemon_threads = True
    thread = Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        web.url = f"http://127.0.0.1:{server.server_port}/"
        yield web
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
