"""espeak-ng through ctypes, as the package espeakng-loader carries it: speech and pronunciations.

Constants and signatures follow ``speak_lib.h`` of espeak-ng 1.52. The library keeps state between
utterances, so equal samples need equal calls in equal order in a fresh process.
"""

import ctypes
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from asr.util.errors import UserError
from asr.util.printable import printable

NOT_INSTALLED = (
    "espeak-ng: this needs the package espeakng-loader, which is not installed; "
    "run pip install espeakng-loader"
)

AUDIO_OUTPUT_SYNCHRONOUS = 2
INITIALIZE_DONT_EXIT = 0x8000
POSITION_CHARACTER = 1
CHARS_UTF8 = 1
NOISE_SEED = 1
RATE, PITCH, PITCH_RANGE = 1, 3, 4
PHONEMES_IPA = 0x02
PHONEMES_SEPARATED = ord("_") << 8  # by this character

_Callback = ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p
)


class _Voice(ctypes.Structure):
    """The properties to choose a voice by: ``espeak_VOICE``."""

    _fields_ = (
        ("name", ctypes.c_char_p),
        ("languages", ctypes.c_char_p),
        ("identifier", ctypes.c_char_p),
        *((name, ctypes.c_ubyte) for name in ("gender", "age", "variant", "unused")),
        ("score", ctypes.c_int),
        ("spare", ctypes.c_void_p),
    )


class Espeak:
    """The opened library; one a process, since it has one global state.

    Attributes:
        sample_rate: of rendered speech, 22050 Hz.

    Raises:
        UserError: espeakng-loader is not installed, or its library or data do not load.
    """

    def __init__(self) -> None:
        try:
            import espeakng_loader
        except ImportError as error:
            raise UserError(NOT_INSTALLED) from error
        self._data = Path(espeakng_loader.get_data_path())
        try:
            self._library = ctypes.CDLL(espeakng_loader.get_library_path())
        except OSError as error:
            raise UserError(f"espeak-ng: its library does not load: {error}") from error
        self.sample_rate = int(
            self._library.espeak_Initialize(
                AUDIO_OUTPUT_SYNCHRONOUS, 0, str(self._data).encode(), INITIALIZE_DONT_EXIT
            )
        )
        if self.sample_rate <= 0:
            raise UserError(
                f"espeak-ng: could not start with the data in {self._data} (status "
                f"{self.sample_rate}); reinstall espeakng-loader, in a folder with a shorter path"
            )

    def _call(self, function: str, *arguments: object) -> None:
        status = getattr(self._library, f"espeak_{function}")(*arguments)
        if status != 0:
            raise UserError(f"espeak-ng: espeak_{function}{arguments} failed with status {status}")


class Synthesizer(Espeak):
    """Text to waveform."""

    def __init__(self) -> None:
        super().__init__()
        self._library.espeak_Synth.argtypes = [
            ctypes.c_char_p,  # text
            ctypes.c_size_t,  # bytes of the text, its closing zero included
            ctypes.c_uint,  # position to begin at
            ctypes.c_int,  # unit of the position
            ctypes.c_uint,  # position to end at, 0 for none
            ctypes.c_uint,  # flags
            ctypes.c_void_p,
            ctypes.c_void_p,
        ]
        # breathy voices draw their noise from a generator that is seeded by the clock
        self._library.espeak_ng_SetRandSeed.argtypes = [ctypes.c_long]
        self._call("ng_SetRandSeed", NOISE_SEED)
        self._blocks: list[NDArray[np.int16]] = []
        self._callback = _Callback(self._keep)  # kept here, since the library holds no reference
        self._library.espeak_SetSynthCallback(self._callback)

    def _keep(self, samples: "ctypes._Pointer[ctypes.c_short]", count: int, _: int | None) -> int:
        if samples and count > 0:
            self._blocks.append(np.ctypeslib.as_array(samples, (count,)).copy())
        return 0

    def variants(self) -> set[str]:
        """List the names that may follow ``+`` in a voice."""
        return {path.name for path in (self._data / "voices" / "!v").iterdir()}

    def render(
        self, text: str, voice: str, *, pitch: int, pitch_range: int, words_per_minute: int
    ) -> NDArray[np.int16]:
        """Render `text` as speech.

        Args:
            text: In the voice's language.
            voice: ``language+variant``, for example ``en-us+f2``.
            pitch: 0 to 100; 50 is the voice's usual pitch.
            pitch_range: 0 (monotone) to 100; 50 is the voice's usual range.
            words_per_minute: 80 to 450.

        Returns:
            Samples (N,), int16, at `sample_rate`.

        Raises:
            UserError: the voice or its variant does not exist, or the library reports a failure.
        """
        variant = voice.partition("+")[2]
        # espeak-ng itself takes an unknown variant for the previous voice, and reports success
        if variant and variant not in self.variants():
            raise UserError(f"espeak-ng: voice {voice!r}: there is no variant {variant!r}")
        self._call("SetVoiceByName", voice.encode())
        self._call("SetParameter", RATE, words_per_minute, 0)
        self._call("SetParameter", PITCH, pitch, 0)
        self._call("SetParameter", PITCH_RANGE, pitch_range, 0)
        self._blocks = []
        encoded = text.encode()
        self._call(
            "Synth", encoded, len(encoded) + 1, 0, POSITION_CHARACTER, 0, CHARS_UTF8, None, None
        )
        self._call("Synchronize")
        if not self._blocks:
            raise UserError(f"espeak-ng: no sound came for {text!r} in voice {voice!r}")
        return np.concatenate(self._blocks)


class Pronouncer(Espeak):
    """Words to phonemes.

    Args:
        language: as espeak-ng calls it, ``en-us`` or ``de``.

    Raises:
        UserError: as `Espeak`; a language that espeak-ng lacks.
    """

    def __init__(self, language: str) -> None:
        super().__init__()
        self._library.espeak_TextToPhonemes.restype = ctypes.c_char_p
        self._library.espeak_TextToPhonemes.argtypes = [
            ctypes.POINTER(ctypes.c_void_p),  # the text, which each call advances
            ctypes.c_int,  # encoding of the text
            ctypes.c_int,  # notation of the phonemes
        ]
        name = language.encode(errors="replace")
        by_language = ctypes.byref(_Voice(languages=name))  # finds en-gb, whose voice is "en"
        if (
            self._library.espeak_SetVoiceByName(name) != 0
            and self._library.espeak_SetVoiceByProperties(by_language) != 0
        ):
            raise UserError(f"espeak-ng: it has no language {language!r}", remedy="known_language")

    def phonemes(self, word: str, *, ipa: bool) -> list[str]:
        """Pronounce a word by itself, in IPA or in espeak-ng's own mnemonics.

        A word with control characters or halves of surrogate pairs has no phonemes.
        """
        if printable(word) != word:
            return []
        text = ctypes.create_string_buffer(word.encode())
        at = ctypes.c_void_p(ctypes.addressof(text))
        mode = PHONEMES_SEPARATED | (PHONEMES_IPA if ipa else 0)
        found: list[str] = []
        while at.value:
            clause = self._library.espeak_TextToPhonemes(ctypes.byref(at), CHARS_UTF8, mode)
            found += clause.decode().replace(" ", "_").split("_")
        return [phoneme for phoneme in found if phoneme]
