"""Training that starts from the weights of another model.

Two settings protect these weights from the first steps, in which Adam's step is as long as the
learning rate and a new head's gradients are random: the schedule climbs from zero, and
`optimizer=fine_tune` has a quarter of the usual rate.
"""

from pathlib import Path

import torch

from asr.config import SETTINGS, flatten
from asr.model.ctc_model import CTCModel
from asr.model.model_file import load_model
from asr.model.settings import ModelSettings
from asr.model.shapes import LOOKAHEAD, right_context
from asr.text.tokenizer import BLANK_ID, Tokenizer
from asr.training.checkpoint import read_fingerprint
from asr.training.fingerprint import ORIGIN
from asr.training.metric_logger import log
from asr.util.errors import UserError
from asr.util.files import digest
from asr.util.paths import find_model

#: The key, in a run's fingerprint, of the digest of the model that the run started from.
SHOWN = 20


def start_from(init: str, model: CTCModel, tokenizer: Tokenizer, run_dir: Path) -> str:
    """Give a new model the weights of another.

    A resumed run keeps its own weights. Then the file is only compared with the one that the run
    started from, and may be missing.

    Args:
        init: a `.safetensors` file, or a run folder.
        model: receives the weights.
        tokenizer: its tokens.
        run_dir: of the run that starts or resumes.

    Returns:
        A digest of the file, for the run's fingerprint.

    Raises:
        UserError: no such file, not a model, or other settings; each difference is named.
    """
    begun = read_fingerprint(run_dir)
    try:
        file = find_model(init)
        if not begun:
            take_weights(model, tokenizer, *load_model(file), name=str(file))
    except UserError as error:
        if begun.get(ORIGIN):
            return str(begun[ORIGIN])
        raise UserError(f"init: {error}") from error
    return digest(file)[:12]


def take_weights(
    model: CTCModel, tokenizer: Tokenizer, donor: CTCModel, donor_tokenizer: Tokenizer, name: str
) -> None:
    """Copy weights; take the head's rows by token where the tokens differ, and log how many.

    Raises:
        UserError: the models have different settings.
    """
    _require_equal(model.settings, donor.settings, name)
    weights, own = donor.state_dict(), model.state_dict()
    if right_context(model.settings) != right_context(donor.settings):  # its convolution is new
        weights.pop(LOOKAHEAD, None)
        weights |= {key: weight for key, weight in own.items() if key == LOOKAHEAD}
    if tokenizer.tokens == donor_tokenizer.tokens:
        log.info("init: %s: all weights are taken", name)
    else:
        rows = matching_rows(tokenizer, donor_tokenizer)
        for key in ("head.weight", "head.bias"):
            weights[key] = _take_rows(weights[key], rows, own[key])
        new = [token for token, row in zip(tokenizer.tokens, rows, strict=True) if row is None]
        more = " ..." if len(new) > SHOWN else ""
        log.info(
            "init: %s: weights are taken, and the head is re-made: %d of %d rows from equal "
            "tokens, case aside, %d new%s",
            name, len(rows) - len(new), len(rows), len(new),
            f": {' '.join(new[:SHOWN])}{more}" if new else "",
        )  # fmt: skip
    model.load_state_dict(weights)


def matching_rows(ours: Tokenizer, theirs: Tokenizer) -> list[int | None]:
    """Find, for each of our tokens, the row of another model's head to start from.

    An equal token's row is taken, or else the row of the token in another case. A letter takes the
    row of a phone written alike, which is right for most consonants. Between characters and
    subwords only the blank matches: the letter `a` and a rare subword `a` are pronounced
    differently.
    """
    if ours.boundary != theirs.boundary:
        return [BLANK_ID, *[None] * (len(ours) - 1)]
    same = {token: row for row, token in enumerate(theirs.tokens)}
    any_case = {token.casefold(): row for token, row in same.items()}
    return [same.get(token, any_case.get(token.casefold())) for token in ours.tokens]


def _take_rows(theirs: torch.Tensor, rows: list[int | None], ours: torch.Tensor) -> torch.Tensor:
    """Take the matching rows from the other model, and the rest from ours."""
    pairs = zip(rows, ours, strict=True)
    return torch.stack([own if row is None else theirs[row] for row, own in pairs])


def _require_equal(ours: ModelSettings, theirs: ModelSettings, name: str) -> None:
    here, there = flatten(vars(ours)), flatten(vars(theirs))
    compared = [key for key in here if SETTINGS[key].equal_for_init]
    different = [key for key in compared if here[key] != there.get(key)]
    if different:
        found = ", ".join(f"{key} is {there.get(key)} there, {here[key]} here" for key in different)
        mend = " ".join(f"{key}={there.get(key)}" for key in different)
        raise UserError(f"{name}: a model built otherwise: {found}; add {mend} to the command")
