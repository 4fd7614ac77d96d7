"""The redaction of unsent events, as `redact_events` of journal.sql does it."""

from collections.abc import Sequence
from dataclasses import replace

from actors.conversation.events import (
    CustomerShared,
    CustomerWrote,
    EchoReceived,
    Event,
    MessageEdited,
)
from persistence.ids import MessageId

#: Stands where there were words: whether there were some decides, what they were not.
REDACTED = "…"


def redact_event(event: Event, message_ids: Sequence[MessageId]) -> Event:
    """Return the event without its words; `message_ids` are the messages it touched."""
    match event:
        case CustomerShared():
            return replace(event, content="", media=())
        case MessageEdited():
            return replace(event, text=REDACTED)
        case CustomerWrote():
            return replace(event, text=event.text and REDACTED, media=(), referred="")
        case EchoReceived() if MessageId(event.id) in message_ids:
            return replace(event, text=event.text and REDACTED, media=())
        case _:
            return event
