"""What a user calls the arrays of a file, and their units: `time=t,power=V2` and
`t=ns,I=mA`.
"""

import dataclasses
from collections.abc import Collection, Mapping, Sequence

import numpy as np

from spinrnn.config.run import COLUMNS_FORM, UNITS_FORM
from spinrnn.config.tables import pairs_of, suggest
from spinrnn.errors import ConfigError, DataError
from spinrnn.readers.table import Table, tell
from spinrnn.readers.units import SHARE, Unit, asked_unit, unit_of

ROWS = ("points", "cases")
OPTIONS = ("--columns", "--units")
"""Where a user says it; in a configuration it is data.columns and data.units."""


@dataclasses.dataclass(frozen=True)
class Columns:
    """What the user says of a file.

    Attributes:
        names: {name that spinrnn uses: name or number, from 1, in the file}.
        units: {name of either kind: `Unit`}.
        places: where the two were said, for messages.
        optional: of the names, those that count only where the file has what they name.
        agreed: names of units that are said of another file, the training's: where this
            one says a unit itself they must be the same.
        rate: Hz, to which sounds of a higher rate are brought; None leaves theirs.
        heads: whether input channels are converted from units that the file says; runs
            of earlier versions read them as they are.
        rows: what a row of a table without a column of cases is, one of `ROWS`: a case
            of one point, or a point of the one case. None: by `numbers`.
        numbers: of a case that has no points in time. Of a table with as many channels
            and no column of cases each row is a case then; None: all rows are one.
        told: whether the option --rows is there, which a note on the rows tells then.
        targets: what are targets of a regression, by name or number as in `names`.
        new: whether the file holds new data, which need no targets.
        channels: names of the channels of a training, which are taken in this order;
            None: all columns of numbers.
        bare: channels of whose unit the training said nothing, so that what a head says
            is not converted to what may not have been meant, but refused.
    """

    names: Mapping[str, str]
    units: Mapping[str, Unit]
    places: tuple[str, ...] = OPTIONS
    optional: tuple[str, ...] = ()
    agreed: tuple[str, ...] = ()
    rate: float | None = None
    heads: bool = True
    rows: str | None = None
    told: bool = False
    targets: tuple[str, ...] = ()
    new: bool = False
    numbers: int | None = None
    channels: tuple[str, ...] | None = None
    bare: tuple[str, ...] = ()

    @classmethod
    def of_texts(
        cls,
        columns: str | None,
        units: str | None,
        places: Sequence[str] = OPTIONS,
        optional: Collection[str] = (),
    ) -> "Columns":
        """Of the texts of --columns and --units.

        Args:
            places, optional: as the attributes.
        Raises:
            ConfigError: all mistakes in both.
        """
        problems: list[str] = []
        names = pairs_of(columns, places[0], COLUMNS_FORM, problems)
        texts = pairs_of(units, places[1], UNITS_FORM, problems)
        found = {}
        for name, text in texts.items():
            try:
                found[name] = asked_unit(text)
            except DataError as error:
                problems.append(f"{places[1]}: {error}")
        twice = sorted({name for name in names.values() if [*names.values()].count(name) > 1})
        problems += [f"{places[0]}: {name} is given two names" for name in twice]
        if problems:
            raise ConfigError(problems)
        return cls(names, found, tuple(places), tuple(optional))

    def overruled(self, other: "Columns") -> "Columns":
        """The same with what `other` says, which goes before."""
        if other.empty:
            return self
        taken = {*other.names, *other.names.values()}
        kept = {name: value for name, value in self.names.items() if not {name, value} & taken}
        units = {**self.units, **other.units}
        optional = tuple(name for name in self.optional if name not in other.names)
        agreed = tuple(name for name in self.agreed if name not in {*taken, *other.units})
        own = {"names": {**kept, **other.names}, "units": units, "places": other.places}
        return dataclasses.replace(self, **own, optional=optional, agreed=agreed)

    def for_table(self, table: Table) -> "Columns":
        """The same without what is said of the optional names that a table lacks."""
        gone = {
            name
            for name in self.optional
            if name in self.names and _source(table, self.names[name]) is None
        }
        if self.new:
            gone |= {name for name in self.targets if _target(table, name, self.new) is None}
        own = {name: value for name, value in self.names.items() if name not in gone}
        lost = {*gone, *(self.names[name] for name in gone if name in self.names)}
        units = {name: unit for name, unit in self.units.items() if name not in lost}
        return dataclasses.replace(self, names=own, units=units)

    def without_unit(self, name: str) -> "Columns":
        """The same without what is said of one unit."""
        units = {key: unit for key, unit in self.units.items() if key != name}
        return dataclasses.replace(self, units=units)

    @property
    def empty(self) -> bool:
        """Whether nothing is said."""
        return not (self.names or self.units)


