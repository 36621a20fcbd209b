"""`spinrnn check`: what a configuration would run is said without running it, and all that is
wrong at once.
"""

import json
import shutil

import numpy as np
import pytest
from conftest import here, refused

import spinrnn
from spinrnn.cli.check import lines_of
from spinrnn.runs import checking
from spinrnn.runs.checking import check_run

TEXT = """
[network]
layers = [6, 5]
density_int = 0.5
substeps = 3
[train]
epochs = 3
batch = 8
[data]
source = "a.npz"
"""


@pytest.fixture
def small(tmp_path, monkeypatch):
    """A configuration small.toml, whose data have 40 cases of two classes, x and y."""
    rng = np.random.default_rng(0)
    np.savez(tmp_path / "a.npz", inputs=rng.normal(size=(40, 2, 5)), labels=["x", "y"] * 20)
    (tmp_path / "small.toml").write_text(TEXT)
    monkeypatch.setattr(checking, "MEASURED", 0.05)
    monkeypatch.chdir(tmp_path)
    return tmp_path


# ---- what is said ----


def test_the_memory_of_devices_is_counted(small):
    """Cells of a pair have 95 bytes, and those of the best epoch are kept beside."""
    rram = ["synapse.kind=rram", "writer.kind=pulses"]
    found, plain = check_run("small.toml", rram), check_run("small.toml")
    net = spinrnn.Network(found.config.network)
    pairs = net.layout.is_weight().sum()
    assert found.expected.devices == pytest.approx(2 * 95 * pairs, rel=0.05)
    assert plain.expected.devices == 0
    assert " for the devices of synapses, besides" in "\n".join(lines_of(found))
    assert " for the data, besides" in "\n".join(lines_of(plain))


@pytest.mark.parametrize(
    ("rate", "said"),
    [
        ("0.02", "0.02, and 0.0002 is a large change of a trained number of the synapse resonator;"
         " one step goes beyond it, as 7e-06 does not"),
        ("6.6e-6", None),
        ("1e-8", "1e-08, and 0.0002 is a large change of a trained number of the synapse resonator;"
         " all 12 steps together hardly move one"),
    ],
)  # fmt: skip
def test_a_rate_of_another_scale_than_the_synapses(small, rate, said):
    settings = ["network.kind=feedforward", "network.layers=[4]", "synapse.kind=resonator"]
    text = TEXT.replace("density_int = 0.5\nsubsteps = 3\n", "")
    (small / "small.toml").write_text(text)
    found = check_run("small.toml", [*settings, f"train.learning_rate={rate}"])
    wanted = [] if said is None else [f"train.learning_rate: {said}"]
    assert [text for text in found.warnings if "learning_rate" in text] == wanted
    others = check_run("small.toml", [*settings[:2], f"train.learning_rate={rate}"])
    assert [text for text in others.warnings if "learning_rate" in text] == (
        ["train.learning_rate: 1e-08, and 1 is a large change of a trained number of the synapse "
         "ideal; all 12 steps together hardly move one"] if rate == "1e-8" else
        ["train.learning_rate: 6.6e-06, and 1 is a large change of a trained number of the synapse "
         "ideal; all 12 steps together hardly move one"] if rate == "6.6e-6" else []
    )  # fmt: skip


def test_sizes_and_parts_are_those_of_the_run(small):
    found = check_run("small.toml")
    assert (found.problems, found.warnings, found.notes) == ([], [], [])
    assert found.about == "40 cases of 2 channels and 5 points; classes x 20, y 20"
    result = spinrnn.train(spinrnn.load_config("small.toml"), "run", pictures=False)
    assert {name: sum(part.values()) for name, part in found.parts.items()} == result.summary[
        "cases"
    ]
    assert found.parts["training"] == {"x": 14, "y": 14}
    assert found.parameters == result.summary["parameters"]
    assert (found.batches, found.epochs) == (4, 3)
    assert found.config == result.config
    assert found.expected.memory == result.network.plan(8, 5).bytes
    size = sum(path.stat().st_size for path in (small / "run").rglob("*"))
    assert found.expected.disk - checking.PICTURES < size < found.expected.disk
    assert found.expected.free == pytest.approx(shutil.disk_usage(small).free, rel=0.1)


