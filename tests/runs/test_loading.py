"""Any path that holds a network: which weights, configuration and run it stands for."""

import json

import numpy as np
import pytest
from conftest import here, refused

import spinrnn
from spinrnn.learning import trainer
from spinrnn.runs import checkpoints, loading
from spinrnn.runs.run import Interrupted
from spinrnn.tasks.protocol import Evaluation


@pytest.fixture
def stopped(tmp_path, tiny_config, tiny_data, monkeypatch):
    """A run that was stopped within its fourth epoch; its best one is the second.

    Returns its folder and the parameters after each epoch.
    """
    scores = iter([0.5, 0.9, 0.4])
    after, batches = [], [0]

    def evaluate(net, *_, task, forward=None):
        after.append(net.parameters.copy())
        return Evaluation({"loss": 1.0, "accuracy": next(scores)}, {"confusion": np.zeros((3, 3))})

    def stop():
        batches[0] += 1
        return len(after) == 3 and batches[0] > 3 * batches_of(tiny_config, tiny_data)

    monkeypatch.setattr(trainer, "scored", evaluate)
    with pytest.raises(Interrupted):
        spinrnn.train(tiny_config, out=tmp_path / "run", data=tiny_data, stop=stop)
    monkeypatch.undo()
    return tmp_path / "run", after


def batches_of(config, data):
    """Batches of an epoch."""
    return trainer.Trainer(config, data).batches


def test_an_unfinished_run_gives_the_best_weights_so_far(stopped):
    folder, after = stopped
    (newest, *_) = checkpoints.checkpoint_paths(folder)
    _, arrays, _ = checkpoints.load_checkpoint(newest)
    best, last = after[1], arrays["parameters"]
    assert not np.array_equal(best, last)
    for path in (folder, newest):
        np.testing.assert_array_equal(spinrnn.load(path).parameters, best)
    run = loading.open_run(folder)
    np.testing.assert_array_equal(run.network.parameters, best)
    assert (run.finished, run.best_epoch) == (False, 2)
    assert "not finished, this is its best epoch so far" in run.note
    network, config, again = loading.open_any(folder)
    np.testing.assert_array_equal(network.parameters, best)
    assert config == again.config == run.config


def test_the_commands_take_the_best_weights_so_far(stopped, tmp_path, tiny_data):
    folder, after = stopped
    np.savez(
        tmp_path / "d.npz",
        inputs=tiny_data.inputs,
        labels=tiny_data.labels,
        lengths=tiny_data.lengths,
    )
    moved = ["--set", f"data.source={tmp_path / 'd.npz'}"]
    result = here("evaluate", folder, "--json", *moved)
    assert result.returncode == 0, result.stderr
    assert result.stderr.count("not finished, this is its best epoch so far") == 1
    net = spinrnn.load(folder)
    net.parameters[:] = after[1]
    config = loading.open_run(folder).config
    part = spinrnn.datasets.parts.split(tiny_data, config.data, config.resolved_split_seed)[2]
    test = tiny_data.take(part)
    found = json.loads(result.stdout)
    assert found["test_loss"] == trainer.evaluate(net, test).loss
    assert found["finished"] is False
    result = here("simulate", folder, "--out", tmp_path / "t.h5", *moved)
    assert result.returncode == 0, result.stderr
    assert "not finished, this is its best epoch so far" in result.stderr
    with spinrnn.open_trajectory(tmp_path / "t.h5") as file:
        np.testing.assert_array_equal(file.network.parameters, after[1])
        assert file.attributes["seed"] == config.train.seed
        assert len(file) == len(test)


def test_a_run_without_a_finished_epoch(tmp_path, tiny_file, tiny_config):
    config = spinrnn.load_config(tiny_file)
    with pytest.raises(Interrupted):
        spinrnn.train(config, out=tmp_path / "run", stop=lambda: True)
    run = loading.open_run(tmp_path / "run")
    assert (run.finished, run.best_epoch) == (False, None)
    assert run.note.endswith("not finished, these are its initial weights")
    fresh = spinrnn.Network(config.network, seed=config.train.seed)
    np.testing.assert_array_equal(run.network.parameters, fresh.parameters)
    refused(here("evaluate", tmp_path / "run"), "no epoch has been finished yet", "--resume")


