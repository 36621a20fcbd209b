"""Kinds: named members of a role, such as the neuron "oscillator", and their register.

Built-in kinds are imported when they are first asked for. Others come by `register`, by
a file that the user names (`use`), or from an installed package that declares them as
entry points of the group ``spinrnn.kinds``. Nothing that stands in a configuration, a
checkpoint or another file of results makes the register import or run anything: such a
file gives names, and names are looked up here.
"""

import dataclasses
import hashlib
import importlib
import importlib.metadata
import json
import sys
import types
import warnings
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, ClassVar, TypeVar

from spinrnn.config.quantity import quantities
from spinrnn.config.tables import Problems, check, keys_of, nearest, shown, suggest
from spinrnn.errors import ConfigError, StoreError, reason_of

BUILT_IN: dict[str, dict[str, str]] = {
    "neuron": {
        "oscillator": "spinrnn.neurons.oscillator:Oscillator",
        "ctrnn": "spinrnn.neurons.ctrnn:CTRNN",
        "memristor": "spinrnn.neurons.memristor:Memristor",
        "macrospin": "spinrnn.neurons.macrospin:Macrospin",
        "learned": "spinrnn.neurons.learnedkind:Learned",
        "vo2": "spinrnn.neurons.memristor_vo2:VO2",
        "rate": "spinrnn.neurons.rate_units:Rate",
        "binary_rate": "spinrnn.neurons.rate_units:BinaryRate",
        "stuart_landau": "spinrnn.neurons.stuart_landau:StuartLandau",
        "phase_oscillator": "spinrnn.neurons.phase_oscillator:PhaseOscillator",
    },
    "activation": {
        "relu": "spinrnn.neurons.rate:ReLU",
        "sign": "spinrnn.neurons.rate:Sign",
        "hard_tanh": "spinrnn.neurons.rate:HardTanh",
        "linear": "spinrnn.neurons.rate:Linear",
        "rf": "spinrnn.neurons.rf:RF",
    },
    "synapse": {
        "ideal": "spinrnn.synapses.ideal:Ideal",
        "sign": "spinrnn.synapses.sign:Sign",
        "domain_wall": "spinrnn.synapses.domain_wall:DomainWall",
        "rram": "spinrnn.synapses.rram:RRAM",
        "measured": "spinrnn.synapses.measured:Measured",
        "resonator": "spinrnn.synapses.resonator:Resonator",
        "conductance": "spinrnn.synapses.conductance:Conductance",
    },
    "task": {
        "classification": "spinrnn.tasks.classification:Classification",
        "regression": "spinrnn.tasks.regression:Regression",
        "forecasting": "spinrnn.tasks.forecasting:Forecasting",
    },
    "estimator": {
        "bptt": "spinrnn.learning.bptt:BPTT",
        "twin": "spinrnn.learning.twin:Twin",
        "reservoir": "spinrnn.learning.reservoir:Reservoir",
        "equilibrium": "spinrnn.learning.equilibrium:Equilibrium",
        "vdsp": "spinrnn.learning.vdsp:VDSP",
        "counts": "spinrnn.learning.counts:Counts",
    },
    "writer": {
        "adam": "spinrnn.learning.adam:Adam",
        "metaplastic": "spinrnn.learning.metaplastic:Metaplastic",
        "flips": "spinrnn.learning.flips:Flips",
        "pulses": "spinrnn.learning.pulses:Pulses",
    },
}
"""{role: {kind: module and class}}; the first kind of a role is its default."""
GROUP = "spinrnn.kinds"
"""Of entry points: each names a kind's class, or a module that registers some."""
_SOURCE = "__spinrnn_source__"
"""Attribute of a module that `use` has made: its file and the digest of what ran."""
RESERVED = ("kind", "train", "train_per", "seed", "gain")
"""Keys of the tables of kinds and of their spread that no quantity may have."""

