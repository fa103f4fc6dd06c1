"""How the search is compiled.

`compiled` is numba's `njit`, cached on disk after the first use, running without the interpreter's
lock.

`borrowing` is the same for a function that allocates nothing. Left alone, numba counts a reference
to every array of every argument at each call, an atomic instruction each time; the search makes
hundreds of calls a frame with two dozen arrays among their arguments, and spent two thirds of its
time on it. A function that only reads and writes arrays its caller holds needs no count.
"""

from functools import partial

from numba import njit

compiled = partial(njit, cache=True, nogil=True)()
borrowing = partial(njit, cache=True, nogil=True, _nrt=False)()
