"""The rules of sending: in order, again on failure, never twice if we can know it."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import uuid5

from actors.conversation.effects import (
    ClearTimer,
    Decision,
    DeliverPart,
    Effect,
    RecordMessage,
    RecordSend,
    SetTimer,
)
from actors.conversation.events import (
    EchoReceived,
    PartDelivered,
    PartOutcomeLost,
    PartRefused,
    SendFellDue,
)
from actors.conversation.policy import Policy
from actors.conversation.splitting import split_for
from actors.conversation.state import (
    MAX_RECENT_MIDS,
    Conversation,
    Delivery,
    Send,
    Source,
    TimerKind,
)
from persistence.ids import SendId


def enqueue(
    state: Conversation, message: RecordMessage
) -> tuple[Conversation, RecordMessage, tuple[Effect, ...]]:
    """Put a message of ours on its way.

    The website reads what is stored: there the commit is the delivery.
    """
    if state.source is Source.WEBSITE:
        return state, replace(message, delivery=Delivery.SENT), ()
    sends = tuple(
        Send(
            id=SendId(uuid5(message.id, f"part:{part}")),
            message_id=message.id,
            part=part,
            content=content,
            due_at=message.created_at,
        )
        for part, content in enumerate(split_for(state.source, message.content))
    )
    effects: list[Effect] = [RecordSend(send) for send in sends]
    if not state.sends and sends:
        effects.append(SetTimer(TimerKind.SEND, sends[0].due_at))
    state = replace(state, sends=(*state.sends, *sends))
    return state, replace(message, delivery=Delivery.QUEUED), tuple(effects)


def on_send_due(state: Conversation, event: SendFellDue, policy: Policy) -> Decision:
    """Send the first part, or judge one that never came back."""
    if not state.sends or state.sends[0].due_at != event.due_at:
        return Decision(state)
    head = state.sends[0]
    if head.delivery is Delivery.SENDING:
        # Its process died with the call under way: did the platform get it?
        return _doubt(state, "the sender stopped", event.at, policy)
    sending = replace(
        head,
        delivery=Delivery.SENDING,
        attempts=head.attempts + 1,
        due_at=event.at + policy.send_lease,
    )
    state = replace(state, sends=(sending, *state.sends[1:]))
    return Decision(
        state,
        (
            RecordSend(sending),
            SetTimer(TimerKind.SEND, sending.due_at),
            DeliverPart(sending),
        ),
    )


def on_part_delivered(state: Conversation, event: PartDelivered) -> Decision:
    """Note the platform's name for the part, and go on with the next."""
    head = _head(state, event.send_id)
    if head is None:
        return Decision(state)
    return _delivered(state, head, event.mid, event.at)


def on_part_refused(
    state: Conversation, event: PartRefused, policy: Policy
) -> Decision:
    """Try again later; after too many attempts, or a plain no, show it to a person."""
    head = _head(state, event.send_id)
    if head is None:
        return Decision(state)
    if event.is_held:
        # A channel may be paused for days; its messages wait for it.
        head = replace(head, attempts=head.attempts - 1)
    if event.permanent or head.attempts >= policy.max_send_attempts:
        return _failed(state, head, event.reason, event.at)
    pause = event.retry_after or backoff(head.attempts, policy.max_backoff)
    queued = replace(head, delivery=Delivery.QUEUED, due_at=event.at + pause)
    return _put_back(state, queued, event.reason)


def on_outcome_lost(
    state: Conversation, event: PartOutcomeLost, policy: Policy
) -> Decision:
    """Wait for the echo, which settles whether the part arrived."""
    if _head(state, event.send_id) is None:
        return Decision(state)
    return _doubt(state, event.reason, event.at, policy)


def settle_echo(state: Conversation, event: EchoReceived) -> Decision | None:
    """Take the echo as our own if it is what we are sending; None if it is not.

    The echo may overtake the answer to our own call, so `sending` counts as well.
    """
    if not state.sends:
        return None
    head = state.sends[0]
    if head.delivery is Delivery.QUEUED or head.content.split() != event.text.split():
        return None
    return _delivered(state, head, event.mid, event.at)


def backoff(attempts: int, longest: timedelta) -> timedelta:
    """Return the pause after `attempts` failures: 2 s, 4 s, 8 s … up to `longest`."""
    return min(timedelta(seconds=2.0 ** min(attempts, 16)), longest)


def _head(state: Conversation, send_id: SendId) -> Send | None:
    """Return the first part if the result is about it; late results are not."""
    if state.sends and state.sends[0].id == send_id:
        return state.sends[0]
    return None


def _doubt(state: Conversation, reason: str, at: datetime, policy: Policy) -> Decision:
    head = state.sends[0]
    if head.attempts >= policy.max_send_attempts:
        return _failed(state, head, reason, at)
    doubtful = replace(
        head, delivery=Delivery.UNKNOWN, due_at=at + policy.echo_patience
    )
    return _put_back(state, doubtful, reason)


def _put_back(state: Conversation, send: Send, reason: str) -> Decision:
    state = replace(state, sends=(send, *state.sends[1:]))
    return Decision(
        state,
        (RecordSend(send, error=reason), SetTimer(TimerKind.SEND, send.due_at)),
    )


def _delivered(state: Conversation, head: Send, mid: str, at: datetime) -> Decision:
    sent = replace(head, delivery=Delivery.SENT)
    rest = state.sends[1:]
    is_last = not any(send.message_id == head.message_id for send in rest)
    recent = (*state.recent_mids, mid)[-MAX_RECENT_MIDS:]
    state = replace(state, recent_mids=recent)
    record = RecordSend(sent, mid=mid, is_last_part=is_last)
    return _go_on(state, rest, (record,), at)


def _failed(state: Conversation, head: Send, reason: str, at: datetime) -> Decision:
    """Give the whole message up: its rest would make no sense without this part."""
    lost = [send for send in state.sends if send.message_id == head.message_id]
    rest = [send for send in state.sends if send.message_id != head.message_id]
    records = tuple(
        RecordSend(
            replace(send, delivery=Delivery.FAILED), error=reason, is_last_part=True
        )
        for send in lost
    )
    return _go_on(replace(state, needs_operator=True), rest, records, at)


def _go_on(
    state: Conversation,
    rest: Sequence[Send],
    records: tuple[Effect, ...],
    at: datetime,
) -> Decision:
    if not rest:
        state = replace(state, sends=())
        return Decision(state, (*records, ClearTimer(TimerKind.SEND)))
    following = replace(rest[0], due_at=at)
    state = replace(state, sends=(following, *rest[1:]))
    return Decision(state, (*records, SetTimer(TimerKind.SEND, at)))
