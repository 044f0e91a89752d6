"""How a figure changes with the size of the corpus, and answers with how much is read."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sevenstep.tasks.rag.feasibility.trial import Terms, Trial

__all__ = ["COUNTS", "Curve", "curve_of", "reading_curve"]

SHARES = (0.125, 0.25, 0.5)
COUNTS = (1, 2, 3, 5, 10, 20)


@dataclass(frozen=True)
class Curve:
    """A figure by the number of documents; ``slope`` is its change with each doubling, by least squares."""

    sizes: tuple[int, ...]
    values: tuple[float, ...]
    slope: float

    def at(self, size: float) -> float:
        """The figure expected of that many documents, from 0 to 1."""
        return float(np.clip(self.values[-1] + self.slope * np.log2(size / self.sizes[-1]), 0.0, 1.0))


def curve_of(terms: Terms, full: Trial, metric: str) -> Curve | None:
    """The figure of BM25 among an eighth, a quarter, half and all of the other documents; None where nothing is judged.

    Those that are right are always there: a corpus that grows holds more that is beside the point.
    """
    sample, whole = terms.sample, full.ranking(metric)
    if np.isnan(whole).all() or len(sample.others) < 16:
        return None
    sizes, values = [], []
    for share in SHARES:
        left_out = set(sample.others) - set(sample.others[:: round(1 / share)])
        documents = [ident for ident in sample.documents if ident not in left_out]
        sizes.append(len(documents))
        values.append(float(np.nanmean(terms.tried(documents).ranking(metric))))
    sizes.append(len(sample.documents))
    values.append(float(np.nanmean(whole)))
    slope = round(float(np.polyfit(np.log2(sizes), values, 1)[0]), 6)
    return Curve(tuple(sizes), tuple(values), slope)


def reading_curve(trial: Trial) -> list[tuple[int, float]]:
    """By how many documents are read, the share of questions whose answer stands in them; empty where no answer is known."""
    shares = [(count, trial.holding(count)) for count in COUNTS]
    return [(count, float(np.nanmean(held))) for count, held in shares if not np.isnan(held).all()]
