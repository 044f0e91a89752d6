"""The ``data`` section: where the rows come from, how tables join, and what their columns mean."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Discriminator, Field, Tag

from sevenstep.errors import InputError
from sevenstep.spec.documents import Documents, Judgements, Questions
from sevenstep.spec.fields import Closed, Name, Names, Number, SomeNames, Texts, fault
from sevenstep.spec.problems import did_you_mean

__all__ = ["READING_KEYS", "TASK_KEYS", "Data", "Format", "FromEnvironment", "Limits", "Source", "TimeParts", "Tolerance"]

Format = Literal["csv", "tsv", "parquet", "json", "jsonl", "excel", "arrow", "squad"]
ColumnType = Literal["text", "integer", "number", "date", "datetime", "boolean"]

TASK_KEYS = (
    "time", "series", "segments", "groups", "image", "embedding", "tolerances",
    "documents", "questions", "judgements", "golden", "language",
)  # fmt: skip
"""Keys of ``data`` that only some tasks understand; a task's grammar says which of them are its own."""

READING_KEYS = ("format", "delimiter", "encoding", "sheet", "query")
"""Keys that say how the one ``source`` is read; with ``sources`` they belong to each source."""


class FromEnvironment(Closed):
    """A secret: the name of the environment variable that holds it. The value is never stored, hashed or shown."""

    env: str = Field(
        pattern=r"^[A-Za-z_][A-Za-z0-9_]*$", description="environment variable that holds the value", examples=["DATABASE_URL"]
    )

    def read(self) -> str:
        """The value; raises `InputError` when the variable is not set."""
        value = os.environ.get(self.env)
        if value is None:
            given, rule = f"environment variable '{self.env}' is not set", "the spec reads a secret from it"
            raise InputError("SPEC-ENV-MISSING", given, rule, f"set it before the run: export {self.env}=...")
        return value

    def __str__(self) -> str:
        return f"env:{self.env}"


def _secret_or_text(value: Any) -> str:
    return "<secret>" if isinstance(value, (Mapping, FromEnvironment)) else "<text>"


def _joined(value: Any) -> Any:
    names = [value] if isinstance(value, str) else value
    return {name: name for name in names} if _all_text(names) else names


def _all_text(names: Any) -> bool:
    return isinstance(names, list) and all(isinstance(name, str) for name in names)


def _known_zone(zone: str) -> str:
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

    try:
        ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        fix = did_you_mean(zone, sorted(available_timezones()), "for example Europe/Berlin or Asia/Seoul")
        raise fault("SPEC-TIMEZONE", "a time zone is a name from the IANA time zone database", fix) from None
    return zone


SecretOr = Annotated[Annotated[Name, Tag("<text>")] | Annotated[FromEnvironment, Tag("<secret>")], Discriminator(_secret_or_text)]
SecretOrNames = Annotated[
    Annotated[SomeNames, Tag("<text>")] | Annotated[FromEnvironment, Tag("<secret>")], Discriminator(_secret_or_text)
]
JoinColumns = Annotated[dict[Name, Name], BeforeValidator(_joined, json_schema_input_type=str | list[str] | dict[str, str])]


FileFormat = Annotated[Format | None, Field(description="file format; told from the file name when not given")]
Delimiter = Annotated[str | None, Field(min_length=1, max_length=1, description="character between the fields of a text table")]
Encoding = Annotated[Name | None, Field(description="text encoding, such as utf-8, cp949 or latin-1")]
Sheet = Annotated[Name | None, Field(description="sheet of an Excel file; the first one when not given")]
Query = Annotated[Name | None, Field(description="SQL to run at the database URL", examples=["SELECT * FROM orders"])]
Missing = Annotated[Texts, Field(description="texts that mean a missing value, besides the empty one", examples=[["?", "NA"]])]


