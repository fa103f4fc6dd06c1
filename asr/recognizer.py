"""A trained model in use: recordings in, transcripts out.

Shapes: B batch, N samples, U encoder frames, V tokens.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import chain
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from tqdm import tqdm

from asr.audio import Waveform, to_waveform
from asr.decoding.decoder import Decoded, Decoder
from asr.decoding.options import DecodingOptions, read_options
from asr.decoding.tokens import Tokens
from asr.errors import UserError
from asr.model import CTCModel
from asr.model_file import load_model
from asr.paths import shipped_decoding
from asr.recording import open_recording, read_audio
from asr.segmentation import Piece, check_detector, pieces
from asr.segmentation.batching import groups
from asr.text import Tokenizer
from asr.transcript import Segment, Transcript
from asr.workers import in_order


class Recognizer:
    """A model, its tokenizer and a decoder, ready to transcribe; see `load`.

    A recording of up to `asr.segmentation.LONGEST_S` is heard whole. A longer one is cut at its
    pauses as it is read, and never is more than a few minutes of it in memory.

    Args:
        model: the acoustic model.
        tokenizer: its tokens and normaliser.
        options: how its log-probabilities become words; greedily where not given.
        vad: how speech is found in long recordings, one of `asr.segmentation.DETECTORS`.

    Raises:
        UserError: a file the options name, or the detector, cannot be used.
    """

    def __init__(
        self,
        model: CTCModel,
        tokenizer: Tokenizer,
        options: DecodingOptions | None = None,
        vad: str = "energy",
    ) -> None:
        self.model = model.eval()
        self.tokenizer = tokenizer
        self.sample_rate = model.log_mel.sample_rate
        self.tokens = Tokens(tuple(tokenizer.tokens), tokenizer.boundary)
        self.options = options or DecodingOptions()
        self.decoder = Decoder(self.tokens, self.options, tokenizer.normalise)
        self.vad = vad
        check_detector(vad, self.sample_rate)

    def transcribe(
        self, audio: str | Path | npt.NDArray[np.floating], sample_rate: int | None = None
    ) -> Transcript:
        """Transcribe one recording, its channels mixed.

        Args:
            audio: a file's path, or mono samples (N,) as floats in -1..1.
            sample_rate: of the samples, Hz; a file knows its own.

        Raises:
            AudioError: a file that cannot be read, or samples that are not finite.
            UserError: samples that are not mono floats, or come without a sample rate.
        """
        if isinstance(audio, str | Path):
            ((_, result),) = self.transcribe_files([audio])
            if isinstance(result, UserError):
                raise result
            return result[0]
        channel = _Channel([self.waveform(audio, sample_rate)], self.sample_rate, self.vad)
        batches = chain.from_iterable(channel.groups())
        return channel.transcript(chain.from_iterable(map(self._hear, batches)))

    def stream_file(self, path: str | Path) -> Iterator[Segment]:
        """Yield the segments of a file, its channels mixed, in order and as they are done.

        Raises:
            AudioError: the file cannot be read, at the start or later.
        """
        with open_recording(path) as recording:
            blocks = recording.waveform(None, self.sample_rate)
            for group in _Channel(blocks, self.sample_rate, self.vad).groups():
                yield from _in_time(chain.from_iterable(map(self._hear, group)))

    def transcribe_files(
        self, paths: Iterable[str | Path], *, channel: str = "mix", workers: int = 1
    ) -> Iterator[tuple[str | Path, list[Transcript] | UserError]]:
        """Transcribe many files, with a progress bar in seconds of audio.

        Args:
            paths: audio files.
            channel: one of `asr.recording.CHANNELS`.
            workers: threads that each transcribe a batch; give torch one thread then. The
                results are the same.

        Yields:
            In the order of `paths`, each with its transcripts, one unless `channel` is "each",
            or with the reason why it has none.
        """
        segments: list[Segment] = []
        transcripts: list[Transcript] = []
        heard_s = 0.0
        with tqdm(total=0.0, unit="s", unit_scale=True, disable=None, delay=1, leave=False) as bar:
            jobs = self._jobs(paths, channel, bar)
            for result in in_order(self._do, jobs, workers):
                if isinstance(result, list):
                    segments += result
                    advance_s = sum(segment.end_s - segment.start_s for segment in result)
                    heard_s += advance_s
                    bar.update(advance_s)
                elif isinstance(result, _Channel):
                    transcripts.append(result.transcript(segments))
                    bar.update(transcripts[-1].duration_s - heard_s)
                    segments, heard_s = [], 0.0
                else:
                    path, error = result
                    yield path, error or transcripts
                    segments, transcripts, heard_s = [], [], 0.0

    def _jobs(self, paths: Iterable[str | Path], channel: str, bar: tqdm) -> "Iterator[_Job]":
        """Read the files: the batches of each channel, the channel, and at last the file."""
        for path in paths:
            try:
                with open_recording(path) as recording:
                    chosen = recording.chosen(channel)
                for name, number in chosen:
                    with open_recording(path) as recording:
                        bar.total = (bar.total or 0.0) + (recording.duration_s or 0.0)
                        blocks = recording.waveform(number, self.sample_rate)
                        heard = _Channel(blocks, self.sample_rate, self.vad, name)
                        yield from chain.from_iterable(heard.groups())
                        yield heard
                yield path, None
            except UserError as error:
                yield path, error

    def _do(self, job: "_Job") -> "list[Segment] | _Channel | _FileEnd":
        """Transcribe a batch; the marks between batches pass."""
        return self._hear(job) if isinstance(job, list) else job

    def _hear(self, batch: Sequence[Piece]) -> list[Segment]:
        """Transcribe a batch of pieces."""
        lengths = torch.tensor([len(piece.waveform) for piece in batch])
        waveforms = torch.zeros(len(batch), int(lengths.max()))
        for row, piece in zip(waveforms, batch, strict=True):
            row[: len(piece.waveform)] = torch.from_numpy(piece.waveform)
        with torch.inference_mode():
            log_probs, frames = self.model.log_probs(waveforms, lengths)
        found = self.decoder.decode(log_probs.numpy(), frames.numpy(), self.model.frame_s)
        return [self._segment(*pair) for pair in zip(batch, found, strict=True)]

    def _segment(self, piece: Piece, decoded: Decoded) -> Segment:
        """Bring words to the recording's clock; the last frame may reach past the last sample."""
        start_s = piece.start / self.sample_rate
        end_s = (piece.start + len(piece.waveform)) / self.sample_rate
        words = tuple(
            replace(word, start_s=start_s + word.start_s, end_s=min(start_s + word.end_s, end_s))
            for word in decoded.words
        )
        return Segment(start_s, end_s, decoded.text, words)

    def waveform(
        self, audio: str | Path | npt.NDArray[np.floating], sample_rate: int | None = None
    ) -> Waveform:
        """Bring a whole recording, as `transcribe` takes it, to the model's sample rate: (N,)."""
        if isinstance(audio, str | Path):
            return read_audio(audio, self.sample_rate)
        if sample_rate is None:
            raise UserError("transcribe: samples came without sample_rate; give it in Hz")
        if audio.ndim != 1 or not np.issubdtype(audio.dtype, np.floating):
            raise UserError(
                "transcribe: expected mono float samples of shape (N,), "
                f"found {audio.dtype} of shape {audio.shape}"
            )
        return to_waveform(audio, sample_rate, self.sample_rate, "samples")

    @torch.inference_mode()
    def log_probs(self, waveform: Waveform) -> npt.NDArray[np.float32]:
        """Compute token log-probabilities of a waveform (N,): (U, V), U 0 when it is too short."""
        log_probs, lengths = self.model.log_probs(
            torch.from_numpy(waveform)[None], torch.tensor([len(waveform)])
        )
        return log_probs[0, : int(lengths[0])].numpy()


