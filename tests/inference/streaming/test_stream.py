"""Streams: packets change nothing, what is committed stays, one direction equals the whole."""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
from random_models import ENCODER, FEATURES, SUBSAMPLING, random_tokenizer

from asr.audio import AudioError
from asr.decoding.options import DecodingOptions
from asr.engine.choice import open_engine
from asr.engine.engine import Engine, NotANumberError
from asr.engine.torch_engine import TorchEngine
from asr.inference.recognizer import Recognizer, load
from asr.inference.streaming import EndpointRule, EndpointRules, Event, Partial, Stream
from asr.model.ctc_model import CTCModel
from asr.model.model_file import read_model, save_model
from asr.model.settings import ModelSettings
from asr.transcript import Segment
from asr.util.errors import UserError

RATE, TOKENIZER = 16000, random_tokenizer()
BEAM = DecodingOptions(search="beam", beam_size=4)


def make_model(name: str = "blstm", features: dict | None = None, **encoder: object) -> CTCModel:
    torch.manual_seed(1)
    settings = ModelSettings(
        {**FEATURES, **(features or {})}, SUBSAMPLING, {**ENCODER, "name": name, **encoder}
    )
    model = CTCModel(settings, 9)
    for parameter in model.parameters():  # far from uniform, and other frames have other tokens
        torch.nn.init.normal_(parameter, std=0.4)
    torch.nn.init.normal_(model.head.weight, std=2.0)
    return model.eval()


def open_onnx(folder: Path, model: CTCModel) -> Engine:
    path = folder / "model.safetensors"
    save_model(path, model.state_dict(), model.settings, TOKENIZER, {})
    return open_engine(read_model(path))


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Engine:
    return open_onnx(tmp_path_factory.mktemp("model"), make_model())


