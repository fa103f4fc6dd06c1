"""The gradients of one batch, however it is divided into shards and micro-batches.

Shapes: B batch, N samples, T feature frames, F mel bins.
"""

from contextlib import AbstractContextManager

import numpy as np
import torch
from torch import Tensor

from asr.config import TrainerConfig
from asr.data.dataset import Batch, Shard
from asr.model.ctc_model import CTCModel
from asr.training.distributed import DistributedContext, no_sync
from asr.training.objective import Loss, Objective
from asr.training.precision import choose_precision
from asr.util.random_masks import seed_masks
from asr.util.torch_threads import call_in_threads

#: Micro-batches of a batch on CPUs, where a recipe gives no number. Two cost 1 to 7 % more than the
#: whole at once, four 13 to 28 %; a BLSTM's two directions employ twice as many cores.
CPU_MICRO_BATCHES = 2


class Gradients:
    """Computes the gradients of a model's loss.

    The loss is summed over utterances and divided by their number in the global batch, so that
    the update is equal, but for dropout, however a batch is split into shards and micro-batches.
    Where one process trains on a CPU, the micro-batches of a batch are computed at the same time,
    and their gradients are summed in order: the number of threads changes no bit, as long as there
    are no more threads than micro-batches.

    Args:
        model: on the context's device.
        objective: the training loss.
        context: this process among those that train together.
        settings: the recipe's section `trainer`.
        seed: of dropout.

    Attributes:
        micro_batches: the parts of this process's shard of a batch.
        workers: how many of them are computed at the same time.
        precision: the type of the products.

    Raises:
        UserError: the precision is unknown.
    """

    def __init__(
        self,
        model: CTCModel,
        objective: Objective,
        context: DistributedContext,
        settings: TrainerConfig,
        seed: int,
    ) -> None:
        self.model, self.objective, self.context, self.seed = model, objective, context, seed
        alone_on_cpu = context.size == 1 and context.device.type == "cpu"
        usual = CPU_MICRO_BATCHES if alone_on_cpu else 1
        self.micro_batches = settings.micro_batches or usual
        self.workers = min(self.micro_batches, torch.get_num_threads()) if alone_on_cpu else 1
        self.precision = choose_precision(settings.precision, context.device)
        self.replica = context.replicate(model)

    def compute(self, shard: Shard, micro_batches: list[Batch], epoch: int, batch: int) -> float:
        """Leave the gradients of the global batch with the parameters.

        Args:
            shard: this process's share of the batch.
            micro_batches: the shard, in parts.
            epoch: from 1.
            batch: how many batches of the epoch were before.

        Returns:
            The sum of the shard's losses, in nats.
        """
        if self.workers > 1:
            return self._compute_at_once(shard, micro_batches, epoch, batch)
        loss_sum = 0.0
        for number, micro_batch in enumerate(micro_batches):
            is_last = number + 1 == len(micro_batches)
            with (
                no_sync(self.replica, enabled=not is_last),
                self._seed_dropout(epoch, batch, number),
            ):
                loss = self.loss(micro_batch, epoch)
                # Replicas average their gradients, which are to be summed.
                (loss.total * self.context.size / shard.batch_size).backward()
            loss_sum += float(loss.ctc)
        return loss_sum

    def _compute_at_once(
        self, shard: Shard, micro_batches: list[Batch], epoch: int, batch: int
    ) -> float:
        """Do as `compute` one after the other, each micro-batch in a thread, to the same bits."""
        parameters = list(self.model.parameters())

        def differentiate(number: int) -> tuple[float, tuple[Tensor | None, ...]]:
            with self._seed_dropout(epoch, batch, number):
                loss = self.loss(micro_batches[number], epoch)
            total = loss.total / shard.batch_size
            return float(loss.ctc), torch.autograd.grad(total, parameters, allow_unused=True)

        numbers = [(number,) for number in range(len(micro_batches))]
        threads = torch.get_num_threads()
        results = call_in_threads(differentiate, numbers, self.workers, threads)
        for parameter, *found in zip(parameters, *(found for _, found in results), strict=True):
            parameter.grad = add_in_order(found)
        return sum(ctc for ctc, _ in results)

    def _seed_dropout(self, epoch: int, batch: int, number: int) -> AbstractContextManager[None]:
        """Seed dropout by the place in the run, so that resuming needs no generator state."""
        part = self.context.rank + self.context.size * number
        seed = int(np.random.SeedSequence([self.seed, epoch, batch, part]).generate_state(1)[0])
        return seed_masks(seed, self.context.device)

    def loss(self, batch: Batch, epoch: int) -> Loss:
        """Sum the loss over a micro-batch, whose masks depend on the epoch."""
        device = self.context.device
        features, lengths = self.model.log_mel(
            batch.waveforms.to(device, non_blocking=True),
            batch.waveform_lengths.to(device, non_blocking=True),
        )
        features = self.objective.mask(features, lengths, batch.utterance_ids, epoch)
        with torch.autocast(
            device.type, self.precision, enabled=self.precision is not torch.float32
        ):
            return self.objective(self.replica, features, lengths, batch)


def add_in_order(gradients: list[Tensor | None]) -> Tensor | None:
    """Sum the gradients of one parameter; None stands for a parameter that the loss ignores."""
    given = [gradient for gradient in gradients if gradient is not None]
    if not given:
        return None
    total = given[0].clone()  # two parameters may share one gradient's memory
    for gradient in given[1:]:
        total += gradient
    return total