class _Channel:
    """One channel of a recording as it goes by: its pieces, and at the end its duration."""

    def __init__(
        self, blocks: Iterable[Waveform], sample_rate: int, vad: str, name: str | None = None
    ) -> None:
        self._blocks, self._sample_rate, self._vad, self._name = blocks, sample_rate, vad, name
        self._samples = 0

    def groups(self) -> Iterator[list[list[Piece]]]:
        """Yield batches of pieces, those of one stretch of time together."""
        return groups(pieces(self._counted(), self._sample_rate, self._vad))

    def transcript(self, segments: Iterable[Segment]) -> Transcript:
        """Put together what was heard, once all has gone by."""
        ordered = tuple(_in_time(segments))
        return Transcript(ordered, self._samples / self._sample_rate, self._name)

    def _counted(self) -> Iterator[Waveform]:
        for block in self._blocks:
            self._samples += len(block)
            yield block


#: A file, and why it could not be transcribed.
_FileEnd = tuple[str | Path, UserError | None]
#: What is done in order: batches, then their channel, then its file.
_Job = list[Piece] | _Channel | _FileEnd


def _in_time(segments: Iterable[Segment]) -> list[Segment]:
    """Put segments in order, those without words left out."""
    return sorted((found for found in segments if found.words), key=lambda found: found.start_s)


def load(
    model: str | Path,
    decoding: str | Path | DecodingOptions | None = None,
    vad: str = "energy",
) -> Recognizer:
    """Load a recogniser.

    Args:
        model: a `.safetensors` model, the run folder that holds it, or a shipped model's name.
        decoding: options, or the `decoding.yaml` that `asr tune` writes; where not given, a
            shipped model is decoded as it was tuned, others greedily.
        vad: how speech is found in long recordings, one of `asr.segmentation.DETECTORS`.

    Raises:
        UserError: either is missing, or not what it should be.
    """
    file = shipped_decoding(model) if decoding is None else decoding
    options = read_options(Path(file)) if isinstance(file, str | Path) else file
    return Recognizer(*load_model(model), options, vad)
