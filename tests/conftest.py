"""Fixtures: small networks, data and sweeps that every test can afford; and what
several tests check.
"""

import contextlib
import functools
import gc
import gzip
import io
import signal
import struct
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure

import spinrnn
from spinrnn import plotting
from spinrnn.cli import main as cli
from spinrnn.config import kinds


def pytest_configure(config):
    """Before several workers start, compiles once what they all need: see warm.py.

    What compilers make are millions of objects without circles; the collector that
    looked through all of them took a tenth of the time.
    """
    gc.set_threshold(100_000, 20, 20)
    if hasattr(config, "workerinput") or not getattr(config.option, "numprocesses", None):
        return
    program = Path(__file__).with_name("warm.py")
    started = [
        subprocess.Popen([sys.executable, program, dtype]) for dtype in ("float32", "float64")
    ]
    for process in started:
        process.wait()


def pytest_collection_finish():
    """What has been imported stays: the collector need not look through it."""
    gc.freeze()


@functools.cache
def blank():
    """A picture with nothing in it, PNG."""
    content = io.BytesIO()
    Figure(figsize=(0.1, 0.1)).savefig(content, format="png")
    return content.getvalue()


@pytest.fixture(autouse=True)
def blank_pictures(request, monkeypatch):
    """Figures are made and PNG files written, but painted only for tests that ask for
    `real_pictures`: that takes longer than most trainings here.
    """
    if "real_pictures" not in request.fixturenames:
        monkeypatch.setattr(plotting, "figure_bytes", lambda figure, **_: blank())


@pytest.fixture
def real_pictures():
    """Pictures of pixels."""


@pytest.fixture(autouse=True)
def same_kinds():
    """What a test registers is unknown to the tests after it."""
    registered, others = kinds._registered, (kinds._sources, kinds._files)
    roles = {role: dict(known) for role, known in registered.items()}
    before = [dict(register) for register in others]
    yield
    for register, known in zip((registered, *others), (roles, *before), strict=True):
        register.clear()
        register.update(known)


def forget_kinds():
    """The neurons that a module of tests has registered while it was imported, {name:
    class}; no other test sees them.
    """
    own = dict(kinds._registered.get("neuron", {}))
    for register in (kinds._registered, kinds._sources, kinds._files):
        register.clear()
    return own


@pytest.fixture
def tiny_data():
    """120 noisy sequences of two channels and three classes that a small network learns at once."""
    rng = np.random.default_rng(5)
    labels = np.repeat(np.arange(3), 40)
    patterns = rng.normal(size=(3, 2, 5))
    inputs = patterns[labels] + 0.1 * rng.normal(size=(120, 2, 5))
    return spinrnn.Dataset(inputs, labels, rng.integers(4, 6, 120))


@pytest.fixture
def tiny_config():
    """A run on `tiny_data` that takes a fraction of a second."""
    return spinrnn.RunConfig(
        network=spinrnn.NetworkConfig(
            layers=(6, 5), inputs=2, outputs=3, density_int=0.5, substeps=2
        ),
        train=spinrnn.TrainConfig(epochs=4, batch=16, checkpoint_seconds=0),
    )


@pytest.fixture
def tiny_file(tmp_path, tiny_data):
    """`tiny_data` as a .npz file, and a configuration file of `tiny_config` beside it.
    Returns the path of the latter.
    """
    np.savez(
        tmp_path / "tiny.npz",
        inputs=tiny_data.inputs,
        labels=tiny_data.labels,
        lengths=tiny_data.lengths,
    )
    path = tmp_path / "tiny.toml"
    path.write_text(
        "[network]\nlayers = [6, 5]\ninputs = 2\noutputs = 3\ndensity_int = 0.5\nsubsteps = 2\n"
        '[train]\nepochs = 4\nbatch = 16\ncheckpoint_seconds = 0\n[data]\nsource = "tiny.npz"\n'
    )
    return path


