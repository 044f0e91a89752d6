"""Scores forecasts on rows no run has seen.

    python bench/forecast.py SPEC [SPEC ...] [--windows 2 [--apart 3] [--anyway]] [--set KEY=VALUE] [--keep DIR]
    python bench/forecast.py SPEC --actuals FILE        # score the rows whose target the data do not hold
    python bench/forecast.py --m4 weekly --m3 all --data DIR [--series 1000] [--budget 5min] [--peer]

For each spec and window the last ``horizon`` steps are cut off the training rows, so that the run sees only what is known ahead
about them; each further window ends a horizon earlier, or as many steps as ``apart`` says. The spec then runs as it stands, the
rows cut off are predicted, and every KPI and the usual metrics are printed with n and a 95 % interval (bootstrap over series),
beside the simple rules on the same rows, with seconds and peak memory.

A part of the M3 or M4 competition is run with a spec as a user would write it, on its training rows alone, and scored with sMAPE,
MASE and OWA beside Naive2 on the same rows and what was published; with ``--peer`` also beside the median of AutoETS, theta and
CES, fitted to the same series.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from competitions import PARTS, PUBLISHED, Part, mase, naive2, owa, read_part, smape, spec_text, statistical_median
from reached import keep_reached
from ruamel.yaml import YAML
from running import Took, run_command

from sevenstep.data.dataset import Dataset
from sevenstep.data.intake import intake
from sevenstep.engine.store import Store
from sevenstep.project import Project
from sevenstep.spec.model import Spec
from sevenstep.spec.read import read_spec
from sevenstep.stats.intervals import Estimate, cluster_estimate
from sevenstep.stats.metrics import METRICS
from sevenstep.stats.scored import Scored
from sevenstep.tasks.forecast.asking import open_rows
from sevenstep.tasks.forecast.clock import Clock, infer_frequency
from sevenstep.tasks.forecast.families.naive import RULES, NaiveMember
from sevenstep.tasks.forecast.features.recipe import FeatureRecipe
from sevenstep.tasks.forecast.panel import Settings, build_panel
from sevenstep.tasks.registry import grammars

FAR = 6.0  # points a lead's coverage may be off before it is named
FEWEST = 100  # rows of a lead whose coverage says anything
SHOWN = ("wape", "rmspe", "mae", "bias", "coverage_80", "coverage_95")


def main() -> None:
    """Run the windows of every spec and print one table."""
    options = _options()
    for competition in ("m3", "m4"):
        names = getattr(options, competition)
        _competition(competition, list(PARTS[competition]) if names == ["all"] else names, options)
    for path in options.specs:
        windows = range(options.windows if options.actuals is None else 1)
        _print_coverage(pl.concat([_window(Path(path).resolve(), window, options) for window in windows]))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("specs", nargs="*")
    for competition, parts in PARTS.items():
        parser.add_argument(f"--{competition}", nargs="+", default=[], choices=[*parts, "all"], help="parts of the competition")
    parser.add_argument("--data", type=Path, help="folder with the competitions' folders m3 and m4")
    parser.add_argument("--series", type=int, help="so many series of a part, drawn with seed 0")
    parser.add_argument("--budget", default="5min", help="budget of a competition's spec")
    parser.add_argument("--peer", action="store_true", help="fit the statistical median of a competition's series too")
    parser.add_argument("--windows", type=int, default=1, help="how many windows back from the end to score, one run each")
    parser.add_argument("--apart", type=int, help="steps from window to window, the horizon by default")
    parser.add_argument("--anyway", action="store_true", help="go on where the verdict is no_go: windows with little history")
    parser.add_argument("--set", dest="overrides", action="append", default=[], metavar="KEY=VALUE")
    parser.add_argument("--actuals", type=Path, help="file with keys, time and targets of the open rows")
    parser.add_argument("--keep", type=Path, help="keep stores and forecasts in this folder")
    return parser.parse_args()


def _window(path: Path, window: int, options: argparse.Namespace) -> pl.DataFrame:
    """Run and score one window; which of its rows lie inside their bounds, by target and lead."""
    spec = read_spec(path, grammars(), options.overrides)
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) if options.keep is None else options.keep / f"{spec.name}-{window}"
        folder.mkdir(parents=True, exist_ok=True)
        if options.actuals is None:
            runnable, truth = _cut(spec, path, window * (options.apart or spec.section.horizon), folder)
        else:
            runnable, truth = path, _taken(spec, options.actuals)
        seconds, peak = _run(runnable, folder / "store", options.overrides, anyway=options.anyway)
        forecasts = Project(runnable, folder / "store", options.overrides).predict()
        forecasts.write_parquet(folder / "forecasts.parquet")
        print(f"\n{spec.name}, window {window}: {seconds:.0f} s wall, peak {peak:,.0f} MiB over all processes")
        keep_reached(folder, _print_scores(spec, forecasts, truth, _simple(runnable, folder / "store", options)))
        return _covered(spec, forecasts, truth)


def _competition(competition: str, names: list[str], options: argparse.Namespace) -> None:
    """Run and score some parts; the last line is the mean over the series of all of them."""
    found = []
    for name in names:
        part = read_part(options.data, competition, name, options.series)
        found.append(_part(part, options))
    if len(found) > 1:
        rows = [np.concatenate(values) for values in zip(*found, strict=True)]
        _print_part(competition, "all", PUBLISHED[competition].get("all", ""), rows)


def _part(part: Part, options: argparse.Namespace) -> tuple[np.ndarray[Any, Any], ...]:
    """sMAPE and MASE of every series, ours first, then those of Naive2."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) if options.keep is None else options.keep / f"{part.competition}-{part.name}"
        folder.mkdir(parents=True, exist_ok=True)
        part.train.write_parquet(folder / "rows.parquet")
        spec = folder / "sevenstep.yaml"
        spec.write_text(spec_text(part, options.budget), encoding="utf-8")
        seconds, peak = _run(spec, folder / "store", options.overrides)
        forecasts = Project(spec, folder / "store", options.overrides).predict()
    names, past, truth = part.arrays()
    wanted = part.test.select("unique_id", "t").join(forecasts, on=["unique_id", "t"], how="left").sort("unique_id", "t")
    made = wanted["prediction"].to_numpy().reshape(truth.shape)
    simple = naive2(past, part.season, part.horizon)
    rows = tuple(values for one in (made, simple) for values in (smape(truth, one), mase(truth, one, past, part.season)))
    which = "the competition's test part" if part.official else "the last horizon of the training part"
    print(f"\n{part.competition} {part.name}: {len(names):,} series on {which}; {seconds:.0f} s wall, peak {peak:,.0f} MiB")
    if options.keep is not None:
        same = PARTS[part.competition][part.name][2] == part.season  # or the spec's MASE is another measure
        keep_reached(folder, {"smape": _mean_of(rows[0]), **({"mase": _mean_of(rows[1])} if same else {})})
    _print_part(part.competition, part.name, PUBLISHED[part.competition][part.name], rows)
    if options.peer:
        peer = statistical_median(past, part.season, part.horizon)
        _print_peer(rows, (smape(truth, peer), mase(truth, peer, past, part.season)))
    for level in (80, 95):
        inside = part.test.join(wanted, on=["unique_id", "t"]).select(pl.col("y").is_between(f"lower_{level}", f"upper_{level}"))
        print(f"bounds at {level} %: {100 * inside.to_series().mean():.1f} % of {len(inside):,} rows inside")
    return rows


