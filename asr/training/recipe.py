"""Builds a trainer from the settings of a recipe, and runs it."""

from dataclasses import asdict
from pathlib import Path

import torch
from lhotse import CutSet

from asr.config import AugmentConfig, TokensConfig, TrainConfig
from asr.data.augment import SpecAugment, WaveformAugment
from asr.data.cut_checks import LONGEST_AT_ONCE_S
from asr.data.dataset import SpeechDataset
from asr.data.manifests import read_cuts
from asr.data.several import read_training_cuts, repeat_cuts
from asr.model.ctc_model import CTCModel
from asr.model.settings import ModelSettings
from asr.text.bpe import BPETokenizer
from asr.text.phones import PhoneTokenizer
from asr.text.tags import TAGS
from asr.text.tokenizer import BLANK, SPACE, CharTokenizer, Tokenizer
from asr.training.denominator import token_trigram
from asr.training.distributed import DistributedContext, open_distributed
from asr.training.feature_statistics import measure_features
from asr.training.fingerprint import make_fingerprint, require_same_run
from asr.training.initial import start_from
from asr.training.metric_logger import log, log_user_errors, open_log
from asr.training.objective import Objective
from asr.training.optimizer import make_optimizer, make_schedule
from asr.training.precision import choose_precision, has_fast_bfloat16
from asr.training.process import keep_freed_memory
from asr.training.run_folder import explain_full_disk, lock_run_folder
from asr.training.trainer import Trainer
from asr.training.validation import keep_valid, log_tags, require_words
from asr.util.errors import UserError
from asr.util.files import remove_partials


