"""Transcripts made for tests, of given words or from a seed."""

import random

from asr.transcript import Segment, Transcript, Word

LETTERS = "abcdefghijklmnopqrstuvwxyzäß"


def segment(words: list[tuple[str, float, float]], joint: str = " ") -> Segment:
    made = tuple(Word(text, start_s, end_s, 0.9) for text, start_s, end_s in words)
    text = joint.join(word.text for word in made)
    return Segment(made[0].start_s, made[-1].end_s, text, made)


def one_segment(*words: tuple[str, float, float], duration_s: float = 60.0) -> Transcript:
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
