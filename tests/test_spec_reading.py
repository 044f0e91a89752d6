"""A right project file becomes typed objects, whatever short form it uses."""

import subprocess
import sys
from pathlib import Path

import pytest

from sevenstep.errors import InputError
from sevenstep.spec import Spec, read_spec, resolve
from sevenstep.spec.sources import FromEnvironment, Source, TimeParts
from sevenstep.tasks.registry import grammars, load_task, task_names

SMALLEST = """\
task: forecast
data: {source: orders.csv, time: date}
target: orders
forecast: {horizon: 14}
kpis: [{id: accuracy, metric: wape, goal: "<= 0.12"}]
"""

SHARED = Path(__file__).parents[2] / "shared" / "specs"


def read(folder: Path, text: str, *flags: str) -> Spec:
    file = folder / "sevenstep.yaml"
    file.write_text(text, encoding="utf-8")
    return read_spec(file, grammars(), flags)


def with_data(folder: Path, data: str) -> Spec:
    return read(folder, SMALLEST.replace("{source: orders.csv, time: date}", data))


def test_the_smallest_spec_needs_task_data_target_horizon_and_one_kpi(tmp_path: Path) -> None:
    spec = read(tmp_path, SMALLEST)
    assert (spec.spec, spec.task, spec.targets, spec.seed) == (1, "forecast", ("orders",), 0)
    assert spec.section.horizon == 14
    assert spec.budget.time.seconds == 600
    assert spec.kpis[0].goal.met_by(0.12)
    assert not spec.kpis[0].goal.met_by(0.1201)


def test_a_project_is_named_by_its_folder_unless_it_says_its_name(tmp_path: Path) -> None:
    folder = tmp_path / "orders"
    folder.mkdir()
    assert read(folder, SMALLEST).name == "orders"
    assert read(folder, "name: demand\n" + SMALLEST).name == "demand"


def test_a_spec_is_found_by_its_file_or_its_folder_and_knows_both(tmp_path: Path) -> None:
    spec = read(tmp_path, SMALLEST)
    assert read_spec(tmp_path, grammars()) == spec
    assert spec.path == tmp_path / "sevenstep.yaml"
    assert spec.base == tmp_path


def test_a_missing_file_is_told_in_one_sentence_that_names_its_neighbour(tmp_path: Path) -> None:
    (tmp_path / "bike.yaml").write_text(SMALLEST)
    with pytest.raises(InputError, match=r"there is no file '.*bikes\.yaml'; .*; did you mean '.*bike\.yaml'\? \[SPEC-NO-FILE\]"):
        read_spec(tmp_path / "bikes.yaml", grammars())
    with pytest.raises(InputError, match=r"there is no file '.*sevenstep\.yaml'; .*; name one of the specs there: bike\.yaml"):
        read_spec(tmp_path, grammars())


def test_a_file_that_is_no_text_is_told_so(tmp_path: Path) -> None:
    (tmp_path / "sevenstep.yaml").write_bytes("task: 예측".encode("cp949"))
    with pytest.raises(InputError, match="SPEC-ENCODING"):
        read_spec(tmp_path, grammars())


def test_a_file_with_a_byte_order_mark_and_windows_line_ends_reads_the_same(tmp_path: Path) -> None:
    plain = read(tmp_path, SMALLEST)
    (tmp_path / "sevenstep.yaml").write_bytes(b"\xef\xbb\xbf" + SMALLEST.replace("\n", "\r\n").encode())
    assert read_spec(tmp_path, grammars()) == plain


def test_one_name_stands_for_a_list_of_one(tmp_path: Path) -> None:
    short = with_data(tmp_path, "{source: a.csv, time: date, series: region, drop: x, missing: -999}")
    long = with_data(tmp_path, '{source: [a.csv], time: date, series: [region], drop: [x], missing: ["-999"]}')
    assert short.data == long.data


def test_the_short_form_of_data_is_one_source_with_its_reading_keys(tmp_path: Path) -> None:
    data = with_data(tmp_path, '{source: a.csv, delimiter: ";", encoding: cp949, missing: ["?"], time: date}').data
    assert data.tables() == {"source": Source(path=("a.csv",), delimiter=";", encoding="cp949", missing=("?",))}


