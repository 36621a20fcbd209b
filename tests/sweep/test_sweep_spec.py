"""The sweep file: what it expands to, always the same, and its mistakes together."""

import dataclasses
import json
import subprocess
import sys
import time

import numpy as np
import pytest

import spinrnn
from spinrnn.config import kinds, sources, versions
from spinrnn.config.quantity import spread_names
from spinrnn.config.run import NETWORKS, from_tables, known_keys, to_tables, writer_for
from spinrnn.config.tables import keys_of
from spinrnn.errors import DataNote, OldKeyWarning
from spinrnn.neurons.ctrnn import CTRNN
from spinrnn.neurons.oscillator import Oscillator
from spinrnn.sweep.axes import unit
from spinrnn.sweep.file import Sweep
from spinrnn.sweep.points import identity

AXES = """
[[axes]]
key = "network.input_interval"
logarithmic = { from = 1e-9, to = 100e-9, count = 3 }
[[axes]]
name = "tau"
zip = { "network.relaxation_time" = [10e-9, 20e-9], "network.highpass_time" = [100e-9, 300e-9] }
"""


def problems(path):
    with pytest.raises(spinrnn.ConfigError) as caught:
        spinrnn.load_sweep(path)
    return caught.value.problems


def test_points_in_order(sweep_file):
    sweep = spinrnn.load_sweep(sweep_file(AXES, seeds=2))
    assert sweep.shape == (3, 2, 2)
    assert [axis.name for axis in sweep.axes] == ["input_interval", "tau", "seed"]
    assert [point.position for point in sweep.points] == [
        (i, j, k) for i in range(3) for j in range(2) for k in range(2)
    ]
    last = sweep.points[-1]
    assert (
        last.config.network.input_interval,
        last.config.network.relaxation_time,
        last.config.network.highpass_time,
    ) == (
        1e-7,
        2e-8,
        3e-7,
    )
    assert (last.config.train.seed, last.config.train.epochs, last.config.network.layers) == (
        1,
        4,
        (6, 5),
    )
    assert last.config.data.source.endswith("tiny.npz")
    assert sweep.points[4].config.network.input_interval == 1e-8


def test_a_single_point_and_ranges(sweep_file):
    assert len(spinrnn.load_sweep(sweep_file()).points) == 1
    text = (
        "[[axes]]\n"
        'key = "train.epochs"\n'
        "linear = { from = 10, to = 30, count = 3 }\n"
        "[[axes]]\n"
        'key = "train.noise"\n'
        "linear = { from = 0.1, to = 0.3, count = 3 }"
    )
    sweep = spinrnn.load_sweep(sweep_file(text, seeds="[7, 3]"))
    assert sweep.axes[0].values["train.epochs"] == (10, 20, 30)
    assert sweep.axes[1].values["train.noise"] == (0.1, 0.2, 0.3)
    assert sweep.axes[2].values["train.seed"] == (7, 3)


@pytest.mark.slow
def test_the_same_in_another_process(sweep_file):
    path = sweep_file(AXES, seeds=2)
    code = (
        "import sys, spinrnn; s = spinrnn.load_sweep(sys.argv[1]); "
        "print(s.digest, *(p.digest for p in s.points))"
    )
    out = subprocess.run(
        [sys.executable, "-c", code, path],
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONHASHSEED": "7"},
    ).stdout
    sweep = spinrnn.load_sweep(path)
    assert out.split() == [sweep.digest, *(point.digest for point in sweep.points)]
    assert Sweep.from_json(json.loads(json.dumps(sweep.to_json())), "there").digest == sweep.digest


