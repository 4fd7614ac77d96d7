"""Types of all ids, and derivation of those that follow from others."""

import hashlib
from datetime import UTC, datetime
from typing import NewType
from uuid import UUID

TenantId = NewType("TenantId", UUID)
UserId = NewType("UserId", UUID)
ChannelId = NewType("ChannelId", UUID)
CustomerId = NewType("CustomerId", UUID)
ConversationId = NewType("ConversationId", UUID)
EventId = NewType("EventId", UUID)
MessageId = NewType("MessageId", UUID)
SendId = NewType("SendId", UUID)
DocumentId = NewType("DocumentId", UUID)
ServiceId = NewType("ServiceId", UUID)
ResultId = NewType("ResultId", UUID)
WindowId = NewType("WindowId", UUID)
AlertId = NewType("AlertId", UUID)
RouteId = NewType("RouteId", UUID)
DigestId = NewType("DigestId", UUID)
AnomalyId = NewType("AnomalyId", UUID)
SessionId = NewType("SessionId", UUID)
ApiKeyId = NewType("ApiKeyId", UUID)
CannedAnswerId = NewType("CannedAnswerId", UUID)
InvitationId = NewType("InvitationId", UUID)
WorkflowId = NewType("WorkflowId", UUID)
RunId = NewType("RunId", UUID)

#: Conversations are spread over so many slots; a shard owns every SHARDS-th of them,
#: so that another number of shards moves no row.
SLOTS = 1024


#: Version and variant bits of a UUID (RFC 9562): version 5, a name hashed by SHA-1.
_MARKS = 0xF << 76 | 0b11 << 62
_VERSION_5 = 5 << 76 | 0b10 << 62


def _derive(space: UUID, name: str) -> UUID:
    """Derive the same as `uuid5` in half the time: each message needs four ids."""
    name_bytes = space.bytes + name.encode()
    digest = hashlib.sha1(name_bytes, usedforsecurity=False).digest()
    return UUID(int=int.from_bytes(digest[:16]) & ~_MARKS | _VERSION_5)


def derive_conversation_id(channel: ChannelId, customer: str) -> ConversationId:
    """Derive the id of the one conversation of a customer on a channel.

    Two first messages that arrive at once derive the same id, so they can't make two
    conversations.
    """
    return ConversationId(_derive(channel, customer))


def derive_customer_id(channel: ChannelId, customer: str) -> CustomerId:
    """Derive the id of a platform's customer on a channel."""
    return CustomerId(_derive(channel, f"customer:{customer}"))


def derive_event_id(conversation: ConversationId, key: str) -> EventId:
    """Derive an event's id from the platform's own id, so a retry has the same."""
    return EventId(_derive(conversation, key))


def derive_result_id(service: ServiceId, slot_at: datetime) -> ResultId:
    """Derive the id of the one result of a service in a slot."""
    return ResultId(_derive(service, slot_at.astimezone(UTC).isoformat()))


def derive_alert_id(cause: ResultId, kind: str) -> AlertId:
    """Derive the id of the one alert of its kind that a result causes."""
    return AlertId(_derive(cause, f"alert:{kind}"))


def slot_of(conversation: ConversationId) -> int:
    """Return the slot, 0 to 1023, that owns the conversation."""
    return (conversation.int >> 112) % SLOTS


def derive_transition_id(cause: ResultId) -> ResultId:
    """Derive the id of the one change of status that a result causes."""
    return ResultId(_derive(cause, "transition"))
