"""Downloads: whole, resumed after a cut, begun anew, refused."""

import errno
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest
from refusals import refused

from asr.corpora import download as module
from asr.corpora.download import download
from asr.util.errors import UserError

CONTENT = np.random.default_rng(0).bytes(300_000)


class Publisher(BaseHTTPRequestHandler):
    """A server that can cut connections, controlled and observed by its class's fields."""

    protocol_version = "HTTP/1.1"
    content = CONTENT
    etag = '"first"'
    cuts: tuple[int, ...] = ()  # bytes after which the first answers end
    ranges = True
    status = 200
    requests: tuple[str | None, ...] = ()  # the Range of each request
    sent = 0

    def do_GET(self):
        server = type(self)
        asked = self.headers.get("Range")
        server.requests = (*server.requests, asked)
        if server.status != 200:
            self.send_error(server.status)
            return
        start = int(re.fullmatch(r"bytes=(\d+)-", asked)[1]) if asked else 0
        if not server.ranges or self.headers.get("If-Range") != server.etag:
            start = 0
        if start >= len(server.content):
            self.send_error(416)
            return
        body = server.content[start:]
        self.send_response(206 if start else 200)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(server.content) - 1}/*")
        if server.etag:
            self.send_header("ETag", server.etag)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        number = len(server.requests) - 1
        body = body[: server.cuts[number]] if number < len(server.cuts) else body
        server.sent += len(body)  # before the client has received all
        self.wfile.write(body)
        self.close_connection = True

    def log_message(self, *_):
        pass


@pytest.fixture
def publisher(monkeypatch):
    monkeypatch.setattr(module, "PAUSE_S", 0.0)
    monkeypatch.setenv("no_proxy", "*")
    handler = type("Handler", (Publisher,), {})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    handler.url = f"http://127.0.0.1:{server.server_port}/corpus.tar.gz"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield handler
    server.shutdown()
    thread.join()
    server.server_close()


def left_beside(target):
    return [path.name for path in target.parent.iterdir() if path != target]


def test_an_uninterrupted_download(publisher, tmp_path):
    target = tmp_path / "new" / "corpus.tar.gz"
    download(publisher.url, target)
    assert target.read_bytes() == CONTENT
    assert left_beside(target) == []
    download(publisher.url, target)
    assert publisher.requests == (None,)


def test_a_cut_download_is_resumed_at_its_end(publisher, tmp_path):
    publisher.cuts = (100_000, 70_000)
    target = tmp_path / "corpus.tar.gz"
    download(publisher.url, target)
    assert target.read_bytes() == CONTENT
    assert publisher.requests == (None, "bytes=100000-", "bytes=170000-")
    assert publisher.sent == len(CONTENT)


def test_a_later_call_resumes(publisher, tmp_path, monkeypatch):
    target = tmp_path / "corpus.tar.gz"
    publisher.cuts = (100_000,)
    with monkeypatch.context() as patched:
        patched.setattr(module, "ATTEMPTS", 1)
        with pytest.raises(UserError, match=r"in 1 attempts \(100000 of 300000 bytes arrived\)"):
            download(publisher.url, target)
    assert not target.exists()
    download(publisher.url, target)
    assert target.read_bytes() == CONTENT
    assert publisher.sent == len(CONTENT)


def test_a_file_that_changed_is_downloaded_anew(publisher, tmp_path, monkeypatch):
    target = tmp_path / "corpus.tar.gz"
    publisher.cuts = (100_000,)
    with monkeypatch.context() as patched:
        patched.setattr(module, "ATTEMPTS", 1)
        with pytest.raises(UserError):
            download(publisher.url, target)
    publisher.content, publisher.etag = CONTENT[::-1], '"second"'
    download(publisher.url, target)
    assert target.read_bytes() == CONTENT[::-1]


@pytest.mark.parametrize("etag", [None, 'W/"weak"'])
def test_without_a_strong_etag_a_download_begins_anew(publisher, tmp_path, etag):
    publisher.cuts, publisher.etag = (100_000,), etag
    target = tmp_path / "corpus.tar.gz"
    download(publisher.url, target)
    assert target.read_bytes() == CONTENT
    assert publisher.requests == (None, None)


def test_a_server_without_ranges_sends_the_whole_file_again(publisher, tmp_path):
    publisher.cuts, publisher.ranges = (100_000,), False
    target = tmp_path / "corpus.tar.gz"
    download(publisher.url, target)
    assert target.read_bytes() == CONTENT
    assert publisher.requests == (None, "bytes=100000-")


def test_a_part_longer_than_the_file_is_discarded(publisher, tmp_path):
    target = tmp_path / "corpus.tar.gz"
    (tmp_path / "corpus.tar.gz.part").write_bytes(CONTENT + b"more")
    (tmp_path / "corpus.tar.gz.part.mark").write_text(publisher.etag)
    download(publisher.url, target)
    assert target.read_bytes() == CONTENT
    assert left_beside(target) == []


def test_a_download_fails_after_some_attempts(publisher, tmp_path):
    publisher.cuts = (10,) * 50
    with refused(r"in 5 attempts \(50 of 300000 bytes arrived\); the same"):
        download(publisher.url, tmp_path / "corpus.tar.gz")
    assert len(publisher.requests) == 5


@pytest.mark.parametrize(("status", "requests"), [(404, 1), (403, 1), (429, 5), (503, 5)])
def test_client_errors_are_not_retried_and_server_errors_are(publisher, tmp_path, status, requests):
    publisher.status = status
    with pytest.raises(UserError, match=f"corpus.tar.gz: .*{status}"):
        download(publisher.url, tmp_path / "corpus.tar.gz")
    assert len(publisher.requests) == requests
    assert list(tmp_path.iterdir()) == []


def test_a_server_that_cannot_be_reached(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "PAUSE_S", 0.0)
    with pytest.raises(UserError, match="could not be downloaded"):
        download("http://127.0.0.1:1/corpus.tar.gz", tmp_path / "corpus.tar.gz")


def test_a_full_disk_ends_a_download_at_once(publisher, tmp_path, monkeypatch):
    def append(*_args):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(module, "_append", append)
    with refused(r"file: cannot be written: No space .*; make room"):
        download(publisher.url, tmp_path / "file")
    assert len(publisher.requests) == 1
