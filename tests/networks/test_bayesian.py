"""The Bayesian machine: what is counted, read wrongly, placed; what is asked in vain."""

import h5py
import numpy as np
import pytest
import twin

import spinrnn
from spinrnn.config.toml import load_config
from spinrnn.networks.bayesian import EDGES, bytes_of, spaced


def made(seed=0, columns=3, classes=3, bins=4, **keys):
    """A machine whose memory holds any bytes."""
    config = spinrnn.BayesianConfig(inputs=columns, outputs=classes, bins=bins, **keys)
    net, rng = spinrnn.BayesianNetwork(config), np.random.default_rng(seed)
    net.parameters = rng.integers(0, 256, net.layout.size)
    net.buffers[EDGES][...] = np.sort(rng.normal(size=(columns, bins - 1)), axis=1)
    return net


def inputs(cases=40, columns=3, seed=1):
    return np.random.default_rng(seed).normal(size=(cases, columns, 1))


@pytest.mark.parametrize(("cycles", "prior"), [(255, "none"), (100, "counts")])
def test_counters_are_those_of_a_plain_loop(cycles, prior):
    net, u = made(cycles=cycles, prior=prior), inputs(10)
    views = net.layout.named(net.parameters.astype(int))
    edges = net.buffers[EDGES]
    bins = np.stack([np.searchsorted(edges[j], u[:, j, 0], "right") for j in range(3)], axis=1)
    np.testing.assert_array_equal(net.observed(u), bins)
    starts = net.registers()[:, 0]
    expected = twin.bayesian_counters(views["memory_0"], bins, starts, cycles, views.get("prior_0"))
    np.testing.assert_array_equal(net.counters(u), expected)
    assert expected.max() > 10


def test_one_observable_is_exact_after_255_cycles():
    net, u = made(columns=1, classes=5), inputs(20, 1)
    views = net.layout.named(net.parameters)
    expected = views["memory_0"][:, 0, net.observed(u)[:, 0]].T
    np.testing.assert_array_equal(net.counters(u), expected)


@pytest.mark.parametrize("columns", [2, 3, 4, 5, 6, 9, 10, 15, 17, 51, 85, 254, 255])
def test_no_register_is_the_exclusive_or_of_others_that_are_spaced(columns):
    """Of three columns with 128/255 the counter is near 255 (128/255)^3 and not 0."""
    places = spaced(columns)
    assert len(set(places.tolist())) == columns
    assert places.max() < 255
    if columns < 17:
        once = made().registers()[0]
        states = [once[place % 255] for place in places]
        sums = {np.bitwise_xor.reduce(states[:count]) for count in (3, 5) if columns >= count}
        assert 0 not in sums


def test_three_columns_of_a_half_count_an_eighth():
    net = made(classes=1)
    net.parameters[:] = 128
    assert abs(int(net.counters(inputs(1))[0, 0]) - 255 * (128 / 255) ** 3) < 4


def test_registers_begin_where_the_seeds_say():
    assert made().places().tolist() == [0, 63, 127]
    assert made(prior="counts").places().tolist() == [0, 63, 127, 191]
    assert made(seeds="equal").places().tolist() == [0, 0, 0]
    drawn = made(columns=200, seeds="random").places()
    assert sorted(set(drawn.tolist())) == sorted(drawn.tolist())
    assert (drawn != made(columns=200, seeds="random", register_seed=1).places()).any()
    states = made(cycles=100).registers()
    assert states.shape == (3, 100)
    assert states[1, 0] == made().registers()[0, 63]
    # behind the end of the sequence it begins anew
    assert made().registers()[2, 128] == states[0, 0] == 1


def test_logits_are_logarithms_of_counters():
    net, u = made(), inputs()
    np.testing.assert_allclose(net.forward(u), np.log((net.counters(u) + 0.5) / 255), rtol=1e-14)
    net = made(mode="logarithmic", log_step=0.2)
    np.testing.assert_allclose(net.forward(u), -0.2 * net.counters(u), rtol=1e-14)


