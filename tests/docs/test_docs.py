"""The pages for readers: blocks run, links lead somewhere, nothing is left out."""

import csv
import json
import re
import subprocess
from collections import Counter
from pathlib import Path

import h5py
import numpy as np
import pytest
from blocks import NUMBER, alike, blocks_of, commands_of, compare, run_page
from conftest import here

import spinrnn
from spinrnn import analysis
from spinrnn.config import kinds

ROOT = Path(__file__).parent.parent.parent
PAGES = {
    path.relative_to(ROOT).as_posix(): path
    for path in [
        *ROOT.glob("*.md"),
        *(ROOT / "docs").glob("*.md"),
        *(ROOT / "data").rglob("*.md"),
        ROOT / "runs" / "README.md",
    ]
}
SLOW = {
    f"docs/{name}.md"
    for name in (
        *("start", "trajectories", "devices", "sweeps", "paper", "nbox"),
        *("learned", "own", "loop", "macrospin", "vdsp", "training", "identify", "equilibrium"),
        *("synapses", "neuron"),
    )
}
"""Pages whose blocks take seconds."""
NOT_RUN = {
    "install": "installs packages",
    "minutes": "takes minutes or hours",
    "cluster": "needs SLURM, MPI or a Dask scheduler",
    "foreign": "another language or program",
    "tests": "would run these tests again",
}
ALLOWED = {
    "README.md": {"install": 1},
    "CONTRIBUTING.md": {"tests": 1},
    "docs/start.md": {"install": 2},
    "docs/bayes.md": {"minutes": 1},
    "docs/data.md": {"minutes": 1},
    "docs/devices.md": {"minutes": 1},
    "docs/devices-on-rnn.md": {"minutes": 1},
    "docs/learned.md": {"minutes": 1},
    "docs/domain-wall.md": {"minutes": 1},
    "docs/equilibrium.md": {"minutes": 1},
    "docs/metaplasticity.md": {"minutes": 1},
    "docs/nbox.md": {"minutes": 1},
    "docs/rf.md": {"minutes": 1},
    "docs/skyrmion.md": {"minutes": 1},
    "docs/systems.md": {"minutes": 1},
    "docs/trajectories.md": {"minutes": 1},
    "docs/weak-reset.md": {"minutes": 1},
    "docs/own.md": {"foreign": 1},
    "docs/paper.md": {"minutes": 1},
    "docs/speed.md": {"minutes": 3},
    "docs/sweeps.md": {"cluster": 1},
    "docs/threads.md": {"cluster": 1},
    "docs/vdsp.md": {"minutes": 1},
    "docs/FILES.md": {"foreign": 1},
    "docs/sklearn.md": {"install": 1, "minutes": 1},
}
"""{page: {reason: number of its blocks}}: all blocks that no test runs."""
LANGUAGES = {"python", "sh", "console", "toml", "text", "matlab", "octave"}
WIDTH, LINES = 100, 150


def text_of(page):
    return PAGES[page].read_text(encoding="utf-8")


def blocks(page):
    return blocks_of(page, text_of(page))


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """An empty working folder with the kept sweeps of the figures; limits as before."""
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "reproduction").symlink_to(ROOT / "data" / "reproduction")
    monkeypatch.chdir(tmp_path)
    # as in a session that was started there
    monkeypatch.syspath_prepend(tmp_path)
    for name in ("_registered", "_sources", "_files"):
        monkeypatch.setattr(kinds, name, {})
    yield tmp_path
    spinrnn.set_threads(None)
    spinrnn.set_memory_limit(None)


def marked():
    """Pages with blocks, the long ones marked."""
    return [
        pytest.param(page, marks=pytest.mark.slow if page in SLOW else ())
        for page in PAGES
        if blocks(page)
    ]


@pytest.mark.parametrize("page", marked())
def test_the_blocks_of_a_page_run_and_print_what_it_shows(page, folder):
    run_page(blocks(page))


