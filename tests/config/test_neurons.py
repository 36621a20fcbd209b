"""Neurons of the layers in configurations: tables, settings, sweeps, and what does not go
together."""

import dataclasses

import pytest

import spinrnn
from spinrnn import CTRNN, NetworkConfig, Oscillator, Spread
from spinrnn.config import kinds, versions
from spinrnn.config.quantity import quantity
from spinrnn.config.run import RunConfig, from_tables, to_tables
from spinrnn.config.toml import from_toml, load_config, to_toml
from spinrnn.neurons.protocol import Neuron, State
from spinrnn.sweep.points import identity

MIXED = NetworkConfig(
    layers=(3, 2, 4),
    neuron=(Oscillator(bias_ratio=3), CTRNN(5e-9), Oscillator(thermal_power=1e-3)),
    highpass_time=40e-9,
    spread=Spread(gamma=0.1, gain=0.2, seed=7),
    trained=("bias_ratio", "relaxation_time"),
    trained_per="neuron",
)
LIST = '[network]\nlayers = [3, 2]\nhighpass_time = 0\n[[neuron]]\n[[neuron]]\nkind = "ctrnn"\n'


def problems(make, *arguments, **named):
    with pytest.raises(spinrnn.ConfigError) as caught:
        make(*arguments, **named)
    return caught.value.problems


def network_problems(neuron, **changes):
    known = {"layers": (3, 2), "highpass_time": 0.0}
    return problems(NetworkConfig, **{**known, "neuron": neuron, **changes})


@pytest.fixture
def path(tmp_path):
    (tmp_path / "mixed.toml").write_text(LIST)
    return tmp_path / "mixed.toml"


# ---- tables ----


def test_tables_and_toml_give_the_same_back():
    config = RunConfig(network=MIXED)
    assert from_toml(to_toml(config)) == config
    assert from_tables(to_tables(config)) == config
    text = to_toml(config, ["network"])
    assert text.count("[[neuron]]") == 3
    assert [row.get("train") for row in to_tables(config)["neuron"]] == [
        ("relaxation_time", "bias_ratio"), ("relaxation_time",), ("relaxation_time", "bias_ratio"),
    ]  # fmt: skip
    # names in an order that tables can tell, whatever was given
    assert MIXED.trained == ("relaxation_time", "bias_ratio")
    backwards = ("relaxation_time", "bias_ratio")
    assert dataclasses.replace(MIXED, trained=backwards) == MIXED


@pytest.mark.parametrize(
    "text",
    [
        LIST,
        'neuron = [{kind = "oscillator"}, {kind = "ctrnn"}]\n'
        "[network]\nlayers = [3, 2]\nhighpass_time = 0\n",
    ],
)
def test_both_forms_of_a_list_are_read(text):
    network = from_toml(text).network
    assert network.neuron == network.neurons == (Oscillator(), CTRNN())


def test_equal_entries_keep_the_identity_of_the_single_kind():
    listed = from_toml(LIST.replace('"ctrnn"', '"oscillator"').replace("= 0", "= 5e-8"))
    single = from_toml("[network]\nlayers = [3, 2]\nhighpass_time = 5e-8\n")
    assert listed == single
    assert identity(listed, "data") == identity(single, "data")
    assert to_toml(listed) == to_toml(single)
    assert versions.flat(listed.network) is not None


def test_what_0_1_could_not_say():
    assert versions.flat(MIXED) is None
    known = versions.attributes(MIXED)
    assert known["neuron"] == "oscillator-ctrnn-oscillator"
    assert (known["bias_ratio_0"], known["relaxation_time_1"], known["thermal_power_2"]) == (
        3, 5e-9, 1e-3,
    )  # fmt: skip
    assert known["device_seed"] == 7
    assert known["highpass_time"] == MIXED.filter_time
    assert not {"bias_ratio", "relaxation_time", "bias_ratio_1"} & known.keys()
    with pytest.raises(AttributeError, match=r"is config\.neuron\.bias_ratio now, of each of"):
        _ = MIXED.bias_ratio
    with pytest.warns(DeprecationWarning, match="spread"):
        assert MIXED.spread_gamma == 0.1


def test_each_neuron_counts_for_the_identity():
    config, found = RunConfig(network=MIXED), set()
    others = [
        MIXED.neuron[::-1],
        (Oscillator(bias_ratio=3), CTRNN(6e-9), MIXED.neuron[2]),
        (Oscillator(bias_ratio=4), *MIXED.neuron[1:]),
    ]
    for neuron in (MIXED.neuron, *others):
        network = dataclasses.replace(MIXED, neuron=neuron)
        found.add(identity(dataclasses.replace(config, network=network), "data"))
    assert len(found) == 4


