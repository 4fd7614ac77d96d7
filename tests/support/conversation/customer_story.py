"""The customer's side of a conversation for rule tests, with times and ids."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TypedDict
from uuid import UUID, uuid5

from actors.conversation.effects import (
    Count,
    Decision,
    Effect,
    LogName,
    RecordMessage,
    WriteLog,
)
from actors.conversation.events import (
    CustomerShared,
    CustomerWrote,
    EchoReceived,
    Event,
    Media,
    MessageEdited,
    MessageUnsent,
    customer_message_id,
    share_message_id,
)
from actors.conversation.rules.decide import decide
from actors.conversation.rules.policy import Policy
from actors.conversation.state import (
    Conversation,
    MessageType,
    Source,
    check_invariants,
)
from persistence.ids import (
    ChannelId,
    ConversationId,
    EventId,
    MessageId,
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


class Head(TypedDict):
    """The fields of all events."""

    id: EventId
    conversation_id: ConversationId
    at: datetime


class InboundHead(Head):
    """The fields of all events of a platform."""

    tenant_id: TenantId
    channel_id: ChannelId
    source: Source
    customer: str
    mid: str


class CustomerStory:
    """A conversation to which a customer writes."""

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

    def head(self, seconds: float) -> Head:
        """Return the fields of an event of this conversation, with a new id."""
        return Head(id=self.new_id(), conversation_id=self.id, at=at(seconds))

    def inbound_head(self, event_id: EventId, seconds: float, mid: str) -> InboundHead:
        """Return the fields of an event from the platform."""
        return InboundHead(
            id=event_id,
            conversation_id=self.id,
            at=at(seconds),
            tenant_id=TENANT,
            channel_id=CHANNEL,
            source=self.source,
            customer=self.customer,
            mid=mid,
        )

    def customer_event(
        self,
        text: str,
        seconds: float,
        mid: str,
        *,
        message_type: MessageType = MessageType.TEXT,
        media: tuple[Media, ...] = (),
        order: int = 0,
        referred: str = "",
        reply_to_mid: str | None = None,
    ) -> CustomerWrote:
        """Build the event of the customer writing `text`."""
        return CustomerWrote(
            **self.inbound_head(derive_event_id(self.id, mid), seconds, mid),
            text=text,
            message_type=message_type,
            media=media,
            order=order,
            referred=referred,
            reply_to_mid=reply_to_mid,
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
                **self.inbound_head(share_message_id(self.id, mid), seconds, mid),
                content=content,
                media=(Media(MessageType.SHARE, "https://cdn.example", f"ig-{mid}"),),
            )
        )
        return MessageId(share_message_id(self.id, mid))

    def is_unsent(self, mid: str, seconds: float, *, is_ours: bool = False) -> Decision:
        """The message `mid` is taken back."""
        return self.apply(self.unsent_event(mid, seconds, is_ours=is_ours))

    def unsent_event(
        self, mid: str, seconds: float, *, is_ours: bool = False
    ) -> MessageUnsent:
        """Return the event of a message that is taken back."""
        return MessageUnsent(
            **self.inbound_head(
                derive_event_id(self.id, f"unsent:{mid}"), seconds, mid
            ),
            is_ours=is_ours,
        )

    def is_edited(
        self,
        mid: str,
        text: str,
        seconds: float,
        *,
        is_ours: bool = False,
        order: int = 0,
    ) -> Decision:
        """The message `mid` now says `text`."""
        event = self.edited_event(mid, text, seconds)
        return self.apply(replace(event, is_ours=is_ours, order=order))

    def edited_event(self, mid: str, text: str, seconds: float) -> MessageEdited:
        """Return the event of a message that says `text` now."""
        head = self.inbound_head(self.new_id(), seconds, mid)
        return MessageEdited(**head, text=text)

    def message_of(self, mid: str) -> MessageId:
        """Return the id of what the customer wrote as `mid`."""
        return MessageId(customer_message_id(self.id, mid))

    def echo_arrives(self, text: str, seconds: float, mid: str) -> Decision:
        """The platform reports what was sent in the shop's name."""
        return self.apply(
            EchoReceived(
                **self.inbound_head(
                    derive_event_id(self.id, f"echo:{mid}"), seconds, mid
                ),
                text=text,
            )
        )

    @property
    def recorded(self) -> RecordMessage:
        """Return the one message that the last event stored."""
        (message,) = [e for e in self.effects if isinstance(e, RecordMessage)]
        return message

    @property
    def counted(self) -> list[tuple[str, str]]:
        """Return what the last event counted: metric and label."""
        counts = [e for e in self.effects if isinstance(e, Count)]
        return [(count.counter.value, count.label) for count in counts]

    def logged(self, log: LogName) -> list[str]:
        """Return what the last event wrote into a log."""
        lines = [e for e in self.effects if isinstance(e, WriteLog)]
        return [line.text for line in lines if line.log is log]
