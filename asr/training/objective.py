"""The training loss: CTC, and the divergence between two masked views of an utterance.

Shapes: B batch, T feature frames, F mel bins, U encoder frames, V tokens.
"""

from collections.abc import Callable
from typing import NamedTuple

from torch import Tensor

from asr.data.augment import SpecAugment, generator
from asr.data.dataset import Batch
from asr.model.ctc_model import ctc_loss
from asr.training.denominator import Denominator
from asr.util.masks import frame_mask

Model = Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]


class Loss(NamedTuple):
    """Sums over the utterances of a batch, in nats.

    Attributes:
        total: the loss that is minimized.
        ctc: the CTC part of the loss, mean over the views, for the log.
    """

    total: Tensor
    ctc: Tensor


class Objective:
    """The training loss of a batch of features.

    With a consistency weight, each utterance is masked twice, and the log-probabilities of each
    view are trained towards those of the other view, which are held fixed (CR-CTC, Yao 2025). A
    view so learns from the other what is behind its mask, and peaks in one view alone shrink.

    Args:
        spec_augment: masks on the features.
        consistency: weight of the divergence between the views; 0 trains on a single view.
        denominator: weight of log Z, see `asr.training.denominator`; 0 leaves log Z out. At 1 the
            loss is CTC-CRF; less keeps a part of CTC, without which the alignments drift apart.
        trigram: of the tokens of the training texts, for log Z.
        seed: of the masks.
    """

    def __init__(
        self,
        spec_augment: SpecAugment,
        *,
        consistency: float,
        denominator: float,
        trigram: Tensor | None,
        seed: int,
    ) -> None:
        self.spec_augment, self.consistency, self.seed = spec_augment, consistency, seed
        self.denominator = denominator
        self.log_z = None if trigram is None else Denominator(trigram)
        self.views = 2 if consistency > 0 else 1

    def mask(self, features: Tensor, lengths: Tensor, ids: list[str], epoch: int) -> Tensor:
        """Mask features (B, T, F) once a view: (views * B, T, F), view after view."""
        generators = [
            generator(self.seed, epoch, utterance_id, f"spec{view}")
            for view in range(self.views)
            for utterance_id in ids
        ]
        views = self.views
        return self.spec_augment(features.repeat(views, 1, 1), lengths.repeat(views), generators)

    def __call__(self, model: Model, features: Tensor, lengths: Tensor, batch: Batch) -> Loss:
        """Compute the loss of a micro-batch.

        Args:
            model: masked features and lengths to log_probs (views * B, U, V) and lengths.
            features: of all views, as `mask` returns them.
            lengths: (B,) feature frames.
            batch: targets and weights.
        """
        device, views = features.device, self.views
        log_probs, frames = model(features, lengths.repeat(views))
        weights = batch.weights.to(device).repeat(views) / views
        targets = batch.targets.to(device).repeat(views, 1)
        losses = ctc_loss(log_probs, frames, targets, batch.target_lengths.to(device).repeat(views))
        ctc = losses.detach() @ weights
        if self.log_z is not None:
            losses = losses + self.denominator * self.log_z(log_probs, frames)
        if views > 1:
            losses = losses + self.consistency * consistency_loss(log_probs, frames)
        return Loss(losses @ weights, ctc)


def consistency_loss(log_probs: Tensor, lengths: Tensor) -> Tensor:
    """Sum, over valid frames, the divergence KL(other view || this view) of each view.

    Args:
        log_probs: (2B, U, V), the second views after the first.
        lengths: (2B,).

    Returns:
        (2B,); the gradient flows through this view alone.
    """
    other = log_probs.detach().roll(len(log_probs) // 2, dims=0)
    divergence = (other.exp() * (other - log_probs)).sum(-1)
    return (divergence * frame_mask(lengths, log_probs.shape[1])).sum(-1)
