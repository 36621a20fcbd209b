"""The command line: options and their types, exit statuses, sentences with their numbers."""

import argparse
import types
import warnings

import pytest
from conftest import here, refused

import spinrnn
from spinrnn.cli import identify, options, reproduce, simulate, sweep, wording
from spinrnn.cli import main as cli
from spinrnn.progress import TrainingBar

LEAST = {
    "init": "",
    "check": "",
    "train": "",
    "evaluate": "run",
    "predict": "run f.csv",
    "gradcheck": "",
    "sweep run": "s.toml",
    "sweep status": "s.toml",
    "sweep collect": "s.toml",
    "sweep slurm": "s.toml",
    "reproduce": "",
    "advise": "--interval 1e-8",
    "simulate": "run --out t.h5",
    "analyse": "",
    "identify": "f.npz",
    "doctor": "",
    "bench": "",
}
"""{command: what it cannot do without}."""
MORE = {
    "init": "--task regression --data a.npz --columns a=b --units a=s --out b.toml --set a=1",
    "check": "c.toml --set a=1 --seed 3 --columns a=b --units a=s --memory 1K --json --threads 2",
    "train": "c.toml --set a=1 --set b=2 --memory 1K --seed 3 --out o --resume --threads 2"
    " --columns a=b --units a=s",
    "evaluate": "--set a=1 --memory 1K --json --threads 2",
    "predict": "--columns a=b --units a=s --out p.csv --set a=1 --memory 1K --threads 2",
    "gradcheck": "c.toml --set a=1 --json --threads 2",
    "sweep run": "--out o --shard 0/2 --keep-runs --jobs 2 --executor dask --scheduler tcp://h:1"
    " --threads-per-worker 2 --memory 1K --retry-failed --extend",
    "sweep status": "--out o --json",
    "sweep collect": "--out o --cube c.h5 --no-history",
    "sweep slurm": "--out o --array 3 --jobs 2 --threads-per-worker 2 --script s.slurm",
    "reproduce": "1 2 --list --quick --out o --no-run --neuron-power 1 --synapse-power 2 --jobs 2"
    " --executor mpi --scheduler a --threads-per-worker 2 --memory 1K --retry-failed --extend"
    " --threads 2",
    "advise": "--points 3 --relaxation-time 1e-9 --cubes d --json --threads 2",
    "simulate": "--input x --every 3 --variables p --layers 0 --noise-seed 4 --overwrite --set a=1"
    " --memory 1K --threads 2",
    "analyse": "f --out o --only a --list --start 1e-9 --tolerance 0.1 --relaxation-time 1"
    " --nonlinear-damping 2 --bias-ratio 3 --input-interval 4 --neuron-power 5 --synapse-power 6"
    " --memory 1K --threads 2",
    "identify": "--fix Q=0 --free-scale --noise 0.1 --linear --cases 0:1 --neuron 1 --power-floor 1"
    " --level 0.9 --out o --json --memory 1K --threads 2",
    "doctor": "folder --json",
    "bench": "--quick --peers --mnist m --json --threads 2",
}
"""{command: all its options, each with a value that is not its default}."""


def parsed(command, text):
    return vars(cli.parser().parse_args([*command.split(), *text.split()]))


@pytest.mark.parametrize("command", LEAST)
def test_every_option_has_a_place_of_its_own(command):
    """And is not the default, once it is given."""
    before = parsed(command, LEAST[command])
    after = parsed(command, f"{LEAST[command]} {MORE[command]}")
    given = {name for name in before if after[name] != before[name]}
    names = {name for name in MORE[command].split() if name.startswith("--")}
    assert {name.removeprefix("--").replace("-", "_") for name in names} <= given
    assert len(given) == len(names) + {"train": 1, "check": 1, "gradcheck": 1, "reproduce": 1}.get(
        command, command in ("analyse", "doctor")
    )


@pytest.mark.parametrize("command", LEAST)
def test_help_of_every_command(command):
    done = here(*command.split(), "--help")
    assert done.returncode == 0
    for option in MORE[command].split():
        assert not option.startswith("--") or option in done.stdout


