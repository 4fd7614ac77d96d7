"""Checks each part that we send: what we recorded, and what arrived."""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from actors.conversation.ports import OutgoingPart
from actors.conversation.rules.policy import Policy
from actors.conversation.state import Delivery
from persistence.ids import ConversationId, MessageId, SendId
from persistence.journal import SendRow
from tests.simulation.platform import Arrival
from tests.support.conversation.memory_journal import MemoryJournal
from tests.support.conversation.reference_model import ReferenceModel

#: A time is taken when a batch is begun, and seen here when it is committed: a
#: statement that was still under way when its connection broke, seconds later.
COMMIT_S = 5.0


class Check(Protocol):
    """Notes a promise that does not hold."""

    def __call__(self, promise: str, *things: object, holds: bool) -> None:
        """Note it, with the things that it is about."""
        ...


@dataclass(slots=True)
class Sending:
    """The calls and arrivals of one part."""

    calls: int = 0
    begun: int = 0
    #: The conversation's version when the last call was ordered, and the time.
    ordered_at: int = 0
    begun_at: float = 0.0
    unknown_since: float | None = None
    is_known_sent: bool = False
    #: How many arrivals were waited for in vain: sending again is right.
    forgiven: int = 0
    arrivals: list[Arrival] = field(default_factory=list)


class Deliveries:
    """Checks calls and arrivals against what was recorded."""

    def __init__(
        self,
        memory: MemoryJournal,
        policy: Policy,
        now: Callable[[], float],
        check: Check,
    ) -> None:
        self._memory = memory
        self._timeout_s = policy.echo_timeout.total_seconds()
        self._lease_s = policy.send_lease.total_seconds()
        self._now = now
        self._check = check
        self._sendings: defaultdict[SendId, Sending] = defaultdict(Sending)
        #: The version at which a message was made, or sent again by a person.
        self._made_at: dict[MessageId, int] = {}
        self._models: dict[MessageId, ReferenceModel] = {}
        self._retried: set[MessageId] = set()
        #: Number and part of what reached a customer last.
        self._newest: dict[ConversationId, tuple[int, int]] = {}

    def note_message(self, message: MessageId, model: ReferenceModel) -> None:
        """Note a message that was just stored."""
        self._made_at[message], self._models[message] = model.version, model

    def note_retry(self, message: MessageId, version: int) -> None:
        """Note that a person wants the message sent again: whoever wrote it."""
        self._made_at[message] = version
        self._retried.add(message)
        for send in self._memory.sends.values():
            if send.message_id == message:
                sending = self._sendings[send.id]
                sending.forgiven = len(sending.arrivals)

    def note_echo(self, mid: str) -> None:
        """Note that we were told of an arrival."""
        for sending in self._sendings.values():
            if any(arrival.mid == mid for arrival in sending.arrivals):
                sending.is_known_sent = True

    def note_row(self, row: SendRow, version: int) -> None:
        """Check where a part is said to stand."""
        sending = self._sendings[row.id]
        match row.delivery:
            case "sending":
                sending.begun += 1
                sending.ordered_at = version
                sending.begun_at = self._now()
                self._check_begin(row, sending)
                sending.unknown_since = None
            case "unknown":
                if sending.unknown_since is None:
                    sending.unknown_since = self._now()
            case "sent":
                mids = {arrival.mid for arrival in sending.arrivals}
                is_true = row.platform_id in mids
                self._check("what is called sent has arrived", row.id, holds=is_true)
                sending.is_known_sent = True
            case _:
                pass

    def _check_begin(self, row: SendRow, sending: Sending) -> None:
        if len(sending.arrivals) == sending.forgiven:
            return
        sending.forgiven = len(sending.arrivals)
        self._check(
            "what is known to have arrived is not sent again",
            row.id,
            holds=not sending.is_known_sent,
        )
        waited = self._now() - (sending.unknown_since or self._now())
        self._check(
            "an outcome in doubt waits for its echo",
            row.id,
            holds=waited >= self._timeout_s - COMMIT_S,
        )

    def note_call(self, part: OutgoingPart) -> None:
        """Check that the call was recorded, and is still wanted."""
        sending = self._sendings[part.send_id]
        sending.calls += 1
        self._check(
            "a call is recorded before it is made",
            part.send_id,
            holds=sending.calls <= sending.begun,
        )
        self._check(
            "a call is made within its lease",
            part.send_id,
            holds=self._now() < sending.begun_at + self._lease_s,
        )
        message = self._memory.messages[self._memory.sends[part.send_id].message_id]
        stopped_at = self._models[message.id].ai_stopped_at
        is_later = self._made_at[message.id] < stopped_at <= sending.ordered_at
        self._check(
            "the AI says nothing after a person took over",
            part.send_id,
            # Sent again by a person, it is a person's word.
            holds=message.type != "AI" or message.id in self._retried or not is_later,
        )

    def note_arrival(self, arrival: Arrival) -> None:
        """Check the order in which a customer gets what we send."""
        sending = self._sendings[arrival.part.send_id]
        sending.arrivals.append(arrival)
        row = self._memory.sends[arrival.part.send_id]
        # What was given up in doubt may still arrive, and behind what came after it.
        is_given_up = row.delivery in {Delivery.UNKNOWN, Delivery.FAILED}
        is_again = len(sending.arrivals) > 1 or row.message_id in self._retried
        if is_again or is_given_up:
            return
        place = (self._memory.messages[row.message_id].seq, row.part)
        is_later = place > self._newest.get(row.conversation_id, (0, -1))
        self._check("a customer gets our messages in order", place, holds=is_later)
        self._newest[row.conversation_id] = place

    def has_arrived(self, send: SendId) -> bool:
        """Whether the part reached the customer."""
        return bool(self._sendings[send].arrivals)
