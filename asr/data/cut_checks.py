"""Checks of a whole cut: its fields fit together, and its audio fits in memory."""

from lhotse.cut import Cut, MixedCut, MixTrack, PaddingCut
from lhotse.cut.data import DataCut

from asr.data.cut_schema import CutError, shown

#: The longest utterance that can be read.
LONGEST_S = 4 * 3600.0
#: The longest utterance that training and scoring take, which compute one in a single forward pass.
#: With `en-small`, scoring 600 s takes 2.3 GB.
LONGEST_AT_ONCE_S = 600.0
#: The most samples of an utterance, in all channels and tracks: 1 GiB as float32.
MOST_SAMPLES = 1 << 28
#: The greatest difference between a time of a cut and the time in its recording.
TOLERANCE_S = 0.01
#: The most speech without a transcript at an end of a cut: rounded times differ by so much.
TRANSCRIPT_TOLERANCE_S = 0.1


def check_amount(duration_s: float, samples: float, longest_s: float = LONGEST_S) -> None:
    """Refuse an utterance that is too long, or has too many samples for the memory.

    Args:
        duration_s: the utterance's duration.
        samples: in all of its channels and tracks.
        longest_s: the greatest duration.

    Raises:
        CutError: the utterance exceeds a limit, which the message names.
    """
    if duration_s > longest_s:
        found = f"duration is {duration_s:.0f} s, expected at most {longest_s:.0f} s"
        advice = "cut it into shorter utterances, as `asr align` does in the format jsonl"
        raise CutError(found, advice=advice)
    if samples > MOST_SAMPLES:
        found = f"{samples:.0f} samples in all channels and tracks"
        raise CutError(f"found {found}, expected at most {MOST_SAMPLES}")


def check_cut(cut: Cut, longest_s: float = LONGEST_S) -> None:
    """Refuse a cut whose fields, each valid on its own, do not fit together or exceed a limit.

    Args:
        cut: its fields have passed `asr.data.cut_schema`.
        longest_s: the greatest duration.

    Raises:
        CutError: the message names the fields that do not fit, or the limit.
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
    transcript = cut.supervisions[0]
    before_s, behind_s = -transcript.start, transcript.end - cut.duration
    if (
        max(before_s, behind_s) > TRANSCRIPT_TOLERANCE_S
        or transcript.end <= 0
        or (transcript.start >= cut.duration)
    ):
        found = f"its transcript from {transcript.start:g} to {transcript.end:g} s"
        raise CutError(f"found {found}, expected it within {cut.duration:g} s")


def cut_to_transcript(cut: Cut) -> Cut:
    """Shorten a checked cut to its transcript, where speech before or behind may have other words.

    Returns the same cut where the transcript's times are its own, within `TRANSCRIPT_TOLERANCE_S`;
    padding beside the recording is silence, and stays.
    """
    transcript = cut.supervisions[0]
    tracks = cut.tracks if isinstance(cut, MixedCut) else [MixTrack(cut)]
    recorded = [track for track in tracks if not isinstance(track.cut, PaddingCut)]
    first_s = min(track.offset for track in recorded)
    last_s = max(track.offset + track.cut.duration for track in recorded)
    start_s, end_s = max(transcript.start, 0.0), min(transcript.end, cut.duration)
    if max(start_s - first_s, last_s - end_s) <= TRANSCRIPT_TOLERANCE_S:
        return cut
    return cut.truncate(offset=start_s, duration=end_s - start_s, preserve_id=True)


def _check_recorded(cut: DataCut) -> None:
    """Refuse a cut with times or channels that its recording lacks."""
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
    channels = {cut.channel} if isinstance(cut.channel, int) else set(cut.channel)
    recorded = {channel for source in recording.sources for channel in source.channels}
    if not channels or not channels <= recorded & set(recording.channel_ids):
        found = f"channel {shown(cut.channel)}"
        raise CutError(f"found {found}, expected of {shown(sorted(recorded))}")
