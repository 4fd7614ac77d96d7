"""Turns decisions into the rows of one batch, and keeps aside what runs after it."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import assert_never

from actors.conversation.codec import (
    encode_event,
    encode_metadata,
    encode_state,
    kind_of,
)
from actors.conversation.effects import (
    AskProfile,
    BlankMessages,
    CancelReply,
    ClearTimer,
    Count,
    Decision,
    DeliverPart,
    Effect,
    ForgetCombination,
    MarkMessages,
    RateMessage,
    RecordMessage,
    RecordProfile,
    RecordSend,
    RewriteMessages,
    SetTimer,
    StartReply,
    WriteLog,
)
from actors.conversation.events import Event, Inbound
from actors.conversation.shard.message_update import apply_progress, merge_progress
from actors.conversation.state import Author, Conversation, Processing, TimerKind
from persistence.ids import ConversationId, MessageId, slot_of
from persistence.journal import (
    Batch,
    ConversationRow,
    CustomerRow,
    EventRow,
    MessageRow,
    ProgressRow,
    SendRow,
    TimerRow,
)

Order = StartReply | CancelReply | DeliverPart | AskProfile | WriteLog | Count


@dataclass(slots=True)
class Draft:
    """What a batch will have done once it is committed."""

    batch: Batch = field(default_factory=Batch)
    states: dict[ConversationId, Conversation] = field(default_factory=dict)
    orders: list[tuple[ConversationId, Order]] = field(default_factory=list)
    timers: list[tuple[ConversationId, SetTimer | ClearTimer]] = field(
        default_factory=list
    )

    def add(self, event: Event, decision: Decision, seq: int, *, is_new: bool) -> None:
        """Add one event and what was decided on it."""
        state = decision.state
        self.states[state.id] = state
        if is_new:
            self._add_customer(state)
        self.batch.conversations[state.id] = _row_of(state, event.at)
        self.batch.events.append(
            EventRow(
                id=event.id,
                conversation_id=state.id,
                tenant_id=state.tenant_id,
                version=state.version,
                seq=seq,
                at=event.at,
                kind=kind_of(event),
                payload=encode_event(event),
                message_ids=touched_by(decision),
            )
        )
        if isinstance(event, Inbound) and event.mid in state.unsent_mids:
            # Of what is taken back now, and of what comes after it was.
            self.batch.forgotten.add((state.id, event.mid))
        for effect in decision.effects:
            self._add_effect(state, effect, seq, event.at)

    def _add_customer(self, state: Conversation) -> None:
        profile = state.profile
        self.batch.customers[state.customer_id] = CustomerRow(
            state.customer_id,
            state.tenant_id,
            state.channel_id,
            state.platform_id,
            state.created_at,
            profile.first_name,
            profile.last_name,
            profile.username,
        )

    def _add_effect(
        self, state: Conversation, effect: Effect, seq: int, at: datetime
    ) -> None:
        match effect:
            case RecordMessage():
                self.batch.messages[effect.id] = _message_row(state, effect, seq)
            case MarkMessages():
                status, reason = effect.processing.value, effect.reason
                for message in effect.ids:
                    self._note(ProgressRow(message, status, reason=reason))
            case BlankMessages() | RewriteMessages() | ForgetCombination():
                self._correct(effect)
            case RateMessage():
                feedback, comment = effect.feedback.value, effect.comment
                self._note(
                    ProgressRow(effect.id, feedback=feedback, feedback_comment=comment)
                )
            case RecordProfile():
                self._add_customer(state)
            case RecordSend():
                self._add_send(state, effect, at)
            case SetTimer() | ClearTimer():
                self._add_timer(state.id, effect)
            case (
                StartReply()
                | CancelReply()
                | DeliverPart()
                | AskProfile()
                | WriteLog()
                | Count()
            ):
                self.orders.append((state.id, effect))
            case _:
                assert_never(effect)

    def _add_send(self, state: Conversation, effect: RecordSend, at: datetime) -> None:
        send = effect.send
        self.batch.sends[send.id] = SendRow(
            id=send.id,
            conversation_id=state.id,
            message_id=send.message_id,
            tenant_id=state.tenant_id,
            channel_id=state.channel_id,
            part=send.part,
            content=send.content,
            delivery=send.delivery.value,
            attempts=send.attempts,
            platform_id=effect.mid,
            error=effect.error,
            updated_at=at,
        )
        if effect.is_last_part or send.delivery.value not in {"sent", "failed"}:
            delivery = send.delivery.value
            self._note(
                ProgressRow(send.message_id, delivery=delivery, platform_id=effect.mid)
            )

    def _correct(
        self, effect: BlankMessages | RewriteMessages | ForgetCombination
    ) -> None:
        match effect:
            case BlankMessages():
                completed = Processing.COMPLETED.value
                for message in effect.ids:
                    self._note(ProgressRow(message, completed, is_unsent=True))
            case RewriteMessages():
                content, combined = effect.content, effect.combined_content
                for message in effect.ids:
                    self._note(
                        ProgressRow(message, content=content, combined_content=combined)
                    )
            case ForgetCombination():
                self._note(ProgressRow(effect.id, is_uncombined=True))
            case _:
                assert_never(effect)

    def _note(self, change: ProgressRow) -> None:
        """Note what happens to a message, be it from before or of this batch."""
        known = self.batch.messages.get(change.id)
        if known is not None:
            self.batch.messages[change.id] = apply_progress(known, change)
            return
        before = self.batch.progress.get(change.id)
        self.batch.progress[change.id] = (
            change if before is None else merge_progress(before, change)
        )

    def _add_timer(
        self, conversation: ConversationId, effect: SetTimer | ClearTimer
    ) -> None:
        self.timers.append((conversation, effect))
        row = None
        if isinstance(effect, SetTimer):
            kind, due_at = effect.kind.value, effect.due_at
            row = TimerRow(conversation, kind, slot_of(conversation), due_at)
        self.batch.timers[conversation, effect.kind.value] = row


def timer_key(
    conversation: ConversationId, kind: str
) -> tuple[ConversationId, TimerKind]:
    """Return the key under which a stored timer is kept in memory."""
    return conversation, TimerKind(kind)


def touched_by(decision: Decision) -> tuple[MessageId, ...]:
    """Return the ids of the messages that the decision makes or changes."""
    touched: dict[MessageId, None] = {}
    for effect in decision.effects:
        match effect:
            case RecordMessage() | RateMessage() | ForgetCombination():
                touched[effect.id] = None
            case MarkMessages() | BlankMessages() | RewriteMessages():
                touched.update(dict.fromkeys(effect.ids))
            case RecordSend():
                touched[effect.send.message_id] = None
            case SetTimer() | ClearTimer() | StartReply() | CancelReply():
                pass
            case AskProfile():
                pass
            case DeliverPart() | WriteLog() | Count() | RecordProfile():
                pass
            case _:
                assert_never(effect)
    return tuple(touched)


def _row_of(state: Conversation, at: datetime) -> ConversationRow:
    return ConversationRow(
        id=state.id,
        tenant_id=state.tenant_id,
        channel_id=state.channel_id,
        customer_id=state.customer_id,
        source=state.source.value,
        slot=slot_of(state.id),
        version=state.version,
        state=encode_state(state),
        status=state.status.value,
        needs_operator=state.needs_operator,
        last_message_id=state.last_message_id,
        created_at=state.created_at,
        updated_at=at,
    )


def _message_row(state: Conversation, message: RecordMessage, seq: int) -> MessageRow:
    return MessageRow(
        id=message.id,
        tenant_id=state.tenant_id,
        conversation_id=state.id,
        seq=seq,
        type=message.author.value,
        message_type=message.message_type.value,
        content=message.content,
        processing_status=message.processing.value,
        platform_id=message.mid,
        delivery=None if message.author is Author.CUSTOMER else _delivery_of(message),
        metadata=encode_metadata(message),
        created_at=message.created_at,
        combined_content=message.combined_content,
        position=message.position,
    )


def _delivery_of(message: RecordMessage) -> str | None:
    return None if message.delivery is None else message.delivery.value
