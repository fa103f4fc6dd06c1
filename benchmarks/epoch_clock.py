"""One epoch of `asr train` with the functions of the trainer timed part by part."""

import contextlib
import functools
import time
from collections import defaultdict
from collections.abc import Callable
from typing import Any
from unittest import mock

import torch

import asr.training.trainer as loop
from asr.cli import main
from asr.data.augment import SpecAugment, WaveformAugment
from asr.data.dataset import SpeechDataset
from asr.model.ctc_model import CTCModel
from asr.model.features import LogMel
from asr.training.metric_logger import MetricLogger
from asr.training.objective import Objective
from asr.training.optimizer import WeightAverage
from asr.training.trainer import Trainer

#: Class or module, function, part of an epoch. A part called within another counts by itself.
PARTS: list[tuple[Any, str, str]] = [
    (Trainer, "_train_epoch", "the loop"),
    (Trainer, "_finish_epoch", "the loop"),
    (Trainer, "_save", "saving"),
    (Trainer, "_save_model", "saving"),
    (SpeechDataset, "load", "loading"),
    (WaveformAugment, "__call__", "speed, noise"),
    (LogMel, "forward", "log-mel"),
    (SpecAugment, "__call__", "SpecAugment"),
    (CTCModel, "forward", "forward"),
    (Objective, "__call__", "loss"),
    (torch.Tensor, "backward", "backward"),
    (torch.nn.utils, "clip_grad_norm_", "update"),
    (torch.optim.AdamW, "step", "update"),
    (torch.optim.Optimizer, "zero_grad", "update"),
    (WeightAverage, "update", "update"),
    (MetricLogger, "step", "metrics"),
    (MetricLogger, "epoch", "metrics"),
    (loop, "score_dev", "evaluation"),
]


class Clock:
    """Seconds of each part, without the parts called within it.

    Attributes:
        cpu_s: CPU seconds of all threads of this process.
        wall_s: seconds of wall time.
    """

    def __init__(self) -> None:
        self.cpu_s: dict[str, float] = defaultdict(float)
        self.wall_s: dict[str, float] = defaultdict(float)
        self._parts: list[str] = []
        self._last = (0.0, 0.0)

    def part(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """Wrap a function so that its time counts as `name`; evaluation counts as one part."""

        @functools.wraps(function)
        def timed(*args: Any, **kwargs: Any) -> Any:
            if "evaluation" in self._parts:
                return function(*args, **kwargs)
            self._charge()
            self._parts.append(name)
            try:
                return function(*args, **kwargs)
            finally:
                self._charge()
                self._parts.pop()

        return timed

    def _charge(self) -> None:
        now = (time.process_time(), time.perf_counter())
        if self._parts:
            self.cpu_s[self._parts[-1]] += now[0] - self._last[0]
            self.wall_s[self._parts[-1]] += now[1] - self._last[1]
        self._last = now


def time_epoch(recipe: str, overrides: list[str]) -> tuple[Clock, CTCModel]:
    """Run `asr train RECIPE OVERRIDES` with its parts timed; returns the times and the model."""
    clock, trainers = Clock(), []
    train_epoch = Trainer._train_epoch

    def keep(trainer: Trainer, *args: Any) -> None:
        trainers.append(trainer)
        train_epoch(trainer, *args)

    with contextlib.ExitStack() as patches:
        patches.enter_context(mock.patch.object(Trainer, "_train_epoch", keep))
        for owner, name, part in PARTS:
            timed = clock.part(part, getattr(owner, name))
            patches.enter_context(mock.patch.object(owner, name, timed))
        status = main(["train", recipe, *overrides])
    if status:
        raise SystemExit(status)
    return clock, trainers[0].model
