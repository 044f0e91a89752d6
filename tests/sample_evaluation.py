"""The last three chapters of the sample in `sample_chapters`: train, tune with its explorer, operate."""

from __future__ import annotations

import math
from datetime import date, timedelta
from random import Random
from typing import Any

from sevenstep.chapter import Chapter, Column, Explorer, Figure, Notes, Table

STATES = ("Nordrhein-Westfalen", "Bayern", "Hessen", "Berlin", "Sachsen")
KPI_ACCURACY, KPI_PERCENT = "accuracy", "percent"


def train() -> Chapter:
    random = Random(5)
    board = [
        ("boosting_log", 0.0897, "met"),
        ("boosting_direct", 0.0921, "missed"),
        ("ets", 0.1174, "missed"),
        ("theta", 0.1203, "missed"),
        ("seasonal_naive", 0.2629, "missed"),
    ]
    rows = [
        {
            "candidate": name,
            "wape": [value, value - 0.003, value + 0.003],
            "against": [value - 0.0897, value - 0.0917, value - 0.0877],
            "seconds": 0.4 + 40 * place,
            "state": state,
            "rows": 140_490,
        }
        for place, (name, value, state) in enumerate(board)
    ]
    columns = [
        Column("candidate", "Candidate"),
        Column("wape", "WAPE", "interval"),
        Column("against", "Against the best", "interval"),
        Column("rows", "Rows", "integer"),
        Column("seconds", "Time", "seconds"),
        Column("state", "Goal", "state"),
    ]
    lead = [
        {
            "x": day,
            "y": round(base + 0.0006 * day, 4),
            "low": round(base + 0.0006 * day - 0.004, 4),
            "high": round(base + 0.0006 * day + 0.004, 4),
            "group": name,
        }
        for name, base in (("boosting_log", 0.078), ("ets", 0.101))
        for day in range(1, 43)
    ]
    slices = [
        {"x": state, "y": round(0.085 + 0.01 * random.random(), 4), "group": group}
        for state in STATES
        for group in ("promotion", "no promotion")
    ]
    stores = [
        {
            "store": f"Store {number}",
            "state": STATES[number % 5],
            "wape": [value, value * 0.9, value * 1.12],
            "bias": random.gauss(0, 0.02),
            "sales": random.uniform(2e6, 9e6),
        }
        for number, value in ((number, random.uniform(0.05, 0.19)) for number in range(1, 241))
    ]
    blocks = [
        Figure(
            "Who is best",
            "dots",
            [{"y": name, "x": value, "low": value - 0.003, "high": value + 0.003} for name, value, _ in board],
            x_label="WAPE of Sales",
            goal=0.085,
            goal_label="goal ≤ 0.085",
            caption="Out of fold, mean of three windows; 95 % intervals by store.",
        ),
        Table("Leaderboard", columns, rows),
        Figure(
            "Error by lead time",
            "line",
            lead,
            x_label="days ahead",
            y_label="WAPE of Sales",
            x_type="number",
            goal=0.085,
            goal_label="goal ≤ 0.085",
        ),
        Figure("Error by state", "bars", slices, y_label="WAPE of Sales"),
        Table(
            "Every store",
            [
                Column("store", "Store"),
                Column("state", "State"),
                Column("wape", "WAPE", "interval"),
                Column("bias", "Bias", "percent"),
                Column("sales", "Sales", "money", "EUR/year"),
            ],
            stores,
            first=10,
        ),
    ]
    answer = "Boosting on log sales is best with an error of 9.0 %, a third of the seasonal rule and not yet at the goal."
    return Chapter("train", "Train", answer, "missed", blocks)


def thread_rows() -> list[dict[str, Any]]:
    accuracy = [
        ("define", 0.083, 0.078, 0.091, "met"),
        ("train", 0.0897, 0.0867, 0.0927, "missed"),
        ("tune", 0.0816, 0.0789, 0.0845, "met"),
        ("operate", None, None, None, "not_measured"),
    ]
    percent = [
        ("define", 0.118, 0.107, 0.131, "met"),
        ("train", 0.1352, 0.1301, 0.1404, "missed"),
        ("tune", 0.1243, 0.1197, 0.1291, "missed"),
        ("operate", None, None, None, "not_measured"),
    ]
    goals = {KPI_ACCURACY: (0.085, "goal ≤ 0.085"), KPI_PERCENT: (0.12, "goal ≤ 0.12")}
    return [
        {
            "kpi": kpi,
            "stage": stage,
            "value": value,
            "low": low,
            "high": high,
            "state": state,
            "goal": goals[kpi][0],
            "goal_label": goals[kpi][1],
        }
        for kpi, stages in ((KPI_ACCURACY, accuracy), (KPI_PERCENT, percent))
        for stage, value, low, high, state in stages
    ]


