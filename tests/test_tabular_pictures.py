"""The pictures of a table: counts that SQL counts too, costs that add up, thumbnails of what was seen wrongly."""

from __future__ import annotations

import base64
import io
import json
from functools import cache
from typing import Any

import numpy as np
import polars as pl
import pytest
from PIL import Image
from rich.console import Console
from sklearn.metrics import average_precision_score, roc_auc_score

from sample_chapters import sample_about
from sevenstep.chapter import Block, Chapter, Figure, Gallery, chapter_from_json, chapter_to_json
from sevenstep.data.dataset import Dataset
from sevenstep.report.notebook import chapters_html
from sevenstep.report.render import render_report
from sevenstep.report.terminal import chapter_text
from sevenstep.tasks.contract import Candidate, Fold
from sevenstep.tasks.scoretable import ScoreTable, join_score_tables
from sevenstep.tasks.tabular.bag import Bag
from sevenstep.tasks.tabular.calibrate import apply, calibrate
from sevenstep.tasks.tabular.families.members import fit_member
from sevenstep.tasks.tabular.model import TabularModel
from sevenstep.tasks.tabular.pictures import pictures
from sevenstep.tasks.tabular.pictures.confusion import confusion_counts
from sevenstep.tasks.tabular.pictures.costs import cost_at
from sevenstep.tasks.tabular.pictures.decisions import decisions_of
from sevenstep.tasks.tabular.pictures.influence import permutation_losses
from sevenstep.tasks.tabular.problem import Problem
from sevenstep.tasks.tabular.scoring import score_rows
from tabular_studies import brief_of, dataset_of, plates, query, strips

COSTS = {"false_alarm": 1, "miss": 8}
KPIS = [{"id": "ranking", "metric": "roc_auc", "goal": ">= 0.8"}]


def scores_of(data: Dataset, probability: np.ndarray[Any, Any]) -> ScoreTable:
    """Given predictions of all rows as the scores of two folds."""
    problem, candidate = Problem.of(data), Candidate("given", "boosting", data.roles.targets[0], "")
    half = np.arange(len(data.items)) % 2
    parts = [np.flatnonzero(half == part) for part in (0, 1)]
    tables = [score_rows(probability[rows], rows, candidate, Fold(f"part {n}", n), data, problem) for n, rows in enumerate(parts)]
    return join_score_tables(tables)


@cache
def judged(three: bool = False) -> tuple[Dataset, ScoreTable]:
    items = plates(500)
    if three:
        items = items.with_columns(pl.when(pl.col("heat") > 215).then(pl.lit("melted")).otherwise(pl.col("fail")).alias("fail"))
    brief = brief_of("fail", KPIS, **({} if three else {"costs": COSTS}))
    data = dataset_of(items, brief)
    problem = Problem.of(data)
    random = np.random.default_rng(0)
    own = np.eye(len(problem.classes))[problem.codes(items)]
    blurred = own + random.uniform(0, 1.6, own.shape)
    scores = scores_of(data, blurred / blurred.sum(axis=1, keepdims=True))
    return data, apply(scores, calibrate(scores, brief))


@cache
def fitted(number: bool = False) -> tuple[Dataset, TabularModel]:
    items, target = (strips(500), "thickness") if number else (plates(500), "fail")
    brief = brief_of(target, KPIS, classes=not number)
    data = dataset_of(items, brief, classes=not number)
    problem = Problem.of(data)
    candidate = Candidate(
        "boosting", "boosting", target, "", {"rounds": 60, "learning_rate": 0.1, "leaves": 8, "least_in_leaf": 10}
    )
    member = fit_member(candidate, data.items, problem, None, 0)
    scores = scores_of(data, member.predict(data.items))
    return data, TabularModel.of([(Bag("boosting", [member]), 1.0)], calibrate(scores, brief), data, 0)


def figure(blocks: list[Block], start: str) -> Figure:
    return next(block for block in blocks if isinstance(block, Figure) and block.title.startswith(start))


