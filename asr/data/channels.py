"""One channel of cuts whose manifest has all of them."""

from lhotse.cut import Cut, MixedCut, MonoCut, MultiCut
from lhotse.utils import fastcopy

from asr.audio.selection import find_channel


def pick_channel(cut: Cut, channel: str) -> Cut:
    """Take one channel of a cut of several; the manifest has chosen that of other cuts.

    Args:
        cut: of a manifest.
        channel: as `asr.audio.selection.find_channel` takes it.

    Raises:
        SelectionError: the recording has not this channel.
    """
    if isinstance(cut, MixedCut):
        tracks = [fastcopy(one, cut=pick_channel(one.cut, channel)) for one in cut.tracks]
        return fastcopy(cut, tracks=tracks)
    if not isinstance(cut, MonoCut | MultiCut):  # silence
        return cut
    recording = cut.recording
    number = find_channel(recording.sources[0].source, channel, recording.num_channels)
    if number is None or isinstance(cut, MonoCut):
        return cut
    return MonoCut(
        id=cut.id,
        start=cut.start,
        duration=cut.duration,
        channel=recording.channel_ids[number],
        recording=recording,
        supervisions=[
            fastcopy(one, channel=recording.channel_ids[number]) for one in cut.supervisions
        ],
    )
