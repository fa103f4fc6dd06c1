"""tsv: start and end in milliseconds and the text, a segment a line, as whisper writes it."""

from collections.abc import Sequence

from asr.formats.common import About, drop_lone_name, milliseconds, sort_turns
from asr.transcript import Transcript


def write_tsv(transcripts: Sequence[Transcript], _about: About) -> str:
    """Write a header and a line a segment; several channels are named in a fourth column."""
    transcripts = drop_lone_name(transcripts)
    turns = sort_turns(transcripts)
    named = any(transcript.channel is not None for transcript in transcripts)
    rows = [["start", "end", "text", "channel"]]
    for channel, segment in turns:
        times = [str(milliseconds(time_s)) for time_s in (segment.start_s, segment.end_s)]
        rows.append([*times, " ".join(segment.text.split()), channel or ""])
    return "".join("\t".join(row if named else row[:3]) + "\n" for row in rows)
