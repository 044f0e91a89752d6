"""The data contract is inferred once, is written as text, and makes a change loud; a snapshot's hash is its content."""

from __future__ import annotations

import subprocess
import sys
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from sevenstep.data.contract import ColumnRule, Contract, infer_contract
from sevenstep.data.contract_check import ContractCheck, check_contract
from sevenstep.data.contract_text import parse_contract, render_contract
from sevenstep.data.dataset import Roles
from sevenstep.data.intake import intake
from sevenstep.data.snapshot import fingerprint_tables
from sevenstep.errors import CollectedErrors, InputError
from sevenstep.spec.sources import Data, Limits

ROLES = Roles(targets=("sales",), time="day", keys=("shop",))


def items(rows: int = 200) -> pl.DataFrame:
    steps = range(rows)
    return pl.DataFrame(
        {
            "shop": [n % 2 for n in steps],
            "day": [date(2024, 1, 1) + timedelta(n // 2) for n in steps],
            "sales": [100.0 + n for n in steps],
            "kind": [("fresh", "dry", "no")[n % 3] for n in steps],
            "promo": [n % 2 for n in steps],
            "weight": [2.0 + (n % 50) / 10 if n % 10 else None for n in steps],
        }
    )


def contract(**limits: Limits) -> Contract:
    return infer_contract(items(), ROLES, limits=limits, frequency="1d")


def check(changed: pl.DataFrame, given: Contract | None = None, **more: Any) -> ContractCheck:
    return check_contract(changed, given or contract(), **more)


def texts(result: ContractCheck) -> list[str]:
    return [finding.text for finding in result.findings]


def test_the_data_keeps_the_contract_inferred_from_it() -> None:
    assert check(items(), frequency="1d").findings == ()


def test_inference_gives_the_same_contract_whatever_the_order_of_rows() -> None:
    assert infer_contract(items().sample(fraction=1, shuffle=True, seed=1), ROLES, frequency="1d") == contract()


def test_a_contract_leaves_room_for_what_is_likely_to_come() -> None:
    rules = contract().columns
    assert rules["sales"].range == (50.0, 350.0)
    assert rules["weight"].null_share == 0.2
    assert rules["sales"].null_share is None
    assert rules["kind"].values == ("dry", "fresh", "no")
    assert rules["promo"].values == (0, 1)
    assert rules["shop"].values is None


def test_a_range_does_not_reach_below_zero_where_nothing_was() -> None:
    rule = infer_contract(pl.DataFrame({"x": [float(n) for n in range(100)]}), Roles(targets=())).columns["x"]
    assert rule.range == (0.0, 130.0)


def test_a_contract_reads_back_as_it_was_written() -> None:
    odd = ColumnRule("text", 0.05, ("yes", "a: b", "서울", "0", ""), on_violation="stop")
    bounded = ColumnRule("number", None, None, (0.0, 1.5), (None, 3.0), 0.123, "quarantine")
    whole = Contract({**contract().columns, "off": odd, "null": bounded, "a, b": ColumnRule("other")}, ("shop", "day"), "1d")
    assert parse_contract(render_contract(whole)) == whole


def test_the_text_of_a_contract_is_one_line_a_column() -> None:
    text = render_contract(contract())
    assert "unique: [shop, day]\n" in text
    assert '  kind: {type: text, null_share: 0, values: [dry, fresh, "no"]}\n' in text


def test_all_faults_of_an_edited_contract_are_told_with_line_and_column() -> None:
    rules = ["a: {type: txt}", "b: {type: text, null_share: 5}", "c: {type: number, range: [3, 1]}", "d: {}"]
    text = "contract: 1\nuniqe: [a]\ncolumns:\n" + "".join(f"  {rule}\n" for rule in rules)
    with pytest.raises(CollectedErrors) as caught:
        parse_contract(text)
    lines = caught.value.sentence().splitlines()
    assert [line.split(": ")[0] for line in lines] == [f"contract.yaml:{at}" for at in ("2:1", "4:7", "5:19", "6:21", "7:3")]
    assert "did you mean 'unique'?" in lines[0]
    assert "did you mean 'text'?" in lines[1]


def test_a_contract_that_is_no_yaml_or_has_no_columns_is_refused() -> None:
    with pytest.raises(InputError) as caught:
        parse_contract("columns: [a")
    assert caught.value.code == "CONTRACT-YAML"
    with pytest.raises(InputError) as caught:
        parse_contract("contract: 1\n")
    assert caught.value.code == "CONTRACT-SHAPE"


def test_a_new_category_warns_with_the_one_probably_meant() -> None:
    changed = items().with_columns(kind=pl.when(pl.col("sales") == 100).then(pl.lit("frsh")).otherwise("kind"))
    result = check(changed)
    (finding,) = result.findings
    assert (finding.code, finding.severity, finding.rows) == ("CONTRACT-VALUES", "warning", 1)
    assert finding.text == "'kind' has 1 new value: frsh"
    assert finding.fix == "did you mean 'fresh'?"
    assert result.items.height == 200


def test_impossible_values_go_to_the_quarantine() -> None:
    changed = items().with_columns(sales=pl.when(pl.col("sales") == 100).then(-5.0).otherwise("sales"))
    result = check(changed, contract(sales=Limits(min=0)))
    assert result.items.height == 199
    assert result.quarantine.select("column", "code").rows() == [("sales", "CONTRACT-LIMITS")]
    assert "1 values of 'sales' are impossible (outside 0 to any)" in texts(result)


@pytest.mark.parametrize(("factor", "words"), [(1000, "about 1,000 times"), (0.001, "about a thousandth")])
def test_a_wrong_unit_is_named_as_such(factor: float, words: str) -> None:
    result = check(items().with_columns(pl.col("sales") * factor))
    assert any(words in text and "wrong unit" in text for text in texts(result))


def test_percent_for_shares_is_named_as_such() -> None:
    shares = pl.DataFrame({"share": [0.2 + n / 1000 for n in range(100)]})
    given = infer_contract(shares, Roles(targets=()))
    assert "percent for shares" in texts(check(shares * 100, given))[0]


def test_a_value_somewhat_out_of_range_is_no_wrong_unit() -> None:
    (text,) = texts(check(items().with_columns(pl.col("sales") + 1000)))
    assert text == "200 values of 'sales' are outside 50 to 350, such as 1100"


def test_a_lost_column_stops_and_a_new_one_is_noted() -> None:
    result = check(items().rename({"kind": "kinds"}))
    assert [(finding.code, finding.severity) for finding in result.findings] == [
        ("CONTRACT-COLUMN", "error"),
        ("CONTRACT-NEW-COLUMN", "info"),
    ]
    assert result.findings[0].fix == "did you mean 'kinds'?"


def test_a_changed_type_stops_but_whole_numbers_do_for_numbers() -> None:
    assert texts(check(items().cast({"weight": pl.String}))) == ["'weight' is text where it was number"]
    assert check(items().cast({"sales": pl.Int64, "promo": pl.Float64})).findings == ()


def test_more_nulls_than_before_warn() -> None:
    changed = items().with_columns(weight=pl.when(pl.col("sales") < 200).then(None).otherwise("weight"))
    assert texts(check(changed)) == ["55.0 % of 'weight' is missing where at most 20 % was"]


def test_rows_that_share_their_keys_and_another_frequency_are_told() -> None:
    result = check(pl.concat([items(), items()[:1]]), frequency="7d")
    assert [finding.code for finding in result.findings] == ["CONTRACT-UNIQUE", "CONTRACT-FREQUENCY"]
    assert texts(result)[1] == "the times are 7d apart where they were 1d"


@pytest.mark.parametrize(
    ("action", "severity", "kept"), [("warn", "warning", 200), ("quarantine", "warning", 134), ("stop", "error", 200)]
)
def test_the_contract_says_what_follows(action: str, severity: str, kept: int) -> None:
    text = render_contract(contract()).replace('values: [dry, fresh, "no"]', f"values: [dry, fresh], on_violation: {action}")
    result = check(items(), parse_contract(text))
    assert [finding.severity for finding in result.findings] == [severity]
    assert (result.items.height, result.quarantine.height) == (kept, 200 - kept)


# Snapshots


def snapshot(table: pl.DataFrame, **more: Any) -> str:
    return fingerprint_tables({"items": table}, ROLES, more)


def test_a_snapshot_does_not_depend_on_layout_or_order() -> None:
    table = items()
    first = snapshot(table)
    assert snapshot(pl.concat([table[:7], table[7:]], rechunk=False)) == first
    assert snapshot(table.select(reversed(table.columns))) == first
    assert snapshot(table.sample(fraction=1, shuffle=True, seed=2)) == first


def test_a_snapshot_survives_files_and_processes(tmp_path: Path) -> None:
    items().write_parquet(tmp_path / "items.parquet", row_group_size=13, compression="snappy")
    program = f"""
import polars as pl
from sevenstep.data.dataset import Roles
from sevenstep.data.intake import intake
from sevenstep.data.snapshot import fingerprint_tables
roles = Roles(targets=("sales",), time="day", keys=("shop",))
print(fingerprint_tables({{"items": pl.read_parquet({str(tmp_path / "items.parquet")!r})}}, roles, {{}}))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == snapshot(items())


@pytest.mark.parametrize(
    "changed",
    [
        items().with_columns(sales=pl.col("sales") + (pl.col("sales") == 100) * 1e-9),
        items().with_columns(kind=pl.col("kind").replace({"no": None})),
        items().with_columns(weight=pl.col("weight").fill_null(0)),
        items().cast({"promo": pl.Float64}),
        items().rename({"promo": "offer"}),
        items()[:-1],
    ],
    ids=["value", "null", "null to zero", "type", "name", "row"],
)
def test_a_snapshot_follows_every_change(changed: pl.DataFrame) -> None:
    assert snapshot(changed) != snapshot(items())


def test_a_snapshot_follows_roles_and_facts_and_tells_texts_apart() -> None:
    assert snapshot(items(), season=7) != snapshot(items())
    roles = Roles(targets=())
    one, other = pl.DataFrame({"a": ["ab", "c"]}), pl.DataFrame({"a": ["a", "bc"]})
    assert fingerprint_tables({"t": one}, roles, {}) != fingerprint_tables({"t": other}, roles, {})


def test_a_snapshot_takes_bytes_lists_and_empty_tables() -> None:
    table = pl.DataFrame({"image": [b"x", None], "boxes": [[1, 2], None], "flag": [True, None], "none": [None, None]})
    roles = Roles(targets=())
    assert fingerprint_tables({"t": table}, roles, {}) != fingerprint_tables({"t": table[:0]}, roles, {})


def test_a_row_set_aside_names_the_source_and_the_row_the_person_gave(tmp_path: Path) -> None:
    (tmp_path / "till.csv").write_text("shop,day,sales\nb,2024-01-02,5\na,2024-01-02,-3\na,2024-01-01,4\n", encoding="utf-8")
    data = Data.model_validate({"sources": {"till": {"path": "till.csv"}}, "time": "day", "series": ["shop"]})
    taken = intake(data, tmp_path, ("sales",))
    assert (taken.source, taken.rows.to_list()) == ("till", [3, 2, 1])  # sorted by shop and day
    limited = infer_contract(taken.items, ROLES, limits={"sales": Limits(min=0)}, frequency="1d")
    aside = check_contract(taken.items, limited, source=taken.source, rows=taken.rows).quarantine
    assert aside.select("source", "row", "column", "code").rows() == [("till", 2, "sales", "CONTRACT-LIMITS")]
    assert "__row__" not in aside["values"][0]
    assert "__row__" not in check_contract(taken.items, limited, source=taken.source, rows=taken.rows).items.columns
