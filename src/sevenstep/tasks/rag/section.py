"""The ``rag`` section of a spec: how documents are cut, found and answered from, and which models may be called.

Everything has a value of its own, so the section may be left out: then nothing is called and no network is used. A search says
so: ``{try: [300, 600]}`` or ``{range: [200, 1200], integer: true}``. Light on purpose: reading a spec loads no numerical library.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Discriminator, Field, Tag, ValidationInfo

from sevenstep.spec.design import Between, Parameter, Try
from sevenstep.spec.fields import Amount, Closed, DurationText, Name, Names, Number, Whole, fault
from sevenstep.spec.secrets import holds_secret
from sevenstep.spec.sources import FromEnvironment
from sevenstep.spec.units import Duration

__all__ = ["Answering", "Chunk", "Embeddings", "Generator", "Judge", "Price", "Rag", "Retrieve"]


def _values(value: Any) -> list[Any]:
    """The values a parameter may take; the bounds of a range."""
    return list(value.values if isinstance(value, Try) else value.range if isinstance(value, Between) else [value])


def _numbers(low: float, high: float, *, whole: bool = True) -> AfterValidator:
    rule = f"it is {'a whole number' if whole else 'a number'} from {low:g} to {high:g}, or a search over such"

    def check(value: Any) -> Any:
        for one in _values(value):
            number = isinstance(one, (int, float)) and not isinstance(one, bool)
            if value is not None and not (number and low <= one <= high and (not whole or one == int(one))):
                raise fault("SPEC-WRONG-VALUE", rule, f"for example {{try: [{max(low, 1):g}, {min(high, 8):g}]}}")
        return value

    return AfterValidator(check)


def _words(*known: str) -> AfterValidator:
    def check(value: Any) -> Any:
        for one in _values(value):
            if value is not None and one not in known:
                raise fault("SPEC-NO-CHOICE", f"it is one of {', '.join(known)}, or {{try: [...]}} of them", "choose one")
        return value

    return AfterValidator(check)


def _secret(value: Any) -> Any:
    if isinstance(value, str):
        fix = "keep it in an environment variable and write key: {env: NAME}"
        raise fault("SPEC-SECRET", "a spec holds no secret", fix, "a key in plain text")
    return value


def _web_address(address: str) -> str:
    if not address.startswith(("http://", "https://")):
        raise fault("SPEC-ENDPOINT", "an endpoint is a web address", "for example http://127.0.0.1:8000/v1")
    if holds_secret(address):
        raise fault(
            "SPEC-SECRET", "a spec holds no secret", "take it out and write key: {env: NAME}", "a password in an endpoint"
        )
    return address


def _beside(folder: str, info: ValidationInfo) -> str:
    """A relative path starts from the folder of the spec."""
    return str((info.context["base"] / folder).absolute()) if info.context and not Path(folder).is_absolute() else folder


Folder = Annotated[Name, AfterValidator(_beside)]
Secret = Annotated[FromEnvironment | None, BeforeValidator(_secret)]
Endpoint = Annotated[Name, AfterValidator(_web_address)]


class Chunk(Closed):
    """Into what stretches the documents are cut before they are searched."""

    size: Annotated[Parameter | None, _numbers(50, 1_000_000)] = Field(
        default=None, description="characters of a stretch at most, cut between sentences; follows from the data when not given"
    )
    overlap: Annotated[Parameter | None, _numbers(0, 0.5, whole=False)] = Field(
        default=None, description="share of a stretch that the next one repeats; follows from the data when not given"
    )


class Price(Closed):
    """What a model's calls cost."""

    input: Amount = Field(default=0.0, description="US dollars for a million tokens sent")
    output: Amount = Field(default=0.0, description="US dollars for a million tokens received")


class _Called(Closed):
    """A model behind an endpoint with OpenAI's interface."""

    endpoint: Endpoint = Field(description="address of the interface", examples=["http://127.0.0.1:8000/v1"])
    key: Secret = Field(default=None, description="{env: NAME}, the environment variable that holds the key")
    price: Price = Field(default_factory=Price, description="what its calls cost")
    timeout: DurationText = Field(
        default=Duration(60), description="time one call may take", json_schema_extra={"default": "60s"}
    )