NONE = Columns({}, {})
"""Nothing is said."""


def of_each(columns: Columns, tables: Sequence[Table]) -> list[Columns]:
    """What is said of several files that belong together, for each of them.

    A name is left out where a file has an array of that name and not what it stands for
    in others; a unit where a file says one, if others say none.
    """
    found = [_own_names(columns, table, tables) for table in tables]
    for name in columns.units:
        says = [_says(own, table, name) for own, table in zip(found, tables, strict=True)]
        if False in says:
            found = [
                own.without_unit(name) if said else own
                for own, said in zip(found, says, strict=True)
            ]
    return found


def _own_names(columns, table, tables):
    """The same without names, and units of what they stand for, that are of other
    tables.
    """
    gone = {
        name: value
        for name, value in columns.names.items()
        if name in table.arrays
        and _source(table, value) is None
        and any(_source(other, value) is not None for other in tables)
    }
    names = {name: value for name, value in columns.names.items() if name not in gone}
    units = {name: unit for name, unit in columns.units.items() if name not in gone.values()}
    return dataclasses.replace(columns, names=names, units=units)


def _says(columns, table, name):
    """Whether the head of a table says the unit of an array, by either of its names;
    None where it has no such array.
    """
    source = _source(table, columns.names.get(name, name))
    unit = None if source is None else unit_of(table.units.get(source, ""))
    return None if source is None else unit is not None and unit.symbol != ""


def arranged(table: Table, columns: Columns, wanted: Collection[str] = ()) -> Table:
    """The table under the names that the user gives, in SI units; notes say what was
    done.

    Converted are the arrays whose units the user says, those that get a name, and the
    wanted ones, as far as the file says a unit that is known. What the user says of a
    unit overrules the file.

    Args:
        wanted: names that spinrnn uses.
    Raises:
        DataError: there are no such arrays, or they are no numbers.
    """
    columns = _by_names(table, columns.for_table(table))
    sources = {name: _source(table, value) for name, value in columns.names.items()}
    _check(table, columns, sources)
    back = {source: name for name, source in sources.items()}
    arrays, units, notes = {}, {}, list(table.notes)
    for name, array in table.arrays.items():
        new = back.get(name, name)
        if name in sources and name not in back:
            notes.append(f"the file's own {name} is left out")
            continue
        known = table.units.get(name)
        said = columns.units.get(name) or columns.units.get(new)
        if said is None and known is not None and (new in wanted or name in back):
            said = unit_of(known)
        arrays[new] = array if said is None else said.to_si(array)
        unit = known if said is None else said.si
        if unit is not None:
            units[new] = unit
        notes += _notes(name, new, said)
    classes = {back.get(name, name): names for name, names in table.classes.items()}
    # of one that was left out for another of its name there are none
    texts, words = (
        {
            back.get(name, name): give
            for name, give in known.items()
            if name in back or name not in sources
        }
        for known in (table.texts, table.words)
    )
    return dataclasses.replace(
        table,
        arrays=arrays,
        units=units,
        classes=classes,
        notes=tuple(notes),
        texts=texts,
        words=words,
    )


def in_si(table: Table, channels: Collection[str], heads: bool = True) -> Table:
    """The table with the channels of units that the file says in SI units; a note says
    which. What `arranged` has converted is in them already.

    heads: False leaves all as they are.
    """
    arrays, units, notes = dict(table.arrays), dict(table.units), list(table.notes)
    for name in channels if heads else ():
        unit = unit_of(table.units.get(name, ""))
        if unit is not None and unit.symbol and table.arrays[name].dtype.kind in "fiu":
            arrays[name], units[name] = unit.to_si(arrays[name]), unit.si
            notes += _notes(name, name, unit)
    return dataclasses.replace(table, arrays=arrays, units=units, notes=tuple(notes))


def targets_of(table: Table, columns: Columns) -> list[str]:
    """Names of the arrays of an arranged table that are targets; of new data that lack
    one of them those that are there.

    Raises:
        DataError: they are not there, or no numbers.
    """
    sources = {value: _target(table, value, columns.new) for value in columns.targets}
    problems = [
        f"targets: there is no {value}{suggest(value, table.arrays)}"
        for value, source in sources.items()
        if source is None and not columns.new
    ]
    found = [source for source in sources.values() if source is not None]
    twice = sorted({name for name in found if found.count(name) > 1})
    problems += [f"targets: {name} is named twice" for name in twice]
    texts = [name for name in found if table.arrays[name].dtype.kind not in "fiub"]
    problems += [f"targets: {name} is no column of numbers" for name in texts]
    tell(table.path, problems)
    return found