def test_identity_is_what_the_result_depends_on(tiny_config):
    def of(content="d", record=(), **changes):
        parts = {
            name: dataclasses.replace(getattr(tiny_config, name), **changes.get(name, {}))
            for name in ("network", "train", "data")
        }
        return identity(spinrnn.RunConfig(**parts), content, record)

    same = [
        {"train": {"checkpoint_seconds": 77.0, "checkpoints": 3}},
        {"data": {"source": "elsewhere.npz"}},
        {"data": {"split_seed": 0}},
    ]
    same += [
        {"network": {"amplification": (1.0, 1.0)}},
        {"network": {"substeps": 2, "relaxation_time": 10e-9}},
    ]
    assert all(of(**changes) == of() for changes in same)
    others = [
        {"train": {"seed": 1}},
        {"network": {"substeps": 3}},
        {"data": {"split_seed": 5}},
        {"network": {"density_int": 0.51}},
    ]
    digests = {
        of(),
        of("other data"),
        of(record=["record_test"]),
        *(of(**changes) for changes in others),
    }
    assert len(digests) == 7


def test_the_data_are_known_by_their_content(sweep_file, tmp_path, tiny_data):
    path = sweep_file(seeds=2)
    before = spinrnn.load_sweep(path)
    np.savez(
        tmp_path / "tiny.npz",
        inputs=tiny_data.inputs + 1e-6,
        labels=tiny_data.labels,
        lengths=tiny_data.lengths,
    )
    assert spinrnn.load_sweep(path).digest != before.digest


MISTAKES = """
[[axes]]
key = "network.input_intervall"
values = [1e-9]
[[axes]]
key = "input_interval"
values = [1e-9]
[[axes]]
key = "train.noise"
values = []
[[axes]]
key = "train.clip"
values = [1, 2, 1.0]
[[axes]]
key = "train.batch"
linear = { from = 1, to = 3, count = 0 }
[[axes]]
key = "train.epsilon"
logarithmic = { from = 0, to = 3, count = 2 }
[[axes]]
key = "train.beta1"
lineer = { from = 0, to = 3, count = 2 }
[[axes]]
zip = { "network.density_int" = [0.1, 0.2], "network.density_ext" = [0.1] }
[[axes]]
key = "train.seed"
values = [1, 2]
[[axes]]
key = "network.density_int"
name = "test_accuracy"
values = [0.1, 0.2]
[[axes]]
key = "train.weight_decay"
values = 3
[plot]
colour = "red"
"""


def test_all_mistakes_at_once(sweep_file):
    found = "\n".join(problems(sweep_file(MISTAKES, seeds=3, sedes=4, record_test=1)))
    for fragment in (
        "plot: unknown table",
        "sweep.sedes: unknown key; did you mean seeds?",
        "record_test: must be true or false",
        "network.input_intervall is no configuration key; did you mean network.input_interval?",
        "axis 2 (input_interval): input_interval is no configuration key; did you mean "
        "network.input_interval?",
        "train.noise: the axis is empty", "axis 4 (train.clip): 1 stands there twice",
        "train.batch: count must be a whole number from 1",
        "logarithmic range needs positive numbers", "did you mean linear?",
        "zipped lists must have one length, got network.density_int 2, network.density_ext 1",
        "train.seed: on two axes, and sweep.seeds is one",
        "the name test_accuracy belongs to a result",
        "train.weight_decay: must be a list, or a range",
    ):  # fmt: skip
        assert fragment in found, (fragment, found)


def test_a_configuration_is_told_to_be_no_sweep(tmp_path):
    (tmp_path / "run.toml").write_text("[network]\nlayers = [4]\n")
    with pytest.raises(
        spinrnn.ConfigError, match=r"sweep.name: is missing; a sweep has a table \[sweep\]"
    ):
        spinrnn.load_sweep(tmp_path / "run.toml")


@pytest.mark.parametrize(
    ("settings", "fragment"),
    [
        ({"name": "3"}, "sweep.name: must be a text"),
        ({"name": '"../up"'}, "sweep.name"),
        ({"seeds": 0}, "sweep.seeds"),
        ({"seeds": "[]"}, "sweep.seeds"),
        ({"seeds": "[1, 1]"}, "1 stands there twice"),
        ({"seeds": "[-1]"}, "not negative"),
        ({"seeds": "true"}, "sweep.seeds"),
        ({"base": '"none.toml"'}, "none.toml: No such file"),
        ({"base": "3"}, "sweep.base"),
        ({"seeds": 1000000}, "more than 100000"),
    ],
)
def test_bad_settings(sweep_file, settings, fragment):
    assert fragment in "; ".join(problems(sweep_file(**settings)))


