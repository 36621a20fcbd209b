"""What is installed: versions, HDF5, the processor's vectors, the cache of compiled code."""

import importlib
import importlib.metadata
import importlib.util
import re

from spinrnn.doctor import probe as filesystem
from spinrnn.doctor.verdict import Finding, _dotted, _line
from spinrnn.machine import cgroups

TESTED = {
    "numpy": (2, 0),
    "numba": (0, 61),
    "scipy": (1, 15),
    "h5py": (3, 11),
    "matplotlib": (3, 8, 4),
    "threadpoolctl": (3, 5),
    "tqdm": (4, 66),
}
"""Oldest versions that spinrnn is made for, as pyproject.toml has them."""


FAULTY_HDF5 = {
    (1, 14, 3): "raises floating-point exceptions when it starts, which some programs stop at"
}


EXTRAS = {"dask": "distributed", "mpi": "mpi4py"}


def _caches(seconds):
    """[(folder, facts)] of the folders that may hold compiled code; an exception where Numba cannot be imported."""
    try:
        from spinrnn.kernels.compiling import cache_folders
    except Exception as error:  # a broken installation fails in any way
        return error
    return [(str(folder), filesystem.examine(folder, seconds)) for folder in cache_folders()]


def cache(environ, found):
    """Of the cache: found, as `_caches` returns it."""
    if isinstance(found, Exception):
        text = f"Numba cannot be imported: {type(found).__name__}: {_line(found)}"
        return [
            Finding(
                "numba",
                "problem",
                text,
                "install numba and llvmlite anew: pip install --force-reinstall numba",
            )
        ]
    findings = []
    if environ.get("NUMBA_DISABLE_JIT", "0") not in ("", "0"):
        findings.append(
            Finding(
                "numba",
                "problem",
                "NUMBA_DISABLE_JIT is set: everything runs a thousand times slower",
                "unset NUMBA_DISABLE_JIT",
            )
        )
    usable = [(folder, facts) for folder, facts in found if not _trouble(facts)]
    for folder, facts in found[: 1 if environ.get("NUMBA_CACHE_DIR") else 0]:
        if _trouble(facts):
            text = f"{folder}, which NUMBA_CACHE_DIR names, cannot be written: {_trouble(facts)}"
            findings.append(
                Finding(
                    "cache",
                    "problem",
                    text,
                    "set NUMBA_CACHE_DIR to a folder of yours that can be written",
                )
            )
    if not usable:
        reasons = "; ".join(f"{folder}: {_trouble(facts)}" for folder, facts in found)
        text = f"compiled code cannot be kept, every run compiles for about ten seconds ({reasons})"
        return [
            *findings,
            Finding(
                "cache", "problem", text, "set NUMBA_CACHE_DIR to a folder that can be written"
            ),
        ]
    folder, facts = usable[0]
    kind, look = facts.get("mount", {}).get("type", ""), facts["look"]
    if look.get("mode", 0) & 0o002:
        text = f"{folder}: others may write to {look['tried']}, and loading a cache runs its code"
        return [
            *findings,
            Finding(
                "cache", "note", text, "set NUMBA_CACHE_DIR to a folder that only you can write to"
            ),
        ]
    if kind in filesystem.NETWORK:
        text = f"{folder} is on a network file system ({kind}): many processes that start at once wait for it"
        return [
            *findings,
            Finding(
                "cache",
                "note",
                text,
                "where that is slow, set NUMBA_CACHE_DIR to a folder on the node's own disk",
            ),
        ]
    return [*findings, Finding("cache", "fine", f"{folder}" + (f" ({kind})" if kind else ""))]


def _trouble(facts):
    """Why a folder cannot be written, "" if it can."""
    if "hung" in facts:
        return f"it does not answer ({facts['hung']})"
    if "failed" in facts:
        return facts["failed"]
    if not facts.get("look", {}).get("folder"):
        return "is not a folder"
    error = facts.get("write", {}).get("error")
    return error[1] if error else ""


