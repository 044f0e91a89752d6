"""Writing a template: whole or not at all, the same bytes for the same seed, and a sentence where it cannot be."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest
from ruamel.yaml import YAML

from sevenstep.errors import InputError
from sevenstep.spec.read import read_spec
from sevenstep.tasks.forecast.grammar import GRAMMAR
from sevenstep.templates.catalog import template_names, write_template
from sevenstep.templates.retail.writer import true_effects


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("templates") / "orders"
    write_template("retail", folder)
    return folder


def digests(folder: Path) -> dict[str, str]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def test_there_is_a_template_for_each_industry() -> None:
    assert template_names() == ("retail", "quality", "manuals")


def test_the_same_seed_gives_the_same_bytes_and_another_seed_others(project: Path, tmp_path: Path) -> None:
    write_template("retail", tmp_path / "again")
    assert digests(tmp_path / "again") == digests(project)
    write_template("retail", tmp_path / "other", seed=1)
    other = digests(tmp_path / "other")
    assert other.keys() == digests(project).keys()
    assert other["data/orders.csv"] != digests(project)["data/orders.csv"]


def test_the_files_returned_are_the_files_written_spec_first(tmp_path: Path) -> None:
    written = write_template("retail", tmp_path / "orders")
    assert written[0].name == "sevenstep.yaml"
    assert sorted(written) == sorted(path for path in (tmp_path / "orders").rglob("*") if path.is_file())
    assert [path.name for path in tmp_path.iterdir()] == ["orders"]


def test_the_files_read_back_with_the_types_they_mean(project: Path) -> None:
    for path in set(project.rglob("*.csv")) - {project / "data/orders.csv"}:
        table = pl.read_csv(path, try_parse_dates=True)
        assert table.height > 0
        assert all(table.schema[name] == pl.Date for name in ("date", "published") if name in table.columns), path
    orders = pl.read_csv(project / "data/orders.csv", infer_schema_length=None)
    assert orders.schema["quantity"] == pl.String  # three of its cells are text on purpose
    assert all(orders.schema[name].is_numeric() for name in ("orders", "revenue", "lead_time_hours", "price", "stock_end"))


def test_every_source_of_the_spec_is_there_and_joins(project: Path) -> None:
    spec = YAML(typ="safe").load((project / "sevenstep.yaml").read_text(encoding="utf-8"))
    sources = {name: source["path"] for name, source in spec["data"]["sources"].items()}
    frames = {
        name: pl.concat(
            [pl.read_csv(project / path, infer_schema_length=None) for path in ([paths] if isinstance(paths, str) else paths)],
            how="diagonal_relaxed",
        )
        for name, paths in sources.items()
    }
    rows = frames.pop("orders")
    for name, frame in frames.items():
        on = spec["data"]["sources"][name]["on"]
        published = [spec["data"]["sources"][name]["published"]] if "published" in spec["data"]["sources"][name] else []
        assert not frame.select(*on, *published).is_duplicated().any(), name
        frame = frame.sort(published).unique(on, keep="last").drop(published) if published else frame
        if name not in ("events", "bookings"):  # most days have no event, and stores take no bookings
            assert rows.join(frame, on=on, how="anti").is_empty(), name
        rows = rows.join(frame, on=on, how="left")
    named = [*spec["data"]["series"], *spec["data"]["segments"], *spec["target"], spec["data"]["time"]]
    assert set(named) <= set(rows.columns)
    assert set(spec["forecast"]["known_ahead"]) <= set(rows.columns) | set(frames)
    future = pl.read_csv(project / "future.csv")
    assert set(rows.columns) - set(future.columns) == {"orders", "quantity", "revenue", "lead_time_hours", "stock_end"}


def test_the_spec_as_written_is_accepted(project: Path) -> None:
    spec = read_spec(project / "sevenstep.yaml", {"forecast": GRAMMAR})
    assert spec.target == ("orders", "revenue")
    assert [kpi.id for kpi in spec.kpis] == ["accuracy", "money"]


def test_the_small_spec_in_its_comments_is_accepted(project: Path, tmp_path: Path) -> None:
    text = (project / "sevenstep.yaml").read_text(encoding="utf-8")
    small = text[: text.index("# Below")].split("default:\n")[1].replace("#   ", "").replace("#\n", "")
    (tmp_path / "sevenstep.yaml").write_text(small, encoding="utf-8")
    assert read_spec(tmp_path / "sevenstep.yaml", {"forecast": GRAMMAR}).target == ("orders",)


def test_the_spec_with_every_option_taken_is_accepted(project: Path, tmp_path: Path) -> None:
    text = (project / "sevenstep.yaml").read_text(encoding="utf-8").replace("target: [orders, revenue]\n", "")
    (tmp_path / "sevenstep.yaml").write_text(text.replace("# option: ", ""), encoding="utf-8")
    spec = read_spec(tmp_path / "sevenstep.yaml", {"forecast": GRAMMAR})
    assert spec.target == ("orders", "quantity", "revenue", "lead_time_hours")
    assert [kpi.id for kpi in spec.kpis] == ["accuracy", "money", "items", "delivery"]


def test_planted_faults_stand_on_the_lines_they_are_said_to(project: Path) -> None:
    planted = true_effects().planted
    lines = (project / "data/orders.csv").read_text(encoding="utf-8").splitlines()
    header, readme = lines[0].split(","), (project / "README.md").read_text(encoding="utf-8")
    assert sorted(fault.kind for fault in planted) == ["duplicate", "duplicate", "negative", "text", "text", "text"]
    for fault in planted:
        line = lines[fault.line - 1]
        if fault.kind == "duplicate":
            assert line == lines[fault.line - 2]
        else:
            assert line.split(",")[header.index(fault.column)] == fault.given
        assert f"| {fault.file} | {fault.line} | {fault.kind} |" in readme


def test_but_for_the_planted_faults_the_orders_are_clean(project: Path) -> None:
    orders = pl.read_csv(project / "data/orders.csv", infer_schema_length=None)
    assert orders.height - orders.unique().height == 2
    assert (orders["orders"] < 0).sum() == 1
    assert orders["quantity"].cast(pl.Int64, strict=False).null_count() == 3


def test_an_unknown_template_or_size_is_named_with_the_nearest_known_one(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="did you mean 'retail'") as caught:
        write_template("retial", tmp_path / "orders")
    assert caught.value.code == "TEMPLATE-UNKNOWN"
    with pytest.raises(InputError, match="did you mean 'small'") as caught:
        write_template("retail", tmp_path / "orders", size="smal")  # type: ignore[arg-type]
    assert caught.value.code == "TEMPLATE-SIZE"
    with pytest.raises(InputError, match="TEMPLATE-SEED"):
        write_template("retail", tmp_path / "orders", seed=-1)
    assert not (tmp_path / "orders").exists()


def test_a_folder_with_files_is_refused_and_left_alone(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(InputError, match="holds files already") as caught:
        write_template("retail", tmp_path)
    assert caught.value.code == "TEMPLATE-FOLDER"
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]
    with pytest.raises(InputError, match="is a file"):
        write_template("retail", tmp_path / "notes.txt")


def test_an_empty_folder_is_filled_but_not_the_one_you_stand_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "orders").mkdir()
    assert write_template("retail", tmp_path / "orders")[0].exists()
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    with pytest.raises(InputError, match="TEMPLATE-HERE"):
        write_template("retail", Path())


def test_a_parent_that_cannot_hold_a_folder_is_said_in_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(InputError, match="TEMPLATE-WRITE"):
        write_template("retail", tmp_path / "notes.txt" / "orders")


def test_a_crash_while_writing_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def crash(*_: object) -> None:
        raise RuntimeError("power cut")

    monkeypatch.setattr("sevenstep.templates.retail.writer.plant_faults", crash)
    with pytest.raises(RuntimeError, match="power cut"):
        write_template("retail", tmp_path / "orders")
    assert list(tmp_path.iterdir()) == []


def test_listing_templates_loads_no_numerical_library() -> None:
    code = (
        "import sys, sevenstep.templates.catalog as c; c.template_names(); print({'numpy', 'polars', 'scipy'} & set(sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "set()"
