"""The ``operate`` section: what happens after release. It is part of no step's brief, so changing it runs nothing again."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag

from sevenstep.spec.fields import Amount, Closed, DurationText, Name, Number, Whole
from sevenstep.spec.sources import SecretOr
from sevenstep.spec.units import Duration

__all__ = ["Alarms", "Channels", "DayFile", "Mail", "Operate", "Refresh", "Retrain", "Webhook"]


class DayFile(Closed):
    """A file with one row for each day that counts, such as an event calendar."""

    file: Name = Field(description="CSV or Parquet file, relative to the spec", examples=["events.csv"])
    column: Name = Field(description="its column of dates", examples=["date"])


def _word_dates_or_file(value: Any) -> str:
    if isinstance(value, (Mapping, DayFile)):
        return "<file>"
    return "<word>" if isinstance(value, str) else "<dates>"


Days = Annotated[
    Annotated[Literal["every"], Tag("<word>")] | Annotated[tuple[date, ...], Tag("<dates>")] | Annotated[DayFile, Tag("<file>")],
    Discriminator(_word_dates_or_file),
]


class Refresh(Closed):
    """Predicting again from newer data without learning anew: what it costs, and for which days it is done."""

    cost: Amount = Field(
        default=0.0, description="what one refresh costs, in the unit of the first KPI's worth without its '/year'", examples=[40]
    )
    churn: Amount = Field(
        default=0.0,
        description="what a change of all predictions by 1 % of their size costs those who planned with them, same unit",
    )
    days: Days = Field(
        default="every",
        description="the days predictions are made for: every day of the data, a list of dates, or a file with a column of dates",
        examples=["every", ["2026-05-05"], {"file": "events.csv", "column": "date"}],
    )
    tolerance: Amount = Field(
        default=0.01, lt=1, description="without a cost: the share by which error may exceed that of refreshing at every step"
    )


class Webhook(Closed):
    """An address that alarms are posted to; nothing is sent to any other."""

    url: SecretOr = Field(description="https address, or {env: NAME}", examples=["https://alerts.example.com/hook"])


class Mail(Closed):
    """A mail server that alarms are sent through."""

    server: Name = Field(description="host of the mail server", examples=["mail.example.com"])
    port: Annotated[Whole, Field(ge=1, le=65535)] = Field(default=587, description="its port")
    sender: Name = Field(description="address alarms come from")
    to: tuple[Name, ...] = Field(min_length=1, description="addresses alarms go to")
    user: Name | None = Field(default=None, description="user to log in as")
    password: SecretOr | None = Field(default=None, description="its password, as {env: NAME}")


class Channels(Closed):
    """Where alarms are told besides the ledger and the log."""

    webhooks: tuple[Webhook, ...] = Field(default=(), description="addresses alarms are posted to as JSON")
    mail: Mail | None = Field(default=None, description="mail server alarms are sent through")
    command: tuple[Name, ...] = Field(
        default=(), description="program with arguments that is given each alarm as JSON on its input", examples=[["notify-team"]]
    )


class Alarms(Closed):
    """When to raise an alarm, and whom to tell."""

    false_alarms: Annotated[Number, Field(gt=0, lt=0.5)] = Field(
        default=0.01,
        description="share of checks of sound data that may raise an alarm, over all columns and segments of a check",
    )
    channels: Channels = Field(default_factory=Channels, description="where alarms are told")


class Retrain(Closed):
    """When to learn anew, and who lets the new model serve."""

    every: DurationText | None = Field(
        default=None,
        description="longest time without learning anew; 28 days for daily and finer data, 8 weeks for coarser when not given",
        examples=["28d"],
        json_schema_extra={"default": "28d"},
    )
    approve: Literal["rule", "owner"] = Field(
        default="rule",
        description="who lets a challenger that is better serve: the rule itself, or a person with sevenstep promote",
    )
    shadow: DurationText = Field(
        default=Duration(7 * 86400),
        description="how much of the newest live data challenger and champion are compared on",
        examples=["7d"],
        json_schema_extra={"default": "7d"},
    )
    keep: Annotated[Whole, Field(ge=1)] = Field(default=5, description="how many releases to roll back to are kept at least")


class Operate(Closed):
    """What happens after release."""

    ledger: SecretOr | None = Field(
        default=None, description="PostgreSQL URL without its password, or {env: NAME}; a file in the store when not given"
    )
    refresh: Refresh = Field(default_factory=Refresh, description="predicting again from newer data")
    alarms: Alarms = Field(default_factory=Alarms, description="when to raise an alarm")
    retrain: Retrain = Field(default_factory=Retrain, description="when to learn anew")
