"""The rules of dead letters: messages that failed for good, and their retry."""

from collections.abc import Sequence
from dataclasses import replace

from actors.conversation.effects import Decision, Effect, RecordSend, SetTimer
from actors.conversation.errors import InvalidEventError
from actors.conversation.events import SendRetried
from actors.conversation.rules.reply_window import check_operator_window
from actors.conversation.state import (
    MAX_DEAD_PARTS,
    Conversation,
    Delivery,
    Send,
    TimerKind,
)


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
    records = tuple(RecordSend(send, error=reason, is_last_part=True) for send in dead)
    return replace(state, dead=_keep_newest((*state.dead, *dead))), records


def on_send_retried(state: Conversation, event: SendRetried) -> Decision:
    """Queue a dead letter again, at an operator's request.

    Raises:
        InvalidEventError: nothing of this message failed, or it is too long ago.
        WindowClosedError: the platform would not take it any more.
    """
    mine = [send for send in state.dead if send.message_id == event.message_id]
    if not mine:
        message = "no part of this message can be sent again"
        raise InvalidEventError(message, event.id)
    check_operator_window(state, event.at)
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
    effects: list[Effect] = [RecordSend(send) for send in again]
    if not state.sends:
        effects.append(SetTimer(TimerKind.SEND, event.at))
    state = replace(
        state,
        sends=(*state.sends, *again),
        dead=tuple(send for send in state.dead if send not in mine),
        needs_operator=state.needs_operator and bool(state.questions),
    )
    return Decision(state, tuple(effects))


def _keep_newest(dead: tuple[Send, ...]) -> tuple[Send, ...]:
    """Keep the newest MAX_DEAD_PARTS parts, dropping whole messages.

    So none can be sent again without its beginning. The newest message is kept however
    long it is.
    """
    if len(dead) <= MAX_DEAD_PARTS:
        return dead
    cut = {send.message_id for send in dead[:-MAX_DEAD_PARTS]}
    cut.discard(dead[-1].message_id)
    return tuple(send for send in dead if send.message_id not in cut)
