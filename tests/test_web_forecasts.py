"""The server of forecasts: they rest on what was observed, and what was believed at a past time can be asked for."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from served_projects import served, settings_of
from sevenstep.live.refreshing import refresh
from sevenstep.project import Project
from small_projects import project

ASKED = {"shop": "a", "day": "2024-05-01", "promo": 0, "price": 1.5}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SEVENSTEP_CORES", "1")
        made = project(tmp_path_factory.mktemp("forecasts") / "small")
        Project(made).run()
        yield made


def test_forecasts_follow_what_was_observed_and_what_was_believed_before_can_be_asked_for(folder: Path) -> None:
    async def story() -> dict[str, Any]:
        async with served(settings_of(folder)) as (client, service):
            found: dict[str, Any] = {"before": (await client.post("/v1/predict", json={"rows": [ASKED]})).json()}
            first, _ = refresh(service.operation, datetime.now(UTC))
            observed = [{"shop": "a", "day": "2024-04-24", "sales": 900.0}]
            found["arrival"] = (await client.post("/v1/observations", json={"rows": observed})).json()
            await service.champion.look()
            found["after"] = (await client.post("/v1/predict", json={"rows": [ASKED]})).json()
            refresh(service.operation, datetime.now(UTC) + timedelta(seconds=1))
            moment = (first.made + timedelta(microseconds=1)).isoformat()
            asked: dict[str, Any] = {"where": "shop=a", "target_date": "2024-05-01"}
            found["then"] = (await client.get("/v1/forecasts", params={**asked, "believed_at": moment})).json()
            found["now"] = (await client.get("/v1/forecasts", params={**asked, "believed_at": "2999-01-01"})).json()
            found["early"] = (await client.get("/v1/forecasts", params={"believed_at": "2000-01-01"})).status_code
            for name, params in (
                ("column", {"where": "shopp=a"}),
                ("value", {"target_date": "soon"}),
                ("moment", {"believed_at": "x"}),
            ):
                found[name] = (await client.get("/v1/forecasts", params=params)).json()["errors"][0]
            return found

    found = asyncio.run(story())
    assert (found["before"]["predictions"][0]["shop"], found["before"]["predictions"][0]["day"]) == ("a", "2024-05-01")
    assert (found["arrival"]["new"] + found["arrival"]["corrections"], found["arrival"]["set_aside"]) == (1, 0)
    assert found["after"]["predictions"][0]["prediction"] != found["before"]["predictions"][0]["prediction"]
    assert (found["then"]["version"]["number"], found["now"]["version"]["number"]) == (1, 2)
    assert {(row["shop"], row["day"]) for row in found["now"]["forecasts"]} == {("a", "2024-05-01")}
    assert found["then"]["forecasts"] != found["now"]["forecasts"]
    assert found["early"] == 404
    assert "did you mean 'shop'?" in found["column"]["fix"]
    assert (found["value"]["code"], found["moment"]["code"]) == ("FORECAST-VALUE", "FORECAST-MOMENT")
