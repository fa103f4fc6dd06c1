"""The schema of a training recipe: names, types and meaning; values are written in conf/.

Hydra checks every key and type against these classes before any data is read. They hold no
defaults: each default is written once, in the YAML file of its group.
"""

from dataclasses import dataclass, field, fields, is_dataclass, replace
from math import inf
from typing import Any

from asr.util.errors import UserError

_SETTING = "setting"
_ALWAYS_GIVEN = object()


@dataclass(frozen=True)
class Setting:
    """What a field of the schema allows, and what the field means for a run.

    Attributes:
        low, high: the smallest and largest value, or of each number in a list; None: no numbers.
        count: how many numbers a list has; None is one or more.
        resumable: whether a resumed run may change the value: how long the run takes, on what
            machine, and where files lie. The contents of the files are compared instead.
        names_run: whether an override becomes part of the run folder's name.
        equal_for_init: whether `init` takes only the weights of a model with an equal value.
        is_path: whether the value is a path.
        takes_list: whether the value may be a list of paths.
        is_text: whether the value is any other text that is taken as typed.
        before: the value for runs and models that are older than the setting, if there are any.
        kind: the type.
    """

    low: float | None = None
    high: float | None = None
    count: int | None = None
    resumable: bool = False
    names_run: bool = True
    equal_for_init: bool = True
    is_path: bool = False
    takes_list: bool = False
    is_text: bool = False
    before: Any = _ALWAYS_GIVEN
    kind: Any = None

    def check(self, key: str, value: Any) -> None:
        """Refuse a number that lies outside, which NaN does, or a list of another length.

        Raises:
            UserError: it names the setting by `key`.
        """
        if self.low is None or self.high is None or value is None:
            return
        is_list = isinstance(value, list)
        numbers = value if is_list else [value]
        if len(numbers) != (self.count or max(len(numbers), 1)):
            raise UserError(f"{key}: expected {self.count or 'some'} numbers, found {numbers}")
        if all(self.low <= number <= self.high for number in numbers):
            return
        if self.high == inf:
            allowed = f"{self.low:.10g} or more"
        else:
            allowed = f"{'numbers from ' * is_list}{self.low:.10g} to {self.high:.10g}"
        raise UserError(f"{key}: expected {allowed}, found {value!r:.50}")


def setting(
    low: float | None = None, high: float | None = None, count: int | None = None, **meaning: Any
) -> dict[str, Setting]:
    """Describe a setting in the metadata of its field; see `Setting`."""
    return {_SETTING: Setting(low, high, count, **meaning)}


#: A file that may move while a run is interrupted.
_FILE = setting(resumable=True, is_path=True)


@dataclass
class DataConfig:
    """The training and dev sets, and the size of a batch."""

    # cut manifest to train on, or a list of several
    train: Any = field(metadata=setting(resumable=True, is_path=True, takes_list=True))
    # how many times an epoch has each utterance of each manifest in the list; null is once
    weights: list[int] | None = field(metadata=setting(1, 1000, before=None))
    dev: str = field(metadata=_FILE)  # cut manifest that decides which epoch's model is best
    # most seconds of padded audio in one global batch, before augmentation
    batch_s: float = field(metadata=setting(0, 1e6))
    skip_invalid: bool  # leave out utterances that cannot be trained on, instead of refusing


@dataclass
class TextConfig:
    """The normalization of transcripts, in which the model writes text."""

    normalizer: str  # key of asr.text.normalizers.NORMALIZERS
    # what becomes of tags such as [noise]: drop leaves them out, keep trains them as words
    tags: str = field(metadata=setting(before="drop"))


@dataclass
class TokensConfig:
    """The units in which the model writes text."""

    # the alphabet; null derives it from the training transcripts
    characters: str | None = field(metadata=setting(is_text=True))
    # most subwords to learn from the transcripts, blank included; null: characters
    subwords: int | None = field(metadata=setting(2, 100_000))
    # a file of pronunciations: tokens are phones; null: words are spelled
    lexicon: str | None = field(metadata=_FILE)


