"""Which utterances can be trained on; the others are refused, or counted and left out."""

from collections import defaultdict
from collections.abc import Iterable, Sequence

import torch
from lhotse import CutSet
from lhotse.cut import Cut

from asr.config import TrainConfig
from asr.decoding.tokens import frames_needed
from asr.model.ctc_model import CTCModel
from asr.text.tags import describe_tags
from asr.text.tokenizer import Tokenizer
from asr.training.metric_logger import log
from asr.util.errors import UserError
from asr.util.printable import list_some

SHOWN = 3
TAGS_ALONE = "tags such as [noise] without words"


def keep_valid(
    cuts: CutSet,
    tokenizer: Tokenizer,
    model: CTCModel,
    config: TrainConfig,
    places: Sequence[str] | None = None,
) -> CutSet:
    """Leave out the utterances that cannot be trained on, where `data.skip_invalid` is set.

    Utterances without words but with tags, such as [noise], are left out in any case: nothing is
    wrong with them.

    Raises:
        UserError: there are other such utterances and it is not set, or no utterance is left.
    """
    data, listed = config.data, list(cuts)
    name = data.train if isinstance(data.train, str) else ", ".join(data.train)
    log_tags(name, listed, tokenizer.tags)
    problems = find_problems(listed, tokenizer, model, max(config.augment.speeds))
    if not data.skip_invalid:
        wrong = {i: problem for i, problem in problems.items() if problem != TAGS_ALONE}
        refuse_invalid(name, listed, wrong, places)
    if problems:
        log.info("%s: %s", name, count_problems(problems))
    kept = [cut for index, cut in enumerate(listed) if index not in problems]
    if not kept:
        raise UserError(f"{name}: no utterance of {len(listed)} can be trained on")
    return CutSet.from_cuts(kept)


def find_problems(
    cuts: Sequence[Cut], tokenizer: Tokenizer, model: CTCModel, fastest: float
) -> dict[int, str]:
    """Find the utterances that CTC cannot be trained on.

    Args:
        cuts: of the training set.
        tokenizer: gives the token set.
        model: gives the number of encoder frames of an utterance.
        fastest: the highest speed factor of the augmentation, which makes utterances shortest.

    Returns:
        The problem of each such utterance, by index: no text, or tags alone, characters that are
        no token, or more labels (and blanks between repeated ones) than encoder frames.
    """
    sample_rate = model.log_mel.sample_rate
    samples = torch.tensor([int(cut.duration * sample_rate / fastest) for cut in cuts])
    frames = model.output_frames(samples).tolist()
    problems: dict[int, str] = {}
    for index, cut in enumerate(cuts):
        written = cut.supervisions[0].text
        text = tokenizer.normalize(written)
        unknown = tokenizer.unknown(text)
        if not text and tokenizer.tags == "drop" and describe_tags([written]):
            problems[index] = TAGS_ALONE
        elif not text:
            problems[index] = "its text is empty once normalized"
        elif unknown:
            problems[index] = f"its text has {tokenizer.unknown_are}: {list_some(unknown)}"
        elif frames_needed(tokenizer.encode(text)) > frames[index]:
            problems[index] = (
                f"too short for its text ({cut.duration:.2f} s, {len(text)} characters)"
            )
    return problems


def refuse_invalid(
    manifest: str,
    cuts: Sequence[Cut],
    problems: dict[int, str],
    places: Sequence[str] | None = None,
) -> None:
    """Refuse a training set with problems.

    Raises:
        UserError: the problems are counted, and the first few named by file and line.
    """
    if not problems:
        return
    first = list(problems)[:SHOWN]
    where = [places[i] if places else f"{manifest}:{i + 1}" for i in first]
    shown = [
        f"{place}: cut {cuts[i].id}: {problems[i]}" for i, place in zip(first, where, strict=True)
    ]
    raise UserError(
        f"{manifest}: {len(problems)} of {len(cuts)} utterances cannot be trained on; mend them, "
        "or leave them out with data.skip_invalid=true; the first are\n  " + "\n  ".join(shown)
    )


def require_words(manifest: str, texts: Sequence[str], normalizer: str) -> None:
    """Refuse a dev set without words, on which no epoch would be better than another.

    Raises:
        UserError: all of the normalized `texts` are empty.
    """
    if not any(texts):
        raise UserError(
            f"{manifest}: none of {len(texts)} utterances has words once normalized by "
            f"text.normalizer={normalizer}, and words decide which epoch is best; "
            "give another dev set"
        )


def log_tags(manifest: str, cuts: Iterable[Cut], tags: str) -> None:
    """Log what becomes of the tags in a manifest's transcripts, if there are any."""
    if found := describe_tags(cut.supervisions[0].text for cut in cuts):
        left_out = "left out (text.tags=keep trains them as words)"
        log.info("%s: %s; %s", manifest, found, left_out if tags == "drop" else "kept as words")


def count_problems(problems: dict[int, str]) -> str:
    """Count the problems by kind, for the log."""
    kinds: dict[str, int] = defaultdict(int)
    for problem in problems.values():
        kinds[problem.split(" (")[0].split(":")[0]] += 1
    return "; ".join(f"{count} left out: {kind}" for kind, count in kinds.items())
