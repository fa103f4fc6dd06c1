"""The schema of a training recipe: names, types and meaning; values are written in conf/.

Hydra checks every key and type against these classes before any data is read. They hold no
defaults: each default is written once, in the YAML file of its group.
"""

from dataclasses import dataclass
from math import inf
from typing import Any

from asr.errors import UserError


@dataclass
class DataConfig:
    """Which utterances, and how many at a time."""

    train: str  # cut manifest trained on
    dev: str  # cut manifest that the model is chosen on
    batch_s: float  # most seconds of padded audio in one global batch, before augmentation
    leave_out_bad: bool  # leave out utterances that cannot be trained on, instead of refusing


@dataclass
class TextConfig:
    """The form of the text that the model writes."""

    normaliser: str  # key of asr.text.NORMALISERS


@dataclass
class TokensConfig:
    """The units the model writes it in."""

    characters: str | None  # the alphabet; null derives it from the training transcripts
    pieces: int | None  # most BPE pieces to learn from them, blank included; null: characters
    lexicon: str | None  # pronunciations, a file: tokens are phones; null: words are spelled


@dataclass
class FeaturesConfig:
    """Keywords of asr.features.LogMel."""

    sample_rate: int
    mel_bins: int
    window_ms: float
    hop_ms: float
    low_hz: float
    dynamic_range_db: float | None  # below an utterance's loudest bin; null: all there is
    normalisation: str


@dataclass
class AugmentConfig:
    """Keywords of asr.augment.WaveformAugment and, below, SpecAugment."""

    speeds: list[float]
    noise_probability: float
    noise_snr_db: list[float]
    reverb_probability: float
    reverb_rt60_s: list[float]
    mel_warp: float
    frequency_masks: int
    frequency_bins: int
    time_masks: int
    time_frames: int
    time_share: float


@dataclass
class SubsamplingConfig:
    """Keywords of asr.subsampling.ConvSubsampling."""

    factor: int
    channels: int


@dataclass
class EncoderConfig:
    """A recurrent family, and the keywords of asr.encoders.RecurrentStack."""

    name: str  # key of asr.encoders.ENCODERS
    layers: int
    hidden_size: int
    bidirectional: bool  # hear from the end as well
    projection: int  # units the outputs of blstm's layers are projected to; 0 is none
    dropout: float
    variational: bool  # dropout leaves out a unit in all frames of an utterance, or in none
    weight_drop: float  # probability of leaving out each recurrent weight for a batch
    zoneout: float  # probability of a unit's keeping its last state at a frame


@dataclass
class ObjectiveConfig:
    """Keywords of asr.training.objective.Objective."""

    consistency: float  # weight of the agreement between two masked views; 0 takes one view
    denominator: float  # weight of what makes CTC CTC-CRF: log Z over all texts; 0 is CTC alone


@dataclass
class OptimiserConfig:
    """Keywords of the optimiser."""

    name: str  # key of asr.training.optimiser.OPTIMISERS
    lr: float  # the schedule's highest
    weight_decay: float
    betas: list[float]


@dataclass
class ScheduleConfig:
    """The learning rate's course over the whole run."""

    name: str  # key of asr.training.optimiser.SCHEDULES
    warmup_share: float  # share of all steps that climb to the highest rate
    final_share: float  # the last rate as a share of the highest


@dataclass
class TrainerConfig:
    """The loop. `device`, `workers`, `threads` and `tensorboard` are settings of the machine."""

    epochs: int
    accumulate: int  # pieces a process cuts its share of a batch into, to fit its memory
    clip_norm: float  # gradients are scaled down to this norm; inf leaves them as they are
    average_decay: float  # of the moving average of weights that is evaluated and saved; 0 is off
    precision: str  # 32 or bf16
    patience_epochs: int | None  # stop after so many epochs without a better model; null never
    save_every_steps: int  # how often, beside each epoch's end, the training state is saved
    device: str  # auto, cpu, cuda
    workers: int  # processes that load audio; 0 loads in the training process
    threads: int | None  # CPU threads; null takes torch's choice
    tensorboard: bool


@dataclass
class TrainConfig:
    """A whole recipe."""

    recipe: str  # name for the run folder and the log
    seed: int
    run_dir: str
    init: str | None  # a model, or its run folder, whose weights are where training starts
    data: DataConfig
    text: TextConfig
    tokens: TokensConfig
    features: FeaturesConfig
    augment: AugmentConfig
    subsampling: SubsamplingConfig
    encoder: EncoderConfig
    objective: ObjectiveConfig
    optimiser: OptimiserConfig
    schedule: ScheduleConfig
    trainer: TrainerConfig