@dataclass
class FeaturesConfig:
    """Keywords of asr.model.features.LogMel."""

    sample_rate: int = field(metadata=setting(1000, 192_000))
    mel_bins: int = field(metadata=setting(1, 512))
    window_ms: float = field(metadata=setting(1, 250))
    hop_ms: float = field(metadata=setting(1, 1000))
    low_hz: float = field(metadata=setting(0, 96_000))
    # subtract the mean of each frame before the window
    remove_dc_offset: bool = field(metadata=setting(before=False, equal_for_init=False))
    # least power of a mel bin; less is raised to it
    amin: float = field(metadata=setting(1.2e-38, 1, before=1e-9, equal_for_init=False))
    # range below an utterance's loudest bin; null is no limit
    top_db: float | None = field(metadata=setting(1, 1000, before=None, equal_for_init=False))
    normalization: str


@dataclass
class AugmentConfig:
    """Keywords of asr.data.augment.WaveformAugment and, below, SpecAugment."""

    speeds: list[float] = field(metadata=setting(0.1, 10))
    noise_probability: float = field(metadata=setting(0, 1))
    noise_snr_db: list[float] = field(metadata=setting(-100, 100, count=2))
    reverb_probability: float = field(metadata=setting(0, 1))
    reverb_rt60_s: list[float] = field(metadata=setting(0.01, 10, count=2))
    vtlp: float = field(metadata=setting(0, 0.5))
    frequency_masks: int = field(metadata=setting(0, 1000))
    frequency_bins: int = field(metadata=setting(0, 1000))
    time_masks: int = field(metadata=setting(0, 1000))
    time_frames: int = field(metadata=setting(0, 1e6))
    time_fraction: float = field(metadata=setting(0, 1))


@dataclass
class SubsamplingConfig:
    """What joins feature frames, and its keywords, as of asr.model.subsampling.ConvSubsampling."""

    name: str = field(metadata=setting(before="conv"))  # key of asr.model.ctc_model.SUBSAMPLINGS
    factor: int = field(metadata=setting(1, 100))
    channels: int = field(metadata=setting(1, 4096))  # of convolutions; units of a tree's nodes


@dataclass
class EncoderConfig:
    """A recurrent family, and the keywords of asr.encoders.RecurrentStack."""

    name: str  # key of asr.encoders.ENCODERS
    layers: int = field(metadata=setting(1, 100))
    hidden_size: int = field(metadata=setting(1, 16_384))
    bidirectional: bool = field(metadata=setting(before=True))  # read from the end as well
    # ms of audio behind a chunk of 500 ms that the backward direction reads in training, as it does
    # in streams; null: whole utterances. Without that direction: what a convolution reads behind
    # each frame; null: none
    right_context_ms: float | None = field(
        metadata=setting(0, 10_000, before=None, equal_for_init=False)
    )
    # units the outputs of blstm's layers are projected to; 0 is none
    projection: int = field(metadata=setting(0, 16_384, before=0))
    dropout: float = field(metadata=setting(0, 1, equal_for_init=False))
    # dropout leaves out a unit in all frames of an utterance, or in none
    variational_dropout: bool = field(metadata=setting(before=False, equal_for_init=False))
    # probability of leaving out each recurrent weight for a batch
    weight_drop: float = field(metadata=setting(0, 1, before=0.0, equal_for_init=False))
    # probability that a unit keeps its last state at a frame
    zoneout: float = field(metadata=setting(0, 1, before=0.0))


@dataclass
class ObjectiveConfig:
    """Keywords of asr.training.objective.Objective."""

    # weight of the divergence between two masked views; 0 takes one view
    consistency: float = field(metadata=setting(0, 1000))
    # weight of CTC-CRF's denominator, log Z over all texts; 0 is CTC alone
    denominator: float = field(metadata=setting(0, 1, before=0.0))


@dataclass
class OptimizerConfig:
    """Keywords of the optimizer."""

    name: str  # key of asr.training.optimizer.OPTIMIZERS
    lr: float = field(metadata=setting(0, 1000))  # the peak of the schedule
    weight_decay: float = field(metadata=setting(0, 1000))
    betas: list[float] = field(metadata=setting(0, 0.999999, count=2))