def test_sums_of_the_logarithmic_mode():
    net, u = made(mode="logarithmic", prior="counts"), inputs()
    net.parameters //= 4
    views, bins = net.layout.named(net.parameters), net.observed(u)
    total = views["prior_0"] + views["memory_0"][:, np.arange(3), bins].sum(axis=2).T
    np.testing.assert_array_equal(net.counters(u), np.minimum(total, 255))


@pytest.mark.parametrize("mode", ["stochastic", "logarithmic"])
def test_the_same_bits_for_any_threads(mode):
    net, u = made(mode=mode), inputs(3000)
    spinrnn.set_threads(1)
    one = net.forward(u)
    spinrnn.set_threads(3)
    three = net.forward(u)
    spinrnn.set_threads(None)
    np.testing.assert_array_equal(one, three)
    np.testing.assert_array_equal(net.forward(u[1234:1235]), one[1234:1235])


def test_bytes_are_normalised_by_the_largest_of_a_value_or_of_a_column():
    p = np.array([[[0.5, 0.3, 0.2]], [[0.1, 0.1, 0.8]]])
    shares = np.array([0.25, 0.75])

    def bytes_for(**keys):
        config = spinrnn.BayesianConfig(inputs=1, outputs=2, bins=3, prior="counts", **keys)
        return bytes_of(config, p, shares)

    found = bytes_for()
    np.testing.assert_array_equal(found["memory_0"][:, 0], [[255, 255, 64], [51, 85, 255]])
    np.testing.assert_array_equal(found["prior_0"], [85, 255])
    column = bytes_for(normalisation="column")["memory_0"][:, 0]
    np.testing.assert_array_equal(column, [[159, 96, 64], [32, 32, 255]])
    logs = bytes_for(mode="logarithmic", log_step=0.1)
    np.testing.assert_array_equal(logs["memory_0"][:, 0], [[0, 0, 14], [16, 11, 0]])
    np.testing.assert_array_equal(logs["prior_0"], [11, 0])
    rare = bytes_of(spinrnn.BayesianConfig(inputs=1, outputs=2, bins=3, mode="logarithmic"),
                    np.array([[[1 - 1e-12, 1e-12, 0.5]], [[0.5, 0.25, 0.25]]]), shares)  # fmt: skip
    assert rare["memory_0"].max() == 255


def test_normalisation_by_value_changes_nothing_in_a_float_classifier():
    rng = np.random.default_rng(0)
    p = rng.dirichlet(np.ones(6), size=(4, 5))
    bins, columns = rng.integers(0, 6, (200, 5)), np.arange(5)
    sums = [np.log(q)[:, columns, bins].sum(axis=2).argmax(axis=0) for q in (p, p / p.max(axis=0))]
    np.testing.assert_array_equal(*sums)


def test_wrong_bits_are_drawn_once_and_grow_with_the_rate():
    net = made(columns=60, classes=4, bins=8, bit_error_rate=0.05)
    ideal = net.replace(bit_error_rate=0.0)
    np.testing.assert_array_equal(ideal.memory()[0], net.layout.named(net.parameters)["memory_0"])
    wrong = net.memory()[0] ^ ideal.memory()[0]
    share = np.unpackbits(wrong).mean()
    assert share == pytest.approx(0.05, abs=0.006)
    np.testing.assert_array_equal(net.memory()[0], net.memory()[0])
    more = net.replace(bit_error_rate=0.2).memory()[0] ^ ideal.memory()[0]
    assert (wrong & ~more).max() == 0
    other = net.replace(error_seed=1).memory()[0] ^ ideal.memory()[0]
    assert (other != wrong).any()
    # pairs: the difference of two Gaussians against its own deviation
    rng = np.random.default_rng(0)
    margin, cells = 1.6449, rng.normal(size=(2, 400_000))
    assert (cells[0] > margin).mean() == pytest.approx(0.05, rel=0.03)
    pairs = net.replace(cell="pair").config.error_rate
    assert (cells[0] + cells[1] > 2 * margin).mean() == pytest.approx(pairs, rel=0.05)
    assert net.replace(cell="pair", bit_error_rate=0.5).config.error_rate == 0.5


