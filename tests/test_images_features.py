"""What is measured of a picture equals independent implementations, is finite, and tells textures apart."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from numpy.typing import NDArray
from scipy import ndimage
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from picture_files import file_of, noise, texture
from sevenstep.data.dataset import Dataset, Roles
from sevenstep.tasks.tabular.images import blobs, brightness, cooccurrence, gradients, patterns, scattering
from sevenstep.tasks.tabular.images.features import GROUPS, describe, feature_names
from sevenstep.tasks.tabular.images.portfolio import PICTURE_PORTFOLIO
from sevenstep.tasks.tabular.images.read import Picture, read_picture
from sevenstep.tasks.tabular.images.stage import PictureFeatures, build_stage, picture_features

NEU = Path(__file__).resolve().parent.parent.parent / "shared" / "data" / "neu_det" / "train.parquet"


def grey(seed: int, side: int = 96) -> NDArray[np.float32]:
    smooth = ndimage.gaussian_filter(np.random.default_rng(seed).random((side, side)), 1.5)
    scaled: NDArray[np.float32] = ((smooth - smooth.min()) / np.ptp(smooth)).astype(np.float32)
    return scaled


def named(names: Sequence[str], values: NDArray[np.float32]) -> dict[str, float]:
    return dict(zip(names, values.tolist(), strict=True))


# Against other implementations ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("points", "radius"), patterns.RINGS)
def test_local_binary_patterns_are_those_of_scikit_image(points: int, radius: int) -> None:
    feature = pytest.importorskip("skimage.feature")
    levels = (grey(1) * 255).astype(np.uint8)
    theirs = feature.local_binary_pattern(levels, points, radius, "uniform")[radius:-radius, radius:-radius]
    ours = patterns.pattern_codes((levels / 255).astype(np.float32), points, radius)
    # Where an interpolated neighbour equals the centre but for rounding, the two may decide differently.
    assert (ours == theirs).mean() > 0.98


def test_codes_do_not_change_when_a_picture_is_turned_by_a_quarter() -> None:
    picture = grey(2)
    assert np.array_equal(patterns.pattern_codes(np.rot90(picture), 8, 1), np.rot90(patterns.pattern_codes(picture, 8, 1)))


def test_co_occurrence_is_that_of_scikit_image() -> None:
    feature = pytest.importorskip("skimage.feature")
    picture = grey(3)
    levels = np.minimum((picture * cooccurrence.LEVELS).astype(np.uint8), cooccurrence.LEVELS - 1)
    turns = [0, np.pi / 4, np.pi / 2, 3 * np.pi / 4]
    theirs = feature.graycomatrix(levels, cooccurrence.DISTANCES, [0], cooccurrence.LEVELS, symmetric=True, normed=True)
    for place, distance in enumerate(cooccurrence.DISTANCES):
        np.testing.assert_allclose(cooccurrence.matrix(levels.astype(np.int64), 0, distance), theirs[:, :, place, 0])
    nearest = feature.graycomatrix(levels, [1], turns, cooccurrence.LEVELS, symmetric=True, normed=True)
    ours = named(cooccurrence.names(), cooccurrence.co_occurrence(picture))
    for figure in ("contrast", "homogeneity", "energy", "correlation", "entropy"):
        by_turn = feature.graycoprops(nearest, figure)[0]
        assert ours[f"beside 1px {figure} mean"] == pytest.approx(by_turn.mean(), rel=1e-5)
        assert ours[f"beside 1px {figure} range"] == pytest.approx(np.ptp(by_turn), rel=1e-4)


def test_a_wave_answers_with_the_height_of_the_wavelet_at_its_frequency() -> None:
    side, cycles = 96, 9
    wave = (0.5 + 0.25 * np.cos(2 * np.pi * cycles * np.arange(side) / side))[None, :] * np.ones((side, 1))
    first = np.exp(scattering.scattering(wave.astype(np.float32))[: scattering.SCALES * scattering.DIRECTIONS])
    for scale in range(scattering.SCALES):
        for turn in range(scattering.DIRECTIONS):
            spectrum = scattering.wavelet(side, scale, np.pi * turn / scattering.DIRECTIONS)
            # A real wave is two opposite ones of half the height; where the wavelet lets one through, the modulus is constant.
            passed, other = 0.125 * abs(spectrum[0, cycles]), 0.125 * abs(spectrum[0, -cycles])
            found = first[scale * scattering.DIRECTIONS + turn]
            assert max(passed, other) - 2e-5 <= found <= passed + other + 2e-5


def test_scattering_equals_a_slow_twin_that_steps_over_no_pixel() -> None:
    picture = grey(4).astype(np.float64)

    def filtered(values: NDArray[np.float64], scale: int, turn: int) -> NDArray[np.float64]:
        spectrum = scattering.wavelet(96, scale, np.pi * turn / scattering.DIRECTIONS)
        return np.abs(np.fft.ifft2(np.fft.fft2(values) * spectrum))

    ours = named(scattering.names(), np.exp(scattering.scattering(grey(4))))
    for fine, turn, coarse, other in [(0, 0, 1, 3), (0, 2, 2, 2), (1, 5, 2, 0), (1, 1, 3, 4), (2, 3, 3, 3)]:
        modulus = filtered(picture - picture.mean(), fine, turn)
        first = f"wave {2**fine}px {30 * turn}deg"
        assert ours[first] == pytest.approx(modulus.mean(), rel=0.03)
        second = ours[f"{first} by {2**coarse}px {30 * other}deg"]
        assert second == pytest.approx(filtered(modulus, coarse, other).mean(), rel=0.15)


def test_wavelets_let_no_constant_through() -> None:
    for scale in range(scattering.SCALES):
        assert abs(scattering.wavelet(96, scale, 0.3)[0, 0]) < 1e-9


def test_gradients_of_a_slope_are_its_steepness_in_its_direction() -> None:
    down, right = np.mgrid[:96, :96]
    slope = ((right * np.cos(np.pi / 4) + down * np.sin(np.pi / 4)) / 200).astype(np.float32)
    found = named(gradients.names(), gradients.gradients(slope))
    assert found["edge mean"] == pytest.approx(1 / 200, rel=1e-3)
    assert found["edge spread"] == pytest.approx(0, abs=1e-5)
    assert found["edge coherence"] == pytest.approx(1, abs=1e-3)
    assert found["edge 40deg"] == pytest.approx(1, abs=0.01)


def test_moments_of_brightness_are_those_of_scipy() -> None:
    from scipy import stats

    picture = grey(5)
    found = named(brightness.names_of_brightness(), brightness.brightness(picture))
    assert found["light mean"] == pytest.approx(picture.mean(), rel=1e-4)
    assert found["light skew"] == pytest.approx(stats.skew(picture, axis=None), rel=1e-3)
    assert found["light tails"] == pytest.approx(stats.kurtosis(picture, axis=None, fisher=False), rel=1e-3)
    assert found["light quantile 0.25"] == pytest.approx(np.quantile(picture, 0.25), rel=1e-5)


def test_spots_are_counted_and_measured() -> None:
    picture = np.full((192, 192), 0.5, dtype=np.float32) + np.random.default_rng(0).normal(0, 0.005, (192, 192)).astype(
        np.float32
    )
    picture[20:60, 30:50] = 0.1  # a dark bar, twice as high as wide
    picture[100:110, 100:110] = 0.1
    found = named(blobs.names(), blobs.blobs(picture))
    assert np.expm1(found["dark spots count"]) == pytest.approx(2, abs=0.01)
    # Smoothing makes a spot up to two pixels wider on each side.
    assert 40 * 20 <= found["dark spots largest"] * 192**2 <= 44 * 24 + 0.01
    assert np.log(44 / 24) - 1e-6 <= found["dark spots length"] <= np.log(40 / 20)
    assert found["bright spots area"] < 0.05


def test_colours_tell_red_from_green_of_equal_brightness() -> None:
    def plain(red: int, green: int, blue: int) -> dict[str, float]:
        content = file_of(np.full((64, 64, 3), (red, green, blue), dtype=np.uint8))
        return named(feature_names(["colour"]), describe(read_picture(content), ["colour"]))

    assert plain(200, 0, 0)["colour red-green mean"] == pytest.approx(200 / 255, abs=0.01)
    assert plain(0, 200, 0)["colour red-green mean"] == pytest.approx(-200 / 255, abs=0.01)
    assert plain(90, 90, 90)["colour saturation 0"] == 1.0


# What holds for all groups ----------------------------------------------------------------------------------------------------


def extremes() -> dict[str, NDArray[np.uint8]]:
    black = np.zeros((50, 50), dtype=np.uint8)
    one = black.copy()
    one[25, 25] = 255
    return {"black": black, "white": black + 255, "one pixel": one, "noise": noise(1), "tiny": noise(2, 1)}


@pytest.mark.parametrize("kind", extremes())
def test_every_feature_of_every_picture_is_a_number_with_a_name(kind: str) -> None:
    picture = read_picture(file_of(extremes()[kind]))
    for group in GROUPS:
        values = describe(picture, [group])
        assert values.dtype == np.float32
        assert len(values) == len(feature_names([group]))
        assert np.isfinite(values).all(), group


def test_names_of_features_differ() -> None:
    names = feature_names(tuple(GROUPS))
    assert len(set(names)) == len(names) > 600


def test_features_depend_on_the_picture_alone() -> None:
    first, second = (read_picture(file_of(noise(seed))) for seed in (1, 2))
    alone = describe(first, tuple(GROUPS))
    describe(second, tuple(GROUPS))
    assert np.array_equal(describe(Picture(first.grey.copy(), first.colour.copy()), tuple(GROUPS)), alone)


def test_features_tell_textures_apart() -> None:
    kinds = ["stripes", "spots", "step"] * 12
    rows = pl.DataFrame({"image": [file_of(texture(kind, seed)) for seed, kind in enumerate(kinds)]})
    for groups in (["pattern"], ["wave"], ["edge"]):
        values = picture_features(rows, ["image"], groups).to_numpy()
        model = make_pipeline(StandardScaler(), LogisticRegression(C=0.1))
        assert cross_val_score(model, values, kinds, cv=4).mean() > 0.9, groups


# The stage --------------------------------------------------------------------------------------------------------------------


def dataset(images: Sequence[bytes | None]) -> Dataset:
    items = pl.DataFrame({"image": images, "x": range(len(images)), "y": ["a", "b"] * (len(images) // 2)})
    facts = {"kinds": {"image": "picture", "x": "number"}, "split": "stratified", "classes": ["a", "b"]}
    return Dataset({"items": items}, Roles(("y",)), {name: {"value": value, "reason": ""} for name, value in facts.items()})


def test_a_stage_has_the_rows_of_the_data_and_is_read_back_as_it_was(tmp_path: Path) -> None:
    images = [file_of(noise(1)), file_of(noise(2)), None, file_of(noise(1))]
    stage = build_stage({"kind": "pictures"}, dataset(images))
    assert stage.frame.columns == [f"image {name}" for name in feature_names(tuple(GROUPS))]
    assert set(stage.frame.dtypes) == {pl.Float32}
    values = stage.frame.to_numpy()
    assert np.array_equal(values[0], values[3]) and not np.array_equal(values[0], values[1])
    assert np.isnan(values[2]).all() and np.isfinite(values[[0, 1]]).all()
    stage.save(tmp_path)
    assert PictureFeatures.load(tmp_path).frame.equals(stage.frame)


def test_a_stage_may_measure_some_groups_only() -> None:
    stage = build_stage({"kind": "pictures", "groups": ["colour"]}, dataset([file_of(noise(1)), file_of(noise(2))]))
    assert stage.frame.columns == [f"image {name}" for name in feature_names(["colour"])]


def test_rows_to_be_predicted_get_the_features_of_training() -> None:
    rows = pl.DataFrame({"image": [file_of(noise(seed)) for seed in range(3)]})
    whole = picture_features(rows, ["image"])
    assert picture_features(rows[[2, 0]], ["image"]).equals(whole[[2, 0]])


def test_a_picture_that_cannot_be_read_or_is_not_there_leaves_the_others_as_they_are() -> None:
    rows = pl.DataFrame({"image": [file_of(noise(1)), b"nothing", None]})
    values = picture_features(rows, ["image", "other"], ["colour"]).to_numpy()
    count = len(feature_names(["colour"]))
    assert np.isfinite(values[0, :count]).all()
    assert np.isnan(values[1:]).all() and np.isnan(values[:, count:]).all()


def test_rows_without_any_are_no_fault() -> None:
    empty = pl.DataFrame({"image": []}, schema={"image": pl.Binary})
    assert picture_features(empty, ["image"], ["colour"]).shape == (0, len(feature_names(["colour"])))


def test_configurations_for_pictures_have_the_fields_of_those_for_tables() -> None:
    from sevenstep.tasks.tabular.families.portfolio import PORTFOLIO

    fields = set(PORTFOLIO[0])
    assert all(set(entry) == fields for entry in PICTURE_PORTFOLIO)
    names = [entry["name"] for entry in (*PORTFOLIO, *PICTURE_PORTFOLIO)]
    assert len(set(names)) == len(names)


@pytest.mark.shared
@pytest.mark.skipif(not NEU.is_file(), reason="the data sets are not beside the checkout")
def test_a_linear_model_on_them_tells_surface_defects_of_steel() -> None:
    rows = pl.read_parquet(NEU, columns=["label", "image"])[::10]
    values = picture_features(rows, ["image"]).to_numpy()
    model = make_pipeline(StandardScaler(), LogisticRegression(C=0.1, max_iter=300))
    folds = StratifiedKFold(5, shuffle=True, random_state=0)
    # A tenth of the pictures; with all of them it is above 0.99.
    assert cross_val_score(model, values, rows["label"].to_list(), cv=folds).mean() >= 0.93
