import numpy as np
import pytest

from asr.inference.calibration import fit_temperature, normalized_cross_entropy
from asr.util.errors import UserError


def test_temperature_is_found_again() -> None:
    rng = np.random.default_rng(0)
    truth = rng.uniform(0.05, 0.999, 20000)
    correct = rng.random(20000) < truth
    for temperature in (0.2, 1.0, 4.0):
        fitted = fit_temperature(truth**temperature, correct)
        assert fitted == pytest.approx(temperature, rel=0.05)
        raw = normalized_cross_entropy(truth**temperature, correct)
        calibrated = normalized_cross_entropy((truth**temperature) ** (1 / fitted), correct)
        assert calibrated >= raw
        assert calibrated == pytest.approx(normalized_cross_entropy(truth, correct), abs=1e-3)


def test_normalized_cross_entropy_of_the_known_cases() -> None:
    right = [True, True, True, False]
    assert normalized_cross_entropy([1, 1, 1, 0], right) == pytest.approx(1.0, abs=1e-4)
    assert normalized_cross_entropy([0.75] * 4, right) == pytest.approx(0.0, abs=1e-9)
    assert normalized_cross_entropy([0.1, 0.1, 0.1, 0.9], right) < 0
    assert np.isnan(normalized_cross_entropy([0.5], [True]))
    assert np.isnan(normalized_cross_entropy([], []))


def test_certainty_of_one_kind_stays_finite() -> None:
    assert fit_temperature([1.0, 0.0, 1.0], [False, True, True]) > 0
    with pytest.raises(UserError, match="no words"):
        fit_temperature([], [])
