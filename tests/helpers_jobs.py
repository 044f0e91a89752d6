"""Toy jobs for the tests of the engine; light, because every worker imports them."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sevenstep.endpoints.keeping import calls_place
from sevenstep.errors import InputError
from sevenstep.work import Artifact, Leaves

Given = Mapping[str, Any]
Inputs = Mapping[str, Artifact]


def square(arguments: Given, inputs: Inputs) -> Leaves:
    time.sleep(arguments.get("seconds", 0.0))
    return Leaves(json={"value": arguments["number"] ** 2})


def total(arguments: Given, inputs: Inputs) -> Leaves:
    return Leaves(json={"value": sum(artifact.json("value") for artifact in inputs.values())})


def where_and_how(arguments: Given, inputs: Inputs) -> Leaves:
    import polars

    found = {"process": os.getpid(), "polars": polars.thread_pool_size(), "openmp": os.environ.get("OMP_NUM_THREADS")}
    return Leaves(json={"found": found | {"number": arguments["number"]}})


def where_calls_are_kept(arguments: Given, inputs: Inputs) -> Leaves:
    return Leaves(json={"found": {"process": os.getpid(), "place": calls_place(), "number": arguments["number"]}})


def fail(arguments: Given, inputs: Inputs) -> Leaves:
    raise ZeroDivisionError("the matrix is\nsingular")


def fail_as_input(arguments: Given, inputs: Inputs) -> Leaves:
    raise InputError("TOY-WRONG", "the toy is wrong", "it must be right", "mend it")


def die(arguments: Given, inputs: Inputs) -> Leaves:
    os.kill(os.getpid(), signal.SIGKILL)
    return Leaves()


def use_memory(arguments: Given, inputs: Inputs) -> Leaves:
    return Leaves(json={"length": len(b"x" * (arguments["mebibytes"] << 20))})


def take_in(arguments: Given, inputs: Inputs) -> Leaves:
    text = (Path(arguments["base"]) / "data.csv").read_text(encoding="utf-8")
    return Leaves(json={"rows": [int(line) for line in text.split()[1:]]})
