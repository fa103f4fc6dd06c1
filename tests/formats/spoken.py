"""Transcripts made up from a seed, as long and as odd as a test asks for."""

import random

from asr.transcript import Segment, Transcript, Word

LETTERS = "abcdefghijklmnopqrstuvwxyzäß"


def segment(words: list[tuple[str, float, float]], joint: str = " ") -> Segment:
    heard = tuple(Word(text, start_s, end_s, 0.9) for text, start_s, end_s in words)
    text = joint.join(word.text for word in heard)
    return Segment(heard[0].start_s, heard[-1].end_s, text, heard)


def said(*words: tuple[str, float, float], duration_s: float = 60.0) -> Transcript:
    return Transcript((segment(list(words)),), duration_s)


def talk(
    seed: int, segments: int = 30, longest_word: int = 12, channel: str | None = None
) -> Transcript:
    """Speech with pauses of any length, words of up to `longest_word` letters."""
    rng = random.Random(seed)
    time_s = rng.uniform(0, 3)
    made = []
    for _ in range(segments):
        words = []
        for _ in range(rng.randint(1, 25)):
            text = "".join(rng.choices(LETTERS, k=rng.randint(1, longest_word)))
            end_s = time_s + rng.choice([0.03, 0.2, 0.4, 0.9])
            words.append((text, time_s, end_s))
            time_s = end_s + rng.choice([0.0, 0.0, 0.06, 0.3, 2.5])
        made.append(segment(words))
        time_s += rng.choice([0.0, 0.5, 4.0])
    return Transcript(tuple(made), time_s + 1, channel)
