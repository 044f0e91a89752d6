"""A model a person has turns pictures into numbers: found in its folder, checked when opened, equal to a twin in NumPy."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from numpy.typing import NDArray
from PIL import Image

from onnx_models import SIDE, WIDTH, model_bytes, put_model, twin
from picture_files import file_of, noise
from sevenstep.data.dataset import Dataset, Roles
from sevenstep.data.embedding import embedder
from sevenstep.data.embedding.embedder import open_embedder
from sevenstep.data.embedding.files import TABLE, EmbeddingFiles, embedding_paths
from sevenstep.data.embedding.preprocessing import Preprocessing, read_stated, resolve
from sevenstep.data.fingerprints import fingerprint_data
from sevenstep.errors import InputError
from sevenstep.spec.sources import Data
from sevenstep.tasks.tabular.images.stage import PictureFeatures, build_stage, picture_vectors

MEAN, SPREAD = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])


@pytest.fixture(autouse=True)
def _needs_onnx() -> None:
    pytest.importorskip("onnx")
    pytest.importorskip("onnxruntime")


def vectors(folder: Path, contents: Sequence[bytes]) -> NDArray[np.float32]:
    return open_embedder(EmbeddingFiles.read(folder)).vectors(contents)


def colours(count: int) -> list[NDArray[np.uint8]]:
    return [noise(seed, SIDE, colours=True) for seed in range(count)]


def scaled(pictures: Sequence[NDArray[np.uint8]]) -> NDArray[np.float64]:
    """As published encoders want them, colours first."""
    values = (np.stack(pictures) / 255 - MEAN) / SPREAD
    return np.moveaxis(values, 3, 1)


def test_vectors_are_those_of_a_twin_in_numpy_whatever_the_batches(tmp_path: Path) -> None:
    pictures = colours(37)
    made = vectors(put_model(tmp_path), [file_of(one) for one in pictures])
    assert made.shape == (37, WIDTH) and made.dtype == np.float32
    np.testing.assert_allclose(made, twin(scaled(pictures)), rtol=1e-4, atol=1e-5)


def test_a_model_that_takes_a_fixed_number_at_once_is_given_as_many(tmp_path: Path) -> None:
    pictures = colours(7)
    made = vectors(put_model(tmp_path, model_bytes((3, 3, SIDE, SIDE))), [file_of(one) for one in pictures])
    np.testing.assert_allclose(made, twin(scaled(pictures)), rtol=1e-4, atol=1e-5)


def test_the_file_beside_the_model_says_how_pictures_are_prepared(tmp_path: Path) -> None:
    said = '{"colour": "bgr", "scale": 1, "mean": [10, 20, 30], "std": 64}'
    pictures = colours(3)
    made = vectors(put_model(tmp_path, said=said), [file_of(one) for one in pictures])
    values = (np.stack(pictures)[..., ::-1].astype(np.float64) - [10, 20, 30]) / 64
    np.testing.assert_allclose(made, twin(np.moveaxis(values, 3, 1)), rtol=1e-4, atol=1e-4)


def test_a_grey_model_of_whole_numbers_is_given_the_values_as_they_are(tmp_path: Path) -> None:
    pictures = [noise(seed, SIDE) for seed in range(3)]
    made = vectors(put_model(tmp_path, model_bytes(("n", 1, SIDE, SIDE), kind="UINT8")), [file_of(one) for one in pictures])
    np.testing.assert_allclose(made, twin(np.stack(pictures)[:, None].astype(np.float64)), rtol=1e-4, atol=1e-3)


@pytest.mark.parametrize("outputs", ["map", "tokens"])
def test_an_output_with_places_is_its_mean_over_them(tmp_path: Path, outputs: str) -> None:
    pictures = colours(2)
    made = vectors(put_model(tmp_path, model_bytes(outputs=outputs)), [file_of(one) for one in pictures])
    quarters = scaled(pictures).reshape(2, 3, 2, SIDE // 2, 2, SIDE // 2).mean(axis=(3, 5))
    expected = quarters.mean(axis=(2, 3)) if outputs == "map" else quarters.reshape(2, 3, 4).mean(axis=1)
    np.testing.assert_allclose(made, expected, rtol=1e-4, atol=1e-5)


def test_pictures_of_any_size_and_colour_are_embedded_and_one_that_cannot_be_read_changes_no_other(tmp_path: Path) -> None:
    put_model(tmp_path)
    fine = file_of(noise(1, 50))
    made = vectors(tmp_path, [fine, b"nothing", file_of(noise(2, 9, colours=True))])
    assert np.isnan(made[1]).all() and np.isfinite(made[[0, 2]]).all()
    np.testing.assert_allclose(made[0], vectors(tmp_path, [fine])[0], rtol=1e-5)
    same = np.asarray(
        Image.fromarray(noise(1, 50)).resize((SIDE, SIDE), Image.Resampling.BILINEAR, reducing_gap=3.0).convert("RGB")
    )
    np.testing.assert_allclose(made[0], twin(scaled([same]))[0], rtol=1e-3, atol=1e-4)


def test_weights_beside_the_model_are_found_and_belong_to_it(tmp_path: Path) -> None:
    onnx = pytest.importorskip("onnx")
    put_model(tmp_path / "whole")
    (tmp_path / "split").mkdir()
    model = onnx.load_from_string(model_bytes())
    onnx.save(
        model, tmp_path / "split" / "encoder.onnx", save_as_external_data=True, location="encoder.onnx.data", size_threshold=100
    )
    assert [path.name for path in embedding_paths("split", tmp_path)] == ["encoder.onnx", "encoder.onnx.data"]
    picture = [file_of(colours(1)[0])]
    np.testing.assert_array_equal(vectors(tmp_path / "split", picture), vectors(tmp_path / "whole", picture))


def resolved(shape: Sequence[int | str | None], said: str = "{}", kind: str = "tensor(float)") -> Preprocessing:
    return resolve(shape, kind, read_stated(said.encode()))


def test_size_layout_and_colours_are_read_off_the_shape_of_the_input() -> None:
    first, last = resolved(["n", 3, 32, 48]), resolved([1, 32, 48, 3])
    assert (first.layout, first.height, first.width, first.colour) == ("nchw", 32, 48, "rgb")
    assert (last.layout, last.height, last.width) == ("nhwc", 32, 48)
    assert resolved(["n", 1, 32, 32]).colour == "grey"
    free = resolved(["n", "c", "h", "w"])
    assert (free.layout, free.height, free.width, free.colour) == ("nchw", 224, 224, "rgb")
    assert (free.scale, free.mean) == (1 / 255, tuple(MEAN))
    assert resolved(["n", 3, "h", "w"], '{"size": [64, 96]}').width == 96
    assert resolved([None, "h", "w", "c"], '{"layout": "nhwc", "size": 64, "std": 0.5}').std == (0.5, 0.5, 0.5)


@pytest.mark.parametrize(
    ("shape", "said", "match"),
    [
        (["n", 3, 32, 32], '{"size": 64}', "a size the model does not take"),
        (["n", 3, 32, 32], '{"colour": "grey"}', "a colour the model does not take"),
        (["n", 3, 32, 32], '{"layout": "nhwc"}', "a layout the model does not take"),
        (["n", 3, 32, 32], '{"mean": [1, 2]}', "2 numbers as 'mean'"),
        (["n", 3, 32, 32], '{"stdd": 1}', "did you mean 'std'"),
        (["n", 3, 32, 32], '{"std": 0}', "'std': Input should be greater than 0"),
        (["n", 3, 32, 32], "size: 64", "cannot be read"),
    ],
)
def test_a_file_that_contradicts_the_model_is_told(shape: list[int | str | None], said: str, match: str) -> None:
    with pytest.raises(InputError, match=match) as caught:
        resolved(shape, said)
    assert caught.value.code == "EMBEDDING-PREPROCESSING"


@pytest.mark.parametrize(
    ("shape", "kind"), [(["n", 512], "tensor(float)"), (["n", 7, 32, 32], "tensor(float)"), (["n", 3, 8, 8], "tensor(string)")]
)
def test_an_input_that_is_no_picture_is_told(shape: list[int | str | None], kind: str) -> None:
    with pytest.raises(InputError, match=r"takes no pictures: its input is tensor") as caught:
        resolved(shape, kind=kind)
    assert caught.value.code == "EMBEDDING-INPUT"


def test_the_folder_must_hold_one_model(tmp_path: Path) -> None:
    put_model(tmp_path / "encoder")
    with pytest.raises(InputError, match=r"'encodr' is not there.*did you mean 'encoder'") as caught:
        embedding_paths("encodr", tmp_path)
    assert caught.value.code == "EMBEDDING-FOLDER"
    with pytest.raises(InputError, match=r"is a file; it names the folder"):
        embedding_paths("encoder/encoder.onnx", tmp_path)
    (tmp_path / "encoder" / "other.onnx").write_bytes(b"")
    with pytest.raises(InputError, match=r"holds the models encoder.onnx, other.onnx; it holds one model") as caught:
        embedding_paths("encoder", tmp_path)
    assert caught.value.code == "EMBEDDING-FILES"
    (tmp_path / "none").mkdir()
    with pytest.raises(InputError, match=r"no file that ends in .onnx"):
        embedding_paths("none", tmp_path)


def test_what_is_wrong_with_a_model_is_told_when_it_is_opened(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"'encoder.onnx' cannot be run \(") as caught:
        vectors(put_model(tmp_path / "damaged", b"no model"), [])
    assert caught.value.code == "EMBEDDING-MODEL" and "\n" not in caught.value.sentence()
    with pytest.raises(InputError, match=r"the output 'label' of the model of data.embedding is text") as caught:
        vectors(put_model(tmp_path / "text", model_bytes(outputs="text")), [])
    assert caught.value.code == "EMBEDDING-OUTPUT"
    named = put_model(tmp_path / "named", model_bytes(outputs="text"), '{"output": "vector"}')
    assert vectors(named, [file_of(colours(1)[0])]).shape == (1, WIDTH)
    with pytest.raises(InputError, match=r"names the output 'vektor'.*did you mean 'vector'"):
        vectors(put_model(tmp_path / "other", said='{"output": "vektor"}'), [])
    with pytest.raises(InputError, match=r"has the shape \[8, 9000\] for 8 pictures; an embedding is a row of at most 8,192"):
        vectors(put_model(tmp_path / "wide", model_bytes(width=9000)), [])


def test_without_the_runtime_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedder, "find_spec", lambda name: None)
    with pytest.raises(InputError, match=r"pip install 'sevenstep\[embedding\]'") as caught:
        open_embedder(EmbeddingFiles({"never opened.onnx": b"1"}))
    assert caught.value.code == "EMBEDDING-EXTRA"


def test_the_stage_embeds_all_pictures_and_is_read_back_as_it_was(tmp_path: Path) -> None:
    files = EmbeddingFiles.read(put_model(tmp_path / "model"))
    items = pl.DataFrame({"shot": [*[file_of(one) for one in colours(3)], None, b"nothing"]})
    facts = {name: {"value": value} for name, value in {"kinds": {"shot": "picture"}, "split": "random"}.items()}
    stage = build_stage({"kind": "embedding"}, Dataset({"items": items, TABLE: files.table()}, Roles(("y",)), facts))
    assert stage.frame.columns == [f"shot embedding {number}" for number in range(1, WIDTH + 1)]
    np.testing.assert_allclose(stage.frame[:3].to_numpy(), twin(scaled(colours(3))), rtol=1e-4, atol=1e-5)
    assert np.isnan(stage.frame[3:].to_numpy()).all()
    (tmp_path / "stage").mkdir()
    stage.save(tmp_path / "stage")
    back = PictureFeatures.load(tmp_path / "stage")
    assert back.kind == "embedding" and back.frame.equals(stage.frame, null_equal=True)
    without = picture_vectors(items.select(pl.lit(1).alias("other")), ["shot"], files)
    assert np.isnan(without.to_numpy()).all()


def test_files_go_through_a_table_and_a_folder_as_they_are(tmp_path: Path) -> None:
    files = EmbeddingFiles.read(put_model(tmp_path / "a", said='{"scale": 1}'))
    assert EmbeddingFiles.of_table(files.table()) == files
    (tmp_path / "b").mkdir()
    files.save(tmp_path / "b")
    assert EmbeddingFiles.read(tmp_path / "b").checksum == files.checksum


def test_the_fingerprint_of_the_data_knows_the_model_and_not_notes_beside_it(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(file_of(noise(1)))
    folder = put_model(tmp_path / "model")
    data = Data(source="a.png", embedding="model")

    def fingerprint() -> dict[str, str]:
        return fingerprint_data(data, tmp_path, {})

    before = fingerprint()
    assert list(before) == ["source", "data.embedding"]
    (folder / "README.md").write_text("an encoder")
    assert fingerprint() == before
    put_model(folder, said='{"scale": 1}')
    said = fingerprint()
    put_model(folder, model_bytes(width=5), '{"scale": 1}')
    assert len({hashed["data.embedding"] for hashed in (before, said, fingerprint())}) == 3
