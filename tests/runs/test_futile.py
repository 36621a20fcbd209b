"""Numbers with which a network that settles stays at chance: named with what to set;
configurations that are shipped are silent.
"""

import dataclasses
import warnings
from pathlib import Path

import numpy as np
import pytest

import spinrnn
from spinrnn.config.recipes import RECIPES
from spinrnn.config.run import from_tables
from spinrnn.config.toml import load_config
from spinrnn.datasets.loading import data_of
from spinrnn.learning.recipes import NAMES, recipe_config
from spinrnn.learning.trainer import Trainer
from spinrnn.runs import run as run_module
from spinrnn.runs.checking import described
from spinrnn.runs.futile import stuck
from spinrnn.runs.suspicions import measured, suspicions
from spinrnn.systems import equilibrium

DOCS = Path(__file__).parents[2] / "docs"
INPUTS = np.random.default_rng(0).uniform(size=(40, 1, 6))
DATA = spinrnn.Dataset(INPUTS, np.arange(40) % 2)
DRIVE = spinrnn.Equilibrium(nudge="drive")
PHASE, PHASES = spinrnn.PhaseOscillator, spinrnn.StuartLandau


def net_of(neuron, **others):
    given = {"layers": (8,), "inputs": 6, "outputs": 2, "neuron": neuron, "dtype": "float64"}
    return spinrnn.network_of(spinrnn.SymmetricConfig(**given | others), seed=0)


def told(neuron, estimator=DRIVE, data=DATA, **others):
    net = net_of(neuron, **others)
    found = suspicions(net, data, excited=False, estimator=estimator)
    return [*found.endless, *measured(net, data, found)]


@pytest.mark.parametrize(
    ("neuron", "others", "beta", "text"),
    [
        (spinrnn.Rate(), {"levels": (-1.0, 2.0)}, 0.3,
         "network.levels: [-1.0, 2.0], and rate emits 0 to 1: outputs are pulled to an end, where "
         "nothing is learned; set [0.0, 1.0]"),
        (spinrnn.Rate(), {"levels": (0.25, 1000.0)}, 0.3,
         "network.levels: [0.25, 1000.0], and rate emits 0 to 1: outputs are pulled to an end, "
         "where nothing is learned; set [0.25, 1.0]"),
        (PHASE(), {"levels": (2.0, 3.0)}, 0.3,
         "network.levels: [2.0, 3.0], and phase_oscillator emits -1 to 1: outputs are pulled to "
         "an end, where nothing is learned; set [-1.0, 1.0]"),
        (spinrnn.Oscillator(), {}, 0.3,
         "network.levels: 0 for no is near silence, into which all outputs of oscillator are "
         "pulled, and none comes back; set [0.4, 0.8]"),
        (spinrnn.Oscillator(bias_ratio=3.0), {"levels": (0.1, 1.2)}, 0.3,
         "network.levels: [0.1, 1.2], and oscillator emits 0 to 1: outputs are pulled to an end, "
         "where nothing is learned; set [0.4, 0.8]"),
        (PHASES(), {"levels": (-50.0, 50.0)}, 0.3,
         "network.levels: [-50.0, 50.0], and with its first weights outputs of stuart_landau emit "
         "-0.35 to 0.47: what is never reached pulls all alike; set levels within"),
        (spinrnn.Rate(), {"dtype": "float32"}, 1e-9,
         "estimator.beta: 1e-09 drowns in the rounding of float32, which needs 1e-06 or more: a "
         "nudge changes nothing; 0.3 is usual"),
        (spinrnn.Rate(), {}, 1e6,
         "estimator.beta: 1e+06 pulls outputs as far as they go, and the gradient, a difference "
         "over it, is as good as 0; 0.3 is usual"),
        (PHASE(reference=100.0), {"levels": (-0.5, 0.5)}, 0.3,
         "neuron.reference: 100 / tau, and fields of at most 1.43 / tau turn a phase by 0.014 rad "
         "at most: little is learned; set 1, or raise network.amplification"),
        (PHASES(nonlinear_shift=-0.5), {"levels": (-0.5, 0.5)}, 0.3,
         "neuron.nonlinear_shift: -0.5, and above 0.1 equilibrium propagation goes astray, as no "
         'energy is at its least; lower it, or set estimator.kind = "bptt"'),
    ],
)  # fmt: skip
def test_what_leaves_a_training_at_chance_is_told(neuron, others, beta, text):
    estimator = spinrnn.Equilibrium(beta=beta, nudge="drive")
    assert told(neuron, estimator, **others) == [text]


