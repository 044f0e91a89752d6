"""Figures for Prometheus, summed over workers.

A worker counts in plain numbers, which costs a request next to nothing, and leaves them in a file of its own once a second;
whichever worker is asked adds the files up. Figures of a worker that died stay counted, as counters must never fall.
"""

from __future__ import annotations

import os
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import orjson
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric

from sevenstep.engine.durable import replace_file

__all__ = ["FOLDER", "Metrics"]

FOLDER = "SEVENSTEP_FIGURES"
"""Environment variable that names the folder in which workers leave their figures; without it a worker tells its own."""

_SECONDS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0)
_BATCHES = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0)
_COUNTERS: Mapping[str, tuple[str, Sequence[str]]] = {
    "requests": ("Requests answered", ("route", "status")),
    "refused": ("Requests not taken on, by the code of the refusal", ("code",)),
    "predictions": ("Predictions served", ()),
    "doubtful": ("Requests answered with a warning", ()),
    "loads": ("Times a champion was loaded", ("ended",)),
}
_HISTOGRAMS: Mapping[str, tuple[str, Sequence[str], Sequence[float]]] = {
    "request_seconds": ("Time to answer a request", ("route",), _SECONDS),
    "batch_requests": ("Requests predicted together", (), _BATCHES),
}
_GAUGES = {"under_way": "Requests under way", "release": "Release that serves (the lowest over workers)"}

Key = tuple[str, ...]


class Metrics:
    """What one worker counted."""

    def __init__(self) -> None:
        self._counts: dict[str, Counter[Key]] = {name: Counter() for name in _COUNTERS}
        self._seen: dict[str, dict[Key, list[float]]] = {name: {} for name in _HISTOGRAMS}
        self._gauges: dict[str, float] = dict.fromkeys(_GAUGES, 0.0)

    def count(self, name: str, *labels: str, by: int = 1) -> None:
        """Add to a counter."""
        self._counts[name][labels] += by

    def see(self, name: str, value: float, *labels: str) -> None:
        """Add a value to a histogram."""
        bounds = _HISTOGRAMS[name][2]
        seen = self._seen[name].get(labels)
        if seen is None:
            seen = self._seen[name][labels] = [0.0] * (len(bounds) + 2)
        seen[bisect_left(bounds, value)] += 1
        seen[-1] += value

    def set(self, name: str, value: float) -> None:
        """Set what goes up and down."""
        self._gauges[name] = value

    def leave(self) -> None:
        """Write the figures where other workers find them."""
        folder = os.environ.get(FOLDER)
        if folder is not None:
            replace_file(Path(folder) / f"{os.getpid()}.json", orjson.dumps(self._told()))

    def _told(self) -> dict[str, Any]:
        counts = {name: [[key, value] for key, value in counter.items()] for name, counter in self._counts.items()}
        seen = {name: [[key, list(values)] for key, values in found.items()] for name, found in self._seen.items()}
        return {"counts": counts, "seen": seen, "gauges": self._gauges}

    def exposed(self) -> bytes:
        """The figures of all workers as Prometheus reads them."""
        registry = CollectorRegistry()
        registry.register(_Families(self._all()))
        return generate_latest(registry)

    def _all(self) -> list[dict[str, Any]]:
        folder = os.environ.get(FOLDER)
        if folder is None:
            return [self._told()]
        self.leave()
        return [{**orjson.loads(path.read_bytes()), "lives": _lives(path.stem)} for path in sorted(Path(folder).glob("*.json"))]


def _lives(process: str) -> bool:
    return Path("/proc", process).exists() if Path("/proc/self").exists() else True


class _Families:
    """The figures of all workers in Prometheus' terms."""

    def __init__(self, workers: Sequence[Mapping[str, Any]]) -> None:
        self._workers = workers

    def collect(self) -> Iterator[Metric]:
        """Every metric with its values."""
        for name, (text, labels) in _COUNTERS.items():
            counter = CounterMetricFamily(f"sevenstep_{name}", text, labels=labels)
            for key, value in self._summed(name).items():
                counter.add_metric(key, value)
            yield counter
        for name, (text, labels, bounds) in _HISTOGRAMS.items():
            histogram = HistogramMetricFamily(f"sevenstep_{name}", text, labels=labels)
            for key, values in self._joined(name).items():
                histogram.add_metric(key, _cumulated(bounds, values), values[-1])
            yield histogram
        living = [worker["gauges"] for worker in self._workers if worker.get("lives", True)]
        for name, text in _GAUGES.items():
            values = [gauges[name] for gauges in living]
            yield GaugeMetricFamily(f"sevenstep_{name}", text, value=(min if name == "release" else sum)(values or [0.0]))

    def _summed(self, name: str) -> Counter[Key]:
        total: Counter[Key] = Counter()
        for worker in self._workers:
            total.update({tuple(key): value for key, value in worker["counts"][name]})
        return total

    def _joined(self, name: str) -> dict[Key, list[float]]:
        total: dict[Key, list[float]] = {}
        for worker in self._workers:
            for key, values in worker["seen"][name]:
                known = total.get(tuple(key), [0.0] * len(values))
                total[tuple(key)] = [a + b for a, b in zip(known, values, strict=True)]
        return total


def _cumulated(bounds: Sequence[float], values: Sequence[float]) -> list[tuple[str, float]]:
    """Values up to each bound, as Prometheus counts them."""
    made, total = [], 0.0
    for bound, count in zip([*map(str, bounds), "+Inf"], values[:-1], strict=True):
        total += count
        made.append((bound, total))
    return made