def test_many_columns_underflow_and_it_is_told():
    net, u = made(columns=40), inputs(50, 40)
    found = net.undecided(u)
    assert found["zeros"] > 0.9
    assert found["ties"] >= found["zeros"]
    assert np.isfinite(net.forward(u)).all()
    assert set(net.forward(u)[net.counters(u).max(axis=1) == 0].argmax(axis=1)) == {0}
    few = made(columns=1)
    memory = few.layout.named(few.parameters)["memory_0"]
    memory[:] = np.array([9, 20, 5])[:, None, None]
    assert few.undecided(u[:, :1]) == {"ties": 0.0, "zeros": 0.0}
    memory[2] = 20
    assert few.undecided(u[:, :1]) == {"ties": 1.0, "zeros": 0.0}
    assert set(few.forward(u[:, :1]).argmax(axis=1)) == {1}
    full = made(columns=40, mode="logarithmic")
    assert full.undecided(u)["zeros"] > 0.9


def test_operations_of_a_decision():
    assert made(prior="counts").operations() == {
        "bytes_read": 12,
        "register_steps": 255 * 4,
        "selections": 255 * 12,
        "ands": 255 * 9,
        "counted_bits": 255 * 3,
    }
    assert made(mode="logarithmic").operations() == {"bytes_read": 9, "additions": 6}


def test_inputs_that_do_not_fit_are_told():
    net, u = made(), inputs()
    u[3, 1] = np.nan
    with pytest.raises(spinrnn.DataError, match="not finite in float64 at case 3, channel 1"):
        net.forward(u)
    with pytest.raises(spinrnn.DataError, match=r"channel \* time = 3.* got 2 \* 5"):
        net.forward(np.zeros((1, 2, 5)))
    with pytest.raises(spinrnn.DataError, match=r'one number for each .*"statistics"'):
        net.forward(np.zeros((1, 1, 3)), lengths=[2])
    assert net.forward(np.zeros((2, 1, 3))).shape == (2, 3)
    net.parameters[5] = 12.5
    with pytest.raises(spinrnn.DivergenceError, match=r"from 0 to 255; got 12.5 at 5"):
        net.forward(inputs())
    net.parameters[5] = np.nan
    with pytest.raises(spinrnn.DivergenceError, match="got nan at 5"):
        net.forward(inputs())
    net.parameters[5] = 256
    with pytest.raises(spinrnn.DivergenceError, match="got 256 at 5"):
        net.forward(inputs())


def test_what_it_does_not_have_is_told():
    net, u = made(), inputs()
    with pytest.raises(spinrnn.ConfigError, match=r"has no gradient; .* counts"):
        net.loss_and_grad(u, np.zeros(40, dtype=int))
    assert net.loss(u, np.zeros(40, dtype=int)) > 0
    for call in (lambda: net.simulate(u), lambda: net.stream()):
        with pytest.raises(spinrnn.DataError, match="a Bayesian machine"):
            call()
    with pytest.raises(spinrnn.ConfigError, match="mode: fixed by the programmed memory"):
        net.replace(mode="logarithmic")
    spinrnn.set_memory_limit(1000)
    try:
        with pytest.raises(spinrnn.MemoryLimitError, match="give fewer cases"):
            net.forward(u)
    finally:
        spinrnn.set_memory_limit(None)


def test_a_file_keeps_bytes_and_edges(tmp_path):
    net, u = made(prior="counts", bit_error_rate=0.01), inputs()
    net.save(tmp_path / "net.h5")
    other = spinrnn.load(tmp_path / "net.h5")
    assert other.config == net.config
    np.testing.assert_array_equal(other.forward(u), net.forward(u))
    with h5py.File(tmp_path / "net.h5") as file:
        assert file["parameters/memory_0"].attrs["axes"] == "class, observable, bin"
        assert file["parameters/prior_0"].attrs["axes"] == "class"
        assert file["bins/edges"].attrs["axes"] == "observable, edge"


