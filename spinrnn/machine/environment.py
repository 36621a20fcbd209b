"""What a run ran on, kept beside its results: versions, processor, threads."""

import datetime
import importlib.metadata
import os
import platform
from pathlib import Path

from spinrnn.machine.threads import get_threads


def describe():
    """Dictionary of versions, processor, threads and date, ready for JSON."""
    packages = ("spinrnn", "numpy", "numba", "llvmlite", "scipy", "h5py", "matplotlib")
    return {
        "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "python": platform.python_version(),
        "packages": {name: _version(name) for name in packages},
        "system": platform.platform(),
        "processor": _processor(),
        "processors": os.cpu_count(),
        "threads": get_threads(),
        "slurm_job": os.environ.get("SLURM_JOB_ID"),
    }


def _version(name):
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def _processor():
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()
