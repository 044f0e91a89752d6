"""The data as it was taken in: content hashes of the sources, and the cached job that reads them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sevenstep.engine.fingerprints import code_version, job_fingerprint
from sevenstep.engine.process import Process
from sevenstep.engine.stat_cache import StatCache
from sevenstep.engine.store import Store
from sevenstep.engine.worker import load_function
from sevenstep.errors import InputError
from sevenstep.work import Artifact, Failure, Job

if TYPE_CHECKING:
    from sevenstep.engine.bench import EngineBench
    from sevenstep.spec.brief import Brief

__all__ = ["Intake"]


class Intake:
    """Sources below the folder ``base``, as a step's brief names them.

    ``one_row_per_time`` says that keys and time name a row, so that a second row of the same is a duplicate.

    The folder is no part of any key: the same data in another place is the same data.
    """

    def __init__(self, process: Process, base: Path, store: Store, *, one_row_per_time: bool = False) -> None:
        self._process, self._base, self._store, self._one_row_per_time = process, base, store, one_row_per_time

    def fingerprints(self, brief: Brief) -> Mapping[str, str]:
        """Content hashes of what the data section names (see `fingerprint_data`); files that have not changed are not read."""
        from sevenstep.data.fingerprints import fingerprint_data  # late: a run of toy steps on no data needs no data room

        cache = StatCache(self._store.root / "stat-cache.json")
        found = fingerprint_data(brief.data, self._base, cache)
        cache.save()
        return found

    def artifact(self, brief: Brief, sources: Mapping[str, str], bench: EngineBench) -> Artifact:
        """What the intake job left, run where it is not in the store.

        Raises:
            InputError: ``DATA-CHANGED``, the sources changed while they were read, so what was read is no state of them.
        """
        job, key = self._job(brief, sources, bench.cores)
        known = self._store.has(key)
        (result,) = bench.run_keyed([(job, key)])
        assert not isinstance(result, Failure)  # the job is not optional: it would have raised
        if not known and self.fingerprints(brief) != sources:
            self._store.set_aside(key)
            raise InputError("DATA-CHANGED", "the data changed while it was read", "a run needs one state of it", "run again")
        return result

    def _kept(self) -> dict[str, Any]:
        """Where what files of documents say is kept between intakes, and the version of what reads them; no part of a key."""
        return {"kept": str(self._store.root / "documents.sqlite"), "code": code_version(("data/documents", "data/encodings.py"))}

    def _job(self, brief: Brief, sources: Mapping[str, str], cores: int) -> tuple[Job, str]:
        keyed: dict[str, Any] = {
            "data": brief.data.model_dump(mode="json"),
            "targets": list(brief.targets),
            "flags": list(brief.flags),
            "one_row_per_time": self._one_row_per_time,
            "sources_fingerprint": dict(sources),
        }
        job = Job(
            name="take in the data",
            function=load_function(self._process.intake),
            arguments={**keyed, "base": str(self._base), **self._kept()},
            rooms=self._process.intake_rooms,
            weight=10.0,
            threads=cores,
        )
        return job, job_fingerprint(job, keyed)
