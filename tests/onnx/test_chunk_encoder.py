"""Streams encoded chunk by chunk equal whole utterances where they read as many frames."""

import numpy as np
import pytest
import torch
from exported_models import arrays, in_8_bits, make_model
from random_models import noise

from asr.model.ctc_model import CTCModel
from asr.onnx import OnnxEncoder
from asr.onnx.chunk_encoder import OnnxChunkEncoder
from asr.onnx.chunk_network import count_states


def encode_whole(model: CTCModel, features: np.ndarray) -> np.ndarray:
    with torch.inference_mode():
        return model(torch.from_numpy(features)[None], torch.tensor([len(features)]))[0][0].numpy()


def feed(encoder: OnnxChunkEncoder, features: np.ndarray, step: int) -> np.ndarray:
    """Feed so many frames at a time; the last call has none."""
    stream = encoder.open_stream()
    found = [stream.feed(features[first : first + step]) for first in range(0, len(features), step)]
    found.append(stream.feed(features[:0], last=True))
    return np.concatenate(found)


@pytest.mark.parametrize("name", ["blstm", "gru", "rnn", "peephole", "cifg", "lstm1997"])
def test_a_chunk_with_all_its_future_equals_the_whole(name):
    model = make_model(name)
    features = noise(60, 16).numpy()
    encoder = OnnxChunkEncoder(model.settings, arrays(model), chunk_frames=1, context_frames=0)
    state = np.zeros((count_states(model.settings), 1, 8), np.float32)
    found = []
    for done, chunk in ((0, 1), (1, 6), (7, 10), (17, 13)):
        first = min(done, 2)
        after = features[2 * (done - first) :]
        log_probs, state = encoder.run(after, first, chunk, 30 - done - chunk, state)
        found.append(log_probs)
    np.testing.assert_allclose(np.concatenate(found), encode_whole(model, features), atol=1e-5)


@pytest.mark.parametrize("factor", [2, 3, 4, 6])
@pytest.mark.parametrize("frames", [1, 61, 72])
def test_one_direction_needs_no_context(factor, frames):
    model = make_model(factor=factor, bidirectional=False)
    features = noise(frames, 16).numpy()
    encoder = OnnxChunkEncoder(model.settings, arrays(model), chunk_frames=2, context_frames=0)
    for step in (5, 100):
        found = feed(encoder, features, step)
        np.testing.assert_allclose(found, encode_whole(model, features), atol=1e-5)


@pytest.mark.parametrize("context_ms", [0.0, 100.0])
@pytest.mark.parametrize("name", ["blstm", "gru"])
def test_streams_compute_what_training_with_limited_context_does(name, context_ms):
    model = make_model(name, right_context_ms=context_ms)
    features = noise(180, 16)
    model.encoder.train()
    model.encoder.dropout.eval()
    expected = encode_whole(model, features.numpy())
    encoder = OnnxChunkEncoder(
        model.settings, arrays(model), chunk_frames=25, context_frames=round(context_ms / 20)
    )
    np.testing.assert_allclose(feed(encoder, features.numpy(), 7), expected, atol=1e-5)


@pytest.mark.parametrize("frames", [1, 61, 72])
def test_a_lookahead_streams_exactly(frames):
    model = make_model(bidirectional=False, right_context_ms=100)
    features = noise(frames, 16).numpy()
    encoder = OnnxChunkEncoder(model.settings, arrays(model), chunk_frames=3, context_frames=5)
    for step in (4, 100):
        found = feed(encoder, features, step)
        np.testing.assert_allclose(found, encode_whole(model, features), atol=1e-5)


def test_more_context_is_nearer_to_the_whole():
    model = make_model()
    features = noise(400, 16).numpy()
    expected = encode_whole(model, features)

    def difference(context: int) -> float:
        encoder = OnnxChunkEncoder(
            model.settings, arrays(model), chunk_frames=8, context_frames=context
        )
        found = feed(encoder, features, 10)
        assert found.shape == expected.shape
        return float(np.abs(np.exp(found) - np.exp(expected)).mean())

    none, some, much = (difference(context) for context in (0, 4, 16))
    assert none > 3 * some > 9 * much


def test_streams_do_not_share_a_state():
    model = make_model()
    encoder = OnnxChunkEncoder(model.settings, arrays(model), chunk_frames=4, context_frames=2)
    one, two = noise(40, 16, seed=1).numpy(), noise(40, 16, seed=2).numpy()
    streams = encoder.open_stream(), encoder.open_stream()
    mixed = [stream.feed(part) for stream, part in zip(streams, (one, two), strict=True)]
    np.testing.assert_array_equal(mixed[0], encoder.open_stream().feed(one))
    np.testing.assert_array_equal(mixed[1], encoder.open_stream().feed(two))


def test_a_stream_of_one_direction_in_8_bits_is_near_float32():
    model = make_model(bidirectional=False)
    features = noise(60, 16).numpy()
    stored = in_8_bits(model)
    encoder = OnnxChunkEncoder(model.settings, stored, chunk_frames=3, context_frames=0)
    expected, _ = OnnxEncoder(model.settings, stored, float32=True).run(
        features[None], np.array([60])
    )
    difference = np.abs(np.exp(feed(encoder, features, 7)) - np.exp(expected[0])).max()
    assert 0 < difference < 0.01


def test_no_features_are_no_log_probabilities():
    model = make_model()
    encoder = OnnxChunkEncoder(model.settings, arrays(model), chunk_frames=4, context_frames=2)
    found = encoder.open_stream().feed(np.zeros((0, 16), np.float32), last=True)
    assert found.shape == (0, 9)
