"""What shifts a measured number is found and ranked first, in its unit; chance is not taken for a cause."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from sevenstep.stats.causes import Ranking, Shift, rank_number_causes
from sevenstep.stats.causes.clustering import Clusters
from sevenstep.stats.causes.shifts import shift_of
from sevenstep.templates.quality.causes import exposed_to
from sevenstep.templates.quality.line import make_line
from test_causes import Works, first


def measured(works: Works, shift: np.ndarray | float = 0.0, lot_noise: float = 0.3) -> np.ndarray:
    lots = works.random.normal(0, lot_noise, works.lot.max() + 1)[works.lot]
    return np.asarray(50 + shift + lots + works.random.normal(size=len(works.lot)))


def ranked(works: Works, outcome: np.ndarray, **settings: object) -> Ranking:
    return rank_number_causes(outcome, works.columns, works.numbers, cluster=works.lot, **settings)  # type: ignore[arg-type]


def shift(ranking: Ranking) -> Shift:
    effect = first(ranking).effect
    assert isinstance(effect, Shift)
    return effect


@pytest.mark.parametrize("size", [0.8, -0.8], ids=["higher", "lower"])
def test_a_tool_that_shifts_the_number_is_first_either_way_and_its_line_falls_away(size: float) -> None:
    works = Works.drawn(20)
    found = ranked(works, measured(works, size * works.at("tool", "T2")))
    assert first(found).text == "tool = T2"
    assert shift(found).difference_low < size < shift(found).difference_high
    assert shift(found).difference_low * shift(found).difference_high > 0
    assert not any("line" in cause.columns for cause in found.causes)
    assert found.defects is None and first(found).defects is None


def test_a_stretch_of_a_process_variable_is_found_on_its_smaller_side() -> None:
    works = Works.drawn(21)
    found = ranked(works, measured(works, 0.9 * (works.numbers["x1"] > 1.2)))
    assert first(found).text.startswith("x1 above 1.")
    assert first(found).items < len(works.lot) / 2


def test_a_pair_that_acts_together_is_ranked_as_a_pair() -> None:
    works = Works.drawn(22)
    both = works.at("furnace", "F1") & works.at("shift", "S2")
    assert set(first(ranked(works, measured(works, 1.0 * both))).columns) == {"furnace", "shift"}


def test_what_explains_most_comes_before_what_is_surest() -> None:
    """A strong shift of a few lots has a smaller score than a weak one of many items, and is what to look at first."""
    works = Works.drawn(23)
    works.columns["batch"] = np.where(works.lot < 10, "B1", "other").astype(object)
    outcome = measured(works, 1.2 * (works.lot < 10) + 0.35 * works.at("shift", "S1"), lot_noise=0.35)
    found = ranked(works, outcome, pairs=False)
    assert [cause.text for cause in found.causes[:2]] == ["batch = B1", "shift = S1"]


def test_a_single_bad_lot_is_found_among_lots_that_differ() -> None:
    works = Works.drawn(24)
    works.columns["lot"] = np.array([f"L{lot}" for lot in works.lot], object)
    assert first(ranked(works, measured(works, 2.5 * (works.lot == 17)), pairs=False)).text == "lot = L17"


def test_lots_that_merely_differ_are_hardly_ever_called_bad() -> None:
    false = 0
    for works in map(Works.drawn, range(400, 430)):
        lots = {"lot": np.array([f"L{lot}" for lot in works.lot], object)}
        false += bool(rank_number_causes(measured(works, lot_noise=0.6), lots, {}, cluster=works.lot, most=1).causes)
    assert false <= 4


def test_where_nothing_shifts_the_number_hardly_anything_is_ranked() -> None:
    """40 worlds at level 0.05: 2 are expected, and more than 6 have a chance below 1 in 200. Tails are heavy on purpose."""
    false = 0
    for works in map(Works.drawn, range(500, 540)):
        lots = works.random.normal(0, 0.5, works.lot.max() + 1)[works.lot]
        false += bool(ranked(works, lots + works.random.standard_t(2.5, len(works.lot)), most=1, pairs=False).causes)
    assert false <= 6


def test_one_wild_value_makes_no_cause() -> None:
    works = Works.drawn(25)
    outcome = measured(works)
    outcome[7] = 1e6
    assert not ranked(works, outcome, pairs=False).causes


def test_without_a_design_the_shift_is_the_difference_of_two_means_with_welchs_error() -> None:
    random = np.random.default_rng(26)
    exposed = random.random(400) < 0.3
    outcome = random.normal(0, np.where(exposed, 2.0, 1.0)) + exposed
    effect = shift_of(outcome, exposed, np.empty((400, 0)), Clusters.of(np.arange(400)), 1.0)
    assert effect is not None
    one, other = outcome[exposed], outcome[~exposed]
    assert effect.difference == pytest.approx(one.mean() - other.mean())
    welch = np.sqrt(one.var(ddof=1) / len(one) + other.var(ddof=1) / len(other))
    assert effect.difference_high - effect.difference == pytest.approx(welch)
    assert effect.mean_without == pytest.approx(other.mean())


def test_the_shift_given_a_design_is_the_coefficient_of_a_regression() -> None:
    random = np.random.default_rng(27)
    design = random.normal(size=(500, 2))
    exposed = design[:, 0] + random.normal(size=500) > 0.5
    outcome = design @ np.array([2.0, -1.0]) + 0.7 * exposed + random.normal(size=500)
    effect = shift_of(outcome, exposed, design, Clusters.of(np.arange(500)), 1.96)
    solved = np.linalg.lstsq(np.column_stack([np.ones(500), design, exposed]), outcome, rcond=None)[0]
    assert effect is not None and effect.difference == pytest.approx(solved[3])
    assert shift_of(outcome, exposed, exposed[:, None].astype(float), Clusters.of(np.arange(500)), 1.96) is None


@pytest.mark.parametrize("clustered", [False, True])
def test_intervals_of_the_shift_cover(clustered: bool) -> None:
    random = np.random.default_rng(28)
    hits = 0
    for _ in range(300):
        cluster = np.repeat(np.arange(60), 20)
        exposed = (random.random(60) < 0.4)[cluster] if clustered else random.random(1200) < 0.4
        outcome = random.normal(0, 0.7, 60)[cluster] + random.normal(size=1200) + 0.5 * exposed
        effect = shift_of(outcome, exposed, np.empty((1200, 0)), Clusters.of(cluster), 1.96)
        assert effect is not None
        hits += effect.difference_low <= 0.5 <= effect.difference_high
    assert 0.91 <= hits / 300 <= 0.985


def test_the_planted_cause_of_a_generated_line_is_ranked_first() -> None:
    """Four lines here; ``bench/quality.py`` does it for 20."""
    hits = 0
    for seed in range(40, 44):
        line = make_line(seed)
        parts, root = line.parts.head(line.route.known), line.causes[0]
        random, lot = np.random.default_rng(seed), line.route.lot[: line.route.known]
        shifts = sum(0.35 * cause.log_odds * exposed_to(cause, parts) for cause in line.causes)
        outcome = shifts + random.normal(0, 0.3, lot.max() + 1)[lot] + random.normal(size=len(lot))
        texts = {
            name: parts[name].to_numpy().astype(object)
            for name in parts.columns
            if parts.schema[name] == pl.String and name != "part"
        }
        numbers = {name: parts[name].to_numpy() for name in parts.columns if parts.schema[name] == pl.Float64}
        found = rank_number_causes(outcome, texts, numbers, cluster=parts["lot"].to_numpy(), most=1)
        hits += set(first(found).columns) == set(root.columns)
    assert hits >= 3


def test_numbers_that_are_all_equal_have_no_cause() -> None:
    works = Works.drawn(29)
    with pytest.raises(ValueError, match="all items are alike"):
        ranked(works, np.full(len(works.lot), 3.0))
