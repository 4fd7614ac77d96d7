"""The values of the flags at an instant: what is set, what has expired, defaults."""

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
    """A value that was set; without an expiry it stays."""

    value: FlagValue
    expires_at: datetime | None = None

    def is_expired(self, at: datetime) -> bool:
        """Tell if the value has expired; at the very moment it has."""
        return self.expires_at is not None and self.expires_at <= at


class FlagState(TypedDict):
    """A flag's state, as the API shows it."""

    enabled: bool
    value: FlagValue
    default: FlagValue
    expires_at: datetime | None


@dataclass(frozen=True, slots=True)
class FlagValues:
    """The flags that are set; all others have their defaults."""

    set_flags: Mapping[str, SetFlag] = field(default_factory=dict)

    def explicit(self, name: str, at: datetime) -> SetFlag | None:
        """Return the value that was set, unless expired. Raises UnknownFlagError."""
        set_flag = self.set_flags.get(find_flag(name).name)
        return None if set_flag is None or set_flag.is_expired(at) else set_flag

    def value(self, name: str, at: datetime) -> FlagValue:
        """Return the set value or the default. Raises UnknownFlagError."""
        set_flag = self.explicit(name, at)
        return find_flag(name).default if set_flag is None else set_flag.value

    def is_enabled(self, name: str, at: datetime, tenant: UUID | None = None) -> bool:
        """Tell if a flag is on for the tenant, or for all tenants when None.

        A switch that is set decides alone: false is the kill switch, true is for all.
        While it is not set its percentage decides. A number is on above 0, a choice
        always. Raises UnknownFlagError.
        """
        set_flag = self.explicit(name, at)
        if set_flag is not None or name not in PERCENTAGES:
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
        set_flag = self.explicit(name, at)
        return FlagState(
            enabled=self.is_enabled(name, at),
            value=self.value(name, at),
            default=find_flag(name).default,
            expires_at=None if set_flag is None else set_flag.expires_at,
        )
