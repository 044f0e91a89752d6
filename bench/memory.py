"""Peak memory of a process and all it starts, sampled from /proc: what a machine has to have free."""

from __future__ import annotations

import threading
import time
from pathlib import Path

__all__ = ["TreeMemory"]


class TreeMemory:
    """Samples the proportional memory of a process tree until it ends; ``peak`` is in MiB."""

    def __init__(self, root: int, every: float = 0.3) -> None:
        self.peak = 0.0
        self._root, self._every = root, every
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def _watch(self) -> None:
        while Path(f"/proc/{self._root}").exists():
            self.peak = max(self.peak, sum(_proportional(process) for process in _tree(self._root)) / 1024)
            time.sleep(self._every)


def _tree(root: int) -> list[int]:
    children: dict[int, list[int]] = {}
    for place in Path("/proc").glob("[0-9]*"):
        try:
            fields = (place / "stat").read_text().rsplit(")", 1)[1].split()
        except OSError:  # the process has just ended
            continue
        children.setdefault(int(fields[1]), []).append(int(place.name))
    found, todo = [], [root]
    while todo:
        process = todo.pop()
        found.append(process)
        todo += children.get(process, [])
    return found


def _proportional(process: int) -> float:
    """Proportional set size in KiB: shared pages count once over all processes that share them."""
    try:
        lines = Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0.0
    return next((float(line.split()[1]) for line in lines if line.startswith("Pss:")), 0.0)
