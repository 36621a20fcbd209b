"""Kinds of a user's own, of one, two and three states: gradients against the complex
step on a twin in NumPy, trained quantities, files, streams, segments."""

import re
from pathlib import Path

import numpy as np
import owntwin
import pytest
from conftest import forget_kinds
from madekinds import Chain, Growing, Memristor

import spinrnn
from spinrnn.checks.neuron import check_neuron
from spinrnn.config import kinds
from spinrnn.config.spread import Spread
from spinrnn.kernels import levels
from spinrnn.networks import planning
from spinrnn.neurons.oscillator import Oscillator

EXAMPLE = Path(__file__).parents[2] / "docs" / "examples" / "leaky.py"
kinds.use(EXAMPLE)
Leaky = kinds.kind_of("neuron", "leaky")
KINDS = forget_kinds()
AWKWARD = {"readout_window": 2, "density_int": 0.5, "density_ext": 0.7, "substeps": 3}
TRAINED = {
    "leaky": ("tau", "tau_w", "coupling"),
    "made_memristor": ("tau", "start"),
    "made_chain": ("tau", "feedback"),
}
CASES = [
    (Leaky(), "exponential", {}),
    (Leaky(tau_w=20e-9), "exponential", {**AWKWARD, "highpass_time": 40e-9}),
    (Leaky(), "exponential", {"spread": Spread(tau=0.3, gain=0.2, seed=2), "layers": (3, 1, 4)}),
    (Memristor(), "exponential", {}),
    (Memristor(), "euler", {**AWKWARD, "spread": Spread(tau=0.2)}),
    (Chain(), "euler", {"highpass_time": 40e-9}),
    (Chain(), "euler", AWKWARD),
]


def problem(neuron, scheme, changes, seed=1):
    """(network, inputs, labels, lengths), its trained quantities away from nominal."""
    known = {"layers": (4, 3), "inputs": 2, "outputs": 3, "dtype": "float64", "substeps": 2}
    config = spinrnn.NetworkConfig(**{**known, **changes, "neuron": neuron, "scheme": scheme})
    net, rng = spinrnn.Network(config, seed=seed), np.random.default_rng(seed)
    for name, (where, _) in net.layout.blocks.items():
        if not name.startswith("w_"):
            net.parameters[where] = 0.2 * rng.normal(size=where.stop - where.start)
    u = rng.normal(size=(9, 2, 4))
    return net, u, rng.integers(0, 3, 9), rng.integers(2, 5, 9)


@pytest.fixture(autouse=True)
def _limit(monkeypatch):
    # what these tests register and use is unknown to all others
    monkeypatch.setattr(kinds, "_registered", {"neuron": dict(KINDS)})
    for name in ("_sources", "_files"):
        monkeypatch.setattr(kinds, name, {})
    yield
    spinrnn.set_memory_limit(None)


def trained_or_not():
    """Cases with what is trained in each. What is not compiles levels of its own, so
    that one of them is in the quick suite.
    """
    for i, case in enumerate(CASES):
        yield pytest.param(*case, None, marks=pytest.mark.slow if i else ())
        yield from ((*case, per) for per in ("layer", "neuron"))


@pytest.mark.parametrize(("neuron", "scheme", "changes", "per"), trained_or_not())
def test_outputs_and_gradients_are_those_of_the_twin(neuron, scheme, changes, per):
    trained = {"trained": TRAINED[neuron.kind], "trained_per": per} if per else {}
    net, u, labels, lengths = problem(neuron, scheme, changes | trained)
    mask = 1 if net.mask is None else net.mask
    expected = owntwin.logits(
        net.config, net.layout.grouped(net.parameters * mask), u, lengths, net.devices
    )
    np.testing.assert_allclose(net.forward(u, lengths), expected, rtol=0, atol=1e-13)
    _, gradient = net.loss_and_grad(u, labels, lengths)
    rng = np.random.default_rng(0)
    directions = [*rng.normal(size=(3, net.layout.size))]
    # each trained quantity by itself, as it is one number among many
    for name, (where, _) in net.layout.blocks.items():
        if name.startswith("neuron_"):
            alone = np.zeros(net.layout.size)
            alone[where.stop - 1] = 1
            directions.append(alone)
    slopes = owntwin.slopes(net, u, labels, lengths, directions)
    found = np.array([gradient @ (d * mask) for d in directions])
    np.testing.assert_allclose(found, slopes, rtol=0, atol=1e-12 * max(1, np.abs(slopes).max()))


