"""Fenced blocks of the pages: what they are, and how each kind is run.

A page is run in an empty folder that has `data/reproduction` of the project. Its blocks
run in order. `python` blocks share one namespace; a `text` block behind one is what it
prints. `octave` blocks are run where Octave is installed. `sh` blocks are commands,
`console` blocks are commands behind "$ " with what they print. A `toml` block, whose
first line is a comment with the name of a file, is written to that file and read.

Behind the language a block may say `within=0.05` (relative tolerance of its numbers),
`status=1` (exit status of its last command), `given=NAME` (files of the reader's that
it needs, of `GIVEN`) and `not-run=REASON` (a reason of `test_docs.NOT_RUN`).
"""

import contextlib
import io
import re
import shlex
import shutil
import subprocess
import tomllib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from conftest import here

import spinrnn

FENCE = re.compile(r"^( *)```(\w*) *(.*)$")
NUMBER = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?", re.IGNORECASE)
SMALLER = {
    ("train",): ("train.epochs", ["--set", "train.epochs=1"]),
    ("analyse",): ("--", ["--only", "activity,variance"]),
    ("gradcheck",): ("network.layers", ["--set", "network.layers=[3]"]),
    ("sweep", "run"): ("--executor", ["--executor", "serial"]),
}
"""{command: (text, arguments)}: added to it in an `sh` block that lacks the text."""


def _recordings():
    """A folder with 30 tables of each of two classes, and new.csv."""
    rng, time = np.random.default_rng(0), np.arange(12)
    for number in range(30):
        for name, slope in (("falling", -1), ("rising", 1)):
            folder = Path("recordings") / name
            folder.mkdir(parents=True, exist_ok=True)
            rows = np.column_stack([time, slope * time / 4 + 0.3 * rng.normal(size=12)])
            for path in (folder / f"{number}.csv", "new.csv"):
                np.savetxt(path, rows, header="t,V", comments="", delimiter=",", fmt="%.4g")


def _archive():
    """Two files of an archive, of channels and unequal lengths."""
    rng = np.random.default_rng(0)
    head = "@problemName Gestures\n@univariate false\n@classLabel true up down\n@data\n"
    for part, cases in (("TRAIN", 20), ("TEST", 6)):
        lines = []
        for case in range(cases):
            signs = rng.normal(size=(2, 8 + case % 3)).round(3)
            channels = ":".join(",".join(map(str, channel)) for channel in signs)
            lines.append(f"{channels}:{('up', 'down')[case % 2]}\n")
        Path(f"Gestures_{part}.ts").write_text(head + "".join(lines))


GIVEN = {"recordings": _recordings, "archive": _archive}
"""{name: what makes the files of a reader that a block needs}."""


@dataclass
class Block:
    """A fenced block.

    Attributes:
        page: path below the project; line: of its first fence, from 1.
        language: "python", "sh" ...; options: {name: text}; text: without the fences.
    """

    page: str
    line: int
    language: str
    options: dict
    text: str

    @property
    def place(self):
        return f"{self.page}:{self.line}"


def blocks_of(page, text):
    """The `Block`s of a page's text, in order. ValueError: a fence is not closed."""
    found, open_block = [], None
    for number, line in enumerate(text.splitlines(), 1):
        fence = FENCE.match(line)
        if fence and open_block is None:
            options = dict(part.partition("=")[::2] for part in fence[3].split())
            open_block = Block(page, number, fence[2], options, "")
        elif fence:
            found.append(open_block)
            open_block = None
        elif open_block is not None:
            open_block.text += line + "\n"
    if open_block is not None:
        raise ValueError(f"{open_block.place}: a block that does not end")
    return found


# ---- commands ----


def commands_of(block):
    """[(words of a command, what it prints, or None where that is not shown)]."""
    lines = block.text.replace("\\\n", " ").splitlines()
    if block.language == "sh":
        words = [shlex.split(line, comments=True) for line in lines]
        return [(command, None) for command in words if command]
    found = []
    for line in lines:
        if line.startswith("$ "):
            found.append((shlex.split(line[2:], comments=True), []))
        else:
            found[-1][1].append(line)
    return [(words, "\n".join(printed)) for words, printed in found]


def smaller(words):
    """A command of spinrnn, made small enough for a test."""
    for command, (text, added) in SMALLER.items():
        if tuple(words[: len(command)]) == command and text not in " ".join(words):
            return [*words, *added]
    return words


