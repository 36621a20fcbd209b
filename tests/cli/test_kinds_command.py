"""`spinrnn kinds` and --use: a neuron of a file that the user names, and what becomes of it."""

import json
import re
import shutil

import pytest
from conftest import here, refused

import spinrnn
from spinrnn.config import kinds
from spinrnn.config.quantity import quantities
from spinrnn.sweep import slurm

SOURCE = """
from dataclasses import dataclass

import spinrnn


@spinrnn.register
@dataclass(frozen=True)
class Leaky(spinrnn.Neuron):
    'dv/dt = (I - v) / tau.'

    kind = "leaky"
    states = (spinrnn.State("voltage", "V", "membrane voltage v"),)
    tau: float = spinrnn.quantity(10e-9, "s", "time constant", above=0, spread=True, fit="log")

    @property
    def time_unit(self):
        return self.tau

    def numbers(self, time_unit, factors):
        return {"rate": time_unit / (self.tau * factors["tau"])}

    @staticmethod
    def step(q, shared, h, s, current, one):
        change = q[0] * h
        return (s[0] + change * (current - s[0]),), ((one - change,),), (change,), ()
"""
LEAKY = ("--set", "neuron.kind=leaky")


@pytest.fixture(autouse=True)
def forget(monkeypatch):
    """As in a new process: nothing is registered."""

    def again():
        for name in ("_registered", "_sources", "_files"):
            monkeypatch.setattr(kinds, name, {})

    again()
    return again


@pytest.fixture
def mydevices(tmp_path):
    path = tmp_path / "mydevices.py"
    path.write_text(SOURCE)
    return path


def test_all_kinds_with_unit_default_range_and_meaning():
    text = here("kinds").stdout
    for kind, cls in kinds.kinds_of("neuron").items():
        own = re.search(f"neuron {kind}: .*(\n .*)*", text)[0].splitlines()
        for name, quantity in quantities(cls).items():
            (line,) = (line for line in own if line.startswith(f"  {name} "))
            assert quantity.about in line
            assert f"default {quantity.default:g}" in line
            assert quantity.range in line


def test_keys_without_a_number_as_default():
    """A switch, a word, and one that follows from others where it is left out."""
    lines = here("kinds", "domain_wall").stdout.splitlines()
    heading, *own = lines
    assert heading.startswith("synapse domain_wall: A wall in one of n positions")
    assert "Attributes" not in heading
    by_key = {line.split()[0]: line for line in own}
    assert "(default none; " in by_key["largest"]
    assert by_key["accumulate"].endswith("(default true)")
    assert "(default 3e-15 J; " in by_key["energy"]
    (warm,) = (line for line in here("kinds", "bptt").stdout.splitlines() if "  warm " in line)
    assert warm.endswith('(default "none")')


def test_one_kind_and_json():
    one = here("kinds", "ctrnn").stdout
    assert one.startswith("neuron ctrnn: ")
    assert "oscillator" not in one
    found = [json.loads(line) for line in here("kinds", "--json").stdout.splitlines()]
    known = [(role, kind) for role, own in kinds.BUILT_IN.items() for kind in own]
    assert [(entry["role"], entry["kind"]) for entry in found] == known
    assert found[0]["quantities"]["relaxation_time"] == {
        "unit": "s",
        "default": 1e-8,
        "range": "above 0 s",
        "meaning": "tau = 1 / gamma",
        "spread": "gamma",
        "trained": True,
        "source": "ours",
    }
    (walls,) = (entry for entry in found if entry["kind"] == "domain_wall")
    assert walls["quantities"]["largest"]["default"] is None
    assert walls["quantities"]["accumulate"]["default"] is True
    assert walls["quantities"]["accumulate"]["meaning"].startswith("whether the wanted weight")
    assert walls["states"] == []
    refused(here("kinds", "oscilator"), "no kind oscilator; did you mean oscillator?", "--use FILE")


def test_a_run_with_a_neuron_of_ones_own(tiny_file, mydevices, tmp_path, forget):
    out, use = tmp_path / "run", ("--use", mydevices)
    refused(here("train", tiny_file, *LEAKY, "--out", out), "neuron.kind: must be", "--use FILE")
    assert not out.exists()
    assert here("train", tiny_file, *LEAKY, *use, "--out", out).returncode == 0
    forget()
    told = f"the neuron leaky comes from {mydevices}; give it by --use {mydevices}"
    refused(here("evaluate", out), f"{out}: {told}")
    assert here("evaluate", out, *use).returncode == 0
    written = here("simulate", out, *use, "--out", tmp_path / "t.h5")
    assert written.returncode == 0, written.stderr
    with spinrnn.open_trajectory(tmp_path / "t.h5") as file:
        assert file.config.neuron.kind == "leaky"
        # a filter that there is not, and keys of oscillators, are none of its own
        assert file.attributes["highpass_time"] == 0
        assert not {"relaxation_time", "bias_ratio", "spread_gamma"} & file.attributes.keys()
        assert file.attributes["source"].endswith(":test")
        assert file.attributes["source"] != ":test"
    said = here("analyse", tmp_path / "t.h5", *use, "--only", "activity,energy", "--out", out / "a")
    lines = said.stdout.splitlines()
    assert not any("left out is" in line for line in lines)
    assert any("neurons of layer 0, 1 have no known limits (`span`)" in line for line in lines)
    assert any("that is the power of the paper's oscillators" in line for line in lines)
    mydevices.write_text(SOURCE + "# another\n")
    forget()
    told = f"leaky has changed since: {mydevices}; restore that file"
    refused(here("evaluate", out, *use), told)
    refused(here("train", "--resume", "--out", out, *use), told)
    mydevices.write_text(SOURCE)
    forget()
    assert here("train", "--resume", "--out", out, *use).returncode == 0


