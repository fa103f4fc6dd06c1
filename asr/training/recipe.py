"""From a recipe's settings to a trainer: everything is built here, explicitly."""

import zlib
from dataclasses import asdict
from pathlib import Path

import torch
from lhotse import CutSet

from asr.config import AugmentConfig, DataConfig, TokensConfig, TrainConfig, flatten
from asr.data.augment import SpecAugment, WaveformAugment
from asr.data.cut_checks import LONGEST_AT_ONCE_S
from asr.data.dataset import SpeechDataset
from asr.data.manifests import read_cuts
from asr.encoders.library import CPU_HAS_BFLOAT16
from asr.model.ctc_model import CTCModel, ModelSettings
from asr.text.bpe import BPETokenizer
from asr.text.phones import PhoneTokenizer
from asr.text.tokenizer import BLANK, SPACE, CharTokenizer, Tokenizer
from asr.training.denominator import token_trigram
from asr.training.distributed import DistributedContext, open_distributed
from asr.training.initial import ORIGIN, start_from
from asr.training.lock import sole_training
from asr.training.memory import keep_freed_memory
from asr.training.metric_logger import log, open_log, refusals_noted
from asr.training.objective import Objective
from asr.training.optimizer import make_optimizer, make_schedule
from asr.training.room import room_explained
from asr.training.trainer import Trainer
from asr.training.validation import find_problems, refuse, require_words, summarize
from asr.util.errors import UserError


def train(config: TrainConfig) -> Path:
    """Run a recipe, or what is left of it; returns the run folder.

    Raises:
        UserError: a setting, manifest or utterance that cannot be trained with.
        KeyboardInterrupt: after Ctrl-C, once the state is saved.
    """
    run_dir = Path(config.run_dir)
    keep_freed_memory()
    if config.trainer.threads is not None:
        torch.set_num_threads(config.trainer.threads)
    with (
        open_distributed(config.trainer.device) as context,
        open_log(run_dir, context),
        sole_training(run_dir, context),
        refusals_noted(context),
        room_explained(run_dir),
    ):
        log.info("run folder: %s", run_dir)
        trainer = build_trainer(config, run_dir, context)
        scores = trainer.fit()
        progress = trainer.progress
        if scores is None:
            ended = progress.epoch >= config.trainer.epochs
            more = "trainer.epochs" if ended else "trainer.patience_epochs"
            hint = f"to go on, set run_dir={run_dir} and a greater {more}"
            log.info("%s: nothing left to train; %s", run_dir, hint)
        log.info(
            "%s: best epoch %d of %d, dev WER %.2f %%, CER %.2f %%",
            run_dir, progress.best_epoch, progress.epoch,
            100 * progress.best[0], 100 * progress.best[1],
        )  # fmt: skip
    return run_dir


def build_trainer(config: TrainConfig, run_dir: Path, context: DistributedContext) -> Trainer:
    """Build the trainer of a recipe and log what it is made of.

    Raises:
        UserError: a setting, manifest or utterance that cannot be trained with.
    """
    torch.manual_seed(config.seed)
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = False
    train_cuts, dev_cuts = (
        read_cuts(path, LONGEST_AT_ONCE_S) for path in (config.data.train, config.data.dev)
    )
    tokenizer = make_tokenizer(train_cuts, config.text.normalizer, config.tokens)
    model = CTCModel(model_settings(config), len(tokenizer))
    train_cuts = valid_cuts(train_cuts, tokenizer, model, config)
    sample_rate = config.features.sample_rate
    train = SpeechDataset(
        train_cuts, tokenizer, sample_rate, waveform_augment(config.augment), config.seed
    )
    dev = SpeechDataset(dev_cuts, tokenizer, sample_rate)
    require_words(config.data.dev, dev.texts, config.text.normalizer)
    tokenizer.count(train.texts)
    origin = None if config.init is None else start_from(config.init, model, tokenizer, run_dir)
    if origin is None and config.features.normalization == "global":
        fit_normalization(model, train, config.data.batch_s)
    model.to(context.device)
    describe(model, tokenizer, train, dev, context, config.trainer.precision)
    trainer = {k: v for k, v in asdict(config.trainer).items() if k not in ("device", "threads")}
    return Trainer(
        run_dir=run_dir,
        context=context,
        model=model,
        optimizer=make_optimizer(model, **asdict(config.optimizer)),
        schedule=make_schedule(**asdict(config.schedule)),
        tokenizer=tokenizer,
        train=train,
        dev=dev,
        objective=objective(config, train),
        fingerprint=fingerprint(config, origin, tokenizer, train, dev),
        batch_s=config.data.batch_s,
        seed=config.seed,
        **trainer,
    )


def make_tokenizer(cuts: CutSet, normalizer: str, tokens: TokensConfig) -> Tokenizer:
    """Take the recipe's alphabet or lexicon, or learn the tokens from the training transcripts.

    Raises:
        UserError: tokens of two kinds are asked for, or a lexicon cannot be read.
    """
    texts = (cut.supervisions[0].text for cut in cuts)
    given = [name for name, value in asdict(tokens).items() if value is not None]
    if len(given) > 1:
        raise UserError(
            f"tokens: {' and '.join(given)} are both given, and each says what the tokens are; "
            "leave one of them null"
        )
    if tokens.lexicon is not None:
        return PhoneTokenizer.from_lexicon(Path(tokens.lexicon), normalizer)
    if tokens.subwords is not None:
        return BPETokenizer.from_texts(texts, normalizer, tokens.subwords)
    if tokens.characters is not None:
        return CharTokenizer([BLANK, *sorted(set(tokens.characters) | {SPACE})], normalizer)
    return CharTokenizer.from_texts(texts, normalizer)


