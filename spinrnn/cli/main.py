"""The command line: `spinrnn train`, `evaluate`, `gradcheck`, `sweep`, `reproduce`, `advise`, `simulate`, `analyse`, `identify`, `doctor` and `bench`. Parses, calls the package, prints; heavy imports happen only in a command.

Exit status: 0 done, 1 a check or a point of a sweep failed, 2 bad input (one line says what); stopped with a checkpoint written: 130 by Ctrl-C,
143 by SIGTERM, 75 by SIGUSR1, with which a batch queue says that the time is nearly over.
"""

import argparse
import dataclasses
import json
import os
import sys
import warnings
from pathlib import Path

import spinrnn
from spinrnn.cli import analyse as cli_analyse
from spinrnn.cli import doctor as cli_doctor
from spinrnn.cli import identify as cli_identify
from spinrnn.cli import reproduce as cli_reproduce
from spinrnn.cli import simulate as cli_simulate
from spinrnn.cli import sweep as cli_sweep


class _Parser(argparse.ArgumentParser):
    """With errors of one line, like all others."""

    def error(self, message):
        self.exit(2, f"spinrnn: error: {message}; {self.prog} --help says what there is\n")


def _parser():
    parser = _Parser(
        prog="spinrnn",
        description="Recurrent networks of spin-torque nano-oscillators: simulate, train, check.",
    )
    parser.add_argument("--version", action="version", version=f"spinrnn {spinrnn.__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def command(name, function, summary):
        sub = commands.add_parser(name, help=summary, description=summary)
        sub.set_defaults(function=function)
        sub.add_argument(
            "--threads",
            type=_positive,
            metavar="N",
            help="threads (default: SPINRNN_THREADS, else as many as SLURM and the system allow)",
        )
        return sub

    def memory(sub):
        sub.add_argument(
            "--memory",
            type=_size,
            metavar="SIZE",
            help="memory for the states of a batch, as in 2G; less takes longer and gives the same bits (default: SPINRNN_MEMORY, else half of what is available)",
        )

    def settings(sub):
        sub.add_argument(
            "--set",
            action="append",
            default=[],
            metavar="KEY=VALUE",
            help="overrule one key, as in train.epochs=50; may be repeated",
        )

    train = command(
        "train", _train, "Train a network; without arguments the paper's, on the sequential digits."
    )
    train.add_argument(
        "config",
        nargs="?",
        metavar="CONFIG.toml",
        help="configuration (default: the built-in recipe)",
    )
    settings(train)
    memory(train)
    train.add_argument("--seed", type=int, metavar="N", help="short for --set train.seed=N")
    train.add_argument("--out", metavar="DIR", help="run folder (default: a new one in runs/)")
    train.add_argument(
        "--resume",
        action="store_true",
        help="continue the run in --out (default: the newest in runs/ of this configuration), or start it if there is none",
    )

    evaluate = command(
        "evaluate", _evaluate, "Test a trained network on the test part of its data."
    )
    evaluate.add_argument("run", metavar="RUN", help="run folder")
    settings(evaluate)
    memory(evaluate)
    evaluate.add_argument("--json", action="store_true", help="print one JSON object")

    gradcheck = command(
        "gradcheck",
        _gradcheck,
        "Compare the hand-derived gradient with central differences; both neurons, both schemes.",
    )
    gradcheck.add_argument(
        "config",
        nargs="?",
        metavar="CONFIG.toml",
        help="network to check (default: a small one with all the difficulties)",
    )
    settings(gradcheck)
    gradcheck.add_argument(
        "--json", action="store_true", help="print one JSON object for each block"
    )

    summary = "Run many points along axes, on this machine or a cluster."
    sweep = commands.add_parser("sweep", help=summary, description=summary)
    sweeps = sweep.add_subparsers(dest="sweep_command", required=True, metavar="COMMAND")

    def sweep_command(name, function, summary):
        sub = sweeps.add_parser(name, help=summary, description=summary)
        sub.set_defaults(
            function=function, threads=None
        )  # of the points, which have options of their own
        return sub

    cli_sweep.add_commands(sweep_command, _positive, _size)

    cli_reproduce.add_commands(command, _positive, _size)

    cli_simulate.add_commands(command, _positive, _size)
    cli_analyse.add_commands(command, _positive, _size)
    cli_identify.add_commands(command, _positive, _size)

    def plain_command(name, function, summary):
        sub = commands.add_parser(name, help=summary, description=summary)
        sub.set_defaults(
            function=function, limits=False
        )  # what the environment says of them is what it looks at
        return sub

    cli_doctor.add_commands(plain_command)

    bench = command(
        "bench",
        _bench,
        "Measure the speed on this machine, beside its matrix product; some minutes.",
    )
    bench.add_argument(
        "--quick", action="store_true", help="less than a minute: fewer sizes and repetitions"
    )
    bench.add_argument(
        "--peers",
        action="store_true",
        help="also the same work in JAX and PyTorch, where installed; takes longer",
    )
    bench.add_argument(
        "--mnist", metavar="DIR", help="also an epoch of MNIST, from the folder of its IDX files"
    )
    bench.add_argument("--json", action="store_true", help="print one JSON object for each result")
    return parser


def _positive(text):
    if not (text.isascii() and text.isdigit() and len(text) < 9 and int(text)):
        raise argparse.ArgumentTypeError(f"must be a whole number of at least 1, got {text!r}")
    return int(text)


def _size(text):
    from spinrnn.machine.memory import parse_size

    try:
        return parse_size(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _set_limits(options):
    """Threads and memory of this process; what the environment says of them is checked before anything is written."""
    if options.threads:
        spinrnn.set_threads(options.threads)
    spinrnn.get_threads()
    if "memory" in options:
        if options.memory:
            spinrnn.set_memory_limit(options.memory)
        spinrnn.get_memory_limit()


def main(arguments=None):
    """Runs the command line; returns the exit status."""
    options = _parser().parse_args(arguments)
    warnings.showwarning = lambda message, *_, **__: print(
        f"spinrnn: warning: {message}", file=sys.stderr
    )
    try:
        if "limits" not in options:
            _set_limits(options)
        status = options.function(options)
        sys.stdout.flush()  # here, where a full disk behind it can still be told
        return status
    except spinrnn.SpinrnnError as error:
        print("spinrnn: error: " + " ".join(str(error).splitlines()), file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("spinrnn: stopped", file=sys.stderr)
        return 130
    except MemoryError as error:
        print(
            f"spinrnn: error: not enough memory: {error}; a smaller train.batch or fewer network.substeps need less",
            file=sys.stderr,
        )
        return 2
    except OSError as error:  # files have their StoreError: this is standard output, a full disk or a pipe whose reader has left
        os.dup2(
            os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno()
        )  # else Python complains once more when it closes stdout
        if isinstance(error, BrokenPipeError):
            return 1
        print(
            f"spinrnn: error: cannot write to standard output: {error.strerror or error}",
            file=sys.stderr,
        )
        return 2


# ---- train ----


def _train(options):
    from spinrnn.config.toml import load_config
    from spinrnn.machine.signals import StopSignals
    from spinrnn.runs import run

    if options.seed is not None and any(
        text.replace(" ", "").startswith("train.seed=") for text in options.set
    ):
        raise spinrnn.ConfigError(["--seed and --set train.seed: give one of them"])
    settings = options.set + ([] if options.seed is None else [f"train.seed={options.seed}"])
    given = options.config is not None or settings
    config = load_config(options.config, settings)
    if options.out == "":
        raise spinrnn.ConfigError(["--out: give the name of a folder"])
    out = (
        Path(options.out)
        if options.out
        else _newest_run(config if given else None)
        if options.resume
        else None
    )
    if out is None:
        out = _free_folder(config)
    resuming = options.resume and (out / "config.toml").exists()
    if resuming and not given:
        config = None
    stop = StopSignals()
    with _Progress() as progress:

        def start(trainer):
            print(
                f"{'continuing' if resuming else 'training'} in {out}; the first run compiles for some seconds",
                flush=True,
            )
            print(_memory_line(trainer), flush=True)

        try:
            result = run.train(
                config, out, resume=options.resume, on_start=start, on_epoch=progress, stop=stop
            )
        except run.Interrupted as error:
            print(
                f"spinrnn: {error}; to go on: spinrnn train --out {out} --resume", file=sys.stderr
            )
            return stop.status
    _print_summary(result)
    return 0


def _memory_line(trainer):
    """What a batch will take, said before it is taken."""
    from spinrnn.machine.memory import format_size

    plan, cases = trainer.plan, min(trainer.config.train.batch, len(trainer.training))
    cut = (
        f"; the time is cut into {plan.segments} segments, whole it would take {format_size(plan.whole)}"
        if plan.segments > 1
        else ""
    )
    return f"memory {format_size(plan.bytes)} for a batch of {cases} on {plan.threads} thread{'s' if plan.threads > 1 else ''}{cut}"


def _newest_run(config):
    """The run folder in runs/ that was written to last, among those of this configuration (None: of any); None if there is none."""
    from spinrnn.config.toml import load_config
    from spinrnn.runs.folder import differences

    folders = []
    for path in Path("runs").glob("*/config.toml"):
        try:
            if config is None or not differences(load_config(path), config):
                folders.append(path.parent)
        except spinrnn.SpinrnnError:
            pass  # a damaged one is not the one that is meant
    return max(
        folders, key=lambda folder: max(p.stat().st_mtime for p in folder.iterdir()), default=None
    )


def _free_folder(config):
    """runs/NAME-seedN, or the first of runs/NAME-seedN-2, -3 ... that does not exist."""
    source = Path(
        os.path.abspath(config.data.source)
    )  # without the dots of "../mnist/..", but with the names of links
    stem = f"{source.name if source.is_dir() else source.stem}-seed{config.train.seed}"
    names = [stem, *(f"{stem}-{k}" for k in range(2, 10000))]
    return next(Path("runs") / name for name in names if not (Path("runs") / name).exists())


class _Progress:
    """A bar on a terminal; elsewhere, as in a batch job's log, a line for about each tenth of the run."""

    def __enter__(self):
        self._bar = None
        return self

    def __exit__(self, *_):
        if self._bar is not None:
            self._bar.close()

    def __call__(self, trainer):
        record, epochs = trainer.history[-1], trainer.config.train.epochs
        text = f"loss {record['train_loss']:.3f}, validation {100 * record['validation_accuracy']:.1f} %, best {100 * trainer.best['validation_accuracy']:.1f} %"
        if sys.stderr.isatty():
            if self._bar is None:
                from tqdm import tqdm

                self._bar = tqdm(
                    total=epochs, initial=record["epoch"] - 1, unit="epoch", dynamic_ncols=True
                )
            self._bar.set_postfix_str(text, refresh=False)
            self._bar.update()
        elif (
            record["epoch"] == 1
            or record["epoch"] * 10 // epochs > (record["epoch"] - 1) * 10 // epochs
        ):
            print(
                f"epoch {record['epoch']:>4} of {epochs}: {text}, {trainer.seconds():.1f} s",
                flush=True,
            )


def _print_summary(result):
    s = result.summary
    print(
        f"test accuracy        {100 * s['test_accuracy']:6.2f} %   with {s['substeps']} substeps, loss {s['test_loss']:.4f}"
    )
    print(
        f"test accuracy, fine  {100 * s['test_accuracy_fine']:6.2f} %   with {s['substeps_fine']} substeps, loss {s['test_loss_fine']:.4f}"
    )
    print(
        f"validation accuracy  {100 * s['validation_accuracy']:6.2f} %   best epoch {s['best_epoch']} of {s['epochs']}"
    )
    print(
        f"time                 {s['seconds_training']:6.1f} s   training, {s['seconds_compiling']:.1f} s compiling"
    )
    print(f"results              {result.folder}/summary.json, curves.png, confusion.png")


# ---- evaluate ----


def _evaluate(options):
    from spinrnn.config.toml import load_config
    from spinrnn.datasets import loading as loading_
    from spinrnn.datasets import parts
    from spinrnn.errors import ConfigError, StoreError
    from spinrnn.files.text import read_json
    from spinrnn.learning import trainer as training
    from spinrnn.neurons.spread import draw_devices
    from spinrnn.runs import checkpoints, loading
    from spinrnn.runs.loading import SUMMARY_KEYS, check_data

    folder = Path(options.run)
    if not (folder / "config.toml").is_file():
        raise StoreError(f"{folder}: no config.toml there; give the folder of a run")
    stored = load_config(folder / "config.toml")
    changed = load_config(folder / "config.toml", options.set)
    same_split = dataclasses.replace(changed.data, source=stored.data.source) == stored.data
    if changed.train != stored.train or not same_split:
        raise ConfigError(
            ["--set: evaluate takes keys of [network], and data.source for data that have moved"]
        )
    net = loading.load(folder)
    net = net.replace(**vars(changed.network))
    data = loading_.load_dataset(changed.data.source)
    finished = (folder / "summary.json").is_file()
    state = (
        read_json(folder / "summary.json", SUMMARY_KEYS)
        if finished
        else checkpoints.load_newest_checkpoint(folder)[2]
    )
    check_data(state["data_sha256"], data.digest(), folder)
    if not finished:
        if state["best_epoch"] is None:
            raise StoreError(
                f"{folder}: no epoch has been finished yet; go on with spinrnn train --out {folder} --resume"
            )
        print(
            f"spinrnn: warning: the run in {folder} is not finished, this is its best epoch so far",
            file=sys.stderr,
        )
    test = data.take(parts.split(data, stored.data, stored.resolved_split_seed)[2])
    if sys.stderr.isatty():
        print(
            f"evaluating {len(test)} cases; the first call of a version compiles for some seconds",
            file=sys.stderr,
            flush=True,
        )
    score = training.evaluate(net, test)
    result = {
        "test_accuracy": score.accuracy,
        "test_loss": score.loss,
        "cases": len(test),
        "substeps": net.config.resolved_substeps,
    }
    result["finished"] = finished
    if options.json:
        print(json.dumps({**result, "confusion": score.confusion.tolist()}))
    else:
        oscillators = net.config.neuron == "oscillator"
        devices = "" if net.devices is None else ", devices that differ"
        if net.devices is not None and net.devices.same(draw_devices(net.config)):
            devices += f" (device_seed {net.config.device_seed})"
        noise = (
            f", thermal noise of {net.config.thermal_power:g}"
            if oscillators and net.config.thermal_power
            else ""
        )
        print(
            f"test accuracy {100 * score.accuracy:.2f} % of {len(test)} cases, loss {score.loss:.4f}, {result['substeps']} substeps{devices}{noise}"
        )
    return 0


# ---- gradcheck ----


def _gradcheck(options):
    from spinrnn.checks.gradient import AWKWARD, BOUND, check_gradient
    from spinrnn.config.toml import load_config

    network = (
        load_config(options.config, options.set).network
        if options.config or options.set
        else AWKWARD
    )
    worst, failed = 0.0, 0
    for row in check_gradient(None if network is AWKWARD else network):
        failed += not row.ok
        worst = max(worst, row.error)
        if options.json:
            print(json.dumps(dataclasses.asdict(row)), flush=True)
        else:
            verdict = "ok" if row.ok else "FAILED"
            print(
                f"{row.neuron:<11}{row.scheme:<13}{row.block:<10}{row.entries:>5} entries   largest error {row.error:.1e}   {verdict}",
                flush=True,
            )
    if not options.json:
        print(
            f"largest error {worst:.1e}, bound {BOUND:.0e}: {f'{failed} blocks FAILED' if failed else 'all blocks ok'}"
        )
    return 1 if failed else 0


# ---- bench ----


def _bench(options):
    from spinrnn.bench import runner as bench
    from spinrnn.bench import table as benchtable

    terminal = sys.stderr.isatty()

    def status(text):
        if terminal:
            print(f"\r\033[K{text and text + ' ...'}", end="", file=sys.stderr, flush=True)

    sizes, rows = bench.QUICK if options.quick else bench.FULL, []
    try:
        for row in bench.run(
            sizes, count=options.threads, peers=options.peers, mnist=options.mnist, progress=status
        ):
            status("")
            rows.append(row)
            for line in [json.dumps(row)] if options.json else benchtable.lines(row):
                print(line, flush=True)
    finally:
        status("")
    if not options.json:
        print("\n".join(benchtable.ratios(rows)))
    return 0
