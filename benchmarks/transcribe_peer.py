"""Transcribe 16 kHz mono 16-bit wav files with pocketsphinx and print JSON.

`transcribe.py` runs this with a Python that has pocketsphinx (see `peers.txt`). Pocketsphinx uses
its own acoustic and language model of US English, and its own segmenter for long files. Nothing
here imports asr.
"""

import json
import sys
import time
import wave

from pocketsphinx import Decoder, Segmenter

LONG_S = 30.0  # a file that is longer is cut into segments


def main() -> None:
    """Decode the files; print their texts, CPU seconds and wall seconds."""
    decoder = Decoder(loglevel="FATAL")
    cpu_s, wall_s = time.process_time(), time.perf_counter()
    texts = [transcribe(decoder, file) for file in sys.argv[1:]]
    spent = {"cpu_s": time.process_time() - cpu_s, "wall_s": time.perf_counter() - wall_s}
    print(json.dumps({"texts": texts, **spent}))


def transcribe(decoder: Decoder, file: str) -> str:
    """Decode a file, whole or by segments."""
    with wave.open(file, "rb") as audio, _Frames(audio) as stream:
        rate, frames = audio.getframerate(), audio.getnframes()
        if frames <= LONG_S * rate:
            return decode(decoder, audio.readframes(frames))
        segments = Segmenter(sample_rate=rate).segment(stream)
        return " ".join(filter(None, (decode(decoder, segment.pcm) for segment in segments)))


def decode(decoder: Decoder, samples: bytes) -> str:
    """Decode 16-bit samples."""
    decoder.start_utt()
    decoder.process_raw(samples, full_utt=True)
    decoder.end_utt()
    return "" if decoder.hyp() is None else decoder.hyp().hypstr


class _Frames:
    """A wav file's samples as the stream of bytes that the segmenter reads."""

    def __init__(self, audio: wave.Wave_read) -> None:
        self._audio = audio

    def __enter__(self) -> "_Frames":
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def read(self, size: int) -> bytes:
        """Read up to `size` bytes."""
        return self._audio.readframes(size // 2)


if __name__ == "__main__":
    main()
