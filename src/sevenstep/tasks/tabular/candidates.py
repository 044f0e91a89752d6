"""The candidates of a table as data: simple rules, the portfolio, when each is worth a try, its price, and what is searched."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any

from sevenstep.tasks.contract import Range
from sevenstep.tasks.tabular.encode.building import Recipe
from sevenstep.tasks.tabular.families.boosting import NAMES
from sevenstep.tasks.tabular.families.extras import installed
from sevenstep.tasks.tabular.families.portfolio import PORTFOLIO
from sevenstep.tasks.tabular.families.rules import RULES
from sevenstep.tasks.tabular.images.convnet import missing_note
from sevenstep.tasks.tabular.images.portfolio import EMBEDDING_PORTFOLIO, PICTURE_PORTFOLIO
from sevenstep.tasks.wanted import Kind, Menu

__all__ = ["CATALOG", "EMBEDDING_CATALOG", "PICTURE_CATALOG", "Entry", "Situation", "catalog_of", "menu_of", "planned_cost"]

LEAST_ROWS, LEAST_INPUTS = 500, 3  # smaller tables cost no less, because every tree or pass has a price of its own
ROWS_UNIT, INPUTS_UNIT = 10_000, 10  # what the seconds of the portfolio are for
START_SECONDS = 0.3  # of any fit: reading, encoding and scoring
BOOSTED = ("boosting", "catboost", "xgboost")
LATER_STOPS = 2.5  # times the rounds a class takes that a number takes before boosting stops early
NARROW = 0.4  # power of the number of inputs that the time of other families follows


@dataclass(frozen=True)
class Situation:
    """What the data say about a table, as far as it speaks for or against a candidate.

    Args:
        rows: rows a fold learns from.
        inputs: input columns, each picture counting as its features.
        classes: number of classes, 0 for a number.
        priced: whether wrong decisions have costs.
        decides: whether a KPI depends on decisions rather than probabilities.
        images: whether there are pictures.
        categories: number of category columns.
        embedded: inputs as the candidates on an embedding have them; 0 where no embedding is named.
    """

    rows: int
    inputs: int
    classes: int
    priced: bool
    decides: bool
    images: bool
    categories: int
    embedded: int = 0


@dataclass(frozen=True)
class Entry:
    """One candidate of the catalogue.

    Args:
        name: shown to people.
        family: which family fits it.
        reason: why it is tried, as a sentence.
        fits: whether it suits a situation.
        parameters: starting values.
        space: what the search may change.
        seconds: of one fit on one core, for ten thousand rows of ten inputs.
        least_rows: rows below which a fit costs no less; more where one tree has a higher price.
        baseline: one of the simple rules.
        asked: a person asked for it.
        searched: a person said what to search.
        embedding: it learns from the embedding of the pictures in place of their measured features.
    """

    name: str
    family: str
    reason: str
    fits: Callable[[Situation], bool]
    parameters: Mapping[str, Any] = field(default_factory=dict)
    space: Mapping[str, Range] = field(default_factory=dict)
    seconds: float = 0.02
    least_rows: int = LEAST_ROWS
    baseline: bool = False
    asked: bool = False
    searched: bool = False
    embedding: bool = False


SPACES: Mapping[str, Mapping[str, Range]] = {
    "boosting": {
        "learning_rate": Range(0.02, 0.12, log=True),
        "leaves": Range(6, 96, log=True, integer=True),
        "least_in_leaf": Range(3, 80, log=True, integer=True),
        "feature_share": Range(0.25, 1.0),
        "row_share": Range(0.5, 1.0),
        "ridge": Range(0.01, 30.0, log=True),
    },
    "forest": {"least_in_leaf": Range(1, 12, log=True, integer=True), "feature_share": Range(0.15, 1.0)},
    "network": {
        "width": Range(32, 256, log=True, integer=True),
        "rate": Range(0.0005, 0.01, log=True),
        "dropout": Range(0.0, 0.4),
        "decay": Range(0.0001, 0.1, log=True),
    },
}
"""What a search may change, by family."""

_ENCODING = tuple(item.name for item in fields(Recipe))

PARAMETERS: Mapping[str, tuple[str, ...]] = {
    "rules": ("rule",),
    "linear": ("strengths", "log", "most_rows", *_ENCODING),
    "boosting": ("rounds", "patience", "bags", "loss", "log", "most_rows", *NAMES, *_ENCODING),
    "forest": ("kind", "trees", "least_in_leaf", "feature_share", "criterion", "log", "most_rows", *_ENCODING),
    "neighbours": ("counts", "log", "most_rows", *_ENCODING),
    "kernel": ("landmarks", "widths", "strengths", "log", "most_rows", *_ENCODING),
    "network": ("width", "epochs", "batch", "rate", "dropout", "decay", "nets", "smoothing", "log", "most_rows", *_ENCODING),
    "catboost": ("rounds", "patience", "learning_rate", "depth", "ridge", "log", "most_rows", *_ENCODING),
    "xgboost": ("rounds", "patience", "learning_rate", "depth", "ridge", "row_share", "feature_share", "log", "most_rows",
                *_ENCODING),
    "convnet": ("side", "width", "epochs", "batch", "rate", "decay", "dropout", "patience", "flips", "most_rows"),
}  # fmt: skip
"""What a person may set or search, by family."""

WORDS: Mapping[str, Sequence[str]] = {
    "rule": RULES,
    "kind": ("extra", "random"),
    "loss": ("l2", "l1", "huber", "fair", "poisson", "quantile", "mape", "gamma", "tweedie"),
    "mode": ("gbdt", "dart", "rf"),
    "criterion": ("gini", "entropy", "log_loss", "squared_error", "absolute_error", "friedman_mse", "poisson"),
}
KINDS: Mapping[str, Kind] = {
    **dict.fromkeys(("strengths", "counts", "widths"), "numbers"),
    **dict.fromkeys(("log", "flips", "statistics", "codes", "places", "extra_trees", "linear"), "truth"),
    **dict.fromkeys(("ridge", "lasso", "dropout", "decay", "smoothing", "combinations", "joint", "topics", "bins", "missing",
                     "levels", "patience", "path_smooth", "category_smoothing", "category_ridge", "drop_rate"), "number or 0"),
}  # fmt: skip


def _rule(name: str, reason: str, fits: Callable[[Situation], bool]) -> Entry:
    return Entry(name, "rules", reason, fits, {"rule": name}, baseline=True)


def _plain_linear(name: str, reason: str, fits: Callable[[Situation], bool]) -> Entry:
    return Entry(name, "linear", reason, fits, {"bins": 0}, seconds=0.3, baseline=True)


def _of_portfolio(entry: Mapping[str, Any]) -> Entry:
    least, most = entry["rows"]
    family = str(entry["family"])

    def fits(situation: Situation) -> bool:
        able = situation.categories > 0 or not entry["parameters"].get("statistics", False)
        able &= family != "convnet" or not missing_note()
        able &= entry.get("goal") in (None, "classes" if situation.classes else "numbers")
        return able and situation.rows >= least and (most is None or situation.rows <= most)

    return Entry(
        entry["name"], family, entry["reason"], fits, dict(entry["parameters"]), SPACES.get(family, {}), float(entry["seconds"]),
        embedding=bool(entry.get("embedding", False)),
    )  # fmt: skip


def _further(family: str, label: str, seconds: float, least_rows: int = LEAST_ROWS) -> Entry:
    def fits(situation: Situation) -> bool:
        return installed(family)

    parameters = {"rounds": 2000, "patience": 50, "learning_rate": 0.06}
    reason = f"further boosted trees, by {label}"
    return Entry(family, family, reason, fits, parameters, seconds=seconds, least_rows=least_rows)


_RULES = (
    _rule("prior", "the classes' shares for every row: what is known without any input", lambda s: s.classes > 0),
    _rule("majority", "the most frequent class for every row", lambda s: s.decides and s.classes > 0),
    _rule("never", "no alarm at all", lambda s: s.priced and s.classes == 2),
    _rule("always", "an alarm for every row", lambda s: s.priced and s.classes == 2),
    _rule("single_rule", "the one column that tells most, by itself", lambda s: s.classes > 0),
    _rule("mean", "the mean of all rows: what is known without any input", lambda s: s.classes == 0),
    _rule("median", "the median of all rows", lambda s: s.classes == 0),
    _plain_linear("logistic", "plain logistic regression: what most analysts would begin with", lambda s: s.classes > 0),
    _plain_linear("linear", "plain linear regression: what most analysts would begin with", lambda s: s.classes == 0),
)

CATALOG: Sequence[Entry] = (
    *_RULES,
    *map(_of_portfolio, PORTFOLIO),
    _further("catboost", "CatBoost", 6.0, least_rows=3_000),
    _further("xgboost", "XGBoost", 1.5),
)
"""For tables: simple rules, then the portfolio in the order of what each entry adds, then what further libraries bring."""

PICTURE_CATALOG: Sequence[Entry] = (*_RULES, *map(_of_portfolio, PICTURE_PORTFOLIO))
"""The same for rows with pictures."""

EMBEDDING_CATALOG: Sequence[Entry] = (*_RULES, *map(_of_portfolio, EMBEDDING_PORTFOLIO), *PICTURE_CATALOG[len(_RULES) :])
"""The same where a person named a model that embeds them, whose candidates come first."""


def catalog_of(situation: Situation) -> Sequence[Entry]:
    """The catalogue for a situation."""
    if situation.embedded:
        return EMBEDDING_CATALOG
    return PICTURE_CATALOG if situation.images else CATALOG


def menu_of(catalog: Sequence[Entry]) -> Menu:
    """What a person may ask for of a catalogue."""
    families = {entry.family for entry in catalog}
    parameters = {family: known for family, known in PARAMETERS.items() if family in families}
    return Menu("a table", "TABULAR", [entry.name for entry in catalog], parameters, WORDS, KINDS)


def planned_cost(entry: Entry, situation: Situation, rows: int) -> float:
    """Planned seconds of one fit on so many rows and its scoring, on one core.

    Boosting looks at every input of every row, and grows a tree for each of several classes; the time of other families hardly
    follows the inputs.
    """
    if entry.family == "rules":
        return round(0.05 + 2e-6 * rows, 2)
    boosted = entry.family in BOOSTED
    inputs = situation.embedded if entry.embedding else situation.inputs
    width = (max(inputs, LEAST_INPUTS) / INPUTS_UNIT) ** (1.0 if boosted or situation.images else NARROW)
    classes = float(situation.classes) if situation.classes > 2 else 1.0
    trees = (classes if situation.classes else LATER_STOPS) * float(entry.parameters.get("bags", 1)) if boosted else 1.0
    rows = max(rows, entry.least_rows)
    return float(round(START_SECONDS + entry.seconds * rows / ROWS_UNIT * width * trees, 2))
