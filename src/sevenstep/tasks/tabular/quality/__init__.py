"""Quality tools for a table of items: control charts, run rules, capability and ranked causes of a defect."""

from sevenstep.tasks.tabular.quality.showing import quality_blocks
from sevenstep.tasks.tabular.quality.study import QualityStudy, study_quality
from sevenstep.tasks.tabular.quality.watch import watch_blocks

__all__ = ["QualityStudy", "quality_blocks", "study_quality", "watch_blocks"]