def test_a_source_with_a_query_is_a_database_url_that_may_be_secret(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = with_data(tmp_path, "{source: 'sqlite:///a.db', query: SELECT 1, time: t}").data
    assert data.tables()["source"].url == "sqlite:///a.db"
    data = with_data(tmp_path, "{source: {env: ORDERS_URL}, query: SELECT 1, time: t}").data
    url = data.tables()["source"].url
    assert isinstance(url, FromEnvironment)
    assert data.model_dump(mode="json")["source"] == {"env": "ORDERS_URL"}
    with pytest.raises(InputError, match="'ORDERS_URL' is not set"):
        url.read()
    monkeypatch.setenv("ORDERS_URL", "postgresql://u:p@h/d")
    assert url.read() == "postgresql://u:p@h/d"


def test_join_columns_are_given_as_a_list_or_as_pairs(tmp_path: Path) -> None:
    joined = "b: {path: b.csv, on: [x, y]}, c: {path: c.csv, on: {x: z}}, d: {path: d.csv, on: x}"
    data = with_data(tmp_path, f"{{sources: {{a: {{path: a.csv}}, {joined}}}, time: t}}").data
    assert {name: source.on for name, source in data.tables().items()} == {
        "a": {}, "b": {"x": "x", "y": "y"}, "c": {"x": "z"}, "d": {"x": "x"},
    }  # fmt: skip


def test_the_source_that_joins_no_other_gives_the_rows_wherever_it_stands(tmp_path: Path) -> None:
    text = "{sources: {b: {path: b.csv, on: [x]}, a: {path: a.csv}}, time: t}"
    assert with_data(tmp_path, text).data.main() == "a"


def test_a_time_of_several_columns_keeps_its_parts(tmp_path: Path) -> None:
    time = with_data(tmp_path, "{source: a.csv, time: {hour: hr, date: dteday}}").data.time
    assert isinstance(time, TimeParts)
    assert time.columns() == {"date": "dteday", "hour": "hr"}


def test_words_that_other_readers_turn_into_values_stay_words(tmp_path: Path) -> None:
    spec = read(tmp_path, SMALLEST.replace("target: orders", "target: yes").replace("14}", "14, calendar: {country: NO}}"))
    assert spec.targets == ("yes",)
    assert spec.section.calendar.country == "NO"


def test_a_date_that_means_missing_stays_the_text_that_was_written(tmp_path: Path) -> None:
    assert with_data(tmp_path, "{source: a.csv, time: t, missing: [1900-01-01, 0]}").data.missing == ("1900-01-01", "0")


def test_a_kpi_without_a_target_is_measured_on_the_only_one(tmp_path: Path) -> None:
    assert read(tmp_path, SMALLEST).kpis[0].target == "orders"


def test_every_value_is_resolved_with_where_it_came_from(tmp_path: Path) -> None:
    spec = read(tmp_path, SMALLEST, "budget.time=90s", "kpis.accuracy.min_gain=0.01")
    found = {value.key: value for value in resolve(spec)}
    assert (found["forecast.horizon"].value, found["forecast.horizon"].origin) == (14, "file")
    assert found["forecast.horizon"].note.endswith("sevenstep.yaml:4")
    assert (found["budget.time"].value, found["budget.time"].origin) == ("1min 30s", "flag")
    assert found["budget.time"].note == "--set budget.time=90s"
    assert found["kpis.accuracy.goal"].value == "<= 0.12"
    assert found["kpis.accuracy.min_gain"].origin == "flag"
    assert found["kpis.accuracy.target"].origin == "default"
    assert (found["seed"].value, found["seed"].origin, found["seed"].note) == (0, "default", "")
    assert found["target"].value == ["orders"]
    assert found["target"].origin == "file"
    assert "data.timezone" in found


def test_a_search_within_a_parameter_says_so(tmp_path: Path) -> None:
    design = (
        "design: {candidates: [naive, {family: boosting, parameters: {leaves: {try: [31, 63]}}}], "
        "extra: [{family: boosting, name: slow, parameters: {rate: {range: [0.01, 0.3], log: true}, kinds: [1, 2]}}], folds: 4}\n"
    )
    spec = read(tmp_path, SMALLEST + design)
    first, second = spec.design.candidates
    assert first == "naive"
    assert second.parameters["leaves"].values == (31, 63)  # type: ignore[union-attr]
    assert spec.design.extra[0].parameters["rate"].range == (0.01, 0.3)
    assert spec.design.extra[0].parameters["kinds"] == [1, 2]
    assert read(tmp_path, SMALLEST + design) == spec


def test_reading_loads_no_numerical_library() -> None:
    code = (
        "import sys; from sevenstep.spec import read_spec; from sevenstep.tasks.registry import grammars; grammars();"
        "print(sorted({'numpy', 'polars', 'sqlalchemy', 'scipy', 'lightgbm', 'fsspec'} & set(sys.modules)))"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


def test_a_task_that_is_not_there_is_told_with_those_that_are() -> None:
    assert task_names()[0] == "forecast"
    with pytest.raises(InputError, match=r"task 'poetry' is not built; tasks there are: forecast"):
        load_task("poetry")


@pytest.mark.shared
@pytest.mark.skipif(not SHARED.is_dir(), reason="the shared specs are not beside the checkout")
@pytest.mark.parametrize(
    "name",
    ["rossmann", "walmart", "bike", "m4-hourly", "ai4i", "secom", "steel", "neu", "adult", "bank", "churn", "housing"],
)
def test_specs_on_real_data_read_as_they_stand(name: str) -> None:
    spec = read_spec(SHARED / f"{name}.yaml", grammars())
    assert spec.name == name
    assert {kpi.target for kpi in spec.kpis} <= {*spec.targets, None}
    assert spec.targets


@pytest.mark.shared
@pytest.mark.skipif(not SHARED.is_dir(), reason="the shared specs are not beside the checkout")
def test_specs_of_tasks_that_are_not_built_say_only_that() -> None:
    built = tuple(f"task: {name}" for name in grammars())
    texts = {file: file.read_text(encoding="utf-8") for file in sorted(SHARED.glob("*.yaml"))}
    others = [file for file, text in texts.items() if not any(word in text for word in built)]
    for file in others:
        with pytest.raises(InputError) as caught:
            read_spec(file, grammars())
        assert caught.value.sentence().count("\n") == 0
        assert caught.value.code == "SPEC-NO-TASK"
    assert others
