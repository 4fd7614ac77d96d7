"""Collects the rows of one batch from decisions, and the commands to run after it.

A statement can touch a row once. So all changes of one message within a batch become a
single `MessageUpdate`, or are applied to the row of a message that is new in it.
"""

from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TypeAlias, assert_never

from actors.conversation import codec, effects
from actors.conversation.effects import Decision
from actors.conversation.events import Event, Inbound
from actors.conversation.state import Author, Conversation, Processing, TimerKind
from persistence import journal
from persistence.ids import ConversationId, MessageId, slot_of
from persistence.journal import Batch, MessageRow, MessageUpdate

#: An effect that runs after the commit, outside the database.
Command: TypeAlias = (
    effects.StartReply
    | effects.CancelReply
    | effects.DeliverPart
    | effects.AskProfile
    | effects.WriteLog
    | effects.Count
)
TimerEffect: TypeAlias = effects.SetTimer | effects.ClearTimer
Correction: TypeAlias = (
    effects.BlankMessages | effects.RewriteMessages | effects.ForgetCombination
)


@dataclass(slots=True)
class BatchBuilder:
    """A batch in the making: rows for the commit, commands and timers for after it."""

    batch: Batch = field(default_factory=Batch)
    states: dict[ConversationId, Conversation] = field(default_factory=dict)
    commands: list[tuple[ConversationId, Command]] = field(default_factory=list)
    timers: list[tuple[ConversationId, TimerEffect]] = field(default_factory=list)

    def add(self, event: Event, decision: Decision, seq: int, *, is_new: bool) -> None:
        """Add an event and its decision."""
        state = decision.state
        self.states[state.id] = state
        if is_new:
            self._add_customer(state)
        self.batch.conversations[state.id] = _row_of(state, event.at)
        self.batch.events.append(
            journal.EventRow(
                id=event.id,
                conversation_id=state.id,
                tenant_id=state.tenant_id,
                version=state.version,
                seq=seq,
                at=event.at,
                kind=codec.kind_of(event),
                payload=codec.encode_event(event),
                message_ids=touched_messages(decision),
            )
        )
        if isinstance(event, Inbound) and event.mid in state.unsent_mids:
            # The message is unsent now, or was unsent before it came.
            self.batch.redacted.add((state.id, event.mid))
        for effect in decision.effects:
            self._add_effect(state, effect, seq, event.at)

    def _add_customer(self, state: Conversation) -> None:
        profile = state.profile
        self.batch.customers[state.customer_id] = journal.CustomerRow(
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
        self, state: Conversation, effect: effects.Effect, seq: int, at: datetime
    ) -> None:
        match effect:
            case effects.RecordMessage():
                self.batch.messages[effect.id] = _message_row(state, effect, seq)
            case effects.MarkMessages():
                status, reason = effect.processing.value, effect.reason
                for message in effect.ids:
                    self._update(MessageUpdate(message, status, reason=reason))
            case (
                effects.BlankMessages()
                | effects.RewriteMessages()
                | effects.ForgetCombination()
            ):
                self._correct(effect)
            case effects.RateMessage():
                feedback, comment = effect.feedback.value, effect.comment
                self._update(
                    MessageUpdate(
                        effect.id, feedback=feedback, feedback_comment=comment
                    )
                )
            case effects.RecordProfile():
                self._add_customer(state)
            case effects.RecordSend():
                self._add_send(state, effect, at)
            case effects.SetTimer() | effects.ClearTimer():
                self._add_timer(state.id, effect)
            case (
                effects.StartReply()
                | effects.CancelReply()
                | effects.DeliverPart()
                | effects.AskProfile()
                | effects.WriteLog()
                | effects.Count()
            ):
                self.commands.append((state.id, effect))
            case _:
                assert_never(effect)

    def _add_send(
        self, state: Conversation, effect: effects.RecordSend, at: datetime
    ) -> None:
        send = effect.send
        self.batch.sends[send.id] = journal.SendRow(
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
            self._update(
                MessageUpdate(
                    send.message_id, delivery=delivery, platform_id=effect.mid
                )
            )

    def _correct(self, effect: Correction) -> None:
        match effect:
            case effects.BlankMessages():
                completed = Processing.COMPLETED.value
                for message in effect.ids:
                    self._update(MessageUpdate(message, completed, is_unsent=True))
            case effects.RewriteMessages():
                content, combined = effect.content, effect.combined_content
                for message in effect.ids:
                    self._update(
                        MessageUpdate(
                            message, content=content, combined_content=combined
                        )
                    )
            case effects.ForgetCombination():
                self._update(MessageUpdate(effect.id, is_uncombined=True))
            case _:
                assert_never(effect)

    def _update(self, change: MessageUpdate) -> None:
        """Change a message, be it stored or new in this batch."""
        row = self.batch.messages.get(change.id)
        if row is not None:
            self.batch.messages[change.id] = apply_update(row, change)
            return
        before = self.batch.updates.get(change.id)
        self.batch.updates[change.id] = (
            change if before is None else merge_updates(before, change)
        )

    def _add_timer(self, conversation: ConversationId, effect: TimerEffect) -> None:
        self.timers.append((conversation, effect))
        row = None
        if isinstance(effect, effects.SetTimer):
            kind, due_at = effect.kind.value, effect.due_at
            row = journal.TimerRow(conversation, kind, slot_of(conversation), due_at)
        self.batch.timers[conversation, effect.kind.value] = row


def timer_key(
    conversation: ConversationId, kind: str
) -> tuple[ConversationId, TimerKind]:
    """Return the in-memory key of a stored timer."""
    return conversation, TimerKind(kind)


def touched_messages(decision: Decision) -> tuple[MessageId, ...]:
    """Return the ids of the messages that the decision adds or changes."""
    touched: dict[MessageId, None] = {}
    for effect in decision.effects:
        match effect:
            case (
                effects.RecordMessage()
                | effects.RateMessage()
                | effects.ForgetCombination()
            ):
                touched[effect.id] = None
            case (
                effects.MarkMessages()
                | effects.BlankMessages()
                | effects.RewriteMessages()
            ):
                touched.update(dict.fromkeys(effect.ids))
            case effects.RecordSend():
                touched[effect.send.message_id] = None
            case (
                effects.SetTimer()
                | effects.ClearTimer()
                | effects.StartReply()
                | effects.CancelReply()
            ):
                pass
            case effects.AskProfile():
                pass
            case (
                effects.DeliverPart()
                | effects.WriteLog()
                | effects.Count()
                | effects.RecordProfile()
            ):
                pass
            case _:
                assert_never(effect)
    return tuple(touched)


def _row_of(state: Conversation, at: datetime) -> journal.ConversationRow:
    return journal.ConversationRow(
        id=state.id,
        tenant_id=state.tenant_id,
        channel_id=state.channel_id,
        customer_id=state.customer_id,
        source=state.source.value,
        slot=slot_of(state.id),
        version=state.version,
        state=codec.encode_state(state),
        status=state.status.value,
        needs_operator=state.needs_operator,
        last_message_id=state.last_message_id,
        created_at=state.created_at,
        updated_at=at,
    )


def _message_row(
    state: Conversation, message: effects.RecordMessage, seq: int
) -> MessageRow:
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
        metadata=codec.encode_metadata(message),
        created_at=message.created_at,
        combined_content=message.combined_content,
        position=message.position,
    )


