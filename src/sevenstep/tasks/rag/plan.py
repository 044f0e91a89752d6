"""Step 4: candidates with reasons, folds, and what the time budget carries, for each target the KPIs imply."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sevenstep.chapter import Block, Column, Table
from sevenstep.data.dataset import Dataset
from sevenstep.endpoints.endpoint import Endpoint
from sevenstep.spec.brief import Brief
from sevenstep.spec.design import Between, Try
from sevenstep.tasks.contract import Candidate, Fold, Plan, Range
from sevenstep.tasks.leading import target_of
from sevenstep.tasks.planning import CORES
from sevenstep.tasks.rag.candidates import MENU_NAMES, PARAMETERS, TOKENIZERS_TRIED, Entry, Situation, catalog_of
from sevenstep.tasks.rag.folds import plan_folds
from sevenstep.tasks.rag.grammar import PASSAGES
from sevenstep.tasks.rag.judged import judged_by_question
from sevenstep.tasks.rag.retrieval.calling import called
from sevenstep.tasks.rag.retrieval.embedding import checksum_of
from sevenstep.tasks.rag.section import Embeddings
from sevenstep.tasks.rag.text.tokens import TOKENIZERS
from sevenstep.tasks.wanted import Menu, wanted

__all__ = ["laid_out", "make_plan", "metrics_of", "situation_of", "stage_of"]

CV_SHARE = 0.36  # of the time budget for comparing candidates; the search, the final fit and the other steps take the rest
USUAL_CHUNKS = 5_000
"""Chunks the seconds of the catalogue are for."""
LAYOUT = ("size", "overlap", "tokenizer", "second", "latent", "sentences", "embedding")

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


def metrics_of(brief: Brief, target: str) -> list[str]:
    """Metrics of a target's KPIs, the leading one first."""
    return list(dict.fromkeys(kpi.metric for kpi in brief.kpis if target_of(kpi, brief.targets) == target))


def situation_of(data: Dataset, recipe: Mapping[str, Any], brief: Brief) -> Situation:
    """What speaks for or against candidates."""
    retrieve = brief.section.retrieve
    tokenizer = _first(retrieve.tokenizer) or recipe["tokenizer"]["value"]
    judged = sum(bool(own) for own in judged_by_question(data))
    language, documents = str(data.facts["language"]["value"]), data.tables["documents"].height
    return Situation(language, str(tokenizer), documents, judged, _embedding(retrieve.embedding), retrieve.reranker or "")


def _embedding(asked: str | Embeddings | None) -> str:
    """What a layout calls the embedding the spec names."""
    if asked is None or isinstance(asked, str):
        return asked or ""
    key = asked.key.env if asked.key else ""
    endpoint = Endpoint(asked.endpoint, key, asked.price.input, asked.price.output, asked.timeout.seconds)
    return called(endpoint, asked.name, asked.batch)


def stage_of(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """The index a candidate with these parameters is put to."""
    layout = {name: parameters[name] for name in LAYOUT if name in parameters}
    folder = str(layout.get("embedding", ""))
    weights = {"weights": checksum_of(folder)} if folder and not folder.startswith("{") else {}
    return {"kind": "index", **layout, **weights}


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
    given = _given(brief)
    if given["tokenizer"] is None and not entry.baseline and "tokenizer" in PARAMETERS[entry.family]:
        tried = (parameters["tokenizer"], *TOKENIZERS_TRIED[str(data.facts["language"]["value"])])
        space["tokenizer"] = Range(choices=tuple(dict.fromkeys(tried)))
    asked_for = any(isinstance(value, (Try, Between)) for value in given.values())
    chunks = _chunks(data, int(parameters["size"]))
    # A ranker is learnt from the other folds' questions, which are looked up too.
    looked_up = questions * (brief.design.folds or 5 if parameters.get("ranked") else 1)
    cost = round(0.5 + looked_up * entry.seconds * max(chunks / USUAL_CHUNKS, 0.2), 3)
    return Candidate(
        entry.name, entry.family, PASSAGES, entry.reason, parameters, {**entry.space, **space}, stage_of(parameters), cost,
        entry.baseline, entry.asked, entry.searched or (asked_for and not entry.baseline),
    )  # fmt: skip


def laid_out(recipe: Mapping[str, Any], brief: Brief, entry: Entry) -> tuple[dict[str, Any], dict[str, Range]]:
    """Chunk size and overlap: as the spec says, or as the data do; and what of them, and of the tokenizer, to search."""
    sizes = list(recipe["chunk"]["sizes"])
    given = _given(brief)
    layout = {"size": sizes[len(sizes) // 2], "overlap": float(recipe["chunk"]["overlap"])}
    layout |= {name: _first(value) for name, value in given.items() if value is not None and name in layout}
    if entry.baseline:
        return layout, {}
    space = {"size": Range(choices=tuple(sizes))} if len(sizes) > 1 and given["size"] is None else {}
    return layout, space | {name: _range(value) for name, value in given.items() if isinstance(value, (Try, Between))}


def _given(brief: Brief) -> dict[str, Any]:
    """What the spec says of the layout; a value, a search, or None."""
    chunk, retrieve = brief.section.chunk, brief.section.retrieve
    return {"size": chunk.size, "overlap": chunk.overlap, "tokenizer": retrieve.tokenizer}


def _range(value: Try | Between) -> Range:
    return Range(choices=tuple(value.values)) if isinstance(value, Try) else Range(*value.range, value.log, value.integer)


def _first(value: Any) -> Any:
    """The value a search starts from, or the value itself."""
    if isinstance(value, Try):
        return value.values[0]
    return value.range[0] if isinstance(value, Between) else value


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
