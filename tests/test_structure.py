"""The structure of the package: imports go downwards only, heavy libraries stay where
they belong, and the plain-Python twin of the kernels runs.
"""

import ast
import functools
import os
import subprocess
import sys
from pathlib import Path

import pytest

import spinrnn
from spinrnn.kernels import compiling

PACKAGE = Path(__file__).parent.parent / "spinrnn"
FLOORS = {
    "": "errors arrays notebook",
    "machine": "system cgroups signals setting threads environment memory blas",
    "config": "quantity slips tables features kinds parts sources spread neurons versions recipes "
    "static layered feedforward spiking symmetric bayesian run unread template toml",
    "files": "atomic text seal hdf5 container streaming calls lazy",
    ".": "findings plotting progress",
    "readers": "table text units columns cells objects npz netcdf hdf5 matlab wav tdms ts lvm "
    "odt ovf delimited formats idx",
    "kernels": "tiles compiling arithmetic random workspace tuples authors couplings cells "
    "losses stepping pointers levels leveled rows blocks updates normalising resonators pulsing "
    "innovations odes events settling bitstreams",
    "synapses": "layout protocol ideal sign domain_wall laws rram measured resonator "
    "conductance connections",
    "neurons": "protocol spread oscillator ctrnn rate_units locked stuart_landau phase_oscillator "
    "memristor memristor_vo2 "
    "static rate rf llg macrospin autooscillation excitation learnedruns learned learnedtext "
    "learnedstep learnedkind published",
    "tasks": "protocol classification regression forecasting capacity figures",
    "datasets": "labels dataset builtin channels series ranges known folder named tables objects "
    "mel statistics sounds cases pairs stretches parts loading selection",
    "recordings": "histories contents exporting trajectory writing reading recording gaps "
    "envelope "
    "samples opening measurement",
    "networks": "scaling trainable population packing planning running ranges inputs targets "
    "base static streaming pieces recurrent products losses feedforward spiking settling symmetric "
    "bayesian making saved ensemble driving writing",
    "learning": "protocol bptt twin equilibrium ridge reservoir counts esn baselines adam "
    "metaplastic flips pulses average gains schedule divergence learner vdsp readings loop trainer "
    "recipes",
    "analysis": "powers answer spectra leastsquares profile likelihood intervals plateaus "
    "steady devices rates relaxation transfer activity dimension drive consumption readout "
    "recall classes figures measures wording report",
    "identify": "sensitivity triangles models oscillator arguments problem guesses grids "
    "outliers residuals suspects steps slopes mirrors entries result filtering thermal fit pulses "
    "responses lines told figures files wording report learnrecords learntraining learndiffusion "
    "learn learnadvice learnfigures learnwording learnmonitor",
    "checks": "gradient feedforward symmetric neuron synapse activation",
    "runs": "checkpoints loading loops predicting folder ensembles excitation effort resting "
    "futile suspicions run comparison figures beginning checking",
    "sweep": "columns axes points file folder work cube status executors runner slurm",
    "paper": "traces curves numbers robustness figures guide recipes source reproduction",
    "systems": "trials learning rf metaplasticity domain_wall weak_reset devices skyrmion "
    "equilibrium equilibrium_figures nbox_theory nbox_vo2 nbox figures macrospin "
    "macrospin_figures nbox_figures vdsp vdsp_figures bayes bayes_figures studies",
    "bench": "sizes timing table reference reservoirs processes devices devicepeers peers runner",
    "doctor": "verdict probe processors memory installation places examine",
    "look": "contents figures wording runs",
    "cli": "streams options wording doctor kinds init check tasks look analyse sweep simulate "
    "learn identify reproduce train evaluate predict gradcheck bench main",
    "..": "sklearn __main__",
}
"""Folders, and in each its modules: what stands further down may import what stands above it."""

