"""A conversation under `decide` and under the reference model, side by side."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
)

from actors.conversation.effects import (
    ClearTimer,
    DeliverPart,
    SetTimer,
    StartReply,
)
from actors.conversation.events import (
    EchoReceived,
    Event,
    Inbound,
    ReplyFellDue,
    SendFellDue,
    ShareTimedOut,
    SnoozeFellDue,
    WorkflowFellDue,
    echo_message_id,
)
from actors.conversation.rules.decide import decide
from actors.conversation.rules.policy import Policy
from actors.conversation.shard.batch_builder import BatchBuilder
from actors.conversation.state import (
    Conversation,
    Delivery,
    Send,
    Source,
    TimerKind,
    check_invariants,
)
from persistence.ids import (
    EventId,
    MessageId,
    SendId,
    derive_conversation_id,
    derive_event_id,
)
from tests.support.conversation.conversations import CHANNEL, NOON, TENANT
from tests.support.conversation.customer_story import Head, InboundHead
from tests.support.conversation.redaction import number_wordings, redact_event
from tests.support.conversation.reference_model import ReferenceModel, differences

POLICY = Policy()


def _reword(event: Event, words: Mapping[str, str]) -> str:
    return words.get(getattr(event, "text", ""), "")


@dataclass(slots=True)
class Fate:
    """The calls and arrivals of one part."""

    is_known_sent: bool = False
    #: A call without a result, or with a lost one, may have arrived.
    may_have_arrived: bool = False
    unknown_since: datetime | None = None
    calls: list[Send] = field(default_factory=list)


class ConversationBench(RuleBasedStateMachine):
    """Applies events, keeps what was ordered, and holds what must always hold."""

    def begin(self, source: Source) -> None:
        """Begin a conversation on this platform."""
        self.source = source
        self.id = derive_conversation_id(CHANNEL, "sara")
        self.model = ReferenceModel(source)
        self.state: Conversation | None = None
        self.now = NOON
        self.count = 0
        self.mids: list[str] = []
        self.jobs: list[EventId] = []
        self.dues: list[tuple[TimerKind, datetime]] = []
        self.armed: dict[TimerKind, datetime] = {}
        self.fates: dict[SendId, Fate] = {}
        self.calls: list[Send] = []
        self.lost: list[Send] = []
        self.answers: dict[MessageId, int] = {}
        self.history: list[tuple[Event, tuple[MessageId, ...]]] = []

    @property
    def current(self) -> Conversation:
        """Return the state; the conversation is open."""
        assert self.state is not None
        return self.state

    def let_time_come(self, kind: TimerKind) -> None:
        """Let the armed timer of this kind run out."""
        self.now = max(self.now, self.armed[kind])
        self.fire(kind, self.armed[kind])

    def fire(self, kind: TimerKind, due_at: datetime) -> None:
        """Let the timer's event happen."""
        head = self.head()
        match kind:
            case TimerKind.REPLY:
                self.apply(ReplyFellDue(**head, due_at=due_at))
            case TimerKind.SHARE:
                self.apply(ShareTimedOut(**head, due_at=due_at))
            case TimerKind.SEND:
                self.apply(SendFellDue(**head, due_at=due_at))
            case TimerKind.WORKFLOW:
                self.apply(WorkflowFellDue(**head, due_at=due_at))
            case TimerKind.SNOOZE:
                self.apply(SnoozeFellDue(**head, due_at=due_at))

    def hear_echo(self, mid: str, send: Send) -> None:
        """Let the platform report what we sent."""
        inbound = self.inbound(echo_message_id(self.id, mid), mid)
        self.fates[send.id].is_known_sent = True
        self.apply(EchoReceived(**inbound, text=send.content), is_owners=False)

    def apply(self, event: Event, *, is_owners: bool = True) -> tuple[object, ...]:
        """Decide, and let the model go on as well."""
        decision = decide(self.state, event, POLICY)
        self.state = decision.state
        builder = BatchBuilder()
        builder.add(event, decision, seq=1, is_new=False)
        self.history.append((event, builder.batch.events[0].message_ids))
        if isinstance(event, Inbound) and event.mid in self.state.unsent_mids:
            self.forget(event.mid)
        self.model.apply(event, is_owners=is_owners)
        for effect in decision.effects:
            match effect:
                case SetTimer():
                    self.armed[effect.kind] = effect.due_at
                    self.dues.append((effect.kind, effect.due_at))
                case ClearTimer():
                    self.armed.pop(effect.kind, None)
                case StartReply():
                    assert list(effect.questions) == self.model.unanswered
                    self.jobs.append(effect.job)
                case DeliverPart():
                    self.check_call(effect.send)
                case _:
                    pass
        self.note_unknown()
        return decision.effects

    def teardown(self) -> None:
        """Check that the history, without what was unsent, makes the state again."""
        rebuilt: Conversation | None = None
        for event, _ in self.history:
            rebuilt = decide(rebuilt, event, POLICY).state
        assert rebuilt == self.state

    def forget(self, mid: str) -> None:
        """Take the words of this message out of the history, as the journal does."""
        mine = [
            event
            for event, touched in self.history
            if isinstance(event, Inbound)
            and event.mid == mid
            and redact_event(event, touched, "") != event
        ]
        words = number_wordings(mine)
        self.history = [
            (redact_event(event, touched, _reword(event, words)), touched)
            if isinstance(event, Inbound) and event.mid == mid
            else (event, touched)
            for event, touched in self.history
        ]

    def check_call(self, send: Send) -> None:
        """Check that the part may be sent now, and keep the call under way."""
        fate = self.fates.setdefault(send.id, Fate())
        assert not fate.is_known_sent, "what is known to have arrived is not sent again"
        if fate.may_have_arrived:
            assert fate.unknown_since is not None, "a part is sent once at a time"
            waited = self.now - fate.unknown_since
            assert waited >= POLICY.echo_timeout, (
                "an unknown outcome waits for its echo"
            )
        made_at = self.answers.get(send.message_id)
        assert made_at is None or made_at >= self.model.ai_stopped_at
        fate.may_have_arrived, fate.unknown_since = True, None
        # A call ends with its lease: of an earlier one only the echo may still come.
        self.lost += self.open_calls(send)
        self.calls = [call for call in self.calls if call.id != send.id]
        self.calls.append(send)

    def note_unknown(self) -> None:
        """Note since when the outcome of the first part is unknown."""
        head = self.current.sends[0] if self.current.sends else None
        if head is not None and head.delivery is Delivery.UNKNOWN:
            fate = self.fates[head.id]
            fate.unknown_since = fate.unknown_since or self.now

    def open_calls(self, send: Send) -> list[Send]:
        """Return the calls for this part that have no result yet."""
        return [call for call in self.calls if call.id == send.id]

    def pass_time(self, seconds: float) -> None:
        """Let time go on."""
        self.now += timedelta(seconds=seconds)

    def new_id(self) -> EventId:
        """Return an id that was not used."""
        self.count += 1
        return derive_event_id(self.id, f"event-{self.count}")

    def new_mid(self) -> str:
        """Return a platform id that was not used, or one that was unsent before."""
        self.count += 1
        known = {*self.model.unsent, *self.model.edits}
        is_announced = "to-come" in known and "to-come" not in self.mids
        self.mids.append("to-come" if is_announced else f"m{self.count}")
        return self.mids[-1]

    def words(self) -> str:
        """Return words that nobody else has said, often too many for one part."""
        self.count += 1
        return " ".join(f"w{self.count}.{n}" for n in range((1, 300)[self.count % 2]))

    def head(self) -> Head:
        """Return what every event begins with."""
        return Head(id=self.new_id(), conversation_id=self.id, at=self.now)

    def inbound(self, event_id: EventId, mid: str) -> InboundHead:
        """Return what every event of the platform begins with."""
        return InboundHead(
            id=event_id,
            conversation_id=self.id,
            at=self.now,
            tenant_id=TENANT,
            channel_id=CHANNEL,
            source=self.source,
            customer="sara",
            mid=mid,
        )

    # What must always hold.

    @invariant()
    def agrees_with_the_model(self) -> None:
        """Compare with the model, field by field."""
        if self.state is not None:
            assert differences(self.model, self.state) == []
            check_invariants(self.state)

    @invariant()
    def has_a_timer_for_all_that_waits_and_no_other(self) -> None:
        """Hold the armed timers against what waits for them."""
        if self.state is None:
            return
        state = self.state
        wanted = {
            TimerKind.REPLY: state.reply and state.reply.due_at,
            TimerKind.SHARE: state.pending_share and state.pending_share.due_at,
            TimerKind.SEND: state.sends[0].due_at if state.sends else None,
            TimerKind.SNOOZE: state.inbox.snoozed_until,
        }
        assert self.armed == {kind: due for kind, due in wanted.items() if due}
