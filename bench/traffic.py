"""A load generator that is not the bottleneck: HTTP/1.1 over kept connections, one protocol object each, nothing parsed in vain.

    python bench/traffic.py ADDRESS PATH BODIES --connections 8 --seconds 5 [--rate N] [--token TOKEN]

``BODIES`` is a file with one JSON body a line; they are sent in turn. Each connection sends its next request when the last is
answered (a closed loop); with ``--rate`` requests start at that rate over all connections, as far as one is free (an open loop).
Prints one JSON object: how many answers of each status, seconds, and the time each took.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import time
from collections import Counter, deque
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit


class Load:
    """What is sent, and what came back."""

    def __init__(self, requests: list[bytes], until: float, *, paced: bool) -> None:
        self.requests: Iterator[bytes] = itertools.cycle(requests)
        self.until, self.paced = until, paced
        self.times: list[float] = []
        self.statuses: Counter[str] = Counter()
        self.refused_times: list[float] = []
        self.broken = 0
        self.idle: deque[Connection] = deque()
        self.open: set[Connection] = set()


class Connection(asyncio.Protocol):
    """One kept connection: a request out, its answer in."""

    def __init__(self, load: Load) -> None:
        self.load, self.buffer, self.started, self.waiting = load, b"", 0.0, False
        self.transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self.load.open.add(self)
        self.next()

    def next(self) -> None:
        if self.load.paced:
            self.load.idle.append(self)
        else:
            self.send()

    def send(self) -> None:
        assert self.transport is not None
        self.started, self.waiting = time.perf_counter(), True
        self.transport.write(next(self.load.requests))

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        end = self.buffer.find(b"\r\n\r\n")
        if end < 0:
            return
        head = self.buffer[:end].lower()
        place = head.find(b"content-length:")
        length = int(head[place + 15 :].split(b"\r\n", 1)[0])
        if len(self.buffer) < end + 4 + length:
            return
        now, status = time.perf_counter(), self.buffer[9:12].decode()
        self.load.statuses[status] += 1
        (self.load.times if status == "200" else self.load.refused_times).append(now - self.started)
        self.buffer, self.waiting = b"", False
        if now < self.load.until:
            self.next()
        elif self.transport is not None:
            self.transport.close()

    def connection_lost(self, error: Exception | None) -> None:
        self.load.broken += self.waiting
        self.load.open.discard(self)


async def run(address: str, payloads: list[bytes], connections: int, seconds: float, rate: float) -> Load:
    """Send for so many seconds, and wait for what is under way."""
    parts = urlsplit(address)
    load = Load(payloads, time.perf_counter() + seconds, paced=rate > 0)
    loop = asyncio.get_running_loop()
    for _ in range(connections):
        await loop.create_connection(lambda: Connection(load), parts.hostname, parts.port)
    if rate:
        await pace(load, rate)
    while any(one.waiting for one in load.open):
        await asyncio.sleep(0.01)
    return load


async def pace(load: Load, rate: float) -> None:
    """Start requests at the rate, as far as a connection is free for one."""
    started, sent = time.perf_counter(), 0
    while (now := time.perf_counter()) < load.until:
        due = int((now - started) * rate) - sent
        for _ in range(min(due, len(load.idle))):
            load.idle.popleft().send()
        sent += due
        await asyncio.sleep(0.002)


def requests_of(path: str, address: str, bodies: list[bytes], token: str) -> list[bytes]:
    """Whole HTTP requests."""
    shown = f"authorization: Bearer {token}\r\n" if token else ""
    start = (
        f"POST {path} HTTP/1.1\r\nhost: {urlsplit(address).netloc}\r\ncontent-type: application/json\r\n{shown}content-length: "
    )
    return [f"{start}{len(body)}\r\n\r\n".encode() + body for body in bodies]


def main() -> None:
    """Send, and print what came back."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("address")
    parser.add_argument("path")
    parser.add_argument("bodies", type=Path)
    parser.add_argument("--connections", type=int, default=8)
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--rate", type=float, default=0.0)
    parser.add_argument("--token", default="")
    options = parser.parse_args()
    payloads = requests_of(options.path, options.address, options.bodies.read_bytes().splitlines(), options.token)
    started, used = time.perf_counter(), time.process_time()
    load = asyncio.run(run(options.address, payloads, options.connections, options.seconds, options.rate))
    seconds = time.perf_counter() - started
    told = {
        "seconds": seconds, "busy": (time.process_time() - used) / seconds, "statuses": load.statuses, "broken": load.broken,
        "times": sorted(load.times), "refused_times": sorted(load.refused_times),
    }  # fmt: skip
    print(json.dumps(told))


if __name__ == "__main__":
    main()
