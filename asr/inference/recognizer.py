"""A trained model in use: recordings in, transcripts out.

Shapes: B batch, N samples, U encoder frames, V tokens.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from copy import copy
from dataclasses import replace
from functools import partial
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import numpy.typing as npt

from asr.audio import SAMPLE_RATES, Waveform, to_waveform
from asr.audio.opening import read_audio
from asr.audio.selection import CHANNELS, Selection
from asr.decoding.decoder import Decoder
from asr.decoding.options import DecodingOptions, read_options
from asr.decoding.tokens import Tokens
from asr.decoding.words import Decoded
from asr.engine.choice import open_engine
from asr.engine.engine import Engine
from asr.inference.jobs import Channel, File, Job, find_jobs
from asr.inference.log_probs import compute_log_probs
from asr.inference.second_pass import open_scorer
from asr.inference.segmentation import LONGEST_S, AudioSegment, check_detector
from asr.inference.segmentation.batching import SegmentBatch
from asr.model.model_file import read_model
from asr.text.tokenizer import Tokenizer
from asr.transcript import Segment, Transcript
from asr.util.errors import UserError
from asr.util.garbage import no_collection
from asr.util.paths import DEFAULT_MODEL, shipped_decoding
from asr.util.progress import LateBar
from asr.util.threads import count_cores, map_in_order

if TYPE_CHECKING:
    from asr.inference.streaming import Stream, StreamOptions

Item = TypeVar("Item")
Result = TypeVar("Result")
#: A transcribed segment, or the error that it met.
Attempt = Segment | Exception


class Recognizer:
    """A model, its tokenizer and a decoder, ready to transcribe; see `load`.

    A recording of up to `asr.inference.segmentation.LONGEST_S` is one segment. A longer one is cut
    at its pauses while it is read, so that at most a few minutes of it are in memory.

    Args:
        engine: the acoustic model, ready to compute.
        tokenizer: its tokens and normalizer.
        options: how its log-probabilities become words; greedy search where not given.
        vad: the speech detector for long recordings, one of `asr.inference.segmentation.DETECTORS`.

    Raises:
        UserError: a file that the options name, or the detector, cannot be used.
    """

    def __init__(
        self,
        engine: Engine,
        tokenizer: Tokenizer,
        options: DecodingOptions | None = None,
        vad: str = "energy",
    ) -> None:
        self.engine = engine
        self.tokenizer = tokenizer
        self.sample_rate = engine.sample_rate
        self.tokens = Tokens.of(tokenizer)
        self.options = options or DecodingOptions()
        scorer = open_scorer(self.options)
        self.decoder = Decoder(self.tokens, self.options, tokenizer.normalize, scorer)
        self.vad = vad
        check_detector(vad, self.sample_rate)

    def with_hotwords(self, phrases: Iterable[str]) -> "Recognizer":
        """Give a recognizer that favors these phrases too, and shares the model with this one.

        Raises:
            UserError: as `asr.decoding.decoder.Decoder.with_hotwords`.
        """
        other = copy(self)
        other.decoder = self.decoder.with_hotwords(phrases)
        return other

    def transcribe(
        self, audio: str | Path | npt.NDArray[np.floating], sample_rate: int | None = None
    ) -> Transcript:
        """Transcribe one recording, its channels mixed.

        Args:
            audio: a file's path, or mono samples (N,) as floats in -1..1.
            sample_rate: of the samples, Hz; a file knows its own.

        Raises:
            AudioError: a file that cannot be read, or samples that are not finite.
            UserError: samples that are not an array of mono floats, or come without a sample
                rate that recorders have.
        """
        if isinstance(audio, str | Path):
            ((_, result),) = self.transcribe_files([audio])
            if isinstance(result, UserError):
                raise result
            return result[0]
        channel = Channel([self.waveform(audio, sample_rate)], self.sample_rate, self.vad)
        batches = chain.from_iterable(channel.groups(self.engine.rows))
        workers = count_cores() if len(audio) > LONGEST_S * (sample_rate or 0) else 1
        for found in self._map(partial(self.transcribe_batch, threads=1), batches, workers):
            channel.segments += found
        return channel.transcript()

    def stream(
        self, sample_rate: int, options: "StreamOptions | None" = None, **settings: Any
    ) -> "Stream":
        """Begin to transcribe speech while it is spoken.

        Args:
            sample_rate: of the samples to come, Hz.
            options: chunks, right context and endpoints.
            settings: fields of `asr.inference.streaming.StreamOptions`, in place of its defaults.

        Raises:
            UserError: a sample rate or a setting that cannot be used.
        """
        from asr.inference.streaming import Stream, StreamOptions

        _check_rate(sample_rate, "stream")
        chosen = replace(options or StreamOptions(), **settings)
        open_decoder = partial(self.decoder.open_stream, self.engine.frame_s)
        return Stream(self.engine, open_decoder, self.tokens.join, sample_rate, chosen)

    def transcribe_files(
        self,
        paths: Iterable[str | Path],
        selection: Selection | None = None,
        *,
        workers: int | None = None,
    ) -> Iterator[tuple[str | Path, list[Transcript] | UserError]]:
        """Transcribe many files, with a progress bar in seconds of audio.

        Where batches are faster, short files of similar length share them; no transcript depends on
        the others.

        Args:
            paths: audio files.
            selection: which part of each file is read; all where not given.
            workers: threads, each of which transcribes a batch, search included, by default one a
                core. The results do not depend on it.

        Yields:
            In the order of `paths`, each path with its transcripts (one, unless each
            channel is selected), or with the error that its file met.

        Raises:
            UserError: an unknown channel.
        """
        selection = selection or Selection()
        channel = selection.channel
        if channel not in CHANNELS and not channel.isdecimal():
            raise UserError(f"channel: unknown {channel!r}; choose one of {', '.join(CHANNELS)}")
        workers = workers or count_cores()
        with LateBar(0.0, unit="s", unit_scale=True) as bar:

            def on_open(duration_s: float) -> None:
                bar.total += duration_s

            jobs = find_jobs(
                paths, selection, self.sample_rate, self.vad, self.engine.rows, on_open
            )
            run_job = partial(self._run_job, threads=1 if workers > 1 else None)
            for done in self._map(run_job, jobs, workers):
                if isinstance(done, File):
                    bar.update(done.non_speech_s())
                    yield done.path, done.result()
                    continue
                for owner, found in done:
                    if isinstance(found, Exception):
                        owner.failure = found
                        continue
                    owner.segments.append(found)
                    bar.update(found.end_s - found.start_s)

    def _map(
        self, function: Callable[[Item], Result], items: Iterable[Item], workers: int
    ) -> Iterator[Result]:
        """Map as `map_in_order`, with a thread for each call of the model where several run."""
        if workers == 1:
            yield from map(function, items)
            return
        with self.engine.one_thread_a_call():
            yield from map_in_order(function, items, workers)

    def _run_job(self, job: Job, threads: int | None) -> File | list[tuple[Channel, Attempt]]:
        """Transcribe a batch: each segment with its channel. A complete file is passed on."""
        if isinstance(job, File):
            return job
        batch, owners = job
        found: Sequence[Attempt]
        try:
            found = self.transcribe_batch(batch, threads)
        except Exception:  # each segment alone, in a batch of one shape, shows which one fails
            alone = [replace(batch, segments=[segment]) for segment in batch.segments]
            found = [self._try_batch(one, threads) for one in alone]
        return list(zip(owners, found, strict=True))

    def _try_batch(self, batch: SegmentBatch, threads: int | None) -> Attempt:
        """Transcribe a batch of one segment, or give the error that it met."""
        try:
            (segment,) = self.transcribe_batch(batch, threads)
        except Exception as error:
            return error
        return segment

    def transcribe_batch(self, batch: SegmentBatch, threads: int | None = None) -> list[Segment]:
        """Transcribe a batch, as `asr.inference.jobs.Channel` makes them of a recording.

        Args:
            batch: the segments.
            threads: in which the decoder runs, by default one a core.
        """
        waveforms, lengths = batch.padded()
        log_probs, frames = compute_log_probs(self.engine, waveforms, lengths)
        count = len(batch.segments)
        arrays = log_probs[:count], frames[:count]
        found = self.decoder.decode(*arrays, self.engine.frame_s, threads)
        return [self._segment(*pair) for pair in zip(batch.segments, found, strict=True)]

    def _segment(self, segment: AudioSegment, decoded: Decoded) -> Segment:
        """Shift words to the recording's clock; the last frame may reach past the last sample."""
        start_s = segment.start / self.sample_rate
        end_s = (segment.start + len(segment.waveform)) / self.sample_rate
        words = tuple(
            replace(word, start_s=start_s + word.start_s, end_s=min(start_s + word.end_s, end_s))
            for word in decoded.words
        )
        return Segment(start_s, end_s, decoded.text, words)

    def waveform(
        self, audio: str | Path | npt.NDArray[np.floating], sample_rate: int | None = None
    ) -> Waveform:
        """Read or resample a whole recording, as `transcribe` takes it: (N,) at the model's rate.

        Raises:
            AudioError, UserError: as `transcribe`.
        """
        if isinstance(audio, str | Path):
            return read_audio(audio, self.sample_rate)
        if not isinstance(audio, np.ndarray):
            raise UserError(
                f"transcribe: expected a path or a numpy array, found a {type(audio).__name__}"
            )
        if audio.ndim != 1 or not np.issubdtype(audio.dtype, np.floating):
            raise UserError(
                "transcribe: expected mono float samples of shape (N,), "
                f"found {audio.dtype} of shape {audio.shape}"
            )
        if sample_rate is None:
            raise UserError("transcribe: samples came without sample_rate; give it in Hz")
        _check_rate(sample_rate, "transcribe")
        return to_waveform(audio, sample_rate, self.sample_rate, "samples")

    def log_probs(self, waveform: Waveform) -> npt.NDArray[np.float32]:
        """Compute token log-probabilities of a waveform (N,): (U, V), U 0 when it is too short.

        `asr.inference.log_probs` has the policy for a long one.
        """
        samples = np.ascontiguousarray(waveform)
        log_probs, frames = compute_log_probs(self.engine, samples[None], np.array([len(samples)]))
        return log_probs[0, : frames[0]]


