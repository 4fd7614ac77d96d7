"""The rules of a part's outcome: it has arrived, or is a dead letter.

A dead letter is a message that failed for good; an operator may send it again.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from actors.conversation import effects, events
from actors.conversation.effects import Decision, Effect
from actors.conversation.errors import InvalidEventError
from actors.conversation.rules.reply_window import check_operator_window
from actors.conversation.rules.send_limits import (
    MAX_DEAD_BYTES,
    check_room,
    count_bytes,
)
from actors.conversation.state import (
    Conversation,
    Delivery,
    Send,
    SentMessage,
    TimerKind,
)
from persistence.ids import SendId

#: Echoes of our own sends arrive within seconds; so many mids outlast any burst.
MAX_RECENT_MIDS = 32
#: Messages of ours that the owner may unsend or edit in the app.
MAX_RECENT_SENT = 8
#: Parts that may have arrived and were sent again: an echo may come hours later.
MAX_UNCONFIRMED = 8
#: Dead letters that can be sent again; older ones are only shown.
MAX_DEAD_PARTS = 40


def find_head(state: Conversation, send_id: SendId) -> Send | None:
    """Return the first part if the result is about it; None for a late result."""
    if state.sends and state.sends[0].id == send_id:
        return state.sends[0]
    return None


def acknowledge_head(
    state: Conversation, head: Send, mid: str, at: datetime
) -> Decision:
    """Record that the first part arrived as `mid`; continue with the next."""
    sent = replace(head, delivery=Delivery.SENT)
    rest = state.sends[1:]
    # A message of which a part failed stays failed, whatever else of it arrives.
    is_last = not any(
        send.message_id == head.message_id for send in (*rest, *state.dead)
    )
    record = effects.RecordSend(sent, mid=mid, is_last_part=is_last)
    if is_last:
        state = _remember_sent(state, mid, head)
    return continue_with(remember_mid(state, mid), rest, (record,), at)


def acknowledge_part(
    state: Conversation, send_id: SendId, mid: str, at: datetime
) -> Decision | None:
    """Record that a part arrived, wherever it waits; None if it waits nowhere.

    Not only the first part can: a call may return after the part became a dead letter,
    or after an operator queued it again.
    """
    head = find_head(state, send_id)
    if head is not None:
        return acknowledge_head(state, head, mid, at)
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
    return Decision(state, (effects.RecordSend(sent, mid=mid, is_last_part=is_last),))


def acknowledge_unconfirmed(
    state: Conversation, text: str, mid: str, at: datetime
) -> Decision | None:
    """Match a late echo with an unconfirmed part of the same text; None without one.

    The part has arrived, whether it failed meanwhile or waits to be sent again.
    """
    words = text.split()
    part = next(
        (send for send in state.unconfirmed if send.content.split() == words), None
    )
    if part is None:
        return None
    rest = list(state.unconfirmed)
    rest.remove(part)
    state = remember_mid(replace(state, unconfirmed=tuple(rest)), mid)
    acknowledged = acknowledge_part(state, part.id, mid, at)
    return Decision(state) if acknowledged is None else acknowledged


def is_unconfirmed(state: Conversation, send: Send) -> bool:
    """Whether an earlier call for this part may have delivered it."""
    return any(unconfirmed.id == send.id for unconfirmed in state.unconfirmed)


def remember_unconfirmed(state: Conversation, head: Send) -> Conversation:
    """Keep a part that may have arrived, to recognise its late echo as ours."""
    return replace(state, unconfirmed=(*state.unconfirmed, head)[-MAX_UNCONFIRMED:])


def remember_mid(state: Conversation, mid: str) -> Conversation:
    """Keep the platform's id of a sent message, to recognise its echo."""
    if mid in state.recent_mids:
        return state
    recent = (*state.recent_mids, mid)[-MAX_RECENT_MIDS:]
    return replace(state, recent_mids=recent)


def continue_with(
    state: Conversation,
    rest: Sequence[Send],
    records: tuple[Effect, ...],
    at: datetime,
) -> Decision:
    """Finish the first part, and make the one after it due now."""
    if not rest:
        state = replace(state, sends=())
        return Decision(state, (*records, effects.ClearTimer(TimerKind.SEND)))
    following = replace(rest[0], due_at=at)
    state = replace(state, sends=(following, *rest[1:]))
    return Decision(state, (*records, effects.SetTimer(TimerKind.SEND, at)))


def _remember_sent(state: Conversation, mid: str, last: Send) -> Conversation:
    """Keep the platform's id of a message: the owner may unsend or edit it in the app.

    A message that went out in several parts has several ids, and is not kept.
    """
    if last.part:
        return state
    sent = (*state.recent_sent, SentMessage(mid, last.message_id))[-MAX_RECENT_SENT:]
    return replace(state, recent_sent=sent)


def dead_letter(
    state: Conversation, lost: Sequence[Send], reason: str
) -> tuple[Conversation, tuple[Effect, ...]]:
    """Make these parts dead letters, which an operator may retry."""
    dead = tuple(
        send
        if send.delivery is Delivery.UNKNOWN
        else replace(send, delivery=Delivery.FAILED)
        for send in lost
    )
    records = tuple(
        effects.RecordSend(send, error=reason, is_last_part=True) for send in dead
    )
    return replace(state, dead=_keep_newest((*state.dead, *dead))), records


def on_send_retried(state: Conversation, event: events.SendRetried) -> Decision:
    """Queue a dead letter again, at an operator's request.

    Raises:
        InvalidEventError: nothing of this message failed, or it is too long ago.
        WindowClosedError: the platform would not take it any more.
        TooMuchToSendError: too much waits to be sent already.
    """
    mine = [send for send in state.dead if send.message_id == event.message_id]
    if not mine:
        message = "no part of this message can be sent again"
        raise InvalidEventError(message, event.id)
    check_operator_window(state, event.at)
    check_room(state, [send.content for send in mine])
    # The operator is its author now, also where the AI wrote it.
    again = tuple(
        replace(
            send,
            delivery=Delivery.QUEUED,
            attempts=0,
            holds=0,
            limits=0,
            due_at=event.at,
            is_ai=False,
            is_withdrawn=False,
        )
        for send in mine
    )
    queued: list[Effect] = [effects.RecordSend(send) for send in again]
    if not state.sends:
        queued.append(effects.SetTimer(TimerKind.SEND, event.at))
    state = replace(
        state,
        sends=(*state.sends, *again),
        dead=tuple(send for send in state.dead if send not in mine),
        needs_operator=state.needs_operator and bool(state.questions),
    )
    return Decision(state, tuple(queued))


def _keep_newest(dead: tuple[Send, ...]) -> tuple[Send, ...]:
    """Keep the newest MAX_DEAD_PARTS parts, dropping whole messages.

    So none can be sent again without its beginning. The newest message is kept however
    long it is; the texts of all others together are bounded as well.
    """
    if not dead:
        return dead
    newest = dead[-1].message_id
    n_bytes, kept = 0, 0
    for send in reversed(dead):
        n_bytes += count_bytes([send.content])
        if kept >= MAX_DEAD_PARTS or n_bytes > MAX_DEAD_BYTES:
            break
        kept += 1
    cut = {send.message_id for send in dead[: len(dead) - kept]} - {newest}
    return tuple(send for send in dead if send.message_id not in cut)
