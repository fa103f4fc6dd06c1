"""The schema of a training recipe: names, types and meaning; values are written in conf/.

Hydra checks every key and type against these classes before any data is read. They hold no
defaults: each default is written once, in the YAML file of its group.
"""

from dataclasses import dataclass, field, fields, is_dataclass
from math import inf
from typing import Any

from asr.util.errors import UserError

_BOUNDS = "bounds"


@dataclass(frozen=True)
class Bounds:
    """The smallest and largest value of a setting, or of each number it lists."""

    low: float
    high: float
    count: int | None  # how many numbers a list has; None is one or more

    def check(self, key: str, value: Any) -> None:
        """Refuse a number that lies outside, which NaN does, or a list of another length.

        Raises:
            UserError: it names the setting by `key`.
        """
        listed = isinstance(value, list)
        numbers = value if listed else [value]
        if len(numbers) != (self.count or max(len(numbers), 1)):
            raise UserError(f"{key}: expected {self.count or 'some'} numbers, found {numbers}")
        if all(self.low <= number <= self.high for number in numbers):
            return
        if self.high == inf:
            allowed = f"{self.low:.10g} or more"
        else:
            allowed = f"{'numbers from ' * listed}{self.low:.10g} to {self.high:.10g}"
        raise UserError(f"{key}: expected {allowed}, found {value!r:.50}")


def within(low: float, high: float, count: int | None = None) -> dict[str, Bounds]:
    """Bound a setting, as the metadata of its field; see `Bounds`."""
    return {_BOUNDS: Bounds(low, high, count)}


@dataclass
class DataConfig:
    """Which utterances, and how many at a time."""

    train: str  # cut manifest trained on
    dev: str  # cut manifest that the model is chosen on
    # most seconds of padded audio in one global batch, before augmentation
    batch_s: float = field(metadata=within(0, 1e6))
    skip_invalid: bool  # leave out utterances that cannot be trained on, instead of refusing


@dataclass
class TextConfig:
    """The form of the text that the model writes."""

    normalizer: str  # key of asr.text.tokenizer.NORMALIZERS


@dataclass
class TokensConfig:
    """The units the model writes it in."""

    characters: str | None  # the alphabet; null derives it from the training transcripts
    # most BPE pieces to learn from them, blank included; null: characters
    subwords: int | None = field(metadata=within(2, 100_000))
    lexicon: str | None  # pronunciations, a file: tokens are phones; null: words are spelled


@dataclass
class FeaturesConfig:
    """Keywords of asr.model.features.LogMel."""

    sample_rate: int = field(metadata=within(1000, 192_000))
    mel_bins: int = field(metadata=within(1, 512))
    window_ms: float = field(metadata=within(1, 250))
    hop_ms: float = field(metadata=within(1, 1000))
    low_hz: float = field(metadata=within(0, 96_000))
    remove_dc_offset: bool  # subtract the mean of each frame before the window
    # least power of a mel bin; less is raised to it
    amin: float = field(metadata=within(1.2e-38, 1))
    # below an utterance's loudest bin; null: all there is
    top_db: float | None = field(metadata=within(1, 1000))
    normalization: str


@dataclass
class AugmentConfig:
    """Keywords of asr.data.augment.WaveformAugment and, below, SpecAugment."""

    speeds: list[float] = field(metadata=within(0.1, 10))
    noise_probability: float = field(metadata=within(0, 1))
    noise_snr_db: list[float] = field(metadata=within(-100, 100, count=2))
    reverb_probability: float = field(metadata=within(0, 1))
    reverb_rt60_s: list[float] = field(metadata=within(0.01, 10, count=2))
    vtlp: float = field(metadata=within(0, 0.5))
    frequency_masks: int = field(metadata=within(0, 1000))
    frequency_bins: int = field(metadata=within(0, 1000))
    time_masks: int = field(metadata=within(0, 1000))
    time_frames: int = field(metadata=within(0, 1e6))
    time_fraction: float = field(metadata=within(0, 1))


@dataclass
class SubsamplingConfig:
    """Keywords of asr.model.subsampling.ConvSubsampling."""

    factor: int = field(metadata=within(1, 100))
    channels: int = field(metadata=within(1, 4096))


