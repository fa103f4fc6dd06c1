"""Windows: every frame is kept once, and encoded with its context."""

from itertools import pairwise

import pytest

from asr.inference.segmentation.windows import CONTEXT_S, windows

LONGEST_S = 30.0


@pytest.mark.parametrize("frames", [0, 1, 999, 1000])
def test_a_short_recording_is_one_window(frames: int) -> None:
    assert list(windows(frames, 0.03, LONGEST_S)) == [(0, 0, frames, frames)]


@pytest.mark.parametrize("frame_s", [0.02, 0.03, 0.06])
@pytest.mark.parametrize("seconds", [30.1, 47.0, 48.1, 61.0, 3600.0])
def test_every_frame_is_kept_once_and_has_its_context(frame_s: float, seconds: float) -> None:
    frames = round(seconds / frame_s)
    found = list(windows(frames, frame_s, LONGEST_S))
    assert [end for *_, end, _ in found[:-1]] == [start for _, start, *_ in found[1:]]
    assert (found[0].start, found[-1].end) == (0, frames)
    for window in found:
        assert 0 <= window.first <= window.start < window.end <= window.last <= frames
        assert (window.last - window.first) * frame_s <= LONGEST_S + frame_s
        before, after = window.start - window.first, window.last - window.end
        assert window.first == 0 or before * frame_s == pytest.approx(CONTEXT_S, abs=frame_s)
        assert window.last == frames or after * frame_s == pytest.approx(CONTEXT_S, abs=frame_s)
    lengths = [window.end - window.start for window in found]
    assert max(lengths) - min(lengths) <= 1


def test_neighbors_overlap() -> None:
    for one, other in pairwise(windows(5000, 0.03, LONGEST_S)):
        assert other.first < one.end < one.last