LATE = {
    ("datasets.dataset", "datasets.objects"),
    ("recordings.trajectory", "recordings.writing"),
    ("recordings.trajectory", "recordings.reading"),
    ("recordings.reading", "networks.saved"),
    ("networks.base", "networks.saved"),
}
"""Imports upwards that a method makes when it is called: (module, what it imports)."""

HOMES = {
    "numba": {
        "kernels.compiling", "kernels.tiles", "kernels.arithmetic", "kernels.random",
        "kernels.tuples", "kernels.authors", "kernels.pointers", "kernels.levels",
    },
    "llvmlite": {"kernels.tiles", "kernels.arithmetic", "kernels.tuples"},
    "h5py": {
        "files.hdf5", "files.container", "files.streaming", "files.lazy", "doctor.installation",
    },
    "matplotlib": {
        "plotting", "tasks.figures", "identify.figures", "paper.figures", "systems.figures",
        "systems.macrospin_figures", "systems.vdsp_figures", "systems.nbox_figures",
        "systems.equilibrium_figures", "systems.bayes_figures", "identify.learnfigures",
        "analysis.figures", "look.figures", "runs.figures", "analysis.measures",
    },
    "tqdm": {"progress"},
    "threadpoolctl": {"bench.timing", "machine.blas"},
    "jax": {"bench.peers"},
    "torch": {"bench.peers", "bench.devicepeers"},
    "aihwkit": {"bench.devicepeers"},
    "reservoirpy": {"bench.peers"},
    "scipy": {
        "checks.gradient", "checks.feedforward", "checks.neuron", "tasks.classification",
        "learning.ridge", "learning.counts", "synapses.laws", "systems.metaplasticity",
        "systems.domain_wall", "systems.nbox_theory", "systems.nbox_vo2", "analysis.spectra",
        "analysis.leastsquares", "analysis.relaxation", "analysis.transfer", "analysis.steady",
        "analysis.intervals", "identify.fit", "identify.residuals", "identify.result",
        "identify.outliers", "identify.thermal", "identify.responses", "readers.wav", "sklearn",
        "identify.lines", "runs.predicting", "recordings.envelope", "datasets.sounds",
    },
    "argparse": {
        "cli.main", "cli.options", "cli.kinds", "cli.train", "cli.evaluate", "cli.gradcheck",
        "cli.sweep", "cli.look", "cli.predict", "cli.tasks", "cli.init", "cli.check",
        "cli.reproduce", "cli.simulate", "cli.analyse", "cli.identify", "cli.doctor",
        "cli.bench", "cli.learn",
    },
    "dask": {"sweep.executors"},
    "distributed": {"sweep.executors"},
    "mpi4py": {"sweep.executors"},
    "nptdms": {"readers.tdms"},
    "sklearn": {"sklearn"},
    "xarray": set(),
    "pandas": set(),
}  # fmt: skip
"""{library: modules that may import it}."""


def order():
    """Names of all modules below spinrnn, in the order in which they may import each other."""
    names = [(folder, name) for folder, text in FLOORS.items() for name in text.split()]
    return [f"{folder}.{name}" if folder.strip(".") else name for folder, name in names]


def modules():
    """{name below spinrnn: path} of all modules."""
    files = [
        path.relative_to(PACKAGE) for path in PACKAGE.rglob("*.py") if path.name != "__init__.py"
    ]
    return {".".join(path.with_suffix("").parts): PACKAGE / path for path in files}


@functools.cache
def nodes(path):
    """All nodes of a file's syntax tree, the module first."""
    return tuple(ast.walk(ast.parse(path.read_text())))


@functools.cache
def imports(path):
    """Modules that a file imports, anywhere in it, and {module: names} as far as they
    are names of modules or in them.
    """
    found = []
    for node in nodes(path):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path.name}: relative import"
            found += [f"{node.module}.{alias.name}" for alias in node.names]
    return found


