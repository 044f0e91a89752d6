"""The calls of models, listed, shown word for word and added up."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sevenstep.endpoints.book import CALLS_FILE, CallBook
from small_projects import project, sevenstep

ABOUT = {"url": "http://127.0.0.1:9/v1", "kind": "chat/completions", "purpose": "answer", "attempt": 1}
ASKED = {"messages": [{"role": "user", "content": "필터는 언제 갈아야 하나요?"}]}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A project whose store holds four calls: two answered, one failed, one from the cache."""
    made = project(tmp_path / "small")
    store = made / ".sevenstep"
    store.mkdir()
    book = CallBook(store / CALLS_FILE, "run-1")
    for number, (model, status) in enumerate((("small", "ok"), ("large", "ok"), ("small", "timeout")), start=1):
        about = {**ABOUT, "model": model, "digest": str(number), "request": json.dumps(ASKED, ensure_ascii=False)}
        call = book.open(about, 100, 0.5)
        book.close(
            call, status=status, response=f"answer {number}", sent=10 * number, received=number, usd=0.25 * number, seconds=1
        )
    book.note({**ABOUT, "model": "small", "digest": "1", "request": json.dumps(ASKED)})
    return made


def test_calls_are_listed_newest_first_without_their_words(folder: Path) -> None:
    listed = json.loads(sevenstep("calls", "list", folder, "--json").out)["calls"]
    assert [(one["id"], one["status"]) for one in listed] == [(4, "cached"), (3, "timeout"), (2, "ok"), (1, "ok")]
    assert "request" not in listed[0]
    assert len(sevenstep("calls", "list", folder, "--last", "2").out.splitlines()) == 3


def test_a_call_is_shown_as_it_was_sent_and_answered(folder: Path) -> None:
    told = sevenstep("calls", "show", "2", folder)
    assert "필터는 언제 갈아야 하나요?" in told.out
    assert "answer 2" in told.out
    shown = json.loads(sevenstep("calls", "show", "2", folder, "--json").out)
    assert (shown["request"], shown["response"]) == (ASKED, "answer 2")


def test_totals_add_up_tokens_and_money_by_model(folder: Path) -> None:
    rows = json.loads(sevenstep("calls", "totals", folder, "--json").out)["totals"]
    by_model = {row["model"]: row for row in rows}
    assert (by_model["small"]["calls"], by_model["small"]["failed"], by_model["small"]["cached"]) == (2, 1, 1)
    assert by_model["all"]["usd"] == pytest.approx(0.25 + 0.5 + 0.75)
    assert (by_model["all"]["sent"], by_model["all"]["received"]) == (60, 6)
    assert "all" in sevenstep("calls", "totals", folder).out.splitlines()[-1]


def test_where_nothing_was_called_or_a_call_is_not_there_it_is_said(folder: Path, tmp_path: Path) -> None:
    assert "CALL-NONE" in sevenstep("calls", "show", "99", folder).err
    told = sevenstep("calls", "list", project(tmp_path / "other"))
    assert (told.code, "CALLS-NONE" in told.err) == (2, True)