def test_impossible_values_are_told_all_at_once():
    with pytest.raises(spinrnn.ConfigError) as told:
        spinrnn.BayesianConfig(bins=1, cycles=256, log_step=0, bit_error_rate=0.6, error_seed=-1)
    assert [problem.partition(":")[0] for problem in told.value.problems] == [
        *("bins", "cycles", "error_seed", "log_step", "bit_error_rate")
    ]
    with pytest.raises(spinrnn.ConfigError, match="no places of their own in a sequence of 255"):
        spinrnn.BayesianConfig(inputs=255, prior="counts")
    spinrnn.BayesianConfig(inputs=784, mode="logarithmic")
    spinrnn.BayesianConfig(inputs=784, seeds="equal")
    with pytest.raises(spinrnn.ConfigError, match=r"1e\+09 bytes"):
        spinrnn.BayesianConfig(inputs=10**7, outputs=100, mode="logarithmic")


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        (
            ["estimator.kind=bptt"],
            "bptt learns recurrent, .*, symmetric networks only, this one is bay",
        ),
        (["estimator.kind=reservoir"], "reservoir learns recurrent networks only"),
        (["task.kind=regression"], 'bayesian takes "classification", got regression'),
        (["train.gains=drive"], 'train.gains: .* set it to "drawn"'),
        (["synapse.kind=rram"], "synapse: a network of the kind bayesian has none"),
        (["network.layers=[3]"], "layers: unknown key; it is one of a network of the kind"),
    ],
)
def test_what_does_not_go_together_is_told(settings, told):
    with pytest.raises(spinrnn.ConfigError, match=told):
        load_config(None, ["network.kind=bayesian", *settings])


def test_the_estimator_and_the_writer_need_not_be_named():
    config = load_config(None, ["network.kind=bayesian"])
    assert config.train.estimator == spinrnn.Counts()
    assert load_config(None, []).train.estimator.kind == "bptt"
    with pytest.raises(spinrnn.ConfigError, match=r"counts learns bayesian networks only"):
        load_config(None, ["estimator.kind=counts"])


@pytest.mark.parametrize("wrong", [np.nan, np.inf, -np.inf, 1e9])
def test_edges_that_are_none_are_told(wrong):
    """NaN is not larger than any input, which would put it aside."""
    net, u = made(), inputs()
    net.buffers[EDGES][1, 1] = wrong
    with pytest.raises(spinrnn.DivergenceError, match=r"must be finite .* observable 1 "):
        net.forward(u)


def test_axes_of_a_file_have_names(tmp_path):
    import h5py

    made(prior="counts").save(tmp_path / "net.h5")
    with h5py.File(tmp_path / "net.h5") as file:
        assert file["bins/edges"].attrs["axes"] == "observable, edge"
        assert file["parameters/memory_0"].attrs["axes"] == "class, observable, bin"
        assert file["parameters/prior_0"].attrs["axes"] == "class"


def test_no_cases_have_no_answers():
    assert made().forward(np.zeros((0, 3, 1))).shape == (0, 3)
    data = spinrnn.Dataset(np.zeros((0, 4, 2)), np.zeros(0, dtype=int))
    assert data.flat().inputs.shape == (0, 8, 1)


def test_another_configuration_keeps_scaling_and_has_edges_of_its_own():
    net = spinrnn.train(
        spinrnn.RunConfig(
            spinrnn.BayesianConfig(),
            spinrnn.TrainConfig(estimator=spinrnn.Counts()),
            data=spinrnn.DataConfig(source="iris", scaling="standard"),
        )
    ).network
    other = net.replace(cycles=64)
    assert net.scaling is not None
    assert other.scaling is net.scaling
    assert other.knows is net.knows
    before = net.buffers[EDGES].copy()
    other.buffers[EDGES] += 1
    np.testing.assert_array_equal(net.buffers[EDGES], before)


def test_no_cases_have_no_share_of_ties():
    with pytest.raises(spinrnn.DataError, match="inputs: no cases, the share of them is not def"):
        made().undecided(inputs()[:0])
