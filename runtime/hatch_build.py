"""Takes the package from the folder above into the wheel, but for the smaller of its models."""

from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

LEFT_OUT = ("asr/models/an4",)


class PackageFromAbove(BuildHookInterface):
    """Adds every file of the package."""

    def initialize(self, _version: str, build_data: dict[str, Any]) -> None:
        """List the files."""
        above = Path(self.root).parent
        for path in sorted((above / "asr").rglob("*")):
            name = path.relative_to(above).as_posix()
            kept = path.is_file() and "__pycache__" not in path.parts
            if kept and not name.startswith(LEFT_OUT):
                build_data["force_include"][str(path)] = name
