"""The pictures that were seen wrongly, the surest mistakes first: the place to look for wrong labels and odd shots."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator

import numpy as np

from sevenstep.chapter import Block, Gallery
from sevenstep.data.dataset import Dataset
from sevenstep.tasks.tabular.pictures.decisions import Decisions
from sevenstep.wording import roughly

__all__ = ["thumbnail", "wrongly_seen"]

_MOST, _SIDE, _QUALITY = 24, 112, 72


def wrongly_seen(decisions: Decisions, data: Dataset) -> Iterator[Block]:
    """Thumbnails of wrongly decided rows that have a picture; none where all were right or there are no pictures."""
    column = next((name for name, kind in decisions.problem.kinds.items() if kind == "picture"), None)
    if column is None:
        return
    wrong = np.flatnonzero(decisions.wrong)
    ordered = wrong[np.argsort(-decisions.confidence[wrong], kind="stable")]
    items: list[dict[str, str]] = []
    for place in ordered[: 2 * _MOST]:
        row = int(decisions.row[place])
        image = thumbnail(data.items[column][row])
        if image and len(items) < _MOST:
            true, said = (decisions.classes[code[place]] for code in (decisions.truth, decisions.decided))
            sure = f"{roughly(decisions.confidence[place])} sure, row {row + 1:,}"
            items.append({"image": image, "text": f"{true}, seen as {said}", "detail": sure})
    if items:
        caption = f"{len(wrong):,} of {len(decisions.truth):,} were seen wrongly; the surest mistakes first. Rows count from 1."
        yield Gallery("Seen wrongly", items, caption)


def thumbnail(content: bytes | None) -> str:
    """A small JPEG of a picture as a data address; empty where it cannot be read."""
    from sevenstep.data.pictures import UnreadablePicture, open_picture  # late: loads an image library

    if content is None:
        return ""
    try:
        image = open_picture(content, about=_SIDE)
    except UnreadablePicture:
        return ""
    image.thumbnail((_SIDE, _SIDE))
    written = io.BytesIO()
    image.save(written, "JPEG", quality=_QUALITY)
    return "data:image/jpeg;base64," + base64.b64encode(written.getvalue()).decode("ascii")