def test_it_writes_nothing(small):
    before = sorted(small.iterdir())
    assert here("check", "small.toml").returncode == 0
    assert sorted(small.iterdir()) == before


def test_lines_for_people(small):
    done = here("check", "small.toml", "--seed", "3", "--set", "train.epochs=2")
    assert (done.returncode, done.stderr) == (0, "")
    lines = {line.split()[0]: line.split(maxsplit=1)[1] for line in done.stdout.splitlines()}
    assert lines["task"] == "classification, read at: end"
    count = spinrnn.Network(check_run("small.toml").config.network, seed=3).mask.sum()
    text = f"2-6-5-2 oscillator, {count} parameters, 3 substeps of 3.33e-09 s a point"
    assert lines["network"] == text
    assert lines["learning"] == "2 epochs of 4 batches of up to 8 cases"
    assert lines["training"] == "28: x 14, y 14"
    assert lines["test"] == "8: x 4, y 4"
    assert {"memory", "time", "disk", "validation", "data"} <= set(lines)


def test_json_for_programs(small):
    found = json.loads(here("check", "small.toml", "--json").stdout)
    assert found["problems"] == []
    assert found["config"]["network"]["outputs"] == 2
    assert found["parts"]["validation"] == {"x": 2, "y": 2}
    assert found["expected"]["training"] > 0


# ---- times ----


@pytest.mark.parametrize("estimator", ["bptt", "reservoir"])
def test_times_are_those_of_steps_times_their_number(small, monkeypatch, estimator):
    """28 cases of training in 4 batches, 4 of validation and 8 of the test."""
    monkeypatch.setattr(checking, "_per_case", lambda *_: 0.5)
    monkeypatch.setattr(checking, "_seconds_of_batch", lambda *_: 3.0)
    monkeypatch.setattr(checking, "_seconds_of_fit", lambda *_: 100.0)
    # of what is learned at once there is one epoch
    epochs = {"bptt": 3, "reservoir": 1}[estimator]
    settings = [f"estimator.kind={estimator}", f"train.epochs={epochs}"]
    found = check_run("small.toml", settings).expected
    learning = 3 * (4 * 3.0 + 4 * 0.5) if estimator == "bptt" else 100.0 + 0.5 * (28 + 4)
    assert found.training == pytest.approx(learning)
    assert found.testing == pytest.approx(9 * 0.5 * 8)
    assert found.seconds == found.training + found.testing


def test_an_ensemble_is_so_many_trainings(small, monkeypatch):
    """Each member is tested, and all of them together."""
    monkeypatch.setattr(checking, "_per_case", lambda *_: 0.5)
    monkeypatch.setattr(checking, "_seconds_of_batch", lambda *_: 3.0)
    one = check_run("small.toml").expected
    monkeypatch.setattr(checking, "members_of", lambda _: 5)
    five = check_run("small.toml").expected
    assert five.training == pytest.approx(5 * one.training)
    assert five.testing == pytest.approx(10 * one.testing)
    assert five.disk - checking.PICTURES == 5 * (one.disk - checking.PICTURES)
    assert checking.members_of(spinrnn.TrainConfig()) == 5


def test_a_warm_start_is_a_fit_more(small, monkeypatch):
    monkeypatch.setattr(checking, "_per_case", lambda *_: 0.0)
    monkeypatch.setattr(checking, "_seconds_of_batch", lambda *_: 0.0)
    monkeypatch.setattr(checking, "_seconds_of_fit", lambda *_: 100.0)
    assert check_run("small.toml", ["estimator.warm=reservoir"]).expected.training == 100.0


def test_steps_are_measured_without_the_first_and_without_validations(small, monkeypatch):
    """Steps of 20 ms, the first of 300, the end of an epoch of 60 with its validation; by
    a clock that nothing else on this machine moves."""
    now = [0.0]

    class Slow:
        def __init__(self, batches):
            self.batches = batches

        def steps(self):
            now[0] += 0.3
            yield {} if self.batches == 1 else None
            for n in range(1, 100):
                end = (n + 1) % self.batches == 0
                now[0] += 0.06 if end else 0.02
                yield {} if end else None

    monkeypatch.setattr(checking, "MEASURED", 0.6)
    monkeypatch.setattr(checking.time, "perf_counter", lambda: now[0])
    assert checking._seconds_of_batch(Slow(3), 0.04, 9.0) == pytest.approx(0.02)
    assert checking._seconds_of_batch(Slow(1), 0.04, 9.0) == pytest.approx(0.02)
    # the first is long itself, if it has nothing else in it
    monkeypatch.setattr(checking, "MEASURED", 0.2)
    assert checking._seconds_of_batch(Slow(3), 0.04, 0.31) == pytest.approx(0.3)
    assert checking._seconds_of_batch(Slow(3), 0.04, 0.29) == pytest.approx(0.02)


