"""The transcript of a recording: segments of words with their times."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Word:
    """A recognized word.

    Attributes:
        text: its spelling.
        start_s: its start, in seconds from the start of the audio.
        end_s: its end.
        confidence: 0 to 1, the estimated probability that the word is right.
    """

    text: str
    start_s: float
    end_s: float
    confidence: float


@dataclass(frozen=True)
class Segment:
    """A part of a recording that was transcribed at once.

    Attributes:
        start_s: its start, in seconds from the start of the recording.
        end_s: its end.
        text: its words, in the form of the model's normalizer.
        words: its words, with times from the start of the recording.
    """

    start_s: float
    end_s: float
    text: str
    words: tuple[Word, ...]


@dataclass(frozen=True)
class Transcript:
    """The transcript of one recording, or of one of its channels.

    Attributes:
        segments: in order of time; a segment without words is left out.
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
        """The words of all segments, in order."""
        return tuple(word for segment in self.segments for word in segment.words)


@dataclass(frozen=True)
class AlignedTranscript(Transcript):
    """A transcript whose words were given and forced-aligned with the recording.

    Attributes:
        tokens: every token of the text, in order, with its times and posterior.
        kind: the kind of its tokens: ``character``, ``subword`` or ``phone``.
    """

    tokens: tuple[Word, ...] = ()
    kind: str = "character"
