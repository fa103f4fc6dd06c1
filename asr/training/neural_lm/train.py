"""The training of an LSTM language model, from wherever the folder's last run stopped."""

import math
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from tqdm import tqdm

from asr.lm.neural.subwords import Subwords, learn_subwords
from asr.lm.tokenized_text import END_ID, TokenizedText
from asr.model.neural_lm_file import write_neural_lm
from asr.text.bpe import WORD_START
from asr.training.checkpoint import Progress, load_state, restore_parts, save_state
from asr.training.distributed import DistributedContext
from asr.training.neural_lm.batches import Sentences
from asr.training.neural_lm.network import LSTMLanguageModel
from asr.training.optimizer import WeightAverage, warmup_cosine
from asr.training.precision import has_fast_bfloat16
from asr.training.process import StopRequested
from asr.training.run_folder import lock_run_folder
from asr.util.errors import UserError
from asr.util.files import remove_partials
from asr.util.paths import LM_NAME

#: Chosen for one epoch of ten million words or more.
PEAK_RATE, WARMUP_FRACTION, FINAL_FRACTION = 3e-3, 0.02, 0.01
CLIP_NORM = 1.0
AVERAGE_DECAY = 0.999
SAVE_EVERY = 200  # batches
CPU = torch.device("cpu")


@dataclass(frozen=True)
class TrainedNeuralModel:
    """A model file that `train` wrote.

    Attributes:
        path: of the model.
        sentences: of the text.
        words: of the text, without sentence ends.
        subwords: ids of the model.
        weights: how many.
        perplexity: a word, sentence ends counted, over the last epoch while it was trained on.
    """

    path: Path
    sentences: int
    words: int
    subwords: int
    weights: int
    perplexity: float


def train(
    text: TokenizedText,
    output: Path,
    *,
    subwords: int = 2048,
    hidden_size: int = 512,
    epochs: int = 1,
    seed: int = 1,
) -> TrainedNeuralModel:
    """Train a model on a text, or go on with the training that the folder holds.

    On a CPU that has AVX-512's instructions for bfloat16, products are computed in it. A run that
    was stopped gives the bits of one that was not.

    Args:
        text: of words.
        output: folder that receives the model and the training state.
        subwords: ids of the model, at most.
        hidden_size: units of the LSTM and width of the embedding.
        epochs: passes over the text.
        seed: of the first weights and the order of sentences.

    Raises:
        KeyboardInterrupt: after Ctrl-C or SIGTERM, once the state is saved.
        UserError: a number below 1, a negative seed, the folder holds another run or is in use, or
            training has diverged; as `learn_subwords`.
    """
    least_of = {"hidden size": (hidden_size, 1), "epochs": (epochs, 1), "seed": (seed, 0)}
    for name, (value, least) in least_of.items():
        if value < least:
            raise UserError(f"{name}: expected {least} or more, found {value}")
    learned = learn_subwords(text, subwords)
    ids, _ = learned.encode_text(text)
    fingerprint = {
        "text": f"{zlib.crc32(ids.tobytes()):08x}",
        "subwords": zlib.crc32("\n".join(learned.subwords).encode()),
        "hidden_size": hidden_size,
        "epochs": epochs,
        "seed": seed,
    }
    output.mkdir(parents=True, exist_ok=True)
    with lock_run_folder(output, DistributedContext(0, 1, CPU)):
        remove_partials(output)
        trainer = _Trainer(output, learned, ids, fingerprint, hidden_size, epochs, seed)
        trainer.fit()
    sentences = int(np.count_nonzero(text.tokens == END_ID))
    progress = trainer.progress
    return TrainedNeuralModel(
        path=output / LM_NAME,
        sentences=sentences,
        words=len(text.tokens) - sentences,
        subwords=len(learned),
        weights=sum(parameter.numel() for parameter in trainer.model.parameters()),
        perplexity=math.exp(progress.loss_sum / len(text.tokens)),
    )


