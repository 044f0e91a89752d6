"""Where a model is called, at what price and with how much patience; and what can go wrong with it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from sevenstep.errors import InputError, SevenstepError

__all__ = ["BudgetSpent", "Endpoint", "EndpointFailed"]


class EndpointFailed(SevenstepError):
    """An endpoint gave no usable answer, however often it was asked: what it was asked for is not measured."""


class BudgetSpent(InputError):
    """The next call could cost more than is left of the budget, so it was not made."""


@dataclass(frozen=True)
class Endpoint:
    """An OpenAI-compatible interface that the spec names.

    Args:
        url: its base, such as ``http://127.0.0.1:8000/v1``.
        key_name: name of the environment variable that holds the key, empty where none is needed; the key itself is kept nowhere.
        input_price: US dollars for a million tokens sent.
        output_price: US dollars for a million tokens received.
        timeout: seconds until an attempt that does not go on counts as failed.
        attempts: how often a call is tried at most.
        patience: seconds at most between two attempts, whatever the endpoint asks for.
    """

    url: str
    key_name: str = ""
    input_price: float = 0.0
    output_price: float = 0.0
    timeout: float = 60.0
    attempts: int = 4
    patience: float = 30.0

    def headers(self) -> dict[str, str]:
        """Headers of a call, the key among them; they are never stored.

        Raises:
            InputError: ``ENDPOINT-KEY``, the environment variable of the key is not set.
        """
        if not self.key_name:
            return {}
        key = os.environ.get(self.key_name, "")
        if not key:
            given, rule = f"the environment variable {self.key_name} is not set", f"it holds the key of {self.url}"
            raise InputError("ENDPOINT-KEY", given, rule, f"set {self.key_name} before the run")
        return {"Authorization": f"Bearer {key}"}

    def cost(self, sent: int, received: int) -> float:
        """US dollars for so many tokens."""
        return (sent * self.input_price + received * self.output_price) / 1e6

    def to_json(self) -> dict[str, Any]:
        """As JSON values; holds no secret."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Endpoint:
        """Read back what `to_json` wrote."""
        return cls(**values)
