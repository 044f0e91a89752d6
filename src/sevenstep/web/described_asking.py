"""The description of the routes that answer questions, with an example of each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sevenstep.tasks.answers import RANKED

__all__ = ["asking_paths"]

Schema = Mapping[str, Any]

_TEXT: Schema = {"type": "string"}
_TEXTS: Schema = {"type": "array", "items": _TEXT}
_ACCESS: Schema = {**_TEXTS, "description": "look only into documents without tags and with these; of tags the token holds"}
_ASK: Schema = {
    "type": "object",
    "required": ["question"],
    "properties": {
        "question": {"type": "string", "minLength": 1},
        "stream": {"type": "boolean", "description": "server-sent events: 'part' with 'text', then 'answer' with everything"},
        "access": _ACCESS,
        "count": {"type": "integer", "minimum": 1, "maximum": RANKED, "description": "documents the ranking names"},
    },
}
_CITATION: Schema = {
    "type": "object",
    "properties": {
        **dict.fromkeys(("document", "quote", "title", "place"), _TEXT), "start": {"type": "integer"}, "end": {"type": "integer"},
    },
}  # fmt: skip
_ANSWER: Schema = {
    "type": "object",
    "required": ["prediction_id", "release", "answer", "refused", "citations", "ranking"],
    "properties": {
        "prediction_id": {"type": "string", "description": "names this answer in /v1/observations"},
        "release": {"type": "integer"},
        "answer": {"type": "string", "description": "empty where it was refused"},
        "refused": {"type": "string", "description": "why there is no answer; empty where there is one"},
        "confidence": {"type": ["number", "null"], "description": "calibrated chance of being right"},
        "model": _TEXT,
        "citations": {"type": "array", "items": _CITATION},
        "evidence": {
            "type": "array",
            "items": {"type": "object"},
            "description": "passages the answer was made from, best first",
        },
        "ranking": {**_TEXTS, "description": "ids of the documents found, best first"},
    },
}
_MESSAGE: Schema = {
    "type": "object",
    "required": ["role", "content"],
    "properties": {"role": _TEXT, "content": {"type": "string", "description": "or a list of text parts"}},
}
_CHAT: Schema = {
    "type": "object",
    "required": ["messages"],
    "properties": {
        "model": _TEXT, "messages": {"type": "array", "minItems": 1, "items": _MESSAGE}, "stream": {"type": "boolean"},
        "access": _ACCESS,
    },
}  # fmt: skip
_DOCUMENT: Schema = {
    "type": "object",
    "required": ["id", "text"],
    "properties": {
        **dict.fromkeys(("id", "text", "title", "source", "language", "trust", "licence", "date"), _TEXT),
        "access": {**_TEXTS, "description": "tags of which an asker needs one; none: everybody"},
    },
    "additionalProperties": False,
}
_DOCUMENTS: Schema = {
    "type": "object",
    "properties": {"documents": {"type": "array", "items": _DOCUMENT}, "remove": {**_TEXTS, "description": "ids to take out"}},
}
_FEEDBACK: Schema = {
    "type": "object",
    "required": ["prediction_id", "helpful"],
    "properties": {"prediction_id": _TEXT, "helpful": {"type": "string", "enum": ["yes", "no"]}},
}


def asking_paths(name: str) -> dict[str, Any]:
    """The routes of questions, of documents and of the OpenAI protocol, for the project of this name."""
    asked = {"question": "How often is the filter changed?"}
    chat = {"model": name, "messages": [{"role": "user", "content": asked["question"]}]}
    added = {"documents": [{"id": "manual-7", "title": "Filter", "text": "The filter is changed every 500 hours."}]}
    parameter = [{"name": "name", "in": "path", "required": True, "schema": _TEXT, "example": name}]
    page = _form({"type": "object", "required": ["question"], "properties": {"question": _TEXT}}, asked)
    helped = _form(_FEEDBACK, {"prediction_id": "0123456789abcdef-0", "helpful": "yes"})
    return {
        "/v1/ask": {"post": _operation("Answer a question, with citations or a refusal", _json(_ASK, asked), _ANSWER)},
        "/v1/chat/completions": {"post": _operation("OpenAI protocol: answer the user's newest message", _json(_CHAT, chat))},
        "/v1/models": {"get": _operation("OpenAI protocol: the model")},
        "/v1/models/{name}": {"get": {**_operation("OpenAI protocol: the model, by name"), "parameters": parameter}},
        "/v1/documents": {"post": _operation("Add, change or take out documents", _json(_DOCUMENTS, added))},
        "/ask": {"get": _operation("The page for asking"), "post": _operation("The page with an answer", page)},
        "/ask/feedback": {"post": _operation("Whether the answer on the page helped", helped)},
    }  # fmt: skip


def _operation(summary: str, body: Schema | None = None, answer: Schema | None = None) -> dict[str, Any]:
    content = {"application/json": {"schema": answer or {"type": "object"}}}
    told: dict[str, Any] = {
        "summary": summary,
        "tags": ["questions"],
        "responses": {"200": {"description": "the answer", "content": content}},
    }
    return told if body is None else {**told, "requestBody": {"required": True, "content": body}}


def _json(schema: Schema, example: Any) -> Schema:
    return {"application/json": {"schema": schema, "example": example}}


def _form(schema: Schema, example: Any) -> Schema:
    return {"application/x-www-form-urlencoded": {"schema": schema, "example": example}}