def _target(table, value, new):
    """As `_source`; of new data by its name alone."""
    return _source(table, value) if not new or value in table.arrays else None


def case_advice(table: Table, time: np.ndarray, used: Collection[str]) -> str:
    """What to do about times (row,) that fall back, where a column of the table may say
    of which recording each row is; "" where none may.

    used: names of what is no such column.
    """
    falls = int((np.diff(time) <= 0).sum())
    for name, column in table.arrays.items():
        if not falls or name in used or column.shape != time.shape:
            continue
        place = np.unique(column, return_inverse=True)[1]
        order = np.argsort(place, kind="stable")
        within = np.diff(place[order]) == 0
        if 0 < place.max() <= falls and (np.diff(time[order])[within] > 0).all():
            return f"; where {name} tells of which recording a row is, add --columns case={name}"
    return ""


def without(table: Table, names: Collection[str]) -> Table:
    """The table without some of its arrays."""
    arrays = {name: array for name, array in table.arrays.items() if name not in names}
    return dataclasses.replace(table, arrays=arrays)


def _source(table, value):
    """The array that a user means by its name or its number from 1; None if there is
    none.
    """
    if value in table.arrays:
        return value
    if value.isascii() and value.isdigit() and len(value) < 6:
        names = list(table.arrays)
        return names[int(value) - 1] if 0 < int(value) <= len(names) else None
    return None


def _by_names(table, columns):
    """The same, units by the names of arrays where they go by numbers from 1."""

    def name_of(name):
        known = name in table.arrays or name in columns.names
        return name if known else _source(table, name) or name

    units = {name_of(name): unit for name, unit in columns.units.items()}
    agreed = tuple(map(name_of, columns.agreed))
    return dataclasses.replace(columns, units=units, agreed=agreed)


def _check(table, columns, sources):
    """Raises DataError for names that are not there and units of what is no number."""
    of_names, of_units = columns.places
    problems = [
        f"{of_names}: has no array {columns.names[name]}"
        f"{suggest(columns.names[name], table.arrays)}"
        for name, source in sources.items()
        if source is None
    ]
    known = {*table.arrays, *sources}
    problems += [
        f"{of_units}: has no array {name}{suggest(name, known)}"
        for name in columns.units
        if name not in known
    ]
    for name in columns.units:
        array = table.arrays.get(sources.get(name) or name, np.empty(0))
        if array.dtype.kind not in "fiu":
            problems.append(f"{of_units}: {name} is of {array.dtype}, no numbers")
    problems += _disagreements(table, columns, sources)
    problems += _unsaid(table, columns, sources)
    tell(table.path, problems)


def _disagreements(table, columns, sources):
    """Units of the training's file that are others than this one says."""
    of_units = columns.places[1]
    for name in columns.agreed:
        said, source = columns.units.get(name), sources.get(name) or name
        own = unit_of(table.units.get(source, ""))
        if said is not None and (own is None or (own.symbol and own != said)):
            head = table.units[source]
            yield (
                f"{name} is in {head} by its head, {of_units} says {said.symbol}; say which of "
                f"them it is, as in --units {name}={own.symbol if own else said.symbol}"
            )


def _unsaid(table, columns, sources):
    """A sentence on units that heads of this file say and that would be converted,
    where the training did not say any.
    """
    found = {}
    for name in columns.bare:
        source = sources.get(name) or name
        own = unit_of(table.units.get(source, ""))
        said = {name, source} & {*columns.units}
        if source in table.arrays and own is not None and not said and _converts(own):
            found[name] = own
    if found:
        heads = ", ".join(f"{name} in {unit.symbol}" for name, unit in found.items())
        kept, converted = (
            ",".join(f"{name}={getattr(unit, key)}" for name, unit in found.items())
            for key in ("si", "symbol")
        )
        yield (
            f"{heads} by its head, and the training did not say a unit; --units {kept} takes the "
            f"numbers as they stand, --units {converted} converts them"
        )


def _converts(unit):
    """Whether numbers in it are others in the SI unit."""
    return unit != Unit(unit.symbol, unit.si)


def _notes(name, new, unit):
    """A sentence on an array that was renamed or converted; [] for others."""
    converted = ""
    if unit is not None and _converts(unit):
        converted = f", {unit.symbol} converted to {'shares' if unit.si == SHARE else unit.si}"
    if new == name and not converted:
        return []
    return [f"{new} is {name}{converted}" if new != name else f"{name}{converted}"]