def _mean_of(values: np.ndarray[Any, Any]) -> Estimate:
    """The mean over series with its interval by their spread."""
    known = values[np.isfinite(values)]
    half = 1.96 * float(known.std()) / np.sqrt(len(known))
    return Estimate(float(known.mean()), float(known.mean() - half), float(known.mean() + half), len(known), len(known), "normal")


def _print_part(competition: str, name: str, published: str, rows: Sequence[np.ndarray[Any, Any]]) -> None:
    """Means over series with 95 % bootstrap intervals over series."""
    means, draws = _drawn_means(rows)
    lines = [("sMAPE", means[0], draws[0], means[2]), ("MASE", means[1], draws[1], means[3])]
    lines.append(("OWA", owa(*means), owa(*draws), 1.0))
    for metric, value, drawn, simple in lines:
        low, high = np.quantile(drawn, [0.025, 0.975])
        own = f"{competition} {name:<10} {metric:<6} {value:9.4f} ({low:.4f} to {high:.4f})"
        print(f"{own}  Naive2 {simple:9.4f}  n {len(rows[0]):,}")
    print(f"published: {published}")


def _print_peer(rows: Sequence[np.ndarray[Any, Any]], peer: tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]) -> None:
    """The peer's OWA on the same series, and ours as a share of it, with a 95 % bootstrap interval over series."""
    (own, own_drawn), (theirs, drawn) = (_mean_owa([*one, *rows[2:]]) for one in (rows[:2], peer))
    low, high = np.quantile(own_drawn / drawn, [0.025, 0.975])
    print(f"median of AutoETS, theta and CES: OWA {theirs:.4f}; ours is {own / theirs:.4f} of it ({low:.4f} to {high:.4f})")