@pytest.mark.parametrize("three", [False, True])
def test_confusion_counts_are_those_of_sql(three: bool) -> None:
    data, scores = judged(three)
    problem = Problem.of(data)
    counts = confusion_counts(decisions_of(scores, problem))
    if three:
        sql = """SELECT truth.label, best.label, count(*) FROM (SELECT unit, label FROM rows WHERE truth = 1) AS truth
                 JOIN (SELECT unit, arg_max(label, prediction / cut) AS label FROM rows GROUP BY unit) AS best USING (unit)
                 GROUP BY 1, 2"""
    else:
        sql = "SELECT truth::INT, (prediction >= cut)::INT, count(*) FROM rows GROUP BY 1, 2"
    by_sql = {(int(true), int(said)): n for true, said, n in query(sql, rows=scores.frame.drop("time", "origin"))}
    assert {(true, said): int(n) for (true, said), n in np.ndenumerate(counts) if n} == by_sql
    assert int(counts.sum()) == 500


def test_the_curves_carry_the_areas_of_scikit_learn() -> None:
    data, scores = judged()
    blocks = list(pictures("tune", data, scores, brief_of("fail", KPIS), None))
    truth, said = scores.frame["truth"].to_numpy(), scores.frame["prediction"].to_numpy()
    roc, precision = figure(blocks, "Found against"), figure(blocks, "Right against")
    assert f"({roc_auc_score(truth, said):.3f})" in roc.rows[0]["group"]
    assert f"({average_precision_score(truth, said):.3f})" in precision.rows[0]["group"]
    curve = [(row["x"], row["y"]) for row in roc.rows if row["group"].startswith("yes")]
    assert curve == sorted(curve) and curve[0] == (0, 0) and curve[-1] == (1, 1)
    x, y = np.array(curve).T
    assert np.trapezoid(y, x) == pytest.approx(roc_auc_score(truth, said), abs=0.01), "thinned, and still the same curve"


def test_the_cost_at_a_threshold_is_what_the_errors_cost_and_the_chosen_one_is_drawn() -> None:
    data, scores = judged()
    decisions = decisions_of(scores, Problem.of(data))
    truth, said = scores.frame["truth"].to_numpy(), scores.frame["prediction"].to_numpy()
    for cut in (0.1, 0.5, 0.9):
        errors = np.where(truth > 0, COSTS["miss"] * (said < cut), COSTS["false_alarm"] * (said >= cut))
        assert cost_at(decisions, cut) == pytest.approx(errors.mean())
    drawn = figure(list(pictures("tune", data, scores, brief_of("fail", KPIS), None)), "Cost by threshold")
    chosen = [row["x"] for row in drawn.rows if row["group"] == "chosen"]
    assert chosen == pytest.approx([1 / 9, 1 / 9]), "a false alarm costs 1, a miss 8"
    assert cost_at(decisions, 1 / 9) < cost_at(decisions, 0.5)


def test_reliability_is_on_the_line_for_calibrated_probabilities() -> None:
    random = np.random.default_rng(1)
    data = dataset_of(plates(4000), brief_of("fail", KPIS))
    chance = random.uniform(0, 1, 4000)
    truth = random.random(4000) < chance
    data = Dataset({"items": data.items.with_columns(pl.Series("fail", np.where(truth, "yes", "no")))}, data.roles, data.facts)
    scores = scores_of(data, np.column_stack([1 - chance, chance]))
    drawn = figure(list(pictures("tune", data, scores, brief_of("fail", KPIS), None)), "Do the probabilities")
    measured = [row for row in drawn.rows if row["group"] == "measured"]
    assert len(measured) == 10
    assert sum(row["low"] <= row["x"] <= row["high"] for row in measured) >= 8


def test_numbers_are_drawn_against_what_they_were_with_their_coverage() -> None:
    data, _ = fitted(number=True)
    random = np.random.default_rng(0)
    truth = data.items["thickness"].to_numpy()
    scores = scores_of(data, (truth + random.normal(0, 3, len(truth)))[:, None])
    judged_scores = apply(scores, calibrate(scores, brief_of("thickness", [], classes=False)))
    blocks = list(pictures("tune", data, judged_scores, brief_of("thickness", [], classes=False), None))
    shares = {f"{level} % bounds": [] for level in (80, 95)}
    for row in figure(blocks, "Coverage").rows:
        shares[row["group"]].append(row["y"])
    assert np.mean(shares["80 % bounds"]) == pytest.approx(0.8, abs=0.05)
    assert np.mean(shares["95 % bounds"]) == pytest.approx(0.95, abs=0.03)
    assert len(figure(blocks, "thickness: actual").rows) == 500


