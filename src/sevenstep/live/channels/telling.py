"""Telling alarms to every channel of a project; a channel that fails is noted and keeps no other from being told."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

from sevenstep.errors import InputError
from sevenstep.live.alarms import Alarm
from sevenstep.live.channels.command import run_command
from sevenstep.live.channels.failed import ChannelFailed
from sevenstep.live.channels.mail import send_mail
from sevenstep.live.channels.webhook import post
from sevenstep.spec.model import Spec

__all__ = ["LOG", "tell"]

LOG = "alarms.jsonl"
"""File of the store that every alarm is written to, one JSON object a line."""

_Channel = tuple[str, Callable[[dict[str, Any]], None]]


def tell(spec: Spec, store: Path, alarms: Sequence[Alarm], now: datetime) -> Sequence[str]:
    """Tell each alarm to the log and every channel of the spec, once.

    Returns:
        What failed, one sentence each; empty where all were told.
    """
    failed: list[str] = []
    for alarm in alarms:
        message = {"project": spec.name, "told": now.isoformat(), **alarm.to_json()}
        for name, channel in _channels(spec, store):
            try:
                channel(message)
            except (ChannelFailed, InputError) as error:
                failed.append(f"{name} was not told of alarm {alarm.number}: {error}")
    return failed


def _channels(spec: Spec, store: Path) -> Iterator[_Channel]:
    channels = spec.operate.alarms.channels
    yield "the log", partial(_log, store / LOG)
    for place, webhook in enumerate(channels.webhooks, 1):
        yield f"webhook {place}", partial(post, webhook.url)
    if channels.mail is not None:
        yield "mail", partial(send_mail, channels.mail)
    if channels.command:
        yield "the command", partial(run_command, channels.command, spec.base)


def _log(path: Path, message: dict[str, Any]) -> None:
    """Append a line in one write, so that lines of two processes never mix."""
    line = f"{json.dumps(message, ensure_ascii=False, default=str)}\n".encode()
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW, 0o600)
        try:
            os.write(handle, line)
        finally:
            os.close(handle)
    except OSError as error:
        raise ChannelFailed(f"{path} cannot be written: {error.strerror}") from error
