"""Submission of webhook events to the shards, with a count of each outcome."""

from functools import cache

import structlog
from prometheus_client import Counter

from actors.conversation import errors, events, state
from actors.conversation.client import Shards
from actors.conversation.shard.envelope import Receipt
from config.metrics import WEBHOOK_EVENTS

log = structlog.get_logger("webhooks")


@cache
def webhook_outcome(source: state.Source, outcome: str) -> Counter:
    """Return the counter of an outcome; a look-up by labels takes a lock each time."""
    return WEBHOOK_EVENTS.labels(source.value, outcome)


async def submit_event(
    shards: Shards, source: state.Source, event: events.Event, *, may_overtake: bool
) -> None:
    """Submit an event and count what became of it.

    Args:
        shards: where the event is stored.
        source: the platform, as the metrics name it.
        event: one event of a webhook.
        may_overtake: an edit may arrive before the message that it edits.

    Raises:
        ActorError: the event is not stored; logged and counted already.
    """
    try:
        receipt = await _submit(shards, event, may_overtake=may_overtake)
    except errors.ActorError as error:
        webhook_outcome(source, "not_stored").inc()
        log.exception(
            "webhook_event_not_stored",
            event_id=str(event.id),
            conversation_id=str(event.conversation_id),
            reason=str(error),
        )
        raise
    if receipt is None:
        # A message from before the channel was connected was edited or taken back.
        webhook_outcome(source, "nothing_to_correct").inc()
        return
    webhook_outcome(source, "duplicate" if receipt.is_duplicate else "stored").inc()


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