def test_what_the_model_needs_is_what_was_planted() -> None:
    data, model = fitted()
    losses = permutation_losses(model, data, ["noise_0", "heat", "furnace", "noise_1"])
    mean = {name: float(values.mean()) for name, values in losses.items()}
    assert sorted(mean, key=lambda name: -mean[name])[:2] == ["heat", "furnace"]
    blocks = list(pictures("operate", data, None, brief_of("fail", KPIS), model))
    assert [row["x"] for row in figure(blocks, "What the model needs").rows[:2]] == ["heat", "furnace"]


def test_partial_dependence_is_the_mean_prediction_with_the_input_set() -> None:
    data, model = fitted(number=True)
    drawn = figure(
        list(pictures("operate", data, None, brief_of("thickness", [], classes=False), model)),
        "How the prediction moves with gap",
    )
    first, last = drawn.rows[0], drawn.rows[-1]
    assert (last["y"] - first["y"]) / (last["x"] - first["x"]) == pytest.approx(8.0, rel=0.15), "8 for each unit, as planted"
    assert first["low"] < first["y"] < first["high"]


def shot(bright: int, size: int = 40) -> bytes:
    image = Image.fromarray(np.full((size, size, 3), bright, np.uint8))
    written = io.BytesIO()
    image.save(written, "PNG")
    return written.getvalue()


def test_pictures_seen_wrongly_are_shown_small_and_the_surest_first() -> None:
    shots = [shot(10 * number) for number in range(24)]
    shots[3] = b"no picture at all"
    items = pl.DataFrame({"image": shots, "kind": ["dent", "scratch"] * 12}, schema={"image": pl.Binary, "kind": pl.String})
    brief = brief_of("kind", KPIS, data={"image": "image"})
    data = dataset_of(items, brief)
    truth = Problem.of(data).codes(items)
    second = np.where(truth == 1, 0.9, 0.1)
    second[[2, 3, 5]] = [0.99, 0.05, 0.2]  # row 3 is a scratch seen as a dent whose picture cannot be read
    scores = scores_of(data, np.column_stack([1 - second, second]))
    gallery = next(block for block in pictures("tune", data, scores, brief, None) if isinstance(block, Gallery))
    assert [item["detail"] for item in gallery.items] == ["99 % sure, row 3", "80 % sure, row 6"]
    assert gallery.items[0]["text"] == "dent, seen as scratch"
    image = Image.open(io.BytesIO(base64.b64decode(gallery.items[0]["image"].partition(",")[2])))
    assert image.format == "JPEG" and max(image.size) <= 112


def test_a_gallery_is_rendered_everywhere_and_only_rasters_are_let_in() -> None:
    good = "data:image/jpeg;base64," + base64.b64encode(b"any bytes").decode()
    bad = ["data:image/svg+xml;base64,PHN2Zz4=", "https://example.org/a.jpg", 'data:image/png;base64,AA" onload="x']
    items = [{"image": image, "text": f"picture {number}", "detail": "row 1"} for number, image in enumerate([good, *bad])]
    chapter = Chapter("tune", "Tune", "All told.", "", [Gallery("Seen wrongly", items, "The surest first.")])
    assert chapter_from_json(json.loads(json.dumps(chapter_to_json(chapter)))) == chapter_from_json(chapter_to_json(chapter))
    for page in (render_report([chapter], sample_about()), chapters_html([chapter])):
        assert page.count(good) == 1 and "picture 0" in page
        assert "svg+xml;base64,PHN2Zz4" not in page and "example.org" not in page and "picture 3" not in page
    console = Console(width=100, record=True, file=io.StringIO())
    console.print(chapter_text(chapter))
    assert "picture 0" in console.export_text()


def test_other_steps_have_no_pictures_and_all_blocks_are_plain_json() -> None:
    data, scores = judged(three=True)
    assert list(pictures("train", data, scores, brief_of("fail", KPIS), None)) == []
    blocks = list(pictures("tune", data, scores, brief_of("fail", KPIS), None))
    blocks += list(pictures("operate", *fitted()[:1], None, brief_of("fail", KPIS), fitted()[1]))
    json.dumps(chapter_to_json(Chapter("tune", "Tune", "", "", blocks)), allow_nan=False)
