"""The forecast model that is released: members, weights, calibration and the history they forecast from."""

from __future__ import annotations

import json
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from pathlib import Path
from typing import Any, cast

import numpy as np
import polars as pl
from numpy.typing import NDArray

from sevenstep.data.dataset import Dataset, Roles
from sevenstep.data.times import read_times
from sevenstep.errors import InputError, InputWarning
from sevenstep.tasks.blending import weighted_mean
from sevenstep.tasks.contract import Explanation, Fitted
from sevenstep.tasks.forecast import inparts
from sevenstep.tasks.forecast.asking import AskedRows, newest_rows, next_rows, open_rows, rows_to_ask
from sevenstep.tasks.forecast.calibrate import apply
from sevenstep.tasks.forecast.explain import Explained, explain_item
from sevenstep.tasks.forecast.families.members import FittedMember
from sevenstep.tasks.forecast.grown import refreshed, with_rows
from sevenstep.tasks.forecast.hardness import hardness_of
from sevenstep.tasks.forecast.hierarchy.together import Together, together
from sevenstep.tasks.forecast.hierarchy.tree import LEVEL, leaf_level
from sevenstep.tasks.forecast.hierarchy.upper import Upper
from sevenstep.tasks.forecast.hindsight import judged
from sevenstep.tasks.forecast.identities.following import following
from sevenstep.tasks.forecast.identities.identity import Identity, parsed
from sevenstep.tasks.forecast.panel import Panel, Settings, build_panel
from sevenstep.tasks.forecast.targets import side_by_side
from sevenstep.tasks.forecast.unseen import doubts, usual_of_others
from sevenstep.tasks.lifts import factor_of, lifts_from
from sevenstep.tasks.scoretable import BOUNDS, HARDNESS, ScoreTable

__all__ = ["ForecastModel"]

Members = Mapping[str, Sequence[tuple[FittedMember, float]]]


