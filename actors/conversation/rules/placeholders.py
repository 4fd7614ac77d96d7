"""What stands in the record for a message that came without words."""

from collections.abc import Mapping
from unicodedata import category

from actors.conversation.state import MessageType

#: A share whose payload says nothing.
EMPTY_SHARE = "[پست/ریلز اینستاگرام]"
#: What the platform keeps from us.
UNSUPPORTED = "[پیامی که اینستاگرام نشان نمی‌دهد]"
PLACEHOLDERS: Mapping[MessageType, str] = {
    MessageType.IMAGE: "[تصویر]",
    MessageType.VOICE: "[پیام صوتی]",
    MessageType.VIDEO: "[ویدئو]",
    MessageType.SHARE: EMPTY_SHARE,
    # A file, a sticker, and whatever platforms think of next.
    MessageType.TEXT: "[پیوست]",
}
#: Nobody but a person can answer these.
WORDLESS = frozenset({*PLACEHOLDERS.values(), UNSUPPORTED})


#: Letters that nobody sees: white space, joiners, marks of direction.
_UNSEEN = frozenset({"Cc", "Cf", "Zs", "Zl", "Zp"})


def has_words(text: str) -> bool:
    """Whether there is anything to read in it; platforms refuse what shows nothing."""
    return any(category(letter) not in _UNSEEN for letter in text)


def storable(text: str) -> str:
    """Return the text without what PostgreSQL can't hold: NUL, half an emoji.

    Models and platforms send such things; the event would be refused, and with it the
    answer that a customer waits for.
    """
    return text.encode(errors="replace").decode().replace("\x00", "")