# ---- settings ----


def test_a_setting_changes_all_entries_that_have_the_key(path):
    network = load_config(path, ["neuron.relaxation_time=5e-9"]).network
    assert network.neuron == (Oscillator(5e-9), CTRNN(5e-9))
    network = load_config(path, ["neuron.bias_ratio=3"]).network
    assert network.neuron == (Oscillator(bias_ratio=3), CTRNN())
    network = load_config(path, ['neuron.train=["relaxation_time"]']).network
    assert network.trained == ("relaxation_time",)
    # both are of one kind then, as those of the single table
    assert load_config(path, ["neuron.kind=ctrnn"]).network.neuron == CTRNN()
    text = LIST.replace("[[neuron]]\n[[", "[[neuron]]\nbias_ratio = 3\n[[")
    path.write_text(text)
    assert load_config(path, ["neuron.kind=ctrnn"]).network.neuron == CTRNN()


def test_a_setting_that_no_entry_has_is_told(path):
    found = problems(load_config, path, ["neuron.bias_rato=3"])
    assert "neuron[0].bias_rato: unknown key; did you mean bias_ratio?" in found
    assert len(found) == 2


# ---- what does not go together ----


@pytest.mark.parametrize(
    ("neuron", "changes", "told"),
    [
        (
            [Oscillator(), CTRNN(), CTRNN()],
            {},
            ["neuron: give one kind, or one for each of the 2 layers, got 3"],
        ),
        ([Oscillator()] * 3, {}, ["neuron: give one kind, or one for each of the 2 layers, got 3"]),
        ([], {}, ["neuron: give one kind for all layers, or one for each"]),
        (
            [Oscillator(), CTRNN()],
            {"highpass_time": None},
            [
                "highpass_time: must be given where neurons have different filters (of oscillator"
                " 10 times its time, of ctrnn none); it is one time in s for all layers, 0: none"
            ],
        ),
        (
            [{"bias_ratio": 0.5}, {"kind": "ctrnn", "bias_ratio": 3}],
            {},
            [
                "neuron[0].bias_ratio: must be above 1 and at most 1e+09, else the oscillator is "
                "below its threshold and silent, got 0.5",
                "neuron[1].bias_ratio: a key of the neuron oscillator, this one is ctrnn",
            ],
        ),
        (
            [Oscillator(), CTRNN()],
            {"spread": Spread(gama=0.1)},
            ["spread.gama: unknown key; did you mean gamma?"],
        ),
        (
            [Oscillator(), CTRNN()],
            {"trained": ["power_floor"]},
            [
                "trained: power_floor of oscillator and ctrnn cannot be; known are "
                "relaxation_time, bias_ratio, nonlinear_damping"
            ],
        ),
        (
            [Oscillator(), CTRNN(1e-2)],
            {},
            [
                "neuron[1].relaxation_time: 0.01 s is out of all proportion to the neuron's time, "
                "1e-08 s; times are in seconds, as in 10e-9"
            ],
        ),
        (
            [Oscillator(), CTRNN()],
            {"relaxation_time": 5e-9},
            [
                "relaxation_time: a key of 0.1, when all layers had the same neurons; write "
                "it into the [[neuron]] that have it"
            ],
        ),
    ],
)
def test_what_does_not_go_together(neuron, changes, told):
    assert network_problems(neuron, **changes) == told


def test_a_kind_that_is_not_known():
    found = network_problems(["oscilator", "ctrnn"], spread=Spread(tau=0.1))
    assert len(found) == 1
    assert found[0].startswith('neuron[0].kind: must be "oscillator" or "ctrnn"')
    assert '(did you mean "oscillator"?)' in found[0]


def a_kind(name, *schemes):
    """A kind of these schemes, which is registered nowhere."""
    tau = quantity(10e-9, "s", "time", above=0)
    space = {
        "kind": name, "schemes": schemes, "states": (State("v", "1", "v"),), "tau": tau,
        "time_unit": property(lambda self: self.tau), "__annotations__": {"tau": float},
    }  # fmt: skip
    return dataclasses.dataclass(frozen=True)(type(name, (Neuron,), space))()


