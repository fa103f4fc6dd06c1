"""The client of Home Assistant's protocol, and what no such client sends."""

import asyncio
import json
import socket
from collections.abc import Sequence

import numpy as np
import pytest
from wyoming.asr import Transcribe
from wyoming.audio import AudioChunk, AudioStart, AudioStop
from wyoming.client import AsyncTcpClient
from wyoming.event import Event
from wyoming.info import Describe, Info
from wyoming.ping import Ping

from asr.server.main import Server
from asr.server.service import Service


def converse(server: Server, events: Sequence[Event], answers: int) -> list[Event]:
    """Send events, and read so many answers."""

    async def run() -> list[Event]:
        assert server.wyoming_port
        async with AsyncTcpClient("127.0.0.1", server.wyoming_port) as client:
            for event in events:
                await client.write_event(event)
            return [await client.read_event() for _ in range(answers)]

    return asyncio.run(asyncio.wait_for(run(), 10))


def test_a_command_is_transcribed(server: Server, service: Service, samples: np.ndarray) -> None:
    form = {"rate": 8000, "width": 2, "channels": 2}
    both = np.stack([samples, samples], 1)
    parts = [part.tobytes() for part in np.array_split(both, 5)]
    events = [
        Transcribe(language="en", transcript_names=["Zoë"]).event(),  # greedy search uses none
        AudioStart(**form).event(),
        *(AudioChunk(**form, audio=part).event() for part in parts),
        AudioStop().event(),
    ]
    first, second = converse(server, [*events, Event("unknown-to-us"), *events], 2)
    expected = service.recognizer.transcribe(samples.astype(np.float32) / 32768, 8000).text
    assert expected
    assert first.data["text"] == second.data["text"] == expected


def test_the_model_is_described(server: Server) -> None:
    described, pong = converse(server, [Describe().event(), Ping("x").event()], 2)
    (program,) = Info.from_event(described).asr
    assert [(model.name, model.languages) for model in program.models] == [("tones", ["en"])]
    assert pong.data == {"text": "x"}


@pytest.mark.parametrize(
    ("event", "told"),
    [
        (AudioChunk(8000, 2, 1, b"12").event(), "before audio-start"),
        (AudioStop().event(), "before audio-start"),
        (AudioStart(8000, 3, 1).event(), "a width of 2"),
        (Event("audio-start", {"rate": [], "width": {}, "channels": None}), "a width of 2"),
        (Transcribe(transcript_names="x").event(), "list of texts"),
    ],
)
def test_wrong_events_are_told(server: Server, event: Event, told: str) -> None:
    (answer,) = converse(server, [event], 1)
    assert answer.type == "error"
    assert told in answer.data["text"]


@pytest.mark.parametrize(
    "sent",
    [
        bytes(range(256)),
        b"GET / HTTP/1.1\r\n\r\n",
        b"[]\n",
        b'{"type": "audio-chunk", "payload_length": 1000000000000}\n',
        b'{"type": "audio-chunk", "data_length": -1}\n',
        b'{"type": "audio-chunk", "data_length": 3}\n[1]',
        b"[" * 60_000 + b"\n",
        b"x" * 200_000,
    ],
)
def test_other_bytes_end_the_connection_with_an_error(server: Server, sent: bytes) -> None:
    with socket.create_connection(("127.0.0.1", server.wyoming_port), timeout=10) as client:
        client.sendall(sent)
        if b"\n" not in sent and len(sent) < 1 << 16:
            client.shutdown(socket.SHUT_WR)
        try:
            found = b"".join(iter(lambda: client.recv(4096), b""))
        except ConnectionResetError:  # it was cut while we were still sending
            return
    line, _, rest = found.partition(b"\n")
    if found:
        assert json.loads(line)["type"] == "error"
        assert b"expected" in rest