@pytest.mark.parametrize(("neuron", "scheme", "changes"), [CASES[1], CASES[4], CASES[5]])
def test_segments_and_threads_do_not_change_a_bit(neuron, scheme, changes):
    # the same quantities as above, whose machine code is there
    trained = {"trained": TRAINED[neuron.kind]}
    net, u, labels, lengths = problem(neuron, scheme, changes | trained)
    u = np.tile(u, (8, 1, 4))
    lengths, labels = np.tile(lengths, 8) + 9, np.tile(labels, 8)
    logits, loss, gradient = net.logits_loss_grad(u, labels, lengths)
    segments = set()
    whole = net.plan(72, 16).bytes
    least = planning.plan(net.config, net._packing(), 72, 16, True, 1).bytes
    for limit in (whole, (whole + least) // 2, least):
        spinrnn.set_memory_limit(limit)
        segments.add(net.plan(72, 16).segments)
        again = net.logits_loss_grad(u, labels, lengths)
        assert again[1] == loss
        np.testing.assert_array_equal(again[0], logits)
        np.testing.assert_array_equal(again[2], gradient)
    assert len(segments) > 1


def test_an_oscillator_written_again_has_the_same_bits():
    """As a user's neuron with the built-in's functions under another name."""
    again = type(
        "Again",
        (Oscillator,),
        {"kind": "made_again", "__module__": __name__, "__qualname__": "Again"},
    )
    for dtype, thermal in (("float32", 0), ("float64", 0), ("float64", 1e-3)):
        found = []
        for kind in (Oscillator, again):
            neuron = kind(nonlinear_damping=0.3, thermal_power=thermal)
            net, u, labels, lengths = problem(neuron, "exponential", {"dtype": dtype})
            found.append(net.logits_loss_grad(u.astype(dtype), labels, lengths))
        for one, other in zip(*found, strict=True):
            np.testing.assert_array_equal(one, other)


# ---- trained quantities ----


def test_a_trained_quantity_means_what_the_configuration_means():
    """x of the coordinate log is a factor exp(x) of the configured value."""
    plain, u, _, lengths = problem(Leaky(), "exponential", {})
    trained = spinrnn.Network(
        spinrnn.NetworkConfig(
            **{
                "layers": (4, 3),
                "inputs": 2,
                "outputs": 3,
                "dtype": "float64",
                "substeps": 2,
                "neuron": Leaky(),
                "trained": TRAINED["leaky"],
            }
        ),
        seed=1,
    )
    size = plain.layout.size
    trained.parameters[:size] = plain.parameters
    np.testing.assert_array_equal(trained.forward(u, lengths), plain.forward(u, lengths))
    for name, (where, shape) in trained.layout.blocks.items():
        if name.startswith("neuron_"):
            assert shape == (1,)
            values = {"tau": 0, "tau_w": np.log(2), "coupling": 0.25}
            trained.parameters[where] = values[name[len("neuron_") : -len("_0")]]
    other = plain.replace(neuron=Leaky(tau_w=100e-9, coupling=0.75))
    np.testing.assert_allclose(trained.forward(u, lengths), other.forward(u, lengths), rtol=1e-12)


def test_a_value_at_its_limit_passes_no_gradient():
    net, u, labels, lengths = problem(Leaky(), "exponential", {"trained": TRAINED["leaky"]})
    where = net.layout.places("neuron_coupling_0")
    net.parameters[where] = -3.0
    assert net.loss_and_grad(u, labels, lengths)[1][where] == 0
    before = net.forward(u, lengths)
    net.parameters[where] = -5.0
    np.testing.assert_array_equal(net.forward(u, lengths), before)


# ---- trajectories ----


def test_all_states_are_in_a_trajectory_and_its_file(tmp_path):
    net, u, _, lengths = problem(Leaky(), "exponential", {"highpass_time": 40e-9})
    trajectory = net.simulate(u, lengths)
    assert list(trajectory.states) == ["recovery"]
    assert trajectory.states["recovery"][1].shape == trajectory.state[1].shape
    net.simulate_to(tmp_path / "a.h5", u, lengths)
    trajectory.save(tmp_path / "b.h5")
    for name in ("a.h5", "b.h5"):
        with spinrnn.open_trajectory(tmp_path / name) as file:
            assert file.attributes["variables"] == "p,recovery,output,drive"
            assert file.config.neuron == Leaky()
            for layer in range(2):
                for stored, known in (
                    (file.state[layer], trajectory.state[layer]),
                    (file.states["recovery"][layer], trajectory.states["recovery"][layer]),
                    (file.output[layer], trajectory.output[layer]),
                    (file.drive[layer], trajectory.drive[layer]),
                ):
                    np.testing.assert_array_equal(np.asarray(stored), known.astype("f4"))
    import h5py

    with h5py.File(tmp_path / "a.h5") as file:
        assert file["voltage_0"].attrs["units"] == b"V"
        assert file["recovery_1"].attrs["units"] == b"V"
        assert file.attrs["neuron"] == b"leaky"


def test_states_follow_the_authors_step():
    """Uncoupled neurons under a given drive, against the step in Python."""
    net, u, _, _ = problem(Leaky(), "exponential", {"layers": (3,)})
    views = net.views()
    views["w_int"][0][:] = 0
    trajectory = net.simulate(u[:1])
    numbers = Leaky().numbers(10e-9, {"tau": 1.0})
    h = net.config.reduced().step
    for n in range(3):
        s = (0.0, 0.0)
        for k, drive in enumerate(trajectory.drive[0][0, n]):
            np.testing.assert_allclose(trajectory.state[0][0, n, k], s[0], atol=1e-14)
            np.testing.assert_allclose(trajectory.states["recovery"][0][0, n, k], s[1], atol=1e-14)
            s = Leaky.step(tuple(numbers.values()), None, h, s, drive, 1.0)[0]


# ---- past a case's end ----


@pytest.mark.parametrize(
    ("neuron", "scheme"),
    [(Leaky(), "exponential"), (Memristor(), "exponential"), (Chain(), "euler")],
)
def test_all_states_stay_what_they_are_past_their_end(neuron, scheme):
    """Of cases of several lengths in one block, as the kernels have them."""
    net, u, _, lengths = problem(neuron, scheme, {"highpass_time": 40e-9})
    assert len(set(lengths.tolist())) == 3
    u, lengths = net.check_inputs(u, lengths)
    seen = []

    def take(cases, states, mean, drive, logits):
        for case, i in enumerate(np.arange(9)[cases]):
            end = 2 * lengths[i]
            for history in (*states, mean):
                assert np.ptp(history[: end + 1, :, case], axis=0).all()
                after = history[end:, :, case]
                np.testing.assert_array_equal(after, np.broadcast_to(after[0], after.shape))
            seen.append(i)

    net.history(u, lengths, take)
    assert sorted(seen) == list(range(9))


@pytest.mark.parametrize("window", [0, 2])
def test_a_state_that_would_grow_past_its_end_does_not(window):
    """The first case ends with an output that would go on driving it, to infinity long
    before the second one's end; that one has no drive.
    """
    changes = {"layers": (2,), "inputs": 1, "readout_window": window}
    net, _, labels, _ = problem(Growing(), "euler", changes)
    net.parameters[:] = 0
    net.views()["w_int"][0][:] = 0.5 * np.eye(2)
    net.views()["w_ext"][0][:] = 1
    net.views()["w_out"][:] = [[1, 2], [0, 1], [-1, 0]]
    u, lengths, labels = np.zeros((2, 1, 800)), np.array([2, 800]), labels[:2]
    u[0] = 1
    drive = 0.5 * net.simulate(u[:1, :, :2]).state[0][0, 0, -1]
    assert 1500 * np.log1p(9 * 0.5 * drive**2) > np.log(np.finfo(float).max)
    logits, loss, gradient = net.logits_loss_grad(u, labels, lengths)
    alone = [
        net.logits_loss_grad(u[i : i + 1, :, : lengths[i]], labels[i : i + 1]) for i in range(2)
    ]
    np.testing.assert_array_equal(logits, [alone[0][0][0], alone[1][0][0]])
    assert loss == pytest.approx((alone[0][1] + alone[1][1]) / 2, rel=1e-14)
    np.testing.assert_allclose(gradient, (alone[0][2] + alone[1][2]) / 2, rtol=1e-13, atol=1e-16)
    assert gradient.any()


# ---- point by point ----


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("window", "noise"), [(0, 0), (2, 1e-3)])
@pytest.mark.parametrize("cases", [1, 19])
def test_a_stream_gives_what_the_whole_sequence_gives(dtype, window, noise, cases):
    neuron = Oscillator(thermal_power=noise) if noise else Leaky()
    net, _, _, _ = problem(neuron, "exponential", {"dtype": dtype, "readout_window": window})
    u = np.random.default_rng(0).normal(size=(cases, 2, 7)).astype(dtype)
    stream, kept, outputs = net.stream(cases, noise_seed=4), None, []
    for k in range(7):
        if k == 3:
            kept = stream.state
        outputs.append(stream(u[:, :, k]))
        assert stream.points == k + 1
        if k + 1 >= window:
            expected = net.forward(u[:, :, : k + 1], noise_seed=4)
            np.testing.assert_array_equal(outputs[-1], expected)
    stream.state = kept
    for k in range(3, 7):
        np.testing.assert_array_equal(stream(u[:, :, k]), outputs[k])
    stream.reset()
    np.testing.assert_array_equal(stream(u[:, :, 0]), outputs[0])


