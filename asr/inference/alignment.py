"""Forced alignment: the times of each token and word of a known text.

Shapes: N samples, U encoder frames, V tokens, L tokens of the text.
"""

from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from asr.audio import Waveform
from asr.decoding.align import align as align_tokens
from asr.decoding.greedy import TokenPath
from asr.decoding.options import DecodingOptions
from asr.decoding.tokens import Tokens, frames_needed
from asr.decoding.words import log_spelled, words_of
from asr.inference.recognizer import Recognizer, load
from asr.text.tokenizer import Tokenizer
from asr.transcript import AlignedTranscript, Segment, Word
from asr.util.errors import UserError
from asr.util.paths import DEFAULT_MODEL
from asr.util.printable import list_some


def align(
    audio: str | Path | NDArray[np.floating],
    text: str,
    model: str | Path | Recognizer = DEFAULT_MODEL,
    sample_rate: int | None = None,
) -> AlignedTranscript:
    """Find the times of each word of a known text in a recording: forced alignment.

    Args:
        audio: a file's path, whose channels are mixed, or mono samples (N,) as floats in -1..1.
        text: the whole transcript, in order; each of its lines that has words becomes a segment.
        model: a recognizer, or what `asr.load` takes for a model.
        sample_rate: of the samples, Hz; a file knows its own.

    Returns:
        Words and tokens, as `align_text` gives them.

    Raises:
        AudioError, UserError: as `Recognizer.transcribe`, `asr.load` and `align_text`.
    """
    if not isinstance(model, Recognizer):
        model = load(model, DecodingOptions())  # no language model is opened
    where = str(audio) if isinstance(audio, str | Path) else "samples"
    return align_text(model, model.waveform(audio, sample_rate), text, where)


def align_text(
    recognizer: Recognizer, waveform: Waveform, text: str, where: str
) -> AlignedTranscript:
    """Find the times of a known text in a waveform.

    The text is normalized as the model's training text was. Each of its lines that has words
    becomes a segment.

    Args:
        recognizer: the model; its decoder is not used.
        waveform: (N,) the recording at the model's rate.
        text: the whole transcript, in order.
        where: names the recording in errors.

    Returns:
        Words and tokens, with times in seconds and the confidence of greedy decoding: for a token
        the highest posterior within its frames, for a word the product over its tokens.

    Raises:
        UserError: the text is empty, has characters that the model cannot write, or more of them
            than the recording has frames.
    """
    tokenizer, tokens = recognizer.tokenizer, recognizer.tokens
    lines = [line for line in map(tokenizer.normalize, text.splitlines()) if line]
    whole = " ".join(lines)
    _require_alphabet(tokenizer, whole, where)
    token_ids = tokenizer.encode(whole)
    frame_s = recognizer.engine.frame_s
    duration_s = len(waveform) / recognizer.sample_rate
    log_probs = recognizer.log_probs(waveform)
    if frames_needed(token_ids) > len(log_probs):
        raise UserError(
            f"{where}: the text needs {frames_needed(token_ids)} frames of {1000 * frame_s:g} ms, "
            f"but its {duration_s:.2f} s of sound have {len(log_probs)}; check that the text and "
            "the recording belong together"
        )
    path = align_tokens(log_probs, np.array(token_ids))
    # The words are the text's: of homophones, a model of phones would write the first alone.
    taken = [positions for _, positions in tokens.words(path.token_ids)]
    found = list(zip(tokens.split(whole), taken, strict=True))
    words = _within(words_of(path, found, frame_s, log_spelled(path, found)), duration_s)
    timed = _within(_tokens(path, tokens, frame_s), duration_s)
    segments, done = [], 0
    for line in lines:
        own = words[done : done + len(tokens.split(line))]
        segments.append(Segment(own[0].start_s, own[-1].end_s, line, own))
        done += len(own)
    return AlignedTranscript(tuple(segments), duration_s, tokens=timed, kind=tokenizer.kind)


def _require_alphabet(tokenizer: Tokenizer, text: str, where: str) -> None:
    unknown = tokenizer.unknown(text)
    if not text:
        raise UserError(f"{where}: its text has no words; give the transcript of the recording")
    if unknown:
        raise UserError(
            f"{where}: the text has {tokenizer.unknown_are} ({list_some(unknown)})",
            remedy=tokenizer.unknown_remedy,
        )


def _tokens(path: TokenPath, tokens: Tokens, frame_s: float) -> list[Word]:
    """List the tokens that write something, with their times; spaces between words do not."""
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
    """Clip end times to the duration: the last frame may reach past the last sample."""
    return tuple(replace(word, end_s=min(word.end_s, duration_s)) for word in words)