@pytest.mark.parametrize("command", [name for name in LEAST if "--threads 2" in MORE[name]])
def test_threads_and_memory_are_set_for_the_command(command, monkeypatch):
    set_to = []
    monkeypatch.setattr(spinrnn, "set_threads", lambda count: set_to.append(count))
    monkeypatch.setattr(spinrnn, "set_memory_limit", lambda size: set_to.append(size))
    options = parsed(command, f"{LEAST[command]} {MORE[command]}")
    cli._set_limits(argparse.Namespace(**options))
    assert set_to == ([2, 1024] if "--memory" in MORE[command] else [2])


def test_wrong_variables_are_told_before_anything_is_done(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SPINRNN_THREADS", "many")
    for command, least in LEAST.items():
        if command != "doctor":
            refused(here(*command.split(), *least.split()), "SPINRNN_THREADS", "'many'")
    monkeypatch.delenv("SPINRNN_THREADS")
    monkeypatch.setenv("SPINRNN_MEMORY", "much")
    # this one prints its list without a look at the memory
    refused(here("analyse", "--list"), "SPINRNN_MEMORY", "'much'")
    assert list(tmp_path.iterdir()) == []


# ---- types ----


@pytest.mark.parametrize(
    ("kind", "good", "bad"),
    [
        (options.whole, {"1": 1, "007": 7}, ["0", "-1", "1.0", "", "x", "123456789", "²"]),
        (options.number, {"0": 0.0, "1e3": 1e3}, ["-1e-9", "nan", "inf", "", "x"]),
        (options.seconds, {"0": 0.0, "5e-9": 5e-9}, ["-1e-9", "nan", "inf", "x"]),
        (options.interval, {"5e-9": 5e-9}, ["0", "-1e-9", "nan", "inf", "x"]),
        (options.power, {"0": 0.0, "1e-6": 1e-6}, ["-1", "nan", "inf", "x"]),
        (options.size, {"2K": 2048}, ["0", "x", ""]),
    ],
)
def test_types_of_values(kind, good, bad):
    assert {text: kind(text) for text in good} == good
    for text in bad:
        with pytest.raises(argparse.ArgumentTypeError, match="must be"):
            kind(text)


def test_powers_are_those_that_were_given():
    none = argparse.Namespace(neuron_power=None, synapse_power=0.0)
    assert options.powers(none) == {"synapse_power": 0.0}


def test_a_shard():
    assert sweep._shard(None) is None
    assert sweep._shard("2/10") == (2, 10)
    for text in ("2", "2/", "/3", "a/3", "1/2/3", "-1/3"):
        with pytest.raises(spinrnn.ConfigError, match="--shard: write I/N"):
            sweep._shard(text)


def test_arguments_of_identify():
    problems = []
    fixed = identify._fixed(["Q=0.7+-0.1", "bias = 0", "gain=2±0.5"], problems)
    assert fixed == {"Q": (0.7, 0.1), "bias": (0.0, 0.0), "gain": (2.0, 0.5)}
    assert identify._cases("2:5", problems) == slice(2, 5)
    assert identify._cases(":5", problems) == slice(None, 5)
    assert identify._cases(None, problems) == slice(None)
    assert identify._neuron("0,3", problems) == (0, 3)
    assert identify._neuron("3", problems) == (3,)
    assert identify._neuron(None, problems) is None
    assert problems == []
    identify._fixed(["Q", "Q=x", "Q=1", "Q=2"], problems)
    identify._cases("2", problems)
    identify._neuron("1,2,3", problems)
    words = ("--fix: write", "--fix: write", "--fix: Q is given twice", "--cases", "--neuron")
    assert [text.startswith(word) for text, word in zip(problems, words, strict=True)] == [True] * 5


def test_layers_to_store():
    assert simulate._layers("0,2") == [0, 2]
    assert simulate._layers(None) is None
    with pytest.raises(spinrnn.ConfigError, match="as in 0,2, got '0;2'"):
        simulate._layers("0;2")


# ---- exit statuses ----


@pytest.mark.parametrize(
    ("error", "status", "said"),
    [
        (spinrnn.DataError("two\nlines"), 2, "error: two\\nlines"),
        (KeyboardInterrupt(), 130, "stopped"),
        (MemoryError("8 GiB"), 2, "error: not enough memory: 8 GiB; a smaller train.batch"),
        (OSError("no such device"), 2, "error: no such device"),
    ],
)
def test_errors_are_one_line(monkeypatch, error, status, said):
    def fail(_):
        raise error

    monkeypatch.setattr(cli.bench, "bench", fail)
    done = here("bench")
    assert done.returncode == status
    assert done.stderr.startswith(f"spinrnn: {said}")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("status", [0, 1, 75, 143])
def test_the_status_is_the_commands(monkeypatch, status):
    monkeypatch.setattr(cli.bench, "bench", lambda _: status)
    assert here("bench").returncode == status


@pytest.mark.parametrize(
    ("status", "error", "expected"),
    [
        (0, OSError(28, "No space left on device"), 2),
        (1, OSError(28, "No space left on device"), 2),
        (0, BrokenPipeError(), 0),
        (1, BrokenPipeError(), 1),
        (75, OSError(28, "No space left on device"), 75),
        (143, OSError(28, "No space left on device"), 143),
        (1, None, 1),
    ],
)
def test_the_status_where_the_output_is_lost(status, error, expected, capsys):
    output = types.SimpleNamespace(error=error, flush=lambda: None)
    assert cli._told(output, status) == expected
    lost = "spinrnn: error: cannot write to standard output: No space left on device\n"
    assert capsys.readouterr().err == (lost if expected == 2 else "")


def test_warnings_are_one_line_and_as_before_afterwards(monkeypatch, capsys):
    def warn(_):
        warnings.warn("something is odd", stacklevel=1)
        return 0

    monkeypatch.setattr(cli.bench, "bench", warn)
    before = warnings.showwarning
    assert cli.main(["bench"]) == 0
    assert capsys.readouterr().err == "spinrnn: warning: something is odd\n"
    assert warnings.showwarning is before


# ---- sentences ----


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.04, "0 s"),
        (0.4, "0.4 s"),
        (3.4, "3 s"),
        (89.4, "89 s"),
        (90, "2 min"),
        (89 * 60, "89 min"),
        (90 * 60, "1 h 30 min"),
        (3600 * 26 + 5 * 60, "26 h 05 min"),
    ],
)
def test_times_for_people(seconds, text):
    assert wording.span(seconds) == text


