"""Proofs that the account of a channel is its tenant's."""

import asyncpg

from persistence.channels import (
    Channel,
    name_conflict,
    notify_channels,
    read_channel,
)
from persistence.database import Connection
from persistence.queries import load_queries

_SQL = load_queries("channel_proofs")


async def record_proof(db: Connection, channel: Channel) -> Channel | None:
    """Record, in the caller's transaction, that the account is the tenant's.

    None if the channel is gone, or has another account or token by now.

    Raises:
        AccountElsewhereError: another tenant has proven it meanwhile.
    """
    try:
        row = await db.fetchrow(
            _SQL["record_proof"],
            channel.tenant_id,
            channel.id,
            channel.account_id,
            channel.access_token,
        )
    except asyncpg.UniqueViolationError as error:
        raise name_conflict(error) from error
    await notify_channels(db, channel.id)
    return None if row is None else read_channel(row)


async def withdraw_proof(db: Connection, channel: Channel, note: str) -> bool:
    """Leave a claim where a proof was; False if the channel has changed meanwhile."""
    withdrawn = await db.fetchval(
        _SQL["withdraw_proof"],
        channel.tenant_id,
        channel.id,
        channel.access_token,
        note,
    )
    await notify_channels(db, channel.id)
    return withdrawn is not None
