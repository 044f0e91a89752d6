"""Step 3, prepare: what is in the data, and how will it be prepared?"""

from __future__ import annotations

from collections.abc import Mapping

from sevenstep.chapter import Chapter, Notes
from sevenstep.data.dataset import Dataset
from sevenstep.spec.brief import Brief
from sevenstep.tasks.contract import Profile, Task
from sevenstep.wording import counted
from sevenstep.work import Artifact, Leaves, Workbench

__all__ = ["run"]


def run(brief: Brief, inputs: Mapping[str, Artifact], task: Task, bench: Workbench) -> Leaves:
    """The profile: facts for the plan, the insights that matter in order of weight, and the preprocessing recipe."""
    bench.say("exploring the data")
    profile = task.explore(Dataset.load(inputs["collect"].folder("dataset")), brief)
    return Leaves(
        json={"profile": dict(profile.facts), "recipe": dict(profile.recipe)},
        headline=_headline(profile),
        chapter=_chapter(profile),
    )


def _headline(profile: Profile) -> str:
    if not profile.insights:
        return "nothing stands out"
    first = max(profile.insights, key=lambda insight: insight.weight)
    return f"{counted(len(profile.insights), 'insight')}; first: {first.text}"


def _chapter(profile: Profile) -> Chapter:
    ranked = sorted(profile.insights, key=lambda insight: -insight.weight)
    answer = " ".join(insight.text.rstrip(".") + "." for insight in ranked[:2]) or "Nothing in the data stands out."
    notes = Notes(
        "What matters, in order",
        [{"text": insight.text, "evidence": insight.evidence, "tone": insight.tone} for insight in ranked],
    )
    return Chapter("prepare", "Prepare", answer, "", [notes, *profile.blocks])
