"""A planted cause of defects is found and ranked first; what merely goes with it falls away; chance is not taken for a cause."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
import pytest
from statsmodels.stats.contingency_tables import StratifiedTable

from sevenstep.stats.causes import Cause, Ranking, rank_causes
from sevenstep.stats.causes.clustering import Clusters
from sevenstep.stats.causes.effects import effect_of
from sevenstep.stats.causes.looks import Columns, make_looks
from sevenstep.stats.causes.model import fitted_risk
from sevenstep.templates.quality.line import Line, make_line

LOTS, PARTS = 80, 25


@dataclass
class Works:
    """Parts of lots that went over two lines, each with two tools of its own, and through one of three furnaces."""

    random: np.random.Generator
    columns: dict[str, np.ndarray]
    numbers: dict[str, np.ndarray]
    lot: np.ndarray

    @classmethod
    def drawn(cls, seed: int) -> Works:
        random = np.random.default_rng(seed)
        lot = np.repeat(np.arange(LOTS), PARTS)
        line = random.integers(0, 2, LOTS)[lot]
        tool = 2 * line + random.integers(0, 2, len(lot))
        codes = {
            "line": line,
            "tool": tool,
            "furnace": random.integers(0, 3, LOTS)[lot],
            "shift": random.integers(0, 3, len(lot)),
        }
        columns = {name: np.array([f"{name[0].upper()}{code}" for code in column], object) for name, column in codes.items()}
        return cls(random, columns, {f"x{place}": random.normal(size=len(lot)) for place in range(3)}, lot)

    def at(self, column: str, level: str) -> np.ndarray:
        return np.asarray(self.columns[column] == level)

    def outcome(self, log_odds: np.ndarray | float = 0.0, lot_noise: float = 0.4) -> np.ndarray:
        lots = self.random.normal(0, lot_noise, LOTS)[self.lot]
        risk = 1 / (1 + np.exp(3.2 - log_odds - lots))
        return np.asarray(self.random.random(len(self.lot)) < risk, float)

    def ranked(self, outcome: np.ndarray, **settings: object) -> Ranking:
        return rank_causes(outcome, self.columns, self.numbers, cluster=self.lot, **settings)  # type: ignore[arg-type]


def first(ranking: Ranking) -> Cause:
    return ranking.causes[0]


def test_a_bad_tool_is_ranked_first_and_its_line_falls_away() -> None:
    works = Works.drawn(0)
    found = works.ranked(works.outcome(2.0 * works.at("tool", "T2")))
    assert first(found).text == "tool = T2"
    assert first(found).p <= 0.002
    assert not any("line" in cause.columns for cause in found.causes)


def test_a_threshold_in_a_number_is_found_with_its_side() -> None:
    works = Works.drawn(1)
    low, both = works.numbers["x0"] < -1.2, np.abs(works.numbers["x1"]) > 1.7
    assert first(works.ranked(works.outcome(2.2 * low))).text.startswith("x0 up to -1.")
    assert first(works.ranked(works.outcome(2.2 * both))).text.startswith("x1 outside -1.")


def test_two_levels_that_act_together_are_ranked_as_a_pair() -> None:
    works = Works.drawn(2)
    both = works.at("furnace", "F1") & works.at("shift", "S2")
    cause = first(works.ranked(works.outcome(2.6 * both)))
    assert set(cause.columns) == {"furnace", "shift"}
    assert "F1" in cause.text and "S2" in cause.text


def test_a_strong_single_cause_is_not_dressed_up_as_a_pair() -> None:
    works = Works.drawn(3)
    assert first(works.ranked(works.outcome(2.0 * works.at("shift", "S0")))).columns == ("shift",)


def test_missing_values_can_be_the_cause() -> None:
    works = Works.drawn(4)
    gone = works.random.random(len(works.lot)) < 0.1
    works.numbers["x2"] = np.where(gone, np.nan, works.numbers["x2"])
    assert first(works.ranked(works.outcome(2.2 * gone))).text == "x2 missing"


def test_a_second_cause_is_found_given_the_first() -> None:
    works = Works.drawn(5)
    found = works.ranked(works.outcome(2.2 * works.at("tool", "T1") + 1.8 * works.at("shift", "S1")))
    assert {cause.text for cause in found.causes[:2]} == {"tool = T1", "shift = S1"}
    assert [cause.rank for cause in found.causes] == list(range(1, len(found.causes) + 1))


def test_a_bad_lot_is_found_by_the_beta_binomial_tail() -> None:
    works = Works.drawn(6)
    works.columns["lot"] = np.array([f"L{lot}" for lot in works.lot], object)
    found = works.ranked(works.outcome(4.0 * (works.lot == 17)), pairs=False)
    assert first(found).text == "lot = L17"


def test_lots_that_merely_differ_are_hardly_ever_called_bad() -> None:
    false = 0
    for works in map(Works.drawn, range(300, 340)):
        lots = {"lot": np.array([f"L{lot}" for lot in works.lot], object)}
        false += bool(rank_causes(works.outcome(lot_noise=0.6), lots, {}, cluster=works.lot, most=1).causes)
    assert false <= 5


def test_what_cannot_be_told_apart_is_named() -> None:
    works = Works.drawn(7)
    works.columns["crew"] = np.where(works.at("shift", "S1"), "blue", "red").astype(object)
    cause = first(works.ranked(works.outcome(2.2 * works.at("shift", "S1")), pairs=False))
    assert {cause.text, *cause.same} >= {"shift = S1", "crew = blue"}


def test_the_ranking_repeats_and_does_not_hang_on_the_order_of_rows() -> None:
    works = Works.drawn(8)
    outcome = works.outcome(1.8 * works.at("tool", "T3"))
    once, again = works.ranked(outcome), works.ranked(outcome)
    assert once == again
    order = works.random.permutation(len(outcome))
    columns = {name: column[order] for name, column in works.columns.items()}
    numbers = {name: column[order] for name, column in works.numbers.items()}
    shuffled = rank_causes(outcome[order], columns, numbers, cluster=works.lot[order])
    assert [cause.text for cause in shuffled.causes] == [cause.text for cause in once.causes]


def test_where_nothing_is_a_cause_hardly_anything_is_ranked() -> None:
    """60 worlds at level 0.05, lots that differ: 3 are expected, and more than 8 have a chance below 1 in 200."""
    false = sum(bool(works.ranked(works.outcome(lot_noise=0.8), most=1).causes) for works in map(Works.drawn, range(100, 160)))
    assert false <= 8


def test_lots_that_differ_would_be_taken_for_causes_if_they_were_left_out() -> None:
    """What clusters are for: without them furnaces, which are one for a lot, look guilty far too often."""
    false = 0
    for works in map(Works.drawn, range(200, 225)):
        outcome = works.outcome(lot_noise=1.6)
        false += bool(rank_causes(outcome, {"furnace": works.columns["furnace"]}, {}, most=1).causes)
    assert false >= 6


def test_the_risk_ratio_is_that_of_statsmodels() -> None:
    random = np.random.default_rng(9)
    strata, exposed = random.integers(0, 4, 3000), random.random(3000) < 0.3
    outcome = (random.random(3000) < 0.05 + 0.05 * strata + 0.1 * exposed).astype(float)
    effect = effect_of(outcome, exposed, strata, Clusters.of(np.arange(3000)), 1.96)
    assert effect is not None
    tables = [
        [[np.sum((strata == s) & (exposed == e) & (outcome == y)) for y in (1, 0)] for e in (True, False)] for s in range(4)
    ]
    assert effect.ratio == pytest.approx(StratifiedTable([np.array(table, float) for table in tables]).riskratio_pooled)
    weights = [sum(e) * sum(u) / (sum(e) + sum(u)) for e, u in tables]
    differences = [e[0] / sum(e) - u[0] / sum(u) for e, u in tables]
    assert effect.difference == pytest.approx(np.average(differences, weights=weights))
    extra = sum(sum(e) * difference for (e, _), difference in zip(tables, differences, strict=True))
    assert effect.share == pytest.approx(extra / outcome.sum())


@pytest.mark.parametrize("clustered", [False, True])
def test_intervals_of_the_difference_cover(clustered: bool) -> None:
    random = np.random.default_rng(10)
    hits = 0
    for _ in range(300):
        cluster = np.repeat(np.arange(60), 20)
        exposed = (random.random(60) < 0.4)[cluster] if clustered else random.random(1200) < 0.4
        noise = random.beta(2, 18, 60)[cluster] if clustered else 0.1
        outcome = (random.random(1200) < noise + 0.1 * exposed).astype(float)
        effect = effect_of(outcome, exposed, np.zeros(1200, np.intp), Clusters.of(cluster), 1.96)
        assert effect is not None
        hits += effect.difference_low <= 0.1 <= effect.difference_high
    assert 0.91 <= hits / 300 <= 0.985


def test_the_fitted_risk_is_that_of_a_plain_logistic_regression() -> None:
    random = np.random.default_rng(11)
    design = (random.random((4000, 3)) < 0.4).astype(float)
    outcome = (random.random(4000) < 1 / (1 + np.exp(2 - design @ np.array([1.0, 0.5, -1.0])))).astype(float)
    risk = fitted_risk(outcome, design)
    inputs = np.column_stack([np.ones(4000), design])
    assert np.abs(inputs.T @ (outcome - risk)).max() < 1.0, "the likelihood equations, up to a ridge of half an item"


def test_looks_do_not_depend_on_the_outcome_and_leave_out_what_is_too_small() -> None:
    works = Works.drawn(12)
    works.columns["rare"] = np.where(np.arange(len(works.lot)) < 8, "odd", "usual").astype(object)
    looks = make_looks(Columns(works.columns, works.numbers), 0.05, pairs=True)
    assert not any(look.text == "rare = odd" for look in looks), "8 items are too few"
    assert all(look.exposed.sum() >= (100 if look.parts else 10) for look in looks), "a pair expects 5 defects"
    assert {len(look.columns) for look in looks} == {1, 2}


def test_items_that_are_all_alike_have_no_cause() -> None:
    works = Works.drawn(13)
    with pytest.raises(ValueError, match="all items are alike"):
        works.ranked(np.zeros(len(works.lot)))


def test_a_cause_becomes_a_row_of_a_frame() -> None:
    works = Works.drawn(14)
    found = works.ranked(works.outcome(2.2 * works.at("shift", "S1")))
    frame = pl.DataFrame([cause.row() for cause in found.causes])
    assert {"rank", "cause", "level", "difference_low", "ratio", "share", "p"} <= set(frame.columns)
    assert frame["rank"][0] == 1


def ranking_of(line: Line) -> Ranking:
    parts = line.parts.head(line.route.known).drop("part", "started")
    texts = {name: parts[name].to_numpy().astype(object) for name in parts.columns if parts.schema[name] == pl.String}
    numbers = {name: parts[name].to_numpy() for name in parts.columns if parts.schema[name] == pl.Float64}
    outcome = line.defect[: line.route.known].astype(float)
    return rank_causes(outcome, texts, numbers, cluster=parts["lot"].to_numpy(), most=1)


def test_the_root_cause_of_a_generated_line_is_ranked_first() -> None:
    """Six lines here; ``bench/quality.py`` does it for 20."""
    lines = [make_line(seed) for seed in range(30, 36)]
    hits = [
        set(first(ranking_of(line)).columns) == set(line.causes[0].columns) for line in lines
    ]  # cuts of numbers are estimates
    assert sum(hits) >= 5
