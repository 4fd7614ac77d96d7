"""Events and states to write stories with; times are seconds after noon."""

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid5

from actors.conversation.decide import decide
from actors.conversation.effects import Decision, Effect
from actors.conversation.events import (
    ConversationRedirected,
    CustomerWrote,
    EchoReceived,
    Event,
    OperatorAnswered,
    ReplyFellDue,
    ReplyWritten,
    SendFellDue,
)
from actors.conversation.policy import Policy
from actors.conversation.state import (
    Conversation,
    Destination,
    Source,
    check_invariants,
)
from persistence.ids import (
    ChannelId,
    ConversationId,
    EventId,
    TenantId,
    UserId,
    derive_conversation_id,
    derive_event_id,
)

NOON = datetime(2026, 3, 21, 12, tzinfo=UTC)
TENANT = TenantId(UUID(int=1))
CHANNEL = ChannelId(UUID(int=2))
OPERATOR = UserId(UUID(int=3))
POLICY = Policy()


def at(seconds: float) -> datetime:
    """Return the instant so many seconds after noon."""
    return NOON + timedelta(seconds=seconds)


class Story:
    """One conversation told event by event; invariants are checked at each."""

    def __init__(
        self,
        source: Source = Source.WEBSITE,
        *,
        customer: str = "sara",
        policy: Policy = POLICY,
    ) -> None:
        self.source = source
        self.customer = customer
        self.policy = policy
        self.id: ConversationId = derive_conversation_id(CHANNEL, customer)
        self.state: Conversation | None = None
        self.effects: tuple[Effect, ...] = ()
        self._count = 0

    def apply(self, event: Event) -> Decision:
        """Decide on the event and go on from there."""
        decision = decide(self.state, event, self.policy)
        check_invariants(decision.state)
        self.state, self.effects = decision.state, decision.effects
        return decision

    @property
    def now(self) -> Conversation:
        """Return the state; there must have been an event."""
        assert self.state is not None
        return self.state

    def new_id(self) -> EventId:
        """Return an id that this story has not used."""
        self._count += 1
        return EventId(uuid5(self.id, f"event-{self._count}"))

    def customer_event(self, text: str, seconds: float, mid: str) -> CustomerWrote:
        """Build the event of the customer writing `text`."""
        return CustomerWrote(
            id=derive_event_id(self.id, mid),
            conversation_id=self.id,
            at=at(seconds),
            tenant_id=TENANT,
            channel_id=CHANNEL,
            source=self.source,
            customer=self.customer,
            mid=mid,
            text=text,
        )

    def customer_writes(self, text: str, seconds: float, mid: str = "") -> Decision:
        """The customer writes `text`."""
        self._count += 1
        mid = mid or f"m{self._count}-{seconds}"
        return self.apply(self.customer_event(text, seconds, mid))

    def echo_arrives(self, text: str, seconds: float, mid: str) -> Decision:
        """The platform reports what was sent in the shop's name."""
        return self.apply(
            EchoReceived(
                id=derive_event_id(self.id, f"echo:{mid}"),
                conversation_id=self.id,
                at=at(seconds),
                tenant_id=TENANT,
                channel_id=CHANNEL,
                source=self.source,
                customer=self.customer,
                mid=mid,
                text=text,
            )
        )

    def operator_answers(self, text: str, seconds: float) -> Decision:
        """An operator writes `text`."""
        return self.apply(
            OperatorAnswered(
                id=self.new_id(),
                conversation_id=self.id,
                at=at(seconds),
                user_id=OPERATOR,
                text=text,
            )
        )

    def redirect(self, destination: Destination, seconds: float) -> Decision:
        """The conversation is handed to `destination`."""
        return self.apply(
            ConversationRedirected(
                id=self.new_id(),
                conversation_id=self.id,
                at=at(seconds),
                destination=destination,
            )
        )

    def reply_timer_fires(self, seconds: float) -> Decision:
        """The reply timer that is armed fires."""
        assert self.now.reply is not None
        return self.apply(
            ReplyFellDue(
                id=self.new_id(),
                conversation_id=self.id,
                at=at(seconds),
                due_at=self.now.reply.due_at,
            )
        )

    def ai_writes(
        self, text: str, seconds: float, *, job: EventId, is_handover: bool = False
    ) -> Decision:
        """The answer to `job` comes back."""
        return self.apply(
            ReplyWritten(
                id=self.new_id(),
                conversation_id=self.id,
                at=at(seconds),
                job=job,
                text=text,
                is_handover=is_handover,
            )
        )

    def send_timer_fires(self, seconds: float) -> Decision:
        """The send timer that is armed fires."""
        return self.apply(
            SendFellDue(
                id=self.new_id(),
                conversation_id=self.id,
                at=at(seconds),
                due_at=self.now.sends[0].due_at,
            )
        )

    def running_job(self) -> EventId:
        """Return the job that is being written."""
        assert self.now.reply is not None
        assert self.now.reply.job is not None
        return self.now.reply.job
