"""``--set key=value`` says the same as the file, wins over it, and is checked the same."""

from pathlib import Path

import pytest

from sevenstep.errors import CollectedErrors
from sevenstep.spec import Spec, read_spec, render
from sevenstep.tasks.registry import grammars

TEXT = """\
task: forecast
data: {source: orders.csv, time: date}
target: [orders, visits]
forecast: {horizon: 14}
kpis:
  - {id: accuracy, metric: wape, goal: "<= 0.12", target: orders}
  - {id: crowd, metric: mae, goal: "<= 5", target: visits}
"""


def read(folder: Path, *flags: str) -> Spec:
    (folder / "sevenstep.yaml").write_text(TEXT, encoding="utf-8")
    return read_spec(folder, grammars(), flags)


def told(folder: Path, *flags: str) -> list[str]:
    with pytest.raises(CollectedErrors) as caught:
        read(folder, *flags)
    return [error.sentence() for error in caught.value.errors]


def test_flags_win_over_the_file_and_later_flags_over_earlier_ones(tmp_path: Path) -> None:
    spec = read(tmp_path, "forecast.horizon=28", "budget.time=2h", "budget.time=5min", "data.series=[region, shop]")
    assert (spec.section.horizon, spec.budget.time.seconds, spec.data.series) == (28, 300, ("region", "shop"))


def test_kpis_are_addressed_by_id_or_by_position(tmp_path: Path) -> None:
    spec = read(tmp_path, "kpis.crowd.goal=<= 4", 'kpis.0.goal="<= 0.1"')
    assert [str(kpi.goal) for kpi in spec.kpis] == ["<= 0.1", "<= 4"]


def test_a_flag_may_hold_keys_of_its_own(tmp_path: Path) -> None:
    assert (
        read(tmp_path, "forecast.calendar={country: DE}", "forecast.calendar.subdivision=BW").section.calendar.subdivision == "BW"
    )


def test_a_wrong_flag_is_told_at_the_flag(tmp_path: Path) -> None:
    (sentence,) = told(tmp_path, "forecast.horizon=soon")
    assert sentence.startswith("--set forecast.horizon=soon: 'forecast.horizon' is 'soon'; it must be a whole number")


def test_an_unknown_key_in_a_flag_is_told_with_the_key_that_was_meant(tmp_path: Path) -> None:
    (sentence,) = told(tmp_path, "budgt.time=5min")
    assert sentence.startswith("--set budgt.time=5min: unknown key 'budgt'")
    assert "did you mean 'budget'?" in sentence


def test_an_unknown_kpi_in_a_flag_is_told_with_the_ids_there_are(tmp_path: Path) -> None:
    (sentence,) = told(tmp_path, "kpis.acuracy.goal=<= 1")
    assert "'acuracy' in 'kpis'; there are accuracy, crowd; did you mean 'accuracy'?" in sentence


@pytest.mark.parametrize(
    ("flag", "words"),
    [
        ("budget", "a flag is key=value"),
        ("=3", "a flag is key=value"),
        ("seed=[1", "the value of a flag is YAML"),
        ("seed=!secret 1", "the value of a flag is YAML"),
        ("seed.x=1", "set 'seed' as a whole"),
        ("task.x=1", "set 'task' as a whole"),
        ("target.7=x", "there are 0, 1"),
    ],
)
def test_a_flag_that_cannot_be_set_says_why(tmp_path: Path, flag: str, words: str) -> None:
    flags = ("seed=3", flag) if flag.startswith("seed.") else (flag,)
    assert any(words in sentence and "SPEC-FLAG" in sentence for sentence in told(tmp_path, *flags))


def test_a_flag_can_mend_what_is_wrong_in_the_file(tmp_path: Path) -> None:
    with pytest.raises(CollectedErrors):
        read(tmp_path, "forecast.horizon=-1")
    assert read(tmp_path, "forecast.horizon=-1", "forecast.horizon=7").section.horizon == 7


def test_the_caret_stands_under_the_key_of_the_flag(tmp_path: Path) -> None:
    with pytest.raises(CollectedErrors) as caught:
        read(tmp_path, "seed=-1")
    assert render(caught.value).splitlines()[1:3] == ["      | --set seed=-1", "      |       ^^^^ give at least 0"]