@dataclass
class ScheduleConfig:
    """How the learning rate changes over the whole run."""

    name: str  # key of asr.training.optimizer.SCHEDULES
    # part of all steps in which the rate climbs to its peak
    warmup_fraction: float = field(metadata=setting(0, 1))
    final_fraction: float = field(metadata=setting(0, 1))  # the last rate, relative to the peak


@dataclass
class TrainerConfig:
    """The training loop, and the machine it runs on."""

    epochs: int = field(metadata=setting(1, 1e6, resumable=True))
    # gradient accumulation: parts of a process's shard of a batch, computed at the same time by a
    # process that trains alone on a CPU, else in turn; null is 2 for the former, else 1
    micro_batches: int | None = field(metadata=setting(1, 1e6, resumable=True, names_run=False))
    # gradients are scaled down to this norm; inf leaves them as they are
    clip_norm: float = field(metadata=setting(1e-3, inf))
    # decay of the moving average of weights that is evaluated and saved; 0 is no average
    ema_decay: float = field(metadata=setting(0, 1))
    precision: str  # 32, bf16, or auto: bf16 where the device computes it fast
    # epochs without a better model after which training stops; null is never
    patience_epochs: int | None = field(metadata=setting(1, 1e6, resumable=True))
    # steps after which the training state is saved, as it is at each epoch's end
    save_every_steps: int = field(metadata=setting(1, 1e9, resumable=True))
    device: str = field(metadata=setting(resumable=True, names_run=False))  # auto, cpu, cuda
    # processes that load audio; 0 loads in the training process
    workers: int = field(metadata=setting(0, 1024, resumable=True, names_run=False))
    # CPU threads; null takes torch's choice
    threads: int | None = field(metadata=setting(1, 1024, resumable=True, names_run=False))
    # whether TensorBoard's event files are written
    tensorboard: bool = field(metadata=setting(resumable=True, names_run=False))


@dataclass
class TrainConfig:
    """All settings of a recipe."""

    # name for the run folder and the log
    recipe: str = field(metadata=setting(names_run=False, is_text=True))
    # a level of its own in the run folder's path
    seed: int = field(metadata=setting(0, 2**63 - 1, names_run=False))
    run_dir: str = field(metadata=setting(resumable=True, names_run=False, is_path=True))
    # a model, or its run folder, whose weights training starts from
    init: str | None = field(metadata=_FILE)
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
        schema: the class with these fields.
        prefix: stands before the names in errors.

    Raises:
        UserError: a number, or one of a list, outside the bounds of its field.
    """
    flat = flatten(values, prefix)
    for key, one in settings_of(schema, prefix).items():
        one.check(key, flat[key])


def check_paths(values: dict[str, Any]) -> None:
    """Refuse a path, or one of a list of paths, that is no text.

    Raises:
        UserError: it names the setting.
    """
    for key, value in flatten(values).items():
        if SETTINGS[key].takes_list:
            paths = value if isinstance(value, list) and value else [value]
            if not all(isinstance(path, str) and path for path in paths):
                raise UserError(f"{key}: expected a path, or a list as [a,b], found {value!r:.50}")


def settings_of(schema: type, prefix: str = "") -> dict[str, Setting]:
    """Gather the settings of a schema, its groups included, by their dotted names."""
    found: dict[str, Setting] = {}
    for one in fields(schema):
        if is_dataclass(one.type):
            assert isinstance(one.type, type)
            found |= settings_of(one.type, f"{prefix}{one.name}.")
        else:
            found[prefix + one.name] = replace(one.metadata.get(_SETTING, Setting()), kind=one.type)
    return found


#: Every setting of a recipe by its dotted name.
SETTINGS = settings_of(TrainConfig)


def values_before(schema: type, prefix: str = "") -> dict[str, Any]:
    """Give the values that older runs and models have for settings added since."""
    found = settings_of(schema, prefix).items()
    return {key: one.before for key, one in found if one.before is not _ALWAYS_GIVEN}