def sound(seconds: float, rate: int = RATE) -> np.ndarray:
    generator = np.random.default_rng(0)
    loudness = np.repeat(generator.uniform(0.01, 0.3, 1 + round(seconds * 5)), rate // 5)
    noise = generator.standard_normal(round(seconds * rate))
    return (loudness[: len(noise)] * noise).astype(np.float32)


def packets(samples: np.ndarray, size: int | None) -> Iterator[np.ndarray]:
    generator, first = np.random.default_rng(1), 0
    while first < len(samples):
        end = first + (size or int(generator.integers(0, 3000)))
        yield samples[first:end]
        first = end


def run(stream: Stream, samples: np.ndarray, size: int | None = None) -> list[Event]:
    events = [event for packet in packets(samples, size) for event in stream.accept(packet)]
    return events + stream.finish()


def segments(events: Sequence[Event]) -> list[Segment]:
    return [event for event in events if isinstance(event, Segment)]


def log_probs_of(stream: Stream, samples: np.ndarray, last: bool = False) -> np.ndarray:
    waveform = stream._resampler.feed(samples, last=last)
    return stream._encoder.feed(stream._features.feed(waveform, last=last), last=last)


class Babble:
    """Stands for an encoder: seeded log-probabilities with a pause after two seconds."""

    def __init__(self) -> None:
        self._generator, self._frames = np.random.default_rng(0), 0

    def feed(self, features: np.ndarray, **_: bool) -> np.ndarray:
        logits = 2 * self._generator.standard_normal((len(features) // 2, 9))
        frames = self._frames + np.arange(len(logits))
        logits[(frames > 100) & (frames < 250), 0] = 20.0
        self._frames += len(logits)
        return (logits - np.logaddexp.reduce(logits, -1, keepdims=True)).astype(np.float32)


@pytest.fixture
def babbling(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> Engine:
    monkeypatch.setattr(engine, "open_stream", lambda *_: Babble())
    return engine


@pytest.mark.parametrize(("kind", "rate"), [("onnx", 16000), ("onnx", 11025), ("torch", 16000)])
def test_packets_change_no_bit(engine: Engine, kind: str, rate: int) -> None:
    recognizer = Recognizer(engine if kind == "onnx" else TorchEngine(make_model()), TOKENIZER)
    samples = sound(3, rate)
    found = []
    for size in (None, 160, 1777, len(samples)):
        stream = recognizer.stream(rate, chunk_ms=300, right_context_ms=200)
        parts = [log_probs_of(stream, packet) for packet in packets(samples, size)]
        parts.append(log_probs_of(stream, samples[:0], last=True))
        found.append(np.concatenate(parts))
    assert found[0].std() > 0.1
    for other in found[1:]:
        np.testing.assert_array_equal(other, found[0])


@pytest.mark.parametrize("options", [DecodingOptions(), BEAM])
def test_committed_words_never_change(babbling: Engine, options: DecodingOptions) -> None:
    recognizer = Recognizer(babbling, TOKENIZER, options)
    committed: tuple[str, ...] = ()
    most = 0
    events = run(recognizer.stream(RATE, chunk_ms=200), sound(9))
    for event in events:
        words = (
            event.committed if isinstance(event, Partial) else tuple(w.text for w in event.words)
        )
        assert words[: len(committed)] == committed
        most = max(most, len(committed))
        committed = words if isinstance(event, Partial) else ()
    assert most > 0
    assert len(segments(events)) == 2


@pytest.mark.parametrize("name", ["blstm", "gru"])
def test_a_forward_encoder_equals_the_whole(tmp_path: Path, name: str) -> None:
    """With sliding normalization, which streams as it does in whole files."""
    model = make_model(
        name, features={"normalization": "sliding", "top_db": 40.0}, bidirectional=False
    )
    engine = open_onnx(tmp_path, model)
    samples = sound(8)
    whole, _ = engine.log_probs(samples[None], np.array([len(samples)]))
    stream = Recognizer(engine, TOKENIZER).stream(RATE, chunk_ms=250)
    found = [log_probs_of(stream, packet) for packet in packets(samples, None)]
    found.append(log_probs_of(stream, samples[:0], last=True))
    np.testing.assert_allclose(np.concatenate(found), whole[0], atol=2e-4)


def test_a_lookahead_streams_as_far_as_it_was_trained(tmp_path: Path) -> None:
    model = make_model(
        features={"normalization": "sliding", "top_db": 40.0},
        bidirectional=False,
        right_context_ms=200,
    )
    samples = sound(8)
    for engine in (open_onnx(tmp_path, model), TorchEngine(model)):
        whole, _ = engine.log_probs(samples[None], np.array([len(samples)]))
        stream = Recognizer(engine, TOKENIZER).stream(RATE, chunk_ms=250, right_context_ms=0)
        found = [log_probs_of(stream, packet) for packet in packets(samples, None)]
        found.append(log_probs_of(stream, samples[:0], last=True))
        np.testing.assert_allclose(np.concatenate(found), whole[0], atol=2e-4)


@pytest.mark.parametrize(
    ("trained_ms", "asked_ms", "frames"), [(None, None, 25), (300, None, 15), (300, 60, 3)]
)
def test_the_right_context_is_what_the_model_was_trained_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, trained_ms, asked_ms, frames
) -> None:
    engine = open_onnx(tmp_path, make_model(right_context_ms=trained_ms))
    opened: list[tuple[int, int]] = []
    monkeypatch.setattr(engine, "open_stream", lambda *sizes: opened.append(sizes))
    Recognizer(engine, TOKENIZER).stream(RATE, right_context_ms=asked_ms)
    assert opened == [(25, frames)]


def test_encoders_without_a_state_are_encoded_again(engine: Engine) -> None:
    """With all that was before and much of what comes, both ways are near the whole."""
    model = make_model()
    samples = sound(4)
    options = {"chunk_ms": 400, "right_context_ms": 1000}
    streams = [
        Recognizer(one, TOKENIZER).stream(RATE, **options) for one in (TorchEngine(model), engine)
    ]
    recomputed, carried = (log_probs_of(stream, samples, last=True) for stream in streams)
    np.testing.assert_allclose(np.exp(recomputed), np.exp(carried), atol=0.02)


def test_a_stream_ends_once(engine: Engine) -> None:
    stream = Recognizer(engine, TOKENIZER).stream(RATE)
    assert stream.accept(np.zeros(0, np.float32)) == []
    assert stream.finish() == []
    with pytest.raises(UserError, match="it has ended"):
        stream.accept(np.zeros(10, np.float32))


@pytest.mark.parametrize("samples", [np.zeros(9, np.int16), np.zeros((2, 9), np.float32)])
def test_samples_that_are_no_mono_floats_are_refused(engine: Engine, samples: np.ndarray) -> None:
    with pytest.raises(UserError, match="expected mono float samples"):
        Recognizer(engine, TOKENIZER).stream(RATE).accept(samples)


def test_samples_that_are_not_finite_are_refused(engine: Engine) -> None:
    with pytest.raises(AudioError, match="NaN"):
        Recognizer(engine, TOKENIZER).stream(RATE).accept(np.full(9, np.nan, np.float32))


def test_a_model_of_nan_is_refused() -> None:
    model = make_model()
    model.head.bias.data[0] = np.nan
    stream = Recognizer(TorchEngine(model), TOKENIZER).stream(RATE)
    with pytest.raises(NotANumberError):
        run(stream, sound(3))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"chunk_ms": 0}, "chunk_ms"),
        ({"right_context_ms": -1.0}, "right_context_ms"),
        ({"sample_rate": 8000.5}, "stream: sample_rate is 8000.5"),
    ],
)
def test_settings_that_cannot_be_used_are_refused(engine: Engine, settings, message) -> None:
    with pytest.raises(UserError, match=message):
        Recognizer(engine, TOKENIZER).stream(**{"sample_rate": RATE, **settings})


def test_rules_end_utterances(babbling: Engine) -> None:
    recognizer = Recognizer(babbling, TOKENIZER)
    never = EndpointRule(False, 1e9)
    rules = EndpointRules(never, never, never, never, EndpointRule(False, 0.0, 1e9, 2.0))
    found = segments(run(recognizer.stream(RATE, endpoints=rules), sound(9)))
    assert len(found) == 4  # and one without words
    assert all(2 <= segment.end_s - segment.start_s < 2.3 for segment in found[:-1])
    assert all(one.end_s <= other.start_s for one, other in pairwise(found))
    for segment in found:
        assert all(segment.start_s - 0.1 <= word.start_s < word.end_s for word in segment.words)


@pytest.mark.slow
def test_memory_is_flat(engine: Engine) -> None:
    """Twenty minutes take no more memory than one."""
    import tracemalloc

    stream = Recognizer(engine, TOKENIZER, BEAM).stream(RATE)
    minute = sound(60)
    tracemalloc.start()
    held = []
    for _ in range(20):
        for packet in packets(minute, 1600):
            stream.accept(packet)
        held.append(tracemalloc.get_traced_memory()[0])
        tracemalloc.reset_peak()
    tracemalloc.stop()
    assert max(held[1:]) < held[0] + 4e6


@pytest.mark.slow
@pytest.mark.parametrize("level", [0.0, 1e-3, 0.03])
def test_noise_without_speech_has_no_words(level: float) -> None:
    samples = level * np.random.default_rng(0).standard_normal(8 * RATE)
    stream = load("en-small").stream(RATE)
    assert not segments(stream.accept(samples) + stream.finish())
