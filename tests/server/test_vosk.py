"""A client of vosk-server's protocol."""

import json
from typing import Any

import numpy as np
import pytest
from websockets.exceptions import ConnectionClosedError
from websockets.sync.client import ClientConnection, connect

from asr.server.service import Service
from asr.transcript import Segment

RATE = 8000


@pytest.fixture
def client(port: int):
    with connect(f"ws://127.0.0.1:{port}/") as socket:
        yield socket


def ask(socket: ClientConnection, message: Any) -> dict[str, Any]:
    socket.send(message if isinstance(message, bytes) else json.dumps(message))
    return json.loads(socket.recv(timeout=10))


def test_each_packet_has_an_answer_and_the_end_has_the_words(client, samples, service: Service):
    client.send(json.dumps({"config": {"sample_rate": RATE, "words": 1}}))
    answers = [ask(client, part.tobytes()) for part in np.array_split(samples, 7)]
    last = ask(client, {"eof": 1})
    stream = service.recognizer.stream(RATE)
    events = [*stream.accept(samples.astype(np.float32) / 32768), *stream.finish()]
    segments = [event for event in events if isinstance(event, Segment)]
    found = [answer for answer in (*answers, last) if answer.get("text")]
    assert [answer["text"] for answer in found] == [segment.text for segment in segments]
    words = [word for answer in found for word in answer["result"]]
    assert [(word["word"], word["start"]) for word in words] == [
        (word.text, round(word.start_s, 3)) for segment in segments for word in segment.words
    ]
    assert all(0 <= word["conf"] <= 1 for word in words)
    assert any(answer.get("partial") for answer in answers)


def test_reset_begins_anew_and_words_may_be_left_out(client, samples) -> None:
    client.send(json.dumps({"config": {"sample_rate": RATE, "words": 0}}))
    texts = []
    for command in ({"reset": 1}, {"eof": 1}):
        ask(client, samples.tobytes())
        texts.append(ask(client, command))
    assert texts[0] == texts[1]
    assert texts[0]["text"]
    assert "result" not in texts[0]


def test_times_are_those_of_the_session(client, samples) -> None:
    client.send(json.dumps({"config": {"sample_rate": RATE}}))
    found = []
    for command in ({"reset": 1}, {"eof": 1}):
        answer = ask(client, samples.tobytes())
        found.append([*answer.get("result", []), *ask(client, command)["result"]])
    length_s = len(samples) / RATE
    assert [word["start"] for word in found[1]] == pytest.approx(
        [length_s + word["start"] for word in found[0]], abs=0.002
    )


def test_alternatives_are_a_list(client, samples) -> None:
    client.send(json.dumps({"config": {"sample_rate": RATE, "max_alternatives": 3}}))
    ask(client, samples.tobytes())
    (best,) = ask(client, {"eof": 1})["alternatives"]
    assert best["text"]


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        ('{"config": {"model": "/etc/passwd"}}', "one model"),
        ('{"config": {"sample_rate": "fast"}}', "sample_rate"),
        ('{"config": {"sample_rate": 0}}', "expected 1,000 to 768,000 whole Hz, found 0"),
        ('{"config": {"sample_rate": 12}}', "expected 1,000 to 768,000 whole Hz, found 12"),
        ('{"config": []}', "expected an object"),
        ("hello", "expected JSON"),
        ("[" * 100_000, "expected JSON"),
        ('{"hello": 1}', "expected config, eof or reset"),
        (b"odd", "16 bits"),
    ],
)
def test_other_messages_are_refused(client, message, reason) -> None:
    client.send(message)
    assert reason in json.loads(client.recv(timeout=10))["error"]
    with pytest.raises(ConnectionClosedError, match=reason):
        client.recv(timeout=10)
