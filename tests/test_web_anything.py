"""The server called with anything, as its description allows it and as it does not: no answer is a failure of its own."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from asked_projects import judged_project
from served_projects import made_project
from server_processes import ready, started

EACH = 300  # calls of an operation that has anything to be varied; one call of any other
ANSWERS = ("/v1/ask", "/v1/chat/completions", "/v1/models", "/v1/documents", "/ask")


@pytest.fixture(autouse=True)
def _one_core(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("SEVENSTEP_CORES", "1")
    yield


def about_answers(path: str) -> bool:
    return path.startswith(ANSWERS)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_whatever_is_asked_of_a_server_of_tables_it_has_no_failure_of_its_own(tmp_path: Path) -> None:
    seen = called(made_project(tmp_path / "parts"), answers=False)
    assert not [one for one in seen if one[0] >= 500], [one for one in seen if one[0] >= 500][:5]
    assert {200, 404, 422} <= set(Counter(status for status, _, _ in seen))
    assert len(seen) > 2_500


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_whatever_is_asked_of_a_server_of_answers_it_has_no_failure_of_its_own(tmp_path: Path) -> None:
    seen = called(judged_project(tmp_path / "papers"), answers=True)
    assert not [one for one in seen if one[0] >= 500], [one for one in seen if one[0] >= 500][:5]
    assert {200, 422} <= set(Counter(status for status, _, _ in seen))
    assert len(seen) > 1_200


def called(folder: Path, *, answers: bool) -> list[tuple[int, str, str]]:
    """Status, path and beginning of the answer of every call of the operations that are about answers, or of the others."""
    schemathesis = pytest.importorskip("schemathesis")
    seen: list[tuple[int, str, str]] = []
    with started(folder, "--concurrency", "256") as (_, opened):
        ready(opened["address"])
        schema = schemathesis.openapi.from_url(f"{opened['address']}/openapi.json")
        for operation in (result.ok() for result in schema.get_all_operations()):
            if about_answers(operation.path) == answers:
                _call(operation, opened["address"], seen)
    return seen


def _call(operation: Any, address: str, seen: list[tuple[int, str, str]]) -> None:
    """Calls of one operation, half as its description allows them and half as it does not."""
    from hypothesis import HealthCheck, Phase, given, settings
    from schemathesis import GenerationMode

    strategy = operation.as_strategy(generation_mode=GenerationMode.POSITIVE) | operation.as_strategy(
        generation_mode=GenerationMode.NEGATIVE
    )

    @settings(max_examples=EACH, deadline=None, database=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
    @given(case=strategy)
    def sent(case: Any) -> None:
        answer = case.call(base_url=address)
        seen.append((answer.status_code, case.path, answer.text[:200]))

    sent()