class Embeddings(_Called):
    """A model that turns text into numbers, behind an endpoint."""

    name: Name = Field(description="name of the model", examples=["multilingual-e5-small"])
    batch: Annotated[Whole, Field(ge=1, le=2048)] = Field(default=64, description="texts in one call")


def _folder_or_endpoint(value: Any) -> str:
    return "<endpoint>" if isinstance(value, (Mapping, Embeddings)) else "<folder>"


FolderOrEndpoint = Annotated[
    Annotated[Folder, Tag("<folder>")] | Annotated[Embeddings, Tag("<endpoint>")], Discriminator(_folder_or_endpoint)
]


class Retrieve(Closed):
    """How stretches are found for a question."""

    tokenizer: Annotated[Parameter | None, _words("words", "english", "bigrams", "stems", "grams", "morphemes")] = Field(
        default=None,
        description="what is counted: words, English stems (english), pairs of Hangul syllables (bigrams), Korean words without "
        "endings (stems), runs of four letters (grams), or Korean morphemes (morphemes; needs sevenstep[korean]); follows from "
        "the language when not given",
    )
    embedding: FolderOrEndpoint | None = Field(
        default=None,
        description="folder with one *.onnx model and its tokenizer.json, or an endpoint; one learnt on the documents by default",
        examples=["models/all-MiniLM-L6-v2"],
    )
    reranker: Folder | None = Field(
        default=None,
        description="folder with one *.onnx model that grades question and stretch together, and its tokenizer.json",
        examples=["models/ms-marco-MiniLM-L-6-v2"],
    )


class Answering(Closed):
    """What an answer is made from, and of what kind it is."""

    top: Annotated[Parameter | None, _numbers(1, 100)] = Field(
        default=None, description="stretches an answer is made from; follows from the data when not given"
    )
    context_tokens: Annotated[Whole, Field(ge=100)] = Field(default=3000, description="tokens of those stretches at most")
    style: Literal["short", "sentence"] = Field(
        default="short", description="the few words that answer, or the sentence they stand in"
    )
    examples: Annotated[Parameter, _numbers(0, 20)] = Field(
        default=0, description="answered questions shown to a generating model before its own"
    )


class Generator(_Called):
    """Models that write answers, behind an endpoint."""

    name: Parameter = Field(description="name of the model, or {try: [names]}", examples=["gpt-4o-mini"])
    temperature: Annotated[Parameter, _numbers(0, 2, whole=False)] = Field(default=0.0, description="how freely it writes")
    max_tokens: Annotated[Whole, Field(ge=1)] = Field(default=256, description="tokens of an answer at most")


class Judge(_Called):
    """A model that judges answers; what it says differs from time to time, so it is asked more than once."""

    name: Name = Field(description="name of the model")
    repeats: Annotated[Whole, Field(ge=2, le=20)] = Field(default=3, description="how often each answer is judged")
    answers: Annotated[Whole, Field(ge=1)] = Field(
        default=200, description="questions whose answers are judged at most, the same for every candidate"
    )


class Rag(Closed):
    """How questions are answered from documents."""

    chunk: Chunk = Field(default_factory=Chunk, description="how documents are cut")
    retrieve: Retrieve = Field(default_factory=Retrieve, description="how stretches are found")
    answer: Answering = Field(default_factory=Answering, description="how answers are made")
    source_share: Annotated[Number, Field(gt=0, le=1)] = Field(
        default=0.5,
        description="share of an answer's stretches that may come from one file, where several files hold some; 1 for no bound",
    )
    model: Generator | None = Field(
        default=None, description="models behind an endpoint that write answers; quotes from the documents when not given"
    )
    prompts: Names = Field(
        default=(),
        description="prompts to compare beside those there are: what a model is told before the passages, as text",
        examples=[["Answer with one word of the numbered passages, and its number in square brackets."]],
    )
    local: Folder | None = Field(
        default=None, description="folder of a Hugging Face model that writes answers here (needs sevenstep[local])"
    )
    judge: Judge | None = Field(
        default=None, description="model that judges groundedness (judged_groundedness) beside the measured figure"
    )
