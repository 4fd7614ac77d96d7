"""Erases customers: their rows go, and keyed hashes of their events stay.

A platform may deliver a message again for a day and a half. Such a repetition must
bring nothing back, but the id of an event is derived from the customer's platform id
without a key: whoever has the table could find the person by trying ids. So only an
HMAC of each event's id is kept, and that for no longer than platforms repeat.
"""

import hmac
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import cast

from persistence import ids
from persistence.database import Connection, Db
from persistence.queries import load_queries

_SQL = load_queries("erasure")
#: Half of SHA-256: no two of any number of events that fit on a disk share it.
DIGEST_BYTES = 16
#: Meta repeats a delivery for 36 hours, Telegram for a day; the rest is for outages.
FORGOTTEN_KEPT = timedelta(days=30)
#: Rows of one step of pruning.
PRUNE_ROWS = 5000


class KeyedHash:
    """Hashes ids of events by keys derived from the runtime's secret keys."""

    def __init__(self, secrets: Sequence[str]) -> None:
        """Derive the keys: the first one writes, all of them recognise.

        Raises:
            ValueError: there is no key.
        """
        if not secrets:
            message = "a keyed hash needs a key"
            raise ValueError(message)
        self._keys = tuple(
            hmac.digest(secret.encode(), b"pilito: forgotten events", "sha256")
            for secret in secrets
        )

    def digest(self, event: ids.EventId) -> bytes:
        """Return the hash that is stored of an event's id."""
        return _digest(self._keys[0], event)

    def digests(self, events: Iterable[ids.EventId]) -> dict[str, ids.EventId]:
        """Return the hashes, in hex, under which these events may be stored."""
        return {
            _digest(key, event).hex(): event for event in events for key in self._keys
        }


@dataclass(frozen=True, slots=True)
class Erasure:
    """A conversation that goes with its customer."""

    #: The id of the event that asked for it, and of its tombstone.
    id: ids.EventId
    tenant_id: ids.TenantId
    conversation_id: ids.ConversationId
    customer_id: ids.CustomerId
    at: datetime
    user_id: ids.UserId | None = None
    #: It has only become too old: nobody asked, and nobody will repeat its messages.
    is_expired: bool = False


@dataclass(frozen=True, slots=True)
class ForgottenEvent:
    """An event of an erased conversation that became known after the erasure."""

    tenant_id: ids.TenantId
    event_id: ids.EventId


async def erase_customer(
    db: Connection, keyed_hash: KeyedHash, erasure: Erasure
) -> None:
    """Erase a customer and the conversation inside the caller's transaction.

    A shard must not hold the conversation's state any more, or forget it with the
    commit: it would write it again.
    """
    tenant, conversation = erasure.tenant_id, erasure.conversation_id
    if not erasure.is_expired:
        events = await _fetch_dedupe_ids(db, erasure)
        await record_forgotten(
            db, keyed_hash, [ForgottenEvent(tenant, event) for event in events]
        )
        await db.execute(
            _SQL["insert_tombstone"], erasure.id, tenant, erasure.user_id, erasure.at
        )
    for statement in (
        "erase_proofs",
        "erase_outbox",
        "erase_messages",
        "erase_events",
        "erase_dead_letters",
        "erase_variant",
        "erase_steps",
        "erase_runs",
        "erase_notes",
        "erase_read_marks",
        "erase_conversation",
    ):
        await db.execute(_SQL[statement], tenant, conversation)
    await db.execute(_SQL["erase_timers"], conversation)
    await db.execute(_SQL["erase_customer"], tenant, erasure.customer_id)
    await db.execute(_SQL["erase_request"], conversation)


async def record_forgotten(
    db: Connection, keyed_hash: KeyedHash, events: Iterable[ForgottenEvent]
) -> None:
    """Store the hashes of events, so that they are known when they come again."""
    digests: dict[ids.TenantId, list[bytes]] = {}
    for event in events:
        digests.setdefault(event.tenant_id, []).append(
            keyed_hash.digest(event.event_id)
        )
    for tenant, hashes in digests.items():
        await db.execute(_SQL["insert_forgotten"], tenant, hashes)


async def _fetch_dedupe_ids(db: Connection, erasure: Erasure) -> set[ids.EventId]:
    """Fetch the ids of all events that a platform may still deliver, or again."""
    conversation = erasure.conversation_id
    rows = await db.fetch(
        _SQL["fetch_dedupe_keys"],
        erasure.tenant_id,
        conversation,
        erasure.at - FORGOTTEN_KEPT,
    )
    events = {ids.EventId(row["id"]) for row in rows if row["id"] is not None}
    for mid in {row["mid"] for row in rows if row["mid"] is not None}:
        # Echoes of what was sent, and unsendings of what is not there any more.
        events.update(
            ids.derive_event_id(conversation, key)
            for key in (mid, f"echo:{mid}", f"unsent:{mid}")
        )
    return events | {erasure.id}


async def request_erasure(
    db: Db, tenant_id: ids.TenantId, customer_id: ids.CustomerId
) -> None:
    """Ask the shard of a customer's conversation to erase both."""
    await db.execute(_SQL["insert_request"], tenant_id, customer_id)


async def request_tenant_erasures(db: Db, tenant_id: ids.TenantId) -> None:
    """Ask the shards to erase all customers of a tenant."""
    await db.execute(_SQL["insert_tenant_requests"], tenant_id)


async def fetch_requests(
    db: Db, shard: int, shards: int, limit: int
) -> tuple[ids.ConversationId, ...]:
    """Fetch the conversations that this shard is asked to erase."""
    rows = await db.fetch(_SQL["fetch_requests"], shard, shards, limit)
    return tuple(ids.ConversationId(row["conversation_id"]) for row in rows)


async def withdraw_request(db: Db, conversation_id: ids.ConversationId) -> None:
    """Remove a request whose conversation is not there any more."""
    await db.execute(_SQL["erase_request"], conversation_id)


async def count_requests(db: Db, tenant_id: ids.TenantId) -> int:
    """Count a tenant's open requests."""
    return cast("int", await db.fetchval(_SQL["count_requests"], tenant_id))


async def fetch_requested(
    db: Db, tenant_id: ids.TenantId, limit: int
) -> tuple[tuple[ids.ConversationId, ids.CustomerId | None], ...]:
    """Fetch conversations that are to be erased, each with its customer."""
    rows = await db.fetch(_SQL["fetch_requested"], tenant_id, limit)
    return tuple((row["conversation_id"], row["customer_id"]) for row in rows)


async def fetch_customer_tenant(
    db: Db, customer_id: ids.CustomerId
) -> ids.TenantId | None:
    """Fetch whose customer this is; None if there is none."""
    return cast(
        "ids.TenantId | None",
        await db.fetchval(_SQL["fetch_customer_tenant"], customer_id),
    )


async def prune_forgotten(db: Db, now: datetime) -> int:
    """Delete a step of hashes that are of no use any more; return how many."""
    status = await db.execute(_SQL["prune_forgotten"], now - FORGOTTEN_KEPT, PRUNE_ROWS)
    return int(status.split()[-1])


def _digest(key: bytes, event: ids.EventId) -> bytes:
    return hmac.digest(key, event.bytes, "sha256")[:DIGEST_BYTES]