def _delivery_of(message: effects.RecordMessage) -> str | None:
    return None if message.delivery is None else message.delivery.value


def merge_updates(before: MessageUpdate, change: MessageUpdate) -> MessageUpdate:
    """Merge a later change into an earlier one; None changes nothing."""
    if change.is_unsent:
        return replace(change, platform_id=change.platform_id or before.platform_id)
    if before.is_unsent:
        # The words stay removed; other columns may still change.
        change = replace(change, content=None, combined_content=None)
    return MessageUpdate(
        id=before.id,
        processing_status=change.processing_status or before.processing_status,
        delivery=change.delivery or before.delivery,
        platform_id=change.platform_id or before.platform_id,
        reason=change.reason or before.reason,
        content=before.content if change.content is None else change.content,
        combined_content=change.combined_content or before.combined_content,
        is_unsent=before.is_unsent,
        is_uncombined=before.is_uncombined or change.is_uncombined,
        # Only stored answers are rated, so a message of the same batch never is.
        feedback=change.feedback or before.feedback,
        feedback_comment=before.feedback_comment
        if change.feedback is None
        else change.feedback_comment,
    )


def apply_update(row: MessageRow, change: MessageUpdate) -> MessageRow:
    """Return the new message after the change."""
    status = change.processing_status or row.processing_status
    delivery = change.delivery or row.delivery
    platform_id = change.platform_id or row.platform_id
    if change.is_unsent or row.metadata == codec.UNSENT_METADATA:
        return replace(
            row,
            content="",
            combined_content=None,
            processing_status=status,
            delivery=delivery,
            platform_id=platform_id,
            metadata=codec.UNSENT_METADATA,
        )
    metadata = row.metadata
    if change.reason:
        metadata = codec.add_failure_reason(metadata, change.reason)
    if change.content is not None:
        metadata = codec.mark_edited(metadata)
    combined = None if change.is_uncombined else row.combined_content
    return replace(
        row,
        processing_status=status,
        delivery=delivery,
        platform_id=platform_id,
        content=row.content if change.content is None else change.content,
        combined_content=change.combined_content or combined,
        metadata=metadata,
    )
