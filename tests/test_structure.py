"""The structure of the package: imports go downwards only, heavy libraries stay where they belong, and the plain-Python twin of the kernels runs."""

import ast
import os
import subprocess
import sys
from pathlib import Path

PACKAGE = Path(__file__).parent.parent / "spinrnn"
ORDER = [
    "errors", "config", "kernels", "threads", "parameters", "trajectory", "network", "gradcheck", "files", "store", "datasets",
    "optim", "training", "environment", "figures", "run", "quantities", "signals", "sweep.measures", "sweep.spec", "sweep.folder", "sweep.status",
    "sweep.work", "sweep.engines", "sweep.runner", "sweep.cube", "sweep.batch", "cli_sweep", "cli", "__main__",
]  # fmt: skip
HOMES = {
    "numba": {"kernels"},
    "h5py": {"store"},
    "matplotlib": {"figures"},
    "tqdm": {"cli"},
    "threadpoolctl": {"threads"},
    "scipy": {"gradcheck", "training", "threads"},
    "argparse": {"cli"},
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
            package = node.module in ("spinrnn", "spinrnn.sweep")
            yield from (f"{node.module}.{alias.name}" for alias in node.names) if package else [node.module]


def test_imports_go_downwards_only():
    """A module imports those before it in ORDER, save that Network.save calls the store, which a method may do late."""
    files = modules()
    assert set(files) == set(ORDER)
    for name, path in files.items():
        for module in imports(path):
            parts = module.split(".")[1:]
            for other in (".".join(parts[:1]), ".".join(parts[:2])):
                if module.startswith("spinrnn.") and other in ORDER and (name, other) != ("network", "store"):
                    assert ORDER.index(other) < ORDER.index(name), f"{name} imports {other}, which stands above it"


def test_heavy_libraries_stay_where_they_belong():
    for name, path in modules().items():
        for module in imports(path):
            top = module.split(".")[0]
            assert top not in HOMES or name in HOMES[top], f"{name} imports {top}"
            assert top not in ("torch", "jax", "tensorflow", "pickle", "sklearn", "xarray"), f"{name} imports {top}"


def test_every_module_says_what_it_is_about():
    for path in PACKAGE.rglob("*.py"):
        assert len(ast.get_docstring(ast.parse(path.read_text())) or "") > 30, path.name


def test_the_kernels_run_as_plain_python(tmp_path):
    """NUMBA_DISABLE_JIT=1 catches indices out of range, which compiled code reads silently."""
    code = """
import numpy as np, spinrnn, twin
for neuron in ("oscillator", "ctrnn"):
    for scheme in ("exponential", "euler"):
        for dtype, tolerance in (("float64", 1e-13), ("float32", 1e-4)):
            c = spinrnn.NetworkConfig(layers=(2, 3), inputs=2, outputs=2, neuron=neuron, scheme=scheme, dtype=dtype, substeps=2, readout_window=1)
            net = spinrnn.Network(c, seed=0)
            u, lengths = np.random.default_rng(0).normal(size=(3, 2, 3)), np.array([3, 1, 2])
            expected = twin.logits(c, net.views(), u, lengths)
            assert np.abs(net.forward(u, lengths) - expected).max() < tolerance
            gradient = net.loss_and_grad(u, [0, 1, 1], lengths)[1]
            exact = twin.complex_step_gradient(c, net.layout, net.parameters, None, u, [0, 1, 1], lengths)
            assert np.abs(gradient - exact).max() < tolerance * np.abs(exact).max()
"""
    environment = {**os.environ, "NUMBA_DISABLE_JIT": "1", "PYTHONPATH": str(Path(__file__).parent)}
    result = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, env=environment, timeout=120)
    assert result.returncode == 0, result.stderr
