"""The training loop, in reading order."""

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

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
from asr.training.distributed import DistributedContext
from asr.training.gradients import Gradients
from asr.training.metric_logger import MetricLogger, log
from asr.training.objective import Objective
from asr.training.optimizer import WeightAverage
from asr.training.process import (
    StopRequested,
    explain_out_of_memory,
    return_freed_memory,
)
from asr.util.errors import UserError
from asr.util.paths import MODEL_NAME
from asr.util.torch_threads import limit_threads

LAST_MODEL_NAME = "last.safetensors"
MOST_SKIPPED_IN_ROW = 5


class Trainer:
    """Trains a model in a run folder, from wherever the folder's last run stopped.

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
        self.settings = settings
        self.gradients = Gradients(model, objective, context, settings, train.seed)
        self.decoder = greedy_decoder(dev.tokenizer)
        self.average = WeightAverage(model, settings.ema_decay)
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
            threads = torch.get_num_threads() // self.gradients.workers
            with StopRequested() as stop, limit_threads(threads):
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
        plan = plan_batches(self.train.durations_s, self.batch_s, self.train.seed, epoch)
        self.train.epoch = epoch
        self.model.train()
        shards = [
            split_batch(batch, self.gradients.micro_batches, self.context.rank, self.context.size)
            for batch in plan[progress.batch :]
        ]
        loaded = load_shards(
            self.train, shards, settings.workers, pin=self.context.device.type == "cuda",
            threads=self.gradients.workers,
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
        loss_sum = self.gradients.compute(shard, micro_batches, epoch, self.progress.batch)
        utterances = sum(int(micro_batch.weights.sum()) for micro_batch in micro_batches)
        clip_norm = self.settings.clip_norm
        norm = float(torch.nn.utils.clip_grad_norm_(self.model.parameters(), clip_norm))
        self._update(norm, loss_sum, utterances)
        self.optimizer.zero_grad(set_to_none=True)
        return loss_sum / max(utterances, 1)

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

    def _diverged(self, found: str, batch: int, *, good_state: bool = True) -> UserError:
        """Make the error that ends a run which further steps would not improve."""
        progress, precise = self.progress, self.gradients.precision is torch.float32
        place = f"epoch {progress.epoch + 1}, batch {batch}" if batch else f"epoch {progress.epoch}"
        kept = good_state and (self.run_dir / STATE_NAME).exists()
        stands = "the last good state stands; " if kept else ""
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
        # Memory has held a micro-batch, though perhaps no utterance as long as dev's longest.
        micro_batch_s = self.batch_s / (self.context.size * self.gradients.micro_batches)
        with explain_out_of_memory(f"epoch {progress.epoch + 1}, dev"):
            scores = score_dev(
                self.average.model, self.dev, self.decoder, micro_batch_s, self.context,
                self.gradients.workers,
            )  # fmt: skip
        if math.isnan(scores.loss):
            found = "the loss on dev is not a number"
            raise self._diverged(found, progress.batch, good_state=False)
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
                "seed": self.train.seed,
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
            self.train.durations_s, self.batch_s, self.train.seed, self.progress.epoch + 1
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
