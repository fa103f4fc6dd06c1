"""How the search is compiled.

`compiled` is numba's `njit`, cached on disk after the first use, running without the interpreter's
lock.

`borrowing` is the same for a function that neither allocates nor returns an array. Left alone,
numba counts a reference to every array of every argument at each call, an atomic instruction each
time; the search makes hundreds of calls a frame with two dozen arrays among their arguments, and
spent two thirds of its time on it. A function that only reads and writes arrays its caller holds
needs no count. (One that returned such an array would hand out a reference nobody counted: a
crash, not an error.)

numba's cache on disk notices a change of a function's own file, not of a function that it calls.
After editing one of the files here, remove `asr/decoding/__pycache__`; the tests look after
themselves.
"""

from functools import partial

from numba import njit

compiled = partial(njit, cache=True, nogil=True)()
borrowing = partial(njit, cache=True, nogil=True, _nrt=False)()
