"""Forced alignment: when each character and word of a known text was said.

Shapes: N samples, U encoder frames, V tokens, L tokens of the text.
"""

from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray
from torchaudio.functional import forced_align, merge_tokens

from asr.aligned import AlignedTranscript
from asr.audio import Waveform
from asr.decoding.path import TokenPath
from asr.decoding.tokens import Tokens
from asr.decoding.words import Word, log_spelled, words_of
from asr.errors import UserError
from asr.model import frames_needed
from asr.recognizer import Recognizer
from asr.text import BLANK_ID, Tokenizer
from asr.transcript import Segment

#: What torchaudio's `forced_align` keeps of every frame and token, measured.
CELL_BYTES = 2
#: Most memory that an alignment may take so: of about half an hour of speech.
LATTICE_BYTES = 4_000_000_000


def align_text(
    recognizer: Recognizer, waveform: Waveform, text: str, where: str
) -> AlignedTranscript:
    """Find the times of a text that is known to be said in a recording.

    The text is normalised as the model's training text was. Each of its lines that has words
    becomes a segment.

    Args:
        recognizer: the model; its decoder is not asked.
        waveform: (N,) the recording at the model's rate.
        text: what is said in it, all of it and in order.
        where: names the recording in errors.

    Returns:
        Words and characters, with times in seconds and a confidence as recognised words have it:
        the highest posterior within a character's frames, and the product of these for a word.

    Raises:
        UserError: the text is empty, has characters that the model cannot write, or more of them
            than the recording has frames; or the two are too long to be aligned as a whole.
    """
    tokenizer, tokens = recognizer.tokenizer, recognizer.tokens
    lines = [line for line in map(tokenizer.normalise, text.splitlines()) if line]
    whole = " ".join(lines)
    _require_alphabet(tokenizer, whole, where)
    token_ids = tokenizer.encode(whole)
    frame_s = recognizer.model.frame_s
    duration_s = len(waveform) / recognizer.sample_rate
    _require_memory(duration_s, frame_s, len(token_ids), where)
    log_probs = recognizer.log_probs(waveform)
    if frames_needed(token_ids) > len(log_probs):
        raise UserError(
            f"{where}: the text needs {frames_needed(token_ids)} frames of {1000 * frame_s:g} ms, "
            f"but its {duration_s:.2f} s of sound have {len(log_probs)}; check that the text and "
            "the recording belong together"
        )
    path = force_path(log_probs, token_ids)
    # the text's own words: of those that sound alike, a model of phones writes the first alone
    taken = [positions for _, positions in tokens.words(path.token_ids)]
    found = list(zip(tokens.split(whole), taken, strict=True))
    words = _within(words_of(path, found, frame_s, log_spelled(path, found)), duration_s)
    characters = _within(_characters(path, tokens, frame_s), duration_s)
    segments, done = [], 0
    for line in lines:
        said = words[done : done + len(tokens.split(line))]
        segments.append(Segment(said[0].start_s, said[-1].end_s, line, said))
        done += len(said)
    return AlignedTranscript(tuple(segments), duration_s, characters=characters)


def force_path(log_probs: NDArray[np.floating], token_ids: list[int]) -> TokenPath:
    """Find the likeliest path that spells the tokens, by torchaudio's `forced_align`.

    Args:
        log_probs: (U, V) natural log posteriors, of at least `frames_needed` frames.
        token_ids: (L,) at least one, without blanks.
    """
    # `asr.decoding.align` finds the same path, as fast and in as much memory. That one serves the
    # beam search, whose threads take arrays and no torch; this one spares `asr align` a compiler.
    path, scores = forced_align(
        torch.from_numpy(np.ascontiguousarray(log_probs, dtype=np.float32))[None],
        torch.tensor([token_ids], dtype=torch.int32),
        blank=BLANK_ID,
    )
    spans = merge_tokens(path[0], scores[0], blank=BLANK_ID)
    return TokenPath(
        np.array([span.token for span in spans], dtype=np.int64),
        np.array([span.start for span in spans], dtype=np.int64),
        np.array([span.end for span in spans], dtype=np.int64),
        np.array([scores[0, span.start : span.end].max() for span in spans], dtype=np.float32),
    )


def _require_alphabet(tokenizer: Tokenizer, text: str, where: str) -> None:
    unknown = tokenizer.unknown(text)
    if not text:
        raise UserError(f"{where}: its text has no words; give what is said in the recording")
    if unknown:
        raise UserError(
            f"{where}: the text has {tokenizer.unknown_are} ({' '.join(unknown)}); "
            + tokenizer.unknown_remedy
        )


def _require_memory(duration_s: float, frame_s: float, tokens: int, where: str) -> None:
    needed = CELL_BYTES * tokens * duration_s / frame_s
    if needed > LATTICE_BYTES:
        raise UserError(
            f"{where}: to align its {duration_s / 60:.0f} min of sound with {tokens} characters or "
            f"pieces takes {needed / 1e9:.1f} GB of memory, more than {LATTICE_BYTES / 1e9:g}; cut "
            "the recording and its text, or give a manifest of shorter cuts"
        )


def _characters(path: TokenPath, tokens: Tokens, frame_s: float) -> list[Word]:
    """The tokens that write something, each with its own times; spaces between words do not."""
    return [
        Word(
            tokens.spellings[token],
            float(start * frame_s),
            float(end * frame_s),
            float(np.exp(score)),
        )
        for token, start, end, score in zip(*path, strict=True)
        if tokens.spellings[token]
    ]


def _within(words: list[Word], duration_s: float) -> tuple[Word, ...]:
    """The last frame may reach past the last sample."""
    return tuple(replace(word, end_s=min(word.end_s, duration_s)) for word in words)