def test_impossible_points_are_told_by_reason(sweep_file):
    text = (
        "[[axes]]\n"
        'key = "network.density_int"\n'
        "values = [0.5, 0, 2]\n"
        "[[axes]]\n"
        'key = "train.learning_rate"\n'
        'values = [1e-3, "fast"]'
    )
    found = problems(sweep_file(text, seeds=2))
    assert len(found) == 3
    assert (
        "at density_int = 0, learning_rate = 0.001, seed = 0 (and 3 more points): "
        "network.density_int: must be in (0, 1], got 0.0" in found
    )
    assert any(
        line.startswith(
            'at density_int = 0.5, learning_rate = "fast", seed = 0 (and 5 more points): '
            "train.learning_rate"
        )
        for line in found
    )
    many = (
        '[[axes]]\nkey = "network.density_int"\nvalues = ['
        + ", ".join(str(2 + i) for i in range(20))
        + "]"
    )
    found = problems(sweep_file(many))
    assert len(found) == 6
    assert found[-1] == "and 15 more reasons"
    assert problems(sweep_file("[network]\nlayres = [3]", seeds=4)) == [
        "network.layres: unknown key; did you mean layers?"
    ]


def test_points_that_are_the_same_run(sweep_file):
    text = '[[axes]]\nkey = "train.checkpoint_seconds"\nvalues = [1, 2]'
    assert problems(sweep_file(text, seeds=2)) == [
        "checkpoint_seconds = 2, seed = 0: is the same run as checkpoint_seconds = 1, seed = 0 "
        "(and one more point)"
    ]


def test_names_must_not_clash(sweep_file):
    text = (
        "[[axes]]\n"
        'key = "network.density_int"\n'
        'name = "density_ext"\n'
        "values = [0.1]\n"
        "[[axes]]\n"
        'name = "epoch"\n'
    )
    text += (
        'zip = { "network.density_ext" = [0.1], "train.noise" = [0.1] }\n'
        "[[axes]]\n"
        'name = "a b"\n'
        'key = "train.clip"\n'
        "values = [1]"
    )
    found = "; ".join(problems(sweep_file(text)))
    assert "the name density_ext is taken twice" in found
    assert "the name epoch belongs to a result" in found
    assert '"a b" must be of letters' in found


def test_networks_that_do_not_fit_the_data(sweep_file, tiny_file):
    with pytest.raises(spinrnn.DataError, match=r"tiny\.npz.*network\.inputs = 3"):
        spinrnn.load_sweep(sweep_file('[[axes]]\nkey = "network.inputs"\nvalues = [2, 3]'))
    with pytest.raises(spinrnn.DataError, match="readout_window"):
        spinrnn.load_sweep(sweep_file('[[axes]]\nkey = "network.readout_window"\nvalues = [0, 6]'))
    (tiny_file.parent / "tiny.npz").unlink()
    with pytest.raises(spinrnn.StoreError, match=r"tiny\.npz: No such file"):
        spinrnn.load_sweep(sweep_file())


def test_files_that_are_no_sweep(tmp_path):
    with pytest.raises(spinrnn.StoreError, match="No such file"):
        spinrnn.load_sweep(tmp_path / "none.toml")
    for content in (
        b"[sweep",
        b"\xff\xfe\x00",
        b"axes = 3\n[sweep]\nname = 'a'",
        b"sweep = 3",
        b"network = 3\n[sweep]\nname = 'a'",
    ):
        (tmp_path / "bad.toml").write_bytes(content)
        with pytest.raises(spinrnn.ConfigError, match=r"bad\.toml"):
            spinrnn.load_sweep(tmp_path / "bad.toml")


