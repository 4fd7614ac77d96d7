"""Mutants: bugs, planted one at a time, that the simulation must find."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta

import pytest

from actors.conversation.effects import Decision, DeliverPart, Effect
from actors.conversation.events import CustomerWrote, Event, ReplyFellDue, ShareTimedOut
from actors.conversation.rules import (
    delivery,
    outcomes,
    questions,
    replies,
    share,
    takeover,
)
from actors.conversation.rules.policy import Policy
from actors.conversation.rules.replies import on_reply_due
from actors.conversation.rules.share import on_share_timed_out
from actors.conversation.shard import effect_runner, shard
from actors.conversation.shard.batch_builder import BatchBuilder
from actors.conversation.shard.effect_runner import EffectRunner
from actors.conversation.shard.envelope import Envelope
from actors.conversation.shard.shard import Shard
from actors.conversation.state import Conversation, Delivery
from persistence.errors import DatabaseAwayError
from persistence.ids import EventId
from persistence.journal import Epoch
from tests.support.conversation import memory_journal
from tests.support.conversation.memory_journal import MemoryJournal

Plant = Callable[[pytest.MonkeyPatch], None]

_commit = Shard._commit
_recover = Shard._recover


def no_dedupe(patch: pytest.MonkeyPatch) -> None:
    """A webhook that comes twice is taken for two."""

    def keep_all(
        envelopes: list[Envelope], _known: dict[EventId, int]
    ) -> list[Envelope]:
        return list(envelopes)

    patch.setattr(shard, "drop_duplicates", keep_all)


def no_fence(patch: pytest.MonkeyPatch) -> None:
    """A shard that lost its place goes on writing."""
    patch.setattr(MemoryJournal, "_check_fence", lambda *_: None)


def no_renewal_after_a_lost_commit(patch: pytest.MonkeyPatch) -> None:
    """A commit that was under way happens after the states were read anew."""

    def stay(journal: MemoryJournal, epoch: Epoch) -> Epoch | None:
        held = journal.shards[epoch.shard]
        return held if held.epoch == epoch.epoch else None

    patch.setattr(MemoryJournal, "renew_epoch_now", stay)


def stale_answers_are_sent(patch: pytest.MonkeyPatch) -> None:
    """An answer to old questions counts as one to the new."""

    def is_stale(state: Conversation, _job: EventId) -> bool:
        return state.reply is None

    patch.setattr(replies, "_is_stale", is_stale)


def the_reply_timer_is_not_bound(patch: pytest.MonkeyPatch) -> None:
    """An old timer starts the answer to a burst that is not over."""

    def fire(state: Conversation, event: ReplyFellDue) -> Decision:
        if state.reply is not None:
            event = replace(event, due_at=state.reply.due_at)
        return on_reply_due(state, event)

    patch.setattr(replies, "on_reply_due", fire)


def the_share_timer_is_not_bound(patch: pytest.MonkeyPatch) -> None:
    """The timer of one share clears the next: fault S1 of the predecessor."""

    def fire(state: Conversation, event: ShareTimedOut) -> Decision:
        if state.pending_share is not None:
            event = replace(event, due_at=state.pending_share.due_at)
        return on_share_timed_out(state, event)

    patch.setattr(share, "on_share_timed_out", fire)


def the_ai_talks_over_a_person(patch: pytest.MonkeyPatch) -> None:
    """What the AI has in hand goes out although a person took over: fault R5."""

    def stay_loud(
        state: Conversation, *_: object
    ) -> tuple[Conversation, tuple[Effect, ...]]:
        return state, ()

    patch.setattr(takeover, "withdraw", stay_loud)


def a_doubtful_part_is_sent_at_once(patch: pytest.MonkeyPatch) -> None:
    """A time-out counts as a refusal: fault D5 of the predecessor."""

    def resend(state: Conversation, reason: str, at: object, _: Policy) -> Decision:
        head = replace(state.sends[0], delivery=Delivery.QUEUED)
        assert at is not None
        return delivery._put_back(state, head, reason)

    patch.setattr(delivery, "_outcome_unknown", resend)


def our_echo_is_taken_for_the_owners(patch: pytest.MonkeyPatch) -> None:
    """The platform's names of our messages are forgotten."""

    def forget(state: Conversation, _mid: str) -> Conversation:
        return state

    patch.setattr(outcomes, "remember_mid", forget)


