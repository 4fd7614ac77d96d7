"""Encodes states and events as JSON, and decodes them."""

from collections.abc import Sequence
from dataclasses import fields, replace
from datetime import timedelta
from functools import cache

import orjson
from pydantic import TypeAdapter

from actors.conversation.effects import RecordMessage
from actors.conversation.events import Event, Media, ReplyWritten
from actors.conversation.state import Conversation
from actors.conversation.traces import AnswerTrace
from actors.workflow.run import Run
from persistence.journal import NO_MEDIA

#: Fields of a state under the names that they had before migration 0017.
_FORMER_NAMES = {
    "doubted": "unconfirmed",
    "placed": "positions",
    "quest": "profile_lookup",
}
#: The fields of a trace that are stored apart: see AnswerTrace.
_PROOF = ("prompt", "questions", "question", "quoted", "understanding", "faults")
#: The metadata of an unsent message.
UNSENT_METADATA = '{"unsent":true}'


def encode_state(state: Conversation) -> str:
    """Write a state as JSON text."""
    return orjson.dumps(state).decode()


def decode_state(text: str) -> Conversation:
    """Read a state back; equal to the one that was written.

    States of the release before migration 0017 are read as well: its shards go on
    writing between the migration and their end.
    """
    if any(f'"{name}":' in text for name in _FORMER_NAMES):
        text = _rename_fields(text)
    return _states().validate_json(text)


def decode_runs(text: str) -> tuple[Run, ...]:
    """Read the runs of a state, as JSON text."""
    return _runs().validate_json(text) if text != "[]" else ()


def _rename_fields(text: str) -> str:
    fields = orjson.loads(text)
    renamed = {_FORMER_NAMES.get(name, name): fields[name] for name in fields}
    lookup = renamed.get("profile_lookup")
    if lookup is not None and "ask_at" in lookup:
        lookup["next_lookup_at"] = lookup.pop("ask_at")
    return orjson.dumps(renamed).decode()


def encode_event(event: Event) -> str:
    """Write an event as JSON text; its kind is stored beside it."""
    return orjson.dumps(event, default=_encode_duration).decode()


def strip_proof(event: Event) -> Event:
    """Return the event as the history keeps it: without the proof of an answer."""
    if not isinstance(event, ReplyWritten):
        return event
    empty = AnswerTrace()
    bare = {name: getattr(empty, name) for name in _PROOF}
    return replace(event, trace=replace(event.trace, **bare))


def encode_proof(trace: AnswerTrace | None) -> str | None:
    """Write the proof of an answer as JSON text; None if it has none."""
    proof = {name: getattr(trace, name) for name in _PROOF} if trace else {}
    return orjson.dumps(proof).decode() if any(proof.values()) else None


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
    """Write an answer's trace, or a message's media and references, as JSON text."""
    if message.is_unsent:
        return UNSENT_METADATA
    metadata = "{}"
    if message.trace is not None:
        names = [item.name for item in fields(message.trace) if item.name not in _PROOF]
        kept = {name: getattr(message.trace, name) for name in names}
        metadata = orjson.dumps(kept).decode()
    else:
        parts = {
            "media": message.media,
            "referred": message.referred,
            "reply_to_mid": message.reply_to_mid,
            "workflow": message.written_by,
        }
        parts = {name: part for name, part in parts.items() if part}
        metadata = orjson.dumps(parts).decode() if parts else metadata
    return mark_edited(metadata) if message.is_edited else metadata


def add_failure_reason(metadata: str, reason: str) -> str:
    """Add why a message failed to its metadata."""
    return orjson.dumps({**orjson.loads(metadata), "failure_reason": reason}).decode()


def mark_edited(metadata: str) -> str:
    """Mark a message's metadata as edited."""
    return orjson.dumps({**orjson.loads(metadata), "edited": True}).decode()


def encode_media(media: Sequence[Media]) -> str:
    """Write media as JSON text."""
    return orjson.dumps(media).decode()


def join_media(first: str, second: str) -> str:
    """Join two lists of media, both JSON text."""
    if NO_MEDIA in (first, second):
        return second if first == NO_MEDIA else first
    return orjson.dumps([*orjson.loads(first), *orjson.loads(second)]).decode()


def add_media(metadata: str, media: str) -> str:
    """Add media to a message's metadata, both JSON text."""
    if media == NO_MEDIA:
        return metadata
    parts = orjson.loads(metadata)
    parts["media"] = [*parts.get("media", ()), *orjson.loads(media)]
    return orjson.dumps(parts).decode()


def _encode_duration(value: object) -> float:
    """Encode a duration in seconds, which orjson does not."""
    if isinstance(value, timedelta):
        return value.total_seconds()
    raise TypeError(value)


# Adapters take a millisecond to build and are asked for thousands of times a second.
@cache
def _runs() -> TypeAdapter[tuple[Run, ...]]:
    return TypeAdapter(tuple[Run, ...])


@cache
def _states() -> TypeAdapter[Conversation]:
    return TypeAdapter(Conversation)


@cache
def _events(kind: str) -> TypeAdapter[Event]:
    kinds = {event.__name__: event for event in Event.__args__}
    return TypeAdapter(kinds[kind])
