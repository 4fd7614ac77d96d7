"""What a shard needs done outside: someone who writes answers, someone who sends."""

from dataclasses import dataclass, field
from typing import Protocol

from actors.conversation.events import AnswerTrace
from actors.conversation.state import Source
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
