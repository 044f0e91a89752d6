"""Agreement of labellers equals published worked examples, and a consensus finds out whose votes are worth more."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from sevenstep.stats.agreement import cohen_kappa, fleiss_kappa, krippendorff_alpha, label_counts
from sevenstep.stats.consensus import UNDECIDED, confusion_with, dawid_skene, majority, weighted_vote

Codes = NDArray[np.int64]

KRIPPENDORFF_2011 = """
1 2 3 3 2 1 4 1 2 . . .
1 2 3 3 2 2 4 1 2 5 . 3
. 3 3 3 2 3 4 2 2 5 1 .
1 2 3 3 2 4 4 1 2 5 1 .
"""
"""Computing Krippendorff's alpha-reliability, example C: nominal 0.743, ordinal 0.815, interval 0.849."""

THREE_CODERS = """
. . . . . 3 4 1 2 1 1 3 3 . 3
1 . 2 1 3 3 4 3 . . . . . . .
. . 2 1 3 4 4 . 2 1 1 3 3 . 4
"""
"""The worked example of the article "Krippendorff's alpha" in Wikipedia: nominal 0.691, interval 0.811."""

FLEISS_1971 = """
00060 03003 01401 00006 03030 20400 00402 20310 20040 00006 10050 11040 03300 10050 02031
00501 30012 51000 02040 10203 00006 01050 02013 20040 10041 05010 40002 02040 10500 00006
"""
"""Table 1 of Fleiss (1971): thirty patients, six raters, five diagnoses, kappa 0.430."""


def table(text: str) -> Codes:
    """Rows of labellers as ``[item, labeller]``."""
    rows = [[-1 if cell == "." else int(cell) - 1 for cell in line.split()] for line in text.strip().splitlines()]
    return np.array(rows, dtype=np.int64).T


def from_counts(text: str) -> Codes:
    """Counts by class as labels, whoever gave them."""
    counts = [[int(digit) for digit in word] for word in text.split()]
    return np.array([np.repeat(np.arange(len(row)), row) for row in counts], dtype=np.int64)


@pytest.mark.parametrize(("level", "published"), [("nominal", 0.743), ("ordinal", 0.815), ("interval", 0.849)])
def test_alpha_equals_the_published_example_with_missing_labels(level: str, published: float) -> None:
    found = krippendorff_alpha(table(KRIPPENDORFF_2011), 5, level)  # type: ignore[arg-type]
    assert found.value == pytest.approx(published, abs=5e-4)
    assert found.low is not None and found.high is not None and found.low < published < found.high <= 1.0
    assert (found.n, found.left_out) == (11, 1)


@pytest.mark.parametrize(("level", "published"), [("nominal", 0.691), ("interval", 0.811)])
def test_alpha_equals_the_example_of_three_coders(level: str, published: float) -> None:
    assert krippendorff_alpha(table(THREE_CODERS), 4, level).value == pytest.approx(published, abs=5e-4)  # type: ignore[arg-type]


def test_alpha_of_numbers_reads_the_values_of_the_classes() -> None:
    labels = table(KRIPPENDORFF_2011)
    plain = krippendorff_alpha(labels, 5, "interval").value
    assert krippendorff_alpha(labels, 5, "interval", np.array([0.0, 10, 20, 30, 40])).value == pytest.approx(plain)
    assert krippendorff_alpha(labels, 5, "interval", np.array([0.0, 1, 2, 3, 400])).value != pytest.approx(plain)


def test_fleiss_kappa_equals_the_published_table() -> None:
    found = fleiss_kappa(from_counts(FLEISS_1971), 5)
    assert found.value == pytest.approx(0.430, abs=5e-4)
    assert found.n == 30


def test_cohen_kappa_equals_an_independent_library_and_leaves_out_what_one_has_not_seen() -> None:
    sklearn = pytest.importorskip("sklearn.metrics")
    chance = np.random.default_rng(2)
    first = chance.integers(0, 3, 300)
    second = np.where(chance.random(300) < 0.6, first, chance.integers(0, 3, 300))
    expected = sklearn.cohen_kappa_score(first, second)
    holes = np.full(20, -1)
    found = cohen_kappa(np.append(first, holes), np.append(second, np.zeros(20, np.int64)), 3)
    assert found.value == pytest.approx(expected)
    assert (found.n, found.left_out) == (300, 20)


def test_the_interval_of_kappa_covers_the_true_one() -> None:
    """Two labellers right in nine of ten cases of two equal classes: kappa is (0.82 - 0.5) / 0.5 = 0.64."""
    inside = 0
    for seed in range(30):
        chance = np.random.default_rng(seed)
        truth = chance.integers(0, 2, 150)
        first, second = (np.where(chance.random(150) < 0.9, truth, 1 - truth) for _ in range(2))
        found = cohen_kappa(first, second, 2, seed=seed)
        assert found.low is not None and found.high is not None
        inside += found.low <= 0.64 <= found.high
    assert inside >= 26