def test_schemes_that_not_all_have():
    late, early = a_kind("made_late", "exponential"), a_kind("made_early", "euler")
    assert network_problems([CTRNN(), late], scheme="euler") == [
        'scheme: must be "exponential", as made_late has no other, got "euler"'
    ]
    assert network_problems([CTRNN(), late], scheme="rk4") == [
        'scheme: must be "exponential", got "rk4"'
    ]
    assert network_problems([early, late]) == [
        "scheme: made_early and made_late have none in common, so they cannot be in one network"
    ]


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("[[neuron]]\n", "[[neuron]]\n[[neuron]]\n", "neuron: give one kind, or one for each of"),
        ("layers", "highpass_tme = 0\nlayers", "network.highpass_tme: unknown key; did you mean"),
        ("highpass_time = 0\n", "", "network.highpass_time: must be given where neurons have"),
        (
            'kind = "ctrnn"\n',
            'kind = "ctrnn"\ntrain = ["relaxation_time"]\n',
            "neuron[0].train: a quantity is trained in all layers that have it; write "
            "relaxation_time here, too",
        ),
        (
            '[[neuron]]\n[[neuron]]\nkind = "ctrnn"\n',
            '[[neuron]]\ntrain = ["relaxation_time"]\ntrain_per = "layer"\n[[neuron]]\n'
            'kind = "ctrnn"\ntrain = ["relaxation_time"]\ntrain_per = "neuron"\n',
            "neuron[1].train_per: must be the same for all layers",
        ),
        ('kind = "ctrnn"\n', "train = 3\n", "neuron.train: must be a list of texts, got 3"),
        (
            "layers",
            "bias_ratio = 3\nlayers",
            "network.bias_ratio: a key of 0.1, when all layers had the same neurons; write "
            "it into the [[neuron]] that have it",
        ),
        (
            "layers",
            "spread_gamma = 0.1\nlayers",
            "network.spread_gamma: a key of 0.1, when all layers had the same neurons; "
            "write spread.gamma",
        ),
    ],
)
def test_mistakes_in_a_file(old, new, told, path):
    path.write_text(LIST.replace(old, new, 1))
    found = problems(load_config, path)
    assert [problem for problem in found if problem.startswith(told)], found
    assert len(found) == 1


def test_lists_that_hold_no_tables():
    assert problems(from_tables, {"neuron": [1, 2]}) == [
        "neuron: must be a table, write [neuron] and its keys below"
    ]
    assert problems(from_tables, {"train": [{}]}) == [
        "train: must be a table, write [train] and its keys below"
    ]


# ---- sweeps ----


def test_axes_of_several_neurons(sweep_file):
    rows = "[{kind = 'ctrnn'}, {kind = 'oscillator', bias_ratio = 3}]"
    axes = (
        "[[axes]]\nname = 'devices'\n"
        f"values = [{rows}, {{kind = 'ctrnn'}}, [{{kind = 'ctrnn'}}, {{kind = 'ctrnn'}}, ]]\n"
    ).replace("values", "key = 'neuron'\nvalues")
    base = "[[axes]]\nkey = 'network.highpass_time'\nvalues = [0.0]\n"
    # the last two are the same run
    with pytest.raises(spinrnn.ConfigError, match="is the same run as"):
        spinrnn.load_sweep(sweep_file(axes + base))
    sweep = spinrnn.load_sweep(
        sweep_file(axes.replace(", [{kind = 'ctrnn'}, {kind = 'ctrnn'}, ]", "") + base)
    )
    networks = [point.config.network for point in sweep.points]
    assert [network.neuron for network in networks] == [
        (CTRNN(), Oscillator(bias_ratio=3)), CTRNN(),
    ]  # fmt: skip
    again = type(sweep).from_json(sweep.to_json(), "again")
    assert [point.digest for point in again.points] == [point.digest for point in sweep.points]


def test_a_base_of_several_neurons(sweep_file, path):
    axes = (
        "[[axes]]\nkey = 'neuron.relaxation_time'\nvalues = [5e-9, 8e-9]\n"
        "[[axes]]\nkey = 'neuron.bias_ratio'\nvalues = [2.0, 3.0]\n"
    )
    file = sweep_file(axes)
    file.write_text(file.read_text() + "[network]\nhighpass_time = 0\n" + LIST[LIST.index("[[") :])
    sweep = spinrnn.load_sweep(file)
    assert [point.config.network.neuron for point in sweep.points] == [
        (Oscillator(tau, ratio), CTRNN(tau)) for tau in (5e-9, 8e-9) for ratio in (2.0, 3.0)
    ]
    assert sweep.tables["neuron"] == [{}, {"kind": "ctrnn"}]
    file.write_text(file.read_text().replace("neuron.bias_ratio", "neuron.power_flor"))
    with pytest.raises(spinrnn.ConfigError, match="power_flor is no configuration key"):
        spinrnn.load_sweep(file)


def test_the_sources_of_all_kinds_are_kept(monkeypatch):
    monkeypatch.setattr(kinds, "_files", {("neuron", "ctrnn"): {"file": "a", "sha256": "b"}})
    assert kinds.record_of(MIXED.neurons) == {"neuron.ctrnn": {"file": "a", "sha256": "b"}}