def test_a_thousand_points_expand_quickly(sweep_file):
    text = '[[axes]]\nkey = "network.density_int"\nlinear = { from = 0.1, to = 1, count = 10 }\n'
    text += '[[axes]]\nkey = "train.noise"\nlinear = { from = 0, to = 1, count = 10 }'
    path = sweep_file(text, seeds=10)
    start = time.process_time()
    assert len({point.name for point in spinrnn.load_sweep(path).points}) == 1000
    assert time.process_time() - start < 5


_SINGLE = {f"{role}.kind" for role in kinds.BUILT_IN if role != "neuron"}
"""Tried with kinds of one's own in tests/synapses, as are the keys of other tasks."""
_SINGLE |= {"network.kind", "task.washout", "task.window", "task.horizon"}
# those of other neurons, of devices and their writers too
_SINGLE |= {
    f"{role}.{key}"
    for role in ("neuron", "synapse", "writer")
    for kind in kinds.BUILT_IN[role]
    for key in keys_of(kinds.kind_of(role, kind))
    if key not in keys_of(kinds.default(role))
}
_SINGLE |= {
    f"spread.{name}"
    for kind in kinds.BUILT_IN["neuron"]
    for name in spread_names(kinds.kind_of("neuron", kind))
    if name not in spread_names(kinds.default("neuron"))
}
# which data they are is told by their digest
# of networks without time, and of synapses that are devices
_SINGLE |= {key for key in known_keys() if key.startswith(("activation.", "synapse."))}
_SINGLE |= {f"data.{key}" for key in (*versions.CONTENT, *sources.KEYS)}


def run_with(table, name, data):
    """A run of the first kind of network, with any estimator that fits, that has a key."""
    for cls in NETWORKS.values():
        network = cls(layers=(6, 5)) if cls is spinrnn.FeedforwardConfig else cls()
        for kind in kinds.kinds_of("estimator").values():
            if kind.needs <= cls.abilities:
                train = spinrnn.TrainConfig(
                    estimator=kind.example(), writer=writer_for(network.synapses)
                )
                found = spinrnn.RunConfig(network, train, data)
                if name in to_tables(found).get(table, {}):
                    return found
    raise AssertionError(f"no run has {table}.{name}")


@pytest.mark.parametrize("key", sorted(set(known_keys()) - set(versions.OLD) - _SINGLE))
def test_what_a_result_depends_on_is_in_the_identity(key):
    """All but the checkpoints; the source by its content."""
    devices = {"spread_gamma": 0.1, "nonlinear_damping": 0.5}
    # a split of its own, which would follow the seed
    data = spinrnn.DataConfig(split_seed=3)
    base = spinrnn.RunConfig(network=spinrnn.NetworkConfig(layers=(6, 5), **devices), data=data)
    table, name = key.split(".")
    if name not in to_tables(base).get(table, {}) and not name.startswith("train"):
        base = run_with(table, name, data)
    tables = to_tables(base)
    tables.setdefault("neuron", {}).update({"train": ["bias_ratio"], "train_per": "layer"})
    value = tables[table][name]
    others = {
        "layers": (6, 6), "kind": "ctrnn", "scheme": "euler", "dtype": "float64",
        "schedule": "constant", "source": "other", "thermal_power": 1e-3,
        "substeps": 9, "highpass_time": 50e-9, "train": ["nonlinear_damping"],
        "train_per": "neuron", "readout": "mean", "warm": "reservoir",
        "scaling": "standard", "class_weights": "balanced", "recurrent": "antisymmetric",
        "gains": "drive", "readout_features": "quadratic", "normalisation": "batch",
        "statistics": "batch", "bit_error_rate": 0.25, "mode": "logarithmic", "seeds": "equal",
        "prior": "counts", "cell": "pair", "likelihood": "gaussian", "cycles": 100,
        "nudge": "drive", "sign": "plus", "potentials": "shuffled", "levels": (0.0, 0.5),
    }  # fmt: skip
    if name in others:
        other = others[name]
    elif isinstance(value, bool):
        other = not value
    else:
        other = value + 1 if isinstance(value, int) else 0.75 * (value or 1.0)
    if not name.startswith("train"):
        del tables["neuron"]["train"], tables["neuron"]["train_per"]
        if not tables["neuron"]:
            del tables["neuron"]
    else:
        base = from_tables(tables)
    tables[table][name] = other
    if name == "kind":
        tables["neuron"], tables["spread"] = {"kind": other}, {}
    changed = from_tables(tables)
    same = name in ("checkpoint_seconds", "checkpoints", "source")
    assert (identity(changed, "d") == identity(base, "d")) == same
    assert identity(base, "d") != identity(base, "e"), "the data"
    assert identity(base, "d") != identity(base, "d", ["record_test"])


