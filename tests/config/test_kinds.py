"""The register of kinds: what is taken and what is refused, and that no file makes code run."""

import dataclasses
import sys
import warnings
from dataclasses import dataclass

import pytest

import spinrnn
from spinrnn.cli.kinds import _wanted
from spinrnn.config import kinds
from spinrnn.config.quantity import quantities, quantity
from spinrnn.config.run import RunConfig, from_tables
from spinrnn.config.spread import Spread
from spinrnn.config.toml import from_toml, to_toml
from spinrnn.neurons.ctrnn import CTRNN
from spinrnn.neurons.oscillator import Oscillator
from spinrnn.neurons.protocol import Neuron, State

SOURCE = '''
from dataclasses import dataclass
from spinrnn.config.kinds import register
from spinrnn.config.quantity import quantity
from spinrnn.neurons.protocol import Neuron, State

@register
@dataclass(frozen=True)
class Leaky(Neuron):
    """dv/dt = (I - v) / tau."""
    kind = "leaky"
    states = (State("voltage", "V", "membrane voltage"),)
    tau: float = quantity(10e-9, "s", "time constant", above=0, spread=True, fit="log")

    @property
    def time_unit(self):
        return self.tau

    def numbers(self, time_unit, factors):
        return {"rate": time_unit / self.tau * factors["tau"]}

    @staticmethod
    def step(q, shared, h, s, I, one):
        change = q[0] * h
        return (s[0] + change * (I - s[0]),), ((one - change,),), (change,), ()
'''


@pytest.fixture(autouse=True)
def _as_before(monkeypatch):
    """Nothing that a test registers stays."""
    for name in ("_registered", "_sources", "_files"):
        monkeypatch.setattr(kinds, name, {})
    monkeypatch.setattr(kinds, "_looked_up", set())


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "mydevices.py"
    path.write_text(SOURCE)
    return path


def made(**attributes):
    """A class of a neuron that is right but for these attributes."""
    own = {"kind": "leaky", "states": (State("voltage", "V", "v"),), "__module__": __name__}
    own |= {"time_unit": 1e-9, "numbers": lambda self, time_unit, factors: {}}
    own |= {"step": staticmethod(lambda q, shared, h, s, current, one: None)}
    own["__annotations__"] = {name: float for name in attributes if name.startswith("tau")}
    cls = type("Leaky", (Neuron,), own | attributes)
    return dataclass(frozen=True)(cls)


def test_the_built_in_kinds_are_found_by_name_and_their_ranges_hold():
    known = kinds.kinds_of("neuron")
    assert list(known) == list(kinds.BUILT_IN["neuron"])
    assert (known["oscillator"], known["ctrnn"]) == (Oscillator, CTRNN)
    assert kinds.default("neuron") == Oscillator()
    assert kinds.make("neuron", {"kind": "ctrnn", "relaxation_time": 1e-8}) == CTRNN()
    with pytest.raises(spinrnn.ConfigError) as caught:
        Oscillator(relaxation_time=0, bias_ratio=1, power_floor=0.1, nonlinear_damping="a")
    assert sorted(caught.value.problems) == [
        "bias_ratio: must be above 1 and at most 1e+09, else the oscillator is below its threshold "
        "and silent, got 1.0",
        'nonlinear_damping: must be a finite number, got "a"',
        "power_floor: must be at least 0 and below 0.1, got 0.1",
        "relaxation_time: must be above 0 s, got 0.0",
    ]


def test_a_kind_of_a_users_own_is_a_kind_like_the_others():
    cls = kinds.register(made(tau=quantity(2e-9, "s", above=0, spread=True)))
    config = from_tables({"neuron": {"kind": "leaky", "tau": 3e-9}, "spread": {"tau": 0.1}})
    assert config.network.neuron == cls(tau=3e-9)
    assert from_toml(to_toml(config)) == config
    assert config.network.resolved_substeps == 40