class Source(Closed):
    """One of several sources: the main table, or a table joined to it."""

    path: SomeNames | None = Field(
        default=None, description="file, pattern such as sales/*.csv, or object-store URL; a list is read as one table"
    )
    url: SecretOr | None = Field(default=None, description="database URL without its password, or {env: NAME}; goes with query")
    query: Query = None
    on: JoinColumns = Field(
        default_factory=dict,
        description="columns to join on: a list, or {column of the main table: column here}; the main table has none",
    )
    columns: SomeNames | None = Field(default=None, description="columns to take; all when not given")
    published: Name | None = Field(
        default=None,
        description="column with the time a row became known: each row joins the newest one published by its own time",
    )
    format: FileFormat = None
    delimiter: Delimiter = None
    encoding: Encoding = None
    sheet: Sheet = None
    missing: Missing = ()


class TimeParts(Closed):
    """The time of a row, when it is spread over several columns."""

    date: Name | None = Field(default=None, description="column with the date")
    time: Name | None = Field(default=None, description="column with the time of day")
    year: Name | None = Field(default=None, description="column with the year")
    quarter: Name | None = Field(default=None, description="column with the quarter, 1 to 4")
    month: Name | None = Field(default=None, description="column with the month, 1 to 12")
    week: Name | None = Field(default=None, description="column with the ISO week, 1 to 53")
    day: Name | None = Field(default=None, description="column with the day of the month")
    hour: Name | None = Field(default=None, description="column with the hour, 0 to 23")
    minute: Name | None = Field(default=None, description="column with the minute")
    second: Name | None = Field(default=None, description="column with the second")

    def columns(self) -> dict[str, str]:
        """The column of each part that was given, from the coarsest part to the finest."""
        return {part: column for part, column in self if column is not None}


class Limits(Closed):
    """Bounds outside of which a value is an error of the data."""

    min: Number | None = Field(default=None, description="smallest possible value")
    max: Number | None = Field(default=None, description="largest possible value")


class Tolerance(Closed):
    """What a made thing has to keep: a value outside is true and bad, where one outside of `Limits` is wrong."""

    lower: Number | None = Field(default=None, description="lower specification limit")
    upper: Number | None = Field(default=None, description="upper specification limit")
    target: Number | None = Field(default=None, description="value aimed at; the middle of both limits when not given")


def _text_or_parts(value: Any) -> str:
    return "<parts>" if isinstance(value, (Mapping, TimeParts)) else "<text>"


TimeColumn = Annotated[Annotated[Name, Tag("<text>")] | Annotated[TimeParts, Tag("<parts>")], Discriminator(_text_or_parts)]