def tune(series: int = 60, days: int = 150) -> Chapter:
    gain = [
        ("Best of step 5", 0.0897, 0.0867, 0.0927),
        ("Search", 0.0853, 0.0825, 0.0882),
        ("Ensemble", 0.0824, 0.0796, 0.0853),
        ("Shift", 0.0816, 0.0789, 0.0845),
    ]
    members = [("boosting_log #31", 0.48), ("boosting_direct #12", 0.34), ("ets", 0.18)]
    coverage = [{"x": lead, "y": 0.8 + 0.004 * math.sin(lead), "group": "80 %"} for lead in range(1, 43)]
    coverage += [{"x": lead, "y": 0.95 + 0.002 * math.cos(lead), "group": "95 %"} for lead in range(1, 43)]
    blocks = [
        Figure(
            "What each part gained",
            "dots",
            [{"y": name, "x": value, "low": low, "high": high} for name, value, low, high in gain],
            x_label="WAPE of Sales",
            goal=0.085,
            goal_label="goal ≤ 0.085",
        ),
        Figure(
            "Weights of the ensemble",
            "bars",
            [{"x": name, "y": share} for name, share in members],
            y_label="weight",
            format="percent",
        ),
        explorer(series, days),
        Figure(
            "Do the bounds hold?",
            "line",
            coverage,
            x_label="days ahead",
            y_label="share of actuals inside",
            x_type="number",
            format="percent",
        ),
        Figure("The KPIs from charter to release", "thread", thread_rows(), y_label="error"),
    ]
    answer = "Search and ensemble take the error to 8.2 %: accuracy is met, the percentage error of small stores is still missed."
    return Chapter("tune", "Tune", answer, "met", blocks)


def explorer(series: int, days: int) -> Explorer:
    options = [{"id": "total", "label": "All stores", "group": "Total"}]
    options += [{"id": f"state-{name}", "label": name, "group": "State"} for name in STATES]
    options += [{"id": f"store-{number}", "label": f"Store {number}", "group": "Store"} for number in range(1, series - 5)]
    columns = {option["id"]: forecast(place, days) for place, option in enumerate(options)}
    origins = {name: column["time"][days - 43] for name, column in columns.items()}
    return Explorer(
        "Forecast and actuals",
        options,
        columns,
        origins,
        x_label="day",
        y_label="Sales",
        unit="EUR",
        caption="The last window of the evaluation: what the model said, and what came.",
    )


def forecast(place: int, days: int) -> dict[str, list[Any]]:
    random = Random(place)
    level = 6_500_000 if place == 0 else 1_300_000 if place < 6 else random.uniform(4_000, 11_000)
    columns: dict[str, list[Any]] = {
        name: [] for name in ("time", "actual", "prediction", "lower_80", "upper_80", "lower_95", "upper_95")
    }
    for step in range(days):
        shape = (1.25, 1.05, 0.98, 0.97, 1.05, 0.85, 0.3)[step % 7] * (1.35 if (step // 7) % 2 else 1.0)
        truth, spread = level * shape, level * 0.07
        seen = step >= days - 42
        columns["time"].append((date(2015, 3, 4) + timedelta(days=step)).isoformat())
        columns["actual"].append(round(truth + random.gauss(0, spread), 2))
        guess = truth * 1.01
        bounds = (guess, guess - 1.28 * spread, guess + 1.28 * spread, guess - 1.96 * spread, guess + 1.96 * spread)
        for name, value in zip(("prediction", "lower_80", "upper_80", "lower_95", "upper_95"), bounds, strict=True):
            columns[name].append(round(value, 3) if seen else None)
    return columns


def operate() -> Chapter:
    calendar = [
        {"when": f"2015-08-{day:02d}T06:00:00", "what": what, "cost": cost, "gain": gain}
        for day, what, cost, gain in (
            (1, "release 1 becomes champion", 0.0, None),
            (2, "refresh", 0.02, 0.0011),
            (8, "refresh", 0.02, 0.0009),
            (15, "refit if the alarm rings", 1.4, None),
        )
    ]
    blocks = [
        Table(
            "Calendar toward the target date",
            [
                Column("when", "When", "time"),
                Column("what", "What"),
                Column("cost", "Cost", "money", "EUR"),
                Column("gain", "Expected gain", "number"),
            ],
            calendar,
        ),
        Notes(
            "What is watched",
            [
                {
                    "text": "An alarm rings when accuracy leaves its control limits for two weeks in a row.",
                    "evidence": "limits 0.074 to 0.091",
                    "tone": "info",
                },
                {"text": "Release 1 is champion; there is no older release to go back to.", "evidence": "", "tone": "warn"},
            ],
        ),
    ]
    answer = "Release 1 serves; it is refreshed each morning and learns again when accuracy leaves its limits."
    return Chapter("operate", "Operate", answer, "not_measured", blocks)