@dataclass
class EncoderConfig:
    """A recurrent family, and the keywords of asr.encoders.RecurrentStack."""

    name: str  # key of asr.encoders.ENCODERS
    layers: int = field(metadata=within(1, 100))
    hidden_size: int = field(metadata=within(1, 16_384))
    bidirectional: bool  # hear from the end as well
    # units the outputs of blstm's layers are projected to; 0 is none
    projection: int = field(metadata=within(0, 16_384))
    dropout: float = field(metadata=within(0, 1))
    variational_dropout: bool  # dropout leaves out a unit in all frames of an utterance, or in none
    # probability of leaving out each recurrent weight for a batch
    weight_drop: float = field(metadata=within(0, 1))
    # probability of a unit's keeping its last state at a frame
    zoneout: float = field(metadata=within(0, 1))


@dataclass
class ObjectiveConfig:
    """Keywords of asr.training.objective.Objective."""

    # weight of the agreement between two masked views; 0 takes one view
    consistency: float = field(metadata=within(0, 1000))
    # weight of what makes CTC CTC-CRF: log Z over all texts; 0 is CTC alone
    denominator: float = field(metadata=within(0, 1))


@dataclass
class OptimizerConfig:
    """Keywords of the optimizer."""

    name: str  # key of asr.training.optimizer.OPTIMIZERS
    lr: float = field(metadata=within(0, 1000))  # the schedule's highest
    weight_decay: float = field(metadata=within(0, 1000))
    betas: list[float] = field(metadata=within(0, 0.999999, count=2))


@dataclass
class ScheduleConfig:
    """The learning rate's course over the whole run."""

    name: str  # key of asr.training.optimizer.SCHEDULES
    # share of all steps that climb to the highest rate
    warmup_fraction: float = field(metadata=within(0, 1))
    final_fraction: float = field(metadata=within(0, 1))  # the last rate as a share of the highest


@dataclass
class TrainerConfig:
    """The loop. `device`, `workers`, `threads` and `tensorboard` are settings of the machine."""

    epochs: int = field(metadata=within(1, 1e6))
    # pieces a process cuts its share of a batch into, to fit its memory
    micro_batches: int = field(metadata=within(1, 1e6))
    # gradients are scaled down to this norm; inf leaves them as they are
    clip_norm: float = field(metadata=within(1e-3, inf))
    # of the moving average of weights that is evaluated and saved; 0 is off
    ema_decay: float = field(metadata=within(0, 1))
    precision: str  # 32 or bf16
    # stop after so many epochs without a better model; null never
    patience_epochs: int | None = field(metadata=within(1, 1e6))
    # how often, beside each epoch's end, the training state is saved
    save_every_steps: int = field(metadata=within(1, 1e9))
    device: str  # auto, cpu, cuda
    # processes that load audio; 0 loads in the training process
    workers: int = field(metadata=within(0, 1024))
    threads: int | None = field(metadata=within(1, 1024))  # CPU threads; null takes torch's choice
    tensorboard: bool


@dataclass
class TrainConfig:
    """A whole recipe."""

    recipe: str  # name for the run folder and the log
    seed: int = field(metadata=within(0, 2**63 - 1))
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
    optimizer: OptimizerConfig
    schedule: ScheduleConfig
    trainer: TrainerConfig


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
    "trainer.micro_batches",
    "trainer.save_every_steps",
    "trainer.device",
    "trainer.workers",
    "trainer.threads",
    "trainer.tensorboard",
)

#: Settings that older runs and models had no choice in, and what they did.
LATER: dict[str, dict[str, Any]] = {
    "features": {"top_db": None, "remove_dc_offset": False, "amin": 1e-9},
    "encoder": {
        "bidirectional": True,
        "projection": 0,
        "variational_dropout": False,
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
    "trainer.micro_batches",
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


def check_ranges(values: dict[str, Any], schema: type = TrainConfig, prefix: str = "") -> None:
    """Refuse values that fail late, in silence, or take memory and time without end.

    Args:
        values: of the right types, by the names of the schema's fields.
        schema: which class they are of.
        prefix: stands before their names in errors.

    Raises:
        UserError: a number, or one of a list, outside the bounds of its field.
    """
    for setting in fields(schema):
        key, value = prefix + setting.name, values[setting.name]
        if is_dataclass(setting.type):
            assert isinstance(setting.type, type)
            check_ranges(value, setting.type, f"{key}.")
        elif _BOUNDS in setting.metadata and value is not None:
            setting.metadata[_BOUNDS].check(key, value)