def _hdf5():
    """(h5py's version, HDF5 version at work, HDF5 version built against, with MPI), or one exception in place of all."""
    try:
        import h5py

        v = h5py.version
        return (
            v.version,
            v.hdf5_version_tuple[:3],
            getattr(v, "hdf5_built_version_tuple", v.hdf5_version_tuple)[:3],
            h5py.get_config().mpi,
        )
    except Exception as error:  # a broken installation fails in any way
        return error, None, None, None


def hdf5(environ, h5py_version, running, built, mpi):
    """Of HDF5: the versions, as tuples of three numbers."""
    if isinstance(h5py_version, Exception):
        text = f"h5py cannot be imported: {type(h5py_version).__name__}: {_line(h5py_version)}"
        return [
            Finding("HDF5", "problem", text, "install it anew: pip install --force-reinstall h5py")
        ]
    text, findings = (
        f"h5py {h5py_version}, HDF5 {_dotted(running)}{', with MPI' if mpi else ''}",
        [],
    )
    if running[:2] != built[:2] or running < built:
        text = f"{text}, but h5py was built against {_dotted(built)}: another library is loaded in its place, results may be wrong"
        findings.append(
            Finding(
                "HDF5",
                "problem",
                text,
                "unload the hdf5 module, or unset LD_LIBRARY_PATH and LD_PRELOAD; else reinstall h5py",
            )
        )
    elif running in FAULTY_HDF5:
        findings.append(
            Finding("HDF5", "note", f"{text} {FAULTY_HDF5[running]}", "pip install --upgrade h5py")
        )
    else:
        findings.append(Finding("HDF5", "fine", f"{text}; h5py lets one thread into it at a time"))
    locking = environ.get("HDF5_USE_FILE_LOCKING")
    if locking is not None and locking not in ("TRUE", "FALSE", "1", "0", "BEST_EFFORT"):
        text = f"HDF5_USE_FILE_LOCKING={locking[:40]!r} is none of TRUE, FALSE and BEST_EFFORT: HDF5 ignores it"
        findings.append(
            Finding(
                "HDF5_USE_FILE_LOCKING",
                "problem",
                text,
                "export HDF5_USE_FILE_LOCKING=BEST_EFFORT, or unset it",
            )
        )
    return findings


def _versions():
    """{package: version, None if missing} of what spinrnn needs."""
    found = {}
    for name in (*TESTED, "llvmlite"):
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            found[name] = None
    return found


def versions(found, python, vectors, extras):
    """Of versions: {package: version or None}; vectors: bytes of a processor's vector, None if unknown; extras: {extra: there or not}."""
    findings = []
    for name, version in found.items():
        if version is None:
            findings.append(
                Finding("versions", "problem", f"{name} is not installed", f"pip install {name}")
            )
        elif (
            name in TESTED
            and tuple(int(n) for n in re.findall(r"[0-9]+", version)[:3]) < TESTED[name]
        ):
            least = _dotted(TESTED[name])
            findings.append(
                Finding(
                    "versions",
                    "problem",
                    f"{name} {version} is older than {least}",
                    f"pip install '{name}>={least}'",
                )
            )
    shown = ", ".join(
        f"{name} {found[name]}" for name in ("numpy", "numba", "llvmlite") if found.get(name)
    )
    findings.append(Finding("versions", "fine", f"Python {python}, {shown}"))
    if vectors is not None:
        name = {64: "AVX-512", 32: "AVX"}.get(vectors)
        slow = Finding(
            "processor",
            "note",
            "no AVX: kernels take two to four times as long",
            "on a cluster choose newer nodes (--constraint)",
        )
        findings.append(
            Finding("processor", "fine", f"{name}, vectors of {vectors} bytes") if name else slow
        )
    for extra, there in extras.items():
        text = (
            "installed"
            if there
            else f"not installed; pip install 'spinrnn[{extra}]', if a sweep is to use it"
        )
        findings.append(Finding(f"extra {extra}", "fine", text))
    return findings


def _vectors():
    flags = (
        cgroups.read_text(cgroups.ROOT / "proc/cpuinfo")
        .partition("\nflags")[2]
        .partition("\n")[0]
        .split()
    )
    return None if not flags else 64 if "avx512f" in flags else 32 if "avx" in flags else 16


def _extras():
    return {extra: importlib.util.find_spec(module) is not None for extra, module in EXTRAS.items()}
