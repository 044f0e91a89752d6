"""Runs the model of an embedding with ONNX Runtime, which a person installs by the extra ``embedding``.

Everything that can be wrong with a model is told when it is opened, before any work: it is tried on a plain picture.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sevenstep.data.embedding.files import PREPROCESSING, EmbeddingFiles
from sevenstep.data.embedding.preprocessing import Preprocessing, Stated, read_stated, resolve
from sevenstep.data.naming import did_you_mean, listed
from sevenstep.data.pictures import UnreadablePicture
from sevenstep.errors import InputError

__all__ = ["Embedder", "open_embedder"]

_THREADS = 2  # fixed: sums in another order differ in their last digits
_AT_ONCE = 8  # always, the last ones filled up: another number at once may differ in its last digits
_MOST_NUMBERS = 8_192
_SECONDS_PER_GIGABYTE = 0.6  # of weights, for a picture of 224 x 224 pixels: what networks of photographs take, roughly
_NUMBERS = ("tensor(float)", "tensor(float16)", "tensor(double)")

_opened: dict[str, Embedder] = {}


@dataclass(frozen=True)
class Embedder:
    """A model that was opened.

    Args:
        session: ONNX Runtime's.
        input: name of its input.
        output: name of the output that is the embedding.
        preprocessing: how a picture becomes its input.
        batch: pictures it takes at once; None where any number.
        width: numbers of an embedding.
        seconds: planned for one picture on one core.
        checksum: of its files.
    """

    session: Any
    input: str
    output: str
    preprocessing: Preprocessing
    batch: int | None
    width: int
    seconds: float
    checksum: str

    def vectors(self, contents: Sequence[bytes]) -> NDArray[np.float32]:
        """The embeddings of pictures ``[n, width]``; NaN where a picture cannot be read.

        An output with places (``[n, place, number]``, or a map over the picture) is reduced to the mean over them.

        Args:
            contents: bytes of picture files.
        """
        found = np.full((len(contents), self.width), np.nan, dtype=np.float32)
        size = self.batch or _AT_ONCE
        for start in range(0, len(contents), size):
            places, shown = self._shown(contents[start : start + size], start)
            if places:
                found[places] = self._run(np.stack(shown))[: len(places)]
        return found

    def _shown(self, contents: Sequence[bytes], start: int) -> tuple[list[int], list[NDArray[np.generic]]]:
        """Those that can be read, with their places, filled up to as many as the model is given at once."""
        places, shown = [], []
        for place, content in enumerate(contents, start=start):
            try:
                shown.append(self.preprocessing.prepared(content))
            except UnreadablePicture:
                continue
            places.append(place)
        if places:
            shown += [shown[-1]] * ((self.batch or _AT_ONCE) - len(shown))
        return places, shown

    def _run(self, shown: NDArray[Any]) -> NDArray[np.float32]:
        (made,) = self.session.run([self.output], {self.input: shown})
        vectors = _pooled(np.asarray(made, dtype=np.float32), self.preprocessing.layout)
        return np.where(np.isfinite(vectors), vectors, np.float32(np.nan))

    def sentence(self) -> str:
        """What it does, in words."""
        return f"{self.width:,} numbers of output '{self.output}'; pictures read as {self.preprocessing.sentence()}"


def _pooled(made: NDArray[np.float32], layout: str) -> NDArray[np.float32]:
    """``[n, number]`` from the output of a model, whatever places it has."""
    if made.ndim == 4:
        return np.asarray(made.mean(axis=(2, 3) if layout == "nchw" else (1, 2)))
    return np.asarray(made.mean(axis=1)) if made.ndim == 3 else made


def open_embedder(files: EmbeddingFiles) -> Embedder:
    """Open a model; one that was opened before in this process is not opened again.

    Raises:
        InputError: ``EMBEDDING-EXTRA``, ONNX Runtime is not installed; ``EMBEDDING-MODEL``, the file is no model or cannot
            be run; ``EMBEDDING-INPUT`` or ``EMBEDDING-OUTPUT``, it does not turn pictures into numbers;
            ``EMBEDDING-PREPROCESSING``, the file beside it is at fault.
    """
    if files.checksum not in _opened:
        _opened[files.checksum] = _open(files)
    return _opened[files.checksum]


def _open(files: EmbeddingFiles) -> Embedder:
    stated = read_stated(files.contents.get(PREPROCESSING))
    session = _session(files)
    (given,) = _one_input(session)
    preprocessing = resolve(given.shape, given.type, stated)
    batch = given.shape[0] if isinstance(given.shape[0], int) and given.shape[0] > 0 else None
    output = _output(session, stated)
    width = _tried(session, files.model, given.name, output, preprocessing, batch)
    size = sum(map(len, files.contents.values())) / 1e9
    seconds = _SECONDS_PER_GIGABYTE * size * preprocessing.height * preprocessing.width / 224**2
    return Embedder(session, given.name, output, preprocessing, batch, width, seconds, files.checksum)


def _runtime() -> Any:
    if not find_spec("onnxruntime"):
        given, rule = "data.embedding names an ONNX model", "running one needs ONNX Runtime, which is not installed"
        raise InputError("EMBEDDING-EXTRA", given, rule, "pip install 'sevenstep[embedding]', or take data.embedding out")
    return import_module("onnxruntime")


@contextmanager
def _told(model: str, folder: str = "") -> Iterator[None]:
    """What ONNX Runtime raises, as a sentence without the folder of a copy; its errors have no common base of their own."""
    state = import_module("onnxruntime.capi.onnxruntime_pybind11_state")
    known = [kind for kind in vars(state).values() if isinstance(kind, type) and issubclass(kind, Exception)]
    faults: tuple[type[Exception], ...] = (*known, RuntimeError, ValueError)
    try:
        yield
    except faults as error:
        reason = " ".join(str(error).replace(folder, "").split()).rstrip(".;")
        rule = "data.embedding holds a model that ONNX Runtime can run"
        given = f"'{model}' cannot be run ({reason if len(reason) <= 200 else reason[:199] + '…'})"
        raise InputError("EMBEDDING-MODEL", given, rule, "export it again, with its weights in the same folder") from error


def _session(files: EmbeddingFiles) -> Any:
    """A session on a copy of the files in a folder of its own: weights beside a model are found by their place."""
    runtime = _runtime()
    options = runtime.SessionOptions()
    options.intra_op_num_threads = _THREADS
    options.inter_op_num_threads = 1
    options.log_severity_level = 4
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder, _told(files.model, f"{folder}{os.sep}"):
        files.save(Path(folder))
        return runtime.InferenceSession(str(Path(folder) / files.model), options, providers=["CPUExecutionProvider"])


def _one_input(session: Any) -> Sequence[Any]:
    inputs: Sequence[Any] = session.get_inputs()
    if len(inputs) != 1:
        given = f"the model of data.embedding has {len(inputs)} inputs: {listed(one.name for one in inputs)}"
        raise InputError("EMBEDDING-INPUT", given, "it takes pictures alone", "export the image encoder by itself")
    return inputs


def _output(session: Any, stated: Stated) -> str:
    """The output that is the embedding: the stated one, else the first with a row of numbers a picture, else the first."""
    outputs = {one.name: one for one in session.get_outputs()}
    if stated.output is not None and stated.output not in outputs:
        rule = f"the model of data.embedding gives {listed(outputs)}"
        fix = did_you_mean(stated.output, outputs)
        raise InputError("EMBEDDING-OUTPUT", f"{PREPROCESSING} names the output '{stated.output}'", rule, fix)
    asked = [outputs[stated.output]] if stated.output is not None else list(outputs.values())
    for one in asked:
        if one.type not in _NUMBERS:
            what = "text" if one.type == "tensor(string)" else one.type
            given = f"the output '{one.name}' of the model of data.embedding is {what}"
            fix = f"export the encoder without it, or name the output in {PREPROCESSING}"
            raise InputError("EMBEDDING-OUTPUT", given, "an embedding is numbers with a decimal point", fix)
    return str(next((one.name for one in asked if len(one.shape) == 2), asked[0].name))


def _tried(session: Any, model: str, name: str, output: str, preprocessing: Preprocessing, batch: int | None) -> int:
    """Run the model on plain pictures: the number of numbers it gives for each."""
    channels = 1 if preprocessing.colour == "grey" else 3
    plain = preprocessing.values(np.full((preprocessing.height, preprocessing.width, channels), 127, dtype=np.uint8))
    count = batch or _AT_ONCE
    with _told(model):
        (made,) = session.run([output], {name: np.stack([plain] * count)})
    shape = np.shape(made)
    width = _pooled(np.zeros(shape, dtype=np.float32), preprocessing.layout).shape[-1] if 2 <= len(shape) <= 4 else 0
    if not width or shape[0] != count or width > _MOST_NUMBERS:
        given = f"the output '{output}' of the model of data.embedding has the shape {list(shape)} for {count} pictures"
        rule = f"an embedding is a row of at most {_MOST_NUMBERS:,} numbers for each picture"
        raise InputError("EMBEDDING-OUTPUT", given, rule, f"export the encoder's last features, or name them in {PREPROCESSING}")
    return int(width)
