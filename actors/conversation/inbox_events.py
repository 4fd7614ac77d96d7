"""The events of the inbox in a conversation: what people arrange among themselves."""

from dataclasses import dataclass
from datetime import datetime

from actors.conversation.workflow_events import ConversationEvent
from persistence import ids


@dataclass(frozen=True, slots=True, kw_only=True)
class InboxEvent(ConversationEvent):
    """An event that the customer and the AI notice nothing of."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConversationAssigned(InboxEvent):
    """An operator gave the conversation to somebody, or to nobody."""

    #: Whoever assigned it.
    user_id: ids.UserId
    assignee_id: ids.UserId | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ConversationSnoozed(InboxEvent):
    """An operator put the conversation aside until a time, or ended that with None."""

    user_id: ids.UserId
    until: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class NoteWritten(InboxEvent):
    """An operator noted something for the others; the customer never sees it."""

    user_id: ids.UserId
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SnoozeFellDue(InboxEvent):
    """The snooze timer that was set for `due_at` ran out."""

    due_at: datetime
