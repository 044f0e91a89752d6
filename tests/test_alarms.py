"""Alarms: raised once, decided about by a person, ended by themselves; channels: told once, and never in the way."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from sevenstep.errors import InputError
from sevenstep.live import alarms as life
from sevenstep.live.alarms import Alarm, raise_alarm, read_alarms, settle_unseen
from sevenstep.live.channels import LOG, tell, webhook
from sevenstep.live.channels.failed import ChannelFailed
from sevenstep.live.check import SHARES, Check
from sevenstep.live.ledger.decisions import broken_at, read_decisions
from sevenstep.live.ledger.ledger import Ledger, open_ledger
from sevenstep.spec.read import read_spec
from sevenstep.tasks.registry import grammars
from small_projects import SPEC

NOON = datetime(2024, 6, 1, 12, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
SHIFTED = Check("shift", "accuracy", "state HE", "sales of state HE is 1.4 times what was forecast", True, 1.4, 1.3, 1.5, 7,
                "newest 7 days", 0.0004, "state HE since 2024-05-25", {"since": "2024-05-25"})  # fmt: skip
DRIFTED = Check("drift", "accuracy", "price", "price has moved", True)


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    opened = open_ledger(tmp_path, "small")
    yield opened
    opened.close()


@pytest.fixture
def connection(ledger: Ledger) -> Iterator[sa.Connection]:
    with ledger.writing() as connection:
        yield connection


def seen(connection: sa.Connection, check: Check, now: datetime, looked: str = "") -> Alarm:
    return raise_alarm(connection, check, now, looked or now.isoformat())


# The life of an alarm ----------------------------------------------------------------------------------------------------------


def test_the_same_thing_seen_again_is_the_same_alarm_with_the_newest_figures(connection: sa.Connection) -> None:
    first = seen(connection, SHIFTED, NOON)
    again = seen(connection, SHIFTED, NOON + DAY)
    assert (again.number, again.raised, again.seen, again.times) == (first.number, NOON, NOON + DAY, 2)
    assert again.name == "shift:accuracy:state HE"
    assert again.evidence["since"] == "2024-05-25"
    assert [alarm.number for alarm in read_alarms(connection)] == [first.number]


def test_looking_at_the_same_data_again_is_not_counted(connection: sa.Connection) -> None:
    seen(connection, SHIFTED, NOON, "2024-05-31")
    assert seen(connection, SHIFTED, NOON + HOUR, "2024-05-31").times == 1


def test_an_alarm_ends_after_three_clean_looks_at_newer_data_and_not_after_one_of_them_thrice(connection: sa.Connection) -> None:
    number = seen(connection, SHIFTED, NOON, "1").number
    for hour in range(5):
        assert settle_unseen(connection, {"shift": "2"}, [], NOON + hour * HOUR) == []
    assert settle_unseen(connection, {"shift": "3"}, [], NOON + DAY) == []
    (ended,) = settle_unseen(connection, {"shift": "4"}, [], NOON + 2 * DAY)
    assert (ended.number, ended.state, ended.ended) == (number, "resolved", NOON + 2 * DAY)
    assert read_alarms(connection) == []
    assert read_decisions(connection) == []


def test_a_sight_between_clean_looks_begins_the_count_anew(connection: sa.Connection) -> None:
    seen(connection, SHIFTED, NOON, "1")
    settle_unseen(connection, {"shift": "2"}, [], NOON)
    settle_unseen(connection, {"shift": "3"}, [], NOON)
    seen(connection, SHIFTED, NOON, "4")
    settle_unseen(connection, {"shift": "5"}, [], NOON)
    assert settle_unseen(connection, {"shift": "6"}, [], NOON) == []
    assert len(settle_unseen(connection, {"shift": "7"}, [], NOON)) == 1


def test_what_could_not_be_looked_at_stays(connection: sa.Connection) -> None:
    seen(connection, SHIFTED, NOON, "1")
    for place in range(5):
        assert settle_unseen(connection, {"drift": str(place)}, [], NOON) == []
    assert len(read_alarms(connection)) == 1


def test_an_alarm_that_ended_and_comes_back_is_a_new_one(connection: sa.Connection) -> None:
    first = seen(connection, SHIFTED, NOON)
    life.resolve(connection, first.number, "owner", NOON + HOUR)
    second = seen(connection, SHIFTED, NOON + DAY)
    assert second.number != first.number
    assert second.raised == NOON + DAY
    assert [alarm.state for alarm in read_alarms(connection, ended=True)] == ["open", "resolved"]


def test_what_a_person_decides_is_in_the_chain_with_the_alarm_it_is_about(connection: sa.Connection) -> None:
    number = seen(connection, SHIFTED, NOON).number
    life.acknowledge(connection, number, "owner", NOON + HOUR)
    life.snooze(connection, number, NOON + DAY, "owner", NOON + HOUR)
    life.resolve(connection, number, "owner", NOON + 2 * HOUR)
    told = read_decisions(connection)
    assert [one.evidence["state"] for one in told] == ["acknowledged", "snoozed", "resolved"]
    assert {(one.actor, one.kind, one.subject) for one in told} == {("owner", "alarm", f"alarm {number}")}
    assert "state HE" in told[0].text
    assert broken_at(connection) is None


def test_an_acknowledged_alarm_stays_so_while_it_is_seen(connection: sa.Connection) -> None:
    number = seen(connection, SHIFTED, NOON).number
    life.acknowledge(connection, number, "owner", NOON)
    assert seen(connection, SHIFTED, NOON + DAY).state == "acknowledged"


def test_a_snoozed_alarm_opens_again_when_its_time_is_over_and_is_told_again(connection: sa.Connection) -> None:
    number = seen(connection, SHIFTED, NOON).number
    life.mark_told(connection, [number], NOON)
    life.snooze(connection, number, NOON + DAY, "owner", NOON)
    assert seen(connection, SHIFTED, NOON + HOUR).state == "snoozed"
    assert life.untold(connection) == []
    assert seen(connection, SHIFTED, NOON + DAY).state == "open"
    assert [alarm.number for alarm in life.untold(connection)] == [number]


@pytest.mark.parametrize(
    ("code", "decide"),
    [
        ("ALARM-NO-SUCH", lambda connection, number: life.resolve(connection, number + 1, "owner", NOON)),
        ("ALARM-ENDED", lambda connection, number: life.acknowledge(connection, number, "owner", NOON)),
        ("ALARM-UNTIL", lambda connection, number: life.snooze(connection, number, NOON - HOUR, "owner", NOON)),
    ],
)
def test_what_cannot_be_decided_is_told(connection: sa.Connection, code: str, decide: Any) -> None:
    number = seen(connection, SHIFTED, NOON).number
    life.resolve(connection, number, "owner", NOON)
    with pytest.raises(InputError) as caught:
        decide(connection, number)
    assert caught.value.code == code


def test_the_shares_of_false_alarms_add_up_to_all_of_them() -> None:
    assert sum(SHARES.values()) == pytest.approx(1.0)


# Channels ----------------------------------------------------------------------------------------------------------------------


def alarm_of(check: Check = SHIFTED, number: int = 3) -> Alarm:
    return Alarm(
        number, check.name, check.kind, check.kpi, check.subject, check.text, check.cause, check.figures(), NOON, NOON, 1, "open",
        None, None, None,
    )  # fmt: skip


def told_with(folder: Path, channels: str, alarm: Alarm | None = None) -> list[str]:
    (folder / "sevenstep.yaml").write_text(f"{SPEC}operate: {{alarms: {{channels: {channels}}}}}\n", encoding="utf-8")
    spec = read_spec(folder / "sevenstep.yaml", grammars())
    return list(tell(spec, folder, [alarm or alarm_of()], NOON))


class Hook(BaseHTTPRequestHandler):
    """Answers as its server says and keeps what was posted."""

    def do_POST(self) -> None:
        self.server.got.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))  # type: ignore[attr-defined]
        self.send_response(self.server.status)  # type: ignore[attr-defined]
        self.send_header("Location", f"http://127.0.0.1:{self.server.server_port}/elsewhere")  # type: ignore[attr-defined]
        self.end_headers()

    def log_message(self, *told: Any) -> None:
        """Say nothing."""


@contextmanager
def hook(status: int = 200) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    server = HTTPServer(("127.0.0.1", 0), Hook)
    got: list[dict[str, Any]] = []
    server.got, server.status = got, status  # type: ignore[attr-defined]
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/hook", got
    server.shutdown()
    server.server_close()


def test_every_alarm_is_a_line_of_the_log(tmp_path: Path) -> None:
    assert told_with(tmp_path, "{}") == []
    assert told_with(tmp_path, "{}", alarm_of(DRIFTED, 4)) == []
    lines = [json.loads(line) for line in (tmp_path / LOG).read_text(encoding="utf-8").splitlines()]
    assert [(line["number"], line["project"], line["kpi"]) for line in lines] == [
        (3, "small", "accuracy"),
        (4, "small", "accuracy"),
    ]
    assert lines[0]["cause"] == "state HE since 2024-05-25"
    assert lines[0]["evidence"]["p"] == 0.0004


def test_a_webhook_is_posted_the_alarm_as_json(tmp_path: Path) -> None:
    with hook() as (url, got):
        assert told_with(tmp_path, f'{{webhooks: [{{url: "{url}"}}]}}') == []
    assert [(one["name"], one["state"]) for one in got] == [("shift:accuracy:state HE", "open")]


def test_a_webhook_may_stand_in_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with hook() as (url, got):
        monkeypatch.setenv("HOOK", url)
        assert told_with(tmp_path, "{webhooks: [{url: {env: HOOK}}]}") == []
    assert len(got) == 1
    monkeypatch.delenv("HOOK")
    (failed,) = told_with(tmp_path, "{webhooks: [{url: {env: HOOK}}]}")
    assert "SPEC-ENV-MISSING" in failed


@pytest.mark.parametrize("status", [302, 307, 500])
def test_a_redirect_is_not_followed_and_no_success(tmp_path: Path, status: int) -> None:
    with hook(status) as (url, got):
        (failed,) = told_with(tmp_path, f'{{webhooks: [{{url: "{url}"}}]}}')
    assert f"answered {status}" in failed
    assert len(got) == 1


@pytest.mark.parametrize(
    "url", ["http://example.com/hook", "ftp://127.0.0.1/hook", "http://10.0.0.1/hook", "https://a:b/", "hook"]
)
def test_only_https_and_http_of_this_machine_are_posted_to(url: str) -> None:
    with pytest.raises(ChannelFailed):
        webhook.post(url, {})


@pytest.mark.parametrize("address", ["10.1.2.3", "127.0.0.1", "169.254.169.254", "192.168.0.9", "fd00::1", "::1"])
def test_a_name_that_stands_for_an_address_inside_is_refused_before_it_is_called(
    monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    found = [
        (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("93.184.216.34", 443)),
        (socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 443)),
    ]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *given, **more: found)
    with pytest.raises(ChannelFailed, match="inside the network"):
        webhook.post("https://hooks.example.com/x", {})


def test_the_address_that_was_looked_up_is_the_one_connected_to(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []

    def refuse(address: Any, *given: Any, **more: Any) -> None:
        asked.append(address)
        raise ConnectionRefusedError

    monkeypatch.setattr(socket, "getaddrinfo", lambda *given, **more: [(2, 1, 6, "", ("93.184.216.34", 443))])
    monkeypatch.setattr(socket, "create_connection", refuse)
    with pytest.raises(ChannelFailed, match="ConnectionRefusedError"):
        webhook.post("https://hooks.example.com/x", {})
    assert asked == [("93.184.216.34", 443)]


def test_a_command_is_given_the_alarm_on_its_input_and_no_shell(tmp_path: Path) -> None:
    assert told_with(tmp_path, '{command: [tee, "a;b.json"]}') == []
    assert json.loads((tmp_path / "a;b.json").read_text(encoding="utf-8"))["subject"] == "state HE"


def test_channels_that_fail_are_told_of_and_keep_no_other_from_being_told(tmp_path: Path) -> None:
    with hook() as (url, got):
        webhooks = f'[{{url: "http://127.0.0.1:9/x"}}, {{url: "{url}"}}]'
        failed = told_with(tmp_path, f"{{webhooks: {webhooks}, command: [sh, -c, 'echo no >&2; exit 3']}}")
    assert len(got) == 1
    assert ["webhook 1 was not told of alarm 3" in failed[0], "code 3: no" in failed[1]] == [True, True]
    (gone,) = told_with(tmp_path, "{command: [no-such-program]}")
    assert "cannot be started" in gone


class Mailbox(threading.Thread):
    """A mail server of one connection, without encryption."""

    def __init__(self, answer: str = "250 ok") -> None:
        super().__init__(daemon=True)
        self.listening = socket.create_server(("127.0.0.1", 0))
        self.port: int = self.listening.getsockname()[1]
        self.answer, self.lines = answer, list[str]()

    def run(self) -> None:
        connection, _ = self.listening.accept()
        with connection, connection.makefile("rw", newline="\r\n") as file:

            def say(text: str) -> None:
                file.write(f"{text}\n")
                file.flush()

            say("220 here")
            inside = False
            for line in file:
                self.lines.append(line.rstrip("\r\n"))
                if inside:
                    inside = line.rstrip("\r\n") != "."
                    if not inside:
                        say(self.answer)
                elif line.upper().startswith("DATA"):
                    inside = True
                    say("354 go on")
                elif line.upper().startswith("QUIT"):
                    say("221 bye")
                    return
                else:
                    say("250 ok")


def mail_to(port: int, more: str = "") -> str:
    return f"{{mail: {{server: 127.0.0.1, port: {port}, sender: a@example.com, to: [b@example.com, c@example.com]{more}}}}}"


def test_a_mail_tells_what_is_wrong_and_goes_to_all(tmp_path: Path) -> None:
    box = Mailbox()
    box.start()
    assert told_with(tmp_path, mail_to(box.port)) == []
    box.join(5)
    assert [line for line in box.lines if line.startswith("rcpt")] == ["rcpt TO:<b@example.com>", "rcpt TO:<c@example.com>"]
    text = "\n".join(box.lines)
    assert "alarm 3: sales of state HE is 1.4 times" in text
    assert "Likely cause: state HE since 2024-05-25" in text


def test_a_password_is_never_sent_without_encryption(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAIL_PASSWORD", "tiger-tiger")
    box = Mailbox()
    box.start()
    (failed,) = told_with(tmp_path, mail_to(box.port, ", user: a, password: {env: MAIL_PASSWORD}"))
    assert "offers no encryption" in failed
    assert not any("AUTH" in line or "tiger" in line for line in [*box.lines, failed])


def test_a_mail_server_that_refuses_is_told_of(tmp_path: Path) -> None:
    box = Mailbox("554 no")
    box.start()
    (failed,) = told_with(tmp_path, mail_to(box.port))
    assert "SMTPDataError" in failed