@pytest.mark.parametrize("page", PAGES)
def test_every_block_is_of_a_kind_that_is_run_or_says_why_it_is_not(page):
    not_run = {}
    for block in blocks(page):
        assert block.language in LANGUAGES, f"{block.place}: {block.language or 'no language'}"
        assert set(block.options) <= {"within", "status", "not-run", "given"}, block.place
        reason = block.options.get("not-run")
        if reason is not None:
            assert reason in NOT_RUN, block.place
            not_run[reason] = not_run.get(reason, 0) + 1
    assert not_run == ALLOWED.get(page, {})


@pytest.mark.parametrize("page", PAGES)
def test_commands_can_be_pasted_into_any_shell(page):
    """Brackets and stars outside quotes are names of files to zsh."""
    for block in blocks(page):
        lines = block.text.splitlines() if block.language == "sh" else []
        if block.language == "console":
            lines = [line[2:] for line in block.text.splitlines() if line.startswith("$ ")]
        for line in lines:
            bare = re.sub(r"'[^']*'|#.*", "", line)
            assert not re.search(r"[][*?]", bare), f"{block.place}: {line}"


@pytest.mark.parametrize("page", PAGES)
def test_no_line_is_wider_than_a_page(page):
    """Save a row of pictures, which cannot be broken."""
    for number, line in enumerate(text_of(page).splitlines(), 1):
        pictures = re.fullmatch(r"(\| !\[[^]]*\]\([^)]*\) )+\|", line)
        assert len(line) <= WIDTH or pictures, f"{page}:{number}: {len(line)} columns"


def test_the_readme_is_short():
    lines = text_of("README.md").splitlines()
    assert len(lines) <= LINES
    assert max(map(len, lines)) <= WIDTH


def test_a_first_own_result_takes_at_most_five_commands():
    """From a clean checkout, with a folder of tables and with files of an archive."""
    install, *others = blocks("README.md")
    for name in ("recordings", "archive"):
        (own,) = (block for block in others if block.options.get("given") == name)
        words = [command for command, _ in commands_of(install) + commands_of(own)]
        assert len(words) <= 5
        assert words[-1][:2] == ["spinrnn", "predict"]


def test_the_map_is_short():
    assert len(text_of("docs/ARCHITECTURE.md").splitlines()) <= 80


def anchors(page):
    """Names by which links reach the headings of a page, as GitHub makes them."""
    heads = re.findall(r"^#+ (.*)$", text_of(page), re.MULTILINE)
    plain = (re.sub(r"[^\w\- ]", "", head.lower()) for head in heads)
    return {head.replace(" ", "-") for head in plain}


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_to_files_and_headings_that_exist(page):
    text = re.sub(r"^```.*?^```", "", text_of(page), flags=re.DOTALL | re.MULTILINE)
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        file = (PAGES[page].parent / path).resolve() if path else PAGES[page]
        assert file.exists(), f"{page}: {target}"
        if anchor:
            assert anchor in anchors(file.relative_to(ROOT).as_posix()), f"{page}: {target}"


def everything():
    """The text of all pages for users."""
    left_out = ("docs/DESIGN.md", "docs/ARCHITECTURE.md", "CONTRIBUTING.md", "AGENTS.md")
    return "\n".join(text_of(page) for page in PAGES if page not in left_out)


def test_every_equation_has_a_label_of_its_own():
    """A label stands at the end of an indented line, as in "(M1)"."""
    labels = [
        (label, page)
        for page in PAGES
        for label in re.findall(r"^ {4}.* \(([A-Z]?\d+)\)$", (ROOT / page).read_text(), re.M)
    ]
    counts = Counter(label for label, _ in labels)
    assert [entry for entry in labels if counts[entry[0]] > 1] == []
    assert {"1", "M9", "N5", "L1", "G1"} <= set(counts)


def test_every_public_name_is_on_a_page():
    text = everything()
    names = [f"spinrnn.{name}" for name in spinrnn.__all__]
    names += [f"analysis.{name}" for name in analysis.__all__]
    assert [name for name in names if not re.search(rf"{re.escape(name)}\b", text)] == []


def test_the_example_of_a_neuron_is_the_one_that_is_tested():
    example = (ROOT / "docs" / "examples" / "leaky.py").read_text()
    assert f"# mydevices.py\n{example}" in text_of("docs/neuron.md")
    assert len(example.splitlines()) <= 60


