"""The findings of the quality tools: insights and blocks of a chapter."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from sevenstep.chapter import Block, Notes
from sevenstep.data.dataset import Dataset
from sevenstep.spec.brief import Brief
from sevenstep.stats.control.specification import Specification
from sevenstep.tasks.contract import Insight
from sevenstep.tasks.tabular.quality.capable import capability_insights, capability_tables
from sevenstep.tasks.tabular.quality.causing import cause_note, cause_table
from sevenstep.tasks.tabular.quality.charted import Charted
from sevenstep.tasks.tabular.quality.figures import chart_blocks
from sevenstep.tasks.tabular.quality.study import QualityStudy, study_quality

__all__ = ["quality_findings", "study_blocks"]

_SURE = 0.01


def quality_findings(data: Dataset, brief: Brief) -> tuple[list[Insight], list[Block]]:
    """What step 3 adds: an insight for each tolerance, and blocks of ranked causes, control charts and capability.

    ``brief`` must hold ``seed`` and ``data``, whose ``tolerances`` are the specification limits.
    """
    given, units = brief.data.tolerances, brief.data.units
    tolerances = {name: Specification(one.lower, one.upper, one.target) for name, one in given.items()}
    study = study_quality(data, tolerances, brief.seed)
    return capability_insights(study.able, study.tolerances, units), study_blocks(study, units)


def study_blocks(study: QualityStudy, units: Mapping[str, str]) -> list[Block]:
    """All blocks of a study, the ranked sentences first; nothing where there was nothing to look at."""
    ordered, ranking = study.ordered, study.ranking
    blocks: list[Block] = [*_notes(study, units), *(cause_table(ranking, ordered, units) if ranking is not None else ())]
    blocks += chart_blocks(study.charted, ordered, units)
    return [*blocks, *capability_tables(study.able, study.tolerances, ordered, units)]


def _notes(study: QualityStudy, units: Mapping[str, str]) -> Iterator[Block]:
    causes = [] if study.ranking is None else [cause_note(study.ranking, study.ordered, units)]
    items = [*causes, *_chart_notes(study.charted)]
    if items:
        yield Notes("Quality", items)


def _chart_notes(charted: Sequence[Charted]) -> Iterator[dict[str, str]]:
    for one in charted:
        signals = f"{one.signals} of {len(one.starts)} points signal, limits from {one.settings.points} points"
        evidence = f"{signals}; as many by chance: p = {one.chance:.2g}"
        if one.baseline is not None and not one.baseline.stable:
            yield {"text": f"{one.label} has no stable level to take limits from", "evidence": signals, "tone": "bad"}
        elif one.chance < _SURE:
            yield {"text": f"{one.label} is out of control", "evidence": evidence, "tone": "warn"}
        else:
            yield {"text": f"{one.label} is in control", "evidence": evidence, "tone": "good"}
