"""The report's colours can be read and told apart: WCAG contrast, and distances as colour-blind eyes see them."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from sevenstep.report.charts.heatmap import DEEP
from sevenstep.report.colours import DARK, LIGHT, SERIES, Colours

THEMES = pytest.mark.parametrize("colours", [LIGHT, DARK], ids=["light", "dark"])
# Machado, Oliveira and Fernandes (2009), severity 1.0, on linear RGB.
VISION = {
    "usual": np.eye(3),
    "protan": np.array([[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]),
    "deutan": np.array([[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]),
}
TO_XYZ = np.array([[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]])


def rgb(colour: str) -> np.ndarray:
    return np.array([int(colour[place : place + 2], 16) for place in (1, 3, 5)]) / 255


def linear(values: np.ndarray) -> np.ndarray:
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)


def contrast(one: np.ndarray, other: np.ndarray) -> float:
    light = sorted((float(linear(each) @ np.array([0.2126, 0.7152, 0.0722])) for each in (one, other)), reverse=True)
    return (light[0] + 0.05) / (light[1] + 0.05)


def lab(colour: str, vision: str) -> np.ndarray:
    seen = np.clip(VISION[vision] @ linear(rgb(colour)), 0, 1)
    scaled = TO_XYZ @ seen / TO_XYZ.sum(axis=1)
    curve = np.where(scaled > (6 / 29) ** 3, np.cbrt(scaled), scaled / (3 * (6 / 29) ** 2) + 4 / 29)
    return np.array([116 * curve[1] - 16, 500 * (curve[0] - curve[1]), 200 * (curve[1] - curve[2])])


@THEMES
def test_text_keeps_a_contrast_of_4_5_on_every_ground_it_stands_on(colours: Colours) -> None:
    for text in ("ink", "muted", "accent", "met", "risk", "missed", "none", "goal"):
        for ground in ("paper", "card"):
            assert contrast(rgb(colours[text]), rgb(colours[ground])) >= 4.5, (text, ground)
    assert contrast(rgb(colours["card"]), rgb(colours["accent"])) >= 4.5, "the chosen series in the list"
    assert contrast(rgb(colours["accent"]), rgb(colours["accent-soft"])) >= 4.5, "the number of the current step"


@THEMES
def test_series_keep_a_contrast_of_3_on_the_card(colours: Colours) -> None:
    for name in SERIES:
        assert contrast(rgb(colours[name]), rgb(colours["card"])) >= 3, name


@THEMES
@pytest.mark.parametrize("vision", VISION)
def test_series_stay_apart_for_colour_blind_eyes(colours: Colours, vision: str) -> None:
    for one, other in combinations(SERIES, 2):
        distance = np.linalg.norm(lab(colours[one], vision) - lab(colours[other], vision))
        assert distance >= 20, (one, other, round(float(distance), 1))


@THEMES
@pytest.mark.parametrize(("light_end", "deep_end"), [("ramp-low", "ramp-high"), ("zero", "above"), ("zero", "below")])
def test_values_written_on_a_heat_map_can_be_read_on_every_shade(colours: Colours, light_end: str, deep_end: str) -> None:
    start, end = rgb(colours[light_end]), rgb(colours[deep_end])
    for share in np.linspace(0, 1, 41):
        ink = rgb(colours["on-high" if share > DEEP else "on-low"])
        assert contrast(start + share * (end - start), ink) >= 4.5, share
