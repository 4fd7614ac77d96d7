"""The ports of a shard: journal, responder, sender and customer profiles."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from actors.conversation.state import Profile, Source
from actors.conversation.trace import AnswerTrace
from persistence import ids
from persistence.journal import Batch, Epoch, Known, TimerRow


class Journal(Protocol):
    """The durable record of a shard; each call is one round trip.

    Every call raises DatabaseAwayError when no answer came: the caller can only ask
    again later. A commit that ends so may have happened.
    """

    async def raise_epoch(self, shard: int) -> Epoch:
        """Claim the shard; the previous holder is fenced at its next write."""
        ...

    async def renew_epoch(self, epoch: Epoch) -> Epoch | None:
        """Go on after a commit whose outcome was lost; None if the shard is lost too.

        If that commit is still under way it is refused from now on.
        """
        ...

    async def fetch_timers(self, shard: int, shards: int) -> tuple[TimerRow, ...]:
        """Fetch the timers that the shard owns, the earliest first."""
        ...

    async def fetch_before_deciding(
        self, conversations: Sequence[ids.ConversationId], events: Sequence[ids.EventId]
    ) -> Known:
        """Fetch the states and the sequence numbers that are stored of these."""
        ...

    async def commit_batch(self, epoch: Epoch, batch: Batch, last_seq: int) -> None:
        """Record the batch as a whole, or nothing of it.

        Raises:
            ShardFencedError: another process holds the shard, or a newer version of
                a conversation is stored.
            BatchRefusedError: the batch can never be stored.
        """
        ...


@dataclass(frozen=True, slots=True)
class AnswerJob:
    """Questions that want one answer, oldest first.

    `share` is the text that they are about, or empty: shared posts, and the words that
    the messages refer to.
    """

    tenant_id: ids.TenantId
    conversation_id: ids.ConversationId
    question_ids: tuple[ids.MessageId, ...]
    share: str = ""


@dataclass(frozen=True, slots=True)
class WrittenAnswer:
    """An answer; `is_handover` when it admits that a person must go on.

    A hand-over with an empty text is silent: nothing is sent, and a person is called.
    With `needs_operator` the AI goes on, and a person is asked to look as well.
    """

    text: str
    is_handover: bool = False
    trace: AnswerTrace = field(default_factory=AnswerTrace)
    needs_operator: bool = False


@dataclass(frozen=True, slots=True)
class OutgoingPart:
    """A part of a message, with all that its platform's adapter needs.

    `tag` is the message tag that Instagram demands of a person's late answer.
    """

    send_id: ids.SendId
    tenant_id: ids.TenantId
    channel_id: ids.ChannelId
    source: Source
    customer: str
    content: str
    tag: str = ""


class Responder(Protocol):
    """Writes answers."""

    async def write(self, job: AnswerJob) -> WrittenAnswer:
        """Write the answer. Raises AnswerFailedError when there will be none."""
        ...


class Sender(Protocol):
    """Hands messages to platforms."""

    async def send(self, part: OutgoingPart) -> str:
        """Send the part and return the platform's id for it.

        Raises:
            SendRefusedError: the platform said no.
            SendOutcomeUnknownError: it did not answer; the part may have arrived.
        """
        ...


@dataclass(frozen=True, slots=True)
class CustomerRef:
    """A customer, by the platform's id."""

    tenant_id: ids.TenantId
    channel_id: ids.ChannelId
    source: Source
    customer: str


@dataclass(frozen=True, slots=True)
class ProfileUnavailable:
    """The reason why a profile is not known.

    `is_temporary` when a retry in a minute may succeed; `is_held` when the platform
    was not even asked.
    """

    reason: str
    is_temporary: bool = False
    is_held: bool = False


class Profiles(Protocol):
    """Looks customer profiles up."""

    async def look_up(self, customer: CustomerRef) -> Profile | ProfileUnavailable:
        """Ask the platform; never raises for what a platform may answer."""
        ...


class NoProfiles:
    """Profiles without a platform to ask."""

    async def look_up(self, customer: CustomerRef) -> ProfileUnavailable:
        """Ask no platform."""
        return ProfileUnavailable(
            f"no platform tells profiles on {customer.source}", is_held=True
        )


NO_PROFILES = NoProfiles()
