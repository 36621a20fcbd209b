"""Every key of every table is read by what a run does, and not only checked and written down.

Reads of the dataclasses' attributes are recorded during small runs. A read counts where it is
outside of `config/`, or in a public method of the class, which others ask.
"""

import dataclasses
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
from conftest import here

import spinrnn
from spinrnn.config import kinds, versions
from spinrnn.config.run import NETWORKS
from spinrnn.config.spread import spreads_of
from spinrnn.config.tables import keys_of

CONFIG = Path(spinrnn.__file__).parent / "config"
ASKED = (
    "problems",
    "table",
    "__eq__",
    "__hash__",
    "__repr__",
    "replace",
    "fields",
    "_asdict_inner",
)
"""Functions that look at all keys alike."""


class Recorder:
    """Classes whose reads are recorded; `reads`: {(class, key)}."""

    def __init__(self, monkeypatch, classes):
        self.reads = set()
        for cls in classes:
            monkeypatch.setattr(cls, "__getattribute__", self._spy(cls), raising=False)

    def _spy(self, cls):
        keys, before = set(keys_of(cls)), cls.__getattribute__
        asked = {name for name in (*dir(cls), *dir(spinrnn.RunConfig)) if name[0] != "_"}

        def read(instance, name):
            if name in keys:
                code = sys._getframe(1).f_code
                inside = Path(code.co_filename).parent == CONFIG
                if self._counts(code) and (not inside or code.co_name in asked):
                    self.reads.add((cls, name))
            return before(instance, name)

        return read

    @staticmethod
    def _counts(code):
        own = "spinrnn" in code.co_filename and "tests" not in code.co_filename
        return own and code.co_name not in ASKED


def classes():
    """Dataclasses of all tables."""
    # activations are of networks without time
    roles = [role for role in kinds.BUILT_IN if role != "activation"]
    of_roles = [cls for role in roles for cls in kinds.kinds_of(role).values()]
    return [*NETWORKS.values(), spinrnn.TrainConfig, spinrnn.DataConfig, *of_roles]


ALL = ["relaxation_time", "bias_ratio", "nonlinear_damping"]
RUNS = [
    ["neuron.thermal_power=1e-4", f"neuron.train={ALL}", "network.density_int=0.5"],
    ["estimator.kind=reservoir", "neuron.kind=ctrnn", "data.test_fraction=0.2"],
    ["task.kind=regression", "data.source=series.npz", "task.window=20"],
    ["task.kind=forecasting", "data.source=series.npz", "task.window=20"],
    ["synapse.kind=resonator", "synapse.unit_power=1e-5"],
    ["synapse.kind=measured", "synapse.potentiation=[0.05, 0.01]", "synapse.depression=[0, 0.1]"],
    ["synapse.kind=domain_wall", "synapse.slips=0.1", "writer.kind=metaplastic", "writer.decay=1"],
    ["synapse.kind=sign", "writer.kind=flips"],
    ["neuron.kind=learned", "neuron.file=device.h5"],
    ["synapse.kind=rram", "synapse.refresh=1"],
    ["data.source=memory", "data.length=200", "task.washout=10", "task.window=30"],
]

SETTLING = [
    ["neuron.kind=rate", "estimator.kind=equilibrium"],
    ["neuron.kind=binary_rate", "estimator.kind=equilibrium", "estimator.nudge=drive"],
    [
        *("neuron.kind=stuart_landau", "estimator.kind=equilibrium", "estimator.nudge=drive"),
        # a kernel that other tests compile
        "network.dtype=float64",
    ],
    [
        *("neuron.kind=phase_oscillator", "estimator.kind=equilibrium", "estimator.nudge=drive"),
        *("spread.frequency=0.05", "network.dtype=float64"),
    ],
]
"""Of a network that settles."""
SPIKING = ["network.kind=spiking", "network.layers=[3]", "network.dtype=float64"]
OTHERS = [
    ["network.kind=feedforward", "network.layers=[3]"],
    ["network.kind=feedforward", "network.layers=[3]", "network.normalisation=batch"],
    [*SPIKING, "train.epochs=1"],
    [*SPIKING, "synapse.kind=conductance", "train.epochs=1"],
    ["network.kind=bayesian", "network.bins=2", "network.bit_error_rate=0.1"],
    ["network.kind=bayesian", "network.bins=2", "network.mode=logarithmic"],
    ["network.kind=bayesian", "network.bins=2", "network.seeds=random"],
]
"""Of other networks without time."""

