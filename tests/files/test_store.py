"""Files: what is saved is loaded to the bit; every broken, foreign or hostile file is
refused with one line.
"""

import os
import warnings

import h5py
import numpy as np
import pytest

import spinrnn
from spinrnn.config.run import to_tables
from spinrnn.config.toml import to_toml
from spinrnn.files import container
from spinrnn.files.atomic import new_temporary, write_atomic
from spinrnn.files.hdf5 import read_arrays
from spinrnn.networks.saved import arrays_of
from spinrnn.neurons.spread import devices_of
from spinrnn.runs import checkpoints


@pytest.fixture
def saved(tmp_path):
    net = spinrnn.Network(
        spinrnn.NetworkConfig(
            layers=(5, 4), inputs=2, density_ext=0.5, substeps=3, amplification=(1.0, 2.0)
        ),
        seed=4,
    )
    path = tmp_path / "network.h5"
    net.save(path)
    return net, path


def test_round_trip(saved):
    net, path = saved
    other = spinrnn.load(path)
    assert other.config == net.config
    assert other.parameters.tobytes() == net.parameters.tobytes()
    np.testing.assert_array_equal(other.mask, net.mask)
    u = np.ones((2, 2, 4))
    np.testing.assert_array_equal(other.forward(u), net.forward(u))


def test_other_programs_find_named_arrays(saved):
    net, path = saved
    with h5py.File(path) as file:
        np.testing.assert_array_equal(file["parameters/w_int_1"], net.views()["w_int"][1])
        assert file.attrs["format"] == "spinrnn"
        assert "layers = [5, 4]" in file.attrs["config"]


def test_truncated_at_every_place(saved):
    _, path = saved
    content = path.read_bytes()
    for size in [0, 1, 100, *range(1000, len(content), 1500), len(content) - 1]:
        path.write_bytes(content[:size])
        with pytest.raises(spinrnn.StoreError, match=r"network\.h5"):
            spinrnn.load(path)


def test_a_flipped_bit_anywhere_is_noticed(saved):
    """Also in what is no part of the network, as a name of axes: no byte is trusted."""
    _, path = saved
    content = path.read_bytes()
    for place in [*range(0, len(content) - 48, 211), content.index(b"neuron_1")]:
        path.write_bytes(content[:place] + bytes([content[place] ^ 16]) + content[place + 1 :])
        with pytest.raises(spinrnn.StoreError, match="does not match its checksum"):
            spinrnn.load(path)


def test_the_end_of_a_file_may_be_lost_but_not_what_it_is_about(saved):
    """Version 0.1 had none at first; the other checksum is still there."""
    net, path = saved
    content = path.read_bytes()
    path.write_bytes(content[:-48])
    np.testing.assert_array_equal(spinrnn.load(path).parameters, net.parameters)
    for end in (content[:-1], content + b"x", content[:-32] + bytes(32)):
        path.write_bytes(end)
        with pytest.raises(spinrnn.StoreError, match="does not match its checksum"):
            spinrnn.load(path)


@pytest.mark.parametrize("change", ["value", "kind", "config", "name"])
def test_what_another_program_changes_is_noticed(saved, change):
    """It writes the file anew, without our end."""
    _, path = saved
    with h5py.File(path, "a") as file:
        if change == "value":
            file["parameters/b_out"][0] = 3
        elif change == "name":
            file.move("parameters/b_out", "parameters/c_out")
        else:
            other = {"kind": "checkpoint", "config": file.attrs["config"] + "\n"}
            file.attrs[change] = other[change]
    with pytest.raises(spinrnn.StoreError, match="does not match its checksum"):
        spinrnn.load(path)


