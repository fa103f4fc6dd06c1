"""Clients that are strangers, too many, too large, too slow or broken."""

import io
import socket
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile
from raw_http import FORM, exchange, form, head, post, read_answer
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

from asr.server.main import Server
from asr.server.options import Patience, ServerOptions
from asr.server.service import Service
from asr.util.errors import UserError

KEY = {"Authorization": "Bearer secret"}
SOON = Patience(head_s=0.4, body_s=0.4, body_rate=1e6, idle_s=0.5, send_s=0.4)


@pytest.fixture(scope="module")
def strict(service: Service, running) -> Iterator[Server]:
    """A server with a key and small limits."""
    options = ServerOptions(
        port=0,
        api_key="secret",
        origins=("https://Named.example/",),
        max_upload=100_000,
        max_audio_s=2.0,
        max_requests=2,
        patience=SOON,
    )
    with running(Service(service.recognizer, "tones", options)) as server:
        yield server


@pytest.fixture(scope="module")
def wav(tones: Path) -> bytes:
    return (tones / "test-00.wav").read_bytes()


@pytest.fixture(autouse=True)
def nothing_is_left(
    strict: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[None]:
    """Every place is free again after a test, and every file is gone."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    yield
    wait_for_places(strict, 0)
    assert not [*tmp_path.iterdir()]


def wait_for_places(server: Server, taken: int) -> None:
    end_s = time.monotonic() + 5
    while server.places.taken != taken:
        assert time.monotonic() < end_s
        time.sleep(0.01)


def websocket(server: Server, **how: object):
    return connect(f"ws://127.0.0.1:{server.port}/", **{"additional_headers": KEY, **how})


@pytest.mark.parametrize("given", [{}, {"Authorization": "Bearer wrong"}, {"Authorization": "x"}])
def test_the_key_is_needed(strict: Server, wav: bytes, given) -> None:
    answer = post(strict.port, form(wav), **given)
    assert (answer.status, answer.error["code"]) == (401, "invalid_api_key")
    with pytest.raises(InvalidStatus, match="401"):
        websocket(strict, additional_headers=given)


def test_the_key_opens(strict: Server, wav: bytes) -> None:
    assert post(strict.port, form(wav), **KEY).status == 200
    offered = ["vosk", "openai-insecure-api-key.secret"]
    with websocket(strict, additional_headers={}, subprotocols=offered) as client:
        assert client.subprotocol == "vosk"


@pytest.mark.parametrize(("path", "status"), [("/", 200), ("/health", 200), ("/metrics", 401)])
def test_what_anybody_may_read(strict: Server, path: str, status: int) -> None:
    assert exchange(strict.port, head(path, "GET")).status == status
    with socket.create_connection(("127.0.0.1", strict.port), timeout=10) as client:
        client.sendall(head(path, "HEAD"))  # as monitors ask
        assert client.recv(4096).split()[1] == str(status).encode()


def test_the_page_may_reach_this_server_alone(strict: Server) -> None:
    answer = exchange(strict.port, head("/", "GET"))
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.headers["content-security-policy"].startswith("default-src 'none'; script-src")
    assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("headers", [{"Origin": "https://evil.example"}, {"Host": "evil.example"}])
def test_foreign_pages_are_refused(strict: Server, wav: bytes, headers) -> None:
    assert post(strict.port, form(wav), **KEY, **headers).status == 403
    if "Origin" in headers:
        with pytest.raises(InvalidStatus, match="403"):
            websocket(strict, origin=headers["Origin"])


def test_named_pages_may_read(strict: Server, wav: bytes) -> None:
    named = {"Origin": "https://named.example"}
    answer = post(strict.port, form(wav), **KEY, **named)
    assert answer.status == 200
    assert answer.headers["access-control-allow-origin"] == named["Origin"]
    with websocket(strict, origin=named["Origin"]):
        pass
    own = {"Host": "localhost:1", "Origin": "http://localhost:1"}
    answer = post(strict.port, form(wav), **KEY, **own)
    assert answer.status == 200
    assert "access-control-allow-origin" not in answer.headers


def test_a_large_body_is_refused_before_it_comes(strict: Server) -> None:
    declared = head(Content_Length=1_000_000_000, Content_Type=FORM, **KEY)
    answer = exchange(strict.port, declared)
    assert (answer.status, answer.error["code"]) == (413, "request_too_large")
    assert answer.headers["connection"] == "close"


def test_a_body_of_no_stated_length_is_counted(strict: Server) -> None:
    start = head(Transfer_Encoding="chunked", Content_Type=FORM, **KEY)
    answer = exchange(strict.port, start + b"20000\r\n" + bytes(0x20000) + b"\r\n")
    assert answer.status == 413


def test_a_long_recording_is_refused(strict: Server, samples: np.ndarray) -> None:
    file = io.BytesIO()
    soundfile.write(file, np.tile(samples, 2), 8000, format="WAV")
    answer = post(strict.port, form(file.getvalue()), **KEY)
    assert (answer.status, answer.error["code"]) == (413, "audio_too_long")


def test_more_clients_than_places_are_told_to_come_again(strict: Server, wav: bytes) -> None:
    with websocket(strict), websocket(strict):
        wait_for_places(strict, 2)
        answer = post(strict.port, form(wav), **KEY)
        assert (answer.status, answer.error["code"]) == (429, "server_busy")
        assert int(answer.headers["retry-after"]) > 0
        with pytest.raises(InvalidStatus, match="429"):
            websocket(strict)
        assert exchange(strict.port, head("/health", "GET")).status == 200
    wait_for_places(strict, 0)
    assert post(strict.port, form(wav), **KEY).status == 200


@pytest.mark.parametrize("sent", [b"", b"POST /v1/audio"])
def test_a_head_that_does_not_come_ends_the_connection(strict: Server, sent: bytes) -> None:
    with socket.create_connection(("127.0.0.1", strict.port), timeout=10) as client:
        client.sendall(sent)
        with pytest.raises(ConnectionResetError):
            assert client.recv(1) == b""
            raise ConnectionResetError


def test_a_body_that_comes_slowly_is_refused(strict: Server) -> None:
    with socket.create_connection(("127.0.0.1", strict.port), timeout=10) as client:
        client.sendall(head(Content_Length=1000, Content_Type=FORM, **KEY) + b"--bound")
        assert read_answer(client).status == 408


def test_a_silent_websocket_is_closed(strict: Server) -> None:
    with websocket(strict) as client, pytest.raises(ConnectionClosed, match="no message"):
        client.recv(timeout=10)


def test_a_client_that_reads_nothing_is_cut(strict: Server) -> None:
    with socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.settimeout(10)
        client.connect(("127.0.0.1", strict.port))
        with pytest.raises(ConnectionError):
            for _ in range(10_000):
                client.sendall(head("/openapi.json", "GET") * 100)


@pytest.mark.parametrize("cut", [10, 200, -4])
def test_a_truncated_form_is_refused(strict: Server, wav: bytes, cut: int) -> None:
    answer = post(strict.port, form(wav)[:cut], **KEY)
    assert answer.status == 400
    assert answer.error["type"] == "invalid_request_error"


def test_a_form_of_many_files_or_fields_is_refused(strict: Server, wav: bytes) -> None:
    twice = form(wav[:100])[:-14] + form(wav[:100])
    assert post(strict.port, twice, **KEY).status == 400
    assert post(strict.port, form(wav, prompt="x" * 70_000), **KEY).status == 400
    assert post(strict.port, b"file=x", **KEY, Content_Type="text/plain").status == 400
    assert post(strict.port, form(wav), **KEY, Content_Type="multipart/form-data").status == 400


@pytest.mark.parametrize("sent", [bytes(range(256)), b"\x16\x03\x01\x02"])
def test_garbage_is_refused(strict: Server, sent: bytes) -> None:
    with socket.create_connection(("127.0.0.1", strict.port), timeout=10) as client:
        client.sendall(sent)
        try:
            answer = b"".join(iter(lambda: client.recv(4096), b""))
        except ConnectionResetError:
            answer = b""
    assert answer == b"" or answer.startswith(b"HTTP/1.1 400")


def test_a_head_without_end_is_refused(strict: Server) -> None:
    sent = b"GET / HTTP/1.1\r\n" + b"a: b\r\n" * 20_000
    with socket.create_connection(("127.0.0.1", strict.port), timeout=10) as client:
        try:
            client.sendall(sent)
            assert client.recv(4096).startswith(b"HTTP/1.1 400")
        except ConnectionError:
            return


def test_a_client_that_leaves_frees_its_place(strict: Server, wav: bytes) -> None:
    body = form(wav)
    start = head(Content_Length=len(body), Content_Type=FORM, **KEY)
    streamed = form(wav, stream="true")
    streams = head(Content_Length=len(streamed), Content_Type=FORM, **KEY) + streamed
    for sent in (start, start + body[:5000], start + body, streams):
        with socket.create_connection(("127.0.0.1", strict.port), timeout=10) as client:
            client.sendall(sent)
            client.shutdown(socket.SHUT_WR)
        wait_for_places(strict, 0)


@pytest.mark.parametrize("path", ["/page/../options.py", "/page/%2e%2e/options.py", "//etc/passwd"])
def test_no_other_file_is_read(strict: Server, path: str) -> None:
    assert exchange(strict.port, head(path, "GET")).status in (401, 404)


@pytest.mark.parametrize(
    "options",
    [
        {"port": 65536},
        {"max_requests": 0},
        {"max_audio_s": float("nan")},
        {"max_audio_s": float("inf")},
        {"max_upload": float("inf")},
        {"api_key": "two words"},
        {"tls_key": Path("key.pem")},
    ],
)
def test_options_that_cannot_be_used_are_refused(options) -> None:
    with pytest.raises(UserError):
        ServerOptions(**options)


def test_a_certificate_that_cannot_be_used_is_named(service: Service, tmp_path: Path) -> None:
    for path in (tmp_path / "none.pem", Path(__file__)):
        options = ServerOptions(port=0, tls_cert=path)
        with pytest.raises(UserError, match=f"{path.name}: cannot be used as a certificate"):
            Server(Service(service.recognizer, "tones", options))


def test_an_address_that_is_taken_is_named(strict: Server, service: Service) -> None:
    options = ServerOptions(port=strict.port)
    with pytest.raises(UserError, match=f"127.0.0.1:{strict.port}: cannot listen there"):
        Server(Service(service.recognizer, "tones", options))


def test_a_host_that_is_no_name_is_named(service: Service) -> None:
    options = ServerOptions(host="a..b", port=0)
    with pytest.raises(UserError, match=r"a\.\.b:0: cannot listen there"):
        Server(Service(service.recognizer, "tones", options))