def test_what_is_wrong_with_a_class_is_told_at_once():
    wrong = {"kind": "two words", "seed": 1.0, "tau": quantity(1.0)}
    cls = made(**wrong)
    cls.__annotations__["seed"] = float
    with pytest.raises(spinrnn.ConfigError, match="class Leaky: kind: must be a name"):
        kinds.register(cls)
    with pytest.raises(spinrnn.ConfigError, match="must inherit the base of a role"):
        kinds.register(dict)
    bare = dataclass(frozen=True)(type("Bare", (Neuron,), {"kind": "bare"}))
    with pytest.raises(
        spinrnn.ConfigError, match=r"states: must be.*; time_unit:.*; numbers:.*; step"
    ):
        kinds.register(bare)
    plain = type("Plain", (Neuron,), {"kind": "plain"})
    with pytest.raises(spinrnn.ConfigError, match="must be a frozen dataclass"):
        kinds.register(plain)
    with pytest.raises(spinrnn.ConfigError, match="read_with: there is no key pink"):
        kinds.register(made(read_with={"tau": {"pink": ...}}))
    for name in ("oscillator", "ctrnn"):
        with pytest.raises(spinrnn.ConfigError, match="one of spinrnn's own"):
            kinds.register(made(kind=name))


def test_a_name_that_is_taken_and_a_cell_that_is_run_again():
    kinds.register(made())
    again = kinds.register(made())
    assert kinds.kind_of("neuron", "leaky") is again
    other = made(__module__="elsewhere")
    with pytest.raises(spinrnn.ConfigError, match=r"taken by Leaky of .*test_kinds"):
        kinds.register(other)


def test_an_unknown_kind_says_how_to_give_it():
    with pytest.raises(spinrnn.ConfigError) as caught:
        from_tables({"neuron": {"kind": "leaky", "train": ["tau"]}, "spread": {"tau": 0.1}})
    (problem,) = caught.value.problems
    names = " or ".join(f'"{name}"' for name in kinds.BUILT_IN["neuron"])
    assert problem == (
        f"neuron.kind: must be {names}, got 'leaky'; one of your own is given by "
        "--use FILE, or by spinrnn.register in Python"
    )


# ---- files that the user names ----


def test_a_class_that_a_file_does_not_register_is_told(tmp_path):
    own = "import spinrnn\nclass Bare(spinrnn.Synapse):\n    kind = 'bare'\n"
    base = "class Base(spinrnn.Synapse):\n    pass\n"
    (tmp_path / "mine.py").write_text(own + base)
    kinds.use(tmp_path / "mine.py")
    told = f"bare of {tmp_path / 'mine.py'} is not registered: write @spinrnn.register above its"
    for name in ("bare", "bear"):
        with pytest.raises(spinrnn.ConfigError, match=f"got '{name}'; {told}"):
            kinds.kind_of("synapse", name)
    with pytest.raises(spinrnn.ConfigError, match="one of your own is given by --use"):
        kinds.kind_of("neuron", "bare")
    with pytest.raises(spinrnn.ConfigError, match=f"there is no kind bare; {told}"):
        _wanted("bare")


def test_a_file_of_kinds(file):
    digest = kinds.use(file)
    assert kinds.use(file) == digest == kinds.sources()[str(file)]
    assert len(digest) == 64
    neuron = kinds.make("neuron", {"kind": "leaky"})
    assert quantities(neuron)["tau"].spread == "tau"
    file.write_text(SOURCE + "\nX = 1\n")
    assert kinds.use(file) != digest


def test_files_of_one_name_in_two_folders_are_two_modules(file, tmp_path):
    kinds.use(file)
    (tmp_path / "other").mkdir()
    other = tmp_path / "other" / file.name
    other.write_text(SOURCE)
    with pytest.raises(spinrnn.ConfigError, match=r"'leaky' is taken by Leaky of spinrnn_use_myd"):
        kinds.use(other)
    other.write_text(SOURCE.replace('"leaky"', '"leaky2"'))
    kinds.use(other)
    modules = {kinds.kind_of("neuron", name).__module__ for name in ("leaky", "leaky2")}
    assert len(modules) == 2


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("x = 1\ny = 1 / 0\n", "mydevices.py, line 2: ZeroDivisionError: division by zero"),
        ("x = (\n", "mydevices.py, line 1: SyntaxError"),
        ("import nowhere_at_all\n", "line 1: ModuleNotFoundError"),
    ],
)
def test_a_file_that_fails_is_told_with_its_line(file, text, told):
    file.write_text(text)
    with pytest.raises(spinrnn.StoreError) as caught:
        kinds.use(file)
    assert told in str(caught.value)
    assert "\n" not in str(caught.value)
    assert kinds.sources() == {}
    with pytest.raises(spinrnn.StoreError, match=r"cannot read .*none\.py"):
        kinds.use(file.with_name("none.py"))


# ---- installed packages ----


