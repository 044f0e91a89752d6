"""Step 4: candidates with reasons, folds, and what the time budget carries, for each target the KPIs imply."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sevenstep.chapter import Block, Column, Table
from sevenstep.data.dataset import Dataset
from sevenstep.spec.brief import Brief
from sevenstep.spec.design import Between, Try
from sevenstep.tasks.contract import Candidate, Fold, Plan, Range
from sevenstep.tasks.planning import CORES
from sevenstep.tasks.rag.candidates import MENU_NAMES, PARAMETERS, TOKENIZERS_TRIED, Entry, catalog_of
from sevenstep.tasks.rag.folds import plan_folds
from sevenstep.tasks.rag.grammar import PASSAGES
from sevenstep.tasks.rag.laying import given, laid_out, metrics_of, situation_of, stage_of
from sevenstep.tasks.rag.text.tokens import TOKENIZERS
from sevenstep.tasks.wanted import Menu, wanted

__all__ = ["make_plan"]

CV_SHARE = 0.36  # of the time budget for comparing candidates; the search, the final fit and the other steps take the rest
USUAL_CHUNKS = 5_000
"""Chunks the seconds of the catalogue are for."""

_MENU = Menu(
    "finding passages", "RAG", MENU_NAMES, PARAMETERS, {"tokenizer": TOKENIZERS},
    dict.fromkeys(("b", "title", "mix", "dense", "feedback", "feedback_weight", "size", "overlap"), "number or 0"),
)  # fmt: skip


def make_plan(data: Dataset, recipe: Mapping[str, Any], brief: Brief) -> Plan:
    """Candidates, folds, and the reasons for both."""
    folds, everything, reason = plan_folds(data, brief.design.folds, brief.seed)
    candidates: list[Candidate] = []
    notes: list[str] = []
    for target in brief.targets:
        if target == PASSAGES:
            own, told = _passages(data, recipe, brief, len(folds))
        else:
            from sevenstep.tasks.rag.answering.plan import answer_candidates  # late: only where answers are asked for

            own, told = answer_candidates(data, recipe, brief, folds)
        candidates += own
        notes += told
    return Plan(candidates, folds, everything, reason, notes, [_table(candidates, folds)])


def _passages(data: Dataset, recipe: Mapping[str, Any], brief: Brief, folds: int) -> tuple[list[Candidate], list[str]]:
    situation = situation_of(data, recipe, brief)
    catalog = catalog_of(situation)
    entries = wanted(_MENU, brief, PASSAGES, catalog, lambda entry: entry.fits(situation))
    seconds = CV_SHARE * brief.budget * CORES / folds
    questions = data.items.height / folds
    spent, chosen, notes = 0.0, [], []
    for entry in entries:
        candidate = _candidate(entry, data, recipe, brief, questions)
        if not entry.baseline and not entry.asked and spent + candidate.cost > seconds:
            left = max(seconds - spent, 0.0)
            notes.append(
                f"{entry.name} takes about {candidate.cost:.0f} s a fold, and {left:.0f} s of it are left: it is left out"
            )
            continue
        spent += candidate.cost
        chosen.append(candidate)
    return chosen, notes


def _candidate(entry: Entry, data: Dataset, recipe: Mapping[str, Any], brief: Brief, questions: float) -> Candidate:
    layout, space = laid_out(recipe, brief, entry)
    parameters = {**layout, **entry.parameters, "metrics": metrics_of(brief, PASSAGES)}
    told = given(brief)
    if told["tokenizer"] is None and not entry.baseline and "tokenizer" in PARAMETERS[entry.family]:
        tried = (parameters["tokenizer"], *TOKENIZERS_TRIED[str(data.facts["language"]["value"])])
        space["tokenizer"] = Range(choices=tuple(dict.fromkeys(tried)))
    asked_for = any(isinstance(value, (Try, Between)) for value in told.values())
    chunks = _chunks(data, int(parameters["size"]))
    # A ranker is learnt from the other folds' questions, which are looked up too.
    looked_up = questions * (brief.design.folds or 5 if parameters.get("ranked") else 1)
    cost = round(0.5 + looked_up * entry.seconds * max(chunks / USUAL_CHUNKS, 0.2), 3)
    return Candidate(
        entry.name, entry.family, PASSAGES, entry.reason, parameters, {**entry.space, **space}, stage_of(parameters), cost,
        entry.baseline, entry.asked, entry.searched or (asked_for and not entry.baseline),
    )  # fmt: skip


def _chunks(data: Dataset, size: int) -> float:
    """About how many chunks documents are cut into."""
    lengths = data.tables["documents"]["text"].str.len_chars()
    return float(len(lengths)) if size == 0 else float((lengths / size).ceil().clip(1).sum())


def _table(candidates: Sequence[Candidate], folds: Sequence[Fold]) -> Block:
    several = len({candidate.target for candidate in candidates}) > 1
    rows = [
        {"name": item.name, "target": item.target, "family": item.family, "reason": item.reason, "cost": item.cost * len(folds)}
        for item in candidates
    ]
    target = [Column("target", "For")] if several else []
    columns = [
        Column("name", "Candidate"), *target, Column("family", "Family"), Column("reason", "Why"),
        Column("cost", "Planned", "seconds"),
    ]  # fmt: skip
    return Table("Candidates", columns, rows, "Planned seconds are for one core, over all folds.")
