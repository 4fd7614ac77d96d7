"""What PostgreSQL leaves of an event whose words were taken back, told in Python."""

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
FORGOTTEN = "…"


def redact_events(event: Event, message_ids: Sequence[MessageId]) -> Event:
    """Return the event without what it says; `message_ids` is what it touched."""
    match event:
        case CustomerShared():
            return replace(event, content="", media=())
        case MessageEdited():
            return replace(event, text=FORGOTTEN)
        case CustomerWrote():
            return replace(event, text=event.text and FORGOTTEN, media=())
        case EchoReceived() if MessageId(event.id) in message_ids:
            return replace(event, text=event.text and FORGOTTEN, media=())
        case _:
            return event
