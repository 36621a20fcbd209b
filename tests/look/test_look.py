"""`spinrnn look`: what it says of files of all kinds, its JSON and its picture."""

import dataclasses
import json
import warnings

import numpy as np
import pytest
from scipy.io import wavfile

import spinrnn
from spinrnn.cli.main import main
from spinrnn.datasets.known import Known
from spinrnn.look import figures
from spinrnn.look.contents import look
from spinrnn.look.runs import lines_of_run, look_at_run
from spinrnn.look.wording import lines_of
from spinrnn.readers.columns import Columns


def said(capsys, *arguments):
    assert main(["look", *map(str, arguments)]) == 0
    return capsys.readouterr().out


@pytest.fixture
def archive(tmp_path):
    head = "@problemName A\n@classLabel true up down\n@data\n"
    (tmp_path / "A_TRAIN.ts").write_text(head + "1,2,3:up\n4,5,6:up\n7,8,9:up\n")
    (tmp_path / "A_TEST.ts").write_text(head + "1,2:down\n")
    return tmp_path / "A_TRAIN.ts"


def test_a_data_set(archive, capsys):
    text = said(capsys, archive)
    assert "4 cases, 1 of them for the test, 1 channel, 2 to 3 points" in text
    assert "2 classes: up (3), down (1); the largest has 75.0 %" in text
    assert "yes  training (classification)" in text
    assert "the test part is A_TEST.ts" in text
    assert "no   analysis of a device's recording" in text


def test_numbers_without_labels_are_a_regression(tmp_path, capsys):
    np.savez(tmp_path / "a.npz", inputs=np.ones((4, 1, 3)), targets=np.ones((4, 1)))
    assert "yes  training (regression)" in said(capsys, tmp_path / "a.npz")


def test_numbers_are_those_of_the_array(tmp_path):
    values = np.array([1.0, np.nan, 3, np.inf, 5])
    np.savez(
        tmp_path / "a.npz",
        x=values,
        t=np.arange(5) * 2e-9,
        n=np.array(["a", "b", "a"]),
        u=[0, 1, 3],
    )
    found = {array.name: array for array in look(tmp_path / "a.npz").arrays}
    x = found["x"]
    assert (x.least, x.greatest, x.mean, x.missing, x.infinite) == (1, 5, 3, 1, 1)
    assert x.deviation == pytest.approx(np.std([1, 3, 5]))
    assert x.step is None
    assert found["t"].step == pytest.approx(2e-9)
    assert found["t"].even
    assert found["n"].different == 2
    assert (found["u"].step, found["u"].even) == (1.5, False)


def test_gaps_of_times_are_told(tmp_path):
    time = np.delete(np.arange(40.0), [5, 6, 20, 21, 22])
    np.savez(tmp_path / "a.npz", two=time, one=time[10:], none=np.arange(40.0) ** 2)
    text = "\n".join(lines_of(look(tmp_path / "a.npz")))
    assert "increasing in steps of 1 with 2 gaps, the first of 3 after sample 4" in text
    assert "increasing in steps of 1 with 1 gap, 4 after sample 7" in text
    assert "increasing in uneven steps of 39\n" in text


def test_scales_classes_and_gaps_are_told(tmp_path):
    inputs = np.random.default_rng(0).normal(size=(6, 4, 50))
    inputs[:, 3] += 20
    # behind the end of the last case
    inputs[5, 0, 20] = 1e9
    inputs[:, 1] = 20_000 + 3000 * inputs[:, 1]
    inputs[:, 2] = 7
    inputs[2, 0, 3] = np.nan
    np.savez(tmp_path / "a.npz", inputs=inputs, labels=np.zeros(6, int), lengths=[50] * 5 + [20])
    lines = lines_of(look(tmp_path / "a.npz"))
    text = "\n".join(lines)
    assert "6 cases, 4 channels, 20 to 50 points" in text
    assert "1 class: 0 (6); the largest has 100.0 %" in text
    assert "one class alone: there is nothing to learn" in text
    assert "1 value is missing" in text
    assert [("far" in line, "never" in line) for line in lines if "channel " in line] == [
        (False, False), (True, False), (False, True), (True, False)
    ]  # fmt: skip


def test_a_recording_and_its_units(tmp_path, capsys):
    rows = "".join(f"{k}\t{0.1 * k}\t1\n" for k in range(20))
    (tmp_path / "table.txt").write_text("# run: 7\n# t (ns)\tP ()\tI (mA)\n" + rows)
    text = said(capsys, tmp_path / "table.txt")
    assert ["t", "20", "float64", "ns", "0", "to", "19,"] in [
        line.split()[:7] for line in text.splitlines()
    ]
    assert "in even steps of 1" in text
    assert "run = 7" in text
    assert "no   analysis" in text
    named = ["--columns", "time=t,power=P,drive=I"]
    text = said(capsys, tmp_path / "table.txt", *named)
    assert "yes  analysis of a device's recording" in text
    assert "yes  fit of a device's parameters" in text
    assert "time is t, ns converted to s" in text
    assert "in even steps of 1e-09 (1e+09 Hz)" in text


