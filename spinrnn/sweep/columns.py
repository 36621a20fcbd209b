"""Columns of a sweep's results: names, units and meaning of numbers and of curves."""

SUMMARY = {
    "test_accuracy": ("1", "share of the test cases answered rightly, best epoch"),
    "test_loss": ("1", "mean cross-entropy of the test cases, best epoch"),
    "test_accuracy_fine": ("1", "test accuracy with 8 times finer substeps"),
    "test_loss_fine": ("1", "test loss with 8 times finer substeps"),
    "validation_accuracy": ("1", "share of the validation cases answered rightly, best epoch"),
    "validation_loss": ("1", "mean cross-entropy of the validation cases, best epoch"),
    "best_epoch": ("1", "epoch with the highest validation accuracy"),
    "seconds_training": ("s", "time of training and validation"),
}
"""From the summary of the run."""

EXTRA = {
    "cumulative_drive": (
        "1",
        "mean of |integral of (I - gamma xi_0) dt| over an input interval, on the test part",
    ),
    "seconds": (
        "s",
        "time of the point, with the test and all files, in the process that finished it",
    ),
    "diverged": ("1", "1 where a state or loss became infinite or NaN, 0 where not"),
    "failed": ("1", "1 where the point failed for another reason, 0 where not"),
}
"""From the point itself."""

HISTORY = {
    "train_loss": ("1", "mean cross-entropy of the training cases during the epoch"),
    "train_accuracy": ("1", "share of the training cases answered rightly during the epoch"),
    "validation_loss": ("1", "mean cross-entropy of the validation cases"),
    "validation_accuracy": ("1", "share of the validation cases answered rightly"),
    "test_loss": ("1", "mean cross-entropy of the test cases"),
    "test_accuracy": ("1", "share of the test cases answered rightly"),
    "gradient_norm": ("1", "mean norm of the gradient before clipping"),
    "learning_rate": ("1", "learning rate of the last step"),
    "seconds": ("s", "time of the epoch"),
}
"""Against the epoch; in the cube with "history_" before the name."""


def reserved(name: str) -> bool:
    """Whether a dimension or coordinate of the cube must not have this name."""
    return name == "epoch" or name in SUMMARY or name in EXTRA or name.startswith("history_")
