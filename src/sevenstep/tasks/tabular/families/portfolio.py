"""Default configurations as plain data, in the order of what each adds to a blend of those before it.

Measured by five-fold cross-validation on census income, bank calls, customer churn, machine failures, steel faults and house
prices. ``goal`` says whether a configuration is for ``classes`` or ``numbers`` alone. ``seconds`` are of one fit on one core for
every ten thousand rows of ten inputs; ``rows`` bounds the training rows a configuration is worth a try on.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = ["PORTFOLIO"]

_BOOSTING: Mapping[str, Any] = {
    "rounds": 3000, "patience": 40, "learning_rate": 0.06, "leaves": 31, "least_in_leaf": 20, "feature_share": 0.6,
    "row_share": 0.9, "ridge": 1.0, "least_in_category": 10,
}  # fmt: skip

PORTFOLIO: tuple[Mapping[str, Any], ...] = (
    {
        "name": "boosting_combined", "family": "boosting", "seconds": 0.9, "rows": (30, None),
        "reason": "boosted trees that are given products, ratios, differences and sums of the strongest numbers",
        "parameters": {**_BOOSTING, "leaves": 15, "node_share": 0.5, "combinations": 20},
    },
    {
        "name": "linear_combined", "family": "linear", "seconds": 0.6, "rows": (10, None),
        "reason": "adds up a smooth curve of each input: hard to beat on few rows, and errs elsewhere than trees",
        "parameters": {"combinations": 20},
    },
    {
        "name": "boosting_random", "family": "boosting", "seconds": 1.0, "rows": (30, None),
        "reason": "boosted trees cut at random: less variance with many classes, and told of values that repeat together",
        "parameters": {
            **_BOOSTING, "extra_trees": True, "feature_share": 0.8, "learning_rate": 0.08, "least_in_leaf": 5, "combinations": 40,
            "joint": 2,
        },
    },
    {
        "name": "boosting", "family": "boosting", "seconds": 0.5, "rows": (30, None),
        "reason": "boosted trees of medium size on the inputs as they are",
        "parameters": {**_BOOSTING},
    },
    {
        "name": "extra_trees", "family": "forest", "seconds": 6.0, "rows": (10, 15_000), "goal": "classes",
        "reason": "fully grown trees cut at random: little bias, and errs elsewhere than boosting",
        "parameters": {
            "kind": "extra", "trees": 200, "codes": False, "least_in_leaf": 1, "feature_share": 0.5, "criterion": "entropy",
            "combinations": 60,
        },
    },
    {
        "name": "extra_trees_lean", "family": "forest", "seconds": 5.5, "rows": (10, 15_000), "goal": "numbers",
        "reason": "deep trees cut at random: little bias, and errs elsewhere than boosting",
        "parameters": {
            "kind": "extra", "trees": 100, "codes": False, "least_in_leaf": 2, "feature_share": 0.33, "combinations": 60,
        },
    },
    {
        "name": "boosting_deep", "family": "boosting", "seconds": 1.0, "rows": (1000, None),
        "reason": "large trees on the inputs as they are: interactions of many of them",
        "parameters": {**_BOOSTING, "leaves": 95, "least_in_leaf": 10, "feature_share": 0.4, "learning_rate": 0.05},
    },
    {
        "name": "boosting_shallow", "family": "boosting", "seconds": 0.7, "rows": (30, None),
        "reason": "many small trees: few interactions, little variance",
        "parameters": {
            **_BOOSTING, "leaves": 6, "learning_rate": 0.1, "feature_share": 0.5, "row_share": 0.8, "combinations": 20,
        },
    },
    {
        "name": "network", "family": "network", "seconds": 2.0, "rows": (200, 100_000),
        "reason": "a small neural network: smooth where trees are stepped",
        "parameters": {"combinations": 20, "joint": 2},
    },
    {
        "name": "boosting_statistics", "family": "boosting", "seconds": 0.8, "rows": (200, None),
        "reason": "categories as what the target was where they occurred",
        "parameters": {**_BOOSTING, "leaves": 15, "statistics": True},
    },
    {
        "name": "kernel", "family": "kernel", "seconds": 3.0, "rows": (10, 3000),
        "reason": "smooth surfaces over all inputs at once, for few rows",
        "parameters": {"combinations": 20},
    },
    {
        "name": "neighbours", "family": "neighbours", "seconds": 0.3, "rows": (10, 2000),
        "reason": "the most similar rows known, for few rows",
        "parameters": {},
    },
)  # fmt: skip