def test_what_can_be_learned_by_is_not():
    assert told(spinrnn.Rate(), spinrnn.Equilibrium(beta=1e-9)) == []
    assert told(spinrnn.Rate(), spinrnn.Equilibrium(beta=1e4)) == []
    assert told(spinrnn.Rate(), spinrnn.Equilibrium(beta=1e-5), dtype="float32") == []
    assert told(PHASES(nonlinear_shift=0.1), levels=(-0.5, 0.5)) == []
    # the exact gradient bears any shift
    assert told(PHASES(nonlinear_shift=0.5), spinrnn.BPTT(), levels=(-0.5, 0.5)) == []
    assert told(PHASE(reference=10.0), levels=(-0.5, 0.5)) == []
    assert told(PHASE(reference=0.0), levels=(-0.5, 0.5)) == []


def test_levels_are_of_classes_alone():
    values = spinrnn.Dataset(INPUTS, targets=np.zeros((40, 2)))
    for neuron in (spinrnn.Rate(), PHASES()):
        levels = {"levels": (-50.0, 50.0)}
        assert told(neuron, data=values, **levels) == []
        assert len(told(neuron, **levels)) == 1


def test_a_training_tells_it():
    network = spinrnn.SymmetricConfig(layers=(4,), inputs=6, outputs=2, levels=(-1.0, 2.0))
    train = spinrnn.TrainConfig(estimator=spinrnn.Equilibrium(beta=1e-9), epochs=1)
    trainer = run_module.Trainer(spinrnn.RunConfig(network, train), DATA)
    with pytest.warns(UserWarning, match=r"^network\.levels: \[-1\.0, 2\.0\], and") as caught:
        run_module._warn_of_data(trainer)
    keys = [str(warning.message).partition(":")[0] for warning in caught]
    assert keys == ["network.levels", "estimator.beta"]


STUCK = "is stuck at an end of what it emits, where no gradient moves it; begin anew with a lower "
STUCK += "train.learning_rate or network.start_gain"
BACK = ', or estimator.nudge = "state", which can bring it back'
LEARN = ', or estimator.kind = "equilibrium", which can bring it back'
OSCILLATOR, STATE = spinrnn.Oscillator(bias_ratio=3.0), spinrnn.Equilibrium()


@pytest.mark.parametrize(
    ("neuron", "biases", "estimator", "text"),
    [
        (OSCILLATOR, (-9.0, 0.0), DRIVE, [f"output 0: oscillator {STUCK}{BACK}"]),
        (OSCILLATOR, (0.0, -9.0), spinrnn.BPTT(), [f"output 1: oscillator {STUCK}{LEARN}"]),
        (spinrnn.Rate(), (9.0, -9.0), DRIVE, [f"outputs 0, 1: rate {STUCK}{BACK}"]),
        (spinrnn.Rate(), (9.0, -9.0), STATE, [f"outputs 0, 1: rate {STUCK}"]),
        (spinrnn.Rate(), (0.5, 0.5), DRIVE, []),
    ],
)
def test_outputs_that_nothing_moves_are_told(neuron, biases, estimator, text):
    net = net_of(neuron, levels=(0.4, 0.8))
    net.views()["bias"][-1][:] = biases
    assert stuck(net, estimator, spinrnn.Classification(), DATA) == text


def test_outputs_that_are_right_or_that_nothing_is_asked_of_are_not():
    """Also where none has an error, and so a gradient."""
    net = net_of(spinrnn.Rate())
    weights = net.views()["w"]
    # both outputs are at the one end or the other, as the sign of an input says
    weights[0][:], weights[0][0, 0], weights[1][:], weights[1][:, 0] = 0, 1e3, 0, (1e3, -1e3)
    net.views()["bias"][-1][:] = -1, 2
    inputs = np.zeros((40, 1, 6))
    inputs[:, 0, 0] = 1 - 2 * DATA.labels
    known = spinrnn.Dataset(inputs, DATA.labels)
    assert (net.forward(inputs).argmax(axis=1) == DATA.labels).all()
    assert stuck(net, DRIVE, spinrnn.Classification(), known) == []
    net.views()["bias"][-1][:] = 9e3, -9e3
    assert len(stuck(net, DRIVE, spinrnn.Classification(), known)) == 1
    alike = spinrnn.Dataset(INPUTS, np.zeros(40, int))
    assert stuck(net, DRIVE, spinrnn.Classification(), alike) == []