def test_devices_that_differ_are_kept(tmp_path, tiny_data):
    """In the file of a network, in a checkpoint and in the folder of a run."""
    network = spinrnn.NetworkConfig(layers=(3, 2), inputs=2, outputs=3, spread_gamma=0.2)
    train = spinrnn.TrainConfig(epochs=1)
    config = spinrnn.RunConfig(network=network, train=train)
    net = spinrnn.train(config, out=tmp_path / "run", data=tiny_data, pictures=False).network
    (newest, *_) = checkpoints.checkpoint_paths(tmp_path / "run")
    # others than those that the configuration draws
    _, arrays, state = checkpoints.load_checkpoint(newest)
    arrays["devices/gamma"] = arrays["devices/gamma"] * 1.5
    checkpoints.save_checkpoint(newest, config, arrays, state)
    net.devices = devices_of(arrays, network)
    net.save(tmp_path / "n.h5")
    net.save(tmp_path / "run" / "network.h5")
    for path in (tmp_path / "n.h5", newest, tmp_path / "run"):
        other = spinrnn.load(path)
        assert other.devices.same(net.devices)
        np.testing.assert_array_equal(other.parameters, net.parameters)


def test_all_that_does_not_fit_is_counted(tmp_path, net):
    """The first dataset is named."""
    toml = to_toml(spinrnn.RunConfig(network=net.config), ["network"])
    arrays = arrays_of(net)
    for name, wrong in (
        ("parameters/w_int_0", np.zeros((5, 4))),
        ("parameters/w_int_0", np.zeros((5, 5), int)),
        ("mask/bias_1", np.zeros(5, np.uint8)),
        ("mask/bias_1", np.zeros(4)),
    ):
        container.write_container(tmp_path / "n.h5", "network", toml, arrays | {name: wrong})
        with pytest.raises(spinrnn.StoreError, match=f"dataset {name} is missing or not"):
            spinrnn.load(tmp_path / "n.h5")
    del arrays["parameters/b_out"], arrays["mask/b_out"]
    container.write_container(tmp_path / "n.h5", "network", toml, arrays)
    with pytest.raises(spinrnn.StoreError, match=r"b_out is missing .* \(2 are so\)"):
        spinrnn.load(tmp_path / "n.h5")


def test_missing_foreign_and_future_files(saved, tmp_path):
    _, path = saved
    with pytest.raises(spinrnn.StoreError, match="No such file"):
        spinrnn.load(tmp_path / "nothing.h5")
    (tmp_path / "text.h5").write_text("hello")
    with pytest.raises(spinrnn.StoreError, match="not an HDF5 file"):
        spinrnn.load(tmp_path / "text.h5")
    with h5py.File(tmp_path / "foreign.h5", "w") as file:
        file["weights"] = np.ones(3)
    with pytest.raises(spinrnn.StoreError, match="not written by spinrnn"):
        spinrnn.load(tmp_path / "foreign.h5")
    with h5py.File(path, "a") as file:
        file.attrs["version"] = container.VERSION + 1
    with pytest.raises(spinrnn.StoreError, match="install a newer spinrnn"):
        spinrnn.load(path)
    (tmp_path / "empty").mkdir()
    with pytest.raises(spinrnn.StoreError, match="is it a run folder"):
        spinrnn.load(tmp_path / "empty")


def external_link(file):
    file["parameters/w_out"] = h5py.ExternalLink("other.h5", "/x")


def soft_link(file):
    file["parameters/w_out"] = h5py.SoftLink("/parameters/b_out")


def external_storage(file):
    file.create_dataset("parameters/w_out", (100,), "f8", external=[("secret.bin", 0, 800)])


def virtual(file):
    layout = h5py.VirtualLayout((100,), "f8")
    layout[:] = h5py.VirtualSource("other.h5", "x", (100,))
    file.create_virtual_dataset("parameters/w_out", layout)


def huge(file):
    file.create_dataset("parameters/w_out", (10**12,), "f8")


def huge_chunked(file):
    file.create_dataset("parameters/w_out", (10**12,), "f8", chunks=(1000,), compression="gzip")


def endless(file):
    group = file.create_group("loop")
    for _ in range(30):
        below = group.create_group("a")
        group["b"] = below
        group = below
    file["parameters/w_out"] = np.ones(3)


def strings(file):
    file.create_dataset("parameters/w_out", data=["a"], dtype=h5py.string_dtype())


ATTACKS = (
    external_link,
    soft_link,
    external_storage,
    virtual,
    huge,
    huge_chunked,
    endless,
    strings,
)


