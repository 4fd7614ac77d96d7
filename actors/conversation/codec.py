"""Encodes states and events as JSON, and decodes them."""

from datetime import timedelta
from functools import cache

import orjson
from pydantic import TypeAdapter

from actors.conversation.effects import RecordMessage
from actors.conversation.events import Event
from actors.conversation.state import Conversation

#: The metadata of an unsent message.
UNSENT_METADATA = '{"unsent":true}'


def encode_state(state: Conversation) -> str:
    """Write a state as JSON text."""
    return orjson.dumps(state).decode()


def decode_state(text: str) -> Conversation:
    """Read a state back; equal to the one that was written."""
    return _states().validate_json(text)


def encode_event(event: Event) -> str:
    """Write an event as JSON text; its kind is stored beside it."""
    return orjson.dumps(event, default=_encode_duration).decode()


def decode_event(kind: str, text: str) -> Event:
    """Read an event back.

    Raises:
        KeyError: no event is called `kind`.
    """
    return _events(kind).validate_json(text)


def kind_of(event: Event) -> str:
    """Return the kind of the event in the history."""
    return type(event).__name__


def encode_metadata(message: RecordMessage) -> str:
    """Write the trace of an answer, or the media of a message, as JSON text."""
    if message.is_unsent:
        return UNSENT_METADATA
    metadata = "{}"
    if message.trace is not None:
        metadata = orjson.dumps(message.trace).decode()
    elif message.media:
        metadata = orjson.dumps({"media": message.media}).decode()
    return mark_edited(metadata) if message.is_edited else metadata


def add_failure_reason(metadata: str, reason: str) -> str:
    """Add why a message failed to its metadata."""
    return orjson.dumps({**orjson.loads(metadata), "failure_reason": reason}).decode()


def mark_edited(metadata: str) -> str:
    """Mark a message's metadata as edited."""
    return orjson.dumps({**orjson.loads(metadata), "edited": True}).decode()


def _encode_duration(value: object) -> float:
    """Encode a duration in seconds, which orjson does not."""
    if isinstance(value, timedelta):
        return value.total_seconds()
    raise TypeError(value)


# Adapters take a millisecond to build and are asked for thousands of times a second.
@cache
def _states() -> TypeAdapter[Conversation]:
    return TypeAdapter(Conversation)


@cache
def _events(kind: str) -> TypeAdapter[Event]:
    kinds = {event.__name__: event for event in Event.__args__}
    return TypeAdapter(kinds[kind])
