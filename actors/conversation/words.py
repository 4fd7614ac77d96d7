"""What stands in the record for a message that came without words."""

from collections.abc import Mapping

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


def storable(text: str) -> str:
    """Return the text without what PostgreSQL can't hold: NUL, half an emoji.

    Models and platforms send such things; the event would be refused, and with it the
    answer that a customer waits for.
    """
    return text.encode(errors="replace").decode().replace("\x00", "")
