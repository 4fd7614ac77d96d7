"""The rule of a customer who is forgotten."""

from actors.conversation import effects, events
from actors.conversation.effects import Decision, Effect
from actors.conversation.state import Conversation, TimerKind


def on_customer_erased(state: Conversation, event: events.CustomerErased) -> Decision:
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
