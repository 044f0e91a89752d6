"""Drivers: what inputs explain, growth from year to year and the newest level are found apart where they were planted."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from numpy.typing import NDArray

from forecast_worlds import SMALL, START, ask, panel_of
from sevenstep.data.dataset import Dataset, Roles
from sevenstep.tasks.forecast.families.drivers import MOVES, YEARLY, DriversMember, fit_drivers
from sevenstep.tasks.forecast.features.recipe import FeatureRecipe

YEAR, DAYS, AHEAD = 364, 800, 60
GROWTH = 0.4 / YEAR
RECIPE = FeatureRecipe("y", AHEAD, seasons=(7,), year=YEAR, numbers=("warmth",), calendar={"period": "day"})
PARAMETERS: dict[str, Any] = {**SMALL, "rounds": 150, "feature_share": 1.0, "loss": "l1", "recipe": RECIPE.to_json()}


def world(keys: tuple[str, ...] = ("a",), jump: float = 0.0, seed: int = 1) -> tuple[Dataset, NDArray[np.float64]]:
    """Days whose logarithm grows evenly, with a week, warmth known ahead, and from 60 days before the end a jump."""
    generator = np.random.default_rng(seed)
    step = np.arange(DAYS + AHEAD)
    frames, rows = [], []
    for place, key in enumerate(keys):
        warmth = generator.normal(0, 1, len(step)) + np.sin(2 * np.pi * step / YEAR)
        log = 4 + place + GROWTH * step + 0.3 * warmth + 0.2 * np.sin(2 * np.pi * step / 7)
        log = log + 0.05 * generator.standard_normal(len(step)) + jump * (step >= DAYS - 60)
        rows.append(np.expm1(log))
        day = [START + timedelta(int(one)) for one in step]
        known = np.where(step < DAYS, rows[-1], np.nan)
        frames.append(
            pl.DataFrame({"id": key, "day": day, "warmth": warmth, "y": known}).with_columns(pl.col("y").fill_nan(None))
        )
    given = {"frequency": "1d", "season": 7, "year": YEAR, "gaps": "missing", "clock": "common"}
    facts = {name: {"value": value, "reason": ""} for name, value in given.items()}
    roles = Roles(("y",), "day", keys=("id",), known_ahead=("warmth",))
    return Dataset({"items": pl.concat(frames)}, roles, facts), np.array(rows)


def cells(series: int, origin: int = DAYS - 1) -> list[tuple[int, int, int]]:
    return [(one, origin + lead, origin) for one in range(series) for lead in range(1, AHEAD + 1)]


def test_two_months_ahead_inputs_and_growth_tell_what_will_be() -> None:
    data, truth = world(("a", "b"))
    panel, settings = panel_of(data)
    fitted = fit_drivers(panel, DAYS - 1, PARAMETERS, 1)
    np.testing.assert_allclose(fitted.growth, YEARLY * GROWTH, rtol=0.15)
    found = fitted.predict(ask(panel, settings, cells(2))).reshape(2, AHEAD)
    future = truth[:, DAYS:]
    assert (np.abs(found - future).sum(axis=1) / future.sum(axis=1) < 0.1).all()


def test_a_level_that_inputs_do_not_explain_moves_the_forecast_by_a_share_of_it() -> None:
    (calm, _), (jumped, _) = world(), world(jump=0.3)
    panel, settings = panel_of(calm)
    fitted = fit_drivers(panel, DAYS - 61, PARAMETERS, 1)
    before = fitted.predict(ask(panel, settings, cells(1)))
    panel, settings = panel_of(jumped)
    after = fitted.predict(ask(panel, settings, cells(1)))
    # half-lives of a fortnight: the newest 60 days hold nearly all of the weight
    assert np.log1p(after).mean() - np.log1p(before).mean() == pytest.approx(MOVES * 0.3, rel=0.1)


def test_nothing_after_the_origin_is_seen() -> None:
    data, _ = world()
    late = pl.col("day") > START + timedelta(700)
    poisoned = replace(data, tables={"items": data.items.with_columns(y=pl.when(late).then(1e7).otherwise("y"))})
    found = []
    for one in (data, poisoned):
        panel, settings = panel_of(one)
        found.append(fit_drivers(panel, 700, PARAMETERS, 1).predict(ask(panel, settings, cells(1, 700))))
    np.testing.assert_array_equal(*found)


def test_a_saved_member_knows_its_series_again_beside_a_new_one_that_it_cannot_tell(tmp_path: Path) -> None:
    data, _ = world(("b", "c"))
    panel, settings = panel_of(data)
    fitted = fit_drivers(panel, DAYS - 1, PARAMETERS, 1)
    expected = fitted.predict(ask(panel, settings, cells(2)))
    back = DriversMember.load(tmp_path, fitted.save(tmp_path))
    more = data.items.filter(pl.col("id") == "b").with_columns(pl.lit("a").alias("id"))
    grown = replace(data, tables={"items": pl.concat([more, data.items])})
    panel, settings = panel_of(grown)
    found = back.predict(ask(panel, settings, cells(3)))
    assert np.isnan(found[:AHEAD]).all()
    np.testing.assert_allclose(found[AHEAD:], expected, rtol=1e-9)


def test_the_parts_add_up_to_the_forecast() -> None:
    data, _ = world()
    panel, settings = panel_of(data)
    fitted = fit_drivers(panel, DAYS - 1, PARAMETERS, 1)
    question = ask(panel, settings, cells(1))
    start, names, contributions, moved = fitted.parts(question)
    assert contributions.shape == (AHEAD, len(names) + 1)
    np.testing.assert_allclose(np.expm1(start + contributions.sum(axis=1) + moved), fitted.predict(question), rtol=1e-9)
    warm = np.corrcoef(contributions[:, names.index("warmth")], panel.rows["warmth"].to_numpy()[-AHEAD:])[0, 1]
    assert warm > 0.9
