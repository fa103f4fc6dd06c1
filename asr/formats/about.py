"""What an output says of itself besides the words."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class About:
    """Where a transcript comes from.

    Attributes:
        path: the recording, as the user named it.
        model: the model, as the user named it.
        settings: what else the words depend on, as JSON data.
        recording: its short name where that is not the path's: an utterance's id.
    """

    path: str
    model: str
    settings: Mapping[str, Any]
    recording: str | None = None

    @property
    def name(self) -> str:
        """The recording's name, without folders and ending."""
        return self.recording or Path(self.path).stem
