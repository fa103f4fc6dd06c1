"""The options of a decoder, and the `decoding.yaml` that stores them."""

import math
import os
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

from asr.util.errors import UserError
from asr.util.files import digest, write_text
from asr.util.printable import quoted
from asr.util.suggest import did_you_mean

SEARCHES = ("greedy", "beam")
LM_UNITS = ("word", "token")
#: Least and most of each number. Numbers further out give empty texts or nonsense, or take more
#: memory than there is.
RANGES: dict[str, tuple[float, float]] = {
    "beam_size": (1, 10_000),
    "beam_threshold": (0, math.inf),
    "token_threshold": (0, math.inf),
    "blank_penalty": (-100, 100),
    "prior_weight": (0, 10),
    "lm_weight": (0, 100),
    "word_score": (-100, 100),
    "unk_score": (-1000, 1000),
    "hotword_boost": (0, 100),
    "confidence_temperature": (0.001, 1000),
    "neural_lm_weight": (0, 100),
    "second_pass_lm_weight": (0, 100),
    "second_pass_word_score": (-100, 100),
    "second_pass_texts": (1, 10_000),
    "second_pass_threshold": (0, math.inf),
}
_PATHS = ("lm", "vocabulary", "hotwords", "neural_lm")
#: Language models, each with the option that holds its digest, and what their files are.
DIGESTS = {"lm": "lm_digest", "neural_lm": "neural_lm_digest"}
_WRITTEN = {"lm": "an ARPA file", "neural_lm": "an LSTM that `asr lm train` wrote"}
#: Keys of files written before the options had their present names.
_FORMER_NAMES = {"lexicon": "vocabulary"}


class OptionError(UserError):
    """An option with a value that it cannot have: its name, and why."""

    def __init__(self, name: str, detail: str) -> None:
        super().__init__(f"decoding.{name}: {detail}")
        self.name = name


@dataclass(frozen=True)
class DecodingOptions:
    """How log-probabilities are decoded into words. Scores and thresholds are in nats.

    Attributes:
        search: "greedy" (the best path) or "beam".
        beam_size: prefixes kept from frame to frame.
        beam_threshold: how far below the best prefix another may lie.
        token_threshold: how far below the best token of a frame another may lie to be tried.
        blank_penalty: subtracted from the blank's log posterior at every frame.
        prior_weight: the power of the tokens' frequencies in the training texts that their
            posteriors are divided by, see `asr.decoding.beam.token_penalties`.
        lm: n-gram model in ARPA format, plain or gzipped.
        lm_digest: SHA-256 of that file when the weights below were fitted; checked if given.
        lm_unit: "word" (scored at word ends) or "token" (at every token, with the space written
            as the model's own mark, `|`, `▁` or `<space>`).
        lm_weight: what the LM's natural log-probabilities are multiplied by.
        word_score: added for every word.
        unk_score: added for every word that the LM does not know.
        vocabulary: words, one a line; no other word is written. For a model of phones, a word's
            pronunciation follows it, or is taken from the model's own lexicon.
        hotwords: words and phrases, one a line, that earn a bonus.
        hotword_boost: the bonus for each letter of a finished hot word.
        confidence_temperature: more than 1 makes confidences higher, less makes them lower (see
            `asr.inference.calibration`).
        neural_lm: LSTM language model that ranks the results of the search again, a second pass
            (`asr.decoding.rescoring`).
        neural_lm_digest: SHA-256 of that file when the weights below were fitted; checked if given.
        neural_lm_weight: what its natural log-probabilities are multiplied by.
        second_pass_lm_weight: takes the place of `lm_weight` in the second pass.
        second_pass_word_score: added for every word in the second pass, beside `word_score`.
        second_pass_texts: the most texts of an utterance that the second pass ranks.
        second_pass_threshold: how far below the best text of the search another one may lie there.

    Raises:
        OptionError: a value of another type or out of its range.
    """

    search: str = "greedy"
    beam_size: int = 64
    beam_threshold: float = 20.0
    token_threshold: float = 15.0
    blank_penalty: float = 0.0
    prior_weight: float = 0.0
    lm: Path | None = None
    lm_digest: str | None = None
    lm_unit: str = "word"
    lm_weight: float = 0.5
    word_score: float = 0.0
    unk_score: float = -5.0
    vocabulary: Path | None = None
    hotwords: Path | None = None
    hotword_boost: float = 1.0
    confidence_temperature: float = 1.0
    neural_lm: Path | None = None
    neural_lm_digest: str | None = None
    neural_lm_weight: float = 0.5
    second_pass_lm_weight: float = 0.5
    second_pass_word_score: float = 0.0
    second_pass_texts: int = 30
    second_pass_threshold: float = 6.0

    def __post_init__(self) -> None:
        for field in fields(self):
            object.__setattr__(self, field.name, _typed(field.name, getattr(self, field.name)))
        _one_of("search", self.search, SEARCHES)
        _one_of("lm_unit", self.lm_unit, LM_UNITS)
        for name in RANGES:
            _in_range(name, getattr(self, name))
        for name in _PATHS:
            if self.search == "greedy" and getattr(self, name) is not None:
                raise OptionError(
                    name, "greedy search uses none; set search to beam, or leave it out"
                )

    def check_lm(self, name: str = "lm") -> None:
        """Compare a language model's file with the digest that its weights were fitted with.

        Args:
            name: ``lm`` or ``neural_lm``.

        Raises:
            UserError: the file is missing, cannot be read, or has another digest.
        """
        lm, expected = getattr(self, name), getattr(self, DIGESTS[name])
        if lm is None:
            return
        if not _exists(lm):
            raise UserError(f"{lm}: no such language model; give the path of {_WRITTEN[name]}")
        if expected is not None and (found := _digest(lm)) != expected:
            raise UserError(
                f"{lm}: not the language model these weights were tuned with (digest "
                f"{found[:12]}, expected {expected[:12]}); run `asr tune` again"
            )


