"""Error rates and latency of a recognizer that is fed a test set as streams."""

from dataclasses import dataclass

import numpy as np
from lhotse import CutSet
from tqdm import tqdm

from asr.audio import Waveform
from asr.data.manifests import load_waveform, read_speakers
from asr.inference.recognizer import Recognizer
from asr.inference.streaming.latency import Latency, run_timed
from asr.inference.streaming.stream import StreamOptions
from asr.scoring import Report, score
from asr.util.errors import UserError, contain_errors

#: Seconds of silence behind each utterance, in which the endpoint rules find its end.
SILENCE_S = 3.0
#: Seconds of the frames whose level is compared, and the percentile that counts as silence.
_FRAME_S, _QUIET_PERCENTILE = 0.025, 10


@dataclass(frozen=True)
class StreamEvaluation:
    """A test set, streamed.

    Attributes:
        report: the error rates.
        latency: how late words came, and how many changed.
    """

    report: Report
    latency: Latency


def evaluate_streams(
    cuts: CutSet, recognizer: Recognizer, options: StreamOptions
) -> StreamEvaluation:
    """Stream every utterance by itself, one after the other, on one thread.

    Behind each utterance come `SILENCE_S` of noise at the level of its pauses, in which the
    endpoint rules are to find its end.

    Utterances whose audio cannot be read are left out.

    Raises:
        UserError: no audio can be read.
    """
    references, hypotheses = {}, {}
    latency = Latency()
    error: UserError | None = None
    rate = recognizer.sample_rate
    recognizer.stream(rate, options).accept(np.zeros(2 * rate, np.float32))  # compiles and loads
    with recognizer.engine.one_thread_a_call():
        for cut in tqdm(cuts, unit="utt", disable=None):
            try:
                with contain_errors(f"cut {cut.id}"):
                    waveform = load_waveform(cut, rate)
            except UserError as found:
                error = error or found
                continue
            samples = append_silence(waveform, rate)
            segments = run_timed(recognizer.stream(rate, options), samples, rate, latency)
            hypotheses[cut.id] = " ".join(segment.text for segment in segments)
            references[cut.id] = recognizer.tokenizer.normalize(cut.supervisions[0].text)
    if not hypotheses:
        assert error is not None
        raise error
    report = score(
        references,
        hypotheses,
        speakers=read_speakers(cuts),
        vocabulary=recognizer.decoder.vocabulary,
    )
    return StreamEvaluation(report, latency)


def append_silence(waveform: Waveform, rate: int) -> Waveform:
    """Append noise at the level of a waveform's quietest frames: (N,) to (N + M,)."""
    length = max(1, round(_FRAME_S * rate))
    frames = waveform[: len(waveform) // length * length].reshape(-1, length)
    levels = np.sqrt(np.square(frames, dtype=np.float64).mean(1))
    level = np.percentile(levels, _QUIET_PERCENTILE) if len(levels) else 0.0
    noise = level * np.random.default_rng(0).standard_normal(round(SILENCE_S * rate))
    return np.concatenate([waveform, noise.astype(np.float32)])
