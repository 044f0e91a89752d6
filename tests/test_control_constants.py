"""The constants of control charts equal the published tables."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import integrate, stats

from sevenstep.stats.control.constants import c4, constants, d2, d3

# Factors for control charts, subgroups of 2 to 25: ASTM Manual on Presentation of Data and Control Chart Analysis (MNL 7),
# table 50, as printed in Montgomery, Introduction to Statistical Quality Control, appendix VI, and the NIST handbook, 6.3.2.
# n: A2, A3, c4, B3, B4, d2, D3, D4
TABLE = {
    2: (1.880, 2.659, 0.7979, 0.0, 3.267, 1.128, 0.0, 3.267),
    3: (1.023, 1.954, 0.8862, 0.0, 2.568, 1.693, 0.0, 2.575),
    4: (0.729, 1.628, 0.9213, 0.0, 2.266, 2.059, 0.0, 2.282),
    5: (0.577, 1.427, 0.9400, 0.0, 2.089, 2.326, 0.0, 2.114),
    6: (0.483, 1.287, 0.9515, 0.030, 1.970, 2.534, 0.0, 2.004),
    7: (0.419, 1.182, 0.9594, 0.118, 1.882, 2.704, 0.076, 1.924),
    8: (0.373, 1.099, 0.9650, 0.185, 1.815, 2.847, 0.136, 1.864),
    9: (0.337, 1.032, 0.9693, 0.239, 1.761, 2.970, 0.184, 1.816),
    10: (0.308, 0.975, 0.9727, 0.284, 1.716, 3.078, 0.223, 1.777),
    11: (0.285, 0.927, 0.9754, 0.321, 1.679, 3.173, 0.256, 1.744),
    12: (0.266, 0.886, 0.9776, 0.354, 1.646, 3.258, 0.283, 1.717),
    13: (0.249, 0.850, 0.9794, 0.382, 1.618, 3.336, 0.307, 1.693),
    14: (0.235, 0.817, 0.9810, 0.406, 1.594, 3.407, 0.328, 1.672),
    15: (0.223, 0.789, 0.9823, 0.428, 1.572, 3.472, 0.347, 1.653),
    16: (0.212, 0.763, 0.9835, 0.448, 1.552, 3.532, 0.363, 1.637),
    17: (0.203, 0.739, 0.9845, 0.466, 1.534, 3.588, 0.378, 1.622),
    18: (0.194, 0.718, 0.9854, 0.482, 1.518, 3.640, 0.391, 1.609),
    19: (0.187, 0.698, 0.9862, 0.497, 1.503, 3.689, 0.404, 1.596),
    20: (0.180, 0.680, 0.9869, 0.510, 1.490, 3.735, 0.415, 1.585),
    21: (0.173, 0.663, 0.9876, 0.523, 1.477, 3.778, 0.425, 1.575),
    22: (0.167, 0.647, 0.9882, 0.534, 1.466, 3.819, 0.435, 1.565),
    23: (0.162, 0.633, 0.9887, 0.545, 1.455, 3.858, 0.443, 1.557),
    24: (0.157, 0.619, 0.9892, 0.555, 1.445, 3.895, 0.452, 1.548),
    25: (0.153, 0.606, 0.9896, 0.565, 1.435, 3.931, 0.459, 1.541),
}
NAMES = ("A2", "A3", "c4", "B3", "B4", "d2", "D3", "D4")

# Four digits of d3, from the same source.
D3_TABLE = (
    0.8525, 0.8884, 0.8798, 0.8641, 0.8480, 0.8332, 0.8198, 0.8078, 0.7971, 0.7873, 0.7785, 0.7704, 0.7630, 0.7562, 0.7499,
    0.7441, 0.7386, 0.7335, 0.7287, 0.7242, 0.7199, 0.7159, 0.7121, 0.7084,
)  # fmt: skip


@pytest.mark.parametrize("n", TABLE)
def test_every_constant_equals_the_published_one_to_its_last_digit(n: int) -> None:
    """Tables were worked out from rounded d2 and d3, so that the last digit of A2, D3 and D4 may differ by one."""
    found = constants(n)
    for name, printed in zip(NAMES, TABLE[n], strict=True):
        digits = 4 if name == "c4" else 3
        assert getattr(found, name) == pytest.approx(printed, abs=1.1 * 10**-digits), name
    assert found.d3 == pytest.approx(D3_TABLE[n - 2], abs=0.6e-4)
    assert abs(found.E2 - 3 / TABLE[n][5]) < 2e-3


def test_the_moving_range_factor_is_2_66() -> None:
    assert abs(constants(2).E2 - 2.660) < 0.002


@pytest.mark.parametrize("n", [2, 5, 9])
def test_moments_of_the_range_equal_those_of_the_studentized_range(n: int) -> None:
    """Independent: scipy's studentized range with infinite degrees of freedom is the range of normals."""
    mean, _ = integrate.quad(lambda r: stats.studentized_range.sf(r, n, np.inf), 0, 15)
    assert d2(n) == pytest.approx(mean, rel=1e-7)


def test_closed_forms_hold_where_there_are_any() -> None:
    assert d2(2) == pytest.approx(2 / np.sqrt(np.pi), rel=1e-12)
    assert d2(3) == pytest.approx(3 / np.sqrt(np.pi), rel=1e-12)
    assert d3(2) == pytest.approx(np.sqrt(2 - 4 / np.pi), rel=1e-10)
    assert c4(2) == pytest.approx(np.sqrt(2 / np.pi), rel=1e-12)


def test_large_subgroups_agree_with_simulation() -> None:
    drawn = np.random.default_rng(0).standard_normal((20_000, 60))
    ranges = np.ptp(drawn, axis=1)
    assert d2(60) == pytest.approx(ranges.mean(), abs=4 * ranges.std() / np.sqrt(20_000))
    assert d3(60) == pytest.approx(ranges.std(), rel=0.03)


@pytest.mark.parametrize("constant", [c4, d2, d3, constants])
def test_a_subgroup_of_one_has_no_constants(constant: object) -> None:
    with pytest.raises(ValueError, match="2 or more"):
        constant(1)  # type: ignore[operator]
