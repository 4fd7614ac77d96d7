"""The users of a simulated history: customers, operators, and the shop's owner."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from random import Random
from typing import TypedDict
from uuid import UUID

from actors.clock import Clock
from actors.conversation.events import (
    AiSwitched,
    ConversationRedirected,
    CustomerShared,
    CustomerWrote,
    EchoReceived,
    Event,
    MessageEdited,
    MessageUnsent,
    OperatorAnswered,
    SendRetried,
    StatusSet,
    customer_message_id,
    echo_message_id,
    share_message_id,
)
from actors.conversation.state import Author, Delivery, Destination, Source, Status
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
from tests.simulation.gateway import EventFactory, Gateway
from tests.support.conversation.memory_journal import MemoryJournal

TENANT = TenantId(UUID(int=1))
OPERATOR = UserId(UUID(int=3))
CHANNELS = {
    source: ChannelId(UUID(int=number)) for number, source in enumerate(Source, 10)
}


#: Within the debounce and beyond it; and the very moments at which a burst ends, an
#: answer comes, a share has waited long enough.
PAUSES_S = (0.05, 0.8, 4, 1.99, 2.0, 2.0, 2.01)
SHARE_WAITS_S = (119.6, 119.9, 119.99, 120.0, 120.01)


@dataclass(frozen=True, slots=True)
class Customer:
    """A customer of the shop."""

    name: str
    source: Source

    @property
    def conversation(self) -> ConversationId:
        """Return the one conversation of this customer."""
        return derive_conversation_id(CHANNELS[self.source], self.name)


class InboundFields(TypedDict):
    """The fields of all events of a platform."""

    id: EventId
    conversation_id: ConversationId
    at: datetime
    tenant_id: TenantId
    channel_id: ChannelId
    source: Source
    customer: str
    mid: str


class Users:
    """All users, and the events of theirs that must be recorded in the end."""

    def __init__(
        self,
        gateway: Gateway,
        clock: Clock,
        random: Random,
        new_id: Callable[[], UUID],
        name_owners_message: Callable[[], str],
        memory: MemoryJournal,
    ) -> None:
        self._gateway = gateway
        self._clock = clock
        self._random = random
        self._new_id = new_id
        self._name_owners_message = name_owners_message
        self._memory = memory
        self._count = 0
        self._mids: dict[Customer, list[str]] = {}
        #: All events that must have happened in the end.
        self.promised: set[EventId] = set()
        #: Platform ids of what the owner typed in the app.
        self.owners_mids: set[str] = set()
        #: The messages that were unsent, and the last text of edited ones.
        self.unsent: set[MessageId] = set()
        self.last_words: dict[MessageId, str] = {}

    async def write_in_bursts(self, customer: Customer, bursts: int) -> None:
        """Let the customer write, share, unsend and edit now and then."""
        for _ in range(bursts):
            await asyncio.sleep(self._random.uniform(0, 30))
            for _ in range(self._random.choice((1, 1, 2, 3))):
                self._gateway.deliver(self._draw_words(customer))
                await asyncio.sleep(self._random.choice(PAUSES_S))
                if self._random.random() < 0.1:
                    await self._share_twice(customer)
                if self._random.random() < 0.15:
                    self._gateway.deliver([self._draw_correction(customer)])

    async def _share_twice(self, customer: Customer) -> None:
        """Share again just when the first share has waited long enough."""
        if customer.source is Source.INSTAGRAM:
            for wait_s in (self._random.choice(SHARE_WAITS_S), 0.0):
                mid = self._name_inbound(customer)
                self._gateway.deliver([self._shares(customer, mid)])
                await asyncio.sleep(wait_s)

    async def interfere(self, customers: Sequence[Customer], actions: int) -> None:
        """Let operators and the owner act now and then."""
        for _ in range(actions):
            await asyncio.sleep(self._random.uniform(0, 40))
            customer = self._random.choice(customers)
            # The console shows stored conversations only.
            if self._knows(customer):
                self._gateway.deliver([self._draw_action(customer)])

    def report_echo(self, customer: Customer, text: str, mid: str) -> None:
        """Deliver the platform's echo of a message in the shop's name."""
        self._gateway.deliver([self._echo(customer, text, mid)])

    def _knows(self, customer: Customer) -> bool:
        return customer.conversation in self._memory.conversations

    def _draw_words(self, customer: Customer) -> list[EventFactory]:
        """Draw the events of one webhook."""
        kind = self._random.random()
        if customer.source is Source.INSTAGRAM and kind < 0.25:
            mid = self._name_inbound(customer)
            shared = self._shares(customer, mid)
            # A share and its question may come as one message.
            return [shared, self._writes(customer, mid)] if kind < 0.1 else [shared]
        several = 2 if kind > 0.8 else 1
        return [
            self._writes(customer, self._name_inbound(customer)) for _ in range(several)
        ]

    def _name_inbound(self, customer: Customer) -> str:
        self._count += 1
        mid = f"in-{self._count}"
        self._mids.setdefault(customer, []).append(mid)
        return mid

    def _draw_correction(self, customer: Customer) -> EventFactory:
        """Draw a message that its author unsends or edits."""
        return self._draw_change(
            customer, self._random.choice(self._mids[customer][-3:])
        )

    def _draw_change(
        self, customer: Customer, mid: str, *, is_ours: bool = False
    ) -> EventFactory:
        self._count += 1
        text, order = f"corrected {self._count}", self._count
        is_unsent = self._random.random() < 0.5 or not self._knows(customer)
        message = MessageId(customer_message_id(customer.conversation, mid))
        if is_unsent:
            self.unsent.add(message)
        else:
            self.last_words[message] = text

        def make(event_id: EventId) -> Event:
            inbound = self._inbound(customer, event_id, mid)
            if is_unsent:
                return MessageUnsent(**inbound, is_ours=is_ours)
            return MessageEdited(**inbound, text=text, is_ours=is_ours, order=order)

        key = f"correction:{self._count}"
        return self._promise(make, derive_event_id(customer.conversation, key))

    def _draw_action(self, customer: Customer) -> EventFactory:
        kind = self._random.randrange(8)
        dead = [
            row.message_id
            for row in self._memory.sends.values()
            if row.conversation_id == customer.conversation
            and row.delivery == Delivery.FAILED
        ]
        if dead and kind == 6:
            return partial(self._retries, customer, dead[-1], EventId(self._new_id()))
        if kind == 0 and customer.source is Source.INSTAGRAM:
            return self._draw_owner_action(customer)
        make: Callable[[EventId], Event]
        if kind <= 2:
            make = partial(self._answers, customer)
        elif kind <= 4:
            # Back to the AI as often as to a person, or it would soon be silent.
            department = self._random.choice(list(Destination))
            to = self._random.choice((Destination.AI, department))
            make = partial(self._redirects, customer, to)
        elif kind == 7:
            make = partial(self._switches, customer, self._random.random() < 0.5)
        else:
            make = partial(self._sets, customer, self._random.choice(list(Status)))
        return self._promise(make, EventId(self._new_id()))

    def _draw_owner_action(self, customer: Customer) -> EventFactory:
        """Draw an action of the owner in the app: a message, or a correction."""
        sent = [
            row.platform_id
            for row in self._memory.messages.values()
            if row.conversation_id == customer.conversation
            and row.type != Author.CUSTOMER
            and row.platform_id is not None
        ]
        if not sent or self._random.random() < 0.5:
            mid = self._name_owners_message()
            self.owners_mids.add(mid)
            return self._echo(customer, f"the owner himself {mid}", mid)
        return self._draw_change(customer, self._random.choice(sent), is_ours=True)

    def _promise(
        self, make: Callable[[EventId], Event], event_id: EventId
    ) -> EventFactory:
        self.promised.add(event_id)
        return partial(make, event_id)

    def _writes(self, customer: Customer, mid: str) -> EventFactory:
        # Telegram numbers its updates; elsewhere the order of arrival counts.
        order = self._count if customer.source is Source.TELEGRAM else 0
        text = f"question {self._count}"

        def make(event_id: EventId) -> Event:
            inbound = self._inbound(customer, event_id, mid)
            return CustomerWrote(**inbound, text=text, order=order)

        return self._promise(make, customer_message_id(customer.conversation, mid))

    def _shares(self, customer: Customer, mid: str) -> EventFactory:
        content = f"share-{self._count}"

        def make(event_id: EventId) -> Event:
            inbound = self._inbound(customer, event_id, mid)
            return CustomerShared(**inbound, content=content)

        return self._promise(make, share_message_id(customer.conversation, mid))

    def _echo(self, customer: Customer, text: str, mid: str) -> EventFactory:
        def make(event_id: EventId) -> Event:
            return EchoReceived(**self._inbound(customer, event_id, mid), text=text)

        return self._promise(make, echo_message_id(customer.conversation, mid))

    def _inbound(
        self, customer: Customer, event_id: EventId, mid: str
    ) -> InboundFields:
        return InboundFields(
            id=event_id,
            conversation_id=customer.conversation,
            at=self._clock.now(),
            tenant_id=TENANT,
            channel_id=CHANNELS[customer.source],
            source=customer.source,
            customer=customer.name,
            mid=mid,
        )

    def _answers(self, customer: Customer, event_id: EventId) -> Event:
        return OperatorAnswered(
            id=event_id,
            conversation_id=customer.conversation,
            at=self._clock.now(),
            user_id=OPERATOR,
            text=f"a person's word {str(event_id)[:6]}",
        )

    def _retries(
        self, customer: Customer, message: MessageId, event_id: EventId
    ) -> Event:
        return SendRetried(
            id=event_id,
            conversation_id=customer.conversation,
            at=self._clock.now(),
            user_id=OPERATOR,
            message_id=message,
        )

    def _redirects(
        self, customer: Customer, destination: Destination, event_id: EventId
    ) -> Event:
        return ConversationRedirected(
            id=event_id,
            conversation_id=customer.conversation,
            at=self._clock.now(),
            destination=destination,
        )

    def _sets(self, customer: Customer, status: Status, event_id: EventId) -> Event:
        return StatusSet(
            id=event_id,
            conversation_id=customer.conversation,
            at=self._clock.now(),
            status=status,
        )

    def _switches(self, customer: Customer, is_on: bool, event_id: EventId) -> Event:
        return AiSwitched(
            id=event_id,
            conversation_id=customer.conversation,
            at=self._clock.now(),
            user_id=OPERATOR,
            ai_enabled=is_on,
        )
