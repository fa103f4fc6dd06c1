"""The training loop, in reading order.

Shapes: B batch, N samples, T feature frames, U encoder frames, V tokens.
"""

import math
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from asr.config import TrainerConfig
from asr.data.dataset import Batch, Shard, SpeechDataset, plan_batches, split_batch
from asr.data.loading import explain_dead_worker, load_shards
from asr.model.ctc_model import CTCModel
from asr.model.model_file import save_model
from asr.training.checkpoint import (
    STATE_NAME,
    Progress,
    load_state,
    restore_parts,
    save_state,
)
from asr.training.dev_scores import DevScores, greedy_decoder, score_dev
from asr.training.distributed import DistributedContext, no_sync
from asr.training.metric_logger import MetricLogger, log
from asr.training.objective import Loss, Objective
from asr.training.optimizer import WeightAverage
from asr.training.precision import choose_precision
from asr.training.process import (
    StopRequested,
    explain_out_of_memory,
    return_freed_memory,
)
from asr.util.errors import UserError
from asr.util.paths import MODEL_NAME
from asr.util.random_masks import seed_masks
from asr.util.torch_threads import call_in_threads, limit_threads

LAST_MODEL_NAME = "last.safetensors"
MOST_SKIPPED_IN_ROW = 5
#: Micro-batches of a batch on CPUs, where a recipe gives no number. Two cost 1 to 7 % more than the
#: whole at once, four 13 to 28 %; a BLSTM's two directions employ twice as many cores.
CPU_MICRO_BATCHES = 2