def read_options(path: Path) -> DecodingOptions:
    """Read a `decoding.yaml`; relative paths in it start from its own folder.

    Raises:
        UserError: an unreadable file, an unknown key, a value of a wrong type or range, or a
            language model that changed since it was tuned; with the line where it stands.
    """
    from asr.util.flat_yaml import read_flat  # greedy search without a file needs no YAML

    given = read_flat(path)
    for former, name in _FORMER_NAMES.items():
        if former in given and name in given:
            raise UserError(
                f"{path}:{given[former].line}: {former} is the former name of {name}, which line "
                f"{given[name].line} gives too; keep one of them"
            )
    settings = {_FORMER_NAMES.get(key, key): value for key, value in given.items()}
    names = [field.name for field in fields(DecodingOptions)]
    for key, setting in settings.items():
        if key not in names:
            hint = did_you_mean(key, names, show=repr)
            raise UserError(f"{path}:{setting.line}: unknown option {quoted(key)}; {hint}")
    try:
        options = DecodingOptions(**{key: setting.value for key, setting in settings.items()})
        for name in _PATHS:
            if (value := getattr(options, name)) is not None:
                options = replace(options, **{name: path.parent / value})
    except OptionError as error:
        raise UserError(f"{path}:{settings[error.name].line}: {error}") from None
    for name in DIGESTS:
        try:
            options.check_lm(name)
        except UserError as error:
            raise UserError(f"{path}:{settings[name].line}: {error}") from None
    return options


def write_options(options: DecodingOptions, path: Path) -> None:
    """Write every option, paths relative to the file's folder, with the LM's digest."""
    import yaml

    values = asdict(options)
    folder = path.parent.resolve()  # `..` of a link is not where the link stands
    for name in _PATHS:
        if (file := values[name]) is not None:
            there = file.parent.resolve() / file.name
            values[name] = Path(os.path.relpath(there, folder)).as_posix()
    for name, digest_name in DIGESTS.items():
        lm = getattr(options, name)
        values[digest_name] = None if lm is None else _digest(lm)
    write_text(path, yaml.safe_dump(values, sort_keys=False, allow_unicode=True))


def _exists(lm: Path) -> bool:
    try:
        return lm.is_file()
    except OSError as error:  # its folder is closed
        raise _unreadable(lm, error) from None


def _digest(lm: Path) -> str:
    try:
        return digest(lm)
    except OSError as error:
        raise _unreadable(lm, error) from None


def _unreadable(lm: Path, error: OSError) -> UserError:
    reason = error.strerror or error
    return UserError(f"{lm}: this language model cannot be read: {reason}; give one that can")


def _typed(name: str, value: Any) -> Any:
    """Convert a value to its field's type without loss, or refuse it."""
    kind = DecodingOptions.__annotations__[name]
    if kind == Path | None and isinstance(value, str):
        return Path(value)
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        return _as_float(name, value)
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        wanted = getattr(kind, "__name__", str(kind).replace("pathlib._local.", ""))
        raise OptionError(name, f"expected {wanted}, found {quoted(value)}")
    return value


def _as_float(name: str, value: int) -> float:
    try:
        return float(value)
    except OverflowError:
        raise OptionError(name, f"expected float, found {quoted(value)}") from None


def _one_of(name: str, value: str, choices: tuple[str, ...]) -> None:
    if value not in choices:
        raise OptionError(name, f"expected {' or '.join(choices)}, found {quoted(value)}")


def _in_range(name: str, value: float) -> None:
    least, most = RANGES[name]
    if not least <= value <= most:
        wanted = f"{least:g} or more" if math.isinf(most) else f"{least:g} to {most:g}"
        raise OptionError(name, f"expected {wanted}, found {quoted(value)}")
