"""Submission of webhook events to the shards, with a count of each outcome."""

import json
from dataclasses import asdict
from functools import cache

import structlog
from prometheus_client import Counter

from actors.conversation import errors, events, state
from actors.conversation.client import Shards
from actors.conversation.shard.envelope import Receipt
from actors.errors import ActorError
from config.metrics import DEAD_LETTERS, WEBHOOK_EVENTS
from persistence.database import Db
from persistence.dead_letters import DeadLetter, insert_dead_letter
from persistence.errors import DATABASE_AWAY

#: The beginning is enough to know what was delivered.
MAX_PAYLOAD_CHARS = 20_000

log = structlog.get_logger("webhooks")


@cache
def webhook_outcome(source: state.Source, outcome: str) -> Counter:
    """Return the counter of an outcome; a look-up by labels takes a lock each time."""
    return WEBHOOK_EVENTS.labels(source.value, outcome)


async def submit_event(
    shards: Shards,
    db: Db,
    source: state.Source,
    event: events.InboundEvent,
    *,
    may_overtake: bool,
) -> None:
    """Submit an event and count what became of it.

    An event that can never be stored becomes a dead letter: a platform that is refused
    delivers it again for days, with all others of its webhook.

    Args:
        shards: where the event is stored.
        db: where a dead letter is stored.
        source: the platform, as the metrics name it.
        event: one event of a webhook.
        may_overtake: an edit may arrive before the message that it edits.

    Raises:
        ActorError: the event is not stored, and may be later; logged and counted.
    """
    try:
        receipt = await _submit(shards, event, may_overtake=may_overtake)
    except ActorError as error:
        webhook_outcome(source, "not_stored").inc()
        log.exception(
            "webhook_event_not_stored",
            event_id=str(event.id),
            conversation_id=str(event.conversation_id),
            reason=str(error),
        )
        if not error.permanent:
            raise
        await _keep_letter(db, source, event, error)
        return
    if receipt is None:
        # A message from before the channel was connected was edited or taken back.
        webhook_outcome(source, "nothing_to_correct").inc()
        return
    webhook_outcome(source, "duplicate" if receipt.is_duplicate else "stored").inc()


async def _keep_letter(
    db: Db, source: state.Source, event: events.InboundEvent, error: ActorError
) -> None:
    """Keep the event as a dead letter. Raises ShardUnavailableError without one."""
    name = type(error).__name__
    # ASCII alone: what the database refuses in the event must not be refused here too.
    payload = json.dumps(asdict(event), default=str)[:MAX_PAYLOAD_CHARS]
    letter = DeadLetter(
        id=event.id,
        channel_id=event.channel_id,
        conversation_id=event.conversation_id,
        kind=type(event).__name__,
        payload=payload,
        error=name,
        created_at=event.at,
    )
    try:
        await insert_dead_letter(db, event.tenant_id, letter)
    except DATABASE_AWAY as away:
        raise errors.ShardUnavailableError from away
    DEAD_LETTERS.labels(source.value, name).inc()


async def _submit(
    shards: Shards, event: events.Event, *, may_overtake: bool
) -> Receipt | None:
    """Store the event; None when it corrects a message that we never had.

    An edit that overtakes a customer's very first message is all that we have of it:
    it is stored as that message, whose own delivery then is a repeated one, and as the
    edit that it is, so that an earlier edit which comes later is known as such.
    """
    try:
        return await shards.submit(event)
    except errors.UnknownConversationError:
        if not (may_overtake and isinstance(event, events.MessageEdited)):
            return None
    await shards.submit(_build_message(event))
    try:
        return await shards.submit(event)
    except errors.UnknownConversationError:
        # The message is known, and its customer was erased meanwhile.
        return None


def _build_message(edit: events.MessageEdited) -> events.CustomerWrote:
    return events.CustomerWrote(
        id=events.customer_message_id(edit.conversation_id, edit.mid),
        conversation_id=edit.conversation_id,
        at=edit.at,
        tenant_id=edit.tenant_id,
        channel_id=edit.channel_id,
        source=edit.source,
        customer=edit.customer,
        mid=edit.mid,
        text=edit.text,
    )
