"""Messages of a website's visitors: validation, and the event of each."""

import re
from dataclasses import dataclass
from datetime import datetime
from typing import cast

from actors.conversation.events import CustomerWrote
from actors.conversation.rules.placeholders import has_words
from actors.conversation.state import Source
from deployments.integrations.errors import BrokenBodyError, InvalidFieldError
from deployments.integrations.lenient_json import read_json
from persistence.channels import Channel
from persistence.ids import derive_conversation_id, derive_event_id

#: Four bytes a letter, all of them escaped, and the other fields.
MAX_BODY_BYTES = 64 * 1024
MAX_CONTENT_CHARS = 4000
# A visitor's id opens the conversation: shorter ones could be guessed.
_VISITOR = re.compile(r"[A-Za-z0-9._~-]{8,128}")
_CLIENT = re.compile(r"[A-Za-z0-9._~:-]{1,64}")


@dataclass(frozen=True, slots=True)
class VisitorMessage:
    """A visitor's message. `client_id` is the page's own id of it."""

    visitor_id: str
    content: str
    client_id: str | None = None


def parse_message(body: bytes) -> VisitorMessage:
    """Read the body of a POST.

    Raises:
        BrokenBodyError: it is not a JSON object.
        InvalidFieldError: naming the first invalid field.
    """
    payload = read_json(body)
    if not isinstance(payload, dict):
        message = "The body is not a JSON object."
        raise BrokenBodyError(message)
    fields = cast("dict[str, object]", payload)
    return check_message(
        fields.get("visitor_id"), fields.get("content"), fields.get("client_id")
    )


def check_message(
    visitor_id: object, content: object, client_id: object = None
) -> VisitorMessage:
    """Check the fields. Raises InvalidFieldError naming the first invalid one."""
    if not isinstance(content, str) or not has_words(content):
        message = "must be a text with words"
        raise InvalidFieldError(message, "content")
    if len(content) > MAX_CONTENT_CHARS:
        message = f"must have at most {MAX_CONTENT_CHARS} characters"
        raise InvalidFieldError(message, "content")
    if "\0" in content:
        message = "must not contain NUL"
        raise InvalidFieldError(message, "content")
    if client_id is None:
        return VisitorMessage(check_visitor_id(visitor_id), content)
    if not isinstance(client_id, str) or not _CLIENT.fullmatch(client_id):
        message = "must be 1 to 64 letters, digits or any of . _ ~ : -"
        raise InvalidFieldError(message, "client_id")
    return VisitorMessage(check_visitor_id(visitor_id), content, client_id)


def check_visitor_id(visitor_id: object) -> str:
    """Check a visitor's id. Raises InvalidFieldError."""
    if not isinstance(visitor_id, str) or not _VISITOR.fullmatch(visitor_id):
        message = "must be 8 to 128 letters, digits or any of . _ ~ -"
        raise InvalidFieldError(message, "visitor_id")
    return visitor_id


def build_event(
    channel: Channel, message: VisitorMessage, mid: str, at: datetime
) -> CustomerWrote:
    """Build the event; its id follows from `mid`."""
    conversation_id = derive_conversation_id(channel.id, message.visitor_id)
    return CustomerWrote(
        id=derive_event_id(conversation_id, mid),
        conversation_id=conversation_id,
        at=at,
        tenant_id=channel.tenant_id,
        channel_id=channel.id,
        source=Source.WEBSITE,
        customer=message.visitor_id,
        mid=mid,
        text=message.content,
    )