def test_what_a_stream_refuses():
    net, _, _, _ = problem(Leaky(), "exponential", {})
    stream = net.stream()
    assert stream(np.ones(2)).shape == (3,)
    for wrong in (np.ones(3), np.ones((2, 2)), [np.nan, 1.0], ["a", "b"]):
        with pytest.raises(spinrnn.DataError, match="u: "):
            stream(wrong)
    assert stream.points == 1
    with pytest.raises(spinrnn.DataError, match="cases: must be a whole number"):
        net.stream(0)
    with pytest.raises(spinrnn.DataError, match="state: expected what stream"):
        stream.state = net.stream(40).state
    net.parameters[:] = np.nan
    with pytest.raises(spinrnn.DivergenceError, match="case 0 became infinite or NaN at input"):
        net.stream()(np.ones(2))


# ---- what is wrong with a class ----

WRONG = {
    "Unknown attribute 'as_integer_ratio' of type float": (
        "half = h /",
        "half = h.as_integer_ratio()[0] * h /",
    ),
    "NameError: name 'undefined' is not defined": ("half = h /", "half = undefined /"),
    "they make a list or an array, for which kernels have no room; give tuples": (
        "return (v_next, w_next),",
        "return [v_next, w_next],",
    ),
    "must give four things: s', J = ds'/ds": ("by_current, by_numbers\n", "by_current\n"),
    "as tuples of the form (2, 2), gave (2,)": (
        "jacobian = (",
        "jacobian = (one, one)\n        _ = (",
    ),
    "the step of made_wrong asks for 4 numbers and 2 states; numbers gives 3 and states names 2": (
        "rate, slow, a = q",
        "rate, slow, a, _ = q",
    ),
    "asks for 2 numbers and 3 states; numbers gives 3 and states names 2": (
        "rate, slow, a = q\n        v, w = s",
        "rate, slow = q\n        v, w, a = s",
    ),
    "s' as tuples of the form (2,), gave (1,)": ("return (v_next, w_next),", "return (v_next,),"),
}


