"""A program of the person's that is given an alarm on its input."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from sevenstep.live.channels.failed import ChannelFailed

__all__ = ["run_command"]

_PATIENCE = 30.0  # seconds


def run_command(words: Sequence[str], folder: Path, message: Mapping[str, Any]) -> None:
    """Run a program, without a shell, in the folder of the spec, with the alarm as JSON on its input.

    Raises:
        ChannelFailed: it cannot be started, takes too long, or ends with another code than 0.
    """
    content = json.dumps(message, ensure_ascii=False, default=str).encode()
    try:
        ended = subprocess.run(list(words), input=content, cwd=folder, capture_output=True, timeout=_PATIENCE, check=False)
    except subprocess.TimeoutExpired as error:
        raise ChannelFailed(f"{words[0]} took longer than {_PATIENCE:.0f} s") from error
    except OSError as error:
        raise ChannelFailed(f"{words[0]} cannot be started: {error.strerror}") from error
    if ended.returncode:
        said = ended.stderr.decode("utf-8", "replace").strip().splitlines()
        raise ChannelFailed(f"{words[0]} ended with code {ended.returncode}" + (f": {said[-1][:200]}" if said else ""))
