"""A model from a Hugging Face folder on this machine, which needs the extra ``local``; nothing is downloaded."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from sevenstep.endpoints.client import Reply
from sevenstep.errors import InputError

__all__ = ["LocalModel"]


class LocalModel:
    """Continues a chat, as `Client.chat` does, at no cost."""

    def __init__(self, tokenizer: Any, model: Any) -> None:
        self._tokenizer, self._model = tokenizer, model

    @classmethod
    def open(cls, folder: Path) -> LocalModel:
        """Read a model.

        Raises:
            InputError: ``RAG-LOCAL``, the folder holds none, or the library that reads it is not installed.
        """
        return _opened(folder)

    def __enter__(self) -> LocalModel:
        return self

    def __exit__(self, *reason: object) -> None:
        return None

    def chat(
        self,
        messages: Sequence[Mapping[str, str]],
        model: str,
        *,
        temperature: float = 0.0,
        max_tokens: int = 256,
        seed: int = 0,
        purpose: str = "answer",
    ) -> Reply:
        """What the model says; a folder without a chat template is given the messages one after the other."""
        import torch  # late: an extra

        torch.manual_seed(seed)
        tokens = self._tokenizer(self._text(messages), return_tensors="pt")
        sent, begun = int(tokens["input_ids"].shape[1]), time.perf_counter()
        freely = {"do_sample": True, "temperature": temperature} if temperature > 0 else {"do_sample": False}
        with torch.no_grad():
            made = self._model.generate(**tokens, max_new_tokens=max_tokens, **freely)[0][sent:]
        text = str(self._tokenizer.decode(made, skip_special_tokens=True)).strip()
        return Reply(text, "stop", sent, len(made), 0.0, time.perf_counter() - begun, False)

    def _text(self, messages: Sequence[Mapping[str, str]]) -> str:
        if getattr(self._tokenizer, "chat_template", None):
            return str(self._tokenizer.apply_chat_template(list(messages), tokenize=False, add_generation_prompt=True))
        return "\n\n".join(message["content"] for message in messages) + "\n\nAnswer:"


@lru_cache(maxsize=1)
def _opened(folder: Path) -> LocalModel:
    try:
        from transformers import AutoModelForCausalLM, AutoTokenizer  # late: an extra, and seconds to load
    except ModuleNotFoundError:
        rule = "a model in a folder is read by transformers, which is an extra"
        raise InputError("RAG-LOCAL", "transformers is not installed", rule, "pip install 'sevenstep[local]'") from None
    try:
        tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
        model = AutoModelForCausalLM.from_pretrained(folder, local_files_only=True)
    except (OSError, ValueError) as error:
        given, rule = (
            f"{folder} holds no model that can be read",
            "rag.local is a folder with a model, its settings and tokenizer",
        )
        raise InputError("RAG-LOCAL", given, rule, f"check the folder ({type(error).__name__})") from error
    return LocalModel(tokenizer, model.eval())
