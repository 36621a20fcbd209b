"""What is odd about the surroundings of a run. Nothing is changed, compiled or left
behind.

Processors, memory, what is installed, and the file system of a folder: each check takes
what it judges (environment, numbers, facts) as arguments and returns verdicts;
`examine` asks this machine for all of it.
"""

import os
import platform
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from spinrnn.doctor import installation, probe
from spinrnn.doctor.memory import memory_checks
from spinrnn.doctor.places import folder_checks
from spinrnn.doctor.processors import affinity, processors
from spinrnn.doctor.verdict import Verdict
from spinrnn.errors import StoreError
from spinrnn.machine import cgroups, memory


def examine(folder: str | Path = ".", seconds: float = 5.0) -> list[Verdict]:
    """Verdicts on this process, this machine and the file system of a folder.

    Args:
        folder: where runs are to be written; seconds: that it gets to answer.
    Raises:
        StoreError: there is no such folder.
    """
    environ = dict(os.environ)
    with ThreadPoolExecutor(2) as pool:
        place = pool.submit(probe.examine, folder, seconds)
        # imports Numba meanwhile
        caches = pool.submit(installation.folders_of_cache, seconds)
        machine, quota = os.cpu_count() or 1, cgroups.processor_quota()
        found = processors(environ, affinity(), machine, quota)
        found += memory_checks(environ, cgroups.memory_limit(), memory.available_memory())
        found += installation.versions(
            installation.installed(),
            platform.python_version(),
            installation.vectors(),
            installation.extras(),
        )
        found += installation.hdf5(environ, installation.library())
        found += installation.cache(environ, caches.result())
        facts = place.result()
    _check_exists(folder, facts.get("look", {}))
    return [*found, *folder_checks(folder, facts, environ)]


def _check_exists(folder: str | Path, look: dict) -> None:
    if not look or (look["exists"] and look["folder"]):
        return
    reason = "is not a folder" if look["exists"] else "no such folder"
    raise StoreError(f"{folder}: {reason}; name the one that runs are to be written to")