T = TypeVar("T")
_registered: dict[str, dict[str, type]] = {}
_sources: dict[str, str] = {}
_files: dict[tuple[str, str], dict[str, str]] = {}
_looked_up: set[str] = set()


class Kind:
    """Base of the bases of all roles; a kind is a frozen dataclass, its fields are its
    table.

    Class attributes:
        role, kind: what it is for, and its name there.
        read_with: {key that counts with some value of others only: {other key: that
            value, or ... for any but none}}; a warning names the key where it was given
            without (`config.unread`).

    Raises:
        ConfigError: all impossible values at once.
    """

    role: ClassVar[str]
    kind: ClassVar[str]
    read_with: ClassVar[Mapping[str, Mapping[str, Any]]] = {}

    def __init_subclass__(cls, **arguments: Any) -> None:
        """Before a dataclass writes a comparison of its own."""
        super().__init_subclass__(**arguments)
        if "__eq__" not in vars(cls):
            cls.__eq__ = _equal

    def __post_init__(self) -> None:
        check(self)

    @classmethod
    def example(cls) -> Any:
        """An instance that is possible: with its defaults, where these are."""
        return cls()

    def problems(self) -> list[str]:
        """What is impossible about the values, a sentence each."""
        return range_problems(self)

    def table(self) -> dict[str, Any]:
        """{key: value} as in a configuration file, its kind first."""
        return {"kind": self.kind, **{key: getattr(self, key) for key in keys_of(self)}}


def _equal(self, other):
    """As a dataclass compares itself; a text, as `config.neuron` was in 0.1, with the
    kind.
    """
    if isinstance(other, str):
        text = f"a {self.role} is no text; compare its kind, as in .{self.role}.kind == {other!r}"
        warnings.warn(text, DeprecationWarning, stacklevel=2)
        return self.kind == other
    if other.__class__ is not self.__class__:
        return NotImplemented
    if not dataclasses.is_dataclass(self):
        return self is other
    compared = [field.name for field in dataclasses.fields(self) if field.compare]
    one, two = ([getattr(x, name) for name in compared] for x in (self, other))
    return one == two


def range_problems(kind: Any) -> list[str]:
    """A sentence for each quantity whose value is out of its range."""
    found = Problems(kind)
    for name, declared in quantities(kind).items():
        value = getattr(kind, name)
        number = isinstance(value, (int, float)) and not isinstance(value, bool)
        sentence = declared.problem(value) if number else None
        if sentence:
            found.add(name, sentence)
    return found


# ---- looking up ----


def kind_of(role: str, name: Any) -> type:
    """The class of a kind.

    Raises:
        ConfigError: there is none of the name.
    """
    if isinstance(name, str):
        known = _known(role, name) or (_load_installed() and _known(role, name))
        if known:
            return known
    close = nearest(name, names_of(role))
    hint = f" (did you mean {json.dumps(close)}?)" if close else ""
    wanted = " or ".join(json.dumps(known) for known in names_of(role))
    own = "one of your own is given by --use FILE, or by spinrnn.register in Python"
    own = unregistered([role]) or own
    raise ConfigError([f"kind: must be {wanted}{hint}, got {name!r}; {own}"])


def unregistered(roles: Iterable[str]) -> str | None:
    """A sentence on kinds of roles that stand in files that `use` has run, and are not
    registered; None without.
    """
    roles, found = list(roles), []
    known = {cls for role in roles for cls in _registered.get(role, {}).values()}
    for path in _sources:
        module = module_of(path)
        for kind in vars(module).values():
            own = isinstance(kind, type) and issubclass(kind, Kind) and "kind" in vars(kind)
            if not own or kind.__module__ != module.__name__ or kind in known:
                continue
            if getattr(kind, "role", None) in roles:
                found.append(f"{kind.kind} of {path}")
    if not found:
        return None
    return f"{', '.join(found)} is not registered: write @spinrnn.register above its class"