def run_command(block, words, printed, status):
    """Runs one command of a block and compares what it prints."""
    if words[:2] == ["cp", "-r"]:
        shutil.copytree(words[2], words[3])
        return
    assert words[0] == "spinrnn", f"{block.place}: {words[0]} is not run here"
    result, target = redirected(words[1:], block.language == "sh")
    said = f"{block.place}: {' '.join(words)}\n{result.stdout}{result.stderr}"
    # what doctor finds is the machine's, and no fault of a page
    allowed = (0, 1) if words[1] == "doctor" else (status,)
    assert result.returncode in allowed, said
    if target:
        Path(target).write_text(result.stdout)
    if printed is not None:
        both = result.stdout + result.stderr
        difference = compare(printed, both, float(block.options.get("within", 0)))
        assert difference is None, f"{said}\n{difference}"


def redirected(words, small):
    """(the finished command, the file behind ">" or None)."""
    target = None
    if ">" in words:
        cut = words.index(">")
        words, target = words[:cut], words[cut + 1]
    return here(*(smaller(words) if small else words)), target


# ---- what is printed ----


def compare(shown, printed, within=0.0):
    """None, or how the shown text differs from the printed one.

    "..." on a line of its own stands for any lines, at the end of a line for the rest
    of it. Numbers may differ by the relative tolerance, all else must be the same.
    """
    parts = re.split(r"^\s*\.\.\.\s*$", shown, flags=re.MULTILINE)
    lines = [line.split() for line in printed.splitlines() if line.strip()]
    position = 0
    for number, part in enumerate(parts):
        wanted = [line.split() for line in part.splitlines() if line.strip()]
        starts = range(position, len(lines) - len(wanted) + 1) if number else [0]
        for start in starts:
            if all(map(lambda a, b: alike(a, b, within), wanted, lines[start:])):
                break
        else:
            return f"shown, but not printed:\n{part}"
        position = start + len(wanted)
    if position < len(lines) and (len(parts) == 1 or parts[-1].strip()):
        return f"printed, but not shown: {' '.join(lines[position])}"
    return None


def alike(shown, printed, within):
    """Whether two lists of words are alike: numbers near enough, all else the same."""
    if shown[-1] == "...":
        shown, printed = shown[:-1], printed[: len(shown) - 1]
    shown, printed = " ".join(shown), " ".join(printed)
    if NUMBER.sub("0", shown) != NUMBER.sub("0", printed):
        return False
    pairs = zip(NUMBER.findall(shown), NUMBER.findall(printed), strict=True)
    return all(
        abs(float(a) - float(b)) <= within * max(abs(float(a)), abs(float(b))) for a, b in pairs
    )


# ---- pages ----


def run_python(block, namespace):
    """What a python block prints; tracebacks name the page and its line.

    A block whose first line is a comment with the name of a file is that file.
    """
    name = re.fullmatch(r"# (\w+\.py)", block.text.splitlines()[0])
    if name:
        Path(name[1]).write_text(block.text)
        return "nothing, as it is a file"
    source = "\n" * block.line + block.text
    output = io.StringIO()
    with contextlib.redirect_stdout(output):
        exec(compile(source, block.page, "exec"), namespace)
    return output.getvalue()


def run_octave(block):
    """What an octave block prints; None where Octave is not installed."""
    if shutil.which("octave") is None:
        return None
    command = ["octave", "--quiet", "--norc", "--no-gui", "--eval", block.text]
    result = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert result.stdout, f"{block.place}: {result.stderr}"
    return result.stdout


def read_toml(block):
    """Writes a block to the file that its first line names, and reads it.

    It is a sweep, whose base must be there, or a configuration.
    """
    name = block.text.splitlines()[0].removeprefix("#").strip()
    Path(name).write_text(block.text)
    if "sweep" in tomllib.loads(block.text):
        assert len(spinrnn.load_sweep(name)) > 1
    else:
        spinrnn.load_config(name)


def run_commands(block):
    if "given" in block.options:
        GIVEN[block.options["given"]]()
    commands = commands_of(block)
    for number, (words, output) in enumerate(commands, 1):
        last = number == len(commands)
        status = int(block.options.get("status", 0)) if last else 0
        run_command(block, words, output, status)


def check_shown(block, printed):
    """Compares a `text` block with what the block before it printed, if it was run."""
    if printed is not None:
        difference = compare(block.text, printed, float(block.options.get("within", 0)))
        assert difference is None, f"{block.place}: {difference}\nprinted:\n{printed}"


def run_page(blocks):
    """Runs the blocks of one page in the working folder."""
    namespace, printed = {"__name__": "__main__"}, "nothing, as no block was run"
    for block in blocks:
        if "not-run" in block.options:
            continue
        if block.language == "python":
            printed = run_python(block, namespace)
        elif block.language == "octave":
            printed = run_octave(block)
        elif block.language == "text":
            check_shown(block, printed)
        elif block.language == "toml":
            read_toml(block)
        else:
            run_commands(block)
