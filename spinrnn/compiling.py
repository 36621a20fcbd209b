"""How compiled code is compiled: the decorators of all kernels."""

from numba import njit
from numba.core.cpu import CPUTargetOptions
from numba.core.options import TargetOptions

# Numba has the flag, but no option for it
CPUTargetOptions.noalias = TargetOptions.Mapping("noalias")

# fastmath may fuse a multiplication with an addition and nothing else: NaN must stay NaN, it is the alarm of a diverging run.
_options = {"nogil": True, "_nrt": False, "error_model": "numpy", "fastmath": {"contract"}}
_bare = {"no_cpython_wrapper": True, "no_cfunc_wrapper": True, **_options}

kernel = njit(cache=True, **_options)
# a part of a kernel, called by kernels only: without the wrappers that Python would need it compiles in half the time
piece = njit(**_bare)
# a piece that is put in at its call before anything is typed: for what only gives other pieces their arguments, as LLVM optimises a called
# piece again in each of its callers
inlined = njit(inline="always", **_bare)
# a piece whose array arguments never overlap, which the compiler must know to vectorise a loop that writes several arrays
loop = njit(noalias=True, **_bare)