MADE = ("macrospin", "memristor", "vo2")
"""Neurons whose kernels take long to compile; what a network asks of them is asked here."""


def ask(kind):
    """What a network asks of its neurons before it runs."""
    neuron = spinrnn.load_config("small.toml", [f"neuron.kind={kind}"]).network.neuron
    numbers = neuron.nominal_numbers(neuron.time_unit)
    return neuron.rest(numbers), neuron.bias(numbers), neuron.shared(), neuron.noisy


@pytest.fixture
def small(tmp_path, monkeypatch):
    """A configuration and its data in the working folder; of float64, as most kernels
    that other tests compile.
    """
    rng = np.random.default_rng(0)
    np.savez(tmp_path / "cases.npz", inputs=rng.normal(size=(40, 1, 4)), labels=np.arange(40) % 2)
    spinrnn.Learned.example().device.save(tmp_path / "device.h5")
    series = rng.normal(size=(1, 1, 120))
    np.savez(tmp_path / "series.npz", inputs=series)
    np.savez(tmp_path / "targets.npz", inputs=series, targets=series)
    (tmp_path / "small.toml").write_text(
        '[network]\nlayers = [3]\nsubsteps = 1\ndtype = "float64"\n'
        "[train]\nepochs = 1\ncheckpoint_seconds = 0\n"
        '[data]\nsource = "cases.npz"\n'
    )
    (tmp_path / "settles.toml").write_text(
        '[network]\nkind = "symmetric"\nlayers = [3]\nsteps = 4\ndtype = "float64"\n'
        '[train]\nepochs = 1\n[data]\nsource = "cases.npz"\n'
    )
    monkeypatch.chdir(tmp_path)


@pytest.mark.slow  # a run of nearly every kind
@pytest.mark.usefixtures("small")
def test_every_key_of_every_table_is_read(monkeypatch):
    recorder = Recorder(monkeypatch, classes())
    for number, settings in enumerate(RUNS):
        texts = [text.replace("series", "targets") if "regression" in settings[0] else text
                 for text in settings]  # fmt: skip
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            config = spinrnn.load_config("small.toml", texts)
            spinrnn.train(config, f"run{number}", pictures=False)
    for number, settings in enumerate(SETTLING):
        config = spinrnn.load_config("settles.toml", settings)
        spinrnn.train(config, f"settled{number}", pictures=False)
    for number, settings in enumerate(OTHERS):
        given = [*settings, "data.source=cases.npz"]
        spinrnn.train(spinrnn.load_config(None, given), f"other{number}", pictures=False)
    for kind in MADE:
        ask(kind)
    assert here("evaluate", "run0").returncode == 0
    (walls,) = (k for k, settings in enumerate(RUNS) if "synapse.kind=domain_wall" in settings)
    spinrnn.write_devices(spinrnn.load(f"run{walls}"))
    # `NetworkConfig.filter_time` reads it, where the network has none of its own
    recorder.reads.add((spinrnn.Learned, "highpass"))
    unread = {
        f"{cls.__name__}.{key}"
        for cls in classes()
        for key in set(keys_of(cls)) - {"earlier", "follows"}
        if (cls, key) not in recorder.reads
    }
    assert unread == set()


def test_every_name_of_a_spread_makes_devices_that_differ():
    for cls in kinds.kinds_of("neuron").values():
        for name in spreads_of(cls):
            settles = cls.quadratures > 1
            config = spinrnn.SymmetricConfig if settles else spinrnn.NetworkConfig
            given = config(layers=(4,), neuron=cls.example(), spread={name: 0.1})
            net = spinrnn.network_of(given)
            factors = net.buffers if settles else net.devices.named()
            assert any(np.ptp(own) > 0 for own in factors.values()), name


def test_a_key_that_nothing_reads_is_found(monkeypatch):
    @dataclasses.dataclass(frozen=True)
    class Config:
        used: int = 1
        idle: int = 2

        def problems(self):
            return [self.idle]

    recorder = Recorder(monkeypatch, [Config])
    config = Config()
    scope = {"__name__": "made"}
    exec(compile("def use(c):\n    return c.used", "spinrnn/made.py", "exec"), scope)
    assert (scope["use"](config), config.problems()) == (1, [2])
    assert recorder.reads == {(Config, "used")}
    assert set(versions.ELSEWHERE) >= {"earlier", "follows"}
