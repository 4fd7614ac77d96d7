"""Texts of messages: placeholders for media, and what can be stored and read."""

import re
from collections.abc import Mapping
from enum import StrEnum
from unicodedata import category

from actors.conversation.state import MessageType

#: A share whose payload says nothing.
EMPTY_SHARE = "[پست/ریلز اینستاگرام]"
#: A message whose content the platform withholds.
UNSUPPORTED = "[پیامی که اینستاگرام نشان نمی‌دهد]"
PLACEHOLDERS: Mapping[MessageType, str] = {
    MessageType.IMAGE: "[تصویر]",
    MessageType.VOICE: "[پیام صوتی]",
    MessageType.VIDEO: "[ویدئو]",
    MessageType.SHARE: EMPTY_SHARE,
    # A file, a sticker, and any other attachment.
    MessageType.TEXT: "[پیوست]",
}


class Note(StrEnum):
    """What a customer did without writing; figures and names may follow on the line."""

    PAYMENT = "[پرداخت موفق]"
    REFUND = "[بازگشت وجه]"
    CHECKOUT = "[درخواست پرداخت]"
    SHIPPING = "[نشانی ارسال سفارش]"
    SUBSCRIPTION = "[اشتراک]"
    PURCHASE = "[خرید رسانه‌ی پولی]"
    FORM = "[فرم ارسال‌شده]"
    CONTACT = "[شماره تماس]"
    ADDRESS = "[نشانی]"
    LOCATION = "[موقعیت مکانی]"
    PEOPLE = "[معرفی مخاطب]"
    CHAT = "[معرفی گروه یا کانال]"
    PASSPORT = "[مدارک هویتی]"
    POLL = "[نظرسنجی]"
    POLL_ANSWER = "[رأی در نظرسنجی]"
    POLL_OPTION = "[گزینه‌ی نظرسنجی]"
    CHECKLIST = "[فهرست کارها]"
    CHECKLIST_CHANGE = "[تغییر فهرست کارها]"
    STORY = "[استوری]"
    PAID_MEDIA = "[رسانه‌ی پولی]"
    INVOICE = "[صورت‌حساب]"
    GIFT = "[هدیه]"
    GIVEAWAY = "[قرعه‌کشی]"
    GAME = "[بازی]"
    STICKER = "[استیکر]"
    BUTTON = "[دکمه]"
    REACTION = "[واکنش]"
    UNKNOWN = "[پیام ناشناخته]"
    NOT_SHOWN = "[پیامی که تلگرام نشان نمی‌دهد]"


#: Texts that only a person can answer.
WORDLESS = frozenset({*PLACEHOLDERS.values(), UNSUPPORTED, *Note})
_NOTES = tuple(f"{note} " for note in Note)
#: What a platform calls a thing that we do not know, in its placeholder.
_MAX_NAME_CHARS = 80
_UNKNOWN_ATTACHMENT = "[پیوست از نوع {}]"
_UNKNOWN_ACT = "[پیام ناشناخته از نوع {}]"
_UNKNOWN = re.compile(r"\[(?:پیوست|پیام ناشناخته) از نوع [^\[\]\n]+\]")
#: The same for PostgreSQL, which knows no escape in a class.
_UNKNOWN_LINE = "\\[(?:پیوست|پیام ناشناخته) از نوع [^][\n]+\\]"
#: Stands in the history where a redacted text had such lines: a person had to look.
REDACTED_PLACEHOLDER = PLACEHOLDERS[MessageType.TEXT]
#: Unicode categories of invisible characters: white space, joiners, directions.
_UNSEEN = frozenset({"Cc", "Cf", "Zs", "Zl", "Zp"})


def describe_attachment(name: str) -> str:
    """Return the placeholder of an attachment of an unknown type."""
    return _describe(_UNKNOWN_ATTACHMENT, name, PLACEHOLDERS[MessageType.TEXT])


def describe_act(name: str) -> str:
    """Return the placeholder of something that a customer did, by its platform name."""
    return _describe(_UNKNOWN_ACT, name, Note.UNKNOWN)


def is_placeholder(line: str) -> bool:
    """Whether the line stands for something that only a person can look at."""
    return (
        line in WORDLESS
        or line.startswith(_NOTES)
        or _UNKNOWN.fullmatch(line) is not None
    )


def build_line_pattern() -> str:
    """Build a regular expression of PostgreSQL for lines that are placeholders.

    It tells what `is_placeholder` tells, of each line of a text.
    """
    whole = (*map(_escape, sorted(WORDLESS)), _UNKNOWN_LINE)
    begun = (f"{_escape(note)} [^\n]*" for note in Note)
    return f"(^|\n)(?:{'|'.join((*whole, *begun))})(?=\n|$)"


def _escape(text: str) -> str:
    return "".join(
        sign if sign.isalnum() or sign == " " else f"\\{sign}" for sign in text
    )


def has_placeholder(text: str) -> bool:
    """Whether a line of the text is a placeholder."""
    # Thousands of messages a second pass here, and next to none has a bracket.
    return "[" in text and any(map(is_placeholder, text.split("\n")))


def drop_placeholders(text: str) -> str:
    """Return the text without the lines that are placeholders."""
    if not has_placeholder(text):
        return text
    return "\n".join(line for line in text.split("\n") if not is_placeholder(line))


def _describe(template: str, name: str, unnamed: str) -> str:
    letters = (c if c.isprintable() and c not in "[]" else " " for c in name)
    words = " ".join("".join(letters).split())
    return template.format(words[:_MAX_NAME_CHARS]) if has_words(words) else unnamed


def has_words(text: str) -> bool:
    """Whether the text has a visible character; platforms refuse others."""
    return any(category(letter) not in _UNSEEN for letter in text)


def strip_unstorable(text: str) -> str:
    """Return the text without what PostgreSQL can't store: NUL, half an emoji.

    Models and platforms send such characters; the event would be refused, and with it
    the answer that a customer waits for.
    """
    return text.encode(errors="replace").decode().replace("\x00", "")