@pytest.mark.parametrize("words", WRONG)
def test_a_step_that_cannot_be_used_is_told_in_a_line(words, tmp_path):
    old, new = WRONG[words]
    text = EXAMPLE.read_text()
    assert text.count(old) == 1
    path = tmp_path / "wrong.py"
    path.write_text(text.replace(old, new).replace('"leaky"', '"made_wrong"'))
    kinds.use(path)
    wrong = kinds.kind_of("neuron", "made_wrong")()
    with pytest.raises(spinrnn.ConfigError) as caught:
        problem(wrong, "exponential", {})[0].forward(np.ones((1, 2, 3)))
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)
    # before a run of a network that settles, and before the check of its derivatives
    settling = spinrnn.SymmetricConfig(layers=(2,), inputs=2, outputs=2, neuron=wrong)
    for call in (spinrnn.network_of(settling).prepared, lambda: list(check_neuron(wrong))):
        with pytest.raises(spinrnn.ConfigError, match=re.escape(words[:40])):
            call()


def test_other_functions_that_ask_for_more_are_named(tmp_path):
    text = EXAMPLE.read_text().replace('"leaky"', '"made_limited"')
    limit = "def limit(q, s, one):\n        return s[:2], (one, one * s[2])\n\n    @staticmethod\n"
    path = tmp_path / "limited.py"
    path.write_text(text.replace("def step(q", f"{limit}    def step(q"))
    kinds.use(path)
    net = problem(kinds.kind_of("neuron", "made_limited")(), "exponential", {})[0]
    wanted = r"the limit of made_limited asks for 3 numbers and 3 states; numbers gives 3 and st"
    with pytest.raises(spinrnn.ConfigError, match=wanted):
        net.forward(np.ones((1, 2, 3)))


