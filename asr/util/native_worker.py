"""The program of `asr.util.native_process`: it reads requests, and writes object files.

A request is the names of a module and of a native function in it, and the kinds of arguments.
"""

import os
import pickle
import sys
from importlib import import_module

from asr.util.native import compile_native, make_machine


def main() -> None:
    """Answer requests until there are no more."""
    with os.fdopen(os.dup(1), "wb") as answers:
        os.dup2(2, 1)  # what a library prints is no answer
        while True:
            try:
                module, name, kinds = pickle.load(sys.stdin.buffer)
            except EOFError:
                return
            function = getattr(import_module(module), name).function
            pickle.dump(compile_native(function, kinds, make_machine()), answers)
            answers.flush()


if __name__ == "__main__":
    main()
