"""How files of spinrnn end that are larger than memory: what their writer and their reader agree on."""

import os

SEALED, UNSEALED, SEAL_SIZE = b"spinrnn stream 1", b"spinrnn stopped\n", 64
"""How the last bytes of a streamed file begin, and their number; see `streamed`."""


def is_streamed(path):
    """Whether the file ends as those of `streamed.StreamWriter` do, finished or not; False also where it cannot be read."""
    try:
        with open(path, "rb") as file:
            file.seek(-SEAL_SIZE, os.SEEK_END)
            return file.read(len(SEALED)) in (SEALED, UNSEALED)
    except (OSError, ValueError):
        return False
