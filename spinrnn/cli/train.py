"""The command line of `spinrnn train`: which run, what is printed while it trains and
after it.
"""

import argparse
import os
import sys
from pathlib import Path
from typing import Any

import spinrnn
from spinrnn.cli.options import (
    add_columns,
    add_command,
    add_config,
    add_ensemble,
    add_forward,
    add_memory,
    add_recipe,
    add_seed,
    add_set,
    add_targets,
    add_use,
    forward_of,
    integer,
    seconds,
    settings_of,
)
from spinrnn.cli.wording import (
    drives_of,
    memory_of_batch,
    progress_of_training,
    results_of_training,
)
from spinrnn.progress import TrainingBar

SUMMARY = "Train a network; without arguments the paper's, on the sequential digits."


def add_commands(commands: Any) -> None:
    """Adds the command; commands: what `add_subparsers` returned."""
    parser = add_command(commands, "train", train, SUMMARY)
    add_config(parser, "configuration (default: the built-in recipe)")
    add_set(parser)
    add_use(parser)
    add_memory(
        parser,
        "for the states of a batch, as in 2G; less takes longer and gives the same bits",
    )
    add_recipe(parser)
    add_seed(parser)
    add_columns(parser, "the data", "label=class,V=voltage")
    add_targets(parser)
    add_ensemble(parser)
    add_forward(parser, "the outputs of training, validation and test")
    _add_attempts(parser)
    parser.add_argument("--out", metavar="DIR", help="run folder (default: a new one in runs/)")
    parser.add_argument(
        "--resume",
        action="store_true",
        help="continue the run in --out (default: the newest in runs/ of this configuration),"
        " or start it if there is none",
    )


def _add_attempts(parser: argparse.ArgumentParser) -> None:
    """Adds how often a device of --forward is asked again."""
    parser.add_argument(
        "--forward-retries",
        type=integer,
        metavar="N",
        help="further attempts where the device fails (default: 3)",
    )
    parser.add_argument(
        "--forward-wait",
        type=seconds,
        metavar="S",
        help="seconds before the first of them, doubled each time (default: 1)",
    )


def _attempts(options: argparse.Namespace) -> dict[str, Any]:
    """Arguments of `run.train` that the options give; ConfigError without --forward."""
    from spinrnn.errors import ConfigError

    names = ("forward_retries", "forward_wait")
    given = {name: value for name in names if (value := getattr(options, name)) is not None}
    if given and options.forward is None:
        raise ConfigError([f"--{name.replace('_', '-')}: goes with --forward" for name in given])
    return given


def _device_again(options: argparse.Namespace) -> str:
    """Options by which a run with a device in the loop goes on as it was begun."""
    again = f" --forward {options.forward}" if options.forward else ""
    given = _attempts(options)
    return again + "".join(f" --{key.replace('_', '-')} {x:g}" for key, x in given.items())


def train(options: argparse.Namespace) -> int:
    """Trains, or goes on with a run; prints the results at the end."""
    from spinrnn.config import kinds
    from spinrnn.machine.signals import StopSignals
    from spinrnn.runs import run

    forward, attempts = forward_of(options), _attempts(options)
    config, out = _chosen(options, settings_of(options))
    resuming = options.resume and (out / "config.toml").exists()
    stop, started = StopSignals(watched=True), []

    def on_start(trainer: Any) -> None:
        verb = "continuing" if resuming else "training"
        first = f"{verb} in {out}; the first run compiles for some seconds"
        again = f"the next member, seed {trainer.config.train.seed}"
        print(again if started else first, flush=True)
        started.append(trainer.config.train.seed)
        print(memory_of_batch(trainer), flush=True)
        if trainer.drives is not None:
            print(drives_of(trainer), flush=True)

    try:
        result = run.train(
            config,
            out,
            resume=options.resume,
            on_start=on_start,
            stop=stop,
            progress=TrainingBar(progress_of_training),
            forward=forward,
            **attempts,
        )
    except run.Interrupted as error:
        use = "".join(f" --use {path}" for path in kinds.sources())
        advice = f"to go on: spinrnn train --out {out} --resume{use}{_device_again(options)}"
        print(f"spinrnn: {error}; {advice}", file=sys.stderr)
        return stop.status
    finally:
        stop.close()
    print("\n".join(results_of_training(result)))
    return 0


def _chosen(options: argparse.Namespace, settings: list[str]) -> tuple[Any, Path]:
    """(`RunConfig`, run folder) of what the user gave; None for the run's own.

    Settings without a file overrule the configuration of the run that goes on.
    """
    from spinrnn.config.toml import load_config, read_config
    from spinrnn.runs.folder import newest_run
    from spinrnn.runs.loading import check_kinds

    config = load_config(options.config, settings)
    if options.out == "":
        raise spinrnn.ConfigError(["--out: give the name of a folder"])
    out = Path(options.out) if options.out else None
    if out is None and options.resume:
        out = newest_run("runs", config if options.config is not None or settings else None)
    if out is None:
        return config, _free_folder(config)
    own = out / "config.toml"
    if options.resume and options.config is None and own.exists():
        check_kinds(out)
        config = read_config(own, settings) if settings else None
    elif options.resume and options.config is None:
        _check_start(out)
    return config, out


def _check_start(out: Path) -> None:
    """Refuses to begin with the built-in recipe in an empty folder: a run that was
    killed at once has left its lock there, so the folder is not the one that is meant.
    """
    if out.is_dir() and not any(out.iterdir()):
        raise spinrnn.StoreError(
            f"{out} is empty, there is no run to go on with; give its folder, or CONFIG.toml to "
            "begin one there"
        )
    print(f"spinrnn: note: {out}: no run there yet, the built-in recipe begins", file=sys.stderr)


def _free_folder(config: Any) -> Path:
    """runs/NAME-seedN, or the first of runs/NAME-seedN-2, -3 ... that is free."""
    # abspath takes the dots out of "../mnist/..", and keeps the names of links
    source = Path(os.path.abspath(config.data.source))
    stem = f"{source.name if source.is_dir() else source.stem}-seed{config.train.seed}"
    names = [stem, *(f"{stem}-{k}" for k in range(2, 10000))]
    return next(Path("runs") / name for name in names if not (Path("runs") / name).exists())
