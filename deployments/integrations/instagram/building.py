"""Builds a conversation's events from what a webhook tells."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import TypeAlias, TypedDict, assert_never

from actors.conversation import events
from actors.conversation.state import Source
from deployments.integrations.instagram.incoming import EventKind, WebhookEvent
from persistence.channels import AutomaticGreetings, Channel
from persistence.ids import (
    ChannelId,
    ConversationId,
    TenantId,
    derive_conversation_id,
    derive_event_id,
)

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


class _Fields(TypedDict):
    """The fields that all events of a webhook have."""

    conversation_id: ConversationId
    at: datetime
    tenant_id: TenantId
    channel_id: ChannelId
    source: Source
    customer: str
    mid: str


def build_event(
    channel: Channel, incoming: WebhookEvent, at: datetime, *, same_echoes: int = 0
) -> InstagramEvent:
    """Build the event; `at` is our clock, whatever the platform's says.

    `same_echoes` are the other conversations in which an echo's text was sent lately.
    """
    fields = _Fields(
        conversation_id=derive_conversation_id(channel.id, incoming.customer),
        at=at,
        tenant_id=channel.tenant_id,
        channel_id=channel.id,
        source=Source.INSTAGRAM,
        customer=incoming.customer,
        mid=incoming.mid,
    )
    match incoming.kind:
        case EventKind.WROTE:
            return _build_words(incoming, fields)
        case EventKind.SHARED:
            return _build_share(incoming, fields)
        case EventKind.ECHO:
            setting = channel.automatic_greetings
            return replace(
                _build_echo(incoming, fields),
                may_be_greeting=setting is AutomaticGreetings.RECOGNISE,
                same_echoes=same_echoes,
            )
        case EventKind.UNSENT:
            thread = fields["conversation_id"]
            event_id = derive_event_id(thread, f"unsent:{incoming.mid}")
            return events.MessageUnsent(id=event_id, **fields, is_ours=incoming.is_ours)
        case EventKind.EDITED:
            return _build_edit(incoming, fields)
        case _:
            assert_never(incoming.kind)


def _build_words(incoming: WebhookEvent, fields: _Fields) -> events.CustomerWrote:
    return events.CustomerWrote(
        id=events.customer_message_id(fields["conversation_id"], incoming.mid),
        **fields,
        text=incoming.text,
        message_type=incoming.message_type,
        media=incoming.media,
        referred=incoming.referred,
        reply_to_mid=incoming.reply_to_mid,
        written_at=_find_writing(incoming.sent_ms, fields["at"]),
        is_standby=incoming.is_standby,
    )


def _build_share(incoming: WebhookEvent, fields: _Fields) -> events.CustomerShared:
    thread, mid, part = fields["conversation_id"], incoming.mid, incoming.part
    return events.CustomerShared(
        id=events.share_message_id(thread, mid, part),
        **fields,
        content=incoming.text,
        media=incoming.media,
        written_at=_find_writing(incoming.sent_ms, fields["at"]),
        part=part,
        # A post has an address or an id; what a customer comes from has neither.
        is_post=bool(incoming.media),
        is_standby=incoming.is_standby,
    )


def _build_echo(incoming: WebhookEvent, fields: _Fields) -> events.EchoReceived:
    return events.EchoReceived(
        id=events.echo_message_id(fields["conversation_id"], incoming.mid),
        **fields,
        text=incoming.text,
        message_type=incoming.message_type,
        media=incoming.media,
        written_at=_find_writing(incoming.sent_ms, fields["at"]),
        is_standby=incoming.is_standby,
    )


def _build_edit(incoming: WebhookEvent, fields: _Fields) -> events.MessageEdited:
    name = f"edited:{incoming.mid}:{incoming.edit}"
    return events.MessageEdited(
        id=derive_event_id(fields["conversation_id"], name),
        **fields,
        text=incoming.text,
        is_ours=incoming.is_ours,
        order=incoming.edit_order,
    )


def _find_writing(sent_ms: int, at: datetime) -> datetime | None:
    """Return when a late message was written; None for one that came at once."""
    late_s = at.timestamp() - sent_ms / 1000
    if not PUNCTUAL_S < late_s < GIVEN_UP_AFTER_S:
        return None
    return at - timedelta(seconds=late_s)