#: Smallest and largest value of settings that would otherwise fail late or in silence.
RANGES: dict[str, tuple[float, float]] = {
    "seed": (0, 2**63 - 1),
    "data.batch_s": (0, 1e6),
    "tokens.pieces": (2, 100_000),
    "features.sample_rate": (1000, 192_000),
    "features.mel_bins": (1, 1000),
    "features.window_ms": (1, 1000),
    "features.hop_ms": (1, 1000),
    "features.low_hz": (0, 96_000),
    "features.dynamic_range_db": (1, 1000),
    "augment.noise_probability": (0, 1),
    "augment.reverb_probability": (0, 1),
    "augment.mel_warp": (0, 0.5),
    "augment.frequency_masks": (0, inf),
    "augment.frequency_bins": (0, inf),
    "augment.time_masks": (0, inf),
    "augment.time_frames": (0, inf),
    "augment.time_share": (0, 1),
    "subsampling.channels": (1, inf),
    "encoder.layers": (1, inf),
    "encoder.hidden_size": (1, inf),
    "encoder.projection": (0, inf),
    "encoder.dropout": (0, 1),
    "encoder.weight_drop": (0, 1),
    "encoder.zoneout": (0, 1),
    "objective.consistency": (0, inf),
    "objective.denominator": (0, 1),
    "optimiser.lr": (0, inf),
    "optimiser.weight_decay": (0, inf),
    "schedule.warmup_share": (0, 1),
    "schedule.final_share": (0, 1),
    "trainer.epochs": (1, inf),
    "trainer.accumulate": (1, inf),
    "trainer.clip_norm": (1e-3, inf),
    "trainer.average_decay": (0, 1),
    "trainer.patience_epochs": (1, inf),
    "trainer.save_every_steps": (1, inf),
    "trainer.workers": (0, inf),
    "trainer.threads": (1, inf),
}

#: How many numbers a setting lists, and the smallest and largest each may be; None is 1 or more.
LISTS: dict[str, tuple[int | None, float, float]] = {
    "augment.speeds": (None, 0.1, 10),
    "augment.noise_snr_db": (2, -100, 100),
    "augment.reverb_rt60_s": (2, 0.01, 10),
    "optimiser.betas": (2, 0, 0.999999),
}

#: What a resumed run may change: how long it goes on, on what machine, and where files lie. That
#: they hold the same is checked by their contents.
RESUMABLE = (
    "run_dir",
    "init",
    "data.train",
    "data.dev",
    "tokens.lexicon",
    "trainer.epochs",
    "trainer.patience_epochs",
    "trainer.accumulate",
    "trainer.save_every_steps",
    "trainer.device",
    "trainer.workers",
    "trainer.threads",
    "trainer.tensorboard",
)

#: Settings that older runs and models had no choice in, and what they did.
LATER: dict[str, dict[str, Any]] = {
    "features": {"dynamic_range_db": None},
    "encoder": {
        "bidirectional": True,
        "projection": 0,
        "variational": False,
        "weight_drop": 0.0,
        "zoneout": 0.0,
    },
    "objective": {"denominator": 0.0},
}

#: Overrides that do not name a run folder: the seed has a level of its own, the rest are the
#: machine's.
UNNAMED = (
    "seed",
    "run_dir",
    "recipe",
    "trainer.accumulate",
    "trainer.device",
    "trainer.workers",
    "trainer.threads",
    "trainer.tensorboard",
)


def flatten(config: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """Turn nested settings into dotted keys: {"a": {"b": 1}} -> {"a.b": 1}."""
    flat: dict[str, Any] = {}
    for key, value in config.items():
        if isinstance(value, dict):
            flat |= flatten(value, f"{prefix}{key}.")
        else:
            flat[f"{prefix}{key}"] = value
    return flat


def check_ranges(config: dict[str, Any]) -> None:
    """Refuse values that no training could use.

    Raises:
        UserError: a number outside `RANGES`, or a list that `LISTS` does not allow.
    """
    flat = flatten(config)
    for key, (low, high) in RANGES.items():
        if flat[key] is not None and not low <= flat[key] <= high:
            allowed = f"{low:g} or more" if high == inf else f"{low:g} to {high:g}"
            raise UserError(f"{key}: expected {allowed}, found {flat[key]}")
    for key, (count, low, high) in LISTS.items():
        numbers = flat[key]
        if len(numbers) != (count or max(len(numbers), 1)):
            raise UserError(f"{key}: expected {count or 'some'} numbers, found {numbers}")
        if not all(low <= number <= high for number in numbers):
            raise UserError(f"{key}: expected numbers from {low:g} to {high:g}, found {numbers}")
