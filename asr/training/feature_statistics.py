"""The features of the training speech, which the model file tells to streams."""

from collections.abc import Iterator
from contextlib import suppress

from asr.audio import Waveform
from asr.data.dataset import SpeechDataset
from asr.data.manifests import load_waveform
from asr.model.mel import LogMelSettings
from asr.model.numpy_features import NumpyLogMel
from asr.model.settings import ModelSettings
from asr.model.statistics import FeatureStatistics, measure_statistics
from asr.util.errors import UserError

#: Utterances, at most, that are measured.
MEASURED = 100


def measure_features(train: SpeechDataset, settings: ModelSettings) -> FeatureStatistics | None:
    """Measure utterances that are evenly spread over the training set, without augmentation.

    Those that cannot be read are left out, since training names them.
    """

    def waveforms() -> Iterator[Waveform]:
        for cut in train.cuts[:: -(-len(train.cuts) // MEASURED)]:
            with suppress(UserError):
                yield load_waveform(cut, train.sample_rate)

    log_mel = NumpyLogMel(LogMelSettings(**settings.features))  # type: ignore[arg-type]
    return measure_statistics(log_mel, waveforms())