def test_the_ends_of_a_range_are_as_written(sweep_file):
    """Values between are rounded to twelve digits, which its ends need not have."""
    text = '[[axes]]\nkey = "train.noise"\n'
    text += "linear = { from = 0.1234567890123456, to = 0.3234567890123457, count = 3 }"
    (axis,) = spinrnn.load_sweep(sweep_file(text)).axes
    first, middle, last = axis.values["train.noise"]
    assert (first, middle, last) == (0.1234567890123456, 0.223456789012, 0.3234567890123457)


def test_seeds_are_those_of_the_list_or_so_many_from_0(sweep_file):
    for seeds, expected in ((3, [0, 1, 2]), ("[4, 0, 7]", [4, 0, 7])):
        sweep = spinrnn.load_sweep(sweep_file(seeds=seeds))
        assert [point.config.train.seed for point in sweep.points] == expected
        assert [point.values for point in sweep.points] == [{"train.seed": k} for k in expected]
        assert sweep.axes[-1].name == "seed"


def test_tables_of_the_sweep_overrule_its_base_key_by_key(sweep_file):
    """And axes both of them."""
    text = '[[axes]]\nkey = "network.substeps"\nvalues = [5, 6]\n[network]\nsubsteps = 9\n'
    sweep = spinrnn.load_sweep(sweep_file(text + "density_ext = 0.25", epochs=7))
    for point, substeps in zip(sweep.points, (5, 6), strict=True):
        config = point.config
        assert (config.train.epochs, config.train.batch) == (7, 16)
        assert (config.network.density_ext, config.network.density_int) == (0.25, 0.5)
        assert (config.network.layers, config.network.substeps) == ((6, 5), substeps)


def test_keys_of_0_1_and_of_now_make_the_same_points(sweep_file):
    """On axes, in the sweep's tables and in its base."""
    old = '[[axes]]\nkey = "network.relaxation_time"\nvalues = [1e-8, 2e-8]\n'
    old += "[network]\nhighpass_time = 1e-7\nspread_gamma = 0.1\ndevice_seed = 3\n"
    new = '[[axes]]\nkey = "neuron.relaxation_time"\nvalues = [1e-8, 2e-8]\n'
    new += "[network]\nhighpass_time = 1e-7\n[spread]\ngamma = 0.1\nseed = 3\n"
    with pytest.warns(OldKeyWarning, match=r"network\.device_seed is spread\.seed"):
        before = spinrnn.load_sweep(sweep_file(old))
    now = spinrnn.load_sweep(sweep_file(new))
    assert [point.digest for point in before.points] == [point.digest for point in now.points]
    assert before.axes[0].name == now.axes[0].name == "relaxation_time"
    assert unit("network.relaxation_time") == unit("neuron.relaxation_time") == "s"
    assert unit("train.checkpoint_seconds") == unit("network.highpass_time") == "s"
    assert unit("neuron.bias_ratio") == unit("network.layers") == "1"


def test_a_whole_table_on_an_axis(sweep_file):
    """It takes the place of the base's, and of the keys of 0.1 for what is in it."""
    text = "[[axes]]\n[axes.zip]\nneuron = [{ kind = 'oscillator', bias_ratio = 3 }, "
    text += "{ kind = 'ctrnn' }]\n[network]\nnonlinear_damping = 0.5\n"
    with pytest.warns(OldKeyWarning):
        sweep = spinrnn.load_sweep(sweep_file(text))
    assert [p.config.network.neuron for p in sweep.points] == [Oscillator(bias_ratio=3), CTRNN()]
    assert sweep.axes[0].name == "neuron"
    twice = text.replace("{ kind = 'ctrnn' }", "{ bias_ratio = 3, kind = 'oscillator' }")
    assert "stands there twice" in "; ".join(problems(sweep_file(twice)))
    wrong = text.replace("{ kind = 'ctrnn' }", "{ kind = 'ctrnn', bias_ratio = 3 }")
    assert problems(sweep_file(wrong)) == [
        'at neuron = {"kind": "ctrnn", "bias_ratio": 3}: neuron.bias_ratio: a key of the neuron '
        "oscillator, this one is ctrnn"
    ]


