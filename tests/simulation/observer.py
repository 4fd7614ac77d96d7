"""Observes a simulated history, and notes at each step which promise it breaks.

It relies on a reference model of each conversation and on what arrived at the platform,
never on what the shard reports of itself.
"""

from collections.abc import Callable, Mapping
from datetime import datetime

from actors.conversation.codec import decode_event, decode_state
from actors.conversation.events import EchoReceived, Event, ReplyWritten, SendRetried
from actors.conversation.ports import OutgoingPart
from actors.conversation.rules.policy import Policy
from actors.conversation.shard.envelope import Receipt
from actors.conversation.shard.shard import Shard
from actors.conversation.state import (
    Conversation,
    Delivery,
    Processing,
    Source,
    TimerKind,
    check_invariants,
)
from persistence.ids import ConversationId, EventId, MessageId
from persistence.journal import Batch, Epoch, MessageRow, SendRow
from tests.simulation.deliveries import Deliveries
from tests.simulation.platform import Arrival
from tests.simulation.replay_checks import find_unfaithful, find_unredacted
from tests.simulation.responder import read_answer
from tests.simulation.trace import Trace
from tests.support.conversation.memory_journal import MemoryJournal
from tests.support.conversation.reference_model import ReferenceModel, differences


class Observer:
    """Checks every commit, call, arrival and receipt against the promises."""

    def __init__(
        self,
        memory: MemoryJournal,
        policy: Policy,
        trace: Trace,
        now: Callable[[], float],
        failures: list[str],
    ) -> None:
        self._memory = memory
        self._policy = policy
        self._trace = trace
        self._failures = failures
        self._models: dict[ConversationId, ReferenceModel] = {}
        self._deliveries = Deliveries(memory, policy, now, self.check)
        self._ended: set[tuple[ConversationId, str, datetime]] = set()
        self._armed: dict[tuple[ConversationId, str], datetime] = {}
        self._mids: set[tuple[ConversationId, str, str]] = set()
        #: Platform ids of what the owner typed in the app.
        self.owners_mids: set[str] = set()
        self.commits = 0

    def check(self, promise: str, *things: object, holds: bool) -> None:
        """Note a broken promise; the history ends after this step."""
        if not holds:
            self._trace.write("BROKEN " + promise + " {}" * len(things), *things)
            self._failures.append(promise)

    def note_commit(self, epoch: Epoch, batch: Batch, last_seq: int) -> None:
        """Check all that a batch has written."""
        self.commits += 1
        held = self._memory.shards[epoch.shard]
        self.check("only the newest shard writes", holds=held.epoch == epoch.epoch)
        self._trace.write("COMMIT of epoch {} up to {}", epoch.epoch, last_seq)
        seqs = [row.seq for row in batch.events]
        self.check("numbers grow", seqs, holds=seqs == sorted(set(seqs)))
        for row in batch.events:
            event = decode_event(row.kind, row.payload)
            self._trace.write("       {}", event)
            self._note_event(event, row.version, batch)
        for message in batch.messages.values():
            self._note_message(message)
        for send in batch.sends.values():
            version = self._models[send.conversation_id].version
            self._deliveries.note_row(send, version)
        self._note_timers(batch)
        for conversation in batch.conversations.values():
            self._compare(decode_state(conversation.state))

    def _note_event(self, event: Event, version: int, batch: Batch) -> None:
        conversation = event.conversation_id
        if conversation not in self._models:
            source = decode_state(batch.conversations[conversation].state).source
            self._models[conversation] = ReferenceModel(source)
        model = self._models[conversation]
        is_next = version == model.version + 1
        self.check("each event makes the next version", event, holds=is_next)
        if isinstance(event, ReplyWritten):
            self._check_answer(model, event, batch)
        model.apply(
            event,
            is_owners=isinstance(event, EchoReceived) and event.mid in self.owners_mids,
        )
        if isinstance(event, EchoReceived):
            self._deliveries.note_echo(event.mid)
        if isinstance(event, SendRetried):
            self._deliveries.note_retry(event.message_id, model.version)
        if event.id in batch.messages:
            self._deliveries.note_message(MessageId(event.id), model)

    def _check_answer(
        self, model: ReferenceModel, event: ReplyWritten, batch: Batch
    ) -> None:
        is_stored = event.id in batch.messages
        is_wanted = model.awaits(event.job)
        self.check("a stale answer is dropped", event, holds=is_stored == is_wanted)
        if not is_stored:
            return
        self.check("the AI answers only while it leads", event, holds=model.ai_leads)
        self.check("a burst is answered once", event, holds=bool(model.unanswered))
        asked = tuple(str(one) for one in model.unanswered)
        shares = [
            model.about[one].content for one in model.unanswered if one in model.about
        ]
        self.check(
            "an answer is to all that is unanswered, and to nothing else",
            event,
            asked,
            shares,
            holds=read_answer(event.text) == (asked, sorted(shares)),
        )

    def _note_message(self, message: MessageRow) -> None:
        if message.platform_id is not None:
            key = (message.conversation_id, message.platform_id, message.message_type)
            is_new = key not in self._mids
            self.check("no message is stored twice", message, holds=is_new)
            self._mids.add(key)

    def _note_timers(self, batch: Batch) -> None:
        for (conversation, kind), timer in batch.timers.items():
            before = self._armed.pop((conversation, kind), None)
            if before is not None and (timer is None or timer.due_at != before):
                self._ended.add((conversation, kind, before))
            if timer is None:
                continue
            self._armed[conversation, kind] = timer.due_at
            # The timer of sends may be set for the same instant again: a part is
            # due as soon as the one before it is done.
            self.check(
                "a timer ends once",
                timer,
                holds=kind == TimerKind.SEND
                or (conversation, kind, timer.due_at) not in self._ended,
            )

    def _compare(self, state: Conversation) -> None:
        model = self._models[state.id]
        try:
            check_invariants(state)
        except AssertionError as error:
            self.check(str(error), state.id, holds=False)
        different = differences(model, state)
        self.check(
            "the state is the model's",
            state.id,
            "; ".join(different),
            holds=not different,
        )
        for kind, due_at in _wanted_timers(state).items():
            row = self._memory.timers.get((state.id, kind.value))
            is_bound = (None if row is None else row.due_at) == due_at
            self.check("a timer is bound to what waits for it", kind, holds=is_bound)

    def note_call(self, part: OutgoingPart) -> None:
        """Check that a call to the platform may be made."""
        self._deliveries.note_call(part)

    def note_lookup(self, customer: str) -> None:
        """Check that nobody is asked for who did not write, or is known."""
        asked = [
            state
            for state in map(decode_state, self._states_of(customer))
            if state.source is Source.INSTAGRAM and state.last_customer_at is not None
        ]
        self.check("a name is asked for of who wrote", customer, holds=len(asked) == 1)

    def _states_of(self, customer: str) -> list[str]:
        cards = self._memory.customers
        return [
            row.state
            for row in self._memory.conversations.values()
            if cards[row.customer_id].platform_id == customer
        ]

    def note_arrival(self, arrival: Arrival) -> None:
        """Check the order in which a customer gets what we send."""
        self._deliveries.note_arrival(arrival)

    def note_receipt(self, receipt: Receipt) -> None:
        """Check that what a caller is told to be stored is stored."""
        stored = self._memory.events.get(receipt.event_id)
        self.check(
            "what is accepted is stored",
            receipt.event_id,
            holds=stored is not None and stored.row.seq == receipt.seq,
        )

    def note_unseen_commit(self) -> None:
        """Note that the shard does not know what it has written."""
        self.check("a commit that was given up does not happen later", holds=False)

    def note_fenced(self, shard: Shard) -> None:
        """Check that a shard that gave its place up had lost it."""
        held = self._memory.shards[0].epoch
        is_lost = held != shard._epoch.epoch
        self.check("who holds the place serves", holds=is_lost)

    def check_end(self, promised: set[EventId]) -> None:
        """Check that all that was owed has come, now that the world is calm."""
        for event_id in promised:
            is_there = event_id in self._memory.events
            self.check("nothing is lost", event_id, holds=is_there)
        for model in self._models.values():
            for message_id, text in model.texts.items():
                self._check_text(model, message_id, text)
        for key in self._memory.timers:
            self.check("every timer ends", *key, holds=False)
        for row in self._memory.conversations.values():
            state = decode_state(row.state)
            self.check("everything is sent or given up", row.id, holds=not state.sends)
            self.check("every answer comes", row.id, holds=state.reply is None)
            is_owed = state.ai_may_answer and bool(state.questions)
            self.check(
                "a question is answered, or a person is called",
                row.id,
                holds=not is_owed or state.needs_operator,
            )
            card, told = self._memory.customers[state.customer_id], state.profile
            self.check(
                "a name that was told is on the card",
                row.id,
                holds=(card.first_name, card.username)
                == (told.first_name, told.username),
            )
        for send in self._memory.sends.values():
            self._check_settled(send)
        for message in self._memory.messages.values():
            self.check(
                "nobody is said to work on what nobody works on",
                message,
                holds=message.processing_status != Processing.PROCESSING,
            )
            self.check(
                "a message of ours is on its way only while a part of it is",
                message,
                holds=message.delivery not in {Delivery.QUEUED, Delivery.SENDING},
            )

    def check_corrections(
        self, unsent: set[MessageId], last_words: Mapping[MessageId, str]
    ) -> None:
        """Check what messages say in the end against what their authors did."""
        for message_id, message in self._memory.messages.items():
            if message_id in unsent:
                is_blank = message.content == ""
                self.check("what was taken back is gone", message, holds=is_blank)
            elif message_id in last_words:
                is_last = message.content == last_words[message_id]
                self.check("the last words count", message, holds=is_last)

    def check_histories(self) -> None:
        """Check that what is written down makes each state again, and tells no more."""
        for conversation, different in find_unfaithful(self._memory, self._policy):
            promise = "a history makes the state that is stored"
            self.check(promise, conversation, "; ".join(different), holds=False)
        for event in find_unredacted(self._memory):
            self.check("the history forgets what was unsent", event, holds=False)

    def _check_text(
        self, model: ReferenceModel, message_id: MessageId, text: str
    ) -> None:
        stored = self._memory.messages.get(message_id)
        combined = model.combined.get(message_id)
        self.check("no message is lost", message_id, holds=stored is not None)
        self.check(
            "a message says what its author last wrote",
            stored,
            text,
            combined,
            holds=stored is None
            or (stored.content, stored.combined_content) == (text, combined),
        )

    def _check_settled(self, send: SendRow) -> None:
        has_arrived = self._deliveries.has_arrived(send.id)
        # Where there are no echoes, what is in doubt is a person's to decide.
        is_settled = send.delivery in {Delivery.FAILED, Delivery.UNKNOWN} or (
            send.delivery == Delivery.SENT and has_arrived
        )
        self.check("a part is sent or given up", send.id, holds=is_settled)


def _wanted_timers(state: Conversation) -> dict[TimerKind, datetime | None]:
    return {
        TimerKind.REPLY: state.reply.due_at if state.reply else None,
        TimerKind.SHARE: state.pending_share.due_at if state.pending_share else None,
        TimerKind.SEND: state.sends[0].due_at if state.sends else None,
        TimerKind.SNOOZE: state.inbox.snoozed_until,
    }