def _mean_owa(rows: Sequence[np.ndarray[Any, Any]]) -> tuple[float, np.ndarray[Any, Any]]:
    """OWA of means over series, and of those of the drawn series."""
    means, draws = _drawn_means(rows)
    return owa(*means), owa(*draws)


def _drawn_means(rows: Sequence[np.ndarray[Any, Any]]) -> tuple[list[float], list[np.ndarray[Any, Any]]]:
    """Means over series of each measure, and the same for 1,000 drawings of as many series, alike for all measures."""
    chosen = np.random.default_rng(0).integers(0, len(rows[0]), (1000, len(rows[0])))
    return [float(np.nanmean(values)) for values in rows], [np.nanmean(values[chosen], axis=1) for values in rows]


def _main_rows(spec: Spec) -> pl.DataFrame:
    main = spec.data.main()
    plain = {"source": None, "sources": {main: spec.data.tables()[main]}, "segments": (), "drop": (), "limits": {}}
    alone = spec.data.model_copy(update=plain)
    return intake(alone, spec.base, spec.targets, one_row_per_time=True).items


def _taken(spec: Spec, path: Path) -> pl.DataFrame:
    return intake(spec.data.with_rows_from(str(path), joined=False), spec.base, (), one_row_per_time=True).items


def _cut(spec: Spec, path: Path, newest: int, folder: Path) -> tuple[Path, pl.DataFrame]:
    """A spec whose main rows end a horizon before the ``newest`` steps, and the rows of that horizon with their targets."""
    items = _main_rows(spec)
    time = spec.data.time if isinstance(spec.data.time, str) else "time"
    known = items.filter(pl.any_horizontal([pl.col(target).is_not_null() for target in spec.targets]))
    clock = Clock.of(items[time], spec.section.frequency or infer_frequency(known, time, list(spec.data.series)))
    steps = items.select(clock.steps(pl.col(time)).alias("step"))["step"]
    ends = pl.Series("end", _ends(known, clock, time, list(spec.data.series), items))
    back, horizon = ends - steps, spec.section.horizon
    inside = (back >= newest) & (back < newest + horizon)
    rows = items.with_columns(inside.alias("inside")).filter(back >= newest)
    ahead = {time, *spec.data.series, *spec.section.known_ahead}
    if spec.data.time is not None and not isinstance(spec.data.time, str):
        ahead |= set(spec.data.time.columns().values())
    hidden = [name for name in items.columns if name not in ahead]
    cut = rows.with_columns([pl.when("inside").then(None).otherwise(pl.col(name)).alias(name) for name in hidden])
    composed = [] if isinstance(spec.data.time, str) else ["time"]
    cut.drop("inside", *composed).write_parquet(folder / "main.parquet")
    return _pointed(spec, path, folder), rows.filter("inside")


