"""Train, run and score small BLSTM-CTC speech recognizers.

>>> import asr
>>> asr.load("runs/an4/default/1").transcribe("a.wav").text  # doctest: +SKIP
'YES'

What `__all__` names is public; every module below is private, and may change.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"
__all__ = [
    "DecodingOptions",
    "Recognizer",
    "Segment",
    "Selection",
    "Transcript",
    "Word",
    "__version__",
    "align",
    "evaluate",
    "load",
    "score",
]

if TYPE_CHECKING:
    from asr.audio.selection import Selection
    from asr.decoding.options import DecodingOptions
    from asr.inference.alignment import align
    from asr.inference.evaluation import evaluate
    from asr.inference.recognizer import Recognizer, load
    from asr.scoring import score
    from asr.transcript import Segment, Transcript, Word

_MODULES = {
    "DecodingOptions": "asr.decoding.options",
    "Recognizer": "asr.inference.recognizer",
    "Segment": "asr.transcript",
    "Selection": "asr.audio.selection",
    "Transcript": "asr.transcript",
    "Word": "asr.transcript",
    "align": "asr.inference.alignment",
    "evaluate": "asr.inference.evaluation",
    "load": "asr.inference.recognizer",
    "score": "asr.scoring",
}


def __getattr__(name: str) -> Any:
    """Import the module of a public name when the name is asked for (PEP 562)."""
    if name not in _MODULES:
        raise AttributeError(f"module 'asr' has no attribute {name!r}")
    return getattr(import_module(_MODULES[name]), name)


def __dir__() -> list[str]:
    return sorted(globals().keys() | _MODULES)
