"""The flags that are set, and the value in force at a given instant.

A flag without a row, or whose ttl has run out, is *not set*. That differs from a flag
that is set to its default: a percentage decides only while its switch is not set.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypedDict
from uuid import UUID

from config.flags import (
    BUCKETS,
    FLAGS,
    PERCENTAGES,
    FlagValue,
    find_flag,
    is_rolled_out,
)


@dataclass(frozen=True, slots=True)
class SetFlag:
    """A value that was set; it never expires if `expires_at` is None."""

    value: FlagValue
    expires_at: datetime | None = None

    def is_expired(self, at: datetime) -> bool:
        """Say whether the value has expired; at `expires_at` it has."""
        return self.expires_at is not None and self.expires_at <= at


class FlagState(TypedDict):
    """A flag and its present value."""

    enabled: bool
    value: FlagValue
    default: FlagValue
    expires_at: datetime | None


@dataclass(frozen=True, slots=True)
class FlagValues:
    """The values that are set; every other flag has its default."""

    set_flags: Mapping[str, SetFlag] = field(default_factory=dict)

    def explicit(self, name: str, at: datetime) -> SetFlag | None:
        """Return the value that is set and not expired. Raises UnknownFlagError."""
        found = self.set_flags.get(find_flag(name).name)
        return None if found is None or found.is_expired(at) else found

    def value(self, name: str, at: datetime) -> FlagValue:
        """Return the value in force. Raises UnknownFlagError."""
        found = self.explicit(name, at)
        return find_flag(name).default if found is None else found.value

    def is_enabled(self, name: str, at: datetime, tenant: UUID | None = None) -> bool:
        """Say whether a flag is on: for the tenant, or for everybody when None.

        A switch that is set decides alone: false is the kill switch, true is for all.
        While it is not set its percentage decides. A number is on above 0, a choice
        always. Raises UnknownFlagError.
        """
        found = self.explicit(name, at)
        if found is not None or name not in PERCENTAGES:
            return bool(self.value(name, at))
        percentage = int(self.value(PERCENTAGES[name], at))
        if tenant is None:
            return percentage >= BUCKETS
        return is_rolled_out(name, tenant, percentage)

    def describe(self, at: datetime) -> dict[str, FlagState]:
        """List every flag, set or not."""
        return {name: self.describe_one(name, at) for name in FLAGS}

    def describe_one(self, name: str, at: datetime) -> FlagState:
        """Describe one flag. Raises UnknownFlagError."""
        found = self.explicit(name, at)
        return FlagState(
            enabled=self.is_enabled(name, at),
            value=self.value(name, at),
            default=find_flag(name).default,
            expires_at=None if found is None else found.expires_at,
        )
