"""The model of a table that is released: members, weights, calibration, and what it has seen of each input."""

from __future__ import annotations

import json
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, cast

import numpy as np
import polars as pl
from numpy.typing import NDArray

from sevenstep.data.dataset import Dataset
from sevenstep.data.embedding.files import TABLE, EmbeddingFiles
from sevenstep.data.naming import listed
from sevenstep.errors import InputError, InputWarning
from sevenstep.tasks.contract import Explanation, Fitted
from sevenstep.tasks.scoretable import BOUNDS, ScoreTable
from sevenstep.tasks.tabular.bag import Bag
from sevenstep.tasks.tabular.calibrate import apply, bounded
from sevenstep.tasks.tabular.decide import HALF, LARGEST, decided_codes
from sevenstep.tasks.tabular.explain import explain
from sevenstep.tasks.tabular.folds import known_rows
from sevenstep.tasks.tabular.hindsight import judged
from sevenstep.tasks.tabular.mapping import calibrated
from sevenstep.tasks.tabular.problem import Problem
from sevenstep.tasks.tabular.unseen import Seen, of_rows

__all__ = ["TabularModel"]

MOST_KEPT = 1_000  # training rows kept to explain predictions against
MOST_PICTURES = 100
_SETS = {80: "set_80", 95: "set_95"}  # columns of the sets, by the percent of rows whose class is in them

Floats = NDArray[np.float64]
Row = Mapping[str, Any]


