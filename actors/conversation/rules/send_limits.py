"""The limits of what waits to be sent in one conversation.

The state is written with each event: without a limit a script that answers a customer
of a paused channel makes it megabytes, and every conversation of the shard slow.
"""

from collections.abc import Sequence

from actors.conversation.errors import TooMuchToSendError
from actors.conversation.state import Conversation, Send

#: More than an operator writes while a channel is paused.
MAX_WAITING_PARTS = 200
#: Their text, in UTF-8.
MAX_WAITING_BYTES = 256 * 1024
#: Text of the dead letters that can be sent again; see `outcomes.MAX_DEAD_PARTS`.
MAX_DEAD_BYTES = 128 * 1024


def count_bytes(parts: Sequence[str]) -> int:
    """Count the bytes of texts in UTF-8."""
    return sum(len(part.encode("utf-8", "replace")) for part in parts)


def has_room(waiting: Sequence[Send], parts: Sequence[str]) -> bool:
    """Whether these parts may wait as well."""
    if len(waiting) + len(parts) > MAX_WAITING_PARTS:
        return False
    # Letters have four bytes at most: mostly nothing needs to be counted.
    n_chars = sum(len(send.content) for send in waiting) + sum(map(len, parts))
    if 4 * n_chars <= MAX_WAITING_BYTES:
        return True
    held = count_bytes([send.content for send in waiting])
    return held + count_bytes(parts) <= MAX_WAITING_BYTES


def check_room(state: Conversation, parts: Sequence[str]) -> None:
    """Refuse what would be too much. Raises TooMuchToSendError."""
    if has_room(state.sends, parts):
        return
    message = (
        f"too much is waiting: {len(state.sends)} parts, and at most"
        f" {MAX_WAITING_PARTS} parts or {MAX_WAITING_BYTES // 1024} KB may wait; answer"
        " again when the customer has received some of them"
    )
    raise TooMuchToSendError(message)
