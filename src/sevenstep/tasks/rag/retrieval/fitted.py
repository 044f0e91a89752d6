"""A way to find passages with what was learnt for it on a fold's questions: settings, and a ranker where there is one.

It holds no index. It is put to an index of its layout, of the documents it was learnt with or of others.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sevenstep.tasks.rag.retrieval.finder import Finder
from sevenstep.tasks.rag.retrieval.index import CorpusIndex
from sevenstep.tasks.rag.retrieval.layout import Layout
from sevenstep.tasks.rag.retrieval.ranker import Ranker
from sevenstep.tasks.rag.retrieval.settings import Settings

__all__ = ["FittedRetriever"]


@dataclass(frozen=True)
class FittedRetriever:
    """Layout, settings and ranker; saved as JSON."""

    layout: Layout
    settings: Settings
    ranker: Ranker | None = None

    def on(self, index: CorpusIndex) -> Finder:
        """Put it to an index of its layout."""
        return Finder(index, self.settings, self.ranker)

    def save(self, folder: Path) -> None:
        """Write ``retriever.json`` into ``folder``."""
        weights = None if self.ranker is None else self.ranker.weights.tolist()
        about = {"layout": self.layout.to_json(), "settings": self.settings.to_json(), "ranker": weights}
        (folder / "retriever.json").write_text(json.dumps(about, indent=1), encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> FittedRetriever:
        """Read back what `save` wrote."""
        about = json.loads((folder / "retriever.json").read_text(encoding="utf-8"))
        ranker = None if about["ranker"] is None else Ranker(np.array(about["ranker"], dtype=np.float64))
        return cls(Layout.of(about["layout"]), Settings.of(about["settings"]), ranker)
