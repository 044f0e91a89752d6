"""A model that judges answers, named in the spec: a figure with its spread, its calls and its budget."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from model_server import Behaviour, Messages, serving
from sevenstep import Project
from sevenstep.endpoints.book import CALLS_FILE, CallBook, Limits
from sevenstep.endpoints.endpoint import Endpoint
from sevenstep.endpoints.keeping import keep_calls
from sevenstep.errors import InputError
from sevenstep.search.leaderboard import kpi_estimate
from sevenstep.stats.metrics import METRICS
from sevenstep.tasks.answers import JUDGED, JUDGED_SPREAD
from sevenstep.tasks.rag.found import Answer, Citation
from sevenstep.tasks.rag.generating.judging import Judging, verdicts
from sevenstep.tasks.scoretable import ScoreTable
from test_rag_written import write_project

SAID = Answer("Every 500 hours.", citations=(Citation("d1", 0, 9, "500 hours"),))
REFUSED = Answer("", refused="nothing was found")


def grades(messages: Messages) -> str:
    return "8" if "500 hours" in messages[-1]["content"] else "4"


@pytest.fixture
def behaviour() -> Behaviour:
    return Behaviour(grades)


@pytest.fixture
def judging(behaviour: Behaviour, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Judging]:
    monkeypatch.setenv("SEVENSTEP_CALLS", "")
    with serving(behaviour) as url:
        keep_calls(tmp_path, "r1")
        yield Judging("judge", Endpoint(url, attempts=1, input_price=10.0).to_json(), repeats=3, answers=100)


def calls(folder: Path) -> list[dict[str, object]]:
    return CallBook(folder / CALLS_FILE).calls()


def test_each_answer_is_judged_as_often_as_the_spec_says_and_a_refusal_never(
    judging: Judging, behaviour: Behaviour, tmp_path: Path
) -> None:
    given = iter(["8", "10", "9"])
    behaviour.writes = lambda messages: next(given)
    found = verdicts([REFUSED, SAID], ["q1", "q2"], ["q1", "q2"], judging)
    np.testing.assert_allclose(found[JUDGED], [np.nan, 0.9])
    np.testing.assert_allclose(found[JUDGED_SPREAD], [np.nan, 0.1])  # standard deviation of 0.8, 1.0 and 0.9
    assert [row["purpose"] for row in calls(tmp_path)] == ["judge"] * 3


def test_equal_answers_of_other_candidates_are_judged_once(judging: Judging, behaviour: Behaviour) -> None:
    verdicts([SAID], ["q1"], ["q1"], judging)
    again = verdicts([SAID], ["q1"], ["q1"], judging)
    assert len(behaviour.seen) == 3 and again[JUDGED][0] == pytest.approx(0.8)


def test_the_questions_judged_are_the_same_whatever_fold_they_are_in(judging: Judging) -> None:
    few = Judging(judging.model, judging.endpoint, 2, answers=4)
    names = [f"q{number}" for number in range(10)]
    whole = ~np.isnan(verdicts([SAID] * 10, names, names, few)[JUDGED])
    parts = [verdicts([SAID] * 5, own, names, few)[JUDGED] for own in (names[:5], names[5:])]
    assert whole.sum() == 4
    np.testing.assert_array_equal(~np.isnan(np.concatenate(parts)), whole)


def test_where_the_budget_ends_the_rest_is_not_judged_and_nothing_more_is_called(
    judging: Judging, behaviour: Behaviour, tmp_path: Path
) -> None:
    answers = [Answer(f"Every {number} hours.", citations=SAID.citations) for number in range(10)]
    verdicts(answers[:1], ["q0"], ["q0"], judging)
    one = sum(row["usd"] for row in calls(tmp_path))  # three calls, by what the server says they used
    keep_calls(tmp_path, "r2", Limits(usd=4.5 * one))
    found = verdicts(answers[1:], [f"q{number}" for number in range(1, 10)], [f"q{number}" for number in range(10)], judging)
    judged = int((~np.isnan(found[JUDGED])).sum())
    assert 0 < judged < 9
    assert np.isnan(found[JUDGED][judged:]).all()  # not measured, which is not wrong
    assert sum(row["usd"] for row in calls(tmp_path) if row["run"] == "r2") <= 4.5 * one
    assert len(behaviour.seen) < 3 * 10


def test_the_variance_of_repeats_stands_behind_the_figure_of_the_kpi() -> None:
    count = 12
    columns = {name: [1.0] * count for name in ("weight", "scale", "root_scale", "truth")}
    nothing = {name: [None] * count for name in ("lower_80", "upper_80", "lower_95", "upper_95", "origin", "time")}
    frame = pl.DataFrame({
        "candidate": ["a"] * count, "target": ["answer"] * count, "fold": [0] * count, "lead": [0] * count,
        "item": list(range(count)), "cluster": list(range(count)), **columns, **nothing, "prediction": [0.5] * count,
        JUDGED: [0.6, 0.8] * 6, JUDGED_SPREAD: [0.1, None] * 6,
    })  # fmt: skip
    table = ScoreTable(frame)
    found = kpi_estimate(table, JUDGED, 0)
    assert found.value == pytest.approx(0.7)
    assert "repeats of one item have a variance of 0.0100" in found.method
    assert "repeats" not in kpi_estimate(table, "answer_f1", 0).method
    assert table.segments == []
    assert METRICS[JUDGED].spread == JUDGED_SPREAD


def write_judged(folder: Path, judge: str) -> Path:
    """The project of `write_project` that quotes, with a KPI for what a judge says."""
    spec = write_project(folder, "http://127.0.0.1:9/v1", 1.0)
    kpi = '{id: judged, metric: judged_groundedness, goal: ">= 0.2"}'
    text = re.sub(r"  model: .*\n", f"  {judge}\n", spec.read_text()).replace("}]\nbudget", f"}}, {kpi}]\nbudget")
    spec.write_text(text)
    return spec


def test_a_kpi_that_asks_for_a_judge_nobody_named_is_told_before_anything_is_fitted(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"'judged' asks for judged_groundedness.*rag\.judge"):
        Project(write_judged(tmp_path, "source_share: 0.5")).run()


@pytest.mark.slow
def test_a_run_tells_what_the_judge_says_with_its_variance_and_keeps_every_call(
    behaviour: Behaviour, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SEVENSTEP_CALLS", "")
    said = iter(range(10_000))
    behaviour.writes = lambda messages: str(6 + next(said) % 3)
    with serving(behaviour) as url:
        judge = f'judge: {{endpoint: "{url}", name: strict, repeats: 2, answers: 10, price: {{input: 1}}}}'
        project = Project(write_judged(tmp_path, judge))
        run = project.run()
    book = calls(project.store)
    assert {row["purpose"] for row in book} == {"judge"}
    assert len(behaviour.seen) == sum(row["status"] == "ok" for row in book) >= 2 * 10
    told = {state["id"]: state for state in run.step("tune").json("kpis")}["judged"]
    assert 0.6 <= told["value"] <= 0.8 and told["n"] == 10 and told["state"] == "met"
    assert "repeats of one item have a variance of 0." in told["method"]
    table = next(block for block in run.step("tune").chapter().blocks if getattr(block, "title", "") == "What the judge says")
    assert table.rows[0]["n"] == 10 and table.rows[0]["repeats"] > 0
    assert any("strict judges the answers of each candidate" in note for note in run.step("design").json("plan")["notes"])
