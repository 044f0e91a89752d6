"""Labels as data: which look wrong, which rows to ask for, rules that vote, and files that come back as they went out."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from numpy.typing import NDArray

from sevenstep.data.labels.encoding import codes_of, points_of
from sevenstep.data.labels.errors import noise_rate, suspected_errors
from sevenstep.data.labels.queue import Pool, choose_rows, margins, suspected_choices
from sevenstep.data.labels.rules import read_rules, rule_classes, rule_figures, rule_votes
from sevenstep.data.labels.studio import check_classes, labelling_interface, rows_of_tasks, tasks_of_rows
from sevenstep.data.labels.table import label_text, read_labels, votes_by_column, votes_by_row
from sevenstep.data.labels.typical import typical_rows
from sevenstep.errors import CollectedErrors, InputError

Floats = NDArray[np.float64]
Codes = NDArray[np.int64]


def flipped(rows: int, share: float, seed: int, classes: int = 2, sure: float = 6.0) -> tuple[Floats, Codes, Codes]:
    """Probabilities as a model of these labels would give them, the labels with a share flipped, and the truth."""
    chance = np.random.default_rng(seed)
    score = chance.normal(0, 1, (rows, classes)) * sure / 2
    clean = np.exp(score) / np.exp(score).sum(axis=1, keepdims=True)
    truth = (chance.random(rows)[:, None] >= np.cumsum(clean, axis=1)).sum(axis=1).clip(max=classes - 1)
    given = np.where(
        chance.random(rows) < share, (truth + chance.integers(1, classes, rows)) % classes if classes > 2 else 1 - truth, truth
    )
    noisy = clean * (1 - share) + (1 - clean) * share / (classes - 1)
    return noisy, given.astype(np.int64), truth.astype(np.int64)


# Labels that look wrong --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("classes", [2, 4])
@pytest.mark.parametrize("share", [0.05, 0.1, 0.2])
def test_flipped_labels_are_found_and_few_sound_ones_are_shown(classes: int, share: float) -> None:
    probability, given, truth = flipped(4_000, share, seed=1, classes=classes)
    found = suspected_errors(probability, given)
    shown = np.isin(np.arange(4_000), found.rows)
    wrong = given != truth
    assert shown[wrong].mean() >= 0.8
    assert shown[~wrong].mean() <= 0.13
    assert found.noise == pytest.approx(share, abs=0.06)


def test_sound_labels_of_a_sure_model_are_left_alone() -> None:
    probability, given, _ = flipped(2_000, 0.0, seed=2, sure=30.0)
    assert len(suspected_errors(probability, given)) <= 0.05 * 2_000
    assert noise_rate(probability, given) <= 0.01


def test_a_tighter_limit_shows_fewer_and_the_most_suspicious_come_first() -> None:
    probability, given, _ = flipped(2_000, 0.1, seed=3, sure=2.0)
    wide, tight = (suspected_errors(probability, given, false_flags=limit) for limit in (0.2, 0.05))
    assert 0 < len(tight) < len(wide)
    assert tight.rows.tolist() == wide.rows[: len(tight)].tolist()
    assert (np.diff(wide.given_probability) >= 0).all()
    assert (wide.suggested != given[wide.rows]).all()


def test_rows_without_a_label_or_never_judged_are_no_suspects() -> None:
    probability, given, _ = flipped(500, 0.1, seed=4)
    given[:100] = -1
    probability[100:200] = np.nan
    found = suspected_errors(probability, given)
    assert found.n == 300
    assert (found.rows >= 200).all()
    with pytest.raises(InputError) as told:
        suspected_errors(probability, np.full(500, -1))
    assert told.value.code == "LABELS-NOT-JUDGED"


@pytest.mark.slow  # importing the library takes seconds
def test_the_method_of_the_library_is_its_own() -> None:
    filter_ = pytest.importorskip("cleanlab.filter")
    probability, given, _ = flipped(600, 0.1, seed=5)
    expected = filter_.find_label_issues(given, probability, return_indices_ranked_by="self_confidence", n_jobs=1)
    assert suspected_errors(probability, given, method="cleanlab").rows.tolist() == expected.tolist()


def test_a_library_that_is_not_there_is_told_with_the_command_that_brings_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sevenstep.data.labels.errors.find_spec", lambda name: None)
    probability, given, _ = flipped(100, 0.1, seed=6)
    with pytest.raises(InputError, match=r"pip install 'sevenstep\[labels\]'"):
        suspected_errors(probability, given, method="cleanlab")


# Which rows to label -----------------------------------------------------------------------------------------------------------


def pool(probability: Floats, points: Floats, labelled: Floats | None = None) -> Pool:
    return Pool(probability, points, np.zeros((0, points.shape[1])) if labelled is None else labelled, ("a", "b"))


def test_doubtful_rows_come_in_the_order_of_their_doubt() -> None:
    probability = np.array([[0.9, 0.1], [0.55, 0.45], [0.2, 0.8], [0.49, 0.51]])
    found = choose_rows(pool(probability, np.zeros((4, 1))), 3, "uncertain")
    assert [choice.row for choice in found] == [3, 1, 2]
    assert found[0].reason == "'b' 51 % or 'a' 49 %"
    assert margins(probability) == pytest.approx([0.8, 0.1, 0.6, 0.02])


def test_unlike_rows_cover_every_cluster_before_any_twice() -> None:
    chance = np.random.default_rng(7)
    middles = np.array([[0.0, 0.0], [10.0, 0.0], [0.0, 10.0], [10.0, 10.0]])
    cluster = np.repeat(np.arange(4), 25)
    points = middles[cluster] + chance.normal(0, 0.3, (100, 2))
    even = np.full((100, 2), 0.5)
    found = choose_rows(pool(even, points), 4, "diverse")
    assert sorted(cluster[choice.row] for choice in found) == [0, 1, 2, 3]
    beside = choose_rows(pool(even, points, middles[:3]), 1, "diverse")[0]
    assert cluster[beside.row] == 3
    assert "the nearest labelled row is" in beside.reason


def test_a_mixed_batch_does_not_ask_the_same_question_many_times() -> None:
    points = np.concatenate([np.zeros((50, 1)), np.linspace(5, 6, 50)[:, None]])
    probability = np.column_stack([np.r_[np.full(50, 0.5), np.full(50, 0.55)], np.r_[np.full(50, 0.5), np.full(50, 0.45)]])
    doubtful = choose_rows(pool(probability, points), 20, "uncertain")
    mixed = choose_rows(pool(probability, points), 20, "mixed")
    assert all(choice.row < 50 for choice in doubtful)
    assert sum(choice.row >= 50 for choice in mixed) >= 15
    assert len({choice.row for choice in mixed}) == 20


def test_typical_rows_stand_for_their_clusters_and_leave_outliers_alone() -> None:
    chance = np.random.default_rng(9)
    middles = np.array([[0.0, 0.0], [5.0, 0.0], [0.0, 5.0]])
    cluster = np.repeat(np.arange(3), 40)
    points = middles[cluster] + chance.normal(0, 0.2, (120, 2))
    found = typical_rows(points, np.ones(120), 3)
    assert sorted(cluster[found]) == [0, 1, 2]
    assert np.linalg.norm(points[found] - middles[cluster[found]], axis=1).max() < 0.2
    assert len(set(typical_rows(np.zeros((6, 2)), np.arange(6.0), 4).tolist())) == 4
    sklearn = pytest.importorskip("sklearn.cluster")
    theirs = sklearn.KMeans(3, n_init=5, random_state=0).fit(points)
    assert sorted(theirs.transform(points).argmin(axis=0)) == sorted(found)


def test_a_queue_is_no_longer_than_its_pool() -> None:
    assert len(choose_rows(pool(np.full((3, 2), 0.5), np.zeros((3, 2))), 10, "mixed")) == 3
    assert choose_rows(pool(np.zeros((0, 2)), np.zeros((0, 2))), 10, "mixed") == []


def test_a_label_worth_a_second_look_says_what_it_is_and_what_it_may_be() -> None:
    probability = np.array([[0.03, 0.97], [0.9, 0.1]] * 20)
    given = np.array([1, 0] * 20)
    given[0] = 0
    suspects = suspected_errors(probability, given)
    found = suspected_choices(suspects, ["a"], ("a", "b"), 5)
    assert [(choice.row, choice.reason) for choice in found] == [(0, "labelled 'a', which is found 3 % likely; 'b' 97 %")]


def test_every_column_has_the_same_say_in_the_distance() -> None:
    rows = pl.DataFrame({
        "heat": [1.0, 2.0, 1e9, None], "line": ["x", "x", "y", None], "note": ["a b", "a b", "c", ""],
        "on": [True, True, False, None],
        "picture": [b"1", b"2", b"3", b"4"],
    })  # fmt: skip
    points = points_of(rows, rows.columns)
    apart = np.linalg.norm(points[0] - points[2])
    assert apart == pytest.approx(np.sqrt((2 / 3) ** 2 + 3), abs=1e-9)
    assert points_of(rows, ["picture"]).shape == (4, 0)
    many = pl.DataFrame({"note": [f"pump {number} leaks" for number in range(300)]})
    assert np.linalg.norm(points_of(many, ["note"]), axis=1) == pytest.approx(np.full(300, np.sqrt(0.5)))


# Rules -------------------------------------------------------------------------------------------------------------------------

RULES = """
rules:
  - {name: hot, when: {column: heat, operator: ">", value: 80}, label: fail}
  - name: cold_and_slow
    when:
      - {column: heat, operator: "<=", value: 20}
      - {column: line, operator: in, value: [slow, idle]}
    label: pass
  - {name: leak, when: {column: note, operator: matches, value: "(?i)leak(s|ed)?"}, label: fail}
  - {name: late, when: {column: day, operator: ">=", value: 2026-01-02}, label: pass}
  - {name: silent, when: {column: note, operator: missing}, label: pass}
