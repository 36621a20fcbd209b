"""What is installed: versions, HDF5, vectors of the processor, the cache of compiled
code.
"""

import importlib.metadata
import importlib.util
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from spinrnn.doctor import probe
from spinrnn.doctor.verdict import Verdict, dotted, fine, note, one_line, problem
from spinrnn.machine import cgroups

TESTED: dict[str, tuple[int, ...]] = {
    "numpy": (2, 0),
    "numba": (0, 62),
    "scipy": (1, 15),
    "h5py": (3, 11),
    "matplotlib": (3, 10, 7),
    "threadpoolctl": (3, 5),
    "tqdm": (4, 66),
}
"""Oldest versions that spinrnn is made for, as pyproject.toml has them."""
FAULTY_HDF5: dict[tuple[int, ...], str] = {
    (1, 14, 3): "raises floating-point exceptions when it starts, which some programs stop at"
}
EXTRAS = {"dask": "distributed", "mpi": "mpi4py"}
"""{extra: module that it brings}."""
LOCKING = ("TRUE", "FALSE", "1", "0", "BEST_EFFORT")
"""What HDF5 understands in HDF5_USE_FILE_LOCKING."""

# ---- the cache of compiled code ----


def folders_of_cache(seconds: float) -> list[tuple[str, dict[str, Any]]] | Exception:
    """[(folder, facts of `probe.examine`)] of the folders that may hold compiled code.

    The error in its place where Numba cannot be imported.
    """
    try:
        from spinrnn.kernels.compiling import cache_folders
    except Exception as error:  # a broken installation fails in any way
        return error
    return [(str(folder), probe.examine(folder, seconds)) for folder in cache_folders()]


def cache(
    environ: Mapping[str, str], found: list[tuple[str, dict[str, Any]]] | Exception
) -> list[Verdict]:
    """Verdicts on Numba and its cache; found: as `folders_of_cache` returns it."""
    if isinstance(found, Exception):
        text = f"Numba cannot be imported: {one_line(found)}"
        fix = "install numba and llvmlite anew: pip install --force-reinstall numba"
        return [problem("numba", text, fix)]
    return [*_compilation(environ), *_named_folder(environ, found), _folder_in_use(found)]


def _compilation(environ: Mapping[str, str]) -> Iterator[Verdict]:
    if environ.get("NUMBA_DISABLE_JIT", "0") not in ("", "0"):
        text = "NUMBA_DISABLE_JIT is set: everything runs a thousand times slower"
        yield problem("numba", text, "unset NUMBA_DISABLE_JIT")


def _named_folder(
    environ: Mapping[str, str], found: list[tuple[str, dict[str, Any]]]
) -> Iterator[Verdict]:
    """The folder that NUMBA_CACHE_DIR names, which is the first one."""
    if not environ.get("NUMBA_CACHE_DIR") or not found:
        return
    folder, facts = found[0]
    trouble = probe.trouble(facts)
    if trouble:
        text = f"{folder}, which NUMBA_CACHE_DIR names, cannot be written: {trouble}"
        fix = "set NUMBA_CACHE_DIR to a folder of yours that can be written"
        yield problem("cache", text, fix)


def _folder_in_use(found: list[tuple[str, dict[str, Any]]]) -> Verdict:
    """The first folder that can be written, which is the one that is written to."""
    usable = [(folder, facts) for folder, facts in found if not probe.trouble(facts)]
    if not usable:
        reasons = "; ".join(f"{folder}: {probe.trouble(facts)}" for folder, facts in found)
        text = f"compiled code cannot be kept, every run compiles for about ten seconds ({reasons})"
        return problem("cache", text, "set NUMBA_CACHE_DIR to a folder that can be written")
    folder, facts = usable[0]
    kind, look = facts.get("mount", {}).get("type", ""), facts["look"]
    others_may_write = look.get("mode", 0) & 0o002
    if others_may_write:
        text = f"{folder}: others may write to {look['tried']}, and loading a cache runs its code"
        return note("cache", text, "set NUMBA_CACHE_DIR to a folder that only you can write to")
    if kind in probe.NETWORK:
        text = f"{folder} is on a network file system ({kind})"
        cost = "many processes that start at once wait for it"
        fix = "where that is slow, set NUMBA_CACHE_DIR to a folder on the node's own disk"
        return note("cache", f"{text}: {cost}", fix)
    return fine("cache", folder + (f" ({kind})" if kind else ""))


# ---- HDF5 ----


@dataclass(frozen=True)
class Library:
    """The HDF5 at work.

    Attributes:
        h5py: its version; running, built: versions of HDF5, of the library that is
            loaded and of the one that h5py was built against; mpi: whether it was built
            with MPI.
    """

    h5py: str
    running: tuple[int, ...]
    built: tuple[int, ...]
    mpi: bool


