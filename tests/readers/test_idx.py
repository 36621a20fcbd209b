"""IDX files: every type, plain and gzipped; what is damaged or hostile is refused."""

import gzip
import os
import struct
import tracemalloc

import numpy as np
import pytest
from conftest import IDX_CODES, idx_bytes

import spinrnn
from spinrnn.readers.idx import IdxFile


def read(path, content, dimensions=1):
    path.write_bytes(content)
    return IdxFile(path, dimensions).read()


@pytest.mark.parametrize("dtype", IDX_CODES)
@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_every_type(tmp_path, dtype, pack):
    array = (np.random.default_rng(0).normal(size=(5, 2, 3)) * 50).astype(dtype)
    result = read(tmp_path / "x", pack(idx_bytes(array)), 3)
    assert result.dtype == np.dtype(dtype)
    np.testing.assert_array_equal(result, array)


def test_the_bytes_of_the_format(tmp_path):
    """Written out by hand, the highest byte first."""
    content = bytes.fromhex("00000b02 00000002 00000001 0102 ffff")
    np.testing.assert_array_equal(read(tmp_path / "x", content, 2), [[258], [-1]])


GOOD = idx_bytes(np.arange(100, dtype=np.uint8))
PACKED = gzip.compress(GOOD, mtime=0)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "not an IDX file, it begins with the bytes \\(none\\)"),
        (GOOD[:3], "not an IDX file"),
        (b"\x89PNG" + GOOD, "not an IDX file, it begins with the bytes 89 50 4e 47"),
        (b"\0\0\x0a" + GOOD[3:], "not an IDX file"),  # a type code that the format does not have
        (b"\0\1" + GOOD[2:], "not an IDX file"),
        (b"\0\0\x08\x02" + GOOD[4:], "has 2 dimensions, expected 1"),
        (GOOD[:6], "truncated within its header"),
        (GOOD[:-1], "truncated, its header claims 100 values of type ubyte but 99 bytes follow"),
        (GOOD + b"\0", "too long, its header claims 100 values of type ubyte but 101 bytes follow"),
        (idx_bytes(np.empty(0, np.uint8)), "empty"),
        (struct.pack(">BBBBI", 0, 0, 8, 1, 2**32 - 1), r"more than 1\.1e\+09"),
        (gzip.compress(GOOD[:3], mtime=0), "not an IDX file"),
        (gzip.compress(GOOD[:6], mtime=0), "truncated within its header"),
        (gzip.compress(GOOD[:-1], mtime=0), "truncated, 99 of 100 bytes follow"),
        (gzip.compress(GOOD + b"\0", mtime=0), "too long, more than 100 bytes follow"),
        (
            gzip.compress(struct.pack(">BBBBI", 0, 0, 14, 1, 2**30), mtime=0),
            "more than .* bytes of gzip can hold",
        ),
        (PACKED[:5], "truncated or damaged gzip"),
        (PACKED[:40], "truncated or damaged gzip"),
        (PACKED[:-1], "truncated or damaged gzip"),
        (PACKED[:-8] + b"\0\0\0\0" + PACKED[-4:], "truncated or damaged gzip file .CRC"),
        (PACKED[:10] + b"\xff" + PACKED[11:], "truncated or damaged gzip"),
        (PACKED + b"more", "truncated or damaged gzip"),
    ],
)
def test_bad_files(tmp_path, content, message):
    with pytest.raises(spinrnn.StoreError, match=rf"^{tmp_path}/x\.gz: .*{message}") as caught:
        read(tmp_path / "x.gz", content)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("claim", [100, 50_000_000])
def test_a_bomb_takes_no_memory(tmp_path, claim):
    """Zeros of which no more is unpacked than the header claims; a header that claims
    more.
    """
    header = struct.pack(">BBBBI", 0, 0, 8, 1, claim)
    zeros = gzip.compress(header + bytes(40_000_000 if claim == 100 else 1000))
    path = tmp_path / "bomb.gz"
    path.write_bytes(zeros if claim == 100 else zeros + gzip.compress(os.urandom(60_000), 1)[:-8])
    tracemalloc.start()
    with pytest.raises(spinrnn.StoreError, match="too long" if claim == 100 else "truncated"):
        IdxFile(path, 1).read()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    # tracemalloc counts what is asked for, also where it is never touched
    assert peak < 5e6 + claim
