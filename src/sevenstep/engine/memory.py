"""The largest memory a job had, in MiB."""

from __future__ import annotations

import resource
import sys
from contextlib import suppress
from pathlib import Path

__all__ = ["peak_mebibytes", "reset_peak"]

_STATUS, _RESET = Path("/proc/self/status"), Path("/proc/self/clear_refs")


def reset_peak() -> None:
    """Measure anew, so that a worker's earlier jobs do not count; where the kernel cannot, the peak is of the whole process."""
    with suppress(OSError):
        _RESET.write_text("5")  # resets VmHWM; see proc(5)


def peak_mebibytes() -> float:
    """Peak resident memory since `reset_peak`, in MiB."""
    with suppress(OSError):
        for line in _STATUS.read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1024 * 1024 if sys.platform == "darwin" else 1024)