SIZED = '[data]\nsource = "{source}"\n{more}\n[sweep]\nname = "a"\n{axis}'
EPOCHS = '[[axes]]\nkey = "train.epochs"\nvalues = [1, 2]\n'


@pytest.mark.parametrize(
    ("source", "more", "sizes"),
    [
        ("sums.npz", '[task]\nkind = "regression"', (2, 3, "end")),
        ("many.npz", "", (2, 12, "end")),
        ("narma10", "length = 900", (1, 1, "points")),
        ("many.npz", "[network]\noutputs = 20", (2, 20, "end")),
        ("many.npz", '[network]\nkind = "feedforward"', (12, 12, "end")),
    ],
)
def test_sizes_follow_from_the_data(tmp_path, source, more, sizes):
    u = np.random.default_rng(0).random((48, 2, 6))
    np.savez(tmp_path / "sums.npz", inputs=u, targets=u[:, :1].sum(axis=2) * [1, 2, 3])
    np.savez(tmp_path / "many.npz", inputs=u, labels=np.arange(48) % 12)
    path = tmp_path / "sweep.toml"
    path.write_text(SIZED.format(source=source, more=more, axis=EPOCHS))
    sweep = spinrnn.load_sweep(path)
    network = sweep.points[1].config.network
    assert (network.inputs, network.outputs, network.readout) == sizes
    # also where the data are not
    assert Sweep.from_json(sweep.to_json(), "there").digest == sweep.digest


@pytest.mark.parametrize(
    ("classes", "more", "outputs"),
    [(12, "", 12), (10, "", 10), (12, "[network]\noutputs = 12", 12), (3, "", 10)],
)
def test_labels_from_1_are_counted_from_0_where_0_1_could_not_use_them(
    tmp_path, classes, more, outputs
):
    u, labels = np.zeros((36, 1, 6)), np.arange(36) % classes + 1
    np.savez(tmp_path / "one.npz", inputs=u, labels=labels)
    path = tmp_path / "sweep.toml"
    path.write_text(SIZED.format(source="one.npz", more=more, axis=EPOCHS))
    point = spinrnn.load_sweep(path).points[0]
    assert point.config.network.outputs == outputs
    # as the file has them, so that points of 0.1 keep their digests
    assert point.data == spinrnn.Dataset(u, labels).digest()


def test_outputs_that_no_class_uses_stay_and_are_told(tmp_path):
    """Points of 0.1 had them, and their results are found by what they are."""
    np.savez(tmp_path / "few.npz", inputs=np.zeros((24, 1, 6)), labels=np.arange(24) % 3)
    path = tmp_path / "sweep.toml"
    path.write_text(SIZED.format(source="few.npz", more="", axis=EPOCHS))
    with pytest.warns(DataNote, match="has 3 classes, network.outputs stays 10"):
        sweep = spinrnn.load_sweep(path)
    assert sweep.points[0].config.network.outputs == 10


def test_axes_over_data_have_sizes_of_their_own(tmp_path):
    np.savez(tmp_path / "a.npz", inputs=np.zeros((24, 2, 6)), labels=np.arange(24) % 3)
    path = tmp_path / "sweep.toml"
    axis = '[[axes]]\nkey = "data.source"\nvalues = ["a.npz"]\n'
    path.write_text(SIZED.format(source="a.npz", more="", axis=axis))
    with pytest.raises(spinrnn.DataError, match=r"network\.inputs = 1"):
        spinrnn.load_sweep(path)
