"""Recordings as real programs leave them: sizes that are wrong, rare codings, damage, joins.

Shapes: N samples, C channels. Every maker takes mono samples (N,), and most their rate.
"""

import struct
from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
import soundfile

Samples = np.ndarray


def pcm(samples: Samples) -> bytes:
    """Give 16-bit samples as bytes."""
    return (np.clip(samples, -1, 1) * 32767).astype("<i2").tobytes()


def riff(data: bytes, rate: int, *, stated: int | None = None, chunk: bytes = b"") -> bytes:
    """Make a mono 16-bit wav; `stated` is the size that its data chunk claims."""
    size = len(data) if stated is None else stated
    form = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, 1, rate, 2 * rate, 2, 16)
    whole = min(4 + len(form) + len(chunk) + 8 + size, 0xFFFFFFFF)
    return struct.pack("<4sI4s", b"RIFF", whole, b"WAVE") + form + chunk + struct.pack(
        "<4sI", b"data", size
    ) + data  # fmt: skip


def encoded(
    path: Path,
    codec: str,
    tracks: list[tuple[Samples, int]],
    *,
    container: str | None = None,
    options: dict[str, str] | None = None,
    default: int | None = None,
    channels: int = 1,
) -> Path:
    """Write tracks, each of samples and their rate, by PyAV; `default` is flagged so."""
    layout = "stereo" if channels == 2 else "mono"
    with av.open(str(path), "w", format=container, options=options or {}) as made:
        streams = [made.add_stream(codec, rate=rate, layout=layout) for _, rate in tracks]
        if default is not None:
            for number, stream in enumerate(streams):
                flag = av.stream.Disposition.default
                stream.disposition = flag if number == default else av.stream.Disposition(0)
        for stream, (samples, rate) in zip(streams, tracks, strict=True):
            _encode(made, stream, samples, rate, layout)
    return path


def _encode(made: "av.container.OutputContainer", stream: object, samples: Samples, rate: int,
            layout: str) -> None:  # fmt: skip
    size = stream.frame_size or 1024  # type: ignore[attr-defined]
    resampler = av.AudioResampler(stream.format, layout, rate, size)  # type: ignore[attr-defined]
    channels = np.ascontiguousarray(np.atleast_2d(samples.T).astype(np.float32))
    frame = av.AudioFrame.from_ndarray(channels, format="fltp", layout=layout)
    frame.sample_rate, frame.pts = rate, 0
    for ready in [*resampler.resample(frame), *resampler.resample(None), None]:
        made.mux(stream.encode(ready))  # type: ignore[attr-defined]


def wav(samples: Samples, rate: int, subtype: str = "PCM_16", kind: str = "WAV") -> bytes:
    """Write by libsndfile."""
    import io

    file = io.BytesIO()
    soundfile.write(file, samples, rate, subtype=subtype, format=kind)
    return file.getvalue()


def flac_without_length(samples: Samples, rate: int) -> bytes:
    """Make a flac as FFmpeg writes it to a pipe: its number of samples, 36 bits, is 0."""
    data = bytearray(wav(samples, rate, kind="FLAC"))
    data[21] &= 0xF0
    data[22:26] = bytes(4)
    return bytes(data)


def adts(samples: Samples, rate: int, path: Path) -> bytes:
    return encoded(path, "aac", [(samples, rate)], container="adts").read_bytes()