def test_a_step_that_cannot_be_used_is_told_before_a_run_has_a_folder(
    mydevices, tiny_file, tmp_path
):
    wrong = tmp_path / "wrong.py"
    wrong.write_text(mydevices.read_text().replace("((one - change,),)", "(one - change,)"))
    found = here("train", tiny_file, "--use", wrong, *LEAKY, "--out", tmp_path / "run")
    refused(found, "the step of leaky must give J = ds'/ds as tuples of the form (1, 1), gave (1,)")
    assert not (tmp_path / "run").exists()


def test_a_sweep_over_kinds(tiny_file, sweep_file, mydevices, tmp_path, forget):
    axis = "[[axes]]\nname = 'neuron'\n"
    axis += "zip = { 'neuron' = [{kind = 'oscillator'}, {kind = 'leaky', tau = 2e-8}] }"
    path, out, use = sweep_file(axis, epochs=1), tmp_path / "sweep", ("--use", mydevices)
    refused(here("sweep", "run", path, "--out", out), "neuron.kind: must be", "--use FILE")
    run = ("sweep", "run", path, "--out", out, *use, "--executor", "serial")
    assert here(*run).returncode == 0
    assert here("sweep", "status", out, *use).returncode == 0
    assert here("sweep", "collect", out, *use).returncode == 0
    sweep = spinrnn.load_sweep(path)
    array = slurm.job_array(sweep.points, slurm.Needs(1.0, 1.0, 10**8, 10**6))
    text = slurm.script(sweep, out, array, slurm.Needs(1.0, 1.0, 10**8, 10**6))
    assert f" --use {mydevices} --shard" in text
    forget()
    refused(here("sweep", "status", out), f"the neuron leaky comes from {mydevices}; give it by")
    mydevices.write_text(SOURCE + "# another\n")
    forget()
    refused(here(*run), f"leaky has changed since: {mydevices}")
    refused(here("sweep", "collect", out, *use), f"leaky has changed since: {mydevices}")


def test_a_worker_refuses_another_source(mydevices):
    known = {str(mydevices): kinds.use(mydevices)}
    kinds.use_same(known)
    mydevices.write_text(SOURCE + "# another\n")
    with pytest.raises(spinrnn.StoreError, match=r"mydevices\.py has changed since"):
        kinds.use_same(known)


def test_no_folder_makes_code_run(tiny_file, mydevices, tmp_path, forget, monkeypatch):
    """Its record of sources is compared, and nothing that it names is run."""
    out, ran = tmp_path / "run", tmp_path / "ran"
    assert here("train", tiny_file, *LEAKY, "--use", mydevices, "--out", out).returncode == 0
    mydevices.write_text(f"open({str(ran)!r}, 'w')\n")
    forget()
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    shutil.copy(mydevices, out / "mydevices.py")
    for command in ("evaluate", out), ("train", "--resume", "--out", out):
        refused(here(*command), "the neuron leaky comes from")
    with pytest.raises(spinrnn.StoreError, match="the neuron leaky comes from"):
        spinrnn.load(out)
    assert not ran.exists()


MISTAKES = {
    "an attribute": ("self.tau * factors", "self.tua * factors", 21, "AttributeError: 'Leaky'"),
    "a key": ("return self.tau\n", 'return {}["tua"]\n', 18, "KeyError: 'tua'"),
    "a file": (
        "return self.tau\n",
        'return open("/nothing")\n',
        18,
        "FileNotFoundError: [Errno 2]",
    ),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_in_a_users_class_is_one_line_with_its_place(name, mydevices, tiny_file):
    old, new, line, said = MISTAKES[name]
    mydevices.write_text(SOURCE.replace(old, new))
    done = here("train", tiny_file, *LEAKY, "--use", mydevices, "--out", mydevices.parent / "run")
    refused(done, f"spinrnn: error: {mydevices}, line {line}: {said}")


def test_a_fault_of_spinrnn_is_no_users(mydevices, monkeypatch):
    """It keeps its traceback, also beside a file of the user's."""

    def fail(_):
        raise KeyError("ours")

    monkeypatch.setattr("spinrnn.cli.bench.bench", fail)
    kinds.use(mydevices)
    with pytest.raises(KeyError, match="ours"):
        here("bench")