def test_of_devices_the_largest_weight_is_told():
    net = net_of(spinrnn.Rate(), synapse={"kind": "sign", "largest": 0.1})
    net.views()["bias"][-1][:] = 9, -9
    (text,) = stuck(net, DRIVE, spinrnn.Classification(), DATA)
    assert "a lower train.learning_rate or synapse.largest, or estimator.nudge" in text


def test_a_network_of_spikes_that_never_fires_is_told():
    for threshold, told in ((1e6, 1), (0.5, 0)):
        network = spinrnn.SpikingConfig(layers=(3,), threshold=threshold, presentation=0.05)
        train = spinrnn.TrainConfig(estimator=spinrnn.VDSP(), epochs=1, learning_rate=0.01)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            spinrnn.train(spinrnn.RunConfig(network, train), data=DATA)
        texts = [str(one.message) for one in caught]
        texts = [text for text in texts if text.startswith("network.threshold: no neuron fires")]
        assert len(texts) == told
        assert all("; lower 1e+06, or drive more inputs: " in text for text in texts)


def test_a_training_tells_of_them_at_its_end():
    network = spinrnn.SymmetricConfig(layers=(4,), inputs=6, outputs=2)
    train = spinrnn.TrainConfig(estimator=DRIVE, epochs=2, learning_rate=9.0)
    with pytest.warns(UserWarning, match=r"^outputs? .*: rate is stuck") as caught:
        spinrnn.train(spinrnn.RunConfig(network, train), data=DATA)
    assert len(caught) == 1
    # of inputs far from 1, which are told of the data, it says nothing more
    with pytest.warns(UserWarning, match="far from") as caught:
        spinrnn.train(spinrnn.RunConfig(network, train), data=_scaled(1e4))
    assert not any("is stuck" in str(one.message) for one in caught)


def _scaled(by):
    return dataclasses.replace(DATA, inputs=by * DATA.inputs)


# ---- what is shipped ----


def suspected(config, data=None):
    """All that a training would be told of a configuration."""
    data = data_of(config) if data is None else data
    trainer = Trainer(config.fitted_to(data), data)
    estimator = trainer.config.train.estimator
    found = suspicions(trainer.net, trainer.training, excited=False, estimator=estimator)
    return [*found.endless, *measured(trainer.net, trainer.training, found)]


def pages():
    """{name: text} of the configurations of networks that settle on the pages."""
    found = {}
    for page in sorted(DOCS.glob("*.md")):
        for block in page.read_text().split("```toml\n# ")[1:]:
            text = block.partition("```")[0]
            if 'kind = "symmetric"' in text:
                found[text.split()[0]] = f"# {text}"
    return found


@pytest.mark.parametrize("name", pages())
def test_configurations_of_the_pages_are_silent(name, tmp_path):
    (tmp_path / "a.toml").write_text(pages()[name])
    for seed in range(3):
        assert suspected(load_config(tmp_path / "a.toml", [f"train.seed={seed}"])) == []


@pytest.mark.parametrize("name", equilibrium.CONDITIONS)
def test_conditions_of_the_study_are_silent(name):
    """But those that show what is not borne."""
    config = from_tables(equilibrium.tables(equilibrium.CONDITIONS[name], 0, 50))
    found = suspected(config, spinrnn.load_dataset("digits"))
    if name in ("phases, nu 0.3", "phases, nu 1"):
        assert len(found) == 1
        assert "nonlinear_shift" in found[0]
    else:
        assert found == []


@pytest.mark.parametrize("name", RECIPES)
def test_recipes_are_silent(name):
    found, planned = described(None, [f"recipe={name}", "data.source=digits"])
    assert planned
    assert found.warnings == []


@pytest.mark.parametrize("kind", ["reservoir", "trained"])
@pytest.mark.parametrize("name", NAMES)
def test_recipes_of_tasks_are_silent(name, kind):
    assert suspected(recipe_config(name, kind)) == []


@pytest.mark.parametrize("name", ["oscillator", "stuart_landau", "phase_oscillator", "rate"])
def test_defaults_of_neurons_that_settle_are_silent(name):
    """Save that of oscillators 0 is silence."""
    own = {"levels": [0.4, 0.8]} if name == "oscillator" else {}
    network = {"kind": "symmetric", "layers": [16], **own}
    estimator = {"kind": "equilibrium", "nudge": "drive"}
    tables = {"network": network, "neuron": {"kind": name}, "estimator": estimator}
    assert suspected(from_tables(tables), spinrnn.load_dataset("digits")) == []
