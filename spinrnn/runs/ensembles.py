"""The training of an ensemble: runs of several seeds, one after the other, and what
they answer together.

The folder has a run folder for each member, `member-0` and so on, `config.toml` from
the start and `summary.json` at the end. A run that was killed goes on with the member
that was at work.
"""

import dataclasses
from collections.abc import Callable
from typing import Any

from spinrnn.config.run import RunConfig
from spinrnn.datasets.dataset import Dataset
from spinrnn.datasets.known import Known
from spinrnn.datasets.parts import divide
from spinrnn.learning.trainer import scored, test_of
from spinrnn.networks.ensemble import Ensemble
from spinrnn.runs.folder import Folder
from spinrnn.runs.loading import member_paths

KNOWN = tuple(field.name for field in dataclasses.fields(Known))
"""Of the data, as of `Known.record`."""
SEEDS_APART = 1000
"""From a member's seed to the next one's: so ensembles of seeds 0 and 1 share none."""


def member_configs(config: RunConfig) -> list[RunConfig]:
    """The runs of the members; the first one is the run without an ensemble. All have
    the same parts of the data.
    """
    data = dataclasses.replace(config.data, split_seed=config.resolved_split_seed)
    seeds = [config.train.seed + SEEDS_APART * k for k in range(config.train.ensemble)]
    trains = [dataclasses.replace(config.train, seed=seed, ensemble=1) for seed in seeds]
    return [dataclasses.replace(config, train=train, data=data) for train in trains]


def train_members(
    train: Callable[..., Any], config: RunConfig, folder: Folder | None, data: Dataset, **calls: Any
) -> list[Any]:
    """`Result` of each member; train: `runs.run.train`, calls: its `on_start`,
    `on_epoch` and `stop`.
    """
    configs = member_configs(config)
    paths = [None] * len(configs) if folder is None else member_paths(folder.path, len(configs))
    going_on = {} if folder is None else {"resume": True, "pictures": False}
    pairs = zip(configs, paths, strict=True)
    return [train(one, out, data=data, **going_on, **calls) for one, out in pairs]


def summarise(results: list[Any], ensemble: Ensemble, data: Dataset, finer: int) -> dict[str, Any]:
    """The numbers of summary.json: the ensemble's, and below `members` each member's.

    Args:
        results: of the members; finer: by which factor substeps are finer in a second
            test.
    """
    config = results[0].config
    task = config.task
    _, validation, test = divide(config.network.arranged(data), config)
    found, numbers = test_of(ensemble, test, task, finer, None)
    known = scored(ensemble, validation, task=task)
    members = [result.summary for result in results]
    kept = ("seed", "best_epoch", "epochs", *(f"test_{score.name}" for score in task.scores))
    sums = ("parameters", "seconds_training", "seconds_compiling")
    # of members whose devices were never written there are none
    every = dict.fromkeys(name for member in members for name in member)
    programming = [name for name in every if name.startswith("programming_")]
    return {
        **numbers,
        **{f"validation_{name}": value for name, value in known.plain().items()},
        "best_epoch": [member["best_epoch"] for member in members],
        "epochs": sum(member["epochs"] for member in members),
        "cases": members[0]["cases"],
        **{name: round(sum(member[name] for member in members), 3) for name in sums},
        **{name: sum(member.get(name, 0) for member in members) for name in programming},
        "seed": members[0]["seed"],
        "data_sha256": members[0]["data_sha256"],
        **{what: members[0][what] for what in KNOWN if what in members[0]},
        **{name: array.tolist() for name, array in found.further.items()},
        "members": [{name: member[name] for name in kept} for member in members],
    }