@pytest.mark.slow
@pytest.mark.parametrize(
    "settings",
    [
        ["train.epochs=15"],
        ["train.epochs=8", "network.layers=[64,64]", "train.batch=32"],
        ["estimator.kind=reservoir", "network.layers=[200]", "network.substeps=16"],
    ],
)
def test_the_time_of_a_run_is_within_a_factor_of_one_and_a_half(settings):
    """The better of three tries, as other programs may be at work."""
    errors = []
    for _ in range(3):
        expected = check_run(None, settings).expected
        summary = spinrnn.train(spinrnn.load_config(None, settings)).summary
        errors.append(abs(np.log(expected.training / summary["seconds_training"])))
    assert min(errors) < np.log(1.5)


# ---- what is wrong ----


def test_all_problems_are_told_at_once(small):
    """Those of the keys, and those of the data beside them."""
    settings = ("network.layers=[0]", "train.epoch=3", "data.source=none.npz")
    done = here("check", "small.toml", *[word for text in settings for word in ("--set", text)])
    refused(done, "layers", "did you mean epochs?", "none.npz")
    found = check_run("small.toml", ["network.layers=[0]"])
    assert len(found.problems) == 1
    assert found.about is not None
    assert found.expected is None


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        (["network.inputs=3"], "expected the shape (case, 3, time)"),
        (["network.outputs=1"], "must be from 0 to 0"),
        (["data.test_fraction=0.99"], "with test_fraction it leaves nothing"),
        (["task.kind=regression"], "a regression needs targets"),
        (["data.validation_fraction=0.01"], "the validation part is empty"),
    ],
)
def test_what_does_not_fit_is_a_problem(small, settings, words):
    found = check_run("small.toml", settings)
    assert len(found.problems) == 1
    assert words in found.problems[0]
    assert found.expected is None


def test_too_little_memory_and_disk_are_problems(small, monkeypatch):
    spinrnn.set_memory_limit(1000)
    try:
        assert "are allowed" in check_run("small.toml").problems[0]
    finally:
        spinrnn.set_memory_limit(None)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(10, 10, 0))
    found = check_run("small.toml")
    assert found.problems == ["the disk has less room than the run needs; choose another --out"]
    assert not any(line.startswith("time") for line in lines_of(found))


def test_warnings_about_data(small):
    rng = np.random.default_rng(1)
    inputs = rng.normal(20000, 1000, size=(40, 2, 5))
    np.savez("a.npz", inputs=inputs, labels=np.zeros(40, int), test=np.arange(40) < 5)
    done = here("check", "small.toml")
    assert done.returncode == 0
    assert "warning: all training cases have the class 0" in done.stdout
    assert "warning: channel 1 of the inputs has the mean" in done.stdout


def test_labels_from_1_are_a_note(small):
    rng = np.random.default_rng(1)
    np.savez("a.npz", inputs=rng.normal(size=(40, 2, 5)), labels=np.arange(40) % 2 + 1)
    done = here("check", "small.toml")
    assert "note: " in done.stdout
    assert "labels 1 to 2 are the classes 0 to 1" in done.stdout


def test_a_configuration_that_cannot_be_read(small):
    (small / "b.toml").write_text("a = ")
    refused(here("check", "b.toml"), "not valid TOML")
    refused(here("check", "none.toml"), "cannot read the configuration none.toml")


def test_without_a_configuration_the_built_in_recipe(monkeypatch):
    monkeypatch.setattr(checking, "MEASURED", 0.01)
    done = here("check")
    assert "300 epochs of 10 batches of up to 128 cases" in done.stdout
    assert "1797 cases of 1 channel and 64 points" in done.stdout