@pytest.fixture
def installed(tmp_path, monkeypatch):
    """Function (source) that makes a package with an entry point as if it were installed."""

    def install(source):
        (tmp_path / "mykinds.py").write_text(source)
        info = tmp_path / "mykinds-1.dist-info"
        info.mkdir()
        (info / "METADATA").write_text("Metadata-Version: 2.1\nName: mykinds\nVersion: 1\n")
        (info / "entry_points.txt").write_text("[spinrnn.kinds]\nleaky = mykinds\n")
        monkeypatch.syspath_prepend(tmp_path)

    yield install
    sys.modules.pop("mykinds", None)


def test_an_installed_package_brings_its_kinds(installed):
    installed(SOURCE)
    assert kinds.make("neuron", {"kind": "oscillator"}) == Oscillator()
    assert "mykinds" not in sys.modules
    assert from_tables({"neuron": {"kind": "leaky"}}).network.neuron.kind == "leaky"
    assert set(kinds.kinds_of("neuron")) == {*kinds.BUILT_IN["neuron"], "leaky"}


def test_a_broken_package_is_told_once_and_left_out(installed):
    installed("raise RuntimeError('out of order')\n")
    with pytest.warns(UserWarning, match=r"installed kind leaky \(mykinds\) cannot be used: Run"):
        assert len(kinds.kinds_of("neuron")) == len(kinds.BUILT_IN["neuron"])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert len(kinds.kinds_of("neuron")) == len(kinds.BUILT_IN["neuron"])


# ---- no file makes code run ----


@pytest.mark.parametrize(
    "name", ["mydevices", "mydevices:Leaky", "{path}", "os", "leaky.py", "../x"]
)
def test_a_configuration_names_a_kind_and_never_a_file(file, name, monkeypatch):
    """Neither its name, nor a module that could be imported, nor its path."""
    ran = file.with_name("ran")
    file.write_text(f"open({str(ran)!r}, 'w')\n")
    monkeypatch.syspath_prepend(file.parent)
    monkeypatch.chdir(file.parent)
    kind = name.format(path=file)
    for key in ("kind", "use", "module", "source"):
        text = to_toml(RunConfig()).replace('kind = "oscillator"', f'{key} = "{kind}"')
        with pytest.raises(spinrnn.ConfigError, match=r"neuron\.(kind|use|module|source): "):
            from_toml(text)
    assert not ran.exists()
    assert "mydevices" not in sys.modules


def test_a_kind_by_its_name_alone_takes_its_own_defaults():
    """The names of 0.1 had meanings of their own; those of other kinds have none."""
    kinds.register(made(tau=quantity(2e-9, "s", above=0, spread=True)))
    start = spinrnn.NetworkConfig(spread_gamma=0.1, spread_gain=0.2, highpass_time=30e-9)
    config = spinrnn.NetworkConfig(neuron="leaky")
    assert (config.filter_time, config.highpass_time) == (None, None)
    changed = dataclasses.replace(start, neuron="leaky", spread={"tau": 0.1})
    assert (changed.neuron.kind, changed.filter_time) == ("leaky", 30e-9)
    assert changed.spread == Spread(tau=0.1)


def test_a_slip_of_units_in_any_time_of_a_neuron_is_told():
    slow = made(tau=quantity(2e-9, "s", above=0), tau_slow=quantity(5e-9, "s", above=0))
    kinds.register(slow)
    spinrnn.NetworkConfig(neuron=slow(tau_slow=0.9e-4))
    with pytest.raises(
        spinrnn.ConfigError, match=r"neuron\.tau_slow: 5 s is out of all proportion"
    ):
        spinrnn.NetworkConfig(neuron=slow(tau_slow=5))


def test_whose_a_spread_is_and_what_can_be_trained():
    spreads = {"kind": "ctrnn"}, {"gamma": 0.1, "gian": 0.1}
    with pytest.raises(spinrnn.ConfigError) as caught:
        from_tables({"neuron": {**spreads[0], "train": ["tau"]}, "spread": spreads[1]})
    assert caught.value.problems == [
        "spread.gamma: a spread of the neuron oscillator, this one is ctrnn",
        "spread.gian: unknown key; did you mean gain?",
        "neuron.train: tau of ctrnn cannot be; known are relaxation_time",
    ]
    trained = from_tables({"neuron": {"train": ["bias_ratio"], "train_per": "neuron"}}).network
    assert (trained.trained, trained.trained_per) == (("bias_ratio",), "neuron")
    for names, told in (
        (["power_floor"], "power_floor of"),
        (["bias_ratio"] * 2, "stands there twice"),
    ):
        with pytest.raises(spinrnn.ConfigError, match=told):
            from_tables({"neuron": {"train": names}})