class Data(Closed):
    """Where the rows come from and what their columns mean; the short form names one ``source``, the long form ``sources``."""

    source: SecretOrNames | None = Field(
        default=None,
        description="the one source: a file, a list of files, a pattern, an object-store URL, or with query a database URL",
    )
    query: Query = None
    format: FileFormat = None
    delimiter: Delimiter = None
    encoding: Encoding = None
    sheet: Sheet = None
    sources: dict[Name, Source] = Field(
        default_factory=dict, description="several sources by name: the main table and what joins it"
    )
    time: TimeColumn | None = Field(
        default=None, description="column with the time of a row, or {date: column, hour: column, ...}"
    )
    series: Names = Field(default=(), description="columns that tell one series from another")
    segments: Names = Field(default=(), description="columns by which results are broken down")
    groups: Names = Field(
        default=(), description="columns whose equal values belong together (lot, machine): such rows stay in one fold"
    )
    image: Name | None = Field(default=None, description="column with pictures: their bytes, or paths of files")
    embedding: Name | None = Field(
        default=None,
        description="folder with one *.onnx model that turns a picture into numbers; a preprocessing.json beside it may say how",
        examples=["models/encoder"],
    )
    documents: Documents | None = Field(default=None, description="the documents that answers are looked for in")
    questions: Questions | None = Field(default=None, description="questions to learn from and to be judged on")
    judgements: Judgements | None = Field(default=None, description="which documents are right for which question")
    golden: Name | None = Field(
        default=None,
        description="file of questions proposed from the documents, of which those a person accepted count; golden.jsonl beside "
        "the spec when not given",
    )
    observed: Name | None = Field(
        default=None,
        description="folder of what was observed of documents and answers since a release; sevenstep retrain writes and names it",
    )
    language: Literal["ko", "en", "other"] | None = Field(
        default=None, description="language of documents and questions; told from the text when not given"
    )
    drop: Names = Field(default=(), description="columns to leave out")
    missing: Missing = ()
    types: dict[Name, ColumnType] = Field(
        default_factory=dict, description="type of a column, where the file does not tell it right"
    )
    units: dict[Name, str] = Field(default_factory=dict, description="unit of a column, shown with its figures")
    limits: dict[Name, Limits] = Field(default_factory=dict, description="bounds of a column: {column: {min, max}}")
    tolerances: dict[Name, Tolerance] = Field(
        default_factory=dict,
        description="specification limits of a measured column: {column: {lower, upper, target}}, one of the two limits at least",
    )
    timezone: Annotated[str, AfterValidator(_known_zone)] | None = Field(
        default=None, description="time zone of times that carry none", examples=["Europe/Berlin"]
    )

    def tables(self) -> dict[str, Source]:
        """Every source by name in the order of the spec; the short form is one source called ``source``.

        Beside documents the rows are the questions, and they come from a source called ``questions``, which has no path where
        only accepted proposals are asked.
        """
        if self.documents is not None:
            asked = self.questions
            reads = {} if asked is None else {"path": asked.path, "format": asked.format, "encoding": asked.encoding}
            return {"questions": Source.model_validate(reads)}
        if self.source is None:
            return self.sources
        reading: dict[str, Any] = {key: getattr(self, key) for key in (*READING_KEYS, "missing")}
        if self.query is None:
            return {"source": Source(path=_paths(self.source), **reading)}
        return {"source": Source(url=self.source if isinstance(self.source, FromEnvironment) else self.source[0], **reading)}

    def main(self) -> str:
        """Name of the source that gives the rows, wherever it stands: the one that is joined to no other."""
        return next(name for name, source in self.tables().items() if not source.on)

    def with_main_from(self, *paths: str) -> Data:
        """The same section with other files as its main source, which have the columns the main source has."""
        tables, main = self.tables(), self.main()
        unset: dict[str, Any] = dict.fromkeys(("url", "query", "format", "delimiter", "columns"))
        own = tables[main].model_copy(update={"path": paths, **unset})
        sources = {name: own if name == main else source for name, source in tables.items()}
        return self.model_copy(update={"source": None, "query": None, "sources": sources})

    def with_rows_from(self, path: str, *, joined: bool) -> Data:
        """The same section with another file as its main source, for rows that are to be predicted.

        Such rows need not have every column the training rows had, so nothing but series and time is asked of them; ``joined``
        keeps the other sources.
        """
        tables, main = self.tables(), self.main()
        unset: dict[str, Any] = dict.fromkeys(("url", "query", "format", "delimiter", "columns"))
        own = tables[main].model_copy(update={"path": (path,), **unset})
        others = {name: source for name, source in tables.items() if name != main} if joined else {}
        kept = {name: kind for name, kind in self.types.items() if name in self.series}
        rest = {
            "source": None,
            "query": None,
            "segments": (),
            "groups": (),
            "drop": (),
            "embedding": None,
            "types": kept,
            "limits": {},
            "tolerances": {},
        }
        return self.model_copy(update={"sources": {main: own, **others}, **rest})


def _paths(source: tuple[str, ...] | FromEnvironment) -> tuple[str, ...]:
    if isinstance(source, FromEnvironment):
        return (source.read(),)
    return source