@dataclass(frozen=True)
class TabularModel:
    """Predicts the class or the number of a row from its columns.

    Args:
        problem: target, classes and inputs.
        members: fitted candidates with their weights.
        calibration: what the out-of-fold scores said about probabilities, decisions and bounds.
        seen: what the inputs held in training.
        types: type of the target and of each input in training, in words.
        waiting: the rows whose target was not known when the model was made.
        background: training rows that predictions are explained against.
        noted: rows with a known target that arrived since.
        embedding: the files of the model that pictures are embedded with, where a member reads an embedding.
    """

    problem: Problem
    members: Sequence[tuple[Bag, float]]
    calibration: Mapping[str, Any]
    seen: Seen
    types: Mapping[str, str]
    waiting: pl.DataFrame
    background: pl.DataFrame
    noted: int = 0
    embedding: EmbeddingFiles | None = None

    @classmethod
    def of(cls, members: Sequence[tuple[Bag, float]], calibration: Mapping[str, Any], data: Dataset, seed: int) -> TabularModel:
        """The model of these members, with what it needs to know of the data."""
        problem = Problem.of(data)
        known = known_rows(data, problem)
        most = MOST_PICTURES if "picture" in problem.kinds.values() else MOST_KEPT
        chance = np.random.default_rng(seed)
        sample = np.sort(chance.choice(known, min(most, len(known)), replace=False))
        types = {name: str(data.items.schema[name]) for name in (problem.target, *problem.inputs)}
        waiting = data.items.filter(~np.isfinite(problem.values(data.items)))
        seen = Seen.of(data.items[known], problem)
        embedding = EmbeddingFiles.of_table(data.tables[TABLE]) if any(bag.stage == "embedding" for bag, _ in members) else None
        return cls(problem, members, calibration, seen, types, waiting, data.items[sample], embedding=embedding)

    def input_schema(self) -> Mapping[str, str]:
        """Columns a row to be predicted should have; one that is not there is treated as missing."""
        return {name: self.types[name] for name in self.problem.inputs}

    def predict(self, rows: pl.DataFrame | None = None) -> pl.DataFrame:
        """Predictions for ``rows``, or for the rows that waited for one when the model was made.

        Returns the rows in their order with their own columns (but for pictures and nested values), ``prediction``, and for
        classes ``probability_<class>`` and the sets ``set_80`` and ``set_95`` (empty where no class is probable enough: a row
        worth a look by hand), for a number ``lower_80`` to ``upper_95``. Where a
        model reads pictures, a row that has no value of any input, such as one whose picture cannot be read, has no prediction.

        Raises:
            InputError: ``PREDICT-NO-ROWS``, there is nothing to predict; ``PREDICT-INPUT``, the rows have none of the inputs;
                ``PREDICT-BLANK``, they have no value of any.
        """
        rows = self.waiting if rows is None else rows
        if rows.is_empty():
            rule, fix = "a prediction is made of a row", "give rows with --input, or leave the target of some rows empty"
            raise InputError("PREDICT-NO-ROWS", "no row waits for a prediction", rule, fix)
        self._check(rows)
        rows = self._readable(rows)
        blank = self._blank(rows)
        made = self._outcome(self.raw(rows)).with_columns(pl.when(~blank).then(pl.all()))
        shown = [name for name, kind in rows.schema.items() if not (kind.is_nested() or kind == pl.Binary)]
        own = [rows[name] for name in shown if name not in made.columns]
        return pl.DataFrame([*own, *made.get_columns()])

    @property
    def together(self) -> bool:
        """Whether `predict_together` can be asked: not where pictures are read, one of which may be unreadable."""
        return not self._pictures()

    def predict_together(self, rows: pl.DataFrame, counts: Sequence[int]) -> tuple[pl.DataFrame, Sequence[Sequence[str]]]:
        """Predictions for the rows of several requests at once, which cost little more than those of one.

        Args:
            rows: the rows of all requests, one request after the other, with every input as a column.
            counts: how many rows each request has.

        Returns:
            One row for each given, in their order, with what `predict` adds to it; and for each request what `predict` would warn
            of.
        """
        return self._outcome(self.raw(rows)), self._doubts(rows, counts)

    def answer_together(self, rows: pl.DataFrame, counts: Sequence[int]) -> tuple[Sequence[Row], Sequence[Sequence[str]]]:
        """The same as `predict_together`, row by row: making a frame of few rows takes long."""
        columns = self._told(self.raw(rows))
        values = [column.tolist() if isinstance(column, np.ndarray) else column for column in columns.values()]
        names = tuple(columns)
        return [dict(zip(names, row, strict=True)) for row in zip(*values, strict=True)], self._doubts(rows, counts)

    def _doubts(self, rows: pl.DataFrame, counts: Sequence[int]) -> Sequence[Sequence[str]]:
        """For each request, of which ``counts`` tells the rows, what to warn of."""
        odd = self.seen.odd(rows)
        if not odd.any():
            return [[] for _ in counts]
        doubts, start = list[Sequence[str]](), 0
        for count in counts:
            own = slice(start, start + count)
            doubts.append(list(self.seen.doubts(rows[own], self.problem)) if odd[own].any() else [])
            start += count
        return doubts

    def _readable(self, rows: pl.DataFrame) -> pl.DataFrame:
        """The rows with null where a picture cannot be read."""
        for name in (name for name in self._pictures() if name in rows.columns):
            from sevenstep.data.pictures import unreadable  # late: loads an image library

            faults = unreadable(rows[name])
            if faults:
                told = f"{of_rows(len(faults), rows.height)} a picture in '{name}' that cannot be read"
                warnings.warn(InputWarning(f"{told} ({next(iter(faults.values()))}): treated as missing"), stacklevel=3)
                bad = pl.Series(range(rows.height), dtype=pl.Int64).is_in(list(faults))
                rows = rows.with_columns(pl.when(~bad).then(pl.col(name)).alias(name))
        return rows

    def _blank(self, rows: pl.DataFrame) -> pl.Series:
        """Rows there is nothing to predict from: what is predicted of no picture would look like what is predicted of one."""
        if not self._pictures():
            return pl.repeat(False, rows.height, eager=True)
        held = [pl.col(name).is_null() for name in self.problem.inputs if name in rows.columns]
        blank = rows.select(pl.all_horizontal(held).alias("blank"))["blank"]
        if blank.all():
            rule = f"a prediction is made from {listed(self.problem.inputs)}"
            raise InputError("PREDICT-BLANK", "no row has a value to predict from", rule, "check the pictures or their paths")
        if blank.any():
            told = of_rows(int(blank.sum()), rows.height)
            warnings.warn(InputWarning(f"{told} no value to predict from: nothing is predicted there"), stacklevel=3)
        return blank

    def _check(self, rows: pl.DataFrame) -> None:
        if not any(name in rows.columns for name in self.problem.inputs):
            rule = f"the model reads {', '.join(self.problem.inputs[:8])}{', ...' if len(self.problem.inputs) > 8 else ''}"
            given = "the rows have none of the columns learnt from"
            raise InputError("PREDICT-INPUT", given, rule, "give rows with these columns")
        for doubt in self.seen.doubts(rows, self.problem):
            warnings.warn(InputWarning(doubt), stacklevel=3)

    def raw(self, rows: pl.DataFrame) -> Floats:
        """What the members predict together before calibration: probabilities ``[n, classes]`` or numbers ``[n, 1]``."""
        total = sum(weight for _, weight in self.members)
        prepared = {stage: self._prepared(stage, rows) for stage in {bag.stage for bag, _ in self.members}}
        parts = [weight / total * bag.predict(rows, prepared[bag.stage]) for bag, weight in self.members]
        return np.asarray(np.sum(parts, axis=0)) if len(parts) > 1 else parts[0]

    def _prepared(self, stage: str, rows: pl.DataFrame) -> pl.DataFrame | None:
        """What members of a stage read of the rows' pictures."""
        if not stage:
            return None
        from sevenstep.tasks.tabular.images.stage import picture_features, picture_vectors  # late: loads an image library

        if stage == "embedding" and self.embedding is not None:
            return picture_vectors(rows, self._pictures(), self.embedding)
        return picture_features(rows, self._pictures())

    def _pictures(self) -> list[str]:
        return [name for name, kind in self.problem.kinds.items() if kind == "picture"]

    def calibrated(self, raw: Floats) -> ScoreTable:
        """Raw predictions as the rows of a score table, calibrated; the truth of none of them is known."""
        return apply(_as_scores(raw, self.problem), self.calibration)

    def _outcome(self, raw: Floats) -> pl.DataFrame:
        """Predictions as people read them, as a frame."""
        texts = dict.fromkeys(_SETS.values(), pl.String) if self.problem.classes else {}
        return pl.DataFrame(self._told(raw), schema_overrides=texts)

    def _told(self, raw: Floats) -> Mapping[str, Floats | list[Any]]:
        """Predictions as people read them, by column; the same as `calibrated` gives, without a score table, for which one row is
        dear.
        """
        if not self.problem.classes:
            return bounded(raw[:, -1], self.calibration)
        probability = np.column_stack([1 - raw[:, -1], raw[:, -1]]) if self.problem.binary else raw
        probability = calibrated(probability, self.calibration["map"])
        codes = decided_codes(probability, np.asarray(self.calibration["cuts"], np.float64))
        columns: dict[str, Floats | list[Any]] = {"prediction": [self._classes[code] for code in codes.tolist()]}
        for name, column in zip(self._probabilities, probability.T, strict=True):
            columns[name] = column
        for level, name in _SETS.items():
            columns[name] = self._sets(probability, level)
        return columns

    @cached_property
    def _classes(self) -> Sequence[Any]:
        """The classes in the type the target has."""
        names, kind = self.problem.classes, self.types[self.problem.target]
        if kind.startswith(("Int", "UInt", "Float")):
            whole = all(name.lstrip("-").isdecimal() for name in names)
            return [int(name) if whole else float(name) for name in names]
        return [name == "true" for name in names] if kind == "Boolean" else names

    @cached_property
    def _probabilities(self) -> Sequence[str]:
        """Names of the columns of probabilities, class by class."""
        return [f"probability_{name}" for name in self.problem.classes]

    def _sets(self, probability: Floats, level: int) -> list[str]:
        """Every class that cannot be ruled out.

        A set may be empty: no class is as probable as true classes are at this level. Were it filled, a model that is right more
        often than the level says would cover more than it.
        """
        inside = probability >= self.calibration["least"][f"lower_{level}"]
        return [self._text_of_set(tuple(row)) for row in inside.tolist()]

    def _text_of_set(self, inside: tuple[bool, ...]) -> str:
        """The classes of a set as text; few sets are met, each by many rows."""
        text = self._texts_of_sets.get(inside)
        if text is None:
            text = " | ".join(name for name, held in zip(self.problem.classes, inside, strict=True) if held)
            self._texts_of_sets[inside] = text
        return text

    @cached_property
    def _texts_of_sets(self) -> dict[tuple[bool, ...], str]:
        return {}

    def refresh(self, rows: pl.DataFrame) -> TabularModel:
        """The same model, with newer rows noted: those without a target wait for a prediction, the others are counted.

        What was learnt stays as it is; learning from newer rows is a new run.
        """
        if self.problem.target not in rows.columns:
            return replace(self, waiting=pl.concat([self.waiting, rows], how="diagonal_relaxed"))
        known = rows[self.problem.target].is_not_null()
        waiting = pl.concat([self.waiting, rows.filter(~known)], how="diagonal_relaxed")
        return replace(self, waiting=waiting, noted=self.noted + int(known.sum()))

    def outlook(self, leads: Sequence[int] = (), known: int = 0) -> pl.DataFrame:
        """Predictions of the rows that wait for one; time plays no part, so that there are no newest times."""
        nothing = pl.lit(None, dtype=pl.Datetime("us"))
        target, lead = pl.lit(self.problem.target), pl.lit(None, dtype=pl.Int32)
        made = self.predict().with_columns(nothing.alias("origin"), lead.alias("lead"), target.alias("target"))
        return made.with_columns(pl.lit(None, pl.Float64).alias("truth")) if known else made

    def judge(self, made: pl.DataFrame) -> ScoreTable:
        """What earlier predictions came to; see `judged`."""
        return judged(made, self.problem, self.calibration)

    def relearnt(self, members: Mapping[str, Sequence[tuple[Fitted, float]]], data: Dataset) -> TabularModel:
        """The same model with its members learnt anew from newer data."""
        bags = [(cast(Bag, fitted), weight) for fitted, weight in members[self.problem.target]]
        return replace(TabularModel.of(bags, self.calibration, data, 0), problem=self.problem)

    def recalibrated(self, calibration: Mapping[str, Mapping[str, Any]]) -> TabularModel:
        """The same model with other probabilities, decisions and bounds."""
        return replace(self, calibration=calibration.get(self.problem.target, self.calibration))

    def explain(self, item: Mapping[str, Any]) -> Sequence[Explanation]:
        """What drove the prediction of one row, in parts that add up."""
        return explain(self, item)

    def save(self, folder: Path) -> None:
        """Write the members, the rows kept and ``model.json``."""
        listed = []
        for number, (bag, weight) in enumerate(self.members):
            (folder / f"member-{number}").mkdir()
            bag.save(folder / f"member-{number}")
            listed.append({"folder": f"member-{number}", "weight": weight})
        self.waiting.write_parquet(folder / "waiting.parquet")
        self.background.write_parquet(folder / "background.parquet")
        about = {
            "problem": asdict(self.problem), "members": listed, "calibration": self.calibration, "seen": self.seen.to_json(),
            "types": self.types, "noted": self.noted,
        }  # fmt: skip
        if self.embedding is not None:
            (folder / TABLE).mkdir()
            self.embedding.save(folder / TABLE)
        (folder / "model.json").write_text(json.dumps(about, ensure_ascii=False), encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> TabularModel:
        """Read back what `save` wrote."""
        about = json.loads((folder / "model.json").read_text(encoding="utf-8"))
        members = [(Bag.load(folder / entry["folder"]), float(entry["weight"])) for entry in about["members"]]
        waiting, background = pl.read_parquet(folder / "waiting.parquet"), pl.read_parquet(folder / "background.parquet")
        told = about["problem"]
        problem = Problem(**{**told, "classes": tuple(told["classes"]), "miss": tuple(told["miss"])})
        seen = Seen.from_json(about["seen"])
        embedding = EmbeddingFiles.read(folder / TABLE) if (folder / TABLE).is_dir() else None
        return cls(problem, members, about["calibration"], seen, about["types"], waiting, background, about["noted"], embedding)


def _as_scores(raw: Floats, problem: Problem) -> ScoreTable:
    """Predictions in the shape the calibration reads."""
    several = len(problem.classes) if len(problem.classes) > 2 else 1
    rows = len(raw) * several
    unknown = pl.repeat(None, rows, dtype=pl.Float64, eager=True)
    item = np.arange(rows)
    cells = {"candidate": "final", "target": problem.target, "fold": 0, "lead": 0, "weight": 1.0, "scale": 1.0, "root_scale": 1.0}
    frame = pl.DataFrame({"item": item, "cluster": item // several, "truth": unknown}).with_columns(
        *(pl.lit(value).alias(name) for name, value in cells.items()),
        *(pl.lit(None).alias(name) for name in ("origin", "time")),
        *(unknown.alias(bound) for bound in BOUNDS),
        pl.Series("prediction", raw.reshape(-1) if several > 1 else raw[:, -1]),
    )
    if problem.classes:
        cut = HALF if several == 1 else LARGEST
        unit, label = pl.Series("unit", item // several), pl.Series("label", item % several)
        frame = frame.with_columns(unit, label, pl.lit(cut).alias("cut"))
    return ScoreTable(frame)
