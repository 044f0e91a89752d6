"""Errors that a day makes alike for all series count as few: checked on worlds whose correlation is known."""

from __future__ import annotations

import numpy as np
import pytest

from sevenstep.tasks.forecast.shocks import independent_errors

FOLDS, LEADS, SERIES = 4, 60, 200


def world(alike: float, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Sizes of errors whose intraclass correlation within an origin and lead is ``alike``, on top of growth with the lead."""
    random = np.random.default_rng(seed)
    shared = random.normal(0, np.sqrt(alike), (FOLDS, LEADS, 1))
    own = random.normal(0, np.sqrt(1 - alike), (FOLDS, LEADS, SERIES))
    harder = np.linspace(0, 2, FOLDS)[:, None, None] + np.linspace(0, 3, LEADS)[None, :, None]
    fold, lead, _ = np.indices(own.shape)
    return fold.ravel().astype(np.int32), lead.ravel().astype(np.int32) + 1, (20 + harder + shared + own).ravel()


@pytest.mark.parametrize("alike", [0.05, 0.2, 0.6])
def test_the_number_follows_the_correlation_of_errors_of_one_time(alike: float) -> None:
    expected = SERIES / (1 + (SERIES - 1) * alike)  # Kish's design effect
    assert independent_errors(*world(alike)) == pytest.approx(expected, rel=0.25)


def test_errors_of_their_own_all_count_whatever_lead_and_origin_do() -> None:
    assert independent_errors(*world(0.0)) > 0.6 * SERIES


def test_with_one_origin_nothing_can_be_told_and_all_count() -> None:
    fold, lead, size = world(0.6)
    first = fold == 0
    assert independent_errors(fold[first], lead[first], size[first]) == SERIES


def test_a_single_series_has_one_error_at_a_time() -> None:
    fold, lead = np.repeat([0, 1], 24).astype(np.int32), np.tile(np.arange(1, 25), 2).astype(np.int32)
    assert independent_errors(fold, lead, np.random.default_rng(0).random(48)) == 1.0
