"""Scores forecasts on rows no run has seen: the last horizon before the end of the training rows, or actuals given in a file.

    python bench/forecast.py SPEC [SPEC ...] [--windows 1] [--actuals FILE] [--set KEY=VALUE]

For each spec and window the last ``horizon`` steps are cut off the training rows (their known-ahead inputs stay), the spec is run as it stands
on the rest, the rows cut off are predicted and scored. Prints every metric with n and a 95 % interval (bootstrap over series), the peers
that need no fitting (naive rules) on the same rows, seconds and peak memory.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from sevenstep.data.intake import intake
from sevenstep.project import Project
from sevenstep.search.kpis import target_of
from sevenstep.spec.model import Spec
from sevenstep.stats.intervals import cluster_estimate
from sevenstep.stats.metrics import METRICS
from sevenstep.stats.scored import Scored
from sevenstep.tasks.forecast.clock import Clock
from sevenstep.tasks.forecast.features.history import Asked
from sevenstep.tasks.forecast.features.recipe import FeatureRecipe
from sevenstep.tasks.forecast.families.naive import NaiveMember
from sevenstep.tasks.forecast.families.question import Question
from sevenstep.tasks.forecast.panel import Settings, build_panel
from sevenstep.data.dataset import Dataset

SHOWN = ("wape", "rmspe", "mae", "rmse", "bias", "coverage_80", "coverage_95")
