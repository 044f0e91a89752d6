"""The server's routes: what they answer, in three protocols, to whom, and how they refuse."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import polars as pl
import pytest
import sqlalchemy as sa
from starlette.routing import Route

from served_projects import ROW, made_project, rows_of, served, settings_of
from sevenstep import __version__
from sevenstep.errors import InputError
from sevenstep.live.ledger.tables import predictions, requests, tokens
from sevenstep.live.predict import load_serving
from sevenstep.project import Project
from sevenstep.web.app import routed
from sevenstep.web.draining import Drain
from sevenstep.web.gate import SCOPE_OF, scope_of
from sevenstep.web.service import Service, operation_of
from sevenstep.web.settings import Settings
from sevenstep.web.tokens import SCOPES, make_token, read_callers, revoke_token
from small_projects import sevenstep

NOW = datetime(2026, 5, 1, tzinfo=UTC)
Story = Callable[[httpx.AsyncClient, Service], Awaitable[Any]]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SEVENSTEP_CORES", "1")
        yield made_project(tmp_path_factory.mktemp("served") / "parts")


def told(settings: Settings, story: Story) -> Any:
    """What a story of requests to a server comes to."""

    async def run() -> Any:
        async with served(settings) as (client, service):
            return await story(client, service)

    return asyncio.run(run())


def post(folder: Path, path: str, body: Any, **limits: Any) -> httpx.Response:
    async def story(client: httpx.AsyncClient, service: Service) -> httpx.Response:
        return await client.post(path, json=body)

    answered: httpx.Response = told(settings_of(folder, **limits), story)
    return answered


def get(folder: Path, path: str) -> httpx.Response:
    async def story(client: httpx.AsyncClient, service: Service) -> httpx.Response:
        return await client.get(path)

    answered: httpx.Response = told(settings_of(folder), story)
    return answered


def expected(folder: Path, rows: list[dict[str, Any]]) -> pl.DataFrame:
    project = Project(folder)
    return load_serving(project.store, project.task)[1].predict(pl.DataFrame(rows))


# Predictions --------------------------------------------------------------------------------------------------------------


def test_predictions_are_those_of_the_model_and_each_has_an_id(folder: Path) -> None:
    rows = rows_of(folder, 20)
    answered = post(folder, "/v1/predict", {"rows": rows})
    assert answered.status_code == 200
    made = answered.json()["predictions"]
    model = expected(folder, rows)
    assert [row["probability_yes"] for row in made] == model["probability_yes"].to_list()
    assert [row["prediction"] for row in made] == model["prediction"].to_list()
    assert [row["prediction_id"] for row in made] == [f"{answered.json()['request']}-{number}" for number in range(20)]
    assert answered.headers["x-request-id"] == answered.json()["request"]


def test_requests_at_once_are_predicted_together_and_each_gets_its_own(folder: Path) -> None:
    rows = rows_of(folder, 40)

    async def story(client: httpx.AsyncClient, service: Service) -> tuple[list[Any], bytes]:
        answers = await asyncio.gather(*(client.post("/v1/predict", json={"rows": [row]}) for row in rows))
        return [answer.json()["predictions"][0]["probability_yes"] for answer in answers], service.metrics.exposed()

    made, figures = told(settings_of(folder), story)
    assert made == expected(folder, rows)["probability_yes"].to_list()
    batches = float(re.search(rb"sevenstep_batch_requests_count (\S+)", figures)[1])  # type: ignore[index]
    assert batches < 10


def test_what_the_model_never_saw_is_told_to_the_one_who_asked_for_it(folder: Path) -> None:
    async def story(client: httpx.AsyncClient, service: Service) -> list[Any]:
        bodies = [{"rows": [ROW]}, {"rows": [{**ROW, "line": "Z"}]}, {"rows": [{**ROW, "size": 21_500.0}]}]
        return [
            answer.json()["warnings"]
            for answer in await asyncio.gather(*(client.post("/v1/predict", json=body) for body in bodies))
        ]

    plain, level, unit = told(settings_of(folder), story)
    assert plain == []
    assert "'line' that was not there in training ('Z')" in level[0]
    assert "looks like another unit" in unit[0]


@pytest.mark.parametrize(
    "body",
    [
        {"dataframe_split": {"columns": ["line", "size", "weight"], "data": [["B", 21.5, 101.0]]}},
        {"dataframe_records": [ROW]},
        {"instances": [ROW]},
        {"instances": [[21.5, 101.0, "B"]]},
        {"inputs": {"size": [21.5], "weight": [[101.0]], "line": ["B"]}},
    ],
)
def test_mlflows_shapes_are_read(folder: Path, body: Any) -> None:
    answered = post(folder, "/invocations", body)
    assert answered.json() == {"predictions": expected(folder, [ROW])["prediction"].to_list()}


def test_the_open_inference_protocol_is_spoken(folder: Path) -> None:
    async def story(client: httpx.AsyncClient, service: Service) -> list[Any]:
        inputs = [
            {"name": "size", "shape": [2], "datatype": "FP64", "data": [21.5, 18.0]},
            {"name": "weight", "shape": [2, 1], "datatype": "FP64", "data": [[101.0], [99.0]]},
            {"name": "line", "shape": [2], "datatype": "BYTES", "data": ["B", "A"]},
        ]
        asked = {"id": "mine", "inputs": inputs, "outputs": [{"name": "probability_yes"}]}
        paths = ("/v2", "/v2/health/live", "/v2/health/ready", "/v2/models/parts", "/v2/models/parts/ready")
        answers = [await client.get(path) for path in paths]
        answers.append(await client.post("/v2/models/parts/infer", json=asked))
        answers.append(await client.post("/v2/models/other/infer", json=asked))
        return [answer.json() for answer in answers]

    about, live, ready, model, model_ready, made, other = told(settings_of(folder), story)
    assert about == {"name": "sevenstep", "version": __version__, "extensions": []}
    assert (live, ready["ready"], model_ready["ready"]) == ({"live": True}, True, True)
    assert {"name": "line", "datatype": "BYTES", "shape": [-1]} in model["inputs"]
    assert {"name": "probability_yes", "datatype": "FP64", "shape": [-1]} in model["outputs"]
    values = expected(folder, [ROW, {"size": 18.0, "weight": 99.0, "line": "A"}])["probability_yes"].to_list()
    output = {"name": "probability_yes", "datatype": "FP64", "shape": [2], "data": values}
    assert made == {"model_name": "parts", "model_version": "1", "id": "mine", "outputs": [output]}
    assert "there is no model 'other'" in other["error"]


def test_mlflow_finds_the_server_well_and_its_version(folder: Path) -> None:
    assert get(folder, "/ping").status_code == 200
    assert get(folder, "/version").text == __version__


# Requests at fault ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rows", "code", "where"),
    [
        ([ROW, {"size": 1.0, "weight": 2.0}], "ROW-FIELD", "row 2, field line"),
        ([{**ROW, "size": "21.5"}], "ROW-TYPE", "row 1, field size"),
        ([{**ROW, "size": True}], "ROW-TYPE", "row 1, field size"),
        ([{**ROW, "line": 3}], "ROW-TYPE", "row 1, field line"),
        ([{**ROW, "line": ["B"]}], "ROW-TYPE", "row 1, field line"),
        ([], "ROW-NONE", ""),
        ([3], "BODY-SHAPE", "rows"),
        ([ROW] * 11, "ROW-MOST", ""),
    ],
)
def test_a_row_at_fault_is_named_by_its_place_and_field(folder: Path, rows: list[Any], code: str, where: str) -> None:
    answered = post(folder, "/v1/predict", {"rows": rows}, rows=10)
    assert answered.status_code == 422
    found = answered.json()["errors"][0]
    assert (found["code"], found["where"]) == (code, where)
    assert all(found[part] for part in ("given", "rule", "fix"))


def test_a_field_that_is_nearly_right_is_suggested_and_null_is_a_value(folder: Path) -> None:
    found = post(folder, "/v1/predict", {"rows": [{"sise": 1.0, "weight": 2.0, "line": "A"}]}).json()["errors"]
    assert "did you mean 'sise'?" in found[0]["fix"]
    assert post(folder, "/v1/predict", {"rows": [{**ROW, "size": None, "line": None}]}).status_code == 200


@pytest.mark.parametrize("body", [b"", b"{", b"[1]", b'{"rows": 3}', b"\xff", b'"x"', b'{"rows": [{"size": 1e999}]}'])
def test_a_body_that_is_none_is_one_sentence(folder: Path, body: bytes) -> None:
    async def story(client: httpx.AsyncClient, service: Service) -> list[httpx.Response]:
        paths = ("/v1/predict", "/invocations", "/v2/models/parts/infer", "/v1/observations", "/v1/explain", "/v1/whatif")
        return [await client.post(path, content=body, headers={"content-type": "application/json"}) for path in paths]

    for answered in told(settings_of(folder), story):
        assert answered.status_code == 422, answered.text
        assert answered.json()["errors"][0]["code"].startswith(("BODY-", "ROW-"))


def test_each_protocol_gets_its_errors_under_the_name_it_knows(folder: Path) -> None:
    assert "error" in post(folder, "/v2/models/parts/infer", {}).json()
    assert {"error_code", "message"} <= set(post(folder, "/invocations", {}).json())


def test_other_methods_paths_and_content_types_are_refused_in_the_same_form(folder: Path) -> None:
    async def story(client: httpx.AsyncClient, service: Service) -> list[tuple[int, str]]:
        answers = [
            await client.get("/v1/predict"), await client.post("/v1/releases"), await client.get("/nowhere"),
            await client.post("/v1/predict", content=b"a,b", headers={"content-type": "text/csv"}),
            await client.get("/v1/alarms", params={"resolved": "perhaps"}), await client.get("/v1/releases/"),
        ]  # fmt: skip
        return [(answer.status_code, answer.json()["errors"][0]["code"]) for answer in answers]

    assert told(settings_of(folder), story) == [
        (405, "SERVE-METHOD"), (405, "SERVE-METHOD"), (404, "SERVE-PATH"), (415, "BODY-TYPE"), (422, "QUERY"),
        (404, "SERVE-PATH"),
    ]  # fmt: skip


@pytest.mark.parametrize("size", [5e-324, -5e-324, 1e308, -1e308, 2**63, 0])
def test_numbers_at_the_ends_of_what_can_be_written_are_predicted(folder: Path, size: float) -> None:
    answered = post(folder, "/v1/predict", {"rows": [{**ROW, "size": size}]})
    assert answered.status_code == 200, answered.text


@pytest.mark.parametrize("row", [{"": 1}, {"y": [1]}, {"y": {"a": 1}}])
def test_what_was_observed_is_one_value_under_a_name(folder: Path, row: dict[str, Any]) -> None:
    answered = post(folder, "/v1/observations", {"rows": [row]})
    assert (answered.status_code, answered.json()["errors"][0]["code"]) == (422, "ROW-CELL")


def test_a_failure_of_ours_is_told_as_one_and_kept_out_of_the_answer(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*given: Any) -> Any:
        raise ZeroDivisionError("a secret of ours")

    async def story(client: httpx.AsyncClient, service: Service) -> list[httpx.Response]:
        monkeypatch.setattr(type(service.champion.served), "predict", broken)
        monkeypatch.setattr("sevenstep.web.routes.reading.kpis_told", broken)
        return [await client.post("/v1/predict", json={"rows": [ROW]}), await client.get("/v1/kpis")]

    for answered in told(settings_of(folder), story):
        assert (answered.status_code, answered.json()["errors"][0]["code"]) == (500, "SERVE-UNFORESEEN")
        assert "secret" not in answered.text


# Limits -----------------------------------------------------------------------------------------------------------------------


def test_a_body_that_is_too_large_is_refused_by_its_length_or_while_it_comes(folder: Path) -> None:
    async def story(client: httpx.AsyncClient, service: Service) -> list[httpx.Response]:
        async def parts() -> Any:
            for _ in range(20):
                yield b" " * 100

        return [
            await client.post("/v1/predict", content=b" " * 2_000, headers={"content-type": "application/json"}),
            await client.post("/v1/predict", content=parts(), headers={"content-type": "application/json"}),
        ]

    for answered in told(settings_of(folder, body=1_000), story):
        assert (answered.status_code, answered.json()["errors"][0]["code"]) == (413, "SERVE-BODY")


def test_over_its_capacity_the_server_sheds_and_what_it_takes_it_answers_right(folder: Path) -> None:
    rows = rows_of(folder, 30)

    async def story(client: httpx.AsyncClient, service: Service) -> list[httpx.Response]:
        return list(await asyncio.gather(*(client.post("/v1/predict", json={"rows": [row]}) for row in rows)))

    answers = told(settings_of(folder, concurrency=8), story)
    assert {answer.status_code for answer in answers} == {200, 503}
    assert all(answer.headers["retry-after"] == "1" for answer in answers if answer.status_code == 503)
    right = expected(folder, rows)["probability_yes"].to_list()
    taken = [(answer.json()["predictions"][0]["probability_yes"], value) for answer, value in zip(answers, right, strict=True)
             if answer.status_code == 200]  # fmt: skip
    assert len(taken) >= 8
    assert all(made == value for made, value in taken)


def test_one_caller_leaves_room_for_others(folder: Path) -> None:
    with_token = settings_of(folder, tokens=True, concurrency=20, per_caller=4)
    ledger = operation_of(with_token).ledger
    greedy, other = (make_token(ledger, label, ["predict"], NOW) for label in ("greedy", "other"))

    async def story(client: httpx.AsyncClient, service: Service) -> list[int]:
        asked = [(greedy, ROW)] * 10 + [(other, ROW)]
        calls = (client.post("/v1/predict", json={"rows": [row]}, headers=bearer(token)) for token, row in asked)
        return [answer.status_code for answer in await asyncio.gather(*calls)]

    try:
        codes = told(with_token, story)
    finally:
        for label in ("greedy", "other"):
            revoke_token(ledger, label, NOW)
    assert codes[:10].count(429) == 6
    assert codes[-1] == 200


def test_an_answer_that_takes_too_long_is_given_up(folder: Path) -> None:
    async def story(client: httpx.AsyncClient, service: Service) -> httpx.Response:
        service.thread.submit(__import__("time").sleep, 0.5)
        return await client.post("/v1/explain", json={"item": {"row": 1}})

    answered = told(settings_of(folder, seconds=0.1), story)
    assert (answered.status_code, answered.json()["errors"][0]["code"]) == (503, "SERVE-TIME")


# Who may ------------------------------------------------------------------------------------------------------------------------


def bearer(token: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}"}


def concrete(path: str) -> str:
    return path.replace("{name}", "parts")


def test_every_route_of_the_application_has_a_scope_and_every_scope_a_route(folder: Path) -> None:
    paths = {route.path for route in routed(Service(settings_of(folder))).routes if isinstance(route, Route)}
    assert paths == set(SCOPE_OF)
    assert set(SCOPE_OF.values()) == set(SCOPES)
    assert all(scope_of(concrete(path)) == (path, SCOPE_OF[path]) for path in paths)


def test_without_a_token_every_route_answers_401(folder: Path) -> None:
    async def story(client: httpx.AsyncClient, service: Service) -> dict[str, int]:
        found = {}
        for route in routed(service).routes:
            assert isinstance(route, Route)
            for method in route.methods or ():
                answer = await client.request(method, concrete(route.path), json={"rows": [ROW]})
                found[f"{method} {route.path}"] = answer.status_code
                assert method == "HEAD" or answer.json()["errors"][0]["code"] == "SERVE-TOKEN"
        found["/nowhere"] = (await client.get("/nowhere")).status_code
        return found

    found = told(settings_of(folder, tokens=True), story)
    assert len(found) > len(SCOPE_OF)
    assert set(found.values()) == {401}


def test_a_token_is_good_for_its_scopes_until_it_ends_or_is_revoked(folder: Path) -> None:
    settings = settings_of(folder, tokens=True)
    ledger = operation_of(settings).ledger
    now = datetime.now(UTC)
    reader = make_token(ledger, "reader", ["read"], now)
    ended = make_token(ledger, "ended", ["read"], now, now - timedelta(days=1))

    async def story(client: httpx.AsyncClient, service: Service) -> list[int]:
        codes = [(await client.get("/v1/releases", headers=bearer(token))).status_code for token in (reader, ended, reader + "x")]
        codes.append((await client.post("/v1/predict", json={"rows": [ROW]}, headers=bearer(reader))).status_code)
        codes.append((await client.get("/", auth=("anybody", reader))).status_code)
        codes.append((await client.get("/v1/releases", auth=("anybody", reader))).status_code)
        revoke_token(ledger, "reader", now)
        service.read_tokens()
        codes.append((await client.get("/v1/releases", headers=bearer(reader))).status_code)
        return codes

    try:
        assert told(settings, story) == [200, 401, 401, 403, 200, 401, 401]
    finally:
        revoke_token(ledger, "ended", now)


def test_tokens_are_kept_as_hashes_and_made_once_a_label(folder: Path) -> None:
    ledger = operation_of(settings_of(folder)).ledger
    token = make_token(ledger, "till", ["predict"], NOW)
    with ledger.reading() as connection:
        assert token not in str(connection.execute(sa.select(tokens)).all())
    for label, scopes, code in (("till", ["predict"], "TOKEN-LABEL"), ("new", ["predikt"], "TOKEN-SCOPE")):
        with pytest.raises(InputError, match=code):
            make_token(ledger, label, scopes, NOW)
    revoke_token(ledger, "till", NOW)
    with pytest.raises(InputError, match="TOKEN-NONE"):
        revoke_token(ledger, "till", NOW)


@pytest.mark.parametrize(
    "headers",
    [
        {"host": "evil.example"},
        {"origin": "https://evil.example"},
        {"sec-fetch-site": "cross-site"},
        {"x-forwarded-for": "10.0.0.1"},
    ],
)
def test_without_tokens_other_sites_and_proxies_are_refused(folder: Path, headers: dict[str, str]) -> None:
    async def story(client: httpx.AsyncClient, service: Service) -> int:
        return (await client.post("/v1/predict", json={"rows": [ROW]}, headers=headers)).status_code

    assert told(settings_of(folder), story) == 401


def test_tokens_are_made_listed_and_revoked_by_command(folder: Path) -> None:
    made = json.loads(sevenstep("token", "make", folder, "--label", "cli", "--scope", "read", "--days", "3", "--json").out)
    assert made["token"].startswith("sevenstep_")
    listed = json.loads(sevenstep("token", "list", folder, "--json").out)["tokens"]
    assert [(one["label"], one["scopes"]) for one in listed] == [("cli", ["read"])]
    assert sevenstep("token", "revoke", folder, "--label", "cli").code == 0
    assert sevenstep("token", "revoke", folder, "--label", "cli").code == 2
    assert read_callers(operation_of(settings_of(folder)).ledger) == {}


# What is recorded and known ---------------------------------------------------------------------------------------------------


def test_every_answer_is_recorded_with_what_it_was_made_from(folder: Path) -> None:
    rows = rows_of(folder, 3)

    async def story(client: httpx.AsyncClient, service: Service) -> Any:
        answered = (await client.post("/v1/predict", json={"rows": rows})).json()
        drain = Drain(service.operation, pytest.fail)
        drain.round()
        drain.round()
        with service.operation.ledger.reading() as connection:
            asked = requests.c.id == answered["request"]
            request = connection.execute(sa.select(requests).where(asked)).mappings().one()
            made = connection.execute(sa.select(predictions).where(predictions.c.request == answered["request"])).mappings().all()
        return answered, dict(request), [dict(row) for row in made]

    answered, request, made = told(settings_of(folder), story)
    assert (request["route"], request["release"], request["rows"]) == ("/v1/predict", 1, 3)
    assert [json.loads(row["inputs"]) for row in made] == rows
    assert [json.loads(row["prediction"]) for row in made] == [row["prediction"] for row in answered["predictions"]]
    assert json.loads(made[0]["details"])["probability_yes"] == answered["predictions"][0]["probability_yes"]
    assert {row["target"] for row in made} == {"y"}


def test_the_truth_of_a_prediction_can_be_told_at_once(folder: Path) -> None:
    async def story(client: httpx.AsyncClient, service: Service) -> Any:
        made = (await client.post("/v1/predict", json={"rows": [ROW]})).json()["predictions"][0]
        truth = {"rows": [{"prediction_id": made["prediction_id"], "y": "yes"}], "source": "inspection"}
        return [(await client.post("/v1/observations", json=truth)).json() for _ in range(2)]

    first, again = told(settings_of(folder), story)
    assert (first["rows"], first["new"], first["set_aside"]) == (1, 1, 0)
    assert again["repeated"]


def test_releases_kpis_alarms_and_explanations_are_told(folder: Path) -> None:
    async def story(client: httpx.AsyncClient, service: Service) -> list[Any]:
        answers = [
            await client.get(path) for path in ("/v1/releases", "/v1/kpis", "/v1/alarms", "/health/ready", "/v1/forecasts")
        ]
        answers.append(await client.post("/v1/explain", json={"item": {"row": 1}}))
        return [answer.json() for answer in answers]

    releases, kpis, alarms, ready, forecasts, explained = told(settings_of(folder), story)
    assert [(one["number"], one["champion"]) for one in releases["releases"]] == [(1, True)]
    assert (kpis["kpis"][0]["id"], kpis["kpis"][0]["live"]) == ("rank", None)
    assert alarms == {"alarms": []}
    assert ready == {"ready": True, "release": 1}
    assert forecasts["errors"][0]["code"] == "FORECAST-NONE"
    parts = explained["explanations"][0]
    assert sum(part[2] for part in parts["parts"]) + parts["start"] == pytest.approx(parts["prediction"])


def test_the_page_shows_what_serves_and_fetches_nothing(folder: Path) -> None:
    page, report = get(folder, "/"), get(folder, "/report")
    assert page.status_code == report.status_code == 200
    assert "Release 1 serves; no alarm is open." in page.text
    assert "rank" in page.text
    assert "<script" not in page.text
    assert not re.search(r"(?:src|href)=[\"']?https?:", page.text)
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert '<html lang="en">' in page.text
    assert 'href="#main"' in page.text
    assert report.text.startswith("<!doctype html>")


def test_the_description_has_every_route_with_an_example_of_this_model(folder: Path) -> None:
    described = get(folder, "/openapi.json").json()
    assert set(described["paths"]) == set(SCOPE_OF)
    body = described["paths"]["/v1/predict"]["post"]["requestBody"]["content"]["application/json"]
    assert post(folder, "/v1/predict", body["example"]).status_code == 200
    example = described["paths"]["/invocations"]["post"]["requestBody"]["content"]["application/json"]["example"]
    assert post(folder, "/invocations", example).status_code == 200
    infer = described["paths"]["/v2/models/{name}/infer"]["post"]["requestBody"]["content"]["application/json"]["example"]
    assert post(folder, "/v2/models/parts/infer", infer).status_code == 200


def test_figures_are_counted_by_route_and_status(folder: Path) -> None:
    async def story(client: httpx.AsyncClient, service: Service) -> str:
        await client.post("/v1/predict", json={"rows": [ROW, ROW]})
        await client.post("/v1/predict", json={"rows": []})
        return (await client.get("/metrics")).text

    figures = told(settings_of(folder), story)
    assert 'sevenstep_requests_total{route="/v1/predict",status="200"} 1.0' in figures
    assert 'sevenstep_requests_total{route="/v1/predict",status="422"} 1.0' in figures
    assert 'sevenstep_request_seconds_count{route="/v1/predict"} 2.0' in figures
    assert "sevenstep_predictions_total 2.0" in figures
    assert "sevenstep_release 1.0" in figures
