"""The command line of this checkout and of another one, run in turn and measured."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parents[1]
_MEASURED = Path(__file__).with_name("measured.py")


@dataclass(frozen=True)
class Spent:
    """What a command took and printed."""

    cpu_s: float
    wall_s: float
    peak_mb: float
    printed: str


@dataclass(frozen=True)
class Side:
    """A command `asr` to be measured.

    Attributes:
        name: in the table.
        place: a checkout, run by the Python of its `.venv` or else by this one; or the Python of an
            environment where a distribution of the toolkit is installed.
    """

    name: str
    place: Path

    def run(self, arguments: Sequence[str], cache: Path, cores: int) -> Spent:
        """Run `asr` with a folder for all its caches, on so many cores.

        Raises:
            SystemExit: it failed.
        """
        environment = os.environ | {
            "ASR_CACHE": str(cache),
            "NUMBA_CACHE_DIR": str(cache / "compiled"),
        }
        python = self.place
        environment.pop("PYTHONPATH", None)
        if self.place.is_dir():
            environment["PYTHONPATH"] = str(self.place)
            own = self.place / ".venv" / "bin" / "python"
            python = own if own.exists() else Path(sys.executable)
        with tempfile.TemporaryDirectory() as folder:  # where no package asr stands beside
            file = Path(folder) / "spent.json"
            command = [sys.executable, _MEASURED, file, str(cores), python.absolute()]
            done = subprocess.run(
                [*command, "-m", "asr", *arguments],
                capture_output=True, text=True, env=environment, cwd=folder,
            )  # fmt: skip
            if done.returncode:
                sys.exit(f"{self.name}: asr {' '.join(arguments[:2])} failed:\n{done.stderr}")
            return Spent(**json.loads(file.read_text()), printed=done.stdout)


def make_sides(before: Path | None, after: Path = HERE) -> list[Side]:
    """Name the sides: another checkout or environment first, where one is given."""
    sides = [Side("before", before)] if before is not None else []
    return [*sides, Side("after", after)]
