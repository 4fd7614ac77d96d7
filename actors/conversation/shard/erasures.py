"""Late results of erased conversations: a draft, a sent part, and the part's echo.

An answer may be ready, or a part may be with its platform, at the moment at which the
customer is erased. Their results still come. If the same person writes again meanwhile,
they would be stored in the new conversation, words included.
"""

from collections import OrderedDict
from collections.abc import Callable
from uuid import UUID

from actors.conversation import events
from actors.conversation.errors import ShardUnavailableError, UnknownConversationError
from actors.conversation.events import Event
from actors.conversation.state import Conversation
from actors.errors import ActorError
from persistence.erasure import ForgottenEvent
from persistence.ids import ConversationId, SendId, TenantId

#: Results come within a minute; nobody erases so many customers meanwhile.
MAX_DROPPED = 10_000


class Erasures:
    """Knows the jobs and parts that were under way when their customer was erased."""

    def __init__(self, withdraw: Callable[[SendId], bool]) -> None:
        """`withdraw` stops a part, and tells whether a result of it is to come."""
        self._withdraw = withdraw
        self._dropped: OrderedDict[UUID, TenantId] = OrderedDict()
        #: Parts whose platform id is still to come.
        self._awaited: dict[SendId, ConversationId] = {}

    def note(self, state: Conversation) -> None:
        """Note what is under way of a conversation that is about to be erased."""
        if state.reply is not None and state.reply.job is not None:
            self._dropped[state.reply.job] = state.tenant_id
        for send in (*state.sends, *state.unconfirmed):
            self._dropped[send.id] = state.tenant_id
            if self._withdraw(send.id):
                self._awaited[send.id] = state.id
        while len(self._dropped) > MAX_DROPPED:
            self._dropped.popitem(last=False)

    def find_refusal(self, event: Event) -> ActorError | None:
        """Return why this event is not stored; None if no erasure concerns it."""
        if not self._dropped:
            return None
        match event:
            case events.ReplyWritten() | events.ReplyFailed():
                is_late = event.job in self._dropped
            case (
                events.PartDelivered() | events.PartRefused() | events.PartOutcomeLost()
            ):
                is_late = event.send_id in self._dropped
            case events.EchoReceived():
                # It would open a conversation with what we wrote. Once the result of
                # the call is here, the echo is known by its id; until then its
                # delivery is to be repeated.
                is_early = event.conversation_id in self._awaited.values()
                return ShardUnavailableError() if is_early else None
            case _:
                is_late = False
        return UnknownConversationError() if is_late else None

    def take_echo(self, event: Event) -> ForgottenEvent | None:
        """Return the echo to come of a part that was sent; None without one."""
        if not isinstance(
            event, events.PartDelivered | events.PartRefused | events.PartOutcomeLost
        ):
            return None
        self._awaited.pop(event.send_id, None)
        if not isinstance(event, events.PartDelivered):
            return None
        echo = events.echo_message_id(event.conversation_id, event.mid)
        return ForgottenEvent(self._dropped[event.send_id], echo)
