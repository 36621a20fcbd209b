"""How files of spinrnn end that are larger than memory: what their writer and their reader agree on."""

import errno
import hashlib
import os
import struct

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


CHECK = 16
"""Bytes of a block's checksum."""


def checksum(content):
    """`CHECK` bytes of SHA-256."""
    return hashlib.sha256(content).digest()[:CHECK]


LARGEST_SEAL = 1 << 28
"""Bytes: what claims more is no seal."""


LAST = struct.Struct("<16sQQ32s")
"""The last bytes: magic, bytes of the table and of the places, SHA-256."""


_PIECE = 1 << 20


def digest_outside(descriptor, end, places):
    """SHA-256, to be continued, of the bytes up to `end` that lie in none of the (offset, bytes of a case, cases)."""
    digest, at = hashlib.sha256(), 0
    for offset, row, cases in sorted([*places, (end, 0, 0)]):
        while at < offset:
            piece = os.pread(descriptor, min(_PIECE, offset - at), at)
            if not piece:
                raise OSError(errno.EIO, "the file became shorter")
            digest.update(piece)
            at += len(piece)
        at = offset + row * cases
    return digest


WHOLE = b"spinrnn whole 1\n"
"""Begins the last 48 bytes of what `write_file` writes; the SHA-256 of all before follows. HDF5 overlooks them, other programs that write cut them off."""
