"""A tenant's clock and business hours."""

from dataclasses import dataclass
from datetime import date
from typing import Annotated

from pydantic import Field, StringConstraints


@dataclass(frozen=True, slots=True)
class OpenHours:
    """From and until, local time `HH:MM`; 24:00 is the day's end."""

    opens: Annotated[str, StringConstraints(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")]
    closes: Annotated[
        str, StringConstraints(pattern=r"^(([01]\d|2[0-3]):[0-5]\d|24:00)$")
    ]


@dataclass(frozen=True, slots=True)
class ExceptionDay:
    """A date with other hours; none of them is a holiday."""

    day: date
    hours: Annotated[tuple[OpenHours, ...], Field(max_length=10)] = ()


@dataclass(frozen=True, slots=True)
class BusinessHours:
    """A tenant's clock and hours; without any week the business is always open.

    `week` has seven entries, Monday first.
    """

    time_zone: Annotated[str, StringConstraints(max_length=64)] = "Asia/Tehran"
    week: Annotated[tuple[tuple[OpenHours, ...], ...], Field(max_length=7)] = ()
    exceptions: Annotated[tuple[ExceptionDay, ...], Field(max_length=200)] = ()
