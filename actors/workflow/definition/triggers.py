"""The triggers with which runs begin."""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Annotated, Literal, TypeAlias

from pydantic import Field, StringConstraints

from actors.workflow.definition.terms import (
    ConversationStatus,
    Platforms,
    Tags,
    Words,
)


@dataclass(frozen=True, slots=True)
class ReceiveMessage:
    """A customer wrote. Without keywords every message fits; the rest narrows it."""

    #: One of them must stand in the message as whole words, in any Persian spelling.
    keywords: Words = ()
    channels: Platforms = ()
    #: The customer has one of them.
    tags: Tags = ()
    #: The conversation has one of them. While a person leads, no workflow begins unless
    #: it says so.
    statuses: Annotated[tuple[ConversationStatus, ...], Field(max_length=4)] = (
        ConversationStatus.ACTIVE,
    )
    kind: Literal["receive_message"] = "receive_message"


@dataclass(frozen=True, slots=True)
class NewCustomer:
    """Somebody wrote for the first time."""

    channels: Platforms = ()
    kind: Literal["new_customer"] = "new_customer"


@dataclass(frozen=True, slots=True)
class AddTag:
    """A customer got one of these tags; any, if none is named."""

    tags: Tags = ()
    kind: Literal["add_tag"] = "add_tag"


@dataclass(frozen=True, slots=True)
class StatusChanged:
    """The conversation came to one of these statuses; any, if none is named."""

    statuses: Annotated[tuple[ConversationStatus, ...], Field(max_length=4)] = ()
    kind: Literal["status_changed"] = "status_changed"


class Frequency(StrEnum):
    """How often a schedule fires."""

    ONCE = "once"
    DAILY = "daily"
    WEEKLY = "weekly"
    MONTHLY = "monthly"
    YEARLY = "yearly"


@dataclass(frozen=True, slots=True)
class Scheduled:
    """A date and time of the tenant's clock, and again by the frequency.

    It is for customers who wrote within `written_within_days`, narrowed by channels
    and tags.
    """

    start: date
    #: Local time, `HH:MM`.
    time: Annotated[str, StringConstraints(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")]
    frequency: Frequency = Frequency.ONCE
    channels: Platforms = ()
    tags: Tags = ()
    written_within_days: Annotated[int, Field(ge=1, le=365)] = 30
    kind: Literal["scheduled"] = "scheduled"


@dataclass(frozen=True, slots=True)
class Manual:
    """Somebody, or a program, starts it by the API."""

    kind: Literal["manual"] = "manual"


Trigger: TypeAlias = Annotated[
    ReceiveMessage | NewCustomer | AddTag | StatusChanged | Scheduled | Manual,
    Field(discriminator="kind"),
]


class TriggerKind(StrEnum):
    """The kinds of triggers, as their definitions name them."""

    RECEIVE_MESSAGE = "receive_message"
    NEW_CUSTOMER = "new_customer"
    ADD_TAG = "add_tag"
    STATUS_CHANGED = "status_changed"
    SCHEDULED = "scheduled"
    MANUAL = "manual"
