"""The statistics of features that training writes for streams."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from asr.audio.opening import read_audio
from asr.data.dataset import SpeechDataset
from asr.data.manifests import read_cuts
from asr.engine.choice import open_engine
from asr.model.model_file import read_model
from asr.model.statistics import measure_statistics
from asr.training.feature_statistics import measure_features


def test_they_are_of_the_training_speech_that_can_be_read(tones: Path, tones_run: Path) -> None:
    stored = read_model(tones_run)
    engine = open_engine(stored)
    cuts = read_cuts(str(tones / "train.jsonl.gz"), 30.0)
    paths = [cut.recording.sources[0].source for cut in cuts]
    expected = measure_statistics(engine.log_mel, [read_audio(path, 8000) for path in paths])
    np.testing.assert_allclose(stored.statistics.mean, expected.mean, atol=1e-3)
    np.testing.assert_allclose(engine.statistics.variance, expected.variance, atol=1e-3)

    train = SpeechDataset(cuts, stored.tokenizer, 8000)
    lost = train.cuts[0].recording.sources[0]
    recording = replace(train.cuts[0].recording, sources=[replace(lost, source="lost.wav")])
    lost_cut = replace(train.cuts[0], recording=recording)
    train = SpeechDataset([lost_cut, *cuts[1:]], stored.tokenizer, 8000)
    others = measure_statistics(engine.log_mel, [read_audio(path, 8000) for path in paths[1:]])
    found = measure_features(train, stored.settings)
    np.testing.assert_allclose(found.mean, others.mean)
    none = SpeechDataset([lost_cut], stored.tokenizer, 8000)
    assert measure_features(none, stored.settings) is None
