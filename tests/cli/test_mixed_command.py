"""Commands with a network whose layers are of different neurons."""

import json

import numpy as np
import pytest
from conftest import here, refused

import spinrnn
from spinrnn import CTRNN, NetworkConfig, Oscillator

ROWS = '\n[[neuron]]\nthermal_power = 1e-3\n[[neuron]]\nkind = "ctrnn"\n'


@pytest.fixture
def mixed_file(tiny_file):
    own = 'substeps = 2\nhighpass_time = 5e-8\ndtype = "float64"\n'
    text = tiny_file.read_text().replace("substeps = 2\n", own)
    tiny_file.write_text(text + ROWS)
    return tiny_file


def test_a_run_from_training_to_analysis(mixed_file, tmp_path):
    out, file = tmp_path / "run", tmp_path / "t.h5"
    assert here("train", mixed_file, "--out", out).returncode == 0
    assert (out / "config.toml").read_text().count("[[neuron]]") == 2
    told = here("evaluate", out).stdout
    assert "thermal noise of 0.001" in told
    assert here("simulate", out, "--out", file).returncode == 0
    with spinrnn.open_trajectory(file) as trajectory:
        assert trajectory.config.neuron == (Oscillator(thermal_power=1e-3), CTRNN())
    found = here("analyse", file, "--out", tmp_path / "report", "--only", "activity,drive")
    assert found.returncode == 0, found.stderr
    assert here("train", "--resume", "--out", out).returncode == 0
    refused(
        here("train", mixed_file, "--resume", "--out", out, "--set", "neuron.power_floor=1e-4"),
        "neuron[0].power_floor: 1e-06 there, 0.0001 asked for",
    )


def test_a_mistake_is_one_line(mixed_file):
    refused(
        here("train", mixed_file, "--set", "network.layers=[4,3,2]"),
        "neuron: give one kind, or one for each of the 3 layers, got 2",
    )


def test_gradcheck_takes_the_layers_as_they_are(mixed_file):
    quiet = ("--set", "neuron.thermal_power=0", "--set", "network.layers=[2,1]")
    found = here("gradcheck", mixed_file, *quiet, "--json")
    assert found.returncode == 0, found.stdout + found.stderr
    rows = [json.loads(line) for line in found.stdout.splitlines()]
    assert {row["neuron"] for row in rows} == {"oscillator-ctrnn"}
    assert {row["scheme"] for row in rows} == {"exponential", "euler"}
    assert {row["block"] for row in rows} >= {"w_ext_1", "w_int_0", "bias_1"}


@pytest.mark.slow
def test_gradcheck_tells_mixed_layers_in_lines_and_takes_a_neuron_by_itself(mixed_file):
    quiet = ("--set", "neuron.thermal_power=0", "--set", "network.layers=[3,2]")
    line = here("gradcheck", mixed_file, *quiet).stdout.splitlines()[0]
    assert line.startswith("oscillator-ctrnn exponential  w_ext_0")
    assert here("gradcheck", mixed_file, "--neuron", "ctrnn").stdout.count("ctrnn ") >= 3


def test_identify_takes_an_oscillators_layer(tmp_path, monkeypatch):
    # where its report goes
    monkeypatch.chdir(tmp_path)
    config = NetworkConfig(
        layers=(4, 3), outputs=2, neuron=(Oscillator(nonlinear_damping=0.5), CTRNN()),
        highpass_time=0,
    )  # fmt: skip
    u = np.random.default_rng(8).normal(size=(3, 1, 40))
    spinrnn.Network(config, seed=1).simulate(u).save(tmp_path / "t.h5")
    found = here("identify", tmp_path / "t.h5", "--neuron", "0,2", "--cases", ":2", "--json")
    assert found.returncode == 0, found.stderr
    findings = json.loads(found.stdout)["findings"]
    assert findings["q"]["value"] == pytest.approx(0.5, rel=1e-3)
    told = "is of layer 1 of ctrnn, and not of oscillators, which eq. (1) describes"
    refused(here("identify", tmp_path / "t.h5", "--neuron", "1,0"), told)
    refused(here("identify", tmp_path / "t.h5", "--neuron", "5,0"), "layers 0 to 1")


def test_a_sweep_over_mixed_layers(mixed_file, sweep_file, tmp_path):
    axis = "[[axes]]\nkey = 'neuron.relaxation_time'\nvalues = [1e-8, 2e-8]\n"
    path, out = sweep_file(axis, epochs=1), tmp_path / "sweep"
    found = here("sweep", "run", path, "--out", out, "--executor", "serial")
    assert found.returncode == 0, found.stderr
    assert here("sweep", "collect", out).returncode == 0
    assert "2 points" in here("sweep", "status", out).stdout
