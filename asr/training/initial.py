"""Starting from another model's weights.

They are protected by two things that every run has or can ask for. The schedule climbs from zero,
which keeps the first steps small: Adam makes each as long as the rate, however unsure it still is
of the gradients, and rows of a new head give gradients that mean nothing yet. And
`optimizer=fine_tune` climbs to a quarter of the usual rate.
"""

from pathlib import Path

import torch

from asr.config import SETTINGS, flatten
from asr.model.ctc_model import CTCModel, ModelSettings
from asr.model.model_file import load_model
from asr.text.tokenizer import BLANK_ID, Tokenizer
from asr.training.checkpoint import read_fingerprint
from asr.training.metric_logger import log
from asr.util.errors import UserError
from asr.util.files import digest
from asr.util.paths import find_model

#: Where a run's identity holds the digest of the model that it started from.
ORIGIN = "the initial model"
SHOWN = 20


def start_from(init: str, model: CTCModel, tokenizer: Tokenizer, run_dir: Path) -> str:
    """Give a new model the weights of another, feature statistics included.

    A run that has begun goes on from its own weights. The file is then only held against the one
    that the run started from, and where it has gone, the run goes on without it.

    Args:
        init: a `.safetensors` file, or a run folder.
        model: receives the weights.
        tokenizer: its tokens.
        run_dir: of the run that starts or goes on.

    Returns:
        A digest of the file, for the run's identity.

    Raises:
        UserError: no such file, not a model, or a model built otherwise; each difference is named.
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
    """Copy weights and statistics; re-make the head where the tokens differ, and log which.

    Raises:
        UserError: the models are built differently.
    """
    _require_equal(model.settings, donor.settings, name)
    weights = donor.state_dict()
    if tokenizer.tokens == donor_tokenizer.tokens:
        log.info("init: %s: all weights are taken", name)
    else:
        rows = matching_rows(tokenizer, donor_tokenizer)
        for key in ("head.weight", "head.bias"):
            weights[key] = _chosen(weights[key], rows, model.state_dict()[key])
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
    """Find, for each of our tokens, the row of another model's head that hears the same.

    That is the row of the same token, or failing that of the token in another case: letters sound
    alike in both, and corpora are written in either. A letter takes the row of the phone that is
    written like it, which most consonants sound like. Between characters and pieces only the blank
    is the same: the letter `a` and the rare piece `a` stand for different stretches of sound.
    """
    if ours.boundary != theirs.boundary:
        return [BLANK_ID, *[None] * (len(ours) - 1)]
    same = {token: row for row, token in enumerate(theirs.tokens)}
    any_case = {token.casefold(): row for token, row in same.items()}
    return [same.get(token, any_case.get(token.casefold())) for token in ours.tokens]


def _chosen(theirs: torch.Tensor, rows: list[int | None], ours: torch.Tensor) -> torch.Tensor:
    """Take the rows that were found from theirs, the others from ours."""
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
