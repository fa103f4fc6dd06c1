"""HTTPS and secure WebSockets."""

import json
import shutil
import ssl
import subprocess
import urllib.request
from pathlib import Path

import pytest
from websockets.sync.client import connect

from asr.server.options import ServerOptions
from asr.server.service import Service


def test_all_of_a_port_is_encrypted(service: Service, running, tmp_path: Path) -> None:
    if shutil.which("openssl") is None:
        pytest.skip("needs the command openssl, which makes a certificate")
    cert, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
         "-nodes", "-keyout", key, "-out", cert, "-days", "2", "-subj", "/CN=localhost",
         "-addext", "subjectAltName=DNS:localhost"],
        check=True, capture_output=True,
    )  # fmt: skip
    options = ServerOptions(host="localhost", port=0, tls_cert=cert, tls_key=key)
    trust = ssl.create_default_context(cafile=cert)
    with running(Service(service.recognizer, "tones", options)) as server:
        at = f"localhost:{server.port}"
        with urllib.request.urlopen(f"https://{at}/health", context=trust) as answer:
            assert json.load(answer)["status"] == "ok"
        with connect(f"wss://{at}/", ssl=trust, origin=f"https://{at}") as live:
            live.send('{"eof": 1}')
            assert json.loads(live.recv(timeout=10)) == {"text": ""}
