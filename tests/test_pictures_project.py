"""A project of pictures by the command line: learnt with an embedding, and whatever a person gives to be predicted."""

from __future__ import annotations

import io
import json
import shutil
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from numpy.typing import NDArray
from PIL import Image

from onnx_models import SIDE, model_bytes, put_model, twin
from picture_files import file_of
from small_projects import Told, sevenstep

SPEC = """spec: 1
name: shots
task: regression
data: {source: shots.csv, image: shot, embedding: encoder}
target: wear
kpis: [{id: error, metric: rmse, goal: "<= 2", baseline: mean}]
design: {folds: 3, candidates: [embedding_linear]}
budget: {time: 60s}
"""
SAID = '{"mean": 0, "std": 1, "scale": 0.01}'


def shot(seed: int) -> NDArray[np.uint8]:
    """Four patches of random brightness."""
    patches = np.random.default_rng(seed).integers(20, 230, (2, 2, 3))
    return np.asarray(patches.repeat(SIDE // 2, axis=0).repeat(SIDE // 2, axis=1), dtype=np.uint8)


def wear(seed: int) -> float:
    """What the model of the project makes of a picture, so that no measured feature tells it as well."""
    return float(twin(np.moveaxis(shot(seed)[None] / 100.0, 3, 1))[0].sum())


def project(folder: Path, count: int = 48) -> Path:
    (folder / "shots").mkdir(parents=True)
    for seed in range(count):
        (folder / "shots" / f"{seed:03d}.png").write_bytes(file_of(shot(seed)))
    rows = {"shot": [f"shots/{seed:03d}.png" for seed in range(count)], "wear": [wear(seed) for seed in range(count)]}
    pl.DataFrame(rows).write_csv(folder / "shots.csv")
    put_model(folder / "encoder", model_bytes(), SAID)
    (folder / "sevenstep.yaml").write_text(SPEC, encoding="utf-8")
    return folder


def run(folder: Path, *words: str) -> Told:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SEVENSTEP_CORES", "1")
        return sevenstep("run", folder / "sevenstep.yaml", "--store", folder / "store", "--json", *words)


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Told]:
    """The project, run; the folder of its model is gone afterwards."""
    pytest.importorskip("onnx")
    pytest.importorskip("onnxruntime")
    folder = project(tmp_path_factory.mktemp("shots") / "project")
    told = run(folder)
    shutil.move(folder / "encoder", folder / "encoder-elsewhere")
    return folder, told


def predict(folder: Path, rows: Path) -> tuple[Told, pl.DataFrame]:
    output = rows.parent / "out.parquet"
    told = sevenstep("predict", folder / "sevenstep.yaml", "--store", folder / "store", "--input", rows, "--output", output)
    return told, pl.read_parquet(output) if told.code == 0 else pl.DataFrame()


def new_shots(folder: Path, count: int = 4) -> Path:
    """Pictures not learnt from, named against the order in which they are made."""
    for number in range(count):
        (folder / f"part {count - number}").mkdir(parents=True)
        (folder / f"part {count - number}" / "shot.png").write_bytes(file_of(shot(900 + number)))
    return folder


@pytest.fixture(scope="module")
def known(done: tuple[Path, Told], tmp_path_factory: pytest.TempPathFactory) -> list[float]:
    """What is predicted of four whole pictures, as bytes."""
    rows = tmp_path_factory.mktemp("known") / "rows.parquet"
    pl.DataFrame({"shot": [file_of(shot(900 + number)) for number in range(4)]}).write_parquet(rows)
    told, made = predict(done[0], rows)
    assert told.code == 0, told.err
    assert made.columns[0] == "prediction"
    return made["prediction"].to_list()


def test_the_embedding_is_chosen_and_its_model_is_part_of_the_release_which_serves_without_its_folder(
    done: tuple[Path, Told], known: list[float]
) -> None:
    folder, told = done
    assert told.code == 0, told.err
    assert "embedding_linear" in next(step["headline"] for step in json.loads(told.out)["steps"] if step["name"] == "train")
    release = folder / "store" / "releases" / "0001"
    assert (release / "model" / "embedding" / "encoder.onnx").read_bytes() == model_bytes()
    manifest = json.loads((release / "manifest.json").read_text(encoding="utf-8"))
    assert "embedding/encoder.onnx" in manifest["files"] and "onnxruntime" in manifest["libraries"]
    assert not (folder / "encoder").exists()
    np.testing.assert_allclose(known, [wear(900 + number) for number in range(4)], atol=3)


def test_a_damaged_model_of_a_release_is_told(done: tuple[Path, Told], tmp_path: Path) -> None:
    shutil.copytree(done[0], tmp_path / "copy")
    model = tmp_path / "copy" / "store" / "releases" / "0001" / "model" / "embedding" / "encoder.onnx"
    model.write_bytes(model.read_bytes() + b" ")
    told, _ = predict(tmp_path / "copy", new_shots(tmp_path / "new"))
    assert told.code == 2 and "embedding/encoder.onnx does not match its checksum" in told.err


def test_a_folder_of_pictures_is_a_row_for_each_in_the_order_of_their_paths(
    done: tuple[Path, Told], known: list[float], tmp_path: Path
) -> None:
    told, made = predict(done[0], new_shots(tmp_path / "new"))
    assert told.code == 0, told.err
    assert made["file"].to_list() == [f"part {number}/shot.png" for number in range(1, 5)]
    np.testing.assert_allclose(made["prediction"], known[::-1], rtol=1e-5)


def test_a_table_of_paths_alone_keeps_its_paths_and_its_order(
    done: tuple[Path, Told], known: list[float], tmp_path: Path
) -> None:
    new_shots(tmp_path / "new")
    paths = [str(tmp_path / "new" / f"part {number}" / "shot.png") for number in (3, 1, 4)]
    pl.DataFrame({"shot": paths}).write_csv(tmp_path / "rows.csv")
    told, made = predict(done[0], tmp_path / "rows.csv")
    assert told.code == 0, told.err
    assert made.columns[:2] == ["shot", "prediction"] and made["shot"].to_list() == paths
    np.testing.assert_allclose(made["prediction"], [known[1], known[3], known[0]], rtol=1e-5)


def test_columns_of_ones_own_keep_their_names_beside_paths_and_beside_pictures(
    done: tuple[Path, Told], known: list[float], tmp_path: Path
) -> None:
    new_shots(tmp_path / "new")
    own = {"shot file": ["left", "right"], "path": ["a", "b"], "file": ["c", "d"]}
    paths = [str(tmp_path / "new" / f"part {number}" / "shot.png") for number in (4, 3)]
    pl.DataFrame({"shot": paths, **own}).write_csv(tmp_path / "rows.csv")
    pl.DataFrame({**own, "shot": [file_of(shot(900)), file_of(shot(901))]}).write_parquet(tmp_path / "rows.parquet")
    for rows, columns in (("rows.csv", ["shot", *own]), ("rows.parquet", [*own])):
        told, made = predict(done[0], tmp_path / rows)
        assert told.code == 0, told.err
        assert made.columns == [*columns, *made.columns[len(columns) :]] and made.columns[len(columns)] == "prediction"
        assert made.select(*own).to_dict(as_series=False) == own
        np.testing.assert_allclose(made["prediction"], known[:2], rtol=1e-5)


def test_a_corrupt_picture_has_no_prediction_and_changes_no_other(
    done: tuple[Path, Told], known: list[float], tmp_path: Path
) -> None:
    contents = [file_of(shot(900 + number)) for number in range(4)]
    contents[1] = contents[1][:60]
    pl.DataFrame({"shot": contents, "part": [7, 5, 3, 1]}).write_parquet(tmp_path / "rows.parquet")
    told, made = predict(done[0], tmp_path / "rows.parquet")
    assert told.code == 0, told.err
    assert made["part"].to_list() == [7, 5, 3, 1]
    assert made["prediction"].is_null().to_list() == [False, True, False, False]
    assert made.filter(pl.col("part") == 5).select(pl.exclude("part").is_null().all()).row(0) == (True,) * (made.width - 1)
    np.testing.assert_allclose(made["prediction"].drop_nulls(), [known[0], *known[2:]], rtol=1e-5)
    assert "the picture in 'shot' of row 2 cannot be read (it is damaged" in told.err
    assert "1 of 4 rows has no value to predict from" in told.err
    assert "3 predictions of release" in told.out + told.err


def test_a_missing_file_is_named_and_changes_no_other(done: tuple[Path, Told], known: list[float], tmp_path: Path) -> None:
    new_shots(tmp_path / "new")
    paths = [str(tmp_path / "new" / name / "shot.png") for name in ("part 4", "gone", "part 2")]
    pl.DataFrame({"shot": paths}).write_csv(tmp_path / "rows.csv")
    told, made = predict(done[0], tmp_path / "rows.csv")
    assert told.code == 0, told.err
    assert made["prediction"][1] is None and made["shot"].to_list() == paths
    np.testing.assert_allclose(made["prediction"][[0, 2]], [known[0], known[2]], rtol=1e-5)
    assert "of row 2 (" in told.err and "gone/shot.png) cannot be read (no file has this name" in told.err


def test_without_any_picture_there_is_an_error_in_place_of_empty_predictions(done: tuple[Path, Told], tmp_path: Path) -> None:
    pl.DataFrame({"shot": ["a.png", "b.png"]}).write_csv(tmp_path / "rows.csv")
    told, _ = predict(done[0], tmp_path / "rows.csv")
    assert told.code == 2 and "no row has a value to predict from" in told.err and "PREDICT-BLANK" in told.err
    assert "rows 1 (a.png), 2 (b.png) cannot be read" in told.err
    pl.DataFrame({"other": [1, 2]}).write_csv(tmp_path / "rows.csv")
    told, _ = predict(done[0], tmp_path / "rows.csv")
    assert told.code == 2 and "the rows have none of the columns learnt from" in told.err
    told, _ = predict(done[0], tmp_path / "nowhere")
    assert told.code == 2 and "a file with the rows to be predicted, or a folder of pictures" in told.err


def test_pictures_of_another_size_or_mode_are_predicted_alike(
    done: tuple[Path, Told], known: list[float], tmp_path: Path
) -> None:
    def saved(image: Image.Image, kind: str = "PNG") -> bytes:
        written = io.BytesIO()
        image.save(written, kind)
        return written.getvalue()

    image = Image.fromarray(shot(900))
    large = image.resize((480, 320), Image.Resampling.NEAREST)
    others = [
        saved(large),
        saved(large.convert("RGBA")),
        saved(image.convert("P", palette=Image.Palette.ADAPTIVE)),
        saved(large, "BMP"),
    ]
    pl.DataFrame({"shot": [*others, saved(image.convert("L")), saved(image.convert("1"))]}).write_parquet(
        tmp_path / "rows.parquet"
    )
    told, made = predict(done[0], tmp_path / "rows.parquet")
    assert told.code == 0, told.err
    np.testing.assert_allclose(made["prediction"][:4], [known[0]] * 4, atol=0.3)
    assert made["prediction"].is_finite().all()


def test_a_picture_replaced_under_its_name_is_newer_data(done: tuple[Path, Told], tmp_path: Path) -> None:
    folder = tmp_path / "copy"
    shutil.copytree(done[0], folder)
    shutil.move(folder / "encoder-elsewhere", folder / "encoder")
    again = json.loads(run(folder, "--until", "define").out)["steps"]
    assert [step["cached"] for step in again] == [True]
    (folder / "shots" / "003.png").write_bytes(file_of(shot(500)))
    changed = json.loads(run(folder, "--until", "define").out)["steps"]
    assert [step["cached"] for step in changed] == [False]
