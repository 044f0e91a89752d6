"""What the two tabular tasks add to the spec language."""

from __future__ import annotations

from sevenstep.tasks.contract import Grammar
from sevenstep.tasks.tabular.section import Classification, Regression

__all__ = ["CLASSIFICATION", "REGRESSION"]

_STEPS = ("define", "collect", "prepare", "design", "train", "tune", "operate")
_DATA_KEYS = ("time", "segments", "groups", "image", "embedding", "tolerances")

CLASSIFICATION = Grammar(
    task="classification",
    section=Classification,
    data_keys=_DATA_KEYS,
    metrics=(
        "accuracy", "balanced_accuracy", "f1", "macro_f1", "precision", "recall", "mcc", "roc_auc", "average_precision",
        "log_loss", "brier", "calibration_error", "cost_per_item", "set_coverage_80", "set_coverage_95",
    ),
    baselines=("majority", "never", "always", "prior", "single_rule", "logistic"),
    takes_flags=True,
    sees=dict.fromkeys(_STEPS, tuple(Classification.model_fields)),
)  # fmt: skip

REGRESSION = Grammar(
    task="regression",
    section=Regression,
    data_keys=_DATA_KEYS,
    metrics=(
        "rmse", "mae", "mse", "r2", "mape", "rmspe", "smape", "wape", "rmsle", "bias", "pinball", "coverage_80", "coverage_95",
    ),
    baselines=("mean", "median", "linear"),
    sees=dict.fromkeys(_STEPS, tuple(Regression.model_fields)),
)  # fmt: skip