def test_every_command_and_option_is_on_a_page():
    text = everything()
    listed = re.findall(r"^    (\w+)\b", here("--help").stdout, re.MULTILINE)
    assert len(listed) >= 10
    inner = re.findall(r"^    (\w+)\b", here("sweep", "--help").stdout, re.MULTILINE)
    commands = [[name] for name in listed] + [["sweep", name] for name in inner]
    for command in commands:
        assert f"spinrnn {' '.join(command)}" in text, command
        options = re.findall(r"(?<![\w-])--[a-z][\w-]*", here(*command, "--help").stdout)
        missing = {o for o in options if not re.search(rf"{o}\b", text)} - {"--help", "--version"}
        assert missing == set(), f"spinrnn {' '.join(command)}: {missing}"


def test_every_key_of_a_configuration_is_on_a_page():
    text = everything()
    for table in (spinrnn.NetworkConfig, spinrnn.TrainConfig, spinrnn.DataConfig):
        for key in table.__dataclass_fields__:
            assert re.search(rf"\b{key}\b", text), f"{table.__name__}.{key}"


def test_files_and_functions_that_the_map_names_exist():
    """Paths in back quotes; `function()` or `Class.method()` in one of the item's
    paths."""
    inside = ROOT / "spinrnn"
    for line in re.sub(r"\n  +", " ", text_of("docs/ARCHITECTURE.md")).splitlines():
        paths = re.findall(r"`([\w./-]+(?:/|\.py|\.md|\.toml))`", line)
        found = [next(p for p in (inside / path, ROOT / path) if p.exists()) for path in paths]
        names = re.findall(r"`(?:(\w+)\.)?(\w+)\(\)`", line)
        sources = "\n".join(p.read_text() for path in found for p in sources_of(path))
        for owner, name in names:
            assert re.search(rf"^\s*def {name}\b", sources, re.MULTILINE), f"{name}: {line}"
            assert not owner or re.search(rf"^class {owner}\b", sources, re.MULTILINE), line


def sources_of(path):
    return path.rglob("*.py") if path.is_dir() else [path]


def test_the_map_names_every_folder():
    folders = {path.parent.name for path in (ROOT / "spinrnn").glob("*/__init__.py")}
    named = set(re.findall(r"`(\w+)/`", text_of("docs/ARCHITECTURE.md")))
    assert folders <= named


# ---- the comparison itself ----


def test_numbers_are_compared_within_the_tolerance_and_words_to_the_letter():
    assert compare("loss 1.00, 3 cases", "loss 1.04, 3 cases", 0.05) is None
    assert "not printed" in compare("loss 1.00, 3 cases", "loss 1.06, 3 cases", 0.05)
    assert "not printed" in compare("loss 1.00", "Loss 1.00", 0.05)
    assert "not shown" in compare("loss 1.00", "loss 1.00\nmore")
    assert compare("a\n...\nc", "a\nb\nb\nc") is None
    assert "not printed" in compare("a\n...\nd", "a\nb\nb\nc")
    assert compare("a\n...", "a\nb") is None
    assert not alike(["1"], ["-1"], 0.5)


def test_blocks_are_found_with_their_options():
    page = "x\n```sh status=1\nspinrnn train  # a run\n```\n"
    page += "```console\n$ spinrnn a \\\n  b\nout\n```\n"
    first, second = blocks_of("p", page)
    assert (first.line, first.options, first.language) == (2, {"status": "1"}, "sh")
    assert commands_of(first) == [(["spinrnn", "train"], None)]
    assert commands_of(second) == [(["spinrnn", "a", "b"], "out")]


def test_pages_name_no_place_of_one_machine():
    """No folders of the machine on which they were written."""
    tracked = subprocess.run(["git", "ls-files", "*.md"], cwd=ROOT, capture_output=True, text=True)
    for page in tracked.stdout.split() or PAGES:
        assert not re.search(r"/(?:home|root|work|opt)/", (ROOT / page).read_text()), page


# ---- numbers ----

