"""Instagram's webhooks as events: the parsing of every kind that Meta delivers."""

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TypeAlias

from actors.conversation.rules.placeholders import (
    PLACEHOLDERS,
    UNSUPPORTED,
    describe_act,
)
from actors.conversation.state import MessageType
from deployments.integrations.instagram.attachments import (
    Attached,
    Share,
    read_attachments,
)
from deployments.integrations.instagram.incoming import (
    PUBLIC_FIELDS,
    SKIPPED,
    EventKind,
    SkipReason,
    WebhookEvent,
)
from deployments.integrations.instagram.referrals import read_referral
from deployments.integrations.lenient_json import (
    Json,
    read_flag,
    read_identifier,
    read_object,
    read_objects,
    read_text,
)

#: Members of an entry that hold other things than events of the main way.
_CHANGES, _STANDBY = "changes", "standby"
#: Members of an event that do not say what happened.
_ENVELOPE = frozenset({"sender", "recipient", "timestamp"})
#: The members of an unknown act that may hold the customer's words.
_WORDS = ("text", "title", "message", "comment")
#: Seconds below this, milliseconds above: it is the year 5138, or 1973.
_FIRST_MS = 10**11

Found: TypeAlias = WebhookEvent | SkipReason


@dataclass(frozen=True, slots=True)
class _Told:
    """An event as Meta tells it, with who did it to whom."""

    account: str
    sender: str
    recipient: str
    event: Json
    sent_ms: int
    is_standby: bool

    def origin(self, *, is_ours: bool) -> WebhookEvent | None:
        """Return an event without content; None if it names no customer."""
        customer, shop = self.sender, self.recipient
        if is_ours:
            customer, shop = shop, customer
        accounts = tuple(dict.fromkeys(filter(None, (self.account, shop))))
        if not customer or not accounts:
            return None
        return WebhookEvent(
            accounts,
            customer,
            "",
            "",
            is_standby=self.is_standby,
            sent_ms=self.sent_ms,
        )

    def derive_mid(self, name: str) -> str:
        """Derive an id for what Meta gave none: the same each time it is delivered."""
        parts = [self.sender, self.sent_ms // 1000, name, self.event.get(name)]
        told = json.dumps(parts, sort_keys=True, default=str)
        return f"unnamed:{hashlib.sha256(told.encode()).hexdigest()}"


def read_webhook(payload: object) -> Iterator[Found]:
    """Read each event of a webhook, in order; a malformed one spoils no other.

    Whatever a customer did is an event; what is skipped is on the closed list of
    `incoming`. Source: Meta, Messenger Platform and Instagram API webhook reference.
    """
    for entry in read_objects(read_object(payload).get("entry")):
        account = _read_id(entry)
        for name, value in entry.items():
            for item in read_objects(value):
                if name == _CHANGES:
                    yield from _read_change(account, item)
                else:
                    yield from _read_event(account, item, name)


def _read_change(account: str, change: Json) -> Iterator[Found]:
    """Read an event that is wrapped, as button taps and Meta's tests are at times."""
    field = change.get("field")
    if isinstance(field, str) and field in PUBLIC_FIELDS:
        yield SkipReason.CHANGE
    else:
        yield from _read_event(account, read_object(change.get("value")), field)


def _read_event(account: str, event: Json, place: object) -> Iterator[Found]:
    told = _Told(
        account,
        _read_id(event.get("sender")),
        _read_id(event.get("recipient")),
        event,
        _read_time(event.get("timestamp")),
        # Another app holds the thread: the message is not ours to answer.
        is_standby=place == _STANDBY,
    )
    known = (reader for name, reader in _READERS.items() if name in event)
    skipped = (reason for name, reason in SKIPPED.items() if name in event)
    reader, reason = next(known, None), next(skipped, None)
    if reader is not None:
        yield from reader(told)
    elif reason is not None:
        yield reason
    elif "referral" in event:
        yield from _read_referral_event(told)
    else:
        yield _read_unknown(told, *sorted(event.keys() - _ENVELOPE))


def _read_message(told: _Told) -> Iterator[Found]:
    message = read_object(told.event["message"])
    sender = told.sender
    if read_flag(message.get("is_self")) or (sender and sender == told.recipient):
        yield SkipReason.SELF
        return
    is_ours = read_flag(message.get("is_echo")) or sender == told.account != ""
    origin = told.origin(is_ours=is_ours)
    named = read_identifier(message.get("mid"))
    if origin is None:
        yield SkipReason.MALFORMED
    elif read_flag(message.get("is_deleted")):
        unsent = replace(origin, mid=named, kind=EventKind.UNSENT, is_ours=is_ours)
        yield unsent if named else _read_unknown(told, "message", is_ours=is_ours)
    else:
        origin = replace(origin, mid=named or told.derive_mid("message"))
        attached = read_attachments(message)
        if is_ours:
            yield _read_echo(origin, message, attached)
        else:
            yield from _read_words(told, origin, message, attached)


def _read_words(
    told: _Told, origin: WebhookEvent, message: Json, attached: Attached
) -> Iterator[WebhookEvent]:
    """Read a customer's message: the shares that it holds, then its words."""
    text, shares = _compose(message, attached), attached.shares
    referral = read_referral(message, told.event)
    if referral and not text and not attached.media:
        # There is no question yet: what it is about waits for one, as a share does.
        shares = (*shares, Share(referral))
    for part, share in enumerate(shares):
        yield replace(
            origin,
            text=share.text,
            kind=EventKind.SHARED,
            message_type=MessageType.SHARE,
            media=share.media,
            part=part,
        )
    if text or attached.media or not shares:
        yield replace(
            origin,
            text=text if text or attached.media else _describe_empty(message),
            message_type=attached.message_type,
            media=attached.media,
            reply_to_mid=_read_reply_to(message),
            referred=referral,
        )


def _compose(message: Json, attached: Attached) -> str:
    """Return the words, and a placeholder below them for what can't be shown."""
    words = read_text(message.get("text")) or attached.text
    unshown = attached.unshown
    is_shown = bool(unshown or attached.media or attached.shares)
    if read_flag(message.get("is_unsupported")) and not is_shown:
        unshown = (UNSUPPORTED,)
    if words:
        return "\n".join((words, *unshown))
    # Media without words have a placeholder of their own.
    plain = PLACEHOLDERS[MessageType.TEXT]
    return "\n".join(line for line in unshown if line != plain)


def _describe_empty(message: Json) -> str:
    """Return the placeholder of a message that holds nothing but its id."""
    tapped = read_text(read_object(message.get("quick_reply")).get("payload"))
    return describe_act(f"quick_reply {tapped}") if tapped else UNSUPPORTED


def _read_echo(origin: WebhookEvent, message: Json, attached: Attached) -> WebhookEvent:
    """Read what was sent in the shop's name: by us, or by the owner in the app."""
    shared = "\n".join(share.text for share in attached.shares)
    text = _compose(message, attached) or shared
    located = (media for share in attached.shares for media in share.media)
    media = (*located, *attached.media)
    return replace(
        origin,
        text=text if text or media else UNSUPPORTED,
        kind=EventKind.ECHO,
        message_type=MessageType.SHARE if shared else attached.message_type,
        media=media,
    )


def _read_edit(told: _Told) -> Iterator[Found]:
    edit = read_object(told.event["message_edit"])
    mid, text = read_identifier(edit.get("mid")), read_text(edit.get("text"))
    is_ours = told.sender == told.account != ""
    origin = told.origin(is_ours=is_ours)
    if origin is None or not (mid and text):
        yield _read_unknown(told, "message_edit", is_ours=is_ours)
        return
    number = read_identifier(edit.get("num_edit"))
    # Without a number, time and words tell one edit from the next.
    words = hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()
    yield replace(
        origin,
        mid=mid,
        text=text,
        kind=EventKind.EDITED,
        is_ours=is_ours,
        edit=number or f"{told.sent_ms}:{words}",
        edit_order=_read_order(number) or told.sent_ms,
    )


def _read_postback(told: _Told) -> Iterator[Found]:
    """Read a tap on an ice breaker or a button: the customer said its title."""
    postback = read_object(told.event["postback"])
    title = read_text(postback.get("title"))
    origin = told.origin(is_ours=False)
    if origin is None or told.sender == told.account:
        yield SkipReason.MALFORMED if origin is None else SkipReason.SELF
        return
    payload = read_text(postback.get("payload"))
    yield replace(
        origin,
        mid=read_identifier(postback.get("mid")) or told.derive_mid("postback"),
        text=title or describe_act(f"postback {payload}"),
        referred=read_referral(postback, told.event),
    )


def _read_referral_event(told: _Told) -> Iterator[Found]:
    """Read the tap on an ad or a link: it waits for a question, as a share does."""
    text = read_referral(told.event)
    origin = told.origin(is_ours=False)
    if origin is None or not text or told.sender == told.account:
        yield _read_unknown(told, "referral", is_ours=told.sender == told.account)
        return
    yield replace(
        origin,
        mid=told.derive_mid("referral"),
        text=text,
        kind=EventKind.SHARED,
        message_type=MessageType.SHARE,
    )


def _read_unknown(told: _Told, *names: str, is_ours: bool = False) -> Found:
    """Read an act of no known form: a person must learn that it happened."""
    if is_ours or told.sender == told.account != "":
        return SkipReason.SELF
    origin = told.origin(is_ours=False)
    if origin is None:
        return SkipReason.MALFORMED
    held = [read_object(told.event.get(name)) for name in names]
    words = [read_text(one.get(word)) for one in held for word in _WORDS]
    lines = (describe_act(", ".join(names)), *dict.fromkeys(filter(None, words)))
    mid = told.derive_mid(names[0] if names else "")
    return replace(origin, mid=mid, text="\n".join(lines))


#: The kinds of events that are read, by the member that names the kind.
_READERS: Mapping[str, Callable[[_Told], Iterator[Found]]] = {
    "message": _read_message,
    "message_edit": _read_edit,
    "postback": _read_postback,
}


def _read_time(value: object) -> int:
    """Read a time in milliseconds, also from seconds and from text; 0 if it is none."""
    if isinstance(value, str) and value.isascii() and value.isdecimal():
        value = int(value) if len(value) < 17 else 0
    if type(value) is not int or not 0 < value < 2**53:
        return 0
    return value if value >= _FIRST_MS else value * 1000


def _read_order(number: str) -> int:
    """Read a count; 0 for what is none, or more than fits."""
    is_number = number.isascii() and number.isdecimal() and len(number) < 16
    return int(number) if is_number else 0


def _read_reply_to(message: Json) -> str | None:
    reply_to = message.get("reply_to")
    return read_identifier(read_object(reply_to).get("mid")) or None


def _read_id(value: object) -> str:
    return read_identifier(read_object(value).get("id"))
