"""The decorators of all compiled code, and the cache that keeps its machine code.

Numba's own cache looks at the source file of the entry function only, stops the program
where no folder can be written or a file is damaged, and takes what another process
wrote meanwhile for its own. This one keeps one file for each entry and signature,
sealed with a checksum that covers the source of all kernels. A file whose seal does not
fit is compiled anew and replaced; where nothing can be written, everything works, with
one warning and the time to compile in each process.
"""

import contextlib
import functools
import hashlib
import os
import re
import sys
import warnings
from pathlib import Path

import numba
from numba import config, njit

from spinrnn.errors import StoreError
from spinrnn.files.atomic import UnsyncedError, make_folder, write_atomic

# None of this is public in Numba, whose form of compiled code is a pickle. Where it has
# moved, `kernel` falls back to Numba's own cache.
try:
    from numba.cloudpickle import loads
    from numba.core.caching import NullCache, _Cache
    from numba.core.compiler import CompileResult
    from numba.core.serialize import dumps
    from numba.misc.appdirs import AppDirs
except ImportError:
    NullCache = None

# Numba knows that arguments may not overlap, but has no option for it.
try:
    from numba.core.cpu import CPUTargetOptions
    from numba.core.options import TargetOptions

    CPUTargetOptions.noalias = TargetOptions.Mapping("noalias")
    _apart = {"noalias": True}
except (ImportError, AttributeError):
    # slower, as loops that write several arrays are then not vectorised
    _apart = {}

# fastmath may fuse a multiplication with an addition and nothing else: NaN must stay
# NaN, it is the alarm of a diverging run. Without counting references, as kernels
# neither make arrays nor return them.
_options = {"nogil": True, "_nrt": False, "error_model": "numpy", "fastmath": {"contract"}}
_bare = {"no_cpython_wrapper": True, "no_cfunc_wrapper": True, **_options}

_tags = []


@contextlib.contextmanager
def tagged(tag):
    """Within it functions that are decorated get names of their own in machine code.

    Those of another process, which come from the cache, could have the same names else,
    where functions are made by other functions and numbered as they come.
    """
    _tags.append(tag)
    try:
        yield
    finally:
        _tags.pop()


def _decorator(**options):
    make = njit(**options)

    def decorate(function):
        if _tags:
            function.__qualname__ += f".{_tags[-1]}"
        return make(function)

    return decorate


piece = njit(**_bare)
"""Decorator of a part of a kernel, called by kernels only.

Without the wrappers that Python would need it compiles in half the time.
"""

inlined = njit(inline="always", **_bare)
"""Decorator of a piece that is put in at its call before anything is typed.

LLVM would optimise a called piece again in each of its callers.
"""

joined = _decorator(forceinline=True, **_bare)
"""Decorator of a piece that LLVM puts in at its call: for functions of authors, whose
source need not be of the few forms that `inlined` takes.
"""

rounded_joined = _decorator(forceinline=True, **{**_bare, "fastmath": False})
"""`joined` that rounds after each operation: which product is fused with a sum depends
on the loop that a function is put into, and so would its last bits.
"""

alone = njit(**_options)
"""Decorator of a function that Python calls and that is not kept, for checks."""

loop = _decorator(**_apart, **_bare)
"""Decorator of a piece whose array arguments never overlap.

The compiler must know that to vectorise a loop that writes several arrays.
"""

rounded = _decorator(**_apart, **{**_bare, "fastmath": False})
"""Decorator of a piece of a `rounded_kernel`, which rounds as that does; its array
arguments must never overlap.
"""


def rounded_kernel(function):
    """`kernel` that rounds after each operation as NumPy does: no product is fused with
    a sum. Its array arguments must never overlap, as with `loop`.
    """
    return kernel(function, options={**_options, **_apart, "fastmath": False})


def kernel(function, name=None, further=b"", options=None):
    """Decorator of an entry that Python calls.

    Compiled at the first call with new types, or loaded from the cache; releases the
    GIL.

    Args:
        name: of its files in the cache, where it is not the function's.
        further: what its code depends on besides the sources of the kernels; None: it
            cannot be said, and the entry is not kept.
        options: of Numba, where they are others.
    """
    options = _options if options is None else options
    entry = _decorator(**options)(function)
    if config.DISABLE_JIT or further is None:
        return entry
    if NullCache is not None and isinstance(getattr(entry, "_cache", None), NullCache):
        entry._cache = KernelCache(function, name, further)
        return entry
    if further:
        return entry
    try:
        return njit(cache=True, **options)(function)
    except RuntimeError as error:
        # Numba's way to say that it finds no folder
        _warn(error)
        return entry


# ---- the source that a cached kernel depends on ----

PACKAGE = Path(__file__).parent.parent
_HOLDS_KERNELS = re.compile(
    rb"^[ \t]*(?:from|import)[ \t]+(?:numba|llvmlite)\b"
    rb"|^(?:from|import)[ \t]+(?:spinrnn\.kernels\.compiling"
    rb"|spinrnn\.kernels[ \t]+import[ \t]+compiling)\b",
    re.M,
)