class _Bits:
    """Shorten's bit stream: unsigned and signed numbers of a few low bits and a unary rest."""

    def __init__(self) -> None:
        self.bits: list[str] = []

    def unsigned(self, value: int, low: int) -> None:
        self.bits.append(
            "0" * (value >> low) + "1" + (f"{value & (1 << low) - 1:0{low}b}" if low else "")
        )

    def signed(self, value: int, low: int) -> None:
        self.unsigned(2 * value if value >= 0 else -2 * value - 1, low + 1)

    def number(self, value: int) -> None:
        low = max(0, value.bit_length() - 1)
        self.unsigned(low, 2)
        self.unsigned(value, low)

    def packed(self) -> bytes:
        bits = "".join(self.bits)
        bits += "0" * (-len(bits) % 32)
        return int(bits, 2).to_bytes(len(bits) // 8, "big")


def shorten(samples: Samples) -> bytes:
    """Code 16-bit samples as Shorten 2 does (Robinson 1994), in blocks of 256 differences."""
    values = np.frombuffer(pcm(samples), "<i2").astype(int)
    values = values[: len(values) // 256 * 256]
    bits = _Bits()
    for value in (5, 1, 256, 0, 0, 0):  # 16-bit little-endian, channels, block, order, means, skip
        bits.number(value)
    last = 0
    for start in range(0, len(values), 256):
        block = values[start : start + 256]
        differences = np.diff(block, prepend=last)
        low = max(0, int(np.abs(differences).mean()).bit_length() - 1)
        bits.unsigned(1, 2)  # first differences
        bits.unsigned(low, 3)
        for one in differences.tolist():
            bits.signed(one, low)
        last = int(block[-1])
    bits.unsigned(4, 2)  # the end
    return b"ajkg\x02" + bits.packed()


def sphere(samples: Samples, rate: int, body: bytes | None = None, coding: str = "pcm") -> bytes:
    """Make a NIST SPHERE file."""
    head = (
        f"NIST_1A\n   1024\nchannel_count -i 1\nsample_count -i {len(samples)}\n"
        f"sample_rate -i {rate}\nsample_n_bytes -i 2\nsample_byte_format -s2 01\n"
        f"sample_sig_bits -i 16\nsample_coding -s{len(coding)} {coding}\nend_head\n"
    )
    return head.encode().ljust(1024) + (pcm(samples) if body is None else body)


Maker = Callable[[Path, Samples, int], bytes]


def _by(codec: str, name: str, container: str | None = None, **options: str) -> Maker:
    def make(folder: Path, samples: Samples, rate: int) -> bytes:
        path = folder / f"made-{name}"
        return encoded(
            path, codec, [(samples, rate)], container=container, options=options
        ).read_bytes()

    return make


def _cut(made: Maker, fraction: float) -> Maker:
    def make(folder: Path, samples: Samples, rate: int) -> bytes:
        data = made(folder, samples, rate)
        return data[: int(fraction * len(data))]

    return make


def _spoiled(made: Maker, start: float, length: int) -> Maker:
    def make(folder: Path, samples: Samples, rate: int) -> bytes:
        data = bytearray(made(folder, samples, rate))
        at = int(start * len(data))
        data[at : at + length] = np.random.default_rng(0).bytes(len(data[at : at + length]))
        return bytes(data)

    return make


def _aiff_stated(data: bytes, frames: int, size: int) -> bytes:
    data = bytearray(data)
    at = data.index(b"COMM")
    data[at + 10 : at + 14] = frames.to_bytes(4, "big")
    at = data.index(b"SSND")
    data[at + 4 : at + 8] = size.to_bytes(4, "big")
    return bytes(data)


FLAC: Maker = lambda _, s, r: wav(s, r, kind="FLAC")  # noqa: E731
WAV: Maker = lambda _, s, r: riff(pcm(s), r)  # noqa: E731
OGG: Maker = lambda _, s, r: wav(s, r, "VORBIS", "OGG")  # noqa: E731
OPUS: Maker = lambda _, s, r: wav(s, r, "OPUS", "OGG")  # noqa: E731
MP3: Maker = lambda _, s, r: wav(s, r, "MPEG_LAYER_III", "MP3")  # noqa: E731

#: What is whole, whatever its header says: name -> maker.
WHOLE: dict[str, Maker] = {
    "size-plus-2.wav": lambda _, s, r: riff(pcm(s), r, stated=2 * len(s) + 2),
    "size-plus-8.wav": lambda _, s, r: riff(pcm(s), r, stated=2 * len(s) + 8),
    "size-plus-36.wav": lambda _, s, r: riff(pcm(s), r, stated=2 * len(s) + 36),
    "size-0.wav": lambda _, s, r: riff(pcm(s), r, stated=0),
    "size-0-short.wav": lambda _, s, r: riff(pcm(s[:1000]), r, stated=0),
    "size-ffffffff.wav": lambda _, s, r: riff(pcm(s), r, stated=0xFFFFFFFF),
    "size-7fffffff.wav": lambda _, s, r: riff(pcm(s), r, stated=0x7FFFFFFF),
    "size-fffffff0.wav": lambda _, s, r: riff(pcm(s), r, stated=0xFFFFFFD0),
    "odd-list.wav": lambda _, s, r: riff(
        pcm(s), r, chunk=b"LIST" + struct.pack("<I", 5) + b"INFO\0"
    ),
    "odd-list-padded.wav": lambda _, s, r: riff(
        pcm(s), r, chunk=b"LIST" + struct.pack("<I", 5) + b"INFO\0\0"
    ),
    "trailing-list.wav": lambda _, s, r: riff(pcm(s), r) + b"LIST" + struct.pack("<I", 4) + b"INFO",
    "trailing-junk.wav": lambda _, s, r: riff(pcm(s), r) + bytes(3),
    "odd-data.wav": lambda _, s, r: riff(pcm(s) + b"\1", r),
    "rf64.wav": lambda _, s, r: wav(s, r, kind="RF64"),
    "a.w64": lambda _, s, r: wav(s, r, kind="W64"),
    "no-length.flac": lambda _, s, r: flac_without_length(s, r),
    "id3.flac": lambda _, s, r: b"ID3\x04\0\0\0\0\0\x0a" + bytes(10) + wav(s, r, kind="FLAC"),
    "ima4.caf": _by("adpcm_ima_qt", "ima4.caf", "caf"),
    "alac.caf": _by("alac", "alac.caf", "caf"),
    "pcm.caf": _by("pcm_s16be", "pcm.caf", "caf"),
    "g721.au": lambda _, s, r: wav(s, r, "G721_32", "AU"),
    "g723.au": lambda _, s, r: wav(s, r, "G723_24", "AU"),
    "ulaw.au": lambda _, s, r: wav(s, r, "ULAW", "AU"),
    "pipe.au": lambda _, s, r: (lambda d: d[:8] + b"\xff" * 4 + d[12:])(wav(s, r, "PCM_16", "AU")),
    "gsm.aiff": lambda _, s, r: wav(s, r, "GSM610", "AIFF"),
    "gsm.w64": lambda _, s, r: wav(s, r, "GSM610", "W64"),
    "gsm.wav": lambda _, s, r: wav(s, r, "GSM610", "WAV"),
    "ms-adpcm.wav": lambda _, s, r: wav(s, r, "MS_ADPCM", "WAV"),
    "ima-adpcm.wav": lambda _, s, r: wav(s, r, "IMA_ADPCM", "WAV"),
    "ima-adpcm.w64": lambda _, s, r: wav(s, r, "IMA_ADPCM", "W64"),
    "g721.wav": lambda _, s, r: wav(s, r, "G721_32", "WAV"),
    "vox.voc": lambda _, s, r: wav(s, r, "PCM_16", "VOC"),
    "nms.wav": lambda _, s, r: wav(s, r, "NMS_ADPCM_32", "WAV"),
    "mp3-in.wav": _by("libmp3lame", "mp3-in.wav", "wav"),
    "streamed.aiff": lambda _, s, r: _aiff_stated(wav(s, r, kind="AIFF"), 0, 0),
    "streamed-ff.aiff": lambda _, s, r: _aiff_stated(
        wav(s, r, kind="AIFF"), 0xFFFFFFFF, 0xFFFFFFFF
    ),
    "shorten.sph": lambda _, s, r: sphere(s, r, shorten(s), "pcm,embedded-shorten-v2.00"),
    "plain.sph": lambda _, s, r: sphere(s, r),
    "fragmented.mp4": _by(
        "aac", "fragmented.mp4", movflags="frag_keyframe+empty_moov", frag_duration="500000"
    ),
    "piped.webm": _by("libopus", "piped.webm", "webm", live="1"),
    "piped.mkv": _by("aac", "piped.mkv", "matroska", live="1"),
    "xing-less.mp3": _by("libmp3lame", "xing-less.mp3", write_xing="0"),
    "flac.oga": _by("flac", "flac.oga", "ogg"),
    "a.mp2": _by("mp2", "a.mp2"),
    "a.tta": _by("tta", "a.tta"),
    "a.wv": _by("wavpack", "a.wv"),
    "a.m2ts": _by("mp2", "a.m2ts", "mpegts"),
    "adts-named.m4a": lambda p, s, r: adts(s, r, p / "made.aac"),
    "junk-before.mp3": lambda p, s, r: b"\r\n" * 40 + MP3(p, s, r),
    "trailing.ogg": lambda p, s, r: OGG(p, s, r) + b"TAG" + bytes(125),
    "trailing.flac": lambda p, s, r: FLAC(p, s, r) + b"TAG" + bytes(125),
    "trailing.opus": lambda p, s, r: OPUS(p, s, r) + bytes(64),
    "bare-opus-in.mp4": _by("libopus", "opus.mp4", "mp4"),
    "alac.m4a": _by("alac", "alac.m4a"),
    "pcm.mov": _by("pcm_s16le", "pcm.mov"),
}

#: What lacks something at its end or in the middle.
DAMAGED: dict[str, Maker] = {
    "cut.wav": _cut(WAV, 0.7), "cut.flac": _cut(FLAC, 0.7),
    "cut.opus": _cut(OPUS, 0.7), "cut.mp3": _cut(MP3, 0.7),
    "cut.aac": _cut(lambda p, s, r: adts(s, r, p / "made.aac"), 0.7),
    "tail.aac": _spoiled(lambda p, s, r: adts(s, r, p / "made.aac"), 0.9, 9999),
    "middle.aac": _spoiled(lambda p, s, r: adts(s, r, p / "made.aac"), 0.5, 400),
    "middle.flac": _spoiled(FLAC, 0.5, 400),
    "middle.mp3": _spoiled(MP3, 0.5, 400), "middle.opus": _spoiled(OPUS, 0.95, 40),
    "cut-fragmented.mp4": _cut(WHOLE["fragmented.mp4"], 0.7),
    "tail.m4a": _spoiled(_by("aac", "tail.m4a", movflags="faststart"), 0.9, 9999),
    "cut.m4a": _cut(_by("aac", "cut.m4a", movflags="faststart"), 0.7),
    "cut.webm": _cut(_by("libopus", "cut.webm"), 0.7),
    "cut.mka": _cut(_by("flac", "cut.mka"), 0.7),
    "cut.aiff": _cut(lambda _, s, r: wav(s, r, kind="AIFF"), 0.7),
    "cut.au": _cut(lambda _, s, r: wav(s, r, kind="AU"), 0.7),
    "cut.w64": _cut(lambda _, s, r: wav(s, r, kind="W64"), 0.7),
    "cut.sph": _cut(lambda _, s, r: sphere(s, r), 0.7),
    "cut-gsm.wav": _cut(WHOLE["gsm.wav"], 0.7),
    "cut-shorten.sph": _cut(WHOLE["shorten.sph"], 0.7),
}  # fmt: skip


def half(samples: Samples) -> Samples:
    return samples[::2]


#: Several recordings in one file, of other rates or channels: twice the samples.
JOINED: dict[str, Maker] = {
    "rates.ogg": lambda p, s, r: OGG(p, s, r) + OGG(p, half(s), r // 2),
    "rates.opus": lambda p, s, r: OPUS(p, s, r) + OPUS(p, half(s), r // 2),
    "rates.mp3": lambda p, s, r: MP3(p, s, r) + MP3(p, half(s), r // 2),
    "channels.ogg": lambda p, s, r: OGG(p, s, r) + OGG(p, np.stack([s, s], 1), r),
    "channels.opus": lambda p, s, r: OPUS(p, s, r) + OPUS(p, np.stack([s, s], 1), r),
    "channels.mp3": lambda p, s, r: MP3(p, s, r) + MP3(p, np.stack([s, s], 1), r),
    "first-stereo.mp3": lambda p, s, r: MP3(p, np.stack([s, s], 1), r) + MP3(p, s, r),
    "rates.aac": lambda p, s, r: adts(s, r, p / "a.aac") + adts(half(s), r // 2, p / "b.aac"),
    "same.ogg": lambda p, s, r: OGG(p, s, r) + OGG(p, s, r),
    "same.mp3": lambda p, s, r: MP3(p, s, r) + MP3(p, s, r),
    "same.aac": lambda p, s, r: 2 * adts(s, r, p / "a.aac"),
    "same.flac": lambda p, s, r: 2 * FLAC(p, s, r),
    "same.wav": lambda p, s, r: 2 * WAV(p, s, r),
    "rates.flac": lambda p, s, r: FLAC(p, s, r) + FLAC(p, half(s), r // 2),
}
