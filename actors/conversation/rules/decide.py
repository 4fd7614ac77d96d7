"""The rules of a conversation, with no clock and no I/O.

Read `decide` first: one line per event. Each rule returns the next state and what it
orders; the shard records both in one transaction and then carries the orders out.
"""

from typing import assert_never

from actors.conversation.effects import Decision, RateMessage
from actors.conversation.errors import UnknownConversationError
from actors.conversation.events import (
    AiSwitched,
    ChannelResumed,
    ConversationRedirected,
    CustomerEdited,
    CustomerShared,
    CustomerWrote,
    EchoReceived,
    Event,
    FeedbackGiven,
    Inbound,
    MessageEdited,
    MessageUnsent,
    OperatorAnswered,
    PartDelivered,
    PartOutcomeLost,
    PartRefused,
    ProfileLearned,
    ProfileMissed,
    ReplyFailed,
    ReplyFellDue,
    ReplyWritten,
    SendFellDue,
    SendRetried,
    ShareTimedOut,
    StatusSet,
)
from actors.conversation.rules.backoff import on_channel_resumed
from actors.conversation.rules.copying import replace
from actors.conversation.rules.corrections import on_edited, on_unsent
from actors.conversation.rules.dead_letters import on_send_retried
from actors.conversation.rules.delivery import (
    on_outcome_lost,
    on_part_refused,
    on_send_due,
)
from actors.conversation.rules.echoes import on_echo, on_part_delivered
from actors.conversation.rules.policy import Policy
from actors.conversation.rules.profiles import (
    ask_profile,
    on_profile_learned,
    on_profile_missed,
)
from actors.conversation.rules.questions import on_customer_wrote
from actors.conversation.rules.replies import (
    on_reply_due,
    on_reply_failed,
    on_reply_written,
)
from actors.conversation.rules.share import on_customer_shared, on_share_timed_out
from actors.conversation.rules.takeover import (
    on_ai_switched,
    on_operator_answered,
    on_redirected,
    on_status_set,
)
from actors.conversation.state import Conversation
from persistence.ids import derive_customer_id


def decide(state: Conversation | None, event: Event, policy: Policy) -> Decision:
    """Apply one event.

    Raises:
        UnknownConversationError: an event that opens no conversation names none.
        WindowClosedError: an operator's message would come too late.
        InvalidEventError: there is nothing to send again.
    """
    state = _open(event) if state is None else _next_version(state)
    decision = _apply(state, event, policy)
    if isinstance(event, CustomerWrote) and decision.state.reply is not None:
        # Thousands come a second, and the end of each burst asks as well.
        return decision
    return ask_profile(decision, event.at)


def _apply(state: Conversation, event: Event, policy: Policy) -> Decision:
    match event:
        case CustomerWrote():
            return on_customer_wrote(state, event, policy)
        case CustomerShared():
            return on_customer_shared(state, event, policy)
        case MessageUnsent():
            return on_unsent(state, event, policy)
        case MessageEdited():
            return on_edited(state, event, policy)
        case EchoReceived():
            return on_echo(state, event)
        case OperatorAnswered():
            return on_operator_answered(state, event)
        case ConversationRedirected():
            return on_redirected(state, event, policy)
        case StatusSet():
            return on_status_set(state, event, policy)
        case AiSwitched():
            return on_ai_switched(state, event, policy)
        case ShareTimedOut():
            return on_share_timed_out(state, event)
        case FeedbackGiven():
            rated = RateMessage(event.message_id, event.feedback, event.comment)
            return Decision(state, (rated,))
        case CustomerEdited():
            # No rule reads it: the history keeps it, and who follows is told.
            return Decision(state)
        case ReplyFellDue():
            return on_reply_due(state, event)
        case ReplyWritten():
            return on_reply_written(state, event)
        case ReplyFailed():
            return on_reply_failed(state, event)
        case SendFellDue():
            return on_send_due(state, event, policy)
        case PartDelivered():
            return on_part_delivered(state, event)
        case PartRefused():
            return on_part_refused(state, event, policy)
        case PartOutcomeLost():
            return on_outcome_lost(state, event, policy)
        case SendRetried():
            return on_send_retried(state, event)
        case ChannelResumed():
            return on_channel_resumed(state, event)
        case ProfileLearned():
            return on_profile_learned(state, event)
        case ProfileMissed():
            return on_profile_missed(state, event)
        case _:
            assert_never(event)


def _open(event: Event) -> Conversation:
    """Open a conversation for what a platform sent; nothing else can.

    What was taken back before it came must be known when it comes: until something is
    said there, nobody is shown such a conversation. What is worded anew is not opened
    for; see `deployments/integrations/submit.py`.
    """
    if not isinstance(event, Inbound) or isinstance(event, MessageEdited):
        raise UnknownConversationError
    return Conversation(
        id=event.conversation_id,
        tenant_id=event.tenant_id,
        channel_id=event.channel_id,
        customer_id=derive_customer_id(event.channel_id, event.customer),
        source=event.source,
        platform_id=event.customer,
        created_at=event.at,
        version=1,
    )


def _next_version(state: Conversation) -> Conversation:
    return replace(state, version=state.version + 1)