def loaded(place: str) -> Any:
    """What stands at MODULE:NAME, imported when it is asked for: a kind, or what a
    kind's class names, never a text of a file.
    """
    module, _, attribute = place.partition(":")
    return getattr(importlib.import_module(module), attribute)


def _known(role, name):
    if name in _registered.get(role, {}):
        return _registered[role][name]
    if name in BUILT_IN[role]:
        return loaded(BUILT_IN[role][name])
    return None


def names_of(role: str) -> tuple[str, ...]:
    """Names of the kinds of a role that are known by now, the default first."""
    return tuple(dict.fromkeys([*BUILT_IN[role], *_registered.get(role, {})]))


def kinds_of(role: str) -> dict[str, type]:
    """{name: class} of all kinds of a role, those of installed packages too."""
    _load_installed()
    return {name: kind_of(role, name) for name in names_of(role)}


def default(role: str) -> Any:
    """The kind of a role where none is named, with its defaults."""
    return kind_of(role, next(iter(BUILT_IN[role])))()


def make(role: str, table: Mapping[str, Any]) -> Any:
    """A kind of its table; without the key `kind` the role's default.

    Raises:
        ConfigError: an unknown kind, or all unknown, mistyped and impossible values.
    """
    kind = kind_of(role, table.get("kind", next(iter(BUILT_IN[role]))))
    known = keys_of(kind)
    own = {key: value for key, value in table.items() if key in known}
    others = [key for key in table if key not in (*known, "kind")]
    problems = [f"{key}: {_foreign(role, kind, key, known)}" for key in others]
    try:
        made = kind(**own)
    except ConfigError as error:
        problems += error.problems
    if problems:
        raise ConfigError(problems)
    return made


def made_of(role: str, given: Any) -> Any:
    """A kind of what a user may give for one: itself, its name, its table, or None for
    the default.

    Raises:
        ConfigError: it is none of these, or the table has mistakes.
    """
    if given is None:
        return default(role)
    if isinstance(given, str):
        given = {"kind": given}
    if isinstance(given, Mapping):
        return make(role, given)
    if not isinstance(given, Kind) or given.role != role:
        usual = f"spinrnn.{kind_of(role, next(iter(BUILT_IN[role]))).__name__}()"
        article = "an" if role[0] in "aeiou" else "a"
        wanted = f"must be {article} {role}, as {usual}, or its table"
        if isinstance(given, list | tuple):
            wanted = f"one for all is meant, a table [{role}] and no list [[{role}]]"
        raise ConfigError([f"kind: {wanted}; got {shown(given)}"])
    return given


def stand_in(role: str, given: Any) -> Any:
    """What stands in for a kind with mistakes, for the checks of other keys: its kind
    with its defaults, the default kind where there is none of the name.
    """
    name = given.get("kind") if isinstance(given, Mapping) else given
    known = isinstance(name, str) and name in names_of(role)
    return kind_of(role, name).example() if known else default(role)


def _foreign(role, kind, key, known):
    """About a key that a kind does not have: whose it is, or the nearest known one."""
    owner = owner_of(role, key, keys_of)
    if owner is not None:
        return f"a key of the {role} {owner}, this one is {kind.kind}"
    return f"unknown key{suggest(key, known)}"


def owner_of(role: str, name: str, names: Any) -> str | None:
    """The first kind of a role among whose names(class) is this one."""
    for kind in names_of(role):
        if name in names(kind_of(role, kind)):
            return kind
    return None


# ---- kinds of users ----


def register(kind: type[T]) -> type[T]:
    """Puts a kind beside the others; serves as a decorator above `dataclass`.

    A class of the same name in the same module takes the place of the one before, so
    that a cell of a notebook can be run again.

    Raises:
        ConfigError: what is wrong with the class, all at once.
    """
    problems = _class_problems(kind)
    if problems:
        raise ConfigError(problems, f"class {getattr(kind, '__name__', kind)}")
    new: Any = kind
    _registered.setdefault(new.role, {})[new.kind] = kind
    _files[new.role, new.kind] = _file_of(kind)
    return kind


