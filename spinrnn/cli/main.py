"""The command line: `spinrnn train`, `evaluate`, `gradcheck`, `sweep`, `reproduce`, `advise`, `simulate`, `analyse`, `identify`, `doctor` and `bench`. Parses, calls the package, prints; heavy imports happen only in a command.

Exit status: 0 done, 1 a check or a point of a sweep failed, 2 bad input (one line says what); stopped with a checkpoint written: 130 by Ctrl-C,
143 by SIGTERM, 75 by SIGUSR1, with which a batch queue says that the time is nearly over.
"""

import argparse
import os
import sys
import warnings

import spinrnn
from spinrnn.cli import analyse as cli_analyse
from spinrnn.cli import doctor as cli_doctor
from spinrnn.cli import identify as cli_identify
from spinrnn.cli import reproduce as cli_reproduce
from spinrnn.cli import simulate as cli_simulate
from spinrnn.cli import sweep as cli_sweep
from spinrnn.cli.bench import _bench
from spinrnn.cli.evaluate import _evaluate
from spinrnn.cli.gradcheck import _gradcheck
from spinrnn.cli.options import _positive, _size
from spinrnn.cli.train import _train


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


# ---- evaluate ----


# ---- gradcheck ----


# ---- bench ----
