"""One pass over the dev set: loss, WER and CER of greedy decoding."""

import math
from dataclasses import dataclass

import torch

from asr.data.dataset import SpeechDataset
from asr.decoding.decoder import Decoder
from asr.decoding.options import DecodingOptions
from asr.decoding.tokens import Tokens
from asr.engine.engine import NotANumberError
from asr.engine.torch_engine import TorchEngine
from asr.inference.log_probs import compute_dataset_log_probs
from asr.model.ctc_model import CTCModel, ctc_loss
from asr.scoring import count_errors, pair_up
from asr.text.tokenizer import Tokenizer
from asr.training.distributed import DistributedContext


@dataclass(frozen=True)
class DevScores:
    """The scores of a model on the dev set.

    Attributes:
        loss: nats per utterance, over the utterances that CTC can align; infinite if it can none,
            and NaN, as the rates then are, where the model's log-probabilities are NaN.
        wer, cer: corpus rates, 0..
        examples: the (reference, hypothesis) pairs of the first few utterances.
    """

    loss: float
    wer: float
    cer: float
    examples: list[tuple[str, str]]

    @property
    def key(self) -> list[float]:
        """The scores by which models are compared, the most important first; less is better."""
        return [self.wer, self.cer, self.loss]


def greedy_decoder(tokenizer: Tokenizer) -> Decoder:
    """Make a decoder without a beam or a language model."""
    return Decoder(Tokens.of(tokenizer), DecodingOptions())


def score_dev(
    model: CTCModel,
    dataset: SpeechDataset,
    decoder: Decoder,
    batch_s: float,
    context: DistributedContext,
    workers: int = 1,
) -> DevScores:
    """Score `model`, in evaluation mode, on a dataset that is split among the processes.

    Args:
        model: on the context's device.
        dataset: without augmentation.
        decoder: of the model's log-probabilities.
        batch_s: most seconds of padded audio in a batch.
        context: this process among those that share the dataset.
        workers: threads of this process, each of which computes a batch at a time.
    """
    losses, hypotheses = _decode(model, dataset, decoder, batch_s, context, workers)
    gathered = context.gather((losses, hypotheses))
    return _score(
        [loss for part, _ in gathered for loss in part],
        {utterance_id: text for _, part in gathered for utterance_id, text in part.items()},
        dataset.references,
    )


def _decode(
    model: CTCModel,
    dataset: SpeechDataset,
    decoder: Decoder,
    batch_s: float,
    context: DistributedContext,
    workers: int,
) -> tuple[list[float], dict[str, str]]:
    """Compute the losses of this process's utterances, and decode each; one NaN stands for all.

    No error is raised for NaN here, since the other processes wait to gather the result.
    """
    losses: list[float] = []
    hypotheses: dict[str, str] = {}
    results = compute_dataset_log_probs(
        TorchEngine(model), dataset, batch_s,
        workers=workers, rank=context.rank, ranks=context.size,
    )  # fmt: skip
    try:
        for batch, log_probs, lengths in results:
            scores = torch.from_numpy(log_probs), torch.from_numpy(lengths)
            loss = ctc_loss(*scores, batch.targets, batch.target_lengths)
            losses += loss.tolist()
            decoded = decoder.decode(log_probs, lengths, model.frame_s)
            for utterance_id, transcript in zip(batch.utterance_ids, decoded, strict=True):
                hypotheses[utterance_id] = transcript.text
    except NotANumberError:
        losses.append(math.nan)
    return losses, hypotheses


def _score(
    losses: list[float], hypotheses: dict[str, str], references: dict[str, str]
) -> DevScores:
    if any(map(math.isnan, losses)):
        return DevScores(math.nan, math.nan, math.nan, [])
    finite = [loss for loss in losses if loss != math.inf]
    words, characters = count_errors(pair_up(references, hypotheses))
    return DevScores(
        loss=sum(finite) / len(finite) if finite else math.inf,
        wer=words.rate,
        cer=characters.rate,
        examples=[(references[i], hypotheses[i]) for i in list(references)[:3]],
    )
