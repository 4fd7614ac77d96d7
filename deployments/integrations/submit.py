"""What becomes of an edit of a message that we never had."""

from typing import TYPE_CHECKING

from actors.conversation.errors import UnknownConversationError
from actors.conversation.events import (
    CustomerWrote,
    Event,
    MessageEdited,
    customer_message_id,
)

if TYPE_CHECKING:
    # Importing it imports Ray, which webhooks do not need to be built or tested.
    from actors.conversation.client import Shards
    from actors.conversation.shard.shard import Receipt


async def store(shards: "Shards", event: Event, *, is_news: bool) -> "Receipt | None":
    """Store the event; None when it corrects what we never had, and is not news.

    An edit that overtakes a customer's very first message is all that we have of it:
    it is stored as that message, whose own delivery then is a repeated one, and as the
    edit that it is, so that an earlier one which comes later is known as such.
    """
    try:
        return await shards.submit(event)
    except UnknownConversationError:
        if not (is_news and isinstance(event, MessageEdited)):
            return None
    await shards.submit(_message_of(event))
    return await shards.submit(event)


def _message_of(edit: MessageEdited) -> CustomerWrote:
    return CustomerWrote(
        id=customer_message_id(edit.conversation_id, edit.mid),
        conversation_id=edit.conversation_id,
        at=edit.at,
        tenant_id=edit.tenant_id,
        channel_id=edit.channel_id,
        source=edit.source,
        customer=edit.customer,
        mid=edit.mid,
        text=edit.text,
    )
