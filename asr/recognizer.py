"""A trained model in use: waveform in, transcript out.

Shapes: B batch, N samples, U encoder frames, V tokens.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from asr.audio import Waveform, read_audio, to_waveform
from asr.decoding.decoder import Decoder
from asr.decoding.options import DecodingOptions, read_options
from asr.decoding.tokens import Tokens
from asr.decoding.words import Word
from asr.errors import UserError
from asr.model import CTCModel
from asr.model_file import load_model
from asr.text import SPACE, CharTokenizer


@dataclass(frozen=True)
class Transcript:
    """What was recognised in one recording.

    Attributes:
        text: the words, in the form the model's normaliser gives them.
        words: each with start and end in seconds and a confidence in 0..1.
        duration_s: of the recording.
    """

    text: str
    words: tuple[Word, ...]
    duration_s: float


class Recognizer:
    """A model, its tokenizer and a decoder, ready to transcribe; see `load`.

    Args:
        model: the acoustic model.
        tokenizer: its tokens and normaliser.
        options: how its log-probabilities become words; greedily where not given.

    Raises:
        UserError: a file the options name cannot be used.
    """

    def __init__(
        self,
        model: CTCModel,
        tokenizer: CharTokenizer,
        options: DecodingOptions | None = None,
    ) -> None:
        self.model = model.eval()
        self.tokenizer = tokenizer
        self.sample_rate = model.log_mel.sample_rate
        self.tokens = Tokens(tuple(tokenizer.tokens), SPACE)
        self.decoder = Decoder(self.tokens, options or DecodingOptions(), tokenizer.normalise)

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
        log_probs = self.log_probs(waveform)[None]
        lengths = np.array([log_probs.shape[1]])
        decoded = self.decoder.decode(log_probs, lengths, self.model.frame_s)[0]
        return Transcript(decoded.text, decoded.words, len(waveform) / self.sample_rate)

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


def load(model: str | Path, decoding: str | Path | DecodingOptions | None = None) -> Recognizer:
    """Load a recogniser.

    Args:
        model: a `.safetensors` model, or the run folder that holds it.
        decoding: options, or the `decoding.yaml` that `asr tune` writes; greedy where not given.

    Raises:
        UserError: either is missing, or not what it should be.
    """
    options = read_options(Path(decoding)) if isinstance(decoding, str | Path) else decoding
    return Recognizer(*load_model(model), options)