def test_labels_of_one_class_alone_are_no_agreement() -> None:
    same = np.zeros((20, 3), dtype=np.int64)
    assert fleiss_kappa(same, 2).value is None
    assert "not finite" in fleiss_kappa(same, 2).method


def test_a_majority_is_undecided_where_votes_are_equal_or_absent() -> None:
    found = majority(np.array([[0, 0, 1], [0, 1, -1], [-1, -1, -1]]), 2)
    assert found.label.tolist() == [0, UNDECIDED, UNDECIDED]
    assert found.probability[0].tolist() == pytest.approx([2 / 3, 1 / 3])


def crowd(items: int, accuracy: list[float], seed: int, seen: float = 1.0) -> tuple[Codes, Codes]:
    """The truth of items and what labellers of these accuracies say; three classes."""
    chance = np.random.default_rng(seed)
    truth = chance.choice(3, items, p=[0.5, 0.3, 0.2])
    wrong = (truth[:, None] + chance.integers(1, 3, (items, len(accuracy)))) % 3
    labels = np.where(chance.random((items, len(accuracy))) < accuracy, truth[:, None], wrong)
    return truth, np.where(chance.random(labels.shape) < seen, labels, -1)


def slow_dawid_skene(labels: Codes, classes: int, rounds: int) -> NDArray[np.float64]:
    """Expectation maximisation as in the paper, item by item and labeller by labeller."""
    n, labellers = labels.shape
    counts = label_counts(labels, classes)
    posterior = counts / counts.sum(axis=1, keepdims=True)
    for _ in range(rounds):
        prior = (posterior.sum(axis=0) + 1) / (n + classes)
        rates = np.zeros((labellers, classes, classes))
        for j in range(labellers):
            for c in range(classes):
                for k in range(classes):
                    rates[j, c, k] = sum(posterior[i, c] for i in range(n) if labels[i, j] == k)
                rates[j, c] /= rates[j, c].sum()
        for i in range(n):
            like = prior.copy()
            for j in range(labellers):
                if labels[i, j] >= 0:
                    like *= rates[j, :, labels[i, j]]
            posterior[i] = like / like.sum()
    return posterior


def test_the_model_of_labellers_equals_a_slow_twin() -> None:
    _, labels = crowd(50, [0.9, 0.7, 0.6, 0.5], seed=4, seen=0.8)
    labels = labels[(labels >= 0).any(axis=1)]
    found = dawid_skene(labels, 3, prior_weight=0.0)
    assert found.consensus.probability == pytest.approx(slow_dawid_skene(labels, 3, found.rounds), abs=1e-9)


def test_the_model_beats_the_majority_and_finds_what_labellers_are_worth() -> None:
    worth = [0.95, 0.9, 0.5, 0.45, 0.45]
    truth, labels = crowd(2_000, worth, seed=5)
    found = dawid_skene(labels, 3)
    assert found.converged
    assert found.accuracy == pytest.approx(worth, abs=0.03)
    assert (found.consensus.label == truth).mean() > (majority(labels, 3).label == truth).mean() + 0.05
    expected = confusion_with(labels, truth, 3)
    assert found.confusion == pytest.approx(expected / expected.sum(axis=2, keepdims=True), abs=0.05)


def test_votes_weighted_by_known_worth_are_the_most_probable_class() -> None:
    truth, labels = crowd(2_000, [0.95, 0.5, 0.5], seed=6)
    found = weighted_vote(labels, 3, np.array([0.95, 0.5, 0.5]))
    assert (found.label == truth).mean() >= 0.94
    by_hand = 0.95 * 0.25 * 0.25, 0.025 * 0.5 * 0.5  # the sure one for class 0, two poor ones for class 1
    shown = weighted_vote(np.array([[0, 1, 1]]), 3, np.array([0.95, 0.5, 0.5])).probability[0]
    assert shown[0] / shown[1] == pytest.approx(by_hand[0] / by_hand[1])


def test_known_classes_pin_the_model() -> None:
    """Labellers who are mostly wrong look right to a model that knows no truth, and not to one that knows some."""
    truth, labels = crowd(600, [0.2, 0.2, 0.2], seed=7)
    known = np.where(np.arange(600) < 200, truth, -1)
    found = dawid_skene(labels, 3, known=known)
    assert (found.consensus.label[:200] == truth[:200]).all()
    assert (found.accuracy < 0.3).all()
