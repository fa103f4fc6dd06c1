"""What was recognised in a recording: segments of words with their times."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Word:
    """A recognized word.

    Attributes:
        text: its spelling.
        start_s: seconds from the start of the audio to where it begins.
        end_s: seconds to where it ends.
        confidence: 0 to 1, the estimated probability that it is right.
    """

    text: str
    start_s: float
    end_s: float
    confidence: float


@dataclass(frozen=True)
class Segment:
    """A stretch of a recording that was transcribed in one piece.

    Attributes:
        start_s: where it starts, in seconds on the recording's own clock.
        end_s: where it ends.
        text: its words, in the form the model's normalizer gives them.
        words: each with start and end on the recording's clock and a confidence in 0..1.
    """

    start_s: float
    end_s: float
    text: str
    words: tuple[Word, ...]


@dataclass(frozen=True)
class Transcript:
    """What was recognised in one recording, or in one channel of it.

    Attributes:
        segments: in order of time, those without words left out.
        duration_s: of the recording.
        channel: "left" or "right" of two, "1", "2", ... of more; None when mixed or mono.
    """

    segments: tuple[Segment, ...]
    duration_s: float
    channel: str | None = None

    @property
    def text(self) -> str:
        """The segments' texts, joined by a space."""
        return " ".join(segment.text for segment in self.segments)

    @property
    def words(self) -> tuple[Word, ...]:
        """The words of all segments."""
        return tuple(word for segment in self.segments for word in segment.words)


@dataclass(frozen=True)
class AlignedTranscript(Transcript):
    """A transcript whose words were given, not recognised.

    Attributes:
        tokens: every token of the text, in order, with times and its posterior.
        kind: what these are: ``character``, ``piece`` or ``phone``.
    """

    tokens: tuple[Word, ...] = ()
    kind: str = "character"
