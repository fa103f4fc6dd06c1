"""Pictures of a recording: its log-mel features, the CTC posteriors, and the words.

Shapes: F mel bins, T feature frames, U encoder frames, V tokens.
"""

import textwrap
from pathlib import Path

import matplotlib

matplotlib.use("Agg")  # pictures go to files; no screen is needed

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from asr.audio import Waveform
from asr.audio.opening import open_recording
from asr.audio.selection import Selection
from asr.inference.recognizer import Recognizer
from asr.inference.segmentation import segments
from asr.text.tokenizer import BLANK_ID, SPACE
from asr.util.errors import UserError
from asr.util.files import write_atomically
from asr.util.printable import printable

#: Characters of the title that fit the width of the picture, even capitals.
TITLE_CHARACTERS = 110
TITLE_POINTS = 9


def draw_transcription(
    recognizer: Recognizer, path: str | Path, output: Path, selection: Selection | None = None
) -> str:
    """Transcribe and draw a recording, or the first segment of a long one; returns the text.

    Args:
        recognizer: the model.
        path: an audio file.
        output: a picture file, in the format that its suffix names; PNG without one.
        selection: which part of the file is drawn; of each of several channels, the first.

    Raises:
        UserError: the audio cannot be read or holds no speech, or the picture cannot be written.
    """
    rate = recognizer.sample_rate
    with open_recording(path, selection) as recording:
        name, number = recording.select_channels()[0]
        found = segments(recording.waveform(number, rate), rate, recognizer.vad)
        segment = next(found, None)
    if segment is None:
        raise UserError(f"{path}: no speech was found, so there is nothing to draw")
    text = recognizer.transcribe(segment.waveform, rate).text
    figure, upper = draw_features_and_posteriors(recognizer, segment.waveform, (11, 5.5))
    side = f" [{name}]" if name else ""
    place = f", from {segment.start / rate:.1f} s" if segment.start else ""
    title = printable(f"{Path(path).name}{side}{place}: {text or '(no words)'}")
    upper.set_title(
        textwrap.fill(title, TITLE_CHARACTERS),
        loc="left",
        fontsize=TITLE_POINTS,
        parse_math=False,  # a $ in a name is no formula
    )
    try:
        with write_atomically(output) as file:
            figure.savefig(file, dpi=120, format=output.suffix[1:] or "png")
    except ValueError as error:
        raise UserError(f"{output}: cannot be drawn ({error}); end its name in .png") from error
    finally:
        plt.close(figure)
    return text


def draw_features_and_posteriors(
    recognizer: Recognizer, waveform: Waveform, size: tuple[float, float]
) -> tuple[Figure, Axes]:
    """Draw log-mel above posteriors, `size` in inches; returns the figure and its upper axes.

    The caller closes the figure.
    """
    figure, (upper, lower) = plt.subplots(
        2, 1, figsize=size, sharex=True, height_ratios=(3, 2), layout="constrained"
    )
    draw_log_mel(upper, recognizer, waveform)
    draw_posteriors(lower, recognizer, waveform)
    return figure, upper


def draw_log_mel(axes: Axes, recognizer: Recognizer, waveform: Waveform) -> None:
    """Draw the log-mel features (T, F) over seconds, unnormalized but in their dynamic range."""
    log_mel = recognizer.engine.log_mel
    features = log_mel.limit_range(log_mel.log_mel(waveform)).T
    if not features.size:  # shorter than a frame
        features = np.zeros((log_mel.settings.mel_bins, 1), np.float32)
    seconds = len(waveform) / recognizer.sample_rate
    axes.imshow(
        features, origin="lower", aspect="auto", cmap="magma", extent=(0, seconds, 0, len(features))
    )
    axes.set_ylabel("mel bin")


def draw_posteriors(axes: Axes, recognizer: Recognizer, waveform: Waveform) -> None:
    """Draw each token's posterior over seconds, its letter above the peak; blank in gray."""
    posteriors = np.exp(recognizer.log_probs(waveform))
    time_s = (np.arange(len(posteriors)) + 0.5) * recognizer.engine.frame_s
    axes.plot(time_s, posteriors[:, BLANK_ID], color="0.8", linewidth=1, label="blank")
    best = posteriors.argmax(axis=1) if len(posteriors) else np.zeros(0, dtype=int)
    for token in np.unique(best[best != BLANK_ID]):
        axes.fill_between(time_s, posteriors[:, token], alpha=0.5, linewidth=0)
    opens = np.flatnonzero((best != BLANK_ID) & (best != np.append(BLANK_ID, best[:-1])))
    for frame in opens:
        letter = recognizer.tokenizer.tokens[best[frame]]
        shown = "␣" if letter == SPACE else printable(letter)
        axes.text(time_s[frame], 1.03, shown, ha="center", fontsize=9, parse_math=False)
    axes.set(ylim=(0, 1.15), xlabel="seconds", ylabel="posterior")
    axes.legend(loc="upper right", frameon=False)
