"""Latency by a simulated clock, on events that are given."""

import numpy as np
import pytest

from asr.inference.streaming.evaluation import SILENCE_S, append_silence
from asr.inference.streaming.latency import Latency, run_timed
from asr.inference.streaming.stream import Event, Partial
from asr.transcript import Segment, Word


def partial(text: str) -> Partial:
    return Partial((), tuple(text.split()), text, 0.0)


def segment(text: str, ends_s: list[float]) -> Segment:
    words = tuple(
        Word(word, end_s - 0.1, end_s, 1.0)
        for word, end_s in zip(text.split(), ends_s, strict=True)
    )
    return Segment(0.0, ends_s[-1], text, words)


class Script:
    """Gives events by the number of the packet."""

    def __init__(self, events: dict[int, Event]) -> None:
        self._events, self._packet = events, -1

    def accept(self, _: np.ndarray) -> list[Event]:
        self._packet += 1
        return [self._events[self._packet]] if self._packet in self._events else []

    def finish(self) -> list[Event]:
        return [segment("e", [0.75])]


EVENTS = {
    1: partial("a b"),  # at 0.2 s; b may be unfinished
    2: partial("a x c"),
    4: partial("a b c d"),  # x has changed
    5: segment("a b c", [0.05, 0.15, 0.25]),  # d was not counted
}


def test_latency_is_counted_from_the_ends_of_words() -> None:
    latency = Latency()
    found = run_timed(Script(EVENTS), np.zeros(800, np.float32), 1000, latency)
    assert [one.text for one in found] == ["a b c", "e"]
    expected = [0.2 - 0.05, 0.5 - 0.15, 0.5 - 0.25, 0.8 - 0.75]
    assert latency.partial_s == pytest.approx(expected, abs=0.02)
    assert latency.final_s == pytest.approx([0.6 - 0.25, 0.8 - 0.75], abs=0.02)
    assert (latency.shown, latency.changed) == (4, 1)
    assert latency.audio_s == pytest.approx(0.8)
    assert latency.to_dict()["changed_fraction"] == 0.25


def test_words_that_are_taken_back_have_changed() -> None:
    latency = Latency()
    events = {0: partial("a b c"), 1: partial("")}
    run_timed(Script(events), np.zeros(300, np.float32), 1000, latency)
    assert (latency.shown, latency.changed) == (2, 2)


def test_no_words_have_no_latency() -> None:
    assert Latency().to_dict()["partial_latency_mean_s"] is None


def test_silence_has_the_level_of_the_pauses() -> None:
    generator = np.random.default_rng(0)
    waveform = generator.standard_normal(8000).astype(np.float32)
    waveform[2000:4000] *= 0.01
    longer = append_silence(waveform, 1000)
    np.testing.assert_array_equal(longer[:8000], waveform)
    assert len(longer) == 8000 + round(SILENCE_S * 1000)
    assert 0.007 < longer[8000:].std() < 0.013
    assert not append_silence(waveform[:0], 1000).any()
