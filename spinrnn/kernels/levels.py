"""Levels by kind: compiled or taken from the cache, and kept for their address."""

import hashlib
import threading

import numba
import numpy as np
from numba import types

from spinrnn.kernels.authors import fingerprint
from spinrnn.kernels.compiling import kernel, tagged
from spinrnn.kernels.pointers import address_of
from spinrnn.kernels.stepping import Constants, Level, Noise, Places, level_of

_kept = {}
"""{(functions, form, dtype): (compiled function, address)}."""
_lock = threading.Lock()


def level_address(functions, form, dtype, kind):
    """Address of the level of a kind's `Functions` in a `Form` and precision.

    kind: names its file in the cache; what it holds is known by its instructions.
    """
    key = (functions, form, np.dtype(dtype))
    with _lock:
        if key not in _kept:
            name, stamp = f"level-{kind}", _stamp(functions, form)
            known = hashlib.sha256(stamp).hexdigest()[:16] if stamp else f"here{len(_kept)}"
            with tagged(known):
                function = kernel(level_of(functions, form), name, stamp)
            _kept[key] = function, address_of(function, signature(dtype))
        return _kept[key][1]


def _stamp(functions, form):
    """What the machine code depends on besides the kernels; None: it is not kept."""
    prints = [fingerprint(part) if callable(part) else part for part in functions]
    missing = any(p is None and part is not None for p, part in zip(prints, functions, strict=True))
    return None if missing else repr((prints, form)).encode()


def signature(dtype):
    """Types of a level's arguments in a network's precision."""
    one, flat = np.dtype(dtype).type(1), np.empty(0, dtype=dtype)
    word = np.uint32(0)
    c = Constants(one, one, one, one, one, 1, flat, 1)
    noise = Noise(word, word, 0, 0)
    places, level = Places(*range(8)), Level(*range(8), True, 0, 0)
    arguments = (c, flat, flat, noise, flat, places, level)
    return types.void(*(numba.typeof(value) for value in arguments))
