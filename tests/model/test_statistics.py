"""Statistics of the features of training speech, measured and in a model file."""

from pathlib import Path

import numpy as np
import pytest
from random_models import FEATURES, noise, random_model, random_tokenizer

from asr.model.mel import LogMelSettings
from asr.model.model_file import export_model, load_model, read_model, save_model
from asr.model.numpy_features import NumpyLogMel
from asr.model.statistics import FeatureStatistics, measure_statistics, read_statistics
from asr.util.errors import UserError

LOG_MEL = NumpyLogMel(LogMelSettings(**{**FEATURES, "top_db": 30.0}))


def test_they_are_means_over_utterances_at_any_loudness() -> None:
    one, two = (0.1 * noise(length, seed=length).numpy() for length in (8000, 4000))
    found = measure_statistics(LOG_MEL, [one, two, one[:9]])
    limited = [LOG_MEL.limit_range(LOG_MEL.log_mel(waveform)) for waveform in (one, two)]
    np.testing.assert_allclose(
        found.mean, np.mean([values.mean(0) - values.max() for values in limited], 0), atol=1e-5
    )
    np.testing.assert_allclose(found.variance, np.mean([v.var(0) for v in limited], 0), atol=1e-5)
    quieter = measure_statistics(LOG_MEL, [0.1 * one, 0.3 * two])
    np.testing.assert_allclose(quieter.mean, found.mean, atol=1e-3)
    assert measure_statistics(LOG_MEL, [one[:9]]) is None


def test_a_model_file_keeps_them(tmp_path: Path) -> None:
    model = random_model()
    statistics = FeatureStatistics(np.linspace(-9, 0, 16), np.linspace(0, 4, 16))
    path, smaller = tmp_path / "a.safetensors", tmp_path / "b.safetensors"
    arguments = (model.state_dict(), model.settings, random_tokenizer(), {})
    save_model(path, *arguments, statistics)
    export_model([path], smaller, 8)
    for found in (read_model(path).statistics, load_model(smaller)[0].statistics):
        np.testing.assert_allclose(found.mean, statistics.mean, atol=1e-3)
        np.testing.assert_allclose(found.variance, statistics.variance, atol=1e-3)
    save_model(path, *arguments)
    assert read_model(path).statistics is None


@pytest.mark.parametrize(
    "values",
    [
        [],
        {"mean": [0.0]},
        {"mean": [0.0], "variance": [1.0, 1.0]},
        {"mean": [0.1, 0.0], "variance": [1.0, 1.0]},
        {"mean": [0.0, 0.0], "variance": [1.0, -1.0]},
        {"mean": [0.0, float("nan")], "variance": [1.0, 1.0]},
        {"mean": [0.0, 0.0], "variance": [1.0, True]},
        {"mean": [0.0, 0.0], "variance": [1.0, 10**400]},
    ],
)
def test_what_they_cannot_be_is_refused(values: object) -> None:
    with pytest.raises(UserError, match="statistics should have 2 means"):
        read_statistics(values, 2)