class Trainer:
    """Trains a model in a run folder, from wherever the folder's last run stopped.

    The loss is summed over utterances and divided by their number in the global batch, so that
    the update is equal, but for dropout, however a batch is split into shards and micro-batches.
    Where one process trains on a CPU, the micro-batches of a batch are computed at the same time,
    and their gradients are summed in order: the number of threads changes no bit, as long as there
    are no more threads than micro-batches.

    Args:
        run_dir: receives `model.safetensors` (the best on dev), `last.safetensors`, `state.pt`,
            `metrics.jsonl`, `train.log` and TensorBoard's events.
        context: this process among those that train together.
        model: on the context's device.
        optimizer: over the model's parameters.
        schedule: learning rate relative to its peak, at a progress of 0..1 through the run.
        train: the training set; its seed is also the seed of batches and of dropout.
        dev: the dev set, which decides which epoch's model is best.
        objective: the training loss.
        batch_s: most seconds of padded audio in a global batch, before its speed is changed.
        fingerprint: the settings and data of the run; a run with others may not resume it.
        settings: the recipe's section `trainer`.

    Raises:
        UserError: the precision is unknown.
    """

    def __init__(
        self,
        *,
        run_dir: Path,
        context: DistributedContext,
        model: CTCModel,
        optimizer: torch.optim.Optimizer,
        schedule: Callable[[float], float],
        train: SpeechDataset,
        dev: SpeechDataset,
        objective: Objective,
        batch_s: float,
        fingerprint: dict[str, Any],
        settings: TrainerConfig,
    ) -> None:
        self.run_dir, self.context, self.fingerprint = run_dir, context, fingerprint
        self.model, self.optimizer, self.schedule = model, optimizer, schedule
        self.train, self.dev, self.batch_s = train, dev, batch_s
        self.objective, self.settings = objective, settings
        alone_on_cpu = context.size == 1 and context.device.type == "cpu"
        usual = CPU_MICRO_BATCHES if alone_on_cpu else 1
        self.micro_batches = settings.micro_batches or usual
        self.workers = min(self.micro_batches, torch.get_num_threads()) if alone_on_cpu else 1
        self.seed, self.precision = train.seed, choose_precision(settings.precision, context.device)
        self.decoder = greedy_decoder(dev.tokenizer)
        self.average = WeightAverage(model, settings.ema_decay)
        self.replica = context.replicate(model)
        self.progress = Progress()
        self.peak_lr = max(group["lr"] for group in optimizer.param_groups)

    def fit(self) -> DevScores | None:
        """Train to the end; returns the last epoch's dev scores, None if nothing was left to do.

        Raises:
            KeyboardInterrupt: after Ctrl-C or SIGTERM, once the state is saved.
            UserError: training has diverged: `MOST_SKIPPED_IN_ROW` gradients in a row, the weights
                or the loss on dev were not finite.
        """
        self._resume()
        metrics, scores = self._open_metrics(), None
        try:
            # Update and evaluation use no more: other threads sum in another order.
            with StopRequested() as stop, limit_threads(torch.get_num_threads() // self.workers):
                while not self._finished():
                    with explain_dead_worker(f"epoch {self.progress.epoch + 1}"):
                        self._train_epoch(metrics, stop)
                    scores = self._finish_epoch(metrics)
                if not self.progress.best_epoch:
                    raise self._diverged("no epoch had a finite gradient", self.progress.batch)
                if self.context.any(stop.requested):  # while dev was scored: end a sweep here
                    raise KeyboardInterrupt
        finally:
            metrics.close()
        return scores

    def _finished(self) -> bool:
        progress, patience = self.progress, self.settings.patience_epochs
        stale = progress.epoch - progress.best_epoch
        return progress.epoch >= self.settings.epochs or (
            patience is not None and stale >= patience
        )

    def _train_epoch(self, metrics: MetricLogger, stop: StopRequested) -> None:
        progress, settings = self.progress, self.settings
        epoch = progress.epoch + 1
        plan = plan_batches(self.train.durations_s, self.batch_s, self.seed, epoch)
        self.train.epoch = epoch
        self.model.train()
        shards = [
            split_batch(batch, self.micro_batches, self.context.rank, self.context.size)
            for batch in plan[progress.batch :]
        ]
        loaded = load_shards(
            self.train, shards, settings.workers, pin=self.context.device.type == "cuda",
            threads=self.workers,
        )  # fmt: skip
        for shard, micro_batches in metrics.watch(loaded):
            self._set_rate((epoch - 1 + (progress.batch + 1) / len(plan)) / settings.epochs)
            with explain_out_of_memory(f"epoch {epoch}, batch {progress.batch + 1}"):
                loss = self._step(shard, micro_batches, epoch)
            audio_s = sum(self.train.durations_s[i] for i in plan[progress.batch])
            progress.batch += 1
            metrics.step(epoch, loss, audio_s)
            progress.elapsed_s = metrics.elapsed_s
            if self.context.any(stop.requested):
                self._save()
                raise KeyboardInterrupt
            if progress.batch % settings.save_every_steps == 0 and not progress.skipped_in_row:
                self._save()

    def _set_rate(self, run_progress: float) -> None:
        for group in self.optimizer.param_groups:
            group["lr"] = self.peak_lr * self.schedule(run_progress)

    def _step(self, shard: Shard, micro_batches: list[Batch], epoch: int) -> float:
        """Make one update from this process's shard of a batch; returns its loss per utterance."""
        if self.workers > 1:
            loss_sum = self._differentiate_at_once(shard, micro_batches, epoch)
        else:
            loss_sum = self._differentiate_in_turn(shard, micro_batches, epoch)
        utterances = sum(int(micro_batch.weights.sum()) for micro_batch in micro_batches)
        clip_norm = self.settings.clip_norm
        norm = float(torch.nn.utils.clip_grad_norm_(self.model.parameters(), clip_norm))
        self._update(norm, loss_sum, utterances)
        self.optimizer.zero_grad(set_to_none=True)
        return loss_sum / max(utterances, 1)

    def _differentiate_in_turn(self, shard: Shard, micro_batches: list[Batch], epoch: int) -> float:
        """Sum the gradients of a shard; returns the sum of its losses."""
        loss_sum = 0.0
        for number, micro_batch in enumerate(micro_batches):
            is_last = number + 1 == len(micro_batches)
            with no_sync(self.replica, enabled=not is_last), self._masks(epoch, number):
                loss = self._loss(micro_batch, epoch)
                # Replicas average their gradients, which are to be summed.
                (loss.total * self.context.size / shard.batch_size).backward()
            loss_sum += float(loss.ctc)
        return loss_sum

    def _differentiate_at_once(self, shard: Shard, micro_batches: list[Batch], epoch: int) -> float:
        """Do as `_differentiate_in_turn`, each micro-batch in a thread, to the same bits."""
        parameters = list(self.model.parameters())

        def differentiate(number: int) -> tuple[float, tuple[Tensor | None, ...]]:
            with self._masks(epoch, number):
                loss = self._loss(micro_batches[number], epoch)
            total = loss.total / shard.batch_size
            return float(loss.ctc), torch.autograd.grad(total, parameters, allow_unused=True)

        numbers = [(number,) for number in range(len(micro_batches))]
        threads = torch.get_num_threads()
        results = call_in_threads(differentiate, numbers, self.workers, threads)
        for parameter, *gradients in zip(parameters, *(found for _, found in results), strict=True):
            parameter.grad = add_in_order(gradients)
        return sum(ctc for ctc, _ in results)

    def _masks(self, epoch: int, number: int) -> AbstractContextManager[None]:
        """Seed dropout by the place in the run, so that resuming needs no generator state."""
        part = self.context.rank + self.context.size * number
        place = [self.seed, epoch, self.progress.batch, part]
        seed = int(np.random.SeedSequence(place).generate_state(1)[0])
        return seed_masks(seed, self.context.device)

    def _loss(self, batch: Batch, epoch: int) -> Loss:
        """Sum the loss over a micro-batch."""
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

    def _update(self, norm: float, loss_sum: float, utterances: int) -> None:
        """Apply the gradients, or skip them where they are not finite."""
        progress = self.progress
        if not math.isfinite(norm):
            progress.skipped += 1
            progress.skipped_in_row += 1
            if progress.skipped_in_row >= MOST_SKIPPED_IN_ROW:
                found = f"the gradient was not finite {MOST_SKIPPED_IN_ROW} times in a row"
                raise self._diverged(found, progress.batch + 1)
            return
        self.optimizer.step()
        progress.skipped_in_row = 0
        progress.step += 1
        progress.loss_sum += loss_sum
        progress.utterances += utterances
        progress.updates += 1
        progress.norm_sum += norm
        self.average.update(self.model, progress.step)

    def _diverged(self, found: str, batch: int) -> UserError:
        """Make the error that ends a run which further steps would not improve."""
        progress, precise = self.progress, self.precision is torch.float32
        place = f"epoch {progress.epoch + 1}, batch {batch}" if batch else f"epoch {progress.epoch}"
        stands = "the last good state stands; " if (self.run_dir / STATE_NAME).exists() else ""
        advice = f"begin a new run with a lower optimizer.lr than {self.peak_lr:g}"
        advice += "" if precise else " or with trainer.precision=32"
        if progress.best[0] < 1:  # a model that writes nothing right is no start
            advice += (
                f", if you like from the best weights, of epoch {progress.best_epoch} "
                f"with {100 * progress.best[0]:.2f} % WER, by init={self.run_dir}"
            )
        steps = f"step {progress.step}, {progress.skipped} skipped"
        return UserError(f"{place} ({steps}): {found}: training has diverged; {stands}{advice}")

    def _finish_epoch(self, metrics: MetricLogger) -> DevScores:
        progress = self.progress
        if not progress.skipped_in_row:  # training may have diverged: the last good state is kept
            self._save()  # scoring dev takes long enough to be killed in
        # Memory is known to hold a micro-batch.
        micro_batch_s = self.batch_s / (self.context.size * self.micro_batches)
        scores = score_dev(
            self.average.model, self.dev, self.decoder, micro_batch_s, self.context, self.workers
        )
        if math.isnan(scores.loss):
            raise self._diverged("the loss on dev is not a number", progress.batch)
        loss_sum, utterances = self._epoch_sums()
        numbers = {
            "epoch": progress.epoch + 1,
            "loss": loss_sum / utterances if utterances else math.nan,
            "dev_loss": scores.loss,
            "dev_wer": scores.wer,
            "dev_cer": scores.cer,
            "lr": self.optimizer.param_groups[0]["lr"],
            "norm": progress.norm_sum / progress.updates if progress.updates else math.nan,
            "skipped": progress.skipped,
            "waited": max(self.context.gather(metrics.waited)),  # the others wait for the slowest
        }
        best = progress.updates > 0 and scores.key < progress.best
        if best:
            progress.best, progress.best_epoch = scores.key, progress.epoch + 1
            self._save_model(MODEL_NAME, scores)
        self._save_model(LAST_MODEL_NAME, scores)
        progress.epoch, progress.batch = progress.epoch + 1, 0
        progress.loss_sum = progress.norm_sum = progress.elapsed_s = 0.0
        progress.utterances = progress.updates = 0
        metrics.epoch(numbers, scores.examples, best)
        self._save()
        return scores

    def _save_model(self, name: str, scores: DevScores) -> None:
        if self.context.is_main:
            about = {
                "recipe": self.fingerprint["recipe"],
                "seed": self.seed,
                "epoch": self.progress.epoch + 1,
                "dev_wer": scores.wer,
                "dev_cer": scores.cer,
            }
            weights = self.average.model.state_dict()
            save_model(
                self.run_dir / name, weights, self.model.settings, self.train.tokenizer, about,
                self.model.statistics,
            )  # fmt: skip

    def _epoch_sums(self) -> tuple[float, int]:
        """Sum the epoch's loss and utterances over all processes."""
        sums = self.context.gather((self.progress.loss_sum, self.progress.utterances))
        return sum(loss for loss, _ in sums), sum(count for _, count in sums)

    def _save(self) -> None:
        """Save the state, unless its weights are no numbers, with which no run could go on."""
        return_freed_memory()  # here because saving takes its time anyway
        if not all(weights.isfinite().all() for weights in self.model.state_dict().values()):
            raise self._diverged("the weights are not finite", self.progress.batch)
        loss_sum, utterances = self._epoch_sums()
        if self.context.is_main:
            parts = {
                "model": self.model.state_dict(),
                "average": self.average.model.state_dict(),
                "optimizer": self.optimizer.state_dict(),
            }
            progress = replace(self.progress, loss_sum=loss_sum, utterances=utterances)
            save_state(self.run_dir, progress, parts, self.fingerprint)

    def _resume(self) -> None:
        found = load_state(self.run_dir, self.fingerprint)
        starts = self.context.gather(found and (found[0].epoch, found[0].step))
        if len(set(starts)) > 1:
            raise UserError(
                f"{self.run_dir}: processes found different states of this run; "
                "give a run_dir that all machines share"
            )
        if found is None:
            return
        self.progress, parts = found
        if not self.context.is_main:  # the main process holds the sums of all
            self.progress.loss_sum, self.progress.utterances = 0.0, 0
        restore_parts(self.run_dir, parts, self.model, self.average.model, self.optimizer)
        place = f"epoch {self.progress.epoch + 1}, batch {self.progress.batch}"
        log.info("%s: resumes at %s", self.run_dir, place)

    def _open_metrics(self) -> MetricLogger:
        epoch_s = sum(self.train.durations_s)
        plan = plan_batches(
            self.train.durations_s, self.batch_s, self.seed, self.progress.epoch + 1
        )
        consumed = [i for batch in plan[: self.progress.batch] for i in batch]
        consumed_s = sum(self.train.durations_s[i] for i in consumed)
        return MetricLogger(
            self.run_dir,
            self.context,
            finished_epochs=self.progress.epoch,
            total_audio_s=self.settings.epochs * epoch_s,
            done_audio_s=self.progress.epoch * epoch_s + consumed_s,
            epoch_audio_s=consumed_s,
            elapsed_s=self.progress.elapsed_s,
            tensorboard=self.settings.tensorboard,
        )


def add_in_order(gradients: list[Tensor | None]) -> Tensor | None:
    """Sum the gradients of one parameter; None stands for a parameter that the loss ignores."""
    given = [gradient for gradient in gradients if gradient is not None]
    if not given:
        return None
    total = given[0].clone()  # two parameters may share one gradient's memory
    for gradient in given[1:]:
        total += gradient
    return total
