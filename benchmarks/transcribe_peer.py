"""Transcribe one 16 kHz mono 16-bit wav file with pocketsphinx and print JSON.

`transcribe.py` runs this with a Python that has pocketsphinx (see `peers.txt`). Pocketsphinx uses
its own segmenter, and its own acoustic and language model of US English. Nothing here imports asr.
"""

import json
import sys
import time
import wave

from pocketsphinx import Decoder, Segmenter


def main() -> None:
    """Decode the file; print the text, CPU seconds and wall seconds."""
    decoder = Decoder(loglevel="FATAL")
    cpu_s, wall_s = time.process_time(), time.perf_counter()
    texts = []
    with wave.open(sys.argv[1], "rb") as audio, _Frames(audio) as stream:
        for segment in Segmenter(sample_rate=audio.getframerate()).segment(stream):
            decoder.start_utt()
            decoder.process_raw(segment.pcm, full_utt=True)
            decoder.end_utt()
            if decoder.hyp() is not None:
                texts.append(decoder.hyp().hypstr)
    spent = {"cpu_s": time.process_time() - cpu_s, "wall_s": time.perf_counter() - wall_s}
    print(json.dumps({"text": " ".join(texts), **spent}))


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
