"""A search over parameters that goes on after any kill: run it again."""

import dataclasses

import optuna
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna.trial import TrialState

import spinrnn

TRIALS = 40
BASE = spinrnn.load_config()  # or of a file: spinrnn.load_config("my.toml")


def objective(trial):
    rate = trial.suggest_float("learning_rate", 2e-3, 5e-2, log=True)
    noise = trial.suggest_float("noise", 0.0, 0.3)
    neurons = trial.suggest_categorical("neurons", [16, 32])
    train = dataclasses.replace(BASE.train, learning_rate=rate, noise=noise, epochs=30)
    network = dataclasses.replace(BASE.network, layers=(neurons,) * 3)
    config = dataclasses.replace(BASE, network=network, train=train)

    def on_epoch(trainer):
        trial.report(trainer.best["validation_accuracy"], trainer.epoch)
        if trial.should_prune():
            raise optuna.TrialPruned

    # a trial that stands for a killed one goes on in the folder of that
    folder = trial.user_attrs.get("folder", f"search/{trial.number}")
    trial.set_user_attr("folder", folder)
    result = spinrnn.train(config, folder, resume=True, on_epoch=on_epoch, pictures=False)
    return result.summary["validation_accuracy"]


def study():
    storage = JournalStorage(JournalFileBackend("search.log"))
    found = optuna.create_study(
        study_name="search",
        storage=storage,
        direction="maximize",
        load_if_exists=True,
        pruner=optuna.pruners.MedianPruner(n_warmup_steps=10),
    )
    # what still runs was killed, as this is the only process
    for trial in found.get_trials(states=[TrialState.RUNNING]):
        found.tell(trial.number, state=TrialState.FAIL)
        found.enqueue_trial(trial.params, user_attrs=trial.user_attrs)
    return found


if __name__ == "__main__":
    search = study()
    ended = search.get_trials(states=[TrialState.COMPLETE, TrialState.PRUNED])
    search.optimize(objective, n_trials=TRIALS - len(ended), catch=spinrnn.DivergenceError)
    print(f"{search.best_value:.4f} with {search.best_params}")
