"""Kills live commands at random moments: nothing observed may be lost or doubled, no release torn, the champion always loads.

    python bench/kill_live.py [--times 100] [--seed 0] [--only observe --only promote ...]

Makes a small project, then starts the commands of `COMMANDS` in turn and kills each, with all it started, at a random moment of
the time it takes undisturbed. After every kill the store is checked; at the end every file is sent again, and what is
known must be what the files say. Prints a row for each command; exits 1 where anything was found.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import http.client
import json
import math
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path

import sqlalchemy as sa

from sevenstep import Project
from sevenstep.errors import InputError
from sevenstep.live.ledger.decisions import broken_at
from sevenstep.live.ledger.tables import arrivals, observations
from sevenstep.live.observing import observed
from sevenstep.live.operation import Operation
from sevenstep.live.pointers import pointed, settle
from sevenstep.live.refreshing import read_versions
from sevenstep.live.releases import champion, releases

SERVE, HTTP = "serve", "http"
START = "from sevenstep.cli.main import main; main()"
SHOPS, DAYS, FILES = ("a", "b", "c"), 100, 25
SPEC = """spec: 1
name: killed
task: forecast
data: {source: sales.csv, time: day, series: [shop]}
target: sales
forecast: {horizon: 7, frequency: 1d}
kpis: [{id: accuracy, metric: wape, goal: "<= 0.25"}]
design: {candidates: [naive, seasonal_naive], folds: 2}
"""


@dataclass
class Scene:
    """A project whose commands are killed, and what was found."""

    folder: Path
    files: Sequence[Path]
    chance: random.Random
    faults: list[str] = field(default_factory=list)

    @property
    def store(self) -> Path:
        return self.folder / ".sevenstep"

    def opened(self) -> Operation:
        project = Project(self.folder)
        return Operation.of(project.spec, project.store, lambda: project.task)


COMMANDS: Mapping[str, Callable[[Scene], list[str]]] = {
    "observe": lambda scene: ["observe", str(scene.folder), "--input", str(scene.chance.choice(scene.files))],
    "refresh": lambda scene: ["refresh", str(scene.folder)],
    "retrain": lambda scene: ["retrain", str(scene.folder), "--quiet"],
    "promote": lambda scene: ["promote", str(scene.chance.choice(releases(scene.store)).number), str(scene.folder)],
    "rollback": lambda scene: ["rollback", str(scene.folder)],
    SERVE: lambda scene: ["serve", str(scene.folder), "--port", "0", "--json"],
}
"""What is killed: for each name the words of the command. Another command is another row here."""


def main() -> None:
    """Make the project, kill, check, and tell."""
    options = _options()
    with tempfile.TemporaryDirectory() as folder:
        scene = _scene(Path(folder), options.seed)
        names = options.only or list(COMMANDS)
        seconds = {name: _seconds(scene, name) for name in names if name != SERVE}
        kills = dict.fromkeys(names, 0)
        tries = 0
        while sum(kills.values()) < options.times and tries < 4 * options.times:
            name = names[tries % len(names)]
            tries += 1
            if name == SERVE:
                kills[name] += _killed_serving(scene)
            else:
                kills[name] += _killed(_words(scene, name), scene.chance.uniform(0.2, 1.05) * seconds[name])
            _check(scene, f"kill {sum(kills.values())}, {name}")
        _check_end(scene)
        for name in names:
            undisturbed = f", {seconds[name]:.1f} s undisturbed" if name in seconds else ", under a stream of observations"
            print(f"{name:<10} {kills[name]:>4} kills{undisturbed}")
        print(f"{sum(kills.values())} kills, {len(scene.faults)} faults", *scene.faults, sep="\n")
    sys.exit(1 if scene.faults or sum(kills.values()) < options.times else 0)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--times", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", action="append", choices=list(COMMANDS), default=[])
    return parser.parse_args()


# The project ------------------------------------------------------------------------------------------------------------------


def _scene(folder: Path, seed: int) -> Scene:
    """A project with two releases, some observations, and files to be sent."""
    chance = random.Random(seed)
    _write(folder / "sales.csv", _sales(range(DAYS), chance))
    (folder / "sevenstep.yaml").write_text(SPEC, encoding="utf-8")
    files = [folder / f"arrival-{number}.csv" for number in range(FILES)]
    for number, path in enumerate(files):
        later = range(DAYS + number // 2, DAYS + number // 2 + 14)
        _write(path, [row | {"published": f"2024-06-{1 + number:02d}"} for row in _sales(later, chance)])
    scene = Scene(folder, files, chance)
    for command in (["run", str(folder), "--quiet"], ["run", str(folder), "--quiet", "--set", "forecast.horizon=5"]):
        _finished(command)
    _finished(["observe", str(folder), "--input", str(files[0])])
    _finished(["promote", "2", str(folder)])
    _finished(["promote", "1", str(folder)])
    return scene


def _sales(days: range, chance: random.Random) -> list[dict[str, object]]:
    return [
        {
            "shop": shop,
            "day": str(date(2024, 1, 1) + timedelta(day)),
            "sales": round(90 + 30 * math.sin(day * 2 * math.pi / 7) + chance.gauss(0, 4), 1),
        }
        for shop in SHOPS
        for day in days
    ]


def _write(path: Path, rows: Sequence[Mapping[str, object]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


# Killing ----------------------------------------------------------------------------------------------------------------------


def _words(scene: Scene, name: str) -> list[str]:
    return [sys.executable, "-c", START, *COMMANDS[name](scene)]


def _seconds(scene: Scene, name: str) -> float:
    started = time.perf_counter()
    subprocess.run(_words(scene, name), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
    return time.perf_counter() - started


def _killed(command: list[str], after: float) -> bool:
    """Whether the command had to be killed, with all it started; False when it ended before."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
    try:
        process.wait(after)
        return False
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        return True


