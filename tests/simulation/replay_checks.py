"""Checks of the stored events, once a simulated history has ended."""

from collections.abc import Iterator

from actors.conversation.codec import decode_event, decode_state
from actors.conversation.events import Inbound
from actors.conversation.replay import find_differences, rebuild
from actors.conversation.rules.policy import Policy
from actors.conversation.rules.workflows.following import NO_BOOK, Book
from persistence.history import StoredEvent
from persistence.ids import ConversationId
from persistence.journal import EventRow
from tests.support.conversation.memory_journal import MemoryJournal
from tests.support.conversation.redaction import is_redacted


def find_unfaithful(
    memory: MemoryJournal, policy: Policy, book: Book = NO_BOOK
) -> Iterator[tuple[ConversationId, tuple[str, ...]]]:
    """Yield the conversations whose replay differs from their state, and how."""
    for row in memory.conversations.values():
        steps = [
            StoredEvent(event.version, event.kind, event.payload)
            for event in sorted(
                _events_of(memory, row.id), key=lambda event: event.version
            )
        ]
        different = find_differences(row.state, rebuild(steps, policy, book))
        if different:
            yield row.id, different


def find_unredacted(memory: MemoryJournal) -> Iterator[EventRow]:
    """Yield the events that still hold an unsent text."""
    for row in memory.conversations.values():
        unsent = decode_state(row.state).unsent_mids
        for written in _events_of(memory, row.id):
            event = decode_event(written.kind, written.payload)
            if (
                isinstance(event, Inbound)
                and event.mid in unsent
                and not is_redacted(event, written.message_ids)
            ):
                yield written


def _events_of(memory: MemoryJournal, conversation: ConversationId) -> list[EventRow]:
    rows = (stored.row for stored in memory.events.values())
    return [row for row in rows if row.conversation_id == conversation]