def test_a_finished_run_and_what_may_be_set(tmp_path, tiny_file, tiny_data):
    config = spinrnn.load_config(tiny_file)
    result = spinrnn.train(config, out=tmp_path / "run", pictures=False)
    run = loading.open_run(tmp_path / "run", ["network.substeps=5", "data.source=elsewhere.npz"])
    assert (run.finished, run.note) == (True, None)
    assert run.best_epoch == result.summary["best_epoch"]
    assert run.network.config.substeps == 5
    np.testing.assert_array_equal(run.network.parameters, result.network.parameters)
    run.check_data(tiny_data.digest())
    with pytest.raises(spinrnn.DataError, match="trained on other data"):
        run.check_data("0" * 64)
    for wrong in ("train.seed=2", "data.test_fraction=0.5", "data.split_seed=3"):
        with pytest.raises(spinrnn.ConfigError, match=r"takes keys of \[network\], \[neuron\] and"):
            loading.open_run(tmp_path / "run", [wrong])
    with pytest.raises(spinrnn.ConfigError, match="density"):
        loading.open_run(tmp_path / "run", ["network.density_int=2"])


def test_every_path_that_holds_a_network(tmp_path, tiny_file, tiny_data, sweep_file):
    """A configuration, a file, a point of a sweep, a trajectory; others are refused."""
    config = spinrnn.load_config(tiny_file)
    network, found, run = loading.open_any(tiny_file, ["train.seed=4"])
    fresh = spinrnn.Network(config.network, seed=4)
    np.testing.assert_array_equal(network.parameters, fresh.parameters)
    assert (found.train.seed, run) == (4, None)
    fresh.save(tmp_path / "n.h5")
    fresh.simulate_to(tmp_path / "t.h5", tiny_data.inputs[:2])
    for path in (tmp_path / "n.h5", tmp_path / "t.h5"):
        network, found, run = loading.open_any(path)
        np.testing.assert_array_equal(network.parameters, fresh.parameters)
        assert network.config == config.network
        assert found is None
        assert run is None
    sweep = spinrnn.load_sweep(sweep_file('[[axes]]\nkey = "train.seed"\nvalues = [0]', epochs=1))
    spinrnn.run_sweep(sweep, tmp_path / "out", executor="serial")
    (point,) = (tmp_path / "out" / "points").glob("*.h5")
    network, found, _ = loading.open_any(point)
    alone = spinrnn.train(sweep.points[0].config, pictures=False)
    np.testing.assert_array_equal(network.parameters, alone.network.parameters)
    assert 0 < alone.network.mask.mean() < 1
    np.testing.assert_array_equal(network.mask, alone.network.mask)
    assert found.train.epochs == 1
    with pytest.raises(spinrnn.ConfigError, match="goes with the folder of a run"):
        loading.open_any(tmp_path / "n.h5", ["network.substeps=2"])
    with pytest.raises(spinrnn.StoreError, match=r"no config\.toml there"):
        loading.open_any(tmp_path / "out")


@pytest.mark.parametrize("state", [{}, {"best_epoch": 1}, [], None])
def test_a_checkpoint_that_is_none_of_a_run(tmp_path, tiny_config, state):
    folder = tmp_path / "run"
    (folder / "checkpoints").mkdir(parents=True)
    net = spinrnn.Network(tiny_config.network)
    arrays = {"best_parameters": net.parameters, "mask": net.mask.astype(np.uint8)}
    path = folder / "checkpoints" / "00000001.h5"
    checkpoints.save_checkpoint(path, tiny_config, arrays, state)
    (folder / "config.toml").write_text(spinrnn.config.toml.to_toml(tiny_config))
    with pytest.raises(spinrnn.StoreError, match="is whole, but not one of a run"):
        loading.open_run(folder)


@pytest.mark.parametrize("path", [".", "network.h5", "checkpoints/1.h5", "points/1.h5"])
def test_a_kind_that_is_not_given_is_told_with_its_file(tmp_path, path):
    """By every file of a run's or a sweep's folder, which says where its kinds come from."""
    (tmp_path / path).parent.mkdir(exist_ok=True)
    net = spinrnn.Network(spinrnn.NetworkConfig(layers=(2,)))
    if path != ".":
        net.save(tmp_path / path)
    record = {"neuron.leaky": {"file": "/there/mine.py", "sha256": "0"}}
    (tmp_path / "kinds.json").write_text(json.dumps(record))
    (tmp_path / ("sweep.json" if "points" in path else "config.toml")).touch()
    with pytest.raises(spinrnn.StoreError) as caught:
        spinrnn.load(tmp_path / path)
    words = "the neuron leaky comes from /there/mine.py; give it by --use /there/mine.py"
    assert str(caught.value) == f"{tmp_path}: {words}"
    (tmp_path / "kinds.json").unlink()
    if path != ".":
        assert spinrnn.load(tmp_path / path).config == net.config
