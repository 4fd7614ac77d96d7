"""Acts of a customer on Telegram without a message: presses, votes, reactions.

Source: Telegram, Bot API 10.3, CallbackQuery, PreCheckoutQuery and their neighbours.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from actors.conversation.rules.placeholders import Note, describe_act
from deployments.integrations.lenient_json import (
    Json,
    read_identifier,
    read_object,
    read_objects,
    read_text,
)
from deployments.integrations.telegram.content import (
    Content,
    describe_payment,
    read_content,
)

CALLBACK = "callback_query"


@dataclass(frozen=True, slots=True)
class Press:
    """What was done, in words; `referred` is the message that it was done to."""

    text: str
    referred: str = ""
    is_note: bool = False


def read_press(name: str, value: Json) -> Press:
    """Read an update of this name; one that is not known is named."""
    return KINDS.get(name, _read_unknown(name))(value)


def read_query_id(name: str, value: Json) -> str:
    """Return the id under which a pressed button is acknowledged; empty for others."""
    return read_identifier(value.get("id")) if name == CALLBACK else ""


def _read_callback(query: Json) -> Press:
    """Read a pressed button: what it says, or what it stands for."""
    message = read_object(query.get("message"))
    data = read_text(query.get("data"))
    content = read_content(message) if message else None
    words = content.text if isinstance(content, Content) else ""
    referred = "" if words == Note.NOT_SHOWN else words
    label = _find_label(message, data) if data else ""
    game = read_text(query.get("game_short_name"))
    text = label or data
    if not any(letter.isalpha() for letter in text):
        text = " ".join(filter(None, (Note.BUTTON, text, game)))
    return Press(text, referred)


def _find_label(message: Json, data: str) -> str:
    """Find what the pressed button says."""
    keyboard = read_object(message.get("reply_markup")).get("inline_keyboard")
    rows = keyboard if isinstance(keyboard, list) else []
    for row in rows:
        for button in read_objects(row):
            if button.get("callback_data") == data:
                return read_text(button.get("text"))
    return ""


def _read_reaction(value: Json) -> Press:
    """Read a reaction; one that was taken away is noted as such."""
    emoji = [
        read_text(one.get("emoji")) or read_text(one.get("type"))
        for one in read_objects(value.get("new_reaction"))
    ]
    text = " ".join((Note.REACTION, *filter(None, emoji or ["برداشته شد"])))
    return Press(text, is_note=True)


def _read_vote(value: Json) -> Press:
    chosen = value.get("option_ids")
    options = chosen if isinstance(chosen, list) else []
    numbers = [str(one + 1) for one in options if isinstance(one, int)]
    return Press(" ".join((Note.POLL_ANSWER, *numbers)))


def _read_payload(note: Note, member: str) -> Callable[[Json], Press]:
    def read(value: Json) -> Press:
        parts = (note, read_text(value.get(member)), read_text(value.get("state")))
        return Press(" ".join(filter(None, parts)))

    return read


def _read_payment(note: Note) -> Callable[[Json], Press]:
    return lambda value: Press(describe_payment(note, value))


def _read_unknown(name: str) -> Callable[[Json], Press]:
    return lambda _: Press(describe_act(name))


#: A checkout is not confirmed here: only the shop knows whether it can deliver, and
#: Telegram takes no money for one that nobody confirmed.
KINDS: Mapping[str, Callable[[Json], Press]] = {
    CALLBACK: _read_callback,
    "pre_checkout_query": _read_payment(Note.CHECKOUT),
    "shipping_query": _read_payment(Note.SHIPPING),
    "purchased_paid_media": _read_payload(Note.PURCHASE, "paid_media_payload"),
    "subscription": _read_payload(Note.SUBSCRIPTION, "invoice_payload"),
    "poll_answer": _read_vote,
    "message_reaction": _read_reaction,
}
