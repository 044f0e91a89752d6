"""Quality tools for a table of items: control charts, run rules, capability by tolerances, and ranked causes."""

from sevenstep.tasks.tabular.quality.showing import quality_findings
from sevenstep.tasks.tabular.quality.study import QualityStudy, study_quality
from sevenstep.tasks.tabular.quality.watch import watch_blocks

__all__ = ["QualityStudy", "quality_findings", "study_quality", "watch_blocks"]
