"""Events and states to write stories with; times are seconds after noon."""

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid5

from actors.conversation.decide import decide
from actors.conversation.effects import (
    Count,
    Decision,
    Effect,
    LogName,
    RecordMessage,
    WriteLog,
)
from actors.conversation.events import (
    ConversationRedirected,
    CustomerShared,
    CustomerWrote,
    EchoReceived,
    Event,
    Media,
    MessageEdited,
    MessageUnsent,
    OperatorAnswered,
    PartDelivered,
    PartOutcomeLost,
    PartRefused,
    ReplyFellDue,
    ReplyWritten,
    SendFellDue,
    SendRetried,
    ShareTimedOut,
    StatusSet,
    customer_message_id,
    share_message_id,
)
from actors.conversation.policy import Policy
from actors.conversation.state import (
    Conversation,
    Destination,
    MessageType,
    Source,
    Status,
    check_invariants,
)
from persistence.ids import (
    ChannelId,
    ConversationId,
    EventId,
    MessageId,
    SendId,
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

    def customer_event(
        self,
        text: str,
        seconds: float,
        mid: str,
        *,
        message_type: MessageType = MessageType.TEXT,
        media: tuple[Media, ...] = (),
        order: int = 0,
    ) -> CustomerWrote:
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
            message_type=message_type,
            media=media,
            order=order,
        )

    def customer_writes(self, text: str, seconds: float, mid: str = "") -> Decision:
        """The customer writes `text`."""
        self._count += 1
        mid = mid or f"m{self._count}-{seconds}"
        return self.apply(self.customer_event(text, seconds, mid))

    def customer_sends(
        self, message_type: MessageType, seconds: float, mid: str = "media"
    ) -> Decision:
        """The customer sends a picture, a voice or a video without words."""
        media = (Media(message_type, f"https://cdn.example/{mid}", mid),)
        return self.apply(
            self.customer_event(
                "", seconds, mid, message_type=message_type, media=media
            )
        )

    def customer_shares(
        self, content: str, seconds: float, mid: str = "s1"
    ) -> MessageId:
        """The customer shares a post that says `content`; returns its message."""
        self.apply(
            CustomerShared(
                id=share_message_id(self.id, mid),
                conversation_id=self.id,
                at=at(seconds),
                tenant_id=TENANT,
                channel_id=CHANNEL,
                source=self.source,
                customer=self.customer,
                mid=mid,
                content=content,
                media=(Media(MessageType.SHARE, "https://cdn.example", f"ig-{mid}"),),
            )
        )
        return MessageId(share_message_id(self.id, mid))

    def share_timer_fires(self, seconds: float, due: float) -> Decision:
        """The share timer that was set for `due` fires."""
        return self.apply(
            ShareTimedOut(
                id=self.new_id(),
                conversation_id=self.id,
                at=at(seconds),
                due_at=at(due),
            )
        )

    def is_unsent(self, mid: str, seconds: float, *, is_ours: bool = False) -> Decision:
        """The message `mid` is taken back."""
        return self.apply(
            MessageUnsent(
                id=derive_event_id(self.id, f"unsent:{mid}"),
                conversation_id=self.id,
                at=at(seconds),
                tenant_id=TENANT,
                channel_id=CHANNEL,
                source=self.source,
                customer=self.customer,
                mid=mid,
                is_ours=is_ours,
            )
        )

    def is_edited(
        self, mid: str, text: str, seconds: float, *, is_ours: bool = False
    ) -> Decision:
        """The message `mid` now says `text`."""
        return self.apply(
            MessageEdited(
                id=self.new_id(),
                conversation_id=self.id,
                at=at(seconds),
                tenant_id=TENANT,
                channel_id=CHANNEL,
                source=self.source,
                customer=self.customer,
                mid=mid,
                text=text,
                is_ours=is_ours,
            )
        )

    def message_of(self, mid: str) -> MessageId:
        """Return the id of what the customer wrote as `mid`."""
        return MessageId(customer_message_id(self.id, mid))

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

    def set_status(self, status: Status, seconds: float) -> Decision:
        """An operator sets the status."""
        return self.apply(
            StatusSet(
                id=self.new_id(),
                conversation_id=self.id,
                at=at(seconds),
                status=status,
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
        self,
        text: str,
        seconds: float,
        *,
        job: EventId,
        is_handover: bool = False,
        needs_operator: bool = False,
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
                needs_operator=needs_operator,
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

    def send_timer_is_stale(self, seconds: float, due: float) -> bool:
        """Whether a send timer that was set for `due` does nothing any more."""
        fired = SendFellDue(
            id=self.new_id(),
            conversation_id=self.id,
            at=at(seconds),
            due_at=at(due),
        )
        return self.apply(fired).effects == ()

    def running_job(self) -> EventId:
        """Return the job that is being written."""
        assert self.now.reply is not None
        assert self.now.reply.job is not None
        return self.now.reply.job

    def part_arrives(
        self, mid: str, seconds: float, *, send_id: SendId | None = None
    ) -> Decision:
        """The platform takes the part under way, or another, and names it."""
        return self.apply(
            PartDelivered(
                id=self.new_id(),
                conversation_id=self.id,
                at=at(seconds),
                send_id=send_id or self.now.sends[0].id,
                mid=mid,
            )
        )

    def part_is_refused(
        self,
        seconds: float,
        *,
        permanent: bool = False,
        retry_after: timedelta | None = None,
        is_held: bool = False,
    ) -> Decision:
        """The platform says no to the part under way."""
        return self.apply(
            PartRefused(
                id=self.new_id(),
                conversation_id=self.id,
                at=at(seconds),
                send_id=self.now.sends[0].id,
                reason="told to fail",
                permanent=permanent,
                retry_after=retry_after,
                is_held=is_held,
            )
        )

    def part_is_lost(self, seconds: float) -> Decision:
        """The platform does not answer for the part under way."""
        return self.apply(
            PartOutcomeLost(
                id=self.new_id(),
                conversation_id=self.id,
                at=at(seconds),
                send_id=self.now.sends[0].id,
                reason="time-out",
            )
        )

    def operator_retries(self, message: MessageId, seconds: float) -> Decision:
        """An operator has a failed message sent again."""
        return self.apply(
            SendRetried(
                id=self.new_id(),
                conversation_id=self.id,
                at=at(seconds),
                user_id=OPERATOR,
                message_id=message,
            )
        )

    def ask_and_start(self, text: str, seconds: float, mid: str = "") -> EventId:
        """The customer asks, and two seconds later the answer is begun."""
        self.customer_writes(text, seconds, mid)
        self.reply_timer_fires(seconds + 2)
        return self.running_job()

    @property
    def recorded(self) -> RecordMessage:
        """Return the one message that the last event stored."""
        (message,) = [one for one in self.effects if isinstance(one, RecordMessage)]
        return message

    @property
    def counted(self) -> list[tuple[str, str]]:
        """Return what the last event counted: metric and label."""
        counts = [one for one in self.effects if isinstance(one, Count)]
        return [(count.counter.value, count.label) for count in counts]

    def logged(self, log: LogName) -> list[str]:
        """Return what the last event wrote into a log."""
        lines = [one for one in self.effects if isinstance(one, WriteLog)]
        return [line.text for line in lines if line.log is log]