BEST = {"interval_over_relaxation_time": 0.5, "epochs": 30, "noise": 0}
SPARSE = {"density_int": 0.1, "density_ext": 0.1}
IDEAL, OWN = {"training": "trained on ideal devices"}, {"training": "trained on these devices"}
SILENT, NOISY = {"training": "trained without noise"}, {"training": "trained with the noise"}
CLAIMS = [
    ("README.md", "best | 96.1 %", "fig2", {"neuron": "oscillator", **BEST}),
    ("README.md", "CTRNN | 94.3 %", "fig2", {"neuron": "ctrnn", **BEST}),
    ("README.md", "connections | 92.6 %", "fig4", {"neuron": "oscillator", **SPARSE}),
    ("README.md", "trained on them | 86.8 %", "spread", {"spread": 0.1, **IDEAL}),
    ("docs/paper.md", "| 2.2 tau | 7.6 | 96.1 %", "fig2", {"neuron": "oscillator", **BEST}),
    (
        "docs/paper.md",
        "94.2 %. The CTRNN loses more: 75.9 %",
        "fig4",
        {"neuron": "ctrnn", **SPARSE},
    ),
    ("docs/devices.md", "gain 5 % | 93.3 %", "spread", {"spread": 0.05, **IDEAL}),
    ("docs/devices.md", "gain 5 % | 93.3 % | 94.2 %", "spread", {"spread": 0.05, **OWN}),
    ("docs/devices.md", "| 10 % | 86.8 %", "spread", {"spread": 0.1, **IDEAL}),
    ("docs/devices.md", "| 10 % | 86.8 % | 95.0 %", "spread", {"spread": 0.1, **OWN}),
    ("docs/devices.md", "| 40 % | 29.1 %", "spread", {"spread": 0.4, **IDEAL}),
    ("docs/devices.md", "| 40 % | 29.1 % | 95.0 %", "spread", {"spread": 0.4, **OWN}),
    ("docs/devices.md", "1e-4 | 92.3 %", "thermal", {"thermal": 1e-4, **SILENT}),
    ("docs/devices.md", "1e-4 | 92.3 % | 94.6 %", "thermal", {"thermal": 1e-4, **NOISY}),
    ("docs/devices.md", "1e-3 | 84.4 %", "thermal", {"thermal": 1e-3, **SILENT}),
    ("docs/devices.md", "1e-3 | 84.4 % | 94.2 %", "thermal", {"thermal": 1e-3, **NOISY}),
    ("docs/devices.md", "1e-2 | 46.4 %", "thermal", {"thermal": 1e-2, **SILENT}),
    ("docs/devices.md", "1e-2 | 46.4 % | 90.7 %", "thermal", {"thermal": 1e-2, **NOISY}),
]
"""(page, text that ends in an accuracy, table of data/reproduction, its row)."""


@pytest.mark.parametrize(("page", "claim", "table", "where"), CLAIMS)
def test_accuracies_on_the_pages_are_those_of_the_kept_tables(page, claim, table, where):
    assert claim in text_of(page)
    with open(ROOT / "data" / "reproduction" / f"{table}.csv", newline="") as file:
        rows = [row for row in csv.DictReader(file) if all(same(row[k], where[k]) for k in where)]
    median = float(rows[0]["accuracy_percent_median"])
    assert len(rows) == 1
    assert NUMBER.findall(claim)[-1] == f"{median:.1f}"


def same(cell, value):
    return cell == value if isinstance(value, str) else float(cell) == value


