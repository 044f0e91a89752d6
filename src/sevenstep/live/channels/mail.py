"""An alarm as a mail, over an encrypted connection."""

from __future__ import annotations

import json
import smtplib
import ssl
from collections.abc import Mapping
from email.message import EmailMessage
from ipaddress import ip_address
from typing import Any

from sevenstep.live.channels.failed import PATIENCE, ChannelFailed
from sevenstep.spec.operate import Mail
from sevenstep.spec.sources import FromEnvironment

__all__ = ["send_mail"]


def send_mail(mail: Mail, message: Mapping[str, Any]) -> None:
    """Send an alarm to all addresses of the spec.

    The connection is encrypted (STARTTLS, certificate checked); only a server on this very machine that is told no password may
    go without.

    Raises:
        ChannelFailed: the server is not there, offers no encryption, or refuses.
        InputError: the environment variable of the password is not set.
    """
    password = mail.password.read() if isinstance(mail.password, FromEnvironment) else mail.password
    try:
        with smtplib.SMTP(mail.server, mail.port, timeout=PATIENCE) as server:
            server.ehlo()
            if server.has_extn("starttls"):
                server.starttls(context=ssl.create_default_context())
            elif password is not None or not _here(mail.server):
                raise ChannelFailed(f"{mail.server} offers no encryption")
            if mail.user is not None and password is not None:
                server.login(mail.user, password)
            server.send_message(_written(mail, message))
    except (smtplib.SMTPException, OSError) as error:
        raise ChannelFailed(f"{mail.server}:{mail.port} did not take it: {type(error).__name__}") from error


def _here(server: str) -> bool:
    try:
        return ip_address(server).is_loopback
    except ValueError:
        return server == "localhost"


def _written(mail: Mail, message: Mapping[str, Any]) -> EmailMessage:
    written = EmailMessage()
    written["From"], written["To"] = mail.sender, ", ".join(mail.to)
    written["Subject"] = _one_line(f"[{message['project']}] alarm {message['number']}: {message['text']}")
    parts = [message["text"], f"Likely cause: {message['cause']}" if message["cause"] else ""]
    evidence = json.dumps(message["evidence"], ensure_ascii=False, indent=1, default=str)
    written.set_content("\n\n".join([*filter(None, parts), f"KPI: {message['kpi']}", evidence]))
    return written


def _one_line(text: str) -> str:
    return " ".join(text.split())[:200]
