"""Collects the rows of one batch from decisions, and the commands to run after it.

A statement can touch a row once. So all changes of one message within a batch become a
single `MessageUpdate`, or are applied to the row of a message that is new in it.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from typing import TypeAlias, assert_never

from actors.conversation import codec, effects
from actors.conversation.effects import Decision
from actors.conversation.errors import InvalidEventError
from actors.conversation.events import Event, Inbound
from actors.conversation.rules.placeholders import (
    REDACTED_PLACEHOLDER,
    build_line_pattern,
)
from actors.conversation.shard.workflow_rows import add_progress
from actors.conversation.state import Author, Conversation, Processing
from persistence import journal
from persistence.erasure import Erasure
from persistence.ids import ConversationId, EventId, MessageId, slot_of
from persistence.journal import Batch, MessageRow, MessageUpdate
from persistence.notes import NoteRow

#: An effect that runs after the commit, outside the database.
Command: TypeAlias = (
    effects.StartReply
    | effects.CancelReply
    | effects.DeliverPart
    | effects.AskProfile
    | effects.PerformWork
    | effects.WriteLog
    | effects.Count
)
PLACEHOLDER_LINES = (build_line_pattern(), REDACTED_PLACEHOLDER)
_BLANK = partial(
    MessageUpdate, processing_status=Processing.COMPLETED.value, is_unsent=True
)
_FORGET = partial(MessageUpdate, is_uncombined=True)
#: Of a state as JSON text. It is written with each event; a usual one has a thousand.
MAX_STATE_CHARS = 500_000
TimerEffect: TypeAlias = effects.SetTimer | effects.ClearTimer


@dataclass(slots=True)
class BatchBuilder:
    """A batch in the making: rows for the commit, commands and timers for after it."""

    batch: Batch = field(
        default_factory=lambda: Batch(placeholder_lines=PLACEHOLDER_LINES)
    )
    states: dict[ConversationId, Conversation] = field(default_factory=dict)
    commands: list[tuple[ConversationId, Command]] = field(default_factory=list)
    timers: list[tuple[ConversationId, TimerEffect]] = field(default_factory=list)

    def add(
        self,
        event: Event,
        decision: Decision,
        seq: int,
        row: journal.ConversationRow | None = None,
        *,
        is_new: bool,
    ) -> None:
        """Add an event and its decision; `row` is that of its state if it is known."""
        state = decision.state
        self.states[state.id] = state
        if is_new:
            self._add_customer(state)
        touched: dict[MessageId, None] = {}
        for effect in decision.effects:
            ids = self._add_effect(state, effect, seq, event)
            touched.update(dict.fromkeys(ids))
        row = row or build_state_row(state, event.at)
        self.batch.conversations[state.id] = row
        self.batch.events.append(
            journal.EventRow(
                id=event.id,
                conversation_id=state.id,
                tenant_id=state.tenant_id,
                version=state.version,
                seq=seq,
                at=event.at,
                kind=codec.kind_of(event),
                payload=codec.encode_event(codec.strip_proof(event)),
                message_ids=tuple(touched),
            )
        )
        if isinstance(event, Inbound) and event.mid in state.unsent_mids:
            # The message is unsent now, or was unsent before it came.
            self.batch.redacted.add((state.id, event.mid))

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

    def _add_effect(  # noqa: C901 - one case per effect is a table
        self, state: Conversation, effect: effects.Effect, seq: int, event: Event
    ) -> Collection[MessageId]:
        """Add an effect; return the ids of the messages that it adds or changes."""
        match effect:
            case effects.RecordMessage(message):
                self.batch.messages[message] = _message_row(state, effect, seq)
                proof = codec.encode_proof(effect.trace)
                if proof is not None and not effect.is_unsent:
                    self.batch.proofs.append(
                        journal.ProofRow(message, state.tenant_id, state.id, proof)
                    )
                return (message,)
            case effects.MarkMessages(messages, processing, reason):
                status = processing.value
                change = partial(MessageUpdate, processing_status=status, reason=reason)
                return self._update(messages, change)
            case effects.BlankMessages(messages):
                return self._update(messages, _BLANK)
            case effects.RewriteMessages(messages):
                return self._update(messages, _rewrite(effect))
            case effects.ExtendMessage(message):
                return self._update((message,), _rewrite(effect))
            case effects.ForgetCombination(message):
                return self._update((message,), _FORGET)
            case effects.RateMessage(message, feedback, comment):
                change = partial(
                    MessageUpdate, feedback=feedback.value, feedback_comment=comment
                )
                return self._update((message,), change)
            case effects.RecordProfile():
                self._add_customer(state)
            case effects.RecordSend():
                self._add_send(state, effect, event.at)
                return (effect.send.message_id,)
            case effects.RecordNote():
                self.batch.notes.append(_note_row(state, effect))
            case effects.EraseCustomer():
                # Such an event is alone in its batch: see `Suspects.split`.
                self.batch.erasure = _erasure_of(state, effect, event)
            case effects.RecordRun() | effects.RecordRunStep() | effects.ChangeCard():
                add_progress(self.batch.progress, state, effect, event.at)
            case effects.Raise():
                pass  # The event is decided on next.
            case effects.SetTimer() | effects.ClearTimer():
                self._add_timer(state.id, effect)
            case (
                effects.StartReply()
                | effects.CancelReply()
                | effects.DeliverPart()
                | effects.AskProfile()
                | effects.PerformWork()
                | effects.WriteLog()
                | effects.Count()
            ):
                self.commands.append((state.id, effect))
            case _:
                assert_never(effect)
        return ()

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
            change = partial(MessageUpdate, delivery=delivery, platform_id=effect.mid)
            self._update((send.message_id,), change)

    def _update(
        self,
        messages: Collection[MessageId],
        build_change: Callable[[MessageId], MessageUpdate],
    ) -> Collection[MessageId]:
        """Change messages, be they stored or new in this batch; return their ids."""
        for message in messages:
            change = build_change(message)
            row = self.batch.messages.get(message)
            before = self.batch.updates.get(message)
            if row is not None:
                self.batch.messages[message] = apply_update(row, change)
            elif before is not None:
                self.batch.updates[message] = merge_updates(before, change)
            else:
                self.batch.updates[message] = change
        return messages

    def _add_timer(self, conversation: ConversationId, effect: TimerEffect) -> None:
        self.timers.append((conversation, effect))
        row = None
        if isinstance(effect, effects.SetTimer):
            kind, due_at = effect.kind.value, effect.due_at
            row = journal.TimerRow(conversation, kind, slot_of(conversation), due_at)
        self.batch.timers[conversation, effect.kind.value] = row


def _erasure_of(
    state: Conversation, effect: effects.EraseCustomer, event: Event
) -> Erasure:
    return Erasure(
        id=event.id,
        tenant_id=state.tenant_id,
        conversation_id=state.id,
        customer_id=state.customer_id,
        at=event.at,
        user_id=effect.user_id,
        is_expired=effect.is_expired,
    )


def _note_row(state: Conversation, note: effects.RecordNote) -> NoteRow:
    return NoteRow(
        id=note.id,
        tenant_id=state.tenant_id,
        conversation_id=state.id,
        position=note.position,
        user_id=note.user_id,
        content=note.content,
        created_at=note.created_at,
    )


def _rewrite(
    effect: effects.RewriteMessages | effects.ExtendMessage,
) -> Callable[[MessageId], MessageUpdate]:
    """Return the change of a message's words, and of its media."""
    media = effect.media if isinstance(effect, effects.ExtendMessage) else ()
    return partial(
        MessageUpdate,
        content=effect.content,
        combined_content=effect.combined_content,
        media=codec.encode_media(media),
        is_edited=isinstance(effect, effects.RewriteMessages),
    )


