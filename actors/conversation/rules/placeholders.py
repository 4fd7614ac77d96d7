"""Texts of messages: placeholders for media, and what can be stored and read."""

from collections.abc import Mapping
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
#: Texts that only a person can answer.
WORDLESS = frozenset({*PLACEHOLDERS.values(), UNSUPPORTED})
#: Unicode categories of invisible characters: white space, joiners, directions.
_UNSEEN = frozenset({"Cc", "Cf", "Zs", "Zl", "Zp"})


def has_words(text: str) -> bool:
    """Whether the text has a visible character; platforms refuse others."""
    return any(category(letter) not in _UNSEEN for letter in text)


def strip_unstorable(text: str) -> str:
    """Return the text without what PostgreSQL can't store: NUL, half an emoji.

    Models and platforms send such characters; the event would be refused, and with it
    the answer that a customer waits for.
    """
    return text.encode(errors="replace").decode().replace("\x00", "")
