"""Segments of a long recording: they depend on the samples alone, and no speech is lost."""

from collections.abc import Iterator

import numpy as np
import pytest

from asr.inference.segmentation import LONGEST_S, AudioSegment, segments
from asr.inference.segmentation.cutting import EDGE_S, PAUSE_S
from asr.util.errors import UserError

RATE = 8000


def background(seconds: float, db: float = -60.0, seed: int = 0) -> np.ndarray:
    generator = np.random.default_rng(seed)
    return 10 ** (db / 20) * generator.standard_normal(round(seconds * RATE))


def with_speech(samples: np.ndarray, spans: list[tuple[float, float]], seed: int = 1) -> np.ndarray:
    """Add loud noise, its level moving as syllables do, from second to second."""
    generator = np.random.default_rng(seed)
    mixed = samples.copy()
    for start_s, end_s in spans:
        start, end = round(start_s * RATE), round(end_s * RATE)
        syllables = 0.55 + 0.45 * np.sin(2 * np.pi * 4 * np.arange(end - start) / RATE)
        mixed[start:end] += 0.1 * syllables * generator.standard_normal(end - start)
    return mixed


def random_blocks(samples: np.ndarray, generator: np.random.Generator) -> Iterator[np.ndarray]:
    while len(samples):
        size = int(10 ** generator.uniform(0, 6))
        yield samples[:size]
        samples = samples[size:]


def cut(samples: np.ndarray, detector: str = "energy") -> list[AudioSegment]:
    return list(segments([samples.astype(np.float32)], RATE, detector))


def talk(seconds: float, seed: int = 0) -> np.ndarray:
    generator = np.random.default_rng(seed)
    spans, now = [], 0.0
    while (now := now + generator.choice([0.1, 0.4, 0.7, 2.0, 15.0])) < seconds:
        end = min(now + generator.choice([0.3, 2.0, 9.0, 70.0]), seconds)
        spans.append((now, end))
        now = end
    return with_speech(background(seconds, seed=seed), spans).astype(np.float32)


def same(one: list[AudioSegment], other: list[AudioSegment]) -> bool:
    return [a.start for a in one] == [b.start for b in other] and all(
        np.array_equal(a.waveform, b.waveform) for a, b in zip(one, other, strict=True)
    )


@pytest.mark.parametrize("seed", range(12))
def test_segments_do_not_depend_on_block_sizes(seed: int) -> None:
    samples = talk(60 + 17 * seed, seed)
    expected = cut(samples)
    generator = np.random.default_rng(seed)

    assert len(expected) > 1
    for _ in range(5):
        assert same(list(segments(random_blocks(samples, generator), RATE)), expected)


@pytest.mark.parametrize("seed", range(6))
def test_a_segment_holds_the_samples_of_the_recording_at_its_start(seed: int) -> None:
    samples = talk(200, seed)
    end = 0
    for segment in cut(samples):
        assert segment.start >= end, "in order and apart"
        end = segment.start + len(segment.waveform)
        assert np.array_equal(segment.waveform, samples[segment.start : end])
        assert len(segment.waveform) <= LONGEST_S * RATE
    assert end <= len(samples)


@pytest.mark.parametrize("samples", [0, 1, 79, 80, 30 * RATE])
def test_a_short_recording_is_one_segment(samples: int) -> None:
    recording = background(30.0)[:samples].astype(np.float32)

    (segment,) = cut(recording)

    assert segment.start == 0
    assert np.array_equal(segment.waveform, recording)


@pytest.mark.parametrize("offset", [0.0, 0.3, -0.7])
@pytest.mark.parametrize("noise_db", [-90.0, -60.0, -40.0])
def test_speech_lies_in_a_segment_with_its_edges(offset: float, noise_db: float) -> None:
    spans = [(3.0, 5.0), (8.0, 8.4), (30.0, 41.0), (61.5, 62.0)]
    found = cut(with_speech(background(70.0, noise_db), spans) + offset)

    times = [(one.start / RATE, (one.start + len(one.waveform)) / RATE) for one in found]
    assert len(times) == len(spans)
    for (begin, end), (start_s, end_s) in zip(times, spans, strict=True):
        assert begin == pytest.approx(start_s - EDGE_S, abs=0.08)
        assert end == pytest.approx(end_s + EDGE_S, abs=0.08)


def test_a_short_pause_stays_in_a_segment_and_a_long_one_ends_it() -> None:
    pause = PAUSE_S - 0.1
    spans = [(1.0, 3.0), (3.0 + pause, 6.0), (6.0 + PAUSE_S + 0.1, 9.0)]

    assert len(cut(with_speech(background(40.0), spans))) == 2


def test_speech_without_a_pause_is_cut_where_it_is_quietest() -> None:
    samples = with_speech(background(60.0), [(1.0, 58.0)])
    samples[22 * RATE : int(22.2 * RATE)] *= 0.02

    found = cut(samples)

    assert found[0].start + len(found[0].waveform) == pytest.approx(22.1 * RATE, abs=0.05 * RATE)
    assert found[1].start == found[0].start + len(found[0].waveform), "nothing is lost"


@pytest.mark.parametrize("level", [0.0, 0.5])
def test_silence_and_a_constant_hold_no_speech(level: float) -> None:
    assert cut(np.full(100 * RATE, level)) == []


def test_soft_steady_noise_holds_no_speech() -> None:
    assert cut(background(100.0, -50.0)) == []


def test_loud_steady_sound_counts_as_speech_from_end_to_end() -> None:
    """Somebody may speak in it; the recording far from it is cut as without it."""
    samples = background(200.0, -60.0)
    samples[50 * RATE : 140 * RATE] += background(90.0, -25.0, seed=1)

    found = cut(samples)

    assert found[0].start == pytest.approx(50 * RATE, abs=RATE)
    end = found[0].start
    for segment in found:
        assert segment.start == end, "nothing is left out"
        end += len(segment.waveform)
    assert end == pytest.approx(140 * RATE, abs=RATE)


def test_a_click_is_no_speech() -> None:
    samples = background(40.0)
    samples[20 * RATE] = 1.0

    assert cut(samples) == []


def test_one_segment_and_three_chunks_are_in_memory_at_most() -> None:
    """When a segment is given, no more than that has been read past its start."""
    read = 0

    def arriving() -> Iterator[np.ndarray]:
        nonlocal read
        samples = talk(600)
        for start in range(0, len(samples), 1000):
            read = start
            yield samples[start : start + 1000]

    for segment in segments(arriving(), RATE):
        assert read - segment.start <= (LONGEST_S + 3 * 10 + 1) * RATE


def test_an_unknown_detector_is_refused() -> None:
    with pytest.raises(UserError, match="unknown 'magic'; choose one of energy, silero"):
        cut(background(1.0), "magic")