def test_a_table_of_pulses(tmp_path, capsys):
    rows = [f"{k % 10},{'up' if k < 10 else 'down'},{min(k, 20 - k) + 1}" for k in range(20)]
    (tmp_path / "pulses.csv").write_text("\n".join(["No,polarity,G_uS", *rows]))
    text = said(capsys, tmp_path / "pulses.csv")
    assert "no   fit of a synapse to its pulses (identify --synapse)" in text
    assert "as in --columns pulse=n,conductance=G" in text
    named = ["--columns", "pulse=No,direction=polarity,conductance=G_uS"]
    text = said(capsys, tmp_path / "pulses.csv", *named)
    assert "yes  fit of a synapse to its pulses (identify --synapse)" in text


def test_json_has_all_of_it(archive, tmp_path, capsys):
    found = json.loads(said(capsys, archive, "--json", "--out", tmp_path / "p.png"))
    assert found["cases"]["classes"] == {"up": 3, "down": 1}
    assert found["uses"]["train"] == ""
    assert "no array time" in found["uses"]["analyse"]
    assert [array["name"] for array in found["arrays"]] == ["inputs", "labels"]
    assert found["picture"] == str(tmp_path / "p.png")
    assert (tmp_path / "p.png").read_bytes().startswith(b"\x89PNG")


