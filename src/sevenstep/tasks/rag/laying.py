"""What plans of passages and of answers share: the metrics, the situation, how documents are laid out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sevenstep.data.dataset import Dataset
from sevenstep.endpoints.endpoint import Endpoint
from sevenstep.spec.brief import Brief
from sevenstep.spec.design import Between, Try
from sevenstep.tasks.contract import Range
from sevenstep.tasks.leading import target_of
from sevenstep.tasks.rag.candidates import Entry, Situation
from sevenstep.tasks.rag.judged import judged_by_question
from sevenstep.tasks.rag.retrieval.calling import called
from sevenstep.tasks.rag.retrieval.embedding import checksum_of
from sevenstep.tasks.rag.section import Embeddings

__all__ = ["given", "laid_out", "metrics_of", "situation_of", "stage_of"]

LAYOUT = ("size", "overlap", "tokenizer", "second", "latent", "sentences", "embedding")


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


def laid_out(recipe: Mapping[str, Any], brief: Brief, entry: Entry) -> tuple[dict[str, Any], dict[str, Range]]:
    """Chunk size and overlap: as the spec says, or as the data do; and what of them, and of the tokenizer, to search."""
    sizes = list(recipe["chunk"]["sizes"])
    told = given(brief)
    layout = {"size": sizes[len(sizes) // 2], "overlap": float(recipe["chunk"]["overlap"])}
    layout |= {name: _first(value) for name, value in told.items() if value is not None and name in layout}
    if entry.baseline:
        return layout, {}
    space = {"size": Range(choices=tuple(sizes))} if len(sizes) > 1 and told["size"] is None else {}
    return layout, space | {name: _range(value) for name, value in told.items() if isinstance(value, (Try, Between))}


def given(brief: Brief) -> dict[str, Any]:
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
