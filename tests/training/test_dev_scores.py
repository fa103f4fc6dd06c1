"""The dev scores that choose the model: whose text belongs to whom, and what an error counts."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import numpy as np
import pytest
import soundfile
import torch
from lhotse import CutSet
from random_models import noise, random_model, random_tokenizer
from tiny import cut

from asr.data.dataset import SpeechDataset
from asr.engine.torch_engine import TorchEngine
from asr.inference.recognizer import Recognizer
from asr.model.ctc_model import ctc_loss
from asr.training.dev_scores import DevScores, greedy_decoder, score_dev
from asr.training.distributed import DistributedContext

RATE = 16000
SAMPLES = (16000, 9000, 7000, 12000, 14000)


@pytest.fixture
def paths(tmp_path: Path) -> list[Path]:
    paths = [tmp_path / f"u{i}.wav" for i in range(len(SAMPLES))]
    for i, (path, samples) in enumerate(zip(paths, SAMPLES, strict=True)):
        soundfile.write(path, 0.1 * noise(samples, seed=i).numpy(), RATE)
    return paths


@pytest.fixture
def texts(paths: list[Path]) -> list[str]:
    """What the model writes itself."""
    recognizer = Recognizer(TorchEngine(random_model()), random_tokenizer())
    texts = [recognizer.transcribe(path).text for path in paths]
    assert len(set(texts)) > 2, "a model that always writes the same would say little"
    return texts


def dataset(paths: list[Path], texts: list[str]) -> SpeechDataset:
    cuts = CutSet.from_cuts(cut(path, text) for path, text in zip(paths, texts, strict=True))
    return SpeechDataset(cuts, random_tokenizer(), RATE)


def scores(of: SpeechDataset, batch_s: float = 2.0) -> DevScores:
    decoder = greedy_decoder(random_tokenizer())
    return score_dev(
        random_model(), of, decoder, batch_s, DistributedContext(0, 1, torch.device("cpu"))
    )


@pytest.mark.parametrize("batch_s", [0.1, 2.0, 100.0])
def test_what_the_model_writes_itself_has_no_errors(paths, texts, batch_s):
    found = scores(dataset(paths, texts), batch_s)
    assert (found.wer, found.cer) == (0.0, 0.0)
    assert found.examples == [(text, text) for text in texts[:3]]


def test_errors_are_counted_by_words_and_characters(paths, texts):
    words, characters = len(" ".join(texts).split()), sum(map(len, texts))
    found = scores(dataset(paths, [f"{texts[0]} gg", *texts[1:]]))
    assert found.wer == pytest.approx(1 / (words + 1))
    assert found.cer == pytest.approx(3 / (characters + 3))


def test_the_loss_is_the_mean_over_utterances(paths, texts):
    model, of = random_model(), dataset(paths, texts)
    losses = []
    for index in range(len(of)):
        batch = of.load([index])
        with torch.no_grad():
            log_probs, lengths = model.log_probs(batch.waveforms, batch.waveform_lengths)
        losses += ctc_loss(log_probs, lengths, batch.targets, batch.target_lengths).tolist()
    assert scores(of).loss == pytest.approx(np.mean(losses), rel=1e-4)


def test_processes_gather_their_shards(paths, texts):
    values, both = [None, None], Barrier(2)

    class Two(DistributedContext):
        def gather(self, value):
            values[self.rank] = value
            both.wait(60)
            return list(values)

    of, whole = dataset(paths, texts), scores(dataset(paths, texts), 1.0)
    decoder, model = greedy_decoder(random_tokenizer()), random_model()
    with ThreadPoolExecutor(2) as pool:
        ranks = [Two(rank, 2, torch.device("cpu")) for rank in range(2)]
        found = list(pool.map(lambda context: score_dev(model, of, decoder, 1.0, context), ranks))
    for one in found:
        assert (one.wer, one.cer, one.examples) == (0.0, 0.0, whole.examples)
        assert one.loss == pytest.approx(whole.loss, rel=1e-4)
