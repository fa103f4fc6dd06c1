"""The level of samples."""

import numpy as np
import pytest

from asr.audio import level_db

RATE = 8000


def test_level_is_power_over_full_scale() -> None:
    time_s = np.arange(RATE) / RATE
    sine = np.sin(2 * np.pi * 100 * time_s).astype(np.float32)

    assert level_db(sine) == pytest.approx(-3.01, abs=0.01)
    assert level_db(0.1 * sine) == pytest.approx(-23.01, abs=0.01)
    assert level_db(np.zeros(5, np.float32)) == -np.inf


def test_a_floor_gives_silence_a_level_and_frames_have_one_each() -> None:
    frames = np.stack([np.zeros(5), np.ones(5)])

    np.testing.assert_allclose(level_db(frames, floor=1e-10), [-100, 0], atol=1e-8)