FOUND = [
    ("README.md", "at or above 89.83 % | a factor of 7.6; CTRNN 4.8", "fig2",
     ["oscillators_plateau", "ctrnn_plateau"]),
    ("docs/paper.md", "| oscillators | 0.29 tau | 2.2 tau | 7.6 |", "fig2",
     ["oscillators_plateau"]),
    ("docs/paper.md", "| CTRNN | 0.18 tau | 0.86 tau | 4.8 |", "fig2", ["ctrnn_plateau"]),
    ("docs/paper.md", "| 0.14 tau | at least 2 tau | 14 |", "fig2",
     ["oscillators_longer_plateau"]),
    ("docs/paper.md", "| 0.11 tau | 1.2 tau | 11 |", "fig2", ["ctrnn_longer_plateau"]),
    ("docs/paper.md", "| 0.27 tau | 2.8 tau | 11 |", "fig2", ["oscillators_noise_plateau"]),
    ("docs/paper.md", "4.0 points apart, on Delta t / tau 1.9", "fig3",
     ["by_time_distance_interval", "by_time_distance_ratio"]),
    ("docs/paper.md", "43, 63 and 76 %", "fig3", ["smallest_interval_accuracy"]),
    ("docs/systems.md", "95.6; 95.2; 93.2 %", "equilibrium",
     ["digits_phases", "digits_phases_5", "digits_phases_10"]),
    ("docs/equilibrium.md", "| amplitude and phase | | 95.6 | 97.3 |", "equilibrium",
     ["digits_phases", "mnist_phases"]),
    ("docs/equilibrium.md", "0.997, 0.989, 0.972, 0.935 and 0.758;", "equilibrium",
     [f"cosine_frequency_0_{value}" for value in ("005", "01", "02", "05", "1")]),
    ("docs/equilibrium.md", "0.997, 0.973, 0.779, 0.430 and", "equilibrium",
     [f"cosine_shift_0_{value}" for value in ("01", "03", "1", "3")]),
    ("docs/paper.md", "10.0 points apart on Delta t, 9.2 on Delta t / tau, 7.2", "fig3",
     ["fast_distance_interval", "fast_distance_ratio", "fast_distance_drive"]),
    ("docs/paper.md", "51, 54 and 60 %", "fig1", ["class_share_end"]),
    ("docs/paper.md", "46, 43 and 41 %", "fig1", ["class_share_all_times"]),
    ("docs/paper.md", "2.1 points from the expected ones on average and at most 5.5",
     "guideline", ["mean_difference", "largest_difference"]),
    ("docs/bayes.md", "are at 77.5, 81.8, 82.7, 84.7, 85.2 and 86.6 %", "bayes",
     ["gestures_cycles"]),
    ("docs/vdsp.md", "87.2 ± 0.5 %", "vdsp", ["mnist_60000_100", "mnist_60000_100_deviation"]),
    ("docs/vdsp.md", "91.5 ± 0.5 %", "vdsp", ["mnist_60000_400", "mnist_60000_400_deviation"]),
    ("docs/vdsp.md", "| HZO | 80.9 %", "vdsp", ["window_hzo"]),
    ("docs/vdsp.md", "potential | 33.9 %", "vdsp", ["digits_shuffled"]),
    ("docs/bayes.md", "err by 25.5, 12.7, 1.8, 0.7, 1.6 and 0.9", "bayes", ["shifts"]),
    ("docs/bayes.md", "counters of 14.7 % of the wines", "bayes", ["wine13_zeros"]),
    ("docs/bayes.md", "mode repairs it: 97.1 %", "bayes", ["wine13_logarithmic"]),
    ("docs/bayes.md", "gestures give 72.5 % and ten 38.0 % (floats 72.5 and 39.0 %)", "bayes",
     ["gestures_time_last", "gestures_ten_time_last", "gestures_time_last_float",
      "gestures_ten_time_last_float"]),
]  # fmt: skip
"""(page, text, figure of data/reproduction, keys of its findings in order)."""


@pytest.mark.parametrize(("page", "claim", "figure", "keys"), FOUND)
def test_numbers_on_the_pages_are_the_findings_of_the_figures(page, claim, figure, keys):
    assert claim in re.sub(r"\s+", " ", text_of(page))
    path = ROOT / "data" / "reproduction" / f"{figure}.json"
    found = json.loads(path.read_text())["findings"]
    values = [number for key in keys for number in numbers_of(found[key]["value"])]
    if page == "README.md":
        values = values[2::3]
    scale = 100 if "%" in claim and max(values) < 1 else 1
    shown = NUMBER.findall(claim.removeprefix("at or above 89.83 %"))
    places = [len(number.partition(".")[2]) for number in shown]
    assert shown == [f"{scale * v:.{n}f}" for v, n in zip(values, places, strict=True)]


def numbers_of(value):
    if isinstance(value, dict):
        value = list(value.values())
    return value if isinstance(value, list) else [value]


