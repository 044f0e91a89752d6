"""A small convolutional network learns from pictures alone, repeats itself, and is read back from plain arrays."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from numpy.typing import NDArray

from picture_files import file_of, texture
from sevenstep.errors import InputError
from sevenstep.tasks.tabular.images import convnet
from sevenstep.tasks.tabular.images.convnet import ConvnetPredictor, fit_convnet, missing_note

needs_torch = pytest.mark.skipif(importlib.util.find_spec("torch") is None, reason="PyTorch is not installed")
QUICK = {"side": 32, "width": 8, "epochs": 8, "batch": 16, "rate": 0.01}
KINDS = ("stripes", "spots", "step")


def pictures(count: int, first_seed: int = 0) -> tuple[pl.DataFrame, NDArray[np.float64]]:
    codes = np.arange(count) % len(KINDS)
    contents = [file_of(texture(KINDS[code], first_seed + seed, 32)) for seed, code in enumerate(codes)]
    return pl.DataFrame({"image": contents}), codes.astype(np.float64)


@needs_torch
def test_it_learns_to_tell_textures_apart_and_is_read_back_as_it_was(tmp_path: Path) -> None:
    (rows, goal), (fresh, truth) = pictures(120), pictures(60, first_seed=1000)
    network = fit_convnet(rows, "image", goal, 3, QUICK, seed=1)
    probabilities = network.predict(fresh)
    assert probabilities.shape == (60, 3)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-6)
    assert (probabilities.argmax(axis=1) == truth).mean() >= 0.85
    about = network.save(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["convnet.npz"]
    np.testing.assert_array_equal(ConvnetPredictor.load(tmp_path, about).predict(fresh), probabilities)


@needs_torch
def test_equal_seeds_give_equal_networks_and_leave_the_state_of_torch_alone() -> None:
    import torch

    rows, goal = pictures(24)
    state, threads = torch.get_rng_state(), torch.get_num_threads()
    once, again = (fit_convnet(rows, "image", goal, 3, {**QUICK, "epochs": 2}, seed=4).predict(rows) for _ in range(2))
    other = fit_convnet(rows, "image", goal, 3, {**QUICK, "epochs": 2}, seed=5).predict(rows)
    np.testing.assert_array_equal(once, again)
    assert not np.array_equal(once, other)
    assert torch.equal(torch.get_rng_state(), state) and torch.get_num_threads() == threads


@needs_torch
def test_it_learns_a_number_in_units_of_the_target() -> None:
    random = np.random.default_rng(0)
    levels = random.integers(30, 220, 90)
    rows = pl.DataFrame({"image": [file_of(np.full((32, 32), level, dtype=np.uint8)) for level in levels]})
    goal = np.asarray(1000.0 + 10.0 * levels, dtype=np.float64)
    network = fit_convnet(rows, "image", goal, 0, {**QUICK, "epochs": 16}, seed=1)
    predicted = network.predict(rows)
    assert predicted.shape == (90, 1)
    assert np.corrcoef(predicted[:, 0], goal)[0, 1] > 0.9


@needs_torch
def test_a_row_without_a_readable_picture_is_predicted_and_changes_no_other() -> None:
    rows, goal = pictures(24)
    network = fit_convnet(rows, "image", goal, 3, {**QUICK, "epochs": 1}, seed=1)
    broken = pl.DataFrame({"image": [rows["image"][0], b"nothing", None]})
    predicted = network.predict(broken)
    assert np.isfinite(predicted).all()
    np.testing.assert_allclose(predicted[0], network.predict(rows[[0]])[0], rtol=1e-5)
    np.testing.assert_array_equal(predicted[1], predicted[2])


def test_without_torch_a_note_says_why_there_is_no_network_and_a_fit_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(convnet, "find_spec", lambda name: None)
    assert "PyTorch is not installed" in missing_note()
    with pytest.raises(InputError, match="pip install torch") as caught:
        fit_convnet(*pictures(6)[:1], "image", pictures(6)[1], 3, QUICK, seed=1)
    assert caught.value.code == "TABULAR-EXTRA"
