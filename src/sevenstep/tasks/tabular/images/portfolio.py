"""Configurations for pictures as plain data, in the order of what each adds to a blend of those before it.

They differ from those for tables because a picture's features are many, dense and alike: a linear model on them is the strongest
single one, and trees do with few of them at a time. Fields as in `families.portfolio.PORTFOLIO`; ``seconds`` are of one fit
on one core for ten thousand rows and ten inputs where a picture counts as sixty, measured on 1,152 pictures of six classes.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = ["EMBEDDING_PORTFOLIO", "PICTURE_PORTFOLIO"]

PICTURE_PORTFOLIO: tuple[Mapping[str, Any], ...] = (
    {
        "name": "picture_linear", "family": "linear", "seconds": 1.3, "rows": (10, None),
        "reason": "adds up what was measured of each picture: many features that are alike suit it best",
        "parameters": {"bins": 0},
    },
    {
        "name": "picture_boosting", "family": "boosting", "seconds": 0.2, "rows": (30, None),
        "reason": "small boosted trees that see a tenth of the features at a time: thresholds and combinations of them",
        "parameters": {
            "rounds": 200, "patience": 0, "learning_rate": 0.1, "leaves": 7, "least_in_leaf": 10, "feature_share": 0.1,
            "row_share": 0.8, "bins": 63,
        },
    },
    {
        "name": "picture_kernel", "family": "kernel", "seconds": 1.4, "rows": (10, 10_000),
        "reason": "compares a picture with those known: smooth surfaces over all features at once",
        "parameters": {},
    },
    {
        "name": "picture_trees", "family": "forest", "seconds": 2.0, "rows": (10, 50_000),
        "reason": "fully grown trees cut at random: errs elsewhere than boosting",
        "parameters": {"kind": "extra", "trees": 200, "codes": False, "least_in_leaf": 2, "feature_share": 0.1},
    },
    {
        "name": "picture_network", "family": "network", "seconds": 1.6, "rows": (200, 200_000),
        "reason": "a small neural network on the features",
        "parameters": {},
    },
    {
        "name": "convnet", "family": "convnet", "seconds": 115.0, "rows": (200, None),
        "reason": "a small convolutional network trained from scratch on the pictures themselves",
        "parameters": {"side": 64, "width": 16, "epochs": 24, "rate": 0.004, "flips": True},
    },
)  # fmt: skip

EMBEDDING_PORTFOLIO: tuple[Mapping[str, Any], ...] = (
    {
        "name": "embedding_linear", "family": "linear", "seconds": 1.3, "rows": (10, None), "embedding": True,
        "reason": "adds up the numbers that the model named in data.embedding makes of each picture",
        "parameters": {"bins": 0},
    },
    {
        "name": "embedding_boosting", "family": "boosting", "seconds": 0.2, "rows": (30, None), "embedding": True,
        "reason": "small boosted trees on the numbers that the model named in data.embedding makes of each picture",
        "parameters": {
            "rounds": 200, "patience": 0, "learning_rate": 0.1, "leaves": 7, "least_in_leaf": 10, "feature_share": 0.1,
            "row_share": 0.8, "bins": 63,
        },
    },
)  # fmt: skip
"""Heads on the embedding of a model that a person named; an embedding of 650 numbers counts as the features of a picture do."""
