"""Takes the package from the folder above into a wheel, but for the smaller of its models.

With `machine-code = true` among the hook's settings, the wheel has the native functions compiled
too, and is for this kind of computer alone.
"""

import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

HERE = Path(__file__).parent
LEFT_OUT = ("asr/models/an4",)


class PackageFromAbove(BuildHookInterface):
    """Adds every file of the package."""

    def initialize(self, _version: str, build_data: dict[str, Any]) -> None:
        """List the files."""
        for path in sorted((HERE.parent / "asr").rglob("*")):
            name = path.relative_to(HERE.parent).as_posix()
            kept = path.is_file() and "__pycache__" not in path.parts and path.suffix != ".so"
            if kept and not name.startswith(LEFT_OUT):
                build_data["force_include"][str(path)] = name
        if self.config.get("machine-code"):
            self._add_machine_code(build_data)

    def finalize(self, *_: Any) -> None:
        """Remove what was compiled."""
        if self.config.get("machine-code"):
            self._folder.cleanup()

    def _add_machine_code(self, build_data: dict[str, Any]) -> None:
        self._folder = tempfile.TemporaryDirectory()
        platform = sysconfig.get_platform()
        library = Path(self._folder.name, f"native-{platform}.so")
        done = subprocess.run([sys.executable, HERE / "machine_code.py", library])
        if done.returncode:  # which has said why
            sys.exit(done.returncode)
        build_data["force_include"][str(library)] = f"asr/util/{library.name}"
        build_data["pure_python"] = False
        build_data["tag"] = f"py3-none-{platform.replace('-', '_').replace('.', '_')}"
