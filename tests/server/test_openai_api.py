"""The official client of OpenAI's API transcribes, and gets its own exceptions."""

import json
from pathlib import Path

import numpy as np
import openai
import pytest
import soundfile

from asr.decoding.options import DecodingOptions
from asr.inference.recognizer import load
from asr.server.options import ServerOptions
from asr.server.service import Service
from asr.transcript import Transcript

RATE = 8000


@pytest.fixture(scope="module")
def client(port: int) -> openai.OpenAI:
    return openai.OpenAI(base_url=f"http://127.0.0.1:{port}/v1", api_key="none", max_retries=0)


@pytest.fixture(scope="module")
def audio(tones: Path) -> Path:
    return tones / "test-00.wav"


@pytest.fixture(scope="module")
def expected(service: Service, audio: Path) -> Transcript:
    transcript = service.recognizer.transcribe(audio)
    assert transcript.words
    return transcript


def test_json_and_text_hold_what_the_recognizer_transcribes(client, audio, expected) -> None:
    found = client.audio.transcriptions.create(model="tones", file=audio)
    assert found.text == expected.text
    assert (found.usage.type, found.usage.seconds) == ("duration", round(expected.duration_s, 3))
    text = client.audio.transcriptions.create(model="tones", file=audio, response_format="text")
    assert text == expected.text + "\n"


def test_verbose_json_has_words_with_confidences_where_asked(client, audio, expected) -> None:
    ask = client.audio.transcriptions.create
    found = ask(
        model="whisper-1",
        file=audio,
        response_format="verbose_json",
        timestamp_granularities=["word", "segment"],
        language="en",
    )
    assert [word.word for word in found.words] == [word.text for word in expected.words]
    assert [word.confidence for word in found.words] == [
        round(word.confidence, 4) for word in expected.words
    ]
    assert [segment.text for segment in found.segments] == [expected.segments[0].text]
    assert found.language == "en"
    bare = ask(model="tones", file=audio, response_format="verbose_json")
    assert bare.words is None
    assert len(bare.segments) == 1


@pytest.mark.parametrize(("name", "mark"), [("srt", "1\n"), ("vtt", "WEBVTT")])
def test_subtitles(client, audio, expected, name, mark) -> None:
    found = client.audio.transcriptions.create(model="tones", file=audio, response_format=name)
    assert found.startswith(mark)
    assert all(word.text in found for word in expected.words)


def test_a_stream_sends_parts_and_then_all(client, audio, expected) -> None:
    events = [*client.audio.transcriptions.create(model="tones", file=audio, stream=True)]
    assert events[-1].type == "transcript.text.done"
    assert events[-1].text == expected.text
    deltas = [event.delta for event in events[:-1]]
    assert "".join(deltas) == expected.text


def test_segments_in_batches_by_length_are_sent_in_order(
    client, service, samples, tmp_path, monkeypatch
) -> None:
    """On a GPU, batches are filled with segments of like length, of several minutes."""
    monkeypatch.setattr(service.recognizer.engine, "rows", 4)
    pauses = [np.zeros(RATE * seconds, np.int16) for seconds in (2, 9, 1, 6, 3, 8)]
    parts = [np.concatenate([np.tile(samples, 1 + n % 3), one]) for n, one in enumerate(pauses)]
    soundfile.write(tmp_path / "long.wav", np.concatenate(parts * 2), RATE)
    expected = service.recognizer.transcribe(tmp_path / "long.wav")
    assert len(expected.segments) > 4
    found = client.audio.transcriptions.create(
        model="tones", file=tmp_path / "long.wav", response_format="verbose_json"
    )
    assert [segment.start for segment in found.segments] == [
        round(segment.start_s, 3) for segment in expected.segments
    ]
    assert found.text == expected.text


def test_the_model_is_listed(client) -> None:
    assert [model.id for model in client.models.list()] == ["tones"]
    assert client.models.retrieve("tones").id == "tones"
    with pytest.raises(openai.NotFoundError):
        client.models.retrieve("another")


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"response_format": "diarized_json"}, "response_format"),
        ({"timestamp_granularities": ["syllable"]}, "timestamp_granularities"),
        ({"temperature": 7}, "temperature"),
    ],
)
def test_wrong_fields_are_named(client, audio, fields, param) -> None:
    with pytest.raises(openai.BadRequestError) as error:
        client.audio.transcriptions.create(model="tones", file=audio, **fields)
    assert error.value.param == param


def test_another_model_is_not_found(client, audio) -> None:
    with pytest.raises(openai.NotFoundError, match="this server has tones"):
        client.audio.transcriptions.create(model="another", file=audio)


def test_what_is_not_audio_is_named_as_the_client_named_it(client) -> None:
    garbage = ("../my.wav", b"RIFF" + bytes(100))
    for stream in (False, True):
        with pytest.raises(openai.BadRequestError, match=r"\.\./my\.wav: ") as error:
            client.audio.transcriptions.create(model="tones", file=garbage, stream=stream)
        assert "asr-" not in json.dumps(error.value.body)


def test_hot_words_change_the_text(running, tones_run, tones) -> None:
    options = DecodingOptions(search="beam", hotword_boost=50.0)
    ours = Service(load(tones_run, options), "tones", ServerOptions(port=0))
    with running(ours) as server:
        url = f"http://127.0.0.1:{server.port}/v1"
        ask = openai.OpenAI(base_url=url, api_key="none", max_retries=0).audio.transcriptions.create
        file = tones / "test-01.wav"
        plain = ask(model="tones", file=file).text
        hot = ask(model="tones", file=file, keywords=["ba", "a"]).text
        expected = ours.recognizer.with_hotwords(["ba", "a"]).transcribe(file).text
        assert hot == expected != plain
        with pytest.raises(openai.BadRequestError, match="cannot write") as error:
            ask(model="tones", file=file, keywords=["x"])
        assert error.value.param == "keywords"
        with pytest.raises(openai.BadRequestError, match="1,000 at most"):
            ask(model="tones", file=file, keywords=["\n".join(map(str, range(1001)))])


def test_hot_words_need_a_beam(client, audio) -> None:
    with pytest.raises(openai.BadRequestError, match="greedy search uses none"):
        client.audio.transcriptions.create(model="tones", file=audio, keywords=["ba"])
