"""What is odd about the surroundings: processors, memory, cache, HDF5, the file system of a folder. Nothing is changed, compiled or left behind.

Each check takes what it judges (environment, numbers, facts) as arguments and returns a list of `Finding`; `examine` gathers all of it from this machine.
"""

import os
import platform
from concurrent.futures import ThreadPoolExecutor

from spinrnn.doctor import probe as filesystem
from spinrnn.doctor.installation import (
    _caches,
    _extras,
    _hdf5,
    _vectors,
    _versions,
    cache,
    hdf5,
    versions,
)
from spinrnn.doctor.memory import memory_checks
from spinrnn.doctor.places import folder_checks
from spinrnn.doctor.processors import _affinity, processors
from spinrnn.errors import StoreError
from spinrnn.machine import cgroups, memory


def examine(folder=".", seconds=5.0):
    """Findings about this process and machine, and about the file system of a folder, which gets `seconds` to answer.

    Raises:
        StoreError: there is no such folder.
    """
    environ = dict(os.environ)
    with ThreadPoolExecutor(2) as pool:
        place = pool.submit(filesystem.examine, folder, seconds)
        caches = pool.submit(_caches, seconds)  # imports Numba meanwhile
        found = processors(environ, _affinity(), os.cpu_count() or 1, cgroups.processor_quota())
        found += memory_checks(environ, cgroups.memory_limit(), memory.available_memory())
        found += versions(_versions(), platform.python_version(), _vectors(), _extras())
        found += hdf5(environ, *_hdf5())
        found += cache(environ, caches.result())
        facts = place.result()
    look = facts.get("look", {})
    if look and not (look["exists"] and look["folder"]):
        raise StoreError(
            f"{folder}: {'is not a folder' if look['exists'] else 'no such folder'}; name the one that runs are to be written to"
        )
    return [*found, *folder_checks(folder, facts, environ)]


# ---- processors ----


# ---- memory ----


# ---- cache of compiled code ----


# ---- HDF5, versions ----


# ---- a folder ----
