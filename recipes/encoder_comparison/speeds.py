"""How fast each encoder trains and transcribes, measured on one machine, one after another.

The runs may have been trained on different or busy machines. So their wall times are not used:
each encoder is trained briefly under equal conditions.
"""

import json
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path
from statistics import median
from typing import Any

from lhotse import CutSet
from tqdm import tqdm

from asr.data.dataset import SpeechDataset
from asr.data.manifests import read_cuts
from asr.decoding.options import DecodingOptions
from asr.encoders import ENCODERS
from asr.inference.recognizer import Recognizer, load
from asr.training.main import main as train
from asr.training.metric_logger import METRICS_NAME

#: One of so many utterances of the training and dev sets is used.
STEP = 10
EPOCHS = 3
#: Utterances of the test set that are timed.
TIMED = 40


def measure(cuts: Path, encoders: Iterable[str] = ENCODERS) -> list[dict[str, Any]]:
    """Train each encoder of the recipe briefly, on one thread.

    Args:
        cuts: the folder of train.jsonl.gz, dev.jsonl.gz and test.jsonl.gz.
        encoders: their short names.

    Returns:
        For each encoder its name; ``trains_at``, seconds of speech trained on per second, scoring
        dev included, the median of `EPOCHS`; and `real_time_factor`.
    """
    speeds = []
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        for name in ("train", "dev"):
            few = list(read_cuts(cuts / f"{name}.jsonl.gz"))[::STEP]
            CutSet.from_cuts(few).to_file(folder / f"{name}.jsonl.gz")
        for encoder in tqdm(list(encoders), unit="encoder", disable=None):
            run = folder / encoder
            train("encoder_comparison", [
                f"encoder={encoder}", f"data.train={folder / 'train.jsonl.gz'}",
                f"data.dev={folder / 'dev.jsonl.gz'}", f"run_dir={run}", f"trainer.epochs={EPOCHS}",
            ])  # fmt: skip
            epochs = (run / METRICS_NAME).read_text(encoding="utf-8").splitlines()
            speeds.append({
                "encoder": encoder,
                "trains_at": median(json.loads(epoch)["speed"] for epoch in epochs),
                "real_time_factor": real_time_factor(
                    load(run, DecodingOptions()), cuts / "test.jsonl.gz"
                ),
            })  # fmt: skip
    return speeds


def real_time_factor(recognizer: Recognizer, manifest: Path) -> float:
    """Measure the CPU seconds for transcribing a second of speech, utterance by utterance."""
    rate = recognizer.sample_rate
    dataset = SpeechDataset(read_cuts(manifest), recognizer.tokenizer, rate)
    waveforms = [dataset.load([i]).waveforms[0].numpy() for i in range(len(dataset))[:TIMED]]
    recognizer.transcribe(waveforms[0], rate)
    start = time.process_time()
    for waveform in waveforms:
        recognizer.transcribe(waveform, rate)
    return (time.process_time() - start) * rate / sum(map(len, waveforms))