def imported_modules(path, known):
    """Names of modules below spinrnn that a file imports."""
    homes = spinrnn._HOMES
    for name in imports(path):
        if name.startswith("spinrnn."):
            inner = name.removeprefix("spinrnn.")
            found = inner if inner in known else homes.get(inner) or inner.rpartition(".")[0]
            if found in known:
                yield found


def test_imports_go_downwards_only():
    """A module imports those before it in FLOORS, save that a method may make a few
    imports late.
    """
    files, names = modules(), order()
    assert sorted(files) == sorted(names)
    upwards = {
        (name, other)
        for name, path in files.items()
        for other in imported_modules(path, files)
        if names.index(other) >= names.index(name)
    }
    assert upwards == LATE


def test_late_imports_are_within_functions():
    """At the head of a file nothing above is imported, so any module can be the first
    to be imported.
    """
    for name, other in LATE:
        body = nodes(modules()[name])[0].body
        heads = [node for node in body if isinstance(node, ast.ImportFrom)]
        assert not any(
            f"spinrnn.{other}" in (node.module, f"{node.module}.{alias.name}")
            for node in heads
            for alias in node.names
        )


def test_the_root_holds_few_modules():
    assert len([name for name in modules() if "." not in name]) <= 10


def test_heavy_libraries_stay_where_they_belong():
    for name, path in modules().items():
        for module in imports(path):
            top = module.split(".")[0]
            assert top not in HOMES or name in HOMES[top], f"{name} imports {top}"
            assert top not in ("tensorflow", "pickle"), f"{name} imports {top}"


def test_nothing_needs_the_peers():
    """`peers` alone imports JAX and PyTorch, within functions, and no module imports
    it: it runs in processes of its own.
    """
    for name, path in modules().items():
        assert "spinrnn.bench.peers" not in set(imports(path)), f"{name} imports peers"
    top = [
        node
        for node in ast.parse((PACKAGE / "bench/peers.py").read_text()).body
        if isinstance(node, ast.Import | ast.ImportFrom)
    ]
    assert not any("jax" in ast.unparse(node) or "torch" in ast.unparse(node) for node in top)


def test_the_stamp_of_the_cache_covers_all_compiled_code():
    """All files with compiled code are in it, and what they import of the package, as
    constants are compiled in.
    """
    sources, files = compiling.kernel_sources(), modules()
    paths = {name: path.relative_to(PACKAGE).as_posix() for name, path in files.items()}
    for name, path in files.items():
        head = path.read_text().split("\n\n\n")[0]
        compiled = {"numba", "llvmlite"} & {module.split(".")[0] for module in imports(path)}
        if compiled or "from spinrnn.kernels.compiling import" in head:
            assert paths[name] in sources
        if paths[name] in sources and name != "kernels.compiling":
            for other in imported_modules(path, files):
                # a neuron's functions are known by their instructions
                known = paths[other] in sources or other.startswith(("neurons.", "errors"))
                assert known, f"{name} compiles in {other}"


def test_kinds_are_known_by_what_they_can_do():
    """No name of a neuron in code, but where it is made, declared the default, or 0.1's."""
    homes = ("neurons.oscillator", "neurons.ctrnn", "config.kinds", "config.versions")
    for name, path in modules().items():
        if name in homes or name.startswith("paper.") or name == "identify.oscillator":
            continue
        texts = {n.value for n in nodes(path) if isinstance(n, ast.Constant)}
        assert not texts & {"oscillator", "ctrnn"}, name


def test_every_module_says_what_it_is_about():
    for path in PACKAGE.rglob("*.py"):
        assert len(ast.get_docstring(nodes(path)[0]) or "") > 30, path.name