@dataclass(frozen=True)
class ForecastModel:
    """Forecasts for every target from one history.

    Args:
        history: the data set the forecast starts from, open rows included; where it is in parts, see `inparts`.
        horizon: longest lead the model was judged at.
        members: for each target its fitted members with their weights.
        calibration: for each target its shift and bounds.
        trained_keys: series in the order the calibration numbers them.
        weights: for each target, the columns that make the error of a row count more, and how much.
        upper: the levels of a hierarchy, where one is asked for.
        solved: names that follow from others by an identity: targets, and names without a column, whose forecasts are shown too.
    """

    history: Dataset
    horizon: int
    members: Members
    calibration: Mapping[str, Mapping[str, Any]]
    trained_keys: pl.DataFrame
    weights: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    upper: Upper | None = None
    solved: Mapping[str, Identity] = field(default_factory=dict)

    @cached_property
    def settings(self) -> Settings:
        """Frequency, season and the like, as read off the data."""
        return Settings.of(self.history)

    def input_schema(self) -> Mapping[str, str]:
        """Columns a row to be forecast must have."""
        roles, schema = self.history.roles, self.history.items.schema
        names = [*roles.keys, *(roles.time_parts.values() or [roles.time]), *roles.known_ahead]
        return {str(name): str(schema.get(str(name), "Int64")) for name in names}

    def predict(self, rows: pl.DataFrame | None = None) -> pl.DataFrame:
        """Forecasts for ``rows``, or for the open rows of the history.

        Args:
            rows: typed rows with keys, time and known-ahead inputs. Rows in which a target is known are taken as newer
                observations first, and are not forecast.

        Returns one row per series, time and target: keys and time under their own names, ``target``, ``prediction`` and bounds,
        null where nothing is known to forecast from. Where there is a hierarchy, the forecasts add up with those of all rows
        open at the same times, and without ``rows`` those of its sums follow (see `predict_sums`). Warns (`InputWarning`) of
        rows whose forecast was never judged. Raises InputError where there is nothing to forecast, or an input that must be known
        ahead is not there.
        """
        if rows is None:
            return self._of_open_rows
        if self.history.parts is not None:
            parts, roles = self.history.parts, self.history.roles
            return inparts.asked(parts, roles, rows, lambda number, own: self.part(number).predict(own))
        return self._asked_for(rows)[0]

    def predict_sums(self, rows: pl.DataFrame) -> pl.DataFrame:
        """Forecasts for ``rows``, then those of the sums at their times; ``level`` names the level of each row, and the columns
        of other levels are null. Without a hierarchy the same as `predict`.
        """
        if self.history.parts is not None:
            return self.predict(rows)  # there are no sums over parts
        own, sums = self._asked_for(rows)
        return self._with_sums(own, sums)

    def _asked_for(self, rows: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
        model = self._with_rows(rows)
        return model._forecast(rows_to_ask(model.history, build_panel(model.history, self.settings), rows))

    @cached_property
    def _of_open_rows(self) -> pl.DataFrame:
        """Forecasts of the open rows, made once: a release shows them in more than one place."""
        if self.history.parts is not None:
            return inparts.ahead(self.history.parts, lambda number: self.part(number).predict())
        model = self.opened()
        return self._with_sums(*model._forecast(open_rows(model.history, build_panel(model.history, self.settings))))

    def _forecast(self, wanted: AskedRows) -> tuple[pl.DataFrame, pl.DataFrame]:
        """Forecasts of the rows, and of the sums at their times."""
        numbers = self._trained_numbers(wanted.panel)
        for doubt in doubts(wanted, self.horizon, (numbers == len(self.trained_keys))[wanted.asked.series]):
            warnings.warn(InputWarning(doubt), stacklevel=4)
        found = self._together(wanted, numbers)
        return pl.concat(list(found.asked.values()), how="vertical"), found.sums

    def _together(self, wanted: AskedRows, numbers: NDArray[np.int32]) -> Together:
        """Forecasts of every target, made to add up where there is a hierarchy."""

        def forecast(target: str, rows: AskedRows, others: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
            own = self._target(target, rows, numbers) if target in self.members else None
            if target not in self.solved:
                assert own is not None  # every target has members
                return own
            scored = partial(_as_scores, target, rows, numbers=numbers, settings=self.settings)
            return following(self.solved[target], target, rows, others, own, scored, self.calibration[target])

        names = [name for name in self.history.roles.targets if name not in self.solved]
        if self.upper is None:
            made = side_by_side(lambda name: forecast(name, wanted, {}), names, len(wanted.row))
            for name in self.solved:
                made[name] = forecast(name, wanted, made)
            return Together(made, pl.DataFrame())
        floors = {name: bool(self.calibration[name]["floor_zero"]) for name in (*names, *self.solved)}
        return together(self.upper, self.history, wanted, forecast, numbers, floors)

    def _with_sums(self, own: pl.DataFrame, sums: pl.DataFrame) -> pl.DataFrame:
        """Forecasts of series and sums in one frame, each row with its level."""
        if self.upper is None:
            return own
        named = own.with_columns(pl.lit(leaf_level(self.history.roles)).alias(LEVEL))
        below = sums.select(name for name in sums.columns if name in named.columns or name in self.upper.columns)
        return pl.concat([named, below], how="diagonal").select(LEVEL, pl.exclude(LEVEL))

    def refresh(self, rows: pl.DataFrame) -> ForecastModel:
        """The same parameters with newer observations taken into the history; what a row leaves empty stays as it was."""
        if self.history.parts is not None:
            return replace(self, history=inparts.grown(self.history, self.history.parts, rows))
        return self.with_items(refreshed(self.history, rows))

    def _with_rows(self, rows: pl.DataFrame) -> ForecastModel:
        """Rows replace those of the history at the same series and time."""
        return self.with_items(with_rows(self.history, rows))

    def with_items(self, items: pl.DataFrame) -> ForecastModel:
        """The model with another table of items as its history."""
        return replace(self, history=replace(self.history, tables={**self.history.tables, "items": items}, fingerprint=""))

    def relearnt(self, members: Mapping[str, Sequence[tuple[Fitted, float]]], data: Dataset) -> ForecastModel:
        """The same model with its members learnt anew from newer data, which become its history."""
        return replace(self, members=cast(Members, members), history=data)

    def recalibrated(self, calibration: Mapping[str, Mapping[str, Any]]) -> ForecastModel:
        """The same model with other shifts and bounds of the targets named."""
        kept = {target: {**known, **calibration.get(target, {})} for target, known in self.calibration.items()}
        return replace(self, calibration=kept)

    def outlook(self, leads: Sequence[int] = (), known: int = 0) -> pl.DataFrame:
        """Forecasts of the open rows up to the horizon (or at some ``leads``), with ``origin`` and ``lead``; with their time too
        where that is composed of the person's own columns. For those of ``known`` newest times see `Model.outlook`.
        """
        if self.history.parts is not None:
            return inparts.ahead(self.history.parts, lambda number: self.part(number).outlook(leads, known))
        model, count = self.opened(), 0
        panel = build_panel(model.history, self.settings)
        wanted = open_rows(model.history, panel, leads or range(1, self.horizon + 1))
        if known:
            count = len(wanted.row)
            wanted = wanted.with_rows(newest_rows(model.history, panel, known))
        found = model._together(wanted, self._trained_numbers(panel))
        origin = panel.times(wanted.asked.series, wanted.asked.origin).alias("origin")
        lead = pl.Series("lead", wanted.asked.step - wanted.asked.origin)
        time = panel.times(wanted.asked.series, wanted.asked.step).alias(str(self.history.roles.time))
        made = [one.with_columns(time, origin, lead) for one in found.asked.values()]
        if known:
            made = [_with_truth(one, wanted, count, self.history.roles) for one in made]
        return self._with_sums(pl.concat(made, how="vertical"), found.sums)

    def judge(self, made: pl.DataFrame) -> ScoreTable:
        """What earlier forecasts came to; see `judged`."""
        if self.history.parts is not None:
            return inparts.judged(self.history.parts, made, lambda number, own: self.part(number).judge(own))
        return judged(made, self.history, self.settings, self.weights)

    def part(self, number: int) -> ForecastModel:
        """The model of the series of one part of the history.

        The calibration has no figures of single series beyond part 0: the others get what is usual, and are no new ones.
        """
        history = self.history.part(number)
        if number == 0:
            return replace(self, history=history)
        own = history.items.select(self.trained_keys.columns).unique(maintain_order=True)
        return replace(self, history=history, trained_keys=pl.concat([self.trained_keys, own]))

    def opened(self) -> ForecastModel:
        """The model with the next steps of every series as open rows, where it needs no rows of the person's to forecast them."""
        if self.history.roles.known_ahead:
            return self
        rows = next_rows(self.history, build_panel(self.history, self.settings), self.horizon)
        return self._with_rows(rows) if len(rows) else self

    def _target(self, target: str, wanted: AskedRows, numbers: NDArray[np.int32]) -> pl.DataFrame:
        scores = _as_scores(target, wanted, self._blended(target, wanted), numbers, self.settings)
        frame = apply(scores, self.calibration[target]).frame.with_columns(pl.col("prediction", *BOUNDS).fill_nan(None))
        if lifts := lifts_from(self.calibration[target].get("lifts", ())):
            rows = wanted.panel.rows[wanted.row].with_columns(pl.lit(target).alias("target"))
            frame = frame.with_columns(pl.col("prediction", *BOUNDS) * rows.select(factor_of(lifts)).to_series())
        shown = wanted.shown(self.history.roles)
        return shown.with_columns(pl.lit(target).alias("target"), frame["prediction"], *(frame[bound] for bound in BOUNDS))

    def _blended(self, target: str, wanted: AskedRows) -> NDArray[np.float64]:
        """What the members predict together; where none of them can tell, the usual value of comparable series."""
        blended = weighted_mean(*self.member_predictions(target, wanted))
        untold = ~np.isfinite(blended)
        if not untold.any():
            return blended
        usual = usual_of_others(target, wanted, self.settings.season, self.history.roles.segments, untold)
        empty = untold & ~np.isfinite(usual)
        count, rest = int(untold.sum() - empty.sum()), int(empty.sum())
        if count:
            text = f"{count:,} of {len(blended):,} forecasts of {target} are the usual value of comparable series"
            warnings.warn(InputWarning(f"{text}: no member of the model can tell without a history"), stacklevel=5)
        if rest:
            text = f"{rest:,} of {len(blended):,} forecasts of {target} are empty: no series has a value to forecast from"
            warnings.warn(InputWarning(text), stacklevel=5)
        return np.where(untold, usual, blended)

    def member_predictions(self, target: str, wanted: AskedRows) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """What each member of a target predicts, ``[row, member]``, and the members' weights."""
        question = wanted.question(target, self.settings)
        members = self.members[target]
        matrix = np.column_stack([fitted.member.predict(question) for fitted, _ in members])
        return matrix, np.array([weight for _, weight in members])

    def _trained_numbers(self, panel: Panel) -> NDArray[np.int32]:
        """For each series of a panel the number the calibration knows it by; one past the last for a new series."""
        columns = self.trained_keys.columns
        if columns == [""]:
            return np.zeros(panel.shape[0], dtype=np.int32)
        numbered = self.trained_keys.with_row_index("number")
        numbers = panel.keys.join(numbered, on=columns, how="left", nulls_equal=True, maintain_order="left")["number"]
        return numbers.fill_null(len(self.trained_keys)).cast(pl.Int32).to_numpy()

    def explain(self, item: Mapping[str, Any]) -> Sequence[Explanation]:
        """What drove the forecast of one series and time, in units of each target, as parts that add up.

        A time within the history is explained as it would have been forecast at the longest lead the model was judged at. A time
        in text may be written in any of the usual ways (`read_times`). Raises InputError where it is none, or not of the data.
        """
        item = {**item, **self._time_read(item)}
        parts = self.history.parts
        model = (self if parts is None else self.part(inparts.part_with(parts, self.history.roles, item))).opened()
        found = [explain_item(model._explained(target), item) for target in self.history.roles.targets]
        if not all(np.isfinite(one.prediction) for one in found):
            given = f"the forecast of {', '.join(str(value) for value in item.values())} is no member's"
            rule = "without a history it is the usual value of comparable series, or empty"
            raise InputError("EXPLAIN-NO-HISTORY", given, rule, "explain one of a series with observations")
        return found

    def _time_read(self, item: Mapping[str, Any]) -> Mapping[str, Any]:
        """The time of an item as a date or a time of day; empty where it is none in text, or the data count steps."""
        name = str(self.history.roles.time)
        times, given = self.history.items[name], item.get(name)
        if not times.dtype.is_temporal() or not isinstance(given, (str, int)):
            return {}
        reading = read_times(pl.Series(name, [str(given).strip()]))
        if reading.values.null_count():
            rule, fix = "a time is told as in the data", f"write for example {times.drop_nulls().max()!s}"
            raise InputError("EXPLAIN-TIME", f"{name} '{given}' cannot be read as a time", rule, fix)
        for note in reading.notes:
            warnings.warn(InputWarning(f"{name} '{given}': {note}"), stacklevel=3)
        return {name: reading.values[0]}

    def _explained(self, target: str) -> Explained:
        calibration = self.calibration[target]
        shift, floor_zero = float(calibration["shift"]), bool(calibration["floor_zero"])
        return Explained(target, self.history, self.settings, self.horizon, self.members[target], shift, floor_zero)

    def save(self, folder: Path) -> None:
        """Write history, keys, members and ``model.json``."""
        (folder / "history").mkdir()
        self.history.save(folder / "history")
        self.trained_keys.write_parquet(folder / "keys.parquet")
        listed: dict[str, list[dict[str, Any]]] = {}
        for place, (target, members) in enumerate(self.members.items()):
            listed[target] = []
            for number, (fitted, weight) in enumerate(members):
                name = f"member-{place}-{number}"
                (folder / name).mkdir()
                fitted.save(folder / name)
                listed[target].append({"folder": name, "weight": weight})
        solved = {name: str(identity) for name, identity in self.solved.items()}
        about = {
            "horizon": self.horizon,
            "solved": solved,
            "members": listed,
            "calibration": self.calibration,
            "weights": self.weights,
        }
        if self.upper is not None:
            (folder / _UPPER).mkdir()
            self.upper.save(folder / _UPPER)
        (folder / "model.json").write_text(json.dumps(about, ensure_ascii=False), encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> ForecastModel:
        """Read back what `save` wrote."""
        about = json.loads((folder / "model.json").read_text(encoding="utf-8"))
        members = {
            target: [(FittedMember.load(folder / entry["folder"]), float(entry["weight"])) for entry in entries]
            for target, entries in about["members"].items()
        }
        history, keys = Dataset.load(folder / "history"), pl.read_parquet(folder / "keys.parquet")
        upper = Upper.load(folder / _UPPER) if (folder / _UPPER).is_dir() else None
        return cls(
            history, about["horizon"], members, about["calibration"], keys, about["weights"], upper, _identities(about["solved"])
        )


def _with_truth(made: pl.DataFrame, wanted: AskedRows, count: int, roles: Roles) -> pl.DataFrame:
    """Forecasts of one target with what came true and the segments of each row; the first ``count`` rows are open, and of the
    others those stay whose truth is known.
    """
    rows, target = wanted.panel.rows[wanted.row], str(made["target"][0])
    is_open = pl.int_range(pl.len()) < count
    truth = rows[target].cast(pl.Float64) if target in rows.columns else pl.Series([None] * len(rows), dtype=pl.Float64)
    whose = (rows[name].cast(pl.String) for name in roles.segments if name not in roles.keys)
    frame = made.with_columns(pl.when(is_open).then(None).otherwise(truth).alias("truth"), *whose)
    return frame.filter(is_open | pl.col("truth").is_not_null())


def _identities(texts: Mapping[str, str]) -> dict[str, Identity]:
    return {name: identity for name, text in texts.items() if (identity := parsed(text)) is not None}


_UPPER = "upper"


def _as_scores(
    target: str, wanted: AskedRows, prediction: NDArray[np.float64], numbers: NDArray[np.int32], settings: Settings
) -> ScoreTable:
    """Predictions in the shape the calibration reads; nothing is known about the truth yet."""
    asked = wanted.asked
    empty = pl.Series([None] * len(prediction), dtype=pl.Float64)
    frame = pl.DataFrame(
        {
            "candidate": "final",
            "target": target,
            "fold": 0,
            "origin": wanted.panel.times(asked.series, asked.origin),
            "time": wanted.panel.times(asked.series, asked.step),
            "lead": asked.step - asked.origin,
            "item": wanted.row,
            "cluster": numbers[asked.series],
            "weight": 1.0,
            "scale": 1.0,
            "root_scale": 1.0,
            "truth": empty,
            "prediction": prediction,
            **dict.fromkeys(BOUNDS, empty),
        }
    )
    known = target in wanted.panel.rows.columns  # what follows from other targets may have no column
    told = hardness_of(wanted.panel.exact_grid(target), asked, settings) if known else None
    return ScoreTable(frame if told is None else frame.with_columns(pl.Series(HARDNESS, told)))
