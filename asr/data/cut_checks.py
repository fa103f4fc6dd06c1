"""Whether the fields of a cut fit together, and whether it is small enough to be held at once."""

from lhotse.cut import Cut, MixedCut, MixTrack, PaddingCut
from lhotse.cut.data import DataCut

from asr.data.cut_schema import CutError, shown

#: The longest utterance that is read.
LONGEST_S = 4 * 3600.0
#: The longest that a network computes at once, as training and scoring do. Scoring it with
#: `en-small` takes 2.3 GB.
LONGEST_AT_ONCE_S = 600.0
#: The most samples of an utterance, in all channels and tracks: 1 GiB as float32.
MOST_SAMPLES = 1 << 28
#: What the times of a cut and those of its recording may differ by.
TOLERANCE_S = 0.01


def check_amount(duration_s: float, samples: float, longest_s: float = LONGEST_S) -> None:
    """Refuse an utterance that is too much to be held at once.

    Args:
        duration_s: its duration.
        samples: in all of its channels and tracks.
        longest_s: the limit of its duration.

    Raises:
        CutError: it is; the message says the limit.
    """
    if duration_s > longest_s:
        raise CutError(f"duration is {duration_s:.0f} s, expected at most {longest_s:.0f} s")
    if samples > MOST_SAMPLES:
        found = f"{samples:.0f} samples in all channels and tracks"
        raise CutError(f"found {found}, expected at most {MOST_SAMPLES}")


def check_cut(cut: Cut, longest_s: float = LONGEST_S) -> None:
    """Refuse a cut whose fields, each sound on its own, do not fit together or are too much.

    Args:
        cut: whose fields were held against `asr.data.cut_schema`.
        longest_s: the limit of its duration.

    Raises:
        CutError: it is such a cut.
    """
    tracks = cut.tracks if isinstance(cut, MixedCut) else [MixTrack(cut)]
    recorded = [track.cut for track in tracks if not isinstance(track.cut, PaddingCut)]
    if not recorded:
        raise CutError("found no recording in its tracks, expected one")
    for one in recorded:
        _check_recorded(one)
    rates = {track.cut.sampling_rate for track in tracks}
    if len(rates) > 1:
        raise CutError(f"found tracks of {min(rates)} and {max(rates)} Hz, expected one rate")
    widths = [(track.offset + track.cut.duration, track.cut.num_channels) for track in tracks]
    samples = sum(end_s * channels for end_s, channels in widths) * rates.pop()
    check_amount(max(end_s for end_s, _ in widths), samples, longest_s)
    if len(cut.supervisions) != 1:
        raise CutError(f"found {len(cut.supervisions)} transcripts, expected 1")
    spoken = cut.supervisions[0]
    if spoken.start >= cut.duration or spoken.end <= 0:
        found = f"its transcript from {spoken.start:g} to {spoken.end:g} s"
        raise CutError(f"found {found}, expected it within {cut.duration:g} s")


def _check_recorded(cut: DataCut) -> None:
    """Refuse a cut that is not within its recording."""
    recording = cut.recording
    counted_s = recording.num_samples / recording.sampling_rate
    if abs(counted_s - recording.duration) > TOLERANCE_S:
        found = f"a recording of {recording.duration:g} s"
        raise CutError(f"found {found}, expected {counted_s:g} s by its number of samples")
    if cut.start + cut.duration > recording.duration + TOLERANCE_S:
        found = f"{cut.start:g} to {cut.start + cut.duration:g} s"
        raise CutError(
            f"found {found}, expected a part of its recording of {recording.duration:g} s"
        )
    wanted = {cut.channel} if isinstance(cut.channel, int) else set(cut.channel)
    held = {channel for source in recording.sources for channel in source.channels}
    if not wanted or not wanted <= held & set(recording.channel_ids):
        found = f"channel {shown(cut.channel)}"
        raise CutError(f"found {found}, expected of {shown(sorted(held))}")
