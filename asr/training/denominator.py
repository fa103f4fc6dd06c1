"""How likely a network finds any text at all: the denominator of CTC-CRF.

Shapes: B batch, U encoder frames, V tokens.
"""

from collections.abc import Iterable

import torch
from torch import Tensor

from asr.errors import UserError
from asr.features import frame_mask
from asr.text import BLANK_ID

#: A trigram is held as V x V x V numbers, and a frame costs as many multiplications.
MOST_TOKENS = 128
#: In a trigram, where no token can be: before the first, and as the one that ends the text.
EDGE = BLANK_ID


class Denominator:
    """The probability that a path of the network is a text, texts being as a trigram expects.

    CTC asks for the right text and lets the network learn what texts are like, from no more text
    than there is speech. CTC-CRF (Xiang & Ou 2019) gives it a language model of tokens instead:
    the loss -log(p(text | audio) P(text) / Z) asks that the right text be better than the others,
    weighed by how usual they are, as lattice-free MMI does (Povey 2016). Z, which is computed here,
    sums over all paths of CTC and all texts.

    Args:
        trigram: (V, V, V), see `token_trigram`.
    """

    def __init__(self, trigram: Tensor) -> None:
        self.trigram = trigram

    def __call__(self, log_probs: Tensor, lengths: Tensor) -> Tensor:
        """Compute log Z by the forward algorithm, its states scaled to sum to 1 at each frame.

        Args:
            log_probs: (B, U, V).
            lengths: (B,).

        Returns:
            (B,), in nats, at most 0.
        """
        with torch.autocast(log_probs.device.type, enabled=False):
            return self._forward(log_probs, frame_mask(lengths, log_probs.shape[1]))

    def _forward(self, log_probs: Tensor, valid: Tensor) -> Tensor:
        trigram = self.trigram.to(log_probs.device).transpose(0, 1)  # last token, one before, next
        again = trigram.diagonal(dim1=0, dim2=2).T[:, None]  # (last, 1, one before)
        probs = log_probs.exp().permute(1, 2, 0)[..., None]  # (U, V, B, 1)
        silent, blank_id = probs[:, BLANK_ID], torch.tensor([BLANK_ID], device=probs.device)
        spoken = probs.index_fill(1, blank_id, 0)
        tokens, batch = len(trigram), len(log_probs)
        # What was heard last and before it; and whether the last frame held it or a blank.
        blank = log_probs.new_zeros(tokens, batch, tokens)
        blank[EDGE, :, EDGE] = 1
        held = torch.zeros_like(blank)
        total = log_probs.new_zeros(batch)
        for says, pauses, inside in zip(spoken, silent, valid.T, strict=True):
            either = blank + held
            heard = (either @ trigram).transpose(0, 2)  # (next, batch, last)
            # The same token again needs a blank between.
            heard = heard - torch.diag_embed((held * again).sum(2).T).transpose(0, 1)
            now_held, now_blank = says * (heard + held), pauses * either
            scale = (now_held + now_blank).sum((0, 2)).clamp(min=torch.finfo(probs.dtype).tiny)
            keep = inside[:, None]
            held = torch.where(keep, now_held / scale[:, None], held)
            blank = torch.where(keep, now_blank / scale[:, None], blank)
            total = total + torch.where(inside, scale.log(), 0)
        ends = trigram[..., EDGE][:, None]
        return total + ((blank + held) * ends).sum((0, 2)).log()


def token_trigram(texts: Iterable[list[int]], vocabulary_size: int) -> Tensor:
    """Estimate the trigram of tokens of the training texts, smoothed by Witten and Bell's rule.

    Args:
        texts: token ids.
        vocabulary_size: V.

    Returns:
        (V, V, V): of the token before last, the last and the next, each `EDGE` where there is
        none; over the next it sums to 1.

    Raises:
        UserError: there are too many tokens.
    """
    if vocabulary_size > MOST_TOKENS:
        raise UserError(
            f"objective.denominator: expected at most {MOST_TOKENS} tokens, found "
            f"{vocabulary_size}; take characters or phones, or set it to 0"
        )
    counts = torch.zeros([vocabulary_size] * 3)
    for text in texts:
        padded = torch.tensor([EDGE, EDGE, *text, EDGE])
        counts.index_put_(
            (padded[:-2], padded[1:-1], padded[2:]), torch.ones(len(text) + 1), accumulate=True
        )
    lower = torch.full([vocabulary_size], 1 / vocabulary_size)
    for level in (counts.sum((0, 1)), counts.sum(0), counts):
        kinds = (level > 0).sum(-1, keepdim=True).clamp(min=1)
        lower = (level + kinds * lower) / (level.sum(-1, keepdim=True) + kinds)
    return lower
