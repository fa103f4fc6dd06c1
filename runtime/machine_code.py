"""Compile the native functions of the package to a shared library, for any computer of this kind.

    python runtime/machine_code.py asr/util/native-linux-x86_64.so

It needs numba, and a C compiler, which links. `asr.util.native_library` finds the functions.
"""

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from asr.decoding.first_use import call_all
from asr.util.native import Native, compile_native

#: Family of processors -> the oldest model that the code runs on: that of NumPy's wheels.
OLDEST = {"x86_64": "x86-64-v2"}
LINKER = "cc"


def main() -> None:
    """Compile every native function, with the arguments of any use, into the named library."""
    if shutil.which(LINKER) is None:
        sys.exit(f"{LINKER}: no such program; install a C compiler, or `pip install ./runtime`")
    call_all()
    modules = [module for name, module in sys.modules.items() if name.startswith("asr.")]
    found = {one for module in modules for one in vars(module).values() if isinstance(one, Native)}
    make_library(found, Path(sys.argv[1]))


def make_library(functions: Iterable[Native], path: Path) -> None:
    """Compile functions for the arguments that they have been called with, and link them.

    Raises:
        subprocess.CalledProcessError: the C compiler cannot link them.
    """
    machine = make_portable_machine()
    with tempfile.TemporaryDirectory() as folder:
        objects = []
        for one in functions:
            for kinds in one.kinds:
                objects.append(Path(folder, f"{len(objects)}.o"))
                objects[-1].write_bytes(compile_native(one.function, kinds, machine))
        subprocess.run([LINKER, "-shared", "-o", path, *objects, "-lm"], check=True)


def make_portable_machine() -> Any:
    """Describe to LLVM a computer of this kind that is as old as any."""
    import llvmlite.binding as llvm

    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    target = llvm.Target.from_default_triple()
    family = target.triple.split("-")[0]
    return target.create_target_machine(cpu=OLDEST.get(family, "generic"), opt=3, reloc="pic")


if __name__ == "__main__":
    main()
