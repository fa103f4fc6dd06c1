"""A trained model in use: waveform in, transcript out.

Shapes: N samples, U encoder frames, V tokens.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from asr.audio import Waveform, read_audio, to_waveform
from asr.decoding.greedy import greedy_decode
from asr.errors import UserError
from asr.model import CTCModel
from asr.model_file import load_model
from asr.text import CharTokenizer


@dataclass(frozen=True)
class Transcript:
    """What was recognised in one recording.

    Attributes:
        text: the words, in the form the model's normaliser gives them.
        duration_s: of the recording.
    """

    text: str
    duration_s: float


class Recognizer:
    """A model and its tokenizer, ready to transcribe; see `load`."""

    def __init__(self, model: CTCModel, tokenizer: CharTokenizer) -> None:
        self.model = model.eval()
        self.tokenizer = tokenizer
        self.sample_rate = model.log_mel.sample_rate

    def transcribe(
        self, audio: str | Path | npt.NDArray[np.floating], sample_rate: int | None = None
    ) -> Transcript:
        """Transcribe one recording.

        Args:
            audio: a file's path, or mono samples (N,) as floats in -1..1.
            sample_rate: of the samples, Hz; a file knows its own.

        Raises:
            AudioError: a file that cannot be read, or samples that are not finite.
            UserError: samples that are not mono floats, or come without a sample rate.
        """
        waveform = self.waveform(audio, sample_rate)
        paths = greedy_decode(self.log_probs(waveform)[None], np.array([len(waveform)]))
        text = self.tokenizer.decode(paths[0].token_ids)
        return Transcript(text, duration_s=len(waveform) / self.sample_rate)

    def waveform(
        self, audio: str | Path | npt.NDArray[np.floating], sample_rate: int | None = None
    ) -> Waveform:
        """Bring a recording, as `transcribe` takes it, to the model's sample rate: (N,)."""
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


def load(model: str | Path) -> Recognizer:
    """Load a recogniser from a `.safetensors` model or the run folder that holds it.

    Raises:
        UserError: there is none, or it is not a model of this toolkit.
    """
    return Recognizer(*load_model(model))