def model_settings(config: TrainConfig) -> ModelSettings:
    """Pick out what a model is built from."""
    return ModelSettings(
        asdict(config.features), asdict(config.subsampling), asdict(config.encoder)
    )


def valid_cuts(cuts: CutSet, tokenizer: Tokenizer, model: CTCModel, config: TrainConfig) -> CutSet:
    """Leave out utterances with faults where that was asked.

    Raises:
        UserError: there are faults, and they are not to be left out; or no utterance remains.
    """
    data: DataConfig = config.data
    listed = list(cuts)
    found = find_problems(listed, tokenizer, model, max(config.augment.speeds))
    if not data.skip_invalid:
        refuse(data.train, listed, found)
    if found:
        log.info("%s: %s", data.train, summarize(found))
    kept = [cut for index, cut in enumerate(listed) if index not in found]
    if not kept:
        raise UserError(f"{data.train}: no utterance of {len(listed)} can be trained on")
    return CutSet.from_cuts(kept)


def waveform_augment(config: AugmentConfig) -> WaveformAugment:
    """Pick out the augmentation of waveforms."""
    return WaveformAugment(
        speeds=tuple(config.speeds),
        noise_probability=config.noise_probability,
        noise_snr_db=(config.noise_snr_db[0], config.noise_snr_db[1]),
        reverb_probability=config.reverb_probability,
        reverb_rt60_s=(config.reverb_rt60_s[0], config.reverb_rt60_s[1]),
    )


def objective(config: TrainConfig, train: SpeechDataset) -> Objective:
    """Build what is minimised, and the language model of the training texts that it may need."""
    trigram = None
    if config.objective.denominator > 0:
        tokenizer = train.tokenizer
        trigram = token_trigram(map(tokenizer.encode, train.texts), len(tokenizer))
    return Objective(
        spec_augment(config.augment),
        trigram=trigram,
        seed=config.seed,
        **asdict(config.objective),
    )


def spec_augment(config: AugmentConfig) -> SpecAugment:
    """Pick out the augmentation of features."""
    return SpecAugment(
        vtlp=config.vtlp,
        frequency_masks=config.frequency_masks,
        frequency_bins=config.frequency_bins,
        time_masks=config.time_masks,
        time_frames=config.time_frames,
        time_fraction=config.time_fraction,
    )


def fit_normalization(model: CTCModel, train: SpeechDataset, batch_s: float) -> None:
    """Estimate global feature statistics from one batch drawn across the training set."""
    count = max(1, int(batch_s / (sum(train.durations_s) / len(train))))
    step = max(1, len(train) // count)
    batch = train.load(list(range(0, len(train), step))[:count])
    lengths = model.log_mel.frames(batch.waveform_lengths)
    model.log_mel.fit(model.log_mel.log_mel(batch.waveforms), lengths)


def fingerprint(
    config: TrainConfig,
    origin: str | None,
    tokenizer: Tokenizer,
    train: SpeechDataset,
    dev: SpeechDataset,
) -> dict[str, object]:
    """List what a resumed run must share with the one it continues.

    `origin` is the digest of the model whose weights it started from, None from scratch.
    """
    return flatten(asdict(config)) | {
        ORIGIN: origin,
        "the tokens": tokenizer.summary(),
        "the training utterances": dataset_fingerprint(train),
        "the dev utterances": dataset_fingerprint(dev),
    }


def dataset_fingerprint(dataset: SpeechDataset) -> str:
    """Summarise a dataset: its size, and a checksum of ids, durations and texts."""
    rows = zip(dataset.cuts, dataset.durations_s, dataset.texts, strict=True)
    lines = "\n".join(f"{cut.id} {duration} {text}" for cut, duration, text in rows)
    return f"{len(dataset)} with checksum {zlib.crc32(lines.encode()):08x}"


def describe(
    model: CTCModel,
    tokenizer: Tokenizer,
    train: SpeechDataset,
    dev: SpeechDataset,
    context: DistributedContext,
    precision: str,
) -> None:
    """Log what is trained, on what and where."""
    log.info("parameters\n%s", model.parameter_table())
    log.info("tokens: %d: %s", len(tokenizer), tokenizer.summary())
    for name, dataset in (("train", train), ("dev", dev)):
        hours = sum(dataset.durations_s) / 3600
        log.info("%s: %d utterances, %.2f h", name, len(dataset), hours)
    log.info(
        "device: %s, processes: %d, threads: %d",
        context.device, context.size, torch.get_num_threads(),
    )  # fmt: skip
    if precision == "bf16" and context.device.type == "cpu" and not CPU_HAS_BFLOAT16:
        log.info("trainer.precision=bf16 is slower than 32 on this processor, without AVX-512")
