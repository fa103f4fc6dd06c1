"""Utterance media of the HTML report: the audio, level and picture of each utterance.

N samples.
"""

import base64
import io
import os
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

import numpy as np
import soundfile
from lhotse.cut import Cut
from tqdm import tqdm

from asr.audio import Waveform, level_db
from asr.data.manifests import load_waveform
from asr.scoring import Report, UtteranceMedia, worst_first
from asr.util.errors import UserError

if TYPE_CHECKING:
    from asr.inference.recognizer import Recognizer

#: The most bytes of audio in a page, which a browser opens at once and mail takes.
SOUND_BYTES = 12_000_000


def collect_utterance_media(
    report: Report,
    cuts: Iterable[Cut],
    page: Path,
    recognizer: "Recognizer | None" = None,
    pictures: int = 0,
) -> dict[str, UtteranceMedia]:
    """Collect the audio, the level and, for the worst, the picture of every utterance.

    The audio of the worst utterances is embedded in the page, up to `SOUND_BYTES`, as FLAC, which
    is lossless and which all browsers play. Each other utterance, and one whose sample rate FLAC
    lacks, has a link to its recording, from the second it starts in. An utterance without a
    recording of its own (mixed of several, or kept in an archive) has no audio then.

    Args:
        report: the utterances to show.
        cuts: their audio, by utterance id.
        page: the path of the page; links are relative to it.
        recognizer: draws the pictures.
        pictures: how many of the worst utterances are drawn.

    Raises:
        UserError: an utterance has no cut, or its audio cannot be read.
    """
    by_id = {cut.id: cut for cut in cuts}
    results = worst_first(report)
    missing = [result.utterance_id for result in results if result.utterance_id not in by_id]
    if missing:
        raise UserError(
            f"manifest: {len(missing)} of {len(results)} utterances are not in it, such as "
            f"{missing[0]}; give the manifest of what was scored"
        )
    drawn = {result.utterance_id for result in report.worst(pictures)} if recognizer else set()
    media: dict[str, UtteranceMedia] = {}
    room = SOUND_BYTES
    for result in tqdm(results, unit="utt", desc="page", disable=None):
        cut = by_id[result.utterance_id]
        waveform = load_waveform(cut, cut.sampling_rate)
        url = _link(cut, page)
        if room > 0 and (flac := _flac(waveform, cut.sampling_rate)):
            sound = _data_url("audio/flac", flac)
            room -= len(sound)
            url = sound if room >= 0 else url
        picture = None
        if recognizer is not None and cut.id in drawn:
            picture = _picture(recognizer, waveform, cut.sampling_rate)
        media[cut.id] = UtteranceMedia(cut.duration, float(level_db(waveform)), url, picture)
    return media


def _flac(waveform: Waveform, sample_rate: int) -> bytes | None:
    """Encode audio; None at a sample rate that FLAC lacks."""
    file = io.BytesIO()
    samples = np.clip(waveform, -1, 1)
    try:
        soundfile.write(file, samples, sample_rate, format="FLAC", subtype="PCM_16")
    except soundfile.LibsndfileError:
        return None
    return file.getvalue()


def _link(cut: Cut, page: Path) -> str | None:
    """Link to a cut's part of its recording, relatively if possible; None where that is no file."""
    recording = getattr(cut, "recording", None)  # a cut mixed of several has none
    if recording is None or recording.sources[0].type != "file":
        return None
    part = f"#t={cut.start:.3f},{cut.end:.3f}"
    try:
        path = os.path.relpath(recording.sources[0].source, page.parent)
    except ValueError:  # another drive of Windows
        return Path(recording.sources[0].source).absolute().as_uri() + part
    return quote(Path(path).as_posix()) + part


def _picture(recognizer: "Recognizer", waveform: Waveform, sample_rate: int) -> str:
    import matplotlib.pyplot as plt

    from asr.inference.plot import draw_features_and_posteriors

    at_model_rate = recognizer.waveform(waveform, sample_rate)
    figure, _ = draw_features_and_posteriors(recognizer, at_model_rate, (10, 4.6))
    file = io.BytesIO()
    figure.savefig(file, dpi=110, format="png")
    plt.close(figure)
    return _data_url("image/png", file.getvalue())


def _data_url(kind: str, data: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(data).decode('ascii')}"
