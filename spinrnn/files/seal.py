"""How files of spinrnn end, behind what HDF5 reads: what both sides agree on.

HDF5 knows its own length and overlooks what follows. There stand the checksums, so a
reader can check them before HDF5 sees a byte: damaged metadata can make that library
hang or crash. A file that fits into memory ends in 48 bytes, `WHOLE` and the SHA-256 of
all before. One that is larger than memory (`streaming` writes it, `lazy` reads it) ends
in a seal of three parts:

    table      16 bytes (of SHA-256) for each block of cases of each streamed dataset
    places     JSON: end of the HDF5 part, cases in a block, and of each streamed
               dataset [name, offset, bytes of a case, cases]
    last 64    `SEALED`, lengths of table and places, SHA-256 of all that is in no
               streamed dataset: the rest of the HDF5 part, the table and the places

Until it is complete its last 64 bytes begin with `UNSEALED`, so that it is known as
unfinished even if somebody renames it.
"""

import errno
import hashlib
import json
import os
import struct
from dataclasses import dataclass

from spinrnn.errors import StoreError

WHOLE = b"spinrnn whole 1\n"
SEALED = b"spinrnn stream 1"
UNSEALED = b"spinrnn stopped\n"
LAST = struct.Struct("<16sQQ32s")
"""The last bytes of a file larger than memory, as above."""
CHECK = 16
"""Bytes of a block's checksum."""
_PIECE = 1 << 20
"""Bytes that are read at a time for a checksum."""


# ---- files that fit into memory ----


def with_digest(content):
    """The bytes of a file with its 48 last ones."""
    return content + WHOLE + hashlib.sha256(content).digest()


def without_digest(path, content):
    """The bytes before the last 48; StoreError if they do not match their checksum.

    Files that spinrnn wrote before it had these 48 bytes, and files of others, come as
    they are.
    """
    # in the last 96, should bytes of the end be lost or others follow it
    start = content.rfind(WHOLE, -96)
    if start < 0:
        return content
    content, digest = content[:start], content[start + len(WHOLE) :]
    if digest != hashlib.sha256(content).digest():
        raise StoreError(f"{path}: damaged, its content does not match its checksum")
    return content


# ---- files larger than memory ----


def checksum(block):
    """`CHECK` bytes of SHA-256."""
    return hashlib.sha256(block).digest()[:CHECK]


def is_streamed(path):
    """Whether a file ends as a streamed one, finished or not; False if it is
    unreadable.
    """
    try:
        with open(path, "rb") as file:
            file.seek(-LAST.size, os.SEEK_END)
            return file.read(len(SEALED)) in (SEALED, UNSEALED)
    except (OSError, ValueError):
        return False


@dataclass(frozen=True)
class Places:
    """Where the streamed datasets of a file lie.

    Attributes:
        end: of the HDF5 part, bytes; block: cases in a block.
        datasets: {name: (offset, bytes of a case, cases)}.
    """

    end: int
    block: int
    datasets: dict

    def to_json(self):
        """The bytes that stand in the seal."""
        streamed = [[name, *place] for name, place in self.datasets.items()]
        return json.dumps({"end": self.end, "block": self.block, "streamed": streamed}).encode()

    @classmethod
    def from_json(cls, text):
        """`Places` of these bytes; ValueError if they are none, or overlap."""
        try:
            head = json.loads(text)
            datasets = {name: tuple(place) for name, *place in head["streamed"]}
            places = cls(head["end"], head["block"], datasets)
        except (KeyError, TypeError, RecursionError) as error:
            raise ValueError from error
        if not places._plain() or not places._apart():
            raise ValueError
        return places

    def _plain(self):
        """Whether all of it are whole numbers that can be sizes."""
        rows = list(self.datasets.values())
        numbers = [self.end, self.block, *(number for row in rows for number in row)]
        whole = all(type(number) is int and 0 <= number < 2**62 for number in numbers)
        return whole and self.block > 0 and all(len(row) == 3 for row in rows)

    def _apart(self):
        """Whether the datasets lie one behind the other within the HDF5 part."""
        at = 0
        for offset, row, cases in sorted(self.datasets.values()):
            if offset < at:
                return False
            at = offset + row * cases
        return at <= self.end

    def first_blocks(self):
        """({name: number of its first block in the table}, blocks of all)."""
        first, total = {}, 0
        for name, (_, _, cases) in self.datasets.items():
            first[name] = total
            total += -(-cases // self.block)
        return first, total

    def digest(self, descriptor, tail):
        """SHA-256 of what lies in no streamed dataset; tail: table and places."""
        digest, at = hashlib.sha256(), 0
        for offset, row, cases in sorted([*self.datasets.values(), (self.end, 0, 0)]):
            while at < offset:
                piece = os.pread(descriptor, min(_PIECE, offset - at), at)
                if not piece:
                    raise OSError(errno.EIO, "the file became shorter")
                digest.update(piece)
                at += len(piece)
            at = offset + row * cases
        digest.update(tail)
        return digest.digest()