def _class_problems(kind: Any) -> list[str]:
    role = getattr(kind, "role", None)
    if not (isinstance(kind, type) and issubclass(kind, Kind) and role in BUILT_IN):
        bases = ", ".join(f"spinrnn.{name.capitalize()}" for name in BUILT_IN)
        return [f"must inherit the base of a role: {bases}"]
    problems = _name_problems(kind, role)
    if not dataclasses.is_dataclass(kind) or not vars(kind)["__dataclass_params__"].frozen:
        return [*problems, "must be a frozen dataclass: write @dataclass(frozen=True) above it"]
    for field in dataclasses.fields(kind):
        if field.name in RESERVED:
            taken = f"[{role}] and [spread] have a key of this name of their own"
            problems.append(f"{field.name}: {taken}; choose another name")
        if field.default is dataclasses.MISSING:
            problems.append(
                f"{field.name}: needs a default, as in quantity(1.0, 's', 'what it is')"
            )
    names = {field.name for field in dataclasses.fields(kind)}
    asked = [name for key, needs in kind.read_with.items() for name in (key, *needs)]
    problems += [f"read_with: there is no key {name}" for name in asked if name not in names]
    further = getattr(kind, "class_problems", None)
    return problems + (list(further()) if further else [])


def _name_problems(kind, role):
    name = kind.__dict__.get("kind")
    if not isinstance(name, str) or not name.isidentifier():
        return [f'kind: must be a name in letters, as kind = "leaky"; got {name!r}']
    before = _registered.get(role, {}).get(name)
    if name in BUILT_IN[role]:
        return [f"kind: the {role} {name!r} is one of spinrnn's own; choose another name"]
    if before is not None and _place_of(before) != _place_of(kind):
        other = f"{before.__qualname__} of {before.__module__}"
        return [f"kind: the {role} {name!r} is taken by {other}; choose another name"]
    return []


def _place_of(kind):
    return kind.__module__, kind.__qualname__


def _load_installed():
    """Imports what installed packages declare, once; one that fails is told and left
    out.
    """
    for point in importlib.metadata.entry_points(group=GROUP):
        if f"{point.name} {point.value}" in _looked_up:
            continue
        _looked_up.add(f"{point.name} {point.value}")
        try:
            found = point.load()
            if isinstance(found, type):
                register(found)
        # whatever the package's code may come to
        except Exception as error:
            text = f"the installed kind {point.name} ({point.value}) cannot be used"
            warnings.warn(f"{text}: {type(error).__name__}: {error}", stacklevel=2)
    return True


# ---- a file that the user names ----


def use(path: str | Path) -> str:
    """Runs a Python file of the user's, which registers kinds; returns the SHA-256 of
    its source.

    Raises:
        ConfigError: a class cannot be registered; StoreError: the file cannot be read,
        or it fails.
    """
    path = Path(path).absolute()
    try:
        source = path.read_bytes()
    except OSError as error:
        raise StoreError(f"cannot read {path}: {reason_of(error)}") from None
    digest = hashlib.sha256(source).hexdigest()
    if _sources.get(str(path)) == digest:
        return digest
    module = types.ModuleType(_module_name(path))
    module.__file__ = str(path)
    vars(module)[_SOURCE] = {"file": str(path), "sha256": digest}
    # dataclasses look their module up by its name
    sys.modules[module.__name__] = module
    try:
        exec(compile(source, path, "exec"), module.__dict__)
    except ConfigError as error:
        raise ConfigError(error.problems, path) from None
    except Exception as error:
        where = _line_of(error, str(path))
        raise StoreError(f"{path}{where}: {type(error).__name__}: {error}") from None
    _sources[str(path)] = digest
    return digest


def module_of(path: str | Path) -> types.ModuleType:
    """The module that `use` has made of a file."""
    return sys.modules[_module_name(Path(path).absolute())]