"""


def rule_rows() -> pl.DataFrame:
    return pl.DataFrame({
        "heat": [90.0, 10.0, 15.0, None, 90.0], "line": ["fast", "slow", "fast", "idle", "fast"],
        "note": ["ok", "Leaked again", None, "x", "no LEAK"],
        "day": ["2026-01-01", "2026-01-01", "2026-01-01", "2026-01-02", "2026-01-03"],
    }).with_columns(pl.col("day").str.to_date())  # fmt: skip


def rules_file(folder: Path, text: str = RULES) -> Path:
    path = folder / "rules.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_rules_vote_where_all_conditions_hold_and_are_silent_elsewhere(tmp_path: Path) -> None:
    rules = read_rules(rules_file(tmp_path))
    classes = rule_classes(rules)
    assert classes == ["fail", "pass"]
    expected = [[0, -1, -1, -1, -1], [-1, 1, 0, -1, -1], [-1, -1, -1, -1, 1], [-1, -1, -1, 1, -1], [0, -1, 0, 1, -1]]
    assert rule_votes(rule_rows(), rules, classes).tolist() == expected


def test_figures_of_rules_are_counted(tmp_path: Path) -> None:
    rules = read_rules(rules_file(tmp_path))
    votes = rule_votes(rule_rows(), rules, ["fail", "pass"])
    hot, cold = rule_figures(votes, rules, np.array([0, 0, 0, -1, 1]))[:2]
    assert (hot.votes, hot.overlaps, hot.conflicts, hot.known, hot.right, hot.rows) == (2, 1, 1, 2, 1, 5)
    assert (cold.votes, cold.overlaps, cold.conflicts, cold.known, cold.right) == (1, 1, 1, 1, 0)


@pytest.mark.parametrize(
    ("change", "code", "words"),
    [
        (('">"', '"=>"'), "SPEC-WRONG-VALUE", "=>"),
        (("value: 80", "value: [80]"), "LABELS-RULE", "takes a number"),
        (("(?i)leak(s|ed)?", "(leak"), "LABELS-RULE", "regular expression"),
        (("name: leak", "name: hot"), "LABELS-RULE", "two rules are called 'hot'"),
        (("label: fail}\n  - name", "lable: fail}\n  - name"), "SPEC-UNKNOWN-KEY", "label"),
    ],
)
def test_a_wrong_rule_is_told_in_a_sentence(tmp_path: Path, change: tuple[str, str], code: str, words: str) -> None:
    with pytest.raises(InputError) as told:
        read_rules(rules_file(tmp_path, RULES.replace(*change)))
    errors = told.value.errors if isinstance(told.value, CollectedErrors) else [told.value]
    assert code in {error.code for error in errors} or code.startswith("SPEC")
    assert words in told.value.sentence()


def test_a_rule_of_an_unknown_column_class_or_kind_is_told(tmp_path: Path) -> None:
    rules = read_rules(rules_file(tmp_path))
    with pytest.raises(InputError, match=r"did you mean 'Heat'"):
        rule_votes(rule_rows().rename({"heat": "Heat"}), rules, ["fail", "pass"])
    with pytest.raises(InputError, match=r"the classes are fails, pass; did you mean 'fails'"):
        rule_classes(rules, ["fails", "pass"])
    with pytest.raises(InputError, match="only times are held against a text"):
        rule_votes(rule_rows().with_columns(day=pl.lit("x")), rules, ["fail", "pass"])


def test_a_rule_runs_no_code(tmp_path: Path) -> None:
    tagged = RULES.replace("value: 80", "value: !!python/object/apply:os.system [ls]")
    with pytest.raises(InputError):
        read_rules(rules_file(tmp_path, tagged))


# Files -------------------------------------------------------------------------------------------------------------------------


def labelled() -> pl.DataFrame:
    return pl.DataFrame({
        "row": [1, 1, 2, 3], "text": ["a, b", "a, b", 'said "x"', "한글"], "heat": [1.5, 1.5, None, 2.0],
        "labeller": ["ann@x.org", "7", "7", None], "label": ["ok", "fail", "007", None],
    })  # fmt: skip


def test_tasks_come_back_as_the_rows_they_were() -> None:
    tasks = tasks_of_rows(labelled())
    assert [len(task["annotations"]) for task in tasks] == [2, 1, 0]
    assert tasks[0]["annotations"][0]["completed_by"] == {"email": "ann@x.org"}
    back = rows_of_tasks(json.loads(json.dumps(tasks)), "tasks.json")
    assert back.select(labelled().columns).equals(labelled())


@pytest.mark.parametrize("ending", [".csv", ".jsonl", ".json"])
def test_label_files_of_every_kind_come_back_as_they_were(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"labels{ending}"
    path.write_bytes(label_text(labelled(), ending))
    back = read_labels(path)
    assert back["label"].to_list() == ["ok", "fail", "007", None]
    assert back["labeller"].to_list() == ["ann@x.org", "7", "7", None]
    assert back["text"].to_list() == labelled()["text"].to_list()


def test_predictions_go_along_with_a_task() -> None:
    queue = pl.DataFrame({"row": [4], "suggested": ["ok"], "probability": [0.6], "bytes": [b"x"]})
    task = tasks_of_rows(queue)[0]
    assert task["data"] == {"row": 4}
    assert task["annotations"] == []
    assert task["predictions"][0]["score"] == pytest.approx(0.6)
    assert task["predictions"][0]["result"][0]["value"] == {"choices": ["ok"]}


def test_the_short_export_and_cancelled_annotations_are_understood() -> None:
    short = [{"id": 1, "annotation_id": 3, "annotator": 2, "text": "x", "quality": "ok", "lead_time": 1.2},
             {"id": 2, "annotator": 2, "text": "y", "quality": {"choices": ["fail"]}}]  # fmt: skip
    assert rows_of_tasks(short, "f", label="quality").to_dicts() == [
        {"text": "x", "labeller": "2", "label": "ok"}, {"text": "y", "labeller": "2", "label": "fail"},
    ]  # fmt: skip
    result = [{"type": "choices", "value": {"choices": ["ok"]}}]
    full = [{"data": {"text": "x"}, "annotations": [{"was_cancelled": True, "result": result}]}, {"data": {"text": "y"}}]
    assert rows_of_tasks(full, "f")["label"].to_list() == [None, None]


def test_several_choices_no_task_list_and_an_unknown_class_are_told() -> None:
    result = [{"type": "choices", "value": {"choices": ["ok", "fail"]}}]
    with pytest.raises(InputError, match=r"f, task 1: several choices at once: ok, fail"):
        rows_of_tasks([{"data": {}, "annotations": [{"result": result}]}], "f")
    with pytest.raises(InputError, match="list of tasks"):
        rows_of_tasks({"tasks": []}, "f")
    with pytest.raises(InputError, match=r"f, row 2: the label 'fial' is none of the classes; .* did you mean 'fail'"):
        check_classes(pl.Series(["ok", "fial", None]), ["ok", "fail"], "f")


@pytest.mark.parametrize(
    ("name", "content", "code"),
    [
        ("a.csv", "text,lable\nx,ok\n", "LABELS-NO-COLUMN"),
        ("a.json", "[{", "LABELS-JSON"),
        ("a.xml", "<a/>", "LABELS-FORMAT"),
        ("a.csv", b"\xff\xfe\x00label", "LABELS-CSV"),
        ("", "", "LABELS-NO-FILE"),
    ],
)
def test_a_file_that_holds_no_labels_is_told(tmp_path: Path, name: str, content: str | bytes, code: str) -> None:
    path = tmp_path / (name or "gone.csv")
    if name:
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(InputError) as told:
        read_labels(path)
    assert told.value.code == code


def test_two_columns_that_may_be_the_label_are_told(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("item,label,quality\n1,ok,fail\n", encoding="utf-8")
    with pytest.raises(InputError, match="a column 'label' beside 'quality'"):
        read_labels(path, label="quality")


def test_votes_are_read_from_rows_and_from_columns() -> None:
    long = votes_by_row(labelled().drop("heat"))
    assert long.labellers == ("7", "ann@x.org")
    assert long.classes == ("007", "fail", "ok")
    assert long.codes.tolist() == [[1, 2], [0, -1], [-1, -1]]
    wide = votes_by_column(
        pl.DataFrame({"item": [1, 2], "ann": ["ok", None], "bob": ["fail", "ok"]}), ["ann", "bob"], ["fail", "ok"]
    )
    assert wide.codes.tolist() == [[1, 0], [-1, 1]]
    with pytest.raises(InputError, match="more than once"):
        votes_by_row(pl.DataFrame({"item": [1, 1], "labeller": ["a", "a"], "label": ["x", "y"]}))
    with pytest.raises(InputError, match="did you mean 'ann'"):
        votes_by_column(pl.DataFrame({"ann": ["ok"]}), ["anne"])


def test_the_interface_names_every_class_once_and_keeps_its_signs() -> None:
    text = labelling_interface(["heat", "note"], ['a "b"', "c<d"])
    assert text.count("<Choice ") == 2
    assert "c&lt;d" in text
    assert 'toName="row"' in text and '<Text name="row"' in text


def test_classes_of_numbers_are_written_without_a_point() -> None:
    assert codes_of(pl.Series([1.0, 2.0, None]), ["1", "2"]).tolist() == [0, 1, -1]
    assert codes_of(pl.Series([True, False]), ["false", "true"]).tolist() == [1, 0]