def _ends(known: pl.DataFrame, clock: Clock, time: str, keys: list[str], items: pl.DataFrame) -> np.ndarray[Any, Any]:
    """Step of the last known value: of all series, or of each where they count their own time."""
    last = known.with_columns(clock.steps(pl.col(time)).alias("step"))
    if clock.kind != "integer" or not keys:
        return np.full(len(items), last["step"].max())
    ends = last.group_by(keys).agg(pl.col("step").max())
    return items.select(keys).join(ends, on=keys, how="left", maintain_order="left")["step"].to_numpy()


def _pointed(spec: Spec, path: Path, folder: Path) -> Path:
    """A copy of the spec that reads the cut rows, and everything else from where it was."""
    yaml = YAML()
    document = yaml.load(path.read_text(encoding="utf-8"))
    data, name = document["data"], "main.parquet"
    if "sources" in data:
        for label, source in data["sources"].items():
            source["path"] = name if label == spec.data.main() else _absolute(source["path"], path.parent)
    else:
        data["source"] = name
    copy = folder / "sevenstep.yaml"
    with copy.open("w", encoding="utf-8") as file:
        yaml.dump(document, file)
    return copy


def _absolute(paths: str | list[str], base: Path) -> str | list[str]:
    return str((base / paths).resolve()) if isinstance(paths, str) else [str((base / one).resolve()) for one in paths]


def _run(spec: Path, store: Path, overrides: list[str], *, anyway: bool = False) -> Took:
    flags = [*(["--anyway"] if anyway else []), *(flag for text in overrides for flag in ("--set", text))]
    return run_command("run", str(spec), "--store", str(store), *flags)


def _simple(spec: Path, store: Path, options: argparse.Namespace) -> Mapping[str, pl.DataFrame]:
    """Forecasts of the simple rules for the open rows, by rule."""
    project = Project(spec, store, options.overrides)
    steps = {step.name: step for step in project.run(anyway=options.anyway).steps}
    opened = Store(store)
    data = Dataset.load(opened.open(steps["collect"].fingerprint).folder("dataset"))
    recipe = opened.open(steps["prepare"].fingerprint).json("recipe")["targets"]
    settings = Settings.of(data)
    panel = build_panel(data, settings)
    wanted = open_rows(data, panel)
    found = {}
    for rule in RULES:
        parts = []
        for target in project.spec.targets:
            features = FeatureRecipe.from_json({**recipe[target], "target": target, "horizon": project.spec.section.horizon})
            season = features.seasons[0] if features.seasons else 1
            made = NaiveMember(rule, season, features).predict(wanted.question(target, settings))
            parts.append(wanted.shown(data.roles).with_columns(pl.lit(target).alias("target"), pl.Series("prediction", made)))
        found[rule] = pl.concat(parts)
    return found


def _print_scores(
    spec: Spec, forecasts: pl.DataFrame, truth: pl.DataFrame, simple: Mapping[str, pl.DataFrame]
) -> dict[str, Estimate]:
    """Print a row for each target, forecast and metric; give what ours reached by the id of each KPI."""
    reached: dict[str, Estimate] = {}
    print(f"{'target':<14} {'forecast by':<16} {'metric':<12} {'value':>12} {'low':>12} {'high':>12} {'n':>8}")
    for target in spec.targets:
        for name, frame in {"sevenstep": forecasts, **simple}.items():
            both = _beside(spec, target, frame, truth, _weights(spec, truth))
            for metric in _metrics(spec, target) if name == "sevenstep" else _metrics(spec, target)[:2]:
                found = _estimated(spec, metric, both)
                print(f"{target:<14} {name:<16} {_line(metric, found)}")
                own = [kpi for kpi in spec.kpis if kpi.metric == metric and (kpi.target or spec.targets[0]) == target]
                reached |= {kpi.id: found for kpi in own if name == "sevenstep"}
    return reached


def _beside(spec: Spec, target: str, forecasts: pl.DataFrame, truth: pl.DataFrame, more: Sequence[str | pl.Expr]) -> pl.DataFrame:
    """Forecasts of a target with their ``truth`` where it is known, and with ``more`` of the rows it is from."""
    keys = [name for name in forecasts.columns if name in truth.columns and name not in ("prediction", "lead", *spec.targets)]
    mine = forecasts.filter(pl.col("target") == target).drop("target", "lead", strict=False)
    both = truth.select(*keys, pl.col(target).cast(pl.Float64).alias("truth"), *more)
    both = both.join(mine.cast({key: truth.schema[key] for key in keys}), on=keys, how="inner", nulls_equal=True)
    return both.filter(pl.col("truth").is_not_null())