def _killed_serving(scene: Scene) -> bool:
    """Kill a server that is told observations; what it has acknowledged must be in the ledger."""
    process = subprocess.Popen(
        _words(scene, SERVE), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, start_new_session=True
    )
    assert process.stdout is not None
    told = iter(process.stdout.readline, "}\n")
    address = json.loads("".join(told) + "}")["address"]
    acknowledged: list[int] = []
    ending = threading.Timer(scene.chance.uniform(0.1, 3.0), lambda: os.killpg(process.pid, signal.SIGKILL))
    ending.start()
    while process.poll() is None:
        with scene.chance.choice(scene.files).open(encoding="utf-8", newline="") as file:
            rows = [row | {"sales": float(row["sales"])} for row in scene.chance.sample(list(csv.DictReader(file)), 5)]
        with suppress(OSError, http.client.HTTPException, ValueError):
            acknowledged.append(_sent(address, rows))
    process.wait()
    operation = scene.opened()
    with operation.ledger.reading() as connection:
        known = set(connection.scalars(sa.select(arrivals.c.id)))
    operation.ledger.close()
    scene.faults += [f"serve: arrival {number} was acknowledged and is lost" for number in acknowledged if number not in known]
    return True


def _sent(address: str, rows: Sequence[Mapping[str, object]]) -> int:
    """Number of the arrival, once the server has acknowledged it."""
    connection = http.client.HTTPConnection(address.removeprefix("http://"), timeout=5)
    body = json.dumps({"rows": rows, "source": HTTP})
    connection.request("POST", "/v1/observations", body, {"Content-Type": "application/json"})
    answer = json.loads(connection.getresponse().read())
    connection.close()
    return int(answer["number"])


def _finished(words: Sequence[str]) -> None:
    done = subprocess.run([sys.executable, "-c", START, *words], capture_output=True, text=True, check=False)
    if done.returncode not in (0, 1):
        raise SystemExit(f"{' '.join(words)} ended with exit code {done.returncode}: {done.stderr}")


