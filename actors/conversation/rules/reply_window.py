"""The reply window: how long after a customer's message a platform takes answers."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from actors.conversation.errors import WindowClosedError
from actors.conversation.state import Conversation, Source

#: Meta, Instagram messaging: the standard messaging window.
STANDARD_WINDOW = timedelta(hours=24)
#: The same source: so long a person may answer, when the message says that one does.
HUMAN_AGENT_WINDOW = timedelta(days=7)
HUMAN_AGENT = "HUMAN_AGENT"


@dataclass(frozen=True, slots=True)
class ReplyWindow:
    """The end of the window for every answer, and for an operator's."""

    until: datetime
    operator_until: datetime


def reply_window(
    source: Source, last_customer_at: datetime | None
) -> ReplyWindow | None:
    """Return when the platform stops taking answers; None when it never does.

    A customer without a stored message may have written before we were connected:
    then the platform decides.
    """
    if source is not Source.INSTAGRAM or last_customer_at is None:
        return None
    return ReplyWindow(
        last_customer_at + STANDARD_WINDOW, last_customer_at + HUMAN_AGENT_WINDOW
    )


def heard_at(
    state: Conversation, at: datetime, written_at: datetime | None
) -> datetime:
    """Return when the customer wrote last, by the platform's clock.

    After an outage of ours a message arrives long after it was written, perhaps behind
    a younger one.
    """
    if written_at is None:
        return at
    known = state.last_customer_at
    return written_at if known is None else max(known, written_at)


def first_heard_at(state: Conversation, heard: datetime) -> datetime | None:
    """Return when the customer wrote first, given when they wrote just now.

    Unknown where the earlier words are older than what the state remembers.
    """
    return heard if state.last_customer_at is None else state.first_customer_at


def check_operator_window(state: Conversation, at: datetime) -> None:
    """Raise WindowClosedError when not even an operator may answer any more."""
    window = reply_window(state.source, state.last_customer_at)
    if window is not None and at > window.operator_until:
        raise WindowClosedError
