"""Features of the past equal SQL over the same rows, and are right at the edges: gaps, blocks, names, neighbouring steps."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import duckdb
import numpy as np
import polars as pl
import pytest
from numpy.typing import NDArray

from forecast_worlds import START, ask, facts, panel_of, plain_recipe, shop_data, shop_recipe, shops, table_of
from sevenstep.data.dataset import Dataset, Roles
from sevenstep.tasks.forecast.features import pooled as pooled_module
from sevenstep.tasks.forecast.features.calendar import calendar_columns, twin_steps
from sevenstep.tasks.forecast.features.history import Asked
from sevenstep.tasks.forecast.features.inputs import event_states, level_codes
from sevenstep.tasks.forecast.features.recipe import FeatureRecipe
from sevenstep.tasks.forecast.features.table import FeatureTable
from sevenstep.tasks.forecast.features.windows import (
    FEW,
    Read,
    exponential_mean,
    exponential_means,
    last_value,
    phase_means,
    rolling_mean,
    rolling_spread,
    since,
)

SERIES, STEPS = 5, 60
Grid = NDArray[np.float64]


def random_grid(seed: int, missing: float = 0.3) -> Grid:
    generator = np.random.default_rng(seed)
    grid = generator.gamma(2, 50, (SERIES, STEPS))
    grid[generator.random(grid.shape) < missing] = np.nan
    grid[1, :15] = np.nan  # starts late
    grid[2, 40:] = np.nan  # ends early
    grid[3] = np.nan  # never seen
    return grid


def sql(grid: Grid, query: str) -> Grid:
    """``query`` selects series, step and value from ``cells`` (series, step, y with NULL gaps)."""
    series, step = np.divmod(np.arange(grid.size), grid.shape[1])
    cells = pl.DataFrame({"series": series, "step": step, "y": grid.ravel()}).with_columns(pl.col("y").fill_nan(None))
    with duckdb.connect() as connection:
        connection.register("cells", cells.to_arrow())
        rows = connection.execute(query).fetchall()
    result = np.full(grid.shape, np.nan)
    for one, at, value in rows:
        result[one, at] = np.nan if value is None else value
    return result


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("window", [1, 7, 13])
def test_rolling_mean_and_spread_equal_sql_windows(seed: int, window: int) -> None:
    grid = random_grid(seed)
    over = f"over (partition by series order by step rows between {window - 1} preceding and current row)"
    mean = sql(grid, f"select series, step, avg(y) {over} from cells")
    spread = sql(grid, f"select series, step, stddev_pop(y) {over} from cells")
    np.testing.assert_allclose(rolling_mean(grid, window), mean, rtol=1e-5)
    np.testing.assert_allclose(rolling_spread(grid, window), spread, rtol=1e-4, atol=1e-3)


@pytest.mark.parametrize("seed", range(3))
def test_the_last_value_equals_sql(seed: int) -> None:
    grid = random_grid(seed)
    expected = sql(grid, "select series, step, last_value(y ignore nulls) over (partition by series order by step) from cells")
    np.testing.assert_array_equal(last_value(grid), expected.astype(np.float32))


@pytest.mark.parametrize("half_life", [0.5, 3.0, 20.0])
def test_the_exponential_mean_equals_a_sum_of_powers_in_sql(half_life: float) -> None:
    grid = random_grid(4)
    query = f"""
        select now.series, now.step,
               sum(past.y * pow(0.5, (now.step - past.step) / {half_life})) / sum(pow(0.5, (now.step - past.step) / {half_life}))
        from cells now join cells past on past.series = now.series and past.step <= now.step and past.y is not null
        group by all
        having sum(pow(0.5, (now.step - past.step) / {half_life})) > 1e-6
    """
    np.testing.assert_allclose(exponential_mean(grid, half_life), sql(grid, query), rtol=1e-5)


@pytest.mark.parametrize("season", [4, 7])
def test_phase_means_equal_exponential_means_over_cycles_in_sql(season: int) -> None:
    grid = random_grid(5)
    power = f"pow(0.5, (now.step - past.step) / {season} / 2.0)"
    query = f"""
        select now.series, now.step, sum(past.y * {power}) / sum({power})
        from cells now join cells past on past.series = now.series and past.step <= now.step and past.y is not null
             and past.step % {season} = now.step % {season}
        group by all
    """
    means, expected = phase_means(grid, season, (2.0,))[0], sql(grid, query)
    for step in range(STEPS):
        np.testing.assert_allclose(means[:, step // season, step % season], expected[:, step], rtol=1e-5)


def test_steps_since_an_event_equal_sql() -> None:
    grid = random_grid(6)
    query = """
        select series, step, coalesce(step - max(case when y is not null then step end)
               over (partition by series order by step), 99) from cells
    """
    np.testing.assert_array_equal(since(np.isfinite(grid), 10), np.minimum(sql(grid, query), 10))


@pytest.mark.parametrize("at", [[59], [0, 7, 8, 41, 59], list(range(5, 5 + 2 * FEW))])
def test_averages_asked_for_at_some_columns_are_those_of_all_columns_there(at: list[int]) -> None:
    grid, columns = random_grid(7).astype(np.float32), np.array(at)
    for half_life in (0.5, 3.0, 20.0):
        whole = exponential_mean(grid, half_life)
        np.testing.assert_allclose(exponential_mean(grid, half_life, columns), whole[:, columns], rtol=1e-6)
    for window in (1, 7, 90):
        np.testing.assert_allclose(rolling_mean(grid, window, columns), rolling_mean(grid, window)[:, columns], rtol=1e-6)
        spread = rolling_spread(grid, window)[:, columns]
        np.testing.assert_allclose(rolling_spread(grid, window, columns), spread, rtol=1e-6, atol=1e-4)
    np.testing.assert_array_equal(last_value(grid, columns), last_value(grid)[:, columns])
    cycles = np.unique(columns // 7)
    for some, every in zip(phase_means(grid, 7, (2.0, 6.0), cycles), phase_means(grid, 7, (2.0, 6.0)), strict=True):
        np.testing.assert_allclose(some, every[:, cycles], rtol=1e-6)


def test_averages_at_some_columns_see_nothing_after_them() -> None:
    grid, columns = random_grid(8), np.array([20, 33])
    other = grid.copy()
    other[:, 34:] = 1e12
    for some in (lambda values: exponential_means(values, (3.0, 9.0), columns)[1], lambda values: last_value(values, columns)):
        np.testing.assert_array_equal(some(grid), some(other))


def test_columns_that_are_read_are_each_kept_once() -> None:
    read = Read.of(np.array([7, 3, 7, 9]))
    assert read.columns.tolist() == [3, 7, 9]
    assert read.columns[read.place].tolist() == [7, 3, 7, 9]
    assert Read.of(np.array([], dtype=np.int32)).columns.tolist() == [0]


def column(table: FeatureTable, name: str) -> NDArray[np.float32]:
    return table.values[:, list(table.names).index(name)]


def shop_table(**values: Any) -> tuple[pl.DataFrame, FeatureTable]:
    """Rows of the panel, and a table without closures and calendar, whose features SQL can tell."""
    panel, _ = panel_of(shop_data(shops(days=180, missing=0.1)))
    table = table_of(panel, shop_recipe(closures=False, calendar={}, **values), 150)
    return panel.rows, table


def asked_sql(rows: pl.DataFrame, table: FeatureTable, value: str, condition: str) -> NDArray[np.float64]:
    """One value for each row of the table from the rows ``p`` of the same series at its origin or before."""
    asked = pl.DataFrame({"at": np.arange(len(table.row)), "series": table.series, "step": table.step, "origin": table.origin})
    query = f"""
        with log as (select *, ln(1 + y) as z from rows where y is not null)
        select a.at, (select {value} from log p where p.series = a.series and p.step <= a.origin and {condition})
        from asked a left join rows t on t.series = a.series and t.step = a.step order by a.at
    """
    with duckdb.connect() as connection:
        connection.register("rows", rows.to_arrow())
        connection.register("asked", asked.to_arrow())
        found = connection.execute(query).fetchall()
    return np.array([np.nan if value is None else value for _, value in found], dtype=np.float64)


def test_every_column_of_the_past_equals_sql() -> None:
    rows, table = shop_table(year=0)
    age = "(a.origin - p.step)"
    weighted = "sum(p.z * pow(0.5, {0} / {1})) / sum(pow(0.5, {0} / {1}))"
    cycles = "((a.origin - a.step % 7) // 7 - p.step // 7)"
    same_phase, same_state = "p.step % 7 = a.step % 7", "p.step % 7 = a.step % 7 and p.promotion = t.promotion"
    expected = {
        "level": (weighted.format(age, 14.0), "true"),
        "slow_level": (weighted.format(age, 112.0), "true"),
        "mean_7": ("avg(p.z)", "p.step > a.origin - 7"),
        "mean_28": ("avg(p.z)", "p.step > a.origin - 28"),
        "mean_91": ("avg(p.z)", "p.step > a.origin - 91"),
        "spread_56": ("stddev_pop(p.z)", "p.step > a.origin - 56"),
        "newest": ("arg_max(p.z, p.step)", "true"),
        "steps_since_seen": ("a.origin - max(p.step)", "true"),
        "seen_so_far": ("least(count(*), 28)", "true"),
        "phase_7_2": (weighted.format(cycles, 2.0), same_phase),
        "phase_7_20": (weighted.format(cycles, 20.0), same_phase),
        "last_phase_7": ("any_value(p.z)", f"{same_phase} and p.step > a.origin - 7"),
        "state_3": (weighted.format(age, 21.0), same_state),
        "state_40": (weighted.format(age, 280.0), same_state),
    }
    for name, (value, condition) in expected.items():
        np.testing.assert_allclose(
            column(table, name), asked_sql(rows, table, value, condition), rtol=2e-4, atol=2e-4, err_msg=name
        )


def test_the_base_is_the_mean_in_the_same_state_then_of_the_same_phase_then_the_level() -> None:
    _, table = shop_table()
    for name in ("state_10", "phase_7_6"):
        assert np.isfinite(column(table, name)).mean() > 0.9
    best = column(table, "level")
    for name in ("phase_7_6", "state_10"):
        best = np.where(np.isfinite(column(table, name)), column(table, name), best)
    np.testing.assert_array_equal(table.base, best)


def test_last_years_features_equal_sql() -> None:
    rows, table = shop_table(year=91)
    twin = "a.step - 91"
    value = asked_sql(rows, table, "any_value(p.z)", f"p.step = {twin}")
    np.testing.assert_allclose(column(table, "last_year_value"), value, rtol=1e-5)
    before = "(select sum(q.z * pow(0.5, (p.step - 4 - q.step) / 14.0)) / sum(pow(0.5, (p.step - 4 - q.step) / 14.0)) "
    before += "from log q where q.series = p.series and q.step <= p.step - 4)"
    for name, half in (("last_year_own_day", 0), ("last_year_own", 3), ("last_year_own_wide", 14)):
        near = asked_sql(rows, table, f"avg(p.z - {before})", f"p.step between {twin} - {half} and {twin} + {half}")
        np.testing.assert_allclose(column(table, name), near, rtol=1e-3, atol=2e-4, err_msg=name)


def test_oddness_is_the_mean_departure_from_the_same_phase_in_the_same_state_before() -> None:
    rng = np.random.default_rng(4)
    surprise = rng.normal(size=(5, 40)).astype(np.float32)
    surprise[rng.random(surprise.shape) < 0.2] = np.nan
    states = rng.integers(-1, 2, surprise.shape).astype(np.int16)
    found = pooled_module.oddness(surprise, states, 7)
    fade, expected = 0.5 ** (1 / pooled_module.HALF_LIFE), []
    for step in range(40):
        away = []
        for state in (0, 1):
            kept = number = 0.0
            for earlier in range(step % 7, step, 7):
                values = surprise[states[:, earlier] == state, earlier]
                values = values[np.isfinite(values)]
                if len(values):
                    kept, number = kept * fade + values.sum(), number * fade + len(values)
            now = surprise[states[:, step] == state, step]
            away += list(now[np.isfinite(now)] - kept / number) if number else []
        expected.append(np.mean(away) if away else np.nan)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


def test_a_feast_stands_apart_from_weekday_and_promotion_in_the_oddness_of_its_day() -> None:
    steps = np.arange(200)
    states = np.tile((steps // 7 % 2).astype(np.int16), (3, 1))
    plain = 0.3 * (steps % 7 == 5) + 0.5 * states
    feast = np.where(steps == 150, 0.4, 0.0)
    odd = pooled_module.oddness((plain + feast).astype(np.float32), states, 7)
    assert odd[150] == pytest.approx(0.4, abs=1e-5)
    assert np.abs(odd[14:150]).max() < 1e-5


def test_what_a_feast_did_to_all_is_taken_from_the_history_of_many_series_and_never_in_units_of_each() -> None:
    days = [date(2021, 1, 1) + timedelta(day) for day in range(820)]
    grid = np.where([day.month == 12 and 18 <= day.day <= 25 for day in days], 300.0, 100.0)
    items = pl.concat(pl.DataFrame({"day": days, "shop": f"s{shop:02d}", "y": grid * (shop + 1)}) for shop in range(12))
    panel, settings = panel_of(Dataset({"items": items}, Roles(("y",), "day", keys=("shop",)), facts()))
    origin = (date(2022, 12, 26) - days[0]).days
    question = ask(panel, settings, [(shop, origin + 5, origin) for shop in range(12)])
    recipe = FeatureRecipe("y", 14, seasons=(7,), year=364, transform="log1p", calendar={"period": "day", "country": "DE"})
    names, values, _ = question.features(recipe)
    plain, before, _ = question.features(replace(recipe, calendar={"period": "day"}))
    mean, week = names.index("mean_7"), plain.index("mean_7")
    usual = np.log1p(100.0 * np.arange(1, 13))
    assert np.abs(values[:, mean] - usual).max() < 0.5 * np.abs(before[:, week] - usual).min()
    _, _, base = question.features(replace(recipe, transform="units", base="newest"))
    np.testing.assert_allclose(base, panel.grid("y")[:, origin])


def test_last_year_tells_how_odd_the_twin_day_was_and_nothing_later_than_the_origin() -> None:
    _, table = shop_table(year=91)
    odd = column(table, "last_year_all_odd")
    assert np.isfinite(odd).any()
    by_step = {}
    for step, value in zip(table.step[np.isfinite(odd)], odd[np.isfinite(odd)], strict=True):
        assert by_step.setdefault(int(step), value) == value  # one figure a day, whatever the series and the origin
    assert np.isnan(odd[table.step < 91]).all()


def test_inputs_of_the_target_time_and_its_neighbours_are_those_of_the_rows() -> None:
    rows, table = shop_table()
    lookup = {(row["series"], row["step"]): row for row in rows.iter_rows(named=True)}
    for at in range(0, len(table.row), 37):
        series, step = int(table.series[at]), int(table.step[at])
        assert column(table, "lead")[at] == step - table.origin[at]
        assert column(table, "price")[at] == pytest.approx(lookup[series, step]["price"])
        for shift in (-7, -1, 1, 7):
            neighbour = lookup.get((series, step + shift))
            shown = column(table, f"promotion{shift:+d}")[at]
            assert np.isnan(shown) if neighbour is None else shown == float(neighbour["promotion"])


def test_closed_days_around_are_counted_from_missing_rows() -> None:
    items = shops(series=1, days=60)
    closed = [date(2022, 2, 1), date(2022, 2, 2)]
    panel, _ = panel_of(shop_data(items.filter(~pl.col("day").is_in(closed)), gaps="closed"))
    step = (closed[0] - START).days
    names, values, _ = ask(panel, panel_of(shop_data(items))[1], [(0, step + 2, 20), (0, step - 1, 20), (0, 10, 5)]).features(
        shop_recipe(events=(), calendar={})
    )
    before, after = names.index("closed_before"), names.index("closed_after")
    assert values[:, before].tolist() == [2.0, 0.0, 0.0]
    assert values[:, after].tolist() == [0.0, 2.0, 0.0]


def test_unknown_levels_and_nulls_have_no_code() -> None:
    codes = level_codes(pl.Series(["b", "a", "z", None]), ("a", "b"))
    np.testing.assert_array_equal(codes, [1, 0, np.nan, np.nan])


@pytest.mark.parametrize("dtype", [pl.Int64, pl.Int8])
def test_codes_of_many_whole_numbers_are_those_of_their_texts(dtype: pl.DataType) -> None:
    values = pl.Series([3, -2, 7, None, 0] * 4_000, dtype=dtype)
    levels = ("-2", "0", "3", "11")
    np.testing.assert_array_equal(level_codes(values, levels), level_codes(values.cast(pl.String), levels))
    np.testing.assert_array_equal(level_codes(values[:5], levels), [2, 0, np.nan, np.nan, 1])


def test_the_joint_state_is_unknown_where_any_event_is() -> None:
    items = pl.DataFrame(
        {
            "day": [date(2022, 1, 1) + timedelta(day) for day in range(4)],
            "a": ["x", "y", None, "y"],
            "b": [0, 1, 1, None],
            "y": [1.0] * 4,
        }
    )
    panel, _ = panel_of(Dataset({"items": items}, Roles(("y",), "day", known_ahead=("a", "b")), facts()))
    recipe = FeatureRecipe("y", 1, events=("a", "b"), categories={"a": ("x", "y"), "b": ("0", "1")})
    states = event_states(panel, recipe)
    assert states is not None
    assert states.tolist() == [[0, 3, -1, -1]]


def test_features_do_not_depend_on_the_block_of_series_they_are_computed_in(monkeypatch: pytest.MonkeyPatch) -> None:
    panel, _ = panel_of(shop_data(shops(series=6, days=150, missing=0.1)))
    whole = table_of(panel, shop_recipe(), 120)
    monkeypatch.setattr(pooled_module, "CELLS_AT_ONCE", 2 * panel.shape[1])
    np.testing.assert_array_equal(table_of(panel, shop_recipe(), 120).values, whole.values)


@pytest.mark.parametrize("name", ["level", "lead", "trend", "base"])
def test_a_column_named_like_a_feature_takes_nothing_from_the_model(name: str) -> None:
    items = shops(days=120)
    plain, _ = panel_of(shop_data(items))
    data = shop_data(items.rename({"price": name}))
    roles = Roles(("y",), "day", keys=("shop",), known_ahead=("promotion", name), observed=("visitors",))
    renamed, _ = panel_of(Dataset(data.tables, roles, data.facts))
    expected = table_of(plain, shop_recipe(), 100)
    found = table_of(renamed, shop_recipe(numbers=(name,)), 100)
    assert len(set(found.names)) == len(found.names)
    np.testing.assert_array_equal(found.values, expected.values)


def test_training_rows_lie_up_to_the_horizon_after_their_origin_and_the_series_has_begun() -> None:
    panel, _ = panel_of(shop_data(shops(days=120, missing=0.1)))
    table = table_of(panel, shop_recipe(horizon=10, samples=3), 90)
    training = table.cutoff == -1
    lead = (table.step - table.origin)[training]
    assert (lead.min(), lead.max()) == (1, 10)
    assert (table.origin[training] >= 7).all()
    scored = ~training
    assert (table.origin[scored] == 90).all()
    assert (table.step[scored].min(), table.step[scored].max()) == (91, 100)
    capped = table_of(panel, shop_recipe(horizon=10, samples=3, most_rows=50), 90)
    assert (capped.cutoff == -1).sum() == 50


def test_weights_multiply_where_a_column_is_true() -> None:
    panel, _ = panel_of(shop_data(shops(days=60)))
    table = table_of(panel, shop_recipe(weights={"promotion": 5.0}), 40)
    np.testing.assert_array_equal(table.weight, np.where(panel.rows["promotion"].to_numpy()[table.row], 5.0, 1.0))


def test_a_table_and_its_recipe_come_back_from_disk(tmp_path: Any) -> None:
    panel, _ = panel_of(shop_data(shops(days=90)))
    table = table_of(panel, shop_recipe(), 60)
    table.save(tmp_path)
    back = FeatureTable.load(tmp_path)
    assert back.recipe == table.recipe
    assert back.names == table.names
    for name in ("values", "base", "truth", "weight", "series", "step", "origin", "cutoff", "row"):
        np.testing.assert_array_equal(getattr(back, name), getattr(table, name))


def test_series_with_their_own_clock_have_the_calendar_of_their_own_times() -> None:
    parts = [
        pl.DataFrame({"id": [name] * days, "day": [first + timedelta(step) for step in range(days)], "y": [1.0] * days})
        for name, first, days in (("a", date(2021, 1, 1), 300), ("b", date(2022, 6, 1), 200))
    ]
    data = Dataset({"items": pl.concat(parts)}, Roles(("y",), "day", keys=("id",)), facts(clock="each", year=364))
    panel, _ = panel_of(data)
    asked = Asked(np.array([0, 1], np.int32), np.array([panel.end] * 2, np.int32), np.array([panel.end - 3] * 2, np.int32))
    recipe = plain_recipe(year=364, calendar={"period": "day", "country": "DE"})
    columns = dict(calendar_columns(panel, recipe, asked))
    lasts = [part["day"].max() for part in parts]
    assert columns["calendar_month"].tolist() == [day.month for day in lasts]  # type: ignore[union-attr]
    assert columns["calendar_weekday"].tolist() == [day.isoweekday() for day in lasts]  # type: ignore[union-attr]
    np.testing.assert_array_equal(twin_steps(panel, recipe, asked), asked.step - 364)


def test_the_twin_of_a_moving_holiday_is_the_same_holiday_a_year_ago() -> None:
    days = [date(2021, 1, 1) + timedelta(step) for step in range(800)]
    items = pl.DataFrame({"day": days, "y": np.ones(800)})
    panel, _ = panel_of(Dataset({"items": items}, Roles(("y",), "day"), facts(year=364)))
    recipe = plain_recipe(year=364, calendar={"period": "day", "country": "DE"})
    easter = {2021: date(2021, 4, 5), 2022: date(2022, 4, 18)}  # Easter Mondays, fixed by the church's table
    steps = np.array([days.index(easter[2022]), days.index(date(2022, 7, 13))], dtype=np.int32)
    twin = twin_steps(panel, recipe, Asked(np.zeros(2, np.int32), steps, steps - 1))
    assert twin.tolist() == [days.index(easter[2021]), int(steps[1]) - 364]