@pytest.mark.slow
def test_the_kernels_run_as_plain_python():
    """NUMBA_DISABLE_JIT=1 catches indices out of range, which compiled code reads
    silently. Both heights of tiles, as only one fits this processor.
    """
    code = """
import itertools, numpy as np, spinrnn, twin
from spinrnn.kernels import tiles
from spinrnn.networks import planning
assert tiles.product_tile is not tiles._product_tile
# dense, sparse, mixed
layouts = ((2, 3), 1, 1, 3), ((2, 13), 1, 0.6, 9), ((5, 7, 4), 0.2, 0.2, 9), ((5, 7), 0.1, 1, 9)
full = ("oscillator", "exponential", "float64"), ("ctrnn", "euler", "float32")
kinds = itertools.product(("oscillator", "ctrnn"), ("exponential", "euler"))
types = ("float64", 1e-13), ("float32", 1e-4)
for tile, (neuron, scheme), (dtype, tolerance), layout in itertools.product(
    (6, 12), kinds, types, layouts
):
    tiles.TILE = tile
    layers, density_int, density_ext, points = layout
    if (density_int < 1 or tile == 12) and (neuron, scheme, dtype) not in full:
        continue  # the twin is slow, and neither tiles nor what is sparse depend on them
    c = spinrnn.NetworkConfig(
        layers=layers, inputs=2, outputs=2, density_int=density_int, density_ext=density_ext,
        neuron=neuron, scheme=scheme, dtype=dtype, substeps=2, readout_window=1,
    )
    net = spinrnn.Network(c, seed=0)
    u, lengths = np.random.default_rng(0).normal(size=(3, 2, points)), np.array([points, 1, 2])
    mask = 1 if net.mask is None else net.mask
    views = net.layout.grouped(net.parameters * mask)
    # BLAS may read beyond a vector's end, where anything stands, and tell of it
    with np.errstate(invalid="ignore", over="ignore"):
        expected = twin.logits(c, views, u, lengths)
    allowed = tolerance * max(1, np.abs(expected).max())
    assert np.abs(net.forward(u, lengths) - expected).max() < allowed
    loss, gradient = net.loss_and_grad(u, [0, 1, 1], lengths)
    direction = np.random.default_rng(1).normal(size=gradient.size) * mask
    shifted = net.layout.grouped(net.parameters * mask + 1e-30j * direction)
    with np.errstate(invalid="ignore", over="ignore"):
        slope = twin.loss(c, shifted, u, [0, 1, 1], lengths).imag / 1e-30
    assert abs(gradient @ direction - slope) < tolerance * np.abs(gradient).sum()
    plan = planning.plan(c, net._packing(), 3, points, True, 1)
    spinrnn.set_memory_limit(plan.bytes)
    assert (plan.segments > 1) == (points == 9)
    again = net.loss_and_grad(u, [0, 1, 1], lengths)
    assert again[0] == loss and (again[1] == gradient).all()
    spinrnn.set_memory_limit(None)
for readout in ("mean", "both", "points", "power", "end_power"):
    c = spinrnn.NetworkConfig(
        layers=(3, 2), inputs=2, outputs=2, readout=readout, dtype="float64", substeps=2,
    )
    net, u = spinrnn.Network(c, seed=0), np.random.default_rng(0).normal(size=(3, 2, 4))
    labels = np.ones((3, 4), int) if readout == "points" else np.array([0, 1, 1])
    gradient, point = net.loss_and_grad(u, labels, [4, 1, 2])[1], net.parameters.copy()
    direction, losses = np.random.default_rng(1).normal(size=gradient.size), []
    for k in (-1, 1):
        net.parameters = point + 1e-5 * k * direction
        losses.append(net.loss(u, labels, [4, 1, 2]))
    assert abs(gradient @ direction - (losses[1] - losses[0]) / 2e-5) < 1e-8
"""
    environment = {**os.environ, "NUMBA_DISABLE_JIT": "1", "PYTHONPATH": str(Path(__file__).parent)}
    result = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        capture_output=True,
        text=True,
        env=environment,
        timeout=120,
    )
    assert result.returncode == 0, result.stderr