# ---- names ----


def exists(owner, name):
    """Whether a module or a class of the package called `owner` has `name`."""
    files = [*(ROOT / "spinrnn").rglob(f"{owner}.py")]
    known = rf"^(?:def |class )?{name}\b"
    if files:
        return any(re.search(known, path.read_text(), re.MULTILINE) for path in files)
    inner = rf"^class {owner}\b(?:\n|.)*?^    (?:def )?{name}\b"
    sources = (path.read_text() for path in (ROOT / "spinrnn").rglob("*.py"))
    return any(re.search(inner, text, re.MULTILINE) for text in sources)


@pytest.mark.parametrize("page", ["docs/DESIGN.md", "docs/MODEL.md", "docs/FILES.md"])
def test_modules_and_classes_have_what_a_page_names(page):
    named = re.findall(r"`(\w+)\.(\w+)(?:\(\))?`", text_of(page))
    modules = {path.stem for path in (ROOT / "spinrnn").rglob("*.py")}
    # as in train.noise and text.usetex, which are keys
    modules -= {"train", "text", "spread"}
    inside = [(a, b) for a, b in named if a in modules or (a[0].isupper() and b[0].islower())]
    files = {"py", "pyi", "json", "csv", "png", "h5", "md"}
    missing = [pair for pair in inside if pair[1] not in files and not exists(*pair)]
    assert missing == []


# ---- the table of trajectory files ----


def rows_of_files():
    """{dataset: (axes, type, unit)} of docs/FILES.md, of a second and last layer."""
    rows = re.findall(
        r"^\| (`.*?) \| (.*?) \| (.*?) \| (.*?) \| .* \|$", text_of("docs/FILES.md"), re.M
    )
    found = {}
    for names, axes, kind, unit in rows:
        for name in re.findall(r"`(\w+)`", names):
            known = re.sub(r" \(M.*\)", "", axes).replace("their own", name)
            for written, meant in (("(l-1)", "0"), ("(L-1)", "1"), ("_l", "_1")):
                known, name = known.replace(written, meant), name.replace(written, meant)
            found[name] = known, kind.replace("its own", "float64"), unit
    return found


def datasets_of(path):
    """{dataset: (axes, type, unit)} of a file."""
    with h5py.File(path) as file:
        return {
            name: (
                ", ".join(d[0].name.strip("/") if len(d) else name for d in data.dims),
                data.dtype.name,
                data.attrs["units"].decode(),
            )
            for name, data in file.items()
        }


@pytest.mark.parametrize("neuron", ["oscillator", "ctrnn"])
def test_the_table_of_trajectory_files_is_true(neuron, folder):
    ideal = neuron == "ctrnn"
    config = spinrnn.NetworkConfig(
        layers=(3, 4), inputs=2, outputs=3, density_int=0.5, neuron=neuron, dtype="float64",
        spread_gamma=0.1 * (not ideal),
    )  # fmt: skip
    variables = ["p", "drive", "output"] + ["m"] * (not ideal)
    u = np.random.default_rng(0).normal(size=(4, 2, 5))
    options = {"labels": [0, 1, 2, 0], "variables": variables}
    net = spinrnn.Network(config, seed=0)
    net.scaling = spinrnn.Scaling([0, 0], [1, 2], [0, 0, 0], [1, 2, 3])
    net.simulate_to("traces.h5", u, [5, 4, 3, 5], **options)
    known, found = rows_of_files(), datasets_of("traces.h5")
    # its targets are scaled
    known["logits"] = (known["logits"][0], "float64", "1")
    if ideal:
        known = {
            name: row for name, row in known.items() if not re.search("factor|mean_power", name)
        }
        known["state_1"] = known.pop("power_1")
        known["drive_1"] = (*known["drive_1"][:2], "1")
    first = {name for name in found if name.endswith("_0") or name.startswith("exists_")}
    assert {name: row for name, row in found.items() if name not in first} == known
    assert found["exists_w_int_1"] == ("neuron_1, source_1", "uint8", "1")
    assert found["w_ext_0"][0] == "neuron_0, channel"