def _check_rate(sample_rate: int, where: str) -> None:
    if sample_rate not in SAMPLE_RATES:
        raise UserError(
            f"{where}: sample_rate is {sample_rate!r}, expected whole Hz from "
            f"{SAMPLE_RATES[0]} to {SAMPLE_RATES[-1]}"
        )


@no_collection()
def load(
    model: str | Path = DEFAULT_MODEL,
    decoding: str | Path | DecodingOptions | None = None,
    vad: str = "energy",
    device: str = "cpu",
    precision: str = "auto",
) -> Recognizer:
    """Load a recognizer.

    Args:
        model: a `.safetensors` model, the run folder that holds it, or a shipped model's name.
        decoding: options, or the `decoding.yaml` that `asr tune` writes; where not given, a
            shipped model is decoded as it was tuned, other models greedily.
        vad: the speech detector for long recordings, one of `asr.inference.segmentation.DETECTORS`.
        device: where the acoustic model computes, one of `asr.model.device.DEVICES`; the decoder
            runs on the CPU. Devices differ in the last bits of log-probabilities.
        precision: ``auto`` computes with 8 bits where the model file has them and onnxruntime can,
            ``float32`` never does.

    Raises:
        UserError: the model, the options or the device are missing, or cannot be used.
    """
    file = shipped_decoding(model) if decoding is None else decoding
    options = read_options(Path(file)) if isinstance(file, str | Path) else file
    stored = read_model(model)
    engine = open_engine(stored, device, precision)
    return Recognizer(engine, stored.tokenizer, options, vad)