def test_the_picture_shows_each_class_or_column(archive, tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        data = spinrnn.load_dataset(archive)
    panels = figures.cases(data)
    assert [ax.get_title() for ax in panels] == ["class up, 3 cases", "class down, 1 case"]
    assert [len(ax.lines) for ax in panels] == [3, 1]
    assert panels[1].lines[0].get_ydata().tolist() == [1, 2]
    (tmp_path / "a.csv").write_text("time (s),x (mV),name\n0,5,a\n2,7,b\n4,6,c\n")
    panels = figures.columns(look(tmp_path / "a.csv").table)
    assert len(panels) == 1
    assert (panels[0].get_xlabel(), panels[0].get_ylabel()) == ("time (s)", "x (mV)")
    assert panels[0].lines[0].get_xdata().tolist() == [0, 2, 4]


def test_folders_and_digits(tmp_path, capsys):
    for label in ("up", "down"):
        (tmp_path / label).mkdir()
        wavfile.write(tmp_path / label / "a.wav", 8000, np.arange(9, dtype=np.int16))
    assert "2 classes: down (1), up (1)" in said(capsys, tmp_path)
    assert "1797 cases, 1 channel, 64 points" in said(capsys, "digits")


def test_what_cannot_be_read_is_one_line(tmp_path, capsys):
    (tmp_path / "a.csv").write_text("")
    np.savez(tmp_path / "a.npz", inputs=np.zeros((2, 3)))
    net = spinrnn.Network(spinrnn.NetworkConfig(layers=(2,), inputs=1, outputs=2), seed=0)
    net.save(tmp_path / "net.h5")
    net.simulate(np.zeros((1, 1, 3))).save(tmp_path / "traces.h5")
    for arguments, words in (
        (["a.csv"], "empty"),
        (["missing.csv"], "cannot read"),
        (["net.h5"], "was written by spinrnn; a network is read by spinrnn simulate, and in Py"),
        (["traces.h5"], "spinrnn; a trajectory is read by spinrnn analyse, and one neuron of it"),
        (["a.npz", "--columns", "time=t"], "--columns: has no array t"),
        (["a.npz", "--out", "no/such/p.png"], "cannot write"),
    ):
        assert main(["look", str(tmp_path / arguments[0]), *arguments[1:]]) == 2
        printed = capsys.readouterr().err
        assert words in printed
        assert printed.count("\n") == 1
    found = look(tmp_path / "a.npz", Columns.of_texts("inputs=1", None))
    assert "has no array labels" in found.uses["train"]


# ---- runs ----


def run_of(folder, text):
    np.savez(
        folder / "a.npz",
        inputs=np.random.default_rng(0).normal(size=(20, 1, 3)),
        labels=np.array(["up", "down"] * 10),
    )
    (folder / "own.toml").write_text(
        f'[network]\nlayers = [3, 2]\nsubsteps = 2\n[data]\nsource = "{folder / "a.npz"}"\n{text}'
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        spinrnn.train(spinrnn.load_config(folder / "own.toml"), folder / "run", pictures=False)
    return folder / "run"


TRAINED = '["relaxation_time", "bias_ratio", "nonlinear_damping"]'
"""As other tests have them, whose kernels are there."""


def test_a_run_says_what_it_is_made_of(tmp_path, capsys):
    text = f'[neuron]\ntrain = {TRAINED}\n[synapse]\nkind = "sign"\n[train]\nepochs = 1\n'
    folder = run_of(tmp_path, text)
    lines = said(capsys, folder)
    assert "finished, best epoch 1" in lines
    assert "recurrent, layers 3, 2" in lines
    assert "neurons   oscillator\n" in lines
    assert "synapses  sign\n" in lines
    assert "learned   classification by bptt, written by adam" in lines
    assert "frontend  none\n" in lines
    assert "classes   down, up\n" in lines
    values = spinrnn.load(folder).trained_values()["bias_ratio"]
    assert f"trained bias_ratio: layer 0 {values[0][0]:.5g}, layer 1 {values[1][0]:.5g}" in lines
    sounds = Known(None, ("I", "V"), ("A", ""), 8000.0, targets=("y", "z"))
    own = dataclasses.replace(look_at_run(folder), frontend="mel", known=sounds)
    rows = [line.split(maxsplit=1) for line in lines_of_run(own) if line.startswith("  ")]
    assert ["frontend", "mel, sounds of 8000 Hz"] in rows
    assert ["channels", "I, V"] in rows
    assert ["units", "A, unknown"] in rows
    assert ["targets", "y, z"] in rows
    assert "classes" not in [name for name, _ in rows]
    found = json.loads(said(capsys, folder, "--json"))
    assert (found["synapses"], found["frontend"]) == (["sign"], "none")
    np.testing.assert_array_equal(found["trained"]["bias_ratio"]["1"], values[1])


def test_an_ensemble_says_what_each_has_learned(tmp_path, capsys):
    text = f"[neuron]\ntrain = {TRAINED}\n[train]\nepochs = 1\nensemble = 2\n"
    folder = run_of(tmp_path, text)
    lines = said(capsys, folder)
    assert "member 0, trained bias_ratio" in lines
    assert "member 1, trained bias_ratio" in lines
    assert main(["look", str(folder), "--out", str(tmp_path / "a.png")]) == 2
    assert f"give one of its networks, as {folder / 'member-0'}" in capsys.readouterr().err


def test_a_run_takes_no_options_of_data(tmp_path, capsys):
    (tmp_path / "config.toml").write_text("")
    for option in (["--columns", "a=b"], ["--targets", "y"], ["--rows", "cases"]):
        assert main(["look", str(tmp_path), *option]) == 2
        assert "go with data, not with a run" in capsys.readouterr().err


# ---- what a spiking network has learned ----


@pytest.fixture(scope="module")
def spiking(tmp_path_factory):
    """The folder of a run of 12 neurons with 9 inputs, two classes, and what it learned."""
    folder = tmp_path_factory.mktemp("spiking")
    rng = np.random.default_rng(0)
    labels = np.arange(60) % 2
    inputs = np.where(np.arange(9) % 2 == labels[:, None], 1.0, 0.0)[:, None, :]
    data = spinrnn.Dataset(inputs + 0.1 * rng.random((60, 1, 9)), labels, classes=("up", "down"))
    network = spinrnn.SpikingConfig(layers=(12,), presentation=0.1, pause=0.05, threshold=4.0)
    train = spinrnn.TrainConfig(epochs=1, estimator=spinrnn.VDSP())
    spinrnn.train(spinrnn.RunConfig(network, train), folder / "run", data=data, pictures=False)
    return folder / "run"


def test_the_receptive_fields_of_a_run_are_drawn(spiking, tmp_path, capsys, real_pictures):
    text = said(capsys, spiking, "--out", tmp_path / "fields.png")
    assert "learned   classification by vdsp" in text
    assert text.endswith(f"picture: {tmp_path / 'fields.png'}\n")
    assert (tmp_path / "fields.png").read_bytes().startswith(b"\x89PNG")
    found = json.loads(said(capsys, spiking, "--out", tmp_path / "again.png", "--json"))
    assert found["picture"] == str(tmp_path / "again.png")
    assert json.loads(said(capsys, spiking, "--json"))["picture"] is None


def test_fields_are_the_weights_below_the_classes_that_neurons_answer_to(spiking):
    net = spinrnn.load(spiking)
    net.buffers["answers/spikes"][:, 4] = 0
    labels, weights = net.labels, net.views()["w"][0]
    panels = figures.receptive_fields(net, ("up", "down"))
    titles = [ax.get_title() for ax in panels]
    order = [k for label in (0, 1, -1) for k in np.flatnonzero(labels == label)]
    assert titles == [("up", "down", "-")[labels[k]] for k in order]
    assert titles[order.index(4)] == "-"
    for ax, k in zip(panels, order, strict=True):
        np.testing.assert_array_equal(ax.images[0].get_array(), weights[k].reshape(3, 3))
        assert ax.images[0].get_clim() == (weights.min(), weights.max())
    # what is no square is a line, and a class beyond the number of neurons is none that never fired
    line = spinrnn.SpikingNetwork(spinrnn.SpikingConfig(layers=(2,), inputs=6, outputs=9))
    line.tally(np.array([[0, 3]]), np.array([8]))
    panels = figures.receptive_fields(line)
    assert [ax.get_title() for ax in panels] == ["8", "-"]
    assert panels[0].images[0].get_array().shape == (1, 6)


def test_a_run_without_such_a_picture_says_so(tmp_path, capsys):
    folder = run_of(tmp_path, "[train]\nepochs = 1\n")
    assert main(["look", str(folder), "--out", str(tmp_path / "a.png")]) == 2
    told = capsys.readouterr().err
    assert "whose receptive fields it draws; this one is recurrent" in told
    assert not (tmp_path / "a.png").exists()
