"""The redaction of unsent events, as `redact_events` of journal.sql does it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from actors.conversation.events import (
    CustomerShared,
    CustomerWrote,
    EchoReceived,
    Event,
    MessageEdited,
)
from actors.conversation.rules.placeholders import (
    REDACTED_PLACEHOLDER,
    drop_placeholders,
    has_placeholder,
)
from persistence.ids import MessageId

#: Stands where there were words. Whether there were some decides, and whether they
#: changed: a second wording is "…2".
REDACTED = "…"


def number_wordings(events: Iterable[Event]) -> Mapping[str, str]:
    """Return what stands for each wording in the events of one message."""
    texts = {getattr(event, "text", "") for event in events} - {""}
    return {
        text: REDACTED + (str(rank) if rank > 1 else "")
        for rank, text in enumerate(sorted(texts), start=1)
    }


def redact_event(
    event: Event, message_ids: Sequence[MessageId], words: str = REDACTED
) -> Event:
    """Return the event without its words; `message_ids` are the messages it touched."""
    match event:
        case CustomerShared():
            return replace(event, content="", media=())
        case MessageEdited():
            return replace(event, text=reword(event.text, words))
        case CustomerWrote():
            text = event.text and reword(event.text, words)
            return replace(event, text=text, media=(), referred="")
        case EchoReceived() if MessageId(event.id) in message_ids:
            text = event.text and reword(event.text, words)
            return replace(event, text=text, media=())
        case _:
            return event


def reword(text: str, words: str) -> str:
    """Return what stays of a text: `words` for its words, a line for placeholders."""
    if not has_placeholder(text):
        return words
    rest = drop_placeholders(text).strip(" \n")
    return "\n".join((*([words] if rest else []), REDACTED_PLACEHOLDER))


def is_redacted(event: Event, message_ids: Sequence[MessageId]) -> bool:
    """Whether the event holds no words of a message any more."""
    text = getattr(event, "text", "")
    words = text.split("\n")[0] if text.startswith(REDACTED) else REDACTED
    return redact_event(event, message_ids, words) == event