def _covered(spec: Spec, forecasts: pl.DataFrame, truth: pl.DataFrame) -> pl.DataFrame:
    """A row for each forecast with a truth: target, lead, and whether the bounds of each level hold it."""
    time = spec.data.time if isinstance(spec.data.time, str) else "time"
    own_time = truth.schema[time].is_integer() and bool(spec.data.series)  # each series counts its own
    lead = pl.col(time).rank("dense").cast(pl.Int32)
    known = truth.with_columns((lead.over(spec.data.series) if own_time else lead).alias("lead"))
    inside = [pl.col("truth").is_between(f"lower_{level}", f"upper_{level}").alias(str(level)) for level in (80, 95)]
    return pl.concat(
        _beside(spec, target, forecasts, known, ["lead"]).select(pl.lit(target).alias("target"), "lead", *inside)
        for target in spec.targets
    )


def _print_coverage(rows: pl.DataFrame) -> None:
    """Coverage over all windows, and the leads that are furthest from what was promised."""
    for (target,), own in rows.partition_by("target", as_dict=True, maintain_order=True).items():
        for level in ("80", "95"):
            said = f"{target}: {level} % bounds cover {100 * own[level].mean():.1f} % of {len(own):,} rows"
            by_lead = own.group_by("lead").agg(pl.col(level).mean() * 100, pl.len().alias("rows"))
            print(f"{said}; {_by_lead(by_lead.filter(pl.col('rows') >= FEWEST).sort('lead'), level)}")


def _by_lead(covered: pl.DataFrame, level: str) -> str:
    if covered.is_empty():
        return "of each lead too few"
    off = covered.filter((pl.col(level) - float(level)).abs() > FAR)
    ordered = covered.sort(level).select("lead", level).rows()
    (least, low), (most, high) = ordered[0], ordered[-1]
    return (
        f"by lead from {low:.1f} % (lead {least}) to {high:.1f} % (lead {most}); "
        f"{len(off)} of {len(covered)} leads over {FAR:g} points off{_listed(off['lead'].to_list())}"
    )


def _listed(leads: list[int]) -> str:
    return f": {', '.join(map(str, leads[:15]))}{' ...' if len(leads) > 15 else ''}" if leads else ""


def _metrics(spec: Spec, target: str) -> list[str]:
    own = [kpi.metric for kpi in spec.kpis if kpi.target in (target, None) and kpi.metric not in ("mase", "rmsse", "msis")]
    return list(dict.fromkeys([*own, *SHOWN]))


def _weights(spec: Spec, truth: pl.DataFrame) -> list[pl.Expr]:
    factors = {name: value for kpi in spec.kpis for name, value in kpi.weights.items()}
    weight = pl.lit(1.0)
    for name, value in factors.items():
        weight = weight * pl.when(pl.col(name).cast(pl.Float64) != 0).then(value).otherwise(1.0)
    return [weight.alias("weight")]


def _estimated(spec: Spec, metric: str, both: pl.DataFrame) -> Estimate:
    names = ["truth", "prediction", "weight", *(name for name in both.columns if name.startswith(("lower_", "upper_")))]
    rows = Scored.of(**{name: both[name].cast(pl.Float64).to_numpy() for name in names})
    cluster = both.select(spec.data.series).hash_rows().to_numpy() if spec.data.series else np.zeros(len(both))
    return cluster_estimate(METRICS[metric], rows, cluster, 0)


def _line(metric: str, found: Estimate) -> str:
    low, high = (f"{end:12.5g}" if end is not None else " " * 12 for end in (found.low, found.high))
    return f"{metric:<12} {found.value or float('nan'):12.5g} {low} {high} {found.n:8,d}"


if __name__ == "__main__":
    main()