@pytest.mark.parametrize("attack", ATTACKS)
def test_hostile_files_are_refused_before_data_are_read(saved, tmp_path, monkeypatch, attack):
    _, path = saved
    monkeypatch.chdir(tmp_path)
    np.arange(100.0).tofile("secret.bin")
    with h5py.File(path, "a") as file:
        del file["parameters/w_out"]
        attack(file)
    with pytest.raises(
        spinrnn.StoreError, match=r"is a link elsewhere|not a plain array|claims|nested"
    ):
        spinrnn.load(path)


def test_groups_may_be_nested_four_deep(tmp_path):
    path = tmp_path / "x.h5"
    with h5py.File(path, "w") as file:
        file["a/b/c/x"] = np.arange(3.0)
    assert list(read_arrays(path.read_bytes(), path)[1]) == ["a/b/c/x"]
    with h5py.File(path, "a") as file:
        file["a/b/c/d/x"] = np.arange(3.0)
    with pytest.raises(spinrnn.StoreError, match="groups nested more than 4 deep"):
        read_arrays(path.read_bytes(), path)


def test_a_failed_write_leaves_the_old_file_and_no_other(saved, monkeypatch):
    _, path = saved
    before = path.read_bytes()

    def full(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(spinrnn.StoreError, match=r"network\.h5: No space left on device"):
        write_atomic(path, b"new")
    assert path.read_bytes() == before
    assert [p.name for p in path.parent.iterdir()] == ["network.h5"]


def test_stale_files_go_and_those_at_work_stay(saved, monkeypatch):
    net, path = saved
    stale = path.with_name(".network.h5.0123456789ab.tmp")
    stale.write_bytes(b"of a killed process")
    other, descriptor = new_temporary(path)
    net.save(path)
    assert sorted(path.parent.iterdir()) == sorted([path, other])
    os.close(descriptor)
    net.save(path)
    assert list(path.parent.iterdir()) == [path]
    monkeypatch.setattr(
        "fcntl.flock", lambda *_: exec("raise OSError(95, 'Operation not supported')")
    )
    stale.write_bytes(b"perhaps of a process at work")
    net.save(path)
    assert sorted(path.parent.iterdir()) == sorted([path, stale])


def test_paths_that_cannot_be_written(saved, tmp_path):
    net, path = saved
    for bad in (
        path / "below_a_file.h5",
        tmp_path / "none" / "n.h5",
        tmp_path / ("n" * 253),
        str(tmp_path / "a\0b"),
    ):
        with pytest.raises(spinrnn.StoreError, match="cannot write"):
            net.save(bad)


def test_a_checkpoint_of_wrong_shapes(tmp_path):
    path = tmp_path / "c.h5"
    for arrays in ({}, {"best_parameters": np.zeros(3)}):
        checkpoints.save_checkpoint(path, spinrnn.RunConfig(), arrays, {})
        with pytest.raises(spinrnn.StoreError, match="lacks best_parameters"):
            spinrnn.load(path)


def test_the_newest_whole_checkpoint_is_used(tmp_path):
    (tmp_path / "checkpoints").mkdir()
    config = spinrnn.RunConfig()
    for step in (1, 2, 3):
        checkpoints.save_checkpoint(
            tmp_path / "checkpoints" / f"{step:08d}.h5",
            config,
            {"parameters": np.full(3, step)},
            {"step": step},
        )
    newest = tmp_path / "checkpoints" / "00000003.h5"
    newest.write_bytes(newest.read_bytes()[:-100])
    with pytest.warns(UserWarning, match=r"00000003\.h5"):
        stored, arrays, state = checkpoints.load_newest_checkpoint(tmp_path)
    assert to_tables(stored) == to_tables(config)
    assert state == {"step": 2}
    np.testing.assert_array_equal(arrays["parameters"], [2, 2, 2])
    for path in (tmp_path / "checkpoints").iterdir():
        path.write_bytes(b"")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with pytest.raises(spinrnn.StoreError, match="no checkpoint can be used"):
            checkpoints.load_newest_checkpoint(tmp_path)
