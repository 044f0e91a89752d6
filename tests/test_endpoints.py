"""Models behind an address, called over real HTTP on loopback: patience with faults, the cache, the book and the budget."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest

from model_server import Behaviour, letters, serving
from sevenstep.endpoints.book import CallBook, Limits
from sevenstep.endpoints.client import Client
from sevenstep.endpoints.endpoint import BudgetSpent, Endpoint, EndpointFailed
from sevenstep.endpoints.tokens import message_tokens
from sevenstep.endpoints.waiting import pause_before
from sevenstep.errors import InputError

HELLO = [{"role": "user", "content": "hello there"}]


@pytest.fixture
def behaviour() -> Behaviour:
    return Behaviour()


@pytest.fixture
def endpoint(behaviour: Behaviour) -> Iterator[Endpoint]:
    with serving(behaviour) as url:
        yield Endpoint(url, input_price=1.0, output_price=2.0, timeout=5.0)


@pytest.fixture
def book(tmp_path: Path) -> CallBook:
    return CallBook(tmp_path / "calls.sqlite", run="r1")


@pytest.fixture
def pauses() -> list[float]:
    return []


@pytest.fixture
def client(endpoint: Endpoint, book: CallBook, pauses: list[float]) -> Iterator[Client]:
    with Client(endpoint, book, pauses.append) as made:
        yield made


def statuses(book: CallBook) -> list[str]:
    return [row["status"] for row in reversed(book.calls())]


# What is asked and answered ---------------------------------------------------------------------------------------------------


def test_a_chat_is_answered_with_its_tokens_and_its_price(client: Client) -> None:
    reply = client.chat(HELLO, "tiny")
    assert (reply.text, reply.finish, reply.cached) == ("said: hello there", "stop", False)
    assert (reply.sent, reply.received) == (2, 3)
    assert reply.usd == pytest.approx((2 * 1.0 + 3 * 2.0) / 1e6)


def test_embeddings_come_in_the_order_of_their_texts(client: Client) -> None:
    made = client.embed(["abba", "head"], "tiny")  # the server sends them in reverse, each with its index
    assert made.tolist() == [letters("abba"), letters("head")]


def test_a_stream_passes_on_each_piece_and_its_tokens_are_those_the_endpoint_tells(client: Client, book: CallBook) -> None:
    assert list(client.stream(HELLO, "tiny")) == ["said: ", "hello ", "there"]
    row = book.calls()[0]
    assert (row["status"], row["sent"], row["received"]) == ("ok", 2, 3)


def test_an_equal_request_is_answered_from_the_book_at_no_cost(client: Client, behaviour: Behaviour, book: CallBook) -> None:
    first = client.chat(HELLO, "tiny")
    again = client.chat(HELLO, "tiny")
    assert (again.text, again.cached, again.usd) == (first.text, True, 0.0)
    assert len(behaviour.seen) == 1
    client.chat(HELLO, "tiny", seed=1)  # a repeat on purpose is another request
    client.chat(HELLO, "other")
    assert len(behaviour.seen) == 3
    assert statuses(book) == ["ok", "cached", "ok", "ok"]


def test_the_key_is_sent_and_kept_nowhere(
    client: Client, behaviour: Behaviour, book: CallBook, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    behaviour.key = "k3y-of-the-test"
    monkeypatch.setenv("MODEL_KEY", behaviour.key)
    with Client(replace(client.endpoint, key_name="MODEL_KEY"), book) as known:
        assert known.chat(HELLO, "tiny").text == "said: hello there"
    assert behaviour.key.encode() not in b"".join(path.read_bytes() for path in tmp_path.iterdir())


def test_a_key_that_is_not_set_is_told_by_its_name(client: Client, book: CallBook) -> None:
    with (
        Client(replace(client.endpoint, key_name="NO_SUCH_KEY"), book) as keyless,
        pytest.raises(InputError, match="NO_SUCH_KEY"),
    ):
        keyless.chat(HELLO, "tiny")
    assert book.spent().usd == 0.0


# What goes wrong --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fault", "status"),
    [
        ("429", "busy"), ("500", "server_error"), ("503", "server_error"), ("malformed", "malformed"), ("empty", "malformed"),
        ("cut", "cut"),
    ],
)  # fmt: skip
def test_a_fault_is_written_down_and_the_call_tried_again(
    client: Client, behaviour: Behaviour, book: CallBook, fault: str, status: str
) -> None:
    behaviour.faults = [fault, fault]
    assert client.chat(HELLO, "tiny").text == "said: hello there"
    assert statuses(book) == [status, status, "ok"]
    assert [row["attempt"] for row in reversed(book.calls())] == [1, 2, 3]


def test_an_attempt_that_takes_too_long_is_given_up_and_counted_in_full(
    endpoint: Endpoint, behaviour: Behaviour, book: CallBook, pauses: list[float]
) -> None:
    behaviour.faults = ["timeout"]
    with Client(replace(endpoint, timeout=0.3), book, pauses.append) as hasty:
        assert hasty.chat(HELLO, "tiny", max_tokens=50).text == "said: hello there"
    first = book.calls()[-1]
    assert (first["status"], first["sent"], first["received"]) == ("timeout", message_tokens(HELLO), 50)


def test_what_is_refused_is_not_tried_again(client: Client, behaviour: Behaviour, book: CallBook) -> None:
    behaviour.faults = ["404"]
    with pytest.raises(EndpointFailed, match="refused"):
        client.chat(HELLO, "tiny")
    assert statuses(book) == ["refused"]


def test_after_the_last_attempt_the_failure_is_told_in_one_sentence(client: Client, behaviour: Behaviour, book: CallBook) -> None:
    behaviour.faults = ["500"] * 9
    with pytest.raises(EndpointFailed, match=r"asked 4 times, the last time: server error \(HTTP 500\)"):
        client.chat(HELLO, "tiny")
    assert statuses(book) == ["server_error"] * 4


def test_an_address_where_nothing_listens_is_unreachable(book: CallBook, pauses: list[float]) -> None:
    with Client(Endpoint("http://127.0.0.1:9/v1", attempts=2), book, pauses.append) as lost, pytest.raises(EndpointFailed):
        lost.chat(HELLO, "tiny")
    assert statuses(book) == ["unreachable", "unreachable"]
    assert book.spent().usd == 0.0


@pytest.mark.parametrize(("fault", "status"), [("stream_cut", "cut"), ("stream_malformed", "malformed")])
def test_a_stream_that_breaks_after_its_first_words_fails_and_what_came_is_kept(
    client: Client, behaviour: Behaviour, book: CallBook, fault: str, status: str
) -> None:
    behaviour.faults = [fault]
    passed: list[str] = []
    with pytest.raises(EndpointFailed, match=status):
        passed.extend(client.stream(HELLO, "tiny"))
    assert passed[0] == "said: "
    row = book.calls()[0]
    assert row["status"] == status
    assert "said: " in row["response"]


def test_a_stream_that_fails_before_its_first_word_is_tried_again(client: Client, behaviour: Behaviour, book: CallBook) -> None:
    behaviour.faults = ["500", "429"]
    assert "".join(client.stream(HELLO, "tiny")) == "said: hello there"
    assert statuses(book) == ["server_error", "busy", "ok"]


def test_the_endpoint_says_how_long_to_wait(client: Client, behaviour: Behaviour, pauses: list[float]) -> None:
    behaviour.faults, behaviour.retry_after = ["429"], "7"
    client.chat(HELLO, "tiny")
    assert pauses == [7.0]


def test_waiting_doubles_and_has_a_bound() -> None:
    assert [pause_before(attempt, {}, 3.0) for attempt in (2, 3, 4, 5, 9)] == [0.5, 1.0, 2.0, 3.0, 3.0]
    later = format_datetime(datetime.now(UTC) + timedelta(seconds=20), usegmt=True)
    assert pause_before(2, {"retry-after": later}, 60.0) == pytest.approx(20, abs=2)
    assert pause_before(2, {"retry-after": "3600"}, 30.0) == 30.0
    assert pause_before(2, {"retry-after": "soon"}, 30.0) == 0.5


# What is written down, and the budget -----------------------------------------------------------------------------------------


def test_every_call_is_kept_word_for_word(client: Client, behaviour: Behaviour, book: CallBook) -> None:
    client.chat(HELLO, "tiny", temperature=0.5, purpose="judge")
    row = book.call(1)
    assert row is not None
    assert row["request"] == behaviour.seen[0]
    assert '"content":"said: hello there"' in row["response"]
    assert (row["model"], row["purpose"], row["run"], row["code"]) == ("tiny", "judge", "r1", 200)
    assert row["seconds"] > 0


def test_what_is_spent_is_the_sum_over_the_rows_of_the_run(client: Client, book: CallBook) -> None:
    for number in range(3):
        client.chat(HELLO, "tiny", seed=number)
    connection = sqlite3.connect(book.path)
    usd, tokens, calls = connection.execute("SELECT sum(usd), sum(sent + received), count(*) FROM calls").fetchone()
    connection.close()
    spent = book.spent()
    assert (spent.usd, spent.tokens, spent.calls) == (pytest.approx(usd), tokens, calls) == (pytest.approx(24e-6), 15, 3)
    assert CallBook(book.path, run="r2").spent().calls == 0


@pytest.mark.parametrize("limits", [Limits(usd=1e-9), Limits(tokens=100), Limits(seconds=0.0)])
def test_nothing_is_called_that_the_budget_may_not_hold(
    client: Client, behaviour: Behaviour, book: CallBook, limits: Limits
) -> None:
    client.chat(HELLO, "tiny", max_tokens=50)
    with Client(client.endpoint, CallBook(book.path, "r1", limits)) as bound, pytest.raises(BudgetSpent, match="budget"):
        bound.chat(HELLO, "tiny", seed=1, max_tokens=200)
    assert len(behaviour.seen) == 1
    assert statuses(book) == ["ok"]


def test_calls_side_by_side_never_spend_more_than_there_is(client: Client, behaviour: Behaviour, book: CallBook) -> None:
    most = message_tokens(HELLO) + 50
    bound = CallBook(book.path, "r1", Limits(tokens=3 * most))
    stopped: list[BudgetSpent] = []

    def ask(number: int) -> None:
        with Client(client.endpoint, bound) as one:
            try:
                one.chat(HELLO, "tiny", seed=number, max_tokens=50)
            except BudgetSpent as error:
                stopped.append(error)

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(40)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(behaviour.seen) + len(stopped) == 40
    assert stopped
    assert bound.spent().tokens <= 3 * most


# The server of these tests ----------------------------------------------------------------------------------------------------


def test_the_server_speaks_the_wire_form_as_the_official_client_reads_it(endpoint: Endpoint) -> None:
    openai = pytest.importorskip("openai", reason="the official client is not installed")
    with openai.OpenAI(base_url=endpoint.url, api_key="none", max_retries=0) as official:
        whole = official.chat.completions.create(model="tiny", messages=HELLO)
        assert whole.choices[0].message.content == "said: hello there"
        assert whole.usage.prompt_tokens == 2
        parts = official.chat.completions.create(model="tiny", messages=HELLO, stream=True)
        assert "".join(part.choices[0].delta.content or "" for part in parts) == "said: hello there"
        vectors = official.embeddings.create(model="tiny", input=["abba"], encoding_format="float")
        assert vectors.data[0].embedding == letters("abba")
