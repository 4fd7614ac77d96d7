"""The words, texts and enumerations that definitions are made of."""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Annotated

from pydantic import Field, StringConstraints

MAX_TEXT_CHARS = 4000

NodeId = Annotated[
    str, StringConstraints(pattern=r"^[A-Za-z0-9_-]+$", min_length=1, max_length=64)
]
Title = Annotated[str, StringConstraints(max_length=200)]
Word = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)
]
Tag = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=50)
]
Text = Annotated[str, StringConstraints(min_length=1, max_length=MAX_TEXT_CHARS)]
Words = Annotated[tuple[Word, ...], Field(max_length=50)]
Tags = Annotated[tuple[Tag, ...], Field(max_length=50)]
#: The name of a customer's attribute, or of a value of the run.
Key = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,63}$")]


class EdgeKind(StrEnum):
    """When a connection is followed."""

    SUCCESS = "success"
    FAILURE = "failure"
    TIMEOUT = "timeout"
    SKIP = "skip"


class Platform(StrEnum):
    """The platforms that conversations run on."""

    INSTAGRAM = "instagram"
    TELEGRAM = "telegram"
    WEBSITE = "website"


class ConversationStatus(StrEnum):
    """The statuses of a conversation."""

    ACTIVE = "active"
    SUPPORT_ACTIVE = "support_active"
    MARKETING_ACTIVE = "marketing_active"
    CLOSED = "closed"


class RedirectTo(StrEnum):
    """The destinations of a redirect."""

    AI = "ai"
    SUPPORT = "support"
    SALES = "sales"
    TECHNICAL = "technical"
    BILLING = "billing"
    GENERAL = "general"


Platforms = Annotated[tuple[Platform, ...], Field(max_length=3)]


class Unit(StrEnum):
    """The units of a duration."""

    SECONDS = "seconds"
    MINUTES = "minutes"
    HOURS = "hours"
    DAYS = "days"
    WEEKS = "weeks"


@dataclass(frozen=True, slots=True)
class Duration:
    """A duration as people write it; at most a year."""

    amount: Annotated[int, Field(ge=1, le=31_536_000)]
    unit: Unit

    @property
    def length(self) -> timedelta:
        """The duration as a number of seconds."""
        return timedelta(**{self.unit.value: self.amount})
