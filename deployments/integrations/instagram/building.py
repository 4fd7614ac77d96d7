"""Builds a conversation's events from what a webhook tells."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import TypeAlias, TypeVar, assert_never

from actors.conversation import events
from actors.conversation.state import Source
from deployments.integrations.instagram.incoming import EventKind, WebhookEvent
from persistence.channels import AutomaticGreetings, Channel
from persistence.ids import EventId, derive_conversation_id, derive_event_id

#: An event within this is on time; the clocks differ a little.
PUNCTUAL_S = 60.0
#: Meta gives up after 36 hours: an older time stamp must be wrong.
GIVEN_UP_AFTER_S = 36 * 3600.0

InstagramEvent: TypeAlias = (
    events.CustomerWrote
    | events.CustomerShared
    | events.EchoReceived
    | events.MessageUnsent
    | events.MessageEdited
)
InboundT = TypeVar("InboundT", bound=events.Inbound)


def build_event(
    channel: Channel, incoming: WebhookEvent, at: datetime, *, same_echoes: int = 0
) -> InstagramEvent:
    """Build the event; `at` is our clock, whatever the platform's says.

    `same_echoes` are the other conversations in which an echo's text was sent lately.
    """
    thread = derive_conversation_id(channel.id, incoming.customer)
    mid, text, media = incoming.mid, incoming.text, incoming.media
    shared_fields = _shared_fields(channel, incoming, at)
    written_at = _find_writing(incoming.sent_ms, at)

    def build(
        event: Callable[..., InboundT], event_id: EventId, **own: object
    ) -> InboundT:
        return event(id=event_id, **shared_fields, **own)

    match incoming.kind:
        case EventKind.WROTE:
            return build(
                events.CustomerWrote,
                events.customer_message_id(thread, mid),
                text=text,
                message_type=incoming.message_type,
                media=media,
                referred=incoming.referred,
                reply_to_mid=incoming.reply_to_mid,
                written_at=written_at,
                is_standby=incoming.is_standby,
            )
        case EventKind.SHARED:
            return build(
                events.CustomerShared,
                events.share_message_id(thread, mid, incoming.part),
                content=text,
                media=media,
                written_at=written_at,
                part=incoming.part,
                is_standby=incoming.is_standby,
            )
        case EventKind.ECHO:
            setting = channel.automatic_greetings
            return build(
                events.EchoReceived,
                events.echo_message_id(thread, mid),
                text=text,
                message_type=incoming.message_type,
                media=media,
                written_at=written_at,
                is_standby=incoming.is_standby,
                may_be_greeting=setting is AutomaticGreetings.RECOGNISE,
                same_echoes=same_echoes,
            )
        case EventKind.UNSENT:
            event_id = derive_event_id(thread, f"unsent:{mid}")
            return build(events.MessageUnsent, event_id, is_ours=incoming.is_ours)
        case EventKind.EDITED:
            event_id = derive_event_id(thread, f"edited:{mid}:{incoming.edit}")
            return build(
                events.MessageEdited,
                event_id,
                text=text,
                is_ours=incoming.is_ours,
                order=incoming.edit_order,
            )
        case _:
            assert_never(incoming.kind)


def _shared_fields(
    channel: Channel, incoming: WebhookEvent, at: datetime
) -> Mapping[str, object]:
    """Return the fields that all events of a webhook have."""
    return {
        "conversation_id": derive_conversation_id(channel.id, incoming.customer),
        "at": at,
        "tenant_id": channel.tenant_id,
        "channel_id": channel.id,
        "source": Source.INSTAGRAM,
        "customer": incoming.customer,
        "mid": incoming.mid,
    }


def _find_writing(sent_ms: int, at: datetime) -> datetime | None:
    """Return when a late message was written; None for one that came at once."""
    late_s = at.timestamp() - sent_ms / 1000
    if not PUNCTUAL_S < late_s < GIVEN_UP_AFTER_S:
        return None
    return at - timedelta(seconds=late_s)
