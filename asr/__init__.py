"""Train, run and score small BLSTM-CTC speech recognisers.

>>> import asr
>>> asr.load("runs/an4/default/1").transcribe("a.wav").text  # doctest: +SKIP
'YES'
"""

from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"
__all__ = ["Recognizer", "Segment", "Transcript", "__version__", "load"]

if TYPE_CHECKING:
    from asr.inference.recognizer import Recognizer, load
    from asr.transcript import Segment, Transcript


def __getattr__(name: str) -> Any:
    """Import torch only when something that needs it is asked for (PEP 562)."""
    if name in ("Recognizer", "load"):
        from asr.inference import recognizer

        return getattr(recognizer, name)
    if name in ("Segment", "Transcript"):
        from asr import transcript

        return getattr(transcript, name)
    raise AttributeError(f"module 'asr' has no attribute {name!r}")
