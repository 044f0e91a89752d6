"""What steps 2, 4, 5 and 6 make of a comparison: how figures are worded, what is searched, and what time is kept."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest

from forecast_worlds import score_table
from sevenstep.chapter import Chapter, Figure, Notes, Table
from sevenstep.data.dataset import Finding
from sevenstep.data.quality_score import harm, quality_score
from sevenstep.project import Project, Run
from sevenstep.report.charts.thread import thread_format
from sevenstep.search.jobs import Fits
from sevenstep.search.losses import FoldLoss
from sevenstep.spec.problems import closest, edits
from sevenstep.stats.metrics import METRICS
from sevenstep.stats.wording import difference, figure, interval, spoken, titled
from sevenstep.steps.step2_collect import _evidence, _verdict
from sevenstep.steps.step6_tune import FITS_SHARE, MOST_PACE, SEARCH_SHARE, _pace, _search_seconds
from sevenstep.tasks.contract import Candidate, Fold, Plan
from sevenstep.tasks.planning import CORES, planned_seconds, seconds_for_the_end
from sevenstep.wording import percent
from sevenstep.work import Artifact, Failure, Job
from small_projects import project

# Words ------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("share", "text"),
    [(0.085, "8.50 %"), (0.115, "11.5 %"), (0.1, "10.0 %"), (0.0, "0.00 %"), (0.00002, "0.002 %")],
)
def test_every_share_is_printed_by_one_rule(share: float, text: str) -> None:
    assert percent(share) == figure(share, "wape") == text


def test_a_figure_says_its_unit_and_an_absent_one_is_a_dash() -> None:
    assert (figure(1234.5, "mae"), figure(0.96071, "mase"), figure(None, "wape")) == ("1,234", "0.9607", "–")
    assert interval(0.179, 0.155, 0.206, "wape") == "17.9 % (15.5 to 20.6)"
    assert (difference(0.0011, "wape"), difference(1.234, "mae")) == ("0.11 points", "1.2")


def test_a_metric_is_named_as_people_say_it() -> None:
    assert [spoken(name) for name in ("wape", "roc_auc", "average_precision", "ndcg@10")] == [
        "WAPE", "ROC AUC", "average precision", "nDCG@10",
    ]  # fmt: skip
    assert [titled(name) for name in ("macro_f1", "average_precision", "ndcg@10")] == ["Macro F1", "Average precision", "nDCG@10"]


def test_a_thread_of_shares_is_shown_in_percent_and_one_of_units_is_not() -> None:
    shares = [{"stage": "train", "kpi": "k", "value": 0.11, "metric": "wape", "state": ""}]
    thread = Figure("f", "thread", shares)
    assert thread_format(thread, shares) == "percent"
    assert thread_format(thread, [{**shares[0], "metric": "mae"}]) == "number"


def test_the_nearest_word_has_the_fewest_edits_and_the_same_letters_before_others() -> None:
    assert closest("wpae", METRICS) == "wape"
    assert (closest("Mea", METRICS), closest("rmpse", METRICS), closest("xyzzy", METRICS)) == ("mae", "rmspe", None)
    assert [edits(*pair) for pair in (("wpae", "wape"), ("", "abc"), ("kitten", "sitting"), ("same", "same"))] == [1, 3, 3, 0]


# Losses -----------------------------------------------------------------------------------------------------------------------


def test_the_loss_is_the_mean_over_folds_of_the_metric_by_hand() -> None:
    generator = np.random.default_rng(1)
    fold, truth = np.repeat([0, 1, 2], [5, 50, 20]), generator.gamma(3, 20, 75)
    prediction = truth + generator.normal(0, 5, 75)
    prediction[3] = np.nan
    frame = score_table(truth, prediction, fold=fold).frame
    known, by_hand = np.isfinite(prediction), []
    for one in range(3):
        mine = known & (fold == one)
        by_hand.append(np.abs(truth - prediction)[mine].sum() / truth[mine].sum())
    assert FoldLoss(frame, METRICS["wape"])(prediction) == pytest.approx(np.mean(by_hand))
    assert math.isnan(FoldLoss(frame, METRICS["wape"])(np.full(75, np.nan)))


# Time -------------------------------------------------------------------------------------------------------------------------


def plan_of(*costs: float, asked: float | None = None) -> Plan:
    models = [Candidate(f"c{at}", "boosting", "y", "", cost=cost, stage={"kind": "x"}) for at, cost in enumerate(costs)]
    if asked is not None:
        models.append(Candidate("mine", "boosting", "y", "", cost=asked, asked=True))
    folds = [Fold(f"f{at}", at) for at in range(3)]
    return Plan(models, folds, Fold("all", -1), "")


def test_time_is_kept_for_the_dearest_fit_a_search_may_find_and_not_for_what_a_person_asked_at_any_cost() -> None:
    assert seconds_for_the_end(plan_of(10.0), dearest=30.0) - seconds_for_the_end(plan_of(10.0)) == pytest.approx(30.0 / CORES)
    many = [1.0] * 20
    assert seconds_for_the_end(plan_of(*many), dearest=30.0) - seconds_for_the_end(plan_of(*many)) == pytest.approx(29.0 / CORES)
    assert seconds_for_the_end(plan_of(10.0, asked=1e6)) == seconds_for_the_end(plan_of(10.0))


def test_the_search_gets_what_the_comparison_was_not_planned_to_take() -> None:
    brief = cast(Any, SimpleNamespace(budget=100.0))
    assert _search_seconds(brief, plan_of(1.0)) == pytest.approx(SEARCH_SHARE * 100)
    full = plan_of(FITS_SHARE * 100 * 2 / 3 - 5.0)
    assert _search_seconds(brief, full) == pytest.approx(FITS_SHARE * 100 - planned_seconds(full)) == pytest.approx(7.5)
    assert _search_seconds(brief, plan_of(1e6)) == 0.0


def test_the_pace_is_what_the_fits_of_step_5_took_against_their_plan_and_never_below_one() -> None:
    plan = plan_of(10.0, 20.0)
    assert _pace(plan, {"seconds of c0 of y": 45.0, "seconds of c1 of y": 90.0, "seconds": 1e6}) == pytest.approx(1.5)
    assert _pace(plan, {"seconds of c0 of y": 3.0}) == _pace(plan, {}) == 1.0
    assert _pace(plan_of(1.0), {"seconds of c0 of y": 60.0}) == 1.0  # a short fit measures how libraries load
    assert _pace(plan, {"seconds of c0 of y": 1e6}) == MOST_PACE


class SeenBench:
    """Keeps the jobs it is given and does none of them."""

    cores, seed = 2, 0

    def __init__(self) -> None:
        self.jobs: list[Job] = []

    def run(self, jobs: Sequence[Job]) -> list[Artifact | Failure]:
        self.jobs += jobs
        return [Failure(job.name, "not done", skipped=True) for job in jobs]


def test_a_fit_starts_only_where_the_budget_holds_it_and_what_comes_after() -> None:
    bench, task = SeenBench(), SimpleNamespace(grammar=SimpleNamespace(task="forecast"))
    fits = Fits(cast(Any, task), cast(Any, None), cast(Any, bench), 0, pace=1.5)
    dear = Candidate("dear", "boosting", "y", "", cost=20.0)
    mine = Candidate("mine", "boosting", "y", "", cost=1e6, asked=True)
    fits.score([dear, mine], [Fold("f", 0)], reserve=100.0)
    kept = {job.name.split(" ")[0]: (job.optional, job.reserve) for job in bench.jobs}
    assert kept == {"dear": (True, 130.0), "mine": (True, -math.inf)}


# Quality ----------------------------------------------------------------------------------------------------------------------


def finding(severity: str, share: float, part: str = "valid", text: str = "prices are negative") -> Finding:
    return Finding("QUALITY-X", severity, part, "price", round(1000 * share), share, text, "mend it")


@pytest.mark.parametrize(
    ("findings", "words", "gate"),
    [
        ([], "1,000 rows were taken in and sound enough to learn from (quality 100 of 100).", ""),
        ([finding("error", 0.05)], "sound enough to learn from (quality 95 of 100, weakest in 'valid': prices are negative)", ""),
        ([finding("error", 0.2)], "usable, with a weakness in 'valid' (quality 80 of 100): prices are negative.", "warn"),
        ([finding("error", 0.4)], "but not sound (quality 60 of 100): mend 'valid' first: prices are negative.", "warn"),
    ],
)
def test_whether_data_are_sound_follows_from_their_quality(findings: list[Finding], words: str, gate: str) -> None:
    answer, state = _verdict(1000, quality_score(findings, 1000))
    assert words in answer
    assert state == gate


def test_a_finding_says_how_many_rows_it_touches_and_what_it_costs() -> None:
    assert _evidence(finding("error", 0.2)) == "200 rows (20.0 %); takes 20 of 100 points from 'valid'; mend it"
    assert _evidence(finding("warning", 0.001)) == "1 row (0.10 %); takes 0.05 of 100 points from 'valid'; mend it"
    assert _evidence(finding("info", 0.2)) == "200 rows (20.0 %); mend it"
    assert harm(finding("warning", 0.4)) == pytest.approx(0.2)


# A run ------------------------------------------------------------------------------------------------------------------------

DESIGN = """design:
  folds: 2
  candidates: [seasonal_naive]
  extra:
    - {family: boosting, name: tried, parameters: {rounds: {try: [10, 20]}, leaves: 15, learning_rate: 0.1, least_in_leaf: 10,
       feature_share: 0.5, row_share: 0.8, ridge: 1.0}}
    - {family: boosting, name: fixed, parameters: {rounds: 60, leaves: 15, learning_rate: 0.1, least_in_leaf: 10,
       feature_share: 0.8, row_share: 0.8, ridge: 1.0}}