# Checking ---------------------------------------------------------------------------------------------------------------------


def _check(scene: Scene, when: str) -> None:
    """What must hold after any kill."""
    operation = scene.opened()
    try:
        found = (*_releases_whole(scene, operation), *_arrivals_whole(operation), *_versions_whole(scene, operation))
        scene.faults += [f"{when}: {fault}" for fault in found]
    finally:
        operation.ledger.close()


def _releases_whole(scene: Scene, operation: Operation) -> Iterator[str]:
    """The champion loads as it stands and after settling, no release is torn, no decision is lost."""
    folders = [path for path in (scene.store / "releases").iterdir() if path.name.isdecimal()]
    if len(folders) != len(releases(scene.store)):
        yield f"{len(folders)} folders of releases, {len(releases(scene.store))} with a manifest"
    yield from (f"release {one.number}: {one.damage()}" for one in releases(scene.store) if one.damage())
    for _ in range(2):
        try:
            operation.task.load_model(champion(scene.store).verified().model_folder)
        except InputError as error:
            yield f"the champion does not load: {error}"
        settle(operation)
    with operation.ledger.reading() as connection:
        if pointed(connection) != champion(scene.store).number:
            yield f"the ledger says release {pointed(connection)}, the file {champion(scene.store).number}"
        if broken_at(connection) is not None:
            yield f"decision {broken_at(connection)} is broken"


def _arrivals_whole(operation: Operation) -> Iterator[str]:
    """Each file is in the ledger whole or not at all, and each item has one current row."""
    with operation.ledger.reading() as connection:
        own = sa.select(arrivals.c.rows, arrivals.c.new, arrivals.c.corrections, arrivals.c.unchanged, arrivals.c.late)
        for rows, *parts in connection.execute(own):
            if rows != sum(parts):
                yield f"an arrival of {rows} rows holds {sum(parts)}"
        distinct = sa.select(observations.c.key, observations.c.time).distinct().subquery()
        items = connection.scalar(sa.select(sa.func.count()).select_from(distinct))
        current = connection.scalar(sa.select(sa.func.count()).where(observations.c.current))
        if items != current:
            yield f"{items} items, {current} current rows"


def _versions_whole(scene: Scene, operation: Operation) -> Iterator[str]:
    """Every version has its rows, as they were written."""
    with operation.ledger.reading() as connection:
        made = read_versions(connection)
    for version in made:
        path = scene.store / version.file
        if not path.is_file() or hashlib.sha256(path.read_bytes()).hexdigest() != version.checksum:
            yield f"the rows of version {version.number} are not what was written"
    if [version.number for version in made] != list(range(1, len(made) + 1)):
        yield f"versions are numbered {[version.number for version in made]}"


def _check_end(scene: Scene) -> None:
    """With every file sent again, what is known is what the files say: for each item the row published last."""
    for path in scene.files:
        _finished(["observe", str(scene.folder), "--input", str(path)])
    _check(scene, "end")
    expected: dict[tuple[str, str], float] = {}
    for path in scene.files:  # in the order of publication
        with path.open(encoding="utf-8", newline="") as file:
            expected |= {(row["shop"], row["day"]): float(row["sales"]) for row in csv.DictReader(file)}
    operation = scene.opened()
    with operation.ledger.reading() as connection:
        rows = observed(operation, connection).select("shop", "day", "sales").iter_rows()
        found = {(shop, str(day)): sales for shop, day, sales in rows}
        count = connection.scalar(sa.select(sa.func.count()).select_from(arrivals).where(arrivals.c.source != HTTP))
    operation.ledger.close()
    if found != expected:
        scene.faults.append(
            f"end: {sum(found.get(item) != value for item, value in expected.items())} items differ from the files"
        )
    if count != len(scene.files):
        scene.faults.append(f"end: {count} arrivals of {len(scene.files)} files")


if __name__ == "__main__":
    main()
