"""The seven steps in order, with what each one reads: the only place that knows the order of the process."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["PROCESS", "Process", "Step"]


@dataclass(frozen=True)
class Step:
    """One step of the process.

    Args:
        name: of the step, as in the spec of the commands.
        module: has ``run(brief, inputs, task, bench) -> Leaves``.
        reads: earlier steps whose artifacts are its inputs.
        rooms: folders and files of the package whose source text is part of its fingerprint, besides the task's own.
        reads_sources: whether the data as it was taken in is among its inputs, as ``intake``.
        keeps_contract: whether its brief holds the data contract in force, and what it leaves under ``contract`` becomes the
            file.
    """

    name: str
    module: str
    reads: Sequence[str] = ()
    rooms: Sequence[str] = ()
    reads_sources: bool = False
    keeps_contract: bool = False


@dataclass(frozen=True)
class Process:
    """Steps in order, and the job (``module:function``) that takes in the sources for those that read them."""

    steps: Sequence[Step]
    intake: str
    intake_rooms: Sequence[str] = ()


_BASE = ("chapter.py", "work.py", "wording.py", "spec", "data", "stats", "tasks")

PROCESS = Process(
    intake="sevenstep.steps.taking:intake_job",
    intake_rooms=("work.py", "chapter.py", "wording.py", "spec", "data", "tasks/contract.py", "steps/taking.py"),
    steps=(
        Step("define", "sevenstep.steps.step1_define", (), ("steps", *_BASE), reads_sources=True),
        Step("collect", "sevenstep.steps.step2_collect", (), ("steps", *_BASE), reads_sources=True, keeps_contract=True),
        Step("prepare", "sevenstep.steps.step3_prepare", ("collect",), ("steps", *_BASE)),
        Step("design", "sevenstep.steps.step4_design", ("collect", "prepare"), ("steps", *_BASE)),
        Step("train", "sevenstep.steps.step5_train", ("collect", "design"), ("steps", "search", *_BASE)),
        Step("tune", "sevenstep.steps.step6_tune", ("collect", "design", "train"), ("steps", "search", *_BASE)),
        Step(
            "operate", "sevenstep.steps.step7_operate", ("collect", "prepare", "design", "train", "tune", "define"),
            ("steps", "search", *_BASE),
        ),
    ),
)  # fmt: skip
"""The process as it is: what a step reads, and the source text its result may depend on."""
