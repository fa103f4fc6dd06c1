"""log Z of CTC-CRF: the summed score of all token sequences, by the network and a trigram.

Shapes: B batch, U encoder frames, V tokens.
"""

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from asr.text.tokenizer import BLANK_ID
from asr.util.errors import UserError
from asr.util.masks import frame_mask

#: A trigram is V x V x V numbers, and a frame costs as many multiplications.
MOST_TOKENS = 128
#: The index, in a trigram, of the start and the end of a text.
EDGE = BLANK_ID


class Denominator:
    """The score of all texts, as CTC of the network and a trigram of tokens give it.

    CTC raises the probability of the transcript. CTC-CRF (Xiang & Ou 2019) raises it relative to
    all other texts, weighted by a language model of tokens, as lattice-free MMI does (Povey 2016):
    its loss is -log(p(text | audio) P(text) / Z). Z, which is computed here, sums
    p(path | audio) P(text of the path) over all CTC paths.

    Args:
        trigram: (V, V, V), see `token_trigram`.
    """

    def __init__(self, trigram: Tensor) -> None:
        self.trigram = trigram

    def __call__(self, log_probs: Tensor, lengths: Tensor) -> Tensor:
        """Compute log Z.

        Args:
            log_probs: (B, U, V).
            lengths: (B,).

        Returns:
            (B,), in nats, at most 0.
        """
        valid = frame_mask(lengths, log_probs.shape[1])
        with torch.autocast(log_probs.device.type, enabled=False):
            return _LogZ.apply(log_probs, valid, self.trigram.to(log_probs))


class _LogZ(torch.autograd.Function):
    """The forward-backward algorithm; the gradient is each token's posterior at each frame.

    A state is (last token, utterance, kind, token before the last): (V, B, 2, V), where kind is 0
    if the last frame emitted a blank and 1 if the last token. States are scaled to sum to 1 at
    each frame. Autograd would give an equal gradient, but record every operation of every frame.
    """

    @staticmethod
    def forward(ctx: Any, log_probs: Tensor, valid: Tensor, trigram: Tensor) -> Tensor:
        batch, frames, tokens = log_probs.shape
        emits, steps = _emissions(log_probs, valid), _steps(trigram)
        states = log_probs.new_zeros(frames + 1, tokens, batch, 2, tokens)
        states[0, EDGE, :, 0, EDGE] = 1
        scales = log_probs.new_empty(frames, batch)
        for frame in range(frames):
            before, now = states[frame], states[frame + 1]
            torch.sum(before, 2, out=now[:, :, 0])
            entered = (before.flatten(2) @ steps).transpose(0, 2)  # (next, B, last)
            torch.add(entered, before[:, :, 1], out=now[:, :, 1])
            now *= emits[frame]
            scales[frame] = now.sum((0, 2, 3)).clamp_(min=torch.finfo(now.dtype).tiny)
            now /= scales[frame][:, None, None]
        ends = trigram[..., EDGE].T[:, None, None]
        last = (states[-1] * ends).sum((0, 2, 3))
        ctx.save_for_backward(valid, states, scales, emits, steps, ends, last)
        return scales.log().sum(0) + last.log()

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None]:
        valid, states, scales, emits, steps, ends, last = ctx.saved_tensors
        emits = emits / scales[:, None, :, None, None]
        likely = torch.empty_like(emits[..., 0])
        later = (ends / last[:, None, None]).expand_as(states[0])  # backward scores of the states
        for frame in reversed(range(len(scales))):
            torch.sum(states[frame + 1] * later, 3, out=likely[frame])
            blank, held = (later * emits[frame]).unbind(2)
            later = (held.transpose(0, 2) @ steps.mT).view_as(states[0])
            later += blank[:, :, None]
            later[:, :, 1] += held
        tokens = likely[..., 1].permute(2, 0, 1)  # (B, U, V)
        tokens[..., BLANK_ID] = likely[..., 0].sum(1).T
        return tokens * (valid * gradient[:, None])[..., None], None, None


def _emissions(log_probs: Tensor, valid: Tensor) -> Tensor:
    """Arrange probabilities (U, V, B, 2, 1) as the states; padding is a blank of probability 1."""
    probs = log_probs.exp().masked_fill(~valid[..., None], 0).permute(1, 2, 0)
    emits = torch.stack([probs[:, [BLANK_ID]].expand_as(probs), probs], -1)
    emits[..., 0].masked_fill_(~valid.T[:, None], 1)
    emits[:, BLANK_ID, :, 1] = 0
    return emits[..., None]


def _steps(trigram: Tensor) -> Tensor:
    """Arrange the trigram as (last, 2 x one before, next); only a blank parts equal tokens."""
    after_blank = trigram.transpose(0, 1)
    again = torch.eye(len(trigram), dtype=torch.bool, device=trigram.device)
    return torch.cat([after_blank, after_blank.masked_fill(again[:, None], 0)], 1)


def token_trigram(texts: Iterable[list[int]], vocabulary_size: int) -> Tensor:
    """Estimate the trigram of tokens of the training texts, smoothed by Witten and Bell's rule.

    Args:
        texts: token ids.
        vocabulary_size: V.

    Returns:
        (V, V, V), by the token before the last, the last and the next, `EDGE` where there is none;
        the sums over the next are 1.

    Raises:
        UserError: there are too many tokens.
    """
    if vocabulary_size > MOST_TOKENS:
        raise UserError(
            f"objective.denominator: expected at most {MOST_TOKENS} tokens, found "
            f"{vocabulary_size}; take characters or phones, or set the weight to 0"
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
