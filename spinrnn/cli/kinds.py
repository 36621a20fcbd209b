"""The command line of `spinrnn kinds`: which kinds there are, and what they are made
of.
"""

import argparse
import inspect
import json
from typing import Any

import spinrnn
from spinrnn.cli.options import add_command, add_json, add_use

SUMMARY = "List all kinds of neurons, synapses, tasks ... and their quantities."


def add_commands(commands: Any) -> None:
    """Adds the command; commands: what `add_subparsers` returned."""
    parser = add_command(commands, "kinds", show, SUMMARY, threads=False)
    parser.add_argument(
        "kind", nargs="?", metavar="KIND", help="one of them, as oscillator (default: all)"
    )
    add_use(parser)
    add_json(parser, "one JSON object for each kind")


def show(options: argparse.Namespace) -> int:
    """Prints all kinds, or the one that is asked for."""
    found = [described(role, kind) for role, kind in _wanted(options.kind)]
    for one in found:
        print(json.dumps(one) if options.json else "\n".join(_lines(one)))
    return 0


def _wanted(name: str | None) -> list[tuple[str, Any]]:
    """[(role, class)] of the kinds of this name, or of all; ConfigError if there is
    none.
    """
    from spinrnn.config import kinds
    from spinrnn.config.tables import suggest

    every = [(role, cls) for role in kinds.BUILT_IN for cls in kinds.kinds_of(role).values()]
    wanted = [(role, cls) for role, cls in every if name is None or cls.kind == name]
    if not wanted:
        names = [cls.kind for _, cls in every]
        own = kinds.unregistered(kinds.BUILT_IN) or "one of your own is given by --use FILE"
        raise spinrnn.ConfigError([f"there is no kind {name}{suggest(name, names)}; {own}"])
    return wanted


def described(role: str, kind: Any) -> dict[str, Any]:
    """{"role", "kind", "meaning", "quantities" ...} of a kind, for JSON."""
    from spinrnn.config.quantity import quantities
    from spinrnn.config.tables import keys_of
    from spinrnn.config.template import meanings

    keys = {
        name: {
            "unit": q.unit,
            "default": q.default,
            "range": q.range,
            "meaning": q.about,
            "spread": q.spread,
            "trained": q.fit is not None,
            "source": q.source,
        }
        for name, q in quantities(kind).items()
    }
    # a switch or a word has no unit, its docstring says what it is
    for name in keys_of(kind):
        if name not in keys:
            default = getattr(kind, name)
            own = {"unit": "1", "default": default, "range": "", "spread": None}
            known = {"meaning": meanings(kind).get(name, ""), "source": "ours", "trained": False}
            keys[name] = {**own, **known}
    text = inspect.getdoc(kind) or ""
    meaning = " ".join(text.partition("\n\nAttributes:")[0].split())
    found = {"role": role, "kind": kind.kind, "meaning": meaning, "quantities": keys}
    for name in ("states", "schemes"):
        given = getattr(kind, name, ()) if role == "neuron" else ()
        found[name] = [one._asdict() if hasattr(one, "_asdict") else one for one in given]
    return found


def _lines(one: dict[str, Any]) -> list[str]:
    """A kind for people: a heading, a line for each quantity, its states."""
    lines = [f"{one['role']} {one['kind']}: {one['meaning']}"]
    keys = one["quantities"]
    width = max((len(name) for name in keys), default=0)
    for name, q in keys.items():
        unit = "" if q["unit"] == "1" else f" {q['unit']}"
        known = [f"default {_value(q['default'])}{unit}", *([q["range"]] if q["range"] else [])]
        known += [f"spread.{q['spread']}"] if q["spread"] else []
        known += ["can be trained"] if q["trained"] else []
        lines.append(f"  {name:<{width}}  {q['meaning']} ({'; '.join(known)})")
    for state in one["states"]:
        unit = "" if state["unit"] == "1" else f" in {state['unit']}"
        lines.append(f"  state {state['name']}{unit}: {state['meaning']}")
    return lines


def _value(default: Any) -> str:
    """A default as in a file; None is a key that is left out."""
    if default is None:
        return "none"
    if isinstance(default, float):
        return f"{default:g}"
    return json.dumps(default)