def test_a_step_of_the_right_form_is_compiled_with_its_level_alone(monkeypatch):
    monkeypatch.setattr(levels, "types_of", None)
    monkeypatch.setattr(levels, "_kept", {})
    net = problem(Leaky(), "exponential", {})[0]
    assert np.isfinite(net.forward(np.ones((1, 2, 3)))).all()


def test_what_is_trained_needs_derivatives_by_numbers(tmp_path):
    text = EXAMPLE.read_text().replace("by_current, by_numbers\n", "by_current, ()\n")
    path = tmp_path / "without.py"
    path.write_text(text.replace('"leaky"', '"made_without"'))
    kinds.use(path)
    without = kinds.kind_of("neuron", "made_without")()
    net, u, labels, lengths = problem(without, "exponential", {})
    assert np.isfinite(net.loss(u, labels, lengths))
    with pytest.raises(spinrnn.ConfigError, match=r"neuron\.train: the step of made_without must"):
        problem(without, "exponential", {"trained": ("tau",)})[0].forward(u, lengths)


@pytest.mark.parametrize("given", [(0.5,), {"rate": "fast"}])
def test_numbers_that_are_none_are_told(given):
    class Wrong(Chain):
        kind = "made_wrong_numbers"

        def numbers(self, time_unit, factors):
            return given

    with pytest.raises(spinrnn.ConfigError, match=r"must give \{name: number\}.*; gave ") as told:
        Wrong().nominal_numbers(1e-9)
    assert str(given) in str(told.value)


def test_a_factor_that_there_is_not_is_told():
    class Misspelt(Chain):
        kind = "made_misspelt"

        def numbers(self, time_unit, factors):
            return {"rate": factors["taau"]}

    with pytest.raises(spinrnn.ConfigError, match="made_misspelt ask for 'taau'; its"):
        Misspelt().nominal_numbers(1e-9)
