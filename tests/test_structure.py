"""The structure of the package: imports go downwards only, heavy libraries stay where they belong, and the plain-Python twin of the kernels runs."""

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

from spinrnn.kernels import compiling

PACKAGE = Path(__file__).parent.parent / "spinrnn"
ORDER = [
    "errors", "filesystem", "config", "files", "compiling", "tiles", "steps", "thermal", "devicesteps", "devices", "kernels", "cgroups", "threads", "memory", "parameters", "trajectory",
    "packing", "engine", "network",
    "gradcheck", "store", "idx", "datasets", "selection", "optim", "training", "environment", "stored", "streamed", "trajectory_file", "figures", "run",
    "quantities", "signals", "sweep.measures", "sweep.spec", "sweep.folder", "sweep.status",
    "sweep.work", "sweep.engines", "sweep.runner", "sweep.cube", "sweep.batch",
    "analysis.spectra", "analysis.device", "analysis.readout", "analysis.recall", "analysis.classes", "analysis.populations",
    "analysis.recordings", "analysis.figures", "analysis.measures", "analysis.report",
    "paper.curves", "paper.traces", "paper.numbers", "paper.robustness", "paper.draw", "paper.guide", "paper.recipes", "paper.reproduction",
    "response", "measured", "diagnosis", "guesses", "identify",
    "measure", "processes", "reference", "bench", "benchtable", "peers", "doctor", "cli_sweep", "cli_reproduce", "cli_simulate", "cli_analyse", "cli_identify", "cli_doctor", "cli", "__main__",
]  # fmt: skip
HOMES = {
    "numba": {"compiling", "tiles", "steps", "thermal"},
    "llvmlite": {"tiles", "thermal"},
    "h5py": {"store", "streamed", "doctor"},
    "matplotlib": {"figures", "paper.draw", "analysis.figures"},
    "tqdm": {"cli", "cli_simulate"},
    "threadpoolctl": {"measure"},
    "jax": {"peers"},
    "torch": {"peers"},
    "scipy": {"gradcheck", "training", "analysis.spectra", "analysis.device", "diagnosis", "identify"},
    "argparse": {"cli", "cli_reproduce", "cli_analyse", "cli_identify"},
    "dask": {"sweep.engines"},
    "distributed": {"sweep.engines"},
    "mpi4py": {"sweep.engines"},
}


def modules():
    """{name below spinrnn: path} of all modules."""
    files = [path.relative_to(PACKAGE) for path in PACKAGE.rglob("*.py") if path.name != "__init__.py"]
    return {".".join(path.with_suffix("").parts): PACKAGE / path for path in files}


def imports(path):
    """Modules that a file imports, anywhere in it."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path.name}: relative import"
            package = node.module in ("spinrnn", "spinrnn.sweep", "spinrnn.paper", "spinrnn.analysis")
            yield from (f"{node.module}.{alias.name}" for alias in node.names) if package else [node.module]


def test_imports_go_downwards_only():
    """A module imports those before it in ORDER, save that methods which save and open call the module of the file, which a method may do late."""
    late = {("network", "store"), ("network", "trajectory_file"), ("trajectory", "trajectory_file")}
    files = modules()
    assert set(files) == set(ORDER)
    for name, path in files.items():
        for module in imports(path):
            parts = module.split(".")[1:]
            for other in (".".join(parts[:1]), ".".join(parts[:2])):
                if module.startswith("spinrnn.") and other in ORDER and (name, other) not in late:
                    assert ORDER.index(other) < ORDER.index(name), f"{name} imports {other}, which stands above it"


def test_heavy_libraries_stay_where_they_belong():
    for name, path in modules().items():
        for module in imports(path):
            top = module.split(".")[0]
            assert top not in HOMES or name in HOMES[top], f"{name} imports {top}"
            assert top not in ("tensorflow", "pickle", "sklearn", "xarray"), f"{name} imports {top}"


def test_nothing_needs_the_peers():
    """`peers` alone imports JAX and PyTorch, within functions, and no module imports it: it runs in processes of its own."""
    for name, path in modules().items():
        assert "spinrnn.peers" not in set(imports(path)), f"{name} imports peers"
    top = [node for node in ast.parse((PACKAGE / "peers.py").read_text()).body if isinstance(node, ast.Import | ast.ImportFrom)]
    assert not any("jax" in ast.unparse(node) or "torch" in ast.unparse(node) for node in top)


def test_the_stamp_of_the_cache_covers_all_compiled_code():
    """All files with compiled code are in it, and what they import of the package, as constants are compiled in."""
    sources = compiling.kernel_sources()
    for path in PACKAGE.rglob("*.py"):
        name = path.relative_to(PACKAGE).as_posix()
        modules, head = list(imports(path)), path.read_text().split("\n\n\n")[0]
        if {"numba", "llvmlite"} & {module.split(".")[0] for module in modules} or "from spinrnn.compiling import" in head:
            assert name in sources
        if name in sources and name != "compiling.py":
            for module in modules:
                if module.startswith("spinrnn."):
                    assert module.removeprefix("spinrnn.").replace(".", "/") + ".py" in sources, f"{name} compiles in {module}"


def test_every_module_says_what_it_is_about():
    for path in PACKAGE.rglob("*.py"):
        assert len(ast.get_docstring(ast.parse(path.read_text())) or "") > 30, path.name


@pytest.mark.parametrize("tile", [6, 12])
def test_the_kernels_run_as_plain_python(tile):
    """NUMBA_DISABLE_JIT=1 catches indices out of range, which compiled code reads silently. Both heights of tiles, as only one fits this processor."""
    code = f"""
