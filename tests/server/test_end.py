"""A server that is asked to end finishes what was begun."""

import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
from raw_http import FORM, exchange, form, head, read_answer
from websockets.sync.client import connect

from asr.server.options import ServerOptions
from asr.server.service import Service


def test_what_was_begun_is_finished(service: Service, samples: np.ndarray, tones, running) -> None:
    body = form((tones / "test-00.wav").read_bytes())
    ours = Service(service.recognizer, "tones", ServerOptions(port=0))
    with running(ours) as server, socket.create_connection(("127.0.0.1", server.port)) as half:
        half.settimeout(10)
        half.sendall(head(Content_Length=len(body), Content_Type=FORM) + body[:100])
        with connect(f"ws://127.0.0.1:{server.port}/") as live:
            live.send(samples[:8000].tobytes())
            live.recv(timeout=10)
            other = socket.create_connection(("127.0.0.1", server.port))
            server.should_exit = True
            assert json.loads(live.recv(timeout=10))["text"]
            with other:  # which came before the end, and asks after it
                other.sendall(head("/v1/audio/transcriptions", Content_Length=0))
                refused = read_answer(other)
            assert refused.status == 503
            assert refused.headers["retry-after"]
        half.sendall(body[100:])
        assert read_answer(half).status == 200


def test_the_command_ends_with_success(tones: Path, tones_run: Path, tmp_path: Path) -> None:
    command = ["serve", "--model", str(tones_run), "--port", "0", "--wyoming", "0"]
    place = os.environ | {"TMPDIR": str(tmp_path), "ASR_API_KEY": "secret"}
    with subprocess.Popen(
        [sys.executable, "-m", "asr", *command], stderr=subprocess.PIPE, text=True, env=place
    ) as process:
        assert process.stderr
        notes = [process.stderr.readline() for _ in range(2)]
        assert "Wyoming knows no keys" in notes[0]
        port = int(notes[1].split(";")[0].rpartition(":")[2])
        health = exchange(port, head("/health", "GET"))
        assert json.loads(health.body) == {"status": "ok", "model": tones_run.name}
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
    assert not [*tmp_path.glob("asr-*")]
