"""Predictions of a release, for rows a person gives or for those that wait."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Protocol, cast, runtime_checkable

import polars as pl

from sevenstep.data.documents.given import given_documents, given_questions
from sevenstep.data.intake import Intake, intake
from sevenstep.data.pictures import paths_named
from sevenstep.endpoints.keeping import keep_calls
from sevenstep.errors import InputError
from sevenstep.live.releases import Release, serving
from sevenstep.spec.model import Spec
from sevenstep.spec.sources import Data
from sevenstep.tasks.answers import Answer, Answers
from sevenstep.tasks.contract import Explanation, Model, Task

__all__ = ["Served", "ask", "explain", "flat", "load_answering", "load_serving", "predict", "write_predictions"]

_WRITERS = {".csv": "write_csv", ".parquet": "write_parquet", ".jsonl": "write_ndjson", ".xlsx": "write_excel"}


@runtime_checkable
class PredictsSums(Protocol):
    """A model that predicts, where it was asked to, the sums of what it predicts."""

    def predict_sums(self, rows: pl.DataFrame) -> pl.DataFrame:
        """Predictions for ``rows``, then those of the sums they are part of."""
        ...


@dataclass(frozen=True)
class Served:
    """Predictions with the number of the release they are of."""

    frame: pl.DataFrame
    release: int


def load_serving(store: Path, task: Task, overrides: Sequence[str] = ()) -> tuple[Release, Model]:
    """The release that serves a project with these overrides, every file of its model checked, and the model.

    What it calls behind an address is written down in the store from now on.

    Raises:
        InputError: nothing was released, or the release is damaged or gone.
    """
    release = serving(store, overrides).verified()
    keep_calls(store, f"release {release.number}")
    return release, task.load_model(release.model_folder)


def load_answering(
    spec: Spec, store: Path, task: Task, overrides: Sequence[str] = (), documents: Path | None = None
) -> tuple[Release, Answers]:
    """The release that serves, as a model that answers questions; from the documents given, where some are.

    Raises:
        InputError: as `load_serving` does; ``ASK-NONE``, the model answers no questions.
    """
    release, model = load_serving(store, task, overrides)
    return release, _answering(spec, model, documents)


def _answering(spec: Spec, model: Model, documents: Path | None) -> Answers:
    if isinstance(model, Answers) and documents is not None:
        corpus = given_documents(spec.data, documents)
        model = model.with_documents(corpus.documents, corpus.parts)
    if not isinstance(model, Answers):
        rule = "questions are answered by a model that finds them in documents"
        raise InputError("ASK-NONE", f"task {spec.task} answers no questions", rule, "use sevenstep predict without --documents")
    return model


def ask(
    spec: Spec, store: Path, task: Task, question: str, overrides: Sequence[str] = (), documents: Path | None = None,
    access: Sequence[str] | None = None,
) -> Iterator[str | Answer]:  # fmt: skip
    """The answer of the release that serves: parts of its text as they are written, then the whole of it.

    Args:
        spec: the project file.
        store: folder of the store.
        task: of the spec.
        question: what is asked.
        overrides: as `predict` takes them.
        documents: another corpus to answer from.
        access: tags of documents that are looked into beside those without any; everything when None.

    Raises InputError as `load_answering` does.
    """
    return load_answering(spec, store, task, overrides, documents)[1].streamed(question, access)


def predict(
    spec: Spec, store: Path, task: Task, rows: Path | None = None, overrides: Sequence[str] = (), documents: Path | None = None
) -> Served:
    """Predictions of the release that serves.

    Args:
        spec: the project file; its sources are joined to the given rows as they were in training.
        store: folder of the store.
        task: of the spec.
        rows: a file with rows to be predicted, in any format a source may have, or a folder of pictures, a row for each in the
            order of their paths; without it, the rows whose target is missing.
        overrides: what ``--set`` changed in the spec; a release made with the same serves before the champion.
        documents: another corpus that questions are answered from.

    Raises:
        InputError: there is no sound release, or the rows lack what the model must know.
    """
    release, model = load_serving(store, task, overrides)
    if isinstance(model, Answers) or documents is not None:
        return Served(_answers(spec, _answering(spec, model, documents), rows), release.number)
    if rows is None:
        return Served(model.predict(), release.number)
    given = typed_rows(spec, rows, model, one_row_per_time=task.grammar.one_row_per_time)
    made = model.predict_sums(given) if isinstance(model, PredictsSums) else model.predict(given)
    return Served(paths_named(made), release.number)


def _answers(spec: Spec, model: Answers, rows: Path | None) -> pl.DataFrame:
    """Answers as people read them: a row a question, with what each answer rests on."""
    made = cast(Model, model).predict(None if rows is None else given_questions(spec.data, rows))
    return made.rename({"question_id": "id", "prediction": "answer"})


def typed_rows(spec: Spec, rows: Path, model: Model, *, one_row_per_time: bool) -> pl.DataFrame:
    """The rows of a file or of a folder of pictures, taken in as the main source is: typed, and joined with the other sources
    where the file lacks their columns; where keys and time name a row, ``one_row_per_time``, a second row of the same is a
    duplicate.
    """
    if not rows.exists():
        rule = "--input names a file with the rows to be predicted, or a folder of pictures"
        raise InputError("PREDICT-NO-FILE", f"{rows} is not there", rule, "check the path")
    path, data = str(rows.resolve()), _with_image(spec.data, model)
    own = intake(data.with_rows_from(path, joined=False), spec.base, (), one_row_per_time=one_row_per_time, given=True)
    _all_usable(own, rows, model)
    if all(name in own.items.columns for name in model.input_schema()):
        return own.items
    joined = data.with_rows_from(path, joined=True)
    return intake(joined, spec.base, (), one_row_per_time=one_row_per_time, given=True).items


def _with_image(data: Data, model: Model) -> Data:
    """The section with the column of pictures named, where training knew it by its bytes: rows to be predicted may hold paths."""
    held = [name for name, kind in model.input_schema().items() if kind == str(pl.Binary)]
    return data.model_copy(update={"image": held[0]}) if data.image is None and len(held) == 1 else data


def _all_usable(taken: Intake, rows: Path, model: Model) -> None:
    """Training sets a bad row aside and goes on; whoever asks for predictions must not get fewer, or others, without a word."""
    needed = model.input_schema()
    faults = [f"row {row['row']} of '{rows.name}' cannot be used, {row['reason']}" for row in taken.quarantine.to_dicts()]
    for entry in taken.record:
        if entry["what"] == "converted" and entry["rows"] and entry["column"] in needed:
            faults.append(f"in '{rows.name}', {entry['text']}")
    if faults:
        rule, fix = "every row given is predicted from what it says", "mend the row, or take it out of the file"
        raise InputError("PREDICT-ROW", faults[0], rule, fix)


def explain(store: Path, task: Task, item: Mapping[str, Any], overrides: Sequence[str] = ()) -> Sequence[Explanation]:
    """What drove the prediction of one item by the release that serves."""
    return load_serving(store, task, overrides)[1].explain(item)


def write_predictions(frame: pl.DataFrame, output: Path) -> None:
    """Write predictions in the format of the file's ending, whole or not at all."""
    writer = _WRITERS.get(output.suffix.lower())
    if writer is None:
        rule = f"predictions are written as {', '.join(_WRITERS)}"
        raise InputError(
            "PREDICT-FORMAT", f"'{output.name}' ends in '{output.suffix}'", rule, "name the file with one of these endings"
        )
    if writer == "write_excel" and find_spec("xlsxwriter") is None:
        rule = "Excel files are written with the package xlsxwriter, which is not part of the core install"
        raise InputError("PREDICT-EXCEL", f"'{output.name}' is an Excel file", rule, "pip install xlsxwriter, or write .csv")
    if not output.parent.is_dir():
        raise InputError(
            "PREDICT-FOLDER", f"{output.parent} is not there", "predictions go into a folder that exists", "make it first"
        )
    draft = output.with_name(f".{output.name}.partial")
    getattr(frame if output.suffix.lower() in (".parquet", ".jsonl") else flat(frame), writer)(draft)
    draft.replace(output)


def flat(frame: pl.DataFrame) -> pl.DataFrame:
    """The frame with lists and structures as JSON text, for formats whose cells hold single values."""
    nested = [name for name, kind in frame.schema.items() if kind.is_nested()]
    texts = [pl.Series(name, [None if one is None else json.dumps(one, ensure_ascii=False) for one in frame[name].to_list()])
             for name in nested]  # fmt: skip
    return frame.with_columns(texts)