def kernel_sources(package=PACKAGE):
    """{path: content} of the package's files that hold compiled code.

    Those are the ones that import Numba or llvmlite, or this module at their head.
    """
    contents = {
        path.relative_to(package).as_posix(): path.read_bytes()
        for path in sorted(package.rglob("*.py"))
    }
    return {path: content for path, content in contents.items() if _HOLDS_KERNELS.search(content)}


@functools.cache
def source_stamp():
    """Digest of `kernel_sources`; b"" if they cannot be read, as in a zip file."""
    try:
        sources = kernel_sources()
    except OSError:
        return b""
    return hashlib.sha256(repr(sources).encode()).digest() if sources else b""


# ---- the cache ----

_SEAL = hashlib.sha256().digest_size
# of Numba's config; they change the code
_SWITCHES = ("OPT", "BOUNDSCHECK", "DEBUGINFO_DEFAULT", "LOOP_VECTORIZE", "SLP_VECTORIZE")


def cache_folders():
    """Folders that may hold compiled code, in the order of search.

    NUMBA_CACHE_DIR, the package's __pycache__, the user's cache.
    """
    # installations that share a folder stay apart
    name = f"spinrnn-{hashlib.sha256(os.fsencode(PACKAGE)).hexdigest()[:16]}"
    given = [Path(config.CACHE_DIR).absolute() / name] if config.CACHE_DIR else []
    user = Path(AppDirs(appname="numba", appauthor=False).user_cache_dir)
    # that of a user without a home is not absolute
    own = [user / name] if user.is_absolute() else []
    return [*given, PACKAGE / "__pycache__", *own]


def _read(path):
    """Content of a cache file.

    None if there is none, or one that somebody else may have put there: loading it runs
    its code.
    """
    try:
        with open(path, "rb") as file:
            trusted = {getattr(os, "getuid", int)(), 0, os.stat(__file__).st_uid}
            return file.read() if os.fstat(file.fileno()).st_uid in trusted else None
    except OSError:
        return None


def _warn(reason):
    """Says once in a process that nothing is kept, and why."""
    if not _warn.done:
        _warn.done = True
        text = (
            "compiled code cannot be kept and every run compiles anew;"
            " set NUMBA_CACHE_DIR to a folder that can be written"
        )
        warnings.warn(f"{text} ({' '.join(str(reason).split())})", RuntimeWarning, stacklevel=3)


_warn.done = False


if NullCache is not None:

    class KernelCache(_Cache):
        """The interface to compiled code that Numba's dispatcher expects."""

        def __init__(self, function, name=None, further=b""):
            self._entry = name or f"{function.__module__}.{function.__qualname__}"
            # now: files may be edited before the first call, and this process runs what
            # it has imported
            self._stamp, self._further = source_stamp(), further
            self._enabled = True

        def load_overload(self, sig, target_context):
            """The compiled entry for the argument types `sig`; None if none is kept.

            It is that of the first folder with a sound file.
            """
            target_context.refresh()
            if not (self._enabled and self._stamp):
                return None
            name = self._name(sig, target_context)
            for folder in cache_folders():
                content = _read(folder / name)
                if content and content[:_SEAL] == self._seal(name, content[_SEAL:]):
                    try:
                        return CompileResult._rebuild(target_context, *loads(content[_SEAL:]))
                    except Exception as error:
                        # sound, yet Numba cannot read it: its insides have changed
                        _warn(f"{folder / name}: {type(error).__name__}: {error}")
            return None

        def save_overload(self, sig, data):
            """Keeps a CompileResult in the first folder that takes it, or warns."""
            if not self._enabled:
                return
            if not self._stamp:
                return _warn(f"{PACKAGE}: no source files")
            try:
                if data.library.has_dynamic_globals:
                    # addresses of this process
                    return _warn(f"{self._entry} holds addresses")
                name, payload = self._name(sig, data.target_context), dumps(data._reduce())
            except Exception as error:
                # Numba's insides have changed, or it cannot write out a kernel of a new
                # kind
                return _warn(f"{self._entry}: {type(error).__name__}: {error}")
            problems = []
            for folder in cache_folders():
                try:
                    make_folder(folder)
                    return write_atomic(folder / name, self._seal(name, payload) + payload)
                except UnsyncedError:
                    return  # it is kept, and a power cut costs no more than compiling anew
                except StoreError as error:
                    problems.append(str(error))
            _warn("; ".join(problems))

        def _name(self, sig, target_context):
            """File name: the entry, and a digest of all that its code depends on."""
            key = (
                sig,
                target_context.codegen().magic_tuple(),
                [getattr(config, switch, None) for switch in _SWITCHES],
                self._further,
            )
            digest = hashlib.sha256(repr(key).encode()).hexdigest()[:16]
            python = f"{sys.implementation.cache_tag}{sys.abiflags}"
            return f"{self._entry}.{python}.{digest}.nbc"

        def _seal(self, name, payload):
            """Digest by which the payload is known as what would be compiled now."""
            return hashlib.sha256(
                self._stamp + f"{numba.__version__} {name} ".encode() + payload
            ).digest()

        @property
        def cache_path(self):
            return str(cache_folders()[0])

        def enable(self):
            self._enabled = True

        def disable(self):
            self._enabled = False

        def flush(self):
            """Nothing: a file that does not fit is replaced at the next compilation."""