def train(config: TrainConfig) -> Path:
    """Train a recipe from its start or from its saved state; returns the run folder.

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
        lock_run_folder(run_dir, context),
        log_user_errors(context),
        explain_full_disk(run_dir),
    ):
        if context.is_main:
            remove_partials(run_dir)
        log.info("run folder: %s", run_dir)
        trainer = build_trainer(config, run_dir, context)
        scores = trainer.fit()
        progress = trainer.progress
        if scores is None:
            ended = progress.epoch >= config.trainer.epochs
            more = "trainer.epochs" if ended else "trainer.patience_epochs"
            hint = f"to train on, set run_dir={run_dir} and a greater {more}"
            log.info("%s: nothing left to train; %s", run_dir, hint)
        log.info(
            "%s: best epoch %d of %d, dev WER %.2f %%, CER %.2f %%",
            run_dir, progress.best_epoch, progress.epoch,
            100 * progress.best[0], 100 * progress.best[1],
        )  # fmt: skip
    return run_dir


def build_trainer(config: TrainConfig, run_dir: Path, context: DistributedContext) -> Trainer:
    """Build the trainer of a recipe, and log its model, tokens, data and device.

    Raises:
        UserError: a setting, manifest or utterance that cannot be trained with, or processes that
            have different ones.
    """
    torch.manual_seed(config.seed)
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = False
    training = read_training_cuts(config.data.train, config.data.weights, LONGEST_AT_ONCE_S)
    dev_cuts = read_cuts(config.data.dev, LONGEST_AT_ONCE_S)
    tokenizer = make_tokenizer(
        training.cuts, config.text.normalizer, config.tokens, config.text.tags
    )
    model = CTCModel(model_settings(config), len(tokenizer))
    valid_cuts = keep_valid(training.cuts, tokenizer, model, config, training.places)
    train_cuts = repeat_cuts(valid_cuts, training.weights)
    sample_rate = config.features.sample_rate
    train = SpeechDataset(
        train_cuts, tokenizer, sample_rate, make_waveform_augment(config.augment), config.seed
    )
    dev = SpeechDataset(dev_cuts, tokenizer, sample_rate)
    require_words(config.data.dev, dev.texts, config.text.normalizer)
    log_tags(config.data.dev, dev.cuts, config.text.tags)
    tokenizer.count(train.texts)
    model.statistics = measure_features(train, model.settings)
    origin = None if config.init is None else start_from(config.init, model, tokenizer, run_dir)
    model.to(context.device)
    fingerprint = make_fingerprint(config, origin, train, dev)
    require_same_run(fingerprint, context)
    log_setup(model, train, dev, context, config.trainer.precision)
    return Trainer(
        run_dir=run_dir,
        context=context,
        model=model,
        optimizer=make_optimizer(model, **asdict(config.optimizer)),
        schedule=make_schedule(**asdict(config.schedule)),
        train=train,
        dev=dev,
        objective=make_objective(config, train),
        batch_s=config.data.batch_s,
        fingerprint=fingerprint,
        settings=config.trainer,
    )


def make_tokenizer(
    cuts: CutSet, normalizer: str, tokens: TokensConfig, tags: str = Tokenizer.tags
) -> Tokenizer:
    """Take the recipe's alphabet or lexicon, or learn the tokens from the training transcripts.

    Raises:
        UserError: an unknown way with tags, tokens of two kinds are asked for, or a lexicon cannot
            be read.
    """
    if tags not in TAGS:
        raise UserError(f"text.tags is {tags!r}, expected {' or '.join(TAGS)}")
    tokenizer = _make_tokenizer(cuts, normalizer, tokens, tags)
    tokenizer.tags = tags
    return tokenizer


def _make_tokenizer(cuts: CutSet, normalizer: str, tokens: TokensConfig, tags: str) -> Tokenizer:
    texts = (TAGS[tags](cut.supervisions[0].text) for cut in cuts)
    given = [name for name, value in asdict(tokens).items() if value is not None]
    if len(given) > 1:
        raise UserError(
            f"tokens: {' and '.join(given)} are both given, and each defines the tokens; "
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
    """Select the settings that a model is built from."""
    return ModelSettings(
        asdict(config.features), asdict(config.subsampling), asdict(config.encoder)
    )


def make_waveform_augment(config: AugmentConfig) -> WaveformAugment:
    """Make the augmentation of waveforms."""
    return WaveformAugment(
        speeds=tuple(config.speeds),
        noise_probability=config.noise_probability,
        noise_snr_db=(config.noise_snr_db[0], config.noise_snr_db[1]),
        reverb_probability=config.reverb_probability,
        reverb_rt60_s=(config.reverb_rt60_s[0], config.reverb_rt60_s[1]),
    )


def make_objective(config: TrainConfig, train: SpeechDataset) -> Objective:
    """Make the training loss, with a trigram of the training texts where it needs one."""
    trigram = None
    if config.objective.denominator > 0:
        tokenizer = train.tokenizer
        trigram = token_trigram(map(tokenizer.encode, train.texts), len(tokenizer))
    return Objective(
        make_spec_augment(config.augment),
        trigram=trigram,
        seed=config.seed,
        **asdict(config.objective),
    )


def make_spec_augment(config: AugmentConfig) -> SpecAugment:
    """Make the augmentation of features."""
    return SpecAugment(
        vtlp=config.vtlp,
        frequency_masks=config.frequency_masks,
        frequency_bins=config.frequency_bins,
        time_masks=config.time_masks,
        time_frames=config.time_frames,
        time_fraction=config.time_fraction,
    )


def log_setup(
    model: CTCModel,
    train: SpeechDataset,
    dev: SpeechDataset,
    context: DistributedContext,
    precision: str,
) -> None:
    """Log the model, the tokens, the data and the device."""
    tokenizer = train.tokenizer
    log.info("parameters\n%s", model.parameter_table())
    log.info("tokens: %d: %s", len(tokenizer), tokenizer.summary())
    for name, dataset in (("train", train), ("dev", dev)):
        hours = sum(dataset.durations_s) / 3600
        log.info("%s: %d utterances, %.2f h", name, len(dataset), hours)
    kind = str(choose_precision(precision, context.device)).removeprefix("torch.")
    log.info(
        "device: %s, processes: %d, threads: %d, precision: %s",
        context.device, context.size, torch.get_num_threads(), kind,
    )  # fmt: skip
    if (
        precision == "bf16"
        and context.device.type == "cpu"
        and not has_fast_bfloat16(context.device)
    ):
        log.info(
            "trainer.precision=bf16 is slower than 32 on this processor; auto takes the faster"
        )