import itertools, numpy as np, spinrnn, twin
from spinrnn import engine, tiles
assert tiles.product_tile is not tiles._product_tile
tiles.TILE = {tile}
layouts = ((2, 3), 1, 1, 3), ((2, 13), 1, 0.6, 9), ((5, 7, 4), 0.2, 0.2, 9), ((5, 7), 0.1, 1, 9)  # dense, sparse, mixed
for (neuron, scheme), (dtype, tolerance), (layers, density_int, density_ext, points) in itertools.product(
    itertools.product(("oscillator", "ctrnn"), ("exponential", "euler")), (("float64", 1e-13), ("float32", 1e-4)), layouts
):
    if density_int < 1 and (neuron, scheme, dtype) not in (("oscillator", "exponential", "float64"), ("ctrnn", "euler", "float32")):
        continue  # the twin is slow, and what is sparse does not depend on them
    c = spinrnn.NetworkConfig(
        layers=layers, inputs=2, outputs=2, density_int=density_int, density_ext=density_ext, neuron=neuron, scheme=scheme, dtype=dtype,
        substeps=2, readout_window=1,
    )
    net = spinrnn.Network(c, seed=0)
    u, lengths = np.random.default_rng(0).normal(size=(3, 2, points)), np.array([points, 1, 2])
    views = net.layout.grouped(net.parameters * (1 if net.mask is None else net.mask))
    expected = twin.logits(c, views, u, lengths)
    assert np.abs(net.forward(u, lengths) - expected).max() < tolerance * max(1, np.abs(expected).max())
    loss, gradient = net.loss_and_grad(u, [0, 1, 1], lengths)
    direction = np.random.default_rng(1).normal(size=gradient.size) * (1 if net.mask is None else net.mask)
    shifted = net.layout.grouped(net.parameters * (1 if net.mask is None else net.mask) + 1e-30j * direction)
    slope = twin.loss(c, shifted, u, [0, 1, 1], lengths).imag / 1e-30
    assert abs(gradient @ direction - slope) < tolerance * np.abs(gradient).sum()
    plan = engine.plan(c, net._packing(), 3, points, True, 1)
    spinrnn.set_memory_limit(plan.bytes)
    assert (plan.segments > 1) == (points == 9)
    again = net.loss_and_grad(u, [0, 1, 1], lengths)
    assert again[0] == loss and (again[1] == gradient).all()
    spinrnn.set_memory_limit(None)
"""
    environment = {**os.environ, "NUMBA_DISABLE_JIT": "1", "PYTHONPATH": str(Path(__file__).parent)}
    result = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, env=environment, timeout=120)
    assert result.returncode == 0, result.stderr