def trainer(**plan):
    """What the sentences about training look at."""
    record = {"epoch": 7, "train_loss": 0.12345, "validation_accuracy": 0.9012}
    config = types.SimpleNamespace(
        train=types.SimpleNamespace(batch=128, epochs=40), task=spinrnn.Classification()
    )
    return types.SimpleNamespace(
        config=config,
        training=range(100),
        epochs=40,
        history=[record],
        best={"validation_accuracy": 0.956},
        plan=types.SimpleNamespace(**{"segments": 1, "bytes": 2**20, "threads": 1} | plan),
        seconds=lambda: 12.34,
    )


def test_sentences_of_training(capsys):
    text = wording.progress_of_training(trainer())
    assert text == "loss 0.123, validation 90.1 %, best 95.6 %"
    text = wording.memory_of_batch(trainer())
    assert text == "memory 1.0 MiB for a batch of 100 on 1 thread"
    text = wording.memory_of_batch(trainer(segments=3, threads=2, whole=2**30))
    cut = "; the time is cut into 3 segments, whole it would take 1.0 GiB"
    assert text == f"memory 1.0 MiB for a batch of 100 on 2 threads{cut}"


def test_a_line_for_each_tenth_of_a_run(capsys):
    with TrainingBar(wording.progress_of_training) as progress:
        run = trainer()
        for epoch in range(1, 41):
            run.history[-1]["epoch"] = epoch
            progress(run)
    lines = capsys.readouterr().out.splitlines()
    assert [int(line.split()[1]) for line in lines] == [1, *range(4, 41, 4)]
    said = "loss 0.123, validation 90.1 %, best 95.6 %, 12.3 s"
    assert lines[1] == f"epoch    4 of 40: {said}"


