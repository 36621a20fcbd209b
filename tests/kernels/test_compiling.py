"""The cache of compiled code: what is kept is found again, what does not fit is
compiled anew, and nothing that happens to a folder stops a program.
"""

import errno
import os
import pickle
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
from numba.core import caching

from spinrnn.files import atomic as files
from spinrnn.kernels import compiling
from spinrnn.kernels.blocks import run_blocks


def total(values):
    s = 0.0
    for i in range(values.size):
        s += 2.0 * values[i]
    return s


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder that alone holds the cache."""
    monkeypatch.setattr(compiling, "cache_folders", lambda: [tmp_path / "cache"])
    monkeypatch.setattr(compiling._warn, "done", False)
    return tmp_path / "cache"


def call(dtype="float64"):
    """Calls `total` as a new process would; returns whether it was loaded from the
    cache, and the warnings.
    """
    entry = compiling.kernel(total)
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        assert entry(np.arange(4, dtype=dtype)) == 12
    return sum(entry.stats.cache_hits.values()) == 1, [str(w.message) for w in seen]


def test_the_kernels_use_this_cache():
    assert type(run_blocks._cache) is compiling.KernelCache
    assert compiling.kernel(total).targetoptions == {
        "nopython": True,
        "boundscheck": None,
        **compiling._options,
    }


def test_what_is_kept_is_found_again(folder):
    assert call() == (False, [])
    assert call() == (True, [])
    assert call("float32") == (False, [])
    assert call("float32") == (True, [])
    assert len(list(folder.iterdir())) == 2


def test_an_edit_of_any_kernel_file_is_noticed(folder, tmp_path, monkeypatch):
    call()
    monkeypatch.setattr(compiling, "source_stamp", lambda: b"edited")
    assert call() == (False, [])
    assert call() == (True, [])
    assert len(list(folder.iterdir())) == 1  # the old one is replaced
    package = tmp_path / "package"
    (package / "sub").mkdir(parents=True)
    texts = [
        "from spinrnn.kernels.compiling import kernel",
        "import numpy\nfrom llvmlite import ir",
        "def f():\n    from numba import types",
        "import numpy",
        "def f():\n    from spinrnn.kernels.compiling import cache_folders",
    ]
    for number, text in enumerate(texts):
        (package / "sub" / f"{number}.py").write_text(text)
    assert list(compiling.kernel_sources(package)) == ["sub/0.py", "sub/1.py", "sub/2.py"]


def test_numbas_switches_and_version_are_noticed(folder, monkeypatch):
    call()
    monkeypatch.setattr(compiling.config, "BOUNDSCHECK", 1)
    assert call() == (False, [])
    monkeypatch.undo()
    monkeypatch.setattr(compiling, "cache_folders", lambda: [folder])
    assert call() == (True, [])
    monkeypatch.setattr(compiling.numba, "__version__", "0.1")
    assert call() == (False, [])


class Bomb:
    def __reduce__(self):
        return exec, ("raise SystemExit('a damaged file was run')",)


@pytest.mark.parametrize(
    "damage", ["empty", "short", "header", "flipped", "zeros", "garbage", "bomb"]
)
def test_damaged_files_are_replaced(folder, damage):
    call()
    (path,) = folder.iterdir()
    sound = path.read_bytes()
    middle = len(sound) // 2
    path.write_bytes(
        {
            "empty": b"",
            "short": sound[:middle],
            "header": sound[:10],
            "flipped": sound[:middle] + bytes([sound[middle] ^ 1]) + sound[middle + 1 :],
            "zeros": sound[:middle] + bytes(len(sound) - middle),
            "garbage": os.urandom(5000),
            "bomb": sound[: compiling._SEAL] + pickle.dumps(Bomb()),
        }[damage]
    )
    assert call() == (False, [])
    assert call() == (True, [])


def check_survived(reason):
    """Compiles in memory, with one warning in all; returns it."""
    hit, seen = call()
    assert not hit
    assert len(seen) == 1
    assert reason in seen[0]
    assert "set NUMBA_CACHE_DIR" in seen[0]
    assert "\n" not in seen[0]
    assert call("float32") == (False, [])


def test_folders_that_cannot_be_made(tmp_path, folder, monkeypatch):
    (tmp_path / "file").touch()
    (tmp_path / "loop").symlink_to("loop")
    for impossible in (
        tmp_path / "file",
        tmp_path / "file/below",
        tmp_path / "loop",
        Path("/dev/null/cache"),
        Path("/proc/cache"),
    ):
        monkeypatch.setattr(compiling._warn, "done", False)
        monkeypatch.setattr(compiling, "cache_folders", lambda f=impossible: [f])
        check_survived("cannot create the folder")


def test_the_next_folder_is_taken(tmp_path, folder, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setattr(compiling, "cache_folders", lambda: [tmp_path / "file", folder])
    assert call() == (False, [])
    assert call() == (True, [])


def test_a_folder_in_place_of_the_file(folder):
    call()
    (path,) = folder.iterdir()
    path.unlink()
    path.mkdir()
    check_survived("Is a directory")


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS, errno.EACCES, errno.EDQUOT])
def test_folders_that_cannot_be_written(folder, monkeypatch, number):
    def refuse(_):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(files.os, "fsync", refuse)
    check_survived(os.strerror(number))
    assert list(folder.iterdir()) == []


def test_a_folder_that_cannot_be_synced_keeps_the_code(folder, monkeypatch):
    fsync = files.os.fsync

    def refuse(descriptor):
        if Path(os.readlink(f"/proc/self/fd/{descriptor}")).is_dir():
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        fsync(descriptor)

    monkeypatch.setattr(files.os, "fsync", refuse)
    assert call() == (False, [])
    assert call() == (True, [])


def test_a_full_disk(folder):
    folder.mkdir()
    if os.system(f"mount -t tmpfs -o size=8k tmpfs '{folder}' 2>/dev/null"):
        pytest.skip("needs the right to mount a small disk")
    try:
        check_survived("No space left")
        assert list(folder.iterdir()) == []
    finally:
        os.system(f"umount '{folder}'")


def test_a_filled_folder_that_is_read_only_serves(folder, monkeypatch):
    call()
    monkeypatch.setattr(compiling, "write_atomic", None)
    monkeypatch.setattr(compiling, "make_folder", None)
    assert call() == (True, [])


def test_files_of_somebody_else_are_not_run(folder):
    if os.getuid() != 0:
        pytest.skip("only root can give files away")
    call()
    (path,) = folder.iterdir()
    os.chown(path, 54321, -1)
    assert call() == (False, [])
    assert path.stat().st_uid == 0  # replaced


def test_the_folders(tmp_path, monkeypatch):
    monkeypatch.setattr(compiling.config, "CACHE_DIR", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "user"))
    given, package, user = compiling.cache_folders()
    assert given.parent == tmp_path
    assert package == compiling.PACKAGE / "__pycache__"
    assert user.parent == tmp_path / "user" / "numba"
    assert run_blocks._cache.cache_path == str(given)
    monkeypatch.setattr(compiling.config, "CACHE_DIR", "")
    for nowhere in ("~/no/home", ""):  # what is left of a user without a home
        monkeypatch.setenv("XDG_CACHE_HOME", nowhere)
        assert compiling.cache_folders() == [package]


def test_where_numba_has_changed(folder, monkeypatch):
    call()
    with monkeypatch.context() as m:  # a sound file that cannot be read
        m.setattr(compiling.CompileResult, "_rebuild", None)
        check_survived("TypeError")
    with monkeypatch.context() as m:
        m.setattr(compiling.CompileResult, "_reduce", None)
        m.setattr(compiling._warn, "done", False)
        m.setattr(compiling, "source_stamp", lambda: b"edited")
        check_survived("TypeError")
    with (
        monkeypatch.context() as m
    ):  # nothing to hook into: Numba's own cache, which may have no folder
        m.setattr(compiling, "NullCache", None)
        assert type(compiling.kernel(total)._cache) is caching.FunctionCache
        m.setattr(caching.CacheImpl, "_locator_classes", [])
        m.setattr(compiling._warn, "done", False)
        with pytest.warns(RuntimeWarning, match="no locator"):
            assert compiling.kernel(total)(np.ones(3)) == 6


def test_a_package_without_sources(folder, monkeypatch):
    monkeypatch.setattr(compiling, "source_stamp", lambda: b"")
    check_survived("no source files")


@pytest.mark.slow
def test_processes_that_compile_at_the_same_time(tmp_path):
    """Each with its own types, all into one empty folder; afterwards each finds its own."""
    code = (
        "import sys, warnings; warnings.simplefilter('error'); "
        "import test_compiling; print(test_compiling.call(sys.argv[1]))"
    )
    environment = {
        **os.environ,
        "NUMBA_CACHE_DIR": str(tmp_path),
        "PYTHONPATH": str(Path(__file__).parent),
    }
    for expected in ("(False, [])", "(True, [])"):
        started = [
            subprocess.Popen(
                [sys.executable, "-c", code, dtype],
                env=environment,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
            for dtype in ("float32", "int64")
        ]
        assert [process.communicate(timeout=120) for process in started] == [
            (expected + "\n", "")
        ] * 2
    (package,) = tmp_path.iterdir()
    assert len(list(package.iterdir())) == 2