class _Trainer:
    """A run: its model, the average of its weights, and how far it has come."""

    def __init__(
        self,
        folder: Path,
        subwords: Subwords,
        ids: NDArray[np.int32],
        fingerprint: dict[str, object],
        hidden_size: int,
        epochs: int,
        seed: int,
    ) -> None:
        self.folder, self.subwords, self.fingerprint = folder, subwords, fingerprint
        self.sentences, self.epochs, self.seed = Sentences(ids), epochs, seed
        torch.manual_seed(seed)
        self.model = LSTMLanguageModel(len(subwords), hidden_size)
        self.average = WeightAverage(self.model, AVERAGE_DECAY)
        self.optimizer = torch.optim.Adam(self.model.parameters(), lr=PEAK_RATE, fused=True)
        self.progress = Progress()
        begins = [True, *(one.startswith(WORD_START) for one in subwords.subwords), False]
        self.subwords_a_word = len(ids) / np.count_nonzero(np.array(begins)[ids])
        self._resume()

    def fit(self) -> None:
        """Train to the end and write the model."""
        with StopRequested() as stop:
            while self.progress.epoch < self.epochs:
                plan = self.sentences.plan(self.seed, self.progress.epoch + 1)
                self._train_epoch(plan, stop)
                self.progress.epoch, self.progress.batch = self.progress.epoch + 1, 0
                if self.progress.epoch < self.epochs:
                    self.progress.loss_sum = 0.0
                self._save()
        weights = {name: tensor.numpy() for name, tensor in self.average.model.state_dict().items()}
        write_neural_lm(self.folder / LM_NAME, weights, self.subwords, self.fingerprint)

    def _train_epoch(self, plan: Sequence[NDArray[np.int64]], stop: StopRequested) -> None:
        progress = self.progress
        name = f"epoch {progress.epoch + 1} of {self.epochs}"
        with tqdm(
            total=len(plan), initial=progress.batch, desc=name, unit=" batches", disable=None
        ) as bar:
            for batch in plan[progress.batch :]:
                done = (progress.epoch + (progress.batch + 1) / len(plan)) / self.epochs
                loss, count = self._step(batch, done)
                progress.loss_sum += loss
                progress.batch += 1
                progress.step += 1
                bar.update()
                if progress.batch % 10 == 0:
                    bar.set_postfix(perplexity=f"{self._perplexity(loss / count):.0f}")
                if stop.requested:
                    self._save()
                    raise KeyboardInterrupt
                if progress.batch % SAVE_EVERY == 0:
                    self._save()

    def _perplexity(self, nats: float) -> float:
        """Turn nats a subword into the perplexity a word."""
        return math.exp(min(nats * self.subwords_a_word, 700.0))

    def _step(self, batch: NDArray[np.int64], done: float) -> tuple[float, int]:
        """Make one update; returns the sum of the losses, and of how many subwords."""
        inputs, targets = self.sentences.collate(batch)
        count = int((targets >= 0).sum())
        rate = warmup_cosine(done, warmup_fraction=WARMUP_FRACTION, final_fraction=FINAL_FRACTION)
        for group in self.optimizer.param_groups:
            group["lr"] = PEAK_RATE * rate
        self.optimizer.zero_grad(set_to_none=True)
        with torch.autocast("cpu", torch.bfloat16, enabled=has_fast_bfloat16(CPU)):
            loss = self.model.loss(inputs, targets)
        (loss / count).backward()
        norm = float(torch.nn.utils.clip_grad_norm_(self.model.parameters(), CLIP_NORM))
        if not math.isfinite(norm):
            raise UserError(
                f"{self.folder}: batch {self.progress.batch + 1}: the gradient is not finite, "
                "training has diverged; take another seed and another folder"
            )
        self.optimizer.step()
        self.average.update(self.model, self.progress.step + 1)
        return float(loss.detach()), count

    def _save(self) -> None:
        parts = {
            "model": self.model.state_dict(),
            "average": self.average.model.state_dict(),
            "optimizer": self.optimizer.state_dict(),
        }
        save_state(self.folder, self.progress, parts, self.fingerprint)

    def _resume(self) -> None:
        found = load_state(self.folder, self.fingerprint)
        if found is not None:
            self.progress, parts = found
            model, average = self.model, self.average.model
            restore_parts(self.folder, parts, model, average, self.optimizer)
