"""Single mutations of the package, each of which a test must notice.

Run it as: python tests/mutants.py [ROOM[:NUMBERS] ...], for instance paper:9,34-67

Copies the project into a temporary folder, applies one mutation of
tests/mutations/ROOM.py at a time, runs the tests that concern it and prints the
mutations that no test noticed. The exit status is 0 where none survives, 1 where one
does and 2 where a mutation no longer fits its file, its tests fail without it, or they
do not end. It is no part of the suite, as it takes long.

A mutation is a dictionary: `file`, `old` (occurs once in the file), `new`, `tests`
(files, separated by spaces), `k` (an expression that selects among them, as pytest's
-k) and, where no test can notice it, `equivalent`: the reason. Kernels that are mutated
are compiled anew.
"""

import argparse
import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "tests" / "mutations"
COPIED = (
    *("spinrnn", "tests", "data", "docs", "pyproject.toml", "environment.yml"),
    *("README.md", "CONTRIBUTING.md", "AGENTS.md", "LICENSE", "CITATION.cff", "runs/README.md"),
)
SECONDS = 600
"""Until the tests of one mutation are given up."""


def rooms():
    """{name: list of mutations} of all files in the folder of mutations."""
    found = {}
    for path in sorted(FOLDER.glob("*.py")):
        spec = importlib.util.spec_from_file_location(f"mutations_{path.stem}", path)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        found[path.stem] = module.MUTATIONS
    return found


def chosen_of(names, known):
    """{room: {number: mutation}} of ROOM or ROOM:NUMBERS; of all rooms without names."""
    chosen = {}
    for name in names or known:
        room, _, numbers = name.partition(":")
        if room not in known:
            raise ValueError(f"no such room: {room}; there are {', '.join(known)}")
        every = dict(enumerate(known[room]))
        picked = sorted(numbers_of(name, numbers)) if numbers else list(every)
        if not set(picked) <= set(every):
            raise ValueError(f"{name}: {room} has the numbers 0 to {len(every) - 1}")
        chosen.setdefault(room, {}).update((number, every[number]) for number in picked)
    return chosen


def numbers_of(name, text):
    """The set of numbers of a list such as 9,34-67."""
    found = set()
    for part in text.split(","):
        first, dash, last = part.partition("-")
        if not (first.isdecimal() and (last.isdecimal() or not dash)):
            raise ValueError(f"{name}: expects numbers such as 9,34-67, not {part!r}")
        found |= set(range(int(first), int(last if dash else first) + 1))
    return found


def misfit(mutation):
    """What is wrong with a mutation's own record, in words; None if it can be applied."""
    missing = {"file", "old", "new"} - set(mutation)
    if missing or not ("tests" in mutation or "equivalent" in mutation):
        return f"lacks {', '.join(sorted(missing)) or 'tests'}"
    path = ROOT / mutation["file"]
    count = path.read_text().count(mutation["old"]) if path.exists() else 0
    if count != 1:
        return f"its text occurs {count} times in {mutation['file']}"
    return "changes nothing" if mutation["old"] == mutation["new"] else None


def tests_of(mutation):
    """Arguments for pytest that select the tests of a mutation."""
    selected = ["-k", mutation["k"]] if mutation.get("k") else []
    return [*mutation["tests"].split(), *selected]


def passes(copy, arguments):
    """Whether pytest passes in the copy; None where it selects no test or does not end."""
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *arguments]
    environment = {**os.environ, "PYTHONPATH": str(copy), "PYTHONDONTWRITEBYTECODE": "1"}
    try:
        result = subprocess.run(
            command, cwd=copy, env=environment, capture_output=True, timeout=SECONDS
        )
    except subprocess.TimeoutExpired:
        return False  # a loop that no longer ends is noticed, too
    return None if result.returncode in (3, 4, 5) else result.returncode == 0


def survives(copy, mutation):
    """Whether the tests pass with the mutation; the copy is as before afterwards."""
    path = copy / mutation["file"]
    text = path.read_text()
    try:
        path.write_text(text.replace(mutation["old"], mutation["new"]))
        return passes(copy, tests_of(mutation)) is not False
    finally:
        path.write_text(text)


def describe(room, number, mutation):
    """One line that names a mutation."""
    old, new = (" ".join(mutation[key].split()) for key in ("old", "new"))
    return f"{room}[{number}] {mutation['file']}: {old[:60]} -> {new[:60]}"


def campaign(copy, chosen):
    """Runs {room: {number: mutation}}; returns the numbers of (survivors, faults)."""
    sound, survivors, faults = {}, 0, 0
    for room, mutations in chosen.items():
        for number, mutation in mutations.items():
            name = describe(room, number, mutation)
            if "equivalent" in mutation:
                print(f"equivalent {name}: {mutation['equivalent']}", flush=True)
                continue
            arguments = tuple(tests_of(mutation))
            if arguments not in sound:
                sound[arguments] = passes(copy, arguments)
            if not sound[arguments]:
                faults += 1
                print(f"FAULT      {name}: {' '.join(arguments)} fails without it", flush=True)
                continue
            start = time.monotonic()
            lives = survives(copy, mutation)
            survivors += lives
            word = "SURVIVES  " if lives else "noticed   "
            print(f"{word} {name} ({time.monotonic() - start:.0f} s)", flush=True)
    return survivors, faults


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "rooms",
        nargs="*",
        metavar="ROOM[:NUMBERS]",
        help="files of tests/mutations, and which of their mutations; all by default",
    )
    parser.add_argument("--check", action="store_true", help="only whether each still fits")
    arguments = parser.parse_args()
    try:
        chosen = chosen_of(arguments.rooms, rooms())
    except ValueError as error:
        parser.error(str(error))
    listed = [(room, n, m, misfit(m)) for room, ms in chosen.items() for n, m in ms.items()]
    wrong = [f"{room}[{n}] {m.get('file')}: {text}" for room, n, m, text in listed if text]
    print("\n".join([*wrong, f"{len(listed)} mutations, {len(wrong)} do not fit"]))
    if wrong or arguments.check:
        return 2 if wrong else 0
    with tempfile.TemporaryDirectory(prefix="spinrnn-mutants-") as folder:
        for name in COPIED:
            copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy2
            (Path(folder) / name).parent.mkdir(exist_ok=True)
            copy(ROOT / name, Path(folder) / name)
        survivors, faults = campaign(Path(folder), chosen)
    print(f"{len(listed)} mutations, {survivors} survive, {faults} could not be tried")
    return 2 if faults else int(survivors > 0)


if __name__ == "__main__":
    sys.exit(main())
