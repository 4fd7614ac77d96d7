"""The rules of a conversation: one decision per event, without clock or I/O.

Start reading at `decide`: one line per event. Each rule returns the next state and
effects; the shard commits records and timers in one transaction with the event, and
then runs the effects that reach outside.
"""

from dataclasses import replace
from typing import assert_never

from actors.conversation import effects, events
from actors.conversation.effects import Decision, Effect, RateMessage
from actors.conversation.errors import UnknownConversationError
from actors.conversation.rules import (
    corrections,
    delivery,
    echoes,
    outcomes,
    profiles,
    questions,
    replies,
    share,
    standby,
    takeover,
)
from actors.conversation.rules.inbox import arranging
from actors.conversation.rules.inbox.noting import note
from actors.conversation.rules.policy import Policy
from actors.conversation.rules.workflows.effects import on_spoke
from actors.conversation.rules.workflows.following import NO_BOOK, Book, follow
from actors.conversation.state import Conversation, TimerKind
from persistence.ids import derive_customer_id


def decide(
    state: Conversation | None,
    event: events.Event,
    policy: Policy,
    book: Book = NO_BOOK,
) -> Decision:
    """Apply one event; `book` has the definitions that the runs go through.

    Raises:
        UnknownConversationError: the event opens no conversation, and there is none.
        WindowClosedError: an operator's message would come too late.
        NewerMessagesError: the operator has not seen the newest messages.
        InvalidEventError: there is nothing to send again.
    """
    before = state
    state = _open(event) if state is None else _next_version(state)
    decision = _apply(state, event, policy)
    decision = follow(before, decision, event, policy, book)
    decision = note(decision, event)
    if isinstance(event, events.CustomerWrote) and decision.state.reply is not None:
        # Thousands come a second, and the end of each burst asks as well.
        return decision
    if isinstance(event, events.CustomerErased):
        # Nobody is looked up who was just forgotten.
        return decision
    return profiles.ask_profile(decision, event.at)


def _apply(state: Conversation, event: events.Event, policy: Policy) -> Decision:
    match event:
        case (
            events.CustomerWrote(is_standby=True)
            | events.CustomerShared(is_standby=True)
        ):
            return standby.on_customer_overheard(state, event)
        case events.CustomerWrote():
            return questions.on_customer_wrote(state, event, policy)
        case events.CustomerShared():
            return share.on_customer_shared(state, event, policy)
        case events.MessageUnsent():
            return corrections.on_unsent(state, event, policy)
        case events.MessageEdited():
            return corrections.on_edited(state, event, policy)
        case events.EchoReceived():
            return echoes.on_echo(state, event)
        case events.OperatorAnswered():
            return takeover.on_operator_answered(state, event)
        case events.ConversationRedirected():
            return takeover.on_redirected(state, event, policy)
        case events.StatusSet():
            return takeover.on_status_set(state, event, policy)
        case events.AiSwitched():
            return takeover.on_ai_switched(state, event, policy)
        case events.ShareTimedOut():
            return share.on_share_timed_out(state, event)
        case events.FeedbackGiven():
            return Decision(state, (RateMessage(*event.rating),))
        case events.WorkflowSpoke():
            return on_spoke(state, event)
        case events.CustomerEdited() | events.WorkflowEvent():
            # No rule reads the first; runs alone are moved by the other: see `follow`.
            return Decision(state)
        case events.ReplyFellDue():
            return replies.on_reply_due(state, event)
        case events.ReplyWritten():
            return replies.on_reply_written(state, event)
        case events.ReplyFailed():
            return replies.on_reply_failed(state, event)
        case events.SendFellDue():
            return delivery.on_send_due(state, event, policy)
        case events.PartDelivered():
            return echoes.on_part_delivered(state, event)
        case events.PartRefused():
            return delivery.on_part_refused(state, event, policy)
        case events.PartOutcomeLost():
            return delivery.on_outcome_lost(state, event, policy)
        case events.SendRetried():
            return outcomes.on_send_retried(state, event)
        case events.ChannelResumed():
            return delivery.on_channel_resumed(state, event)
        case events.ProfileLearned() | events.ProfileMissed():
            return profiles.on_looked_up(state, event)
        case events.InboxEvent():
            return arranging.arrange(state, event)
        case events.CustomerErased():
            return _on_customer_erased(state, event)
        case _:
            assert_never(event)


def _on_customer_erased(state: Conversation, event: events.CustomerErased) -> Decision:
    """Stop all that is under way, and order that every row goes.

    The state that is returned holds nothing of the customer. Nobody stores it: the
    person's next message opens a conversation anew.
    """
    # This event has made a version of its own.
    if event.version is not None and event.version != state.version - 1:
        return Decision(state)
    stopped: list[Effect] = [effects.ClearTimer(kind) for kind in TimerKind]
    if state.reply is not None and state.reply.job is not None:
        stopped.append(effects.CancelReply(state.reply.job))
    erased = effects.EraseCustomer(event.user_id, event.version is not None)
    blank = Conversation(
        id=state.id,
        tenant_id=state.tenant_id,
        channel_id=state.channel_id,
        customer_id=state.customer_id,
        source=state.source,
        platform_id="",
        created_at=state.created_at,
        version=state.version,
    )
    return Decision(blank, (*stopped, erased))


def _open(event: events.Event) -> Conversation:
    """Open a conversation for what a platform sent; no other event opens one.

    An unsent message that was not delivered yet opens one as well, to be known when it
    comes: no list shows such a conversation. An edit opens none; see
    `deployments/integrations/submit.py`.
    """
    if not isinstance(event, events.Inbound) or isinstance(event, events.MessageEdited):
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
