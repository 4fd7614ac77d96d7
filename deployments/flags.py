"""Feature flags in each replica's memory, refreshed on every change."""

import asyncio
from collections.abc import Mapping
from datetime import timedelta
from typing import Protocol
from uuid import UUID

import structlog

from actors.clock import Clock
from actors.tasks import cancel_and_wait, run_on_signal
from config.errors import FlagError, FlagsUnreadError, InvalidFlagValueError
from config.flag_values import FlagState, FlagValues, SetFlag
from config.flags import FlagValue, find_flag
from persistence.database import Pool
from persistence.flags import clear_flag, fetch_flags, set_flag
from persistence.ids import TenantId, UserId

RETRY_PAUSE_S = 0.2
#: A flag that is needed for longer is set without an end.
MAX_TTL = timedelta(days=366)

log = structlog.get_logger("flags")


class Tenanted(Protocol):
    """A value that belongs to a tenant, such as a user."""

    @property
    def tenant_id(self) -> TenantId:
        """The tenant."""
        ...


class FeatureFlags:
    """Answers from memory, and reads the flags again after each announced change.

    While the database is away the last values stay in force: a flag never falls back to
    its default by accident.
    """

    def __init__(self, pool: Pool, clock: Clock) -> None:
        self._pool = pool
        self._clock = clock
        self._known: FlagValues | None = None
        self._reading = asyncio.Lock()
        self._changed = asyncio.Event()
        self._follower: asyncio.Task[None] | None = None

    def notify(self, _payload: str) -> None:
        """Have the flags read again; give this to a Listener on `FLAGS_CHANNEL`."""
        self._changed.set()

    async def start(self) -> None:
        """Read the flags and follow their changes.

        Start the Listener first, or a change between the two would be missed.

        Raises:
            One of `DATABASE_AWAY`: the database is away.
        """
        await self.refresh()
        self._follower = asyncio.create_task(
            run_on_signal(
                self._changed, self.refresh, name="flags", retry_pause_s=RETRY_PAUSE_S
            )
        )

    async def stop(self) -> None:
        """Stop following; the last values stay in force."""
        await cancel_and_wait(self._follower)

    async def refresh(self) -> None:
        """Read the flags that are set now; reads never overtake each other."""
        async with self._reading:
            rows = await fetch_flags(self._pool)
            self._known = FlagValues(_drop_undeclared(rows))

    def is_enabled(self, name: str, user: Tenanted | UUID | None = None) -> bool:
        """Say whether a flag is on for a user's tenant, or a tenant's id.

        Without a tenant: whether the flag is on for everybody.

        Raises:
            FlagError: there is no such flag, or nothing was read yet.
        """
        tenant = user if user is None or isinstance(user, UUID) else user.tenant_id
        return self._values.is_enabled(name, self._clock.now(), tenant)

    def get_value(self, name: str) -> FlagValue:
        """Return the value that counts now. Raises FlagError."""
        return self._values.value(name, self._clock.now())

    def get_explicit(self, name: str) -> FlagValue | None:
        """Return what somebody set; None while the default counts. Raises FlagError."""
        flag = self._values.explicit(name, self._clock.now())
        return None if flag is None else flag.value

    def get_all_flags(self) -> dict[str, FlagState]:
        """Describe every flag, set or not. Raises FlagError."""
        return self._values.describe(self._clock.now())

    async def set_flag(
        self,
        name: str,
        value: FlagValue,
        ttl: timedelta | None = None,
        *,
        by: UserId | None = None,
    ) -> None:
        """Set a flag in every replica; with a ttl it returns to its default after it.

        Raises:
            UnknownFlagError: there is no such flag.
            InvalidFlagValueError: the value or the ttl is none that it can have.
        """
        checked = find_flag(name).check(value)
        if ttl is not None and not timedelta(0) < ttl <= MAX_TTL:
            message = f"ttl: must be more than zero and at most {MAX_TTL.days} days"
            raise InvalidFlagValueError(message)
        at = self._clock.now()
        flag = SetFlag(checked, None if ttl is None else at + ttl)
        async with self._pool.acquire() as connection, connection.transaction():
            await set_flag(connection, name, flag, at, by)
        log.info("flag_set", flag=name, value=checked, expires_at=flag.expires_at)
        # The caller sees the new value at once in this process, and soon everywhere.
        await self.refresh()

    async def clear(self, name: str, *, by: UserId | None = None) -> None:
        """Return a flag to its default in every replica. Raises UnknownFlagError."""
        find_flag(name)
        async with self._pool.acquire() as connection, connection.transaction():
            await clear_flag(connection, name, self._clock.now(), by)
        log.info("flag_cleared", flag=name)
        await self.refresh()

    @property
    def _values(self) -> FlagValues:
        if self._known is None:
            raise FlagsUnreadError
        return self._known


def _drop_undeclared(rows: Mapping[str, SetFlag]) -> dict[str, SetFlag]:
    """Leave out flags that this release does not declare, with a warning."""
    kept: dict[str, SetFlag] = {}
    for name, flag in rows.items():
        try:
            find_flag(name).check(flag.value)
        except FlagError as error:
            log.warning("flag_ignored", flag=name, reason=str(error))
        else:
            kept[name] = flag
    return kept
