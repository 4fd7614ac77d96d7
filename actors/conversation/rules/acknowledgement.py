"""The rules of what has arrived: which part it was, and what goes out next."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from actors.conversation.effects import (
    ClearTimer,
    Decision,
    Effect,
    RecordSend,
    SetTimer,
)
from actors.conversation.state import (
    MAX_DOUBTED,
    MAX_RECENT_MIDS,
    MAX_RECENT_SENT,
    Conversation,
    Delivery,
    Send,
    SentMessage,
    TimerKind,
)
from persistence.ids import SendId


def find_head(state: Conversation, send_id: SendId) -> Send | None:
    """Return the first part if the result is about it; late results are not."""
    if state.sends and state.sends[0].id == send_id:
        return state.sends[0]
    return None


def part_delivered(state: Conversation, head: Send, mid: str, at: datetime) -> Decision:
    """Note that the first part arrived under the name `mid`; go on with the next."""
    sent = replace(head, delivery=Delivery.SENT)
    rest = state.sends[1:]
    # A message of which a part failed stays failed, whatever else of it arrives.
    is_last = not any(
        send.message_id == head.message_id for send in (*rest, *state.dead)
    )
    record = RecordSend(sent, mid=mid, is_last_part=is_last)
    if is_last:
        state = _remember_sent(state, mid, head)
    return go_on(remember_mid(state, mid), rest, (record,), at)


def settle_part(
    state: Conversation, send_id: SendId, mid: str, at: datetime
) -> Decision | None:
    """Note that a part arrived, wherever it waits; None if it waits nowhere.

    Not only the first part can: a call may come back after the part was given up, or
    after an operator had it queued again.
    """
    head = find_head(state, send_id)
    if head is not None:
        return part_delivered(state, head, mid, at)
    waiting = (*state.sends, *state.dead)
    part = next((send for send in waiting if send.id == send_id), None)
    if part is None:
        return None
    state = replace(
        remember_mid(state, mid),
        sends=tuple(send for send in state.sends if send.id != send_id),
        dead=tuple(send for send in state.dead if send.id != send_id),
    )
    is_last = not any(
        send.message_id == part.message_id for send in (*state.sends, *state.dead)
    )
    if is_last:
        state = _remember_sent(state, mid, part)
    sent = replace(part, delivery=Delivery.SENT)
    return Decision(state, (RecordSend(sent, mid=mid, is_last_part=is_last),))


def settle_doubt(
    state: Conversation, text: str, mid: str, at: datetime
) -> Decision | None:
    """Take a late echo as that of a part in doubt that says so; None if there is none.

    The part has arrived then, whether it was given up or waits to be sent again.
    """
    words = text.split()
    doubted = next((one for one in state.doubted if one.content.split() == words), None)
    if doubted is None:
        return None
    rest = list(state.doubted)
    rest.remove(doubted)
    state = remember_mid(replace(state, doubted=tuple(rest)), mid)
    settled = settle_part(state, doubted.id, mid, at)
    return Decision(state) if settled is None else settled


def is_doubted(state: Conversation, send: Send) -> bool:
    """Whether an earlier call for this part may have brought it there."""
    return any(doubted.id == send.id for doubted in state.doubted)


def remember_doubt(state: Conversation, head: Send) -> Conversation:
    """Keep what may have arrived: its echo may still come, and is not the owner's."""
    return replace(state, doubted=(*state.doubted, head)[-MAX_DOUBTED:])


def remember_mid(state: Conversation, mid: str) -> Conversation:
    """Keep the platform's name of what we sent, to know its echo."""
    if mid in state.recent_mids:
        return state
    recent = (*state.recent_mids, mid)[-MAX_RECENT_MIDS:]
    return replace(state, recent_mids=recent)


def go_on(
    state: Conversation,
    rest: Sequence[Send],
    records: tuple[Effect, ...],
    at: datetime,
) -> Decision:
    """Be done with the first part, and let what follows it go out now."""
    if not rest:
        state = replace(state, sends=())
        return Decision(state, (*records, ClearTimer(TimerKind.SEND)))
    following = replace(rest[0], due_at=at)
    state = replace(state, sends=(following, *rest[1:]))
    return Decision(state, (*records, SetTimer(TimerKind.SEND, at)))


def _remember_sent(state: Conversation, mid: str, last: Send) -> Conversation:
    """Keep which message is called so: the owner may unsend or edit it in the app.

    Not of one that went out in several parts: there it is several messages.
    """
    if last.part:
        return state
    sent = (*state.recent_sent, SentMessage(mid, last.message_id))[-MAX_RECENT_SENT:]
    return replace(state, recent_sent=sent)
