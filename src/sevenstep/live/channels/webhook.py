"""Posting an alarm to an address of the spec, and to no other.

No redirect is followed, and no address inside the network is reached that the spec does not write as such.
"""

from __future__ import annotations

import json
import socket
import ssl
from collections.abc import Mapping
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from ipaddress import ip_address
from typing import Any
from urllib.parse import SplitResult, urlsplit

from sevenstep.live.channels.failed import PATIENCE, ChannelFailed
from sevenstep.spec.sources import FromEnvironment

__all__ = ["post"]


def post(url: FromEnvironment | str, message: Mapping[str, Any]) -> None:
    """Post an alarm as JSON.

    The name is resolved once and that very address is connected to; a private one (of this machine, of the network inside) is
    only where the URL itself names it. Any answer but 2xx, a redirect among them, is a failure.

    Raises:
        ChannelFailed: the address is none that is posted to, does not answer in time, or refuses.
        InputError: the environment variable of the URL is not set.
    """
    parts = urlsplit(url.read() if isinstance(url, FromEnvironment) else url)
    connection = _connection(parts)
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    content = json.dumps(message, ensure_ascii=False, default=str).encode()
    try:
        connection.request("POST", path, content, {"Content-Type": "application/json"})
        status = connection.getresponse().status
    except (OSError, HTTPException) as error:
        raise ChannelFailed(f"{parts.hostname} did not answer: {type(error).__name__}") from error
    finally:
        connection.close()
    if not 200 <= status < 300:
        raise ChannelFailed(f"{parts.hostname} answered {status}")


def _connection(parts: SplitResult) -> HTTPConnection:
    host = parts.hostname or ""
    try:
        port = parts.port
    except ValueError as error:
        raise ChannelFailed("its port is no number") from error
    if parts.scheme == "https":
        return _PinnedTls(host, _address(host, port or 443), port or 443)
    if parts.scheme == "http" and _is_loopback(host):
        return HTTPConnection(_address(host, port or 80), port or 80, timeout=PATIENCE)
    raise ChannelFailed("an alarm is posted to an https address (or http on this machine)")


def _address(host: str, port: int) -> str:
    """The address a name stands for; raises `ChannelFailed` where it is a private one that the name does not say."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError as error:
        raise ChannelFailed(f"{host} cannot be resolved") from error
    addresses = [str(one[4][0]) for one in found]
    written = _is_address(host) or host == "localhost"
    if not written and not all(ip_address(one.partition("%")[0]).is_global for one in addresses):
        raise ChannelFailed(f"{host} stands for an address inside the network, which the URL does not say")
    return addresses[0]


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def _is_loopback(host: str) -> bool:
    return host == "localhost" or (_is_address(host) and ip_address(host).is_loopback)


class _PinnedTls(HTTPSConnection):
    """A connection to an address that was looked up before, encrypted for the name it was looked up by."""

    def __init__(self, host: str, address: str, port: int) -> None:
        super().__init__(host, port, timeout=PATIENCE)
        self._address = address
        self._encryption = ssl.create_default_context()

    def connect(self) -> None:
        """Connect to the address, and check the certificate against the name."""
        plain = socket.create_connection((self._address, self.port), PATIENCE)
        self.sock = self._encryption.wrap_socket(plain, server_hostname=self.host)
