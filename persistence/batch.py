"""The rows of one batch of a shard, as they are written."""

from dataclasses import dataclass, field
from datetime import datetime

from persistence import ids
from persistence.erasure import Erasure, ForgottenEvent
from persistence.notes import NoteRow
from persistence.workflow_runs import Progress

#: No media, as JSON text.
NO_MEDIA = "[]"


# Rows that are written are neither frozen nor slotted: five are made per message, which
# takes eight times as long frozen, and slotted writing as JSON three times as long.
@dataclass
class TimerRow:
    """An armed timer of a conversation."""

    conversation_id: ids.ConversationId
    kind: str
    slot: int
    due_at: datetime


@dataclass
class CustomerRow:
    """A new customer, or a new name of one."""

    id: ids.CustomerId
    tenant_id: ids.TenantId
    channel_id: ids.ChannelId
    platform_id: str
    created_at: datetime
    first_name: str = ""
    last_name: str = ""
    username: str = ""


@dataclass
class ConversationRow:
    """A conversation's newest state. `state` is JSON text."""

    id: ids.ConversationId
    tenant_id: ids.TenantId
    channel_id: ids.ChannelId
    customer_id: ids.CustomerId
    source: str
    slot: int
    version: int
    state: str
    status: str
    needs_operator: bool
    last_message_id: ids.MessageId | None
    created_at: datetime
    updated_at: datetime


@dataclass
class EventRow:
    """An event. `payload` is JSON text."""

    id: ids.EventId
    conversation_id: ids.ConversationId
    tenant_id: ids.TenantId
    version: int
    seq: int
    at: datetime
    kind: str
    payload: str
    #: The messages that the event added or changed.
    message_ids: tuple[ids.MessageId, ...]


@dataclass
class MessageRow:
    """A new message. `metadata` is JSON text."""

    id: ids.MessageId
    tenant_id: ids.TenantId
    conversation_id: ids.ConversationId
    seq: int
    type: str
    message_type: str
    content: str
    processing_status: str
    platform_id: str | None
    delivery: str | None
    metadata: str
    created_at: datetime
    #: The question as the AI got it, with the shared post.
    combined_content: str | None = None
    #: The position by the time of writing; `seq` is the order of storing.
    position: int = 0


@dataclass
class ProofRow:
    """The proof of an answer. `proof` is JSON text."""

    message_id: ids.MessageId
    tenant_id: ids.TenantId
    conversation_id: ids.ConversationId
    proof: str


@dataclass
class SendRow:
    """A part of a message of ours, and its delivery status."""

    id: ids.SendId
    conversation_id: ids.ConversationId
    message_id: ids.MessageId
    tenant_id: ids.TenantId
    channel_id: ids.ChannelId
    part: int
    content: str
    delivery: str
    attempts: int
    platform_id: str | None
    error: str
    updated_at: datetime


@dataclass
class MessageUpdate:
    """A change of a stored message; None leaves a column as it is."""

    id: ids.MessageId
    processing_status: str | None = None
    delivery: str | None = None
    platform_id: str | None = None
    reason: str = ""
    content: str | None = None
    combined_content: str | None = None
    #: Media that are added, as JSON text.
    media: str = NO_MEDIA
    is_edited: bool = False
    #: The author took the message back: none of its words stay.
    is_unsent: bool = False
    #: The share that the message was combined with was taken back.
    is_uncombined: bool = False
    feedback: str | None = None
    feedback_comment: str | None = None


@dataclass(slots=True)
class Batch:
    """The rows of one group commit.

    The dicts hold the newest value of each key: a statement can touch a row once, so
    changes of a new message within its batch are in its MessageRow already.
    """

    customers: dict[ids.CustomerId, CustomerRow] = field(default_factory=dict)
    conversations: dict[ids.ConversationId, ConversationRow] = field(
        default_factory=dict
    )
    events: list[EventRow] = field(default_factory=list)
    messages: dict[ids.MessageId, MessageRow] = field(default_factory=dict)
    updates: dict[ids.MessageId, MessageUpdate] = field(default_factory=dict)
    proofs: list[ProofRow] = field(default_factory=list)
    sends: dict[ids.SendId, SendRow] = field(default_factory=dict)
    timers: dict[tuple[ids.ConversationId, str], TimerRow | None] = field(
        default_factory=dict
    )
    #: Matches lines of texts that only a person could answer, in PostgreSQL's spelling,
    #: and the line that a redaction leaves of them.
    placeholder_lines: tuple[str, str] = ("", "")
    #: Messages that were unsent, by their platform ids: see `redact_events`.
    redacted: set[tuple[ids.ConversationId, str]] = field(default_factory=set)
    #: What operators noted among themselves.
    notes: list[NoteRow] = field(default_factory=list)
    #: What runs of workflows did.
    progress: Progress = field(default_factory=Progress)
    #: The customer who is erased, alone in its batch; events of those erased before.
    erasure: Erasure | None = None
    forgotten: list[ForgottenEvent] = field(default_factory=list)

    @property
    def is_plain(self) -> bool:
        """Whether one statement writes all of it."""
        return not (
            self.redacted
            or self.forgotten
            or self.erasure
            or self.progress
            or self.notes
        )
