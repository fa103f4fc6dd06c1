"""Which utterances can be trained on; the others are counted and named, never hidden."""

from collections import defaultdict
from collections.abc import Sequence

import torch
from lhotse.cut import Cut

from asr.model.ctc_model import CTCModel, frames_needed
from asr.text.tokenizer import Tokenizer
from asr.util.errors import UserError

SHOWN = 3


def find_problems(
    cuts: Sequence[Cut], tokenizer: Tokenizer, model: CTCModel, fastest: float
) -> dict[int, str]:
    """Find the utterances that CTC cannot learn from.

    Args:
        cuts: of the training set.
        tokenizer: gives the token set.
        model: tells how many frames an utterance becomes.
        fastest: the highest speed factor of the augmentation, which makes utterances shortest.

    Returns:
        For the index of each such utterance, what is wrong with it: no text, text that no token
        writes, or more labels (and blanks between repeated ones) than encoder frames.
    """
    sample_rate = model.log_mel.sample_rate
    samples = torch.tensor([int(cut.duration * sample_rate / fastest) for cut in cuts])
    frames = model.output_frames(samples).tolist()
    found: dict[int, str] = {}
    for index, cut in enumerate(cuts):
        text = tokenizer.normalize(cut.supervisions[0].text)
        unknown = tokenizer.unknown(text)
        if not text:
            found[index] = "its text is empty once normalised"
        elif unknown:
            found[index] = f"its text has {tokenizer.unknown_are}: {' '.join(unknown)}"
        elif frames_needed(tokenizer.encode(text)) > frames[index]:
            found[index] = f"too short for its text ({cut.duration:.2f} s, {len(text)} characters)"
    return found


def refuse(manifest: str, cuts: Sequence[Cut], found: dict[int, str]) -> None:
    """Raise a `UserError` that counts the faults and names the first few by file and line."""
    if not found:
        return
    shown = [f"{manifest}:{i + 1}: cut {cuts[i].id}: {found[i]}" for i in list(found)[:SHOWN]]
    raise UserError(
        f"{manifest}: {len(found)} of {len(cuts)} utterances cannot be trained on; mend them, or "
        "leave them out with data.skip_invalid=true; the first are\n  " + "\n  ".join(shown)
    )


def require_words(manifest: str, texts: Sequence[str], normalizer: str) -> None:
    """Refuse a dev set in which nothing is said: no epoch would be better than another.

    Raises:
        UserError: all of the normalised `texts` are empty.
    """
    if not any(texts):
        raise UserError(
            f"{manifest}: none of {len(texts)} utterances has words once normalised by "
            f"text.normalizer={normalizer}, and they choose the best epoch; give another dev set"
        )


def summarize(found: dict[int, str]) -> str:
    """Count the faults by kind, for the log."""
    kinds: dict[str, int] = defaultdict(int)
    for problem in found.values():
        kinds[problem.split(" (")[0].split(":")[0]] += 1
    return "; ".join(f"{count} left out: {kind}" for kind, count in kinds.items())
