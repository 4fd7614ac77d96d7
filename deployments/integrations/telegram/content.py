"""The content of a Telegram message: text, files, and what else a customer can send."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from itertools import chain

from actors.conversation import events
from actors.conversation.rules.placeholders import PLACEHOLDERS, Note, describe_act
from actors.conversation.state import MessageType
from deployments.integrations.lenient_json import (
    Json,
    read_identifier,
    read_object,
    read_objects,
    read_text,
)
from deployments.integrations.telegram import members
from deployments.integrations.telegram.rich_text import (
    find_files,
    flatten_blocks,
    read_file_id,
    write_links,
)

#: A form may hold a whole order; the end of a longer one is cut.
MAX_FORM_CHARS = 8000
#: Telegram Stars, the one currency without smaller units here.
STARS = "XTR"
#: Files, by the member that holds one. An animation comes as a document too, and a
#: live photo as a photo, so the order counts. A sticker is a picture, but it says what
#: its emoji says.
FILES: Mapping[str, MessageType] = {
    "live_photo": MessageType.IMAGE,
    "photo": MessageType.IMAGE,
    "voice": MessageType.VOICE,
    "audio": MessageType.VOICE,
    "video": MessageType.VIDEO,
    "video_note": MessageType.VIDEO,
    "animation": MessageType.VIDEO,
    "sticker": MessageType.TEXT,
    "document": MessageType.TEXT,
}


@dataclass(frozen=True, slots=True)
class Content:
    """The content of a message; `text` is empty for a file without words."""

    text: str
    message_type: MessageType = MessageType.TEXT
    media: tuple[events.Media, ...] = ()

    @property
    def shown(self) -> str:
        """The text, or the placeholder of a file without words."""
        return self.text or PLACEHOLDERS[self.message_type]


def read_content(message: Json) -> Content | members.Skipped:
    """Read the content of a message, or the reason why it has none.

    What is not known here is content as well: somebody sent it.
    """
    text = read_text(write_links(message.get("text"), message.get("entities")))
    if text:
        return Content(text)
    if "rich_message" in message:
        return _read_rich(read_object(message["rich_message"]))
    for member, message_type in FILES.items():
        if member in message:
            return _read_file(member, message_type, message)
    for member, describe in DESCRIBED.items():
        if member in message:
            return _add_caption(describe(message[member]), message)
    for member, reason in members.SERVICE.items():
        if member in message:
            return reason
    names = [
        name for name in message if name not in members.ATTRIBUTES and name != "text"
    ]
    if names:
        return _add_caption(Content(describe_act(", ".join(names))), message)
    return Content(_read_caption(message) or Note.NOT_SHOWN)


def _read_caption(message: Json) -> str:
    linked = write_links(message.get("caption"), message.get("caption_entities"))
    return read_text(linked)


def _add_caption(content: Content, message: Json) -> Content:
    caption = _read_caption(message)
    return replace(content, text=f"{content.text}\n{caption}") if caption else content


def _read_rich(rich: Json) -> Content:
    blocks = rich.get("blocks")
    media = find_files(blocks)
    text = read_text(flatten_blocks(blocks))
    return Content(text or Note.NOT_SHOWN, MessageType.TEXT, media)


def _read_file(member: str, message_type: MessageType, message: Json) -> Content:
    """Keep a file's id, but not its address, which contains the bot's token."""
    value = message[member]
    file = read_object(value[-1] if isinstance(value, list) and value else value)
    if read_text(file.get("mime_type")).startswith("image/"):
        message_type = MessageType.IMAGE
    file_id = read_file_id(value)
    media = (events.Media(message_type, media_id=file_id),) if file_id else ()
    text = _read_caption(message) or read_text(file.get("emoji"))
    if not text and not media:
        # A person must see that something came, even if it can't be shown.
        text = PLACEHOLDERS[message_type]
    return Content(text, message_type, media)


def describe_payment(note: Note, value: object) -> str:
    """Describe a payment: amount, currency, and what it was for."""
    payment = read_object(value)
    address = read_object(payment.get("shipping_address"))
    order = read_object(payment.get("order_info"))
    address = address or read_object(order.get("shipping_address"))
    amount, currency = payment.get("total_amount"), read_text(payment.get("currency"))
    paid = _join(_figure(amount), currency)
    if paid and currency != STARS:
        # How many of these make one differs by currency.
        paid = f"{paid} (به کوچک‌ترین واحد پول)"
    keys = ("name", "phone_number", "email")
    places = ("state", "city", "street_line1", "street_line2", "post_code")
    return _note(
        note,
        paid,
        payment.get("invoice_payload"),
        *(order.get(key) for key in keys),
        *(address.get(key) for key in places),
    )


def _describe_contact(value: object) -> Content:
    contact = read_object(value)
    keys = ("first_name", "last_name", "phone_number")
    return Content(_note(Note.CONTACT, *(contact.get(key) for key in keys)))


def _describe_venue(value: object) -> Content:
    venue = read_object(value)
    return Content(_note(Note.ADDRESS, venue.get("title"), venue.get("address")))


def _describe_location(value: object) -> Content:
    place = read_object(value)
    position = (place.get("latitude"), place.get("longitude"))
    return Content(_note(Note.LOCATION, *map(_figure, position)))


def _describe_dice(value: object) -> Content:
    dice = read_object(value)
    return Content(read_text(dice.get("emoji")) or _note(Note.GAME))


def _describe_form(value: object) -> Content:
    """Keep the fields of a submitted form as they came."""
    form = read_object(value)
    fields = read_text(form.get("data"))[:MAX_FORM_CHARS]
    title = _note(Note.FORM, form.get("button_text"))
    return Content("\n".join(filter(None, (title, fields))))


def _describe_poll(value: object) -> Content:
    poll = read_object(value)
    options = (option.get("text") for option in read_objects(poll.get("options")))
    return Content(_list(_note(Note.POLL, poll.get("question")), options))


def _describe_option(value: object) -> Content:
    return Content(_note(Note.POLL_OPTION, read_object(value).get("option_text")))


def _describe_checklist(value: object) -> Content:
    checklist = read_object(value)
    tasks = (task.get("text") for task in read_objects(checklist.get("tasks")))
    return Content(_list(_note(Note.CHECKLIST, checklist.get("title")), tasks))


def _describe_change(value: object) -> Content:
    """Describe tasks that were added to a checklist, or done."""
    change = read_object(value)
    known = read_object(read_object(change.get("checklist_message")).get("checklist"))
    texts = {
        read_identifier(task.get("id")): task.get("text")
        for task in read_objects(known.get("tasks"))
    }
    added = (task.get("text") for task in read_objects(change.get("tasks")))
    done = (
        f"{mark} {read_text(texts.get(read_identifier(task))) or task}"
        for mark, name in (
            ("✓", "marked_as_done_task_ids"),
            ("✗", "marked_as_not_done_task_ids"),
        )
        for task in _items(change.get(name))
        if isinstance(task, int)
    )
    return Content(_list(Note.CHECKLIST_CHANGE, chain(added, done)))


def _describe_people(value: object) -> Content:
    shared = read_object(value)
    keys = ("first_name", "last_name", "username", "user_id")
    people = [
        _join(*(_word(user.get(key)) for key in keys))
        for user in read_objects(shared.get("users"))
    ]
    # Older servers tell ids only.
    ids = (*_items(shared.get("user_ids")), shared.get("user_id"))
    return Content(_note(Note.PEOPLE, *(people or map(_word, ids))))


def _describe_chat(value: object) -> Content:
    chat = read_object(value)
    keys = ("title", "username", "chat_id")
    return Content(_note(Note.CHAT, *(_word(chat.get(key)) for key in keys)))


def _describe_gift(value: object) -> Content:
    info = read_object(value)
    gift = read_object(info.get("gift"))
    stars = _figure(gift.get("star_count"))
    price = f"{stars} {STARS}" if stars else ""
    return Content(_note(Note.GIFT, gift.get("name"), price, info.get("text")))


def _describe_giveaway(value: object) -> Content:
    return Content(_note(Note.GIVEAWAY, read_object(value).get("prize_description")))


def _describe_invoice(value: object) -> Content:
    invoice = read_object(value)
    text = describe_payment(Note.INVOICE, invoice)
    return Content(_join(text, *map(invoice.get, ("title", "description"))))


def _describe_game(value: object) -> Content:
    return Content(_note(Note.GAME, read_object(value).get("title")))


def _describe_paid_media(value: object) -> Content:
    info = read_object(value)
    stars = _figure(info.get("star_count"))
    media = []
    for paid in read_objects(info.get("paid_media")):
        kind = FILES.get(read_text(paid.get("type")))
        file_id = read_file_id(paid.get(read_text(paid.get("type"))))
        if kind is not None and file_id:
            media.append(events.Media(kind, media_id=file_id))
    text = _note(Note.PAID_MEDIA, f"{stars} {STARS}" if stars else "")
    return replace(Content(text), media=tuple(media))


def _describe_story(value: object) -> Content:
    return Content(_join(Note.STORY, find_story(value)))


def find_story(value: object) -> str:
    """Return the address of a story, empty if its chat has no public name."""
    story = read_object(value)
    name = read_text(read_object(story.get("chat")).get("username"))
    number = _figure(story.get("id"))
    return f"https://t.me/{name}/s/{number}" if name and number else ""


def _payment(note: Note) -> Callable[[object], Content]:
    return lambda value: Content(describe_payment(note, value))


#: What has neither text nor file. A venue has a location as well: the order counts.
DESCRIBED: Mapping[str, Callable[[object], Content]] = {
    "contact": _describe_contact,
    "venue": _describe_venue,
    "location": _describe_location,
    "dice": _describe_dice,
    "web_app_data": _describe_form,
    "successful_payment": _payment(Note.PAYMENT),
    "refunded_payment": _payment(Note.REFUND),
    "invoice": _describe_invoice,
    "poll": _describe_poll,
    "poll_option_added": _describe_option,
    "poll_option_deleted": _describe_option,
    "checklist": _describe_checklist,
    "checklist_tasks_done": _describe_change,
    "checklist_tasks_added": _describe_change,
    "story": _describe_story,
    "paid_media": _describe_paid_media,
    "gift": _describe_gift,
    "unique_gift": _describe_gift,
    "gift_upgrade_sent": _describe_gift,
    "giveaway": _describe_giveaway,
    "giveaway_winners": _describe_giveaway,
    "game": _describe_game,
    "users_shared": _describe_people,
    "user_shared": _describe_people,
    "chat_shared": _describe_chat,
    # The documents themselves are encrypted, and not ours to keep.
    "passport_data": lambda _: Content(Note.PASSPORT),
}


def _note(note: Note, *parts: object) -> str:
    return _join(note, *parts)


def _list(title: str, items: Iterable[object]) -> str:
    return "\n".join((title, *(f"- {item}" for item in map(read_text, items) if item)))


def _items(value: object) -> list[object]:
    return value if isinstance(value, list) else []


def _word(value: object) -> str:
    return read_text(value) or _figure(value)


def _figure(value: object) -> str:
    is_figure = isinstance(value, int | float) and not isinstance(value, bool)
    return str(value) if is_figure else ""


def _join(*parts: object) -> str:
    return " ".join(filter(None, map(read_text, parts)))
