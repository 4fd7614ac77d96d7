"""What a shard needs done outside: someone who writes answers, someone who sends."""

from dataclasses import dataclass, field
from typing import Protocol

from actors.conversation.events import AnswerTrace
from actors.conversation.state import Profile, Source
from persistence.ids import (
    ChannelId,
    ConversationId,
    MessageId,
    SendId,
    TenantId,
)


@dataclass(frozen=True, slots=True)
class AnswerJob:
    """Questions that want one answer, oldest first.

    `share` is what a shared post says that they are about; empty if there is none.
    """

    tenant_id: TenantId
    conversation_id: ConversationId
    question_ids: tuple[MessageId, ...]
    share: str = ""


@dataclass(frozen=True, slots=True)
class WrittenAnswer:
    """An answer; `is_handover` when it admits that a person must go on.

    With `needs_operator` the AI goes on, and a person is asked to look as well.
    """

    text: str
    is_handover: bool = False
    trace: AnswerTrace = field(default_factory=AnswerTrace)
    needs_operator: bool = False


@dataclass(frozen=True, slots=True)
class OutgoingPart:
    """A part of a message, with all that its platform's adapter needs.

    `tag` is what Instagram wants to be told when a person answers late.
    """

    send_id: SendId
    tenant_id: TenantId
    channel_id: ChannelId
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
class Unnamed:
    """A customer of whom only the platform's id is known."""

    tenant_id: TenantId
    channel_id: ChannelId
    source: Source
    customer: str


@dataclass(frozen=True, slots=True)
class NoProfile:
    """Why nobody knows who a customer is.

    `is_passing` when it may be otherwise in a minute; `is_held` when the platform was
    not even asked.
    """

    reason: str
    is_passing: bool = False
    is_held: bool = False


class Profiles(Protocol):
    """Knows who customers are."""

    async def look_up(self, who: Unnamed) -> Profile | NoProfile:
        """Ask the platform; never raises for what a platform may answer."""
        ...


class NobodyKnows:
    """There is no platform to ask."""

    async def look_up(self, who: Unnamed) -> NoProfile:
        """Ask nobody."""
        return NoProfile(f"nobody knows who writes on {who.source}", is_held=True)


NOBODY_KNOWS = NobodyKnows()
