"""A microphone as packets of samples, by the package sounddevice and PortAudio.

Shapes: N samples.
"""

import queue
from collections.abc import Callable, Generator
from typing import Any

import numpy as np

from asr.audio.samples import Waveform
from asr.util.errors import UserError


def open_microphone(
    name: str | None, sample_rate: int, packet_s: float, has_ended: Callable[[], bool]
) -> tuple[int, Generator[Waveform]]:
    """Open a microphone.

    Args:
        name: part of its name, or its number; None for the system's choice.
        sample_rate: that is tried first, Hz.
        packet_s: seconds of a packet.
        has_ended: whether to end, after the packets that were recorded until then.

    Returns:
        Its sample rate, and its packets (N,) as they come.

    Raises:
        UserError: sounddevice or PortAudio is missing, or the microphone cannot be opened.
    """
    sounddevice = _import_sounddevice()
    device = int(name) if name is not None and name.isdecimal() else name
    packets: queue.SimpleQueue[Waveform] = queue.SimpleQueue()

    def keep(samples: np.ndarray, *_: object) -> None:
        packets.put(samples[:, 0].copy())

    try:
        rate = _choose_rate(sounddevice, device, sample_rate)
        stream = sounddevice.InputStream(
            samplerate=rate,
            blocksize=round(packet_s * rate),
            device=device,
            channels=1,
            dtype="float32",
            callback=keep,
        )
        stream.start()
    except (sounddevice.PortAudioError, ValueError) as error:
        raise UserError(
            f"microphone{'' if name is None else f' {name!r}'}: cannot be opened: {error}; connect "
            "one, or name another"
        ) from None
    return rate, _packets(stream, packets, has_ended)


def _packets(
    stream: Any, packets: "queue.SimpleQueue[Waveform]", has_ended: Callable[[], bool]
) -> Generator[Waveform]:
    try:
        while not has_ended():
            try:
                yield packets.get(timeout=1.0)
            except queue.Empty:  # so that Ctrl-C is noticed everywhere
                if not stream.active:  # it was unplugged
                    return
        stream.stop()
        while not packets.empty():  # a slow computer is behind the recording
            yield packets.get()
    finally:
        stream.close()


def _choose_rate(sounddevice: Any, device: int | str | None, sample_rate: int) -> int:
    """Take the wanted rate where the microphone has it, and else its own."""
    try:
        sounddevice.check_input_settings(
            device=device, channels=1, dtype="float32", samplerate=sample_rate
        )
    except sounddevice.PortAudioError:
        return round(sounddevice.query_devices(device, "input")["default_samplerate"])
    return sample_rate


def _import_sounddevice() -> Any:
    try:
        import sounddevice
    except ModuleNotFoundError:
        raise UserError(
            "microphone: needs the package sounddevice; pip install sounddevice"
        ) from None
    except OSError as error:  # on Linux, its wheel has no PortAudio
        raise UserError(
            f"microphone: {error}; install PortAudio, on Debian and Ubuntu with `apt install "
            "libportaudio2`"
        ) from None
    return sounddevice
