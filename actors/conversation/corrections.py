"""The rules of messages that their author takes back or words anew."""

from dataclasses import replace

from actors.conversation.effects import (
    BlankMessages,
    Decision,
    Effect,
    ForgetCombination,
    RewriteMessages,
)
from actors.conversation.events import (
    MessageEdited,
    MessageUnsent,
    customer_message_id,
    echo_message_id,
    share_message_id,
)
from actors.conversation.policy import Policy
from actors.conversation.replies import await_burst, stop_reply
from actors.conversation.share import combine, drop_pending
from actors.conversation.state import MAX_UNSENT_MIDS, Conversation
from persistence.ids import MessageId


def on_unsent(state: Conversation, event: MessageUnsent, policy: Policy) -> Decision:
    """Forget what was taken back; nobody answers it or refers to it any more."""
    if event.mid in state.unsent_mids:
        return Decision(state)
    derived = (customer_message_id, share_message_id, echo_message_id)
    ids = tuple(MessageId(build(state.id, event.mid)) for build in derived)
    effects: list[Effect] = [BlankMessages(ids)]
    if state.pending_share is not None and state.pending_share.message_id in ids:
        state, dropped = drop_pending(state)
        effects.extend(dropped)
    effects.extend(
        ForgetCombination(share.question)
        for share in state.combined
        if share.share in ids and share.question not in ids
    )
    was_asked, was_combined = state.questions, state.combined
    state = replace(
        state,
        unsent_mids=(*state.unsent_mids, event.mid)[-MAX_UNSENT_MIDS:],
        questions=tuple(one for one in was_asked if one not in ids),
        combined=tuple(
            share
            for share in state.combined
            if share.share not in ids and share.question not in ids
        ),
    )
    if state.reply is not None:
        if not state.questions:
            state, stopped = stop_reply(state, "unsent")
            effects.extend(stopped)
        elif (state.questions, state.combined) != (was_asked, was_combined):
            # What is being written may speak of it.
            due_at = event.at + policy.reply_debounce
            state, awaited = await_burst(state, due_at, "unsent")
            effects.extend(awaited)
    return Decision(state, tuple(effects))


def on_edited(state: Conversation, event: MessageEdited, policy: Policy) -> Decision:
    """Store the new words; an answer to the old ones is out of date."""
    if event.mid in state.unsent_mids:
        return Decision(state)
    question = MessageId(customer_message_id(state.id, event.mid))
    ids = (question, MessageId(echo_message_id(state.id, event.mid)))
    combined = next(
        (
            combine(share.content, event.text)
            for share in state.combined
            if share.question == question
        ),
        None,
    )
    rewritten = RewriteMessages(ids, event.text, combined)
    if state.reply is None or question not in state.questions:
        return Decision(state, (rewritten,))
    state, awaited = await_burst(state, event.at + policy.reply_debounce)
    return Decision(state, (rewritten, *awaited))