def test_results_of_training(tmp_path):
    summary = {
        "test_accuracy": 0.9123,
        "test_loss": 0.5,
        "substeps": 4,
        "test_accuracy_fine": 0.9,
        "test_loss_fine": 0.25,
        "substeps_fine": 32,
        "validation_accuracy": 1.0,
        "best_epoch": 17,
        "epochs": 40,
        "seconds_training": 12.34,
        "seconds_compiling": 5.67,
    }
    for name in ("curves.png", "confusion.png"):
        (tmp_path / name).touch()
    net = types.SimpleNamespace(knows=None)
    result = types.SimpleNamespace(
        summary=summary, folder=tmp_path, config=spinrnn.RunConfig(), network=net
    )
    lines = wording.results_of_training(result)
    assert lines == [
        "test accuracy         91.23 %   with 4 substeps, loss 0.5000",
        "test accuracy, fine   90.00 %   with 32 substeps, loss 0.2500",
        "validation accuracy  100.00 %   best epoch 17 of 40",
        "time                   12.3 s   training, 5.7 s compiling",
        f"results              {tmp_path}/summary.json, curves.png, confusion.png",
    ]
    summary |= {"confusion": [[95, 0], [5, 0]], "largest_class_share": 0.95}
    summary |= {"never_answered": [1], "test_balanced_accuracy": 0.5}
    assert wording.results_of_training(result)[5:] == [
        "the largest class is 95.0 % of the test cases; mean over the classes 50.00 %",
        "never answered: class 1",
    ]
    net.knows = types.SimpleNamespace(classes=("walk", "run"))
    assert wording.results_of_training(result)[6] == "never answered: class run"
    summary["tied"] = 0.125
    told = "12.5 % of the test cases are ties, of which the first class is the answer"
    assert wording.results_of_training(result)[7] == told


def progress(**changes):
    """Of a sweep: 30 of 50 points are there, 20 of them made in 40 s of this session."""
    fields = {"finished": 30, "total": 50, "skipped": 10, "diverged": 0, "failed": 0}
    fields |= {"seconds": 40.0, "remaining": 120.0}
    return types.SimpleNamespace(**fields | changes)


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({}, "30 of 50 points, 30.0 points/min, 2 min left"),
        ({"seconds": 10.0}, "30 of 50 points, 2.0 points/s, 2 min left"),
        ({"remaining": None}, "30 of 50 points, 30.0 points/min"),
        ({"skipped": 30}, "30 of 50 points"),
        (
            {"diverged": 3, "failed": 2, "skipped": 30},
            "30 of 50 points, 3 of them diverged, 2 FAILED",
        ),
    ],
)
def test_the_line_of_a_sweep(changes, text, capsys):
    with sweep.Line() as line:
        line(progress(**changes))
    assert capsys.readouterr().out == f"{text}\n"


def test_a_line_for_each_tenth_of_a_sweep(capsys):
    with sweep.Line() as line:
        for finished in range(0, 51):
            line(progress(finished=finished, skipped=finished))
    lines = capsys.readouterr().out.splitlines()
    assert [int(line.split()[0]) for line in lines] == list(range(0, 51, 5))


def test_what_is_expected_of_a_sweep():
    found = {"points": {"running": 0}, "remaining": 7200.0, "seconds": 30.0}
    rest = "; a point has taken 30 s on average"
    text = "expected to take another 2 h 00 min, "
    assert sweep._expected(found) == f"{text}one at a time{rest}"
    found["points"]["running"] = 4
    assert sweep._expected(found) == f"{text}4 at a time{rest}"


def test_figures_that_are_asked_for():
    asked = lambda *arguments: reproduce._figures(
        cli.parser().parse_args(["reproduce", *arguments])
    )
    assert asked("energy", "--neuron-power", "1e-6") == ["energy"]
    assert "energy" in asked("all")
    for arguments, text in (
        ((), "give a figure, one of"),
        (("fig2", "--synapse-power", "0"), "go with the figure energy"),
        (("energy", "--out", ""), "give the name of a folder"),
        (("none",), "none"),
    ):
        with pytest.raises(spinrnn.ConfigError, match=text):
            asked(*arguments)