def a_late_echo_is_taken_for_the_owners(patch: pytest.MonkeyPatch) -> None:
    """The first echo of a part that was sent twice silences the AI."""
    patch.setattr(outcomes, "acknowledge_unconfirmed", lambda *_: None)


def memory_outlives_a_lost_commit(patch: pytest.MonkeyPatch) -> None:
    """After a commit whose outcome was lost the shard goes on from memory."""

    async def recover(self: Shard) -> None:
        kept = dict(self._states)
        await _recover(self)
        self._states.update(kept)

    patch.setattr(Shard, "_recover", recover)


def effects_run_before_the_commit(patch: pytest.MonkeyPatch) -> None:
    """A part is on its way before it is recorded that it is."""

    async def commit(self: Shard, builder: BatchBuilder, seq: int, events: int) -> None:
        commands, builder.commands = builder.commands, []
        for conversation, command in commands:
            self._effect_runner.run(builder.states[conversation], command)
        await _commit(self, builder, seq, events)

    patch.setattr(Shard, "_commit", commit)


def lost_commits_are_reported_as_stored(patch: pytest.MonkeyPatch) -> None:
    """A webhook gets its 200 although the database was away: fault D2."""

    async def commit(self: Shard, builder: BatchBuilder, seq: int, events: int) -> None:
        try:
            await _commit(self, builder, seq, events)
        except DatabaseAwayError:
            self._states.update(builder.states)

    patch.setattr(Shard, "_commit", commit)


def stored_timers_are_not_armed(patch: pytest.MonkeyPatch) -> None:
    """A timer that was set before a crash never fires after it: fault S1's sister."""

    async def load_none(self: Shard) -> None:
        self._timers.clear_all()

    patch.setattr(Shard, "_load_timers", load_none)


def a_send_outlives_its_lease(patch: pytest.MonkeyPatch) -> None:
    """A part that waited for a place is sent although another call has it now."""

    async def deliver(
        self: EffectRunner, state: Conversation, command: DeliverPart
    ) -> None:
        async with self._send_places.place(state.tenant_id, state.channel_id):
            send = replace(command.send, due_at=command.send.due_at + timedelta(days=1))
            event = await self._attempt(state, replace(command, send=send))
        self._sends.pop(command.send.id, None)
        self._post(event)

    patch.setattr(EffectRunner, "_deliver", deliver)


def an_edit_that_comes_first_is_lost(patch: pytest.MonkeyPatch) -> None:
    """A message that was worded anew before it arrived says its old words."""
    patch.setattr(questions, "find_edit", lambda *_: None)


def the_history_keeps_what_was_unsent(patch: pytest.MonkeyPatch) -> None:
    """What was taken back can still be read where events are written down."""
    patch.setattr(MemoryJournal, "_forget", lambda *_: None)


def too_much_is_forgotten(patch: pytest.MonkeyPatch) -> None:
    """A history without words does not decide as it did when it had them."""

    def forget_all(event: Event, *_: object) -> Event:
        return replace(event, text="") if isinstance(event, CustomerWrote) else event

    patch.setattr(memory_journal, "redact_event", forget_all)


def broken_text_is_not_mended(patch: pytest.MonkeyPatch) -> None:
    """A model's NUL makes the database refuse the answer."""
    patch.setattr(effect_runner, "strip_unstorable", lambda text: text)


MUTANTS: Mapping[str, Plant] = {
    plant.__name__: plant
    for plant in (
        no_dedupe,
        no_fence,
        no_renewal_after_a_lost_commit,
        a_send_outlives_its_lease,
        stale_answers_are_sent,
        the_reply_timer_is_not_bound,
        the_share_timer_is_not_bound,
        the_ai_talks_over_a_person,
        a_doubtful_part_is_sent_at_once,
        our_echo_is_taken_for_the_owners,
        a_late_echo_is_taken_for_the_owners,
        memory_outlives_a_lost_commit,
        effects_run_before_the_commit,
        lost_commits_are_reported_as_stored,
        stored_timers_are_not_armed,
        an_edit_that_comes_first_is_lost,
        broken_text_is_not_mended,
        the_history_keeps_what_was_unsent,
        too_much_is_forgotten,
    )
}