@pytest.fixture
def sweep_file(tiny_file):
    """Function (text of axes and the like, **settings of [sweep]) that writes a sweep
    over `tiny_file` beside it and returns its path.
    """

    def write(text="", epochs=4, **settings):
        lines = [
            "[sweep]",
            *(
                f"{key} = {value}"
                for key, value in ({"name": '"toy"', "base": '"tiny.toml"'} | settings).items()
            ),
        ]
        # the base file writes a checkpoint after every batch, which few sweeps need
        train = f"epochs = {epochs}"
        if "checkpoint_seconds" not in train + text:
            train += "\ncheckpoint_seconds = 1000"
        path = tiny_file.parent / "sweep.toml"
        path.write_text("\n".join([*lines, f"[train]\n{train}", text]))
        return path

    return write


def here(*arguments):
    """The command line, in this process, with the exit status and output of one of its own."""
    handlers = {
        number: signal.getsignal(number)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGUSR1)
    }
    show, output, complaint = warnings.showwarning, io.StringIO(), io.StringIO()
    try:
        with contextlib.redirect_stdout(output), contextlib.redirect_stderr(complaint):
            status = cli.main([*map(str, arguments)])
    except SystemExit as error:
        status = error.code
    finally:
        warnings.showwarning = show
        for number, handler in handlers.items():
            signal.signal(number, handler)
    return subprocess.CompletedProcess(arguments, status, output.getvalue(), complaint.getvalue())


def spinrnn_command(*arguments, **options):
    """The command line as a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "spinrnn", *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=120,
        **options,
    )


def refused(result, *fragments):
    """Checks that a finished command was refused: one line of error, status 2, and the
    fragments in it.
    """
    assert result.returncode == 2, result.stderr
    lines = result.stderr.strip().splitlines()
    assert len(lines) == 1, result.stderr
    for fragment in fragments:
        assert fragment in lines[0], lines[0]


IDX_CODES = {"u1": 8, "i1": 9, "i2": 11, "i4": 12, "f4": 13, "f8": 14}


def idx_bytes(array):
    """The array as an IDX file."""
    array = np.asarray(array)
    header = struct.pack(
        f">BBBB{array.ndim}I", 0, 0, IDX_CODES[array.dtype.str[1:]], array.ndim, *array.shape
    )
    return header + array.astype(array.dtype.newbyteorder(">")).tobytes()


@pytest.fixture
def idx_folder(tmp_path):
    """A small MNIST: 60 training and 18 test images of 3 x 4 pixels in three classes;
    the training files gzipped. Returns the folder.
    """
    folder = tmp_path / "sets" / "mnist.small"
    folder.mkdir(parents=True)
    rng = np.random.default_rng(3)
    patterns = rng.integers(0, 200, (3, 3, 4))
    for part, cases in (("train", 60), ("t10k", 18)):
        labels = np.arange(cases) % 3
        images = patterns[labels] + rng.integers(0, 56, (cases, 3, 4))
        for name, array in (("images-idx3", images), ("labels-idx1", labels)):
            content = idx_bytes(array.astype(np.uint8))
            path = folder / f"{part}-{name}-ubyte"
            if part == "train":
                path.with_name(path.name + ".gz").write_bytes(gzip.compress(content))
            else:
                path.write_bytes(content)
    return folder


@pytest.fixture
def net():
    return spinrnn.Network(
        spinrnn.NetworkConfig(layers=(5, 4, 6), inputs=2, outputs=3, density_int=0.5, substeps=3),
        seed=1,
    )


@pytest.fixture
def given():
    """Inputs (37, 2, 7), lengths and labels; 37 cases are three blocks, the last one not full."""
    rng = np.random.default_rng(0)
    return rng.normal(size=(37, 2, 7)), rng.integers(3, 8, 37), np.arange(37) % 3


@pytest.fixture
def written(net, given, tmp_path):
    """(network, its trajectory in memory, path of its file with all variables)."""
    u, lengths, labels = given
    path = tmp_path / "traces.h5"
    net.simulate_to(path, u, lengths, labels=labels, variables=("p", "m", "drive", "output"))
    return net, net.simulate(u, lengths), path


def tmpfs(folder, size):
    """For a fixture: yields the folder as a file system of its own with so much room;
    skips where that cannot be had.
    """
    folder.mkdir()
    if subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", folder], capture_output=True
    ).returncode:
        pytest.skip("mounting a tmpfs needs root")
    yield folder
    subprocess.run(["umount", "-l", folder], check=True)