def library() -> Library | Exception:
    """The `Library`; the error in its place where h5py cannot be imported."""
    try:
        import h5py

        version = h5py.version
        running = version.hdf5_version_tuple[:3]
        built = getattr(version, "hdf5_built_version_tuple", running)[:3]
        return Library(version.version, running, built, bool(h5py.get_config().mpi))
    except Exception as error:  # a broken installation fails in any way
        return error


def hdf5(environ: Mapping[str, str], found: Library | Exception) -> list[Verdict]:
    """Verdicts on HDF5; found: as `library` returns it."""
    if isinstance(found, Exception):
        text = f"h5py cannot be imported: {one_line(found)}"
        return [problem("HDF5", text, "install it anew: pip install --force-reinstall h5py")]
    return [_library(found), *_locking(environ)]


def _library(found: Library) -> Verdict:
    running, built = found.running, found.built
    text = f"h5py {found.h5py}, HDF5 {dotted(running)}{', with MPI' if found.mpi else ''}"
    if running[:2] != built[:2] or running < built:
        text = f"{text}, but h5py was built against {dotted(built)}"
        risk = "another library is loaded in its place, results may be wrong"
        fix = "unload the hdf5 module, or unset LD_LIBRARY_PATH and LD_PRELOAD; else reinstall h5py"
        return problem("HDF5", f"{text}: {risk}", fix)
    if running in FAULTY_HDF5:
        return note("HDF5", f"{text} {FAULTY_HDF5[running]}", "pip install --upgrade h5py")
    return fine("HDF5", f"{text}; h5py lets one thread into it at a time")


def _locking(environ: Mapping[str, str]) -> Iterator[Verdict]:
    name = "HDF5_USE_FILE_LOCKING"
    asked = environ.get(name)
    if asked is not None and asked not in LOCKING:
        text = f"{name}={asked[:40]!r} is none of TRUE, FALSE and BEST_EFFORT: HDF5 ignores it"
        yield problem(name, text, f"export {name}=BEST_EFFORT, or unset it")


# ---- versions ----


def installed() -> dict[str, str | None]:
    """{package: version, None if missing} of what spinrnn needs."""
    found: dict[str, str | None] = {}
    for name in (*TESTED, "llvmlite"):
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            found[name] = None
    return found


def vectors() -> int | None:
    """Bytes of the processor's vectors; None where the system does not say."""
    text = cgroups.read_text(cgroups.ROOT / "proc/cpuinfo")
    flags = text.partition("\nflags")[2].partition("\n")[0].split()
    if not flags:
        return None
    if "avx512f" in flags:
        return 64
    return 32 if "avx" in flags else 16


def extras() -> dict[str, bool]:
    """{extra: whether it is installed}."""
    return {extra: importlib.util.find_spec(module) is not None for extra, module in EXTRAS.items()}


def versions(
    found: Mapping[str, str | None], python: str, vector: int | None, extra: Mapping[str, bool]
) -> list[Verdict]:
    """Verdicts on what is installed.

    Args:
        found: as `installed` returns it; python: version; vector: as of `vectors`;
            extra: as of `extras`.
    """
    verdicts = [_version(name, version) for name, version in found.items()]
    shown = [f"{name} {found[name]}" for name in ("numpy", "numba", "llvmlite") if found.get(name)]
    return [
        *(verdict for verdict in verdicts if verdict is not None),
        fine("versions", f"Python {python}, {', '.join(shown)}"),
        *_vectors(vector),
        *(_extra(name, there) for name, there in extra.items()),
    ]


def _version(name: str, version: str | None) -> Verdict | None:
    if version is None:
        return problem("versions", f"{name} is not installed", f"pip install {name}")
    numbers = tuple(int(number) for number in re.findall(r"[0-9]+", version)[:3])
    lowest = TESTED.get(name, ())
    if numbers < lowest:
        text = f"{name} {version} is older than {dotted(lowest)}"
        return problem("versions", text, f"pip install '{name}>={dotted(lowest)}'")
    return None


def _vectors(size: int | None) -> Iterator[Verdict]:
    names = {64: "AVX-512", 32: "AVX"}
    if size in names:
        yield fine("processor", f"{names[size]}, vectors of {size} bytes")
    elif size is not None:
        text = "no AVX: kernels take two to four times as long"
        yield note("processor", text, "on a cluster choose newer nodes (--constraint)")


def _extra(name: str, there: bool) -> Verdict:
    advice = f"not installed; pip install 'spinrnn[{name}]', if a sweep is to use it"
    return fine(f"extra {name}", "installed" if there else advice)