def _module_name(path):
    """Of the module that a file becomes: by the file's name alone, which the cache of
    compiled code stores, unless another file of that name is in use.
    """
    name = f"spinrnn_use_{path.stem}"
    before = getattr(sys.modules.get(name), "__file__", str(path))
    if before == str(path) or before not in _sources:
        return name
    return f"{name}_{hashlib.sha256(str(path).encode()).hexdigest()[:8]}"


def use_same(known: Mapping[str, str]) -> None:
    """`use` of {path: SHA-256}.

    Raises:
        StoreError: one of them has changed, cannot be read, or fails.
    """
    for path, digest in known.items():
        try:
            found = use(path)
        except ConfigError as error:
            raise StoreError(str(error)) from None
        if found != digest:
            raise StoreError(f"{path} has changed since this was started; restore it")


def _line_of(error, path):
    """The last line of the file on the way to an error, as ", line 3"."""
    lines, at = [getattr(error, "lineno", None)], error.__traceback__
    while at is not None:
        if at.tb_frame.f_code.co_filename == path:
            lines.append(at.tb_lineno)
        at = at.tb_next
    return f", line {lines[-1]}" if lines[-1] else ""


def place_of(error: BaseException) -> str | None:
    """Where a user's file was on the way to an error, as "FILE, line 3": the last of
    its lines; None where no file that `use` has run was.
    """
    found, at = None, error.__traceback__
    while at is not None:
        file = at.tb_frame.f_code.co_filename
        found = f"{file}, line {at.tb_lineno}" if file in _sources else found
        at = at.tb_next
    return found


def sources() -> dict[str, str]:
    """{path: SHA-256} of the files that `use` has run in this process."""
    return dict(_sources)


def gradcheck_of(kind: str) -> str:
    """The command that checks the step of a neuron's kind, and what it does."""
    use = "".join(f" --use {path}" for path in sources())
    return f"spinrnn gradcheck --neuron {kind}{use}, which names what is wrong with its step"


# ---- which sources results come from ----


def _file_of(kind):
    """{"file", "sha256"} of the module of a class; {} where it has no file, as a
    notebook.
    """
    module = sys.modules.get(kind.__module__)
    known = getattr(module, _SOURCE, None)
    if known is not None:
        return known
    try:
        path = Path(module.__file__)  # type: ignore[union-attr, arg-type]
        return {"file": str(path), "sha256": hashlib.sha256(path.read_bytes()).hexdigest()}
    except (AttributeError, TypeError, OSError):
        return {}


def record_of(used: Iterable[Any]) -> dict[str, dict[str, str]]:
    """{"role.kind": {"file", "sha256"}} of the kinds that are no part of spinrnn.

    used: instances or classes of kinds.
    """
    names = {(kind.role, kind.kind) for kind in used}
    return {f"{role}.{name}": _files[role, name] for role, name in names if (role, name) in _files}


def check_record(record: Any, where: str | Path) -> None:
    """Raises ConfigError if a kind of a record, as of `record_of`, is not known, or has
    another source now.

    where: whose record it is, for the message.
    """
    if not isinstance(record, Mapping):
        raise StoreError(f"{where}: its record of kinds is damaged")
    changed = []
    for key, stored in record.items():
        role, _, name = str(key).partition(".")
        now = _files.get((role, name), {})
        before = stored.get("sha256") if isinstance(stored, Mapping) else None
        if role in BUILT_IN and name not in names_of(role) and _load_installed():
            file = stored.get("file") if isinstance(stored, Mapping) else None
            if name not in names_of(role):
                changed.append(f"the {role} {name} comes from {file}; give it by --use {file}")
                continue
        if before is not None and now and now.get("sha256") != before:
            advice = "restore that file, or begin anew in another folder"
            changed.append(f"{name} has changed since: {now.get('file')}; {advice}")
    if changed:
        raise ConfigError(changed, where)