def check_size(row: journal.ConversationRow, event_id: EventId) -> None:
    """Refuse an event that makes a state too large. Raises InvalidEventError.

    Every list in a state is bounded, but not every text that a platform, or whoever
    passes for one, may send.
    """
    if len(row.state) > MAX_STATE_CHARS:
        message = "this makes the conversation larger than can be stored"
        raise InvalidEventError(message, event_id)


def build_state_row(state: Conversation, at: datetime) -> journal.ConversationRow:
    """Build the row of a conversation's newest state."""
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
        change = replace(
            change, content=None, combined_content=None, media="[]", is_edited=False
        )
    return MessageUpdate(
        id=before.id,
        processing_status=change.processing_status or before.processing_status,
        delivery=change.delivery or before.delivery,
        platform_id=change.platform_id or before.platform_id,
        reason=change.reason or before.reason,
        content=before.content if change.content is None else change.content,
        # A share that is unsent leaves a text that was combined with it just before.
        combined_content=change.combined_content
        or (None if change.is_uncombined else before.combined_content),
        media=codec.join_media(before.media, change.media),
        is_edited=before.is_edited or change.is_edited,
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
    if change.is_edited:
        metadata = codec.mark_edited(metadata)
    metadata = codec.add_media(metadata, change.media)
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