"""


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return Project(project(tmp_path_factory.mktemp("steps") / "small", design=DESIGN)).run(until="tune", report=False)


def blocks(run: Run, step: str) -> Mapping[str, Any]:
    chapter = run.step(step).chapter()
    assert isinstance(chapter, Chapter)
    return {block.title: block for block in chapter.blocks}


def test_the_leaderboard_says_told_apart_and_never_as_good(ran: Run) -> None:
    table = blocks(ran, "train")["Leaderboard in figures: sales"]
    assert isinstance(table, Table)
    assert "Cannot be told apart from the best" in [column.label for column in table.columns]
    assert "As good as the best" not in str(table)


def test_what_a_person_said_to_search_is_searched_besides_the_best(ran: Run) -> None:
    table = blocks(ran, "tune")["Search for sales"]
    assert any(row["name"].startswith("tried #") for row in table.rows)


def test_the_three_figures_of_one_model_are_named_and_a_worse_one_is_explained(ran: Run) -> None:
    table = blocks(ran, "tune")["One model of sales, and which figure says what"]
    main = max(ran.step("tune").json("members")["sales"], key=lambda member: member["weight"])["name"]
    names = [row["name"] for row in table.rows]
    assert names == [f"cross-validation of {main}", "nested estimate of the final model", "hold-out"]
    compared, judged = (float(row["value"].split(" ")[0]) for row in table.rows[:2])
    notes = blocks(ran, "tune")["How the figures were found"]
    assert isinstance(notes, Notes)
    assert ("because that one was chosen among" in notes.items[0]["evidence"]) == (judged > compared)


def test_the_chapter_gives_the_reason_of_the_choice(ran: Run) -> None:
    caption = blocks(ran, "tune")["The final model of sales"].caption
    assert any(words in caption for words in ("cannot be told apart", "best figure", "gains", "as good as"))
    notes = [block for block in blocks(ran, "tune").values() if isinstance(block, Notes)]
    assert notes
